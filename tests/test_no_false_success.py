"""No success where nothing has converged: runs cut short, functions without a minimum, edges of the domain."""

import numpy as np
import pytest

import numopt as no

SEARCHES = [no.MoreThuente(), no.Zoom(), no.Backtracking()]
EVERY_SEARCH = pytest.mark.parametrize("search", SEARCHES, ids=lambda search: type(search).__name__)


def falling_line(x):
    return -np.sum(x), -np.ones(x.size)


@np.errstate(over="ignore")
def falling_branch(x):
    """x + 1/x, which has a minimum at 1, but falls without end for x < 0."""
    return float(x[0] + 1.0 / x[0]), 1.0 - 1.0 / x**2


@np.errstate(over="ignore", invalid="ignore")
def falling_root(x):
    root = np.sqrt(1.0 + x @ x)
    return -root, -x / root


def falling_from_far_above(x):
    """Each step of length 1 is small beside f."""
    return 1e12 - x[0], np.array([-1.0])


def falling_complex(z):
    return -np.sum(z.real), -np.ones(z.size, complex)


WITHOUT_MINIMUM = [
    (falling_line, [0.0]),
    (falling_branch, [1500.0]),
    (falling_root, [1.0, 2.0]),
    (falling_from_far_above, [0.0]),
    (falling_complex, [0j, 1j]),
]


@EVERY_SEARCH
@pytest.mark.parametrize("maxfun", [1, 2, 3, 5, 23, 300])
@pytest.mark.parametrize(("fun", "x0"), WITHOUT_MINIMUM, ids=lambda v: getattr(v, "__name__", ""))
def test_a_run_that_maxfun_cuts_short(fun, x0, maxfun, search):
    if fun is falling_from_far_above and maxfun > 5:
        pytest.skip("a step that changes f by less than ftol |f| is a decrease that the test on f calls small")
    result = no.minimize(fun, x0, jac=True, options={"maxfun": maxfun, "linesearch": search})
    assert not result.success
    if result.nfev == maxfun:
        assert result.reason is no.Status.MAXFUN
    assert result.fun <= fun(np.array(x0))[0]


def test_a_run_without_end_stops_at_its_limit():
    result = no.minimize(falling_line, [0.0], jac=True)
    assert (result.reason, result.nfev) == (no.Status.MAXFUN, 15000)


# --- the edge of the domain -----------------------------------------------------------------------------------------


class Domain:
    """f and its gradient where ``inside``, and ``beyond`` elsewhere."""

    def __init__(self, fun, inside, beyond):
        self.fun, self.inside, self.beyond = fun, inside, beyond

    def __call__(self, x):
        if self.inside(x):
            return self.fun(x)
        return self.beyond, np.full_like(x, np.nan if np.isnan(self.beyond) else 1.0)


def positive(x):
    return bool(np.all(x.real > 0))


def disc(x):
    return bool(x @ x <= 1)


def line(x):
    return float(np.sum(x.real)), np.ones_like(x)


def root(x):
    return float(np.sum(np.sqrt(x))), 0.5 / np.sqrt(x)


def power(x):
    return float(np.sum(x**0.75)), 0.75 * x**-0.25


def gentle(x):
    return float(0.05 * np.sum(x)), np.full(x.size, 0.05)


def bowl(x):
    """Its minimum, at -1, lies beyond."""
    return float(np.sum((x + 1) ** 2)), 2 * (x + 1)


def uneven_bowl(x):
    weights = np.logspace(0, 2, x.size)
    return float(np.sum(weights * (x + 1) ** 2)), 2 * weights * (x + 1)


def logarithm(x):
    return float(np.sum(np.log(x + 1e-9))), 1 / (x + 1e-9)


EDGES = [
    (line, positive, [1.0, 2.0]),
    (root, positive, [1.0, 2.0]),
    (root, positive, [1.0, 2.0, 3.0]),
    (power, positive, [1.0, 2.0]),
    (gentle, positive, [1.0, 2.0]),
    (bowl, positive, [1.0, 2.0]),
    (uneven_bowl, positive, [1.0, 2.0]),
    (uneven_bowl, positive, np.linspace(1, 2, 30)),
    (logarithm, positive, [1.0, 2.0]),
    (line, disc, [0.1, 0.2]),
    (line, positive, [1.0 + 2.0j, 2.0 - 1.0j]),
]


@pytest.mark.variants
@EVERY_SEARCH
@pytest.mark.parametrize("beyond", [np.nan, np.inf, 1e300])
@pytest.mark.parametrize(("fun", "inside", "x0"), EDGES)
def test_the_edge_of_the_domain_is_no_minimum(fun, inside, x0, beyond, search):
    x0 = np.asarray(x0)
    result = no.minimize(Domain(fun, inside, beyond), x0, jac=True, options={"linesearch": search})
    assert result.reason is no.Status.EDGE_OF_DOMAIN
    assert "bounds" in result.message
    assert result.fun == fun(result.x)[0] < fun(x0)[0]
    # nearly all of the way has been made: a slightly longer step from x0 leaves the domain
    assert not inside(x0 + 1.001 * (result.x - x0) - 1e-6)


@pytest.mark.parametrize("beyond", [np.nan, np.inf, 1e300])
@pytest.mark.parametrize(("fun", "inside", "x0"), [edge for edge in EDGES if not np.iscomplexobj(edge[2])])
def test_the_edge_of_the_domain_within_bounds_is_no_minimum(fun, inside, x0, beyond):
    result = no.minimize(Domain(fun, inside, beyond), x0, jac=True, bounds=[(-5, 5)] * len(x0))
    assert result.reason is no.Status.EDGE_OF_DOMAIN
    assert result.fun == fun(result.x)[0] < fun(np.asarray(x0))[0]


@EVERY_SEARCH
def test_a_minimum_within_the_domain_is_found_though_trials_fall_beyond(search):
    """-log x + x has its minimum at 1; the first steps from 50 would leave x > 0."""

    def fun(x):
        if np.any(x <= 0):
            return np.nan, np.full_like(x, np.nan)
        return float(np.sum(x - np.log(x))), 1 - 1 / x

    result = no.minimize(fun, [50.0, 1e-3], jac=True, options={"linesearch": search})
    assert result.success
    assert np.allclose(result.x, 1, atol=1e-4)


@EVERY_SEARCH
def test_a_far_start_is_left(search):
    """From 1e16 on, a first step of length 1 is lost to rounding."""
    for size in (1e16, 1e30, 1e90):
        result = no.minimize(
            lambda x: (float(x @ x) / 2, x), [size, 0.5 * size], jac=True, options={"linesearch": search}
        )
        assert result.success
        assert np.max(abs(result.x)) <= 1e-5
        within = no.minimize(lambda x: (float(x @ x) / 2, x), [size, 1.0], jac=True, bounds=[(-2 * size, 2 * size)] * 2)
        assert within.success
        assert np.max(abs(within.x)) <= 1e-5
