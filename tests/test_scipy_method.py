"""``lbfgs`` as a method of SciPy's minimize and of the global optimisers that call it."""

import inspect

import numpy as np
import pytest
import scipy.optimize
from numba import njit

import numopt as no

needs_rng = pytest.mark.skipif(
    "rng" not in inspect.signature(scipy.optimize.basinhopping).parameters, reason="SciPy before 1.15 takes no rng"
)


@njit
def rosenbrock(x):
    a, b = x[1] - x[0] * x[0], 1.0 - x[0]
    return 100.0 * a * a + b * b, np.array([-400.0 * x[0] * a - 2.0 * b, 200.0 * a])


def python_rosenbrock(x):
    return rosenbrock(x)


START = np.array([-1.2, 1.0])


@pytest.mark.parametrize("fun", [rosenbrock, python_rosenbrock])
def test_the_same_as_minimize(fun):
    ours = no.minimize(fun, START, jac=True, tol=1e-7)
    through = scipy.optimize.minimize(fun, START, jac=True, method=no.lbfgs, tol=1e-7)
    np.testing.assert_array_equal(through.x, ours.x)
    assert (through.nit, through.nfev, through.reason) == (ours.nit, ours.nfev, ours.reason)


def test_separate_gradient_and_differences():
    value, gradient = (lambda x: rosenbrock(x)[0]), (lambda x: rosenbrock(x)[1])
    for jac in (gradient, None):
        result = scipy.optimize.minimize(value, START, jac=jac, method=no.lbfgs, options={"maxcor": 5})
        assert result.success
        np.testing.assert_allclose(result.x, 1, atol=1e-3)


def test_complex_start():
    target = np.array([1 + 2j, 3 - 1j])
    result = scipy.optimize.minimize(
        lambda z: (float(np.sum(abs(z - target) ** 2)), 2 * (z - target)),
        np.zeros(2, complex),
        jac=True,
        method=no.lbfgs,
    )
    np.testing.assert_allclose(result.x, target, atol=1e-5)


def test_callback_and_args():
    points = []
    scipy.optimize.minimize(
        lambda x, c: (float(np.sum((x - c) ** 4)), 4 * (x - c) ** 3),
        np.zeros(2),
        args=(2.0,),
        jac=True,
        method=no.lbfgs,
        callback=points.append,
    )
    assert len(points) > 2
    np.testing.assert_allclose(points[-1], 2, atol=0.1)


@pytest.mark.parametrize("bounds", [[(0, 0.5), (None, 1)], scipy.optimize.Bounds([0, -np.inf], [0.5, 1])])
def test_raw_bounds_pass_through(bounds):
    res = scipy.optimize.minimize(rosenbrock, START, jac=True, method=no.lbfgs, bounds=bounds)
    assert res.success
    np.testing.assert_allclose(res.x, [0.5, 0.25], atol=1e-4)


@pytest.mark.jit_only
def test_a_jitted_function_is_unwrapped():
    """SciPy wraps it in MemoizeJac; numopt takes it out, so that it runs in the compiled loop."""
    seen = []
    original = no.objective.Objective.compiled

    def spy(self):
        seen.append(original(self))
        return seen[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(no.objective.Objective, "compiled", spy)
        scipy.optimize.minimize(rosenbrock, START, jac=True, method=no.lbfgs)
    assert seen[0] is not None


def valley(x):
    """Many minima; the lowest at 0."""
    return float(np.sum(x**2 + 3 * (1 - np.cos(2 * np.pi * x)))), 2 * x + 6 * np.pi * np.sin(2 * np.pi * x)


def value(x):
    return valley(x)[0]


@needs_rng
def test_basinhopping():
    found = scipy.optimize.basinhopping(
        valley, [2.2, -1.1], niter=60, minimizer_kwargs={"method": no.lbfgs, "jac": True}, rng=np.random.default_rng(0)
    )
    assert found.fun < 1e-8


@needs_rng
def test_dual_annealing():
    found = scipy.optimize.dual_annealing(
        value, [(-3, 3)] * 2, maxiter=200, minimizer_kwargs={"method": no.lbfgs}, rng=np.random.default_rng(0)
    )
    assert found.fun < 1e-6


@needs_rng
def test_differential_evolution_polish():
    def polish(fun, x0, **ignored):
        return no.minimize(fun, x0)

    found = scipy.optimize.differential_evolution(
        value, [(-3, 3)] * 2, polish=polish, maxiter=30, rng=np.random.default_rng(0)
    )
    assert found.fun < 1e-8


@pytest.mark.parametrize("given", [{}, {"options": {"jac": scipy.optimize.rosen_der}}])
def test_inside_shgo(given):
    local = {"method": no.lbfgs}
    res = scipy.optimize.shgo(scipy.optimize.rosen, [(0, 2), (0, 0.5)], n=100, iters=2, minimizer_kwargs=local, **given)
    assert res.success
    np.testing.assert_allclose(res.x, [0.7086, 0.5], atol=1e-3)
