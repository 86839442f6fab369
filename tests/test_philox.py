"""The counter-based random numbers: known answers, and the normal numbers made of them."""

import numpy as np
import pytest
import scipy.stats

from numopt._jit import jit
from numopt._philox import draw_to_front, fill_normal, normal_pair, philox, words_of

F = 0xFFFFFFFF
# of Random123: counter, key, words
KNOWN = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((F, F, F, F), (F, F), (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@jit
def words(c0, c1, c2, c3, k0, k1):
    return philox(c0, c1, c2, c3, k0, k1)


@jit
def normals(out, like, seed):
    for i in range(0, out.size, 2):
        w = philox(np.uint64(i), np.uint64(0), np.uint64(0), np.uint64(0), np.uint64(seed), np.uint64(0))
        out[i], out[i + 1] = normal_pair(like, w[0], w[3])


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN)
def test_known_answers(counter, key, expected):
    assert tuple(map(int, words(*map(np.uint64, counter + key)))) == expected


@pytest.mark.parametrize("number", [0, 1, F, F + 1, 2**53])
def test_words_of_whole_numbers(number):
    low, high = words_of(float(number))
    assert (int(high) << 32) + int(low) == number


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_normal_numbers_are_normal(dtype):
    out = np.empty(4000, dtype)
    normals(out, dtype(0), 7)
    assert scipy.stats.kstest(out, "norm").pvalue > 1e-3
    assert abs(np.corrcoef(out[::2], out[1::2])[0, 1]) < 4 / np.sqrt(2000)


@pytest.mark.parametrize("word", [0, F])
def test_extreme_words_give_finite_numbers(word):
    for like in (np.float64(0), np.float32(0)):
        pair = jit_pair(like, np.uint64(word), np.uint64(F))
        assert np.all(np.isfinite(pair))
        assert np.max(np.abs(pair)) < 6.9


@jit
def jit_pair(like, first, second):
    return normal_pair(like, first, second)


def filled(size, *counters, seed=3):
    out = np.empty(size)
    fill_normal(out, *counters, seed)
    return out


def test_filled_vectors_are_normal_and_differ_in_every_counter():
    vectors = [filled(4000, *c) for c in ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1))]
    vectors += [filled(4000, 0, 0, 0, seed=s) for s in (4, 3 + 2**32)]
    for v in vectors:
        assert scipy.stats.kstest(v, "norm").pvalue > 1e-3
    correlations = np.corrcoef(np.concatenate([v.reshape(4, -1) for v in vectors]))
    assert np.max(abs(correlations - np.eye(24))) < 5 / np.sqrt(1000)


@pytest.mark.parametrize("size", range(9))
def test_an_entry_of_a_filled_vector_depends_on_its_position_only(size):
    assert np.array_equal(filled(size, 5, 6, 7), filled(9, 5, 6, 7)[:size])


def test_filled_vectors_are_made_of_the_words():
    out = filled(4, 5, 6, 7)
    w = words(*map(np.uint64, (0, 5, 6, 7, 3, 0)))
    assert np.array_equal(out, [*jit_pair(np.float64(0), w[0], w[1]), *jit_pair(np.float64(0), w[2], w[3])])


def drawn(size, count, generation, seed=0):
    items = np.arange(10, 10 + size)
    draw_to_front(items, count, generation, 1, seed)
    return items


@pytest.mark.parametrize(("size", "count"), [(0, 0), (0, 2), (1, 1), (5, 0), (5, 2), (5, 5), (5, 9)])
def test_drawn_items_are_distinct(size, count):
    assert sorted(drawn(size, count, 0)) == list(range(10, 10 + size))
    assert np.array_equal(drawn(size, count, 0), drawn(size, count, 0))


def test_every_set_of_items_is_drawn_equally_often():
    sets = [tuple(sorted(drawn(5, 2, t)[:2])) for t in range(2000)]
    counts = np.unique(sets, axis=0, return_counts=True)[1]
    assert counts.size == 10
    assert scipy.stats.chisquare(counts).pvalue > 1e-3
