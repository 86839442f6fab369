"""Functions of one variable on which the line searches are tested, and the searches' conditions, recomputed.

The functions are pure, so that they can be compiled; where Python would raise (an overflow, the logarithm of a negative
number) they return what compiled code returns.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numba
import numpy as np

from numopt import Backtracking, MoreThuente, Verdict, Zoom, line_search

EPS = np.finfo(float).eps


class Function(NamedTuple):
    """phi and its derivative."""

    phi: Callable
    dphi: Callable

    def compiled(self):
        return Function(*(numba.njit(f, error_model="numpy") for f in self))

    def outside(self, inside, beyond):
        """The same, but phi and its derivative are the pair ``beyond`` wherever ``inside(alpha)`` is false."""
        return Function(
            lambda a: self.phi(a) if inside(a) else beyond[0], lambda a: self.dphi(a) if inside(a) else beyond[1]
        )


def function_1(beta=2.0):
    """More and Thuente (1994), eq. 5.1: concave far from its minimiser."""

    def phi(a):
        return -a / (a * a + beta)

    def dphi(a):
        return (a * a - beta) / ((a * a + beta) * (a * a + beta))

    return Function(phi, dphi)


def function_2(beta=0.004):
    """More and Thuente (1994), eq. 5.2: nearly flat at 0."""

    def phi(a):
        return (a + beta) ** 5 - 2.0 * (a + beta) ** 4

    def dphi(a):
        return 5.0 * (a + beta) ** 4 - 8.0 * (a + beta) ** 3

    return Function(phi, dphi)


def function_3(beta=0.01, waves=39.0):
    """More and Thuente (1994), eq. 5.3: many local minimisers."""

    def phi(a):
        if a <= 1.0 - beta:
            smoothed = 1.0 - a
        elif a >= 1.0 + beta:
            smoothed = a - 1.0
        else:
            smoothed = (a - 1.0) ** 2 / (2.0 * beta) + beta / 2.0
        return smoothed + 2.0 * (1.0 - beta) / (waves * math.pi) * math.sin(waves * math.pi / 2.0 * a)

    def dphi(a):
        if a <= 1.0 - beta:
            smoothed = -1.0
        elif a >= 1.0 + beta:
            smoothed = 1.0
        else:
            smoothed = (a - 1.0) / beta
        return smoothed + (1.0 - beta) * math.cos(waves * math.pi / 2.0 * a)

    return Function(phi, dphi)


def functions_4_to_6(beta_1, beta_2):
    """More and Thuente (1994), eq. 5.4, of Yanai, Ozawa and Kaneko: sharp bends."""
    gamma_1 = math.sqrt(1.0 + beta_1**2) - beta_1
    gamma_2 = math.sqrt(1.0 + beta_2**2) - beta_2

    def phi(a):
        return gamma_1 * math.sqrt((1.0 - a) ** 2 + beta_2**2) + gamma_2 * math.sqrt(a**2 + beta_1**2)

    def dphi(a):
        left = gamma_1 * (a - 1.0) / math.sqrt((1.0 - a) ** 2 + beta_2**2)
        return left + gamma_2 * a / math.sqrt(a**2 + beta_1**2)

    return Function(phi, dphi)


PUBLISHED = {
    "I": function_1(),
    "II": function_2(),
    "III": function_3(),
    "IV": functions_4_to_6(0.001, 0.001),
    "V": functions_4_to_6(0.01, 0.001),
    "VI": functions_4_to_6(0.001, 0.01),
}


def parabola(minimizer=1.0, offset=0.0, curvature=1.0):
    def phi(a):
        return offset + 0.5 * curvature * (a - minimizer) * (a - minimizer)

    def dphi(a):
        return curvature * (a - minimizer)

    return Function(phi, dphi)


def exponential():
    def phi(a):
        return math.exp(a) - 3.0 * a if a < 709.0 else math.inf

    def dphi(a):
        return math.exp(a) - 3.0 if a < 709.0 else math.inf

    return Function(phi, dphi)


def decay():
    """It falls for ever, and has no minimiser."""

    def phi(a):
        return math.exp(-a)

    def dphi(a):
        return -math.exp(-a)

    return Function(phi, dphi)


def quartic():
    def phi(a):
        return (a - 2.0) * (a - 2.0) * (a - 2.0) * (a - 2.0)

    def dphi(a):
        return 4.0 * (a - 2.0) * (a - 2.0) * (a - 2.0)

    return Function(phi, dphi)


def hyperbola():
    def phi(a):
        return math.sqrt(1.0 + a * a) - 0.9 * a

    def dphi(a):
        return a / math.sqrt(1.0 + a * a) - 0.9

    return Function(phi, dphi)


def pole():
    """A pole at 3, and minimisers on both sides of it."""

    def phi(a):
        return 1.0 / ((3.0 - a) * (3.0 - a)) + 0.1 * (a - 5.0) * (a - 5.0) if a != 3.0 else math.inf

    def dphi(a):
        return 2.0 / ((3.0 - a) * (3.0 - a) * (3.0 - a)) + 0.2 * (a - 5.0) if a != 3.0 else math.nan

    return Function(phi, dphi)


def steps_down(rng):
    """It falls in steps, steeply and slowly in turn, then rises: phi decreases between trials, but not sufficiently."""
    depth, place, width = 10.0 ** rng.uniform([[-1], [-2], [-2]], [[1], [2], [1]], (3, 4))
    curvature = 10.0 ** rng.uniform(-6, -3)

    def phi(a):
        return float(-depth @ np.tanh((a - place) / width) + curvature * a * a)

    def dphi(a):
        return float(-(depth / width) @ (1.0 - np.tanh((a - place) / width) ** 2) + 2 * curvature * a)

    return Function(phi, dphi) if dphi(0.0) < -1e-3 else steps_down(rng)


def log_barrier(weight=0.1, wall=1.0, beyond=math.nan):
    """1 - t - weight log(1 - t) with t = alpha / wall, minimal at t = 1 - weight; ``beyond`` from the wall on."""

    def phi(a):
        return 1.0 - a / wall - weight * math.log(1.0 - a / wall) if a < wall else beyond

    def dphi(a):
        return (-1.0 + weight / (1.0 - a / wall)) / wall if a < wall else beyond

    return Function(phi, dphi)


def kink():
    def phi(a):
        return abs(a - 1.0)

    def dphi(a):
        return 1.0 if a > 1.0 else -1.0

    return Function(phi, dphi)


def line():
    def phi(a):
        return -a

    def dphi(a):
        return -1.0

    return Function(phi, dphi)


class Run(NamedTuple):
    """A line search's result, and all its trials in order."""

    step: NamedTuple
    trials: list

    @property
    def verdict(self):
        return Verdict(self.step.verdict)


def search_along(function, alpha, search):
    """Run ``search``; check what holds whatever its verdict is: counts, values, never a rise of phi."""
    trials = []

    def phi(a):
        trials.append(float(a))
        return function.phi(float(a))

    step = line_search(phi, lambda a: function.dphi(float(a)), alpha, search)
    assert trials.pop(0) == 0.0
    assert step.nfev == len(trials)
    assert step.alpha >= 0.0
    np.testing.assert_equal(step.phi, function.phi(float(step.alpha)))
    np.testing.assert_equal(step.slope, function.dphi(float(step.alpha)))
    assert not step.phi > function.phi(0.0)
    if step.alpha > 0.0:
        assert step.alpha in trials
        assert step.verdict == Verdict.ACCEPTED or has_sufficient_decrease(function, step.alpha, search)
    finite = [a for a in trials if is_finite(function, a)]
    assert len(finite) <= search.max_evals
    return Run(step, trials)


def is_finite(function, alpha):
    return math.isfinite(function.phi(alpha)) and math.isfinite(function.dphi(alpha))


def decrease_and_curvature(search):
    """The constants of both conditions, whatever the search calls them; no curvature is asked: inf."""
    if isinstance(search, MoreThuente):
        return search.ftol, search.gtol
    if isinstance(search, Zoom):
        return search.c1, search.c2
    assert isinstance(search, Backtracking)
    return search.c1, math.inf


def has_sufficient_decrease(function, alpha, search):
    c1, _ = decrease_and_curvature(search)
    phi0, demanded = function.phi(0.0), c1 * alpha * function.dphi(0.0)
    return function.phi(float(alpha)) <= phi0 + demanded + 2.0 * EPS * (abs(phi0) + abs(demanded))


def meets_conditions(function, alpha, search):
    """Armijo's rule, and for the others the strong Wolfe conditions."""
    _, c2 = decrease_and_curvature(search)
    flat = abs(function.dphi(float(alpha))) <= (1.0 + 4.0 * EPS) * c2 * abs(function.dphi(0.0))
    return flat and has_sufficient_decrease(function, alpha, search)


def meets_approximate_conditions(function, alpha, search):
    """Hager and Zhang's conditions, where phi(alpha) and phi(0) differ by rounding only; Zoom's alone."""
    if not isinstance(search, Zoom) or search.c3 is None:
        return False
    phi0, slope0, slope = function.phi(0.0), function.dphi(0.0), function.dphi(float(alpha))
    unresolved = abs(function.phi(float(alpha)) - phi0) <= search.c3 * abs(phi0)
    return unresolved and (2.0 * search.c1 - 1.0) * slope0 >= slope >= search.c2 * slope0


def falls_into_a_wall(function, alpha, search, trials):
    """Sufficient decrease, and phi still falls steeply, but a trial farther out was rejected."""
    c1, _ = decrease_and_curvature(search)
    rejected = [a for a in trials if a > alpha and not is_finite(function, a)]
    steep = function.dphi(float(alpha)) <= c1 * function.dphi(0.0) * (1.0 - 4.0 * EPS)
    return bool(rejected) and steep and has_sufficient_decrease(function, alpha, search)


def may_be_accepted(function, run, search):
    alpha = run.step.alpha
    return (
        meets_conditions(function, alpha, search)
        or meets_approximate_conditions(function, alpha, search)
        or falls_into_a_wall(function, alpha, search, run.trials)
    )
