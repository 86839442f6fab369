"""Gates on a GPU: the gradient stays there, and the host decides, by ``admit``, whether the rest of the chain runs."""

import numpy as np

from ..generic import admit
from ..rules.gates import mean_with, nonfinite
from .compose import real_of
from .device import THREADS, blocks_of, cuda, launch, to_host
from .passes import adding_kernel
from .sums import blocks_that_add

_count_nonfinite = adding_kernel(nonfinite, 1)


@cuda.jit
def _collect(mean, g, count):
    i = cuda.grid(1)
    while i < g.size:
        mean[i] = mean_with(mean[i], g[i], count)
        i += cuda.gridsize(1)


def pass_gates(gates, held, states, g, f, stream):
    """The gradient that gates hand on; None if one lets nothing through.

    A gate that keeps a vector counts on the host, and the device averages the gradient in. Any other wants to know
    whether the gradient is finite, for which the host waits; it is shown a vector that is so or not.
    """
    for gate, numbers, kept in zip(gates, held, states, strict=True):
        nothing = np.empty(0, g.dtype)
        if kept:
            admitted = admit(gate, numbers, type(kept)(*(nothing for _ in kept)), nothing, f)
            count = real_of(g.dtype)(numbers[0])
            launch(_collect, blocks_of(g.size), THREADS, stream, kept[0], g, count)
            g = kept[0]
        else:
            shown = np.array([np.nan if _any_nonfinite(g, stream) else 0.0])
            admitted = admit(gate, numbers, (), shown, f)
        if not admitted:
            return None
    return g


def _any_nonfinite(g, stream):
    blocks = blocks_that_add(g.size)
    if blocks == 0:
        return False
    sums = cuda.device_array((1, blocks), np.float64)
    launch(_count_nonfinite, blocks, THREADS, stream, g, sums)
    return bool(to_host(sums, stream).any())
