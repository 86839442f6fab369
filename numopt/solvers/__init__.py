"""Iterative solvers: state machines with ask and tell."""

from .lbfgs import LBFGS
from .spg import SPG

__all__ = ["LBFGS", "SPG"]
