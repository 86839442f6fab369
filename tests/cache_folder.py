"""A folder of the user's own for what Numba caches: it unpickles, and so runs, whatever lies there."""

import atexit
import contextlib
import os
import shutil
import stat
import sys
import tempfile
import time
from pathlib import Path

KEPT_SECONDS = 30 * 24 * 3600


def user_cache():
    """The folder for caches of this user."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    given = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return given if given.is_absolute() else Path.home() / ".cache"


def cache_folder(name):
    """The folder ``name`` in the user's cache; a fresh temporary one where others could write to that.

    Files that were written more than a month ago are removed.
    """
    try:
        home = user_cache()
        home.mkdir(parents=True, exist_ok=True)
        if _others_may_replace_its_entries(home):
            raise PermissionError(f"others may write to {home}")
        folder = _private(home / name)
    except (OSError, RuntimeError):  # no home, not writable, or not the user's alone
        folder = Path(tempfile.mkdtemp(prefix=f"{name}-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        return folder
    _remove_old(folder, time.time() - KEPT_SECONDS)
    return folder


def _private(folder):
    """Make the folder, or check that it is the user's, and close it to others."""
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise PermissionError(f"{folder} is not a folder")
    if hasattr(os, "getuid") and (found.st_uid != os.getuid() or found.st_mode & 0o022):
        raise PermissionError(f"others own {folder}, or may write to it")
    folder.chmod(0o700)
    return folder


def _others_may_replace_its_entries(folder):
    found = folder.stat()
    if not hasattr(os, "getuid"):
        return False
    # in a folder with the sticky bit, entries belong to their owners alone
    return found.st_uid not in (os.getuid(), 0) or (found.st_mode & 0o022 and not found.st_mode & stat.S_ISVTX)


def _remove_old(folder, since):
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):  # another run may just remove it
            if path.is_file() and path.stat().st_mtime < since:
                path.unlink()
