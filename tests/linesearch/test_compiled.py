"""Line searches inside @njit code: the same steps as in Python, for any way of passing the arguments."""

import math

import numba
import numpy as np
import pytest
from numba.core.runtime import rtsys
from one_variable import PUBLISHED, log_barrier, search_along

from numopt import Backtracking, LineSearchResult, MoreThuente, Verdict, Zoom, line_search
from numopt.linesearch.safeguard import SIZE, offer, start

pytestmark = pytest.mark.jit_only

COMPILED = {"II": PUBLISHED["II"].compiled(), "log barrier": log_barrier(0.01).compiled()}
SEARCHES = [
    MoreThuente(ftol=0.01, gtol=0.02, xtol=1e-10),
    Zoom(c1=0.01, c2=0.02),
    Zoom(c1=0.01, c2=0.02, c3=None),
    Backtracking(shrink=0.3),
]


@numba.njit
def search_compiled(phi, dphi, alpha, search):
    return line_search(phi, dphi, alpha, search)


@pytest.mark.parametrize("search", SEARCHES, ids=repr)
@pytest.mark.parametrize("name", COMPILED)
def test_same_steps_as_in_python(name, search):
    rng = np.random.default_rng(11)
    for alpha in 10.0 ** rng.uniform(-8, 8, 30):
        compiled = search_compiled(*COMPILED[name], alpha, search)
        assert isinstance(compiled, LineSearchResult)
        # the same compiled phi, because LLVM's powers and logarithms may round otherwise than Python's
        assert compiled == search_along(COMPILED[name], alpha, search).step


PHI, DPHI = COMPILED["II"]


@numba.njit
def all_ways():
    return (
        line_search(PHI, DPHI),
        line_search(PHI, DPHI, 0.5),
        line_search(PHI, DPHI, alpha=0.5),
        line_search(PHI, DPHI, 1, Zoom()),
        line_search(PHI, DPHI, search=Zoom()),
        line_search(dphi=DPHI, phi=PHI, search=Zoom(), alpha=0.5),
    )


def test_defaults_and_keywords():
    function = COMPILED["II"]
    expected = [
        line_search(*function),
        line_search(*function, 0.5),
        line_search(*function, 0.5),
        line_search(*function, 1.0, Zoom()),
        line_search(*function, 1.0, Zoom()),
        line_search(*function, 0.5, Zoom()),
    ]
    assert list(all_ways()) == expected


@numba.njit
def not_a_descent(alpha):
    return line_search(PHI, PHI, alpha)


def test_verdicts_of_compiled_code():
    step = not_a_descent(math.nan)
    assert step.verdict == Verdict.NOT_DESCENT
    assert step.nfev == 0


@numba.njit
def many_trials(phi, dphi, search, state, rounds):
    for _ in range(rounds):
        alpha = 1e4
        verdict = start(search, state, phi(0.0), dphi(0.0), alpha)
        while verdict == 0:
            verdict, alpha = offer(search, state, alpha, phi(alpha), dphi(alpha), True)
    return alpha


@pytest.mark.parametrize("search", SEARCHES, ids=repr)
def test_a_trial_allocates_nothing(search):
    state = np.zeros(SIZE)
    allocations = []
    for rounds in (1, 1, 200):
        before = rtsys.get_allocation_stats().alloc
        many_trials(*COMPILED["log barrier"], search, state, rounds)
        allocations.append(rtsys.get_allocation_stats().alloc - before)
    assert allocations[1] == allocations[2]
