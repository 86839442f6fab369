"""A search is its state array: interrupted anywhere, copied and continued, it makes the same trials."""

import math
import pickle

import numpy as np
import pytest
from one_variable import PUBLISHED, line, log_barrier, pole, search_along

from numopt import Backtracking, MoreThuente, Verdict, Zoom
from numopt.linesearch.safeguard import BEST, PHI_BEST, SIZE, offer, start

FUNCTIONS = {
    **PUBLISHED,
    "log barrier": log_barrier(0.01),
    "pole": pole(),
    "hole": PUBLISHED["II"].outside(lambda a: not 0.3 < a < 1.0, (math.nan, math.nan)),
    "line": line().outside(lambda a: a < 1e-5, (math.inf, 0.0)),
}
SEARCHES = [
    MoreThuente(ftol=0.01, gtol=0.02, xtol=1e-12),
    Zoom(c1=0.01, c2=0.02),
    Zoom(c1=0.01, c2=0.02, c3=None),
    Backtracking(shrink=0.3),
]


def continued(function, search, state, verdict, alpha):
    """Drive the search by hand from here on; its trials and its last verdict."""
    trials = []
    while verdict == Verdict.SEARCHING:
        trials.append(alpha)
        verdict, alpha = offer(search, state, alpha, function.phi(alpha), function.dphi(alpha), True)
        alpha = float(alpha)
    return trials, verdict


@pytest.mark.parametrize("first", [1e-4, 0.6, 30.0])
@pytest.mark.parametrize("search", SEARCHES, ids=repr)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_any_interruption(name, search, first):
    function = FUNCTIONS[name]
    whole = search_along(function, first, search)
    state = np.full(SIZE, math.nan)  # nothing is read that start has not written
    verdict, alpha = start(search, state, function.phi(0.0), function.dphi(0.0), first), first
    for made in range(len(whole.trials)):
        saved = np.frombuffer(state.tobytes()).copy()
        trials, end = continued(function, pickle.loads(pickle.dumps(search)), saved, verdict, alpha)
        assert whole.trials[made:] == trials
        assert end == whole.verdict
        if end != Verdict.ACCEPTED:
            assert (saved[BEST], saved[PHI_BEST]) == (whole.step.alpha, whole.step.phi)
        verdict, alpha = offer(search, state, alpha, function.phi(alpha), function.dphi(alpha), True)
        alpha = float(alpha)
    assert verdict == whole.verdict


@pytest.mark.parametrize("search", SEARCHES, ids=repr)
def test_a_state_is_used_again(search):
    """A second search in the same array knows nothing of the first."""
    used = np.zeros(SIZE)
    for name in ("line", "II", "log barrier", "I"):
        function = FUNCTIONS[name]
        verdict = start(search, used, function.phi(0.0), function.dphi(0.0), 3.0)
        trials, end = continued(function, search, used, verdict, 3.0)
        whole = search_along(function, 3.0, search)
        assert trials == whole.trials
        assert end == whole.verdict


@pytest.mark.parametrize("search", SEARCHES, ids=repr)
def test_a_trial_that_the_solver_finds_unusable_is_backed_away_from(search):
    state = np.zeros(SIZE)
    assert start(search, state, 0.0, -1.0, 1.0) == Verdict.SEARCHING
    verdict, alpha = offer(search, state, 1.0, -1.0, -1.0, False)
    assert (verdict, alpha) == (Verdict.SEARCHING, 0.25)
    assert state[BEST] == 0.0


def test_the_smallest_state():
    """No search writes beyond SIZE entries, and MoreThuente needs them all."""
    for search in SEARCHES:
        room = np.full(SIZE + 3, 7.0)
        verdict = start(search, room, 1.0, -1.0, 2.0)
        continued(log_barrier(0.01), search, room, verdict, 2.0)
        assert (room[SIZE:] == 7.0).all()
