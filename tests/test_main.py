"""``python -m numopt``: its table, its picture, its options."""

import contextlib
import subprocess
import sys

import numpy as np
import pytest

from numopt import __main__ as command
from numopt.problems import nist

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(autouse=True)
def in_a_temporary_directory(tmp_path, monkeypatch):
    """The picture goes to the working directory unless ``--plot`` says otherwise."""
    monkeypatch.chdir(tmp_path)


def rows(printed):
    """{name: (n, numopt's columns, SciPy's columns)} of a printed table."""
    found = {}
    for line in printed.splitlines():
        cells = line.split("|")
        if len(cells) == 3 and cells[1].split() and cells[1].split()[0].isdigit():
            *name, n = cells[0].split()
            found[" ".join(name)] = int(n), *([float(column) for column in cell.split()] for cell in cells[1:])
    return found


def test_prints_the_row_of_a_problem(capsys, tmp_path):
    command.main(["--no-plot", "--only", "Misra1a"])
    printed = capsys.readouterr().out
    table = rows(printed)
    assert list(table) == ["Misra1a"]
    n, ours, theirs = table["Misra1a"]
    assert n == 2
    for evaluations, f, distance, milliseconds in (ours, theirs):
        assert 1 < evaluations < 1000
        assert f == pytest.approx(1.0, abs=1e-4)  # in units of the certified sum of squares
        assert 0 < milliseconds < 60_000
        assert distance < 1e-4
    assert ours[2] < 1e-6
    for word in ("numopt L-BFGS", "SciPy L-BFGS-B", "evals", "distance", "ms"):
        assert word in printed
    assert not list(tmp_path.iterdir())


def test_only_selects_by_a_part_of_the_name(capsys):
    command.main(["--no-plot", "--only", "Misra"])
    assert list(rows(capsys.readouterr().out)) == ["Misra1a", "Misra1b", "Misra1c", "Misra1d"]


def test_help_describes(capsys):
    with pytest.raises(SystemExit) as ended:
        command.main(["--help"])
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    for word in ("NIST", "phase retrieval", "--only", "--plot", "--no-plot"):
        assert word in printed


def test_an_unknown_option_is_an_error(capsys):
    with pytest.raises(SystemExit) as ended:
        command.main(["--nothing"])
    assert ended.value.code == 2
    assert "--nothing" in capsys.readouterr().err


def test_draws_a_picture(capsys, tmp_path):
    pytest.importorskip("matplotlib")
    picture = tmp_path / "picture.png"
    command.main(["--only", "Misra1a", "--plot", str(picture)])
    assert picture.read_bytes()[:8] == PNG
    assert str(picture) in capsys.readouterr().out


def test_the_picture_has_a_default_name(tmp_path):
    pytest.importorskip("matplotlib")
    command.main(["--only", "Misra1d"])  # none of those that are shown by preference
    (picture,) = tmp_path.iterdir()
    assert picture.name == "numopt-convergence.png"
    assert picture.read_bytes()[:8] == PNG


def test_works_without_matplotlib(capsys, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    command.main(["--only", "Misra1a"])
    printed = capsys.readouterr().out
    assert "Misra1a" in rows(printed)
    assert "matplotlib is not installed" in printed
    assert not list(tmp_path.iterdir())


def test_no_problem_of_that_name_draws_nothing(tmp_path):
    """It may be an error; it must not be an empty picture."""
    with contextlib.suppress(SystemExit):
        command.main(["--only", "no such problem"])
    assert not list(tmp_path.iterdir())


def test_regression_is_scaled():
    """f is 1 and the distance 0 at the certified parameters; the gradient is that of f."""
    problem = command.regression("Misra1a")
    data = nist.load("Misra1a")
    certified = problem.x0 / data.starts[1] * data.certified
    f, g = problem.fun(certified)
    assert f == pytest.approx(1.0, rel=1e-9)
    assert problem.distance(certified) < 1e-12
    assert problem.distance(1.5 * certified) == pytest.approx(0.5)
    assert abs(g).max() < 1e-3
    steps = 1e-6 * np.eye(2)
    differences = [(problem.fun(problem.x0 + s)[0] - problem.fun(problem.x0 - s)[0]) / 2e-6 for s in steps]
    assert problem.fun(problem.x0)[1] == pytest.approx(differences, rel=1e-5)


def test_scipy_gets_the_same_complex_problem():
    problem = command.retrieval(4, 0)
    ours, theirs = (solve(problem, problem.fun) for solve in (command.with_numopt, command.with_scipy))
    assert ours.x.dtype == theirs.x.dtype == complex
    assert problem.distance(ours.x) < 1e-5
    assert problem.distance(theirs.x) < 1e-5


def test_solve_keeps_the_values_of_all_evaluations():
    problem = command.regression("Misra1a")
    text, values = command.solve(problem, command.with_numopt)
    assert values[0] == problem.fun(problem.x0)[0]
    assert values.size == int(text.split()[0])
    assert values.min() == pytest.approx(1.0, abs=1e-6)


def test_phases_are_recovered_from_a_complex_start():
    problem = command.retrieval(64, 1)
    assert problem.name == "phases, seed 1"
    assert problem.x0.dtype == complex
    text, values = command.solve(problem, command.with_numopt)
    _, f, distance, _ = map(float, text.split())
    assert f == pytest.approx(values.min(), abs=1e-12)
    assert distance < 1e-5


def test_runs_itself_again_with_one_blas_thread(monkeypatch):
    commands = []

    def run(arguments, env, check):
        commands.append((arguments, env["OPENBLAS_NUM_THREADS"]))
        return subprocess.CompletedProcess(arguments, 3)

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(sys, "argv", ["numopt", "--only", "Misra1a"])
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    assert command.single_threaded() == 3
    assert commands == [([sys.executable, "-m", "numopt", "--only", "Misra1a"], "1")]
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    assert command.single_threaded() is None
    assert len(commands) == 1
