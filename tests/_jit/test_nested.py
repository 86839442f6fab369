"""Nested tuples of arrays and numbers, in Python and in compiled code."""

from typing import Any, NamedTuple

import numpy as np
import pytest
from numba import njit
from numba.core.runtime import rtsys

from numopt._jit import PLAIN, add, block, cast, copy_into, read, record, write


class Pair(NamedTuple):
    a: np.ndarray
    b: np.ndarray


def vectors():
    return (Pair(np.arange(4.0), np.arange(4.0) * 1j), (), (np.ones(4, np.float32),))


@njit
def moved(arrays, i, j):
    values = read(arrays, i)
    write(arrays, j, values)
    return values


@njit
def middle(arrays):
    return block(arrays, 1, 3)


@njit
def copied(target, source):
    copy_into(target, source)


@njit
def summed(a, b):
    return add(a, b)


@njit
def in_precision_of(numbers, vector):
    return cast(numbers, vector)


def test_read_and_write():
    arrays = vectors()
    assert moved(arrays, 2, 0) == ((2.0, 2j), (), (1.0,))
    np.testing.assert_array_equal(arrays[0].a, [2, 1, 2, 3])
    np.testing.assert_array_equal(arrays[0].b, [2j, 1j, 2j, 3j])


def test_block_shares_memory():
    arrays = vectors()
    (a, b), nothing, (c,) = middle(arrays)
    assert nothing == ()
    np.testing.assert_array_equal(a, [1, 2])
    np.testing.assert_array_equal(b, [1j, 2j])
    assert c.dtype == np.float32
    a[0] = 9
    assert arrays[0].a[1] == 9


@pytest.mark.jit_only
def test_block_does_not_leak():
    middle(vectors())
    before = rtsys.get_allocation_stats()
    for _ in range(50):
        middle(vectors())
    after = rtsys.get_allocation_stats()
    assert after.mi_alloc - before.mi_alloc == after.mi_free - before.mi_free


def test_copy_into():
    target, source = vectors(), vectors()
    source[0].a[:], source[2][0][:] = 7, 8
    copied(target, source)
    np.testing.assert_array_equal(target[0].a, source[0].a)
    np.testing.assert_array_equal(target[2][0], source[2][0])
    assert target[0].a is not source[0].a


def test_add():
    assert summed((), ()) == ()
    assert summed((1.0, 2.0), (3.0, 4.0)) == (4.0, 6.0)


@pytest.mark.parametrize(
    ("dtype", "real"),
    [(np.float32, np.float32), (np.complex64, np.float32), (np.float64, np.float64), (np.complex128, np.float64)],
)
def test_cast(dtype, real):
    third = in_precision_of(((1 / 3,), (), (2.0, 3.0)), np.ones(1, dtype))
    assert third == ((real(1 / 3),), (), (2.0, 3.0))
    if PLAIN:
        assert type(third[0][0]) is real


# --- numbers among the arrays -------------------------------------------------------------------------------------


@record
class Region:
    """As the fields of a set: an array or a number in each, also in a tuple."""

    lower: Any
    upper: Any
    center: tuple


def region(n=4):
    return Region(np.arange(float(n)), 2.5, (np.arange(n) * 1j, 1 - 2j, 3))


@njit
def entry(arrays, i):
    return read(arrays, i)


@njit
def part(arrays, start, stop):
    return block(arrays, start, stop)


def test_numbers_count_as_equal_entries():
    assert entry(region(), 2) == (2.0, 2.5, (2j, 1 - 2j, 3))
    assert entry((1.5, (2j, ())), 7) == (1.5, (2j, ()))
    assert entry(0.5, 3) == 0.5


def test_a_block_keeps_the_numbers():
    given = region()
    lower, upper, (center, one, three) = part(given, 1, 3)
    np.testing.assert_array_equal(lower, [1, 2])
    np.testing.assert_array_equal(center, [1j, 2j])
    assert (upper, one, three) == (2.5, 1 - 2j, 3)
    lower[0] = 9.0
    assert given.lower[1] == 9.0


def test_a_block_of_numbers_alone():
    assert part((1.5, (2j, ())), 3, 9) == (1.5, (2j, ()))


def test_an_empty_block():
    lower, upper, _ = part(region(), 2, 2)
    assert (lower.size, upper) == (0, 2.5)


@pytest.mark.jit_only
def test_a_block_with_numbers_does_not_leak():
    given = region()
    part(given, 1, 3)
    before = rtsys.get_allocation_stats()
    for _ in range(50):
        part(given, 1, 3)
    after = rtsys.get_allocation_stats()
    assert after.mi_alloc - before.mi_alloc == after.mi_free - before.mi_free


@pytest.mark.parametrize(
    ("dtype", "real", "complex_"),
    [
        (np.float32, np.float32, np.complex64),
        (np.complex64, np.float32, np.complex64),
        (np.float64, np.float64, np.complex128),
        (np.complex128, np.float64, np.complex128),
    ],
)
def test_cast_of_real_and_complex_numbers(dtype, real, complex_):
    third = complex(1 / 3, -1 / 3)
    numbers = in_precision_of((1 / 3, (third, 2), np.complex64(third)), np.ones(1, dtype))
    assert numbers == (real(1 / 3), (complex_(third), 2.0), complex_(np.complex64(third)))
    if PLAIN:
        assert type(numbers[0]) is real
        assert type(numbers[1][0]) is complex_


def test_cast_of_one_number():
    assert in_precision_of(1 / 3, np.ones(1, np.float32)) == np.float32(1 / 3)
    assert in_precision_of(1j / 3, np.ones(1, np.complex64)) == np.complex64(1j / 3)
    assert in_precision_of(7, np.ones(1)) == 7.0
