"""The notebooks are stored without outputs, and run from the first cell to the last."""

import json
import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def test_there_are_notebooks():
    assert NOTEBOOKS


@every_notebook
def test_stored_without_outputs(path):
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            assert cell["execution_count"] is None


@pytest.mark.slow
@pytest.mark.jit_only
@every_notebook
def test_runs(path, tmp_path):
    for package in ("matplotlib", "ipykernel", "jupyter_client", "nbformat", "nbclient"):
        pytest.importorskip(package)
    cells = _execute(path, tmp_path)
    outputs = [output for cell in cells if cell.cell_type == "code" for output in cell.outputs]
    assert not [output.text for output in outputs if output.output_type == "stream" and output.name == "stderr"]


def _execute(path, folder):
    """The cells after a run in ``folder``, by this interpreter and with this checkout."""
    import nbformat
    from jupyter_client import AsyncKernelManager
    from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
    from nbclient import NotebookClient

    class ThisInterpreter(KernelSpecManager):
        # one of the user's own kernels may be called python3, too
        def get_kernel_spec(self, kernel_name):
            command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
            return KernelSpec(argv=command, display_name=kernel_name, language="python")

    work, settings = folder / "work", folder / "settings"
    work.mkdir()
    settings.mkdir()
    environment = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    environment["IPYTHONDIR"] = str(settings)
    manager = AsyncKernelManager(
        kernel_name="python3",
        kernel_spec_manager=ThisInterpreter(),
        connection_file=str(settings / "kernel.json"),
    )
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, km=manager, timeout=600, resources={"metadata": {"path": str(work)}})
    client.execute(env=environment, cleanup_kc=True)
    return notebook.cells
