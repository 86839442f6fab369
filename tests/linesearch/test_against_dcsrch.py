"""More-Thuente against an independent program, SciPy's translation of MINPACK-2's dcsrch: the same trials, in order."""

import math

import numpy as np
import pytest
from one_variable import PUBLISHED, Function, search_along, steps_down
from scipy.optimize._dcsrch import DCSRCH

from numopt import MoreThuente, Verdict

MAX_EVALS = 100


def trials_of_dcsrch(function, alpha, search):
    """Its trials, and its last message."""
    trials = []

    def phi(a):
        trials.append(float(a))
        return function.phi(float(a))

    scipys = DCSRCH(phi, function.dphi, search.ftol, search.gtol, search.xtol, search.stpmin, search.stpmax)
    _, _, _, task = scipys(alpha, function.phi(0.0), function.dphi(0.0), maxiter=MAX_EVALS)
    assert task.startswith((b"CONVERGENCE", b"WARNING"))
    return trials, task.decode()


def check(function, alpha, search):
    run = search_along(function, alpha, search)
    theirs, task = trials_of_dcsrch(function, alpha, search)
    converged = task.startswith("CONVERGENCE")
    np.testing.assert_allclose(run.trials, theirs[: len(run.trials)], rtol=1e-9)
    assert (run.verdict is Verdict.ACCEPTED) == converged
    if converged:
        assert len(theirs) == len(run.trials)
        assert math.isclose(run.step.alpha, theirs[-1], rel_tol=1e-9)
    else:  # at its end dcsrch goes back to its best point; ours is taken from memory
        assert run.verdict is Verdict.STOPPED
        assert len(theirs) <= len(run.trials) + 1
        assert math.isclose(run.step.alpha, theirs[-1], rel_tol=1e-9)
    return converged


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_functions(name):
    rng = np.random.default_rng(20)
    converged = 0
    for _ in range(40):
        ftol, gtol = np.sort(10.0 ** rng.uniform(-4, -0.05, 2))
        search = MoreThuente(ftol=ftol, gtol=gtol, xtol=1e-10, max_evals=MAX_EVALS)
        converged += check(PUBLISHED[name], 10.0 ** rng.uniform(-4, 4), search)
    assert converged == 40


def waves(rng):
    """A parabola and four waves, falling at 0."""
    height, frequency = rng.standard_normal(4), 10.0 ** rng.uniform(-1, 1, 4)
    shift, curvature = rng.uniform(0, 2 * np.pi, 4), 10.0 ** rng.uniform(-3, 0)

    def phi(a):
        return float(height @ np.cos(frequency * a + shift) + curvature * a * a)

    def dphi(a):
        return float(-(height * frequency) @ np.sin(frequency * a + shift) + 2 * curvature * a)

    return Function(phi, dphi) if dphi(0.0) < 0.0 else waves(rng)


@pytest.mark.parametrize("seed", range(8))
def test_random_functions(seed):
    rng = np.random.default_rng([21, seed])
    for _ in range(25):
        ftol, gtol = np.sort(10.0 ** rng.uniform(-4, -0.01, 2))
        search = MoreThuente(ftol=ftol, gtol=gtol, xtol=10.0 ** rng.uniform(-10, -4), max_evals=MAX_EVALS)
        check(waves(rng), 10.0 ** rng.uniform(-3, 3), search)


@pytest.mark.parametrize("seed", range(4))
def test_steps_on_the_modified_function(seed):
    """Large constants of decrease, so that the searches work on psi for long; above 1/2 dcsrch runs into NaN."""
    rng = np.random.default_rng([24, seed])
    for _ in range(50):
        ftol = rng.uniform(0.05, 0.5)
        search = MoreThuente(ftol=ftol, gtol=rng.uniform(ftol, 0.95), xtol=1e-8, max_evals=MAX_EVALS)
        check(steps_down(rng), 10.0 ** rng.uniform(-3, 3), search)


def test_intervals_that_get_too_short():
    rng = np.random.default_rng(22)
    ends = []
    for _ in range(100):
        ftol, gtol = np.sort(10.0 ** rng.uniform(-4, -2, 2))
        search = MoreThuente(ftol=ftol, gtol=gtol, xtol=10.0 ** rng.uniform(-2, -1), max_evals=MAX_EVALS)
        ends.append(check(waves(rng), 10.0 ** rng.uniform(-3, 3), search))
    assert 5 <= ends.count(False) <= 95  # both ends were seen


@pytest.mark.parametrize(("stpmin", "stpmax"), [(0.0, 0.5), (0.2, 0.6), (2.0, 50.0), (1e-3, 0.9)])
def test_bounds_on_the_step(stpmin, stpmax):
    rng = np.random.default_rng(23)
    tasks = []
    for _ in range(60):
        ftol, gtol = np.sort(10.0 ** rng.uniform(-4, -0.05, 2))
        search = MoreThuente(ftol, gtol, xtol=1e-6, stpmin=stpmin, stpmax=stpmax, max_evals=MAX_EVALS)
        function, alpha = waves(rng), rng.uniform(stpmin, stpmax)
        run = search_along(function, alpha, search)
        theirs, task = trials_of_dcsrch(function, alpha, search)
        np.testing.assert_allclose(run.trials, theirs[: len(run.trials)], rtol=1e-9)
        assert len(theirs) <= len(run.trials) + 1
        assert all(stpmin <= a <= stpmax for a in run.trials)
        # at stpmax, where phi still falls, dcsrch warns; here that is the step that was asked for
        accepted = task.startswith("CONVERGENCE") or task == "WARNING: STP = STPMAX"
        assert run.verdict is (Verdict.ACCEPTED if accepted else Verdict.STOPPED)
        if accepted:
            assert math.isclose(run.step.alpha, theirs[-1], rel_tol=1e-9)
        tasks.append(task)
    assert len(set(tasks)) >= 2  # several ends were seen
