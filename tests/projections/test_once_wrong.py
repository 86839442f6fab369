"""Points that earlier versions projected wrongly."""

import numba
import numpy as np
import pytest

import numopt as no


@pytest.mark.jit_only
@pytest.mark.parametrize("onto", [no.L1Ball(1.0), no.Simplex(1.0)], ids=repr)
def test_an_outlier_outside_the_sample_of_a_long_vector(onto):
    x = np.random.default_rng(0).random(65536)
    x[32785] = 1e17
    expected = np.zeros(x.size)
    expected[32785] = 1.0
    np.testing.assert_array_equal(no.project(x, onto), expected)


@pytest.mark.parametrize("weight", [1e-3, 1e-8, 1e-12, 1e-20, 1e-100, 1e-200])
def test_spread_weights(weight):
    p = no.project([1.0, 1.0], no.WeightedL1Ball([weight, 1.0], 0.5))
    np.testing.assert_allclose(p, [1 - 0.5 * weight, 0.5 - weight], rtol=0, atol=2 * weight**2 + 1e-15)


@pytest.mark.parametrize("size", [1e200, 1e-200, 1e300, 1e-300, 1e160, 1e-160])
def test_tiny_and_huge_weights(size):
    p = no.project([3.0, -2.0, 1.0], no.WeightedL1Ball(np.array([1, 2, 3]) * size, 2 * size))
    np.testing.assert_allclose(p, [2.0, 0.0, 0.0], atol=1e-15)


def test_a_weighted_ball_without_weights_is_the_whole_space():
    np.testing.assert_array_equal(no.project([3.0, 1.0], no.WeightedL1Ball([0, 0], 1.0)), [3.0, 1.0])


def test_counts_beyond_all_integers():
    np.testing.assert_array_equal(no.project([1.0, 2.0], no.L0Ball(1e19)), [1.0, 2.0])
    np.testing.assert_array_equal(no.project([1.0, 2.0], no.SparseSimplex(1e19, 1.0)), [0.0, 1.0])
    both = no.Intersection(no.NonNegative(), no.L2Ball(1.0), maxiter=np.inf)
    np.testing.assert_allclose(no.project([3.0, -1.0], both), [1.0, 0.0], atol=1e-10)


def test_a_sum_that_overflows_both_ways():
    x = np.tile([1.7e308, 1.7e308, -1.7e308, -1.7e308], 4)
    np.testing.assert_array_equal(no.project(x, no.Simplex(1.0)), np.where(x > 0, 0.125, 0.0))


def test_groups_of_which_the_norm_underflows():
    x = [1.0, 1e-200]
    np.testing.assert_array_equal(no.project(x, no.GroupL1Ball([0, 1], 0.0)), [0.0, 0.0])
    np.testing.assert_array_equal(no.prox(x, no.GroupL1Norm([0, 1], 0.5)), [0.5, 0.0])
    np.testing.assert_array_equal(no.project(x, no.GroupL1Ball([0, 1], 5.0)), x)


def test_a_tiny_sphere_and_tiny_moduli():
    np.testing.assert_allclose(no.project([3e139, 4e139], no.L2Sphere(1e-200)), [6e-201, 8e-201], rtol=1e-15)
    kept = no.project(np.array([1, 1e-170, 1e-165], complex), no.L0Ball(2))
    np.testing.assert_array_equal(kept, [1, 0, 1e-165])


def test_rows_of_very_different_length():
    onto = no.AffineSet([[1e13, 0], [0, 1]], [1, 1])
    assert onto._replace(b=np.array([2.0, 2.0])).contains([2e-13, 2.0])
    with pytest.raises(ValueError, match="row of A is 0"):
        no.AffineSet([[0.0, 0.0], [0, 1]], [0, 1])


def test_labels_beyond_the_number_of_entries():
    with pytest.raises(ValueError, match=r"np\.unique"):
        no.GroupL1Ball([0, 10**12], 1.0)


def test_a_list_of_sets():
    assert no.Intersection([no.Box(0, 1), no.L1Ball(1.0)]) == no.Intersection(no.Box(0, 1), no.L1Ball(1.0))


@pytest.mark.jit_only
def test_integers_inside_njit():
    @numba.njit
    def both(x):
        return no.project(x, no.L1Ball(2.0)), no.Box(0.5, 0.6).contains(x)

    p, inside = both(np.array([3, 2]))
    np.testing.assert_array_equal(p, [1.5, 0.5])
    assert not inside


@pytest.mark.jit_only
def test_a_class_in_the_place_of_a_set_is_named():
    @numba.njit
    def wrong(x):
        return no.project(x, no.L1Ball)

    with pytest.raises(TypeError, match="not a set"):
        wrong(np.zeros(2))
