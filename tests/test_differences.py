"""Gradients by finite differences: their accuracy, their steps, and the edge of the domain."""

import functools

import numba
import numpy as np
import pytest
import scipy.optimize

import numopt
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


# --- values of low precision, and steps that show nothing ------------------------------------------------------------


def single(x):
    """|x - 3|^2 as float32."""
    f = np.float32(0.0)
    for i in range(x.size):
        f += np.float32(abs(x[i] - 3.0) ** 2)
    return np.float32(f)


def on_high_ground(x):
    """Its changes over a step are below the rounding of 1e10."""
    return 1e10 + abs(x[0] - 3.0) ** 2


def six_digits(x):
    return np.floor(1e6 * abs(x[0] - 3.0) ** 2 + 0.5) / 1e6


def constant(x):
    return 1.0 + 0.0 * x[0].real


def above_100(x):
    """Near 3 its changes over a step are below rounding."""
    return 100.0 + (x[0] - 3.0) ** 2


def square(x):
    return x[0] * x[0]


def in_language(function, language):
    return function if language == "python" else _jitted(function)


WAYS = {
    "lbfgs": {},
    "box": {"bounds": [(0.0, 10.0)]},
    "rule": {"method": numopt.Adam(0.1)},
    "ball": {"constraints": numopt.L2Ball(10.0)},
}


@pytest.mark.parametrize("way", WAYS)
def test_steps_follow_the_precision_of_float32_values(way, scheme, language):
    result = minimize(in_language(single, language), [1.0], jac=scheme, **WAYS[way])
    assert result.x == pytest.approx([3.0], abs=2e-3)
    assert result.nit > 0
    assert way != "lbfgs" or result.success


@pytest.mark.parametrize(
    ("returned", "precision"),
    [(float, 2.0**-52), (np.float64, 2.0**-52), (np.float32, 2.0**-23), (np.float16, 2.0**-10), (int, 2.0**-52)],
)
def test_the_step_is_the_root_of_the_precision(returned, precision, scheme):
    points = []

    def fun(x):
        points.append(x[0])
        return returned(x[0])

    Objective(fun, scheme, (), np.array([1.0])).evaluate(np.array([1.0]))
    assert points[1] - 1.0 == pytest.approx(precision ** (1 / 2 if scheme == "2-point" else 1 / 3), rel=1e-6)


def test_an_array_of_one_float32_counts_too(scheme):
    result = minimize(lambda x: np.array([single(x)]), [1.0], jac=scheme)
    assert result.x == pytest.approx([3.0], abs=2e-3)


@pytest.mark.parametrize("options", [{"eps": 1e-9}, {"finite_diff_rel_step": 1e-9}], ids=str)
def test_steps_of_the_user_are_kept_for_float32_values(options, scheme):
    result = minimize(single, [1.0], jac=scheme, options=options)
    assert result.reason is Status.NO_CHANGE
    assert np.array_equal(result.x, [1.0])


@pytest.mark.parametrize("x0", [[1.0], [1.0 + 1.0j]], ids=["real", "complex"])
@pytest.mark.parametrize("way", ["lbfgs", "box", "rule", "ball"])
@pytest.mark.parametrize("function", [on_high_ground, six_digits, constant])
def test_differences_that_see_nothing_are_no_success(function, way, x0, scheme, language):
    if way == "box" and isinstance(x0[0], complex):
        pytest.skip("bounds are for real variables")
    seen = []

    def watched(x):
        seen.append(x[0])
        return function(x)

    options = {"eps": 1e-9}
    fun = watched if language == "python" else _jitted(function)
    result = minimize(fun, x0, jac=scheme, options=options, **WAYS[way])
    assert result.reason is Status.NO_CHANGE
    assert (result.status, result.success) == (2, False)
    assert "eps" in result.message
    assert "finite_diff_rel_step" in result.message
    assert np.array_equal(result.x, x0)
    assert result.state.status is Status.NO_CHANGE
    assert language == "jitted" or result.nfev == len(seen)


def test_it_is_so_by_default_too(language):
    for function in (on_high_ground, six_digits, constant):
        assert minimize(in_language(function, language), [1.0]).reason is Status.NO_CHANGE


def test_it_is_so_through_scipy():
    result = scipy.optimize.minimize(six_digits, [1.0], method=numopt.lbfgs)
    assert (result.status, result.success, result.reason) == (2, False, Status.NO_CHANGE)


def terraces(x):
    """Slopes down to 2, and is even from there to 3; below 2 again."""
    return max(x[0], 2.0) if x[0] > 1.5 else x[0] + 0.5


def test_a_later_point_where_differences_see_nothing_is_no_success(scheme, language):
    """The even ground from 2 to 1.5 ends, further down, in a slope that the steps do not reach."""
    result = minimize(in_language(terraces, language), [2.5], jac=scheme, options={"maxiter": 50})
    assert not result.success
    assert result.nit > 0


def test_steps_below_the_rounding_of_x_see_nothing(scheme, language):
    result = minimize(in_language(square, language), [1.0], jac=scheme, options={"eps": 1e-20})
    assert result.reason is Status.NO_CHANGE


@pytest.mark.parametrize("x0", [1.0, 3.0, 3.0 + 1e-9])
def test_a_minimum_whose_surroundings_are_below_rounding_is_a_success(x0, scheme, language):
    result = minimize(in_language(above_100, language), [x0], jac=scheme)
    assert result.success
    assert result.x == pytest.approx([3.0], abs=1e-5)


@pytest.mark.parametrize("bounds", [None, [(0.0, 1.0)], [(-1.0, 1.0)]], ids=str)
def test_an_exact_minimum_is_a_success(bounds, scheme, language):
    """Central differences vanish there, though f(x + h) differs from f(x)."""
    result = minimize(in_language(square, language), [0.0], jac=scheme, bounds=bounds)
    assert result.success
    assert result.nfev == (2 if scheme == "2-point" else 3)


def test_a_minimum_at_a_bound_below_rounding_is_a_success(scheme, language):
    """f decreases beyond the bound only."""
    result = minimize(in_language(on_high_ground, language), [4.0], jac=scheme, bounds=[(4.0, 9.0)])
    assert result.success
    assert result.x == [4.0]


def test_unknowns_that_cannot_move_are_no_evidence(scheme, language):
    result = minimize(in_language(square, language), [1.0], jac=scheme, bounds=[(1.0, 1.0)])
    assert result.success


def test_a_run_that_saw_nothing_does_not_become_a_success_when_it_goes_on():
    state = minimize(six_digits, [1.0]).state
    assert not minimize(six_digits, [1.0], options={"state": state}).success


# --- steps of each unknown -------------------------------------------------------------------------------------------


def narrow(x):
    """A well of width 1e-8 in the first unknown, among unknowns of order 1."""
    a = (x[0] - 1.2e-8) / 1e-8
    return -np.exp(-0.5 * a * a) + (x[1] - 1.0) ** 2 + (x[2] + 2.0) ** 2


def test_steps_follow_x_scale(scheme, language):
    result = minimize(
        in_language(narrow, language), [0.5e-8, 0.0, 0.0], jac=scheme, options={"x_scale": [1e-8, 1.0, 1.0]}
    )
    assert result.success
    assert result.x == pytest.approx([1.2e-8, 1.0, -2.0], rel=1e-4)


def amplitude(x, t, y):
    """Squares of the residuals of x_0 exp(-(t - x_1)^2 / 2 x_2^2), in units of 1e-8."""
    f = 0.0
    for i in range(t.size):
        f += ((y[i] - x[0] * np.exp(-0.5 * ((t[i] - x[1]) / x[2]) ** 2)) / 1e-8) ** 2
    return f


def test_an_amplitude_of_1e_8_is_fitted(scheme, language):
    t = np.linspace(-3.0, 4.0, 50)
    truth = np.array([1.2e-8, 0.4, 0.9])
    y = truth[0] * np.exp(-0.5 * ((t - truth[1]) / truth[2]) ** 2)
    result = minimize(
        in_language(amplitude, language), [0.5e-8, 0.0, 1.0], (t, y), jac=scheme, options={"x_scale": [1e-8, 1, 1]}
    )
    assert result.success
    assert result.x == pytest.approx(truth, rel=1e-4)


@pytest.mark.parametrize("dtype", [float, complex])
@pytest.mark.parametrize("option", ["absolute_step", "relative_step"])
def test_every_unknown_has_its_step(option, dtype, scheme, language):
    """For sum Re(x)^3 the error is known; the step of a complex unknown is that of both parts."""
    steps = np.array([2.0**-3, 2.0**-5, 2.0**-4])
    x = np.array([2.0, -2.0, 0.25]).astype(dtype)
    _, g = difference(cubic_in_the_real_part, x, scheme, language, **{option: steps})
    h = steps if option == "absolute_step" else steps * np.maximum(abs(x), 1.0)
    error = 3 * x.real * h + h**2 if scheme == "2-point" else h**2
    assert (g - 3 * x**2).real == pytest.approx(error, rel=1e-6)
    assert np.array_equal(g.imag, np.zeros(3))


def cubic_in_the_real_part(x):
    f = 0.0
    for i in range(x.size):
        f += x[i].real ** 3
    return f


def test_steps_of_each_unknown_keep_within_bounds(scheme, language):
    result = minimize(
        in_language(root, language), [1.0, 2.0], jac=scheme, bounds=[(0, 4)] * 2, options={"eps": [1e-6, 1e-3]}
    )
    assert result.x == pytest.approx([0.0, 0.0], abs=1e-12)


@pytest.mark.parametrize("name", ["eps", "finite_diff_rel_step"])
@pytest.mark.parametrize(
    ("value", "error"),
    [
        ([1e-8], None),
        ([1e-8, 1e-8], None),
        (np.full(2, 1e-8), None),
        ([1e-8] * 3, ValueError),
        ([[1e-8, 1e-8]], ValueError),
        ([1e-8, 0.0], ValueError),
        ([1e-8, -1e-8], ValueError),
        ([1e-8, np.nan], ValueError),
        ([1e-8, np.inf], ValueError),
        (np.inf, ValueError),
        ([], ValueError),
        (["a", "b"], TypeError),
        ("1e-8", TypeError),
        ([1e-8j, 1e-8], TypeError),
        (1e-8j, TypeError),
        ([None, 1e-8], TypeError),
    ],
    ids=repr,
)
@pytest.mark.parametrize("x0", [[1.0, 2.0], [1.0j, 2.0]], ids=["real", "complex"])
def test_what_steps_may_be(name, value, error, x0):
    def run():
        return minimize(lambda x: float(np.sum(abs(x) ** 2)), x0, options={name: value})

    if error is None:
        assert run().success
    else:
        with pytest.raises(error, match=f"^{name} must be"):
            run()
