"""Search for sparse vectors without gradients."""

from .evolution import SparseEvolution

__all__ = ["SparseEvolution"]
