"""Sorting of indices by keys."""

import numpy as np
import pytest

from numopt.sparse.order import sort_by


@pytest.mark.parametrize("size", [0, 1, 2, 3, 10, 101])
def test_sorted_as_by_a_stable_sort(size):
    rng = np.random.default_rng(size)
    keys = rng.integers(0, 5, size + 3).astype(float)
    keys[rng.random(size + 3) < 0.2] = np.inf
    items = rng.permutation(size + 3)[:size]
    expected = np.sort(items)[np.argsort(keys[np.sort(items)], kind="stable")]
    sort_by(items, keys)
    assert np.array_equal(items, expected)
