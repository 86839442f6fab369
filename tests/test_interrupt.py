"""Ctrl-C, threads and memory: what a long run, many runs and several runs at once owe to their process."""

import contextlib
import functools
import gc
import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import numba
import numpy as np
import psutil
import pytest
from numba.core.runtime import rtsys

import numopt.drive
import numopt.generic
from numopt import Status, minimize
from numopt.ask_tell import COUNTERS, NFEV, NIT, SCALARS, STATUS

SMALL_LEAK = 30 * 2**20


@pytest.fixture(params=["python", pytest.param("jitted", marks=pytest.mark.jit_only)])
def language(request):
    return request.param


def in_language(function, language):
    return _jitted(function) if language == "jitted" else function


@functools.cache
def _jitted(function):
    return numba.njit(function)


def endless(x, g, calls, work):
    """A parabola whose minimum moves, and falls, with every call: no solver ever finishes."""
    calls[0] += 1
    f = -1.0 * calls[0]
    for i in range(x.size):
        d = x[i] - 0.1 * ((7919 * calls[0] + 104729 * i) % 101 / 50.0 - 1.0)
        f += 0.5 * d * d
        g[i] = d
    for i in range(work):  # takes its time; f changes by nothing
        f += 1e-300 * np.cos(i)
    return f


def bowl(x, g):
    f = 0.0
    for i in range(x.size):
        d = x[i] - 3.0
        f += d * d
        g[i] = 2.0 * d
    return f


# --- Ctrl-C ----------------------------------------------------------------------------------------------------------


# This file is run as a script by its own tests: a signal may hit anything that runs in the process of the tests, and
# what measures coverage, for one, does not survive that.

WORK = 10_000_000  # cosines in a long evaluation


def interrupt(fun, work, callback, maxfun, after=0.3):
    """Start a run without an end, send Ctrl-C, solve something else, and say how all that went."""
    calls, sent = np.zeros(1, np.int64), []

    def send():
        while work == 0 and calls[0] <= 100:  # a busy machine may take longer to get so far
            time.sleep(0.01)
        sent.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(after, send)
    options = {"maxiter": np.inf, "maxfun": maxfun, "gtol": 0.0, "ftol": 0.0}
    timer.start()
    try:
        minimize(fun, np.zeros(3), (calls, work), jac="inplace", options=options, callback=callback)
    except KeyboardInterrupt:
        seconds = time.perf_counter() - sent[0]
    else:
        seconds = np.inf
    timer.join()
    following = minimize(fun, np.zeros(3), (calls, 0), jac="inplace", options={"maxiter": 3})
    return {"seconds": seconds, "calls": int(calls[0]), "following": int(following.nit)}


def main(language):
    """Print the outcome of several interruptions."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # it may be ignored in a background process
    fun, calls = in_language(endless, language), np.zeros(1, np.int64)
    minimize(fun, np.zeros(3), (calls, 0), jac="inplace", options={"maxiter": 2})  # compiles
    outcomes = {
        "alone": interrupt(fun, 0, None, 10**7),
        "with a callback": interrupt(fun, 0, lambda xk: None, 10**7),
    }
    if language == "jitted":
        begun = time.perf_counter()
        fun(np.zeros(3), np.empty(3), calls, WORK)
        evaluation = time.perf_counter() - begun
        outcomes["long evaluations"] = {**interrupt(fun, WORK, None, 100), "evaluation": evaluation}
    print(json.dumps(outcomes))


@functools.cache
def outcomes_in_another_process(language):
    paths = [str(Path(numopt.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    command = [sys.executable, "-P", "-W", "error", __file__, language]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("case", ["alone", "with a callback"])
def test_ctrl_c_ends_a_run_of_many_short_evaluations(case, language):
    outcome = outcomes_in_another_process(language)[case]
    assert outcome["seconds"] < 1.0
    assert outcome["calls"] > 100
    assert outcome["following"] == 3


@pytest.mark.jit_only
def test_ctrl_c_ends_a_run_of_long_evaluations():
    """After one evaluation more, not after as many as were thought to be short."""
    outcome = outcomes_in_another_process("jitted")["long evaluations"]
    assert outcome["seconds"] < 1.0 + 2 * outcome["evaluation"]
    assert outcome["following"] == 3


def test_ctrl_c_inside_an_objective_in_python_is_not_swallowed():
    def fun(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        minimize(fun, np.zeros(3))


# --- the turns of compiled code, in which Python cannot see Ctrl-C, with a clock and a solver that are not real -------


class Clock:
    """What the driver takes for the module ``time``."""

    def __init__(self):
        self.now = 0.0

    def perf_counter(self):
        return self.now


class EndlessCore(NamedTuple):
    trial: np.ndarray
    scalars: np.ndarray
    counters: np.ndarray


@numopt.generic.tell.register(EndlessCore)
def _tell(core, evaluations, f, g):
    counters = core.counters
    counters[NFEV] += 1
    counters[NIT] += counters[NFEV] % 3 == 0
    counters[STATUS] = Status.RUNNING if counters[NFEV] < evaluations else Status.CONVERGED_GTOL
    return counters[STATUS]


class EndlessSolver:
    """Asks for so many evaluations, of which every third ends an iteration."""

    def __init__(self, evaluations):
        self.core = EndlessCore(np.zeros(1), np.ones(SCALARS), np.zeros(COUNTERS, int))
        self.parameters, self.prototype = evaluations, np.zeros(0)

    nit = property(lambda self: self.core.counters[NIT])
    nfev = property(lambda self: self.core.counters[NFEV])


class Machine:
    """An objective that takes ``cost`` seconds, and the record of the turns that the driver gives to compiled code.

    ``cost`` is a function of the number of the evaluation; those at which ``raises`` is true raise.
    """

    def __init__(self, monkeypatch, cost, in_python, raises=lambda k: False):
        self.clock, self.cost, self.in_python, self.raises = Clock(), cost, in_python, raises
        self.evaluations = 0
        self.turns = []  # (evaluations, seconds)
        self.from_python = []  # numbers of the evaluations made from Python
        functions = [getattr(numopt.drive, name) for name in ("_start", "_told", "_run")]
        functions = {f.__name__: getattr(f, "py_func", f) for f in functions}
        functions |= {"real_view": lambda g: g, "view_like": lambda x, prototype: x}
        functions["told"] = lambda solver, f, g: numopt.generic.tell(solver.core, solver.parameters, f, g)

        def turn(solver, *rest):
            evaluations, begun = self.evaluations, self.clock.now
            result = functions["_run"](solver, *rest)
            self.turns.append((self.evaluations - evaluations, self.clock.now - begun))
            return result

        for name, function in functions.items():
            monkeypatch.setattr(numopt.drive, name, function)
        monkeypatch.setattr(numopt.drive, "time", self.clock)
        monkeypatch.setattr(numopt.drive, "_run", turn)
        monkeypatch.setattr(numopt.drive, "call_objective", self._call)

    def _call(self, address, x, g, args):
        if self.raises(self.evaluations):
            return True, 0.0
        self.clock.now += self.cost(self.evaluations)
        self.evaluations += 1
        return False, 0.0

    def evaluate(self, x):
        self.clock.now += self.in_python
        self.from_python.append(self.evaluations)
        self.evaluations += 1
        return 0.0, x

    def compiled(self):
        return SimpleNamespace(address=0, args=0)

    def drive(self, evaluations, **given):
        solver = EndlessSolver(evaluations)
        return numopt.drive.drive(solver, self, **given), solver


@pytest.mark.parametrize("in_python", [1e-5, 5.0], ids=["cached", "compiles"])
@pytest.mark.parametrize("cost", [1e-4, 1e-2, 3.0])
def test_turns_are_short_but_not_shorter_than_need_be(monkeypatch, cost, in_python):
    machine = Machine(monkeypatch, lambda k: cost, in_python + cost)
    status, solver = machine.drive(2000)
    assert status is Status.CONVERGED_GTOL
    assert machine.evaluations == solver.nfev == 2000
    longest = max(0.05, cost)
    assert max(seconds for _, seconds in machine.turns) <= 1.001 * longest
    assert all(seconds >= 0.75 * longest for _, seconds in machine.turns[1:-1])


def test_turns_adapt_to_evaluations_that_become_slow(monkeypatch):
    machine = Machine(monkeypatch, lambda k: 1e-4 if k < 1000 else 1.0, 1e-4)
    machine.drive(1600)
    assert all(evaluations == 1 for evaluations, _ in machine.turns[-20:])


def test_turns_are_bounded_where_no_time_passes(monkeypatch):
    machine = Machine(monkeypatch, lambda k: 0.0, 0.0)
    status, _ = machine.drive(3000)
    assert status is Status.CONVERGED_GTOL
    assert machine.from_python == [0]
    assert machine.turns == [(2999, 0.0)]


@pytest.mark.parametrize("every", [1, 4])
def test_turns_end_where_somebody_looks_on(monkeypatch, every):
    nits = []

    def watch(solver):
        nits.append(solver.nit)

    watch.from_start = False
    machine = Machine(monkeypatch, lambda k: 1e-6, 1e-6)
    _, solver = machine.drive(60, watchers=[watch], every=every)
    assert nits == list(range(every, solver.nit + 1, every))


def test_a_watcher_ends_the_run(monkeypatch):
    def watch(solver):
        return Status.CALLBACK if solver.nit == 4 else None

    watch.from_start = False
    machine = Machine(monkeypatch, lambda k: 1e-6, 1e-6)
    status, solver = machine.drive(60, watchers=[watch])
    assert status is Status.CALLBACK
    assert solver.nit == 4


def test_an_exception_in_compiled_code_is_raised_from_python(monkeypatch):
    class Raises(Machine):
        def evaluate(self, x):
            if self.evaluations == 30:
                raise ArithmeticError("of the user")
            return super().evaluate(x)

    machine = Raises(monkeypatch, lambda k: 1e-6, 1e-6, raises=lambda k: k == 30)
    with pytest.raises(ArithmeticError, match="of the user"):
        machine.drive(60)
    assert machine.evaluations == 30


def test_an_exception_that_does_not_come_again_is_evaluated_from_python(monkeypatch):
    machine = Machine(monkeypatch, lambda k: 1e-6, 1e-6, raises=lambda k: k in (10, 30))
    status, solver = machine.drive(60)
    assert status is Status.CONVERGED_GTOL
    assert machine.from_python == [0, 10, 30]
    assert solver.nfev == 60


def test_time_is_looked_at_between_turns(monkeypatch):
    machine = Machine(monkeypatch, lambda k: 1e-3, 1e-3)
    status, solver = machine.drive(10**6, max_time=1.0)
    assert status is Status.MAXTIME
    assert 1.0 < machine.clock.now < 1.1
    assert solver.nfev == pytest.approx(1000, rel=0.1)


# --- memory ----------------------------------------------------------------------------------------------------------


def unfreed():
    """Blocks that compiled code has allocated and not freed."""
    gc.collect()
    stats = rtsys.get_allocation_stats()
    return stats.alloc - stats.free, stats.mi_alloc - stats.mi_free


def resident():
    gc.collect()
    return psutil.Process().memory_info().rss


@pytest.mark.variants
@pytest.mark.jit_only
def test_thousands_of_solves_leak_nothing(language):
    fun = in_language(bowl, language)

    def solve(times):
        for _ in range(times):
            minimize(fun, np.zeros(3), jac="inplace")

    solve(10)
    blocks, memory = unfreed(), resident()
    solve(3000)
    assert unfreed() == blocks
    assert resident() - memory < SMALL_LEAK


def weighted_bowl(x, g, weights, limit):
    if x[0] > limit:
        raise ArithmeticError("beyond the limit")
    g[:] = 2.0 * weights * (x - 3.0)
    return np.sum(weights * (x - 3.0) ** 2)


@pytest.mark.variants
@pytest.mark.jit_only
@pytest.mark.parametrize("limit", [-1.0, 1e-5], ids=["first evaluation", "later evaluation"])
def test_solves_that_raise_leak_nothing(limit, language):
    """Neither the solver's vectors nor the arguments; a vector here has 160 kB."""
    fun, weights = in_language(weighted_bowl, language), np.ones(20_000)
    start = np.zeros(weights.size)

    def solve(times):
        for _ in range(times):
            with pytest.raises(ArithmeticError, match="beyond the limit"):
                minimize(fun, start, (weights, limit), jac="inplace")

    solve(3)
    blocks, memory = unfreed(), resident()
    solve(100)
    assert unfreed() == blocks
    assert resident() - memory < 100 * weights.nbytes


@pytest.mark.variants
@pytest.mark.parametrize("limit", [1e9, 1e-5], ids=["solved", "raised"])
def test_arguments_are_released(limit, language):
    """At the latest when Python's garbage collector has run."""
    fun, weights = in_language(weighted_bowl, language), np.ones(3)

    def references():
        gc.collect()
        return sys.getrefcount(weights)

    before = references()
    for _ in range(5):
        with contextlib.suppress(ArithmeticError):
            minimize(fun, np.zeros(3), (weights, limit), jac="inplace")
    assert references() == before


# --- threads ---------------------------------------------------------------------------------------------------------


def rosenbrock(x, g, shift):
    """Not used by another test, so that the threads also compile it at once."""
    f = 0.0
    g[:] = 0.0
    for i in range(x.size - 1):
        a, b = x[i + 1] - x[i] * x[i], shift - x[i]
        f += 100.0 * a * a + b * b
        g[i] -= 400.0 * x[i] * a + 2.0 * b
        g[i + 1] += 200.0 * a
    return f


def test_eight_threads_give_the_serial_bits(language):
    fun, threads = in_language(rosenbrock, language), 8
    start_together = threading.Barrier(threads)

    def solve(k):
        start = np.linspace(-1.0, 1.0, 2 + k) + 0.01 * k
        return minimize(fun, start, (1.0 + 0.1 * k,), jac="inplace")

    def solve_in_thread(k):
        start_together.wait()
        return [solve(k) for _ in range(5)]

    with ThreadPoolExecutor(threads) as pool:
        together = list(pool.map(solve_in_thread, range(threads)))
    assert len({result.x.tobytes() for results in together for result in results}) == threads
    for k, results in enumerate(together):
        alone = solve(k)
        assert alone.success
        for result in results:
            assert result.x.tobytes() == alone.x.tobytes()
            assert (result.fun, result.nit, result.nfev) == (alone.fun, alone.nit, alone.nfev)


if __name__ == "__main__":
    main(sys.argv[1])
