"""How a search ends when it does not accept, and what it hands back then."""

import math

import numpy as np
import pytest
from one_variable import (
    PUBLISHED,
    Function,
    has_sufficient_decrease,
    kink,
    line,
    log_barrier,
    parabola,
    search_along,
)

from numopt import Backtracking, LineSearchResult, MoreThuente, Verdict, Zoom, line_search
from numopt.linesearch import safeguard

SEARCHES = [MoreThuente(), Zoom(), Zoom(c3=None), Backtracking()]


@pytest.mark.parametrize("search", SEARCHES, ids=repr)
class TestNotDescent:
    @pytest.mark.parametrize("slope0", [0.0, -0.0, 1.0, 1e-300, math.inf, -math.inf, math.nan])
    def test_slope(self, search, slope0):
        run = search_along(Function(lambda a: -a, lambda a: slope0 if a == 0.0 else -1.0), 1.0, search)
        assert run.verdict is Verdict.NOT_DESCENT
        assert run.trials == []
        assert run.step.alpha == 0.0
        assert run.step.phi == 0.0
        np.testing.assert_equal(run.step.slope, slope0)

    @pytest.mark.parametrize("phi0", [math.nan, math.inf, -math.inf])
    def test_value(self, search, phi0):
        run = search_along(Function(lambda a: phi0 if a == 0.0 else -a, lambda a: -1.0), 1.0, search)
        assert run.verdict is Verdict.NOT_DESCENT
        assert run.trials == []
        assert run.step.alpha == 0.0
        np.testing.assert_equal(run.step.phi, phi0)

    @pytest.mark.parametrize("alpha", [0.0, -0.0, -1.0, -math.inf, math.inf, math.nan])
    def test_first_trial(self, search, alpha):
        run = search_along(parabola(), alpha, search)
        assert run.verdict is Verdict.NOT_DESCENT
        assert run.trials == []
        assert run.step == LineSearchResult(0.0, 0.5, -1.0, 0, Verdict.NOT_DESCENT)


class TestExhausted:
    @pytest.mark.parametrize("max_evals", range(1, 13))
    @pytest.mark.parametrize("name", PUBLISHED)
    @pytest.mark.parametrize(
        "search",
        [MoreThuente(ftol=0.01, gtol=0.02, xtol=1e-12), Zoom(c1=0.01, c2=0.02)],
        ids=lambda s: type(s).__name__,
    )
    def test_the_best_point_of_sufficient_decrease(self, search, name, max_evals):
        function = PUBLISHED[name]
        ends = set()
        for alpha in (1e-6, 1e-3, 1.0, 1e3, 1e6):
            run = search_along(function, alpha, search._replace(max_evals=max_evals))
            ends.add(run.verdict)
            assert run.verdict in (Verdict.ACCEPTED, Verdict.EXHAUSTED)
            if run.verdict is Verdict.EXHAUSTED:
                assert len(run.trials) == max_evals
                assert run.step.alpha == best_of(function, run.trials, search)
        assert max_evals > 1 or Verdict.EXHAUSTED in ends

    def test_one_evaluation(self):
        function = parabola()
        for search in (MoreThuente(gtol=0.1, max_evals=1), Zoom(c2=0.1, max_evals=1)):
            run = search_along(function, 0.5, search)
            assert run.verdict is Verdict.EXHAUSTED
            assert run.trials == [0.5]
            assert run.step == LineSearchResult(0.5, 0.125, -0.5, 1, Verdict.EXHAUSTED)
            run = search_along(function, 1.0, search)
            assert run.verdict is Verdict.ACCEPTED
            run = search_along(function, 5.0, search)
            assert run.verdict is Verdict.EXHAUSTED
            assert run.step == LineSearchResult(0.0, 0.5, -1.0, 1, Verdict.EXHAUSTED)

    def test_a_decrease_lost_in_rounding_is_sufficient(self):
        flat = Function(lambda a: 1e8, lambda a: 1e-9 * (a - 1.0))
        for search in (MoreThuente(gtol=0.1, max_evals=1), Zoom(c2=0.1, max_evals=1)):
            run = search_along(flat, 0.5, search)
            assert run.step == LineSearchResult(0.5, 1e8, -0.5e-9, 1, Verdict.EXHAUSTED)

    def test_backtracking_has_nothing_to_give(self):
        run = search_along(parabola(), 1e8, Backtracking(max_evals=7))
        assert run.verdict is Verdict.EXHAUSTED
        assert run.step.alpha == 0.0
        np.testing.assert_allclose(run.trials, 1e8 * 0.8 ** np.arange(7), rtol=1e-14)

    def test_backtracking_shrinks_until_sufficient_decrease(self):
        run = search_along(parabola(), 7.0, Backtracking(c1=0.3, shrink=0.5))
        assert run.trials == [7.0, 3.5, 1.75, 0.875]
        assert run.verdict is Verdict.ACCEPTED

    def test_the_budget_may_be_without_limit(self):
        for search in SEARCHES:
            run = search_along(log_barrier(), 1e3, search._replace(max_evals=math.inf))
            assert run.verdict is Verdict.ACCEPTED


def best_of(function, trials, search):
    """The trial of least phi among those of sufficient decrease; 0 if there is none."""
    sufficient = [a for a in trials if has_sufficient_decrease(function, a, search)]
    return min(sufficient, key=function.phi, default=0.0)


class TestStopped:
    def test_xtol_ends_with_the_best_point(self):
        for search in (MoreThuente(gtol=1e-3, xtol=0.5), Zoom(c2=1e-3, xtol=0.5)):
            run = search_along(PUBLISHED["II"], 10.0, search)
            assert run.verdict is Verdict.STOPPED
            assert run.step.alpha == best_of(PUBLISHED["II"], run.trials, search) > 0.0

    @pytest.mark.parametrize("search", [MoreThuente(xtol=0, max_evals=500), Zoom(xtol=0, max_evals=500)], ids=repr)
    def test_rounding_ends_without_xtol(self, search):
        run = search_along(kink(), 5.0, search)
        assert run.verdict is Verdict.STOPPED
        assert len(run.trials) < 200
        assert math.isclose(run.step.alpha, 1.0, rel_tol=1e-12)

    def test_no_decrease_at_all(self):
        """A wrong sign of the slope: every trial is higher, down to the smallest step."""
        wrong = Function(lambda a: a, lambda a: -1.0)
        for search in SEARCHES:
            run = search_along(wrong, 1.0, search._replace(max_evals=5000))
            assert run.verdict is Verdict.STOPPED
            assert run.step == LineSearchResult(0.0, 0.0, -1.0, run.step.nfev, Verdict.STOPPED)

    def test_a_smaller_step_than_stpmin_would_be_needed(self):
        search = MoreThuente(stpmin=2.5)
        run = search_along(parabola(), 3.0, search)
        assert run.verdict is Verdict.STOPPED
        assert run.step.alpha == 0.0
        assert run.trials[-1] == 2.5


class TestLargestStep:
    @pytest.mark.parametrize("first", [1e-3, 0.7, 2.0])
    def test_accepted_while_phi_still_falls(self, first):
        run = search_along(parabola(10.0), first, MoreThuente(gtol=0.1, stpmax=2.0))
        assert run.verdict is Verdict.ACCEPTED
        assert run.step.alpha == 2.0

    def test_without_limit(self):
        run = search_along(line(), 1e300, MoreThuente(stpmax=math.inf))
        assert run.verdict in (Verdict.UNBOUNDED, Verdict.STOPPED, Verdict.EXHAUSTED)
        assert run.step.alpha > 0.0

    @pytest.mark.parametrize(("first", "nearest"), [(5.0, 2.0), (0.01, 0.5), (1.0, 1.0)])
    def test_the_first_trial_lies_within_the_bounds(self, first, nearest):
        run = search_along(parabola(10.0), first, MoreThuente(stpmin=0.5, stpmax=2.0))
        assert run.trials[0] == nearest
        assert run.step.alpha <= 2.0


class TestResult:
    def test_fields_and_types(self):
        step = line_search(*parabola(), alpha=0.9)
        assert step._fields == ("alpha", "phi", "slope", "nfev", "verdict")
        assert (step.alpha, step.nfev, step.verdict) == (0.9, 1, Verdict.ACCEPTED)
        assert isinstance(step.nfev, int)
        assert isinstance(step.verdict, int)

    def test_the_default_is_more_thuente_from_one(self):
        function = PUBLISHED["II"]
        assert line_search(*function) == line_search(*function, 1.0, MoreThuente())

    def test_values_may_be_anything_that_is_a_number(self):
        step = line_search(lambda a: np.float32((a - 1.0) ** 2), lambda a: np.array(2.0 * (a - 1.0)), 1)
        assert step == line_search(*parabola(curvature=2.0))


def test_verdicts_are_the_integers_of_compiled_code():
    assert [verdict.name for verdict in Verdict] == [
        "SEARCHING",
        "ACCEPTED",
        "STOPPED",
        "EXHAUSTED",
        "UNBOUNDED",
        "NOT_DESCENT",
    ]
    assert [int(verdict) for verdict in Verdict] == list(range(6))
    for verdict in Verdict:
        constant = getattr(safeguard, verdict.name)
        assert type(constant) is int
        assert constant == verdict
