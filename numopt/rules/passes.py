"""How a chain of rules runs: its passes over the vectors, planned from the types of the rules.

A chain of elementwise rules is one pass: each entry of the gradient goes through all rules and is added to x. A rule
that reduces, by a norm or a mean of the update, needs a pass of its own before, through the rules to the left of it.
They are computed again then, which costs nothing beside reading memory; only if one of them keeps vectors is the
update stored. ``Centralize`` by rows subtracts the mean of each row in a pass that stores.

Passes run over blocks whose size depends on nothing but the rules, and the sums of the blocks are added in order. So
serial and parallel updates give the same bits.
"""

from typing import NamedTuple

import numpy as np
from numba import types

from .._jit import ELEMENTWISE, PLAIN, add, by_type, cast, jit, overload, read, write
from .._scalars import minus_parts, parts
from ..generic import absorb, element, nearest, rate, summands
from . import tuples  # noqa: F401 (it registers what a tuple of rules does)
from .ending import class_of, ends, ends_by_entry, ends_with_a_norm

BLOCK = 16384  # entries; what is computed once in a block costs nothing beside them
MOST_SUMS = 8


# --- the learning rate -----------------------------------------------------------------------------------------------


def learning_rate_of(rules, count):
    """The learning rate of a tuple of rules after ``count`` steps; 1 if none has one."""
    for rule in rules:
        if has_learning_rate(rule):
            return rate(rule.learning_rate, count)
    return 1.0


def has_learning_rate(rule):
    """Whether a rule, or the rule of a Numba type, has a learning rate."""
    return "learning_rate" in class_of(rule)._fields


if not PLAIN:

    @overload(learning_rate_of)
    def _learning_rate_of(rules, count):
        place = next((place for place, rule in enumerate(rules) if has_learning_rate(rule)), None)
        if place is None:
            return lambda rules, count: 1.0
        return lambda rules, count: rate(rules[place].learning_rate, count)


# --- the plan --------------------------------------------------------------------------------------------------------

FINAL, ONTO, REDUCE, STORE, ROWS = range(5)


class Pass(NamedTuple):
    """One pass over the vectors: ``rules[first:last]`` applied to each entry of the update so far.

    FINAL adds the result to x, ONTO also projects that sum onto the set ``rules[last]``. REDUCE sums what
    ``rules[last]`` wants of it, STORE writes it into the buffer, ROWS does that and subtracts from each row its mean,
    which is what ``rules[last]`` does.
    """

    kind: int
    first: int
    last: int
    source: int  # where the update so far stands: 0 in the gradient, 1 in the buffer


def plan(rules, states):
    """The passes of a chain; from the rules and their vectors, or from the Numba types of both."""
    passes, first, source, keeps = [], 0, 0, False
    for position, (rule, state) in enumerate(zip(rules, states, strict=True)):
        if by_rows(rule):
            passes.append(Pass(ROWS, first, position, source))
            first, source, keeps = position + 1, 1, False
        elif reduces(rule):
            if keeps:
                passes.append(Pass(STORE, first, position, source))
                first, source, keeps = position, 1, False
            passes.append(Pass(REDUCE, first, position, source))
        keeps = keeps or len(state) > 0
    kind = ONTO if ends_by_entry(rules) else FINAL
    passes.append(Pass(kind, first, len(rules) - ends(rules[-1]), source))
    return passes


def by_rows(rule):
    """Whether the rule, or the rule of this Numba type, subtracts means of rows."""
    fields = class_of(rule)._fields
    if "row" not in fields:
        return False
    row = list(rule)[fields.index("row")]
    return not (row is None or isinstance(row, types.NoneType))


def reduces(rule):
    """Whether the rule, or the rule of this Numba type, needs sums over all entries before its step."""
    return summands.registered(class_of(rule)) and not by_rows(rule)


# --- the passes: functions of the rules, their coefficients, and blocks of the vectors -------------------------------


@by_type(borrow=True)
def _put(values, out, k):
    """Write a tuple of numbers into ``out``, from place ``k`` on."""


@_put.register(tuple)
def _(length):
    if length == 0:
        return lambda values, out, k: None

    def put(values, out, k):
        out[k] = values[0]
        _put(values[1:], out, k + 1)

    return put


# ``ending`` holds the fields of the last rule or set, and of those that are vectors the same block; of a norm it holds
# the weight in this step


def _final(first, last, source):
    @jit(fastmath=ELEMENTWISE, inline=True, borrow=True)
    def run(rules, c, states, ending, x, g, buffer):
        chosen, scalars, kept, u = rules[first:last], c[first:last], states[first:last], (g, buffer)[source]
        for i in range(x.size):
            new, step = element(chosen, scalars, read(kept, i), u[i], x[i])
            write(kept, i, new)
            x[i] += step

    return run


def _onto(first, last, source):
    @jit(fastmath=ELEMENTWISE, inline=True, borrow=True)
    def run(rules, c, states, ending, x, g, buffer):
        chosen, scalars, kept, u = rules[first:last], c[first:last], states[first:last], (g, buffer)[source]
        for i in range(x.size):
            new, step = element(chosen, scalars, read(kept, i), u[i], x[i])
            write(kept, i, new)
            x[i] = nearest(rules[last], cast(read(ending, i), x), x[i] + step)

    return run


def _store(first, last, source):
    @jit(fastmath=ELEMENTWISE, inline=True, borrow=True)
    def run(rules, c, states, row, x, g, buffer, sums):
        chosen, scalars, kept, u = rules[first:last], c[first:last], states[first:last], (g, buffer)[source]
        for i in range(x.size):
            new, step = element(chosen, scalars, read(kept, i), u[i], x[i])
            write(kept, i, new)
            buffer[i] = step

    return run


def _reduce(first, last, source):
    @jit(fastmath=ELEMENTWISE, inline=True, borrow=True)
    def run(rules, c, states, row, x, g, buffer, sums):
        chosen, scalars, kept, u = rules[first:last], c[first:last], states[first:last], (g, buffer)[source]
        _, step = element(chosen, scalars, read(kept, 0), u[0], x[0])
        total = summands(rules[last], c[last], read(states[last], 0), step, x[0])
        for i in range(1, x.size):
            _, step = element(chosen, scalars, read(kept, i), u[i], x[i])
            total = add(total, summands(rules[last], c[last], read(states[last], i), step, x[i]))
        _put(total, sums, 0)

    return run


def _rows(first, last, source):
    store = _store(first, last, source)

    @jit(borrow=True)
    def run(rules, c, states, row, x, g, buffer, sums):
        store(rules, c, states, row, x, g, buffer, sums)
        for start in range(0, x.size, row):
            _subtract_mean(buffer[start : start + row])

    return run


@jit(borrow=True)
def _subtract_mean(u):
    total = parts(u[0])
    for i in range(1, u.size):
        total = add(total, parts(u[i]))
    mean = cast((total[0] / u.size, total[-1] / u.size), u)
    for i in range(u.size):
        u[i] = minus_parts(u[i], mean[0], mean[1])


_MAKE = {FINAL: _final, ONTO: _onto, REDUCE: _reduce, STORE: _store, ROWS: _rows}


def _function_of(chosen):
    return _MAKE[chosen.kind](chosen.first, chosen.last, chosen.source)


def run_pass(which, rules, c, states, row, x, g, buffer, sums):
    """Run pass number ``which``, not the last, over blocks of the vectors."""
    _function_of(plan(rules, states)[which])(rules, c, states, row, x, g, buffer, sums)


def run_last_pass(rules, c, states, ending, x, g, buffer):
    """Run the pass that changes x over blocks of the vectors."""
    chosen = plan(rules, states)[-1]
    fields = c[-1] if _weighs_by_entry(chosen, rules) else ending
    _function_of(chosen)(rules, c, states, fields, x, g, buffer)


def _weighs_by_entry(chosen, rules):
    """Whether the pass ends with a norm, the fields of which, in this step, are its coefficients."""
    return chosen.kind == ONTO and ends_with_a_norm(rules)


def finish_pass(which, rules, held, states, sums, n, t):
    """Hand the sums of pass number ``which`` to the rule that wanted them."""
    chosen = plan(rules, states)[which]
    if chosen.kind == REDUCE:
        absorb(rules[chosen.last], held[chosen.last], sums, n, t)


def number_of_passes(rules, states):
    """How many there are."""
    return len(plan(rules, states))


def row_of(rules):
    """The length of the rows that the chain works on; 1 if it has none."""
    return next((int(rule.row) for rule in rules if by_rows(rule)), 1)


def needs_buffer(rules, states):
    """Whether an update must be stored between two passes."""
    return any(chosen.kind in (STORE, ROWS) for chosen in plan(rules, states))


def _place_of_start(states):
    """Where the vectors of a chain, or their types, hold the x that it began with; None if nowhere."""
    for position, state in enumerate(states):
        names = getattr(state, "fields", getattr(state, "_fields", ()))
        if "start" in names:
            return position, names.index("start")
    return None


def start_of(states, like, n):
    """The x that a chain began with; where no rule keeps it, zeros of the dtype of ``like``, for it does not matter."""
    place = _place_of_start(states)
    return np.zeros(n, like.dtype) if place is None else states[place[0]][place[1]]


# Compiled, the plan is made from the types, and the number of the pass is compared with that of each in turn.


def _run_one_of(passes, k):
    if k == len(passes):
        return lambda which, rules, c, states, row, x, g, buffer, sums: None
    this, others = _function_of(passes[k]), jit(borrow=True)(_run_one_of(passes, k + 1))

    def run_one(which, rules, c, states, row, x, g, buffer, sums):
        if which == k:
            this(rules, c, states, row, x, g, buffer, sums)
        else:
            others(which, rules, c, states, row, x, g, buffer, sums)

    return run_one


def _finish_one_of(passes, k):
    if k == len(passes):
        return lambda which, rules, held, states, sums, n, t: None
    others, kind, place = jit(borrow=True)(_finish_one_of(passes, k + 1)), passes[k].kind, passes[k].last
    if kind != REDUCE:
        return lambda which, rules, held, states, sums, n, t: others(which, rules, held, states, sums, n, t)

    def finish_one(which, rules, held, states, sums, n, t):
        if which == k:
            absorb(rules[place], held[place], sums, n, t)
        else:
            others(which, rules, held, states, sums, n, t)

    return finish_one


if not PLAIN:

    @overload(run_pass, borrow=True, inline=True)
    def _run_pass(which, rules, c, states, row, x, g, buffer, sums):
        return _run_one_of(plan(rules, states)[:-1], 0)

    @overload(run_last_pass, borrow=True, inline=True)
    def _run_last_pass(rules, c, states, ending, x, g, buffer):
        chosen, last = plan(rules, states)[-1], len(rules) - 1
        this = _function_of(chosen)
        if _weighs_by_entry(chosen, tuple(rules)):
            return lambda rules, c, states, ending, x, g, buffer: this(rules, c, states, c[last], x, g, buffer)
        return lambda rules, c, states, ending, x, g, buffer: this(rules, c, states, ending, x, g, buffer)

    @overload(finish_pass, borrow=True)
    def _finish_pass(which, rules, held, states, sums, n, t):
        return _finish_one_of(plan(rules, states)[:-1], 0)

    @overload(number_of_passes)
    def _number_of_passes(rules, states):
        count = len(plan(rules, states))
        return lambda rules, states: count

    @overload(needs_buffer)
    def _needs_buffer(rules, states):
        needed = any(chosen.kind in (STORE, ROWS) for chosen in plan(rules, states))
        return lambda rules, states: needed

    @overload(start_of)
    def _start_of(states, like, n):
        place = _place_of_start(states)
        if place is None:
            return lambda states, like, n: np.zeros(n, like.dtype)
        position, field = place
        return lambda states, like, n: states[position][field]

    @overload(row_of)
    def _row_of(rules):
        place = next((place for place, rule in enumerate(rules) if by_rows(rule)), None)
        if place is None:
            return lambda rules: 1
        return lambda rules: int(rules[place].row)
