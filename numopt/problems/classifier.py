"""Classification by a small fully connected network, whose weights are one flat vector."""

import itertools

import numpy as np

from .._jit import jit


def layers_of(sizes):
    """The matrices among the weights of a network, as ``(offset, n_in, n_out)``, for :func:`numopt.SET`.

    Parameters
    ----------
    sizes : tuple of int
        Inputs, hidden neurons of each layer, classes.

    Returns
    -------
    list of (int, int, int)
        Behind each matrix, row-major with a row for each input, stand the ``n_out`` biases.

    Examples
    --------
    >>> layers_of((64, 32, 10))
    [(0, 64, 32), (2080, 32, 10)]
    """
    layers, offset = [], 0
    for n_in, n_out in itertools.pairwise(sizes):
        layers.append((offset, n_in, n_out))
        offset += (n_in + 1) * n_out
    return layers


def start(sizes, seed=0):
    """Normal weights of variance 2 / n_in, and biases of 0: a float64 vector."""
    rng, parts = np.random.default_rng(seed), []
    for _, n_in, n_out in layers_of(sizes):
        parts += [rng.standard_normal(n_in * n_out) * (2.0 / n_in) ** 0.5, np.zeros(n_out)]
    return np.concatenate(parts)


@jit
def forward(w, x, sizes):
    """What each layer is given, beginning with the rows of ``x``, and last what the network gives."""
    values, offset = [x], 0
    for k in range(len(sizes) - 1):
        n_in, n_out = sizes[k], sizes[k + 1]
        weights = w[offset : offset + n_in * n_out].reshape((n_in, n_out))
        out = values[k] @ weights + w[offset + n_in * n_out : offset + (n_in + 1) * n_out]
        values.append(np.maximum(out, 0.0) if k < len(sizes) - 2 else out)
        offset += (n_in + 1) * n_out
    return values


@jit
def scores(w, x, sizes):
    """What the network gives for each row of ``x``: a row of scores, the largest of which names the class."""
    return forward(w, x, sizes)[-1]


@jit
def cross_entropy(w, x, labels, sizes):
    r"""The mean of :math:`-\log p(label)` over the rows of ``x``, and its gradient.

    With rectified linear hidden neurons and :math:`p \propto e^{score}`.

    Parameters
    ----------
    w : ndarray of float64
        Weights and biases (:func:`layers_of`).
    x : ndarray of float64, shape (rows, sizes[0])
    labels : ndarray of int64, shape (rows,)
        From 0 to ``sizes[-1] - 1``.
    sizes : tuple of int

    Returns
    -------
    f : float
    g : ndarray
        With entries for all weights, also those that are 0.
    """
    values, rows = forward(w, x, sizes), x.shape[0]
    given = values[-1]
    f, delta = 0.0, np.empty_like(given)
    for r in range(rows):
        shifted = np.exp(given[r] - given[r].max())
        delta[r] = shifted / shifted.sum()
        f -= np.log(max(delta[r, labels[r]], 1e-300)) / rows
        delta[r, labels[r]] -= 1.0
    return f, _backward(w, values, delta / rows, sizes)


@jit
def _backward(w, values, delta, sizes):
    """The gradient, from the derivatives ``delta`` of the scores back through what the layers were given."""
    g, offset = np.empty_like(w), w.size
    for k in range(len(sizes) - 2, -1, -1):
        n_in, n_out = sizes[k], sizes[k + 1]
        offset -= (n_in + 1) * n_out
        weights = w[offset : offset + n_in * n_out].reshape((n_in, n_out))
        g[offset : offset + n_in * n_out] = (np.ascontiguousarray(values[k].T) @ delta).ravel()
        g[offset + n_in * n_out : offset + (n_in + 1) * n_out] = delta.sum(axis=0)
        delta = (delta @ np.ascontiguousarray(weights.T)) * (values[k] > 0.0)
    return g


@jit
def train(opt, w, x, labels, sizes, batch, epochs, seed):
    """Train by the steps of an optimizer on batches that are drawn anew in each epoch; a rest that is no batch is left.

    Parameters
    ----------
    opt : Optimizer
        Of ``w``, which is changed in place.
    batch, epochs : int
    seed : int
        Of the order of the rows.
    """
    np.random.seed(seed)  # noqa: NPY002 - what compiled code has; its generator is its own
    for _ in range(epochs):
        order = np.random.permutation(x.shape[0])  # noqa: NPY002
        for first in range(0, x.shape[0] - batch + 1, batch):
            chosen = order[first : first + batch]
            _, g = cross_entropy(w, x[chosen], labels[chosen], sizes)
            opt.update(w, g)


def accuracy(w, x, labels, sizes):
    """The share of the rows that the network classifies rightly."""
    return float(np.mean(np.argmax(scores(w, x, sizes), axis=1) == labels))
