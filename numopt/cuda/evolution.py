"""The candidates of a :class:`numopt.SparseEvolution` on a GPU, made there.

The solver stays on the host. Of a generation it hands over the small vectors, the point, the active coordinates and
their variances; the rows, which are many times as large, are made on the device from the same counters, so that they
are those of the host but for the rounding of the normal numbers. Only values come back. Rows that come of no random
numbers, few in most searches, are copied from the host.
"""

import math

import numpy as np

from .._foreign import is_device_array
from .._philox import normal_pair, philox, words_of
from ..ask_tell import NIT
from ..sparse.state import ACTIVE, BATCH, DONE, MUTATIONS, PARTS, PHASE, REFIT, RESAMPLES, SCOUT, SEED, STEP, TRAIN
from .device import MOST_BLOCKS, THREADS, as_device, as_stream, blocks_of, cuda, launch, new_vector, require, to_host

_WORD = np.uint64(0xFFFFFFFF)


def on_host(x0):
    """A start that is on the GPU as a NumPy array."""
    require()
    vector = as_device(x0, "x0")
    return to_host(vector, vector.stream)


class DeviceCandidates:
    """What ``ask`` of a solver gives, as an array on the GPU.

    Parameters
    ----------
    solver : SparseEvolution
    stream : optional
        The stream on which candidates are made, of Numba, CuPy or PyTorch; 0, the legacy default stream.

    Examples
    --------
    A function ``fun`` of a device array with a candidate in each row gives one value for each, on the device or not::

        es = no.SparseEvolution(np.zeros(1_000_000), penalty=0.01)
        candidates = DeviceCandidates(es)
        while es.running:
            es.tell(candidates.values(fun))
    """

    def __init__(self, solver, stream=0):
        require()
        self.solver, self.stream = solver, as_stream(stream)
        core = solver.core
        size, n = core.point.size, core.penalize.size
        self._point, self._variance = new_vector(size, np.float64), new_vector(size, np.float64)
        self._active, self._rows = new_vector(n, np.int64), new_vector(0, np.float64)
        self._limits = cuda.to_device(core.limits, stream=self.stream)

    def ask(self):
        """The candidates to evaluate next, shape (k, n): a buffer, which the next call overwrites."""
        core = self.solver.core
        k, size = core.counters, core.point.size
        rows = int(k[BATCH] * k[RESAMPLES])
        if self._rows.size < rows * size:
            self._rows = new_vector(rows * size, np.float64)
        batch = self._rows[: rows * size]
        if size > 0:
            self._fill(core, batch) if k[PHASE] in (SCOUT, TRAIN, REFIT) else self._copy(batch)
        return batch.view(self.solver.prototype.dtype).reshape((rows, core.penalize.size))

    def values(self, fun, *args):
        """The values of ``fun`` at the candidates, a NumPy vector as ``tell`` takes it."""
        found = fun(self.ask(), *args)
        if not is_device_array(found):
            return np.asarray(found)
        vector = as_device(found, "the values")
        return to_host(vector, vector.stream or self.stream)

    def _copy(self, batch):
        rows = self.solver.compiled.ask(self.solver)
        batch.copy_to_device(rows.view(np.float64).ravel(), stream=self.stream)

    def _fill(self, core, batch):
        k, size = core.counters, core.point.size
        count = int(k[ACTIVE])
        parts, scouts = int(k[PARTS]), int(k[PHASE]) == SCOUT
        self._point.copy_to_device(core.point, stream=self.stream)
        launch(_repeat, blocks_of(batch.size, 2, MOST_BLOCKS), THREADS, self.stream, self._point, batch)
        if count == 0:
            return
        self._active[:count].copy_to_device(core.active[:count], stream=self.stream)
        if not scouts:
            self._variance[: count * parts].copy_to_device(core.variance[: count * parts], stream=self.stream)
        quads = -(-count * parts // 4)
        launch(
            _mutate,
            blocks_of(batch.size // size * quads, 1, MOST_BLOCKS),
            THREADS,
            self.stream,
            *(self._point, self._active, self._variance, self._limits, batch, count, parts, scouts),
            *(int(k[RESAMPLES]), int(k[DONE])),
            float(core.scalars[STEP]),
            np.uint64(k[NIT]) & _WORD,
            *words_of(int(k[SEED])),
        )


@cuda.jit
def _repeat(point, rows):
    for i in range(cuda.grid(1), rows.size, cuda.gridsize(1)):
        rows[i] = point[i % point.size]


@cuda.jit(device=True)
def _put(point, active, variance, limits, rows, row, i, parts, scouts, step, z):
    """Write the active part i of a row, within the bounds."""
    place = parts * active[i // parts] + i % parts
    if not scouts:
        step *= math.sqrt(variance[i])
    value = point[place] + step * z
    if limits.size > 0:
        lower, upper = limits[place], limits[point.size + place]
        value = lower if value < lower else (upper if value > upper else value)
    rows[row * point.size + place] = value


@cuda.jit
def _mutate(point, active, variance, limits, rows, count, parts, scouts, times, done, step, generation, k0, k1):
    """Move the active parts of all rows, of which ``times`` are the same: four parts a thread, of one counter."""
    size = count * parts
    quads, like, stream = (size + 3) // 4, np.float64(0.0), np.uint64(MUTATIONS)
    for j in range(cuda.grid(1), rows.size // point.size * quads, cuda.gridsize(1)):
        row, i = j // quads, 4 * (j % quads)
        number = done + row // times  # in the generation
        signed = step if number % 2 == 0 else -step
        w = philox(np.uint64(i // 4) & _WORD, np.uint64(number // 2) & _WORD, generation, stream, k0, k1)
        first, second = normal_pair(like, w[0], w[1]), normal_pair(like, w[2], w[3])
        _put(point, active, variance, limits, rows, row, i, parts, scouts, signed, first[0])
        if i + 1 < size:
            _put(point, active, variance, limits, rows, row, i + 1, parts, scouts, signed, first[1])
        if i + 2 < size:
            _put(point, active, variance, limits, rows, row, i + 2, parts, scouts, signed, second[0])
        if i + 3 < size:
            _put(point, active, variance, limits, rows, row, i + 3, parts, scouts, signed, second[1])
