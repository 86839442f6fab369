"""The kernels of chains, compiled to PTX: what they load and store, and in which precision they compute."""

import re

import numba
import numpy as np
import pytest
from cases import CHAINS, OF_NORMS, RULES, label
from numba import types

import numopt as no
from numopt._jit import Positions
from numopt.cuda.compose import FIXED, WRITTEN, real_of
from numopt.cuda.passes import kernels_of, reducing_rules
from numopt.cuda.program import spec_of
from numopt.generic import vectors
from numopt.rules.gates import mean_with
from numopt.rules.passes import FINAL, ONTO, REDUCE, ROWS, STORE

pytestmark = pytest.mark.ptx

NEW, OLD = (9, 0), (8, 0)
EMPTY = types.Tuple(())
COUNTS = types.int64
SETS = [
    no.chain(no.SGD(0.1), no.Box(-np.ones(3), 0.5)),
    no.chain(no.Adam(0.1), no.NonNegative()),
    no.chain(no.Adam(0.1), no.LinfBall(0.5)),
    no.chain(no.SGD(0.1), no.UnitModulus()),
    no.chain(no.SGD(0.1), no.L1Norm(0.1)),
    no.chain(no.SGD(0.1), no.Disc(np.zeros(3), 0.5)),
]
WRAPPED = [no.Lookahead(no.SGD(0.1, 0.9), k=2), no.ScheduleFree(no.Adam(0.1, b1=0.0)), no.NoisySGD(0.1)]
OF_VALUES = [no.PolyakSGD(), no.chain(no.SGD(0.1), no.ReduceOnPlateau())]


def types_of(values, dtype, number):
    """The types of what a kernel takes for nested states or fields."""
    if isinstance(values, Positions):
        return COUNTS
    if isinstance(values, tuple):
        return types.Tuple([types_of(value, dtype, number) for value in values])
    return numba.from_dtype(values.dtype)[::1] if isinstance(values, np.ndarray) else number


def signature(spec, kernel, rules, states):
    """The types of the arguments of a kernel."""
    entry, real = numba.from_dtype(spec.dtype), numba.from_dtype(np.dtype(real_of(spec.dtype)))
    kind, first, last, _ = kernel.chosen
    last += kind == REDUCE
    reducing = reducing_rules(spec)
    given = [
        EMPTY if place in reducing.positions else types.UniTuple(real, spec.counts[place])
        for place in range(first, last)
    ]
    fields = [np.asarray(f, spec.dtype) if isinstance(f, np.ndarray) else f for f in rules[-1]] if spec.ending else ()
    ending = types_of(tuple(fields), spec.dtype, real)
    out = entry[::1] if kind in (STORE, ROWS) else EMPTY
    arrays = types.Tuple([types_of(states[first:last], spec.dtype, real), ending, entry[::1], entry[::1], out])
    more = EMPTY
    if reducing.rules:
        each = [types.UniTuple(types.float64, sum(isinstance(v, float) for v in rule)) for rule in reducing.rules]
        numbers, sums = types.float64[:, ::1], types.float64[:, :, ::1]
        more = types.Tuple([types.Tuple(each), numbers, sums, COUNTS, COUNTS, types.float64, types.float64])
    return types.void(types.Tuple(given), arrays, COUNTS, more, *([COUNTS, COUNTS] if kind == ROWS else []))


def compiled(compile_ptx, rule, dtype, capability=NEW):
    """The kernels of a chain, each with its PTX."""
    rules = no.chain(rule).rules
    spec, states = spec_of(rules, dtype), vectors(rules, np.ones(1, dtype))
    for kernel in kernels_of(spec):
        yield spec, kernel, compile_ptx(kernel.run, signature(spec, kernel, rules, states), capability)


def accesses(text, what):
    """How many numbers are loaded from, or stored to, global memory."""
    width = {"v2": 2, "v4": 4}
    return sum(width.get(v, 1) for v in re.findall(rf"\b{what}\.global(?:\.(v[24]))?", text))


def streams(spec, chosen):
    """How many numbers an entry of a pass over memory may load, and must store: one of each vector."""
    parts = {True: 2, False: 1}
    own = parts[spec.dtype.kind == "c"]
    kept = list(zip(spec.rules, spec.patterns, strict=True))[chosen.first : chosen.last]
    read = written = own  # x, and u or what is made of it
    read += own
    for rule, pattern in kept:
        probe = vectors(rule, np.ones(1, spec.dtype))
        for kind, vector in zip(pattern, probe, strict=True):
            if kind in (WRITTEN, FIXED):
                size = parts[vector.dtype.kind == "c"]
                read += size
                written += size * (kind == WRITTEN)
    return read + own * sum(kind == WRITTEN for kind in spec.ending), written


def check(spec, kernel, text, dtype, capability):
    assert f".target sm_{capability[0]}{capability[1]}" in text
    double = real_of(dtype) is np.float64
    noisy = any(type(rule) is no.AddNoise for rule in spec.rules)
    assert (noisy and double) or ".local" not in text  # for sines of large angles, which never occur
    powers = any(type(rule) is no.MADGRAD for rule in spec.rules)
    assert ((noisy or powers) and double) or "call" not in text  # all is inlined but the sine and the power of doubles
    if kernel.chosen.kind in (FINAL, ONTO, STORE) and not any(spec.sums) and not noisy:
        loads, stores = accesses(text, "ld"), accesses(text, "st")
        read, written = streams(spec, kernel.chosen)
        assert stores > 0
        assert stores % written == 0
        assert loads <= read * stores // written
        assert loads >= written * stores // written / 2
    if real_of(dtype) is np.float32 and not any(spec.sums) and kernel.chosen.kind != ROWS:
        assert ".f64" not in text


@pytest.mark.parametrize("rule", RULES + OF_NORMS + CHAINS + SETS + WRAPPED + OF_VALUES, ids=label)
def test_every_rule(compile_ptx, rule):
    for spec, kernel, text in compiled(compile_ptx, rule, np.float64):
        check(spec, kernel, text, np.float64, NEW)


FEW = [RULES[1], RULES[4], RULES[29], RULES[37], CHAINS[0], CHAINS[1], CHAINS[5], OF_NORMS[1], SETS[2], *WRAPPED]


@pytest.mark.parametrize("dtype", [np.float32, np.complex128], ids=str)
@pytest.mark.parametrize("rule", FEW, ids=label)
def test_other_precisions(compile_ptx, rule, dtype):
    for spec, kernel, text in compiled(compile_ptx, rule, dtype):
        check(spec, kernel, text, dtype, NEW)


@pytest.mark.parametrize("rule", [RULES[3], RULES[29], CHAINS[1], OF_NORMS[4]], ids=label)
def test_an_older_device(compile_ptx, rule):
    for dtype in (np.float32, np.float64):
        for spec, kernel, text in compiled(compile_ptx, rule, dtype, OLD):
            check(spec, kernel, text, dtype, OLD)


@pytest.mark.parametrize("rule", [no.Adam(0.1), no.ACProp(0.1)], ids=label)
def test_two_entries_are_loaded_before_one_is_stored(compile_ptx, rule):
    ((_, _, text),) = compiled(compile_ptx, rule, np.float64)
    order = "".join(op[0] for op in re.findall(r"\b(ld|st)\.global", text))
    assert "l" * 8 + "s" * 6 in order  # four vectors in, three out, of two entries


def test_behind_a_norm_singles_stay_singles(compile_ptx):
    """There are doubles in what a block does first; entries are never turned into such."""
    for _, kernel, text in compiled(compile_ptx, no.chain(no.ClipByGlobalNorm(1.0), no.Adam(0.1)), np.float32):
        assert ".f64" in text
        assert ("cvt.f64.f32" in text) is (kernel.chosen.kind == REDUCE)
        assert ("sqrt.rn.f32" in text) is (kernel.chosen.kind == FINAL)


def test_kernels_of_gates(compile_ptx):
    from numopt.cuda.gates import _collect, _count_nonfinite

    for entry, real in ((types.float32, types.float32), (types.complex128, types.float64)):
        text = compile_ptx(_collect, types.void(entry[::1], entry[::1], real), NEW)
        assert 0 < accesses(text, "ld") <= 2 * accesses(text, "st")
        assert entry is not types.float32 or ".f64" not in text
        text = compile_ptx(_count_nonfinite, types.void(entry[::1], types.float64[:, ::1]), NEW)
        assert ".local" not in text
    assert mean_with(1.0, 3.0, 2.0) == 2.0


def test_vectors_are_filled_and_copied(compile_ptx):
    from numopt.cuda.device import _copy, _fill

    for entry in (types.float32, types.complex128):
        assert ".local" not in compile_ptx(_fill, types.void(entry[::1], entry), NEW)
        assert ".local" not in compile_ptx(_copy, types.void(entry[:], entry[::1]), NEW)
