"""The interpolation formulas against polynomials found by linear equations and their roots."""

import math

import numpy as np
import pytest
from reference import cubic_through, local_minimizers

from numopt.linesearch.interpolate import cubic_minimizer, cubic_ratio, quadratic_minimizer, secant_minimizer

CASES = [tuple(row) for row in np.random.default_rng(12).standard_normal((60, 4))]


@pytest.mark.parametrize(("a", "b"), [(0.0, 1.0), (2.0, -3.0), (1e-8, 2e-8), (1e5, -1e7)])
def test_cubic(a, b):
    found = 0
    for fa, fb, da, db in CASES:
        da, db = da / abs(b - a), db / abs(b - a)
        ratio, gamma = cubic_ratio(a, fa, da, b, fb, db)
        minimizers = local_minimizers(cubic_through(a, fa, da, b, fb, db))
        assert (gamma != 0.0) == bool(minimizers)
        if minimizers:
            found += 1
            (expected,) = minimizers
            assert math.isclose(ratio, expected, rel_tol=1e-7, abs_tol=1e-9)
            minimizer = cubic_minimizer(a, fa, da, b, fb, db)
            assert math.isclose(minimizer, a + expected * (b - a), rel_tol=1e-7, abs_tol=1e-9 * abs(b - a))
    assert 20 < found < 60


@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1e150, 1e300])
def test_cubic_of_any_scale(scale):
    """Squares of the slopes would under- or overflow."""
    for fa, fb, da, db in CASES:
        expected = cubic_ratio(0.0, fa, da, 1.0, fb, db)
        ratio, gamma = cubic_ratio(0.0, scale * fa, scale * da, 1.0, scale * fb, scale * db)
        assert math.isclose(ratio, expected[0], rel_tol=1e-9)
        assert math.isclose(gamma, scale * expected[1], rel_tol=1e-9)


def test_a_constant_has_no_minimiser():
    assert cubic_ratio(0.0, 1.0, 0.0, 2.0, 1.0, 0.0) == (0.0, 0.0)
    assert cubic_minimizer(0.5, 1.0, 0.0, 2.0, 1.0, 0.0) == 0.5


def test_nan_goes_through():
    assert cubic_ratio(0.0, math.nan, math.nan, 1.0, math.nan, math.nan) == (0.0, 0.0)
    assert not math.isfinite(cubic_minimizer(0.0, 0.0, -1.0, 0.0, 1.0, 1.0))  # a = b
    assert math.isnan(secant_minimizer(0.0, 1.0, 1.0, math.nan))


@pytest.mark.parametrize(("a", "b"), [(0.0, 1.0), (2.0, -3.0), (1e-8, 2e-8)])
def test_parabolas(a, b):
    rng = np.random.default_rng(13)
    for _ in range(20):
        curvature, minimizer = 10.0 ** rng.uniform(-3, 3), rng.uniform(-2, 2)

        def value(x, curvature=curvature, minimizer=minimizer):
            return 0.5 * curvature * (x - minimizer) ** 2

        def slope(x, curvature=curvature, minimizer=minimizer):
            return curvature * (x - minimizer)

        assert math.isclose(secant_minimizer(a, slope(a), b, slope(b)), minimizer, rel_tol=1e-6, abs_tol=1e-6)
        if abs(b - a) > 1e-3:
            found = quadratic_minimizer(a, value(a), slope(a), b, value(b))
            assert math.isclose(found, minimizer, rel_tol=1e-9, abs_tol=1e-9)


def test_parallel_slopes_have_no_minimiser():
    assert not math.isfinite(secant_minimizer(0.0, -1.0, 1.0, -1.0))
    assert not math.isfinite(quadratic_minimizer(0.0, 0.0, -1.0, 1.0, -1.0))
