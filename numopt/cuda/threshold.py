r"""The threshold of the simplex and of the 1-norm on a GPU, without a look from the host.

The method is that of :mod:`numopt.projections.threshold`, Newton's for sum max(delta - a_i, 0) = r. A short vector is
the work of one block, in one launch. A long one takes launches that follow each other blindly:

* ``sample``, one block: the root as a part of the entries has it;
* ``survey``: the largest level, the sum of all, and in the same pass a step from the sampled root;
* ``step``, several times: the step that follows from the sums before, and the next sums;
* ``finish``, one block, for what has not converged by then;
* ``write``.

A launch that finds the root known does nothing more than hand it on.
"""

import functools
import math
from typing import NamedTuple

import numpy as np

from .._scalars import larger
from .device import MOST_BLOCKS, THREADS, WRITES, blocks_of, cuda, launch
from .newton import (
    DELTA,
    DENSITY,
    DONE,
    INSIDE,
    RUNNING,
    TAU,
    TOP,
    UNDEFINED,
    first_step,
    hand_on,
    known_before,
    next_step,
)
from .sums import ALONE, TREE, WIDE, blocks_that_add, leave, of_block, room_for

STEPS = 6  # launches; with a sampled start three or four are enough, for most data
SAMPLED, IN_A_ROW = 16384, 16  # entries
_NEAR = 0.05  # of delta: where the density of levels is measured
_FEWEST = 30.0  # sampled entries above the root that say something about it
_MOST_STEPS = 200


class Kernels(NamedTuple):
    """For one kind of levels."""

    alone: object
    sample: object
    survey: object
    step: object
    finish: object
    write: object


def lower(levels, x, out, radius, inside, shrink, rest, stream):
    """Write x with its levels lowered to the sum ``radius``; ``x`` itself if ``inside`` and the sum is not larger.

    The levels are computed times ``shrink``, a power of two; with ``rest`` x minus that is written.
    """
    run, n = kernels(levels), x.size
    given = radius * shrink, shrink
    if n <= ALONE:
        launch(run.alone, 1, WIDE, stream, x, out, *given, inside, rest)
        return
    room, blocks = room_for(stream), blocks_that_add(n)
    launch(run.sample, 1, WIDE, stream, x, *given, room)
    launch(run.survey, blocks, THREADS, stream, x, shrink, room)
    for row in range(1, STEPS + 1):
        launch(run.step, blocks, THREADS, stream, x, *given, inside, row, room)
    launch(run.finish, 1, WIDE, stream, x, *given, inside, STEPS + 1, blocks, room)
    launch(run.write, blocks_of(n, WRITES, MOST_BLOCKS), THREADS, stream, x, out, shrink, rest, room)


# --- passes over the vector ------------------------------------------------------------------------------------------


def _passes(level):
    """The two passes that add up, over every ``hop``-th entry from ``start`` on."""

    @cuda.jit(device=True)
    def first(x, down, tau, start, hop):
        """(sum max(b_i - tau, 0), number of b_i above tau, sum of b_i, largest b_i) for the levels b."""
        lowered, slope, total, top = 0.0, 0, 0.0, -math.inf
        for i in range(start, x.size, hop):
            b = level(x[i], down)
            above = b - tau
            lowered += max(above, 0.0)
            slope += 1 if above > 0.0 else 0
            total += b
            top = larger(b, top)
        return lowered, float(slope), total, top

    @cuda.jit(device=True)
    def further(x, down, top, delta, start, hop, backwards):
        """(sum max(delta - a_i, 0), number of a_i below delta) for a_i = top - b_i."""
        lowered, slope, last = 0.0, 0, x.size - 1
        for i in range(start, x.size, hop):
            above = delta - (top - level(x[last - i if backwards else i], down))
            lowered += max(above, 0.0)
            slope += 1 if above > 0.0 else 0
        return lowered, float(slope)

    return first, further


def _writer(levels):
    """``prepared(u, top, delta, down, done)``, once for all entries, and ``put``, which writes one of them."""
    _, placed, own_level, precise = levels

    @cuda.jit(device=True)
    def prepared(u, top, delta, down, done):
        numbers = precise(u, top), precise(u, delta), precise(u, down), precise(u, 1.0 / down), precise(u, 0.0)
        return int(done), numbers  # or doubles would be compared again for every entry

    @cuda.jit(device=True)
    def put(out, i, u, known, rest):
        """Write the entry i, which is u."""
        done, numbers = known
        if done == int(UNDEFINED):
            out[i] = math.nan
        elif done == int(INSIDE):
            out[i] = u - u if rest else u
        else:
            top, delta, down, grow, zero = numbers
            b = own_level(u, down)
            value = placed(u, b, max(delta - (top - b), zero), grow)
            out[i] = u - value if rest else value

    return prepared, put


def _solver(further):
    @cuda.jit(device=True)
    def solve(tree, x, r, down, delta, slope, top, done):
        """Newton's method by one block, to the end."""
        for _ in range(_MOST_STEPS):
            if done != RUNNING:
                break
            lowered, count = further(x, down, top, delta, cuda.threadIdx.x, cuda.blockDim.x, False)
            lowered, count, _, _ = of_block(tree, lowered, count, 0.0, 0.0)
            delta, slope, done = next_step(r, delta, slope, lowered, count)
        return delta, done

    return solve


# --- kernels ---------------------------------------------------------------------------------------------------------


@functools.cache
def kernels(levels):
    """The kernels for one kind of levels."""
    first, further = _passes(levels.level)
    writer, solve = _writer(levels), _solver(further)
    return Kernels(
        _alone(first, solve, *writer),
        _sample(levels.level),
        _survey(first),
        _step(further),
        _finish(solve),
        _write(*writer),
    )


def _alone(first, solve, prepared, put):
    @cuda.jit
    def alone(x, out, r, down, inside, rest):
        tree = cuda.shared.array(TREE, np.float64)
        sums = first(x, down, math.inf, cuda.threadIdx.x, cuda.blockDim.x)
        lowered, count, total, top = of_block(tree, sums[0], sums[1], sums[2], sums[3])
        delta, done = first_step(r, inside, x.size, 0.0, 0.0, (lowered, count, total, top))
        delta, done = solve(tree, x, r, down, delta, 0.0, top, done)
        known = prepared(x[0], top, delta, down, done)
        for i in range(cuda.threadIdx.x, x.size, cuda.blockDim.x):
            put(out, i, x[i], known, rest)

    return alone


def _sample(level):
    @cuda.jit(device=True)
    def sums_at(tree, x, down, count, hop, top, delta):
        """``further`` over the sample: ``count`` entries, several in a row, then a hop."""
        lowered, slope = 0.0, 0
        for j in range(cuda.threadIdx.x, count, cuda.blockDim.x):
            above = delta - (top - level(x[j // IN_A_ROW * hop + j % IN_A_ROW], down))
            lowered += max(above, 0.0)
            slope += 1 if above > 0.0 else 0
        lowered, count_above, _, _ = of_block(tree, lowered, float(slope), 0.0, 0.0)
        return lowered, count_above

    @cuda.jit
    def sample(x, r, down, room):
        tree = cuda.shared.array(TREE, np.float64)
        chunks = min(SAMPLED, x.size // IN_A_ROW) // IN_A_ROW
        count, hop, top = chunks * IN_A_ROW, x.size // chunks, -math.inf
        for j in range(cuda.threadIdx.x, count, cuda.blockDim.x):
            top = larger(level(x[j // IN_A_ROW * hop + j % IN_A_ROW], down), top)
        _, _, _, top = of_block(tree, 0.0, 0.0, 0.0, top)
        share = count / x.size
        part, delta, before, done = r * share, r * share, 0.0, RUNNING
        _, slope = sums_at(tree, x, down, count, hop, top, delta)
        tells = slope > _FEWEST and math.isfinite(top)
        for _ in range(_MOST_STEPS):
            if done != RUNNING or not tells:
                break
            lowered, slope = sums_at(tree, x, down, count, hop, top, delta)
            delta, before, done = next_step(part, delta, before, lowered, slope)
        _, above = sums_at(tree, x, down, count, hop, top, (1.0 - _NEAR) * delta)
        _, below = sums_at(tree, x, down, count, hop, top, (1.0 + _NEAR) * delta)
        if cuda.threadIdx.x == 0:
            room[TAU] = top - delta if tells else math.inf  # above all levels: then the sample does not count
            room[DENSITY] = (below - above) / (2.0 * _NEAR * delta * share) if tells else 0.0

    return sample


def _survey(first):
    @cuda.jit
    def survey(x, down, room):
        tree = cuda.shared.array(TREE, np.float64)
        lowered, slope, total, top = first(x, down, room[TAU], cuda.grid(1), cuda.gridsize(1))
        leave(tree, room, 0, lowered, slope, total, top)

    return survey


def _step(further):
    @cuda.jit
    def step(x, r, down, inside, row, room):
        tree = cuda.shared.array(TREE, np.float64)
        delta, slope, top, done = known_before(tree, r, inside, x.size, row, cuda.gridDim.x, room)
        hand_on(room, row, delta, slope, top, done)
        if done != RUNNING:
            return
        # every other pass backwards: what it reads first is what the one before has left in the cache
        lowered, count = further(x, down, top, delta, cuda.grid(1), cuda.gridsize(1), row % 2 == 1)
        leave(tree, room, row % 2, lowered, count, 0.0, 0.0)

    return step


def _finish(solve):
    @cuda.jit
    def finish(x, r, down, inside, row, blocks, room):
        tree = cuda.shared.array(TREE, np.float64)
        delta, slope, top, done = known_before(tree, r, inside, x.size, row, blocks, room)
        delta, done = solve(tree, x, r, down, delta, slope, top, done)
        hand_on(room, 0, delta, slope, top, done)

    return finish


def _write(prepared, put):
    @cuda.jit
    def write(x, out, down, rest, room):
        known, apart = prepared(x[0], room[TOP], room[DELTA], down, room[DONE]), cuda.gridsize(1)
        for i in range(cuda.grid(1), x.size, 2 * apart):
            k = i + apart
            u = x[i]
            if k < x.size:
                v = x[k]
                put(out, k, v, known, rest)
            put(out, i, u, known, rest)

    return write
