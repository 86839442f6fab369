"""Sparse vectors: found without gradients, and kept sparse while they are trained with them."""

from . import rounds, storage, tending, two_stage  # noqa: F401 (they register what selections and SET do, and files)
from .choices import AtRandom, ByCost, ByScore, TwoStage
from .evolution import SparseEvolution
from .rewiring import ByGradient, ByMagnitude, ByMomentum, BySign, prune_regrow
from .set import SET

__all__ = [
    "SET",
    "AtRandom",
    "ByCost",
    "ByGradient",
    "ByMagnitude",
    "ByMomentum",
    "ByScore",
    "BySign",
    "SparseEvolution",
    "TwoStage",
    "prune_regrow",
]
