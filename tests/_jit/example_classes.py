"""A small stateful class in an importable module, as the compiled class's cache and pickle need it."""

from typing import Any

import numpy as np

from numopt._jit import borrowing, fields, jit, lend, record, stateful


@record
class Growth:
    rate: float = 3.75
    offset: float = 0.0


@fields
class WalkerFields:
    points: np.ndarray
    rule: Any
    weights: tuple


@jit(borrow=True)
def _advance(points, rule, times):
    for _ in range(times):
        for i in range(points.size):
            points[i] = rule.rate * points[i] * (1.0 - points[i]) + rule.offset


@stateful(WalkerFields)
class Walker:
    """Points that walk by the logistic map: chaotic, so that any difference in the state grows."""

    def __new__(cls, n=3, rule=Growth()):
        if n < 1:
            raise ValueError(f"n must be at least 1, got {n}")
        return cls.compiled.new(int(n), rule)

    class compiled:
        def new(n=3, rule=Growth()):
            points = np.arange(1, n + 1) / (n + 2.0)
            return WalkerFields(points, rule, (np.ones(n), np.zeros(n)))

        def advance(self, times=1, repeat=1):
            _advance(self.points, self.rule, times * repeat)
            return self.points[0]

        def lent(self):
            return self.points

        @borrowing
        def shift(self, by, first=0):
            points, rule, _ = lend(self)
            for i in range(first, points.size):
                points[i] += by * rule.rate
            return points.size - first

        @property
        def total(self):
            """The weighted sum of the points."""
            return (self.weights[0] * self.points + self.weights[1]).sum()

        @property
        def rate(self):
            return self.rule.rate

        @rate.setter
        def rate(self, value):
            self.rule = Growth(value, self.rule.offset)

        @property
        def size(self):
            return self.points.size

    @property
    def size(self):
        """The number of points, in Python as a plain int."""
        return int(self.compiled.size(self))


@fields
class TallyFields:
    counts: np.ndarray
    calls: int


@stateful(TallyFields)
class Tally:
    """A class without a front in Python."""

    class compiled:
        def new(n=2):
            return TallyFields(np.zeros(n), 0)

        def add(self, amount):
            self.counts[:] += amount
            self.calls += 1
            return self.counts.sum() / self.calls

        @borrowing
        def allocate(self):
            return np.zeros(3).sum()


class Meter:
    """A base class without fields of its own: it uses those of the classes that inherit from it."""

    class compiled:
        def read(self):
            """The sum of the values."""
            return self.values.sum()

        def doubled(self):
            return 2.0 * self.values.sum()

        @property
        def size(self):
            return self.values.size

        def name_of(self):
            return 1

    def report(self):
        """Python's face only."""
        return f"{type(self).__name__}: {self.read()}"

    def doubled(self):
        """Python's face of a method of the same name."""
        return float(self.compiled.doubled(self))

    @property
    def half(self):
        return self.compiled.read(self) / 2


@fields
class GaugeFields:
    values: np.ndarray


@stateful(GaugeFields)
class Gauge(Meter):
    """It inherits everything, and replaces one compiled method and one of Python."""

    class compiled:
        def new(n=2):
            return GaugeFields(np.ones(n))

        def name_of(self):
            return 2

        def fill(self, value):
            self.values[:] = value


@fields
class LogFields:
    values: np.ndarray
    scale: np.ndarray


@stateful(LogFields)
class Log(Meter):
    """Another one with the same base, with other fields."""

    def __new__(cls, n):
        if n < 1:
            raise ValueError("n must be at least 1")
        return cls.compiled.new(n)

    class compiled:
        def new(n):
            return LogFields(np.arange(1.0, n + 1.0), np.full(1, 10.0))

        def read(self):
            return self.scale[0] * self.values.sum()

    def report(self):
        return "log"
