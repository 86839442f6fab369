"""What the levels of a vector on a GPU are, its entries or their moduli, and how an entry is given another level.

As on the CPU (:mod:`numopt.projections.levels`), in double precision. A modulus is made safe from over- and underflow
entry by entry, which spares the pass that looks for the largest one. Its sum of squares is a product and a fused
product, spelled out: every kernel then gets the same bits, and the largest level minus itself is 0.
"""

import math
from typing import NamedTuple

import numpy as np

from .device import cuda

_SMALL, _LARGE = 1e-280, 1e280  # between them squares, and factors, are right to rounding


class Levels(NamedTuple):
    """Device functions of one kind of levels."""

    level: object  # (u, down): the level of an entry times a power of two
    placed: object  # (u, level, value, grow): the entry with another one, times ``grow``


@cuda.jit(device=True)
def _value(u, down):
    return np.float64(u) * down


@cuda.jit(device=True)
def _placed_value(u, level, value, grow):
    return value * grow


@cuda.jit(device=True)
def _size(u, down):
    return abs(np.float64(u)) * down


@cuda.jit(device=True)
def _placed_size(u, level, value, grow):
    return value * grow if np.float64(u) >= 0.0 else 0.0 - value * grow


@cuda.jit(device=True)
def _length(re, im):
    """The modulus of two parts; NaN for NaN."""
    squares = cuda.fma(re, re, im * im)
    if _SMALL < squares < _LARGE:
        return math.sqrt(squares)
    a, b = abs(re), abs(im)
    large, small = (a, b) if a > b else (b, a)
    if not 0.0 < large < math.inf:
        return large + small
    ratio = small / large
    return large * math.sqrt(cuda.fma(ratio, ratio, 1.0))


@cuda.jit(device=True)
def _modulus(u, down):
    return _length(np.float64(u.real) * down, np.float64(u.imag) * down)


@cuda.jit(device=True)
def _placed_modulus(u, level, value, grow):
    re, im = np.float64(u.real), np.float64(u.imag)
    if value == 0.0:
        return complex(0.0, 0.0)
    if level > _SMALL:
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


VALUES = Levels(_value, _placed_value)
SIZES = Levels(_size, _placed_size)
MODULI = Levels(_modulus, _placed_modulus)
