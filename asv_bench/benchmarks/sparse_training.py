"""A step of sparse training beside the same rule's step on all weights: one layer of 1000 x 1000, on one thread."""

import numpy as np

import numopt
from numopt.rules.update import serial_update

LAYER = (0, 1000, 1000)
EVERY = 100  # steps from one rewiring to the next; a timed call makes as many


def sparse_adam(every=EVERY, grow=numopt.AtRandom()):
    """Adam on one link in twenty."""
    return numopt.SET(numopt.Adam(1e-3), [LAYER], density=0.05, every=every, grow=grow)


CONTENDERS = {
    "Adam": numopt.Adam(1e-3),
    "SET, links stay": sparse_adam(10**9),
    "SET, random growth": sparse_adam(),
    "SET, growth by gradient": sparse_adam(grow=numopt.ByGradient()),
}


def steps_of(name):
    """A function that makes EVERY steps."""
    rng = np.random.default_rng(0)
    x, g = rng.standard_normal(LAYER[1] * LAYER[2]), rng.standard_normal(LAYER[1] * LAYER[2])
    opt = CONTENDERS[name].init(x)

    def run():
        for _ in range(EVERY):
            serial_update(opt, x, g, None)

    return run


class SparseStep:
    """With the rewiring's share."""

    params = (list(CONTENDERS),)
    param_names = ("rule",)

    def setup(self, rule):
        """Compile the step."""
        self.run = steps_of(rule)
        self.run()

    def time_100_steps(self, rule):
        """As many as there are between two rewirings, and one rewiring."""
        self.run()
