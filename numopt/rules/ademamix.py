"""AdEMAMix: Adam with a second, slow average of gradients; and its simplified form."""

from typing import Any, NamedTuple

import numpy as np

from .._jit import sqrt
from .._scalars import abs2, average, nothing, over, power, times
from ..generic import coefficients, element, fresh, rate, vectors
from . import checks
from .chain import rule
from .state import Moments, fresh_moments, real_zeros, zeros


@rule
class AdEMAMix:
    r"""Adam with a mixture of two averages.

    With the m and v of :class:`Adam` and :math:`M \leftarrow \beta_3 M + (1-\beta_3) g`, which is not corrected,

    .. math:: x \leftarrow x - lr \left( \frac{\hat m + \alpha M}{\sqrt{\hat v + \epsilon_{root}} + \epsilon}
        + \lambda x \right).

    Parameters
    ----------
    learning_rate, b1, b2, eps, eps_root
        As for :class:`Adam`.
    b3, alpha : float or schedule
        Decay and weight of the slow average; the paper lets both grow.
    weight_decay : float
        Lambda.

    References
    ----------
    M. Pagliardini, P. Ablin and D. Grangier, The AdEMAMix optimizer, 2024, algorithm 1 (arXiv 2409.03137).
    """

    learning_rate: Any
    b1: float = 0.9
    b2: float = 0.999
    b3: Any = 0.9999
    alpha: Any = 5.0
    eps: float = 1e-8
    eps_root: float = 0.0
    weight_decay: float = 0.0

    def check(self):
        """Limits of the fields."""
        checks.learning_rate(self)
        checks.decays(self, "b1", "b2")
        checks.not_negative(self, "eps", "eps_root", "weight_decay")
        checks.number_or_schedule(self, "b3", "alpha")


@rule
class SimplifiedAdEMAMix:
    r"""A sum of gradients and the gradient itself over Adam's denominator.

    .. math:: m \leftarrow \beta_1 m + g, \qquad x \leftarrow x - lr\, \frac{m + \alpha g}{\sqrt{\hat v} + \epsilon}.

    Parameters
    ----------
    learning_rate : float or schedule
    b1, b2 : float
        In [0, 1).
    alpha, eps : float

    References
    ----------
    D. Morwani et al., Connections between schedule-free optimizers, AdEMAMix, and accelerated SGD variants, 2025.
    """

    learning_rate: Any
    b1: float = 0.99
    b2: float = 0.95
    alpha: float = 0.0
    eps: float = 1e-8

    def check(self):
        """Limits of the fields."""
        checks.learning_rate(self)
        checks.decays(self, "b1", "b2")
        checks.not_negative(self, "alpha", "eps")


class MixedMoments(NamedTuple):
    """Moments, and the slow average."""

    m: np.ndarray  # (n,) the dtype of x
    v: np.ndarray  # (n,) real
    slow: np.ndarray  # (n,) the dtype of x


@vectors.register(AdEMAMix)
def _(rule, x):
    return MixedMoments(zeros(x), real_zeros(x), zeros(x))


@vectors.register(SimplifiedAdEMAMix)
def _(rule, x):
    return Moments(zeros(x), real_zeros(x))


@coefficients.register(AdEMAMix)
def _(rule, held, t, learning_rate):
    b3, alpha = rate(rule.b3, t - 1), rate(rule.alpha, t - 1)
    of_m, hat = 1.0 / (1.0 - power(rule.b1, t)), 1.0 / (1.0 - power(rule.b2, t))
    factor = of_m + alpha  # after the division, so that no numerator overflows
    rest = (-learning_rate * factor, hat, rule.eps, rule.eps_root, -learning_rate * rule.weight_decay)
    averages = (rule.b1, 1.0 - rule.b1, rule.b2, 1.0 - rule.b2, b3, 1.0 - b3)
    return (*averages, of_m / factor, alpha / factor, *rest)


@element.register(AdEMAMix)
def _(rule, c, state, u, x):
    b1, a1, b2, a2, b3, a3, of_m, of_slow, factor, hat, eps, eps_root, decay = c
    m, slow = average(state[0], u, b1, a1), average(state[2], u, b3, a3)
    v = b2 * state[1] + a2 * abs2(u)
    step = times(over(average(m, slow, of_m, of_slow), sqrt(hat * v + eps_root) + eps), factor) + times(x, decay)
    return (m, v, slow), step


@coefficients.register(SimplifiedAdEMAMix)
def _(rule, held, t, learning_rate):
    hat = 1.0 / (1.0 - power(rule.b2, t))
    factor = 1.0 + rule.alpha
    return rule.b1, rule.b2, 1.0 - rule.b2, 1.0 / factor, rule.alpha / factor, -learning_rate * factor, hat, rule.eps


@element.register(SimplifiedAdEMAMix)
def _(rule, c, state, u, x):
    b1, b2, a2, of_m, of_u, rate, hat, eps = c
    m = times(state[0], b1) + u
    v = b2 * state[1] + a2 * abs2(u)
    return (m, v), times(over(average(m, u, of_m, of_u), sqrt(hat * v) + eps), rate)


@fresh.register(AdEMAMix)
def _(rule, held, t, u, x):
    return (*fresh_moments(rule.b1, rule.b2, t, u), nothing(u))


@fresh.register(SimplifiedAdEMAMix)
def _(rule, held, t, u, x):
    return nothing(u), (1.0 - power(rule.b2, t)) * abs2(u)
