"""Every rule and chain against its twin, and the properties that all of them share."""

import copy
import pickle
import re

import numba
import numpy as np
import pytest
from machine_code import assembly, uses, x86_only
from numba.core.runtime import rtsys
from rules.cases import CHAINS, OF_NORMS, RULES, label
from rules.twins import twin

import numopt as no
from numopt._jit import cast
from numopt.generic import coefficients, numbers, vectors
from numopt.rules.passes import _final
from numopt.rules.update import PARALLEL_FROM, parallel_update, serial_update

pytestmark = pytest.mark.variants

N = 21
DTYPES = [np.float64, np.complex128]
ALL = RULES + OF_NORMS + CHAINS
# each rule and dtype takes two seconds to compile: all of them run without the compiler
PLAIN = bool(numba.config.DISABLE_JIT)
SOME = ALL if PLAIN else [*RULES[4::5], OF_NORMS[4], CHAINS[1], CHAINS[5], CHAINS[7]]
FEW = ALL if PLAIN else [no.Adam(0.1), no.RMSProp(0.1, centered=True), no.COCOB(), CHAINS[1], CHAINS[5]]
PAIRS = [(rule, float) for rule in ALL] + [(rule, complex) for rule in SOME]


def random_vector(rng, n, dtype):
    v = rng.standard_normal(n)
    if np.dtype(dtype).kind == "c":
        v = v + 1j * rng.standard_normal(n)
    return v.astype(dtype)


def gradients(n, dtype, steps, seed=0):
    """Of sizes from 1e-2 to 1e2, with a zero now and then."""
    rng = np.random.default_rng([seed, n])
    for _ in range(steps):
        g = random_vector(rng, n, dtype) * 10 ** rng.uniform(-2, 2)
        g[rng.integers(n)] = 0.3
        yield g


@pytest.mark.parametrize(("rule", "dtype"), PAIRS, ids=label)
def test_equals_its_twin(rule, dtype):
    x = random_vector(np.random.default_rng(1), N, dtype)
    expected, move, opt = x.copy(), twin(rule), rule.init(x)
    for t, g in enumerate(gradients(N, dtype, 30), 1):
        before = g.copy()
        opt.update(x, g)
        expected = expected + move(expected, g, t)
        np.testing.assert_allclose(x, expected, rtol=1e-11, atol=1e-12)
        np.testing.assert_array_equal(g, before)
    assert opt.count == 30


@pytest.mark.parametrize("dtype", [np.float32, np.complex64])
@pytest.mark.parametrize("rule", FEW, ids=label)
def test_single_precision_stays_single(rule, dtype):
    wide = np.promote_types(dtype, np.float64)
    x = random_vector(np.random.default_rng(1), N, dtype)
    expected, move, opt = x.astype(wide), twin(rule), rule.init(x)
    for t, g in enumerate(gradients(N, dtype, 5), 1):
        opt.update(x, g)
        expected = expected + move(expected, g.astype(wide), t)
    assert x.dtype == dtype
    assert all(v.dtype in (dtype, np.float32) for kept in opt.vectors for v in kept)
    np.testing.assert_allclose(x, expected, rtol=2e-3, atol=2e-4)


@pytest.mark.parametrize("rule", SOME, ids=label)
def test_turns_with_its_input(rule):
    """A rotation of x and g in the complex plane rotates the iterates: the second moments see moduli only."""
    turn = np.exp(0.7j)
    x = random_vector(np.random.default_rng(2), N, complex)
    y = turn * x
    one, other = rule.init(x), rule.init(y)
    for g in gradients(N, complex, 10):
        one.update(x, g)
        other.update(y, turn * g)
    tolerance = 1e-4 if isinstance(rule, no.Yogi) else 1e-10
    np.testing.assert_allclose(y, turn * x, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("rule", SOME, ids=label)
def test_pickled_and_copied_go_on_bit_for_bit(rule):
    x = random_vector(np.random.default_rng(3), N, complex)
    opt = rule.init(x)
    for g in gradients(N, complex, 3):
        opt.update(x, g)
    for other in (pickle.loads(pickle.dumps(opt)), copy.copy(opt), copy.deepcopy(opt)):
        y, again = x.copy(), copy.deepcopy(opt)
        z = x.copy()
        for g in gradients(N, complex, 3, seed=5):
            other.update(y, g)
            again.update(z, g)
        np.testing.assert_array_equal(y, z)
        assert other.count == 6


@pytest.mark.parametrize("rule", [*SOME, no.MADGRAD(0.1)], ids=label)
def test_reset_is_a_new_beginning(rule):
    start = random_vector(np.random.default_rng(4), N, float)
    x, opt = start.copy(), rule.init(start)
    for g in gradients(N, float, 4):
        opt.update(x, g)
    first = x.copy()
    opt.reset()
    assert opt.count == 0
    x[:] = start
    for g in gradients(N, float, 4):
        opt.update(x, g)
    np.testing.assert_array_equal(x, first)


@pytest.mark.jit_only
@x86_only
@pytest.mark.parametrize(
    ("rule", "dtype"), [(r, np.float32) for r in RULES] + [(r, np.complex64) for r in RULES[::5]], ids=label
)
def test_loops_of_single_precision_are_packed_and_hold_no_double(rule, dtype):
    x, rules = np.ones(8, dtype), (rule,)
    kept, held = vectors(rules, x), numbers(rules, x)
    c = cast(coefficients(rules, held, 1, 0.1), x)
    types = [numba.typeof(value) for value in (rules, c, kept, tuple(rules[-1]), x, x, x)]
    text = assembly(_final(0, 1, 0), tuple(types))
    assert not re.search(r"\bv?cvt(ss2sd|ps2pd)", text)
    assert uses(text, r"(mul|add|sub|fn?m(add|sub)\d+)ps")


@pytest.mark.jit_only
@pytest.mark.parametrize(("rule", "dtype"), [(CHAINS[1], np.float32), (CHAINS[5], complex), (CHAINS[7], float)])
def test_threads_give_the_same_bits(rule, dtype):
    n = 7 * 20_001
    assert n > PARALLEL_FROM
    x = random_vector(np.random.default_rng(5), n, dtype)
    y, one, other = x.copy(), rule.init(x), rule.init(x)
    available = numba.get_num_threads()
    for k, g in enumerate(gradients(n, dtype, 3)):
        assert serial_update(one, x, g, None) == 0
        try:
            numba.set_num_threads(1 + k % available)
            assert parallel_update(other, y, g, None) == 0
        finally:
            numba.set_num_threads(available)
        np.testing.assert_array_equal(x, y)
    one.update(x, g)
    assert serial_update(other, y, g, None) == 0
    np.testing.assert_array_equal(x, y)


@pytest.mark.jit_only
@pytest.mark.parametrize("rule", [no.Adam(0.1), CHAINS[1], CHAINS[5], CHAINS[7]], ids=label)
def test_no_update_allocates(rule):
    x = np.ones(40 * 7)
    g, opt = np.random.default_rng(6).standard_normal(x.size), rule.init(x)
    opt.update(x, g)
    before = rtsys.get_allocation_stats().alloc
    for _ in range(50):
        opt.update(x, g)
    assert rtsys.get_allocation_stats().alloc == before


@pytest.mark.parametrize("rule", RULES, ids=label)
def test_a_nan_touches_its_own_entry_only(rule):
    x, clean = np.ones(5), np.ones(5)
    opt, other = rule.init(x), rule.init(clean)
    for g in gradients(5, float, 4):
        bad = g.copy()
        bad[2] = np.nan
        opt.update(x, bad)
        other.update(clean, g)
    keep = [0, 1, 3, 4]
    np.testing.assert_array_equal(x[keep], clean[keep])
    if not isinstance(rule, no.ADOPT):  # its first step does not move
        assert np.isnan(x[2])


@pytest.mark.parametrize("rule", [*OF_NORMS, CHAINS[2]], ids=label)
def test_a_nan_shows_in_all_entries(rule):
    x = np.ones(5)
    rule.init(x).update(x, np.array([1.0, np.nan, 2.0, 3.0, 4.0]))
    assert np.isnan(x).all()


@pytest.mark.parametrize("n", [0, 1])
@pytest.mark.parametrize("rule", [no.Adam(0.1), *CHAINS[:2], CHAINS[3]], ids=label)
def test_no_entry_and_one_entry(rule, n):
    x = np.ones(n)
    opt = rule.init(x)
    opt.update(x, np.full(n, 2.0))
    assert x.shape == (n,)
    assert opt.count == 1
    assert np.isfinite(x).all()


@numba.njit
def inside(x, g, steps):
    opt = no.chain(no.Clip(1.0), no.Centralize(), no.Adam(1e-2, b2=0.99)).init(x)
    for k in range(steps):
        if k == 3:
            opt.learning_rate = 0.5
        opt.update(x, g)
    return opt, opt.learning_rate, opt.count


def test_the_same_inside_njit():
    x, y = np.ones(6), np.ones(6)
    g = np.arange(6.0)
    opt, rate, count = inside(x, g, 5)
    assert (rate, count) == (0.5, 5)
    other = no.chain(no.Clip(1.0), no.Centralize(), no.Adam(1e-2, b2=0.99)).init(y)
    for k in range(5):
        if k == 3:
            other.learning_rate = 0.5
        other.update(y, g)
    np.testing.assert_array_equal(x, y)
    opt.update(x, g)
    other.update(y, g)
    np.testing.assert_array_equal(x, y)


@numba.njit
def with_wrong_sizes(opt, x, g):
    return opt.update(x, g[:-1])


@pytest.mark.jit_only
def test_wrong_sizes_inside_njit_touch_nothing():
    x = np.ones(4)
    opt = no.Adam(0.1).init(x)
    assert with_wrong_sizes(opt, x, np.ones(4)) == -1
    assert opt.count == 0
    np.testing.assert_array_equal(x, np.ones(4))


def test_acprop_by_hand():
    """Steps 1 to 3 in exact decimals."""
    x = np.array([0.0])
    opt = no.ACProp(1.0, b1=0.5, b2=0.5, eps=0.25).init(x)
    opt.update(x, np.array([2.0]))  # u = g = 2; m = 1; s = .5 * 1 + .25 = .75
    assert x[0] == -2.0
    opt.update(x, np.array([3.0]))  # u = 3 / (sqrt(.75 / .5) + .25); m = 2; s = .375 + .5 + .25 = 1.125
    second = 3 / (np.sqrt(1.5) + 0.25)
    assert x[0] == pytest.approx(-2 - second, rel=1e-15)
    opt.update(x, np.array([1.0]))  # u = 1 / (sqrt(1.125 / .75) + .25)
    assert x[0] == pytest.approx(-2 - second - 1 / (np.sqrt(1.5) + 0.25), rel=1e-15)
    assert opt.state["ACProp"].m[0] == 1.5


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("scale", [1e-300, 1e-170, 1.0, 1e160, 1e300])
def test_norms_neither_overflow_nor_underflow(scale, dtype):
    g = scale * random_vector(np.random.default_rng(7), 50, dtype)
    x = np.zeros(50, dtype)
    no.chain(no.ClipByGlobalNorm(scale), no.Scale(-1.0)).init(x).update(x, g)
    unit = g / scale
    np.testing.assert_allclose(-x / scale, unit / np.linalg.norm(unit), rtol=1e-13)


def test_norm_of_mixed_sizes():
    g = np.array([3e300, 4e300, 1.0, 1e-300])
    x = np.zeros(4)
    opt = no.chain(no.ClipByGlobalNorm(1.0), no.Scale(-1.0)).init(x)
    opt.update(x, g)
    assert opt.state["ClipByGlobalNorm"].norm == pytest.approx(5e300, rel=1e-14)


def test_keep_non_negative():
    x = np.array([1.0, 0.1, 0.0])
    no.chain(no.SGD(1.0), no.KeepNonNegative()).init(x).update(x, np.array([0.5, 0.5, -1.0]))
    np.testing.assert_allclose(x, [0.5, 0.0, 1.0])


@pytest.mark.parametrize("dtype", DTYPES)
def test_zero_non_finite(dtype):
    x = np.zeros(4, dtype)
    g = np.array([1.0, np.nan, np.inf, -np.inf], dtype)
    no.chain(no.ZeroNonFinite(), no.SGD(1.0)).init(x).update(x, g)
    np.testing.assert_array_equal(x, [-1, 0, 0, 0])


def test_clip_of_infinities():
    x = np.zeros(3)
    no.chain(no.Clip(2.0), no.Scale(-1.0)).init(x).update(x, np.array([np.inf, -np.inf, np.nan]))
    np.testing.assert_array_equal(x, [-2.0, 2.0, np.nan])


class TestOptimizer:
    def test_learning_rate(self):
        x = np.ones(2)
        opt = no.SGD(0.5).init(x)
        assert opt.learning_rate == 0.5
        opt.learning_rate = 0.25
        assert opt.learning_rate == 0.25
        opt.update(x, np.ones(2))
        np.testing.assert_array_equal(x, [0.75, 0.75])
        for wrong in (-1.0, np.nan, np.inf, "fast", "0.1", np.complex128(1.0)):
            with pytest.raises((ValueError, TypeError), match="learning_rate"):
                opt.learning_rate = wrong

    def test_no_learning_rate_to_set(self):
        with pytest.raises(AttributeError, match="no rule of the chain has one"):
            no.Scale(-1.0).init(np.ones(2)).learning_rate = 0.5

    def test_schedule(self):
        x, opt = np.zeros(1), no.SGD(no.linear(1.0, 0.0, 4)).init(np.zeros(1))
        seen = []
        for _ in range(5):
            seen.append(opt.learning_rate)
            opt.update(x, np.ones(1))
        assert seen == [1.0, 0.75, 0.5, 0.25, 0.0]
        assert x[0] == -2.5
        opt.learning_rate = 0.125
        assert opt.learning_rate == 0.125
        opt.reset()
        assert opt.learning_rate == 1.0

    def test_schedules_of_other_numbers(self):
        x = np.ones(1)
        opt = no.chain(no.AddDecayedWeights(no.linear(1.0, 0.0, 2)), no.SGD(0.5)).init(x)
        opt.update(x, np.zeros(1))
        opt.update(x, np.zeros(1))
        assert x[0] == 0.5 * 0.75

    def test_state(self):
        x = np.ones(3)
        opt = no.chain(no.Trace(0.5), no.Centralize(), no.Trace(0.1), no.SGD(1.0)).init(x)
        opt.update(x, np.array([1.0, 2.0, 3.0]))
        state = opt.state
        assert list(state) == ["Trace", "Centralize", "Trace_2", "SGD"]
        np.testing.assert_array_equal(state["Trace"].m, [1, 2, 3])
        assert state["Centralize"].mean == 2.0
        np.testing.assert_array_equal(state["Trace_2"].m, [-1, 0, 1])
        assert [type(rule).__name__ for rule in opt.rules] == ["Trace", "Centralize", "Trace", "SGD"]
        assert "Trace(decay=" in repr(opt)
        with pytest.raises(AttributeError):
            opt.lerning_rate = 1.0

    @pytest.mark.parametrize(
        ("x", "g"),
        [
            (np.ones(3), np.ones(2)),
            (np.ones(2), np.ones(3)),
            (np.ones(3), np.ones(3)),
            (np.ones(2, complex), np.ones(2, complex)),
            (np.ones(2, np.float32), np.ones(2, np.float32)),
            (np.ones(2), np.ones(2, np.float32)),
            (np.ones(2), np.ones(2, complex)),
            (np.ones(2), np.ones(2, int)),
            (np.ones((2, 1)), np.ones((2, 1))),
            (np.ones(2), np.ones((2, 1))),
            (np.ones(4)[::2], np.ones(2)),
            ([1.0, 1.0], np.ones(2)),
            (np.broadcast_to(1.0, 2), np.ones(2)),
        ],
    )
    def test_what_does_not_match_is_refused_before_anything_is_touched(self, x, g):
        opt = no.Adam(0.1).init(np.ones(2))
        with pytest.raises(ValueError, match="update"):
            opt.update(x, g)
        assert opt.count == 0
        assert not opt.state["Adam"].v.any()
        np.testing.assert_array_equal(np.asarray(x), np.ones(np.shape(x)))

    def test_gradients_of_any_stride_and_lists(self):
        x = np.zeros(2)
        opt = no.SGD(1.0).init(x)
        opt.update(x, np.array([1.0, 5.0, 2.0, 5.0])[::2])
        opt.update(x, [1.0, 2.0])
        opt.update(x, np.broadcast_to(0.5, 2))  # read-only
        np.testing.assert_array_equal(x, [-2.5, -4.5])

    @pytest.mark.parametrize("x", [np.ones((2, 2)), np.float64(1.0)])
    def test_init_wants_a_vector(self, x):
        with pytest.raises(ValueError, match="vector"):
            no.Adam(0.1).init(x)

    @pytest.mark.parametrize("x", [np.ones(2, int), ["a"], np.ones(2, np.longdouble)])
    def test_init_wants_floating_numbers(self, x):
        with pytest.raises(TypeError, match="float32"):
            no.Adam(0.1).init(x)


class TestChain:
    def test_nested_chains_flatten(self):
        inner = no.chain(no.Clip(1.0), no.Centralize())
        assert no.chain(inner, no.Adam(1e-3)) == no.chain(no.Clip(1.0), no.Centralize(), no.Adam(1e-3))
        assert repr(no.chain(no.Scale(2.0))) == "chain(Scale(factor=2.0))"

    @pytest.mark.parametrize("wrong", [None, 3, "adam", no.MoreThuente(), no.Adam])
    def test_takes_rules_only(self, wrong):
        with pytest.raises(TypeError, match="chain takes rules"):
            no.chain(no.Clip(1.0), wrong)

    def test_wants_a_rule(self):
        with pytest.raises(ValueError, match="at least one"):
            no.chain()

    def test_climbs(self):
        with pytest.raises(ValueError, match="would climb"):
            no.chain(no.Clip(1.0), no.Centralize()).init(np.ones(2))

    def test_two_learning_rates(self):
        with pytest.raises(ValueError, match="more than one learning rate"):
            no.chain(no.SGD(0.1), no.Adam(0.1)).init(np.ones(2))

    @pytest.mark.jit_only
    def test_climbs_inside_njit(self):
        @numba.njit
        def climb(x):
            return no.chain(no.Clip(1.0)).init(x)

        with pytest.raises(TypeError, match=r"^.*would climb"):
            climb(np.ones(2))

    def test_rows_must_fit(self):
        with pytest.raises(ValueError, match=r"row=4.*multiple"):
            no.chain(no.Centralize(row=4), no.SGD(0.1)).init(np.ones(6))


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: no.Adam(-1.0), "learning_rate"),
        (lambda: no.Adam(np.nan), "learning_rate"),
        (lambda: no.Adam(0.1, b1=1.0), "b1"),
        (lambda: no.Adam(0.1, b2=-0.1), "b2"),
        (lambda: no.Adam(0.1, eps=-1), "eps"),
        (lambda: no.AdamW(0.1, weight_decay=-1), "weight_decay"),
        (lambda: no.SGD(0.1, momentum=1.5), "momentum"),
        (lambda: no.SGD(0.1, nesterov=True), "nesterov"),
        (lambda: no.RMSProp(0.1, nesterov=True), "nesterov"),
        (lambda: no.Clip(0.0), "limit"),
        (lambda: no.ClipByGlobalNorm(-1), "largest"),
        (lambda: no.Centralize(row=0), "row"),
        (lambda: no.Centralize(row=2.5), "row"),
        (lambda: no.RProp(0.1, eta=(1.1, 1.2)), "eta"),
        (lambda: no.RProp(0.1, eta=0.5), "eta must be a tuple of 2"),
        (lambda: no.Adan(0.1, b=0.9), "b must be a tuple of 3"),
        (lambda: no.RProp(0.1, steps=(1.0, 0.1)), "steps"),
        (lambda: no.Adan(0.1, b=(0.9, 0.9)), "b must be"),
        (lambda: no.RAdam(0.1, threshold=3), "threshold"),
        (lambda: no.Scale(np.inf), "factor"),
        (lambda: no.Trace(1.0), "decay"),
        (lambda: no.COCOB(alpha=0), "alpha"),
        (lambda: no.Centralize(row=np.inf), "row must be a whole number from 1"),
        (lambda: no.AccumulateGradients(np.inf), "k must be a whole number from 1"),
        (lambda: no.SlowWeights(k=np.inf), "k must be a whole number from 1"),
        (lambda: no.SlowWeights(alpha=np.nan), "0 < alpha <= 1, got nan"),
        (lambda: no.Averaged(b1=0.0), "0 < b1 <= 1, got 0.0"),
        (lambda: no.PolyakSGD(f_min=np.nan), "f_min must be a finite number, got nan"),
        (lambda: no.PolyakSGD(f_min=-np.inf), "f_min must be a finite number, got -inf"),
        (lambda: no.ReduceOnPlateau(patience=0.5), "patience must be a whole number from 1 .* got 0.5"),
        (lambda: no.ReduceOnPlateau(accumulation=2.5), "accumulation must be a whole number from 1 .* got 2.5"),
        (lambda: no.ReduceOnPlateau(cooldown=0.5), "cooldown must be a whole number from 0 .* got 0.5"),
        (lambda: no.RProp(0.1, eta=(0.5, np.inf)), "eta"),
        (lambda: no.RProp(0.1, steps=(1e-6, np.inf)), "steps"),
        (lambda: no.AddNoise(0.1, 0.5, seed=0.5), "seed must be a whole number from 0 to"),
        (lambda: no.AddNoise(0.1, 0.5, seed=2.0**54), "seed must be a whole number from 0 to"),
    ],
)
def test_wrong_numbers_are_named(make, name):
    with pytest.raises(ValueError, match=name):
        make()


def test_an_objective_without_a_value_to_reach_is_named():
    for wrong in ("a", None, 1j, np.ones(2)):
        with pytest.raises(TypeError, match="PolyakSGD: f_min must be a number, got "):
            no.PolyakSGD(f_min=wrong)


@pytest.mark.parametrize("wrong", ["fast", None, [1.0], no.L1Ball(1.0), no.Adam(0.1)])
def test_a_learning_rate_is_a_number_or_a_schedule(wrong):
    with pytest.raises(TypeError, match="learning_rate"):
        no.Adam(wrong)
    with pytest.raises(TypeError, match="b3"):
        no.AdEMAMix(0.1, b3=wrong)
    with pytest.raises(TypeError, match="weight_decay"):
        no.AddDecayedWeights(wrong)


def test_rules_for_real_vectors_say_so():
    with pytest.raises(ValueError, match="KeepNonNegative: for real x only"):
        no.chain(no.SGD(0.1), no.KeepNonNegative()).init(np.ones(2, complex))


def test_numbers_of_a_rule_do_not_depend_on_the_rules_around_it():
    """Centralize sums one number for real x, the rule behind it three: they share the room for sums."""
    x, g = np.zeros(5), np.arange(5.0)
    opt = no.chain(no.Centralize(), no.ClipByGlobalNorm(0.3), no.SGD(0.1)).init(x)
    for _ in range(2):
        opt.update(x, g)
        assert opt.state["Centralize"].mean == 2.0
        assert opt.state["Centralize"].mean_of_imaginary_parts == 0.0
