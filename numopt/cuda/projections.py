"""``project`` and ``prox`` of vectors on a GPU: which kernels do it, and what can be said without looking at them."""

import functools
import math

from .._foreign import is_device_array
from .._input import misfit
from ..generic import accepts, nearest
from ..projections import (
    BoxSection,
    CappedSimplex,
    Halfspace,
    Hyperplane,
    L1Ball,
    L1Sphere,
    L2Ball,
    L2Norm,
    L2Sphere,
    LinfNorm,
    SecondOrderCone,
    Simplex,
    WeightedL1Ball,
)
from . import norms, sections
from .device import as_device, common_stream, new_vector, require
from .entries import each_entry
from .fields import overlap, real_parts
from .levels import MODULI, SIZES, VALUES, shrink_for
from .planes import move_along
from .threshold import lower

_require = functools.cache(require)  # until there is a GPU
_SECTIONS = {
    BoxSection: lambda onto: (onto.lower, onto.upper, onto.weights),
    CappedSimplex: lambda onto: (0.0, onto.cap, 1.0),
}  # the bounds and weights of those
_HANDLES = {}  # classes that are projected onto as a whole: (onto, x, out, stream)


def _handles(*classes):
    def add(function):
        _HANDLES.update(dict.fromkeys(classes, function))
        return function

    return add


def project_array(x, onto, out, stream, caller):
    """What ``project`` and ``prox`` do with an array on a GPU; a Numba device array if there is no ``out``."""
    _require()
    vector = as_device(x, "x", stream=stream)
    check(onto, vector, caller)
    if out is None:
        target, stream = new_vector(vector.size, vector.dtype), common_stream(stream, vector)
        target.stream = stream
        run(onto, vector, target, stream)
        return target
    if not is_device_array(out):
        raise TypeError(f"{caller}: x is on the GPU, so out must be, too; got {type(out).__name__}")
    target = as_device(out, "out", writable=True, like=vector)
    if overlap(vector, target):
        raise ValueError(f"{caller}: out shares a part of the memory of x; it must be x itself, or apart")
    run(onto, vector, target, common_stream(stream, vector, target))
    return out


def project_device(onto, x, stream):
    """Project a device vector in place; what a chain of rules ends with. Its ``init`` has checked the set."""
    run(onto, x, x, stream)


def check_class(onto, caller):
    """TypeError if sets of this class cannot be projected onto on a GPU."""
    if not nearest.registered(type(onto)) and type(onto) not in _HANDLES:
        known = sorted(cls.__name__ for cls in (*nearest.classes(), *_HANDLES))
        raise TypeError(f"{caller}: no kernel for {type(onto).__name__}; on a GPU there are {', '.join(known)}")


def check(onto, x, caller):
    """The same, and if its vectors are not of the kind of x; ValueError for a wrong length."""
    check_class(onto, caller)
    reason = misfit(onto, x.dtype.kind == "c")
    if reason:
        raise TypeError(f"{caller}: {reason}")
    if not accepts(onto, x.size):
        raise ValueError(f"{caller}: x has {x.size} entries, which are not as many as {onto!r} is for")
    if _excludes_all_vectors_of(x.size, onto):
        raise ValueError(f"{caller}: no vector of {x.size} entries belongs to {onto!r}")


def run(onto, x, out, stream):
    """Launch what writes the projection of x into ``out``; nothing is checked."""
    if x.size == 0:
        return
    if nearest.registered(type(onto)):
        each_entry(onto, x, out, stream)
    else:
        _HANDLES[type(onto)](onto, x, out, stream)


def _excludes_all_vectors_of(n, onto):
    """Whether no vector of n entries belongs to the set."""
    if type(onto) in _SECTIONS:
        return not sections.fits(_SECTIONS[type(onto)](onto), n, onto.sum)
    if n > 0:
        return False
    if type(onto) in (L1Sphere, L2Sphere):
        return onto.radius > 0.0
    return type(onto) is SecondOrderCone or (type(onto) is Simplex and onto.sum > 0.0)


# --- sets of whole vectors -------------------------------------------------------------------------------------------


def _lower(levels, x, out, radius, inside, rest, stream):
    lower(levels, x, out, radius, inside, shrink_for(radius, x.dtype), rest, stream)


def _moduli(x):
    return MODULI if x.dtype.kind == "c" else SIZES


@_handles(L1Ball, L1Sphere)
def _(onto, x, out, stream):
    _lower(_moduli(x), x, out, onto.radius, type(onto) is L1Ball, False, stream)


@_handles(LinfNorm)
def _(of, x, out, stream):
    _lower(_moduli(x), x, out, of.weight, True, True, stream)


@_handles(Simplex)
def _(onto, x, out, stream):
    _lower(VALUES, x, out, onto.sum, False, False, stream)


@_handles(L2Ball)
def _(onto, x, out, stream):
    norms.resize(real_parts(x), real_parts(out), norms.BALL, onto.radius, 0, stream)


@_handles(L2Sphere)
def _(onto, x, out, stream):
    norms.resize(real_parts(x), real_parts(out), norms.SPHERE, onto.radius, 0, stream)


@_handles(L2Norm)
def _(of, x, out, stream):
    norms.resize(real_parts(x), real_parts(out), norms.PROX, of.weight, 0, stream)


@_handles(SecondOrderCone)
def _(onto, x, out, stream):
    first = 2 if x.dtype.kind == "c" else 1
    norms.resize(real_parts(x), real_parts(out), norms.CONE, 0.0, first, stream)


@_handles(Hyperplane, Halfspace)
def _(onto, x, out, stream):
    move_along(onto, x, out, type(onto) is Hyperplane, stream)


@_handles(*_SECTIONS)
def _(onto, x, out, stream):
    sections.cut(VALUES, x, out, _SECTIONS[type(onto)](onto), onto.sum, False, stream)


@_handles(WeightedL1Ball)
def _(onto, x, out, stream):
    sections.cut(_moduli(x), x, out, (0.0, math.inf, onto.weights), onto.radius, True, stream)
