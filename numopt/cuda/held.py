"""Levels that a block which works alone holds in the registers of its threads.

A loop over memory would be waited for in every step of Newton's method. The levels are nested in pairs, which the
compiler takes apart.
"""

import math

from .compose import entry
from .device import cuda
from .sums import WIDE


def holder(level, count, in_a_row):
    """``hold(x, j, many, hop, down)``: ``count`` levels, a power of two, all loaded before one is needed.

    Those are the ones with the numbers j, j + WIDE, ... of ``many``; -inf stands for what is beyond. ``in_a_row`` of
    them are neighbours in x, the next begin ``hop`` entries later.
    """
    if count == 1:

        @cuda.jit(device=True)
        def hold_one(x, j, many, hop, down):
            k = min(j, many - 1)
            b = level(entry(x, k // in_a_row * hop + k % in_a_row), down)
            return b if j < many else -math.inf

        return hold_one
    half, apart = holder(level, count // 2, in_a_row), count // 2 * WIDE

    @cuda.jit(device=True)
    def hold(x, j, many, hop, down):
        return half(x, j, many, hop, down), half(x, j + apart, many, hop, down)

    return hold


def of_held(fold, count):
    """``run(c, total, held)``: ``total = fold(c, total, level)`` for all levels that a thread holds."""
    if count == 1:
        return fold
    half = of_held(fold, count // 2)

    @cuda.jit(device=True)
    def run(c, total, held):
        return half(c, half(c, total, held[0]), held[1])

    return run
