"""Limits of the numbers in rules, checked in Python when a rule is made."""

import numpy as np

from .._jit import is_number
from ..generic import rate


def learning_rate(rule):
    """The learning rate is a number from 0 on or a schedule."""
    number_or_schedule(rule, "learning_rate")


def number_or_schedule(rule, *names):
    """These are numbers from 0 on or schedules."""
    for name in names:
        value = getattr(rule, name)
        if is_number(value):
            not_negative(rule, name)
        elif not rate.registered(type(value)):
            raise TypeError(f"{name} must be a number or a schedule, got {value!r}")


def numbers_in_order(rule, name, count):
    """It is a tuple of so many numbers."""
    values = getattr(rule, name)
    if not (isinstance(values, tuple) and len(values) == count and all(map(is_number, values))):
        raise ValueError(f"{name} must be a tuple of {count} numbers, got {values!r}")


def not_negative(rule, *names):
    """These numbers are finite and not negative."""
    for name in names:
        not_negative_number(getattr(rule, name), name)


def not_negative_number(value, name):
    """The same of an argument."""
    if not (is_number(value) and 0 <= value < np.inf):
        raise ValueError(f"{name} must be a finite number, at least 0, got {value!r}")


def finite(rule, name):
    """The number is finite, of any sign."""
    value = getattr(rule, name)
    if not np.isfinite(value):
        raise ValueError(f"{name} must be a finite number, got {value!r}")


def whole(rule, *names, least=0):
    """These are whole numbers from ``least`` to 2^53, which a float64 holds."""
    for name in names:
        value = getattr(rule, name)
        if not (is_number(value) and least <= value <= 2.0**53 and value == np.floor(value)):
            raise ValueError(f"{name} must be a whole number from {least} to 2^53, got {value!r}")


def share(rule, name):
    """The number lies in (0, 1]."""
    value = getattr(rule, name)
    if not 0 < value <= 1:
        raise ValueError(f"{name} must be a number with 0 < {name} <= 1, got {value!r}")


def positive(rule, *names):
    """These numbers are finite and positive."""
    for name in names:
        positive_number(getattr(rule, name), name)


def positive_number(value, name):
    """The same of an argument."""
    if not (is_number(value) and 0 < value < np.inf):
        raise ValueError(f"{name} must be a finite number above 0, got {value!r}")


def decays(rule, *names):
    """These numbers lie in [0, 1)."""
    for name in names:
        value = getattr(rule, name)
        if not (is_number(value) and 0 <= value < 1):
            raise ValueError(f"{name} must be a number with 0 <= {name} < 1, got {value!r}")
