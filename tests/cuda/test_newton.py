"""How many passes the search for a threshold takes; the steps of the device, with sums that NumPy takes."""

import math

import numpy as np
import pytest

cuda = pytest.importorskip("numba.cuda", reason="needs numba-cuda")

from numopt.cuda import newton  # noqa: E402
from numopt.cuda.device import SIMULATED  # noqa: E402

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(not SIMULATED, reason="calls functions of the device, which only the simulator does"),
]

SAMPLED, IN_A_ROW = 16384, 16  # on a GPU
DATA = {
    "normal": lambda rng, n: abs(rng.standard_normal(n)),
    "exponential": lambda rng, n: rng.exponential(size=n),
    "uniform": lambda rng, n: rng.random(n),
    "heavy tails": lambda rng, n: abs(rng.standard_t(2, size=n)),
    "ties": lambda rng, n: np.rint(256 * abs(rng.standard_normal(n))),
    "mostly zero": lambda rng, n: np.where(rng.random(n) < 0.01, rng.exponential(size=n), 0.0),
    "all alike": lambda rng, n: np.ones(n),
    "in order": lambda rng, n: np.sort(abs(rng.standard_normal(n))),
}

SMOOTH = {"normal", "exponential", "uniform", "ties", "all alike"}  # and what a sample shows holds for the rest


def sums_at(delta, b):
    """(sum max(delta - a_i, 0), number of a_i below delta, distance of the nearest a_i), and the largest level."""
    above = delta - (b.max() - b)
    return np.maximum(above, 0.0).sum(), float(np.count_nonzero(above > 0.0)), abs(above).min()


def solved(b, r, delta, known):
    """(delta, slope at the last step, steps)."""
    slope, steps = 0.0, 0
    while known == newton.RUNNING:
        delta, slope, known = newton.next_step(r, delta, slope, *sums_at(delta, b))
        steps += 1
    assert known == newton.FOUND
    return delta, slope, steps


def start(b, r):
    """Where the launches ``sample`` and ``survey`` begin."""
    hop = b.size // (SAMPLED // IN_A_ROW)
    part = r * SAMPLED / b.size
    sample = b[(np.arange(SAMPLED // IN_A_ROW)[:, None] * hop + np.arange(IN_A_ROW)).ravel()]
    delta, slope, _ = solved(sample, part, part, newton.RUNNING)
    tau, error = sample.max() - delta, part / slope / math.sqrt(slope)
    left = [(np.maximum(b - t, 0.0).sum(), float(np.count_nonzero(b > t))) for t in (tau + error, tau - error)]
    return newton.first_step(r, False, b.size, tau + error, tau - error, (*left[0], b.sum(), b.max()), left[1])


@pytest.mark.parametrize("share", [1e-4, 1e-3, 0.1, 0.5, 0.99])
@pytest.mark.parametrize("name", DATA)
def test_a_sample_and_a_survey_leave_few_passes(name, share):
    b = DATA[name](np.random.default_rng(3), 200_000)
    r = share * b.sum()
    delta, _, steps = solved(b, r, *start(b, r))
    assert abs(sums_at(delta, b)[0] / r - 1.0) <= 1e-13
    assert steps <= (2 if name in SMOOTH else 5)


def test_between_two_sums_the_cubic_is_exact():
    def delta(total):  # increasing
        return 2.0 + total + 0.1 * total**2 + 0.02 * total**3

    def slope(total):
        return 1.0 / (1.0 + 0.2 * total + 0.06 * total**2)

    ends = [(delta(total), total, slope(total)) for total in (1.0, 2.0)]
    for total in (0.2, 1.0, 1.3, 2.0, 2.8):
        assert newton._between(total, *ends) == pytest.approx(delta(total), rel=1e-14)


def test_where_two_sums_do_not_tell_newton_begins_at_one_of_them():
    assert newton._between(1.0, (3.0, 2.0, 0.5), (4.0, 2.5, 0.5)) == 1.0  # far below both
    assert newton._between(9.0, (3.0, 2.0, 0.5), (4.0, 2.5, 0.5)) == 17.0  # far above
    assert newton._between(1.0, (-1.0, 0.0, 0.0), (4.0, 2.0, 2.0)) == 3.5  # nothing above the first threshold
    assert newton._between(1.0, (-math.inf, 0.0, 0.0), (-math.inf, 0.0, 0.0)) == 0.0  # nor the second


@pytest.mark.parametrize(("near", "known"), [(0.5, newton.FOUND), (0.49, newton.RUNNING)])
def test_a_step_that_meets_no_entry_is_the_last(near, known):
    assert newton.next_step(4.0, 3.0, 0.0, 5.0, 2.0, near) == (2.5, 2.0, known)
