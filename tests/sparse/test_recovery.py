"""What SparseEvolution finds: planted supports, a classifier of few weights, a network of few connections.

Beside it normalised iterative hard thresholding, which uses gradients and knows how many entries are nonzero.
"""

import numba
import numpy as np
import pytest

import numopt as no
from numopt.problems import moons_network, planted_regression, sparse_logistic

LAMBDA = 0.01
regression = numba.njit(planted_regression.value)
pytestmark = pytest.mark.jit_only


def found(n, k, m, seed, maxfun, **kwargs):
    problem = planted_regression.generate(n, k, m, 1000 + seed, **kwargs)
    options = {"penalty": LAMBDA, "seed": seed, "maxfun": maxfun}
    args = (problem.design, problem.observations)
    res = no.minimize(regression, problem.start(), args, method="SparseEvolution", options=options)
    assert res.nfev <= maxfun
    return problem.is_exact(res.x)


def test_all_supports_of_20_entries():
    assert sum(found(20, 4, 60, seed, 4000) for seed in range(10)) == 10


def test_supports_of_100_entries():
    assert sum(found(100, 5, 60, seed, 8000) for seed in range(10)) >= 9


@pytest.mark.slow
def test_supports_of_1000_entries():
    assert sum(found(1000, 10, 200, seed, 50000) for seed in range(10)) >= 9


@pytest.mark.slow
def test_supports_in_a_correlated_design():
    assert sum(found(100, 5, 60, seed, 30000, correlation=0.8) for seed in range(20)) >= 18


def test_supports_of_complex_vectors():
    assert sum(found(20, 3, 60, seed, 6000, is_complex=True) for seed in range(5)) == 5


def test_few_weights_classify_as_well_as_all_of_them():
    """Against L2-regularised logistic regression with C = 1, on 300 of 1000 samples with 20 features."""
    compiled = numba.njit(sparse_logistic.value)
    for seed in range(5):
        problem = sparse_logistic.generate(seed)
        options = {"penalty": 0.01, "seed": seed, "penalize": problem.penalize()}
        args = (problem.features, problem.labels)
        res = no.minimize(compiled, problem.start(), args, method="SparseEvolution", options=options)

        def regularised(x, problem=problem):
            f, g = problem.value_and_gradient(x)
            w = np.where(problem.penalize(), x, 0.0) / problem.labels.size
            return f + w @ x / 2, g + w

        dense = no.minimize(regularised, problem.start(), jac=True)
        assert res.success
        assert dense.success
        assert res.nnz <= 5
        assert problem.accuracy(res.x) >= problem.accuracy(dense.x) - 0.02


def test_few_connections_separate_two_moons():
    """300 points to learn from, 200 to judge by, noise of .1 at a radius of 1."""
    compiled = numba.njit(moons_network.value)
    for seed in range(3):
        problem = moons_network.generate(seed)
        res = no.minimize(
            compiled,
            problem.start(seed),
            (problem.points, problem.labels),
            method="SparseEvolution",
            options={"penalty": 0.005, "seed": seed},
        )
        assert res.success
        assert problem.accuracy(res.x) >= 0.96
        assert np.count_nonzero(res.x) == res.nnz <= 18


def thresholded(problem, count, normalised):
    """Whether iterative hard thresholding finds the support."""
    x = problem.start()
    opt = no.chain(no.SGD(1 / problem.lipschitz()), no.L0Ball(count)).init(x)
    for _ in range(300 if normalised else 2000):
        _, g = problem.value_and_gradient(x)
        if normalised:
            opt.learning_rate = problem.step(x, g, count)
        opt.update(x, g)
    return problem.is_exact(x)


def test_hard_thresholding_finds_supports_and_needs_fewer_measurements():
    many, few = ([planted_regression.generate(100, 5, m, 1000 + seed) for seed in range(20)] for m in (60, 30))
    assert sum(thresholded(problem, 5, True) for problem in many) == 20
    assert 10 <= sum(thresholded(problem, 5, False) for problem in many) < 20
    by_gradients = sum(thresholded(problem, 5, True) for problem in few)
    assert by_gradients >= 13
    assert by_gradients > sum(found(100, 5, 30, seed, 30000) for seed in range(20))
