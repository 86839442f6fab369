"""Sparse vectors: found without gradients, and kept sparse while they are trained with them."""

from .evolution import SparseEvolution
from .rewiring import AtRandom, ByGradient, ByMagnitude, ByMomentum, BySign, prune_regrow
from .set import SET

__all__ = [
    "SET",
    "AtRandom",
    "ByGradient",
    "ByMagnitude",
    "ByMomentum",
    "BySign",
    "SparseEvolution",
    "prune_regrow",
]
