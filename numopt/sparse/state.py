"""What the evolution of a sparse vector consists of: arrays, and what their entries mean.

A coordinate is one entry of x. It has one part if x is real, two if it is complex; vectors of parts are float64.
"""

import math
from typing import NamedTuple

import numpy as np

from .._jit import jit
from .._vector import scale_into
from ..ask_tell import COUNTERS, NFEV, SCALARS, SCALE, F
from .bounds import is_free

# further entries of scalars
FUN = SCALARS  # f + penalty nnz at x
CENTER_FUN = SCALARS + 1  # the same at the center
PENALTY = SCALARS + 2
SIGMA = SCALARS + 3  # the standard deviation that a first training begins with
ZETA = SCALARS + 4  # the share of the support that a round exchanges
STEP = SCALARS + 5  # length of the mutations of the phase: h when scouting, sigma when training
POINT_FUN = SCALARS + 6  # f + penalty nnz at the point, while pruning
CHOSEN_FUN = SCALARS + 7  # the least f + penalty nnz among the rows of this pruning
LEAST = SCALARS + 8  # the least f in this training
MARK = SCALARS + 9  # the least f when it last fell by what counts as progress
PROGRESS = SCALARS + 10  # what counts as progress in this training
FOUND_FUN = SCALARS + 11  # f + penalty nnz at what this round has found
WORTH = SCALARS + 12  # how many rows the weights of the selected mutants are worth; 0 if no value is finite
ALL_SCALARS = SCALARS + 13

# further entries of counters
MAXFUN = COUNTERS
PATIENCE = COUNTERS + 1
SEED = COUNTERS + 2
PARTS = COUNTERS + 3  # of a coordinate
PHASE = COUNTERS + 4
ROWS = COUNTERS + 5  # of the whole generation
DONE = COUNTERS + 6  # rows of it that were evaluated
BATCH = COUNTERS + 7  # rows of it to evaluate next
ROUND = COUNTERS + 8
BAD = COUNTERS + 9  # rounds since the last one that improved enough
KICKED = COUNTERS + 10  # whether this round began with a kick
ACTIVE = COUNTERS + 11  # coordinates that move in this phase
ATTEMPT = COUNTERS + 12  # how often the scouting step was made longer
FLAT = COUNTERS + 13  # whether the last scouting saw no change of f
TRAINED = COUNTERS + 14  # generations of this training
MARKED = COUNTERS + 15  # the one of MARK
CHOSEN = COUNTERS + 16  # the row of CHOSEN_FUN, -1 for none
RESAMPLES = COUNTERS + 17  # evaluations of each row
SCOUTS = COUNTERS + 18  # whether coordinates are scouted before some are woken
TOLD = COUNTERS + 19  # rows of this batch whose values are known, since maxfun has cut it short
WRITTEN = COUNTERS + 20  # whether the rows of this batch stand in the buffer of candidates
ALL_COUNTERS = COUNTERS + 21

# phases: what the rows are that ask() gives
START, SCOUT, TRAIN, PATH, SINGLES, REFIT, MEAN, MERGE = range(8)

# streams of random numbers; the tag keeps them apart from others made with the same seed
_TAG = 0x65766F00
MUTATIONS, KICKS, WAKINGS, ERASURES, GROWTHS = range(_TAG, _TAG + 5)

_ENTRIES, _MOST_ROWS, _LEAST_ROWS = 2**20, 1024, 64  # of the buffer of candidates
_RELATIVE = 1e-12  # of F: progress when there is no penalty to measure it by


class Evolution(NamedTuple):
    """The state. ``n`` coordinates, ``N`` parts, room for ``K`` rows."""

    x: np.ndarray  # (N,) the best point evaluated
    center: np.ndarray  # (N,) the point that rounds begin at
    found: np.ndarray  # (N,) the best row of this round, of those that were pruned
    point: np.ndarray  # (N,) the point of this phase: mean of a training, what is pruned
    score: np.ndarray  # (N,) estimated gradient of f in the coordinates that are asleep
    variance: np.ndarray  # (N,) of the mutation, over STEP^2; by position among the active parts, as the next five
    path: np.ndarray  # (N,) evolution path of the step length
    variance_path: np.ndarray  # (N,) evolution path of the variances
    normal: np.ndarray  # (N,) the normal numbers of one row
    shift: np.ndarray  # (N,) weighted sum of the normal numbers of rows
    spread: np.ndarray  # (N,) weighted sum of their squares
    keys: np.ndarray  # (n,) what coordinates are sorted by
    candidates: np.ndarray  # (K N,) rows to evaluate
    values: np.ndarray  # (K,) f there, the mean of its samples, inf if it is not finite
    weights: np.ndarray  # (K,) in sums over rows: of the pairs of a batch when scouting, by rank when training
    limits: np.ndarray  # (2n,) lower bounds, then upper ones; empty for none
    penalize: np.ndarray  # (n,) int64, 1 where a nonzero coordinate costs
    active: np.ndarray  # (n,) int64, the coordinates that move in this phase come first
    order: np.ndarray  # (n,) int64, coordinates in the order in which they are pruned
    ranks: np.ndarray  # (K,) int64, rows of a generation, the best first
    scalars: np.ndarray  # (ALL_SCALARS,) float64
    counters: np.ndarray  # (ALL_COUNTERS,) int64


@jit
def costs(penalize, start):
    """For every coordinate whether it is penalised; None: all are. Of another length, ``start`` becomes NaN."""
    out = np.ones(start.size, np.bool_)
    if penalize is not None:
        for c in range(start.size):
            if penalize.size == start.size:
                out[c] = penalize[c] != 0
            else:
                start[c] = np.nan
    return out


@jit
def new_state(x0, parts, penalize, limits, resamples):
    """The state for the float64 vector ``x0`` of parts, which is copied; ``set_options`` completes it."""
    size = x0.size
    n = size // parts
    # an even number, since scouts come in pairs; the least is more than a population, which is never split
    resamples = max(resamples, 1)
    rows = max(_LEAST_ROWS, min(_MOST_ROWS, _ENTRIES // max(size, 1)) // resamples // 2 * 2)
    core = Evolution(
        x0.copy(),
        x0.copy(),
        x0.copy(),
        x0.copy(),
        np.zeros(size),
        np.zeros(size),
        np.zeros(size),
        np.zeros(size),
        np.zeros(size),
        np.zeros(size),
        np.zeros(size),
        np.zeros(n),
        np.zeros(rows * size),
        np.zeros(rows),
        np.zeros(rows),
        limits,
        np.zeros(n, np.int64),
        np.zeros(n, np.int64),
        np.zeros(n, np.int64),
        np.zeros(rows, np.int64),
        np.zeros(ALL_SCALARS),
        np.zeros(ALL_COUNTERS, np.int64),
    )
    for c in range(n):
        core.penalize[c] = 1 if penalize[c] and is_free(limits, c) else 0
    scale_into(core.candidates[:size], 1.0, x0)
    s, k = core.scalars, core.counters
    s[F], s[FUN], s[CENTER_FUN], s[FOUND_FUN], s[SCALE] = np.inf, np.inf, np.inf, np.inf, 1.0
    k[PARTS], k[RESAMPLES] = parts, resamples
    k[PHASE], k[ROWS], k[BATCH], k[WRITTEN] = START, 1, 1, 1
    return core


@jit(borrow=True)
def set_options(core, penalty, seed, sigma, zeta, patience, maxfun, scouts):
    """Give a new state its numbers."""
    s, k = core.scalars, core.counters
    s[PENALTY], s[SIGMA], s[ZETA] = penalty, sigma, zeta
    k[MAXFUN], k[PATIENCE], k[SEED], k[SCOUTS] = max(maxfun, k[RESAMPLES]), patience, seed, scouts


@jit(borrow=True)
def rows_due(counters):
    """The number of rows to evaluate next: what is left of the batch, as far as ``maxfun`` allows."""
    affordable = (counters[MAXFUN] - counters[NFEV]) // counters[RESAMPLES]
    return max(min(counters[BATCH] - counters[TOLD], affordable), 0)


@jit(borrow=True)
def begin_phase(core, phase, rows):
    """Make ``rows`` rows of a phase the next generation."""
    k = core.counters
    k[PHASE], k[ROWS], k[DONE] = phase, rows, 0


@jit(borrow=True)
def is_drawn(core):
    """Whether the rows of the phase are mutations of the point, made of random numbers."""
    phase = core.counters[PHASE]
    return phase == SCOUT or phase == TRAIN or phase == REFIT


@jit(borrow=True)
def place(core, i):
    """Where in a vector the active part i stands."""
    parts = core.counters[PARTS]
    return parts * core.active[i // parts] + i % parts


@jit(borrow=True)
def modulus(core, vector, c):
    """The modulus of coordinate c."""
    if core.counters[PARTS] == 1:
        return abs(vector[c])
    return math.hypot(vector[2 * c], vector[2 * c + 1])


@jit(borrow=True)
def is_zero(core, vector, c):
    """Whether coordinate c is exactly zero."""
    if core.counters[PARTS] == 1:
        return vector[c] == 0.0
    return vector[2 * c] == 0.0 and vector[2 * c + 1] == 0.0


@jit(borrow=True)
def erase(core, vector, c):
    """Make coordinate c exactly zero."""
    parts = core.counters[PARTS]
    for i in range(parts * c, parts * c + parts):
        vector[i] = 0.0


@jit(borrow=True)
def count_penalized(core, vector):
    """The number of nonzero coordinates that cost."""
    count = 0
    for c in range(core.penalize.size):
        if core.penalize[c] == 1 and not is_zero(core, vector, c):
            count += 1
    return count


@jit(borrow=True)
def list_penalized(core, out, nonzero):
    """List the coordinates of the point that would cost, which are nonzero or zero; returns how many."""
    count = 0
    for c in range(core.penalize.size):
        if core.penalize[c] == 1 and is_zero(core, core.point, c) != nonzero:
            out[count] = c
            count += 1
    return count


@jit(borrow=True)
def progress_unit(core):
    """What improvements of F are measured by: the penalty, or without one a small part of F."""
    s = core.scalars
    return s[PENALTY] if s[PENALTY] > 0.0 else _RELATIVE * max(abs(s[FUN]), 1.0)


@jit(borrow=True)
def share(core, count):
    """The share of ``count`` coordinates that is exchanged in a round, at least a little of it."""
    zeta = core.scalars[ZETA]
    if not 0.0 < zeta <= 1.0:  # nobody has checked that of compiled code
        return count if zeta > 0.0 else 0
    return np.int64(math.ceil(zeta * count))
