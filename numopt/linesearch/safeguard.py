"""What every line search shares: the state's common part, non-finite trials, the budget, the best point so far.

A search along d looks at phi(alpha) = f(x + alpha d) only through phi(alpha) and phi'(alpha). Its parameters are an
immutable record; its state is one float64 array, so that a search can be interrupted at any trial, saved, and run
inside a compiled solver. :func:`start` and :func:`offer` are called by solvers; they in turn call ``begin`` and
``advance`` of the search at hand, which see finite trials only.
"""

from enum import IntEnum

import numpy as np

from .._jit import jit
from ..generic import advance, begin, decrease_constant

# Entries of the state that all searches have; from OWN on they belong to the search.
PHI0 = 0  # phi(0)
SLOPE0 = 1  # phi'(0) < 0
BEST = 2  # the trial of least phi that meets the test of sufficient decrease; 0 if none does
PHI_BEST = 3  # phi(BEST)
WALL = 4  # the largest step, since a trial beyond it was rejected; inf if none was
REJECTED = 5  # trials rejected since the last finite one
EVALUATIONS = 6  # finite trials
OWN = 7
SIZE = OWN + 13


class Verdict(IntEnum):
    """The outcome of a trial."""

    SEARCHING = 0  # evaluate the next trial
    ACCEPTED = 1  # the trial meets the search's conditions
    STOPPED = 2  # the interval cannot shrink further: BEST is the answer, if it is positive
    EXHAUSTED = 3  # max_evals finite trials: likewise
    UNBOUNDED = 4  # phi = -inf
    NOT_DESCENT = 5  # phi'(0) is not negative, or phi(0) not finite


SEARCHING, ACCEPTED, STOPPED = int(Verdict.SEARCHING), int(Verdict.ACCEPTED), int(Verdict.STOPPED)
EXHAUSTED, UNBOUNDED, NOT_DESCENT = int(Verdict.EXHAUSTED), int(Verdict.UNBOUNDED), int(Verdict.NOT_DESCENT)


@jit(inline=True, borrow=True)
def start(search, state, phi0, slope0, alpha):
    """Begin a search at phi(0), phi'(0) with a first trial at ``alpha``; returns SEARCHING or NOT_DESCENT."""
    state[PHI0], state[SLOPE0] = phi0, slope0
    state[BEST], state[PHI_BEST] = 0.0, phi0
    state[WALL] = np.inf
    state[REJECTED], state[EVALUATIONS] = 0.0, 0.0
    if not (slope0 < 0.0 and alpha > 0.0 and np.isfinite(phi0) and np.isfinite(slope0) and np.isfinite(alpha)):
        return NOT_DESCENT
    begin(search, state, alpha)
    return SEARCHING


@jit(inline=True, borrow=True)
def offer(search, state, alpha, phi, slope, usable):
    """Take a trial; it is backed away from if phi or its slope is not finite or the solver finds it not ``usable``.

    Returns the verdict and the next trial step. After SEARCHING, STOPPED or EXHAUSTED, ``state[BEST]`` equals
    ``alpha`` if this trial is the best so far.
    """
    if phi == -np.inf:
        return UNBOUNDED, alpha
    if not (usable and np.isfinite(phi) and np.isfinite(slope)):
        return _back_away(state, alpha)
    state[REJECTED] = 0.0
    state[EVALUATIONS] += 1.0
    demanded = decrease_constant(search) * state[SLOPE0]
    sufficient = phi <= state[PHI0] + alpha * demanded
    if sufficient and (phi < state[PHI_BEST] or state[BEST] == 0.0):
        state[BEST], state[PHI_BEST] = alpha, phi
    if alpha >= state[WALL] and sufficient and slope <= demanded:
        return ACCEPTED, alpha  # phi still falls steeply, but there is a wall ahead: curvature cannot be asked for
    verdict, proposed = advance(search, state, alpha, phi, slope)
    if verdict == ACCEPTED and phi > state[PHI0]:
        verdict = STOPPED  # a step never increases f, not even by rounding
    if verdict != SEARCHING:
        return verdict, alpha
    proposed = min(proposed, state[WALL])
    if proposed == alpha or not proposed > 0.0:
        return STOPPED, alpha
    if state[EVALUATIONS] >= search.max_evals:
        return EXHAUSTED, alpha
    return SEARCHING, proposed


@jit(borrow=True)
def _back_away(state, alpha):
    # Faster than geometrically: from a step of 1e8 to one of 1e-8 in ten trials.
    best, width = state[BEST], alpha - state[BEST]
    if width > 0.0:  # else the trial lies before the best point: a hole, not a wall ahead
        state[WALL] = best + 0.25 * width
    proposed = best + 0.25 * 0.5 ** state[REJECTED] * width
    state[REJECTED] += 1.0
    if proposed == best or proposed == alpha:
        return STOPPED, alpha
    return SEARCHING, proposed
