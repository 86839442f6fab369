"""What makes a point the projection, without a reference: feasibility, optimality, symmetries."""

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from projections.set_cases import CASES, PAIRS, inner, label, largest, norm2, random_vector, some

import numopt as no

pytestmark = pytest.mark.variants

EPS = np.finfo(float).eps

examples = settings(derandomize=True, deadline=None, max_examples=20, database=None)


@st.composite
def points(draw, count=1, largest_size=8):
    """A generator for the set's parameters, and how to make so many vectors from it: with ties, zeros, large entries.

    Numbers, not vectors: the dtype is the test's.
    """
    n = draw(st.integers(1, largest_size))
    entry = st.one_of(
        st.floats(-100, 100), st.integers(-3, 3).map(float), st.sampled_from([0.0, -0.0, 1e-9, 1e6, -1e6])
    )
    values = st.lists(entry, min_size=2 * n, max_size=2 * n)
    vectors = [np.array(draw(values)).reshape(2, n) for _ in range(count)]
    return np.random.default_rng(draw(st.integers(0, 2**32 - 1))), vectors


def of_dtype(vectors, dtype):
    return [re + 1j * im if dtype is complex else re for re, im in vectors]


def prepared(case, dtype, drawn):
    """The set with its parameters, and the vectors."""
    rng, vectors = drawn
    xs = of_dtype(vectors, dtype)
    parameters = case.parameters(xs[0].size, rng, dtype)
    return case.set(*parameters), parameters, xs


every_pair = pytest.mark.parametrize(("case", "dtype"), PAIRS, ids=label)
convex = pytest.mark.parametrize(("case", "dtype"), some(lambda case: case.convex), ids=label)
balls = pytest.mark.parametrize(("case", "dtype"), some(lambda case: case.dual), ids=label)
cones = pytest.mark.parametrize(("case", "dtype"), some(lambda case: case.cone), ids=label)
turning = pytest.mark.parametrize(("case", "dtype"), some(lambda case: case.turns is not None), ids=label)


@every_pair
@examples
@given(drawn=points())
def test_the_projection_is_in_the_set(case, dtype, drawn):
    onto, parameters, (x,) = prepared(case, dtype, drawn)
    p = no.project(x, onto)
    assert case.excess(p, x, *parameters) <= 1e-14
    assert onto.contains(p, 1e-12 * max(1.0, largest(x)))


@every_pair
@examples
@given(drawn=points())
def test_a_point_of_the_set_stays(case, dtype, drawn):
    onto, _, (x,) = prepared(case, dtype, drawn)
    p = no.project(x, onto)
    np.testing.assert_allclose(no.project(p, onto), p, rtol=0, atol=1e-14 * largest(x, p, np.ones(1)))


@convex
@examples
@given(drawn=points(2))
def test_no_two_points_move_apart(case, dtype, drawn):
    onto, _, (x, y) = prepared(case, dtype, drawn)
    p, q = no.project(x, onto), no.project(y, onto)
    assert norm2(p - q) <= norm2(x - y) + 1e-14 * largest(x, y, p, q)


@convex
@examples
@given(drawn=points(2))
def test_the_way_to_the_projection_meets_the_set_at_no_acute_angle(case, dtype, drawn):
    """<x - p, y - p> <= 0 for y in the set; y is rounded as z is."""
    onto, _, (x, z) = prepared(case, dtype, drawn)
    p, y = no.project(x, onto), no.project(z, onto)
    assert inner(x - p, y - p) <= 1e-13 * x.size * largest(x, p) * largest(x, p, y, z)


@cones
@examples
@given(drawn=points())
def test_x_is_the_sum_of_its_projections_onto_a_cone_and_its_polar(case, dtype, drawn):
    """Moreau; both cones are their own duals, so the projection onto the polar is -P(-x)."""
    onto, _, (x,) = prepared(case, dtype, drawn)
    if case.name == "SecondOrderCone":
        x[0] = x[0].real  # as is that of every point of the cone
    p, q = no.project(x, onto), -no.project(-x, onto)
    np.testing.assert_allclose(p + q, x, rtol=0, atol=8 * EPS * largest(x))
    assert abs(inner(p, q)) <= 32 * EPS * x.size * largest(x) ** 2


@balls
@examples
@given(drawn=points())
def test_the_remainder_from_a_ball_is_aligned_with_the_dual_norm(case, dtype, drawn):
    """Moreau: x - p is the proximal point of r times the dual norm N, that is <x - p, p> = r N(x - p)."""
    onto, parameters, (x,) = prepared(case, dtype, drawn)
    p = no.project(x, onto)
    q = x - p
    r = parameters[-1]
    assert case.excess(p, x, *parameters) <= 1e-14
    assert abs(inner(q, p) - r * case.dual(q, *parameters)) <= 1e-14 * x.size * largest(x) * max(r, largest(x))


def test_the_remainder_from_the_largest_modulus_is_a_soft_threshold():
    x = 3 * random_vector(np.random.default_rng(1), 50, complex)
    shrunk = x * np.maximum(1 - 1 / abs(x), 0)
    np.testing.assert_allclose(x - no.project(x, no.LinfBall(1.0)), shrunk, rtol=0, atol=1e-14)


@pytest.mark.parametrize("factor", [4.0, 2.0**-30, 2.0**300, 2.0**-300])
@pytest.mark.parametrize(("case", "dtype"), some(lambda case: case.bitwise), ids=label)
def test_powers_of_two_scale_bit_for_bit(case, dtype, factor):
    """Where squares neither over- nor underflow."""
    for n in (1, 3, 20):
        rng = np.random.default_rng(n)
        parameters = case.parameters(n, rng, dtype)
        for x in (random_vector(rng, n, dtype), 0.01 * random_vector(rng, n, dtype)):
            p = no.project(x, case.set(*parameters))
            scaled = no.project(factor * x, case.set(*case.scaled(parameters, factor)))
            np.testing.assert_array_equal(scaled, factor * p)


FAR = [2.0**-980, 2.0**-700, 2.0**-511, 2.0**-495, 2.0**486, 2.0**500, 2.0**700, 2.0**900, 2.0**1000]
FAR_SINGLE = [2.0**-100, 2.0**-70, 2.0**70, 2.0**120]
SECTIONS = {"CappedSimplex", "BoxSection"}  # sums of products in a bracketed search, which has absolute thresholds
SINGLES = [np.float32, np.complex64] if numba.config.DISABLE_JIT else []  # each takes seconds to compile


@pytest.mark.parametrize("dtype", [float, complex, *SINGLES])
@pytest.mark.parametrize("case", [c for c in CASES if c.bitwise and c.name not in SECTIONS], ids=label)
def test_far_powers_of_two_scale_bit_for_bit(case, dtype):
    """Where squares and sums of moduli over- or underflow, too."""
    if np.dtype(dtype).kind not in case.kinds:
        pytest.skip("for the other kind of vectors")
    wide, kind = np.promote_types(dtype, float), np.finfo(dtype).dtype
    for n in (2, 5, 9):
        rng = np.random.default_rng(n)
        parameters = case.parameters(n, rng, wide)
        for x in (random_vector(rng, n, dtype), random_vector(rng, n, dtype, spread=1)):
            p = no.project(x, case.set(*parameters))
            for factor in map(kind.type, FAR_SINGLE if kind == np.float32 else FAR):
                scaled = no.project(factor * x, case.set(*case.scaled(parameters, float(factor))))
                assert scaled.dtype == p.dtype
                np.testing.assert_array_equal(scaled, factor * p)


def test_the_phase_does_not_see_powers_of_two():
    x = random_vector(np.random.default_rng(1), 20, complex)
    p = no.project(x, no.UnitModulus())
    for factor in (4.0, 2.0**1000, 2.0**-1000):
        np.testing.assert_array_equal(no.project(factor * x, no.UnitModulus()), p)


@pytest.mark.parametrize(("case", "dtype"), some(lambda case: case.permutes), ids=label)
def test_entries_may_be_permuted(case, dtype):
    for n in (2, 3, 20):
        rng = np.random.default_rng(n)
        parameters, order = case.parameters(n, rng, dtype), rng.permutation(n)
        x = random_vector(rng, n, dtype)
        p = no.project(x, case.set(*parameters))
        q = no.project(np.ascontiguousarray(x[order]), case.set(*case.permuted(parameters, order)))
        np.testing.assert_allclose(q, p[order], rtol=0, atol=16 * EPS * largest(x, p))


@turning
def test_phases_and_signs_pass_through(case, dtype):
    """Entry by entry, where the set is one of moduli, or turns along."""
    for n in (1, 3, 20):
        rng = np.random.default_rng(n)
        phases = np.exp(2j * np.pi * rng.random(n)) if dtype is complex else rng.choice([-1.0, 1.0], n)
        parameters = case.parameters(n, rng, dtype)
        x = random_vector(rng, n, dtype)
        p = no.project(x, case.set(*parameters))
        q = no.project(phases * x, case.set(*case.turned(parameters, phases)))
        np.testing.assert_allclose(q, phases * p, rtol=0, atol=16 * EPS * largest(x, p))


def test_phases_pass_through_the_second_order_cone_but_for_its_first_entry():
    rng = np.random.default_rng(1)
    phases = np.exp(2j * np.pi * rng.random(5))
    phases[0] = 1
    x = random_vector(rng, 5, complex)
    p = no.project(x, no.SecondOrderCone())
    np.testing.assert_allclose(no.project(phases * x, no.SecondOrderCone()), phases * p, rtol=0, atol=1e-14)


@every_pair
def test_no_point_of_the_set_is_closer(case, dtype):
    """Brute force: random points of the set, and some beside the projection, made by the reference."""
    for n in (1, 2, 3):
        rng = np.random.default_rng(n)
        parameters = case.parameters(n, rng, dtype)
        onto = case.set(*parameters)
        for x in (2 * random_vector(rng, n, dtype), np.rint(random_vector(rng, n, dtype))):
            p = no.project(x, onto)
            distance = norm2(x - p)
            for k in range(40):
                beside = p + 10 ** rng.uniform(-4, 0) * random_vector(rng, n, dtype)
                z = beside if k % 2 else 3 * random_vector(rng, n, dtype)
                y = case.exact(z, *parameters)
                assert case.excess(y, z, *parameters) <= 1e-14
                assert distance <= norm2(x - y) + 1e-14 * largest(x, p, np.ones(1))
