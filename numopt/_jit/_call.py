"""Any jitted objective in one compiled, cached solver loop: the objective enters as an address.

As an argument, a jitted function would make Numba compile the solver again for every objective, in every process.
Instead :func:`adapt` wraps it into a function of one fixed signature, ``f8(uintp, uintp, intp, uintp)``, and compiled
code calls that by its address. It takes the addresses of x and g and their size, four words in registers: arrays, seven
words each, would go through the stack twice, which takes as long as a short objective. ``args`` are held in a structure
of their own whose address is the last argument, so that the solver's loop does not depend on their types either.
"""

import functools
import threading
import weakref
from typing import NamedTuple

import numba
import numpy as np
from numba import types
from numba.core.dispatcher import Dispatcher
from numba.core.errors import NumbaError
from numba.core.typing.typeof import typeof
from numba.experimental import structref
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array

from ._compile import interrupts_held_back, jit
from ._plain import PLAIN

_compiling = threading.RLock()
_ARGUMENTS = (types.uintp, types.uintp, types.intp, types.uintp)  # addresses of x and g, their size, address of args


class _ArgsType(types.StructRef):
    """Holds the tuple ``args`` of an objective, with one reference to each array in it."""

    def preprocess_fields(self, fields):
        return tuple((name, types.unliteral(t)) for name, t in fields)


class _Args(structref.StructRefProxy):
    __slots__ = ()


if not PLAIN:
    structref.register(_ArgsType)
    structref.define_proxy(_Args, _ArgsType, ["args"])


class Adapted(NamedTuple):
    """An adapted objective. ``keep`` and the objective's functions must live as long as the addresses are used."""

    address: int
    args: int
    keep: tuple


@intrinsic
def _address_of(typingctx, holder):
    def codegen(context, builder, sig, values):
        pointer = structref._Utils(context, builder, sig.args[0]).get_data_pointer(values[0])
        return builder.ptrtoint(pointer, context.get_value_type(types.uintp))

    return types.uintp(holder), codegen


def lent(context, builder, numba_type, value):
    """The same arrays without an owner: nothing counts references to them, so an exception cannot leak one."""
    if isinstance(numba_type, types.Array):
        array = context.make_array(numba_type)(context, builder, value)
        for name in ("meminfo", "parent"):
            setattr(array, name, getattr(array, name).type(None))
        return array._getvalue()
    if isinstance(numba_type, types.BaseTuple):
        parts = [lent(context, builder, t, builder.extract_value(value, i)) for i, t in enumerate(numba_type)]
        return context.make_tuple(builder, numba_type, parts)
    if context.enable_nrt:
        context.nrt.incref(builder, numba_type, value)
    return value


@intrinsic
def _load_args(typingctx, address, holder_type):
    holder = holder_type.instance_type
    args = holder.field_dict["args"]

    def codegen(context, builder, sig, values):
        payload = holder.get_data_type()
        pointer = builder.inttoptr(values[0], context.data_model_manager[payload].get_value_type().as_pointer())
        value = structref.create_struct_proxy(payload)(context, builder, ref=pointer).args
        return lent(context, builder, args, value)

    return args(address, holder_type), codegen


@intrinsic
def call_objective(typingctx, address, x, g, args):
    """``(raised, f) = call_objective(address, x, g, args)``: evaluate an adapted objective; never raises.

    An exception that crossed compiled code would leak the arrays of every compiled caller. The status comes back as a
    flag instead; Python evaluates once more at that point, and the exception shows itself there.
    """
    signature = types.Tuple((types.boolean, types.float64))(types.uintp, x, g, types.uintp)

    def codegen(context, builder, sig, values):
        convention = context.call_conv
        function_type = convention.get_function_type(types.float64, _ARGUMENTS)
        function = builder.inttoptr(values[0], function_type.as_pointer())
        arrays = [context.make_array(t)(context, builder, v) for t, v in zip((x, g), values[1:3], strict=True)]
        addresses = [builder.ptrtoint(array.data, context.get_value_type(types.uintp)) for array in arrays]
        given = [*addresses, builder.extract_value(arrays[0].shape, 0), values[3]]
        status, f = convention.call_function(builder, function, types.float64, _ARGUMENTS, given)
        return context.make_tuple(builder, sig.return_type, (status.is_error, f))

    return signature, codegen


@intrinsic
def _vector_at(typingctx, address, size, dtype):
    """A contiguous vector over memory that another owns."""
    vector = types.Array(dtype.dtype, 1, "C")

    def codegen(context, builder, sig, values):
        array = context.make_array(vector)(context, builder)
        itemsize = context.get_constant(types.intp, vector.dtype.bitwidth // 8)
        data = builder.inttoptr(values[0], array.data.type)
        populate_array(array, data=data, shape=[values[1]], strides=[itemsize], itemsize=itemsize, meminfo=None)
        return array._getvalue()

    return vector(address, size, dtype), codegen


# Nothing calls an adapter from Python, and what Numba compiles for that takes as much memory as the rest of it.
NOT_FOR_PYTHON = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}


def _adapter(evaluate, holder, dtype):
    """The function of the fixed signature around ``evaluate(x, g, args) -> f``."""

    @numba.njit(**NOT_FOR_PYTHON)
    def adapted(x, g, size, address):
        return np.float64(evaluate(_vector_at(x, size, dtype), _vector_at(g, size, dtype), _load_args(address, holder)))

    return adapted


# What was compiled, by the functions' identities and the types. An entry goes as soon as one of its functions goes:
# they may hold data, so neither they nor the dispatchers made of them are held here.
_adapters = {}


def _compile(key, make_evaluate, functions, args_type, dtype):
    """Compile the adapter, once for the same functions and types; arguments are still to be added."""
    with interrupts_held_back(), _compiling:  # threads may arrive with the same objective at once
        if key in _adapters:
            return _adapters[key]
        holder = _ArgsType([("args", types.Tuple(()) if args_type is None else args_type)])
        adapted = _adapter(make_evaluate(*functions), holder, numba.from_dtype(dtype))
        result = adapted.get_compile_result(types.float64(*_ARGUMENTS))
        address = result.library.get_pointer_to_function(result.fndesc.llvm_func_name)
        forget = functools.partial(_forget, _adapters, key)
        watched = [weakref.ref(function, forget) for function in functions if type(function) is not str]
        nothing, held_at = _hold(()) if args_type is None else (None, 0)
        _adapters[key] = Adapted(address, held_at, (nothing, result.library, result.environment, watched))
        return _adapters[key]


def _forget(adapters, key, _):
    adapters.pop(key, None)


def adapt(make_evaluate, functions, args, dtype):
    """Adapt a jitted objective; None if it cannot be compiled for these arguments.

    Parameters
    ----------
    make_evaluate : callable
        ``make_evaluate(*functions)`` returns the jitted ``evaluate(x, g, args) -> f``; a module-level function.
    functions : tuple
        The user's jitted functions, other functions and strings that ``make_evaluate`` needs.
    args : tuple
        Further arguments of the objective.
    dtype : numpy.dtype
        float64 or complex128.
    """
    if PLAIN:
        return None
    try:
        args_type = _type_of(args) if args else None
        if args and args_type is None:
            return None
        key = (make_evaluate, dtype.char, args_type, *map(id, functions))  # strings are the package's own
        adapted = _adapters.get(key) or _compile(key, make_evaluate, functions, args_type, dtype)
        if not args:
            return adapted
        holder, held_at = _hold(args)
    except (NumbaError, TypeError, ValueError):
        return None  # driven from Python, where the user's own error shows itself
    return Adapted(adapted.address, held_at, (adapted, holder))


def _type_of(args):
    """The Numba type of the arguments, or None if they cannot be held."""
    if any(isinstance(value, Dispatcher) for value in args):
        return None  # typeof would warn of first-class functions
    args_type = typeof(args)
    return args_type if _can_hold(args_type) else None


def _can_hold(numba_type):
    # not lists and sets: Numba copies those in and out at every call
    if isinstance(numba_type, types.BaseTuple):
        return all(map(_can_hold, numba_type))
    held = (types.Number, types.Boolean, types.NoneType, types.Array, types.StructRef)
    return isinstance(numba_type, held)


@jit
def _hold(args):
    holder = _Args(args)
    return holder, _address_of(holder)
