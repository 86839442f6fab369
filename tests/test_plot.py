"""plot_convergence: one or several results, each axis, and what is missing is said."""

import numpy as np
import pytest

import numopt as no

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")


def bowl(x):
    return float(np.sum(np.cosh(x))), np.sinh(x)


@pytest.fixture(scope="module")
def results():
    starts = (np.array([3.0, 1.0]), np.array([2.0, -2.0]))
    return [no.minimize(bowl, x0, jac=True, options={"history": True}) for x0 in starts]


@pytest.fixture(autouse=True)
def _close():
    yield
    import matplotlib.pyplot as plt

    plt.close("all")


@pytest.mark.parametrize(("against", "column"), [("iteration", "nit"), ("evaluation", "nfev"), ("time", "time")])
def test_axes(results, against, column):
    ax = no.plot_convergence(results[0], against=against)
    (line,) = ax.lines
    np.testing.assert_array_equal(line.get_xdata(), results[0].history[column])
    np.testing.assert_array_equal(line.get_ydata(), results[0].history["fun"])
    assert ax.get_yscale() == "log"


def test_several_results_share_axes_and_a_minimum(results):
    named = {"far": results[0], "near": results[1]}
    ax = no.plot_convergence(named, minimum=2.0)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["far", "near"]
    np.testing.assert_allclose(ax.lines[0].get_ydata()[0], results[0].history["fun"][0] - 2.0)
    assert no.plot_convergence(results, ax=ax) is ax


def test_negative_values_are_shifted():
    result = no.minimize(lambda x: (bowl(x)[0] - 10, bowl(x)[1]), np.array([2.0]), jac=True, options={"history": True})
    values = no.plot_convergence(result).lines[0].get_ydata()
    assert np.nanmin(values) > 0


def test_gradient(results):
    ax = no.plot_convergence(results[0], quantity="gradient")
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), results[0].history["gradient"])


def test_what_is_missing_is_said(results):
    with pytest.raises(ValueError, match="history"):
        no.plot_convergence(no.minimize(bowl, np.ones(2), jac=True))
    with pytest.raises(ValueError, match="against"):
        no.plot_convergence(results[0], against="weeks")
    with pytest.raises(ValueError, match="quantity"):
        no.plot_convergence(results[0], quantity="luck")
