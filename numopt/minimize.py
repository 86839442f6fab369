"""``minimize``, as SciPy's users know it, and the one loop that drives every ask/tell solver."""

import inspect
import time
import warnings

import numpy as np
from scipy.optimize import OptimizeResult, OptimizeWarning

from ._input import start_vector
from ._jit import call_objective, jit
from .linesearch import MoreThuente
from .objective import Objective
from .solvers import LBFGS
from .status import Status

METHODS = ("L-BFGS", "L-BFGS-B")
_OPTIONS = {
    "maxcor": 10,
    "ftol": 2.220446049250313e-09,
    "gtol": 1e-5,
    "eps": None,
    "finite_diff_rel_step": None,
    "maxfun": 15000,
    "maxiter": 15000,
    "maxls": 20,
    "linesearch": MoreThuente(),
    "disp": False,
}
_AIR = 0.05  # seconds that compiled code may run before Python looks for Ctrl-C
_LARGEST_TURN = 1 << 20  # evaluations, however fast they seem
_RAISED = -1
RUNNING = int(Status.RUNNING)


def minimize(
    fun,
    x0,
    args=(),
    method=None,
    jac=None,
    hess=None,
    hessp=None,
    bounds=None,
    constraints=(),
    tol=None,
    callback=None,
    options=None,
):
    r"""Minimise a real function of a real or complex vector, with the signature of ``scipy.optimize.minimize``.

    Parameters
    ----------
    fun : callable
        ``fun(x, *args)``; what it returns depends on ``jac``. A Python function, or one compiled by ``numba.njit``,
        which then runs in a compiled loop with the solver. A compiled function must not change x.
    x0 : array_like, shape (n,) or scalar
        Start, real or complex; computed in double precision; never modified.
    args : tuple
        Further arguments of ``fun`` and ``jac``.
    method : str, optional
        'L-BFGS' or 'L-BFGS-B' (the same without bounds), in any case; the default.
    jac : True, callable, 'inplace', None, '2-point' or '3-point'
        True: ``fun`` returns (f, g). Callable: ``jac(x, *args)`` returns g. 'inplace': ``fun(x, g, *args)`` writes
        the gradient into g and returns f. None, '2-point', '3-point': finite differences of ``fun``.
        For complex x, g = df/dRe(x) + i df/dIm(x), the direction of steepest ascent; JAX's ``grad`` returns its
        conjugate.
    hess, hessp
        Accepted for compatibility; L-BFGS does not use them, and says so.
    bounds, constraints
        Not supported yet.
    tol : float, optional
        Sets ``ftol`` and ``gtol``.
    callback : callable, optional
        ``callback(xk)`` or ``callback(intermediate_result)``, chosen by the name of its parameter, after every
        iteration, with copies. Raising StopIteration ends the run.
    options : dict, optional
        maxcor (10)
            Pairs kept.
        ftol (2.2e-9), gtol (1e-5)
            Converged when an iteration decreases f by at most ftol * max(\|f\|, 1) and the next promises no more; or
            when no real or imaginary part of the gradient exceeds gtol.
        maxiter, maxfun (15000)
            Iterations at most; calls of ``fun`` at most, those for finite differences included (the last gradient is
            completed).
        maxls (20)
            Evaluations in one line search at most.
        linesearch (MoreThuente())
            Or ``Zoom()``, ``Backtracking()``.
        eps, finite_diff_rel_step
            Absolute or relative step of finite differences.
        disp
            Print the outcome.

    Returns
    -------
    scipy.optimize.OptimizeResult
        x, fun, jac, nit, nfev, njev, success, message, SciPy's integer ``status`` (0 converged, 1 limit reached, 2
        other, 99 stopped by the callback), and ``reason``, the :class:`Status`. ``success`` is True only if a stated
        convergence test holds; x is never worse than x0.

    Raises
    ------
    ValueError, TypeError
        For input that cannot be right: a complex f, a gradient of another length, an x0 with NaN or two dimensions.
    NotImplementedError
        For bounds and constraints.

    Examples
    --------
    >>> import numpy as np
    >>> import numopt as no
    >>> target = np.array([1 + 2j, 3 - 1j])
    >>> def fun(z):
    ...     return np.sum(abs(z - target) ** 2), 2 * (z - target)
    >>> res = no.minimize(fun, np.zeros(2, complex), jac=True)
    >>> res.success, np.allclose(res.x, target)
    (True, True)
    """
    _check_method(method)
    _refuse(hess, hessp, bounds, constraints)
    x0 = start_vector(x0)
    chosen = _merge_options(options, tol)
    objective = Objective(fun, jac, args, x0, chosen["eps"], chosen["finite_diff_rel_step"])
    search = chosen["linesearch"]
    if chosen["maxls"] != _OPTIONS["maxls"]:
        search = search._replace(max_evals=chosen["maxls"])
    calls = objective.calls_per_gradient
    maxfun = max(1, -(-chosen["maxfun"] // calls)) if calls > 1 else chosen["maxfun"]
    solver = LBFGS._from_vector(x0, chosen["maxcor"], search, chosen["gtol"], chosen["ftol"], chosen["maxiter"], maxfun)
    stopped = _drive(solver, objective, _after_iteration(callback, solver))
    result = solver.result()
    result.nfev = result.njev * calls
    if stopped:
        reason = Status.CALLBACK
        result.update(reason=reason, status=reason.code, success=False, message=reason.message)
    if chosen["disp"]:
        print(f"{result.message}\n  f = {result.fun:.10g}, iterations: {result.nit}, evaluations: {result.nfev}")
    return result


def _check_method(method):
    if method is not None and str(method).upper() not in METHODS:
        raise ValueError(f"unknown method {method!r}; numopt has {', '.join(METHODS)}")


def _refuse(hess, hessp, bounds, constraints):
    if hess is not None or hessp is not None:
        warnings.warn("L-BFGS does not use hess or hessp", RuntimeWarning, stacklevel=3)
    if bounds is not None:
        raise NotImplementedError("bounds are not supported yet; leave them out, or substitute the variables")
    if not (isinstance(constraints, (tuple, list)) and len(constraints) == 0):
        raise NotImplementedError("constraints are not supported yet")


def _merge_options(options, tol):
    if not options and tol is None:
        return _OPTIONS
    options = dict(options or {})
    if tol is not None:
        options.setdefault("ftol", tol)
        options.setdefault("gtol", tol)
    unknown = sorted(set(options) - set(_OPTIONS))
    if unknown:
        known = ", ".join(_OPTIONS)
        warnings.warn(f"unknown options: {', '.join(unknown)}; known: {known}", OptimizeWarning, stacklevel=3)
    return {**_OPTIONS, **{name: options[name] for name in options if name in _OPTIONS}}


def _after_iteration(callback, solver):
    """A function that calls the user's callback and tells whether to stop; None without a callback."""
    if callback is None:
        return None
    try:
        by_name = set(inspect.signature(callback).parameters) == {"intermediate_result"}
    except (TypeError, ValueError):  # a callable without a signature
        by_name = False

    def after():
        try:
            if by_name:
                callback(intermediate_result=OptimizeResult(x=solver.x, fun=float(solver.f), nit=int(solver.nit)))
            else:
                callback(solver.x)
        except StopIteration:
            return True
        return False

    return after


def _drive(solver, objective, after_iteration):
    """Evaluate until the solver stops; True if the callback stopped it.

    The first evaluation is made from Python, where whatever is wrong with the objective raises; then a jitted
    objective runs in compiled code, in turns short enough for Ctrl-C.
    """
    methods = type(solver).compiled
    point, tell, nit = methods.ask(solver), methods.tell, methods.nit
    begun = time.perf_counter()
    status = tell(solver, *objective.evaluate(point))
    if status != RUNNING:
        return False
    compiled = objective.compiled()
    if compiled is not None:
        first = time.perf_counter() - begun
        return _drive_compiled(solver, objective, compiled, after_iteration, first)
    evaluate, iteration = objective.evaluate, nit(solver)
    while status == RUNNING:
        status = tell(solver, *evaluate(point))
        if after_iteration is not None and nit(solver) > iteration:
            iteration = nit(solver)
            if after_iteration():
                return True
    return False


def _drive_compiled(solver, objective, compiled, after_iteration, per_evaluation):
    """The loop in compiled code; ``per_evaluation`` is a first guess of the seconds that an evaluation takes."""
    point, tell = type(solver).compiled.ask(solver), type(solver).compiled.tell
    g = np.empty_like(point)
    single, accepted = after_iteration is not None, 0
    while True:
        budget = min(max(int(_AIR / per_evaluation), 1), _LARGEST_TURN)
        begun = time.perf_counter()
        status, done, nit = _run(solver, compiled.address, compiled.args, g, budget, single)
        per_evaluation = max((time.perf_counter() - begun) / max(done, 1), 1e-9)
        if status == _RAISED:
            # the exception shows itself here; if it does not come again, the run goes on
            status, nit = tell(solver, *objective.evaluate(point)), solver.nit
        if single and nit > accepted:
            accepted = nit
            if after_iteration():
                return True
        if status != RUNNING:
            return False


@jit
def _run(solver, address, args, g, budget, single):
    """Up to ``budget`` evaluations, or to the end of the iteration.

    Returns the status (-1: the objective raised), the evaluations done and the number of iterations so far.
    """
    iteration = solver.nit
    status, done = RUNNING, 0
    while status == RUNNING and done < budget and not (single and solver.nit > iteration):
        raised, f = call_objective(address, solver.ask(), g, args)
        if raised:
            return _RAISED, done, solver.nit
        done += 1
        status = solver.tell(f, g)
    return status, done, solver.nit
