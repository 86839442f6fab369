"""Launches: parameters are laid out as Numba does, or Numba launches."""

import ctypes
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pytest
from numba import typeof, types

pytest.importorskip("numba_cuda", reason="needs numba-cuda")

from numopt.cuda import launches


class OnPaper:
    """An array on no GPU, with what a launch looks at."""

    def __init__(self, host, address):
        self.shape, self.strides, self.size, self.dtype = host.shape, host.strides, host.size, host.dtype
        self.device_ctypes_pointer = ctypes.c_void_p(address)
        self._numba_type_ = types.Array(types.float64, host.ndim, "C" if host.flags.c_contiguous else "A")


class Pair(NamedTuple):
    first: object
    second: object


X = OnPaper(np.zeros(7), 0x7F0000001000)
ARGS = (
    (X, (OnPaper(np.zeros((3, 4))[:, ::2], 0x7F0000002000), ()), 2.5),
    Pair(np.float32(0.1), -3),
    (True, np.float64(np.nan), np.int64(5), np.complex64(1 - 2j), 3j),
)


@pytest.fixture
def started(monkeypatch):
    """What the driver is asked to start."""
    calls = []
    monkeypatch.setattr(launches, "_loaded", {})
    monkeypatch.setattr(launches, "LaunchConfig", lambda grid, block: (grid, block))
    monkeypatch.setattr(launches, "core_launch", lambda *args: calls.append(args))
    monkeypatch.setattr(launches, "cuCtxGetCurrent", lambda: (0, 0x5000))
    return calls


class Configured:
    """A kernel of Numba with its grid, and what it was called with."""

    def __init__(self, expected=None, **missing):
        self.calls, self.griddim, self.blockdim, self.stream = [], (2, 1, 1), (256, 1, 1), "stream"
        made = SimpleNamespace(
            argument_types=ARGS,
            _prepare_args=lambda kind, arg, stream, back, found: launches.lay_out((arg,), found),
            library=SimpleNamespace(get_cufunc=lambda: SimpleNamespace(kernel="kernel")),
        )
        if expected is not None:
            made._prepare_args = lambda kind, arg, stream, back, found: expected(arg, found, back)
        made.__dict__.update(missing)
        self.dispatcher = Dispatcher()
        self.dispatcher.overloads, self.dispatcher.typeof_pyval = {ARGS: made}, lambda arg: arg

    def __call__(self, *args):
        self.calls.append(args)


class Dispatcher:
    """What knows the kernels that were compiled."""


def test_the_first_launch_is_numbas_and_the_next_ones_are_the_drivers(started):
    configured = Configured()
    launches.start(configured, 0, ARGS)
    assert (configured.calls, started) == ([ARGS], [])
    launches.start(configured, 0, ARGS)
    assert len(configured.calls) == 1
    ((stream, grid, kernel, *parameters),) = started
    assert (stream, grid, kernel) == ("stream", ((2, 1, 1), (256, 1, 1)), "kernel")
    assert parameters[:7] == [0, 0, 7, 8, 0x7F0000001000, 7, 8]
    assert parameters[7:17] == [0, 0, 6, 8, 0x7F0000002000, 3, 2, 32, 16, 2.5]
    assert parameters[17:20] == [np.float32(0.1), -3, True]
    assert np.isnan(parameters[20])
    assert parameters[21:] == [5, 1.0, -2.0, 0.0, 3.0]
    assert isinstance(parameters[17], np.float32)
    assert isinstance(parameters[22], np.float32)


def test_another_gpu_has_a_kernel_of_its_own(started):
    configured = Configured()
    launches.start(configured, 0, ARGS)
    launches.start(configured, 1, ARGS)
    assert len(configured.calls) == 2
    assert started == []


def test_in_a_host_thread_without_a_context_numba_makes_one_current(started, monkeypatch):
    configured = Configured()
    launches.start(configured, 0, ARGS)
    monkeypatch.setattr(launches, "cuCtxGetCurrent", lambda: (0, 0))
    launches.start(configured, 0, ARGS)
    assert (len(configured.calls), started) == (2, [])


def test_types_are_told_apart():
    strided = OnPaper(np.zeros(14)[::2], 0x7F0000001000)
    given = 1.0, 1, True, np.float32(1), 1j, np.complex64(1), (1.0,), (1.0, 1.0), Pair(1.0, 1.0), (), X, strided, (X,)
    assert len({launches.lay_out((arg,), []) for arg in given}) == len(given)


def another_value(arg, found, back):
    launches.lay_out((arg,), found)
    found[-1] = 7


def one_more(arg, found, back):
    launches.lay_out((arg,), found)
    found.append(0)


def something_to_copy_back(arg, found, back):
    launches.lay_out((arg,), found)
    back.append(print)


@pytest.mark.parametrize("expected", [another_value, one_more, something_to_copy_back])
def test_where_parameters_lie_otherwise_numba_goes_on(started, expected):
    configured = Configured(expected)
    for _ in range(3):
        launches.start(configured, 0, ARGS)
    assert len(configured.calls) == 3
    assert started == []


def test_where_numba_is_made_otherwise_it_goes_on(started):
    configured = Configured(library=SimpleNamespace())
    for _ in range(3):
        launches.start(configured, 0, ARGS)
    assert len(configured.calls) == 3
    assert started == []


def test_without_the_drivers_launch_numba_goes_on(started, monkeypatch):
    monkeypatch.setattr(launches, "core_launch", None)
    configured = Configured()
    for _ in range(3):
        launches.start(configured, 0, ARGS)
    assert len(configured.calls) == 3


@pytest.mark.ptx
def test_parameters_lie_as_numba_lays_them_out():
    """Numba's own function, for arrays that are on no GPU."""
    from numba.cuda.cudadrv.devicearray import DeviceNDArray
    from numba.cuda.dispatcher import _Kernel

    memory = SimpleNamespace(device_ctypes_pointer=ctypes.c_void_p(0x7F0000001000))
    arrays = tuple(
        DeviceNDArray(host.shape, host.strides, host.dtype, gpu_data=memory)
        for host in (np.zeros(7, np.complex64), np.zeros((3, 4))[:, ::2], np.zeros((2, 1, 5), np.float32))
    )
    args = (*arrays, (arrays[0], (), (1, arrays[1])), *ARGS[1:])
    kernel = _Kernel.__new__(_Kernel)
    kernel.extensions, expected, found = [], [], []
    for arg in args:
        kernel._prepare_args(typeof(arg), arg, 0, [], expected)
    launches.lay_out(args, found)
    assert list(map(launches._bytes, found)) == list(map(launches._bytes, expected))
    assert None not in map(launches._bytes, found)
