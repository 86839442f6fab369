"""Stopping and going on: limits, files, new data with the old memory, and the inverse Hessian."""

import pickle

import numpy as np
import pytest

import numopt as no

START = np.array([-1.2, 1.0, 0.7, -0.3])


def rosenbrock(x):
    a, b = x[1:] - x[:-1] ** 2, 1 - x[:-1]
    g = np.zeros_like(x)
    g[:-1] = -400 * x[:-1] * a - 2 * b
    g[1:] += 200 * a
    return float(np.sum(100 * a**2 + b**2)), g


def complex_bowl(z):
    w = np.arange(1, z.size + 1)
    return float(np.sum(w * abs(z - 1j) ** 2)), 2 * w * (z - 1j)


def start(n):
    return np.tile(START, -(-n // 4))[:n]


@pytest.mark.parametrize("n", [4, 30])
@pytest.mark.parametrize("pause", [1, 7, 20])
def test_resumed_after_maxiter_is_the_uninterrupted_run(n, pause):
    whole = no.minimize(rosenbrock, start(n), jac=True, options={"ftol": 0})
    part = no.minimize(rosenbrock, start(n), jac=True, options={"ftol": 0, "maxiter": pause})
    assert part.nit == pause
    state = pickle.loads(pickle.dumps(part.state))
    rest = no.minimize(rosenbrock, start(n), jac=True, options={"ftol": 0, "state": state})
    np.testing.assert_array_equal(rest.x, whole.x)
    assert (rest.nit, rest.nfev, rest.reason) == (whole.nit, whole.nfev, whole.reason)


def test_the_state_given_is_not_changed():
    part = no.minimize(rosenbrock, START, jac=True, options={"maxiter": 5})
    before = part.state.x
    no.minimize(rosenbrock, START, jac=True, options={"state": part.state})
    np.testing.assert_array_equal(part.state.x, before)
    assert part.state.nit == 5


@pytest.mark.variants
@pytest.mark.parametrize("search", [no.MoreThuente(), no.Zoom(), no.Backtracking()], ids=lambda s: type(s).__name__)
@pytest.mark.parametrize("n", [4, 30])
def test_resumed_after_maxfun_is_the_uninterrupted_run(n, search):
    """Also where the limit cuts a line search short: the search itself goes on."""
    options = {"ftol": 0, "linesearch": search}
    whole = no.minimize(rosenbrock, start(n), jac=True, options=options)
    cut_short = 0
    for limit in range(1, min(whole.nfev, 40)):
        part = no.minimize(rosenbrock, start(n), jac=True, options={**options, "maxfun": limit})
        cut_short += part.fun < part.state.core.search[0]
        state = pickle.loads(pickle.dumps(part.state))
        rest = no.minimize(rosenbrock, start(n), jac=True, options={**options, "state": state})
        np.testing.assert_array_equal(rest.x, whole.x)
        assert (rest.nit, rest.nfev, rest.reason) == (whole.nit, whole.nfev, whole.reason)
    assert cut_short > 0 or isinstance(search, no.Backtracking)


def test_resumed_one_evaluation_at_a_time_is_the_uninterrupted_run():
    whole = no.LBFGS(START)
    while whole.running:
        whole.tell(*rosenbrock(whole.ask()))
    opt = no.LBFGS(START, maxfun=1)
    while opt.running:
        opt.tell(*rosenbrock(opt.ask()))
        if opt.status is no.Status.MAXFUN:
            opt.resume(maxfun=opt.nfev)  # changes nothing
            opt.resume(maxfun=opt.nfev + 1)
    np.testing.assert_array_equal(opt.x, whole.x)
    assert (opt.nit, opt.nfev, opt.status) == (whole.nit, whole.nfev, whole.status)


def test_a_run_cut_short_shows_the_best_point_seen():
    values = []

    def recorded(x):
        f, g = rosenbrock(x)
        values.append(f)
        return f, g

    for limit in range(1, 40):
        values.clear()
        part = no.minimize(recorded, START, jac=True, options={"maxfun": limit})
        f, g = rosenbrock(part.x)
        assert part.reason is no.Status.MAXFUN or limit > 20
        assert part.fun == f == min(values)
        assert part.state.f == f
        np.testing.assert_array_equal(part.jac, g)
        np.testing.assert_array_equal(part.state.grad, g)
        assert part.state.gradient_size == np.max(abs(g))


def test_a_target_met_when_maxfun_is_reached_is_a_success():
    part = no.minimize(rosenbrock, START, jac=True, options={"maxfun": 9})
    again = no.minimize(rosenbrock, START, jac=True, options={"maxfun": 9, "target": part.fun})
    assert again.reason is no.Status.TARGET


@pytest.mark.variants
@pytest.mark.parametrize("search", [no.MoreThuente(gtol=0.5), no.Zoom(c3=None), no.Backtracking()])
@pytest.mark.parametrize("x0", [start(4), start(30), np.ones(3, complex)], ids=["dense", "pairs", "complex"])
def test_saved_and_loaded_it_continues_bit_for_bit(tmp_path, search, x0):
    fun = complex_bowl if np.iscomplexobj(x0) else rosenbrock
    opt = no.LBFGS(x0, linesearch=search)
    for _ in range(6):
        if opt.running:
            opt.tell(*fun(opt.ask()))
    opt.save(tmp_path / "state.npz")
    twin = no.LBFGS.load(tmp_path / "state.npz")
    while opt.running:
        np.testing.assert_array_equal(twin.ask(), opt.ask())
        opt.tell(*fun(opt.ask()))
        twin.tell(*fun(twin.ask()))
    assert (twin.status, twin.nfev) == (opt.status, opt.nfev)


def test_loading_something_else_raises(tmp_path):
    np.savez(tmp_path / "other.npz", x=np.ones(3))
    with pytest.raises(ValueError, match="holds no LBFGS"):
        no.LBFGS.load(tmp_path / "other.npz")


def test_rows_in_the_order_of_columns_are_taken(tmp_path):
    opt = no.LBFGS(start(20), memory=4)
    for _ in range(7):
        opt.tell(*rosenbrock(opt.ask()))
    opt.save(tmp_path / "state.npz")
    with np.load(tmp_path / "state.npz") as file:
        arrays = {**file}
    np.savez(tmp_path / "state.npz", **{**arrays, "steps": np.asfortranarray(arrays["steps"])})
    twin = no.LBFGS.load(tmp_path / "state.npz")
    while opt.running:
        np.testing.assert_array_equal(twin.ask(), opt.ask())
        opt.tell(*rosenbrock(opt.ask()))
        twin.tell(*rosenbrock(twin.ask()))
    assert (twin.status, twin.nfev) == (opt.status, opt.nfev)


def test_new_data_with_the_old_memory():
    first = no.minimize(rosenbrock, start(30), jac=True, options={"ftol": 0})
    changed = lambda x: tuple(1.01 * part for part in rosenbrock(x))  # noqa: E731
    state = first.state
    state.reset(first.x * 1.001, keep_memory=True)
    warm = no.minimize(changed, first.x, jac=True, options={"ftol": 0, "state": state})
    cold = no.minimize(changed, first.x * 1.001, jac=True, options={"ftol": 0})
    assert warm.success
    assert warm.nfev < cold.nfev


@pytest.mark.parametrize("state", ["state", 3])
def test_no_state_raises(state):
    with pytest.raises(TypeError, match="state"):
        no.minimize(rosenbrock, START, jac=True, options={"state": state})


def test_state_of_another_problem_raises():
    state = no.minimize(rosenbrock, START, jac=True).state
    with pytest.raises(ValueError, match="4 entries"):
        no.minimize(rosenbrock, start(5), jac=True, options={"state": state})
    with pytest.raises(ValueError, match="complex128"):
        no.minimize(complex_bowl, np.ones(4, complex), jac=True, options={"state": state})


def test_resume_of_a_converged_solver_changes_nothing():
    result = no.minimize(rosenbrock, START, jac=True)
    assert result.state.resume() is result.reason


# --- the inverse Hessian --------------------------------------------------------------------------


@pytest.mark.parametrize("n", [4, 30])
def test_inverse_hessian_satisfies_the_secant_equation(n):
    result = no.minimize(rosenbrock, start(n), jac=True, options={"ftol": 0})
    h = result.hess_inv
    np.testing.assert_allclose(h @ h.yk[-1], h.sk[-1], rtol=1e-9)
    dense = h.todense()
    np.testing.assert_allclose(dense, dense.T, atol=1e-12 * np.max(abs(dense)))
    np.testing.assert_allclose(dense @ np.arange(n), h @ np.arange(n), rtol=1e-9)
    assert np.linalg.eigvalsh((dense + dense.T) / 2).min() > 0
    assert result.hess_inv is h


def test_pairs_are_chronological():
    points, gradients = [], []

    def remember(xk):
        points.append(xk)
        gradients.append(rosenbrock(xk)[1])

    result = no.minimize(rosenbrock, start(30), jac=True, callback=remember, options={"maxcor": 4})
    h = result.hess_inv
    steps, changes = np.diff(points, axis=0), np.diff(gradients, axis=0)
    np.testing.assert_array_equal(h.sk, steps[-4:])
    np.testing.assert_array_equal(h.yk, changes[-4:])


def test_inverse_hessian_of_a_complex_problem():
    result = no.minimize(complex_bowl, np.zeros(3, complex), jac=True, options={"gtol": 1e-10, "ftol": 0})
    h = result.hess_inv
    assert h.dtype == np.complex128
    np.testing.assert_allclose(h @ h.yk[-1], h.sk[-1], rtol=1e-9)
    assert h.todense().shape == (6, 6)


def test_without_an_iteration_it_is_the_identity():
    result = no.minimize(rosenbrock, START, jac=True, options={"maxiter": 0})
    np.testing.assert_array_equal(result.hess_inv.todense(), np.eye(4))
    assert result.hess_inv.sk.shape == (0, 4)


def test_a_missing_entry_is_a_key_error():
    result = no.minimize(rosenbrock, START, jac=True)
    with pytest.raises(KeyError):
        result["luck"]
    with pytest.raises(AttributeError):
        _ = result.luck


@pytest.mark.parametrize("n", [2, 40])
@pytest.mark.parametrize("options", [{"gtol": 1e-2}, {"gtol": 0.0, "ftol": 1e-2}])
def test_a_converged_run_goes_on_to_smaller_tolerances(n, options):
    x0 = np.resize([-1.2, 1.0], n)
    loose = no.minimize(rosenbrock, x0, jac=True, options=options)
    assert loose.success
    tight = no.minimize(rosenbrock, x0, jac=True, options={"gtol": 1e-8, "ftol": 0.0, "state": loose.state})
    assert tight.success
    assert np.max(np.abs(tight.jac)) <= 1e-8
    assert tight.nit > loose.nit
