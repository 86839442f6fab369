"""The k largest entries of a vector, ties to the lower index, without sorting and without memory.

The level of the k-th largest entry is found by bisection on the bits of numbers, which grow with them when read as
integers: at most 64 passes that count, fewer as soon as one of them counts k.
"""

import numpy as np

from .._jit import REDUCTION, by_type, cast, jit, real_view
from .._scalars import modulus, of_entry, times
from .._vector import copy, max_abs
from ..generic import FINE
from . import checks
from .levels import Moduli, Values, order
from .project import fill_nan, point_set, projects_onto


@point_set
class L0Ball:
    r"""The vectors with at most k entries that are not 0, real or complex: the k largest moduli are kept.

    Of equal moduli the first are kept. Not convex.

    Parameters
    ----------
    count : int
        k, from 0 on.

    Examples
    --------
    >>> import numopt as no
    >>> no.project([3.0, -4.0, 3.0, 1.0], no.L0Ball(2))
    array([ 3., -4.,  0.,  0.])
    """

    count: float
    convex = False

    def check(self):
        """Limits of the fields."""
        checks.count(self, "count")


@by_type(borrow=True)
def _place(kind, u, room):
    """The order of the level of an entry, of complex ones times ``room``; right for the smallest moduli too."""


@_place.register(Values)
def _(kind, u, room):
    return order(np.float64(u))


@_place.register(Moduli)
def _(kind, u, room):
    return order(np.float64(_size(u, room)))


@of_entry
def _size(u, room):
    """|u| times ``room``, which a real number does not need."""


@_size.real
def _(u, room):
    return abs(u)


@_size.complex
def _(u, room):
    return modulus(times(u, room))


@jit(fastmath=REDUCTION, borrow=True)
def _count(kind, x, room, least):
    """How many levels have an order of at least ``least``."""
    count = 0
    for i in range(x.size):
        count += _place(kind, x[i], room) >= least
    return count


@jit(borrow=True)
def _cut(kind, x, room, count):
    """(order, ties): the largest are those above this order, and the first ``ties`` of it; 0 < count < n."""
    low, high = order(-np.inf), order(np.inf) + 1  # as many or more from low on, fewer from high on
    while True:
        middle = (low >> 1) + (high >> 1) + (low & high & 1)
        if middle == low:
            return low, count - _count(kind, x, room, high)
        found = _count(kind, x, room, middle)
        if found == count:
            return middle, count
        if found > count:
            low = middle
        else:
            high = middle


@jit(borrow=True)
def keep_largest(kind, x, out, count, rest):
    """Write x with all but the ``count`` largest levels replaced by ``rest``; NaN everywhere if there is one."""
    largest = max_abs(real_view(x))
    if largest != largest:
        fill_nan(out)
    elif count >= x.size:
        copy(x, out)
    else:
        least, ties = order(np.inf), 0
        overflows = cast((2.0 * largest,), x)[0] == np.inf  # then a modulus may
        room = cast((0.5 if overflows else 1.0,), x)[0]
        if count > 0:
            least, ties = _cut(kind, x, room, int(count))
        for i in range(x.size):
            place = _place(kind, x[i], room)
            if place > least or (place == least and ties > 0):
                ties -= place == least
                out[i] = x[i]
            else:
                out[i] = rest


@projects_onto(L0Ball)
def _(onto, x, out):
    keep_largest(Moduli(), x, out, onto.count, 0.0)
    return FINE
