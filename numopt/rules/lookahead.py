"""Lookahead: slow weights that follow the fast ones."""

from typing import NamedTuple

import numpy as np

from .._jit import variant
from .._scalars import average
from ..generic import coefficients, element, fresh, vectors
from . import checks
from .chain import chain, rule


@rule
class SlowWeights:
    r"""The second half of :func:`Lookahead`, last in a chain.

    After every k-th step :math:`slow \leftarrow slow + \alpha (x - slow)`, and x becomes slow.

    Parameters
    ----------
    k : int
    alpha : float
        In (0, 1].
    """

    k: float = 5.0
    alpha: float = 0.5

    def check(self):
        """Limits of the fields."""
        checks.whole(self, "k", least=1)
        checks.share(self, "alpha")


@variant
def Lookahead(rule, k=5, alpha=0.5):
    """A rule or chain, and slow weights that x returns to after every k-th step: k steps forward, one back.

    Parameters
    ----------
    rule : rule or chain
    k : int
    alpha : float
        The part of the way that the slow weights go, in (0, 1].

    Returns
    -------
    Chain
        The rule and :class:`SlowWeights`; ``state["SlowWeights"].slow`` are the slow weights, at which to evaluate;
        with a set or norm behind, which they do not feel, at x after a k-th step.

    References
    ----------
    M. R. Zhang et al., Lookahead optimizer, NeurIPS 2019, algorithm 1.
    """
    return chain(rule, SlowWeights(k, alpha))


class Slow(NamedTuple):
    """The slow weights, and where they began."""

    slow: np.ndarray  # (n,) the dtype of x
    start: np.ndarray  # (n,) x at init


@vectors.register(SlowWeights)
def _(rule, x):
    return Slow(x.copy(), x.copy())


@coefficients.register(SlowWeights)
def _(rule, held, t, learning_rate):
    returns = t % int(rule.k) == 0
    part = rule.alpha if returns else 0.0
    return 1.0 - part, part, 1.0 if returns else 0.0


@element.register(SlowWeights)
def _(rule, c, state, u, x):
    rest, part, returns = c
    slow = average(state[0], x + u, rest, part)
    return (slow, state[1]), u if returns == part - part else slow - x


@fresh.register(SlowWeights)
def _(rule, held, t, u, x):
    return x, x
