"""Rules that use one norm of the whole vector: NovoGrad, LAMB."""

from typing import Any

import numpy as np

from .._jit import sqrt
from .._scalars import abs2, average, nothing, of_numbers, over, power, times
from ..generic import absorb, coefficients, element, fresh, numbers, summands, vectors
from . import checks
from .chain import rule
from .norms import norm_of, squares
from .state import Moments, Momentum, fresh_moments, real_zeros, zeros


@rule
class NovoGrad:
    r"""Gradients normalised by a moving average of their norm.

    .. math:: v \leftarrow \beta_2 v + (1-\beta_2) \|g\|_2^2 \ (v_1 = \|g_1\|_2^2), \quad
        m \leftarrow \beta_1 m + \frac{g}{\sqrt v + \epsilon} + \lambda x, \quad x \leftarrow x - lr\, m.

    The norm is that of the whole vector; one NaN makes every entry NaN. v is a square: a norm above 1e154 makes it
    infinite for good, and g moves nothing any more; one below 1e-145 is lost in it, which shows for eps = 0 only.

    Parameters
    ----------
    learning_rate : float or schedule
    b1, b2 : float
        In [0, 1).
    eps, weight_decay : float

    References
    ----------
    B. Ginsburg et al., Stochastic gradient methods with layer-wise adaptive moments, 2019, algorithm 1
    (arXiv 1905.11286).
    """

    learning_rate: Any
    b1: float = 0.9
    b2: float = 0.25
    eps: float = 1e-6
    weight_decay: float = 0.0
    holds = ("v",)

    def check(self):
        """Limits of the fields."""
        checks.learning_rate(self)
        checks.decays(self, "b1", "b2")
        checks.not_negative(self, "eps", "weight_decay")


@rule
class LAMB:
    r"""Adam's direction scaled to the length of the parameters.

    With a = the direction of :class:`Adam` + lambda x: :math:`x \leftarrow x - lr\, a\, \|x\|_2/\|a\|_2`, or
    x - lr a where one of the norms is 0. The norms are those of the whole vector, and may be as large as the largest
    number; one NaN makes every entry NaN.

    Parameters
    ----------
    learning_rate, b1, b2, eps, eps_root
        As for :class:`Adam`.
    weight_decay : float
        Lambda.

    References
    ----------
    Y. You et al., Large batch optimization for deep learning, ICLR 2020, algorithm 2 (arXiv 1904.00962).
    """

    learning_rate: Any
    b1: float = 0.9
    b2: float = 0.999
    eps: float = 1e-6
    eps_root: float = 0.0
    weight_decay: float = 0.0
    holds = ("ratio",)

    def check(self):
        """Limits of the fields."""
        checks.learning_rate(self)
        checks.decays(self, "b1", "b2")
        checks.not_negative(self, "eps", "eps_root", "weight_decay")


@vectors.register(NovoGrad)
def _(rule, x):
    return Momentum(zeros(x))


@numbers.register(NovoGrad)
@numbers.register(LAMB)
def _(rule, x):
    return np.zeros(1)


@summands.register(NovoGrad)
def _(rule, c, state, u, x):
    return squares(u)


@absorb.register(NovoGrad)
def _(rule, held, sums, n, t):
    norm = norm_of(sums, 0)
    held[0] = norm * norm if t == 1 else rule.b2 * held[0] + (1.0 - rule.b2) * norm * norm


@coefficients.register(NovoGrad)
def _(rule, held, t, learning_rate):
    return -learning_rate, rule.b1, 1.0 / (sqrt(held[0]) + rule.eps), rule.weight_decay


@element.register(NovoGrad)
def _(rule, c, state, u, x):
    rate, b1, factor, decay = c
    m = average(state[0], u, b1, factor) + times(x, decay)
    return (m,), times(m, rate)


@vectors.register(LAMB)
def _(rule, x):
    return Moments(zeros(x), real_zeros(x))


@coefficients.register(LAMB)
def _(rule, held, t, learning_rate):
    of_m, hat = 1.0 / (1.0 - power(rule.b1, t)), 1.0 / (1.0 - power(rule.b2, t))
    moments = (rule.b1, 1.0 - rule.b1, rule.b2, 1.0 - rule.b2, of_m, hat)
    return (*moments, rule.eps, rule.eps_root, rule.weight_decay, -learning_rate * held[0])


@of_numbers
def _direction(c, state, u, x):
    """New moments, and Adam's direction with weight decay."""
    m = average(state[0], u, c[0], c[1])
    v = c[2] * state[1] + c[3] * abs2(u)
    return (m, v), times(over(m, sqrt(c[5] * v + c[7]) + c[6]), c[4]) + times(x, c[8])


@summands.register(LAMB)
def _(rule, c, state, u, x):
    _, direction = _direction(c, state, u, x)
    return squares(direction) + squares(x)


@absorb.register(LAMB)
def _(rule, held, sums, n, t):
    of_direction, of_x = norm_of(sums, 0), norm_of(sums, 3)
    held[0] = 1.0 if of_direction == 0.0 or of_x == 0.0 else of_x / of_direction


@element.register(LAMB)
def _(rule, c, state, u, x):
    state, direction = _direction(c, state, u, x)
    return state, times(direction, c[9])


@fresh.register(NovoGrad)
def _(rule, held, t, u, x):
    return (nothing(u),)


@fresh.register(LAMB)
def _(rule, held, t, u, x):
    return fresh_moments(rule.b1, rule.b2, t, u)
