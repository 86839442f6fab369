"""The state of a solver or an optimizer outside of a process: files (``.npz``, without pickle) and pickles.

A state is stored in *parts*, which have names of their own: a class may rename its fields, and what was stored before
still fits. A part is an array, or what records are written as: ``{"Adam": {"learning_rate": 0.1, ...}}``, by the names
of the class and of its fields, which users know.

Compiled code looks at no shape: a state that something else has written, or another version, could make it read beyond
an array. So whatever comes from outside is compared, part by part, with a new object of the same kind and size, and
what it holds is looked at where compiled code relies on it.
"""

import io
import json
import os
import zipfile
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ._jit import RECORDS, Positions, Record, rebuild

FORMAT = 1  # of the parts; to be raised when one changes its name or its meaning

_ABOUT = "format", "class"  # members of a file that are no parts


class Layout(NamedTuple):
    """How the objects of a stateful class are stored."""

    name: str  # of the class in files and pickles
    keys: dict  # from the place among the fields, such as "core.pairs.steps", to the name of the part
    like: Callable  # (parts) -> the fields of a new object of the same kind and size, with the records of the parts
    check: Callable  # (fields) -> None; ValueError for what cannot be, in fields of the right shapes


_LAYOUTS = {}  # by class
_CLASSES = {}  # by name


def store_as(cls, name, keys, like, check):
    """Register how a stateful class that inherits :class:`Stored` is stored (see :class:`Layout`)."""
    _LAYOUTS[cls], _CLASSES[name] = Layout(name, keys, like, check), cls


class Stored:
    """What can be saved, loaded and pickled; a stateful class inherits it, and is registered by :func:`store_as`."""

    def save(self, path):
        """Write everything to a ``.npz`` file, without pickle; :func:`numopt.load` reads it."""
        _write(path, self)

    @classmethod
    def load(cls, path):
        """The object that :meth:`save` wrote; it continues bit for bit.

        Raises
        ------
        ValueError
            If the file holds something else, was written in another format, or is damaged: a part is missing, has
            another shape or dtype than in a new object of the same size, or holds what cannot be.
        """
        return _read(path, cls)

    @classmethod
    def _from_fields(cls, values):
        return _restored(cls, _parts_of(cls, values))

    def __reduce__(self):
        cls = type(self)
        return restore, (_LAYOUTS[cls].name, FORMAT, _parts_of(cls, self._values))


def load(path):
    """The solver or optimizer that ``save`` wrote to a file, of whatever class; it continues bit for bit.

    Parameters
    ----------
    path : str, path or file object
        What ``save`` was given.

    Returns
    -------
    LBFGS, SPG, SparseEvolution, Optimizer or Descent

    Raises
    ------
    ValueError
        If the file was not written by ``save``, or in another format, or is damaged.

    Examples
    --------
    >>> import io
    >>> import numpy as np
    >>> import numopt as no
    >>> x, file = np.array([1.0, -2.0]), io.BytesIO()
    >>> opt = no.chain(no.Clip(1.0), no.Adam(0.1)).init(x)
    >>> opt.update(x, 2 * x)
    >>> opt.save(file)
    >>> no.load(file)
    <Optimizer of 2 float64 numbers: Clip(limit=1.0), Adam(learning_rate=0.1, ...); 1 steps>
    """
    return _read(path)


def restore(name=None, written=None, parts=None, *more):
    """The object that a pickle holds; pickles name this function."""
    if written != FORMAT or name not in _CLASSES or more:
        raise ValueError(_other_format(name, written))
    try:
        return _restored(_CLASSES[name], parts)
    except (MemoryError, ValueError):
        raise
    except Exception as reason:  # whatever damaged parts make Python say
        raise ValueError(f"a damaged state of {name}: {reason}") from reason


def _other_format(name, written):
    return (
        f"a state of {name} in format {written} cannot be read here, where the format is {FORMAT}: load it with the "
        "version of numopt that wrote it, or begin anew"
    )


# --- fields and parts ------------------------------------------------------------------------------------------------


def _parts_of(cls, values):
    """The parts of an object, from its fields; arrays as they are."""
    fields = dict(zip(cls._declared.names, values, strict=True))
    return {key: _written(_at(fields, place)) for place, key in _LAYOUTS[cls].keys.items()}


def _at(fields, place):
    first, *others = place.split(".")
    value = fields[first]
    for name in others:
        value = getattr(value, name)
    return value


def _written(value):
    """A field as a part of plain dictionaries, lists, numbers and arrays."""
    if type(value) in _LAYOUTS:
        return {_LAYOUTS[type(value)].name: _parts_of(type(value), value._values)}
    if isinstance(value, Record) and RECORDS.get(type(value).__name__) is not type(value):
        return value  # a class of the user's, which only pickle can find again
    if hasattr(value, "_fields"):
        named = {name: _written(v) for name, v in value._asdict().items() if not isinstance(v, Positions)}
        return {type(value).__name__: named} if isinstance(value, Record) else named
    if isinstance(value, tuple):
        return [_written(v) for v in value]
    return {"complex": [value.real, value.imag]} if isinstance(value, complex) else value


def value_of(part, key):
    """What a part that holds no state stands for: records, tuples of them, numbers; ValueError names the part."""
    if isinstance(part, list):
        return tuple(value_of(p, key) for p in part)
    if not isinstance(part, dict):
        return part
    name, content = next(iter(part.items()), (None, None))
    if len(part) == 1 and name == "complex" and isinstance(content, list) and len(content) == 2:
        return complex(*content)
    cls = RECORDS.get(name)
    if len(part) != 1 or cls is None or not isinstance(content, dict):
        raise ValueError(f"{key} must be a record of numopt, got {name!r}")
    if content.keys() != set(cls._fields):
        raise ValueError(f"{key}: {name} has the fields {', '.join(cls._fields)}, got {', '.join(content)}")
    try:
        return cls(*(value_of(content[field], key) for field in cls._fields))
    except (TypeError, ValueError) as reason:
        raise ValueError(f"{key}: {reason}") from None


def stored_in(part, cls, key):
    """The object of another stateful class that is a part."""
    name = _LAYOUTS[cls].name
    if not isinstance(part, dict) or [*part] != [name]:
        raise ValueError(f"{key} must be of the class {name}")
    return _restored(cls, part[name])


def vector_of(parts, key, dtypes):
    """A part that is a vector of one of these dtypes; ValueError if it is not."""
    given = parts[key]
    if not (isinstance(given, np.ndarray) and given.ndim == 1 and given.dtype in dtypes):
        raise ValueError(f"{key} must be a vector of {' or '.join(np.dtype(d).name for d in dtypes)}, {_got(given)}")
    return given


def _restored(cls, parts):
    """A new object of these parts."""
    name, keys, like, check = _LAYOUTS[cls]
    names = [*keys.values()]
    if not isinstance(parts, dict):
        raise ValueError(f"a state of {name} has parts, got {type(parts).__name__}")
    for key in names:
        if key not in parts:
            raise ValueError(f"no state of {name}: {key} is missing")
    for key in parts:
        if key not in names:
            raise ValueError(f"no state of {name}: it has no {key!r}")
    fresh = zip(cls._declared.names, like(parts), strict=True)
    values = tuple(_filled(value, parts, keys, place) for place, value in fresh)
    check(values)
    return rebuild(cls, values)


def _filled(like, parts, keys, place):
    """The field at a place of a new object with the parts that belong there."""
    if place in keys:
        return _fitting(like, parts[keys[place]], keys[place])
    if hasattr(like, "_fields") and not isinstance(like, Record):
        return type(like)._make(_filled(v, parts, keys, f"{place}.{name}") for name, v in like._asdict().items())
    return like


def _fitting(like, given, key):
    """What was stored, if it has the shape and dtype of ``like``, in all of its arrays; else ValueError."""
    if isinstance(like, np.ndarray):
        if type(given) is not np.ndarray or given.dtype != like.dtype or given.shape != like.shape:
            raise ValueError(f"{key} must be {like.dtype} of shape {like.shape}, {_got(given)}")
        return given if given.flags.carray else np.array(given, order="C")
    if isinstance(like, (Record, Positions)) or not isinstance(like, tuple):
        return like  # made of the part itself
    names = getattr(like, "_fields", range(len(like)))
    kept = [name for name, v in zip(names, like, strict=True) if not isinstance(v, Positions)]
    if [*given] != kept if isinstance(given, dict) else not (isinstance(given, list) and len(given) == len(like)):
        raise ValueError(f"{key} must hold {', '.join(map(str, kept)) or 'nothing'}, {_got(given)}")
    pairs = zip(names, like, strict=True)
    values = [_fitting(v, given[name], f"{key}.{name}") if name in kept else v for name, v in pairs]
    return type(like)._make(values) if hasattr(like, "_fields") else tuple(values)


def _got(given):
    if isinstance(given, np.ndarray):
        return f"got {given.dtype} of shape {given.shape}"
    return f"got {', '.join(map(str, given))}" if isinstance(given, dict) else f"got {type(given).__name__}"


# --- what a state may hold -------------------------------------------------------------------------------------------


def no_nan(**arrays):
    """ValueError by the name of the part if one of the arrays holds a NaN."""
    for key, array in arrays.items():
        where = np.flatnonzero(np.isnan(array))
        if where.size:
            raise ValueError(f"{key} must not hold NaN, which entry {where[0]} is")


def between(least, most, **arrays):
    """ValueError by the name of the part if a number, or an entry of an array, does not lie in [least, most]."""
    for key, array in arrays.items():
        wrong = np.flatnonzero(~((np.asarray(array) >= least) & (np.asarray(array) <= most)))
        if wrong.size:
            raise ValueError(f"{key} must lie from {least} to {most}, got {np.ravel(array)[wrong[0]]}")


# --- files -----------------------------------------------------------------------------------------------------------


def _write(path, stored):
    name, written, parts = stored.__reduce__()[1]
    arrays = {}
    for key, part in parts.items():
        lifted = _lifted(part, key, arrays)
        if not isinstance(part, np.ndarray):
            arrays[key] = np.array(json.dumps(lifted))
    np.savez(path, **dict(zip(_ABOUT, (np.array(written), np.array(name)), strict=True)), **arrays)


def _lifted(part, place, arrays):
    """A part for JSON, with its arrays moved to ``arrays``."""
    if isinstance(part, Record):
        raise TypeError(f"save: a file cannot hold {part!r}, whose class is not numopt's: pickle the object instead")
    if isinstance(part, np.ndarray):
        arrays[place] = part
        return {"array": place}
    if isinstance(part, dict):
        return {name: _lifted(p, f"{place}.{name}", arrays) for name, p in part.items()}
    return [_lifted(p, f"{place}.{i}", arrays) for i, p in enumerate(part)] if type(part) is list else part


def _lowered(part, members):
    """The same with the arrays put back."""
    if isinstance(part, dict):
        if [*part] == ["array"]:
            return members.pop(part["array"])
        return {name: _lowered(p, members) for name, p in part.items()}
    return [_lowered(p, members) for p in part] if isinstance(part, list) else part


def _read(path, wanted=None):
    """The object of a file; ValueError if it is not of the class ``wanted``."""
    members = _members(path)
    written, name = (members.pop(key, None) for key in _ABOUT)
    expected = "state of numopt" if wanted is None else _LAYOUTS[wanted].name
    if written is None or name is None:
        raise ValueError(f"{path} holds no {expected} of this format: load takes what save of this version wrote")
    try:
        written, name = int(written), str(name)
        if written != FORMAT:
            raise ValueError(_other_format(name, written))
        if _CLASSES.get(name) is not (wanted or _CLASSES.get(name)) or name not in _CLASSES:
            raise ValueError(f"it holds no {expected}, but an object of {name}, which numopt.load reads")
        cls = _CLASSES[name]
        texts = {key: members.pop(key) for key in _LAYOUTS[cls].keys.values() if _is_text(members.get(key))}
        parts = {key: _lowered(json.loads(str(text)), members) for key, text in texts.items()}
        return _restored(cls, {**parts, **members})
    except MemoryError:
        raise
    except Exception as reason:  # whatever the content is, down to what JSON and records make of it
        missing = f"{reason} is missing" if isinstance(reason, KeyError) else reason
        raise ValueError(f"{path}: {missing}") from reason


def _is_text(member):
    return member is not None and member.dtype.kind == "U" and member.ndim == 0


def _members(path):
    """The arrays of a file, whose checksums are right; objects are refused."""
    if hasattr(path, "read"):
        path.seek(0)
        return _arrays(path, path)
    if not os.path.exists(path) and os.path.exists(f"{os.fspath(path)}.npz"):
        path = f"{os.fspath(path)}.npz"  # as NumPy names what it writes
    with open(path, "rb") as file:
        return _arrays(file, path)


def _arrays(file, path):
    try:
        with zipfile.ZipFile(file) as members:
            names = [name for name in members.namelist() if name.endswith(".npy")]
            return {name[:-4]: _array(members.read(name)) for name in names}
    except MemoryError:
        raise
    except Exception as reason:  # a damaged archive fails in many ways
        raise ValueError(f"{path} is no file that save wrote, or is damaged: {reason}") from reason


def _array(content):
    array = np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)
    return np.ascontiguousarray(array) if array.ndim else array
