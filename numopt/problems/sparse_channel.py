"""Sparse channel estimation: a few echoes in a long impulse response, from the pilots of an OFDM symbol.

A radio channel with the impulse response h in C^L, few entries of which differ from zero, turns the pilot tones p_j of
an N-tone symbol into

    y = F h + w,    F_jl = exp(-2 pi i p_j l / N) / sqrt(P),    j = 1..P,  l = 0..L-1,

with fewer pilots than taps, P < L. The estimate is the minimiser of

    f(h) = 1/2 |F h - y|^2  subject to  |h|_1 <= tau,    g = F^H (F h - y),

over the complex l1 ball with the radius tau = |h_true|_1.

E. van den Berg, M. P. Friedlander, Probing the Pareto frontier for basis pursuit solutions, SIAM J. Sci. Comput. 31
(2008) 890-912.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class SparseChannel:
    """One instance.

    Attributes
    ----------
    pilots : ndarray, shape (P, L), complex
        F, the rows of the discrete Fourier transform at the pilot tones.
    observations : ndarray, shape (P,), complex
        y.
    taps : ndarray, shape (L,), complex
        The h_true to be estimated.
    tau : float
        |h_true|_1, the radius of the l1 ball.
    """

    pilots: np.ndarray
    observations: np.ndarray
    taps: np.ndarray
    tau: float

    def value_and_gradient(self, h):
        """(f, g) at h, with g = df/dRe(h) + i df/dIm(h)."""
        return value_and_gradient(h, self.pilots, self.observations)

    def start(self):
        """The centre of the ball."""
        return np.zeros(self.taps.size, complex)

    def gap(self, h):
        """Tau max|g_l| + Re<g, h>, which is at least f(h) - min f if h is in the ball: a certificate without a peer.

        f is convex, so that min f >= f(h) + min {Re<g, z - h> : |z|_1 <= tau}, and that minimum is -gap.
        """
        _, g = self.value_and_gradient(h)
        return float(self.tau * abs(g).max() + np.vdot(g, h).real)

    def relative_error(self, h):
        """|h - h_true| / |h_true|; its square is the normalised squared error."""
        return float(np.linalg.norm(h - self.taps) / np.linalg.norm(self.taps))


def value_and_gradient(h, pilots, observations):
    """(f, g) at h; also for ``numba.njit``, with ``args=(problem.pilots, problem.observations)``."""
    residual = np.dot(pilots, h) - observations
    # (r^H F)^H and not F^H r, which would need a conjugated copy of the matrix
    return 0.5 * np.vdot(residual, residual).real, np.conj(np.dot(np.conj(residual), pilots))


def generate(seed=0, snr_db=None, pilots=64, tones=512, taps=128, nonzero=8):
    """A random instance: ``nonzero`` of the ``taps`` are CN(0, 1), the pilots a random set of the ``tones``.

    Parameters
    ----------
    seed : int
        The same seed gives the same pilots and taps at every noise level.
    snr_db : float, optional
        10 log10 of mean_j |(F h)_j|^2 of this instance over the variance E|w_j|^2 of the noise, which is circular and
        Gaussian. None: no noise.
    pilots, tones, taps, nonzero : int
        P, N, L and the number of echoes.

    Returns
    -------
    SparseChannel
    """
    rng = np.random.default_rng(seed)

    def normal(size):
        return (rng.normal(size=size) + 1j * rng.normal(size=size)) / np.sqrt(2)

    tone = rng.choice(tones, pilots, replace=False)
    fourier = np.exp(-2j * np.pi * np.outer(tone, np.arange(taps)) / tones) / np.sqrt(pilots)
    h = np.zeros(taps, complex)
    h[rng.choice(taps, nonzero, replace=False)] = normal(nonzero)
    y = fourier @ h
    if snr_db is not None:
        y += np.sqrt(np.mean(abs(y) ** 2) / 10 ** (snr_db / 10)) * normal(pilots)
    return SparseChannel(fourier, y, h, float(abs(h).sum()))
