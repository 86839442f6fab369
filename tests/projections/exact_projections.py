"""Every projection once more: slow, in rational arithmetic, by sorting and enumeration, rounded once at the end.

A vector is a list of pairs (Re, Im) of fractions. Square roots are fractions, good to 200 bits and exact where they are
binary fractions themselves, so that for real x every comparison is exact.
"""

from bisect import bisect_left
from fractions import Fraction
from functools import wraps
from math import isqrt

import numpy as np

BITS = 400


def root(q):
    """The square root of a fraction: BITS bits under the root."""
    shift = max(BITS - q.numerator.bit_length() + q.denominator.bit_length(), 0)
    shift += shift % 2
    return Fraction(isqrt((q.numerator << shift) // q.denominator), 1 << shift // 2)


def number(v):
    return Fraction(float(v))


def numbers(v, n):
    """A scalar or a vector as n fractions; None stands for an infinite bound."""
    return [None if np.isinf(e) else number(e) for e in np.broadcast_to(np.asarray(v, float), (n,))]


def pairs(v):
    return [(number(e.real), number(e.imag)) for e in v]


def rounded(z, like):
    if np.iscomplexobj(like):
        return np.array([complex(float(a), float(b)) for a, b in z])
    assert all(b == 0 for _, b in z)
    return np.array([float(a) for a, _ in z])


def square(z):
    """The sum of the squared moduli."""
    return sum((a * a + b * b for a, b in z), Fraction(0))


def times(z, c):
    return [(a * c, b * c) for a, b in z]


def clip(v, lower, upper):
    if lower is not None and v < lower:
        return lower
    return upper if upper is not None and v > upper else v


def exact(function):
    """From fractions to fractions, made from float64 to float64."""

    @wraps(function)
    def projection(x, *parameters):
        return rounded(function(pairs(x), *parameters), x)

    return projection


def on_moduli(function):
    """A function of the moduli; the phases are kept, and that of a zero is 1."""

    @exact
    @wraps(function)
    def projection(z, *parameters):
        sizes = [root(square([e])) for e in z]
        moved = function(sizes, *parameters)
        return [times([e], p / m)[0] if m else (p, m) for e, m, p in zip(z, sizes, moved, strict=True)]

    return projection


def on_reals(function):
    @exact
    @wraps(function)
    def projection(z, *parameters):
        return [(p, Fraction(0)) for p in function([a for a, _ in z], *parameters)]

    return projection


# --- entry by entry --------------------------------------------------------------------------------------------------


@on_reals
def non_negative(x):
    return [max(v, Fraction(0)) for v in x]


@on_reals
def box(x, lower, upper):
    n = len(x)
    return list(map(clip, x, numbers(lower, n), numbers(upper, n)))


def hypercube(x, side):
    return box(x, 0.0, side)


@exact
def complex_box(z, re, im):
    n = len(z)
    limits = [numbers(v, n) for v in (*re, *im)]
    return [(clip(a, lr, ur), clip(b, li, ui)) for (a, b), lr, ur, li, ui in zip(z, *limits, strict=True)]


@on_moduli
def linf_ball(m, r):
    return [min(v, number(r)) for v in m]


@on_moduli
def unit_modulus(m):
    return [Fraction(1)] * len(m)


@exact
def disc(z, center, radius):
    centers = pairs(np.broadcast_to(center, (len(z),)))
    result = []
    for e, c, r in zip(z, centers, numbers(radius, len(z)), strict=True):
        d = (e[0] - c[0], e[1] - c[1])
        if square([d]) > r * r:
            (a, b) = times([d], r / root(square([d])))[0]
            e = (c[0] + a, c[1] + b)
        result.append(e)
    return result


@on_moduli
def l0_ball(m, k):
    kept = sorted(range(len(m)), key=lambda i: (-m[i], i))[: int(k)]
    return [v if i in kept else Fraction(0) for i, v in enumerate(m)]


# --- 2-norms ---------------------------------------------------------------------------------------------------------


@exact
def l2_ball(z, r):
    r, s = number(r), square(z)
    return z if s <= r * r else times(z, r / root(s))


@exact
def l2_sphere(z, r):
    s = square(z)
    if s == 0:
        return [(number(r), s), *z[1:]]
    return times(z, number(r) / root(s))


@exact
def second_order_cone(z):
    (t, _), rest = z[0], z[1:]
    s, zero = square(rest), Fraction(0)
    if s <= t * t:
        return [(t, zero), *rest] if t >= 0 else [(zero, zero)] * len(z)
    a = (t + root(s)) / 2
    return [(a, zero), *times(rest, a / root(s))]


# --- 1-norms and simplices -------------------------------------------------------------------------------------------


def lowered(values, total):
    """max(v - tau, 0) with that sum, by sorting (Held, Wolfe and Crowder 1974)."""
    if total == 0:
        return [Fraction(0)] * len(values)
    running = tau = Fraction(0)
    for k, v in enumerate(sorted(values, reverse=True), 1):
        running += v
        if k * v <= running - total:
            break
        tau = (running - total) / k
    return [max(v - tau, Fraction(0)) for v in values]


@on_moduli
def l1_ball(m, r):
    return m if sum(m) <= number(r) else lowered(m, number(r))


@on_moduli
def l1_sphere(m, r):
    return lowered(m, number(r))


@on_reals
def simplex(x, s):
    return lowered(x, number(s))


@on_reals
def sparse_simplex(x, k, s):
    support = sorted(range(len(x)), key=lambda i: (-x[i], i))[: int(k)]
    moved = dict(zip(support, lowered([x[i] for i in support], number(s)), strict=True))
    return [moved.get(i, Fraction(0)) for i in range(len(x))]


@on_moduli
def weighted_l1_ball(m, w, r):
    w, r = numbers(w, len(m)), number(r)
    if sum(a * b for a, b in zip(w, m, strict=True)) <= r:
        return m
    # the entries that remain are those of the largest ratios m/w: try one more until the next one is too low
    ratios = sorted(((v / a, a) for v, a in zip(m, w, strict=True) if a), reverse=True)
    top, bottom, tau = -r, Fraction(0), ratios[0][0]
    for ratio, a in ratios:
        if bottom and ratio * bottom <= top:
            break
        top, bottom = top + a * a * ratio, bottom + a * a
        tau = top / bottom
    return [max(v - tau * a, Fraction(0)) for v, a in zip(m, w, strict=True)]


@exact
def group_l1_ball(z, labels, r):
    groups = {g: [e for e, h in zip(z, labels, strict=True) if h == g] for g in set(labels)}
    norms = {g: root(square(members)) for g, members in groups.items()}
    total = sum(norms.values())
    moved = norms if total <= number(r) else dict(zip(norms, lowered(list(norms.values()), number(r)), strict=True))
    return [times([e], moved[g] / norms[g])[0] if norms[g] else e for e, g in zip(z, labels, strict=True)]


# --- one linear equation over a box: between two of the knots --------------------------------------------------------


@on_reals
def box_section(x, lower, upper, w, c):
    n = len(x)
    lower, upper, w, c = numbers(lower, n), numbers(upper, n), numbers(w, n), number(c)

    def point(tau):
        return [clip(v - tau * a, lo, up) for v, a, lo, up in zip(x, w, lower, upper, strict=True)]

    def total(tau):
        return sum(a * y for a, y in zip(w, point(tau), strict=True))

    bounds = [(v, a, b) for v, a, *both in zip(x, w, lower, upper, strict=True) if a for b in both if b is not None]
    knots = sorted({(v - b) / a for v, a, b in bounds}) or [Fraction(0)]
    i = bisect_left(knots, -c, key=lambda tau: -total(tau))  # the total does not increase; from knot i on it is <= c
    left = knots[i - 1] if i > 0 else knots[0] - 1
    right = knots[i] if i < len(knots) else knots[-1] + 1
    above, below = total(left), total(right)
    if above == below:
        assert above == c, "no point of the box satisfies the equation"
        return point(left)
    return point(left + (above - c) / (above - below) * (right - left))


def capped_simplex(x, s, cap):
    return box_section(x, 0.0, cap, 1.0, s)


# --- linear equations: elimination -----------------------------------------------------------------------------------


def solved(matrix, right):
    """The solution of a regular system, by Gauss and Jordan."""
    rows = [[*row, b] for row, b in zip(matrix, right, strict=True)]
    for k in range(len(rows)):
        pivot = next(i for i in range(k, len(rows)) if rows[i][k])
        rows[k], rows[pivot] = rows[pivot], rows[k]
        rows[k] = [v / rows[k][k] for v in rows[k]]
        for i in range(len(rows)):
            if i != k:
                rows[i] = [v - rows[i][k] * u for v, u in zip(rows[i], rows[k], strict=True)]
    return [row[-1] for row in rows]


def dot(u, v):
    return sum((a * b for a, b in zip(u, v, strict=True)), Fraction(0))


def onto_real_equations(z, rows, right):
    """The point of {row . (Re x_1, Im x_1, Re x_2, ...) = right} next to z."""
    v = [part for e in z for part in e]
    gaps = [b - dot(row, v) for row, b in zip(rows, right, strict=True)]
    factors = solved([[dot(r, s) for s in rows] for r in rows], gaps)
    for row, factor in zip(rows, factors, strict=True):
        v = [e + factor * a for e, a in zip(v, row, strict=True)]
    return list(zip(v[::2], v[1::2], strict=True))


def flat(a):
    """The row of Re<a, x>."""
    return [part for e in pairs(a) for part in e]


@exact
def hyperplane(z, a, b):
    return onto_real_equations(z, [flat(a)], [number(b)])


@exact
def hyperplanes(z, *equations):
    """Several at once: equations are pairs (a, b)."""
    return onto_real_equations(z, [flat(a) for a, _ in equations], [number(b) for _, b in equations])


@exact
def halfspace(z, a, b):
    inside = dot(flat(a), [part for e in z for part in e]) <= number(b)
    return z if inside else onto_real_equations(z, [flat(a)], [number(b)])


def affine_set(x, A, b):
    rows, right = [], []
    for row, value in zip(np.asarray(A), np.asarray(b), strict=True):
        # a complex equation is two real ones: a.x = Re<conj(a), x> + i Re<conj(-i a), x>
        rows.append(flat(np.conj(row)))
        right.append(number(value.real))
        if np.iscomplexobj(x):
            rows.append(flat(np.conj(-1j * row)))
            right.append(number(value.imag))
    return rounded(onto_real_equations(pairs(x), rows, right), x)
