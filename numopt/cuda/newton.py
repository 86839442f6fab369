"""Newton's method for a threshold on a GPU: from the sums of one launch to the delta of the next, and what it is told.

The equation is that of :mod:`numopt.projections.threshold`, sum max(delta - a_i, 0) = r, with a_i = top - b_i for the
levels b_i. A launch leaves a row of numbers in memory for the next one, beside the sums of its blocks.
"""

import math

from .device import cuda
from .sums import STATE, of_all_blocks

RUNNING, FOUND, INSIDE, UNDEFINED = 0.0, 1.0, 2.0, 3.0  # what is known: nothing yet, delta, P(x) = x, a NaN
DELTA, SLOPE, TOP, DONE, FIELDS = range(5)  # of a row; the last launch's is row 0
TAU, DENSITY = STATE - 2, STATE - 1  # in memory: what a sample has given
_ROUNDING = 4e-15  # of a sum, at most


@cuda.jit(device=True)
def first_step(r, inside, n, tau, density, sums):
    """(delta, what is known) after a survey with the sums at the threshold tau."""
    lowered, slope, total, top = sums
    if not math.isfinite(top):
        return 0.0, UNDEFINED
    if inside and total <= r:
        return 0.0, INSIDE
    if r == 0.0:
        return 0.0, FOUND
    everyone = (r + (n * top - total)) / n  # the root if no entry becomes 0; never below it
    limit = everyone if 0.0 < everyone < r else r
    if slope > 0.0:
        move = (lowered - r) / slope
        bend = -0.5 * density * move / slope
        if abs(bend) < 0.5:
            move /= 1.0 + bend  # Halley's method
        delta = (top - tau) - move
        if 0.0 < delta < limit:
            return delta, RUNNING
    return limit, RUNNING


@cuda.jit(device=True)
def next_step(r, delta, before, lowered, slope):
    """(delta, slope, what is known) after a step from delta; ``before`` is the slope where the step before began."""
    # the same entries as before: then the step before was exact
    done = FOUND if slope == before or abs(lowered - r) <= _ROUNDING * r else RUNNING
    moved = delta - (lowered - r) / slope
    if 0.0 < moved <= r:
        return moved, slope, done
    return r, 0.0, done if moved > r else RUNNING  # not below the root: the largest level alone gives r


@cuda.jit(device=True)
def known_before(tree, r, inside, n, row, blocks, room):
    """(delta, slope, top, what is known) at the beginning of launch ``row``, the same in every block."""
    if row == 1:
        sums = of_all_blocks(tree, room, 0, blocks)
        delta, done = first_step(r, inside, n, room[TAU], room[DENSITY], sums)
        return delta, 0.0, sums[3], done
    at = FIELDS * (row - 1)
    delta, slope, top, done = room[at + DELTA], room[at + SLOPE], room[at + TOP], room[at + DONE]
    if done == RUNNING:
        lowered, count, _, _ = of_all_blocks(tree, room, (row - 1) % 2, blocks)
        delta, slope, done = next_step(r, delta, slope, lowered, count)
    return delta, slope, top, done


@cuda.jit(device=True)
def hand_on(room, row, delta, slope, top, done):
    """Leave what is known for the next launch; row 0 is for the last one."""
    if cuda.grid(1) == 0:
        at = FIELDS * row
        room[at + DELTA] = delta
        room[at + SLOPE] = slope
        room[at + TOP] = top
        room[at + DONE] = done
