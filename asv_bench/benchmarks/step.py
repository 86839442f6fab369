"""One step of first-order rules: against optax, torch and the floor of reading and writing; inside ``@njit``."""

import numba
import numpy as np

import numopt
from numopt.rules.update import serial_update

from . import peers

SIZES = (1_000, 100_000, 10_000_000)
STEPS_INSIDE = 1000


@numba.njit(cache=True, error_model="numpy", fastmath={"contract"})
def seven_streams(m, v, x, g):
    """Adam's traffic, four vectors read and three written, with next to no arithmetic."""
    for i in range(x.size):
        a, b = m[i] + g[i], v[i] + g[i]
        m[i], v[i] = a, b
        x[i] += a


def with_floor(n):
    """The floor."""
    x, g = start(n)
    m, v, g = np.zeros_like(x), np.zeros_like(x), 1e-9 * g
    return lambda: seven_streams(m, v, x, g)


def start(n):
    """Parameters and a gradient."""
    rng = np.random.default_rng(n)
    return rng.normal(size=n), rng.normal(size=n)


def with_numopt(n, rule):
    """A step from Python, on one thread: for long vectors the call would take all."""
    x, g = start(n)
    opt = rule.init(x)
    return lambda: serial_update(opt, x, g, None)


def with_optax(n, make):
    """A step, to its end."""
    step = peers.optax_step(make, *start(n))
    return step and (lambda: step().block_until_ready())


def with_torch(n):
    """A step of the fused Adam."""
    torch = peers.optional("torch")
    if torch is None:
        return None
    torch.set_num_threads(1)
    x, g = (torch.from_numpy(v) for v in start(n))
    x.requires_grad_(True)
    x.grad = g
    return torch.optim.Adam([x], lr=1e-3, fused=True).step


def with_numpy(n):
    """Adam in NumPy."""
    x, g = start(n)
    m, v, t = np.zeros(n), np.zeros(n), [0]

    def step():
        t[0] += 1
        m[:] = 0.9 * m + 0.1 * g
        v[:] = 0.999 * v + 0.001 * g * g
        x[:] -= 1e-3 * (m / (1 - 0.9 ** t[0])) / (np.sqrt(v / (1 - 0.999 ** t[0])) + 1e-8)

    return step


def _chain():
    return numopt.chain(numopt.Clip(1.0), numopt.Centralize(), numopt.Adam(1e-3))


CONTENDERS = {
    "floor": with_floor,
    "Adam": lambda n: with_numopt(n, numopt.Adam(1e-3)),
    "ACProp": lambda n: with_numopt(n, numopt.ACProp(1e-3)),
    "chain": lambda n: with_numopt(n, _chain()),
    "clipped": lambda n: with_numopt(n, numopt.chain(numopt.ClipByGlobalNorm(1.0), numopt.Adam(1e-3))),
    "optax Adam": lambda n: with_optax(n, lambda o: o.adam(1e-3)),
    "optax clipped": lambda n: with_optax(n, lambda o: o.chain(o.clip_by_global_norm(1.0), o.adam(1e-3))),
    # optax's centralize leaves vectors alone: what it does to the rows of a matrix, written out
    "optax chain": lambda n: with_optax(
        n, lambda o: o.chain(o.clip(1.0), o.stateless(lambda g, _: g - g.mean()), o.adam(1e-3))
    ),
    "torch Adam": with_torch,
    "NumPy Adam": with_numpy,
}


@numba.njit(cache=True)
def steps_inside(opt, x, g, count):
    """The loop of steps in compiled code."""
    for _ in range(count):
        opt.update(x, g)


class Step:
    """From Python, one thread."""

    params = (list(SIZES), list(CONTENDERS))
    param_names = ("n", "contender")

    def setup(self, n, contender):
        """Prepare the step."""
        self.step = CONTENDERS[contender](n)
        if self.step is None:
            raise NotImplementedError("peer missing")
        self.step()

    def time_step(self, n, contender):
        """One."""
        self.step()


class Inside:
    """Ten entries inside ``@njit``."""

    params = ("Adam", "ACProp", "SGD")
    param_names = ("rule",)

    def setup(self, rule):
        """Compile the loop."""
        self.x, self.g = start(10)
        self.opt = getattr(numopt, rule)(1e-3).init(self.x)
        steps_inside(self.opt, self.x, self.g, 1)

    def time_1000_steps(self, rule):
        """The loop."""
        steps_inside(self.opt, self.x, self.g, STEPS_INSIDE)

    def time_step_from_python(self, rule):
        """One call."""
        self.opt.update(self.x, self.g)
