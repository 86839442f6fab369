"""The rounds of the search: which phase follows which, and what is taken from each.

A round: kick - scout - wake - train - prune along the path, then singly - train the survivors - accept. The first
three choose the coordinates; without a penalty all of them are trained, and nothing is pruned.
"""

import numpy as np

from .._jit import jit
from .._philox import draw_to_front
from .._vector import scale_into
from ..ask_tell import NIT, STATUS
from ..status import Status
from .batch import limit_batch, receive
from .choices import ByCost, take, write
from .mutations import place_moved, sum_mutants, sum_scouts
from .prune import begin_path, begin_singles, choose, cut_path, cut_single, place_single, place_threshold
from .scout import add_to_score, begin_scout, list_awake, scout_farther, wake, weigh_pairs
from .sep_cma import begin_training, evolve, is_trained, weigh_ranks
from .state import (
    ACTIVE,
    BAD,
    BATCH,
    CENTER_FUN,
    DONE,
    FLAT,
    FOUND_FUN,
    FUN,
    KICKED,
    KICKS,
    MEAN,
    PATH,
    PATIENCE,
    PENALTY,
    PHASE,
    POINT_FUN,
    REFIT,
    ROUND,
    ROWS,
    SCOUT,
    SCOUTS,
    SEED,
    SIGMA,
    SINGLES,
    START,
    TRAIN,
    begin_phase,
    erase,
    is_drawn,
    list_penalized,
    progress_unit,
    share,
)

RUNNING, CONVERGED, FLAT_SCORES = int(Status.RUNNING), int(Status.CONVERGED_PATIENCE), int(Status.FLAT)

# in units of the penalty
_ACCEPTED, _ENOUGH = 1e-3, 0.1  # gains that a round is accepted for, and that make it a good one
_TRAIN_PROGRESS, _REFIT_PROGRESS = 0.05, 0.01
_PROMISING, _PROMISING_KICKED = 2.0, 12.0  # losses up to which a pruned point is trained once more

_LATER, _REFIT = 0.5, 0.1  # of sigma, for all trainings but the first, and for those of survivors
_KICK_FROM = 2  # rounds in a row that did not improve enough

_PHASE_CHOSEN, _WAKING_DUE, _TRAINING_DUE, _REFIT_DUE, _ROUND_ENDS = range(5)


@take.register(ByCost)
def _(selection, core):
    if weigh(core) == RUNNING:
        if core.counters[PHASE] == SCOUT:
            sum_scouts(core)
        elif is_drawn(core):
            sum_mutants(core)
        go_on(core)
    return core.counters[STATUS]


@jit(borrow=True)
def weigh(core):
    """Take the values of the batch, but for the sums over rows, whose weights are set; returns the status."""
    status, phase = receive(core), core.counters[PHASE]
    if status == RUNNING and phase == SCOUT:
        weigh_pairs(core)
    elif status == RUNNING and is_drawn(core):
        weigh_ranks(core)  # these are a whole generation
    elif status == RUNNING and (phase == PATH or phase == SINGLES):
        choose(core)
    return status


@jit(borrow=True)
def go_on(core):
    """Take the sums, and choose the next batch."""
    k = core.counters
    k[DONE] += k[BATCH]
    if k[DONE] == k[ROWS]:
        _finish_generation(core)
        k[NIT] += 1  # not before: the numbers of a generation are drawn again with its counter
    if k[STATUS] == RUNNING:
        limit_batch(core)


@jit(borrow=True)
def _finish_generation(core):
    """Go on to the next generation, of the same phase or another."""
    s, k = core.scalars, core.counters
    due = _advance(core)
    # each is called in one place only: LLVM copies them to every place
    if due == _REFIT_DUE and not _refit(core):
        due = _ROUND_ENDS
    if due == _ROUND_ENDS:
        _end_round(core)
    if k[PHASE] == START:
        s[CENTER_FUN] = s[FUN]
        due = _ROUND_ENDS
    if due == _ROUND_ENDS and k[STATUS] == RUNNING:
        due = _begin_round(core)
    if due == _WAKING_DUE:
        wake(core)
        due = _TRAINING_DUE
    if due == _TRAINING_DUE:
        _train(core)


@jit(borrow=True)
def _advance(core):
    """Take a whole generation; returns what is due next."""
    k = core.counters
    phase = k[PHASE]
    if phase == SCOUT:
        if scout_farther(core):
            return _PHASE_CHOSEN
        add_to_score(core)
        return _WAKING_DUE
    if phase == TRAIN or phase == REFIT:
        return _advance_training(core)
    if phase == PATH and not cut_path(core):
        return _ROUND_ENDS
    if phase == PATH or phase == SINGLES:
        more = (phase == PATH or cut_single(core)) and begin_singles(core)
        return _PHASE_CHOSEN if more else _REFIT_DUE
    return _ROUND_ENDS if phase == MEAN else _PHASE_CHOSEN


@jit(borrow=True)
def _advance_training(core):
    """Take a generation of mutants, and ask for another one or for what comes after the training."""
    k = core.counters
    evolve(core)
    if not is_trained(core):
        begin_phase(core, k[PHASE], k[ROWS])
    elif k[PHASE] == TRAIN and core.scalars[PENALTY] > 0.0:
        begin_path(core)
    else:
        begin_phase(core, MEAN, 1)
    return _PHASE_CHOSEN


@jit(borrow=True)
def _begin_round(core):
    """Kick if the last rounds failed, and scout; returns what is due next."""
    s, k = core.scalars, core.counters
    k[ROUND] += 1
    s[FOUND_FUN] = np.inf
    scale_into(core.point, 1.0, core.center)
    if s[PENALTY] > 0.0:
        k[KICKED] = 1 if k[BAD] >= _KICK_FROM and _kick(core) else 0
        k[ACTIVE] = list_penalized(core, core.active, False)
        if k[ACTIVE] > 0 and k[SCOUTS] == 0:
            return _WAKING_DUE
        if k[ACTIVE] > 0:
            begin_scout(core)
            return _PHASE_CHOSEN
    k[ACTIVE] = core.active.size
    for c in range(core.active.size):
        core.active[c] = c
    return _TRAINING_DUE


@jit(borrow=True)
def _kick(core):
    """Erase a random part of the support; False if there is none."""
    k = core.counters
    count = list_penalized(core, core.order, True)
    erased = share(core, count)
    draw_to_front(core.order[:count], erased, k[NIT], KICKS, k[SEED])
    for i in range(erased):
        erase(core, core.point, core.order[i])
    return count > 0


@jit(borrow=True)
def _train(core):
    s, k = core.scalars, core.counters
    if k[ACTIVE] == 0:  # a vector of no entries
        k[STATUS] = CONVERGED
        return
    sigma = s[SIGMA] if k[ROUND] == 1 else _LATER * s[SIGMA]
    begin_training(core, TRAIN, sigma, _TRAIN_PROGRESS * progress_unit(core))


@jit(borrow=True)
def _refit(core):
    """Train the survivors if the point is promising; False if it is not."""
    s, k = core.scalars, core.counters
    list_awake(core, 0)
    loss = _PROMISING_KICKED if k[KICKED] == 1 else _PROMISING
    if k[ACTIVE] == 0 or s[POINT_FUN] >= s[CENTER_FUN] + loss * s[PENALTY]:
        return False
    begin_training(core, REFIT, _REFIT * s[SIGMA], _REFIT_PROGRESS * progress_unit(core))
    return True


@jit(borrow=True)
def _end_round(core):
    """Accept what was found if it is worth it; stop if too many rounds have failed."""
    s, k = core.scalars, core.counters
    unit = progress_unit(core)
    gain = s[CENTER_FUN] - s[FOUND_FUN]
    if gain > _ACCEPTED * unit:
        scale_into(core.center, 1.0, core.found)
        s[CENTER_FUN] = s[FOUND_FUN]
    k[BAD] = 0 if gain > _ENOUGH * unit else k[BAD] + 1
    if k[BAD] >= k[PATIENCE]:
        k[STATUS] = FLAT_SCORES if k[FLAT] == 1 else CONVERGED


@write.register(ByCost)
def _(selection, core):
    k = core.counters
    size = core.point.size
    for row in range(k[BATCH]):
        _place_row(core, k[DONE] + row, core.candidates[row * size : (row + 1) * size])


@jit(borrow=True)
def _place_row(core, row, out):
    phase = core.counters[PHASE]
    if is_drawn(core):
        place_moved(core, row, out)
    elif phase == PATH:
        place_threshold(core, row, out)
    elif phase == SINGLES:
        place_single(core, row, out)
    else:
        scale_into(out, 1.0, core.point)
