"""What stays on the GPU with a set: its vectors, put there once for each precision."""

import weakref

import numpy as np

from .device import SIMULATED, cuda, current_gpu

_kept = {}  # by the identity of a host array: what refers to it, and what was made of it


def kept(array, dtype, make, stream):
    """What ``make(array, dtype)`` gives, numbers and host arrays, the arrays on the device.

    Made when first asked for, and kept as long as the array lives: the fields of a set are its own and never change.
    """
    place = id(array)
    entry = _kept.get(place)
    if entry is None or entry[0]() is not array:
        entry = _kept[place] = weakref.ref(array, lambda _: _kept.pop(place, None)), {}
    key = dtype.char, make, current_gpu()
    if key not in entry[1]:
        entry[1][key] = tuple(_uploaded(value, stream) for value in make(array, dtype))
    return entry[1][key]


def _uploaded(value, stream):
    if not isinstance(value, np.ndarray):
        return value
    vector = cuda.to_device(value, stream=stream)
    if not SIMULATED:
        (stream or cuda.default_stream()).synchronize()  # once: it will be used on other streams, too
    return vector


def on_device(field, dtype, stream):
    """A field, or a tuple of them, in the precision of x; vectors on the device."""
    if isinstance(field, tuple):
        return tuple(on_device(part, dtype, stream) for part in field)
    if isinstance(field, np.ndarray):
        return kept(field, dtype, _in_precision, stream)[0]
    if isinstance(field, (float, complex)):
        return field_of(dtype, field).type(field)
    raise TypeError(f"the vectors of a set are arrays on the host, got {type(field).__name__}")


def _in_precision(field, dtype):
    return (field.astype(field_of(dtype, field)),)


def field_of(dtype, value):
    """The dtype of a field in the precision of vectors of ``dtype``, complex only if the field is."""
    real = np.empty(0, dtype).real.dtype
    is_complex = np.asarray(value).dtype.kind == "c"
    return np.result_type(real, np.complex64) if is_complex else real


def real_parts(x):
    """A device vector as the real numbers that it consists of."""
    return x.view(np.empty(0, x.dtype).real.dtype) if x.dtype.kind == "c" else x


def overlap(a, b):
    """Whether two contiguous device vectors share a part of their memory, but are not the same."""
    first, second = _address(a), _address(b)
    return first != second and first < second + b.nbytes and second < first + a.nbytes


def _address(vector):
    if SIMULATED:
        return vector._ary.ctypes.data
    return vector.__cuda_array_interface__["data"][0]
