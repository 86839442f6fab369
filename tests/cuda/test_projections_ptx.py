"""The machine code of the projections: what is loaded and stored, and in which precision; needs no GPU."""

import re

import pytest
from numba import types
from ptx import accesses, last_loops, made_for

import numopt as no

cuda = pytest.importorskip("numba.cuda", reason="needs numba-cuda")

from numopt.cuda import entries, levels, norms, planes, threshold  # noqa: E402

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


def test_a_survey_reads_every_entry_once_and_stores_sums_only(texts_of):
    for text in texts_of(threshold.kernels(levels.SIZES).survey, types.float64[::1], *PARAMETERS["survey"]):
        assert accesses(text, "st") == 4  # the sums of the block
        assert accesses(text, "ld") == 1 + 1 + 4  # the threshold; the loop unrolled by four, and its remainder


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


def test_both_entries_are_loaded_before_one_is_stored(texts_of):
    """A load must not pass a store: the order of the source decides how many are under way at a time."""
    for text in texts_of(entries.entry_kernel(no.Box, (3, 3)), types.UniTuple(REAL, 2), ROOM, ROOM, ROOM):
        order = "".join(re.findall(r"\b(?:ld|st)\.global", text[: text.index("bar.")])).replace(".global", " ")
        assert order.startswith("ld ld st st")


@pytest.mark.parametrize("real", [types.float32, types.float64], ids=str)
def test_filling_with_nan(texts_of, real):
    texts_of(entries._spoil, real[::1], INT, ROOM)
