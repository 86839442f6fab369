"""The functions that are chosen by the class of their first argument, declared once; each family registers its own."""

from ._jit import ELEMENTWISE, by_type


@by_type(borrow=True)
def begin(search, state, alpha):
    """Prepare the own part of a line search's ``state`` for a first trial at ``alpha``."""


@by_type(borrow=True, inline=True)
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
        The solver's state (:mod:`numopt.ask_tell`), by whose class this function is chosen.
    parameters : record or tuple of records
        What else the solver works with, such as its line search.
    f, g : float, ndarray of float64, shape (n,)
        Value and gradient.
    """


@by_type(borrow=True)
def rate(schedule, count):
    """The value of a number or a schedule after ``count`` steps, a float64."""


# --- first-order rules -----------------------------------------------------------------------------------------------
#
# Vectors are those of one optimizer: x, the gradient, and what the rule keeps, of n entries each. ``u`` is an entry of
# the update: the gradient for the first rule of a chain, then what the rule before has made of it. After the last rule
# x becomes x + u, so that the rule with the learning rate turns the sign.


@by_type
def vectors(rule, x):
    """New state vectors of a rule for the parameters ``x``: a named tuple of arrays of n entries, or ()."""


@by_type
def numbers(rule, x):
    """New scalar state of a rule: an array of float64, empty for most."""


@by_type(borrow=True)
def coefficients(rule, numbers, t, learning_rate):
    """What the loop over the entries needs in this step, computed once.

    Parameters
    ----------
    rule : record
    numbers : ndarray of float64
        The rule's scalar state, which :func:`absorb` has brought up to date.
    t : float
        The step, 1, 2, ...
    learning_rate : float
        Of this step.

    Returns
    -------
    tuple of float
        Cast to the real precision of x before the loop: float32 code then has no float64 in it.
    """


@by_type(borrow=True, fastmath=ELEMENTWISE)
def element(rule, coefficients, state, u, x):
    """One entry of a step: a pure function of numbers.

    Parameters
    ----------
    rule : record
        Only chooses the function; its numbers come in ``coefficients``.
    coefficients : tuple of float
    state : tuple of float or complex
        The entry of each of the rule's vectors.
    u, x : float or complex
        The update so far, and the parameter before the step.

    Returns
    -------
    state : tuple
    u : float or complex
    """


@by_type(borrow=True, fastmath=ELEMENTWISE)
def summands(rule, coefficients, state, u, x):
    """What a rule that reduces adds up over all entries before its step: a tuple of up to ``MOST_SUMS`` float64."""


@by_type(borrow=True)
def absorb(rule, numbers, sums, n, t):
    """Bring a reducing rule's scalar state up to date by the sums over n entries."""


@by_type(borrow=True)
def follows_gradient(rule):
    """Whether the update of a rule is -learning_rate g, or -g if it has none, exactly and in every step."""


@by_type(borrow=True)
def notice(rule, numbers, t, learning_rate, f):
    """Tell a rule of step ``t``, before its passes; ``f``, the value of the objective, is NaN if it is not known."""


@by_type(borrow=True)
def admit(gate, numbers, state, g, f):
    """Whether a gate lets a call through: if not, nothing behind it runs.

    Parameters
    ----------
    gate : record
        A rule that stands first in a chain.
    numbers, state
        What it keeps; a gate that keeps vectors hands the first of them on, in the place of the gradient.
    g : ndarray
        The gradient.
    f : float or None
        The value, if it was given.
    """


@by_type
def prepare(rule, x):
    """Change the parameters before the first step, in place; most rules do not."""


@by_type(borrow=True)
def fresh(rule, numbers, t, u, x):
    """The state of an entry whose history begins in step ``t``: a tuple of numbers, for the rules that keep vectors.

    ``u`` is the update of the entry in that step, or 0 if there is none. Averages that are divided by 1 - b^t become
    1 - b^t times u or its square, as if all updates before had been u: from zeros, the first steps of Adam would be
    (1 - b1)/sqrt(1 - b2) times too long. Sums begin as at the start.
    """


@by_type(borrow=True)
def follow(last, rules, states, numbers, c, x, g, t):
    """What the last rule of a chain does after step ``t``, outside the passes; only registered for such rules.

    Parameters
    ----------
    last : record
        ``rules[-1]``.
    rules, states, numbers, c : tuple
        The chain, and for each rule its vectors, numbers and coefficients of this step.
    x, g : ndarray
        The parameters after the step, and the gradient of it.
    t : int
    """


# --- sets ------------------------------------------------------------------------------------------------------------


@by_type(borrow=True)
def accepts(onto, n):
    """Whether the vectors among the fields of a set have n entries, those of the points it is used with."""


@by_type(borrow=True, fastmath=ELEMENTWISE)
def nearest(onto, fields, y):
    """One entry of the projection onto a set that is a product of sets of numbers: a pure function of numbers.

    Parameters
    ----------
    onto : record
        Only chooses the function.
    fields : tuple
        The set's fields at this entry, numbers in the precision of y also where the set holds vectors.
    y : float or complex
    """


@by_type
def project_into(onto, x, out):
    """Write the point of a set that is nearest to ``x`` into ``out``, which may be x itself.

    Returns
    -------
    status : int
        FINE; or WRONG_SIZE, for vectors of other lengths, and then ``out`` is NaN; or EMPTY, if no vector of this
        length belongs to the set, and then too; or UNFINISHED.
    """


@by_type
def prox_into(of, weight, x, out):
    """Write the proximal operator of a norm times ``weight``, at ``x``, into ``out``, which may be x itself.

    ``weight`` takes the place of ``of.weight``; lengths are not checked. Registered for norms that are no sums over the
    entries; those register :func:`nearest`.
    """


FINE, WRONG_SIZE, EMPTY, UNFINISHED = 0, -1, 1, 2  # what project_into returns
