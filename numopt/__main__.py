"""``python -m numopt``: the main job on real data, next to SciPy's, as a table and a picture."""

import argparse
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import scipy.optimize

import numopt
from numopt.problems import nist, phase_retrieval

_DESCRIPTION = """\
Fits the 27 data sets with certified answers of NIST's Statistical Reference Datasets (nonlinear regression), and
recovers complex signals from magnitudes (phase retrieval), with numopt's L-BFGS and with SciPy's L-BFGS-B, from the
same starts, with the same objectives and tolerances. Prints, for each problem, the evaluations, f, the distance to
the known answer (largest relative error of a parameter; of the signal, up to its phase) and the time.
"""
_OPTIONS = {"gtol": 1e-9, "ftol": 0.0, "maxiter": 10000, "maxfun": 10000}
_HEADER = (
    f"{'problem':<18}{'n':>5} | {'evals':>6}{'f':>12}{'distance':>10}{'ms':>8} "
    f"| {'evals':>6}{'f':>12}{'distance':>10}{'ms':>8}"
)


class Problem(NamedTuple):
    """One line of the table."""

    name: str
    fun: Callable  # x -> (f, g)
    x0: np.ndarray
    distance: Callable  # x -> distance to the known answer


def regression(name):
    """A NIST set from its second start, in variables and units of size one.

    The variables are b / scale with scale_j = min(|start_j|, |y| / |J_j|), which caps a unit step in b_j at a change
    of the model as large as the data; f is in units of the certified residual sum.
    """
    data = nist.load(name)
    start = data.starts[1]
    scale = np.minimum(abs(start), np.linalg.norm(data.y) / np.linalg.norm(data.jacobian(start), axis=0))
    scaled = data.scaled(scale)
    # Lanczos1 has a sum of 1e-25, which is rounding of its digits
    unit = max(data.residual_sum, 1e-12 * float(data.y @ data.y))

    def fun(q):
        f, g = scaled(q)
        return f / unit, g / unit

    def distance(q):
        return float(np.max(abs(scale * q - data.certified) / abs(data.certified)))

    return Problem(name, fun, start / scale, distance)


def retrieval(n, seed):
    """Phase retrieval from 6 n magnitudes."""
    problem = phase_retrieval.generate(n, seed=seed)
    return Problem(f"phases, seed {seed}", problem.value_and_gradient, problem.start(), problem.distance)


def with_numopt(problem, fun):
    """The solution by numopt, which takes a complex x0 as it is."""
    return numopt.minimize(fun, problem.x0, jac=True, options=_OPTIONS)


def with_scipy(problem, fun):
    """The solution by SciPy, which needs a complex problem split into real and imaginary parts."""
    split = np.iscomplexobj(problem.x0)

    def real(v):
        f, g = fun(v.view(complex))
        return f, g.view(float)

    x0 = problem.x0.view(float) if split else problem.x0
    result = scipy.optimize.minimize(real if split else fun, x0, jac=True, method="L-BFGS-B", options=_OPTIONS)
    if split:
        result.x = result.x.view(complex)
    return result


def solve(problem, solver):
    """(text of the columns, f of all evaluations)."""
    seen = []

    def fun(x):
        f, g = problem.fun(x)
        seen.append(f)
        return f, g

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # models that overflow far from the data
        begun = time.perf_counter()
        result = solver(problem, fun)
        elapsed = time.perf_counter() - begun
    text = f"{result.nfev:>6}{result.fun:>12.4e}{problem.distance(result.x):>10.1e}{1e3 * elapsed:>8.1f}"
    return text, np.array(seen)


def draw(histories, path):
    """Draw the best f so far against the evaluations, for numopt and SciPy."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 3, figsize=(12, 6.5), layout="constrained")
    for ax, (name, curves) in zip(axes.flat, histories.items(), strict=False):
        for (label, f), style in zip(curves.items(), ("-", "--"), strict=True):
            best = np.fmin.accumulate(np.where(np.isfinite(f), f, np.nan))
            ax.semilogy(np.arange(1, f.size + 1), best, style, label=label)
        ax.set(title=name, xlabel="evaluations", ylabel="best f")
    axes.flat[0].legend()
    figure.savefig(path, dpi=120)
    plt.close(figure)


def warm_up():
    """Compile, or load from the cache, both kinds of solver; returns the seconds that took."""
    begun = time.perf_counter()
    for start in (np.ones(2), np.ones(2, complex)):
        numopt.minimize(lambda x: (float(np.sum(abs(x) ** 4)), 4 * abs(x) ** 2 * x), start, jac=True)
    return time.perf_counter() - begun


def single_threaded():
    """Run the same command again with one BLAS thread; returns its exit status, or None if this is that run.

    NumPy and SciPy each bring a BLAS with threads of its own. On small matrices, two such pools that spin against
    each other cost a hundred times the work, which would show as SciPy's time.
    """
    if "OPENBLAS_NUM_THREADS" in os.environ:
        return None
    command = [sys.executable, "-m", "numopt", *sys.argv[1:]]
    return subprocess.run(command, env={**os.environ, "OPENBLAS_NUM_THREADS": "1"}, check=False).returncode


def main(arguments=None):
    """Print the table, and draw the picture if matplotlib is installed."""
    parser = argparse.ArgumentParser("python -m numopt", description=_DESCRIPTION)
    parser.add_argument("--plot", default="numopt-convergence.png", help="file of the picture (default: %(default)s)")
    parser.add_argument("--no-plot", action="store_true", help="draw nothing")
    parser.add_argument("--only", metavar="TEXT", default="", help="only problems whose name contains TEXT")
    chosen = parser.parse_args(arguments)

    print(f"numopt {numopt.__version__}: L-BFGS compiled or loaded in {warm_up():.1f} s (the next run loads it)\n")
    print(f"{'':<23} | {'numopt L-BFGS':^36} | {'SciPy L-BFGS-B':^36}\n{_HEADER}\n{'-' * len(_HEADER)}")
    makers = [(name, regression, (name,)) for name in nist.names()]
    makers += [(f"phases, seed {seed}", retrieval, (64, seed)) for seed in range(3)]
    makers = [maker for maker in makers if chosen.only in maker[0]]
    if not makers:
        parser.error(f"no problem's name contains {chosen.only!r}")
    histories = {}
    for name, maker, given in makers:
        problem = maker(*given)
        ours, our_history = solve(problem, with_numopt)
        theirs, their_history = solve(problem, with_scipy)
        print(f"{name:<18}{problem.x0.size:>5} | {ours} | {theirs}")
        histories[name] = {"numopt": our_history, "SciPy": their_history}
    print("\nNIST: second start, scaled variables, f / certified residual sum. phases: 6 n magnitudes, complex x.")
    if chosen.no_plot:
        return
    try:
        shown = [
            name for name in ("Misra1a", "Hahn1", "Thurber", "MGH10", "Bennett5", "phases, seed 0") if name in histories
        ]
        draw({name: histories[name] for name in shown or list(histories)[:6]}, chosen.plot)
        print(f"convergence: {chosen.plot}")
    except ImportError:
        print("no picture: matplotlib is not installed (pip install 'numopt-jit[plots]', or '.[plots]' in a checkout)")


if __name__ == "__main__":
    status = single_threaded()
    sys.exit(main() if status is None else status)
