"""The kernels of chains, compiled to PTX: what they load and store, and in which precision they compute."""

import re

import numba
import numpy as np
import pytest
from cases import CHAINS, OF_NORMS, RULES, label
from numba import cuda, types

import numopt as no
from numopt.cuda.compose import FIXED, WRITTEN, real_of
from numopt.cuda.device import _copy, _fill
from numopt.cuda.gates import _collect, _count_nonfinite
from numopt.cuda.program import spec_of
from numopt.generic import vectors
from numopt.rules.passes import FINAL, ONTO, REDUCE, ROWS, STORE

pytestmark = pytest.mark.ptx

NEW, OLD = (9, 0), (8, 0)
SETS = [
    no.chain(no.SGD(0.1), no.Box(-np.ones(21), 0.5)),
    no.chain(no.Adam(0.1), no.NonNegative()),
    no.chain(no.Adam(0.1), no.LinfBall(0.5)),
    no.chain(no.SGD(0.1), no.UnitModulus()),
    no.chain(no.SGD(0.1), no.L1Norm(0.1)),
    no.chain(no.SGD(0.1), no.Disc(np.zeros(21), 0.5)),
]
WRAPPED = [no.Lookahead(no.SGD(0.1, 0.9), k=2), no.ScheduleFree(no.Adam(0.1, b1=0.0)), no.NoisySGD(0.1)]
OF_VALUES = [no.PolyakSGD(), no.chain(no.SGD(0.1), no.ReduceOnPlateau())]


class OnPaper:
    """An array on no GPU, of the type that Numba's own has."""

    __cuda_ndarray__ = True
    stream = 0

    def __init__(self, shape, dtype=np.float64, **_):
        self.shape, self.dtype = (shape,) if np.ndim(shape) == 0 else tuple(shape), np.dtype(dtype)
        self.ndim, self.size = len(self.shape), int(np.prod(self.shape))
        self._numba_type_ = types.Array(numba.from_dtype(self.dtype), self.ndim, "C")

    def is_c_contiguous(self):
        return True


@pytest.fixture
def launched(monkeypatch):
    """The kernels that a step of a chain launches, with the types of what they are given, where there is no GPU."""
    done = []

    def launch(kernel, blocks, threads, stream, *args):
        done.append((kernel, types.void(*map(numba.typeof, args))))

    for module in ("device", "program", "gates", "start"):
        monkeypatch.setattr(f"numopt.cuda.{module}.launch", launch)
    monkeypatch.setattr(cuda, "device_array", OnPaper)
    monkeypatch.setattr(cuda, "to_device", lambda array, **_: OnPaper(array.shape, array.dtype))
    monkeypatch.setattr("numopt.cuda.optimizer.require", lambda: None)
    monkeypatch.setattr("numopt.cuda.start.norm", lambda x, stream: 1.0)
    monkeypatch.setattr("numopt.cuda.gates.to_host", lambda sums, stream: np.zeros(sums.shape))

    def step(rule, dtype):
        x = OnPaper(21, dtype)
        opt = rule.init(x)
        done.clear()
        for _ in range(2):
            opt.update(x, OnPaper(21, dtype), 1.0)
        return opt, done

    return step


@pytest.fixture
def compiled(compile_ptx, launched):
    """The kernels of the passes of a chain, each with its PTX: ``compiled(rule, dtype)``."""

    def kernels(rule, dtype, capability=NEW):
        opt, done = launched(rule, dtype)
        spec, made = spec_of(opt.rules, dtype), opt._program.kernels
        assert [kernel for kernel, _ in done] == 2 * [kernel.run for kernel in made]
        for kernel, (run, signature) in zip(made, done, strict=False):
            yield spec, kernel, compile_ptx(run, signature, capability)

    return kernels


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


@pytest.mark.variants
@pytest.mark.parametrize("rule", RULES + OF_NORMS + CHAINS + SETS + WRAPPED + OF_VALUES, ids=label)
def test_every_rule(compiled, rule):
    for spec, kernel, text in compiled(rule, np.float64):
        check(spec, kernel, text, np.float64, NEW)


FEW = [RULES[4], RULES[29], RULES[37], CHAINS[1], CHAINS[5], SETS[2], *WRAPPED]


@pytest.mark.variants
@pytest.mark.parametrize("dtype", [np.float32, np.complex128], ids=str)
@pytest.mark.parametrize("rule", FEW, ids=label)
def test_other_precisions(compiled, rule, dtype):
    for spec, kernel, text in compiled(rule, dtype):
        check(spec, kernel, text, dtype, NEW)


@pytest.mark.parametrize("rule", [RULES[3], RULES[29], CHAINS[2]], ids=label)
def test_an_older_device(compiled, rule):
    for dtype in (np.float32, np.float64):
        for spec, kernel, text in compiled(rule, dtype, OLD):
            check(spec, kernel, text, dtype, OLD)


@pytest.mark.parametrize("rule", [no.Adam(0.1), no.ACProp(0.1)], ids=label)
def test_two_entries_are_loaded_before_one_is_stored(compiled, rule):
    ((_, _, text),) = compiled(rule, np.float64)
    order = "".join(op[0] for op in re.findall(r"\b(ld|st)\.global", text))
    assert "l" * 8 + "s" * 6 in order  # four vectors in, three out, of two entries


def test_behind_a_norm_singles_stay_singles(compiled):
    """There are doubles in what a block does first; entries are never turned into such."""
    for _, kernel, text in compiled(no.chain(no.ClipByGlobalNorm(1.0), no.Adam(0.1)), np.float32):
        assert ".f64" in text
        assert ("cvt.f64.f32" in text) is (kernel.chosen.kind == REDUCE)
        assert ("sqrt.rn.f32" in text) is (kernel.chosen.kind == FINAL)


@pytest.mark.parametrize("dtype", [np.float32, np.complex128], ids=str)
def test_kernels_of_gates(compile_ptx, launched, dtype):
    _, done = launched(no.chain(no.SkipNonFinite(), no.AccumulateGradients(2), no.SGD(0.1)), dtype)
    kernels = [kernel for kernel, _ in done]
    assert kernels == [_count_nonfinite, _collect, _count_nonfinite, _collect, kernels[-1]]
    texts = [compile_ptx(kernel, signature, NEW) for kernel, signature in done[2:]]
    assert not any(".local" in text for text in texts)
    assert 0 < accesses(texts[1], "ld") <= 2 * accesses(texts[1], "st")
    assert dtype is np.complex128 or ".f64" not in texts[1] + texts[2]


def test_vectors_are_filled_and_copied(compile_ptx):
    for entry in (types.float32, types.complex128):
        assert ".local" not in compile_ptx(_fill, types.void(entry[::1], entry), NEW)
        assert ".local" not in compile_ptx(_copy, types.void(entry[:], entry[::1]), NEW)
