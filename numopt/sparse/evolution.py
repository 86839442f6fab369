"""The search for sparse vectors as a stateful jitted class."""

import warnings

import numpy as np
from scipy.optimize import OptimizeResult

from .._input import at_least, at_most_a_million, callers_level, check_out, real_values, start_vector
from .._jit import Record, fields, real_view, stateful, view_like
from ..ask_tell import STATUS, AskTell
from ..status import Status
from . import checks
from .batch import repeated, take_values, write_batch
from .bounds import limits_of, start_within
from .choices import WAYS_TO_GROW, WAYS_TO_SELECT, scouts
from .state import (
    FLAT,
    FUN,
    MAXFUN,
    PHASE,
    RESAMPLES,
    ROUND,
    SCOUT,
    TOLD,
    Evolution,
    costs,
    count_penalized,
    new_state,
    rows_due,
    set_options,
)

_LIMIT = 100_000
RUNNING, MAXFUN_REACHED = int(Status.RUNNING), int(Status.MAXFUN)
_BY_SCORE, _BY_COST = WAYS_TO_GROW["score"], WAYS_TO_SELECT["cost"]
_NO_SCORE = (
    "SparseEvolution: around x0, f is the same in opposite directions, or not finite, in all that were tried, so that "
    "nothing tells which entries to change. Start elsewhere (not at zero, for a network), or raise sigma."
)


@fields
class SparseEvolutionFields:
    """What a :class:`SparseEvolution` holds."""

    core: Evolution
    selection: Record
    prototype: np.ndarray  # empty; its dtype is that of x


@stateful(SparseEvolutionFields)
class SparseEvolution(AskTell):
    r"""Minimise f(x) + penalty * (number of nonzero entries of x), from values of f only.

    For real or complex x, without gradients, with neither the number of nonzero entries nor a Lipschitz constant known.
    The search goes in rounds. Each *scouts* the entries that are zero by a few antithetic random directions, *wakes*
    those which promise most and a few at random, *trains* them and the support by an evolution strategy with a diagonal
    covariance, *prunes* the result by hard thresholds and then entry by entry, trains the survivors, and *accepts* what
    is better. After two rounds in vain, a random part of the support is erased first. A round costs of the order of
    k ln n evaluations for k nonzero entries.

    The solver never calls f: ``ask()`` gives candidates, ``tell(values)`` takes f at each, until ``running`` is False;
    in Python and in ``@njit`` code alike (there, without checks, and with ``x`` and ``ask`` lending the solver's own
    buffers; ``penalize`` or ``bounds`` of another length than x0 make x NaN). It can be pickled, and ``save`` writes it
    to a file, which :func:`numopt.load` reads. One object must not be used by two threads at once.

    Not to be confused with sparse evolutionary *training*, which rewires networks that are trained with gradients.

    Parameters
    ----------
    x0 : array_like, shape (n,)
        Start, real or complex; zeros are a good one, unless f does not change around it in any direction, as for a
        network whose weights are all zero.
    penalty : float
        What a nonzero entry costs, in units of f; also the unit of progress. With 0 this is a plain evolution strategy.
    seed : int
        From 0 to 2^53; the same seed gives the same bits.
    sigma : float
        Standard deviation of the first mutations, in units of x (for complex x, of both parts).
    zeta : float
        The share of the support that is exchanged in a round, above 0 and at most 1.
    patience : int
        Stop after so many rounds in a row that improve by less than a tenth of the penalty; 12 is thorough.
    maxfun : int
        Evaluations at most.
    penalize : array_like of bool, shape (n,), optional
        Which entries cost when they are not zero, all by default; the others, such as biases, always move.
    bounds : Bounds, Box or sequence of pairs (lower, upper), optional
        For real x; None or an infinite number is no bound. Every candidate lies within; x0 is clipped. Bounds of an
        entry that costs must include 0. In ``@njit`` code a ``Box``; entries whose bounds do not include 0 cost nothing
        there.
    resamples : int
        For noisy f: every candidate comes so many times, in rows that follow each other, and the mean of their values
        is its value. Each row is an evaluation. Of more samples than one, ``ask`` makes an array also in ``@njit``.
    grow : {'score', 'random'}
        Which zero entries are woken: those that scouting found promising, or any, without scouting, for comparison. In
        ``@njit`` code ``ByScore()`` or ``AtRandom()`` of numopt.
    selection : {'cost', 'two-stage'}
        What becomes of candidates. 'two-stage', for comparison only: average the sparsest of the better half by f,
        which does not minimise f + penalty * nnz (:mod:`numopt.sparse.two_stage`). In ``@njit`` code ``ByCost()`` or
        ``TwoStage()`` of numopt.

    Attributes
    ----------
    x : ndarray
        The best point evaluated; its zeros are exact.
    f : float
        The value there.
    fun : float
        f + penalty * nnz, which never rises.
    nnz : int
        Nonzero entries that cost.
    support : ndarray of int
        Where x is not zero.
    nit, nfev : int
        Generations, and evaluations taken.
    running : bool
        Whether there is anything to evaluate.
    status : Status
        Why the solver stopped (in ``@njit`` code the integer of the same value).

    Raises
    ------
    ValueError, TypeError
        In Python, for an x0 that is not a finite vector of numbers, for options that make no sense, or for bounds of a
        complex x.

    Warns
    -----
    RuntimeWarning
        In Python, if f did not change between opposite directions in the first scouting, as around a network of zeros.

    Notes
    -----
    A generation of more rows than about 2^20 / n (between 64 and 1024) is asked for in several batches, to bound
    memory. Values that are not finite rank last, and the first one must be finite. Random numbers are those of Philox
    with counters for position, row and generation; they depend on nothing else.

    With f measured to a noise that is not small beside the penalty, x is the luckiest point rather than the best one,
    and ``f`` is lower than a new measurement there. The mean of r ``resamples`` has the noise divided by sqrt(r); x is
    the best by these means, which are never measured again. For a deterministic f they are a waste.

    With gradients at hand use them: where measurements are few (up to about 6 per nonzero entry) hard thresholding and
    the Lasso find supports that this method does not. Of 20 regressions with 100 coefficients, 5 of them planted, and
    30 measurements, normalised iterative hard thresholding, which is told the 5, finds 15, this method 9; with 60
    measurements both find all.

    References
    ----------
    R. Ros, N. Hansen, PPSN X (2008), for the training; J. K. Salmon et al., SC 2011, for the random numbers.

    Examples
    --------
    >>> import numpy as np
    >>> import numopt as no
    >>> rng = np.random.default_rng(0)
    >>> a, planted = rng.standard_normal((40, 20)), np.zeros(20)
    >>> planted[[3, 11]] = 1.0, -2.0
    >>> es = no.SparseEvolution(np.zeros(20), penalty=0.01, seed=1)
    >>> while es.running:
    ...     es.tell([np.mean((a @ (candidate - planted)) ** 2) for candidate in es.ask()])
    >>> es.support.tolist(), es.status.name
    ([3, 11], 'CONVERGED_PATIENCE')
    """

    def __new__(
        cls,
        x0,
        penalty=0.01,
        seed=0,
        sigma=0.5,
        zeta=0.3,
        patience=6,
        maxfun=_LIMIT,
        penalize=None,
        bounds=None,
        resamples=1,
        grow="score",
        selection="cost",
    ):
        """Validate, and build the compiled object."""
        x0 = start_vector(x0)
        penalty, sigma, zeta = checks.sizes(penalty, sigma, zeta)
        patience, resamples = at_least(patience, 1, "patience"), at_most_a_million(resamples, "resamples")
        maxfun = checks.enough(maxfun, resamples)
        mask, seed = checks.mask(penalize, x0.size), checks.seed_number(seed)
        bounds = checks.limits(bounds, x0, mask)
        chosen = checks.choice(grow, WAYS_TO_GROW, "grow"), checks.choice(selection, WAYS_TO_SELECT, "selection")
        return cls.compiled.new(x0, penalty, seed, sigma, zeta, patience, maxfun, mask, bounds, resamples, *chosen)

    class compiled:
        """What ``@njit`` code sees."""

        def new(
            x0,
            penalty=0.01,
            seed=0,
            sigma=0.5,
            zeta=0.3,
            patience=6,
            maxfun=_LIMIT,
            penalize=None,
            bounds=None,
            resamples=1,
            grow=_BY_SCORE,
            selection=_BY_COST,
        ):
            start = start_within(x0, bounds)
            mask, limits = costs(penalize, start), limits_of(bounds, start.size)
            prototype = start[:0].copy()
            parts = real_view(np.ones(1, start.dtype)).size
            core = new_state(real_view(start), parts, mask, limits, resamples)
            set_options(core, penalty, seed, sigma, zeta, patience, maxfun, scouts(grow))
            return SparseEvolutionFields(core, selection, prototype)

        def ask(self):
            """Lend the candidates, one in each row."""
            core = self.core
            write_batch(core, self.selection)
            first, rows = core.counters[TOLD], rows_due(core.counters)
            flat = view_like(core.candidates[first * core.x.size : (first + rows) * core.x.size], self.prototype)
            batch = flat.reshape((rows, core.penalize.size))
            return batch if core.counters[RESAMPLES] == 1 else repeated(batch, core.counters[RESAMPLES])

        def tell(self, values):
            """Take f at each candidate; -1, and nothing done, for another number of values, or before ``ask``."""
            return take_values(self.core, self.selection, values)

        def resume(self, maxfun):
            """Set another limit, and go on if the search had stopped at one; returns the status."""
            k = self.core.counters
            k[MAXFUN] = maxfun
            if k[STATUS] == RUNNING or k[STATUS] == MAXFUN_REACHED:
                k[STATUS] = RUNNING if rows_due(k) > 0 else MAXFUN_REACHED
            return k[STATUS]

        @property
        def fun(self):
            """F + penalty * nnz at ``x``."""
            return self.core.scalars[FUN]

        @property
        def nnz(self):
            """The number of nonzero entries of ``x`` that cost."""
            return count_penalized(self.core, self.core.x)

        @property
        def support(self):
            """Where ``x`` is not zero."""
            return np.flatnonzero(view_like(self.core.x, self.prototype))

    def ask(self, out=None):
        """The points to evaluate next, one in each row, as a copy, or written into ``out``."""
        batch = self.compiled.ask(self)
        if out is None:
            return batch.copy()
        check_out(out, batch)
        out[:] = batch
        return out

    def tell(self, values):
        """Take f at each row that ``ask`` gave, without the penalty. After the end, nothing changes.

        Raises
        ------
        ValueError, TypeError
            If these are not as many real numbers as there are rows; the solver is then as it was.
        """
        if not self.running:
            return
        self.compiled.ask(self)  # nothing, if somebody has asked
        self.tell_by(self.compiled.tell, values)

    def tell_by(self, take, values):
        """Have the values taken by ``take(solver, values)``: what ``tell`` does, with its checks."""
        given = np.asarray(values)
        k = self.core.counters
        rows = rows_due(k) * k[RESAMPLES]
        if given.shape != (rows,):
            raise ValueError(f"tell takes one value for each of the {rows} candidates, got shape {given.shape}")
        given = real_values(values if isinstance(values, np.ma.MaskedArray) else given)
        first_scouting = k[ROUND] == 1 and k[PHASE] == SCOUT
        take(self, np.ascontiguousarray(given, dtype=float))
        # opposite directions agree at a minimum, too, where all is well: there f rises in each
        if first_scouting and k[PHASE] != SCOUT and k[FLAT] == 1 and not np.all(given > self.f):
            warnings.warn(_NO_SCORE, RuntimeWarning, stacklevel=callers_level())

    def resume(self, maxfun=_LIMIT):
        """Set another limit, and go on if the search had stopped at one; returns the status.

        The search is bit for bit the one without the limit, also where ``maxfun`` has cut a generation short.
        """
        return Status(self.compiled.resume(self, checks.enough(maxfun, self.core.counters[RESAMPLES])))

    def result(self):
        """The outcome so far, as SciPy's users know it.

        Returns
        -------
        scipy.optimize.OptimizeResult
            With x, fun, which includes the penalty, f, nnz, support, nit, nfev, success, SciPy's integer ``status``,
            ``message``, ``reason``, the :class:`Status`, and ``state``, this object.
        """
        reason = self.status
        return OptimizeResult(
            x=self.x,
            fun=float(self.fun),
            f=float(self.f),
            nnz=int(self.nnz),
            support=self.support,
            nit=int(self.nit),
            nfev=int(self.nfev),
            status=reason.code,
            success=reason.success,
            message=reason.message,
            reason=reason,
            state=self,
        )
