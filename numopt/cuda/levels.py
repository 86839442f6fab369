"""What the levels of a vector on a GPU are, its entries or their moduli, and how an entry is given another level.

As on the CPU (:mod:`numopt.projections.levels`), levels are added up in double precision. A real entry is written in
its own precision: top - b is exact where it counts, near the top, so that the result is right to an ulp of the largest
entry. A modulus is not a number of the precision of its parts: rounded to it, it would spoil a threshold far below it,
so complex entries are written in double precision, too.

A modulus is made safe from over- and underflow entry by entry, which spares the pass that looks for the largest one.
Its sum of squares is a product and a fused product, spelled out: every kernel then gets the same bits, and the largest
level minus itself is 0.
"""

import math
from typing import NamedTuple

import numpy as np

from .._scalars import constant
from ..projections.levels import HUGE, SHRINK
from .device import cuda

_HUGE_SINGLE, _SHRINK_SINGLE = 2.0**100, 2.0**-4  # sums and differences of entries of float32 overflow earlier
_SMALL, _LARGE = 1e-280, 1e280  # between them squares, and factors, are right to rounding
_NORMAL = 2.0**-1000  # levels from here on have all their digits
_UP, _DOWN = 2.0**600, 2.0**-600  # what the parts of small and large moduli are multiplied by


def shrink_for(radius, dtype):
    """The power of two times which levels that are lowered to this sum do not overflow."""
    if radius > HUGE:
        return SHRINK
    if dtype == np.complex128:
        return 0.5  # a modulus of two large parts may be no number
    return _SHRINK_SINGLE if dtype == np.float32 and radius > _HUGE_SINGLE else 1.0


class Levels(NamedTuple):
    """Device functions of one kind of levels."""

    level: object  # (u, down): the level of an entry times a power of two, in double precision
    placed: object  # (u, level, value, grow): the entry with another one, times ``grow``
    own_level: object  # (u, down): its level in the precision in which it is written
    precise: object  # (u, number): a number in that precision


@cuda.jit(device=True)
def _in_own_precision(u, number):
    return constant(u, number)


@cuda.jit(device=True)
def _in_double_precision(u, number):
    return number


@cuda.jit(device=True)
def _value(u, down):
    return np.float64(u) * down


@cuda.jit(device=True)
def _own_value(u, down):
    return u * down


@cuda.jit(device=True)
def _placed_value(u, level, value, grow):
    return value * grow


@cuda.jit(device=True)
def _size(u, down):
    return abs(np.float64(u)) * down


@cuda.jit(device=True)
def _own_size(u, down):
    return abs(u) * down


@cuda.jit(device=True)
def _placed_size(u, level, value, grow):
    zero = constant(u, 0)
    return value * grow if u >= zero else zero - value * grow


@cuda.jit(device=True)
def _length(re, im):
    """The modulus of two parts; NaN for NaN."""
    squares = cuda.fma(re, re, im * im)
    if _SMALL < squares < _LARGE:
        return math.sqrt(squares)
    total = abs(re) + abs(im)
    if not total < math.inf:
        return total
    scale = _UP if squares < 1.0 else _DOWN  # a power of two: nothing is rounded
    re, im = re * scale, im * scale
    return math.sqrt(cuda.fma(re, re, im * im)) / scale


@cuda.jit(device=True)
def _modulus(u, down):
    return _length(np.float64(u.real) * down, np.float64(u.imag) * down)


@cuda.jit(device=True)
def _placed_modulus(u, level, value, grow):
    re, im = np.float64(u.real), np.float64(u.imag)
    if value == 0.0:
        return complex(0.0, 0.0)
    if level > _NORMAL:
        factor = value / level
        if _SMALL < factor < _LARGE:
            return complex(re * factor, im * factor)
    a, b = abs(re), abs(im)
    large = a if a > b else b
    if large == 0.0:
        return complex(value * grow, 0.0)
    re, im = re / large, im / large
    length = value * grow / math.sqrt(re * re + im * im)
    return complex(re * length, im * length)


VALUES = Levels(_value, _placed_value, _own_value, _in_own_precision)
SIZES = Levels(_size, _placed_size, _own_size, _in_own_precision)
MODULI = Levels(_modulus, _placed_modulus, _modulus, _in_double_precision)
