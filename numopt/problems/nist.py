"""NIST's 27 certified nonlinear regression sets as objectives ``f(b) = sum_i (model(x_i, b) - y_i)^2``.

Each set comes with two starts (the second usually the nearer) and with parameters certified to 11 digits:
real data, badly scaled and often ill-conditioned, with an answer that is known.

References
----------
NIST/ITL Statistical Reference Datasets, nonlinear least squares regression,
https://www.itl.nist.gov/div898/strd/nls/nls_main.shtml

Examples
--------
>>> from numopt.problems import nist
>>> misra = nist.load("Misra1a")
>>> misra.level, misra.y.size
('Lower', 14)
>>> misra.certified.tolist()
[238.94212918, 0.00055015643181]
>>> misra.digits([238.94, 5.5e-4]) > 3
True
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np

from numopt.problems.nist_models import MODELS

_LEVELS = ("Lower", "Average", "Higher")

# The certified parameters carry 11 digits: more agreement than that means nothing.
_CERTIFIED_DIGITS = 11


# Compared by identity: an == that compares the arrays would have no truth value.
@dataclass(frozen=True, eq=False)
class Regression:
    """A nonlinear regression with certified parameters.

    The arrays are read-only. Where a model overflows or leaves its domain (a negative base to a fractional
    power), the values and derivatives are inf or nan, without a warning.

    Attributes
    ----------
    name : str
        NIST's name of the set, such as ``"Misra1a"``.
    level : str
        NIST's level of difficulty: ``"Lower"``, ``"Average"`` or ``"Higher"``.
    x : ndarray, shape (m,) or (2, m)
        Predictors; two of them for Nelson.
    y : ndarray, shape (m,)
        Response; for Nelson, whose model is one for ``log[y]``, its logarithm.
    starts : ndarray, shape (2, n)
        The two published starts.
    certified : ndarray, shape (n,)
        Certified parameters.
    deviations : ndarray, shape (n,)
        Certified standard deviations of the parameters.
    residual_sum : float
        Certified residual sum of squares.
    """

    name: str
    level: str
    x: np.ndarray
    y: np.ndarray
    starts: np.ndarray
    certified: np.ndarray
    deviations: np.ndarray
    residual_sum: float

    def residuals(self, b):
        """Residuals ``model(x, b) - y``, shape (m,); complex for complex parameters.

        Parameters
        ----------
        b : array_like, shape (n,)
            Parameters, real or complex (for a complex step).
        """
        b = self._parameters(b)
        with np.errstate(all="ignore"):
            return MODELS[self.name].value(self.x, b) - self.y

    def jacobian(self, b):
        """Analytic derivatives ``d residual_i / d b_j``, shape (m, n).

        Parameters
        ----------
        b : array_like, shape (n,)
            Parameters, real.
        """
        b = self._parameters(b)
        with np.errstate(all="ignore"):
            return MODELS[self.name].jacobian(self.x, b)

    def value_and_gradient(self, b):
        """Sum of squares ``r.r`` and its gradient ``2 J^T r``.

        Parameters
        ----------
        b : array_like, shape (n,)
            Parameters, real.

        Returns
        -------
        value : float
        gradient : ndarray, shape (n,)
        """
        r, jacobian = self.residuals(b), self.jacobian(b)
        with np.errstate(all="ignore"):
            return float(r @ r), 2 * (r @ jacobian)

    def scaled(self, scale) -> Callable:
        """Objective in the variables ``q = b / scale``.

        Parameters
        ----------
        scale : array_like, shape (n,)
            A typical size of each parameter; with a start, that start is ``q = (1, .., 1)``.

        Returns
        -------
        callable
            ``q -> (f, df/dq)``.
        """
        scale = np.array(self._parameters(scale))

        def value_and_gradient(q):
            with np.errstate(all="ignore"):
                value, gradient = self.value_and_gradient(scale * q)
                return value, scale * gradient

        return value_and_gradient

    def digits(self, b) -> float:
        """Significant digits that all parameters share with the certified ones.

        ``min_i -log10(|b_i - c_i| / |c_i|)``, NIST's log relative error, between 0 and 11. A point that is as
        good by a symmetry of the model (two exponentials exchanged) counts as different.

        Parameters
        ----------
        b : array_like, shape (n,)
            Parameters.
        """
        error = np.max(np.abs(self._parameters(b) - self.certified) / np.abs(self.certified))
        if not error < 1:  # also for nan
            return 0.0
        return float(-np.log10(max(error, 10.0**-_CERTIFIED_DIGITS)))

    def _parameters(self, b):
        # Integers become floats: NumPy refuses negative powers of integers.
        b = np.asarray(b, dtype=complex if np.iscomplexobj(b) else float)
        if b.shape != self.certified.shape:
            raise ValueError(f"{self.name} needs b of shape {self.certified.shape}, got shape {b.shape}")
        return b


@cache
def names() -> tuple[str, ...]:
    """Names of the 27 sets: lower, average, higher difficulty, alphabetically within each."""
    return tuple(sorted(MODELS, key=lambda name: (_LEVELS.index(load(name).level), name)))


@cache
def load(name) -> Regression:
    """Read one of NIST's sets.

    Parameters
    ----------
    name : str
        One of `names`.

    Raises
    ------
    ValueError
        If there is no such set.
    """
    if name not in MODELS:
        raise ValueError(f"no NIST set is called {name!r}; there are: {', '.join(names())}")
    file = resources.files("numopt.problems") / "nist_strd" / f"{name}.dat"
    return _parse(name, file.read_text(encoding="ascii"))


def _parse(name, text) -> Regression:
    # Lines such as "b1 =  500  250  2.3894212918E+02  2.7070075241E+00": starts, certified, deviation.
    parameters = _table(line.partition("=")[2] for line in _section(text, "Starting Values"))
    data = _table(_section(text, "Data"))
    # The models' formulas are of the form "y = .." but for one, "log[y] = ..".
    response = np.log(data[0]) if "log[y] =" in text else data[0]
    return Regression(
        name=name,
        level=re.search(r"(\w+) Level of Difficulty", text)[1],
        x=_frozen(data[1] if len(data) == 2 else data[1:]),
        y=_frozen(response),
        starts=_frozen(parameters[:2]),
        certified=_frozen(parameters[2]),
        deviations=_frozen(parameters[3]),
        residual_sum=_residual_sum(_section(text, "Certified Values")),
    )


def _section(text, title):
    """Lines of a section; the header gives them as in "Data   (lines 61 to  74)", counted from 1."""
    first, last = re.search(rf"{title}\s*\(lines\s+(\d+)\s+to\s+(\d+)\)", text).groups()
    return text.splitlines()[int(first) - 1 : int(last)]


def _residual_sum(lines):
    title = "Residual Sum of Squares:"
    return next(float(line.removeprefix(title)) for line in lines if line.startswith(title))


def _table(lines):
    """Columns of numbers."""
    return np.array([line.split() for line in lines], dtype=float).T


def _frozen(array):
    array = np.array(array, order="C")  # a copy: no writeable array shares its memory
    array.flags.writeable = False
    return array
