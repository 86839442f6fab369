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
from .device import MOST_BLOCKS, THREADS, blocks_of, cuda, launch
from .sums import STATE, TREE, WIDE, blocks_that_add, leave, of_all_blocks, of_block, room_for

_IN_FLIGHT = 2  # entries in a thread that writes
ALONE = 32768  # entries that one block projects as fast as ten launches are started
STEPS = 6  # launches; with a sampled start three or four are enough, for most data
SAMPLED, IN_A_ROW = 16384, 16  # entries
_NEAR = 0.05  # of delta: where the density of levels is measured
_FEWEST = 30.0  # sampled entries above the root that say something about it
_MOST_STEPS = 200
_ROUNDING = 4e-15  # of a sum, at most

RUNNING, FOUND, INSIDE, UNDEFINED = 0.0, 1.0, 2.0, 3.0  # what is known: nothing yet, delta, P(x) = x, a NaN
DELTA, SLOPE, TOP, DONE, FIELDS = range(5)  # of a row of the state; the last launch's is row 0
TAU, DENSITY = STATE - 2, STATE - 1  # of the state: what the sample has given


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
    launch(run.write, blocks_of(n, _IN_FLIGHT, MOST_BLOCKS), THREADS, stream, x, out, shrink, rest, room)


# --- from sums to the next delta -------------------------------------------------------------------------------------


@cuda.jit(device=True)
def _begin(r, inside, n, tau, density, sums):
    """(delta, what is known) after a survey with the sums at the threshold tau."""
    lowered, slope, total, top = sums
    if not math.isfinite(top):
        return 0.0, UNDEFINED
    if inside and total <= r:
        return 0.0, INSIDE
    if r == 0.0:
        return 0.0, FOUND
    everyone = (r + (n * top - total)) / n  # the root if no entry becomes 0; never below it
    limit = everyone if 0.0 < everyone < r else r
    if slope > 0.0:
        move = (lowered - r) / slope
        bend = -0.5 * density * move / slope
        if abs(bend) < 0.5:
            move /= 1.0 + bend  # Halley's method
        delta = (top - tau) - move
        if 0.0 < delta < limit:
            return delta, RUNNING
    return limit, RUNNING


@cuda.jit(device=True)
def _move(r, delta, before, lowered, slope):
    """(delta, slope, what is known) after a step from delta; ``before`` is the slope where the step before began."""
    # the same entries as before: then the step before was exact
    done = FOUND if slope == before or abs(lowered - r) <= _ROUNDING * r else RUNNING
    moved = delta - (lowered - r) / slope
    if 0.0 < moved <= r:
        return moved, slope, done
    return r, 0.0, done if moved > r else RUNNING  # not below the root: the largest level alone gives r


@cuda.jit(device=True)
def _known(tree, r, inside, n, row, blocks, room):
    """(delta, slope, top, what is known) at the beginning of launch ``row``, the same in every block."""
    if row == 1:
        sums = of_all_blocks(tree, room, 0, blocks)
        delta, done = _begin(r, inside, n, room[TAU], room[DENSITY], sums)
        return delta, 0.0, sums[3], done
    at = FIELDS * (row - 1)
    delta, slope, top, done = room[at + DELTA], room[at + SLOPE], room[at + TOP], room[at + DONE]
    if done == RUNNING:
        lowered, count, _, _ = of_all_blocks(tree, room, (row - 1) % 2, blocks)
        delta, slope, done = _move(r, delta, slope, lowered, count)
    return delta, slope, top, done


@cuda.jit(device=True)
def _hand_on(room, row, delta, slope, top, done):
    if cuda.grid(1) == 0:
        at = FIELDS * row
        room[at + DELTA] = delta
        room[at + SLOPE] = slope
        room[at + TOP] = top
        room[at + DONE] = done


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
    level, placed = levels

    @cuda.jit(device=True)
    def put(x, out, i, u, down, delta, top, done, rest):
        """Write the entry i, which is u."""
        if done == UNDEFINED:
            out[i] = math.nan
        elif done == INSIDE:
            out[i] = u - u if rest else u
        else:
            b = level(u, down)
            value = placed(u, b, max(delta - (top - b), 0.0), 1.0 / down)
            out[i] = u - value if rest else value

    return put


def _solver(further):
    @cuda.jit(device=True)
    def solve(tree, x, r, down, delta, slope, top, done):
        """Newton's method by one block, to the end."""
        for _ in range(_MOST_STEPS):
            if done != RUNNING:
                break
            lowered, count = further(x, down, top, delta, cuda.threadIdx.x, cuda.blockDim.x, False)
            lowered, count, _, _ = of_block(tree, lowered, count, 0.0, 0.0)
            delta, slope, done = _move(r, delta, slope, lowered, count)
        return delta, done

    return solve


# --- kernels ---------------------------------------------------------------------------------------------------------


@functools.cache
def kernels(levels):
    """The kernels for one kind of levels."""
    first, further = _passes(levels.level)
    put, solve = _writer(levels), _solver(further)
    return Kernels(
        _alone(first, solve, put), _sample(levels.level), _survey(first), _step(further), _finish(solve), _write(put)
    )


def _alone(first, solve, put):
    @cuda.jit
    def alone(x, out, r, down, inside, rest):
        tree = cuda.shared.array(TREE, np.float64)
        sums = first(x, down, math.inf, cuda.threadIdx.x, cuda.blockDim.x)
        lowered, count, total, top = of_block(tree, sums[0], sums[1], sums[2], sums[3])
        delta, done = _begin(r, inside, x.size, 0.0, 0.0, (lowered, count, total, top))
        delta, done = solve(tree, x, r, down, delta, 0.0, top, done)
        for i in range(cuda.threadIdx.x, x.size, cuda.blockDim.x):
            put(x, out, i, x[i], down, delta, top, done, rest)

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
            delta, before, done = _move(part, delta, before, lowered, slope)
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
        delta, slope, top, done = _known(tree, r, inside, x.size, row, cuda.gridDim.x, room)
        _hand_on(room, row, delta, slope, top, done)
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
        delta, slope, top, done = _known(tree, r, inside, x.size, row, blocks, room)
        delta, done = solve(tree, x, r, down, delta, slope, top, done)
        _hand_on(room, 0, delta, slope, top, done)

    return finish


def _write(put):
    @cuda.jit
    def write(x, out, down, rest, room):
        delta, top, done, apart = room[DELTA], room[TOP], room[DONE], cuda.gridsize(1)
        for i in range(cuda.grid(1), x.size, 2 * apart):
            k = i + apart
            u = x[i]
            if k < x.size:
                v = x[k]
                put(x, out, k, v, down, delta, top, done, rest)
            put(x, out, i, u, down, delta, top, done, rest)

    return write
