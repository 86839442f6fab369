"""Choice by type: the same implementation in Python and in compiled code."""

import numpy as np
import pytest
from numba import njit
from numba.core.errors import TypingError

from numopt._jit import by_type, kind, record


@record
class Square:
    side: float = 1


@record
class Disc:
    radius: float = 1


@record
class Line:
    length: float = 1


@by_type
def area(shape, scale=1.0):
    """The area of a shape."""


@area.register(Square)
def _area_square(square, scale=1.0):
    return scale * square.side**2


@area.register(Disc)
def _area_disc(disc, scale=1.0):
    return scale * np.pi * disc.radius**2


@area.register(float)
def _area_number(number, scale=1.0):
    return scale * number


@area.register(type(None))
def _area_none(nothing, scale=1.0):
    return 0.0


@area.register(tuple)
def _area_of_tuple(length):
    if length == 0:
        return lambda shapes, scale=1.0: 0.0

    def add(shapes, scale=1.0):
        return area(shapes[0], scale) + area(shapes[1:], scale)

    return add


@njit
def compiled_area(shape, scale):
    return area(shape, scale)


@njit
def compiled_area_by_default(shape):
    return area(shape)


CASES = [
    (Square(3), 9.0),
    (Disc(2), 4 * np.pi),
    (2.5, 2.5),
    (4, 4.0),
    (np.float32(0.5), 0.5),
    (np.int64(3), 3.0),
    (None, 0.0),
    ((), 0.0),
    ((Square(2),), 4.0),
    ((Square(1), None, 2.0, (Square(2),)), 7.0),
]


@pytest.mark.parametrize(("shape", "expected"), CASES)
def test_python_and_compiled_code_agree(shape, expected):
    assert area(shape) == pytest.approx(expected, rel=1e-15)
    assert area(shape, 2.0) == pytest.approx(2 * expected, rel=1e-15)
    assert compiled_area(shape, 2.0) == area(shape, 2.0)


def test_default_argument_in_compiled_code():
    assert compiled_area_by_default(Square(3)) == area(Square(3)) == 9.0


def test_implementation_hands_out_the_registered_function():
    assert area.implementation(Square) is _area_square
    assert area.implementation(float) is _area_number
    assert area.implementation(tuple, 0)((), 1.0) == 0.0
    with pytest.raises(TypeError, match="Line"):
        area.implementation(Line)


@pytest.mark.parametrize("unknown", [Line(), "text", np.ones(2), 1j, True])
def test_unknown_class_names_the_known_ones(unknown):
    with pytest.raises(TypeError, match=rf"area: .*{type(unknown).__name__}; known: Disc, .*Square, float, tuple"):
        area(unknown)


@pytest.mark.jit_only
@pytest.mark.parametrize("unknown", [Line(), 1j, np.ones(2), True])
def test_unknown_class_does_not_compile(unknown):
    with pytest.raises(TypingError, match="area"):
        compiled_area(unknown, 1.0)


def test_kinds():
    assert kind(Square()) is Square
    assert kind((1.0, 2.0)) is tuple
    assert kind(1) is kind(np.float32(1)) is float
    assert kind(True) is bool
    assert kind(None) is type(None)


def test_declaration_keeps_its_names_and_docstring():
    assert area.__name__ == "area"
    assert area.__doc__ == "The area of a shape."


@by_type
def inverse(number):
    """1 / number."""


@inverse.register(float)
def _inverse(number):
    return 1.0 / number


@njit
def compiled_inverse(number):
    return inverse(number)


def test_division_by_zero_is_ieee_in_python():
    assert inverse(0.0) == np.inf
    assert inverse(-0.0) == -np.inf


@pytest.mark.jit_only  # without the compiler the caller's own arithmetic is Python's
def test_division_by_zero_is_ieee_in_compiled_code():
    assert compiled_inverse(0.0) == np.inf


@pytest.mark.jit_only
def test_class_registered_after_the_first_use_is_found():
    @by_type
    def late(first):
        """Declared first, registered later."""

    @njit
    def call(first):
        return late(first)

    late.register(Square)(lambda first: 1.0)
    assert call(Square()) == 1.0
    late.register(Disc)(lambda first: 2.0)
    assert call(Disc()) == 2.0


class Base:
    pass


class Derived(Base):
    pass


def test_a_derived_class_takes_its_bases_implementation():
    @by_type
    def name(first):
        """Declared."""

    name.register(Base)(lambda first: "base")
    assert name(Derived()) == "base"
    assert name.registered(Derived)
    name.register(Derived)(lambda first: "derived")
    assert (name(Base()), name(Derived())) == ("base", "derived")
    assert not name.registered(int)


def test_a_record_is_not_a_plain_tuple():
    @by_type
    def name(first):
        """Declared."""

    name.register(tuple)(lambda length: lambda first: length)
    assert name((1, 2)) == 2
    assert not name.registered(Square)


@by_type
def count(first):
    """The numbers in it."""


@count.register(np.ndarray)
def _count_of_array(vector):
    return vector.size


@count.register(float)
def _count_of_number(number):
    return 1


@count.register(tuple)
def _count_of_tuple(length):
    if length == 0:
        return lambda parts: 0
    return lambda parts: count(parts[0]) + count(parts[1:])


@njit
def compiled_count(first):
    return count(first)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.ones(3), 3),
        (np.ones((2, 5)), 10),
        (np.ones(4, np.complex64)[::2], 2),
        (np.zeros(0, np.int64), 0),
        ((np.ones(3), 1.5, (np.ones(2, np.float32), 7)), 7),
    ],
)
def test_arrays_are_a_kind(value, expected):
    assert count(value) == compiled_count(value) == expected


def test_the_kind_of_arrays():
    assert kind(np.ones(2)) is np.ndarray
    assert kind(np.ones((2, 2), complex)) is np.ndarray
    assert count.registered(np.ndarray)
    assert not area.registered(np.ndarray)


@pytest.mark.jit_only
def test_read_only_arrays_are_of_that_kind_too():
    vector = np.ones(3)
    vector.flags.writeable = False
    assert compiled_count(vector) == 3
