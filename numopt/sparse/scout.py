r"""Which coordinates that are zero are worth waking: a gradient estimate from antithetic directions.

With q normal directions :math:`\epsilon` supported on the asleep coordinates I, and a step h,

.. math:: S_I = \frac{1}{2 h q} \sum (f(x + h \epsilon) - f(x - h \epsilon))\, \epsilon.

The few large entries of S stand out of the rest with q of the order of k ln n, not n.
"""

import math

from .._jit import jit
from .._philox import draw_to_front
from ..ask_tell import NIT
from .bounds import leads_outside
from .order import sort_by
from .state import (
    ACTIVE,
    ATTEMPT,
    BAD,
    BATCH,
    FLAT,
    PARTS,
    ROWS,
    SCOUT,
    SCOUTS,
    SEED,
    SIGMA,
    STEP,
    WAKINGS,
    begin_phase,
    count_penalized,
    is_zero,
    modulus,
    place,
    share,
)

_STEP = 0.3  # of sigma, the length of a whole direction
_LONGER, _MOST_ATTEMPTS = 4.0, 3  # a flat score is asked again with a longer step
_BY_SCORE = 0.8  # of the woken coordinates; the others at random, since a score may mislead


@jit(borrow=True)
def begin_scout(core):
    """Ask for the scores of the active coordinates, those that are asleep."""
    s, k = core.scalars, core.counters
    s[STEP], k[ATTEMPT], k[FLAT] = _STEP * s[SIGMA] / math.sqrt(k[ACTIVE]), 0, 1
    kept = 0.5 if k[BAD] > 0 else 0.0  # after a failure the last scores still tell something about the same point
    for i in range(k[ACTIVE] * k[PARTS]):
        core.score[place(core, i)] *= kept
    awake, n = count_penalized(core, core.point), max(core.penalize.size, 2)
    pairs = math.ceil((2 + k[BAD]) * 2.0 * math.log(n) * math.sqrt(awake + 1.0))
    begin_phase(core, SCOUT, 2 * pairs)


@jit(borrow=True)
def weigh_pairs(core):
    """Set the weights of the pairs of a batch in the score; those in which a value is not finite tell nothing."""
    s, k = core.scalars, core.counters
    for pair in range(k[BATCH] // 2):
        difference = core.values[2 * pair] - core.values[2 * pair + 1]
        tells = difference != 0.0 and math.isfinite(difference)
        core.weights[pair] = difference / (s[STEP] * k[ROWS]) if tells else 0.0
        if tells:
            k[FLAT] = 0


@jit(borrow=True)
def add_to_score(core):
    """Take the sums over a generation."""
    for i in range(core.counters[ACTIVE] * core.counters[PARTS]):
        core.score[place(core, i)] += core.shift[i]


@jit(borrow=True)
def scout_farther(core):
    """Ask once more with a longer step if f did not change at all; False if that is of no use."""
    s, k = core.scalars, core.counters
    if k[FLAT] == 0 or k[ATTEMPT] == _MOST_ATTEMPTS:
        return False
    s[STEP] *= _LONGER
    k[ATTEMPT] += 1
    begin_phase(core, SCOUT, k[ROWS])
    return True


@jit(borrow=True)
def wake(core):
    """Make the support, some that were asleep (now the active ones) and those that cost nothing the active ones."""
    k = core.counters
    asleep = k[ACTIVE]
    count = min(asleep, max(2, share(core, count_penalized(core, core.point))) + k[BAD])
    by_score = 0 if k[FLAT] == 1 or k[SCOUTS] == 0 else max(1, round(_BY_SCORE * count))
    for i in range(asleep):
        c = core.active[i]
        useless = leads_outside(core.limits, c, core.score[c])
        core.order[i], core.keys[c] = c, 0.0 if useless else -modulus(core, core.score, c)
    sort_by(core.order[:asleep], core.keys)
    draw_to_front(core.order[by_score:asleep], count - by_score, k[NIT], WAKINGS, k[SEED])
    list_awake(core, count)


@jit(borrow=True)
def list_awake(core, count):
    """List the active coordinates: the first ``count`` of the order, the support, those that cost nothing."""
    k = core.counters
    for c in range(core.keys.size):
        core.keys[c] = 1.0 if core.penalize[c] == 1 and is_zero(core, core.point, c) else 0.0
    for i in range(count):
        core.keys[core.order[i]] = 0.0
    k[ACTIVE] = 0
    for c in range(core.keys.size):
        if core.keys[c] == 0.0:
            core.active[k[ACTIVE]] = c
            k[ACTIVE] += 1
