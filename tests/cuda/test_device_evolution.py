"""SparseEvolution with candidates that are made on a GPU: those of the host, from the same counters."""

import re

import numpy as np
import pytest
from numba import types

import numopt as no
from numopt.sparse.scout import place_scout
from numopt.sparse.state import BATCH, DONE, MEAN, MERGE, PATH, PHASE, REFIT, SCOUT, SINGLES, START, TRAIN

cuda = pytest.importorskip("numba.cuda", reason="needs numba-cuda")

from numopt.cuda import evolution  # noqa: E402
from numopt.cuda.evolution import DeviceCandidates  # noqa: E402


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
    candidates, seen = DeviceCandidates(es), {}
    while es.running:
        rows, phase = es.ask(), int(es.core.counters[PHASE])
        if seen.setdefault(phase, 0) < 2:
            seen[phase] += 1
            found = candidates.ask()
            assert found.shape == rows.shape
            found = found.copy_to_host()
            assert found.dtype == rows.dtype
            np.testing.assert_allclose(found, rows, rtol=1e-13, atol=1e-14)
            np.testing.assert_array_equal(found == 0, rows == 0)
        es.tell(fun(rows))
    assert set(seen) >= phases


@pytest.mark.kernel
def test_a_batch_may_begin_in_the_middle_of_a_generation_and_end_within_a_pair():
    es = no.SparseEvolution(np.zeros(3), penalty=0.1, seed=1)
    es.tell([1.0])
    core = es.core
    core.counters[DONE], core.counters[BATCH] = 4, 3
    rows = np.empty((3, 3))
    for row, out in ((4, rows[0]), (5, rows[1]), (6, rows[2])):
        place_scout(core, row, out)
    np.testing.assert_allclose(DeviceCandidates(es).ask().copy_to_host(), rows, rtol=1e-13, atol=1e-15)


@pytest.mark.kernel
def test_values_may_be_on_the_device_or_not():
    es = no.SparseEvolution(np.zeros(3), penalty=0.1)
    candidates = DeviceCandidates(es, cuda.stream())
    np.testing.assert_array_equal(candidates.values(lambda rows: [4.0]), [4.0])
    np.testing.assert_array_equal(candidates.values(lambda rows, c: cuda.to_device(np.array([c])), 5.0), [5.0])


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


@pytest.mark.ptx
@pytest.mark.parametrize("capability", [(8, 0), (9, 0)])
def test_machine_code(compile_ptx, capability):
    real, whole, word = types.float64, types.int64, types.uint64
    mutate = (
        *(real[::1], whole[::1], real[::1], real[::1], real[::1]),
        *(whole, whole, types.boolean, whole, whole, real, word, word, word),
    )
    for kernel, parameters in ((evolution._repeat, (real[::1], real[::1])), (evolution._mutate, mutate)):
        text = compile_ptx(kernel, types.void(*parameters), capability)
        assert f".target sm_{capability[0]}{capability[1]}" in text
    assert len(re.findall(r"mul\.(?:lo\.s64|wide\.u32)", text)) >= 20  # two products in each of ten rounds
    assert len(re.findall(r"\bst\.global", text)) >= 4  # of four normal numbers, which take one counter
