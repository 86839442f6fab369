"""RMSProp, plain or centred, with or without momentum."""

from typing import Any, NamedTuple

import numpy as np

from .._jit import ELEMENTWISE, by_type, sqrt
from .._scalars import abs2, average, constant, larger, nothing, over, times
from ..generic import coefficients, element, fresh, vectors
from . import checks
from .chain import rule
from .sgd import decay_of, fresh_trace, traced
from .state import Squares, real_zeros, zeros


@rule
class RMSProp:
    r"""Steps over the root of a moving average of squared gradients.

    .. math:: v \leftarrow \rho v + (1-\rho) |g|^2, \qquad d = -lr\, \frac{g}{\sqrt{w + \epsilon}}, \qquad
        x \leftarrow x + d,

    with w = v, or, ``centered``, w = max(v - \|a\|^2, 0) with the moving average a of g (the maximum is ours: where
    rounding makes the difference negative, Optax gives NaN). With a momentum mu, T <- d + mu T and x <- x + T; with
    ``nesterov`` x <- x + d + mu T, the new T. There is no correction for the start of the averages. Where v is
    infinite, w is, and d = 0.

    Parameters
    ----------
    learning_rate : float or schedule
    decay : float
        Rho, in [0, 1).
    eps : float
    centered : bool
    momentum : float, optional
        In [0, 1).
    nesterov : bool

    References
    ----------
    T. Tieleman and G. Hinton, lecture 6.5, 2012; A. Graves, Generating sequences with recurrent neural networks,
    2013, eq. 38-41 (centred, with momentum).
    """

    learning_rate: Any
    decay: float = 0.9
    eps: float = 1e-8
    centered: bool = False
    momentum: Any = None
    nesterov: bool = False

    def check(self):
        """Limits of the fields."""
        checks.learning_rate(self)
        checks.decays(self, "decay")
        checks.not_negative(self, "eps")
        if self.momentum is not None:
            checks.decays(self, "momentum")
        elif self.nesterov:
            raise ValueError("nesterov needs a momentum, such as RMSProp(1e-2, momentum=0.9, nesterov=True)")


class CenteredSquares(NamedTuple):
    """Moving averages of the squares and of the gradient itself."""

    v: np.ndarray  # (n,) real
    mean: np.ndarray  # (n,) the dtype of x


class SquaresAndMomentum(NamedTuple):
    """Squares, and a decaying sum of steps."""

    v: np.ndarray
    m: np.ndarray


class CenteredSquaresAndMomentum(NamedTuple):
    """All three."""

    v: np.ndarray
    mean: np.ndarray
    m: np.ndarray


@by_type
def _room(centered, momentum, x):
    """New vectors."""


@by_type
def _room_with(momentum, x):
    """New vectors for the plain form."""


@by_type
def _centered_room_with(momentum, x):
    """New vectors for the centred form."""


@_room.register(type(None))
def _(centered, momentum, x):
    return _room_with(momentum, x)


@_room.register(bool)
def _(centered, momentum, x):
    return _centered_room_with(momentum, x)


@_room_with.register(type(None))
def _(momentum, x):
    return Squares(real_zeros(x))


@_room_with.register(float)
def _(momentum, x):
    return SquaresAndMomentum(real_zeros(x), zeros(x))


@_centered_room_with.register(type(None))
def _(momentum, x):
    return CenteredSquares(real_zeros(x), zeros(x))


@_centered_room_with.register(float)
def _(momentum, x):
    return CenteredSquaresAndMomentum(real_zeros(x), zeros(x), zeros(x))


@by_type(borrow=True, fastmath=ELEMENTWISE)
def _variance(centered, state, u, b, a):
    """The new averages, and the number under the root."""


@_variance.register(type(None))
def _(centered, state, u, b, a):
    v = b * state[0] + a * abs2(u)
    return (v,), v


@_variance.register(bool)
def _(centered, state, u, b, a):
    v, mean = b * state[0] + a * abs2(u), average(state[1], u, b, a)
    variance = larger(v - abs2(mean), constant(u, 0))
    return (v, mean), variance if v < constant(u, np.inf) else v  # inf - inf would be NaN


@vectors.register(RMSProp)
def _(rule, x):
    return _room(rule.centered, rule.momentum, x)


@coefficients.register(RMSProp)
def _(rule, held, t, learning_rate):
    return -learning_rate, rule.decay, 1.0 - rule.decay, rule.eps, decay_of(rule.momentum)


@element.register(RMSProp)
def _(rule, c, state, u, x):
    rate, b, a, eps, momentum = c
    averages, variance = _variance(rule.centered, state, u, b, a)
    trace, step = traced(rule.momentum, rule.nesterov, state[-1:], times(over(u, sqrt(variance + eps)), rate), momentum)
    return averages + trace, step


@by_type(borrow=True)
def _fresh_averages(centered, u):
    """Averages as of updates of this size in all directions; with a mean of u the variance would be 0."""


@_fresh_averages.register(type(None))
def _(centered, u):
    return (abs2(u),)


@_fresh_averages.register(bool)
def _(centered, u):
    return abs2(u), nothing(u)


@fresh.register(RMSProp)
def _(rule, held, t, u, x):
    return _fresh_averages(rule.centered, u) + fresh_trace(rule.momentum, u)
