"""Newton's method for a threshold on a GPU: from the sums of one launch to the delta of the next, and what it is told.

The equation is that of :mod:`numopt.projections.threshold`, sum max(delta - a_i, 0) = r, with a_i = top - b_i for the
levels b_i. A launch leaves a row of numbers in memory for the next one, beside the sums of its blocks.
"""

import math

from .device import cuda
from .sums import STATE, of_all_blocks

RUNNING, FOUND, INSIDE, UNDEFINED = 0.0, 1.0, 2.0, 3.0  # what is known: nothing yet, delta, P(x) = x, a NaN
DELTA, SLOPE, TOP, DONE, FIELDS = range(5)  # of a row; the last launch's is row 0
TAUS = STATE - 2  # in memory: the two thresholds of the survey, the higher one first
_ROUNDING = 4e-15  # of a sum, at most


@cuda.jit(device=True)
def first_step(r, inside, n, tau_one, tau_two, sums, sums_two):
    """(delta, what is known) after a survey with the thresholds tau_one >= tau_two."""
    lowered, slope, whole, top = sums
    if not math.isfinite(top):
        return 0.0, UNDEFINED
    if inside and whole <= r:
        return 0.0, INSIDE
    if r == 0.0:
        return 0.0, FOUND
    everyone = (r + (n * top - whole)) / n  # the root if no entry becomes 0; never below it
    limit = everyone if 0.0 < everyone < r else r
    delta = _between(r, (top - tau_one, lowered, slope), (top - tau_two, *sums_two))
    return delta if 0.0 < delta < limit else limit, RUNNING


@cuda.jit(device=True)
def _between(r, one, two):
    """Where sum max(delta - a_i, 0) is r, from its values and slopes at two delta; 0 where they do not tell."""
    delta, lowered, slope = one
    width = two[1] - lowered
    if slope > 0.0 and width > 0.0:
        part = (r - lowered) / width
        if -1.0 <= part <= 2.0:  # the cubic of Hermite, of delta as a function of the sum
            rest = 1.0 - part
            values = rest * rest * (1.0 + 2.0 * part) * delta + part * part * (3.0 - 2.0 * part) * two[0]
            return values + part * rest * width * (rest / slope - part / two[2])
        if part < 0.0:
            return delta - (lowered - r) / slope
    return two[0] - (two[1] - r) / two[2] if two[2] > 0.0 else 0.0


@cuda.jit(device=True)
def next_step(r, delta, before, lowered, slope, near):
    """(delta, slope, what is known) after a step from delta.

    The step is exact where it meets no a_i, of which ``near`` is the distance of the nearest. ``before`` is the slope
    where the step before began: if it is the same, that step was exact.
    """
    move = (lowered - r) / slope
    exact = abs(move) <= near or slope == before or abs(lowered - r) <= _ROUNDING * r
    moved, done = delta - move, FOUND if exact else RUNNING
    if 0.0 < moved <= r:
        return moved, slope, done
    return r, 0.0, done if moved > r else RUNNING  # not below the root: the largest level alone gives r


@cuda.jit(device=True)
def known_before(tree, r, inside, n, row, blocks, room):
    """(delta, slope, top, what is known) at the beginning of launch ``row``, the same in every block."""
    if row == 1:
        sums, (lowered, slope, _, _) = of_all_blocks(tree, room, 0, blocks), of_all_blocks(tree, room, 2, blocks)
        delta, done = first_step(r, inside, n, room[TAUS], room[TAUS + 1], sums, (lowered, slope))
        return delta, 0.0, sums[3], done
    at = FIELDS * (row - 1)
    delta, slope, top, done = room[at + DELTA], room[at + SLOPE], room[at + TOP], room[at + DONE]
    if done == RUNNING:
        lowered, count, _, near = of_all_blocks(tree, room, (row - 1) % 2, blocks)
        delta, slope, done = next_step(r, delta, slope, lowered, count, -near)
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
