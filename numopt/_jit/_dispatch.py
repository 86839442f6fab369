"""Choice by type: one function, implemented for each class of its first argument, in Python, ``@njit`` and CUDA code.

A *kind* is what an implementation is chosen by: the class of a record, ``float`` for every real number, ``bool``,
``tuple`` for a plain tuple, ``numpy.ndarray`` for an array, ``type(None)`` for None.
"""

import functools
import inspect

import numpy as np
from numba import types

from ._overload import overload
from ._plain import PLAIN, plain
from ._record import is_number
from ._stamp import registrations


def kind(value):
    """The class by which a function is chosen, for a value in Python."""
    return float if is_number(value) else type(value)


def _kind_of_type(numba_type):
    """The same for a value in compiled code, of which only the Numba type is known."""
    numba_type = types.unliteral(numba_type)
    if isinstance(numba_type, (types.NamedTuple, types.NamedUniTuple)):
        return numba_type.instance_class
    if isinstance(numba_type, types.BaseTuple):
        return tuple
    if isinstance(numba_type, (types.Integer, types.Float)):
        return float
    if isinstance(numba_type, types.Boolean):
        return bool
    if isinstance(numba_type, types.Array):
        return np.ndarray
    if isinstance(numba_type, (types.NoneType, types.Omitted)):
        return type(None)
    return None


def by_type(declaration=None, *, borrow=False, fastmath=False, inline=False):
    """Declare a function that is chosen by the kind of its first argument.

    The declaration gives signature and docstring. ``f.register(cls)`` decorates the implementation for a class, and for
    the classes derived from it that have none; ``f.register(tuple)`` decorates a function of the length that returns
    the implementation for plain tuples of that length; ``f.implementation(cls)`` hands out the plain function, for
    kernels that the host composes; ``f.registered(cls)`` says whether there is one, and ``f.classes()`` for which.
    ``borrow``, ``fastmath`` and ``inline`` are those of :func:`jit`: with ``borrow``, the implementations allocate and
    return no arrays.
    """
    if declaration is None:
        return lambda f: by_type(f, borrow=borrow, fastmath=fastmath, inline=inline)
    table = {}

    def find(cls):
        # a record is a named tuple, but is not meant where plain tuples are
        return next((base for base in cls.__mro__ if base in table and (base is not tuple or cls is tuple)), None)

    def implementation(cls, length=None):
        found = find(cls)
        if found is None:
            known = ", ".join(sorted(c.__name__ for c in table))
            raise TypeError(f"{declaration.__name__}: nothing is registered for {cls.__name__}; known: {known}")
        return table[found](length) if cls is tuple else table[found]

    def register(cls):
        def add(function):
            table[cls] = function
            registrations.append((declaration.__module__, cls, function))
            return function

        return add

    @functools.wraps(declaration)
    def call(first, *rest):
        return plain(implementation(kind(first), len(first) if type(first) is tuple else None))(first, *rest)

    call.register, call.implementation = register, implementation
    call.registered = lambda cls: find(cls) is not None
    call.classes = lambda: tuple(table)
    if not PLAIN:

        def choose(first, *rest):
            cls = _kind_of_type(first)
            if cls is None or find(cls) is None:
                return None  # Numba then says that no implementation fits
            return implementation(cls, len(first) if cls is tuple else None)

        choose.__signature__ = inspect.signature(declaration)
        # not strict: an implementation names its parameters as it likes
        overload(call, strict=False, borrow=borrow, fastmath=fastmath, inline=inline)(choose)
    return call
