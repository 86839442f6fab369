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


def saved(path, x0, change):
    """The file of a solver after some steps, with one thing changed."""
    opt = no.LBFGS(x0, memory=4, linesearch=no.Zoom(c3=None))
    for _ in range(7):
        opt.tell(*(complex_bowl if np.iscomplexobj(x0) else rosenbrock)(opt.ask()))
    opt.save(path)
    with np.load(path) as file:
        arrays = {**file}
    change(arrays)
    np.savez(path, **arrays)
    return path


def put(name, value):
    return lambda arrays: arrays.update({name: value(arrays[name]) if callable(value) else value})


def longer(a):
    return np.concatenate([a, a])


def with_first(number):
    return lambda a: np.array([number, *a[1:]])


WRONG_FILES = [
    ("core.grad", longer, r"core.grad must be float64 of shape \(20,\), got float64 of shape \(40,\)"),
    ("core.trial", lambda a: a[:-1], r"core.trial must be float64 of shape \(20,\), got float64 of shape \(19,\)"),
    ("core.direction", np.float32, r"core.direction must be float64 of shape \(20,\), got float32"),
    ("core.x", longer, r"pairs.steps must be float64 of shape \(4, 40\), got float64 of shape \(4, 20\)"),
    ("core.x", lambda a: a[None], r"core.x must be a vector .* got shape \(1, 20\)"),
    ("core.x", np.complex128, r"core.x must be float64 .* got complex128"),
    ("core.scalars", lambda a: a[:-1], "core.scalars must be float64"),
    ("core.counters", np.float64, "core.counters must be int64 .* got float64"),
    ("core.counters", with_first(77), "core.counters must begin with a Status, got 77"),
    ("core.search", longer, "core.search must be float64"),
    (
        "pairs.steps",
        lambda a: a[:, :5],
        r"pairs.steps must be float64 of shape \(4, 20\), got float64 of shape \(4, 5\)",
    ),
    ("pairs.steps", lambda a: a[0], r"pairs.steps must be .* got float64 of shape \(20,\)"),
    ("pairs.steps", longer, r"pairs.changes must be float64 of shape \(8, 20\), got float64 of shape \(4, 20\)"),
    ("pairs.changes", lambda a: a.T, r"pairs.changes must be float64 of shape \(4, 20\)"),
    ("pairs.changes", lambda a: a.astype(">f8"), "pairs.changes must be float64 .* got >f8"),
    ("pairs.ring", with_first(5), r"pairs.ring must be within the 4 rows of the memory, got \[5 "),
    ("pairs.ring", with_first(-1), "pairs.ring must be within"),
    ("pairs.ring", lambda a: np.array([1, 4]), "pairs.ring must be within"),
    ("pairs.inverse", np.zeros((20, 20)), r"pairs.inverse must be float64 of shape \(0, 0\)"),
    ("prototype", np.empty(0, np.float32), "prototype must be float64 or complex128, got float32"),
    ("prototype", np.empty(3), r"prototype must be float64 of shape \(0,\)"),
    ("search", np.array("Golden"), "search must be MoreThuente, Zoom, Backtracking, got 'Golden'"),
    ("search.c1", np.ones(2), r"search.c1 must be float64 of shape \(\), got float64 of shape \(2,\)"),
    ("search.c1", np.array(2.0), "0 < c1 < c2 < 1 is needed, got c1=2.0"),
]


@pytest.mark.parametrize(("name", "value", "message"), WRONG_FILES)
def test_a_file_with_a_wrong_field_is_refused_by_its_name(tmp_path, name, value, message):
    path = saved(tmp_path / "state.npz", start(20), put(name, value))
    with pytest.raises(ValueError, match=message) as error:
        no.LBFGS.load(path)
    assert str(path) in str(error.value) or "Zoom" in str(error.value)


def test_a_file_without_a_field_is_refused_by_its_name(tmp_path):
    for name in ("core.grad", "pairs.gram", "search.c2", "prototype", "core.x"):
        path = saved(tmp_path / "state.npz", start(20), lambda arrays, name=name: arrays.pop(name))
        with pytest.raises(ValueError, match=f"{name}.* is missing"):
            no.LBFGS.load(path)


def test_a_complex_vector_has_two_numbers_an_entry(tmp_path):
    path = saved(tmp_path / "state.npz", np.ones(10, complex), put("core.x", lambda a: a[:-1]))
    with pytest.raises(ValueError, match=r"core.x must be a vector of 2 real numbers an entry, got shape \(19,\)"):
        no.LBFGS.load(path)


def test_one_array_is_no_solver(tmp_path):
    np.save(tmp_path / "x.npy", np.ones(3))
    with pytest.raises(ValueError, match="holds no LBFGS, but one array"):
        no.LBFGS.load(tmp_path / "x.npy")


def test_rows_in_the_order_of_columns_are_taken(tmp_path):
    path = saved(tmp_path / "state.npz", start(20), put("pairs.steps", np.asfortranarray))
    opt, twin = no.LBFGS.load(saved(tmp_path / "as_it_was.npz", start(20), lambda arrays: None)), no.LBFGS.load(path)
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
