"""First-order rules as an ask/tell solver of deterministic objectives, for ``minimize(..., method=rule)``."""

from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import OptimizeResult

from .._input import at_least, not_negative
from .._jit import fields, jit, lend, real_view, stateful, view_like
from .._vector import max_abs, scale_into
from ..ask_tell import COUNTERS, NFEV, NIT, SCALARS, SCALE, STATUS, AskTell, F
from ..generic import tell
from ..status import Status
from .ending import enter, rests_at_minima, slope, values_tell
from .optimizer import Optimizer, check_vector
from .update import serial_update

# further entries of scalars
PEAK = SCALARS  # the slope at x, max |g_i| but for a set or norm at the end (:func:`numopt.rules.ending.slope`)
BEST, BEST_PEAK, START = SCALARS + 1, SCALARS + 2, SCALARS + 3  # f and the slope at the best point, f at the first
GTOL = SCALARS + 4
ALL_SCALARS = SCALARS + 5

# further entries of counters
MAXITER_, MAXFUN_ = COUNTERS, COUNTERS + 1
ALL_COUNTERS = COUNTERS + 2

RUNNING, CONVERGED_GTOL, MAXITER, MAXFUN = (
    int(Status.RUNNING),
    int(Status.CONVERGED_GTOL),
    int(Status.MAXITER),
    int(Status.MAXFUN),
)
UNBOUNDED, NONFINITE_START, DIVERGED = int(Status.UNBOUNDED), int(Status.NONFINITE_START), int(Status.DIVERGED)


class DescentCore(NamedTuple):
    """The state beside that of the rules; vectors hold ``n`` real unknowns (a complex entry is two)."""

    trial: np.ndarray  # (n,) the point to evaluate
    x: np.ndarray  # (n,) the last point evaluated
    best: np.ndarray  # (n,) the one with the least f
    best_grad: np.ndarray  # (n,) the gradient there
    room: np.ndarray  # (n,) for a projection
    scalars: np.ndarray  # (ALL_SCALARS,) float64
    counters: np.ndarray  # (ALL_COUNTERS,) int64


@jit
def new_core(start, gtol, maxiter, maxfun):
    """The state for the real vector ``start``, which is copied."""
    core = DescentCore(
        start.copy(),
        start.copy(),
        start.copy(),
        np.zeros(start.size),
        np.zeros(start.size),
        np.zeros(ALL_SCALARS),
        np.zeros(ALL_COUNTERS, np.int64),
    )
    core.scalars[SCALE], core.scalars[GTOL] = 1.0, gtol
    core.scalars[F] = core.scalars[BEST] = np.inf
    core.counters[MAXITER_], core.counters[MAXFUN_] = maxiter, maxfun
    return core


@tell.register(DescentCore)
def _(core, opt, f, g):
    s, k = core.scalars, core.counters
    if k[STATUS] != RUNNING:
        return k[STATUS]
    k[NFEV] += 1
    rules, prototype = lend(opt)[0], lend(opt)[4]
    point, gradient, room = (view_like(core.trial, prototype), view_like(g, prototype), view_like(core.room, prototype))
    first, finite = k[NFEV] == 1, np.isfinite(f) and np.isfinite(max_abs(g))
    peak = slope(rules, point, gradient, room) if finite else np.inf
    if not (finite or first):  # the last point stays the one before
        k[STATUS] = UNBOUNDED if f == -np.inf else DIVERGED
        return k[STATUS]
    k[NIT] = k[NFEV] - 1
    s[F], s[PEAK] = f, peak
    scale_into(core.x, 1.0, core.trial)
    if first:
        s[START] = f
    tells = values_tell(rules)
    # where the end of a chain adds to f, f may grow on the way to the minimum
    converged = peak <= s[GTOL] and (f <= s[START] or not tells) and rests_at_minima(rules)
    if first or converged or f < s[BEST] or (finite and not tells):
        _take(core, f, g, peak)
    if not finite:
        k[STATUS] = NONFINITE_START
    elif converged:
        k[STATUS] = CONVERGED_GTOL
    else:
        _go_on(core, opt, f, g)
    return k[STATUS]


@jit(borrow=True)
def _take(core, f, g, peak):
    """The last point is the best."""
    scale_into(core.best, 1.0, core.x)
    scale_into(core.best_grad, 1.0, g)
    core.scalars[BEST], core.scalars[BEST_PEAK] = f, peak


@jit(borrow=True)
def _go_on(core, opt, f, g):
    """Make the next step, whatever the limits are: a run that goes on later needs it."""
    k, prototype = core.counters, lend(opt)[4]
    serial_update(opt, view_like(core.trial, prototype), view_like(g, prototype), f)
    if k[NIT] >= k[MAXITER_]:
        k[STATUS] = MAXITER
    elif k[NFEV] >= k[MAXFUN_]:
        k[STATUS] = MAXFUN


@fields
class DescentFields:
    """What a :class:`Descent` holds."""

    core: DescentCore
    parameters: Any  # the Optimizer
    prototype: np.ndarray  # empty; its dtype is that of x


@stateful(DescentFields)
class Descent(AskTell):
    """A chain of rules that minimises, driven from outside like :class:`numopt.LBFGS`.

    ``ask()`` gives the point to evaluate, ``tell(f, g)`` takes value and gradient there. ``x`` and ``f`` are the last
    point evaluated; ``result`` gives the best. Made by ``minimize(..., method=rule)``. It can be pickled, and ``save``
    writes it to a file, which :func:`numopt.load` reads.

    A chain that ends with a set begins at the projection of x0, and has converged when no entry of P(x - g) - x is
    larger than ``gtol``. So has the proximal gradient method, ``chain(SGD(lr), h)`` with a norm h, with P(x) the
    proximal operator of h itself. Other chains that end with a norm have no test of convergence, since they do not rest
    at the minima of f + h (:func:`chain`). With a norm, the last point counts as the best, and f is without h.

    Attributes
    ----------
    x, f
        The last point evaluated, and its value.
    nit, nfev : int
        Steps made whose value is known; evaluations.
    running : bool
    status : Status
    core, parameters, prototype
        What it holds: vectors and numbers, the :class:`numopt.Optimizer`, the dtype.
    """

    def __new__(cls, rules, x0, gtol, maxiter, maxfun):
        """Check that the rules fit x0, and build the compiled object."""
        check_vector(rules, x0)
        return cls.compiled.new(rules, x0, gtol, maxiter, maxfun)

    class compiled:
        """What ``@njit`` code sees."""

        def new(rules, x0, gtol, maxiter, maxfun):
            start = x0 + np.zeros(1)
            enter(rules, start)
            opt = Optimizer(rules, start)  # before start is copied: some rules change it
            core = new_core(real_view(start), gtol, maxiter, maxfun)
            return DescentFields(core, opt, start[:0].copy())

        @property
        def best(self):
            """The point with the least f so far."""
            return view_like(self.core.best, self.prototype)

        @property
        def best_grad(self):
            """The gradient there."""
            return view_like(self.core.best_grad, self.prototype)

        @property
        def gradient_size(self):
            """The largest modulus in the gradient at ``x``, or in P(x - g) - x, over real and imaginary parts."""
            return self.core.scalars[PEAK]

        @property
        def step(self):
            """The learning rate of the next step."""
            return self.parameters.learning_rate

    def resume(self, gtol, ftol, maxiter, maxfun):
        """Set new limits and go on, if it had stopped at one, or converged to a larger ``gtol``; returns the status.

        There is no test with ``ftol``.
        """
        scalars, counters = self.core.scalars, self.core.counters
        scalars[GTOL] = not_negative(gtol, "gtol")
        counters[MAXITER_], counters[MAXFUN_] = at_least(maxiter, 0, "maxiter"), at_least(maxfun, 1, "maxfun")
        if counters[STATUS] in (MAXITER, MAXFUN):
            within = counters[NIT] < counters[MAXITER_] and counters[NFEV] < counters[MAXFUN_]
            counters[STATUS] = RUNNING if within else counters[STATUS]
        elif counters[STATUS] == CONVERGED_GTOL and scalars[PEAK] > scalars[GTOL]:
            counters[STATUS] = RUNNING
            _go_on(self.core, self.parameters, scalars[F], self.core.best_grad)
        return self.status

    def result(self):
        """The best point so far, as SciPy's users know it."""
        reason = self.status
        return OptimizeResult(
            x=self.compiled.best(self).copy(),
            fun=float(self.core.scalars[BEST]),
            jac=self.compiled.best_grad(self).copy(),
            nit=int(self.nit),
            nfev=int(self.nfev),
            njev=int(self.nfev),
            status=reason.code,
            success=reason.success,
            message=reason.message,
            reason=reason,
            state=self,
        )
