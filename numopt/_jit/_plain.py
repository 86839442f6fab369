"""The meaning of compiled code without the compiler (``NUMBA_DISABLE_JIT=1``): IEEE arithmetic on NumPy scalars.

Compiled, ``1.0 / 0.0`` is inf and ``sqrt(-1.0)`` is NaN; with Python's floats both raise. ``plain`` therefore turns
Python floats into ``numpy.float64`` and silences NumPy's warnings, and ``sqrt``, ``exp``, ``log`` are chosen here.
"""

import functools
import math

import numba
import numpy as np

PLAIN = bool(numba.config.DISABLE_JIT)

# math.*: what CUDA compiles too
sqrt, exp, log = (np.sqrt, np.exp, np.log) if PLAIN else (math.sqrt, math.exp, math.log)


def ieee(value):
    """Python floats, also inside tuples and records, as numpy.float64."""
    if type(value) is float:
        return np.float64(value)
    if isinstance(value, tuple):
        return tuple.__new__(type(value), map(ieee, value))
    return value


def plain(function):
    """Run ``function`` uncompiled, with the arithmetic that it has when compiled."""

    @functools.wraps(function)
    def run(*args, **kwargs):
        with np.errstate(all="ignore"):
            return function(*map(ieee, args), **{name: ieee(value) for name, value in kwargs.items()})

    return run
