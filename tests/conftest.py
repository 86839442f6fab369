"""Settings of all tests: a folder for compiled code, the marks, and what each mark needs.

Compiled code is kept for the sources that it was made from, so the folder stays the same. Tests do not use Numba's own
cache, which looks only at a cached function's own file.
"""

import collections
import gc
import importlib.util
import os

from cache_folder import cache_folder

if "NUMBA_CACHE_DIR" not in os.environ:
    os.environ["NUMBA_CACHE_DIR"] = str(cache_folder("numopt-tests"))
os.environ.setdefault("NUMBA_NRT_STATS", "1")

import numba
import pytest

PLAIN = bool(numba.config.DISABLE_JIT)
SIMULATOR = os.environ.get("NUMBA_ENABLE_CUDASIM") == "1"


class WithoutCUDA:
    """Leaves out what needs the CUDA compiler, where it is not installed."""

    def pytest_ignore_collect(self, collection_path):
        return True if collection_path.name in ("cuda", "test_cuda.py") else None

    def pytest_report_header(self):
        return "without the tests of CUDA kernels: numba-cuda is not installed (pip install -e '.[test-cuda]')"


def pytest_configure(config):
    if importlib.util.find_spec("numba_cuda") is None:
        config.pluginmanager.register(WithoutCUDA())


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
