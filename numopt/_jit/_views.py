"""The same memory under another type: complex vectors as real ones, floats as their bits; small arrays on the stack.

NumPy's ``view`` does the same, but its compiled form carries error messages that take two seconds to compile.
"""

import numpy as np
from numba import types
from numba.core import cgutils
from numba.core.imputils import impl_ret_borrowed
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array

from ._plain import PLAIN

_SIZE = {types.float32: 4, types.float64: 8, types.int64: 8, types.complex64: 8, types.complex128: 16}


def _reinterpret(context, builder, source, target, value):
    """An array struct of type ``target`` over the memory of ``value``, 1-D and contiguous."""
    old = context.make_array(source)(context, builder, value)
    new = context.make_array(target)(context, builder)
    word = context.get_value_type(types.intp)
    size, itemsize = _SIZE[source.dtype], _SIZE[target.dtype]
    bytes_ = builder.mul(builder.extract_value(old.shape, 0), word(size))
    count = builder.sdiv(bytes_, word(itemsize))
    context_type = context.get_data_type(target.dtype).as_pointer()
    populate = {
        "data": builder.bitcast(old.data, context_type),
        "meminfo": old.meminfo,
        "parent": old.parent,
        "itemsize": word(itemsize),
        "nitems": count,
    }
    for name, field in populate.items():
        setattr(new, name, field)
    new.shape = builder.insert_value(new.shape, count, 0)
    new.strides = builder.insert_value(new.strides, word(itemsize), 0)
    # one more reference to the owner of the memory, where the function counts them
    return impl_ret_borrowed(context, builder, target, new._getvalue())


def _vector_type(dtype):
    return types.Array(dtype, 1, "C")


def _is_vector(t):
    return isinstance(t, types.Array) and t.ndim == 1 and t.layout == "C" and t.dtype in _SIZE


@intrinsic
def _real_view(typingctx, vector):
    if not _is_vector(vector):
        return None
    target = _vector_type(getattr(vector.dtype, "underlying_float", vector.dtype))

    def codegen(context, builder, signature, args):
        return _reinterpret(context, builder, vector, target, args[0])

    return target(vector), codegen


@intrinsic
def _view_like(typingctx, vector, prototype):
    if not (_is_vector(vector) and _is_vector(prototype)):
        return None
    target = _vector_type(prototype.dtype)

    def codegen(context, builder, signature, args):
        return _reinterpret(context, builder, vector, target, args[0])

    return target(vector, prototype), codegen


@intrinsic
def _float_of_bits(typingctx, bits):
    def codegen(context, builder, signature, args):
        return builder.bitcast(args[0], context.get_value_type(types.float64))

    return types.float64(types.int64), codegen


@intrinsic
def _stack_array(typingctx, size):
    if not isinstance(size, types.IntegerLiteral):
        return None
    target, count = _vector_type(types.float64), size.literal_value

    def codegen(context, builder, signature, args):
        word = context.get_value_type(types.intp)
        data = cgutils.alloca_once(builder, context.get_value_type(types.float64), size=word(count))
        array = context.make_array(target)(context, builder)
        populate_array(array, data=data, shape=[word(count)], strides=[word(8)], itemsize=word(8), meminfo=None)
        return array._getvalue()

    return target(size), codegen


@intrinsic
def _same_memory(typingctx, a, b):
    def codegen(context, builder, signature, args):
        first, second = (
            builder.ptrtoint(context.make_array(t)(context, builder, v).data, context.get_value_type(types.uintp))
            for t, v in zip(signature.args, args, strict=True)
        )
        return builder.icmp_unsigned("==", first, second)

    return types.boolean(a, b), codegen


@intrinsic
def _bits_of_float(typingctx, number):
    def codegen(context, builder, signature, args):
        return builder.bitcast(args[0], context.get_value_type(types.int64))

    return types.int64(types.float64), codegen


if PLAIN:

    def real_view(vector):
        """A contiguous vector as the real numbers it consists of, float32 or float64; compiled, too."""
        return vector.view(vector.real.dtype)

    def view_like(vector, prototype):
        """A contiguous vector under the dtype of ``prototype``."""
        return vector.view(prototype.dtype)

    def float_of_bits(bits):
        """The float64 with these bits."""
        return np.int64(bits).view(np.float64)

    def bits_of_float(number):
        """The bits of a float64 as an int64."""
        return int(np.float64(number).view(np.int64))

    def stack_array(size):
        """A float64 vector of a size known when compiled, on the stack: it lasts until the function returns."""
        return np.empty(size)

    def same_memory(a, b):
        """Whether two vectors begin at the same address."""
        return a.ctypes.data == b.ctypes.data

else:
    stack_array, same_memory = _stack_array, _same_memory
    real_view, view_like = _real_view, _view_like
    float_of_bits, bits_of_float = _float_of_bits, _bits_of_float
