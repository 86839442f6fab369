"""Settings of all tests: a cache directory keyed by the package's sources, the marks, and what each mark needs.

Numba's cache looks only at a cached function's own file; a test's own cached function that calls the package would go
on with the old package. So the directory changes with the package, before Numba is imported. It does not with the
tests, of which nothing that calls another test's file is cached: whoever only writes a test does not wait for the
package to be compiled.
"""

import collections
import gc
import hashlib
import os
from pathlib import Path

from cache_folder import cache_folder


def _sources_hash():
    digest = hashlib.sha256()
    for path in sorted((Path(__file__).parents[1] / "numopt").rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


if "NUMBA_CACHE_DIR" not in os.environ:
    os.environ["NUMBA_CACHE_DIR"] = str(cache_folder("numopt-tests", _sources_hash()))
os.environ.setdefault("NUMBA_NRT_STATS", "1")

import numba  # noqa: E402
import pytest  # noqa: E402

PLAIN = bool(numba.config.DISABLE_JIT)
SIMULATOR = os.environ.get("NUMBA_ENABLE_CUDASIM") == "1"


QUICK = 16  # of the variants of a test, the quick run compiles every so many


@pytest.hookimpl(tryfirst=True)  # before those marked slow are left out
def pytest_collection_modifyitems(items):
    seen = collections.Counter()
    for item in items:
        if item.get_closest_marker("variants") and not PLAIN:
            test = item.nodeid.partition("[")[0]
            if seen[test] % QUICK != 0:
                item.add_marker(pytest.mark.slow)
            seen[test] += 1
        if PLAIN and item.get_closest_marker("jit_only"):
            item.add_marker(pytest.mark.skip(reason="needs the compiler (NUMBA_DISABLE_JIT is set)"))
        if item.get_closest_marker("kernel") and not SIMULATOR and not _gpu():
            item.add_marker(pytest.mark.skip(reason="runs under NUMBA_ENABLE_CUDASIM=1 or on a GPU"))
        if item.get_closest_marker("ptx") and SIMULATOR:
            item.add_marker(pytest.mark.skip(reason="the simulator has no compiler"))


@pytest.fixture(autouse=True, scope="module")
def compiled_code_is_no_garbage():
    """What Numba keeps of compiled functions, millions of objects, is not looked through again and again."""
    yield
    gc.collect()
    gc.freeze()


def _gpu():
    from numba import cuda

    return cuda.is_available()
