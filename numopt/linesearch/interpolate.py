"""Minimisers of the polynomials through two points of a function of one variable."""

from .._jit import jit, sqrt


@jit(borrow=True)
def cubic_ratio(a, fa, da, b, fb, db):
    """(r, gamma): a + r (b - a) minimises the cubic with values fa, fb and slopes da, db; gamma = 0: none exists.

    Nocedal & Wright (2006), eq. 3.59, with the square root scaled against overflow as in MINPACK-2.
    """
    theta = 3.0 * (fa - fb) / (b - a) + da + db
    scale = max(abs(theta), abs(da), abs(db))
    if not scale > 0.0:
        return 0.0, 0.0
    gamma = scale * sqrt(max(0.0, (theta / scale) ** 2 - (da / scale) * (db / scale)))
    if b < a:
        gamma = -gamma
    return ((gamma - da) + theta) / (((gamma - da) + gamma) + db), gamma


@jit(borrow=True)
def cubic_minimizer(a, fa, da, b, fb, db):
    """The minimiser of the cubic with values fa, fb and slopes da, db at a and b."""
    return a + cubic_ratio(a, fa, da, b, fb, db)[0] * (b - a)


@jit(borrow=True)
def quadratic_minimizer(a, fa, da, b, fb):
    """The minimiser of the parabola with values fa, fb and slope da at a."""
    return a + (da / ((fa - fb) / (b - a) + da)) / 2.0 * (b - a)


@jit(borrow=True)
def secant_minimizer(a, da, b, db):
    """The minimiser of the parabola with slopes da and db."""
    return a + (da / (da - db)) * (b - a)
