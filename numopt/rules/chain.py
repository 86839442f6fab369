"""``chain``: rules one after the other, as one; and what makes a record a rule."""

from numba import types

from .._foreign import cuda_part, is_device_array
from .._jit import PLAIN, Record, overload, overload_method, record, refuse
from ..generic import admit, coefficients, follows_gradient, fresh, notice, numbers, prepare, rate, vectors
from .ending import class_of, ends
from .optimizer import Optimizer
from .passes import has_learning_rate


def rule(cls):
    """Make an annotated class a rule: a record with ``init``.

    The class may say that it ``descends``: that what it gives is to be added to x. The rules that turn the sign are
    those with a learning rate and a few without. It registers ``element``, ``coefficients`` and, if it keeps anything,
    ``vectors``, ``fresh`` and ``numbers``, whose names the class lists in ``holds``. A vector called ``start`` is the x
    of ``init``. A class that ``needs_value`` registers ``notice``; one that reduces ``summands`` and ``absorb``; one
    that ``prepares`` x ``prepare``; one that ``closes`` a chain, so that nothing may stand behind it, ``follow``; one
    whose step may be that of gradient descent ``follows_gradient``.
    """
    made = record(cls)
    made.init = _init
    made.is_rule = True
    made.holds = getattr(made, "holds", ())
    made.needs_value = getattr(made, "needs_value", False)
    made.real_only = getattr(made, "real_only", False)
    made.prepares = getattr(made, "prepares", False)
    made.closes = getattr(made, "closes", False)
    made.descends = getattr(made, "descends", "learning_rate" in made._fields)
    return made


def _init(self, x):
    """Start: an :class:`Optimizer` for parameters like ``x``, a vector of float32, float64, complex64 or complex128.

    For an x on a GPU, of Numba, CuPy, PyTorch or JAX, it is a :class:`~numopt.cuda.optimizer.DeviceOptimizer`, which
    works there.

    Raises
    ------
    ValueError, TypeError
        If x is not such a vector, or the rules do not fit together.
    """
    make = cuda_part("optimizer").DeviceOptimizer if is_device_array(x) else Optimizer
    return make(chain(self).checked().rules, x)


@vectors.register(Record)
def _(rule, x):
    return ()


@numbers.register(Record)
def _(rule, x):
    return ()


@follows_gradient.register(Record)
def _(rule):
    return False


@coefficients.register(Record)
def _(rule, held, t, learning_rate):
    return ()


@notice.register(Record)
def _(rule, held, t, learning_rate, f):
    pass


@prepare.register(Record)
def _(rule, x):
    pass


@fresh.register(Record)
def _(rule, held, t, u, x):
    return ()


@rate.register(float)
def _(number, count):
    return number


@record
class Chain:
    """Rules one after the other, made by :func:`chain`."""

    rules: tuple

    def __repr__(self):
        """As it was made."""
        return f"chain({', '.join(map(repr, self.rules))})"

    def checked(self):
        """The chain itself; ValueError if its rules do not fit together."""
        complaint = _complaint(self.rules)
        if complaint:
            raise ValueError(complaint)
        return self


Chain.init = _init


def is_rule(value):
    """Whether it can be a link of a chain."""
    return getattr(type(value), "is_rule", False)


def chain(*rules):
    """Rules one after the other, from left to right, as one; a set or a norm may stand last.

    Of chains that end with a norm h, such as ``L1Norm(lam)``, ``chain(SGD(lr), h)`` minimises f + h, if SGD has no
    momentum. With every other rule the norm shrinks x as weight decay does in AdamW, and the rest point is no minimum
    of f + h: see the notes.

    The first gets the gradient, each other what the one before has made of it, and what the last gives is added to x.
    Chains in a chain are unpacked. An update is one pass over memory, and one more for each rule that needs a norm or
    a mean of the whole update; no vector is stored between the rules, unless a rule that keeps vectors stands before
    one that reduces. Rules whose results are not finite pass them on.

    Parameters
    ----------
    *rules : rules or chains
        The last may be a set, or a norm, such as ``L1Norm``: then x becomes P(x + u), in the same pass over memory if
        the projection works entry by entry. A NaN stays in its entry then. Rules that scale entries differently, such
        as Adam, do not come to rest at the minimum within a set that ties entries together, such as the simplex,
        because P is nearest in the plain distance; SGD does.

    Returns
    -------
    Chain
        With ``init(x)``, which gives an :class:`Optimizer`.

    Raises
    ------
    TypeError
        If something else than a rule is given.
    ValueError
        Without rules. ``init`` raises if none of the rules turns the sign, so that the chain would climb, two have a
        learning rate, or a set is not the last.

    Notes
    -----
    P of a norm is its proximal operator, with its weight times the learning rate of the step, be it from a schedule or
    set by hand; times 1 where no rule has a learning rate. If the update is -lr g, exactly and in every step, that is
    the proximal gradient method: x rests where x = prox(x - g), at the minima of f + h. Such are SGD without momentum,
    ``Scale(-1)``, and these behind ``SkipNonFinite`` or ``AccumulateGradients``, which leaves x alone between its
    steps. Otherwise the norm is decoupled shrinkage. SGD with momentum b rests at the minima of f + (1-b) h; Adam, and
    other rules that divide by the size of the gradient, near those of f; ``ScheduleFree`` at those of f, since its own
    iterates are not shrunk. ``Clip`` and other limits of g change the rest point where g is beyond them there. The slow
    weights of ``Lookahead`` are those before P: evaluate at x. For f + h, use SGD without momentum.

    Examples
    --------
    >>> import numpy as np
    >>> import numopt as no
    >>> x = np.array([3.0, -4.0])
    >>> opt = no.chain(no.ClipByGlobalNorm(1.0), no.SGD(0.5)).init(x)
    >>> opt.update(x, np.array([30.0, -40.0]))
    >>> x
    array([ 2.7, -3.6])
    """
    flat = []
    for given in rules:
        if type(given) is Chain:
            flat.extend(given.rules)
        elif is_rule(given) or ends(given):
            flat.append(given)
        else:
            raise TypeError(f"chain takes rules, such as Clip(1.0) or Adam(1e-3), and sets last, got {given!r}")
    if not flat:
        raise ValueError("chain needs at least one rule")
    return Chain(tuple(flat))


def _complaint(rules):
    """What is wrong with rules, or their Numba types, or None."""
    rules = tuple(rules)  # a slice of the type of a tuple of equal types would be one of these
    names = ", ".join(class_of(rule).__name__ for rule in rules)
    early = next((class_of(rule).__name__ for rule in rules[:-1] if ends(rule)), None)
    if early:
        return f"chain({names}): {early} projects x after the update, so it must stand last"
    closed = next((class_of(rule).__name__ for rule in rules[:-1] if class_of(rule).closes), None)
    if closed:
        return f"chain({names}): {closed} must stand last, since what follows could change what it keeps"
    turning = [class_of(rule).__name__ for rule in rules if class_of(rule).descends]
    if not turning:
        return f"chain({names}) would climb: add a rule with a learning rate, such as SGD(1e-2), or Scale(-1e-2)"
    gates = [admit.registered(class_of(rule)) for rule in rules]
    if gates != sorted(gates, reverse=True):
        late = class_of(rules[gates.index(True, gates.index(False))]).__name__
        return f"chain({names}): {late} decides whether the rules behind it run, so it must stand first"
    if sum(map(has_learning_rate, rules)) > 1:
        return f"chain({names}) has more than one learning rate ({', '.join(turning)}): each turns the sign"
    return None


if not PLAIN:

    def _flatten(rules):
        """The rules of the chains among ``rules``, unpacked."""

    @overload(_flatten)
    def _flatten_types(rules):
        if len(rules) == 0:
            return lambda rules: ()
        if class_of(rules[0]) is Chain:
            return lambda rules: (*rules[0].rules, *_flatten(rules[1:]))
        return lambda rules: (rules[0], *_flatten(rules[1:]))

    @overload(chain)
    def _chain(*rules):
        return lambda *rules: Chain(_flatten(rules))

    # not of BaseNamedTuple: that would come before the fields of records, some of which are called init
    @overload_method(types.BaseTuple, "init")
    def _init_compiled(self, x):
        cls = class_of(self)
        if not (cls is Chain or getattr(cls, "is_rule", False)):
            return None
        if not (isinstance(x, types.Array) and x.ndim == 1 and isinstance(x.dtype, (types.Float, types.Complex))):
            refuse(f"init: x must be a vector of floats or complex numbers, got {x}")
        rules = self.types[0] if cls is Chain else (self,)
        complaint = _complaint(rules)
        if complaint:
            refuse(complaint)
        if cls is Chain:
            return lambda self, x: Optimizer(self.rules, x)
        return lambda self, x: Optimizer((self,), x)
