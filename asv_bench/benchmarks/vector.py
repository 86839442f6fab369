"""The vector kernels under every solver, and NumPy's for comparison: a loop that runs scalar shows here."""

import numpy as np

from numopt import _vector


class Kernels:
    """Calls from Python."""

    params = ([1000, 1_000_000], ["dot", "numpy.dot", "max_abs", "axpy", "move", "norm"])
    param_names = ("n", "kernel")

    def setup(self, n, kernel):
        """Prepare the call."""
        a, b, out = np.random.default_rng(0).normal(size=(3, n))
        self.call, self.args = {
            "dot": (_vector.dot, (a, b)),
            "numpy.dot": (np.dot, (a, b)),
            "max_abs": (_vector.max_abs, (a,)),
            "axpy": (_vector.axpy, (1e-9, a, b)),
            "move": (_vector.move, (a, 0.5, b, out)),
            "norm": (_vector.norm, (a,)),
        }[kernel]
        self.call(*self.args)

    def time_kernel(self, n, kernel):
        """One call from Python."""
        self.call(*self.args)
