"""Schedules put together of parts: piecewise constant or interpolated, one cycle, one schedule after another."""

import math

import numpy as np

from .._jit import by_type, explained, is_number, jit, python_only
from ..generic import rate
from . import checks
from .schedules import schedule, warmup_cosine


@schedule
class Steps:
    """Constant between boundaries; made by :func:`piecewise_constant`."""

    boundaries: np.ndarray  # increasing counts
    values: np.ndarray  # one more

    def check(self):
        """Limits of the fields."""
        _check_counts(self.boundaries, self.values, 1)


@schedule
class Interpolated:
    """Between knots; made by :func:`piecewise_interpolate` and the one-cycle schedules."""

    counts: np.ndarray  # increasing, the first is 0
    values: np.ndarray
    cosine: bool = False

    def check(self):
        """Limits of the fields."""
        _check_counts(self.counts, self.values, 0)
        if self.counts.size == 0 or self.counts[0] != 0.0:
            raise ValueError(f"the first knot must stand at the count 0, got {self.counts!r}")


@schedule
class Joined:
    """One schedule after another; made by :func:`join`."""

    schedules: tuple
    boundaries: np.ndarray

    def check(self):
        """Limits of the fields."""
        _check_counts(self.boundaries, self.schedules, 1)
        if not all(is_number(part) or rate.registered(type(part)) for part in self.schedules):
            raise TypeError(f"schedules must be schedules and numbers, got {self.schedules!r}")


def _check_counts(counts, values, more):
    """There is a value for each of the counts, which increase, and ``more`` than those; compiled code looks at none."""
    vectors = all(isinstance(v, np.ndarray) and v.ndim == 1 and v.dtype == float for v in (counts, values))
    if not (vectors or (isinstance(values, tuple) and isinstance(counts, np.ndarray) and counts.ndim == 1)):
        raise ValueError(f"counts and values must be vectors of numbers, got {counts!r} and {values!r}")
    if len(values) != counts.size + more or not (np.diff(counts) > 0).all():
        raise ValueError(f"counts must increase, with {more} more values than counts, got {counts!r} and {values!r}")


def _knots(init, boundaries_and_scales):
    """The counts at which the value changes, in order, and the values."""
    checks.not_negative_number(init, "init")
    if not isinstance(boundaries_and_scales, dict):
        raise TypeError(f"boundaries_and_scales must be a dict {{count: scale}}, got {boundaries_and_scales!r}")
    for boundary, scale in boundaries_and_scales.items():
        checks.not_negative_number(boundary, "boundaries_and_scales: a count")
        checks.not_negative_number(scale, f"boundaries_and_scales: the scale at {boundary}")
    boundaries = sorted(boundaries_and_scales)
    scales = [float(boundaries_and_scales[b]) for b in boundaries]
    return np.array(boundaries, float), init * np.cumprod([1.0, *scales])


@python_only("schedules of lists are made in Python: pass them, or the rule, to the compiled function")
@explained
def piecewise_constant(init, boundaries_and_scales):
    """``init`` times the product of all scales whose boundary is at most the count.

    Parameters
    ----------
    init : float
        Not negative.
    boundaries_and_scales : dict
        {count: scale}, counts and scales from 0 on.

    Examples
    --------
    >>> import numopt as no
    >>> no.piecewise_constant(1.0, {10: 0.5, 20: 0.1})([9, 10, 20])
    array([1.  , 0.5 , 0.05])
    """
    return Steps(*_knots(init, boundaries_and_scales))


@python_only("schedules of lists are made in Python: pass them, or the rule, to the compiled function")
@explained
def piecewise_interpolate(kind, init, boundaries_and_scales):
    """Through the knots (0, init), (b1, init s1), (b2, init s1 s2), ..., and constant after the last.

    Parameters
    ----------
    kind : 'linear' or 'cosine'
    init : float
        Not negative.
    boundaries_and_scales : dict
        {count: scale}, counts above 0, scales from 0 on.
    """
    boundaries, values = _knots(init, boundaries_and_scales)
    return _through(kind, [0.0, *boundaries], values)


def _through(kind, counts, values):
    if kind not in ("linear", "cosine"):
        raise ValueError(f"kind must be 'linear' or 'cosine', got {kind!r}")
    counts = np.array(counts, float)
    if not (np.diff(counts) > 0).all():
        raise ValueError(f"the knots must increase, got the counts {counts.tolist()}: take more steps")
    return Interpolated(counts, np.array(values, float), kind == "cosine")


@python_only("schedules of lists are made in Python: pass them, or the rule, to the compiled function")
@explained
def onecycle_linear(steps, peak, pct_start=0.3, pct_final=0.85, div=25.0, final_div=1e4):
    """Up to ``peak``, down again, and to nearly nothing, along straight lines.

    Through (0, peak/div), (pct_start steps, peak), (pct_final steps, peak/div), (steps, peak/(div final_div)).

    Raises
    ------
    ValueError
        If not 0 < pct_start < pct_final < 1, or the knots do not increase, for few steps (Optax loses a knot without a
        word); for a negative ``peak``, or divisors that are not positive.

    References
    ----------
    L. N. Smith and N. Topin, Super-convergence, 2019.
    """
    _check_cycle(steps, peak, (pct_start, pct_final), div, final_div)
    counts = [0, int(pct_start * steps), int(pct_final * steps), steps]
    return _through("linear", counts, [peak / div, peak, peak / div, peak / (div * final_div)])


@python_only("schedules of lists are made in Python: pass them, or the rule, to the compiled function")
@explained
def onecycle_cosine(steps, peak, pct_start=0.3, div=25.0, final_div=1e4):
    """Up to ``peak`` and down to nearly nothing, along half cosines.

    Through (0, peak/div), (pct_start steps, peak), (steps, peak/(div final_div)).
    """
    _check_cycle(steps, peak, (pct_start,), div, final_div)
    counts = [0, int(pct_start * steps), steps]
    return _through("cosine", counts, [peak / div, peak, peak / (div * final_div)])


def _check_cycle(steps, peak, parts, div, final_div):
    """Limits of the arguments of a cycle; ``parts`` are pct_start and, if there is one, pct_final."""
    checks.positive_number(steps, "steps")
    checks.not_negative_number(peak, "peak")
    for value, name in zip(parts, ("pct_start", "pct_final"), strict=False):
        checks.positive_number(value, name)
    if not (np.diff((*parts, 1.0)) > 0).all():
        names = "pct_start < pct_final" if len(parts) == 2 else "pct_start"
        raise ValueError(f"0 < {names} < 1 is needed, got {', '.join(map(str, parts))}")
    checks.positive_number(div, "div")
    checks.positive_number(final_div, "final_div")


@python_only("schedules of lists are made in Python: pass them, or the rule, to the compiled function")
@explained
def join(schedules, boundaries):
    """One schedule after another, each counting from its boundary.

    Parameters
    ----------
    schedules : sequence of schedules or numbers
        Numbers from 0 on.
    boundaries : sequence of int
        One less; from 0 on, increasing.
    """
    schedules, increasing = tuple(schedules), _increasing(boundaries)
    for part in schedules:
        if is_number(part):
            checks.not_negative_number(part, "schedules: a number")
        elif not rate.registered(type(part)):
            raise TypeError(f"join takes schedules and numbers, got {part!r}")
    if increasing is None or increasing.size != len(schedules) - 1:
        raise ValueError(
            f"join needs boundaries from 0 on, increasing, one less than schedules; got boundaries={boundaries!r} "
            f"for {len(schedules)} schedules"
        )
    return Joined(tuple(float(part) if is_number(part) else part for part in schedules), increasing)


def _increasing(boundaries):
    """The boundaries as a vector; None if they are not numbers from 0 on that increase."""
    given = np.asarray(boundaries)
    if given.dtype.kind not in "iuf" or given.ndim != 1:
        return None
    given = given.astype(float)
    return given if (given >= 0).all() and (np.diff(given) > 0).all() else None


@python_only("schedules of lists are made in Python: pass them, or the rule, to the compiled function")
@explained
def sgdr(cycles):
    """Warm restarts: a :func:`warmup_cosine` for each cycle; after the last it stays at its end.

    Parameters
    ----------
    cycles : sequence of dict
        Arguments of :func:`warmup_cosine`, which checks them.

    References
    ----------
    I. Loshchilov and F. Hutter, SGDR, ICLR 2017.
    """
    schedules = [warmup_cosine(**cycle) for cycle in cycles]
    if not schedules:
        raise ValueError("sgdr needs at least one cycle")
    return join(schedules, np.cumsum([s.steps for s in schedules])[:-1])


# --- what they give --------------------------------------------------------------------------------------------------


@jit(borrow=True)
def _passed(boundaries, count):
    """How many of the boundaries are at most the count."""
    passed = 0
    while passed < boundaries.size and boundaries[passed] <= count:
        passed += 1
    return passed


@rate.register(Steps)
def _(s, count):
    return s.values[_passed(s.boundaries, count)]


@rate.register(Interpolated)
def _(s, count):
    k = _passed(s.counts, count)
    if k == s.counts.size:
        return s.values[k - 1]
    fraction = (count - s.counts[k - 1]) / (s.counts[k] - s.counts[k - 1])
    before, after = s.values[k - 1], s.values[k]
    if s.cosine is None:
        return before + (after - before) * fraction
    return after + (before - after) * (0.5 * (1.0 + math.cos(math.pi * fraction)))


@by_type(borrow=True)
def _rate_of(schedules, which, count):
    """The value of one of a tuple of schedules."""


@_rate_of.register(tuple)
def _(length):
    if length == 1:
        return lambda schedules, which, count: rate(schedules[0], count)

    def choose(schedules, which, count):
        if which == 0:
            return rate(schedules[0], count)
        return _rate_of(schedules[1:], which - 1, count)

    return choose


@rate.register(Joined)
def _(s, count):
    k = _passed(s.boundaries, count)
    return _rate_of(s.schedules, k, count if k == 0 else count - s.boundaries[k - 1])
