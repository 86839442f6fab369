"""The one place where Numba is set up: flags, caches, records, choice by type, stateful classes, jitted objectives."""

from ._call import adapt, call_objective
from ._compile import ELEMENTWISE, REDUCTION, jit
from ._dispatch import by_type, kind
from ._parallel import run_parallel
from ._plain import PLAIN, exp, log, sqrt
from ._record import Record, record
from ._stamp import STAMP
from ._stateful import fields, stateful
from ._views import bits_view, float_of_bits, real_view, view_like

__all__ = [
    "ELEMENTWISE",
    "PLAIN",
    "REDUCTION",
    "STAMP",
    "Record",
    "adapt",
    "bits_view",
    "by_type",
    "call_objective",
    "exp",
    "fields",
    "float_of_bits",
    "jit",
    "kind",
    "log",
    "real_view",
    "record",
    "run_parallel",
    "sqrt",
    "stateful",
    "view_like",
]
