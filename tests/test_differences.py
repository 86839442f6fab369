"""Gradients by finite differences: their accuracy, their steps, and the edge of the domain."""

import functools

import numba
import numpy as np
import pytest

from numopt import Status, minimize
from numopt._jit import call_objective
from numopt.objective import Objective

EPS = np.finfo(float).eps
SCHEMES = ("2-point", "3-point")
SCALES = (1e-6, 1.0, 1e3, 1e8)


@pytest.fixture(params=SCHEMES)
def scheme(request):
    return request.param


@pytest.fixture(params=["python", pytest.param("jitted", marks=pytest.mark.jit_only)])
def language(request):
    return request.param


@functools.cache
def _jitted(function):
    return numba.njit(error_model="numpy")(function)


@numba.njit
def _call(address, x, g, args):
    return call_objective(address, x, g, args)


def difference(function, x, scheme, language="python", args=(), **steps):
    """(f, g) at x by differences."""
    if language == "python":
        return Objective(function, scheme, args, x, **steps).evaluate(x)
    objective = Objective(_jitted(function), scheme, args, x, **steps)
    compiled = objective.compiled()
    g = np.full_like(x, np.nan)
    raised, f = _call(compiled.address, x.copy(), g, compiled.args)
    assert not raised
    return f, g


def waves(z, length):
    """Sum length w_i cos(Re z_i / length) + length^-1 Re z_i Im z_i; curvature 1 / length."""
    f = 0.0
    for i in range(z.size):
        f += length * (i + 1.0) * np.cos(z[i].real / length) + z[i].real * z[i].imag / length
    return f


def waves_gradient(z, length):
    weights = 1.0 + np.arange(z.size)
    g = -weights * np.sin(z.real / length) + z.imag / length
    return g + 1j * z.real / length if np.iscomplexobj(z) else g


def point(scale, dtype, seed=0):
    rng = np.random.default_rng(seed)
    parts = rng.uniform(0.5, 2.0, size=(2, 4)) * rng.choice([-1.0, 1.0], size=(2, 4)) * scale
    return parts[0] + 1j * parts[1] if dtype is complex else parts[0]


def bound(x, f, length, scheme, step):
    """Truncation and rounding errors of one component, for |f''|, length |f'''| <= (n + 1) / length."""
    truncation = step / 2 if scheme == "2-point" else step**2 / (6 * length)
    # values of f and the point itself are rounded
    return 5 / length * truncation + 4 * EPS * (abs(f) + 20 * length) / step + 20 * EPS * abs(x).max() / length


@pytest.mark.parametrize("dtype", [float, complex])
@pytest.mark.parametrize("scale", SCALES)
def test_accuracy_is_that_of_the_scheme(scale, dtype, scheme, language):
    x, length = point(scale, dtype), max(scale, 1.0)
    f, g = difference(waves, x, scheme, language, (length,))
    exact = waves_gradient(x, length)
    step = EPS ** (1 / 2 if scheme == "2-point" else 1 / 3) * max(2 * scale, 1.0)
    assert f == waves(x, length)
    assert abs(g - exact).max() <= bound(x, f, length, scheme, step)
    assert abs(g - exact).max() <= {"2-point": 3e-7, "3-point": 3e-9}[scheme] * max(abs(exact).max(), 1.0)


@pytest.mark.parametrize("dtype", [float, complex])
@pytest.mark.parametrize("scale", SCALES)
def test_central_differences_are_better(scale, dtype):
    x, length = point(scale, dtype), max(scale, 1.0)
    errors = [abs(difference(waves, x, s, args=(length,))[1] - waves_gradient(x, length)).max() for s in SCHEMES]
    assert errors[1] < errors[0] / 10


@pytest.mark.jit_only
@pytest.mark.parametrize("dtype", [float, complex])
@pytest.mark.parametrize("scale", SCALES)
def test_python_and_jitted_differences_agree(scale, dtype, scheme):
    """Up to the rounding of f, in which cosines may differ."""
    x, length = point(scale, dtype), max(scale, 1.0)
    _, python = difference(waves, x, scheme, args=(length,))
    _, jitted = difference(waves, x, scheme, "jitted", args=(length,))
    assert abs(python - jitted).max() <= 1e-7 * abs(python).max()


def cubic(x):
    f = 0.0
    for i in range(x.size):
        f += x[i] * x[i] * x[i]
    return f


def test_absolute_step(scheme, language):
    """For x^3 the error is known: 3 x h + h^2 forward, h^2 central."""
    step = 2.0**-3
    x = np.array([1.0, -2.0, 8.0])
    _, g = difference(cubic, x, scheme, language, absolute_step=step)
    error = 3 * x * step + step**2 if scheme == "2-point" else step**2
    assert g - 3 * x**2 == pytest.approx(error + 0 * x, rel=1e-6)


def test_relative_step_is_relative_to_x_but_at_least_to_1(scheme, language):
    step = 2.0**-4
    x = np.array([0.25, -2.0, 8.0])
    _, g = difference(cubic, x, scheme, language, relative_step=step)
    h = step * np.array([1.0, 2.0, 8.0])
    error = 3 * x * h + h**2 if scheme == "2-point" else h**2
    assert g - 3 * x**2 == pytest.approx(error, rel=1e-6)


def test_the_absolute_step_wins(scheme):
    x = np.array([1.0, 8.0])
    both = difference(cubic, x, scheme, absolute_step=0.125, relative_step=0.25)[1]
    assert np.array_equal(both, difference(cubic, x, scheme, absolute_step=0.125)[1])


@pytest.mark.parametrize(
    ("options", "step"),
    [({}, None), ({"eps": 2.0**-4}, 2.0**-4), ({"finite_diff_rel_step": 2.0**-4}, 2.0**-3)],
    ids=str,
)
def test_steps_are_options_of_minimize(options, step):
    """The points at which minimize asks: x, then x + h."""
    points = []

    def fun(x):
        points.append(x[0])
        return float(x @ x)

    minimize(fun, [2.0], options={**options, "maxiter": 0})
    assert points[0] == 2.0
    assert points[1] - 2.0 == (step or pytest.approx(2 * np.sqrt(EPS), rel=1e-6))


@pytest.mark.parametrize("options", [{"eps": 1e-6}, {"finite_diff_rel_step": 1e-6}], ids=str)
def test_steps_bound_the_accuracy_of_the_solution(options, scheme):
    """Forward differences of |x - 1|^2 vanish half a step before the minimum, central ones at it."""
    result = minimize(lambda x: float(np.sum((x - 1) ** 2)), [3.0, 0.0], jac=scheme, options={**options, "gtol": 1e-9})
    assert result.x - 1 == pytest.approx(np.full(2, -0.5e-6 if scheme == "2-point" else 0.0), abs=1e-8)


def test_complex_points_are_perturbed_part_by_part(scheme):
    points = []

    def fun(z):
        points.append(z.copy())
        return float(np.sum(abs(z) ** 2))

    z = np.array([1 + 2j, -3j])
    Objective(fun, scheme, (), z, absolute_step=0.5).evaluate(z)
    moves = [0, 0.5, 0.5j] if scheme == "2-point" else [0, 0.5, -0.5, 0.5j, -0.5j]
    expected = [z + np.array([m, 0]) for m in moves] + [z + np.array([0, m]) for m in moves[1:]]
    assert np.array_equal(points, expected)


# --- the edge of the domain ------------------------------------------------------------------------------------------


def root(x):
    """Sum sqrt(x_i), and NaN outside of its domain."""
    f = 0.0
    for i in range(x.size):
        f += np.sqrt(x[i]) if x[i] >= 0.0 else np.nan
    return f


def mirrored_root(x):
    """Sum sqrt(-x_i), and inf outside of its domain."""
    f = 0.0
    for i in range(x.size):
        f += np.sqrt(-x[i]) if x[i] <= 0.0 else np.inf
    return f


@pytest.mark.parametrize("distance", [1e-3, 1e-9, 0.0])
@pytest.mark.parametrize("function", [root, mirrored_root])
def test_differences_look_to_the_side_where_the_function_is(function, distance, language):
    """The step is 1.5e-8: at 1e-9 from the edge one of x + h and x - h lies outside."""
    inwards = 1.0 if function is root else -1.0
    x = np.array([inwards * distance, inwards])
    _, g = difference(function, x, "2-point", language)
    assert np.isfinite(g).all()
    step = np.sqrt(EPS)
    expected = inwards * (np.sqrt(distance + step) - np.sqrt(distance)) / step
    assert g[0] == pytest.approx(expected, rel=1e-4)
    assert g[1] == pytest.approx(inwards * 0.5, rel=1e-6)


def test_no_side_to_look_to_gives_no_gradient(scheme):
    """A point alone in its domain: the gradient is not finite, and says so."""
    _, g = difference(lambda x: x[1] if x[0] == 1.0 else np.nan, np.array([1.0, 2.0]), scheme)
    assert not np.isfinite(g[0])
    assert g[1] == pytest.approx(1.0)


def test_barriers_by_differences_are_solved(scheme, language):
    function = barrier if language == "python" else _jitted(barrier)
    result = minimize(function, [5.0, 0.01], jac=scheme)
    assert result.success
    assert result.x == pytest.approx(np.ones(2), abs=1e-5)


def barrier(x):
    f = 0.0
    for i in range(x.size):
        f += x[i] - np.log(x[i]) if x[i] > 0.0 else np.inf
    return f


def test_differences_do_not_warn_of_their_own(scheme):
    """inf - inf at points outside of the domain is expected."""
    f, g = Objective(lambda x: np.inf, scheme, (), np.ones(2)).evaluate(np.ones(2))
    assert f == np.inf
    assert np.isnan(g).all()


def test_central_differences_are_one_sided_at_the_edge_of_the_domain():
    def fun(x):
        return float(np.sqrt(x[0])) + float(x[1]) ** 2 if x[0] >= 0 else np.nan

    result = minimize(fun, [1e-9, 1.0], jac="3-point", options={"maxiter": 3})
    assert result.reason is not Status.NONFINITE_START


def test_the_users_own_warnings_come_through():
    with pytest.warns(RuntimeWarning, match="log"):
        minimize(lambda x: float(np.log(x[0] - 2.0)), [1.0])
