"""The hyperplane and the half-space on a GPU: an inner product, and a step along the normal; two launches.

Both work on real parts: Re<a, x> is the inner product of those of a and x.
"""

import math

import numpy as np

from .._scalars import constant
from .._vector import power_for
from .compose import entry, folding, storing
from .device import MOST_BLOCKS, THREADS, WRITES, blocks_of, cuda, launch
from .fields import kept, real_parts
from .sums import TREE, blocks_that_add, leave, of_all_blocks, room_for

_NEAR_ONE = 1e-6, 1e6  # squared lengths of normals that are used as they are
_SMALL, _LARGE = 2.0**-100, 2.0**100  # steps between them are in the range of float32, with their products
_UP, _DOWN = 2.0**60, 2.0**-60


def move_along(onto, x, out, both_sides, stream):
    """Project onto the hyperplane, or, unless from ``both_sides``, onto the half-space."""
    normal, squares, scale = kept(onto.normal, x.dtype, _prepared, stream)
    parts, target = real_parts(x), real_parts(out)
    room, blocks = room_for(stream), blocks_that_add(parts.size)
    launch(_multiply, blocks, THREADS, stream, normal, parts, room)
    writers = blocks_of(parts.size, WRITES, MOST_BLOCKS)
    offset = onto.offset * scale
    most = float(np.finfo(parts.dtype).max)
    launch(_move, writers, THREADS, stream, normal, parts, target, offset, squares, most, both_sides, blocks, room)


def _prepared(normal, dtype):
    """(parts of the normal times a power of two, their squared length, that power)."""
    with np.errstate(over="ignore", under="ignore"):
        squares, scale = np.sum(np.abs(normal) ** 2), 1.0
    if not _NEAR_ONE[0] < squares < _NEAR_ONE[1]:
        scale = float(power_for(max(np.max(np.abs(normal.real)), np.max(np.abs(normal.imag)))))
    parts = (normal * scale).astype(dtype).view(np.empty(0, dtype).real.dtype)
    return parts, float(np.sum(np.square(parts, dtype=np.float64))), scale


@cuda.jit(device=True)
def _load(vectors, i):
    return entry(vectors[0], i), entry(vectors[1], i)


@cuda.jit(device=True)
def _fold_product(c, total, values):
    direction, part = values
    return total + np.float64(direction) * np.float64(part)


_product = folding(_load, _fold_product, 0.0, THREADS)


@cuda.jit
def _multiply(normal, parts, room):
    tree = cuda.shared.array(TREE, np.float64)
    product = _product((normal, parts), (), parts.size, cuda.blockIdx.x, cuda.gridDim.x)
    leave(tree, room, 0, product, 0.0, 0.0, 0.0)


@cuda.jit(device=True)
def _step(excess, squares, most):
    """(before, step, behind, after): x - a excess / squares is (x before - a step behind) after.

    In double and in single precision nothing over- or underflows on the way that counts beside the largest entry. The
    step is finite: an infinite one times an entry 0 of the normal would be NaN.
    """
    step, before, behind = excess / squares, 1.0, 1.0
    if abs(step) > _LARGE:
        step, before = excess * _DOWN / squares, _DOWN
    elif abs(step) < _SMALL:
        step, behind = excess * _UP / squares, _DOWN
    return before, min(max(step, -most), most), behind, 1.0 / before


@cuda.jit(device=True)
def _put(vectors, c, i, values):
    """Write the part i."""
    out, (direction, part), ((undefined, stays), (before, step, behind, after)) = vectors[2], values, c
    if undefined:
        out[i] = math.nan
    else:
        out[i] = part if stays else (part * before - direction * step * behind) * after


_write_all = storing(_load, _put, THREADS, WRITES)


@cuda.jit
def _move(normal, parts, out, offset, squares, most, both_sides, blocks, room):
    tree = cuda.shared.array(TREE, np.float64)
    product, _, _, _ = of_all_blocks(tree, room, 0, blocks)
    excess, like = product - offset, parts[0]
    known = not math.isfinite(product), excess <= 0.0 and not both_sides
    before, step, behind, after = _step(excess, squares, most)
    numbers = constant(like, before), constant(like, step), constant(like, behind), constant(like, after)
    _write_all((normal, parts, out), (known, numbers), parts.size)
