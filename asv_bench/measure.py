"""Measure numopt against its peers and the goals: ``python asv_bench/measure.py [--part lbfgs] [--quick] [--write]``.

The contenders run alternately in one process, pinned to one core, each library with one thread; what is compared is CPU
time, as the median over the rounds of peer time / numopt time. ``--write`` puts the tables into RESULTS.md, each part
its own, and keeps the text under the headings "Reading".
"""

import argparse  # noqa: I001 (benchmarks before NumPy)
import datetime
import importlib.metadata
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from benchmarks import (
    first_call,
    linesearch,
    minimize,
    peers,
    projections,
    sparse,
    sparse_training,
    step,
)  # before NumPy: threads
from benchmarks.compile import process_time
from benchmarks.imports import import_time
import numpy as np

from numopt._jit import STAMP
from numopt._jit._stamp import ROOT, package_stamp

from numopt.problems import phase_retrieval

RESULTS = Path(__file__).with_name("RESULTS.md")
PACKAGES = ("numba", "numpy", "scipy", "optax", "jax", "torch", "PyLBFGS")
_READING = "**Reading**\n"


class Row(NamedTuple):
    """A line of the table. ``goal`` is a least value unless ``at_most``; ``text`` adds to it."""

    workload: str
    against: str
    goal: float | None
    measured: np.ndarray | float | None  # one number for each round; None: the peer is missing
    unit: str = "x"
    at_most: bool = False
    text: str = ""
    evaluations: tuple = ()

    header = ("workload", "against", "goal", "measured (range of the rounds)", "", "evaluations ours / theirs")

    @property
    def value(self):
        """The median of the rounds."""
        return float(np.median(self.measured))

    @property
    def met(self):
        """What the table says about the goal."""
        if self.measured is None:
            return "peer missing"
        if self.goal is None:
            return ""
        return "met" if (self.value <= self.goal if self.at_most else self.value >= self.goal) else "**not met**"

    def cells(self):
        """The columns of the table."""
        sign = "<=" if self.at_most else ">="
        goal = "" if self.goal is None else f"{sign} {self.goal:g} {self.unit}{self.text}"
        measured, evaluations = "", " / ".join(f"{count:.0f}" for count in self.evaluations)
        if self.measured is not None:
            measured, rounds = f"{self.value:.3g} {self.unit}", np.atleast_1d(self.measured)
            if rounds.size > 1:
                measured += f" ({rounds.min():.3g} .. {rounds.max():.3g})"
        return self.workload, self.against, goal, measured, self.met, evaluations


def cpu_time(function):
    """Seconds of CPU time of one call."""
    begun = time.process_time()
    function()
    return time.process_time() - begun


def contest(solvers, points, rounds, least=0.02):
    """Alternate the solvers; returns {name: seconds per pass over the points, one for each round}."""
    repeats = {}
    for name, solve in solvers.items():
        once = cpu_time(lambda solve=solve: [solve(x0) for x0 in points])
        repeats[name] = max(1, int(least / max(once, 1e-6)))
    times = {name: [] for name in solvers}
    for _ in range(rounds):
        for name, solve in solvers.items():
            count = repeats[name]
            total = cpu_time(lambda solve=solve, count=count: [solve(x0) for _ in range(count) for x0 in points])
            times[name].append(total / count)
    return {name: np.array(values) for name, values in times.items()}


def long_contest(solvers, x0, rounds):
    """The same for long runs: each once in a round; also the evaluations. Only optax, which compiles, runs before."""
    if "optax" in solvers:
        solvers["optax"](x0)
    times, counts = {name: [] for name in solvers}, {}
    for _ in range(rounds):
        for name, solve in solvers.items():
            begun = time.process_time()
            _, counts[name] = solve(x0)
            times[name].append(time.process_time() - begun)
    return {name: np.array(values) for name, values in times.items()}, counts


# (peer, goal, further text) for each n
GOALS = {
    2: (("SciPy", 40, "; in the end 100"), ("optax", 30, ""), ("torch", None, ""), ("liblbfgs", None, "")),
    10: (("SciPy", 40, ""), ("optax", None, ""), ("torch", None, ""), ("liblbfgs", None, "")),
    100: (("SciPy", 30, "; in the end 35"), ("optax", 25, ""), ("torch", None, ""), ("liblbfgs", None, "")),
    1000: (("SciPy", 8, ""), ("optax", 2.5, ""), ("torch", None, ""), ("liblbfgs", None, "")),
    minimize.LARGE: (("SciPy", 4.5, ""), ("optax", 3.5, ""), ("torch", None, ""), ("liblbfgs", None, "")),
}


def rosenbrock_rows(n, rounds):
    """One size: a row for each peer, one for in-place gradients, at n = 1000 one for the evaluations."""
    points = peers.starts(n, {2: 10, 10: 10, 100: 4}.get(n, 1))
    solvers = {name: minimize.solver_for(n, name) for name in peers.SOLVERS}
    solvers = {name: solve for name, solve in solvers.items() if solve is not None}
    if n == minimize.LARGE:
        times, counts = long_contest(solvers, points[0], rounds)
    else:
        for solve in solvers.values():
            solve(points[0])
        times = contest(solvers, points, rounds)
        counts = {name: sum(solve(x0)[1] for x0 in points) for name, solve in solvers.items()}
    workload = f"Rosenbrock, jitted objective, n = {n:g}"
    rows = []
    for peer, goal, text in (*GOALS[n], ("numopt inplace", None, "")):
        ratio = times[peer] / times["numopt"] if peer in times else None
        evaluations = (counts["numopt"], counts[peer]) if peer in counts else ()
        rows.append(Row(workload, peer, goal, ratio, text=text, evaluations=evaluations))
    if n == 1000:
        more = counts["numopt"] / counts["SciPy"]
        rows.append(Row(workload, "SciPy, evaluations", 1.05, more, at_most=True))
    print(n, {name: f"{1e6 * np.median(t) / len(points):.4g} us" for name, t in times.items()}, counts, flush=True)
    return rows, times["numopt"] / counts["numopt"]


def floor_rows(each):
    """The floors, and ``each``, numopt's seconds per evaluation at n = 1e6, in units of the triad."""
    size = minimize.FLOOR_SIZE
    x, y, z = (np.full(size, float(k)) for k in range(3))
    minimize.read_pass(x), minimize.triad(x, y, z)
    read = 1e9 / size * np.array([cpu_time(lambda: minimize.read_pass(x)) for _ in range(9)])
    triad = 1e9 / size * np.array([cpu_time(lambda: minimize.triad(x, y, z)) for _ in range(9)])
    spent = 1e9 / minimize.LARGE * each
    return [
        Row(f"floor: read pass, {size:g} numbers", "", None, read, "ns per number"),
        Row(f"floor: triad, {size:g} numbers", "", None, triad, "ns per number"),
        Row("an evaluation at n = 1e6, objective included", "", None, spent, "ns per unknown"),
        Row("an evaluation at n = 1e6, objective included", "triad", None, spent / np.median(triad), "triads"),
    ]


def python_rows(rounds):
    """Python objectives."""
    rows = []
    for n in (2, 10, 100):
        x0 = peers.starts(n, 1)[0]
        solvers = {name: peers.SOLVERS[name](peers.rosenbrock_in_python) for name in ("numopt", "SciPy")}
        for solve in solvers.values():
            solve(x0)
        each = np.array([[minimize.python_overhead(s, x0) for s in solvers.values()] for _ in range(rounds)])
        print("python objective", n, np.median(1e6 * each, axis=0), "us per evaluation", flush=True)
        workload = f"Python objective, n = {n}, per evaluation, objective's own time subtracted"
        rows.append(Row(workload, "SciPy", 3, each[:, 1] / each[:, 0]))
    return rows


def process_rows(rounds):
    """First results of fresh processes, and the import."""
    with tempfile.TemporaryDirectory() as cache:
        cold = process_time("numopt", cache)
        names = ["numopt", "SciPy"]
        if peers.optional("jax") is not None and peers.optional("optax") is not None:
            names.append("optax")
        times = np.array([[process_time(name, cache) for name in names] for _ in range(rounds)]).T
    print("first result", dict(zip(names, np.median(times, axis=1), strict=True)), "cold", cold, flush=True)
    workload = "first result of a process, new jitted objective, warm cache"
    optax = times[2] / times[0] if len(names) == 3 else None
    imports = np.array([import_time() for _ in range(rounds)])
    return [
        Row(workload, "numopt / SciPy's process", 1.8, times[0] / times[1], at_most=True),
        Row(workload, "optax", 2.2, optax),
        Row("the same, the package's cache empty", "numopt / SciPy's process", None, cold / np.median(times[1])),
        Row("import, beyond numba and scipy.optimize", "", 0.2, imports, "s", at_most=True),
    ]


def phase_rows(rounds):
    """Complex phase retrieval, and the optimizer's part of it."""
    problem = phase_retrieval.generate(minimize.PHASES_SIZE, minimize.PHASES_MEASUREMENTS / minimize.PHASES_SIZE)
    z0 = problem.start()
    solvers = {name: minimize.phases_solver(name, problem) for name in ("numopt", "SciPy", "optax")}
    solvers = {name: solve for name, solve in solvers.items() if solve is not None}
    run = minimize.recording(problem, z0)
    solvers["replay"] = lambda z0: minimize.replay(z0, *run)
    counts = {name: solve(z0)[1] for name, solve in solvers.items() if name != "replay"}
    minimize.replay(z0, *run)
    times = contest(solvers, [z0], rounds)
    print("phases", {name: f"{1e3 * np.median(t):.3g} ms" for name, t in times.items()}, counts, flush=True)
    workload = f"phase retrieval, n = {minimize.PHASES_SIZE} complex, {minimize.PHASES_MEASUREMENTS} measurements"
    rows = [Row(workload, "optimizer's part", 10, 100 * times["replay"] / times["numopt"], "%", at_most=True)]
    for peer, goal in (("optax", 2.5), ("SciPy", None)):
        ratio = times[peer] / times["numopt"] if peer in times else None
        rows.append(
            Row(workload, peer, goal, ratio, evaluations=(counts["numopt"], counts[peer]) if peer in times else ())
        )
    return rows


def search_rows(rounds):
    """The line search alone."""
    searches = {name: lambda _, s=s: s(linesearch.TRIALS, linesearch.SEARCH) for name, s in linesearch.SOLVERS.items()}
    counts = [search(None) for search in searches.values()]
    times = contest(searches, [None], rounds)
    ratio = times["SciPy"] / times["numopt"]
    return [Row("More-Thuente's line search inside @njit", "SciPy's DCSRCH", None, ratio, evaluations=counts)]


def collection_rows():
    """More, Garbow and Hillstrom's problems."""
    ratios, ours, theirs = minimize.collection_against_scipy()
    workload = "More-Garbow-Hillstrom, 42 problems, gradients <= 1e-6"
    return [
        Row(workload, "evaluations / SciPy's, geometric mean", None, float(np.exp(np.log(ratios).mean()))),
        Row(workload, "evaluations / SciPy's, median (range of the problems)", None, ratios),
        Row(workload, "solved (numopt)", None, ours, "of 42"),
        Row(workload, "solved (SciPy)", None, theirs, "of 42"),
    ]


def growth_rows(quick):
    """Time per evaluation and unknown, and memory."""
    rows = []
    sizes = (10_000, 100_000, 1_000_000) if quick else (10_000, 100_000, 1_000_000, 10_000_000)
    minimize.seconds_per_evaluation(10_000, 2)
    for n in sizes:
        each = 1e9 * minimize.seconds_per_evaluation(n, 15) / n
        rows.append(Row(f"time per evaluation and unknown, n = {n:g}", "", None, each, "ns"))
    bound = 2 * peers.MEMORY + 6
    held = minimize.numbers_held(100_000)
    return [*rows, Row("memory, n = 1e5", "", bound, held, "numbers per unknown", at_most=True)]


def lbfgs_rows(quick):
    """Every row of L-BFGS."""
    rounds, few = (3, 1) if quick else (9, 2)
    rows = []
    for n in minimize.ROSENBROCK_SIZES:
        more, each = rosenbrock_rows(n, few if n == minimize.LARGE else rounds)
        rows += more
    rows += floor_rows(each)
    rows.append(Row("Rosenbrock, all sizes", "LBFGSpp", None, None))
    rows += python_rows(rounds) + process_rows(min(rounds, 5)) + phase_rows(rounds)
    return rows + search_rows(rounds) + collection_rows() + growth_rows(quick)


# (contender, peer, goal) for each n
STEP_GOALS = {
    1_000: (("Adam", "optax Adam", 18), ("Adam", "torch Adam", 28), ("Adam", "NumPy Adam", None)),
    100_000: (("Adam", "optax Adam", 1.9), ("Adam", "torch Adam", 2.2), ("Adam", "NumPy Adam", None)),
    10_000_000: (
        ("Adam", "optax Adam", 1.25),
        ("Adam", "torch Adam", 1.1),
        ("Adam", "NumPy Adam", None),
        ("chain", "optax chain", 3),
        ("clipped", "optax clipped", None),
    ),
}


CHAINS = {"chain": "chain(Clip, Centralize, Adam)", "clipped": "chain(ClipByGlobalNorm, Adam)"}


def rules_rows(quick):
    """Every row of first-order rules."""
    rounds, rows = 3 if quick else 9, []
    for n, goals in STEP_GOALS.items():
        made = {name: make(n) for name, make in step.CONTENDERS.items()}
        steps = {name: lambda _, call=call: call() for name, call in made.items() if call is not None}
        for call in steps.values():
            call(None)
        times = contest(steps, [None], rounds)
        print(n, {name: f"{1e9 * np.median(t) / n:.3g} ns per number" for name, t in times.items()}, flush=True)
        for name, peer, goal in goals:
            workload = CHAINS.get(name, name) + f", n = {n:g}"
            rows.append(Row(workload, peer, goal, times[peer] / times[name] if peer in times else None))
        if n == max(STEP_GOALS):
            for name, goal in (("Adam", 80), ("ACProp", 90), ("chain", None), ("clipped", None)):
                part = 100 * times["floor"] / times[name]
                rows.append(Row(f"{CHAINS.get(name, name)}, n = {n:g}", "floor of seven streams", goal, part, "%"))
    for name in step.Inside.params:
        case = step.Inside()
        case.setup(name)
        goals = (60, 2) if name == "Adam" else (None, None)
        rows += inside_rows(case, name, goals, rounds)
    return rows


def inside_rows(case, name, goals, rounds):
    """Ten numbers: a step in compiled code, and a call from Python."""

    def loop():
        case.time_1000_steps(name)

    def calls():
        for _ in range(1000):
            case.time_step_from_python(name)

    inside = np.array([1e9 / step.STEPS_INSIDE * cpu_time(loop) for _ in range(rounds)])
    called = np.array([1e6 / 1000 * cpu_time(calls) for _ in range(rounds)])
    return [
        Row(f"{name}, 10 numbers, a step inside @njit", "", goals[0], inside, "ns", at_most=True),
        Row(f"{name}, 10 numbers, a call from Python", "", goals[1], called, "us", at_most=True),
    ]


# (optax, NumPy sort, Condat, most units of the floor) for each n
PROJECTION_GOALS = {
    1_000: (40, None, 0.9, None),
    10_000: (40, None, 0.9, None),
    1_000_000: (200, 50, 0.9, 1.8),
    10_000_000: (90, None, 0.9, None),
}


def projection_rows(quick):
    """Every row of projections."""
    rows = []
    for n in projections.SIZES:
        # optax sorts 1e7 numbers for seconds
        rounds = (1 if quick else 3) if n == max(projections.SIZES) else (3 if quick else 9)
        for kind in projections.SETS:
            for radius in projections.RADII:
                rows += threshold_rows(kind, n, radius, rounds)
    return rows + other_projection_rows(3 if quick else 9)


def alternated(calls, rounds):
    """`contest` of functions without arguments, each called once before."""
    for call in calls.values():
        call()
    return contest({name: lambda _, call=call: call() for name, call in calls.items()}, [None], rounds)


def threshold_rows(kind, n, radius, rounds):
    """One set, size and radius: a row for each peer, and one for the floor."""
    times = alternated(projections.contenders(kind, n, radius), rounds)
    print(kind, n, radius, {name: f"{1e9 * np.median(t) / n:.3g} ns" for name, t in times.items()}, flush=True)
    workload = f"{kind}, n = {n:g}, {'radius' if kind == 'L1Ball' else 'sum'} {radius}"
    *goals, most = PROJECTION_GOALS[n]
    rows = []
    for peer, goal in zip(("optax", "NumPy sort", "Condat"), goals, strict=True):
        rows.append(Row(workload, peer, goal, times[peer] / times["numopt"] if peer in times else None))
    floor = times["read"] + times["threshold"]
    return [*rows, Row(workload, "floor", most, times["numopt"] / floor, "floors", at_most=True)]


def other_projection_rows(rounds):
    """Sets without a threshold, and complex vectors."""
    times = alternated({name: make() for name, make in projections.OTHERS.items()}, rounds)
    size = projections.OTHER_SIZE
    print({name: f"{1e9 * np.median(t) / size:.3g} ns per number" for name, t in times.items()}, flush=True)
    rows = []
    for name, floor in (("Box", times["copy"]), ("L2Ball", times["read"] + times["copy"])):
        rows.append(Row(f"{name}, n = {size:g}", "NumPy", None, times[f"{name}, NumPy"] / times[name]))
        rows.append(Row(f"{name}, n = {size:g}", "floor", None, times[name] / floor, "floors"))
    floor = times["complex read"] + times["complex copy"]
    for radius in projections.RADII:
        workload = f"L1Ball, n = {size:g} complex, radius {radius}"
        rows.append(Row(workload, "floor", None, times[f"complex L1Ball, {radius}"] / floor, "floors"))
    return rows


def sparse_rows(quick):
    """Every row of sparse search and of sparse training."""
    rounds = 3 if quick else 9
    return generation_rows(rounds) + support_rows(3 if quick else 10) + normal_rows(rounds) + training_rows(rounds)


def generation_rows(rounds):
    """The solver's own time."""
    rows = []
    for n in sparse.SIZES:
        each = 1e6 * np.array([sparse.seconds_per_generation(n) for _ in range(rounds)])
        rows.append(Row(f"SparseEvolution inside @njit, a generation, n = {n:g}", "", None, each, "us"))
        print(rows[-1].cells(), flush=True)
    return rows


def support_rows(seeds):
    """Evaluations until planted supports are found."""
    rows = []
    for case, (_, nonzero, measurements) in sparse.CASES.items():
        counts = np.array([sparse.evaluations_to_support(case, seed) for seed in range(seeds)])
        workload = f"planted regression, {case}, k = {nonzero}, m = {measurements}"
        found = np.isfinite(counts)
        rows.append(Row(workload, "exact supports", None, int(found.sum()), f"of {seeds}"))
        rows.append(Row(workload, "evaluations to it", None, counts[found] if found.any() else None, "evaluations"))
        print(rows[-1].cells(), flush=True)
    return rows


def normal_rows(rounds):
    """Random numbers."""
    times = alternated({name: make() for name, make in sparse.DRAWS.items()}, rounds)
    speed = 1e-6 * sparse.NORMALS / times["numopt"]
    workload = "normal numbers by counters"
    return [
        Row(workload, "", None, speed, "million a second"),
        Row(workload, "NumPy's Generator", None, times["NumPy"] / times["numopt"]),
    ]


def training_rows(rounds):
    """Steps with few links beside steps of all weights."""
    times = alternated({name: sparse_training.steps_of(name) for name in sparse_training.CONTENDERS}, rounds)
    return [
        Row(f"{name}, Adam, n = 1e6, a step", "of all weights", None, times[name] / times["Adam"], "of its time")
        for name in sparse_training.CONTENDERS
        if name != "Adam"
    ]


class FirstCall(NamedTuple):
    """A line of the table of first calls: CPU seconds of whole processes, and what they were spent on."""

    workload: str
    cold: list  # what `first_call` says, for each round
    warm: list
    before: list  # cold, of another checkout

    against, unit = "an empty cache", "s"
    header = (
        "first call",
        "goal",
        "empty cache",
        "next process",
        "functions",
        "typing",
        "lowering",
        "optimisation",
        "machine code",
        "",
    )

    def median(self, name, runs):
        """Of the rounds."""
        return float(np.median([run[name] for run in runs]))

    @property
    def value(self):
        """CPU seconds with an empty cache."""
        return self.median("seconds", self.cold)

    @property
    def met(self):
        """What the table says about the goal."""
        goal = first_call.GOALS.get(self.workload)
        return "" if goal is None else "met" if self.value <= goal else "**not met**"

    def cells(self):
        """The columns of the table."""
        goal = first_call.GOALS.get(self.workload)
        stages = (f"{self.median(name, self.cold):.1f}" for name in self.header[5:9])
        before = f" (before: {self.median('seconds', self.before):.3g})" if self.before else ""
        functions = f"{self.median('functions', self.cold):.0f}"
        warm = f"{self.median('seconds', self.warm):.2g} s"
        goal = "" if goal is None else f"<= {goal} s"
        return self.workload, goal, f"{self.value:.3g} s{before}", warm, functions, *stages, self.met


def first_call_rows(quick, other=None):
    """First calls, here and in another checkout in turn."""
    rows = []
    for case in first_call.CASES:
        cold, warm, before = [], [], []
        for _ in range(1 if quick else 3):
            with tempfile.TemporaryDirectory() as cache:
                cold.append(first_call.first_call(case, cache))
                warm.append(first_call.first_call(case, cache))
            if other is not None:
                with tempfile.TemporaryDirectory() as cache:
                    before.append(first_call.first_call(case, cache, other))
        rows.append(FirstCall(case, cold, warm, before))
        print(rows[-1].cells(), flush=True)
    return rows


def processes_of_peers():
    """The CPU time of the peers' processes, as text."""
    with tempfile.TemporaryDirectory() as cache:
        times = {name: [first_call.peers_process(name, cache) for _ in range(3)] for name in first_call.PEERS}
    said = (f"{name} {np.median(each):.2g} s" for name, each in times.items() if None not in each)
    missing = [name for name, each in times.items() if None in each]
    return ", ".join(said) + (f"; not installed: {', '.join(missing)}" if missing else "") + "."


class Part(NamedTuple):
    """A section of RESULTS.md."""

    title: str
    rows: Callable
    how: str


PARTS = {
    "first_calls": Part(
        "First calls",
        first_call_rows,
        """CPU seconds of whole processes that make one call each, the median of three: with an empty cache of compiled
code, and the next process, which finds it. Stages of the first: typing (with all passes over Numba's representation),
lowering to LLVM's, LLVM's optimisation, machine code; the rest is imports and the cache.""",
    ),
    "lbfgs": Part(
        "L-BFGS",
        lbfgs_rows,
        """Start (-1.2, 1, ...) + 0.1 N(0, 1), ten of them for n = 2 and 10, four for n = 100, one above and for Python
objectives; max|g| <= 1e-5 (liblbfgs: |g| <= 1e-5 |x|), ten pairs; n = 1e6 for 40 iterations, two rounds. SciPy, torch
and liblbfgs (by PyLBFGS) call the same jitted objective; optax's whole loop is jitted.""",
    ),
    "rules": Part(
        "First-order rules",
        rules_rows,
        """Steps on float64 vectors, from Python, on one thread. optax's step is jitted, with donated buffers; torch's
Adam is the fused one. The floor reads four vectors and writes three, as Adam must.""",
    ),
    "projections": Part(
        "Projections",
        projection_rows,
        """Of normal vectors, float64, from Python, into a given array, on one thread. optax's projections are jitted;
"NumPy sort" is the usual projection by sorting and cumulated sums; Condat's algorithm of 2016 is compiled, its memory
given. The floor of the l1 ball and the simplex is a pass that sums and a pass that thresholds and writes; of the box, a
copy; of the l2 ball and of complex vectors, a sum and a copy. n = 1e7: three rounds.""",
    ),
    "sparse": Part(
        "Sparse",
        sparse_rows,
        """SparseEvolution: the mean time of a generation with an objective that costs nothing; regressions with k of n
coefficients planted, m measurements, noise of .01 and the penalty .01, one for each seed, evaluations until the best
point has exactly their support (median of those found; range over the seeds). Normal numbers are drawn by Philox, as
the solver draws them, and by NumPy's Generator, a million at a time. Sparse training: a layer of 1000 x 1000 with one
link in twenty, of which 30 % move after every 100 steps, on one thread.""",
    ),
}


def processor():
    """The model of the CPU."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def version(package):
    """Its version, or that it is missing."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "missing"


def table(rows):
    """The rows in Markdown."""
    header = rows[0].header
    lines = [header, ("---",) * len(header), *(row.cells() for row in rows)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def state():
    """Which sources were measured; processes started late see a package that was edited meanwhile."""
    if package_stamp(ROOT) != STAMP:
        return "**The package's sources changed during the measurement: not one state, do not quote.**"
    return f"Source stamp {STAMP[:12]}."


def report(part, rows, quick):
    """A section of RESULTS.md but for its reading."""
    missed = [row for row in rows if row.met == "**not met**"]
    summary = (
        "".join(f"* {row.workload}, {row.against}: {row.value:.3g} {row.unit}\n" for row in missed) or "Nothing.\n"
    )
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return f"""## {part.title}

{datetime.date.today()}, {processor()}, {os.cpu_count()} cores, shared; Python {platform.python_version()}, {versions}.
{state()}{" A quick run of few rounds." if quick else ""}

{part.how}

{table(rows)}
**Not met**

{summary}
"""


_HEAD = """# numopt against its peers

    python asv_bench/measure.py --write                                     # this file
    cd asv_bench && asv machine --yes && asv run --quick --python=same      # the same workloads over time, in asv

CPU time of one pinned core, one thread for every library. "x" is peer time / numopt time, unless said otherwise: the
median of rounds in which all contenders alternate.

"""


def sections(text):
    """The sections of RESULTS.md by their titles."""
    pieces = text.split("\n## ")[1:]
    return {piece.partition("\n")[0]: "## " + piece.rstrip("\n") + "\n\n" for piece in pieces}


def main():
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--part", choices=PARTS, action="append", help="only this part (may be repeated)")
    parser.add_argument("--quick", action="store_true", help="few rounds")
    parser.add_argument("--before", metavar="FOLDER", help="measure first calls of this checkout, too, in turn")
    parser.add_argument("--write", action="store_true", help="write RESULTS.md")
    chosen = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    found = sections(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    for name in chosen.part or PARTS:
        part = PARTS[name]
        others = (chosen.before,) if name == "first_calls" and chosen.before else ()
        text = report(part, part.rows(chosen.quick, *others), chosen.quick)
        if name == "first_calls":
            text += f"Processes of the peers: {processes_of_peers()}\n\n"
        print(text)
        found[part.title] = text + _READING + found.get(part.title, "").partition(_READING)[2]
    if chosen.write:
        ordered = [found[part.title] for part in PARTS.values() if part.title in found]
        RESULTS.write_text(_HEAD + "".join(ordered).rstrip("\n") + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
