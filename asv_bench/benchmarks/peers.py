"""The workloads and the solvers that are compared, each as ``solve(x0) -> (x, evaluations)``.

All stop when no entry of the gradient exceeds 1e-5, with ten pairs; liblbfgs, which has no such test, when
|g| <= 1e-5 max(1, |x|). A maker of solvers returns None where its library is missing, and says so once.
"""

import functools
import importlib

import numba
import numpy as np
import scipy.optimize

import numopt

GTOL, MEMORY, LIMIT = 1e-5, 10, 100_000


@functools.cache
def optional(name):
    """The module ``name``, or None, said once, where it cannot be imported."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        print(f"peer missing: {name} ({error})")
        return None


def optax_step(make, x, g):
    """A jitted step of the rule ``make(optax)`` with donated buffers; it gives x, which may not be there yet."""
    jax, optax = optional("jax"), optional("optax")
    if jax is None or optax is None:
        return None
    jax.config.update("jax_enable_x64", True)
    rule = make(optax)
    x, g = jax.numpy.asarray(x), jax.numpy.asarray(g)
    carried = [x, rule.init(x)]

    @functools.partial(jax.jit, donate_argnums=(0, 1))
    def step(x, state, g):
        u, state = rule.update(g, state, x)
        return optax.apply_updates(x, u), state

    def call():
        carried[:] = step(*carried, g)
        return carried[0]

    return call


def starts(n, count):
    """Starts (-1.2, 1, -1.2, 1, ...) + 0.1 N(0, 1)."""
    rng = np.random.default_rng(n)
    return [np.resize([-1.2, 1.0], n) + 0.1 * rng.normal(size=n) for _ in range(count)]


@numba.njit(cache=True, fastmath={"reassoc", "contract", "nsz"})
def rosenbrock_inplace(x, g):
    """Sum over i of 100 (x_{i+1} - x_i^2)^2 + (1 - x_i)^2; the gradient goes into g, in one pass."""
    f, carried = 0.0, 0.0
    for i in range(x.size - 1):
        a, b = x[i + 1] - x[i] * x[i], 1.0 - x[i]
        f += 100.0 * a * a + b * b
        g[i] = carried - 400.0 * x[i] * a - 2.0 * b
        carried = 200.0 * a
    g[x.size - 1] = carried
    return f


@numba.njit(cache=True)
def rosenbrock(x):
    """The pair (f, g)."""
    g = np.empty(x.size)
    return rosenbrock_inplace(x, g), g


def rosenbrock_in_python(x):
    """The same as a Python function, whose own time is little."""
    return rosenbrock(x)


def rosenbrock_in_jax(x):
    """The value alone; JAX differentiates."""
    return (100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2).sum()


def with_numopt(fun=rosenbrock, jac=True, maxiter=LIMIT, args=(), gtol=GTOL):
    """numopt.minimize."""
    options = {"maxcor": MEMORY, "ftol": 0.0, "gtol": gtol, "maxiter": maxiter, "maxfun": LIMIT}

    def solve(x0):
        result = numopt.minimize(fun, x0, args=args, jac=jac, options=options)
        return result.x, result.nfev

    return solve


def with_scipy(fun=rosenbrock, maxiter=LIMIT, args=(), gtol=GTOL):
    """SciPy's L-BFGS-B."""
    options = {"maxcor": MEMORY, "ftol": 0.0, "gtol": gtol, "maxiter": maxiter, "maxfun": LIMIT}

    def solve(x0):
        result = scipy.optimize.minimize(fun, x0, args=args, jac=True, method="L-BFGS-B", options=options)
        return result.x, result.nfev

    return solve


def with_optax(fun=rosenbrock_in_jax, maxiter=LIMIT):
    """optax.lbfgs with its default zoom line search; the whole loop is jitted."""
    jax, optax = optional("jax"), optional("optax")
    if jax is None or optax is None:
        return None
    jax.config.update("jax_enable_x64", True)
    optimizer = optax.lbfgs(memory_size=MEMORY)
    value_and_gradient = optax.value_and_grad_from_state(fun)

    def unfinished(carry):
        _, state, nit, _ = carry
        peak = abs(optax.tree_utils.tree_get(state, "grad")).max()
        return (nit == 0) | ((nit < maxiter) & (peak > GTOL))

    def step(carry):
        x, state, nit, nfev = carry
        f, g = value_and_gradient(x, state=state)
        update, state = optimizer.update(g, state, x, value=f, grad=g, value_fn=fun)
        nfev += optax.tree_utils.tree_get(state, "num_linesearch_steps")
        return optax.apply_updates(x, update), state, nit + 1, nfev

    @jax.jit
    def loop(x):
        # the first step evaluates f and g, the later ones take them from the line search
        return jax.lax.while_loop(unfinished, step, (x, optimizer.init(x), 0, 1))

    def solve(x0):
        x, _, _, nfev = loop(x0)
        return np.asarray(x), int(nfev)

    return solve


def with_torch(fun=rosenbrock, maxiter=LIMIT):
    """torch.optim.LBFGS with the same jitted objective and strong Wolfe conditions."""
    torch = optional("torch")
    if torch is None:
        return None
    torch.set_num_threads(1)

    def solve(x0):
        x = torch.from_numpy(x0.copy())
        optimizer = torch.optim.LBFGS(
            [x],
            lr=1.0,
            max_iter=maxiter,
            max_eval=LIMIT,
            tolerance_grad=GTOL,
            tolerance_change=0.0,
            history_size=MEMORY,
            line_search_fn="strong_wolfe",
        )
        view, nfev = x.numpy(), [0]

        def closure():
            f, g = fun(view)
            nfev[0] += 1
            x.grad = torch.from_numpy(g)
            return f

        optimizer.step(closure)
        return view, nfev[0]

    return solve


def with_liblbfgs(fun=rosenbrock_inplace, maxiter=LIMIT):
    """Run liblbfgs through PyLBFGS, with the same jitted objective called through Python."""
    lbfgs = optional("lbfgs")
    if lbfgs is None:
        return None

    def solve(x0):
        nfev = [0]

        def evaluate(x, g):
            nfev[0] += 1
            return fun(x, g)

        limit = 0 if maxiter >= LIMIT else maxiter
        x = lbfgs.fmin_lbfgs(evaluate, x0, m=MEMORY, epsilon=GTOL, max_iterations=limit)
        return x, nfev[0]

    return solve


SOLVERS = {
    "numopt": with_numopt,
    "numopt inplace": functools.partial(with_numopt, rosenbrock_inplace, "inplace"),
    "SciPy": with_scipy,
    "optax": with_optax,
    "torch": with_torch,
    "liblbfgs": with_liblbfgs,
}
