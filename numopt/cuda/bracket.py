"""The search for the tau at which a sum is right, on a GPU: Newton's method within a bracket, twice, sum by sum.

As on the CPU (:mod:`numopt.projections.section`). The state is seven numbers, which a launch hands to the next: tau is
base + shift, with the shift within (low, high). The second search is for the shift from the base that the first found,
which takes out what rounding has left.
"""

import math

from .device import cuda
from .newton import FOUND, INSIDE, RUNNING, UNDEFINED
from .sums import STATE, of_all_blocks

MOST_STEPS = 300  # of each of the two searches
_EPSILON = 2.220446049250313e-16

BASE, SHIFT, KNOWN, FIELDS = 0, 1, 6, 7  # of a state; between them the bracket, steps taken, and which search it is
FIRST, LAST = STATE - 2, STATE - 1  # where the outermost tau at which an entry meets a bound stand, behind two states


@cuda.jit(device=True)
def advance(state, total, slope, least, most, c, inside):
    """The state after the sum w.y and its negative derivative at tau = base + shift.

    Where tau overflows, or the second search does not end, the answer is NaN rather than a point outside the set.
    """
    base, shift, low, high, steps, again, _ = state
    if total != total:
        return base, shift, low, high, steps, again, UNDEFINED
    if inside and again == 0.0 and steps == 0.0 and total <= c:
        return base, shift, low, high, steps, again, INSIDE
    settled = total == c or steps == MOST_STEPS
    if not settled:
        if total > c:
            low = shift
        else:
            high = shift
        newton = (total - c) / slope if slope > 0.0 else math.inf
        trial = shift + newton
        settled = abs(newton) <= _EPSILON * (abs(base) + abs(shift))
        if not settled:
            trial = _inside_bracket(trial, low, high, base, least, most, total > c, steps)
            settled = trial == low or trial == high
        shift = trial
    if not abs(shift) < math.inf or (steps == MOST_STEPS and again == 1.0):
        return base, shift, low, high, steps, again, UNDEFINED
    if not settled:
        return base, shift, low, high, steps + 1.0, again, RUNNING
    if again == 0.0:
        return shift, 0.0, -math.inf, math.inf, 0.0, 1.0, RUNNING
    return base, shift, low, high, steps, again, FOUND


@cuda.jit(device=True)
def _inside_bracket(trial, low, high, base, least, most, upwards, steps):
    """The trial, or if it is none, the middle of the bracket, or what lies beyond all bounds."""
    between = low < trial < high
    if low > -math.inf and high < math.inf:
        # now and then also where Newton's method narrows the bracket slowly
        return trial if between and steps % 8.0 != 7.0 else low + 0.5 * (high - low)
    if between:
        return trial
    margin = max(most - least, abs(most), 1e-300)
    return most - base + margin if upwards else least - base - margin


@cuda.jit(device=True)
def first_state(not_finite):
    """The state before any sum is known; ``not_finite`` counts entries that spoil all."""
    return 0.0, 0.0, -math.inf, math.inf, 0.0, 0.0, UNDEFINED if not_finite > 0.0 else RUNNING


@cuda.jit(device=True)
def load(room, row):
    """The state that launch ``row`` has left."""
    at = FIELDS * (row % 2)
    return room[at], room[at + 1], room[at + 2], room[at + 3], room[at + 4], room[at + 5], room[at + 6]


@cuda.jit(device=True)
def store(room, row, state):
    """Leave the state of launch ``row``; that of the one before stays, which other blocks may still read."""
    at = FIELDS * (row % 2)
    for k in range(FIELDS):
        room[at + k] = state[k]


@cuda.jit(device=True)
def known(tree, room, row, blocks, c, inside):
    """The state at the beginning of launch ``row``, the same in every block."""
    state = load(room, row - 1)
    if row > 1 and state[KNOWN] == RUNNING:
        total, slope, _, _ = of_all_blocks(tree, room, (row - 1) % 2, blocks)
        state = advance(state, total, slope, room[FIRST], room[LAST], c, inside)
    return state
