"""Residuals and Jacobians of the More, Garbow and Hillstrom test functions.

Each function of the collection is a pair ``name(x)`` and ``name_jacobian(x)``: the residual
vector of length ``m`` and its ``(m, n)`` matrix of first derivatives. The formulas, the data
tables and the numbers in brackets are those of [1]_. The residual functions are written with
operations that are analytic in ``x``, so that they also take complex arguments (the
complex-step derivative); the Jacobians take real arguments.

The functions that the paper defines for any ``m`` take it as a keyword whose default is the
number of residuals used in the paper's own tables. Extended forms (21, 22) contain the plain
ones (1, 13) as their smallest case and are not written twice.

References
----------
.. [1] J. J. More, B. S. Garbow and K. E. Hillstrom, "Testing Unconstrained Optimization
   Software", ACM Transactions on Mathematical Software 7 (1981), 17-41.
"""

import numpy as np


def _table(text):
    """Return the numbers of a text as a read-only array."""
    values = np.array(text.split(), dtype=np.float64)
    values.setflags(write=False)
    return values


BARD_Y = _table("0.14 0.18 0.22 0.25 0.29 0.32 0.35 0.39 0.37 0.58 0.73 0.96 1.34 2.10 4.39")

GAUSSIAN_Y = _table("""
    0.0009 0.0044 0.0175 0.0540 0.1295 0.2420 0.3521 0.3989
    0.3521 0.2420 0.1295 0.0540 0.0175 0.0044 0.0009
""")

MEYER_Y = _table("""
    34780 28610 23650 19630 16370 13720 11540 9744
    8261 7030 6005 5147 4427 3820 3307 2872
""")

KOWALIK_Y = _table("0.1957 0.1947 0.1735 0.1600 0.0844 0.0627 0.0456 0.0342 0.0323 0.0235 0.0246")
KOWALIK_U = _table("4.0 2.0 1.0 0.5 0.25 0.167 0.125 0.1 0.0833 0.0714 0.0625")

OSBORNE_1_Y = _table("""
    0.844 0.908 0.932 0.936 0.925 0.908 0.881 0.850 0.818 0.784 0.751
    0.718 0.685 0.658 0.628 0.603 0.580 0.558 0.538 0.522 0.506 0.490
    0.478 0.467 0.457 0.448 0.438 0.431 0.424 0.420 0.414 0.411 0.406
""")

OSBORNE_2_Y = _table("""
    1.366 1.191 1.112 1.013 0.991 0.885 0.831 0.847 0.786 0.725 0.746 0.679 0.608
    0.655 0.616 0.606 0.602 0.626 0.651 0.724 0.649 0.649 0.694 0.644 0.624 0.661
    0.612 0.558 0.533 0.495 0.500 0.423 0.395 0.375 0.372 0.391 0.396 0.405 0.428
    0.429 0.523 0.562 0.607 0.653 0.672 0.708 0.633 0.668 0.645 0.632 0.591 0.559
    0.597 0.625 0.739 0.710 0.729 0.720 0.636 0.581 0.428 0.292 0.162 0.098 0.054
""")

PENALTY_WEIGHT = np.sqrt(1e-5)


def extended_rosenbrock(x):
    """Rosenbrock (1) and extended Rosenbrock (21): pairs ``10 (x2 - x1^2), 1 - x1``."""
    odd, even = x[0::2], x[1::2]
    return np.stack([10 * (even - odd**2), 1 - odd], axis=1).ravel()


def extended_rosenbrock_jacobian(x):
    """Jacobian of `extended_rosenbrock`."""
    jacobian = np.zeros((x.size, x.size))
    first = np.arange(0, x.size, 2)
    jacobian[first, first] = -20 * x[first]
    jacobian[first, first + 1] = 10
    jacobian[first + 1, first] = -1
    return jacobian


def freudenstein_roth(x):
    """Freudenstein and Roth (2): ``x1 - 13 + ((5 - x2) x2 - 2) x2, x1 - 29 + ((x2 + 1) x2 - 14) x2``."""
    x1, x2 = x
    return np.array([x1 - 13 + ((5 - x2) * x2 - 2) * x2, x1 - 29 + ((x2 + 1) * x2 - 14) * x2])


def freudenstein_roth_jacobian(x):
    """Jacobian of `freudenstein_roth`."""
    x2 = x[1]
    return np.array([[1, (10 - 3 * x2) * x2 - 2], [1, (3 * x2 + 2) * x2 - 14]])


def powell_badly_scaled(x):
    """Powell badly scaled (3): ``10^4 x1 x2 - 1, exp(-x1) + exp(-x2) - 1.0001``."""
    return np.array([1e4 * x[0] * x[1] - 1, np.exp(-x[0]) + np.exp(-x[1]) - 1.0001])


def powell_badly_scaled_jacobian(x):
    """Jacobian of `powell_badly_scaled`."""
    return np.array([[1e4 * x[1], 1e4 * x[0]], -np.exp(-x)])


def brown_badly_scaled(x):
    """Brown badly scaled (4): ``x1 - 10^6, x2 - 2e-6, x1 x2 - 2``."""
    return np.array([x[0] - 1e6, x[1] - 2e-6, x[0] * x[1] - 2])


def brown_badly_scaled_jacobian(x):
    """Jacobian of `brown_badly_scaled`."""
    return np.array([[1, 0], [0, 1], [x[1], x[0]]])


def beale(x):
    """Beale (5): ``y_i - x1 (1 - x2^i)`` with ``y = (1.5, 2.25, 2.625)``."""
    return np.array([1.5, 2.25, 2.625]) - x[0] * (1 - x[1] ** np.arange(1, 4))


def beale_jacobian(x):
    """Jacobian of `beale`."""
    power = np.arange(1, 4)
    return np.stack([x[1] ** power - 1, x[0] * power * x[1] ** (power - 1)], axis=1)


def jennrich_sampson(x, m=10):
    """Jennrich and Sampson (6): ``2 + 2i - (exp(i x1) + exp(i x2))``."""
    i = np.arange(1, m + 1)
    return 2 + 2 * i - (np.exp(i * x[0]) + np.exp(i * x[1]))


def jennrich_sampson_jacobian(x, m=10):
    """Jacobian of `jennrich_sampson`."""
    i = np.arange(1, m + 1)[:, None]
    return -i * np.exp(i * x)


def helical_valley(x):
    """Helical valley (7): ``10 (x3 - 10 theta), 10 (sqrt(x1^2 + x2^2) - 1), x3``.

    ``theta`` is the angle of ``(x1, x2)`` in turns, between -1/4 and 3/4: the paper's branch of
    ``arctan(x2 / x1)``, whose cut is the half line ``x1 = 0, x2 < 0``.
    """
    x1, x2, x3 = x
    if x1 == 0:
        theta = np.copysign(0.25, x2.real)
    else:
        theta = np.arctan(x2 / x1) / (2 * np.pi) + (0.5 if x1.real < 0 else 0.0)
    return np.array([10 * (x3 - 10 * theta), 10 * (np.sqrt(x1**2 + x2**2) - 1), x3])


def helical_valley_jacobian(x):
    """Jacobian of `helical_valley`."""
    x1, x2, _ = x
    radius = np.hypot(x1, x2)
    slope = 50 / (np.pi * radius**2)
    return np.array([[slope * x2, -slope * x1, 10], [10 * x1 / radius, 10 * x2 / radius, 0], [0, 0, 1]])


def bard(x):
    """Bard (8): ``y_i - (x1 + u_i / (v_i x2 + w_i x3))``, ``u = i, v = 16 - i, w = min(u, v)``."""
    u = np.arange(1, 16)
    v = 16 - u
    return BARD_Y - (x[0] + u / (v * x[1] + np.minimum(u, v) * x[2]))


def bard_jacobian(x):
    """Jacobian of `bard`."""
    u = np.arange(1, 16)
    v = 16 - u
    w = np.minimum(u, v)
    slope = u / (v * x[1] + w * x[2]) ** 2
    return np.stack([-np.ones(15), slope * v, slope * w], axis=1)


def gaussian(x):
    """Gaussian (9): ``x1 exp(-x2 (t_i - x3)^2 / 2) - y_i``, ``t_i = (8 - i) / 2``."""
    t = (8 - np.arange(1, 16)) / 2
    return x[0] * np.exp(-x[1] * (t - x[2]) ** 2 / 2) - GAUSSIAN_Y


def gaussian_jacobian(x):
    """Jacobian of `gaussian`."""
    shift = (8 - np.arange(1, 16)) / 2 - x[2]
    bell = np.exp(-x[1] * shift**2 / 2)
    return np.stack([bell, -x[0] * bell * shift**2 / 2, x[0] * bell * x[1] * shift], axis=1)


def meyer(x):
    """Meyer (10): ``x1 exp(x2 / (t_i + x3)) - y_i``, ``t_i = 45 + 5i``."""
    t = 45 + 5 * np.arange(1, 17)
    return x[0] * np.exp(x[1] / (t + x[2])) - MEYER_Y


def meyer_jacobian(x):
    """Jacobian of `meyer`."""
    shift = 45 + 5 * np.arange(1, 17) + x[2]
    growth = np.exp(x[1] / shift)
    slope = x[0] * growth / shift
    return np.stack([growth, slope, -slope * x[1] / shift], axis=1)


def gulf(x, m=99):
    """Gulf research and development (11): ``exp(-|y_i - x2|^x3 / x1) - t_i``.

    ``t_i = i / 100`` and ``y_i = 25 + (-50 log t_i)^(2/3)``. The factor ``m i`` printed before
    ``x2`` in the paper is a misprint: with it (50, 25, 1.5) would be no minimiser.
    """
    t = np.arange(1, m + 1) / 100
    distance = 25 + (-50 * np.log(t)) ** (2 / 3) - x[1]
    # Not abs(), which is not analytic.
    distance = np.where(distance.real < 0, -distance, distance)
    return np.exp(-(distance ** x[2]) / x[0]) - t


def gulf_jacobian(x, m=99):
    """Jacobian of `gulf`."""
    signed = 25 + (-50 * np.log(np.arange(1, m + 1) / 100)) ** (2 / 3) - x[1]
    distance = np.abs(signed)
    # Beyond 750 the exponential is zero, and the limit avoids the product of zero and infinity.
    exponent = np.minimum(distance ** x[2] / x[0], 750.0)
    slope = exponent * np.exp(-exponent)
    return np.stack([slope / x[0], slope * x[2] / signed, -slope * np.log(distance)], axis=1)


def box_3d(x, m=10):
    """Box 3-D (12): ``exp(-t x1) - exp(-t x2) - x3 (exp(-t) - exp(-10 t))``, ``t_i = i / 10``."""
    t = np.arange(1, m + 1) / 10
    return np.exp(-t * x[0]) - np.exp(-t * x[1]) - x[2] * (np.exp(-t) - np.exp(-10 * t))


def box_3d_jacobian(x, m=10):
    """Jacobian of `box_3d`."""
    t = np.arange(1, m + 1) / 10
    return np.stack([-t * np.exp(-t * x[0]), t * np.exp(-t * x[1]), np.exp(-10 * t) - np.exp(-t)], axis=1)


def extended_powell_singular(x):
    """Powell singular (13) and extended Powell singular (22).

    Fours ``x1 + 10 x2, sqrt(5) (x3 - x4), (x2 - 2 x3)^2, sqrt(10) (x1 - x4)^2``.
    """
    a, b, c, d = x.reshape(-1, 4).T
    parts = [a + 10 * b, np.sqrt(5) * (c - d), (b - 2 * c) ** 2, np.sqrt(10) * (a - d) ** 2]
    return np.stack(parts, axis=1).ravel()


def extended_powell_singular_jacobian(x):
    """Jacobian of `extended_powell_singular`."""
    jacobian = np.zeros((x.size, x.size))
    k = np.arange(0, x.size, 4)
    jacobian[k, k] = 1
    jacobian[k, k + 1] = 10
    jacobian[k + 1, k + 2] = np.sqrt(5)
    jacobian[k + 1, k + 3] = -np.sqrt(5)
    jacobian[k + 2, k + 1] = 2 * (x[k + 1] - 2 * x[k + 2])
    jacobian[k + 2, k + 2] = -4 * (x[k + 1] - 2 * x[k + 2])
    jacobian[k + 3, k] = 2 * np.sqrt(10) * (x[k] - x[k + 3])
    jacobian[k + 3, k + 3] = -jacobian[k + 3, k]
    return jacobian


def wood(x):
    """Wood (14), six residuals.

    ``10 (x2 - x1^2), 1 - x1, sqrt(90) (x4 - x3^2), 1 - x3, sqrt(10) (x2 + x4 - 2),
    (x2 - x4) / sqrt(10)``.
    """
    x1, x2, x3, x4 = x
    valleys = [10 * (x2 - x1**2), 1 - x1, np.sqrt(90) * (x4 - x3**2), 1 - x3]
    return np.array([*valleys, np.sqrt(10) * (x2 + x4 - 2), (x2 - x4) / np.sqrt(10)])


def wood_jacobian(x):
    """Jacobian of `wood`."""
    x1, _, x3, _ = x
    root = np.sqrt(10)
    valley_1 = [[-20 * x1, 10, 0, 0], [-1, 0, 0, 0]]
    valley_2 = [[0, 0, -6 * root * x3, 3 * root], [0, 0, -1, 0]]
    coupling = [[0, root, 0, root], [0, 1 / root, 0, -1 / root]]
    return np.array(valley_1 + valley_2 + coupling)


def kowalik_osborne(x):
    """Kowalik and Osborne (15): ``y_i - x1 (u_i^2 + u_i x2) / (u_i^2 + u_i x3 + x4)``."""
    u = KOWALIK_U
    return KOWALIK_Y - x[0] * (u**2 + u * x[1]) / (u**2 + u * x[2] + x[3])


def kowalik_osborne_jacobian(x):
    """Jacobian of `kowalik_osborne`."""
    u = KOWALIK_U
    numerator = u**2 + u * x[1]
    denominator = u**2 + u * x[2] + x[3]
    slope = x[0] * numerator / denominator**2
    return np.stack([-numerator / denominator, -x[0] * u / denominator, slope * u, slope], axis=1)


def brown_dennis(x, m=20):
    """Brown and Dennis (16): ``(x1 + t x2 - exp t)^2 + (x3 + x4 sin t - cos t)^2``, ``t_i = i / 5``."""
    t = np.arange(1, m + 1) / 5
    return (x[0] + t * x[1] - np.exp(t)) ** 2 + (x[2] + x[3] * np.sin(t) - np.cos(t)) ** 2


def brown_dennis_jacobian(x, m=20):
    """Jacobian of `brown_dennis`."""
    t = np.arange(1, m + 1) / 5
    line = 2 * (x[0] + t * x[1] - np.exp(t))
    wave = 2 * (x[2] + x[3] * np.sin(t) - np.cos(t))
    return np.stack([line, line * t, wave, wave * np.sin(t)], axis=1)


def osborne_1(x):
    """Osborne 1 (17): ``y_i - (x1 + x2 exp(-t_i x4) + x3 exp(-t_i x5))``, ``t_i = 10 (i - 1)``."""
    t = 10 * np.arange(33)
    return OSBORNE_1_Y - (x[0] + x[1] * np.exp(-t * x[3]) + x[2] * np.exp(-t * x[4]))


def osborne_1_jacobian(x):
    """Jacobian of `osborne_1`."""
    t = 10 * np.arange(33)
    decay_1, decay_2 = np.exp(-t * x[3]), np.exp(-t * x[4])
    return np.stack([-np.ones(33), -decay_1, -decay_2, t * x[1] * decay_1, t * x[2] * decay_2], axis=1)


def biggs_exp6(x, m=13):
    """Biggs EXP6 (18): ``x3 exp(-t x1) - x4 exp(-t x2) + x6 exp(-t x5) - y``, ``t_i = i / 10``.

    ``y = exp(-t) - 5 exp(-10 t) + 3 exp(-4 t)``.
    """
    t = np.arange(1, m + 1) / 10
    y = np.exp(-t) - 5 * np.exp(-10 * t) + 3 * np.exp(-4 * t)
    return x[2] * np.exp(-t * x[0]) - x[3] * np.exp(-t * x[1]) + x[5] * np.exp(-t * x[4]) - y


def biggs_exp6_jacobian(x, m=13):
    """Jacobian of `biggs_exp6`."""
    t = np.arange(1, m + 1) / 10
    e1, e2, e5 = np.exp(-t * x[0]), np.exp(-t * x[1]), np.exp(-t * x[4])
    return np.stack([-t * x[2] * e1, t * x[3] * e2, e1, -e2, -t * x[5] * e5, e5], axis=1)


def osborne_2(x):
    """Osborne 2 (19), ``t_i = (i - 1) / 10``.

    ``y_i - (x1 exp(-t x5) + x2 exp(-(t - x9)^2 x6) + x3 exp(-(t - x10)^2 x7)
    + x4 exp(-(t - x11)^2 x8))``.
    """
    t = np.arange(65) / 10
    peaks = np.exp(-((t[:, None] - x[8:]) ** 2) * x[5:8])
    return OSBORNE_2_Y - (x[0] * np.exp(-t * x[4]) + peaks @ x[1:4])


def osborne_2_jacobian(x):
    """Jacobian of `osborne_2`."""
    t = np.arange(65)[:, None] / 10
    decay = np.exp(-t * x[4])
    shift = t - x[8:]
    peaks = np.exp(-(shift**2) * x[5:8])
    scaled = x[1:4] * peaks
    return np.hstack([-decay, -peaks, t * x[0] * decay, scaled * shift**2, -2 * scaled * x[5:8] * shift])


def _watson_basis(n):
    """Return the 29 abscissae's powers ``t^(j-1)`` and their derivatives, two (29, n) arrays."""
    t = np.arange(1, 30)[:, None] / 29
    j = np.arange(n)
    return t**j, j * t ** np.maximum(j - 1, 0)


def watson(x):
    """Watson (20), 31 residuals.

    ``sum_j (j - 1) x_j t_i^(j-2) - (sum_j x_j t_i^(j-1))^2 - 1`` at ``t_i = i / 29`` for
    ``i = 1..29``, then ``x1`` and ``x2 - x1^2 - 1``.
    """
    powers, slopes = _watson_basis(x.size)
    return np.concatenate([slopes @ x - (powers @ x) ** 2 - 1, [x[0], x[1] - x[0] ** 2 - 1]])


def watson_jacobian(x):
    """Jacobian of `watson`."""
    powers, slopes = _watson_basis(x.size)
    ends = np.zeros((2, x.size))
    ends[0, 0] = 1
    ends[1, :2] = -2 * x[0], 1
    return np.vstack([slopes - 2 * (powers @ x)[:, None] * powers, ends])


def penalty_1(x):
    """Penalty I (23): ``sqrt(1e-5) (x_i - 1)`` and ``sum_j x_j^2 - 1/4``."""
    return np.append(PENALTY_WEIGHT * (x - 1), x @ x - 0.25)


def penalty_1_jacobian(x):
    """Jacobian of `penalty_1`."""
    return np.vstack([PENALTY_WEIGHT * np.eye(x.size), 2 * x])


def penalty_2(x):
    """Penalty II (24), ``2n`` residuals.

    ``x1 - 0.2``; ``sqrt(1e-5) (exp(x_i / 10) + exp(x_{i-1} / 10) - exp(i / 10) - exp((i-1) / 10))``
    and ``sqrt(1e-5) (exp(x_i / 10) - exp(-1 / 10))`` for ``i = 2..n``; ``sum_j (n - j + 1) x_j^2 - 1``.
    """
    n = x.size
    grown = np.exp(x / 10)
    target = np.exp(np.arange(1, n + 1) / 10)
    steps = PENALTY_WEIGHT * (grown[1:] + grown[:-1] - target[1:] - target[:-1])
    levels = PENALTY_WEIGHT * (grown[1:] - np.exp(-0.1))
    return np.concatenate([x[:1] - 0.2, steps, levels, [np.arange(n, 0, -1) @ x**2 - 1]])


def penalty_2_jacobian(x):
    """Jacobian of `penalty_2`."""
    n = x.size
    levels = np.diag(PENALTY_WEIGHT * np.exp(x / 10) / 10)
    steps = levels[1:] + levels[:-1]
    return np.vstack([np.eye(1, n), steps, levels[1:], 2 * np.arange(n, 0, -1) * x])


def variably_dimensioned(x):
    """Variably dimensioned (25): ``x_i - 1``, ``s`` and ``s^2`` with ``s = sum_j j (x_j - 1)``."""
    s = np.arange(1, x.size + 1) @ (x - 1)
    return np.append(x - 1, [s, s**2])


def variably_dimensioned_jacobian(x):
    """Jacobian of `variably_dimensioned`."""
    j = np.arange(1, x.size + 1)
    return np.vstack([np.eye(x.size), j, 2 * (j @ (x - 1)) * j])


def trigonometric(x):
    """Trigonometric (26): ``n - sum_j cos x_j + i (1 - cos x_i) - sin x_i``."""
    i = np.arange(1, x.size + 1)
    return x.size - np.cos(x).sum() + i * (1 - np.cos(x)) - np.sin(x)


def trigonometric_jacobian(x):
    """Jacobian of `trigonometric`."""
    i = np.arange(1, x.size + 1)
    return np.sin(x) + np.diag(i * np.sin(x) - np.cos(x))


def brown_almost_linear(x):
    """Brown almost-linear (27): ``x_i + sum_j x_j - (n + 1)`` for ``i < n``, ``prod_j x_j - 1``."""
    return np.append(x[:-1] + x.sum() - (x.size + 1), x.prod() - 1)


def brown_almost_linear_jacobian(x):
    """Jacobian of `brown_almost_linear`."""
    # Products of the other components without a division, which a zero component would break.
    before = np.cumprod(np.append(1.0, x[:-1]))
    after = np.cumprod(np.append(1.0, x[:0:-1]))[::-1]
    return np.vstack([1 + np.eye(x.size - 1, x.size), before * after])


def _unit_grid(n):
    """Return the inner points ``i / (n + 1)`` of the unit interval."""
    return np.arange(1, n + 1) / (n + 1)


def discrete_boundary_value(x):
    """Discrete boundary value (28): ``2 x_i - x_{i-1} - x_{i+1} + h^2 (x_i + t_i + 1)^3 / 2``.

    ``h = 1 / (n + 1)``, ``t_i = i h`` and ``x_0 = x_{n+1} = 0``.
    """
    padded = np.pad(x, 1)
    bend = 2 * x - padded[:-2] - padded[2:]
    return bend + (x + _unit_grid(x.size) + 1) ** 3 / (2 * (x.size + 1) ** 2)


def discrete_boundary_value_jacobian(x):
    """Jacobian of `discrete_boundary_value`."""
    n = x.size
    diagonal = 2 + 1.5 * (x + _unit_grid(n) + 1) ** 2 / (n + 1) ** 2
    return np.diag(diagonal) - np.eye(n, k=1) - np.eye(n, k=-1)


def _integral_kernel(n):
    """Return the weights ``h min(t_i, t_j) (1 - max(t_i, t_j)) / 2`` of the discrete integral."""
    t = _unit_grid(n)
    return np.minimum.outer(t, t) * (1 - np.maximum.outer(t, t)) / (2 * (n + 1))


def discrete_integral(x):
    """Discrete integral equation (29), ``c_j = (x_j + t_j + 1)^3``.

    ``x_i + h [(1 - t_i) sum_{j<=i} t_j c_j + t_i sum_{j>i} (1 - t_j) c_j] / 2``.
    """
    return x + _integral_kernel(x.size) @ (x + _unit_grid(x.size) + 1) ** 3


def discrete_integral_jacobian(x):
    """Jacobian of `discrete_integral`."""
    n = x.size
    return np.eye(n) + _integral_kernel(n) * 3 * (x + _unit_grid(n) + 1) ** 2


def broyden_tridiagonal(x):
    """Broyden tridiagonal (30): ``(3 - 2 x_i) x_i - x_{i-1} - 2 x_{i+1} + 1``, ``x_0 = x_{n+1} = 0``."""
    padded = np.pad(x, 1)
    return (3 - 2 * x) * x - padded[:-2] - 2 * padded[2:] + 1


def broyden_tridiagonal_jacobian(x):
    """Jacobian of `broyden_tridiagonal`."""
    return np.diag(3 - 4 * x) - np.eye(x.size, k=-1) - 2 * np.eye(x.size, k=1)


def _broyden_band(n):
    """Return the 0-1 matrix of the neighbours: up to five before each component and one after it."""
    return np.tri(n, k=1) - np.tri(n, k=-6) - np.eye(n)


def broyden_banded(x):
    """Broyden banded (31): ``x_i (2 + 5 x_i^2) + 1 - sum_{j in J_i} x_j (1 + x_j)``.

    ``J_i`` are the indices from ``i - 5`` to ``i + 1`` other than ``i``.
    """
    return x * (2 + 5 * x**2) + 1 - _broyden_band(x.size) @ (x * (1 + x))


def broyden_banded_jacobian(x):
    """Jacobian of `broyden_banded`."""
    return np.diag(2 + 15 * x**2) - _broyden_band(x.size) * (1 + 2 * x)


def linear_full_rank(x, m=20):
    """Linear, full rank (32), ``s = sum_j x_j``.

    ``x_i - 2 s / m - 1`` for ``i <= n``, then ``-2 s / m - 1``.
    """
    return np.pad(x, (0, m - x.size)) - 2 * x.sum() / m - 1


def linear_full_rank_jacobian(x, m=20):
    """Jacobian of `linear_full_rank`."""
    return np.eye(m, x.size) - 2 / m


def linear_rank_1(x, m=20):
    """Linear, rank 1 (33): ``i sum_j j x_j - 1``."""
    return np.arange(1, m + 1) * (np.arange(1, x.size + 1) @ x) - 1


def linear_rank_1_jacobian(x, m=20):
    """Jacobian of `linear_rank_1`."""
    return np.outer(np.arange(1.0, m + 1), np.arange(1, x.size + 1))


def linear_rank_1_zero_jacobian(x, m=20):
    """Jacobian of `linear_rank_1_zero`."""
    rows, columns = np.arange(m, dtype=float), np.arange(1, x.size + 1)
    rows[-1] = 0
    columns[[0, -1]] = 0
    return np.outer(rows, columns)


def linear_rank_1_zero(x, m=20):
    """Linear, rank 1 with zero columns and rows (34).

    ``(i - 1) sum_{1<j<n} j x_j - 1``, and -1 for ``i = 1`` and ``i = m``.
    """
    return linear_rank_1_zero_jacobian(x, m) @ x - 1


def _shifted_chebyshev(x):
    """Return the Chebyshev polynomials of degree 1 to ``n`` on [0, 1] and their derivatives at ``x``."""
    z = 2 * x - 1
    values, slopes = [np.ones_like(z), z], [np.zeros_like(z), np.full_like(z, 2)]
    for _ in range(1, x.size):
        slopes.append(4 * values[-1] + 2 * z * slopes[-1] - slopes[-2])
        values.append(2 * z * values[-1] - values[-2])
    return np.array(values[1:]), np.array(slopes[1:])


def chebyquad(x):
    """Chebyquad (35): ``sum_j T_i(x_j) / n - integral of T_i over [0, 1]`` for ``i = 1..n``.

    The integral is 0 for odd ``i`` and ``-1 / (i^2 - 1)`` for even ``i``.
    """
    even = np.arange(2, x.size + 1, 2)
    residuals = _shifted_chebyshev(x)[0].mean(axis=1)
    residuals[1::2] += 1 / (even**2 - 1)
    return residuals


def chebyquad_jacobian(x):
    """Jacobian of `chebyquad`."""
    return _shifted_chebyshev(x)[1] / x.size
