"""Sparse evolutionary training (SET): a network with few links that moves them while it is trained with gradients.

Here are its rules, and what they keep; :mod:`.tending` holds what they do in a step and after it.
"""

from typing import Any, NamedTuple

import numpy as np

from .._jit import by_type, explained, is_number, jit, python_only
from .._scalars import nothing
from .._storage import between
from ..generic import accepts, numbers, prepare, vectors
from ..rules import chain, checks
from ..rules.chain import rule as make_rule
from ..rules.state import zeros
from .choices import AtRandom
from .links import EMPTY, FIRST, GROWN, draw_first
from .rewiring import ByGradient, ByMomentum, BySign, check_choices, check_links, layer_end, layer_table

# entries of the numbers of Links
NNZ, SURVIVORS, REWIRINGS, EXCHANGED, WAITING, HELD = range(6)


@make_rule
class Links:
    """The first half of :func:`SET`: keeps the links, and lets the gradient through to them only.

    Parameters
    ----------
    layers : ndarray, shape (L, 4)
        For each layer ``offset``, ``n_in``, ``n_out`` and the number of links.
    zeta, every, prune, grow, sigma, rescale, seed
        As for :func:`SET`.
    last : float
        The last step after which links are exchanged.
    """

    layers: np.ndarray
    zeta: Any
    every: float
    last: float
    prune: Any
    grow: Any
    sigma: float
    rescale: bool
    seed: float
    holds = ("nnz", "survivors", "rewirings", "exchanged", "waiting")
    prepares = True

    def check(self):
        """Limits of the fields."""
        if is_number(self.zeta):
            if not 0 < self.zeta <= 1:
                raise ValueError(f"SET: zeta must lie in (0, 1], got {self.zeta!r}")
        else:
            checks.number_or_schedule(self, "zeta")
        check_links(self.layers)
        checks.whole(self, "every", least=1)
        if not (is_number(self.last) and self.last >= 0):
            raise ValueError(f"SET: the last step must be a number from 0 on, got {self.last!r}")
        check_choices("SET", self.prune, self.grow)
        checks.not_negative(self, "sigma")
        checks.whole(self, "seed")

    def check_state(self, kept, held):
        """Limits of what a stored state holds."""
        between(EMPTY, GROWN, mask=kept.mask)
        between(0.0, np.inf, numbers=held)


@make_rule
class KeepLinks:
    """The second half of :func:`SET`: weights without a link stay 0, whatever the rules before it give.

    Parameters
    ----------
    layers, seed
        As for :class:`Links`: it keeps a copy of the labels, since a rule sees its own vectors only.
    """

    layers: np.ndarray
    seed: float
    closes = True

    def check(self):
        """Limits of the fields."""
        check_links(self.layers)
        checks.whole(self, "seed")

    def check_state(self, kept, held):
        """Limits of what a stored state holds."""
        between(EMPTY, GROWN, mask=kept.mask)


@python_only("SET is made in Python: pass it, or the optimizer with it, to the compiled function")
@explained
def SET(
    rule,
    layers,
    epsilon=None,
    density=None,
    zeta=0.3,
    every=100,
    steps=None,
    stop=0.75,
    prune=BySign(),
    grow=AtRandom(),
    sigma=0.0,
    rescale=True,
    seed=0,
):
    r"""Sparse evolutionary training: a rule for layers with few links, which are exchanged during training.

    ``init(x)`` draws for each layer exactly :math:`\mathrm{round}(p\, n_{in} n_{out})` links, where p is ``density`` or
    :math:`\min(1, \epsilon (n_{in} + n_{out}) / (n_{in} n_{out}))` (Erdos and Renyi), and *changes x*: weights without
    a link become 0, the others are divided by :math:`\sqrt p`, which makes up for the smaller fan-in. A step gives the
    rule the gradient of the links, 0 elsewhere, and adds what comes out of it to the links only. After every so many
    steps each layer loses the share zeta of its links and grows as many elsewhere (:func:`prune_regrow`), so that their
    number is always the same. Entries outside the layers, such as biases, are trained as usual.

    Not to be confused with :class:`SparseEvolution`, which finds sparse vectors without gradients.

    Parameters
    ----------
    rule : rule or chain
        Of any kind. What it keeps of a link is new when the link is: averages that are corrected by 1 - b^t begin at
        the first gradient that is not 0, as if it had been the same before, so that the first step of Adam is as long
        as its first step ever. That gradient moves nothing yet.
    layers : list of (int, int, int)
        For each layer ``offset``, ``n_in``, ``n_out``: its weights are ``x[offset : offset + n_in * n_out]``.
    epsilon : float, optional
        Links per neuron; either this or ``density`` is given.
    density : float, optional
        In (0, 1], the same for all layers.
    zeta : float or schedule
        The share of links exchanged, in (0, 1]: with ``BySign`` of the positive and of the negative ones, rounded down.
    every : int
        Steps from one rewiring to the next.
    steps : int, optional
        Length of the training, of which ``stop`` is a share. Without it, links are exchanged to the end.
    stop : float
        After this share of ``steps``, links stay where they are.
    prune : BySign or ByMagnitude
        Which links go.
    grow : AtRandom, ByGradient or ByMomentum
        Where links grow. By gradient or momentum the gradient must hold the entries of all places, not of links only.
    sigma : float
        Standard deviation of the weights of new links; 0 is as good, and disturbs nothing.
    rescale : bool
        Whether ``init`` divides by sqrt(p).
    seed : int
        From 0 to 2^53.

    Returns
    -------
    Chain
        ``Links``, the rule, ``KeepLinks``. ``state["Links"]`` has the vector ``mask``: 0 where there is no link, 1 at
        new ones that wait for a gradient, 2 at those of the beginning, 3 at others; and the numbers ``nnz`` of links,
        ``survivors`` of those of the beginning, ``rewirings``, links ``exchanged`` in the last one, and those
        ``waiting``.

    Raises
    ------
    ValueError, TypeError
        If layers overlap or numbers make no sense. ``init`` raises if the layers do not fit x, x is no array that can
        be changed, or this does not stand last in a chain.

    Notes
    -----
    It is made in Python and used in Python and in ``@njit`` code; there, layers that do not fit x stay as they are.
    The rewiring takes time linear in the size of the layers, in one thread, and no memory. ``reset`` draws the first
    links again, the same ones; x must then be as it was after ``init``. On a GPU it is not to be had.

    ``minimize(fun, x0, method=SET(...))`` does not change x0: it begins at a copy that ``init`` has made sparse, which
    is the first point that ``fun`` gets and counts in ``nfev``; a callback sees the points after it. The result is the
    one with the least f, this first one included: x0 itself is never evaluated, and may be better. Its links need not
    be those of ``state`` at the end. The test with ``gtol`` is on the whole gradient, of places without a link too:
    expect to stop at a limit.

    References
    ----------
    D. C. Mocanu et al., Scalable training of artificial neural networks with adaptive sparse connectivity inspired by
    network science, Nature Communications 9:2383, 2018, algorithm 1.

    Examples
    --------
    >>> import numpy as np
    >>> import numopt as no
    >>> w = np.random.default_rng(0).standard_normal(60)            # a layer 10-5, and 10 biases
    >>> opt = no.SET(no.Adam(1e-2), [(0, 10, 5)], density=0.2, every=10).init(w)
    >>> int(np.count_nonzero(w[:50]))
    10
    >>> for _ in range(30):
    ...     opt.update(w, w - 1.0)
    >>> int(np.count_nonzero(opt.state["Links"].mask[:50])), opt.state["Links"].rewirings
    (10, 3.0)
    """
    table = layer_table(layers)
    if (epsilon is None) == (density is None):
        raise ValueError(f"SET: give either epsilon or density, got epsilon={epsilon!r}, density={density!r}")
    share = _densities(table, epsilon, density)
    counts = np.array(
        [max(1, round(p * n)) for p, n in zip(share, table[:, 1] * table[:, 2], strict=True)], dtype=float
    )
    if steps is None:
        last = np.inf
    elif is_number(steps) and steps >= 1 and is_number(stop) and 0 <= stop <= 1:
        last = np.floor(stop * steps) if stop > 0 else 0.0
    else:
        raise ValueError(f"SET: steps must be a number from 1 on and stop from 0 to 1, got {steps!r} and {stop!r}")
    table = np.column_stack([table, counts])
    return chain(Links(table, zeta, every, last, prune, grow, sigma, rescale, seed), rule, KeepLinks(table, seed))


def _densities(layers, epsilon, density):
    """The share of places with a link, for each layer."""
    if epsilon is not None:
        if not (is_number(epsilon) and 0 < epsilon < np.inf):
            raise ValueError(f"SET: epsilon must be a finite number above 0, got {epsilon!r}")
        return np.minimum(1.0, epsilon * (layers[:, 1] + layers[:, 2]) / (layers[:, 1] * layers[:, 2]))
    if not (is_number(density) and 0 < density <= 1):
        raise ValueError(f"SET: density must be a number in (0, 1], got {density!r}")
    return np.full(layers.shape[0], float(density))


class Mask(NamedTuple):
    """The label of each place (:mod:`numopt.sparse.links`); what stands outside the layers counts as a link."""

    mask: np.ndarray  # (n,) int8


class MaskAndMomentum(NamedTuple):
    """The labels, and an average of the whole gradient."""

    mask: np.ndarray  # (n,) int8
    momentum: np.ndarray  # (n,) the dtype of x


@jit
def _first_labels(rule, x):
    """The labels at the beginning; layers that do not fit x count as dense."""
    links = np.full(x.size, FIRST, np.int8)
    for k in range(rule.layers.shape[0]):
        stop = layer_end(rule.layers, k)
        if stop <= x.size:
            draw_first(links[int(rule.layers[k, 0]) : stop], int(rule.layers[k, 3]), k, rule.seed)
    return links


@by_type
def _room(grow, labels, x):
    """What :class:`Links` keeps."""


@_room.register(AtRandom)
@_room.register(ByGradient)
def _(grow, labels, x):
    return Mask(labels)


@_room.register(ByMomentum)
def _(grow, labels, x):
    return MaskAndMomentum(labels, zeros(x))


@vectors.register(Links)
def _(rule, x):
    return _room(rule.grow, _first_labels(rule, x), x)


@vectors.register(KeepLinks)
def _(rule, x):
    return Mask(_first_labels(rule, x))


@numbers.register(Links)
def _(rule, x):
    held = np.zeros(HELD)
    held[NNZ] = held[SURVIVORS] = np.sum(rule.layers[:, 3])
    return held


@accepts.register(Links)
@accepts.register(KeepLinks)
def _(rule, n):
    end = 0
    for k in range(rule.layers.shape[0]):
        end = max(end, layer_end(rule.layers, k))
    return end <= n


@prepare.register(Links)
def _(rule, x):
    labels = _first_labels(rule, x)
    for k in range(rule.layers.shape[0]):
        start, stop = int(rule.layers[k, 0]), layer_end(rule.layers, k)
        factor = 1.0 if rule.rescale is None else ((stop - start) / rule.layers[k, 3]) ** 0.5
        for i in range(start, min(stop, x.size)):
            x[i] = x[i] * factor if labels[i] == FIRST else nothing(x[i])
