"""Benchmarks of numopt against floors and peers, for airspeed velocity.

From the folder ``asv_bench``, in an environment where numopt and ``asv`` are installed::

    asv machine --yes
    asv check --python=same
    asv run --quick --python=same --bench minimize     # one round of everything in minimize.py
    asv run                                            # the newest commit, in an environment of its own

The table of ratios to the peers, measured alternately in one process (``--write`` puts it into RESULTS.md)::

    python asv_bench/measure.py [--quick] [--write]

Peers are optional: SciPy is always there; ``pip install optax torch PyLBFGS`` adds the others. A missing peer is said,
and shown as n/a.

Every library gets one thread, which must be said before NumPy is imported: this package is imported first.
"""

import os

for _variable in ("OMP", "OPENBLAS", "MKL", "NUMBA", "VECLIB"):
    os.environ[f"{_variable}_{'MAXIMUM' if _variable == 'VECLIB' else 'NUM'}_THREADS"] = "1"
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
os.environ["JAX_PLATFORMS"] = "cpu"
