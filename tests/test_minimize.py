"""``minimize`` as its users see it: what it accepts, what it returns, when it stops, and what it refuses."""

import functools
import gc
import inspect
import itertools
import sys
import time
import weakref
from types import SimpleNamespace
from typing import ClassVar, NamedTuple

import numba
import numpy as np
import pytest
import scipy.optimize
from scipy.optimize import OptimizeResult, OptimizeWarning

import numopt
from numopt import LBFGS, Backtracking, MoreThuente, Status, Zoom, minimize

JACS = (True, "callable", "inplace", None, "2-point", "3-point")
LANGUAGES = ("python", "jitted")
COMPLEX_START = np.array([-1.2 + 0.4j, 0.7 - 0.3j])


@pytest.fixture(params=LANGUAGES)
def language(request):
    return request.param


def in_language(function, language):
    return _jitted(function) if language == "jitted" else function


@functools.cache
def _jitted(function):
    return numba.njit(function)


class Forms(NamedTuple):
    """One objective in every form that ``jac`` knows; made from ``inplace(x, g, *args) -> f``."""

    pair: callable
    value: callable
    gradient: callable
    inplace: callable

    def given(self, jac):
        """The arguments fun and jac of ``minimize``."""
        if jac == "callable":
            return {"fun": self.value, "jac": self.gradient}
        return {"fun": {True: self.pair, "inplace": self.inplace}.get(jac, self.value), "jac": jac}


@functools.cache
def forms(function, language):
    inplace = in_language(function, language)

    def pair(x, *args):
        g = np.empty_like(x)
        f = inplace(x, g, *args)
        return f, g

    def value(x, *args):
        return inplace(x, np.empty_like(x), *args)

    def gradient(x, *args):
        g = np.empty_like(x)
        inplace(x, g, *args)
        return g

    return Forms(*(in_language(form, language) for form in (pair, value, gradient)), inplace)


class Recorded:
    """A Python function and copies of the points at which it was called."""

    def __init__(self, function):
        self.function = function
        self.points = []

    def __call__(self, x, *args):
        self.points.append(x.copy())
        return self.function(x, *args)


def same_bits(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def counter():
    """The argument in which an objective counts its calls, compiled or not."""
    return np.zeros(1, np.int64)


def bowl(z):
    """|z - 3|^2, for real and complex z."""
    return float(np.sum(abs(z - 3) ** 2)), 2 * (z - 3)


def rosenbrock(z, g, calls):
    """The chained Rosenbrock function, real and complex; it counts its calls."""
    calls[0] += 1
    f = 0.0
    g[:] = 0.0
    for i in range(z.size - 1):
        a, b = z[i + 1] - z[i] * z[i], 1.0 - z[i]
        f += 100.0 * (a.real * a.real + a.imag * a.imag) + (b.real * b.real + b.imag * b.imag)
        g[i] -= 400.0 * np.conj(z[i]) * a + 2.0 * b
        g[i + 1] += 200.0 * a
    return f


def rosenbrock_pair(z):
    return forms(rosenbrock, "python").pair(z, counter())


class Solved(NamedTuple):
    result: OptimizeResult
    calls: int


@functools.cache
def solved(dtype, jac, language):
    """The Rosenbrock problem in two variables."""
    calls = counter()
    start = COMPLEX_START.astype(dtype) if dtype is complex else COMPLEX_START.real
    return Solved(minimize(x0=start, args=(calls,), **forms(rosenbrock, language).given(jac)), int(calls[0]))


# --- solving, in every way to give an objective --------------------------------------------------------------------


@pytest.mark.parametrize("jac", JACS, ids=str)
@pytest.mark.parametrize("dtype", [float, complex])
class TestEveryKindOfObjective:
    def test_is_solved(self, dtype, jac, language):
        result = solved(dtype, jac, language).result
        assert result.success
        assert result.x.dtype == dtype
        assert result.x == pytest.approx(np.ones(2), abs=1e-3)

    def test_fun_and_jac_are_those_of_x(self, dtype, jac, language):
        result = solved(dtype, jac, language).result
        f, g = rosenbrock_pair(result.x)
        assert result.fun == f
        if jac in (True, "callable", "inplace"):
            assert same_bits(result.jac, g)
        else:
            assert result.jac == pytest.approx(g, abs=1e-4)

    def test_nfev_and_njev_count_the_calls(self, dtype, jac, language):
        result, calls = solved(dtype, jac, language)
        parts = 2 if dtype is float else 4
        assert result.nfev == result.njev * {None: 1 + parts, "2-point": 1 + parts, "3-point": 1 + 2 * parts}.get(
            jac, 1
        )
        # here jac, given as a function, calls fun once more
        assert calls == result.nfev + (result.njev if jac == "callable" else 0)
        assert 0 < result.nit < result.njev

    def test_python_and_jitted_give_the_same_bits(self, dtype, jac):
        python, jitted = (solved(dtype, jac, language).result for language in LANGUAGES)
        assert same_bits(python.x, jitted.x)
        assert same_bits(python.jac, jitted.jac)
        assert (python.fun, python.nit, python.nfev, python.njev) == (jitted.fun, jitted.nit, jitted.nfev, jitted.njev)


def test_default_jac_is_forward_differences():
    calls = counter()
    without = minimize(forms(rosenbrock, "python").value, COMPLEX_START.real, (calls,))
    assert same_bits(without.x, solved(float, "2-point", "python").result.x)


def test_nfev_counts_the_backward_differences_at_the_edge_of_the_domain():
    """Where the forward point is not finite, a difference costs a call more."""

    def fun(x):
        return float(np.sum(x - np.log(x))) if (x > 0).all() else np.inf

    recorded = Recorded(fun)
    result = minimize(recorded, [5.0, 0.01])
    assert result.success
    assert result.nfev == len(recorded.points)


def shifted(x, g, target, weight):
    f = 0.0
    for i in range(x.size):
        d = x[i] - target[i]
        f += weight * (d.real * d.real + d.imag * d.imag)
        g[i] = 2.0 * weight * d
    return f


def test_args_reach_fun(language):
    target = np.array([3.0, -2.0])
    result = minimize(forms(shifted, language).pair, np.zeros(2), (target, 0.5), jac=True)
    assert result.x == pytest.approx(target, abs=1e-6)


def to_the_power(x, power):
    return np.sum((x - 1.0) ** 2) + power


@pytest.mark.parametrize("args", [7.5, (7.5,), np.float64(7.5)], ids=repr)
def test_args_that_are_no_tuple_are_one_argument(args, language):
    result = minimize(in_language(to_the_power, language), np.zeros(2), args=args)
    assert result.fun == pytest.approx(float(np.ravel(args)[0]), abs=1e-9)


def to_a_target(x, target):
    return np.sum((x - target) ** 2), 2 * (x - target)


def test_an_array_as_args_is_one_argument():
    target = np.array([3.0, -2.0, 1.0])
    assert minimize(to_a_target, np.zeros(3), target, jac=True).x == pytest.approx(target)


def test_args_that_compiled_code_cannot_hold_are_passed_from_python():
    def fun(x, settings):
        return settings["weight"] * float(x @ x), settings["weight"] * 2 * x

    assert minimize(fun, [1.0, 2.0], args=({"weight": 3.0},), jac=True).x == pytest.approx(np.zeros(2))


def test_an_inplace_objective_is_the_same_in_both_languages_if_it_adds_to_g():
    """Whatever g holds when it is handed out, both languages must see the same."""

    def adds(x, g):
        g += 2.0 * x
        return np.sum(x * x)

    python, jitted = (minimize(in_language(adds, language), [1.0, 4.0], jac="inplace") for language in LANGUAGES)
    assert python.reason == jitted.reason
    assert same_bits(python.x, jitted.x)


def test_scipy_finds_the_same_minimum():
    start = np.linspace(-1.5, 1.5, 8)
    ours = minimize(rosenbrock_pair, start, jac=True, tol=1e-10)
    theirs = scipy.optimize.minimize(rosenbrock_pair, start, jac=True, method="L-BFGS-B", tol=1e-10)
    assert ours.success
    assert ours.fun == pytest.approx(theirs.fun, abs=1e-10)
    assert ours.x == pytest.approx(theirs.x, abs=1e-4)


def test_positional_arguments_stand_in_scipys_order():
    ours = list(inspect.signature(minimize).parameters)
    theirs = list(inspect.signature(scipy.optimize.minimize).parameters)
    assert ours == theirs


# --- the result ------------------------------------------------------------------------------------------------------

WELL, WRONG_SIGN, BOTTOMLESS, UNDEFINED, UNDEFINED_BUT_THERE, INFINITE_BUT_THERE = range(6)


def moody(x, g, mood):
    """Sum exp(x_i) - (i + 2) x_i, unless the mood is bad; at its minimum no gradient is exactly 0."""
    f = 0.0
    for i in range(x.size):
        f += np.exp(x[i]) - (i + 2.0) * x[i]
        g[i] = np.exp(x[i]) - (i + 2.0)
    if mood == WRONG_SIGN:
        g *= -1.0
    elif mood == BOTTOMLESS and x[0] > 0.5:
        f = -np.inf
    elif mood == UNDEFINED:
        f = np.nan
    elif mood == UNDEFINED_BUT_THERE and x[0] != 0.0:
        f = np.nan
        g[:] = np.nan
    elif mood == INFINITE_BUT_THERE and x[0] != 0.0:
        f = np.inf
        g[:] = np.inf
    return f


def stop(_):
    raise StopIteration


class Outcome(NamedTuple):
    reason: str
    status: int  # SciPy's
    success: bool
    mood: int = WELL
    options: dict = {}
    callback: callable = None


OUTCOMES = (
    Outcome("CONVERGED_GTOL", 0, True),
    Outcome("CONVERGED_FTOL", 0, True, options={"gtol": 0.0, "ftol": 1e-3}),
    Outcome("PRECISION", 0, True, options={"gtol": 0.0, "ftol": 0.0}),
    Outcome("MAXITER", 1, False, options={"maxiter": 1}),
    Outcome("MAXFUN", 1, False, options={"maxfun": 2}),
    Outcome("LINE_SEARCH", 2, False, mood=WRONG_SIGN),
    Outcome("EDGE_OF_DOMAIN", 2, False, mood=UNDEFINED_BUT_THERE),
    Outcome("EDGE_OF_DOMAIN", 2, False, mood=INFINITE_BUT_THERE),
    Outcome("UNBOUNDED", 2, False, mood=BOTTOMLESS),
    Outcome("NONFINITE_START", 2, False, mood=UNDEFINED),
    Outcome("CALLBACK", 99, False, callback=stop),
)


@pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda outcome: f"{outcome.reason}-{outcome.mood}")
def test_outcome(outcome, language):
    start = np.zeros(2)
    fun = forms(moody, language).inplace
    result = minimize(fun, start, (outcome.mood,), jac="inplace", options=outcome.options, callback=outcome.callback)
    assert result.reason is Status[outcome.reason]
    assert result.status == outcome.status
    assert result.success is outcome.success
    assert result.message == Status[outcome.reason].message
    f, g = forms(moody, "python").pair(result.x, outcome.mood)
    assert np.array_equal([result.fun], [f], equal_nan=True)
    assert same_bits(result.jac, g)
    if outcome.mood != UNDEFINED:
        assert result.fun <= moody(start, np.empty(2), WELL)


@pytest.mark.parametrize("mood", [UNDEFINED_BUT_THERE, INFINITE_BUT_THERE])
def test_nothing_finite_but_the_start_returns_the_start(mood, language):
    result = minimize(forms(moody, language).inplace, np.zeros(2), mood, jac="inplace")
    assert not result.success
    assert np.array_equal(result.x, np.zeros(2))
    assert (result.fun, result.nit) == (2.0, 0)


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_a_start_that_is_not_finite_costs_one_evaluation(value):
    result = minimize(lambda x: (value, np.ones(2)), np.array([1.0, 2.0]), jac=True)
    assert (result.reason, result.nfev, result.nit) == (Status.NONFINITE_START, 1, 0)
    assert np.array_equal(result.x, [1.0, 2.0])


def test_a_gradient_that_is_not_finite_at_the_start_is_no_success():
    result = minimize(lambda x: (1.0, np.array([np.nan, 0.0])), np.zeros(2), jac=True)
    assert result.reason is Status.NONFINITE_START


def test_a_huge_gradient_is_scaled_and_the_result_is_not():
    def fun(x):
        return 1e200 * float(x @ x), 2e200 * x

    result = minimize(fun, [1.0, 2.0], jac=True, options={"maxiter": 1})
    assert result.nit == 1
    assert result.fun == fun(result.x)[0]
    assert same_bits(result.jac, fun(result.x)[1])


@pytest.mark.parametrize(("gtol", "nit"), [(8.0, 0), (7.9, 1)])
def test_gtol_bounds_the_largest_real_or_imaginary_part(gtol, nit):
    """The gradient at the start is (6 + 8i, 8 - 6i); its moduli are 10."""
    result = minimize(lambda z: (float(np.vdot(z, z).real), 2 * z), [3 + 4j, 4 - 3j], jac=True, options={"gtol": gtol})
    assert result.success
    assert min(result.nit, 1) == nit


# --- x0 --------------------------------------------------------------------------------------------------------------


def _read_only(values):
    array = np.array(values)
    array.flags.writeable = False
    return array


STARTS = {
    "int": (3, float, 1),
    "float": (2.5, float, 1),
    "complex": (1 + 2j, complex, 1),
    "NumPy scalar": (np.float32(0.5), float, 1),
    "0-d": (np.array(1.5), float, 1),
    "0-d complex": (np.array(1.5j), complex, 1),
    "list": ([1, 2.5], float, 2),
    "tuple": ((1, 2j), complex, 2),
    "ints": (np.array([1, -2], np.int8), float, 2),
    "bools": ([True, False], float, 2),
    "float32": (np.array([0.1, 0.2], np.float32), float, 2),
    "complex64": (np.array([0.1, 0.2j], np.complex64), complex, 2),
    "longdouble": (np.array([0.1, 0.2], np.longdouble), float, 2),
    "big-endian": (np.array([0.1, 0.2], ">f8"), float, 2),
    "read-only": (_read_only([0.1, 0.2j]), complex, 2),
    "strided": (np.arange(6.0)[::2], float, 3),
    "reversed": (np.arange(6.0)[::-2], float, 3),
    "column": (np.arange(6.0).reshape(3, 2)[:, 1], float, 3),
    "strided complex": (np.arange(6.0).astype(complex)[1::2], complex, 3),
}


@pytest.mark.parametrize(("x0", "dtype", "size"), STARTS.values(), ids=STARTS)
def test_start_of_any_kind_is_computed_in_double_precision(x0, dtype, size):
    before = np.array(x0)
    recorded = Recorded(bowl)
    result = minimize(recorded, x0, jac=True)
    assert result.success
    assert result.x.shape == result.jac.shape == (size,)
    assert result.x.dtype == result.jac.dtype == dtype
    assert result.x == pytest.approx(np.full(size, 3.0))
    assert same_bits(recorded.points[0], np.atleast_1d(before).astype(dtype))
    assert np.array_equal(before, x0)


@pytest.mark.parametrize(
    ("x0", "error", "match"),
    [
        (np.ones((2, 2)), ValueError, "ravel"),
        (np.ones((2, 1)), ValueError, "ravel"),
        ([1.0, np.nan], ValueError, r"x0\[1\] = nan"),
        ([np.inf, 1.0], ValueError, r"x0\[0\] = inf"),
        ([1.0, complex(0, np.nan)], ValueError, r"x0\[1\]"),
        ("abc", TypeError, "x0 must hold"),
        (None, TypeError, "x0 must hold"),
        (["1", "2"], TypeError, "x0 must hold"),
        (np.array([1, None], object), TypeError, "x0 must hold"),
    ],
    ids=repr,
)
def test_a_start_that_cannot_be_right_raises(x0, error, match):
    recorded = Recorded(bowl)
    with pytest.raises(error, match=match):
        minimize(recorded, x0, jac=True)
    assert not recorded.points


@pytest.mark.parametrize("jac", [True, None])
@pytest.mark.parametrize("dtype", [float, complex])
def test_no_variables_at_all_raise(dtype, jac, language):
    fun = forms(rosenbrock, language).given(jac)["fun"]
    with pytest.raises(ValueError, match="x0 is empty"):
        minimize(fun, np.zeros(0, dtype), (counter(),), jac=jac)


@pytest.mark.parametrize("x0", [5.0, 5 + 5j])
def test_one_variable(x0):
    result = minimize(lambda z: (float(np.sum(abs(z - 3) ** 4)), 4 * abs(z - 3) ** 2 * (z - 3)), x0, jac=True)
    assert result.success
    assert abs(result.x - 3).max() < 0.05


# --- what belongs to the user stays the user's -----------------------------------------------------------------------


def test_x0_and_args_are_not_modified(language):
    start, target = np.array([5.0, 5.0]), np.array([3.0, -2.0])
    minimize(forms(shifted, language).pair, start, (target, 1.0), jac=True)
    assert np.array_equal(start, [5.0, 5.0])
    assert np.array_equal(target, [3.0, -2.0])


def test_an_objective_may_return_the_same_gradient_buffer_again_and_again():
    buffer, returned = np.empty(2), []

    def fun(x):
        assert all(np.array_equal(buffer, g) for g in returned[-1:])  # nobody else writes into it
        f, buffer[:] = rosenbrock_pair(x)
        returned.append(buffer.copy())
        return f, buffer

    result = minimize(fun, COMPLEX_START.real, jac=True)
    expected = solved(float, True, "python").result
    assert np.array_equal(buffer, returned[-1])
    buffer[:] = np.nan
    assert same_bits(result.x, expected.x)
    assert same_bits(result.jac, expected.jac)


def test_an_objective_may_return_x_itself_as_its_gradient():
    result = minimize(lambda x: (0.5 * float(x @ x), x), [1.0, 2.0], jac=True)
    assert result.success
    assert result.x == pytest.approx(np.zeros(2), abs=1e-8)


@pytest.mark.parametrize("jac", JACS, ids=str)
def test_an_objective_in_python_may_modify_x(jac):
    def spoils(function):
        def spoiled(x, *args):
            result = function(x.copy(), *args)
            x[:] = np.nan
            return result

        return spoiled

    clean = forms(rosenbrock, "python")
    result = minimize(x0=COMPLEX_START.real, args=(counter(),), **Forms(*map(spoils, clean)).given(jac))
    assert same_bits(result.x, solved(float, jac, "python").result.x)


def test_points_kept_by_the_objective_do_not_change():
    kept, copies = [], []

    def fun(x):
        kept.append(x)
        copies.append(x.copy())
        return bowl(x)

    minimize(fun, np.zeros(2), jac=True)
    assert len(kept) > 1
    assert all(map(np.array_equal, kept, copies))


def test_the_result_is_independent_of_everything_handed_out(language):
    points = []
    result = minimize(forms(rosenbrock, language).pair, COMPLEX_START, (counter(),), jac=True, callback=points.append)
    x = result.x.copy()
    for point in points:
        point[:] = np.nan
    assert same_bits(result.x, x)
    assert not np.shares_memory(result.x, result.jac)


def test_nothing_keeps_the_arguments(language):
    """Not even until the next run of Python's garbage collector: the arguments may be large."""
    target = np.ones(2)
    alive = weakref.ref(target)
    fun = forms(shifted, language).pair
    gc.collect()
    gc.disable()
    try:
        minimize(fun, np.zeros(2), (target, 1.0), jac=True)
        del target
        assert alive() is None
    finally:
        gc.enable()


# --- options ---------------------------------------------------------------------------------------------------------


LONG_START = np.linspace(-1.0, 1.0, 18)  # up to 16 variables the solver keeps a matrix, and maxcor does not matter


def by_hand(**settings):
    """The result and the trials of the solver that ``minimize`` drives, driven by hand."""
    solver, recorded = LBFGS(LONG_START, **settings), Recorded(rosenbrock_pair)
    while solver.running:
        solver.tell(*recorded(solver.ask()))
    return solver.result(), recorded.points


@pytest.mark.variants
@pytest.mark.parametrize(
    ("options", "settings"),
    [
        ({}, {}),
        ({"maxcor": 1}, {"memory": 1}),
        ({"maxcor": 3}, {"memory": 3}),
        ({"gtol": 1e-2}, {"gtol": 1e-2}),
        ({"ftol": 1e-1}, {"ftol": 1e-1}),
        ({"maxiter": 4}, {"maxiter": 4}),
        ({"maxfun": 7}, {"maxfun": 7}),
        ({"maxiter": 4.0, "maxfun": 1e6}, {"maxiter": 4, "maxfun": 10**6}),
        ({"maxiter": np.inf, "maxfun": np.inf}, {}),
        ({"maxls": 2}, {"linesearch": MoreThuente(max_evals=2)}),
        ({"linesearch": MoreThuente(gtol=0.1)}, {"linesearch": MoreThuente(gtol=0.1)}),
        ({"linesearch": Zoom()}, {"linesearch": Zoom()}),
        ({"linesearch": Zoom(), "maxls": 1}, {"linesearch": Zoom(max_evals=1)}),
        ({"linesearch": Backtracking()}, {"linesearch": Backtracking()}),
        ({"linesearch": Backtracking(), "maxls": 3}, {"linesearch": Backtracking(max_evals=3)}),
        ({"linesearch": Backtracking(max_evals=2), "maxls": 20}, {"linesearch": Backtracking(max_evals=20)}),
    ],
    ids=str,
)
def test_options_reach_the_solver(options, settings):
    expected, trials = by_hand(**settings)
    recorded = Recorded(rosenbrock_pair)
    result = minimize(recorded, LONG_START, jac=True, options=options)
    assert np.array_equal(recorded.points, trials)
    assert same_bits(result.x, expected.x)
    assert result.reason is expected.reason


@pytest.mark.parametrize("linesearch", [MoreThuente(), Zoom(), Backtracking()], ids=lambda s: type(s).__name__)
def test_every_line_search_solves(linesearch):
    result = minimize(rosenbrock_pair, COMPLEX_START.real, jac=True, options={"linesearch": linesearch})
    assert result.success
    assert result.x == pytest.approx(np.ones(2), abs=1e-3)


def test_options_make_a_difference():
    """Else the comparison with the solver driven by hand would compare nothing."""
    changes = ({}, {"memory": 1}, {"linesearch": Backtracking()}, {"linesearch": Zoom()}, {"gtol": 1e-2})
    trials = [by_hand(**settings)[1] for settings in changes]
    assert len({np.array(points).tobytes() for points in trials}) == len(trials)


@pytest.mark.parametrize(
    ("given", "options"),
    [
        ({"tol": 1e-2}, {"ftol": 1e-2, "gtol": 1e-2}),
        ({"tol": 1e-2, "options": {"gtol": 1e-6}}, {"ftol": 1e-2, "gtol": 1e-6}),
        ({"tol": 1e-2, "options": {"ftol": 0.0}}, {"ftol": 0.0, "gtol": 1e-2}),
        ({"tol": 0.0}, {"ftol": 0.0, "gtol": 0.0}),
    ],
    ids=str,
)
def test_tol_sets_ftol_and_gtol(given, options):
    expected, trials = by_hand(**options)
    recorded = Recorded(rosenbrock_pair)
    result = minimize(recorded, LONG_START, jac=True, **given)
    assert np.array_equal(recorded.points, trials)
    assert result.reason is expected.reason


def test_the_users_options_are_not_modified():
    options = {"maxiter": 3}
    minimize(bowl, [1.0], jac=True, tol=1e-3, options=options)
    assert options == {"maxiter": 3}


@pytest.mark.parametrize("maxiter", [0, 1, 2, 7])
def test_maxiter_is_kept_exactly(maxiter, language):
    result = minimize(
        forms(rosenbrock, language).pair, COMPLEX_START, (counter(),), jac=True, options={"maxiter": maxiter}
    )
    assert result.nit == maxiter
    assert (result.status, result.reason) == (1, Status.MAXITER)


def test_maxiter_0_evaluates_the_start():
    recorded = Recorded(bowl)
    result = minimize(recorded, [1.0, 2.0], jac=True, options={"maxiter": 0})
    assert np.array_equal(recorded.points, [[1.0, 2.0]])
    assert np.array_equal(result.x, [1.0, 2.0])
    assert (result.fun, result.nfev) == (5.0, 1)


def test_maxfun_is_kept_also_inside_a_line_search(language):
    """Every limit from one evaluation on; some end a line search before its time."""
    start = COMPLEX_START.real
    nits = []
    for maxfun in range(1, 26):
        calls = counter()
        fun = forms(rosenbrock, language).pair
        result = minimize(fun, start, (calls,), jac=True, options={"maxfun": maxfun})
        assert result.nfev == calls[0] == maxfun
        assert result.reason is Status.MAXFUN
        f, g = rosenbrock_pair(result.x)
        assert result.fun == f <= rosenbrock_pair(start)[0]
        assert same_bits(result.jac, g)
        nits.append(result.nit)
    assert sorted(nits) == nits
    assert len(set(nits)) < len(nits)  # some line searches took several evaluations


@pytest.mark.parametrize("maxfun", [1, 2, 10, 37])
@pytest.mark.parametrize(("jac", "calls_per_gradient"), [("2-point", 5), ("3-point", 9)])
def test_maxfun_counts_differences_and_completes_the_last_gradient(jac, calls_per_gradient, maxfun, language):
    calls = counter()
    fun = forms(rosenbrock, language).value
    result = minimize(fun, COMPLEX_START, (calls,), jac=jac, options={"maxfun": maxfun})
    assert result.reason is Status.MAXFUN
    assert result.nfev == calls[0]
    assert maxfun <= calls[0] < maxfun + calls_per_gradient


@pytest.mark.parametrize("limit", [np.inf, 1e6, 10**6])
def test_limits_on_evaluations_by_differences(limit):
    result = minimize(lambda x: float(x @ x), [1.0, 4.0], options={"maxfun": limit})
    assert result.reason is Status.CONVERGED_GTOL


@pytest.mark.parametrize("jac", [True, "2-point"])
@pytest.mark.parametrize(
    ("option", "error"),
    [
        ({"maxfun": 0}, ValueError),
        ({"maxfun": -5}, ValueError),
        ({"maxfun": 10.5}, TypeError),
        ({"maxfun": "many"}, TypeError),
        ({"maxiter": -1}, ValueError),
        ({"maxiter": None}, TypeError),
        ({"maxcor": 0}, ValueError),
        ({"maxcor": 2.5}, TypeError),
        ({"maxls": 0}, ValueError),
        ({"gtol": -1e-3}, ValueError),
        ({"gtol": np.nan}, ValueError),
        ({"ftol": -1e-3}, ValueError),
        ({"linesearch": "zoom"}, TypeError),
        ({"linesearch": None}, TypeError),
        ({"linesearch": None, "maxls": 5}, TypeError),
    ],
    ids=str,
)
def test_options_that_cannot_be_right_raise(option, error, jac):
    fun = bowl if jac is True else lambda x: bowl(x)[0]
    with pytest.raises(error, match=next(iter(option))):
        minimize(fun, [1.0, 2.0], jac=jac, options=option)


@pytest.mark.parametrize("option", [{"eps": 0.0}, {"eps": np.nan}, {"finite_diff_rel_step": -1e-8}], ids=str)
def test_steps_of_differences_must_be_positive(option):
    with pytest.raises(ValueError, match=f"{next(iter(option))} must be positive"):
        minimize(lambda x: float(x @ x), [1.0, 2.0], options=option)


@pytest.mark.parametrize("disp", [True, False])
def test_disp_prints_the_outcome(capsys, disp):
    result = minimize(bowl, [1.0, 2.0], jac=True, options={"disp": disp})
    printed = capsys.readouterr().out
    assert (result.message in printed) == disp
    assert (f"iterations: {result.nit}, evaluations: {result.nfev}" in printed) == disp
    assert bool(printed) == disp


# --- scale, convention, target, time, resumption ---------------------------------------------------------------------


def badly_scaled(x, g, unit):
    """The Rosenbrock function of x / (1, unit)."""
    a, b = x[1] / unit - x[0] * x[0], 1.0 - x[0]
    g[0] = -400.0 * x[0] * a - 2.0 * b
    g[1] = 200.0 * a / unit
    return 100.0 * a * a + b * b


UNIT = 2.0**20


@pytest.mark.parametrize("jac", [True, "2-point"])
def test_x_scale_is_the_problem_in_other_units_bit_for_bit(jac, language):
    scaled = minimize(
        x0=[-1.2, UNIT], args=UNIT, options={"x_scale": [1.0, UNIT]}, **forms(badly_scaled, language).given(jac)
    )
    plain = minimize(x0=[-1.2, 1.0], args=1.0, **forms(badly_scaled, "python").given(True))
    assert scaled.success
    assert np.array_equal(scaled.x_scale, [1.0, UNIT])
    if jac is True:
        assert same_bits(scaled.x / [1.0, UNIT], plain.x)
        assert same_bits(scaled.jac * [1.0, UNIT], plain.jac)
        assert (scaled.fun, scaled.nit, scaled.nfev) == (plain.fun, plain.nit, plain.nfev)
        assert scaled.fun == badly_scaled(scaled.x, np.empty(2), UNIT)
    else:
        assert scaled.x / [1.0, UNIT] == pytest.approx(plain.x, abs=1e-3)


def test_x_scale_is_rounded_to_powers_of_two():
    assert np.array_equal(minimize(bowl, [1.0, 2.0], jac=True, options={"x_scale": 5.0}).x_scale, [4.0, 4.0])
    assert np.array_equal(minimize(bowl, [1.0, 2.0], jac=True, options={"x_scale": [0.1, 7]}).x_scale, [0.125, 8.0])


def test_callbacks_see_the_users_units():
    points = []
    fun = forms(badly_scaled, "python").pair
    result = minimize(
        fun, [-1.2, UNIT], UNIT, jac=True, callback=points.append, options={"x_scale": [1.0, UNIT], "maxiter": 5}
    )
    assert len(points) == 5
    assert same_bits(points[-1], result.x)


@pytest.mark.parametrize("options", [{}, {"x_scale": [1.0, UNIT]}], ids=["plain", "x_scale"])
def test_the_inverse_hessian_is_in_the_users_units(options):
    """The secant equation of the last step holds for steps and gradients as the user knows them."""
    seen = []

    def callback(xk):
        seen.append((xk, forms(badly_scaled, "python").gradient(xk, unit)))

    unit = UNIT if options else 1.0
    result = minimize(
        forms(badly_scaled, "python").pair, [-1.2, unit], unit, jac=True, callback=callback, options=options
    )
    (x0, g0), (x1, g1) = seen[-2:]
    assert result.hess_inv @ (g1 - g0) == pytest.approx(x1 - x0, rel=1e-6)


@pytest.mark.parametrize("x_scale", [0.0, -1.0, np.inf, np.nan, [1.0, 0.0], [1.0, 2.0, 3.0], [[1.0, 2.0]]], ids=repr)
def test_an_x_scale_that_cannot_be_right_raises(x_scale):
    with pytest.raises(ValueError, match="x_scale must be"):
        minimize(bowl, [1.0, 2.0], jac=True, options={"x_scale": x_scale})


@pytest.mark.parametrize("jac", [True, "callable", "2-point"])
def test_conjugate_convention_takes_the_gradients_of_jax(jac):
    def conjugated(function):
        def converted(z, *args):
            result = function(z, *args)
            return (result[0], result[1].conj()) if isinstance(result, tuple) else np.conj(result)

        return converted

    clean = forms(rosenbrock, "python")
    given = Forms(conjugated(clean.pair), clean.value, conjugated(clean.gradient), None).given(jac)
    result = minimize(x0=COMPLEX_START, args=(counter(),), options={"gradient_convention": "conjugate"}, **given)
    assert same_bits(result.x, solved(complex, jac, "python").result.x)


def test_conjugate_convention_is_that_of_ascent_for_real_x():
    result = minimize(rosenbrock_pair, COMPLEX_START.real, jac=True, options={"gradient_convention": "conjugate"})
    assert same_bits(result.x, solved(float, True, "python").result.x)


@pytest.mark.parametrize("target", [1.0, 1e-3])
def test_target_ends_the_run_successfully(target, language):
    fun = forms(rosenbrock, language).pair
    result = minimize(fun, COMPLEX_START, (counter(),), jac=True, options={"target": target})
    assert (result.reason, result.status, result.success) == (Status.TARGET, 0, True)
    assert result.message == Status.TARGET.message
    assert result.fun == rosenbrock_pair(result.x)[0] <= target
    before = minimize(fun, COMPLEX_START, (counter(),), jac=True, options={"maxiter": result.nit - 1})
    assert before.fun > target


def test_a_target_that_is_reached_at_the_start_ends_the_run_there(language):
    calls = counter()
    start = COMPLEX_START
    result = minimize(forms(rosenbrock, language).pair, start, (calls,), jac=True, options={"target": 1e9})
    assert (result.reason, result.nit, calls[0]) == (Status.TARGET, 0, 1)
    assert same_bits(result.x, start)


@pytest.mark.parametrize("max_time", [0.0, 0.2])
def test_max_time_ends_the_run(max_time):
    def fun(x):
        time.sleep(0.02)
        return rosenbrock_pair(x)

    begun = time.perf_counter()
    result = minimize(fun, LONG_START, jac=True, options={"max_time": max_time})
    assert time.perf_counter() - begun < max_time + 5.0
    assert (result.reason, result.status, result.success) == (Status.MAXTIME, 1, False)
    assert 1 <= result.nfev < 100
    assert result.fun == rosenbrock_pair(result.x)[0]


@pytest.mark.parametrize("every", [1, 3, 10_000])
def test_callback_every(every, language):
    points = []
    fun = forms(rosenbrock, language).pair
    result = minimize(
        fun, COMPLEX_START, (counter(),), jac=True, callback=points.append, options={"callback_every": every}
    )
    assert len(points) == -(-result.nit // every)  # and after the last
    assert same_bits(points[-1], result.x)


@pytest.mark.parametrize(
    "option",
    [
        {"gradient_convention": "jax"},
        {"max_time": -1.0},
        {"max_time": np.nan},
        {"callback_every": 0},
        {"target": np.nan},
    ],
    ids=str,
)
def test_further_options_that_cannot_be_right_raise(option):
    with pytest.raises(ValueError, match=next(iter(option))):
        minimize(bowl, [1.0], jac=True, options=option)


def test_history_has_a_row_for_the_start_and_for_every_iteration(language):
    points = [COMPLEX_START]
    result = minimize(
        forms(rosenbrock, language).pair,
        COMPLEX_START,
        (counter(),),
        jac=True,
        callback=points.append,
        options={"history": True, "maxiter": 12},
    )
    history = result.history
    assert np.array_equal(history["nit"], np.arange(13))
    assert np.array_equal(history["fun"], [rosenbrock_pair(point)[0] for point in points])
    gradients = [np.max(abs(rosenbrock_pair(point)[1].view(float))) for point in points]
    assert np.array_equal(history["gradient"], gradients)
    assert history["nfev"][0] == 1
    assert history["nfev"][-1] == result.nfev
    assert (np.diff(history["nfev"]) >= 1).all()
    assert (np.diff(history["time"]) >= 0).all()
    assert history["time"][0] >= 0


class Bar:
    """What stands in for tqdm's bar."""

    made: ClassVar[list] = []

    def __init__(self, **given):
        self.n, self.closed = 0, False
        self.made.append(self)

    def update(self, n):
        self.n += n

    def set_postfix(self, **shown):
        self.shown = shown

    def close(self):
        self.closed = True


def test_progress_moves_a_bar_and_leaves_it_closed(monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", SimpleNamespace(tqdm=Bar))
    result = minimize(rosenbrock_pair, COMPLEX_START, jac=True, options={"progress": True})
    bar = Bar.made.pop()
    assert bar.n == result.nit
    assert bar.closed
    assert bar.shown["f"] == f"{result.fun:.4g}"

    def fails(z):
        raise OwnError

    with pytest.raises(OwnError):
        minimize(fails, COMPLEX_START, options={"progress": True})
    assert Bar.made.pop().closed


def test_progress_without_tqdm_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    with pytest.raises(ImportError, match="pip install"):
        minimize(bowl, [1.0], jac=True, options={"progress": True})


@pytest.mark.parametrize("pause", [1, 4])
def test_resumed_runs_are_those_without_a_pause(pause, language):
    fun = forms(rosenbrock, language).pair
    whole = solved(complex, True, language).result
    first = minimize(fun, COMPLEX_START, (counter(),), jac=True, options={"maxiter": pause})
    x, kept = first.x.copy(), first.state.x
    second = minimize(fun, COMPLEX_START, (counter(),), jac=True, options={"state": first.state})
    assert same_bits(second.x, whole.x)
    assert (second.fun, second.nit, second.nfev, second.reason) == (whole.fun, whole.nit, whole.nfev, whole.reason)
    assert same_bits(first.x, x)
    assert same_bits(first.state.x, kept)  # the state given is not changed


@pytest.mark.parametrize("pause", [1, 4])
def test_resumed_runs_call_the_callback_after_every_iteration(pause, language):
    fun = forms(rosenbrock, language).pair
    points = []
    options = {"maxiter": pause}
    first = minimize(fun, COMPLEX_START, (counter(),), jac=True, callback=points.append, options=options)
    assert len(points) == pause
    second = minimize(
        fun, COMPLEX_START, (counter(),), jac=True, callback=points.append, options={"state": first.state}
    )
    assert len(points) == second.nit


def test_resumption_after_convergence_evaluates_nothing():
    first = minimize(bowl, [1.0, 2.0], jac=True)
    recorded = Recorded(bowl)
    second = minimize(recorded, [1.0, 2.0], jac=True, options={"state": first.state})
    assert not recorded.points
    assert same_bits(second.x, first.x)
    assert second.reason is first.reason


@pytest.mark.parametrize(
    ("state", "error"),
    [("state", TypeError), (LBFGS([1.0]), ValueError), (LBFGS([1.0, 2.0 + 0j]), ValueError)],
    ids=["str", "size", "dtype"],
)
def test_a_state_that_does_not_fit_raises(state, error):
    with pytest.raises(error, match="state"):
        minimize(bowl, [1.0, 2.0], jac=True, options={"state": state})


# --- compatibility with SciPy ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{"gtoll": 1e-3}, {"maxiter": 5, "iprint": 1, "maxiters": 3}], ids=str)
def test_unknown_options_warn_and_are_named(options):
    with pytest.warns(OptimizeWarning) as caught:
        result = minimize(bowl, [1.0], jac=True, options=options)
    assert result.success
    (warning,) = caught
    for name in set(options) - {"maxiter"}:
        assert name in str(warning.message)
    assert "gtol" in str(warning.message)  # what is known
    assert warning.filename == __file__


@pytest.mark.parametrize("method", ["L-BFGS", "l-bfgs", "L-BFGS-B", "l-Bfgs-b", None])
def test_method_names_in_any_case(method):
    assert minimize(bowl, [1.0], jac=True, method=method).success


@pytest.mark.parametrize("method", ["BFGS", "CG", "L-BFGS-C", "", 1])
def test_an_unknown_method_raises_and_lists_the_known_ones(method):
    with pytest.raises(ValueError, match=r"L-BFGS, L-BFGS-B") as raised:
        minimize(bowl, [1.0], jac=True, method=method)
    assert repr(method) in str(raised.value)


@pytest.mark.parametrize("given", [{"hess": np.eye}, {"hessp": np.dot}])
def test_hess_and_hessp_warn(given):
    with pytest.warns(RuntimeWarning, match="hess") as caught:
        assert minimize(bowl, [1.0], jac=True, **given).success
    assert caught[0].filename == __file__


@pytest.mark.parametrize("constraints", [{"type": "eq", "fun": sum}, [{"type": "eq", "fun": sum}]])
def test_scipys_constraints_are_refused(constraints):
    with pytest.raises(TypeError, match="constraints must be a set"):
        minimize(bowl, [1.0], jac=True, constraints=constraints)


@pytest.mark.parametrize("constraints", [(), []])
def test_no_constraints(constraints):
    assert minimize(bowl, [1.0], jac=True, constraints=constraints).success


# --- callbacks -------------------------------------------------------------------------------------------------------


def solve_with(callback, language="python"):
    return minimize(forms(rosenbrock, language).pair, COMPLEX_START, (counter(),), jac=True, callback=callback)


def test_callback_with_xk_is_called_after_every_iteration(language):
    points = []
    result = solve_with(points.append, language)
    assert len(points) == result.nit == solved(complex, True, language).result.nit
    assert same_bits(points[-1], result.x)
    values = [rosenbrock_pair(point)[0] for point in points]
    assert all(a >= b for a, b in itertools.pairwise(values))


def test_callback_with_an_intermediate_result(language):
    seen = []

    def callback(*, intermediate_result):
        seen.append(intermediate_result)

    result = solve_with(callback, language)
    assert [state.nit for state in seen] == list(range(1, result.nit + 1))
    assert all(isinstance(state, OptimizeResult) for state in seen)
    assert [state.fun for state in seen] == [rosenbrock_pair(state.x)[0] for state in seen]
    assert same_bits(seen[-1].x, result.x)


class CallbackObject:
    def __init__(self):
        self.calls = 0

    def __call__(self, xk):
        self.calls += 1

    def method(self, intermediate_result):
        self.calls += intermediate_result.nit > 0


class WithoutSignature(CallbackObject):
    __signature__ = "unknown"


@pytest.mark.parametrize(
    "make",
    [
        lambda seen: seen,
        lambda seen: seen.method,
        lambda seen: functools.partial(CallbackObject.method, seen),
        lambda seen: lambda *points: seen(*points),
    ],
    ids=["object", "bound method", "partial", "star"],
)
def test_callback_of_any_kind(make):
    seen = CallbackObject()
    result = solve_with(make(seen))
    assert seen.calls == result.nit


def test_callback_without_a_signature_gets_xk():
    seen = WithoutSignature()
    with pytest.raises((TypeError, ValueError)):
        inspect.signature(seen)
    assert solve_with(seen).nit == seen.calls


@pytest.mark.parametrize("intermediate", [False, True])
def test_callback_may_keep_and_modify_what_it_gets(intermediate, language):
    def spoil(xk):
        xk[:] = np.nan

    def spoil_result(intermediate_result):
        spoil(intermediate_result.x)
        intermediate_result.fun = np.nan

    result = solve_with(spoil_result if intermediate else spoil, language)
    assert same_bits(result.x, solved(complex, True, language).result.x)


@pytest.mark.parametrize("iteration", [1, 3])
def test_callback_stops_the_run(iteration, language):
    points = []

    def callback(xk):
        points.append(xk)
        if len(points) == iteration:
            raise StopIteration

    result = solve_with(callback, language)
    assert (result.status, result.reason) == (99, Status.CALLBACK)
    assert result.success is False
    assert result.message == Status.CALLBACK.message
    assert result.nit == len(points) == iteration
    assert same_bits(result.x, points[-1])
    assert result.fun == rosenbrock_pair(result.x)[0]


def test_callback_without_iterations_is_not_called():
    points = []
    assert minimize(bowl, [3.0], jac=True, callback=points.append).nit == 0
    assert not points


def test_what_the_callback_returns_is_ignored():
    assert solve_with(lambda xk: True).success


def test_an_exception_of_the_callback_comes_out(language):
    def callback(xk):
        raise OwnError("in the callback")

    with pytest.raises(OwnError, match="in the callback"):
        solve_with(callback, language)


# --- what cannot be right raises, at the first evaluation ------------------------------------------------------------


def value_only(x):
    return np.sum(x * x)


def short_gradient(x):
    return np.sum(x * x), np.ones(x.size - 1)


def scalar_gradient(x):
    return np.sum(x * x), 1.0


def short_gradient_alone(x):
    return np.ones(x.size - 1)


def complex_value(x):
    return np.sum(x) * 1j, x


def complex_value_alone(x):
    return np.sum(x) * 1j


def complex_gradient(x):
    return np.sum(x * x), x + 0j


def nothing(x):
    return None


def nothing_inplace(x, g):
    g[:] = x


def vector_value(x):
    return x, x


WRONG = {
    "gradient too short": (short_gradient, True, ValueError, "gradient has 1 entries, but x has 2"),
    "gradient a number": (scalar_gradient, True, ValueError, "gradient has 1 entries"),
    "jac too short": (value_only, short_gradient_alone, ValueError, "gradient has 1 entries"),
    "complex f": (complex_value, True, TypeError, "objective must be real"),
    "complex f by differences": (complex_value_alone, None, TypeError, "objective must be real"),
    "complex gradient of real x": (complex_gradient, True, TypeError, "gradient is complex, but x is real"),
    "no pair": (value_only, True, TypeError, "pair"),
    "None for a pair": (nothing, True, TypeError, "pair"),
    "None for f": (nothing, None, TypeError, "real number, got None"),
    "None for f in place": (nothing_inplace, "inplace", TypeError, "real number, got None"),
    "None for g": (value_only, nothing, ValueError, "gradient"),
    "vector f": (vector_value, True, ValueError, r"one number, got an array of shape \(2,\)"),
}


@pytest.mark.parametrize(("fun", "jac", "error", "match"), WRONG.values(), ids=WRONG)
def test_a_wrong_objective_raises_at_the_first_evaluation(fun, jac, error, match, language):
    if callable(jac):
        jac = in_language(jac, language)
    recorded = Recorded(in_language(fun, language))
    with pytest.raises(error, match=match):
        minimize(recorded, [1.0, 2.0], jac=jac)
    assert len(recorded.points) == 1
    with pytest.raises(error, match=match):
        minimize(recorded.function, [1.0, 2.0], jac=jac)


@pytest.mark.parametrize(
    "value",
    ["1.0", [1.0, 2.0], np.ones((1, 2)), np.array("1"), object()],
    ids=["str", "list", "2-D", "0-d str", "object"],
)
def test_a_value_that_is_no_number_raises(value):
    with pytest.raises((TypeError, ValueError), match="objective must return"):
        minimize(lambda x: (value, x), [1.0], jac=True)


@pytest.mark.parametrize("value", [0, np.float32(0), np.array(0.0), np.array([0.0]), np.zeros((1, 1)), [0.0]], ids=repr)
def test_a_value_may_be_any_one_real_number(value):
    result = minimize(lambda x: (value, 0 * x), [1.0], jac=True)
    assert result.success
    assert result.fun == pytest.approx(float(np.ravel(value)[0]))


@pytest.mark.parametrize("fun", [None, 3, "rosenbrock", np.ones(2)], ids=repr)
def test_fun_must_be_callable(fun):
    with pytest.raises(TypeError, match="fun must be callable"):
        minimize(fun, [1.0])


@pytest.mark.parametrize("jac", ["cs", "4-point", "", 1, 2.5, ["2-point"], np.ones(2)], ids=repr)
def test_an_unknown_jac_raises_and_lists_the_known(jac):
    with pytest.raises(ValueError, match=r"jac must be True, a callable, 'inplace', None, '2-point' or '3-point'"):
        minimize(bowl, [1.0], jac=jac)


class OwnError(Exception):
    """A user's own exception."""


def troubled(x, g, limit):
    if x[0] > limit:
        raise OwnError("too far", 42)
    f = 0.0
    for i in range(x.size):
        f += (x[i] - 3.0) * (x[i] - 3.0)
        g[i] = 2.0 * (x[i] - 3.0)
    return f


@pytest.mark.parametrize("with_callback", [False, True])
@pytest.mark.parametrize("limit", [-1.0, 0.1], ids=["first evaluation", "later evaluation"])
@pytest.mark.parametrize("jac", ["inplace", "2-point"])
def test_an_exception_of_the_objective_comes_out(jac, limit, with_callback, language):
    given = forms(troubled, language).given(jac)
    callback = (lambda xk: None) if with_callback else None
    for _ in range(2):
        with pytest.raises(OwnError) as raised:
            minimize(x0=np.zeros(2), args=limit, callback=callback, **given)
        assert type(raised.value) is OwnError
        assert raised.value.args == ("too far", 42)
    result = minimize(x0=np.zeros(2), args=10.0, callback=callback, **given)
    assert result.x == pytest.approx(np.full(2, 3.0), abs=1e-6)


def test_a_gradient_whose_length_changes_raises():
    def fun(x):
        return float(x @ x), (2 * x if x[0] == 1.0 else np.ones(3))

    with pytest.raises(ValueError, match="gradient has 3 entries, but x has 2"):
        minimize(fun, [1.0, 2.0], jac=True)


@pytest.mark.parametrize(
    "form",
    [list, tuple, lambda g: g.astype(np.float32), lambda g: g[:, None], lambda g: np.repeat(g, 2)[::2]],
    ids=["list", "tuple", "float32", "column", "strided"],
)
def test_a_gradient_may_come_in_any_form(form):
    result = minimize(lambda x: (float(x @ x), form(2 * x)), [1.0, 2.0], jac=True)
    assert result.success
    assert result.x == pytest.approx(np.zeros(2), abs=1e-6)


def tuple_gradient(x):
    return np.sum(x * x), (2 * x[0], 2 * x[1])


def single_precision_gradient(x):
    return np.sum(x * x), (2 * x).astype(np.float32)


@pytest.mark.parametrize("fun", [tuple_gradient, single_precision_gradient])
def test_a_jitted_gradient_may_come_in_any_form(fun):
    """Those that compiled code cannot take are called from Python."""
    python, jitted = (minimize(in_language(fun, language), [1.0, 2.5], jac=True) for language in LANGUAGES)
    assert python.success
    assert same_bits(python.x, jitted.x)


# --- regions without values ------------------------------------------------------------------------------------------


def barrier(x, g, outside):
    """A linear function inside a simplex, with logarithmic barriers; ``outside`` there."""
    f, slack = 0.0, 4.0
    for i in range(x.size):
        slack -= x[i]
        if x[i] <= 0.0:
            slack = -np.inf
    if slack <= 0.0:
        g[:] = outside
        return outside
    f -= np.log(slack)
    for i in range(x.size):
        f += (i + 1.0) * x[i] - np.log(x[i])
        g[i] = i + 1.0 - 1.0 / x[i] + 1.0 / slack
    return f


@pytest.mark.parametrize("linesearch", [MoreThuente(), Zoom(), Backtracking()], ids=lambda s: type(s).__name__)
@pytest.mark.parametrize("outside", [np.nan, np.inf])
@pytest.mark.parametrize("start", [(1.0, 1.0, 1.0), (1e-6, 3.9, 1e-3), (1e-9, 1e-9, 1e-9)], ids=str)
def test_barriers_are_backed_away_from(start, outside, linesearch):
    fun = forms(barrier, "python").pair
    recorded = Recorded(fun)
    options = {"linesearch": linesearch, "gtol": 1e-6, "ftol": 0.0}
    result = minimize(recorded, start, (outside,), jac=True, options=options)
    assert result.success
    assert abs(result.jac).max() <= 1e-5
    expected = minimize(fun, (0.5, 0.5, 0.5), (outside,), jac=True, options={"gtol": 1e-10})
    assert result.x == pytest.approx(expected.x, abs=1e-5)


def test_barriers_were_met():
    """Else the test above would hold nothing."""
    recorded = Recorded(forms(barrier, "python").value)
    minimize(recorded, (1e-6, 3.9, 1e-3), (np.nan,))
    values = [recorded.function(point, np.nan) for point in recorded.points]
    assert np.isnan(values).any()


@pytest.mark.parametrize("outside", [np.nan, np.inf])
def test_barriers_in_compiled_code(outside):
    python, jitted = (
        minimize(forms(barrier, language).inplace, (1e-6, 3.9, 1e-3), outside, jac="inplace") for language in LANGUAGES
    )
    assert jitted.success
    assert jitted.x == pytest.approx(python.x, abs=1e-4)


def test_the_best_point_before_minus_infinity_is_returned():
    def fun(x):
        if x[0] > 10.0:
            return -np.inf, counter()
        return -float(x[0]), -np.ones(1)

    result = minimize(fun, [1.0], jac=True)
    assert result.reason is Status.UNBOUNDED
    assert not result.success
    assert result.fun == -result.x[0] <= -1.0


# --- complex vectors -------------------------------------------------------------------------------------------------


def measurements(seed=0, rows=24, columns=9):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(rows, columns)) + 1j * rng.normal(size=(rows, columns))


def sum_of_powers(rows):
    """Sum |W z|^1.5, whose gradient is continuous but has no Lipschitz constant."""

    def fun(z):
        image = rows @ z
        modulus = abs(image)
        weight = np.divide(1.5, np.sqrt(modulus), out=np.zeros_like(modulus), where=modulus > 0)
        return float(np.sum(modulus**1.5)), rows.conj().T @ (weight * image)

    return fun


def least_squares(rows, offset=0.0):
    """|W (z - 1)|^2 + offset."""

    def fun(z):
        residual = rows @ (z - 1)
        return float(np.vdot(residual, residual).real) + offset, 2 * rows.conj().T @ residual

    return fun


COMPLEX_PROBLEMS = {
    "Rosenbrock": (rosenbrock_pair, 4),
    "sum of powers": (sum_of_powers(measurements()), 9),
    "least squares": (least_squares(measurements(columns=5)), 5),
}


def complex_start(n, seed=1):
    rng = np.random.default_rng(seed)
    return rng.normal(size=n) + 1j * rng.normal(size=n)


@pytest.mark.parametrize(("fun", "n"), COMPLEX_PROBLEMS.values(), ids=COMPLEX_PROBLEMS)
def test_complex_trials_are_those_of_the_real_problem_bit_for_bit(fun, n):
    start = complex_start(n)

    def on_the_view(v):
        f, g = fun(v.view(complex))
        return f, g.view(float)

    complex_, real = Recorded(fun), Recorded(on_the_view)
    complex_result = minimize(complex_, start, jac=True)
    real_result = minimize(real, start.view(float), jac=True)
    assert len(complex_.points) > 10
    assert np.array(complex_.points).tobytes() == np.array(real.points).tobytes()
    assert complex_result.x.tobytes() == real_result.x.tobytes()
    assert complex_result.jac.tobytes() == real_result.jac.tobytes()
    assert (complex_result.reason, complex_result.nit) == (real_result.reason, real_result.nit)


@pytest.mark.parametrize("angle", [0.7, np.pi / 2, 3.0])
@pytest.mark.parametrize(("fun", "n"), COMPLEX_PROBLEMS.values(), ids=COMPLEX_PROBLEMS)
def test_iterates_turn_with_the_start(fun, n, angle):
    """With f_t(z) = f(e^{-it} z), whose gradient is e^{it} g(e^{-it} z), from e^{it} z0: the same values."""
    phase = np.exp(1j * angle)

    def turned(z):
        f, g = fun(z / phase)
        return f, phase * g

    def values(objective, start):
        seen = []
        minimize(objective, start, jac=True, callback=lambda intermediate_result: seen.append(intermediate_result.fun))
        return np.array(seen[:10])

    start = complex_start(n)
    assert values(turned, phase * start) == pytest.approx(values(fun, start), rel=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_complex_rosenbrock_is_solved(seed):
    result = minimize(rosenbrock_pair, complex_start(4, seed), jac=True)
    assert result.success
    assert result.x == pytest.approx(np.ones(4), abs=1e-3)


@pytest.mark.parametrize("seed", range(4))
def test_sum_of_powers_is_solved(seed):
    fun, start = sum_of_powers(measurements(seed)), complex_start(9, seed)
    result = minimize(fun, start, jac=True)
    assert result.success
    assert result.fun < 1e-7 * fun(start)[0]
    assert abs(result.x).max() < 1e-5


@pytest.mark.parametrize("seed", range(8))
def test_a_conjugated_gradient_is_no_success(seed):
    """The mistake of passing what JAX's ``grad`` returns."""
    for fun, n in (
        (rosenbrock_pair, 4),
        (least_squares(measurements(seed)), 9),
        (least_squares(measurements(seed, columns=5), 1e3), 5),
    ):

        def conjugated(z, fun=fun):
            f, g = fun(z)
            return f, g.conj()

        result = minimize(conjugated, complex_start(n, seed), jac=True)
        assert not result.success, (result.reason, result.fun, abs(result.jac).max())


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("wrong", [lambda g: -g, np.ones_like], ids=["sign", "ones"])
def test_a_wrong_gradient_is_no_success(wrong, seed):
    rng = np.random.default_rng(seed)
    fun = least_squares(rng.normal(size=(8, 4)), rng.uniform(0, 100))
    result = minimize(lambda x: (fun(x)[0], wrong(fun(x)[1])), rng.normal(size=4), jac=True)
    assert not result.success, (result.reason, result.fun, result.jac)


# --- the version -----------------------------------------------------------------------------------------------------


def test_minimize_is_public():
    assert "minimize" in numopt.__all__
    assert numopt.minimize is minimize


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("maxfun", "options must be a dict"),
        ({"target": "x"}, "target must be a number, got 'x'"),
        ({"target": "1"}, "target must be a number, got '1'"),
        ({"target": np.complex128(1.0)}, "target must be a number"),
        ({"gtol": "1e-5"}, "gtol must be a number, got '1e-5'"),
        ({"linesearch": numopt.L1Ball(1.0)}, "linesearch must be MoreThuente"),
    ],
)
def test_options_that_are_none(options, message):
    with pytest.raises(TypeError, match=message):
        minimize(lambda x: (x @ x, 2 * x), np.ones(2), jac=True, options=options)
