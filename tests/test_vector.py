"""The vector kernels against exact arithmetic, and what makes them fast: packed instructions and no allocation."""

import math
import re

import llvmlite.binding
import numba
import numpy as np
import pytest
from machine_code import PACKED_SUM, assembly, uses, x86_only
from numba.core.runtime import rtsys
from reference import dot_error, exact_dot, exact_norm, rounded_once

from numopt import _vector
from numopt._jit import real_view
from numopt._vector import BLOCK, PARALLEL_FROM, axpy, dot, max_abs, move, norm, scale_into, threaded_dot

SIZES = [0, 1, 2, 3, 7, 100, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + 5]
INF, NAN, TINY = math.inf, math.nan, 5e-324
EPS = np.finfo(float).eps


def vectors(n, count=2, seed=0):
    return list(np.random.default_rng([seed, n]).standard_normal((count, n)))


@numba.njit
def complex_dot(a, b):
    return dot(real_view(a), real_view(b))


class TestDot:
    @pytest.mark.parametrize("n", SIZES)
    def test_error_bound(self, n):
        a, b = vectors(n)
        depth = min(n, BLOCK) + n // BLOCK
        assert abs(float(dot(a, b) - exact_dot(a, b))) <= dot_error(a, b, depth)

    @pytest.mark.parametrize("n", SIZES)
    def test_exact_where_all_sums_are(self, n):
        rng = np.random.default_rng([1, n])
        a, b = rng.integers(-1000, 1000, (2, n)).astype(float)
        assert dot(a, b) == math.fsum((a * b).tolist())

    @pytest.mark.parametrize("n", [1, 7, BLOCK // 2, BLOCK + 1])
    def test_real_part_of_the_complex_inner_product(self, n):
        real, imaginary, other_real, other_imaginary = np.random.default_rng(n).integers(-99, 99, (4, n))
        a, b = real + 1j * imaginary, other_real + 1j * other_imaginary
        assert complex_dot(a, b) == np.vdot(a, b).real
        assert dot(a.view(np.float64), b.view(np.float64)) == np.vdot(a, b).real

    def test_every_entry_counts_once(self):
        n = BLOCK + 3
        ones = np.ones(n)
        for i in (0, 1, BLOCK - 1, BLOCK, BLOCK + 1, n - 1):
            unit = np.zeros(n)
            unit[i] = 2.0
            assert dot(unit, ones) == 2.0

    @pytest.mark.parametrize(
        ("a", "b", "expected"),
        [
            ([INF, 1.0], [1.0, 1.0], INF),
            ([INF, 1.0], [-1.0, INF], NAN),
            ([INF], [0.0], NAN),
            ([NAN, 1.0], [1.0, 1.0], NAN),
            ([1e308, 1e308], [10.0, 1.0], INF),
            ([1e-200], [1e-200], 0.0),
        ],
    )
    def test_special_values(self, a, b, expected):
        np.testing.assert_equal(dot(np.array(a), np.array(b)), expected)


class TestNorm:
    @pytest.mark.parametrize("scale", [1e-320, 1e-308, 1e-300, 1e-160, 1e-140, 1.0, 1e140, 1e150, 1e160, 1e300, 1e306])
    @pytest.mark.parametrize("n", [1, 2, 3, 10, 1000])
    def test_any_scale(self, n, scale):
        for seed in range(5):
            (a,) = vectors(n, 1, seed)
            a *= scale
            expected = exact_norm(a)
            assert abs(norm(a) - expected) <= max((2.0 + n / 8.0) * EPS * expected, TINY)

    @pytest.mark.parametrize("n", [BLOCK - 1, BLOCK, BLOCK + 1])
    @pytest.mark.parametrize("scale", [1e-200, 1.0, 1e200])
    def test_blocks(self, n, scale):
        (a,) = vectors(n, 1)
        a *= scale
        assert math.isclose(norm(a), exact_norm(a), rel_tol=1e-13)

    @pytest.mark.parametrize(
        "entries",
        [
            [1e-320, 1e308],
            [1e-170, 1e-160, 1e-150],
            [1e-320, 1e-310, 1e-300],
            [TINY, 3e-308],
            [1e150, 1e154, 1e160],
            [1.0, 1e-200, 1e200],
            [1.2e154, 1.2e154],  # the sum of squares just overflows
            [1e-140, 1e-140],  # and where it is no longer precise
            [1e150, 1e-150],
            [1.7e308],
            [1.2e308, 1.2e308],
        ],
    )
    def test_mixed_scales(self, entries):
        a = np.array(entries)
        assert math.isclose(norm(a), exact_norm(a), rel_tol=4 * EPS)
        assert math.isclose(norm(-a), exact_norm(a), rel_tol=4 * EPS)

    @pytest.mark.parametrize("exponent", [*range(-1074, 1022, 131), -1074, -1023, -1022, -465, -464, 498, 499, 1021])
    def test_pythagoras_is_exact(self, exponent):
        unit = math.ldexp(1.0, exponent)
        if 5.0 * unit < INF:
            assert norm(np.array([3.0 * unit, -4.0 * unit])) == 5.0 * unit

    @pytest.mark.parametrize("entry", [TINY, 2 * TINY, 3e-310, 2.2250738585072014e-308, 1e-200, 1.0, 1e200, 1.7e308])
    def test_one_entry(self, entry):
        assert norm(np.array([entry])) == entry
        assert norm(np.array([-entry, 0.0])) == entry

    @pytest.mark.parametrize(
        ("entries", "expected"),
        [
            ([], 0.0),
            ([0.0], 0.0),
            ([-0.0, 0.0], 0.0),
            ([INF], INF),
            ([1.0, -INF], INF),
            ([INF, INF], INF),
            ([NAN], NAN),
            ([1.0, NAN, 1e300], NAN),
            ([1e308] * 4, INF),  # 2e308 is not representable
        ],
    )
    def test_special_values(self, entries, expected):
        found = norm(np.array(entries, dtype=float))
        np.testing.assert_equal(found, expected)
        assert math.copysign(1.0, found) == 1.0 or math.isnan(found)

    def test_complex(self):
        assert norm(np.array([3.0 + 4.0j, 12.0j]).view(np.float64)) == 13.0


class TestMaxAbs:
    @pytest.mark.parametrize("n", [n for n in SIZES if n > 0])
    def test_random(self, n):
        (a,) = vectors(n, 1)
        a *= 10.0 ** np.random.default_rng(n).uniform(-300, 300, n)
        assert max_abs(a) == np.max(np.abs(a))

    @pytest.mark.parametrize(
        "entries",
        [
            [0.0],
            [-0.0],
            [-0.0, 0.0],
            [TINY],
            [-TINY, 0.0],
            [1e-310, -2e-310],
            [1.0, -2.0],
            [-1.7976931348623157e308, 1.0],
            [INF, 1.0],
            [1.0, -INF],
            [NAN],
            [NAN, INF],
            [INF, -NAN],
            [1.0, NAN, 2.0],
            [-NAN, 0.0],
        ],
    )
    def test_special_values(self, entries):
        a = np.array(entries)
        found = max_abs(a)
        np.testing.assert_equal(found, np.max(np.abs(a)))
        assert math.copysign(1.0, found) == 1.0 or math.isnan(found)

    def test_empty(self):
        assert max_abs(np.empty(0)) == 0.0

    @pytest.mark.parametrize("place", [0, 1, BLOCK - 1, BLOCK])
    @pytest.mark.parametrize("value", [-7.0, INF, NAN])
    def test_any_place(self, place, value):
        a = np.ones(BLOCK + 1)
        a[place] = value
        np.testing.assert_equal(max_abs(a), abs(value))


class TestAxpy:
    @pytest.mark.parametrize("n", SIZES)
    def test_exact(self, n):
        x, y = vectors(n)
        expected = y + 0.5 * x  # a power of two: one rounding, with or without a fused multiplication
        x_before = x.copy()
        axpy(0.5, x, y)
        np.testing.assert_array_equal(y, expected)
        np.testing.assert_array_equal(x, x_before)

    def test_rounded_once_or_twice(self):
        x, y = vectors(200)
        before = y.copy()
        axpy(0.1, x, y)
        for xi, yi, found in zip(x.tolist(), before.tolist(), y.tolist(), strict=True):
            assert found in (yi + 0.1 * xi, rounded_once(yi, 0.1, xi))

    def test_special_values(self):
        y = np.array([1.0, INF, NAN, 0.0, 1.0])
        axpy(-1.0, np.array([INF, INF, 1.0, NAN, 1.0]), y)
        np.testing.assert_array_equal(y, [-INF, NAN, NAN, NAN, 0.0])


class TestScaleInto:
    @pytest.mark.parametrize("n", SIZES)
    def test_exact(self, n):
        (x,) = vectors(n, 1)
        out = np.full(n, NAN)
        scale_into(out, -0.3, x)
        np.testing.assert_array_equal(out, -0.3 * x)

    def test_one_copies_every_bit(self):
        x = np.array([1.5, -0.0, TINY, -1e-310, INF, -INF, NAN, 1.7e308])
        out = np.zeros(x.size)
        scale_into(out, 1.0, x)
        np.testing.assert_array_equal(out.view(np.int64), x.view(np.int64))

    def test_in_place(self):
        x = np.array([1.0, -2.0, 3.0])
        scale_into(x, -2.0, x)
        np.testing.assert_array_equal(x, [-2.0, 4.0, -6.0])


class TestMove:
    @pytest.mark.parametrize("n", SIZES)
    def test_exact(self, n):
        x, d = vectors(n)
        out = np.full(n, NAN)
        x_before, d_before = x.copy(), d.copy()
        changed = move(x, 0.25, d, out)
        np.testing.assert_array_equal(out, x_before + 0.25 * d_before)
        np.testing.assert_array_equal(x, x_before)
        np.testing.assert_array_equal(d, d_before)
        assert bool(changed) is (n > 0)

    def test_rounded_once_or_twice(self):
        x, d = vectors(200)
        out = np.empty(200)
        move(x, 0.1, d, out)
        for xi, di, found in zip(x.tolist(), d.tolist(), out.tolist(), strict=True):
            assert found in (xi + 0.1 * di, rounded_once(xi, 0.1, di))

    @pytest.mark.parametrize("n", [1, 2, 9, BLOCK + 1])
    @pytest.mark.parametrize("alpha", [0.0, 1e-17, -1e-17, 1e-300])
    def test_lost_in_rounding(self, n, alpha):
        x = np.ones(n)
        out = np.empty(n)
        assert not move(x, alpha, np.ones(n), out)
        np.testing.assert_array_equal(out, x)

    @pytest.mark.parametrize("n", [1, 2, 9, BLOCK + 1])
    def test_one_entry_by_one_unit(self, n):
        x, out = np.ones(n), np.empty(n)
        for place in {0, n // 2, n - 1}:
            d = np.zeros(n)
            d[place] = EPS
            assert move(x, 1.0, d, out)
            assert out[place] == 1.0 + EPS
            assert np.count_nonzero(out != x) == 1

    def test_signed_zero_is_no_move(self):
        out = np.empty(1)
        assert not move(np.array([-0.0]), 1.0, np.array([0.0]), out)

    @pytest.mark.parametrize("value", [INF, -INF, NAN])
    def test_non_finite_directions_are_moves(self, value):
        out = np.empty(2)
        assert move(np.ones(2), 1.0, np.array([0.0, value]), out)
        np.testing.assert_array_equal(out, [1.0, 1.0 + value])


class TestThreadedDot:
    @pytest.mark.parametrize("n", [0, 1, BLOCK + 1, PARALLEL_FROM - 1, PARALLEL_FROM, PARALLEL_FROM + 1])
    def test_same_bits_as_dot(self, n):
        a, b = vectors(n)
        assert threaded_dot(a, b) == dot(a, b)

    def test_only_long_vectors_go_to_the_threads(self, monkeypatch):
        monkeypatch.setattr(_vector, "run_parallel", lambda parallel, serial, a, b: (parallel, serial, a.size, b.size))
        for n in (PARALLEL_FROM, PARALLEL_FROM + 1):
            assert threaded_dot(np.ones(n), np.ones(n)) == (_vector._parallel_dot, dot, n, n)
        assert threaded_dot(np.ones(BLOCK), np.ones(BLOCK)) == BLOCK
        assert threaded_dot(np.ones(PARALLEL_FROM - 1), np.ones(PARALLEL_FROM - 1)) == PARALLEL_FROM - 1

    def test_the_parallel_kernel_alone(self):
        for n in (0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 11):
            a, b = vectors(n)
            assert _vector._parallel_dot(a, b) == dot(a, b)

    @pytest.mark.jit_only
    @pytest.mark.parametrize("n", [1_000_000, 999_983, 245 * BLOCK - 1, 245 * BLOCK + 1])
    def test_same_bits_for_any_number_of_threads(self, n):
        a, b = vectors(n)
        serial = dot(a, b)
        available = numba.get_num_threads()
        try:
            for threads in range(1, min(available, 4) + 1):
                numba.set_num_threads(threads)
                assert threaded_dot(a, b) == serial
        finally:
            numba.set_num_threads(available)
        assert abs(serial - math.fsum((a * b).tolist())) <= dot_error(a, b, BLOCK + n // BLOCK)


@pytest.mark.jit_only
@x86_only
class TestPackedInstructions:
    vector = numba.float64[::1]

    def test_dot(self):
        text = assembly(_vector._dot_block, (self.vector, self.vector))
        assert uses(text, r"(mul|fmadd\d+)pd")
        assert uses(text, PACKED_SUM)

    @pytest.mark.skipif(
        not llvmlite.binding.get_host_cpu_features().get("avx2"),
        reason="integers of 64 bits are compared in vectors from AVX2 on",
    )
    def test_max_abs(self):
        text = assembly(max_abs, (self.vector,))
        assert re.search(r"\bvp(and|andq|andd|andn)\b.*%[yz]mm|\bvandn?p[sd]\b.*%[yz]mm", text)
        assert re.search(r"\bvp(cmpgtq|maxsq|maxuq)\b.*%[yz]mm", text)

    def test_move(self):
        text = assembly(move, (self.vector, numba.float64, self.vector, self.vector))
        assert uses(text, PACKED_SUM)
        assert uses(text, r"cmp\w*pd")

    def test_axpy(self):
        text = assembly(axpy, (numba.float64, self.vector, self.vector))
        assert uses(text, PACKED_SUM)


@numba.njit
def use_all(a, b, out, rounds):
    total = 0.0
    for _ in range(rounds):
        total += dot(a, b) + max_abs(a) + norm(a) + norm(out)
        axpy(1e-3, a, b)
        scale_into(out, 1e200, a)
        total += move(a, 0.5, b, out)
    return total


@numba.njit
def allocate(rounds):
    total = 0.0
    for i in range(rounds):
        total += np.full(7, float(i)).sum()
    return total


@pytest.mark.jit_only
def test_none_allocates():
    a, b, out = vectors(BLOCK + 1, 3)

    def allocations(function, *args):
        before = rtsys.get_allocation_stats().alloc
        function(*args)
        return rtsys.get_allocation_stats().alloc - before

    for rounds in (1, 100):
        use_all(a, b, out, rounds)
        allocate(rounds)
    assert allocations(use_all, a, b, out, 1) == allocations(use_all, a, b, out, 100)
    assert allocations(allocate, 100) - allocations(allocate, 1) == 99  # the counter counts
