"""Iterative solvers: state machines with ask and tell."""

from .lbfgs import LBFGS

__all__ = ["LBFGS"]
