"""L-BFGS as a stateful jitted class: the same object in Python and inside ``@njit`` code."""

import functools
from typing import Any

import numpy as np

from .._input import at_least, at_most_a_million, not_negative, start_vector
from .._jit import fields, jit, real_view, stateful, view_like
from ..ask_tell import SCALE, STATUS, AskTell
from ..generic import advance
from ..linesearch import MoreThuente
from ..status import BY_VALUE, Status
from .inverse_hessian import InverseHessian, Result
from .lbfgs_core import (
    FTOL,
    GTOL,
    LAST_STEP,
    MAXFUN_,
    MAXITER_,
    PEAK,
    Core,
    new_core,
    reopen,
    restart,
)
from .lbfgs_core import resume as resume_core

DECREASE = 2.220446049250313e-09  # SciPy's defaults
GRADIENT = 1e-5
LIMIT = 15000
_DEFAULT_SEARCH = MoreThuente()
MAXITER, MAXFUN = int(Status.MAXITER), int(Status.MAXFUN)
CONVERGED_GTOL, CONVERGED_FTOL = int(Status.CONVERGED_GTOL), int(Status.CONVERGED_FTOL)


@fields
class LBFGSFields:
    """What an :class:`LBFGS` holds."""

    core: Core
    parameters: Any  # the record of the line search
    prototype: np.ndarray  # empty; its dtype is that of x


@jit
def _true_gradient(core):
    if core.scalars[SCALE] == 1.0:
        return core.grad
    return core.grad / core.scalars[SCALE]


@stateful(LBFGSFields)
class LBFGS(AskTell):
    r"""Limited-memory BFGS for real and complex vectors, driven from outside.

    Minimises f(x) over x in R^n or C^n. The solver never calls f: ``ask()`` gives the point to evaluate, ``tell(f, g)``
    takes the value and the gradient there, until ``running`` is False. For complex x the gradient is

    .. math:: g = \partial f/\partial\,\mathrm{Re}\,x + i\, \partial f/\partial\,\mathrm{Im}\,x,

    the direction of steepest ascent (JAX's ``grad`` returns its conjugate: pass ``conj(grad(f)(x))``); the iterates are
    then those of the real problem in (Re x, Im x), bit for bit.

    Constructor, methods and attributes are the same in Python and in ``@njit`` code, with these differences. In Python
    bad input raises, and points are copies; compiled code does not raise (``tell`` returns -1 and ``reset`` False, and
    nothing is done, for another number of entries), and ``ask``, ``x``, ``grad`` lend the solver's own buffer, to be
    read until the next ``tell``. ``message`` and ``result`` exist in Python only. It can be pickled, and ``save``
    writes it to a file, which :func:`numopt.load` reads. One object must not be used by two threads at once.

    Parameters
    ----------
    x0 : array_like, shape (n,)
        Start; real or complex, copied.
    memory : int
        Number m of pairs kept, up to 2^20; 3 to 20 are usual. The solver holds (2 m + 5) n real numbers. Up to 16 real
        unknowns a dense matrix takes the place of the pairs, and m does not matter.
    linesearch : MoreThuente, Zoom or Backtracking
        How the step is chosen.
    gtol : float
        Converged when the largest modulus in g, over real and imaginary parts, is at most this.
    ftol : float
        Converged when an iteration decreases f by at most ftol * max(\|f\|, 1) and the next one promises no more.
    maxiter, maxfun : int
        Iterations and evaluations at most.

    Attributes
    ----------
    x, f, grad
        The last accepted point, its value and gradient. After ``maxfun`` has cut a line search short, the best point
        of that search, if it is lower.
    nit, nfev : int
        Iterations made, evaluations taken.
    running : bool
        Whether another evaluation is needed.
    status : Status
        Why the solver stopped (in ``@njit`` code the integer of the same value).

    Raises
    ------
    ValueError, TypeError
        In Python, for an x0 that is not a finite vector of numbers, or limits that make no sense.

    Notes
    -----
    Self-scaled dense BFGS for up to 16 real unknowns, two-loop recursion for short vectors, compact form for long
    ones; nothing is allocated after construction. A trial where f or g is not finite is backed away from; where f still
    falls towards such trials, the solver ends with EDGE_OF_DOMAIN. x is never worse than x0.

    References
    ----------
    D. C. Liu and J. Nocedal, Math. Programming 45 (1989) 503-528;
    M. Al-Baali, J. Optim. Theory Appl. 96 (1998) 533-553 (the scaling of the dense matrix).

    Examples
    --------
    >>> import numpy as np
    >>> import numopt as no
    >>> target = np.array([1 + 2j, 3 - 1j])
    >>> opt = no.LBFGS(np.zeros(2, complex))
    >>> while opt.running:
    ...     z = opt.ask()
    ...     opt.tell(np.sum(abs(z - target) ** 2), 2 * (z - target))
    >>> opt.status.name, np.allclose(opt.x, target)
    ('CONVERGED_GTOL', True)
    """

    def __new__(
        cls, x0, memory=10, linesearch=_DEFAULT_SEARCH, gtol=GRADIENT, ftol=DECREASE, maxiter=LIMIT, maxfun=LIMIT
    ):
        """Validate, and build the compiled object."""
        if not advance.registered(type(linesearch)):
            raise TypeError(f"linesearch must be MoreThuente(), Zoom() or Backtracking(), got {linesearch!r}")
        return cls.compiled.new(
            start_vector(x0),
            at_most_a_million(memory, "memory"),
            linesearch,
            not_negative(gtol, "gtol"),
            not_negative(ftol, "ftol"),
            at_least(maxiter, 0, "maxiter"),
            at_least(maxfun, 1, "maxfun"),
        )

    class compiled:
        """What ``@njit`` code sees."""

        def new(x0, memory=10, linesearch=_DEFAULT_SEARCH, gtol=GRADIENT, ftol=DECREASE, maxiter=LIMIT, maxfun=LIMIT):
            # the sum makes a fresh, contiguous vector of float64 or complex128 of anything
            start = x0 + np.zeros(1)
            core = new_core(real_view(start), memory, gtol, ftol, maxiter, maxfun)
            return LBFGSFields(core, linesearch, start[:0].copy())

        def reset(self, x0, keep_memory=False):
            start = real_view(x0)
            if start.size != self.core.x.size:
                return False
            restart(self.core, start, keep_memory)
            return True

        def resume(self, gtol, ftol, maxiter, maxfun):
            scalars, counters = self.core.scalars, self.core.counters
            status, tighter = counters[STATUS], ftol < scalars[FTOL]
            scalars[GTOL], scalars[FTOL] = gtol, ftol
            counters[MAXITER_], counters[MAXFUN_] = maxiter, maxfun
            if status == MAXITER or status == MAXFUN:
                resume_core(self.core)
            elif (status == CONVERGED_FTOL and tighter) or (
                status == CONVERGED_GTOL and scalars[PEAK] > scalars[SCALE] * gtol
            ):
                reopen(self.core, self.parameters)
            return counters[STATUS]

        @property
        def grad(self):
            return view_like(_true_gradient(self.core), self.prototype)

        @property
        def gradient_size(self):
            """The largest modulus in ``grad``, over real and imaginary parts."""
            return self.core.scalars[PEAK] / self.core.scalars[SCALE]

        @property
        def step(self):
            """The last accepted step along its direction."""
            return self.core.scalars[LAST_STEP]

    def reset(self, x0, keep_memory=False):
        """Start again at ``x0``, of the same size and kind, without allocating.

        ``keep_memory`` keeps what was learnt of the curvature: for new data that change the problem a little. (The
        state of a run with ``x_scale`` works in x / x_scale: so does this x0.)
        """
        trial, start = self.compiled.ask(self), start_vector(x0)
        if start.size != trial.size or (start.dtype.kind == "c" and trial.dtype.kind != "c"):
            raise ValueError(
                f"reset: x0 must be a {trial.dtype} vector of {trial.size} entries, got {start.dtype} {start.shape}"
            )
        self.compiled.reset(self, start.astype(trial.dtype, copy=False), bool(keep_memory))

    def resume(self, gtol=GRADIENT, ftol=DECREASE, maxiter=LIMIT, maxfun=LIMIT):
        """Set new limits and go on, if the solver had stopped at one, or converged to larger tolerances.

        Returns the status.
        The run is bit for bit the one without the pause, also where ``maxfun`` has cut a line search short.
        """
        status = self.compiled.resume(
            self,
            not_negative(gtol, "gtol"),
            not_negative(ftol, "ftol"),
            at_least(maxiter, 0, "maxiter"),
            at_least(maxfun, 1, "maxfun"),
        )
        return Status(status)

    @property
    def grad(self):
        """The gradient at ``x`` (a copy)."""
        return self.compiled.grad(self).copy()

    def inverse_hessian(self, scale=None):
        """The inverse Hessian learnt so far, as a linear operator (a copy), in the units of ``scale`` times x."""
        core, _, prototype = self._values
        return InverseHessian(core.pairs, prototype.dtype, self.compiled.ask(self).size, scale)

    def result(self):
        """The outcome so far, as SciPy's users know it.

        Returns
        -------
        scipy.optimize.OptimizeResult
            With x, fun, jac, nit, nfev, njev, success, SciPy's integer ``status``, ``message``, and ``reason``, the
            :class:`Status`; ``state``, this object, and ``hess_inv``, made when it is looked at.
        """
        x, f, grad, nit, nfev, status = _outcome(self)
        reason = BY_VALUE[status]
        return Result(
            x=x,
            fun=f,
            jac=grad,
            nit=nit,
            nfev=nfev,
            njev=nfev,
            status=reason.code,
            success=reason.success,
            message=reason.message,
            reason=reason,
            state=self,
        )


@functools.cache
def lbfgs_maker(kind):
    """The compiled ``make(x0, memory, numbers, gtol, ftol, maxiter, maxfun)`` for line searches of the class ``kind``.

    ``numbers`` are the fields of the search as a plain tuple: from Python, it enters at a quarter of a record's cost.
    """

    @jit
    def make(x0, memory, numbers, gtol, ftol, maxiter, maxfun):
        return LBFGS(x0, memory, kind(*numbers), gtol, ftol, maxiter, maxfun)

    return make


@jit
def _outcome(solver):
    """Everything a result holds, in one call."""
    return solver.x.copy(), solver.f, solver.grad.copy(), solver.nit, solver.nfev, solver.status
