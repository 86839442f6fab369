"""What the search is told to do in another way: words in Python, records in compiled code."""

from .._jit import by_type, record


@record
class ByScore:
    """Wake the coordinates that scouting found most promising, and a few at random."""


@record
class AtRandom:
    """At random: the search wakes coordinates without scouting; links grow at places drawn uniformly."""


@record
class ByCost:
    """Train by f, prune and accept by f + penalty * nnz."""


@record
class TwoStage:
    """Average the sparsest of the better half: the recipe in :mod:`numopt.sparse.two_stage`."""


WAYS_TO_GROW = {"score": ByScore(), "random": AtRandom()}
WAYS_TO_SELECT = {"cost": ByCost(), "two-stage": TwoStage()}


@by_type(borrow=True)
def scouts(grow):
    """1 if coordinates are scouted before some are woken, else 0."""


@scouts.register(ByScore)
def _(grow):
    return 1


@scouts.register(AtRandom)
def _(grow):
    return 0


@by_type(borrow=True)
def take(selection, core):
    """Take ``core.values`` of the batch, and choose the next one; returns the status."""


@by_type(borrow=True)
def write(selection, core):
    """Write the rows of the batch."""
