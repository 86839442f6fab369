"""Limits of the update: of each entry, and of its norm."""

import numpy as np

from .._scalars import limit, times
from ..generic import absorb, coefficients, element, numbers, summands
from . import checks
from .chain import rule
from .norms import norm_of, squares


@rule
class Clip:
    """Limit every entry of the update: a real one to [-limit, limit], a complex one to that modulus, its phase kept.

    NaN stays NaN; a real infinity becomes the limit, a complex one NaN. (Optax raises for complex updates.)

    Parameters
    ----------
    limit : float
        Positive.

    Examples
    --------
    >>> import numpy as np
    >>> import numopt as no
    >>> x = np.zeros(2, complex)
    >>> no.chain(no.Clip(1.0), no.Scale(-1.0)).init(x).update(x, np.array([3 + 4j, 0.3 + 0.4j]))
    >>> x
    array([-0.6-0.8j, -0.3-0.4j])
    """

    limit: float

    def check(self):
        """Limits of the fields."""
        checks.positive(self, "limit")


@rule
class ClipByGlobalNorm:
    r"""Scale the update so that its Euclidean norm is at most ``largest``: :math:`u\, c / \max(\|u\|_2, c)`.

    The norm can neither overflow nor underflow. One NaN makes every entry NaN.

    Parameters
    ----------
    largest : float
        c, positive.
    """

    largest: float
    holds = ("norm",)

    def check(self):
        """Limits of the fields."""
        checks.positive(self, "largest")


@rule
class AdaptiveClip:
    r"""Scale the update if its norm is large beside that of the parameters.

    With :math:`M = \lambda \max(\|x\|_2, \epsilon)`: u if :math:`\|u\|_2 \le M`, else :math:`u M/\|u\|_2`, over the
    whole vector. One NaN makes every entry NaN.

    Parameters
    ----------
    ratio : float
        Lambda, positive.
    eps : float
        Positive.

    References
    ----------
    A. Brock et al., High-performance large-scale image recognition without normalization, ICML 2021, eq. 3.
    """

    ratio: float
    eps: float = 1e-3
    holds = ("norm", "norm_of_x")

    def check(self):
        """Limits of the fields."""
        checks.positive(self, "ratio", "eps")


@rule
class Normalize:
    r"""Scale the update to one length: :math:`u\, scale / (\|u\|_2 + \epsilon)`.

    Parameters
    ----------
    scale : float
        Positive.
    eps : float
    """

    scale: float = 1.0
    eps: float = 1e-6
    holds = ("norm",)

    def check(self):
        """Limits of the fields."""
        checks.positive(self, "scale")
        checks.not_negative(self, "eps")


@coefficients.register(Clip)
def _(rule, held, t, learning_rate):
    return (rule.limit,)


@element.register(Clip)
def _(rule, c, state, u, x):
    return (), limit(u, c[0])


@numbers.register(ClipByGlobalNorm)
@numbers.register(Normalize)
def _(rule, x):
    return np.zeros(1)


@numbers.register(AdaptiveClip)
def _(rule, x):
    return np.zeros(2)


@summands.register(ClipByGlobalNorm)
@summands.register(Normalize)
def _(rule, c, state, u, x):
    return squares(u)


@summands.register(AdaptiveClip)
def _(rule, c, state, u, x):
    return squares(u) + squares(x)


@absorb.register(ClipByGlobalNorm)
@absorb.register(Normalize)
def _(rule, held, sums, n, t):
    held[0] = norm_of(sums, 0)


@absorb.register(AdaptiveClip)
def _(rule, held, sums, n, t):
    held[0], held[1] = norm_of(sums, 0), norm_of(sums, 3)


@coefficients.register(ClipByGlobalNorm)
def _(rule, held, t, learning_rate):
    return (1.0 if held[0] <= rule.largest else rule.largest / held[0],)


@coefficients.register(AdaptiveClip)
def _(rule, held, t, learning_rate):
    largest = rule.ratio * max(held[1], rule.eps) if held[1] == held[1] else held[1]
    return (1.0 if held[0] <= largest else largest / held[0],)


@coefficients.register(Normalize)
def _(rule, held, t, learning_rate):
    return (rule.scale / (held[0] + rule.eps),)


@element.register(ClipByGlobalNorm)
@element.register(AdaptiveClip)
@element.register(Normalize)
def _(rule, c, state, u, x):
    return (), times(u, c[0])
