r"""The rows of scouting and training, and sums over the random numbers that they are made of.

Row 2j is the point plus, row 2j + 1 the point minus the mutation j: in the active part i :math:`h z_i` of scouts, and
:math:`\sigma \sqrt{D_i} z_i` of mutants. The normal numbers z are drawn again when values are told, which costs less
than memory for all rows. Only this part of the search grows with the number of rows times that of parts; on a GPU
:mod:`numopt.cuda.mutations` does it.
"""

import math

from .._jit import jit
from .._philox import fill_normal
from .._vector import axpy, scale_into
from ..ask_tell import NIT
from .bounds import nearest, step_made
from .state import ACTIVE, BATCH, DONE, MUTATIONS, PARTS, PHASE, ROWS, SCOUT, SEED, STEP, place


@jit(borrow=True)
def draw_normal(core, pair):
    """Draw the normal numbers of a mirrored pair of rows, one for each active part."""
    k = core.counters
    fill_normal(core.normal[: k[ACTIVE] * k[PARTS]], pair, k[NIT], MUTATIONS, k[SEED])


@jit(borrow=True)
def place_moved(core, row, out):
    """Write a row, within the bounds."""
    k = core.counters
    if row % 2 == 0:
        draw_normal(core, row // 2)
    step = core.scalars[STEP] if row % 2 == 0 else -core.scalars[STEP]
    scouts = k[PHASE] == SCOUT
    scale_into(out, 1.0, core.point)
    for i in range(k[ACTIVE] * k[PARTS]):
        p, reach = place(core, i), step if scouts else step * math.sqrt(core.variance[i])
        out[p] = nearest(core.limits, p, out[p] + reach * core.normal[i])


@jit(borrow=True)
def write_row(core, row, out):
    """Write one row, whichever was written before."""
    if row % 2 == 1:
        draw_normal(core, row // 2)
    place_moved(core, row, out)


@jit(borrow=True)
def sum_scouts(core):
    """Add up weight times z over the pairs of the batch, and of those before it in the generation: ``shift``."""
    k = core.counters
    shift, normal = core.shift[: k[ACTIVE] * k[PARTS]], core.normal[: k[ACTIVE] * k[PARTS]]
    if k[DONE] == 0:
        scale_into(shift, 0.0, shift)
    for pair in range(k[BATCH] // 2):
        if core.weights[pair] != 0.0:
            draw_normal(core, k[DONE] // 2 + pair)
            axpy(core.weights[pair], normal, shift)


@jit(borrow=True)
def sum_mutants(core):
    """Add up weight times z and its square over the better half: ``shift`` and ``spread``.

    Within bounds z is what is left of the mutation. A row of negative weight, whose value is not finite, counts as if
    it had been the mean, with the variances as they are.
    """
    k = core.counters
    d, sigma = k[ACTIVE] * k[PARTS], core.scalars[STEP]
    for i in range(d):
        core.shift[i], core.spread[i] = 0.0, 0.0
    for rank in range(k[ROWS] // 2):
        row, weight = core.ranks[rank], core.weights[rank]
        draw_normal(core, row // 2)
        sign = 1.0 if row % 2 == 0 else -1.0
        for i in range(d):
            p, reach = place(core, i), sigma * math.sqrt(core.variance[i])
            z = step_made(core.limits, p, core.point[p], reach, sign * core.normal[i])
            core.shift[i] += 0.0 if weight < 0.0 else weight * z
            core.spread[i] += -weight if weight < 0.0 else weight * z * z
