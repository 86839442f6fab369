"""BFGS with a dense inverse Hessian, for the few unknowns where n^2 numbers cost less than a memory of pairs.

    H+ = H - rho (s (Hy)' + (Hy) s') + rho (1 + rho y'Hy) s s',      rho = 1 / s.y

(Nocedal and Wright 2006, eq. 6.17). The first H is (s.y / y.y) I. Before each later update H is divided by
tau = s.y / s.Bs if that is below 1: from far starts the curvature falls by orders of magnitude on the way, and plain
BFGS would take many steps to forget the large first one.

M. Al-Baali, Numerical experience with a class of self-scaling quasi-Newton algorithms, J. Optim. Theory Appl. 96 (1998)
533-553.
"""

from .._jit import ELEMENTWISE, jit

# Real unknowns. Measured against ten pairs, from n = 2 to 16: the same evaluations on the More-Garbow-Hillstrom set,
# .8 to 1 on logistic regression, 1 falling to .2 on ill-conditioned quadratics, 1.0 to 1.2 on Rosenbrock's function,
# where beyond n = 16 it becomes four times as many.
DENSE_UP_TO = 16


@jit(fastmath=ELEMENTWISE, inline=True, borrow=True)
def update(inverse, s, y, sy, yy, sbs, first, work):
    """Update the inverse Hessian by the pair s, y.

    ``sy``, ``yy``, ``sbs`` are s.y, y.y and s.Bs, with B the matrix that the step was made with; ``first``: there is
    none yet. ``work`` takes n numbers.
    """
    n = s.size
    if first:
        for i in range(n):
            for j in range(n):
                inverse[i, j] = 0.0
            inverse[i, i] = sy / yy
    elif sy < sbs:
        grow = sbs / sy
        for i in range(n):
            for j in range(n):
                inverse[i, j] *= grow
    rho, yhy = 1.0 / sy, 0.0
    for i in range(n):
        total = 0.0
        for j in range(n):
            total += inverse[i, j] * y[j]
        work[i] = total
        yhy += total * y[i]
    weight = rho * (1.0 + rho * yhy)
    for i in range(n):
        for j in range(i + 1):
            value = inverse[i, j] - rho * (s[i] * work[j] + work[i] * s[j]) + weight * s[i] * s[j]
            inverse[i, j] = value
            inverse[j, i] = value


@jit(fastmath=ELEMENTWISE, inline=True, borrow=True)
def multiply(inverse, g, d):
    """Write -H g into d."""
    n = g.size
    for i in range(n):
        total = 0.0
        for j in range(n):
            total -= inverse[i, j] * g[j]
        d[i] = total
