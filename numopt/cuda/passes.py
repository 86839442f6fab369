"""The kernels of a chain: one for each pass that :func:`numopt.rules.passes.plan` plans, compiled when first needed.

Each reads every vector that it needs once and writes every one that it changes once. Sums are taken over blocks whose
number depends on n only, in a fixed order, and in double precision: the same bits on every device. Kernels are kept for
the process, by the types of the rules; Numba's cache on disk does not notice that a function they call has changed.
"""

from typing import NamedTuple

import numpy as np
from numba import float64, typeof

from .._scalars import minus_parts, parts
from ..generic import nearest, summands
from ..rules.passes import FINAL, ONTO, REDUCE, ROWS, STORE, plan
from .compose import adder, applier, entry, folding, putter, reader, real_of, storing, tree_of, writer
from .device import LOADS, MOST_BLOCKS, THREADS, blocks_of, cuda, device_function
from .settle import Reducing, settler

IN_FLIGHT = 2  # entries in a thread of a pass that stores


class Spec(NamedTuple):
    """What the kernels of a chain depend on."""

    rules: tuple  # stand-ins
    patterns: tuple  # of their vectors
    ending: tuple  # pattern of the fields of the set at the end
    dtype: np.dtype
    counts: tuple  # of coefficients of each rule
    sizes: tuple  # of numbers of each rule
    sums: tuple  # how many sums each rule wants, 0 for those that do not reduce
    threads: int = THREADS
    in_flight: int = IN_FLIGHT

    @property
    def key(self):
        """What tells kernels apart."""
        return typeof(self.rules), *self[1:]


class Kernel(NamedTuple):
    """A kernel and how it is launched."""

    run: object
    chosen: object  # the Pass
    reduction: int  # which it is among those that reduce, or None
    entries: int  # in flight in a thread
    capped: bool  # whether at most MOST_BLOCKS blocks run

    def blocks(self, n, row, threads):
        """How many blocks run for n entries."""
        if self.chosen.kind == ROWS:
            return min(-(-n // (row * (threads // team_of(row, threads)))), MOST_BLOCKS)
        return blocks_of(n, self.entries, MOST_BLOCKS if self.capped else 2**31 - 1, threads)


_kernels = {}


def kernels_of(spec):
    """The kernels of a chain, made at most once in a process."""
    if spec.key not in _kernels:
        _kernels[spec.key] = make_kernels(spec)
    return _kernels[spec.key]


def reducing_rules(spec):
    """The rules that reduce."""
    positions = tuple(p for p, wanted in enumerate(spec.sums) if wanted)
    return Reducing(positions, *(tuple(of[p] for p in positions) for of in (spec.rules, spec.sizes, spec.counts)))


def make_kernels(spec):
    """A Kernel for each pass."""
    reducing, made, reduced, reductions = reducing_rules(spec), [], None, 0
    passes = plan(spec.rules, spec.patterns)
    for number, chosen in enumerate(passes):
        place = chosen.last if chosen.kind == REDUCE else None
        positions = range(chosen.first, chosen.last + (place is not None))
        settle = settler(reducing, positions, number, len(passes), reduced, real_of(spec.dtype), spec.threads)
        most = max(reduced[2] if reduced else 0, spec.sums[place] if place is not None else 0, 2)
        run = _MAKE[chosen.kind](spec, chosen, settle, most * spec.threads, reducing.board, reductions)
        capped = chosen.kind == REDUCE or bool(reducing.rules)
        entries = LOADS if chosen.kind == REDUCE else spec.in_flight
        made.append(Kernel(run, chosen, reductions if place is not None else None, entries, capped))
        reduced = None
        if place is not None:
            reduced = reductions, reducing.positions.index(place), spec.sums[place]
            reductions += 1
    return made


def team_of(row, threads):
    """How many threads work on a row: a power of two."""
    team = 1
    while team < threads and 2 * team < row:
        team *= 2
    return team


# --- passes that store -----------------------------------------------------------------------------------------------
#
# ``arrays`` are (states, fields of the set, x, the update so far, the buffer or ()), ``more`` is what settling needs.


def _loader(spec, chosen):
    read, fields = reader(spec.patterns[chosen.first : chosen.last]), reader(spec.ending)

    @cuda.jit(device=True)
    def load(arrays, i):
        states, ending, x, u, _ = arrays
        return read(states, i), fields(ending, i), x[i], u[i]

    return load


def _finisher(spec, chosen):
    """What a pass does with an entry that is loaded."""
    apply = applier(spec.rules[chosen.first : chosen.last])
    write = writer(spec.patterns[chosen.first : chosen.last])

    @cuda.jit(device=True)
    def add(arrays, c, i, values):
        kept, _, x, u = values
        new, step = apply(c, kept, u, x)
        write(arrays[0], i, new)
        arrays[2][i] = x + step

    @cuda.jit(device=True)
    def store(arrays, c, i, values):
        kept, _, x, u = values
        new, step = apply(c, kept, u, x)
        write(arrays[0], i, new)
        arrays[4][i] = step

    if chosen.kind != ONTO:
        return add if chosen.kind == FINAL else store
    onto = spec.rules[chosen.last]
    place = device_function(nearest.implementation(type(onto)))

    @cuda.jit(device=True)
    def project(arrays, c, i, values):
        kept, fields, x, u = values
        new, step = apply(c, kept, u, x)
        write(arrays[0], i, new)
        arrays[2][i] = place(onto, fields, x + step)

    return project


def _storing(spec, chosen, settle, tree_size, board_size, reduction):
    """A pass that works entry by entry: tiles of a block's threads times the entries in flight."""
    run = storing(_loader(spec, chosen), _finisher(spec, chosen), spec.threads, spec.in_flight)

    @cuda.jit
    def kernel(given, arrays, n, more):
        tree = cuda.shared.array(tree_size, float64)
        board = cuda.shared.array(board_size, float64)
        run(arrays, settle(given, more, n, tree, board), n)

    return kernel


def _rows(spec, chosen, settle, tree_size, board_size, reduction):
    """A pass that stores the update and subtracts from each row its mean: a team of threads for a row."""
    load, store, threads = _loader(spec, chosen), _finisher(spec, chosen), spec.threads
    count = 2 if spec.dtype.kind == "c" else 1
    add, put, sum_up, real = adder(count), putter(count), tree_of(count, threads), real_of(spec.dtype)
    zeros = (0.0,) * count

    @cuda.jit
    def kernel(given, arrays, n, more, row, team):
        tree = cuda.shared.array(tree_size, float64)
        board = cuda.shared.array(board_size, float64)
        c = settle(given, more, n, tree, board)
        out, t = arrays[4], cuda.threadIdx.x
        lane, at_once = t % team, threads // team
        first = cuda.blockIdx.x * at_once
        while first * row < n:  # the same number of turns for all threads of a block
            start = (first + t // team) * row
            end = min(start + row, n)
            total, i = zeros, start + lane
            while i < end:
                store(arrays, c, i, load(arrays, i))
                total = add(total, parts(out[i]))
                i += team
            put(total, tree, t, threads)
            sum_up(tree, team)
            mean, mean_of_imaginary = real(tree[t - lane] / row), real(tree[(count - 1) * threads + t - lane] / row)
            i = start + lane
            while i < end:
                out[i] = minus_parts(out[i], mean, mean_of_imaginary)
                i += team
            cuda.syncthreads()
            first += cuda.gridDim.x * at_once

    return kernel


# --- passes that add up ----------------------------------------------------------------------------------------------


def _reduce(spec, chosen, settle, tree_size, board_size, reduction):
    """A pass that leaves the sums of each block in memory."""
    threads, count = spec.threads, spec.sums[chosen.last]
    put, sum_up = putter(count), tree_of(count, threads)
    run = folding(_loader_with_last(spec, chosen), _folder(spec, chosen), (0.0,) * count, threads)

    @cuda.jit
    def kernel(given, arrays, n, more):
        tree = cuda.shared.array(tree_size, float64)
        board = cuda.shared.array(board_size, float64)
        c = settle(given, more, n, tree, board)
        put(run(arrays, c, n, cuda.blockIdx.x, cuda.gridDim.x), tree, cuda.threadIdx.x, threads)
        sum_up(tree, threads)
        if cuda.threadIdx.x == 0:
            sums = more[2]
            for k in range(count):
                sums[reduction, k, cuda.blockIdx.x] = tree[k * threads]

    return kernel


def _loader_with_last(spec, chosen):
    """Also what the rule that reduces keeps."""
    read = reader(spec.patterns[chosen.first : chosen.last + 1])

    @cuda.jit(device=True)
    def load(arrays, i):
        return read(arrays[0], i), arrays[2][i], arrays[3][i]

    return load


def _folder(spec, chosen):
    """How a pass takes in what the rule that reduces makes of an entry."""
    apply, rule = applier(spec.rules[chosen.first : chosen.last]), spec.rules[chosen.last]
    last, of_last = chosen.last - chosen.first, device_function(summands.implementation(type(rule)))
    add = adder(spec.sums[chosen.last])

    @cuda.jit(device=True)
    def fold(c, total, values):
        kept, x, u = values
        _, step = apply(c, kept, u, x)
        return add(total, of_last(rule, c[last], kept[last], step, x))

    return fold


_MAKE = {FINAL: _storing, ONTO: _storing, STORE: _storing, ROWS: _rows, REDUCE: _reduce}


def adding_kernel(function, count, threads=THREADS):
    """A kernel that adds up, in each block, what ``function`` gives for the entries, into ``sums`` (count, blocks)."""
    add, put, sum_up, tree_size = adder(count), putter(count), tree_of(count, threads), count * threads

    @cuda.jit(device=True)
    def fold(c, total, value):
        return add(total, function(value))

    run = folding(entry, fold, (0.0,) * count, threads)

    @cuda.jit
    def kernel(x, sums):
        tree = cuda.shared.array(tree_size, float64)
        put(run(x, (), x.size, cuda.blockIdx.x, cuda.gridDim.x), tree, cuda.threadIdx.x, threads)
        sum_up(tree, threads)
        if cuda.threadIdx.x == 0:
            for k in range(count):
                sums[k, cuda.blockIdx.x] = tree[k * threads]

    return kernel
