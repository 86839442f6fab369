"""What Python callers pass in, checked and normalised once."""

import operator
import sys

import numpy as np
from numba import types

from ._foreign import is_device_array

_LARGEST = np.iinfo(np.int64).max
_MOST_IN_MEMORY = 2**20


def start_vector(x0, name="x0"):
    """``x0`` as a fresh contiguous float64 or complex128 vector; a scalar becomes a vector of one entry."""
    _refuse_device_array(x0, name)
    given = np.asarray(x0)
    if given.dtype.kind not in "biufc":
        raise TypeError(f"{name} must hold real or complex numbers, got dtype {given.dtype}")
    if given.ndim > 1:
        raise ValueError(f"{name} must be a vector, got shape {given.shape}: pass {name}.ravel() and reshape in fun")
    dtype = np.complex128 if given.dtype.kind == "c" else np.float64
    vector = np.array(given, dtype=dtype, order="C", ndmin=1)
    if np.count_nonzero(np.isfinite(vector)) < vector.size:  # several times faster than all() on a short vector
        where = int(np.flatnonzero(~np.isfinite(vector))[0])
        raise ValueError(f"{name} must be finite, but {name}[{where}] = {vector[where]}")
    return vector


def _refuse_device_array(x, name):
    """TypeError for an array on a GPU, which NumPy would copy without a word."""
    if is_device_array(x):
        raise TypeError(f"{name} is on a GPU, but this works on the host: pass a copy of it as a NumPy array")


def parameter_vector(x):
    """``x`` as a contiguous vector of float32, float64, complex64 or complex128; copied only if it is not that."""
    given = np.asarray(x)
    if given.dtype not in (np.float32, np.float64, np.complex64, np.complex128):
        raise TypeError(f"x must be float32, float64, complex64 or complex128, got {given.dtype}: use x.astype(float)")
    if given.ndim != 1:
        raise ValueError(f"x must be a vector, got shape {given.shape}: pass x.ravel(), which shares its memory")
    return np.ascontiguousarray(given)


def point_vector(x):
    """``x`` as a contiguous writable vector; numbers that are not of single or double precision become double."""
    if type(x) is np.ndarray and x.ndim == 1 and x.dtype.char in "dDfF" and x.dtype.isnative and x.flags.carray:
        return x
    _refuse_device_array(x, "x")
    given = np.asarray(x)
    if given.dtype.kind not in "biufc":
        raise TypeError(f"x must hold real or complex numbers, got dtype {given.dtype}")
    if given.ndim != 1:
        raise ValueError(f"x must be a vector, got shape {given.shape}: pass x.ravel()")
    if given.dtype not in (np.float32, np.float64, np.complex64, np.complex128):
        given = given.astype(np.complex128 if given.dtype.kind == "c" else np.float64)
    return given if given.flags.carray else np.array(given, dtype=given.dtype.newbyteorder("="))


def bounds_vectors(bounds, n):
    """(lower, upper) of SciPy's ``bounds``: a ``Bounds`` object, or pairs (lower, upper) with None for no bound.

    A ``Box`` is taken too. The vectors are fresh; whether a number lies between them is left to the caller.

    Raises
    ------
    ValueError, TypeError
        If there is not one pair for each of the n entries.
    """
    names = ("lb", "ub") if hasattr(bounds, "lb") else None
    if getattr(bounds, "_fields", None) == ("lower", "upper"):  # a Box; of other sets the bounds would not be all
        names = "lower", "upper"
    if getattr(type(bounds), "is_set", False) and names is None:
        raise TypeError(f"bounds must be Bounds, a Box, or pairs (lower, upper); pass a set as constraints={bounds!r}")
    if names is not None:
        lower, upper = (np.asarray(getattr(bounds, name)) for name in names)
        if lower.dtype.kind == "c" or upper.dtype.kind == "c":
            raise TypeError(f"bounds must be real, got {bounds!r}")
        lower, upper = lower.astype(float), upper.astype(float)
    else:
        try:
            pairs = list(bounds)
        except TypeError:
            raise TypeError(f"bounds must be Bounds or pairs (lower, upper), got {bounds!r}") from None
        if any(np.size(pair) != 2 for pair in pairs):
            raise ValueError(f"bounds must be Bounds or pairs (lower, upper), got {bounds!r}")
        lower = np.array([-np.inf if low is None else low for low, _ in pairs], float)
        upper = np.array([np.inf if high is None else high for _, high in pairs], float)
    for name, bound in (("lower", lower), ("upper", upper)):
        if bound.size not in (1, n) or (bound.ndim == 1 and names is None and bound.size != n):
            raise ValueError(f"bounds: {bound.size} {name} bounds for {n} variables")
    return np.broadcast_to(lower.ravel(), n).copy(), np.broadcast_to(upper.ravel(), n).copy()


def step_vectors(x, g):
    """``x``, to be changed in place, and ``g``, of the same dtype."""
    for name, value in (("x", x), ("g", g)):
        if is_device_array(value):
            raise TypeError(f"update: {name} is on a GPU, but the optimizer is not: go on with opt.to_device()")
    if not isinstance(x, np.ndarray) or not x.flags.carray or x.ndim != 1:
        what = f"{type(x).__name__}" if not isinstance(x, np.ndarray) else f"shape {x.shape}, strides {x.strides}"
        raise ValueError(f"update: x is changed in place, so it must be a writable contiguous NumPy vector, got {what}")
    g = np.asarray(g)
    if g.dtype != x.dtype:
        raise ValueError(f"update: x is {x.dtype}, but g is {g.dtype}; pass g.astype(x.dtype)")
    return np.asarray(x), g


def check_out(out, like):
    """ValueError unless ``out`` is an array that takes ``like`` as it is."""
    is_array = isinstance(out, np.ndarray) and out.flags.writeable
    if not (is_array and out.shape == like.shape and out.dtype == like.dtype):
        what = f"{out.dtype} of shape {out.shape}" if isinstance(out, np.ndarray) else repr(out)
        raise ValueError(f"out must be a writable {like.dtype} array of shape {like.shape}, got {what}")


def gradient_vector(g, dtype, size):
    """A gradient as a contiguous vector of the solver's dtype."""
    if type(g) is np.ndarray and g.dtype == dtype and g.shape == (size,) and g.flags.c_contiguous:
        return g
    given = np.asarray(g)
    if given.size != size:
        raise ValueError(f"the gradient has {given.size} entries, but x has {size}")
    if given.dtype.kind not in "biufc":
        raise TypeError(f"the gradient must hold numbers, got dtype {given.dtype}")
    if given.dtype.kind == "c" and np.dtype(dtype).kind != "c":
        raise TypeError("the gradient is complex, but x is real; start from a complex x0, or return its real part")
    return np.ascontiguousarray(given, dtype=dtype).reshape(size)


def objective_value(f):
    """The value of an objective as a float: a real number, or an array of one."""
    if type(f) is float or type(f) is np.float64:
        return f
    given = np.asarray(f)
    if given.size != 1:
        raise ValueError(f"the objective must return one number, got an array of shape {given.shape}")
    if given.dtype.kind == "c":
        raise TypeError(
            f"the objective must be real, got {given.item()}; return f.real if its imaginary part is rounding"
        )
    if given.dtype.kind not in "biuf":
        raise TypeError(f"the objective must return a real number, got {f!r}")
    return float(given.item())


def callers_level():
    """The ``stacklevel`` of a warning in the function that calls this, which points at the first caller outside."""
    package = __name__.partition(".")[0] + "."
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and (frame.f_globals.get("__name__", "") + ".").startswith(package):
        frame, level = frame.f_back, level + 1
    return level


def at_least(value, least, name):
    """An integer option that must not be below ``least``."""
    if type(value) is int and least <= value <= _LARGEST:
        return value
    try:
        number = operator.index(value)
    except TypeError:
        if not (isinstance(value, (float, np.floating)) and (value == np.inf or value == np.round(value))):
            raise TypeError(f"{name} must be an integer, got {value!r}") from None
        if np.isinf(value):
            if value < 0:
                raise ValueError(f"{name} must be at least {least}, got {value}") from None
            return _LARGEST
        number = int(value)  # 1e6, as people write it
    if number < least:
        raise ValueError(f"{name} must be at least {least}, got {number}")
    return min(number, _LARGEST)


def at_most_a_million(value, name):
    """An integer option from 1 on, of which memory is made: so many vectors or values."""
    number = at_least(value, 1, name)
    if number > _MOST_IN_MEMORY:
        raise ValueError(f"{name} must be at most {_MOST_IN_MEMORY}, got {value}")
    return number


def real_number(value, name):
    """A number as a float."""
    try:
        if isinstance(value, (str, bytes, complex)):  # float() would read it, or drop the imaginary part of NumPy's
            raise TypeError
        return float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a number, got {value!r}") from None
    except OverflowError:
        raise ValueError(f"{name} must be a number that a float64 has room for, got {value!r}") from None


def not_negative(value, name):
    """A tolerance."""
    if type(value) is float and value >= 0.0:
        return value
    number = real_number(value, name)
    if not number >= 0:
        raise ValueError(f"{name} must not be negative, got {value}")
    return number


def finite_not_negative(value, name):
    """A learning rate."""
    number = not_negative(value, name)
    if number == np.inf:
        raise ValueError(f"{name} must be finite, got inf")
    return number


def misfit(onto, is_complex):
    """Why a set, or the set of a Numba type, cannot be used with complex or with real vectors; None if it can."""
    cls = _class_of(onto)
    advice = cls.real_only if is_complex else getattr(cls, "complex_only", None)
    if advice:
        return f"{cls.__name__} is for {'real' if is_complex else 'complex'} vectors; {advice}"
    for field in tuple(onto):
        if type(field) is float:  # as most are
            continue
        if not is_complex and _holds_complex(field):
            return f"{cls.__name__} has complex fields, but x is real"
        if isinstance(field, (tuple, types.BaseTuple)):
            for member in tuple(field):
                reason = misfit(member, is_complex) if getattr(_class_of(member), "is_set", False) else None
                if reason:
                    return reason
    return None


def _class_of(value):
    return getattr(value, "instance_class", type(value))


def _holds_complex(value):
    if isinstance(value, types.Type):
        return isinstance(getattr(value, "dtype", types.unliteral(value)), types.Complex)
    return isinstance(value, complex) or (isinstance(value, np.ndarray) and value.dtype.kind == "c")
