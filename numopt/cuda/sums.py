"""Sums and maxima over a vector on a GPU, the same bits on every device, and the room for them.

The blocks of a launch depend on the length of the vector only. Each adds its entries up in a tree in shared memory and
leaves its partial sums; in the next launch every block adds those of all blocks, in one order. So launches in the order
of a stream are all that is synchronised. Sums are of float64 also where the data are not.
"""

import math
import threading

import numpy as np

from .._scalars import larger
from .device import LOADS, MOST_BLOCKS, SIMULATED, blocks_of, cuda, current_gpu, new_vector, number_of

WIDE = 8 if SIMULATED else 512  # threads of a block that works alone; a power of two
TREE = 4, WIDE  # numbers in shared memory, in which they are added up
SUMS = 4  # that a block leaves: three sums and a maximum
STATE = 64  # numbers that launches hand on, in front of the partial sums
SETS = 3  # of partial sums: one is written while another, or, after the first launch, two are read
ROOM = STATE + SETS * SUMS * MOST_BLOCKS

_rooms = threading.local()


def room_for(stream):
    """Float64 numbers on the device for the launches of this thread on this stream, one projection at a time."""
    rooms = vars(_rooms)
    key = f"{current_gpu()} {0 if SIMULATED else number_of(stream)}"
    if key not in rooms:
        rooms[key] = new_vector(ROOM, np.float64)
    return rooms[key]


def blocks_that_add(n):
    """How many blocks add up n entries."""
    return blocks_of(n, LOADS, MOST_BLOCKS)


@cuda.jit(device=True)
def of_block(tree, a, b, c, top):
    """The sums of a, b and c and the maximum of ``top``, NaN if one is, over the threads of a block.

    ``tree`` is a shared array of ``TREE`` float64 numbers, one in each kernel: device functions that make their own are
    not told apart when they are linked.
    """
    t, half = cuda.threadIdx.x, cuda.blockDim.x // 2
    tree[0, t] = a
    tree[1, t] = b
    tree[2, t] = c
    tree[3, t] = top
    cuda.syncthreads()
    while half > 0:
        if t < half:
            tree[0, t] += tree[0, t + half]
            tree[1, t] += tree[1, t + half]
            tree[2, t] += tree[2, t + half]
            tree[3, t] = larger(tree[3, t], tree[3, t + half])
        cuda.syncthreads()
        half //= 2
    a, b, c, top = tree[0, 0], tree[1, 0], tree[2, 0], tree[3, 0]
    cuda.syncthreads()  # the next tree stands in the same memory
    return a, b, c, top


@cuda.jit(device=True)
def leave(tree, room, which, a, b, c, top):
    """Leave the block's sums in set number ``which``."""
    a, b, c, top = of_block(tree, a, b, c, top)
    if cuda.threadIdx.x == 0:
        at = STATE + which * SUMS * MOST_BLOCKS + SUMS * cuda.blockIdx.x
        room[at] = a
        room[at + 1] = b
        room[at + 2] = c
        room[at + 3] = top


@cuda.jit(device=True)
def of_all_blocks(tree, room, which, blocks):
    """The sums and the maximum of what ``blocks`` blocks have left."""
    a, b, c, top = 0.0, 0.0, 0.0, -math.inf
    for j in range(cuda.threadIdx.x, blocks, cuda.blockDim.x):
        at = STATE + which * SUMS * MOST_BLOCKS + SUMS * j
        a += room[at]
        b += room[at + 1]
        c += room[at + 2]
        top = larger(room[at + 3], top)
    return of_block(tree, a, b, c, top)
