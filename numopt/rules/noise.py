"""Gradient noise that dies away."""

from typing import NamedTuple

import numpy as np

from .._jit import Positions, sqrt, variant
from .._philox import normal_pair, philox, words_of
from .._scalars import constant, number, of_entry, of_numbers
from ..generic import coefficients, element, fresh, vectors
from . import checks
from .chain import chain, rule
from .sgd import SGD

_NOISE = 0x6E6F6973  # keeps these numbers apart from others made with the same seed
_HALF_WORD, _HALF_BITS = np.uint64(0xFFFF), np.uint64(16)
_ZERO, _ONE = np.uint64(0), np.uint64(1)


@rule
class AddNoise:
    r"""Add normal noise to every entry of the update, in step t of the variance :math:`\eta / t^\gamma`.

    For complex updates that is E|n|^2, half of it in each part. The numbers depend on seed, step and position only:
    they are the same for any number of threads, after a pause, and after ``reset``. Two of these in one chain need
    different seeds.

    Parameters
    ----------
    eta : float
        Variance in the first step, not negative.
    gamma : float
        How fast it falls, not negative.
    seed : int
        From 0 to 2^53.

    References
    ----------
    A. Neelakantan et al., Adding gradient noise improves learning for very deep networks, arXiv 1511.06807, 2015.

    Examples
    --------
    >>> import numpy as np
    >>> import numopt as no
    >>> x, y = np.zeros(3), np.zeros(3)
    >>> for point in (x, y):
    ...     no.chain(no.AddNoise(0.01, 0.55, seed=3), no.SGD(1.0)).init(point).update(point, np.ones(3))
    >>> bool((x == y).all()), bool((x == -1).any())
    (True, False)
    """

    eta: float
    gamma: float
    seed: float = 0

    def check(self):
        """Limits of the fields."""
        checks.not_negative(self, "eta", "gamma")
        checks.whole(self, "seed")


@variant
def NoisySGD(learning_rate, eta=0.01, gamma=0.55, seed=0):
    """``chain(AddNoise(eta, gamma, seed), SGD(learning_rate))``."""
    return chain(AddNoise(eta, gamma, seed), SGD(learning_rate))


class Place(NamedTuple):
    """Where an entry stands."""

    position: Positions


@vectors.register(AddNoise)
def _(rule, x):
    return Place(Positions(0))


@coefficients.register(AddNoise)
def _(rule, held, t, learning_rate):
    """The standard deviation, and the key of this step in pieces of 16 bits, which single precision holds."""
    low, high = words_of(rule.seed)
    step_low, step_high = words_of(t)
    a, b, _, _ = philox(step_low, step_high, _ZERO, np.uint64(_NOISE), low, high)
    pieces = a & _HALF_WORD, a >> _HALF_BITS, b & _HALF_WORD, b >> _HALF_BITS
    return (sqrt(rule.eta / t**rule.gamma), *pieces)


@of_numbers
def _normals(like, c, pair):
    """Two normal numbers for the pair of positions number ``pair``."""
    k0 = np.uint64(c[1]) | np.uint64(c[2]) << _HALF_BITS
    k1 = np.uint64(c[3]) | np.uint64(c[4]) << _HALF_BITS
    block = pair >> _ONE
    words = philox(block & np.uint64(0xFFFFFFFF), block >> np.uint64(32), _ZERO, _ZERO, k0, k1)
    return normal_pair(like, words[2], words[3]) if pair & _ONE else normal_pair(like, words[0], words[1])


@of_entry
def _noisy(u, c, position):
    """U with its noise."""


@_noisy.real
def _(u, c, position):
    a, b = _normals(u, c, position >> _ONE)
    return u + c[0] * (b if position & _ONE else a)


@_noisy.complex
def _(u, c, position):
    a, b = _normals(u, c, position)
    scale = c[0] * constant(u, 0.5**0.5)
    return number(u.real + scale * a, u.imag + scale * b)


@element.register(AddNoise)
def _(rule, c, state, u, x):
    return state, _noisy(u, c, np.uint64(state[0]))


@fresh.register(AddNoise)
def _(rule, held, t, u, x):
    return (0,)
