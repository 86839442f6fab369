"""Sparse logistic regression and the network of two moons: data, losses, and what they are judged by."""

import numba
import numpy as np
import pytest

import numopt
from numopt.problems import moons_network, sparse_logistic


def slow_loss(scores, labels):
    return np.mean([np.log(1 + np.exp(-s * z)) for z, s in zip(scores, labels, strict=True)])


def slow_network(x, points):
    first, bias, second = x[:16].reshape(2, 8), x[16:24], x[24:32]
    return [sum(second[j] * np.tanh(p @ first[:, j] + bias[j]) for j in range(8)) + x[32] for p in points]


@pytest.mark.parametrize("seed", range(3))
def test_losses_are_those_of_their_definitions(seed):
    rng = np.random.default_rng(seed)
    logistic, moons = sparse_logistic.generate(seed, samples=60, n=5, test=20), moons_network.generate(seed)
    x = rng.normal(size=6)
    scores = [x[:5] @ a + x[5] for a in logistic.features]
    assert logistic.value(x) == pytest.approx(slow_loss(scores, logistic.labels))
    x = rng.normal(size=33)
    assert moons.value(x) == pytest.approx(slow_loss(slow_network(x, moons.points), moons.labels))
    assert moons_network.output(x, moons.points) == pytest.approx(slow_network(x, moons.points))


def test_large_scores_do_not_overflow():
    problem = sparse_logistic.generate(0)
    assert np.isfinite(problem.value(1e6 * np.ones(21)))
    assert np.all(np.isfinite(problem.value_and_gradient(1e6 * np.ones(21))[1]))


def test_gradient_of_the_logistic_loss():
    problem = sparse_logistic.generate(1)
    report = numopt.check_gradient(problem.value_and_gradient, np.random.default_rng(0).normal(size=21))
    assert report, report


@pytest.mark.jit_only
def test_the_functions_compile():
    logistic, moons = sparse_logistic.generate(1), moons_network.generate(1)
    x = np.linspace(-1, 1, 21)
    compiled = numba.njit(sparse_logistic.value)
    assert compiled(x, logistic.features, logistic.labels) == pytest.approx(logistic.value(x), rel=1e-13)
    x = moons.start(3)
    compiled = numba.njit(moons_network.value)
    assert compiled(x, moons.points, moons.labels) == pytest.approx(moons.value(x), rel=1e-13)


def test_features_as_they_were_ordered():
    problem = sparse_logistic.generate(2)
    assert problem.features.shape == (700, 20)
    assert problem.test_features.shape == (300, 20)
    assert set(np.concatenate([problem.labels, problem.test_labels])) == {-1.0, 1.0}
    assert problem.penalize().tolist() == [True] * 20 + [False]
    assert problem.start().size == 21
    features = np.concatenate([problem.features, problem.test_features])
    # two informative ones and two that are made of them: rank 2 in 4 columns
    correlated = np.sum(abs(np.corrcoef(features.T)) > 0.15, axis=1) > 1
    columns = features[:, np.flatnonzero(correlated)]
    assert 3 <= columns.shape[1] <= 4
    assert np.linalg.matrix_rank(columns) == 2


def test_half_of_the_labels_drawn_by_chance_are_wrong():
    clean, noisy = (sparse_logistic.generate(2, samples=20000, wrong=wrong) for wrong in (0.0, 0.5))
    assert np.mean(clean.labels != noisy.labels) == pytest.approx(0.25, abs=0.01)


def test_moons_lie_on_their_circles():
    problem = moons_network.generate(3, samples=400, test=100, noise=0.0)
    points = np.concatenate([problem.points, problem.test_points])
    labels = np.concatenate([problem.labels, problem.test_labels])
    upper = labels == 1
    assert upper.sum() == 200
    assert np.linalg.norm(points[upper], axis=1) == pytest.approx(1.0)
    assert np.all(points[upper, 1] >= 0)
    assert np.linalg.norm(points[~upper] - [1, 0.5], axis=1) == pytest.approx(1.0)
    assert np.all(points[~upper, 1] <= 0.5)
    noisy = moons_network.generate(3, samples=400, test=100, noise=0.1)
    assert np.std(noisy.points - problem.points) == pytest.approx(0.1, rel=0.1)


def test_accuracy_is_the_share_of_right_answers():
    problem = sparse_logistic.generate(4)
    x = np.zeros(21)
    x[20] = 1.0
    assert problem.accuracy(x) == np.mean(problem.test_labels == 1)
    moons = moons_network.generate(4)
    x = np.zeros(33)
    x[32] = -1.0
    assert moons.accuracy(x) == np.mean(moons.test_labels == -1)


def test_a_seed_gives_the_same_data_and_another_gives_others():
    for module in (sparse_logistic, moons_network):
        first, again, other = (module.generate(seed) for seed in (5, 5, 6))
        for name in first.__dataclass_fields__:
            assert np.array_equal(getattr(first, name), getattr(again, name))
            assert not np.array_equal(getattr(first, name), getattr(other, name))
    assert not np.array_equal(moons_network.generate().start(0), moons_network.generate().start(1))
    assert np.all(moons_network.generate().start(0) != 0)
