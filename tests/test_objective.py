"""The one contract of objectives: what is checked, what is handed out, and what runs in compiled code."""

import functools
import gc

import numba
import numpy as np
import pytest
from numba.core.runtime import rtsys

import numopt.objective
from numopt import minimize
from numopt._jit import PLAIN, call_objective
from numopt.objective import Objective

X = np.array([1.0, -2.0, 0.5])
Z = np.array([1.0 + 2.0j, -0.5j, 3.0])


def value(x, weight):
    f = 0.0
    for i in range(x.size):
        f += weight * (x[i].real * x[i].real + x[i].imag * x[i].imag)
    return f


def gradient(x, weight):
    return 2 * weight * x


def inplace(x, g, weight):
    f = 0.0
    for i in range(x.size):
        f += weight * (x[i].real * x[i].real + x[i].imag * x[i].imag)
        g[i] = 2 * weight * x[i]
    return f


def pair(x, weight):
    f = 0.0
    for i in range(x.size):
        f += weight * (x[i].real * x[i].real + x[i].imag * x[i].imag)
    return f, 2 * weight * x


def square(x):
    f = 0.0
    for i in range(x.size):
        f += x[i].real * x[i].real + x[i].imag * x[i].imag
    return f


def double(x):
    return 2 * x


def shorter(x):
    f = 0.0
    for i in range(x.size):
        f += x[i].real * x[i].real + x[i].imag * x[i].imag
    return f, (2 * x)[:-1].copy() if x[0].real < 0.9 else 2 * x


def longer(x):
    f = 0.0
    for i in range(x.size):
        f += x[i] * x[i]
    return f, np.ones(x.size + 1) if x[0] < 0.9 else 2 * x


def shorter_jac(x):
    return (2 * x)[:-1].copy() if x[0] < 0.9 else 2 * x


def becomes_none(x):
    if x[0] < 0.9:
        return None, 2 * x
    return x[0] * x[0] + x[1] * x[1], 2 * x


def spoiling(x):
    f = x[0] * x[0] + x[1] * x[1]
    x[0] = 7.0
    return f


def spoiling_pair(x):
    f, g = x[0] * x[0] + x[1] * x[1], 2 * x
    x[1] = 7.0
    return f, g


def spoiling_jac(x):
    g = 2 * x
    x[:] = 0.0
    return g


def spoiling_inplace(x, g):
    g[:] = 2 * x
    x[0] = -x[0]
    return x[0] * x[0] + x[1] * x[1]


FORMS = {
    "pair": (pair, True),
    "separate": (value, gradient),
    "inplace": (inplace, "inplace"),
    "default": (value, None),
    "2-point": (value, "2-point"),
    "3-point": (value, "3-point"),
}
compiled_once = functools.cache(numba.njit)


def compiled_form(name):
    return tuple(compiled_once(part) if callable(part) else part for part in FORMS[name])


@pytest.fixture(params=[X, Z], ids=["real", "complex"])
def point(request):
    return request.param


# --- in Python -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("fun", "jac"), FORMS.values(), ids=FORMS)
def test_every_form_gives_value_and_gradient(fun, jac, point):
    objective = Objective(fun, jac, (0.5,), point)
    f, g = objective.evaluate(point)
    assert f == pytest.approx(0.5 * np.sum(abs(point) ** 2), rel=1e-15)
    assert g == pytest.approx(point, rel=1e-6, abs=1e-6)
    assert (g.dtype, g.shape) == (point.dtype, point.shape)


@pytest.mark.parametrize(
    ("name", "real", "complex_"),
    [("pair", 1, 1), ("separate", 1, 1), ("inplace", 1, 1), ("default", 4, 7), ("2-point", 4, 7), ("3-point", 7, 13)],
)
def test_calls_per_gradient(name, real, complex_):
    assert Objective(*FORMS[name], (1.0,), X).calls_per_gradient == real
    assert Objective(*FORMS[name], (1.0,), Z).calls_per_gradient == complex_


@pytest.mark.parametrize("name", FORMS)
def test_calls_per_gradient_is_true(name, point):
    fun, jac = FORMS[name]
    calls = []

    def counted(*args):
        calls.append(args)
        return fun(*args)

    objective = Objective(counted, jac, (1.0,), point)
    objective.evaluate(point)
    assert len(calls) == objective.calls_per_gradient


@pytest.mark.parametrize("name", FORMS)
def test_evaluate_hands_out_copies(name, point):
    """Each call gets a point of its own, which may be kept and changed."""
    fun, jac = FORMS[name]
    kept = []

    def spoils(function):
        def spoiled(x, *args):
            result = function(x, *args)
            kept.append(x)
            x[:] = np.nan
            return result

        return spoiled

    def given(function):
        return spoils(function) if callable(function) else function

    before = point.copy()
    f, g = Objective(spoils(fun), given(jac), (1.0,), point).evaluate(point)
    expected_f, expected_g = Objective(fun, jac, (1.0,), point).evaluate(point)
    assert np.array_equal(point, before)
    assert f == expected_f
    assert np.array_equal(g, expected_g)
    memory = [point, g, *kept]
    assert not any(np.shares_memory(a, b) for i, a in enumerate(memory) for b in memory[:i])


def test_gradients_in_place_are_new_arrays():
    """Else a gradient kept from one evaluation would change with the next."""
    objective = Objective(inplace, "inplace", (1.0,), X)
    first, second = objective.evaluate(X)[1], objective.evaluate(2 * X)[1]
    assert np.array_equal(first, 2 * X)
    assert np.array_equal(second, 4 * X)


@pytest.mark.parametrize(
    ("args", "expected"), [((), ()), (3.0, (3.0,)), ([1, 2], ([1, 2],)), ((1, 2), (1, 2))], ids=repr
)
def test_args_become_a_tuple(args, expected):
    assert Objective(value, None, args, X).args == expected


@pytest.mark.parametrize(
    ("g", "dtype"),
    [
        ([1, -2, 0.5], float),
        (np.array([1, -2, 3], np.int8), float),
        (np.array([1, -2, 0.5], np.float32), float),
        (np.array([[1.0], [-2.0], [0.5]]), float),
        (np.repeat(X, 2)[::2], float),
        (X.astype(">f8"), float),
        (X, complex),
        (Z.astype(np.complex64), complex),
        (Z[::-1], complex),
    ],
)
def test_gradients_of_any_kind_become_vectors(g, dtype):
    point = X.astype(dtype)
    normalised = Objective(lambda x: (0.0, g), True, (), point).evaluate(point)[1]
    assert normalised.dtype == dtype
    assert normalised.flags.c_contiguous
    assert np.array_equal(normalised, np.ravel(g))


@pytest.mark.parametrize(
    ("g", "error", "match"),
    [
        (X[:2], ValueError, "gradient has 2 entries, but x has 3"),
        (np.ones((3, 2)), ValueError, "gradient has 6 entries, but x has 3"),
        (None, ValueError, "gradient has 1 entries"),
        (Z, TypeError, "complex, but x is real"),
        (["a", "b", "c"], TypeError, "gradient must hold numbers"),
        (np.array([None] * 3), TypeError, "gradient must hold numbers"),
    ],
    ids=repr,
)
def test_wrong_gradients_raise(g, error, match):
    for fun, jac in ((lambda x: (0.0, g), True), (lambda x: 0.0, lambda x: g)):
        with pytest.raises(error, match=match):
            Objective(fun, jac, (), X).evaluate(X)


@pytest.mark.parametrize("f", [2, 2.0, np.float32(2), np.int64(2), np.array(2.0), np.array([2.0]), [[2]]], ids=repr)
@pytest.mark.parametrize("jac", [True, "2-point"])
def test_values_of_any_kind_become_numbers(f, jac):
    found = Objective(lambda x: (f, x) if jac is True else f, jac, (), X).evaluate(X)[0]
    assert isinstance(found, float)
    assert found == 2.0


@pytest.mark.parametrize(
    ("f", "error", "match"),
    [
        (2 + 0j, TypeError, r"must be real, got \(2\+0j\); return f.real"),
        (np.array([1j]), TypeError, "must be real"),
        (X, ValueError, r"one number, got an array of shape \(3,\)"),
        ([], ValueError, "one number"),
        (None, TypeError, "a real number, got None"),
        ("2", TypeError, "a real number, got '2'"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("jac", [True, "2-point", "3-point"])
def test_wrong_values_raise(f, error, match, jac):
    with pytest.raises(error, match=match):
        Objective(lambda x: (f, x) if jac is True else f, jac, (), X).evaluate(X)


@pytest.mark.parametrize("returned", [1.0, None, (1.0,), (1.0, X, X)], ids=["number", "None", "one", "three"])
def test_a_pair_is_needed_for_jac_true(returned):
    with pytest.raises(TypeError, match="must return the pair"):
        Objective(lambda x: returned, True, (), X).evaluate(X)


@pytest.mark.parametrize(
    ("fun", "jac", "match"),
    [
        (lambda x: (1.0, x), None, "^fun returned a pair: pass jac=True$"),
        (lambda x: [1.0, x], "3-point", "^fun returned a pair: pass jac=True$"),
        (lambda x: (1.0, x), lambda x: x, "^fun returned a pair: pass jac=True, without jac"),
        (lambda x, g: (1.0, x), "inplace", "^fun returned a pair: pass jac=True instead of jac='inplace'"),
        (lambda x: (1.0, x, x), None, "^fun returned a tuple of 3, not one number"),
        (lambda x: (1.0, x, x), True, "must return the pair .* got a tuple of 3"),
        (lambda x: 1.0, True, "must return the pair .* got float 1.0; leave jac out"),
        (lambda x: None, True, "must return the pair .* got None: does it lack a return"),
        (lambda x: 1.0, lambda x: (1.0, x), "^the gradient is a pair"),
    ],
)
@pytest.mark.parametrize("n", [1, 2, 3])
def test_the_wrong_jac_is_named(fun, jac, match, n):
    with pytest.raises(TypeError, match=match):
        Objective(fun, jac, (), np.ones(n)).evaluate(np.ones(n))


def test_a_python_function_may_change_the_copy_that_it_gets():
    def fun(x):
        f, g = float(x @ x), 2 * x
        x[:] = np.nan
        return f, g

    assert minimize(fun, X, jac=True).success


def test_an_exception_inside_fun_is_not_taken_for_a_missing_pair():
    def fun(x):
        raise ValueError("of the user")

    with pytest.raises(ValueError, match="of the user"):
        Objective(fun, True, (), X).evaluate(X)


def test_fun_must_be_callable():
    with pytest.raises(TypeError, match="fun must be callable, got 3"):
        Objective(3, True, (), X)


@pytest.mark.parametrize("jac", ["", "forward", 0, 1, ()], ids=repr)
def test_unknown_jac(jac):
    with pytest.raises(ValueError, match="jac must be True, a callable, 'inplace', None, '2-point' or '3-point'; got"):
        Objective(value, jac, (), X)


@pytest.mark.parametrize("step", [0, -1e-8, np.nan, "abc"], ids=repr)
@pytest.mark.parametrize("jac", [None, "3-point"])
def test_wrong_steps(step, jac):
    error, message = (TypeError, "must be a number") if step == "abc" else (ValueError, "must be positive")
    with pytest.raises(error, match=f"eps {message}"):
        Objective(value, jac, (), X, absolute_step=step)
    with pytest.raises(error, match=f"finite_diff_rel_step {message}"):
        Objective(value, jac, (), X, relative_step=step)


def test_steps_are_ignored_where_gradients_are_given():
    assert Objective(pair, True, (1.0,), X, absolute_step=-1.0).calls_per_gradient == 1


@pytest.mark.parametrize("name", FORMS)
def test_python_functions_are_not_compiled(name):
    assert Objective(*FORMS[name], (1.0,), X).compiled() is None


# --- in other units and by another convention ------------------------------------------------------------------------

SCALE = np.array([0.5, 4.0, 1.0])
VARIANTS = {"scale": {"scale": SCALE}, "conjugate": {"conjugate": True}, "both": {"scale": SCALE, "conjugate": True}}


def as_user(function, conjugate):
    """The function as a user of the other convention writes it."""

    def converted(x, *args):
        result = function(x, *args)
        if isinstance(result, tuple):
            return result[0], result[1].conj()
        return result.conj()

    return converted if conjugate and callable(function) else function


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
@pytest.mark.parametrize("name", ["pair", "separate", "2-point", "3-point"])
def test_scale_and_convention(name, variant, point):
    """With h(q) = f(s q) the gradient is s g(s q); differences take other steps then."""
    fun, jac = FORMS[name]
    scale, conjugate = variant.get("scale", 1.0), "conjugate" in variant
    plain_f, plain_g = Objective(fun, jac, (0.5,), point).evaluate(scale * point)
    given = (as_user(fun, conjugate) if jac is True else fun), as_user(jac, conjugate)
    f, g = Objective(*given, (0.5,), point, **variant).evaluate(point)
    assert f == plain_f
    assert g == pytest.approx(scale * plain_g, rel=1e-6 if isinstance(jac, str) else 1e-15)


@pytest.fixture
def handed_to_the_compiler(monkeypatch):
    """(objective, x) -> (f, g) by the function that would be compiled, run as Python; g is NaN where it is not set."""
    if not PLAIN:
        pytest.skip("what is compiled is tested below, compiled")
    monkeypatch.setattr(numopt.objective, "PLAIN", False)
    monkeypatch.setattr(numopt.objective, "Dispatcher", type(value))
    monkeypatch.setattr(numopt.objective, "adapt", lambda make, parts, args, dtype: (make(*parts), args))

    def call(objective, x):
        evaluate, args = objective.compiled()
        g = np.full_like(x, np.nan)
        return evaluate(x.copy(), g, args), g

    return call


@pytest.mark.parametrize("variant", [{}, *VARIANTS.values()], ids=["plain", *VARIANTS])
@pytest.mark.parametrize("name", FORMS)
def test_what_is_handed_to_the_compiler(handed_to_the_compiler, name, variant, point):
    """It is what runs in Python, written once more."""
    objective = Objective(*FORMS[name], (0.5,), point, **variant)
    f, g = handed_to_the_compiler(objective, point)
    expected_f, expected_g = objective.evaluate(point)
    assert f == expected_f
    assert np.array_equal(g, expected_g)


def test_of_a_gradient_of_another_length_nothing_is_written(handed_to_the_compiler):
    for fun, jac in ((short_gradient, True), (constant, short_jac)):
        objective, g = Objective(fun, jac, (), X), np.full(3, 7.0)
        evaluate, args = objective.compiled()
        with pytest.raises(ValueError, match="another length"):
            evaluate(X.copy(), g, args)
        assert np.array_equal(g, np.full(3, 7.0))


# --- compiled --------------------------------------------------------------------------------------------------------


@numba.njit
def _call(address, x, g, args):
    return call_objective(address, x, g, args)


@pytest.mark.jit_only
class TestCompiled:
    @pytest.mark.parametrize(("name", "point"), [*((name, Z) for name in FORMS if name != "default"), ("pair", X)])
    def test_is_the_same_function(self, name, point):
        self.compare(Objective(*compiled_form(name), (0.5,), point), point)

    @pytest.mark.parametrize("name", ["inplace", "2-point"])
    def test_scaled_and_conjugated_is_the_same_function(self, name):
        self.compare(Objective(*compiled_form(name), (0.5,), Z, **VARIANTS["both"]), Z)

    def compare(self, objective, point):
        compiled = objective.compiled()
        g = np.full_like(point, np.nan)
        raised, f = _call(compiled.address, point.copy(), g, compiled.args)
        expected_f, expected_g = objective.evaluate(point)
        assert not raised
        assert f == expected_f
        assert g.tobytes() == expected_g.tobytes()

    @pytest.mark.parametrize("parts", [(pair, True), (value, None)], ids=["pair", "differences"])
    def test_is_compiled_once(self, parts):
        fun, jac = compiled_once(parts[0]), parts[1]
        first, second = (Objective(fun, jac, (weight,), X).compiled() for weight in (1.0, 2.0))
        assert first.address == second.address
        assert first.args != second.args

    def test_one_function_in_python_makes_all_run_in_python(self):
        assert Objective(compiled_once(value), gradient, (1.0,), X).compiled() is None
        assert Objective(value, compiled_once(gradient), (1.0,), X).compiled() is None

    @pytest.mark.parametrize(
        "args",
        [([1.0, 2.0],), ("text",), ({"a": 1},), ((1.0, [2.0]),), (object(),)],
        ids=["list", "text", "dict", "nested list", "object"],
    )
    def test_args_that_compiled_code_cannot_hold(self, args):
        assert Objective(compiled_once(value), None, args, X).compiled() is None

    def test_args_that_it_can_hold(self):
        """Numbers, arrays and None, also in tuples."""
        args = ((True, (X, None)), 3, np.array(1.0))
        assert Objective(compiled_once(nested_value), None, args, X).compiled() is not None

    def test_args_of_the_wrong_number_show_themselves_in_python(self):
        objective = Objective(compiled_once(value), None, (1.0, 2.0), X)
        assert objective.compiled() is None
        with pytest.raises(TypeError):
            objective.evaluate(X)

    def test_a_gradient_of_another_length_is_a_flag_and_writes_nothing(self):
        objective = Objective(compiled_once(short_gradient), True, (), X)
        compiled = objective.compiled()
        g = np.full(3, 7.0)
        assert _call(compiled.address, X.copy(), g, compiled.args)[0]
        assert np.array_equal(g, np.full(3, 7.0))

    def test_a_separate_gradient_of_another_length_is_a_flag_and_writes_nothing(self):
        compiled = Objective(compiled_once(constant), compiled_once(short_jac), (), X).compiled()
        g = np.full(3, 7.0)
        assert _call(compiled.address, X.copy(), g, compiled.args)[0]
        assert np.array_equal(g, np.full(3, 7.0))

    @pytest.mark.parametrize(
        ("fun", "jac", "x0", "options"),
        [
            (shorter, True, [1.0, 1.0], {}),
            (shorter, True, [1.0, 1.0], {"x_scale": [0.5, 2.0]}),
            (shorter, True, [1.0 + 1.0j, 1.0], {}),
            (shorter, True, [1.0 + 1.0j, 1.0], {"gradient_convention": "conjugate"}),
            (square, shorter_jac, [1.0, 1.0], {}),
            (longer, True, [1.0, 1.0], {}),
        ],
        ids=["pair", "scaled", "complex", "conjugated", "separate", "longer"],
    )
    def test_a_gradient_that_changes_its_length_raises_as_in_python_and_leaks_nothing(self, fun, jac, x0, options):
        fun, jac = compiled_once(fun), compiled_once(jac) if callable(jac) else jac

        def run():
            with pytest.raises(ValueError, match=r"the gradient has [13] entries, but x has 2"):
                minimize(fun, x0, jac=jac, options=options)

        run()
        objective = Objective(fun, jac, (), np.array(x0))
        compiled, g, low = objective.compiled(), np.zeros_like(np.array(x0)), np.array(x0) / 2
        _call(compiled.address, low, g, compiled.args)
        gc.collect()
        before = rtsys.get_allocation_stats()
        assert all(_call(compiled.address, low, g, compiled.args)[0] for _ in range(50))
        gc.collect()
        after = rtsys.get_allocation_stats()
        assert after.alloc - before.alloc == after.free - before.free

    def test_a_value_that_becomes_none_raises_as_in_python(self):
        with pytest.raises(TypeError, match="the objective must return a real number, got None"):
            minimize(compiled_once(becomes_none), [1.0, 1.0], jac=True)

    @pytest.mark.parametrize(
        ("fun", "jac", "name"),
        [
            (spoiling_pair, True, "fun"),
            (spoiling, None, "fun"),
            (spoiling, "3-point", "fun"),
            (spoiling, "jac", "fun"),
            (square, "spoiling", "jac"),
            (spoiling_inplace, "inplace", "fun"),
        ],
    )
    def test_a_compiled_function_that_changes_x_is_refused(self, fun, jac, name):
        jac = compiled_once({"jac": double, "spoiling": spoiling_jac}[jac]) if jac in ("jac", "spoiling") else jac
        with pytest.raises(ValueError, match=rf"^{name} changes x: .*x\.copy\(\)"):
            minimize(compiled_once(fun), [1.0, 2.0], jac=jac)

    def test_a_compiled_function_of_candidates_that_changes_x_is_refused(self):
        with pytest.raises(ValueError, match=r"^fun changes x"):
            minimize(compiled_once(spoiling), np.ones(3), method="SparseEvolution", options={"maxfun": 200})

    def test_an_exception_is_a_flag(self):
        compiled = Objective(compiled_once(raises), "inplace", (), X).compiled()
        raised, _ = _call(compiled.address, X.copy(), X.copy(), compiled.args)
        assert raised

    def test_args_are_held_as_long_as_they_are_used(self):
        """The structure with the arguments has its own reference to each array."""
        compiled = Objective(compiled_once(array_value), None, (np.full(3, 2.0),), X).compiled()
        others = [np.full(3, float(k)) for k in range(100)]  # would take the memory if it were free
        _, f = _call(compiled.address, X.copy(), X.copy(), compiled.args)
        assert f == 2.0 * np.sum(X)
        assert len(others) == 100

    def test_lists_as_args_work_from_python(self):
        weights = numba.typed.List([1.0, 2.0])
        result = minimize(compiled_once(listed), X, (weights,), jac=True)
        assert result.success
        assert result.x == pytest.approx(np.zeros(3), abs=1e-5)


def array_value(x, weight):
    return x[0] * weight[0] + x[1] * weight[1] + x[2] * weight[2]


def nested_value(x, first, second, third):
    return x[0] + first[0] + first[1][0][0] + second + third[()]


def short_gradient(x):
    return 1.0, x[1:].copy()


def constant(x):
    return 1.0


def short_jac(x):
    return x[1:].copy()


def raises(x, g):
    if x.size > 0:
        raise RuntimeError("always")
    return 0.0


def listed(x, weights):
    return weights[0] * weights[1] * (x[0] * x[0] + x[1] * x[1] + x[2] * x[2]), 2.0 * weights[0] * weights[1] * x
