"""Transformations by a number: Scale, AddDecayedWeights; and KeepNonNegative, ZeroNonFinite."""

from typing import Any

import numpy as np

from .._scalars import constant, nothing, of_entry, times
from ..generic import coefficients, element, follows_gradient, rate
from . import checks
from .chain import rule


@rule
class Scale:
    """Multiply the update by a number; Scale(-lr) is gradient descent.

    Parameters
    ----------
    factor : float
    """

    factor: float
    descends = True

    def check(self):
        """Limits of the fields."""
        checks.finite(self, "factor")


@rule
class AddDecayedWeights:
    """Add weight_decay x to the update: before the rule with the learning rate, which turns the sign.

    Parameters
    ----------
    weight_decay : float or schedule
    """

    weight_decay: Any

    def check(self):
        """A number or a schedule."""
        checks.number_or_schedule(self, "weight_decay")


@rule
class ZeroNonFinite:
    """Make NaN and infinite entries of the update zero; Optax's ``zero_nans`` does so for NaN only."""


@rule
class KeepNonNegative:
    """Make u = -x where x + u would be negative, so that x stays at 0 or above; for real x, last in a chain."""

    real_only = True


@coefficients.register(Scale)
def _(rule, held, t, learning_rate):
    return (rule.factor,)


@coefficients.register(AddDecayedWeights)
def _(rule, held, t, learning_rate):
    return (rate(rule.weight_decay, t - 1),)


@follows_gradient.register(Scale)
def _(rule):
    return rule.factor == -1.0


@element.register(Scale)
def _(rule, c, state, u, x):
    return (), times(u, c[0])


@element.register(AddDecayedWeights)
def _(rule, c, state, u, x):
    return (), u + times(x, c[0])


@of_entry
def _finite_or_zero(u):
    """U, or 0 if it is not finite."""


@_finite_or_zero.real
def _(u):
    return u if abs(u) < constant(u, np.inf) else constant(u, 0)


@_finite_or_zero.complex
def _(u):
    finite = abs(u.real) < constant(u, np.inf) and abs(u.imag) < constant(u, np.inf)
    return u if finite else nothing(u)


@element.register(ZeroNonFinite)
def _(rule, c, state, u, x):
    return (), _finite_or_zero(u)


@element.register(KeepNonNegative)
def _(rule, c, state, u, x):
    return (), -x if x + u < constant(u, 0) else u
