"""Planted sparse regression: which few of many coefficients produced the observations.

From y = A x + w with k nonzero coefficients x in R^n or C^n, m observations and noise w, find x as the minimiser of

    f(x) = 1/(2m) |A x - y|^2,      g = 1/m A^H (A x - y),

with a penalty on the number of nonzero coefficients, or within the vectors of at most k of them. A is normal; its
neighbouring columns have the correlation rho, as in a first-order autoregression.

With gradients, and k known, iterative hard thresholding takes the k largest entries of x - mu g for x, with mu = 1 / L
or, which finds far more, a step that follows the support (`step`).

T. Blumensath, M. E. Davies, Iterative hard thresholding for compressed sensing, Appl. Comput. Harmon. Anal. 27 (2009)
265-274; Normalized iterative hard thresholding, IEEE J. Sel. Topics Signal Process. 4 (2010) 298-309.
"""

from dataclasses import dataclass

import numpy as np

from ..projections import L0Ball, project

_SAFE = 0.99  # of the step at which f might cease to fall


@dataclass(frozen=True, eq=False)
class PlantedRegression:
    """One instance.

    Attributes
    ----------
    design : ndarray, shape (m, n)
        A.
    observations : ndarray, shape (m,)
        y.
    coefficients : ndarray, shape (n,)
        The x that was planted.
    """

    design: np.ndarray
    observations: np.ndarray
    coefficients: np.ndarray

    def value(self, x):
        """The value f at x."""
        return value(x, self.design, self.observations)

    def values(self, candidates):
        """The value at each row."""
        residuals = candidates @ self.design.T - self.observations
        return np.sum(abs(residuals) ** 2, axis=1) / (2 * self.observations.size)

    def value_and_gradient(self, x):
        """(f, g) at x, with g = df/dRe(x) + i df/dIm(x)."""
        return value_and_gradient(x, self.design, self.observations)

    def start(self):
        """Zeros."""
        return np.zeros_like(self.coefficients)

    def lipschitz(self):
        """The Lipschitz constant L of g, the largest eigenvalue of A^H A / m."""
        return float(np.linalg.norm(self.design, 2) ** 2 / self.observations.size)

    def step(self, x, g, count):
        """The step mu of normalised iterative hard thresholding at x with the gradient g, for ``count`` entries.

        The best one for the support of x (of g, if x is zero); halved while the support changes and f might rise.
        """
        onto = L0Ball(count)
        support = (x if x.any() else project(g, onto)) != 0
        mu = 1.0 / self._curvature(np.where(support, g, 0))
        while True:
            after = project(x - mu * g, onto)
            if np.array_equal(after != 0, support) or mu * self._curvature(after - x) <= _SAFE:
                return float(mu)
            mu /= 2

    def _curvature(self, direction):
        """The second derivative of f in a direction, over its squared length; 1 for no direction."""
        square = np.sum(abs(direction) ** 2)
        return np.sum(abs(self.design @ direction) ** 2) / (square * self.observations.size) if square > 0 else 1.0

    def is_exact(self, x):
        """Whether x has the support that was planted."""
        return np.array_equal(x != 0, self.coefficients != 0)


def value(x, design, observations):
    """The value f at x; also for ``numba.njit``, with ``args=(problem.design, problem.observations)``."""
    residual = np.dot(design, x) - observations
    return 0.5 * np.vdot(residual, residual).real / residual.size


def value_and_gradient(x, design, observations):
    """(f, g) at x; also for ``numba.njit``."""
    residual = np.dot(design, x) - observations
    # (r^H A)^H and not A^H r, which would need a conjugated copy of the matrix
    gradient = np.conj(np.dot(np.conj(residual), design)) / residual.size
    return 0.5 * np.vdot(residual, residual).real / residual.size, gradient


def generate(n, nonzero, measurements, seed=0, noise=0.01, correlation=0.0, is_complex=False):
    """A random instance; the nonzero coefficients have moduli from .5 to 2, and random signs or phases.

    Parameters
    ----------
    n, nonzero, measurements : int
        n, k and m.
    seed : int
        The same seed gives the same instance.
    noise : float
        Standard deviation of the noise, of both its parts if it is complex.
    correlation : float
        The rho of neighbouring columns.
    is_complex : bool
        Complex design, coefficients and noise.

    Returns
    -------
    PlantedRegression
    """
    rng = np.random.default_rng(seed)

    def normal(*shape):
        drawn = rng.standard_normal(shape)
        return drawn + 1j * rng.standard_normal(shape) if is_complex else drawn

    design = normal(measurements, n)
    for j in range(1, n if correlation else 0):
        design[:, j] = correlation * design[:, j - 1] + np.sqrt(1 - correlation**2) * design[:, j]
    coefficients = np.zeros(n, design.dtype)
    where = rng.choice(n, nonzero, replace=False)
    coefficients[where] = rng.choice([-1, 1], nonzero) * rng.uniform(0.5, 2, nonzero)
    if is_complex:
        coefficients[where] *= np.exp(2j * np.pi * rng.random(nonzero))
    return PlantedRegression(design, design @ coefficients + noise * normal(measurements), coefficients)
