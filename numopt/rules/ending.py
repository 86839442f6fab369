"""A set, or a function with a proximal operator, at the end of a chain: x <- P(x + u).

Where the projection works entry by entry, it is part of the pass that changes x; else it follows that pass.
"""

from numba.extending import overload

from .._jit import PLAIN, real_view
from .._vector import max_abs
from ..generic import accepts, nearest, project_into


def class_of(rule):
    """The class of a rule, or of the rule of a Numba type."""
    return getattr(rule, "instance_class", type(rule))


def ends(rule):
    """Whether it may only stand at the end of a chain."""
    return getattr(class_of(rule), "ends_chain", False)


def ends_by_entry(rules):
    """Whether the last of the rules, or of their Numba types, projects entry by entry."""
    return ends(rules[-1]) and nearest.registered(class_of(rules[-1]))


def ends_as_a_whole(rules):
    """Whether the last of the rules, or of their Numba types, projects a whole vector."""
    return ends(rules[-1]) and not nearest.registered(class_of(rules[-1]))


def project_whole(rules, x):
    """Project x, unless that has been done entry by entry, or there is nothing to project onto."""
    if ends_as_a_whole(rules):
        project_into(rules[-1], x, x)


def ends_with_a_set(rules):
    """Whether the last of the rules, or of their Numba types, is a set: every point of the chain lies in it."""
    return getattr(class_of(rules[-1]), "is_set", False)


def enter(rules, x):
    """Move a first point into the set at the end, if there is one."""
    if ends_with_a_set(rules):
        project_into(rules[-1], x, x)


def slope(rules, x, g, room):
    """The largest |g_i|; of a chain that ends with a set, the largest entry of P(x - g) - x instead."""
    if ends_with_a_set(rules):
        room[:] = x - g
        project_into(rules[-1], room, room)
        return max_abs(real_view(room - x))
    return max_abs(real_view(g))


def values_tell(rules):
    """Whether of two points the one with the smaller f is the better one; not where the end of a chain adds to f."""
    return not ends(rules[-1]) or ends_with_a_set(rules)


def ending_accepts(rules, n):
    """Whether the set at the end, if there is one, is for vectors of n entries."""
    return not ends(rules[-1]) or accepts(rules[-1], n)


if not PLAIN:
    _OPTIONS = {"error_model": "numpy", "_nrt": False}

    def _projecting_if(applies):
        def choose(rules, x):
            last = len(rules) - 1
            if not applies(tuple(rules)):
                return lambda rules, x: None

            def project_last(rules, x):
                project_into(rules[last], x, x)

            return project_last

        return choose

    overload(project_whole, jit_options=_OPTIONS)(_projecting_if(ends_as_a_whole))
    overload(enter, jit_options=_OPTIONS)(_projecting_if(ends_with_a_set))

    @overload(slope, jit_options=_OPTIONS)
    def _slope(rules, x, g, room):
        last = len(rules) - 1
        if not ends_with_a_set(tuple(rules)):
            return lambda rules, x, g, room: max_abs(real_view(g))

        def slope_at_end(rules, x, g, room):
            for i in range(x.size):
                room[i] = x[i] - g[i]
            project_into(rules[last], room, room)
            for i in range(x.size):
                room[i] = room[i] - x[i]
            return max_abs(real_view(room))

        return slope_at_end

    @overload(values_tell, jit_options=_OPTIONS)
    def _values_tell(rules):
        tell = values_tell(tuple(rules))
        return lambda rules: tell

    @overload(ending_accepts, jit_options=_OPTIONS)
    def _ending_accepts(rules, n):
        last = len(rules) - 1
        return (lambda rules, n: accepts(rules[last], n)) if ends(rules[last]) else lambda rules, n: True
