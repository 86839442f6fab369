"""Beamforming: instances, derivatives, minimum variance with a constraint, and Dolph and Chebyshev's side lobes."""

import numpy as np
import pytest
from scipy.signal.windows import chebwin

import numopt
from numopt.problems import beamforming

ARRAYS = [(16, 30), (20, 25), (10, 20)]  # elements, depth of the side lobes in dB


def random_vector(n, seed):
    rng = np.random.default_rng(seed)
    return rng.normal(size=n) + 1j * rng.normal(size=n)


def edge(elements, decibels):
    """Where the main lobe of the window has come down to -decibels: T_{N-1}(x0 cos(pi u / 2)) = 1."""
    x0 = np.cosh(np.arccosh(10 ** (decibels / 20)) / (elements - 1))
    return 2 / np.pi * np.arccos(1 / x0)


def dolph_chebyshev(elements, decibels):
    """The window with the sum 1."""
    window = chebwin(elements, decibels)
    return window / window.sum()


def test_steering():
    a = beamforming.steering(0.5, 3)
    assert a == pytest.approx([np.exp(-0.5j * np.pi), 1, np.exp(0.5j * np.pi)])
    assert beamforming.steering(0.0, 4) == pytest.approx(np.ones(4))
    grid = beamforming.steering(np.array([0.5, -0.2]), 3)
    assert grid.shape == (2, 3)
    assert np.array_equal(grid[0], a)


# Minimum variance


@pytest.fixture(scope="module")
def problem():
    return beamforming.generate(1)


def test_sizes(problem):
    assert problem.covariance.shape == (16, 16)
    assert problem.look.shape == (16,)
    assert problem.covariance == pytest.approx(problem.covariance.conj().T)
    assert np.linalg.eigvalsh(problem.covariance).min() > 0


def test_look_is_the_direction_of_the_signal(problem):
    assert problem.look == pytest.approx(beamforming.steering(np.sin(np.pi / 18), 16))


def test_covariance_of_many_snapshots():
    """Noise, a signal as strong as it, and jammers of 15 dB."""
    problem = beamforming.generate(0, elements=4, snapshots=200_000)
    expected = np.eye(4, dtype=complex)
    for angle, power in ((10, 1.0), (-25, 10**1.5), (40, 10**1.5)):
        a = beamforming.steering(np.sin(np.deg2rad(angle)), 4)
        expected += power * np.outer(a, a.conj())
    assert abs(problem.covariance - expected).max() < 0.01 * abs(expected).max()


def test_generate_is_deterministic():
    first, again, other = (beamforming.generate(seed) for seed in (7, 7, 8))
    assert np.array_equal(first.covariance, again.covariance)
    assert not np.array_equal(first.covariance, other.covariance)


def test_value_is_the_power_received(problem):
    w = random_vector(16, 0)
    slow = sum((w[i].conjugate() * problem.covariance[i, j] * w[j]) for i in range(16) for j in range(16))
    f, _ = problem.value_and_gradient(w)
    assert np.isrealobj(f)
    assert f == pytest.approx(slow.real, rel=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_gradient_of_the_power(problem, seed):
    report = numopt.check_gradient(problem.value_and_gradient, random_vector(16, seed))
    assert report, report


def test_the_start_satisfies_the_constraint(problem):
    assert np.vdot(problem.look, problem.start()) == pytest.approx(1.0)


@pytest.mark.parametrize("seed", range(5))
def test_solution_is_feasible_and_no_feasible_change_improves_it(problem, seed):
    w, a = problem.solution(), problem.look
    assert np.vdot(a, w) == pytest.approx(1.0)
    f, g = problem.value_and_gradient(w)
    d = random_vector(16, seed)
    d -= a * np.vdot(a, d) / 16
    assert abs(np.vdot(g, d)) <= 1e-12 * np.linalg.norm(g) * np.linalg.norm(d)
    assert problem.value_and_gradient(w + 1e-3 * d)[0] > f


def test_solution_hears_the_signal_and_not_the_jammers(problem):
    signal, *jammers = problem.response(problem.solution(), [10, -25, 40])
    assert signal == pytest.approx(1.0)
    assert max(jammers) < 0.02
    assert max(problem.response(problem.start(), [-25, 40])) > 0.04


def test_relative_error(problem):
    assert problem.relative_error(problem.solution()) == 0.0
    assert problem.relative_error(1.5j * problem.solution()) == pytest.approx(abs(1 - 1.5j))


def test_instances_are_immutable(problem):
    with pytest.raises(AttributeError):
        problem.look = np.ones(16)


def least_variance(problem, constraint):
    options = {"gtol": 1e-10, "ftol": 0.0, "maxiter": 2000}
    return numopt.minimize(
        problem.value_and_gradient, problem.start(), jac=True, constraints=constraint, options=options
    )


@pytest.mark.parametrize("seed", range(20))
def test_minimum_variance(seed):
    problem = beamforming.generate(seed)
    result = least_variance(problem, numopt.AffineSet(problem.look.conj()[None, :], [1.0]))
    assert result.success, result.message
    assert abs(np.vdot(problem.look, result.x) - 1) <= 1e-12
    assert problem.relative_error(result.x) <= 1e-8


@pytest.mark.parametrize("seed", range(3))
def test_one_real_condition_has_the_same_minimiser(seed):
    """Re(a^H w) = 1: an imaginary part of a^H w would only cost power."""
    problem = beamforming.generate(seed)
    result = least_variance(problem, numopt.Hyperplane(problem.look, 1.0))
    assert result.success, result.message
    assert problem.relative_error(result.x) <= 1e-8


# Side lobes


def test_grid_lies_over_the_side_lobes():
    lobes = beamforming.side_lobes(10, 20)
    assert lobes.rows.shape == (400, 10)
    # the phase between neighbours is pi u; at |u| = 1 its sign is lost
    u = -np.angle(lobes.rows[1:-1, 1] / lobes.rows[1:-1, 0]) / np.pi
    assert abs(u).min() == pytest.approx(edge(10, 20))
    assert np.all(np.diff(u) > 0)
    assert lobes.rows[-1] == pytest.approx(beamforming.steering(1.0, 10).conj())
    assert u == pytest.approx(-u[::-1])


def test_weights_have_the_sum_one():
    lobes = beamforming.side_lobes(10, 20)
    assert lobes.weights(lobes.start()) == pytest.approx(np.full(10, 0.1))
    assert lobes.weights(random_vector(9, 0)).sum() == pytest.approx(1.0)
    assert lobes.basis.T @ lobes.basis == pytest.approx(np.eye(9))


@pytest.mark.parametrize("p", [1, 2, 8])
def test_norm_is_that_of_the_definition(p):
    lobes = beamforming.side_lobes(6, 20)
    c = random_vector(5, p)
    sizes = [abs(sum(a * b for a, b in zip(row, lobes.weights(c), strict=True))) for row in lobes.rows]
    f, g = lobes.value_and_gradient(c, p)
    assert f == pytest.approx(np.log(sum(size ** (2 * p) for size in sizes)) / p, rel=1e-12)
    assert np.isrealobj(f)
    assert g.shape == (5,)


@pytest.mark.parametrize("p", beamforming.POWERS)
def test_gradient_of_the_norm(p):
    lobes = beamforming.side_lobes(10, 20)
    report = numopt.check_gradient(lobes.value_and_gradient, 0.1 * random_vector(9, p), args=(p,))
    assert report, report


@pytest.mark.parametrize("scale", [1e-100, 1e100])
def test_high_powers_neither_underflow_nor_overflow(scale):
    lobes = beamforming.side_lobes(10, 20)
    lobes = beamforming.SideLobes(scale * lobes.rows, lobes.basis)
    f, g = lobes.value_and_gradient(lobes.start(), 512)
    assert np.isfinite(f)
    assert np.isfinite(g).all()
    assert abs(g).max() > 0


def test_norm_tends_to_the_maximum():
    lobes = beamforming.side_lobes(10, 20)
    c = 0.1 * random_vector(9, 0)
    f, _ = lobes.value_and_gradient(c, 4096)
    assert 10 * f / np.log(10) == pytest.approx(lobes.level(c), abs=0.01)


@pytest.mark.filterwarnings("ignore:This window is not suitable:UserWarning")
@pytest.mark.parametrize(("elements", "decibels"), ARRAYS)
def test_level_of_dolph_and_chebyshevs_window(elements, decibels):
    """The grid holds the edges, where the window attains its level exactly."""
    lobes = beamforming.side_lobes(elements, decibels)
    c = lobes.basis.T @ dolph_chebyshev(elements, decibels)
    assert lobes.level(c) == pytest.approx(-decibels, abs=1e-9)


def lowest(lobes):
    """The solution for the last of the growing powers, each from the solution of the one before."""
    c = lobes.start()
    for p in beamforming.POWERS:
        options = {"gtol": 1e-5, "ftol": 1e-12}
        result = numopt.minimize(lobes.value_and_gradient, c, args=(p,), jac=True, options=options)
        assert result.success, result.message
        c = result.x
    return c


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:This window is not suitable:UserWarning")
@pytest.mark.parametrize(("elements", "decibels"), ARRAYS)
def test_lowest_side_lobes_are_dolph_and_chebyshevs(elements, decibels):
    lobes = beamforming.side_lobes(elements, decibels)
    c = lowest(lobes)
    assert lobes.level(c) == pytest.approx(-decibels, abs=0.02)
    w = lobes.weights(c)
    u = np.linspace(edge(elements, decibels), 1, 20_001)  # between the points of the grid, too
    between = abs(beamforming.steering(np.concatenate([-u, u]), elements).conj() @ w).max()
    assert 20 * np.log10(between) == pytest.approx(-decibels, abs=0.02)
    assert w == pytest.approx(dolph_chebyshev(elements, decibels), abs=2e-3 / elements)
