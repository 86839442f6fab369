"""SciPy's own tests of ``minimize``, run with numopt in the place of its L-BFGS-B."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

SELECTED = "(l_bfgs or lbfgs or l-bfgs or L-BFGS or test_bounds_with_list) and not Workers"
EXCEPTIONS = {
    "test_l_bfgs_b_maxiter": "the exact wording of SciPy's message; ours gives advice",
    "test_minimize_invalid_bounds": "the exact wording of SciPy's message; ours names the entry and both bounds",
    "test_all_bounds_equal": "the exact wording of SciPy's message; to us, a point that cannot move has converged",
    "(test_equal_bounds and kwds0)": "jac at fixed variables, by differences: NaN in SciPy's result, 0 in ours",
}


@pytest.mark.jit_only
@pytest.mark.slow
def test_scipys_tests_of_minimize_pass():
    if importlib.util.find_spec("scipy.optimize.tests") is None:
        pytest.skip("this SciPy comes without its tests")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "replace_scipys_minimize", "-p", "no:cacheprovider"]
    deselected = " and ".join(f"not {name}" for name in EXCEPTIONS)
    command += [
        "-c",
        os.devnull,
        "--pyargs",
        "scipy.optimize.tests.test_optimize",
        "-k",
        f"{SELECTED} and {deselected}",
    ]
    here = Path(__file__).parent
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(here), str(here.parent)))}
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=600)
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-2000:]
    assert " passed" in run.stdout


def test_lists_of_names_are_given_reasons():
    assert all(len(reason) > 10 for reason in EXCEPTIONS.values())
