"""``minimize`` with rules and chains as methods."""

import pickle

import numba
import numpy as np
import pytest

import numopt as no
from numopt import Status, minimize

TARGET = np.array([1.0, -2.0, 3.0])
PLAIN = bool(numba.config.DISABLE_JIT)  # each chain takes seconds to compile


def quadratic(x):
    return np.sum(np.abs(x - TARGET) ** 2), 2 * (x - TARGET)


LANGUAGES = [
    pytest.param(quadratic, id="python"),
    pytest.param(numba.njit(quadratic), id="jitted", marks=pytest.mark.jit_only),
]
METHODS = [
    (no.Adam(0.1), float),
    (no.Adam(0.1), complex),
    (no.chain(no.Clip(1.0), no.SGD(0.1, momentum=0.5)), complex),
    (no.COCOB(), float),
]


@pytest.mark.variants
@pytest.mark.parametrize("fun", LANGUAGES)
@pytest.mark.parametrize(("method", "dtype"), METHODS)
def test_converges(fun, dtype, method):
    x0 = np.zeros(3, dtype)
    res = minimize(fun, x0, jac=True, method=method, options={"gtol": 1e-6})
    assert res.reason is Status.CONVERGED_GTOL
    assert res.success
    assert abs(res.jac).max() <= 1e-6
    np.testing.assert_allclose(res.x, TARGET, atol=1e-6)
    f, g = quadratic(res.x)
    assert res.fun == f
    np.testing.assert_array_equal(res.jac, g)
    assert res.nfev == res.njev == res.nit + 1
    assert res.x.dtype == dtype
    assert not x0.any()


@pytest.mark.parametrize("fun", LANGUAGES)
def test_is_the_loop_by_hand(fun):
    x = np.zeros(3)
    opt = no.Adam(0.1).init(x)
    for _ in range(20):
        opt.update(x, quadratic(x)[1])
    res = minimize(fun, np.zeros(3), jac=True, method=no.Adam(0.1), options={"maxiter": 20})
    np.testing.assert_array_equal(res.x, x)
    assert (res.nit, res.nfev, res.reason) == (20, 21, Status.MAXITER)
    assert res.state.parameters.state["Adam"].m.shape == (3,)


def test_gradients_by_differences_and_in_place():
    def value(x):
        return quadratic(x)[0]

    def inplace(x, g):
        f, g[:] = quadratic(x)
        return f

    for fun, jac in ((value, None), (value, "3-point"), (inplace, "inplace"), (value, lambda x: quadratic(x)[1])):
        res = minimize(fun, np.zeros(3), jac=jac, method=no.Adam(0.1), tol=1e-4)
        np.testing.assert_allclose(res.x, TARGET, atol=1e-3)


def test_the_best_point_is_returned():
    """A learning rate too large: f goes up and down."""
    seen = []

    def fun(x):
        f, g = quadratic(x)
        seen.append((f, x.copy()))
        return f, g

    res = minimize(fun, np.zeros(3), jac=True, method=no.SignSGD(0.7), options={"maxiter": 30})
    f, x = min(seen, key=lambda pair: pair[0])
    assert res.fun == f
    np.testing.assert_array_equal(res.x, x)


@pytest.mark.variants
@pytest.mark.parametrize("fun", LANGUAGES)
def test_diverges(fun):
    with np.errstate(all="ignore"):
        res = minimize(fun, np.ones(3), jac=True, method=no.SGD(2.0))
    assert res.reason is Status.DIVERGED
    assert not res.success
    assert "learning rate" in res.message
    assert res.fun == quadratic(np.ones(3))[0]
    np.testing.assert_array_equal(res.x, np.ones(3))


def test_nonfinite_start_and_minus_infinity():
    res = minimize(lambda x: (np.nan, x), np.ones(2), jac=True, method=no.SGD(0.1))
    assert res.reason is Status.NONFINITE_START
    res = minimize(
        lambda x: (np.log(max(x[0], 0.0) + 0.0) if x[0] > 0 else -np.inf, np.ones(1)),
        [1.0],
        jac=True,
        method=no.SGD(0.3),
    )
    assert res.reason is Status.UNBOUNDED
    assert np.isfinite(res.fun)


@pytest.mark.parametrize("fun", LANGUAGES)
def test_limits_callback_history_target(fun):
    res = minimize(fun, np.zeros(3), jac=True, method=no.Adam(0.1), options={"maxfun": 5})
    assert (res.nfev, res.reason) == (5, Status.MAXFUN)
    res = minimize(fun, np.zeros(3), jac=True, method=no.Adam(0.1), options={"maxiter": 0})
    assert (res.nit, res.nfev, res.reason) == (0, 1, Status.MAXITER)
    points = []

    def callback(intermediate_result):
        points.append(intermediate_result.x)
        if len(points) == 4:
            raise StopIteration

    res = minimize(fun, np.zeros(3), jac=True, method=no.Adam(0.1), callback=callback, options={"history": True})
    assert (res.nit, res.reason) == (4, Status.CALLBACK)
    np.testing.assert_array_equal(res.x, points[-1])
    assert res.history["nit"].tolist() == [0, 1, 2, 3, 4]
    assert (np.diff(res.history["fun"]) < 0).all()
    res = minimize(fun, np.zeros(3), jac=True, method=no.Adam(0.1), options={"target": 1.0})
    assert res.reason is Status.TARGET
    assert res.fun <= 1.0


@pytest.mark.parametrize("fun", LANGUAGES)
def test_resumed_is_the_uninterrupted_run(fun):
    whole = minimize(fun, np.zeros(3), jac=True, method=no.Adam(0.1))
    part = minimize(fun, np.zeros(3), jac=True, method=no.Adam(0.1), options={"maxiter": 9})
    before = pickle.dumps(part.state)
    rest = minimize(fun, np.zeros(3), jac=True, method=no.Adam(0.1), options={"state": pickle.loads(before)})
    np.testing.assert_array_equal(rest.x, whole.x)
    assert (rest.nit, rest.nfev, rest.reason) == (whole.nit, whole.nfev, whole.reason)
    again = minimize(fun, np.zeros(3), jac=True, method=no.Adam(0.1), options={"state": part.state})
    np.testing.assert_array_equal(again.x, whole.x)
    assert part.state.nit == 9


def test_scaled_variables():
    res = minimize(quadratic, np.zeros(3), jac=True, method=no.Adam(0.1), options={"x_scale": [1.0, 4.0, 2.0]})
    np.testing.assert_allclose(res.x, TARGET, atol=1e-4)


def test_rules_that_need_the_value_get_it():
    res = minimize(quadratic, np.zeros(3), jac=True, method=no.PolyakSGD(), options={"maxiter": 200})
    assert res.success
    np.testing.assert_allclose(res.x, TARGET, atol=1e-5)


@pytest.mark.slow
def test_errors():
    with pytest.raises(ValueError, match="would climb"):
        minimize(quadratic, np.zeros(3), jac=True, method=no.Clip(1.0))
    with pytest.raises(ValueError, match="rules such as Adam"):
        minimize(quadratic, np.zeros(3), jac=True, method="adam")
    with pytest.raises(ValueError, match="unknown method"):
        minimize(quadratic, np.zeros(3), jac=True, method=no.MoreThuente())
    part = minimize(quadratic, np.zeros(3), jac=True, options={"maxiter": 1})
    with pytest.raises(ValueError, match="not a multiple of 2"):
        minimize(quadratic, np.zeros(3), jac=True, method=no.chain(no.Centralize(row=2), no.SGD(0.1)))
    with pytest.raises(ValueError, match="for real x only"):
        minimize(quadratic, np.zeros(3, complex), jac=True, method=no.chain(no.SGD(0.1), no.KeepNonNegative()))
    other = minimize(quadratic, np.zeros(3), jac=True, method=no.Adam(0.1), options={"maxiter": 1})
    with pytest.raises(ValueError, match=r"Adam.*but method is chain\(SGD"):
        minimize(quadratic, np.zeros(3), jac=True, method=no.SGD(0.1), options={"state": other.state})
    with pytest.raises(TypeError, match="Descent"):
        minimize(quadratic, np.zeros(3), jac=True, method=no.Adam(0.1), options={"state": part.state})


SETS = [no.L1Ball(1.0), no.Box(0.0, 0.5), no.Simplex(1.0)]


@pytest.mark.variants
@pytest.mark.parametrize("onto", SETS, ids=lambda onto: type(onto).__name__)
@pytest.mark.parametrize("x0", [TARGET, 1.1 * TARGET, np.zeros(3)], ids=["least", "outside", "zero"])
def test_a_chain_that_ends_with_a_set_finds_the_nearest_of_its_points(onto, x0):
    """Where the gradient is zero is no answer outside the set."""
    res = minimize(quadratic, x0, jac=True, method=no.chain(no.SGD(0.1), onto), options={"gtol": 1e-8})
    assert res.success
    assert res.reason is Status.CONVERGED_GTOL
    assert onto.contains(res.x)
    np.testing.assert_allclose(res.x, no.project(TARGET, onto), atol=1e-7)


@pytest.mark.slow
def test_a_chain_that_ends_with_a_set_evaluates_only_there():
    seen = []
    onto = no.L1Ball(1.0)
    fun = lambda z: seen.append(z.copy()) or quadratic(z)  # noqa: E731
    minimize(fun, 3 * TARGET + 1j, jac=True, method=no.chain(no.SGD(0.1), onto), options={"maxiter": 20})
    assert len(seen) > 3
    assert all(onto.contains(z) for z in seen)


NORMS = [no.L1Norm(1.0), no.L2Norm(1.0), no.LinfNorm(1.0), no.GroupL1Norm([0, 0, 1], 1.0)]


def least(h, share=1.0):
    """The minimum of sum |x - t|^2 + share h(x)."""
    return no.prox(TARGET, h._replace(weight=0.5 * share * h.weight))


PROXIMAL_GRADIENT = [
    no.SGD(0.1),
    no.SGD(0.1, momentum=0.0),
    no.SGD(no.piecewise_constant(0.4, {20: 0.25})),
    no.OptimisticGD(0.1, alpha=1.0, beta=0.0),
    no.chain(no.SkipNonFinite(), no.SGD(0.1)),
    no.chain(no.AccumulateGradients(2), no.SGD(0.1)),
]


@pytest.mark.variants
@pytest.mark.parametrize("h", NORMS if PLAIN else [NORMS[0], NORMS[3]], ids=repr)
@pytest.mark.parametrize("head", PROXIMAL_GRADIENT if PLAIN else PROXIMAL_GRADIENT[:1], ids=repr)
@pytest.mark.parametrize("x0", [TARGET, np.zeros(3)], ids=["least f", "zero"])
def test_gradient_descent_and_a_norm_minimise_the_sum(x0, head, h):
    """From the least f, too, where the gradient is 0."""
    res = minimize(quadratic, x0, jac=True, method=no.chain(head, h), options={"gtol": 1e-9})
    assert res.success
    assert res.reason is Status.CONVERGED_GTOL
    np.testing.assert_allclose(res.x, least(h), atol=1e-8)
    assert abs(res.x - no.prox(res.x - res.jac, h)).max() <= 1e-9
    f, g = quadratic(res.x)
    assert res.fun == f  # without h
    np.testing.assert_array_equal(res.jac, g)


OTHERS = [  # the rule, and the part of h in what it minimises
    (no.SGD(0.1, momentum=0.75), 0.25),
    (no.SGD(0.1, 0.75, nesterov=True), 0.25),
    (no.chain(no.Trace(0.5), no.SGD(0.1)), 0.5),
    (no.Scale(-0.1), 10.0),
    (no.chain(no.SGD(0.1), no.Scale(0.5)), 2.0),
    (no.chain(no.Clip(100.0), no.SGD(0.1)), 1.0),
    (no.chain(no.AddDecayedWeights(0.0), no.SGD(0.1)), 1.0),
    (no.ScheduleFree(no.SGD(0.1)), 0.0),
]


@pytest.mark.variants
@pytest.mark.parametrize("h", NORMS if PLAIN else NORMS[:1], ids=repr)
@pytest.mark.parametrize(("head", "share"), OTHERS if PLAIN else OTHERS[:1], ids=repr)
def test_with_other_rules_a_norm_is_decoupled_shrinkage(head, share, h):
    h = h._replace(weight=0.1)
    res = minimize(quadratic, TARGET, jac=True, method=no.chain(head, h), options={"maxiter": 1000, "gtol": 1e-3})
    assert res.reason is Status.MAXITER
    assert not res.success
    np.testing.assert_allclose(res.x, least(h, share), atol=1e-6)
    assert res.fun == quadratic(res.x)[0]


@pytest.mark.variants
def test_adam_and_a_norm_rest_near_the_least_f():
    for rule in (no.Adam(1e-3), no.AMSGrad(1e-3)) if PLAIN else (no.Adam(1e-3),):
        res = minimize(quadratic, TARGET, jac=True, method=no.chain(rule, no.L1Norm(0.5)), options={"maxiter": 3000})
        assert res.reason is Status.MAXITER
        assert abs(res.x - TARGET).max() < 0.02 < abs(least(no.L1Norm(0.5)) - TARGET).max()


@pytest.mark.variants
def test_a_converged_run_with_a_norm_is_resumed_to_a_smaller_gtol():
    method = no.chain(no.SGD(0.1), no.L1Norm(1.0))
    first = minimize(quadratic, np.zeros(3), jac=True, method=method, options={"gtol": 1e-2})
    rest = minimize(quadratic, np.zeros(3), jac=True, method=method, options={"gtol": 1e-9, "state": first.state})
    whole = minimize(quadratic, np.zeros(3), jac=True, method=method, options={"gtol": 1e-9})
    assert first.success
    assert rest.success
    assert (rest.nit, rest.nfev) == (whole.nit, whole.nfev)
    np.testing.assert_array_equal(rest.x, whole.x)


@pytest.mark.parametrize("end", [no.L1Norm(1.0), no.L1Ball(1.0)], ids=repr)
def test_scaled_variables_are_refused_before_a_set_or_a_norm(end):
    method = no.chain(no.SGD(0.1), end)
    with pytest.raises(ValueError, match=r"x_scale cannot be combined with L1"):
        minimize(quadratic, np.zeros(3), jac=True, method=method, options={"x_scale": [1.0, 4.0, 2.0]})
