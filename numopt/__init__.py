"""Optimisation compiled with Numba: L-BFGS for real and complex vectors, in Python and inside ``@njit`` code."""

from .linesearch import Backtracking, LineSearchResult, MoreThuente, Verdict, Zoom, line_search
from .minimize import minimize
from .solvers import LBFGS
from .status import Status

__version__ = "0.1.0.dev0"

__all__ = [
    "LBFGS",
    "Backtracking",
    "LineSearchResult",
    "MoreThuente",
    "Status",
    "Verdict",
    "Zoom",
    "line_search",
    "minimize",
]
