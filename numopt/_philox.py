"""Random numbers by counters: Philox4x32-10, and normal numbers made of them.

A counter of four 32-bit words and a key of two give four words that look independent for every counter and key. So
there is no state: what belongs to entry i of step t is the same in any order, on any number of threads, and on a GPU.

J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, Parallel random numbers: as easy as 1, 2, 3, SC 2011; the constants
are those of Random123. Words are kept in uint64, so that products and sums are exact with and without the compiler.
"""

import math

import numpy as np

from ._jit import jit, log, sqrt
from ._scalars import constant, of_numbers

WORD, _BITS = np.uint64(0xFFFFFFFF), np.uint64(32)
_FACTORS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_STEPS = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_ROUNDS = 10


@of_numbers
def philox(c0, c1, c2, c3, k0, k1):
    """Four random words for a counter and a key; all are uint64 below 2^32."""
    for _ in range(_ROUNDS):
        a, b = _FACTORS[0] * c0, _FACTORS[1] * c2
        c0, c1, c2, c3 = (b >> _BITS) ^ c1 ^ k0, b & WORD, (a >> _BITS) ^ c3 ^ k1, a & WORD
        k0, k1 = (k0 + _STEPS[0]) & WORD, (k1 + _STEPS[1]) & WORD
    return c0, c1, c2, c3


@jit(borrow=True)
def words_of(number):
    """The lower and the upper word of a whole number from 0 to 2^53."""
    whole = np.uint64(number)
    return whole & WORD, whole >> _BITS


@of_numbers
def normal_pair(like, first, second):
    """Two independent normal numbers of two words, in the real precision of ``like``, none beyond 6.8 (Box, Muller)."""
    half, unit = constant(like, 0.5), constant(like, 2.0**-32)
    radius = sqrt(constant(like, -2.0) * log((constant(like, first) + half) * unit))
    angle = constant(like, 2.0 * math.pi) * ((constant(like, second) + half) * unit)
    return radius * math.cos(angle), radius * math.sin(angle)


@jit(borrow=True)
def fill_normal(out, row, generation, stream, seed):
    """Fill a float64 vector with normal numbers: entry i depends on i, the three counters and the seed only."""
    k0, k1 = words_of(seed)
    c1, c2, c3 = np.uint64(row) & WORD, np.uint64(generation) & WORD, np.uint64(stream)
    like = np.float64(0.0)
    for i in range(0, out.size, 4):
        w = philox(np.uint64(i >> 2) & WORD, c1, c2, c3, k0, k1)
        first = normal_pair(like, w[0], w[1])
        second = normal_pair(like, w[2], w[3])
        out[i] = first[0]
        if i + 1 < out.size:
            out[i + 1] = first[1]
        if i + 2 < out.size:
            out[i + 2] = second[0]
        if i + 3 < out.size:
            out[i + 3] = second[1]


@jit(borrow=True)
def draw_to_front(items, count, generation, stream, seed):
    """Bring ``count`` of the items, drawn without replacement, to the front (Fisher, Yates); fewer than 2^32 items."""
    k0, k1 = words_of(seed)
    c2, c3 = np.uint64(generation) & WORD, np.uint64(stream)
    for i in range(min(count, items.size)):
        word = philox(np.uint64(i), np.uint64(0), c2, c3, k0, k1)[0]
        # the upper word of a product: uniform but for 2^-32 of the number of items
        j = i + np.int64((word * np.uint64(items.size - i)) >> _BITS)
        items[i], items[j] = items[j], items[i]
