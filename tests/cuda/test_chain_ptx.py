"""The kernels of chains, compiled to PTX: what they load and store, and in which precision they compute."""

import re

import numba
import numpy as np
import pytest
from numba import cuda, types
from ptx import CAPABILITIES, accesses, assemble, last_loops, linked, machine_code, made_for
from rules.cases import CHAINS, OF_NORMS, RULES, label
from sass import turn

import numopt as no
from numopt.cuda import fields
from numopt.cuda.compose import WRITTEN, real_of
from numopt.cuda.device import MOST_BLOCKS, THREADS, _copy, _fill
from numopt.cuda.gates import _collect, _count_nonfinite
from numopt.cuda.program import spec_of
from numopt.cuda.start import _squares
from numopt.rules.passes import FINAL, ONTO, REDUCE, STORE

pytestmark = pytest.mark.ptx

ALIKE = [
    *RULES,
    *OF_NORMS,
    *CHAINS,
    *(no.Lookahead(no.SGD(0.1, 0.9), k=2), no.ScheduleFree(no.Adam(0.1, b1=0.0)), no.NoisySGD(0.1)),
    *(no.PolyakSGD(), no.chain(no.SGD(0.1), no.ReduceOnPlateau()), no.chain(no.ZeroNonFinite(), no.SGD(0.1))),
    no.chain(no.Adam(0.1), no.LinfBall(0.5)),
    no.chain(no.SGD(0.1), no.UnitModulus()),
    no.chain(no.SGD(0.1), no.L1Norm(0.1)),
    no.chain(no.SGD(0.1), no.Disc(np.zeros(21), 0.5)),
]
OF_REAL = [
    no.chain(no.SGD(0.1), no.KeepNonNegative()),
    no.chain(no.SGD(0.1), no.Box(-np.ones(21), 0.5)),
    no.chain(no.Adam(0.1), no.NonNegative()),
]
OF_COMPLEX = [no.chain(no.SGD(0.1), no.ComplexBox((-1.0, 1.0), (np.zeros(21), 1.0)))]
REAL, COMPLEX = (np.float32, np.float64), (np.complex128,)
EVERY = [
    (rule, dtype)
    for rules, dtypes in ((ALIKE, REAL + COMPLEX), (OF_REAL, REAL), (OF_COMPLEX, COMPLEX))
    for rule in rules
    for dtype in dtypes
]


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
    monkeypatch.setattr(fields, "_kept", {})
    monkeypatch.setattr(fields, "current_gpu", lambda: 0)
    monkeypatch.setattr(fields, "_uploaded", lambda array, _: OnPaper(array.shape, array.dtype))
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
def compiled(every_ptx, launched):
    """The kernels of the passes of a chain, each with its PTX for every device: ``compiled(rule, dtype)``."""

    def kernels(rule, dtype):
        opt, done = launched(rule, dtype)
        spec, made = spec_of(opt.rules, dtype), opt._program.kernels
        assert [kernel for kernel, _ in done] == 2 * [kernel.run for kernel in made]
        for kernel, (run, signature) in zip(made, done, strict=False):
            for capability, text in every_ptx(run, signature):
                yield spec, kernel, signature, capability, text

    return kernels


def numbers_in(kind):
    """How many numbers an entry of vectors of these types has."""
    if isinstance(kind, types.BaseTuple):
        return sum(map(numbers_in, kind))
    return 1 + isinstance(kind.dtype, types.Complex) if isinstance(kind, types.Array) else 0


def streams(spec, chosen, signature):
    """How many numbers an entry of a pass over memory may load, and must store: one of each vector."""
    states, ending, x, update, _ = signature.args[1]
    written = numbers_in(x)  # or what is stored apart
    for pattern, vectors in zip(spec.patterns[chosen.first : chosen.last], states, strict=True):
        written += sum(numbers_in(kept) for kind, kept in zip(pattern, vectors, strict=True) if kind == WRITTEN)
    return sum(map(numbers_in, (states, ending, x, update))), written


def check(spec, kernel, signature, capability, text):
    single = real_of(spec.dtype) is np.float32
    noisy = any(type(rule) is no.AddNoise for rule in spec.rules)
    powers = any(type(rule) is no.MADGRAD for rule in spec.rules)
    assert made_for(capability, text)
    assert (noisy and not single) or ".local" not in text  # for sines of large angles, which never occur
    # all is inlined but the sine and the power of doubles
    assert ((noisy or powers) and not single) or "call" not in text
    if kernel.chosen.kind in (FINAL, ONTO, STORE):
        check_loops(*streams(spec, kernel.chosen, signature), last_loops(text), noisy)
        assert not single or ".f64" not in (last_loops(text) if any(spec.sums) else text)


def check_loops(read, written, loops, noisy):
    """Every vector is loaded and stored once, the sums of the pass before not again."""
    loads, stores = accesses(loops, "ld"), accesses(loops, "st")
    assert stores > 0
    assert stores % written == 0
    entries = stores // written
    assert loads >= written * entries / 2
    assert noisy or loads <= read * entries  # sines have a table


@pytest.mark.variants
@pytest.mark.parametrize(("rule", "dtype"), EVERY, ids=label)
def test_every_rule(compiled, rule, dtype):
    for spec, kernel, signature, capability, text in compiled(rule, dtype):
        check(spec, kernel, signature, capability, text)


@pytest.mark.variants
@pytest.mark.parametrize("rule", [*RULES[::8], *OF_NORMS[1:3], *CHAINS[1:6]], ids=label)
def test_complex_singles(compiled, rule):
    for spec, kernel, signature, capability, text in compiled(rule, np.complex64):
        check(spec, kernel, signature, capability, text)


def test_code_for_another_device_is_what_compiling_for_it_gives(compile_ptx, launched):
    """All but the names, which are counted."""
    _, done = launched(no.chain(no.ClipByGlobalNorm(1.0), no.Adam(0.1)), np.float32)
    for kernel, signature in done[:2]:
        for capability in CAPABILITIES:
            text = compile_ptx(kernel, signature, capability)
            parts = cuda.compile(kernel.py_func, signature, cc=capability, device=False, abi="numba", output="ltoir")
            assert without_names(text) == without_names(linked(parts[0], capability))


def without_names(text):
    return re.sub(r"_ZN\w+|_cudapy_smem_\d+", "", text)


@pytest.mark.parametrize("dtype", REAL, ids=label)
@pytest.mark.parametrize(
    "rule", [no.Adam(0.1), no.ACProp(0.1), no.chain(no.ClipByGlobalNorm(1.0), no.Centralize(), no.Adam(0.1))], ids=label
)
def test_enough_is_loaded_before_it_is_needed(compiled, rule, dtype):
    """What a multiprocessor has under way at a time, for the memory to have something to do."""
    size = np.dtype(dtype).itemsize
    for _, kernel, _, capability, text in compiled(rule, dtype):
        together, threads = turn(machine_code(text, capability)).together, assemble(text, capability).resident(THREADS)
        if kernel.capped:
            threads = min(threads, MOST_BLOCKS // 132 * THREADS)  # of a GPU with so many multiprocessors
        if kernel.chosen.kind == REDUCE:
            assert size * together * threads > (18e3 if size == 8 else 12e3)
        else:  # several vectors
            assert size * together * threads > (30e3 if size == 8 else 20e3)  # bytes; 3.4 TB/s in 132 parts need 20e3


def test_behind_a_norm_singles_stay_singles(compiled):
    """There are doubles in what a block does first; entries are never turned into such."""
    for _, kernel, *_, text in compiled(no.chain(no.ClipByGlobalNorm(1.0), no.Adam(0.1)), np.float32):
        assert ".f64" in text
        assert ("cvt.f64.f32" in text) is (kernel.chosen.kind == REDUCE)
        assert ("sqrt.rn.f32" in text) is (kernel.chosen.kind == FINAL)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128], ids=label)
def test_kernels_of_gates(every_ptx, launched, dtype):
    _, done = launched(no.chain(no.SkipNonFinite(), no.AccumulateGradients(2), no.SGD(0.1)), dtype)
    kernels = [kernel for kernel, _ in done]
    assert kernels == [_count_nonfinite, _collect, _count_nonfinite, _collect, kernels[-1]]
    for kernel, signature in done[2:4]:
        for capability, text in every_ptx(kernel, signature):
            assert made_for(capability, text)
            assert ".local" not in text
            assert "call" not in text
            if kernel is _collect:
                assert 0 < accesses(text, "ld") <= 2 * accesses(text, "st")  # two vectors in, one out
                assert real_of(dtype) is np.float64 or ".f64" not in text


@pytest.mark.parametrize("entry", [types.float32, types.float64, types.complex64, types.complex128], ids=str)
def test_vectors_are_filled_and_copied(every_ptx, entry):
    filled, copied = types.void(entry[::1], entry), types.void(entry[:], entry[::1])
    for kernel, signature, loaded in ((_fill, filled, 0), (_copy, copied, 1)):
        for capability, text in every_ptx(kernel, signature):
            assert made_for(capability, text)
            assert ".local" not in text
            assert "call" not in text
            assert accesses(text, "ld") == loaded * accesses(text, "st")


def test_the_norm_of_a_start(every_ptx):
    for entry in (types.float32, types.float64, types.complex64, types.complex128):
        for capability, text in every_ptx(_squares, types.void(entry[::1], types.float64[:, ::1])):
            assert made_for(capability, text)
            assert ".local" not in text
            assert accesses(text, "st") == 3
