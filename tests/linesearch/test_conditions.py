"""Properties at random constants and first trials: what ACCEPTED promises, and that it is reached."""

import itertools
import math

import numpy as np
import pytest
from one_variable import (
    EPS,
    PUBLISHED,
    Function,
    decay,
    exponential,
    hyperbola,
    kink,
    line,
    log_barrier,
    may_be_accepted,
    meets_approximate_conditions,
    meets_conditions,
    parabola,
    pole,
    quartic,
    search_along,
    steps_down,
)

from numopt import Backtracking, MoreThuente, Verdict, Zoom

FUNCTIONS = {
    **PUBLISHED,
    "parabola": parabola(),
    "exponential": exponential(),
    "decay": decay(),
    "quartic": quartic(),
    "hyperbola": hyperbola(),
    "pole": pole(),
    "log barrier": log_barrier(),
    "shifted parabola": parabola(offset=1e8),
    "kink": kink(),
    "line": line(),
}
SEARCHES = {
    "MoreThuente": lambda c1, c2: MoreThuente(ftol=c1, gtol=c2, xtol=1e-14, max_evals=200),
    "Zoom": lambda c1, c2: Zoom(c1=c1, c2=c2, xtol=0, max_evals=400),
    "Zoom, strict": lambda c1, c2: Zoom(c1=c1, c2=c2, c3=None, xtol=0, max_evals=400),
    "Backtracking": lambda c1, c2: Backtracking(c1=c1, max_evals=1000),
}
# Where no step meets the conditions: |phi'| is 1 on both sides of the kink; along a line phi' never changes, and only
# MoreThuente has a largest step.
UNMET = {
    ("kink", "MoreThuente"): {Verdict.STOPPED},
    ("kink", "Zoom"): {Verdict.STOPPED},
    ("kink", "Zoom, strict"): {Verdict.STOPPED},
    ("line", "Zoom"): {Verdict.UNBOUNDED, Verdict.STOPPED},
    ("line", "Zoom, strict"): {Verdict.UNBOUNDED, Verdict.STOPPED},
}
DRAWS = 60


def draws(seed):
    """Constants c1 < c2 and a first trial, log-uniform."""
    rng = np.random.default_rng([4, *seed.encode()])
    for _ in range(DRAWS):
        c1, c2 = np.sort(10.0 ** rng.uniform(-6, -0.01, 2))
        yield c1, c2, 10.0 ** rng.uniform(-8, 8)


@pytest.mark.parametrize("kind", SEARCHES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_conditions_are_met(name, kind):
    function = FUNCTIONS[name]
    for c1, c2, alpha in draws(name):
        search = SEARCHES[kind](c1, c2)
        run = search_along(function, alpha, search)
        if (name, kind) in UNMET:
            assert run.verdict in UNMET[name, kind]
        elif name == "line" and kind == "MoreThuente":
            assert run.verdict is Verdict.ACCEPTED
            assert run.step.alpha == search.stpmax
        else:
            assert run.verdict is Verdict.ACCEPTED
            assert may_be_accepted(function, run, search)


@pytest.mark.parametrize("kind", SEARCHES)
@pytest.mark.parametrize(("least", "most"), [(1e-4, 0.1), (0.1, 0.5), (0.5, 0.95)])
def test_conditions_are_met_on_steps(kind, least, most):
    """Also for large constants of decrease, where a point may be lower than the best one, but not low enough."""
    rng = np.random.default_rng([15, int(1000 * most)])
    for _ in range(300):
        c1 = np.exp(rng.uniform(np.log(least), np.log(most)))
        search, function = SEARCHES[kind](c1, rng.uniform(c1, 0.96)), steps_down(rng)
        run = search_along(function, 10.0 ** rng.uniform(-3, 3), search)
        assert run.verdict is Verdict.ACCEPTED
        assert meets_conditions(function, run.step.alpha, search)


@pytest.mark.parametrize("kind", ["MoreThuente", "Zoom, strict", "Backtracking"])
@pytest.mark.parametrize("name", ["I", "II", "III", "IV", "V", "VI", "parabola", "hyperbola", "decay"])
def test_without_walls_and_rounding_only_the_stated_conditions_accept(name, kind):
    for c1, c2, alpha in draws(name + kind):
        search = SEARCHES[kind](c1, c2)
        run = search_along(FUNCTIONS[name], alpha, search)
        assert run.verdict is not Verdict.ACCEPTED or meets_conditions(FUNCTIONS[name], run.step.alpha, search)


@pytest.mark.parametrize("search", [MoreThuente(), Zoom(), Zoom(c3=None), Backtracking()], ids=repr)
@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name not in ("kink", "line")])
def test_defaults_decrease_phi(name, search):
    rng = np.random.default_rng([5, *name.encode()])
    for _ in range(20):
        run = search_along(FUNCTIONS[name], 10.0 ** rng.uniform(-2, 2), search)
        assert run.step.phi < FUNCTIONS[name].phi(0.0)
        if run.verdict is Verdict.ACCEPTED:
            assert may_be_accepted(FUNCTIONS[name], run, search)


@pytest.mark.parametrize("search", [MoreThuente(max_evals=50), Zoom(max_evals=50)], ids=lambda s: type(s).__name__)
def test_a_kink_is_found_within_the_budget(search):
    rng = np.random.default_rng(6)
    for _ in range(50):
        run = search_along(kink(), 10.0 ** rng.uniform(-8, 8), search)
        assert run.verdict in (Verdict.STOPPED, Verdict.EXHAUSTED)
        assert run.step.nfev <= search.max_evals
        assert run.step.phi <= 0.2


@pytest.mark.parametrize("search", [MoreThuente(gtol=0.1, xtol=1e-9), Zoom(c2=0.1)], ids=lambda s: type(s).__name__)
@pytest.mark.parametrize("steepness", [10.0, 100.0, 1000.0])
@pytest.mark.parametrize("first", [1e-6, 1e-2, 0.9, 1.1, 1.3])
def test_a_cliff_ahead(search, steepness, first):
    """phi falls like a line and rises like exp(steepness alpha) from alpha = 1 on, to 1e130 for the last trial."""
    function = cliff(steepness)
    run = search_along(function, first, search._replace(max_evals=60))
    assert run.verdict is Verdict.ACCEPTED
    assert meets_conditions(function, run.step.alpha, search)


@pytest.mark.parametrize("kind", SEARCHES)
@pytest.mark.parametrize("name", ["I", "II", "III", "IV", "VI", "exponential", "pole", "log barrier", "kink"])
@pytest.mark.parametrize("steps", [-30, 30])
def test_units_do_not_matter(name, kind, steps):
    """Alpha in other units, and phi too: the same trials, bit for bit, because the units are powers of two."""
    function, unit, height = FUNCTIONS[name], 2.0**steps, 2.0**-17
    other = Function(lambda a: height * function.phi(a / unit), lambda a: height / unit * function.dphi(a / unit))
    for c1, c2, alpha in itertools.islice(draws(name + kind), 15):
        search = SEARCHES[kind](c1, c2)
        if isinstance(search, MoreThuente):
            search = search._replace(stpmax=math.inf)
        run, scaled = search_along(function, alpha, search), search_along(other, unit * alpha, search)
        assert [unit * a for a in run.trials] == scaled.trials
        assert scaled.verdict is run.verdict
        assert scaled.step.alpha == unit * run.step.alpha


@pytest.mark.parametrize("search", [MoreThuente(max_evals=100), Zoom(max_evals=100)], ids=lambda s: type(s).__name__)
def test_xtol_is_relative_to_the_upper_end(search):
    """The trials on both sides of the kink are the interval; it is short enough after the last trial, not before."""

    def short_enough(trials, xtol):
        lower = max([0.0, *(a for a in trials if a <= 1.0)])
        upper = min([math.inf, *(a for a in trials if a > 1.0)])
        return upper - lower <= xtol * upper < math.inf

    rng = np.random.default_rng(14)
    for _ in range(60):
        xtol = 10.0 ** rng.uniform(-6, -0.3)
        run = search_along(kink(), 10.0 ** rng.uniform(-2, 2), search._replace(xtol=xtol))
        assert run.verdict is Verdict.STOPPED
        assert short_enough(run.trials, xtol)
        assert not short_enough(run.trials[:-1], xtol)


class TestBoundaries:
    """Each condition holds where it is an equation; all numbers are exact."""

    @pytest.mark.parametrize("search", [MoreThuente(gtol=0.5), Zoom(c2=0.5)], ids=lambda s: type(s).__name__)
    def test_curvature(self, search):
        run = search_along(parabola(), 0.5, search)
        assert run.trials == [0.5]
        assert run.verdict is Verdict.ACCEPTED

    @pytest.mark.parametrize(
        "search", [MoreThuente(ftol=0.5), Zoom(c1=0.5), Backtracking(c1=0.5)], ids=lambda s: type(s).__name__
    )
    def test_sufficient_decrease(self, search):
        run = search_along(parabola(), 1.0, search)
        assert run.trials == [1.0]
        assert run.verdict is Verdict.ACCEPTED

    @pytest.mark.parametrize(
        ("decrease", "slope", "change", "accepted"),
        [
            (0.0, 0.0, 1.0, True),
            (0.0, -0.5, 1.0, True),  # c2 phi'(0)
            (0.0, -0.5 - 2.0**-40, 1.0, False),
            (0.0, 0.5, 1.0, True),  # (2 c1 - 1) phi'(0)
            (0.0, 0.5 + 2.0**-40, 1.0, False),
            (2.0**-33, 0.0, 1.0, True),  # c3 |phi(0)|
            (2.0**-33 + 2.0**-50, 0.0, 1.0, False),
            (0.0, 0.0, 2.0**30 * 0.99e-7, True),  # a small change
            (0.0, 0.0, 2.0**30 * 1.01e-7, False),
        ],
    )
    def test_approximate_conditions(self, decrease, slope, change, accepted):
        unit = change * 2.0**-30
        function = Function(
            lambda a: 1.0 if a == 0.0 else 1.0 - decrease, lambda a: -unit if a == 0.0 else slope * unit
        )
        run = search_along(function, 1.0, Zoom(c1=0.25, c2=0.5, c3=2.0**-33))
        assert (run.trials == [1.0]) == accepted

    @pytest.mark.parametrize(("units", "goes_on"), [(16, True), (20, False)])
    def test_a_rise_by_rounding_is_none(self, units, goes_on):
        """Below 4e-15 |phi| the slope decides, which still falls; above, the minimiser lies before the trial."""
        function = Function(lambda a: 1.0 if a == 0.0 else 1.0 + units * EPS, lambda a: -1e-12)
        run = search_along(function, 1.0, Zoom(max_evals=2))
        assert (run.trials[1] > 1.0) == goes_on


class TestTrialsOfZoom:
    def test_it_expands_at_least_twice(self):
        run = search_along(parabola(1.125), 1.0, Zoom(c2=0.01))
        assert run.trials[:2] == [1.0, 2.0]

    def test_it_expands_at_most_tenfold(self):
        run = search_along(parabola(1000.0), 1.0, Zoom(c2=0.01))
        assert run.trials[:3] == [1.0, 10.0, 100.0]
        assert math.isclose(run.trials[3], 1000.0, rel_tol=1e-9)

    @pytest.mark.parametrize(("minimizer", "second"), [(0.01, 0.1), (0.48, 0.48)])
    def test_it_stays_away_from_the_ends(self, minimizer, second):
        run = search_along(parabola(minimizer), 1.0, Zoom(c2=0.01))
        assert run.trials[0] == 1.0
        assert math.isclose(run.trials[1], second, rel_tol=1e-12)


class TestLimitOfPrecision:
    """phi = 1e8 + a parabola so flat that its decrease is lost by rounding: only the slope can tell."""

    @pytest.mark.parametrize("curvature", [1e-8, 1e-10, 1e-12])
    @pytest.mark.parametrize("first", [1e-3, 0.1, 1.0, 1.9, 10.0, 1e3])
    def test_zoom_finishes_and_never_rises(self, curvature, first):
        function = parabola(offset=1e8, curvature=curvature)
        run = search_along(function, first, Zoom())
        assert run.verdict in (Verdict.ACCEPTED, Verdict.STOPPED)
        assert run.step.nfev <= 10
        assert run.step.phi <= function.phi(0.0)

    @pytest.mark.parametrize("first", [0.95, 1.0, 1.05])
    def test_the_slope_decides(self, first):
        function = level(1e8, parabola(curvature=1e-5))
        search = Zoom(c1=0.3, c2=0.9)  # asks for a decrease of 3e-6, which phi does not show
        run = search_along(function, first, search)
        assert run.verdict is Verdict.ACCEPTED
        assert run.trials == [first]
        assert not meets_conditions(function, first, search)
        strict = search_along(function, first, search._replace(c3=None))
        assert strict.verdict is not Verdict.ACCEPTED
        assert strict.step.alpha == 0.0

    @pytest.mark.parametrize("first", [0.05, 1.5, 3.0])
    def test_a_slope_out_of_range_is_not_accepted(self, first):
        function = level(1e8, parabola(curvature=1e-5))
        run = search_along(function, first, Zoom(c1=0.3, c2=0.9))
        assert run.trials[0] == first
        assert len(run.trials) > 1
        assert run.verdict is Verdict.ACCEPTED
        assert 0.1 <= run.step.alpha <= 1.4

    def test_a_step_that_rises_by_rounding_is_not_taken(self):
        """The slope is right, but phi(1) lies one unit above phi(0): the approximate conditions hold, and it stops."""
        function = parabola(offset=1e8, curvature=1e-8)
        unit = math.ulp(1e8)
        risen = function._replace(phi=lambda a: 1e8 + unit if a == 1.0 else 1e8)
        run = search_along(risen, 1.0, Zoom())
        assert run.verdict is Verdict.STOPPED
        assert run.step.alpha == 0.0
        assert run.step.phi == 1e8

    def test_equal_values_by_chance_are_not_rounding(self):
        """phi(2) = phi(0) on the two sides of a valley, with a slope in range: it is not accepted, whatever c3 is."""
        function = Function(
            lambda a: 1.0 - a + 0.95 * a * a - 0.225 * a * a * a, lambda a: -1.0 + 1.9 * a - 0.675 * a * a
        )
        search = Zoom(c1=0.1, c3=1.0)
        assert meets_approximate_conditions(function, 2.0, search)
        run = search_along(function, 2.0, search)
        assert run.trials[0] == 2.0
        assert len(run.trials) > 1
        assert meets_conditions(function, run.step.alpha, search)


def cliff(steepness):
    def phi(a):
        return -a + math.exp(min(steepness * (a - 1.0), 700.0)) / steepness

    def dphi(a):
        return -1.0 + math.exp(min(steepness * (a - 1.0), 700.0))

    return Function(phi, dphi)


def level(value, function):
    """The slopes of ``function`` under a constant phi: all that rounding has left of it."""
    return function._replace(phi=lambda a: value)
