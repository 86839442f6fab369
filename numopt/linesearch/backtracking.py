"""Backtracking to sufficient decrease (Armijo's rule).

L. Armijo, Pacific J. Math. 16 (1966) 1-3; Nocedal and Wright, Numerical Optimization (2006), algorithm 3.1.
"""

from .._jit import record
from ..generic import advance, begin, decrease_constant, first_step
from .safeguard import ACCEPTED, PHI0, SEARCHING, SLOPE0


@record
class Backtracking:
    """Line search for sufficient decrease: alpha is shrunk until phi(alpha) <= phi(0) + c1 alpha phi'(0).

    Parameters
    ----------
    c1 : float
        Constant of sufficient decrease, in (0, 1).
    shrink : float
        Factor after a rejected trial, in (0, 1).
    grow : float
        The first trial is at most this times the last accepted step (at least 1), and never beyond the solver's
        natural step; so the step recovers from a short one.
    max_evals : float
        Finite trials at most.

    References
    ----------
    L. Armijo, Pacific J. Math. 16 (1966) 1-3.
    """

    c1: float = 1e-4
    shrink: float = 0.8
    grow: float = 1.5
    max_evals: float = 100

    def check(self):
        """Raise ValueError for constants that make no sense."""
        if not 0 < self.c1 < 1:
            raise ValueError(f"Backtracking: c1 must lie in (0, 1), got {self.c1}")
        if not 0 < self.shrink < 1:
            raise ValueError(f"Backtracking: shrink must lie in (0, 1), got {self.shrink}")
        if not self.grow >= 1:
            raise ValueError(f"Backtracking: grow must be at least 1, got {self.grow}")
        if not self.max_evals >= 1:
            raise ValueError(f"Backtracking: max_evals must be at least 1, got {self.max_evals}")


@decrease_constant.register(Backtracking)
def _decrease_constant(search):
    return search.c1


@first_step.register(Backtracking)
def _first_step(search, natural, previous):
    return min(natural, search.grow * previous) if previous > 0.0 else natural


@begin.register(Backtracking)
def _begin(search, state, alpha):
    pass


@advance.register(Backtracking)
def _advance(search, state, alpha, phi, slope):
    if phi <= state[PHI0] + search.c1 * alpha * state[SLOPE0]:
        return ACCEPTED, alpha
    return SEARCHING, search.shrink * alpha
