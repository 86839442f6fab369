"""Trials where phi or its slope is not finite: backed away from, and the minimiser before them is found."""

import math

import numpy as np
import pytest
from one_variable import (
    PUBLISHED,
    Function,
    exponential,
    has_sufficient_decrease,
    is_finite,
    line,
    log_barrier,
    may_be_accepted,
    meets_conditions,
    parabola,
    search_along,
)

from numopt import Backtracking, MoreThuente, Verdict, Zoom

SEARCHES = {
    "MoreThuente": MoreThuente(xtol=1e-12, max_evals=100),
    "MoreThuente, exact": MoreThuente(ftol=1e-4, gtol=1e-3, xtol=1e-12, max_evals=100),
    "Zoom": Zoom(max_evals=100),
    "Zoom, exact": Zoom(c1=1e-4, c2=1e-3, c3=None, xtol=0, max_evals=100),
    "Backtracking": Backtracking(max_evals=1000),
}
BEYOND = {
    "both NaN": (math.nan, math.nan),
    "both inf": (math.inf, math.inf),
    "NaN slope": (1.0, math.nan),
    "inf slope": (-1e6, math.inf),
    "NaN value": (math.nan, 1.0),
    "inf value": (math.inf, -1.0),
    "falling to NaN": (math.nan, -math.inf),
}


@pytest.fixture(params=SEARCHES)
def search(request):
    return SEARCHES[request.param]


class TestWall:
    @pytest.mark.parametrize("beyond", BEYOND)
    def test_it_is_backed_away_from_and_solved(self, search, beyond):
        rng = np.random.default_rng(7)
        for alpha in [*10.0 ** rng.uniform(-8, 8, 15), 1e30, 1e300, 1e308]:
            weight, wall = 10.0 ** rng.uniform(-3, -0.5), 10.0 ** rng.uniform(-3, 3)
            function = log_barrier(weight, wall).outside(lambda a, wall=wall: a < wall, BEYOND[beyond])
            run = search_along(function, alpha, search)
            assert run.verdict is Verdict.ACCEPTED
            assert 0.0 < run.step.alpha < wall
            assert run.step.phi < function.phi(0.0)
            assert may_be_accepted(function, run, search)

    def test_the_search_goes_on_where_phi_is_finite(self):
        """The minimiser lies within the first trial after the rejected one: full conditions hold there."""
        function = log_barrier(weight=0.5)
        for search in SEARCHES.values():
            run = search_along(function, 3.0, search)
            assert meets_conditions(function, run.step.alpha, search)

    def test_a_huge_step_takes_few_trials(self, search):
        """From 1e8 to below 1e-8: faster than geometrically."""
        function = line().outside(lambda a: a < 1e-8, BEYOND["both NaN"])
        run = search_along(function, 1e8, search)
        assert run.verdict is Verdict.ACCEPTED
        assert any(is_finite(function, a) for a in run.trials[:10])
        assert len(run.trials) <= 20

    @pytest.mark.parametrize("exponent", [-1, -3, -10, -30, -100, -300])
    def test_it_never_locks_the_step_at_zero(self, search, exponent):
        wall = 10.0**exponent
        function = line().outside(lambda a: a < wall, BEYOND["both inf"])
        run = search_along(function, 1.0, search)
        assert run.verdict is Verdict.ACCEPTED
        assert 0.0 < run.step.alpha < wall

    def test_rejected_trials_do_not_use_up_the_budget(self, search):
        function = line().outside(lambda a: a < 1e-8, BEYOND["both NaN"])
        run = search_along(function, 1e8, search._replace(max_evals=1))
        assert run.verdict in (Verdict.ACCEPTED, Verdict.EXHAUSTED)
        assert run.step.alpha == run.trials[-1] > 0.0
        assert len(run.trials) == 10

    @pytest.mark.parametrize("kind", ["MoreThuente, exact", "Zoom, exact"])
    def test_no_trial_comes_near_it_again(self, kind):
        """After a rejection the largest step is a quarter of the way from the best point to the rejected one."""
        rng = np.random.default_rng(8)
        for _ in range(50):
            function = log_barrier(10.0 ** rng.uniform(-4, -1))
            run = search_along(function, 10.0 ** rng.uniform(-4, 4), SEARCHES[kind])
            largest, best, phi_best = math.inf, 0.0, function.phi(0.0)
            for alpha in run.trials:
                assert alpha <= largest
                if not is_finite(function, alpha):
                    largest = best + 0.25 * (alpha - best)
                elif function.phi(alpha) < phi_best and has_sufficient_decrease(function, alpha, SEARCHES[kind]):
                    best, phi_best = alpha, function.phi(alpha)

    def test_a_finite_trial_at_the_wall_is_accepted_while_phi_falls_steeply(self):
        function = line().outside(lambda a: a <= 1.0, BEYOND["both NaN"])
        for search in SEARCHES.values():
            run = search_along(function, 4.0, search)
            assert run.verdict is Verdict.ACCEPTED
            assert run.trials == [4.0, 1.0]

    def test_the_wall_is_the_next_largest_step(self):
        """A trial falls, the next ones are rejected: the search goes up to the wall, a quarter of the way to them."""
        function = line().outside(lambda a: a < 3.0, BEYOND["both NaN"])
        run = search_along(function, 1.0, Zoom())
        assert run.trials == [1.0, 10.0, 3.25, 1.28125, 1.5625]
        run = search_along(function, 1.0, MoreThuente())
        assert run.trials == [1.0, 5.0, 2.0]


class TestHole:
    """phi is NaN inside an interval between finite points."""

    def test_beyond_the_minimiser(self, search):
        rng = np.random.default_rng(9)
        for _ in range(100):
            left = 10.0 ** rng.uniform(0.05, 1)
            right = left + 10.0 ** rng.uniform(-2, 1)
            function = holed(parabola(), left, right)
            run = search_along(function, 10.0 ** rng.uniform(-2, 2), search)
            assert run.verdict in (Verdict.ACCEPTED, Verdict.EXHAUSTED)
            assert run.step.phi < function.phi(0.0)
            assert len(run.trials) <= 20 * search.max_evals
            if run.verdict is Verdict.ACCEPTED:
                assert may_be_accepted(function, run, search)

    @pytest.mark.parametrize("name", ["I", "II", "VI"])
    def test_before_the_minimiser(self, search, name):
        """A bracketed minimiser to the right of the hole is found, and no wall is seen where there is none."""
        minimiser = {"I": math.sqrt(2.0), "II": 1.596, "VI": 0.926}[name]
        rng = np.random.default_rng([10, *name.encode()])
        for _ in range(100):
            right = minimiser * (1.0 - 10.0 ** rng.uniform(-2, -0.2))
            left = max(0.02 * minimiser, right - 10.0 ** rng.uniform(-2, 0))
            function = holed(PUBLISHED[name], left, right)
            run = search_along(function, 10.0 ** rng.uniform(-2, 3), search)
            assert run.verdict is Verdict.ACCEPTED
            assert may_be_accepted(function, run, search)

    @pytest.mark.parametrize("kind", ["MoreThuente, exact", "Zoom, exact"])
    def test_a_rejected_trial_left_of_the_best_point_is_no_wall(self, kind):
        """The best point is beyond the hole and phi rises there: the next trials must not stop at the hole's edge."""
        search = SEARCHES[kind]
        for right in (0.5, 0.7, 0.9, 0.97):
            function = holed(exponential(), 0.1, right)  # its minimiser is log 3 = 1.0986
            for alpha in (0.05, 0.09, 1.5, 3.0, 5.0, 20.0):
                run = search_along(function, alpha, search)
                assert run.verdict is Verdict.ACCEPTED
                assert may_be_accepted(function, run, search)


def holed(function, left, right):
    return function.outside(lambda a: not left < a < right, (math.nan, math.nan))


@pytest.mark.parametrize("alpha", [5e-324, 1e-300, 1.0, 1e8, 1e308])
@pytest.mark.parametrize("beyond", BEYOND)
def test_nothing_finite_beyond_zero(search, beyond, alpha):
    function = line().outside(lambda a: a == 0.0, BEYOND[beyond])
    run = search_along(function, alpha, search)
    assert run.verdict is Verdict.STOPPED
    assert run.step.alpha == 0.0
    assert run.step.phi == 0.0
    assert run.step.slope == -1.0
    assert len(run.trials) <= 80


class TestUnbounded:
    def test_minus_infinity_at_the_first_trial(self, search):
        function = line().outside(lambda a: a < 1.0, (-math.inf, math.nan))
        run = search_along(function, 1.0, search)
        assert run.verdict is Verdict.UNBOUNDED
        assert run.trials == [1.0]
        assert run.step.alpha == 0.0

    @pytest.mark.parametrize("kind", ["MoreThuente", "Zoom"])
    def test_the_best_finite_point_is_kept(self, kind):
        function = line().outside(lambda a: a < 100.0, (-math.inf, -math.inf))
        run = search_along(function, 1.0, SEARCHES[kind])
        assert run.verdict is Verdict.UNBOUNDED
        assert run.trials[-1] >= 100.0
        assert run.step.alpha == run.trials[-2]
        assert run.step.phi == -run.trials[-2]
        assert run.step.slope == -1.0

    def test_a_line_that_overflows(self):
        function = Function(lambda a: -1e300 * a, lambda a: -1e300)
        run = search_along(function, 1.0, SEARCHES["Zoom"])
        assert run.verdict is Verdict.UNBOUNDED
        assert math.isfinite(run.step.phi)
