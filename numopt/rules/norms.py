"""Euclidean norms that neither overflow nor underflow, as sums of one pass: Blue's three accumulators.

Entries above 2^486 and below 2^-511 are squared after scaling by 2^-538 and 2^537; the three sums are put together at
the end. J. L. Blue, ACM Trans. Math. Softw. 4 (1978) 15-23, with the constants of E. Anderson, same journal 44 (2017).
"""

import numpy as np

from .._jit import jit, sqrt
from .._scalars import of_entry, of_numbers

_SMALL, _LARGE = 2.0**-511, 2.0**486
_UP, _DOWN = 2.0**537, 2.0**-538
_ROOT_OF_UP = 2.0**269  # of 1 / _DOWN
_LEAST, _MOST = 1e-30, 1e30  # factors that also single precision holds


@of_numbers
def _squares(value):
    """The square of a number, in the sum where it can be represented: small, middle, large."""
    size = abs(np.float64(value))
    small, large = size < _SMALL, size > _LARGE
    up, down, middle = size * _UP, size * _DOWN, 0.0 if small or large else size
    return up * up if small else 0.0, middle * middle, down * down if large else 0.0


@of_entry
def squares(u):
    """Three summands of a norm."""


@squares.real
def _(u):
    return _squares(u)


@squares.complex
def _(u):
    a, b = _squares(u.real), _squares(u.imag)
    return a[0] + b[0], a[1] + b[1], a[2] + b[2]


@jit(borrow=True)
def norm_of(sums, first):
    """The norm from the three sums that begin at ``first``."""
    small, middle, large = sums[first], sums[first + 1], sums[first + 2]
    if not middle < np.inf:
        return middle
    if large > 0.0:
        return sqrt(large + middle * _DOWN * _DOWN) / _DOWN
    if small > 0.0:
        return sqrt(small + middle * _UP * _UP) / _UP if middle < 1e-290 else sqrt(middle)
    return sqrt(middle)


@jit(borrow=True)
def root_of_norm(sums, first):
    """The square root of the norm, also of one that is larger than the largest number."""
    middle, large = sums[first + 1], sums[first + 2]
    if large > 0.0 and middle < np.inf:
        return sqrt(sqrt(large + middle * _DOWN * _DOWN)) * _ROOT_OF_UP
    return sqrt(norm_of(sums, first))


@jit(borrow=True)
def two_factors(a, b, root_of_a, root_of_b):
    """Two numbers whose product is a / b, for a and b from 0 on: the quotient and 1, or its root twice.

    An entry times one and then the other is right where the quotient underflows, or is lost in single precision.
    """
    quotient = a / b
    if _LEAST < quotient < _MOST:
        return quotient, 1.0
    root = root_of_a / root_of_b
    return root, root


@jit
def vector_norm(x):
    """The norm of a whole vector."""
    sums = np.zeros(3)
    for i in range(x.size):
        a, b, c = squares(x[i])
        sums[0] += a
        sums[1] += b
        sums[2] += c
    return norm_of(sums, 0)
