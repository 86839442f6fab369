"""The machine code of the projections: what is loaded and stored, and in which precision; needs no GPU."""

import re

import pytest
from numba import types
from ptx import CAPABILITIES, accesses, assemble, last_loops, machine_code, made_for
from sass import turn

import numopt as no

cuda = pytest.importorskip("numba.cuda", reason="needs numba-cuda")

from numopt.cuda import entries, levels, norms, planes, threshold  # noqa: E402
from numopt.cuda.device import MOST_BLOCKS, THREADS  # noqa: E402
from numopt.cuda.sums import WIDE  # noqa: E402
from numopt.cuda.threshold import HELD  # noqa: E402

pytestmark = pytest.mark.ptx

ROOM, REAL, INT, FLAG = types.float64[::1], types.float64, types.int64, types.boolean
PARAMETERS = {  # of the kernels of a threshold, behind x
    "alone": (REAL, REAL, FLAG, FLAG),
    "sample": (REAL, REAL, ROOM),
    "survey": (REAL, ROOM),
    "step": (REAL, REAL, FLAG, INT, ROOM),
    "finish": (REAL, REAL, FLAG, INT, INT, ROOM),
    "write": (REAL, FLAG, ROOM),
}
KINDS = [
    (entry, kind)
    for kind, entries_of_kind in (
        (levels.SIZES, (types.float32, types.float64)),
        (levels.VALUES, (types.float32, types.float64)),
        (levels.MODULI, (types.complex64, types.complex128)),
    )
    for entry in entries_of_kind
]


@pytest.fixture
def texts_of(every_ptx):
    """The PTX of a kernel for parameters of these types and every device, of which nothing is slow."""

    def texts(kernel, *parameters):
        pairs = every_ptx(kernel, types.void(*parameters))
        for capability, text in pairs:
            check(text, capability)
        return [text for _, text in pairs]

    return texts


def check(text, capability):
    assert made_for(capability, text)
    assert ".local" not in text  # nothing is kept in slow memory
    assert "call" not in text  # and everything is inlined
    assert ".func" not in text


def is_single(entry):
    return getattr(entry, "underlying_float", entry) is types.float32


def label_of_kind(value):
    names = {levels.SIZES: "sizes", levels.VALUES: "values", levels.MODULI: "moduli"}
    return names[value] if isinstance(value, levels.Levels) else str(value)


@pytest.mark.parametrize("name", PARAMETERS)
@pytest.mark.parametrize(("entry", "kind"), KINDS, ids=label_of_kind)
def test_kernels_of_a_threshold(texts_of, entry, kind, name):
    vectors = 2 if name in ("alone", "write") else 1
    kernel = getattr(threshold.kernels(kind), name)
    numbers = 2 if isinstance(entry, types.Complex) else 1
    for text in texts_of(kernel, *[entry[::1]] * vectors, *PARAMETERS[name]):
        if name != "write":
            assert ".shared" in text
        if name in ("alone", "write"):
            loops = last_loops(text)
            loads, stores = accesses(loops, "ld"), accesses(loops, "st")
            assert 0 < loads <= stores  # every entry once; more places store one, an undefined one without a look
            assert loads % numbers == 0
            if entry is types.float32:  # of complex entries, the moduli are doubles
                assert ".f64" not in loops
        if name in ("survey", "sample"):
            assert re.search(rf"ld\.global\.(nc\.)?(v2\.)?[fb]{32 if is_single(entry) else 64}", text)


def test_a_survey_stores_sums_only(texts_of):
    for text in texts_of(threshold.kernels(levels.SIZES).survey, types.float64[::1], *PARAMETERS["survey"]):
        assert accesses(text, "st") == 8  # two sets of four of each block


# --- what a multiprocessor has under way -----------------------------------------------------------------------------

DOUBLES, COMPLEX = types.float64[::1], types.complex128[::1]
PASSES = {  # over doubles: the kernel, and what it takes
    "survey": (lambda: threshold.kernels(levels.SIZES).survey, (DOUBLES, *PARAMETERS["survey"])),
    "step": (lambda: threshold.kernels(levels.SIZES).step, (DOUBLES, *PARAMETERS["step"])),
    "finish": (lambda: threshold.kernels(levels.SIZES).finish, (DOUBLES, *PARAMETERS["finish"])),
    "write": (lambda: threshold.kernels(levels.SIZES).write, (DOUBLES, DOUBLES, *PARAMETERS["write"])),
    "complex survey": (lambda: threshold.kernels(levels.MODULI).survey, (COMPLEX, *PARAMETERS["survey"])),
    "complex step": (lambda: threshold.kernels(levels.MODULI).step, (COMPLEX, *PARAMETERS["step"])),
    "complex write": (lambda: threshold.kernels(levels.MODULI).write, (COMPLEX, COMPLEX, *PARAMETERS["write"])),
    "squares": (lambda: norms._measure, (DOUBLES, INT, ROOM)),
    "multiples": (lambda: norms._write, (DOUBLES, DOUBLES, INT, REAL, INT, FLAG, INT, ROOM)),
    "product": (lambda: planes._multiply, (DOUBLES, DOUBLES, ROOM)),
    "move": (lambda: planes._move, (DOUBLES, DOUBLES, DOUBLES, REAL, REAL, REAL, FLAG, INT, ROOM)),
    "box": (lambda: entries.entry_kernel(no.Box, (3, 3)), (types.UniTuple(REAL, 2), DOUBLES, DOUBLES, ROOM)),
}


@pytest.fixture
def turns_of(texts_of):
    """What a kernel does in a turn of its loop, and how many registers it takes, on every device."""

    def turns(kernel, *parameters):
        for text, capability in zip(texts_of(kernel, *parameters), CAPABILITIES, strict=True):
            yield turn(machine_code(text, capability)), assemble(text, capability)

    return turns


@pytest.mark.variants
@pytest.mark.parametrize("name", PASSES)
def test_enough_is_loaded_before_it_is_needed(turns_of, name):
    kernel, parameters = PASSES[name]
    for found, taken in turns_of(kernel(), *parameters):
        blocks_at_a_time = MOST_BLOCKS // 132  # of a GPU with so many multiprocessors
        threads = min(taken.resident(THREADS), blocks_at_a_time * THREADS)
        assert 8 * found.together * threads >= 18e3  # bytes; 3 TB/s in 132 parts, for the 0.8 us that a load takes


@pytest.mark.parametrize("entry", [types.float32, types.float64], ids=str)
@pytest.mark.parametrize("name", ["survey", "step"])
def test_a_pass_takes_few_instructions(turns_of, entry, name):
    """A multiprocessor of an H100 has time for some fifty while the memory brings it a double."""
    for found, _ in turns_of(getattr(threshold.kernels(levels.SIZES), name), entry[::1], *PARAMETERS[name]):
        assert found.instructions <= 27 * found.loads


def test_a_block_that_works_alone_holds_its_entries_in_registers(turns_of):
    for name in ("alone", "sample"):
        vectors = 2 if name == "alone" else 1
        kernel = getattr(threshold.kernels(levels.SIZES), name)
        for _, taken in turns_of(kernel, *[DOUBLES] * vectors, *PARAMETERS[name]):
            assert 2 * HELD < taken.registers <= 65536 // WIDE


# --- 2-norms, planes, entries ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("real", [types.float32, types.float64], ids=str)
def test_kernels_of_2_norms_and_planes(texts_of, real):
    a = real[::1]
    texts_of(norms._measure, a, INT, ROOM)
    texts_of(planes._multiply, a, a, ROOM)
    for kernel, read, parameters in (
        (norms._write, 1, (a, a, INT, REAL, INT, FLAG, INT, ROOM)),
        (planes._move, 2, (a, a, a, REAL, REAL, REAL, FLAG, INT, ROOM)),
    ):
        for text in texts_of(kernel, *parameters):
            loops = last_loops(text)
            assert 0 < accesses(loops, "ld") <= read * accesses(loops, "st")
            if real is types.float32:
                assert ".f64" not in loops


ENTRY = [
    (no.NonNegative, (), "r"),
    (no.Box, ("v", "n"), "r"),
    (no.LinfBall, ("n",), "rc"),
    (no.Disc, ("V", "v"), "rc"),
    (no.UnitModulus, (), "rc"),
    (no.L1Norm, ("n",), "rc"),
    (no.ComplexBox, (("n", "v"), ("v", "n")), "c"),
]


def field_type(kind, entry, real):
    if isinstance(kind, tuple):
        return types.Tuple([field_type(k, entry, real) for k in kind])
    return {"n": real, "v": real[::1], "V": entry[::1]}[kind]


ENTRY_TYPES = {"r": (types.float32, types.float64), "c": (types.complex64, types.complex128)}


@pytest.mark.parametrize(
    ("cls", "fields", "entry"),
    [(cls, fields, entry) for cls, fields, kinds in ENTRY for kind in kinds for entry in ENTRY_TYPES[kind]],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_entry_by_entry_in_the_precision_of_the_vector(texts_of, cls, fields, entry):
    real = getattr(entry, "underlying_float", entry)
    kernel = entries.entry_kernel(cls, pattern_of_kinds(fields))
    parameters = field_type(fields, entry, real), entry[::1], entry[::1], ROOM
    for text in texts_of(kernel, *parameters):
        if real is types.float32:
            assert not re.search(r"cvt(\.\w+)*\.f64\.f32|(add|mul|fma|div|sqrt)(\.\w+)*\.f64", text)


def pattern_of_kinds(kind):
    from numopt.cuda.compose import NUMBER, WRITTEN

    if isinstance(kind, tuple):
        return tuple(map(pattern_of_kinds, kind))
    return NUMBER if kind == "n" else WRITTEN


@pytest.mark.parametrize("real", [types.float32, types.float64], ids=str)
def test_filling_with_nan(texts_of, real):
    texts_of(entries._spoil, real[::1], INT, ROOM)
