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

from .._jit import (
    ELEMENTWISE,
    REDUCTION,
    bits_of_float,
    by_type,
    float_of_bits,
    jit,
    record,
    same_memory,
    sqrt,
    stack_array,
)
from .._scalars import nothing, number, of_entry
from .._vector import MAGNITUDE

BLOCK = 1024
SAMPLE_FROM, LONG = 4096, 65536  # entries; of longer vectors a sample gives the start, of long ones before all else
GATHER_FROM = 2048
_SAMPLED, _IN_A_ROW, _FEWEST_SAMPLED = 16384, 16, 30  # entries
_NEAR = 0.05  # of delta: where the density of levels is measured
_HARDLY_AN_ENTRY = 0.25
_MOST_GATHERED = 4096
_SEARCHED = 256
_MOST_STEPS = 200
_EPSILON = 2.220446049250313e-16
HUGE, SHRINK = 2.0**900, 2.0**-80  # multiples of larger numbers would overflow: times SHRINK they do not
_ROUNDING = 4e-15  # of a sum, at most


@record
class Moduli:
    """Levels are the moduli of the entries, which keep their phases."""


@record
class Values:
    """Levels are the entries, real numbers."""


class Levels(NamedTuple):
    """The vector whose levels are meant.

    A level is the modulus, computed with its square multiplied by ``up``^2, times ``down``: one and one, unless that
    would over- or underflow.
    """

    kind: Moduli  # or Values
    x: np.ndarray
    up: float
    down: float


@of_entry
def _size(u, up):
    """|u|, in double precision."""


@_size.real
def _(u, up):
    return abs(np.float64(u))


@_size.complex
def _(u, up):
    re, im = np.float64(u.real) * up, np.float64(u.imag) * up
    return sqrt(re * re + im * im)


@by_type(borrow=True, fastmath=REDUCTION)
def level_of(kind, u, up, down):
    """The level of an entry without weights."""


@level_of.register(Moduli)
def _(kind, u, up, down):
    return _size(u, up) * down


@level_of.register(Values)
def _(kind, u, up, down):
    return np.float64(u) * down


@jit(borrow=True, inline=True)
def order(value):
    """The bits of a number as an integer that grows with it; NaN stands at an end."""
    bits = bits_of_float(value + 0.0)  # -0 is 0
    return bits ^ ((bits >> 63) & MAGNITUDE)


@jit(fastmath=REDUCTION, borrow=True)
def _top_and_sum(kind, x, up, down):
    top, total = order(-np.inf), 0.0
    for i in range(x.size):
        level = level_of(kind, x[i], up, down)
        key = order(level)
        top = key if key > top else top
        total += level
    return top, total


@jit(fastmath=REDUCTION, borrow=True)
def _sum_and_slope(kind, x, up, down, top, delta):
    total, slope = 0.0, 0
    for i in range(x.size):
        above = delta - (top - level_of(kind, x[i], up, down))
        total += max(above, 0.0)
        slope += above > 0.0  # an integer: counting is faster than adding numbers
    return total, slope


@jit(borrow=True)
def top_and_sum(levels):
    """The largest level and the sum of all; a NaN in x shows in one of them."""
    kind, x, up, down = levels
    top, total = order(-np.inf), 0.0
    for start in range(0, x.size, BLOCK):
        key, part_total = _top_and_sum(kind, x[start : start + BLOCK], up, down)
        top, total = max(top, key), total + part_total
    return float_of_bits(top ^ ((top >> 63) & MAGNITUDE)), total


@jit(borrow=True)
def sum_and_slope(levels, top, delta):
    """Sum max(delta - a_i, 0) and its derivative, the number of a_i below delta."""
    kind, x, up, down = levels
    total, slope = 0.0, 0.0
    for start in range(0, x.size, BLOCK):
        part_total, part_slope = _sum_and_slope(kind, x[start : start + BLOCK], up, down, top, delta)
        total, slope = total + part_total, slope + part_slope
    return total, slope


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


@jit(fastmath=REDUCTION, borrow=True)
def _all_sums(kind, x, up, down, reference, delta):
    top, total, lowered, slope = order(-np.inf), 0.0, 0.0, 0
    for i in range(x.size):
        level = level_of(kind, x[i], up, down)
        key = order(level)
        top = key if key > top else top
        total += level
        above = delta - (reference - level)
        lowered += max(above, 0.0)
        slope += above > 0.0
    return top, total, lowered, slope


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
    kind, x, up, down = levels
    if x.size >= LONG and r > 0.0:
        reference, delta, density = _guess(levels, r)
        if delta > 0.0:
            key, total, lowered, slope = order(-np.inf), 0.0, 0.0, 0.0
            for start in range(0, x.size, BLOCK):
                part = x[start : start + BLOCK]
                part_key, part_total, part_lowered, count = _all_sums(kind, part, up, down, reference, delta)
                key, total = max(key, part_key), total + part_total
                lowered, slope = lowered + part_lowered, slope + count
            top = float_of_bits(key ^ ((key >> 63) & MAGNITUDE))
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
        _, slope = _sum_and_slope(kind, part, up, down, top, delta)
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


@by_type(borrow=True, fastmath=ELEMENTWISE)
def _placed(kind, u, level, value):
    """The entry u, of this level, with the level ``value``."""


@_placed.register(Values)
def _(kind, u, level, value):
    return value


@_placed.register(Moduli)
def _(kind, u, level, value):
    return _with_modulus(u, level, value)


@of_entry
def _with_modulus(u, size, value):
    """The number of this modulus with the phase of u; that of 0 is 1."""


@_with_modulus.real
def _(u, size, value):
    return value if u >= nothing(u) else 0.0 - value


@_with_modulus.complex
def _(u, size, value):
    re, im = np.float64(u.real), np.float64(u.imag)
    if size > 0.0:
        factor = value / size
        return number(re * factor, im * factor)
    if value == 0.0 or (re == 0.0 and im == 0.0):
        return number(value, 0.0 * value)
    largest = max(abs(re), abs(im))  # |u| has underflowed
    re, im = re / largest, im / largest
    factor = value / sqrt(re * re + im * im)
    return number(re * factor, im * factor)


@jit(fastmath={"reassoc", "contract"}, borrow=True, inline=True)
def _lower(kind, x, up, down, top, delta, grow, out):
    total = 0.0
    for i in range(x.size):
        level = level_of(kind, x[i], up, down)
        value = max(delta - (top - level), 0.0)
        total += value
        out[i] = _placed(kind, x[i], level * grow, value * grow)
    return total


@jit(borrow=True)
def _write(levels, top, delta, grow, out):
    """Write x with all levels lowered by top - delta, at least to 0, times ``grow``; returns the sum it has then."""
    kind, x, up, down = levels
    total = 0.0
    for start in range(0, x.size, BLOCK):
        part, part_out = x[start : start + BLOCK], out[start : start + BLOCK]
        if same_memory(x, out):  # under one name: LLVM then need not prove that they do not overlap
            total += _lower(kind, part_out, up, down, top, delta, grow, part_out)
        else:
            total += _lower(kind, part, up, down, top, delta, grow, part_out)
    return total


@jit(borrow=True)
def lower(levels, known, r, grow, out):
    """Write x with its levels lowered to the sum r >= 0, times ``grow``; ``known`` is their survey."""
    if r == 0.0:
        _write(levels, known.top, 0.0, grow, out)
        return
    trusting = not same_memory(levels.x, out)  # what is written over cannot be done again
    found = _write(levels, known.top, _solve(levels, known, r, trusting), grow, out)
    if trusting and not _is_sum(found, r):
        _write(levels, known.top, _solve(levels, known, r, False), grow, out)
