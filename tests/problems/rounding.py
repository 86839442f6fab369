"""The accuracy that double precision allows a sum of squared residuals, on any processor."""

import numpy as np


def residual_rounding(problem, x, data=0.0):
    """Bound, per residual, of the rounding in r(x).

    r is a sum of up to n + 1 terms: the data, and terms of size |J_ij x_j|. Each is rounded, and so is each partial
    sum, in an order, and with or without fused operations, as the processor, the compiler and the BLAS choose.
    """
    x = np.asarray(x, dtype=float)
    terms = np.abs(problem.jacobian(x)) @ np.abs(x) + np.abs(problem.residuals(x)) + np.abs(data)
    return x.size * np.finfo(float).eps * terms


def value_rounding(problem, x, data=0.0):
    """Bound of what errors d_i in the residuals change in the sum of their squares: 2 sum |r_i| d_i + sum d_i^2.

    It also bounds the excess of a minimum that was found with such residuals: to first order, the minimiser of the
    rounded sum gives |P d|^2 more than the true one, where P projects onto the range of J.
    """
    d = residual_rounding(problem, x, data)
    return 2 * np.abs(problem.residuals(x)) @ d + d @ d
