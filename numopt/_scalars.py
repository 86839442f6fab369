"""Arithmetic of one real or complex entry with real numbers, in the entry's own precision.

Compiled, a real number times a complex one would become complex first: four products for two, and inf * 0 = NaN in
the other part. And a literal is a float64, which would turn a float32 loop into one of doubles. Rules therefore
compute with these functions and with the coefficients that they are given.
"""

import functools
import inspect

import numpy as np
from numba import types

from ._jit import ELEMENTWISE, PLAIN, jit, overload, sqrt


def _is_complex(value):
    if isinstance(value, types.Type):
        return isinstance(types.unliteral(value), types.Complex)
    return isinstance(value, (complex, np.complexfloating))


def of_entry(declaration):
    """A function of numbers of which the first decides: ``f.real``, ``f.complex`` decorate what it does for each."""
    made = {}

    @functools.wraps(declaration)
    def call(*args):
        return made[_is_complex(args[0])](*args)

    def choose(*args):
        return made[_is_complex(args[0])]

    def add(key):
        return lambda function: made.setdefault(key, function)

    call.real, call.complex = add(False), add(True)
    choose.__signature__ = inspect.signature(declaration)
    if not PLAIN:
        overload(call, strict=False, borrow=True, fastmath=ELEMENTWISE)(choose)
    return call


def of_numbers(function):
    """A function of numbers that compiled code, also that of a GPU, may call."""
    if not PLAIN:

        def choose(*args):
            return function

        choose.__signature__ = inspect.signature(function)
        overload(function, strict=False, borrow=True, fastmath=ELEMENTWISE)(choose)
    return function


def constant(like, value):
    """The real number ``value`` in the precision of the entry ``like``; a literal is known when compiled."""
    return type(like.real)(value)


def number(real, imaginary):
    """The complex number of that precision."""
    return (np.complex64 if isinstance(real, np.float32) else np.complex128)(complex(real, imaginary))


if not PLAIN:

    @overload(constant, borrow=True, fastmath=ELEMENTWISE)
    def _constant(like, value):
        real = like.underlying_float if isinstance(like, types.Complex) else types.unliteral(like)
        return lambda like, value: real(value)

    @overload(number, borrow=True, fastmath=ELEMENTWISE)
    def _number(real, imaginary):
        return lambda real, imaginary: complex(real, imaginary)


@of_entry
def nothing(u):
    """The zero of the entry's own kind."""


@nothing.real
def _(u):
    return constant(u, 0)


@nothing.complex
def _(u):
    return number(constant(u, 0), constant(u, 0))


@of_entry
def times(u, r):
    """U r, for real r."""


@times.real
def _(u, r):
    return u * r


@times.complex
def _(u, r):
    return number(u.real * r, u.imag * r)


@of_entry
def over(u, r):
    """U / r, for real r."""


@over.real
def _(u, r):
    return u / r


@over.complex
def _(u, r):
    return number(u.real / r, u.imag / r)


@of_entry
def abs2(u):
    """|u|^2, real."""


@abs2.real
def _(u):
    return u * u


@abs2.complex
def _(u):
    return u.real * u.real + u.imag * u.imag


@of_entry
def inner(a, b):
    """Re(conj(a) b), real."""


@inner.real
def _(a, b):
    return a * b


@inner.complex
def _(a, b):
    return a.real * b.real + a.imag * b.imag


@of_entry
def modulus(u):
    """|u|, real, without overflow or underflow."""


@modulus.real
def _(u):
    return abs(u)


@modulus.complex
def _(u):
    a, b = abs(u.real), abs(u.imag)
    large, small = (a, b) if a > b else (b, a)
    ratio = small / large
    return large * sqrt(constant(u, 1) + ratio * ratio) if large > constant(u, 0) else large + small


@of_numbers
def room_for_modulus(u):
    """1, or 1/2 where the modulus of the complex number u may overflow."""
    return constant(u, 0.5) if abs(u.real) + abs(u.imag) == np.inf else constant(u, 1)


@of_numbers
def larger(a, b):
    """The larger of two real numbers; NaN if one is NaN."""
    return a if a > b or a != a else b


@of_entry
def sign(u):
    """U / |u|; 0 for 0, NaN for NaN."""


@sign.real
def _(u):
    zero = constant(u, 0)
    return constant(u, 1) if u > zero else (constant(u, -1) if u < zero else u)


@sign.complex
def _(u):
    # divided by the larger part first: the modulus of a subnormal number has few digits
    a, b = abs(u.real), abs(u.imag)
    largest = larger(a, b)
    scaled = over(u, largest)
    return u if largest == constant(u, 0) else over(scaled, sqrt(abs2(scaled)))


@of_entry
def limit(u, bound):
    """The nearest number of modulus at most ``bound``: clipped if real, with its phase kept if complex; NaN for NaN."""


@limit.real
def _(u, bound):
    return bound if u > bound else (-bound if u < -bound else u)


@limit.complex
def _(u, bound):
    room = room_for_modulus(u)
    size, bound = modulus(times(u, room)), bound * room
    return u if size <= bound else times(over(u, size), bound)  # bound / size may underflow


@of_entry
def parts(u):
    """The real numbers that an entry consists of, as float64: one, or real and imaginary part."""


@parts.real
def _(u):
    return (np.float64(u),)


@parts.complex
def _(u):
    return np.float64(u.real), np.float64(u.imag)


@of_entry
def minus_parts(u, real, imaginary):
    """U minus the number with these parts; a real u has only the first."""


@minus_parts.real
def _(u, real, imaginary):
    return u - real


@minus_parts.complex
def _(u, real, imaginary):
    return number(u.real - real, u.imag - imaginary)


@of_numbers
def average(a, u, b, c):
    """A b + u c, for real b and c: an exponential moving average for b + c = 1."""
    return times(a, b) + times(u, c)


@jit(borrow=True)
def power(b, t):
    """B^t for 0 <= b <= 1 and t = 0, 1, ...; 0 where it is below 1e-150.

    By squaring: that is twice as fast as the library's pow for common t, and ten times where pow would underflow,
    which .9^t does after 7000 steps.
    """
    result = 1.0
    while t > 0:
        if t & 1:
            result *= b
        t >>= 1
        b *= b
        if b < 1e-150 and t > 0:
            return 0.0
    return result


@of_numbers
def cbrt(a):
    """The cube root of a number from 0 on; the library's own is of doubles only."""
    return a ** constant(a, 1 / 3)
