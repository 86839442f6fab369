"""The user's function under one contract, evaluate(x) -> (f, g), in Python and, where it is jitted, compiled.

``jac`` says how the gradient comes:

=================  =================================================================================
``True``           ``fun(x, *args) -> (f, g)``
callable           ``fun(x, *args) -> f`` and ``jac(x, *args) -> g``
``'inplace'``      ``fun(x, g, *args) -> f`` writes the gradient into g, which holds zeros
``'2-point'``      ``fun(x, *args) -> f``; forward differences, step sqrt(eps) max(|x_i|, 1) (also None)
``'3-point'``      the same with central differences, step cbrt(eps) max(|x_i|, 1)
=================  =================================================================================

For complex x the gradient is df/dx + i df/dy; differences perturb real and imaginary parts one by one.
"""

import numba
import numpy as np
from numba.core.dispatcher import Dispatcher

from ._input import gradient_vector, objective_value
from ._jit import PLAIN, adapt, jit, real_view

_EPSILON = 2.220446049250313e-16
_RELATIVE_STEP = {"2-point": _EPSILON ** (1 / 2), "3-point": _EPSILON ** (1 / 3)}
_JAC = "jac must be True, a callable, 'inplace', None, '2-point' or '3-point'"


class Objective:
    """A checked objective.

    Parameters
    ----------
    fun, jac, args
        As in :func:`numopt.minimize`.
    x : ndarray
        A point of the right size and dtype.
    absolute_step, relative_step : float or None
        The step of finite differences, instead of the one in the table above; ``absolute_step`` wins.
    scale : ndarray, shape (n,), or None
        The solver's variables are x / scale.
    conjugate : bool
        The user's gradient is the conjugate of ours.
    limits : pair of ndarray, shape (n,), or None
        Lower and upper bounds of x, real, which finite differences keep.
    """

    def __init__(
        self, fun, jac, args, x, absolute_step=None, relative_step=None, scale=None, conjugate=False, limits=None
    ):
        jac = None if jac is False else jac  # SciPy takes that too
        self._jitted = isinstance(fun, Dispatcher) and (not callable(jac) or isinstance(jac, Dispatcher))
        if not callable(fun):
            raise TypeError(f"fun must be callable, got {fun!r}")
        self.args = args if isinstance(args, tuple) else (args,)
        self.dtype, self.size = x.dtype, x.size
        self._fun, self._jac = fun, jac
        self._scale, self._conjugate = scale, conjugate
        self._differences = jac is None or (isinstance(jac, str) and jac in _DIFFERENCES)
        if jac is True:
            self._python, self._make, self._parts = _pair, _make_pair, (fun,)
        elif callable(jac):
            self._python, self._make, self._parts = _separate, _make_separate, (fun, jac)
        elif isinstance(jac, str) and jac == "inplace":
            self._python, self._make, self._parts = _inplace, _make_inplace, (fun,)
        elif self._differences:
            scheme = jac or "2-point"
            absolute = 0.0 if absolute_step is None else _positive(absolute_step, "eps")
            relative = (
                _RELATIVE_STEP[scheme] if relative_step is None else _positive(relative_step, "finite_diff_rel_step")
            )
            self._python, self._make = _by_differences, _make_differences
            self._parts = (fun, scheme)
            self._calls = np.zeros(1, np.int64)  # of fun; counted in compiled code too
            self._steps = np.array([absolute, relative])
            self._limits = np.empty((2, 0))
            if limits is not None:
                self._limits = np.array([np.broadcast_to(bound, x.size) for bound in limits])
            self._difference = _DIFFERENCES[scheme](_checked_value(fun), _float_view)
        else:
            raise ValueError(f"{_JAC}; got {jac!r}")

    @property
    def calls_per_gradient(self):
        """Calls of fun that one value and gradient take: 1, and those of the differences."""
        if not self._differences:
            return 1
        parts = self.size * (2 if self.dtype.kind == "c" else 1)
        return 1 + parts * (2 if self._jac == "3-point" else 1)

    def calls(self, evaluations):
        """Calls of fun so far, of which ``evaluations`` gave a value and a gradient."""
        return int(self._calls[0]) if self._differences else evaluations

    def evaluate(self, x):
        """(f, g) at ``x``, checked; x is handed out as a copy, so that the user may keep or change it."""
        f, g = self._python(self, x if self._scale is None else x * self._scale)
        f, g = objective_value(f), gradient_vector(g, self.dtype, self.size)
        if self._conjugate and not self._differences:
            g = g.conj()
        return f, g if self._scale is None else g * self._scale

    def compiled(self):
        """The objective for compiled solver loops, or None where it must be called from Python."""
        if PLAIN or not self._jitted:
            return None
        make, parts, args = self._make, self._parts, self.args
        if self._differences:
            args = (self._calls, self._steps, self._limits, *args)
        elif self._conjugate:
            make, parts = _make_conjugated, (make, *parts)
        if self._scale is not None:
            make, parts, args = _make_scaled, (make, *parts), (self._scale, *args)
        return adapt(make, parts, args, self.dtype)


# How the user's functions are called from Python. Functions, not methods that the objective would hold: a cycle would
# keep the arguments, which may be large, until the garbage collector runs.


def _pair(self, x):
    both = self._fun(x.copy(), *self.args)
    try:
        f, g = both
    except (TypeError, ValueError):
        raise TypeError("with jac=True, fun must return the pair (value, gradient)") from None
    return f, g


def _separate(self, x):
    return self._fun(x.copy(), *self.args), self._jac(x.copy(), *self.args)


def _inplace(self, x):
    g = np.zeros(self.size, self.dtype)
    return self._fun(x.copy(), g, *self.args), g


def _by_differences(self, x):
    g = np.empty(self.size, self.dtype)
    return self._difference(x, g, (self._calls, self._steps, self._limits, *self.args)), g


def _checked_value(fun):
    def value(x, *args):
        return float(objective_value(fun(x.copy(), *args)))  # of which inf - inf gives NaN without a warning

    return value


def _positive(value, name):
    step = float(value)
    if not step > 0:
        raise ValueError(f"{name} must be positive, got {value}")
    return step


def _make_pair(fun):
    @numba.njit(forceinline=True)
    def evaluate(x, g, args):
        f, gradient = fun(x, *args)
        if gradient.size != g.size:
            return np.nan  # never silently: the first evaluation, in Python, raises for it
        for i in range(g.size):  # g[:] = gradient carries an error message that takes seconds to compile
            g[i] = gradient[i]
        return f

    return evaluate


def _make_separate(fun, jac):
    @numba.njit(forceinline=True)
    def evaluate(x, g, args):
        f = fun(x, *args)
        gradient = jac(x, *args)
        if gradient.size != g.size:
            return np.nan
        for i in range(g.size):
            g[i] = gradient[i]
        return f

    return evaluate


def _make_inplace(fun):
    @numba.njit(forceinline=True)
    def evaluate(x, g, args):
        for i in range(g.size):  # as in Python: a function that adds to g is right in both, or in neither
            g[i] = 0.0
        return fun(x, g, *args)

    return evaluate


def _make_conjugated(make, *parts):
    inner = make(*parts)

    @numba.njit
    def evaluate(x, g, args):
        f = inner(x, g, args)
        for i in range(g.size):
            g[i] = np.conj(g[i])
        return f

    return evaluate


def _make_scaled(make, *parts):
    inner = make(*parts)

    @numba.njit
    def evaluate(x, g, args):
        f = inner(x * args[0], g, args[1:])
        for i in range(g.size):
            g[i] *= args[0][i]
        return f

    return evaluate


def _make_differences(fun, scheme):
    return numba.njit(error_model="numpy")(_DIFFERENCES[scheme](fun, real_view))


def _float_view(vector):
    return vector.view(np.float64)


@jit
def _limits_of(limits, i):
    """The bounds of an unknown; ``limits`` has no columns where there are none."""
    return (limits[0, i], limits[1, i]) if limits.shape[1] > 0 else (-np.inf, np.inf)


def _forward(fun, as_real):
    """Forward differences; backward where the forward point is not finite, or out of bounds.

    ``args`` begins with the counter of calls, with (absolute, relative) step, of which an absolute one of 0 is not
    used, and with the bounds. An unknown that cannot move has the slope 0.
    """

    def evaluate(x, g, args):
        calls, steps, limits, rest = args[0], args[1], args[2], args[3:]
        f = fun(x, *rest)
        calls[0] += 1
        point = x.copy()
        parts, slopes = as_real(point), as_real(g)
        for i in range(parts.size):
            origin = parts[i]
            lower, upper = _limits_of(limits, i)
            step = steps[0] if steps[0] > 0.0 else steps[1] * max(abs(origin), 1.0)
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
    ``args`` as above.
    """

    def evaluate(x, g, args):
        calls, steps, limits, rest = args[0], args[1], args[2], args[3:]
        f = fun(x, *rest)
        point = x.copy()
        parts, slopes = as_real(point), as_real(g)
        for i in range(parts.size):
            origin = parts[i]
            lower, upper = _limits_of(limits, i)
            step = steps[0] if steps[0] > 0.0 else steps[1] * max(abs(origin), 1.0)
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


_DIFFERENCES = {"2-point": _forward, "3-point": _central}
