"""Two moons: a small network whose connections are to be few.

Points of two interleaved half circles with normal noise, labelled -1 and 1, are classified by the sign of the network

    z(a) = w2 . tanh(W1^T a + b1) + b2,      f(x) = 1/m sum_j log(1 + exp(-s_j z(a_j))),

with W1 of 2 x 8, so that x = (W1, b1, w2, b2) has 33 entries, of which each costs a penalty. At x = 0 no entry but b2
has a slope: start elsewhere.
"""

from dataclasses import dataclass

import numpy as np

HIDDEN = 8
WEIGHTS = 4 * HIDDEN + 1


@dataclass(frozen=True, eq=False)
class MoonsNetwork:
    """One instance.

    Attributes
    ----------
    points, labels : ndarray, shape (m, 2) and (m,)
        To learn from.
    test_points, test_labels : ndarray
        To judge by.
    """

    points: np.ndarray
    labels: np.ndarray
    test_points: np.ndarray
    test_labels: np.ndarray

    def value(self, x):
        """The mean log loss f at x."""
        return value(x, self.points, self.labels)

    def start(self, seed=0):
        """Normal numbers of a standard deviation of .5."""
        return 0.5 * np.random.default_rng(seed).standard_normal(WEIGHTS)

    def accuracy(self, x):
        """The share of the test set that x classifies correctly."""
        return float(np.mean(self.test_labels * output(x, self.test_points) > 0))


def output(x, points):
    """The network's z for each point; also for ``numba.njit``."""
    first = x[: 2 * HIDDEN].copy().reshape((2, HIDDEN))
    hidden = np.tanh(np.dot(points, first) + x[2 * HIDDEN : 3 * HIDDEN])
    return np.dot(hidden, x[3 * HIDDEN : 4 * HIDDEN]) + x[4 * HIDDEN]


def value(x, points, labels):
    """The mean log loss at x; without calls of other functions, also for ``numba.njit``."""
    first = x[: 2 * HIDDEN].copy().reshape((2, HIDDEN))
    hidden = np.tanh(np.dot(points, first) + x[2 * HIDDEN : 3 * HIDDEN])
    z = np.dot(hidden, x[3 * HIDDEN : 4 * HIDDEN]) + x[4 * HIDDEN]
    return np.mean(np.logaddexp(0.0, -labels * z))


def generate(seed=0, samples=500, test=200, noise=0.1):
    """A random instance; half of the points lie on each moon.

    Parameters
    ----------
    seed : int
        The same seed gives the same instance.
    samples, test : int
        All points, and how many of them are kept to judge by.
    noise : float
        Standard deviation of the noise in both directions; the radius is 1.

    Returns
    -------
    MoonsNetwork
    """
    rng = np.random.default_rng(seed)
    upper = np.arange(samples) < samples // 2
    angle = np.pi * rng.random(samples)
    points = np.where(upper[:, None], [0.0, 0.0], [1.0, 0.5])
    points = points + np.where(upper, 1.0, -1.0)[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    points += noise * rng.standard_normal((samples, 2))
    order = rng.permutation(samples)
    points, labels, learn = points[order], np.where(upper, 1.0, -1.0)[order], samples - test
    return MoonsNetwork(points[:learn].copy(), labels[:learn], points[learn:].copy(), labels[learn:])
