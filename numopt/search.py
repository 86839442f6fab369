"""``minimize(..., method='SparseEvolution')``: the loop that evaluates batches of candidates."""

import copy
import time

import numba
import numpy as np
from numba.core.dispatcher import Dispatcher

from ._foreign import cuda_part
from ._input import objective_value
from ._jit import PLAIN, adapt, call_objective, jit
from .drive import AIR
from .options import SearchOptions
from .sparse import SparseEvolution
from .status import Status
from .watch import Callback

RUNNING = int(Status.RUNNING)
_SOLVERS_OWN = SearchOptions._fields[: SearchOptions._fields.index("vectorized")]  # the others are of this loop
_COLUMNS = ("nit", "nfev", "fun", "f", "nnz", "time")


def search(fun, x0, args, bounds, callback, chosen, on_device=False):
    """Minimise f(x) + penalty nnz; ``chosen`` are the options (:class:`numopt.options.SearchOptions`).

    ``on_device``: candidates are rows of an array on the GPU.
    """
    if on_device and chosen.workers is not None:
        raise ValueError("workers evaluate on the host, but x0 is on the GPU: fun takes all candidates there")
    if not callable(fun):
        raise TypeError(f"fun must be callable, got {fun!r}")
    args = args if isinstance(args, tuple) else (args,)
    if chosen.state is None:
        solver = SparseEvolution(x0, bounds=bounds, **{name: getattr(chosen, name) for name in _SOLVERS_OWN})
    else:
        solver = _earlier(chosen.state, x0, chosen.maxfun)
    history = [] if chosen.history else None
    watchers = [] if callback is None else [Callback(callback)]
    bar = _Bar(solver, chosen.maxfun) if chosen.progress else None
    if bar is not None:
        watchers.append(bar)
    begun = time.perf_counter()
    if history is not None:
        watchers.append(lambda es: history.append(_row(es, begun)))
    try:
        values = _OnDevice(solver, fun, args) if on_device else _Values(fun, args, chosen)
        reason = _run(solver, values, watchers, chosen, begun)
    finally:
        if bar is not None:
            bar.close()
    result = solver.result()
    if reason is not result.reason:
        result.update(reason=reason, status=reason.code, success=reason.success, message=reason.message)
    if history is not None:
        columns = np.array(history, dtype=float).reshape(-1, len(_COLUMNS)).T
        result.history = dict(zip(_COLUMNS, columns, strict=True))
    return result


def _earlier(state, x0, maxfun):
    """A copy of the solver of an earlier run, ready to go on."""
    if not isinstance(state, SparseEvolution):
        raise TypeError(f"state must be the state of an earlier result, a SparseEvolution object, got {state!r}")
    solver = copy.copy(state)
    x = solver.x
    if (x.size, x.dtype) != (x0.size, x0.dtype):
        raise ValueError(f"state is of a {x.dtype} vector of {x.size} entries, x0 a {x0.dtype} of {x0.size}")
    solver.resume(maxfun)
    return solver


def _run(solver, values, watchers, chosen, begun):
    """Evaluate until the search ends, or a watcher, the time or the target ends it; returns the reason."""
    seen = 0
    while solver.running:
        status = values.tell(solver)
        if solver.nit > seen and watchers:
            seen = solver.nit
            verdicts = [watch(solver) for watch in watchers]
            verdict = next((verdict for verdict in verdicts if verdict is not None), None)
            if verdict is not None:
                return verdict
        if status == RUNNING and -np.inf < solver.fun <= chosen.target:
            return Status.TARGET
        if status == RUNNING and time.perf_counter() - begun > chosen.max_time:
            return Status.MAXTIME
    return solver.status


class _Values:
    """How the candidates of a batch are evaluated: compiled, by workers, as a batch, or one by one."""

    def __init__(self, fun, args, chosen):
        self._fun, self._args, self._vectorized = fun, args, chosen.vectorized
        self._map = _as_map(chosen.workers)
        jitted = isinstance(fun, Dispatcher) and not PLAIN
        self._may_compile = jitted and self._map is None and not self._vectorized
        self._adapted = None
        self._each = np.inf  # seconds that an evaluation took last: the first turn is of one

    def tell(self, solver):
        """Evaluate the batch of the solver and tell it; returns the status."""
        candidates = solver.compiled.ask(solver)
        values = None if self._adapted is None else self._evaluate_compiled(candidates)
        if values is None:
            given = candidates.copy()
            values = self._evaluate(given)
            if self._may_compile and given.tobytes() != candidates.tobytes():
                raise ValueError(
                    "fun changes x: a compiled function gets the solver's own vectors, so let it work on x.copy()"
                )
        solver.tell(values)
        if self._may_compile:  # the first batch comes from Python, where what is wrong with the function shows itself
            self._adapted = adapt(_make_value, (self._fun,), self._args, solver.prototype.dtype)
            self._may_compile = False
        return int(solver.status)

    def _evaluate_compiled(self, candidates):
        """The values, in turns short enough for Ctrl-C; None if the function raises, which Python then shows."""
        values, row = np.empty(candidates.shape[0]), 0
        while row < values.size:
            stop = min(values.size, row + max(1, int(AIR / self._each)))
            turn = time.perf_counter()
            if not _fill(values, candidates, row, stop, self._adapted.address, self._adapted.args):
                return None
            self._each = max((time.perf_counter() - turn) / (stop - row), 1e-9)
            row = stop
        return values

    def _evaluate(self, candidates):
        if self._vectorized:
            values = self._fun(candidates, *self._args)
            if not isinstance(values, np.ma.MaskedArray):
                values = np.asarray(values)
            if values.shape != (candidates.shape[0],):
                raise ValueError(
                    f"fun must return one value for each of the {candidates.shape[0]} candidates, "
                    f"got shape {values.shape}"
                )
            return values
        evaluate = map if self._map is None else self._map
        return np.array([_value(f) for f in evaluate(_Call(self._fun, self._args), candidates)], dtype=float)


def _value(f):
    if isinstance(f, (tuple, list)) and len(f) > 1:
        raise TypeError(f"fun returned a {type(f).__name__} of {len(f)}: SparseEvolution takes the value alone")
    return objective_value(f)


class _OnDevice:
    """Candidates that are made and evaluated on a GPU."""

    def __init__(self, solver, fun, args):
        self._device = cuda_part("evolution").DeviceEvolution(solver)
        self._fun, self._args = fun, args

    def tell(self, solver):
        """Evaluate the batch of the solver and tell it; returns the status."""
        self._device.tell(self._device.values(self._fun, *self._args))
        return int(solver.status)


class _Call:
    """The function with its arguments, which can be sent to another process."""

    def __init__(self, fun, args):
        self.fun, self.args = fun, args

    def __call__(self, x):
        return self.fun(x, *self.args)


def _as_map(workers):
    """A map-like callable: ``workers`` itself, or the map of an executor; None for none."""
    if workers is None or callable(workers):
        return workers
    if callable(getattr(workers, "map", None)):
        return workers.map
    raise TypeError(f"workers must be a map-like callable or a concurrent.futures.Executor, got {workers!r}")


def _make_value(fun):
    @numba.njit(inline="always")
    def evaluate(x, g, args):
        return fun(x, *args)

    return evaluate


@jit
def _fill(values, candidates, start, stop, address, args):
    """Evaluate some of the candidates; False if the function raises."""
    unused = np.empty(0, candidates.dtype)
    for row in range(start, stop):
        raised, values[row] = call_objective(address, candidates[row], unused, args)
        if raised:
            return False
    return True


def _row(solver, begun):
    return solver.nit, solver.nfev, solver.fun, solver.f, solver.nnz, time.perf_counter() - begun


class _Bar:
    """A tqdm bar that counts evaluations and shows f + penalty nnz."""

    def __init__(self, solver, maxfun):
        try:
            from tqdm import tqdm
        except ImportError:
            raise ImportError(
                "options['progress'] needs tqdm: pip install 'numopt-jit[progress]', or '.[progress]' in a checkout"
            ) from None
        self._bar = tqdm(total=maxfun, unit="eval", desc="SparseEvolution")

    def __call__(self, solver):
        """Move the bar to the solver's evaluations."""
        self._bar.update(solver.nfev - self._bar.n)
        self._bar.set_postfix(F=f"{solver.fun:.4g}", nnz=int(solver.nnz), refresh=False)

    def close(self):
        """Leave the bar as it is."""
        self._bar.close()
