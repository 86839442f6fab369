"""Numbers that become sizes, counts or places in compiled code, which looks at no bounds: what is too large is refused.

Compiled code, where nothing is refused, keeps within its arrays.
"""

import numpy as np
import pytest
from numba import njit

import numopt as no

W = np.ones(8)
LAYER = [(0, 2, 2)]
HUGE = [2**63, 2**64, -(2**63), -1, 0.5, np.nan, -np.inf, 1e300, np.float64(2.0**63), 10**400]


def rewired(layers=((0, 2, 2),), zeta=0.5, key=1):
    return no.prune_regrow(W.copy(), np.ones(8, bool), layers, zeta, key)


REFUSED = {  # the name that the message gives, and what takes the number
    "layers: offset": lambda n: no.SET(no.SGD(0.1), [(n, 1, 1)], density=0.5).init(W.copy()),
    "layers: n_in": lambda n: no.SET(no.SGD(0.1), [(0, n, 1)], density=0.5).init(W.copy()),
    "layers: n_out": lambda n: no.SET(no.SGD(0.1), [(0, 2, n)], density=0.5).init(W.copy()),
    "layers: rewired": lambda n: rewired([(n, 1, 1)]),
    "zeta: rewired": lambda n: rewired(zeta=3 * n),
    "key": lambda n: rewired(key=n),
    "every": lambda n: no.SET(no.SGD(0.1), LAYER, density=0.5, every=n),
    "seed": lambda n: no.SET(no.SGD(0.1), LAYER, density=0.5, seed=n),
    "density": lambda n: no.SET(no.SGD(0.1), LAYER, density=3 * n),
    "labels": lambda n: no.GroupL1Ball([0, 0, n], 1.0),
    "labels: norm": lambda n: no.GroupL1Norm([0, 0, n], 1.0),
    "row": lambda n: no.chain(no.Centralize(row=n), no.SGD(0.1)),
    "memory": lambda n: no.LBFGS(np.zeros(20), memory=n),
    "memory: SPG": lambda n: no.SPG(np.zeros(20), no.Box(0.0, 1.0), memory=n),
    "maxcor": lambda n: no.minimize(lambda x: (x @ x, 2 * x), W, jac=True, options={"maxcor": n}),
    "k": lambda n: no.Lookahead(no.SGD(0.1), k=n),
    "k: mean": lambda n: no.AccumulateGradients(n),
    "seed: noise": lambda n: no.NoisySGD(0.1, seed=n),
    "seed: search": lambda n: no.SparseEvolution(W, seed=n),
    "resamples": lambda n: no.SparseEvolution(W, resamples=n, maxfun=np.inf),
}


@pytest.mark.parametrize("number", HUGE, ids=lambda n: str(n)[:12])
@pytest.mark.parametrize("name", REFUSED)
def test_a_number_that_is_no_place_is_refused_by_its_name(name, number):
    with pytest.raises((ValueError, TypeError)) as error:
        REFUSED[name](number)
    assert name.partition(":")[0] in str(error.value)


@pytest.mark.parametrize("name", ["count", "sum", "steps", "penalty", "gtol", "learning_rate", "boundaries"])
def test_an_integer_beyond_every_float_is_no_overflow_error(name):
    calls = {
        "count": lambda n: no.L0Ball(n),
        "sum": lambda n: no.SparseSimplex(2, n),
        "steps": lambda n: no.linear(0.0, 1.0, n),
        "penalty": lambda n: no.SparseEvolution(W, penalty=n),
        "gtol": lambda n: no.LBFGS(W, gtol=n),
        "learning_rate": lambda n: no.Adam(n),
        "boundaries": lambda n: no.piecewise_constant(1.0, {n: 0.5}),
    }
    with pytest.raises((ValueError, TypeError), match=name):
        calls[name](10**400)


def test_layers_whose_places_are_too_many_to_count_are_refused():
    for layer in ((0, 2**32, 2**32), (2**53, 1, 1), (2**53 - 1, 3, 5)):
        with pytest.raises(ValueError, match="layers"):
            no.SET(no.SGD(0.1), [layer], density=0.5)
    with pytest.raises(ValueError, match="8 entries"):
        no.SET(no.SGD(0.1), [(2**53 - 16, 3, 5)], density=0.5).init(W.copy())


def test_as_many_entries_as_one_likes_may_stay():
    np.testing.assert_array_equal(no.project(W, no.L0Ball(2**63)), W)
    np.testing.assert_allclose(no.project(W, no.SparseSimplex(1e300)), W / 8)


def test_rounds_of_an_intersection_are_a_whole_number_or_endless():
    onto = no.Intersection(no.Box(0.0, 1.0), maxiter=np.inf)
    assert repr(onto).endswith("maxiter=inf)")
    np.testing.assert_array_equal(no.project(2 * W, onto), W)
    with pytest.raises(ValueError, match=r"maxiter must be a whole number from 1 on, got 2\.5"):
        no.Intersection(no.Box(0.0, 1.0), maxiter=2.5)


# --- compiled code -------------------------------------------------------------------------------------------------

ANY = [-1.0, -(2.0**62), 2.0**62, 1e300, np.nan, np.inf, -np.inf]


@njit
def onto_groups(x, labels):
    return no.project(x, no.GroupL1Ball(labels, 1.0)), no.prox(x, no.GroupL1Norm(labels, 1.0))


@njit
def rewire(w, links, layers, zeta):
    return no.prune_regrow(w, links, layers, zeta, 1)


@njit
def grow_by_gradient(w, links, layers, zeta, g):
    return no.prune_regrow(w, links, layers, zeta, 1, g, no.ByMagnitude(), no.ByGradient())


@njit
def onto_affine(A, b, basis, shifts, x):
    return no.project(x, no.AffineSet(A, b, basis, shifts))


@njit
def spg(memory):
    opt = no.SPG(np.full(3, 0.75), no.Box(0.5, 1.0), memory)
    while opt.running:
        x = opt.ask()
        opt.tell((x * x).sum(), 2 * x)
    return opt.f


@pytest.mark.jit_only
@pytest.mark.parametrize("number", ANY)
def test_compiled_groups_without_a_place_give_nan(number):
    assert all(np.isnan(part).all() for part in onto_groups(np.ones(3), np.array([0.0, number, 1.0])))


@pytest.mark.jit_only
@pytest.mark.parametrize("number", ANY)
def test_compiled_layers_without_a_place_change_nothing(number):
    for column in range(3):
        w, layers = np.arange(6.0), np.array([[0.0, 2.0, 3.0]])
        layers[0, column] = number
        assert rewire(w, np.ones(6, np.int8), layers, 0.5) == -1
        np.testing.assert_array_equal(w, np.arange(6.0))
    assert rewire(np.arange(6.0), np.ones(6, np.int8), np.array([[0.0, 2.0]]), 0.5) == -1


@pytest.mark.jit_only
@pytest.mark.parametrize("share", ANY)
def test_compiled_shares_are_those_from_none_to_all(share):
    expected = 5 if share > 0 else 0
    links = np.array([1, 1, 1, 0, 1, 1], np.int8)
    layers = np.array([[0.0, 2.0, 3.0]])
    assert grow_by_gradient(np.arange(6.0), links.copy(), layers, share, np.ones(6)) == expected
    assert links.sum() == 5


@pytest.mark.jit_only
def test_a_compiled_affine_set_of_more_shifts_than_rows_gives_nan():
    A, x = np.ones((1, 3)), np.ones(3)
    np.testing.assert_allclose(onto_affine(A, np.zeros(1), A / np.sqrt(3.0), np.zeros(1), x), 0.0, atol=1e-15)
    assert np.isnan(onto_affine(A, np.zeros(1), A, np.zeros(50), x)).all()


@pytest.mark.jit_only
@pytest.mark.slow
@pytest.mark.parametrize("memory", [0, -1, -(2**62)])
def test_a_compiled_memory_of_no_values_is_one_of_one(memory):
    assert spg(memory) == 0.75


@njit
def searched(zeta, penalize, lower):
    es = no.SparseEvolution(np.zeros(6), zeta=zeta, penalize=penalize, bounds=no.Box(lower, 3.0), maxfun=3000)
    while es.running:
        batch = es.ask()
        values = np.empty(len(batch))
        for i in range(len(batch)):
            values[i] = ((batch[i] - 1.0) ** 2).sum()
        es.tell(values)
    return es.status


def search(zeta=0.3, penalize=6, lower=6):
    return no.Status(searched(zeta, np.ones(penalize, np.bool_), np.full(lower, -1.0))).name


@pytest.mark.jit_only
@pytest.mark.slow
def test_a_compiled_search_keeps_within_its_arrays():
    assert all(search(share) in ("CONVERGED_PATIENCE", "MAXFUN") for share in ANY)
    for length in (0, 2, 9):
        assert search(penalize=length) == "NONFINITE_START"
        assert search(lower=length) == "NONFINITE_START"
