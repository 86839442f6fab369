"""The core of L-BFGS: plain functions on a tuple of arrays, a state machine that never calls the objective.

Problem: min f(x), x in R^n or C^n, with g = df/dx + i df/dy for complex x. A complex vector is handled as its float64
view, which is the real problem of twice the size. Iteration: d = -H g from the last m pairs (:mod:`.pairs`), a line
search along d, and the pair s = alpha d, y = g+ - g if s.y is positive.

D. C. Liu and J. Nocedal, On the limited memory BFGS method for large scale optimization, Math. Programming 45 (1989)
503-528; Nocedal and Wright, Numerical Optimization (2006), algorithm 7.5.
Where we differ: a trial where f or g is not finite is backed away from and never shown to the line search; a search
that fails is repeated once along -g; the test on the decrease of f also asks that the predicted decrease be small; a
failure that was predicted by rounding is reported as convergence at the limit of precision.
"""

from typing import NamedTuple

import numpy as np

from .._jit import REDUCTION, jit
from .._vector import dot, max_abs, move, norm, scale_into
from ..ask_tell import NFEV, NIT, SCALE, STATUS, F
from ..generic import first_step
from ..generic import tell as chosen_tell
from ..linesearch import safeguard
from ..linesearch.safeguard import BEST, PHI0, PHI_BEST, REJECTED, WALL
from ..status import Status
from .pairs import COUNT, Pairs, descend, forget, free_row, keep, new_pairs

RUNNING = int(Status.RUNNING)
CONVERGED_GTOL, CONVERGED_FTOL, PRECISION = (
    int(Status.CONVERGED_GTOL),
    int(Status.CONVERGED_FTOL),
    int(Status.PRECISION),
)
MAXITER, MAXFUN = int(Status.MAXITER), int(Status.MAXFUN)
LINE_SEARCH, UNBOUNDED = int(Status.LINE_SEARCH), int(Status.UNBOUNDED)
NONFINITE_START, EDGE_OF_DOMAIN = int(Status.NONFINITE_START), int(Status.EDGE_OF_DOMAIN)

# further entries of Core.scalars; SCALE is 1 unless the first gradient is huge
PEAK = 2  # max |g_i| at x, times SCALE
STEP = 3  # alpha of the trial
FIRST_STEP = 4  # alpha of the search's first trial
LAST_STEP = 5  # the last accepted alpha
SLOPE = 6  # d.g at x
CURVATURE = 7  # (phi'(alpha) - phi'(0)) / alpha at the last finite trial; 0 if there was none
NATURAL = 8  # 1: the last step was along a quasi-Newton direction, whose natural length is 1
GTOL, FTOL = 9, 10
SCALARS = 11

# further entries of Core.counters
SMALL = 3  # decreases below ftol in a row
POOR = 4  # 1: one of these steps did not meet the conditions of the line search
EXPECTED = 5  # 1: the last failed search had been predicted to change f by rounding only
MAXITER_, MAXFUN_ = 6, 7
LIMITED = 8  # after a step that rejected trials have limited: steps until the tests with ftol count again
COUNTERS = 9

_HUGE = 1e100  # a larger first gradient is scaled: y.y would overflow
_ABSURD_RISE = 1e10  # a trial this far above the linear prediction: interpolation through it would underflow
_EPSILON = 2.220446049250313e-16
_ROUNDING = 10 * _EPSILON  # relative changes of f below this are not resolved
_SMALL_IN_A_ROW = 6
_UNLIMITED_IN_A_ROW = 3
_RELATIVE_LENGTH = 1e-8  # of the first step beside x, where a step of length 1 is shorter


class Core(NamedTuple):
    """The state of the solver. Vectors hold ``n`` real unknowns (a complex entry is two)."""

    x: np.ndarray  # (n,) the last accepted point
    grad: np.ndarray  # (n,) its gradient, times SCALE
    trial: np.ndarray  # (n,) the point to evaluate
    direction: np.ndarray  # (n,)
    best_grad: np.ndarray  # (n,) the gradient, times SCALE, at the search's best trial
    pairs: Pairs
    search: np.ndarray  # (safeguard.SIZE,) the state of the line search
    scalars: np.ndarray  # (SCALARS,) float64
    counters: np.ndarray  # (COUNTERS,) int64


@jit
def new_core(x0, memory, gtol, ftol, maxiter, maxfun):
    """A solver's state for the real vector ``x0``, which is copied."""
    n = x0.size
    core = Core(
        np.empty(n),
        np.zeros(n),
        np.empty(n),
        np.zeros(n),
        np.zeros(n),
        new_pairs(memory, n),
        np.zeros(safeguard.SIZE),
        np.zeros(SCALARS),
        np.zeros(COUNTERS, np.int64),
    )
    core.scalars[GTOL], core.scalars[FTOL] = gtol, ftol
    core.counters[MAXITER_], core.counters[MAXFUN_] = maxiter, maxfun
    restart(core, x0, False)
    return core


@jit(borrow=True)
def restart(core, x0, keep_memory):
    """Begin again at ``x0``, without allocating; counters are cleared, and the memory unless it is to be kept."""
    scale_into(core.x, 1.0, x0)
    scale_into(core.trial, 1.0, x0)
    scale_into(core.grad, 0.0, core.x)
    s, k = core.scalars, core.counters
    if not keep_memory or s[SCALE] != 1.0:
        forget(core.pairs)
    s[F], s[PEAK], s[SCALE] = np.inf, np.inf, 1.0
    s[STEP] = s[FIRST_STEP] = s[LAST_STEP] = s[SLOPE] = s[CURVATURE] = s[NATURAL] = 0.0
    k[STATUS], k[NIT], k[NFEV], k[SMALL], k[POOR], k[EXPECTED], k[LIMITED] = RUNNING, 0, 0, 0, 0, 0, 0


@jit(inline=True, borrow=True)
def tell(core, search, f, g):
    """Take f and the gradient at ``core.trial``; g is a float64 vector of the same size. Returns the status."""
    if core.counters[STATUS] != RUNNING:
        return core.counters[STATUS]
    core.counters[NFEV] += 1
    if core.counters[NFEV] == 1:
        _take_start(core, search, f, g)
    else:
        _take_trial(core, search, f, g)
    _keep_limits(core)
    return core.counters[STATUS]


@chosen_tell.register(Core)
def _tell(core, search, f, g):
    return tell(core, search, f, g)


@jit(borrow=True)
def _take_start(core, search, f, g):
    s, k = core.scalars, core.counters
    peak = max_abs(g)
    scale_into(core.grad, 1.0, g)
    s[F], s[PEAK] = f, peak
    if not (np.isfinite(f) and np.isfinite(peak)):
        k[STATUS] = NONFINITE_START
        return
    if peak > _HUGE:
        forget(core.pairs)
        s[SCALE] = 2.0 ** -np.floor(np.log2(peak))
        scale_into(core.grad, s[SCALE], g)
        s[F], s[PEAK] = s[SCALE] * f, s[SCALE] * peak
    if s[PEAK] <= s[SCALE] * s[GTOL]:
        k[STATUS] = CONVERGED_GTOL
        return
    _choose_direction(core)
    _search_along(core, search)


@jit(inline=True, borrow=True)
def _take_trial(core, search, f, g):
    s, k = core.scalars, core.counters
    scale, alpha = s[SCALE], s[STEP]
    phi, slope, peak = scale * f, scale * dot(g, core.direction), scale * max_abs(g)
    if f == -np.inf:
        _take_best(core)
        k[STATUS] = UNBOUNDED
        return
    rise = _ROUNDING * abs(s[F]) - _ABSURD_RISE * alpha * s[SLOPE]
    usable = np.isfinite(peak) and phi - s[F] <= rise
    if usable:
        s[CURVATURE] = (slope - s[SLOPE]) / alpha
    verdict, proposed = safeguard.offer(search, core.search, alpha, phi, slope, usable)
    if verdict == safeguard.ACCEPTED:
        _accept(core, g, scale, alpha, phi, slope, peak)
    else:
        if core.search[BEST] == alpha:
            scale_into(core.best_grad, scale, g)
        if verdict == safeguard.SEARCHING and _propose(core, proposed):
            return
        if core.search[BEST] == 0.0:
            _recover(core, search)
            return
        _take_best(core)
        k[POOR] = 1
    _go_on(core, search)


@jit(inline=True, borrow=True)
def _propose(core, alpha):
    """Make x + alpha d the trial; False if that is x itself."""
    core.scalars[STEP] = alpha
    return move(core.x, alpha, core.direction, core.trial)


@jit(borrow=True)
def _take_best(core):
    """Accept the best trial of the search from memory, if there is one."""
    alpha = core.search[BEST]
    if alpha <= 0.0:
        return
    _propose(core, alpha)
    slope, peak = dot(core.best_grad, core.direction), max_abs(core.best_grad)
    _accept(core, core.best_grad, 1.0, alpha, core.search[PHI_BEST], slope, peak)


@jit(inline=True, borrow=True)
def _accept(core, g, scale, alpha, phi, slope, peak):
    """Move to the trial, whose gradient is ``scale * g``, and keep the pair if it has curvature.

    ``slope`` and ``peak`` are d.g and max |g_i| there, times SCALE.
    """
    s, k, pairs = core.scalars, core.counters, core.pairs
    s[LAST_STEP], s[NATURAL] = alpha, 1.0 if pairs.ring[COUNT] > 0 else 0.0
    curved = slope - s[SLOPE] > -_EPSILON * s[SLOPE]  # s.y = alpha (phi'(alpha) - phi'(0))
    row = free_row(pairs)
    if curved and pairs.steps.shape[0] > 0:
        sy, yy = _move_and_store(core, g, scale, pairs.steps[row], pairs.changes[row])
        keep(pairs, row, sy, yy, -alpha * alpha * s[SLOPE])
    else:
        scale_into(core.x, 1.0, core.trial)
        scale_into(core.grad, scale, g)
    threshold = s[FTOL] * max(abs(s[F]), abs(phi), s[SCALE])
    if s[F] - phi <= threshold:
        k[SMALL] += 1
    else:
        k[SMALL], k[POOR] = 0, 0
    # f still falls beyond the step, where trials were rejected: its decrease says nothing about a minimum
    limited = core.search[WALL] < np.inf and slope < 0.0
    k[LIMITED] = _UNLIMITED_IN_A_ROW if limited else max(k[LIMITED] - 1, 0)
    k[NIT] += 1
    k[EXPECTED] = 0
    s[F], s[PEAK] = phi, peak


@jit(fastmath=REDUCTION, inline=True, borrow=True)
def _move_and_store(core, g, scale, step, change):
    """Move x and grad to the trial and store the differences, in one pass. Returns s.y and y.y."""
    x, grad, trial = core.x, core.grad, core.trial
    sy, yy = 0.0, 0.0
    for i in range(x.size):
        new = scale * g[i]
        s, y = trial[i] - x[i], new - grad[i]
        sy += s * y
        yy += y * y
        step[i], change[i], x[i], grad[i] = s, y, trial[i], new
    return sy, yy


@jit(inline=True, borrow=True)
def _go_on(core, search):
    """After an accepted step: test for convergence and begin the next search."""
    s, k = core.scalars, core.counters
    if s[PEAK] <= s[SCALE] * s[GTOL]:
        k[STATUS] = CONVERGED_GTOL
        return
    _choose_direction(core)
    if k[SMALL] > 0:
        # One small decrease may be a short step; the quadratic model must promise no more than that either. Without
        # pairs there is no model.
        threshold = s[FTOL] * max(abs(s[F]), s[SCALE])
        modelled = k[LIMITED] == 0 and core.pairs.ring[COUNT] > 0
        if modelled and -0.5 * s[SLOPE] <= threshold:
            k[STATUS] = CONVERGED_FTOL
            return
        if k[SMALL] >= _SMALL_IN_A_ROW:
            # The model promised more each time. If the searches found no proper step either, the gradient is wrong.
            if k[LIMITED] > 0:
                k[STATUS] = EDGE_OF_DOMAIN
            else:
                k[STATUS] = CONVERGED_FTOL if k[POOR] == 0 else LINE_SEARCH
            return
    _search_along(core, search)


@jit(borrow=True)
def reopen(core, search):
    """Go on from a point that had converged to larger tolerances."""
    core.counters[SMALL] = 0
    core.counters[STATUS] = RUNNING
    _go_on(core, search)
    _keep_limits(core)


@jit(borrow=True)
def resume(core):
    """Go on after a limit, with the trial that is due: bit for bit the run without the limit."""
    if core.search[BEST] > 0.0:
        _exchange(core, core.search[PHI0])
    _propose(core, core.scalars[STEP])
    core.counters[STATUS] = RUNNING
    _keep_limits(core)


@jit(inline=True, borrow=True)
def _keep_limits(core):
    """Stop if a limit is reached."""
    k = core.counters
    if k[STATUS] == RUNNING and (k[NFEV] >= k[MAXFUN_] or k[NIT] >= k[MAXITER_]):
        _stop_at_limit(core)


@jit(borrow=True)
def _stop_at_limit(core):
    """Stop; the next trial is known, so that the run can go on.

    A search that is cut short there is no iteration. Its best trial is shown as x, and ``trial`` and ``best_grad``
    keep the point where the search began.
    """
    k, alpha = core.counters, core.search[BEST]
    k[STATUS] = MAXITER if k[NIT] >= k[MAXITER_] else MAXFUN
    if alpha > 0.0:
        move(core.x, alpha, core.direction, core.trial)
        _exchange(core, core.search[PHI_BEST])


@jit(borrow=True)
def _exchange(core, phi):
    """Exchange x and the trial, and their gradients; ``phi`` is f at the new x, times SCALE."""
    x, trial, grad, best_grad = core.x, core.trial, core.grad, core.best_grad
    for i in range(x.size):
        x[i], trial[i] = trial[i], x[i]
        grad[i], best_grad[i] = best_grad[i], grad[i]
    core.scalars[F], core.scalars[PEAK] = phi, max_abs(grad)


@jit(inline=True, borrow=True)
def _choose_direction(core):
    """Set the direction to -H g, or to -g if there is no memory or no descent along -H g."""
    s, pairs = core.scalars, core.pairs
    if pairs.ring[COUNT] > 0:
        s[SLOPE] = descend(pairs, core.grad, core.direction)
        if s[SLOPE] < 0.0 and np.isfinite(s[SLOPE]):
            return
    forget(pairs)
    scale_into(core.direction, -1.0, core.grad)
    s[SLOPE] = -dot(core.grad, core.grad)


@jit(borrow=True)
def _first_step(core):
    """The first alpha along -g: a step of length 1, or longer where that is lost to rounding beside x."""
    return max(1.0, _RELATIVE_LENGTH * max_abs(core.x)) / norm(core.grad)


@jit(inline=True, borrow=True)
def _begin_search(core, search, natural, previous):
    """Begin a line search along the direction; False if no step along it can decrease f."""
    s = core.scalars
    s[FIRST_STEP], s[CURVATURE] = first_step(search, natural, previous), 0.0
    verdict = safeguard.start(search, core.search, s[F], s[SLOPE], s[FIRST_STEP])
    return verdict == safeguard.SEARCHING and _propose(core, s[FIRST_STEP])


@jit(inline=True, borrow=True)
def _search_along(core, search):
    """Begin a line search along the direction, or deal with its failure."""
    if core.pairs.ring[COUNT] > 0:
        begun = _begin_search(core, search, 1.0, core.scalars[NATURAL] * core.scalars[LAST_STEP])
    else:
        begun = _begin_search(core, search, _first_step(core), 0.0)
    if not begun:
        _recover(core, search)


@jit(borrow=True)
def _recover(core, search):
    """A search found no decrease: once more along -g, else the end."""
    s, k = core.scalars, core.counters
    if core.pairs.ring[COUNT] > 0:
        unresolved = -s[SLOPE] * s[FIRST_STEP] <= _ROUNDING * abs(s[F])
        k[EXPECTED] = 1 if unresolved and core.search[WALL] == np.inf else 0
        forget(core.pairs)
        _choose_direction(core)
        if _begin_search(core, search, _first_step(core), 0.0):
            return
    elif s[CURVATURE] > 0.0 and 0.5 * s[SLOPE] ** 2 <= _ROUNDING * abs(s[F]) * s[CURVATURE]:
        k[EXPECTED] = 1  # the quadratic through the last trial could not have been resolved either
    if k[EXPECTED] == 1:
        k[STATUS] = PRECISION
    else:
        k[STATUS] = EDGE_OF_DOMAIN if core.search[REJECTED] > 0.0 or k[LIMITED] > 0 else LINE_SEARCH
