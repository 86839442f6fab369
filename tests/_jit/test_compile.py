"""The flags of ``jit``: what each of them promises."""

import itertools
import sys
import threading
import time

import numba
import numpy as np
import pytest
from numba.core.bytecode import FunctionIdentity
from numba.core.caching import NullCache
from numba.core.errors import NumbaError
from numba.core.runtime import rtsys

from numopt._jit import ELEMENTWISE, REDUCTION, jit


def in_memory(dispatcher):
    """The same dispatcher without a cache: the code of a cached function cannot be looked at."""
    for called in (dispatcher, getattr(dispatcher, "entry", dispatcher)):
        called._cache = NullCache()
    return dispatcher


@jit
def spin(times):
    total = 0.0
    for i in range(times):
        total += np.sin(total + i)
    return total


@jit(borrow=True)
def _add_part(a, b, start, stop):
    return _sum(a[start:stop]) + _sum(b[start:stop])


@jit(borrow=True)
def _sum(a):
    total = 0.0
    for i in range(a.size):
        total += a[i]
    return total


@jit(inline=True)
def inner(x, y):
    return 3.0 * x + y


@jit
def outer(x):
    return inner(x, inner(x, 1.0))


@jit(fastmath=REDUCTION)
def is_nan_or_infinite(x):
    return x != x, np.isnan(x), np.isinf(x), x - x == 0.0


@jit(fastmath=ELEMENTWISE)
def rounded_away(x):
    return (x + 1e16) - 1e16


def test_division_by_zero_does_not_raise_with_any_flag():
    def divide(a, b):
        return a / b

    for flags in ({}, {"fastmath": REDUCTION}, {"inline": True}, {"borrow": True}):
        assert jit(divide, **flags)(1.0, 0.0) == np.inf
        assert jit(**flags)(divide)(-1.0, 0.0) == -np.inf


@pytest.mark.jit_only
def test_compiled_code_releases_the_gil():
    spin(1)
    begun = time.perf_counter()
    spin(10**6)
    times = int(0.3 / (time.perf_counter() - begun) * 10**6)  # about 0.3 s, on any machine
    thread, ticks = threading.Thread(target=spin, args=(times,)), 0
    thread.start()
    while thread.is_alive():
        time.sleep(0.001)
        ticks += 1
    assert ticks > 10  # 0 or 1, if the thread held the lock to its end


@pytest.mark.jit_only
def test_borrowing_function_that_allocates_is_refused():
    @jit(borrow=True)
    def allocate(n):
        return np.zeros(n).sum()

    with pytest.raises((NumbaError, RuntimeError)):
        allocate(3)


def test_borrowing_function_computes_with_views():
    assert _add_part(np.arange(10.0), np.ones(10), 2, 5) == 12.0


@pytest.mark.jit_only
def test_borrowed_arrays_keep_their_reference_counts():
    a, b = np.ones(100), np.ones(100)
    _add_part(a, b, 1, 5)
    counts, before = (sys.getrefcount(a), sys.getrefcount(b)), rtsys.get_allocation_stats()
    for _ in range(10_000):
        _add_part(a, b, 1, 5)
    assert (sys.getrefcount(a), sys.getrefcount(b)) == counts
    assert rtsys.get_allocation_stats() == before


@pytest.mark.jit_only
def test_borrowing_function_counts_no_references():
    for borrow in (False, True):

        @jit(borrow=borrow)
        def first(pair, i):
            part = pair[i][1:]
            return part[0] + part.size

        code = _code(first, (np.ones(3), np.ones(4)), 1)
        assert ("NRT_incref" in code or "NRT_decref" in code) is not borrow


def _code(dispatcher, *arguments):
    in_memory(dispatcher)(*arguments)
    (code,) = dispatcher.entry.inspect_llvm().values()
    return code


@pytest.mark.jit_only
def test_function_whose_address_is_taken():
    number = numba.types.float64
    signature = number(numba.types.FunctionType(number(number)), number)

    @numba.njit([signature])
    def call(function, x):
        return function(x)

    assert call(outer, 2.0) == outer(2.0)


def test_inlined_function_gives_the_same_result():
    assert outer(2.0) == 13.0
    assert inner(2.0, y=1.0) == 7.0


def _caller(inline):
    def long(x):
        for _ in range(100):
            x = np.sin(x) + np.cos(x) ** 2 + np.exp(x) * np.sin(2 * x) + np.cos(3 * x) ** 3
            x = np.sin(4 * x) + np.cos(x) ** 2 + np.exp(x) * np.sin(4 + x) + np.cos(3 * x) ** 4
            x = np.sin(5 * x) + np.cos(x) ** 2 + np.exp(x) * np.sin(5 + x) + np.cos(3 * x) ** 5
            x = np.sin(6 * x) + np.cos(x) ** 2 + np.exp(x) * np.sin(6 + x) + np.cos(3 * x) ** 6
        return x

    callee = in_memory(jit(long, inline=inline))

    @jit
    def caller(x):
        return callee(x) + callee(x + 1) + callee(x + 2)

    return caller


@pytest.mark.jit_only
@pytest.mark.parametrize("inline", [False, True])
def test_inlined_function_is_not_called(inline):
    code = _code(_caller(inline), 1.0)
    calls = [line for line in code.splitlines() if " call " in line and "long" in line]
    assert bool(calls) is not inline


def adding(number):
    @jit
    def add(x):
        return x + number

    return add


@pytest.mark.jit_only
def test_functions_of_one_name_are_not_taken_for_each_other(monkeypatch):
    # one from a file may have the number that Numba gives the other now
    functions = one, ten = adding(1.0), adding(10.0)
    for function in functions:
        monkeypatch.setattr(FunctionIdentity, "_unique_ids", itertools.count(10**6))
        in_memory(function).compile((numba.float64,))
    monkeypatch.undo()

    @jit
    def both(x):
        return one(x), ten(x)

    assert in_memory(both)(0.5) == (1.5, 10.5)


def test_fastmath_keeps_the_tests_for_nan_and_infinity():
    assert is_nan_or_infinite(np.nan) == (True, True, False, False)
    assert is_nan_or_infinite(np.inf) == (False, False, True, False)
    assert is_nan_or_infinite(1.0) == (False, False, False, True)
    assert not {"nnan", "ninf", "fast"} & (REDUCTION | ELEMENTWISE)


def test_elementwise_fastmath_does_not_regroup():
    assert rounded_away(1.0) == 0.0


def test_function_without_a_file_runs_without_a_cache():
    namespace = {}
    exec("def add(x):\n    return x + 1.0", namespace)
    assert jit(namespace["add"])(1.0) == 2.0
