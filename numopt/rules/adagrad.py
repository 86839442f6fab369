"""AdaGrad and AdaDelta: denominators from the history of gradients."""

from typing import Any, NamedTuple

import numpy as np

from .._jit import sqrt
from .._scalars import abs2, constant, over, times
from ..generic import coefficients, element, fresh, vectors
from . import checks
from .chain import rule
from .state import Squares, real_full, real_zeros


@rule
class AdaGrad:
    r"""Steps over the root of the sum of all squared gradients.

    .. math:: s \leftarrow s + |g|^2, \qquad x \leftarrow x - lr\, \frac{g}{\sqrt{s + \epsilon}},

    and no step where s = 0.

    Parameters
    ----------
    learning_rate : float or schedule
    initial : float
        The first s.
    eps : float

    References
    ----------
    J. Duchi, E. Hazan and Y. Singer, Adaptive subgradient methods, J. Mach. Learn. Res. 12 (2011) 2121-2159.
    """

    learning_rate: Any
    initial: float = 0.1
    eps: float = 1e-7

    def check(self):
        """Limits of the fields."""
        checks.learning_rate(self)
        checks.not_negative(self, "initial", "eps")


@vectors.register(AdaGrad)
def _(rule, x):
    return Squares(real_full(x, rule.initial))


@coefficients.register(AdaGrad)
def _(rule, held, t, learning_rate):
    return -learning_rate, rule.eps


@element.register(AdaGrad)
def _(rule, c, state, u, x):
    s = state[0] + abs2(u)
    # s = 0: u is 0, or its square underflows
    size = sqrt(s + c[1]) if s != constant(u, 0) else constant(u, np.inf)
    return (s,), times(over(u, size), c[0])


class DeltaSquares(NamedTuple):
    """Moving averages of the squares of gradients and of steps."""

    v: np.ndarray  # (n,) real
    steps: np.ndarray  # (n,) real


@rule
class AdaDelta:
    r"""Steps in units of earlier steps.

    .. math:: E \leftarrow \rho E + (1-\rho) |g|^2, \quad u = g \sqrt{\frac{X + \epsilon}{E + \epsilon}}, \quad
        X \leftarrow \rho X + (1-\rho) |u|^2, \quad x \leftarrow x - lr\,u.

    Differs from Optax for complex x, where that squares instead of taking the squared modulus, and in the default
    learning rate, with which Optax's version ascends.

    Parameters
    ----------
    learning_rate : float or schedule
    rho : float
        In [0, 1).
    eps : float

    References
    ----------
    M. D. Zeiler, ADADELTA, 2012, algorithm 1 (arXiv 1212.5701).
    """

    learning_rate: Any = 1.0
    rho: float = 0.9
    eps: float = 1e-6

    def check(self):
        """Limits of the fields."""
        checks.learning_rate(self)
        checks.decays(self, "rho")
        checks.not_negative(self, "eps")


@vectors.register(AdaDelta)
def _(rule, x):
    return DeltaSquares(real_zeros(x), real_zeros(x))


@coefficients.register(AdaDelta)
def _(rule, held, t, learning_rate):
    return -learning_rate, rule.rho, 1.0 - rule.rho, rule.eps


@element.register(AdaDelta)
def _(rule, c, state, u, x):
    rate, rho, rest, eps = c
    v = rho * state[0] + rest * abs2(u)
    step = times(u, sqrt(state[1] + eps) / sqrt(v + eps))
    return (v, rho * state[1] + rest * abs2(step)), times(step, rate)


@fresh.register(AdaGrad)
def _(rule, held, t, u, x):
    return (rule.initial,)


@fresh.register(AdaDelta)
def _(rule, held, t, u, x):
    return constant(u, 0), constant(u, 0)
