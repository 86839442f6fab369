r"""Training of the active coordinates: an evolution strategy with a diagonal covariance (sep-CMA-ES).

Rows :math:`x_i = m + \sigma \sqrt{D}\, z_i` come in mirrored pairs :math:`\pm z`. With weights w of the better half,

.. math:: \bar z = \sum w_i z_i, \qquad m^+ = m + \sigma \sqrt{D}\, \bar z,

the path of :math:`\bar z` sets the step length (cumulative adaptation), that of :math:`\sqrt{D} \bar z` and
:math:`\sum w_i z_i^2` the variances D.

R. Ros, N. Hansen, A simple modification in CMA-ES achieving linear time and space complexity, PPSN X (2008); constants
of N. Hansen, The CMA evolution strategy: a tutorial, arXiv 1604.00772, table 1, the rates of D times (d + 2) / 3. Where
we differ: values that are not finite are never selected, and where all of them are not, sigma is halved; within bounds
z is what is left of a mutation.
"""

import math

import numpy as np

from .._jit import exp, jit
from .._vector import norm
from .bounds import nearest
from .order import sort_by
from .state import (
    ACTIVE,
    LEAST,
    MARK,
    MARKED,
    PARTS,
    PENALTY,
    PROGRESS,
    ROWS,
    STEP,
    TRAINED,
    WORTH,
    begin_phase,
    place,
)

_PATIENT, _PATIENT_BY_SIZE = 10, 30  # generations without progress, as the tutorial has them for its `TolFun`


@jit(borrow=True)
def begin_training(core, phase, sigma, progress):
    """Train the active coordinates from the point on, until f falls by less than ``progress``."""
    s, k = core.scalars, core.counters
    s[STEP], s[PROGRESS], s[LEAST], s[MARK] = sigma, progress, np.inf, np.inf
    k[TRAINED], k[MARKED] = 0, 0
    d = k[ACTIVE] * k[PARTS]
    for i in range(d):
        core.variance[i], core.path[i], core.variance_path[i] = 1.0, 0.0, 0.0
    begin_phase(core, phase, population(d))


@jit(borrow=True)
def population(d):
    """The number of rows of a generation in d dimensions, even."""
    rows = np.int64(4 + 3 * math.log(d + 1.0))
    return rows + rows % 2


@jit(borrow=True)
def weigh_ranks(core):
    """Rank the rows of a generation, and set the weights of the better half; negative ones of rows without a value."""
    s, k = core.scalars, core.counters
    ranks, half = core.ranks[: k[ROWS]], k[ROWS] // 2
    for row in range(ranks.size):
        ranks[row] = row
    sort_by(ranks, core.values)
    total, squares = 0.0, 0.0
    for rank in range(half):
        weight = _raw_weight(rank, half)
        total += weight
        squares += weight * weight
    for rank in range(half):
        weight = _raw_weight(rank, half) / total
        core.weights[rank] = -weight if core.values[ranks[rank]] == np.inf else weight
    least = core.values[ranks[0]]
    s[WORTH] = total * total / squares if least < np.inf else 0.0
    s[LEAST] = min(s[LEAST], least)


@jit(borrow=True)
def evolve(core):
    """Take the sums over a generation: move the mean, adapt sigma and D."""
    s, k = core.scalars, core.counters
    k[TRAINED] += 1
    if s[WORTH] == 0.0:
        s[STEP] *= 0.5
    else:
        _adapt(core, s[WORTH])


@jit(borrow=True)
def _raw_weight(rank, half):
    return math.log(half + 0.5) - math.log(rank + 1.0)


@jit(borrow=True)
def _adapt(core, worth):
    """Move the mean by the selected rows, and adapt sigma and D."""
    s, k = core.scalars, core.counters
    d = k[ACTIVE] * k[PARTS]
    c_sigma = (worth + 2.0) / (d + worth + 5.0)
    damping = 1.0 + 2.0 * max(0.0, math.sqrt((worth - 1.0) / (d + 1.0)) - 1.0) + c_sigma
    c_path, c_one, c_rank = _covariance_rates(d, worth)
    _extend(core.path[:d], core.shift, c_sigma, worth)
    expected = math.sqrt(d) * (1.0 - 1.0 / (4.0 * d) + 1.0 / (21.0 * d * d))  # of the norm of d normal numbers
    ratio = norm(core.path[:d]) / expected
    # a path that is too long would, in the variances, repeat what sigma is about to make up for
    settled = math.sqrt(1.0 - (1.0 - c_sigma) ** (2 * k[TRAINED]))
    short = 1.0 if ratio / settled < 1.4 + 2.0 / (d + 1.0) else 0.0
    reach = short * math.sqrt(c_path * (2.0 - c_path) * worth)
    for i in range(d):
        step = math.sqrt(core.variance[i]) * core.shift[i]
        p = place(core, i)
        core.point[p] = nearest(core.limits, p, core.point[p] + s[STEP] * step)  # for the rounding
        core.variance_path[i] = (1.0 - c_path) * core.variance_path[i] + reach * step
        kept = (1.0 - c_one - c_rank + c_rank * core.spread[i]) * core.variance[i]
        core.variance[i] = kept + c_one * core.variance_path[i] ** 2
    s[STEP] *= exp(min(1.0, c_sigma / damping * (ratio - 1.0)))


@jit(borrow=True)
def _covariance_rates(d, worth):
    """The rates of the path of the variances, and of D by the path and by the selected rows."""
    c_path = (4.0 + worth / d) / (d + 4.0 + 2.0 * worth / d)
    c_one = 2.0 / ((d + 1.3) ** 2 + worth)
    c_rank = min(1.0 - c_one, 2.0 * (worth - 2.0 + 1.0 / worth) / ((d + 2.0) ** 2 + worth))
    faster = (d + 2.0) / 3.0  # d variances are learnt sooner than d^2 covariances
    c_one = min(0.5, faster * c_one)
    return c_path, c_one, min(1.0 - c_one, faster * c_rank)


@jit(borrow=True)
def _extend(path, shift, rate, worth):
    reach = math.sqrt(rate * (2.0 - rate) * worth)
    for i in range(path.size):
        path[i] = (1.0 - rate) * path[i] + reach * shift[i]


@jit(borrow=True)
def is_trained(core):
    """Whether the training ends: no progress for a while, or, with a penalty, after as much as a round is worth."""
    s, k = core.scalars, core.counters
    d = k[ACTIVE] * k[PARTS]
    if s[LEAST] < s[MARK] - s[PROGRESS]:
        s[MARK], k[MARKED] = s[LEAST], k[TRAINED]
    waited = k[TRAINED] - k[MARKED]
    if s[PENALTY] == 0.0:  # there is no other phase to leave it to
        return waited >= _PATIENT + _PATIENT_BY_SIZE * d // k[ROWS]
    return waited >= 5 + d // 2 or k[TRAINED] >= 20 + 10 * d
