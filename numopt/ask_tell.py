"""What the core of every ask/tell solver has in common, so that one driver can run them all.

A solver holds its ``core``, a named tuple with the vector ``trial``, the point to evaluate, and the arrays ``scalars``
and ``counters``, whose first entries are named here; ``parameters``, the records it works with; and ``prototype``, an
empty array of the dtype of x.
"""

# entries of scalars
F = 0  # f at x, times SCALE
SCALE = 1  # the power of two that f and g are multiplied by
SCALARS = 2

# entries of counters
STATUS = 0
NIT = 1
NFEV = 2
COUNTERS = 3
