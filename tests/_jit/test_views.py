"""Views of the same memory under another type: the bits of NumPy's views, and memory that lives as long as they do."""

import numpy as np
import pytest
from numba import njit
from numba.core.errors import TypingError
from numba.core.runtime import rtsys

from numopt._jit import bits_view, float_of_bits, real_view, view_like


@njit
def as_real(vector):
    return real_view(vector)


@njit
def as_bits(vector):
    return bits_view(vector)


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
    bits = as_bits(real)
    assert bits.dtype == np.int64
    assert np.array_equal(bits, vector.view(np.int64))


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
@pytest.mark.parametrize("vector", [np.ones(6)[::2], np.ones((2, 2)), np.ones(2, np.float32)])
def test_vectors_that_are_not_contiguous_double_precision_do_not_compile(vector):
    with pytest.raises(TypingError):
        as_real(vector)
