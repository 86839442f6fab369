"""``project`` and ``prox``, and what makes a record a set or a function with a proximal operator."""

import warnings

import numpy as np
from numba import types

from .._foreign import cuda_part, is_device_array
from .._input import callers_level, misfit, point_vector
from .._jit import (
    PLAIN,
    Record,
    block,
    cast,
    jit,
    overload,
    overload_method,
    read,
    record,
    refuse,
    same_memory,
    stack_array,
    view_like,
)
from .._vector import copy
from ..generic import EMPTY, FINE, WRONG_SIZE, accepts, nearest, project_into, prox_into

_ROOM = 2048  # float64 numbers


def point_set(cls):
    """Make an annotated class a set: a record with ``contains``, onto which one can project.

    It registers ``nearest`` if it is a product of sets of numbers, else ``project_into``. It may say that it is not
    ``convex``, or that it is ``real_only`` or ``complex_only``, with what to use for other vectors.
    """
    made = _last_link(cls)
    made.is_set = True
    made.convex = getattr(made, "convex", True)
    made.contains = vars(cls).get("contains", _contains)
    return made


def proximable(cls):
    """Make an annotated class a function with a proximal operator, registered like a projection."""
    return _last_link(cls)


def _last_link(cls):
    made = record(cls)
    made.ends_chain = True
    made.holds, made.needs_value, made.descends = (), False, False  # what every link of a chain says
    made.prepares = made.closes = False
    made.real_only = getattr(made, "real_only", None)
    return made


def project(x, onto, out=None, stream=None):
    r"""The point of a set that is nearest to x: :math:`\arg\min_{y \in C} \|y - x\|_2`.

    The same in ``@njit`` code, where wrong lengths give NaN everywhere. Nothing is allocated if a contiguous ``out`` is
    given, unless the set says so.

    Parameters
    ----------
    x : array_like, shape (n,)
        Real or complex; float32, float64, complex64 and complex128 keep their precision, other numbers become double.
    onto : set
        Such as ``L1Ball(1.0)``, ``Box(0, 1)``, ``Simplex(1.0)``.
    out : ndarray, shape (n,), optional
        Where the result goes, of the dtype of x; may be x itself.
    stream : optional
        For x on a GPU (of Numba, CuPy, PyTorch, JAX): the stream to work on, of Numba, CuPy or PyTorch; by default that
        of x. Nothing is copied to the host, and with ``out``, which is on the GPU then, nothing waits for the GPU once
        the vectors of a set are there; without it, Numba makes a vector, and waits when it frees such. GroupL1Ball,
        L0Ball, SparseSimplex, AffineSet, Intersection and the function GroupL1Norm have no kernels.

    Returns
    -------
    ndarray, shape (n,)
        ``out``, or a new vector, for x on a GPU one of Numba. A NaN in x makes every entry NaN.

    Raises
    ------
    ValueError
        If a length does not fit, or the set has no vector of n entries.
    TypeError
        If ``onto`` is no set, or none for complex vectors, and x is complex; if only one of x and out is on a GPU, or
        there are no kernels for the set.
    ImportError, RuntimeError
        If x is on a GPU, but numba-cuda, or a GPU that it can use, is missing.

    Examples
    --------
    >>> import numpy as np
    >>> import numopt as no
    >>> no.project(np.array([3.0, -1.0, 0.5]), no.L1Ball(2.0))
    array([2., 0., 0.])
    >>> no.project([3 + 4j, 0.1j], no.LinfBall(1.0))
    array([0.6+0.8j, 0. +0.1j])
    """
    if not getattr(type(onto), "is_set", False):
        raise TypeError(f"project: onto must be a set, such as L1Ball(1.0) or Box(0, 1), got {onto!r}")
    return _dispatched(x, onto, out, stream, "project")


def prox(x, of, out=None, stream=None):
    r"""The proximal operator of a function h: :math:`\arg\min_y h(y) + \|y - x\|_2^2 / 2`.

    Of a set, it is the projection. Parameters, result and errors are as in :func:`project`.

    Parameters
    ----------
    x : array_like, shape (n,)
    of : L1Norm, L2Norm, LinfNorm, GroupL1Norm or a set
    out : ndarray, shape (n,), optional
    stream : optional

    Examples
    --------
    >>> import numpy as np
    >>> import numopt as no
    >>> no.prox(np.array([3.0, -1.0, 0.5]), no.L1Norm(1.0))
    array([2., 0., 0.])
    """
    if not getattr(type(of), "ends_chain", False):
        raise TypeError(f"prox: of must be a function such as L1Norm(0.1), or a set, got {of!r}")
    return _dispatched(x, of, out, stream, "prox")


def _dispatched(x, onto, out, stream, caller):
    if is_device_array(x):
        return cuda_part("projections").project_array(x, onto, out, stream, caller)
    if out is not None and is_device_array(out):
        raise TypeError(f"{caller}: out is on the GPU, so x must be, too; got {type(x).__name__}")
    if stream is not None:
        raise ValueError(f"{caller}: stream is for vectors on a GPU, but x is {type(x).__name__}")
    return _checked(x, onto, out, caller)


def _contains(self, x, tol=1e-12):
    """Whether x lies within the distance ``tol max(1, max |x_i|)`` of the set, in every entry."""
    x = _fitting(x, self, "contains")
    projected = np.empty_like(x)
    status = _run(self, x, projected)
    if status == WRONG_SIZE:
        _explain(status, self, x, "contains")
    with np.errstate(invalid="ignore"):  # inf - inf: not contained
        distance = np.abs(x - projected)
    return bool(status == FINE and np.all(distance <= tol * max(1.0, np.max(np.abs(x), initial=0.0))))


def _fitting(x, onto, caller):
    """X as a vector of a dtype that the set is for."""
    x = point_vector(x)
    reason = misfit(onto, x.dtype.kind == "c")
    if reason:
        raise TypeError(f"{caller}: {reason}")
    return x


def _checked(x, onto, out, caller):
    given = x
    if isinstance(out, np.ndarray) and isinstance(x, np.ndarray) and out.shape != x.shape:  # before x is copied
        raise ValueError(
            f"{caller}: out must be a writable {x.dtype} vector of {x.size} entries, got {out.dtype} {out.shape}"
        )
    x = _fitting(x, onto, caller)
    if out is None:
        result = np.empty_like(x)
    else:
        if not isinstance(out, np.ndarray) or out.shape != x.shape or out.dtype != x.dtype or not out.flags.writeable:
            what = f"{out.dtype} {out.shape}" if isinstance(out, np.ndarray) else repr(out)
            raise ValueError(f"{caller}: out must be a writable {x.dtype} vector of {x.size} entries, got {what}")
        result = out if out.flags.carray else np.empty_like(x)
        if given is not out and np.may_share_memory(x, result):
            x = x.copy()
    status = _run(onto, x, result)
    if status != FINE:
        _explain(status, onto, x, caller)
    if out is not None and result is not out:
        out[...] = result
    return result if out is None else out


def _explain(status, onto, x, caller):
    if status == WRONG_SIZE:
        raise ValueError(f"{caller}: x has {x.size} entries, which are not as many as {onto!r} is for")
    if status == EMPTY:
        raise ValueError(f"{caller}: no vector of {x.size} entries belongs to {onto!r}")
    warnings.warn(
        f"{caller}: {onto!r} did not converge; its sets may have no point in common, or raise maxiter or tol",
        RuntimeWarning,
        stacklevel=callers_level(),
    )


@jit
def _run(onto, x, out):
    """The one door from Python."""
    return project_into(onto, x, out)


# --- sets that are products of sets of numbers -----------------------------------------------------------------------


@jit(borrow=True)
def fill_nan(out):
    """NaN everywhere: what a wrong length, or a NaN, gives."""
    for i in range(out.size):
        out[i] = np.nan


def projects_onto(cls):
    """Register the projection of whole vectors of the right length onto a set of this class."""

    def register(function):
        run = jit(function)

        @project_into.register(cls)
        def checked(onto, x, out):
            if x.size != out.size or not accepts(onto, x.size):
                fill_nan(out)
                return WRONG_SIZE
            return run(onto, x, out)

        return run

    return register


@jit(borrow=True, inline=True)
def _each_entry(onto, fields, x, out):
    undefined = 0
    for i in range(x.size):
        y = nearest(onto, cast(read(fields, i), x), x[i])
        out[i] = y
        undefined |= y != y
    return undefined


@jit(borrow=True)
def _each_entry_in_place(onto, x):
    """Block by block from a copy: LLVM leaves out to store what has not changed, and then needs a branch an entry."""
    room = view_like(stack_array(_ROOM), x)
    size, undefined = room.size, 0
    for start in range(0, x.size, size):
        fields, part = block((onto, x), start, min(x.size, start + size))
        copy(part, room)
        undefined |= _each_entry(onto, fields, room[: part.size], part)
    return undefined


@project_into.register(Record)
def _(onto, x, out):
    if x.size != out.size or not accepts(onto, x.size):
        fill_nan(out)
        return WRONG_SIZE
    undefined = _each_entry_in_place(onto, out) if same_memory(x, out) else _each_entry(onto, onto, x, out)
    if undefined != 0:
        fill_nan(out)
    return FINE


def has_prox(cls):
    """Register the proximal operator of a norm of whole vectors: ``(of, weight, x, out)``, for vectors that fit."""

    def register(function):
        run = jit(function)
        prox_into.register(cls)(function)

        @project_into.register(cls)
        def checked(of, x, out):
            if x.size != out.size or not accepts(of, x.size):
                fill_nan(out)
                return WRONG_SIZE
            run(of, of.weight, x, out)
            return FINE

        return function

    return register


def _sizes_fit(fields, n):
    """Whether all arrays among the fields, also of inner tuples, have n entries."""
    return all(
        _sizes_fit(value, n) if isinstance(value, tuple) else not isinstance(value, np.ndarray) or value.size == n
        for value in fields
    )


@accepts.register(Record)
def _(onto, n):
    return _sizes_fit(onto, n)


if not PLAIN:

    @overload(_sizes_fit, borrow=True)
    def _sizes_fit_types(fields, n):
        if len(fields) == 0:
            return lambda fields, n: True
        if isinstance(fields[0], types.Array):
            return lambda fields, n: fields[0].size == n and _sizes_fit(fields[1:], n)
        if isinstance(fields[0], types.BaseTuple):
            return lambda fields, n: _sizes_fit(fields[0], n) and _sizes_fit(fields[1:], n)
        return lambda fields, n: _sizes_fit(fields[1:], n)

    def _projected(x, onto, out):
        """What ``project`` and ``prox`` do inside ``@njit`` code."""

    @overload(_projected)
    def _projected_types(x, onto, out):
        if isinstance(x.dtype, (types.Integer, types.Boolean)):
            return lambda x, onto, out: _projected(x * 1.0, onto, out)

        def new(x, onto, out):
            dense = np.ascontiguousarray(x)
            result = np.empty_like(dense)
            project_into(onto, dense, result)
            return result

        def given(x, onto, out):
            project_into(onto, np.ascontiguousarray(x), out)
            return out

        return new if isinstance(out, (types.NoneType, types.Omitted)) else given

    def _check_types(x, onto, caller, attribute):
        if not (isinstance(x, types.Array) and x.ndim == 1):
            refuse(f"{caller}: x must be a vector, got {x}")
        if not (isinstance(onto, types.BaseTuple) and getattr(getattr(onto, "instance_class", None), attribute, False)):
            refuse(f"{caller}: not a set or function to project onto: {onto}")
        reason = misfit(onto, isinstance(x.dtype, types.Complex))
        if reason:
            refuse(f"{caller}: {reason}")

    @overload(project)
    def _project(x, onto, out=None):
        _check_types(x, onto, "project", "is_set")
        return lambda x, onto, out=None: _projected(x, onto, out)

    @overload(prox)
    def _prox(x, of, out=None):
        _check_types(x, of, "prox", "ends_chain")
        return lambda x, of, out=None: _projected(x, of, out)

    @overload_method(types.BaseTuple, "contains")
    def _contains_compiled(self, x, tol=1e-12):
        if not getattr(getattr(self, "instance_class", None), "is_set", False):
            return None

        if isinstance(x.dtype, (types.Integer, types.Boolean)):
            return lambda self, x, tol=1e-12: self.contains(x * 1.0, tol)

        def contains(self, x, tol=1e-12):
            nearest_point = np.empty_like(x)
            status = project_into(self, np.ascontiguousarray(x), nearest_point)
            largest = 1.0
            for i in range(x.size):
                largest = max(largest, abs(x[i]))
            within = status == FINE
            for i in range(x.size):
                distance = abs(x[i] - nearest_point[i])
                within = within and distance <= tol * largest
            return within

        return contains
