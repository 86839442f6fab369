"""Sparse evolutionary training as rules of a chain."""

import copy
import pickle

import numba
import numpy as np
import pytest
from numba.core.runtime import rtsys
from rules.cases import OF_NORMS, RULES, label

import numopt as no
from numopt._jit import write
from numopt.generic import coefficients, element, fresh, numbers, vectors
from numopt.rules.update import PARALLEL_FROM, parallel_update, serial_update

PLAIN = bool(numba.config.DISABLE_JIT)
LAYERS = [(0, 8, 10), (90, 10, 5)]  # between them ten biases
N = 140
BIASES = np.r_[80:90]
INSIDE = np.setdiff1d(np.arange(N), BIASES)
INNER = [no.SGD(0.1), no.SGD(0.1, 0.9), no.Adam(0.1), no.ACProp(0.1), no.chain(no.ClipByGlobalNorm(1.0), no.AdamW(0.1))]
MORE = [*RULES, *OF_NORMS, no.Lookahead(no.Adam(0.1), 3), no.ScheduleFree(no.SGD(0.1))] if PLAIN else []


def start(dtype=float, n=N):
    rng = np.random.default_rng(3)
    return (rng.standard_normal(n) + (1j * rng.standard_normal(n) if np.dtype(dtype).kind == "c" else 0)).astype(dtype)


def gradients(steps, dtype=float, n=N, seed=1):
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        g = rng.standard_normal(n) + (1j * rng.standard_normal(n) if np.dtype(dtype).kind == "c" else 0)
        yield g.astype(dtype)


def mask_of(opt):
    return opt.state["Links"].mask


@pytest.mark.parametrize(("epsilon", "density"), [(1.0, None), (None, 0.1), (100.0, None)])
def test_init_makes_x_sparse(epsilon, density):
    x = start()
    dense = x.copy()
    opt = no.SET(no.SGD(0.1), LAYERS, epsilon=epsilon, density=density).init(x)
    for offset, n_in, n_out in LAYERS:
        part, size = slice(offset, offset + n_in * n_out), n_in * n_out
        share = density or min(1.0, epsilon * (n_in + n_out) / size)
        links = mask_of(opt)[part] != 0
        assert links.sum() == round(share * size)
        np.testing.assert_array_equal(x[part][~links], 0)
        np.testing.assert_allclose(x[part][links], dense[part][links] / np.sqrt(links.mean()), rtol=1e-14)
    np.testing.assert_array_equal(x[BIASES], dense[BIASES])


@pytest.mark.variants
@pytest.mark.parametrize("rule", INNER + MORE, ids=label)
def test_the_number_of_links_is_constant_and_the_rest_exactly_zero(rule):
    x = start()
    opt = no.SET(rule, LAYERS, density=0.2, every=3).init(x)
    first, moved = mask_of(opt).copy(), False
    for g in gradients(20):
        opt.update(x, g)
        mask = mask_of(opt)
        assert np.count_nonzero(mask[:80]) == 16
        assert np.count_nonzero(mask[90:]) == 10
        assert not x[mask == 0].any()
        assert np.isfinite(x).all()
        moved = moved or (mask != first).any()
    assert moved
    state = opt.state["Links"]
    assert (state.nnz, state.rewirings) == (26, 6)
    assert state.survivors == np.count_nonzero(mask[INSIDE] == 2) < 26
    assert state.exchanged > 0


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [np.complex128, np.float32])
@pytest.mark.parametrize("grow", [no.AtRandom(), no.ByMomentum(0.5)], ids=repr)
def test_complex_and_single_precision(dtype, grow):
    x = start(dtype)
    opt = no.SET(no.Adam(0.1), LAYERS, density=0.2, every=2, grow=grow, prune=no.ByMagnitude()).init(x)
    for g in gradients(9, dtype):
        opt.update(x, g)
        assert not x[mask_of(opt) == 0].any()
    assert x.dtype == dtype
    assert np.count_nonzero(mask_of(opt)[INSIDE]) == 26


def test_equals_the_rule_on_links_alone_until_the_first_rewiring():
    x = start()
    opt = no.SET(no.Adam(0.1), LAYERS, density=0.3, every=100).init(x)
    links = mask_of(opt) != 0
    y = x[links].copy()
    other = no.Adam(0.1).init(y)
    for g in gradients(10):
        opt.update(x, g)
        other.update(y, g[links])
    np.testing.assert_allclose(x[links], y, rtol=1e-13)


@pytest.mark.slow
def test_norms_are_those_of_the_links():
    x = start()
    opt = no.SET(no.chain(no.ClipByGlobalNorm(1.0), no.SGD(1.0)), LAYERS, density=0.3).init(x)
    links, before = mask_of(opt) != 0, x.copy()
    g = next(gradients(1))
    opt.update(x, g)
    np.testing.assert_allclose(x - before, np.where(links, -g / np.linalg.norm(g[links]), 0), rtol=1e-13, atol=1e-15)


@pytest.mark.slow
@pytest.mark.parametrize("grow", [no.ByGradient(), no.ByMomentum(0.0)], ids=repr)
def test_grows_where_the_gradient_is_largest(grow):
    x = start()
    opt = no.SET(no.SGD(1e-3), LAYERS, density=0.2, every=1, grow=grow).init(x)
    before = mask_of(opt).copy()
    g = np.full(N, 1e-3)
    empty = np.flatnonzero(before == 0)
    g[empty[::7]] = 5.0
    opt.update(x, g)
    new = np.flatnonzero((before == 0) & (mask_of(opt) != 0))
    assert new.size > 0
    assert np.isin(new, empty[::7]).sum() == min(new.size, empty[::7].size)


def test_weight_decay_wakes_no_link_and_frozen_gradients_neither():
    x = start()
    opt = no.SET(no.AdamW(0.1, weight_decay=0.5), LAYERS, density=0.2, every=1000).init(x)
    mask = mask_of(opt).copy()
    for g in gradients(5):
        x[np.flatnonzero(mask == 0)[0]] = 1.0  # by the user's own doing
        opt.update(x, g)
        np.testing.assert_array_equal(x[mask == 0], 0)


@pytest.mark.parametrize("rule", [no.Adam(0.1), no.ACProp(0.1, weight_decay=0.0), no.AMSGrad(0.1)], ids=label)
def test_the_first_step_of_a_new_link_is_no_longer_than_any_other(rule):
    x = start()
    opt = no.SET(rule, LAYERS, density=0.2, every=50).init(x)
    g = np.where(np.arange(N) % 2, 1.0, -1.0)
    for _ in range(49):
        opt.update(x, g)
    before = mask_of(opt).copy()
    opt.update(x, g)  # exchanges links, and gives the new ones their first gradient
    new = np.flatnonzero((mask_of(opt) == 3) & (before != 3))
    assert new.size > 0
    np.testing.assert_array_equal(x[new], 0)
    opt.update(x, g)
    np.testing.assert_allclose(x[new], -0.1 * g[new], rtol=1e-3)


def test_a_new_link_waits_for_a_gradient():
    x = start()
    opt = no.SET(no.Adam(0.1), LAYERS, density=0.2, every=5, steps=7).init(x)
    for g in gradients(4):
        opt.update(x, g)
    opt.update(x, np.zeros(N))
    waiting = np.flatnonzero(mask_of(opt) == 1)
    assert opt.state["Links"].waiting == waiting.size > 0
    g = np.zeros(N)
    g[waiting[0]] = np.nan
    opt.update(x, g)
    assert mask_of(opt)[waiting[0]] == 1
    g[waiting[0]] = 1e-200
    opt.update(x, g)
    assert mask_of(opt)[waiting[0]] == 3
    opt.update(x, g)
    assert np.isfinite(x).all()
    assert opt.state["Links"].waiting == waiting.size - 1


@pytest.mark.variants
@pytest.mark.parametrize("rule", RULES if PLAIN else [no.Adam(0.1), no.Adan(0.1), no.Yogi(0.1)], ids=label)
def test_fresh_state_goes_on_as_that_of_an_entry_with_a_history(rule):
    """After 40 equal gradients, one whose history is made up steps about as far as one that has it."""
    x, g = np.zeros(1), np.array([0.7])
    opt = rule.init(x)
    for _ in range(40):
        opt.update(x, g)
    other = copy.deepcopy(opt)
    write(other.vectors[0], 0, fresh(opt.rules[0], opt.numbers[0], 40, g[0], x[0]))
    y, z = x.copy(), x.copy()
    opt.update(y, g)
    other.update(z, g)
    longest = 3.0 if isinstance(rule, (no.AdaDelta, no.AdaGrad, no.COCOB, no.MADGRAD, no.RProp)) else 1.0 + 1e-6
    assert abs(z - x)[0] <= longest * max(abs(y - x)[0], 0.11)
    assert abs(z - x)[0] > 0.0 or abs(g + getattr(rule, "weight_decay", 0.0) * x)[0] < 1e-12  # nothing pulls any more


def test_pickles_and_copies_give_the_same_bits():
    x = start()
    opt = no.SET(no.Adam(0.1), LAYERS, density=0.3, every=2, sigma=0.1).init(x)
    for g in gradients(3):
        opt.update(x, g)
    for other in (pickle.loads(pickle.dumps(opt)), copy.deepcopy(opt)):
        y, again, z = x.copy(), copy.deepcopy(opt), x.copy()
        for g in gradients(5, seed=2):
            other.update(y, g)
            again.update(z, g)
        np.testing.assert_array_equal(y, z)


@pytest.mark.jit_only
def test_parallel_updates_give_the_same_bits_and_none_allocates():
    n = PARALLEL_FROM + 50_001
    rule = no.SET(no.Adam(0.1), [(0, 300, 400)], density=0.1, every=2)
    x = start(n=n)
    y = x.copy()
    one, other = rule.init(x), rule.init(y)
    for g in gradients(5, n=n):
        before = rtsys.get_allocation_stats().alloc
        assert serial_update(one, x, g, None) == 0
        assert rtsys.get_allocation_stats().alloc == before
        assert parallel_update(other, y, g, None) == 0
        np.testing.assert_array_equal(x, y)


SPARSE_ADAM = no.SET(no.Adam(0.1), LAYERS, density=0.3, every=2)


@numba.njit
def inside(rule, x, gs):
    opt = rule.init(x)
    for k in range(gs.shape[0]):
        opt.update(x, gs[k])
    return opt


def test_the_same_inside_njit():
    x, y, gs = start(), start(), np.array(list(gradients(5)))
    inside(SPARSE_ADAM, x, gs)
    opt = SPARSE_ADAM.init(y)
    for g in gs:
        opt.update(y, g)
    np.testing.assert_array_equal(x, y)


def test_reset_draws_the_same_links():
    x = start()
    opt = SPARSE_ADAM.init(x)
    first, mask = x.copy(), mask_of(opt).copy()
    for g in gradients(4):
        opt.update(x, g)
    after = x.copy()
    opt.reset()
    np.testing.assert_array_equal(mask_of(opt), mask)
    x[:] = first
    for g in gradients(4):
        opt.update(x, g)
    np.testing.assert_array_equal(x, after)


def test_stops_and_follows_a_schedule():
    x = start()
    rule = no.SET(no.SGD(0.1), LAYERS, density=0.5, every=2, steps=10, stop=0.5, zeta=no.linear(1.0, 0.0, 4))
    opt = rule.init(x)
    exchanged = []
    for g in gradients(10):
        opt.update(x, g)
        exchanged.append(opt.state["Links"].exchanged)
    assert opt.state["Links"].rewirings == 2
    assert exchanged[1] > exchanged[3] > 0


def test_in_a_chain_and_as_a_method():
    target = np.zeros(N)
    target[:40] = 2.0
    res = no.minimize(
        lambda w: (np.sum((w - target) ** 2), 2 * (w - target)),
        start(),
        jac=True,
        method=no.chain(
            no.Clip(5.0), no.SET(no.SGD(0.1), LAYERS, density=0.5, every=4, steps=60, grow=no.ByGradient())
        ),
        options={"maxiter": 150},
    )
    assert np.count_nonzero(res.x[INSIDE]) <= 65
    assert np.count_nonzero(abs(res.x[:40] - 2) < 1e-2) >= 35


@pytest.mark.parametrize("steps", [0, 25])
def test_minimize_begins_at_a_sparse_copy_of_x0(steps):
    x0, rule = start(), no.SET(no.SGD(0.05), LAYERS, density=0.5, every=4)
    target, points, seen = np.linspace(-1, 1, N), [], []
    expected, given = x0.copy(), x0.copy()
    rule.init(expected)

    def fun(w):
        points.append(w.copy())
        return np.sum((w - target) ** 2), 2 * (w - target)

    res = no.minimize(fun, x0, jac=True, method=rule, callback=seen.append, options={"maxiter": steps})
    np.testing.assert_array_equal(x0, given)
    np.testing.assert_array_equal(points[0], expected)
    assert np.count_nonzero(expected[INSIDE]) < np.count_nonzero(x0[INSIDE])
    assert (res.nit, res.nfev, len(points), len(seen)) == (steps, steps + 1, steps + 1, steps)
    assert all(np.array_equal(a, b) for a, b in zip(seen, points[1:], strict=True))
    values = [np.sum((w - target) ** 2) for w in points]
    best = int(np.argmin(values))
    assert res.fun == values[best]
    np.testing.assert_array_equal(res.x, points[best])
    np.testing.assert_array_equal(res.jac, 2 * (points[best] - target))
    for point in points:
        assert np.count_nonzero(point[INSIDE]) <= np.count_nonzero(expected[INSIDE])


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: no.SET(no.SGD(0.1), LAYERS), "either epsilon or density"),
        (lambda: no.SET(no.SGD(0.1), LAYERS, 1.0, 0.5), "either epsilon or density"),
        (lambda: no.SET(no.SGD(0.1), LAYERS, density=0.0), "density"),
        (lambda: no.SET(no.SGD(0.1), LAYERS, epsilon=-1.0), "epsilon"),
        (lambda: no.SET(no.SGD(0.1), [(0, 3, 3), (8, 2, 2)], density=0.5), "overlap"),
        (lambda: no.SET(no.SGD(0.1), LAYERS, density=0.5, zeta=0.0), "zeta"),
        (lambda: no.SET(no.SGD(0.1), LAYERS, density=0.5, zeta="a"), "zeta"),
        (lambda: no.SET(no.SGD(0.1), LAYERS, density=0.5, every=0), "every"),
        (lambda: no.SET(no.SGD(0.1), LAYERS, density=0.5, steps=0), "steps"),
        (lambda: no.SET(no.SGD(0.1), LAYERS, density=0.5, prune="set"), "prune"),
        (lambda: no.SET(no.SGD(0.1), LAYERS, density=0.5, grow="random"), "grow"),
        (lambda: no.SET(no.SGD(0.1), LAYERS, density=0.5, seed=0.5), "seed"),
        (lambda: no.SET(no.SGD(0.1), "a", density=0.5), r"layers must be a list of \(offset, n_in, n_out\), got 'a'"),
        (lambda: no.SET(no.SGD(0.1), [(0, 3)], density=0.5), "layers must be a list"),
        (lambda: no.SET(no.SGD(0.1), LAYERS, density=0.5, zeta=no.L1Ball(0.5)), "zeta must be a number or a schedule"),
        (lambda: no.SET(no.SGD(0.1), LAYERS, density=0.5, every=1e300), "every must be a whole number from 1 to"),
        (lambda: no.SET("adam", LAYERS, density=0.5), "chain takes rules"),
        (lambda: no.ByMomentum(1.0), "decay"),
        (lambda: SPARSE_ADAM.init(np.ones(100)), "not as many"),
        (lambda: SPARSE_ADAM.init(list(start())), "changes x"),
        (lambda: SPARSE_ADAM.init(np.ones(2 * N)[::2]), "changes x"),
        (lambda: no.chain(SPARSE_ADAM, no.Box(0, 1)).init(start()), "KeepLinks must stand last"),
        (lambda: no.Lookahead(SPARSE_ADAM).init(start()), "KeepLinks must stand last"),
    ],
)
def test_wrong_arguments_are_named(make, match):
    with pytest.raises((ValueError, TypeError), match=match):
        make()


def test_every_rule_that_keeps_vectors_says_how_they_begin():
    x = np.ones(3)
    for rule in RULES + OF_NORMS:
        for link in getattr(rule, "rules", (rule,)):
            kept, held = vectors(link, x), numbers(link, x)
            values = fresh(link, held, 5, 0.5, 1.0)
            assert len(values) == len(kept), link
            c = coefficients(link, held, 5, 0.1)
            assert len(element(link, c, values, 0.5, 1.0)[0]) == len(kept)


def unchecked(value):
    """The schedule as compiled code makes it."""
    return tuple.__new__(no.constant, (value,))


@pytest.mark.parametrize("zeta", [no.constant(1e9), unchecked(-1.0), unchecked(np.nan), no.linear(0.3, 1.5, 20)])
def test_a_schedule_exchanges_no_more_than_all_links(zeta):
    x = start()
    opt = no.SET(no.SGD(0.1), LAYERS, density=0.3, every=1, zeta=zeta).init(x)
    links = np.count_nonzero(mask_of(opt)[INSIDE])
    for g in gradients(25):
        opt.update(x, g)
        assert np.count_nonzero(mask_of(opt)[INSIDE]) == links
        assert 0 <= opt.state["Links"].exchanged <= links


def test_numbers_that_make_no_sense_are_refused():
    for wrong in ({"every": np.inf}, {"steps": np.nan}, {"steps": 0}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            no.SET(no.SGD(0.1), LAYERS, density=0.3, **wrong)
    with pytest.raises(ValueError, match="at most 2"):
        no.SET(no.SGD(0.1), [(0, 1e200, 1e200)], density=0.3)
    assert no.SET(no.SGD(0.1), LAYERS, density=0.3, steps=np.inf, stop=0).rules[0].last == 0.0
