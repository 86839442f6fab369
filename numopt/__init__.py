"""Optimisation compiled with Numba: L-BFGS for real and complex vectors, in Python and inside ``@njit`` code."""

from .check import GradientReport, check_gradient
from .linesearch import Backtracking, LineSearchResult, MoreThuente, Verdict, Zoom, line_search
from .minimize import minimize
from .plot import plot_convergence
from .scipy_method import lbfgs
from .solvers import LBFGS
from .status import Status

__version__ = "0.1.0.dev0"

__all__ = [
    "LBFGS",
    "Backtracking",
    "GradientReport",
    "LineSearchResult",
    "MoreThuente",
    "Status",
    "Verdict",
    "Zoom",
    "check_gradient",
    "lbfgs",
    "line_search",
    "minimize",
    "plot_convergence",
]
