"""``minimize``, as SciPy's users know it."""

import copy
import warnings

import numpy as np
from scipy.optimize import Bounds

from ._foreign import cuda_part, is_device_array
from ._input import start_vector
from ._jit import python_only
from .drive import drive, end
from .objective import Objective
from .options import SearchOptions, merge
from .projections import Box, box_of_bounds
from .rules import Chain, Descent, chain, is_rule
from .rules.ending import ends
from .search import search
from .solvers import LBFGS, SPG, lbfgs_maker
from .sparse import SparseEvolution
from .status import Status
from .watch import Callback, History, Progress

_TESTS_OF_SLOPES = (Status.CONVERGED_GTOL, Status.CONVERGED_FTOL, Status.PRECISION)
METHODS = ("L-BFGS", "L-BFGS-B", "SPG", "SparseEvolution")


@python_only(
    "minimize is called from Python; in @njit code drive a solver:\n"
    "    opt = LBFGS(x0)\n"
    "    while opt.running: opt.tell(*value_and_gradient(opt.ask()))"
)
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
        which then runs in a compiled loop with the solver. A compiled function must not change x: if its first call
        does, that raises.
    x0 : array_like, shape (n,) or scalar
        Start, real or complex; computed in double precision; never modified.
    args : tuple
        Further arguments of ``fun`` and ``jac``; anything else, also a list, is one argument, as in SciPy. Data that
        change from one call to the next belong here: arrays and numbers enter compiled code as they are, while a new
        compiled function around them (a closure) is compiled again, and Numba frees no machine code, about a megabyte
        each.
    method : str, rule or chain, optional
        'L-BFGS' or 'L-BFGS-B' (the same without bounds), in any case, also 'lbfgs'; the default. 'SPG', the spectral
        projected gradient method (:class:`numopt.SPG`), which is also taken for bounds and constraints.
        'SparseEvolution', which minimises f(x) + penalty * (nonzero entries of x) from values alone
        (:class:`numopt.SparseEvolution`), with options of its own. Or a first-order rule or chain, such as
        ``Adam(1e-2)``, for a deterministic objective: one evaluation a step, until ``gtol`` or a limit; the best point
        seen is returned. A chain that ends with a set keeps within it, from the projection of x0 on, until no entry of
        P(x - g) - x is larger than ``gtol``. With a norm h at the end, ``chain(SGD(lr), L1Norm(lam))`` minimises f + h,
        until no entry of prox(x - g) - x is larger than ``gtol``; with any other rule the rest point is another
        (:func:`chain`), and the run goes on to a limit, without success. The last point is returned then, and ``fun``
        is f there, without h. A chain with :func:`SET` begins at a copy of x0 that
        ``init`` has made sparse. For SPG and rules, the options on line searches, pairs and ``ftol`` do not matter.
    jac : True, callable, 'inplace', None, '2-point' or '3-point'
        True: ``fun`` returns (f, g). Callable: ``jac(x, *args)`` returns g. 'inplace': ``fun(x, g, *args)`` writes
        the gradient into g and returns f. None, '2-point', '3-point': finite differences of ``fun``.
        For complex x, g = df/dRe(x) + i df/dIm(x), the direction of steepest ascent; JAX's ``grad`` returns its
        conjugate.
    hess, hessp
        Accepted for compatibility; L-BFGS does not use them, and says so.
    bounds : Bounds, Box or sequence of pairs (lower, upper), optional
        One pair for each variable, also as an array of shape (n, 2), as in SciPy; two vectors, of lower and of upper
        bounds, are ``scipy.optimize.Bounds(lower, upper)`` (as a tuple they are two pairs, if n = 2).
        For real x; None or an infinite number is no bound. They are the constraint ``Box(lower, upper)``, handled by
        SPG, not by L-BFGS-B; finite differences keep within them. 'SparseEvolution' takes them, too, but no other set.
    constraints : set, optional
        A convex set, real or complex, such as ``L1Ball(1.0)`` or ``Intersection(...)``. x0 is projected onto it, and
        every point at which ``fun`` is evaluated belongs to it, those of finite differences excepted. Converged when
        no real or imaginary part of P(x - g) - x exceeds ``gtol``.
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
            completed). At a limit x is the best point seen; with ``state`` the run goes on, also within a line search.
        maxls (20)
            Evaluations in one line search at most.
        linesearch (MoreThuente())
            Or ``Zoom()``, ``Backtracking()``.
        eps, finite_diff_rel_step
            Absolute step of finite differences, or relative to max(\|x_i\|, x_scale_i); a number or a vector of n
            entries (of a complex x_i for both parts). ``eps`` wins. Without both, the relative step is sqrt(e) for
            '2-point' and cbrt(e) for '3-point', where e is the precision of the values of ``fun``: 2.2e-16, or 1.2e-7
            if the first is a float32. If f does not change over any step where the run converges, up to 8 calls for
            each unknown with longer steps look whether f has a minimum there; else the run ends without success
            (``Status.NO_CHANGE``).
        x_scale
            Positive number or vector of typical sizes: the solver works in x / x_scale (rounded to powers of two, so
            that nothing else is), and gtol is meant there. Steps of finite differences follow it.
        gradient_convention ('ascent')
            'conjugate' if the gradients of a complex x come from JAX or HIPS autograd.
        target
            Stop, successfully, when f is at most this.
        max_time
            Stop after so many seconds; a long evaluation is not interrupted.
        callback_every (1)
            Iterations between two calls of the callback and rows of the history.
        history
            Keep ``result.history``: arrays nit, nfev, fun, gradient (max \|g_i\|), step and time (seconds).
        progress
            Show a bar (needs tqdm).
        state
            ``result.state`` of an earlier run: goes on from there with the limits given now, bit for bit the run
            without the pause; of x0 only the size matters then. The state given is not changed. After
            ``state.reset(x0, keep_memory=True)``, a run on new data from x0 with the old memory.
        disp
            Print the outcome.

        For 'SparseEvolution': penalty (0.01), seed (0), sigma (0.5), zeta (0.3), patience (6), penalize, resamples (1),
        grow ('score'), selection ('cost'), maxfun (100000), as for the class; target, for f + penalty * nnz; max_time,
        history (with columns nit, nfev, fun, f, nnz, time), progress, disp; state (``result.state`` of an earlier run,
        which goes on with the maxfun given now, and its own other options); vectorized (fun takes all candidates, as
        rows, and returns one value for each); workers (a map-like callable or a ``concurrent.futures.Executor``, for a
        function that is called with one candidate). A compiled function runs in compiled code. If x0 is on a GPU,
        candidates are made there, and fun takes all of them as the rows of a device array and returns one value for
        each, on the device or not. The result has x, on the host, fun (the penalty included), f, nnz and support.

    Returns
    -------
    scipy.optimize.OptimizeResult
        x, fun, jac, nit, nfev, njev, success, message, SciPy's integer ``status`` (0 converged, 1 limit reached, 2
        other, 99 stopped by the callback), ``reason``, the :class:`Status`, ``state``, the solver, and, for L-BFGS,
        made when it is looked at, ``hess_inv``. ``success`` is True only if a stated convergence test holds; x is
        never worse than the point where the run begins: x0, its projection, or what ``SET`` has made of it.

    Raises
    ------
    ValueError, TypeError
        For input that cannot be right: a complex f, a gradient of another length, an x0 that is empty, has NaN, masked
        entries or two dimensions, bounds for complex x, a set that is not convex.

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
    if hess is not None or hessp is not None:
        warnings.warn("minimize does not use hess or hessp", RuntimeWarning, stacklevel=2)
    searches = method is SparseEvolution or (isinstance(method, str) and _plain_name(method) == "SPARSEEVOLUTION")
    on_device = is_device_array(x0)
    if on_device and not searches:
        raise TypeError("x0 is on a GPU, where only method='SparseEvolution' evaluates; or use chain(...).init(x)")
    x0 = start_vector(cuda_part("evolution").on_host(x0) if on_device else x0)
    if x0.size == 0:
        raise ValueError("x0 is empty: there is nothing to vary")
    if searches:
        return _search(fun, x0, args, jac, bounds, constraints, callback, options, on_device)
    method, onto = _checked_method(method, _constraint(bounds, constraints, x0))
    return _descend(fun, x0, args, jac, method, onto, callback, merge(options, tol))


def _descend(fun, x0, args, jac, method, onto, callback, chosen):
    """With gradients, by a solver that is asked and told."""
    scale = _powers_of_two(chosen.x_scale, x0.size)
    if scale is not None and onto is not None:
        raise ValueError("x_scale cannot be combined with bounds or constraints: scale the variables in fun")
    if scale is not None and type(method) is Chain and ends(method.rules[-1]):
        raise ValueError(f"x_scale cannot be combined with {method.rules[-1]!r}: scale the variables in fun")
    conjugate = chosen.gradient_convention == "conjugate" and x0.dtype.kind == "c"
    limits = (onto.lower, onto.upper) if type(onto) is Box else None
    objective = Objective(fun, jac, args, x0, chosen.eps, chosen.finite_diff_rel_step, scale, conjugate, limits)
    start = x0 if scale is None else x0 / scale
    solver = _solver(start, method, onto, chosen, objective.calls_per_gradient)
    earlier = 0 if chosen.state is None else int(solver.nfev)
    if method is not LBFGS or chosen.state is not None:
        start = None  # the solver begins elsewhere
    history = History() if chosen.history else None
    progress = Progress(chosen.maxiter) if chosen.progress else None
    watchers = [watcher for watcher in (history, progress) if watcher is not None]
    if callback is not None:
        watchers.append(Callback(callback, scale))
    try:
        reason = drive(solver, objective, watchers, chosen.callback_every, chosen.max_time, chosen.target, start)
    finally:
        if progress is not None:
            progress.close()
    result = solver.result()
    if reason in _TESTS_OF_SLOPES and objective.slopes_are_unknown(solver):
        reason = Status.NO_CHANGE
        end(solver, int(reason))
    # by key: an attribute of SciPy's result is looked up at ten times the cost
    result["nfev"] = earlier * objective.calls_per_gradient + objective.calls(result["njev"] - earlier)
    if scale is not None:
        result.update(x=result.x * scale, jac=result.jac / scale, x_scale=scale)
    if reason is not result["reason"]:
        result.update(reason=reason, status=reason.code, success=reason.success, message=reason.message)
    if history is not None:
        result.history = history.columns()
    if chosen.disp:
        _print(result)
    return result


def _search(fun, x0, args, jac, bounds, constraints, callback, options, on_device):
    """Without gradients, for a sparse point."""
    if jac is not None and jac is not False:
        raise ValueError("SparseEvolution uses no gradients: fun must return the value alone, and jac be None")
    onto = _constraint(None, constraints, x0)
    if type(onto) not in (type(None), Box):
        raise ValueError(f"SparseEvolution takes bounds, but no other set, got {onto!r}: let fun return inf outside")
    if onto is not None and bounds is not None:
        raise ValueError("give bounds or constraints, not both")
    chosen = merge(options, None, SearchOptions)
    result = search(fun, x0, args, onto if bounds is None else bounds, callback, chosen, on_device)
    if chosen.disp:
        _print(result)
    return result


def _print(result):
    print(f"{result.message}\n  f = {result.fun:.10g}, iterations: {result.nit}, evaluations: {result.nfev}")


def _constraint(bounds, constraints, x0):
    """The set to stay in, or None."""
    if bounds is None and type(constraints) is tuple and not constraints:
        return None
    given = None
    if getattr(type(constraints), "is_set", False):
        given = constraints
    elif isinstance(constraints, Bounds):
        if bounds is not None:
            raise ValueError("give bounds once: both bounds and constraints are Bounds or such")
        bounds = constraints
    elif constraints is not None and not (isinstance(constraints, (tuple, list)) and len(constraints) == 0):
        raise TypeError(f"constraints must be a set of numopt, such as L1Ball(1.0), got {constraints!r}")
    if bounds is None:
        return given
    if given is not None:
        raise ValueError("give bounds or constraints, not both: Intersection(Box(lower, upper), ...) is one set")
    if x0.dtype.kind == "c":
        raise TypeError(
            "bounds on complex variables have no order: use constraints=ComplexBox(...), LinfBall(...) or Disc(...)"
        )
    return box_of_bounds(bounds, x0.size)


def _plain_name(method):
    """The name of a method, or of the package's class or function for it, without case, hyphens and underscores."""
    if getattr(method, "__module__", "").startswith("numopt."):
        method = getattr(method, "__name__", method)
    return str(method).upper().replace("-", "").replace("_", "").replace(" ", "")


def _limits_nothing(onto):
    return type(onto) is Box and not (np.any(np.isfinite(onto.lower)) or np.any(np.isfinite(onto.upper)))


def _checked_method(method, onto):
    """(method, set): a chain, SPG or LBFGS, and what it has to stay in."""
    if method is None and onto is None:
        return LBFGS, None
    if type(method) is Chain or is_rule(method):
        if onto is not None and not _limits_nothing(onto):
            raise ValueError(f"a rule keeps within a set at the end of its chain: chain({method!r}, {onto!r})")
        return chain(method).checked(), None
    name = None if method is None else _plain_name(method)
    if name is not None and name not in map(_plain_name, METHODS):
        known = f"numopt has {', '.join(METHODS)}, and rules such as Adam(1e-2)"
        if getattr(method, "is_rule", False):  # a class
            raise ValueError(f"method must be a rule with its numbers, such as {method.__name__}(1e-2), got {method!r}")
        raise ValueError(f"unknown method {method!r}; {known}")
    if name == "SPG" and onto is None:
        raise ValueError("SPG minimises over a set: give constraints or bounds, or use L-BFGS")
    if name != "SPG" and (onto is None or _limits_nothing(onto)):
        return LBFGS, None
    if name == "LBFGS":
        raise ValueError("L-BFGS takes no bounds or constraints: use SPG, or leave method out")
    return SPG, onto


def _powers_of_two(x_scale, size):
    """The scale rounded to powers of two, by which multiplication is exact; None for no scale."""
    if x_scale is None:
        return None
    given = np.asarray(x_scale)
    if given.dtype.kind not in "iuf":
        raise TypeError(f"x_scale must be a positive number or a vector of such, got {x_scale!r}")
    scale = given.astype(float)
    if scale.ndim > 1 or scale.size not in (1, size):
        raise ValueError(f"x_scale must be a number or a vector of {size} entries, got shape {scale.shape}")
    if not (np.isfinite(scale).all() and (scale > 0).all()):
        raise ValueError(f"x_scale must be positive and finite, got {x_scale!r}")
    return np.broadcast_to(2.0 ** np.round(np.log2(scale)), size).copy()


def _solver(x0, method, onto, chosen, calls):
    """A new solver, or the one of an earlier run with new limits."""
    maxfun = max(1, -(-chosen.maxfun // calls)) if calls > 1 else chosen.maxfun
    if chosen.state is not None:
        return _earlier(x0, method, onto, chosen, maxfun)
    if method is SPG:
        return SPG(x0, onto, gtol=chosen.gtol, maxiter=chosen.maxiter, maxfun=maxfun)
    if method is not LBFGS:
        return Descent(method.rules, x0, chosen.gtol, chosen.maxiter, maxfun)
    search = chosen.linesearch
    if chosen.maxls is not None:
        search = search._replace(max_evals=chosen.maxls)
    make = lbfgs_maker(type(search))
    return make(x0, chosen.maxcor, tuple(search), chosen.gtol, chosen.ftol, chosen.maxiter, maxfun)


def _earlier(x0, method, onto, chosen, maxfun):
    """A copy of the solver of an earlier run, ready to go on."""
    kind = method if isinstance(method, type) else Descent
    if not isinstance(chosen.state, kind):
        raise TypeError(
            f"state must be the state of an earlier result, an {kind.__name__} object, got {chosen.state!r}"
        )
    solver = copy.copy(chosen.state)
    point = solver.compiled.ask(solver)
    if point.shape != x0.shape or point.dtype != x0.dtype:
        raise ValueError(f"state is of a {point.dtype} vector of {point.size} entries, x0 a {x0.dtype} of {x0.size}")
    if kind is Descent and solver.parameters.rules != method.rules:
        raise ValueError(f"state is of a run with {chain(*solver.parameters.rules)!r}, but method is {method!r}")
    if kind is SPG and solver.parameters.onto != onto:
        raise ValueError(f"state is of a run within {solver.parameters.onto!r}, not within {onto!r}")
    solver.resume(chosen.gtol, chosen.ftol, chosen.maxiter, maxfun)
    return solver
