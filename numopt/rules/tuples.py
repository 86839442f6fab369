"""A tuple of rules does what its rules do, one after the other; recursion on tuples, since their types differ."""

from ..generic import coefficients, element, notice, numbers, prepare, vectors


@vectors.register(tuple)
def _(length):
    if length == 0:
        return lambda rules, x: ()
    return lambda rules, x: (vectors(rules[0], x), *vectors(rules[1:], x))


@prepare.register(tuple)
def _(length):
    if length == 0:
        return lambda rules, x: None

    def each(rules, x):
        prepare(rules[0], x)
        prepare(rules[1:], x)

    return each


@numbers.register(tuple)
def _(length):
    if length == 0:
        return lambda rules, x: ()
    return lambda rules, x: (numbers(rules[0], x), *numbers(rules[1:], x))


@coefficients.register(tuple)
def _(length):
    if length == 0:
        return lambda rules, held, t, learning_rate: ()

    def each(rules, held, t, learning_rate):
        first = coefficients(rules[0], held[0], t, learning_rate)
        return (first, *coefficients(rules[1:], held[1:], t, learning_rate))

    return each


@element.register(tuple)
def _(length):
    if length == 0:
        return lambda rules, c, state, u, x: ((), u)

    def each(rules, c, state, u, x):
        first, u = element(rules[0], c[0], state[0], u, x)
        rest, u = element(rules[1:], c[1:], state[1:], u, x)
        return (first, *rest), u

    return each


@notice.register(tuple)
def _(length):
    if length == 0:
        return lambda rules, held, t, learning_rate, f: None

    def each(rules, held, t, learning_rate, f):
        notice(rules[0], held[0], t, learning_rate, f)
        notice(rules[1:], held[1:], t, learning_rate, f)

    return each
