"""``minimize(..., method='SparseEvolution')``: the ways to evaluate, and the ways to end."""

from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
import pytest
from scipy.optimize import Bounds, OptimizeWarning

import numopt as no
import numopt.search
from numopt.sparse import TwoStage

RNG = np.random.default_rng(0)
A = RNG.normal(size=(40, 12))
PLANTED = np.zeros(12)
PLANTED[[3, 7]] = 1.0, -2.0
Y = A @ PLANTED


def value(x, a=A, y=Y):
    return float(np.mean(np.abs(a @ x - y) ** 2)) / 2


def values(candidates):
    return np.array([value(x) for x in candidates])


def search(fun=value, x0=None, args=(), **options):
    x0 = np.zeros(12) if x0 is None else x0
    return no.minimize(fun, x0, args, method="SparseEvolution", options={"seed": 2, **options})


def search_within(bounds=None, x0=PLANTED * 0, **given):
    return no.minimize(value, x0, method="SparseEvolution", bounds=bounds, options={"seed": 2}, **given)


def test_finds_the_planted_entries():
    res = search(history=True)
    assert res.success
    assert res.support.tolist() == [3, 7]
    assert res.fun == pytest.approx(value(res.x) + 0.01 * 2)
    assert res.f == value(res.x)
    assert res.nnz == 2
    assert np.all(np.diff(res.history["fun"]) <= 0)
    assert res.history["nfev"][-1] == res.nfev
    assert len(res.history["nit"]) == res.nit


@pytest.mark.parametrize(
    ("fun", "options"),
    [
        (values, {"vectorized": True}),
        (value, {"workers": map}),
        (value, {"workers": ThreadPoolExecutor(1)}),
        (value, {"workers": ThreadPoolExecutor(4)}),
    ],
    ids=["batch", "map", "1 worker", "4 workers"],
)
def test_every_way_to_evaluate_gives_the_same_bits(fun, options):
    np.testing.assert_array_equal(search(fun, **options).x, search().x)


@pytest.mark.jit_only
def test_a_compiled_function_gives_the_bits_of_python():
    @numba.njit
    def compiled(x, a, y):
        total = 0.0
        for i in range(y.size):
            rest = -y[i]
            for j in range(x.size):
                rest += a[i, j] * x[j]
            total += rest * rest
        return total / y.size

    def as_python(x, a, y):
        return compiled(x, a, y)

    one, other = search(compiled, args=(A, Y)), search(as_python, args=(A, Y))
    np.testing.assert_array_equal(one.x, other.x)
    assert (one.nfev, one.nit, one.fun) == (other.nfev, other.nit, other.fun)


@pytest.mark.jit_only
def test_an_exception_in_a_compiled_function_comes_out():
    @numba.njit
    def failing(x, counter):
        counter[0] += 1
        if counter[0] > 50:
            raise ValueError("enough")
        return 1.0 + np.sum(x**2)

    with pytest.raises(ValueError, match="enough"):
        search(failing, args=(np.zeros(1),))


def test_complex_entries_are_one_coordinate():
    planted = PLANTED * (1 + 1j)
    res = search(lambda x: value(x, A, A @ planted), np.zeros(12, complex))
    assert res.support.tolist() == [3, 7]
    np.testing.assert_allclose(res.x, planted, atol=0.1)


@pytest.mark.parametrize(
    "given",
    [
        {"bounds": [(None, 0.5)] * 12},
        {"bounds": Bounds(-np.inf, 0.5)},
        {"constraints": no.Box(-np.inf, 0.5)},
    ],
    ids=["pairs", "Bounds", "constraints"],
)
def test_bounds(given):
    seen = []

    def watched(x):
        seen.append(x.max())
        return value(x)

    res = no.minimize(watched, np.zeros(12), method="SparseEvolution", options={"seed": 2, "maxfun": 1500}, **given)
    assert max(seen) == 0.5
    assert res.x[3] == pytest.approx(0.5, abs=0.01)
    assert res.x[7] < -1.5


def test_samples_and_other_choices_pass_through():
    calls = []

    def counted(x):
        calls.append(x.copy())
        return value(x)

    res = search(counted, resamples=2, maxfun=100, grow="random")
    assert res.nfev == len(calls) == 100
    assert all(np.array_equal(a, b) for a, b in zip(calls[::2], calls[1::2], strict=True))
    assert search(maxfun=100, selection="two-stage").state.selection == TwoStage()


def test_target_callback_and_limits():
    assert search(target=0.1).reason == no.Status.TARGET
    assert search(maxfun=40).nfev == 40
    assert search(max_time=0.0).reason == no.Status.MAXTIME
    seen = []

    def callback(intermediate_result):
        seen.append((intermediate_result.nit, intermediate_result.x))
        if len(seen) == 3:
            raise StopIteration

    res = no.minimize(value, np.zeros(12), method="sparseevolution", callback=callback)
    assert res.status == 99
    assert [nit for nit, _ in seen] == [1, 2, 3]


def test_disp_prints_and_progress_shows(capsys):
    pytest.importorskip("tqdm")
    search(maxfun=100, disp=True, progress=True)
    printed = capsys.readouterr()
    assert "evaluations: 100" in printed.out
    assert "SparseEvolution" in printed.err


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: no.minimize(value, PLANTED, jac=True, method="SparseEvolution"), ValueError, "no gradients"),
        (lambda: search_within(constraints=no.L1Ball(1.0)), ValueError, "no other set"),
        (lambda: search_within([(0, 1)] * 12, constraints=no.Box(0, 1)), ValueError, "not both"),
        (lambda: search_within([(0, 1)]), ValueError, "bounds"),
        (lambda: search_within([(0, 1)] * 12, np.zeros(12, complex)), TypeError, "return inf"),
        (lambda: search(grow="gradient"), ValueError, "'score'"),
        (lambda: search(selection="top"), ValueError, "'two-stage'"),
        (lambda: search(resamples=0), ValueError, "resamples"),
        (lambda: no.minimize(3, [0.0], method="SparseEvolution"), TypeError, "callable"),
        (lambda: search(workers=3), TypeError, "workers"),
        (lambda: search(lambda candidates: 1.0, vectorized=True), ValueError, "one value for each"),
        (lambda: search(lambda x: 1j), TypeError, "real"),
        (lambda: search(penalty=-1.0), ValueError, "penalty"),
    ],
)
def test_what_cannot_be_right_is_named(make, error, text):
    with pytest.raises(error, match=text):
        make()


def test_unknown_options_warn():
    with pytest.warns(OptimizeWarning, match=r"maxcor.*penalty"):
        search(maxfun=5, maxcor=3)


@pytest.mark.jit_only
def test_compiled_turns_are_as_short_as_evaluations_are_long(monkeypatch):
    """Python sees Ctrl-C between two turns: not after a whole batch of long evaluations."""

    @numba.njit
    def sphere(x):
        return np.sum((x - 1.0) ** 2)

    expected, turns, fill = search(sphere), [], numopt.search._fill

    def recorded(values, candidates, start, stop, *rest):
        turns.append(stop - start)
        return fill(values, candidates, start, stop, *rest)

    monkeypatch.setattr(numopt.search, "_fill", recorded)
    monkeypatch.setattr(numopt.search, "AIR", 0.0)
    np.testing.assert_array_equal(search(sphere).x, expected.x)
    assert set(turns) == {1}
    turns.clear()
    monkeypatch.setattr(numopt.search, "AIR", 1e9)
    search(sphere)
    assert max(turns) > 10
