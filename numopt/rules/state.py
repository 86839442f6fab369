"""New state vectors, and the named tuples in which several rules keep them."""

from typing import NamedTuple

import numpy as np

from .._jit import jit


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
