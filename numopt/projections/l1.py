"""The 1-norm: ball, sphere, weighted ball, and the ball of a sum of group norms."""

import numpy as np

from .._jit import jit, real_view
from .._scalars import times
from .._vector import copy, max_abs
from ..generic import EMPTY, FINE, WRONG_SIZE, accepts, project_into
from . import checks
from .project import fill_nan, point_set
from .threshold import Levels, Moduli, lower, survey

_HUGE, _SHRINK, _SHRINK_MUCH = 2.0**900, 2.0**-80, 2.0**-600  # multiples of a larger radius would overflow
_SMALLEST, _LARGEST = 2.0**-400, 2.0**400  # moduli whose squares are far from the limits


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
def scales(x, shrink):
    """``up`` and ``down`` for the levels of x times ``shrink``, with which squares of moduli stay in range."""
    if real_view(x).size > x.size:
        largest = max_abs(real_view(x))
        if 0.0 < largest < np.inf and not _SMALLEST < largest < _LARGEST:
            up = 2.0 ** min(max(-np.floor(np.log2(largest)), -1000.0), 1000.0)
            return up, shrink / up
    return 1.0, shrink


@jit(borrow=True)
def onto_l1(x, out, weights, radius, grows):
    """Project onto the ball of vectors of one length; onto the sphere if it ``grows``."""
    shrink = _SHRINK if radius > _HUGE else 1.0
    up, down = scales(x, shrink)
    known = survey(Levels(Moduli(), weights, x, up, down), radius * shrink)
    if known.top == np.inf and max_abs(real_view(x)) < np.inf:  # by a division by a weight
        shrink = _SHRINK_MUCH
        up, down = scales(x, shrink)
        known = survey(Levels(Moduli(), weights, x, up, down), radius * shrink)
    r = radius * shrink
    if not np.isfinite(known.top) or known.total != known.total:
        fill_nan(out)
    elif known.total <= r and not grows:
        copy(x, out)
    else:
        lower(Levels(Moduli(), weights, x, up, down), known, r, 1.0 / shrink, out)


@project_into.register(L1Ball)
def _(onto, x, out):
    if x.size != out.size:
        fill_nan(out)
        return WRONG_SIZE
    if x.size > 0:
        onto_l1(x, out, None, onto.radius, False)
    return FINE


@project_into.register(L1Sphere)
def _(onto, x, out):
    if x.size != out.size:
        fill_nan(out)
        return WRONG_SIZE
    if x.size == 0:
        return FINE if onto.radius == 0.0 else EMPTY
    onto_l1(x, out, None, onto.radius, True)
    return FINE


@project_into.register(WeightedL1Ball)
def _(onto, x, out):
    if x.size != out.size or not accepts(onto, x.size):
        fill_nan(out)
        return WRONG_SIZE
    if x.size > 0:
        onto_l1(x, out, onto.weights, onto.radius, False)
    return FINE


@jit
def _group_norms(x, labels, scale):
    """The norms of the groups of x times ``scale``."""
    groups = 0
    for i in range(x.size):
        groups = max(groups, int(labels[i]) + 1)
    norms = np.zeros(groups)
    for i in range(x.size):
        re, im = scale * x[i].real, scale * x[i].imag
        norms[int(labels[i])] += re * re + im * im
    return np.sqrt(norms)


@jit
def scale_groups(x, labels, radius, prox, out):
    """Project onto the ball of group norms; with ``prox``, shorten each norm by the radius instead."""
    largest = max_abs(real_view(x))
    if not np.isfinite(largest):
        fill_nan(out)
        return
    scale = 2.0 ** min(max(-np.floor(np.log2(largest)), -1000.0), 1000.0) if largest > 0.0 else 1.0
    norms = _group_norms(x, labels, scale)
    wanted = np.empty_like(norms)
    limit = radius * scale
    if prox:
        for k in range(norms.size):
            wanted[k] = max(norms[k] - limit, 0.0)
    else:
        onto_l1(norms, wanted, None, min(limit, _LARGEST * norms.size), False)
    for i in range(x.size):
        norm, goal = norms[int(labels[i])], wanted[int(labels[i])]
        out[i] = x[i] if goal >= norm else times(x[i], goal / norm)


@project_into.register(GroupL1Ball)
def _(onto, x, out):
    if x.size != out.size or not accepts(onto, x.size):
        fill_nan(out)
        return WRONG_SIZE
    scale_groups(x, onto.labels, onto.radius, False, out)
    return FINE
