"""Levels of a vector, its entries or their moduli, and the passes over them; each is one vectorised loop."""

from typing import NamedTuple

import numpy as np

from .._jit import ELEMENTWISE, REDUCTION, bits_of_float, by_type, float_of_bits, jit, record, same_memory, sqrt
from .._scalars import nothing, number, of_entry
from .._vector import MAGNITUDE

BLOCK = 1024
HUGE, SHRINK = 2.0**900, 2.0**-80  # multiples of larger numbers would overflow: times SHRINK they do not
_SMALL, _LARGE = 2.0**-500, 2.0**500  # of the largest entry: between them, squares and quotients are right to rounding


@record
class Moduli:
    """Levels are the moduli of the entries, which keep their phases."""


@record
class Values:
    """Levels are the entries, real numbers."""


class Levels(NamedTuple):
    """The vector whose levels are meant.

    A level is the modulus, computed with its square multiplied by ``up``^2, times ``down``. Of complex vectors ``up``
    brings the largest entry near 1, so that x times a power of two takes the same path, bit for bit.
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


@jit(borrow=True, inline=True)
def value_of(place):
    """The number whose order this is."""
    return float_of_bits(place ^ ((place >> 63) & MAGNITUDE))


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
def sum_and_slope_of_part(kind, x, up, down, top, delta):
    """Sum max(delta - a_i, 0) and the number of a_i below delta, for the levels of x."""
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
    return value_of(top), total


@jit(borrow=True)
def sum_and_slope(levels, top, delta):
    """Sum max(delta - a_i, 0) and its derivative, the number of a_i below delta."""
    kind, x, up, down = levels
    total, slope = 0.0, 0.0
    for start in range(0, x.size, BLOCK):
        part_total, part_slope = sum_and_slope_of_part(kind, x[start : start + BLOCK], up, down, top, delta)
        total, slope = total + part_total, slope + part_slope
    return total, slope


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


@jit(borrow=True)
def all_sums(levels, reference, delta):
    """(largest level, sum of all, sum max(delta - a_i, 0), its derivative), with a_i = reference - b_i, in one pass."""
    kind, x, up, down = levels
    top, total, lowered, slope = order(-np.inf), 0.0, 0.0, 0.0
    for start in range(0, x.size, BLOCK):
        key, part, part_lowered, count = _all_sums(kind, x[start : start + BLOCK], up, down, reference, delta)
        top, total, lowered, slope = max(top, key), total + part, lowered + part_lowered, slope + count
    return value_of(top), total, lowered, slope


@by_type(borrow=True, fastmath=ELEMENTWISE)
def _placed(kind, u, up, value):
    """The entry u with the level ``value``; ``up`` as in :class:`Levels`."""


@_placed.register(Values)
def _(kind, u, up, value):
    return value


@_placed.register(Moduli)
def _(kind, u, up, value):
    return _with_modulus(u, up, value)


@of_entry
def _with_modulus(u, up, value):
    """The number of the modulus ``value`` with the phase of u; that of 0 is 1."""


@_with_modulus.real
def _(u, up, value):
    return value if u >= nothing(u) else 0.0 - value


@_with_modulus.complex
def _(u, up, value):
    re, im = np.float64(u.real) * up, np.float64(u.imag) * up
    size, wanted = sqrt(re * re + im * im), value * up
    re, im = np.float64(u.real), np.float64(u.imag)
    if size > _SMALL and (_SMALL < wanted < _LARGE or value == 0.0):
        factor = wanted / size
        return number(re * factor, im * factor)
    largest = max(abs(re), abs(im))
    if value == 0.0 or largest == 0.0:
        return number(value, 0.0 * value)
    re, im = re / largest, im / largest
    size = sqrt(re * re + im * im)
    return number(re / size * value, im / size * value)


@jit(fastmath={"reassoc", "contract"}, borrow=True, inline=True)
def _lower(kind, x, up, down, top, delta, grow, out):
    total = 0.0
    for i in range(x.size):
        level = level_of(kind, x[i], up, down)
        value = max(delta - (top - level), 0.0)
        total += value
        out[i] = _placed(kind, x[i], up, value * grow)
    return total


@jit(borrow=True)
def write_lowered(levels, top, delta, grow, out):
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
