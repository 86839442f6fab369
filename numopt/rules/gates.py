"""Rules that stand first in a chain and decide whether the rest of it runs: SkipNonFinite, AccumulateGradients."""

from typing import Any, NamedTuple

import numpy as np

from .._jit import by_type, is_number, jit
from .._scalars import constant, of_numbers, parts, times
from .._storage import between
from ..generic import admit, element, numbers, vectors
from . import checks
from .chain import rule
from .state import zeros


@rule
class SkipNonFinite:
    """Let a call with a NaN or infinity in the gradient, or in the value if that is given, change nothing.

    Parameters
    ----------
    max_consecutive : int, optional
        After so many such calls in a row the next are passed on; None: never.

    Notes
    -----
    It is Optax's ``apply_if_finite``. It stands first in a chain. ``state["SkipNonFinite"]`` counts the calls skipped,
    and those in a row. A chain that begins with it runs on one thread.

    Examples
    --------
    >>> import numpy as np
    >>> import numopt as no
    >>> x = np.array([1.0, 2.0])
    >>> opt = no.chain(no.SkipNonFinite(), no.SGD(0.5)).init(x)
    >>> opt.update(x, np.array([np.nan, 1.0]))
    >>> x, opt.count, opt.state["SkipNonFinite"].skipped
    (array([1., 2.]), 0, 1.0)
    """

    max_consecutive: Any = None
    holds = ("skipped", "in_a_row")

    def check(self):
        """Limits of the fields."""
        most = self.max_consecutive
        if most is not None and not (is_number(most) and most >= 0):
            raise ValueError(f"max_consecutive must be an integer from 0 on or None, got {most!r}")

    def check_state(self, kept, held):
        """Limits of what a stored state holds."""
        between(0.0, np.inf, numbers=held)


@rule
class AccumulateGradients:
    """Collect gradients, and hand on the mean of every k of them.

    On the other calls nothing behind it runs: parameters, states and counts stay. It is Optax's ``MultiSteps``. It
    stands first in a chain, or after :class:`SkipNonFinite`; such a chain runs on one thread.

    Parameters
    ----------
    k : int
        At least 1.
    """

    k: float
    holds = ("collected",)

    def check(self):
        """Limits of the fields."""
        checks.whole(self, "k", least=1)

    def check_state(self, kept, held):
        """Limits of what a stored state holds."""
        between(0.0, self.k, numbers=held)


class Mean(NamedTuple):
    """Of the gradients collected so far."""

    mean: np.ndarray  # (n,) the dtype of x


@numbers.register(SkipNonFinite)
def _(rule, x):
    return np.zeros(2)


@numbers.register(AccumulateGradients)
def _(rule, x):
    return np.zeros(1)


@vectors.register(AccumulateGradients)
def _(rule, x):
    return Mean(zeros(x))


@element.register(SkipNonFinite)
@element.register(AccumulateGradients)
def _(rule, c, state, u, x):
    return state, u  # a gate is no part of the passes


@of_numbers
def nonfinite(u):
    """Whether a part of a number is NaN or infinite, as a number to be added up."""
    part = parts(u)
    return (0.0 if abs(part[0]) < np.inf and abs(part[-1]) < np.inf else 1.0,)


@jit(borrow=True)
def _all_finite(g):
    bad = 0.0
    for i in range(g.size):
        bad += nonfinite(g[i])[0]
    return bad == 0.0


@by_type(borrow=True)
def _is_finite(f):
    """Whether the value is finite, if it was given."""


@_is_finite.register(type(None))
def _(f):
    return True


@_is_finite.register(float)
def _(f):
    return np.isfinite(f)


@by_type(borrow=True)
def _or_never(most):
    """The number, infinity for None."""


@_or_never.register(type(None))
def _(most):
    return np.inf


@_or_never.register(float)
def _(most):
    return most


@admit.register(SkipNonFinite)
def _(rule, held, state, g, f):
    if _all_finite(g) and _is_finite(f):
        held[1] = 0.0
        return True
    held[1] += 1.0
    if held[1] > _or_never(rule.max_consecutive):
        return True
    held[0] += 1.0
    return False


@of_numbers
def mean_with(mean, u, count):
    """The mean of ``count`` numbers, of which u is the last and the others have the mean ``mean``."""
    part = constant(u, 1) / count
    return u if count == 1.0 else mean + (times(u, part) - times(mean, part))  # their difference may overflow


@jit(borrow=True)
def _average_in(mean, g, count):
    """Make ``mean`` that of one more gradient; of the first, a copy."""
    for i in range(g.size):
        mean[i] = mean_with(mean[i], g[i], count)


@admit.register(AccumulateGradients)
def _(rule, held, state, g, f):
    held[0] = held[0] + 1.0 if held[0] < rule.k else 1.0
    _average_in(state[0], g, held[0])
    return held[0] == rule.k
