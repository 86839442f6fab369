"""The GPU as the package sees it: its arrays, streams and launches. The only import of ``numba.cuda``.

Nothing here but ``to_host`` waits for the device, and nothing is copied through the host.
"""

import functools
import importlib.util
import operator
import warnings

import numpy as np

if importlib.util.find_spec("numba_cuda") is None:
    raise ImportError("arrays on a GPU need numba-cuda: pip install 'numopt-jit[cuda]', or '.[cuda]' in a checkout")

from numba import cuda

from .._jit import PLAIN, plain
from .launches import start

SIMULATED = not hasattr(cuda, "from_cuda_array_interface")  # NUMBA_ENABLE_CUDASIM=1: kernels run as Python

DTYPES = tuple(map(np.dtype, (np.float32, np.float64, np.complex64, np.complex128)))
THREADS = 8 if SIMULATED else 256  # in a block; a power of two, for sums are taken by halves
MOST_BLOCKS = 512  # of kernels that add up, or whose blocks begin with some work of their own: 4 MB in flight
LOADS = 4  # entries in flight in a thread that adds up
WRITES = 4  # in one that also stores one vector


def require():
    """Do nothing if there is a GPU to work with; RuntimeError, with what is missing, if not."""
    if not cuda.is_available():
        reason = cuda.cuda_error() or "no compiler for it, which pip install 'numopt-jit[cuda]' brings"
        raise RuntimeError(f"there is no GPU that Numba can use: {' '.join(str(reason).split())}")


def current_gpu():
    """The number of the GPU that is worked on."""
    return cuda.get_current_device().id if _several_gpus() else 0


@functools.cache
def _several_gpus():
    return not SIMULATED and len(cuda.gpus) > 1


# --- arrays ----------------------------------------------------------------------------------------------------------


def as_device(x, name, writable=False, like=None, stream=None):
    """A Numba device vector that shares the memory of ``x``, an array on the current GPU.

    Contiguous arrays of any shape are taken as one vector. An array with other strides is copied, on the device, if
    it is only to be read. ``stream`` of the result is that on which x was made, 0 where x does not say.

    Parameters
    ----------
    x : array with ``__cuda_array_interface__``
        Of Numba, CuPy, PyTorch, JAX.
    name : str
        Of the argument, for messages.
    writable : bool
        Whether it is changed in place.
    like : device vector, optional
        One of the size and dtype that x must have.
    stream : optional
        Where a copy is made, if one is needed; by default on the stream of x.

    Raises
    ------
    TypeError
        If x is not on a GPU, holds other numbers than float32, float64, complex64, complex128, is read-only but to be
        changed, or requires a gradient.
    ValueError
        If x is on another GPU than the current one, has another size or dtype than ``like``, or is to be changed but
        not contiguous.
    """
    # managed and mapped arrays of Numba lack some of what its others can do
    own = getattr(x, "__cuda_ndarray__", False) and hasattr(x, "is_c_contiguous")
    vector = x if own else _foreign(x, name, writable)
    if vector.dtype not in DTYPES:
        raise TypeError(f"{name} must be float32, float64, complex64 or complex128, got {vector.dtype}")
    where = _place_of(x)
    if where is not None and where != current_gpu():
        raise ValueError(f"{name} is on GPU {where}, but the current one is {current_gpu()}")
    if like is not None and (vector.size != like.size or vector.dtype != like.dtype):
        raise ValueError(
            f"{name} must be a {like.dtype} vector of {like.size} entries on the GPU, "
            f"got {vector.dtype} of {vector.size}"
        )
    if not vector.is_c_contiguous():
        vector = _in_order(vector, name, writable, vector.stream if stream is None else as_stream(stream))
    elif vector.ndim != 1:
        stream, vector = vector.stream, vector.reshape(vector.size)
        vector.stream = stream
    return vector


def _foreign(x, name, writable):
    """Another library's array as one of Numba."""
    try:
        interface = x.__cuda_array_interface__
    except AttributeError:
        raise TypeError(f"{name} must be an array on the GPU, got {type(x).__name__}") from None
    except RuntimeError as error:  # of PyTorch
        if getattr(x, "requires_grad", False):
            raise TypeError(f"{name} requires a gradient: pass {name}.detach(), which shares its memory") from None
        raise TypeError(f"{name} gives no CUDA array interface: {error}") from None
    if writable and interface["data"][1]:
        raise TypeError(
            f"{name} is changed in place, but this {type(x).__name__} is read-only, as all arrays of JAX are: "
            "copy it into one of CuPy, PyTorch or Numba"
        )
    if interface.get("mask") is not None:
        raise TypeError(f"{name} is masked")
    vector = _wrap(interface, x)
    vector.stream = _stream_of(interface.get("stream"))
    return vector


def _wrap(interface, owner):
    # without the stream, for which Numba would make the host wait
    return cuda.from_cuda_array_interface({**interface, "stream": None}, owner=owner, sync=False)


def _place_of(x):
    """The number of the GPU that holds the memory of ``x``; None if it does not say."""
    if hasattr(type(x), "__dlpack_device__"):
        return x.__dlpack_device__()[1]
    context = getattr(getattr(x, "gpu_data", None), "context", None)
    return getattr(getattr(context, "device", None), "id", None)


def _in_order(vector, name, writable, stream):
    """A contiguous copy of a vector with other strides, made on ``stream``."""
    if writable or vector.ndim != 1:
        what = f"shape {tuple(vector.shape)} and strides {tuple(vector.strides)}"
        raise ValueError(f"{name} must be a contiguous vector, got one of {what}")
    copy = cuda.device_array(vector.size, vector.dtype)
    copy.stream = stream
    launch(_copy, blocks_of(vector.size), THREADS, stream, vector, copy)
    return copy


@cuda.jit
def _copy(x, out):
    i = cuda.grid(1)
    while i < x.size:
        out[i] = x[i]
        i += cuda.gridsize(1)


@cuda.jit
def _fill(out, value):
    i = cuda.grid(1)
    while i < out.size:
        out[i] = value
        i += cuda.gridsize(1)


def new_vector(n, dtype, value=None, stream=0):
    """A device vector, filled with ``value`` if that is given."""
    vector = cuda.device_array(n, dtype)
    if value is not None:
        fill(vector, value, stream)
    return vector


def fill(vector, value, stream=0):
    """Write one number into every entry."""
    launch(_fill, blocks_of(vector.size), THREADS, stream, vector, vector.dtype.type(value))


def copy(source, target, stream=0):
    """Copy a device vector into another of the same size and dtype."""
    launch(_copy, blocks_of(source.size), THREADS, stream, source, target)


# --- streams ---------------------------------------------------------------------------------------------------------


@functools.cache
def _external(handle):
    """The one object for a stream of another library, for what is kept by streams."""
    return cuda.per_thread_default_stream() if handle == 2 else cuda.external_stream(handle)


def _stream_of(handle, owner=None):
    """Numba's stream for a number of the CUDA array interface; it keeps ``owner``, who may destroy the stream."""
    if handle in (None, 0, 1):
        return 0  # the legacy default stream
    stream = _external(handle)
    if owner is not None:
        stream.owner = owner
    return stream


def as_stream(stream):
    """Numba's stream for one of Numba, CuPy or PyTorch, or the number of one; 0 is the legacy default stream."""
    if type(stream).__module__.partition(".")[0] == "numba":
        return stream
    if hasattr(stream, "__cuda_stream__"):
        return _stream_of(stream.__cuda_stream__()[1], stream)
    for attribute in ("cuda_stream", "ptr"):  # PyTorch, CuPy
        if hasattr(stream, attribute):
            return _stream_of(int(getattr(stream, attribute)), stream)
    try:
        return _stream_of(operator.index(stream))
    except TypeError:
        raise TypeError(f"stream must be one of Numba, CuPy or PyTorch, or the number of one, got {stream!r}") from None


def number_of(stream):
    """The number of one of Numba's streams; its own ``int`` of that of number 0 is a flag, of which Python warns."""
    return int(stream.__cuda_stream__()[1] if hasattr(stream, "__cuda_stream__") else stream)


def common_stream(stream, *vectors):
    """The stream to work on: ``stream``, or without one that of the first vector. It waits for those of the others."""
    chosen = vectors[0].stream if stream is None else as_stream(stream)
    if stream is None:
        for vector in vectors[1:]:
            wait_for(vector.stream, chosen)
    return chosen


def wait_for(earlier, stream):
    """Make a stream, not the host, wait for what another has been given so far."""
    if SIMULATED or number_of(earlier) == number_of(stream):
        return
    event = cuda.event(timing=False)
    event.record(earlier)
    event.wait(stream)


def to_host(array, stream=0):
    """A copy of a device array as one of NumPy, when its stream is done with it."""
    host = array.copy_to_host(stream=stream)
    if stream:
        stream.synchronize()
    return host


# --- launches --------------------------------------------------------------------------------------------------------


def blocks_of(n, entries=1, most=2**31 - 1, threads=THREADS):
    """How many blocks run over n entries, so many a thread. It depends on n only: so do sums, on every device."""
    return min(-(-n // (entries * threads)), most)


def launch(kernel, blocks, threads, stream, *args):
    """Start a kernel, unless there is nothing to do."""
    if blocks == 0:
        return
    if SIMULATED:
        _configured.__wrapped__(kernel, blocks, threads, stream)(*args)  # there all configurations are one object
    else:
        start(_configured(kernel, blocks, threads, stream), current_gpu(), args)


@functools.lru_cache(1024)
def _configured(kernel, blocks, threads, stream):
    with warnings.catch_warnings():  # small vectors leave a GPU idle, which their owner knows
        warnings.filterwarnings("ignore", message="Grid size")
        return kernel[blocks, threads, stream]


def device_function(function):
    """A function of numbers, such as those chosen by type, as one that kernels call."""
    return cuda.jit(device=True)(plain(function) if PLAIN else function)


# --- what there is ---------------------------------------------------------------------------------------------------


def describe():
    """The GPUs and what drives them, as texts by names; RuntimeError if there is none."""
    require()
    if SIMULATED:
        return {"simulator": "kernels run as Python (NUMBA_ENABLE_CUDASIM is set)"}
    found = {"driver": _dotted(cuda.cudadrv.driver.driver.get_version), "runtime": _dotted(cuda.runtime.get_version)}
    for place, gpu in enumerate(cuda.gpus.lst):
        name = gpu.name.decode() if isinstance(gpu.name, bytes) else gpu.name
        found[f"GPU {place}"] = f"{name}, compute capability {_dotted(lambda gpu=gpu: gpu.compute_capability)}"
    return found


def _dotted(get_version):
    try:
        return ".".join(map(str, get_version()))
    except Exception as error:  # a report of a problem must not fail by it
        return f"unknown ({error})"
