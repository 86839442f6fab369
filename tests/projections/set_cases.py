"""The sets that every test of projections runs over: how to make one, what it is, its reference and its membership.

``parameters(n, rng, dtype)`` suits standard normal x of that size and dtype: x lies outside, or partly outside.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from projections import exact_projections as exact

import numopt as no

EPS = np.finfo(float).eps
SMALLEST = 5e-324


@dataclass(frozen=True)
class Case:
    """One set of every size. The class is looked up by name only when a test makes it."""

    name: str
    parameters: Callable
    exact: Callable  # (x, *parameters): the projection, rounded once
    excess: Callable  # (p, x, *parameters): how far p is outside, relative to the set
    kinds: str = "fc"  # real, complex x
    convex: bool = True
    cone: bool = False
    degrees: tuple = ()  # of each parameter: 1 if it scales with x, 0 if not
    bitwise: bool = True  # scaling x and the parameters by a power of two scales the projection, bit for bit
    each: tuple = ()  # parameters with an entry for every entry of x
    permutes: bool = True
    turns: tuple | None = None  # x times phases: which parameters turn along; None: no symmetry
    dual: Callable | None = None  # for balls: the dual norm (v, *parameters)
    mass: Callable | None = None  # what the set fixes or limits, for r far below max|x|: (p, *parameters) -> r
    variant: str = ""

    def __str__(self):
        return self.name + self.variant

    def set(self, *parameters):
        return getattr(no, self.name)(*parameters)

    def scaled(self, parameters, factor):
        return tuple(
            (tuple(v * factor for v in p) if isinstance(p, tuple) else p * factor) if degree else p
            for p, degree in zip(parameters, self.degrees, strict=True)
        )

    def permuted(self, parameters, order):
        def moved(p):
            return tuple(map(moved, p)) if isinstance(p, tuple) else p[..., order]

        return tuple(moved(p) if i in self.each else p for i, p in enumerate(parameters))

    def turned(self, parameters, phases):
        return tuple(p * phases if i in self.turns else p for i, p in enumerate(parameters))


def label(value):
    return getattr(value, "__name__", str(value))


def random_vector(rng, n, dtype, spread=0):
    v = rng.standard_normal(n)
    if np.dtype(dtype).kind == "c":
        v = v + 1j * rng.standard_normal(n)
    return (v * 10.0 ** rng.uniform(-spread, spread, n)).astype(dtype)


def away_from_zero(rng, n, dtype=float):
    """Factors of moduli from 0.5 to 1.5: what is divided by them keeps its precision."""
    signs = np.exp(2j * np.pi * rng.random(n)) if np.dtype(dtype).kind == "c" else rng.choice([-1.0, 1.0], n)
    return signs * rng.uniform(0.5, 1.5, n)


# --- membership: in double precision, written so that nothing overflows ----------------------------------------------


def norm1(v):
    return math.fsum(np.abs(v))


def norm2(v):
    return math.hypot(*np.ascontiguousarray(v).view(float))


def inner(a, v):
    """Re<a, v>."""
    return math.fsum(np.concatenate([np.real(a) * np.real(v), np.imag(a) * np.imag(v)]))


def above(value, limit):
    return max(value / limit - 1, 0.0)


def off(value, limit):
    return abs(value / limit - 1)


def outside(p, lower, upper):
    """Infinite outside a box: a clip is exact."""
    return 0.0 if np.all((p >= lower) & (p <= upper)) else np.inf


def largest(*vectors):
    return max(float(np.abs(v).max(initial=0.0)) for v in vectors)


def gap(a, b, p, x):
    """Re<a, p> - b, relative to what rounding p costs."""
    return (inner(a, p) - b) / (norm2(a) * (norm2(p) + norm2(x)) + abs(b))


def groups(v, labels):
    return np.array([norm2(v[labels == g]) for g in range(labels.max() + 1)])


def weighted(v, w):
    return w * np.abs(v)


# --- parameters ------------------------------------------------------------------------------------------------------


def radius_of_norm1(n, rng, dtype):
    return (rng.uniform(0.1, 0.5) * n,)


def radius_of_norm2(n, rng, dtype):
    return (rng.uniform(0.3, 0.8) * math.sqrt(n),)


def one_radius(n, rng, dtype):
    return (rng.uniform(0.3, 1.0),)


def limits(n, rng, dtype):
    return -rng.uniform(0.0, 1.0, n), rng.uniform(0.0, 1.0, n)


def half_open(n, rng, dtype):
    lower, upper = limits(n, rng, dtype)
    return np.where(np.arange(n) % 3 == 1, -np.inf, lower), np.where(np.arange(n) % 3 == 2, np.inf, upper)


def capped(n, rng, dtype):
    cap = rng.uniform(0.2, 1.0, n)
    return rng.uniform(0.1, 0.8) * cap.sum(), cap


def plane(n, rng, dtype):
    return away_from_zero(rng, n, dtype), rng.uniform(-1, 1)


def equations(n, rng, dtype):
    m = min(max(n // 2, 1), 3)
    rows = np.linalg.qr(random_vector(rng, n * m, dtype).reshape(n, m))[0].conj().T
    mixed = rows + 0.3 * np.roll(rows, 1, axis=0) if m > 1 else rows
    return np.ascontiguousarray(mixed * rng.uniform(0.5, 2.0, (m, 1))), random_vector(rng, m, dtype)


def section(n, rng, dtype):
    lower, upper = limits(n, rng, dtype)
    w = away_from_zero(rng, n)
    w[1::4] = 0.0  # these entries are clipped and no more
    inside = lower + rng.uniform(0.1, 0.9, n) * (upper - lower)
    return lower, upper, w, float(w @ inside)


def weights(n, rng, dtype):
    w = rng.uniform(0.5, 1.5, n)
    w[1::4] = 0.0  # these entries are free
    return w, rng.uniform(0.1, 0.5) * n


def labelled(n, rng, dtype):
    return rng.permutation(np.arange(n) % max(n // 2, 1)), rng.uniform(0.2, 0.5) * math.sqrt(n)


def discs(n, rng, dtype):
    return random_vector(rng, n, dtype), rng.uniform(0.2, 1.0, n)


def rectangles(n, rng, dtype):
    return half_open(n, rng, dtype), limits(n, rng, dtype)


# --- the list --------------------------------------------------------------------------------------------------------


def inside_box(p, x, lower, upper):
    return outside(p, lower, upper)


def inside_simplex(p, x, s):
    return max(off(math.fsum(p), s), outside(p, 0.0, np.inf))


def inside_section(p, x, lower, upper, w, c):
    size = math.fsum(np.abs(w) * np.maximum(np.abs(p), np.abs(x))) + abs(c)
    return max(outside(p, lower, upper), abs(math.fsum(w * p) - c) / size)


def inside_affine(p, x, A, b):
    return float(np.abs(A @ p - b).max()) / (np.abs(A).max() * (norm1(p) + norm1(x)) + largest(b))


def inside_cone(p, x):
    t, z = p[0], norm2(p[1:]) if p.size > 1 else 0.0
    return np.inf if t.real < 0 or t.imag else max(z - t.real, 0.0) / max(z, t.real, largest(x), 5e-324)


def inside_discs(p, x, c, r):
    return max((abs(p - c) - r).max() / largest(c, r, x), 0.0)


MODULI = {"turns": (), "degrees": (1,)}

CASES = [
    Case(
        "NonNegative",
        lambda n, rng, dtype: (),
        exact.non_negative,
        lambda p, x: outside(p, 0.0, np.inf),
        kinds="f",
        cone=True,
    ),
    Case("Box", lambda n, rng, dtype: (-0.5, 0.75), exact.box, inside_box, kinds="f", degrees=(1, 1)),
    Case("Box", half_open, exact.box, inside_box, kinds="f", degrees=(1, 1), each=(0, 1), variant=" of vectors"),
    Case(
        "Hypercube",
        lambda n, rng, dtype: (0.75,),
        exact.hypercube,
        lambda p, x, s: outside(p, 0.0, s),
        kinds="f",
        degrees=(1,),
    ),
    Case(
        "LinfBall",
        one_radius,
        exact.linf_ball,
        lambda p, x, r: above(largest(p), r),
        dual=lambda v, r: norm1(v),
        **MODULI,
    ),
    Case(
        "L2Ball",
        radius_of_norm2,
        exact.l2_ball,
        lambda p, x, r: above(norm2(p), r),
        dual=lambda v, r: norm2(v),
        **MODULI,
    ),
    Case(
        "L2Sphere",
        radius_of_norm2,
        exact.l2_sphere,
        lambda p, x, r: off(norm2(p), r),
        convex=False,
        **MODULI,
    ),
    Case(
        "L1Ball",
        radius_of_norm1,
        exact.l1_ball,
        lambda p, x, r: above(norm1(p), r),
        dual=lambda v, r: largest(v),
        mass=lambda p, r: norm1(p),
        **MODULI,
    ),
    Case(
        "L1Sphere",
        radius_of_norm1,
        exact.l1_sphere,
        lambda p, x, r: off(norm1(p), r),
        convex=False,
        mass=lambda p, r: norm1(p),
        **MODULI,
    ),
    Case(
        "Simplex",
        radius_of_norm1,
        exact.simplex,
        inside_simplex,
        kinds="f",
        degrees=(1,),
        mass=lambda p, s: math.fsum(p),
    ),
    Case(
        "CappedSimplex",
        capped,
        exact.capped_simplex,
        lambda p, x, s, cap: inside_section(p, x, 0.0, cap, 1.0, s),
        kinds="f",
        degrees=(1, 1),
        each=(1,),
    ),
    Case(
        "CappedSimplex",
        lambda n, rng, dtype: (rng.uniform(0.1, 0.9) * 0.5 * n, 0.5),
        exact.capped_simplex,
        lambda p, x, s, cap: inside_section(p, x, 0.0, cap, 1.0, s),
        kinds="f",
        degrees=(1, 1),
        variant=" with one cap",
    ),
    Case(
        "SparseSimplex",
        lambda n, rng, dtype: (max(n // 2, 1), rng.uniform(0.1, 0.5) * n),
        exact.sparse_simplex,
        lambda p, x, k, s: inside_simplex(p, x, s) if np.count_nonzero(p) <= k else np.inf,
        kinds="f",
        convex=False,
        degrees=(0, 1),
        mass=lambda p, k, s: math.fsum(p),
    ),
    Case(
        "Hyperplane",
        plane,
        exact.hyperplane,
        lambda p, x, a, b: abs(gap(a, b, p, x)),
        degrees=(0, 1),
        each=(0,),
        turns=(0,),
    ),
    Case(
        "Halfspace",
        plane,
        exact.halfspace,
        lambda p, x, a, b: max(gap(a, b, p, x), 0.0),
        degrees=(0, 1),
        each=(0,),
        turns=(0,),
    ),
    Case("AffineSet", equations, exact.affine_set, inside_affine, degrees=(0, 1), each=(0,)),
    Case("BoxSection", section, exact.box_section, inside_section, kinds="f", degrees=(1, 1, 0, 1), each=(0, 1, 2)),
    Case(
        "L0Ball",
        lambda n, rng, dtype: (max(n // 3, 1),),
        exact.l0_ball,
        lambda p, x, k: 0.0 if np.count_nonzero(p) <= k else np.inf,
        convex=False,
        degrees=(0,),
        turns=(),
    ),
    Case(
        "SecondOrderCone",
        lambda n, rng, dtype: (),
        exact.second_order_cone,
        inside_cone,
        cone=True,
        permutes=False,
    ),
    Case(
        "WeightedL1Ball",
        weights,
        exact.weighted_l1_ball,
        lambda p, x, w, r: above(norm1(weighted(p, w)), r),
        degrees=(0, 1),
        each=(0,),
        turns=(),
        dual=lambda v, w, r: np.inf if v[w == 0].any() else largest(v[w > 0] / w[w > 0]),
        mass=lambda p, w, r: norm1(weighted(p, w)),
    ),
    Case(
        "GroupL1Ball",
        labelled,
        exact.group_l1_ball,
        lambda p, x, labels, r: above(norm1(groups(p, labels)), r),
        degrees=(0, 1),
        each=(0,),
        turns=(),
        dual=lambda v, labels, r: largest(groups(v, labels)),
        mass=lambda p, labels, r: norm1(groups(p, labels)),
    ),
    Case("Disc", discs, exact.disc, inside_discs, degrees=(1, 1), each=(0, 1), turns=(0,)),
    Case(
        "Disc",
        lambda n, rng, dtype: (np.dtype(dtype).type(0.25), 0.75),
        exact.disc,
        inside_discs,
        degrees=(1, 1),
        variant=" with one center",
    ),
    Case(
        "UnitModulus",
        lambda n, rng, dtype: (),
        exact.unit_modulus,
        lambda p, x: largest(abs(p) - 1),
        convex=False,
        bitwise=False,
        turns=(),
    ),
    Case(
        "ComplexBox",
        rectangles,
        exact.complex_box,
        lambda p, x, re, im: max(outside(p.real, *re), outside(p.imag, *im)),
        kinds="c",
        degrees=(1, 1),
        each=(0, 1),
    ),
]

PAIRS = [(case, dtype) for case in CASES for dtype in (float, complex) if np.dtype(dtype).kind in case.kinds]


def some(predicate):
    """The pairs of set and dtype, of such sets."""
    return [(case, dtype) for case, dtype in PAIRS if predicate(case)]


def singles(case):
    """(set, x, projection rounded to single precision) for real x and for complex ones."""
    for kind, dtype in (("f", np.float32), ("c", np.complex64)):
        if kind in case.kinds:
            wide = np.promote_types(dtype, float)
            rng = np.random.default_rng(3)
            parameters = case.parameters(7, rng, wide)
            x = random_vector(rng, 7, dtype)
            yield case.set(*parameters), x, case.exact(x.astype(wide), *parameters).astype(dtype)


def assert_near(actual, expected, x, ulps=8, eps=EPS, smallest=SMALLEST):
    """Of the same dtype, and no entry off by more than so many ulp of the largest one (and of the smallest number)."""
    assert actual.dtype == expected.dtype
    size = largest(x, expected)
    error = largest(actual.real - expected.real, actual.imag - expected.imag)
    assert error <= ulps * eps * size + expected.size * smallest, f"{error:.3g} beside {size:.3g}"


# --- intersections with a known projection: (sets, reference) --------------------------------------------------------


def simplex_of_two(n, rng):
    return (no.NonNegative(), no.Hyperplane(np.ones(n), 0.4 * n)), lambda x: exact.simplex(x, 0.4 * n)


def section_of_two(n, rng):
    lower, upper, w, c = section(n, rng, float)
    return (no.Box(lower, upper), no.Hyperplane(w, c)), lambda x: exact.box_section(x, lower, upper, w, c)


def two_complex_planes(n, rng):
    a, b = away_from_zero(rng, n, complex), away_from_zero(rng, n, complex)
    return (no.Hyperplane(a, 0.5), no.Hyperplane(b, -1.0)), lambda x: exact.hyperplanes(x, (a, 0.5), (b, -1.0))


def one_ball(n, rng):
    return (no.L1Ball(0.3 * n),), lambda x: exact.l1_ball(x, 0.3 * n)


INTERSECTIONS = [(simplex_of_two, float), (section_of_two, float), (two_complex_planes, complex), (one_ball, complex)]
