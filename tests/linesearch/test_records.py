"""The searches' parameters: validated, and the first trial that each proposes to a solver."""

import math
import re

import pytest

from numopt import Backtracking, MoreThuente, Zoom
from numopt.generic import decrease_constant, first_step

BAD = [
    (MoreThuente, "ftol", [0.0, -1e-3, 0.95, math.nan]),
    (MoreThuente, "gtol", [0.0, 1e-4, 1.0, 2.0, math.nan]),
    (MoreThuente, "xtol", [-1e-3, math.nan]),
    (MoreThuente, "stpmin", [-1.0, 1e10, math.inf, math.nan]),
    (MoreThuente, "stpmax", [0.0, -1.0, math.nan]),
    (MoreThuente, "max_evals", [0, -5, 0.5, math.nan]),
    (Zoom, "c1", [0.0, -1e-3, 0.9, 0.95, math.nan]),
    (Zoom, "c2", [0.0, 1e-4, 1.0, 2.0, math.nan]),
    (Zoom, "c3", [-1e-14, math.nan]),
    (Zoom, "xtol", [-1e-3, math.nan]),
    (Zoom, "max_evals", [0, -5, 0.5, math.nan]),
    (Backtracking, "c1", [0.0, -1e-3, 1.0, 2.0, math.nan]),
    (Backtracking, "shrink", [0.0, -0.5, 1.0, 2.0, math.nan]),
    (Backtracking, "grow", [0.99, 0.0, -1.0, math.nan]),
    (Backtracking, "max_evals", [0, -5, 0.5, math.nan]),
]


@pytest.mark.parametrize(
    ("search", "field", "value"),
    [pytest.param(cls, field, value, id=f"{cls.__name__}-{field}-{value}") for cls, field, vs in BAD for value in vs],
)
def test_a_bad_value_is_named(search, field, value):
    with pytest.raises(ValueError, match=rf"^{search.__name__}: .*\b{field}\b.*{re.escape(repr(float(value)))}"):
        search(**{field: value})
    with pytest.raises(ValueError, match=field):
        search()._replace(**{field: value})


@pytest.mark.parametrize("wrong", ["a", 1j, True, [1.0]])
@pytest.mark.parametrize(("search", "field"), [(search, field) for search, field, _ in BAD])
def test_what_is_no_number_is_named(search, field, wrong):
    with pytest.raises((TypeError, ValueError), match=rf"^{search.__name__}: {field} must be .*number"):
        search(**{field: wrong})


@pytest.mark.parametrize(
    "search",
    [
        lambda: MoreThuente(ftol=0.1, gtol=0.1, xtol=0, stpmin=0, stpmax=math.inf, max_evals=1),
        lambda: MoreThuente(stpmin=1.0, stpmax=math.nextafter(1.0, 2.0)),
        lambda: Zoom(c1=1e-300, c2=math.nextafter(1.0, 0.0), c3=0, xtol=0, max_evals=math.inf),
        lambda: Zoom(c3=None),
        lambda: Backtracking(c1=math.nextafter(1.0, 0.0), shrink=5e-324, grow=1, max_evals=1),
    ],
)
def test_the_limits_are_allowed(search):
    assert search() == search()


@pytest.mark.parametrize("cls", [MoreThuente, Zoom, Backtracking])
def test_every_parameter_is_held(cls):
    fields = {field for owner, field, _ in BAD if owner is cls}
    assert fields == set(cls._fields)


def test_defaults():
    assert MoreThuente() == MoreThuente(ftol=1e-3, gtol=0.9, xtol=0.1, stpmin=0, stpmax=1e10, max_evals=20)
    assert Zoom() == Zoom(c1=1e-4, c2=0.9, c3=1e-14, xtol=1e-10, max_evals=20)
    assert Backtracking() == Backtracking(c1=1e-4, shrink=0.8, grow=1.5, max_evals=100)


def test_numbers_become_floats():
    assert all(type(value) is float for value in MoreThuente(stpmin=1, max_evals=7))
    assert Zoom(c3=None).c3 is None


@pytest.mark.parametrize(
    ("search", "expected"), [(MoreThuente(ftol=0.2), 0.2), (Zoom(c1=0.3), 0.3), (Backtracking(c1=0.4), 0.4)]
)
def test_decrease_constant(search, expected):
    assert decrease_constant(search) == expected


class TestFirstStep:
    @pytest.mark.parametrize("natural", [1e-300, 0.3, 1.0, 1e8])
    @pytest.mark.parametrize("previous", [0.0, 1e-9, 1.0, 1e9])
    def test_the_natural_one(self, natural, previous):
        assert first_step(Zoom(), natural, previous) == natural

    @pytest.mark.parametrize(("natural", "expected"), [(0.1, 0.5), (1.0, 1.0), (5.0, 2.0), (0.5, 0.5), (2.0, 2.0)])
    def test_more_thuente_stays_in_its_bounds(self, natural, expected):
        assert first_step(MoreThuente(stpmin=0.5, stpmax=2.0), natural, 1e9) == expected

    def test_backtracking_begins_with_the_natural_one(self):
        assert first_step(Backtracking(), 0.7, 0.0) == 0.7

    @pytest.mark.parametrize("natural", [1e-3, 1.0, 1e5])
    def test_backtracking_never_exceeds_the_natural_one(self, natural):
        search = Backtracking(grow=2.0)
        for exponent in range(-300, 300, 7):
            previous = 10.0**exponent
            assert first_step(search, natural, previous) == min(natural, 2.0 * previous)

    @pytest.mark.parametrize("grow", [1.1, 1.5, 10.0])
    def test_backtracking_recovers_from_a_short_step(self, grow):
        search = Backtracking(grow=grow)
        step, made = 1e-8, 0
        while step < 1.0:
            longer = first_step(search, 1.0, step)
            assert step < longer <= 1.0
            step, made = longer, made + 1
        assert step == 1.0
        assert made == math.ceil(8.0 / math.log10(grow) - 1e-9)

    def test_backtracking_without_growth_never_lengthens(self):
        assert first_step(Backtracking(grow=1.0), 1.0, 0.25) == 0.25
