"""Records: the same object in Python and in compiled code, whatever numbers it was made of."""

import collections
import copy
import pickle
import sys

import numpy as np
import pytest
from numba import njit
from numba.core.errors import TypingError
from numba.core.runtime import rtsys

from numopt._jit import Record, by_type, record


@record
class Inner:
    factor: float = 2


@record
class Rule:
    """A rule for the tests."""

    rate: float
    damping: float = 3
    flag: bool = True
    bound: float | None = None
    inner: Inner = Inner()

    def check(self):
        if not self.rate > 0:
            raise ValueError(f"Rule: rate must be positive, got {self.rate}")

    def doubled(self):
        return self._replace(rate=2 * self.rate)


@record
class Other:
    rate: float
    damping: float = 3
    flag: bool = True
    bound: float | None = None
    inner: Inner = Inner()


@record
class Weighted:
    weights: np.ndarray
    rate: float = 1


@record
class Scale:
    factor: float


@record
class Empty:
    pass


@njit
def rate_of(rule):
    return rule.rate


@by_type
def limit(bound, x):
    """The smaller of bound and x; no bound: x."""


@limit.register(float)
def _limit_float(bound, x):
    return min(bound, x)


@limit.register(type(None))
def _limit_none(bound, x):
    return x


@njit
def limited(rule, x):
    return limit(rule.bound, x)


@njit
def by_position(rate):
    return Rule(rate, 5, False, rate, Inner(rate))


@njit
def by_keyword(rate):
    return Rule(flag=False, bound=7, rate=rate)


@njit
def by_default(rate):
    return Rule(rate)


@njit
def swap_inner(rule):
    return Rule(rule.rate, inner=Inner(rule.inner.factor + 1))


@njit
def weigh(rate):
    made = Weighted(np.ones(100), rate)
    return made.weights.sum() * made.rate


@njit
def make_weighted(n):
    return Weighted(rate=n, weights=np.zeros(n))


def test_construction_in_compiled_code_equals_that_in_python():
    assert by_default(1) == Rule(1)
    assert by_position(2) == Rule(2, 5, False, 2, Inner(2))
    assert by_keyword(3) == Rule(3, flag=False, bound=7)
    assert swap_inner(Rule(1, inner=Inner(4))) == Rule(1, inner=Inner(5))
    assert make_weighted(3) == Weighted(np.zeros(3), 3)


def test_invalid_values_raise():
    with pytest.raises(ValueError, match=r"Rule: rate must be positive, got -1\.0"):
        Rule(-1)
    with pytest.raises(ValueError, match="got nan"):
        Rule(rate=float("nan"))
    with pytest.raises(ValueError, match=r"got 0\.0"):
        Rule(1)._replace(rate=0)
    with pytest.raises(TypeError):
        Rule()
    with pytest.raises(TypeError):
        Rule(1, unknown=2)


def test_make_validates_and_normalises():
    with pytest.raises(ValueError, match="rate must be positive"):
        Rule._make([-1, 3, True, None, Inner()])
    assert type(Inner._make([1]).factor) is float


def test_replace_keeps_the_class_and_the_other_fields():
    replaced = Rule(1, bound=2)._replace(damping=4)
    assert replaced == Rule(1, 4, bound=2)
    assert type(replaced) is Rule
    assert type(replaced.damping) is float
    assert Rule(1).doubled() == Rule(2)


def test_equality_needs_the_same_class():
    assert Rule(1) != Other(1)
    assert Inner(1) != (1.0,)
    assert not Inner(1) == (1.0,)  # noqa: SIM201 (a method of its own)
    assert not Rule(1) == Other(1)  # noqa: SIM201
    assert Rule(1, inner=Inner(1)) == Rule(1, inner=Inner(1))
    assert Rule(1, inner=Inner(1)) != Rule(1, inner=Inner(2))
    assert Rule(1) != Rule(2)


def test_array_fields_compare_and_hash_by_value():
    assert Weighted(np.ones(2)) == Weighted(np.ones(2))
    assert Weighted(np.ones(2)) != Weighted(np.array([1.0, 2.0]))
    assert Weighted(np.ones(2)) != Weighted(np.ones(3))
    assert Weighted(np.ones(1)) != Weighted(1)
    assert hash(Weighted(np.ones(2))) == hash(Weighted(np.ones(2)))
    assert hash(Weighted(np.ones(2))) != hash(Weighted(np.zeros(2)))


def test_arrays_in_a_tuple_compare_and_hash_by_value():
    made, same, other = (Weighted((np.full(2, value), 1.0)) for value in (1.0, 1.0, 2.0))
    assert made == same
    assert made != other
    assert hash(made) == hash(same)


def test_hash_follows_equality():
    assert hash(Rule(1)) == hash(Rule(np.float32(1)))
    assert len({Rule(1), Rule(1.0), Rule(2), Other(1)}) == 3


def test_every_record_is_true():
    assert Empty()
    assert Empty() == Empty()
    assert Inner(0)


@pytest.mark.jit_only
def test_all_kinds_of_numbers_share_one_compilation():
    fresh = njit(rate_of.py_func)
    for one in (1, 1.0, np.float32(1), np.int64(1), np.uint8(1)):
        assert fresh(Rule(one)) == 1.0
    assert len(fresh.signatures) == 1


@pytest.mark.jit_only
def test_all_kinds_of_numbers_share_one_compilation_inside_compiled_code():
    callee = njit(rate_of.py_func)

    @njit
    def caller():
        return callee(Rule(1)) + callee(Rule(1.0)) + callee(Rule(np.float32(1), np.uint8(3)))

    assert caller() == 3.0
    assert len(callee.signatures) == 1


def test_numbers_of_any_type_become_floats():
    for one in (1, 1.0, np.float32(1), np.int64(1), np.float64(1)):
        assert type(Rule(one).rate) is float
    assert type(Rule(1).damping) is float


def test_false_becomes_none():
    assert Rule(1, flag=False).flag is None
    assert by_keyword(1).flag is None
    assert by_default(1).flag is True


def test_none_chooses_another_implementation():
    assert limited(Rule(1), 5.0) == 5.0
    assert limited(Rule(1, bound=2), 5.0) == 2.0
    assert limit(Rule(1).bound, 5.0) == 5.0


@pytest.mark.parametrize("original", [Rule(1, bound=2, inner=Inner(3)), Weighted(np.arange(3.0)), Empty()])
def test_copies_and_pickles_are_equal(original):
    for made in (pickle.loads(pickle.dumps(original)), copy.copy(original), copy.deepcopy(original)):
        assert made == original
        assert type(made) is type(original)
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(original, protocol)) == original


def test_an_array_field_is_a_copy_in_double_precision():
    given = np.arange(6, dtype=np.float32)[::2]
    original = Weighted(given)
    assert original.weights.dtype == np.float64
    assert original.weights.flags.carray
    given[0] = 5.0
    assert original == Weighted([0.0, 2.0, 4.0])
    assert copy.deepcopy(original).weights is not original.weights


def test_numbers_in_tuples_become_double_precision():
    made = Rule(1, bound=(1, (np.float32(2), [3])))
    assert type(made.bound[0]) is type(made.bound[1][0]) is float
    np.testing.assert_array_equal(made.bound[1][1], [3.0])


@pytest.mark.parametrize("wrong", [["a"], [1.0, [2.0]], np.array(["1"])])
def test_array_fields_must_hold_numbers(wrong):
    with pytest.raises(TypeError, match=r"^Weighted: weights must hold numbers, got "):
        Weighted(wrong)


@pytest.mark.parametrize(
    "wrong", ["a", "1.0", None, True, 1j, np.complex128(1.0), [1.0], np.ones(1), Inner(), object()]
)
def test_a_field_annotated_float_takes_numbers_only(wrong):
    with pytest.raises(TypeError, match=r"^Rule: damping must be a number, got ") as error:
        Rule(1, wrong)
    assert repr(wrong) in str(error.value)
    with pytest.raises(TypeError, match=r"^Rule: rate must be a number"):  # before the limits are looked at
        Rule(1)._replace(rate=wrong)


def test_a_tuple_of_numbers_is_a_vector():
    assert Weighted((1, 2.5)) == Weighted(np.array([1.0, 2.5]))
    assert Weighted((1j, 2)).weights.dtype == np.complex128


@record
class Pair:
    bounds: tuple = (0, 1)


def test_but_not_where_a_tuple_is_meant():
    assert Pair((2, 3)).bounds == (2.0, 3.0)
    assert type(Pair().bounds) is tuple


@pytest.mark.jit_only
def test_array_fields_do_not_leak():
    weigh(1.0), make_weighted(2)
    before = rtsys.get_allocation_stats()
    for _ in range(100):
        assert weigh(2.0) == 200.0
        make_weighted(3)
    after = rtsys.get_allocation_stats()
    assert after.alloc - before.alloc >= 200
    assert after.alloc - before.alloc == after.free - before.free
    assert after.mi_alloc - before.mi_alloc == after.mi_free - before.mi_free


def test_class_keeps_its_names_and_docstring():
    assert repr(Rule(1, inner=Inner(4))) == (
        "Rule(rate=1.0, damping=3.0, flag=True, bound=None, inner=Inner(factor=4.0))"
    )
    assert Rule.__doc__ == "A rule for the tests."
    assert (Rule.__name__, Rule.__qualname__, Rule.__module__) == ("Rule", "Rule", __name__)
    assert Rule._fields == ("rate", "damping", "flag", "bound", "inner")
    assert isinstance(Rule(1), Record)


@pytest.mark.parametrize("name", ["rate", "unknown"])
def test_assignment_raises(name):
    rule = Rule(1)
    with pytest.raises(AttributeError):
        setattr(rule, name, 2.0)
    assert rule == Rule(1)


# --- flags: fields annotated bool, whose value decides what is compiled ----------------------------------------------


@record
class Switch:
    rate: float
    on: bool = False


@by_type
def describe(flag):
    """Whether the flag is set."""


@describe.register(type(None))
def _(flag):
    return 0


@describe.register(bool)
def _(flag):
    return 1


@njit
def described(switch):
    return describe(switch.on)


@njit
def made_on():
    return Switch(1, on=True)


@njit
def made_off():
    return Switch(1, False)


@njit
def made_by_default():
    return Switch(1)


@njit
def made_of(flag):
    return Switch(1, flag)


def test_flags_show_in_the_type():
    assert Switch(1, on=True).on is True
    assert Switch(1, on=np.bool_(True)).on is True
    assert Switch(1).on is None
    assert Switch(1, False) == Switch(1)
    assert repr(Switch(1)) == "Switch(rate=1.0, on=False)"
    assert [described(s) for s in (Switch(1), Switch(1, True))] == [0, 1]


def test_flags_in_compiled_code():
    assert (made_on(), made_off(), made_by_default()) == (Switch(1, True), Switch(1), Switch(1))


@njit
def made_unchecked(rate):
    return (Rule(rate), (Scale(rate), Weighted(np.full(3, rate))))


@pytest.mark.jit_only
def test_what_compiled_code_has_made_comes_to_python_as_it_is():
    """Also within a tuple, where an error would end the process."""
    rule, (scale, weighted) = made_unchecked(-1.0)
    assert (type(rule), type(scale), type(weighted)) == (Rule, Scale, Weighted)
    assert (rule.rate, rule.damping, rule.flag, scale.factor) == (-1.0, 3.0, True, -1.0)
    assert weighted.weights.tolist() == [-1.0] * 3
    references = sys.getrefcount(Rule), rtsys.get_allocation_stats()
    for _ in range(100):
        made_unchecked(-1.0)
    assert sys.getrefcount(Rule) == references[0]
    after = rtsys.get_allocation_stats()
    assert after.mi_alloc - references[1].mi_alloc == after.mi_free - references[1].mi_free
    with pytest.raises(ValueError, match="rate must be positive"):
        rule._replace(damping=1.0)


@pytest.mark.jit_only
def test_named_tuples_that_are_no_records_are_made_by_their_class():
    class Loud(collections.namedtuple("Loud", "a b")):
        def __new__(cls, a, b):
            return super().__new__(cls, a, b + 1)

    loud = Loud(1.0, 2.0)
    assert njit(lambda pair: (pair, 0))(loud)[0] == (1.0, 4.0)


@pytest.mark.jit_only
def test_a_flag_must_be_known_when_compiled():
    with pytest.raises(TypingError, match="bool"):
        made_of(True)


@pytest.mark.parametrize("wrong", [1, "yes", 0.0])
def test_a_flag_is_true_or_false(wrong):
    with pytest.raises(TypeError, match="on must be True or False"):
        Switch(1, on=wrong)
