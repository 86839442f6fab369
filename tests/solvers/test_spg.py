"""SPG as an ask/tell object: what it promises, and each way it can end."""

import copy
import pickle

import numba
import numpy as np
import pytest
import scipy.optimize
from numba import njit
from numba.core.runtime import rtsys

import numopt as no
from numopt.problems import beamforming


def drive(opt, fun, evaluations=10**6):
    """Evaluate until the solver stops; the points and values seen."""
    points, values = [], []
    while opt.running and len(values) < evaluations:
        x = opt.ask()
        f, g = fun(x)
        points.append(x)
        values.append(f)
        opt.tell(f, g)
    return points, values


def solved(opt, fun):
    drive(opt, fun)
    return opt


def rosenbrock(x):
    a, b = x[1:] - x[:-1] ** 2, 1 - x[:-1]
    g = np.zeros_like(x)
    g[:-1] = -400 * x[:-1] * a - 2 * b
    g[1:] += 200 * a
    return float(np.sum(100 * a**2 + b**2)), g


def start(n):
    return np.tile([-1.2, 1.0], (n + 1) // 2)[:n]


def distance_to(target):
    """|z - target|^2, whose minimiser over a set is the projection of the target."""
    return lambda z: (float(np.sum(abs(z - target) ** 2)), 2 * (z - target))


def normal(n, seed, dtype=float):
    rng = np.random.default_rng(seed)
    v = rng.standard_normal(n)
    return v + 1j * rng.standard_normal(n) if dtype is complex else v


def least_squares(m, n, seed, dtype=float):
    a, b = normal(m * n, seed, dtype).reshape(m, n), normal(m, seed + 100, dtype)

    def fun(x):
        r = a @ x - b
        return float(np.vdot(r, r).real) / 2, a.conj().T @ r

    return a, b, fun


def size(v):
    """The largest modulus over real and imaginary parts."""
    return np.max(abs(np.ascontiguousarray(v).view(float)), initial=0.0)


def measure(x, g, onto):
    return size(no.project(x - g, onto) - x)


TIGHT = {"gtol": 1e-9}
BOX = no.Box(-0.5, np.array([0.5, np.inf, 0.25, 1.0, 0.0, 2.0]))


# --- it solves ------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_least_squares_within_bounds_is_scipys(seed):
    a, b, fun = least_squares(12, 6, seed)
    opt = solved(no.SPG(np.zeros(6), BOX, **TIGHT), fun)
    peer = scipy.optimize.lsq_linear(a, b, (np.full(6, -0.5), BOX.upper), tol=1e-14, method="bvls")
    assert opt.status is no.Status.CONVERGED_GTOL
    np.testing.assert_allclose(opt.x, peer.x, atol=1e-8)


@pytest.mark.parametrize("n", [2, 6, 20])
@pytest.mark.parametrize(("lower", "upper"), [(-2.0, 0.5), (1.5, 3.0), (-5.0, 0.9)])
def test_rosenbrock_within_bounds_is_that_of_l_bfgs_b(n, lower, upper):
    opt = solved(no.SPG(np.full(n, 0.4), no.Box(lower, upper), gtol=1e-8), rosenbrock)
    options = {"gtol": 1e-9, "ftol": 0.0, "maxiter": 20000, "maxfun": 20000}
    peer = scipy.optimize.minimize(
        rosenbrock, np.full(n, 0.4), jac=True, bounds=[(lower, upper)] * n, method="L-BFGS-B", options=options
    )
    assert opt.status.success
    assert opt.f <= peer.fun + 1e-9 * max(1, abs(peer.fun))
    np.testing.assert_allclose(opt.x, peer.x, atol=1e-5)


@pytest.mark.parametrize("seed", range(4))
def test_least_squares_on_the_simplex_is_slsqps(seed):
    _, _, fun = least_squares(8, 5, seed)
    opt = solved(no.SPG(np.zeros(5), no.Simplex(1.0), **TIGHT), fun)
    total = {"type": "eq", "fun": lambda x: x.sum() - 1.0, "jac": lambda x: np.ones(5)}
    peer = scipy.optimize.minimize(
        fun, np.full(5, 0.2), jac=True, bounds=[(0, None)] * 5, constraints=total, method="SLSQP", tol=1e-14
    )
    assert opt.status.success
    np.testing.assert_allclose(opt.x, peer.x, atol=1e-6)
    assert opt.f <= peer.fun + 1e-10


# each set and dtype takes seconds to compile: all of them run without the compiler
SETS = [
    no.LinfBall(0.3),
    no.Hyperplane(np.arange(1.0, 7.0), 2.0),
    no.L1Ball(1.0),
    no.L2Ball(0.5),
    no.Disc(0.25, 0.5),
    no.Intersection(no.L2Ball(1.0), no.Halfspace(np.ones(6), -0.5)),
][: None if numba.config.DISABLE_JIT else 2]


@pytest.mark.variants
@pytest.mark.parametrize("dtype", [float, complex])
@pytest.mark.parametrize("onto", SETS, ids=lambda onto: type(onto).__name__)
def test_the_nearest_point_is_the_projection(onto, dtype):
    target = normal(6, 3, dtype)
    opt = solved(no.SPG(normal(6, 4, dtype), onto, gtol=1e-8), distance_to(target))
    assert opt.status.success
    assert opt.x.dtype == dtype
    np.testing.assert_allclose(opt.x, no.project(target, onto), atol=1e-7)


def test_a_linear_function_on_the_l1_ball_is_least_at_a_corner():
    c = np.array([1.0, -2.0 + 2.0j, 0.5j])
    opt = solved(no.SPG(np.zeros(3, complex), no.L1Ball(2.0)), lambda z: (float(np.vdot(c, z).real), c))
    assert opt.status is no.Status.CONVERGED_GTOL
    np.testing.assert_allclose(opt.x, [0, 2 * (1 - 1j) / np.sqrt(2), 0], atol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_a_weighted_quadratic_within_bounds_in_closed_form(seed):
    """A separable one: every entry is clipped by itself, also at condition 1e6."""
    w, c = np.logspace(0, 6, 6), 2 * normal(6, seed)
    onto = no.Box(-1.0, 0.5)
    opt = solved(no.SPG(np.zeros(6), onto, gtol=1e-6), lambda x: (float(w @ (x - c) ** 2) / 2, w * (x - c)))
    assert opt.status.success
    np.testing.assert_allclose(opt.x, np.clip(c, -1.0, 0.5), atol=1e-5)


def test_complex_iterates_are_those_of_the_real_problem():
    """A disc around 0 in C^n is a group of pairs in R^2n; on a ball of l2 the two are the same problem, bit for bit."""
    _, _, fun = least_squares(6, 4, 1, complex)

    def as_real(v):
        f, g = fun(v.view(complex))
        return f, g.view(float)

    points, _ = drive(no.SPG(normal(4, 2, complex), no.L2Ball(0.5)), fun)
    twins, _ = drive(no.SPG(normal(4, 2, complex).view(float), no.L2Ball(0.5)), as_real)
    assert len(points) == len(twins) > 5
    for z, v in zip(points, twins, strict=True):
        np.testing.assert_array_equal(z.view(float), v)


def test_one_unknown():
    opt = solved(no.SPG(5.0, no.Box(1.0, 2.0), **TIGHT), lambda x: (float(x[0] ** 2), 2 * x))
    assert (opt.status, opt.x[0], opt.f) == (no.Status.CONVERGED_GTOL, 1.0, 1.0)
    opt = solved(no.SPG([0.0], no.Box(-1.0, 2.0), **TIGHT), lambda x: (float(np.cosh(x[0] - 0.5)), np.sinh(x - 0.5)))
    assert opt.x[0] == pytest.approx(0.5, abs=1e-8)


@pytest.mark.parametrize("seed", range(6))
def test_a_large_normal_component_of_the_gradient(seed):
    """Minimum variance: g is 1e4 times its tangential part and more, and gtol = 1e-10 is reached all the same."""
    problem = beamforming.generate(seed)
    onto = no.AffineSet(problem.look.conj()[None, :], [1.0])
    opt = solved(no.SPG(problem.start(), onto, gtol=1e-10, maxiter=2000), problem.value_and_gradient)
    assert opt.status.success
    assert opt.gradient_size <= 1e-10 or opt.status is no.Status.PRECISION
    assert problem.relative_error(opt.x) <= 1e-8


def test_a_large_constant_along_the_normal_changes_nothing():
    """<g, x> is constant on the simplex where all entries of g are equal: 1e6 of that must not spoil the search."""
    _, _, fun = least_squares(8, 5, 2)

    def shifted(x):
        f, g = fun(x)
        return f + 1e6 * (float(x.sum()) - 1.0), g + 1e6

    plain = solved(no.SPG(np.zeros(5), no.Simplex(1.0), gtol=1e-7), fun)
    opt = solved(no.SPG(np.zeros(5), no.Simplex(1.0), gtol=1e-7), shifted)
    assert opt.status.success
    np.testing.assert_allclose(opt.x, plain.x, atol=1e-5)


# --- it keeps its promises on the way -------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_every_point_lies_in_the_box_exactly(seed):
    rng = np.random.default_rng(seed)
    lower = rng.uniform(-3, 0, 10)
    upper = lower + rng.uniform(0, 2, 10) ** 4
    points, _ = drive(no.SPG(start(10), no.Box(lower, upper), gtol=1e-8), rosenbrock)
    assert len(points) > 3
    for x in points:
        assert np.all(x >= lower)
        assert np.all(x <= upper)


@pytest.mark.parametrize(
    ("onto", "excess"),
    [
        (no.L1Ball(0.7), lambda x: abs(x).sum() - 0.7),
        (no.L2Ball(0.7), lambda x: np.linalg.norm(x) - 0.7),
        (no.Simplex(0.7), lambda x: abs(x.sum() - 0.7) if np.all(x >= 0) else np.inf),
    ],
    ids=["L1Ball", "L2Ball", "Simplex"],
)
def test_every_point_lies_in_the_set_up_to_rounding(onto, excess):
    points, _ = drive(no.SPG(start(8), onto, gtol=1e-8), rosenbrock)
    assert len(points) > 3
    assert max(map(excess, points)) <= 1e-14


def test_trials_of_a_long_line_search_lie_in_the_set():
    """Each is projected: 1e-3 of a step may fall beside the set by rounding."""
    box = no.Box(np.full(3, 0.1), np.full(3, 0.3))
    opt = no.SPG(np.array([0.1, 0.2, 0.3]), box)
    points, _ = drive(opt, lambda x: (1.0 if opt.nfev == 0 else np.inf, np.array([-1.0, 0.3, 1.0])))
    assert len(points) > 5
    assert all(np.all((x >= 0.1) & (x <= 0.3)) for x in points)


@pytest.mark.parametrize("onto", [no.Box(-2.0, 0.5), no.L1Ball(2.0)], ids=["Box", "L1Ball"])
def test_convergence_is_measured_by_the_projected_gradient(onto):
    opt = no.SPG(start(6), onto)
    while opt.running:
        opt.tell(*rosenbrock(opt.ask()))
        assert opt.gradient_size == pytest.approx(measure(opt.x, opt.grad, onto), rel=1e-12)
        assert opt.running == (opt.gradient_size > 1e-5)
    assert opt.status is no.Status.CONVERGED_GTOL


def test_convergence_of_complex_vectors_counts_real_and_imaginary_parts():
    _, _, fun = least_squares(6, 4, 3, complex)
    onto = no.L1Ball(0.5)
    opt = solved(no.SPG(np.zeros(4, complex), onto, gtol=1e-6), fun)
    assert opt.status is no.Status.CONVERGED_GTOL
    assert measure(opt.x, fun(opt.x)[1], onto) == pytest.approx(opt.gradient_size, abs=1e-15)
    assert opt.result().optimality == opt.gradient_size <= 1e-6


def accepted_values(memory):
    opt, seen = no.SPG(start(8), no.Box(-2.0, 0.8), memory=memory), []
    while opt.running:
        opt.tell(*rosenbrock(opt.ask()))
        seen.append(opt.f)
    assert opt.status.success
    return np.array(seen)


def test_with_memory_1_f_never_rises():
    assert np.all(np.diff(accepted_values(1)) <= 0)


@pytest.mark.parametrize("memory", [2, 5, 10])
def test_f_never_rises_above_the_last_values(memory):
    values = accepted_values(memory)
    accepted = values[np.concatenate([[True], np.diff(values) != 0])]
    assert np.any(np.diff(accepted) > 0)  # or the test shows nothing
    for k in range(1, accepted.size):
        assert accepted[k] <= accepted[max(0, k - memory) : k].max()


@pytest.mark.parametrize("seed", range(20))
def test_never_worse_than_the_start_and_never_a_false_success(seed):
    """Objectives with random jumps, NaN and inf: whatever happens, the report is true."""
    rng = np.random.default_rng(seed)
    c, holes = rng.normal(size=3), rng.uniform(0, 0.4)
    onto = no.Box(-1.0, 0.5)
    x0 = 10 * rng.normal(size=3)

    def fun(x):
        key = np.random.default_rng(abs(hash(x.tobytes())) % 2**32)
        f, g = distance_to(c)(x)
        if not np.array_equal(x, no.project(x0, onto)) and key.uniform() < holes:
            return [(np.nan, g), (np.inf, g), (f, g * np.nan), (f + 1.0, -g)][key.integers(4)]
        return f, g

    opt = no.SPG(x0, onto, maxfun=300)
    _, values = drive(opt, fun)
    assert opt.f <= values[0]
    assert opt.f in values
    if opt.status is no.Status.CONVERGED_GTOL:
        assert measure(opt.x, opt.grad, onto) <= 1e-5


@pytest.mark.parametrize("limit", range(1, 30, 3))
def test_stopped_anywhere_it_is_never_worse_than_the_start(limit):
    opt = no.SPG(start(8), no.Box(-2.0, 2.0), maxfun=limit)
    _, values = drive(opt, rosenbrock)
    assert opt.f <= values[0]


@pytest.mark.parametrize("limit", range(2, 40, 3))
def test_stopped_anywhere_the_result_is_the_best_accepted_point(limit):
    opt, accepted = no.SPG(start(8), no.Box(-2.0, 0.8), maxfun=limit), []
    while opt.running:
        opt.tell(*rosenbrock(opt.ask()))
        accepted.append(opt.f)
    result = opt.result()
    assert result.fun == (opt.f if result.success else min(accepted))
    f, g = rosenbrock(result.x)
    assert result.fun == f
    np.testing.assert_array_equal(result.jac, g)


@pytest.mark.variants
@pytest.mark.parametrize("onto", [no.NonNegative(), no.Box(-np.inf, 100.0), no.Halfspace(np.ones(1), 100.0)], ids=repr)
def test_negative_curvature_on_an_unbounded_set(onto):
    """s.y < 0 gives no lambda, and the longest of all would be far too long here."""

    def fun(x):
        return float(np.log1p((x[0] - 5) ** 2)), 2 * (x - 5) / (1 + (x - 5) ** 2)

    opt = solved(no.SPG(np.full(1, 0.01), onto, gtol=1e-8), fun)
    assert opt.status.success
    assert opt.x[0] == pytest.approx(5.0, abs=1e-7)
    assert opt.nfev < 100


# --- how it ends ----------------------------------------------------------------------------------


def test_converged_at_the_start():
    opt = solved(no.SPG(np.full(3, -7.0), no.NonNegative()), distance_to(np.full(3, -1.0)))
    assert (opt.status, opt.nit, opt.nfev) == (no.Status.CONVERGED_GTOL, 0, 1)
    np.testing.assert_array_equal(opt.x, 0)


def test_a_single_point():
    opt = solved(no.SPG(np.ones(3), no.Box(0.25, 0.25)), distance_to(np.zeros(3)))
    assert (opt.status, opt.nfev) == (no.Status.CONVERGED_GTOL, 1)
    np.testing.assert_array_equal(opt.x, 0.25)


def test_empty_vector():
    opt = solved(no.SPG(np.zeros(0), no.L1Ball(1.0)), lambda x: (3.0, x))
    assert (opt.status, opt.f, opt.x.size) == (no.Status.CONVERGED_GTOL, 3.0, 0)


@pytest.mark.parametrize("limit", [0, 1, 2, 7])
def test_maxiter_is_exact(limit):
    opt = solved(no.SPG(start(10), no.Box(-2.0, 2.0), maxiter=limit), rosenbrock)
    assert (opt.status, opt.nit) == (no.Status.MAXITER, limit)


@pytest.mark.parametrize("limit", [1, 2, 3, 11])
def test_maxfun_is_exact(limit):
    opt = no.SPG(start(10), no.Box(-2.0, 2.0), maxfun=limit)
    points, _ = drive(opt, rosenbrock)
    assert (opt.status, opt.nfev, len(points)) == (no.Status.MAXFUN, limit, limit)


@pytest.mark.parametrize("onto", [no.Box(-2.0, 2.0), no.L2Ball(1.0), no.NonNegative()], ids=repr)
def test_wrong_gradient_is_not_a_success(onto):
    """-g leads uphill."""
    opt = solved(no.SPG(np.array([0.4, 0.3, 0.2]), onto, maxfun=500), lambda x: (float(x @ x), -2 * x))
    assert not opt.status.success


@pytest.mark.parametrize("seed", range(10))
def test_a_gradient_of_another_function_is_not_a_success(seed):
    """A gradient turned at random, as by a mistake: it may end anywhere, but success means P(x - g) = x."""
    turn = np.linalg.qr(normal(16, seed).reshape(4, 4))[0]
    c, onto = normal(4, seed + 50), no.Box(-1.0, 1.0)

    def fun(x):
        f, g = distance_to(c)(x)
        return f, turn @ g

    opt = solved(no.SPG(np.zeros(4), onto, maxfun=2000), fun)
    assert not opt.status.success or measure(opt.x, fun(opt.x)[1], onto) <= 1e-5


def test_kink_ends_without_success_or_at_the_kink():
    opt = solved(no.SPG(np.array([1.0, -0.7]), no.L2Ball(5.0)), lambda x: (float(np.sum(abs(x))), np.sign(x)))
    assert opt.f <= 1.7
    assert not opt.status.success or opt.f < 1e-4


def test_unbounded_below():
    def fun(x):
        return (-np.inf if x[0] > 10 else -float(x[0])), np.array([-1.0])

    opt = solved(no.SPG(np.zeros(1), no.NonNegative()), fun)
    assert opt.status is no.Status.UNBOUNDED
    assert np.isfinite(opt.f)
    assert opt.f <= 0


@pytest.mark.parametrize(("f", "g"), [(np.nan, 1.0), (np.inf, 1.0), (-np.inf, 1.0), (1.0, np.nan), (1.0, np.inf)])
def test_non_finite_start(f, g):
    opt = no.SPG(np.ones(2), no.L2Ball(1.0))
    opt.tell(f, np.array([1.0, g]))
    assert (opt.status, opt.nfev) == (no.Status.NONFINITE_START, 1)
    assert not opt.result().success


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_log_barrier_is_backed_away_from(bad):
    """min sum c_i x_i - log x_i; outside the domain f is NaN or inf. Within x >= -1 the solution is 1 / c."""
    c = np.array([1.0, 10.0, 0.5])

    def fun(x):
        if np.any(x <= 0):
            return bad, np.full(3, np.nan)
        return float(np.sum(c * x - np.log(x))), c - 1 / x

    opt = solved(no.SPG(np.array([0.5, 1e-2, 1.0]), no.Box(-1.0, np.inf), gtol=1e-8), fun)
    assert opt.status.success
    np.testing.assert_allclose(opt.x * c, 1, rtol=1e-4)


def test_gradient_alone_not_finite_is_backed_away_from():
    def fun(x):
        f, g = distance_to(0.3)(x)
        return f, g if abs(x[0] - 0.3) < 1 else np.full(2, np.inf)

    opt = solved(no.SPG(np.array([1.2, 0.0]), no.Box(-5.0, 5.0)), fun)
    assert opt.status.success
    np.testing.assert_allclose(opt.x, 0.3, atol=1e-4)


def test_all_nan_after_the_start():
    opt = no.SPG(np.ones(2), no.Box(-5.0, 5.0))
    _, values = drive(opt, lambda x: distance_to(0.0)(x) if np.array_equal(x, np.ones(2)) else (np.nan, x))
    assert opt.status is no.Status.EDGE_OF_DOMAIN
    assert opt.f == 2.0
    assert len(values) < 100


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x0", "onto", "error", "message"),
    [
        (np.zeros(3), no.L0Ball(1), ValueError, "L0Ball is not convex"),
        (np.zeros(3), no.L2Sphere(1.0), ValueError, "L2Sphere is not convex"),
        (np.zeros(3, complex), no.Simplex(1.0), TypeError, "Simplex is for real vectors"),
        (np.zeros(3, complex), no.Box(0.0, 1.0), TypeError, "ComplexBox"),
        (np.zeros(3), no.ComplexBox((0.0, 1.0), (0.0, 1.0)), TypeError, "ComplexBox is for complex vectors; use Box"),
        (np.zeros(2), no.Hyperplane(np.array([1j, 1.0]), 1.0), TypeError, "complex fields, but x is real"),
        (np.zeros(2), no.Box(np.zeros(3), 1.0), ValueError, "x0 has 2 entries"),
        (np.zeros(2), no.Hyperplane(np.ones(3), 1.0), ValueError, "x0 has 2 entries"),
        (np.zeros(2), no.CappedSimplex(5.0, 1.0), ValueError, "no vector of 2 entries was found in CappedSimplex"),
        (np.zeros(2), no.L1Norm(1.0), TypeError, "must be a set"),
        (np.zeros(2), no.Adam(0.1), TypeError, "must be a set"),
        (np.zeros(2), no.L1Ball, TypeError, "must be a set"),
        (np.zeros(2), [(0, 1), (0, 1)], TypeError, "must be a set"),
        (np.array([0.0, np.nan]), no.L1Ball(1.0), ValueError, r"x0\[1\] = nan"),
        (np.zeros((2, 2)), no.L1Ball(1.0), ValueError, "must be a vector"),
        (["a"], no.L1Ball(1.0), TypeError, "numbers"),
    ],
)
def test_what_cannot_be_right_is_named(x0, onto, error, message):
    with pytest.raises(error, match=message):
        no.SPG(x0, onto)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [({"memory": 0}, "memory"), ({"gtol": -1}, "gtol"), ({"maxiter": -1}, "maxiter"), ({"maxfun": 0}, "maxfun")],
)
def test_bad_limits_raise(arguments, name):
    with pytest.raises(ValueError, match=name):
        no.SPG(np.ones(2), no.L1Ball(1.0), **arguments)


@pytest.mark.parametrize(
    ("f", "g", "error"),
    [
        (1.0, [1.0], ValueError),
        (1j, [1.0, 2.0], TypeError),
        (1.0, [1j, 2], TypeError),
        ([1.0, 2.0], [1.0, 2.0], ValueError),
    ],
)
def test_bad_tell_raises_and_leaves_the_solver_as_it_was(f, g, error):
    opt = no.SPG(np.ones(2), no.L1Ball(1.0))
    with pytest.raises(error):
        opt.tell(f, g)
    assert opt.nfev == 0
    assert opt.running


# --- the object -----------------------------------------------------------------------------------


def test_a_start_outside_is_projected_and_not_modified():
    x0 = np.array([3.0, -4.0])
    x0.flags.writeable = False
    opt = no.SPG(x0, no.L2Ball(1.0))
    np.testing.assert_allclose(opt.ask(), [0.6, -0.8], rtol=1e-15)
    np.testing.assert_array_equal(opt.ask(), no.project(x0, no.L2Ball(1.0)))
    np.testing.assert_array_equal(x0, [3, -4])
    np.testing.assert_array_equal(no.SPG([2, -1], no.Box(0, 1)).ask(), [1.0, 0.0])


def test_ask_gives_copies_of_one_point():
    opt = no.SPG(np.ones(2), no.Box(0.0, 2.0))
    opt.ask()[:] = 7
    np.testing.assert_array_equal(opt.ask(), 1)
    out = np.empty(2)
    assert opt.ask(out) is out
    np.testing.assert_array_equal(out, 1)
    with pytest.raises(ValueError, match="shape"):
        opt.ask(np.empty(3))


def test_attributes_are_the_accepted_point():
    opt = no.SPG(np.array([3.0, 4.0]), no.Box(0.0, 5.0))
    opt.tell(25.0, np.array([6.0, 8.0]))
    np.testing.assert_array_equal(opt.x, [3, 4])
    np.testing.assert_array_equal(opt.grad, [6, 8])
    assert (opt.f, opt.nit, opt.nfev, opt.running, opt.status) == (25.0, 0, 1, True, no.Status.RUNNING)
    assert opt.gradient_size == 4.0
    for kept in (opt.x, opt.grad):
        kept[:] = 0
    np.testing.assert_array_equal(opt.x, [3, 4])
    np.testing.assert_array_equal(opt.grad, [6, 8])


def test_the_gradient_told_is_neither_kept_nor_modified():
    opt, g = no.SPG(start(4), no.Box(-2.0, 2.0)), np.empty(4)
    while opt.running:
        f, g[:] = rosenbrock(opt.ask())
        before = g.copy()
        opt.tell(f, g)
        np.testing.assert_array_equal(g, before)
        g[:] = np.nan
    assert opt.status.success


def test_tell_after_the_end_changes_nothing():
    opt = solved(no.SPG(np.ones(2), no.L1Ball(1.0)), distance_to(0.0))
    before = opt.result()
    opt.tell(-1.0, np.ones(2))
    after = opt.result()
    assert (after.fun, after.nfev, after.status) == (before.fun, before.nfev, before.status)


def test_a_misspelt_attribute_raises():
    opt = no.SPG(np.ones(2), no.L1Ball(1.0))
    with pytest.raises(AttributeError):
        opt.gtoll = 1.0
    with pytest.raises(AttributeError):
        opt.x = np.zeros(2)


def test_result_is_scipys():
    result = solved(no.SPG(start(3), no.Box(-2.0, 0.5)), rosenbrock).result()
    f, g = rosenbrock(result.x)
    assert result.success
    assert (result.status, result.fun, result.njev) == (0, f, result.nfev)
    np.testing.assert_array_equal(result.jac, g)
    assert "Converged" in result.message
    assert result.reason is no.Status.CONVERGED_GTOL
    assert result.optimality == pytest.approx(measure(result.x, g, no.Box(-2.0, 0.5)), abs=1e-15)


@pytest.mark.variants
@pytest.mark.parametrize("limit", [{"maxiter": 5}, {"maxfun": 6}, {"maxiter": 0}])
@pytest.mark.parametrize("onto", [no.Box(-2.0, 0.5), no.L1Ball(2.0)], ids=["Box", "L1Ball"])
def test_resumed_after_a_limit_is_the_uninterrupted_run(limit, onto):
    whole, _ = drive(no.SPG(start(6), onto), rosenbrock)
    opt = no.SPG(start(6), onto, **limit)
    first, _ = drive(opt, rosenbrock)
    assert opt.status in (no.Status.MAXITER, no.Status.MAXFUN)
    assert opt.resume() is no.Status.RUNNING
    rest, _ = drive(opt, rosenbrock)
    np.testing.assert_array_equal(first + rest, whole)


def test_resume_of_a_converged_solver_changes_nothing():
    opt = solved(no.SPG(np.ones(2), no.L1Ball(1.0)), distance_to(0.0))
    assert opt.resume() is no.Status.CONVERGED_GTOL


def test_resume_with_a_limit_already_reached():
    opt = solved(no.SPG(start(6), no.Box(-2.0, 0.5), maxiter=5), rosenbrock)
    assert opt.resume(maxiter=5) is no.Status.MAXITER
    assert opt.resume(maxiter=50, maxfun=opt.nfev) is no.Status.MAXFUN
    with pytest.raises(ValueError, match="gtol"):
        opt.resume(gtol=-1.0)


@pytest.mark.parametrize("duplicate", [lambda o: pickle.loads(pickle.dumps(o)), copy.copy, copy.deepcopy])
@pytest.mark.parametrize("pause", [0, 1, 5, 17])
def test_a_pickled_or_copied_solver_continues_bit_for_bit(duplicate, pause):
    opt = no.SPG(start(6), BOX, memory=3)
    drive(opt, rosenbrock, pause)
    twin = duplicate(opt)
    points, _ = drive(opt, rosenbrock)
    twins, _ = drive(twin, rosenbrock)
    np.testing.assert_array_equal(points, twins)
    assert (opt.status, opt.nfev, opt.f) == (twin.status, twin.nfev, twin.f)


def test_a_complex_solver_is_pickled():
    _, _, fun = least_squares(6, 4, 3, complex)
    opt = no.SPG(normal(4, 0, complex), no.L1Ball(0.5))
    drive(opt, fun, 4)
    twin = pickle.loads(pickle.dumps(opt))
    points, _ = drive(opt, fun)
    twins, _ = drive(twin, fun)
    np.testing.assert_array_equal(points, twins)
    assert twin.x.dtype == np.complex128


def test_reset_gives_the_bits_of_a_new_solver():
    opt = solved(no.SPG(start(6), BOX), rosenbrock)
    opt.reset(start(6) * 3)
    assert (opt.nit, opt.nfev, opt.running, opt.status) == (0, 0, True, no.Status.RUNNING)
    points, _ = drive(opt, rosenbrock)
    fresh, _ = drive(no.SPG(start(6) * 3, BOX), rosenbrock)
    np.testing.assert_array_equal(points, fresh)


def test_reset_with_another_size_or_kind_raises():
    opt = no.SPG(np.ones(3), no.L1Ball(1.0))
    with pytest.raises(ValueError, match="3 entries"):
        opt.reset(np.ones(4))
    with pytest.raises(ValueError, match="float64"):
        opt.reset(np.ones(3, complex))
    with pytest.raises(ValueError, match="finite"):
        opt.reset([1.0, np.nan, 0.0])
    opt = no.SPG(np.ones(3, complex), no.L1Ball(1.0))
    opt.reset(np.full(3, 2.0))
    np.testing.assert_allclose(opt.ask(), 1 / 3)
    assert opt.ask().dtype == np.complex128


def test_two_solvers_share_nothing():
    one, other = (no.SPG(start(6), BOX) for _ in range(2))
    solved(one, rosenbrock)
    np.testing.assert_array_equal(other.ask(), no.project(start(6), BOX))
    assert other.nfev == 0


# --- inside compiled code -------------------------------------------------------------------------


@njit
def rosenbrock_into(x, g):
    f = 0.0
    g[:] = 0.0
    for i in range(x.size - 1):
        a, b = x[i + 1] - x[i] * x[i], 1.0 - x[i]
        f += 100.0 * a * a + b * b
        g[i] -= 400.0 * x[i] * a + 2.0 * b
        g[i + 1] += 200.0 * a
    return f


def rosenbrock_of_the_loop(x):
    g = np.empty(x.size)
    return rosenbrock_into(x, g), g


@njit
def solve_compiled(x0, onto):
    opt = no.SPG(x0, onto, memory=5, gtol=1e-7)
    g = np.empty(x0.size)
    while opt.running:
        opt.tell(rosenbrock_into(opt.ask(), g), g)
    return opt.x.copy(), opt.f, opt.grad.copy(), opt.nit, opt.nfev, opt.status, opt.gradient_size


@pytest.mark.variants
@pytest.mark.parametrize("onto", [BOX, no.L1Ball(2.5)], ids=["Box", "L1Ball"])
def test_compiled_loop_gives_the_bits_of_the_python_loop(onto):
    x, f, g, nit, nfev, status, peak = solve_compiled(start(6), onto)
    opt = solved(no.SPG(start(6), onto, memory=5, gtol=1e-7), rosenbrock_of_the_loop)
    np.testing.assert_array_equal(x, opt.x)
    np.testing.assert_array_equal(g, opt.grad)
    assert (f, nit, nfev, status, peak) == (opt.f, opt.nit, opt.nfev, opt.status, opt.gradient_size)
    assert nit > 5


@njit
def nearest_compiled(target):
    opt = no.SPG(np.zeros(target.size, np.complex128), no.LinfBall(1.0))
    while opt.running:
        z = opt.ask()
        opt.tell(np.sum(np.abs(z - target) ** 2), 2 * (z - target))
    return opt.x.copy()


def test_complex_inside_compiled_code():
    target = 3 * normal(4, 0, complex)
    np.testing.assert_allclose(nearest_compiled(target), no.project(target, no.LinfBall(1.0)), atol=1e-6)


@pytest.mark.jit_only
def test_the_object_of_python_in_compiled_code_and_back():
    @njit
    def some_steps(opt, g, steps):
        for _ in range(steps):
            opt.tell(rosenbrock_into(opt.ask(), g), g)
        return opt

    opt, g = no.SPG(start(6), BOX), np.empty(6)
    drive(opt, rosenbrock_of_the_loop, 3)
    some_steps(opt, g, 4)
    points, _ = drive(opt, rosenbrock_of_the_loop)
    whole, _ = drive(no.SPG(start(6), BOX), rosenbrock_of_the_loop)
    np.testing.assert_array_equal(points, whole[7:])


@pytest.mark.jit_only
def test_compiled_code_refuses_wrong_sizes_without_touching_anything():
    @njit
    def misuse(opt, g, x0):
        return opt.tell(1.0, g), opt.reset(x0), opt.nfev

    assert misuse(no.SPG(np.ones(6), BOX), np.ones(4), np.ones(2)) == (-1, False, 0)


@pytest.mark.jit_only
def test_no_step_allocates_where_the_projection_does_not():
    @njit
    def run(opt, g):
        while opt.running:
            opt.tell(rosenbrock_into(opt.ask(), g), g)
        return opt.nfev

    g = np.empty(6)
    run(no.SPG(start(6), BOX), g)
    opt = no.SPG(start(6), BOX, gtol=1e-9)
    before = rtsys.get_allocation_stats().mi_alloc
    assert run(opt, g) > 20
    assert rtsys.get_allocation_stats().mi_alloc - before <= 5  # the arguments, not the loop


@pytest.mark.jit_only
def test_nothing_leaks():
    for onto in (BOX, no.L1Ball(2.5)):
        solve_compiled(start(6), onto)
        before = rtsys.get_allocation_stats()
        for _ in range(20):
            solve_compiled(start(6), onto)
        after = rtsys.get_allocation_stats()
        assert after.mi_alloc - before.mi_alloc == after.mi_free - before.mi_free


def test_an_unbounded_problem_is_no_success():
    res = no.minimize(lambda x: (-x.sum(), -np.ones(3)), np.zeros(3), jac=True, constraints=no.NonNegative())
    assert not res.success


@pytest.mark.parametrize("seed", range(8))
def test_optimality_is_that_of_the_point_returned(seed):
    rng, box = np.random.default_rng(seed), no.Box(-2.0, 2.0)
    w = 3 * rng.normal(size=4)

    def fun(x):
        return np.cos(w * x).sum(), -w * np.sin(w * x)

    res = no.minimize(fun, rng.normal(size=4), jac=True, constraints=box, options={"maxiter": 1 + seed})
    np.testing.assert_allclose(res.optimality, np.max(np.abs(no.project(res.x - res.jac, box) - res.x)), rtol=1e-12)
