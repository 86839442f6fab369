"""Sorting without allocating."""

from .._jit import jit


@jit(borrow=True)
def sort_by(items, keys):
    """Sort ``items``, indices into ``keys``, by their keys, equal ones by themselves (heapsort: in place)."""
    for root in range(items.size // 2 - 1, -1, -1):
        _sift(items, keys, root, items.size)
    for end in range(items.size - 1, 0, -1):
        items[0], items[end] = items[end], items[0]
        _sift(items, keys, 0, end)


@jit(borrow=True)
def _sift(items, keys, root, end):
    """Let the item at ``root`` sink until none below it comes after it."""
    while 2 * root + 1 < end:
        child = 2 * root + 1
        if child + 1 < end and _precedes(keys, items[child], items[child + 1]):
            child += 1
        if not _precedes(keys, items[root], items[child]):
            return
        items[root], items[child] = items[child], items[root]
        root = child


@jit(borrow=True)
def _precedes(keys, a, b):
    return keys[a] < keys[b] or (keys[a] == keys[b] and a < b)
