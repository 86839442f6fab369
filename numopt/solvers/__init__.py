"""Iterative solvers: state machines with ask and tell."""

from .lbfgs import LBFGS, lbfgs_maker
from .spg import SPG

__all__ = ["LBFGS", "SPG", "lbfgs_maker"]
