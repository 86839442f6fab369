r"""The threshold of the simplex and of the 1-norm on a GPU, without a look from the host.

The method is that of :mod:`numopt.projections.threshold`, Newton's for sum max(delta - a_i, 0) = r. A short vector is
the work of one block, whose threads hold all of it in their registers. A long one takes launches that follow each other
blindly:

* ``sample``, one block: between which two thresholds the right one is likely to be, as a part of the entries has it;
* ``survey``: the largest level, the sum of all, and what the two thresholds leave;
* ``step``, several times: the step that follows from the sums before, and the next sums;
* ``finish``, one block, for what has not converged by then;
* ``write``.

The first step goes to where the cubic through what the survey has found is r; for data without steps in their
distribution it is right to 1e-6, and one or two more steps are exact. A launch that finds the root known does nothing
more than hand it on.
"""

import functools
import math
from typing import NamedTuple

import numpy as np

from .._scalars import larger
from .compose import entry, folding, storing
from .device import LOADS, MOST_BLOCKS, SIMULATED, THREADS, WRITES, blocks_of, cuda, launch
from .held import holder, of_held
from .newton import (
    DELTA,
    DONE,
    INSIDE,
    RUNNING,
    TAUS,
    TOP,
    UNDEFINED,
    first_step,
    hand_on,
    known_before,
    next_step,
)
from .sums import TREE, WIDE, blocks_that_add, leave, of_block, room_for

STEPS = 6  # launches; with a sampled start one or two are enough, for most data
HELD = 4 if SIMULATED else 32  # levels in the registers of a thread; a power of two
ALONE = HELD * WIDE  # entries that one block can hold: up to which it works alone, and of which a sample consists
IN_A_ROW = 4 if SIMULATED else 16  # entries of a sample, for the memory is read by so many
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


# --- what is added up ------------------------------------------------------------------------------------------------
#
# The sums at a delta are (sum max(delta - a_i, 0), number of a_i below delta, -(distance of the nearest a_i)), for
# a_i = top - b_i with the levels b_i.

_NOTHING = 0.0, 0, -math.inf


@cuda.jit(device=True)
def _fold_level(c, total, b):
    """Take the level b into the sums at a delta."""
    top, delta = c
    lowered, slope, near = total
    above = delta - (top - b)
    if above > 0.0:
        lowered += above
        slope += 1
    return lowered, slope, larger(-abs(above), near)


@cuda.jit(device=True)
def _fold_in_survey(c, total, b):
    """Take in a level: what two thresholds leave of it, the sum, the largest."""
    one, two = c
    lowered_one, slope_one, lowered_two, slope_two, whole, top = total
    above_one, above_two = b - one, b - two
    if above_one > 0.0:
        lowered_one += above_one
        slope_one += 1
    if above_two > 0.0:
        lowered_two += above_two
        slope_two += 1
    return lowered_one, slope_one, lowered_two, slope_two, whole + b, larger(b, top)


def _pass(level, fold, nothing, threads):
    """``run((x, down), c, n, tile, hop)``: ``fold`` of the levels, times ``down``."""

    @cuda.jit(device=True)
    def load(arrays, i):
        x, down = arrays
        return entry(x, i), down

    @cuda.jit(device=True)
    def fold_entry(c, total, values):
        u, down = values
        return fold(c, total, level(u, down))

    return folding(load, fold_entry, nothing, threads)


@cuda.jit(device=True)
def _fold_largest(c, total, b):
    """Take in a level that a thread holds: the sum, the largest."""
    whole, top = total
    return (whole + b if b > -math.inf else whole), larger(b, top)


_largest_of_held, _fold_held = of_held(_fold_largest, HELD), of_held(_fold_level, HELD)


def _solver(sums):
    """``solve(tree, given, r, delta, slope, top, done)``: Newton's method by one block, to the end.

    ``sums(given, (top, delta))`` is a thread's part of the sums. Gives (delta, slope, what is known).
    """

    @cuda.jit(device=True)
    def solve(tree, given, r, delta, slope, top, done):
        for _ in range(_MOST_STEPS):
            if done != RUNNING:
                break
            lowered, count, near = sums(given, (top, delta))
            lowered, count_of_all, _, near = of_block(tree, lowered, float(count), 0.0, near)
            delta, slope, done = next_step(r, delta, slope, lowered, count_of_all, -near)
        return delta, slope, done

    return solve


@cuda.jit(device=True)
def _sums_of_held(held, c):
    return _fold_held(c, _NOTHING, held)


_solve_held = _solver(_sums_of_held)


def _writer(levels, threads):
    """``write(x, out, top, delta, down, done, rest)``: every entry, for what is known."""
    _, placed, own_level, precise = levels

    @cuda.jit(device=True)
    def load(vectors, i):
        return entry(vectors[0], i)

    @cuda.jit(device=True)
    def put(vectors, known, i, u):
        out, (done, rest, (top, delta, down, grow, zero)) = vectors[1], known
        if done == int(UNDEFINED):
            out[i] = math.nan
        elif done == int(INSIDE):
            out[i] = u - u if rest else u
        else:
            b = own_level(u, down)
            value = placed(u, b, max(delta - (top - b), zero), grow)
            out[i] = u - value if rest else value

    run = storing(load, put, threads, WRITES)

    @cuda.jit(device=True)
    def write(x, out, top, delta, down, done, rest):
        u = x[0]
        numbers = precise(u, top), precise(u, delta), precise(u, down), precise(u, 1.0 / down), precise(u, 0.0)
        run((x, out), (int(done), rest, numbers), x.size)  # or doubles would be compared again for every entry

    return write


# --- kernels ---------------------------------------------------------------------------------------------------------


@functools.cache
def kernels(levels):
    """The kernels for one kind of levels."""
    level, hold = levels.level, holder(levels.level, HELD, IN_A_ROW)
    alone, write = _alone(hold, _writer(levels, WIDE)), _write(_writer(levels, THREADS))
    return Kernels(alone, _sample(hold), _survey(level), _step(level), _finish(level), write)


def _alone(hold, write):
    @cuda.jit
    def alone(x, out, r, down, inside, rest):
        tree = cuda.shared.array(TREE, np.float64)
        held = hold(x, cuda.threadIdx.x, x.size, IN_A_ROW, down)
        whole, top = _largest_of_held((), (0.0, -math.inf), held)
        whole, _, _, top = of_block(tree, whole, 0.0, 0.0, top)
        delta, done = first_step(r, inside, x.size, math.inf, math.inf, (0.0, 0.0, whole, top), (0.0, 0.0))
        delta, _, done = _solve_held(tree, held, r, delta, 0.0, top, done)
        write(x, out, top, delta, down, done, rest)

    return alone


def _sample(hold):
    @cuda.jit
    def sample(x, r, down, room):
        tree = cuda.shared.array(TREE, np.float64)
        part = r * ALONE / x.size
        held = hold(x, cuda.threadIdx.x, ALONE, x.size // (ALONE // IN_A_ROW), down)
        _, top = _largest_of_held((), (0.0, -math.inf), held)
        _, _, _, top = of_block(tree, 0.0, 0.0, 0.0, top)
        tells = part > 0.0 and math.isfinite(top)
        delta, slope, _ = _solve_held(tree, held, part, part, 0.0, top, RUNNING if tells else UNDEFINED)
        if cuda.threadIdx.x == 0:
            error = part / slope / math.sqrt(slope) if slope > 0.0 else 0.0
            room[TAUS] = top - delta + error  # about a standard deviation to both sides
            room[TAUS + 1] = top - delta - error

    return sample


def _survey(level):
    run = _pass(level, _fold_in_survey, (0.0, 0, 0.0, 0, 0.0, -math.inf), THREADS)

    @cuda.jit
    def survey(x, down, room):
        tree = cuda.shared.array(TREE, np.float64)
        taus = room[TAUS], room[TAUS + 1]
        one, slope_one, two, slope_two, whole, top = run((x, down), taus, x.size, cuda.blockIdx.x, cuda.gridDim.x)
        leave(tree, room, 0, one, float(slope_one), whole, top)
        leave(tree, room, 2, two, float(slope_two), 0.0, 0.0)

    return survey


def _step(level):
    run = _pass(level, _fold_level, _NOTHING, THREADS)

    @cuda.jit
    def step(x, r, down, inside, row, room):
        tree = cuda.shared.array(TREE, np.float64)
        blocks, tile = cuda.gridDim.x, cuda.blockIdx.x
        delta, slope, top, done = known_before(tree, r, inside, x.size, row, blocks, room)
        hand_on(room, row, delta, slope, top, done)
        if done != RUNNING:
            return
        if row % 2 == 1:  # backwards: what is read first is what the pass before has left in the cache
            tile, blocks = (x.size - 1) // (LOADS * THREADS) - tile, -blocks
        lowered, count, near = run((x, down), (top, delta), x.size, tile, blocks)
        leave(tree, room, row % 2, lowered, float(count), 0.0, near)

    return step


def _finish(level):
    run = _pass(level, _fold_level, _NOTHING, WIDE)

    @cuda.jit(device=True)
    def sums(vectors, c):
        return run(vectors, c, vectors[0].size, 0, 1)

    solve = _solver(sums)

    @cuda.jit
    def finish(x, r, down, inside, row, blocks, room):
        tree = cuda.shared.array(TREE, np.float64)
        delta, slope, top, done = known_before(tree, r, inside, x.size, row, blocks, room)
        delta, slope, done = solve(tree, (x, down), r, delta, slope, top, done)
        hand_on(room, 0, delta, slope, top, done)

    return finish


def _write(run):
    @cuda.jit
    def write(x, out, down, rest, room):
        run(x, out, room[TOP], room[DELTA], down, room[DONE], rest)

    return write
