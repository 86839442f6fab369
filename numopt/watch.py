"""What looks on between two iterations: the user's callback, the history, the progress bar.

A watcher is called with the solver after an iteration, and after the first evaluation if it wants to look
``from_start``; what it returns, if it is not None, ends the run with that status.
"""

import inspect
import time

import numpy as np
from scipy.optimize import OptimizeResult

from .status import Status


class Callback:
    """The user's callback, called as SciPy does: by the name of its parameter, with copies, x times ``scale``."""

    from_start = False

    def __init__(self, function, scale=None):
        if not callable(function):
            raise TypeError(f"callback must be callable, got {function!r}")
        try:
            self._by_name = set(inspect.signature(function).parameters) == {"intermediate_result"}
        except (TypeError, ValueError):  # a callable without a signature
            self._by_name = False
        self._function, self._scale = function, scale

    def __call__(self, solver):
        """Call it; StopIteration ends the run."""
        x = solver.x if self._scale is None else solver.x * self._scale
        try:
            if self._by_name:
                self._function(intermediate_result=OptimizeResult(x=x, fun=solver.f, nit=solver.nit))
            else:
                self._function(x)
        except StopIteration:
            return Status.CALLBACK
        return None


class History:
    """Records nit, nfev, f, max |g_i|, the step and the seconds of each iteration; row 0 is the start."""

    from_start = True

    _COLUMNS = ("nit", "nfev", "fun", "gradient", "step", "time")

    def __init__(self):
        self._begun, self._rows = time.perf_counter(), []

    def __call__(self, solver):
        """Add a row."""
        seconds = time.perf_counter() - self._begun
        self._rows.append((solver.nit, solver.nfev, solver.f, solver.gradient_size, solver.step, seconds))

    def columns(self):
        """One array for each quantity."""
        columns = np.array(self._rows, dtype=float).reshape(-1, len(self._COLUMNS)).T
        table = dict(zip(self._COLUMNS, columns, strict=True))
        return {name: column.astype(int) if name in ("nit", "nfev") else column for name, column in table.items()}


class Progress:
    """A tqdm bar that counts iterations and shows f and the gradient."""

    from_start = False

    def __init__(self, maxiter):
        try:
            from tqdm import tqdm
        except ImportError:
            raise ImportError(
                "options['progress'] needs tqdm: pip install 'numopt-jit[progress]', or '.[progress]' in a checkout"
            ) from None
        self._bar = tqdm(total=maxiter if maxiter < 10**9 else None, unit="it", desc="minimize")

    def __call__(self, solver):
        """Move the bar to the solver's iteration."""
        self._bar.update(solver.nit - self._bar.n)
        self._bar.set_postfix(f=f"{solver.f:.4g}", gradient=f"{solver.gradient_size:.1e}", refresh=False)

    def close(self):
        """Leave the bar as it is."""
        self._bar.close()
