"""The rows of scouting and training, and sums over their normal numbers, on a GPU; see :mod:`numopt.sparse.mutations`.

A thread works on four active parts, whose normal numbers come of one counter: for one row, or for all of them in turn.
``moves`` is (point, active coordinates, variances, limits, number of active parts, parts of a coordinate, whether they
scout, length of the step); ``drawn`` the part of the counter that is the same in a generation, and the key.
"""

import math

import numpy as np

from .._philox import WORD, normal_pair, philox
from .device import cuda

STRETCH = 2048  # entries


@cuda.jit
def repeat(point, rows):
    """Write the point into every row: a block a stretch of one, for divisions of each index would take longer."""
    size = point.size
    stretches = (size + STRETCH - 1) // STRETCH
    for j in range(cuda.blockIdx.x, rows.size // size * stretches, cuda.gridDim.x):
        first = j % stretches * STRETCH
        at = j // stretches * size
        for i in range(first + cuda.threadIdx.x, min(first + STRETCH, size), cuda.blockDim.x):
            rows[at + i] = point[i]


@cuda.jit(device=True)
def _draw(drawn, quad, pair):
    """The normal numbers of four parts of a pair of rows."""
    generation, stream, k0, k1 = drawn
    like = np.float64(0.0)
    w = philox(np.uint64(quad) & WORD, np.uint64(pair) & WORD, generation, stream, k0, k1)
    first, second = normal_pair(like, w[0], w[1]), normal_pair(like, w[2], w[3])
    return first[0], first[1], second[0], second[1]


@cuda.jit(device=True)
def _place(moves, i):
    """(where in a vector the active part i stands, how far z = 1 moves it)."""
    _, active, variance, _, _, parts, scouts, step = moves
    return parts * active[i // parts] + i % parts, step if scouts else step * math.sqrt(variance[i])


@cuda.jit(device=True)
def _within(moves, place, value):
    point, limits = moves[0], moves[3]
    if limits.size > 0:
        lower, upper = limits[place], limits[point.size + place]
        value = lower if value < lower else (upper if value > upper else value)
    return value


@cuda.jit(device=True)
def _put(moves, i, z, rows, row):
    """Write the active part i of a row, if there is one."""
    if i < moves[4]:
        point, (place, reach) = moves[0], _place(moves, i)
        rows[row * point.size + place] = _within(moves, place, point[place] + reach * z)


@cuda.jit
def mutate(moves, drawn, done, times, rows):
    """Move the active parts of all rows, of which ``times`` are the same."""
    quads = (moves[4] + 3) // 4
    for j in range(cuda.grid(1), rows.size // moves[0].size * quads, cuda.gridsize(1)):
        row, quad = j // quads, j % quads
        number = done + row // times  # in the generation
        sign = 1.0 if number % 2 == 0 else -1.0
        a, b, c, d = _draw(drawn, quad, number // 2)
        _put(moves, 4 * quad, sign * a, rows, row)
        _put(moves, 4 * quad + 1, sign * b, rows, row)
        _put(moves, 4 * quad + 2, sign * c, rows, row)
        _put(moves, 4 * quad + 3, sign * d, rows, row)


@cuda.jit(device=True)
def _get(vector, i):
    return vector[i] if i < vector.size else 0.0


@cuda.jit(device=True)
def _set(vector, i, value):
    if i < vector.size:
        vector[i] = value


@cuda.jit
def add_scouts(drawn, done, pairs, weights, shift):
    """Add weight times z over the pairs of a batch; to what is there already, unless it is the first one."""
    for quad in range(cuda.grid(1), (shift.size + 3) // 4, cuda.gridsize(1)):
        i, a, b, c, d = 4 * quad, 0.0, 0.0, 0.0, 0.0
        if done > 0:
            a, b, c, d = _get(shift, i), _get(shift, i + 1), _get(shift, i + 2), _get(shift, i + 3)
        for pair in range(pairs):
            weight = weights[pair]
            if weight != 0.0:
                z = _draw(drawn, quad, done // 2 + pair)
                a += weight * z[0]
                b += weight * z[1]
                c += weight * z[2]
                d += weight * z[3]
        _set(shift, i, a)
        _set(shift, i + 1, b)
        _set(shift, i + 2, c)
        _set(shift, i + 3, d)


@cuda.jit(device=True)
def _made(moves, i, z):
    """What the bounds have left of a mutation."""
    if i >= moves[4] or moves[3].size == 0:
        return z
    start, (place, reach) = moves[0], _place(moves, i)
    value = start[place] + reach * z
    kept = _within(moves, place, value)
    return z if kept == value else (kept - start[place]) / reach


@cuda.jit
def add_mutants(moves, drawn, selected, shift, spread):
    """Add weight times z and its square over the better half of the rows; see ``sum_mutants`` of the host."""
    ranks, weights, half = selected
    for quad in range(cuda.grid(1), (shift.size + 3) // 4, cuda.gridsize(1)):
        i, lost = 4 * quad, 0.0
        a, b, c, d = 0.0, 0.0, 0.0, 0.0
        aa, bb, cc, dd = 0.0, 0.0, 0.0, 0.0
        for rank in range(half):
            row, weight = ranks[rank], weights[rank]
            if weight < 0.0:
                lost -= weight
                continue
            sign = 1.0 if row % 2 == 0 else -1.0
            z = _draw(drawn, quad, row // 2)
            z0, z1 = _made(moves, i, sign * z[0]), _made(moves, i + 1, sign * z[1])
            z2, z3 = _made(moves, i + 2, sign * z[2]), _made(moves, i + 3, sign * z[3])
            a, b, c, d = a + weight * z0, b + weight * z1, c + weight * z2, d + weight * z3
            aa, bb = aa + weight * z0 * z0, bb + weight * z1 * z1
            cc, dd = cc + weight * z2 * z2, dd + weight * z3 * z3
        _set(shift, i, a)
        _set(shift, i + 1, b)
        _set(shift, i + 2, c)
        _set(shift, i + 3, d)
        _set(spread, i, aa + lost)
        _set(spread, i + 1, bb + lost)
        _set(spread, i + 2, cc + lost)
        _set(spread, i + 3, dd + lost)
