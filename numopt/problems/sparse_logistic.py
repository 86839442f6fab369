"""Sparse logistic regression: which few of many features tell two classes apart.

For labels s in {-1, 1} and features a, the weights w and the intercept b minimise

    f(w, b) = 1/m sum_j log(1 + exp(-s_j (a_j . w + b))),      x = (w, b),

with a penalty on the number of nonzero weights; the intercept costs nothing (``penalize``).

The data are made by the recipe of I. Guyon, Design of experiments for the NIPS 2003 variable selection benchmark
(2003): normal clusters, each sheared by a matrix of its own, at the corners of a square, two for each class (here never
those of a diagonal); redundant features are linear combinations of these two, all others noise; some labels are wrong.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class SparseLogistic:
    """One instance.

    Attributes
    ----------
    features, labels : ndarray, shape (m, n) and (m,)
        To learn from.
    test_features, test_labels : ndarray
        To judge by.
    """

    features: np.ndarray
    labels: np.ndarray
    test_features: np.ndarray
    test_labels: np.ndarray

    def value(self, x):
        """The mean log loss f at x = (w, b)."""
        return value(x, self.features, self.labels)

    def value_and_gradient(self, x):
        """(f, g) at x."""
        margins = self.labels * (self.features @ x[:-1] + x[-1])
        slopes = -self.labels * np.exp(-np.logaddexp(0.0, margins)) / margins.size
        return float(np.mean(np.logaddexp(0.0, -margins))), np.append(slopes @ self.features, slopes.sum())

    def start(self):
        """Zeros."""
        return np.zeros(self.features.shape[1] + 1)

    def penalize(self):
        """All but the intercept."""
        return np.arange(self.features.shape[1] + 1) < self.features.shape[1]

    def accuracy(self, x):
        """The share of the test set that x classifies correctly."""
        return float(np.mean(self.test_labels * (self.test_features @ x[:-1] + x[-1]) > 0))


def value(x, features, labels):
    """The mean log loss; also for ``numba.njit``, with ``args=(problem.features, problem.labels)``."""
    margins = labels * (np.dot(features, x[:-1]) + x[-1])
    return np.mean(np.logaddexp(0.0, -margins))


def generate(seed=0, samples=1000, n=20, redundant=2, test=300, wrong=0.01):
    """A random instance with two informative features.

    Parameters
    ----------
    seed : int
        The same seed gives the same instance.
    samples, test : int
        All samples, and how many of them are kept to judge by.
    n, redundant : int
        All features, and those that are combinations of the two informative ones.
    wrong : float
        Share of labels that are drawn by chance.

    Returns
    -------
    SparseLogistic
    """
    rng = np.random.default_rng(seed)
    cluster = rng.integers(0, 4, samples)
    corners = np.array([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]])
    labels = corners[cluster, 0]
    shears = rng.uniform(-1, 1, (4, 2, 2))
    informative = np.einsum("si,sij->sj", rng.standard_normal((samples, 2)), shears[cluster]) + corners[cluster]
    features = rng.standard_normal((samples, n))
    features[:, :2] = informative
    features[:, 2 : 2 + redundant] = informative @ rng.uniform(-1, 1, (2, redundant))
    features = features[:, rng.permutation(n)]
    by_chance = rng.random(samples) < wrong
    labels = np.where(by_chance, rng.choice([-1.0, 1.0], samples), labels)
    learn = samples - test
    return SparseLogistic(features[:learn].copy(), labels[:learn], features[learn:].copy(), labels[learn:])
