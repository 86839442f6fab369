"""The spectral projected gradient method as a stateful jitted class."""

import numpy as np
from scipy.optimize import OptimizeResult

from .._input import at_least, at_most_a_million, misfit, not_negative, start_vector
from .._jit import fields, real_view, stateful, view_like
from ..ask_tell import STATUS, AskTell, F
from ..generic import accepts, project_into
from ..status import Status
from .spg_core import (
    BEST,
    BEST_PEAK,
    GTOL,
    LAST_STEP,
    MAXFUN_,
    MAXITER_,
    PEAK,
    Constraint,
    SPGCore,
    new_core,
    restart,
    resume,
)

GRADIENT = 1e-5
LIMIT = 15000
_FEASIBLE = 1e-8  # what Dykstra's algorithm may leave


@fields
class SPGFields:
    """What an :class:`SPG` holds."""

    core: SPGCore
    parameters: Constraint
    prototype: np.ndarray  # empty; its dtype is that of x


@stateful(SPGFields)
class SPG(AskTell):
    r"""Spectral projected gradient method: minimises f(x) over a closed convex set, real or complex.

    .. math:: d = P(x - \lambda g) - x, \qquad x^+ = x + \alpha d, \qquad \lambda^+ = s^T s / s^T y,

    with a line search that lets f rise above the last value, but not above the last M. The solver never calls f:
    ``ask()`` gives the point to evaluate, which belongs to the set (as far as ``project`` reaches it: an
    :class:`Intersection` to its ``tol``), ``tell(f, g)`` takes the value and the
    gradient there, until ``running`` is False. For complex x, g = df/dRe(x) + i df/dIm(x).

    Methods and attributes are those of :class:`LBFGS` but for the inverse Hessian, in Python and in ``@njit`` code
    alike (there, without checks, and with ``x`` and ``ask`` lending the solver's own buffers). It can be pickled, and
    ``save`` writes it to a file, which :func:`numopt.load` reads. One object must not be used by two threads at once.

    Parameters
    ----------
    x0 : array_like, shape (n,)
        Start, real or complex; the projection of it is where the search begins.
    onto : set
        Convex, such as ``L1Ball(1.0)``, ``Box(0, 1)``, ``AffineSet(A, b)``.
    memory : int
        M, the number of values that a new one is compared with, up to 2^20; 1 lets f only fall.
    gtol : float
        Converged when the largest modulus in P(x - g) - x, over real and imaginary parts, is at most this.
    maxiter, maxfun : int
        Iterations and evaluations at most.

    Attributes
    ----------
    x, f, grad
        The last accepted point, its value and gradient. At the end without convergence, the best point evaluated.
    gradient_size : float
        max |P(x - g) - x|.
    nit, nfev : int
        Iterations made, evaluations taken.
    running : bool
        Whether another evaluation is needed.
    status : Status
        Why the solver stopped (in ``@njit`` code the integer of the same value).

    Raises
    ------
    ValueError, TypeError
        In Python, for an x0 that is not a finite vector of numbers, a set that is not convex, not for such vectors, or
        has no point of this size.

    Notes
    -----
    Two projections an iteration: one for the step, one for the test of convergence.

    References
    ----------
    E. G. Birgin, J. M. Martinez, M. Raydan, SIAM J. Optim. 10 (2000) 1196-1211, algorithm 2.2.

    Examples
    --------
    >>> import numpy as np
    >>> import numopt as no
    >>> target = np.array([1 + 2j, 3 - 1j])
    >>> opt = no.SPG(np.zeros(2, complex), no.LinfBall(1.0))
    >>> while opt.running:
    ...     z = opt.ask()
    ...     opt.tell(np.sum(abs(z - target) ** 2), 2 * (z - target))
    >>> opt.status.name, np.allclose(opt.x, target / abs(target))
    ('CONVERGED_GTOL', True)
    """

    def __new__(cls, x0, onto, memory=10, gtol=GRADIENT, maxiter=LIMIT, maxfun=LIMIT):
        """Validate, and build the compiled object."""
        x0 = start_vector(x0)
        check_constraint(onto, x0)
        limits = at_most_a_million(memory, "memory"), not_negative(gtol, "gtol")
        solver = cls.compiled.new(x0, onto, *limits, at_least(maxiter, 0, "maxiter"), at_least(maxfun, 1, "maxfun"))
        if not onto.contains(solver.ask(), _FEASIBLE):
            raise ValueError(f"no vector of {x0.size} entries was found in {onto!r}: it may be empty")
        return solver

    class compiled:
        """What ``@njit`` code sees."""

        def new(x0, onto, memory=10, gtol=GRADIENT, maxiter=LIMIT, maxfun=LIMIT):
            start = x0 + np.zeros(1)  # a fresh, contiguous vector of float64 or complex128 of anything
            project_into(onto, start, start)
            prototype = start[:0].copy()
            core = new_core(real_view(start), memory, gtol, maxiter, maxfun)
            return SPGFields(core, Constraint(onto, prototype), prototype)

        def reset(self, x0):
            """Start again at the projection of x0; False, and nothing done, for another number of entries."""
            start = x0 + np.zeros(1)
            if real_view(start).size != self.core.x.size:
                return False
            project_into(self.parameters.onto, start, start)
            restart(self.core, real_view(start))
            return True

        def resume(self, gtol, maxiter, maxfun):
            """Set new limits, and go on unless it has ended for good; returns the status."""
            scalars, counters = self.core.scalars, self.core.counters
            scalars[GTOL] = gtol
            counters[MAXITER_], counters[MAXFUN_] = maxiter, maxfun
            resume(self.core, self.parameters)
            return counters[STATUS]

        @property
        def grad(self):
            """Lend the gradient at ``x``."""
            return view_like(self.core.grad, self.prototype)

        @property
        def gradient_size(self):
            """The largest modulus in P(x - g) - x, over real and imaginary parts."""
            return self.core.scalars[PEAK]

        @property
        def step(self):
            """The last accepted step along its direction."""
            return self.core.scalars[LAST_STEP]

    @property
    def grad(self):
        """The gradient at ``x`` (a copy)."""
        return self.compiled.grad(self).copy()

    def reset(self, x0):
        """Start again at the projection of ``x0``, of the same size and kind."""
        trial, start = self.compiled.ask(self), start_vector(x0)
        if start.size != trial.size or (start.dtype.kind == "c" and trial.dtype.kind != "c"):
            raise ValueError(
                f"reset: x0 must be a {trial.dtype} vector of {trial.size} entries, got {start.dtype} {start.shape}"
            )
        self.compiled.reset(self, start.astype(trial.dtype, copy=False))

    def resume(self, gtol=GRADIENT, ftol=0.0, maxiter=LIMIT, maxfun=LIMIT):
        """Set new limits and go on, if the solver had stopped at one; bit for bit the run without the pause.

        A run that had converged goes on if ``gtol`` is smaller now. There is no test with ``ftol``. Returns the status.
        """
        status = self.compiled.resume(
            self, not_negative(gtol, "gtol"), at_least(maxiter, 0, "maxiter"), at_least(maxfun, 1, "maxfun")
        )
        return Status(status)

    def result(self):
        """The outcome so far, as SciPy's users know it: while it runs, the best point.

        Returns
        -------
        scipy.optimize.OptimizeResult
            With x, fun, jac, nit, nfev, njev, success, SciPy's integer ``status``, ``message``, ``reason``, the
            :class:`Status`, ``optimality``, max |P(x - g) - x|, and ``state``, this object.
        """
        reason, core = self.status, self.core
        # a run that is ended from outside may stand above a point that it has come through
        at_best = reason is Status.RUNNING and core.scalars[BEST] < core.scalars[F]
        x, grad = (core.best, core.best_grad) if at_best else (core.x, core.grad)
        return OptimizeResult(
            x=x.view(self.prototype.dtype).copy(),
            fun=float(core.scalars[BEST if at_best else F]),
            jac=grad.view(self.prototype.dtype).copy(),
            nit=int(self.nit),
            nfev=int(self.nfev),
            njev=int(self.nfev),
            optimality=float(core.scalars[BEST_PEAK if at_best else PEAK]),
            status=reason.code,
            success=reason.success,
            message=reason.message,
            reason=reason,
            state=self,
        )


def check_constraint(onto, x0):
    """ValueError or TypeError if the set is none to minimise over vectors like x0."""
    if not getattr(type(onto), "is_set", False):
        raise TypeError(f"the constraint must be a set, such as Box(0, 1) or L1Ball(1.0), got {onto!r}")
    if not type(onto).convex:
        raise ValueError(
            f"{type(onto).__name__} is not convex: the method cannot move between its points; "
            f"chain(rule, {type(onto).__name__}(...)) projects after every step"
        )
    reason = misfit(onto, x0.dtype.kind == "c")
    if reason:
        raise TypeError(reason)
    if not accepts(onto, x0.size):
        raise ValueError(f"x0 has {x0.size} entries, which are not as many as {onto!r} is for")
