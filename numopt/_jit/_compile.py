"""The ``jit`` decorator of the package: Numba's flags with their reasons."""

import contextlib
import functools
import signal
import threading

from numba.core.registry import CPUDispatcher

from ._cache import PackageCache
from ._callee import CalleeCompiler
from ._plain import PLAIN, plain

# LLVM may regroup a sum, which is what lets it use vector registers. Never 'nnan' or 'ninf': they delete the tests
# for NaN and infinity on which every safeguard of this package rests.
REDUCTION = {"reassoc", "contract", "nsz"}
# In elementwise loops only a*b + c may become one instruction; anything more changes results for nothing.
ELEMENTWISE = {"contract"}


_holding = False  # whether interrupts are held back already


@contextlib.contextmanager
def interrupts_held_back():
    """Let Ctrl-C wait: an exception in the middle of compiling leaves Numba with half a function."""
    global _holding
    handler = signal.getsignal(signal.SIGINT)
    if _holding or not callable(handler) or threading.current_thread() is not threading.main_thread():
        yield
        return
    came = []
    signal.signal(signal.SIGINT, lambda *given: came.append(given))
    _holding = True
    try:
        yield
    finally:
        _holding = False
        signal.signal(signal.SIGINT, handler)
        if came:
            handler(*came[0])


class _Dispatcher(CPUDispatcher):
    def compile(self, sig):
        with interrupts_held_back():
            return super().compile(sig)


class Entry(_Dispatcher):
    """A function as Python calls it: machine code, into which all that it calls is linked."""

    def add_overload(self, result):
        """As Numba's; the function's callers in Python then find it without coming here."""
        super().add_overload(result)
        self.function._insert([a._code for a in result.signature.args], result.entry_point, False)


class Function(_Dispatcher):
    """A function of the package: an :class:`Entry` for Python, a callee for compiled code."""

    def __init__(self, py_func, locals=None, targetoptions=None, pipeline_class=CalleeCompiler):
        super().__init__(py_func, locals, targetoptions, pipeline_class)
        self._cache = PackageCache(py_func, "callee")

    def add_overload(self, result):
        """Numba's would let Python call what has no machine code."""
        self.overloads[tuple(result.signature.args)] = result

    @functools.cached_property
    def entry(self):
        """The function for Python."""
        entry = Entry(self.py_func, self.locals, self.targetoptions)
        entry.function = self
        entry._cache = PackageCache(self.py_func, "entry")
        return entry

    def get_compile_result(self, sig):
        """The entry's: who asks wants an address, as for a variable that holds a function."""
        return self.entry.get_compile_result(sig)

    def _compile_for_args(self, *args, **kwargs):
        return self.entry._compile_for_args(*args, **kwargs)


def jit(function=None, *, parallel=False, fastmath=False, inline=False, borrow=False):
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
        LLVM always inlines the function; for parts of a solver's hot path that have one caller, and for the products
        and copies of vectors there. A state of ten arrays is handed over in a hundred words, which costs more than the
        work on a short vector; and LLVM takes a call within nested conditions for rare, and does not inline it itself.
    """
    if function is None:
        return lambda f: jit(f, parallel=parallel, fastmath=fastmath, inline=inline, borrow=borrow)
    if PLAIN:
        return plain(function)
    flags = {"forceinline": inline, "_nrt": not borrow}
    flags |= {"error_model": "numpy", "nogil": True, "fastmath": fastmath, "nopython": True}
    if parallel:
        compiled = _Dispatcher(function, targetoptions={**flags, "parallel": True})
        compiled._cache = PackageCache(function, "parallel")
        return compiled
    return Function(function, targetoptions=flags)
