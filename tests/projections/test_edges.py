"""Edges and errors: empty vectors, radius 0, NaN, infinities, wrong fields, wrong vectors, what ``out`` may be."""

import inspect

import numpy as np
import pytest
from projections.set_cases import CASES, PAIRS, label, random_vector

import numopt as no

pytestmark = pytest.mark.variants

INF, NAN = np.inf, np.nan
TWO = np.ones(2)


def same(x, onto, expected):
    p = no.project(np.array(x), onto)
    np.testing.assert_array_equal(p, expected)
    return p


def prepared(case, dtype, n=5, seed=0):
    rng = np.random.default_rng(seed)
    parameters = case.parameters(n, rng, dtype)
    return case.set(*parameters), 2 * random_vector(rng, n, dtype)


# --- radius 0, x = 0, n = 0 ------------------------------------------------------------------------------------------

POINTS = [
    no.L1Ball,
    no.L1Sphere,
    no.L2Ball,
    no.L2Sphere,
    no.LinfBall,
    no.Simplex,
    no.Hypercube,
    lambda r: no.SparseSimplex(2, r),
    lambda r: no.SparseSimplex(0, r),
    lambda r: no.CappedSimplex(r, 0.5),
    lambda r: no.CappedSimplex(r, np.array([0.5, 0.0, 1.0])),
    lambda r: no.GroupL1Ball(np.array([1, 0, 1]), r),
    lambda r: no.WeightedL1Ball(np.array([1.0, 2.0, 0.5]), r),
    lambda r: no.Disc(0.0, r),
    lambda r: no.Box(-r, r),
]


@pytest.mark.parametrize("make", POINTS)
@pytest.mark.parametrize("x", [[1.0, -2.0, 3.0], [0.0, 0.0, 0.0], [-1e300, 1e300, 1e300], [5e-324, 0.0, -5e-324]])
def test_radius_zero_gives_zero(make, x):
    same(x, make(0.0), np.zeros(3))


@pytest.mark.parametrize(
    "make",
    [no.L1Ball, no.L1Sphere, no.L2Ball, no.L2Sphere, no.LinfBall, lambda r: no.GroupL1Ball(np.array([1, 0]), r)],
)
def test_radius_zero_gives_zero_for_complex_vectors(make):
    same([1 - 2j, 3j], make(0.0), np.zeros(2))


def test_radius_zero_of_a_weighted_ball_leaves_the_free_entries():
    same([1.0, -2.0, 3.0], no.WeightedL1Ball(np.array([1.0, 0.0, 2.0]), 0.0), [0.0, -2.0, 0.0])


def test_radius_zero_of_discs_gives_their_centers():
    same([1.0, -2.0], no.Disc(np.array([0.5, 3.0]), np.array([0.0, 1.0])), [0.5, 2.0])
    same([1j, -2.0], no.Disc(1 + 1j, 0.0), [1 + 1j, 1 + 1j])


@pytest.mark.parametrize("dtype", [float, complex])
def test_spheres_give_the_zero_vector_a_phase_of_one(dtype):
    zero = np.zeros(4, dtype)
    same(zero, no.L2Sphere(3.0), [3, 0, 0, 0])
    same(zero, no.L1Sphere(3.0), np.full(4, 0.75))
    same(zero, no.UnitModulus(), np.ones(4))
    same(-zero, no.UnitModulus(), np.ones(4))
    same(np.array([0, -2, 0, 0], dtype), no.L1Sphere(6.0), [1, -3, 1, 1])  # inside: every modulus grows


@pytest.mark.parametrize("dtype", [float, complex])
def test_balls_and_cones_leave_the_zero_vector(dtype):
    for onto in (no.L1Ball(1.0), no.L2Ball(1.0), no.LinfBall(1.0), no.L0Ball(2), no.SecondOrderCone()):
        same(np.zeros(3, dtype), onto, np.zeros(3))


def test_the_zero_vector_is_shared_out_on_a_simplex():
    same(np.zeros(4), no.Simplex(1.0), np.full(4, 0.25))
    same(np.zeros(4), no.SparseSimplex(2, 1.0), [0.5, 0.5, 0, 0])  # ties: the lower index
    same(np.zeros(4), no.CappedSimplex(1.0, 0.5), np.full(4, 0.25))


HOLD_THE_EMPTY_VECTOR = [
    no.NonNegative(),
    no.Box(-1.0, 1.0),
    no.Box(np.zeros(0), np.ones(0)),
    no.Hypercube(1.0),
    no.Simplex(0.0),
    no.CappedSimplex(0.0, 1.0),
    no.SparseSimplex(2, 0.0),
    no.Intersection(no.NonNegative(), no.L2Ball(1.0)),
]
ALSO_OF_COMPLEX_NUMBERS = [
    no.L1Ball(1.0),
    no.L2Ball(1.0),
    no.LinfBall(1.0),
    no.L1Sphere(0.0),
    no.L2Sphere(0.0),
    no.L0Ball(0),
    no.L0Ball(3),
    no.UnitModulus(),
    no.Disc(0.0, 1.0),
    no.WeightedL1Ball(np.zeros(0), 1.0),
    no.GroupL1Ball(np.zeros(0, int), 1.0),
]


@pytest.mark.parametrize("onto", HOLD_THE_EMPTY_VECTOR + ALSO_OF_COMPLEX_NUMBERS, ids=repr)
def test_the_empty_vector_inside_a_set_stays(onto):
    for dtype in [float, complex] if onto in ALSO_OF_COMPLEX_NUMBERS else [float]:
        p = no.project(np.zeros(0, dtype), onto)
        assert p.shape == (0,)
        assert p.dtype == dtype


@pytest.mark.parametrize(
    "onto",
    [
        no.L1Sphere(1.0),
        no.L2Sphere(1.0),
        no.Simplex(1.0),
        no.SparseSimplex(1, 1.0),
        no.CappedSimplex(1.0, 1.0),
        no.SecondOrderCone(),
    ],
    ids=repr,
)
def test_the_empty_vector_outside_a_set_raises(onto):
    with pytest.raises(ValueError, match="no vector of 0 entries belongs to"):
        no.project(np.zeros(0), onto)


# --- zeros, ties, the second-order cone ------------------------------------------------------------------------------


def test_minus_zero_becomes_zero_where_nothing_is_negative():
    assert not np.signbit(no.project(np.array([-0.0, 0.0, -1.0]), no.NonNegative())).any()
    assert not np.signbit(no.project(np.array([-0.0, 0.0, 3.0]), no.Simplex(1.0))).any()


def test_a_zero_stays_zero_in_the_l1_ball():
    for x in ([-0.0, 0.0, 3.0], [-0.0, 0.0, 1e-3], [0j, 3j, 4.0]):
        p = no.project(np.array(x), no.L1Ball(1.0))
        assert not p[np.array(x) == 0].any()


def test_ties_share():
    same([2.0, -2.0, 2.0, 0.5], no.L1Ball(3.0), [1, -1, 1, 0])
    same([2.0, -2.0, 2.0, 0.25], no.Simplex(3.0), [1.5, 0, 1.5, 0])


def test_ties_go_to_the_lower_index_where_entries_are_chosen():
    same([1.0, -2.0, 2.0, -2.0], no.L0Ball(2), [0, -2, 2, 0])
    same([3 - 4j, 5.0, 5j], no.L0Ball(2), [3 - 4j, 5, 0])
    same([1.0, 2.0, 2.0, 2.0], no.SparseSimplex(2, 1.0), [0, 0.5, 0.5, 0])
    same([-5.0, 1.0, 2.0, -9.0], no.SparseSimplex(2, 2.0), [0, 0.5, 1.5, 0])  # by sign, not by modulus


def test_more_entries_allowed_than_there_are():
    x = np.array([1.0, -2.0, 0.5])
    for k in (3, 4, 100):
        same(x, no.L0Ball(k), x)
        same(x, no.SparseSimplex(k, 1.0), no.project(x, no.Simplex(1.0)))
    same(x, no.L0Ball(0), np.zeros(3))


def test_the_second_order_cone_has_its_axis_first():
    same([5.0, 3.0, 4.0], no.SecondOrderCone(), [5, 3, 4])
    same([-5.0, 3.0, 4.0], no.SecondOrderCone(), [0, 0, 0])
    same([0.0, 3.0, 4.0], no.SecondOrderCone(), [2.5, 1.5, 2])
    same([2.0, 0.0, 0.0], no.SecondOrderCone(), [2, 0, 0])
    same([-2.0, 0.0, 0.0], no.SecondOrderCone(), [0, 0, 0])
    same([-2.0], no.SecondOrderCone(), [0])
    same([2 + 7j], no.SecondOrderCone(), [2])
    same([0 + 7j, 3j, 4.0], no.SecondOrderCone(), [2.5, 1.5j, 2])


def test_on_the_border_nothing_moves():
    same([3.0, -4.0], no.L2Ball(5.0), [3, -4])
    same([3j, -4.0], no.L1Ball(7.0), [3j, -4])
    same([3.0, -4.0], no.LinfBall(4.0), [3, -4])
    same([3.0, 4.0], no.Simplex(7.0), [3, 4])
    same([3.0, 4.0], no.Halfspace(TWO, 7.0), [3, 4])
    same([1 + 1j], no.Disc(1.0, 1.0), [1 + 1j])


def test_a_disc_on_the_real_line_is_an_interval():
    same([-3.0, 0.75, 3.0], no.Disc(1.0, 0.5), [0.5, 0.75, 1.5])


@pytest.mark.parametrize("dtype", [np.complex64, complex])
def test_a_disc_whose_distance_overflows(dtype):
    big = 0.9 * np.finfo(dtype).max
    for center in (-big, -big * (1 + 1j)):
        p = no.project(np.full(2, big * (1 + 1j), dtype), no.Disc(dtype(center), big))
        away = big * (1 + 1j) / 4 - center / 4
        # in each of the two, a modulus, a quotient and a sum of numbers up to 2 are rounded
        np.testing.assert_allclose(p / big, center / big + away / abs(away), rtol=0, atol=8 * np.finfo(dtype).eps)
    same([big], no.Disc(-big, 1.0), [-big])


def test_a_capped_simplex_that_holds_one_point_only():
    same([5.0, -7.0], no.CappedSimplex(1.0, 0.5), [0.5, 0.5])
    same([5.0, -7.0], no.CappedSimplex(0.75, np.array([0.5, 0.25])), [0.5, 0.25])


def test_a_flat_piece_of_the_sum_leaves_one_point():
    """At every tau from -1 to 2 no entry is free."""
    same([0.0, 3.0], no.CappedSimplex(1.0, 1.0), [0, 1])


def test_a_complex_equality_is_two_real_ones():
    """An affine set holds a.x = b, a hyperplane Re<a, x> = b."""
    x = np.array([1 + 1j, 2 + 3j])
    a = np.array([1j, 1.0])
    p, q = no.project(x, no.AffineSet(a[None], [2.0])), no.project(x, no.Hyperplane(a.conj(), 2.0))
    assert a @ p == pytest.approx(2.0, abs=1e-14)
    assert (a @ q).real == pytest.approx(2.0, abs=1e-14)
    assert abs((a @ q).imag) > 0.1


# --- NaN and infinities ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("case", "dtype"), PAIRS, ids=label)
def test_a_nan_anywhere_is_a_nan_everywhere(case, dtype):
    onto, x = prepared(case, dtype)
    for nan in [NAN] if dtype is float else [NAN, complex(0, NAN), complex(NAN, INF)]:
        for i in range(x.size):
            y = x.copy()
            y[i] = nan
            assert np.isnan(no.project(y, onto)).all()
        assert np.isnan(no.project(np.full(x.size, nan, dtype), onto)).all()


@pytest.mark.parametrize(
    "onto", [no.L1Ball(0.0), no.Simplex(0.0), no.L2Ball(0.0), no.L0Ball(0), no.L0Ball(9)], ids=repr
)
def test_a_nan_is_seen_where_the_result_is_known(onto):
    assert np.isnan(no.project(np.array([1.0, NAN, 2.0]), onto)).all()


@pytest.mark.parametrize("dtype", [float, complex])
def test_a_nan_beats_an_infinity(dtype):
    for onto in (no.L1Ball(1.0), no.L2Ball(1.0), no.LinfBall(1.0)):
        for x in ([INF, NAN, 1.0], [NAN, INF, 1.0], [-INF, 0.0, NAN]):
            assert np.isnan(no.project(np.array(x, dtype), onto)).all()


@pytest.mark.parametrize("onto", [no.L1Ball(1.0), no.L1Sphere(1.0), no.L2Ball(1.0), no.L2Sphere(1.0)], ids=repr)
def test_no_limit_means_nan(onto):
    for x in ([INF, 1.0], [1.0, -INF], [INF, INF]):
        assert np.isnan(no.project(np.array(x), onto)).all()
    assert np.isnan(no.project(np.array([complex(0, -INF), 1.0]), onto)).all()


def test_infinities_on_a_simplex():
    same([-INF, 3.0, 2.75], no.Simplex(1.0), [0, 0.625, 0.375])
    same([-INF, 3.0, -INF], no.Simplex(1.0), [0, 1, 0])
    for x in ([-INF, -INF], [INF, 1.0], [INF, -INF]):
        assert np.isnan(no.project(np.array(x), no.Simplex(1.0))).all()


def test_infinities_are_clipped():
    x = [INF, -INF, 0.25]
    same(x, no.Box(-1.0, 2.0), [2, -1, 0.25])
    same(x, no.Hypercube(2.0), [2, 0, 0.25])
    same(x, no.LinfBall(2.0), [2, -2, 0.25])
    same(x, no.NonNegative(), [INF, 0, 0.25])
    same(x, no.Box(-INF, INF), x)
    same([complex(INF, -INF)], no.ComplexBox((-1.0, 2.0), (-3.0, 4.0)), [2 - 3j])


def test_bounds_may_be_infinite():
    same([5.0, -5.0], no.Box(-INF, 1.0), [1, -5])
    same([5.0, -5.0], no.Box(np.array([-INF, 0.0]), INF), [5, 0])
    same([5 - 5j], no.ComplexBox((-INF, 1.0), (-INF, INF)), [1 - 5j])


# --- wrong fields ----------------------------------------------------------------------------------------------------


BOTH = (0, 1)  # which of two that do not fit together is named is free
WRONG = [
    ("L1Ball", (-1.0,), 0),
    ("L1Ball", (NAN,), 0),
    ("L1Sphere", (-1.0,), 0),
    ("L2Ball", (-1.0,), 0),
    ("L2Ball", (NAN,), 0),
    ("L2Sphere", (-1.0,), 0),
    ("LinfBall", (-1.0,), 0),
    ("LinfBall", (NAN,), 0),
    ("Simplex", (-1.0,), 0),
    ("Simplex", (NAN,), 0),
    ("L0Ball", (-1,), 0),
    ("Box", (1.0, 0.0), BOTH),
    ("Box", (NAN, 0.0), 0),
    ("Box", (0.0, NAN), 1),
    ("Box", (np.array([0.0, 2.0]), TWO), BOTH),
    ("CappedSimplex", (-1.0, 1.0), 0),
    ("CappedSimplex", (NAN, 1.0), 0),
    ("CappedSimplex", (2.5, TWO), BOTH),
    ("CappedSimplex", (1.0, np.array([2.0, -1.0])), 1),
    ("SparseSimplex", (0, 1.0), 0),
    ("SparseSimplex", (2, -1.0), 1),
    ("Hyperplane", (np.zeros(2), 1.0), 0),
    ("Halfspace", (np.zeros(2), 1.0), 0),
    ("AffineSet", (np.ones((2, 3)), TWO), 0),
    ("AffineSet", (np.array([[1.0, 2, 3], [2, 4, 6]]), TWO), 0),
    ("AffineSet", (np.ones((1, 3)), TWO), BOTH),
    ("AffineSet", (np.array([[1.0, 0], [0, 1], [1, 1]]), np.ones(3)), 0),
    ("BoxSection", (TWO, np.zeros(2), TWO, 1.0), BOTH),
    ("BoxSection", (np.zeros(2), TWO, np.zeros(2), 0.0), 2),
    ("BoxSection", (np.zeros(2), TWO, TWO, 2.5), 3),
    ("BoxSection", (np.zeros(2), TWO, TWO, -0.5), 3),
    ("BoxSection", (np.zeros(2), TWO, np.array([1.0, -1.0]), -1.5), 3),
    ("BoxSection", (np.zeros(2), np.ones(3), 1.0, 1.0), BOTH),
    ("BoxSection", (np.zeros(2), 1.0, np.ones(3), 1.0), (0, 2)),
    ("Box", (no.L1Ball(0.5), 1.0), 0),
    ("Disc", (0.0, no.L1Ball(0.5)), 1),
    ("Halfspace", (no.L1Ball(0.5), 1.0), 0),
    ("WeightedL1Ball", (no.L1Ball(0.5), 1.0), 0),
    ("ComplexBox", (((0.0, 0.0), 1.0), (0.0, 1.0)), 0),
    ("WeightedL1Ball", (np.array([1.0, -1.0]), 1.0), 0),
    ("WeightedL1Ball", (np.array([1.0, NAN]), 1.0), 0),
    ("WeightedL1Ball", (TWO, -1.0), 1),
    ("GroupL1Ball", (np.array([0, -1]), 1.0), 0),
    ("GroupL1Ball", (np.array([0, 1]), -1.0), 1),
    ("Disc", (0.0, -1.0), 1),
    ("Disc", (0.0, np.array([1.0, -1.0])), 1),
    ("ComplexBox", ((1.0, 0.0), (0.0, 1.0)), 0),
    ("ComplexBox", ((0.0, 1.0), (1.0, 0.0)), 1),
    ("ComplexBox", ((0.0, 1.0), (NAN, 0.0)), 1),
]


@pytest.mark.parametrize(("name", "values", "wrong"), WRONG)
def test_a_wrong_field_is_named(name, values, wrong):
    made = getattr(no, name)
    names = getattr(made, "_fields", None) or list(inspect.signature(made).parameters)
    named = "|".join(names[k] for k in (wrong if isinstance(wrong, tuple) else (wrong,)))
    with pytest.raises(ValueError, match=rf"\b({named})\b"):
        made(*values)


@pytest.mark.parametrize("side", [-1.0, NAN])
def test_a_hypercube_has_a_side(side):
    with pytest.raises(ValueError, match=r"Box.*\bupper\b"):
        no.Hypercube(side)


@pytest.mark.parametrize(
    "onto", [no.L1Sphere(1.0), no.L2Sphere(1.0), no.SparseSimplex(1, 1.0), no.L0Ball(1), no.UnitModulus()], ids=repr
)
def test_a_member_of_an_intersection_must_be_convex(onto):
    with pytest.raises(ValueError, match=f"{type(onto).__name__}.*convex|convex.*{type(onto).__name__}"):
        no.Intersection(no.NonNegative(), onto)


def test_a_capped_simplex_too_small_for_its_sum():
    """With one cap for all, only the vector tells."""
    onto = no.CappedSimplex(2.5, 1.0)
    np.testing.assert_allclose(no.project(np.zeros(5), onto), np.full(5, 0.5), rtol=1e-15)
    with pytest.raises(ValueError, match="no vector of 2 entries belongs to"):
        no.project(np.zeros(2), onto)


# --- wrong vectors ---------------------------------------------------------------------------------------------------

VECTORS = [(case, dtype) for case, dtype in PAIRS if case.each]


@pytest.mark.parametrize(("case", "dtype"), VECTORS, ids=label)
def test_fields_of_another_length_raise(case, dtype):
    onto, x = prepared(case, dtype)
    for n in (x.size - 1, x.size + 1, 1, 0):
        with pytest.raises(ValueError, match=f"x has {n} entries"):
            no.project(np.resize(x, n), onto)


@pytest.mark.parametrize("case", [case for case in CASES if case.kinds == "f"], ids=label)
def test_sets_of_real_vectors_refuse_complex_ones(case):
    onto, x = prepared(case, float)
    with pytest.raises(TypeError, match="ComplexBox" if case.name == "Box" else "for real vectors"):
        no.project(x + 0j, onto)


def test_matrices_raise():
    for onto in (no.L1Ball(1.0), no.NonNegative(), no.SecondOrderCone()):
        with pytest.raises(ValueError, match=r"x must be a vector.*ravel"):
            no.project(np.ones((2, 2)), onto)


def test_what_holds_no_numbers_raises():
    for x in (["a", "b"], [None, 1.0], np.array(["2020-01-01"], "datetime64[D]")):
        with pytest.raises(TypeError):
            no.project(x, no.L1Ball(1.0))


def test_what_is_no_set_raises():
    for onto in (1.0, "L1Ball", None, no.L1Ball):
        with pytest.raises(TypeError):
            no.project(np.ones(2), onto)


# --- what x and out may be -------------------------------------------------------------------------------------------


def test_vectors_in_fields_may_be_tuples():
    x = np.array([3.0, -2.0, 0.5])
    for make in (
        lambda kind: no.Box(kind([0, -1, 0]), 1.0),
        lambda kind: no.Disc(kind([0.0, 0.0, 1.0]), 1.0),
        lambda kind: no.Halfspace(kind([1, 1, 1]), 1.0),
        lambda kind: no.WeightedL1Ball(kind([1.0, 2.0, 1.0]), 1.0),
        lambda kind: no.GroupL1Ball(kind([0, 0, 1]), 1.0),
        lambda kind: no.BoxSection(kind([0.0, 0.0, 0.0]), 1.0, kind([1.0, 1.0, 2.0]), 1.0),
        lambda kind: no.AffineSet(kind([kind([1.0, 1.0, 1.0])]), kind([1.0])),
    ):
        np.testing.assert_array_equal(no.project(x, make(tuple)), no.project(x, make(np.array)))


def test_lists_and_integers_become_double_precision():
    for x in ([3, 1], (3, 1), np.array([3, 1]), np.array([3, 1], np.int8), [3.0, 1.0]):
        assert same(x, no.L1Ball(2.0), [2, 0]).dtype == float
    assert no.project([3j, 1], no.L1Ball(2.0)).dtype == complex
    assert same([True, False], no.L1Ball(2.0), [1, 0]).dtype == float


@pytest.mark.parametrize(("case", "dtype"), PAIRS, ids=label)
def test_out_is_filled_and_returned(case, dtype):
    onto, x = prepared(case, dtype)
    expected, before, out = no.project(x, onto), x.copy(), np.full(x.size, 7, dtype)
    assert expected is not x
    assert not np.shares_memory(expected, x)
    assert no.project(x, onto, out=out) is out
    np.testing.assert_array_equal(out, expected)
    np.testing.assert_array_equal(x, before)
    assert no.project(x, onto, out=x) is x
    np.testing.assert_array_equal(x, expected)


@pytest.mark.parametrize(("case", "dtype"), PAIRS, ids=label)
def test_strided_reversed_and_read_only_vectors(case, dtype):
    onto, x = prepared(case, dtype)
    expected = no.project(x, onto)
    frozen, strided = x.copy(), np.full(2 * x.size, 7, dtype)
    frozen.flags.writeable = False
    strided[::2] = x
    for y in (frozen, strided[::2], x[::-1].copy()[::-1]):
        np.testing.assert_array_equal(no.project(y, onto), expected)
    np.testing.assert_array_equal(strided[::2], x)


def test_out_that_does_not_fit_raises():
    x, onto = np.ones(3), no.L1Ball(1.0)
    frozen = np.ones(3)
    frozen.flags.writeable = False
    for out in (
        np.ones(2),
        np.ones(4),
        np.ones((3, 1)),
        np.ones(3, np.float32),
        np.ones(3, int),
        [1.0, 1.0, 1.0],
        frozen,
    ):
        with pytest.raises(ValueError, match="out must be a writable float64 vector of 3"):
            no.project(x, onto, out=out)
    with pytest.raises(ValueError, match="out must be a writable complex128 vector of 3"):
        no.project(x + 1j, onto, out=np.ones(3))


# --- membership ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("case", "dtype"), PAIRS, ids=label)
def test_contains_its_projections_and_not_what_lies_outside(case, dtype):
    onto, x = prepared(case, dtype)
    p = no.project(x, onto)
    assert onto.contains(p, 1e-12)
    assert onto.contains(p, tol=1e-12)
    assert onto.contains(x, 1e-12) == np.array_equal(p, x)
    assert not onto.contains(np.full(x.size, NAN, dtype), 1e-12)


def test_contains_has_a_tolerance():
    onto = no.L1Ball(1.0)
    assert onto.contains(np.array([0.5, -0.5]))
    assert not onto.contains(np.array([0.5, -0.501]))
    assert onto.contains(np.array([0.5, -0.501]), tol=1e-2)
    assert onto.contains([0.5, -0.5])


# --- intersections ---------------------------------------------------------------------------------------------------


def test_an_empty_intersection_stops_at_finite_numbers_outside():
    a = np.array([1.0, 0.0])
    onto = no.Intersection(no.Hyperplane(a, 0.0), no.Hyperplane(a, 1.0))
    with pytest.warns(RuntimeWarning, match="Intersection.*no point in common"):
        p = no.project(np.array([3.0, 4.0]), onto)
    assert np.isfinite(p).all()
    assert not onto.contains(p, 1e-3)


@pytest.mark.parametrize("call", [no.project, no.prox])
def test_a_warning_points_at_the_callers_line(call):
    a = np.array([1.0, 0.0])
    onto = no.Intersection(no.Hyperplane(a, 0.0), no.Hyperplane(a, 1.0))
    line = inspect.currentframe().f_lineno + 2
    with pytest.warns(RuntimeWarning, match=f"{call.__name__}: Intersection.*did not converge") as caught:
        call(np.array([3.0, 4.0]), onto)
    assert [(warning.filename, warning.lineno) for warning in caught] == [(__file__, line)]


def test_intersections_pass_on_what_their_members_ask():
    onto = no.Intersection(no.NonNegative(), no.L2Ball(1.0))
    assert np.isnan(no.project(np.array([1.0, NAN]), onto)).all()
    with pytest.raises(TypeError):
        no.project(np.ones(2, complex), onto)
    with pytest.raises(ValueError, match="x has 3 entries, which are not as many as Intersection"):
        no.project(np.ones(3), no.Intersection(no.NonNegative(), no.Hyperplane(TWO, 1.0)))
    p = no.project(np.array([-1.0, 2.0], np.float32), onto)
    assert p.dtype == np.float32
    np.testing.assert_allclose(p, [0, 1], atol=1e-6)
    x = np.array([-1.0, 2.0])
    assert no.project(x, onto, out=x) is x
    assert onto.contains(x, 1e-9)
