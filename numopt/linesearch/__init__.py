"""Line searches: parameters as records, state as one array of scalars, no vectors."""

from .backtracking import Backtracking
from .more_thuente import MoreThuente
from .run import LineSearchResult, line_search
from .safeguard import Verdict
from .zoom import Zoom

__all__ = ["Backtracking", "LineSearchResult", "MoreThuente", "Verdict", "Zoom", "line_search"]
