"""Intersections of convex sets, by Dykstra's algorithm."""

import numpy as np

from .._jit import Record, by_type, is_number, jit
from .._scalars import abs2
from .._vector import copy
from ..generic import FINE, UNFINISHED, accepts, project_into
from .project import point_set, projects_onto

_MOST = 2.0**53


@point_set
class Intersection:
    r"""The points that belong to all of several convex sets.

    Dykstra's algorithm: for each set in turn, z = x + p_i, x <- P_i(z), p_i <- z - x; until the changes of the p_i,
    :math:`\sum_i \|\Delta p_i\|^2 \le (\text{tol} \max(1, \|x_0\|))^2`. That bounds no error: a few times tol is usual.
    Where it does not converge, as with sets that have no point in common, ``project`` warns and gives the last iterate,
    which ``contains`` then does not confirm. One vector for each set is allocated. Made in Python; ``@njit`` code can
    use it.

    Parameters
    ----------
    *sets : sets
        Convex ones.
    tol : float
    maxiter : int
        Rounds at most.

    Raises
    ------
    TypeError, ValueError
        If something else than a set is given, or one that is not convex.

    References
    ----------
    J. P. Boyle, R. L. Dykstra, Lect. Notes Stat. 37 (1986) 28-47; the test is that of E. G. Birgin, M. Raydan, SIAM J.
    Sci. Comput. 26 (2005) 1405-1414.

    Examples
    --------
    >>> import numopt as no
    >>> onto = no.Intersection(no.Box(0.0, 1.0), no.Hyperplane([1.0, 1.0], 1.0))
    >>> no.project([3.0, 0.5], onto).round(9)
    array([1., 0.])
    """

    sets: tuple
    tol: float = 1e-12
    maxiter: float = 10_000

    def __new__(cls, *sets, tol=1e-12, maxiter=10_000):
        """Take the sets one by one, or, to make the same again, as (tuple, tol, maxiter)."""
        if sets and type(sets[0]) in (tuple, list):
            sets, tol, maxiter = (*sets, *(tol, maxiter)[len(sets) - 1 :])
        return Record.__new__(cls, tuple(sets), tol, maxiter)

    def __repr__(self):
        """As it is made."""
        return f"Intersection({', '.join(map(repr, self.sets))}, tol={self.tol!r}, maxiter={self.maxiter:.0f})"

    def check(self):
        """Limits of the fields."""
        if not self.sets:
            raise ValueError("Intersection needs at least one set")
        for member in self.sets:
            if not getattr(type(member), "is_set", False):
                raise TypeError(f"Intersection takes sets, such as Box(0, 1), got {member!r}")
            if not type(member).convex:
                raise ValueError(f"Intersection: {type(member).__name__} is not convex")
        if not (is_number(self.tol) and self.tol > 0):
            raise ValueError(f"Intersection: tol must be positive, got {self.tol!r}")
        if not (is_number(self.maxiter) and self.maxiter >= 1 and self.maxiter == np.floor(self.maxiter)):
            raise ValueError(f"Intersection: maxiter must be a whole number from 1 on, got {self.maxiter!r}")

    def contains(self, x, tol=1e-12):
        """Whether x lies within the distance ``tol max(1, max |x_i|)`` of each of the sets, in every entry."""
        return all(member.contains(x, tol) for member in self.sets)


@by_type
def _sweep(sets, increments, x, z):
    """One round; returns the status of the first set that has one, and the sum of |change of p_i|^2."""


@_sweep.register(tuple)
def _(length):
    if length == 0:
        return lambda sets, increments, x, z: (FINE, 0.0)

    def sweep(sets, increments, x, z):
        own, change = increments[0], 0.0
        for i in range(x.size):
            z[i] = x[i] + own[i]
        status = project_into(sets[0], z, x)
        for i in range(x.size):
            new = z[i] - x[i]
            change += np.float64(abs2(new - own[i]))
            own[i] = new
        if status != FINE:
            return status, change
        later, others = _sweep(sets[1:], increments[1:], x, z)
        return later, change + others

    return sweep


@jit
def _dykstra(sets, tol, maxiter, out):
    increments, z = np.zeros((len(sets), out.size), out.dtype), np.empty_like(out)
    squares = 0.0
    for i in range(out.size):
        squares += np.float64(abs2(out[i]))
    enough = (tol * max(1.0, np.sqrt(squares))) ** 2
    for _ in range(maxiter):
        status, change = _sweep(sets, increments, out, z)
        if status != FINE:
            return status
        if not change > enough:
            return FINE
    return UNFINISHED


@by_type(borrow=True)
def _all_accept(sets, n):
    """Whether vectors of n entries fit all sets."""


@_all_accept.register(tuple)
def _(length):
    if length == 0:
        return lambda sets, n: True
    return lambda sets, n: accepts(sets[0], n) and _all_accept(sets[1:], n)


@accepts.register(Intersection)
def _(onto, n):
    return _all_accept(onto.sets, n)


@projects_onto(Intersection)
def _(onto, x, out):
    copy(x, out)
    return _dykstra(onto.sets, onto.tol, int(min(onto.maxiter, _MOST)), out)
