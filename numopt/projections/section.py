r"""Boxes cut by a hyperplane: {l <= y <= u, w.y = c}, and the capped simplex.

The projection is y(tau) = clip(x - tau w, l, u), where w.y(tau) = c. The left side falls with tau and is piecewise
linear, but neither convex nor concave: Newton's method within a bracket, and bisection where it leaves that or is slow.
A second round from the tau found, in its distance from that, takes out what rounding x - tau w has left.

Y.-H. Dai, R. Fletcher, Math. Program. 106 (2006) 403-421.
"""

from typing import Any

import numpy as np

from .._jit import REDUCTION, block, by_type, jit, read
from .._vector import BLOCK, max_abs, power_for
from ..generic import EMPTY, FINE
from . import checks
from .levels import order, value_of
from .project import fill_nan, point_set, projects_onto

_EPSILON = 2.220446049250313e-16
_ROUNDING = 8 * _EPSILON  # sums that agree so far are equal
_MOST_STEPS = 300
_MARGIN, _MUCH_SMALLER = 2.0**-20, 2.0**-32


@point_set
class BoxSection:
    r"""The part of a box in a hyperplane, :math:`\{x : l_i \le x_i \le u_i, \sum w_i x_i = c\}`.

    For real vectors. A NaN or an infinite entry makes every entry NaN.

    Parameters
    ----------
    lower, upper : float or array_like, shape (n,)
        May be infinite.
    weights : float or array_like, shape (n,)
        w, of any signs; where it is 0 the entry is only clipped.
    sum : float
        c.

    Raises
    ------
    ValueError
        If a lower bound lies above its upper one, w = 0, or no point of the box has the sum c.

    Examples
    --------
    >>> import numopt as no
    >>> no.project([3.0, 0.0], no.BoxSection(0.0, 2.0, [1.0, 1.0], 2.5))
    array([2. , 0.5])
    """

    lower: Any
    upper: Any
    weights: Any
    sum: float
    real_only = "bounds on complex numbers have no order"

    def check(self):
        """Limits of the fields."""
        checks.bounds("BoxSection", self.lower, self.upper)
        checks.finite(self, "weights")
        checks.finite(self, "sum")
        if not np.any(self.weights):
            raise ValueError("BoxSection: weights must not be 0 everywhere")
        fields = self.lower, self.upper, self.weights
        sizes = sorted({field.size for field in fields if np.ndim(field)})
        if len(sizes) > 1:
            raise ValueError(f"BoxSection: lower, upper and weights must be of one length, got vectors of {sizes}")
        if sizes and not reachable(fields, sizes[0], self.sum):
            raise ValueError(f"BoxSection: no point of the box has the sum {self.sum}")


@point_set
class CappedSimplex:
    r"""The capped simplex :math:`\{x : 0 \le x_i \le \text{cap}, \sum x_i = s\}`.

    For real vectors. A NaN or an infinite entry makes every entry NaN.

    Parameters
    ----------
    sum : float
        s, from 0 to the sum of the caps.
    cap : float or array_like, shape (n,)

    Examples
    --------
    >>> import numopt as no
    >>> no.project([3.0, 0.5, 0.0], no.CappedSimplex(1.0, 0.75))
    array([0.75, 0.25, 0.  ])
    """

    sum: float
    cap: Any = 1.0
    real_only = "use the moduli"

    def check(self):
        """Limits of the fields."""
        checks.not_negative(self, "sum")
        checks.vector(self, "cap")
        checks.bounds("CappedSimplex", 0.0, self.cap, names=("zero", "cap"))
        if np.ndim(self.cap) and self.sum > np.sum(self.cap) * (1 + _ROUNDING):
            raise ValueError(f"CappedSimplex: the sum {self.sum} is larger than that of cap, {np.sum(self.cap)}")


@jit(fastmath=REDUCTION, borrow=True)
def _extremes(fields, n):
    """The least and the largest sum of a point of the box; infinite bounds make them infinite or NaN."""
    least, most = 0.0, 0.0
    for i in range(n):
        lower, upper, weight = read(fields, i)
        a, b = weight * lower, weight * upper
        least, most = least + min(a, b), most + max(a, b)
    return least, most


@jit
def reachable(fields, n, c):
    """Whether a point of the box has the sum c, but for rounding."""
    least, most = _extremes(fields, n)
    if not (np.isfinite(least) and np.isfinite(most)):
        least, most = 0.0, 0.0
        for i in range(n):
            lower, upper, weight = read(fields, i)
            if weight != 0.0:  # 0 times an infinite bound is nothing
                a, b = weight * lower, weight * upper
                least, most = least + min(a, b), most + max(a, b)
    slack = _ROUNDING * max(abs(c), abs(least) if least > -np.inf else 0.0, abs(most) if most < np.inf else 0.0)
    return least - slack <= c <= most + slack


@jit(fastmath=REDUCTION, borrow=True)
def _sum_and_slope_block(x, fields, scale, base, shift):
    total, slope = 0.0, 0.0
    for i in range(x.size):
        lower, upper, weight = read(fields, i)
        weight *= scale
        y = (x[i] - base * weight) - shift * weight
        total += weight * min(max(y, lower), upper)
        slope += weight * weight * ((lower < y) & (y < upper))
    return total, slope


@jit(borrow=True)
def _sum_and_slope(x, fields, scale, base, shift):
    """The sum w.y at tau = base + shift, and its negative derivative, for w times ``scale``."""
    total, slope = 0.0, 0.0
    for start in range(0, x.size, BLOCK):
        part, fields_part = block((x, fields), start, min(x.size, start + BLOCK))
        part_total, part_slope = _sum_and_slope_block(part, fields_part, scale, base, shift)
        total, slope = total + part_total, slope + part_slope
    return total, slope


@jit(borrow=True)
def _outermost(x, fields, scale):
    """The least and the largest tau at which an entry meets a bound."""
    least, most = np.inf, -np.inf
    for i in range(x.size):
        lower, upper, weight = read(fields, i)
        weight *= scale
        for bound in (lower, upper):
            tau = (x[i] - bound) / weight
            if np.isfinite(tau):
                least, most = min(least, tau), max(most, tau)
    return least, most


@jit(borrow=True)
def _beyond(x, fields, scale, base, upwards):
    """A shift beyond all at which an entry meets a bound."""
    least, most = _outermost(x, fields, scale)
    last = most if upwards else least
    margin = max(_MARGIN * (abs(last) + abs(base)), 1e-300)
    return last - base + margin if upwards else last - base - margin


@jit(borrow=True)
def _middle(low, high):
    """A number between two others, of about as many binary digits before it as after it; powers of two scale it."""
    if low < 0.0 < high:
        return 0.0
    if low == 0.0 or high == 0.0:
        smaller = _MUCH_SMALLER * (low + high)
        return smaller if smaller != 0.0 else 0.5 * (low + high)
    a, b = order(low), order(high)
    return value_of((a >> 1) + (b >> 1) + (a & b & 1))


@jit(borrow=True)
def _root(x, fields, scale, base, c):
    """The shift at which the sum is c."""
    low, high, shift = -np.inf, np.inf, 0.0
    for step in range(_MOST_STEPS):
        total, slope = _sum_and_slope(x, fields, scale, base, shift)
        if total == c:
            return shift
        low, high = (shift, high) if total > c else (low, shift)
        newton = (total - c) / slope
        trial = shift + newton
        if abs(newton) <= _EPSILON * (abs(base) + abs(shift)):
            return trial
        between = low < trial < high
        if low > -np.inf and high < np.inf:
            if not between or step % 8 == 7:  # now and then also where Newton's method narrows the bracket slowly
                trial = _middle(low, high)
        elif not between:
            trial = _beyond(x, fields, scale, base, total > c)
        if trial == low or trial == high:
            return trial
        shift = trial
    return shift


@by_type(borrow=True)
def _power_for(weights):
    """A power of two that brings the largest weight near 1."""


@_power_for.register(float)
def _(weights):
    return power_for(abs(weights))


@_power_for.register(np.ndarray)
def _(weights):
    return power_for(max_abs(weights))


@jit
def onto_section(x, fields, c, out):
    """Project vectors of one length onto the section of a box; ``fields`` are lower, upper, weights."""
    largest = max_abs(x)
    if not np.isfinite(largest):
        fill_nan(out)
        return FINE
    if not reachable(fields, x.size, c):
        fill_nan(out)
        return EMPTY
    scale = _power_for(fields[2])
    base = _root(x, fields, scale, 0.0, c * scale)
    shift = _root(x, fields, scale, base, c * scale)
    if not abs(base) + abs(shift) + largest < np.inf:  # then differences overflow
        fill_nan(out)
        return FINE
    for i in range(x.size):
        lower, upper, weight = read(fields, i)
        weight *= scale
        out[i] = min(max((x[i] - base * weight) - shift * weight, lower), upper)
    return FINE


@projects_onto(BoxSection)
def _(onto, x, out):
    return onto_section(x, (onto.lower, onto.upper, onto.weights), onto.sum, out)


@projects_onto(CappedSimplex)
def _(onto, x, out):
    return onto_section(x, (0.0, onto.cap, 1.0), onto.sum, out)
