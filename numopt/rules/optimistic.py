"""Optimistic gradient descent, for games and saddle points."""

from typing import Any, NamedTuple

import numpy as np

from .._scalars import average
from ..generic import coefficients, element, follows_gradient, fresh, vectors
from . import checks
from .chain import rule
from .state import zeros


@rule
class OptimisticGD:
    r"""Gradient descent with a guess of the next gradient.

    .. math:: x \leftarrow x - lr\,((\alpha + \beta) g - \beta g_{prev}),

    where the last gradient is g itself in the first step.

    Parameters
    ----------
    learning_rate : float or schedule
    alpha, beta : float

    References
    ----------
    A. Mokhtari, A. Ozdaglar and S. Pattathil, A unified analysis of extra-gradient and optimistic gradient methods,
    AISTATS 2020, eq. 9.
    """

    learning_rate: Any
    alpha: float = 1.0
    beta: float = 1.0

    def check(self):
        """Limits of the fields."""
        checks.learning_rate(self)
        checks.not_negative(self, "alpha", "beta")


class Previous(NamedTuple):
    """The last gradient."""

    previous: np.ndarray  # (n,) the dtype of x


@vectors.register(OptimisticGD)
def _(rule, x):
    return Previous(zeros(x))


@coefficients.register(OptimisticGD)
def _(rule, held, t, learning_rate):
    beta = 0.0 if t == 1 else rule.beta
    return -learning_rate * (rule.alpha + beta), learning_rate * beta


@element.register(OptimisticGD)
def _(rule, c, state, u, x):
    return (u,), average(u, state[0], c[0], c[1])


@follows_gradient.register(OptimisticGD)
def _(rule):
    return rule.alpha == 1.0 and rule.beta == 0.0


@fresh.register(OptimisticGD)
def _(rule, held, t, u, x):
    return (u,)
