"""The links of sparse layers: labels of places, and drawing some of them at random.

A layer is a part of a flat vector of weights, from ``offset`` to ``offset + n_in * n_out``. A vector of int8 holds a
label for each place.
"""

import numpy as np

from .._jit import jit
from .._philox import philox, words_of

EMPTY = 0
NEW = 1  # a link whose weight waits for its first gradient
FIRST = 2  # there from the beginning
GROWN = 3
REMOVED, WOKEN = -1, -2  # what EMPTY and NEW are called while links are exchanged

# streams of random numbers; the tag keeps them apart from others made with the same seed
_TAG = 0x53455400
FIRST_LINKS, GROWTH, WEIGHTS = _TAG, _TAG + 1, _TAG + 2


@jit(borrow=True)
def is_place(label):
    """Whether a link could grow there."""
    return label == EMPTY or label == REMOVED


@jit(borrow=True)
def draw_places(links, count, label, of_places, layer, generation, stream, seed):
    """Label ``count`` of the empty places, or of the links, drawn without replacement; each draw is uniform."""
    k0, k1 = words_of(seed)
    c1, c2, c3 = np.uint64(layer), np.uint64(generation) & np.uint64(0xFFFFFFFF), np.uint64(stream)
    size, left, draw = np.uint64(links.size), count, 0
    while left > 0:
        for word in philox(np.uint64(draw), c1, c2, c3, k0, k1):
            # the upper word of a product: uniform but for 2^-32 of the size
            i = np.int64((word * size) >> np.uint64(32))
            if left > 0 and is_place(links[i]) == of_places:
                links[i] = label
                left -= 1
        draw += 1


@jit(borrow=True)
def draw_first(links, count, layer, seed):
    """Make ``count`` places of a layer its first links; of links and empty places, the fewer are drawn."""
    drawn = 2 * count <= links.size
    for i in range(links.size):
        links[i] = EMPTY if drawn else FIRST
    if drawn:
        draw_places(links, count, FIRST, True, layer, 0, FIRST_LINKS, seed)
    else:
        draw_places(links, links.size - count, EMPTY, False, layer, 0, FIRST_LINKS, seed)
