"""Schedules: a number as a function of the count of steps made, 0, 1, 2, ...; wherever a learning rate is due.

A schedule is a record. Called with a count, or an array of counts, it gives the value, in double precision. Formulas
and defaults are Optax's.

What they are made of is checked in Python, as a plain learning rate is: numbers are finite, and none may be negative.
So what they give is not negative, and finite unless it grows beyond the largest number. Optax takes negative values,
for its users who turn the sign by a schedule; here the rules do that. A decay in 0 steps stays where it begins, as in
Optax; a negative number of steps, for which Optax does the same, is refused. In ``@njit`` code nothing is checked.
"""

import math

import numpy as np

from .._input import at_least
from .._jit import by_type, jit, record, variant
from ..generic import rate
from . import checks


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
        Not negative.
    """

    value: float

    def check(self):
        """Limits of the fields."""
        checks.not_negative(self, "value")


@schedule
class polynomial:
    """From ``init`` to ``end`` along (1 - k/steps)^power, with k = min(max(count - begin, 0), steps).

    Parameters
    ----------
    init, end, power, steps, begin : float
        Not negative; for steps = 0 it stays at ``init``.

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

    def check(self):
        """Limits of the fields."""
        checks.not_negative(self, *self._fields)


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
        Not negative; for steps = 0 or rate = 0 it stays at ``init``.
    begin : float
        Not negative; until then it is ``init``.
    staircase : bool
    end : float, optional
        Not negative; lower limit for rate < 1, else upper limit.
    """

    init: float
    steps: float
    rate: float
    begin: float = 0.0
    staircase: bool = False
    end: object = None

    def check(self):
        """Limits of the fields."""
        checks.not_negative(self, "init", "steps", "rate", "begin")
        _end(self)


def _end(schedule):
    """The field ``end`` is a number from 0 on or None."""
    if schedule.end is not None:
        checks.not_negative(schedule, "end")


@schedule
class cosine_decay:
    """Half a cosine from ``init`` down to ``alpha`` init.

    Init ((1 - alpha) (.5 (1 + cos(pi k/steps)))^exponent + alpha), with k = min(count, steps).

    Parameters
    ----------
    init : float
        Not negative.
    steps : float
        Positive.
    alpha, exponent : float
        Not negative.

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
        """Limits of the fields."""
        checks.not_negative(self, "init", "alpha", "exponent")
        checks.positive(self, "steps")


@schedule
class warmup_constant:
    """From ``init`` to ``peak`` in ``warmup`` steps, where it stays.

    Parameters
    ----------
    init, peak, warmup : float
        Not negative.
    """

    init: float
    peak: float
    warmup: float

    def check(self):
        """Limits of the fields."""
        checks.not_negative(self, *self._fields)


@schedule
class warmup_cosine:
    """From ``init`` to ``peak`` in ``warmup`` steps, then by half a cosine to ``end``.

    Parameters
    ----------
    init, peak : float
        Not negative.
    warmup, steps : float
        ``steps`` includes the warm-up, and is more.
    end, exponent : float
        Not negative.
    """

    init: float
    peak: float
    warmup: float
    steps: float
    end: float = 0.0
    exponent: float = 1.0

    def check(self):
        """Limits of the fields; the decay must have steps."""
        checks.not_negative(self, *self._fields)
        if not self.steps > self.warmup:
            raise ValueError(f"steps must be more than warmup, which it includes, got {self.steps} and {self.warmup}")


@schedule
class warmup_exponential:
    """From ``init`` to ``peak`` in ``warmup`` steps, then :class:`exponential_decay` from there.

    Parameters
    ----------
    init, peak, warmup : float
        Not negative.
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

    def check(self):
        """Limits of the fields."""
        checks.not_negative(self, "init", "peak", "warmup", "steps", "rate", "begin")
        _end(self)


# --- what they give --------------------------------------------------------------------------------------------------


@rate.register(constant)
def _(s, count):
    return s.value


@rate.register(polynomial)
def _(s, count):
    return _polynomial(s.init, s.end, s.power, s.steps, s.begin, count)


@rate.register(warmup_constant)
def _(s, count):
    return _polynomial(s.init, s.peak, 1.0, s.warmup, 0.0, count)


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
