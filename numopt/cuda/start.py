"""The state of a chain at its start, on the GPU, from the functions that make it on the CPU.

``vectors`` and ``numbers`` of a rule are asked what they make of short vectors. What they make of every x alike is
written by the device; what is x itself is copied there. x never goes through the host.
"""

from typing import NamedTuple

import numpy as np

from .._jit import Positions
from ..generic import numbers, vectors
from ..rules.norms import norm_of, squares
from .device import THREADS, copy, cuda, fill, launch, new_vector, to_host
from .passes import adding_kernel
from .sums import blocks_that_add

_PROBES = 0.375, -2.5  # as good as any two numbers


class Filled(NamedTuple):
    """A state vector that begins with equal entries, of this value and dtype."""

    value: object
    dtype: np.dtype


class Copied(NamedTuple):
    """A state vector that begins as x, of this dtype."""

    dtype: np.dtype


def recipe(rules, dtype):
    """The state vectors of rules with a Filled or Copied in the place of each."""
    probes = [np.array([value], dtype) for value in _PROBES]
    return _compared(rules, [vectors(rules, probe) for probe in probes], probes)


def _compared(rules, made, probes):
    first, second = made
    if isinstance(first, Positions):
        return first
    if isinstance(first, tuple):
        parts = [_compared(rules, pair, probes) for pair in zip(first, second, strict=True)]
        return type(first)._make(parts) if hasattr(first, "_make") else tuple(parts)
    if first[0] == second[0]:
        return Filled(first[0], first.dtype)
    if first.dtype == probes[0].dtype and first[0] == probes[0][0] and second[0] == probes[1][0]:
        return Copied(first.dtype)
    raise TypeError(f"{rules!r}: what it keeps depends on x in a way that cannot be made on a GPU")


def allocate(made, n):
    """New device vectors for a recipe."""
    if isinstance(made, (Filled, Copied)):
        return new_vector(n, made.dtype)
    if isinstance(made, Positions) or not isinstance(made, tuple):
        return made
    parts = [allocate(part, n) for part in made]
    return type(made)._make(parts) if hasattr(made, "_make") else tuple(parts)


def write_start(made, states, x, stream):
    """Write into state vectors what a recipe says of x."""
    if isinstance(made, Filled):
        fill(states, made.value, stream)
    elif isinstance(made, Copied):
        copy(x, states, stream)
    elif isinstance(made, tuple) and not isinstance(made, Positions):
        for part, state in zip(made, states, strict=True):
            write_start(part, state, x, stream)


def start_in(made, states):
    """The vector among the states that holds the x of ``init``; None if none does."""
    for part, state in zip(made, states, strict=True):
        if "start" in getattr(part, "_fields", ()):
            return state.start
    return None


def first_numbers(rules, x, stream):
    """The scalar state of rules at their start, on the host; where it depends on the norm of x, that is waited for."""
    return tuple(_numbers_of(rule, x, stream) for rule in rules)


def _numbers_of(rule, x, stream):
    first, second = (numbers(rule, np.array([value], x.dtype)) for value in _PROBES)
    if np.array_equal(first, second):
        return first
    by_parts, by_norm = (numbers(rule, np.array(vector)) for vector in ([3.0, 4.0], [5.0]))
    if not np.allclose(by_parts, by_norm, rtol=1e-14, atol=0.0):
        raise TypeError(f"{rule!r}: its first numbers depend on more of x than its norm, and so are not made on a GPU")
    return numbers(rule, np.array([norm(x, stream)]))


_squares = adding_kernel(squares, 3)


def norm(x, stream):
    """The Euclidean norm of a device vector, without overflow or underflow; the host waits for it."""
    blocks = blocks_that_add(x.size)
    if blocks == 0:
        return 0.0
    sums = cuda.device_array((3, blocks), np.float64)
    launch(_squares, blocks, THREADS, stream, x, sums)
    return float(norm_of(to_host(sums, stream).sum(axis=1), 0))
