"""The search for a threshold where it begins with a sample, or goes on with few entries, against sorting."""

import math

import numpy as np
import pytest

import numopt as no

N = 6000  # of which a sample is taken; of neighbours, so that data can hide from it


def by_sorting(a, r):
    """The entries lowered by the threshold that leaves the sum r; what the rounding of a sum in a row makes of them.

    The roundings of a sum of k numbers up to delta, divided by k, are of either sign: they walk sqrt(k) eps / 2 delta
    far, and hardly ever further than twice that. How the numbers of a sum are grouped, the processor decides.
    """
    b = np.sort(a)[::-1]
    below = b[0] - b  # which rounds no number near the top
    sums = np.cumsum(below.astype(np.longdouble))
    delta = (r + sums) / np.arange(1, a.size + 1)
    count = np.count_nonzero(below < delta)
    top = float((r + sums[count - 1]) / count)
    eps = np.finfo(float).eps
    return np.maximum(top - (b[0] - a), 0.0), eps * (math.sqrt(count) * top + b[0])


def data(name):
    rng = np.random.default_rng(5)
    a = abs(rng.standard_normal(N))
    if name == "mostly zero":
        a[rng.random(N) < 0.99] = 0.0
    elif name == "large ones at one end":
        a = np.sort(a)
    elif name == "hidden from a sample":
        sampled = np.arange(N) % (N // (N // 16 // 16)) < 16
        a[~sampled] += 3.0
    elif name == "ties":
        a = np.rint(4.0 * a)
    return a


@pytest.mark.parametrize("share", [1e-5, 1e-3, 0.01, 0.3])
@pytest.mark.parametrize("name", ["normal", "mostly zero", "large ones at one end", "hidden from a sample", "ties"])
def test_a_start_that_may_mislead(name, share):
    a = data(name)
    r = share * a.sum()
    expected, rounding = by_sorting(a, r)
    p = no.project(a, no.Simplex(r))
    np.testing.assert_allclose(p, expected, rtol=0, atol=rounding)
    assert abs(math.fsum(p) - r) <= np.count_nonzero(expected) * rounding
    signs = np.where(np.arange(N) % 3 == 0, -1.0, 1.0)
    np.testing.assert_array_equal(no.project(signs * a, no.L1Ball(r)), signs * p)


@pytest.mark.parametrize("share", [0.001, 0.01, 0.1])
def test_where_a_shortcut_fails_the_search_goes_on(share):
    """A step is taken for the last where hardly an entry can lie on its way; of few entries one does at times."""
    for seed in range(20):
        a = abs(np.random.default_rng(seed).standard_normal(200))
        r = share * a.sum()
        expected, rounding = by_sorting(a, r)
        np.testing.assert_allclose(no.project(a, no.L1Ball(r)), expected, rtol=0, atol=rounding)
