"""SparseEvolution on a GPU: candidates and sums are those of the host, from the same counters."""

import copy
import re

import numpy as np
import pytest
from numba import types

import numopt as no
from numopt._jit import rebuild
from numopt.sparse.mutations import place_moved
from numopt.sparse.state import BATCH, DONE, MEAN, MERGE, PATH, PHASE, REFIT, SCOUT, SINGLES, START, TRAIN, WRITTEN

cuda = pytest.importorskip("numba.cuda", reason="needs numba-cuda")

from numopt.cuda import mutations  # noqa: E402
from numopt.cuda.evolution import DeviceEvolution  # noqa: E402


def sphere(dtype):
    target = np.array([0.0, 2.0, 0.0, 0.0, -1.5, 0.0, 0.0], dtype) * (1j if dtype is complex else 1)
    return lambda rows: np.sum(np.abs(rows - target) ** 2, axis=1)


ALL_PHASES = {START, SCOUT, TRAIN, PATH, SINGLES, REFIT, MEAN}


@pytest.mark.kernel
@pytest.mark.parametrize(
    ("dtype", "options", "phases"),
    [
        (float, {}, ALL_PHASES),
        (complex, {}, ALL_PHASES),
        (float, {"bounds": [(-0.5, 1.0)] * 7}, {SCOUT, TRAIN, REFIT}),
        (complex, {"resamples": 3}, {SCOUT, TRAIN, REFIT}),
        (float, {"selection": "two-stage"}, {MERGE}),
    ],
)
def test_candidates_are_those_of_the_host(dtype, options, phases):
    fun = sphere(dtype)
    es = no.SparseEvolution(np.zeros(7, dtype), penalty=0.05, seed=2**40 + 3, maxfun=701, **options)
    device, seen = DeviceEvolution(es), {}
    while es.running:
        rows, phase = es.ask(), int(es.core.counters[PHASE])
        if seen.setdefault(phase, 0) < 2:
            seen[phase] += 1
            found = device.ask()
            assert found.shape == rows.shape
            found = found.copy_to_host()
            assert found.dtype == rows.dtype
            np.testing.assert_allclose(found, rows, rtol=1e-13, atol=1e-14)
            np.testing.assert_array_equal(found == 0, rows == 0)
        es.tell(fun(rows))
    assert set(seen) >= phases


@pytest.mark.kernel
def test_rows_longer_than_the_stretch_of_a_block():
    n = mutations.STRETCH + 3
    es = no.SparseEvolution(np.arange(1.0, n + 1), penalty=0.1)
    es.tell([1.0])
    es.core.counters[BATCH] = 2
    np.testing.assert_array_equal(DeviceEvolution(es).ask().copy_to_host(), es.ask())


@pytest.mark.kernel
def test_a_batch_may_begin_in_the_middle_of_a_generation_and_end_within_a_pair():
    es = no.SparseEvolution(np.zeros(3), penalty=0.1, seed=1)
    es.tell([1.0])
    core = es.core
    core.counters[DONE], core.counters[BATCH] = 4, 3
    rows = np.empty((3, 3))
    for row, out in ((4, rows[0]), (5, rows[1]), (6, rows[2])):
        place_moved(core, row, out)
    np.testing.assert_allclose(DeviceEvolution(es).ask().copy_to_host(), rows, rtol=1e-13, atol=1e-15)


def assert_same_state(on_device, on_host, tolerance=1e-12):
    for name, a, b in zip(on_host.core._fields, on_device.core, on_host.core, strict=True):
        if name not in ("candidates", "normal"):  # the buffers of rows that only the host makes
            a, b = (np.delete(c, WRITTEN) if name == "counters" else c for c in (a, b))  # whether these are written
            np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance, err_msg=name)


@pytest.mark.kernel
@pytest.mark.parametrize(
    ("dtype", "options"),
    [
        (float, {}),
        (float, {"penalty": 0.0}),
        (complex, {"resamples": 2}),
        (float, {"bounds": [(-0.5, 1.0)] * 7}),
        (float, {"penalize": np.arange(7) % 3 != 2}),
        (float, {"selection": "two-stage"}),
    ],
)
def test_every_turn_leaves_the_state_that_the_host_leaves(dtype, options):
    inner, turns = sphere(dtype), 0
    es = no.SparseEvolution(np.zeros(7, dtype), **{"penalty": 0.05, "seed": 11, "maxfun": 601, **options})
    while es.running:
        other = copy.copy(es)
        device = DeviceEvolution(other)
        values = inner(es.ask())
        if turns % 5 == 0:
            values[len(values) // 2] = np.nan if turns > 0 else values[0]
        device.ask()
        device.tell(values)
        es.tell(values)
        assert_same_state(other, es)
        turns += 1
    assert turns > 20


@pytest.mark.kernel
@pytest.mark.parametrize("bounds", [None, [(-0.5, 1.0)] * 7])
def test_turns_may_be_taken_on_either_side(bounds):
    inner = sphere(float)
    es, alone = (no.SparseEvolution(np.zeros(7), penalty=0.05, seed=4, maxfun=400, bounds=bounds) for _ in range(2))
    device, turn = DeviceEvolution(es), 0
    while es.running:
        asked = (device.ask().copy_to_host() if turn % 2 else es.ask()) if turn % 3 else alone.ask()
        values = inner(asked)
        (device if turn % 5 < 3 else es).tell(values)
        alone.tell(inner(alone.ask()))
        np.testing.assert_allclose(es.x, alone.x, rtol=1e-9, atol=1e-12)
        turn += 1
    assert not alone.running
    assert es.nfev == alone.nfev


@pytest.mark.kernel
@pytest.mark.parametrize("device_first", [False, True])
def test_a_search_that_maxfun_has_cut_short_goes_on_on_either_side(device_first):
    inner = sphere(float)
    es, whole = (no.SparseEvolution(np.zeros(7), penalty=0.05, seed=4, maxfun=limit) for limit in (5, 200))
    device, limit = DeviceEvolution(es), 5
    while whole.running:
        whole.tell(inner(whole.ask()))
    while limit < 200:
        while es.running:
            on_device = device_first == (limit % 2 == 1)
            values = inner(device.ask().copy_to_host() if on_device else es.ask())
            (device if on_device else es).tell(values)
        limit = min(limit + 13, 200)
        es.resume(limit)
    while es.running:
        es.tell(inner(es.ask()))
    assert (es.nfev, es.nit, es.status) == (whole.nfev, whole.nit, whole.status)
    np.testing.assert_allclose(es.x, whole.x, rtol=1e-9, atol=1e-12)


@pytest.mark.kernel
def test_parts_of_a_generation_add_up():
    """Room for eight rows only, and a search that ends within a generation."""
    inner = sphere(float)
    whole = no.SparseEvolution(np.zeros(7), penalty=0.05, seed=4, maxfun=75)
    core = copy.copy(whole).core
    small = core._replace(candidates=core.candidates[: 8 * 7].copy(), values=core.values[:8].copy())
    split = rebuild(type(whole), (small, whole.selection, whole.prototype))
    device, sizes = DeviceEvolution(split), []
    while split.running:
        rows = device.ask().copy_to_host()
        sizes.append(len(rows))
        device.tell(inner(rows))
    while whole.running:
        whole.tell(inner(whole.ask()))
    assert max(sizes) == 8
    assert split.nfev == whole.nfev == 75
    np.testing.assert_allclose(split.core.score, whole.core.score, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(split.x, whole.x, rtol=1e-12, atol=1e-14)


@pytest.mark.kernel
@pytest.mark.parametrize("penalty", [0.0, 0.05])
def test_the_function_may_write_into_the_candidates(penalty):
    inner = sphere(float)
    es = no.SparseEvolution(np.zeros(7), penalty=penalty, seed=4, maxfun=400)
    device = DeviceEvolution(es)
    while es.running:
        rows = device.ask()
        values = inner(rows.copy_to_host())
        rows.copy_to_device(np.full(rows.shape, 7.0))
        device.tell(values)
        np.testing.assert_allclose(es.f, inner(es.x[None])[0], rtol=1e-13)  # the host makes x once more


@pytest.mark.kernel
def test_candidates_say_on_which_stream_they_are_made():
    stream = cuda.stream()
    assert DeviceEvolution(no.SparseEvolution(np.zeros(3)), stream).ask().stream is stream


@pytest.mark.kernel
def test_wrong_values_leave_the_solver_as_it_was():
    es = no.SparseEvolution(np.zeros(3), penalty=0.1)
    es.tell([1.0])
    device = DeviceEvolution(es)
    rows = device.ask().copy_to_host()
    with pytest.raises(ValueError, match="candidates"):
        device.tell(np.zeros(len(rows) + 1))
    with pytest.raises(TypeError, match="real numbers"):
        device.tell(np.zeros(len(rows), complex))
    np.testing.assert_allclose(es.ask(), rows, rtol=1e-13, atol=1e-15)


@pytest.mark.kernel
def test_values_may_be_on_the_device_or_not():
    es = no.SparseEvolution(np.zeros(3), penalty=0.1)
    device = DeviceEvolution(es, cuda.stream())
    np.testing.assert_array_equal(device.values(lambda rows: [4.0]), [4.0])
    np.testing.assert_array_equal(device.values(lambda rows, c: cuda.to_device(np.array([c])), 5.0), [5.0])


@pytest.mark.kernel
def test_minimize_calls_fun_with_candidates_on_the_device():
    kinds, inner = set(), sphere(float)

    def fun(rows):
        kinds.add(type(rows))
        return inner(rows.copy_to_host())

    options = {"penalty": 0.05, "seed": 3, "maxfun": 400}
    x0 = np.zeros(7)
    on_device = no.minimize(fun, cuda.to_device(x0), method="SparseEvolution", options=options)
    on_host = no.minimize(inner, x0, method="SparseEvolution", options={**options, "vectorized": True})
    assert np.ndarray not in kinds
    np.testing.assert_array_equal(on_device.support, on_host.support)
    np.testing.assert_allclose(on_device.x, on_host.x, rtol=1e-9)
    assert on_device.nfev == on_host.nfev


@pytest.mark.kernel
def test_other_methods_take_no_start_on_the_device():
    with pytest.raises(TypeError, match="SparseEvolution"):
        no.minimize(lambda x: 0.0, cuda.to_device(np.zeros(3)), method="L-BFGS")


@pytest.mark.kernel
def test_workers_do_not_go_with_a_device():
    options = {"workers": map}
    with pytest.raises(ValueError, match="workers"):
        no.minimize(lambda x: 0.0, cuda.to_device(np.zeros(3)), method="SparseEvolution", options=options)


REAL, WHOLE, WORD = types.float64, types.int64, types.uint64
MOVES = types.Tuple((REAL[::1], WHOLE[::1], REAL[::1], REAL[::1], WHOLE, WHOLE, types.boolean, REAL))
DRAWN, SELECTED = types.UniTuple(WORD, 4), types.Tuple((WHOLE[::1], REAL[::1], WHOLE))
KERNELS = {
    mutations.repeat: (REAL[::1], REAL[::1]),
    mutations.mutate: (MOVES, DRAWN, WHOLE, WHOLE, REAL[::1]),
    mutations.add_scouts: (DRAWN, WHOLE, WHOLE, REAL[::1], REAL[::1]),
    mutations.add_mutants: (MOVES, DRAWN, SELECTED, REAL[::1], REAL[::1]),
}


@pytest.mark.ptx
@pytest.mark.parametrize("capability", [(8, 0), (9, 0)], ids=str)
@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: kernel.py_func.__name__)
def test_machine_code(compile_ptx, kernel, capability):
    text = compile_ptx(kernel, types.void(*KERNELS[kernel]), capability)
    assert f".target sm_{capability[0]}{capability[1]}" in text
    if kernel is not mutations.repeat:
        factor = rf"mul[^;]*(?:{0xD2511F53}|{0xD2511F53 - 2**32})"
        assert len(re.findall(factor, text)) == 10  # one in each round: of one counter come four numbers
