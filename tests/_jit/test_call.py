"""Jitted objectives behind one signature: whatever they are, they come through, or the answer is None."""

import gc
import sys
import weakref
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
import pytest
from numba import njit, types
from numba.core.runtime import rtsys

from numopt._jit import adapt, call_objective, record
from numopt._jit._call import _adapters
from numopt.differences import in_compiled_code
from numopt.objective import _make_conjugated, _make_inplace, _make_pair, _make_scaled, _make_separate

pytestmark = pytest.mark.jit_only

X = np.array([1.0, -2.0, 3.0])
Z = np.array([1.0 + 2.0j, -3.0j])


@record
class Scale:
    factor: float
    weights: np.ndarray


@njit
def call(address, x, g, args):
    return call_objective(address, x, g, args)


@njit
def squares(x):
    total = 0.0
    for i in range(x.size):
        total += x[i].real ** 2 + x[i].imag ** 2
    return total


@njit
def times(factor, x):
    out = np.empty_like(x)
    for i in range(x.size):
        out[i] = factor * x[i]
    return out


@njit
def pair(x):
    return squares(x), times(2.0, x)


@njit
def inplace(x, g):
    g[:] = times(2.0, x)
    return squares(x)


@njit
def with_arguments(x, a, scale, nested):
    factor = a[0] * scale * nested[1][0]
    return factor * squares(x) + nested[0], times(2.0 * factor, x)


@njit
def with_record(x, rule):
    factor = rule.factor * rule.weights[1]
    return factor * squares(x), times(2.0 * factor, x)


@njit
def with_default(x, scale=3.0):
    return scale * squares(x), times(2.0 * scale, x)


@njit([types.Tuple((types.float64, types.float64[::1]))(types.float64[::1])])
def with_signature(x):
    return squares(x), times(2.0, x)


@njit(fastmath=True)
def with_fastmath(x):
    return squares(x), times(2.0, x)


def closure(scale, a):
    @njit
    def fun(x, g):
        total = 0.0
        for i in range(x.size):
            g[i] = 2.0 * scale * a[i] * x[i]
            total += scale * a[i] * x[i] * x[i]
        return total

    return fun


@njit
def gradient(x):
    return times(2.0, x)


def evaluate(make, functions, args=(), x=X):
    """(f, g) of the adapted objective, called as compiled loops do."""
    objective = adapt(make, functions, args, x.dtype)
    assert objective is not None
    g = np.full_like(x, np.nan)
    raised, f = call(objective.address, x, g, objective.args)
    assert not raised
    return f, g


@pytest.mark.parametrize(
    ("make", "functions", "args", "x", "scale"),
    [
        pytest.param(_make_pair, (pair,), (), X, 1, id="pair"),
        pytest.param(_make_separate, (squares, gradient), (), X, 1, id="separate"),
        pytest.param(_make_inplace, (inplace,), (), X, 1, id="inplace"),
        pytest.param(_make_pair, (with_arguments,), (np.full(3, 2.0), 5, (0.0, (1.0, True))), X, 10, id="arguments"),
        pytest.param(_make_pair, (with_record,), (Scale(5, np.full(3, 2.0)),), X, 10, id="record"),
        pytest.param(_make_pair, (with_default,), (), X, 3, id="default"),
        pytest.param(_make_pair, (with_default,), (np.float32(4),), X, 4, id="argument-for-a-default"),
        pytest.param(_make_pair, (pair,), (), Z, 1, id="complex"),
        pytest.param(_make_pair, (with_signature,), (), X, 1, id="signature"),
        pytest.param(_make_pair, (with_fastmath,), (), X, 1, id="fastmath"),
        pytest.param(_make_inplace, (closure(2.0, np.full(3, 2.0)),), (), X, 4, id="closure"),
    ],
)
def test_objective_comes_through(make, functions, args, x, scale):
    f, g = evaluate(make, functions, args, x)
    assert f == scale * np.sum(abs(x) ** 2)
    assert np.array_equal(g, 2.0 * scale * x)


def test_differences_come_through():
    calls, steps = np.zeros(1, np.int64), np.array([[0.0] * 3, [1e-5] * 3])
    args = calls, steps, np.empty((2, 0)), X.copy(), np.full(3, np.nan)
    f, g = evaluate(in_compiled_code, (squares, "3-point"), args)
    assert f == 14.0
    assert calls[0] == 7
    assert g == pytest.approx(2.0 * X)


def test_read_only_and_strided_arguments_come_through():
    weights = np.arange(6.0)[::2]
    weights.flags.writeable = False
    assert evaluate(_make_pair, (with_arguments,), (weights[1:], 1.0, (0.0, (1.0,))))[0] == 2.0 * np.sum(X * X)


@njit
def complex_value(z):
    return z[0] * z[1], z


@njit
def one_entry(x):
    return x[:1], x


@njit
def no_pair(x):
    return x[0]


@njit([types.Tuple((types.float32, types.float32[::1]))(types.float32[::1])])
def only_float32(x):
    return x[0], x


@njit
def any_argument(x, a):
    return x[0], x


@pytest.mark.parametrize(
    ("functions", "args", "x"),
    [
        pytest.param((any_argument,), ([1.0, 2.0],), X, id="list"),
        pytest.param((any_argument,), (([1.0, 2.0], 1.0),), X, id="list-in-tuple"),
        pytest.param((any_argument,), ({1.0},), X, id="set"),
        pytest.param((any_argument,), ("text",), X, id="text"),
        pytest.param((any_argument,), (object(),), X, id="object"),
        pytest.param((any_argument,), (pair,), X, id="function"),
        pytest.param((any_argument,), (), X, id="too-few"),
        pytest.param((pair,), (1.0,), X, id="too-many"),
        pytest.param((complex_value,), (), Z, id="complex-value"),
        pytest.param((one_entry,), (), X, id="array-value"),
        pytest.param((no_pair,), (), X, id="no-pair"),
        pytest.param((only_float32,), (), X, id="other-signature"),
    ],
)
def test_objective_that_cannot_be_adapted_gives_none(functions, args, x):
    assert adapt(_make_pair, functions, args, x.dtype) is None


def test_gradient_of_another_length_comes_back_as_a_flag():
    @njit
    def short(x):
        return 1.0, x[:1].copy()

    objective = adapt(_make_pair, (short,), (), X.dtype)
    assert call(objective.address, X, np.zeros(3), objective.args)[0]


@njit
def raising(x, g, a):
    if x[0] < 0.0:
        raise ValueError("outside the domain")
    g[:] = a
    return a[0] * x[0]


@njit
def call_often(address, x, g, args, calls):
    raised = 0
    for _ in range(calls):
        own = np.empty(x.size)  # what an exception that crosses compiled code would leak
        flag, f = call_objective(address, x, g, args)
        raised += flag
        own[:] = f
    return raised


def test_exception_comes_back_as_a_flag():
    objective, g = adapt(_make_inplace, (raising,), (np.ones(3),), X.dtype), np.empty(3)
    assert call(objective.address, -X, g, objective.args)[0]
    assert call(objective.address, X, g, objective.args) == (False, X[0])


def test_exceptions_do_not_leak_the_arrays_of_the_caller():
    objective, x, g = adapt(_make_inplace, (raising,), (np.ones(3),), X.dtype), -X, np.empty(3)
    call_often(objective.address, x, g, objective.args, 1)
    before = rtsys.get_allocation_stats()
    assert call_often(objective.address, x, g, objective.args, 100) == 100
    after = rtsys.get_allocation_stats()
    assert after.alloc - before.alloc >= 100
    # the reference to x and g that each call from Python makes is looked at below
    assert after.alloc - before.alloc - (after.free - before.free) <= 2


def test_exceptions_do_not_hold_the_point_and_the_gradient():
    objective, x, g = adapt(_make_inplace, (raising,), (np.ones(3),), X.dtype), -X, np.empty(3)
    call(objective.address, x, g, objective.args)
    counts = sys.getrefcount(x), sys.getrefcount(g)
    for _ in range(100):
        assert call(objective.address, x, g, objective.args)[0]
    assert (sys.getrefcount(x), sys.getrefcount(g)) == counts


@pytest.mark.parametrize("start", [X, -X], ids=["returns", "raises"])
def test_arguments_live_as_long_as_the_objective(start):
    a, g = np.ones(3), np.empty(3)
    seen = weakref.ref(a)
    objective = adapt(_make_inplace, (raising,), (a,), X.dtype)
    del a
    gc.collect()
    assert seen() is not None
    assert call(objective.address, X, g, objective.args) == (False, X[0])
    call(objective.address, start, g, objective.args)
    del objective
    gc.collect()
    assert seen() is None


def test_other_arguments_of_the_same_types_compile_nothing():
    first, second = (adapt(_make_inplace, (raising,), (np.full(3, a),), X.dtype) for a in (2.0, 3.0))
    assert first.address == second.address
    g = np.empty(3)
    assert call(first.address, X, g, first.args) == (False, 2.0 * X[0])
    assert call(second.address, X, g, second.args) == (False, 3.0 * X[0])


def test_arguments_are_held_without_a_copy():
    a = np.ones(3)
    objective, g = adapt(_make_inplace, (raising,), (a,), X.dtype), np.empty(3)
    a[:] = 2.0
    assert call(objective.address, X, g, objective.args) == (False, 2.0 * X[0])


def test_threads_adapt_and_call_different_objectives():
    def work(k):
        return evaluate(_make_inplace, (closure(float(k), np.ones(3)),))

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(work, range(8)))
    for k, (f, g) in enumerate(results):
        assert f == 14.0 * k
        assert np.array_equal(g, 2.0 * k * X)


def test_threads_adapt_the_same_objective_once():
    fun = closure(1.0, np.ones(3))
    with ThreadPoolExecutor(8) as pool:
        adapted = list(pool.map(lambda _: adapt(_make_inplace, (fun,), (), X.dtype), range(8)))
    assert len({int(objective.address) for objective in adapted}) == 1
    assert isinstance(fun, numba.core.dispatcher.Dispatcher)
    assert len(fun.signatures) == 1


def test_adapter_lives_as_long_as_the_objective():
    objective, g = adapt(_make_inplace, (closure(3.0, np.ones(3)),), (), X.dtype), np.empty(3)
    _adapters.clear()
    gc.collect()
    assert call(objective.address, X, g, objective.args) == (False, 42.0)


@pytest.mark.parametrize("args", [(), (X,)], ids=["no-args", "args"])
@pytest.mark.parametrize(
    ("make", "parts"),
    [
        pytest.param(_make_inplace, (), id="inplace"),
        pytest.param(_make_scaled, (_make_inplace,), id="scaled"),
        pytest.param(_make_scaled, (_make_conjugated, _make_inplace), id="conjugated"),
    ],
)
def test_a_function_that_the_user_drops_is_let_go(make, parts, args):
    def adapted():
        @njit
        def fun(x, g, a=X):
            g[:] = a
            return x[0]

        objective = adapt(make, (*parts, fun), (np.ones(3), np.empty(3), *args) if parts else args, X.dtype)
        assert objective is not None
        return objective, fun

    before = set(_adapters)
    objective, fun = adapted()
    gc.collect()
    assert len(set(_adapters) - before) == 1
    g = np.empty(3)
    assert call(objective.address, X, g, objective.args) == (False, X[0])
    dropped = weakref.ref(fun)
    del fun
    gc.collect()
    assert dropped() is None
    assert set(_adapters) <= before


@pytest.mark.parametrize("place", [0, 1], ids=["fun", "jac"])
def test_an_adapter_goes_with_either_of_two_functions(place):
    def adapted():
        parts = [squares, gradient]
        parts[place] = njit(parts[place].py_func)
        assert adapt(_make_separate, tuple(parts), (), X.dtype) is not None

    before = set(_adapters)
    adapted()
    gc.collect()
    assert set(_adapters) <= before


def test_one_function_under_several_types_is_adapted_once_each():
    fun, before = closure(1.0, np.ones(3)), set(_adapters)
    for _ in range(2):
        for x in (X, Z):
            adapt(_make_pair, (pair,), (), x.dtype)
        adapt(_make_inplace, (fun,), (), X.dtype)
    assert len(set(_adapters) - before) <= 3
    assert len([key for key in _adapters if id(fun) in key]) == 1
