"""Kernels as a device would run them, and compiled where there is none."""

import functools
import os
import sys

import pytest
from ptx import CAPABILITIES, assemble, linked


@functools.lru_cache(maxsize=8)
def _compiled(kernel, signature):
    """A kernel up to NVVM's code, which is most of the work and the same for every device."""
    from numba import cuda
    from numba.cuda import compiler

    results, compile_cuda = [], compiler.compile_cuda

    def keep(*args, **options):
        results.append(compile_cuda(*args, **options))
        return results[-1]

    oldest = CAPABILITIES[0]
    device = type("Device", (), {"compute_capability": oldest})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("numba.cuda.dispatcher.get_current_device", lambda: device)
        patch.setattr(compiler, "compile_cuda", keep)
        cuda.compile(kernel.py_func, signature, cc=oldest, device=False, abi="numba", output="ltoir")
    return results[-1].library  # that of the kernel: its device functions are done before


@pytest.fixture(autouse=True)
def maxima_of_a_device(monkeypatch):
    """``max`` and ``min`` of two numbers as on a device, where a NaN loses; in Python the first one wins."""
    if os.environ.get("NUMBA_ENABLE_CUDASIM") == "1":
        for name, module in list(sys.modules.items()):
            if name.startswith("numopt.cuda."):
                monkeypatch.setattr(module, "max", functools.partial(_without_nan, max), raising=False)
                monkeypatch.setattr(module, "min", functools.partial(_without_nan, min), raising=False)


def _without_nan(choose, *values):
    return choose([value for value in values if value == value] or values)


@pytest.fixture
def compile_ptx():
    """Compile a kernel for a compute capability; what comes of it can be loaded, and lacks no registers."""

    def ptx(kernel, signature, capability):
        text = linked(_compiled(kernel, signature).get_ltoir(cc=capability), capability)
        taken = assemble(text, capability)
        assert taken.spilled == 0
        assert taken.stack == 0 or ".local" in text
        assert taken.resident(256) >= 512  # two blocks at a time: one works while the other waits
        return text

    return ptx


@pytest.fixture
def every_ptx(compile_ptx):
    """Compile a kernel for all compute capabilities; pairs of a capability and the text."""

    def pairs(kernel, signature):
        return [(capability, compile_ptx(kernel, signature, capability)) for capability in CAPABILITIES]

    return pairs
