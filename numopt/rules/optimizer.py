"""The object that ``init`` returns: a chain of rules with its state, in Python and inside ``@njit`` code."""

from types import SimpleNamespace

import numpy as np

from .._foreign import cuda_part
from .._input import finite_not_negative, misfit, objective_value, parameter_vector, step_vectors
from .._jit import borrowing, copy_into, run_parallel, stateful
from .._storage import Stored
from ..generic import accepts, numbers, prepare, vectors
from .ending import ends
from .passes import has_learning_rate, needs_buffer, row_of, start_of
from .update import (
    CHOSEN_RATE,
    COUNT,
    PARALLEL_FROM,
    SCALARS,
    SIZE,
    WRONG_SIZE,
    OptimizerFields,
    current_rate,
    fits,
    gets_value,
    has_gates,
    parallel_update,
    serial_update,
)


def check_vector(rules, x):
    """ValueError if the rules do not fit a vector of this size and dtype."""
    row = row_of(rules)
    if x.size % row != 0:
        raise ValueError(f"Centralize(row={row}): the {x.size} entries of x are not a multiple of {row}")
    if ends(rules[-1]):
        reason = misfit(rules[-1], x.dtype.kind == "c")
        if reason:
            raise TypeError(reason)
    for rule in rules:
        # arrays of other rules, such as those of a schedule, are not as long as x
        if (ends(rule) or rule.prepares or rule.closes) and not accepts(rule, x.size):
            raise ValueError(f"x has {x.size} entries, which are not as many as {rule!r} is for")
    if x.dtype.kind == "c" and any(rule.real_only for rule in rules):
        names = ", ".join(type(rule).__name__ for rule in rules if rule.real_only)
        raise ValueError(f"{names}: for real x only, but x is {x.dtype}")


@stateful(OptimizerFields)
class Optimizer(Stored):
    """A chain of rules with its state, made by ``chain(...).init(x)``.

    ``update(x, g)`` changes x in place by one step along the gradient g. The same in Python and in ``@njit`` code;
    there ``update`` does not raise: it returns 0, or -1 if the sizes of x and g do not fit, in which case it has
    touched nothing. Look at that where sizes may be wrong: ``if opt.update(x, g) != 0: break``. In Python
    long vectors go to all threads, with the same bits. For complex x, g = df/dRe(x) + i df/dIm(x), the direction of
    steepest ascent. It can be pickled, and ``save`` writes it to a file, which :func:`numopt.load` reads. One object
    must not be used by two threads at once.

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
            prepare(rules, x)
            held = vectors(rules, x)
            buffer = np.zeros(x.size if needs_buffer(rules, held) else 0, x.dtype)
            scalars = np.zeros(SCALARS)
            scalars[SIZE], scalars[CHOSEN_RATE] = x.size, np.nan
            return OptimizerFields(rules, held, numbers(rules, x), scalars, buffer)

        @borrowing
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
            return current_rate(self.rules, self.scalars)

        @learning_rate.setter
        def learning_rate(self, value):
            self.scalars[CHOSEN_RATE] = value

    def __new__(cls, rules, x):
        """Check x; :func:`chain` has checked the rules."""
        given, x = x, parameter_vector(x)
        check_vector(rules, x)
        if any(rule.prepares for rule in rules) and not (x is given and x.flags.writeable):
            names = ", ".join(type(rule).__name__ for rule in rules if rule.prepares)
            raise ValueError(
                f"init: {names} changes x, which must be a writable contiguous NumPy vector, got {given!r}"
            )
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
        if not g.flags.carray:  # of another stride, or read-only
            if g.shape != x.shape:  # before it is copied
                self._explain(x, g, f)
            g = np.array(g)
        if f is not None:
            f = float(objective_value(f))
        try:
            if x.size >= PARALLEL_FROM and not has_gates(self):
                status = run_parallel(parallel_update, serial_update, self, x, g, f)
            else:
                status = serial_update(self, x, g, f)
        except TypeError:  # of a vector that this code is not compiled for
            if fits(self, x, g) and gets_value(self, f):
                raise
            status = WRONG_SIZE
        if status != 0:
            self._explain(x, g, f)

    def _explain(self, x, g, f):
        """Raise for an update that was refused."""
        if not fits(self, x, g) or not x.size == g.size == self.scalars[SIZE]:
            raise ValueError(
                f"update: the optimizer is for a {self.buffer.dtype} vector of {int(self.scalars[SIZE])} entries, "
                f"got x of {x.dtype} {x.shape} and g of {g.dtype} {g.shape}"
            )
        needing = ", ".join(type(rule).__name__ for rule in self.rules if rule.needs_value)
        raise ValueError(f"update: {needing} needs the value of the objective: update(x, g, f)")

    def to_device(self, stream=None):
        """A :class:`~numopt.cuda.optimizer.DeviceOptimizer` that goes on from here, on the current GPU."""
        return cuda_part("optimizer").DeviceOptimizer.from_host(self, stream)

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
        if not any(map(has_learning_rate, self.rules)):
            raise AttributeError("learning_rate: no rule of the chain has one")
        self.scalars[CHOSEN_RATE] = finite_not_negative(value, "learning_rate")

    def __repr__(self):
        """The rules, n, dtype and count."""
        rules, _, _, scalars, buffer = self._values
        names = ", ".join(map(repr, rules))
        return f"<Optimizer of {int(scalars[SIZE])} {buffer.dtype} numbers: {names}; {self.count} steps>"
