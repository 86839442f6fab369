"""The stored pairs and all forms of their product against matrices of BFGS."""

import numba
import numpy as np
import pytest
from machine_code import PACKED_SUM, assembly, uses, x86_only
from numba.core.runtime import rtsys
from reference import dense_inverse_hessian, self_scaled_inverse_hessian

from numopt.solvers.dense import DENSE_UP_TO
from numopt.solvers.pairs import (
    _BLOCK,
    COMPACT_FROM,
    COUNT,
    NEWEST,
    Pairs,
    _add_two,
    _compact,
    _dots_of_two,
    _two_loop,
    descend,
    forget,
    free_row,
    keep,
    new_pairs,
)

FORMS = {"two loops": _two_loop, "compact": _compact}


def random_pair(rng, n):
    """A step and a change of gradient with s.y > 0 and a condition of at most 30."""
    s = rng.standard_normal(n)
    curvature = 10.0 ** rng.uniform(-0.7, 0.7, n)
    return s, curvature * s


def ring_of_pairs(memory, n):
    """Room for pairs that are kept as such, also where ``new_pairs`` would choose a dense matrix."""
    if n > DENSE_UP_TO:
        return new_pairs(memory, n)
    rows, square, work = np.empty((2, memory, n)), np.zeros((2, memory, memory)), np.zeros((5, memory))
    return Pairs(rows[0], rows[1], square[0], square[1], work, np.empty((0, 0)), np.zeros(3, np.int64))


def store(pairs, s, y, sbs=1.0):
    """What a solver does after a step."""
    row = free_row(pairs)
    pairs.steps[row], pairs.changes[row] = s, y
    keep(pairs, row, float(s @ y), float(y @ y), sbs)


def product(form, pairs, g):
    """-H g by one of the forms."""
    d = np.full(g.size, np.nan)
    form(pairs, g, d)
    return d


def twin(history, memory):
    """H as the dense matrix of the last ``memory`` pairs."""
    kept = history[-memory:]
    s, y = kept[-1]
    return dense_inverse_hessian(kept, (s @ y) / (y @ y))


def assert_close(found, expected, rtol=1e-10):
    assert np.linalg.norm(found - expected) <= rtol * np.linalg.norm(expected)


@pytest.mark.parametrize("memory", [1, 3, 10])
@pytest.mark.parametrize("n", [1, 2, 3, 7, 20, 50])
def test_descend_is_the_dense_product(n, memory):
    rng = np.random.default_rng([30, n, memory])
    pairs, history = ring_of_pairs(memory, n), []
    for stored in range(1, 26):
        history.append(random_pair(rng, n))
        store(pairs, *history[-1])
        assert pairs.ring[COUNT] == min(stored, memory)
        g = rng.standard_normal(n)
        g_before, d = g.copy(), np.full(n, np.nan)
        slope = descend(pairs, g, d)
        assert_close(d, -twin(history, memory) @ g)
        np.testing.assert_array_equal(g, g_before)
        assert slope < 0.0
        assert abs(slope - d @ g) <= 1e-12 * np.linalg.norm(d) * np.linalg.norm(g)


@pytest.mark.parametrize("memory", [1, 3, 10])
@pytest.mark.parametrize("n", [20, 50, 101])
def test_compact_form_is_the_dense_product(n, memory):
    """Also with fewer entries than it is meant for, and for several gradients at the same pairs."""
    rng = np.random.default_rng([31, n, memory])
    pairs, history = ring_of_pairs(memory, n), []
    for _ in range(25):
        history.append(random_pair(rng, n))
        store(pairs, *history[-1])
        inverse = twin(history, memory)
        for _ in range(3):
            g = rng.standard_normal(n)
            d = np.full(n, np.nan)
            slope = _compact(pairs, g, d)
            assert_close(d, -inverse @ g)
            assert slope < 0.0
            assert abs(slope - d @ g) <= 1e-12 * np.linalg.norm(d) * np.linalg.norm(g)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("n", [1, 2, 5])
def test_pairs_of_a_quadratic_end_in_its_inverse(n, form):
    """n conjugate steps along a quadratic determine H = A^-1, whatever gamma is."""
    rng = np.random.default_rng([32, n])
    factor = rng.standard_normal((n, n))
    a = factor @ factor.T + n * np.eye(n)
    _, directions = np.linalg.eigh(a)
    pairs = ring_of_pairs(n, n)
    for s in directions.T:
        store(pairs, s, a @ s)
        product(FORMS[form], pairs, s)  # as a solver does, which needs a direction after each step
    g = rng.standard_normal(n)
    assert_close(product(FORMS[form], pairs, g), -np.linalg.solve(a, g))


@pytest.mark.parametrize("memory", [1, 4, 10])
@pytest.mark.parametrize("n", [COMPACT_FROM - 1, COMPACT_FROM, 2 * COMPACT_FROM + 1])
def test_both_forms_agree_for_long_vectors(n, memory):
    rng = np.random.default_rng([33, n, memory])
    pairs = ring_of_pairs(memory, n)
    for _ in range(13):
        store(pairs, *random_pair(rng, n))
        g = rng.standard_normal(n)
        compact = product(_compact, pairs, g)
        assert_close(compact, product(_two_loop, pairs, g), rtol=1e-12)
        d = np.full(n, np.nan)
        slope = descend(pairs, g, d)
        chosen = product(_two_loop, pairs, g) if n < COMPACT_FROM else product(_compact, pairs, g)
        np.testing.assert_array_equal(d, chosen)
        assert abs(slope - d @ g) <= 1e-12 * np.linalg.norm(d) * np.linalg.norm(g)


@pytest.mark.jit_only
@pytest.mark.parametrize("n", [_BLOCK - 1, _BLOCK, _BLOCK + 1, 2 * _BLOCK + 77])
def test_blocks(n):
    rng = np.random.default_rng([34, n])
    pairs = ring_of_pairs(3, n)
    for _ in range(5):
        store(pairs, *random_pair(rng, n))
        for _ in range(2):
            g = rng.standard_normal(n)
            d = np.full(n, np.nan)
            slope = _compact(pairs, g, d)
            assert_close(d, product(_two_loop, pairs, g), rtol=1e-12)
            assert abs(slope - d @ g) <= 1e-12 * np.linalg.norm(d) * np.linalg.norm(g)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("n", [1, 2, 10, 40])
def test_secant_equation(n, form):
    """H y = s for the newest pair."""
    rng = np.random.default_rng([35, n])
    pairs = ring_of_pairs(5, n)
    for _ in range(12):
        s, y = random_pair(rng, n)
        store(pairs, s, y)
        assert_close(product(FORMS[form], pairs, y), -s, rtol=1e-8 if n < 10 else 1e-11)


@pytest.mark.parametrize("form", FORMS)
def test_one_pair_by_hand(form):
    """s = (1, 0), y = (2, 2), gamma = 1/4: all numbers are exact."""
    pairs = ring_of_pairs(4, 2)
    store(pairs, np.array([1.0, 0.0]), np.array([2.0, 2.0]))
    # V = I - y s'/2 = ((0, 0), (-1, 1)); H = V'V/4 + s s'/2 = ((3/4, -1/4), (-1/4, 1/4))
    np.testing.assert_array_equal(product(FORMS[form], pairs, np.array([4.0, 8.0])), [-1.0, -1.0])


class TestKeep:
    """The pair in the free row becomes the newest only if its curvature is positive and can be used."""

    BAD = [
        (0.0, 1.0),
        (-0.0, 1.0),
        (-1.0, 1.0),
        (np.nan, 1.0),
        (np.inf, 1.0),
        (-np.inf, 1.0),
        (1.0, 0.0),
        (1.0, -1.0),
        (1.0, np.nan),
        (1.0, np.inf),
        (5e-324, 1.0),  # 1 / (s.y) overflows
        (1e200, 1e-200),  # so does gamma
    ]

    @pytest.mark.parametrize(("sy", "yy"), BAD)
    def test_the_first(self, sy, yy):
        pairs = ring_of_pairs(3, 2)
        keep(pairs, free_row(pairs), sy, yy, 1.0)
        assert pairs.ring[COUNT] == 0
        assert free_row(pairs) == 0

    @pytest.mark.parametrize(("sy", "yy"), BAD)
    @pytest.mark.parametrize("stored", [1, 2])
    def test_while_there_is_room_nothing_is_lost(self, sy, yy, stored):
        rng = np.random.default_rng(36)
        pairs, history = ring_of_pairs(3, 8), [random_pair(rng, 8) for _ in range(stored)]
        for pair in history:
            store(pairs, *pair)
        row = free_row(pairs)
        pairs.steps[row], pairs.changes[row] = 1e6, -1e6
        keep(pairs, row, sy, yy, 1.0)
        assert pairs.ring[COUNT] == stored
        assert free_row(pairs) == row
        g = rng.standard_normal(8)
        assert_close(product(_two_loop, pairs, g), -twin(history, 3) @ g)

    @pytest.mark.parametrize(("sy", "yy"), BAD)
    @pytest.mark.parametrize("stored", [3, 4, 5, 6])
    @pytest.mark.parametrize("form", FORMS)
    def test_a_full_memory_drops_the_pair_that_was_overwritten(self, sy, yy, stored, form):
        rng = np.random.default_rng([37, stored])
        pairs, history = ring_of_pairs(3, 8), [random_pair(rng, 8) for _ in range(stored)]
        for pair in history:
            store(pairs, *pair)
            product(FORMS[form], pairs, pair[0])
        for rejected in range(1, 3):  # the second one overwrites the same row
            row = free_row(pairs)
            pairs.steps[row], pairs.changes[row] = 1e6, -1e6
            keep(pairs, row, sy, yy, 1.0)
            assert pairs.ring[COUNT] == 2
            assert free_row(pairs) == row, rejected
            g = rng.standard_normal(8)
            assert_close(product(FORMS[form], pairs, g), -twin(history, 2) @ g)
        history.append(random_pair(rng, 8))
        store(pairs, *history[-1])
        assert pairs.ring[COUNT] == 3
        g = rng.standard_normal(8)
        assert_close(product(FORMS[form], pairs, g), -twin(history, 3) @ g)

    def test_a_memory_of_one(self):
        pairs = ring_of_pairs(1, 2)
        store(pairs, np.array([1.0, 0.0]), np.array([2.0, 0.0]))
        assert pairs.ring[COUNT] == 1
        assert free_row(pairs) == 0
        store(pairs, np.array([1.0, 0.0]), np.array([-2.0, 0.0]))
        assert pairs.ring[COUNT] == 0

    def test_the_ring(self):
        pairs = ring_of_pairs(3, 1)
        rows = []
        for _ in range(7):
            rows.append(int(free_row(pairs)))
            store(pairs, np.ones(1), np.ones(1))
            assert pairs.ring[NEWEST] == rows[-1]
        assert rows == [0, 1, 2, 0, 1, 2, 0]

    def test_extreme_curvatures_are_kept(self):
        for scale in (1e-150, 1e-100, 1e100, 1e150):
            pairs = ring_of_pairs(2, 3)
            s = np.array([1.0, -2.0, 0.5])
            store(pairs, s, scale * s)
            assert pairs.ring[COUNT] == 1
            assert_close(product(_two_loop, pairs, s), -s / scale)


@pytest.mark.parametrize("form", FORMS)
def test_forget(form):
    rng = np.random.default_rng(38)
    pairs, history = ring_of_pairs(3, 9), []
    for round_ in range(3):
        for _ in range(round_ + 2):
            history.append(random_pair(rng, 9))
            store(pairs, *history[-1])
            g = rng.standard_normal(9)
            assert_close(product(FORMS[form], pairs, g), -twin(history, 3) @ g)
        forget(pairs)
        history.clear()
        assert pairs.ring[COUNT] == 0
        assert free_row(pairs) == 0


def test_inner_products_are_exact():
    """S'Y above its diagonal and Y'Y are recomputed for each pair, never updated by differences."""
    rng = np.random.default_rng(39)
    memory, n = 4, 60
    pairs = ring_of_pairs(memory, n)
    for _ in range(11):
        store(pairs, *random_pair(rng, n))
        _compact(pairs, rng.standard_normal(n), np.empty(n))
        count, newest = pairs.ring[COUNT], pairs.ring[NEWEST]
        rows = [(newest - age) % memory for age in range(count)]
        for later, row in enumerate(rows):
            for column in rows[: later + 1]:
                expected = pairs.steps[row] @ pairs.changes[column]
                np.testing.assert_allclose(pairs.inner[row, column], expected, rtol=1e-11)
        y = pairs.changes[rows]
        np.testing.assert_allclose(pairs.gram[np.ix_(rows, rows)], y @ y.T, rtol=1e-11, atol=1e-12)


def test_steps_and_changes_are_only_read():
    rng = np.random.default_rng(40)
    pairs = ring_of_pairs(3, 10)
    for _ in range(4):
        store(pairs, *random_pair(rng, 10))
    steps, changes = pairs.steps.copy(), pairs.changes.copy()
    for form in FORMS.values():
        product(form, pairs, rng.standard_normal(10))
    np.testing.assert_array_equal(pairs.steps, steps)
    np.testing.assert_array_equal(pairs.changes, changes)


class TestDense:
    """Up to DENSE_UP_TO unknowns: a dense inverse Hessian, self-scaled."""

    @pytest.mark.parametrize("n", [1, 2, 3, 7, DENSE_UP_TO])
    @pytest.mark.parametrize("falling", [1.0, 0.5], ids=["steady", "falling"])
    def test_descend_is_the_product_of_the_self_scaled_matrix(self, n, falling):
        rng = np.random.default_rng([41, n])
        pairs, history, inverse, scaled = new_pairs(10, n), [], np.eye(n), 0
        for stored in range(25):
            s, y = random_pair(rng, n)
            y *= falling**stored
            sbs = s @ np.linalg.solve(inverse, s)
            scaled += stored > 0 and s @ y < sbs
            history.append((s, y))
            store(pairs, s, y, sbs)
            assert pairs.ring[COUNT] == 1
            inverse = self_scaled_inverse_hessian(history)
            g = rng.standard_normal(n)
            g_before, d = g.copy(), np.full(n, np.nan)
            slope = descend(pairs, g, d)
            assert_close(d, -inverse @ g)
            np.testing.assert_array_equal(g, g_before)
            assert slope < 0.0
            assert abs(slope - d @ g) <= 1e-12 * np.linalg.norm(d) * np.linalg.norm(g)
            assert_close(product(descend, pairs, y), -s)
            np.testing.assert_array_equal(pairs.inverse, pairs.inverse.T)
        assert 5 <= scaled < 24  # both cases were seen

    def test_never_scaled_up(self):
        """tau > 1 leaves the matrix alone: plain BFGS."""
        rng = np.random.default_rng(42)
        history = [random_pair(rng, 6) for _ in range(8)]
        pairs = new_pairs(10, 6)
        for s, y in history:
            store(pairs, s, y, 0.5 * (s @ y))
        s, y = history[0]
        g = rng.standard_normal(6)
        assert_close(product(descend, pairs, g), -dense_inverse_hessian(history, (s @ y) / (y @ y)) @ g)

    @pytest.mark.parametrize(("sy", "yy"), TestKeep.BAD)
    def test_a_pair_without_curvature_changes_nothing(self, sy, yy):
        rng = np.random.default_rng(43)
        pairs = new_pairs(10, 5)
        keep(pairs, free_row(pairs), sy, yy, 1.0)
        assert pairs.ring[COUNT] == 0
        for _ in range(3):
            store(pairs, *random_pair(rng, 5))
        before = pairs.inverse.copy()
        row = free_row(pairs)
        pairs.steps[row], pairs.changes[row] = 1e6, -1e6
        keep(pairs, row, sy, yy, 1.0)
        assert pairs.ring[COUNT] == 1
        np.testing.assert_array_equal(pairs.inverse, before)

    def test_forget(self):
        rng = np.random.default_rng(44)
        pairs, fresh = new_pairs(10, 4), new_pairs(10, 4)
        for _ in range(5):
            store(pairs, *random_pair(rng, 4))
        forget(pairs)
        assert pairs.ring[COUNT] == 0
        for _ in range(3):
            pair = random_pair(rng, 4)
            store(pairs, *pair)
            store(fresh, *pair)
            np.testing.assert_array_equal(pairs.inverse, fresh.inverse)

    def test_its_place(self):
        dense, ring = new_pairs(10, DENSE_UP_TO), new_pairs(10, DENSE_UP_TO + 1)
        assert dense.inverse.shape == (DENSE_UP_TO, DENSE_UP_TO)
        assert dense.steps.shape == dense.changes.shape == (1, DENSE_UP_TO)
        assert ring.inverse.size == 0
        assert ring.steps.shape == ring.changes.shape == (10, DENSE_UP_TO + 1)

    def test_a_falling_curvature_is_forgotten_at_once(self):
        """The curvature is 1e4 at first, then 1: unscaled, the steps along ``first`` would stay 1e4 times too short."""
        pairs = new_pairs(10, 2)
        first, second = np.array([1.0, 0.0]), np.array([0.0, 1.0])
        store(pairs, first, 1e4 * first)
        store(pairs, second, second, 1e4)
        np.testing.assert_allclose(product(descend, pairs, first), -first, rtol=1e-15)
        np.testing.assert_allclose(product(descend, pairs, second), -second, rtol=1e-15)


@numba.njit
def many_products(pairs, g, d, rounds):
    total = 0.0
    for _ in range(rounds):
        row = free_row(pairs)
        keep(pairs, row, 1.0, 2.0, 3.0)
        total += descend(pairs, g, d)
    return total


@pytest.mark.jit_only
@pytest.mark.parametrize("n", [DENSE_UP_TO, DENSE_UP_TO + 1, COMPACT_FROM])
def test_a_product_allocates_nothing(n):
    pairs = new_pairs(3, n)
    pairs.steps[:], pairs.changes[:] = 1e-3, 1e-3
    g, d = np.ones(n), np.empty(n)
    allocations = []
    for rounds in (1, 1, 50):
        before = rtsys.get_allocation_stats().alloc
        many_products(pairs, g, d, rounds)
        allocations.append(rtsys.get_allocation_stats().alloc - before)
    assert allocations[1] == allocations[2]


@pytest.mark.jit_only
@x86_only
def test_passes_over_the_history_are_packed():
    vector, number = numba.float64[::1], numba.float64
    assert uses(assembly(_dots_of_two, (vector,) * 6), PACKED_SUM)
    assert uses(assembly(_add_two, (vector, *(number, vector) * 4)), PACKED_SUM)
