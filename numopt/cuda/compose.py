"""Device functions put together by the host, from the functions of rules and sets that are chosen by type.

A chain of rules becomes one device function by closure, a rule at a time, and so does what reads and writes the vectors
that its rules keep. The rules' own functions are those of the CPU. Numbers come as arguments, never from the records:
a kernel is compiled once for all learning rates.
"""

import numpy as np
from numba import types
from numba.extending import intrinsic

from .._jit import PLAIN, Positions, Record
from ..generic import element
from .device import LOADS, cuda, device_function

WRITTEN, FIXED, POSITION, NUMBER = range(4)  # what a field of a state or a set is to a kernel


def pattern_of(values):
    """The nested tuple that says of which kind each of the values is; ``start`` names a vector that never changes."""
    if isinstance(values, Positions):
        return POSITION
    if isinstance(values, tuple):
        fields = getattr(values, "_fields", (None,) * len(values))
        return tuple(
            FIXED if name == "start" else pattern_of(value) for name, value in zip(fields, values, strict=True)
        )
    return WRITTEN if getattr(values, "ndim", 0) else NUMBER


def plain_tuples(values):
    """The same nested tuples without names, as kernels take them."""
    if isinstance(values, Positions):
        return 0  # where an entry stands is known without it
    return tuple(map(plain_tuples, values)) if isinstance(values, tuple) else values


def stand_in(rule):
    """A record of the same type that chooses functions, without the numbers and arrays, which kernels never look at."""
    fields = zip(rule._fields, rule, strict=True)
    return tuple.__new__(type(rule), (0.0 if name == "learning_rate" else _blank(value) for name, value in fields))


def _blank(value):
    if isinstance(value, Record):
        return stand_in(value)
    if isinstance(value, tuple):
        return tuple(map(_blank, value))
    return value if value is None or isinstance(value, bool) else 0.0


def numbers_in(rule):
    """The numbers among the fields of a flat record, which a kernel takes; it takes no None."""
    fields = zip(rule._fields, rule, strict=True)
    given = (0.0 if name == "learning_rate" else value for name, value in fields)  # a kernel is handed that apart
    return tuple(float(value) for value in given if isinstance(value, float))


def _plain_with_numbers(like, numbers):
    """The record ``like`` with these in the place of its numbers."""
    given = iter(numbers)
    return tuple.__new__(type(like), (next(given) if isinstance(value, float) else value for value in like))


@intrinsic
def _with_numbers(typingctx, like, numbers):
    def codegen(context, builder, signature, args):
        record, given = args
        parts, k = [], 0
        for place, kind in enumerate(like):
            is_number = isinstance(kind, types.Float)
            parts.append(builder.extract_value(given, k) if is_number else builder.extract_value(record, place))
            k += is_number
        return context.make_tuple(builder, like, parts)

    return like(like, numbers), codegen


with_numbers = _plain_with_numbers if PLAIN else _with_numbers


@cuda.jit(device=True)
def _nothing(values, i):
    return ()


@cuda.jit(device=True)
def entry(vector, i):
    """The entry i, which is not negative: the compiler need not look at the sign of an unsigned number."""
    return vector[np.uintp(i)]


@cuda.jit(device=True)
def _itself(number, i):
    return number


@cuda.jit(device=True)
def _index(number, i):
    return i


def reader(pattern):
    """``read(values, i)``: the entries i of nested tuples of vectors; numbers stay."""
    if not isinstance(pattern, tuple):
        return {WRITTEN: entry, FIXED: entry, POSITION: _index, NUMBER: _itself}[pattern]
    if not pattern:
        return _nothing
    one, others = reader(pattern[0]), reader(pattern[1:])

    @cuda.jit(device=True)
    def read(values, i):
        return (one(values[0], i), *others(values[1:], i))

    return read


@cuda.jit(device=True)
def _write_nothing(vectors, i, values):
    pass


@cuda.jit(device=True)
def _write_entry(vector, i, value):
    vector[np.uintp(i)] = value


def writer(pattern):
    """``write(vectors, i, values)``: nested values into the entries i."""
    if not isinstance(pattern, tuple):
        return _write_entry if pattern == WRITTEN else _write_nothing
    if not pattern:
        return _write_nothing
    one, others = writer(pattern[0]), writer(pattern[1:])

    @cuda.jit(device=True)
    def write(vectors, i, values):
        one(vectors[0], i, values[0])
        others(vectors[1:], i, values[1:])

    return write


@cuda.jit(device=True)
def _unchanged(c, states, u, x):
    return (), u


def applier(stand_ins):
    """``apply(c, states, u, x)``: one entry through a tuple of rules; gives their states and the update."""
    if not stand_ins:
        return _unchanged
    rule, others = stand_ins[0], applier(stand_ins[1:])
    one = device_function(element.implementation(type(rule)))

    @cuda.jit(device=True)
    def apply(c, states, u, x):
        state, u = one(rule, c[0], states[0], u, x)
        rest, u = others(c[1:], states[1:], u, x)
        return (state, *rest), u

    return apply


# --- loops -----------------------------------------------------------------------------------------------------------
#
# A block works on tiles, of its threads times the entries that each of them has in flight. Their places differ by
# constants, so that one address is computed for all.


@cuda.jit(device=True)
def _none_taken(arrays, c, total, i):
    return total


def _together(load, take, apart, count):
    """``run(arrays, c, total, i)``: ``count`` entries, ``apart``, all loaded before the first is taken.

    A compiler must not move a load past a store that may go to the same place; so the order of the source decides
    how many loads are under way at a time.
    """
    if count == 0:
        return _none_taken
    others = _together(load, take, apart, count - 1)

    @cuda.jit(device=True)
    def run(arrays, c, total, i):
        values = load(arrays, i)
        total = others(arrays, c, total, i + apart)
        return take(arrays, c, total, i, values)

    return run


def each(load, take, nothing, threads, count):
    """``run(arrays, c, n, tile, hop)``: n entries by ``total = take(arrays, c, total, i, load(arrays, i))``.

    Tiles are ``tile``, ``tile + hop`` and so on; a negative ``hop`` goes towards the first.

    Parameters
    ----------
    load, take : device function
        ``take`` stores at place i, if at all.
    nothing
        The total before the first entry.
    threads : int
        Of a block.
    count : int
        How many entries a thread has in flight.
    """
    many, one = _together(load, take, threads, count), _together(load, take, threads, 1)
    last, size = (count - 1) * threads, count * threads

    @cuda.jit(device=True)
    def run(arrays, c, n, tile, hop):
        total = nothing
        while tile >= 0 and tile * size < n:
            i = tile * size + cuda.threadIdx.x
            if i + last < n:
                total = many(arrays, c, total, i)
            else:
                while i < n:
                    total = one(arrays, c, total, i)
                    i += threads
            tile += hop
        return total

    return run


def folding(load, fold, nothing, threads, count=LOADS):
    """The same for passes that store nothing, with ``total = fold(c, total, load(arrays, i))``."""

    @cuda.jit(device=True)
    def take(arrays, c, total, i, values):
        return fold(c, total, values)

    return each(load, take, nothing, threads, count)


def storing(load, store, threads, count):
    """``run(arrays, c, n)``: ``store(arrays, c, i, load(arrays, i))`` for n entries, by all blocks."""

    @cuda.jit(device=True)
    def take(arrays, c, total, i, values):
        store(arrays, c, i, values)
        return total

    run = each(load, take, 0, threads, count)

    @cuda.jit(device=True)
    def run_all(arrays, c, n):
        run(arrays, c, n, cuda.blockIdx.x, cuda.gridDim.x)

    return run_all


# --- sums ------------------------------------------------------------------------------------------------------------


@cuda.jit(device=True)
def _add_nothing(a, b):
    return ()


def adder(count):
    """``add(a, b)`` of two tuples of so many numbers, in this order on every device."""
    if count == 0:
        return _add_nothing
    others = adder(count - 1)

    @cuda.jit(device=True)
    def add(a, b):
        return (a[0] + b[0], *others(a[1:], b[1:]))

    return add


@cuda.jit(device=True)
def _put_nothing(values, board, k, apart):
    pass


def putter(count):
    """``put(values, board, k, apart)``: a tuple of so many numbers into an array, from place k on, ``apart``."""
    if count == 0:
        return _put_nothing
    others = putter(count - 1)

    @cuda.jit(device=True)
    def put(values, board, k, apart):
        board[k] = values[0]
        others(values[1:], board, k + apart, apart)

    return put


def taker(count, real):
    """``take(board, k)``: so many numbers of an array, from place k on, as a tuple in the precision of the vectors."""
    if count == 0:
        return _nothing
    others = taker(count - 1, real)

    @cuda.jit(device=True)
    def take(board, k):
        return (real(board[k]), *others(board, k + 1))

    return take


def tree_of(count, threads):
    """``sum_up(tree, team)``: add up ``count`` rows of ``threads`` numbers over every team of so many threads.

    ``team`` is a power of two. Every thread of the block must call it; the sum of a team stands at its first thread.
    """

    @cuda.jit(device=True)
    def sum_up(tree, team):
        t = cuda.threadIdx.x
        half = team // 2
        cuda.syncthreads()
        while half > 0:
            if t % team < half:
                for k in range(count):
                    tree[k * threads + t] += tree[k * threads + t + half]
            cuda.syncthreads()
            half //= 2

    return sum_up


def real_of(dtype):
    """The type of real numbers of the precision of a dtype."""
    return np.float32 if dtype in (np.float32, np.complex64) else np.float64
