"""SparseEvolution within bounds: no candidate outside, the mean where the rows are, and the constrained minimiser."""

import numpy as np
import pytest
from numba import njit
from scipy.optimize import Bounds

import numopt as no
from numopt.sparse.state import PHASE, ROWS, STEP, TRAIN
from numopt.status import Status

LAMBDA = 0.01
INF = np.inf
TARGET = np.array([1.0, 0.0, -2.0, 0.4, 0.0, -1.0])
LOWER = np.array([-INF, -0.01, -0.5, -INF, 0.0, 0.0])
UPPER = np.array([0.5, 0.01, INF, INF, 0.0, INF])
FORMS = {
    "pairs": [(None, 0.5), (-0.01, 0.01), (-0.5, None), (None, None), (0, 0), (0, INF)],
    "Bounds": Bounds(LOWER, UPPER),
    "Box": no.Box(LOWER, UPPER),
    "array": np.transpose([LOWER, UPPER]),
}


def misfit(x):
    return float(np.sum((x - TARGET) ** 2) + 0.5 * (x[0] - 0.5) * (x[3] - 0.4))


def evolve(es, fun):
    while es.running:
        es.tell([fun(x) for x in es.ask()])
    return es


def search(bounds=FORMS["Bounds"], x0=None, **options):
    x0 = np.zeros(TARGET.size) if x0 is None else x0
    return no.SparseEvolution(x0, **{"penalty": LAMBDA, "seed": 3, "patience": 4, **options}, bounds=bounds)


@pytest.mark.parametrize("options", [{}, {"penalty": 0.0}, {"grow": "random"}, {"selection": "two-stage"}], ids=str)
def test_no_candidate_lies_outside(options):
    es = search(maxfun=3000, **options)
    at_bound = 0
    while es.running:
        batch = es.ask()
        assert np.all((batch >= LOWER) & (batch <= UPPER))
        at_bound += np.count_nonzero(batch == UPPER)
        es.tell([misfit(x) for x in batch])
    assert at_bound > 10


def test_finds_the_least_of_f_and_penalty_within_the_bounds():
    es = evolve(search(maxfun=6000), misfit)
    assert es.support.tolist() == [0, 2, 3]
    assert np.max(abs(es.x - [0.5, 0, -0.5, 0.4, 0, 0])) < 0.02
    assert es.status is Status.CONVERGED_PATIENCE


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_bits(form):
    expected = evolve(search(maxfun=500), misfit)
    assert np.array_equal(evolve(search(FORMS[form], maxfun=500), misfit).x, expected.x)


def test_infinite_bounds_give_the_bits_of_none():
    for penalty in (LAMBDA, 0.0):
        free = evolve(search(None, penalty=penalty, maxfun=600), misfit)
        bounded = evolve(search([(None, None)] * 6, penalty=penalty, maxfun=600), misfit)
        assert np.array_equal(free.x, bounded.x)
        assert free.nit == bounded.nit


def test_the_start_is_clipped():
    es = search(x0=np.array([9.0, -9.0, -9.0, 9.0, 1.0, -1.0]))
    assert es.ask().tolist() == [[0.5, -0.01, -0.5, 9.0, 0.0, 0.0]]


def test_the_mean_moves_to_the_weighted_mean_of_the_rows_that_were_evaluated():
    es = search(maxfun=2000)
    checked = 0
    while es.running:
        batch = es.ask()
        values = np.array([misfit(x) for x in batch])
        training = es.core.counters[PHASE] == TRAIN and len(batch) == es.core.counters[ROWS]
        es.tell(values)
        if training:
            half = len(batch) // 2
            weights = np.log(half + 0.5) - np.log(np.arange(half) + 1.0)
            mean = weights / weights.sum() @ batch[np.argsort(values, kind="stable")[:half]]
            if es.core.counters[PHASE] == TRAIN:  # and not yet pruned
                assert np.max(abs(es.core.point - mean)) < 1e-12
                checked += 1
    assert checked > 20


def test_the_step_does_not_grow_against_a_bound():
    es = no.SparseEvolution(np.ones(5), penalty=0.0, seed=0, patience=1, bounds=Bounds(-1, INF))
    evolve(es, lambda x: float(np.sum(x)))
    assert es.x.tolist() == [-1] * 5
    assert es.core.scalars[STEP] < 0.5


def test_an_entry_that_could_only_rise_beyond_its_bound_is_not_woken_for_its_score():
    """All but the last one want to become negative, and must not."""
    slopes = np.array([10.0] * 9 + [-0.1])
    es = no.SparseEvolution(np.zeros(10), LAMBDA, seed=1, bounds=Bounds(0, 1), maxfun=100)
    while es.core.counters[PHASE] != TRAIN:
        es.tell(es.ask() @ slopes)
    assert 9 in es.core.active[:2]


def test_free_entries_need_no_zero_within_their_bounds():
    free = np.array([True, True, False])
    es = no.SparseEvolution(
        np.zeros(3), LAMBDA, seed=1, penalize=free, bounds=[(None, None)] * 2 + [(1, 2)], patience=2
    )
    evolve(es, lambda x: float(np.sum((x - [0, 1, 0]) ** 2)))
    assert es.support.tolist() == [1, 2]
    assert es.nnz == 1
    assert abs(es.x[2] - 1) < 0.01


@pytest.mark.jit_only
def test_planted_entries_that_are_not_negative():
    found = 0
    for seed in range(5):
        rng = np.random.default_rng(seed)
        a, truth = rng.standard_normal((60, 50)), np.zeros(50)
        truth[rng.choice(50, 5, replace=False)] = rng.uniform(0.5, 2, 5)
        y = a @ truth + 0.01 * rng.standard_normal(60)
        es = no.SparseEvolution(np.zeros(50), LAMBDA, seed=seed, bounds=Bounds(0, INF), maxfun=8000)
        while es.running:
            es.tell(np.sum((es.ask() @ a.T - y) ** 2, axis=1) / 120)
        found += np.array_equal(es.x != 0, truth != 0)
    assert found == 5


def test_a_vector_without_entries():
    es = no.SparseEvolution(np.zeros(0), bounds=[])
    es.tell([1.0])
    assert es.status is Status.CONVERGED_PATIENCE


@njit
def within(x0, bounds, penalty):
    es = no.SparseEvolution(x0, penalty, 3, patience=4, maxfun=900, bounds=bounds)
    target = np.array([1.0, 0.0, -2.0, 0.4, 0.0, -1.0])
    while es.running:
        batch = es.ask()
        es.tell(np.array([np.sum((batch[row] - target) ** 2) for row in range(batch.shape[0])]))
    return es


@pytest.mark.slow
def test_compiled_code_takes_a_box_and_gives_pythons_bits():
    compiled = within(np.zeros(6), no.Box(LOWER, UPPER), LAMBDA)
    es = evolve(search(maxfun=900), lambda x: float(np.sum((x - TARGET) ** 2)))
    assert np.array_equal(es.x, compiled.x)
    assert es.nit == compiled.nit


@pytest.mark.jit_only
def test_in_compiled_code_entries_that_cannot_be_zero_cost_nothing():
    es = within(np.zeros(6), no.Box(0.5, 3.0), 100.0)
    assert es.nnz == 0
    assert np.all(es.x >= 0.5)


@pytest.mark.parametrize(
    ("bounds", "x0", "error", "match"),
    [
        ([(0, 1)], np.zeros(2), ValueError, "1 lower bounds for 2"),
        ([(0, 1, 2)], np.zeros(1), ValueError, "pairs"),
        (3.0, np.zeros(1), TypeError, "pairs"),
        ([(1, 0)], np.zeros(1), ValueError, r"entry 0"),
        ([(np.nan, 0)], np.zeros(1), ValueError, "no number between"),
        ([(0, 1), (1, 2)], np.zeros(2), ValueError, r"entry 1 costs .*penalize\[1\]"),
        ([(0, 1)], np.zeros(1, complex), TypeError, "return inf"),
    ],
)
def test_what_makes_no_sense_is_refused(bounds, x0, error, match):
    with pytest.raises(error, match=match):
        no.SparseEvolution(x0, bounds=bounds)
