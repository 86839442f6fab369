"""Tests of the More, Garbow and Hillstrom collection."""

import math

import numpy as np
import pytest
from rounding import residual_rounding, value_rounding
from scipy.optimize import least_squares

from numopt.problems.more_garbow_hillstrom import instances

PROBLEMS = {problem.name: problem for problem in instances()}

every_problem = pytest.mark.parametrize("name", PROBLEMS)


# The paper's formulas as loops over one-based indices: each takes a list x and gives the sum of
# squares. A leading unused element makes x[1] the first component.


def sum_of_squares(residuals):
    return math.fsum(r * r for r in residuals)


def naive_extended_rosenbrock(x):
    n, x = len(x), [None, *x]
    total = 0.0
    for i in range(1, n // 2 + 1):
        total += (10 * (x[2 * i] - x[2 * i - 1] ** 2)) ** 2 + (1 - x[2 * i - 1]) ** 2
    return total


def naive_extended_powell(x):
    n, x = len(x), [None, *x]
    total = 0.0
    for i in range(1, n // 4 + 1):
        total += (x[4 * i - 3] + 10 * x[4 * i - 2]) ** 2 + 5 * (x[4 * i - 1] - x[4 * i]) ** 2
        total += (x[4 * i - 2] - 2 * x[4 * i - 1]) ** 4 + 10 * (x[4 * i - 3] - x[4 * i]) ** 4
    return total


def naive_watson(x):
    n, x = len(x), [None, *x]
    residuals = [x[1], x[2] - x[1] ** 2 - 1]
    for i in range(1, 30):
        t = i / 29
        slope = sum((j - 1) * x[j] * t ** (j - 2) for j in range(2, n + 1))
        value = sum(x[j] * t ** (j - 1) for j in range(1, n + 1))
        residuals.append(slope - value**2 - 1)
    return sum_of_squares(residuals)


def naive_penalty_1(x):
    return 1e-5 * sum((c - 1) ** 2 for c in x) + (sum(c**2 for c in x) - 0.25) ** 2


def naive_penalty_2(x):
    n, x = len(x), [None, *x]
    root = math.sqrt(1e-5)
    residuals = [x[1] - 0.2]
    for i in range(2, n + 1):
        y = math.exp(i / 10) + math.exp((i - 1) / 10)
        residuals.append(root * (math.exp(x[i] / 10) + math.exp(x[i - 1] / 10) - y))
    for i in range(n + 1, 2 * n):
        residuals.append(root * (math.exp(x[i - n + 1] / 10) - math.exp(-1 / 10)))
    residuals.append(sum((n - j + 1) * x[j] ** 2 for j in range(1, n + 1)) - 1)
    return sum_of_squares(residuals)


def naive_variably_dimensioned(x):
    s = sum(j * (c - 1) for j, c in enumerate(x, 1))
    return sum_of_squares([c - 1 for c in x] + [s, s**2])


def naive_trigonometric(x):
    n = len(x)
    cosines = sum(math.cos(c) for c in x)
    return sum_of_squares(n - cosines + i * (1 - math.cos(c)) - math.sin(c) for i, c in enumerate(x, 1))


def naive_brown_almost_linear(x):
    n = len(x)
    residuals = [c + sum(x) - (n + 1) for c in x[:-1]]
    return sum_of_squares([*residuals, math.prod(x) - 1])


def naive_discrete_boundary_value(x):
    n, x = len(x), [0, *x, 0]
    h = 1 / (n + 1)
    return sum_of_squares(2 * x[i] - x[i - 1] - x[i + 1] + h**2 * (x[i] + i * h + 1) ** 3 / 2 for i in range(1, n + 1))


def naive_discrete_integral(x):
    n, x = len(x), [0, *x]
    h = 1 / (n + 1)
    t = [i * h for i in range(n + 1)]
    residuals = []
    for i in range(1, n + 1):
        below = sum(t[j] * (x[j] + t[j] + 1) ** 3 for j in range(1, i + 1))
        above = sum((1 - t[j]) * (x[j] + t[j] + 1) ** 3 for j in range(i + 1, n + 1))
        residuals.append(x[i] + h * ((1 - t[i]) * below + t[i] * above) / 2)
    return sum_of_squares(residuals)


def naive_broyden_tridiagonal(x):
    n, x = len(x), [0, *x, 0]
    return sum_of_squares((3 - 2 * x[i]) * x[i] - x[i - 1] - 2 * x[i + 1] + 1 for i in range(1, n + 1))


def naive_broyden_banded(x):
    n, x = len(x), [None, *x]
    residuals = []
    for i in range(1, n + 1):
        neighbours = [j for j in range(max(1, i - 5), min(n, i + 1) + 1) if j != i]
        residuals.append(x[i] * (2 + 5 * x[i] ** 2) + 1 - sum(x[j] * (1 + x[j]) for j in neighbours))
    return sum_of_squares(residuals)


def naive_linear_full_rank(x, m=20):
    s = sum(x)
    return sum_of_squares([c - 2 * s / m - 1 for c in x] + [-2 * s / m - 1] * (m - len(x)))


def naive_linear_rank_1(x, m=20):
    s = sum(j * c for j, c in enumerate(x, 1))
    return sum_of_squares(i * s - 1 for i in range(1, m + 1))


def naive_linear_rank_1_zero(x, m=20):
    n, x = len(x), [None, *x]
    s = sum(j * x[j] for j in range(2, n))
    return sum_of_squares([-1, *((i - 1) * s - 1 for i in range(2, m)), -1])


def naive_chebyquad(x):
    n = len(x)
    residuals = []
    for i in range(1, n + 1):
        # T_i at any argument, by the polynomial's closed form.
        total = 0.0
        for c in x:
            z = 2 * c - 1
            total += math.fsum(math.comb(i, 2 * k) * (z * z - 1) ** k * z ** (i - 2 * k) for k in range(i // 2 + 1))
        residuals.append(total / n + (1 / (i * i - 1) if i % 2 == 0 else 0))
    return sum_of_squares(residuals)


NAIVE = {
    "extended_rosenbrock": naive_extended_rosenbrock,
    "extended_powell": naive_extended_powell,
    "watson": naive_watson,
    "penalty_1": naive_penalty_1,
    "penalty_2": naive_penalty_2,
    "variably_dimensioned": naive_variably_dimensioned,
    "trigonometric": naive_trigonometric,
    "brown_almost_linear": naive_brown_almost_linear,
    "discrete_boundary_value": naive_discrete_boundary_value,
    "discrete_integral": naive_discrete_integral,
    "broyden_tridiagonal": naive_broyden_tridiagonal,
    "broyden_banded": naive_broyden_banded,
    "linear_full_rank": naive_linear_full_rank,
    "linear_rank_1": naive_linear_rank_1,
    "linear_rank_1_zero": naive_linear_rank_1_zero,
    "chebyquad": naive_chebyquad,
}

# Exact by hand where a value has few digits; elsewhere the square of the norm of the starting
# residuals that reference results of MINPACK's test programs give.
START_VALUES = {
    "rosenbrock-2": 24.2,
    "freudenstein_roth-2": 400.5,
    "powell_badly_scaled-2": 1 + (1 + math.exp(-1) - 1.0001) ** 2,
    "brown_badly_scaled-2": 999999.0**2 + (1 - 2e-6) ** 2 + 1,
    "beale-2": 14.203125,
    "jennrich_sampson-2": 64.5856498144943**2,
    "helical_valley-3": 2500.0,
    "bard-3": 6.45613629515967**2,
    "meyer-3": 41153.4665543031**2,
    "box_3d-3": 32.1115837449572**2,
    "powell_singular-4": 215.0,
    "wood-4": 19192.0,
    "kowalik_osborne-4": 0.0728915102882945**2,
    "brown_dennis-4": 2815.43839161816**2,
    "osborne_1-5": 0.937564021037838**2,
    "osborne_2-11": 1.44686540984712**2,
    "watson-6": 30.0,
    "watson-9": 30.0,
    "watson-12": 30.0,
    "variably_dimensioned-10": 2198551.1625,
    "linear_full_rank-10": 50.0,
    "brown_almost_linear-10": 16.5302162063499**2,
    "chebyquad-8": 0.196513862833975**2,
    "chebyquad-9": 0.16994993465202**2,
    "chebyquad-10": 0.183747831178711**2,
}

# Points near the minimiser of minima[index], where that is not the one reached from x0.
NEAR_MINIMUM = [
    ("freudenstein_roth-2", 0, [5, 4]),
    ("freudenstein_roth-2", 1, [11.4, -0.9]),
    ("powell_badly_scaled-2", 1, [-0.0099, -0.0099]),
    ("biggs_exp6-6", 0, [1, 10, 1, 5, 4, 3]),
    ("trigonometric-10", 0, [0.022, 0.022, 0.023, 0.023, 0.023, 0.023, 0.024, 0.024, 0.197, 0.025]),
    ("trigonometric-10", 1, [0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.2, 0.2, 0.1, 0.1]),
    ("trigonometric-10", 2, [0.05, 0.05, 0.05, 0.06, 0.06, 0.06, 0.22, 0.07, 0.14, 0.09]),
    ("trigonometric-10", 3, [0.1, 0.1, 0.1, 0.1, 0.1, 0.3, 0.1, 0.1, 0.1, 0.1]),
    ("trigonometric-10", 4, [0.1, 0.1, 0.1, 0.1, 0.3, 0.1, 0.1, 0.1, 0.1, 0.1]),
    ("brown_almost_linear-10", 1, [0, 0, 0, 0, 0, 0, 0, 0, 0, 11]),
    ("brown_almost_linear-10", 2, [-0.1, 1.4, 1.4, 1.4, 1.4, 1.4, 1.4, 1.4, 1.4, -1.1]),
    ("broyden_tridiagonal-10", 1, [1.8, -0.1, -0.6, -0.6, -0.6, -0.4, -0.1, 0.7, 1.3, 0.2]),
    ("broyden_tridiagonal-10", 2, [1.8, -0.1, -0.6, -0.7, -0.7, -0.6, -0.5, -0.1, 0.8, 1.4]),
    ("broyden_tridiagonal-10", 3, [1.6, 0.4, 0.2, 0.6, 1.1, 0.6, 0.4, 0.8, 1.2, 0.3]),
    ("broyden_tridiagonal-10", 4, [1.8, 0, -0.3, -0.1, 0.7, 1.5, -0.1, -0.5, -0.5, -0.4]),
    ("broyden_tridiagonal-10", 5, [1.7, 0.1, -0.2, 0, 0.7, 1.2, 0.4, 0.3, 0.8, 1.3]),
    ("broyden_tridiagonal-10", 6, [0.9, 1.4, -0.1, -0.5, -0.6, -0.4, 0, 0.7, 1.3, 0.2]),
    ("broyden_banded-10", 1, [0.2, 0.3, 0.4, 0.4, 0.6, 0.7, 0.8, 0.9, 1, 1]),
    ("broyden_banded-10", 2, [0.2, 0.3, 0.2, 0.2, 0.2, 0.2, 0.2, 0, -0.1, -0.2]),
    ("chebyquad-10", 1, [0, 0.2, 0.2, 0.4, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]),
    ("chebyquad-10", 2, [0, 0.1, 0.2, 0.4, 0.4, 0.6, 0.6, 0.8, 0.9, 1]),
]

# Points at which f is close to minima[index] and least squares would leave: far ones, as f
# approaches the value at infinity, and the Biggs one, on a line of equal values (x1 = x5).
CLOSE_TO_MINIMUM = [
    ("beale-2", 1, [-1e7, 1 + 13.875 / 14 * 1e-7]),
    ("jennrich_sampson-2", 1, [-40, 0.33148528]),
    ("bard-3", 1, [0.84066667, -1e9, -1e9]),
    ("box_3d-3", 1, [0.61360036, 1e4, 1.31995521]),
    ("kowalik_osborne-4", 1, [1e8, -14.0758837, -45.257193e8, -28.231497e8]),
    ("kowalik_osborne-4", 2, [1, 1e8, 4.30332967e8, 1.75203708e8]),
    ("biggs_exp6-6", 1, [1.711416, 17.683198, 1.163144, 5.186562, 1.711416, 1.163144]),
    ("biggs_exp6-6", 2, [1.22755595, 1e4, 0.83270306, 0, 1.22755595, 0.83270306]),
    ("osborne_2-11", 1, [0.91703842, 0.5, 0.5, 0.5, 0.13275478, 3, 5, 7, 20, 45, 55]),
]

REACHED_ELSEWHERE = {(name, index) for name, index, _ in NEAR_MINIMUM + CLOSE_TO_MINIMUM}


def minimise(problem, start):
    """Return the point to which the Levenberg-Marquardt method at its tightest tolerances converges."""
    with np.errstate(all="ignore"):
        return least_squares(
            problem.residuals,
            np.array(start, dtype=float),
            problem.jacobian,
            method="lm",
            xtol=1e-15,
            ftol=1e-15,
            gtol=1e-15,
            max_nfev=5000,
        ).x


def assert_stationary(problem, x):
    """Assert that the residuals are orthogonal to the columns of the Jacobian, or vanish."""
    r, jacobian = problem.residuals(x), problem.jacobian(x)
    lengths = np.linalg.norm(jacobian, axis=0)
    size = 1e-5 * np.linalg.norm(r) + 1e-12 + np.linalg.norm(residual_rounding(problem, x))
    assert np.all(np.abs(r @ jacobian) <= lengths * size)


def assert_minimum(problem, x, minimum):
    """Assert that f(x) is ``minimum``, which has ten digits or more, as far as rounding lets f and x be computed.

    A minimum of 1e-10 of a sum whose terms are of order 1 (Watson's, n = 12) has seven digits in double precision.
    Where it is 0, least squares ends below 1e-20, with the largest values for a singular Jacobian.
    """
    tolerance = 1e-9 * minimum + 1e-20 + value_rounding(problem, x)
    assert abs(problem.value_and_gradient(x)[0] - minimum) <= tolerance
    assert_stationary(problem, x)


def sample_points(problem):
    """Return the start and three random points around it."""
    rng = np.random.default_rng(20)
    spread = 0.1 * (np.abs(problem.x0) + 0.1)
    return [problem.x0, *(problem.x0 + spread * rng.uniform(-1, 1, (3, problem.x0.size)))]


def test_the_collection_has_42_instances():
    assert len(instances()) == len(PROBLEMS) == 42
    for name, problem in PROBLEMS.items():
        assert name.endswith(f"-{problem.x0.size}")
        assert problem.x0.dtype == np.float64
        assert not problem.x0.flags.writeable


def test_the_chosen_sizes():
    sizes = {}
    for name in PROBLEMS:
        label, n = name.rsplit("-", 1)
        sizes.setdefault(label, []).append(int(n))
    assert len(sizes) == 35
    assert {label: n for label, n in sizes.items() if len(n) > 1} == {
        "watson": [6, 9, 12],
        "penalty_1": [4, 10],
        "penalty_2": [4, 10],
        "chebyquad": [7, 8, 9, 10],
    }


@pytest.mark.parametrize(
    ("name", "m"),
    [
        ("jennrich_sampson-2", 10),
        ("bard-3", 15),
        ("gaussian-3", 15),
        ("meyer-3", 16),
        ("gulf-3", 99),
        ("box_3d-3", 10),
        ("wood-4", 6),
        ("kowalik_osborne-4", 11),
        ("brown_dennis-4", 20),
        ("osborne_1-5", 33),
        ("biggs_exp6-6", 13),
        ("osborne_2-11", 65),
        ("watson-12", 31),
        ("penalty_1-10", 11),
        ("penalty_2-10", 20),
        ("variably_dimensioned-10", 12),
        ("linear_full_rank-10", 20),
        ("linear_rank_1-10", 20),
        ("linear_rank_1_zero-10", 20),
        ("chebyquad-10", 10),
    ],
)
def test_the_number_of_residuals(name, m):
    problem = PROBLEMS[name]
    assert problem.residuals(problem.x0).shape == (m,)


@every_problem
def test_jacobian_is_the_complex_step_jacobian(name):
    problem = PROBLEMS[name]
    for x in sample_points(problem):
        jacobian = problem.jacobian(x)
        columns = []
        for j in range(x.size):
            shifted = x.astype(complex)
            shifted[j] += 1e-30j
            columns.append(problem.residuals(shifted).imag / 1e-30)
        expected = np.stack(columns, axis=1)
        scale = np.abs(expected).max(axis=0)
        assert jacobian.shape == expected.shape
        assert np.all(np.abs(jacobian - expected) <= 1e-10 * np.abs(expected) + 1e-13 * scale)


@every_problem
def test_value_and_gradient_follow_from_the_residuals(name):
    problem = PROBLEMS[name]
    for x in sample_points(problem):
        r, jacobian = problem.residuals(x), problem.jacobian(x)
        f, g = problem.value_and_gradient(x)
        assert isinstance(f, float)
        assert f == pytest.approx(sum_of_squares(r), rel=1e-12)
        np.testing.assert_allclose(g, 2 * jacobian.T @ r, rtol=1e-10, atol=1e-12 * np.abs(g).max())
        assert problem(x)[0] == f


@pytest.mark.parametrize("name", [name for name in PROBLEMS if name.rsplit("-", 1)[0] in NAIVE])
def test_value_is_that_of_the_scalar_formula(name):
    problem = PROBLEMS[name]
    naive = NAIVE[name.rsplit("-", 1)[0]]
    for x in sample_points(problem):
        assert problem.value_and_gradient(x)[0] == pytest.approx(naive(x.tolist()), rel=1e-11)


@pytest.mark.parametrize("name", START_VALUES)
def test_value_at_the_start(name):
    problem = PROBLEMS[name]
    assert problem.value_and_gradient(problem.x0)[0] == pytest.approx(START_VALUES[name], rel=1e-12)


@pytest.mark.parametrize("name", [name for name in PROBLEMS if (name, 0) not in REACHED_ELSEWHERE])
def test_published_minimum_is_reached_from_the_start(name):
    problem = PROBLEMS[name]
    x = minimise(problem, problem.x0)
    assert_minimum(problem, x, problem.minima[0])


@pytest.mark.parametrize(("name", "index", "start"), NEAR_MINIMUM)
def test_local_minimum_is_reached_nearby(name, index, start):
    problem = PROBLEMS[name]
    x = minimise(problem, start)
    assert_minimum(problem, x, problem.minima[index])


@pytest.mark.parametrize(("name", "index", "point"), CLOSE_TO_MINIMUM)
def test_value_close_to_a_minimum(name, index, point):
    problem = PROBLEMS[name]
    assert problem.value_and_gradient(point)[0] == pytest.approx(problem.minima[index], rel=1e-6)


def test_each_listed_minimum_is_covered():
    from_start = {(name, 0) for name in PROBLEMS}
    listed = {(name, index) for name, problem in PROBLEMS.items() for index in range(len(problem.minima))}
    assert listed == from_start | REACHED_ELSEWHERE


@every_problem
def test_argument_is_not_modified(name):
    problem = PROBLEMS[name]
    x = problem.x0 * 1.01
    before = x.copy()
    problem.value_and_gradient(x)
    problem.residuals(x)
    problem.jacobian(x)
    np.testing.assert_array_equal(x, before)


@every_problem
def test_far_from_the_start_without_warnings(name):
    problem = PROBLEMS[name]
    f, g = problem.value_and_gradient(100 * problem.x0)
    assert not math.isnan(f)
    assert not np.isnan(g).any()


def test_difference_of_overflows_is_infinite():
    f, _ = PROBLEMS["osborne_1-5"].value_and_gradient([0.5, 1.5, -1.0, -10.0, -10.0])
    assert f == math.inf


def test_nan_argument_gives_nan():
    f, _ = PROBLEMS["rosenbrock-2"].value_and_gradient([math.nan, 1.0])
    assert math.isnan(f)


def test_helical_valley_on_its_axis():
    # The formula divides by x1; at x1 = 0 the angle is a quarter turn on either side.
    problem = PROBLEMS["helical_valley-3"]
    assert problem.value_and_gradient([0.0, 1.0, 2.5])[0] == pytest.approx(2.5**2)
    assert problem.value_and_gradient([0.0, -1.0, -2.5])[0] == pytest.approx(2.5**2)
