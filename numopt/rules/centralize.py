"""Gradient centralization."""

from typing import Any

import numpy as np

from .._scalars import minus_parts, parts
from ..generic import absorb, coefficients, element, numbers, summands
from . import checks
from .chain import rule


@rule
class Centralize:
    r"""Subtract from the update its mean, of the whole vector or of each row.

    .. warning:: ``Centralize()`` of a plain vector freezes the mean of x: ``chain(Centralize(), SGD(lr))`` never
        changes it, and any chain rests where all entries of g are equal, which is no minimum. Leave it out for a vector
        of unknowns; for the weights of a layer use ``Centralize(row=k)`` with its k inputs, as the paper does.

    .. math:: u_i \leftarrow u_i - \frac 1n \sum_j u_j.

    With ``row=k`` the vector is a row-major matrix with rows of k entries, and each row gets mean zero: for a layer of
    weights in a flat vector, k inputs each. Gradients of a layer's matrix are centralised by rows in the paper. Optax
    averages over all axes but the first, and so leaves vectors alone: we do not. The mean of a row is frozen in the
    same way, which is what the paper wants. The sum must not be larger than the largest number.

    Parameters
    ----------
    row : int, optional
        Entries in a row; ``init`` raises if n is not a multiple. The update is stored between two passes then.

    References
    ----------
    H. Yong et al., Gradient centralization, ECCV 2020, eq. 1 (arXiv 2004.01461).

    Examples
    --------
    >>> import numpy as np
    >>> import numopt as no
    >>> x = np.zeros(4)
    >>> no.chain(no.Centralize(row=2), no.SGD(1.0)).init(x).update(x, np.array([1.0, 3.0, 10.0, 10.0]))
    >>> x
    array([ 1., -1.,  0.,  0.])
    """

    row: Any = None
    holds = ("mean", "mean_of_imaginary_parts")

    def check(self):
        """Limits of the fields."""
        if self.row is not None:
            checks.whole(self, "row", least=1)


@numbers.register(Centralize)
def _(rule, x):
    return np.zeros(2)


@summands.register(Centralize)
def _(rule, c, state, u, x):
    return parts(u)


@absorb.register(Centralize)
def _(rule, held, sums, n, t):
    held[0], held[1] = sums[0] / n, sums[1] / n


@coefficients.register(Centralize)
def _(rule, held, t, learning_rate):
    return held[0], held[1]


@element.register(Centralize)
def _(rule, c, state, u, x):
    return (), minus_parts(u, c[0], c[1])
