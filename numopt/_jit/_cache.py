"""The disk cache of compiled functions: a file for each function and types of arguments, valid for its exact sources.

Numba's own looks only at the file of the cached function itself, runs what a damaged file holds, and keeps an index of
signatures that cannot be read again once a class in one of them is gone.
"""

import contextlib
import functools
import hashlib
import logging
import os
import pickle
import sys
import tempfile
import time
import uuid

import numba
from numba.core import caching
from numba.core.compiler import CompileResult
from numba.core.serialize import dumps

from . import _callee
from ._stamp import STAMP, modules_of, stamp_of

logger = logging.getLogger("numopt")
_DIGEST = hashlib.sha256().digest_size


@functools.cache
def _folder(path, users):  # `users` is the folder of NUMBA_CACHE_DIR
    """Where compiled code of the source file ``path`` is kept: the first of Numba's places that can be written to."""
    if not os.path.exists(path):
        return None
    for place in (caching.UserProvidedCacheLocator, caching.InTreeCacheLocator, caching.UserWideCacheLocator):
        if place is caching.UserProvidedCacheLocator and not users:
            continue
        folder = place(_folder.__wrapped__, path).get_cache_path()
        with contextlib.suppress(OSError):
            os.makedirs(folder, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
            return folder
    return None


loading = False  # whether what is unpickled is the package's own, and of its present sources


class PackageCache(caching.NullCache):
    """What the dispatcher of a function asks before it compiles, and gives what it has compiled."""

    def __init__(self, function, kind):
        self._function, self._kind = function, kind
        self._missed = {}

    @property
    def cache_path(self):
        """The folder; None if there is none, and every process compiles."""
        if STAMP is None:
            return None
        return _folder(self._function.__code__.co_filename, numba.config.CACHE_DIR)

    def load_overload(self, sig, target_context):
        """The compiled function for these types, or None."""
        global loading
        target_context.refresh()
        path, label = self._file(sig, target_context.codegen())
        stored, why = _read(path, label)
        if stored is not None:
            loading = True
            try:
                return _rebuild(target_context, stored)
            except Exception as error:  # nothing that a file holds may keep a function from being compiled
                why = f"{path} could not be used: {error!r}"
            finally:
                loading = False
        self._missed[sig] = why, time.perf_counter()
        return None

    def save_overload(self, sig, result):
        """Keep the compiled function; what cannot be written (a full disk) stays in memory."""
        why, begun = self._missed.pop(sig, ("", time.perf_counter()))
        seconds = time.perf_counter() - begun
        name = f"{self._function.__module__}.{self._function.__qualname__}"
        logger.info("compiled %s%s in %.2f s: %s", name, sig, seconds, why)
        if result.library.has_dynamic_globals or any(not lifted.can_cache for lifted in result.lifted):
            return
        path, label = self._file(sig, result.codegen)
        if path is not None:
            with contextlib.suppress(OSError):
                _write(path, label, dumps(_reduce(result)))

    def _file(self, sig, codegen):
        """The path for these types, and what a file there must begin with; None without a place for it."""
        folder, function = self.cache_path, self._function
        signature = sig if isinstance(sig, tuple) else sig.args
        stamp = stamp_of(function, signature) if folder is not None else None
        if stamp is None:
            return None, None
        cells = [cell.cell_contents for cell in function.__closure__ or ()]
        which = (self._kind, str(sig), sorted(set(modules_of(signature))), codegen.magic_tuple(), sys.version_info[:2])
        identity = hashlib.sha256(repr(which).encode() + dumps(cells)).hexdigest()[:24]
        module = os.path.splitext(os.path.basename(function.__code__.co_filename))[0]
        name = f"{module}.{function.__qualname__}-{function.__code__.co_firstlineno}".replace("<", "").replace(">", "")
        label = hashlib.sha256(f"{name} {identity}".encode() + stamp).digest()
        return os.path.join(folder, f"{name}-{identity}.numopt"), label


def _read(path, label):
    """What was stored under this label, and if nothing, why."""
    if path is None:
        return None, "there is nowhere to keep it"
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError:
        return None, f"there is no {path}"
    stored = content[2 * _DIGEST :]
    if content[:_DIGEST] != label:
        return None, f"{path} was made from other sources"
    if content[_DIGEST : 2 * _DIGEST] != hashlib.sha256(stored).digest():
        return None, f"{path} is damaged"
    return stored, ""


def _write(path, label, stored):
    """Replace the file at once: another process may read it."""
    new = f"{path}.{uuid.uuid4().hex[:16]}"
    try:
        with open(new, "wb") as file:
            file.write(label + hashlib.sha256(stored).digest() + stored)
        os.replace(new, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(new)
        raise


def _reduce(result):
    if isinstance(result.library, _callee.CalleeLibrary):
        return "callee", _callee.reduce(result)
    return "entry", result._reduce()


def _rebuild(context, stored):
    kind, parts = pickle.loads(stored)
    return (_callee.rebuild if kind == "callee" else CompileResult._rebuild)(context, *parts)
