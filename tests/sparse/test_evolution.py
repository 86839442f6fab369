"""SparseEvolution: the supports it finds, what it promises, and each way it can end."""

import copy
import pickle

import numpy as np
import pytest
from numba import njit

import numopt as no
from numopt._jit import rebuild
from numopt.problems import planted_regression
from numopt.sparse.state import PATH, PHASE, SCOUT, SINGLES, STEP, TRAIN
from numopt.status import Status

LAMBDA = 0.01


def planted(n, k, m, seed, is_complex=False):
    problem = planted_regression.generate(n, k, m, 1000 + seed, is_complex=is_complex)
    return problem.value, problem.coefficients


def evolve(es, fun, tells=10**6):
    while es.running and tells > 0:
        es.tell([fun(x) for x in es.ask()])
        tells -= 1
    return es


def sphere(target):
    return lambda x: float(np.sum(abs(x - target) ** 2))


def same(a, b):
    """Whether two objects hold the same bits."""
    return all(np.array_equal(u, v, equal_nan=True) for u, v in zip(a.core, b.core, strict=True))


# --- it finds supports, on a small scale (see test_recovery) ---------------------------------------


def test_a_small_support():
    fun, truth = planted(8, 2, 30, 0)
    es = evolve(no.SparseEvolution(np.zeros(8), LAMBDA, seed=2, patience=3), fun)
    assert es.support.tolist() == np.flatnonzero(truth).tolist()
    assert es.status is Status.CONVERGED_PATIENCE
    assert np.max(abs(es.x - truth)) < 0.05


def test_a_large_entry_of_little_use_is_pruned_before_a_small_useful_one():
    target = np.array([0.1, 2.0, 0.0])
    es = no.SparseEvolution(target, LAMBDA, seed=1, patience=1)
    evolve(es, lambda x: float(np.array([1e3, 1e-3, 1.0]) @ (x - target) ** 2))
    assert es.support.tolist() == [0]


def test_unpenalized_entries_stay():
    target = np.array([0.05, 0.05, 2.0, 0.0])
    free = np.array([True, False, True, True])
    es = evolve(no.SparseEvolution(np.zeros(4), LAMBDA, seed=1, penalize=free), sphere(target))
    assert es.support.tolist() == [1, 2]
    assert es.nnz == 1
    assert abs(es.x[1] - 0.05) < 0.02


def test_without_a_penalty_it_is_an_evolution_strategy():
    target = np.array([1.0, -2.0, 1e-3, 3.0])
    es = evolve(no.SparseEvolution(np.zeros(4), 0.0, seed=1, patience=2), sphere(target))
    assert es.status is Status.CONVERGED_PATIENCE
    assert np.max(abs(es.x - target)) < 1e-5
    assert es.fun == es.f
    assert es.nnz == 4


@pytest.mark.jit_only
def test_without_a_penalty_it_learns_the_scale_of_each_entry():
    weights = 10.0 ** np.linspace(0, 6, 5)
    es = evolve(no.SparseEvolution(np.zeros(5), 0.0, seed=0), lambda x: float(weights @ (x - 1) ** 2))
    assert es.status is Status.CONVERGED_PATIENCE
    assert es.f < 1e-12
    assert es.nfev < 20000


@pytest.mark.parametrize("x0", [np.zeros(5), np.ones(5)])
def test_a_large_penalty_gives_zero(x0):
    es = evolve(no.SparseEvolution(x0, 1e3, seed=0, patience=2), sphere(np.arange(5.0)))
    assert es.nnz == 0
    assert es.x.tolist() == [0] * 5
    assert es.fun == es.f == 30


# --- what it promises -----------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [float, complex])
def test_the_best_candidate_is_kept(dtype):
    fun, truth = planted(10, 2, 30, 1, dtype is complex)
    es = no.SparseEvolution(np.zeros_like(truth), LAMBDA, seed=5, maxfun=700)
    least, evaluations = np.inf, 0
    while es.running:
        batch = es.ask()
        assert batch.dtype == truth.dtype
        values = np.array([fun(x) for x in batch])
        es.tell(values)
        costs = values + LAMBDA * np.count_nonzero(batch, axis=1)
        least, evaluations = min(least, np.min(costs)), evaluations + len(batch)
        assert es.fun == least
        assert es.f == fun(es.x)
        assert es.nnz == np.count_nonzero(es.x) == es.support.size
        assert es.nfev == evaluations
    assert es.status is Status.MAXFUN
    assert es.nfev == 700
    assert 0 < es.nit < 700


@pytest.mark.parametrize("maxfun", [1, 2, 7, 30, 60, 61, 100])
def test_maxfun_cuts_a_phase_short(maxfun):
    es = evolve(no.SparseEvolution(np.zeros(6), LAMBDA, maxfun=maxfun), sphere(np.arange(6.0)))
    assert es.nfev == maxfun
    assert es.status is Status.MAXFUN
    assert not es.result().success


def test_pruned_entries_are_exactly_0_and_no_others_change():
    fun, _ = planted(8, 2, 30, 0)
    es, pruned = no.SparseEvolution(np.zeros(8), LAMBDA, seed=2), 0
    while es.running:
        batch = es.ask()
        if es.core.counters[PHASE] in (PATH, SINGLES):
            erased = batch != es.core.point
            assert np.all(batch[erased] == 0.0)
            assert not np.any(np.signbit(batch[erased]))
            pruned += np.count_nonzero(erased)
        es.tell([fun(x) for x in batch])
    assert pruned > 50
    assert np.array_equal(es.support, np.flatnonzero(es.x))


def test_the_start_is_not_touched():
    x0 = np.array([1.0, 0.0, 2.0])
    x0.flags.writeable = False
    es = no.SparseEvolution(x0)
    assert np.array_equal(es.ask(), [[1, 0, 2]])
    evolve(es, sphere(np.zeros(3)), 5)
    assert x0.tolist() == [1, 0, 2]


def test_asking_twice_gives_the_same_and_copies():
    es = evolve(no.SparseEvolution(np.zeros(3)), sphere(np.ones(3)), 3)
    first = es.ask()
    first[:] = 7
    assert not np.array_equal(es.ask(), first)
    out = np.empty_like(first)
    assert es.ask(out) is out
    assert np.array_equal(out, es.ask())
    es.x[:] = 9
    assert not np.any(es.x == 9)
    for wrong in (np.empty((1, 7)), np.empty(out.shape, int), np.empty(out.shape, np.float32), out.tolist()):
        with pytest.raises(ValueError, match="out must be a writable float64 array of shape"):
            es.ask(wrong)


def test_after_the_end_nothing_changes():
    es = evolve(no.SparseEvolution(np.zeros(3), maxfun=20), sphere(np.ones(3)))
    before = copy.copy(es)
    es.tell(np.full(len(es.ask()), -5.0))
    assert same(es, before)


# --- the same bits --------------------------------------------------------------------------------


def test_a_seed_gives_the_same_bits_and_another_gives_others():
    fun, _ = planted(8, 2, 30, 0)
    runs = [evolve(no.SparseEvolution(np.zeros(8), LAMBDA, seed=s), fun, 40) for s in (3, 3, 4, 3 + 2**32)]
    assert same(runs[0], runs[1])
    assert not np.array_equal(runs[0].ask(), runs[2].ask())
    assert not np.array_equal(runs[0].ask(), runs[3].ask())


def test_seed_0_is_a_seed_like_any_other():
    fun, _ = planted(8, 2, 30, 0)
    zero, again, default, one = (
        evolve(no.SparseEvolution(np.zeros(8), LAMBDA, **seed), fun, 40)
        for seed in ({"seed": 0}, {"seed": 0}, {}, {"seed": 1})
    )
    assert same(zero, again)
    assert same(zero, default)
    assert not np.array_equal(zero.ask(), one.ask())
    scouts = no.SparseEvolution(np.zeros(500), LAMBDA, seed=0)
    scouts.tell([0.0])
    drawn = scouts.ask()[0] / 0.15 * np.sqrt(500)
    assert abs(np.mean(drawn)) < 0.2
    assert 0.85 < np.std(drawn) < 1.15


def test_numpys_generator_is_neither_used_nor_needed():
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    evolve(no.SparseEvolution(np.zeros(3)), sphere(np.ones(3)), 20)
    assert np.array_equal(np.random.get_state()[1], state)  # noqa: NPY002


@pytest.mark.parametrize("dtype", [float, complex])
def test_a_pickle_or_copy_in_any_phase_goes_on_bit_for_bit(dtype):
    fun, truth = planted(6, 2, 30, 0, dtype is complex)
    es = no.SparseEvolution(np.zeros_like(truth), LAMBDA, seed=3, maxfun=600)
    others = []
    for tells in range(10**4):
        if not es.running:
            break
        if tells in (0, 1, 2, 5, 9, 40, 41, 42, 43, 44, 45):
            others += [pickle.loads(pickle.dumps(es)), copy.copy(es), copy.deepcopy(es)]
        es.tell([fun(x) for x in es.ask()])
    for other in others:
        assert same(evolve(other, fun), es)


@njit
def squares(x, target):
    total = 0.0
    for i in range(x.size):
        total += abs(x[i] - target[i]) ** 2
    return total


@njit
def evolve_compiled(x0, target, penalty, seed):
    es = no.SparseEvolution(x0, penalty, seed, maxfun=900)
    while es.running:
        batch = es.ask()
        values = np.empty(batch.shape[0])
        for row in range(values.size):
            values[row] = squares(batch[row], target)
        es.tell(values)
    return es


@pytest.mark.parametrize("dtype", [float, complex])
def test_compiled_code_gives_pythons_bits(dtype):
    target = np.array([0.0, 1.5, 0.0, -2.0, 0.0], dtype)
    compiled = evolve_compiled(np.zeros_like(target), target, LAMBDA, 11)
    es = no.SparseEvolution(np.zeros_like(target), LAMBDA, 11, maxfun=900)
    assert same(evolve(es, lambda x: squares(x, target)), compiled)
    assert compiled.status is es.status
    assert es.support.tolist() == [1, 3]


@njit
def tell_too_many(es):
    return es.tell(np.zeros(es.ask().shape[0] + 1))


@pytest.mark.jit_only
def test_compiled_code_refuses_another_number_of_values():
    es = no.SparseEvolution(np.zeros(2))
    before = copy.copy(es)
    assert tell_too_many(es) == -1
    assert same(es, before)


@njit
def masked(x0, mask):
    es = no.SparseEvolution(x0, 100.0, penalize=mask, maxfun=400)
    target = np.ones(x0.size)
    while es.running:
        batch = es.ask()
        es.tell(np.array([squares(batch[row], target) for row in range(batch.shape[0])]))
    return es.support, es.nnz, es.x.copy(), es.f, es.fun, es.nit, es.nfev, es.status


def test_the_mask_in_compiled_code():
    support, nnz, x, f, fun, _, nfev, status = masked(np.zeros(4), np.array([True, True, False, True]))
    assert support.tolist() == [2]
    assert nnz == 0
    assert f == fun == squares(x, np.ones(4))
    assert nfev == 400
    assert status == Status.MAXFUN


# --- large scouting generations -------------------------------------------------------------------


def test_batches_do_not_change_what_is_found():
    fun, _ = planted(8, 2, 30, 0)
    whole = no.SparseEvolution(np.zeros(8), LAMBDA, seed=4, maxfun=800)
    core = copy.copy(whole).core
    small = core._replace(candidates=core.candidates[: 12 * 8].copy(), values=core.values[:12].copy())
    split = rebuild(type(whole), (small, whole.selection, whole.prototype))
    sizes = []
    while split.running:
        sizes.append(len(split.ask()))
        split.tell([fun(x) for x in split.ask()])
    evolve(whole, fun)
    assert max(sizes) == 12
    assert np.array_equal(whole.x, split.x)
    assert np.array_equal(whole.core.point, split.core.point)


@pytest.mark.jit_only
def test_generations_are_asked_for_in_batches_of_bounded_size():
    n = 20000
    es = no.SparseEvolution(np.zeros(n), LAMBDA, seed=0, maxfun=81)
    sizes = []
    while es.running:
        sizes.append(len(es.ask()))
        es.tell(es.ask()[:, 7] ** 2)
    assert sizes == [1, 64, 16]
    es = no.SparseEvolution(np.zeros(n), LAMBDA, seed=0)
    es.tell([0.0])
    scouts = es.ask()
    assert np.array_equal(scouts[0::2], -scouts[1::2])
    assert np.unique(scouts[:, 0]).size == 64


@pytest.mark.jit_only
def test_mirrored_scouts_are_never_in_two_batches():
    es = no.SparseEvolution(np.zeros(16131), LAMBDA, seed=0)  # room for 65 rows
    es.tell([0.0])
    while es.core.counters[PHASE] == SCOUT:
        scouts = es.ask()
        assert np.array_equal(scouts[0::2], -scouts[1::2])
        es.tell(scouts[:, 7] ** 3)


# --- values that are not finite -------------------------------------------------------------------


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_bad_rows_never_win(bad):
    target = np.array([1.0, 0.0, 0.0, -1.0])

    def fun(x):
        return bad if x[0] < -0.1 or x[1] > 0.3 else float(np.sum((x - target) ** 2))

    es = no.SparseEvolution(np.zeros(4), LAMBDA, seed=1, patience=3)
    while es.running:
        es.tell([fun(x) for x in es.ask()])
        assert np.isfinite(es.f)
        assert all(np.isfinite(part).all() for part in (es.x, es.core.center, es.core.point, es.core.variance))
    assert es.support.tolist() == [0, 3]


def test_a_generation_without_a_number_halves_sigma_and_keeps_the_mean():
    es = no.SparseEvolution(np.zeros(4), LAMBDA, seed=1)
    while es.core.counters[PHASE] != TRAIN:
        es.tell([float(np.sum((x - 1) ** 2)) for x in es.ask()])
    es.tell([float(np.sum((x - 1) ** 2)) for x in es.ask()])
    sigma, mean = es.core.scalars[STEP], es.core.point.copy()
    es.tell(np.full(len(es.ask()), np.nan))
    assert es.core.scalars[STEP] == sigma / 2
    assert np.array_equal(es.core.point, mean)


@pytest.mark.parametrize("penalty", [0.0, LAMBDA])
def test_only_the_start_has_a_value(penalty):
    es = no.SparseEvolution(np.ones(4), penalty, seed=1)
    es.tell([2.5])
    while es.running:
        es.tell(np.full(len(es.ask()), np.nan))
    assert es.x.tolist() == [1] * 4
    assert es.f == 2.5


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_start_without_a_value(bad):
    es = no.SparseEvolution(np.ones(2))
    es.tell([bad])
    assert es.status is Status.NONFINITE_START
    assert es.x.tolist() == [1, 1]


def test_minus_infinity_ends_the_search_at_the_best_finite_point():
    es = no.SparseEvolution(np.ones(4), LAMBDA)
    es.tell([2.5])
    es.tell(np.where(np.arange(len(es.ask())) == 1, -np.inf, 3.0))
    assert es.status is Status.UNBOUNDED
    assert es.f == 2.5


# --- the edges ------------------------------------------------------------------------------------


def test_a_vector_without_entries():
    es = no.SparseEvolution(np.zeros(0))
    assert es.ask().shape == (1, 0)
    es.tell([4.0])
    assert es.status is Status.CONVERGED_PATIENCE
    assert (es.f, es.nnz, es.x.size, es.nfev) == (4.0, 0, 0, 1)


@pytest.mark.parametrize(("target", "penalty", "support"), [(2.0, LAMBDA, [0]), (0.01, LAMBDA, []), (2.0, 0.0, [0])])
@pytest.mark.parametrize("start", [0.0, 1.0])
def test_one_entry(target, penalty, support, start):
    es = evolve(no.SparseEvolution(start, penalty), sphere(target))
    assert es.support.tolist() == support
    assert abs(es.x[0] - target) < 0.02


def test_a_flat_function_is_no_success():
    es = evolve(no.SparseEvolution(np.ones(4), LAMBDA), lambda x: 1.0)
    assert es.x.tolist() == [0] * 4  # which is cheapest
    assert es.status is Status.FLAT
    assert not es.result().success


def test_a_flat_start_is_scouted_farther():
    def step(x):  # flat within .2 of zero
        return float(np.sum(np.maximum(abs(x - 1), 0))) if np.max(abs(x)) > 0.2 else 9.0

    es = evolve(no.SparseEvolution(np.zeros(3), LAMBDA, seed=0, patience=3), step)
    assert es.f < 0.5


def test_the_outcome_as_scipys_users_know_it():
    es = evolve(no.SparseEvolution(np.zeros(3), LAMBDA), sphere(np.array([0.0, 1.0, 0.0])))
    res = es.result()
    assert res.success
    assert res.status == 0
    assert res.fun == res.f + LAMBDA * res.nnz
    assert res.support.tolist() == [1]
    assert res.reason is Status.CONVERGED_PATIENCE
    assert res.message == es.message
    assert res.state is es
    assert (res.nit, res.nfev) == (es.nit, es.nfev)


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"penalty": -1}, ValueError, "penalty"),
        ({"penalty": np.nan}, ValueError, "penalty"),
        ({"penalty": np.inf}, ValueError, "penalty"),
        ({"sigma": 0}, ValueError, "sigma"),
        ({"zeta": 0}, ValueError, "zeta"),
        ({"zeta": 1.5}, ValueError, "zeta"),
        ({"patience": 0}, ValueError, "patience"),
        ({"maxfun": 0}, ValueError, "maxfun"),
        ({"seed": -1}, ValueError, "seed"),
        ({"seed": 2**53 + 1}, ValueError, "seed"),
        ({"seed": 0.5}, TypeError, "seed"),
        ({"penalize": [True]}, ValueError, "penalize"),
        ({"penalize": [1.0, 0.0]}, ValueError, "penalize"),
        ({"x0": [np.nan, 0]}, ValueError, "x0"),
        ({"x0": [[1.0]]}, ValueError, "x0"),
    ],
)
def test_what_makes_no_sense_is_refused(options, error, match):
    with pytest.raises(error, match=match):
        no.SparseEvolution(**{"x0": np.zeros(2), **options})


@pytest.mark.parametrize(
    ("values", "error"), [([1.0, 2.0], ValueError), (1.0, ValueError), ([1j], TypeError), (["1"], TypeError)]
)
def test_wrong_values_are_refused_and_leave_the_search_as_it_was(values, error):
    es = no.SparseEvolution(np.zeros(2))
    before = copy.copy(es)
    with pytest.raises(error):
        es.tell(values)
    assert same(es, before)


CUT_SHORT = [
    {},
    {"resamples": 3},
    {"selection": "two-stage"},
    {"grow": "random"},
    {"bounds": [(-1.0, 3.0)] * 6},
    {"penalty": 0.0},
]


@pytest.mark.parametrize("options", CUT_SHORT, ids=lambda options: "".join(options))
def test_resumed_after_maxfun_is_the_uninterrupted_search(options):
    """Also where the limit cuts a generation short: the other rows are asked for then."""
    options = {"penalty": LAMBDA, "seed": 4, "patience": 2, **options}
    for step, most in ((1, 90), (17, 900)):
        whole = evolve(no.SparseEvolution(np.zeros(6), maxfun=most, **options), sphere(np.arange(6.0)))
        es, limit = no.SparseEvolution(np.zeros(6), maxfun=5, **options), 5
        while evolve(es, sphere(np.arange(6.0))).status is Status.MAXFUN and limit < most:
            assert es.nfev <= limit < es.nfev + options.get("resamples", 1)
            es = pickle.loads(pickle.dumps(es))
            limit = min(limit + step, most)
            es.resume(limit)
        assert (es.nfev, es.nit, es.status, es.fun) == (whole.nfev, whole.nit, whole.status, whole.fun)
        np.testing.assert_array_equal(es.x, whole.x)


@pytest.mark.jit_only
def test_a_scouting_of_several_batches_is_resumed():
    n = 40_000  # 64 rows a batch at the least
    center = np.zeros(n)
    center[3] = 1.0
    whole = evolve(no.SparseEvolution(np.zeros(n), LAMBDA, seed=1, maxfun=400), sphere(center))
    es = no.SparseEvolution(np.zeros(n), LAMBDA, seed=1, maxfun=34)
    for limit in (35, 101, 250, 400):
        assert evolve(es, sphere(center)).status is Status.MAXFUN
        es.resume(limit)
    evolve(es, sphere(center))
    assert (es.nfev, es.status, es.fun) == (whole.nfev, whole.status, whole.fun)
    np.testing.assert_array_equal(es.x, whole.x)


def test_resume_with_a_limit_already_reached_changes_nothing():
    es = evolve(no.SparseEvolution(np.zeros(6), LAMBDA, maxfun=50), sphere(np.arange(6.0)))
    assert es.resume(20) is Status.MAXFUN
    assert es.ask().shape == (0, 6)
    with pytest.raises(ValueError, match="maxfun"):
        es.resume(0)


def test_minimize_goes_on_with_a_state():
    def distance(x):
        return float(np.sum((x - np.arange(6.0)) ** 2))

    options = {"penalty": LAMBDA, "seed": 4, "patience": 2}
    whole = no.minimize(distance, np.zeros(6), method="SparseEvolution", options=options)
    part = no.minimize(distance, np.zeros(6), method="SparseEvolution", options={**options, "maxfun": 77})
    rest = no.minimize(distance, np.zeros(6), method="SparseEvolution", options={"state": part.state})
    assert (part.reason, part.nfev, part.state.nfev) == (Status.MAXFUN, 77, 77)
    assert (rest.nfev, rest.reason, rest.fun) == (whole.nfev, whole.reason, whole.fun)
    np.testing.assert_array_equal(rest.x, whole.x)
    with pytest.raises(TypeError, match="state must be"):
        no.minimize(distance, np.zeros(6), method="SparseEvolution", options={"state": no.LBFGS(np.zeros(6))})
    with pytest.raises(ValueError, match="state is of"):
        no.minimize(distance, np.zeros(5), method="SparseEvolution", options={"state": part.state})
