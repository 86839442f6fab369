"""Sets of the 2-norm on a GPU: the ball, the sphere, the second-order cone, and the proximal operator of the norm.

Two launches: one adds the squares up, one multiplies. Both work on the real parts of a vector. Large, middling and
small parts are added up apart, each scaled by its own power of two, so that one pass is enough for a norm that neither
over- nor underflows (J. L. Blue, ACM TOMS 4 (1978) 15-23). Parts are multiplied in their own precision.
"""

import math

import numpy as np

from .._scalars import constant
from .compose import entry, folding, storing
from .device import MOST_BLOCKS, THREADS, WRITES, blocks_of, cuda, launch
from .sums import TREE, blocks_that_add, leave, of_all_blocks, room_for

BALL, SPHERE, CONE, PROX = range(4)  # what is written
_KEEP, _SCALE, _ZERO, _UNDEFINED = range(4)  # how
_LOW, _HIGH = 2.0**-480, 2.0**480  # parts between them are squared as they are
_UP, _DOWN = 2.0**600, 2.0**-540  # what the smaller and the larger ones are multiplied by
_SMALLEST = 1e-280  # a ratio that is right to rounding
_LOW_SINGLE, _HIGH_SINGLE = 2.0**-126, 2.0**127  # factors between them are right to rounding in float32, too
_LEAST, _MOST = 2.0**-300, 2.0**300  # factors beyond them make 0 and inf of all parts of float32 but 0
_AWAY = 2.0**100  # from the limits of float32


def resize(parts, out, kind, radius, first, stream):
    """Project the vector with these real parts; the norm is that of the parts from number ``first`` on."""
    room, blocks = room_for(stream), max(blocks_that_add(parts.size), 1)
    launch(_measure, blocks, THREADS, stream, parts, first, room)
    writers = blocks_of(parts.size, WRITES, MOST_BLOCKS)
    single = parts.dtype == np.float32
    launch(_write, writers, THREADS, stream, parts, out, kind, radius, first, single, blocks, room)


@cuda.jit(device=True)
def _fold_square(c, total, part):
    large, middle, small = total
    part = abs(np.float64(part))
    if _LOW <= part <= _HIGH:
        middle += part * part
    elif part < _LOW:
        small += (part * _UP) * (part * _UP)
    else:  # NaN, too
        large += (part * _DOWN) * (part * _DOWN)
    return large, middle, small


_squares = folding(entry, _fold_square, (0.0, 0.0, 0.0), THREADS)


@cuda.jit
def _measure(parts, first, room):
    tree = cuda.shared.array(TREE, np.float64)
    large, middle, small = _squares(parts[first:], (), parts.size - first, cuda.blockIdx.x, cuda.gridDim.x)
    if cuda.grid(1) < first:  # the axis of the cone, which is written over while others read it
        room[cuda.grid(1)] = parts[cuda.grid(1)]
    leave(tree, room, 0, large, middle, small, 0.0)


@cuda.jit(device=True)
def _norm(tree, room, blocks):
    """(norm, scale): the norm times ``scale``, a power of two, and that; NaN if it is not finite."""
    large, middle, small, _ = of_all_blocks(tree, room, 0, blocks)
    if not large < math.inf:
        return math.nan, 1.0
    if large > 0.0:
        return math.sqrt(large + middle * _DOWN * _DOWN), _DOWN
    if middle > 0.0:
        return math.sqrt(middle + small / _UP / _UP), 1.0
    return math.sqrt(small), _UP


@cuda.jit(device=True)
def _onto_sphere(norm, scale, radius, inside):
    """(how, three factors, what the first part becomes if all are zero)."""
    if norm != norm:
        return _UNDEFINED, 1.0, 1.0, 1.0, 0.0
    if inside and norm <= radius * scale:
        return _KEEP, 1.0, 1.0, 1.0, 0.0
    if norm == 0.0:
        return _ZERO, 1.0, 1.0, 1.0, radius
    ratio = radius * scale / norm
    if _SMALLEST < ratio < math.inf:
        return _SCALE, ratio, 1.0, 1.0, 0.0
    return _SCALE, scale, 1.0 / norm, radius, 0.0


@cuda.jit(device=True)
def _onto_cone(norm, scale, t, imaginary):
    """The same, with what the axis becomes."""
    if norm != norm or not math.isfinite(t + imaginary):
        return _UNDEFINED, 1.0, 1.0, 1.0, 0.0
    height = t * scale
    if norm <= height:
        return _KEEP, 1.0, 1.0, 1.0, t
    if norm <= -height:
        return _ZERO, 1.0, 1.0, 1.0, 0.0
    level = 0.5 * (height + norm)
    return _SCALE, level / norm, 1.0, 1.0, level / scale


@cuda.jit(device=True)
def _chosen(kind, norm, scale, radius, first, room):
    if kind == CONE:
        return _onto_cone(norm, scale, room[0], room[1] if first > 1 else 0.0)
    if kind == PROX and norm > 0.0:
        return _SCALE, max(1.0 - radius * scale / norm, 0.0), 1.0, 1.0, 0.0
    return _onto_sphere(norm, scale, math.inf if kind == PROX else radius, kind != SPHERE)


@cuda.jit(device=True)
def _for_singles(a, b, c):
    """Three factors with the product a b c: a part of float32 times one after the other is in range if the last is."""
    product = a * b * c
    if product > _HIGH_SINGLE:
        return _AWAY, min(product, _MOST) / _AWAY / _AWAY, _AWAY
    if product < _LOW_SINGLE:
        return 1.0 / _AWAY, max(product, _LEAST) * _AWAY * _AWAY, 1.0 / _AWAY
    return 1.0, product, 1.0


@cuda.jit(device=True)
def _load(vectors, i):
    return entry(vectors[0], i)


@cuda.jit(device=True)
def _put(vectors, c, i, part):
    """Write the part i."""
    (_, out), (how, first, (zero, head, one, two, three)) = vectors, c
    if how == _UNDEFINED:
        out[i] = math.nan
    elif i < first or (how == _ZERO and i == 0):
        out[i] = head if i == 0 else zero
    elif how == _KEEP:
        out[i] = part
    elif how == _ZERO:
        out[i] = zero
    else:
        out[i] = part * one * two * three


_write_all = storing(_load, _put, THREADS, WRITES)


@cuda.jit
def _write(parts, out, kind, radius, first, single, blocks, room):
    tree = cuda.shared.array(TREE, np.float64)
    norm, scale = _norm(tree, room, blocks)
    how, a, b, c, head = _chosen(kind, norm, scale, radius, first, room)
    if single:
        a, b, c = _for_singles(a, b, c)
    like = parts[0]
    numbers = constant(like, 0), constant(like, head), constant(like, a), constant(like, b), constant(like, c)
    _write_all((parts, out), (how, first, numbers), parts.size)
