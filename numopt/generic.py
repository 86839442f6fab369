"""The functions that are chosen by the class of their first argument, declared once; each family registers its own."""

from ._jit import by_type


@by_type(borrow=True)
def begin(search, state, alpha):
    """Prepare the own part of a line search's ``state`` for a first trial at ``alpha``."""


@by_type(borrow=True)
def advance(search, state, alpha, phi, slope):
    """Judge a finite trial of a line search.

    Parameters
    ----------
    search : record
        Parameters of the line search, by whose class this function is chosen.
    state : ndarray, shape (SIZE,)
        Scalars of the search; its entries are named in :mod:`numopt.linesearch.safeguard` and in the search's file.
    alpha, phi, slope : float
        The trial step, phi(alpha) and phi'(alpha), all finite.

    Returns
    -------
    verdict : int
        A :class:`~numopt.linesearch.safeguard.Verdict`.
    alpha : float
        The next trial step, if the verdict is SEARCHING.
    """


@by_type(borrow=True)
def decrease_constant(search):
    """The constant c of the test of sufficient decrease, phi(alpha) <= phi(0) + c alpha phi'(0)."""


@by_type(borrow=True)
def first_step(search, natural, previous):
    """The first trial step: ``natural`` is the solver's proposal, ``previous`` the last accepted step or 0."""


@by_type(borrow=True)
def tell(core, parameters, f, g):
    """Give a solver the value and gradient at ``core.trial``; returns the status.

    Parameters
    ----------
    core : named tuple
        The solver's state (:mod:`numopt.solvers.state`), by whose class this function is chosen.
    parameters : record or tuple of records
        What else the solver works with, such as its line search.
    f, g : float, ndarray of float64, shape (n,)
        Value and gradient.
    """
