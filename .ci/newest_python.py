"""Print the newest Python of this machine that pyproject.toml's classifiers name, if it is newer than this one."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path


def answers(command):
    """Whether it is more than a shim for a version that is not chosen."""
    return subprocess.run([command, "-c", "import venv"], capture_output=True, check=False).returncode == 0


root = Path(__file__).parents[1]
classifiers = tomllib.loads((root / "pyproject.toml").read_text())["project"]["classifiers"]
tried = [
    int(found[1])
    for found in map(re.compile(r"Programming Language :: Python :: 3\.(\d+)").match, classifiers)
    if found
]
for minor in sorted(tried, reverse=True):
    if minor <= sys.version_info.minor:
        break
    name = f"python3.{minor}"
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    candidates = [shutil.which(name), *map(str, pyenv.glob(f"versions/3.{minor}.*/bin/{name}"))]
    if newest := next(filter(answers, filter(None, candidates)), None):
        print(newest)
        break
