"""Gradients by finite differences, in Python and compiled, within bounds.

Both schemes are written once, for a function of numbers: ``scheme(fun, as_real)`` makes ``evaluate(x, g, args) -> f``,
which writes the slopes into g. For complex x, real and imaginary parts are perturbed one by one; ``as_real`` views a
vector as its parts. ``args`` begins with the counter of calls, with (absolute, relative) step, of which an absolute one
of 0 is not used, with the bounds, and with room for a point: what is made here would not be freed if the function
raises.
"""

import numba
import numpy as np

from ._jit import NOT_FOR_PYTHON, jit, real_view

_EPSILON = 2.220446049250313e-16
_RELATIVE_STEP = {"2-point": _EPSILON ** (1 / 2), "3-point": _EPSILON ** (1 / 3)}


class Differences:
    """How the slopes of one function are taken, and how often it was called for them.

    Parameters
    ----------
    scheme : '2-point' or '3-point'
    x : ndarray
        A point of the right size and dtype.
    absolute_step, relative_step : float or None
        The step of every unknown, or that relative to max(|x_i|, 1); ``absolute_step`` wins.
    limits : pair of ndarray, shape (n,), or None
        Lower and upper bounds.

    Attributes
    ----------
    args : tuple
        What the arguments of ``evaluate`` begin with.
    calls_per_gradient : int
        Calls of the function for a value and its slopes.
    """

    def __init__(self, scheme, x, absolute_step=None, relative_step=None, limits=None):
        absolute = 0.0 if absolute_step is None else _positive(absolute_step, "eps")
        relative = _RELATIVE_STEP[scheme] if relative_step is None else _positive(relative_step, "finite_diff_rel_step")
        bounds = np.empty((2, 0)) if limits is None else np.array([np.broadcast_to(bound, x.size) for bound in limits])
        self.args = np.zeros(1, np.int64), np.array([absolute, relative]), bounds, x.copy()
        parts = x.size * (2 if x.dtype.kind == "c" else 1)
        self.calls_per_gradient = 1 + parts * (2 if scheme == "3-point" else 1)

    @property
    def calls(self):
        """Calls of the function so far, also those made in compiled code."""
        return int(self.args[0][0])


def _positive(value, name):
    step = float(value)
    if not step > 0:
        raise ValueError(f"{name} must be positive, got {value}")
    return step


def in_python(fun, scheme):
    """``evaluate`` for a function that Python calls."""
    return SCHEMES[scheme](fun, _float_view)


def in_compiled_code(fun, scheme):
    """``evaluate`` for a function that compiled code calls."""
    return numba.njit(error_model="numpy", **NOT_FOR_PYTHON)(SCHEMES[scheme](fun, real_view))


def _float_view(vector):
    return vector.view(np.float64)


@jit
def _step_and_limits(origin, steps, limits, i):
    """The step of an unknown and its bounds; ``limits`` has no columns where there are none."""
    lower, upper = (limits[0, i], limits[1, i]) if limits.shape[1] > 0 else (-np.inf, np.inf)
    return steps[0] if steps[0] > 0.0 else steps[1] * max(abs(origin), 1.0), lower, upper


def _forward(fun, as_real):
    """Forward differences; backward where the forward point is not finite, or out of bounds.

    An unknown that cannot move has the slope 0.
    """

    def evaluate(x, g, args):
        calls, steps, limits, point, rest = args[0], args[1], args[2], args[3], args[4:]
        f = fun(x, *rest)
        calls[0] += 1
        for i in range(x.size):
            point[i] = x[i]
        parts, slopes = as_real(point), as_real(g)
        for i in range(parts.size):
            origin = parts[i]
            step, lower, upper = _step_and_limits(origin, steps, limits, i)
            there, back = origin + step, origin - step
            if there > upper:
                there, back = back, there
            if there < lower:  # too narrow for either: to the farther bound
                there = upper if upper - origin > origin - lower else lower
            parts[i] = there
            if there == origin:
                slopes[i] = 0.0
                continue
            slopes[i] = (fun(point, *rest) - f) / float(there - origin)
            calls[0] += 1
            if np.isfinite(f) and not np.isfinite(slopes[i]) and lower <= back <= upper:
                parts[i] = back
                slopes[i] = (fun(point, *rest) - f) / float(back - origin)
                calls[0] += 1
            parts[i] = origin
        return f

    return evaluate


def _central(fun, as_real):
    """Central differences, of the same order at a bound; one-sided where one of the points is not finite.

    At a bound, where only origin + h and origin + 2 h are inside, the slope is (4 f(h) - 3 f(0) - f(2 h)) / (2 h).
    """

    def evaluate(x, g, args):
        calls, steps, limits, point, rest = args[0], args[1], args[2], args[3], args[4:]
        f = fun(x, *rest)
        for i in range(x.size):
            point[i] = x[i]
        parts, slopes = as_real(point), as_real(g)
        for i in range(parts.size):
            origin = parts[i]
            step, lower, upper = _step_and_limits(origin, steps, limits, i)
            ahead, behind = min(origin + step, upper), max(origin - step, lower)
            inwards = step if ahead - origin > origin - behind else -step
            beside = (ahead != origin + step or behind != origin - step) and lower <= origin + 2.0 * inwards <= upper
            if beside:
                ahead, behind = origin + inwards, origin + 2.0 * inwards
            parts[i] = ahead
            above = fun(point, *rest)
            parts[i] = behind
            below = fun(point, *rest)
            if beside and np.isfinite(above) and np.isfinite(below):
                slopes[i] = (4.0 * above - 3.0 * f - below) / float(behind - origin)
            else:
                if np.isfinite(below) and not np.isfinite(above):
                    above, ahead = f, origin
                elif np.isfinite(above) and (beside or not np.isfinite(below)):
                    below, behind = f, origin
                slopes[i] = (above - below) / float(ahead - behind) if ahead != behind else 0.0
            parts[i] = origin
        calls[0] += 1 + 2 * parts.size
        return f

    return evaluate


SCHEMES = {"2-point": _forward, "3-point": _central}
