"""The simplex, and the sparse one."""

import numpy as np

from .._jit import jit
from .._vector import max_abs
from ..generic import EMPTY, FINE
from . import checks
from .largest import keep_largest
from .levels import HUGE, SHRINK, Levels, Values
from .project import fill_nan, point_set, projects_onto
from .threshold import lower, survey


@point_set
class Simplex:
    r"""The simplex :math:`\{x : x_i \ge 0, \sum x_i = s\}`; P(x)_i = max(x_i - tau, 0) with the tau that gives the sum.

    For real vectors. An entry of -inf becomes 0, one of +inf makes every entry NaN.

    Parameters
    ----------
    sum : float
        s, not negative.

    References
    ----------
    L. Condat, Math. Program. 158 (2016) 575-585; here by Newton's method on sums over the whole vector.

    Examples
    --------
    >>> import numpy as np
    >>> import numopt as no
    >>> no.project(np.array([0.5, 1.5, -3.0]), no.Simplex(1.0))
    array([0., 1., 0.])
    """

    sum: float = 1.0
    real_only = "use L1Ball, or the moduli"

    def check(self):
        """Limits of the fields."""
        checks.not_negative(self, "sum")


@point_set
class SparseSimplex:
    r"""The vectors of a simplex with at most k entries that are not 0: the simplex of the k largest, by value.

    For real vectors; of equal entries the first are taken. Not convex.

    Parameters
    ----------
    count : int
        k.
    sum : float
        s, not negative; 0 if k is 0.

    References
    ----------
    A. Kyrillidis, S. Becker, V. Cevher, C. Koch, ICML 2013.

    Examples
    --------
    >>> import numpy as np
    >>> import numopt as no
    >>> no.project(np.array([0.4, 0.5, 0.3]), no.SparseSimplex(2, 1.0))
    array([0.45, 0.55, 0.  ])
    """

    count: float
    sum: float = 1.0
    convex = False
    real_only = "use L0Ball, or the moduli"

    def check(self):
        """Limits of the fields."""
        checks.count(self, "count")
        checks.not_negative(self, "sum")
        if self.count < 1 and self.sum > 0:
            raise ValueError(f"SparseSimplex: no entries cannot have the sum {self.sum}; count must be at least 1")


@jit(borrow=True)
def onto_simplex(x, out, r):
    """Project onto the simplex of the sum r >= 0, for vectors of one length."""
    if x.size == 0:
        return FINE if r == 0.0 else EMPTY
    down = SHRINK if r > HUGE else 1.0
    known = survey(Levels(Values(), x, 1.0, down), r * down)
    if known.total != known.total and max_abs(x) < np.inf:  # the sum has overflown both ways
        down = SHRINK
        known = survey(Levels(Values(), x, 1.0, down), r * down)
    if not np.isfinite(known.top) or known.total != known.total:
        fill_nan(out)
    else:
        lower(Levels(Values(), x, 1.0, down), known, r * down, 1.0 / down, out)
    return FINE


@projects_onto(Simplex)
def _(onto, x, out):
    return onto_simplex(x, out, onto.sum)


@projects_onto(SparseSimplex)
def _(onto, x, out):
    if onto.sum == 0.0:
        keep_largest(Values(), x, out, 0, 0.0)
        return FINE
    keep_largest(Values(), x, out, onto.count, -np.inf)
    return onto_simplex(out, out, onto.sum)
