"""Schedules: a number as a function of the count of steps made, 0, 1, 2, ...; wherever a learning rate is due.

A schedule is a record. Called with a count, or an array of counts, it gives the value, in double precision. Formulas
and defaults are Optax's.
"""

import math

import numpy as np

from .._input import at_least
from .._jit import Record, by_type, is_number, jit, record, variant
from ..generic import rate


def schedule(cls):
    """Make an annotated class a schedule: a record that can be called."""
    made = record(cls)
    made.__call__ = _call
    return made


def _call(self, count):
    """The value after ``count`` steps, an integer or an array of integers."""
    if np.ndim(count) == 0:
        return float(rate(self, at_least(count, 0, "count")))
    return np.array([self(c) for c in np.ravel(count)]).reshape(np.shape(count))


# --- the formulas ----------------------------------------------------------------------------------------------------


@jit(borrow=True)
def _polynomial(init, end, power, steps, begin, count):
    if steps <= 0.0:
        return init
    done = min(max(count - begin, 0.0), steps)
    return (init - end) * (1.0 - done / steps) ** power + end


@jit(borrow=True)
def _exponential(init, steps, rate, begin, staircase, end, count):
    if steps <= 0.0 or rate == 0.0:
        return init
    value = init
    if count > begin:
        periods = (count - begin) / steps
        if staircase:
            periods = np.floor(periods)
        value = init * rate**periods
    if np.isnan(end):
        return value
    return max(value, end) if rate < 1.0 else min(value, end)


@jit(borrow=True)
def _cosine(init, steps, alpha, exponent, count):
    fraction = min(count, steps) / steps
    return init * ((1.0 - alpha) * (0.5 * (1.0 + math.cos(math.pi * fraction))) ** exponent + alpha)


# --- the schedules ---------------------------------------------------------------------------------------------------


@schedule
class constant:
    """The same value for ever.

    Parameters
    ----------
    value : float
    """

    value: float


@schedule
class polynomial:
    """From ``init`` to ``end`` along (1 - k/steps)^power, with k = min(max(count - begin, 0), steps).

    Parameters
    ----------
    init, end, power, steps, begin : float
        For steps <= 0 it stays at ``init``.

    Examples
    --------
    >>> import numopt as no
    >>> no.polynomial(1.0, 0.0, 2.0, 4)(2)
    0.25
    """

    init: float
    end: float
    power: float
    steps: float
    begin: float = 0.0


@variant
def linear(init, end, steps, begin=0):
    """From ``init`` to ``end`` in ``steps`` steps, after ``begin`` steps: :class:`polynomial` of power 1."""
    return polynomial(init, end, 1.0, steps, begin)


@schedule
class exponential_decay:
    """Init rate^p with p = (count - begin)/steps, or its integer part.

    Parameters
    ----------
    init, steps, rate : float
        For steps <= 0 or rate = 0 it stays at ``init``.
    begin : float
        Until then it is ``init``.
    staircase : bool
    end : float, optional
        Lower limit for rate < 1, else upper limit.
    """

    init: float
    steps: float
    rate: float
    begin: float = 0.0
    staircase: bool = False
    end: object = None


@schedule
class cosine_decay:
    """Half a cosine from ``init`` down to ``alpha`` init.

    Init ((1 - alpha) (.5 (1 + cos(pi k/steps)))^exponent + alpha), with k = min(count, steps).

    Parameters
    ----------
    init : float
    steps : float
        Positive.
    alpha, exponent : float

    Examples
    --------
    >>> import numopt as no
    >>> no.cosine_decay(1.0, 10)([0, 5, 10])
    array([1. , 0.5, 0. ])
    """

    init: float
    steps: float
    alpha: float = 0.0
    exponent: float = 1.0

    def check(self):
        """Steps must be positive."""
        if not self.steps > 0:
            raise ValueError(f"steps must be positive, got {self.steps}")


@variant
def warmup_constant(init, peak, warmup):
    """From ``init`` to ``peak`` in ``warmup`` steps, where it stays."""
    return linear(init, peak, warmup)


@schedule
class warmup_cosine:
    """From ``init`` to ``peak`` in ``warmup`` steps, then by half a cosine to ``end``.

    Parameters
    ----------
    init, peak : float
    warmup, steps : float
        ``steps`` includes the warm-up.
    end, exponent : float
    """

    init: float
    peak: float
    warmup: float
    steps: float
    end: float = 0.0
    exponent: float = 1.0

    def check(self):
        """The decay must have steps."""
        if not self.steps > self.warmup >= 0:
            raise ValueError(f"steps must be more than warmup, which it includes, got {self.steps} and {self.warmup}")


@schedule
class warmup_exponential:
    """From ``init`` to ``peak`` in ``warmup`` steps, then :class:`exponential_decay` from there.

    Parameters
    ----------
    init, peak, warmup : float
    steps, rate, begin, staircase, end
        As for :class:`exponential_decay`; ``steps`` does not include the warm-up.
    """

    init: float
    peak: float
    warmup: float
    steps: float
    rate: float
    begin: float = 0.0
    staircase: bool = False
    end: object = None


@schedule
class Steps:
    """Constant between boundaries; made by :func:`piecewise_constant`."""

    boundaries: np.ndarray  # increasing counts
    values: np.ndarray  # one more


@schedule
class Interpolated:
    """Between knots; made by :func:`piecewise_interpolate` and the one-cycle schedules."""

    counts: np.ndarray  # increasing, the first is 0
    values: np.ndarray
    cosine: bool = False


@schedule
class Joined:
    """One schedule after another; made by :func:`join`."""

    schedules: tuple
    boundaries: np.ndarray


def _knots(init, boundaries_and_scales):
    boundaries = sorted(boundaries_and_scales)
    scales = [float(boundaries_and_scales[b]) for b in boundaries]
    if any(not scale >= 0 for scale in scales):
        raise ValueError(f"scales must not be negative, got {boundaries_and_scales}")
    return np.array(boundaries, float), init * np.cumprod([1.0, *scales])


def piecewise_constant(init, boundaries_and_scales):
    """``init`` times the product of all scales whose boundary is at most the count.

    Parameters
    ----------
    init : float
    boundaries_and_scales : dict
        {count: scale}, scales from 0 on.

    Examples
    --------
    >>> import numopt as no
    >>> no.piecewise_constant(1.0, {10: 0.5, 20: 0.1})([9, 10, 20])
    array([1.  , 0.5 , 0.05])
    """
    return Steps(*_knots(float(init), boundaries_and_scales))


def piecewise_interpolate(kind, init, boundaries_and_scales):
    """Through the knots (0, init), (b1, init s1), (b2, init s1 s2), ..., and constant after the last.

    Parameters
    ----------
    kind : 'linear' or 'cosine'
    init : float
    boundaries_and_scales : dict
        {count: scale}, counts above 0.
    """
    boundaries, values = _knots(float(init), boundaries_and_scales)
    return _through(kind, [0.0, *boundaries], values)


def _through(kind, counts, values):
    if kind not in ("linear", "cosine"):
        raise ValueError(f"kind must be 'linear' or 'cosine', got {kind!r}")
    counts = np.array(counts, float)
    if not (np.diff(counts) > 0).all():
        raise ValueError(f"the knots must increase, got the counts {counts.tolist()}: take more steps")
    return Interpolated(counts, np.array(values, float), kind == "cosine")


def onecycle_linear(steps, peak, pct_start=0.3, pct_final=0.85, div=25.0, final_div=1e4):
    """Up to ``peak``, down again, and to nearly nothing, along straight lines.

    Through (0, peak/div), (pct_start steps, peak), (pct_final steps, peak/div), (steps, peak/(div final_div)).

    Raises
    ------
    ValueError
        If the knots do not increase, for few steps. (Optax loses a knot without a word.)

    References
    ----------
    L. N. Smith and N. Topin, Super-convergence, 2019.
    """
    counts = [0, int(pct_start * steps), int(pct_final * steps), steps]
    return _through("linear", counts, [peak / div, peak, peak / div, peak / (div * final_div)])


def onecycle_cosine(steps, peak, pct_start=0.3, div=25.0, final_div=1e4):
    """Up to ``peak`` and down to nearly nothing, along half cosines.

    Through (0, peak/div), (pct_start steps, peak), (steps, peak/(div final_div)).
    """
    counts = [0, int(pct_start * steps), steps]
    return _through("cosine", counts, [peak / div, peak, peak / (div * final_div)])


def join(schedules, boundaries):
    """One schedule after another, each counting from its boundary.

    Parameters
    ----------
    schedules : sequence of schedules or numbers
    boundaries : sequence of int
        One less; increasing.
    """
    boundaries = np.array(boundaries, float)
    schedules = tuple(float(s) if is_number(s) else s for s in schedules)
    for given in schedules:
        if not isinstance(given, (float, Record)):
            raise TypeError(f"join takes schedules and numbers, got {given!r}")
    if boundaries.size != len(schedules) - 1 or not (np.diff(boundaries) > 0).all():
        raise ValueError(
            f"join needs one boundary less than schedules, increasing; got {len(schedules)} schedules and {boundaries}"
        )
    return Joined(schedules, boundaries)


def sgdr(cycles):
    """Warm restarts: a :func:`warmup_cosine` for each cycle; after the last it stays at its end.

    Parameters
    ----------
    cycles : sequence of dict
        Arguments of :func:`warmup_cosine`.

    References
    ----------
    I. Loshchilov and F. Hutter, SGDR, ICLR 2017.
    """
    schedules = [warmup_cosine(**cycle) for cycle in cycles]
    if not schedules:
        raise ValueError("sgdr needs at least one cycle")
    return join(schedules, np.cumsum([s.steps for s in schedules])[:-1])


# --- what they give --------------------------------------------------------------------------------------------------


@rate.register(constant)
def _(s, count):
    return s.value


@rate.register(polynomial)
def _(s, count):
    return _polynomial(s.init, s.end, s.power, s.steps, s.begin, count)


@by_type(borrow=True)
def _limit(end):
    """A number, NaN for None."""


@_limit.register(type(None))
def _(end):
    return np.nan


@_limit.register(float)
def _(end):
    return end


@rate.register(exponential_decay)
def _(s, count):
    return _exponential(s.init, s.steps, s.rate, s.begin, s.staircase is not None, _limit(s.end), count)


@rate.register(cosine_decay)
def _(s, count):
    return _cosine(s.init, s.steps, s.alpha, s.exponent, count)


@rate.register(warmup_cosine)
def _(s, count):
    if count < s.warmup:
        return _polynomial(s.init, s.peak, 1.0, s.warmup, 0.0, count)
    alpha = 0.0 if s.peak == 0.0 else s.end / s.peak
    return _cosine(s.peak, s.steps - s.warmup, alpha, s.exponent, count - s.warmup)


@rate.register(warmup_exponential)
def _(s, count):
    if count < s.warmup:
        return _polynomial(s.init, s.peak, 1.0, s.warmup, 0.0, count)
    stairs = s.staircase is not None
    return _exponential(s.peak, s.steps, s.rate, s.begin, stairs, _limit(s.end), count - s.warmup)


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
