"""Sections of boxes on a GPU, {l <= y <= u, w.y = c}: BoxSection, CappedSimplex and, for moduli, WeightedL1Ball.

y = clip(x - tau w, l, u) with the tau that :mod:`.bracket` finds: a base, for which x - base w is exact but for one
rounding, plus a shift. The launches follow each other blindly, as those of a threshold do (:mod:`.threshold`):
``survey``, ``begin``, several times ``step``, ``finish``, ``write``; a short vector is the work of one block. All is
computed in double precision, also for vectors of single: the differences x - tau w may be far smaller than their terms.
"""

import functools
import math
from typing import NamedTuple

import numpy as np

from .._vector import power_for
from ..projections.section import reachable
from .bracket import BASE, FIRST, KNOWN, LAST, MOST_STEPS, SHIFT, advance, first_state, known, load, store
from .compose import entry, folding, pattern_of, reader, storing
from .device import MOST_BLOCKS, THREADS, WRITES, blocks_of, cuda, launch
from .fields import kept, on_device
from .newton import INSIDE, RUNNING, UNDEFINED
from .sums import TREE, WIDE, blocks_that_add, leave, of_all_blocks, of_block, room_for

STEPS = 16  # launches
ALONE = 16384  # entries, up to which one block is supposed to be as fast as many launches
_DOUBLE = np.dtype(np.float64)


class Kernels(NamedTuple):
    """For one kind of levels and fields."""

    alone: object
    survey: object
    begin: object
    step: object
    finish: object
    write: object


def fits(fields, n, c):
    """Whether a vector of n entries has a section; that of vectors of bounds has been looked at when it was made."""
    if any(map(np.ndim, fields)):
        return True
    return bool(reachable(fields, 1, c / n)) if n > 0 else c == 0.0


def cut(levels, x, out, fields, c, inside, stream):
    """Write x with its levels projected onto the section of a box; x itself if ``inside`` and their sum is below c."""
    weights, scale = _scaled(fields[2], stream)
    fields = *on_device(fields[:2], _DOUBLE, stream), weights
    run, n, c = kernels(levels, pattern_of(fields)), x.size, c * scale
    if n <= ALONE:
        launch(run.alone, 1, WIDE, stream, x, out, fields, c, inside)
        return
    room, blocks = room_for(stream), blocks_that_add(n)
    launch(run.survey, blocks, THREADS, stream, x, fields, room)
    launch(run.begin, 1, WIDE, stream, blocks, room)
    for row in range(1, STEPS + 1):
        launch(run.step, blocks, THREADS, stream, x, fields, c, inside, row, room)
    launch(run.finish, 1, WIDE, stream, x, fields, c, inside, STEPS + 1, blocks, room)
    launch(run.write, blocks_of(n, WRITES, MOST_BLOCKS), THREADS, stream, x, out, fields, STEPS + 1, room)


def _scaled(weights, stream):
    """(weights times a power of two that brings the largest near 1, that power)."""
    if np.ndim(weights):
        return kept(weights, _DOUBLE, _times_power, stream)
    scale = float(power_for(abs(weights)))
    return weights * scale, scale


def _times_power(weights, dtype):
    scale = float(power_for(np.max(np.abs(weights))))
    return (weights * scale).astype(dtype), scale


# --- passes over the vector ------------------------------------------------------------------------------------------


def _passes(level, read, threads):
    """The outermost tau, and the sum at one: ``run((x, fields), c, n, tile, hop)``."""

    @cuda.jit(device=True)
    def load(arrays, i):
        x, fields = arrays
        return entry(x, i), read(fields, i)

    @cuda.jit(device=True)
    def fold_tau(c, total, values):
        """Into (number of levels that are not finite, least, largest tau at which an entry meets a bound)."""
        u, (lower, upper, weight) = values
        bad, least, most = total
        b = level(u, 1.0)
        bad += 0.0 if abs(b) < math.inf else 1.0
        if weight != 0.0 and lower > -math.inf:
            tau = (b - lower) / weight
            least, most = min(least, tau), max(most, tau)
        if weight != 0.0 and upper < math.inf:
            tau = (b - upper) / weight
            least, most = min(least, tau), max(most, tau)
        return bad, least, most

    @cuda.jit(device=True)
    def fold_sum(c, total, values):
        """Into (the sum w.y, its negative derivative) at base + shift."""
        u, (lower, upper, weight) = values
        (base, shift), (whole, slope) = c, total
        y = cuda.fma(-base, weight, level(u, 1.0)) - shift * weight
        whole += weight * min(max(y, lower), upper)
        slope += weight * weight if lower < y < upper else 0.0
        return whole, slope

    outermost = folding(load, fold_tau, (0.0, math.inf, -math.inf), threads)
    return outermost, folding(load, fold_sum, (0.0, 0.0), threads)


def _writer(levels, read, threads):
    """``run((x, out, fields), state, n)``: write every entry, for what is known."""
    level, placed = levels.level, levels.placed

    @cuda.jit(device=True)
    def load_entry(arrays, i):
        x, _, fields = arrays
        return entry(x, i), read(fields, i)

    @cuda.jit(device=True)
    def put(arrays, state, i, values):
        out, (u, (lower, upper, weight)) = arrays[1], values
        if state[KNOWN] == UNDEFINED:
            out[i] = math.nan
        elif state[KNOWN] == INSIDE:
            out[i] = u
        else:
            b = level(u, 1.0)
            y = cuda.fma(-state[BASE], weight, b) - state[SHIFT] * weight
            out[i] = placed(u, b, min(max(y, lower), upper), 1.0)

    return storing(load_entry, put, threads, WRITES)


def _solver(sums):
    @cuda.jit(device=True)
    def solve(tree, x, fields, state, least, most, c, inside):
        """The search by one block, to the end."""
        for _ in range(2 * MOST_STEPS + 2):
            if state[KNOWN] != RUNNING:
                break
            total, slope = sums((x, fields), (state[BASE], state[SHIFT]), x.size, 0, 1)
            total, slope, _, _ = of_block(tree, total, slope, 0.0, 0.0)
            state = advance(state, total, slope, least, most, c, inside)
        return state

    return solve


# --- kernels ---------------------------------------------------------------------------------------------------------


@functools.cache
def kernels(levels, pattern):
    """The kernels for one kind of levels, and fields that are numbers or vectors."""
    level, read = levels.level, reader(pattern)
    outermost, sums = _passes(level, read, WIDE)
    solve, (survey, step) = _solver(sums), _passes(level, read, THREADS)
    alone, write = _alone(outermost, solve, _writer(levels, read, WIDE)), _write(_writer(levels, read, THREADS))
    return Kernels(alone, _survey(survey), _begin, _step(step), _finish(solve), write)


def _alone(outermost, solve, write):
    @cuda.jit
    def alone(x, out, fields, c, inside):
        tree = cuda.shared.array(TREE, np.float64)
        bad, least, most = outermost((x, fields), (), x.size, 0, 1)
        bad, _, _, most = of_block(tree, bad, 0.0, 0.0, most)
        _, _, _, least = of_block(tree, 0.0, 0.0, 0.0, -least)
        state = solve(tree, x, fields, first_state(bad), -least, most, c, inside)
        write((x, out, fields), state, x.size)

    return alone


def _survey(outermost):
    @cuda.jit
    def survey(x, fields, room):
        tree = cuda.shared.array(TREE, np.float64)
        bad, least, most = outermost((x, fields), (), x.size, cuda.blockIdx.x, cuda.gridDim.x)
        leave(tree, room, 0, bad, 0.0, 0.0, most)
        leave(tree, room, 1, 0.0, 0.0, 0.0, -least)

    return survey


@cuda.jit
def _begin(blocks, room):
    tree = cuda.shared.array(TREE, np.float64)
    bad, _, _, most = of_all_blocks(tree, room, 0, blocks)
    _, _, _, least = of_all_blocks(tree, room, 1, blocks)
    if cuda.threadIdx.x == 0:
        room[FIRST] = -least
        room[LAST] = most
        store(room, 0, first_state(bad))


def _step(sums):
    @cuda.jit
    def step(x, fields, c, inside, row, room):
        tree = cuda.shared.array(TREE, np.float64)
        state = known(tree, room, row, cuda.gridDim.x, c, inside)
        if cuda.grid(1) == 0:
            store(room, row, state)
        if state[KNOWN] == RUNNING:
            at = state[BASE], state[SHIFT]
            total, slope = sums((x, fields), at, x.size, cuda.blockIdx.x, cuda.gridDim.x)
            leave(tree, room, row % 2, total, slope, 0.0, 0.0)

    return step


def _finish(solve):
    @cuda.jit
    def finish(x, fields, c, inside, row, blocks, room):
        tree = cuda.shared.array(TREE, np.float64)
        state = known(tree, room, row, blocks, c, inside)
        state = solve(tree, x, fields, state, room[FIRST], room[LAST], c, inside)
        if cuda.threadIdx.x == 0:
            store(room, row, state)

    return finish


def _write(run):
    @cuda.jit
    def write(x, out, fields, row, room):
        run((x, out, fields), load(room, row), x.size)

    return write
