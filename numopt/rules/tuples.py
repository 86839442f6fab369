"""A tuple of rules does what its rules do, one after the other; written out by rule, since their types differ."""

import functools

from .._jit import written
from ..generic import coefficients, element, notice, numbers, prepare, vectors


def _each(parameters, call):
    """Makes a function that does the ``call`` for each rule; ``{k}`` stands for the number of the rule."""

    @functools.cache
    def make(length):
        return written("each", parameters, [call.format(k=k) for k in range(length)], globals())

    return make


def _tuple_of(parameters, call):
    """The same for a function that returns the results."""

    @functools.cache
    def make(length):
        values = "".join(f"{call.format(k=k)}, " for k in range(length))
        return written("each", parameters, [f"return ({values})"], globals())

    return make


vectors.register(tuple)(_tuple_of("rules, x", "vectors(rules[{k}], x)"))
numbers.register(tuple)(_tuple_of("rules, x", "numbers(rules[{k}], x)"))
prepare.register(tuple)(_each("rules, x", "prepare(rules[{k}], x)"))
coefficients.register(tuple)(
    _tuple_of("rules, held, t, learning_rate", "coefficients(rules[{k}], held[{k}], t, learning_rate)")
)
notice.register(tuple)(_each("rules, held, t, learning_rate, f", "notice(rules[{k}], held[{k}], t, learning_rate, f)"))


@element.register(tuple)
@functools.cache
def _(length):
    steps = [f"new{k}, u = element(rules[{k}], c[{k}], state[{k}], u, x)" for k in range(length)]
    states = "".join(f"new{k}, " for k in range(length))
    return written("each", "rules, c, state, u, x", [*steps, f"return ({states}), u"], globals())
