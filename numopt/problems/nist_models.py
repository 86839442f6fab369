"""The models of NIST's nonlinear regression sets, each with its analytic Jacobian.

A model maps the predictors `x`, shape (m,) (Nelson: (2, m)), and the parameters `b`, shape (n,), to the
response, shape (m,). Every model accepts complex parameters, so that a complex step can check the Jacobian,
shape (m, n), which is written for real ones. Neither guards against overflow or a point outside the model's
domain: the caller decides about warnings.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy import arctan, column_stack, cos, exp, expm1, log, ones_like, pi, sin


class Model(NamedTuple):
    """A model and its Jacobian, both functions of (x, b)."""

    value: Callable
    jacobian: Callable


def _saturation(x, b):
    """``y = b1 (1 - exp[-b2 x])``: Misra1a, BoxBOD."""
    # expm1 keeps the digits that 1 - exp loses while b2 x is small.
    return -b[0] * expm1(-b[1] * x)


def _saturation_jacobian(x, b):
    return column_stack((-expm1(-b[1] * x), b[0] * x * exp(-b[1] * x)))


def _misra1b(x, b):
    """``y = b1 (1 - (1 + b2 x / 2)^-2)``."""
    return b[0] * (1 - (1 + b[1] * x / 2) ** -2)


def _misra1b_jacobian(x, b):
    base = 1 + b[1] * x / 2
    return column_stack((1 - base**-2, b[0] * x * base**-3))


def _misra1c(x, b):
    """``y = b1 (1 - (1 + 2 b2 x)^-1/2)``."""
    return b[0] * (1 - (1 + 2 * b[1] * x) ** -0.5)


def _misra1c_jacobian(x, b):
    base = 1 + 2 * b[1] * x
    return column_stack((1 - base**-0.5, b[0] * x * base**-1.5))


def _misra1d(x, b):
    """``y = b1 b2 x (1 + b2 x)^-1``."""
    return b[0] * b[1] * x / (1 + b[1] * x)


def _misra1d_jacobian(x, b):
    base = 1 + b[1] * x
    return column_stack((b[1] * x / base, b[0] * x / base**2))


def _chwirut(x, b):
    """``y = exp[-b1 x] / (b2 + b3 x)``: Chwirut1, Chwirut2."""
    return exp(-b[0] * x) / (b[1] + b[2] * x)


def _chwirut_jacobian(x, b):
    base = b[1] + b[2] * x
    y = exp(-b[0] * x) / base
    return column_stack((-x * y, -y / base, -x * y / base))


def _lanczos(x, b):
    """``y = b1 exp(-b2 x) + b3 exp(-b4 x) + b5 exp(-b6 x)``: Lanczos1-3."""
    return b[0] * exp(-b[1] * x) + b[2] * exp(-b[3] * x) + b[4] * exp(-b[5] * x)


def _lanczos_jacobian(x, b):
    first, second, third = (exp(-rate * x) for rate in b[1::2])
    return column_stack((first, -b[0] * x * first, second, -b[2] * x * second, third, -b[4] * x * third))


def _mgh17(x, b):
    """``y = b1 + b2 exp[-x b4] + b3 exp[-x b5]``."""
    return b[0] + b[1] * exp(-x * b[3]) + b[2] * exp(-x * b[4])


def _mgh17_jacobian(x, b):
    first, second = exp(-x * b[3]), exp(-x * b[4])
    return column_stack((ones_like(x), first, second, -b[1] * x * first, -b[2] * x * second))


def _gauss(x, b):
    """``y = b1 exp(-b2 x) + b3 exp(-(x - b4)^2 / b5^2) + b6 exp(-(x - b7)^2 / b8^2)``: Gauss1-3."""
    return b[0] * exp(-b[1] * x) + _peak(x, *b[2:5]) + _peak(x, *b[5:8])


def _gauss_jacobian(x, b):
    decay = exp(-b[1] * x)
    peaks = (_peak_jacobian(x, *b[2:5]), _peak_jacobian(x, *b[5:8]))
    return column_stack((decay, -b[0] * x * decay, *peaks))


def _peak(x, height, centre, width):
    return height * exp(-(((x - centre) / width) ** 2))


def _peak_jacobian(x, height, centre, width):
    z = (x - centre) / width
    shape = exp(-z * z)
    slope = 2 * height * shape * z / width
    return column_stack((shape, slope, slope * z))


def _eckerle4(x, b):
    """``y = (b1 / b2) exp[-((x - b3) / b2)^2 / 2]``."""
    return b[0] / b[1] * exp(-0.5 * ((x - b[2]) / b[1]) ** 2)


def _eckerle4_jacobian(x, b):
    z = (x - b[2]) / b[1]
    shape = exp(-0.5 * z * z) / b[1]
    slope = b[0] * shape / b[1]
    return column_stack((shape, slope * (z * z - 1), slope * z))


def _rational(x, b):
    """``y = (b1 + b2 x + .. + bk x^(k-1)) / (1 + b(k+1) x + .. + b(2k-1) x^(k-1))``.

    Quadratic (k = 3): Kirby2. Cubic (k = 4): Hahn1, Thurber.
    """
    powers, k = _powers(x, b)
    return powers @ b[:k] / (1 + powers[:, 1:] @ b[k:])


def _rational_jacobian(x, b):
    powers, k = _powers(x, b)
    over = powers / (1 + powers[:, 1:] @ b[k:])[:, None]
    y = over @ b[:k]
    return column_stack((over, -y[:, None] * over[:, 1:]))


def _powers(x, b):
    k = (b.size + 1) // 2
    return x[:, None] ** np.arange(k), k


def _mgh09(x, b):
    """``y = b1 (x^2 + x b2) / (x^2 + x b3 + b4)``."""
    return b[0] * (x * x + x * b[1]) / (x * x + x * b[2] + b[3])


def _mgh09_jacobian(x, b):
    base = x * x + x * b[2] + b[3]
    ratio = (x * x + x * b[1]) / base
    slope = -b[0] * ratio / base
    return column_stack((ratio, b[0] * x / base, x * slope, slope))


def _mgh10(x, b):
    """``y = b1 exp[b2 / (x + b3)]``."""
    return b[0] * exp(b[1] / (x + b[2]))


def _mgh10_jacobian(x, b):
    base = x + b[2]
    shape = exp(b[1] / base)
    y = b[0] * shape
    return column_stack((shape, y / base, -b[1] * y / base**2))


def _bennett5(x, b):
    """``y = b1 (b2 + x)^(-1 / b3)``."""
    return b[0] * (b[1] + x) ** (-1 / b[2])


def _bennett5_jacobian(x, b):
    base = b[1] + x
    shape = base ** (-1 / b[2])
    y = b[0] * shape
    return column_stack((shape, -y / (b[2] * base), y * log(base) / b[2] ** 2))


def _danwood(x, b):
    """``y = b1 x^b2``."""
    return b[0] * x ** b[1]


def _danwood_jacobian(x, b):
    return column_stack((x ** b[1], b[0] * x ** b[1] * log(x)))


def _enso(x, b):
    """``y = b1 + b2 cos(w x) + b3 sin(w x) + b5 cos(u x) + b6 sin(u x) + b8 cos(v x) + b9 sin(v x)``.

    With w = 2 pi / 12, u = 2 pi / b4, v = 2 pi / b7: a yearly cycle and two of unknown period.
    """
    return b[0] + _cycle(x, 12, b[1], b[2]) + _cycle(x, *b[3:6]) + _cycle(x, *b[6:9])


def _enso_jacobian(x, b):
    yearly = _cycle_jacobian(x, 12, b[1], b[2])[:, 1:]
    return column_stack((ones_like(x), yearly, _cycle_jacobian(x, *b[3:6]), _cycle_jacobian(x, *b[6:9])))


def _cycle(x, period, even, odd):
    angle = 2 * pi * x / period
    return even * cos(angle) + odd * sin(angle)


def _cycle_jacobian(x, period, even, odd):
    angle = 2 * pi * x / period
    return column_stack(((even * sin(angle) - odd * cos(angle)) * angle / period, cos(angle), sin(angle)))


def _nelson(x, b):
    """``log[y] = b1 - b2 x1 exp[-b3 x2]``."""
    return b[0] - b[1] * x[0] * exp(-b[2] * x[1])


def _nelson_jacobian(x, b):
    ageing = x[0] * exp(-b[2] * x[1])
    return column_stack((ones_like(ageing), -ageing, b[1] * x[1] * ageing))


def _rat42(x, b):
    """``y = b1 / (1 + exp[b2 - b3 x])``."""
    return b[0] / (1 + exp(b[1] - b[2] * x))


def _rat42_jacobian(x, b):
    t = b[1] - b[2] * x
    share = 1 / (1 + exp(t))
    # 1 / (1 + exp(-t)) and not exp(t) / (1 + exp(t)), which is inf / inf for large t.
    slope = b[0] * share / (1 + exp(-t))
    return column_stack((share, -slope, x * slope))


def _rat43(x, b):
    """``y = b1 / (1 + exp[b2 - b3 x])^(1 / b4)``."""
    return b[0] / (1 + exp(b[1] - b[2] * x)) ** (1 / b[3])


def _rat43_jacobian(x, b):
    t = b[1] - b[2] * x
    share = (1 + exp(t)) ** (-1 / b[3])
    # Both forms stay finite for large t, where exp(t) overflows.
    slope = b[0] * share / (b[3] * (1 + exp(-t)))
    return column_stack((share, -slope, x * slope, b[0] * share * np.logaddexp(0, t) / b[3] ** 2))


def _roszman1(x, b):
    """``y = b1 - b2 x - arctan[b3 / (x - b4)] / pi``."""
    return b[0] - b[1] * x - arctan(b[2] / (x - b[3])) / pi


def _roszman1_jacobian(x, b):
    distance = x - b[3]
    slope = 1 / (pi * (distance**2 + b[2] ** 2))
    return column_stack((ones_like(x), -x, -distance * slope, -b[2] * slope))


_LANCZOS = Model(_lanczos, _lanczos_jacobian)
_GAUSS = Model(_gauss, _gauss_jacobian)
_CHWIRUT = Model(_chwirut, _chwirut_jacobian)
_RATIONAL = Model(_rational, _rational_jacobian)
_SATURATION = Model(_saturation, _saturation_jacobian)

MODELS = {
    "Bennett5": Model(_bennett5, _bennett5_jacobian),
    "BoxBOD": _SATURATION,
    "Chwirut1": _CHWIRUT,
    "Chwirut2": _CHWIRUT,
    "DanWood": Model(_danwood, _danwood_jacobian),
    "ENSO": Model(_enso, _enso_jacobian),
    "Eckerle4": Model(_eckerle4, _eckerle4_jacobian),
    "Gauss1": _GAUSS,
    "Gauss2": _GAUSS,
    "Gauss3": _GAUSS,
    "Hahn1": _RATIONAL,
    "Kirby2": _RATIONAL,
    "Lanczos1": _LANCZOS,
    "Lanczos2": _LANCZOS,
    "Lanczos3": _LANCZOS,
    "MGH09": Model(_mgh09, _mgh09_jacobian),
    "MGH10": Model(_mgh10, _mgh10_jacobian),
    "MGH17": Model(_mgh17, _mgh17_jacobian),
    "Misra1a": _SATURATION,
    "Misra1b": Model(_misra1b, _misra1b_jacobian),
    "Misra1c": Model(_misra1c, _misra1c_jacobian),
    "Misra1d": Model(_misra1d, _misra1d_jacobian),
    "Nelson": Model(_nelson, _nelson_jacobian),
    "Rat42": Model(_rat42, _rat42_jacobian),
    "Rat43": Model(_rat43, _rat43_jacobian),
    "Roszman1": Model(_roszman1, _roszman1_jacobian),
    "Thurber": _RATIONAL,
}
