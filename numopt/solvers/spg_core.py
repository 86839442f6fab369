"""The core of the spectral projected gradient method: plain functions on a tuple of arrays.

Problem: min f(x) over a closed convex set C, with g = df/dx + i df/dy for complex x. Iteration (SPG2):

    d = P(x - lambda g) - x,    x+ = P(x + alpha d),    lambda+ = s.s / s.y,    s = x+ - x,    y = g+ - g,

where alpha = 1, or the first of a sequence of smaller ones, by quadratic interpolation, for which

    f(x + alpha d) <= max of the last M values + gamma alpha <d, g>.

E. G. Birgin, J. M. Martinez, M. Raydan, Nonmonotone spectral projected gradient methods on convex sets, SIAM J. Optim.
10 (2000) 1196-1211; algorithm 2.2. Where we differ: a trial is projected once more, so that rounding does not put it
outside; a trial where f or g is not finite is backed away from; where f and f(x) differ by rounding only, the slopes
decide (W. W. Hager, H. Zhang, SIAM J. Optim. 16 (2005), the approximate Wolfe condition); a search that fails is
reported as convergence at the limit of precision if rounding had been predicted to hide any decrease.
"""

from typing import Any, NamedTuple

import numpy as np

from .._jit import jit, view_like
from .._vector import dot, max_abs, move, scale_into
from ..ask_tell import COUNTERS, NFEV, NIT, SCALARS, SCALE, STATUS, F
from ..generic import project_into, tell
from ..status import Status

RUNNING = int(Status.RUNNING)
CONVERGED_GTOL, PRECISION = int(Status.CONVERGED_GTOL), int(Status.PRECISION)
MAXITER, MAXFUN = int(Status.MAXITER), int(Status.MAXFUN)
LINE_SEARCH, UNBOUNDED = int(Status.LINE_SEARCH), int(Status.UNBOUNDED)
NONFINITE_START, EDGE_OF_DOMAIN = int(Status.NONFINITE_START), int(Status.EDGE_OF_DOMAIN)

# further entries of scalars
PEAK = SCALARS  # max |P(x - g) - x| over real and imaginary parts
STEP = SCALARS + 1  # alpha of the trial
LAST_STEP = SCALARS + 2  # the last accepted alpha
SLOPE = SCALARS + 3  # <d, g> at x
SPECTRAL = SCALARS + 4  # lambda
GTOL = SCALARS + 5
BEST = SCALARS + 6  # f at the best point
START = SCALARS + 7  # f at the start
BEST_PEAK = SCALARS + 8  # what PEAK was there
REJECTED = SCALARS + 9  # 1: f or the gradient was not finite, or f huge, at the last trial
ALL_SCALARS = SCALARS + 10

# further entries of counters
MAXITER_, MAXFUN_ = COUNTERS, COUNTERS + 1
ALL_COUNTERS = COUNTERS + 2

_GAMMA = 1e-4  # of the test of sufficient decrease
_LEAST, _MOST = 1e-30, 1e30  # limits of lambda
_GROWTH = 10.0
_NARROW, _WIDE = 0.1, 0.9  # an interpolated alpha is at least this, and at most this part of the last one
_NOISE = 1000 * 2.220446049250313e-16  # relative changes of f below this may be rounding
_SMALLEST_STEP = 1e-20
_ABSURD_RISE = 1e10  # a trial this far above the linear prediction is treated as one that is not finite
_RELATIVE_LENGTH = 1e-8  # of the first step beside x, where a step of length 1 is shorter


class SPGCore(NamedTuple):
    """The state of the solver. Vectors hold ``n`` real unknowns (a complex entry is two)."""

    x: np.ndarray  # (n,) the last accepted point
    grad: np.ndarray  # (n,) its gradient
    trial: np.ndarray  # (n,) the point to evaluate
    direction: np.ndarray  # (n,)
    best: np.ndarray  # (n,) the point with the least f, which need not be the last
    best_grad: np.ndarray  # (n,) the gradient there
    values: np.ndarray  # (M,) the last accepted values of f, in a ring
    scalars: np.ndarray  # (ALL_SCALARS,) float64
    counters: np.ndarray  # (ALL_COUNTERS,) int64


class Constraint(NamedTuple):
    """What the method works with besides its state."""

    onto: Any  # the set
    prototype: np.ndarray  # empty; its dtype is that of x


@jit
def new_core(x0, memory, gtol, maxiter, maxfun):
    """The state for the real vector ``x0``, a point of the set, which is copied."""
    n = x0.size
    core = SPGCore(
        np.empty(n),
        np.zeros(n),
        np.empty(n),
        np.zeros(n),
        np.empty(n),
        np.zeros(n),
        np.empty(max(memory, 1)),
        np.zeros(ALL_SCALARS),
        np.zeros(ALL_COUNTERS, np.int64),
    )
    core.scalars[GTOL] = gtol
    core.counters[MAXITER_], core.counters[MAXFUN_] = maxiter, maxfun
    restart(core, x0)
    return core


@jit(borrow=True)
def restart(core, x0):
    """Begin again at ``x0``, a point of the set, without allocating."""
    scale_into(core.x, 1.0, x0)
    scale_into(core.trial, 1.0, x0)
    scale_into(core.best, 1.0, x0)
    s, k = core.scalars, core.counters
    for i in range(core.values.size):
        core.values[i] = -np.inf
    s[F], s[BEST], s[PEAK], s[SCALE] = np.inf, np.inf, np.inf, 1.0
    s[STEP] = s[LAST_STEP] = s[SLOPE] = s[SPECTRAL] = s[REJECTED] = 0.0
    k[STATUS], k[NIT], k[NFEV] = RUNNING, 0, 0


@tell.register(SPGCore)
def _(core, constraint, f, g):
    s, k = core.scalars, core.counters
    if k[STATUS] != RUNNING:
        return k[STATUS]
    k[NFEV] += 1
    finite = np.isfinite(f) and np.isfinite(max_abs(g))
    if k[NFEV] == 1:
        scale_into(core.grad, 1.0, g)
        s[F], s[START], core.values[0] = f, f, f
        _keep_best(core)
        k[STATUS] = RUNNING if finite else NONFINITE_START
        if finite:
            _begin(core, constraint, 0.0)
    elif f == -np.inf:
        k[STATUS] = UNBOUNDED
    elif finite and _decreases(core, f, g):
        _begin(core, constraint, _accept(core, f, g))
    else:
        if finite and f < s[BEST]:
            _keep_trial(core, constraint, f, g)
        rise = _NOISE * abs(s[F]) - _ABSURD_RISE * s[STEP] * s[SLOPE]
        _shorten(core, constraint, f if finite and f - s[F] <= rise else np.inf)
    _end(core)
    return k[STATUS]


@jit
def resume(core, constraint):
    """Go on with new limits, if it had stopped at one, or converged to a larger ``gtol``."""
    s, k = core.scalars, core.counters
    if s[F] < s[BEST]:
        _exchange(core)
    if k[STATUS] == MAXITER or k[STATUS] == MAXFUN:
        k[STATUS] = RUNNING
    elif k[STATUS] == CONVERGED_GTOL and s[PEAK] > s[GTOL]:
        k[STATUS] = RUNNING
        _begin(core, constraint, s[SPECTRAL])
    if k[NFEV] > 0:
        _end(core)


@jit(borrow=True)
def _end(core):
    """Stop at a limit, with the trial ready, so that the run can go on; at every end, x is the point to return.

    The method may end above a point that it has come through. Until it goes on, ``best`` keeps the last point then.
    """
    s, k = core.scalars, core.counters
    if k[STATUS] == RUNNING:
        if k[NIT] >= k[MAXITER_]:
            k[STATUS] = MAXITER
        elif k[NFEV] >= k[MAXFUN_]:
            k[STATUS] = MAXFUN
    converged = k[STATUS] == CONVERGED_GTOL or k[STATUS] == PRECISION
    if k[STATUS] != RUNNING and s[F] > (s[START] if converged else s[BEST]):
        _exchange(core)


@jit(borrow=True)
def _exchange(core):
    """Exchange x and the best point, with what is known of them."""
    s, x, grad, best, best_grad = core.scalars, core.x, core.grad, core.best, core.best_grad
    for i in range(x.size):
        x[i], best[i] = best[i], x[i]
        grad[i], best_grad[i] = best_grad[i], grad[i]
    s[F], s[BEST] = s[BEST], s[F]
    s[PEAK], s[BEST_PEAK] = s[BEST_PEAK], s[PEAK]


@jit(borrow=True)
def _decreases(core, f, g):
    """Whether the trial is accepted."""
    s = core.scalars
    highest = -np.inf
    for i in range(core.values.size):
        highest = max(highest, core.values[i])
    if f <= highest + _GAMMA * s[STEP] * s[SLOPE]:
        return True
    noise = _NOISE * abs(s[BEST])
    if f > s[BEST] + noise or -s[STEP] * s[SLOPE] > noise:  # beside the best: rounding must not carry f upwards
        return False
    rise = 0.0  # of the slope: by the change of g, which may be small beside g
    for i in range(g.size):
        rise += (g[i] - core.grad[i]) * core.direction[i]
    return rise <= 2.0 * (_GAMMA - 1.0) * s[SLOPE]


@jit(borrow=True)
def _accept(core, f, g):
    """Move to the trial; returns the next lambda."""
    s, k = core.scalars, core.counters
    x, grad, trial = core.x, core.grad, core.trial
    ss, sy = 0.0, 0.0
    for i in range(x.size):
        step = trial[i] - x[i]
        ss += step * step
        sy += step * (g[i] - grad[i])
        x[i], grad[i] = trial[i], g[i]
    k[NIT] += 1
    core.values[k[NIT] % core.values.size] = f
    s[F], s[LAST_STEP] = f, s[STEP]
    spectral = ss / sy if sy > 0.0 else np.inf
    # where f does not curve upwards lambda grows, but not without measure: the set may be unbounded
    return min(max(spectral, _LEAST), _MOST if sy > 0.0 else min(_GROWTH * s[SPECTRAL], _MOST))


@jit(borrow=True)
def _keep_best(core):
    """Take x as the best point."""
    scale_into(core.best, 1.0, core.x)
    scale_into(core.best_grad, 1.0, core.grad)
    core.scalars[BEST], core.scalars[BEST_PEAK] = core.scalars[F], core.scalars[PEAK]


@jit
def _keep_trial(core, constraint, f, g):
    """Take the trial as the best point: it is not accepted, but lower than all before."""
    s, best, trial = core.scalars, core.best, core.trial
    scale_into(best, 1.0, trial)
    scale_into(core.best_grad, 1.0, g)
    _project_from(core, constraint, best, core.best_grad, 1.0)
    s[BEST], s[BEST_PEAK] = f, 0.0
    for i in range(best.size):
        s[BEST_PEAK] = max(s[BEST_PEAK], abs(trial[i] - best[i]))


@jit
def _project_from(core, constraint, x, grad, length):
    """Make P(x - length g) the trial; returns whether x - length g is another point than x."""
    moved = move(x, -length, grad, core.trial)
    point = view_like(core.trial, constraint.prototype)
    project_into(constraint.onto, point, point)
    return moved


@jit(borrow=True)
def _set_direction(core, length):
    """Take the direction from x to the trial P(x - length g), and its slope.

    For every convex set <d, g> <= -|d|^2 / length. Where g is large and nearly normal to the set, <d, g> is lost to
    rounding, and this bound is not.
    """
    for i in range(core.x.size):
        core.direction[i] = core.trial[i] - core.x[i]
    bound = -dot(core.direction, core.direction) / length
    core.scalars[SLOPE] = min(dot(core.direction, core.grad), bound)


@jit
def _begin(core, constraint, spectral):
    """Test for convergence, and begin a search along P(x - lambda g) - x; lambda = 0: from the first gradient."""
    s, k = core.scalars, core.counters
    moved = _project_from(core, constraint, core.x, core.grad, 1.0)
    _set_direction(core, 1.0)
    s[PEAK] = max_abs(core.direction)
    if k[NFEV] == 1 or s[F] < s[BEST]:
        _keep_best(core)
    if not moved and max_abs(core.grad) > s[GTOL]:
        k[STATUS] = LINE_SEARCH  # x is so large that g is lost beside it, which proves nothing
        return
    if spectral == 0.0:  # a step of length 1, or longer where that is lost to rounding beside x
        spectral = min(max(max(1.0, _RELATIVE_LENGTH * max_abs(core.x)) / s[PEAK], _LEAST), _MOST)
    s[SPECTRAL], s[REJECTED] = spectral, 0.0
    if s[PEAK] <= s[GTOL]:
        k[STATUS] = CONVERGED_GTOL
        return
    if s[SPECTRAL] != 1.0:
        _project_from(core, constraint, core.x, core.grad, s[SPECTRAL])
        _set_direction(core, s[SPECTRAL])
    s[STEP] = 1.0
    if not s[SLOPE] < 0.0:
        _fail(core)


@jit(borrow=True)
def _fail(core):
    """No step decreases f."""
    s = core.scalars
    hidden = 0.0 < abs(s[SLOPE]) <= _NOISE * abs(s[F])  # 0: that of a tiny gradient has underflowed
    if s[REJECTED] == 1.0:
        core.counters[STATUS] = EDGE_OF_DOMAIN
    else:
        core.counters[STATUS] = PRECISION if hidden else LINE_SEARCH


@jit
def _shorten(core, constraint, f):
    """Make x + alpha d with a smaller alpha the trial; ``f``, the value at the last one, is inf if it is not usable."""
    s = core.scalars
    alpha = s[STEP]
    interpolated = -0.5 * alpha * alpha * s[SLOPE] / (f - s[F] - alpha * s[SLOPE])
    s[REJECTED] = 1.0 if f == np.inf else 0.0
    if f == np.inf:
        s[STEP] = _NARROW * alpha
    else:
        s[STEP] = interpolated if _NARROW <= interpolated <= _WIDE * alpha else 0.5 * alpha
    changed = move(core.x, s[STEP], core.direction, core.trial)
    point = view_like(core.trial, constraint.prototype)
    project_into(constraint.onto, point, point)
    if not changed or s[STEP] < _SMALLEST_STEP:
        _fail(core)
