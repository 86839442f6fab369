"""One program for each part of the package: they also run with the oldest versions allowed and on the newest Python."""

import numba
import numpy as np
import pytest

import numopt as no


@numba.njit
def rosenbrock(x):
    a, b = x[1] - x[0] ** 2, 1 - x[0]
    return 100 * a**2 + b**2, np.array([-400 * x[0] * a - 2 * b, 200 * a])


def test_minimize():
    result = no.minimize(rosenbrock, [-1.2, 1.0], jac=True, options={"ftol": 0})
    assert result.reason is no.Status.CONVERGED_GTOL
    np.testing.assert_allclose(result.x, 1, atol=1e-4)


def test_minimize_complex_with_a_python_function():
    target = np.array([1 + 2j, 3 - 1j])
    result = no.minimize(lambda z: (np.sum(abs(z - target) ** 2), 2 * (z - target)), np.zeros(2, complex), jac=True)
    assert result.success
    np.testing.assert_allclose(result.x, target, atol=1e-5)


def test_chain():
    x = np.array([3.0, -2.0])
    opt = no.chain(no.Clip(1.0), no.Adam(0.1)).init(x)
    opt.update(x, 2 * x)  # Adam's first step is the learning rate along sign(g)
    np.testing.assert_allclose(x, [2.9, -1.9], rtol=1e-7)
    assert opt.count == 1


@pytest.mark.parametrize("dtype", [float, complex])
def test_projection(dtype):
    x = np.array([3.0, -1.0, 0.5]).astype(dtype)
    np.testing.assert_allclose(no.project(x, onto=no.L1Ball(2.0)), [2.0, 0.0, 0.0], atol=1e-15)


def test_search():
    target = np.array([2.0, 0.0, -1.0, 0.0])
    result = no.minimize(
        lambda x: float(np.sum((x - target) ** 2)),
        np.zeros(4),
        method="SparseEvolution",
        options={"penalty": 0.1, "seed": 1, "maxfun": 2000},
    )
    assert np.array_equal(result.x != 0, target != 0)
    np.testing.assert_allclose(result.x, target, atol=1e-2)
