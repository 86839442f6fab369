"""AdaMax: Adam with the largest recent gradient in the denominator."""

from typing import Any

from .._scalars import average, larger, modulus, over, power, times
from ..generic import coefficients, element, fresh, vectors
from . import checks
from .chain import rule
from .state import Moments, real_zeros, zeros


@rule
class AdaMax:
    r"""Adam in the maximum norm.

    .. math:: m \leftarrow \beta_1 m + (1-\beta_1) g, \quad v \leftarrow \max(|g| + \epsilon, \beta_2 v), \quad
        x \leftarrow x - lr\, \hat m / v.

    Parameters
    ----------
    learning_rate, b1, b2
        As for :class:`Adam`.
    eps : float

    References
    ----------
    D. P. Kingma and J. Ba, Adam, ICLR 2015, algorithm 2.
    """

    learning_rate: Any
    b1: float = 0.9
    b2: float = 0.999
    eps: float = 1e-8

    def check(self):
        """Limits of the fields."""
        _check(self)


@rule
class AdaMaxW:
    """AdaMax with decoupled weight decay: x <- x - lr (u + weight_decay x), with the u of :class:`AdaMax`.

    Parameters
    ----------
    learning_rate, b1, b2, eps
        As for :class:`AdaMax`.
    weight_decay : float
    """

    learning_rate: Any
    b1: float = 0.9
    b2: float = 0.999
    eps: float = 1e-8
    weight_decay: float = 1e-4

    def check(self):
        """Limits of the fields."""
        _check(self)
        checks.not_negative(self, "weight_decay")


def _check(rule):
    checks.learning_rate(rule)
    checks.decays(rule, "b1", "b2")
    checks.not_negative(rule, "eps")


@vectors.register(AdaMax)
@vectors.register(AdaMaxW)
def _(rule, x):
    return Moments(zeros(x), real_zeros(x))


@coefficients.register(AdaMax)
def _(rule, held, t, learning_rate):
    return rule.b1, 1.0 - rule.b1, rule.b2, rule.eps, -learning_rate / (1.0 - power(rule.b1, t)), 0.0


@coefficients.register(AdaMaxW)
def _(rule, held, t, learning_rate):
    factor, decay = -learning_rate / (1.0 - power(rule.b1, t)), -learning_rate * rule.weight_decay
    return rule.b1, 1.0 - rule.b1, rule.b2, rule.eps, factor, decay


@element.register(AdaMax)
def _(rule, c, state, u, x):
    b1, a1, b2, eps, factor, _ = c
    m = average(state[0], u, b1, a1)
    v = larger(modulus(u) + eps, b2 * state[1])
    return (m, v), times(over(m, v), factor)


@element.register(AdaMaxW)
def _(rule, c, state, u, x):
    b1, a1, b2, eps, factor, decay = c
    m = average(state[0], u, b1, a1)
    v = larger(modulus(u) + eps, b2 * state[1])
    return (m, v), times(over(m, v), factor) + times(x, decay)


@fresh.register(AdaMax)
@fresh.register(AdaMaxW)
def _(rule, held, t, u, x):
    return times(u, 1.0 - power(rule.b1, t)), modulus(u)
