"""The measurements of asv_bench/gpu.py run, on vectors too short to measure anything."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "asv_bench"


@pytest.fixture
def gpu(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import gpu

    monkeypatch.setattr(gpu, "contest", lambda contenders, rounds: quick_contest(gpu, contenders))
    return gpu


def quick_contest(gpu, contenders):
    return {name: np.array([gpu.seconds(call, wait, 1)]) for name, (call, wait) in contenders.items()}


@pytest.mark.kernel
def test_rows(gpu):
    rows = gpu.all_rows(sizes=(40,), ball=40, rounds=1)
    texts = [" ".join(row.cells()) for row in rows]
    assert any(text.startswith("Adam, n = 40") and "copy" in text and ">= 85 %" in text for text in texts)
    assert any("ACProp" in text for text in texts)
    assert sum("in flight" in text for text in texts) == 12
    assert any("L1Ball" in text for text in texts)
    assert sum("torch Adam" in text for text in texts) == 2  # a short vector's, which tells all times
    assert "ACProp" in texts[0]
    assert " us" in texts[0]
    lines = gpu.table(rows).splitlines()
    assert len(lines) == len(rows) + 2
    assert len({line.count("|") for line in lines}) == 1


@pytest.mark.kernel
def test_entries_in_flight_do_not_change_a_step(gpu):
    import numopt as no
    from numopt.cuda.device import cuda

    results = []
    for count in (1, 2, 4):
        x, g = map(cuda.to_device, gpu.start(40))
        opt = no.Adam(0.1).init(x)
        gpu.set_in_flight(opt, count)
        opt.update(x, g)
        results.append(x.copy_to_host())
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])


def test_jax_is_not_kept_on_the_cpu():
    """As it is in the other benchmarks; it is told so before it is imported."""
    code = "import gpu, os, sys; sys.exit('JAX_PLATFORMS' in os.environ or 'jax' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=BENCHMARKS, check=False)
    assert done.returncode == 0


def test_says_where_there_is_no_gpu():
    from numba import cuda

    if cuda.is_available() and os.environ.get("NUMBA_ENABLE_CUDASIM") != "1":
        pytest.skip("there is one")
    done = subprocess.run([sys.executable, BENCHMARKS / "gpu.py"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("nothing to measure: ")
