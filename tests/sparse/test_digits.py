"""Sparse training of a network on the handwritten digits of scikit-learn."""

import numpy as np
import pytest

import numopt as no
from numopt.problems import classifier

SIZES, EPOCHS, BATCH, SEEDS = (64, 128, 128, 10), 80, 32, range(3)


@pytest.mark.slow
@pytest.mark.jit_only
def test_moving_links_beats_links_that_stay():
    datasets, threadpoolctl = (pytest.importorskip(name) for name in ("sklearn.datasets", "threadpoolctl"))
    digits = datasets.load_digits()
    order = np.random.default_rng(0).permutation(digits.target.size)
    images, labels = digits.data[order] / 16, digits.target[order].astype(np.int64)
    count = int(0.7 * labels.size)
    steps, layers = EPOCHS * (count // BATCH), classifier.layers_of(SIZES)

    def accuracy(make):
        found = []
        for seed in SEEDS:
            w = classifier.start(SIZES, seed)
            opt = make(seed).init(w)
            classifier.train(opt, w, images[:count], labels[:count], SIZES, BATCH, EPOCHS, seed)
            found.append(classifier.accuracy(w, images[count:], labels[count:], SIZES))
        return np.mean(found)

    def sparse(seed, every=10, grow=no.AtRandom()):
        return no.SET(no.Adam(1e-3), layers, epsilon=2, every=every, steps=steps, grow=grow, seed=seed)

    with threadpoolctl.threadpool_limits(1):  # small matrices, on which more threads would only wait for each other
        moving = accuracy(sparse)
        assert moving >= 0.93
        assert moving >= accuracy(lambda seed: sparse(seed, every=10**9)) + 0.02
        assert accuracy(lambda seed: sparse(seed, grow=no.ByGradient())) >= 0.95
        assert accuracy(lambda seed: no.Adam(1e-3)) >= 0.97
