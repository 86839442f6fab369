"""The experiment of the paper on ACProp: where Adam fails, ACProp converges.

Reddi, Kale and Kumar's online problem: f_t(x) = P x if t mod P = 1, else -x, on [-1, 1]; the sum over a period is x, so
that x = -1 is the minimum. Zhuang et al. (2021), section 3.2, figure 3.
"""

import numpy as np
import pytest
from numba import njit

import numopt as no

STEPS, LAST = 10_000, 1000
RATES = np.logspace(-5, 0, 11)


@njit
def mean_distance(opt, period, rate):
    """Mean |x + 1| over the last steps, for the learning rate rate / sqrt(t)."""
    x, g, total = np.zeros(1), np.zeros(1), 0.0
    for t in range(1, STEPS + 1):
        g[0] = period if t % period == 1 else -1.0
        opt.learning_rate = rate / np.sqrt(t)
        opt.update(x, g)
        x[0] = min(1.0, max(-1.0, x[0]))
        if t > STEPS - LAST:
            total += abs(x[0] + 1.0)
    return total / LAST


def converged(make):
    """The part of the grid of P and b2 where some learning rate works."""
    found = []
    for period in (3, 5, 8, 12, 20, 30, 50, 80, 100):
        for power in np.linspace(0.25, 4, 16):
            rule = make(1 - 10.0**-power)
            results = (mean_distance(rule.init(np.zeros(1)), period, rate) < 0.01 for rate in RATES[::-1])
            found.append(any(results))
    return np.mean(found)


@pytest.mark.jit_only
def test_acprop_converges_where_adam_does_not():
    assert converged(lambda b2: no.ACProp(1.0, 0.9, b2)) >= 0.95
    assert converged(lambda b2: no.Adam(1.0, 0.9, b2)) <= 0.70
