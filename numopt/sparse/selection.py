"""The entries that come first in an order, found in linear time without memory: radix selection.

The order is by keys, whole numbers from 0 on: the bits of a modulus, which as integers rise with it. The digits of the
last key that is still taken are found one by one, from a count of each digit's values. Of equal keys the first
positions are taken.
"""

import numpy as np

from .._jit import bits_of_float, by_type, jit, record, stack_array
from .._scalars import modulus, of_entry
from .links import is_place

_BITS = 11  # of a digit; a key has 63, six digits
_VALUES = 2**_BITS
_LARGEST = np.int64(2**63 - 1)


@record
class AnyLink:
    """The links in the order of their moduli."""


@record
class LinkOfSign:
    """The links whose weights have this sign, in the order of their moduli; zeros and complex ones are positive."""

    sign: float


@record
class PlaceByScore:
    """The empty places, those with the largest moduli of the scores first."""


@of_entry
def _has_sign(w, sign):
    """Whether a weight has the sign; complex ones count as positive."""


@_has_sign.real
def _(w, sign):
    return w >= 0 if sign > 0 else w < 0


@_has_sign.complex
def _(w, sign):
    return sign > 0


@jit(borrow=True)
def _bits(number):
    """The bits of a number from 0 on or NaN; NaN comes last."""
    number = np.float64(number)
    return bits_of_float(number) if number == number else _LARGEST


@by_type(borrow=True)
def key_of(choice, w, links, scores, i):
    """The key of place i; -1 if it does not stand in the order.

    Parameters
    ----------
    choice : record
        The order, by whose class this function is chosen.
    w, scores : ndarray
        Weights, and what empty places are chosen by.
    links : ndarray of int8
        Labels (:mod:`numopt.sparse.links`): positive where there is a link.
    i : int
    """


@key_of.register(AnyLink)
def _(choice, w, links, scores, i):
    return _bits(modulus(w[i])) if links[i] > 0 else np.int64(-1)


@key_of.register(LinkOfSign)
def _(choice, w, links, scores, i):
    return _bits(modulus(w[i])) if links[i] > 0 and _has_sign(w[i], choice.sign) else np.int64(-1)


@key_of.register(PlaceByScore)
def _(choice, w, links, scores, i):
    if not is_place(links[i]):
        return np.int64(-1)
    score = np.float64(modulus(scores[i]))
    return _LARGEST - bits_of_float(score) if score == score else _LARGEST


@jit(borrow=True)
def count_choice(choice, w, links, scores):
    """How many places stand in the order."""
    count = 0
    for i in range(w.size):
        count += 1 if key_of(choice, w, links, scores, i) >= 0 else 0
    return count


@jit(borrow=True)
def find_last(choice, w, links, scores, count):
    """The last key among the first ``count``, from 1 to as many as there are, and how many places with it are taken."""
    counts = stack_array(_VALUES)
    shift, found, left = 5 * _BITS, np.int64(0), np.int64(count)
    while True:
        counts[:] = 0.0
        for i in range(w.size):
            key = key_of(choice, w, links, scores, i)
            if key >= 0 and (key >> shift) >> _BITS == found:
                counts[(key >> shift) & (_VALUES - 1)] += 1.0
        digit = 0
        while left > counts[digit]:
            left -= np.int64(counts[digit])
            digit += 1
        found = (found << _BITS) | digit
        if left == counts[digit]:  # all that share these digits are taken
            return (found << shift) | ((np.int64(1) << shift) - 1), left
        if shift == 0:
            return found, left
        shift -= _BITS


@jit(borrow=True)
def relabel_first(choice, w, links, scores, count, label):
    """Label the first ``count`` places in the order."""
    if count == 0:
        return
    last, equal = find_last(choice, w, links, scores, count)
    for i in range(w.size):
        key = key_of(choice, w, links, scores, i)
        if key < 0 or key > last:
            continue
        if key == last:
            equal -= 1
            if equal < 0:
                continue
        links[i] = label
