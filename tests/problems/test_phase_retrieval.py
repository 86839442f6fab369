"""Phase retrieval: instances, derivatives, the ambiguity of the phase, and recovery."""

import numpy as np
import pytest

import numopt
from numopt.problems import phase_retrieval


@pytest.fixture(scope="module")
def problem():
    return phase_retrieval.generate(12, seed=3)


def random_vector(n, seed):
    rng = np.random.default_rng(seed)
    return rng.normal(size=n) + 1j * rng.normal(size=n)


def slow_value(problem, z):
    """The objective as its definition reads, one measurement at a time."""
    total = 0.0
    for row, intensity in zip(problem.rows, problem.intensities, strict=True):
        total += (abs(sum(a * b for a, b in zip(row, z, strict=True))) ** 2 - intensity) ** 2
    return total / (2 * problem.intensities.size)


def test_intensities_are_those_of_the_signal(problem):
    assert problem.rows.shape == (72, 12)
    assert problem.signal.shape == (12,)
    assert problem.intensities == pytest.approx(abs(problem.rows @ problem.signal) ** 2)


@pytest.mark.parametrize(("n", "oversampling", "m"), [(5, 6.0, 30), (4, 2.5, 10), (3, 4.1, 12)])
def test_number_of_measurements(n, oversampling, m):
    problem = phase_retrieval.generate(n, oversampling)
    assert problem.rows.shape == (m, n)
    assert problem.intensities.shape == (m,)
    assert problem.rows.dtype == problem.signal.dtype == complex
    assert problem.intensities.dtype == float


def test_generate_is_deterministic():
    first, again, other = (phase_retrieval.generate(5, seed=seed) for seed in (7, 7, 8))
    for name in ("rows", "intensities", "signal"):
        assert np.array_equal(getattr(first, name), getattr(again, name))
        assert not np.array_equal(getattr(first, name), getattr(other, name))
    assert np.array_equal(first.start(), again.start())


def test_measurements_have_unit_variance():
    """E|a|^2 = 1, for half of which each part stands."""
    rows = phase_retrieval.generate(64, seed=1).rows
    assert np.mean(rows.real**2) == pytest.approx(0.5, rel=0.02)
    assert np.mean(rows.imag**2) == pytest.approx(0.5, rel=0.02)


@pytest.mark.parametrize("seed", range(3))
def test_value_is_that_of_the_definition(problem, seed):
    z = random_vector(12, seed)
    assert problem.value_and_gradient(z)[0] == pytest.approx(slow_value(problem, z), rel=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_gradient_along_complex_directions(problem, seed):
    """f(z + t d) has the derivative Re<g, d>."""
    z, d = random_vector(12, seed), random_vector(12, seed + 100)
    f, g = problem.value_and_gradient(z)
    t = 1e-5
    ahead, behind = (problem.value_and_gradient(z + s * t * d)[0] for s in (1, -1))
    assert np.isrealobj(f)
    assert np.vdot(g, d).real == pytest.approx((ahead - behind) / (2 * t), rel=1e-7)


def test_the_conjugated_gradient_is_wrong(problem):
    """Else the test of the derivative could not tell one from the other."""
    z, d = random_vector(12, 0), random_vector(12, 100)
    g = problem.value_and_gradient(z)[1]
    assert np.vdot(g.conj(), d).real != pytest.approx(np.vdot(g, d).real, rel=1e-2)


def test_z_is_not_modified(problem):
    z = random_vector(12, 0)
    before = z.copy()
    problem.value_and_gradient(z)
    problem.distance(z)
    assert np.array_equal(z, before)


@pytest.mark.parametrize("angle", [0.0, 1.0, np.pi, -2.5])
def test_the_signal_is_a_minimum_up_to_its_phase(problem, angle):
    z = np.exp(1j * angle) * problem.signal
    f, g = problem.value_and_gradient(z)
    assert f == pytest.approx(0.0, abs=1e-24)
    assert abs(g).max() < 1e-12
    assert problem.distance(z) == pytest.approx(0.0, abs=1e-14)


def test_distance_is_the_least_over_all_phases(problem):
    z = random_vector(12, 5)
    angles = np.linspace(0, 2 * np.pi, 20_001)
    scale = np.linalg.norm(problem.signal)
    slow = min(np.linalg.norm(z - np.exp(1j * t) * problem.signal) for t in angles) / scale
    assert problem.distance(z) == pytest.approx(slow, rel=1e-6)


def test_distance_of_orthogonal_vectors(problem):
    assert problem.distance(np.zeros(12)) == pytest.approx(1.0)
    z = random_vector(12, 5)
    z -= np.vdot(problem.signal, z) / np.vdot(problem.signal, problem.signal) * problem.signal
    expected = np.hypot(1.0, np.linalg.norm(z) / np.linalg.norm(problem.signal))
    assert problem.distance(z) == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(3))
def test_spectral_start(seed):
    """The leading eigenvector, nearer to the signal than chance, and of about its length."""
    problem = phase_retrieval.generate(16, seed=seed)
    start = problem.start()
    weighted = problem.rows.conj().T @ (problem.intensities[:, None] * problem.rows)
    leading = np.linalg.eigh(weighted)[1][:, -1]
    assert abs(np.vdot(leading, start)) == pytest.approx(np.linalg.norm(start), rel=1e-2)
    assert np.linalg.norm(start) == pytest.approx(np.linalg.norm(problem.signal), rel=0.2)
    assert problem.distance(start) < 1.0  # a random vector of that length: 1.2


def test_instances_are_immutable(problem):
    with pytest.raises(AttributeError):
        problem.signal = np.zeros(12)


@pytest.mark.parametrize("seed", range(5))
def test_recovery(seed):
    problem = phase_retrieval.generate(64, oversampling=6, seed=seed)
    result = numopt.minimize(problem.value_and_gradient, problem.start(), jac=True, options={"maxiter": 2000})
    assert result.success
    assert problem.distance(result.x) <= 1e-5
