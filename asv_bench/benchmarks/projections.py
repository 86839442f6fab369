"""Projections: against optax, sorting in NumPy, Condat's algorithm, and the floors of reading and writing."""

import functools

import numba
import numpy as np

import numopt

from . import peers

SIZES = (1_000, 10_000, 1_000_000, 10_000_000)
SETS = ("L1Ball", "Simplex")
# what the radius of the ball, or the sum of the simplex, is for a vector x
RADII = {
    "1": lambda x: 1.0,
    "0.01 l1 norm": lambda x: 0.01 * float(abs(x).sum()),
    "0.5 l1 norm": lambda x: 0.5 * float(abs(x).sum()),
}
OTHER_SIZE = 1_000_000  # of the sets that need no threshold, and of complex vectors


@functools.lru_cache(maxsize=1)
def point(n):
    """The vector to be projected, normal; the contenders share it and only read it."""
    return np.random.default_rng(n).normal(size=n)


def complex_point(n):
    """The same with a normal imaginary part."""
    rng = np.random.default_rng(n)
    return rng.normal(size=n) + 1j * rng.normal(size=n)


# The floors


@numba.njit(cache=True, fastmath={"reassoc", "nsz"})
def read_pass(x):
    """The sum."""
    total = 0.0
    for i in range(x.size):
        total += x[i]
    return total


@numba.njit(cache=True)
def copy_pass(x, out):
    """Read and write."""
    for i in range(x.size):
        out[i] = x[i]


@numba.njit(cache=True)
def shrink(x, threshold, out):
    """Soft thresholding: write sign(x) max(|x| - threshold, 0)."""
    for i in range(x.size):
        out[i] = np.copysign(max(abs(x[i]) - threshold, 0.0), x[i])


@numba.njit(cache=True)
def cut(x, threshold, out):
    """Write max(x - threshold, 0)."""
    for i in range(x.size):
        out[i] = max(x[i] - threshold, 0.0)


def with_read(kind, x, radius):
    """One pass that reads."""
    return lambda: read_pass(x)


def with_copy(kind, x, radius):
    """One pass that reads and writes."""
    out = np.empty_like(x)
    return lambda: copy_pass(x, out)


def with_threshold(kind, x, radius):
    """The last pass of every projection: read and write with the set's own arithmetic."""
    write, out = shrink if kind == "L1Ball" else cut, np.empty_like(x)
    return lambda: write(x, 0.5, out)


# numopt and its peers


def onto_set(onto, x):
    """numopt.project into a given array."""
    out = np.empty_like(x)
    return lambda: numopt.project(x, onto=onto, out=out)


def with_numopt(kind, x, radius):
    """numopt.project onto the set, into a given array."""
    return onto_set(getattr(numopt, kind)(radius), x)


def with_optax(kind, x, radius):
    """Jitted, in double precision."""
    jax, optax = peers.optional("jax"), peers.optional("optax")
    if jax is None or optax is None:
        return None
    jax.config.update("jax_enable_x64", True)
    name = {"L1Ball": "projection_l1_ball", "Simplex": "projection_simplex"}[kind]
    project, x = jax.jit(getattr(optax.projections, name)), jax.numpy.asarray(x)
    return lambda: project(x, radius).block_until_ready()


def threshold_by_sorting(a, total):
    """The t at which max(a - t, 0) has the sum ``total``."""
    falling = np.sort(a)[::-1]
    thresholds = (np.cumsum(falling) - total) / np.arange(1, a.size + 1)
    # entry k is kept by the threshold of the k largest; the entries kept come first
    return thresholds[np.count_nonzero(falling > thresholds) - 1]


def with_numpy_sort(kind, x, radius):
    """The projection as it is usually written in NumPy."""
    out = np.empty_like(x)

    def simplex():
        np.subtract(x, threshold_by_sorting(x, radius), out=out)
        return np.maximum(out, 0.0, out=out)

    def ball():
        size = np.abs(x)
        if size.sum() <= radius:
            out[:] = x
            return out
        size -= threshold_by_sorting(size, radius)
        return np.copysign(np.maximum(size, 0.0, out=size), x, out=out)

    return ball if kind == "L1Ball" else simplex


@numba.njit(error_model="numpy")
def _first_guess(x, total, moduli, kept):
    """One pass: (start, end, rho): the candidates are kept[start:end], those put off kept[:start].

    rho is the threshold of the candidates alone, hence a lower bound.
    """
    kept[0] = abs(x[0]) if moduli else x[0]
    start, end, rho = 0, 1, kept[0] - total
    for i in range(1, x.size):
        a = abs(x[i]) if moduli else x[i]
        if a > rho:
            rho += (a - rho) / (end - start + 1)
            if rho <= a - total:  # a alone gives a better bound
                start, rho = end, a - total
            kept[end] = a
            end += 1
    return start, end, rho


@numba.njit(error_model="numpy")
def _take_back(kept, start, rho, end):
    """Those put off that exceed rho become candidates again; returns (start, rho)."""
    for i in range(start - 1, -1, -1):
        a = kept[i]
        if a > rho:
            start -= 1
            kept[start] = a
            rho += (a - rho) / (end - start)
    return start, rho


@numba.njit(error_model="numpy")
def _drop(kept, start, end, rho):
    """Candidates that do not exceed rho go, and rho with them, until none goes; returns rho."""
    before = 0
    while before != end - start:
        before = end - start
        count, write = before, start
        for i in range(start, end):
            a = kept[i]
            if a > rho:
                kept[write] = a
                write += 1
            else:
                count -= 1
                rho += (rho - a) / count
        end = write
    return rho


@numba.njit(cache=True, error_model="numpy")
def condat(x, total, moduli, kept):
    """The t at which max(x - t, 0), or max(|x| - t, 0), has the sum ``total`` > 0; ``kept`` is as long as x.

    L. Condat, Fast projection onto the simplex and the l1 ball, Math. Program. 158 (2016) 575-585, the algorithm that
    the paper proposes: v is kept[start:end], v~ kept[:start].
    """
    start, end, rho = _first_guess(x, total, moduli, kept)
    start, rho = _take_back(kept, start, rho, end)
    return _drop(kept, start, end, rho)


@numba.njit(cache=True, fastmath={"reassoc", "nsz"})
def sum_of_moduli(x):
    """The l1 norm."""
    total = 0.0
    for i in range(x.size):
        total += abs(x[i])
    return total


@numba.njit(cache=True)
def condat_ball(x, radius, out, kept):
    """Onto the l1 ball."""
    if sum_of_moduli(x) <= radius:
        copy_pass(x, out)
    else:
        shrink(x, condat(x, radius, True, kept), out)


@numba.njit(cache=True)
def condat_simplex(x, total, out, kept):
    """Onto the simplex."""
    cut(x, condat(x, total, False, kept), out)


def with_condat(kind, x, radius):
    """Condat's algorithm, compiled; its memory is given, too."""
    project, out, kept = condat_ball if kind == "L1Ball" else condat_simplex, np.empty_like(x), np.empty_like(x)

    def call():
        project(x, radius, out, kept)
        return out

    return call


CONTENDERS = {
    "read": with_read,
    "copy": with_copy,
    "threshold": with_threshold,
    "numopt": with_numopt,
    "optax": with_optax,
    "NumPy sort": with_numpy_sort,
    "Condat": with_condat,
}


def contenders(kind, n, radius):
    """{name: call} for a set, a size and a radius by its name in RADII; a missing peer is left out."""
    x = point(n)
    made = {name: make(kind, x, RADII[radius](x)) for name, make in CONTENDERS.items()}
    return {name: call for name, call in made.items() if call is not None}


# Sets that need no threshold, and complex vectors


def complex_ball(radius):
    """The l1 ball of complex vectors, for a radius by its name in RADII."""
    x = complex_point(OTHER_SIZE)
    return onto_set(numopt.L1Ball(RADII[radius](x)), x)


def box_in_numpy(x):
    """Clipping."""
    out = np.empty_like(x)
    return lambda: np.clip(x, -0.5, 0.5, out=out)


def l2_ball_in_numpy(x):
    """Scaling by min(1, 1/|x|)."""
    out = np.empty_like(x)
    return lambda: np.multiply(x, min(1.0, 1.0 / np.linalg.norm(x)), out=out)


# A complex vector's floors run over its real and imaginary parts.
OTHERS = {
    "Box": lambda: onto_set(numopt.Box(-0.5, 0.5), point(OTHER_SIZE)),
    "Box, NumPy": lambda: box_in_numpy(point(OTHER_SIZE)),
    "L2Ball": lambda: onto_set(numopt.L2Ball(1.0), point(OTHER_SIZE)),
    "L2Ball, NumPy": lambda: l2_ball_in_numpy(point(OTHER_SIZE)),
    "read": lambda: with_read("", point(OTHER_SIZE), 1.0),
    "copy": lambda: with_copy("", point(OTHER_SIZE), 1.0),
    "complex read": lambda: with_read("", complex_point(OTHER_SIZE).view(float), 1.0),
    "complex copy": lambda: with_copy("", complex_point(OTHER_SIZE).view(float), 1.0),
    **{f"complex L1Ball, {radius}": functools.partial(complex_ball, radius) for radius in RADII},
}


class Threshold:
    """The l1 ball and the simplex, from Python, one thread."""

    params = (list(SETS), list(SIZES), list(RADII), list(CONTENDERS))
    param_names = ("set", "n", "radius", "contender")

    def setup(self, kind, n, radius, contender):
        """Prepare the projection."""
        x = point(n)
        self.project = CONTENDERS[contender](kind, x, RADII[radius](x))
        if self.project is None:
            raise NotImplementedError("peer missing")
        self.project()

    def time_project(self, kind, n, radius, contender):
        """One."""
        self.project()


class Others:
    """Sets that need no threshold, and complex vectors."""

    params = tuple(OTHERS)
    param_names = ("contender",)

    def setup(self, contender):
        """Prepare the projection."""
        self.project = OTHERS[contender]()
        self.project()

    def time_project(self, contender):
        """One."""
        self.project()
