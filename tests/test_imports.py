"""What may import what, what an import costs, and what the package shows to the outside."""

import importlib
import importlib.util
import inspect
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import numopt

ROOT = Path(__file__).parents[1]
PUBLIC = ["numopt", "numopt.linesearch", "numopt.projections", "numopt.rules", "numopt.solvers", "numopt.sparse"]


def test_no_layer_imports_one_above_it():
    pytest.importorskip("importlinter", reason="needs import-linter")
    command = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = subprocess.run(
        [sys.executable, "-c", command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def test_import_leaves_out_what_few_need():
    heavy = ("numba.cuda", "matplotlib", "tqdm", "pytest", "IPython")
    script = f"import numopt, sys; print(*(name for name in {heavy} if name in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", f"import sys; sys.path[:0] = {sys.path}; {script}"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


@pytest.mark.parametrize("name", [*PUBLIC, "numopt._jit"])
def test_all_lists_every_public_name(name):
    module = importlib.import_module(name)
    shown = {n for n, value in vars(module).items() if not n.startswith("_") and not inspect.ismodule(value)}
    assert set(module.__all__) == shown
    assert len(module.__all__) == len(shown)


def test_every_module_can_be_imported():
    for info in pkgutil.walk_packages(numopt.__path__, "numopt."):
        kernels = info.name.startswith("numopt.cuda.") and importlib.util.find_spec("numba_cuda") is None
        if not (kernels or info.name.endswith("__main__")):
            module = importlib.import_module(info.name)
            assert module.__doc__, f"{info.name} has no docstring"


@pytest.mark.parametrize(
    "name", [f"{module}:{name}" for module in PUBLIC for name in importlib.import_module(module).__all__]
)
def test_public_objects_are_documented(name):
    module, name = name.split(":")
    value = getattr(importlib.import_module(module), name)
    if callable(value) and not isinstance(value, type(len)):
        assert value.__doc__, f"{name} has no docstring"
    if not inspect.isclass(value):
        return
    for attribute, member in vars(value).items():
        if attribute.startswith("_") or not (callable(member) or isinstance(member, property)):
            continue
        documented = inspect.getdoc(getattr(value, attribute)) or attribute in inspect.getdoc(value)
        assert documented, f"{name}.{attribute} is not documented"
