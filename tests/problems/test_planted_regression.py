"""Planted regression: instances, derivatives, and the step of hard thresholding."""

import numba
import numpy as np
import pytest

import numopt
from numopt.problems import planted_regression


@pytest.fixture(params=[False, True], ids=["real", "complex"])
def problem(request):
    return planted_regression.generate(12, 3, 9, 4, is_complex=request.param)


def random_vector(problem, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=problem.coefficients.size)
    return x + 1j * rng.normal(size=x.size) if problem.design.dtype.kind == "c" else x


def test_value_is_that_of_the_definition(problem):
    x = random_vector(problem, 0)
    total = 0.0
    for row, y in zip(problem.design, problem.observations, strict=True):
        total += abs(sum(a * b for a, b in zip(row, x, strict=True)) - y) ** 2
    assert problem.value(x) == pytest.approx(total / 18, rel=1e-13)
    assert problem.value_and_gradient(x)[0] == problem.value(x)
    both = np.stack([x, problem.coefficients])
    assert problem.values(both) == pytest.approx([problem.value(x), problem.value(problem.coefficients)])


def test_gradient(problem):
    report = numopt.check_gradient(problem.value_and_gradient, random_vector(problem, 1))
    assert report, report


@pytest.mark.jit_only
def test_the_functions_compile(problem):
    x, args = random_vector(problem, 2), (problem.design, problem.observations)
    assert numba.njit(planted_regression.value)(x, *args) == pytest.approx(problem.value(x), rel=1e-14)
    f, g = numba.njit(planted_regression.value_and_gradient)(x, *args)
    expected, gradient = problem.value_and_gradient(x)
    assert f == pytest.approx(expected, rel=1e-14)
    assert g == pytest.approx(gradient, rel=1e-12)


def test_planted_coefficients(problem):
    planted = problem.coefficients[problem.coefficients != 0]
    assert planted.size == 3
    assert np.all((abs(planted) >= 0.5) & (abs(planted) <= 2))
    assert problem.is_exact(problem.coefficients * 1.1)
    assert not problem.is_exact(problem.start())
    assert problem.start().dtype == problem.design.dtype


def test_noise_has_the_stated_size():
    problem = planted_regression.generate(3, 1, 20000, 0, noise=0.3)
    noise = problem.observations - problem.design @ problem.coefficients
    assert np.std(noise) == pytest.approx(0.3, rel=0.03)


def test_neighbouring_columns_have_the_stated_correlation():
    design = planted_regression.generate(6, 1, 20000, 0, correlation=0.8).design
    correlations = np.corrcoef(design.T)
    assert np.diag(correlations, 1) == pytest.approx(0.8, abs=0.02)
    assert np.diag(correlations, 2) == pytest.approx(0.64, abs=0.03)
    assert np.std(design, axis=0) == pytest.approx(1.0, rel=0.03)


def test_lipschitz_bounds_the_change_of_the_gradient(problem):
    constant = problem.lipschitz()
    hessian = problem.design.conj().T @ problem.design / problem.observations.size
    assert constant == pytest.approx(np.linalg.eigvalsh(hessian)[-1])


def test_the_step_minimises_f_along_the_gradient_on_the_support(problem):
    x = problem.coefficients * 0.9
    _, g = problem.value_and_gradient(x)
    direction = np.where(x != 0, g, 0)
    mu = problem.step(x, g, 3)
    assert np.array_equal(numopt.project(x - mu * g, numopt.L0Ball(3)) != 0, x != 0)  # it keeps its support
    least = problem.value(x - mu * direction)
    assert all(least < problem.value(x - factor * mu * direction) for factor in (0.9, 1.1))


@pytest.mark.parametrize("seed", range(5))
def test_a_step_never_raises_f(problem, seed):
    x = numopt.project(random_vector(problem, seed), numopt.L0Ball(3))
    for _ in range(20):
        f, g = problem.value_and_gradient(x)
        x = numopt.project(x - problem.step(x, g, 3) * g, numopt.L0Ball(3))
        assert problem.value(x) <= f * (1 + 1e-12)


def test_the_step_from_zero_is_that_of_the_largest_slopes(problem):
    x = problem.start()
    _, g = problem.value_and_gradient(x)
    onto = numopt.project(g, numopt.L0Ball(3))
    image = problem.design @ onto
    expected = np.vdot(onto, onto).real * problem.observations.size / np.vdot(image, image).real
    assert problem.step(x, g, 3) == pytest.approx(expected)


def test_the_step_of_no_gradient_is_one(problem):
    assert problem.step(problem.coefficients, problem.start(), 3) == 1.0
