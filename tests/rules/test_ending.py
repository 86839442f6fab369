"""A set, or a norm, at the end of a chain: x <- P(x + u), in the pass that changes x or behind it."""

import pickle
import re

import numba
import numpy as np
import pytest
from machine_code import assembly, uses, x86_only
from numba.core.runtime import rtsys

import numopt as no
from numopt._jit import cast
from numopt.generic import coefficients, numbers, vectors
from numopt.rules.passes import BLOCK, _onto
from numopt.rules.update import PARALLEL_FROM, parallel_update, serial_update

pytestmark = pytest.mark.variants

N = 21
PLAIN = bool(numba.config.DISABLE_JIT)


def random_vector(n, seed, dtype=float):
    rng = np.random.default_rng([seed, n])
    v = rng.standard_normal(n)
    return (v + 1j * rng.standard_normal(n) if np.dtype(dtype).kind == "c" else v).astype(dtype)


def label(value):
    text = getattr(value, "__name__", repr(value))
    return re.sub(r"\s+", " ", text)[:50]


def bounds(n):
    """A Box of vectors, some of them infinite, some equal."""
    lower = np.where(np.arange(n) % 3 == 1, -np.inf, -0.5 - 0.1 * np.sin(np.arange(n)))
    return no.Box(lower, np.where(np.arange(n) % 5 == 2, lower.clip(-0.2), 0.7 + 0.1 * np.cos(np.arange(n))))


def is_set(end):
    return hasattr(end, "contains")


def nearest_point(end, x, learning_rate=1.0):
    """P(x) in a step with this learning rate, by which the weight of a norm is multiplied."""
    return no.project(x, end) if is_set(end) else no.prox(x, end._replace(weight=end.weight * learning_rate))


BY_ENTRY = [
    (no.Box(-0.5, 0.75), float),
    (bounds(N), float),
    (no.NonNegative(), float),
    (no.LinfBall(0.6), float),
    (no.LinfBall(0.6), complex),
    (no.Disc(np.linspace(-0.3, 0.4, N) * 1j, 0.5), complex),
    (no.ComplexBox((-0.5, np.linspace(0.2, 0.8, N)), (0.0, 0.5)), complex),
    (no.L1Norm(0.1), float),
    (no.L1Norm(0.1), complex),
]
AS_A_WHOLE = [
    (no.L1Ball(3.0), float),
    (no.L1Ball(3.0), complex),
    (no.L2Ball(1.5), float),
    (no.Simplex(1.0), float),
    (no.Hyperplane(np.arange(1.0, N + 1), 1.0), complex),
    (no.L0Ball(5), float),
    (no.Intersection(no.L2Ball(1.0), no.NonNegative()), float),
    (no.L2Norm(0.3), float),
    (no.LinfNorm(0.6), float),
    (no.GroupL1Norm(np.arange(N) % 4, 0.3), complex),
]
ENDS = BY_ENTRY + AS_A_WHOLE if PLAIN else [BY_ENTRY[1], BY_ENTRY[6], AS_A_WHOLE[0], AS_A_WHOLE[9]]

HEADS = [
    (no.SGD(0.3),),
    (no.SGD(0.3, 0.9, nesterov=True),),
    (no.ClipByGlobalNorm(1.0), no.Adam(0.1)),
    (no.Centralize(row=7), no.Adam(0.1)),
    (no.Trace(0.9), no.Centralize(), no.Scale(-0.1)),
    (no.Lookahead(no.SGD(0.2), k=3, alpha=0.25),),
    (no.AdamW(0.1, weight_decay=0.3),),
    (no.SkipNonFinite(), no.Adam(0.1)),
    (no.AccumulateGradients(2), no.SGD(0.3)),
    (no.LAMB(0.1),),
]
SOME_HEADS = HEADS if PLAIN else [HEADS[2], HEADS[3], HEADS[5], HEADS[8]]


def check(head, end, dtype, steps=12, n=N, rtol=1e-13):
    """Against the same chain without its end, and a projection after every step."""
    x = nearest_point(end, random_vector(n, 1, dtype)) if n else np.zeros(0, dtype)
    y = x.copy()
    opt, plain = no.chain(*head, end).init(x), no.chain(*head).init(y)
    changed = 0
    for k in range(steps):
        g = random_vector(n, 100 + k, dtype)
        before, count, learning_rate = g.copy(), plain.count, plain.learning_rate
        opt.update(x, g)
        plain.update(y, g)
        if plain.count > count:
            free = y.copy()
            y[:] = nearest_point(end, y, learning_rate)
            changed += not np.array_equal(y, free)
        np.testing.assert_allclose(x, y, rtol=rtol, atol=rtol)
        np.testing.assert_array_equal(g, before)
        y[:] = x  # rounding does not add up
    assert opt.count == plain.count
    assert changed > 0 or n == 0


@pytest.mark.parametrize(("end", "dtype"), ENDS, ids=label)
def test_is_the_step_and_then_the_projection(end, dtype):
    check((no.SGD(0.3),), end, dtype)


@pytest.mark.parametrize("head", SOME_HEADS, ids=label)
def test_behind_every_kind_of_rule(head):
    check(head, BY_ENTRY[1][0], float)
    if PLAIN:
        check(head, no.L1Ball(3.0), float)


@pytest.mark.parametrize("n", [0, 1])
@pytest.mark.parametrize("end", [no.Box(0.0, 0.5), no.L1Ball(0.5)], ids=label)
def test_no_entry_and_one_entry(end, n):
    check((no.SGD(0.3),), end, float, n=n)


@pytest.mark.parametrize(("end", "dtype"), [pair for pair in ENDS if is_set(pair[0])], ids=label)
def test_every_iterate_belongs_to_the_set(end, dtype):
    x = 10 * random_vector(N, 2, dtype)
    opt = no.chain(no.SGD(0.5), end).init(x)
    for k in range(6):
        opt.update(x, random_vector(N, k, dtype))
        assert end.contains(x)


@pytest.mark.parametrize("dtype", [np.float32, np.complex64])
def test_single_precision_stays_single(dtype):
    end = no.Box(-0.3, 0.7) if dtype is np.float32 else no.ComplexBox((-0.3, 0.7), (-0.1, 0.1))
    x = random_vector(N, 3, dtype)
    y = x.astype(np.promote_types(dtype, float))
    opt, wide = no.chain(no.Adam(0.1), end).init(x), no.chain(no.Adam(0.1), end).init(y)
    for k in range(8):
        g = random_vector(N, k, dtype)
        opt.update(x, g)
        wide.update(y, g.astype(y.dtype))
    assert x.dtype == dtype
    np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-5)
    assert x.real.max() == np.float32(0.7)
    assert x.real.min() == np.float32(-0.3)


def test_bounds_of_double_precision_with_a_vector_of_single():
    lower, upper = np.linspace(-0.9, -0.1, 8), np.linspace(0.1, 0.3, 8)
    x = np.zeros(8, np.float32)
    opt = no.chain(no.SGD(1.0), no.Box(lower, upper)).init(x)
    opt.update(x, np.tile([5.0, -5.0], 4).astype(np.float32))
    np.testing.assert_array_equal(x, np.where(np.arange(8) % 2 == 0, lower, upper).astype(np.float32))


def test_projected_gradients_converge_to_the_constrained_minimum():
    c = np.array([2.0, -3.0, 0.2])
    for end in (no.Box(-1.0, 1.0), no.L1Ball(1.0)):
        x = np.zeros(3)
        opt = no.chain(no.SGD(0.3), end).init(x)
        for _ in range(200):
            opt.update(x, x - c)
        np.testing.assert_allclose(x, no.project(c, end), atol=1e-12)


def test_ista_finds_the_lasso():
    """min |Ax - b|^2 / 2 + w |x|_1: at its end, |A^T r| <= w, with the sign of x where x is not 0."""
    a, b = random_vector(40, 5).reshape(8, 5), random_vector(8, 6)
    rate, weight = 1 / np.linalg.norm(a, 2) ** 2, 0.8
    x = np.zeros(5)
    opt = no.chain(no.SGD(rate), no.L1Norm(weight)).init(x)
    for _ in range(5000):
        opt.update(x, a.T @ (a @ x - b))
    dual = a.T @ (b - a @ x)
    assert np.all(abs(dual) <= weight * (1 + 1e-9))
    held = x != 0
    assert 0 < held.sum() < 5
    np.testing.assert_allclose(dual[held], weight * np.sign(x[held]), rtol=1e-9)


NORMS = [no.L1Norm(0.5), no.L2Norm(0.5), no.LinfNorm(0.5), no.GroupL1Norm(np.arange(N) % 4, 0.5)]


@pytest.mark.parametrize("end", NORMS if PLAIN else [NORMS[0], NORMS[3]], ids=label)
def test_the_weight_of_a_norm_follows_the_learning_rate(end):
    """That of a schedule, step by step, and one that is set takes its place."""
    rates = [0.2, 0.2, 0.04, 0.04, 0.7]
    x = random_vector(N, 8)
    opt = no.chain(no.SGD(no.piecewise_constant(0.2, {2: 0.2})), end).init(x)
    for k, rate in enumerate(rates):
        if k == 4:
            opt.learning_rate = rate
        expected = nearest_point(end, x - rate * random_vector(N, k), rate)
        opt.update(x, random_vector(N, k))
        np.testing.assert_allclose(x, expected, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("end", NORMS if PLAIN else NORMS[1:2], ids=label)
@pytest.mark.parametrize("head", [no.Scale(-0.1), no.COCOB(), no.chain(no.Trace(0.5), no.Scale(-0.1))], ids=label)
def test_without_a_learning_rate_the_weight_is_its_own(head, end):
    x = random_vector(N, 9)
    y, opt = x.copy(), no.chain(head, end).init(x)
    opt.update(x, random_vector(N, 1))
    head.init(y).update(y, random_vector(N, 1))
    np.testing.assert_allclose(x, nearest_point(end, y), rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("end", NORMS if PLAIN else [NORMS[0], NORMS[2]], ids=label)
def test_a_norm_keeps_single_precision(end):
    x, g = random_vector(N, 10, np.float32), random_vector(N, 11, np.float32)
    expected = nearest_point(end, x.astype(float) - 0.3 * g.astype(float), 0.3)
    no.chain(no.SGD(0.3), end).init(x).update(x, g)
    assert x.dtype == np.float32
    np.testing.assert_allclose(x, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.jit_only
def test_a_norm_with_labels_loses_no_reference():
    labels = np.arange(N) % 4
    x, g = np.ones(N), np.ones(N)
    opt = no.chain(no.SGD(0.1), no.GroupL1Norm(labels, 0.1)).init(x)
    opt.update(x, g)
    before = rtsys.get_allocation_stats()
    for _ in range(20):
        opt.update(x, g)
    after = rtsys.get_allocation_stats()
    assert after.alloc - before.alloc == after.free - before.free


def test_a_nan_stays_in_its_entry_with_a_set_of_numbers():
    x = np.ones(5)
    no.chain(no.SGD(0.1), no.Box(-1.0, 1.0)).init(x).update(x, np.array([1.0, np.nan, 2.0, -3.0, 4.0]))
    np.testing.assert_array_equal(np.isnan(x), [False, True, False, False, False])
    np.testing.assert_allclose(x[[0, 2, 3, 4]], [0.9, 0.8, 1.0, 0.6])


def test_a_nan_shows_in_all_entries_with_a_whole_set():
    x = np.ones(5)
    no.chain(no.SGD(0.1), no.L1Ball(1.0)).init(x).update(x, np.array([1.0, np.nan, 2.0, -3.0, 4.0]))
    assert np.isnan(x).all()


def test_skipped_calls_leave_x_alone():
    x = np.full(3, 5.0)
    opt = no.chain(no.SkipNonFinite(), no.SGD(0.1), no.Box(0.0, 1.0)).init(x)
    opt.update(x, np.array([0.0, np.nan, 0.0]))
    np.testing.assert_array_equal(x, 5.0)
    opt.update(x, np.zeros(3))
    np.testing.assert_array_equal(x, 1.0)


@pytest.mark.parametrize("end", [no.Box(np.full(6, -0.2), 0.4), no.L2Ball(0.5)], ids=label)
def test_pickled_it_continues_bit_for_bit(end):
    x = np.zeros(6)
    opt = no.chain(no.Adam(0.1), end).init(x)
    for k in range(3):
        opt.update(x, random_vector(6, k))
    y, twin = x.copy(), pickle.loads(pickle.dumps(opt))
    for k in range(3, 8):
        opt.update(x, random_vector(6, k))
        twin.update(y, random_vector(6, k))
        np.testing.assert_array_equal(x, y)


def test_state_and_learning_rate_with_a_set():
    x = np.zeros(3)
    opt = no.chain(no.Adam(no.linear(0.1, 0.0, 10)), no.Box(-1.0, 1.0)).init(x)
    opt.update(x, np.ones(3))
    assert set(opt.state) == {"Adam", "Box"}
    assert opt.state["Adam"].m.shape == (3,)
    assert opt.learning_rate == pytest.approx(0.09)
    opt.learning_rate = 10.0
    opt.update(x, np.ones(3))
    np.testing.assert_array_equal(x, -1.0)
    opt.reset()
    assert opt.count == 0


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rules", "x", "error", "message"),
    [
        ((no.Box(0.0, 1.0), no.SGD(0.1)), np.zeros(3), ValueError, "must stand last"),
        ((no.SGD(0.1), no.Box(0.0, 1.0), no.L1Ball(1.0)), np.zeros(3), ValueError, "Box .* must stand last"),
        ((no.SGD(0.1), no.L1Norm(0.1), no.Clip(1.0)), np.zeros(3), ValueError, "L1Norm .* must stand last"),
        ((no.Box(0.0, 1.0),), np.zeros(3), ValueError, "would climb"),
        ((no.Clip(1.0), no.Box(0.0, 1.0)), np.zeros(3), ValueError, "would climb"),
        ((no.SGD(0.1), no.Box(np.zeros(2), 1.0)), np.zeros(3), ValueError, "x has 3 entries"),
        ((no.SGD(0.1), no.GroupL1Norm([0, 1], 1.0)), np.zeros(3), ValueError, "x has 3 entries"),
        ((no.SGD(0.1), no.Box(0.0, 1.0)), np.zeros(3, complex), TypeError, "ComplexBox"),
        ((no.SGD(0.1), no.Simplex(1.0)), np.zeros(3, complex), TypeError, "Simplex"),
        ((no.SGD(0.1), no.ComplexBox((0.0, 1.0), (0.0, 1.0))), np.zeros(3), TypeError, "use Box"),
        ((no.SGD(0.1), no.Disc(1j, 1.0)), np.zeros(3), TypeError, "complex fields"),
    ],
)
def test_what_does_not_fit_is_named(rules, x, error, message):
    with pytest.raises(error, match=message):
        no.chain(*rules).init(x)


def test_wrong_sizes_touch_nothing():
    x = np.zeros(3)
    opt = no.chain(no.SGD(0.1), no.Box(np.ones(3), 2.0)).init(x)
    with pytest.raises(ValueError, match="3 entries"):
        opt.update(np.zeros(4), np.zeros(4))
    with pytest.raises(ValueError, match="3 entries"):
        opt.update(x, np.zeros(2))
    np.testing.assert_array_equal(x, 0.0)
    assert opt.count == 0


# --- inside compiled code -------------------------------------------------------------------------


@numba.njit
def inside(x, calls, lower):
    opt = no.chain(no.ClipByGlobalNorm(1.0), no.Adam(0.1), no.Box(lower, 0.3)).init(x)
    for k in range(calls.shape[0]):
        opt.update(x, calls[k])
    return opt.count


@numba.njit
def inside_a_ball(x, calls):
    opt = no.chain(no.SGD(0.5), no.L2Ball(0.7)).init(x)
    for k in range(calls.shape[0]):
        opt.update(x, calls[k])
    return opt.count


@pytest.mark.slow
def test_the_same_inside_njit():
    calls, lower = random_vector(5 * 6, 0).reshape(5, 6), np.linspace(-0.3, 0.0, 6)
    x, y = np.zeros(6), np.zeros(6)
    assert inside(x, calls, lower) == 5
    opt = no.chain(no.ClipByGlobalNorm(1.0), no.Adam(0.1), no.Box(lower, 0.3)).init(y)
    for g in calls:
        opt.update(y, g)
    np.testing.assert_array_equal(x, y)
    x, y = np.zeros(6), np.zeros(6)
    assert inside_a_ball(x, calls) == 5
    opt = no.chain(no.SGD(0.5), no.L2Ball(0.7)).init(y)
    for g in calls:
        opt.update(y, g)
    np.testing.assert_array_equal(x, y)


@pytest.mark.jit_only
def test_a_chain_that_does_not_fit_does_not_compile():
    @numba.njit
    def early(x):
        return no.chain(no.Box(0.0, 1.0), no.SGD(0.1)).init(x)

    with pytest.raises(TypeError, match="must stand last"):
        early(np.zeros(3))


@pytest.mark.jit_only
@pytest.mark.parametrize("n", [BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + 17])
def test_vectors_of_bounds_across_the_blocks(n):
    """Every entry meets its own bounds."""
    check((no.SGD(0.3),), bounds(n), float, steps=2, n=n)


@pytest.mark.jit_only
@pytest.mark.parametrize("end", [bounds, lambda n: no.L1Norm(0.03), lambda n: no.L2Ball(20.0)], ids=["Box", "L1", "L2"])
def test_threads_give_the_same_bits(end):
    n = PARALLEL_FROM + 4321
    rule = no.chain(no.SGD(0.3), end(n))
    x = random_vector(n, 1)
    y, z = x.copy(), x.copy()
    one, other, third = (rule.init(x) for _ in range(3))
    for k in range(2):
        g = random_vector(n, 10 + k)
        assert serial_update(one, x, g, None) == 0
        assert parallel_update(other, y, g, None) == 0
        third.update(z, g)
        np.testing.assert_array_equal(x, y)
        np.testing.assert_array_equal(x, z)
    free = random_vector(n, 1)
    no.SGD(0.3).init(free).update(free, random_vector(n, 10))
    first = random_vector(n, 1)
    rule.init(first).update(first, random_vector(n, 10))
    np.testing.assert_allclose(first, nearest_point(end(n), free, 0.3), rtol=1e-13, atol=1e-15)


@pytest.mark.jit_only
@pytest.mark.parametrize("end", [bounds(N), no.L2Ball(1.0)], ids=label)
def test_no_update_allocates(end):
    x = np.zeros(N)
    opt, g = no.chain(no.SGD(0.3), end).init(x), random_vector(N, 0)
    opt.update(x, g)
    before = rtsys.get_allocation_stats().alloc
    for _ in range(50):
        opt.update(x, g)
    assert rtsys.get_allocation_stats().alloc == before


@pytest.mark.jit_only
@x86_only
def test_the_loop_of_single_precision_is_packed_and_holds_no_double():
    x, rules = np.ones(8, np.float32), (no.SGD(0.3), no.Box(-0.5, 0.75))
    kept, held = vectors(rules, x), numbers(rules, x)
    c = cast(coefficients(rules, held, 1, 0.1), x)
    ending = (-0.5, 0.75)  # the fields of the set, as numbers of double precision
    types = [numba.typeof(value) for value in (rules, c, kept, ending, x, x, x)]
    text = assembly(_onto(0, 1, 0), tuple(types))
    assert not re.search(r"\bv?cvt(ss2sd|ps2pd)", text)
    assert uses(text, r"(mul|add|sub|fn?m(add|sub)\d+)ps")
    assert uses(text, r"(min|max|blendv|cmp\w*|and)ps")
