"""``minimize`` with bounds and constraints: what it accepts, where it evaluates, what it finds, and what it refuses."""

import functools
import inspect
import pickle
from typing import NamedTuple

import numba
import numpy as np
import pytest
import scipy.optimize
from scipy.optimize import Bounds

import numopt as no
from numopt import Status, minimize

needs_rng = pytest.mark.skipif(
    "rng" not in inspect.signature(scipy.optimize.basinhopping).parameters, reason="SciPy before 1.15 takes no rng"
)


def rosenbrock(x):
    f = 0.0
    g = np.zeros(x.size)
    for i in range(x.size - 1):
        a, b = x[i + 1] - x[i] * x[i], 1.0 - x[i]
        f += 100.0 * a * a + b * b
        g[i] -= 400.0 * x[i] * a + 2.0 * b
        g[i + 1] += 200.0 * a
    return f, g


def rosenbrock_value(x):
    f = 0.0
    for i in range(x.size - 1):
        a, b = x[i + 1] - x[i] * x[i], 1.0 - x[i]
        f += 100.0 * a * a + b * b
    return f


def bowl(x):
    return float(np.sum(abs(x - 3) ** 2)), 2 * (x - 3)


MATRIX = 4 * np.eye(4) - np.eye(4, k=1) - np.eye(4, k=-1)
LINEAR = np.array([-9.0, 12.0, 1.0, -5.0])


def quadratic(x):
    return float(x @ MATRIX @ x / 2 - LINEAR @ x), MATRIX @ x - LINEAR


@functools.cache
def jitted(function):
    return numba.njit(function)


START = np.array([-1.2, 1.0, 0.3, -0.5])
PAIRS = [(-1.0, 0.5), (None, 0.8), (-0.2, 0.1), (-np.inf, np.inf)]
LOWER, UPPER = np.array([-1.0, -np.inf, -0.2, -np.inf]), np.array([0.5, 0.8, 0.1, np.inf])
FORMS = {
    "pairs": PAIRS,
    "Bounds": Bounds(LOWER, UPPER),
    "array": np.transpose([LOWER, UPPER]),
    "lists": [list(pair) for pair in PAIRS],
    "zip": None,
}


class Recorded:
    """A function and copies of the points at which it was called."""

    def __init__(self, function):
        self.function, self.points = function, []

    def __call__(self, x, *args):
        self.points.append(x.copy())
        return self.function(x, *args)


def best_within(fun, x0, bounds):
    options = {"gtol": 1e-10, "ftol": 0.0, "maxiter": 20000, "maxfun": 20000}
    return scipy.optimize.minimize(fun, x0, jac=True, bounds=bounds, method="L-BFGS-B", options=options)


# --- bounds in every form --------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_bounds_gives_the_same_run(form):
    bounds = zip(LOWER, UPPER, strict=True) if form == "zip" else FORMS[form]
    result = minimize(quadratic, START, jac=True, bounds=bounds, tol=1e-8)
    same = minimize(quadratic, START, jac=True, constraints=no.Box(LOWER, UPPER), tol=1e-8)
    np.testing.assert_array_equal(result.x, same.x)
    assert result.success
    assert (result.nfev, result.reason) == (same.nfev, Status.CONVERGED_GTOL)
    np.testing.assert_allclose(result.x, best_within(quadratic, START, PAIRS).x, atol=1e-6)


@pytest.mark.parametrize("method", [None, "SPG", "spg", "L-BFGS-B", "l-bfgs-b"])
def test_methods_that_take_bounds(method):
    result = minimize(quadratic, START, jac=True, bounds=PAIRS, method=method)
    assert result.success
    assert isinstance(result.state, no.SPG)


def test_one_pair_of_bounds_objects_is_for_all_variables():
    result = minimize(bowl, np.zeros(3), jac=True, bounds=Bounds(0.0, 1.0))
    np.testing.assert_array_equal(result.x, 1.0)
    result = minimize(bowl, np.zeros(3), jac=True, bounds=Bounds([0.0, 0.0, 0.0], 1.0))
    np.testing.assert_array_equal(result.x, 1.0)


def test_a_scalar_start_has_one_variable():
    result = minimize(lambda x: (float(x[0] ** 2), 2 * x), 5.0, jac=True, bounds=[(1, None)])
    assert result.success
    np.testing.assert_array_equal(result.x, [1.0])


@pytest.mark.parametrize("bounds", [[(None, None)] * 4, [(-np.inf, np.inf)] * 4, Bounds(-np.inf, np.inf), Bounds()])
def test_without_a_finite_bound_it_is_l_bfgs(bounds):
    result = minimize(rosenbrock, START, jac=True, bounds=bounds)
    free = minimize(rosenbrock, START, jac=True)
    assert isinstance(result.state, no.LBFGS)
    np.testing.assert_array_equal(result.x, free.x)


def test_bounds_that_are_not_reached():
    result = minimize(bowl, np.zeros(3), jac=True, bounds=[(-100, 100)] * 3)
    assert result.success
    np.testing.assert_allclose(result.x, 3.0, atol=1e-5)


@pytest.mark.parametrize("jac", [True, None, "2-point", "3-point"], ids=str)
def test_fixed_variables_stay(jac):
    fun = Recorded(rosenbrock if jac is True else rosenbrock_value)
    bounds = [(0, 2), (0.25, 0.25), (-2, 0.4), (0.5, 0.5)]
    result = minimize(fun, START, jac=jac, bounds=bounds, options={"gtol": 1e-4})
    assert result.success
    assert all(x[1] == 0.25 and x[3] == 0.5 for x in fun.points)
    np.testing.assert_allclose(result.x, best_within(rosenbrock, START, bounds).x, atol=1e-3)


def test_all_variables_fixed():
    result = minimize(bowl, np.zeros(2), jac=True, bounds=[(1, 1), (2, 2)])
    assert result.success
    assert result.nfev == 1
    np.testing.assert_array_equal(result.x, [1, 2])


def test_a_start_outside_is_projected_and_not_modified():
    fun, x0 = Recorded(rosenbrock), np.array([7.0, -9.0, 0.0, 0.0])
    x0.flags.writeable = False
    result = minimize(fun, x0, jac=True, bounds=[(-1, 0.5)] * 4)
    np.testing.assert_array_equal(fun.points[0], [0.5, -1.0, 0.0, 0.0])
    np.testing.assert_array_equal(x0, [7, -9, 0, 0])
    assert result.success


def test_integers_as_start_and_bounds():
    result = minimize(bowl, [0, 0], jac=True, bounds=[(0, 2), (None, 1)])
    np.testing.assert_array_equal(result.x, [2.0, 1.0])


@pytest.mark.parametrize("seed", range(8))
def test_random_bounds_against_l_bfgs_b(seed):
    """A convex function, so that both find the same point."""
    rng = np.random.default_rng(seed)
    root, c = rng.normal(size=(6, 6)), rng.normal(size=6)
    lower = rng.uniform(-1.5, 0.5, 6)
    upper = lower + rng.uniform(0.1, 0.9, 6)
    bounds, x0 = Bounds(lower, upper), rng.uniform(-2, 2, 6)

    def convex(x):
        return float(np.sum((root @ x - c) ** 2) + np.sum(np.cosh(x))), 2 * root.T @ (root @ x - c) + np.sinh(x)

    fun = Recorded(convex)
    result = minimize(fun, x0, jac=True, bounds=bounds, tol=1e-8)
    assert result.success
    np.testing.assert_allclose(result.x, best_within(convex, x0, bounds).x, atol=1e-6)
    assert all(np.all((x >= lower) & (x <= upper)) for x in fun.points)


def test_the_measure_of_convergence_is_that_of_l_bfgs_b():
    """SciPy: the projected gradient; success does not need a gradient of 0."""
    result = minimize(bowl, np.zeros(2), jac=True, bounds=[(0, 1), (None, 5)], options={"gtol": 1e-8})
    assert result.success
    np.testing.assert_array_equal(result.jac, bowl(result.x)[1])
    assert abs(result.jac[0]) == 4.0
    assert result.optimality == np.max(abs(np.clip(result.x - result.jac, [0, -np.inf], [1, 5]) - result.x)) <= 1e-8


@pytest.mark.parametrize("given", [[(0, 1)] * 2, Bounds([0, 0], [1, 1])])
def test_bounds_are_not_modified(given):
    copy = pickle.loads(pickle.dumps(given))
    minimize(bowl, np.array([5.0, -5.0]), jac=True, bounds=given)
    assert repr(given) == repr(copy)


# --- finite differences within bounds -------------------------------------------------------------


class Narrow(NamedTuple):
    lower: list
    upper: list


BOXES = {
    "wide": Narrow([-2.0, -2.0, -2.0, -2.0], [0.5, 0.5, 0.5, 0.5]),
    "at the bounds": Narrow([-1.2, -1.0, -0.5, -0.5], [0.0, 1.0, 0.3, 0.0]),
    "narrower than the step": Narrow([1.0, 1.0, 0.5, -2.0], [1.0 + 1e-9, 1.0 + 1e-12, 0.5 + 3e-16, 2.0]),
    "with fixed ones": Narrow([0.3, -1.0, 0.0, 0.2], [0.3, 1.0, 0.0, 0.2]),
    "half open": Narrow([-np.inf, 0.9, -np.inf, -0.5], [0.5, np.inf, np.inf, 0.5]),
}


@pytest.mark.parametrize("jac", [None, "2-point", "3-point"])
@pytest.mark.parametrize("box", BOXES)
@pytest.mark.parametrize("steps", [{}, {"eps": 1e-3}, {"eps": 0.75}, {"finite_diff_rel_step": 1e-2}], ids=str)
def test_no_difference_leaves_the_bounds(jac, box, steps):
    lower, upper = map(np.array, BOXES[box])
    fun = Recorded(rosenbrock_value)
    result = minimize(fun, START, jac=jac, bounds=Bounds(lower, upper), options={"maxiter": 30, **steps})
    assert len(fun.points) > 4 or np.all(lower == upper)
    outside = [x for x in fun.points if not np.all((x >= lower) & (x <= upper))]
    assert outside == []
    assert result.nfev == len(fun.points)
    assert np.isfinite(result.jac).all()


@pytest.mark.parametrize("jac", ["2-point", "3-point"])
def test_a_function_that_exists_only_within_the_bounds(jac):
    """sqrt(x_i) and log(1 - x_i) are NaN a step outside; the start lies on the bounds."""

    def fun(x):
        assert np.all(x >= 0)
        assert np.all(x < 1)
        return float(np.sum(x**1.5 - 0.3 * np.sqrt(x) - np.log1p(-x)))

    result = minimize(fun, [0.0, 0.9, 0.5], jac=jac, bounds=[(0, 0.9)] * 3, options={"gtol": 1e-4})
    assert result.success
    slope = lambda x: 1.5 * np.sqrt(x) - 0.15 / np.sqrt(x) + 1 / (1 - x)  # noqa: E731
    assert result.x == pytest.approx(scipy.optimize.brentq(slope, 1e-6, 0.9), abs=1e-3)


@pytest.mark.parametrize(("jac", "tolerance"), [("2-point", 1e-6), ("3-point", 1e-4)])
def test_differences_at_the_bounds_are_the_derivatives(jac, tolerance):
    lower, upper = np.array([-1.2, 0.0, 0.3, -0.5]), np.array([0.0, 1.0, 0.3 + 1e-3, -0.5])
    result = minimize(rosenbrock_value, START, jac=jac, bounds=Bounds(lower, upper), options={"maxiter": 0})
    exact = rosenbrock(START)[1]
    free = upper > lower
    np.testing.assert_allclose(result.jac[free], exact[free], rtol=tolerance)
    assert result.jac[3] == 0.0


@pytest.mark.parametrize("jac", [None, "3-point"])
def test_differences_find_what_l_bfgs_b_finds(jac):
    bounds = [(-2, 0.5)] * 4
    result = minimize(rosenbrock_value, START, jac=jac, bounds=bounds, options={"gtol": 1e-4})
    assert result.success
    np.testing.assert_allclose(result.x, best_within(rosenbrock, START, bounds).x, atol=1e-4)


@pytest.mark.parametrize("jac", [None, "3-point"])
@pytest.mark.parametrize("limit", [1, 5, 17, 40])
def test_maxfun_counts_the_differences_and_completes_the_last_gradient(jac, limit):
    fun = Recorded(rosenbrock_value)
    result = minimize(fun, START, jac=jac, bounds=[(-2, 0.5)] * 4, options={"maxfun": limit})
    per_gradient = 9 if jac else 5
    assert result.reason is Status.MAXFUN
    assert result.nfev == len(fun.points) <= -(-limit // per_gradient) * per_gradient


# --- constraints ----------------------------------------------------------------------------------


@pytest.mark.parametrize("method", [None, "SPG", "L-BFGS-B"])
def test_sets_as_constraints(method):
    target = np.array([3.0, -1.0, 0.5])
    result = minimize(
        lambda x: (float(np.sum((x - target) ** 2)), 2 * (x - target)),
        np.zeros(3),
        jac=True,
        constraints=no.L1Ball(1.0),
        method=method,
    )
    assert result.success
    np.testing.assert_allclose(result.x, no.project(target, no.L1Ball(1.0)), atol=1e-5)


def test_complex_variables_with_a_set():
    target = np.array([3 + 4j, 0.1j])
    onto = no.ComplexBox((0.0, 1.0), (-1.0, 1.0))
    result = minimize(
        lambda z: (float(np.sum(abs(z - target) ** 2)), 2 * (z - target)),
        np.zeros(2, complex),
        jac=True,
        constraints=onto,
    )
    np.testing.assert_allclose(result.x, [1 + 1j, 0.1j], atol=1e-6)


def test_bounds_and_a_plane_as_one_set():
    """The portfolio of Markowitz: weights from 0 to 0.4 of the sum 1; against SLSQP."""
    rng = np.random.default_rng(0)
    root = rng.normal(size=(6, 8))
    covariance, mean = root @ root.T / 8, rng.normal(size=6)

    def fun(w):
        return float(w @ covariance @ w / 2 - 0.3 * mean @ w), covariance @ w - 0.3 * mean

    result = minimize(fun, np.full(6, 1 / 6), jac=True, constraints=no.CappedSimplex(1.0, 0.4), tol=1e-9)
    total = {"type": "eq", "fun": lambda w: w.sum() - 1.0, "jac": lambda w: np.ones(6)}
    peer = scipy.optimize.minimize(
        fun, np.full(6, 1 / 6), jac=True, bounds=[(0, 0.4)] * 6, constraints=total, method="SLSQP", tol=1e-14
    )
    assert result.success
    np.testing.assert_allclose(result.x, peer.x, atol=1e-6)


def test_no_constraints_in_scipys_words():
    for empty in ((), []):
        assert isinstance(minimize(bowl, np.zeros(2), jac=True, constraints=empty).state, no.LBFGS)


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        ([(1, 0), (0, 1)], "lower = 1.0 and upper = 0.0"),
        (Bounds([0, 2], [1, 1]), "lower = 2.0 and upper = 1.0"),
        ([(np.inf, np.inf), (0, 1)], "no number between"),
        ([(np.nan, 1), (0, 1)], "NaN"),
        ([(0, 1)], "1 lower bounds for 2 variables"),
        ([(0, 1)] * 3, "3 lower bounds for 2 variables"),
        (Bounds([0] * 3, [1] * 3), "3 lower bounds for 2 variables"),
        ([(0, 1, 2), (0, 1, 2)], "pairs"),
        ([0, 1], "pairs"),
    ],
)
def test_bad_bounds_are_named(bounds, message):
    with pytest.raises(ValueError, match=message):
        minimize(bowl, np.zeros(2), jac=True, bounds=bounds)


def test_bounds_for_complex_variables_name_the_sets():
    with pytest.raises(TypeError, match=r"ComplexBox.*LinfBall.*Disc"):
        minimize(bowl, np.zeros(2, complex), jac=True, bounds=[(0, 1)] * 2)


def test_bounds_and_constraints_name_the_intersection():
    with pytest.raises(ValueError, match="Intersection"):
        minimize(bowl, np.zeros(2), jac=True, bounds=[(0, 1)] * 2, constraints=no.L1Ball(1.0))


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"method": "L-BFGS", "bounds": [(0, 1)] * 2}, ValueError, "SPG"),
        ({"method": "L-BFGS", "constraints": no.L1Ball(1.0)}, ValueError, "SPG"),
        ({"method": "SPG"}, ValueError, "L-BFGS"),
        ({"method": no.Adam(0.1), "bounds": [(0, 1)] * 2}, ValueError, "chain"),
        ({"method": no.SGD(0.1), "constraints": no.L1Ball(1.0)}, ValueError, "chain"),
        ({"method": "trust-constr", "bounds": [(0, 1)] * 2}, ValueError, "SPG"),
        ({"constraints": {"type": "eq", "fun": sum}}, TypeError, "L1Ball"),
        ({"constraints": [no.L1Ball(1.0)]}, TypeError, "must be a set"),
        ({"constraints": scipy.optimize.LinearConstraint(np.eye(2), 0, 1)}, TypeError, "must be a set"),
        ({"constraints": no.L1Norm(1.0)}, TypeError, "must be a set"),
        ({"constraints": no.L0Ball(1)}, ValueError, "not convex"),
        ({"constraints": no.Box(np.zeros(3), 1.0)}, ValueError, "x0 has 2 entries"),
        ({"constraints": no.ComplexBox((0.0, 1.0), (0.0, 1.0))}, TypeError, "complex"),
        ({"bounds": [(0, 1)] * 2, "options": {"x_scale": 2.0}}, ValueError, "x_scale"),
        ({"constraints": no.L1Ball(1.0), "options": {"x_scale": [1.0, 2.0]}}, ValueError, "x_scale"),
    ],
)
def test_combinations_that_cannot_be_right(given, error, message):
    with pytest.raises(error, match=message):
        minimize(bowl, np.zeros(2), jac=True, **given)


# --- callback, history, target, resuming ----------------------------------------------------------

WITHIN = {"jac": True, "bounds": [(-2, 0.5)] * 4}


def test_callback_gets_accepted_points_within_the_bounds():
    points, results = [], []
    result = minimize(rosenbrock, START, callback=points.append, **WITHIN)

    def keep(intermediate_result):
        results.append(intermediate_result)

    minimize(rosenbrock, START, callback=keep, **WITHIN)
    assert len(points) == len(results) == result.nit
    for x, seen in zip(points, results, strict=True):
        np.testing.assert_array_equal(seen.x, x)
        assert seen.fun == rosenbrock(x)[0]
        assert np.all((x >= -2) & (x <= 0.5))
    np.testing.assert_array_equal(points[-1], result.x)


def test_callback_stops():
    calls = []

    def stop(xk):
        calls.append(xk)
        if len(calls) == 3:
            raise StopIteration

    result = minimize(rosenbrock, START, callback=stop, **WITHIN)
    assert (result.reason, result.status, result.nit, result.success) == (Status.CALLBACK, 99, 3, False)


def test_history_has_a_row_for_every_iteration():
    result = minimize(rosenbrock, START, options={"history": True}, **WITHIN)
    history = result.history
    assert history["nit"][-1] == result.nit
    assert history["nfev"][-1] == result.nfev
    assert history["fun"][-1] == result.fun
    assert history["gradient"][-1] == result.optimality
    assert np.all(np.diff(history["time"]) >= 0)


def test_target():
    result = minimize(rosenbrock, START, options={"target": 10.0}, **WITHIN)
    assert result.reason is Status.TARGET
    assert result.success
    assert result.fun <= 10.0


@pytest.mark.parametrize("limit", [{"maxiter": 4}, {"maxfun": 7}])
@pytest.mark.parametrize("fun", [rosenbrock, "jitted"])
def test_resumed_it_is_the_uninterrupted_run(limit, fun):
    fun = jitted(rosenbrock) if fun == "jitted" else fun
    whole = minimize(fun, START, **WITHIN)
    part = minimize(fun, START, options=limit, **WITHIN)
    assert not part.success
    before = part.state.x
    state = pickle.loads(pickle.dumps(part.state))
    rest = minimize(fun, np.zeros(4), options={"state": state}, **WITHIN)
    np.testing.assert_array_equal(rest.x, whole.x)
    assert (rest.nit, rest.nfev, rest.reason) == (whole.nit, whole.nfev, whole.reason)
    minimize(fun, START, options={"state": part.state}, **WITHIN)
    np.testing.assert_array_equal(part.state.x, before)


def test_the_state_of_another_problem_raises():
    state = minimize(rosenbrock, START, options={"maxiter": 2}, **WITHIN).state
    with pytest.raises(ValueError, match="not within"):
        minimize(rosenbrock, START, jac=True, bounds=[(-2, 0.6)] * 4, options={"state": state})
    with pytest.raises(ValueError, match="not within"):
        minimize(rosenbrock, START, jac=True, constraints=no.L1Ball(1.0), options={"state": state})
    with pytest.raises(TypeError, match="LBFGS"):
        minimize(rosenbrock, START, jac=True, options={"state": state})
    with pytest.raises(ValueError, match="4 entries"):
        minimize(rosenbrock, np.zeros(3), jac=True, bounds=[(-2, 0.5)] * 3, options={"state": state})
    free = minimize(rosenbrock, START, jac=True, options={"maxiter": 2}).state
    with pytest.raises(TypeError, match="SPG"):
        minimize(rosenbrock, START, options={"state": free}, **WITHIN)


@pytest.mark.parametrize("limit", [0, 1, 6])
def test_limits_are_exact(limit):
    result = minimize(rosenbrock, START, options={"maxiter": limit}, **WITHIN)
    assert (result.reason, result.nit) == (Status.MAXITER, limit)
    fun = Recorded(rosenbrock)
    result = minimize(fun, START, options={"maxfun": limit + 1}, **WITHIN)
    assert (result.reason, result.nfev, len(fun.points)) == (Status.MAXFUN, limit + 1, limit + 1)


# --- jitted objectives ----------------------------------------------------------------------------


@pytest.mark.parametrize("jac", [True, "3-point"])
def test_a_jitted_objective_gives_the_same(jac):
    fun = rosenbrock if jac is True else rosenbrock_value
    given = {"jac": jac, "bounds": [(-2, 0.5)] * 4, "options": {"gtol": 1e-4}}
    compiled, python = minimize(jitted(fun), START, **given), minimize(fun, START, **given)
    assert compiled.success
    np.testing.assert_allclose(compiled.x, python.x, atol=1e-7)
    assert compiled.x.max() <= 0.5


@pytest.mark.jit_only
def test_compiled_differences_keep_within_the_bounds():
    """The function writes down where it was called."""

    @numba.njit
    def fun(x, lowest, highest):
        f = 0.0
        for i in range(x.size):
            lowest[i], highest[i] = min(lowest[i], x[i]), max(highest[i], x[i])
            f += (x[i] - i) ** 2
        return f

    lowest, highest = np.full(4, np.inf), np.full(4, -np.inf)
    lower, upper = np.array([0.0, 0.5, 2.0, -1.0]), np.array([0.5, 0.5 + 1e-10, 2.0, 5.0])
    for jac in ("2-point", "3-point"):
        result = minimize(fun, np.ones(4), args=(lowest, highest), jac=jac, bounds=Bounds(lower, upper))
        assert result.success
    assert np.all(lowest >= lower)
    assert np.all(highest <= upper)


# --- through SciPy --------------------------------------------------------------------------------


@pytest.mark.parametrize("bounds", [PAIRS, Bounds(LOWER, UPPER)])
def test_as_a_method_of_scipys_minimize(bounds):
    ours = minimize(quadratic, START, jac=True, bounds=bounds, tol=1e-7)
    through = scipy.optimize.minimize(quadratic, START, jac=True, method=no.lbfgs, bounds=bounds, tol=1e-7)
    np.testing.assert_array_equal(through.x, ours.x)
    assert (through.nfev, through.reason) == (ours.nfev, ours.reason)


def test_differences_through_scipy_keep_within_the_bounds():
    fun = Recorded(rosenbrock_value)
    result = scipy.optimize.minimize(fun, START, method=no.lbfgs, bounds=[(-2, 0.5)] * 4)
    assert result.success
    assert all(np.all((x >= -2) & (x <= 0.5)) for x in fun.points)


def valley(x):
    """Many minima; within x >= 0.4 the lowest is near 0.97."""
    return float(np.sum(x**2 + 3 * (1 - np.cos(2 * np.pi * x)))), 2 * x + 6 * np.pi * np.sin(2 * np.pi * x)


def valley_value(x):
    return valley(x)[0]


def in_the_valley(x):
    slope = lambda t: 2 * t + 6 * np.pi * np.sin(2 * np.pi * t)  # noqa: E731
    return np.allclose(x, scipy.optimize.brentq(slope, 0.8, 1.1), atol=1e-4)


@needs_rng
def test_basinhopping_within_bounds():
    fun = Recorded(valley)
    found = scipy.optimize.basinhopping(
        fun,
        [2.2, 1.1],
        niter=60,
        minimizer_kwargs={"method": no.lbfgs, "jac": True, "bounds": [(0.8, 3)] * 2},
        rng=np.random.default_rng(0),
    )
    assert in_the_valley(found.x)
    assert sum(np.any(x < 0.8) or np.any(x > 3) for x in fun.points) == 0


@needs_rng
def test_dual_annealing_within_bounds():
    kwargs = {"method": no.lbfgs, "bounds": [(0.8, 3)] * 2}
    found = scipy.optimize.dual_annealing(
        valley_value, [(0.8, 3)] * 2, maxiter=100, minimizer_kwargs=kwargs, rng=np.random.default_rng(0)
    )
    assert in_the_valley(found.x)


@needs_rng
def test_differential_evolution_polishes_within_bounds():
    seen = []

    def polish(fun, x0, bounds=None, **ignored):
        seen.append(bounds)
        return no.minimize(fun, x0, bounds=bounds)

    found = scipy.optimize.differential_evolution(
        valley_value, [(0.8, 3)] * 2, polish=polish, maxiter=30, rng=np.random.default_rng(0)
    )
    assert in_the_valley(found.x)
    assert all(bounds is not None for bounds in seen)


def test_a_set_without_a_point_is_refused():
    empty = no.Intersection(no.L2Ball(1.0), no.Hyperplane(np.ones(2), 10.0))
    with pytest.raises(ValueError, match="may be empty"):
        no.minimize(lambda x: (x @ x, 2 * x), np.zeros(2), jac=True, constraints=empty)


@pytest.mark.parametrize("box", [no.Box(0.0, 1.0), no.Box([0.0, -1.0], 1.0)])
@pytest.mark.parametrize("jac", [None, "3-point"])
def test_differences_within_a_box_of_numbers(box, jac):
    res = no.minimize(lambda x: float(np.sum((x - 3) ** 2)), np.zeros(2), jac=jac, constraints=box)
    assert res.success
    np.testing.assert_allclose(res.x, 1.0)


def test_forward_differences_stop_at_the_bound_itself():
    seen = []
    lower, upper = -2.7353396189936686e-11, 1.7659360202860215e-09

    def fun(v):
        seen.append(v[0])
        return float(v[0])

    no.minimize(fun, [1.7222218354430954e-09], bounds=[(lower, upper)])
    assert lower <= min(seen) <= max(seen) <= upper


def test_a_converged_run_within_a_set_goes_on_to_a_smaller_gtol():
    def fun(x):
        return float(np.sum((x - [0.3, 2.0]) ** 4)), 4 * (x - [0.3, 2.0]) ** 3

    box = no.Box(0.0, 1.0)
    loose = no.minimize(fun, np.zeros(2), jac=True, constraints=box, options={"gtol": 1e-2})
    tight = no.minimize(fun, np.zeros(2), jac=True, constraints=box, options={"gtol": 1e-8, "state": loose.state})
    assert loose.success
    assert tight.success
    assert tight.optimality <= 1e-8 < loose.optimality


def test_three_points_keep_their_order_at_a_bound():
    res = no.minimize(lambda x: float(np.exp(x[0])), [0.0], jac="3-point", bounds=[(0.0, 5.0)])
    np.testing.assert_allclose(res.jac, 1.0, rtol=1e-9)


def test_bounds_are_a_box_and_no_other_set():
    """Of a section of a box, the bounds alone would be another set."""
    box = minimize(bowl, np.zeros(2), jac=True, bounds=no.Box(0.0, [1.0, 5.0]))
    np.testing.assert_allclose(box.x, [1, 3])
    for onto in (no.BoxSection(0.0, 1.0, 1.0, 1.0), no.L1Ball(1.0)):
        with pytest.raises(TypeError, match="pass a set as constraints="):
            minimize(bowl, np.zeros(2), jac=True, bounds=onto)
        with pytest.raises(TypeError, match="pass a set as constraints="):
            no.SparseEvolution(np.zeros(2), bounds=onto)
