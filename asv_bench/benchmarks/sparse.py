"""Sparse search: the solver's own time, evaluations until the support is found, and its random numbers.

What a benchmark measures is a function of its parameters here, and a class below that asv calls.
"""

import time

import numba
import numpy as np

import numopt
from numopt._philox import fill_normal
from numopt.problems import planted_regression

# The time of a generation

SIZES = (10, 100, 1_000, 10_000)
GENERATIONS = {10: 2_000, 100: 1_000, 1_000: 1_000, 10_000: 300}  # about; the longer ones are slow


@numba.njit
def search(x0, maxfun):
    """Ask and tell, with an objective of two entries; returns the generations."""
    es = numopt.SparseEvolution(x0, 0.01, 1, patience=1_000_000, maxfun=maxfun)
    while es.running:
        batch = es.ask()
        values = np.empty(batch.shape[0])
        for row in range(values.size):
            values[row] = (batch[row, 0] - 1.0) ** 2 + (batch[row, 1] - 2.0) ** 2
        es.tell(values)
    return es.nit


def seconds_per_generation(n):
    """Mean over a search, rounds of all kinds included."""
    x0, maxfun = np.zeros(n), 16 * GENERATIONS[n]
    search(x0, 2)
    begun = time.process_time()
    generations = search(x0, maxfun)
    return (time.process_time() - begun) / generations


# Evaluations until the support is that which was planted

CASES = {  # n, nonzero entries, measurements
    "n = 20": (20, 4, 60),
    "n = 50": (50, 5, 60),
    "n = 100": (100, 5, 60),
    "n = 200": (200, 8, 120),
    "n = 500": (500, 10, 160),
    "n = 1000": (1_000, 10, 200),
}
LIMIT = 60_000


def evaluations_to_support(case, seed):
    """How many until the best point has exactly the planted support; inf if it never has."""
    problem = planted_regression.generate(*CASES[case], seed=1_000 + seed)
    es = numopt.SparseEvolution(problem.start(), penalty=0.01, seed=seed, maxfun=LIMIT)
    while es.running:
        es.tell(problem.values(es.ask()))
        if problem.is_exact(es.x):
            return es.nfev
    return np.inf


# Normal numbers

NORMALS = 1_000_000


def normals_with_philox():
    """By counters, as the solver draws them."""
    out = np.empty(NORMALS)
    return lambda: fill_normal(out, 0, 0, 0, 0)


def normals_with_numpy():
    """By the ziggurat of Generator, one stream."""
    out, rng = np.empty(NORMALS), np.random.default_rng(0)
    return lambda: rng.standard_normal(out=out)


DRAWS = {"numopt": normals_with_philox, "NumPy": normals_with_numpy}


class Generation:
    """The solver inside ``@njit``, its objective costing nothing."""

    params = SIZES
    param_names = ("n",)

    def setup(self, n):
        """Compile."""
        search(np.zeros(n), 2)

    def track_generation(self, n):
        """Mean time."""
        return 1e6 * seconds_per_generation(n)

    track_generation.unit = "us"


class Support:
    """Planted regressions."""

    params = tuple(CASES)
    param_names = ("case",)
    timeout = 600

    def counts(self, case):
        """Evaluations for five seeds."""
        return [evaluations_to_support(case, seed) for seed in range(5)]

    def track_evaluations(self, case):
        """Median until the support is found."""
        return float(np.median(self.counts(case)))

    def track_found(self, case):
        """Supports found, of five."""
        return int(np.count_nonzero(np.isfinite(self.counts(case))))

    track_evaluations.unit = "evaluations"
    track_found.unit = "of 5"


class Normals:
    """A million normal numbers."""

    params = tuple(DRAWS)
    param_names = ("generator",)

    def setup(self, generator):
        """Prepare the draw."""
        self.draw = DRAWS[generator]()
        self.draw()

    def time_draw(self, generator):
        """One."""
        self.draw()
