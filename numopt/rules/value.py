"""Rules that need the value of the objective: PolyakSGD, ReduceOnPlateau."""

import numpy as np

from .._scalars import times
from ..generic import absorb, coefficients, element, notice, numbers, summands
from . import checks
from .chain import rule
from .norms import norm_of, squares

_LEAST = 1e-290  # a square below this is rounded


@rule
class PolyakSGD:
    r"""Steps that would reach f_min if f were linear: ``update(x, g, f)``.

    .. math:: x \leftarrow x - scaling\, g\, \min\!\left( \frac{\max(f - f_{min}, 0)}{\|g\|_2^2 + \epsilon},
        max\_lr \right),

    and no step where the denominator is 0. The square of the norm may overflow or underflow, but neither the norm nor
    what g is multiplied by. (The maximum is Optax's variant "sps+"; its default ascends for f < f_min.)

    Parameters
    ----------
    max_lr, f_min, eps, scaling : float

    References
    ----------
    N. Loizou et al., Stochastic Polyak step-size for SGD, AISTATS 2021, eq. 3 (SPS_max).
    """

    max_lr: float = 1.0
    f_min: float = 0.0
    eps: float = 0.0
    scaling: float = 1.0
    descends = True
    needs_value = True
    holds = ("f", "step")

    def check(self):
        """Limits of the fields."""
        checks.positive(self, "max_lr", "scaling")
        checks.finite(self, "f_min")
        checks.not_negative(self, "eps")


@rule
class ReduceOnPlateau:
    """Scale the update down when the value no longer improves: ``update(x, g, f)``.

    With F the mean of ``accumulation`` values: it improves if F < (1 - rtol) best - atol. After ``patience`` values in
    a row that do not improve, the scale is multiplied by ``factor``, down to ``min_scale``, and during ``cooldown``
    values nothing is counted.

    Parameters
    ----------
    factor : float
        In (0, 1).
    patience : int
    rtol, atol : float
    cooldown, accumulation : int
    min_scale : float
    """

    factor: float = 0.1
    patience: float = 10.0
    rtol: float = 1e-4
    atol: float = 0.0
    cooldown: float = 0.0
    accumulation: float = 1.0
    min_scale: float = 0.0
    needs_value = True
    holds = ("scale", "best", "bad", "cooling", "sum", "collected")

    def check(self):
        """Limits of the fields."""
        if not 0 < self.factor < 1:
            raise ValueError(f"factor must lie between 0 and 1, got {self.factor}")
        checks.whole(self, "patience", "accumulation", least=1)
        checks.whole(self, "cooldown")
        checks.not_negative(self, "rtol", "atol", "min_scale")


@numbers.register(PolyakSGD)
def _(rule, x):
    return np.zeros(2)


@notice.register(PolyakSGD)
def _(rule, held, t, learning_rate, f):
    held[0] = f


@summands.register(PolyakSGD)
def _(rule, c, state, u, x):
    return squares(u)


@absorb.register(PolyakSGD)
def _(rule, held, sums, n, t):
    norm, gap = norm_of(sums, 0), held[0] - rule.f_min
    size, gap = norm * norm + rule.eps, 0.0 if gap < 0.0 else gap
    # one after the other where the square of the norm overflows or underflows
    step = gap / size if _LEAST < size < np.inf or norm == 0.0 else gap / norm / norm
    held[1] = 0.0 if norm == 0.0 and rule.eps == 0.0 else rule.scaling * (rule.max_lr if step > rule.max_lr else step)


@coefficients.register(PolyakSGD)
def _(rule, held, t, learning_rate):
    return (-held[1],)


@numbers.register(ReduceOnPlateau)
def _(rule, x):
    held = np.zeros(6)
    held[0], held[1] = 1.0, np.inf
    return held


@notice.register(ReduceOnPlateau)
def _(rule, held, t, learning_rate, f):
    held[4] += f
    held[5] += 1.0
    if held[5] < rule.accumulation:
        return
    mean, improved = held[4] / held[5], held[4] / held[5] < (1.0 - rule.rtol) * held[1] - rule.atol
    held[4] = held[5] = 0.0
    if improved:
        held[1] = mean
    if held[3] > 0.0:
        held[3] -= 1.0
        held[2] = 0.0
        return
    held[2] = 0.0 if improved else held[2] + 1.0
    if held[2] >= rule.patience:
        held[0] = max(held[0] * rule.factor, rule.min_scale)
        held[3], held[2] = rule.cooldown, 0.0


@coefficients.register(ReduceOnPlateau)
def _(rule, held, t, learning_rate):
    return (held[0],)


@element.register(PolyakSGD)
@element.register(ReduceOnPlateau)
def _(rule, c, state, u, x):
    return (), times(u, c[0])
