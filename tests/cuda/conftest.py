"""The rules of tests/rules, and kernels compiled where there is no GPU."""

import sys
from pathlib import Path

import pytest

pytest.importorskip("numba_cuda", reason="needs numba-cuda")
sys.path.insert(0, str(Path(__file__).parents[1] / "rules"))


@pytest.fixture
def compile_ptx(monkeypatch):
    """Compile a kernel for a compute capability."""
    from numba import cuda

    def ptx(kernel, signature, capability):
        device = type("Device", (), {"compute_capability": capability})
        monkeypatch.setattr("numba.cuda.dispatcher.get_current_device", lambda: device)
        return cuda.compile(kernel.py_func, signature, cc=capability, device=False, abi="numba", output="ptx")[0]

    return ptx
