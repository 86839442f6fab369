"""The options of ``minimize``: SciPy's names and defaults, and those of this package."""

import warnings
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import OptimizeWarning

from ._input import at_least, not_negative
from ._jit import Record
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


DEFAULTS = Options()


def merge(options, tol, stacklevel=3):
    """The options given, over the defaults; warns of unknown ones, and raises for values that make no sense."""
    if not options and tol is None:
        return DEFAULTS
    given = dict(options or {})
    if tol is not None:
        given.setdefault("ftol", tol)
        given.setdefault("gtol", tol)
    unknown = [name for name in given if name not in Options._fields]
    if unknown:
        names = ", ".join(map(str, unknown))
        message = f"unknown options: {names}; known: {', '.join(Options._fields)}"
        warnings.warn(message, OptimizeWarning, stacklevel=stacklevel)
    chosen = Options(**{name: value for name, value in given.items() if name in Options._fields})
    return _validated(chosen)


def _validated(chosen):
    if not isinstance(chosen.linesearch, Record):
        raise TypeError(f"linesearch must be MoreThuente(), Zoom() or Backtracking(), got {chosen.linesearch!r}")
    if chosen.gradient_convention not in ("ascent", "conjugate"):
        raise ValueError(f"gradient_convention must be 'ascent' or 'conjugate', got {chosen.gradient_convention!r}")
    target = float(chosen.target)
    if np.isnan(target):
        raise ValueError("target must not be NaN")
    return chosen._replace(
        maxcor=at_least(chosen.maxcor, 1, "maxcor"),
        maxls=None if chosen.maxls is None else at_least(chosen.maxls, 1, "maxls"),
        maxiter=at_least(chosen.maxiter, 0, "maxiter"),
        maxfun=at_least(chosen.maxfun, 1, "maxfun"),
        ftol=not_negative(chosen.ftol, "ftol"),
        gtol=not_negative(chosen.gtol, "gtol"),
        callback_every=at_least(chosen.callback_every, 1, "callback_every"),
        max_time=not_negative(chosen.max_time, "max_time"),
        target=target,
    )
