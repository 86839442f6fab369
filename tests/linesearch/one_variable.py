"""Functions of one variable with their derivatives, on which the line searches are tested.

All are pure functions of a float, so that they can be compiled; where Python would raise (an overflow, the logarithm of
a negative number) they return what compiled code returns.
"""

import math
from typing import NamedTuple

import numba


class Function(NamedTuple):
    """phi and its derivative."""

    phi: callable
    dphi: callable

    def compiled(self):
        return Function(numba.njit(self.phi, error_model="numpy"), numba.njit(self.dphi, error_model="numpy"))

    def recorded(self):
        """The same, and the list that its trials are appended to."""
        trials = []

        def phi(a):
            trials.append(float(a))
            return self.phi(float(a))

        return Function(phi, lambda a: self.dphi(float(a))), trials


def function_1(beta=2.0):
    """More and Thuente (1994), eq. 5.1."""

    def phi(a):
        return -a / (a * a + beta)

    def dphi(a):
        return (a * a - beta) / (a * a + beta) ** 2

    return Function(phi, dphi)


def function_2(beta=0.004):
    """More and Thuente (1994), eq. 5.2."""

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
    """More and Thuente (1994), eq. 5.4, of Yanai, Ozawa and Kaneko."""
    gamma_1 = math.sqrt(1.0 + beta_1**2) - beta_1
    gamma_2 = math.sqrt(1.0 + beta_2**2) - beta_2

    def phi(a):
        return gamma_1 * math.sqrt((1.0 - a) ** 2 + beta_2**2) + gamma_2 * math.sqrt(a**2 + beta_1**2)

    def dphi(a):
        left = gamma_1 * (a - 1.0) / math.sqrt((1.0 - a) ** 2 + beta_2**2)
        return left + gamma_2 * a / math.sqrt(a**2 + beta_1**2)

    return Function(phi, dphi)


# The rows of Tables I to VI: (mu, eta), then (evaluations, alpha as printed) for the first trials 1e-3, 1e-1, 1e1, 1e3.
FIRST_TRIALS = (1e-3, 1e-1, 1e1, 1e3)
TABLES = {
    "I": (function_1(), (0.001, 0.1), ((6, "1.4"), (3, "1.4"), (1, "10"), (4, "37"))),
    "II": (function_2(), (0.1, 0.1), ((12, "1.6"), (8, "1.6"), (8, "1.6"), (11, "1.6"))),
    "III": (function_3(), (0.1, 0.1), ((12, "1.0"), (12, "1.0"), (10, "1.0"), (13, "1.0"))),
    "IV": (functions_4_to_6(0.001, 0.001), (0.001, 0.001), ((4, ".08"), (1, ".10"), (3, ".35"), (4, ".83"))),
    "V": (functions_4_to_6(0.01, 0.001), (0.001, 0.001), ((6, ".075"), (3, ".078"), (7, ".073"), (8, ".076"))),
    "VI": (functions_4_to_6(0.001, 0.01), (0.001, 0.001), ((13, ".93"), (11, ".93"), (8, ".92"), (11, ".92"))),
}
