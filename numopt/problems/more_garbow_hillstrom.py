"""The More, Garbow and Hillstrom collection as unconstrained minimisation problems.

The 35 functions are sums of squares, ``f(x) = sum_i r_i(x)^2``, so ``g = 2 J^T r``. `instances`
returns each of them at its standard start and usual size, and some of those of variable size at
further sizes: 42 problems. The residuals themselves are in
`numopt.problems.mgh_residuals`, with the reference to the paper.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from numopt.problems import mgh_residuals as mgh


@dataclass(frozen=True, eq=False)
class Problem:
    """One test function with its dimension, start and known minima.

    Two problems are equal only if they are the same object, since a comparison of the fields
    would compare arrays.

    Parameters
    ----------
    name : str
        Name and dimension, such as ``"rosenbrock-2"``.
    x0 : numpy.ndarray
        The paper's standard start, float64 and read-only.
    residuals : callable
        ``r(x)``, shape (m,); accepts complex ``x``.
    jacobian : callable
        ``J(x)``, the (m, n) derivatives of the residuals.
    minima : tuple of float
        Values of ``f`` at known minima to at least ten digits: first the one of the paper (the
        global one where it gives several), then other local minima and values that ``f`` only
        approaches as a part of ``x`` tends to infinity. Further local minima may exist.
    """

    name: str
    x0: np.ndarray
    residuals: Callable
    jacobian: Callable
    minima: tuple[float, ...]

    def value_and_gradient(self, x):
        """Return the function value and the gradient.

        Parameters
        ----------
        x : array_like
            The point, shape (n,). It is not modified.

        Returns
        -------
        f : float
            Sum of squares. Infinite, without a warning, where a residual overflows or is
            undefined; NaN only if ``x`` has a NaN.
        g : numpy.ndarray
            Gradient, shape (n,). Where it overflows its components need not be finite.
        """
        x = np.asarray(x, dtype=np.float64)
        with np.errstate(all="ignore"):
            r = self.residuals(x)
            f = float(r @ r)
            g = 2 * (r @ self.jacobian(x))
        # The difference of two overflows is NaN, which a line search would not recognise as large.
        if np.isnan(f) and not np.isnan(x).any():
            f = np.inf
        return f, g

    __call__ = value_and_gradient


def _problem(label, start, residuals, jacobian, *minima):
    """Return a problem whose name is completed by the length of its start."""
    x0 = np.array(start, dtype=np.float64)
    x0.setflags(write=False)
    return Problem(f"{label}-{x0.size}", x0, residuals, jacobian, minima)


def _fixed_size():
    """Return the 19 problems whose dimension the function determines, in the paper's order.

    Of the minima, these are values that ``f`` approaches at infinity: the second of Beale, of
    Jennrich and Sampson (one exponential vanishes), of Bard, of Box (one exponential vanishes)
    and of Osborne 2 (the three peaks leave the range of the data); both further ones of Kowalik
    and Osborne; the third of Biggs EXP6 (one exponential vanishes).
    """
    return [
        _problem("rosenbrock", [-1.2, 1], mgh.extended_rosenbrock, mgh.extended_rosenbrock_jacobian, 0.0),
        _problem(
            "freudenstein_roth",
            [0.5, -2],
            mgh.freudenstein_roth,
            mgh.freudenstein_roth_jacobian,
            0.0,
            48.98425367924,
        ),
        _problem(
            "powell_badly_scaled",
            [0, 1],
            mgh.powell_badly_scaled,
            mgh.powell_badly_scaled_jacobian,
            0.0,
            1.040294003962,
        ),
        _problem("brown_badly_scaled", [1, 1], mgh.brown_badly_scaled, mgh.brown_badly_scaled_jacobian, 0.0),
        _problem("beale", [1, 1], mgh.beale, mgh.beale_jacobian, 0.0, 0.4520089285714),
        _problem(
            "jennrich_sampson",
            [0.3, 0.4],
            mgh.jennrich_sampson,
            mgh.jennrich_sampson_jacobian,
            124.3621823556,
            259.5801901343,
        ),
        _problem("helical_valley", [-1, 0, 0], mgh.helical_valley, mgh.helical_valley_jacobian, 0.0),
        _problem("bard", [1, 1, 1], mgh.bard, mgh.bard_jacobian, 8.214877306579e-3, 17.42869333333),
        _problem("gaussian", [0.4, 1, 0], mgh.gaussian, mgh.gaussian_jacobian, 1.127932769619e-8),
        _problem("meyer", [0.02, 4000, 250], mgh.meyer, mgh.meyer_jacobian, 87.94585517072),
        _problem("gulf", [5, 2.5, 0.15], mgh.gulf, mgh.gulf_jacobian, 0.0),
        _problem("box_3d", [0, 10, 20], mgh.box_3d, mgh.box_3d_jacobian, 0.0, 0.075588740755),
        _problem(
            "powell_singular",
            [3, -1, 0, 1],
            mgh.extended_powell_singular,
            mgh.extended_powell_singular_jacobian,
            0.0,
        ),
        _problem("wood", [-3, -1, -3, -1], mgh.wood, mgh.wood_jacobian, 0.0),
        _problem(
            "kowalik_osborne",
            [0.25, 0.39, 0.415, 0.39],
            mgh.kowalik_osborne,
            mgh.kowalik_osborne_jacobian,
            3.075056038492e-4,
            1.027343048695e-3,
            1.794539060564e-3,
        ),
        _problem("brown_dennis", [25, 5, -5, -1], mgh.brown_dennis, mgh.brown_dennis_jacobian, 85822.20162636),
        _problem("osborne_1", [0.5, 1.5, -1, 0.01, 0.02], mgh.osborne_1, mgh.osborne_1_jacobian, 5.464894697483e-5),
        _problem(
            "biggs_exp6",
            [1, 2, 1, 1, 1, 1],
            mgh.biggs_exp6,
            mgh.biggs_exp6_jacobian,
            0.0,
            5.655649925500e-3,
            0.3063667726248,
        ),
        _problem(
            "osborne_2",
            [1.3, 0.65, 0.65, 0.7, 0.6, 3, 5, 7, 2, 4.5, 5.5],
            mgh.osborne_2,
            mgh.osborne_2_jacobian,
            4.013773629355e-2,
            1.789813586881,
        ),
    ]


def _watson(n, minimum):
    """Return the Watson problem in ``n`` variables."""
    return _problem("watson", np.zeros(n), mgh.watson, mgh.watson_jacobian, minimum)


def _penalty_1(n, minimum):
    """Return the penalty I problem in ``n`` variables."""
    return _problem("penalty_1", np.arange(1, n + 1), mgh.penalty_1, mgh.penalty_1_jacobian, minimum)


def _penalty_2(n, minimum):
    """Return the penalty II problem in ``n`` variables."""
    return _problem("penalty_2", np.full(n, 0.5), mgh.penalty_2, mgh.penalty_2_jacobian, minimum)


def _chebyquad(n, *minima):
    """Return the Chebyquad problem in ``n`` variables and as many residuals."""
    return _problem("chebyquad", np.arange(1, n + 1) / (n + 1), mgh.chebyquad, mgh.chebyquad_jacobian, *minima)


def _variable_size():
    """Return the 23 problems whose dimension is a choice, in the paper's order."""
    n = 10
    ones = np.ones(n)
    grid = np.arange(1, n + 1) / (n + 1)
    arch = grid * (grid - 1)
    return [
        _watson(6, 2.287670053552e-3),
        _watson(9, 1.399760138092e-6),
        _watson(12, 4.722381108e-10),
        _problem(
            "extended_rosenbrock",
            [-1.2, 1] * 5,
            mgh.extended_rosenbrock,
            mgh.extended_rosenbrock_jacobian,
            0.0,
        ),
        _problem(
            "extended_powell",
            [3, -1, 0, 1] * 3,
            mgh.extended_powell_singular,
            mgh.extended_powell_singular_jacobian,
            0.0,
        ),
        _penalty_1(4, 2.249977500900e-5),
        _penalty_1(10, 7.087651467090e-5),
        _penalty_2(4, 9.376293007355e-6),
        _penalty_2(10, 2.936605374567e-4),
        _problem(
            "variably_dimensioned",
            1 - np.arange(1, n + 1) / n,
            mgh.variably_dimensioned,
            mgh.variably_dimensioned_jacobian,
            0.0,
        ),
        _problem(
            "trigonometric",
            ones / n,
            mgh.trigonometric,
            mgh.trigonometric_jacobian,
            0.0,
            2.795056121880e-5,
            4.473565812817e-7,
            4.218633887923e-5,
            8.788225218219e-4,
        ),
        _problem(
            "brown_almost_linear",
            ones / 2,
            mgh.brown_almost_linear,
            mgh.brown_almost_linear_jacobian,
            0.0,
            1.0,
            1.841248366089,
        ),
        _problem(
            "discrete_boundary_value",
            arch,
            mgh.discrete_boundary_value,
            mgh.discrete_boundary_value_jacobian,
            0.0,
        ),
        _problem("discrete_integral", arch, mgh.discrete_integral, mgh.discrete_integral_jacobian, 0.0),
        _problem(
            "broyden_tridiagonal",
            -ones,
            mgh.broyden_tridiagonal,
            mgh.broyden_tridiagonal_jacobian,
            0.0,
            0.3973734689585,
            0.7126060173126,
            1.028652035678,
            1.051226188384,
            1.349536123741,
            1.360255904738,
        ),
        _problem(
            "broyden_banded",
            -ones,
            mgh.broyden_banded,
            mgh.broyden_banded_jacobian,
            0.0,
            2.680219920726,
            3.057278432426,
        ),
        _problem("linear_full_rank", ones, mgh.linear_full_rank, mgh.linear_full_rank_jacobian, 10.0),
        _problem("linear_rank_1", ones, mgh.linear_rank_1, mgh.linear_rank_1_jacobian, 190 / 41),
        _problem("linear_rank_1_zero", ones, mgh.linear_rank_1_zero, mgh.linear_rank_1_zero_jacobian, 227 / 37),
        _chebyquad(7, 0.0),
        _chebyquad(8, 3.516873725678e-3),
        _chebyquad(9, 0.0),
        _chebyquad(10, 6.503954800882e-3, 4.772713696375e-3, 9.500628850222e-3),
    ]


@functools.cache
def instances() -> tuple[Problem, ...]:
    """Return the 42 problems of the collection, in the order of the paper's function numbers."""
    return tuple(_fixed_size() + _variable_size())
