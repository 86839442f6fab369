"""How the package gives compiled code an implementation of a function, method or attribute."""

from numba import extending

from ._callee import CALLEE


def _options(borrow=False, fastmath=False, inline=False):
    return {**CALLEE, "error_model": "numpy", "_nrt": not borrow, "fastmath": fastmath, "forceinline": inline}


def overload(function, *, strict=True, **flags):
    """Numba's ``overload``, with the flags of :func:`numopt._jit.jit`; the implementations are callees."""
    return extending.overload(function, strict=strict, jit_options=_options(**flags))


def overload_method(numba_type, name, **flags):
    """Numba's ``overload_method``, with the flags of :func:`numopt._jit.jit`; the implementations are callees."""
    return extending.overload_method(numba_type, name, jit_options=_options(**flags))


def overload_attribute(numba_type, name):
    """Numba's ``overload_attribute``; the implementations are callees."""
    return extending.overload_attribute(numba_type, name, jit_options=_options())
