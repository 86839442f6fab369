"""Measure numopt on a GPU: ``python asv_bench/gpu.py [--quick] [--write FILE]``; it says so where there is none.

Every contender does the same step or projection on vectors that stay on the device. The contenders alternate; a time is
that of many calls and the wait for the device, divided by their number, so what the host does between two kernels shows
where it is longer than the kernels. The bandwidth of a copy, of the same vectors in the same round, is the measure.
Peers are optional, and are said to be missing.
"""

import argparse
import functools
import importlib
import os
import sys
import time

import numpy as np
from benchmarks.peers import optax_step
from measure import Row, table

import numopt

ADAM_STREAMS = 7  # m, v, x, g in, m, v, x out
SIZES = (10_000_000, 100_000_000)
SHORT = 1000  # of which the kernels take no time: what is measured is the host
BALL_SIZE = 10_000_000

os.environ.pop("JAX_PLATFORMS", None)  # the other benchmarks keep JAX on the CPU
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # or it takes most of the memory for itself


@functools.cache
def optional(name):
    """The module ``name``, or None, said once, where it cannot be imported or sees no GPU."""
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        print(f"peer missing: {name} ({error})")
        return None
    if name == "jax" and module.default_backend() != "gpu":
        print("peer missing: jax (it sees no GPU)")
        return None
    if name == "torch" and not module.cuda.is_available():
        print("peer missing: torch (it sees no GPU)")
        return None
    return module


# --- time ------------------------------------------------------------------------------------------------------------


def seconds(call, wait, repeats):
    """Of one of many calls, with the wait for the last."""
    wait()
    begun = time.perf_counter()
    for _ in range(repeats):
        call()
    wait()
    return (time.perf_counter() - begun) / repeats


def contest(contenders, rounds, least=0.05):
    """{name: seconds of a call, for each round} of ``{name: (call, wait)}``, alternately; each lasts ``least``."""
    repeats = {}
    for name, (call, wait) in contenders.items():
        call()  # compiles
        repeats[name] = max(1, int(least / max(seconds(call, wait, 3), 1e-7)))
    times = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, (call, wait) in contenders.items():
            times[name].append(seconds(call, wait, repeats[name]))
    return {name: np.array(values) for name, values in times.items()}


# --- contenders: name -> (call, wait), or None where a library is missing --------------------------------------------


def start(n, dtype=np.float64):
    """Parameters and a gradient, on the host."""
    rng = np.random.default_rng(n)
    values = [rng.standard_normal(n) for _ in range(2)]
    if np.dtype(dtype).kind == "c":
        values = [v + 1j * w for v, w in zip(values, values[::-1], strict=True)]
    return [v.astype(dtype) for v in values]


def with_copy(n, dtype=np.float64):
    """A vector copied by the package's kernel, and by the driver."""
    from numopt.cuda.device import copy, cuda

    source = cuda.to_device(start(n, dtype)[0])
    target = cuda.device_array_like(source)
    return {
        "copy": (lambda: copy(source, target), cuda.synchronize),
        "driver's copy": (lambda: target.copy_to_device(source), cuda.synchronize),
    }


def with_numopt(rule, n, dtype=np.float64, in_flight=None):
    """A step of a chain; with so many entries of a thread in flight, if that is given."""
    from numopt.cuda.device import cuda

    x, g = map(cuda.to_device, start(n, dtype))
    opt = rule.init(x)
    if in_flight is not None:
        set_in_flight(opt, in_flight)
    return lambda: opt.update(x, g), cuda.synchronize


def set_in_flight(opt, count):
    """Give an optimizer kernels that hold ``count`` entries of a thread at a time."""
    from numopt.cuda.device import THREADS
    from numopt.cuda.passes import kernels_of
    from numopt.cuda.program import spec_of

    program = opt._program
    program.kernels = kernels_of(spec_of(program.rules, opt.vectors[0][0].dtype)._replace(in_flight=count))
    program.blocks = [kernel.blocks(opt.vectors[0][0].size, program.row, THREADS) for kernel in program.kernels]


def with_torch(n):
    """The fused Adam of PyTorch."""
    torch = optional("torch")
    if torch is None:
        return None
    x, g = (torch.as_tensor(v, device="cuda") for v in start(n))
    x.requires_grad_()
    x.grad = g
    opt = torch.optim.Adam([x], 1e-3, fused=True)
    return opt.step, torch.cuda.synchronize


def with_optax(n, make):
    """A step of Optax; it works in the order of the calls, so to wait for the last is to wait for all."""
    if optional("jax") is None or optional("optax") is None:
        return None
    step, last = optax_step(make, *start(n)), []

    def call():
        last[:] = [step()]

    return call, lambda: [x.block_until_ready() for x in last]


def with_ball(n, part):
    """Numopt's projection onto the l1 ball of ``part`` of the norm of x."""
    from numopt.cuda.device import cuda

    host = start(n)[0]
    x, onto = cuda.to_device(host), numopt.L1Ball(part * float(abs(host).sum()))
    out = cuda.device_array_like(x)
    return lambda: numopt.project(x, onto, out=out), cuda.synchronize


def with_sort(n, part):
    """The same by sorting and cumulated sums, in CuPy."""
    cupy = optional("cupy")
    if cupy is None:
        return None
    host = start(n)[0]
    x, radius = cupy.asarray(host), part * float(abs(host).sum())
    places = cupy.arange(1, n + 1)

    def project():
        a = abs(x)
        ordered = cupy.sort(a)[::-1]
        excess = (cupy.cumsum(ordered) - radius) / places
        threshold = excess[cupy.count_nonzero(ordered > excess) - 1]
        return cupy.sign(x) * cupy.maximum(a - threshold, 0)

    return project, cupy.cuda.Device().synchronize


CLIPPED = "chain(ClipByGlobalNorm, Adam)"


def steps(n):
    """A step of a rule."""
    return {
        "Adam": with_numopt(numopt.Adam(1e-3), n),
        "ACProp": with_numopt(numopt.ACProp(1e-3), n),
        CLIPPED: with_numopt(numopt.chain(numopt.ClipByGlobalNorm(1.0), numopt.Adam(1e-3)), n),
        "torch": with_torch(n),
        "optax": with_optax(n, lambda optax: optax.adam(1e-3)),
    }


def present(contenders):
    """Those that are there."""
    return {name: made for name, made in contenders.items() if made is not None}


# --- rows ------------------------------------------------------------------------------------------------------------


def copy_bandwidth(times, n, itemsize):
    """Bytes a second in each round, of the faster copy."""
    return 2 * itemsize * n / np.minimum(times["copy"], times["driver's copy"])


def bandwidth_row(name, n, times, nbytes, bandwidth, goal=85):
    """The part of a copy's bandwidth that a step of ``nbytes`` reaches."""
    part = 100 * nbytes / times[name] / bandwidth
    text = f" ({1e6 * np.median(times[name]):.4g} us, {nbytes / np.median(times[name]) / 1e12:.3g} TB/s)"
    return Row(f"{name}, n = {n:g}{text}", "copy", goal, part, "%")


def step_rows(n, rounds):
    """Adam and ACProp against a copy, and against PyTorch and Optax."""
    times = contest(with_copy(n) | present(steps(n)), rounds)
    bandwidth = copy_bandwidth(times, n, 8)
    print(f"n = {n:g}: a copy reaches {np.median(bandwidth) / 1e12:.3g} TB/s", flush=True)
    rows = [bandwidth_row(name, n, times, 8 * ADAM_STREAMS * n, bandwidth) for name in ("Adam", "ACProp")]
    rows.append(bandwidth_row(CLIPPED, n, times, 8 * (ADAM_STREAMS + 1) * n, bandwidth, None))
    return rows + peer_rows(f"Adam, n = {n:g}", times)


def short_rows(rounds, n=SHORT):
    """How long the host takes for a step."""
    times = contest(present(steps(n)), rounds)
    told = ", ".join(f"{name} {1e6 * np.median(times[name]):.3g} us" for name in times)
    return peer_rows(f"Adam, n = {n:g} ({told})", times)


def peer_rows(workload, times):
    """Adam against PyTorch's and Optax's."""
    ratios = {peer: times[peer] / times["Adam"] if peer in times else None for peer in ("torch", "optax")}
    return [Row(workload, f"{peer} Adam", 1.0, ratio) for peer, ratio in ratios.items()]


def in_flight_rows(n, rounds):
    """How many entries of a thread should be in flight, for each kind of number."""
    rows = []
    for dtype, nbytes in ((np.float32, 28), (np.float64, 56), (np.complex64, 48), (np.complex128, 96)):
        name = np.dtype(dtype).name
        made = {f"Adam, {name}, {k} in flight": with_numopt(numopt.Adam(1e-3), n, dtype, k) for k in (1, 2, 4)}
        times = contest(with_copy(n, dtype) | made, rounds)
        bandwidth = copy_bandwidth(times, n, np.dtype(dtype).itemsize)
        rows += [bandwidth_row(key, n, times, nbytes * n, bandwidth, None) for key in made]
    return rows


def ball_rows(n, rounds):
    """The l1 ball against a copy and a sort."""
    rows = []
    for part in (1e-3, 0.1, 0.5):
        ball = with_ball(n, part)
        workload = f"L1Ball, n = {n:g}, radius {part} of the 1-norm"
        times = contest(with_copy(n) | present({"ball": ball, "sort": with_sort(n, part)}), rounds)
        floor = 24 * n / copy_bandwidth(times, n, 8)  # read, and read and write
        rows.append(Row(workload, "8 + 16 B a number at the copy's bandwidth", 2, times["ball"] / floor, at_most=True))
        rows.append(Row(workload, "CuPy sort", 10, times["sort"] / times["ball"] if "sort" in times else None))
    return rows


def all_rows(sizes=SIZES, ball=BALL_SIZE, rounds=9):
    """Every row."""
    rows = short_rows(rounds, min(SHORT, *sizes))
    for n in sizes:
        rows += step_rows(n, rounds)
    return rows + in_flight_rows(sizes[0], rounds) + ball_rows(ball, rounds)


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="few rounds, n = 1e7 only")
    parser.add_argument("--write", metavar="FILE", help="write the table there, too")
    chosen = parser.parse_args()
    try:
        from numopt.cuda.device import SIMULATED, require

        require()
    except (ImportError, RuntimeError) as error:
        sys.exit(f"nothing to measure: {error}")
    if SIMULATED:
        sys.exit("nothing to measure: the simulator (NUMBA_ENABLE_CUDASIM) runs kernels as Python")
    numopt.show_config()
    text = table(all_rows(SIZES[:1] if chosen.quick else SIZES, rounds=3 if chosen.quick else 9))
    print(text)
    if chosen.write:
        with open(chosen.write, "w", encoding="utf-8") as file:
            file.write(text)


if __name__ == "__main__":
    main()
