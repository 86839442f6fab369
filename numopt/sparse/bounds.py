"""Bounds on every entry of a real vector.

A row is clipped where it is written, so that f is never asked for a point outside. What the search then learns is what
was evaluated: the mean of a training moves by the clipped mutations, not by those that were drawn. Otherwise a mean at
a bound would follow mutations that all end in the same point, and sigma grow with every one of them.
"""

from typing import NamedTuple

import numpy as np

from .._jit import by_type, jit


class Limits(NamedTuple):
    """Lower and upper bounds as Python gives them to compiled code; a ``Box`` has the same fields."""

    lower: np.ndarray
    upper: np.ndarray


@by_type(borrow=True)
def _entry(bound, i, n):
    """The bound of entry i of n, NaN if there are not as many."""


@_entry.register(float)
def _(bound, i, n):
    return bound


@_entry.register(np.ndarray)
def _(bound, i, n):
    return bound[i] if bound.size == n else np.nan


@jit
def limits_of(bounds, n):
    """The lower bounds, then the upper ones, in one vector; an empty one for None."""
    out = np.empty(0 if bounds is None else 2 * n)
    if bounds is not None:
        for i in range(n):
            out[i], out[n + i] = _entry(bounds.lower, i, n), _entry(bounds.upper, i, n)
    return out


@jit(borrow=True)
def nearest(limits, i, value):
    """The number nearest to ``value`` that entry i may take."""
    if limits.size == 0:
        return value
    lower, upper = limits[i], limits[limits.size // 2 + i]
    return lower if value < lower else (upper if value > upper else value)


@jit(borrow=True)
def step_made(limits, i, start, reach, z):
    """The z for which ``start + reach z`` is where the bounds let entry i go."""
    if limits.size == 0:
        return z
    value = start + reach * z
    kept = nearest(limits, i, value)
    return z if kept == value else (kept - start) / reach


@jit(borrow=True)
def is_free(limits, i):
    """Whether 0 is within the bounds of entry i."""
    return nearest(limits, i, 0.0) == 0.0


@jit(borrow=True)
def leads_outside(limits, i, slope):
    """Whether from 0 the entry i could only go downhill beyond a bound."""
    if limits.size == 0:
        return False
    return limits[i] == 0.0 if slope > 0.0 else limits[limits.size // 2 + i] == 0.0


@jit
def start_within(x0, bounds):
    """A fresh, contiguous vector of float64 or complex128 of anything, within the bounds; NaN where these are."""
    start = x0 + np.zeros(1)
    if bounds is not None:  # for complex numbers this does not compile: they have no order
        limits = limits_of(bounds, start.size)
        for c in range(start.size):
            unknown = np.isnan(limits[c]) or np.isnan(limits[start.size + c])
            start[c] = np.nan if unknown else nearest(limits, c, start[c])
    return start
