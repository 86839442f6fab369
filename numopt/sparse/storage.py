"""How the search is stored: the names of its parts, and what a stored state may hold (:mod:`numopt._storage`)."""

import numpy as np

from .._storage import between, no_nan, store_as, value_of, vector_of
from ..ask_tell import STATUS, F, check_progress
from ..status import Status
from .choices import ByCost, TwoStage
from .evolution import SparseEvolution
from .state import (
    ACTIVE,
    ALL_COUNTERS,
    BATCH,
    CHOSEN,
    DONE,
    FUN,
    MERGE,
    PARTS,
    PATH,
    PENALTY,
    PHASE,
    REFIT,
    RESAMPLES,
    ROWS,
    SIGMA,
    SINGLES,
    START,
    STEP,
    TOLD,
    TRAIN,
    ZETA,
    new_state,
)

_KEYS = {
    "core.x": "x",
    "core.center": "center",
    "core.found": "found",
    "core.point": "point",
    "core.score": "score",
    "core.variance": "variance",
    "core.path": "path",
    "core.variance_path": "variance_path",
    "core.normal": "normal",
    "core.shift": "shift",
    "core.spread": "spread",
    "core.keys": "keys",
    "core.candidates": "candidates",
    "core.values": "values",
    "core.weights": "weights",
    "core.limits": "limits",
    "core.penalize": "penalize",
    "core.active": "active",
    "core.order": "order",
    "core.ranks": "ranks",
    "core.scalars": "scalars",
    "core.counters": "counters",
    "selection": "selection",
    "prototype": "like",
}


def _like(parts):
    prototype, x = vector_of(parts, "like", (np.float64, np.complex128)), vector_of(parts, "x", (np.float64,))
    in_one = 2 if prototype.dtype.kind == "c" else 1
    if x.size % in_one != 0:
        raise ValueError(f"x must be a vector of {in_one} real numbers an entry, got shape {x.shape}")
    limits, counters = vector_of(parts, "limits", (np.float64,)), vector_of(parts, "counters", (np.int64,))
    if limits.size not in (0, 2 * x.size) or (limits.size > 0 and in_one > 1):
        raise ValueError(f"limits must be two bounds for each entry of a real x, or none, got {limits.size} numbers")
    if counters.shape != (ALL_COUNTERS,):
        raise ValueError(f"counters must be int64 of shape ({ALL_COUNTERS},), got shape {counters.shape}")
    between(1, 2**53, counters=counters[RESAMPLES])
    selection = value_of(parts["selection"], "selection")
    if type(selection) not in (ByCost, TwoStage):
        raise ValueError(f"selection must be ByCost() or TwoStage(), got {selection!r}")
    mask = np.ones(x.size // in_one, np.bool_)
    core = new_state(np.zeros(x.size), in_one, mask, limits.copy(), int(counters[RESAMPLES]))
    return core, selection, prototype[:0].copy()


def _check(values):
    core, _, prototype = values
    s, k, n, room = core.scalars, core.counters, core.penalize.size, core.values.size
    finite_start = check_progress(core)
    between(0, 1, penalize=core.penalize)
    between(0, n - 1, active=core.active, order=core.order)
    between(0, room - 1, ranks=core.ranks)
    between(0, np.inf, counters=np.delete(k, CHOSEN))
    in_one, phase = 2 if prototype.dtype.kind == "c" else 1, k[PHASE]
    # what stands among the counters is what compiled code counts up to, and finds rows and coordinates by
    between(in_one, in_one, counters=k[PARTS])
    between(START, MERGE, counters=phase)
    between(0, n, counters=k[ACTIVE])
    between(0, room, counters=k[BATCH])
    between(0, k[BATCH], counters=k[TOLD])
    if phase in (TRAIN, REFIT, MERGE):
        between(0, room, counters=k[ROWS])
    if phase in (PATH, SINGLES):
        between(0, n + 1 if phase == PATH else n, counters=k[ROWS])
    between(-1, max(k[ROWS] - 1, 0) if phase in (PATH, SINGLES) else np.inf, counters=k[CHOSEN])
    if k[STATUS] == Status.RUNNING:
        between(0, k[ROWS] - k[DONE], counters=k[BATCH])
    if finite_start:
        no_nan(x=core.x, center=core.center, found=core.found, limits=core.limits)
        no_nan(scalars=s[[F, FUN, PENALTY, SIGMA, ZETA, STEP]])
        if k[STATUS] == Status.RUNNING:
            no_nan(point=core.point)


store_as(SparseEvolution, "SparseEvolution", _KEYS, _like, _check)
