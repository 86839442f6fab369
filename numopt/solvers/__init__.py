"""Iterative solvers: state machines with ask and tell."""

from . import storage  # noqa: F401 (it registers how they are stored)
from .lbfgs import LBFGS, lbfgs_maker
from .spg import SPG

__all__ = ["LBFGS", "SPG", "lbfgs_maker"]
