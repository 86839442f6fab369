"""The options of ``minimize``: SciPy's names and defaults, and those of this package."""

import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import OptimizeWarning

from ._input import at_least, at_most_a_million, callers_level, limit, not_negative, real_number
from ._jit import suggestion
from .generic import advance
from .linesearch import MoreThuente


class Options(NamedTuple):
    """What ``options`` may hold; documented in :func:`numopt.minimize`."""

    maxcor: int = 10
    ftol: float = 2.220446049250313e-09
    gtol: float = 1e-5
    eps: Any = None
    maxfun: int = 15000
    maxiter: int = 15000
    maxls: Any = None  # that of the line search, 20 for the default one
    disp: bool = False
    finite_diff_rel_step: Any = None
    linesearch: Any = MoreThuente()
    x_scale: Any = None
    gradient_convention: str = "ascent"
    callback_every: int = 1
    max_time: float = np.inf
    target: float = -np.inf
    history: bool = False
    progress: bool = False
    state: Any = None


class SearchOptions(NamedTuple):
    """What ``options`` may hold for the method 'SparseEvolution'; documented in :func:`numopt.minimize`."""

    penalty: float = 0.01
    seed: int = 0
    sigma: float = 0.5
    zeta: float = 0.3
    patience: int = 6
    penalize: Any = None
    resamples: int = 1
    grow: Any = "score"
    selection: Any = "cost"
    maxfun: int = 100_000
    vectorized: bool = False
    workers: Any = None
    max_time: float = np.inf
    target: float = -np.inf
    history: bool = False
    progress: bool = False
    disp: bool = False
    state: Any = None


DEFAULTS = Options()


def merge(options, tol, kind=Options):
    """The options given, over the defaults; warns of unknown ones, and raises for values that make no sense."""
    if not options and tol is None:
        return DEFAULTS if kind is Options else kind()
    if type(options) is not dict and not isinstance(options, Mapping | None):
        raise TypeError(f"options must be a dict, got {options!r}")
    given = dict(options or {})
    if tol is not None and kind is Options:
        tol = not_negative(tol, "tol")
        given.setdefault("ftol", tol)
        given.setdefault("gtol", tol)
    if not kind._field_defaults.keys() >= given.keys():
        unknown = [name for name in given if name not in kind._fields]
        named = [f"{name} ({hint[:-1]})" if (hint := suggestion(name, kind._fields)) else str(name) for name in unknown]
        message = f"unknown options: {', '.join(named)}; known: {', '.join(kind._fields)}"
        warnings.warn(message, OptimizeWarning, stacklevel=callers_level())
        given = {name: value for name, value in given.items() if name in kind._fields}
    for name, value in given.items():
        check = _CHECKS.get(name)
        if check is not None:
            given[name] = check(value, name)
    return kind(**given)


def _from_0(value, name):
    return at_least(value, 0, name)


def _from_1(value, name):
    return at_least(value, 1, name)


def _limit_from_0(value, name):
    return limit(value, 0, name)


def _none_or_from_1(value, name):
    return None if value is None else at_least(value, 1, name)


def _steps(value, name):
    if value is not None and np.asarray(value).dtype.kind not in "iuf":
        raise TypeError(f"{name} must be a positive number, got {value!r}")
    return value


def _search(value, name):
    if not advance.registered(type(value)):
        raise TypeError(f"{name} must be MoreThuente(), Zoom() or Backtracking(), got {value!r}")
    return value


def _convention(value, name):
    if value not in ("ascent", "conjugate"):
        raise ValueError(f"{name} must be 'ascent' or 'conjugate', got {value!r}")
    return value


def _number(value, name):
    number = real_number(value, name)
    if np.isnan(number):
        raise ValueError(f"{name} must not be NaN")
    return number


_CHECKS = {
    "maxcor": at_most_a_million,
    "maxls": _none_or_from_1,
    "maxiter": _limit_from_0,
    "maxfun": _from_1,
    "ftol": not_negative,
    "gtol": not_negative,
    "eps": _steps,
    "finite_diff_rel_step": _steps,
    "callback_every": _from_1,
    "max_time": not_negative,
    "target": _number,
    "linesearch": _search,
    "gradient_convention": _convention,
}
