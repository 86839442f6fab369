"""One step of a chain over the vectors of an optimizer, in this thread or on all of them."""

import numpy as np
from numba import prange, types

from .._input import misfit
from .._jit import PLAIN, block, by_type, cast, fields, jit, lend, overload, refuse
from ..generic import admit, coefficients, follow, notice
from .ending import class_of, ending_accepts, ends, project_whole
from .passes import (
    BLOCK,
    MOST_SUMS,
    finish_pass,
    learning_rate_of,
    number_of_passes,
    plan,
    row_of,
    run_last_pass,
    run_pass,
)

PARALLEL_FROM = 100_000  # entries; starting the threads costs about 100 us, the time of a pass over these

# entries of Optimizer.scalars
COUNT = 0  # steps made
SIZE = 1  # n
CHOSEN_RATE = 2  # the learning rate that was set, or NaN
TOTAL = 3  # MOST_SUMS entries: the sums over all blocks so far
OF_BLOCK = TOTAL + MOST_SUMS  # MOST_SUMS entries: the sums over one block
SCALARS = OF_BLOCK + MOST_SUMS

WRONG_SIZE = -1


@fields
class OptimizerFields:
    """What an :class:`Optimizer` holds."""

    rules: tuple
    vectors: tuple  # for each rule a named tuple of arrays of n entries, or ()
    numbers: tuple  # for each rule an array of float64, or ()
    scalars: np.ndarray  # (SCALARS,) float64
    buffer: np.ndarray  # the update between two passes, where it must be stored; its dtype is that of x


def fits(opt, x, g):
    """Whether x and g are contiguous vectors of the optimizer's dtype; compiled, an error of types if not."""
    return x.ndim == g.ndim == 1 and x.dtype == g.dtype == opt.buffer.dtype


if not PLAIN:

    @overload(fits, borrow=True)
    def _types_fit(opt, x, g):
        vector = opt.field_dict["buffer"]
        if not (x == g == vector):
            refuse(f"update: x and g must be contiguous vectors of {vector.dtype}, got {x} and {g}")
        last = opt.field_dict["rules"][-1]
        reason = misfit(last, isinstance(vector.dtype, types.Complex)) if ends(last) else None
        if reason:
            refuse(f"update: {reason}")
        return lambda opt, x, g: True


@jit(borrow=True)
def current_rate(rules, scalars):
    """The learning rate of the next step: the one that was set, or that of the rules."""
    if np.isnan(scalars[CHOSEN_RATE]):
        return learning_rate_of(rules, scalars[COUNT])
    return scalars[CHOSEN_RATE]


@jit(borrow=True)
def _block_size(rules):
    """A multiple of the row."""
    row = row_of(rules)
    return row * max(1, BLOCK // row)


@jit(inline=True, borrow=True)
def _coefficients(rules, held, scalars, x):
    """Those of this step, in the precision of x."""
    return cast(coefficients(rules, held, int(scalars[COUNT]) + 1, current_rate(rules, scalars)), x)


@jit(inline=True, borrow=True)
def _run_block(which, fields, x, g, start, stop, sums):
    rules, states, held, scalars, buffer = fields
    kept, x_part, g_part, buffer_part = block((states, x, g, buffer), start, stop)
    c = _coefficients(rules, held, scalars, x)
    run_pass(which, rules, c, kept, row_of(rules), x_part, g_part, buffer_part, sums)


@jit(inline=True, borrow=True)
def _run_last_block(fields, x, g, start, stop):
    rules, states, held, scalars, buffer = fields
    ending, kept, x_part, g_part, buffer_part = block((rules[-1], states, x, g, buffer), start, stop)
    run_last_pass(rules, _coefficients(rules, held, scalars, x), kept, ending, x_part, g_part, buffer_part)


@jit(borrow=True)
def _finish(which, fields, sums):
    rules, states, held, scalars, _ = fields
    finish_pass(which, rules, held, states, sums, int(scalars[SIZE]), int(scalars[COUNT]) + 1)


def _prepare(fields, x, g, size):
    """Run all passes but the last."""
    rules, states, _, scalars, _ = fields
    total, of_block = scalars[TOTAL:OF_BLOCK], scalars[OF_BLOCK:]
    for which in range(number_of_passes(rules, states) - 1):
        for k in range(MOST_SUMS):
            total[k] = of_block[k] = 0.0  # a pass before may have had more sums
        for start in range(0, x.size, size):
            _run_block(which, fields, x, g, start, min(x.size, start + size), of_block)
            for k in range(MOST_SUMS):
                total[k] += of_block[k]
        _finish(which, fields, total)


def _follow(fields, x, g):
    """What the last rule does after the passes."""
    rules, states, held, scalars, _ = fields
    if follow.registered(type(rules[-1])):
        c = _coefficients(rules, held, scalars, x)
        follow(rules[-1], rules, states, held, c, x, g, int(scalars[COUNT]) + 1)


if not PLAIN:

    @overload(_follow, borrow=True)
    def _follow_if_registered(fields, x, g):
        last = len(fields[0]) - 1
        if not follow.registered(class_of(fields[0][last])):
            return lambda fields, x, g: None

        def run(fields, x, g):
            rules, states, held, scalars, _ = fields
            c = _coefficients(rules, held, scalars, x)
            follow(rules[last], rules, states, held, c, x, g, int(scalars[COUNT]) + 1)

        return run

    @overload(_prepare, borrow=True)
    def _prepare_if_needed(fields, x, g, size):
        # not left to the compiler: most chains have one pass, and the others' code takes half of its time
        rules, states = list(fields)[:2]
        return _prepare if len(plan(rules, states)) > 1 else lambda fields, x, g, size: None


@by_type(borrow=True)
def _number_of(f):
    """The value, NaN if none was given."""


@_number_of.register(float)
def _(f):
    return f


@_number_of.register(type(None))
def _(f):
    return np.nan


@jit(inline=True, borrow=True)
def _step(fields, x, g, f):
    """All passes of a chain behind its gates."""
    rules, _, held, scalars, _ = fields
    notice(rules, held, int(scalars[COUNT]) + 1, current_rate(rules, scalars), _number_of(f))
    size = _block_size(rules)
    _prepare(fields, x, g, size)
    for start in range(0, x.size, size):
        _run_last_block(fields, x, g, start, min(x.size, start + size))
    project_whole(rules, current_rate(rules, scalars), x)
    _follow(fields, x, g)
    scalars[COUNT] += 1.0


def _enter(fields, x, g, f):
    """A step, if the gates at the head of the chain let it through; each that keeps a vector hands that on."""
    rules, states, held, scalars, buffer = fields
    if not admit.registered(type(rules[0])):
        _step(fields, x, g, f)
    elif admit(rules[0], held[0], states[0], g, f):
        handed = states[0][0] if len(states[0]) > 0 else g
        _enter((rules[1:], states[1:], held[1:], scalars, buffer), x, handed, f)


def has_gates(opt):
    """Whether the chain begins with a gate."""
    return admit.registered(type(opt.rules[0]))


def gets_value(opt, f):
    """Whether the value is given, if a rule needs it; compiled, an error of types if not."""
    return f is not None or not any(rule.needs_value for rule in opt.rules)


if not PLAIN:

    @overload(_enter, borrow=True, inline=True)
    def _enter_by_type(fields, x, g, f):
        rules, states = list(fields)[:2]
        if not admit.registered(class_of(rules[0])):
            return lambda fields, x, g, f: _step(fields, x, g, f)

        def hand_on_gradient(fields, x, g, f):
            rules, states, held, scalars, buffer = fields
            if admit(rules[0], held[0], states[0], g, f):
                _enter((rules[1:], states[1:], held[1:], scalars, buffer), x, g, f)

        def hand_on_vector(fields, x, g, f):
            rules, states, held, scalars, buffer = fields
            if admit(rules[0], held[0], states[0], g, f):
                _enter((rules[1:], states[1:], held[1:], scalars, buffer), x, states[0][0], f)

        return hand_on_vector if len(states[0]) > 0 else hand_on_gradient

    @overload(gets_value, borrow=True)
    def _gets_value_of_type(opt, f):
        needing = [class_of(rule).__name__ for rule in opt.field_dict["rules"] if class_of(rule).needs_value]
        if needing and isinstance(f, (types.NoneType, types.Omitted)):
            refuse(f"update: {', '.join(needing)} needs the value: update(x, g, f)")
        return lambda opt, f: True


@jit(borrow=True)
def serial_update(opt, x, g, f):
    """One step in this thread."""
    if not (fits(opt, x, g) and gets_value(opt, f)):
        return WRONG_SIZE
    fields, n = lend(opt), x.size
    if n != fields[3][SIZE] or g.size != n or not ending_accepts(fields[0], n):
        return WRONG_SIZE
    _enter(fields, x, g, f)
    return 0


# Numba compiles no record in the body of a prange, but does compile the object that holds them.


@jit(borrow=True)
def _run_block_of(opt, which, x, g, start, stop, sums):
    _run_block(which, lend(opt), x, g, start, stop, sums)


@jit(borrow=True)
def _run_last_block_of(opt, x, g, start, stop):
    _run_last_block(lend(opt), x, g, start, stop)


@jit(borrow=True)
def _finish_of(opt, which, sums):
    _finish(which, lend(opt), sums)


@jit(borrow=True)
def _project_whole_of(opt, x):
    rules, _, _, scalars, _ = lend(opt)
    project_whole(rules, current_rate(rules, scalars), x)


@jit(borrow=True)
def _follow_of(opt, x, g):
    _follow(lend(opt), x, g)


@jit(borrow=True)
def _notice_of(opt, f):
    rules, _, held, scalars, _ = lend(opt)
    notice(rules, held, int(scalars[COUNT]) + 1, current_rate(rules, scalars), _number_of(f))


@jit(parallel=True)
def parallel_update(opt, x, g, f):
    """The same step on all threads, with the same bits; for chains without gates."""
    n, scalars, size = x.size, opt.scalars, _block_size(opt.rules)
    if not (fits(opt, x, g) and gets_value(opt, f) and ending_accepts(opt.rules, n)):
        return WRONG_SIZE
    if n != scalars[SIZE] or g.size != n:
        return WRONG_SIZE
    _notice_of(opt, f)
    blocks = (n + size - 1) // size
    for which in range(number_of_passes(opt.rules, opt.vectors) - 1):
        sums, total = np.zeros((blocks, MOST_SUMS)), np.zeros(MOST_SUMS)
        for b in prange(blocks):
            _run_block_of(opt, which, x, g, b * size, min(n, (b + 1) * size), sums[b])
        for b in range(blocks):
            for k in range(MOST_SUMS):
                total[k] += sums[b, k]
        _finish_of(opt, which, total)
    for b in prange(blocks):
        _run_last_block_of(opt, x, g, b * size, min(n, (b + 1) * size))
    _project_whole_of(opt, x)
    _follow_of(opt, x, g)
    scalars[COUNT] += 1.0
    return 0
