"""The one loop that drives every ask/tell solver: in Python for Python objectives, compiled for jitted ones."""

import time

import numpy as np

from ._jit import call_objective, jit, real_view, view_like
from .ask_tell import NFEV, NIT, SCALE, STATUS, F
from .generic import tell
from .status import Status

RUNNING = int(Status.RUNNING)
TARGET = int(Status.TARGET)
AIR = 0.05  # seconds that compiled code may run before Python looks for Ctrl-C
_LARGEST_TURN = 1 << 20  # evaluations, however fast they seem
_RAISED = -1
_FOREVER = np.iinfo(np.int64).max


def drive(solver, objective, watchers=(), every=1, max_time=np.inf, target=-np.inf):
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

    Returns
    -------
    Status
        Why the run ended.
    """
    begun = time.perf_counter()
    point, (status, nit, nfev, f) = _start(solver)
    seen, looks = nit, [watch for watch in watchers if watch.from_start]
    if nfev > 0:  # an earlier run goes on
        _call(looks, solver)
    if status == RUNNING:
        status, nit, _, f = _told(solver, *objective.evaluate(point))
        if nfev == 0:
            _call(looks, solver)
        if -np.inf < f <= target:
            status = TARGET
    compiled = objective.compiled() if status == RUNNING else None
    per_evaluation = max(time.perf_counter() - begun, 1e-9)
    g = np.empty_like(point) if compiled is not None else None
    following = seen + every if watchers else _FOREVER
    while True:
        if watchers and nit > seen and (nit >= following or status != RUNNING):
            following, seen = nit + every, nit
            verdict = _call(watchers, solver)
            if verdict is not None:
                return verdict
        if status != RUNNING:
            return Status(status)
        if time.perf_counter() - begun > max_time:
            return Status.MAXTIME
        if compiled is None:
            accepted = nit
            status, nit, _, f = _told(solver, *objective.evaluate(point))
            if nit > accepted and f <= target:
                status = TARGET
        else:
            budget = min(max(int(AIR / per_evaluation), 1), _LARGEST_TURN)
            turn = time.perf_counter()
            status, done, nit = _run(solver, compiled.address, compiled.args, g, budget, following, target)
            per_evaluation = max((time.perf_counter() - turn) / max(done, 1), 1e-9)
            if status == _RAISED:
                # the exception shows itself here; if it does not come again, the run goes on
                status, nit, _, f = _told(solver, *objective.evaluate(point))


def _call(watchers, solver):
    """Call them all; the first status that one of them returns, or None."""
    verdicts = [watch(solver) for watch in watchers]
    return next((verdict for verdict in verdicts if verdict is not None), None)


# The functions below work on what the solver holds, not through ask() and tell(): in a loop, each of these would count
# references to every array of the core, and each call from Python costs about a microsecond.


@jit
def _progress(core):
    scalars, counters = core.scalars, core.counters
    return counters[STATUS], counters[NIT], counters[NFEV], scalars[F] / scalars[SCALE]


@jit
def _start(solver):
    core = solver.core
    return view_like(core.trial, solver.prototype), _progress(core)


@jit
def _told(solver, f, g):
    core = solver.core
    tell(core, solver.parameters, f, real_view(g))
    return _progress(core)


@jit
def _run(solver, address, args, g, budget, until, target):
    """Up to ``budget`` evaluations, to the end of iteration ``until``, or to the target.

    Returns the status (-1: the objective raised), the evaluations done and the number of iterations so far.
    """
    core, parameters = solver.core, solver.parameters
    point, gradient = view_like(core.trial, solver.prototype), real_view(g)
    scalars, counters = core.scalars, core.counters
    status, done, accepted = RUNNING, 0, counters[NIT]
    while status == RUNNING and done < budget and accepted < until:
        raised, f = call_objective(address, point, g, args)
        if raised:
            return _RAISED, done, accepted
        done += 1
        status = tell(core, parameters, f, gradient)
        if counters[NIT] > accepted:
            accepted = counters[NIT]
            if scalars[F] <= target * scalars[SCALE]:
                status = TARGET
    return status, done, accepted
