"""The distribution's name, and the versions that its metadata allow."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def oldest(*extras):
    command = [sys.executable, str(ROOT / ".ci" / "oldest.py"), *extras]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def test_the_distribution_has_a_name_of_its_own():
    assert PROJECT["name"] == "numopt-jit"
    assert json.loads((ROOT / "asv_bench" / "asv.conf.json").read_text())["project"] == PROJECT["name"]


def test_nothing_tells_to_install_the_distribution_of_somebody_else():
    texts = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", ".ci/run")]
    for folder in ("numopt", "asv_bench", "notebooks"):
        texts += [path for path in (ROOT / folder).rglob("*") if path.suffix in (".py", ".ipynb", ".md", ".json")]
    told = re.compile(r"pip3? install (-\S+ )*['\"]?numopt(?!-jit)")
    assert told.search("pip install 'numopt[cuda]'")
    assert not [path for path in texts if told.search(path.read_text(encoding="utf-8"))]


def test_numba_is_bounded_above():
    (numba,) = (requirement for requirement in PROJECT["dependencies"] if requirement.startswith("numba"))
    assert re.fullmatch(r"numba>=[\d.]+,<[\d.]+", numba)


def test_the_oldest_versions_are_those_of_the_metadata():
    requirements = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["cuda"]]
    bounds = [re.match(r"(.*)>=([\d.]+)", requirement).groups() for requirement in requirements]
    assert oldest("cuda") == [f"{name}=={version}" for name, version in bounds]
    assert len(oldest()) == 3


@pytest.mark.parametrize("extra", PROJECT["optional-dependencies"])
def test_every_requirement_has_a_lower_bound(extra):
    pins = oldest(extra)[len(oldest()) :]
    assert len(pins) == len(PROJECT["optional-dependencies"][extra])
    assert all("==" in pin for pin in pins)
