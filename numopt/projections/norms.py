"""Norms with a proximal operator; for most of them it is what a projection leaves (Moreau's identity).

prox of lam ||.||, at x, is x minus the projection of x onto the ball of radius lam of the dual norm.
"""

import numpy as np

from .._jit import real_view
from .._scalars import constant, modulus, nothing, of_entry, over, room_for_modulus, times
from .._vector import copy
from ..generic import coefficients, nearest
from . import checks
from .l1 import onto_l1, scale_groups
from .l2 import multiply, scaled_norm
from .project import fill_nan, has_prox, proximable


@proximable
class L1Norm:
    r"""The function :math:`\lambda \sum |x_i|`. Its proximal operator shortens every modulus by lambda: soft threshold.

    At the end of a chain the weight is multiplied by the learning rate of the step, and only plain gradient descent,
    ``chain(SGD(lr), L1Norm(lam))``, minimises f + h; see :func:`chain` for every other rule.

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

    At the end of a chain the weight is multiplied by the learning rate of the step, and only plain gradient descent,
    ``chain(SGD(lr), L2Norm(lam))``, minimises f + h; see :func:`chain` for every other rule.

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

    At the end of a chain the weight is multiplied by the learning rate of the step, and only plain gradient descent,
    ``chain(SGD(lr), LinfNorm(lam))``, minimises f + h; see :func:`chain` for every other rule.

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

    At the end of a chain the weight is multiplied by the learning rate of the step, and only plain gradient descent,
    ``chain(SGD(lr), GroupL1Norm(labels, lam))``, minimises f + h; see :func:`chain` for every other rule.

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


@coefficients.register(L1Norm)
def _(of, held, t, learning_rate):
    return (of.weight * learning_rate,)  # at the end of a chain they are the fields of the step


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


@has_prox(L2Norm)
def _(of, weight, x, out):
    norm, scale = scaled_norm(real_view(x))
    if norm != norm:
        fill_nan(out)
    elif norm > 0.0:
        multiply(x, max(1.0 - weight * scale / norm, 0.0), 1.0, out)
    else:
        copy(x, out)


@has_prox(LinfNorm)
def _(of, weight, x, out):
    given = x.copy()
    if x.size > 0:
        onto_l1(given, out, weight, False)
    for i in range(x.size):
        out[i] = given[i] - out[i]


@has_prox(GroupL1Norm)
def _(of, weight, x, out):
    scale_groups(x, of.labels, weight, True, out)
