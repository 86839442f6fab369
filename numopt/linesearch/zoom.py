"""The bracket-and-zoom line search for strong Wolfe conditions.

J. Nocedal and S. J. Wright, Numerical Optimization (2006), algorithms 3.5 and 3.6, made resumable; with the approximate
Wolfe conditions of W. W. Hager and H. Zhang, SIAM J. Optim. 16 (2005) 170-192, so that it can finish at the limit of
precision. Theirs replace the others wherever phi rises by at most 1e-6 |phi(0)|; here they decide only where phi(alpha)
and phi(0) differ by rounding, because on a flat function they accept a step that is far from any minimiser.
"""

import numpy as np

from .._jit import by_type, is_number, jit, record
from ..generic import advance, begin, decrease_constant, first_step
from .interpolate import cubic_minimizer, quadratic_minimizer
from .safeguard import ACCEPTED, OWN, PHI0, SEARCHING, SLOPE0, STOPPED, WALL

# The search's own entries of the state. While it brackets, LOWER is the previous trial; then the better end.
ZOOMING = OWN
LOWER, PHI_LOWER, SLOPE_LOWER = OWN + 1, OWN + 2, OWN + 3
UPPER, PHI_UPPER, SLOPE_UPPER = OWN + 4, OWN + 5, OWN + 6
OLD_WIDTH = OWN + 7

_EXPAND_LEAST, _EXPAND_MOST = 2.0, 10.0
_MARGIN = 0.1  # interpolated trials keep this share of the interval away from its ends
_SMALL_CHANGE = 1e-7  # relative predicted change of phi below which its differences lose half their digits or more
_RESOLUTION = 4e-15  # relative differences of phi below this are rounding: the slope decides


@record
class Zoom:
    """Line search with strong Wolfe conditions, by bracketing and zooming.

    Accepts alpha if phi(alpha) <= phi(0) + c1 alpha phi'(0) and |phi'(alpha)| <= c2 |phi'(0)|, or, near the limit of
    precision, if |phi(alpha) - phi(0)| <= c3 |phi(0)| and (2 c1 - 1) phi'(0) >= phi'(alpha) >= c2 phi'(0).

    Parameters
    ----------
    c1, c2 : float
        0 < c1 < c2 < 1.
    c3 : float or None
        Relative change of phi that counts as rounding; None: strong Wolfe conditions only.
    xtol : float
        Stop when the interval is relatively shorter than this.
    max_evals : float
        Finite trials at most.

    References
    ----------
    Nocedal and Wright, Numerical Optimization (2006), algorithms 3.5 and 3.6;
    Hager and Zhang, SIAM J. Optim. 16 (2005) 170-192.
    """

    c1: float = 1e-4
    c2: float = 0.9
    c3: float | None = 1e-14
    xtol: float = 1e-10
    max_evals: float = 20

    def check(self):
        """Raise ValueError for constants that make no sense."""
        if not 0 < self.c1 < self.c2 < 1:
            raise ValueError(f"Zoom: 0 < c1 < c2 < 1 is needed, got c1={self.c1}, c2={self.c2}")
        if self.c3 is not None and not (is_number(self.c3) and self.c3 >= 0):
            raise ValueError(f"Zoom: c3 must be None or a number from 0 on, got {self.c3!r}")
        if not self.xtol >= 0:
            raise ValueError(f"Zoom: xtol must not be negative, got {self.xtol}")
        if not self.max_evals >= 1:
            raise ValueError(f"Zoom: max_evals must be at least 1, got {self.max_evals}")


@by_type(borrow=True)
def _rounding(c3, phi0):
    """The change of phi that is rounding, where the approximate Wolfe conditions decide; -inf: they never do."""


@_rounding.register(float)
def _rounding_float(c3, phi0):
    return c3 * abs(phi0)


@_rounding.register(type(None))
def _rounding_none(c3, phi0):
    return -np.inf


@decrease_constant.register(Zoom)
def _decrease_constant(search):
    return search.c1


@first_step.register(Zoom)
def _first_step(search, natural, previous):
    return natural


@begin.register(Zoom)
def _begin(search, state, alpha):
    state[ZOOMING] = 0.0
    state[LOWER], state[PHI_LOWER], state[SLOPE_LOWER] = 0.0, state[PHI0], state[SLOPE0]
    state[UPPER], state[PHI_UPPER], state[SLOPE_UPPER] = np.inf, np.inf, 0.0
    state[OLD_WIDTH] = np.inf


@advance.register(Zoom)
def _advance(search, state, alpha, phi, slope):
    phi0, slope0 = state[PHI0], state[SLOPE0]
    noise = _RESOLUTION * max(abs(phi0), abs(phi))
    flat = abs(slope) <= -search.c2 * slope0
    sufficient = phi <= phi0 + search.c1 * alpha * slope0
    if sufficient and flat:
        return ACCEPTED, alpha
    # Equal values alone may be chance (two sides of a valley); the predicted change must be small as well.
    unresolved = abs(phi - phi0) <= _rounding(search.c3, phi0) and -alpha * slope0 <= _SMALL_CHANGE * abs(phi0)
    if unresolved and (2.0 * search.c1 - 1.0) * slope0 >= slope >= search.c2 * slope0:
        return ACCEPTED, alpha
    higher = phi > phi0 + search.c1 * alpha * slope0 + noise or phi > state[PHI_LOWER] + noise
    if state[ZOOMING] == 0.0 and not higher and slope < 0.0:
        return SEARCHING, _expand(state, alpha, phi, slope)
    if higher:
        _set_upper(state, alpha, phi, slope)
    else:
        # The minimiser lies on the side of LOWER if phi rises from LOWER to here; while bracketing, UPPER is not set.
        if state[ZOOMING] == 0.0 or slope * (state[UPPER] - state[LOWER]) >= 0.0:
            _set_upper(state, state[LOWER], state[PHI_LOWER], state[SLOPE_LOWER])
        state[LOWER], state[PHI_LOWER], state[SLOPE_LOWER] = alpha, phi, slope
    state[ZOOMING] = 1.0
    return _zoom(search, state)


@jit(borrow=True)
def _set_upper(state, alpha, phi, slope):
    state[UPPER], state[PHI_UPPER], state[SLOPE_UPPER] = alpha, phi, slope


@jit(borrow=True)
def _expand(state, alpha, phi, slope):
    """The next trial while phi falls and keeps falling: extrapolated, between 2 and 10 times as far."""
    proposed = cubic_minimizer(alpha, phi, slope, state[LOWER], state[PHI_LOWER], state[SLOPE_LOWER])
    state[LOWER], state[PHI_LOWER], state[SLOPE_LOWER] = alpha, phi, slope
    if not proposed > alpha:  # also NaN: the cubic has no minimiser ahead
        proposed = _EXPAND_MOST * alpha
    return min(max(proposed, _EXPAND_LEAST * alpha), _EXPAND_MOST * alpha, state[WALL])


@jit(borrow=True)
def _zoom(search, state):
    lower, upper = state[LOWER], state[UPPER]
    width = abs(upper - lower)
    if not width > search.xtol * max(lower, upper):
        return STOPPED, lower
    margin = _MARGIN * width
    nearest, farthest = min(lower, upper) + margin, max(lower, upper) - margin
    proposed = cubic_minimizer(lower, state[PHI_LOWER], state[SLOPE_LOWER], upper, state[PHI_UPPER], state[SLOPE_UPPER])
    if not nearest <= proposed <= farthest:
        proposed = quadratic_minimizer(lower, state[PHI_LOWER], state[SLOPE_LOWER], upper, state[PHI_UPPER])
        if not nearest <= proposed <= farthest:
            # near an end, not just outside it: one more trial there shrinks the interval by nine tenths
            proposed = min(max(proposed, nearest), farthest) if proposed == proposed else 0.5 * (lower + upper)
    if width > 0.66 * state[OLD_WIDTH]:
        proposed = 0.5 * (lower + upper)
    state[OLD_WIDTH] = width
    return SEARCHING, proposed
