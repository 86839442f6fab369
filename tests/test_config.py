"""show_config: it works with and without compiler and GPU, and what it prints is what it returns."""

import numba
import numpy as np

import numopt as no
from numopt import config


def test_prints_what_it_returns(capsys):
    found = no.show_config()
    printed = capsys.readouterr().out
    assert printed == f"{found}\n"
    assert found["versions"]["numba"] == numba.__version__ in printed
    assert found["versions"]["numpy"] == np.__version__
    assert found["versions"]["numopt"] == no.__version__
    assert repr(found) == "<Config: versions, compiler, threads, GPU>"


def test_compiler_and_threads():
    found = no.show_config()
    if numba.config.DISABLE_JIT:
        assert "NUMBA_DISABLE_JIT" in found["compiler"]["JIT"]
    else:
        assert found["compiler"]["JIT"] == "on"
        assert "numopt" in found["compiler"]["cache"]
        assert found["threads"]["number"].startswith(f"{numba.get_num_threads()} of ")


def test_what_is_missing_is_said(monkeypatch):
    monkeypatch.setattr(config, "_PACKAGES", ("no-such-package",))
    assert no.show_config()["versions"]["no-such-package"] == "not installed"


def test_gpus(monkeypatch):
    def part(name):
        assert name == "device"
        return type("Device", (), {"describe": staticmethod(lambda: {"GPU 0": "One GPU, compute capability 9.0"})})

    monkeypatch.setattr(config, "cuda_part", part)
    assert "One GPU" in str(no.show_config())
