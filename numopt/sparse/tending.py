"""The steps of :func:`SET`: the gradient goes to links only, links are exchanged, and new ones begin.

A new link waits for the first gradient that is not 0; the state of the rule then begins, for that entry alone.
"""

import numpy as np

from .._jit import ELEMENTWISE, PLAIN, by_type, jit, overload, read, write
from .._scalars import average, modulus, nothing
from ..generic import coefficients, element, follow, fresh, rate
from ..rules.ending import class_of
from .choices import AtRandom
from .links import EMPTY, FIRST, GROWN, NEW, REMOVED, WOKEN
from .rewiring import ByGradient, ByMomentum, exchange, layer_end, new_weight
from .set import EXCHANGED, REWIRINGS, SURVIVORS, WAITING, KeepLinks, Links

# --- a step ----------------------------------------------------------------------------------------------------------


@by_type(borrow=True)
def _decay(grow):
    """The decay of the average that links grow by."""


@_decay.register(AtRandom)
@_decay.register(ByGradient)
def _(grow):
    return 0.0


@_decay.register(ByMomentum)
def _(grow):
    return grow.decay


@coefficients.register(Links)
def _(rule, held, t, learning_rate):
    return _decay(rule.grow), 1.0 - _decay(rule.grow)


@by_type(borrow=True, fastmath=ELEMENTWISE)
def _remember(grow, state, u, c):
    """The state of an entry after a gradient, of links or not."""


@_remember.register(AtRandom)
@_remember.register(ByGradient)
def _(grow, state, u, c):
    return (state[0],)


@_remember.register(ByMomentum)
def _(grow, state, u, c):
    return state[0], average(state[1], u, c[0], c[1])


@element.register(Links)
def _(rule, c, state, u, x):
    # what is outside the layers has the label of a first link; a new one waits
    return _remember(rule.grow, state, u, c), u if state[0] > NEW else nothing(u)


@element.register(KeepLinks)
def _(rule, c, state, u, x):
    return (state[0],), u if state[0] > EMPTY else -x


# --- after a step ----------------------------------------------------------------------------------------------------


@follow.register(KeepLinks)
def _(last, rules, states, held, c, x, g, t):
    _tend(rules, states, held, c, x, g, t)


def _tend(rules, states, held, c, x, g, t):
    """Exchange links if it is time, and start those that wait for a gradient."""
    k = _place_of_links(rules)
    before = rules[:k], states[:k], c[:k]
    inner = rules[k + 1 : -1], states[k + 1 : -1], held[k + 1 : -1], c[k + 1 : -1]
    _tend_links(rules[k], states[k], states[-1], held[k], before, inner, x, g, t)


def _place_of_links(rules):
    return next(place for place, rule in enumerate(rules) if class_of(rule) is Links)


if not PLAIN:

    @overload(_tend, borrow=True)
    def _tend_compiled(rules, states, held, c, x, g, t):
        k = _place_of_links(rules)
        after, end = k + 1, len(rules) - 1

        def tend(rules, states, held, c, x, g, t):
            before = rules[:k], states[:k], c[:k]
            inner = rules[after:end], states[after:end], held[after:end], c[after:end]
            _tend_links(rules[k], states[k], states[end], held[k], before, inner, x, g, t)

        return tend


@jit(borrow=True)
def _tend_links(rule, kept, copy, held, before, inner, x, g, t):
    if t % int(rule.every) == 0 and t <= rule.last:
        _rewire(rule, kept, copy, held, inner, x, g, t)
    if held[WAITING] > 0.0:
        _start_waiting(rule, kept, copy, held, before, inner, x, g, t)


@jit(borrow=True)
def _rewire(rule, kept, copy, held, inner, x, g, t):
    """Exchange links in every layer."""
    zeta = rate(rule.zeta, t - 1)
    zeta = min(max(zeta, 0.0), 1.0) if zeta == zeta else 0.0  # of a schedule, whose values nobody has checked
    held[REWIRINGS] += 1.0
    held[EXCHANGED], held[SURVIVORS], held[WAITING] = 0.0, 0.0, 0.0
    for k in range(rule.layers.shape[0]):
        start, stop = int(rule.layers[k, 0]), layer_end(rule.layers, k)
        if stop <= x.size:
            held[EXCHANGED] += _exchange_by(rule.grow, rule, kept, x, g, zeta, k, t)
            _relabel(rule, kept.mask, copy.mask, held, inner, x, start, stop, k, t)


@by_type(borrow=True)
def _exchange_by(grow, rule, kept, x, g, zeta, k, t):
    """Label what layer k loses and grows; returns how many."""


@_exchange_by.register(AtRandom)
@_exchange_by.register(ByGradient)
def _(grow, rule, kept, x, g, zeta, k, t):
    start, stop = int(rule.layers[k, 0]), layer_end(rule.layers, k)
    return exchange(x[start:stop], kept.mask[start:stop], g[start:stop], zeta, rule.prune, grow, k, t, rule.seed)


@_exchange_by.register(ByMomentum)
def _(grow, rule, kept, x, g, zeta, k, t):
    start, stop = int(rule.layers[k, 0]), layer_end(rule.layers, k)
    scores = kept.momentum[start:stop]
    return exchange(x[start:stop], kept.mask[start:stop], scores, zeta, rule.prune, grow, k, t, rule.seed)


@jit(borrow=True)
def _relabel(rule, links, copy, held, inner, x, start, stop, k, t):
    """Erase what was removed, give weights to what has grown, and count."""
    rules, states, numbers_of, c = inner
    for i in range(start, stop):
        if links[i] == REMOVED or links[i] == WOKEN:
            woken = links[i] == WOKEN
            links[i] = copy[i] = NEW if woken else EMPTY
            x[i] = new_weight(x[i], rule.sigma, i - start, k, t, rule.seed) if woken else nothing(x[i])
            _begin(rules, states, numbers_of, c, i, t, nothing(x[i]), x[i])
        held[WAITING] += 1.0 if links[i] == NEW else 0.0
        held[SURVIVORS] += 1.0 if links[i] == FIRST else 0.0


@jit(borrow=True)
def _start_waiting(rule, kept, copy, held, before, inner, x, g, t):
    """Let the rules' state of new links begin, where the gradient is not 0."""
    rules, states, numbers_of, c = inner
    rules_before, states_before, c_before = before
    for k in range(rule.layers.shape[0]):
        for i in range(int(rule.layers[k, 0]), min(layer_end(rule.layers, k), x.size)):
            if kept.mask[i] == NEW:
                _, u = element(rules_before, c_before, read(states_before, i), g[i], x[i])
                if 0.0 < modulus(u) < np.inf:
                    _begin(rules, states, numbers_of, c, i, t, u, x[i])
                    kept.mask[i] = copy.mask[i] = GROWN
                    held[WAITING] -= 1.0


@by_type(borrow=True)
def _begin(rules, states, numbers_of, c, i, t, u, x):
    """Make the state of entry i that of a history which begins with u in step t."""


@_begin.register(tuple)
def _(length):
    if length == 0:
        return lambda rules, states, numbers_of, c, i, t, u, x: None

    def begin(rules, states, numbers_of, c, i, t, u, x):
        write(states[0], i, fresh(rules[0], numbers_of[0], t, u, x))
        _, u = element(rules[0], c[0], read(states[0], i), u, x)
        _begin(rules[1:], states[1:], numbers_of[1:], c[1:], i, t, u, x)

    return begin
