"""CPU time of ``import numopt``, beyond that of numba and scipy.optimize, which every user of it needs anyway."""

import os
import subprocess
import sys
from pathlib import Path

import numopt

ROOT = Path(numopt.__file__).parents[1]
_SCRIPT = """
import time, numba, scipy.optimize
begun = time.process_time()
import numopt
print(time.process_time() - begun)
"""


def environment(**more):
    """The environment of a process of its own that finds this numopt, and its byte code, as an installed one does."""
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**inherited, "PYTHONPATH": path, **more}


def import_time():
    """Seconds of CPU time, in a fresh process."""
    command = [sys.executable, "-c", _SCRIPT]
    return float(subprocess.run(command, env=environment(), capture_output=True, text=True, check=True).stdout)


class Import:
    """The cost of the package's own modules."""

    def setup(self):
        """Fill the cache of byte code."""
        import_time()

    def track_import(self):
        """The least of five."""
        return min(import_time() for _ in range(5))

    track_import.unit = "s"
