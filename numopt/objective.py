"""The user's function under one contract, evaluate(x) -> (f, g), in Python and, where it is jitted, compiled.

``jac`` says how the gradient comes:

=================  =================================================================================
``True``           ``fun(x, *args) -> (f, g)``
callable           ``fun(x, *args) -> f`` and ``jac(x, *args) -> g``
``'inplace'``      ``fun(x, g, *args) -> f`` writes the gradient into g, which holds zeros
``'2-point'``      ``fun(x, *args) -> f``; forward differences, step sqrt(eps) max(|x_i|, scale_i) (also None)
``'3-point'``      the same with central differences, step cbrt(eps) max(|x_i|, scale_i)
=================  =================================================================================

eps is the precision of the values of fun, which may be float32. For complex x the gradient is df/dx + i df/dy.
"""

import numba
import numpy as np
from numba.core.dispatcher import Dispatcher

from ._input import gradient_vector, objective_value
from ._jit import PLAIN, adapt
from .differences import SCHEMES, Differences, in_compiled_code, in_python, precision

_JAC = "jac must be True, a callable, 'inplace', None, '2-point' or '3-point'"


class Objective:
    """A checked objective.

    Parameters
    ----------
    fun, jac, args
        As in :func:`numopt.minimize`.
    x : ndarray
        A point of the right size and dtype.
    absolute_step, relative_step : float, array_like of shape (n,), or None
        The step of finite differences, instead of the one in the table above; ``absolute_step`` wins.
    scale : ndarray, shape (n,), or None
        The solver's variables are x / scale; without it, 1.
    conjugate : bool
        The user's gradient is the conjugate of ours.
    limits : pair of ndarray, shape (n,), or None
        Lower and upper bounds of x, real, which finite differences keep.
    """

    def __init__(
        self, fun, jac, args, x, absolute_step=None, relative_step=None, scale=None, conjugate=False, limits=None
    ):
        jac = "2-point" if jac is None or jac is False else jac  # SciPy takes False, too
        self._jitted = isinstance(fun, Dispatcher) and (not callable(jac) or isinstance(jac, Dispatcher))
        if not callable(fun):
            raise TypeError(f"fun must be callable, got {fun!r}")
        self.args = args if isinstance(args, tuple) else (args,)
        self.dtype, self.size = x.dtype, x.size
        self._fun, self._jac = fun, jac
        self._scale, self._conjugate = scale, conjugate
        self._differences = None
        if jac is True:
            self._python, self._make, self._parts = _pair, _make_pair, (fun,)
        elif callable(jac):
            self._python, self._make, self._parts = _separate, _make_separate, (fun, jac)
        elif isinstance(jac, str) and jac == "inplace":
            self._python, self._make, self._parts = _inplace, _make_inplace, (fun,)
        elif isinstance(jac, str) and jac in SCHEMES:
            self._differences = Differences(jac, x, absolute_step, relative_step, limits, scale)
            self._python, self._make, self._parts = _by_differences, in_compiled_code, (fun, jac)
            self._slopes = in_python(_checked_value(fun, self._differences), jac)
        else:
            raise ValueError(f"{_JAC}; got {jac!r}")

    @property
    def calls_per_gradient(self):
        """Calls of fun that one value and gradient take: 1, and those of the differences."""
        return 1 if self._differences is None else self._differences.calls_per_gradient

    def calls(self, evaluations):
        """Calls of fun so far, of which ``evaluations`` gave a value and a gradient."""
        return evaluations if self._differences is None else self._differences.calls

    def slopes_are_unknown(self, solver):
        """Whether the differences where a solver converged saw nothing of f, and longer steps see no minimum there."""
        differences = self._differences
        if differences is None:
            return False
        x = solver.x if self._scale is None else solver.x * self._scale
        if not differences.saw_nothing(x):
            return False
        return not differences.is_stationary(_checked_value(self._fun, differences), x, solver.f, self.args)

    def evaluate_with_precision(self, x):
        """(f, g) at ``x`` as ``fun`` means them, and the relative precision of the type of f."""
        f, g = self._python(self, x)
        given = (x, x, *self.args) if self._python is _inplace else (x, *self.args)
        return objective_value(f), gradient_vector(g, self.dtype, self.size), precision(self._fun, f, given)

    def evaluate(self, x):
        """(f, g) at ``x``, checked; x is handed out as a copy, so that the user may keep or change it."""
        f, g = self._python(self, x if self._scale is None else x * self._scale)
        f, g = objective_value(f), gradient_vector(g, self.dtype, self.size)
        if self._conjugate and self._differences is None:
            g = g.conj()
        return f, g if self._scale is None else g * self._scale

    def compiled(self):
        """The objective for compiled solver loops, or None where it must be called from Python."""
        if PLAIN or not self._jitted:
            return None
        make, parts, args = self._make, self._parts, self.args
        if self._differences is not None:
            args = (*self._differences.args, *args)
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
    return self._slopes(x, g, (*self._differences.args, *self.args)), g


def _checked_value(fun, differences):
    def value(x, *args):
        point = x.copy()
        f = fun(point, *args)
        if differences.calls == 0 and type(f) is not np.float64:  # the first value
            differences.follow(precision(fun, f, (point, *args)))
        return float(objective_value(f))  # of which inf - inf gives NaN without a warning

    return value


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
