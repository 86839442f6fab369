"""Views of the same memory under another type: the bits of NumPy's views, and memory that lives as long as they do."""

import numpy as np
import pytest
from numba import njit
from numba.core.errors import TypingError
from numba.core.runtime import rtsys

from numopt._jit import (
    bits_of_float,
    float_of_bits,
    jit,
    real_view,
    same_memory,
    stack_array,
    view_like,
)


@njit
def as_real(vector):
    return real_view(vector)


@njit
def as_prototype(vector, prototype):
    return view_like(vector, prototype)


@njit
def as_float(bits):
    return float_of_bits(bits)


@njit
def view_of_a_fresh_array(n):
    return real_view(np.full(n, 1.0 + 2.0j))


@njit
def write_through(z):
    real_view(z)[1::2] = 0.0


REAL, COMPLEX = np.array([1.0, -0.0, np.inf]), np.array([1.0 + 2.0j, -3.0 - 0.0j])


@pytest.mark.parametrize("vector", [REAL, COMPLEX, REAL[:0], COMPLEX[:0], REAL[1:], COMPLEX[1:]])
def test_views_hold_the_bits_of_numpys(vector):
    real = as_real(vector)
    assert real.dtype == np.float64
    assert real.tobytes() == vector.tobytes()
    assert real.shape == vector.view(np.float64).shape
    again = as_prototype(real, vector[:0].copy())
    assert again.dtype == vector.dtype
    assert again.tobytes() == vector.tobytes()


def test_float_of_bits_inverts_the_view():
    for value in (1.0, -0.0, np.inf, 5e-324):
        assert np.float64(as_float(np.float64(value).view(np.int64))).tobytes() == np.float64(value).tobytes()
    assert np.isnan(as_float(np.float64(np.nan).view(np.int64)))


def test_writing_to_a_view_changes_the_vector():
    z = COMPLEX.copy()
    write_through(z)
    assert np.array_equal(z, COMPLEX.real)


def test_view_keeps_its_memory_alive():
    views = [view_of_a_fresh_array(1000) for _ in range(20)]
    assert all(np.array_equal(view, np.tile([1.0, 2.0], 1000)) for view in views)
    z = np.full(1000, 1.0 + 2.0j)
    view = as_real(z)
    del z
    np.full(1000, 7.0 + 7.0j)  # would reuse the memory
    assert np.array_equal(view, np.tile([1.0, 2.0], 1000))


@pytest.mark.jit_only
def test_views_do_not_leak():
    view_of_a_fresh_array(3)
    before = rtsys.get_allocation_stats()
    for _ in range(100):
        view_of_a_fresh_array(3)
    after = rtsys.get_allocation_stats()
    assert after.alloc - before.alloc >= 100
    assert after.alloc - before.alloc == after.free - before.free


@pytest.mark.jit_only
@pytest.mark.parametrize("vector", [np.ones(6)[::2], np.ones((2, 2)), np.ones(2, np.int32)])
def test_what_is_no_contiguous_vector_of_floats_does_not_compile(vector):
    with pytest.raises(TypingError):
        as_real(vector)


SINGLE, COMPLEX_SINGLE = np.array([1.0, -0.0, np.inf], np.float32), np.array([1 + 2j, -3 - 0j], np.complex64)


@pytest.mark.parametrize("vector", [SINGLE, COMPLEX_SINGLE, SINGLE[:0], COMPLEX_SINGLE[:0], COMPLEX_SINGLE[1:]])
def test_real_views_of_single_precision(vector):
    real = as_real(vector)
    assert real.dtype == np.float32
    assert real.shape == vector.view(np.float32).shape
    assert real.tobytes() == vector.tobytes()
    again = as_prototype(real, vector[:0].copy())
    assert again.dtype == vector.dtype
    assert again.tobytes() == vector.tobytes()


def test_writing_to_a_view_of_single_precision_changes_the_vector():
    z = COMPLEX_SINGLE.copy()
    write_through(z)
    np.testing.assert_array_equal(z, COMPLEX_SINGLE.real)


@njit
def as_integer(number):
    return bits_of_float(number)


@njit
def there_and_back(number):
    return float_of_bits(bits_of_float(number))


@pytest.mark.parametrize("value", [0.0, -0.0, 1.0, -1.5, np.inf, -np.inf, 5e-324, 1.7976931348623157e308])
def test_bits_of_a_float(value):
    bits = as_integer(np.float64(value))
    assert bits == int(np.float64(value).view(np.int64))
    assert np.float64(there_and_back(np.float64(value))).tobytes() == np.float64(value).tobytes()


def test_bits_of_nan():
    assert as_integer(np.nan) & 0x7FF0000000000000 == 0x7FF0000000000000
    assert np.isnan(there_and_back(np.nan))


def test_bits_of_floats_that_are_not_negative_are_in_their_order():
    values = np.sort(np.random.default_rng(0).lognormal(0.0, 50.0, 200))
    bits = [as_integer(value) for value in values]
    assert bits == sorted(bits)


@njit
def begin_together(a, b):
    return same_memory(a, b)


@pytest.mark.parametrize("dtype", [float, np.complex64])
def test_same_memory(dtype):
    x = np.ones(5, dtype)
    assert begin_together(x, x)
    assert begin_together(x, x[:2])
    assert not begin_together(x, x[1:])
    assert not begin_together(x, x.copy())


def test_same_memory_of_vectors_of_other_dtypes():
    z = np.ones(3, complex)
    assert begin_together(z, z.view(float))
    assert not begin_together(z, np.ones(3))


def reverse_by_the_stack(vector):
    room = stack_array(8)
    for i in range(vector.size):
        room[i] = vector[vector.size - 1 - i]
    for i in range(vector.size):
        vector[i] = room[i]
    return room.size


compiled_reverse = jit(borrow=True)(reverse_by_the_stack)


@njit
def sum_of_reversed(vector, times):
    total = 0
    for _ in range(times):
        total += compiled_reverse(vector)
    return total


def test_an_array_on_the_stack():
    vector = np.arange(5.0)
    assert sum_of_reversed(vector, 3) == 24
    np.testing.assert_array_equal(vector, [4, 3, 2, 1, 0])


@pytest.mark.jit_only
def test_an_array_on_the_stack_allocates_nothing_and_takes_the_stack_once():
    """In a loop, too: 640 MB would be too much for it."""
    vector = np.arange(5.0)
    sum_of_reversed(vector, 1)
    before = rtsys.get_allocation_stats()
    assert sum_of_reversed(vector, 10_000_000) == 80_000_000
    assert rtsys.get_allocation_stats().alloc - before.alloc <= 1  # the argument
