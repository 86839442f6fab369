"""Sparse channels: instances, derivatives, the certificate, and estimates by projected gradients."""

import numba
import numpy as np
import pytest

import numopt
from numopt.problems import sparse_channel

NOISE_LEVELS = [None, 30.0, 20.0]

compiled = numba.njit(sparse_channel.value_and_gradient)


@pytest.fixture(scope="module", params=NOISE_LEVELS)
def problem(request):
    return sparse_channel.generate(3, request.param, pilots=12, tones=40, taps=20, nonzero=3)


def random_vector(n, seed):
    rng = np.random.default_rng(seed)
    return rng.normal(size=n) + 1j * rng.normal(size=n)


def random_feasible(problem, seed):
    """A random vector in the ball; every other one on its surface."""
    h = random_vector(problem.taps.size, seed)
    return h * (problem.tau * (1.0 if seed % 2 else 0.4) / abs(h).sum())


def slow_value(problem, h):
    """The objective as its definition reads, one pilot at a time."""
    total = 0.0
    for row, y in zip(problem.pilots, problem.observations, strict=True):
        total += abs(sum(a * b for a, b in zip(row, h, strict=True)) - y) ** 2
    return total / 2


def test_sizes():
    problem = sparse_channel.generate()
    assert problem.pilots.shape == (64, 128)
    assert problem.observations.shape == (64,)
    assert problem.taps.shape == (128,)
    assert problem.pilots.dtype == problem.observations.dtype == problem.taps.dtype == complex
    assert np.count_nonzero(problem.taps) == 8
    assert problem.tau == pytest.approx(sum(abs(tap) for tap in problem.taps))


def test_pilots_are_different_rows_of_the_fourier_transform():
    problem = sparse_channel.generate(1)
    tones = np.angle(problem.pilots[:, 1]) * 512 / (-2 * np.pi)
    assert tones == pytest.approx(np.round(tones), abs=1e-9)
    tones = np.round(tones).astype(int) % 512
    assert len(set(tones)) == 64
    transform = np.fft.fft(np.eye(512))[tones, :128] / 8
    assert problem.pilots == pytest.approx(transform, abs=1e-12)


def test_observations_without_noise_are_those_of_the_taps():
    problem = sparse_channel.generate(2)
    assert problem.observations == pytest.approx(problem.pilots @ problem.taps)


def test_noise_has_the_stated_power():
    problem = sparse_channel.generate(0, 10.0, pilots=20_000, tones=40_000, taps=4, nonzero=2)
    clean = problem.pilots @ problem.taps
    noise = problem.observations - clean
    power = np.mean(abs(clean) ** 2)
    assert np.mean(abs(noise) ** 2) == pytest.approx(power / 10, rel=0.05)
    assert np.mean(noise.real**2) == pytest.approx(power / 20, rel=0.05)
    assert abs(np.mean(noise**2)) < 0.005 * power  # circular


def test_taps_have_unit_variance():
    taps = sparse_channel.generate(0, pilots=1, tones=2, taps=20_000, nonzero=10_000).taps
    assert np.sum(taps.real**2) / 10_000 == pytest.approx(0.5, rel=0.05)
    assert np.sum(taps.imag**2) / 10_000 == pytest.approx(0.5, rel=0.05)


def test_generate_is_deterministic_and_noise_changes_the_observations_only():
    first, again, other = (sparse_channel.generate(seed) for seed in (7, 7, 8))
    noisy = sparse_channel.generate(7, 20.0)
    for name in ("pilots", "observations", "taps"):
        assert np.array_equal(getattr(first, name), getattr(again, name))
        assert not np.array_equal(getattr(first, name), getattr(other, name))
    assert np.array_equal(first.pilots, noisy.pilots)
    assert np.array_equal(first.taps, noisy.taps)
    assert not np.array_equal(first.observations, noisy.observations)


@pytest.mark.parametrize("seed", range(3))
def test_value_is_that_of_the_definition(problem, seed):
    h = random_vector(20, seed)
    assert problem.value_and_gradient(h)[0] == pytest.approx(slow_value(problem, h), rel=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_gradient(problem, seed):
    report = numopt.check_gradient(problem.value_and_gradient, random_vector(20, seed))
    assert report, report


def test_the_function_compiles(problem):
    h = random_vector(20, 0)
    f, g = compiled(h, problem.pilots, problem.observations)
    expected, gradient = problem.value_and_gradient(h)
    assert f == pytest.approx(expected, rel=1e-14)
    assert g == pytest.approx(gradient, rel=1e-12)


def test_nothing_is_modified(problem):
    h = random_vector(20, 0)
    before = h.copy(), problem.observations.copy()
    problem.value_and_gradient(h)
    problem.gap(h)
    problem.relative_error(h)
    assert np.array_equal(h, before[0])
    assert np.array_equal(problem.observations, before[1])


@pytest.mark.parametrize("seed", range(4))
def test_gap_is_the_greatest_decrease_of_the_linear_model_in_the_ball(problem, seed):
    """max Re<g, h - z> over |z|_1 <= tau; a corner z = tau e^{it} e_l attains it, and each is tried."""
    h = random_feasible(problem, seed)
    _, g = problem.value_and_gradient(h)
    phases = np.exp(1j * np.linspace(0, 2 * np.pi, 10_001))
    slow = max(np.vdot(g, h).real - (problem.tau * np.conj(entry) * phases).real.min() for entry in g)
    assert problem.gap(h) == pytest.approx(slow, rel=1e-6)


@pytest.mark.parametrize("seed", range(6))
def test_gap_bounds_the_excess_over_every_feasible_value(problem, seed):
    h = random_feasible(problem, seed)
    f, _ = problem.value_and_gradient(h)
    others = [problem.taps, problem.start(), *(random_feasible(problem, k) for k in range(100, 120))]
    assert problem.gap(h) >= f - min(problem.value_and_gradient(z)[0] for z in others)


def test_gap_vanishes_at_the_taps_without_noise():
    problem = sparse_channel.generate(5)
    assert problem.gap(problem.taps) == pytest.approx(0.0, abs=1e-12)
    assert problem.relative_error(problem.taps) == 0.0


def test_relative_error():
    problem = sparse_channel.generate(5)
    assert problem.relative_error(problem.start()) == pytest.approx(1.0)
    assert problem.relative_error(1.25 * problem.taps) == pytest.approx(0.25)


def test_instances_are_immutable(problem):
    with pytest.raises(AttributeError):
        problem.tau = 1.0


def estimate(problem):
    options = {"gtol": 1e-11, "ftol": 0.0, "maxiter": 2000}
    constraint = numopt.L1Ball(problem.tau)
    return numopt.minimize(
        problem.value_and_gradient, problem.start(), jac=True, constraints=constraint, options=options
    )


def assert_certified(problem, result):
    """In the ball, and of a value that the certificate says is the least."""
    assert result.success, result.message
    assert abs(result.x).sum() <= problem.tau * (1 + 1e-12)
    assert problem.gap(result.x) <= 1e-10 * np.vdot(problem.observations, problem.observations).real / 2


@pytest.mark.jit_only
@pytest.mark.parametrize("seed", range(20))
def test_estimate_without_noise_is_exact(seed):
    problem = sparse_channel.generate(seed)
    result = estimate(problem)
    assert_certified(problem, result)
    assert problem.relative_error(result.x) <= 1e-7


@pytest.mark.jit_only
@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize(("snr_db", "most"), [(30.0, -28.0), (20.0, -18.0)])
def test_estimate_from_noisy_pilots(snr_db, most, seed):
    """The normalised squared error in dB."""
    problem = sparse_channel.generate(seed, snr_db)
    result = estimate(problem)
    assert_certified(problem, result)
    assert 20 * np.log10(problem.relative_error(result.x)) <= most


@pytest.mark.jit_only
def test_estimate_with_a_compiled_objective_is_the_same():
    problem = sparse_channel.generate(0, 30.0)
    result = numopt.minimize(
        compiled,
        problem.start(),
        args=(problem.pilots, problem.observations),
        jac=True,
        constraints=numopt.L1Ball(problem.tau),
        options={"gtol": 1e-11, "ftol": 0.0, "maxiter": 2000},
    )
    assert_certified(problem, result)
    assert result.x == pytest.approx(estimate(problem).x, abs=1e-9)
