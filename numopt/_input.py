"""What Python callers pass in, checked and normalised once."""

import math
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
    given = _array_of_numbers(x0, name)
    if given.ndim > 1:
        raise ValueError(f"{name} must be a vector, got shape {given.shape}: pass {name}.ravel() and reshape in fun")
    dtype = np.complex128 if given.dtype.kind == "c" else np.float64
    vector = np.array(given, dtype=dtype, order="C", ndmin=1)
    if np.count_nonzero(np.isfinite(vector)) < vector.size:  # several times faster than all() on a short vector
        where = int(np.flatnonzero(~np.isfinite(vector))[0])
        raise ValueError(f"{name} must be finite, but {name}[{where}] = {vector[where]}")
    return vector


def _array_of_numbers(values, name, kinds="real or complex numbers"):
    """``values`` as an array of real or complex numbers.

    Numbers of other kinds (Fraction, Decimal, those of sympy) become floats; what is no number, and masked entries,
    raise.
    """
    if type(values) is np.ndarray and values.dtype.kind in "fciu":
        return values
    _refuse_masked(values, name)
    try:
        given = np.asarray(values)
    except ValueError:
        raise ValueError(f"{name} must be a vector of numbers, got {_short(values)}") from None
    if given.dtype.kind in "biufc":
        return given
    if given.dtype.kind != "O":
        raise TypeError(f"{name} must hold {kinds}, got dtype {given.dtype}")
    advice = f"{name}.astype(float)" if name.isidentifier() else "astype(float)"
    entries = given.ravel()
    for k, entry in enumerate(entries):
        if isinstance(entry, (str, bytes)) or not (hasattr(entry, "__float__") or hasattr(entry, "__complex__")):
            raise TypeError(
                f"{name} must hold {kinds}, got dtype object, whose entry {k} is {_short(entry)}: "
                f"use {advice} once all entries are numbers"
            )
    for kind in float, complex:
        try:
            return np.array([kind(entry) for entry in entries], kind).reshape(given.shape)
        except (TypeError, ValueError, OverflowError):
            continue  # some are complex
    raise TypeError(f"{name} must hold {kinds}, got dtype object, whose entries do not convert: use {advice}")


def _refuse_masked(values, name):
    """ValueError for an array with masked entries, of which NumPy would take what is under the mask."""
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        raise ValueError(f"{name} has masked entries, which have no value: use filled() or compressed()")


def _short(value):
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _refuse_device_array(x, name):
    """TypeError for an array on a GPU, which NumPy would copy without a word."""
    if is_device_array(x):
        raise TypeError(f"{name} is on a GPU, but this works on the host: pass a copy of it as a NumPy array")


def parameter_vector(x):
    """``x`` as a contiguous vector of float32, float64, complex64 or complex128; copied only if it is not that."""
    _refuse_masked(x, "x")
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
    given = _array_of_numbers(x, "x")
    if given.ndim != 1:
        raise ValueError(f"x must be a vector, got shape {given.shape}: pass x.ravel()")
    if given.dtype not in (np.float32, np.float64, np.complex64, np.complex128):
        given = given.astype(np.complex128 if given.dtype.kind == "c" else np.float64)
    return given if given.flags.carray else np.array(given, dtype=given.dtype.newbyteorder("="))


def bounds_vectors(bounds, n):
    """(lower, upper) of SciPy's ``bounds``: a ``Bounds`` object, or pairs (lower, upper) with None for no bound.

    Also an array of shape (n, 2), and a ``Box``. The vectors are fresh; whether a number lies between them is left to
    the caller.

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
        lower, upper = getattr(bounds, names[0]), getattr(bounds, names[1])
    else:
        lower, upper = _of_pairs(bounds, n)
    lower, upper = _real_bounds(lower, "lower"), _real_bounds(upper, "upper")
    for name, bound in (("lower", lower), ("upper", upper)):
        if bound.size not in (1, n) or (bound.ndim == 1 and names is None and bound.size != n):
            raise ValueError(f"bounds: {bound.size} {name} bounds for {n} variables")
    # most have n entries already, and broadcasting takes a microsecond
    return tuple(bound if bound.shape == (n,) else np.full(n, bound.ravel()) for bound in (lower, upper))


def _of_pairs(bounds, n):
    """(lower, upper) of a sequence of pairs, which may hold None."""
    if isinstance(bounds, (str, bytes)):
        raise TypeError(f"bounds must be Bounds or pairs (lower, upper) of numbers, got {bounds!r}")
    if isinstance(bounds, np.ma.MaskedArray) and np.ma.is_masked(bounds):
        raise ValueError("bounds has masked entries: use filled(), with infinite numbers for no bound")
    try:
        pairs = list(bounds)
    except TypeError:
        raise TypeError(f"bounds must be Bounds or pairs (lower, upper), got {bounds!r}") from None
    for k, pair in enumerate(pairs):
        if isinstance(pair, (str, bytes)) or not hasattr(pair, "__len__") or len(pair) != 2:
            advice = ""
            if len(pairs) == 2 and n != 2:
                advice = "; vectors of lower and of upper bounds are scipy.optimize.Bounds(lower, upper)"
            raise ValueError(
                f"bounds must be Bounds or pairs (lower, upper), got {bounds!r}, whose entry {k} is none{advice}"
            )
    lower = [-np.inf if low is None else low for low, _ in pairs]
    upper = [np.inf if high is None else high for _, high in pairs]
    return lower, upper


def _real_bounds(values, name):
    """Lower or upper bounds as floats."""
    given = _array_of_numbers(values, f"bounds: the {name} bounds", "real numbers")
    if given.dtype.kind not in "iuf":
        raise TypeError(f"bounds: the {name} bounds must be real numbers, got {_short(values)}")
    return given.astype(float)


def step_vectors(x, g):
    """``x``, to be changed in place, and ``g``, of the same dtype."""
    for name, value in (("x", x), ("g", g)):
        if is_device_array(value):
            raise TypeError(f"update: {name} is on a GPU, but the optimizer is not: go on with opt.to_device()")
    if not isinstance(x, np.ndarray) or not x.flags.carray or x.ndim != 1:
        what = f"{type(x).__name__}" if not isinstance(x, np.ndarray) else f"shape {x.shape}, strides {x.strides}"
        raise ValueError(f"update: x is changed in place, so it must be a writable contiguous NumPy vector, got {what}")
    _refuse_masked(x, "update: x")
    _refuse_masked(g, "update: g")
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
    if isinstance(g, (tuple, list)) and len(g) == 2 and np.ndim(g[0]) == 0 and np.ndim(g[1]) > 0:
        raise TypeError("the gradient is a pair: if it is (value, gradient), let fun return both, with jac=True")
    try:
        given = np.asarray(g)
    except ValueError:
        raise ValueError(f"the gradient must be a vector of numbers, got {_short(g)}") from None
    if given.size != size:
        raise ValueError(f"the gradient has {given.size} entries, but x has {size}")
    given = _array_of_numbers(g if isinstance(g, np.ma.MaskedArray) else given, "the gradient", "numbers")
    if given.dtype.kind == "c" and np.dtype(dtype).kind != "c":
        raise TypeError("the gradient is complex, but x is real: start from a complex x0, such as x0.astype(complex)")
    return np.ascontiguousarray(given, dtype=dtype).reshape(size)


def objective_value(f):
    """The value of an objective as a float: a real number, or an array of one."""
    if type(f) is float or type(f) is np.float64:
        return f
    if isinstance(f, np.ma.MaskedArray) and np.ma.is_masked(f):
        raise ValueError("the objective must return a real number, got a masked one: return np.inf outside the domain")
    try:
        given = np.asarray(f)
    except ValueError:
        raise ValueError(f"the objective must return one number, got {_short(f)}") from None
    if given.size != 1:
        raise ValueError(f"the objective must return one number, got an array of shape {given.shape}")
    if given.dtype.kind == "c":
        raise TypeError(
            f"the objective must be real, got {given.item()}; return f.real if its imaginary part is rounding"
        )
    if given.dtype.kind == "b":
        raise TypeError(f"the objective must return a real number, got the truth value {f!r}; float(f) is a number")
    number = given.item()
    if given.dtype.kind == "O" and hasattr(number, "__float__"):  # Fraction, Decimal, a number of sympy
        try:
            return float(number)
        except (TypeError, ValueError, OverflowError):
            pass
    elif given.dtype.kind in "iuf":
        return float(number)
    raise TypeError(f"the objective must return a real number, got {_short(f)}")


def real_values(values):
    """The values of an objective at several points, as an array of real numbers."""
    given = _array_of_numbers(values, "the values", "real numbers")
    if given.dtype.kind not in "iuf":
        raise TypeError(f"the values must be real numbers, got dtype {given.dtype}")
    return given


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
        if isinstance(value, (bool, np.bool_)):
            raise TypeError
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


def limit(value, least, name):
    """A limit of a count, rounded up to an integer: SciPy takes 100.1."""
    if type(value) is int and least <= value <= _LARGEST:
        return value
    if isinstance(value, (float, np.floating)) and np.isfinite(value):
        value = math.ceil(value)
    return at_least(value, least, name)


def at_most_a_million(value, name):
    """An integer option from 1 on, of which memory is made: so many vectors or values."""
    number = at_least(value, 1, name)
    if number > _MOST_IN_MEMORY:
        raise ValueError(f"{name} must be at most {_MOST_IN_MEMORY}, got {value}")
    return number


def real_number(value, name):
    """A number as a float."""
    try:
        # float() would read text, and drop the imaginary part of NumPy's numbers
        if isinstance(value, (str, bytes, complex, np.complexfloating, bool, np.bool_, np.ma.MaskedArray)):
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
