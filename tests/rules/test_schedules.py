"""Schedules: corners, errors, and the same inside compiled code. Their values stand in the table of test_optax."""

import numpy as np
import pytest
from numba import njit
from rules.peer_optax import SCHEDULES

import numopt as no
from numopt.generic import rate


@njit
def compiled(schedule, count):
    return rate(schedule, count)


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_same_in_compiled_code(name):
    schedule = SCHEDULES[name][0]
    for count in (0, 1, 4, 5, 6, 10, 20, 39, 40, 1000):
        assert compiled(schedule, count) == pytest.approx(schedule(count), rel=1e-15, abs=1e-300)


@njit
def made_inside(count):
    return (
        rate(no.cosine_decay(1.0, 10), count),
        rate(no.linear(1.0, 0.0, 10), count),
        rate(no.exponential_decay(1.0, 10, 0.5, staircase=True), count),
        rate(no.warmup_cosine(0.0, 1.0, 2, 10), count),
        rate(no.warmup_constant(0.5, 1.0, 10), count),
    )


def test_made_inside_njit():
    made = (
        no.cosine_decay(1.0, 10),
        no.linear(1.0, 0.0, 10),
        no.exponential_decay(1.0, 10, 0.5, staircase=True),
        no.warmup_cosine(0.0, 1.0, 2, 10),
        no.warmup_constant(0.5, 1.0, 10),
    )
    assert made_inside(7) == pytest.approx([schedule(7) for schedule in made], rel=1e-15)


def test_a_rule_with_a_schedule_inside_njit():
    @njit
    def run(x):
        opt = no.SGD(no.linear(1.0, 0.0, 4)).init(x)
        for _ in range(5):
            opt.update(x, np.ones(1))
        return opt.learning_rate

    x = np.zeros(1)
    assert run(x) == 0.0
    assert x[0] == -2.5


def test_arrays_of_counts():
    counts = np.arange(6).reshape(2, 3)
    values = no.linear(1.0, 0.0, 5)(counts)
    np.testing.assert_allclose(values, 1 - counts / 5)
    assert no.constant(3)(np.array([])).shape == (0,)


@pytest.mark.parametrize(
    ("schedule", "value"),
    [
        (no.polynomial(2.0, 1.0, 1.0, 0), 2.0),
        (no.exponential_decay(2.0, 0, 0.5), 2.0),
        (no.exponential_decay(2.0, 5, 0.0), 2.0),
        (no.exponential_decay(2.0, 5, 0.5, end=3.0), 3.0),
        (no.exponential_decay(2.0, 5, 2.0, end=1.0), 1.0),
        (no.warmup_cosine(1.0, 0.0, 0, 5), 0.0),
        (no.linear(2.0, 1.0, 0), 2.0),
        (no.warmup_constant(1.0, 2.0, 4), 1.75),
        (no.warmup_constant(1.0, 2.0, 2), 2.0),
        (no.cosine_decay(1.0, 3, alpha=2.0), 2.0),
        (no.constant(0.25), 0.25),
        (no.join([0.5, no.constant(1.0)], [100]), 0.5),
    ],
)
def test_corners_at_count_3(schedule, value):
    assert schedule(3) == value


MADE_OF_NUMBERS = [
    (no.constant, {"value": 1.0}),
    (no.polynomial, {"init": 1.0, "end": 0.1, "power": 2.0, "steps": 10, "begin": 5}),
    (no.linear, {"init": 1.0, "end": 0.1, "steps": 10, "begin": 5}),
    (no.exponential_decay, {"init": 1.0, "steps": 10, "rate": 0.5, "begin": 5, "end": 0.1}),
    (no.cosine_decay, {"init": 1.0, "steps": 10, "alpha": 0.1, "exponent": 2.0}),
    (no.warmup_constant, {"init": 0.1, "peak": 1.0, "warmup": 5}),
    (no.warmup_cosine, {"init": 0.1, "peak": 1.0, "warmup": 5, "steps": 10, "end": 0.1, "exponent": 2.0}),
    (no.warmup_exponential, {"init": 0.1, "peak": 1.0, "warmup": 5, "steps": 10, "rate": 0.5, "begin": 5, "end": 0.1}),
    (no.onecycle_linear, {"steps": 20, "peak": 1.0, "pct_start": 0.3, "pct_final": 0.8, "div": 5.0, "final_div": 9.0}),
    (no.onecycle_cosine, {"steps": 20, "peak": 1.0, "pct_start": 0.3, "div": 5.0, "final_div": 9.0}),
]


@pytest.mark.parametrize("wrong", [-1.0, np.nan, np.inf, "fast", 1j, None, True, np.ones(2), no.L1Ball(1.0)], ids=repr)
@pytest.mark.parametrize(("make", "numbers"), MADE_OF_NUMBERS, ids=lambda value: getattr(value, "__name__", ""))
def test_a_wrong_number_is_named(make, numbers, wrong):
    for name in numbers:
        if name == "end" and wrong is None and "rate" in numbers:
            continue  # it has no end then
        with pytest.raises((ValueError, TypeError), match=f"^(\\w+: )?{name} must be") as error:
            make(**{**numbers, name: wrong})
        assert repr(wrong) in str(error.value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: no.cosine_decay(1.0, 0), "steps must be a finite number above 0, got 0.0"),
        (lambda: no.warmup_cosine(0.0, 1.0, 10, 10), "steps must be more than warmup"),
        (lambda: no.piecewise_constant(1.0, {3: -1.0}), "boundaries_and_scales: the scale at 3 must be .*, got -1.0"),
        (lambda: no.piecewise_constant(1.0, {3: np.nan}), "boundaries_and_scales: the scale at 3 must be .*, got nan"),
        (lambda: no.piecewise_constant(1.0, {-3: 1.0}), "boundaries_and_scales: a count must be .*, got -3"),
        (lambda: no.piecewise_constant(1.0, {np.inf: 1.0}), "boundaries_and_scales: a count must be .*, got inf"),
        (lambda: no.piecewise_constant(-1.0, {3: 1.0}), "init must be .*, got -1.0"),
        (lambda: no.piecewise_interpolate("linear", np.nan, {3: 1.0}), "init must be .*, got nan"),
        (lambda: no.piecewise_interpolate("cubic", 1.0, {3: 1.0}), "'linear' or 'cosine'"),
        (lambda: no.piecewise_interpolate("linear", 1.0, {0: 1.0}), "knots must increase"),
        (lambda: no.onecycle_linear(20, 1.0, 0.9, 0.3), "0 < pct_start < pct_final < 1 is needed, got 0.9, 0.3"),
        (lambda: no.onecycle_cosine(20, 1.0, 1.5), "0 < pct_start < 1 is needed, got 1.5"),
        (lambda: no.onecycle_linear(20, 1.0, div=0), "div must be a finite number above 0, got 0"),
        (lambda: no.join([no.constant(1.0)], [3]), "one less than schedules; .*=\\[3\\] for 1 schedules"),
        (lambda: no.join([no.constant(1.0)] * 3, [5, 3]), "increasing"),
        (lambda: no.join([no.constant(1.0)] * 3, np.array([5, 3], np.uint8)), "increasing"),
        (lambda: no.join([1.0, 2.0], [-1]), "boundaries from 0 on"),
        (lambda: no.join([1.0, 2.0], [np.nan]), "boundaries from 0 on"),
        (lambda: no.join([1.0, 2.0], 3), "boundaries=3"),
        (lambda: no.join([1.0, 2.0], "a"), "boundaries='a'"),
        (lambda: no.join([1.0, -2.0], [3]), "schedules: a number must be .*, got -2.0"),
        (lambda: no.sgdr([]), "at least one cycle"),
        (lambda: no.sgdr([{"init": 0, "peak": -1, "warmup": 2, "steps": 9}]), "peak must be .*, got -1"),
        (lambda: no.constant(1.0)(-1), "count must be at least 0"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_wrong_kinds():
    with pytest.raises(TypeError, match="join takes schedules and numbers"):
        no.join([1.0, "a"], [3])
    with pytest.raises(TypeError, match="join takes schedules and numbers"):
        no.join([1.0, no.L1Ball(1.0)], [3])
    with pytest.raises(TypeError, match="boundaries_and_scales must be a dict"):
        no.piecewise_constant(1.0, [(3, 0.5)])
    with pytest.raises(TypeError, match=r"learning_rate must be a number or a schedule, got L1Ball"):
        no.SGD(no.L1Ball(1.0))
    with pytest.raises(TypeError, match="count must be an integer"):
        no.constant(1.0)(2.5)


@pytest.mark.variants
@pytest.mark.parametrize("name", SCHEDULES)
def test_a_rule_with_a_schedule_from_python(name):
    """The arrays of a schedule are not as long as x."""
    schedule, x = SCHEDULES[name][0], np.zeros(12)
    opt = no.SGD(schedule).init(x)
    opt.update(x, np.ones(12))
    np.testing.assert_allclose(x, -schedule(0), rtol=1e-15)
