"""Records: immutable hyperparameters that behave alike in Python, in compiled code and in CUDA kernels.

A rule, a set, a schedule, a line search is a *record*: a named tuple of numbers, arrays and other records. Numba knows
named tuples, but drops their defaults inside ``@njit``, compiles anew for ``Adam(1)`` and ``Adam(1.0)``, and Python
finds ``L1Ball(1.0) == L2Ball(1.0) == (1.0,)``. The decorator :func:`record` mends all of that.

A field annotated ``bool`` is a *flag*, which decides what is compiled, such as which arrays a rule keeps. So its value
must show in its type: True stays True, and False is kept as None. A field annotated ``float`` takes numbers only; one
annotated ``tuple`` keeps a tuple of numbers, which is a vector to any other.
"""

import collections
import inspect
from typing import dataclass_transform

import numpy as np
from numba import typeof, types
from numba.core.boxing import box_tuple
from numba.core.pythonapi import _boxers
from numba.core.typing.templates import AbstractTemplate, AttributeTemplate, infer_getattr, signature
from numba.cpython.tupleobj import namedtuple_constructor
from numba.extending import lower_builtin, lower_cast, models, register_model, typeof_impl

from ._keywords import explained, wrong_arguments
from ._overload import overload
from ._plain import PLAIN
from ._refuse import refuse

_LARGEST = int(np.finfo(np.float64).max)
_PACKAGE = __name__.partition(".")[0]

RECORDS = {}  # those of this package by their names, by which files know them


def is_number(value) -> bool:
    """Whether ``value`` is a real number that a float64 has room for (a bool is not)."""
    if isinstance(value, int):
        return not isinstance(value, bool) and -_LARGEST <= value <= _LARGEST
    return isinstance(value, (float, np.integer, np.floating))


class RecordMeta(type):
    """The type of record classes, by which Numba recognises them."""


class Record(metaclass=RecordMeta):
    """What every record can do. Made by :func:`record`, never subclassed by hand."""

    __slots__ = ()
    flags = numbers = tuples = frozenset()

    def __new__(cls, *args, **kwargs):
        """Fill the fields, make every number and array one of double precision, and validate."""
        try:
            values = super().__new__(cls, *args, **kwargs)
        except TypeError:
            signature = inspect.signature(super().__new__)
            raise TypeError(wrong_arguments(cls.__name__, signature, (cls, *args), kwargs)) from None
        self = super().__new__(cls, *(cls._as_kept(name, v) for name, v in zip(cls._fields, values, strict=True)))
        self.check()
        return self

    def check(self):
        """Raise ValueError naming the field, the value and the remedy. A record without limits leaves it out."""

    @classmethod
    def _as_kept(cls, name, value):
        """The value of a field as it is kept; TypeError, by the name of the field, for what cannot be."""
        if name in cls.flags:
            return _flag(name, value)
        if name in cls.numbers and not is_number(value):
            raise TypeError(f"{cls.__name__}: {name} must be a number, got {value!r}")
        try:
            return _normalised(list(value) if name not in cls.tuples and _is_vector(value) else value)
        except (TypeError, ValueError):
            raise TypeError(f"{cls.__name__}: {name} must hold numbers, got {value!r}") from None

    @classmethod
    def _make(cls, values):
        return cls(*values)

    def _replace(self, **changes):
        return type(self)(**{**self._asdict(), **changes})

    def __eq__(self, other):
        return type(self) is type(other) and all(map(_same, self, other))

    def __ne__(self, other):
        return not self == other

    def __hash__(self):
        return hash((type(self), *map(_hashable, self)))

    def __repr__(self):
        """As it is made; a flag that is not set shows as False."""
        values = (False if v is None and name in self.flags else v for name, v in zip(self._fields, self, strict=True))
        fields = ", ".join(f"{name}={value!r}" for name, value in zip(self._fields, values, strict=True))
        return f"{type(self).__name__}({fields})"

    def __bool__(self):
        # a record without fields is an empty tuple, which Python holds false
        return True


def _is_vector(value):
    """Whether it is a tuple of numbers alone."""
    return type(value) is tuple and len(value) > 0 and all(is_number(v) or isinstance(v, complex) for v in value)


def _normalised(value):
    """A field as it is kept: one type for 1, 0.5 and float32(0.5), so that the solver is compiled once.

    Arrays and lists of numbers become contiguous copies, which do not change with the caller's; tuples are gone
    through.
    """
    if is_number(value):
        return float(value)
    if isinstance(value, (np.ndarray, list, np.complexfloating)):
        if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
            raise TypeError("masked")
        given = np.asarray(value)
        if given.dtype.kind not in "biufc":
            raise TypeError(f"no numbers: {given.dtype}")
        given = np.array(given, np.complex128 if given.dtype.kind == "c" else np.float64, order="C")
        return given if given.ndim > 0 else given.item()
    return tuple(map(_normalised, value)) if type(value) is tuple else value


def _flag(name, value):
    if value is not None and not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be True or False, got {value!r}")
    return True if value else None


def _same(a, b):
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return isinstance(a, np.ndarray) and isinstance(b, np.ndarray) and np.array_equal(a, b)
    if type(a) is tuple and type(b) is tuple:
        return len(a) == len(b) and all(map(_same, a, b))
    return a == b


def _hashable(value):
    if type(value) is tuple:
        return tuple(map(_hashable, value))
    return (value.shape, tuple(value.ravel().tolist())) if isinstance(value, np.ndarray) else value


@dataclass_transform(frozen_default=True)
def record(cls):
    """Turn an annotated class into a record class.

    Fields are the annotations, in order, with their defaults; numbers become float64; a method ``check`` validates in
    Python (compiled code constructs without validation). Equality needs the same class, every record is true, and
    ``_replace`` validates as well.
    """
    annotations = inspect.get_annotations(cls)
    names = list(annotations)
    flags, numbers, tuples = (
        frozenset(name for name in names if annotations[name] is kind) for kind in (bool, float, tuple)
    )
    defaults = [
        (getattr(cls, name) or None) if name in flags else getattr(cls, name) for name in names if hasattr(cls, name)
    ]
    base = collections.namedtuple(cls.__name__, names, defaults=defaults, module=cls.__module__)
    dropped = {*names, "__dict__", "__weakref__"}
    body = {name: value for name, value in vars(cls).items() if name not in dropped}
    if "__new__" in body:
        body["__new__"] = staticmethod(explained(body["__new__"].__func__, owner=cls.__name__))
    body |= {"__slots__": (), "__qualname__": cls.__qualname__, "flags": flags, "numbers": numbers, "tuples": tuples}
    made = RecordMeta(cls.__name__, (Record, base), body)
    if cls.__module__.partition(".")[0] == _PACKAGE:
        RECORDS[cls.__name__] = made
    return made


class RecordClass(types.NamedTupleClass):
    """Numba's type of a record *class*: what is called to construct a record inside compiled code."""


def _construct_template(record_class):
    named_tuple = record_class.__mro__[2]
    parameters = list(inspect.signature(named_tuple.__new__).parameters.values())[1:]
    pysig = inspect.Signature(parameters)

    def generic(self, args, kws):
        complaint = wrong_arguments(record_class.__name__, pysig, args, kws)
        if complaint:
            refuse(complaint)
        bound = pysig.bind(*args, **kws)
        bound.apply_defaults()  # Numba itself would drop them
        given = (v if isinstance(v, types.Type) else _type_of_default(v) for v in bound.args)
        kinds = [_field_type(t, name in record_class.flags) for t, name in zip(given, pysig.parameters, strict=True)]
        if None in kinds:
            return None
        return signature(types.BaseTuple.from_types(kinds, record_class), *kinds).replace(pysig=pysig)

    body = {"key": RecordClass, "generic": generic, "prefer_literal": bool(record_class.flags)}
    return type("Construct", (AbstractTemplate,), body)


def _type_of_default(value):
    return types.literal(value) if value is True else typeof(value)


def _field_type(numba_type, is_flag):
    """The type that a field has, for the type of what it is given; None if it cannot be given that."""
    if is_flag and not isinstance(numba_type, types.NoneType):
        literal = isinstance(numba_type, types.BooleanLiteral)  # what is not known now cannot decide what is compiled
        return (types.boolean if numba_type.literal_value else types.none) if literal else None
    numba_type = types.unliteral(numba_type)
    return types.float64 if isinstance(numba_type, (types.Integer, types.Float)) else numba_type


if not PLAIN:
    register_model(RecordClass)(models.OpaqueModel)
    lower_builtin(RecordClass, types.VarArg(types.Any))(namedtuple_constructor)

    def _box_as_it_is(kind):
        """Make records come to Python unchecked, as compiled code has made them.

        Numba calls the class, which may refuse; of an error within a tuple Numba takes no notice, and the process dies.
        """
        numbas = _boxers.functions[kind]

        def box(numba_type, value, c):
            if not issubclass(numba_type.instance_class, Record):
                return numbas(numba_type, value, c)
            new, cls = (
                c.pyapi.unserialize(c.pyapi.serialize_object(of)) for of in (tuple.__new__, numba_type.instance_class)
            )
            values = box_tuple(numba_type, value, c)
            result = c.pyapi.call_function_objargs(new, [cls, values])
            for taken in (new, cls, values):
                c.pyapi.decref(taken)
            return result

        _boxers.functions[kind] = box

    _box_as_it_is(types.NamedTuple)
    _box_as_it_is(types.NamedUniTuple)

    @lower_cast(types.BooleanLiteral, types.NoneType)
    def _false_to_none(context, builder, source, target, value):
        return context.get_dummy_value()

    @typeof_impl.register(RecordMeta)
    def _typeof_record_class(cls, context):
        return RecordClass(cls)

    @infer_getattr
    class _RecordClassAttributes(AttributeTemplate):
        key = RecordClass

        def resolve___call__(self, class_type):
            return types.Function(_construct_template(class_type.instance_class))


def variant(function):
    """A function that makes a record with some fields chosen, callable in ``@njit`` code too."""
    call = explained(function)
    if not PLAIN:
        signature = inspect.signature(function)

        def choose(*args, **kwargs):
            complaint = wrong_arguments(function.__name__, signature, args, kwargs)
            return refuse(complaint) if complaint else function

        # not strict, and without a signature of its own, at which Numba would refuse wrong keywords in its words
        overload(call, strict=False)(choose)
    return call
