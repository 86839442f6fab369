"""Stateful classes: one object in Python, in compiled code, in threads, in pickles and without the compiler."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from example_classes import Gauge, Growth, Log, Tally, Walker
from numba import njit, prange, typeof
from numba.core.errors import NumbaError
from numba.core.runtime import rtsys

from numopt._jit import STAMP, jit, lend


def points(walker):
    return walker.lent().copy()


def same(one, other):
    return one.total == other.total and np.array_equal(points(one), points(other))


@njit
def walk(n, rule, times):
    walker = Walker(n, rule)
    walker.advance(times)
    return walker


@njit
def advance_by_keyword(walker):
    return walker.advance(repeat=2, times=3)


@njit
def advance_by_default(walker):
    return walker.advance()


@njit
def make_by_default():
    return Walker().size


@njit
def make_by_keyword(rule):
    return Walker(rule=rule, n=5)


@njit
def read(walker):
    return walker.total, walker.rate, walker.size


@njit(parallel=True)
def walk_in_parallel(blocks, n, times):
    ends = np.empty(blocks)
    for k in prange(blocks):
        ends[k] = _end(n + k, times)
    return ends


@njit
def _end(n, times):
    walker = Walker(n)
    return walker.advance(times)


def test_python_and_compiled_code_agree_bit_for_bit():
    in_python = Walker(4, Growth(3.9))
    in_python.advance(50)
    made = walk(4, Growth(3.9), 50)
    assert type(made) is Walker
    assert same(made, in_python)


def test_the_compiled_object_is_the_one_of_python():
    walker, twin = Walker(), Walker()
    for _ in range(3):
        advance_by_default(walker)
        walker.advance()
        twin.advance(2)
    assert same(walker, twin)


def test_keyword_and_default_arguments():
    walker, twin = Walker(5, Growth(3.8)), Walker(rule=Growth(3.8), n=5)
    assert advance_by_keyword(walker) == twin.advance(repeat=2, times=3) == Walker(5, Growth(3.8)).advance(6)
    assert make_by_default() == Walker().size == 3
    assert same(make_by_keyword(Growth(3.8)), Walker(5, Growth(3.8)))


def test_properties():
    walker = Walker(3, Growth(3.6))
    assert read(walker) == (walker.total, 3.6, 3)
    assert walker.total == pytest.approx(1.2)
    assert walker.rate == 3.6
    assert type(walker.size) is int
    assert Walker.total.__doc__ == "The weighted sum of the points."


def test_invalid_arguments_raise_in_python():
    with pytest.raises(ValueError, match="n must be at least 1, got 0"):
        Walker(0)


def test_parallel_blocks_equal_serial_ones():
    serial = [_end(3 + k, 100) for k in range(7)]
    assert walk_in_parallel(7, 3, 100).tolist() == serial


def test_threads_on_separate_objects_give_the_serial_result():
    serial = [Walker(n) for n in range(1, 9)]
    threaded = [Walker(n) for n in range(1, 9)]
    for walker in serial:
        for _ in range(50):
            walker.advance(7)

    def work(walker):
        for _ in range(50):
            walker.advance(7)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, threaded))
    assert all(map(same, threaded, serial))


def test_two_objects_are_independent():
    one, other = Walker(), Walker()
    before = points(other)
    one.advance(10)
    assert np.array_equal(points(other), before)
    assert not np.array_equal(points(one), before)


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda w: pickle.loads(pickle.dumps(w))])
def test_duplicates_continue_identically_and_share_nothing(duplicate):
    walker = Walker(4, Growth(3.9, 0.001))
    walker.advance(5)
    made, before = duplicate(walker), points(walker)
    assert type(made) is Walker
    made.advance(30)
    assert np.array_equal(points(walker), before)
    walker.advance(30)
    assert same(walker, made)
    assert made.rate == 3.9


def test_deepcopy_keeps_the_identities_inside_a_structure():
    walker = Walker()
    one, other = copy.deepcopy([walker, walker])
    assert one is other
    assert one is not walker


def test_pickle_with_read_only_buffers_can_be_advanced():
    walker, buffers = Walker(4), []
    data = pickle.dumps(walker, protocol=5, buffer_callback=buffers.append)
    assert buffers
    made = pickle.loads(data, buffers=[bytes(buffer.raw()) for buffer in buffers])
    assert made.advance(10) == walker.advance(10)


@pytest.mark.parametrize("name", ["point", "rule_", "advanced"])
def test_typo_in_an_attribute_raises(name):
    walker = Walker()
    with pytest.raises(AttributeError):
        getattr(walker, name)
    with pytest.raises(AttributeError):
        setattr(walker, name, 1.0)


@pytest.mark.parametrize("name", ["total", "size"])
def test_assignment_to_a_property_raises(name):
    walker = Walker()
    with pytest.raises(AttributeError):
        setattr(walker, name, 1.0)


def test_class_without_a_front_in_python():
    assert Tally().add(1.0) == 2.0
    assert Tally(n=3).add(1.0) == 3.0
    assert Tally(4).add(1.0) == 4.0


def test_a_number_among_the_fields_can_change():
    tally = Tally.compiled.new(2)
    assert [tally.add(1.0), tally.add(4.0)] == [2.0, 5.0]


@pytest.mark.jit_only
def test_type_is_known_by_the_stamp_of_the_package():
    assert STAMP in typeof(Walker()).key


@pytest.mark.jit_only
def test_second_object_compiles_nothing():
    Walker(3).advance(1, 1)
    method, constructor = Walker.compiled.advance, Walker.compiled.new
    before = method.signatures, constructor.signatures
    Walker(3.0, Growth(1)).advance(2, 2)
    assert (method.signatures, constructor.signatures) == before


# --- settable properties, fields, and fields without references ------------------------------------------------------


@njit
def set_rate(walker, rate):
    walker.rate = rate
    return walker.rate


@jit(borrow=True)
def lent_total(walker):
    points, rule, weights = lend(walker)
    total = 0.0
    for i in range(points.size):
        total += weights[0][i] * points[i]
    return total * rule.rate


@njit
def lent_total_inside(walker):
    return lent_total(walker)


def test_a_property_with_a_setter():
    walker = Walker(3, Growth(3.5))
    walker.rate = 3.25
    assert walker.rate == 3.25
    assert set_rate(walker, 3.0) == 3.0
    assert walker.rate == 3.0


def test_fields_can_be_read():
    walker = Walker(3, Growth(3.5))
    assert walker.rule == Growth(3.5)
    walker.points[0] = 0.125
    assert points(walker)[0] == 0.125


def test_lent_fields():
    walker = Walker(3, Growth(2.0))
    assert lent_total_inside(walker) == lent_total(walker) == pytest.approx(2.0 * walker.total)


@pytest.mark.jit_only
def test_lending_counts_no_references():
    walker = Walker(3, Growth(2.0))
    lent_total_inside(walker)
    before = rtsys.get_allocation_stats()
    for _ in range(100):
        lent_total_inside(walker)
    after = rtsys.get_allocation_stats()
    assert (after.alloc, after.mi_alloc) == (before.alloc, before.mi_alloc)
    kept = walker.points
    del walker
    assert kept.sum() == pytest.approx(1.2)


@njit
def shift_inside(walker, by):
    return walker.shift(by, first=1)


def test_a_borrowing_method():
    walker, other = Walker(3, Growth(2.0)), Walker(3, Growth(2.0))
    start = points(walker)
    assert walker.shift(0.25, 1) == shift_inside(other, 0.25) == 2
    assert list(points(walker)) == list(points(other)) == [start[0], start[1] + 0.5, start[2] + 0.5]


@pytest.mark.jit_only
@pytest.mark.parametrize("call", [njit(lambda tally: tally.allocate()), Tally.allocate])
def test_a_borrowing_method_that_allocates_is_refused(call):
    with pytest.raises((NumbaError, RuntimeError)):
        call(Tally())


# --- inheritance ------------------------------------------------------------------------------------------------------


@njit
def read_compiled(meter):
    return meter.read(), meter.doubled(), meter.size, meter.name_of()


@njit
def made_and_filled(n, value):
    gauge = Gauge(n)
    gauge.fill(value)
    return gauge


def test_methods_of_the_base_class_are_inherited():
    gauge = Gauge(3)
    gauge.fill(2.0)
    assert (gauge.read(), gauge.doubled(), gauge.size, gauge.half) == (6.0, 12.0, 3, 3.0)
    assert gauge.report() == "Gauge: 6.0"
    assert Gauge().size == 2


def test_compiled_methods_of_the_base_class_are_inherited():
    gauge = made_and_filled(3, 2.0)
    assert type(gauge) is Gauge
    assert read_compiled(gauge) == (6.0, 12.0, 3, 2)


def test_a_derived_class_replaces_what_it_declares():
    log = Log(3)
    assert log.name_of() == 1
    assert Gauge().name_of() == 2
    assert (log.read(), log.report()) == (60.0, "log")
    assert log.half == 30.0  # the base's, which calls the derived one's
    assert read_compiled(log) == (60.0, 12.0, 3, 1)
    with pytest.raises(ValueError, match="n must be"):
        Log(0)


def test_the_face_of_python_and_the_compiled_method_may_share_a_name():
    assert type(Gauge(3).doubled()) is float
    assert Gauge.doubled.__doc__ == "Python's face of a method of the same name."
    assert Gauge.compiled.doubled(Gauge(3)) == 6.0


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda w: pickle.loads(pickle.dumps(w))])
def test_classes_that_inherit_are_copied(duplicate):
    log = Log(2)
    twin = duplicate(log)
    assert type(twin) is Log
    twin.values[:] = 0.0
    assert (twin.read(), log.read()) == (0.0, 30.0)


def test_classes_with_one_base_are_apart():
    assert not hasattr(Log(1), "fill")
    assert not hasattr(Gauge(1), "scale")
    with pytest.raises(AttributeError):
        Gauge(1).valued = 1.0
