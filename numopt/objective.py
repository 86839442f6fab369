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

import sys

import numba
import numpy as np
from numba.core.dispatcher import Dispatcher

from ._input import gradient_vector, objective_value
from ._jit import PLAIN, adapt, jit
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
        self._jitted = not PLAIN and isinstance(fun, Dispatcher) and (not callable(jac) or isinstance(jac, Dispatcher))
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
            self._python, self._make, self._parts = _by_differences, in_compiled_code, (fun, sys.intern(str(jac)))
            self._slopes = in_python(_checked_value(fun, self._differences, self._jitted), jac)
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
        value = _checked_value(self._fun, differences, self._jitted)
        return not differences.is_stationary(value, x, solver.f, self.args)

    def evaluate_with_precision(self, x):
        """(f, g) at ``x`` as ``fun`` means them, and the relative precision of the type of f."""
        f, g = self._python(self, x)
        given = (x, x, *self.args) if self._python is _inplace else (x, *self.args)
        return objective_value(f), gradient_vector(g, self.dtype, self.size), precision(self._fun, f, given)

    def evaluate(self, x):
        """(f, g) at ``x``, checked; x is handed out as a copy, so that the user may keep or change it."""
        f, g = self._python(self, x if self._scale is None else x * self._scale)
        f, g = _value(f, self._jac), gradient_vector(g, self.dtype, self.size)
        if self._conjugate and self._differences is None:
            g = g.conj()
        return f, g if self._scale is None else g * self._scale

    def compiled(self):
        """The objective for compiled solver loops, or None where it must be called from Python."""
        if not self._jitted:
            return None
        make, parts, args = self._make, self._parts, self.args
        if self._differences is not None:
            args = (*self._differences.args, *args)
        elif self._conjugate:
            make, parts = _make_conjugated, (make, *parts)
        if self._scale is not None:
            # the point in the user's units stands in an array of Python's: a temporary one would leak if fun raises
            make, parts, args = _make_scaled, (make, *parts), (self._scale, np.empty(self.size, self.dtype), *args)
        return adapt(make, parts, args, self.dtype)


# How the user's functions are called from Python. Functions, not methods that the objective would hold: a cycle would
# keep the arguments, which may be large, until the garbage collector runs.


def _changed(name):
    """The error for a compiled function that has changed its copy of x: compiled code gives it the solver's vector."""
    return ValueError(f"{name} changes x: a compiled function gets the solver's own vector, so let it work on x.copy()")


def _pair(self, x):
    point = x.copy()
    both = self._fun(point, *self.args)
    if self._jitted and point.tobytes() != x.tobytes():
        raise _changed("fun")
    try:
        f, g = both
    except (TypeError, ValueError):
        raise TypeError(_no_pair(both)) from None
    return f, g


def _no_pair(returned):
    message = f"with jac=True, fun must return the pair (value, gradient), got {_in_words(returned)}"
    if not isinstance(returned, (tuple, list, np.ndarray)) and returned is not None:
        message += "; leave jac out for finite differences, or pass the gradient's function as jac"
    return message


def _in_words(returned):
    """What a function has returned, in short."""
    if isinstance(returned, (tuple, list)):
        return f"a {type(returned).__name__} of {len(returned)}"
    if isinstance(returned, np.ndarray):
        return f"an array of shape {returned.shape}"
    return "None: does it lack a return?" if returned is None else f"{type(returned).__name__} {returned!r:.60}"


def _separate(self, x):
    point, another = x.copy(), x.copy()
    f, g = self._fun(point, *self.args), self._jac(another, *self.args)
    for vector, name in ((point, "fun"), (another, "jac")):
        if self._jitted and vector.tobytes() != x.tobytes():
            raise _changed(name)
    return f, g


def _inplace(self, x):
    point, g = x.copy(), np.zeros(self.size, self.dtype)
    f = self._fun(point, g, *self.args)
    if self._jitted and point.tobytes() != x.tobytes():
        raise _changed("fun")
    return f, g


def _by_differences(self, x):
    g = np.empty(self.size, self.dtype)
    return self._slopes(x, g, (*self._differences.args, *self.args)), g


def _value(f, jac):
    """The value, where a pair of value and gradient is answered with the right ``jac``."""
    if type(f) is float or type(f) is np.float64:
        return f
    if jac is not True and isinstance(f, (tuple, list)) and len(f) > 1:
        instead = f" instead of jac={jac!r}" if jac == "inplace" else (", without jac" if callable(jac) else "")
        what = "a pair: pass jac=True" + instead if len(f) == 2 else f"{_in_words(f)}, not one number"
        raise TypeError(f"fun returned {what}")
    return objective_value(f)


def _checked_value(fun, differences, jitted):
    def value(x, *args):
        point = x.copy()
        f = fun(point, *args)
        if jitted and point.tobytes() != x.tobytes():
            raise _changed("fun")
        number = float(_value(f, None))  # of which inf - inf gives NaN without a warning
        if differences.calls == 0 and type(f) is not np.float64:  # the first value
            differences.follow(precision(fun, f, (point, *args)))
        return number

    return value


# Numba copies each of these into the adapter: a function of its own takes Numba a quarter of the time that the
# objective takes, and a megabyte that it never frees. An array must be dead where an exception is raised: what is alive
# there is never freed. Numba drops a variable behind its last use, which for a gradient is the call of ``_take``.


@jit(borrow=True)
def _take(gradient, g):
    """Copy the gradient; False, and nothing done, for another number of entries."""
    if gradient.size != g.size:
        return False
    for i in range(g.size):  # g[:] = gradient carries an error message that takes seconds to compile
        g[i] = gradient[i]
    return True


def _make_pair(fun):
    @numba.njit(inline="always")
    def evaluate(x, g, args):
        f, gradient = fun(x, *args)
        if not _take(gradient, g):
            raise ValueError("a gradient of another length")  # Python evaluates there again, and says which
        return f

    return evaluate


def _make_separate(fun, jac):
    @numba.njit(inline="always")
    def evaluate(x, g, args):
        f = fun(x, *args)
        if not _take(jac(x, *args), g):
            raise ValueError("a gradient of another length")
        return f

    return evaluate


def _make_inplace(fun):
    @numba.njit(inline="always")
    def evaluate(x, g, args):
        for i in range(g.size):  # as in Python: a function that adds to g is right in both, or in neither
            g[i] = 0.0
        return fun(x, g, *args)

    return evaluate


def _make_conjugated(make, *parts):
    inner = make(*parts)

    @numba.njit(inline="always")
    def evaluate(x, g, args):
        f = inner(x, g, args)
        for i in range(g.size):
            g[i] = np.conj(g[i])
        return f

    return evaluate


def _make_scaled(make, *parts):
    inner = make(*parts)

    @numba.njit(inline="always")
    def evaluate(x, g, args):
        scale, point = args[0], args[1]  # a point made here would not be freed where the function raises
        for i in range(x.size):
            point[i] = x[i] * scale[i]
        f = inner(point, g, args[2:])
        for i in range(g.size):
            g[i] *= scale[i]
        return f

    return evaluate
