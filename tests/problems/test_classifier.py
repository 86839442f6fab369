"""The gradient of the classifier, its layers and its training."""

import numpy as np
import pytest

import numopt as no
from numopt.problems import classifier

SIZES = (5, 7, 4, 3)


def data(rows=20, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((rows, SIZES[0])), rng.integers(0, SIZES[-1], rows)


def test_gradient():
    x, labels = data()
    report = no.check_gradient(lambda w: classifier.cross_entropy(w, x, labels, SIZES), classifier.start(SIZES, 1))
    assert report, report


def test_value_is_that_of_its_definition():
    x, labels = data()
    w, f = classifier.start(SIZES, 2), 0.0
    (a, b, c) = (w[o : o + i * k].reshape(i, k) for o, i, k in classifier.layers_of(SIZES))
    for row, label in zip(x, labels, strict=True):
        z = np.maximum(np.maximum(row @ a, 0) @ b, 0) @ c  # the biases of a start are 0
        f += np.log(np.sum(np.exp(z))) - z[label]
    assert classifier.cross_entropy(w, x, labels, SIZES)[0] == pytest.approx(f / labels.size)


def test_layers_and_biases_fill_the_vector():
    layers = classifier.layers_of(SIZES)
    assert layers == [(0, 5, 7), (42, 7, 4), (74, 4, 3)]
    assert classifier.start(SIZES).size == 74 + 5 * 3


def test_large_scores_do_not_overflow():
    x, labels = data()
    f, g = classifier.cross_entropy(1e3 * classifier.start(SIZES, 1), x, labels, SIZES)
    assert np.isfinite(f)
    assert np.isfinite(g).all()


def test_training_learns_a_rule():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((200, 5))
    labels = np.argmax(x[:, :3], axis=1)
    w = classifier.start(SIZES, 0)
    classifier.train(no.Adam(1e-2).init(w), w, x, labels, SIZES, 20, 30, 0)
    assert classifier.accuracy(w, x, labels, SIZES) > 0.9
