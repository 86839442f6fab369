"""Hyperplanes, half-spaces and affine subspaces."""

from typing import Any

import numpy as np
from scipy.linalg import qr, solve_triangular

from .._jit import REDUCTION, Record, block, jit, real_view
from .._scalars import number, of_entry
from .._vector import BLOCK, copy, max_abs, power_for
from ..generic import FINE, WRONG_SIZE, accepts, project_into
from . import checks
from .project import fill_nan, point_set, projects_onto

_NEAR_ONE = 1e-6, 1e6  # squared lengths of normals that are used as they are
_SAME_RANK = 1e-12


@point_set
class Hyperplane:
    r"""The hyperplane :math:`\{x : \mathrm{Re}\langle a, x\rangle = b\}`.

    Here :math:`\langle a, x\rangle = \sum \bar a_i x_i`, and P(x) = x - a (Re<a, x> - b) / |a|^2. For complex x this
    is one real condition; for a^H x = b, which is two, see :class:`AffineSet`.

    Parameters
    ----------
    normal : array_like, shape (n,)
        a, not 0; real or complex.
    offset : float
        b.

    Examples
    --------
    >>> import numopt as no
    >>> no.project([3.0, 1.0], no.Hyperplane([1.0, 1.0], 2.0))
    array([2., 0.])
    """

    normal: np.ndarray
    offset: float

    def check(self):
        """Limits of the fields."""
        _check_normal(self)


@point_set
class Halfspace:
    r"""The half-space :math:`\{x : \mathrm{Re}\langle a, x\rangle \le b\}`.

    P(x) = x - a max(Re<a, x> - b, 0) / |a|^2; NaN everywhere if Re<a, x> overflows.

    Parameters
    ----------
    normal : array_like, shape (n,)
        a, not 0; real or complex.
    offset : float
        b.

    Examples
    --------
    >>> import numopt as no
    >>> no.project([3.0, 1.0], no.Halfspace([1.0, 1.0], 2.0))
    array([2., 0.])
    """

    normal: np.ndarray
    offset: float

    def check(self):
        """Limits of the fields."""
        _check_normal(self)


def _check_normal(onto):
    name = type(onto).__name__
    checks.finite(onto, "normal", "complex")
    checks.finite(onto, "offset")
    if np.ndim(onto.normal) != 1 or not np.any(onto.normal) or np.ndim(onto.offset) != 0:
        raise ValueError(
            f"{name}: normal must be a vector that is not 0, and offset a number; got {onto.normal!r}, {onto.offset!r}"
        )


@point_set
class AffineSet:
    r"""The affine subspace :math:`\{x : A x = b\}`, real or complex.

    P(x) = x + A^H (A A^H)^{-1} (b - A x), computed as a projection along each vector of an orthonormal basis of the
    rows. For complex x these are complex equations, two real ones each. Made in Python; ``@njit`` code can use it.

    Parameters
    ----------
    A : array_like, shape (m, n)
        Of rank m.
    b : array_like, shape (m,)
    basis, shifts
        Computed from A and b: the basis, one vector in a row, and the components of x along it.

    Raises
    ------
    ValueError
        If the shapes do not fit, or the rows of A are linearly dependent.

    Examples
    --------
    >>> import numopt as no
    >>> no.project([1 + 1j, 0j], no.AffineSet([[1.0, 1.0]], [2.0]))
    array([1.5+0.5j, 0.5-0.5j])
    """

    A: np.ndarray
    b: np.ndarray
    basis: Any = None
    shifts: Any = None

    def __new__(cls, A, b, basis=None, shifts=None):
        """Factorise A, unless that has been done."""
        if basis is None:
            basis, shifts = _row_basis(np.asarray(A), np.asarray(b))
        return Record.__new__(cls, np.asarray(A), np.asarray(b), basis, shifts)

    def check(self):
        """Limits of the fields."""
        for name in ("A", "b", "basis", "shifts"):
            if not isinstance(getattr(self, name), np.ndarray):
                raise ValueError(f"AffineSet: {name} must be an array, got {getattr(self, name)!r}")
        if self.A.ndim != 2 or self.b.shape != self.A.shape[:1]:
            raise ValueError(f"AffineSet: b must have an entry for each row of A, got {self.A.shape}, {self.b.shape}")
        if (self.basis.shape, self.shifts.shape) != (self.A.shape, self.b.shape):
            raise ValueError(
                f"AffineSet: basis and shifts must have the shapes of A and b, got {self.basis.shape} and "
                f"{self.shifts.shape}: leave them out"
            )

    def _replace(self, **changes):
        return AffineSet(**{"A": self.A, "b": self.b, **changes})

    def __repr__(self):
        """As it is made."""
        return f"AffineSet(A={self.A!r}, b={self.b!r})"


def _row_basis(A, b):
    """An orthonormal basis q_j of the rows of A, and <q_j, x> for A x = b."""
    if A.ndim != 2 or b.shape != A.shape[:1] or A.size == 0:
        raise ValueError(
            f"AffineSet: A must be a matrix and b a vector of its rows, got shapes {A.shape} and {b.shape}"
        )
    if A.dtype.kind not in "biufc" or b.dtype.kind not in "biufc":
        raise TypeError(f"AffineSet: A and b must hold numbers, got {A.dtype} and {b.dtype}")
    if not (np.all(np.isfinite(A)) and np.all(np.isfinite(b))):
        raise ValueError("AffineSet: A and b must be finite")
    sizes = np.linalg.norm(A, axis=1)
    if not np.all(sizes > 0):
        raise ValueError("AffineSet: a row of A is 0; leave it out")
    A, b = A / sizes[:, None], b / sizes
    q, r, order = qr(A.conj().T, mode="economic", pivoting=True)
    sizes = np.abs(np.diag(r))
    if sizes.size < A.shape[0] or sizes[-1] <= _SAME_RANK * sizes[0]:
        raise ValueError(f"AffineSet: the {A.shape[0]} rows of A are linearly dependent; leave out those that follow")
    return np.ascontiguousarray(q.T), solve_triangular(r, b[order], trans="C")


@jit(fastmath=REDUCTION, borrow=True)
def _inner_block(a, x, scale):
    real, imaginary, squares = 0.0, 0.0, 0.0
    for i in range(x.size):
        re, im = scale * a[i].real, scale * a[i].imag
        real += re * x[i].real + im * x[i].imag
        imaginary += re * x[i].imag - im * x[i].real
        squares += re * re + im * im
    return real, imaginary, squares


@jit(borrow=True)
def _inner(a, x, scale):
    """Real and imaginary part of <a, x>, and |a|^2, for a times ``scale``."""
    real, imaginary, squares = 0.0, 0.0, 0.0
    for start in range(0, x.size, BLOCK):
        a_part, x_part = block((a, x), start, min(x.size, start + BLOCK))
        part = _inner_block(a_part, x_part, scale)
        real, imaginary, squares = real + part[0], imaginary + part[1], squares + part[2]
    return real, imaginary, squares


@of_entry
def _minus_product(x, a, re, im):
    """X - a (re + i im)."""


@_minus_product.real
def _(x, a, re, im):
    return x - a.real * re


@_minus_product.complex
def _(x, a, re, im):
    return number(x.real - (a.real * re - a.imag * im), x.imag - (a.real * im + a.imag * re))


@jit(borrow=True)
def _move_along(normal, offset, both_sides, x, out):
    """Project onto the hyperplane, or, unless from ``both_sides``, onto the half-space."""
    scale = 1.0
    product, _, squares = _inner(normal, x, scale)
    if not _NEAR_ONE[0] < squares < _NEAR_ONE[1]:
        scale = power_for(max_abs(real_view(normal)))
        product, _, squares = _inner(normal, x, scale)
    excess = product - offset * scale
    if not np.isfinite(product):
        fill_nan(out)
    elif excess <= 0.0 and not both_sides:
        copy(x, out)
    else:
        factor = excess / squares
        for i in range(x.size):
            out[i] = _minus_product(x[i], scale * normal[i], factor, 0.0)


@jit
def _project(onto, x, out, both_sides):
    if x.size != out.size or not accepts(onto, x.size):
        fill_nan(out)
        return WRONG_SIZE
    _move_along(onto.normal, onto.offset, both_sides, x, out)
    return FINE


@project_into.register(Hyperplane)
def _(onto, x, out):
    return _project(onto, x, out, True)


@project_into.register(Halfspace)
def _(onto, x, out):
    return _project(onto, x, out, False)


@accepts.register(AffineSet)
def _(onto, n):
    return onto.basis.shape[1] == n and onto.basis.shape[0] == onto.shifts.size


@projects_onto(AffineSet)
def _(onto, x, out):
    copy(x, out)
    undefined = 0.0
    for j in range(onto.shifts.size):
        row, shift = onto.basis[j], onto.shifts[j]
        real, imaginary, _ = _inner(row, out, 1.0)
        real, imaginary = real - shift.real, imaginary - shift.imag
        undefined += real + imaginary
        for i in range(out.size):
            out[i] = _minus_product(out[i], row[i], real, imaginary)
    if not np.isfinite(undefined):
        fill_nan(out)
    return FINE
