"""Phase retrieval: recover a complex signal from the magnitudes of random measurements.

From y_r = |a_r^H x|^2, r = 1..m, find x in C^n up to a global phase, as the minimiser of

    f(z) = 1/(2m) sum_r (|a_r^H z|^2 - y_r)^2,      g = (2/m) A^H ((|Az|^2 - y) o Az),

from the spectral start. Optics and crystallography measure intensities; the phase is lost.

E. J. Candes, X. Li, M. Soltanolkotabi, Phase retrieval via Wirtinger flow, IEEE Trans. Inf. Theory 61 (2015) 1985-2007.
"""

from dataclasses import dataclass

import numpy as np

_POWER_ITERATIONS = 50


@dataclass(frozen=True, eq=False)
class PhaseRetrieval:
    """One instance.

    Attributes
    ----------
    rows : ndarray, shape (m, n), complex
        The measurement vectors; row r is a_r^H.
    intensities : ndarray, shape (m,)
        y = |A x|^2.
    signal : ndarray, shape (n,), complex
        The x to be recovered.
    """

    rows: np.ndarray
    intensities: np.ndarray
    signal: np.ndarray

    def value_and_gradient(self, z):
        """(f, g) at z, with g = df/dRe(z) + i df/dIm(z)."""
        image = self.rows @ z
        excess = abs(image) ** 2 - self.intensities
        m = self.intensities.size
        return excess @ excess / (2 * m), (2 / m) * (self.rows.conj().T @ (excess * image))

    def start(self):
        """The spectral start: the leading eigenvector of A^H diag(y) A, at the length that y suggests."""
        m, n = self.rows.shape
        z = np.random.default_rng(m).normal(size=n) + 0j
        for _ in range(_POWER_ITERATIONS):
            z = self.rows.conj().T @ (self.intensities * (self.rows @ z))
            z /= np.linalg.norm(z)
        return z * np.sqrt(n * self.intensities.sum() / np.sum(abs(self.rows) ** 2))

    def distance(self, z):
        """Min over t of |z - e^{it} x| / |x|."""
        overlap = np.vdot(self.signal, z)
        phase = overlap / abs(overlap) if overlap != 0 else 1.0
        return float(np.linalg.norm(z - phase * self.signal) / np.linalg.norm(self.signal))


def generate(n, oversampling=6.0, seed=0):
    """A random instance with ``round(oversampling * n)`` Gaussian measurements of a Gaussian signal."""
    rng = np.random.default_rng(seed)

    def normal(*shape):
        return rng.normal(size=shape) + 1j * rng.normal(size=shape)

    rows = normal(round(oversampling * n), n) / np.sqrt(2)
    signal = normal(n)
    return PhaseRetrieval(rows, abs(rows @ signal) ** 2, signal)
