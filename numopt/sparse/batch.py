"""Batches: what is done with any of them, before a selection looks at the values and after it has chosen the next."""

import math

import numpy as np

from .._jit import jit
from .._vector import scale_into
from ..ask_tell import NFEV, STATUS, F
from ..status import Status
from .choices import take, write
from .state import (
    ACTIVE,
    BATCH,
    DONE,
    FOUND_FUN,
    FUN,
    PENALTY,
    PHASE,
    RESAMPLES,
    ROWS,
    SCOUT,
    START,
    TOLD,
    TRAIN,
    WRITTEN,
    count_penalized,
    is_drawn,
    rows_due,
)

RUNNING, MAXFUN_REACHED = int(Status.RUNNING), int(Status.MAXFUN)
UNBOUNDED, NONFINITE_START = int(Status.UNBOUNDED), int(Status.NONFINITE_START)


@jit
def repeated(batch, times):
    """The rows, each so many times."""
    out = np.empty((batch.shape[0] * times, batch.shape[1]), batch.dtype)
    for row in range(out.shape[0]):
        for c in range(out.shape[1]):  # not whole rows: that compiles error messages for seconds
            out[row, c] = batch[row // times, c]
    return out


@jit(borrow=True)
def average(core, values):
    """Make the mean of the samples of each row its value."""
    k = core.counters
    for due in range(values.size // k[RESAMPLES]):
        row, first = k[TOLD] + due, due * k[RESAMPLES]
        total = values[first]
        for sample in range(first + 1, first + k[RESAMPLES]):
            total += values[sample]
        if math.isinf(total):  # the sum may overflow where the mean does not
            total = 0.0
            for sample in range(first, first + k[RESAMPLES]):
                total += values[sample] / k[RESAMPLES]
            core.values[row] = total
        else:
            core.values[row] = total / k[RESAMPLES]


@jit(borrow=True)
def receive(core):
    """Count the evaluations, clean the values and keep the best row; returns the status.

    A batch that ``maxfun`` cuts short waits for the values of its other rows.
    """
    s, k = core.scalars, core.counters
    first, due = k[TOLD], rows_due(k)
    k[NFEV] += due * k[RESAMPLES]
    k[TOLD] += due
    if k[PHASE] == START and not math.isfinite(core.values[0]):
        s[F] = s[FUN] = core.values[0]
        k[STATUS] = NONFINITE_START
        return k[STATUS]
    if _clean(core, first):
        k[STATUS] = UNBOUNDED
    _keep_best(core, first)
    if k[STATUS] == RUNNING and k[TOLD] < k[BATCH]:
        k[STATUS] = MAXFUN_REACHED
    return k[STATUS]


@jit(borrow=True)
def _clean(core, first):
    """Make every value from the row ``first`` on that is not finite inf; whether one was -inf."""
    unbounded = False
    for row in range(first, core.counters[TOLD]):
        unbounded = unbounded or core.values[row] == -np.inf
        if not math.isfinite(core.values[row]):
            core.values[row] = np.inf
    return unbounded


@jit(borrow=True)
def _is_pruned(core):
    """Whether the rows may be the next center: scouts and mutants still carry what pruning is about to remove."""
    s, phase = core.scalars, core.counters[PHASE]
    return phase != SCOUT and (phase != TRAIN or s[PENALTY] == 0.0)


@jit(borrow=True)
def bar(core):
    """What f + penalty * nnz of a row must be below for the row to be kept."""
    s = core.scalars
    return max(s[FOUND_FUN], s[FUN]) if _is_pruned(core) else s[FUN]


@jit(borrow=True)
def least_cost(core):
    """What all rows of the batch pay for their nonzero coordinates, at least: a coordinate that moves is not zero."""
    k = core.counters
    if core.limits.size > 0 or not is_drawn(core):
        return 0.0
    count = 0
    for i in range(k[ACTIVE]):
        count += core.penalize[core.active[i]]
    return core.scalars[PENALTY] * count


@jit(borrow=True)
def _keep_best(core, first):
    """Keep the best row from ``first`` on as x, and of those that may be the next center as what was found."""
    s, size, pruned, cost = core.scalars, core.x.size, _is_pruned(core), least_cost(core)
    for row in range(first, core.counters[TOLD]):
        if not core.values[row] + cost < bar(core):
            continue
        candidate = core.candidates[row * size : (row + 1) * size]
        fun = core.values[row] + s[PENALTY] * count_penalized(core, candidate)
        if pruned and fun < s[FOUND_FUN]:
            s[FOUND_FUN] = fun
            scale_into(core.found, 1.0, candidate)
        if fun < s[FUN]:
            s[F], s[FUN] = core.values[row], fun
            scale_into(core.x, 1.0, candidate)


@jit(borrow=True)
def limit_batch(core):
    """Ask for what is left of the generation, as far as there is room; the rows are not written yet."""
    k = core.counters
    k[BATCH], k[TOLD], k[WRITTEN] = min(k[ROWS] - k[DONE], core.values.size), 0, 0
    if rows_due(k) == 0:
        k[STATUS] = MAXFUN_REACHED


@jit(borrow=True)
def write_batch(core, selection):
    """Write the candidates, unless they are."""
    if core.counters[WRITTEN] == 0:
        write(selection, core)
        core.counters[WRITTEN] = 1


@jit(borrow=True)
def take_values(core, selection, values):
    """Take the values of the batch; -1, and nothing done, for another number of them, or if nobody has asked."""
    k = core.counters
    if k[STATUS] != RUNNING:
        return k[STATUS]
    if values.size != rows_due(k) * k[RESAMPLES] or k[WRITTEN] == 0:
        return -1
    average(core, values)
    return take(selection, core)
