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

COMPACT_FROM = 2000  # entries; measured crossover of the two forms
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
    ring: np.ndarray  # (2,) int64: pairs stored, row of the newest


COUNT, NEWEST = 0, 1
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
        np.zeros(2, np.int64),
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
        pairs.ring[NEWEST] = row
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
        return _two_loop(pairs, g, d)
    return _compact(pairs, g, d)


@jit(inline=True, borrow=True)
def _row(pairs, age):
    """The row of the pair of that age; 0 is the newest."""
    memory = pairs.steps.shape[0]
    return (pairs.ring[NEWEST] - age + memory) % memory


@jit(inline=True, borrow=True)
def _two_loop(pairs, g, d):
    """Each pass over d ends a step of the recursion and takes the product that begins the next; returns d.g."""
    steps, changes, work = pairs.steps, pairs.changes, pairs.work
    count, row, memory = pairs.ring[COUNT], pairs.ring[NEWEST], pairs.steps.shape[0]
    gamma = pairs.inner[row, row] / pairs.gram[row, row]
    scale_into(d, -1.0, g)
    total = dot(d, steps[row])
    for k in range(count):
        weight = total * work[_INVERSE, row]
        work[_FOR_S, row] = weight
        if k < count - 1:
            older = row - 1 if row > 0 else memory - 1
            total = _add_and_multiply(d, 1.0, -weight, changes[row], steps[older])
            row = older
        else:
            total = _add_and_multiply(d, gamma, -weight, changes[row], changes[row])
    for k in range(count):
        weight = work[_FOR_S, row] - total * work[_INVERSE, row]
        newer = row + 1 if row < memory - 1 else 0
        total = _add_and_multiply(d, 1.0, weight, steps[row], changes[newer] if k < count - 1 else g)
        row = newer
    return total


@jit(fastmath=REDUCTION, inline=True, borrow=True)
def _add_and_multiply(d, scale, weight, v, w):
    """Make d scale (d + weight v), and return d.w."""
    total = 0.0
    for i in range(d.size):
        value = scale * (d[i] + weight * v[i])
        d[i] = value
        total += value * w[i]
    return total


@jit(borrow=True)
def _compact(pairs, g, d):
    newest = pairs.ring[NEWEST]
    _products(pairs, g)
    gamma = pairs.inner[newest, newest] / pairs.gram[newest, newest]
    _solve(pairs, gamma)
    slope = 0.0
    for start in range(0, g.size, _BLOCK):
        g_block, d_block = g[start : start + _BLOCK], d[start : start + _BLOCK]
        scale_into(d_block, -gamma, g_block)
        _add_pairs(pairs, start, d_block)
        slope += dot(d_block, g_block)
    return slope


@jit(borrow=True)
def _products(pairs, g):
    """S'g and Y'g, and the newest pair's part of S'Y and Y'Y, in one pass."""
    newest, memory, work = pairs.ring[NEWEST], pairs.steps.shape[0], pairs.work
    for row in range(memory):
        work[_S_G, row] = work[_Y_G, row] = 0.0
        pairs.inner[row, newest] = pairs.gram[row, newest] = 0.0
    for start in range(0, g.size, _BLOCK):
        stop = min(g.size, start + _BLOCK)
        _multiply_pairs(pairs, start, g[start:stop], pairs.changes[newest, start:stop])
    for row in range(memory):
        pairs.gram[newest, row] = pairs.gram[row, newest]


# Both passes take the pairs two by two: with four streams from memory at once, and half the visits to the block that
# stays in the cache, they run at the speed of reading the history; with one pair at a time, at .75 of it.


@jit(borrow=True)
def _multiply_pairs(pairs, start, g, newest_y):
    count, stop = pairs.ring[COUNT], start + g.size
    for age in range(0, count - 1, 2):
        i, j = _row(pairs, age), _row(pairs, age + 1)
        s, y = pairs.steps[i, start:stop], pairs.changes[i, start:stop]
        s_next, y_next = pairs.steps[j, start:stop], pairs.changes[j, start:stop]
        products, products_next = _dots_of_two(s, y, s_next, y_next, g, newest_y)
        _add_products(pairs, i, products)
        _add_products(pairs, j, products_next)
    if count % 2 == 1:
        i = _row(pairs, count - 1)
        _add_products(pairs, i, _dots_of_one(pairs.steps[i, start:stop], pairs.changes[i, start:stop], g, newest_y))


@jit(inline=True, borrow=True)
def _add_products(pairs, row, products):
    newest, (sg, sy, yg, yy) = pairs.ring[NEWEST], products
    pairs.work[_S_G, row] += sg
    pairs.work[_Y_G, row] += yg
    pairs.inner[row, newest] += sy
    pairs.gram[row, newest] += yy


@jit(borrow=True)
def _add_pairs(pairs, start, d):
    """Add the combination of all pairs, from entry ``start`` on, to d."""
    count, stop = pairs.ring[COUNT], start + d.size
    for_s, for_y = pairs.work[_FOR_S], pairs.work[_FOR_Y]
    for age in range(0, count - 1, 2):
        i, j = _row(pairs, age), _row(pairs, age + 1)
        s, y = pairs.steps[i, start:stop], pairs.changes[i, start:stop]
        s_next, y_next = pairs.steps[j, start:stop], pairs.changes[j, start:stop]
        _add_two(d, for_s[i], s, for_y[i], y, for_s[j], s_next, for_y[j], y_next)
    if count % 2 == 1:
        i = _row(pairs, count - 1)
        _add_one(d, for_s[i], pairs.steps[i, start:stop], for_y[i], pairs.changes[i, start:stop])


@jit(fastmath=REDUCTION, borrow=True)
def _dots_of_one(s, y, a, b):
    sa, sb, ya, yb = 0.0, 0.0, 0.0, 0.0
    for i in range(s.size):
        sa += s[i] * a[i]
        sb += s[i] * b[i]
        ya += y[i] * a[i]
        yb += y[i] * b[i]
    return sa, sb, ya, yb


@jit(fastmath=REDUCTION, borrow=True)
def _dots_of_two(s, y, s_next, y_next, a, b):
    sa, sb, ya, yb = 0.0, 0.0, 0.0, 0.0
    sa_next, sb_next, ya_next, yb_next = 0.0, 0.0, 0.0, 0.0
    for i in range(s.size):
        sa += s[i] * a[i]
        sb += s[i] * b[i]
        ya += y[i] * a[i]
        yb += y[i] * b[i]
        sa_next += s_next[i] * a[i]
        sb_next += s_next[i] * b[i]
        ya_next += y_next[i] * a[i]
        yb_next += y_next[i] * b[i]
    return (sa, sb, ya, yb), (sa_next, sb_next, ya_next, yb_next)


@jit(fastmath=ELEMENTWISE, borrow=True)
def _add_one(d, a, s, b, y):
    for i in range(d.size):
        d[i] += a * s[i] + b * y[i]


@jit(fastmath=ELEMENTWISE, borrow=True)
def _add_two(d, a, s, b, y, a_next, s_next, b_next, y_next):
    for i in range(d.size):
        d[i] += (a * s[i] + b * y[i]) + (a_next * s_next[i] + b_next * y_next[i])


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
