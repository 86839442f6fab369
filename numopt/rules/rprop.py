"""Rprop: steps of their own for each entry, by the signs of successive gradients."""

from typing import NamedTuple

import numpy as np

from .._scalars import constant, inner, larger, nothing, of_entry, of_numbers, over, sign, times
from ..generic import coefficients, element, fresh, vectors
from . import checks
from .chain import rule
from .state import real_full, zeros


@rule
class RProp:
    r"""Resilient propagation, without backtracking.

    Each entry has a step h, at first ``learning_rate``. With s = Re(conj(previous g) g): where s > 0, h grows by
    eta[1]; where s < 0, h shrinks by eta[0], the entry stays where it is and forgets its gradient; else
    x <- x - h sign(g). h is kept between steps[0] and steps[1].

    This is PyTorch's version; Optax's emits each move one step late. For deterministic gradients.

    Parameters
    ----------
    learning_rate : float
        The first h, not a schedule; setting ``learning_rate`` later has no effect.
    eta : (float, float)
        0 < eta[0] < 1 < eta[1].
    steps : (float, float)
        Smallest and largest h.

    References
    ----------
    M. Riedmiller and H. Braun, A direct adaptive method for faster backpropagation learning, 1993.
    """

    learning_rate: float
    eta: tuple = (0.5, 1.2)
    steps: tuple = (1e-6, 50.0)

    def check(self):
        """Limits of the fields."""
        checks.positive(self, "learning_rate")
        checks.numbers_in_order(self, "eta", 2)
        checks.numbers_in_order(self, "steps", 2)
        if not 0 < self.eta[0] < 1 < self.eta[1] < np.inf:
            raise ValueError(f"eta must be (shrink, grow) with 0 < shrink < 1 < grow < inf, got {self.eta}")
        if not 0 < self.steps[0] <= self.steps[1] < np.inf:
            raise ValueError(f"steps must be (smallest, largest) with 0 < smallest <= largest < inf, got {self.steps}")


class Steps(NamedTuple):
    """What each entry remembers."""

    h: np.ndarray  # (n,) real: the step
    previous: np.ndarray  # (n,) the last gradient


@vectors.register(RProp)
def _(rule, x):
    return Steps(real_full(x, rule.learning_rate), zeros(x))


@coefficients.register(RProp)
def _(rule, held, t, learning_rate):
    return 1.0 * rule.eta[0], 1.0 * rule.eta[1], 1.0 * rule.steps[0], 1.0 * rule.steps[1]


@of_numbers
def _towards(u):
    """A complex u divided by its largest part; 0 for 0."""
    a, b = abs(u.real), abs(u.imag)
    largest = larger(a, b)
    return u if largest == constant(u, 0) else over(u, largest)


@of_entry
def _agreement(u, before):
    """A number of the sign of Re conj(before) u; the product itself may overflow or underflow."""


@_agreement.real
def _(u, before):
    return sign(before) * u


@_agreement.complex
def _(u, before):
    return inner(_towards(before), _towards(u))


@element.register(RProp)
def _(rule, c, state, u, x):
    shrink, grow, least, most = c
    h, agreement, zero = state[0], _agreement(u, state[1]), constant(u, 0)
    if agreement > zero:
        h = min(grow * h, most)
    elif agreement < zero:
        h = max(shrink * h, least)
        u = nothing(u)
    return (h, u), times(sign(u), -h)


@fresh.register(RProp)
def _(rule, held, t, u, x):
    return rule.learning_rate, nothing(u)
