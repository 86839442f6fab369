"""Compare the bits of results with those that the repository states.

``bits.json`` holds a hash of the result of every case below, for one processor and set of versions. Elsewhere the
hashes are computed here from the package as it was when ``bits.json`` was written. A change that is meant to change
bits writes the file anew: ``python .ci/bits.py --write``.
"""

import hashlib
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

import numba
import numpy as np

import numopt as no

TABLE = Path(__file__).with_name("bits.json")
ROOT = TABLE.parents[1]
DTYPES = (np.float64, np.float32, np.complex128, np.complex64)
RULES = {
    "clip, centralize, Adam": lambda: no.chain(no.Clip(1.0), no.Centralize(), no.Adam(0.1)),
    "ACProp": lambda: no.ACProp(0.01),
    "RAdam": lambda: no.RAdam(0.01),
    "clip by norm, LAMB": lambda: no.chain(no.ClipByGlobalNorm(1.0), no.LAMB(0.01)),
    "Yogi": lambda: no.Yogi(0.01),
    "SGD within a ball": lambda: no.chain(no.SGD(0.1), no.L2Ball(1.0)),
    "Adan": lambda: no.Adan(0.01),
}
SETS = {"L1Ball": no.L1Ball(1.0), "L2Ball": no.L2Ball(1.0), "Simplex": no.Simplex(1.0), "Box": no.Box(-0.5, 0.5)}


@numba.njit
def rosenbrock(x):
    """Value and gradient of Rosenbrock's function."""
    f, g = 0.0, np.zeros(x.size)
    for i in range(x.size - 1):
        a, b = x[i + 1] - x[i] ** 2, 1 - x[i]
        f += 100 * a**2 + b**2
        g[i] += -400 * x[i] * a - 2 * b
        g[i + 1] += 200 * a
    return f, g


@numba.njit
def quartic(z):
    """Value and gradient of a sum of fourth powers of a complex vector."""
    f, g = 0.0, np.zeros_like(z)
    for i in range(z.size):
        r = z[i].real ** 2 + z[i].imag ** 2 - i
        r += 0.1 * z[i - 1].real
        f += r**2
        g[i] += 4 * r * z[i]
        g[i - 1] += 0.2 * r
    return f, g


def distance(x):
    """Of a sparse point; only sums of a few numbers, of which NumPy's order is fixed."""
    return float(sum((x[i] - i % 3) ** 2 for i in range(x.size)))


def cases():
    """Pairs of a name and the vectors whose bits are compared."""
    for n in (2, 10, 100, 1000):
        for search in (no.MoreThuente(), no.Zoom(), no.Backtracking()) if n == 10 else (no.MoreThuente(),):
            options = {"linesearch": search, "maxiter": 300}
            result = no.minimize(rosenbrock, np.resize([-1.2, 1.0], n), jac=True, options=options)
            yield f"L-BFGS, n = {n}, {type(search).__name__}", (result.x, result.jac, np.array([result.nfev]))
    start = np.random.default_rng(5).normal(size=24).view(complex)
    yield "L-BFGS, complex", (no.minimize(quartic, start, jac=True, options={"maxiter": 60}).x,)
    x0 = np.resize([-1.2, 1.0], 10)
    yield "SPG", (no.minimize(rosenbrock, x0, jac=True, bounds=[(-2, 0.8)] * 10).x,)
    yield "Adam as method", (no.minimize(rosenbrock, x0, jac=True, method=no.Adam(0.01), options={"maxiter": 50}).x,)
    for dtype in DTYPES:
        for name, rule in RULES.items():
            random = np.random.default_rng(1)
            x = _vector(random, 1000, dtype)
            optimizer = rule().init(x)
            for _ in range(5):
                optimizer.update(x, _vector(random, 1000, dtype))
            yield f"{name}, {np.dtype(dtype)}", (x,)
    for n in (5, 1000, 20000):
        x = np.random.default_rng(2).normal(size=n)
        for name, onto in SETS.items():
            yield f"{name}, n = {n}", (no.project(x, onto),)
        yield f"L1Norm, n = {n}", (no.prox(x, no.L1Norm(0.3)),)
        yield f"L1Ball, complex, n = {n}", (no.project(x + 1j * x[::-1], no.L1Ball(1.0)),)
    yield "SparseEvolution", (no.minimize(distance, np.ones(8), method="SparseEvolution", options={"maxfun": 2000}).x,)
    x = np.random.default_rng(3).normal(size=200)
    optimizer = no.SET(no.Adam(0.1), layers=[(0, 10, 20)], density=0.3, every=3).init(x)
    for step in range(10):
        optimizer.update(x, np.random.default_rng(step).normal(size=200))
    yield "SET", (x,)


def _vector(random, n, dtype):
    x = random.normal(size=n)
    return (x + 1j * random.normal(size=n) if np.dtype(dtype).kind == "c" else x).astype(dtype)


def hashes():
    """The hash of each case, with the package that is imported."""
    found = {}
    for name, vectors in cases():
        digest = hashlib.sha256()
        for vector in vectors:
            digest.update(np.ascontiguousarray(vector).tobytes())
        found[name] = digest.hexdigest()[:16]
    return found


def here():
    """Name of the processor as the compiler sees it, and of the versions that make bits."""
    from numba.core.registry import cpu_target

    _, name, features = cpu_target.target_context.codegen().magic_tuple()
    digest = hashlib.sha256(features.encode()).hexdigest()[:8]
    versions = [f"{package} {importlib.metadata.version(package)}" for package in ("numba", "llvmlite", "numpy")]
    return ", ".join([f"{platform.system()} {platform.machine()}", f"{name} {digest}", *versions])


def stated():
    """The hashes that the repository states, for this machine; None where its history does not say."""
    table = json.loads(TABLE.read_text())
    if here() in table:
        return table[here()]
    written = _git("log", "-1", "--format=%H", "--", str(TABLE))
    if not written or _git("rev-parse", "--is-shallow-repository") == "true":
        return None
    with tempfile.TemporaryDirectory() as folder:
        before = Path(folder) / "before"
        _git("worktree", "add", "--detach", str(before), written)
        if not before.exists():
            return None
        try:
            environment = {**os.environ, "PYTHONPATH": str(before)}
            command = [sys.executable, "-P", str(TABLE.with_suffix(".py")), "--print"]
            output = subprocess.run(command, env=environment, cwd=folder, check=True, capture_output=True, text=True)
        finally:
            _git("worktree", "remove", "--force", str(before))
    return json.loads(output.stdout)


def _git(*arguments):
    result = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return result.stdout.strip() if result.returncode == 0 else ""


def main():
    """Print, write, or compare."""
    now = hashes()
    if "--print" in sys.argv:
        print(json.dumps(now))
        return
    if "--write" in sys.argv:
        TABLE.write_text(json.dumps({here(): now}, indent=1) + "\n")
        return
    before = stated()
    if before is None:
        print("bits: neither bits.json nor the history of this checkout has those of this machine")
        return
    changed = sorted(name for name in now.keys() | before.keys() if now.get(name) != before.get(name))
    if changed:
        sys.exit(f"bits of {len(changed)} of {len(now)} results changed: {'; '.join(changed)}. {__doc__}")
    print(f"bits of {len(now)} results are those of {TABLE.name}")


if __name__ == "__main__":
    main()
