"""The fields of an L-BFGS solver in a ``.npz`` file: named arrays, no pickle."""

import numpy as np

from ..linesearch import Backtracking, MoreThuente, Zoom
from .lbfgs_core import Core
from .pairs import Pairs

_SEARCHES = {kind.__name__: kind for kind in (MoreThuente, Zoom, Backtracking)}


def write(path, values):
    """Write the fields (core, line search, prototype)."""
    core, search, prototype = values
    arrays = {f"core.{name}": value for name, value in core._asdict().items() if name != "pairs"}
    arrays |= {f"pairs.{name}": value for name, value in core.pairs._asdict().items()}
    arrays |= {f"search.{name}": np.array(np.nan if v is None else v) for name, v in search._asdict().items()}
    np.savez(path, search=np.array(type(search).__name__), prototype=prototype, **arrays)


def read(path):
    """The fields that :func:`write` wrote; ValueError for another file."""
    with np.load(path, allow_pickle=False) as file:
        try:
            pairs = Pairs(*(file[f"pairs.{name}"] for name in Pairs._fields))
            core = Core(*(pairs if name == "pairs" else file[f"core.{name}"] for name in Core._fields))
            kind = _SEARCHES[str(file["search"])]
            values = [float(file[f"search.{name}"]) for name in kind._fields]
            search = kind(*(None if np.isnan(value) else value for value in values))
            return core, search, file["prototype"]
        except KeyError as missing:
            raise ValueError(f"{path} holds no LBFGS of this version of numopt: {missing} is missing") from None
