"""Stamps of sources: of the whole package, and of what the code of one function can come from.

Code that was compiled may be used again as long as no source has changed that it was made from. For a function these
are its own file, what that imports, the files of the classes among the types of its arguments, and those of the
implementations that :func:`numopt._jit.by_type` may choose for classes that stand in any of these.
"""

import functools
import hashlib
import re
import sys
from pathlib import Path
from types import FunctionType

import llvmlite
import numba
from numba import types

ROOT = Path(__file__).parents[1]
PACKAGE = __name__.rpartition("._jit")[0]
_IMPORTS = re.compile(
    rb"^[ \t]*(?:from[ \t]+(\.*)([\w.]*)[ \t]+import[ \t]+(\([^)]*\)|[^\n#]*)|import[ \t]+([\w. \t,]*))", re.MULTILINE
)
_VERSIONS = f"{numba.__version__} {llvmlite.__version__}".encode()


def package_stamp(root: Path) -> str | None:
    """Hash every Python source below ``root``; None where the sources cannot be read (a zip archive)."""
    sources = _read(root)
    if not sources:
        return None
    digest = hashlib.sha256(_VERSIONS)
    for name, content in sources.items():
        # name and length go in too, so that text moved from one file to the next changes the stamp
        digest.update(f"{name}:{len(content)}:".encode())
        digest.update(content)
    return digest.hexdigest()


def _read(root):
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*.py"))}


STAMP = package_stamp(ROOT)

registrations = []  # of by_type: the module that declares the function, the class, the function for it


@functools.cache
def _sources():
    """The package's sources by the names of modules."""
    names = {}
    for path, content in _read(ROOT).items():
        name = f"{PACKAGE}.{path[:-3].replace('/', '.')}"
        names[name.removesuffix(".__init__")] = content, name.endswith(".__init__")
    return names


@functools.cache
def _imports(module):
    """The modules of the package whose code a module of the package can use."""
    content, is_package = _sources()[module]
    found = set()
    for dots, target, names, plain in _IMPORTS.findall(content):
        for name in plain.decode().replace(",", " ").split():
            found.add(name)
        if not (dots or target):
            continue
        origin = target.decode()
        if dots:
            above = module.split(".")[: None if is_package and len(dots) == 1 else 1 - len(dots) - (not is_package)]
            origin = ".".join([*above, *filter(None, [origin])])
        for name in re.findall(r"(\w+)(?:[ \t]+as[ \t]+\w+)?", names.decode()):
            whole = f"{origin}.{name}"
            found.add(whole if whole in _sources() else origin)
    return found & _sources().keys()


@functools.cache
def _with_imports(module):
    """The module and all that it imports, directly or not."""
    found, waiting = set(), [module]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(_imports(name) if name in _sources() else ())
    return frozenset(found)


@functools.lru_cache(4096)
def _digest(modules, registered):
    """A digest of the sources of these modules and of all that their code can call; None if one has no file."""
    found = set().union(*map(_with_imports, modules))
    chosen, before = registrations[:registered], None
    while before != len(found):
        before = len(found)
        for declaring, cls, function in chosen:
            if declaring in found and (cls.__module__ in found or not _is_own(cls.__module__)):
                for module in modules_of(function):
                    found |= _with_imports(module)
    if not all(map(_is_own, found)):
        found |= _sources().keys()
    digest = hashlib.sha256(_VERSIONS)
    for module in sorted(found):
        content = _content(module)
        if content is None:
            return None
        digest.update(f"{module}:{len(content)}:".encode())
        digest.update(content)
    return digest.digest()


def _is_own(module):
    return module == PACKAGE or module.startswith(f"{PACKAGE}.")


def _content(module):
    if _is_own(module):
        return _sources()[module][0] if module in _sources() else None
    try:
        return Path(sys.modules[module].__file__).read_bytes()
    except (KeyError, AttributeError, TypeError, OSError):
        return None


def stamp_of(function, signature) -> bytes | None:
    """The stamp of a function for arguments of certain types; None if a source cannot be read.

    Of a user's classes and functions their own files count, not what these import, and the whole package.
    """
    modules = frozenset(modules_of(function)).union(*map(modules_of, signature))
    return _digest(modules, len(registrations))


def modules_of(value):
    """The modules whose code a function, class, Numba type or a tuple of them brings along, but for Numba's own."""
    if isinstance(value, (tuple, list)):
        for part in value:
            yield from modules_of(part)
    elif isinstance(value, FunctionType):
        yield from _named(value)
        for cell in value.__closure__ or ():
            yield from modules_of(cell.cell_contents)
    elif isinstance(value, types.Type):
        yield from _modules_of_type(value)
    elif hasattr(value, "py_func"):
        yield from modules_of(value.py_func)
    elif isinstance(value, type):
        yield from _named(value)


def _named(value):
    if value.__module__.partition(".")[0] not in _OTHERS:
        yield value.__module__


_OTHERS = {"builtins", "numba", "numpy", "llvmlite"}


def _modules_of_type(numba_type):
    yield from _named(type(numba_type))
    cls = getattr(numba_type, "instance_class", None)
    if isinstance(cls, type):
        yield from _named(cls)
    if isinstance(numba_type, types.BaseTuple):
        yield from modules_of(list(numba_type))
    elif isinstance(numba_type, types.StructRef):
        yield from modules_of([field for _, field in numba_type._fields])
    elif isinstance(numba_type, types.Dispatcher):
        yield from modules_of(numba_type.dispatcher)
