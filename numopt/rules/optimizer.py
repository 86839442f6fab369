"""The object that ``init`` returns: a chain of rules with its state, in Python and inside ``@njit`` code."""

from types import SimpleNamespace

import numpy as np
from numba import prange, types
from numba.core.errors import TypingError
from numba.extending import overload

from .._input import not_negative, objective_value, parameter_vector, step_vectors
from .._jit import PLAIN, block, by_type, cast, copy_into, fields, jit, lend, run_parallel, stateful
from ..generic import admit, coefficients, notice, numbers, vectors
from .passes import (
    BLOCK,
    MOST_SUMS,
    class_of,
    finish_pass,
    learning_rate_of,
    needs_buffer,
    number_of_passes,
    plan,
    row_of,
    run_last_pass,
    run_pass,
    start_of,
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


def _fits(opt, x, g):
    """Whether x and g are contiguous vectors of the optimizer's dtype; compiled, an error of types if not."""
    return x.ndim == g.ndim == 1 and x.dtype == g.dtype == opt.buffer.dtype


if not PLAIN:

    @overload(_fits, jit_options={"_nrt": False})
    def _types_fit(opt, x, g):
        vector = opt.field_dict["buffer"]
        if not (x == g == vector):
            raise TypingError(f"update: x and g must be contiguous vectors of {vector.dtype}, got {x} and {g}")
        return lambda opt, x, g: True


@jit(borrow=True)
def _learning_rate(rules, scalars):
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
    return cast(coefficients(rules, held, int(scalars[COUNT]) + 1, _learning_rate(rules, scalars)), x)


@jit(inline=True, borrow=True)
def _run_block(which, fields, x, g, start, stop, sums):
    rules, states, held, scalars, buffer = fields
    kept, x_part, g_part, buffer_part = block((states, x, g, buffer), start, stop)
    c = _coefficients(rules, held, scalars, x)
    run_pass(which, rules, c, kept, row_of(rules), x_part, g_part, buffer_part, sums)


@jit(inline=True, borrow=True)
def _run_last_block(fields, x, g, start, stop):
    rules, states, held, scalars, buffer = fields
    kept, x_part, g_part, buffer_part = block((states, x, g, buffer), start, stop)
    run_last_pass(rules, _coefficients(rules, held, scalars, x), kept, row_of(rules), x_part, g_part, buffer_part)


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
            total[k] = 0.0
        for start in range(0, x.size, size):
            _run_block(which, fields, x, g, start, min(x.size, start + size), of_block)
            for k in range(MOST_SUMS):
                total[k] += of_block[k]
        _finish(which, fields, total)


if not PLAIN:

    @overload(_prepare, jit_options={"error_model": "numpy", "_nrt": False})
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
    notice(rules, held, int(scalars[COUNT]) + 1, _number_of(f))
    size = _block_size(rules)
    _prepare(fields, x, g, size)
    for start in range(0, x.size, size):
        _run_last_block(fields, x, g, start, min(x.size, start + size))
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


def _gets_value(opt, f):
    """Whether the value is given, if a rule needs it; compiled, an error of types if not."""
    return f is not None or not any(rule.needs_value for rule in opt.rules)


if not PLAIN:

    @overload(_enter, jit_options={"error_model": "numpy", "_nrt": False, "forceinline": True})
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

    @overload(_gets_value, jit_options={"_nrt": False})
    def _gets_value_of_type(opt, f):
        needing = [class_of(rule).__name__ for rule in opt.field_dict["rules"] if class_of(rule).needs_value]
        if needing and isinstance(f, (types.NoneType, types.Omitted)):
            raise TypingError(f"update: {', '.join(needing)} needs the value: update(x, g, f)")
        return lambda opt, f: True


@jit(borrow=True)
def serial_update(opt, x, g, f):
    """One step in this thread."""
    if not (_fits(opt, x, g) and _gets_value(opt, f)):
        return WRONG_SIZE
    fields, n = lend(opt), x.size
    if n != fields[3][SIZE] or g.size != n:
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
def _notice_of(opt, f):
    rules, _, held, scalars, _ = lend(opt)
    notice(rules, held, int(scalars[COUNT]) + 1, _number_of(f))


@jit(parallel=True)
def parallel_update(opt, x, g, f):
    """The same step on all threads, with the same bits; for chains without gates."""
    n, scalars, size = x.size, opt.scalars, _block_size(opt.rules)
    if not (_fits(opt, x, g) and _gets_value(opt, f)) or n != scalars[SIZE] or g.size != n:
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
    scalars[COUNT] += 1.0
    return 0


@stateful(OptimizerFields)
class Optimizer:
    """A chain of rules with its state, made by ``chain(...).init(x)``.

    ``update(x, g)`` changes x in place by one step along the gradient g. The same in Python and in ``@njit`` code;
    there nothing is checked that depends on values, and ``update`` returns 0, or -1 if the sizes do not fit, in which
    case it has touched nothing. In Python long vectors go to all threads, with the same bits. For complex x,
    g = df/dRe(x) + i df/dIm(x), the direction of steepest ascent. One object must not be used by two threads at once.

    Attributes
    ----------
    count : int
        Steps made.
    learning_rate : float
        That of the next step. It can be set, and then takes the place of a schedule for good.
    rules : tuple
        The rules of the chain.
    vectors, numbers : tuple
        The state, for each rule in turn: a named tuple of vectors of n entries or (), an array of numbers or ().
    state : dict
        In Python, the same by names.
    scalars, buffer : ndarray
        What is left: the count and other numbers, and room for an update between two passes.

    Examples
    --------
    >>> import numpy as np
    >>> import numopt as no
    >>> x = np.array([1.0, -2.0])
    >>> opt = no.chain(no.Clip(1.0), no.Adam(0.1)).init(x)
    >>> for _ in range(300):
    ...     opt.update(x, 2 * x)
    >>> bool(abs(x).max() < 1e-3), opt.count
    (True, 300)
    >>> opt.state["Adam"].v.shape
    (2,)
    """

    class compiled:
        """What ``@njit`` code sees."""

        def new(rules, x):
            held = vectors(rules, x)
            buffer = np.zeros(x.size if needs_buffer(rules, held) else 0, x.dtype)
            scalars = np.zeros(SCALARS)
            scalars[SIZE], scalars[CHOSEN_RATE] = x.size, np.nan
            return OptimizerFields(rules, held, numbers(rules, x), scalars, buffer)

        def update(self, x, g, f=None):
            return serial_update(self, x, g, f)

        def reset(self):
            """Make state, count and learning rate as after ``init``, with the x it had then."""
            x = start_of(self.vectors, self.buffer, int(self.scalars[SIZE]))
            copy_into(self.vectors, vectors(self.rules, x))
            copy_into(self.numbers, numbers(self.rules, x))
            self.scalars[COUNT], self.scalars[CHOSEN_RATE] = 0.0, np.nan

        @property
        def count(self):
            """Steps made."""
            return int(self.scalars[COUNT])

        @property
        def learning_rate(self):
            """Of the next step."""
            return _learning_rate(self.rules, self.scalars)

        @learning_rate.setter
        def learning_rate(self, value):
            self.scalars[CHOSEN_RATE] = value

    def __new__(cls, rules, x):
        """Check x; :func:`chain` has checked the rules."""
        x, row = parameter_vector(x), row_of(rules)
        if x.size % row != 0:
            raise ValueError(f"Centralize(row={row}): the {x.size} entries of x are not a multiple of {row}")
        return cls.compiled.new(tuple(rules), x)

    def update(self, x, g, f=None):
        """Change x in place by one step along g; g is not changed, and nothing is allocated.

        ``f``, the value at x, is for the rules that need it.

        Raises
        ------
        ValueError, TypeError
            If x is not a writable contiguous vector of the optimizer's dtype and size, g is none of that dtype and
            size, or a rule lacks the value; nothing has been touched then.
        """
        if type(x) is not np.ndarray or type(g) is not np.ndarray or x.dtype is not g.dtype or not x.flags.carray:
            x, g = step_vectors(x, g)
        if not g.flags.c_contiguous:
            g = np.ascontiguousarray(g)
        if f is not None:
            f = float(objective_value(f))
        try:
            if x.size >= PARALLEL_FROM and not has_gates(self):
                status = run_parallel(parallel_update, serial_update, self, x, g, f)
            else:
                status = serial_update(self, x, g, f)
        except TypingError:
            if _fits(self, x, g) and _gets_value(self, f):
                raise
            status = WRONG_SIZE
        if status != 0:
            self._explain(x, g, f)

    def _explain(self, x, g, f):
        """Raise for an update that was refused."""
        if not _fits(self, x, g) or not x.size == g.size == self.scalars[SIZE]:
            raise ValueError(
                f"update: the optimizer is for a {self.buffer.dtype} vector of {int(self.scalars[SIZE])} entries, "
                f"got x of {x.dtype} {x.shape} and g of {g.dtype} {g.shape}"
            )
        needing = ", ".join(type(rule).__name__ for rule in self.rules if rule.needs_value)
        raise ValueError(f"update: {needing} needs the value of the objective: update(x, g, f)")

    @property
    def state(self):
        """What each rule keeps, by the name of the rule: vectors (the optimizer's own) and numbers, by their names.

        A second rule of the same name is called ``Adam_2``, and so on.
        """
        rules, vectors, numbers, _, _ = self._values
        found = {}
        for rule, kept, held in zip(rules, vectors, numbers, strict=True):
            name = type(rule).__name__
            same = sum(key.split("_")[0] == name for key in found)
            named = kept._asdict() if kept else {}
            named |= {key: float(value) for key, value in zip(rule.holds, held, strict=True)}
            found[f"{name}_{same + 1}" if same else name] = SimpleNamespace(**named)
        return found

    @property
    def learning_rate(self):
        """That of the next step."""
        return self.compiled.learning_rate(self)

    @learning_rate.setter
    def learning_rate(self, value):
        self.scalars[CHOSEN_RATE] = not_negative(value, "learning_rate")

    def __repr__(self):
        """The rules, n, dtype and count."""
        rules, _, _, scalars, buffer = self._values
        names = ", ".join(map(repr, rules))
        return f"<Optimizer of {int(scalars[SIZE])} {buffer.dtype} numbers: {names}; {self.count} steps>"
