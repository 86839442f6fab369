"""Gradient descent with and without momentum."""

from typing import Any

from .._jit import ELEMENTWISE, by_type
from .._scalars import nothing, times
from ..generic import coefficients, element, follows_gradient, fresh, vectors
from . import checks
from .chain import rule
from .state import Momentum, zeros


@rule
class SGD:
    r"""Gradient descent, with heavy-ball or Nesterov momentum.

    Without momentum x <- x - lr g. With momentum mu, per entry

    .. math:: T \leftarrow g + \mu T, \qquad x \leftarrow x - lr\,T,

    or, with ``nesterov``, x <- x - lr (g + mu T), where T is the new one. There is no dampening, and the learning rate
    is not inside T. T must not be larger than the largest number.

    Parameters
    ----------
    learning_rate : float or schedule
    momentum : float, optional
        0 <= momentum < 1.
    nesterov : bool

    References
    ----------
    I. Sutskever et al., On the importance of initialization and momentum in deep learning, ICML 2013.

    Examples
    --------
    >>> import numpy as np
    >>> import numopt as no
    >>> x = np.array([1.0, 2.0])
    >>> no.SGD(0.5).init(x).update(x, np.array([1.0, 1.0]))
    >>> x
    array([0.5, 1.5])
    """

    learning_rate: Any
    momentum: Any = None
    nesterov: bool = False

    def check(self):
        """Limits of the fields."""
        checks.learning_rate(self)
        if self.momentum is not None:
            checks.decays(self, "momentum")
        elif self.nesterov:
            raise ValueError("nesterov needs a momentum, such as SGD(1e-2, momentum=0.9, nesterov=True)")


@by_type
def trace_for(momentum, x):
    """Room for the trace of a momentum; () without one."""


@trace_for.register(type(None))
def _(momentum, x):
    return ()


@trace_for.register(float)
def _(momentum, x):
    return Momentum(zeros(x))


@by_type(borrow=True)
def fresh_trace(momentum, u):
    """The trace of an entry whose history begins."""


@fresh_trace.register(type(None))
def _(momentum, u):
    return ()


@fresh_trace.register(float)
def _(momentum, u):
    return (nothing(u),)


@by_type(borrow=True, fastmath=ELEMENTWISE)
def look_ahead(nesterov, trace, u, decay):
    """What goes out of a trace: the trace itself, or u + decay trace with Nesterov's momentum."""


@look_ahead.register(type(None))
def _(nesterov, trace, u, decay):
    return trace


@look_ahead.register(bool)
def _(nesterov, trace, u, decay):
    return u + times(trace, decay)


@by_type(borrow=True, fastmath=ELEMENTWISE)
def traced(momentum, nesterov, state, u, decay):
    """State and update after a momentum, if there is one."""


@traced.register(type(None))
def _(momentum, nesterov, state, u, decay):
    return (), u


@traced.register(float)
def _(momentum, nesterov, state, u, decay):
    trace = u + times(state[0], decay)
    return (trace,), look_ahead(nesterov, trace, u, decay)


@by_type(borrow=True)
def decay_of(momentum):
    """The momentum; 0 for none."""


@decay_of.register(type(None))
def _(momentum):
    return 0.0


@decay_of.register(float)
def _(momentum):
    return momentum


@vectors.register(SGD)
def _(rule, x):
    return trace_for(rule.momentum, x)


@coefficients.register(SGD)
def _(rule, held, t, learning_rate):
    return -learning_rate, decay_of(rule.momentum)


@element.register(SGD)
def _(rule, c, state, u, x):
    state, u = traced(rule.momentum, rule.nesterov, state, u, c[1])
    return state, times(u, c[0])


@follows_gradient.register(SGD)
def _(rule):
    return decay_of(rule.momentum) == 0.0


@fresh.register(SGD)
def _(rule, held, t, u, x):
    return fresh_trace(rule.momentum, u)
