"""``chain(...).init(x)`` for an x on a GPU: the same chain, in one kernel for each pass over memory."""

from typing import NamedTuple

import numpy as np

from .._foreign import cuda_part, is_device_array
from .._input import not_negative, objective_value
from .._jit import jit, read
from ..generic import admit, coefficients, nearest, notice, numbers, rate, summands, vectors
from ..rules.ending import ends, ends_as_a_whole, ends_by_entry
from ..rules.gates import mean_with, nonfinite
from ..rules.optimizer import Optimizer, check_vector
from ..rules.passes import (
    MOST_SUMS,
    REDUCE,
    ROWS,
    has_learning_rate,
    needs_buffer,
    row_of,
)
from ..rules.update import CHOSEN_RATE, COUNT, SCALARS, SIZE
from .compose import numbers_in, pattern_of, plain_tuples, real_of, stand_in
from .device import (
    LOADS,
    MOST_BLOCKS,
    THREADS,
    as_device,
    as_stream,
    blocks_of,
    common_stream,
    cuda,
    launch,
    new_vector,
    require,
    to_host,
    wait_for,
)
from .passes import Spec, adding_kernel, kernels_of, reducing_rules, team_of
from .start import allocate, fields_on_device, first_numbers, recipe, start_in, write_start


class Like(NamedTuple):
    """What the vectors of an optimizer must be."""

    size: int
    dtype: np.dtype


@jit(borrow=True)
def _scalars_of_step(rules, held, schedule, scalars, f):
    """The learning rate of the next step, and the coefficients of the rules whose numbers the host keeps."""
    chosen, t = scalars[CHOSEN_RATE], int(scalars[COUNT]) + 1
    learning_rate = rate(schedule, scalars[COUNT]) if np.isnan(chosen) else chosen
    notice(rules, held, t, learning_rate, f)
    return learning_rate, coefficients(rules, held, t, learning_rate)


_count_nonfinite = adding_kernel(nonfinite, 1)


@cuda.jit
def _collect(mean, g, count):
    i = cuda.grid(1)
    while i < g.size:
        mean[i] = mean_with(mean[i], g[i], count)
        i += cuda.gridsize(1)


class DeviceOptimizer:
    """A chain of rules with its state on a GPU, made by ``chain(...).init(x)`` for an x there.

    ``update(x, g)`` changes x in place by one step along g, as :class:`numopt.Optimizer` does, by the same rules. The
    arrays may be those of Numba, CuPy, PyTorch, JAX (g only: JAX's are read-only), or others with
    ``__cuda_array_interface__``, contiguous, on the current GPU. A chain is one kernel for each pass over memory: one,
    and one for each rule that needs a norm or a mean of the whole update. The host starts the kernels and waits for
    nothing, and no vector goes through it; the first step of a chain in a process compiles them, in about a second
    each. Sums have the same bits on every GPU and in every run.

    A chain with ``SkipNonFinite`` waits in each update until the device knows whether the gradient is finite;
    ``init`` of ``DoG`` waits for a norm. A set at the end of a chain must project entry by entry, or be one that
    ``project`` knows on a GPU: else ``init`` raises NotImplementedError. In ``@njit`` code there is no such optimizer.

    Attributes
    ----------
    count : int
        Steps made.
    learning_rate : float
        That of the next step. It can be set, and then takes the place of a schedule for good.
    rules : tuple
        The rules of the chain.
    vectors : tuple
        The state vectors, Numba's device arrays, for each rule in turn.
    numbers : tuple
        Copies of the rules' scalar state; to read those of rules that reduce waits for the device.
    state : dict
        The same by names.

    Examples
    --------
    ::

        w = torch.zeros(10_000_000, device="cuda")
        opt = numopt.chain(numopt.ClipByGlobalNorm(1.0), numopt.Adam(1e-3)).init(w)
        opt.update(w, gradient(w))
    """

    def __init__(self, rules, x, stream=None):
        """Start with the parameters ``x``, on ``stream`` or that of x; :func:`numopt.chain` has checked the rules."""
        require()
        x = as_device(x, "x")
        check_vector(rules, x)
        stream = common_stream(stream, x)
        self._prepare(tuple(rules), x.size, x.dtype)
        self.scalars = np.zeros(SCALARS)
        self.scalars[SIZE] = x.size
        self.vectors = allocate(self._recipe, x.size)
        self._restart(x, stream)

    # --- what depends on rules, size and dtype only ------------------------------------------------------------------

    def _prepare(self, rules, n, dtype):
        self.rules, self._like = rules, Like(n, dtype)
        self._real, self._recipe = real_of(dtype), recipe(rules, dtype)
        self._gates = sum(admit.registered(type(rule)) for rule in rules)
        links = rules[self._gates :]
        self._spec = _spec_of(links, dtype)
        self._kernels = kernels_of(self._spec)
        self._row = row_of(links)
        self._launches = [kernel.blocks(n, self._row, THREADS) for kernel in self._kernels]
        self._reducing = reducing_rules(self._spec)
        self._on_host = [k for k, rule in enumerate(links) if k not in self._reducing.positions and not ends(rule)]
        self._schedule = next((rule.learning_rate for rule in rules if has_learning_rate(rule)), 1.0)
        self._ending = fields_on_device(tuple(links[-1]), dtype) if ends_by_entry(links) else ()
        self._project = _projection_onto(links[-1]) if ends_as_a_whole(links) else None
        self._buffer = new_vector(n, dtype) if needs_buffer(links, self._recipe[self._gates :]) else ()
        if self._reducing.rules:
            reductions = sum(kernel.chosen.kind == REDUCE for kernel in self._kernels)
            self._sum_blocks = blocks_of(n, LOADS, MOST_BLOCKS)
            self._sums = cuda.device_array((reductions, MOST_SUMS, max(1, self._sum_blocks)), np.float64)
            self._reducing_numbers = tuple(numbers_in(links[k]) for k in self._reducing.positions)

    # --- the state ---------------------------------------------------------------------------------------------------

    def _restart(self, x, stream):
        """Write the state that begins at x."""
        write_start(self._recipe, self.vectors, x, stream)
        self._set_numbers(first_numbers(self.rules, x, stream), stream)
        self.scalars[COUNT], self.scalars[CHOSEN_RATE] = 0.0, np.nan
        self._stream = stream

    def _set_numbers(self, numbers, stream):
        """Keep the rules' numbers: on the host, and on the device those of rules that reduce."""
        self._held = list(numbers)
        if not self._reducing.rules:
            return
        row = np.concatenate([numbers[self._gates + k] for k in self._reducing.positions])
        rows = np.zeros((len(self._kernels), row.size))
        rows[0] = row
        self._numbers = cuda.to_device(rows, stream=stream)

    @property
    def numbers(self):
        """Copies of the rules' scalar state."""
        found = [held if isinstance(held, tuple) else held.copy() for held in self._held]
        if self._reducing.rules:
            row = to_host(self._numbers, self._stream)[0]
            for k, position in enumerate(self._reducing.positions):
                found[self._gates + position] = row[self._reducing.place(k) : self._reducing.place(k + 1)].copy()
        return tuple(found)

    @property
    def _values(self):
        return self.rules, self.vectors, self.numbers, self.scalars, np.empty(0, self._like.dtype)

    state = Optimizer.state

    @property
    def count(self):
        """Steps made."""
        return int(self.scalars[COUNT])

    @property
    def learning_rate(self):
        """That of the next step."""
        chosen = self.scalars[CHOSEN_RATE]
        return float(rate(self._schedule, self.scalars[COUNT]) if np.isnan(chosen) else chosen)

    @learning_rate.setter
    def learning_rate(self, value):
        if not any(map(has_learning_rate, self.rules)):
            raise AttributeError("learning_rate: no rule of the chain has one")
        self.scalars[CHOSEN_RATE] = not_negative(value, "learning_rate")

    def reset(self, stream=None):
        """Make state, count and learning rate as after ``init``, with the x it had then."""
        stream = self._stream if stream is None else as_stream(stream)
        wait_for(self._stream, stream)
        start = start_in(self._recipe, self.vectors)
        self._restart(new_vector(*self._like, 0.0, stream) if start is None else start, stream)

    # --- a step ------------------------------------------------------------------------------------------------------

    def update(self, x, g, f=None, stream=None):
        """Change x in place by one step along g, on the device; g is not changed, and nothing is waited for.

        Parameters
        ----------
        x, g : array on the GPU, of the optimizer's dtype and size
            x contiguous and writable; g of any stride.
        f : float, optional
            The value at x, for the rules that need it; a number of the host.
        stream : stream of Numba, CuPy or PyTorch, or its number; optional
            Where the kernels run. By default the stream that x says it was made on, which waits for that of g; of
            arrays that do not say, such as PyTorch's, the legacy default stream.

        Raises
        ------
        ValueError, TypeError
            If x or g is not such an array, or a rule lacks the value; nothing has been touched then.
        """
        x = as_device(x, "x", writable=True, like=self._like)
        g = as_device(g, "g", like=self._like)
        f = self._value(f)
        stream = common_stream(stream, x, g)
        wait_for(self._stream, stream)  # the state may be written on another
        self._stream = stream
        g = self._pass_gates(g, f, stream)
        if g is not None:
            self._step(x, g, np.nan if f is None else f, stream)

    def _value(self, f):
        if is_device_array(f):
            raise TypeError("f must be a number of the host: pass float(f), which waits for the device")
        if f is not None:
            return float(objective_value(f))
        needing = ", ".join(type(rule).__name__ for rule in self.rules if rule.needs_value)
        if needing:
            raise ValueError(f"update: {needing} needs the value of the objective: update(x, g, f)")
        return None

    def _pass_gates(self, g, f, stream):
        """The gradient that the gates hand on; None if one lets nothing through."""
        for gate, held, kept in zip(self.rules[: self._gates], self._held, self.vectors, strict=False):
            nothing = np.empty(0, self._like.dtype)
            if kept:
                go_on = admit(gate, held, type(kept)(*(nothing for _ in kept)), nothing, f)
                blocks = blocks_of(g.size)
                launch(_collect, blocks, THREADS, stream, kept[0], g, self._real(held[0]))
                g = kept[0]
            else:
                go_on = admit(gate, held, (), np.array([np.nan if self._any_nonfinite(g, stream) else 0.0]), f)
            if not go_on:
                return None
        return g

    def _any_nonfinite(self, g, stream):
        blocks = blocks_of(g.size, 1, MOST_BLOCKS)
        if blocks == 0:
            return False
        sums = cuda.device_array((1, blocks), np.float64)
        launch(_count_nonfinite, blocks, THREADS, stream, g, sums)
        return bool(to_host(sums, stream).any())

    def _step(self, x, g, f, stream):
        """All passes of the chain behind its gates."""
        first, n = self._gates, x.size
        rules = tuple(self.rules[first + k] for k in self._on_host)
        held = tuple(self._held[first + k] for k in self._on_host)
        learning_rate, computed = _scalars_of_step(rules, held, self._schedule, self.scalars, f)
        c = [()] * (len(self.rules) - first)
        for k, scalars in zip(self._on_host, computed, strict=True):
            c[k] = tuple(map(self._real, scalars))
        more = ()
        if self._reducing.rules:
            t = self.count + 1
            more = self._reducing_numbers, self._numbers, self._sums, self._sum_blocks, t, float(learning_rate), f
        states = plain_tuples(self.vectors[first:])
        for kernel, blocks in zip(self._kernels, self._launches, strict=True):
            _, begin, end, source = chosen = kernel.chosen
            end += chosen.kind == REDUCE  # what the rule that reduces has, too
            arrays = states[begin:end], self._ending, x, self._buffer if source else g, self._buffer
            rows = (self._row, team_of(self._row, THREADS)) if chosen.kind == ROWS else ()
            launch(kernel.run, blocks, THREADS, stream, tuple(c[begin:end]), arrays, n, more, *rows)
        if self._project is not None:
            self._project(self.rules[-1], x, stream)
        self.scalars[COUNT] += 1.0

    # --- the host ----------------------------------------------------------------------------------------------------

    def to_host(self):
        """An :class:`numopt.Optimizer` of NumPy arrays that goes on from here."""
        if self._stream:
            self._stream.synchronize()
        vectors = _mapped(to_host, self.vectors)
        buffer = np.zeros(self._like.size if self._buffer != () else 0, self._like.dtype)
        return Optimizer._from_fields((self.rules, vectors, self.numbers, self.scalars.copy(), buffer))

    @classmethod
    def from_host(cls, opt, stream=None):
        """One that goes on from where ``opt``, an :class:`numopt.Optimizer`, is."""
        require()
        rules, vectors, numbers, scalars, buffer = opt._values
        self, stream = cls.__new__(cls), 0 if stream is None else as_stream(stream)
        self._prepare(tuple(rules), int(scalars[SIZE]), buffer.dtype)
        self.scalars, self._stream = scalars.copy(), stream
        self.vectors = _mapped(lambda vector: cuda.to_device(vector, stream=stream), vectors)
        self._set_numbers([held if isinstance(held, tuple) else held.copy() for held in numbers], stream)
        return self

    def __reduce__(self):
        return type(self).from_host, (self.to_host(),)

    def __repr__(self):
        """The rules, n, dtype and count."""
        names = ", ".join(map(repr, self.rules))
        return f"<DeviceOptimizer of {self._like.size} {self._like.dtype} numbers: {names}; {self.count} steps>"


def _projection_onto(onto):
    """The function that projects a whole vector in place: ``project_device(onto, x, stream)``."""
    try:
        return cuda_part("projections").project_device
    except ImportError:
        by_entry = ", ".join(sorted(cls.__name__ for cls in nearest.classes()))
        raise NotImplementedError(
            f"{type(onto).__name__} at the end of a chain is not to be had on a GPU; what is: {by_entry}"
        ) from None


def _mapped(function, states):
    """The state vectors of rules with ``function`` applied to each."""
    return tuple(
        type(kept)._make(function(v) if getattr(v, "ndim", 0) else v for v in kept) if kept else kept for kept in states
    )


def _spec_of(rules, dtype):
    """What the kernels of rules without gates depend on, found out with vectors of one entry."""
    x = np.ones(1, dtype)
    states, held = vectors(rules, x), numbers(rules, x)
    c = coefficients(rules, held, 1, 1.0)
    sums = tuple(
        len(summands(rule, of_rule, read(kept, 0), x[0], x[0]))
        if summands.registered(type(rule)) and not by_rows(rule)
        else 0
        for rule, of_rule, kept in zip(rules, c, states, strict=True)
    )
    ending = pattern_of(tuple(rules[-1])) if ends_by_entry(rules) else ()
    stand_ins, sizes = tuple(map(stand_in, rules)), tuple(map(len, held))
    return Spec(stand_ins, pattern_of(states), ending, dtype, tuple(map(len, c)), sizes, sums)
