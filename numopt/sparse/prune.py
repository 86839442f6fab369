"""Pruning of a trained point: first by hard thresholds of all cardinalities, then coordinate by coordinate.

What is compared is f + penalty * nnz; of rows that are as good as each other the sparser wins.
"""

import numpy as np

from .._jit import jit
from .._vector import scale_into
from .order import sort_by
from .state import (
    BATCH,
    CHOSEN,
    CHOSEN_FUN,
    DONE,
    PATH,
    PENALTY,
    POINT_FUN,
    SINGLES,
    begin_phase,
    count_penalized,
    erase,
    list_penalized,
    modulus,
    share,
)

_EACH = 6  # cardinalities up to this are all tried, larger ones in a geometric grid
_RATIO = 1.25
_LEAST_SINGLES = 3


@jit(borrow=True)
def _sort_by_size(core, sign):
    """List the support of the point by modulus, rising for sign 1, falling for -1; returns its size."""
    count = list_penalized(core, core.order, True)
    for i in range(count):
        c = core.order[i]
        core.keys[c] = sign * modulus(core, core.point, c)
    sort_by(core.order[:count], core.keys)
    return count


@jit(borrow=True)
def begin_path(core):
    """Ask for the values of the nested thresholded points."""
    k = core.counters
    count = _sort_by_size(core, -1.0)
    rows = 1
    while _cardinality(rows - 1, count) < count:
        rows += 1
    core.scalars[POINT_FUN], core.scalars[CHOSEN_FUN], k[CHOSEN] = np.inf, np.inf, -1
    begin_phase(core, PATH, rows)


@jit(borrow=True)
def _cardinality(row, most):
    """How many coordinates of the support stay in a row."""
    kept = min(row, _EACH)
    for _ in range(row - kept):
        kept = max(kept + 1, np.int64(_RATIO * kept))
    return min(kept, most)


@jit(borrow=True)
def place_threshold(core, row, out):
    """Write the point with its largest coordinates only."""
    scale_into(out, 1.0, core.point)
    _erase_beyond(core, row, out)


@jit(borrow=True)
def _erase_beyond(core, row, out):
    count = count_penalized(core, core.point)
    for i in range(_cardinality(row, count), count):
        erase(core, out, core.order[i])


@jit(borrow=True)
def place_single(core, row, out):
    """Write the point without one of its smallest coordinates."""
    scale_into(out, 1.0, core.point)
    erase(core, out, core.order[row])


@jit(borrow=True)
def choose(core):
    """Remember the best row of the generation."""
    s, k = core.scalars, core.counters
    size = core.point.size
    for row in range(k[BATCH]):
        if not core.values[row] < s[CHOSEN_FUN]:  # nor is the sum then
            continue
        candidate = core.candidates[row * size : (row + 1) * size]
        fun = core.values[row] + s[PENALTY] * count_penalized(core, candidate)
        # a path begins with the sparsest, and of the single ones the smallest goes first
        if fun < s[CHOSEN_FUN]:
            s[CHOSEN_FUN], k[CHOSEN] = fun, k[DONE] + row


@jit(borrow=True)
def cut_path(core):
    """Make the best thresholded point the point; False if none has a finite value."""
    s, k = core.scalars, core.counters
    if k[CHOSEN] < 0:
        return False
    _erase_beyond(core, k[CHOSEN], core.point)
    s[POINT_FUN] = s[CHOSEN_FUN]
    return True


@jit(borrow=True)
def begin_singles(core):
    """Ask for the point without each of its smallest coordinates; False if it has none."""
    s, k = core.scalars, core.counters
    count = _sort_by_size(core, 1.0)
    if count == 0:
        return False
    s[CHOSEN_FUN], k[CHOSEN] = np.inf, -1
    begin_phase(core, SINGLES, min(count, max(_LEAST_SINGLES, share(core, count))))
    return True


@jit(borrow=True)
def cut_single(core):
    """Take the best single coordinate from the point unless f + penalty * nnz rises by that; whether it did."""
    s, k = core.scalars, core.counters
    if k[CHOSEN] < 0 or s[CHOSEN_FUN] > s[POINT_FUN]:
        return False
    erase(core, core.point, core.order[k[CHOSEN]])
    s[POINT_FUN] = s[CHOSEN_FUN]
    return True
