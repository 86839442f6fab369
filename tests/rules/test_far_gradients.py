"""Gradients near the largest and the smallest numbers: every rule makes a right step of them, or a smaller one."""

import numba
import numpy as np
import pytest
from rules.cases import CHAINS, OF_NORMS, RULES, label
from rules.twins import twin

import numopt as no

pytestmark = pytest.mark.variants

PLAIN = bool(numba.config.DISABLE_JIT)  # each rule and dtype takes seconds to compile
LONG = np.finfo(np.longdouble).maxexp > 2000  # squares of all numbers of double precision are in its range
DTYPES = [np.float32, np.float64, np.complex64, np.complex128] if PLAIN else [np.float32, np.complex128]
LARGE_RATES = [
    no.Adam(10.0),
    no.NAdam(10.0),
    no.AMSGrad(10.0),
    no.AdaBelief(10.0, nesterov=True),
    no.AdaMax(10.0),
    no.Yogi(10.0),
    no.RMSProp(10.0),
    no.AdaGrad(10.0),
    no.AdEMAMix(10.0),
    no.Adan(10.0),
    no.ACProp(1.0),
]
ALL = RULES + LARGE_RATES
MENDED = [no.RAdam(0.1), no.RMSProp(0.1, centered=True), no.COCOB(), no.Yogi(0.1), no.Adan(0.1), no.ADOPT(0.1)]
SOME = ALL if PLAIN else MENDED
# while gradients are equal COCOB wins in every step: its x grows exponentially, beyond the largest number
UNTIL_200 = [rule for rule in ALL if not isinstance(rule, no.COCOB)]
SUMS = "the sum of its gradients must not be larger than the largest number"
PROPORTIONAL = "its step is a multiple of the gradient, and may be larger than the largest number"
NEAR_THE_LARGEST = {  # classes that do not take every gradient up to the largest number, and why
    "SGD": SUMS,
    "SimplifiedAdEMAMix": SUMS,
    "MADGRAD": SUMS,
    "COCOB": SUMS,
    "ACProp": PROPORTIONAL,
    "OptimisticGD": PROPORTIONAL,
    "Scale": PROPORTIONAL,
}


def magnitudes(rule, dtype):
    kind = np.finfo(dtype)
    far = {4: (1e-30, 1e20), 8: (1e-200, 1e200)}[kind.dtype.itemsize]
    largest = [] if type(rule).__name__ in NEAR_THE_LARGEST else [float(kind.max) / 4, float(kind.max)]
    return [0.0, float(kind.smallest_subnormal), far[0], 1.0, far[1], float(kind.max) / 1024, *largest]


PATTERNS = [
    lambda t: 1.0,
    lambda t: (-1.0) ** t,
    lambda t: 1.0 if t == 1 else 0.0,
    lambda t: 1.0 if t == 3 else 0.0,
    lambda t: 1.0 if t < 4 else -1.0,
]


def entries(rule, dtype, patterns=PATTERNS):
    """Every magnitude, phase and pattern in time, as one vector; ``g(t)`` gives it."""
    phases = [1.0, 1j, 0.6 - 0.8j, -0.7 - 0.7j] if np.dtype(dtype).kind == "c" else [1.0]
    base = np.array([size * phase for size in magnitudes(rule, dtype) for phase in phases]).astype(dtype)
    assert np.isfinite(base).all()
    return lambda t: np.concatenate([(base * np.array(of(t), base.real.dtype)).astype(dtype) for of in patterns])


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rule", SOME, ids=label)
def test_no_finite_gradient_makes_nan(rule, dtype):
    g = entries(rule, dtype)
    for start in (0.0, 1.0):
        x = np.full(g(1).size, start, dtype)
        opt = rule.init(x)
        for t in range(1, 10):
            opt.update(x, g(t))
            gone = ~np.isfinite(x)
            assert not np.isnan(x).any(), (t, g(3)[np.isnan(x)])
            assert not gone.any() or type(rule).__name__ in NEAR_THE_LARGEST, (t, g(3)[gone])
            x[gone] = 0.0  # a step larger than the largest number is none of interest afterwards


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("dtype", DTYPES[::2] if PLAIN else [np.float32])
@pytest.mark.parametrize("rule", UNTIL_200 if PLAIN else MENDED[:2], ids=label)
def test_nor_does_one_of_200_steps(rule, dtype):
    g = entries(rule, dtype, PATTERNS[:2])
    x = np.zeros(g(1).size, dtype)
    opt, summing = rule.init(x), NEAR_THE_LARGEST.get(type(rule).__name__) == SUMS
    for t in range(1, 201):
        u = g(t)
        if summing:
            u[abs(u) > np.finfo(dtype).max / 1e6] = 1.0
        opt.update(x, u)
        assert np.isfinite(x).all()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.skipif(not LONG, reason="needs numbers of a larger range than double precision")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rule", [rule for rule in SOME if not isinstance(rule, no.RProp)], ids=label)
def test_a_far_step_is_right_or_smaller(rule, dtype):
    """Where a square overflows the step is 0; it is never longer than the exact one."""
    exact = np.clongdouble if np.dtype(dtype).kind == "c" else np.longdouble
    kind, g = np.finfo(dtype), entries(rule, dtype)
    x = np.zeros(g(1).size, dtype)
    opt, move = rule.init(x), twin(rule)
    for t in range(1, 10):
        before = x.astype(exact)
        opt.update(x, g(t))
        expected = np.abs(move(before, g(t).astype(exact), t))
        x[~np.isfinite(x)] = 0.0
        step, known = np.abs(x.astype(exact) - before), expected < kind.max / 8
        room = 0.3 * expected + 4 * kind.eps * (np.abs(before) + np.abs(x)) + 4 * kind.tiny
        assert np.all(step[known] <= (expected + room)[known])
        middling = known & (np.abs(g(3)) <= 1.0) & (np.abs(g(3)) > 1e-3)
        np.testing.assert_allclose(step[middling], expected[middling], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("dtype", DTYPES)
def test_radam_makes_its_first_steps_of_any_size(dtype):
    """Its first steps have no denominator: -lr m-hat, though the square of g is infinite."""
    far = 1e20 if np.finfo(dtype).dtype.itemsize == 4 else 1e200
    x, g = np.zeros(2, dtype), np.array([far, -1.0], dtype)
    opt = no.RAdam(0.1).init(x)
    for t in range(1, 5):
        opt.update(x, g)
        np.testing.assert_allclose(x, -0.1 * t * g, rtol=1e-5)
    for _ in range(4):
        opt.update(x, g)
    np.testing.assert_allclose(x[0], -0.4 * g[0], rtol=0.4)
    assert np.isfinite(x).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_cocob_bets_as_much_on_large_gradients_as_on_small_ones(dtype):
    """Its step does not depend on the scale of g."""
    steps, far = [], 1e20 if np.finfo(dtype).dtype.itemsize == 4 else 1e200
    for scale in (1.0, far):
        x = np.zeros(1, dtype)
        opt = no.COCOB().init(x)
        for sign in (1.0, 1.0, -1.0, 1.0):
            opt.update(x, np.array([sign * scale], dtype))
        steps.append(x[0])
    np.testing.assert_allclose(steps[1], steps[0], rtol=1e-5)
    assert steps[0] != 0.0


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_rprop_sees_the_agreement_of_far_gradients(scale, dtype):
    """Products of them overflow or underflow."""
    turn = 1.0 if np.dtype(dtype).kind == "f" else 0.6 + 0.8j
    x = np.zeros(2, dtype)
    opt = no.RProp(0.1).init(x)
    opt.update(x, (turn * scale * np.array([1.0, -1.0])).astype(dtype))
    opt.update(x, (turn * scale * np.array([2.0, 2.0])).astype(dtype))
    np.testing.assert_allclose(opt.state["RProp"].h, [0.12, 0.05], rtol=1e-6)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("dtype", DTYPES if PLAIN else DTYPES[:1])
@pytest.mark.parametrize("rule", OF_NORMS + CHAINS if PLAIN else OF_NORMS[:1], ids=label)
def test_norms_and_means_of_far_gradients_make_no_nan(rule, dtype):
    sizes = [size for size in magnitudes(rule, dtype) if size < np.finfo(dtype).max / 512]
    turn = 1.0 if np.dtype(dtype).kind == "f" else 0.6 - 0.8j
    for base in [np.full(7, size) for size in sizes] + [np.resize(sizes, 7)]:
        g, x = (turn * base).astype(dtype), np.ones(7, dtype)
        opt = rule.init(x)
        for t in range(1, 7):
            opt.update(x, (g * np.array((-1.0) ** (t // 2), g.real.dtype)).astype(dtype))
            assert np.isfinite(x).all()
