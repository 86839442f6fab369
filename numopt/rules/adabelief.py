"""AdaBelief: the second moment is that of the gradient's surprise."""

from typing import Any

from .._jit import sqrt
from .._scalars import abs2, average, over, power, times
from ..generic import coefficients, element, fresh, vectors
from . import checks
from .adam import numerator, numerators
from .chain import rule
from .state import Moments, fresh_moments, real_zeros, zeros


@rule
class AdaBelief:
    r"""Adam with the second moment of g - m, the deviation from what was expected.

    .. math:: s \leftarrow \beta_2 s + (1-\beta_2) |g - m|^2 + \epsilon_{root}, \qquad
        x \leftarrow x - lr\, \frac{\hat m}{\sqrt{\hat s} + \epsilon},

    with the new m of :class:`Adam`; eps_root stays in s.

    Parameters
    ----------
    learning_rate, b1, b2, nesterov
        As for :class:`Adam`.
    eps, eps_root : float

    References
    ----------
    J. Zhuang et al., AdaBelief optimizer, NeurIPS 2020, algorithm 2 (arXiv 2010.07468).
    """

    learning_rate: Any
    b1: float = 0.9
    b2: float = 0.999
    eps: float = 1e-16
    eps_root: float = 1e-16
    nesterov: bool = False

    def check(self):
        """Limits of the fields."""
        checks.learning_rate(self)
        checks.decays(self, "b1", "b2")
        checks.not_negative(self, "eps", "eps_root")


@vectors.register(AdaBelief)
def _(rule, x):
    return Moments(zeros(x), real_zeros(x))


@coefficients.register(AdaBelief)
def _(rule, held, t, learning_rate):
    of_m, of_u, factor = numerators(rule.nesterov, rule.b1, t)
    rate, hat = -learning_rate * factor, 1.0 / (1.0 - power(rule.b2, t))
    return rule.b1, 1.0 - rule.b1, rule.b2, 1.0 - rule.b2, of_m, of_u, rate, hat, rule.eps, rule.eps_root


@element.register(AdaBelief)
def _(rule, c, state, u, x):
    b1, a1, b2, a2, of_m, of_u, rate, hat, eps, eps_root = c
    m = average(state[0], u, b1, a1)
    s = b2 * state[1] + a2 * abs2(u - m) + eps_root
    return (m, s), times(over(numerator(rule.nesterov, m, u, of_m, of_u), sqrt(hat * s) + eps), rate)


@fresh.register(AdaBelief)
def _(rule, held, t, u, x):
    return fresh_moments(rule.b1, rule.b2, t, u)
