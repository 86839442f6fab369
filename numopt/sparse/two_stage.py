"""The literal recipe of sparse evolution, for comparison: the sparsest of the better half, averaged.

A generation: each row is the point with a random part of its support erased, none to as many coordinates woken, and
normal noise on all that are not zero. Of the better half of the rows by f, the sparser half is averaged into the new
point. Sigma grows by a tenth after a generation that improved f + penalty * nnz, and shrinks by a tenth after others.

This does not minimise f + penalty * nnz. The average keeps what was erased in one row and not in the others, and of
what was woken in one row only a part of its length: no row's change of the support survives. What is found is the best
row that chance has made.
"""

import numpy as np

from .._jit import jit
from .._philox import draw_to_front, fill_normal
from .._vector import axpy, scale_into
from ..ask_tell import NIT, STATUS
from ..status import Status
from .batch import limit_batch, receive
from .bounds import nearest
from .choices import TwoStage, take, write
from .order import sort_by
from .sep_cma import population
from .state import (
    ACTIVE,
    BAD,
    BATCH,
    CENTER_FUN,
    ERASURES,
    FUN,
    GROWTHS,
    MERGE,
    MUTATIONS,
    PARTS,
    PATIENCE,
    PHASE,
    ROWS,
    SEED,
    SIGMA,
    START,
    STEP,
    begin_phase,
    count_penalized,
    erase,
    is_zero,
    list_penalized,
    progress_unit,
    share,
)

RUNNING, CONVERGED = int(Status.RUNNING), int(Status.CONVERGED_PATIENCE)

_GENERATIONS = 50  # that count as a round of `patience`
_ENOUGH = 0.1  # of the penalty, the gain of a generation that counts as an improvement
_LONGER, _SHORTER, _LOST = 1.1, 0.9, 0.5  # factors of sigma


@take.register(TwoStage)
def _(selection, core):
    k = core.counters
    if receive(core) != RUNNING:
        return k[STATUS]
    _merge(core)
    if k[BAD] // _GENERATIONS >= k[PATIENCE] or core.x.size == 0:
        k[STATUS] = CONVERGED
        return k[STATUS]
    k[NIT] += 1
    begin_phase(core, MERGE, population(core.x.size))
    limit_batch(core)
    return k[STATUS]


@jit(borrow=True)
def _merge(core):
    """Average the chosen rows into the point, and adapt sigma."""
    s, k = core.scalars, core.counters
    if k[PHASE] == START:
        s[STEP] = s[SIGMA]
    else:
        chosen = _choose(core)
        improved = s[FUN] < s[CENTER_FUN] - _ENOUGH * progress_unit(core)
        k[BAD] = 0 if improved else k[BAD] + 1
        s[STEP] *= _LOST if chosen == 0 else (_LONGER if improved else _SHORTER)
        if chosen > 0:
            scale_into(core.point, 0.0, core.point)
        for i in range(chosen):
            first = core.ranks[i] * core.point.size
            axpy(1.0 / chosen, core.candidates[first : first + core.point.size], core.point)
    s[CENTER_FUN] = s[FUN]


@jit(borrow=True)
def _choose(core):
    """Bring the sparser half of the better half of the rows to the front of the ranks; returns how many these are."""
    k = core.counters
    ranks, size = core.ranks[: k[ROWS]], core.point.size
    for row in range(ranks.size):
        ranks[row] = row
    sort_by(ranks, core.values)
    better = 0
    while better < k[ROWS] // 2 and core.values[ranks[better]] < np.inf:
        row = ranks[better]
        nonzero = count_penalized(core, core.candidates[row * size : (row + 1) * size])
        core.values[row] = nonzero + better / k[ROWS]  # of equally sparse ones, the better first
        better += 1
    sort_by(ranks[:better], core.values)
    return (better + 1) // 2


@write.register(TwoStage)
def _(selection, core):
    k = core.counters
    size = core.point.size
    for row in range(k[BATCH]):
        _place_row(core, row, core.candidates[row * size : (row + 1) * size])


@jit(borrow=True)
def _place_row(core, row, out):
    k = core.counters
    parts, draw = k[PARTS], k[NIT] * k[ROWS] + row  # a number of its own for every row of every generation
    awake = list_penalized(core, core.order, True)
    k[ACTIVE] = list_penalized(core, core.active, False)
    most = max(2, share(core, awake))
    erased, woken = share(core, awake), min(k[ACTIVE], row % (most + 1))
    draw_to_front(core.order[:awake], erased, draw, ERASURES, k[SEED])
    draw_to_front(core.active[: k[ACTIVE]], woken, draw, GROWTHS, k[SEED])
    for c in range(core.keys.size):
        core.keys[c] = 0.0 if core.penalize[c] == 1 and is_zero(core, core.point, c) else 1.0
    for i in range(woken):
        core.keys[core.active[i]] = 1.0
    fill_normal(core.normal, row, k[NIT], MUTATIONS, k[SEED])
    scale_into(out, 1.0, core.point)
    for p in range(out.size):
        if core.keys[p // parts] == 1.0:
            out[p] = nearest(core.limits, p, out[p] + core.scalars[STEP] * core.normal[p])
    for i in range(erased):
        erase(core, out, core.order[i])
