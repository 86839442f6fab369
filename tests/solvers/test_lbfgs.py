"""LBFGS as an ask/tell object: what it promises, and each way it can end."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numba import njit, prange
from numba.core.runtime import rtsys

import numopt as no
from numopt.problems.more_garbow_hillstrom import instances
from numopt.solvers.pairs import COMPACT_FROM

SEARCHES = [no.MoreThuente(), no.Zoom(), no.Backtracking()]


@njit
def rosenbrock(x):
    f = 0.0
    g = np.zeros(x.size)
    for i in range(x.size - 1):
        a, b = x[i + 1] - x[i] * x[i], 1.0 - x[i]
        f += 100.0 * a * a + b * b
        g[i] -= 400.0 * x[i] * a + 2.0 * b
        g[i + 1] += 200.0 * a
    return f, g


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


def start(n, seed=0):
    return np.tile([-1.2, 1.0], (n + 1) // 2)[:n] + 0.1 * np.random.default_rng(seed).normal(size=n)


# --- it solves ------------------------------------------------------------------------------------


@pytest.mark.parametrize("search", SEARCHES, ids=lambda s: type(s).__name__)
@pytest.mark.parametrize("n", [2, 5, 20])
def test_rosenbrock(search, n):
    opt = solved(no.LBFGS(start(n), linesearch=search, ftol=0), rosenbrock)
    assert opt.status is no.Status.CONVERGED_GTOL
    assert np.max(abs(opt.grad)) <= 1e-5
    np.testing.assert_allclose(opt.x, 1, atol=1e-4)


@pytest.mark.jit_only
def test_rosenbrock_in_compact_form():
    opt = solved(no.LBFGS(start(2 * COMPACT_FROM) * 0.1 + 1, ftol=0), rosenbrock)
    assert opt.status is no.Status.CONVERGED_GTOL
    np.testing.assert_allclose(opt.x, 1, atol=1e-4)


def test_quadratic_ends_after_n_exact_steps():
    n = 6
    rng = np.random.default_rng(3)
    q = np.linalg.qr(rng.normal(size=(n, n)))[0]
    a = q @ np.diag(np.logspace(0, 2, n)) @ q.T
    exact = no.MoreThuente(ftol=1e-9, gtol=1e-9, xtol=1e-14, max_evals=60)
    opt = solved(
        no.LBFGS(rng.normal(size=n), memory=n, linesearch=exact, gtol=1e-6, ftol=0), lambda x: (x @ a @ x / 2, a @ x)
    )
    assert opt.status is no.Status.CONVERGED_GTOL
    assert opt.nit <= n + 1


@pytest.mark.parametrize("problem", instances(), ids=lambda p: p.name)
def test_more_garbow_hillstrom_at_tight_tolerances(problem):
    opt = solved(no.LBFGS(problem.x0, gtol=1e-9, ftol=0, maxfun=20000), problem.value_and_gradient)
    f, g = problem.value_and_gradient(opt.x)
    assert f == opt.f
    assert np.array_equal(g, opt.grad)
    assert min(abs(f - known) - 1e-5 * known for known in problem.minima) <= 1e-8
    if opt.status is no.Status.CONVERGED_GTOL:
        assert np.max(abs(g)) <= 1e-9
    else:
        assert opt.status not in (no.Status.MAXFUN, no.Status.MAXITER)  # rounding in f hides what is left
        assert np.max(abs(g)) <= 1e-6 * np.max(abs(problem.value_and_gradient(problem.x0)[1]))


@pytest.mark.slow
@pytest.mark.jit_only
def test_more_garbow_hillstrom_takes_no_more_evaluations_than_scipy():
    import scipy.optimize

    ratios = []
    for problem in instances():
        opt = solved(no.LBFGS(problem.x0, gtol=1e-9, ftol=0, maxfun=20000), problem.value_and_gradient)
        options = {"gtol": 1e-9, "ftol": 0, "maxiter": 20000, "maxfun": 20000}
        peer = scipy.optimize.minimize(
            problem.value_and_gradient, problem.x0, jac=True, method="L-BFGS-B", options=options
        )
        if any(abs(peer.fun - known) <= 1e-5 * known + 1e-8 for known in problem.minima):
            ratios.append(opt.nfev / peer.nfev)
    assert len(ratios) >= 38
    assert np.exp(np.mean(np.log(ratios))) <= 1.0


# --- complex vectors ------------------------------------------------------------------------------


def complex_rosenbrock(z):
    """sum 100 |z_{i+1} - z_i^2|^2 + |1 - z_i|^2, with g = df/dRe + i df/dIm."""
    a, b = z[1:] - z[:-1] ** 2, 1 - z[:-1]
    g = np.zeros_like(z)
    g[:-1] = -400 * np.conj(z[:-1]) * a - 2 * b
    g[1:] += 200 * a
    return float(np.sum(100 * abs(a) ** 2 + abs(b) ** 2)), g


def as_real(fun):
    def real(v):
        f, g = fun(v.view(complex))
        return f, g.view(float)

    return real


def complex_start(n, seed=1):
    rng = np.random.default_rng(seed)
    return rng.normal(size=n) + 1j * rng.normal(size=n)


def test_complex_iterates_are_those_of_the_real_problem_bit_for_bit():
    z0 = complex_start(4)
    points, _ = drive(no.LBFGS(z0), complex_rosenbrock)
    real_points, _ = drive(no.LBFGS(z0.view(float)), as_real(complex_rosenbrock))
    assert len(points) == len(real_points) > 10
    assert all(np.array_equal(z.view(float), v) for z, v in zip(points, real_points, strict=True))


def test_complex_rosenbrock_is_solved():
    opt = solved(no.LBFGS(complex_start(6), ftol=0), complex_rosenbrock)
    assert opt.status is no.Status.CONVERGED_GTOL
    assert opt.x.dtype == np.complex128
    assert opt.f < 1e-9


def test_sum_of_moduli_to_the_power_one_and_a_half():
    rng = np.random.default_rng(5)
    w = rng.normal(size=(12, 5)) + 1j * rng.normal(size=(12, 5))

    def fun(z):
        v = w @ z
        return float(np.sum(abs(v) ** 1.5)), 1.5 * (w.conj().T @ (v / np.sqrt(np.maximum(abs(v), 1e-300))))

    opt = solved(no.LBFGS(complex_start(5), ftol=0, gtol=1e-4), fun)
    assert opt.status.success
    assert np.max(abs(opt.x)) < 1e-6


def test_equivariance_under_a_global_phase():
    """For f(e^{it} z) = f(z), the iterates from e^{it} z0 are e^{it} times those from z0, up to rounding."""

    rng = np.random.default_rng(2)
    a = rng.normal(size=(20, 3)) + 1j * rng.normal(size=(20, 3))
    y = abs(a @ complex_start(3)) ** 2

    def fun(z):
        v = a @ z
        r = abs(v) ** 2 - y
        return float(r @ r), 4 * (a.conj().T @ (r * v))

    z0, phase = complex_start(3, 9), np.exp(0.7j)
    points, _ = drive(no.LBFGS(z0), fun, 12)
    turned, _ = drive(no.LBFGS(phase * z0), fun, 12)
    for z, t in zip(points, turned, strict=True):
        np.testing.assert_allclose(t, phase * z, rtol=1e-8)


# --- how it ends ----------------------------------------------------------------------------------


def sphere(x):
    return float(x @ x), 2 * x


def test_converged_at_the_start():
    opt = solved(no.LBFGS(np.zeros(3)), sphere)
    assert (opt.status, opt.nit, opt.nfev) == (no.Status.CONVERGED_GTOL, 0, 1)


def test_empty_vector():
    opt = solved(no.LBFGS(np.zeros(0)), lambda x: (3.0, x))
    assert (opt.status, opt.f, opt.x.size) == (no.Status.CONVERGED_GTOL, 3.0, 0)


def test_ftol_needs_a_small_decrease_and_a_small_prediction():
    opt = solved(no.LBFGS(start(10), gtol=0, ftol=1e-9), rosenbrock)
    assert opt.status is no.Status.CONVERGED_FTOL
    assert 0 < opt.f < 1e-6


def test_precision_where_f_cannot_be_resolved():
    """The decrease that is left, 5e-11 in 1e6, is less than the rounding of f: no trial shows it."""

    def fun(x):
        f = 1e6 + float(x @ x) / 2
        return f if np.array_equal(x, x0) else max(f, np.nextafter(1e6 + 5e-11, np.inf)), x.copy()

    x0 = np.array([1e-5])
    opt = solved(no.LBFGS(x0, gtol=1e-9, ftol=0), fun)
    assert opt.status is no.Status.PRECISION
    assert opt.result().success
    np.testing.assert_array_equal(opt.x, x0)


@pytest.mark.parametrize("limit", [0, 1, 2, 7])
def test_maxiter_is_exact(limit):
    opt = solved(no.LBFGS(start(10), maxiter=limit), rosenbrock)
    assert (opt.status, opt.nit) == (no.Status.MAXITER, limit)


@pytest.mark.parametrize("limit", [1, 2, 3, 11])
def test_maxfun_holds_inside_a_line_search(limit):
    opt = no.LBFGS(start(10), maxfun=limit)
    points, values = drive(opt, rosenbrock)
    assert (opt.status, opt.nfev, len(points)) == (no.Status.MAXFUN, limit, limit)
    assert opt.f == min(values)


def test_wrong_gradient_is_not_a_success():
    opt = solved(no.LBFGS(np.ones(3)), lambda x: (float(x @ x), -2 * x))
    assert opt.status is no.Status.LINE_SEARCH
    assert not opt.status.success
    assert opt.f == 3.0


def test_kink_ends_without_success_or_at_the_kink():
    opt = solved(no.LBFGS(np.array([1.0, -0.7])), lambda x: (float(np.sum(abs(x))), np.sign(x)))
    assert opt.f <= 1.7
    assert not opt.status.success or opt.f < 1e-4


def test_unbounded_below():
    def fun(x):
        return (-np.inf if x[0] > 10 else -float(x[0])), np.array([-1.0])

    opt = solved(no.LBFGS(np.zeros(1)), fun)
    assert opt.status is no.Status.UNBOUNDED
    assert np.isfinite(opt.f)
    assert opt.f <= 0


@pytest.mark.parametrize(("f", "g"), [(np.nan, 1.0), (np.inf, 1.0), (-np.inf, 1.0), (1.0, np.nan), (1.0, np.inf)])
def test_non_finite_start(f, g):
    opt = no.LBFGS(np.ones(2))
    opt.tell(f, np.array([1.0, g]))
    assert (opt.status, opt.nfev) == (no.Status.NONFINITE_START, 1)
    assert not opt.result().success


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("search", SEARCHES, ids=lambda s: type(s).__name__)
def test_log_barrier_is_backed_away_from(search, bad):
    """min sum c_i x_i - log x_i; outside the domain f is NaN or inf. The solution is 1 / c."""
    c = np.array([1.0, 1e3, 1e-3])

    def fun(x):
        if np.any(x <= 0):
            return bad, np.full(3, np.nan)
        return float(np.sum(c * x - np.log(x))), c - 1 / x

    opt = solved(no.LBFGS(np.array([0.5, 1e-2, 1.0]), linesearch=search, gtol=1e-8, ftol=0), fun)
    assert opt.status.success
    np.testing.assert_allclose(opt.x * c, 1, rtol=1e-4)


def test_gradient_alone_not_finite_is_backed_away_from():
    def fun(x):
        f, g = sphere(x - 0.3)
        return f, g if abs(x[0] - 0.3) < 1 else np.full(2, np.inf)

    opt = solved(no.LBFGS(np.array([1.2, 0.0])), fun)
    assert opt.status.success
    np.testing.assert_allclose(opt.x, 0.3, atol=1e-4)


def test_all_nan_after_the_start():
    x0 = np.ones(2)
    opt = no.LBFGS(x0)
    _, values = drive(opt, lambda x: sphere(x) if np.array_equal(x, x0) else (np.nan, x))
    assert opt.status is no.Status.EDGE_OF_DOMAIN
    assert opt.f == 2.0
    assert len(values) < 100


@pytest.mark.parametrize("seed", range(20))
def test_never_worse_than_the_start_and_never_a_false_success(seed):
    """Objectives with random jumps, NaN and inf: whatever happens, the report is true."""
    rng = np.random.default_rng(seed)
    c, holes = rng.normal(size=3), rng.uniform(0, 0.4)

    def fun(x):
        key = np.random.default_rng(abs(hash(x.tobytes())) % 2**32)
        f, g = sphere(x - c)
        kind = key.uniform()
        if not np.array_equal(x, x0) and kind < holes:
            return [(np.nan, g), (np.inf, g), (f, g * np.nan), (f + 1.0, -g)][key.integers(4)]
        return f, g

    x0 = rng.normal(size=3) * 10
    opt = no.LBFGS(x0, maxfun=300)
    _, values = drive(opt, fun)
    assert opt.f <= values[0]
    assert opt.f in values
    if opt.status is no.Status.CONVERGED_GTOL:
        assert np.max(abs(opt.grad)) <= 1e-5


def test_f_never_increases():
    opt, seen = no.LBFGS(start(8)), []
    while opt.running:
        opt.tell(*rosenbrock(opt.ask()))
        seen.append(opt.f)
    assert all(np.diff(seen) <= 0)


def test_huge_gradient_is_scaled_by_a_power_of_two():
    """2^600 f has the iterates of f, and its own f and gradient in the result."""
    factor = 2.0**600
    plain, huge = no.LBFGS(start(4), gtol=1e-3, ftol=0), no.LBFGS(start(4), gtol=1e-3 * factor, ftol=0)
    drive(plain, rosenbrock)
    drive(huge, lambda x: tuple(factor * part for part in rosenbrock(x)))
    np.testing.assert_allclose(huge.x, plain.x, atol=1e-3)
    f, g = rosenbrock(huge.x)
    assert huge.f == factor * f
    np.testing.assert_array_equal(huge.grad, factor * g)
    assert huge.status is no.Status.CONVERGED_GTOL


# --- the object -----------------------------------------------------------------------------------


def test_ask_gives_copies_of_one_point():
    opt = no.LBFGS(np.ones(2))
    first = opt.ask()
    first[:] = 7
    np.testing.assert_array_equal(opt.ask(), 1)
    out = np.empty(2)
    assert opt.ask(out) is out
    np.testing.assert_array_equal(out, 1)
    with pytest.raises(ValueError, match="shape"):
        opt.ask(np.empty(3))


def test_attributes_are_the_accepted_point():
    opt = no.LBFGS(np.array([3.0, 4.0]))
    opt.tell(*sphere(opt.ask()))
    np.testing.assert_array_equal(opt.x, [3, 4])
    assert opt.f == 25
    np.testing.assert_array_equal(opt.grad, [6, 8])
    assert (opt.nit, opt.nfev, opt.running) == (0, 1, True)
    assert opt.status is no.Status.RUNNING
    kept = opt.x
    kept[:] = 0
    np.testing.assert_array_equal(opt.x, [3, 4])


def test_tell_after_the_end_changes_nothing():
    opt = solved(no.LBFGS(np.ones(2)), sphere)
    before = opt.result()
    opt.tell(-1.0, np.ones(2))
    after = opt.result()
    assert (after.fun, after.nfev, after.status) == (before.fun, before.nfev, before.status)


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
    opt = no.LBFGS(np.ones(2))
    with pytest.raises(error):
        opt.tell(f, g)
    assert opt.nfev == 0
    assert opt.running


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"memory": 0}, "memory"),
        ({"gtol": -1}, "gtol"),
        ({"ftol": np.nan}, "ftol"),
        ({"maxiter": -1}, "maxiter"),
        ({"maxfun": 0}, "maxfun"),
    ],
)
def test_bad_limits_raise(arguments, name):
    with pytest.raises(ValueError, match=name):
        no.LBFGS(np.ones(2), **arguments)


def test_bad_line_search_raises():
    for wrong in ("zoom", no.L1Ball(1.0), no.Zoom, None):
        with pytest.raises(TypeError, match="linesearch must be MoreThuente"):
            no.LBFGS(np.ones(2), linesearch=wrong)


def test_a_misspelt_attribute_raises():
    opt = no.LBFGS(np.ones(2))
    with pytest.raises(AttributeError):
        opt.gtoll = 1.0
    with pytest.raises(AttributeError):
        opt.x = np.zeros(2)


def test_inputs_are_not_modified_nor_kept():
    x0, g = np.array([-1.2, 1.0]), np.empty(2)
    x0.flags.writeable = False
    opt = no.LBFGS(x0)
    while opt.running:
        f, g[:] = rosenbrock(opt.ask())
        before = g.copy()
        opt.tell(f, g)
        np.testing.assert_array_equal(g, before)
        g[:] = np.nan
    assert opt.status.success


def test_reset_gives_the_bits_of_a_new_solver():
    opt = solved(no.LBFGS(start(6)), rosenbrock)
    opt.reset(start(6, seed=4))
    assert (opt.nit, opt.nfev, opt.running) == (0, 0, True)
    points, _ = drive(opt, rosenbrock)
    fresh, _ = drive(no.LBFGS(start(6, seed=4)), rosenbrock)
    np.testing.assert_array_equal(points, fresh)


def test_reset_with_another_size_or_kind_raises():
    opt = no.LBFGS(np.ones(3))
    with pytest.raises(ValueError, match="3 entries"):
        opt.reset(np.ones(4))
    with pytest.raises(ValueError, match="float64"):
        opt.reset(np.ones(3, complex))
    opt = no.LBFGS(np.ones(3, complex))
    opt.reset(np.zeros(3))
    assert opt.ask().dtype == np.complex128


@pytest.mark.parametrize("duplicate", [lambda o: pickle.loads(pickle.dumps(o)), copy.copy, copy.deepcopy])
@pytest.mark.parametrize("pause", [0, 1, 5, 17])
def test_a_pickled_or_copied_solver_continues_bit_for_bit(duplicate, pause):
    opt = no.LBFGS(start(5))
    drive(opt, rosenbrock, pause)
    twin = duplicate(opt)
    points, _ = drive(opt, rosenbrock)
    twins, _ = drive(twin, rosenbrock)
    np.testing.assert_array_equal(points, twins)
    np.testing.assert_array_equal(opt.x, twin.x)


def test_memory_is_two_m_plus_five_vectors():
    n, m = 1000, 7
    opt = no.LBFGS(np.zeros(n), memory=m)

    def numbers(value):
        return (
            value.size if isinstance(value, np.ndarray) else sum(map(numbers, value)) if isinstance(value, tuple) else 0
        )

    assert numbers(opt._values) <= (2 * m + 5) * n + 10 * m * m + 200


def test_result_is_scipys():
    result = solved(no.LBFGS(start(3)), rosenbrock).result()
    assert result.success
    assert result.status == 0
    assert result.njev == result.nfev
    assert "Converged" in result.message
    assert isinstance(result.reason, no.Status)


# --- inside compiled code -------------------------------------------------------------------------


@njit
def solve_compiled(x0, memory):
    opt = no.LBFGS(x0, memory=memory, ftol=0.0, linesearch=no.MoreThuente(gtol=0.5))
    while opt.running:
        f, g = rosenbrock(opt.ask())
        opt.tell(f, g)
    return opt.x.copy(), opt.f, opt.grad.copy(), opt.nit, opt.nfev, opt.status


@pytest.mark.parametrize("n", [2, 9])
def test_compiled_loop_gives_the_bits_of_the_python_loop(n):
    x, f, g, nit, nfev, status = solve_compiled(start(n), 5)
    opt = solved(no.LBFGS(start(n), memory=5, ftol=0, linesearch=no.MoreThuente(gtol=0.5)), rosenbrock)
    np.testing.assert_array_equal(x, opt.x)
    np.testing.assert_array_equal(g, opt.grad)
    assert (f, nit, nfev, status) == (opt.f, opt.nit, opt.nfev, opt.status)


@njit
def recover_compiled(target):
    opt = no.LBFGS(np.zeros(target.size, np.complex128))
    while opt.running:
        z = opt.ask()
        opt.tell(np.sum(np.abs(z - target) ** 2), 2 * (z - target))
    return opt.x.copy()


def test_complex_inside_compiled_code():
    target = complex_start(4)
    np.testing.assert_allclose(recover_compiled(target), target, atol=1e-6)


@pytest.mark.jit_only
def test_compiled_code_refuses_wrong_sizes_without_touching_anything():
    @njit
    def misuse(opt, g, x0):
        return opt.tell(1.0, g), opt.reset(x0), opt.nfev

    assert misuse(no.LBFGS(np.ones(3)), np.ones(4), np.ones(2)) == (-1, False, 0)


@pytest.mark.jit_only
def test_one_object_serves_thousands_of_fits_without_allocating():
    @njit
    def fits(opt, starts, g):
        total = 0
        for k in range(starts.shape[0]):
            opt.reset(starts[k])
            while opt.running:
                x = opt.ask()
                g[0], g[1] = 2 * (x[0] - k), 2 * x[1]
                opt.tell((x[0] - k) ** 2 + x[1] ** 2, g)
            total += opt.nit
        return total

    opt, starts, g = no.LBFGS(np.zeros(2)), np.ones((1000, 2)), np.zeros(2)
    fits(opt, starts[:1], g)
    before = rtsys.get_allocation_stats().mi_alloc
    assert fits(opt, starts, g) > 0
    assert rtsys.get_allocation_stats().mi_alloc - before <= 10  # the arguments, not the loop


@pytest.mark.slow
@pytest.mark.jit_only
def test_solvers_in_a_parallel_loop():
    @njit(parallel=True)
    def batch(starts):
        found = np.empty_like(starts)
        for k in prange(starts.shape[0]):
            found[k] = solve_compiled(starts[k], 5)[0]
        return found

    starts = np.array([start(4, seed) for seed in range(40)])
    for found, x0 in zip(batch(starts), starts, strict=True):
        np.testing.assert_array_equal(found, solve_compiled(x0, 5)[0])


@pytest.mark.jit_only
def test_eight_threads_give_the_serial_bits():
    def solve(seed):
        return solved(no.LBFGS(start(20, seed)), rosenbrock).x

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(solve, range(16)))
    for seed, x in enumerate(found):
        np.testing.assert_array_equal(x, solve(seed))
