"""MADGRAD: dual averaging with cube roots."""

from typing import Any, NamedTuple

import numpy as np

from .._scalars import abs2, cbrt, constant, nothing, over, times
from ..generic import coefficients, element, fresh, vectors
from . import checks
from .chain import rule
from .state import real_zeros, zeros


@rule
class MADGRAD:
    r"""Momentumised, adaptive, dual averaged gradients.

    With :math:`g \leftarrow g + \lambda x` and :math:`k = (lr + \epsilon)\sqrt t`,

    .. math:: s \leftarrow s + k g, \quad q \leftarrow q + k |g|^2, \quad
        z = x_0 - \frac{s}{\sqrt[3]{q} + \epsilon}, \quad x \leftarrow \mu x + (1-\mu) z.

    Where q, a sum of squares, is infinite, z = x_0; s must not be larger than the largest number.

    Parameters
    ----------
    learning_rate : float or schedule
    momentum : float
        Mu, in [0, 1).
    eps, weight_decay : float

    References
    ----------
    A. Defazio and S. Jelassi, Adaptivity without compromise, 2021, algorithm 1 (arXiv 2101.11075).
    """

    learning_rate: Any
    momentum: float = 0.9
    eps: float = 1e-6
    weight_decay: float = 0.0

    def check(self):
        """Limits of the fields."""
        checks.learning_rate(self)
        checks.decays(self, "momentum")
        checks.positive(self, "eps")
        checks.not_negative(self, "weight_decay")


class Sums(NamedTuple):
    """The weighted sums of gradients and squares, and the start."""

    s: np.ndarray  # (n,) the dtype of x
    q: np.ndarray  # (n,) real
    start: np.ndarray  # (n,) x at init


@vectors.register(MADGRAD)
def _(rule, x):
    return Sums(zeros(x), real_zeros(x), x.copy())


@coefficients.register(MADGRAD)
def _(rule, held, t, learning_rate):
    return (learning_rate + rule.eps) * t**0.5, 1.0 - rule.momentum, rule.eps, rule.weight_decay


@element.register(MADGRAD)
def _(rule, c, state, u, x):
    weight, rest, eps, decay = c
    u = u + times(x, decay)
    s, q = state[0] + times(u, weight), state[1] + weight * abs2(u)
    z = state[2] - over(s, cbrt(q) + eps)
    return (s, q, state[2]), times(z - x, rest)


@fresh.register(MADGRAD)
def _(rule, held, t, u, x):
    return nothing(u), constant(u, 0), x
