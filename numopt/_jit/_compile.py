"""The ``jit`` decorator of the package: Numba's flags with their reasons, and a disk cache that never goes stale."""

import contextlib

import numba
from numba.core import caching

from ._plain import PLAIN, plain
from ._stamp import STAMP

# LLVM may regroup a sum, which is what lets it use vector registers. Never 'nnan' or 'ninf': they delete the tests
# for NaN and infinity on which every safeguard of this package rests.
REDUCTION = {"reassoc", "contract", "nsz"}
# In elementwise loops only a*b + c may become one instruction; anything more changes results for nothing.
ELEMENTWISE = {"contract"}


def _stamped(locator):
    # Numba compares the stamp of the cached function's own file; a callee in another file may have changed too.
    return type(locator.__name__, (locator,), {"get_source_stamp": lambda self: STAMP})


class _CacheImpl(caching.CompileResultCacheImpl):
    _locator_classes = [  # noqa: RUF012
        _stamped(locator)
        for locator in (
            caching.UserProvidedCacheLocator,
            caching.InTreeCacheLocator,
            caching.UserWideCacheLocator,
        )
    ]


class _LabelledFile(caching.IndexDataCacheFile):
    """Numba's files of one function; what is stored says for what it was compiled.

    Two processes that store at the same time may give one file name to the code for different types.
    """

    def save(self, key, data):
        super().save(key, (self._source_stamp, key, data))

    def load(self, key):
        stamp, stored, data = super().load(key) or (None, None, None)
        return data if (stamp, stored) == (self._source_stamp, key) else None


class PackageCache(caching.FunctionCache):
    """Numba's disk cache of a function, valid only for this exact state of the whole package."""

    _impl_class = _CacheImpl

    def __init__(self, function):
        super().__init__(function)
        source = self._impl.locator.get_source_stamp()
        self._cache_file = _LabelledFile(self._cache_path, self._impl.filename_base, source)

    def load_overload(self, sig, target_context):
        """As Numba's; a cache that cannot be read is empty."""
        try:
            return super().load_overload(sig, target_context)
        except Exception:  # a class in a stored signature is gone or renamed, or a file is damaged
            with contextlib.suppress(OSError):
                self.flush()
            return None

    def save_overload(self, sig, data):
        """As Numba's; what cannot be written (a full disk) stays in memory, an unreadable index is replaced."""
        with contextlib.suppress(OSError):
            try:
                super().save_overload(sig, data)
            except ImportError:  # another process has stored a signature with a class that is not to be had here
                self.flush()
                super().save_overload(sig, data)


def jit(function=None, *, parallel=False, fastmath=False, inline=False, borrow=False, merge=False):
    """Compile a function of the package with the package's flags and cache.

    ``error_model="numpy"``: a division by zero gives inf or NaN; as an exception it would end a parallel loop half way
    and leak the arrays of compiled callers. ``nogil``: compiled code never touches Python objects. Without the JIT
    (``NUMBA_DISABLE_JIT=1``) the function runs as Python with IEEE arithmetic.

    Parameters
    ----------
    borrow : bool
        The function only borrows arrays: it allocates none (Numba refuses to compile it if it does) and must *return
        none*, not even a view. Then no references are counted in it; a solver's step on a short vector is three times
        as fast, and compiles twice as fast, without the thousand atomic increments.
    inline : bool
        LLVM always inlines the function; for parts of a solver's hot path that have one caller. A state of ten arrays
        is handed over in a hundred words, which costs more than the work on a short vector.
    merge : bool
        Numba copies the body into the compiled callers; for parts with one caller, and tiny ones. LLVM otherwise
        optimises a part by itself and once more within each caller, callers of callers included: the search for sparse
        vectors compiles in seven tenths of the time. The flags are then those of the caller.
    """
    if function is None:
        return lambda f: jit(f, parallel=parallel, fastmath=fastmath, inline=inline, borrow=borrow, merge=merge)
    if PLAIN:
        return plain(function)
    flags = {"forceinline": inline, "_nrt": not borrow, "inline": "always" if merge else "never"}
    compiled = numba.njit(error_model="numpy", nogil=True, parallel=parallel, fastmath=fastmath, **flags)(function)
    if STAMP is not None:
        with contextlib.suppress(RuntimeError):  # nowhere to write (read-only installation, no home)
            compiled._cache = PackageCache(function)
    return compiled
