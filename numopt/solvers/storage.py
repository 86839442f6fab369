"""The fields of an L-BFGS solver in a ``.npz`` file: named arrays, no pickle.

Compiled code looks at no shape: a file that something else has written, or an earlier version, could make it read
beyond an array. So every array of a file is compared with that of a new solver of the same size.
"""

import numpy as np

from ..ask_tell import STATUS
from ..linesearch import Backtracking, MoreThuente, Zoom
from ..status import BY_VALUE
from .lbfgs_core import Core, new_core
from .pairs import COUNT, NEWEST, Pairs

_SEARCHES = {kind.__name__: kind for kind in (MoreThuente, Zoom, Backtracking)}


def write(path, values):
    """Write the fields (core, line search, prototype)."""
    core, search, prototype = values
    arrays = {f"core.{name}": value for name, value in core._asdict().items() if name != "pairs"}
    arrays |= {f"pairs.{name}": value for name, value in core.pairs._asdict().items()}
    arrays |= {f"search.{name}": np.array(np.nan if v is None else v) for name, v in search._asdict().items()}
    np.savez(path, search=np.array(type(search).__name__), prototype=prototype, **arrays)


def read(path):
    """The fields that :func:`write` wrote; ValueError, by the name of the field, for what it cannot have written."""
    given = np.load(path, allow_pickle=False)
    if isinstance(given, np.ndarray):
        raise ValueError(f"{path} holds no LBFGS, but one array: load takes what save wrote")
    with given as file:
        try:
            prototype = file["prototype"]
            if prototype.dtype not in (np.float64, np.complex128):
                raise ValueError(f"{path}: prototype must be float64 or complex128, got {prototype.dtype}")
            _same_kind(path, "prototype", prototype, np.empty(0, prototype.dtype))
            return _core(path, file, prototype), _search(path, file), prototype
        except KeyError as missing:
            raise ValueError(f"{path} holds no LBFGS of this version of numopt: {missing} is missing") from None


def _same_kind(path, name, value, like):
    """``value``, if it has the dtype and the shape of ``like``."""
    if value.dtype != like.dtype or value.shape != like.shape:
        raise ValueError(
            f"{path}: {name} must be {like.dtype} of shape {like.shape}, got {value.dtype} of shape {value.shape}"
        )
    return np.ascontiguousarray(value)


def _core(path, file, prototype):
    x, steps = file["core.x"], file["pairs.steps"]
    real, memory = 2 if prototype.dtype.kind == "c" else 1, len(steps) if steps.ndim == 2 else 0
    if x.ndim != 1 or x.size % real != 0:
        raise ValueError(f"{path}: core.x must be a vector of {real} real numbers an entry, got shape {x.shape}")
    like = new_core(np.zeros(x.size), max(memory, 1), 0.0, 0.0, 0, 1)
    pairs = (
        _same_kind(path, f"pairs.{name}", file[f"pairs.{name}"], getattr(like.pairs, name)) for name in Pairs._fields
    )
    pairs = Pairs(*pairs)
    names = (name for name in Core._fields if name != "pairs")
    arrays = {name: _same_kind(path, f"core.{name}", file[f"core.{name}"], getattr(like, name)) for name in names}
    stored, newest = pairs.ring[COUNT], pairs.ring[NEWEST]
    if not (0 <= stored <= memory and 0 <= newest < memory):
        raise ValueError(f"{path}: pairs.ring must be within the {memory} rows of the memory, got {pairs.ring}")
    if arrays["counters"][STATUS] not in BY_VALUE:
        raise ValueError(f"{path}: core.counters must begin with a Status, got {arrays['counters'][STATUS]}")
    return Core(**arrays, pairs=pairs)


def _search(path, file):
    name = str(file["search"])
    if name not in _SEARCHES:
        raise ValueError(f"{path}: search must be {', '.join(_SEARCHES)}, got {name!r}")
    kind, number = _SEARCHES[name], np.array(0.0)
    values = (_same_kind(path, f"search.{field}", file[f"search.{field}"], number).item() for field in kind._fields)
    return kind(*(None if np.isnan(value) else value for value in values))
