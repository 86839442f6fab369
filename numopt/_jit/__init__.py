"""The one place where Numba is set up: flags, caches, records, choice by type, stateful classes, jitted objectives."""

from ._call import NOT_FOR_PYTHON, adapt, call_objective
from ._compile import ELEMENTWISE, REDUCTION, jit
from ._dispatch import by_type, kind
from ._keywords import explained, suggestion
from ._nested import Positions, add, block, cast, copy_into, read, write, written
from ._overload import overload, overload_method
from ._parallel import run_parallel
from ._plain import PLAIN, exp, log, plain, sqrt
from ._record import RECORDS, Record, is_number, record, variant
from ._refuse import python_only, refuse
from ._stamp import STAMP
from ._stateful import borrowing, fields, lend, rebuild, stateful
from ._views import bits_of_float, float_of_bits, real_view, same_memory, stack_array, view_like

__all__ = [
    "ELEMENTWISE",
    "NOT_FOR_PYTHON",
    "PLAIN",
    "RECORDS",
    "REDUCTION",
    "STAMP",
    "Positions",
    "Record",
    "adapt",
    "add",
    "bits_of_float",
    "block",
    "borrowing",
    "by_type",
    "call_objective",
    "cast",
    "copy_into",
    "exp",
    "explained",
    "fields",
    "float_of_bits",
    "is_number",
    "jit",
    "kind",
    "lend",
    "log",
    "overload",
    "overload_method",
    "plain",
    "python_only",
    "read",
    "real_view",
    "rebuild",
    "record",
    "refuse",
    "run_parallel",
    "same_memory",
    "sqrt",
    "stack_array",
    "stateful",
    "suggestion",
    "variant",
    "view_like",
    "write",
    "written",
]
