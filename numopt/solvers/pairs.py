"""The memory of an L-BFGS solver: the last m pairs s = x+ - x, y = g+ - g, and the product of its inverse Hessian.

The pairs stand in the rows of two (m, n) arrays that are used as rings. Up to 16 unknowns they update a dense inverse
Hessian (:mod:`.dense`). Short vectors go through the two-loop recursion (Nocedal and Wright 2006, algorithm 7.4). Long
ones use the compact form of R. H. Byrd, J. Nocedal and R. B. Schnabel, Math. Programming 63 (1994) 129-156, theorem 2.2
and section 5,

    H = gamma I + [S  gamma Y] [ R^-T (D + gamma Y'Y) R^-1   -R^-T ] [ S'       ]
                               [ -R^-1                        0    ] [ gamma Y' ]

with R the upper triangle of S'Y and D its diagonal, which reads the history twice instead of four times: once for its
inner products with g and with the newest y (both in one pass, so that S'Y and Y'Y are exact and never updated by
differences), once for the combination.
"""

from typing import NamedTuple

import numpy as np

from .._jit import ELEMENTWISE, REDUCTION, jit
from .._vector import dot, scale_into
from .dense import DENSE_UP_TO, multiply, update

COMPACT_FROM = 1500  # entries; measured crossover of the two forms
# A block of g, y and d stays in the second-level cache while the rows stream past; much smaller ones lose the gain.
_BLOCK = 32768


class Pairs(NamedTuple):
    """The stored pairs. ``m`` is the memory, ``n`` the number of real unknowns."""

    steps: np.ndarray  # (m, n): rows s
    changes: np.ndarray  # (m, n): rows y
    inner: np.ndarray  # (m, m): s_i . y_j by rows of the rings; the compact form's S'Y, whose diagonal both forms use
    gram: np.ndarray  # (m, m): y_i . y_j, by rows of the rings
    work: np.ndarray  # (5, m): 1 / (s . y), and the scalars of one product
    inverse: np.ndarray  # (n, n): the dense inverse Hessian, for n <= DENSE_UP_TO; else (0, 0)
    ring: np.ndarray  # (3,) int64: pairs stored, row of the newest, 1 if it is not yet in inner and gram


COUNT, NEWEST, FRESH = 0, 1, 2
_S_G, _Y_G, _FOR_S, _FOR_Y, _INVERSE = 0, 1, 2, 3, 4  # rows of work: S'g, Y'g, coefficients of S and Y, 1 / (s . y)


@jit
def new_pairs(memory, n):
    """Room for ``memory`` pairs of vectors of ``n`` entries."""
    dense = n if n <= DENSE_UP_TO else 0
    if dense > 0:
        memory = 1  # the newest pair only passes through
    return Pairs(
        np.empty((memory, n)),
        np.empty((memory, n)),
        np.zeros((memory, memory)),
        np.zeros((memory, memory)),
        np.zeros((5, max(memory, dense))),
        np.zeros((dense, dense)),
        np.zeros(3, np.int64),
    )


@jit(borrow=True)
def forget(pairs):
    """Drop all pairs."""
    pairs.ring[COUNT] = 0
    pairs.ring[NEWEST] = 0


@jit(inline=True, borrow=True)
def free_row(pairs):
    """The row that the next pair goes into; the oldest pair's if the memory is full."""
    if pairs.ring[COUNT] == 0:
        return 0
    return (pairs.ring[NEWEST] + 1) % pairs.steps.shape[0]


@jit(inline=True, borrow=True)
def keep(pairs, row, sy, yy, sbs):
    """Make the pair that stands in ``row`` the newest, if its curvature s.y is positive; else the row is free.

    ``sbs`` is s.Bs = -alpha^2 d.g, with B the matrix whose direction d was.
    """
    memory = pairs.steps.shape[0]
    if sy > 0.0 and 0.0 < yy < np.inf and np.isfinite(sy / yy) and np.isfinite(1.0 / sy):
        if pairs.inverse.size > 0:
            first = pairs.ring[COUNT] == 0
            update(pairs.inverse, pairs.steps[row], pairs.changes[row], sy, yy, sbs, first, pairs.work[_FOR_S])
        pairs.inner[row, row], pairs.gram[row, row] = sy, yy
        pairs.work[_INVERSE, row] = 1.0 / sy
        pairs.ring[NEWEST], pairs.ring[FRESH] = row, 1
        pairs.ring[COUNT] = min(pairs.ring[COUNT] + 1, memory)
    elif pairs.ring[COUNT] == memory and pairs.inverse.size == 0:
        pairs.ring[COUNT] -= 1  # its row was overwritten


@jit(inline=True, borrow=True)
def descend(pairs, g, d):
    """Write -H g into d; returns the slope d.g."""
    if pairs.inverse.size > 0:
        multiply(pairs.inverse, g, d)
        return dot(d, g)
    if g.size < COMPACT_FROM:
        _two_loop(pairs, g, d)
        return dot(d, g)
    return _compact(pairs, g, d)


@jit(inline=True, borrow=True)
def _row(pairs, age):
    """The row of the pair of that age; 0 is the newest."""
    memory = pairs.steps.shape[0]
    return (pairs.ring[NEWEST] - age + memory) % memory


@jit(fastmath=REDUCTION, inline=True, borrow=True)
def _two_loop(pairs, g, d):
    steps, changes, work = pairs.steps, pairs.changes, pairs.work
    n, count, newest, memory = g.size, pairs.ring[COUNT], pairs.ring[NEWEST], pairs.steps.shape[0]
    for i in range(n):
        d[i] = -g[i]
    row = newest
    for _ in range(count):
        total = 0.0
        for i in range(n):
            total += steps[row, i] * d[i]
        total *= work[_INVERSE, row]
        work[_FOR_S, row] = total
        for i in range(n):
            d[i] -= total * changes[row, i]
        row = row - 1 if row > 0 else memory - 1
    gamma = pairs.inner[newest, newest] / pairs.gram[newest, newest]
    for i in range(n):
        d[i] *= gamma
    for _ in range(count):
        row = row + 1 if row < memory - 1 else 0
        total = 0.0
        for i in range(n):
            total += changes[row, i] * d[i]
        total = work[_FOR_S, row] - total * work[_INVERSE, row]
        for i in range(n):
            d[i] += total * steps[row, i]


@jit(borrow=True)
def _compact(pairs, g, d):
    count, newest, work = pairs.ring[COUNT], pairs.ring[NEWEST], pairs.work
    _products(pairs, g)
    gamma = pairs.inner[newest, newest] / pairs.gram[newest, newest]
    _solve(pairs, gamma)
    slope = 0.0
    for start in range(0, g.size, _BLOCK):
        stop = min(g.size, start + _BLOCK)
        scale_into(d[start:stop], -gamma, g[start:stop])
        for age in range(count):
            row = _row(pairs, age)
            s, y = pairs.steps[row, start:stop], pairs.changes[row, start:stop]
            _add_pair(work[_FOR_S, row], s, work[_FOR_Y, row], y, d[start:stop])
        slope += dot(d[start:stop], g[start:stop])
    return slope


@jit(borrow=True)
def _products(pairs, g):
    """S'g and Y'g; for a fresh pair, also its part of S'Y and Y'Y, from the same pass."""
    count, newest, work = pairs.ring[COUNT], pairs.ring[NEWEST], pairs.work
    memory, fresh = pairs.steps.shape[0], pairs.ring[FRESH] == 1
    for row in range(memory):
        work[_S_G, row] = 0.0
        work[_Y_G, row] = 0.0
        if fresh:
            pairs.inner[row, newest] = 0.0
            pairs.gram[row, newest] = 0.0
    for start in range(0, g.size, _BLOCK):
        stop = min(g.size, start + _BLOCK)
        with_g, with_y = g[start:stop], pairs.changes[newest, start:stop]
        for age in range(count):
            row = _row(pairs, age)
            s, y = pairs.steps[row, start:stop], pairs.changes[row, start:stop]
            if fresh:
                sg, sy, yg, yy = _four_dots(s, y, with_g, with_y)
                pairs.inner[row, newest] += sy
                pairs.gram[row, newest] += yy
            else:
                sg, yg = _two_dots(s, y, with_g)
            work[_S_G, row] += sg
            work[_Y_G, row] += yg
    if fresh:
        for row in range(memory):
            pairs.gram[newest, row] = pairs.gram[row, newest]
        pairs.ring[FRESH] = 0


@jit(fastmath=REDUCTION, borrow=True)
def _four_dots(s, y, a, b):
    sa, sb, ya, yb = 0.0, 0.0, 0.0, 0.0
    for i in range(s.size):
        sa += s[i] * a[i]
        sb += s[i] * b[i]
        ya += y[i] * a[i]
        yb += y[i] * b[i]
    return sa, sb, ya, yb


@jit(fastmath=REDUCTION, borrow=True)
def _two_dots(s, y, a):
    sa, ya = 0.0, 0.0
    for i in range(s.size):
        sa += s[i] * a[i]
        ya += y[i] * a[i]
    return sa, ya


@jit(borrow=True)
def _solve(pairs, gamma):
    """The coefficients of S and Y in d = -gamma g - S w + gamma Y u: R u = S'g, R'w = D u + gamma (Y'Y u - Y'g)."""
    count, work = pairs.ring[COUNT], pairs.work
    # u, from the newest pair to the oldest
    for age in range(count):
        row = _row(pairs, age)
        total = work[_S_G, row]
        for later in range(age):
            column = _row(pairs, later)
            total -= pairs.inner[row, column] * work[_FOR_Y, column]
        work[_FOR_Y, row] = total / pairs.inner[row, row]
    # w, from the oldest pair to the newest
    for age in range(count - 1, -1, -1):
        row = _row(pairs, age)
        total = -work[_Y_G, row]
        for other in range(count):
            column = _row(pairs, other)
            total += pairs.gram[row, column] * work[_FOR_Y, column]
        total = gamma * total + pairs.inner[row, row] * work[_FOR_Y, row]
        for earlier in range(count - 1, age, -1):
            column = _row(pairs, earlier)
            total += pairs.inner[column, row] * work[_FOR_S, column]  # holds -w
        work[_FOR_S, row] = -total / pairs.inner[row, row]
    for age in range(count):
        row = _row(pairs, age)
        work[_FOR_Y, row] *= gamma


@jit(fastmath=ELEMENTWISE, borrow=True)
def _add_pair(a, s, b, y, d):
    for i in range(d.size):
        d[i] += a * s[i] + b * y[i]
