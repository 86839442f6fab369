r"""The threshold of the simplex and of the 1-norm, in linear time.

With levels b_i (the entries of x, or their moduli), their maximum M and a_i = M - b_i, the projection lowers every
level by M - delta, and those below that to 0, where delta solves

    sum_i max(delta - a_i, 0) = r.

The left side is convex, piecewise linear and increasing. From any start one step of Newton's method leads to the right
of the root, further ones decrease to it, and it is exact when the set of a_i below it is found; r is never below it.
Every step is a pass of vectorised sums over x. For long vectors a sample gives the start, and the sum of what is
written confirms the root; where few entries are left above a threshold below the right one they are gathered, and the
steps are those of few. Written in delta, nothing cancels where r is small beside M.

R. Cominetti, W. F. Mascarenhas, P. J. S. Silva, Math. Program. Comput. 6 (2014) 151-169; L. Condat, Math. Program. 158
(2016) 575-585.
"""

from typing import NamedTuple

import numpy as np

from .._jit import jit, same_memory, sqrt, stack_array
from .levels import Levels, Values, all_sums, level_of, sum_and_slope, sum_and_slope_of_part, top_and_sum, write_lowered

SAMPLE_FROM, LONG = 4096, 65536  # entries; of longer vectors a sample gives the start, of long ones before all else
GATHER_FROM = 2048
_SAMPLED, _IN_A_ROW, _FEWEST_SAMPLED = 16384, 16, 30  # entries
_NEAR = 0.05  # of delta: where the density of levels is measured
_HARDLY_AN_ENTRY = 0.25
_MOST_GATHERED, _LIKELY_GATHERED = 4096, 3000
_ERRORS = 2.0  # of a guess
_SEARCHED = 256
_MOST_STEPS = 200
_EPSILON = 2.220446049250313e-16
_ROUNDING = 4e-15  # of a sum, at most


@jit(borrow=True)
def _is_sum(total, r):
    """Whether a sum is r but for rounding."""
    return abs(total - r) <= _ROUNDING * r


@jit(borrow=True)
def _newton(levels, top, r, delta, trusting, before, moved):
    """The root from the start delta, to which a step ``moved`` from the slope ``before`` has led, if there was one.

    If it is ``trusting``, it leaves out the pass that confirms a step on whose way hardly an entry can lie: the caller
    confirms it by the sum of what is written.
    """
    surely = False
    for _ in range(_MOST_STEPS):
        if not 0.0 < delta <= r:
            delta, before, surely = r, 0.0, False  # not below the root: the largest level alone gives r
        total, slope = sum_and_slope(levels, top, delta)
        if surely and _is_sum(total, r):
            break
        step = (total - r) / slope
        delta -= step
        if slope == before or abs(step) <= _EPSILON * delta:
            break  # the same entries as before: then the step before was exact
        surely = before > 0.0 and abs((before - slope) * step / moved) < _HARDLY_AN_ENTRY
        if surely and trusting:
            break
        before, moved = slope, step
    return delta


class Guess(NamedTuple):
    """The root as a part of the entries has it."""

    top: float  # the largest level among them, to which delta is relative
    delta: float  # 0 if they tell nothing
    error: float  # of delta, about a standard deviation
    slope: float  # how many of them lie above the threshold
    density: float  # of all levels around it
    share: float  # of the entries


@jit(borrow=True)
def _guess(levels, r):
    """What a sample says of the root."""
    kind, x, up, down = levels
    room = stack_array(_SAMPLED)
    chunks = min(room.size, x.size // 16) // _IN_A_ROW
    hop, count = x.size // chunks, chunks * _IN_A_ROW
    for k in range(chunks):
        part = x[k * hop : k * hop + _IN_A_ROW]
        for i in range(_IN_A_ROW):
            room[k * _IN_A_ROW + i] = level_of(kind, part[i], up, down)
    sample = Levels(Values(), room[:count], 1.0, 1.0)
    top, total = top_and_sum(sample)
    share = count / x.size
    part_of_r = r * share
    if not np.isfinite(total) or part_of_r == 0.0:
        return Guess(top, 0.0, 0.0, 0.0, 0.0, share)
    delta = _newton(sample, top, part_of_r, part_of_r, True, 0.0, 0.0)
    _, slope = sum_and_slope(sample, top, delta)
    _, above = sum_and_slope(sample, top, (1.0 - _NEAR) * delta)
    _, below = sum_and_slope(sample, top, (1.0 + _NEAR) * delta)
    density = (below - above) / (2.0 * _NEAR * delta * share)
    return Guess(top, delta, part_of_r / slope / sqrt(slope), slope, density, share)


class Survey(NamedTuple):
    """What is known of the levels."""

    top: float  # the largest
    total: float  # their sum
    delta: float  # close to the root, or 0
    slope: float  # where the step to delta began
    moved: float  # that step
    guess: Guess  # what a sample has said; its share is 0 if none was taken


@jit(borrow=True)
def survey(levels, r):
    """The largest level and the sum of all, and, for a long vector, in the same pass a step towards the root."""
    guess = Guess(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    if levels.x.size >= LONG and r > 0.0:
        guess = _guess(levels, r)
        if guess.slope > _FEWEST_SAMPLED:
            top, total, lowered, slope = all_sums(levels, guess.top, guess.delta)
            step = (lowered - r) / slope
            bend = -0.5 * guess.density * step / slope
            if abs(bend) < 0.5:
                step /= 1.0 + bend  # Halley's method
            delta = guess.delta + (top - guess.top) - step
            return Survey(top, total, delta if delta > 0.0 else 0.0, slope, step, guess)
    top, total = top_and_sum(levels)
    return Survey(top, total, 0.0, 0.0, 0.0, guess)


@jit(borrow=True)
def _gather(levels, top, delta, room):
    """Write -a_i for all a_i < delta into ``room``; returns their number, or -1 if there are too many."""
    kind, x, up, down = levels
    count = 0
    for start in range(0, x.size, _SEARCHED):
        part = x[start : start + _SEARCHED]
        _, slope = sum_and_slope_of_part(kind, part, up, down, top, delta)
        if slope > 0.0:
            if count + slope > room.size:
                return -1
            for i in range(part.size):
                below = level_of(kind, part[i], up, down) - top
                if delta + below > 0.0:
                    room[count] = below
                    count += 1
    return count


@jit(borrow=True)
def _solve(levels, known, r, trusting):
    """The root for r > 0."""
    n, top = levels.x.size, known.top
    if known.delta > 0.0:
        return _newton(levels, top, r, known.delta, trusting, known.slope, known.moved)
    everyone = (r + (n * top - known.total)) / n  # the root if no entry becomes 0
    delta = everyone if 0.0 < everyone < r else r
    few_remain = n >= GATHER_FROM
    if n >= SAMPLE_FROM:
        guess = known.guess if known.guess.share > 0.0 else _guess(levels, r)
        few_remain = guess.slope < _LIKELY_GATHERED * guess.share
        start = guess.delta + (top - guess.top)
        if few_remain:
            start += _ERRORS * guess.error  # hardly ever below the root
        if guess.delta > 0.0 and start < delta:
            delta = start
    if few_remain:
        room = stack_array(_MOST_GATHERED)
        count = _gather(levels, top, delta, room)
        if count > 0:
            few = Levels(Values(), room[:count], 1.0, 1.0)
            total, _ = sum_and_slope(few, 0.0, delta)
            if total >= r:
                return _newton(few, 0.0, r, delta, False, 0.0, 0.0)
    return _newton(levels, top, r, delta, trusting, 0.0, 0.0)


@jit(borrow=True)
def lower(levels, known, r, grow, out):
    """Write x with its levels lowered to the sum r >= 0, times ``grow``; ``known`` is their survey."""
    if r == 0.0:
        write_lowered(levels, known.top, 0.0, grow, out)
        return
    trusting = not same_memory(levels.x, out)  # what is written over cannot be done again
    delta = _solve(levels, known, r, trusting)
    found = write_lowered(levels, known.top, delta, grow, out)
    if trusting and not _is_sum(found, r):
        write_lowered(levels, known.top, _newton(levels, known.top, r, delta, False, 0.0, 0.0), grow, out)
