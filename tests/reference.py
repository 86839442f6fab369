"""Slow, obvious twins of the package's kernels, written in another way: exact fractions, dense matrices, roots."""

import math
from fractions import Fraction

import numpy as np


def exact_dot(a, b):
    """sum a_i b_i as an exact fraction."""
    return sum((Fraction(x) * Fraction(y) for x, y in zip(a.tolist(), b.tolist(), strict=True)), Fraction(0))


def dot_error(a, b, depth):
    """How far a sum of rounded products may lie from ``exact_dot`` if no term goes through more than ``depth`` sums."""
    rounding = (depth + 1) * 2.0**-53
    return 1.01 * rounding * math.fsum(np.abs(a * b).tolist()) + a.size * 2.0**-1074


def exact_norm(a):
    """sqrt(sum a_i^2) of finite entries, rounded once; inf if it is not representable."""
    squares = exact_dot(a, a)
    # sqrt(p / q) = isqrt(p q 4^k) / (q 2^k), with k so large that the integer root has more than 100 bits
    p, q = squares.numerator, squares.denominator
    k = max(0, 120 - (p * q).bit_length() // 2)
    try:
        return float(Fraction(math.isqrt(p * q << 2 * k), q << k))
    except OverflowError:
        return math.inf


def rounded_once(x, alpha, d):
    """x + alpha d with one rounding."""
    return float(Fraction(x) + Fraction(alpha) * Fraction(d))


def dense_inverse_hessian(pairs, gamma):
    """The matrix H of the BFGS updates of gamma I by ``pairs``, the oldest first; each pair is (s, y)."""
    n = pairs[0][0].size
    identity = np.eye(n)
    inverse = gamma * identity
    for s, y in pairs:
        left = identity - np.outer(s, y) / (s @ y)
        inverse = left @ inverse @ left.T + np.outer(s, s) / (s @ y)
    return inverse


def self_scaled_inverse_hessian(pairs):
    """The inverse of the matrix B of the self-scaled BFGS updates by ``pairs``; B itself is updated, not its inverse.

    B = (y.y / s.y) I at first; before each later update B is multiplied by s.y / s.Bs if that is below 1.
    """
    s, y = pairs[0]
    hessian = (y @ y) / (s @ y) * np.eye(s.size)
    for i, (s, y) in enumerate(pairs):
        if i > 0:
            hessian = min(1.0, (s @ y) / (s @ hessian @ s)) * hessian
        bs = hessian @ s
        hessian = hessian - np.outer(bs, bs) / (s @ bs) + np.outer(y, y) / (s @ y)
    return np.linalg.inv(hessian)


def cubic_through(a, fa, da, b, fb, db):
    """The cubic with these values and slopes, by its linear equations; in t = (x - a) / (b - a)."""
    h = b - a
    equations = np.array([[1.0, 0, 0, 0], [0, 1, 0, 0], [1, 1, 1, 1], [0, 1, 2, 3]])
    return np.polynomial.Polynomial(np.linalg.solve(equations, [fa, h * da, fb, h * db]))


def local_minimizers(polynomial):
    """The real points where the polynomial has zero slope and does not bend down."""
    slope = polynomial.deriv()
    bend = slope.deriv()
    roots = slope.roots()
    real = roots[np.abs(roots.imag) <= 1e-6 * np.maximum(1.0, np.abs(roots))].real
    return [t for t in real if bend(t) >= 0.0]
