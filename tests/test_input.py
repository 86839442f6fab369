"""What callers may pass in, what they get for it, and what is refused in which words."""

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from scipy.optimize import Bounds

from numopt._input import (
    at_least,
    bounds_vectors,
    finite_not_negative,
    gradient_vector,
    limit,
    not_negative,
    objective_value,
    start_vector,
)

LARGEST = np.iinfo(np.int64).max


class NumberOfOthers:
    """As the floats of sympy and mpmath."""

    def __float__(self):
        return 0.5


def read_only(a):
    a.setflags(write=False)
    return a


class TestStartVector:
    @pytest.mark.parametrize(
        ("x0", "expected"),
        [
            ([1.0, 2.0], [1.0, 2.0]),
            ((1, 2, 3), [1.0, 2.0, 3.0]),
            (5, [5.0]),
            (2.5, [2.5]),
            (True, [1.0]),
            (np.float32(0.5), [0.5]),
            (np.array(7), [7.0]),
            (np.array([3]), [3.0]),
            (np.arange(3), [0.0, 1.0, 2.0]),
            (np.arange(3, dtype=np.uint8), [0.0, 1.0, 2.0]),
            (np.array([True, False]), [1.0, 0.0]),
            (np.array([0.5, 1.5], dtype=np.float32), [0.5, 1.5]),
            (np.array([0.5, 1.5], dtype=np.float16), [0.5, 1.5]),
            (np.array([0.5, 1.5], dtype=np.longdouble), [0.5, 1.5]),
            (np.array([0.5, 1.5], dtype=">f8"), [0.5, 1.5]),
            (np.arange(10.0)[::3], [0.0, 3.0, 6.0, 9.0]),
            (np.arange(3.0)[::-1], [2.0, 1.0, 0.0]),
            (read_only(np.array([1.0, 2.0])), [1.0, 2.0]),
            (range(3), [0.0, 1.0, 2.0]),
            ([], []),
            (np.empty(0), []),
            ([1.7e308, -5e-324, -0.0], [1.7e308, -5e-324, -0.0]),
        ],
    )
    def test_real(self, x0, expected):
        vector = start_vector(x0)
        assert vector.dtype == np.float64
        assert vector.dtype.isnative
        assert vector.ndim == 1
        np.testing.assert_array_equal(vector, expected)
        assert_fresh(vector, x0)

    @pytest.mark.parametrize(
        ("x0", "expected"),
        [
            ([1j, 2.0], [1j, 2.0]),
            (1 + 2j, [1 + 2j]),
            (np.array(1j), [1j]),
            (np.array([0.5 + 1j], dtype=np.complex64), [0.5 + 1j]),
            (np.array([1 + 1j, 2, 3j])[::2], [1 + 1j, 3j]),
            (read_only(np.array([1j, 2j])), [1j, 2j]),
            (np.empty(0, dtype=complex), []),
        ],
    )
    def test_complex(self, x0, expected):
        vector = start_vector(x0)
        assert vector.dtype == np.complex128
        assert vector.ndim == 1
        np.testing.assert_array_equal(vector, expected)
        assert_fresh(vector, x0)

    def test_the_input_is_not_modified(self):
        for x0 in (np.array([1.0, 2.0]), np.array([1j, 2.0]), np.arange(6.0)[::2], [1.0, 2.0]):
            before = np.array(x0)
            start_vector(x0)[:] = 99.0
            np.testing.assert_array_equal(x0, before)

    @pytest.mark.parametrize("shape", [(2, 3), (3, 1), (1, 3), (1, 1), (2, 0), (1, 1, 1)])
    def test_more_dimensions(self, shape):
        with pytest.raises(ValueError, match=r"start must be a vector.*start\.ravel\(\)"):
            start_vector(np.zeros(shape), "start")

    @pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, complex(0, math.nan), complex(0, math.inf)])
    def test_not_finite(self, bad):
        with pytest.raises(ValueError, match=r"^x0 must be finite, but x0\[2\] = .*(nan|inf)"):
            start_vector([0.0, 1.0, bad, bad])
        with pytest.raises(ValueError, match=r"^p must be finite, but p\[0\]"):
            start_vector(bad, "p")

    @pytest.mark.parametrize(
        "x0", ["1.0", ["1", "2"], None, [None, 1.0], {}, {1.0}, object(), [b"1"], np.array(["2020-01-01"], "M8[D]")]
    )
    def test_not_numbers(self, x0):
        with pytest.raises(TypeError, match=r"^x0 must hold real or complex numbers, got dtype"):
            start_vector(x0)

    @pytest.mark.parametrize(
        ("x0", "expected"),
        [
            (np.array([1, 2.5], object), [1.0, 2.5]),
            ([Fraction(1, 2), Decimal(2)], [0.5, 2.0]),
            (np.array([NumberOfOthers(), True], object), [0.5, 1.0]),
            (np.array([Fraction(1, 2), 1j], object), [0.5, 1j]),
            (np.ma.masked_array([1.0, 2.0], [False, False]), [1.0, 2.0]),
        ],
    )
    def test_numbers_of_other_kinds(self, x0, expected):
        vector = start_vector(x0)
        assert vector.dtype == np.array(expected).dtype
        np.testing.assert_array_equal(vector, expected)

    @pytest.mark.parametrize("entry", [None, "2", b"2", object(), [1.0, 2.0]])
    def test_objects_that_are_no_numbers(self, entry):
        x0 = np.empty(2, object)
        x0[:] = 1.0, 0
        x0[1] = entry
        with pytest.raises(
            TypeError, match=r"^x0 must hold real or complex numbers.*entry 1 .*use x0\.astype\(float\)"
        ):
            start_vector(x0)

    def test_masked_entries(self):
        with pytest.raises(ValueError, match=r"^x0 has masked entries"):
            start_vector(np.ma.masked_array([1.0, 2.0], [False, True]))

    def test_ragged(self):
        with pytest.raises(ValueError, match=r"^x0 must be a vector of numbers"):
            start_vector([[1.0], [1.0, 2.0]])


class TestBounds:
    LOWER, UPPER = [0.0, 1.0], [2.0, 3.0]

    @pytest.mark.parametrize(
        "bounds",
        [
            Bounds(LOWER, UPPER),
            list(zip(LOWER, UPPER, strict=True)),
            np.transpose([LOWER, UPPER]),
            [(Fraction(0), 2), (Decimal(1), 3)],
            np.ma.masked_array(np.transpose([LOWER, UPPER])),
        ],
    )
    def test_forms(self, bounds):
        lower, upper = bounds_vectors(bounds, 2)
        np.testing.assert_array_equal(lower, self.LOWER)
        np.testing.assert_array_equal(upper, self.UPPER)

    def test_two_vectors_are_two_pairs_as_in_scipy(self):
        lower, upper = bounds_vectors((np.array([0.0, 1.0]), np.array([2.0, 3.0])), 2)
        np.testing.assert_array_equal(lower, [0.0, 2.0])
        np.testing.assert_array_equal(upper, [1.0, 3.0])

    def test_two_longer_vectors_are_answered_with_bounds(self):
        with pytest.raises(ValueError, match=r"scipy\.optimize\.Bounds\(lower, upper\)"):
            bounds_vectors((np.zeros(3), np.ones(3)), 3)

    @pytest.mark.parametrize(
        "bounds",
        [[("0", "1")] * 2, [(0, "x")] * 2, [(0, 1j)] * 2, "ab", Bounds(0, 1).__dict__, [(False, True)] * 2],
    )
    def test_no_numbers(self, bounds):
        with pytest.raises((TypeError, ValueError), match=r"^bounds"):
            bounds_vectors(bounds, 2)

    @pytest.mark.parametrize("low", ["0", 1j, None])
    def test_bounds_objects_without_numbers(self, low):
        class Given:
            lb, ub = [low, low], [1.0, 1.0]

        with pytest.raises(TypeError, match=r"^bounds"):
            bounds_vectors(Given(), 2)

    def test_masked(self):
        with pytest.raises(ValueError, match=r"^bounds has masked entries"):
            bounds_vectors(np.ma.masked_array([[0, 1], [0, 1.0]], [[True, False], [False, False]]), 2)
        with pytest.raises(ValueError, match=r"^bounds: the lower bounds has masked entries"):
            bounds_vectors(Masked(), 2)


class Masked:
    lb, ub = np.ma.masked_array([0.0, 0.0], [True, False]), np.ones(2)


def assert_fresh(vector, given):
    """Our own memory, which compiled code may write to."""
    assert vector.flags.c_contiguous
    assert vector.flags.writeable
    assert vector.flags.aligned
    assert type(vector) is np.ndarray
    if isinstance(given, np.ndarray):
        assert not np.shares_memory(vector, given)


class TestGradientVector:
    @pytest.mark.parametrize("g", [np.array([1.0, 2.0]), np.array([1j, 2.0]), read_only(np.array([1.0, 2.0]))])
    def test_what_fits_is_passed_on(self, g):
        assert gradient_vector(g, g.dtype, 2) is g

    @pytest.mark.parametrize(
        "g",
        [
            [1.0, 2.0],
            (1, 2),
            np.array([1, 2]),
            np.array([1.0, 2.0], dtype=np.float32),
            np.array([1.0, 2.0], dtype=">f8"),
            np.array([1.0, 9.0, 2.0])[::2],
            np.array([2.0, 1.0])[::-1],
            np.array([[1.0], [2.0]]),
            np.array([[1.0, 2.0]]),
            np.array([1.0, 2.0]).view(np.recarray),
            np.ma.masked_array([1.0, 2.0]),
        ],
    )
    @pytest.mark.parametrize("dtype", [np.float64, np.complex128])
    def test_converted(self, g, dtype):
        before = np.array(g)
        vector = gradient_vector(g, np.dtype(dtype), 2)
        assert type(vector) is np.ndarray
        assert vector.dtype == dtype
        assert vector.dtype.isnative
        assert vector.shape == (2,)
        assert vector.flags.c_contiguous
        np.testing.assert_array_equal(vector, [1.0, 2.0])
        np.testing.assert_array_equal(g, before)

    @pytest.mark.parametrize("g", [3, 3.0, np.float32(3.0), [3.0], np.array(3.0), np.array([[3.0]])])
    def test_one_entry(self, g):
        np.testing.assert_array_equal(gradient_vector(g, np.float64, 1), [3.0])

    @pytest.mark.parametrize("g", [np.array([1j, 2.0], dtype=np.complex64), [1j, 2.0], np.array([1j, 0, 2, 0])[::2]])
    def test_complex(self, g):
        vector = gradient_vector(g, np.complex128, 2)
        assert vector.dtype == np.complex128
        np.testing.assert_array_equal(vector, [1j, 2.0])

    def test_not_finite_is_for_the_solver_to_judge(self):
        np.testing.assert_array_equal(gradient_vector([math.nan, math.inf], np.float64, 2), [math.nan, math.inf])

    def test_empty(self):
        assert gradient_vector([], np.float64, 0).shape == (0,)

    @pytest.mark.parametrize("g", [[1.0], [1.0, 2.0, 3.0], 1.0, [], np.zeros((2, 2)), np.zeros(3)])
    def test_wrong_length(self, g):
        with pytest.raises(ValueError, match=rf"the gradient has {np.size(g)} entries, but x has 2"):
            gradient_vector(g, np.float64, 2)

    @pytest.mark.parametrize("g", [[1j, 0.0], np.zeros(2, dtype=np.complex64), np.zeros(2, dtype=np.complex128)])
    def test_complex_for_real_x(self, g):
        with pytest.raises(TypeError, match="the gradient is complex, but x is real"):
            gradient_vector(g, np.float64, 2)

    @pytest.mark.parametrize("g", [["1", "2"], [None, None], [object(), 1.0]])
    def test_not_numbers(self, g):
        with pytest.raises(TypeError, match="the gradient must hold numbers, got dtype"):
            gradient_vector(g, np.float64, 2)


class TestObjectiveValue:
    @pytest.mark.parametrize(
        "f",
        [
            2.0,
            2,
            np.float64(2.0),
            np.float32(2.0),
            np.int8(2),
            np.array(2.0),
            np.array(2),
            np.array([2.0]),
            np.array([[2.0]], dtype=np.float32),
            [2.0],
            (2,),
            np.longdouble(2.0),
        ],
    )
    def test_one_number(self, f):
        value = objective_value(f)
        assert isinstance(value, float)
        assert value == 2.0

    @pytest.mark.parametrize("f", [True, np.False_, np.array([True])])
    def test_truth_values_are_no_numbers(self, f):
        with pytest.raises(TypeError, match="the objective must return a real number, got the truth value"):
            objective_value(f)

    @pytest.mark.parametrize("f", [Fraction(1, 2), Decimal("0.5"), np.array(Fraction(1, 2)), NumberOfOthers()])
    def test_numbers_of_other_kinds(self, f):
        value = objective_value(f)
        assert type(value) is float
        assert value == 0.5

    @pytest.mark.parametrize("f", [np.ma.masked, np.ma.masked_array([1.0], [True])])
    def test_masked(self, f):
        with pytest.raises(ValueError, match="a real number, got a masked one"):
            objective_value(f)

    def test_an_array_of_one_that_is_not_masked(self):
        assert objective_value(np.ma.masked_array([0.5])) == 0.5

    def test_a_ragged_value(self):
        with pytest.raises(ValueError, match="must return one number, got"):
            objective_value((1.0, np.zeros(2)))

    @pytest.mark.parametrize("f", [math.inf, -math.inf, np.float32(-np.inf), np.array([math.inf])])
    def test_infinite(self, f):
        assert objective_value(f) == float(np.ravel(f)[0])

    @pytest.mark.parametrize("f", [math.nan, np.float32(np.nan), [math.nan]])
    def test_nan(self, f):
        assert math.isnan(objective_value(f))

    @pytest.mark.parametrize("f", [[1.0, 2.0], [], np.zeros((2, 2)), np.zeros((1, 0)), (1.0, np.zeros(1).size)])
    def test_several_or_none(self, f):
        with pytest.raises(ValueError, match=r"must return one number, got an array of shape \("):
            objective_value(f)

    @pytest.mark.parametrize("f", [1j, 1 + 0j, np.complex64(2), np.array([2 + 0j])])
    def test_complex(self, f):
        with pytest.raises(TypeError, match=r"the objective must be real, got .*j.*return f\.real"):
            objective_value(f)

    @pytest.mark.parametrize("f", [None, "2.0", b"2", [None], object(), {}])
    def test_not_a_number(self, f):
        with pytest.raises(TypeError, match="the objective must return a real number, got"):
            objective_value(f)


class TestLimit:
    @pytest.mark.parametrize(
        ("value", "expected"), [(100, 100), (100.1, 101), (np.float32(2.5), 3), (math.inf, LARGEST)]
    )
    def test_rounds_up(self, value, expected):
        number = limit(value, 0, "maxiter")
        assert type(number) is int
        assert number == expected

    @pytest.mark.parametrize("value", [True, "100", None, 1j, math.nan])
    def test_not_a_number(self, value):
        with pytest.raises(TypeError, match=r"^maxiter must be an integer"):
            limit(value, 0, "maxiter")


class Indexed:
    def __index__(self):
        return 6


class TestAtLeast:
    @pytest.mark.parametrize("value", [6, 6.0, np.int32(6), np.uint64(6), np.float32(6), np.array(6), Indexed()])
    def test_integers(self, value):
        number = at_least(value, 1, "maxiter")
        assert type(number) is int
        assert number == 6

    @pytest.mark.parametrize("value", [math.inf, np.inf, np.float32(np.inf), 10**30, 1e300, 2**63, LARGEST])
    def test_no_limit(self, value):
        number = at_least(value, 1, "maxiter")
        assert type(number) is int
        assert number == LARGEST

    def test_the_least(self):
        assert at_least(1, 1, "memory") == 1
        assert at_least(0.0, 0, "memory") == 0

    @pytest.mark.parametrize("value", [0, -1, -6.0, np.int8(-3), -(10**30), -1e300])
    def test_below(self, value):
        with pytest.raises(ValueError, match=r"^memory must be at least 1, got (-\d+|0)$"):
            at_least(value, 1, "memory")

    @pytest.mark.parametrize(
        "value", [True, np.False_, 2.5, np.float64(0.1), "6", None, [6], 6j, np.array([6.0, 7.0]), Fraction(6)]
    )
    def test_not_an_integer(self, value):
        with pytest.raises(TypeError, match=r"^memory must be an integer, got "):
            at_least(value, 1, "memory")

    @pytest.mark.parametrize("value", [math.nan, np.float32(np.nan), -math.inf, np.float64(-np.inf)])
    def test_not_finite(self, value):
        with pytest.raises((TypeError, ValueError), match=r"^memory must be .*(nan|-inf)"):
            at_least(value, 1, "memory")


class TestNotNegative:
    @pytest.mark.parametrize(
        ("value", "expected"),
        [(0, 0.0), (0.0, 0.0), (-0.0, 0.0), (1e-5, 1e-5), (np.float32(0.5), 0.5), (math.inf, math.inf), (3, 3.0)],
    )
    def test_tolerances(self, value, expected):
        number = not_negative(value, "gtol")
        assert type(number) is float
        assert number == expected

    @pytest.mark.parametrize("value", [-1e-300, -1, -math.inf, math.nan, np.float32(-1.0)])
    def test_negative(self, value):
        with pytest.raises(ValueError, match=r"^gtol must not be negative, got"):
            not_negative(value, "gtol")

    @pytest.mark.parametrize(
        "value",
        [
            True,
            np.True_,
            np.ma.masked,
            np.complex64(1),
            None,
            "small",
            "1",
            b"1",
            1j,
            np.complex128(1.0),
            [1.0, 2.0],
            object(),
        ],
    )
    def test_not_a_number(self, value):
        with pytest.raises(TypeError, match=r"^gtol must be a number, got"):
            not_negative(value, "gtol")

    def test_finite(self):
        assert finite_not_negative(3, "rate") == 3.0
        with pytest.raises(ValueError, match=r"^rate must be finite, got inf"):
            finite_not_negative(np.inf, "rate")
