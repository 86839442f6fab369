"""Projections called from compiled code: the bits of Python, sets made inside, NaN where Python raises."""

import numpy as np
import pytest
from numba import njit
from projections.set_cases import PAIRS, label, random_vector

import numopt as no

pytestmark = [pytest.mark.jit_only, pytest.mark.variants]

SIX = np.arange(6) - 2.5
WEIGHTS = np.array([1.0, 0.5, 2.0, 0.0, 1.0, 1.5])
LABELS = np.array([0, 1, 2, 0, 1, 2])


@njit
def into(x, onto, out):
    return no.project(x, onto, out)


@njit
def fresh(x, onto):
    return no.project(x, onto)


@pytest.mark.parametrize(("case", "dtype"), PAIRS, ids=label)
def test_the_bits_are_those_of_python(case, dtype):
    for n in (1, 3, 20):
        rng = np.random.default_rng(n)
        onto, x = case.set(*case.parameters(n, rng, dtype)), random_vector(rng, n, dtype)
        expected, out = no.project(x, onto), np.full(n, 7, dtype)
        np.testing.assert_array_equal(into(x, onto, out), expected)
        np.testing.assert_array_equal(out, expected)
        np.testing.assert_array_equal(into(x, onto, x), expected)
        np.testing.assert_array_equal(x, expected)


@pytest.mark.parametrize(
    "onto", [no.L1Ball(1.0), no.Box(-(SIX**2), 1.0), no.Intersection(no.NonNegative(), no.L2Ball(1.0))], ids=repr
)
def test_a_new_array_without_out(onto):
    p = fresh(SIX, onto)
    assert not np.shares_memory(p, SIX)
    np.testing.assert_array_equal(p, no.project(SIX, onto))


def by_l1(x):
    return no.project(x, no.L1Ball(1.0))


def by_integers(x):
    return no.project(x, no.L1Ball(1))


def by_l1_sphere(x):
    return no.project(x, no.L1Sphere(1.0))


def by_l2(x):
    return no.project(x, no.L2Ball(1.0))


def by_l2_sphere(x):
    return no.project(x, no.L2Sphere(1.0))


def by_linf(x):
    return no.project(x, no.LinfBall(1.0))


def by_l0(x):
    return no.project(x, no.L0Ball(2))


def by_simplices(x):
    return no.project(no.project(no.project(x, no.Simplex(4.0)), no.CappedSimplex(1.0, 0.4)), no.SparseSimplex(2, 1.0))


def by_boxes(x):
    return no.project(no.project(no.project(x, no.Box(-1.0, 2.0)), no.Hypercube(1.5)), no.NonNegative())


def by_planes(x):
    return no.project(no.project(x, no.Hyperplane(x + 7.0, 1.0)), no.Halfspace(x - 7.0, 2.0))


def by_section(x):
    return no.project(x, no.BoxSection(np.full(6, -1.0), np.ones(6), np.ones(6), 0.5))


def by_weights(x):
    return no.project(x, no.WeightedL1Ball(WEIGHTS, 1.0))


def by_others(x):
    return no.project(no.project(x, no.Disc(0.5, 1.0)), no.SecondOrderCone()) + no.project(x, no.UnitModulus())


MADE_INSIDE = [
    by_l1,
    by_integers,
    by_l1_sphere,
    by_l2,
    by_l2_sphere,
    by_linf,
    by_l0,
    by_simplices,
    by_boxes,
    by_planes,
    by_section,
    by_weights,
    by_others,
]


@pytest.mark.parametrize("function", MADE_INSIDE, ids=label)
def test_sets_are_made_inside(function):
    np.testing.assert_array_equal(njit(function)(SIX), function(SIX))


def test_a_complex_box_is_made_inside():
    def by_rectangle(z):
        return no.project(z, no.ComplexBox((-1.0, 2.0), (-0.5, 0.5)))

    z = SIX * (1 + 1j)
    np.testing.assert_array_equal(njit(by_rectangle)(z), by_rectangle(z))


@pytest.mark.parametrize(
    "onto",
    [
        no.Box(-np.ones(6), 1.0),
        no.CappedSimplex(1.0, np.ones(6)),
        no.Hyperplane(np.ones(6), 1.0),
        no.Halfspace(np.ones(6), 1.0),
        no.AffineSet(np.ones((1, 6)), [1.0]),
        no.BoxSection(np.zeros(6), np.ones(6), np.ones(6), 1.0),
        no.WeightedL1Ball(np.ones(6), 1.0),
        no.GroupL1Ball(LABELS, 1.0),
        no.Disc(np.zeros(6), 1.0),
        no.Intersection(no.NonNegative(), no.Hyperplane(np.ones(6), 1.0)),
    ],
    ids=lambda onto: type(onto).__name__,
)
def test_fields_of_another_length_give_nan(onto):
    for n in (1, 5, 7):
        out = np.zeros(n)
        into(np.ones(n), onto, out)
        assert np.isnan(out).all()


def test_out_of_another_length_gives_nan():
    for n in (1, 5, 7):
        for onto in (
            no.L1Ball(1.0),
            no.NonNegative(),
            no.Hyperplane(np.ones(6), 1.0),
            no.LinfBall(1.0),
            no.L2Ball(1.0),
        ):
            guarded = np.zeros(n + 2)
            into(SIX, onto, guarded[1:-1])
            assert np.isnan(guarded[1:-1]).all()
            assert guarded[0] == guarded[-1] == 0.0  # nothing is written out of bounds


def test_what_raises_in_python_gives_nan():
    assert np.isnan(fresh(np.ones(2), no.CappedSimplex(2.5, 1.0))).all()
    assert fresh(np.zeros(0), no.Simplex(1.0)).size == 0


def test_a_nan_anywhere_is_a_nan_everywhere():
    x = SIX.copy()
    x[4] = np.nan
    for onto in (no.L1Ball(1.0), no.Simplex(1.0), no.LinfBall(1.0), no.NonNegative(), no.L0Ball(2)):
        assert np.isnan(fresh(x, onto)).all()


def test_large_vectors_have_the_bits_of_python():
    """Above the size from which the threshold starts from a sample."""
    x = np.random.default_rng(1).standard_normal(100_000)
    for onto in (no.L1Ball(100.0), no.Simplex(1.0)):
        np.testing.assert_array_equal(fresh(x, onto), no.project(x, onto))
        holed = x.copy()
        holed[77_777] = np.nan
        assert np.isnan(fresh(holed, onto)).all()
