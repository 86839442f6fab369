"""Limits of the fields of sets, checked in Python when a set is made."""

import numpy as np

from .._jit import is_number


def not_negative(onto, name):
    """The field is a finite number from 0 on."""
    value = getattr(onto, name)
    if not (is_number(value) and 0 <= value < np.inf):
        raise ValueError(f"{type(onto).__name__}: {name} must be a finite number, at least 0, got {value!r}")


def count(onto, name):
    """The field is a whole number from 0 on."""
    not_negative(onto, name)
    value = getattr(onto, name)
    if value != np.floor(value):
        raise ValueError(f"{type(onto).__name__}: {name} must be a whole number, got {value!r}")


def finite(onto, name, kinds="real"):
    """The field is a finite number, or a vector of them, real or also complex."""
    vector(onto, name, kinds)
    value = getattr(onto, name)
    if not np.all(np.isfinite(value)):
        raise ValueError(f"{type(onto).__name__}: {name} must be finite, got {value!r}")


def vector(onto, name, kinds="real"):
    """The field is a number or a vector of numbers, real or also complex."""
    check_vector(type(onto).__name__, name, getattr(onto, name), kinds)


def check_vector(owner, name, value, kinds="real"):
    """The same for a value."""
    given = np.asarray(value)
    if isinstance(value, tuple) or given.dtype.kind not in ("fc" if kinds == "complex" else "f") or given.ndim > 1:
        raise ValueError(f"{owner}: {name} must be a {kinds} number or a vector of such, got {value!r}")


def bounds(owner, lower, upper, names=("lower", "upper")):
    """Lower and upper bounds, numbers or vectors, between which there is a number."""
    for name, value in zip(names, (lower, upper), strict=True):
        check_vector(owner, name, value)
        if np.any(np.isnan(value)):
            raise ValueError(f"{owner}: {name} must not be NaN, got {value!r}")
    if np.ndim(lower) and np.ndim(upper) and np.size(lower) != np.size(upper):
        raise ValueError(f"{owner}: {names[0]} has {np.size(lower)} entries, but {names[1]} has {np.size(upper)}")
    wrong = np.flatnonzero((np.asarray(lower) > upper) | (np.asarray(lower) == np.inf) | (np.asarray(upper) == -np.inf))
    if wrong.size:
        low, high = (np.broadcast_to(value, np.broadcast(lower, upper).shape).ravel() for value in (lower, upper))
        k = wrong[0]
        raise ValueError(
            f"{owner}: no number between the bounds {names[0]} = {low[k]} and {names[1]} = {high[k]} (entry {k})"
        )


def labels(onto):
    """The field ``labels`` is a vector of whole numbers from 0 on."""
    given = onto.labels
    whole = isinstance(given, np.ndarray) and given.ndim == 1 and given.dtype.kind == "f"
    if not (whole and np.all((given >= 0) & (given == np.floor(given)) & (given < given.size))):
        raise ValueError(
            f"{type(onto).__name__}: labels must be a vector of whole numbers from 0 to n - 1, got {given!r}; "
            "np.unique(labels, return_inverse=True) numbers them"
        )
