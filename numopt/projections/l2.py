"""The 2-norm: ball, sphere, and the second-order cone."""

import numpy as np

from .._jit import REDUCTION, jit, real_view, same_memory, sqrt
from .._scalars import times
from .._vector import BLOCK, copy, max_abs, power_for
from ..generic import EMPTY, FINE
from . import checks
from .project import fill_nan, point_set, projects_onto

_SMALLEST, _LARGEST = 1e-280, 1e280  # sums of squares that are right to rounding


@point_set
class L2Ball:
    r"""The ball :math:`\{x : \|x\|_2 \le r\}`, real or complex; outside, P(x) = x r / |x|.

    An infinite entry makes every entry NaN.

    Parameters
    ----------
    radius : float
        r, not negative.

    Examples
    --------
    >>> import numopt as no
    >>> no.project([3.0, -4.0], no.L2Ball(1.0))
    array([ 0.6, -0.8])
    """

    radius: float

    def check(self):
        """Limits of the fields."""
        checks.not_negative(self, "radius")


@point_set
class L2Sphere:
    r"""The sphere :math:`\{x : \|x\|_2 = r\}`, real or complex; P(x) = x r / |x|, and (r, 0, ..., 0) for 0. Not convex.

    Parameters
    ----------
    radius : float
        r, not negative.

    Examples
    --------
    >>> import numopt as no
    >>> no.project([0.3, -0.4], no.L2Sphere(1.0))
    array([ 0.6, -0.8])
    """

    radius: float
    convex = False

    def check(self):
        """Limits of the fields."""
        checks.not_negative(self, "radius")


@point_set
class SecondOrderCone:
    r"""The cone :math:`\{(t, z) : \|z\|_2 \le t\}` with t = x[0], which is real also if z is complex.

    P(t, z) = (t, z) inside, 0 if :math:`\|z\| \le -t`, else (a, a z / \|z\|) with a = (t + \|z\|) / 2.

    Examples
    --------
    >>> import numopt as no
    >>> no.project([1.0, 3.0, 4.0], no.SecondOrderCone())
    array([3. , 1.8, 2.4])
    """


@jit(fastmath=REDUCTION, borrow=True)
def _squares_of_block(parts, scale):
    total = 0.0
    for i in range(parts.size):
        part = parts[i] * scale
        total += part * part
    return total


@jit(borrow=True)
def _squares(parts, scale):
    """The sum of squares of ``parts`` times ``scale``, in double precision."""
    total = 0.0
    for start in range(0, parts.size, BLOCK):
        total += _squares_of_block(parts[start : start + BLOCK], scale)
    return total


@jit(borrow=True)
def scaled_norm(parts):
    """(norm, scale): the Euclidean norm of ``parts`` times ``scale``, a power of two, and that; NaN if not finite."""
    squares = _squares(parts, 1.0)
    if _SMALLEST < squares < _LARGEST:
        return sqrt(squares), 1.0
    largest = max_abs(parts)
    if not np.isfinite(largest):
        return np.nan, 1.0
    if largest == 0.0:
        return 0.0, 1.0
    scale = power_for(largest)
    return sqrt(_squares(parts, scale)), scale


@jit(borrow=True, inline=True)
def _multiply(x, a, b, out):
    for i in range(x.size):
        out[i] = times(times(x[i], a), b)


@jit(borrow=True)
def multiply(x, a, b, out):
    """Write x a b, computed in this order, so that it over- and underflows only if the result does."""
    if same_memory(x, out):
        _multiply(out, a, b, out)
    else:
        _multiply(x, a, b, out)


@jit(borrow=True)
def _onto_sphere(x, out, radius, only_from_outside):
    norm, scale = scaled_norm(real_view(x))
    if norm != norm:
        fill_nan(out)
    elif only_from_outside and norm <= radius * scale:
        copy(x, out)
    elif norm == 0.0:
        for i in range(out.size):
            out[i] = 0.0
        out[0] = radius
    elif _SMALLEST < radius * scale / norm < np.inf:
        multiply(x, radius * scale / norm, 1.0, out)
    else:
        multiply(x, scale, 1.0 / norm, out)
        multiply(out, radius, 1.0, out)


@projects_onto(L2Ball)
def _(onto, x, out):
    _onto_sphere(x, out, onto.radius, True)
    return FINE


@projects_onto(L2Sphere)
def _(onto, x, out):
    if x.size == 0:
        return FINE if onto.radius == 0.0 else EMPTY
    _onto_sphere(x, out, onto.radius, False)
    return FINE


@projects_onto(SecondOrderCone)
def _(onto, x, out):
    if x.size == 0:
        return EMPTY
    t = np.float64(x[0].real)
    undefined = t + x[0].imag
    norm, scale = scaled_norm(real_view(x[1:]))
    height = t * scale
    if norm != norm or not np.isfinite(undefined):
        fill_nan(out)
    elif norm <= height:
        copy(x, out)
        out[0] = t
    elif norm <= -height:
        for i in range(out.size):
            out[i] = 0.0
    else:
        level = 0.5 * (height + norm)
        multiply(x[1:], level / norm, 1.0, out[1:])
        out[0] = level / scale
    return FINE
