"""A :class:`numopt.SparseEvolution` on a GPU: candidates are made there, and summed over when values are told.

The solver stays on the host, with everything that is done once for each row or each coordinate. What is done for each
coordinate of each row, the sampling and the sums of normal numbers that make the score and the weighted means
(:mod:`numopt.sparse.mutations`), is done here, from the same counters: both have the same numbers but for rounding. In
these phases no row comes to the host; one that may be the best point so far is made there once more. Rows that come of
no random numbers, few in most searches, are copied from the host.
"""

import numpy as np

from .._foreign import is_device_array
from .._jit import jit
from .._philox import WORD, words_of
from ..ask_tell import NIT, STATUS
from ..sparse.batch import average, bar, least_cost
from ..sparse.choices import ByCost
from ..sparse.mutations import write_row
from ..sparse.rounds import go_on, weigh
from ..sparse.state import (
    ACTIVE,
    BATCH,
    DONE,
    FUN,
    MUTATIONS,
    PARTS,
    PENALTY,
    PHASE,
    RESAMPLES,
    ROWS,
    SCOUT,
    SEED,
    STEP,
    TOLD,
    WRITTEN,
    is_drawn,
    rows_due,
)
from ..status import Status
from .device import MOST_BLOCKS, THREADS, as_device, as_stream, blocks_of, cuda, launch, new_vector, require, to_host
from .mutations import STRETCH, add_mutants, add_scouts, mutate, repeat

RUNNING = int(Status.RUNNING)


def on_host(x0):
    """A start that is on the GPU as a NumPy array."""
    require()
    vector = as_device(x0, "x0")
    return to_host(vector, vector.stream)


class DeviceEvolution:
    """A solver whose candidates are rows of an array on the GPU.

    Parameters
    ----------
    solver : SparseEvolution
        May be told values here and by itself in turn. It holds all that is to be pickled.
    stream : optional
        The stream that is worked on, of Numba, CuPy or PyTorch; 0, the legacy default stream.

    Examples
    --------
    A function ``fun`` of a device array with a candidate in each row gives one value for each, on the device or not::

        es = no.SparseEvolution(np.zeros(1_000_000), penalty=0.01)
        device = DeviceEvolution(es)
        while es.running:
            device.tell(device.values(fun))
    """

    def __init__(self, solver, stream=0):
        require()
        self.solver, self.stream = solver, as_stream(stream)
        core = solver.core
        size, n = core.point.size, core.penalize.size
        self._point, self._variance = new_vector(size, np.float64), new_vector(size, np.float64)
        self._shift, self._spread = new_vector(size, np.float64), new_vector(size, np.float64)
        self._active, self._rows = new_vector(n, np.int64), new_vector(0, np.float64)
        self._ranks, self._weights = new_vector(core.ranks.size, np.int64), new_vector(core.ranks.size, np.float64)
        self._limits = cuda.to_device(core.limits, stream=self.stream)
        self._uploaded = None  # the generation whose point, active coordinates and variances are on the device

    def ask(self):
        """The candidates to evaluate next, shape (k, n): a buffer, which the next call overwrites."""
        core = self.solver.core
        k, size = core.counters, core.point.size
        rows = int(rows_due(k) * k[RESAMPLES])
        if self._rows.size < rows * size:
            self._rows = None  # first, to have no need of memory for both
            self._rows = new_vector(rows * size, np.float64)
        batch = self._rows[: rows * size]
        if size > 0:
            self._fill(core, batch) if self._draws(core) else self._copy(batch)
        candidates = batch.view(self.solver.prototype.dtype).reshape((rows, core.penalize.size))
        candidates.stream = self.stream
        return candidates

    def values(self, fun, *args):
        """The values of ``fun`` at the candidates, a NumPy vector as ``tell`` takes it."""
        found = fun(self.ask(), *args)
        if not is_device_array(found):
            return np.asarray(found)
        vector = as_device(found, "the values")
        return to_host(vector, vector.stream or self.stream).reshape(found.shape)

    def tell(self, values):
        """Take f at each row of the last ``ask``, as :meth:`numopt.SparseEvolution.tell` does, with its errors."""
        if self.solver.running and self._draws(self.solver.core):
            self.solver.tell_by(self._take, values)
        else:
            self.solver.tell(values)

    def _draws(self, core):
        """Whether the candidates come of random numbers."""
        return type(self.solver.selection) is ByCost and is_drawn(core)

    def _copy(self, batch):
        rows = self.solver.compiled.ask(self.solver)
        batch.copy_to_device(rows.view(np.float64).ravel(), stream=self.stream)

    def _fill(self, core, batch):
        k, size = core.counters, core.point.size
        moves, drawn = self._moves(core), _counters(core)
        blocks = min(batch.size // size * -(-size // STRETCH), MOST_BLOCKS)
        launch(repeat, blocks, THREADS, self.stream, self._point, batch)
        blocks = blocks_of(batch.size // size * -(-moves[4] // 4), 1, MOST_BLOCKS)
        launch(mutate, blocks, THREADS, self.stream, moves, drawn, int(k[DONE] + k[TOLD]), int(k[RESAMPLES]), batch)

    def _moves(self, core):
        """What the mutations of the active parts depend on, except their random numbers."""
        k = core.counters
        count = int(k[ACTIVE] * k[PARTS])
        if self._uploaded != k[NIT]:
            self._uploaded = int(k[NIT])
            self._point.copy_to_device(core.point, stream=self.stream)
            self._active[: k[ACTIVE]].copy_to_device(core.active[: k[ACTIVE]], stream=self.stream)
            self._variance[:count].copy_to_device(core.variance[:count], stream=self.stream)
        about = count, int(k[PARTS]), bool(k[PHASE] == SCOUT), float(core.scalars[STEP])
        return self._point, self._active, self._variance, self._limits, *about

    def _take(self, solver, values):
        core = solver.core
        average(core, values)
        if core.counters[WRITTEN] == 0:
            _write_kept(core)
        if _weigh(core) == RUNNING:
            if core.counters[ACTIVE] > 0:
                self._sum_scouts(core) if core.counters[PHASE] == SCOUT else self._sum_mutants(core)
            _go_on(core)

    def _sum_scouts(self, core):
        k = core.counters
        count, pairs = int(k[ACTIVE] * k[PARTS]), int(k[BATCH] // 2)
        shift = self._shift[:count]
        self._weights[:pairs].copy_to_device(core.weights[:pairs], stream=self.stream)
        if k[DONE] > 0:
            shift.copy_to_device(core.shift[:count], stream=self.stream)
        blocks = blocks_of(-(-count // 4), 1, MOST_BLOCKS)
        launch(add_scouts, blocks, THREADS, self.stream, _counters(core), int(k[DONE]), pairs, self._weights, shift)
        shift.copy_to_host(core.shift[:count], self.stream)
        self._wait()

    def _sum_mutants(self, core):
        k = core.counters
        count, half = int(k[ACTIVE] * k[PARTS]), int(k[ROWS] // 2)
        self._weights[:half].copy_to_device(core.weights[:half], stream=self.stream)
        self._ranks[:half].copy_to_device(core.ranks[:half], stream=self.stream)
        shift, spread = self._shift[:count], self._spread[:count]
        blocks = blocks_of(-(-count // 4), 1, MOST_BLOCKS)
        moves, selected = self._moves(core), (self._ranks, self._weights, half)
        launch(add_mutants, blocks, THREADS, self.stream, moves, _counters(core), selected, shift, spread)
        shift.copy_to_host(core.shift[:count], self.stream)
        spread.copy_to_host(core.spread[:count], self.stream)
        self._wait()

    def _wait(self):
        if self.stream:
            self.stream.synchronize()


def _counters(core):
    """The part of Philox's counter that is the same in a generation, and its key."""
    k0, k1 = words_of(int(core.counters[SEED]))
    return np.uint64(core.counters[NIT]) & WORD, np.uint64(MUTATIONS), np.uint64(k0), np.uint64(k1)


@jit(borrow=True)
def _write_kept(core):
    """Write the rows that may be the best so far, which the host has not."""
    s, k, size, cost = core.scalars, core.counters, core.point.size, least_cost(core)
    lowest, most = bar(core), s[PENALTY] * core.penalize.size
    for row in range(k[TOLD], k[TOLD] + rows_due(k)):
        if core.values[row] + cost < lowest:
            write_row(core, k[DONE] + row, core.candidates[row * size : (row + 1) * size])
            lowest = min(lowest, max(core.values[row] + most, s[FUN]))  # the bar of the next ones is no higher


# these two are called from Python: theirs are merged into compiled callers, which `take` of the host is


@jit(borrow=True)
def _weigh(core):
    return weigh(core)


@jit(borrow=True)
def _go_on(core):
    go_on(core)
    return core.counters[STATUS]
