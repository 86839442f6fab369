"""Limits of the modulus of every entry."""

from typing import Any

import numpy as np

from .._jit import sqrt
from .._scalars import constant, limit, modulus, number, of_entry, over, times
from ..generic import nearest
from . import checks
from .project import point_set


@point_set
class LinfBall:
    r"""The ball :math:`\{x : |x_i| \le r\}`; a larger entry is scaled to the modulus r, its sign or phase kept.

    Parameters
    ----------
    radius : float
        r, not negative.

    Examples
    --------
    >>> import numopt as no
    >>> no.project([3 + 4j, 0.5], no.LinfBall(1.0))
    array([0.6+0.8j, 0.5+0.j ])
    """

    radius: float

    def check(self):
        """Limits of the fields."""
        checks.not_negative(self, "radius")


@point_set
class Disc:
    r"""The vectors with :math:`|x_i - c_i| \le r_i`: discs in the complex plane, intervals for real vectors.

    An entry outside goes to :math:`c + (x - c)\, r / |x - c|`.

    Parameters
    ----------
    center : float, complex or array_like, shape (n,)
        c; if it is complex, x must be.
    radius : float or array_like, shape (n,)
        r, not negative.

    Examples
    --------
    >>> import numopt as no
    >>> no.project([4 + 5j, 1j], no.Disc(center=1 + 1j, radius=1.0))
    array([1.6+1.8j, 0. +1.j ])
    """

    center: Any
    radius: Any

    def check(self):
        """Limits of the fields."""
        checks.finite(self, "center", "complex")
        checks.finite(self, "radius")
        checks.bounds("Disc", 0.0, self.radius, names=("zero", "radius"))


@point_set
class UnitModulus:
    r"""The vectors with :math:`|x_i| = 1`: phases, or signs for real vectors; P(x) = x / |x|, and 1 for 0.

    Not convex.

    Examples
    --------
    >>> import numopt as no
    >>> no.project([3 + 4j, 0j], no.UnitModulus())
    array([0.6+0.8j, 1. +0.j ])
    """

    convex = False


@nearest.register(LinfBall)
def _(onto, fields, y):
    return limit(y, fields[0])


@nearest.register(Disc)
def _(onto, fields, y):
    center, radius = fields
    return _into_disc(y, center, radius)


@of_entry
def _into_disc(y, center, radius):
    """The number next to y in the disc, also where the distance overflows."""


@_into_disc.real
def _(y, center, radius):
    away = y - center
    limited = limit(away, radius)
    return y if limited == away else center + limited


@_into_disc.complex
def _(y, center, radius):
    total = abs(y.real) + abs(y.imag) + abs(center.real) + abs(center.imag)
    room = constant(y, 0.25) if total == np.inf else constant(y, 1)
    away = times(y, room) - times(center, room)
    size = modulus(away)
    return y if size <= radius * room else center + times(over(away, size), radius)


@of_entry
def _direction(y):
    """Y / |y|, also where |y| is subnormal or overflows; 1 for 0."""


@_direction.real
def _(y):
    zero, one = constant(y, 0), constant(y, 1)
    return one if y >= zero else (-one if y < zero else y)


@_direction.complex
def _(y):
    a, b = abs(y.real), abs(y.imag)
    largest = a if a > b or a != a else b
    if largest == constant(y, 0):
        return number(constant(y, 1), constant(y, 0))
    re, im = y.real / largest, y.imag / largest
    length = sqrt(re * re + im * im)
    return number(re / length, im / length)


@nearest.register(UnitModulus)
def _(onto, fields, y):
    return _direction(y)
