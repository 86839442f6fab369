"""One source, compiled or not: IEEE arithmetic without exceptions and without warnings."""

import math

import numpy as np
import pytest

from numopt._jit import exp, jit, log, record, sqrt
from numopt._jit._plain import ieee, plain


@record
class Inner:
    zero: float = 0.0


@record
class Rule:
    rate: float = 1.0
    inner: Inner = Inner()


@jit
def divide(a, b):
    """a / b."""
    return a / b


@jit
def power(a, b):
    return a**b


@jit
def square_root(a):
    return sqrt(a)


@jit
def exponential(a):
    return exp(a)


@jit
def logarithm(a):
    return log(a)


@jit
def divide_by_field(rule, a):
    return a / rule.inner.zero + rule.rate


@jit
def divide_literal_by_field(rule):
    return 1.0 / rule.inner.zero


@jit
def divide_by_entry(pairs):
    return pairs[0] / pairs[1][0]


@jit
def call_another(a):
    return divide(divide(a, 0.0), square_root(-a))


@pytest.mark.parametrize(
    ("function", "arguments", "expected"),
    [
        (divide, (1.0, 0.0), np.inf),
        (divide, (-1.0, 0.0), -np.inf),
        (divide, (1.0, -0.0), -np.inf),
        (divide, (0.0, 0.0), np.nan),
        (divide, (np.inf, np.inf), np.nan),
        (divide, (1e200, 1e-200), np.inf),
        (power, (1e200, 2.0), np.inf),
        (power, (0.0, -1.0), np.inf),
        (power, (-1.0, 0.5), np.nan),
        (square_root, (-1.0,), np.nan),
        (square_root, (np.inf,), np.inf),
        (exponential, (1000.0,), np.inf),
        (exponential, (-1000.0,), 0.0),
        (logarithm, (0.0,), -np.inf),
        (logarithm, (-1.0,), np.nan),
        (divide_by_field, (Rule(), -2.0), -np.inf),
        (divide_literal_by_field, (Rule(),), np.inf),
        (divide_by_entry, ((1.0, (0.0, Inner())),), np.inf),
        (call_another, (1.0,), np.nan),
    ],
)
def test_arithmetic_is_ieee(function, arguments, expected):
    assert np.array_equal(function(*arguments), expected, equal_nan=True)


def test_keyword_arguments_are_ieee():
    assert divide(a=1.0, b=0.0) == np.inf


def test_compiled_and_plain_results_are_the_same_bits():
    def formula(x, rule):
        return (x * x - rule.rate) / (1.0 + x) ** 3.0 + rule.rate / x

    compiled, uncompiled = jit(formula), plain(formula)
    for x in (*np.random.default_rng(0).normal(size=20), 0.0, -1.0, 1e200, np.inf, np.nan):
        result = uncompiled(float(x), Rule(0.3))
        assert np.array_equal(compiled(float(x), Rule(0.3)), result, equal_nan=True)


def test_plain_converts_floats_inside_tuples_and_records():
    class_kept = ieee(Rule(2.0, Inner(3.0)))
    assert type(class_kept) is Rule
    assert type(class_kept.inner) is Inner
    assert type(class_kept.rate) is type(class_kept.inner.zero) is np.float64
    assert class_kept == Rule(2.0, Inner(3.0))
    first, (second,), third = ieee((1.0, (2.0,), 3))
    assert (type(first), type(second), type(third)) == (np.float64, np.float64, int)


def test_plain_passes_arrays_and_flags_on():
    array = np.zeros(2)
    assert ieee((array,))[0] is array
    assert ieee(True) is True
    assert ieee(None) is None


def test_plain_leaves_numpys_settings_alone():
    before = np.geterr()
    plain(lambda a: a / 0.0)(1.0)
    assert np.geterr() == before


def test_exceptions_of_the_function_come_through():
    def fail(x):
        raise KeyError(x)

    with pytest.raises(KeyError):
        plain(fail)(1.0)


def test_function_keeps_its_name_and_docstring():
    assert divide.__name__ == "divide"
    assert divide.__doc__ == "a / b."


def test_functions_agree_with_the_standard_library():
    for x in (0.5, 2.0, 10.0):
        assert square_root(x) == math.sqrt(x)
        assert exponential(x) == pytest.approx(math.exp(x), rel=1e-15)
        assert logarithm(x) == pytest.approx(math.log(x), rel=1e-15)
