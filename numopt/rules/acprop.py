"""ACProp: the denominator of a step is known before its gradient."""

from typing import Any

from .._jit import sqrt
from .._scalars import abs2, average, constant, over, power, times
from ..generic import coefficients, element, fresh, vectors
from . import checks
from .chain import rule
from .state import Moments, fresh_moments, real_zeros, zeros


@rule
class ACProp:
    r"""Asynchronous centred proximal gradient steps: each gradient over the root of the *earlier* centred moment.

    .. math::
        m_t = \beta_1 m_{t-1} + (1-\beta_1) g_t, \qquad
        u_t = \frac{g_t}{\sqrt{s_{t-1}/(1-\beta_2^{t-1})} + \epsilon} \quad (u_1 = g_1),

    .. math::
        s_t = \beta_2 s_{t-1} + (1-\beta_2) |g_t - m_t|^2 + \epsilon, \qquad
        x \leftarrow x - lr\,(u_t + \lambda x).

    The denominator does not depend on the gradient that it divides, so that the expected step has the direction of
    the expected gradient; it converges on problems where Adam does not. The numerator is the gradient, never m.

    Parameters
    ----------
    learning_rate : float or schedule
    b1, b2 : float
        Decay of the averages, in [0, 1).
    eps : float
        It is added to s at every step and stays in it: the denominator is at least sqrt(eps / (1 - b2)).
    weight_decay : float
        Lambda.

    Notes
    -----
    Differs from Optax, which centres with the earlier m: with eps = 0 and the same gradients, our u is Optax's
    divided by b1 from the second step on. ``eps`` plays the parts of Optax's ``eps`` and ``eps_root``.

    References
    ----------
    J. Zhuang et al., Momentum centering and asynchronous update for adaptive gradient methods, NeurIPS 2021,
    algorithm 2 (arXiv 2110.05454).

    Examples
    --------
    >>> import numpy as np
    >>> import numopt as no
    >>> x = np.array([1.0, -2.0])
    >>> no.ACProp(0.1).init(x).update(x, np.array([3.0, -1.0]))
    >>> x
    array([ 0.7, -1.9])
    """

    learning_rate: Any = 1e-3
    b1: float = 0.9
    b2: float = 0.999
    eps: float = 1e-8
    weight_decay: float = 0.0

    def check(self):
        """Limits of the fields."""
        checks.learning_rate(self)
        checks.decays(self, "b1", "b2")
        checks.not_negative(self, "eps", "weight_decay")


@vectors.register(ACProp)
def _(rule, x):
    return Moments(zeros(x), real_zeros(x))


@coefficients.register(ACProp)
def _(rule, held, t, learning_rate):
    # the first denominator is 1
    hat, eps = (1.0 / (1.0 - power(rule.b2, t - 1)), rule.eps) if t > 1 else (0.0, 1.0)
    decay = -learning_rate * rule.weight_decay
    return -learning_rate, rule.b1, 1.0 - rule.b1, rule.b2, 1.0 - rule.b2, hat, eps, rule.eps, decay


@element.register(ACProp)
def _(rule, c, state, u, x):
    rate, b1, a1, b2, a2, hat, eps, stays, decay = c
    m = average(state[0], u, b1, a1)
    # s may be infinite, and in the first step hat is 0
    denominator = sqrt(hat * state[1] if hat > constant(u, 0) else constant(u, 0)) + eps
    step = times(over(u, denominator), rate) + times(x, decay)
    return (m, b2 * state[1] + a2 * abs2(u - m) + stays), step


@fresh.register(ACProp)
def _(rule, held, t, u, x):
    # s is of the update itself: that of its difference to m, which begins at u, would be 0
    m, s = fresh_moments(rule.b1, rule.b2, t, u)
    return m, s + rule.eps * (1.0 - power(rule.b2, t)) / (1.0 - rule.b2)
