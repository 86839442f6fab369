"""COCOB: coin betting, without a learning rate."""

from typing import NamedTuple

import numpy as np

from .._scalars import constant, inner, larger, modulus, nothing, over, times
from ..generic import coefficients, element, fresh, vectors
from . import checks
from .chain import rule
from .state import real_full, real_zeros, zeros


@rule
class COCOB:
    r"""Continuous coin betting: the bet on each entry grows with what it has won.

    With :math:`g \leftarrow g + \lambda x`, per entry

    .. math:: L \leftarrow \max(L, |g|), \quad G \leftarrow G + |g|, \quad
        R \leftarrow \max(R - \mathrm{Re}(\bar g (x - x_0)), 0), \quad C \leftarrow C - g,

    .. math:: x = x_0 + \frac{C\,(L + R)}{L \max(G + L, \alpha L)}.

    It has no learning rate. For complex x, Optax leaves out Re. G, R and C are sums, which must not be larger than
    the largest number; where :math:`\alpha L` is, x is x_0.

    Parameters
    ----------
    alpha : float
        Larger values begin more carefully.
    eps : float
        The first L; positive.
    weight_decay : float
        Lambda.

    References
    ----------
    F. Orabona and T. Tommasi, Training deep networks without learning rates through coin betting, NeurIPS 2017,
    algorithm 2 (arXiv 1705.07795).
    """

    alpha: float = 100.0
    eps: float = 1e-8
    weight_decay: float = 0.0
    descends = True

    def check(self):
        """Limits of the fields."""
        checks.positive(self, "alpha", "eps")
        checks.not_negative(self, "weight_decay")


class Bets(NamedTuple):
    """What each entry has seen and won."""

    largest: np.ndarray  # (n,) real: L
    total: np.ndarray  # (n,) real: G
    reward: np.ndarray  # (n,) real: R
    direction: np.ndarray  # (n,) the dtype of x: C
    start: np.ndarray  # (n,) x at init


@vectors.register(COCOB)
def _(rule, x):
    return Bets(real_full(x, rule.eps), real_zeros(x), real_zeros(x), zeros(x), x.copy())


@coefficients.register(COCOB)
def _(rule, held, t, learning_rate):
    return rule.alpha, rule.weight_decay


@element.register(COCOB)
def _(rule, c, state, u, x):
    alpha, decay = c
    u = u + times(x, decay)
    size, start = modulus(u), state[4]
    largest = larger(size, state[0])
    total = state[1] + size
    reward = larger(state[2] - inner(u, x - start), constant(u, 0))
    direction = state[3] - u
    # divided twice: a product of two of these may overflow
    share = over(direction, larger(total + largest, alpha * largest))
    new = start + times(share, constant(u, 1) + reward / largest)
    return (largest, total, reward, direction, start), new - x


@fresh.register(COCOB)
def _(rule, held, t, u, x):
    return rule.eps, constant(u, 0), constant(u, 0), nothing(u), x
