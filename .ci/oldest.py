"""Print the oldest versions that pyproject.toml allows, of the dependencies and the named extras, as pins for pip."""

import re
import sys
import tomllib
from pathlib import Path


def pinned(requirement):
    """``name[extra]>=1.2,<2; marker`` as ``name[extra]==1.2; marker``."""
    specifier, semicolon, marker = requirement.partition(";")
    found = re.fullmatch(r"([\w.-]+(?:\[[\w,-]+\])?)>=([\w.]+)(?:,.*)?", specifier.strip())
    if found is None:
        raise SystemExit(f"no lower bound can be read from {requirement!r}: write it as name>=version")
    return "==".join(found.groups()) + semicolon + marker


project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
extras = project["optional-dependencies"]
print(*map(pinned, sum((extras[name] for name in sys.argv[1:]), project["dependencies"])), sep="\n")
