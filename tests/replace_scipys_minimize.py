"""A pytest plugin that puts numopt in the place of SciPy's L-BFGS-B, for SciPy's own tests."""

import scipy.optimize

import numopt

_original = scipy.optimize.minimize


def minimize(fun, x0, args=(), method=None, *rest, **keywords):
    """SciPy's minimize, except that numopt is its L-BFGS-B."""
    replaced = isinstance(method, str) and method.lower() == "l-bfgs-b"
    return (numopt.minimize if replaced else _original)(fun, x0, args, method, *rest, **keywords)


def pytest_configure(config):
    """Only as a plugin, not when this file is merely imported."""
    scipy.optimize.minimize = minimize
