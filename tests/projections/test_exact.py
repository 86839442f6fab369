"""Projections against rational arithmetic, to a few units in the last place of the largest entry."""

import itertools
import math

import numpy as np
import pytest
from projections.set_cases import (
    CASES,
    INTERSECTIONS,
    PAIRS,
    SMALLEST,
    assert_near,
    label,
    largest,
    norm1,
    random_vector,
    singles,
    some,
)

import numopt as no

pytestmark = pytest.mark.variants

SIZES = (1, 2, 3, 7, 50)


def normal(rng, n, dtype):
    return random_vector(rng, n, dtype), 1.0


def ties(rng, n, dtype):
    return np.rint(1.5 * random_vector(rng, n, dtype)), 1.0


def all_equal(rng, n, dtype):
    return np.full(n, 1.5 - 0.5j if dtype is complex else 1.5), 1.0


def all_equal_and_negative(rng, n, dtype):
    return -all_equal(rng, n, dtype)[0], 1.0


def mostly_inside(rng, n, dtype):
    return 0.01 * random_vector(rng, n, dtype), 1.0


def far_outside(rng, n, dtype):
    return 1e6 * random_vector(rng, n, dtype), 1.0


def mixed_magnitudes(rng, n, dtype):
    x = random_vector(rng, n, dtype, spread=12)
    return x, largest(x)


def tiny(rng, n, dtype):
    return 1e-280 * random_vector(rng, n, dtype), 1e-280


def huge(rng, n, dtype):
    return 1e280 * random_vector(rng, n, dtype), 1e280


def zeros_of_both_signs(rng, n, dtype):
    x = random_vector(rng, n, dtype)
    x[::3], x[1::3] = 0.0, -0.0
    return x, 1.0


def subnormal(rng, n, dtype):
    return np.rint(1000 * random_vector(rng, n, dtype)) * SMALLEST, 1000 * SMALLEST


DATA = [
    normal,
    ties,
    all_equal,
    all_equal_and_negative,
    mostly_inside,
    far_outside,
    mixed_magnitudes,
    tiny,
    huge,
    zeros_of_both_signs,
    subnormal,
]


@pytest.mark.parametrize("data", DATA, ids=label)
@pytest.mark.parametrize(("case", "dtype"), PAIRS, ids=label)
def test_equals_rational_arithmetic(case, dtype, data):
    for n in SIZES:
        rng = np.random.default_rng([n, len(case.name)])
        parameters = case.parameters(n, rng, dtype)
        x, unit = data(rng, n, dtype)
        parameters = case.scaled(parameters, unit)
        before = x.copy()
        p = no.project(x, case.set(*parameters))
        np.testing.assert_array_equal(x, before)
        assert_near(p, case.exact(x, *parameters), x)


@pytest.mark.parametrize("ratio", [1e-12, 1e-20, 1e-100])
@pytest.mark.parametrize(("case", "dtype"), some(lambda case: case.mass), ids=label)
def test_the_sum_is_right_when_the_radius_is_far_below_the_largest_entry(case, dtype, ratio):
    for n in SIZES:
        rng = np.random.default_rng(n)
        *others, _ = case.parameters(n, rng, dtype)
        x = random_vector(rng, n, dtype)
        for v in (x, np.rint(x), np.ones(n, dtype)):  # with ties, the mass is shared
            r = ratio * max(case.mass(v, *others, 1.0), 1.0)
            p = no.project(v, case.set(*others, r))
            # of the free entries of a weighted ball nothing is asked
            if case.mass(v, *others, r) > r or not case.convex:
                assert abs(case.mass(p, *others, r) / r - 1) <= 1e-14


@pytest.mark.parametrize("ratio", [1e-12, 1e-20, 1e-100])
@pytest.mark.parametrize("name", ["L1Ball", "L1Sphere", "Simplex", "SparseSimplex"])
def test_entries_are_right_to_an_ulp_of_a_radius_far_below_them(name, ratio):
    """M - |x_i| is exact where it counts: the shares of entries that differ by less than the radius are right."""
    case = next(case for case in CASES if case.name == name)
    for n in SIZES[1:]:
        rng = np.random.default_rng(n)
        *others, _ = case.parameters(n, rng, float)
        size = 1.0 if ratio == 1e-12 else 0.0  # below the spacing of the numbers around 1 only ties remain
        x = 1.0 + size * np.rint(rng.uniform(-3, 3, n)) * 2.0**-42
        r = ratio * n
        assert_near(no.project(x, case.set(*others, r)), case.exact(x, *others, r), np.array([r]))


@pytest.mark.parametrize("case", CASES, ids=label)
def test_single_precision_is_the_rounded_result_of_double_precision(case):
    for onto, x, expected in singles(case):
        assert_near(no.project(x, onto), expected, x, eps=np.finfo(np.float32).eps)


@pytest.mark.parametrize("case", [case for case in CASES if case.kinds == "fc"], ids=label)
def test_complex_is_real_where_the_imaginary_part_is_zero(case):
    for n in SIZES:
        rng = np.random.default_rng(n)
        parameters = case.parameters(n, rng, float)
        x = np.rint(4 * random_vector(rng, n, float)) / 2  # with ties and zeros
        onto = case.set(*parameters)
        p, real = no.project(x + 0j, onto), no.project(x, onto)
        assert_near(p.real.copy(), real, x, ulps=4)
        assert not p.imag.any()


@pytest.mark.parametrize(
    "name", ["L1Ball", "L1Sphere", "Simplex", "L2Ball", "L2Sphere", "GroupL1Ball", "WeightedL1Ball"]
)
@pytest.mark.parametrize("radius", [1.0, 1e300, 1.7e308])
def test_sums_and_norms_that_overflow(name, radius):
    case = next(case for case in CASES if case.name == name)
    for x in (
        np.full(4, 1.7e308),
        np.array([1.7e308, -1.6e308, 1.5e308, 1.0]),
        np.array([1.0, 1e308, 1.7e308, 1.7e308]),
    ):
        others = {"GroupL1Ball": (np.array([0, 1, 1, 0]),), "WeightedL1Ball": (np.array([1.0, 1.0, 0.5, 1.5]),)}
        parameters = (*others.get(name, ()), radius)
        assert_near(no.project(x, case.set(*parameters)), case.exact(x, *parameters), x)


EXTREMES = {
    complex: (
        [5e-324j, 0],
        [3e-310 + 1e-310j, 0],
        [5e-324 + 5e-324j, 1e-323, 3e-320j],
        [1e-300 + 2e-300j, 1e-301],
        [1, 1e-160 + 1e-160j],
        [1, 3e-310 + 1e-310j, 0],
        [1e-100, 1e-260 + 2e-260j],
        [1e300, 1e-300 + 1e-300j],
        [1.7e308 + 1.7e308j],
        [1.7e308 + 1.7e308j, 1.7e308 - 1.7e308j, -1.7e308],
        [0, 0],
    ),
    np.complex64: (
        [1e-45j, 0],
        [2e-45 + 3e-45j, 1e-40],
        [1, 1e-30 + 2e-30j],
        [2.2e38 + 2.2e38j, 0],
        [3e38 + 3e38j, 1e38],
    ),
}
RADII = {
    complex: (0.0, 5e-324, 3e-310, 1e-300, 1e-20, 1.0, 1e20, 1e300, 1.7e308),
    np.complex64: (0.0, 1e-40, 1.0, 2e38),
}


@pytest.mark.parametrize("dtype", EXTREMES, ids=label)
@pytest.mark.parametrize(
    "name", ["L1Ball", "L1Sphere", "L2Ball", "L2Sphere", "LinfBall", "Disc", "GroupL1Ball", "WeightedL1Ball"]
)
def test_moduli_whose_squares_or_quotients_over_or_underflow(name, dtype):
    """To a few units in the last place of the result itself, however small it is beside x."""
    case = next(case for case in CASES if case.name == name)
    wide, limits = np.dtype(complex), np.finfo(dtype)
    for x, radius in itertools.product(EXTREMES[dtype], RADII[dtype]):
        x = np.array(x, dtype)
        others = {
            "Disc": (0.0,),
            "GroupL1Ball": (np.array([0, 1, 0])[: x.size],),
            "WeightedL1Ball": (np.array([1.0, 0.5, 2.0])[: x.size],),
        }
        expected = case.exact(x.astype(wide), *others.get(name, ()), radius)
        far = 0.0 < radius < 1e-290 * largest(x) and name in ("GroupL1Ball", "WeightedL1Ball")
        if not far and largest(expected) < limits.max:
            p = no.project(x, case.set(*others.get(name, ()), radius))
            assert_near(p, expected.astype(dtype), expected, ulps=8, eps=limits.eps, smallest=limits.smallest_subnormal)


@pytest.mark.parametrize(("dtype", "big"), [(complex, 1e308), (np.complex64, 2e38)], ids=label)
def test_the_largest_of_moduli_that_overflow(dtype, big):
    x = np.array([1.6 * big * (1 + 1j), 1.0, 1.7 * big * (1 - 1j), np.inf, 1e-40j], dtype)
    np.testing.assert_array_equal(no.project(x[:3], no.L0Ball(1)), [0, 0, x[2]])
    np.testing.assert_array_equal(no.project(x, no.L0Ball(2)), [0, 0, x[2], x[3], 0])
    np.testing.assert_array_equal(no.project(x, no.L0Ball(4)), [x[0], 1, x[2], x[3], 0])


@pytest.mark.parametrize("name", ["Hyperplane", "Halfspace"])
@pytest.mark.parametrize("size", [1e-200, 1e200])
def test_normals_whose_square_over_or_underflows(name, size):
    case = next(case for case in CASES if case.name == name)
    rng = np.random.default_rng(5)
    a, b = case.parameters(7, rng, complex)
    x = random_vector(rng, 7, complex)
    parameters = (a * size, b * size)
    assert_near(no.project(x, case.set(*parameters)), case.exact(x, *parameters), x)


@pytest.mark.parametrize(
    "x", [np.array([0.0, 1.5e308, -1.5e308]), np.array([-1e308, 1.6e308, 1e308]), np.array([1e300, 1e308, 1e308])]
)
def test_a_cone_whose_norm_overflows(x):
    case = next(case for case in CASES if case.name == "SecondOrderCone")
    assert_near(no.project(x, no.SecondOrderCone()), case.exact(x), x)


@pytest.mark.parametrize(("make", "dtype"), INTERSECTIONS, ids=label)
def test_intersections_with_a_known_projection(make, dtype):
    """1e-12, where Dykstra's algorithm stops, is no bound of the error."""
    for n in (2, 7):
        rng = np.random.default_rng(n)
        sets, expected = make(n, rng)
        x = random_vector(rng, n, dtype)
        np.testing.assert_allclose(no.project(x, no.Intersection(*sets)), expected(x), rtol=0, atol=1e-10)


def sorted_twin(x, s):
    """The simplex by a sort, in extended precision."""
    u = np.sort(x)[::-1].astype(np.longdouble)
    sums = np.cumsum(u) - s
    k = np.count_nonzero(u * np.arange(1, x.size + 1) > sums)
    return np.maximum(x - sums[k - 1] / k, 0).astype(float)


@pytest.mark.jit_only
@pytest.mark.parametrize("n", [70_000, 1_000_000])
@pytest.mark.parametrize("share", [1e-12, 1e-6, 0.01, 0.5])
def test_large_vectors_against_a_sort(n, share):
    x = np.random.default_rng(n).standard_normal(n)
    for y in (x, np.rint(100 * x) / 100):
        r = share * norm1(y)
        positive = sorted_twin(np.abs(y), r)
        for onto, expected in ((no.L1Ball(r), np.copysign(positive, y)), (no.Simplex(r), sorted_twin(y, r))):
            p = no.project(y, onto)
            np.testing.assert_allclose(p, expected, rtol=0, atol=1e-14 * max(share * n, 1.0))
            assert abs(math.fsum(np.abs(p)) / r - 1) <= 1e-13


def test_magnitudes_far_apart():
    """A bracket of 200 decades is narrowed, and weights 200 decades apart do not make an entry grow."""
    x = np.array([-1.0, 1e90, 0.0, 9e89])
    for y in (x, x * 1e10, np.array([-1.0, 1e308, 0.0, 1e307])):
        np.testing.assert_allclose(no.project(y, no.CappedSimplex(1.0, 0.3)), [0.1, 0.3, 0.3, 0.3], rtol=1e-14)
    p = no.project(np.array([1.0, 2.0, 0.0, 1.0]), no.BoxSection(-1.0, 1.0, [1.0, 1e160, 1.0, 1.0], 0.5))
    np.testing.assert_allclose(p, [1, 0, 0, 1], atol=1e-15)
    p = no.project(np.array([0.266, -0.064, -0.669]), no.WeightedL1Ball([1e-19, 1e16, 1e14], 1e13))
    np.testing.assert_allclose(p, [0.266, 0, -0.1], atol=1e-15)
    p = no.project(np.array([0.3, 1.8, -0.4]), no.WeightedL1Ball([1e37, 1e-93, 1e23], 1e-24))
    np.testing.assert_allclose(p, [0, 1.8, 0], atol=1e-15)
    assert np.isnan(no.project(np.array([-1e308, 1e308, 0.0, 1.0]), no.CappedSimplex(1.0, 0.3))).all()
