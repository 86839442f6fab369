"""The one loop that drives every ask/tell solver: in Python for Python objectives, compiled for jitted ones."""

import time

import numpy as np

from ._jit import call_objective, jit
from .status import Status

RUNNING = int(Status.RUNNING)
TARGET = int(Status.TARGET)
_AIR = 0.05  # seconds that compiled code may run before Python looks for Ctrl-C
_LARGEST_TURN = 1 << 20  # evaluations, however fast they seem
_RAISED = -1
_FOREVER = np.iinfo(np.int64).max


def drive(solver, objective, watchers=(), every=1, max_time=np.inf, target=-np.inf):
    """Evaluate until the solver stops, or a watcher, the time or the target stops it.

    The first evaluation is made from Python, where whatever is wrong with the objective raises; then a jitted
    objective runs in compiled code, in turns short enough for Ctrl-C.

    Parameters
    ----------
    solver : an ask/tell solver
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
    methods = type(solver).compiled
    point, tell = methods.ask(solver), methods.tell
    status, seen = methods.status(solver), methods.nit(solver)
    looks = [watch for watch in watchers if watch.from_start]
    if solver.nfev > 0:  # an earlier run goes on
        _call(looks, solver)
    if status == RUNNING:
        started = solver.nfev == 0
        status = tell(solver, *objective.evaluate(point))
        if started:
            _call(looks, solver)
        if -np.inf < solver.f <= target:
            status = TARGET
    compiled = objective.compiled() if status == RUNNING else None
    per_evaluation = max(time.perf_counter() - begun, 1e-9)
    g = np.empty_like(point) if compiled is not None else None
    nit = methods.nit(solver)
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
            status, nit = tell(solver, *objective.evaluate(point)), methods.nit(solver)
            if nit > accepted and solver.f <= target:
                status = TARGET
        else:
            budget = min(max(int(_AIR / per_evaluation), 1), _LARGEST_TURN)
            turn = time.perf_counter()
            status, done, nit = _run(solver, compiled.address, compiled.args, g, budget, following, target)
            per_evaluation = max((time.perf_counter() - turn) / max(done, 1), 1e-9)
            if status == _RAISED:
                # the exception shows itself here; if it does not come again, the run goes on
                status, nit = tell(solver, *objective.evaluate(point)), methods.nit(solver)


def _call(watchers, solver):
    """Call them all; the first status that one of them returns, or None."""
    verdicts = [watch(solver) for watch in watchers]
    return next((verdict for verdict in verdicts if verdict is not None), None)


@jit
def _run(solver, address, args, g, budget, until, target):
    """Up to ``budget`` evaluations, to the end of iteration ``until``, or to the target.

    Returns the status (-1: the objective raised), the evaluations done and the number of iterations so far.
    """
    status, done, accepted = RUNNING, 0, solver.nit
    while status == RUNNING and done < budget and accepted < until:
        raised, f = call_objective(address, solver.ask(), g, args)
        if raised:
            return _RAISED, done, accepted
        done += 1
        status = solver.tell(f, g)
        if solver.nit > accepted:
            accepted = solver.nit
            if solver.f <= target:
                status = TARGET
    return status, done, accepted
