"""Moving averages and decaying sums of the update, as links of a chain."""

from .._scalars import average, nothing, power, times
from ..generic import coefficients, element, fresh, vectors
from . import checks
from .chain import rule
from .sgd import look_ahead
from .state import Momentum, zeros


@rule
class Trace:
    """A decaying sum of updates: T <- u + decay T; T goes on, or u + decay T (the new T) with ``nesterov``.

    Parameters
    ----------
    decay : float
        In [0, 1).
    nesterov : bool
    """

    decay: float
    nesterov: bool = False

    def check(self):
        """Limits of the fields."""
        checks.decays(self, "decay")


@rule
class EMA:
    """An exponential moving average: m <- decay m + (1 - decay) u; with ``debias`` m / (1 - decay^t) goes on, else m.

    Parameters
    ----------
    decay : float
        In [0, 1).
    debias : bool
    """

    decay: float
    debias: bool = True

    def check(self):
        """Limits of the fields."""
        checks.decays(self, "decay")


@vectors.register(Trace)
@vectors.register(EMA)
def _(rule, x):
    return Momentum(zeros(x))


@coefficients.register(Trace)
def _(rule, held, t, learning_rate):
    return (rule.decay,)


@coefficients.register(EMA)
def _(rule, held, t, learning_rate):
    return rule.decay, 1.0 - rule.decay, 1.0 if rule.debias is None else 1.0 / (1.0 - power(rule.decay, t))


@element.register(Trace)
def _(rule, c, state, u, x):
    trace = u + times(state[0], c[0])
    return (trace,), look_ahead(rule.nesterov, trace, u, c[0])


@element.register(EMA)
def _(rule, c, state, u, x):
    m = average(state[0], u, c[0], c[1])
    return (m,), times(m, c[2])


@fresh.register(Trace)
def _(rule, held, t, u, x):
    return (nothing(u),)


@fresh.register(EMA)
def _(rule, held, t, u, x):
    return (times(u, 0.0 if rule.debias is None else 1.0 - power(rule.decay, t)),)
