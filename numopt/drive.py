"""The one loop that drives every ask/tell solver: in Python for Python objectives, compiled for jitted ones."""

import time

import numpy as np

from ._jit import call_objective, jit, real_view, view_like
from .ask_tell import NFEV, NIT, SCALE, STATUS, F, told
from .status import BY_VALUE, Status

RUNNING = int(Status.RUNNING)
TARGET = int(Status.TARGET)
AIR = 0.05  # seconds that compiled code may run before Python looks for Ctrl-C
_LARGEST_TURN = 1 << 20  # evaluations, however fast they seem
_RAISED = -1
_FOREVER = np.iinfo(np.int64).max


def drive(solver, objective, watchers=(), every=1, max_time=np.inf, target=-np.inf, start=None):
    """Evaluate until the solver stops, or a watcher, the time or the target stops it.

    The first evaluation is made from Python, where whatever is wrong with the objective raises; then a jitted
    objective runs in compiled code, in turns short enough for Ctrl-C.

    Parameters
    ----------
    solver : an ask/tell solver with the fields ``core``, ``parameters`` and ``prototype`` (:mod:`.ask_tell`)
    objective : Objective
    watchers : sequence of callables
        Called with the solver after every ``every``-th iteration, and after the last.
    max_time : float
        Seconds.
    target : float
        Stop when an accepted f is at most this.
    start : ndarray, optional
        The point at which a new solver begins; without it, the solver is asked whether and where it goes on.

    Returns
    -------
    Status
        Why the run ended.
    """
    begun = time.perf_counter()
    point, status, nit, nfev = (start, RUNNING, 0, 0) if start is not None else _start(solver)
    seen, looks = nit, [watch for watch in watchers if watch.from_start] if watchers else watchers
    if nfev > 0:  # an earlier run goes on
        _call(looks, solver)
    compiled, waiting = None, False
    if status == RUNNING:
        f, g = objective.evaluate(point)
        if not g.flags.writeable:
            g = g.copy()  # a read-only array has a type of its own, for which Numba would compile the loop again
        compiled = objective.compiled()
        # the first turn tells this evaluation, unless somebody looks at the clock or at the solver before
        waiting = compiled is not None and not looks and max_time == np.inf
        if not waiting:
            status, nit, lowest = _told(solver, f, g)
            point = _start(solver)[0]
            if nfev == 0:
                _call(looks, solver)
            if -np.inf < lowest <= target:
                status = TARGET
    per_evaluation = time.perf_counter() - begun
    following = seen + every if watchers else _FOREVER
    while True:
        if watchers and nit > seen and (nit >= following or status != RUNNING):
            following, seen = nit + every, nit
            verdict = _call(watchers, solver)
            if verdict is not None:
                return verdict
        if status != RUNNING:
            return BY_VALUE[status]
        if time.perf_counter() - begun > max_time:
            return Status.MAXTIME
        if compiled is None:
            accepted = nit
            status, nit, lowest = _told(solver, *objective.evaluate(point))
            if (nit > accepted or status != RUNNING) and lowest <= target:
                status = TARGET
        else:
            turn = time.perf_counter()
            status, done, nit = _run(
                solver, waiting, f, g, compiled.address, compiled.args, per_evaluation, following, target
            )
            waiting, per_evaluation = False, (time.perf_counter() - turn) / max(done, 1)
            if status == _RAISED:
                # the exception shows itself here; if it does not come again, the run goes on
                point = _start(solver)[0]
                status, nit, _ = _told(solver, *objective.evaluate(point))


def _call(watchers, solver):
    """Call them all; the first status that one of them returns, or None."""
    verdicts = [watch(solver) for watch in watchers]
    return next((verdict for verdict in verdicts if verdict is not None), None)


# The functions below work on what the solver holds, not through ask() and tell(): in a loop, each of these would count
# references to every array of the core, and each call from Python costs about a microsecond.


@jit
def _start(solver):
    """The point to evaluate, which stays in its place, the status, and the iterations and evaluations made."""
    core = solver.core
    counters = core.counters
    return view_like(core.trial, solver.prototype), counters[STATUS], counters[NIT], counters[NFEV]


@jit
def end(solver, status):
    """Let a solver that has stopped say why in other words."""
    solver.core.counters[STATUS] = status


@jit
def _told(solver, f, g):
    """Tell f and g; returns the status, the iterations made and f at the accepted point."""
    core = solver.core
    status = told(solver, f, real_view(g))
    return status, core.counters[NIT], core.scalars[F] / core.scalars[SCALE]


@jit
def _run(solver, waiting, f, g, address, args, per_evaluation, until, target):
    """Evaluations for about ``AIR`` seconds, to the end of iteration ``until``, or to the target.

    First f and g are told if they are ``waiting`` for it. Returns the status (-1: the objective raised), the
    evaluations done and the number of iterations so far.
    """
    core = solver.core
    point, gradient = view_like(core.trial, solver.prototype), np.empty(core.trial.size)
    scalars, counters = core.scalars, core.counters
    status, done = RUNNING, 0
    budget = min(max(int(AIR / max(per_evaluation, 1e-9)), 1), _LARGEST_TURN)
    if waiting:
        status = told(solver, f, real_view(g))
        if -np.inf < scalars[F] <= target * scalars[SCALE]:
            status = TARGET
    g, accepted = view_like(gradient, solver.prototype), counters[NIT]
    while status == RUNNING and done < budget and accepted < until:
        raised, f = call_objective(address, point, g, args)
        if raised:
            return _RAISED, done, accepted
        done += 1
        status = told(solver, f, gradient)
        if counters[NIT] > accepted or status != RUNNING:
            accepted = counters[NIT]
            if scalars[F] <= target * scalars[SCALE]:
                status = TARGET
    return status, done, accepted
