"""Selection, pruning and growth of links against sorting."""

import numba
import numpy as np
import pytest

import numopt as no
from numopt.sparse.links import EMPTY, FIRST, draw_first
from numopt.sparse.selection import AnyLink, LinkOfSign, PlaceByScore, count_choice, relabel_first

DTYPES = [np.float64, np.float32, np.complex128]
MARKED = -7


def random_layer(seed, n, dtype, share=0.4):
    """Weights, some of them equal or zero, labels and scores."""
    rng = np.random.default_rng(seed)
    w, scores = (np.round(rng.standard_normal(n) * 10.0 ** rng.integers(-3, 3, n), 3) for _ in range(2))
    if np.dtype(dtype).kind == "c":
        w, scores = w + 1j * rng.integers(-2, 2, n), scores * np.exp(1j * rng.uniform(0, 6, n))
    links = (rng.uniform(size=n) < share).astype(np.int8) * FIRST
    w = np.where(links > 0, w, 0).astype(dtype)
    w[rng.integers(n, size=n // 10)] = 0
    return w, links, scores.astype(dtype)


def first_by_sorting(key, candidates, count):
    """The first ``count`` candidates by key, equal ones by position."""
    where = np.flatnonzero(candidates)
    return set(where[np.argsort(key[where], kind="stable")][:count].tolist())


@pytest.mark.parametrize("n", [1, 7, 300])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
def test_selection_is_that_of_sorting(dtype, n, share):
    for seed in range(5):
        w, links, scores = random_layer(seed, n, dtype)
        scores[::9] = np.nan
        size = np.where(np.isnan(scores), 0, abs(scores))
        real = np.dtype(dtype).kind != "c"
        cases = [
            (AnyLink(), abs(w), links > 0),
            (LinkOfSign(1.0), abs(w), (links > 0) & ((w.real >= 0) if real else True)),
            (LinkOfSign(-1.0), abs(w), (links > 0) & (w.real < 0) & real),
            (PlaceByScore(), -size, links == EMPTY),
        ]
        for choice, key, candidates in cases:
            count = int(share * candidates.sum())
            assert count_choice(choice, w, links, scores) == candidates.sum()
            labels = links.copy()
            relabel_first(choice, w, labels, scores, count, MARKED)
            assert set(np.flatnonzero(labels == MARKED).tolist()) == first_by_sorting(key, candidates, count)


def test_selection_of_extreme_numbers():
    w = np.array([np.inf, 5e-324, 0.0, -0.0, np.nan, 1.7e308, -1.7e308, 1.0])
    links = np.full(w.size, FIRST, np.int8)
    order = [2, 3, 1, 7, 5, 6, 0, 4]  # NaN last: it is not what one would lose
    for count in range(1, w.size + 1):
        labels = links.copy()
        relabel_first(AnyLink(), w, labels, w, count, MARKED)
        assert set(np.flatnonzero(labels == MARKED)) == set(order[:count])


@pytest.mark.parametrize("count", [1, 5, 50, 99, 100])
def test_first_links_are_as_many_as_asked_for_and_uniform(count):
    seen = np.zeros(100)
    for seed in range(200):
        links = np.zeros(100, np.int8)
        draw_first(links, count, 0, seed)
        assert np.count_nonzero(links == FIRST) == count
        seen += links == FIRST
    # binomial: five standard deviations
    assert abs(seen / 200 - count / 100).max() <= 5 * np.sqrt(count / 100 * (1 - count / 100) / 200) + 1e-12


LAYERS = [(3, 10, 12), (130, 5, 20)]


def twin(w, links, zeta, scores, prune):
    """Which links go, and how many of them, by sorting; which grow by score."""
    w, links = w.copy(), links.astype(bool)
    for offset, n_in, n_out in LAYERS:
        part = slice(offset, offset + n_in * n_out)
        v, there = w[part], links[part]
        if isinstance(prune, no.ByMagnitude) or w.dtype.kind == "c":
            classes = [there]
        else:
            classes = [there & (v >= 0), there & (v < 0)]
        gone = set()
        for members in classes:
            gone |= first_by_sorting(abs(v), members, int(zeta * members.sum()))
        for i in gone:
            v[i], there[i] = 0, False
        for i in first_by_sorting(-abs(scores[part]), ~there, len(gone)):
            v[i], there[i] = 0, True
    return w, links


@pytest.mark.parametrize("prune", [no.BySign(), no.ByMagnitude()], ids=repr)
@pytest.mark.parametrize("dtype", DTYPES)
def test_prune_regrow_is_its_twin(dtype, prune):
    for seed in range(4):
        w, links, scores = random_layer(seed, 240, dtype)
        expected, there = twin(w, links, 0.3, scores, prune)
        count = no.prune_regrow(w, links, LAYERS, 0.3, 1, scores, prune, no.ByGradient())
        np.testing.assert_array_equal(w, expected)
        np.testing.assert_array_equal(links > 0, there)
        assert count > 0


@pytest.mark.parametrize("grow", [no.AtRandom(), no.ByGradient(), no.ByMomentum()], ids=repr)
@pytest.mark.parametrize("zeta", [0.0, 0.3, 1.0])
def test_the_number_of_links_stays(zeta, grow):
    w, links, scores = random_layer(0, 240, float)
    before, outside = np.count_nonzero(links), [*range(3), *range(123, 130), *range(230, 240)]
    kept = w.copy(), links.copy()
    no.prune_regrow(w, links, LAYERS, zeta, 5, scores, grow=grow)
    assert np.count_nonzero(links) == before
    assert not w[links == 0][np.isin(np.flatnonzero(links == 0), outside, invert=True)].any()
    np.testing.assert_array_equal(w[outside], kept[0][outside])
    np.testing.assert_array_equal(links[outside], kept[1][outside])


def test_random_growth_depends_on_the_key_only():
    found = []
    for key in (1, 1, 2):
        w, links, _ = random_layer(0, 240, float)
        no.prune_regrow(w, links, LAYERS, 0.5, key, sigma=0.1)
        found.append((w, links))
    np.testing.assert_array_equal(found[0][0], found[1][0])
    assert (found[0][1] != found[2][1]).any()
    new = found[0][0][found[0][1] == 1]
    assert new.any()
    assert abs(new).max() < 0.7


@numba.njit
def inside(w, links, layers, scores):
    return no.prune_regrow(w, links, layers, 0.3, 7, scores, no.ByMagnitude(), no.ByGradient())


@numba.njit
def inside_with_defaults(w, links, layers):
    return no.prune_regrow(w, links, layers, 0.3, 7)


def test_the_same_inside_njit():
    layers = np.array(LAYERS)
    for compiled, more in ((inside, True), (inside_with_defaults, False)):
        w, links, scores = random_layer(1, 240, float)
        v, labels = w.copy(), links.copy()
        arguments = (scores, no.ByMagnitude(), no.ByGradient()) if more else ()
        count = no.prune_regrow(w, links, LAYERS, 0.3, 7, *arguments)
        assert compiled(v, labels, layers, *arguments[:1]) == count
        np.testing.assert_array_equal(v, w)
        np.testing.assert_array_equal(labels, links)


@pytest.mark.jit_only
def test_sizes_that_do_not_fit_inside_njit_do_nothing():
    w, links, scores = random_layer(1, 240, float)
    kept = w.copy()
    assert inside(w, links, np.array([(0, 100, 100)]), scores) == -1
    assert inside(w, links[:-1], np.array(LAYERS), scores) == -1
    np.testing.assert_array_equal(w, kept)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"w": [1.0]}, "w is changed in place"),
        ({"links": np.zeros(239, np.int8)}, "links must be 240"),
        ({"links": np.zeros(240, int)}, "of int8 or bool"),
        ({"layers": [(0, 100, 100)]}, "ends at 10000"),
        ({"layers": [(0, 10, 10), (50, 2, 2)]}, "overlap"),
        ({"layers": [(0, 0, 10)]}, "from 1 on"),
        ({"layers": [0, 1, 2]}, "list of"),
        ({"zeta": 1.5}, "zeta"),
        ({"key": -1}, "key"),
        ({"key": 0.5}, "key"),
        ({"sigma": np.nan}, "sigma"),
        ({"prune": "set"}, "BySign"),
        ({"grow": None}, "AtRandom"),
        ({"grow": no.ByGradient()}, "scores are needed"),
        ({"scores": np.zeros(3)}, "scores must be 240"),
    ],
)
def test_wrong_arguments_are_named(change, match):
    w, links, _ = random_layer(0, 240, float)
    arguments = {"w": w, "links": links, "layers": LAYERS, "zeta": 0.3, "key": 0} | change
    with pytest.raises((ValueError, TypeError), match=match):
        no.prune_regrow(**arguments)


def test_every_label_but_zero_is_a_link():
    w, links = np.arange(1.0, 7), np.array([-1, 1, -2, 127, 0, 1], np.int8)
    assert no.prune_regrow(w, links, [(0, 2, 3)], 0.0, 1) == 0
    np.testing.assert_array_equal(w, np.arange(1.0, 7))
    np.testing.assert_array_equal(links != 0, [1, 1, 1, 1, 0, 1])
