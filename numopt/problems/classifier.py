"""Classification by a small fully connected network, whose weights are one flat vector."""

import numpy as np

from .._jit import jit

# Numba's matrix products need not know that a view is contiguous; without the compiler there is nothing to tell
_NEGATIVE_SLOPE = 0.0


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
    for n_in, n_out in zip(sizes[:-1], sizes[1:], strict=True):
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
def scores(w, x, sizes):
    """What the network gives for each row of ``x``: a row of scores, the largest of which names the class."""
    offset = 0
    for k in range(len(sizes) - 1):
        n_in, n_out = sizes[k], sizes[k + 1]
        weights = w[offset : offset + n_in * n_out].copy().reshape((n_in, n_out))
        x = x @ weights + w[offset + n_in * n_out : offset + (n_in + 1) * n_out]
        if k < len(sizes) - 2:
            x = np.maximum(x, 0.0)
        offset += (n_in + 1) * n_out
    return x


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
    given, rows = scores(w, x, sizes), x.shape[0]
    f, delta = 0.0, np.empty_like(given)
    for r in range(rows):
        shifted = np.exp(given[r] - given[r].max())
        delta[r] = shifted / shifted.sum()
        f -= np.log(max(delta[r, labels[r]], 1e-300)) / rows
        delta[r, labels[r]] -= 1.0
    return f, _backward(w, x, delta / rows, sizes)


@jit
def _backward(w, x, delta, sizes):
    """The gradient for the derivatives ``delta`` of the scores."""
    g, last = np.empty_like(w), len(sizes) - 1
    offset = w.size
    for k in range(last - 1, -1, -1):
        n_in, n_out = sizes[k], sizes[k + 1]
        offset -= (n_in + 1) * n_out
        inputs = np.ascontiguousarray(_hidden(w, x, sizes, k))
        g[offset : offset + n_in * n_out] = (inputs.T.copy() @ delta).ravel()
        g[offset + n_in * n_out : offset + (n_in + 1) * n_out] = delta.sum(axis=0)
        weights = w[offset : offset + n_in * n_out].copy().reshape((n_in, n_out))
        delta = (delta @ weights.T.copy()) * (inputs > 0.0)
    return g


@jit
def _hidden(w, x, sizes, k):
    """What layer k gets: x itself, or what the hidden neurons before it give."""
    return x if k == 0 else np.maximum(scores(w, x, sizes[: k + 1]), 0.0)


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
