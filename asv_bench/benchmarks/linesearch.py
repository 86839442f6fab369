"""More and Thuente's line search, compiled, against SciPy's translation of dcsrch in Python."""

import time

import numba
import numpy as np
from scipy.optimize._dcsrch import DCSRCH

from numopt import MoreThuente, line_search

SEARCH = MoreThuente(ftol=1e-3, gtol=0.1, xtol=1e-10, max_evals=100)
TRIALS = 10.0 ** np.linspace(-3, 3, 25)


@numba.njit(cache=True)
def phi(a):
    """More and Thuente (1994), eq. 5.1, beta = 2."""
    return -a / (a * a + 2.0)


@numba.njit(cache=True)
def dphi(a):
    """Its derivative."""
    return (a * a - 2.0) / ((a * a + 2.0) * (a * a + 2.0))


@numba.njit(error_model="numpy")
def with_numopt(trials, search):
    """Evaluations of a search from each of the first trials."""
    count = 0
    for alpha in trials:
        count += line_search(phi, dphi, alpha, search).nfev
    return count


def with_dcsrch(trials, search):
    """The same by SciPy."""
    count = 0

    def counted(a):
        nonlocal count
        count += 1
        return phi(a)

    for alpha in trials:
        peer = DCSRCH(counted, dphi, search.ftol, search.gtol, search.xtol, search.stpmin, search.stpmax)
        peer(alpha, phi(0.0), dphi(0.0), maxiter=100)
    return count


SOLVERS = {"numopt": with_numopt, "SciPy": with_dcsrch}


class LineSearch:
    """25 searches from first trials between 1e-3 and 1e3."""

    params = ("numopt", "SciPy")
    param_names = ("solver",)
    timer = time.process_time

    def setup(self, name):
        """Compile."""
        self.search = SOLVERS[name]
        self.search(TRIALS, SEARCH)

    def time_searches(self, name):
        """All of them."""
        self.search(TRIALS, SEARCH)

    def track_evaluations(self, name):
        """Evaluations of phi and its derivative."""
        return self.search(TRIALS, SEARCH)

    track_evaluations.unit = "evaluations"
