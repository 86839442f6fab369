"""Proximal operators of norms: closed forms, the definition by brute force, Moreau's identity, phases, NaN, njit."""

import numba
import numpy as np
import pytest
import scipy.optimize
from numba import njit
from projections import exact_projections as exact

import numopt as no

pytestmark = pytest.mark.variants

PLAIN = bool(numba.config.DISABLE_JIT)
LABELS = np.array([0, 1, 2, 0, 1, 0])
N = LABELS.size
DTYPES = [float, complex]


def random_vector(seed, dtype=float, n=N):
    rng = np.random.default_rng([seed, n])
    v = rng.standard_normal(n)
    return (v + 1j * rng.standard_normal(n) if np.dtype(dtype).kind == "c" else v).astype(dtype)


def size(v):
    return np.linalg.norm(v)


def groups(v):
    return np.array([size(v[g == LABELS]) for g in range(3)])


# name: the function of a weight, the norm, and the ball of the dual norm
NORMS = {
    "L1Norm": (no.L1Norm, lambda x: np.sum(abs(x)), no.LinfBall),
    "L2Norm": (no.L2Norm, size, no.L2Ball),
    "LinfNorm": (no.LinfNorm, lambda x: np.max(abs(x)), no.L1Ball),
    "GroupL1Norm": (lambda w: no.GroupL1Norm(LABELS, w), lambda x: np.sum(groups(x)), None),
}
ALL = [pytest.param(*entry, id=name) for name, entry in NORMS.items()]
FUNCTIONS = [pytest.param(entry[0], id=name) for name, entry in NORMS.items()]
WEIGHTS = [0.05, 0.6, 2.0]


# --- closed forms ---------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("weight", WEIGHTS)
def test_the_1_norm_shortens_every_modulus(weight, dtype):
    x = random_vector(0, dtype)
    expected = x / abs(x) * np.maximum(abs(x) - weight, 0.0)
    np.testing.assert_allclose(no.prox(x, no.L1Norm(weight)), expected, rtol=1e-14)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("weight", WEIGHTS)
def test_the_2_norm_shortens_the_vector(weight, dtype):
    x = random_vector(1, dtype)
    expected = x * max(1 - weight / size(x), 0.0)
    np.testing.assert_allclose(no.prox(x, no.L2Norm(weight)), expected, rtol=1e-14)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("weight", WEIGHTS)
def test_the_maximum_norm_clips_the_moduli_at_a_height_that_cuts_off_the_weight(weight, dtype):
    x = random_vector(2, dtype)
    height = scipy.optimize.brentq(lambda t: np.maximum(abs(x) - t, 0).sum() - weight, 0.0, abs(x).max(), xtol=1e-15)
    expected = x / abs(x) * np.minimum(abs(x), height)
    np.testing.assert_allclose(no.prox(x, no.LinfNorm(weight)), expected, rtol=1e-12)


@exact.on_moduli
def shortened(moduli, weight):
    return [max(m - exact.number(weight), 0) for m in moduli]


LARGEST, SMALLEST = 1.7e308, 5e-324
EXTREMES = [
    [LARGEST * (1 + 1j), LARGEST, 1.0],
    [1e300 + 1e300j, 1e-300j],
    [SMALLEST * (1 + 1j), 3e-310 + 1e-310j],
    [1.0, 1e-160 + 1e-160j],
]


@pytest.mark.parametrize("x", EXTREMES, ids=str)
@pytest.mark.parametrize("weight", [0.0, SMALLEST, 1e-310, 0.5, 1e300, LARGEST])
def test_moduli_that_overflow_or_are_subnormal(x, weight):
    x = np.array(x)
    expected = shortened(x, weight)
    near = 4 * np.finfo(float).eps * np.max(abs(x.view(float))) + 2 * SMALLEST
    for h, wanted in ((no.L1Norm, expected), (no.LinfNorm, x - exact.l1_ball(x, weight))):
        p = no.prox(x, h(weight))
        np.testing.assert_allclose(p.view(float), wanted.view(float), rtol=0, atol=near)  # moduli overflow


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("weight", WEIGHTS)
def test_groups_are_shortened_one_by_one(weight, dtype):
    x = random_vector(3, dtype)
    expected = x.copy()
    for g in range(3):
        expected[g == LABELS] = no.prox(x[g == LABELS], no.L2Norm(weight))
    np.testing.assert_allclose(no.prox(x, no.GroupL1Norm(LABELS, weight)), expected, rtol=1e-13)


@pytest.mark.parametrize("dtype", DTYPES)
def test_one_group_is_the_2_norm_and_single_entries_are_the_1_norm(dtype):
    x = random_vector(4, dtype)
    one = no.prox(x, no.GroupL1Norm(np.zeros(N, int), 0.7))
    np.testing.assert_allclose(one, no.prox(x, no.L2Norm(0.7)), rtol=1e-13)
    single = no.prox(x, no.GroupL1Norm(np.arange(N), 0.7))
    np.testing.assert_allclose(single, no.prox(x, no.L1Norm(0.7)), rtol=1e-13)


# --- the definition -------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("weight", WEIGHTS)
@pytest.mark.parametrize(("of", "norm", "dual"), ALL)
def test_no_other_point_is_better(of, norm, dual, weight, dtype):
    """prox(x) = argmin |p - x|^2 / 2 + w ||p||, which is strongly convex: others exceed it by |p - q|^2 / 2."""
    rng = np.random.default_rng(5)
    x = random_vector(5, dtype)
    p = no.prox(x, of(weight))

    def total(q):
        return size(q - x) ** 2 / 2 + weight * norm(q)

    least = total(p)
    for k in range(200):
        q = p + 10.0 ** rng.uniform(-6, 0) * random_vector(1000 + k, dtype) * (rng.random(N) < rng.random())
        assert total(q) - least >= 0.5 * size(q - p) ** 2 - 1e-13
    for q in (x, 0 * x, 0.5 * p, -p):
        assert total(q) - least >= 0.5 * size(q - p) ** 2 - 1e-13


@pytest.mark.parametrize(("of", "norm", "dual"), ALL)
def test_a_minimiser_without_derivatives_finds_no_less(of, norm, dual):
    x = random_vector(6)[:6]
    p = no.prox(x, of(0.5))

    def total(q):
        return size(q - x) ** 2 / 2 + 0.5 * norm(q)

    found = scipy.optimize.minimize(total, x, method="Powell", options={"xtol": 1e-8, "ftol": 1e-14, "maxfev": 20000})
    assert total(p) <= found.fun + 1e-14


# --- Moreau's identity ----------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("weight", WEIGHTS)
@pytest.mark.parametrize(("of", "norm", "dual"), ALL)
def test_what_the_projection_onto_the_dual_ball_leaves(of, norm, dual, weight, dtype):
    x = random_vector(7, dtype)
    if dual is None:  # of groups: every group by itself
        projected = x.copy()
        for g in range(3):
            projected[g == LABELS] = no.project(x[g == LABELS], no.L2Ball(weight))
    else:
        projected = no.project(x, dual(weight))
    np.testing.assert_allclose(no.prox(x, of(weight)) + projected, x, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize(("of", "norm", "dual"), ALL)
def test_beyond_the_dual_norm_nothing_is_left(of, norm, dual):
    x = random_vector(8)
    np.testing.assert_array_equal(no.prox(x, of(np.sum(abs(x)) * 1.001)), 0.0)


# --- properties -----------------------------------------------------------------------------------


@pytest.mark.parametrize("of", FUNCTIONS)
def test_phases_and_signs(of):
    """prox(e^{it} x) = e^{it} prox(x), and so for every entry by itself: all four are functions of the moduli."""
    z, turn = random_vector(9, complex), np.exp(1j * np.linspace(0, 5, N))
    np.testing.assert_allclose(no.prox(turn * z, of(0.6)), turn * no.prox(z, of(0.6)), rtol=1e-13, atol=1e-15)
    x, signs = random_vector(9), np.where(np.arange(N) % 2, -1.0, 1.0)
    np.testing.assert_array_equal(no.prox(signs * x, of(0.6)), signs * no.prox(x, of(0.6)))


@pytest.mark.parametrize("of", FUNCTIONS)
def test_a_real_vector_as_a_complex_one(of):
    x = random_vector(10)
    turned = no.prox(x.astype(complex), of(0.6))
    np.testing.assert_array_equal(turned.imag, 0.0)
    np.testing.assert_allclose(turned.real, no.prox(x, of(0.6)), rtol=1e-14)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("of", FUNCTIONS)
def test_firmly_nonexpansive(of, dtype):
    for k in range(20):
        x, y = random_vector(2 * k, dtype), random_vector(2 * k + 1, dtype)
        d = no.prox(x, of(0.6)) - no.prox(y, of(0.6))
        assert size(d) ** 2 <= np.vdot(d, x - y).real + 1e-13


@pytest.mark.parametrize("of", FUNCTIONS)
def test_powers_of_two_scale_it(of):
    for dtype in (float, complex, np.float32, np.complex64) if PLAIN else (float, complex):
        x = random_vector(11, dtype)
        real, single = x.real.dtype, x.real.dtype == np.float32
        far = (-100, 30, 120) if single else (-980, -700, -511, -480, -400, 300, 486, 500, 512, 700, 1000)
        for factor in (real.type(2.0**k) for k in far):
            expected = factor * no.prox(x, of(0.6))
            np.testing.assert_array_equal(no.prox(factor * x, of(float(factor) * 0.6)), expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("of", FUNCTIONS)
def test_a_weight_of_0_changes_nothing(of, dtype):
    x = random_vector(12, dtype)
    np.testing.assert_allclose(no.prox(x, of(0.0)), x, rtol=1e-15)


@pytest.mark.parametrize("of", FUNCTIONS)
def test_the_vector_0(of):
    np.testing.assert_array_equal(no.prox(np.zeros(N), of(0.5)), 0.0)
    np.testing.assert_array_equal(no.prox(np.zeros(N, complex), of(0.0)), 0.0)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("of", FUNCTIONS)
def test_nan_is_not_hidden(of, dtype):
    x = random_vector(13, dtype)
    x[2] = np.nan
    assert np.isnan(no.prox(x, of(0.5))).all()


@pytest.mark.parametrize("of", FUNCTIONS)
def test_into_out_and_in_place(of):
    x = random_vector(14)
    before, out = x.copy(), np.full(N, 7.0)
    expected = no.prox(x, of(0.5))
    assert no.prox(x, of(0.5), out) is out
    np.testing.assert_array_equal(out, expected)
    np.testing.assert_array_equal(x, before)
    no.prox(x, of(0.5), x)
    np.testing.assert_array_equal(x, expected)


@pytest.mark.parametrize("dtype", [np.float32, np.complex64])
@pytest.mark.parametrize("of", FUNCTIONS[:: 1 if PLAIN else 2])
def test_single_precision(of, dtype):
    x = random_vector(15, dtype)
    p = no.prox(x, of(0.5))
    assert p.dtype == dtype
    np.testing.assert_allclose(p, no.prox(x.astype(np.promote_types(dtype, float)), of(0.5)), rtol=1e-5, atol=1e-6)


def test_no_entry():
    for of in (no.L1Norm(0.5), no.L2Norm(0.5), no.LinfNorm(0.5), no.GroupL1Norm(np.zeros(0, int), 0.5)):
        assert no.prox(np.zeros(0), of).shape == (0,)


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize("weight", [-0.1, np.nan])
@pytest.mark.parametrize("of", FUNCTIONS)
def test_bad_weights_are_named(of, weight):
    with pytest.raises(ValueError, match="weight"):
        of(weight)


def test_labels_of_another_length():
    with pytest.raises(ValueError, match="3 entries"):
        no.prox(np.ones(3), no.GroupL1Norm(LABELS, 0.5))


def test_a_norm_is_no_set():
    with pytest.raises(TypeError):
        no.project(np.ones(3), no.L1Norm(0.5))


# --- inside compiled code -------------------------------------------------------------------------


@njit
def inside(x, labels, weight):
    a = no.prox(x, no.L1Norm(weight))
    b = no.prox(x, no.L2Norm(weight))
    c = no.prox(x, no.LinfNorm(weight))
    d = np.empty_like(x)
    no.prox(x, no.GroupL1Norm(labels, weight), d)
    return a, b, c, d


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_bits_inside_njit(dtype):
    x = random_vector(16, dtype)
    for found, entry in zip(inside(x, LABELS, 0.5), NORMS.values(), strict=True):
        np.testing.assert_array_equal(found, no.prox(x, entry[0](0.5)))
