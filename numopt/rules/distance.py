"""Rules that find their step from the distance travelled: DoG, DoWG, Prodigy."""

from typing import Any, NamedTuple

import numpy as np

from .._jit import by_type, sqrt
from .._scalars import abs2, average, inner, modulus, nothing, over, power, times
from ..generic import absorb, coefficients, element, fresh, numbers, summands, vectors
from . import checks
from .chain import rule
from .norms import norm_of, squares, vector_norm
from .state import fresh_moments, real_zeros, zeros


@rule
class DoG:
    r"""Distance over gradients.

    .. math:: r \leftarrow \max(r, \|x - x_0\|_2) \ (r_0 = initial\,(1 + \|x_0\|_2)), \quad
        S \leftarrow S + \|g\|_2^2, \quad x \leftarrow x - lr\, g\, \frac{r}{\sqrt{S + \epsilon}}.

    The paper evaluates at an average of the iterates. Norms are those of the whole vector; one NaN makes every entry
    NaN. S holds squares: a norm of g above 1e154 makes it infinite for good, and x stays where it is.

    Parameters
    ----------
    learning_rate : float or schedule
    initial, eps : float

    References
    ----------
    M. Ivgi, O. Hinder and Y. Carmon, DoG is SGD's best friend, ICML 2023, eq. 3 (arXiv 2302.12022).
    """

    learning_rate: Any = 1.0
    initial: float = 1e-6
    eps: float = 1e-8
    holds = ("distance", "sum")

    def check(self):
        """Limits of the fields."""
        checks.learning_rate(self)
        checks.positive(self, "initial", "eps")


@rule
class DoWG:
    r"""Distance over weighted gradients.

    .. math:: D \leftarrow \max(D, \|x - x_0\|_2^2) \ (D_0 = \epsilon), \quad V \leftarrow V + D \|g\|_2^2, \quad
        x \leftarrow x - lr\, g\, \frac{D}{\sqrt V + \epsilon}.

    V holds squares of products: where a distance, at least sqrt(eps), times a norm of g is above 1e154, V is infinite
    for good, and x stays where it is.

    Parameters
    ----------
    learning_rate : float or schedule
    eps : float

    References
    ----------
    A. Khaled, K. Mishchenko and C. Jin, DoWG unleashed, NeurIPS 2023, algorithm 1 (arXiv 2305.16284).
    """

    learning_rate: Any = 1.0
    eps: float = 1e-4
    holds = ("squared_distance", "sum")

    def check(self):
        """Limits of the fields."""
        checks.learning_rate(self)
        checks.positive(self, "eps")


@rule
class Prodigy:
    r"""Adam with a learning rate from an estimate d of the distance to the solution.

    With :math:`k = d\,lr \sqrt{1-\beta_2^t}/(1-\beta_1^t)`,

    .. math::
        N \leftarrow \beta_3 N + \tfrac{d}{d_0} k\, \mathrm{Re}\langle g, x_0 - x\rangle, \quad
        m \leftarrow \beta_1 m + (1-\beta_1) d g, \quad v \leftarrow \beta_2 v + (1-\beta_2) d^2 |g|^2,

    .. math::
        S \leftarrow \beta_3 S + \tfrac{d}{d_0} k\, g, \quad d_{new} = \max(d, c N/\textstyle\sum |S_i|), \quad
        x \leftarrow x - k \left( \frac{m}{\sqrt v + d_{new} \epsilon} + \lambda x \right).

    Where the sum is 0, d stays (Optax gives NaN); for complex x moduli and real parts are taken. One NaN makes every
    entry NaN.

    Parameters
    ----------
    learning_rate : float or schedule
    b1, b2 : float
        In [0, 1).
    b3 : float, optional
        sqrt(b2) if left out.
    eps : float
    d0 : float
        The first d.
    coef : float
        c.
    weight_decay : float
        Lambda.

    References
    ----------
    K. Mishchenko and A. Defazio, Prodigy, ICML 2024, algorithm 4 (arXiv 2306.06101).
    """

    learning_rate: Any = 1.0
    b1: float = 0.9
    b2: float = 0.999
    b3: Any = None
    eps: float = 1e-8
    d0: float = 1e-6
    coef: float = 1.0
    weight_decay: float = 0.0
    holds = ("earlier_d", "numerator", "d", "step_of_d")

    def check(self):
        """Limits of the fields."""
        checks.learning_rate(self)
        checks.decays(self, "b1", "b2")
        checks.positive(self, "d0", "coef", "eps")
        checks.not_negative(self, "weight_decay")
        if self.b3 is not None:
            checks.decays(self, "b3")


class Start(NamedTuple):
    """Where x began."""

    start: np.ndarray  # (n,) x at init


class DistanceMoments(NamedTuple):
    """Moments of d g, the weighted sum of gradients, and where x began."""

    m: np.ndarray  # (n,) the dtype of x
    v: np.ndarray  # (n,) real
    s: np.ndarray  # (n,) the dtype of x
    start: np.ndarray  # (n,) x at init


@vectors.register(DoG)
@vectors.register(DoWG)
def _(rule, x):
    return Start(x.copy())


@numbers.register(DoG)
def _(rule, x):
    held = np.zeros(2)
    held[0] = rule.initial * (1.0 + vector_norm(x))
    return held


@numbers.register(DoWG)
def _(rule, x):
    held = np.zeros(2)
    held[0] = rule.eps
    return held


@summands.register(DoG)
@summands.register(DoWG)
def _(rule, c, state, u, x):
    return squares(u) + squares(x - state[0])


@absorb.register(DoG)
def _(rule, held, sums, n, t):
    norm, distance = norm_of(sums, 0), norm_of(sums, 3)
    held[0] = distance if distance > held[0] or distance != distance else held[0]
    held[1] += norm * norm


@absorb.register(DoWG)
def _(rule, held, sums, n, t):
    norm, distance = norm_of(sums, 0), norm_of(sums, 3)
    square = distance * distance
    held[0] = square if square > held[0] or square != square else held[0]
    held[1] += held[0] * norm * norm


@coefficients.register(DoG)
def _(rule, held, t, learning_rate):
    return (-learning_rate * held[0] / sqrt(held[1] + rule.eps),)


@coefficients.register(DoWG)
def _(rule, held, t, learning_rate):
    return (-learning_rate * held[0] / (sqrt(held[1]) + rule.eps),)


@element.register(DoG)
@element.register(DoWG)
def _(rule, c, state, u, x):
    return (state[0],), times(u, c[0])


@vectors.register(Prodigy)
def _(rule, x):
    return DistanceMoments(zeros(x), real_zeros(x), zeros(x), x.copy())


@numbers.register(Prodigy)
def _(rule, x):
    held = np.zeros(4)
    held[0] = held[2] = rule.d0
    return held


@by_type(borrow=True)
def _third_decay(b3, b2):
    """B3, or what stands for it."""


@_third_decay.register(type(None))
def _(b3, b2):
    return sqrt(b2)


@_third_decay.register(float)
def _(b3, b2):
    return b3


@coefficients.register(Prodigy)
def _(rule, held, t, learning_rate):
    # before the sums of this step are in, d is the newest; afterwards both are needed
    d = held[0] if held[3] == t else held[2]
    k = d * learning_rate * sqrt(1.0 - power(rule.b2, t)) / (1.0 - power(rule.b1, t))
    b3, weight = _third_decay(rule.b3, rule.b2), d / rule.d0 * k
    of_g = (rule.b1, (1.0 - rule.b1) * d, rule.b2, (1.0 - rule.b2) * d * d)
    return (*of_g, b3, weight, held[2] * rule.eps, -k, -k * rule.weight_decay)


@summands.register(Prodigy)
def _(rule, c, state, u, x):
    s = average(state[2], u, c[4], c[5])
    return np.float64(c[5] * inner(u, state[3] - x)), np.float64(modulus(s))


@absorb.register(Prodigy)
def _(rule, held, sums, n, t):
    held[0] = d = held[2]
    held[1] = _third_decay(rule.b3, rule.b2) * held[1] + sums[0]
    if sums[1] != 0.0:
        estimate = rule.coef * held[1] / sums[1]
        held[2] = estimate if estimate > d or estimate != estimate else d
    held[3] = t


@element.register(Prodigy)
def _(rule, c, state, u, x):
    b1, a1, b2, a2, b3, weight, eps, rate, decay = c
    m = average(state[0], u, b1, a1)
    v = b2 * state[1] + a2 * abs2(u)
    s = average(state[2], u, b3, weight)
    return (m, v, s, state[3]), times(over(m, sqrt(v) + eps), rate) + times(x, decay)


@fresh.register(DoG)
@fresh.register(DoWG)
def _(rule, held, t, u, x):
    return (x,)


@fresh.register(Prodigy)
def _(rule, held, t, u, x):
    return (*fresh_moments(rule.b1, rule.b2, t, times(u, held[2])), nothing(u), x)
