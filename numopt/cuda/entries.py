"""Sets and functions that work entry by entry, on a GPU: one kernel around the function ``nearest`` of the CPU.

A NaN makes every entry NaN; so every block tells whether it has met one, and a second launch, which else does nothing,
fills the vector.
"""

import functools
import math

from ..generic import nearest
from .compose import each, entry, pattern_of, reader
from .device import MOST_BLOCKS, THREADS, WRITES, blocks_of, cuda, device_function, launch
from .fields import on_device
from .sums import STATE, room_for


def each_entry(onto, x, out, stream):
    """Project every entry."""
    values = on_device(tuple(onto), x.dtype, stream)
    room, blocks = room_for(stream), blocks_of(x.size, WRITES, MOST_BLOCKS)
    launch(entry_kernel(type(onto), pattern_of(values)), blocks, THREADS, stream, values, x, out, room)
    launch(_spoil, blocks, THREADS, stream, out, blocks, room)


@functools.cache
def entry_kernel(cls, pattern):
    """The kernel of a class of sets, for fields that are numbers or vectors."""
    place, read = device_function(nearest.implementation(cls)), reader(pattern)

    @cuda.jit(device=True)
    def load(arrays, i):
        values, x, _ = arrays
        return read(values, i), entry(x, i)

    @cuda.jit(device=True)
    def take(arrays, c, undefined, i, values):
        v = place(None, values[0], values[1])
        arrays[2][i] = v
        return undefined | (1 if v != v else 0)

    run = each(load, take, 0, THREADS, WRITES)

    @cuda.jit
    def project_entries(values, x, out, room):
        undefined = run((values, x, out), (), x.size, cuda.blockIdx.x, cuda.gridDim.x)
        undefined = cuda.syncthreads_or(undefined)
        if cuda.threadIdx.x == 0:
            room[STATE + cuda.blockIdx.x] = 1.0 if undefined else 0.0

    return project_entries


@cuda.jit
def _spoil(out, blocks, room):
    undefined = 0
    for j in range(cuda.threadIdx.x, blocks, cuda.blockDim.x):
        undefined |= 1 if room[STATE + j] != 0.0 else 0
    if cuda.syncthreads_or(undefined):
        for i in range(cuda.grid(1), out.size, cuda.gridsize(1)):
            out[i] = math.nan
