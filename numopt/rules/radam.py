"""RAdam: Adam that waits with its denominator until the variance of that is bounded."""

from typing import Any

from .._jit import sqrt
from .._scalars import abs2, average, constant, over, power, times
from ..generic import coefficients, element, fresh, vectors
from . import checks
from .chain import rule
from .state import Moments, fresh_moments, real_zeros, zeros


@rule
class RAdam:
    r"""Rectified Adam.

    With :math:`\rho_\infty = 2/(1-\beta_2) - 1` and
    :math:`\rho = \rho_\infty - 2 t \beta_2^t/(1-\beta_2^t)`: from :math:`\rho \ge` threshold on

    .. math:: x \leftarrow x - lr\, r\, \frac{\hat m}{\sqrt{\hat v + \epsilon_{root}} + \epsilon}, \qquad
        r^2 = \frac{(\rho-4)(\rho-2)\rho_\infty}{(\rho_\infty-4)(\rho_\infty-2)\rho},

    before that :math:`x \leftarrow x - lr\, \hat m`. m and v are those of :class:`Adam`. An entry whose v is infinite
    moves as long as there is no denominator, and then stands still.

    Parameters
    ----------
    learning_rate, b1, b2, eps, eps_root
        As for :class:`Adam`.
    threshold : float
        At least 4.

    References
    ----------
    L. Liu et al., On the variance of the adaptive learning rate and beyond, ICLR 2020, algorithm 2.
    """

    learning_rate: Any
    b1: float = 0.9
    b2: float = 0.999
    eps: float = 1e-8
    eps_root: float = 0.0
    threshold: float = 5.0

    def check(self):
        """Limits of the fields."""
        checks.learning_rate(self)
        checks.decays(self, "b1", "b2")
        checks.not_negative(self, "eps", "eps_root")
        if not self.threshold >= 4:
            raise ValueError(f"threshold must be at least 4, got {self.threshold}")


@vectors.register(RAdam)
def _(rule, x):
    return Moments(zeros(x), real_zeros(x))


@coefficients.register(RAdam)
def _(rule, held, t, learning_rate):
    decayed = power(rule.b2, t)
    limit = 2.0 / (1.0 - rule.b2) - 1.0
    rho = limit - 2.0 * t * decayed / (1.0 - decayed)
    factor, adapts = -learning_rate / (1.0 - power(rule.b1, t)), rho >= rule.threshold
    if adapts:
        factor *= sqrt((rho - 4.0) * (rho - 2.0) * limit / ((limit - 4.0) * (limit - 2.0) * rho))
    # the denominator is 1 as long as it does not adapt, which a hat of 0 says
    hat, eps_root, eps = (1.0 / (1.0 - decayed), rule.eps_root, rule.eps) if adapts else (0.0, 0.0, 1.0)
    return rule.b1, 1.0 - rule.b1, rule.b2, 1.0 - rule.b2, factor, hat, eps_root, eps


@element.register(RAdam)
def _(rule, c, state, u, x):
    b1, a1, b2, a2, factor, hat, eps_root, eps = c
    m = average(state[0], u, b1, a1)
    v = b2 * state[1] + a2 * abs2(u)
    corrected = hat * v if hat > constant(u, 0) else constant(u, 0)  # v may be infinite
    return (m, v), times(over(m, sqrt(corrected + eps_root) + eps), factor)


@fresh.register(RAdam)
def _(rule, held, t, u, x):
    return fresh_moments(rule.b1, rule.b2, t, u)
