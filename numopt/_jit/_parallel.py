"""The one door to parallel kernels.

Numba's ``workqueue`` threading layer aborts the process when two threads enter it at once, and a forked child dies at
its first OpenMP region. So a parallel kernel is entered under a lock unless the layer is known to be thread-safe, and
never in a forked child. Serial kernels need none of this. Compiled code calls the serial kernels only.
"""

import os
import threading

import numba

_lock = threading.RLock()
_forked = False


def _after_fork():
    global _forked, _lock
    _forked, _lock = True, threading.RLock()  # the parent's lock may be held by a thread that is not here


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _layer_is_thread_safe() -> bool:
    try:
        return numba.threading_layer() in ("tbb", "omp")
    except ValueError:  # no parallel kernel has run yet
        return False


def run_parallel(parallel, serial, *args):
    """Call ``parallel(*args)`` where that is safe, else ``serial(*args)``; both must give the same bits."""
    if _forked or numba.get_num_threads() == 1:
        return serial(*args)
    if _layer_is_thread_safe():
        return parallel(*args)
    with _lock:
        return parallel(*args)
