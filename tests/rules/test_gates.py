"""Rules that gate, wrap, accumulate or need the value, against what they are made of and against Optax."""

import importlib
import pickle

import numba
import numpy as np
import pytest

import numopt as no

pytestmark = pytest.mark.variants


def gradients(steps, n=4, seed=0):
    return np.random.default_rng(seed).standard_normal((steps, n))


class TestSkipNonFinite:
    @pytest.mark.parametrize("dtype", [float, complex])
    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    def test_bad_calls_change_nothing(self, bad, dtype):
        x, clean = np.ones(4, dtype), np.ones(4, dtype)
        opt, plain = no.chain(no.SkipNonFinite(), no.Adam(0.1)).init(x), no.Adam(0.1).init(clean)
        for k, g in enumerate(gradients(6).astype(dtype)):
            if k in (1, 2, 4):
                opt.update(x, np.where(np.arange(4) == k % 4, bad, g))
            else:
                opt.update(x, g)
                plain.update(clean, g)
            np.testing.assert_array_equal(x, clean)
        assert opt.count == plain.count == 3
        assert opt.state["SkipNonFinite"].skipped == 3
        assert opt.state["SkipNonFinite"].in_a_row == 0

    def test_a_bad_value_is_skipped_too(self):
        x = np.ones(2)
        opt = no.chain(no.SkipNonFinite(), no.SGD(1.0)).init(x)
        opt.update(x, np.ones(2), np.nan)
        opt.update(x, np.ones(2), np.inf)
        np.testing.assert_array_equal(x, [1, 1])
        opt.update(x, np.ones(2), 5.0)
        np.testing.assert_array_equal(x, [0, 0])

    def test_after_so_many_in_a_row_they_pass(self):
        x = np.ones(1)
        opt = no.chain(no.SkipNonFinite(max_consecutive=2), no.SGD(1.0)).init(x)
        for _ in range(2):
            opt.update(x, np.array([np.nan]))
            assert x[0] == 1.0
        opt.update(x, np.array([np.nan]))
        assert np.isnan(x[0])

    def test_large_gradients_are_finite(self):
        x = np.zeros(3)
        opt = no.chain(no.SkipNonFinite(), no.SGD(1.0)).init(x)
        opt.update(x, np.array([1e308, -1e308, 1e308]))
        assert opt.count == 1


class TestAccumulateGradients:
    @pytest.mark.parametrize("k", [1, 3])
    def test_is_the_rule_with_the_means(self, k):
        x, y = np.ones(4), np.ones(4)
        opt, plain = no.chain(no.AccumulateGradients(k), no.Adam(0.1)).init(x), no.Adam(0.1).init(y)
        calls = gradients(4 * k)
        for number, g in enumerate(calls, 1):
            opt.update(x, g)
            if number % k == 0:
                plain.update(y, calls[number - k : number].mean(axis=0))
            np.testing.assert_allclose(x, y, rtol=1e-13)
        assert opt.count == plain.count == 4

    @pytest.mark.parametrize("dtype", [float, complex, np.float32])
    def test_means_of_the_largest_numbers(self, dtype):
        """Their differences and sums are infinite."""
        big = float(np.finfo(dtype).max)
        calls = np.array([[big, -big, big, 1.0], [-big, big, big, 1.0], [big, -big, big, 1.0]], dtype)
        x = np.zeros(4, dtype)
        opt = no.chain(no.AccumulateGradients(3), no.SGD(1.0)).init(x)
        for g in calls * 1j if dtype is complex else calls:
            opt.update(x, g)
        expected = -np.array([big / 3, -big / 3, big, 1.0])
        np.testing.assert_allclose(x * -1j if dtype is complex else x, expected, rtol=4 * np.finfo(dtype).eps)

    def test_behind_skip_non_finite(self):
        x = np.zeros(1)
        opt = no.chain(no.SkipNonFinite(), no.AccumulateGradients(2), no.SGD(1.0)).init(x)
        for g in (1.0, np.nan, 3.0):
            opt.update(x, np.array([g]))
        assert x[0] == -2.0

    def test_single_precision_and_pickle(self):
        x = np.zeros(2, np.complex64)
        opt = no.chain(no.AccumulateGradients(2), no.SGD(1.0)).init(x)
        opt.update(x, np.array([1, 2j], np.complex64))
        again = pickle.loads(pickle.dumps(opt))
        again.update(x, np.array([3, 4j], np.complex64))
        np.testing.assert_array_equal(x, np.array([-2, -3j], np.complex64))


def test_gates_stand_first():
    for gate in (no.SkipNonFinite(), no.AccumulateGradients(2)):
        with pytest.raises(ValueError, match="must stand first"):
            no.chain(no.Clip(1.0), gate, no.SGD(0.1)).init(np.ones(2))


class TestLookahead:
    def test_against_a_loop(self):
        x, fast = np.ones(4), np.ones(4)
        opt, inner = no.Lookahead(no.SGD(0.1, 0.9), k=3, alpha=0.25).init(x), no.SGD(0.1, 0.9).init(fast)
        slow = fast.copy()
        for t, g in enumerate(gradients(10), 1):
            opt.update(x, g)
            inner.update(fast, g)
            if t % 3 == 0:
                slow += 0.25 * (fast - slow)
                fast[:] = slow
            np.testing.assert_allclose(x, fast, rtol=1e-13, atol=1e-14)
        np.testing.assert_allclose(opt.state["SlowWeights"].slow, slow, rtol=1e-13)

    def test_slow_weights_on_the_way_through_all_numbers(self):
        """What they move along is longer than the largest number."""
        big = 1.7e308
        x = np.array([-big, big, 2.0])
        opt = no.Lookahead(no.SGD(1.0), k=2, alpha=0.75).init(x)
        for _ in range(2):
            opt.update(x, np.array([-big, big, 0.0]))
        np.testing.assert_allclose(x, [big / 2, -big / 2, 2.0], rtol=1e-15)
        np.testing.assert_array_equal(opt.state["SlowWeights"].slow, x)

    def test_inside_njit(self):
        @numba.njit
        def run(x, calls):
            opt = no.Lookahead(no.SGD(0.1), k=2).init(x)
            for k in range(calls.shape[0]):
                opt.update(x, calls[k])
            return opt

        x, y = np.ones(4), np.ones(4)
        run(x, gradients(5))
        opt = no.Lookahead(no.SGD(0.1), 2, 0.5).init(y)
        for g in gradients(5):
            opt.update(y, g)
        np.testing.assert_array_equal(x, y)


class TestScheduleFree:
    @pytest.mark.parametrize("rate", [0.1, no.linear(0.0, 0.1, 5)])
    def test_against_the_paper(self, rate):
        x = np.ones(4)
        opt, inner = no.ScheduleFree(no.SGD(rate), b1=0.8).init(x), no.SGD(rate).init(np.ones(4))
        y, z, weights, largest = np.ones(4), np.ones(4), 0.0, 0.0
        for g in gradients(10):
            largest = max(largest, inner.learning_rate)
            weights += largest**2
            c = largest**2 / weights if weights > 0 else 0.0
            mean = (y - 0.2 * z) / 0.8
            inner.update(z, g)
            mean = (1 - c) * mean + c * z
            y = 0.8 * mean + 0.2 * z
            opt.update(x, g)
            np.testing.assert_allclose(x, y, rtol=1e-12)
            np.testing.assert_allclose(opt.state["Averaged"].average, mean, rtol=1e-12)

    def test_is_optaxs(self):
        jax, optax = pytest.importorskip("jax"), pytest.importorskip("optax")
        contrib = importlib.import_module("optax.contrib")
        before = jax.config.jax_enable_x64
        jax.config.update("jax_enable_x64", True)
        try:
            theirs = contrib.schedule_free(optax.adam(0.1, b1=0.0), 0.1, b1=0.9)
            x, y = np.ones(4), np.ones(4)
            opt, state = no.ScheduleFree(no.Adam(0.1, b1=0.0)).init(x), theirs.init(y)
            for g in gradients(50):
                opt.update(x, g)
                u, state = theirs.update(g, state, y)
                y = np.asarray(y + u)
                np.testing.assert_allclose(x, y, rtol=1e-10, atol=1e-10)
            mean = contrib.schedule_free_eval_params(state, y)
            np.testing.assert_allclose(opt.state["Averaged"].average, mean, rtol=1e-9, atol=1e-10)
        finally:
            jax.config.update("jax_enable_x64", before)


class TestPolyakSGD:
    def test_finds_the_minimum_of_a_norm(self):
        """f = |x - c| is where Polyak's step is exact: one step."""
        c, x = np.array([1.0, -2.0]), np.array([4.0, 2.0])
        opt = no.PolyakSGD(max_lr=100.0).init(x)
        distance = np.linalg.norm(x - c)
        opt.update(x, (x - c) / distance, distance)
        np.testing.assert_allclose(x, c, atol=1e-14)

    def test_limits(self):
        x = np.zeros(2)
        opt = no.PolyakSGD(max_lr=0.5, f_min=1.0).init(x)
        opt.update(x, np.array([0.1, 0.0]), 100.0)  # limited
        np.testing.assert_allclose(x, [-0.05, 0])
        opt.update(x, np.array([0.1, 0.0]), 0.5)  # below f_min
        opt.update(x, np.zeros(2), 5.0)  # no gradient
        np.testing.assert_allclose(x, [-0.05, 0])

    def test_wants_the_value(self):
        x = np.ones(2)
        opt = no.PolyakSGD().init(x)
        with pytest.raises(ValueError, match=r"PolyakSGD needs the value.*update\(x, g, f\)"):
            opt.update(x, np.ones(2))
        with pytest.raises(TypeError, match="must be real"):
            opt.update(x, np.ones(2), 1j)
        assert opt.count == 0


class TestReduceOnPlateau:
    def test_by_hand(self):
        x = np.zeros(1)
        opt = no.chain(no.SGD(1.0), no.ReduceOnPlateau(0.5, patience=2, cooldown=1, min_scale=0.2)).init(x)
        scales = []
        for f in (5.0, 5.0, 5.0, 5.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0):
            opt.update(x, np.zeros(1), f)
            scales.append(opt.state["ReduceOnPlateau"].scale)
        # bad 1, bad 2: half, cooling; 4.0 is better; bad 1, 2: a quarter, cooling; bad 1, 2: at least .2
        assert scales == [1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.2]

    @pytest.mark.slow
    def test_is_optaxs(self):
        jax, optax = pytest.importorskip("jax"), pytest.importorskip("optax")
        reduce_on_plateau = importlib.import_module("optax.contrib").reduce_on_plateau
        before = jax.config.jax_enable_x64
        jax.config.update("jax_enable_x64", True)
        try:
            options = {"factor": 0.7, "patience": 3, "rtol": 1e-3, "cooldown": 2}
            theirs = reduce_on_plateau(**options, accumulation_size=2)
            x = np.zeros(1)
            state = theirs.init(x)
            opt = no.chain(no.Scale(-1.0), no.ReduceOnPlateau(**options, accumulation=2)).init(x)
            rng = np.random.default_rng(3)
            for t in range(200):
                f = 1 / (1 + t) + 0.05 * rng.random()
                u, state = theirs.update(np.ones(1), state, value=f)
                y = np.zeros(1)
                opt.update(y, np.ones(1), f)
                assert y[0] == pytest.approx(-float(u[0]), rel=1e-12)
        finally:
            jax.config.update("jax_enable_x64", before)
        assert optax

    @pytest.mark.jit_only
    def test_the_value_inside_njit(self):
        @numba.njit
        def run(opt, x, f):
            return opt.update(x, np.ones(1), f)

        @numba.njit
        def forgot(opt, x):
            return opt.update(x, np.ones(1))

        x = np.zeros(1)
        opt = no.chain(no.SGD(1.0), no.ReduceOnPlateau()).init(x)
        assert run(opt, x, 3.0) == 0
        assert opt.state["ReduceOnPlateau"].best == 3.0
        with pytest.raises(TypeError, match="needs the value"):
            forgot(opt, x)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: no.SkipNonFinite(-1), "max_consecutive"),
        (lambda: no.AccumulateGradients(0), "k must"),
        (lambda: no.AccumulateGradients(1.5), "k must"),
        (lambda: no.Lookahead(no.SGD(0.1), k=0), "k must"),
        (lambda: no.Lookahead(no.SGD(0.1), alpha=0), "alpha"),
        (lambda: no.ReduceOnPlateau(factor=1.0), "factor"),
        (lambda: no.ScheduleFree(no.SGD(0.1), b1=0.0), "b1"),
        (lambda: no.PolyakSGD(max_lr=0), "max_lr"),
    ],
)
def test_wrong_numbers_are_named(make, name):
    with pytest.raises(ValueError, match=name):
        make()
