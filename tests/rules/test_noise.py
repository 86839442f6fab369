"""Gradient noise: its numbers, by Python's integers, and what does not change them."""

import copy
import math
import pickle

import numpy as np
import pytest

import numopt as no

pytestmark = pytest.mark.variants

MASK = (1 << 32) - 1


def philox(counter, key):
    """Philox4x32-10 with Python's integers."""
    (c0, c1, c2, c3), (k0, k1) = counter, key
    for _ in range(10):
        a, b = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (b >> 32) ^ c1 ^ k0, b & MASK, (a >> 32) ^ c3 ^ k1, a & MASK
        k0, k1 = (k0 + 0x9E3779B9) & MASK, (k1 + 0xBB67AE85) & MASK
    return c0, c1, c2, c3


def normal(k, t, seed):
    """Normal number k of step t."""
    key = philox((t, 0, 0, 0x6E6F6973), (seed & MASK, seed >> 32))[:2]
    words = philox((k // 4, 0, 0, 0), key)
    u, v = ((word + 0.5) / 2**32 for word in words[2 * (k % 4 // 2) :][:2])
    return math.sqrt(-2 * math.log(u)) * (math.sin if k % 2 else math.cos)(2 * math.pi * v)


def twin(n, dtype, t, rule):
    """The noise of step t."""
    size = math.sqrt(rule.eta / t**rule.gamma)
    if np.dtype(dtype).kind != "c":
        return np.array([size * normal(k, t, int(rule.seed)) for k in range(n)])
    parts = [size / math.sqrt(2) * normal(k, t, int(rule.seed)) for k in range(2 * n)]
    return np.array(parts).view(complex)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.complex128, np.complex64])
def test_equals_its_twin(dtype):
    rule = no.AddNoise(0.3, 0.55, seed=2**40 + 5)
    x = np.zeros(11, dtype)
    opt = no.chain(rule, no.Scale(-1.0)).init(x)
    tolerance = 1e-12 if np.dtype(dtype).char in "dD" else 1e-5
    for t in (1, 2, 3):
        before = x.copy()
        opt.update(x, np.ones(11, dtype))
        np.testing.assert_allclose(before - x, 1 + twin(11, dtype, t, rule), rtol=tolerance, atol=tolerance)


def noisy(n, dtype=float):
    x = np.zeros(n, dtype)
    return x, no.NoisySGD(0.1, seed=4).init(x)


def test_pickled_copied_and_reset_give_the_same_numbers():
    x, opt = noisy(9)
    opt.update(x, np.ones(9))
    runs = []
    for other in (opt, pickle.loads(pickle.dumps(opt)), copy.copy(opt)):
        y = x.copy()
        other.update(y, np.ones(9))
        runs.append(y)
    np.testing.assert_array_equal(runs[0], runs[1])
    np.testing.assert_array_equal(runs[0], runs[2])
    opt.reset()
    z = np.zeros(9)
    opt.update(z, np.ones(9))
    np.testing.assert_array_equal(z, x)


@pytest.mark.parametrize("n", [5, 40_000])
def test_a_rule_that_reduces_sees_the_noise(n):
    if no._jit.PLAIN and n > 5:
        pytest.skip("slow without the compiler")
    x, y = np.zeros(n), np.zeros(n)
    g = np.linspace(-1, 1, n)
    no.chain(no.AddNoise(1.0, 0.0), no.Normalize(1.0, 0.0), no.Scale(-1.0)).init(x).update(x, g)
    no.chain(no.AddNoise(1.0, 0.0), no.Scale(-1.0)).init(y).update(y, g)
    np.testing.assert_allclose(x, y / np.linalg.norm(y), rtol=1e-11)


@pytest.mark.jit_only
def test_threads_and_blocks_do_not_change_the_numbers():
    n = 200_001
    x, opt = noisy(n)
    y, other = noisy(n)
    opt.update(x, np.ones(n))
    no.rules.update.serial_update(other, y, np.ones(n), None)
    np.testing.assert_array_equal(x, y)
    short, third = noisy(50)
    third.update(short, np.ones(50))
    np.testing.assert_array_equal(short, x[:50])
    noise = (x + 0.1) / 0.1
    assert abs(noise.var() - 0.01) < 5 * 0.01 * math.sqrt(2 / n)
    assert abs(noise.mean()) < 5 * 0.1 / math.sqrt(n)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: no.AddNoise(-1.0, 0.5), "eta"),
        (lambda: no.AddNoise(1.0, -0.5), "gamma"),
        (lambda: no.AddNoise(1.0, 0.5, seed=0.5), "seed"),
        (lambda: no.AddNoise(1.0, 0.5, seed=-1), "seed"),
    ],
)
def test_wrong_numbers_are_named(make, name):
    with pytest.raises(ValueError, match=name):
        make()
