"""What the blocks of a kernel do first in a chain that reduces: bring the numbers of its rules up to date.

A norm or a mean is needed before the next pass, and the host must not wait for it. Each block of a kernel that reduces
leaves its sums in memory. In the next kernel every block adds up the sums of all blocks, in the same order, so that all
agree; its first thread then does what the CPU does between two passes, by the same functions ``absorb`` and
``coefficients``. The end of a kernel is the one barrier between blocks that costs nothing. A kernel of one thread in
between would be one more launch, which should take the host longer than its work takes the device; so long as at most
``MOST_BLOCKS`` blocks run, that each reads at most 24 KB again costs less.

The numbers have a row for each pass: the blocks read one, and block 0 writes the next, which nobody reads meanwhile.
The last pass writes the first row.
"""

from typing import NamedTuple

from numba import float64

from ..generic import absorb, coefficients, notice
from ..rules.passes import MOST_SUMS
from .compose import putter, taker, tree_of, with_numbers
from .device import cuda, device_function


class Reducing(NamedTuple):
    """The rules of a chain that reduce, as the kernels see them."""

    positions: tuple  # in the chain
    rules: tuple  # stand-ins
    sizes: tuple  # how many numbers each keeps
    counts: tuple  # how many coefficients each has

    def place(self, k):
        """Where the numbers of rule k stand among all."""
        return sum(self.sizes[:k])

    def part_of_board(self, k):
        """Where they begin and end in a block's board: behind the sums."""
        return MOST_SUMS + self.place(k), MOST_SUMS + self.place(k + 1)

    def place_of_coefficients(self, k):
        """Where its coefficients stand in a block's board: behind the sums and the numbers."""
        return MOST_SUMS + sum(self.sizes) + sum(self.counts[:k])

    @property
    def board(self):
        """Entries of the board."""
        return MOST_SUMS + sum(self.sizes) + sum(self.counts)


@cuda.jit(device=True)
def _nothing(rules, board, t, rate, f):
    pass


def _begin(reducing, k=0):
    """Tell the rules from number k on of the step."""
    if k == len(reducing.rules):
        return _nothing
    like, others = reducing.rules[k], _begin(reducing, k + 1)
    one = device_function(notice.implementation(type(like)))
    first, last = reducing.part_of_board(k)

    @cuda.jit(device=True)
    def begin(rules, board, t, rate, f):
        one(with_numbers(like, rules[k]), board[first:last], t, rate, f)
        others(rules, board, t, rate, f)

    return begin


def _put_coefficients(reducing, k=0):
    """Compute the coefficients of the rules from number k on."""
    if k == len(reducing.rules):
        return _nothing
    like, others = reducing.rules[k], _put_coefficients(reducing, k + 1)
    one = device_function(coefficients.implementation(type(like)))
    first, last = reducing.part_of_board(k)
    put, place = putter(reducing.counts[k]), reducing.place_of_coefficients(k)

    @cuda.jit(device=True)
    def compute(rules, board, t, rate, f):
        put(one(with_numbers(like, rules[k]), board[first:last], t, rate), board, place, 1)
        others(rules, board, t, rate, f)

    return compute


@cuda.jit(device=True)
def _absorb_nothing(rules, board, n, t):
    pass


def _absorber(reducing, k):
    """Hand the sums to rule number k; None: to nobody."""
    if k is None:
        return _absorb_nothing
    like = reducing.rules[k]
    one = device_function(absorb.implementation(type(like)))
    first, last = reducing.part_of_board(k)

    @cuda.jit(device=True)
    def hand_on(rules, board, n, t):
        one(with_numbers(like, rules[k]), board[first:last], board[:MOST_SUMS], n, t)

    return hand_on


@cuda.jit(device=True)
def _gather_nothing(sums, blocks, tree, board):
    pass


def _gatherer(reduction, count, threads):
    """Add up the sums of all blocks of a reduction."""
    if reduction is None:
        return _gather_nothing
    sum_up = tree_of(count, threads)

    @cuda.jit(device=True)
    def gather(sums, blocks, tree, board):
        t = cuda.threadIdx.x
        for k in range(count):
            total, b = float64(0.0), t
            while b < blocks:
                total += sums[reduction, k, b]
                b += threads
            tree[k * threads + t] = total
        sum_up(tree, threads)
        if t == 0:
            for k in range(MOST_SUMS):  # as on the CPU, what a rule has not summed is 0
                board[k] = tree[k * threads] if k < count else 0.0

    return gather


def _completer(reducing, positions, real):
    """``complete(given, board)``: the coefficients of the rules at these places, wherever they stand."""
    if not positions:
        return _complete_nothing
    others = _completer(reducing, positions[1:], real)
    if positions[0] not in reducing.positions:

        @cuda.jit(device=True)
        def complete(given, board):
            return (given[0], *others(given[1:], board))

        return complete
    k = reducing.positions.index(positions[0])
    take, place = taker(reducing.counts[k], real), reducing.place_of_coefficients(k)

    @cuda.jit(device=True)
    def complete_from_board(given, board):
        return (take(board, place), *others(given[1:], board))

    return complete_from_board


@cuda.jit(device=True)
def _complete_nothing(given, board):
    return ()


@cuda.jit(device=True)
def _as_given(given, more, n, tree, board):
    return given


def settler(reducing, positions, number, passes, reduced, real, threads):
    """``settle(given, more, n, tree, board)``: the coefficients of the rules at ``positions``, for pass ``number``.

    Parameters
    ----------
    reducing : Reducing
    positions : range
        Of the rules of the pass.
    number, passes : int
        Of this pass, and how many there are.
    reduced : tuple (reduction, place among the reducing rules, number of sums), or None
        What the pass before has summed.
    """
    if not reducing.rules:
        return _as_given
    reduction, place, count = reduced or (None, None, 0)
    gather, hand_on = _gatherer(reduction, count, threads), _absorber(reducing, place)
    begin = _begin(reducing) if number == 0 else _nothing
    compute, complete = _put_coefficients(reducing), _completer(reducing, tuple(positions), real)
    size, following = sum(reducing.sizes), (number + 1) % passes

    @cuda.jit(device=True)
    def settle(given, more, n, tree, board):
        rules, numbers, sums, blocks, t, rate, f = more
        gather(sums, blocks, tree, board)
        if cuda.threadIdx.x == 0:
            for k in range(size):
                board[MOST_SUMS + k] = numbers[number, k]
            begin(rules, board, t, rate, f)
            hand_on(rules, board, n, t)
            compute(rules, board, t, rate, f)
            if cuda.blockIdx.x == 0:
                for k in range(size):
                    numbers[following, k] = board[MOST_SUMS + k]
        cuda.syncthreads()
        return complete(given, board)

    return settle
