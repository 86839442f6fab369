"""The machine code of the projections: what is loaded and stored, and in which precision; needs no GPU."""

import re

import pytest
from numba import types

import numopt as no

cuda = pytest.importorskip("numba.cuda", reason="needs numba-cuda")

from numopt.cuda import entries, levels, norms, planes, threshold  # noqa: E402

pytestmark = pytest.mark.ptx

CAPABILITIES = [(8, 0), (9, 0)]
ROOM, REAL, INT, FLAG = types.float64[::1], types.float64, types.int64, types.boolean
PARAMETERS = {  # of the kernels of a threshold, behind x
    "alone": (REAL, REAL, FLAG, FLAG),
    "sample": (REAL, REAL, ROOM),
    "survey": (REAL, ROOM),
    "step": (REAL, REAL, FLAG, INT, ROOM),
    "finish": (REAL, REAL, FLAG, INT, INT, ROOM),
    "write": (REAL, FLAG, ROOM),
}
KINDS = {types.float32: levels.SIZES, types.float64: levels.SIZES, types.complex128: levels.MODULI}


@pytest.fixture
def text_of(compile_ptx):
    """The PTX of a kernel for parameters of these types."""

    def text(kernel, *parameters, capability=(9, 0)):
        return compile_ptx(kernel, types.void(*parameters), capability)

    return text


def count(text, what):
    return len(re.findall(rf"\b{what}\.global", text))


def check(text, capability):
    assert f".target sm_{capability[0]}{capability[1]}" in text
    assert ".local" not in text  # nothing is kept in slow memory
    assert "call" not in text  # and everything is inlined
    assert ".func" not in text


@pytest.mark.parametrize("capability", CAPABILITIES)
@pytest.mark.parametrize("name", PARAMETERS)
@pytest.mark.parametrize("entry", KINDS, ids=str)
def test_kernels_of_a_threshold(text_of, entry, name, capability):
    vectors = 2 if name in ("alone", "write") else 1
    kernel = getattr(threshold.kernels(KINDS[entry]), name)
    text = text_of(kernel, *[entry[::1]] * vectors, *PARAMETERS[name], capability=capability)
    check(text, capability)
    if name != "write":
        assert ".shared" in text
    if name in ("survey", "sample"):
        loaded = "f32" if entry is types.float32 else "f64"
        assert re.search(rf"ld\.global\.(nc\.)?(v2\.)?[fb]{loaded[1:]}", text)


@pytest.mark.parametrize("name", PARAMETERS)
def test_kernels_of_a_simplex(text_of, name):
    vectors = 2 if name in ("alone", "write") else 1
    kernel = getattr(threshold.kernels(levels.VALUES), name)
    check(text_of(kernel, *[types.float64[::1]] * vectors, *PARAMETERS[name]), (9, 0))


def test_a_survey_reads_every_entry_once_and_stores_sums_only(text_of):
    text = text_of(threshold.kernels(levels.SIZES).survey, types.float64[::1], *PARAMETERS["survey"])
    assert count(text, "st") == 4  # the sums of the block
    assert count(text, "ld") == 1 + 1 + 4  # the threshold; the loop unrolled by four, and its remainder


@pytest.mark.parametrize("capability", CAPABILITIES)
@pytest.mark.parametrize("real", [types.float32, types.float64], ids=str)
def test_kernels_of_2_norms_and_planes(text_of, real, capability):
    a = real[::1]
    for kernel, parameters in (
        (norms._measure, (a, INT, ROOM)),
        (norms._write, (a, a, INT, REAL, INT, INT, ROOM)),
        (planes._multiply, (a, a, ROOM)),
        (planes._move, (a, a, a, REAL, REAL, FLAG, INT, ROOM)),
    ):
        check(text_of(kernel, *parameters, capability=capability), capability)


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
def test_entry_by_entry_in_the_precision_of_the_vector(text_of, cls, fields, entry):
    real = getattr(entry, "underlying_float", entry)
    kernel = entries.entry_kernel(cls, pattern_of_kinds(fields))
    parameters = field_type(fields, entry, real), entry[::1], entry[::1], ROOM
    for capability in CAPABILITIES if cls is no.Box else CAPABILITIES[1:]:
        text = text_of(kernel, *parameters, capability=capability)
        check(text, capability)
        if real is types.float32:
            assert not re.search(r"cvt(\.\w+)*\.f64\.f32|(add|mul|fma|div|sqrt)(\.\w+)*\.f64", text)


def pattern_of_kinds(kind):
    from numopt.cuda.compose import NUMBER, WRITTEN

    if isinstance(kind, tuple):
        return tuple(map(pattern_of_kinds, kind))
    return NUMBER if kind == "n" else WRITTEN


def test_both_entries_are_loaded_before_one_is_stored(text_of):
    """A load must not pass a store: the order of the source decides how many are under way at a time."""
    text = text_of(entries.entry_kernel(no.Box, (3, 3)), types.UniTuple(REAL, 2), ROOM, ROOM, ROOM)
    order = "".join(re.findall(r"\b(?:ld|st)\.global", text[: text.index("bar.")])).replace(".global", " ")
    assert order.startswith("ld ld st st")


@pytest.mark.parametrize("real", [types.float32, types.float64], ids=str)
def test_filling_with_nan(text_of, real):
    check(text_of(entries._spoil, real[::1], INT, ROOM), (9, 0))
