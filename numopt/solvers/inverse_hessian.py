"""The inverse Hessian that L-BFGS has learnt, as a SciPy linear operator made on demand."""

import numpy as np
from scipy.optimize import OptimizeResult
from scipy.sparse.linalg import LinearOperator

from .pairs import COUNT, NEWEST, descend


class InverseHessian(LinearOperator):
    """H, the approximation of the inverse Hessian after the last iteration.

    For complex x it acts on complex vectors, but is linear over the real numbers only, as the Hessian of a function of
    Re x and Im x is: H(iv) is not i H(v).

    Parameters
    ----------
    pairs : Pairs
        The memory, copied.
    dtype, size
        Of the vectors it acts on.
    scale : ndarray, shape (n,), optional
        The solver's variables were x / scale; H acts on x.

    Attributes
    ----------
    sk, yk : ndarray, shape (k, n)
        The pairs kept, steps and changes of the gradient, in chronological order; H yk[-1] = sk[-1]. Only the last one
        up to 16 real unknowns, where H is kept as a matrix.
    """

    def __init__(self, pairs, dtype, size, scale=None):
        count, memory = int(pairs.ring[COUNT]), pairs.steps.shape[0]
        rows = (pairs.ring[NEWEST] - np.arange(count)[::-1]) % memory
        self._pairs = type(pairs)(*(part.copy() for part in pairs))  # the solver may go on
        self._scale = np.ones(size) if scale is None else scale
        self.sk = pairs.steps[rows].view(dtype) * self._scale
        self.yk = pairs.changes[rows].view(dtype) / self._scale
        super().__init__(np.dtype(dtype), (size, size))

    def _matvec(self, v):
        vector = np.array(v, self.dtype).reshape(-1) * self._scale
        if self._pairs.ring[COUNT] == 0:
            return vector * self._scale
        product = np.empty(vector.view(float).size)
        descend(self._pairs, vector.view(float), product)
        return -product.view(self.dtype) * self._scale

    def _adjoint(self):
        return self  # symmetric, over the real numbers

    def todense(self):
        """H as an array; for complex x the (2n, 2n) real matrix that acts on ``v.view(float)``."""
        n = self.shape[0] * (2 if self.dtype.kind == "c" else 1)
        columns = [self._matvec(column.view(self.dtype)).view(float) for column in np.eye(n)]
        return np.array(columns).reshape(n, n).T


class Result(OptimizeResult):
    """SciPy's result, in which ``hess_inv`` is made when it is first looked at (it costs more than a small solve)."""

    def __missing__(self, key):
        if key != "hess_inv" or "state" not in self:
            raise KeyError(key)
        self["hess_inv"] = self["state"].inverse_hessian(self.get("x_scale"))
        return self["hess_inv"]
