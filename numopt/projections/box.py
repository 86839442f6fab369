"""Bounds on every entry."""

from typing import Any

from .._input import bounds_vectors
from .._jit import variant
from .._scalars import constant, number, of_numbers
from ..generic import nearest
from . import checks
from .project import point_set


@point_set
class NonNegative:
    r"""The vectors without negative entries, :math:`\{x : x_i \ge 0\}`; P(x) = max(x, 0).

    For real vectors.

    Examples
    --------
    >>> import numpy as np
    >>> import numopt as no
    >>> no.project(np.array([1.0, -2.0]), no.NonNegative())
    array([1., 0.])
    """

    real_only = "complex numbers have no order: use ComplexBox"


@point_set
class Box:
    r"""The vectors between two bounds, :math:`\{x : l_i \le x_i \le u_i\}`; P(x) = min(max(x, l), u).

    For real vectors.

    Parameters
    ----------
    lower, upper : float or array_like, shape (n,)
        May be infinite.

    Raises
    ------
    ValueError
        If a lower bound lies above its upper one, or one is NaN.

    Examples
    --------
    >>> import numpy as np
    >>> import numopt as no
    >>> no.project(np.array([1.0, -2.0, 5.0]), no.Box([0, -1, -np.inf], 2.0))
    array([ 1., -1.,  2.])
    """

    lower: Any
    upper: Any
    real_only = "bounds on complex numbers have no order: use ComplexBox, Disc or LinfBall"

    def check(self):
        """Limits of the fields."""
        checks.bounds("Box", self.lower, self.upper)


@variant
def Hypercube(side=1.0):
    """The cube ``Box(0, side)``."""
    return Box(0.0, side)


@point_set
class ComplexBox:
    r"""The complex vectors whose real and imaginary parts lie between bounds; each part is clipped.

    Parameters
    ----------
    re, im : tuple of two, each a float or array_like of shape (n,)
        Lower and upper bound of the real and of the imaginary parts; may be infinite.

    Raises
    ------
    ValueError
        If a lower bound lies above its upper one, or one is NaN.

    Examples
    --------
    >>> import numopt as no
    >>> no.project([2 + 2j, -1 - 1j], no.ComplexBox(re=(0, 1), im=(-0.5, 0.5)))
    array([1.+0.5j, 0.-0.5j])
    """

    re: tuple
    im: tuple
    complex_only = "use Box"

    def check(self):
        """Limits of the fields."""
        for name in ("re", "im"):
            pair = getattr(self, name)
            if not (isinstance(pair, tuple) and len(pair) == 2):
                raise ValueError(f"ComplexBox: {name} must be a tuple (lower, upper), got {pair!r}")
            checks.bounds("ComplexBox", *pair, names=(f"{name}[0]", f"{name}[1]"))


@of_numbers
def _clip(y, lower, upper):
    return lower if y < lower else (upper if y > upper else y)


@nearest.register(NonNegative)
def _(onto, fields, y):
    zero = constant(y, 0)
    return zero if y <= zero else y  # NaN stays, -0 becomes 0


@nearest.register(Box)
def _(onto, fields, y):
    return _clip(y, fields[0], fields[1])


@nearest.register(ComplexBox)
def _(onto, fields, y):
    re, im = fields
    return number(_clip(y.real, re[0], re[1]), _clip(y.imag, im[0], im[1]))


def box_of_bounds(bounds, n):
    """The Box of SciPy's ``bounds``: a ``Bounds`` object, or pairs (lower, upper) with None for no bound.

    Raises
    ------
    ValueError
        If there is not one pair for each of the n entries, or a lower bound lies above its upper one.
    """
    return Box(*bounds_vectors(bounds, n))
