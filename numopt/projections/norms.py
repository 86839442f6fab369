"""Norms with a proximal operator; for most of them it is what a projection leaves (Moreau's identity).

prox of lam ||.||, at x, is x minus the projection of x onto the ball of radius lam of the dual norm.
"""

import numpy as np

from .._jit import real_view
from .._scalars import constant, modulus, nothing, of_entry, over, room_for_modulus, times
from .._vector import copy
from ..generic import FINE, nearest
from . import checks
from .l1 import onto_l1, scale_groups
from .l2 import multiply, scaled_norm
from .project import fill_nan, projects_onto, proximable


@proximable
class L1Norm:
    r"""The function :math:`\lambda \sum |x_i|`. Its proximal operator shortens every modulus by lambda: soft threshold.

    Parameters
    ----------
    weight : float
        lambda, not negative.

    Examples
    --------
    >>> import numopt as no
    >>> no.prox([3 + 4j, 0.5], no.L1Norm(1.0))
    array([2.4+3.2j, 0. +0.j ])
    """

    weight: float

    def check(self):
        """Limits of the fields."""
        checks.not_negative(self, "weight")


@proximable
class L2Norm:
    r"""The function :math:`\lambda \|x\|_2`. Its proximal operator is x max(1 - lambda / |x|, 0).

    Parameters
    ----------
    weight : float
        lambda, not negative.
    """

    weight: float

    def check(self):
        """Limits of the fields."""
        checks.not_negative(self, "weight")


@proximable
class LinfNorm:
    r"""The function :math:`\lambda \max |x_i|`. Its proximal operator is x - P(x) for ``L1Ball(lambda)``.

    A vector of n numbers is allocated.

    Parameters
    ----------
    weight : float
        lambda, not negative.
    """

    weight: float

    def check(self):
        """Limits of the fields."""
        checks.not_negative(self, "weight")


@proximable
class GroupL1Norm:
    r"""The function :math:`\lambda \sum_g \|x_g\|_2`. Its proximal operator shortens every group's norm by lambda.

    One number for each group is allocated.

    Parameters
    ----------
    labels : array_like, shape (n,)
        The group of each entry, whole numbers from 0 on.
    weight : float
        lambda, not negative.
    """

    labels: np.ndarray
    weight: float

    def check(self):
        """Limits of the fields."""
        checks.labels(self)
        checks.not_negative(self, "weight")


@nearest.register(L1Norm)
def _(of, fields, y):
    return _shortened(y, fields[0])


@of_entry
def _shortened(y, by):
    """The number with the phase of y and a modulus shorter by that much; 0 if there is none."""


@_shortened.real
def _(y, by):
    size = abs(y)
    left = size - by
    return constant(y, 0) if left <= constant(y, 0) else y / size * left


@_shortened.complex
def _(y, by):
    room = room_for_modulus(y)
    size = modulus(times(y, room))
    left = size - by * room
    return nothing(y) if left <= constant(y, 0) else times(over(y, size), left)


@projects_onto(L2Norm)
def _(of, x, out):
    norm, scale = scaled_norm(real_view(x))
    if norm != norm:
        fill_nan(out)
    elif norm > 0.0:
        multiply(x, max(1.0 - of.weight * scale / norm, 0.0), 1.0, out)
    else:
        copy(x, out)
    return FINE


@projects_onto(LinfNorm)
def _(of, x, out):
    given = x.copy()
    if x.size > 0:
        onto_l1(given, out, of.weight, False)
    for i in range(x.size):
        out[i] = given[i] - out[i]
    return FINE


@projects_onto(GroupL1Norm)
def _(of, x, out):
    scale_groups(x, of.labels, of.weight, True, out)
    return FINE
