"""Limits of the update: of each entry, and of its norm."""

import numpy as np

from .._jit import sqrt
from .._scalars import limit, times
from ..generic import absorb, coefficients, element, numbers, summands
from . import checks
from .chain import rule
from .norms import norm_of, root_of_norm, squares, two_factors


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

    It is right for all finite vectors: the norm neither underflows nor, where it is larger than the largest number,
    clips to zero. One NaN makes every entry NaN; an infinite entry becomes NaN, and the finite ones 0.

    Parameters
    ----------
    largest : float
        c, positive.
    """

    largest: float
    holds = ("norm", "root_of_norm")

    def check(self):
        """Limits of the fields."""
        checks.positive(self, "largest")


@rule
class AdaptiveClip:
    r"""Scale the update if its norm is large beside that of the parameters.

    With :math:`M = \lambda \max(\|x\|_2, \epsilon)`: u if :math:`\|u\|_2 \le M`, else :math:`u M/\|u\|_2`, over the
    whole vector. One NaN makes every entry NaN. It is right for all finite vectors, as :class:`ClipByGlobalNorm` is.

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
    holds = ("norm", "root_of_norm", "norm_of_x", "root_of_norm_of_x")

    def check(self):
        """Limits of the fields."""
        checks.positive(self, "ratio", "eps")


@rule
class Normalize:
    r"""Scale the update to one length: :math:`u\, scale / (\|u\|_2 + \epsilon)`.

    It is right for all finite vectors, as :class:`ClipByGlobalNorm` is; for eps = 0 all but 0, of which it makes NaN.

    Parameters
    ----------
    scale : float
        Positive.
    eps : float
    """

    scale: float = 1.0
    eps: float = 1e-6
    holds = ("norm", "root_of_norm")

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
    return np.zeros(2)


@numbers.register(AdaptiveClip)
def _(rule, x):
    return np.zeros(4)


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
    held[0], held[1] = norm_of(sums, 0), root_of_norm(sums, 0)


@absorb.register(AdaptiveClip)
def _(rule, held, sums, n, t):
    held[0], held[1] = norm_of(sums, 0), root_of_norm(sums, 0)
    held[2], held[3] = norm_of(sums, 3), root_of_norm(sums, 3)


@coefficients.register(ClipByGlobalNorm)
def _(rule, held, t, learning_rate):
    if held[0] <= rule.largest:
        return 1.0, 1.0
    return two_factors(rule.largest, held[0], sqrt(rule.largest), held[1])


@coefficients.register(AdaptiveClip)
def _(rule, held, t, learning_rate):
    norm, root, norm_of_x, root_of_x = held[0], held[1], held[2], held[3]
    largest = rule.ratio * max(norm_of_x, rule.eps) if norm_of_x == norm_of_x else norm_of_x
    root_of_largest = sqrt(rule.ratio) * root_of_x if largest == np.inf else sqrt(largest)
    # two that are larger than the largest number are compared by their roots
    if norm <= largest and (norm < np.inf or root <= root_of_largest):
        return 1.0, 1.0
    return two_factors(largest, norm, root_of_largest, root)


@coefficients.register(Normalize)
def _(rule, held, t, learning_rate):
    size = held[0] + rule.eps
    return two_factors(rule.scale, size, sqrt(rule.scale), held[1] if size == np.inf else sqrt(size))


@element.register(ClipByGlobalNorm)
@element.register(AdaptiveClip)
@element.register(Normalize)
def _(rule, c, state, u, x):
    return (), times(times(u, c[0]), c[1])
