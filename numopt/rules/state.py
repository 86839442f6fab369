"""New state vectors, and the named tuples in which several rules keep them."""

from typing import NamedTuple

import numpy as np

from .._jit import jit
from .._scalars import abs2, of_numbers, power, times


class Moments(NamedTuple):
    """Moving averages of the update and of its squared modulus."""

    m: np.ndarray  # (n,) the dtype of x
    v: np.ndarray  # (n,) real


class Squares(NamedTuple):
    """A moving average, or a sum, of squared moduli."""

    v: np.ndarray  # (n,) real


class Momentum(NamedTuple):
    """A decaying sum, or a moving average, of updates."""

    m: np.ndarray  # (n,) the dtype of x


@jit
def zeros(x):
    """A vector of zeros like x."""
    return np.zeros(x.size, x.dtype)


@jit
def real_zeros(x):
    """A vector of zeros of the real dtype of x."""
    return np.zeros(x.size, x.real.dtype)


@jit
def real_full(x, value):
    """A vector of equal numbers, of the real dtype of x."""
    return np.full(x.size, value, x.real.dtype)


@of_numbers
def fresh_moments(b1, b2, t, u):
    """Moments as if every update until step t had been u."""
    return times(u, 1.0 - power(b1, t)), (1.0 - power(b2, t)) * abs2(u)
