"""Inner products, norms and updates of flat vectors; one source for real and complex.

All functions take contiguous real vectors and sum in double precision. A complex one goes in as ``real_view(z)``, its
interleaved real and imaginary parts: then ``dot`` is Re<a, b>, ``norm`` is the Euclidean norm, and loops vectorise as
they do for real data.
Sums run over fixed blocks that are added in order, so that the serial and the parallel form give the same bits for any
number of threads.
"""

import numpy as np
from numba import prange

from ._jit import ELEMENTWISE, REDUCTION, bits_of_float, float_of_bits, jit, run_parallel, sqrt

BLOCK = 4096
PARALLEL_FROM = 200_000  # entries; starting the threads costs about 100 us, the time of a pass over these
MAGNITUDE = 0x7FFFFFFFFFFFFFFF  # all bits of a float64 but its sign
_LARGEST_SUM = 1e300
_SMALLEST_SUM = 1e-280


@jit(fastmath=REDUCTION, borrow=True)
def _dot_block(a, b):
    # on slices: an index from range(start, stop) might be negative for all LLVM knows, and the loop would run scalar
    total = 0.0
    for i in range(a.size):
        total += np.float64(a[i]) * np.float64(b[i])
    return total


@jit(inline=True, borrow=True)
def dot(a, b):
    """Sum a_i b_i; on the views of complex vectors, Re<a, b>."""
    total = 0.0
    for start in range(0, a.size, BLOCK):
        total += _dot_block(a[start : start + BLOCK], b[start : start + BLOCK])
    return total


@jit(parallel=True)
def _parallel_dot(a, b):
    blocks = (a.size + BLOCK - 1) // BLOCK
    partial = np.empty(blocks)
    for k in prange(blocks):
        partial[k] = _dot_block(a[k * BLOCK : (k + 1) * BLOCK], b[k * BLOCK : (k + 1) * BLOCK])
    total = 0.0
    for k in range(blocks):
        total += partial[k]
    return total


def threaded_dot(a, b):
    """``dot`` on all threads, with the same bits; for Python callers."""
    if a.size < PARALLEL_FROM:
        return dot(a, b)
    return run_parallel(_parallel_dot, dot, a, b)


@jit(inline=True, borrow=True)
def max_abs(a):
    """Max |a_i|; NaN if there is a NaN, 0 for an empty vector.

    The bits of |a_i|, read as an integer, grow with |a_i|, and those of NaN stand above those of inf. An integer
    maximum vectorises; one of floats does not, because of NaN.
    """
    largest = 0
    for i in range(a.size):
        magnitude = bits_of_float(np.float64(a[i])) & MAGNITUDE
        largest = magnitude if magnitude > largest else largest
    return float_of_bits(largest)


@jit(borrow=True)
def power_for(size):
    """A power of two that brings a positive number near 1; multiplication by it rounds nothing."""
    return 2.0 ** min(max(-np.floor(np.log2(size)), -1000.0), 1000.0)


@jit(borrow=True)
def norm(a):
    """sqrt(sum a_i^2), correct to rounding wherever the result is representable; inf and NaN as they come."""
    squares = dot(a, a)
    if _SMALLEST_SUM < squares < _LARGEST_SUM:
        return sqrt(squares)
    return _scaled_norm(a)


@jit(borrow=True)
def _scaled_norm(a):
    largest = max_abs(a)
    if largest == 0.0 or not np.isfinite(largest):
        return largest
    # twice, because 1 / largest overflows for a subnormal one; powers of two, so that nothing is rounded
    power = np.floor(np.log2(largest)) / 2
    half = 2.0 ** np.floor(power)
    total = 0.0
    for i in range(a.size):
        scaled = a[i] / half / half
        total += scaled * scaled
    return sqrt(total) * half * half


@jit(fastmath=ELEMENTWISE, borrow=True)
def axpy(alpha, x, y):
    """Add alpha x to y in place."""
    for i in range(y.size):
        y[i] += alpha * x[i]


@jit(borrow=True)
def copy(x, out):
    """Copy a vector of any kind into another of its kind."""
    for i in range(x.size):
        out[i] = x[i]


@jit(inline=True, borrow=True)
def scale_into(out, alpha, x):
    """Write alpha x into out; an exact copy for alpha = 1."""
    for i in range(out.size):
        out[i] = alpha * x[i]


@jit(fastmath=ELEMENTWISE, inline=True, borrow=True)
def move(x, alpha, d, out):
    """Write x + alpha d into out; returns whether any entry differs from x."""
    changed = 0
    for i in range(x.size):
        value = x[i] + alpha * d[i]
        out[i] = value
        changed |= value != x[i]
    return changed != 0
