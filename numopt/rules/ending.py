"""A set, or a norm with a proximal operator, at the end of a chain: x <- P(x + u).

The weight of a norm is multiplied by the learning rate of the step. Where the projection works entry by entry, it is
part of the pass that changes x; else it follows that pass.
"""

from .._jit import PLAIN, overload, real_view
from .._vector import max_abs
from ..generic import accepts, admit, follows_gradient, nearest, project_into, prox_into


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


def ends_with_a_set(rules):
    """Whether the last of the rules, or of their Numba types, is a set: every point of the chain lies in it."""
    return getattr(class_of(rules[-1]), "is_set", False)


def ends_with_a_norm(rules):
    """Whether the last of the rules, or of their Numba types, is a norm, which the chain adds to f."""
    return ends(rules[-1]) and not ends_with_a_set(rules)


def project_whole(rules, learning_rate, x):
    """Project x, unless that has been done entry by entry, or there is nothing to project onto."""
    if not ends_as_a_whole(rules):
        return
    if ends_with_a_norm(rules):
        prox_into(rules[-1], rules[-1].weight * learning_rate, x, x)
    else:
        project_into(rules[-1], x, x)


def enter(rules, x):
    """Move a first point into the set at the end, if there is one."""
    if ends_with_a_set(rules):
        project_into(rules[-1], x, x)


def slope(rules, x, g, room):
    """The largest |g_i|; of a chain that ends with a set or a norm, the largest entry of P(x - g) - x instead."""
    if ends(rules[-1]):
        room[:] = x - g
        project_into(rules[-1], room, room)
        return max_abs(real_view(room - x))
    return max_abs(real_view(g))


def values_tell(rules):
    """Whether of two points the one with the smaller f is the better one; not where the end of a chain adds to f."""
    return not ends_with_a_norm(rules)


def _place_of_step(rules):
    """Where, in a chain that ends with a norm, its one rule between gates and norm stands; None if it has more."""
    before = [place for place, rule in enumerate(tuple(rules)[:-1]) if not admit.registered(class_of(rule))]
    return before[0] if len(before) == 1 else None


def rests_at_minima(rules):
    """Whether a chain comes to rest where the slope is 0 only.

    One that ends with a norm does if it is the proximal gradient method: if a step is that along the gradient.
    """
    if not ends_with_a_norm(rules):
        return True
    place = _place_of_step(rules)
    return place is not None and follows_gradient(rules[place])


def ending_accepts(rules, n):
    """Whether the set at the end, if there is one, is for vectors of n entries."""
    return not ends(rules[-1]) or accepts(rules[-1], n)


if not PLAIN:

    @overload(project_whole, borrow=True)
    def _project_whole(rules, learning_rate, x):
        last, kinds = len(rules) - 1, tuple(rules)
        if not ends_as_a_whole(kinds):
            return lambda rules, learning_rate, x: None

        def project_last(rules, learning_rate, x):
            project_into(rules[last], x, x)

        def shorten(rules, learning_rate, x):
            prox_into(rules[last], rules[last].weight * learning_rate, x, x)

        return shorten if ends_with_a_norm(kinds) else project_last

    @overload(enter, borrow=True)
    def _enter(rules, x):
        last = len(rules) - 1
        if not ends_with_a_set(tuple(rules)):
            return lambda rules, x: None

        def project_last(rules, x):
            project_into(rules[last], x, x)

        return project_last

    @overload(slope, borrow=True)
    def _slope(rules, x, g, room):
        last = len(rules) - 1
        if not ends(rules[last]):
            return lambda rules, x, g, room: max_abs(real_view(g))

        def slope_at_end(rules, x, g, room):
            for i in range(x.size):
                room[i] = x[i] - g[i]
            project_into(rules[last], room, room)
            for i in range(x.size):
                room[i] = room[i] - x[i]
            return max_abs(real_view(room))

        return slope_at_end

    @overload(values_tell, borrow=True)
    def _values_tell(rules):
        tell = values_tell(tuple(rules))
        return lambda rules: tell

    @overload(rests_at_minima, borrow=True)
    def _rests_at_minima(rules):
        kinds = tuple(rules)
        place = _place_of_step(kinds) if ends_with_a_norm(kinds) else None
        if place is not None:
            return lambda rules: follows_gradient(rules[place])
        always = not ends_with_a_norm(kinds)
        return lambda rules: always

    @overload(ending_accepts, borrow=True)
    def _ending_accepts(rules, n):
        last = len(rules) - 1
        return (lambda rules, n: accepts(rules[last], n)) if ends(rules[last]) else lambda rules, n: True
