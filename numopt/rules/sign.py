"""Rules that use only the sign of what they get: SignSGD, Signum, Lion. For complex entries sign(z) = z/|z|."""

from typing import Any

from .._scalars import average, nothing, sign, times
from ..generic import coefficients, element, fresh, vectors
from . import checks
from .chain import rule
from .state import Momentum, zeros


@rule
class SignSGD:
    """Steps of one length in every entry: x <- x - lr sign(g).

    Parameters
    ----------
    learning_rate : float or schedule

    References
    ----------
    J. Bernstein et al., signSGD, ICML 2018, algorithm 1.
    """

    learning_rate: Any

    def check(self):
        """Limits of the fields."""
        checks.learning_rate(self)


@rule
class Signum:
    r"""The sign of a moving average: :math:`m \leftarrow \beta m + (1-\beta) g`, x <- x - lr sign(m).

    Parameters
    ----------
    learning_rate : float or schedule
    beta : float
        In [0, 1).

    References
    ----------
    J. Bernstein et al., signSGD, ICML 2018, algorithm 2.
    """

    learning_rate: Any
    beta: float = 0.9

    def check(self):
        """Limits of the fields."""
        checks.learning_rate(self)
        checks.decays(self, "beta")


@rule
class Lion:
    r"""Evolved sign momentum.

    .. math:: x \leftarrow x - lr\,(\mathrm{sign}(\beta_1 m + (1-\beta_1) g) + \lambda x), \qquad
        m \leftarrow \beta_2 m + (1-\beta_2) g.

    Parameters
    ----------
    learning_rate : float or schedule
    b1, b2 : float
        In [0, 1).
    weight_decay : float
        Lambda.

    References
    ----------
    X. Chen et al., Symbolic discovery of optimization algorithms, NeurIPS 2023, program 1 (arXiv 2302.06675).
    """

    learning_rate: Any
    b1: float = 0.9
    b2: float = 0.99
    weight_decay: float = 1e-3

    def check(self):
        """Limits of the fields."""
        checks.learning_rate(self)
        checks.decays(self, "b1", "b2")
        checks.not_negative(self, "weight_decay")


@vectors.register(Signum)
@vectors.register(Lion)
def _(rule, x):
    return Momentum(zeros(x))


@coefficients.register(SignSGD)
def _(rule, held, t, learning_rate):
    return (-learning_rate,)


@coefficients.register(Signum)
def _(rule, held, t, learning_rate):
    return -learning_rate, rule.beta, 1.0 - rule.beta


@coefficients.register(Lion)
def _(rule, held, t, learning_rate):
    decay = -learning_rate * rule.weight_decay
    return -learning_rate, rule.b1, 1.0 - rule.b1, rule.b2, 1.0 - rule.b2, decay


@element.register(SignSGD)
def _(rule, c, state, u, x):
    return (), times(sign(u), c[0])


@element.register(Signum)
def _(rule, c, state, u, x):
    m = average(state[0], u, c[1], c[2])
    return (m,), times(sign(m), c[0])


@element.register(Lion)
def _(rule, c, state, u, x):
    rate, b1, a1, b2, a2, decay = c
    direction = sign(average(state[0], u, b1, a1))
    return (average(state[0], u, b2, a2),), average(direction, x, rate, decay)


@fresh.register(Signum)
@fresh.register(Lion)
def _(rule, held, t, u, x):
    return (nothing(u),)
