"""``chain(...).init(x)`` for an x on a GPU: the same chain, in one kernel for each pass over memory."""

from typing import NamedTuple

import numpy as np

from .._foreign import is_device_array
from .._input import finite_not_negative, objective_value
from ..generic import admit, rate
from ..rules.optimizer import Optimizer, check_vector
from ..rules.passes import has_learning_rate
from ..rules.update import CHOSEN_RATE, COUNT, SCALARS, SIZE
from .device import as_device, as_stream, common_stream, cuda, new_vector, require, to_host, wait_for
from .gates import pass_gates
from .program import Program
from .start import allocate, first_numbers, recipe, start_in, write_start


class Like(NamedTuple):
    """What the vectors of an optimizer must be."""

    size: int
    dtype: np.dtype


class DeviceOptimizer:
    """A chain of rules with its state on a GPU, made by ``chain(...).init(x)`` for an x there.

    ``update(x, g)`` changes x in place by one step along g, as :class:`numopt.Optimizer` does, by the same rules. The
    arrays may be those of Numba, CuPy, PyTorch, JAX (g only: JAX's are read-only), or others with
    ``__cuda_array_interface__``, contiguous, on the current GPU. A chain is one kernel for each pass over memory: one,
    and one for each rule that needs a norm or a mean of the whole update. The host starts the kernels and waits for
    nothing, and no vector goes through it; the first step of a chain in a process compiles them, in .3 to 1 s
    each. Sums have the same bits on every GPU and in every run.

    A chain with ``SkipNonFinite`` waits in each update until the device knows whether the gradient is finite;
    ``init`` of ``DoG`` waits for a norm. A set at the end of a chain must project entry by entry, or be one that
    ``project`` knows on a GPU: else ``init`` raises TypeError. In ``@njit`` code there is no such optimizer.

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
        x = as_device(x, "x", stream=stream)
        check_vector(rules, x)
        stream = common_stream(stream, x)
        self._prepare(tuple(rules), x.size, x.dtype)
        self.scalars = np.zeros(SCALARS)
        self.scalars[SIZE] = x.size
        self.vectors = allocate(self._recipe, x.size)
        self._restart(x, stream)

    def _prepare(self, rules, n, dtype):
        """Make what depends on rules, size and dtype only."""
        if rules[-1].closes:
            raise TypeError("SET moves its links on the CPU only: give init an x that is a NumPy array")
        self.rules, self._like, self._recipe = rules, Like(n, dtype), recipe(rules, dtype)
        self._gates = sum(admit.registered(type(rule)) for rule in rules)
        self._program = Program(rules[self._gates :], n, dtype)

    def _restart(self, x, stream):
        """Write the state that begins at x."""
        write_start(self._recipe, self.vectors, x, stream)
        self._set_numbers(first_numbers(self.rules, x, stream), stream)
        self.scalars[COUNT], self.scalars[CHOSEN_RATE] = 0.0, np.nan
        self._stream = stream

    def _set_numbers(self, numbers, stream):
        self._of_gates = numbers[: self._gates]
        self._program.set_numbers(numbers[self._gates :], stream)

    # --- the state ---------------------------------------------------------------------------------------------------

    @property
    def numbers(self):
        """Copies of the rules' scalar state."""
        return *(held.copy() for held in self._of_gates), *self._program.copied_numbers(self._stream)

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
        return float(rate(self._program.schedule, self.scalars[COUNT]) if np.isnan(chosen) else chosen)

    @learning_rate.setter
    def learning_rate(self, value):
        if not any(map(has_learning_rate, self.rules)):
            raise AttributeError("learning_rate: no rule of the chain has one")
        self.scalars[CHOSEN_RATE] = finite_not_negative(value, "learning_rate")

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
        g = as_device(g, "g", like=self._like, stream=stream)
        f = self._value(f)
        stream = common_stream(stream, x, g)
        wait_for(self._stream, stream)  # the state may be written on another
        self._stream = stream
        k = self._gates
        g = pass_gates(self.rules[:k], self._of_gates, self.vectors[:k], g, f, stream)
        if g is not None:
            self._program.step(self.vectors[k:], self.scalars, x, g, np.nan if f is None else f, stream)
            self.scalars[COUNT] += 1.0

    def _value(self, f):
        if is_device_array(f):
            raise TypeError("f must be a number of the host: pass float(f), which waits for the device")
        if f is not None:
            return float(objective_value(f))
        needing = ", ".join(type(rule).__name__ for rule in self.rules if rule.needs_value)
        if needing:
            raise ValueError(f"update: {needing} needs the value of the objective: update(x, g, f)")
        return None

    # --- the host ----------------------------------------------------------------------------------------------------

    def to_host(self):
        """An :class:`numopt.Optimizer` of NumPy arrays that goes on from here."""
        if self._stream:
            self._stream.synchronize()
        vectors = _mapped(to_host, self.vectors)
        buffer = np.zeros(self._like.size if self._program.buffer is not None else 0, self._like.dtype)
        return Optimizer._from_fields((self.rules, vectors, self.numbers, self.scalars.copy(), buffer))

    def save(self, path):
        """Write everything to a ``.npz`` file; :func:`numopt.load` gives the optimizer of the host that goes on."""
        self.to_host().save(path)

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


def _mapped(function, states):
    """The state vectors of rules with ``function`` applied to each."""
    return tuple(
        type(kept)._make(function(v) if getattr(v, "ndim", 0) else v for v in kept) if kept else kept for kept in states
    )
