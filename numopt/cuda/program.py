"""A chain behind its gates as the device runs it: its kernels, their grids, and what they share beside the state."""

import numpy as np

from .._foreign import cuda_part
from .._jit import jit, read
from ..generic import coefficients, notice, numbers, rate, summands, vectors
from ..rules.ending import ends, ends_as_a_whole, ends_by_entry, ends_with_a_norm
from ..rules.passes import MOST_SUMS, REDUCE, ROWS, has_learning_rate, needs_buffer, reduces, row_of
from ..rules.update import CHOSEN_RATE, COUNT
from .compose import numbers_in, pattern_of, plain_tuples, real_of, stand_in
from .device import LOADS, MOST_BLOCKS, THREADS, blocks_of, cuda, launch, new_vector, to_host
from .fields import on_device
from .passes import Spec, kernels_of, reducing_rules, team_of


@jit(borrow=True)
def scalars_of_step(rules, held, schedule, scalars, f):
    """The learning rate of the next step, and the coefficients of rules whose numbers the host keeps."""
    chosen, t = scalars[CHOSEN_RATE], int(scalars[COUNT]) + 1
    learning_rate = rate(schedule, scalars[COUNT]) if np.isnan(chosen) else chosen
    notice(rules, held, t, learning_rate, f)
    return learning_rate, coefficients(rules, held, t, learning_rate)


def spec_of(rules, dtype):
    """What the kernels of rules without gates depend on, found out with vectors of one entry."""
    x = np.ones(1, dtype)
    states, held = vectors(rules, x), numbers(rules, x)
    c = coefficients(rules, held, 1, 1.0)
    sums = tuple(
        len(summands(rule, of_rule, read(kept, 0), x[0], x[0])) if reduces(rule) else 0
        for rule, of_rule, kept in zip(rules, c, states, strict=True)
    )
    ending = pattern_of(tuple(rules[-1])) if ends_by_entry(rules) else ()
    stand_ins, sizes = tuple(map(stand_in, rules)), tuple(map(len, held))
    return Spec(stand_ins, pattern_of(states), ending, np.dtype(dtype), tuple(map(len, c)), sizes, sums)


def _projection_onto(onto):
    """The function that projects a whole vector in place: ``project_device(onto, x, stream)``."""
    projections = cuda_part("projections")  # most chains do not compile its kernels
    projections.check_class(onto, "init")
    return projections.project_device


class Program:
    """The passes of rules over vectors of n entries.

    Parameters
    ----------
    rules : tuple
        Without gates.
    n : int
    dtype : dtype
    """

    def __init__(self, rules, n, dtype):
        self.rules, self.real = rules, real_of(dtype)
        spec = spec_of(rules, dtype)
        self.kernels, self.row, self.reducing = kernels_of(spec), row_of(rules), reducing_rules(spec)
        self.blocks = [kernel.blocks(n, self.row, THREADS) for kernel in self.kernels]
        self.on_host = [k for k, rule in enumerate(rules) if k not in self.reducing.positions and not ends(rule)]
        self.host_rules = tuple(rules[k] for k in self.on_host)
        self.schedule = next((rule.learning_rate for rule in rules if has_learning_rate(rule)), 1.0)
        self.ending = on_device(tuple(rules[-1]), np.dtype(dtype), 0) if ends_by_entry(rules) else ()
        self.project = _projection_onto(rules[-1]) if ends_as_a_whole(rules) else None
        self.buffer = new_vector(n, dtype) if needs_buffer(spec.rules, spec.patterns) else None
        if self.reducing.rules:
            reductions = sum(kernel.chosen.kind == REDUCE for kernel in self.kernels)
            self.sum_blocks = blocks_of(n, LOADS, MOST_BLOCKS)
            self.sums = cuda.device_array((reductions, MOST_SUMS, max(1, self.sum_blocks)), np.float64)
            self.rule_numbers = tuple(numbers_in(rules[k]) for k in self.reducing.positions)

    def set_numbers(self, held, stream):
        """Take the numbers of the rules: those of rules that reduce go to the device, the others stay on the host."""
        self.held = tuple(held)
        self.host_held = tuple(self.held[k] for k in self.on_host)
        if self.reducing.rules:
            row = np.concatenate([self.held[k] for k in self.reducing.positions])
            rows = np.zeros((len(self.kernels), row.size))
            rows[0] = row
            self.numbers = cuda.to_device(rows, stream=stream)

    def copied_numbers(self, stream):
        """Copies of the numbers of the rules, when ``stream`` is done with them."""
        found = [held if isinstance(held, tuple) else held.copy() for held in self.held]
        if self.reducing.rules:
            row = to_host(self.numbers, stream)[0]
            for k, position in enumerate(self.reducing.positions):
                found[position] = row[self.reducing.place(k) : self.reducing.place(k + 1)].copy()
        return tuple(found)

    def step(self, states, scalars, x, g, f, stream):
        """All passes; ``scalars`` are those of an Optimizer, and f is NaN if it is not known."""
        learning_rate, computed = scalars_of_step(self.host_rules, self.host_held, self.schedule, scalars, f)
        c, more = [()] * len(self.rules), ()
        for k, of_rule in zip(self.on_host, computed, strict=True):
            c[k] = tuple(map(self.real, of_rule))
        if self.reducing.rules:
            t = int(scalars[COUNT]) + 1
            more = self.rule_numbers, self.numbers, self.sums, self.sum_blocks, t, float(learning_rate), float(f)
        last, ending = self.rules[-1], self.ending
        if ends_with_a_norm(self.rules):
            weight = last.weight * float(learning_rate)
            last, ending = last._replace(weight=weight), (self.real(weight),)
        states, out = plain_tuples(states), () if self.buffer is None else self.buffer
        for kernel, blocks in zip(self.kernels, self.blocks, strict=True):
            kind, first, end, source = kernel.chosen
            end += kind == REDUCE  # what the rule that reduces has, too
            arrays = states[first:end], ending, x, self.buffer if source else g, out
            rows = (self.row, team_of(self.row, THREADS)) if kind == ROWS else ()
            launch(kernel.run, blocks, THREADS, stream, tuple(c[first:end]), arrays, x.size, more, *rows)
        if self.project is not None:
            self.project(last, x, stream)
