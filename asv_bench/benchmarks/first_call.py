"""CPU time of processes that begin with an empty cache of compiled code, and where it goes."""

import json
import subprocess
import sys
import tempfile

from .compile import SCRIPTS
from .imports import ROOT, environment

_SQUARES = "lambda x: (float(x @ x), 2 * x), [1.0, 2.0], jac=True"
CASES = {
    "minimize, Python objective": f"no.minimize({_SQUARES})",
    "bounds": f"no.minimize({_SQUARES}, bounds=[(-1, 2)] * 2)",
    "Adam as method": f"no.minimize({_SQUARES}, method=no.Adam(0.1), options=dict(maxiter=10))",
    "chain(Clip, Centralize, Adam).update": """
x = np.ones(5)
no.chain(no.Clip(1.0), no.Centralize(), no.Adam(0.1)).init(x).update(x, x.copy())
""",
    "project L1Ball": "no.project(np.arange(5.0), no.L1Ball(1.0))",
    "project Box": "no.project(np.arange(5.0), no.Box(0.0, 1.0))",
    "SparseEvolution": """
no.minimize(lambda x: float(x @ x), np.ones(5), method="SparseEvolution", options=dict(maxfun=50))
""",
    "SET(Adam)": """
x = np.ones(20)
no.SET(no.Adam(0.1), layers=[(0, 4, 5)], density=0.5, every=1).init(x).update(x, x.copy())
""",
    "a second line search": f"""
no.minimize({_SQUARES})
begin()
no.minimize({_SQUARES}, options=dict(linesearch=no.Zoom()))
""",
}
_LIBRARIES = "import scipy.optimize\n"
PEERS = {
    "SciPy": f"{_LIBRARIES}scipy.optimize.minimize({_SQUARES}, method='L-BFGS-B')",
    "numba and scipy.optimize, imported": f"import numba\n{_LIBRARIES}",
    "optax": SCRIPTS["optax"],
    "scijit": """
import numba, numpy as np
from scijit.optimize import minimize
minimize(numba.njit(lambda x: x @ x), np.array([1.0, 2.0]), method="L-BFGS-B")
""",
}
GOALS = {
    "minimize, Python objective": 30,
    "bounds": 11,
    "chain(Clip, Centralize, Adam).update": 8,
    "project L1Ball": 9,
    "SparseEvolution": 26,
    "SET(Adam)": 20,
    "a second line search": 6,
}
# Runs a case with timers around Numba's compiler: a stack of stages, of which the innermost is charged.
_HARNESS = """
import json, sys, time
import numba, numpy as np
from numba.core import codegen, event
now = time.process_time
spent, stack, functions = dict.fromkeys(("typing", "lowering", "optimisation", "machine code"), 0.0), [], []
last = now()

def charge(stage=None):
    global last
    if stack and stack[-1] in spent:
        spent[stack[-1]] += now() - last
    last = now()
    stack.pop() if stage is None else stack.append(stage)

def timed(owner, name, stage):
    function = getattr(owner, name)
    def run(*args):
        charge(stage)
        try:
            return function(*args)
        finally:
            charge()
    setattr(owner, name, run)

class Passes(event.Listener):
    def on_start(self, e):
        charge("lowering" if "lowering" in e.data["name"] else "typing")
    def on_end(self, e):
        charge()

class Functions(event.Listener):
    def on_start(self, e):
        functions.append(e.data["dispatcher"].py_func.__qualname__)
        charge("typing")
    def on_end(self, e):
        charge()

event.register("numba:run_pass", Passes())
event.register("numba:compile", Functions())
for name in ("_optimize_functions", "_optimize_final_module"):
    timed(codegen.CPUCodeLibrary, name, "optimisation")
timed(codegen.JITCodeLibrary, "_finalize_specific", "machine code")
first = 0.0

def begin():
    global first
    first = now()
    functions.clear()
    spent.update(dict.fromkeys(spent, 0.0))

import numopt as no
exec(sys.argv[1])
print(json.dumps(dict(seconds=now() - first, functions=len(functions), **spent)))
"""


def first_call(case, cache, root=ROOT):
    """One process with its cache in the folder ``cache``: seconds of CPU time, functions compiled, seconds by stage."""
    given = {**environment(NUMBA_CACHE_DIR=cache), "PYTHONPATH": str(root)}
    return json.loads(_run(given, cache, "-W", "error", "-c", _HARNESS, CASES[case]))


def peers_process(name, cache):
    """Seconds of CPU time of a peer's process; None if the peer is not installed."""
    script = f"import time\n{PEERS[name]}\nprint(time.process_time())"
    try:
        return float(_run(environment(NUMBA_CACHE_DIR=cache), cache, "-c", script))
    except ModuleNotFoundError:
        return None


def _run(given, folder, *arguments):
    done = subprocess.run([sys.executable, *arguments], env=given, cwd=folder, capture_output=True, text=True)
    if "ModuleNotFoundError" in done.stderr:
        raise ModuleNotFoundError(done.stderr)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return done.stdout


class FirstCall:
    """The first call of each case."""

    params = tuple(CASES)
    param_names = ("case",)
    timeout = 300

    def track_cold(self, case):
        """One process."""
        with tempfile.TemporaryDirectory() as cache:
            return first_call(case, cache)["seconds"]

    track_cold.unit = "s"
