"""ADOPT: Adam whose normalisation comes before the average, with the earlier second moment."""

from typing import Any

from .._jit import sqrt
from .._scalars import abs2, average, larger, limit, nothing, over, times
from ..generic import coefficients, element, fresh, vectors
from . import checks
from .chain import rule
from .state import Moments, real_zeros, zeros


@rule
class ADOPT:
    r"""Adam that converges for any b2.

    The first step only sets :math:`v = |g|^2`. From then on, with the v of the step before and
    :math:`c = (t-1)^{1/4}`,

    .. math:: m \leftarrow \beta_1 m + (1-\beta_1)\, \mathrm{clip}_c\!\left(\frac{g}{\max(\sqrt v, \epsilon)}\right),
        \quad x \leftarrow x - lr\,m, \quad v \leftarrow \beta_2 v + (1-\beta_2) |g|^2.

    Nothing is corrected for the start. Complex entries are clipped by their modulus.

    Parameters
    ----------
    learning_rate : float or schedule
    b1, b2 : float
        In [0, 1).
    eps : float
        Positive.

    References
    ----------
    S. Taniguchi et al., ADOPT, NeurIPS 2024, algorithm 2 with clipping (arXiv 2411.02853).
    """

    learning_rate: Any
    b1: float = 0.9
    b2: float = 0.9999
    eps: float = 1e-6

    def check(self):
        """Limits of the fields."""
        checks.learning_rate(self)
        checks.decays(self, "b1", "b2")
        checks.positive(self, "eps")


@vectors.register(ADOPT)
def _(rule, x):
    return Moments(zeros(x), real_zeros(x))


@coefficients.register(ADOPT)
def _(rule, held, t, learning_rate):
    # in the first step v becomes the square, and the bound 0 leaves m and x alone
    b2, a2 = (rule.b2, 1.0 - rule.b2) if t > 1 else (0.0, 1.0)
    return -learning_rate, rule.b1, 1.0 - rule.b1, b2, a2, rule.eps, (t - 1.0) ** 0.25


@element.register(ADOPT)
def _(rule, c, state, u, x):
    rate, b1, a1, b2, a2, eps, bound = c
    size = larger(sqrt(state[1]), eps)
    # limited before the division, which may overflow
    m = average(state[0], over(limit(u, size * bound), size), b1, a1)
    return (m, b2 * state[1] + a2 * abs2(u)), times(m, rate)


@fresh.register(ADOPT)
def _(rule, held, t, u, x):
    return nothing(u), abs2(u)
