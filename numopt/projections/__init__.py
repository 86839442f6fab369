"""Projections onto sets, and proximal operators of norms; one family a file."""

from .box import Box, ComplexBox, Hypercube, NonNegative, box_of_bounds
from .disc import Disc, LinfBall, UnitModulus
from .halfspace import AffineSet, Halfspace, Hyperplane
from .intersection import Intersection
from .l1 import GroupL1Ball, L1Ball, L1Sphere, WeightedL1Ball
from .l2 import L2Ball, L2Sphere, SecondOrderCone
from .largest import L0Ball
from .norms import GroupL1Norm, L1Norm, L2Norm, LinfNorm
from .project import project, prox
from .section import BoxSection, CappedSimplex
from .simplex import Simplex, SparseSimplex

__all__ = [
    "AffineSet",
    "Box",
    "BoxSection",
    "CappedSimplex",
    "ComplexBox",
    "Disc",
    "GroupL1Ball",
    "GroupL1Norm",
    "Halfspace",
    "Hypercube",
    "Hyperplane",
    "Intersection",
    "L0Ball",
    "L1Ball",
    "L1Norm",
    "L1Sphere",
    "L2Ball",
    "L2Norm",
    "L2Sphere",
    "LinfBall",
    "LinfNorm",
    "NonNegative",
    "SecondOrderCone",
    "Simplex",
    "SparseSimplex",
    "UnitModulus",
    "WeightedL1Ball",
    "box_of_bounds",
    "project",
    "prox",
]
