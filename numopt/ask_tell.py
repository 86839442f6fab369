"""What every ask/tell solver has in common, so that one driver can run them all.

A solver holds its ``core``, a named tuple with the vector ``trial``, the point to evaluate, and the arrays ``scalars``
and ``counters``, whose first entries are named here; ``parameters``, the records it works with; and ``prototype``, an
empty array of the dtype of x. Vectors of the core hold real numbers; a complex entry is two.
"""

import numpy as np

from ._input import check_out, gradient_vector, objective_value
from ._jit import jit, lend, real_view, view_like
from ._storage import Stored, between
from .generic import tell
from .status import BY_VALUE, Status

# entries of scalars
F = 0  # f at x, times SCALE
SCALE = 1  # the power of two that f and g are multiplied by
SCALARS = 2

# entries of counters
STATUS = 0
NIT = 1
NFEV = 2
COUNTERS = 3


@jit(borrow=True)
def told(solver, f, gradient):
    """Give a solver, by reference, f and the gradient as a real vector; returns the status.

    With the core as an argument, its hundred words would be copied to the stack for each evaluation, and outside
    functions that only borrow, references to its arrays be counted.
    """
    core, parameters, _ = lend(solver)
    return tell(core, parameters, f, gradient)


def check_progress(core):
    """Check what every stored solver counts; returns False if it has ended at once, where f or g was not finite."""
    if core.counters[STATUS] not in BY_VALUE:
        raise ValueError(f"counters must begin with a Status, got {core.counters[STATUS]}")
    between(0, np.inf, counters=core.counters[:COUNTERS])
    return core.counters[STATUS] != Status.NONFINITE_START


class AskTell(Stored):
    """The face of a solver; a stateful class inherits it."""

    class compiled:
        """What ``@njit`` code sees."""

        def ask(self):
            """Lend the point to evaluate."""
            return view_like(self.core.trial, self.prototype)

        def tell(self, f, g):
            """Take value and gradient there; -1, and nothing done, for another number of entries."""
            gradient = real_view(g)
            if gradient.size != self.core.x.size:
                return -1
            return told(self, f, gradient)

        @property
        def x(self):
            """Lend the last accepted point."""
            return view_like(self.core.x, self.prototype)

        @property
        def f(self):
            """The value at ``x``."""
            return self.core.scalars[F] / self.core.scalars[SCALE]

        @property
        def nit(self):
            """Iterations made."""
            return self.core.counters[NIT]

        @property
        def nfev(self):
            """Evaluations taken."""
            return self.core.counters[NFEV]

        @property
        def status(self):
            """The integer of a Status."""
            return self.core.counters[STATUS]

        @property
        def running(self):
            """Whether another evaluation is needed."""
            return self.core.counters[STATUS] == 0

    def ask(self, out=None):
        """The point to evaluate next, as a copy, or written into ``out``. Asking twice gives the same point."""
        point = self.compiled.ask(self)
        if out is None:
            return point.copy()
        check_out(out, point)
        out[:] = point
        return out

    def tell(self, f, g):
        """Take the value and the gradient at the point that ``ask`` gave. After the end, nothing changes.

        Raises
        ------
        ValueError, TypeError
            If f is not one real number, or g not a vector of n numbers; the solver is then as it was.
        """
        trial = self.compiled.ask(self)
        self.compiled.tell(self, objective_value(f), gradient_vector(g, trial.dtype, trial.size))

    @property
    def x(self):
        """The last accepted point (a copy)."""
        return self.compiled.x(self).copy()

    @property
    def status(self):
        """Why the solver stopped."""
        return Status(self.compiled.status(self))

    @property
    def message(self):
        """What happened, and what to do about it."""
        return self.status.message
