"""Pruning and regrowing: a layer loses its weakest links and grows as many where there are none.

It works in place, in time linear in the size of the layer, and without memory.
"""

import numpy as np
from numba import types

from .._jit import PLAIN, by_type, is_number, jit, overload, record
from .._philox import normal_pair, philox, words_of
from .._scalars import constant, nothing, number, of_entry
from .choices import AtRandom
from .links import EMPTY, GROWTH, NEW, REMOVED, WEIGHTS, WOKEN, draw_places, is_place
from .selection import AnyLink, LinkOfSign, PlaceByScore, count_choice, relabel_first

_MOST_WEIGHTS = 2.0**53


@record
class BySign:
    """Remove the smallest positive weights and, in the same share, the negative ones closest to 0.

    Zeros count as positive. Complex weights have no sign: for them, as :class:`ByMagnitude`.
    """


@record
class ByMagnitude:
    """Remove the weights of the smallest modulus."""


@record
class ByGradient:
    """Grow links where the gradient has the largest modulus (RigL)."""


@record
class ByMomentum:
    """Grow links where a moving average of the gradient has the largest modulus; it takes one more vector.

    Parameters
    ----------
    decay : float
        Of the average, in [0, 1).
    """

    decay: float = 0.9

    def check(self):
        """Limits of the fields."""
        if not 0 <= self.decay < 1:
            raise ValueError(f"ByMomentum: decay must be a number with 0 <= decay < 1, got {self.decay!r}")


def prune_regrow(w, links, layers, zeta, key, scores=None, prune=BySign(), grow=AtRandom(), sigma=0.0):
    r"""Remove the weakest links of sparse layers, and grow as many elsewhere: one rewiring of :func:`numopt.SET`.

    In each layer the share zeta of the links, rounded down, loses its weight, which becomes 0, and as many of the
    places that are then without a link get one, of weight 0 or :math:`\sigma N(0, 1)`. The number of links stays.

    Parameters
    ----------
    w : ndarray, shape (n,)
        Weights, float32 to complex128, changed in place.
    links : ndarray of int8 or bool, shape (n,)
        Nonzero where there is a link, changed in place: 0 at what was removed, 1 at what has grown. In ``@njit`` code
        int8.
    layers : array_like, shape (L, 3)
        For each layer ``offset``, ``n_in``, ``n_out``: it stands in ``w[offset : offset + n_in * n_out]``. In ``@njit``
        code an array.
    zeta : float
        The share, from 0 to 1.
    key : int
        From 0 to 2^53: what is drawn depends on it and on nothing else, so that each rewiring needs another one.
    scores : ndarray, shape (n,), optional
        What links grow by, of the dtype of w: the gradient for ``ByGradient()``, an average for ``ByMomentum()``. A NaN
        counts as 0.
    prune : BySign or ByMagnitude
    grow : AtRandom, ByGradient or ByMomentum
    sigma : float
        Standard deviation of new weights (of complex ones, sqrt(E|w|^2)).

    Returns
    -------
    int
        Links exchanged; in ``@njit`` code, where nothing is checked, -1 if sizes do not fit, and nothing is done then.

    Raises
    ------
    ValueError, TypeError
        In Python, if arrays do not fit together or numbers make no sense.

    Notes
    -----
    A link may grow where one was just removed. Of equal weights or scores the first positions are taken.

    References
    ----------
    D. C. Mocanu et al., Nature Communications 9:2383, 2018, algorithm 1; U. Evci et al., Rigging the lottery,
    ICML 2020, for growth by gradient; T. Dettmers and L. Zettlemoyer, arXiv 1907.04840, for growth by momentum.

    Examples
    --------
    >>> import numpy as np
    >>> import numopt as no
    >>> w = np.array([0.1, 2.0, 0.0, -3.0, -0.2, 0.0])
    >>> links = w != 0
    >>> g = np.array([0.0, 0.0, 5.0, 0.0, 0.0, -7.0])
    >>> no.prune_regrow(w, links, [(0, 2, 3)], 0.5, key=1, scores=g, grow=no.ByGradient())
    2
    >>> w, links.astype(int)
    (array([ 0.,  2.,  0., -3.,  0.,  0.]), array([0, 1, 1, 1, 0, 1]))
    """
    w, links, scores, layers = _checked(w, links, scores, layers)
    check_choices("prune_regrow", prune, grow)
    if scores is None and type(grow) is not AtRandom:
        raise ValueError(f"scores are needed to grow links by: the gradient for {grow!r}")
    for name, value, most in (("zeta", zeta, 1.0), ("key", key, 2.0**53), ("sigma", sigma, np.finfo(float).max)):
        if not (is_number(value) and 0 <= value <= most):
            raise ValueError(f"{name} must be a number from 0 to {most:g}, got {value!r}")
    if key != np.floor(key):
        raise ValueError(f"key must be a whole number, got {key!r}")
    given = w if scores is None else scores
    return _prune_regrow(w, links, layers, float(zeta), int(key), given, prune, grow, float(sigma))


def check_choices(caller, prune, grow):
    """Whether these are ways to prune and to grow."""
    if type(prune) not in (BySign, ByMagnitude):
        raise TypeError(f"{caller}: prune must be BySign() or ByMagnitude(), got {prune!r}")
    if type(grow) not in (AtRandom, ByGradient, ByMomentum):
        raise TypeError(f"{caller}: grow must be AtRandom(), ByGradient() or ByMomentum(), got {grow!r}")


def _checked(w, links, scores, layers):
    """The arrays, as compiled code takes them."""
    for name, value in (("w", w), ("links", links)):
        if not (isinstance(value, np.ndarray) and value.ndim == 1 and value.flags.carray):
            raise ValueError(f"prune_regrow: {name} is changed in place, so it must be a writable contiguous vector")
    if w.dtype not in (np.float32, np.float64, np.complex64, np.complex128):
        raise TypeError(f"prune_regrow: w must be float32, float64, complex64 or complex128, got {w.dtype}")
    if links.dtype not in (np.int8, np.bool_) or links.size != w.size:
        raise ValueError(f"prune_regrow: links must be {w.size} of int8 or bool, got {links.size} of {links.dtype}")
    if scores is not None:
        scores = np.ascontiguousarray(scores)
        if scores.dtype != w.dtype or scores.shape != w.shape:
            raise ValueError(
                f"prune_regrow: scores must be {w.size} of {w.dtype}, got {scores.shape} of {scores.dtype}"
            )
    layers = layer_table(layers)
    end = int(np.max(layers[:, 0] + layers[:, 1] * layers[:, 2], initial=0))
    if end > w.size:
        raise ValueError(f"prune_regrow: a layer ends at {end}, but w has {w.size} entries")
    labels = links.view(np.int8)
    labels[labels < 0] = 1  # which would say that a link is being exchanged
    return w, labels, scores, layers


def layer_table(layers):
    """``layers`` as an array of rows ``offset, n_in, n_out``; ValueError for what are none, or overlap."""
    try:
        table = np.asarray(layers, dtype=float)
    except (TypeError, ValueError, OverflowError):
        table = np.empty(0)
    if table.size == 0 or table.ndim != 2 or table.shape[1] != 3:
        raise ValueError(f"layers must be a list of (offset, n_in, n_out), got {layers!r}")
    if not (np.isfinite(table).all() and (table == np.floor(table)).all() and (table >= [0, 1, 1]).all()):
        raise ValueError(f"layers: offset must be a whole number from 0 on, n_in and n_out from 1 on, got {layers!r}")
    with np.errstate(over="ignore"):
        sizes = table[:, 1] * table[:, 2]
    if sizes.max() >= 2.0**32:
        raise ValueError(f"layers: at most 2^32 - 1 places each, got {sizes.max():.0f}")
    if (table[:, 0] + sizes).max() >= _MOST_WEIGHTS:
        raise ValueError(f"layers: each must end before entry 2^53, got {layers!r}")
    order = np.argsort(table[:, 0])
    ends, starts = (table[:, 0] + sizes)[order][:-1], table[order[1:], 0]
    if (ends > starts).any():
        raise ValueError(f"layers overlap: {layers!r}")
    return table


def check_links(table):
    """ValueError unless the rows are ``offset, n_in, n_out`` and a number of links that the layer has room for."""
    if not (isinstance(table, np.ndarray) and table.ndim == 2 and table.shape[1] == 4):
        raise ValueError(f"layers must have rows of offset, n_in, n_out and the number of links, got {table!r}")
    sizes, counts = np.prod(layer_table(table[:, :3])[:, 1:], axis=1), table[:, 3]
    if not ((counts >= 0) & (counts <= sizes) & (counts == np.floor(counts))).all():
        raise ValueError(f"layers: there must be from 0 to {sizes.tolist()} links, got {counts.tolist()}")


@jit(borrow=True)
def _prune_regrow(w, links, layers, zeta, key, scores, prune, grow, sigma):
    if links.size != w.size or scores.size != w.size or layers.shape[1] < 3:
        return -1
    for k in range(layers.shape[0]):
        if not (0 <= layers[k, 0] <= w.size and 0 <= layers[k, 1] <= w.size and 0 <= layers[k, 2] <= w.size):
            return -1  # nor may the numbers of a layer be too large for integers
        if layer_end(layers, k) > w.size:
            return -1
    exchanged = 0
    for k in range(layers.shape[0]):
        start, stop = int(layers[k, 0]), layer_end(layers, k)
        part, labels = w[start:stop], links[start:stop]
        exchanged += exchange(part, labels, scores[start:stop], zeta, prune, grow, k, 0, key)
        for i in range(part.size):
            if labels[i] == REMOVED:
                labels[i], part[i] = EMPTY, nothing(part[i])
            elif labels[i] == WOKEN:
                labels[i], part[i] = NEW, new_weight(part[i], sigma, i, k, 0, key)
    return exchanged


@jit(borrow=True)
def layer_end(layers, k):
    """Where layer k ends."""
    return int(layers[k, 0]) + int(layers[k, 1]) * int(layers[k, 2])


@jit(borrow=True)
def exchange(w, links, scores, zeta, prune, grow, layer, generation, seed):
    """Label the links that a layer loses REMOVED, those that grow WOKEN; returns how many."""
    count = remove(prune, w, links, zeta)
    add_links(grow, w, links, scores, count, layer, generation, seed)
    return count


@by_type(borrow=True)
def remove(prune, w, links, zeta):
    """Label the share ``zeta`` of the links, the weakest, REMOVED; returns how many."""


@jit(borrow=True)
def _remove_of(choice, w, links, zeta):
    total = count_choice(choice, w, links, w)
    share = zeta if zeta > 0.0 else 0.0  # nobody has checked that of compiled code
    count = total if share >= 1.0 else int(share * total)
    relabel_first(choice, w, links, w, count, REMOVED)
    return count


@remove.register(ByMagnitude)
def _(prune, w, links, zeta):
    return _remove_of(AnyLink(), w, links, zeta)


@remove.register(BySign)
def _(prune, w, links, zeta):
    # complex weights all count as positive
    return _remove_of(LinkOfSign(1.0), w, links, zeta) + _remove_of(LinkOfSign(-1.0), w, links, zeta)


@by_type(borrow=True)
def add_links(grow, w, links, scores, count, layer, generation, seed):
    """Label ``count`` of the empty places WOKEN."""


@add_links.register(AtRandom)
def _(grow, w, links, scores, count, layer, generation, seed):
    places = 0
    for i in range(links.size):
        places += 1 if is_place(links[i]) else 0
    if count < places:
        draw_places(links, count, WOKEN, True, layer, generation, GROWTH, seed)
        return
    for i in range(links.size):
        links[i] = WOKEN if is_place(links[i]) else links[i]


@add_links.register(ByGradient)
@add_links.register(ByMomentum)
def _(grow, w, links, scores, count, layer, generation, seed):
    relabel_first(PlaceByScore(), w, links, scores, count, WOKEN)


@of_entry
def _scaled(like, sigma, a, b):
    """A normal number of the kind of ``like``, made of two."""


@_scaled.real
def _(like, sigma, a, b):
    return constant(like, 1) * type(like)(sigma * a)


@_scaled.complex
def _(like, sigma, a, b):
    return number(sigma * a * 0.5**0.5, sigma * b * 0.5**0.5)


@jit(borrow=True)
def new_weight(like, sigma, i, layer, generation, seed):
    """The weight of a new link at place i of a layer."""
    if sigma == 0.0:
        return nothing(like)
    k0, k1 = words_of(seed)
    words = philox(
        np.uint64(i), np.uint64(layer), np.uint64(generation) & np.uint64(0xFFFFFFFF), np.uint64(WEIGHTS), k0, k1
    )
    a, b = normal_pair(np.float64(0.0), words[0], words[1])
    return _scaled(like, sigma, a, b)


if not PLAIN:

    @overload(prune_regrow)
    def _prune_regrow_compiled(w, links, layers, zeta, key, scores=None, prune=BySign(), grow=AtRandom(), sigma=0.0):
        if scores is None or isinstance(scores, (types.NoneType, types.Omitted)):
            return lambda w, links, layers, zeta, key, scores=None, prune=BySign(), grow=AtRandom(), sigma=0.0: (
                _prune_regrow(w, links, layers, zeta, key, w, prune, grow, sigma)
            )
        return lambda w, links, layers, zeta, key, scores=None, prune=BySign(), grow=AtRandom(), sigma=0.0: (
            _prune_regrow(w, links, layers, zeta, key, scores, prune, grow, sigma)
        )
