"""Why a solver stopped: one value and one sentence of advice each."""

from enum import IntEnum

_ADVICE = {
    "RUNNING": (0, "The solver waits for the value and the gradient at the point that ask() gives."),
    "CONVERGED_GTOL": (
        0,
        "Converged: the largest component of the gradient (within a set, of P(x - g) - x) is at most gtol.",
    ),
    "CONVERGED_FTOL": (0, "Converged: the decrease of f, made and predicted, is at most ftol * max(|f|, 1)."),
    "PRECISION": (0, "Converged: f cannot be resolved further in double precision; gtol is out of reach here."),
    "TARGET": (0, "f reached the target."),
    "CONVERGED_PATIENCE": (
        0,
        "Converged: in each of the last `patience` rounds f + penalty * nnz fell by at most a tenth of the penalty; "
        "raise `patience` to search more thoroughly.",
    ),
    "MAXITER": (1, "Stopped at maxiter iterations; raise it, or resume from this point."),
    "MAXFUN": (1, "Stopped at maxfun evaluations; raise it, or resume from this point."),
    "MAXTIME": (1, "Stopped after max_time seconds; raise it, or resume from this point."),
    "LINE_SEARCH": (
        2,
        "No step along the steepest descent decreases f. If the gradient is not small: check it (a complex one must be "
        "df/dx + i df/dy), or f has a kink here. If it is small: rounding errors in f hide any further decrease.",
    ),
    "UNBOUNDED": (2, "f reached -inf: it has no minimum; the best finite point is returned."),
    "NONFINITE_START": (2, "f or its gradient is not finite at x0; start where both are."),
    "DIVERGED": (
        2,
        "f or its gradient became NaN or infinite; the best point is returned. Lower the learning rate, or limit the "
        "update with Clip or ClipByGlobalNorm.",
    ),
    "FLAT": (
        2,
        "f is the same in all directions tried from the best point, so that nothing tells which entries to change. "
        "Start elsewhere (not at zero, for a network), or raise sigma.",
    ),
    "EDGE_OF_DOMAIN": (
        2,
        "f still falls at the edge of the region where it is finite: trials beyond were NaN, infinite or huge, and "
        "x is no minimum. Give the edge as bounds or as a set, or continue f beyond it.",
    ),
    "NO_CHANGE": (
        2,
        "f did not change over any finite-difference step, so that its slopes are unknown. Raise `eps` or "
        "`finite_diff_rel_step`, let f return all its digits, or pass `jac`.",
    ),
    "CALLBACK": (99, "`callback` raised `StopIteration`: the run ended there."),
}
_SUCCESS = ("CONVERGED_GTOL", "CONVERGED_FTOL", "PRECISION", "TARGET", "CONVERGED_PATIENCE")


class Status(IntEnum):
    """Why a solver stopped. Compiled code sees the integer of the same value.

    Attributes
    ----------
    code : int
        SciPy's code: 0 converged, 1 a limit was reached, 2 any other end, 99 stopped by the callback.
    success : bool
        True only if a stated convergence test holds.
    message : str
        What happened, and what to do about it.
    """

    RUNNING = 0
    CONVERGED_GTOL = 1
    CONVERGED_FTOL = 2
    PRECISION = 3
    MAXITER = 4
    MAXFUN = 5
    LINE_SEARCH = 6
    UNBOUNDED = 7
    NONFINITE_START = 8
    CALLBACK = 9
    TARGET = 10
    MAXTIME = 11
    DIVERGED = 12
    CONVERGED_PATIENCE = 13
    FLAT = 14
    EDGE_OF_DOMAIN = 15
    NO_CHANGE = 16

    @property
    def code(self):
        """SciPy's code."""
        return _ADVICE[self._name_][0]

    @property
    def success(self):
        """Whether a stated convergence test holds."""
        return self._name_ in _SUCCESS

    @property
    def message(self):
        """What happened, and what to do about it."""
        return _ADVICE[self._name_][1]


BY_VALUE = {int(status): status for status in Status}  # a look-up takes a tenth of the time of Status(value)
