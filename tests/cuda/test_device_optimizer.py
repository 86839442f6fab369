"""Chains on a GPU, or in the simulator, against the same chains on the CPU."""

import copy
import pickle

import numpy as np
import pytest
from rules.cases import CHAINS, OF_NORMS, RULES, label

import numopt as no
from numopt.cuda.device import SIMULATED, cuda

pytestmark = pytest.mark.kernel

N = 42 if SIMULATED else 100_002  # several blocks, with a rest; a multiple of 7

OTHERS = [
    no.NoisySGD(0.1, seed=2**40 + 5),
    no.chain(no.AddNoise(0.1, 0.5), no.Normalize(), no.Scale(-1.0)),
    no.Lookahead(no.SGD(0.1, 0.9), k=2),
    no.ScheduleFree(no.Adam(0.1, b1=0.0)),
    no.chain(no.ZeroNonFinite(), no.Adam(no.linear(0.1, 0.0, 3))),
    no.chain(no.Centralize(row=2), no.SGD(0.1)),
    no.chain(no.Centralize(row=21), no.SGD(0.1)),
    no.chain(no.Centralize(row=N), no.SGD(0.1)),
    no.PolyakSGD(max_lr=100.0),
    no.chain(no.SGD(0.1), no.ReduceOnPlateau(patience=1)),
    no.chain(no.SkipNonFinite(), no.SGD(0.1)),
    no.chain(no.AccumulateGradients(2), no.Adam(0.1)),
    no.chain(no.SkipNonFinite(), no.AccumulateGradients(2), no.ClipByGlobalNorm(0.5), no.SGD(0.1)),
    no.chain(no.SGD(0.1), no.LinfBall(0.5)),
    no.chain(no.SGD(0.1), no.UnitModulus()),
    no.chain(no.ClipByGlobalNorm(0.5), no.Adam(0.1), no.L1Norm(0.1)),
    no.chain(no.SGD(no.piecewise_constant(0.5, {2: 0.1})), no.L1Norm(0.4)),
    no.chain(no.SGD(no.piecewise_constant(0.5, {2: 0.1})), no.L2Norm(0.4)),
    no.chain(no.ClipByGlobalNorm(0.5), no.SGD(0.1), no.LinfNorm(0.4)),
    no.chain(no.Scale(-0.1), no.L1Norm(0.05)),
    no.chain(no.SGD(0.1), no.Disc(0.1, np.linspace(0.1, 1.0, N))),
]
REAL_ONLY = [
    no.chain(no.SGD(0.1), no.KeepNonNegative()),
    no.chain(no.Adam(0.1), no.NonNegative()),
    no.chain(no.SGD(0.1), no.Box(-np.linspace(0.1, 1.0, N), 0.5)),
]
COMPLEX_ONLY = [
    no.chain(no.SGD(0.1), no.ComplexBox((-0.5, 0.5), (np.linspace(-1.0, 0.0, N), 0.1))),
    no.chain(no.SGD(0.1), no.Disc(0.1j, 0.5)),
]
SINGLE = [no.Adam(0.1), no.ACProp(0.1), no.LAMB(0.1), CHAINS[1], CHAINS[5], OTHERS[0], REAL_ONLY[2]]


def normal(dtype, rng, n=N):
    values = rng.standard_normal(n)
    if np.dtype(dtype).kind == "c":
        values = values + 1j * rng.standard_normal(n)
    return values.astype(dtype)


def assert_same_state(on_host, on_device, tolerance):
    assert on_host.count == on_device.count
    assert on_host.learning_rate == on_device.learning_rate
    theirs = on_device.state
    for name, kept in on_host.state.items():
        for field, value in vars(kept).items():
            other = getattr(theirs[name], field)
            if isinstance(value, np.ndarray):
                other = other.copy_to_host()
                assert other.dtype == value.dtype
            if not isinstance(value, tuple):
                np.testing.assert_allclose(other, value, rtol=tolerance, atol=tolerance, err_msg=f"{name}.{field}")


def assert_follows(rule, dtype, tolerance, steps=3):
    rng = np.random.default_rng(0)
    x = normal(dtype, rng)
    d_x = cuda.to_device(x)
    on_host, on_device = rule.init(x), rule.init(d_x)
    for step in range(steps):
        g, f = normal(dtype, rng), 3.0 - step
        d_g = cuda.to_device(g)
        on_host.update(x, g, f)
        on_device.update(d_x, d_g, f)
        np.testing.assert_array_equal(d_g.copy_to_host(), g)
    np.testing.assert_allclose(d_x.copy_to_host(), x, rtol=tolerance, atol=tolerance)
    assert_same_state(on_host, on_device, tolerance)


@pytest.mark.parametrize("rule", RULES + OF_NORMS + CHAINS + OTHERS + REAL_ONLY, ids=label)
def test_real(rule):
    assert_follows(rule, np.float64, 1e-12)


@pytest.mark.parametrize("rule", RULES[::3] + OF_NORMS[::2] + CHAINS[::2] + OTHERS[::2] + COMPLEX_ONLY, ids=label)
def test_complex(rule):
    assert_follows(rule, np.complex128, 1e-12, steps=2)


@pytest.mark.parametrize("rule", SINGLE, ids=label)
def test_single_precision(rule):
    assert_follows(rule, np.float32, 1e-5)
    if not any(getattr(link, "real_only", None) for link in no.chain(rule).rules):
        assert_follows(rule, np.complex64, 1e-5, steps=1)


@pytest.mark.parametrize("norm", [no.L1Norm(0.4), no.L2Norm(0.4)], ids=label)
def test_the_weight_of_a_norm_follows_a_learning_rate_that_is_set(norm):
    x, g = normal(float, np.random.default_rng(3)), np.ones(N)
    d_x = cuda.to_device(x)
    opt = no.chain(no.SGD(0.1), norm).init(d_x)
    opt.learning_rate = 0.5
    opt.update(d_x, cuda.to_device(g))
    expected = no.prox(x - 0.5 * g, norm._replace(weight=0.2))
    np.testing.assert_allclose(d_x.copy_to_host(), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("n", [0, 1, 7, 8, 9, 16, 17, 31, 33] if SIMULATED else [0, 1, 255, 256, 257, 512, 513, 1025])
def test_lengths(n):
    rng = np.random.default_rng(n)
    x, g = normal(float, rng, n), normal(float, rng, n)
    rule, d_x = no.chain(no.ClipByGlobalNorm(0.5), no.Adam(0.1)), cuda.to_device(x)
    rule.init(x).update(x, g)
    opt = rule.init(d_x)
    opt.update(d_x, cuda.to_device(g))
    assert opt.count == 1
    np.testing.assert_allclose(d_x.copy_to_host(), x, rtol=1e-12)


@pytest.mark.parametrize("rule", [no.Adam(0.1), no.chain(no.Clip(1.0), no.SGD(0.1, 0.9)), no.ACProp(0.1)], ids=label)
def test_a_nan_stays_in_its_entry(rule):
    g = np.ones(20)
    g[3], g[7] = np.nan, np.inf
    x, d_x = np.zeros(20), cuda.to_device(np.zeros(20))
    rule.init(x).update(x, g)
    rule.init(d_x).update(d_x, cuda.to_device(g))
    np.testing.assert_allclose(d_x.copy_to_host(), x, rtol=1e-12)
    assert np.isnan(x[3])
    assert np.isfinite(x[[0, 4, 19]]).all()


@pytest.mark.parametrize("rule", [OF_NORMS[0], CHAINS[2], CHAINS[4]], ids=label)
def test_one_nan_reaches_all_entries_of_a_rule_with_a_norm(rule):
    d_x = cuda.to_device(np.ones(20))
    opt = rule.init(d_x)
    opt.update(d_x, cuda.to_device(np.where(np.arange(20) == 13, np.nan, 1.0)))
    assert np.isnan(d_x.copy_to_host()).all()


def test_norms_do_not_overflow():
    d_x, g = cuda.to_device(np.zeros(20)), np.full(20, 1e200)
    no.chain(no.ClipByGlobalNorm(1.0), no.Scale(-1.0)).init(d_x).update(d_x, cuda.to_device(g))
    np.testing.assert_allclose(d_x.copy_to_host(), -np.ones(20) / np.sqrt(20), rtol=1e-14)


@pytest.mark.parametrize(
    "rule", [no.ClipByGlobalNorm(1.0), no.ClipByGlobalNorm(1e-30), no.Normalize(), no.AdaptiveClip(0.5)]
)
@pytest.mark.parametrize(("dtype", "size"), [(np.float64, 1.7e308), (np.float32, 3e38)])
def test_norms_beyond_the_largest_number(rule, dtype, size):
    x, g = np.linspace(-1, 1, 20).astype(dtype), np.full(20, size, dtype)
    g[::3] *= -0.5
    chain, d_x, before = no.chain(rule, no.Scale(-1.0)), cuda.to_device(x), x.copy()
    chain.init(x).update(x, g)
    chain.init(d_x).update(d_x, cuda.to_device(g))
    assert np.isfinite(x).all()
    assert rule == no.ClipByGlobalNorm(1e-30) or (x != before).all()
    np.testing.assert_allclose(d_x.copy_to_host(), x, rtol=4 * np.finfo(dtype).eps)


class TestSkipNonFinite:
    @pytest.mark.parametrize("bad", [np.nan, np.inf, complex(0, -np.inf)])
    def test_bad_calls_change_nothing(self, bad):
        rng = np.random.default_rng(1)
        x = normal(complex, rng, 20)
        d_x, rule = cuda.to_device(x), no.chain(no.SkipNonFinite(), no.Adam(0.1))
        on_host, on_device = rule.init(x), rule.init(d_x)
        for step in range(4):
            g = normal(complex, rng, 20)
            if step in (1, 2):
                g[17] = bad
            on_host.update(x, g)
            on_device.update(d_x, cuda.to_device(g))
        np.testing.assert_allclose(d_x.copy_to_host(), x, rtol=1e-12)
        assert_same_state(on_host, on_device, 1e-12)
        assert on_device.count == 2
        assert on_device.state["SkipNonFinite"].skipped == 2

    def test_a_bad_value_and_too_many_in_a_row(self):
        d_x = cuda.to_device(np.ones(3))
        opt = no.chain(no.SkipNonFinite(max_consecutive=1), no.SGD(1.0)).init(d_x)
        opt.update(d_x, cuda.to_device(np.ones(3)), np.inf)
        np.testing.assert_array_equal(d_x.copy_to_host(), np.ones(3))
        opt.update(d_x, cuda.to_device(np.array([1.0, np.nan, 1.0])))
        assert np.isnan(d_x.copy_to_host()[1])


def several_steps(rule, x, steps=2, opt=None):
    d_x = cuda.to_device(x)
    opt = rule.init(d_x) if opt is None else opt
    for k in range(steps):
        opt.update(d_x, cuda.to_device(np.cos(np.arange(x.size) + k).astype(x.dtype)), 1.0)
    return d_x.copy_to_host(), opt


PORTABLE = [no.Prodigy(), no.chain(no.AccumulateGradients(2), *CHAINS[7].rules), no.NoisySGD(0.1), no.DoG(), CHAINS[5]]


@pytest.mark.parametrize("rule", PORTABLE, ids=label)
def test_pickled_and_copied_it_goes_on(rule):
    x, opt = several_steps(rule, np.linspace(-1, 1, 21), steps=3)
    others, count = (pickle.loads(pickle.dumps(opt)), copy.copy(opt), copy.deepcopy(opt)), opt.count
    expected, _ = several_steps(rule, x, opt=opt)
    for other in others:
        assert type(other) is type(opt)
        assert other.count == count
        np.testing.assert_array_equal(several_steps(rule, x, opt=other)[0], expected)


@pytest.mark.parametrize("rule", PORTABLE, ids=label)
def test_to_host_and_to_device(rule):
    x, opt = several_steps(rule, np.linspace(-1, 1, 21), steps=3)
    if any("learning_rate" in link._fields for link in opt.rules):
        opt.learning_rate = 0.3
    on_host = opt.to_host()
    assert isinstance(on_host, no.Optimizer)
    assert_same_state(on_host, opt, 0.0)
    back = on_host.to_device()
    expected, _ = several_steps(rule, x, opt=opt)
    np.testing.assert_array_equal(several_steps(rule, x, opt=back)[0], expected)
    y = x.copy()
    for k in range(2):
        on_host.update(y, np.cos(np.arange(21) + k), 1.0)
    np.testing.assert_allclose(y, expected, rtol=1e-12)


@pytest.mark.parametrize("rule", [no.Prodigy(), no.DoG(), no.COCOB(), no.Adam(0.1), OTHERS[3], OTHERS[12]], ids=label)
def test_reset_is_a_new_start(rule):
    x = np.linspace(-1, 1, 21)
    expected, opt = several_steps(rule, x, steps=3)
    opt.reset()
    assert opt.count == 0
    np.testing.assert_array_equal(several_steps(rule, x, steps=3, opt=opt)[0], expected)


def test_learning_rate():
    d_x, d_g = cuda.to_device(np.zeros(3)), cuda.to_device(np.ones(3))
    opt = no.SGD(no.linear(1.0, 0.0, 4)).init(d_x)
    assert opt.learning_rate == 1.0
    opt.update(d_x, d_g)
    assert opt.learning_rate == 0.75
    opt.learning_rate = 0.5
    opt.update(d_x, d_g)
    np.testing.assert_array_equal(d_x.copy_to_host(), np.full(3, -1.5))
    opt.reset()
    assert opt.learning_rate == 1.0
    with pytest.raises(ValueError, match="learning_rate must not be negative"):
        opt.learning_rate = -1
    with pytest.raises(AttributeError, match="no rule of the chain has one"):
        no.Scale(-1.0).init(d_x).learning_rate = 0.1


def test_a_stream_can_be_given():
    d_x, d_g = cuda.to_device(np.zeros(9)), cuda.to_device(np.ones(9))
    opt, stream = no.SGD(1.0).init(d_x), cuda.stream()
    opt.update(d_x, d_g, stream=stream)
    opt.update(d_x, d_g)
    assert d_x.copy_to_host().tolist() == [-2.0] * 9


def test_other_shapes_and_strides():
    x, g = cuda.to_device(np.zeros((3, 4))), cuda.to_device(np.arange(24.0))
    opt = no.SGD(1.0).init(x)
    opt.update(x, g[::2])
    np.testing.assert_array_equal(x.copy_to_host().ravel(), -np.arange(0.0, 24.0, 2.0))


def test_kernels_are_shared_by_chains_that_differ_in_numbers_only():
    from numopt.cuda.passes import kernels_of
    from numopt.cuda.program import spec_of

    rules = (
        no.chain(no.ClipByGlobalNorm(1.0), no.Adam(0.1)).rules,
        no.chain(no.ClipByGlobalNorm(2.0), no.Adam(0.3, 0.8)).rules,
    )
    assert kernels_of(spec_of(rules[0], float)) is kernels_of(spec_of(rules[1], float))
    nesterov = no.chain(no.ClipByGlobalNorm(1.0), no.NAdam(0.1)).rules
    assert kernels_of(spec_of(rules[0], float)) is not kernels_of(spec_of(nesterov, float))
    assert kernels_of(spec_of(rules[0], float)) is not kernels_of(spec_of(rules[0], np.float32))


def test_sums_do_not_depend_on_how_entries_are_taken_together(monkeypatch):
    """The number of blocks and what each adds up is fixed by n; other work in flight must not change it."""
    from numopt.cuda import program

    x, spec_of, results = np.linspace(-1, 1, 42), program.spec_of, []
    for in_flight in (1, 2, 4):
        monkeypatch.setattr(program, "spec_of", lambda *args, k=in_flight: spec_of(*args)._replace(in_flight=k))
        results.append(several_steps(CHAINS[2], x)[0])
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])


class TestMisuse:
    def made(self, rule=None):
        d_x = cuda.to_device(np.ones(4))
        return d_x, (rule or no.SGD(1.0)).init(d_x)

    def test_host_arrays(self):
        d_x, opt = self.made()
        with pytest.raises(TypeError, match="x must be an array on the GPU, got ndarray"):
            opt.update(np.ones(4), d_x)
        with pytest.raises(TypeError, match="g must be an array on the GPU, got ndarray"):
            opt.update(d_x, np.ones(4))

    def test_device_arrays_for_an_optimizer_of_the_host(self):
        d_x, x = cuda.to_device(np.ones(4)), np.ones(4)
        opt = no.SGD(1.0).init(x)
        with pytest.raises(TypeError, match=r"x is on a GPU.*to_device"):
            opt.update(d_x, d_x)
        with pytest.raises(TypeError, match=r"g is on a GPU.*to_device"):
            opt.update(x, d_x)

    def test_dtype_and_size(self):
        d_x, opt = self.made()
        with pytest.raises(ValueError, match="x must be a float64 vector of 4 entries on the GPU, got float32 of 4"):
            opt.update(cuda.to_device(np.ones(4, np.float32)), d_x)
        with pytest.raises(ValueError, match="g must be a float64 vector of 4 entries on the GPU, got float64 of 5"):
            opt.update(d_x, cuda.to_device(np.ones(5)))
        with pytest.raises(TypeError, match="x must be float32, float64, complex64 or complex128, got int64"):
            no.SGD(1.0).init(cuda.to_device(np.arange(3)))

    def test_strides_of_what_is_changed(self):
        _, opt = self.made()
        with pytest.raises(ValueError, match="x must be a contiguous vector"):
            opt.update(cuda.to_device(np.ones(8))[::2], cuda.to_device(np.ones(4)))

    def test_the_value(self):
        d_x, opt = self.made(no.PolyakSGD())
        with pytest.raises(ValueError, match=r"PolyakSGD needs the value.*update\(x, g, f\)"):
            opt.update(d_x, d_x)
        with pytest.raises(TypeError, match=r"f must be a number of the host: pass float\(f\)"):
            opt.update(d_x, d_x, d_x)
        assert opt.count == 0

    def test_rules_that_do_not_fit(self):
        d_z = cuda.to_device(np.ones(4, complex))
        with pytest.raises(ValueError, match="would climb"):
            no.Clip(1.0).init(d_z)
        with pytest.raises(TypeError, match="Box is for real vectors"):
            no.chain(no.SGD(1.0), no.Box(0, 1)).init(d_z)
        with pytest.raises(ValueError, match="not a multiple of 3"):
            no.chain(no.Centralize(row=3), no.SGD(1.0)).init(d_z)

    def test_sets_that_are_not_to_be_had(self):
        with pytest.raises(TypeError, match=r"init: no kernel for L0Ball; on a GPU there are Box.*L1Ball"):
            self.made(no.chain(no.SGD(1.0), no.L0Ball(2)))

    def test_nothing_is_touched(self):
        d_x, opt = self.made(no.Adam(0.1))
        with pytest.raises(ValueError, match="g must be"):
            opt.update(d_x, cuda.to_device(np.ones(5)))
        assert opt.count == 0
        np.testing.assert_array_equal(opt.state["Adam"].m.copy_to_host(), np.zeros(4))


def test_repr():
    opt = no.Adam(0.1).init(cuda.to_device(np.ones(3)))
    assert repr(opt).startswith("<DeviceOptimizer of 3 float64 numbers: Adam(")


def test_links_move_on_the_host_only():
    rule = no.SET(no.SGD(0.1), [(0, 2, 3)], density=0.5)
    with pytest.raises(TypeError, match="SET moves its links on the CPU only"):
        rule.init(cuda.to_device(np.ones(6)))
    with pytest.raises(TypeError, match="SET moves its links on the CPU only"):
        rule.init(np.ones(6)).to_device()
