"""Records and functions chosen by type in a CUDA kernel: one source with the CPU, in float32 without any double."""

import re

import numpy as np
import pytest
from numba import types

from numopt._jit import by_type, record

cuda = pytest.importorskip("numba.cuda", reason="needs numba-cuda")


@record
class Damped:
    rate: float
    damping: float = 0.5


@record
class Plain:
    rate: float


@by_type
def step(rule, x, v, g):
    """One step of a rule: the new x and v."""


@step.register(Damped)
def _step_damped(rule, x, v, g):
    v = rule.damping * v - rule.rate * g
    return x + v, v


@step.register(Plain)
def _step_plain(rule, x, v, g):
    return x - rule.rate * g, v


def make_kernel(rule_class):
    """The kernel that the host composes around the plain function for a class."""
    one = cuda.jit(device=True)(step.implementation(rule_class))

    def kernel(rule, x, v, g):
        start, stride = cuda.grid(1), cuda.gridsize(1)
        for i in range(start, x.size, stride):
            x[i], v[i] = one(rule, x[i], v[i], g[i])

    return kernel


def cast(rule, dtype):
    """The same record with fields of another type, which the host hands to kernels."""
    return tuple.__new__(type(rule), map(dtype, rule))


@pytest.fixture
def compile_ptx(monkeypatch):
    """Compile a kernel for a compute capability where there is no device."""

    def ptx(kernel, signature, capability):
        device = type("Device", (), {"compute_capability": capability})
        monkeypatch.setattr("numba.cuda.dispatcher.get_current_device", lambda: device)
        return cuda.compile(kernel, signature, cc=capability, device=False, abi="numba", output="ptx")[0]

    return ptx


@pytest.mark.ptx
@pytest.mark.parametrize("capability", [(8, 0), (9, 0)])
@pytest.mark.parametrize("real", [types.float32, types.float64], ids=str)
def test_kernel_loads_and_stores_each_entry_once_in_its_own_precision(compile_ptx, capability, real):
    rule = types.BaseTuple.from_types([real, real], Damped)
    text = compile_ptx(make_kernel(Damped), types.void(rule, real[::1], real[::1], real[::1]), capability)
    assert f".target sm_{capability[0]}{capability[1]}" in text
    loads, stores = (len(re.findall(rf"\b{what}\.global", text)) for what in ("ld", "st"))
    assert stores > 0
    assert 2 * loads == 3 * stores  # three arrays in, two out; the loop may be unrolled
    assert ".local" not in text
    assert ("f64" in text) is (real is types.float64)


@pytest.mark.kernel
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rule", [Damped(0.1), Damped(0.1, 0.9), Plain(0.1)], ids=lambda rule: type(rule).__name__)
def test_kernel_computes_what_numpy_does(rule, dtype):
    rng = np.random.default_rng(0)
    x, v, g = (rng.normal(size=100).astype(dtype) for _ in range(3))
    rule = cast(rule, dtype)
    new_v = rule.damping * v - rule.rate * g if isinstance(rule, Damped) else v
    new_x = x + new_v if isinstance(rule, Damped) else x - rule.rate * g
    x_device, v_device, g_device = map(cuda.to_device, (x, v, g))
    cuda.jit(make_kernel(type(rule)))[2, 16](rule, x_device, v_device, g_device)
    tolerance = 4 * np.finfo(dtype).eps  # a device may fuse a*b + c
    np.testing.assert_allclose(v_device.copy_to_host(), new_v, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(x_device.copy_to_host(), new_x, rtol=tolerance, atol=tolerance)
