"""Refusals while Numba compiles: the sentence first, then the line of the caller's code.

A ``TypingError`` that is raised where Numba looks for an implementation ends up in the middle of a page, under one
header for each caller. An exception that is none of Numba's comes through as it is.
"""

import contextlib
import sys
from pathlib import Path

from ._overload import overload
from ._plain import PLAIN

_PACKAGE = str(Path(__file__).parents[1])


def refuse(message, error=TypeError):
    """Raise for types that compiled code cannot be made for, as Python does for such values."""
    raise error(message + _line_of_caller())


def _line_of_caller():
    """The innermost line outside of the package that Numba is about to give types to; empty if there is none."""
    frame = sys._getframe(1)
    while frame is not None:
        with contextlib.suppress(Exception):  # what Numba names so may change
            location = frame.f_locals["self"].loc
            if not location.filename.startswith(_PACKAGE):
                return f"\n{location.strformat()}"
        frame = frame.f_back
    return ""


def python_only(advice):
    """Decorate a function that compiled code cannot call; ``advice`` is the sentence that its users get there."""

    def decorate(function):
        if not PLAIN:

            @overload(function)
            def _(*args, **kwargs):
                refuse(advice)

        return function

    return decorate
