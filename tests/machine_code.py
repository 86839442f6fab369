"""What the compiler made of a kernel."""

import platform
import re

import numba
import pytest

x86_only = pytest.mark.skipif(
    platform.machine().lower() not in ("x86_64", "amd64"), reason="the instructions of x86-64"
)
PACKED_SUM = r"(add|fmadd\d+)pd"


def assembly(kernel, types):
    """The machine code of a kernel, compiled afresh with its own flags: a cached one cannot be inspected."""
    fresh = numba.jit(**kernel.targetoptions)(kernel.py_func)
    fresh.compile(types)
    (text,) = fresh.inspect_asm().values()
    return text


def uses(text, instructions):
    """Whether one of the instructions (a regular expression, without the v of AVX) is there."""
    return re.search(rf"\bv?({instructions})\b", text) is not None
