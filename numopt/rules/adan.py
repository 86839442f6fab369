"""Adan: Adam with Nesterov's momentum from differences of gradients."""

from typing import Any, NamedTuple

import numpy as np

from .._jit import sqrt
from .._scalars import abs2, average, nothing, over, power, times
from ..generic import coefficients, element, fresh, vectors
from . import checks
from .chain import rule
from .state import real_zeros, zeros


@rule
class Adan:
    r"""Adaptive Nesterov momentum.

    With d = g - (the last g), 0 in the first step, m and v the moving averages of g and d, and n that of
    \|g + b2 d\|^2:

    .. math:: x \leftarrow x - lr \left( \frac{\hat m + \beta_2 \hat v}{\sqrt{\hat n + \epsilon_{root}} + \epsilon}
        + \lambda x \right).

    The paper's beta is 1 - b. Optax 0.2.8 weighs d by 1 - b2; the paper, its code and we by b2.

    Parameters
    ----------
    learning_rate : float or schedule
    b : (float, float, float)
        Decay of m, v, n, each in [0, 1).
    eps, eps_root, weight_decay : float

    References
    ----------
    X. Xie et al., Adan, 2022, algorithm 1 (arXiv 2208.06677).
    """

    learning_rate: Any
    b: tuple = (0.98, 0.92, 0.99)
    eps: float = 1e-8
    eps_root: float = 1e-8
    weight_decay: float = 0.0

    def check(self):
        """Limits of the fields."""
        checks.learning_rate(self)
        checks.not_negative(self, "eps", "eps_root", "weight_decay")
        checks.numbers_in_order(self, "b", 3)
        if not all(0 <= value < 1 for value in self.b):
            raise ValueError(f"b must be three numbers in [0, 1), got {self.b}")


class Differences(NamedTuple):
    """The averages, and the last gradient."""

    m: np.ndarray  # (n,) the dtype of x
    v: np.ndarray  # (n,) the dtype of x
    n: np.ndarray  # (n,) real
    previous: np.ndarray  # (n,) the dtype of x


@vectors.register(Adan)
def _(rule, x):
    return Differences(zeros(x), zeros(x), real_zeros(x), zeros(x))


@coefficients.register(Adan)
def _(rule, held, t, learning_rate):
    b1, b2, b3 = 1.0 * rule.b[0], 1.0 * rule.b[1], 1.0 * rule.b[2]
    of_m, of_v = 1.0 / (1.0 - power(b1, t)), b2 / (1.0 - power(b2, t))
    factor, hat = of_m + of_v, 1.0 / (1.0 - power(b3, t))
    rest = (-learning_rate * factor, hat, rule.eps, rule.eps_root, -learning_rate * rule.weight_decay)
    known = 0.0 if t == 1 else 0.5  # half of a difference does not overflow
    of_g = (b1, 1.0 - b1, b2, 2.0 * (1.0 - b2), 2.0 * b2, b3, 1.0 - b3)
    return (*of_g, of_m / factor, of_v / factor, *rest, known)


@element.register(Adan)
def _(rule, c, state, u, x):
    b1, a1, b2, a2, ahead, b3, a3, of_m, of_v, rate, hat, eps, eps_root, decay, known = c
    half = times(u, known) - times(state[3], known)
    m, v = average(state[0], u, b1, a1), average(state[1], half, b2, a2)
    n = b3 * state[2] + a3 * abs2(u + times(half, ahead))
    step = times(over(average(m, v, of_m, of_v), sqrt(hat * n + eps_root) + eps), rate) + times(x, decay)
    return (m, v, n, u), step


@fresh.register(Adan)
def _(rule, held, t, u, x):
    square = (1.0 - power(1.0 * rule.b[2], t)) * abs2(u)
    return times(u, 1.0 - power(1.0 * rule.b[0], t)), nothing(u), square, u
