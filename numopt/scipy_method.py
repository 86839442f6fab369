"""``scipy.optimize.minimize(fun, x0, jac=True, method=numopt.lbfgs)``: SciPy's protocol of custom methods."""

from ._jit import python_only
from .minimize import minimize


@python_only("lbfgs is a method for scipy.optimize.minimize; in @njit code drive LBFGS(x0) by ask and tell")
def lbfgs(
    fun,
    x0,
    args=(),
    jac=None,
    hess=None,
    hessp=None,
    bounds=None,
    constraints=(),
    callback=None,
    tol=None,
    **options,
):
    """L-BFGS as a method for SciPy: pass it as ``method`` to ``scipy.optimize.minimize``, basinhopping and others.

    Everything is as in :func:`numopt.minimize`, complex x0 and jitted functions included; ``tol`` and the options
    arrive as SciPy hands them on. With ``bounds``, or a set as ``constraints``, SPG runs. What does not pass through
    SciPy: ``jac='inplace'``, '2-point' and '3-point', which it replaces by None.

    Examples
    --------
    >>> import numpy as np, scipy.optimize
    >>> import numopt as no
    >>> def fun(x):
    ...     return np.sum((x - 3) ** 2), 2 * (x - 3)
    >>> res = scipy.optimize.minimize(fun, np.zeros(2), jac=True, method=no.lbfgs, tol=1e-8)
    >>> res.success, res.x
    (True, array([3., 3.]))
    """
    fun, jac = _unwrap(fun, jac)
    return minimize(
        fun,
        x0,
        args,
        None,
        jac,
        hess=hess,
        hessp=hessp,
        bounds=bounds,
        constraints=constraints,
        tol=tol,
        callback=callback,
        options=options,
    )


# ``shgo`` asks every method for its name in lower case; this is SciPy's own for one that is a function
lbfgs.lower = lambda: "_custom"


def _unwrap(fun, jac):
    """The user's function out of SciPy's MemoizeJac, which would evaluate a jitted function from Python."""
    wrapped = type(fun).__name__ == "MemoizeJac" and getattr(jac, "__self__", None) is fun
    return (fun.fun, True) if wrapped else (fun, jac)
