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

_WORD, _BITS = np.uint64(0xFFFFFFFF), np.uint64(32)
_FACTORS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_STEPS = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_ROUNDS = 10


@of_numbers
def philox(c0, c1, c2, c3, k0, k1):
    """Four random words for a counter and a key; all are uint64 below 2^32."""
    for _ in range(_ROUNDS):
        a, b = _FACTORS[0] * c0, _FACTORS[1] * c2
        c0, c1, c2, c3 = (b >> _BITS) ^ c1 ^ k0, b & _WORD, (a >> _BITS) ^ c3 ^ k1, a & _WORD
        k0, k1 = (k0 + _STEPS[0]) & _WORD, (k1 + _STEPS[1]) & _WORD
    return c0, c1, c2, c3


@jit(borrow=True)
def words_of(number):
    """The lower and the upper word of a whole number from 0 to 2^53."""
    whole = np.uint64(number)
    return whole & _WORD, whole >> _BITS


@of_numbers
def normal_pair(like, first, second):
    """Two independent normal numbers of two words, in the real precision of ``like``, none beyond 6.8 (Box, Muller)."""
    half, unit = constant(like, 0.5), constant(like, 2.0**-32)
    radius = sqrt(constant(like, -2.0) * log((constant(like, first) + half) * unit))
    angle = constant(like, 2.0 * math.pi) * ((constant(like, second) + half) * unit)
    return radius * math.cos(angle), radius * math.sin(angle)
