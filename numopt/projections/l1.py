"""The 1-norm: ball, sphere, weighted ball, and the ball of a sum of group norms."""

import numpy as np

from .._jit import jit, real_view, sqrt
from .._scalars import modulus, nothing, over, times
from .._vector import copy, max_abs, power_for
from ..generic import EMPTY, FINE
from . import checks
from .levels import HUGE, SHRINK, Levels, Moduli
from .project import fill_nan, point_set, projects_onto
from .section import onto_section
from .threshold import lower, survey

_MOST_STEPS = 200
_RIGHT = 1e-8  # of a sum; weights very far apart spoil it altogether
_NEAR_OVERFLOW = 2.0**1000
_ROOM = 2.0**-32  # times it, no norm of numbers overflows
_TINY, _LIFT = 2.0**-600, 2.0**400


@point_set
class L1Ball:
    r"""The ball :math:`\{x : \sum |x_i| \le r\}`, real or complex.

    Outside, the moduli are lowered by one threshold, at least to 0, and the phases kept. An infinite entry makes every
    entry NaN.

    Parameters
    ----------
    radius : float
        r, not negative.

    References
    ----------
    J. Duchi et al., ICML 2008, for the reduction to the simplex; :class:`Simplex` for the method.

    Examples
    --------
    >>> import numopt as no
    >>> no.project([3 + 4j, 1.0], no.L1Ball(2.0))
    array([1.2+1.6j, 0. +0.j ])
    """

    radius: float

    def check(self):
        """Limits of the fields."""
        checks.not_negative(self, "radius")


@point_set
class L1Sphere:
    r"""The sphere :math:`\{x : \sum |x_i| = r\}`, real or complex. Not convex.

    From outside as :class:`L1Ball`; from inside every modulus grows by the same, where an entry of 0 has the phase 1.

    Parameters
    ----------
    radius : float
        r, not negative.

    Examples
    --------
    >>> import numpy as np
    >>> import numopt as no
    >>> no.project(np.array([0.0, -1.0]), no.L1Sphere(3.0))
    array([ 1., -2.])
    """

    radius: float
    convex = False

    def check(self):
        """Limits of the fields."""
        checks.not_negative(self, "radius")


@point_set
class WeightedL1Ball:
    r"""The ball :math:`\{x : \sum w_i |x_i| \le r\}`, real or complex.

    Two vectors of n numbers are allocated.

    Parameters
    ----------
    weights : array_like, shape (n,)
        w, not negative; an entry of weight 0 is free.
    radius : float
        r, not negative.

    Examples
    --------
    >>> import numpy as np
    >>> import numopt as no
    >>> no.project(np.array([3.0, -2.0, 7.0]), no.WeightedL1Ball([1.0, 2.0, 0.0], 2.0))
    array([2., 0., 7.])
    """

    weights: np.ndarray
    radius: float

    def check(self):
        """Limits of the fields."""
        checks.not_negative(self, "radius")
        checks.finite(self, "weights")
        if np.ndim(self.weights) != 1 or np.any(self.weights < 0):
            raise ValueError(f"WeightedL1Ball: weights must be a vector of numbers from 0 on, got {self.weights!r}")


@point_set
class GroupL1Ball:
    r"""The ball :math:`\{x : \sum_g \|x_g\|_2 \le r\}` of a sum of norms of groups of entries, real or complex.

    The group norms are projected onto the :class:`L1Ball`, the groups scaled to them. One number for each group is
    allocated.

    Parameters
    ----------
    labels : array_like, shape (n,)
        The group of each entry, whole numbers from 0 on.
    radius : float
        r, not negative.

    Examples
    --------
    >>> import numpy as np
    >>> import numopt as no
    >>> no.project(np.array([3.0, 4.0, 1.0]), no.GroupL1Ball([0, 0, 1], 2.0))
    array([1.2, 1.6, 0. ])
    """

    labels: np.ndarray
    radius: float

    def check(self):
        """Limits of the fields."""
        checks.not_negative(self, "radius")
        checks.labels(self)


@jit(borrow=True)
def scales(x, radius):
    """``up`` and ``down`` for the levels of x times ``shrink``, and that; squares, moduli and radius stay in range."""
    up, shrink = 1.0, SHRINK if radius > HUGE else 1.0
    if real_view(x).size > x.size:
        largest = max_abs(real_view(x))
        if 0.0 < largest < np.inf:
            up = power_for(largest)
            if largest > _NEAR_OVERFLOW and shrink == 1.0:
                shrink = 0.5  # a modulus of two such parts may be no number
    return up, shrink / up, shrink


@jit(borrow=True)
def onto_l1(x, out, radius, grows):
    """Project onto the ball of vectors of one length; onto the sphere if it ``grows``."""
    up, down, shrink = scales(x, radius)
    levels = Levels(Moduli(), x, up, down)
    known = survey(levels, radius * shrink)
    if not np.isfinite(known.top):
        fill_nan(out)
    elif known.total <= radius * shrink and not grows:
        copy(x, out)
    else:
        lower(levels, known, radius * shrink, 1.0 / shrink, out)


@projects_onto(L1Ball)
def _(onto, x, out):
    if x.size > 0:
        onto_l1(x, out, onto.radius, False)
    return FINE


@projects_onto(L1Sphere)
def _(onto, x, out):
    if x.size == 0:
        return FINE if onto.radius == 0.0 else EMPTY
    onto_l1(x, out, onto.radius, True)
    return FINE


@jit
def _moduli(x, scale):
    """The moduli of x times ``scale``."""
    sizes = np.empty(x.size)
    for i in range(x.size):
        sizes[i] = modulus(times(x[i], scale))
    return sizes


@jit(borrow=True, inline=True)
def _resized(u, size, wanted):
    """U wanted / size, at most u; the quotient may underflow."""
    if wanted <= 0.0:
        return nothing(times(u, wanted))
    wanted = min(wanted, size)
    quotient = wanted / size
    return times(u, quotient) if quotient > _TINY else times(over(u, size), wanted)


@jit
def _lowered_near_the_top(sizes, weights, scale, r, wanted):
    """Write w_i max(d - a_i, 0), a_i = R - sizes_i / w_i, R the largest quotient, with the d that gives the sum r.

    Newton's method as in :mod:`.threshold`. Returns whether the sum is r and d at most R / 2: then nothing cancels,
    however small r is; beyond, the threshold R - d is the better unknown.
    """
    top, weight = 0.0, 0.0
    for i in range(sizes.size):
        w = scale * weights[i]
        if w > 0.0 and sizes[i] / w > top:
            top, weight = sizes[i] / w, w
    d, before = r / weight / weight, 0.0
    for _ in range(_MOST_STEPS):
        total, slope = 0.0, 0.0
        for i in range(sizes.size):
            w = scale * weights[i]
            above = d - (top - sizes[i] / w) if w > 0.0 else 0.0
            total += w * w * max(above, 0.0)
            slope += w * w * (above > 0.0)
        d -= (total - r) / slope
        if slope == before or not d < np.inf:
            break
        before = slope
    reached = 0.0
    for i in range(sizes.size):
        w = scale * weights[i]
        wanted[i] = w * max(d - (top - sizes[i] / w), 0.0) if w > 0.0 else sizes[i]
        reached += w * wanted[i]
    return d <= 0.5 * top < np.inf and abs(reached - r) <= _RIGHT * r


@projects_onto(WeightedL1Ball)
def _(onto, x, out):
    largest = max_abs(real_view(x))
    if not np.isfinite(largest):
        fill_nan(out)
        return FINE
    if largest == 0.0:
        copy(x, out)
        return FINE
    scale = power_for(largest)
    if 0.0 < onto.radius < _TINY * largest:
        scale = scale * _LIFT  # else the radius would lose digits
    sizes, wanted, total, r = _moduli(x, scale), np.empty(x.size), 0.0, onto.radius * scale
    for i in range(x.size):
        total += onto.weights[i] * sizes[i]
    if total <= r:
        copy(x, out)
        return FINE
    heaviest = power_for(max_abs(onto.weights))
    if not _lowered_near_the_top(sizes, onto.weights, heaviest, r * heaviest, wanted):
        # the moduli belong to the part of the non-negative vectors in a hyperplane, a section of a box
        onto_section(sizes, (0.0, np.inf, onto.weights), r, wanted)
    for i in range(x.size):
        out[i] = _resized(x[i], sizes[i], wanted[i])
    return FINE


@jit
def _group_norms(x, labels, scale, down):
    """The norms of the groups of x times ``scale``, times ``down``; none if a label is not among 0 to n - 1."""
    last, wrong = -1.0, 0
    for i in range(x.size):
        wrong += 0 if 0.0 <= labels[i] < x.size else 1
        last = max(last, labels[i])
    groups = int(last) + 1 if wrong == 0 else 0
    norms = np.zeros(groups)
    if wrong > 0:
        return norms
    for i in range(x.size):
        re, im = scale * x[i].real, scale * x[i].imag
        norms[int(labels[i])] += re * re + im * im
    for k in range(groups):
        norms[k] = sqrt(norms[k]) * down
    return norms


@jit
def scale_groups(x, labels, radius, prox, out):
    """Project onto the ball of group norms; with ``prox``, shorten each norm by the radius instead."""
    largest = max_abs(real_view(x))
    if not np.isfinite(largest):
        fill_nan(out)
        return
    scale = power_for(largest) if largest > 0.0 else 1.0
    shrink = _ROOM if largest > _NEAR_OVERFLOW else 1.0
    norms, limit = _group_norms(x, labels, scale, shrink / scale), radius * shrink
    if norms.size == 0 and x.size > 0:
        fill_nan(out)
        return
    if np.sum(norms) <= (0.0 if prox else limit):
        copy(x, out)
        return
    wanted = np.empty_like(norms)
    if prox:
        for k in range(norms.size):
            wanted[k] = max(norms[k] - limit, 0.0)
    else:
        onto_l1(norms, wanted, limit, False)
    for i in range(x.size):
        out[i] = _resized(x[i], norms[int(labels[i])], wanted[int(labels[i])])


@projects_onto(GroupL1Ball)
def _(onto, x, out):
    scale_groups(x, onto.labels, onto.radius, False, out)
    return FINE
