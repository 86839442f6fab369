"""Conformance with Optax: a stored table of its numbers always, Optax itself where it is installed."""

import importlib
import json

import numba
import numpy as np
import pytest
from rules.peer_optax import COUNTS, RULES, SCHEDULES, STEPS, TABLE, N, ours, runs, sequences, table

import numopt as no

pytestmark = pytest.mark.variants

RUNS = [
    pytest.param(*run, id=f"{run[0]}, {run[1].__name__}")
    for place, run in enumerate(runs())
    if numba.config.DISABLE_JIT or run[1] is float or place % 8 == 1  # each takes two seconds to compile
]


@pytest.fixture(scope="module")
def stored():
    return json.loads(TABLE.read_text())


@pytest.fixture(scope="module")
def optax():
    jax = pytest.importorskip("jax")
    found = pytest.importorskip("optax")
    importlib.import_module("optax.contrib")
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield found
    jax.config.update("jax_enable_x64", before)


@pytest.mark.parametrize(("name", "dtype", "rule"), RUNS)
def test_rules_are_those_of_the_table(stored, name, dtype, rule):
    expected = np.array(stored["rules"][f"{name}, {dtype.__name__}"]).view(dtype)
    tolerance = RULES[name][2] if len(RULES[name]) > 2 else 1e-10
    np.testing.assert_allclose(ours(rule, dtype), expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_are_those_of_the_table(stored, name):
    np.testing.assert_allclose(SCHEDULES[name][0](np.array(COUNTS)), stored["schedules"][name], rtol=1e-14, atol=1e-16)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_the_table_is_optaxs(stored, optax):
    fresh = table(optax)
    for kind in ("rules", "schedules"):
        assert fresh[kind].keys() == stored[kind].keys()
        for name, values in fresh[kind].items():
            np.testing.assert_allclose(stored[kind][name], values, rtol=1e-12, atol=1e-14)


# --- documented differences ------------------------------------------------------------------------------------------


def test_acprop_is_optaxs_divided_by_b1():
    """Optax centres with the earlier m: with eps = 0, u_numopt = u_optax / b1 from the second step on."""
    b1, b2 = 0.9, 0.99
    _, gradients = sequences(float)
    x, m, s = np.zeros(N), 0, 0
    opt = no.ACProp(1.0, b1, b2, eps=0.0).init(x)
    for t, g in enumerate(gradients, 1):
        before = x.copy()
        opt.update(x, g)
        # Optax's: the moment of g - m with the m before
        theirs = g if t == 1 else g / np.sqrt(s / (1 - b2 ** (t - 1)))
        s = b2 * s + (1 - b2) * (g - m) ** 2
        m = b1 * m + (1 - b1) * g
        np.testing.assert_allclose(before - x, theirs / (1 if t == 1 else b1), rtol=1e-10)
    assert t == STEPS


def test_adan_weighs_differences_by_b2():
    """In the second step of constant differences; Optax 0.2.8 weighs by 1 - b2. The first steps are equal."""
    x = np.zeros(1)
    opt = no.Adan(1.0, b=(0.5, 0.75, 0.5), eps=0.0, eps_root=0.0).init(x)
    opt.update(x, np.array([1.0]))
    assert x[0] == -1.0
    opt.update(x, np.array([2.0]))
    m, v, n = (0.5 * 0.5 + 0.5 * 2) / 0.75, 0.25 * 1 / (1 - 0.75**2), (0.5 * 0.5 + 0.5 * (2 + 0.75) ** 2) / 0.75
    assert x[0] == pytest.approx(-1 - (m + 0.75 * v) / np.sqrt(n), rel=1e-14)


def test_centralize_centralizes_vectors():
    """Optax leaves them alone."""
    x = np.zeros(3)
    no.chain(no.Centralize(), no.Scale(-1.0)).init(x).update(x, np.array([1.0, 2.0, 6.0]))
    np.testing.assert_array_equal(x, [2.0, 1.0, -3.0])


def test_one_cycle_of_few_steps_raises():
    """Optax loses a knot without a word."""
    with pytest.raises(ValueError, match="knots must increase"):
        no.onecycle_linear(2, 1.0)
