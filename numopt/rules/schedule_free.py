"""Schedule-free learning: an average of the iterates takes the place of a falling learning rate."""

from typing import NamedTuple

import numpy as np

from .._jit import variant
from .._scalars import average
from ..generic import coefficients, element, fresh, notice, numbers, vectors
from . import checks
from .chain import chain, rule


@rule
class Averaged:
    r"""The second half of :func:`ScheduleFree`, last in a chain.

    The user's x is y. With the move u of the rule before, L the largest learning rate so far, w = L^power, W the sum of
    all w and c = w/W (0 for W = 0):

    .. math:: z \leftarrow z + u, \qquad X \leftarrow (1-c) X + c z, \qquad y = \beta_1 X + (1-\beta_1) z.

    Parameters
    ----------
    b1 : float
        In (0, 1].
    power : float
    """

    b1: float = 0.9
    power: float = 2.0
    holds = ("largest_rate", "weight_sum", "weight")

    def check(self):
        """Limits of the fields."""
        checks.share(self, "b1")
        checks.not_negative(self, "power")


@variant
def ScheduleFree(rule, b1=0.9, power=2.0):
    """A rule without momentum, such as SGD or Adam(lr, b1=0), that needs no schedule.

    The gradient is taken at x, a mixture of the rule's own iterates and of their average; evaluate at the average:
    ``state["Averaged"].average``. (Optax reads a schedule for the weights one count later; the same for a constant
    learning rate.)

    Parameters
    ----------
    rule : rule or chain
    b1 : float
        The part of the average in x, in (0, 1].
    power : float
        The weights in the average are those of the largest learning rate so far, to this power.

    Returns
    -------
    Chain
        The rule and :class:`Averaged`. A norm behind it shrinks x, but not z: x then rests at the minima of f.

    References
    ----------
    A. Defazio et al., The road less scheduled, NeurIPS 2024, algorithm 1 (arXiv 2405.15682).
    """
    return chain(rule, Averaged(b1, power))


class Iterates(NamedTuple):
    """The rule's own iterates, their average, and where they began."""

    z: np.ndarray  # (n,) the dtype of x
    average: np.ndarray  # (n,) the dtype of x
    start: np.ndarray  # (n,) x at init


@vectors.register(Averaged)
def _(rule, x):
    return Iterates(x.copy(), x.copy(), x.copy())


@numbers.register(Averaged)
def _(rule, x):
    return np.zeros(3)


@notice.register(Averaged)
def _(rule, held, t, learning_rate, f):
    held[0] = max(held[0], learning_rate)
    weight = held[0] ** rule.power
    held[1] += weight
    held[2] = 0.0 if held[1] == 0.0 else weight / held[1]


@coefficients.register(Averaged)
def _(rule, held, t, learning_rate):
    return 1.0 - held[2], held[2], rule.b1, 1.0 - rule.b1


@element.register(Averaged)
def _(rule, c, state, u, x):
    z = state[0] + u
    mean = average(state[1], z, c[0], c[1])
    return (z, mean, state[2]), average(mean, z, c[2], c[3]) - x


@fresh.register(Averaged)
def _(rule, held, t, u, x):
    return x, x, x
