"""A stamp of the whole package: equal only if every source file and Numba itself are the same."""

import hashlib
from pathlib import Path

import numba

ROOT = Path(__file__).parents[1]


def package_stamp(root: Path) -> str | None:
    """Hash every Python source below ``root``; None where the sources cannot be read (a zip archive)."""
    sources = sorted(root.rglob("*.py"))
    if not sources:
        return None
    digest = hashlib.sha256(numba.__version__.encode())
    for path in sources:
        content = path.read_bytes()
        # name and length go in too, so that text moved from one file to the next changes the stamp
        digest.update(f"{path.relative_to(root).as_posix()}:{len(content)}:".encode())
        digest.update(content)
    return digest.hexdigest()


STAMP = package_stamp(ROOT)
