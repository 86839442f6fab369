"""Arrays of other libraries on a GPU: what is taken, what is refused and why, and on which stream work goes."""

import enum
import importlib.util
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

import numopt as no
from numopt._foreign import cuda_part, is_device_array
from numopt.cuda import device


class Foreign:
    """An array of another library, as far as it shows."""

    def __init__(self, array, read_only=False, stream=None, place=0, **more):
        self.array, self.place = array, place
        self.interface = {
            "shape": array.shape,
            "strides": None if array.flags.c_contiguous else array.strides,
            "typestr": array.dtype.str,
            "data": (array.ctypes.data, read_only),
            "version": 3,
            "stream": stream,
            **more,
        }

    @property
    def __cuda_array_interface__(self):
        return self.interface

    def __dlpack_device__(self):
        return 2, self.place


class NeedsGradient(Foreign):
    """A tensor of PyTorch that requires a gradient."""

    requires_grad = True

    @property
    def __cuda_array_interface__(self):
        raise RuntimeError("Can't get __cuda_array_interface__ on Variable that requires grad.")


class Wrapped:
    """What Numba makes of one."""

    def __init__(self, interface, owner):
        self.owner, self.stream = owner, "unset"
        self.dtype, self.shape = np.dtype(interface["typestr"]), interface["shape"]
        self.ndim, self.size, self.strides = len(self.shape), int(np.prod(self.shape)), owner.array.strides

    def is_c_contiguous(self):
        return self.owner.array.flags.c_contiguous

    def reshape(self, n):
        assert n == self.size
        self.ndim, self.shape = 1, (n,)
        return self


@pytest.fixture(autouse=True)
def one_gpu(monkeypatch):
    monkeypatch.setattr(device, "_wrap", Wrapped)
    monkeypatch.setattr(device, "current_gpu", lambda: 0)


def test_recognised_without_the_cuda_target():
    code = (
        "import sys, numopt, numpy; numopt.Adam(0.1).init(numpy.ones(3)).update(numpy.ones(3), numpy.ones(3)); "
        "sys.exit('numba.cuda' in sys.modules or 'numopt.cuda' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False)
    assert done.returncode == 0


@pytest.mark.parametrize("value", [np.ones(3), [1.0], 2.0, None, np.float64(1)])
def test_what_is_none(value):
    assert not is_device_array(value)


def test_what_is_one():
    assert is_device_array(Foreign(np.ones(3)))
    assert is_device_array(NeedsGradient(np.ones(3)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
def test_shared_not_copied(dtype):
    x = Foreign(np.ones(3, dtype))
    vector = device.as_device(x, "x", writable=True)
    assert vector.owner is x
    assert vector.dtype == dtype
    assert vector.stream == 0


def test_any_contiguous_shape_is_a_vector():
    vector = device.as_device(Foreign(np.ones((2, 3))), "x", writable=True)
    assert vector.shape == (6,)


@pytest.mark.parametrize(
    ("x", "error", "text"),
    [
        (np.ones(3), TypeError, "x must be an array on the GPU, got ndarray"),
        (Foreign(np.arange(3)), TypeError, "x must be float32, float64, complex64 or complex128, got int64"),
        (Foreign(np.ones(3), read_only=True), TypeError, "x is changed in place.*read-only, as all arrays of JAX"),
        (NeedsGradient(np.ones(3)), TypeError, r"x requires a gradient: pass x.detach\(\)"),
        (Foreign(np.ones(3), place=1), ValueError, "x is on GPU 1, but the current one is 0"),
        (Foreign(np.ones(6)[::2]), ValueError, r"x must be a contiguous vector, got one of shape \(3,\)"),
        (Foreign(np.ones(3), mask=Foreign(np.ones(3, bool))), TypeError, "x is masked"),
    ],
    ids=["host", "dtype", "read-only", "gradient", "place", "strides", "mask"],
)
def test_refused_for_what_is_changed(x, error, text):
    with pytest.raises(error, match=text):
        device.as_device(x, "x", writable=True)


def test_size_and_dtype():
    like = Foreign(np.ones(4)).array
    with pytest.raises(ValueError, match="g must be a float64 vector of 4 entries on the GPU, got float32 of 4"):
        device.as_device(Foreign(np.ones(4, np.float32)), "g", like=like)
    with pytest.raises(ValueError, match="got float64 of 3"):
        device.as_device(Foreign(np.ones(3)), "g", like=like)


def test_read_only_is_welcome_where_nothing_is_changed():
    assert device.as_device(Foreign(np.ones(3), read_only=True), "g").size == 3


def test_two_dimensions_with_strides():
    with pytest.raises(ValueError, match="g must be a contiguous vector, got one of shape"):
        device.as_device(Foreign(np.ones((4, 4))[:, ::2]), "g")


class Event:
    """What streams wait for."""

    def __init__(self, log):
        self.log = log

    def record(self, stream):
        self.log.append(("record", stream))

    def wait(self, stream):
        self.log.append(("wait", stream))


class Stream(int):
    """Numba's, as far as it is the number of another library's."""


class TestStreams:
    @pytest.fixture(autouse=True)
    def streams(self, monkeypatch):
        self.log = []
        monkeypatch.setattr(device, "SIMULATED", False)
        monkeypatch.setattr(device.cuda, "external_stream", Stream)
        monkeypatch.setattr(device.cuda, "per_thread_default_stream", lambda: Stream(2))
        device._external.cache_clear()
        monkeypatch.setattr(device.cuda, "event", lambda timing: Event(self.log))

    @pytest.mark.parametrize(("given", "stream"), [(None, 0), (1, 0), (2, 2), (0x7F00, 0x7F00)])
    def test_of_an_array(self, given, stream):
        assert device.as_device(Foreign(np.ones(3), stream=given), "x").stream == stream

    def test_of_other_libraries(self):
        assert device.as_stream(type("Torch", (), {"cuda_stream": 0x10})()) == 0x10
        assert device.as_stream(type("CuPy", (), {"ptr": 0x20})()) == 0x20
        assert device.as_stream(type("Any", (), {"__cuda_stream__": lambda self: (0, 0x30)})()) == 0x30
        assert device.as_stream(0) == device.as_stream(1) == 0
        assert device.as_stream(np.int64(0x40)) == 0x40
        with pytest.raises(TypeError, match="stream must be one of Numba, CuPy or PyTorch"):
            device.as_stream("fast")

    def test_one_object_for_a_stream_that_keeps_its_owner(self):
        torch = type("Torch", (), {"cuda_stream": 0x10})()
        stream = device.as_stream(torch)
        assert device.as_device(Foreign(np.ones(3), stream=0x10), "x").stream is stream
        assert stream.owner is torch

    def test_numbas_own_stay_what_they_are(self):
        """Another object would not keep alive the one whose end destroys the stream."""
        own = type("Stream", (), {"__module__": "numba.cuda.cudadrv.driver", "__cuda_stream__": lambda self: (0, 7)})()
        assert device.as_stream(own) is own

    def test_of_number_zero(self):
        """Numba gives a flag for the number of its object for the default stream, and Python warns of its ``int``."""

        class Default:
            def __int__(self):
                return Flag.DEFAULT

            def __cuda_stream__(self):
                return 0, Flag.DEFAULT

        Flag = enum.IntEnum("Flag", {"DEFAULT": 0})
        device.wait_for(Default(), 0)
        assert self.log == []
        device.wait_for(Default(), 0x10)
        assert len(self.log) == 2

    def test_that_of_x_waits_for_that_of_g(self):
        x, g = (device.as_device(Foreign(np.ones(3), stream=s), "x") for s in (0x10, 0x20))
        assert device.common_stream(None, x, g) == 0x10
        assert self.log == [("record", 0x20), ("wait", 0x10)]

    def test_one_that_is_given_is_the_callers_affair(self):
        x, g = (device.as_device(Foreign(np.ones(3), stream=s), "x") for s in (0x10, 0x20))
        assert device.common_stream(0x30, x, g) == 0x30
        assert device.common_stream(None, x, x) == 0x10
        assert self.log == []


def test_a_vector_with_strides_is_copied_on_the_stream_that_is_given(monkeypatch):
    """Nobody else can wait for that copy."""
    streams = []
    monkeypatch.setattr(device, "launch", lambda kernel, blocks, threads, stream, *args: streams.append(stream))
    monkeypatch.setattr(device.cuda, "device_array", lambda n, dtype: SimpleNamespace(size=n, dtype=dtype))
    x = Foreign(np.ones(6)[::2])
    assert device.as_device(x, "x", stream=0).stream == 0
    given = type("Stream", (), {"__module__": "numba.cuda"})()
    assert device.as_device(x, "x", stream=given).stream is given
    assert streams == [0, given]


def test_managed_arrays_of_numba():
    """They lack what its other arrays have."""
    managed = Foreign(np.ones(3))
    managed.__cuda_ndarray__ = True
    assert device.as_device(managed, "x").size == 3


def test_grids_depend_on_n_only():
    assert [device.blocks_of(n, 2, threads=256) for n in (0, 1, 512, 513)] == [0, 1, 1, 2]
    assert device.blocks_of(10**8, 4, device.MOST_BLOCKS, 256) == device.MOST_BLOCKS


def test_nothing_is_launched_for_no_entries(monkeypatch):
    launched = []
    monkeypatch.setattr(device, "start", lambda configured, gpu, args: configured(*args))

    class Kernel:
        def __getitem__(self, grid):
            return lambda *arguments: launched.append(grid)

    device.launch(Kernel(), 0, 256, 0)
    assert not launched
    device.launch(Kernel(), 1, 256, 0)
    assert len(launched) == 1


class TestMissing:
    """Without numba-cuda, or without a GPU, the error says what to do."""

    def test_package(self, monkeypatch):
        find_spec = importlib.util.find_spec
        monkeypatch.setattr(
            importlib.util, "find_spec", lambda name, *rest: None if name == "numba_cuda" else find_spec(name, *rest)
        )
        for name in [name for name in sys.modules if name.startswith("numopt.cuda.")]:
            monkeypatch.delitem(sys.modules, name)
        for call in (
            lambda: no.Adam(0.1).init(Foreign(np.ones(3))),
            lambda: no.Adam(0.1).init(np.ones(3)).to_device(),
            lambda: cuda_part("device"),
        ):
            with pytest.raises(ImportError, match=r"pip install 'numopt-jit\[cuda\]'"):
                call()
        assert r"pip install 'numopt-jit[cuda]'" in no.show_config()["GPU"]["none"]

    def test_gpu(self, monkeypatch):
        monkeypatch.setattr(device.cuda, "is_available", lambda: False)
        monkeypatch.setattr(device.cuda, "cuda_error", lambda: "\nno driver\n", raising=False)
        for call in (lambda: no.Adam(0.1).init(Foreign(np.ones(3))), no.Adam(0.1).init(np.ones(3)).to_device):
            with pytest.raises(RuntimeError, match=r"there is no GPU that Numba can use: no driver$"):
                call()
        assert no.show_config()["GPU"] == {"none": "there is no GPU that Numba can use: no driver"}


def test_what_there_is(monkeypatch):
    def unknown():
        raise OSError("no runtime")

    fake = {
        "is_available": lambda: True,
        "gpus": SimpleNamespace(lst=[SimpleNamespace(name=b"One GPU", compute_capability=(9, 0))]),
        "runtime": SimpleNamespace(get_version=unknown),
        "cudadrv": SimpleNamespace(
            driver=SimpleNamespace(driver=SimpleNamespace(get_version=lambda: (12, 9))),
        ),
    }
    monkeypatch.setattr(device, "SIMULATED", False)
    monkeypatch.setattr(device, "cuda", SimpleNamespace(**fake))
    assert device.describe() == {
        "driver": "12.9",
        "runtime": "unknown (no runtime)",
        "GPU 0": "One GPU, compute capability 9.0",
    }
