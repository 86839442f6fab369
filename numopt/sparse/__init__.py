"""Search for sparse vectors without gradients."""

from . import rounds, two_stage  # noqa: F401 (they register what a selection does)
from .choices import AtRandom, ByCost, ByScore, TwoStage
from .evolution import SparseEvolution

__all__ = ["AtRandom", "ByCost", "ByScore", "SparseEvolution", "TwoStage"]
