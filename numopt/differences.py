"""Gradients by finite differences, in Python and compiled, within bounds.

Both schemes are written once, for a function of numbers: ``scheme(fun, as_real)`` makes ``evaluate(x, g, args) -> f``,
which writes the slopes into g. For complex x, real and imaginary parts are perturbed one by one; ``as_real`` views a
vector as its parts. ``args`` begins with the counter of calls, the steps, the bounds, room for a point, since what is
made here would not be freed if the function raises, and the last point where f was the same, bit for bit, at all steps.
"""

import numba
import numpy as np
from numba import types
from numba.core.dispatcher import Dispatcher

from ._input import real_number
from ._jit import NOT_FOR_PYTHON, jit, real_view

_EPSILON = 2.220446049250313e-16
_ORDER = {"2-point": 2, "3-point": 3}  # the best step is the root of this order of the precision of f
_RELATIVE_STEP = {scheme: _EPSILON ** (1 / order) for scheme, order in _ORDER.items()}

# Steps of `is_stationary`, in those of the differences, and relative to the size of an unknown at most.
_MULTIPLES = (32.0, 32.0**2, 32.0**3, 32.0**4)
_LONGEST = 0.125
_ROUNDING = 8 * _EPSILON  # relative changes of f below this may be rounding errors


class Differences:
    """How the slopes of one function are taken, and how often it was called for them.

    Parameters
    ----------
    scheme : '2-point' or '3-point'
    x : ndarray, shape (n,)
        A point of the right size and dtype.
    absolute_step, relative_step : float, array_like of shape (n,), or None
        The step of every unknown, or that relative to max(|x_i|, size_i); ``absolute_step`` wins. Without both, the
        relative step is the square root (the cube root for '3-point') of the precision of f.
    limits : pair of ndarray, shape (n,), or None
        Lower and upper bounds.
    sizes : ndarray, shape (n,), or None
        Typical sizes of the unknowns; 1 without them.

    Attributes
    ----------
    args : tuple
        What the arguments of ``evaluate`` begin with.
    calls_per_gradient : int
        Calls of the function for a value and its slopes.
    """

    def __init__(self, scheme, x, absolute_step=None, relative_step=None, limits=None, sizes=None):
        parts = 2 if x.dtype.kind == "c" else 1
        self._scheme = scheme
        self._precision = _EPSILON if absolute_step is None and relative_step is None else None
        self._sizes = 1.0 if sizes is None else np.repeat(sizes, parts)
        steps = np.zeros((2, x.size * parts))  # relative to |x_i|, and the least
        if absolute_step is not None:
            steps[1] = _steps(absolute_step, "eps", x.size, parts)
        if relative_step is not None:
            relative_step = _steps(relative_step, "finite_diff_rel_step", x.size, parts)
        if absolute_step is None:
            self._set_relative(steps, _RELATIVE_STEP[scheme] if relative_step is None else relative_step)
        bounds = np.empty((2, 0)) if limits is None else np.array([np.broadcast_to(bound, x.size) for bound in limits])
        self.args = np.zeros(1, np.int64), steps, bounds, x.copy(), np.full(x.size * parts, np.nan)
        self.calls_per_gradient = 1 + x.size * parts * (2 if scheme == "3-point" else 1)

    @property
    def calls(self):
        """Calls of the function so far, also those made in compiled code."""
        return int(self.args[0][0])

    def _set_relative(self, steps, relative):
        steps[0] = relative
        steps[1] = relative * self._sizes

    def follow(self, precision):
        """Lengthen the steps to what suits values of f of this precision, unless the user has chosen them."""
        if self._precision is not None and precision > self._precision:
            self._precision = precision
            self._set_relative(self.args[1], precision ** (1 / _ORDER[self._scheme]))

    def saw_nothing(self, x):
        """Whether f was the same at all steps from ``x``, the last such point."""
        return x.size > 0 and np.array_equal(self.args[4], x.view(np.float64))

    def is_stationary(self, fun, x, f, args):
        """Whether f, which the differences at ``x`` saw nothing of, has a minimum there, by longer and longer steps.

        Near a minimum, too, the changes of f can be below its rounding. Then a longer step shows that f increases to
        both sides. If f decreases, or does not change over any step, the slopes are unknown.
        """
        calls, steps, limits = self.args[:3]
        point = x.copy()
        parts = point.view(np.float64)
        sizes, changes = np.broadcast_to(self._sizes, parts.size), False
        for i in range(parts.size):
            origin = parts[i]
            step, lower, upper = _step_and_limits(origin, steps, limits, i)
            longest = _LONGEST * max(abs(origin), sizes[i])
            for multiple in _MULTIPLES:
                if multiple * step > max(longest, _MULTIPLES[0] * step):
                    break
                change, least = 0.0, 0.0
                for there in (min(origin + multiple * step, upper), max(origin - multiple * step, lower)):
                    if there == origin:
                        continue
                    parts[i] = there
                    difference = fun(point, *args) - f
                    calls[0] += 1
                    if np.isfinite(difference):
                        change, least = max(change, abs(difference)), min(least, difference)
                if change > _ROUNDING * abs(f):
                    if least < 0.0:
                        return False
                    changes = True
                    break
            parts[i] = origin
        return changes


def precision(fun, f, given):
    """The relative precision of ``f``, the value of ``fun(*given)``.

    Python sees a double of what a compiled function returns: there the return type tells.
    """
    dtype = None
    if isinstance(fun, Dispatcher):
        of_given = tuple(map(fun.typeof_pyval, given))
        for signature in fun.nopython_signatures:
            if signature.args[: len(of_given)] == of_given:  # arguments left out may follow
                returned = signature.return_type
                returned = returned[0] if isinstance(returned, types.BaseTuple) else returned  # (f, g)
                returned = returned.dtype if isinstance(returned, types.Array) else returned
                dtype = np.dtype(returned.name) if isinstance(returned, types.Float) else None
    elif type(f) is not float:
        dtype = np.asarray(f).dtype
    return _EPSILON if dtype is None or dtype.kind != "f" else max(float(np.finfo(dtype).eps), _EPSILON)


def _steps(value, name, size, parts):
    """A step, or one for every real and imaginary part."""
    if np.ndim(value) == 0:
        steps = np.full(1, real_number(value, name))
    else:
        steps = np.asarray(value)
        if steps.dtype.kind not in "iuf":
            raise TypeError(f"{name} must be a real number or a vector of them, got {value!r}")
        if steps.shape not in ((1,), (size,)):
            raise ValueError(f"{name} must be a number or a vector of {size} entries, got shape {steps.shape}")
        steps = steps.astype(float)
    if not (steps > 0).all():
        raise ValueError(f"{name} must be positive, got {value}")
    if not np.isfinite(steps).all():
        raise ValueError(f"{name} must be finite, got {value}")
    return steps[0] if steps.size == 1 else np.repeat(steps, parts)


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
    return max(steps[0, i] * abs(origin), steps[1, i]), lower, upper


def _forward(fun, as_real):
    """Forward differences; backward where the forward point is not finite, or out of bounds.

    An unknown that cannot move has the slope 0.
    """

    def evaluate(x, g, args):
        calls, steps, limits, point, unseen, rest = args[0], args[1], args[2], args[3], args[4], args[5:]
        f = fun(x, *rest)
        calls[0] += 1
        for i in range(x.size):
            point[i] = x[i]
        parts, slopes = as_real(point), as_real(g)
        can_move, seen = False, False
        for i in range(parts.size):
            origin = parts[i]
            step, lower, upper = _step_and_limits(origin, steps, limits, i)
            can_move = can_move or lower < upper
            there, back = origin + step, origin - step
            if there > upper:
                there, back = back, there
            if there < lower:  # too narrow for either: to the farther bound
                there = upper if upper - origin > origin - lower else lower
            parts[i] = there
            if there == origin:
                slopes[i] = 0.0
                continue
            value = fun(point, *rest)
            seen = seen or value != f
            slopes[i] = (value - f) / float(there - origin)
            calls[0] += 1
            if np.isfinite(f) and not np.isfinite(slopes[i]) and lower <= back <= upper:
                parts[i] = back
                slopes[i] = (fun(point, *rest) - f) / float(back - origin)
                calls[0] += 1
            parts[i] = origin
        if can_move and not seen:
            unseen[:] = parts
        return f

    return evaluate


def _central(fun, as_real):
    """Central differences, of the same order at a bound; one-sided where one of the points is not finite.

    At a bound, where only origin + h and origin + 2 h are inside, the slope is (4 f(h) - 3 f(0) - f(2 h)) / (2 h).
    """

    def evaluate(x, g, args):
        calls, steps, limits, point, unseen, rest = args[0], args[1], args[2], args[3], args[4], args[5:]
        f = fun(x, *rest)
        for i in range(x.size):
            point[i] = x[i]
        parts, slopes = as_real(point), as_real(g)
        can_move, seen = False, False
        for i in range(parts.size):
            origin = parts[i]
            step, lower, upper = _step_and_limits(origin, steps, limits, i)
            can_move = can_move or lower < upper
            ahead, behind = min(origin + step, upper), max(origin - step, lower)
            inwards = step if ahead - origin > origin - behind else -step
            beside = (ahead != origin + step or behind != origin - step) and lower <= origin + 2.0 * inwards <= upper
            if beside:
                ahead, behind = origin + inwards, origin + 2.0 * inwards
            parts[i] = ahead
            above = fun(point, *rest)
            parts[i] = behind
            below = fun(point, *rest)
            seen = seen or above != f or below != f
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
        if can_move and not seen:
            unseen[:] = parts
        return f

    return evaluate


SCHEMES = {"2-point": _forward, "3-point": _central}
