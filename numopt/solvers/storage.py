"""How the solvers are stored: the names of their parts, and what a stored state may hold (:mod:`numopt._storage`)."""

import numpy as np

from .._storage import between, no_nan, store_as, value_of, vector_of
from ..ask_tell import NFEV, SCALE, F, check_progress
from ..linesearch import Backtracking, MoreThuente, Zoom
from ..linesearch.safeguard import BEST, PHI0, PHI_BEST, SLOPE0
from ..status import Status
from . import lbfgs_core, spg_core
from .lbfgs import LBFGS
from .pairs import COUNT, NEWEST
from .spg import SPG, check_constraint
from .spg_core import Constraint

_SEARCHES = MoreThuente, Zoom, Backtracking


def _point(parts):
    """The empty vector of the dtype of x, and the number of real unknowns."""
    prototype, x = vector_of(parts, "like", (np.float64, np.complex128)), vector_of(parts, "x", (np.float64,))
    real = 2 if prototype.dtype.kind == "c" else 1
    if x.size % real != 0:
        raise ValueError(f"x must be a vector of {real} real numbers an entry, got shape {x.shape}")
    return prototype[:0].copy(), x.size


# --- L-BFGS ----------------------------------------------------------------------------------------------------------

_LBFGS = {
    "core.x": "x",
    "core.grad": "gradient",
    "core.trial": "trial",
    "core.direction": "direction",
    "core.best_grad": "best_gradient",
    "core.pairs.steps": "steps",
    "core.pairs.changes": "changes",
    "core.pairs.inner": "inner",
    "core.pairs.gram": "gram",
    "core.pairs.work": "work",
    "core.pairs.inverse": "inverse",
    "core.pairs.ring": "ring",
    "core.search": "search",
    "core.scalars": "scalars",
    "core.counters": "counters",
    "parameters": "linesearch",
    "prototype": "like",
}


def _like_lbfgs(parts):
    prototype, n = _point(parts)
    search, memory = value_of(parts["linesearch"], "linesearch"), np.shape(parts["steps"])[:1] or (1,)
    if type(search) not in _SEARCHES:
        names = ", ".join(kind.__name__ for kind in _SEARCHES)
        raise ValueError(f"linesearch must be one of {names}, got {search!r}")
    if np.shape(parts["inner"]) != memory * 2:  # before anything is made of that size
        raise ValueError(f"inner must have as many rows and columns as steps has rows, got {np.shape(parts['inner'])}")
    core = lbfgs_core.new_core(np.zeros(n), *memory, 0.0, 0.0, 0, 1)
    return core, search, prototype


def _check_lbfgs(values):
    core = values[0]
    pairs, s, memory = core.pairs, core.scalars, core.pairs.steps.shape[0]
    finite_start = check_progress(core)
    between(0, np.inf, counters=core.counters)
    between(0, memory, ring=pairs.ring[COUNT])
    between(0, max(memory - 1, 0), ring=pairs.ring[NEWEST])
    if not finite_start:
        return  # its gradient may be anything
    no_nan(x=core.x, gradient=core.grad, trial=core.trial, direction=core.direction, best_gradient=core.best_grad)
    no_nan(scalars=s[[F, SCALE, lbfgs_core.PEAK, lbfgs_core.GTOL, lbfgs_core.FTOL, lbfgs_core.STEP]])
    no_nan(search=core.search[[PHI0, SLOPE0, BEST, PHI_BEST]])
    rows = (pairs.ring[NEWEST] - np.arange(pairs.ring[COUNT])) % max(memory, 1)  # the others hold nothing
    no_nan(steps=pairs.steps[rows], changes=pairs.changes[rows])
    if rows.size:
        no_nan(inner=pairs.inner[np.ix_(rows, rows)], gram=pairs.gram[np.ix_(rows, rows)], inverse=pairs.inverse)


store_as(LBFGS, "LBFGS", _LBFGS, _like_lbfgs, _check_lbfgs)

# --- SPG -------------------------------------------------------------------------------------------------------------

_SPG = {
    "core.x": "x",
    "core.grad": "gradient",
    "core.trial": "trial",
    "core.direction": "direction",
    "core.best": "best",
    "core.best_grad": "best_gradient",
    "core.values": "values",
    "core.scalars": "scalars",
    "core.counters": "counters",
    "parameters.onto": "onto",
    "prototype": "like",
}


def _like_spg(parts):
    prototype, n = _point(parts)
    onto, memory = value_of(parts["onto"], "onto"), vector_of(parts, "values", (np.float64,)).size
    try:
        check_constraint(onto, np.broadcast_to(prototype.dtype.type(0), n * 8 // prototype.dtype.itemsize))
    except TypeError as reason:
        raise ValueError(f"onto: {reason}") from None
    return spg_core.new_core(np.zeros(n), max(memory, 1), 0.0, 0, 1), Constraint(onto, prototype), prototype


def _check_spg(values):
    core = values[0]
    finite_start = check_progress(core)
    between(0, np.inf, counters=core.counters)
    if not finite_start:
        return
    no_nan(x=core.x, gradient=core.grad, best=core.best, best_gradient=core.best_grad, values=core.values)
    no_nan(scalars=core.scalars[[F, SCALE, spg_core.PEAK, spg_core.GTOL, spg_core.BEST]])
    if core.counters[0] == Status.RUNNING and core.counters[NFEV] > 0:
        no_nan(trial=core.trial, direction=core.direction)


store_as(SPG, "SPG", _SPG, _like_spg, _check_spg)
