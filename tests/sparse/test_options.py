"""Options of SparseEvolution: samples of noisy values, other ways to grow and to select, and the warning."""

import copy
import pickle
import warnings

import numpy as np
import pytest
from numba import njit

import numopt as no
from numopt.problems import planted_regression
from numopt.sparse import AtRandom, ByCost, ByScore, TwoStage
from numopt.sparse.state import MERGE, PHASE, SCOUT, STEP
from numopt.status import Status

LAMBDA = 0.01


def planted(n, k, m, seed):
    problem = planted_regression.generate(n, k, m, 1000 + seed)
    return problem.value, problem.coefficients


def evolve(es, fun):
    while es.running:
        es.tell([fun(x) for x in es.ask()])
    return es


def sphere(x):
    return float(np.sum((x - 1) ** 2))


# --- resamples ------------------------------------------------------------------------------------


def test_every_candidate_comes_so_many_times_in_a_row():
    fun, _ = planted(8, 2, 30, 0)
    es, single = (no.SparseEvolution(np.zeros(8), LAMBDA, seed=1, resamples=r) for r in (4, 1))
    for _ in range(30):
        batch, expected = es.ask(), single.ask()
        assert np.array_equal(batch, np.repeat(expected, 4, axis=0))
        es.tell([fun(x) for x in batch])
        single.tell([fun(x) for x in expected])
    assert es.nfev == 4 * single.nfev
    assert np.array_equal(es.x, single.x)
    assert es.fun == single.fun


def test_the_mean_of_the_samples_counts():
    es = no.SparseEvolution(np.zeros(3), LAMBDA, resamples=3)
    es.tell([1.0, 2.0, 6.0])
    assert es.f == 3.0
    values = np.full(len(es.ask()), 4.0)
    values[:3] = 1.0, 1.0, 2.5  # below 3 by more than its entries cost
    values[3:6] = -9.0, np.nan, -9.0  # one sample without a value: none at all
    best = es.ask()[0]
    es.tell(values)
    assert es.f == 1.5
    assert np.array_equal(es.x, best)


def test_the_mean_of_the_largest_numbers():
    big = 1.7e308
    es = no.SparseEvolution(np.zeros(3), LAMBDA, resamples=3)
    es.tell([big, big, 0.25 * big])
    assert es.f == pytest.approx(0.75 * big, rel=1e-15)
    es.ask()
    es.tell([-big, -big, -big, *np.full(len(es.ask()) - 3, np.inf)])
    assert es.f == pytest.approx(-big, rel=1e-15)
    assert es.running


@pytest.mark.parametrize("maxfun", [3, 4, 5, 50, 100])
def test_maxfun_counts_samples(maxfun):
    es = evolve(no.SparseEvolution(np.zeros(6), LAMBDA, maxfun=maxfun, resamples=3), sphere)
    assert es.nfev == maxfun // 3 * 3
    assert es.status is Status.MAXFUN


def test_samples_average_the_noise_away():
    """The f that is returned misses the true one by the noise of a mean, lowered by the choice of the luckiest."""
    errors = {}
    for r in (1, 16):
        rng, fun = np.random.default_rng(0), planted(6, 2, 40, 1)[0]
        es = no.SparseEvolution(np.zeros(6), 0.05, seed=1, resamples=r, maxfun=1500 * r, patience=3)
        evolve(es, lambda x, rng=rng, fun=fun: fun(x) + 0.1 * rng.standard_normal())
        errors[r] = fun(es.x) - es.f
    assert 0 < errors[16] < errors[1] / 2


@njit
def compiled_samples(r):
    es = no.SparseEvolution(np.zeros(3), 0.01, 5, maxfun=400, resamples=r)
    rows = 0
    while es.running:
        batch = es.ask()
        rows += batch.shape[0]
        es.tell(np.array([np.sum((batch[row] - 1.0) ** 2) for row in range(batch.shape[0])]))
    return es, rows


@pytest.mark.slow
def test_samples_in_compiled_code():
    es, rows = compiled_samples(4)
    assert es.nfev == rows == 400
    expected = evolve(no.SparseEvolution(np.zeros(3), 0.01, 5, maxfun=400, resamples=4), sphere)
    assert np.array_equal(es.x, expected.x)


@pytest.mark.jit_only
def test_more_samples_than_evaluations_in_compiled_code_leave_the_start():
    es, rows = compiled_samples(1000)
    assert es.nfev == rows == 1000


def test_many_samples_do_not_split_a_population():
    es = no.SparseEvolution(np.zeros(40), LAMBDA, resamples=1000, maxfun=10**6)
    for _ in range(2):
        es.tell(np.repeat([sphere(x) for x in es.ask()[::1000]], 1000))
    assert len(es.ask()) % 2000 == 0


# --- growth ---------------------------------------------------------------------------------------


def test_random_growth_asks_for_no_scouts():
    fun, truth = planted(8, 2, 30, 0)
    es = no.SparseEvolution(np.zeros(8), LAMBDA, seed=2, grow="random", maxfun=8000, patience=8)
    while es.running:
        assert es.core.counters[PHASE] != SCOUT
        es.tell([fun(x) for x in es.ask()])
    assert es.support.tolist() == np.flatnonzero(truth).tolist()
    assert es.status is Status.CONVERGED_PATIENCE


def test_random_growth_wakes_every_entry_about_as_often():
    seen = np.zeros(20)
    for seed in range(200):
        es = no.SparseEvolution(np.zeros(20), LAMBDA, seed=seed, grow=AtRandom())
        es.tell([1.0])
        seen += np.any(es.ask() != 0, axis=0)
    assert seen.sum() == 400  # two in a first round
    assert seen.min() > 5


@pytest.mark.jit_only
def test_scouting_is_worth_its_evaluations():
    found = {"score": 0, "random": 0}
    for grow in found:
        for seed in range(5):
            fun, truth = planted(50, 5, 60, seed)
            es = evolve(no.SparseEvolution(np.zeros(50), LAMBDA, seed=seed, grow=grow, maxfun=3000), fun)
            found[grow] += np.array_equal(es.x != 0, truth != 0)
    assert found["score"] >= 4
    assert found["random"] <= 1


# --- the two-stage selection ----------------------------------------------------------------------


def test_two_stages_average_the_sparsest_of_the_better_half():
    fun, _ = planted(8, 2, 30, 0)
    es = no.SparseEvolution(np.zeros(8), LAMBDA, seed=2, selection="two-stage", maxfun=500)
    es.tell([fun(x) for x in es.ask()])
    sigma = 0.5
    for _ in range(20):
        batch, before = es.ask(), es.fun
        assert es.core.counters[PHASE] == MERGE
        values = np.array([fun(x) for x in batch])
        better = np.argsort(values, kind="stable")[: len(batch) // 2]
        sparsest = better[np.argsort(np.count_nonzero(batch[better], axis=1), kind="stable")[: (len(better) + 1) // 2]]
        es.tell(values)
        assert np.allclose(es.core.point, batch[sparsest].mean(axis=0), rtol=1e-14, atol=1e-15)
        sigma *= 1.1 if es.fun < before - 0.1 * LAMBDA else 0.9
        assert es.core.scalars[STEP] == pytest.approx(sigma)


def test_only_a_part_of_the_entries_moves_in_a_generation():
    es = no.SparseEvolution(np.array([1.0, 2.0, 3.0] + [0.0] * 17), LAMBDA, seed=2, selection="two-stage")
    es.tell([1.0])
    batch = es.ask()
    erased, woken = np.sum(batch[:, :3] == 0, axis=1), np.sum(batch[:, 3:] != 0, axis=1)
    assert np.all(erased == 1)  # the share of .3, rounded up
    assert woken.tolist() == [row % 3 for row in range(len(batch))]
    assert np.unique(batch[batch != 0]).size == np.count_nonzero(batch)


def test_two_stages_with_patience_without_end():
    es = no.SparseEvolution(np.zeros(3), LAMBDA, patience=np.inf, selection="two-stage", maxfun=100)
    while es.running:
        es.tell(np.sum((es.ask() - 1) ** 2, axis=1))
    assert es.status is no.Status.MAXFUN


def test_two_stages_end_by_patience_and_keep_what_every_search_promises():
    fun, _ = planted(6, 2, 30, 0)
    es = no.SparseEvolution(np.zeros(6), LAMBDA, seed=2, selection=TwoStage(), patience=1)
    least, rows, other = np.inf, 0, None
    while es.running:
        batch = es.ask()
        values = np.array([fun(x) for x in batch])
        es.tell(values)
        least, rows = min(least, np.min(values + LAMBDA * np.count_nonzero(batch, axis=1))), rows + len(batch)
        assert es.fun == least
        assert es.nfev == rows
        if es.nit == 20:
            other = pickle.loads(pickle.dumps(copy.copy(es)))
    assert es.status is Status.CONVERGED_PATIENCE
    assert np.array_equal(evolve(other, fun).x, es.x)
    assert other.selection == TwoStage()


def test_two_stages_halve_sigma_after_a_generation_without_a_number():
    es = no.SparseEvolution(np.ones(4), LAMBDA, selection="two-stage")
    es.tell([2.5])
    es.tell(np.full(len(es.ask()), np.nan))
    assert es.core.scalars[STEP] == 0.25
    assert es.core.point.tolist() == [1] * 4
    assert es.x.tolist() == [1] * 4


def test_two_stages_of_complex_and_of_no_entries():
    target = np.array([0, 1j, 0, 2.0])  # where f is 5 at the start
    es = no.SparseEvolution(np.zeros(4, complex), LAMBDA, selection="two-stage", maxfun=2000)
    evolve(es, lambda x: float(np.sum(abs(x - target) ** 2)))
    assert es.f < 3
    es = no.SparseEvolution(np.zeros(0), selection="two-stage")
    es.tell([1.0])
    assert es.status is Status.CONVERGED_PATIENCE


@pytest.mark.jit_only
def test_two_stages_do_not_minimise_f_and_penalty():
    """No exact support where the search by cost finds every one."""
    for selection, expected in (("cost", 5), ("two-stage", 0)):
        found = 0
        for seed in range(5):
            fun, truth = planted(20, 4, 60, seed)
            es = evolve(no.SparseEvolution(np.zeros(20), LAMBDA, seed=seed, selection=selection, maxfun=4000), fun)
            found += np.array_equal(es.x != 0, truth != 0)
        assert found == expected


@njit
def compiled_choices(x0):
    es = no.SparseEvolution(x0, 0.01, 5, maxfun=300, grow=AtRandom(), selection=TwoStage())
    other = no.SparseEvolution(x0, 0.01, 5, maxfun=300, grow=AtRandom())
    while es.running:
        batch = es.ask()
        es.tell(np.array([np.sum((batch[row] - 1.0) ** 2) for row in range(batch.shape[0])]))
    while other.running:
        batch = other.ask()
        other.tell(np.array([np.sum((batch[row] - 1.0) ** 2) for row in range(batch.shape[0])]))
    return es, other


@pytest.mark.slow
def test_records_choose_in_compiled_code():
    es, other = compiled_choices(np.zeros(5))
    words = {"grow": "random", "selection": "two-stage"}
    assert np.array_equal(es.x, evolve(no.SparseEvolution(np.zeros(5), 0.01, 5, maxfun=300, **words), sphere).x)
    assert np.array_equal(
        other.x, evolve(no.SparseEvolution(np.zeros(5), 0.01, 5, maxfun=300, grow="random"), sphere).x
    )


def test_words_and_records_are_the_same():
    by_word = no.SparseEvolution(np.zeros(2), grow="score", selection="cost")
    by_record = no.SparseEvolution(np.zeros(2), grow=ByScore(), selection=ByCost())
    assert all(np.array_equal(a, b) for a, b in zip(by_word.core, by_record.core, strict=True))
    assert by_word.selection == by_record.selection == ByCost()


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"grow": "gradient"}, ValueError, r"grow must be 'score' \(ByScore\(\)\) or 'random' .*got 'gradient'"),
        ({"grow": TwoStage()}, ValueError, "grow"),
        ({"grow": None}, ValueError, "grow"),
        ({"selection": "literal"}, ValueError, "selection must be 'cost' .*'two-stage'"),
        ({"selection": [1]}, ValueError, "selection"),
        ({"resamples": 0}, ValueError, "resamples"),
        ({"resamples": 1.5}, TypeError, "resamples"),
        ({"resamples": 10, "maxfun": 9}, ValueError, "maxfun must be at least resamples = 10"),
    ],
)
def test_what_makes_no_sense_is_refused(options, error, match):
    with pytest.raises(error, match=match):
        no.SparseEvolution(np.zeros(2), **options)


# --- the warning ----------------------------------------------------------------------------------


def network(x):
    """A tanh network of 2-3-1 without biases, by the squared error: even in x, and flat to first order at zero."""
    inputs = np.array([[0.5, -1.0], [1.0, 2.0], [-1.5, 0.3]])
    return float(np.sum((np.tanh(inputs @ x[:6].reshape(2, 3)) @ x[6:] - [1.0, 0.0, -1.0]) ** 2))


@pytest.mark.parametrize("fun", [network, lambda x: 1.0, lambda x: 1.0 if not np.any(x) else np.nan])
def test_a_start_that_tells_nothing_is_warned_of_once(fun):
    es = no.SparseEvolution(np.zeros(9), LAMBDA, seed=0, maxfun=2000)
    with pytest.warns(RuntimeWarning, match="same in opposite directions") as caught:
        evolve(es, fun)
    assert len(caught) == 1
    assert caught[0].filename == __file__


def test_minimize_warns_at_its_callers_line():
    with pytest.warns(RuntimeWarning, match="not at zero, for a network") as caught:
        no.minimize(network, np.zeros(9), method="SparseEvolution", options={"maxfun": 1000})
    assert len(caught) == 1
    assert caught[0].filename == __file__


def test_no_warning_where_f_rises_in_every_direction():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        evolve(no.SparseEvolution(np.zeros(5), LAMBDA, maxfun=400), lambda x: float(np.sum(x**2)))
    assert not caught


def test_no_warning_if_a_longer_step_tells():
    def step(x):
        return float(np.sum(abs(x - 1))) if np.max(abs(x)) > 0.2 else 9.0

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        evolve(no.SparseEvolution(np.zeros(3), LAMBDA, maxfun=400), step)
    assert not caught
