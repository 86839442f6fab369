"""One line search by itself, on phi and phi' given as functions."""

from typing import NamedTuple

import numpy as np

from .._jit import PLAIN, overload
from ..generic import first_step
from .more_thuente import MoreThuente
from .safeguard import ACCEPTED, BEST, SEARCHING, SIZE, offer, start


class LineSearchResult(NamedTuple):
    """The outcome of :func:`line_search`.

    Attributes
    ----------
    alpha : float
        The step: accepted, or the best with sufficient decrease, or 0.
    phi, slope : float
        phi(alpha) and phi'(alpha).
    nfev : int
        Evaluations of phi and phi', the one at 0 not counted.
    verdict : int
        A :class:`Verdict`; ``Verdict.ACCEPTED`` if the conditions of the search hold at alpha.
    """

    alpha: float
    phi: float
    slope: float
    nfev: int
    verdict: int


def line_search(phi, dphi, alpha=1.0, search=MoreThuente()):
    """Search a step alpha > 0 along which phi decreases enough.

    Works in Python and, with jitted ``phi`` and ``dphi``, inside ``@njit`` code (all arguments positional or by name).

    Parameters
    ----------
    phi, dphi : callable
        phi(alpha) and its derivative, numbers to numbers; phi'(0) must be negative.
    alpha : float
        The first trial.
    search : MoreThuente, Zoom or Backtracking
        The conditions and their constants.

    Returns
    -------
    LineSearchResult

    Examples
    --------
    >>> from numopt import Verdict, line_search
    >>> step = line_search(lambda a: (a - 3.0) ** 2, lambda a: 2 * (a - 3.0))
    >>> step.phi < 9.0, Verdict(step.verdict).name
    (True, 'ACCEPTED')
    """
    state = np.zeros(SIZE)
    phi0, slope0 = float(phi(0.0)), float(dphi(0.0))
    best_slope = slope0
    alpha = float(alpha)
    if 0.0 < alpha < np.inf:  # else start refuses it
        alpha = first_step(search, alpha, 0.0)
    verdict = start(search, state, phi0, slope0, alpha)
    nfev = 0
    value, slope = phi0, slope0
    while verdict == SEARCHING:
        trial = alpha
        value, slope = float(phi(trial)), float(dphi(trial))
        nfev += 1
        verdict, alpha = offer(search, state, trial, value, slope, True)
        if state[BEST] == trial:
            best_slope = slope
    if verdict == ACCEPTED:
        return LineSearchResult(alpha, value, slope, nfev, verdict)
    return LineSearchResult(state[BEST], state[BEST + 1], best_slope, nfev, verdict)


if not PLAIN:
    overload(line_search)(lambda phi, dphi, alpha=1.0, search=MoreThuente(): _source)
    _source = line_search
