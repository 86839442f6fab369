"""What a report of a problem should say: versions, threads, where compiled code is kept, GPUs."""

import importlib.metadata
import platform
import sys

import numba

from ._foreign import cuda_part
from ._jit import PLAIN, python_only
from ._scalars import power

_PACKAGES = "numba", "numpy", "scipy", "llvmlite", "numba-cuda"


class Config(dict):
    """What :func:`show_config` has found, by sections; ``str`` of it is the text that was printed."""

    def __str__(self):
        lines = []
        for section, found in self.items():
            lines.append(section)
            width = max(map(len, found), default=0)
            lines += [f"  {name:{width}}  {value}" for name, value in found.items()]
        return "\n".join(lines)

    def __repr__(self):
        """Short, for what is printed is not to be seen twice."""
        return f"<Config: {', '.join(self)}>"


@python_only("show_config is called from Python, not in @njit code")
def show_config():
    """Print versions, the threading layer, where compiled code is cached, and the GPUs, or why there are none.

    Returns
    -------
    Config
        The same as a dictionary of dictionaries.

    Examples
    --------
    >>> import numopt as no
    >>> found = no.show_config()  # doctest: +ELLIPSIS
    versions
      Python      3...
    >>> sorted(found)
    ['GPU', 'compiler', 'threads', 'versions']
    """
    found = Config(versions=_versions(), compiler=_compiler(), threads=_threads(), GPU=_gpu())
    print(found)
    return found


def _versions():
    own = {"Python": platform.python_version(), "numopt": sys.modules[__package__].__version__}
    return own | {name: _version(name) for name in _PACKAGES}


def _version(package):
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _compiler():
    if PLAIN:
        return {"JIT": "off (NUMBA_DISABLE_JIT is set)", "cache": "not used"}
    cache = getattr(power, "_cache", None)
    where = getattr(cache, "cache_path", None) or "none: no directory can be written to, so every process compiles"
    return {"JIT": "on", "CPU": numba.config.CPU_NAME or "that of this machine", "cache": where}


def _threads():
    if PLAIN:
        return {"layer": "none, without the JIT", "number": 1}
    number = numba.get_num_threads()
    try:
        layer = numba.threading_layer()
    except ValueError:  # of the threads, none has been started
        layer = f"{numba.config.THREADING_LAYER}, not started"
    return {"layer": layer, "number": f"{number} of {numba.config.NUMBA_NUM_THREADS}"}


def _gpu():
    try:
        return cuda_part("device").describe()
    except (ImportError, RuntimeError) as error:
        return {"none": str(error)}
