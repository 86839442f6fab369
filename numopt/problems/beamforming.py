"""Beamforming: weights of a line of antennas that listen in one direction and are deaf in others.

N antennas stand half a wavelength apart. A plane wave from the angle theta reaches them as a(u), u = sin(theta), and
the weights w in C^N answer with v(u):

    a_j(u) = exp(i pi u (j - (N-1)/2)),    v(u) = a(u)^H w,    j = 0..N-1.

Two problems:

* `MVDR`, minimum variance: least power received, w^H R w, at the response 1 in the direction that is listened to.
  Measured snapshots give R; the minimiser is known.
* `SideLobes`: least maximum of the side lobes |v(u)| at the response 1 in the direction u = 0, through p-norms with
  growing p. The minimiser is the Dolph-Chebyshev window.

J. Capon, High-resolution frequency-wavenumber spectrum analysis, Proc. IEEE 57 (1969) 1408-1418. C. L. Dolph, A current
distribution for broadside arrays which optimizes the relationship between beam width and side-lobe level, Proc. IRE 34
(1946) 335-348.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import helmert

POWERS = (2, 8, 32, 128, 512)  # each p starts from the solution of the one before


def steering(u, elements):
    """a(u): shape (elements,) for a number u = sin(theta), (k, elements) for a vector of k."""
    positions = np.arange(elements) - (elements - 1) / 2
    return np.exp(1j * np.pi * np.multiply.outer(u, positions))


@dataclass(frozen=True, eq=False)
class MVDR:
    """Minimise w^H R w subject to a^H w = 1.

    Attributes
    ----------
    covariance : ndarray, shape (N, N), complex
        R, Hermitian: the mean of x x^H over the snapshots x.
    look : ndarray, shape (N,), complex
        a, of the direction that is listened to.
    """

    covariance: np.ndarray
    look: np.ndarray

    def value_and_gradient(self, w):
        """(w^H R w, 2 R w)."""
        image = self.covariance @ w
        return np.vdot(w, image).real, 2 * image

    def start(self):
        """A / N, which sums the antennas in phase and satisfies the constraint."""
        return self.look / self.look.size

    def solution(self):
        """R^-1 a / (a^H R^-1 a)."""
        direction = np.linalg.solve(self.covariance, self.look)
        return direction / np.vdot(self.look, direction)

    def relative_error(self, w):
        """|w - solution| / |solution|."""
        solution = self.solution()
        return float(np.linalg.norm(w - solution) / np.linalg.norm(solution))

    def response(self, w, angles):
        """|v| at angles in degrees."""
        return abs(steering(np.sin(np.deg2rad(angles)), self.look.size).conj() @ w)


@dataclass(frozen=True, eq=False)
class SideLobes:
    """Minimise f_p(c) = (1/p) log sum_k |v_k|^(2p), v = A (w0 + B c), over c in C^(N-1).

    exp(f_p / 2) is the 2p-norm of v, which for large p is nearly its maximum. All weights w0 + B c have the sum 1,
    which is the response in the direction u = 0.

    Attributes
    ----------
    rows : ndarray, shape (K, N), complex
        A: row k is a(u_k)^H, for a grid over the side lobes.
    basis : ndarray, shape (N, N-1)
        B, an orthonormal basis of the vectors with the sum 0.
    """

    rows: np.ndarray
    basis: np.ndarray

    def weights(self, c):
        """w0 + B c with w0 = 1/N."""
        return 1 / self.basis.shape[0] + self.basis @ c

    def value_and_gradient(self, c, p):
        """(f, g) at c: g = 2 B^H A^H (q o v), q_k = |v_k|^(2(p-1)) / sum |v|^(2p)."""
        v = self.rows @ self.weights(c)
        size = abs(v)
        # powers of |v| / max|v|: with p = 512 those of |v| itself underflow
        largest = size.max()
        relative = (size / largest) ** 2
        total = np.sum(relative**p)
        q = relative ** (p - 1) / (total * largest**2)
        return 2 * np.log(largest) + np.log(total) / p, 2 * (self.basis.T @ (self.rows.conj().T @ (q * v)))

    def start(self):
        """C = 0: equal weights."""
        return np.zeros(self.basis.shape[1], complex)

    def level(self, c):
        """The highest side lobe on the grid in dB, relative to the response 1 in the direction u = 0."""
        return float(20 * np.log10(abs(self.rows @ self.weights(c)).max()))


def generate(seed=0, elements=16, signal=10.0, jammers=(-25.0, 40.0), jammer_db=15.0, snapshots=200):
    """A random instance of `MVDR`.

    Parameters
    ----------
    seed : int
        Of the snapshots.
    elements : int
        N.
    signal, jammers : float, sequence of float
        Their angles in degrees.
    jammer_db : float
        Power of each jammer; the signal has 0 dB, as the noise of each antenna. All are circular and Gaussian.
    snapshots : int
        How many; with fewer than N of them R is singular.

    Returns
    -------
    MVDR
    """
    rng = np.random.default_rng(seed)

    def normal(*shape):
        return (rng.normal(size=shape) + 1j * rng.normal(size=shape)) / np.sqrt(2)

    waves = steering(np.sin(np.deg2rad([signal, *jammers])), elements)
    amplitudes = np.array([1.0] + [10 ** (jammer_db / 20)] * len(jammers))
    received = waves.T @ (amplitudes[:, None] * normal(amplitudes.size, snapshots)) + normal(elements, snapshots)
    return MVDR(received @ received.conj().T / snapshots, waves[0])


def side_lobes(elements, decibels):
    """The `SideLobes` of a Dolph-Chebyshev window that is ``decibels`` deep: 20 N points on either side.

    The side lobes begin where that window's main lobe has come down to their level, at

        u = (2/pi) arccos(1/x0),    x0 = cosh(arccosh(10^(decibels/20)) / (N-1)),

    and end at u = 1.
    """
    x0 = np.cosh(np.arccosh(10 ** (decibels / 20)) / (elements - 1))
    side = np.linspace(2 / np.pi * np.arccos(1 / x0), 1, 20 * elements)
    rows = steering(np.concatenate([-side[::-1], side]), elements).conj()
    return SideLobes(rows, helmert(elements).T)
