"""Sections of boxes on a GPU: by many launches, and their machine code."""

import math

import numpy as np
import pytest
from numba import types
from projections.set_cases import CASES, assert_near, label, norm1, random_vector

import numopt as no

cuda = pytest.importorskip("numba.cuda", reason="needs numba-cuda")

from numopt.cuda import levels, sections  # noqa: E402
from numopt.cuda.compose import NUMBER, WRITTEN  # noqa: E402

INF = np.inf
NAMES = [("BoxSection", float), ("CappedSimplex", float), ("WeightedL1Ball", float), ("WeightedL1Ball", complex)]


def projected(x, onto):
    return no.project(cuda.to_device(np.array(x)), onto).copy_to_host()


@pytest.mark.kernel
@pytest.mark.parametrize("steps", [0, 5])
@pytest.mark.parametrize(("name", "dtype"), NAMES, ids=label)
def test_the_launches_of_long_vectors(monkeypatch, name, dtype, steps):
    """With too few steps, one block finishes."""
    monkeypatch.setattr(sections, "ALONE", 0)
    monkeypatch.setattr(sections, "STEPS", steps)
    case, rng = next(case for case in CASES if case.name == name), np.random.default_rng(steps)
    parameters, x = case.parameters(70, rng, dtype), random_vector(rng, 70, dtype)
    for y in (x, np.rint(2 * x)):
        assert_near(projected(y, case.set(*parameters)), case.exact(y, *parameters), y)
    x[61] = np.nan
    assert np.isnan(projected(x, case.set(*parameters))).all()


@pytest.mark.kernel
def test_vectors_and_numbers_as_bounds_and_weights():
    rng = np.random.default_rng(8)
    x, low, w = 3 * rng.standard_normal(40), -rng.random(40), rng.standard_normal(40)
    for fields in (
        (low, 1.0, w, 0.0),
        (-1.0, low + 2, 2.0, -3.0),
        (-INF, INF, w, 5.0),
        (0.0, INF, 1e200, 1e201),
        (-INF, low, np.abs(w), -1e3),
    ):
        onto = no.BoxSection(*fields)
        assert_near(projected(x, onto), no.project(x, onto), x)


@pytest.mark.kernel
def test_weights_far_apart_and_radii_far_below_the_entries():
    rng = np.random.default_rng(2)
    x, w = rng.standard_normal(50), 10.0 ** rng.uniform(-9, 3, 50)
    for radius in (1e-3 * norm1(w * x), 1e-9 * norm1(w * x), norm1(w * x)):
        p, expected = projected(x, no.WeightedL1Ball(w, radius)), no.project(x, no.WeightedL1Ball(w, radius))
        assert_near(p, expected, x)
        assert abs(math.fsum(w * np.abs(p)) / radius - 1) <= 1e-6  # the simulator has no fused product


@pytest.mark.kernel
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of NumPy, in the simulator
@pytest.mark.parametrize(
    ("x", "onto"),
    [
        ([8e307, -8e307, 5e307], no.CappedSimplex(1.0)),
        ([1e308, 1.0], no.BoxSection(0.0, np.ones(2), 1.0, 1.0)),
        ([1e308] * 3, no.BoxSection(-INF, INF, 1.0, 0.0)),
        ([1e308, 1e308, 1e-308], no.WeightedL1Ball([1.0, 1e-5, 1e5], 1.0)),
    ],
    ids=label,
)
def test_where_tau_overflows_there_is_no_answer(x, onto):
    assert np.isnan(projected(x, onto)).all()


@pytest.mark.kernel
def test_a_weight_of_zero_leaves_its_entry_free():
    np.testing.assert_array_equal(projected([5.0, -4.0, 3.0], no.WeightedL1Ball([0.0, 1.0, 1.0], 1.0)), [5, -1, 0])
    np.testing.assert_array_equal(projected([5.0, -4.0], no.WeightedL1Ball([0.0, 1.0], 0.0)), [5, 0])
    np.testing.assert_array_equal(projected([5.0, 4.0], no.BoxSection(0.0, 3.0, [0.0, 1.0], 2.0)), [3, 2])


@pytest.mark.kernel
def test_single_precision_is_computed_in_double():
    x = np.array([1e6, 1e6 + 1, 3.0], np.float32)
    p = projected(x, no.CappedSimplex(1.5))
    assert p.dtype == np.float32
    np.testing.assert_array_equal(p, np.array([0.5, 1.0, 0.0], np.float32))


@pytest.mark.kernel
def test_sums_that_no_vector_has():
    for onto in (no.CappedSimplex(5.0, 1.0), no.BoxSection(0.0, 1.0, 1.0, 5.0), no.BoxSection(0.0, 1.0, -1.0, 0.5)):
        with pytest.raises(ValueError, match="no vector of 3 entries"):
            projected(np.ones(3), onto)
    assert projected(np.ones(0), no.CappedSimplex(0.0)).shape == (0,)
    with pytest.raises(ValueError, match="no vector of 0 entries"):
        projected(np.ones(0), no.CappedSimplex(1.0))


ROOM, REAL, INT, FLAG = types.float64[::1], types.float64, types.int64, types.boolean
KINDS = {types.float32: levels.VALUES, types.float64: levels.VALUES, types.complex128: levels.MODULI}
FIELDS = {
    (NUMBER, WRITTEN, NUMBER): types.Tuple((REAL, ROOM, REAL)),
    (WRITTEN, WRITTEN, WRITTEN): types.UniTuple(ROOM, 3),
}


@pytest.mark.ptx
@pytest.mark.parametrize("capability", [(8, 0), (9, 0)], ids=str)
@pytest.mark.parametrize("entry", KINDS, ids=str)
@pytest.mark.parametrize("pattern", FIELDS, ids=str)
def test_machine_code(compile_ptx, pattern, entry, capability):
    run, x, fields = sections.kernels(KINDS[entry], pattern), entry[::1], FIELDS[pattern]
    for kernel, parameters in (
        (run.alone, (x, x, fields, REAL, FLAG)),
        (run.survey, (x, fields, ROOM)),
        (run.begin, (INT, ROOM)),
        (run.step, (x, fields, REAL, FLAG, INT, ROOM)),
        (run.finish, (x, fields, REAL, FLAG, INT, INT, ROOM)),
        (run.write, (x, x, fields, INT, ROOM)),
    ):
        text = compile_ptx(kernel, types.void(*parameters), capability)
        assert f".target sm_{capability[0]}{capability[1]}" in text
        assert ".local" not in text
        assert "call" not in text
