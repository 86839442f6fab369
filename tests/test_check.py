"""check_gradient: right gradients pass, each usual mistake is named, and nothing else is called right."""

import numpy as np
import pytest
from numba import njit

import numopt as no
from numopt.problems import nist

RNG = np.random.default_rng(0)
MATRIX = RNG.normal(size=(8, 5)) + 1j * RNG.normal(size=(8, 5))
POINT = RNG.normal(size=5) + 1j * RNG.normal(size=5)


@njit
def quartic(z, matrix):
    """sum |A z|^4 and its gradient."""
    v = matrix @ z
    size = v.real**2 + v.imag**2
    return np.sum(size**2), 4 * (np.conj(matrix.T) @ (size * v))


def handing_in(mistake):
    def fun(z):
        f, g = quartic(z, MATRIX)
        return f, mistake(g)

    return fun


def wrong_in(k, factor=1.01):
    def mistake(g):
        g = g.copy()
        g[k] *= factor
        return g

    return mistake


@pytest.mark.parametrize(
    ("mistake", "verdict"),
    [
        (lambda g: g, "right"),
        (np.conj, "conjugated"),
        (lambda g: g / 2, "halved"),
        (lambda g: np.conj(g) / 2, "conjugated and halved"),
        (lambda g: 2 * g, "doubled"),
        (np.negative, "negated"),
        (wrong_in(2), "wrong entries"),
        (lambda g: g + 1, "wrong"),
        (np.zeros_like, "wrong"),
        (lambda g: g * np.nan, "not finite"),
    ],
)
def test_verdicts(mistake, verdict):
    report = no.check_gradient(handing_in(mistake), POINT)
    assert report.verdict == verdict
    assert bool(report) is (verdict == "right")
    assert verdict in str(report)


def test_the_wrong_entry_is_named():
    report = no.check_gradient(handing_in(wrong_in(3)), POINT)
    assert report.entries.tolist() == [3]
    assert "entry 3" in str(report)
    assert report.error > 1e-3


def test_many_wrong_entries_are_counted():
    report = no.check_gradient(lambda x: (float(x @ x), 2 * x + np.arange(x.size)), np.ones(30))
    assert report.verdict == "wrong"
    assert "and 19 more" in str(report)


def test_jitted_functions_and_arguments():
    assert no.check_gradient(quartic, POINT, args=(MATRIX,)).verdict == "right"


def test_separate_and_inplace_gradients():
    def inplace(x, g):
        g[:] = 4 * x**3
        return float(np.sum(x**4))

    x = np.array([0.3, -2.0])
    assert no.check_gradient(lambda x: float(np.sum(x**4)), x, jac=lambda x: 4 * x**3)
    assert no.check_gradient(inplace, x, jac="inplace")
    assert not no.check_gradient(lambda x: float(np.sum(x**4)), x, jac=lambda x: 3 * x**3)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("offset", [0.0, 1e8])
def test_scales_and_offsets(scale, offset):
    """Rounding of a large constant in f is not taken for an error of the gradient."""
    x = scale * np.array([1.0, -2.0, 0.5])
    assert no.check_gradient(lambda x: (offset + float(np.sum((x / scale) ** 2)), 2 * x / scale**2), x)


def test_a_sensitive_small_variable():
    """In NIST's Thurber a step of 1e-3 is far too long for b7 = 0.05."""
    data = nist.load("Thurber")
    report = no.check_gradient(data.value_and_gradient, data.starts[1])
    assert report, str(report)


def test_long_vectors_are_sampled():
    calls = []

    def fun(x):
        calls.append(1)
        return float(np.sum(np.sin(x))), np.cos(x)

    report = no.check_gradient(fun, np.linspace(0, 1, 5000), seed=3)
    assert report
    assert report.checked.size == 200
    assert len(calls) == 801  # f and g once, four values for each entry
    again = no.check_gradient(fun, np.linspace(0, 1, 5000), seed=3)
    assert np.array_equal(again.checked, report.checked)


def test_zero_gradient():
    assert no.check_gradient(lambda x: (1.0, np.zeros(2)), np.ones(2))
    assert not no.check_gradient(lambda x: (1.0, np.array([0.0, 1.0])), np.ones(2))


def test_undefined_neighbourhood_is_not_right():
    def fun(x):
        return (float(np.sqrt(x[0])) if x[0] >= 0 else np.nan), np.array([1.0])

    assert not no.check_gradient(fun, np.array([0.0]))


def test_point_is_not_modified():
    x = np.array([1.0, 2.0])
    no.check_gradient(lambda x: (float(x @ x), 2 * x), x)
    assert x.tolist() == [1.0, 2.0]


@pytest.mark.parametrize("jac", [None, "2-point", "3-point"])
def test_nothing_to_check_raises(jac):
    with pytest.raises(ValueError, match="no gradient of yours"):
        no.check_gradient(lambda x: 0.0, np.ones(1), jac=jac)


def test_wrong_length_raises():
    with pytest.raises(ValueError, match="gradient has 1 entries"):
        no.check_gradient(lambda x: (0.0, np.ones(1)), np.ones(2))


def test_a_gradient_that_rounding_hides_is_not_called_right():
    for sign in (1, -1):
        report = no.check_gradient(lambda x, sign=sign: (1e13 + np.sum(x), sign * np.ones(2)), np.ones(2))
        assert not report
        assert report.verdict == "hidden"
    assert no.check_gradient(lambda x: (1e13, np.zeros(2)), np.ones(2))  # nothing to hide


def test_steps_and_tolerance_suit_values_in_float32():
    def fun(x):
        return np.float32(np.sum((x - 3.0) ** 2)), 2.0 * (x - 3.0)

    point = np.array([1.0, 7.0, -2.0])
    assert no.check_gradient(fun, point)
    assert no.check_gradient(lambda x: (fun(x)[0], -fun(x)[1]), point).verdict == "negated"


@pytest.mark.parametrize("point", [np.ones(1), np.array([1.0 + 1j])], ids=["real", "complex"])
def test_a_value_that_does_not_change_hides_the_gradient(point):
    report = no.check_gradient(lambda x: (float(round(abs(x[0]))), 0.3 * x), point)
    assert report.verdict == "hidden"
