"""Adam and its nearest relatives: Nesterov's momentum, decoupled weight decay, AMSGrad."""

from typing import Any, NamedTuple

import numpy as np

from .._jit import ELEMENTWISE, by_type, sqrt, variant
from .._scalars import abs2, average, larger, of_numbers, over, power, times
from ..generic import coefficients, element, fresh, vectors
from . import checks
from .chain import rule
from .state import Moments, fresh_moments, real_zeros, zeros


@rule
class Adam:
    r"""Adam: steps of a moving average of gradients over the root of one of their squares.

    .. math::
        m \leftarrow \beta_1 m + (1-\beta_1) g, \quad v \leftarrow \beta_2 v + (1-\beta_2) |g|^2, \quad
        x \leftarrow x - lr\, \frac{\hat m}{\sqrt{\hat v + \epsilon_{root}} + \epsilon},

    with :math:`\hat m = m/(1-\beta_1^t)`, :math:`\hat v = v/(1-\beta_2^t)`. With ``nesterov`` the numerator is
    :math:`\beta_1 m/(1-\beta_1^{t+1}) + (1-\beta_1) g/(1-\beta_1^t)` (as in Optax; without Dozat's schedule of
    momenta). For complex x the second moment is real, so that a rotation of x in the complex plane only rotates the
    iterates; pass ``x.view(float)`` to treat real and imaginary parts apart, as PyTorch does.

    Parameters
    ----------
    learning_rate : float or schedule
    b1, b2 : float
        Decay of the averages, in [0, 1).
    eps, eps_root : float
        Added to the root, and under it.
    nesterov : bool

    Notes
    -----
    v holds squares. An entry whose |g| exceeds the root of the largest number, 1.3e154 or 1.8e19 in single precision,
    has an infinite v and stands still from then on; so in all rules with a second moment. With eps = eps_root = 0, an
    entry whose squares have all been 0, or underflowed, becomes NaN or infinite.

    References
    ----------
    D. P. Kingma and J. Ba, Adam, ICLR 2015, algorithm 1; T. Dozat, Incorporating Nesterov momentum into Adam, 2016.

    Examples
    --------
    >>> import numpy as np
    >>> import numopt as no
    >>> x = np.array([1.0, -20.0])
    >>> no.Adam(0.1).init(x).update(x, 2 * x)
    >>> x
    array([  0.9, -19.9])
    """

    learning_rate: Any
    b1: float = 0.9
    b2: float = 0.999
    eps: float = 1e-8
    eps_root: float = 0.0
    nesterov: bool = False

    def check(self):
        """Limits of the fields."""
        _check(self)


@rule
class AdamW:
    r"""Adam with decoupled weight decay: x <- x - lr (u + weight_decay x), with the u of :class:`Adam`.

    Parameters
    ----------
    learning_rate, b1, b2, eps, eps_root, nesterov
        As for :class:`Adam`.
    weight_decay : float
        It is multiplied by the learning rate.

    References
    ----------
    I. Loshchilov and F. Hutter, Decoupled weight decay regularization, ICLR 2019, algorithm 2.
    """

    learning_rate: Any
    b1: float = 0.9
    b2: float = 0.999
    eps: float = 1e-8
    eps_root: float = 0.0
    weight_decay: float = 1e-4
    nesterov: bool = False

    def check(self):
        """Limits of the fields."""
        _check(self)
        checks.not_negative(self, "weight_decay")


@rule
class AMSGrad:
    r"""Adam whose denominator never decreases: :math:`V \leftarrow \max(V, \hat v)` takes the place of v-hat.

    As in Optax the maximum is of the corrected averages; the paper and PyTorch take that of v itself.

    Parameters
    ----------
    learning_rate, b1, b2, eps, eps_root
        As for :class:`Adam`.

    References
    ----------
    S. J. Reddi, S. Kale and S. Kumar, On the convergence of Adam and beyond, ICLR 2018, algorithm 2.
    """

    learning_rate: Any
    b1: float = 0.9
    b2: float = 0.999
    eps: float = 1e-8
    eps_root: float = 0.0

    def check(self):
        """Limits of the fields."""
        _check(self)


def _check(rule):
    checks.learning_rate(rule)
    checks.decays(rule, "b1", "b2")
    checks.not_negative(rule, "eps", "eps_root")


@variant
def NAdam(learning_rate, b1=0.9, b2=0.999, eps=1e-8, eps_root=0.0):
    """:class:`Adam` with ``nesterov=True``."""
    return Adam(learning_rate, b1, b2, eps, eps_root, True)


@variant
def NAdamW(learning_rate, b1=0.9, b2=0.999, eps=1e-8, eps_root=0.0, weight_decay=1e-4):
    """:class:`AdamW` with ``nesterov=True``."""
    return AdamW(learning_rate, b1, b2, eps, eps_root, weight_decay, True)


class MaximumMoments(NamedTuple):
    """Moments, and the largest second moment so far."""

    m: np.ndarray  # (n,) the dtype of x
    v: np.ndarray  # (n,) real
    largest: np.ndarray  # (n,) real


@by_type(borrow=True)
def numerators(nesterov, b1, t):
    """The weights of m and g in the numerator, and its factor.

    The weights are at most 1 and the factor comes after the division, so that no numerator overflows.
    """


@numerators.register(type(None))
def _(nesterov, b1, t):
    return 1.0, 0.0, 1.0 / (1.0 - power(b1, t))


@numerators.register(bool)
def _(nesterov, b1, t):
    of_m, of_u = b1 / (1.0 - power(b1, t + 1)), (1.0 - b1) / (1.0 - power(b1, t))
    return of_m / (of_m + of_u), of_u / (of_m + of_u), of_m + of_u


@by_type(borrow=True, fastmath=ELEMENTWISE)
def numerator(nesterov, m, u, of_m, of_u):
    """The numerator but for its factor; that of plain Adam is m."""


@numerator.register(type(None))
def _(nesterov, m, u, of_m, of_u):
    return m


@numerator.register(bool)
def _(nesterov, m, u, of_m, of_u):
    return average(m, u, of_m, of_u)


@of_numbers
def _adam(nesterov, c, state, u):
    """New moments and -lr times Adam's direction."""
    b1, a1, b2, a2, of_m, of_u, rate, hat, eps, eps_root = c[:10]
    m = average(state[0], u, b1, a1)
    v = b2 * state[1] + a2 * abs2(u)
    size = sqrt(hat * v + eps_root) + eps
    return (m, v), times(over(numerator(nesterov, m, u, of_m, of_u), size), rate)


@vectors.register(Adam)
@vectors.register(AdamW)
def _(rule, x):
    return Moments(zeros(x), real_zeros(x))


@vectors.register(AMSGrad)
def _(rule, x):
    return MaximumMoments(zeros(x), real_zeros(x), real_zeros(x))


@of_numbers
def _scalars(rule, nesterov, t, lr):
    of_m, of_u, factor = numerators(nesterov, rule.b1, t)
    hat = 1.0 / (1.0 - power(rule.b2, t))
    return rule.b1, 1.0 - rule.b1, rule.b2, 1.0 - rule.b2, of_m, of_u, -lr * factor, hat, rule.eps, rule.eps_root


@coefficients.register(Adam)
def _(rule, held, t, learning_rate):
    return _scalars(rule, rule.nesterov, t, learning_rate)


@coefficients.register(AdamW)
def _(rule, held, t, learning_rate):
    return (*_scalars(rule, rule.nesterov, t, learning_rate), -learning_rate * rule.weight_decay)


@coefficients.register(AMSGrad)
def _(rule, held, t, learning_rate):
    return _scalars(rule, None, t, learning_rate)


@element.register(Adam)
def _(rule, c, state, u, x):
    return _adam(rule.nesterov, c, state, u)


@element.register(AdamW)
def _(rule, c, state, u, x):
    state, u = _adam(rule.nesterov, c, state, u)
    return state, u + times(x, c[10])


@element.register(AMSGrad)
def _(rule, c, state, u, x):
    b1, a1, b2, a2, _, _, rate, hat, eps, eps_root = c
    m = average(state[0], u, b1, a1)
    v = b2 * state[1] + a2 * abs2(u)
    largest = larger(hat * v, state[2])
    return (m, v, largest), times(over(m, sqrt(largest + eps_root) + eps), rate)


@fresh.register(Adam)
@fresh.register(AdamW)
def _(rule, held, t, u, x):
    return fresh_moments(rule.b1, rule.b2, t, u)


@fresh.register(AMSGrad)
def _(rule, held, t, u, x):
    return (*fresh_moments(rule.b1, rule.b2, t, u), abs2(u))
