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
    )


def test_made_inside_njit():
    made = (
        no.cosine_decay(1.0, 10),
        no.linear(1.0, 0.0, 10),
        no.exponential_decay(1.0, 10, 0.5, staircase=True),
        no.warmup_cosine(0.0, 1.0, 2, 10),
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
        (no.constant(0.25), 0.25),
        (no.join([0.5, no.constant(1.0)], [100]), 0.5),
    ],
)
def test_corners_at_count_3(schedule, value):
    assert schedule(3) == value


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: no.cosine_decay(1.0, 0), "steps must be positive"),
        (lambda: no.warmup_cosine(0.0, 1.0, 10, 10), "steps must be more than warmup"),
        (lambda: no.piecewise_constant(1.0, {3: -1.0}), "scales must not be negative"),
        (lambda: no.piecewise_interpolate("cubic", 1.0, {3: 1.0}), "'linear' or 'cosine'"),
        (lambda: no.piecewise_interpolate("linear", 1.0, {0: 1.0}), "knots must increase"),
        (lambda: no.join([no.constant(1.0)], [3]), "one boundary less"),
        (lambda: no.join([no.constant(1.0)] * 3, [5, 3]), "increasing"),
        (lambda: no.sgdr([]), "at least one cycle"),
        (lambda: no.constant(1.0)(-1), "count must be at least 0"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_wrong_kinds():
    with pytest.raises(TypeError, match="join takes schedules and numbers"):
        no.join([1.0, "a"], [3])
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
