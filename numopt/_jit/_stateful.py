"""Stateful jitted classes: the same object in Python and inside ``@njit``, found in the disk cache by the next process.

``jitclass`` is compiled anew in every process, so the class is a ``structref`` whose methods are ordinary cached
functions. A class is written in two parts::

    @fields
    class CounterFields:            # what the object holds; in compiled code also its field-wise constructor
        values: np.ndarray

    @stateful(CounterFields)
    class Counter:
        def __new__(cls, n=3):      # Python's front: validates, normalises, calls the compiled constructor
            return cls.compiled.new(int(n))

        class compiled:             # what @njit code sees; also Python, unless the outer class has the name as well
            def new(n=3):
                return CounterFields(np.zeros(n))

            def add(self, x):
                self.values[:] += x

            @property               # with a setter if it can be set
            def total(self):
                return self.values.sum()

Methods are thin: they call cached functions on the fields, because the body of a method is compiled again into the
code that calls it. Fields are owned arrays, records or tuples of them, never views of each other: pickle and copy go
through them.
"""

import copy
import functools
import inspect

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.imputils import lower_setattr
from numba.core.runtime.nrtdynmod import _meminfo_struct_type
from numba.core.typing.templates import AttributeTemplate, infer_getattr
from numba.experimental import structref
from numba.extending import NativeValue, box, intrinsic, unbox

from . import _cache
from ._call import lent
from ._compile import jit
from ._keywords import explained, wrong_arguments
from ._overload import overload, overload_attribute, overload_method
from ._plain import PLAIN
from ._refuse import refuse
from ._stamp import STAMP


def fields(cls):
    """Declare the fields of a stateful class by annotations; returns their constructor for compiled code."""
    cls.names = tuple(inspect.get_annotations(cls))
    if PLAIN:
        cls.__new__ = _plain_construct
        return cls

    def preprocess_fields(self, pairs):
        return tuple((name, types.unliteral(t)) for name, t in pairs)

    def initialise(self, pairs, stamp=STAMP):
        types.StructRef.__init__(self, pairs)
        self.stamp = stamp

    body = {
        "__init__": initialise,
        "preprocess_fields": preprocess_fields,
        # a *user's* cached function that takes such an object goes stale with the package
        "key": property(lambda self: (self.name, self.stamp)),
        "__reduce__": lambda self: (_type_again, (type(self), self._fields, self.stamp)),
        "__module__": cls.__module__,
    }
    cls.Type = type(f"{cls.__name__}Type", (types.StructRef,), body)
    cls.Type.__qualname__ = f"{cls.__qualname__}.Type"  # found again by unpickling a cached function's signature
    structref.register(cls.Type)
    structref.define_constructor(cls, cls.Type, cls.names)
    return cls


def _type_again(cls, pairs, stamp):
    """A type that was pickled: in the package's own cache, its code was made of the present sources."""
    return cls(pairs) if _cache.loading else cls(pairs, stamp)


def _plain_construct(cls, *values):
    self = object.__new__(cls.owner)
    for name, value in zip(cls.names, values, strict=True):
        setattr(self, name, value)
    return self


def borrowing(method):
    """Mark a method of ``compiled`` that only borrows arrays, as ``borrow`` of :func:`numopt._jit.jit` says.

    It reaches the fields of its object by :func:`lend` alone.
    """
    method.borrows = True
    return method


def _borrows(function):
    return getattr(function, "borrows", False)


def stateful(declared):
    """Make the decorated class the stateful class whose fields ``declared`` lists (see the module's docstring)."""

    def decorate(cls):
        own, source = {}, {}
        for base in reversed(cls.__mro__[:-1]):  # what it inherits counts as its own
            own |= {name: value for name, value in vars(base).items() if name not in ("__dict__", "__weakref__")}
            functions = vars(own.pop("compiled", object))  # a base need not have any
            source |= {name: value for name, value in functions.items() if not name.startswith("__")}
        public = dict(source)
        constructor = public.pop("new")
        dispatchers = {
            name: jit(value.fget if isinstance(value, property) else value, borrow=_borrows(value))
            for name, value in source.items()
        }
        body = {"__slots__": (), "__reduce__": _reduce, "__copy__": _copy, "__deepcopy__": _copy}
        functions = {name: staticmethod(function) for name, function in dispatchers.items()}
        body["compiled"] = type("compiled", (), {**functions, "__doc__": "The functions that compiled code calls."})
        for name, value in public.items():
            compiled = dispatchers[name]
            setter = jit(value.fset) if isinstance(value, property) and value.fset else None
            body[name] = property(compiled, setter, doc=value.__doc__) if isinstance(value, property) else compiled
        body["_declared"] = declared
        body["_from_fields"] = classmethod(rebuild)
        body["__new__"] = lambda cls, *args, **kwargs: cls.compiled.new(*args, **kwargs)
        body.update(own)
        if "__new__" in own:
            body["__new__"] = staticmethod(explained(own["__new__"].__func__, owner=cls.__name__))
        if PLAIN:
            body["__slots__"] = declared.names
            body["_values"] = property(lambda self: tuple(getattr(self, name) for name in declared.names))
            made = type(cls.__name__, (), body)
            declared.owner = made
            return made
        getters = {name: _getter(name) for name in declared.names}
        body["_values"] = property(lambda self: tuple(get(self) for get in getters.values()))
        for name, get in getters.items():
            body.setdefault(name, property(get, doc=f"The field ``{name}``, itself."))
        body["_numba_type_"] = structref.StructRefProxy._type  # read at every call: the slot itself, not a property
        made = type(cls.__name__, (structref.StructRefProxy,), body)
        _define_boxing(declared.Type, made)
        overload(made, strict=False)(_choose(constructor, cls.__name__))
        _refuse_the_rest(declared.Type, cls.__name__, set(own) - set(public))
        for name, value in public.items():
            if isinstance(value, property):
                overload_attribute(declared.Type, name)(_choose(value.fget))
                if value.fset is not None:
                    _overload_setter(declared.Type, name, jit(value.fset))
            else:
                choose = _choose(value, f"{cls.__name__}.{name}")
                overload_method(declared.Type, name, borrow=_borrows(value))(choose)
        return made

    return decorate


@intrinsic
def _lend(typingctx, instance):
    """The fields of an object, without counting references; callable where none are counted at all."""
    fields = types.BaseTuple.from_types(tuple(instance.field_dict.values()))
    payload = instance.get_data_type()

    def codegen(context, builder, sig, values):
        # what Numba's runtime would do, which functions that only borrow cannot call
        holder = structref.create_struct_proxy(instance)(context, builder, value=values[0])
        info = builder.bitcast(holder.meminfo, _meminfo_struct_type.as_pointer())
        place = [context.get_constant(types.int32, k) for k in (0, _DATA_OF_MEMINFO)]
        pointer_type = context.data_model_manager[payload].get_value_type().as_pointer()
        pointer = builder.bitcast(builder.load(builder.gep(info, place)), pointer_type)
        data = structref.create_struct_proxy(payload)(context, builder, ref=pointer)
        parts = [lent(context, builder, t, getattr(data, name)) for name, t in instance.field_dict.items()]
        return context.make_tuple(builder, fields, parts)

    return fields(instance), codegen


def _values_of(instance):
    """The fields of an object as a tuple; compiled, without counting references to the arrays in them."""
    return instance._values


lend = _values_of if PLAIN else _lend


_DATA_OF_MEMINFO = 3  # refct, dtor, dtor_info, data, size, external_allocator


def _overload_setter(struct_type, name, setter):
    def implementation(self, value):
        setter(self, value)

    @lower_setattr(struct_type, name)
    def lower(context, builder, sig, args):
        context.compile_internal(builder, implementation, types.void(*sig.args), args)


def _choose(implementation, owner=None):
    """A typing function for Numba that always picks ``implementation`` and has its signature.

    For a constructor or method, which ``owner`` names, wrong keywords and vectors that are none are refused.
    """
    signature = inspect.signature(implementation)

    def choose(*args, **kwargs):
        if owner is not None:
            complaint = wrong_arguments(owner, signature, args, kwargs)
            complaint = complaint or _wrong_vector(owner, signature.bind(*args, **kwargs).arguments)
            if complaint:
                refuse(complaint)
        return implementation

    # at this signature Numba refuses wrong keywords in its own words; it needs that of methods to call them
    if owner is None or "." in owner:
        choose.__signature__ = signature
    return choose


def _wrong_vector(owner, arguments):
    """A complaint about a start or a gradient that is no vector, by the names that these have everywhere; or None."""
    for name in ("x0", "g"):
        given = types.unliteral(arguments[name]) if name in arguments else None
        if given is not None and not (
            isinstance(given, types.Array) and given.ndim == 1 and isinstance(given.dtype, types.Number)
        ):
            return f"{owner}: {name} must be a vector, got {given}"
        if name == "g" and given is not None and given.layout != "C":
            return f"{owner}: g must be contiguous, got {given}: pass np.ascontiguousarray(g)"
    return None


def _refuse_the_rest(struct_type, owner, names):
    """Say of attributes that only Python has that they are not there in compiled code."""
    names = {name for name in names if not name.startswith("_")}

    @infer_getattr
    class _PythonsOwn(AttributeTemplate):
        key = struct_type

        def generic_resolve(self, instance, attribute):
            if attribute in names:
                refuse(f"{owner}.{attribute} is for Python only: leave the compiled function with the object first")


def _define_boxing(struct_type, cls):
    """The object of Python for one of compiled code, and the reverse, as Numba's structref does it.

    But for each object that comes from compiled code, Numba calls its unpickler, in Python, twice.
    """
    pointer = types.MemInfoPointer(types.voidptr)

    @box(struct_type)
    def box_object(numba_type, value, c):
        manager, construct = c.env_manager, cls._numba_box_
        construct, type_object = (manager.read_const(manager.add_const(it)) for it in (construct, numba_type))
        meminfo = structref._Utils(c.context, c.builder, numba_type).get_struct_ref(value).meminfo
        boxed = c.box(pointer, meminfo)
        result = c.pyapi.call_function_objargs(construct, [type_object, boxed])
        c.pyapi.decref(boxed)
        return result

    @unbox(struct_type)
    def unbox_object(numba_type, value, c):
        boxed = c.pyapi.object_getattr_string(value, "_meminfo")
        meminfo = c.unbox(pointer, boxed).value
        c.pyapi.decref(boxed)
        reference = structref._Utils(c.context, c.builder, numba_type).new_struct_ref(meminfo)._getvalue()
        # unboxing has taken a reference, which the wrappers of functions that only borrow do not give back
        give_back = None if c.context.enable_nrt else functools.partial(_release, c.builder, meminfo)
        return NativeValue(reference, cleanup=give_back)


def _release(builder, meminfo):
    release = ir.FunctionType(ir.VoidType(), [meminfo.type])
    builder.call(cgutils.get_or_insert_function(builder.module, release, "NRT_MemInfo_release"), [meminfo])


@intrinsic(prefer_literal=True)
def _field(typingctx, instance, name):
    """A field by its name; Numba's ``getattr`` would count one reference too many to each array in it."""

    def codegen(context, builder, sig, values):
        get = context.get_getattr(instance, name.literal_value)
        return get(context, builder, instance, values[0], name.literal_value)

    return instance.field_dict[name.literal_value](instance, name), codegen


def _getter(name):
    @jit
    def get(self):
        return _field(self, name)  # the name is a constant of the closure, and part of the cache's key

    return get


@functools.cache
def _builder(declared):
    if PLAIN:
        return lambda values: declared(*values)

    @jit
    def build(values):
        return declared(*values)

    return build


def rebuild(cls, values):
    """An object of a stateful class that holds these fields, which nobody looks at: they must be those of another."""
    return _builder(cls._declared)(_writable(values))


def _rebuild(*state):
    """What pickles name that were made before states had a format number."""
    raise ValueError(
        "this state was pickled by a numopt whose states had no format number: load it with that version, or begin anew"
    )


def _writable(value):
    """Arrays that pickle put into buffers of its own may be read-only: another type, which compiled methods refuse."""
    if isinstance(value, np.ndarray):
        return value if value.flags.writeable else value.copy(order="K")
    if isinstance(value, tuple):
        return tuple.__new__(type(value), map(_writable, value))
    return value


def _reduce(self):
    return rebuild, (type(self), self._values)


def _copy(self, memo=None):
    # a shallow copy would share the buffers, and two solvers would write into one point
    return rebuild(type(self), copy.deepcopy(self._values, memo))
