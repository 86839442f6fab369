r"""The threshold of the simplex and of the 1-norm, in linear time.

With levels b_i (the entries of x, or their moduli), their maximum M and a_i = M - b_i, the projection lowers every
level by M - delta, and those below that to 0, where delta solves

    sum_i max(delta - a_i, 0) = r.

The left side is convex, piecewise linear and increasing. From any start one step of Newton's method leads to the right
of the root, further ones decrease to it, and it is exact when the set of a_i below it is found; r is never below it.
Every step is a pass of vectorised sums over x. For long vectors a sample gives the start, and the sum of what is
written confirms the root; where few entries are left above the threshold they are gathered. Written in delta, nothing
cancels where r is small beside M.

R. Cominetti, W. F. Mascarenhas, P. J. S. Silva, Math. Program. Comput. 6 (2014) 151-169; L. Condat, Math. Program. 158
(2016) 575-585.
"""

from typing import NamedTuple

import numpy as np

from .._jit import jit, same_memory, stack_array
from .levels import Levels, Values, all_sums, level_of, sum_and_slope, sum_and_slope_of_part, top_and_sum, write_lowered

SAMPLE_FROM, LONG = 4096, 65536  # entries; of longer vectors a sample gives the start, of long ones before all else
GATHER_FROM = 2048
_SAMPLED, _IN_A_ROW, _FEWEST_SAMPLED = 16384, 16, 30  # entries
_NEAR = 0.05  # of delta: where the density of levels is measured
_HARDLY_AN_ENTRY = 0.25
_MOST_GATHERED = 4096
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


@jit(borrow=True)
def _guess(levels, r):
    """(reference, delta, density): the root as a part of the entries has it, relative to a level ``reference``.

    delta is 0 where too few entries lie above the root to say anything; ``density`` is that of levels around it.
    """
    kind, x, up, down = levels
    room = stack_array(_SAMPLED)
    chunks = min(room.size, x.size // 16) // _IN_A_ROW
    hop, count = x.size // chunks, chunks * _IN_A_ROW
    for k in range(chunks):
        part = x[k * hop : k * hop + _IN_A_ROW]
        for i in range(_IN_A_ROW):
            room[k * _IN_A_ROW + i] = level_of(kind, part[i], up, down)
    sample = Levels(Values(), room[:count], 1.0, 1.0)
    reference, total = top_and_sum(sample)
    if not np.isfinite(total):
        return reference, 0.0, 0.0
    share = count / x.size
    _, slope = sum_and_slope(sample, reference, r * share)
    if slope <= _FEWEST_SAMPLED:
        return reference, 0.0, 0.0
    delta = _newton(sample, reference, r * share, r * share, True, 0.0, 0.0)
    _, above = sum_and_slope(sample, reference, (1.0 - _NEAR) * delta)
    _, below = sum_and_slope(sample, reference, (1.0 + _NEAR) * delta)
    return reference, delta, (below - above) / (2.0 * _NEAR * delta * share)


class Survey(NamedTuple):
    """What is known of the levels."""

    top: float  # the largest
    total: float  # their sum
    delta: float  # close to the root, or 0
    slope: float  # where the step to delta began
    moved: float  # that step


@jit(borrow=True)
def survey(levels, r):
    """The largest level and the sum of all, and, for a long vector, in the same pass a step towards the root."""
    if levels.x.size >= LONG and r > 0.0:
        reference, delta, density = _guess(levels, r)
        if delta > 0.0:
            top, total, lowered, slope = all_sums(levels, reference, delta)
            step = (lowered - r) / slope
            bend = -0.5 * density * step / slope
            if abs(bend) < 0.5:
                step /= 1.0 + bend  # Halley's method
            delta += top - reference - step
            return Survey(top, total, delta if delta > 0.0 else 0.0, slope, step)
    top, total = top_and_sum(levels)
    return Survey(top, total, 0.0, 0.0, 0.0)


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
    if n >= SAMPLE_FROM:
        reference, guessed, _ = _guess(levels, r)
        if guessed > 0.0 and guessed + (top - reference) < delta:
            return _newton(levels, top, r, guessed + (top - reference), trusting, 0.0, 0.0)
    if n >= GATHER_FROM:
        room = stack_array(_MOST_GATHERED)
        count = _gather(levels, top, delta, room)
        if count > 0:
            return _newton(Levels(Values(), room[:count], 1.0, 1.0), 0.0, r, delta, False, 0.0, 0.0)
    return _newton(levels, top, r, delta, trusting, 0.0, 0.0)


@jit(borrow=True)
def lower(levels, known, r, grow, out):
    """Write x with its levels lowered to the sum r >= 0, times ``grow``; ``known`` is their survey."""
    if r == 0.0:
        write_lowered(levels, known.top, 0.0, grow, out)
        return
    trusting = not same_memory(levels.x, out)  # what is written over cannot be done again
    found = write_lowered(levels, known.top, _solve(levels, known, r, trusting), grow, out)
    if trusting and not _is_sum(found, r):
        write_lowered(levels, known.top, _solve(levels, known, r, False), grow, out)
