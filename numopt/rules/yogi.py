"""Yogi: Adam whose second moment grows at a bounded rate."""

from typing import Any

import numpy as np

from .._jit import sqrt
from .._scalars import abs2, average, constant, over, power, sign, times
from ..generic import coefficients, element, fresh, vectors
from . import checks
from .chain import rule
from .state import Moments, fresh_moments, real_full

START = 1e-6


@rule
class Yogi:
    r"""Adam with an additive second moment.

    .. math:: v \leftarrow v - (1-\beta_2)\, \mathrm{sign}(v - |g|^2)\, |g|^2, \qquad
        x \leftarrow x - lr\, \frac{\hat m}{\sqrt{\hat v} + \epsilon},

    with the m of :class:`Adam`. As in Optax m and v begin at 1e-6, so that a zero gradient still moves x, and a
    complex x is treated alike under rotations only to about that.

    Parameters
    ----------
    learning_rate, b1, b2
        As for :class:`Adam`.
    eps : float

    References
    ----------
    M. Zaheer et al., Adaptive methods for nonconvex optimization, NeurIPS 2018, algorithm 2.
    """

    learning_rate: Any
    b1: float = 0.9
    b2: float = 0.999
    eps: float = 1e-3

    def check(self):
        """Limits of the fields."""
        checks.learning_rate(self)
        checks.decays(self, "b1", "b2")
        checks.not_negative(self, "eps")


@vectors.register(Yogi)
def _(rule, x):
    return Moments(np.full(x.size, START, x.dtype), real_full(x, START))


@coefficients.register(Yogi)
def _(rule, held, t, learning_rate):
    factor, hat = -learning_rate / (1.0 - power(rule.b1, t)), 1.0 / (1.0 - power(rule.b2, t))
    return rule.b1, 1.0 - rule.b1, 1.0 - rule.b2, factor, hat, rule.eps


@element.register(Yogi)
def _(rule, c, state, u, x):
    b1, a1, a2, factor, hat, eps = c
    m, square = average(state[0], u, b1, a1), abs2(u)
    v = state[1] - a2 * sign(state[1] - square) * square
    v = v if square < constant(u, np.inf) else square  # inf - inf would be NaN
    return (m, v), times(over(m, sqrt(hat * v) + eps), factor)


@fresh.register(Yogi)
def _(rule, held, t, u, x):
    return fresh_moments(rule.b1, rule.b2, t, u)
