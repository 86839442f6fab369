"""L-BFGS: time against peers with the same objective, evaluations, floors, growth and memory."""

import functools
import time

import numba
import numpy as np

import numopt
from numopt.problems import more_garbow_hillstrom, phase_retrieval

from . import peers

LARGE, LARGE_MAXITER = 1_000_000, 40
FLOOR_SIZE = 30_000_000  # 240 MB a vector: more than any cache holds
ROSENBROCK_SIZES = (2, 10, 100, 1000, LARGE)
PHASES_SIZE, PHASES_MEASUREMENTS = 256, 2048


def solver_for(n, name):
    """A solver of the Rosenbrock function of n variables, or None; the largest is not solved to the end."""
    return peers.SOLVERS[name](maxiter=LARGE_MAXITER if n == LARGE else peers.LIMIT)


def python_overhead(solve, x0):
    """CPU seconds per evaluation of a Python objective, its own time subtracted."""
    begun = time.process_time()
    _, nfev = solve(x0)
    total = time.process_time() - begun
    begun = time.process_time()
    for _ in range(nfev):
        peers.rosenbrock_in_python(x0)
    return (total - (time.process_time() - begun)) / nfev


@numba.njit(cache=True)
def phases(z, rows, intensities):
    """The objective of numopt.problems.phase_retrieval, without a conjugated copy of the matrix."""
    image = np.dot(rows, z)
    f, m = 0.0, intensities.size
    for r in range(m):
        excess = image[r].real ** 2 + image[r].imag ** 2 - intensities[r]
        f += excess * excess
        image[r] = (2.0 / m) * excess * np.conj(image[r])
    return f / (2 * m), np.conj(np.dot(image, rows))


@numba.njit(cache=True)
def phases_of_parts(v, rows, intensities):
    """The same for the interleaved real and imaginary parts."""
    f, g = phases(v.view(np.complex128), rows, intensities)
    return f, g.view(np.float64)


@numba.njit(cache=True)
def recorded(x, values, gradients, position):
    """The evaluations of an earlier run, in order: a run on them is the optimizer alone."""
    k = position[0]
    position[0] += 1
    return values[k], gradients[k]


def phases_solver(name, problem):
    """Solve ``problem`` from its complex start; None where the peer is missing."""
    args = (problem.rows, problem.intensities)
    if name == "numopt":
        return peers.with_numopt(phases, args=args)
    if name == "SciPy":
        solve = peers.with_scipy(phases_of_parts, args=args)
        return lambda z0: solve(z0.view(float))
    jax = peers.optional("jax")
    solve = jax and peers.with_optax(phases_in_jax(problem))
    return solve and (lambda z0: solve(np.concatenate([z0.real, z0.imag])))


def phases_in_jax(problem):
    """The objective of (Re z, Im z) for JAX."""
    jax = peers.optional("jax")
    jax.config.update("jax_enable_x64", True)
    rows, intensities = jax.numpy.asarray(problem.rows), jax.numpy.asarray(problem.intensities)
    n = rows.shape[1]

    def fun(v):
        image = rows @ jax.lax.complex(v[:n], v[n:])
        return ((image.real**2 + image.imag**2 - intensities) ** 2).sum() / (2 * intensities.size)

    return fun


def recording(problem, z0):
    """The values and gradients that numopt saw, to be replayed."""
    values, gradients = [], []

    def fun(z):
        f, g = phases(z, problem.rows, problem.intensities)
        values.append(f)
        gradients.append(g)
        return f, g

    peers.with_numopt(fun)(z0)
    return np.array(values), np.array(gradients)


def replay(z0, values, gradients):
    """Run numopt on recorded evaluations; returns how many it took."""
    return peers.with_numopt(recorded, args=(values, gradients, np.zeros(1, np.int64)))(z0)[1]


def collection(name):
    """(evaluations, solved) for the More-Garbow-Hillstrom problems, by numopt or SciPy, to max|g| <= 1e-6."""
    maker = peers.SOLVERS[name]
    nfev, solved = [], []
    for problem in more_garbow_hillstrom.instances():
        x, count = maker(problem.value_and_gradient, gtol=1e-6)(np.array(problem.x0))
        f = problem.value_and_gradient(x)[0]
        nfev.append(count)
        solved.append(any(abs(f - known) <= 1e-5 * known + 1e-8 for known in problem.minima))
    return np.array(nfev), np.array(solved)


@functools.cache
def collection_against_scipy():
    """(our evaluations / SciPy's where both solve, solved by us, solved by SciPy)."""
    ours, we_solve = collection("numopt")
    theirs, they_solve = collection("SciPy")
    both = we_solve & they_solve
    return ours[both] / theirs[both], int(we_solve.sum()), int(they_solve.sum())


@numba.njit(cache=True, fastmath={"reassoc"})
def read_pass(x):
    """The sum."""
    total = 0.0
    for i in range(x.size):
        total += x[i]
    return total


@numba.njit(cache=True)
def triad(x, y, z):
    """Write x = y + 3 z."""
    for i in range(x.size):
        x[i] = y[i] + 3.0 * z[i]


def seconds_per_evaluation(n, maxiter):
    """CPU seconds per evaluation of the Rosenbrock function of n variables, the objective included."""
    solve, x0 = peers.with_numopt(peers.rosenbrock_inplace, "inplace", maxiter), peers.starts(n, 1)[0]
    begun = time.process_time()
    _, nfev = solve(x0)
    return (time.process_time() - begun) / nfev


def numbers_held(n, memory=peers.MEMORY):
    """Real numbers that the solver of n real unknowns holds, per unknown."""

    def numbers(value):
        if isinstance(value, tuple):
            return sum(map(numbers, value))
        return value.size if isinstance(value, np.ndarray) else 0

    return numbers(tuple(numopt.LBFGS(np.zeros(n), memory=memory)._values)) / n


class Rosenbrock:
    """A jitted objective, from (-1.2, 1, ...) + 0.1 N(0, 1) until max|g| <= 1e-5; n = 1e6 for 40 iterations."""

    params = (ROSENBROCK_SIZES, tuple(peers.SOLVERS))
    param_names = ("n", "solver")
    timer = time.process_time
    warmup_time = 0

    def setup(self, n, name):
        """Compile, on a start of the same size."""
        self.solve = solver_for(n, name)
        if self.solve is None:
            raise NotImplementedError(f"{name} is not installed")
        self.x0 = peers.starts(n, 1)[0]
        if n < LARGE:
            self.solve(self.x0)
        else:  # compile with two iterations
            peers.SOLVERS[name](maxiter=2)(self.x0)

    def time_solve(self, n, name):
        """One run."""
        self.solve(self.x0)

    def track_evaluations(self, n, name):
        """Evaluations of one run."""
        return self.solve(self.x0)[1]

    track_evaluations.unit = "evaluations"


class PythonObjective:
    """A Python objective: the solver's time per evaluation alone."""

    params = ((2, 10, 100), ("numopt", "SciPy"))
    param_names = ("n", "solver")

    def setup(self, n, name):
        """Compile."""
        self.solve, self.x0 = peers.SOLVERS[name](peers.rosenbrock_in_python), peers.starts(n, 1)[0]
        self.solve(self.x0)

    def track_overhead(self, n, name):
        """The median of nine runs."""
        return float(np.median([python_overhead(self.solve, self.x0) for _ in range(9)]))

    track_overhead.unit = "s"


class PhaseRetrieval:
    """Recovery of a complex signal of 256 numbers from 2048 magnitudes."""

    params = ("numopt", "SciPy", "optax")
    param_names = ("solver",)
    timer = time.process_time

    def setup(self, name):
        """Compile."""
        problem = phase_retrieval.generate(PHASES_SIZE, PHASES_MEASUREMENTS / PHASES_SIZE)
        self.solve, self.z0 = phases_solver(name, problem), problem.start()
        if self.solve is None:
            raise NotImplementedError(f"{name} is not installed")
        self.solve(self.z0)

    def time_solve(self, name):
        """One run."""
        self.solve(self.z0)

    def track_evaluations(self, name):
        """Evaluations of one run."""
        return self.solve(self.z0)[1]

    track_evaluations.unit = "evaluations"


class PhaseRetrievalOptimizer:
    """The optimizer's part of the run above."""

    timer = time.process_time

    def setup(self):
        """Record a run."""
        problem = phase_retrieval.generate(PHASES_SIZE, PHASES_MEASUREMENTS / PHASES_SIZE)
        self.z0 = problem.start()
        self.run = recording(problem, self.z0)
        replay(self.z0, *self.run)

    def time_replay(self):
        """The same run on the recorded evaluations."""
        replay(self.z0, *self.run)


class MoreGarbowHillstrom:
    """42 problems from their standard starts."""

    def track_evaluations_against_scipy(self):
        """Geometric mean of the ratios."""
        return float(np.exp(np.log(collection_against_scipy()[0]).mean()))

    def track_solved(self):
        """Problems where a known minimum is found."""
        return collection_against_scipy()[1]

    track_evaluations_against_scipy.unit = "evaluations / SciPy's"
    track_solved.unit = "problems"


class Floors:
    """What memory allows, on vectors that no cache holds."""

    timer = time.process_time

    def setup(self):
        """Vectors that are in memory; compile."""
        self.x, self.y, self.z = (np.full(FLOOR_SIZE, float(k)) for k in range(3))
        read_pass(self.x), triad(self.x, self.y, self.z)

    def time_read_pass(self):
        """A sum."""
        read_pass(self.x)

    def time_triad(self):
        """Two reads, one write."""
        triad(self.x, self.y, self.z)


class Growth:
    """Time per evaluation and unknown, objective included; memory per unknown."""

    params = (10_000, 100_000, 1_000_000)
    param_names = ("n",)

    def setup(self, n):
        """Compile."""
        seconds_per_evaluation(n, 2)

    def track_time(self, n):
        """Nanoseconds per evaluation and unknown."""
        return 1e9 * seconds_per_evaluation(n, 30) / n

    def track_numbers_held(self, n):
        """Float64 numbers per unknown."""
        return numbers_held(n)

    track_time.unit = "ns"
    track_numbers_held.unit = "numbers"
