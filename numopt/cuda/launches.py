"""Launches at the cost of the driver's.

Numba finds out the type of every argument and unpacks nested tuples at every launch, which takes longer than a step
over a million entries does. Here, a kernel that was launched once with arguments of the same types is started with its
parameters written out flat. How Numba lays them out is no public promise: each kernel's first launch is Numba's own,
and compares; where the two differ, Numba goes on launching.
"""

import ctypes
import struct

import numpy as np

try:
    from cuda.bindings.driver import cuCtxGetCurrent
    from cuda.core import LaunchConfig
    from cuda.core import launch as core_launch
except ImportError:  # older versions of numba-cuda do without it
    core_launch = None

_NUMBERS = frozenset((bool, int, float, np.bool_, np.int64, np.float32, np.float64))
_COMPLEX_NUMBERS = frozenset((complex, np.complex64, np.complex128))

_loaded = {}  # by kernel, GPU and kinds of arguments: the driver's kernel, None where Numba is to launch it


def start(configured, gpu, args):
    """Launch a kernel with its grid, ``kernel[blocks, threads, stream]``, as ``configured(*args)`` does.

    ``gpu`` is the number of the current GPU.
    """
    if core_launch is None:
        configured(*args)
        return
    parameters = []
    key = configured.dispatcher, gpu, lay_out(args, parameters)
    kernel = _loaded.get(key)
    if kernel is not None and int(cuCtxGetCurrent()[1]) != 0:  # Numba makes a context current
        grid = LaunchConfig(grid=configured.griddim, block=configured.blockdim)
        core_launch(configured.stream, grid, kernel, *parameters)
        return
    configured(*args)
    if key not in _loaded:
        _loaded[key] = _kernel_for(configured.dispatcher, args, parameters)


def lay_out(args, parameters):
    """Append the parameters of a kernel for arguments; what tells apart the types of these.

    An array is two pointers that kernels do not use, size, bytes of an entry, address, shape and strides; a complex
    number is two numbers.
    """
    kinds = []
    for arg in args:
        kind = type(arg)
        if kind in _NUMBERS:
            kinds.append(kind)
            parameters.append(arg)
        elif isinstance(arg, tuple):
            kinds.append((kind, lay_out(arg, parameters)))
        elif kind in _COMPLEX_NUMBERS:
            kinds.append(kind)
            parameters += arg.real, arg.imag
        else:
            kinds.append(arg._numba_type_)
            address = arg.device_ctypes_pointer.value or 0
            parameters += 0, 0, arg.size, arg.dtype.itemsize, address, *arg.shape, *arg.strides
    return tuple(kinds)


def _kernel_for(dispatcher, args, parameters):
    """The driver's kernel, if it takes these parameters."""
    try:
        made = dispatcher.overloads[tuple(map(dispatcher.typeof_pyval, args))]
        expected, written_back = [], []
        for kind, arg in zip(made.argument_types, args, strict=True):
            made._prepare_args(kind, arg, 0, written_back, expected)
        kernel = made.library.get_cufunc().kernel
    except (AttributeError, KeyError, TypeError):
        return None
    same = list(map(_bytes, parameters)) == list(map(_bytes, expected)) and not written_back
    return kernel if same else None


def _bytes(value):
    """A parameter as it lies in memory; None if that is not known."""
    if isinstance(value, np.generic):
        return value.tobytes()
    if isinstance(value, ctypes._SimpleCData):
        return bytes(value)
    for kind, layout in ((bool, "?"), (int, "q"), (float, "d")):
        if isinstance(value, kind):
            return struct.pack(layout, value)
    return None
