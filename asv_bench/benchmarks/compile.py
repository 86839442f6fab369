"""CPU time of a whole process that minimises one new jitted objective: what a user waits for at the first call."""

import inspect
import resource
import shutil
import subprocess
import sys
import tempfile

from . import peers
from .imports import environment

_OBJECTIVE = f"""
import numba, numpy as np

@numba.njit
def fun(x):
    g = np.zeros(x.size)
    f = 0.0
    for i in range(x.size - 1):
        a, b = x[i + 1] - x[i] ** 2, 1 - x[i]
        f += 100 * a**2 + b**2
        g[i] += -400 * x[i] * a - 2 * b
        g[i + 1] += 200 * a
    return f, g

x0 = np.resize([-1.2, 1.0], 10)
options = dict(maxcor={peers.MEMORY}, ftol=0.0, gtol={peers.GTOL})
"""
_NUMOPT = f"{_OBJECTIVE}\nimport numopt\nassert numopt.minimize(fun, x0, jac=True, options=options).success"
_SCIPY = f"""{_OBJECTIVE}
import scipy.optimize
assert scipy.optimize.minimize(fun, x0, jac=True, method="L-BFGS-B", options=options).success
"""
_OPTAX = f"""
import importlib, numpy as np
optional, GTOL, MEMORY, LIMIT = importlib.import_module, {peers.GTOL}, {peers.MEMORY}, {peers.LIMIT}
{inspect.getsource(peers.rosenbrock_in_jax)}
{inspect.getsource(peers.with_optax)}
x, _ = with_optax()(np.resize([-1.2, 1.0], 10))
assert abs(x - 1).max() < 1e-3 or abs(x[0] + 1) < 0.1
"""
SCRIPTS = {"numopt": _NUMOPT, "SciPy": _SCIPY, "optax": _OPTAX}


def process_time(name, cache):
    """Seconds of CPU time of one process, with Numba's cache in the folder ``cache``."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", SCRIPTS[name]], env=environment(NUMBA_CACHE_DIR=cache), check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


class FirstResult:
    """The objective is new in each process; numopt's own cache is warm."""

    params = ("numopt", "SciPy", "optax")
    param_names = ("solver",)

    def setup(self, name):
        """One process fills the cache."""
        if name == "optax" and (peers.optional("jax") is None or peers.optional("optax") is None):
            raise NotImplementedError("optax is not installed")
        self.cache = tempfile.mkdtemp()
        process_time(name, self.cache)

    def teardown(self, name):
        """Remove the cache."""
        shutil.rmtree(self.cache, ignore_errors=True)

    def track_warm(self, name):
        """The least of three processes."""
        return min(process_time(name, self.cache) for _ in range(3))

    track_warm.unit = "s"


class FirstResultEver:
    """The package's own cache is empty too."""

    def setup(self):
        """An empty cache."""
        self.cache = tempfile.mkdtemp()

    def teardown(self):
        """Remove it."""
        shutil.rmtree(self.cache, ignore_errors=True)

    def track_cold(self):
        """One process."""
        return process_time("numopt", self.cache)

    track_cold.unit = "s"
