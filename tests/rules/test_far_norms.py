"""Norms of vectors as large or as small as there are, and the rules that use them, against decimal numbers."""

import math
from decimal import Context, Decimal, localcontext

import numba
import numpy as np
import pytest

import numopt as no


def exact_norm(u):
    """The Euclidean norm in 60 decimal digits, whose exponents have no end."""
    parts = [Decimal(float(part)) for z in u for part in ((z.real, z.imag) if np.iscomplexobj(u) else (z,))]
    with localcontext(Context(prec=60)):
        return sum((part * part for part in parts), Decimal(0)).sqrt()


def exact_product(u, *factors, over=Decimal(1)):
    """Each entry times the factors, over a number, rounded once."""
    with localcontext(Context(prec=60)):
        factor = math.prod(map(Decimal, factors), start=Decimal(1)) / over
        times = lambda part: float(Decimal(float(part)) * factor)  # noqa: E731
        return [complex(times(z.real), times(z.imag)) if np.iscomplexobj(u) else times(z) for z in u]


def moved(rule, u, x=None, *value):
    """What the rule makes of an update."""
    start = np.zeros_like(u) if x is None else x
    after = start.copy()
    (rule if rule.descends else no.chain(rule, no.Scale(-1.0))).init(after).update(after, u, *value)
    return after if x is None else after - start


FAR = [(np.float64, 1e-300), (np.float64, 1e200), (np.float64, 1.7e308), (np.float32, 1e-38), (np.float32, 3e38)]
if numba.config.DISABLE_JIT:  # each dtype takes some seconds to compile
    FAR += [(np.complex128, 1.7e308), (np.complex64, 3e38)]


@pytest.mark.variants
@pytest.mark.parametrize(("dtype", "scale"), FAR)
def test_norms_beyond_the_largest_number_and_factors_below_the_smallest(dtype, scale):
    rng = np.random.default_rng(3)
    u = (scale * rng.uniform(0.3, 1.0, 9) * np.where(rng.random(9) < 0.5, -1, 1)).astype(dtype)
    u = u * np.exp(1j * 0.5).astype(dtype) if np.iscomplexobj(u) else u
    norm, close = exact_norm(u), {"rtol": 1e-14 if np.dtype(dtype).itemsize // (1 + np.iscomplexobj(u)) == 8 else 1e-6}
    for largest in (scale, 1.0, 1e-30) if close["rtol"] > 1e-10 else (scale, 1.0, 1e-200):
        expected = exact_product(u, -min(Decimal(largest) / norm, Decimal(1)))
        np.testing.assert_allclose(moved(no.ClipByGlobalNorm(largest), u), expected, **close)
    for length in (1.0, 1e-30, 1e30):
        expected = exact_product(u, -length, over=norm)
        np.testing.assert_allclose(moved(no.Normalize(length, eps=0.0), u), expected, **close)


@pytest.mark.parametrize("ratio", [0.5, 0.75, 2.0])
def test_adaptive_clip_of_norms_beyond_the_largest_number(ratio):
    u, x = np.full(4, 1.5e308), np.array([1.0, -1.0, 1.0, -1.0]) * 1e308
    expected = exact_product(u, min(Decimal(ratio) * exact_norm(x) / exact_norm(u), Decimal(1)))
    kept = x.copy()
    no.chain(no.AdaptiveClip(ratio), no.Scale(-(2.0**-10))).init(kept).update(kept, u)
    np.testing.assert_allclose((x - kept) * 2.0**10, expected, rtol=1e-12)


def test_an_infinite_entry_is_no_large_one():
    for rule in (no.ClipByGlobalNorm(1.0), no.Normalize(), no.AdaptiveClip(1.0)):
        np.testing.assert_array_equal(moved(rule, np.array([1.0, np.inf, -2.0])), [0.0, np.nan, 0.0])


@pytest.mark.parametrize(("scale", "f"), [(1e160, 1e300), (1e-170, 1e-300), (1e-170, 0.0), (1.0, 1.0)])
def test_the_polyak_step_whose_square_overflows_or_underflows(scale, f):
    g = scale * np.array([3.0, -4.0])
    step = min(Decimal(f) / exact_norm(g) ** 2, Decimal("1e200"))
    np.testing.assert_allclose(moved(no.PolyakSGD(1e200), g, None, f), exact_product(g, -step), rtol=1e-14)


@pytest.mark.slow
@pytest.mark.parametrize("scale", [1e-145, 1e-100, 1.0, 1e100, 1e153])
def test_the_ends_of_what_rules_with_squares_of_norms_take(scale):
    g = scale * np.array([3.0, -4.0])
    np.testing.assert_allclose(moved(no.NovoGrad(1.0, eps=0.0), g), [-0.6, 0.8], rtol=1e-12)
    np.testing.assert_allclose(moved(no.DoG(1.0, 1e-6, 1e-306), g), [-0.6e-6, 0.8e-6], rtol=1e-12)
    np.testing.assert_allclose(moved(no.LAMB(1.0, eps=0.0), g, np.array([6.0, 8.0])), np.array([-1, 1]) * 50**0.5)


def test_beyond_them_the_gradient_moves_nothing():
    for rule, size in ((no.NovoGrad(1.0), 1e154), (no.DoG(), 1e154), (no.DoWG(eps=1e-4), 1e156)):
        x = np.zeros(2)
        opt = rule.init(x)
        opt.update(x, size * np.array([3.0, -4.0]))
        opt.update(x, np.ones(2))
        np.testing.assert_array_equal(x, [0.0, 0.0])
