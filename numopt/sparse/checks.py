"""What Python callers give the search, checked once."""

import operator

import numpy as np

from .._input import at_least, bounds_vectors, finite_not_negative
from .bounds import Limits

_LARGEST_SEED = 2**53


def sizes(penalty, sigma, zeta):
    """The three as numbers that make sense."""
    given = (penalty, "penalty"), (sigma, "sigma"), (zeta, "zeta")
    penalty, sigma, zeta = (finite_not_negative(value, name) for value, name in given)
    if sigma == 0:
        raise ValueError("sigma must be above 0, got 0.0")
    if not 0 < zeta <= 1:
        raise ValueError(f"zeta must be above 0 and at most 1, got {zeta}")
    return penalty, sigma, zeta


def enough(maxfun, resamples):
    """``maxfun``, which must do for one candidate."""
    number = at_least(maxfun, 1, "maxfun")
    if number < resamples:
        raise ValueError(f"maxfun must be at least resamples = {resamples}, got {maxfun}")
    return number


def mask(penalize, size):
    """``penalize`` as a vector of bool."""
    if penalize is None:
        return np.ones(size, np.bool_)
    given = np.asarray(penalize)
    if given.dtype != np.bool_ or given.shape != (size,):
        raise ValueError(f"penalize must be {size} values of bool, got {given.dtype} {given.shape}")
    return np.ascontiguousarray(given)


def seed_number(seed):
    """``seed`` as an integer that a float64 could hold."""
    try:
        if isinstance(seed, (bool, np.bool_)):
            raise TypeError
        number = operator.index(seed)
    except TypeError:
        raise TypeError(f"seed must be an integer, got {seed!r}") from None
    if not 0 <= number <= _LARGEST_SEED:
        raise ValueError(f"seed must be from 0 to 2^53, got {seed}")
    return number


def limits(bounds, x0, penalized):
    """``bounds`` as two vectors, or None."""
    if bounds is None:
        return None
    if x0.dtype.kind == "c":
        raise TypeError(
            "bounds on complex variables have no order: let fun return inf outside of a set, which ranks last, or "
            "search over x.view(float)"
        )
    lower, upper = bounds_vectors(bounds, x0.size)
    empty = np.flatnonzero(~(lower <= upper) | (lower == np.inf) | (upper == -np.inf))
    if empty.size:
        k = empty[0]
        raise ValueError(f"bounds: no number between the bounds {lower[k]} and {upper[k]} (entry {k})")
    never = np.flatnonzero(penalized & ~((lower <= 0) & (upper >= 0)))
    if never.size:
        k = never[0]
        raise ValueError(
            f"bounds: entry {k} costs when it is not 0, but cannot be 0 between {lower[k]} and {upper[k]}: let the "
            f"bounds include 0, or set penalize[{k}] to False"
        )
    return Limits(lower, upper)


def choice(value, words, name):
    """The record that a word stands for; a record stands for itself."""
    if isinstance(value, str) and value in words:
        return words[value]
    if value in words.values():
        return value
    allowed = " or ".join(f"{word!r} ({record!r})" for word, record in words.items())
    raise ValueError(f"{name} must be {allowed}, got {value!r}")
