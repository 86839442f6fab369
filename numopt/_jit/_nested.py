"""Tuples of arrays and of numbers, also nested and of mixed kinds, handled as one; in Python, ``@njit`` and CUDA code.

A chain of rules keeps a tuple of tuples of arrays. Its loops take one entry of each, a block of each, or write one
entry to each. Where numbers stand among the arrays, as in the fields of a record, they count as equal entries; and
:class:`Positions` stands for the vector (0, 1, 2, ...) without holding it.
"""

from typing import NamedTuple

import numpy as np
from numba import types
from numba.core.imputils import impl_ret_borrowed
from numba.extending import intrinsic

from ._compile import REDUCTION
from ._overload import overload
from ._plain import PLAIN


class Positions(NamedTuple):
    """The vector (first, first + 1, ...): its entry tells a loop where in the whole vector it is."""

    first: int


def read(arrays, i):
    """The entries ``i`` of a nested tuple of arrays, as the same plain tuples; numbers stay."""
    if isinstance(arrays, Positions):
        return arrays.first + i
    if isinstance(arrays, tuple):
        return tuple(read(a, i) for a in arrays)
    return arrays[i] if isinstance(arrays, np.ndarray) else arrays


def write(arrays, i, values):
    """Write nested values into the entries ``i``."""
    if isinstance(arrays, Positions):
        return
    if not isinstance(arrays, tuple):
        arrays[i] = values
        return
    for a, value in zip(arrays, values, strict=True):
        write(a, i, value)


def copy_into(target, source):
    """Copy the entries of nested tuples of arrays."""
    if isinstance(target, Positions):
        return
    if isinstance(target, tuple):
        for a, b in zip(target, source, strict=True):
            copy_into(a, b)
    else:
        target[...] = source


def add(a, b):
    """The sums of two plain tuples of numbers of the same length."""
    return tuple(x + y for x, y in zip(a, b, strict=True))


def cast(numbers, vector):
    """Nested tuples of numbers in the precision of ``vector``: single for float32 and complex64."""
    if isinstance(numbers, tuple):
        return tuple(cast(number, vector) for number in numbers)
    single = vector.dtype in (np.float32, np.complex64)
    if isinstance(numbers, (complex, np.complexfloating)):
        return np.complex64(numbers) if single else np.complex128(numbers)
    return np.float32(numbers) if single else np.float64(numbers)


def _is_tuple(numba_type):
    return isinstance(numba_type, types.BaseTuple)


def _is_positions(numba_type):
    return getattr(numba_type, "instance_class", None) is Positions


def _plain_type(numba_type):
    if not _is_tuple(numba_type) or _is_positions(numba_type):
        return numba_type
    return types.BaseTuple.from_types(tuple(map(_plain_type, numba_type)))


def _block_of(context, builder, numba_type, value, start, count):
    if _is_positions(numba_type):
        return builder.insert_value(value, builder.add(builder.extract_value(value, 0), start), 0)
    if _is_tuple(numba_type):
        parts = [
            _block_of(context, builder, t, builder.extract_value(value, i), start, count)
            for i, t in enumerate(numba_type)
        ]
        return context.make_tuple(builder, _plain_type(numba_type), parts)
    if not isinstance(numba_type, types.Array):
        return value
    array = context.make_array(numba_type)(context, builder, value)
    array.data = builder.gep(array.data, [start])
    array.nitems = count
    array.shape = builder.insert_value(array.shape, count, 0)
    return array._getvalue()


@intrinsic
def _block(typingctx, arrays, start, stop):
    target = _plain_type(arrays)

    def codegen(context, builder, signature, args):
        value, start, stop = args
        result = _block_of(context, builder, arrays, value, start, builder.sub(stop, start))
        return impl_ret_borrowed(context, builder, target, result)

    return target(arrays, types.intp, types.intp), codegen


def _plain_block(arrays, start, stop):
    """The entries from ``start`` to ``stop`` of contiguous vectors, as the same plain tuples; compiled, unchecked.

    An intrinsic, which functions that only borrow arrays may call.
    """
    if isinstance(arrays, Positions):
        return Positions(arrays.first + start)
    if isinstance(arrays, tuple):
        return tuple(_plain_block(a, start, stop) for a in arrays)
    return arrays[start:stop] if isinstance(arrays, np.ndarray) else arrays


block = _plain_block if PLAIN else _block


def written(name, parameters, lines, namespace):
    """A function of these lines of Python: for tuples whose elements differ in type, it is written out by element.

    Recursion would do the same, as one compiled function for each element.
    """
    text = "\n    ".join([f"def {name}({parameters}):", *(lines or ["pass"])])
    made = dict(namespace)
    exec(text, made)
    return made[name]


def _as_tuple(parts):
    return f"({''.join(f'{part}, ' for part in parts)})"


def _entry(numba_type, name):
    if isinstance(numba_type, types.Array):
        return f"{name}[i]"
    if _is_positions(numba_type):
        return f"{name}.first + i"
    if not _is_tuple(numba_type):
        return name
    return _as_tuple(_entry(t, f"{name}[{k}]") for k, t in enumerate(numba_type))


def _pairs(numba_type, left, right):
    """The places of arrays in a nested tuple, and those of the same elements in another."""
    if _is_positions(numba_type):
        return
    if not _is_tuple(numba_type):
        yield left, right
        return
    for k, t in enumerate(numba_type):
        yield from _pairs(t, f"{left}[{k}]", f"{right}[{k}]")


def _number(numba_type, single, name):
    if _is_tuple(numba_type):
        return _as_tuple(_number(t, single, f"{name}[{k}]") for k, t in enumerate(numba_type))
    real = "complex" if isinstance(types.unliteral(numba_type), types.Complex) else "float"
    return f"{real}{(64 if single else 128) if real == 'complex' else (32 if single else 64)}({name})"


if not PLAIN:
    _TYPES = {name: getattr(types, name) for name in ("float32", "float64", "complex64", "complex128")}

    @overload(read, borrow=True)
    def _read(arrays, i):
        return written("read", "arrays, i", [f"return {_entry(arrays, 'arrays')}"], globals())

    @overload(write, borrow=True)
    def _write(arrays, i, values):
        lines = [f"{array}[i] = {value}" for array, value in _pairs(arrays, "arrays", "values")]
        return written("write", "arrays, i, values", lines, globals())

    @overload(copy_into)
    def _copy_into(target, source):
        lines = []
        for into, taken in _pairs(target, "target", "source"):
            lines += [f"for i in range({into}.size):", f"    {into}[i] = {taken}[i]"]
        return written("copy_into", "target, source", lines, globals())

    # LLVM may regroup the sums of a loop: that is what lets it use vector registers
    @overload(add, borrow=True, fastmath=REDUCTION)
    def _add(a, b):
        sums = _as_tuple(f"a[{k}] + b[{k}]" for k in range(len(a)))
        return written("add", "a, b", [f"return {sums}"], globals())

    @overload(cast, borrow=True)
    def _cast(numbers, vector):
        number = _number(numbers, vector.dtype in (types.float32, types.complex64), "numbers")
        return written("cast", "numbers, vector", [f"return {number}"], {**globals(), **_TYPES})
