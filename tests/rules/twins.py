"""Every rule once more, on whole vectors, as in its paper: ``twin(rule)`` gives ``move(x, g, t)``, the change of x."""

import numpy as np

TWINS = {}


def of(*names):
    def add(make):
        for name in names:
            TWINS[name] = make
        return make

    return add


def twin(rule):
    return TWINS[type(rule).__name__](rule)


def square(z):
    return np.abs(z) ** 2


def sign(z):
    size = np.abs(z)
    return np.where(size == 0, 0, z / np.where(size == 0, 1, size))


def ema(old, new, b):
    return b * old + (1 - b) * new


@of("SGD")
def _(r):
    trace = 0

    def move(x, g, t):
        nonlocal trace
        if r.momentum is None:
            return -r.learning_rate * g
        trace = g + r.momentum * trace
        return -r.learning_rate * (g + r.momentum * trace if r.nesterov else trace)

    return move


@of("Adam", "AdamW", "AMSGrad")
def _(r):
    m = v = largest = 0

    def move(x, g, t):
        nonlocal m, v, largest
        m, v = ema(m, g, r.b1), ema(v, square(g), r.b2)
        top, bottom = m / (1 - r.b1**t), v / (1 - r.b2**t)
        if getattr(r, "nesterov", None):
            top = r.b1 * m / (1 - r.b1 ** (t + 1)) + (1 - r.b1) * g / (1 - r.b1**t)
        if type(r).__name__ == "AMSGrad":
            bottom = largest = np.maximum(largest, bottom)
        u = top / (np.sqrt(bottom + r.eps_root) + r.eps)
        return -r.learning_rate * (u + getattr(r, "weight_decay", 0) * x)

    return move


@of("AdaBelief")
def _(r):
    m = s = 0

    def move(x, g, t):
        nonlocal m, s
        m = ema(m, g, r.b1)
        s = ema(s, square(g - m), r.b2) + r.eps_root
        top = m / (1 - r.b1**t)
        if r.nesterov:
            top = r.b1 * m / (1 - r.b1 ** (t + 1)) + (1 - r.b1) * g / (1 - r.b1**t)
        return -r.learning_rate * top / (np.sqrt(s / (1 - r.b2**t)) + r.eps)

    return move


@of("RAdam")
def _(r):
    m = v = 0

    def move(x, g, t):
        nonlocal m, v
        m, v = ema(m, g, r.b1), ema(v, square(g), r.b2)
        top, end = m / (1 - r.b1**t), 2 / (1 - r.b2) - 1
        rho = end - 2 * t * r.b2**t / (1 - r.b2**t)
        if rho < r.threshold:
            return -r.learning_rate * top
        factor = np.sqrt((rho - 4) * (rho - 2) * end / ((end - 4) * (end - 2) * rho))
        return -r.learning_rate * factor * top / (np.sqrt(v / (1 - r.b2**t) + r.eps_root) + r.eps)

    return move


@of("AdaMax", "AdaMaxW")
def _(r):
    m = v = 0

    def move(x, g, t):
        nonlocal m, v
        m, v = ema(m, g, r.b1), np.maximum(np.abs(g) + r.eps, r.b2 * v)
        return -r.learning_rate * (m / (1 - r.b1**t) / v + getattr(r, "weight_decay", 0) * x)

    return move


@of("Yogi")
def _(r):
    m = v = 1e-6

    def move(x, g, t):
        nonlocal m, v
        m = ema(m, g, r.b1)
        v = v - (1 - r.b2) * np.sign(v - square(g)) * square(g)
        return -r.learning_rate * m / (1 - r.b1**t) / (np.sqrt(v / (1 - r.b2**t)) + r.eps)

    return move


@of("RMSProp")
def _(r):
    v = a = trace = 0

    def move(x, g, t):
        nonlocal v, a, trace
        v, a = ema(v, square(g), r.decay), ema(a, g, r.decay)
        w = np.maximum(v - square(a), 0) if r.centered else v
        d = -r.learning_rate * g / np.sqrt(w + r.eps)
        if r.momentum is None:
            return d
        trace = d + r.momentum * trace
        return d + r.momentum * trace if r.nesterov else trace

    return move


@of("AdaGrad")
def _(r):
    s = r.initial

    def move(x, g, t):
        nonlocal s
        s = s + square(g)
        return np.where(s == 0, 0, -r.learning_rate * g / np.sqrt(s + r.eps))

    return move


@of("AdaDelta")
def _(r):
    e = steps = 0

    def move(x, g, t):
        nonlocal e, steps
        e = ema(e, square(g), r.rho)
        u = g * np.sqrt(steps + r.eps) / np.sqrt(e + r.eps)
        steps = ema(steps, square(u), r.rho)
        return -r.learning_rate * u

    return move


@of("SignSGD")
def _(r):
    return lambda x, g, t: -r.learning_rate * sign(g)


@of("Signum")
def _(r):
    m = 0

    def move(x, g, t):
        nonlocal m
        m = ema(m, g, r.beta)
        return -r.learning_rate * sign(m)

    return move


@of("Lion")
def _(r):
    m = 0

    def move(x, g, t):
        nonlocal m
        u = sign(ema(m, g, r.b1)) + r.weight_decay * x
        m = ema(m, g, r.b2)
        return -r.learning_rate * u

    return move


@of("RProp")
def _(r):
    h = last = None

    def move(x, g, t):
        nonlocal h, last
        if t == 1:
            h, last = np.full(x.size, r.learning_rate), np.zeros_like(x)
        g = g.copy()
        for i in range(x.size):
            agreement = (np.conj(last[i]) * g[i]).real
            if agreement > 0:
                h[i] = min(r.eta[1] * h[i], r.steps[1])
            elif agreement < 0:
                h[i] = max(r.eta[0] * h[i], r.steps[0])
                g[i] = 0
        last = g
        return -h * sign(g)

    return move


@of("Adan")
def _(r):
    b1, b2, b3 = r.b
    m = v = n = 0
    last = None

    def move(x, g, t):
        nonlocal m, v, n, last
        d = g - (g if last is None else last)
        last = g
        m, v, n = ema(m, g, b1), ema(v, d, b2), ema(n, square(g + b2 * d), b3)
        top = m / (1 - b1**t) + b2 * v / (1 - b2**t)
        return -r.learning_rate * (top / (np.sqrt(n / (1 - b3**t) + r.eps_root) + r.eps) + r.weight_decay * x)

    return move


@of("ACProp")
def _(r):
    m = s = 0

    def move(x, g, t):
        nonlocal m, s
        m = ema(m, g, r.b1)
        u = g if t == 1 else g / (np.sqrt(s / (1 - r.b2 ** (t - 1))) + r.eps)
        s = ema(s, square(g - m), r.b2) + r.eps
        return -r.learning_rate * (u + r.weight_decay * x)

    return move


@of("AdEMAMix")
def _(r):
    m = v = slow = 0

    def move(x, g, t):
        nonlocal m, v, slow
        m, v, slow = ema(m, g, r.b1), ema(v, square(g), r.b2), ema(slow, g, r.b3)
        top = m / (1 - r.b1**t) + r.alpha * slow
        return -r.learning_rate * (top / (np.sqrt(v / (1 - r.b2**t) + r.eps_root) + r.eps) + r.weight_decay * x)

    return move


@of("SimplifiedAdEMAMix")
def _(r):
    m = v = 0

    def move(x, g, t):
        nonlocal m, v
        m, v = r.b1 * m + g, ema(v, square(g), r.b2)
        return -r.learning_rate * (m + r.alpha * g) / (np.sqrt(v / (1 - r.b2**t)) + r.eps)

    return move


@of("ADOPT")
def _(r):
    m = v = 0

    def move(x, g, t):
        nonlocal m, v
        old, v = v, square(g) if t == 1 else ema(v, square(g), r.b2)
        if t == 1:
            return 0 * x
        u = g / np.maximum(np.sqrt(old), r.eps)
        m = ema(m, u * np.minimum(1, (t - 1) ** 0.25 / np.abs(u)), r.b1)
        return -r.learning_rate * m

    return move


@of("MADGRAD")
def _(r):
    s = q = 0
    start = None

    def move(x, g, t):
        nonlocal s, q, start
        start = x.copy() if start is None else start
        g, k = g + r.weight_decay * x, (r.learning_rate + r.eps) * np.sqrt(t)
        s, q = s + k * g, q + k * square(g)
        return (1 - r.momentum) * (start - s / (np.cbrt(q) + r.eps) - x)

    return move


@of("COCOB")
def _(r):
    largest, total, reward, direction = r.eps, 0, 0, 0
    start = None

    def move(x, g, t):
        nonlocal largest, total, reward, direction, start
        start = x.copy() if start is None else start
        g = g + r.weight_decay * x
        largest, total = np.maximum(largest, np.abs(g)), total + np.abs(g)
        reward = np.maximum(reward - (np.conj(g) * (x - start)).real, 0)
        direction = direction - g
        bet = direction * (largest + reward) / (largest * np.maximum(total + largest, r.alpha * largest))
        return start + bet - x

    return move


@of("OptimisticGD")
def _(r):
    last = None

    def move(x, g, t):
        nonlocal last
        u = (r.alpha + r.beta) * g - r.beta * (g if last is None else last)
        last = g
        return -r.learning_rate * u

    return move


@of("NovoGrad")
def _(r):
    m = v = 0

    def move(x, g, t):
        nonlocal m, v
        v = np.linalg.norm(g) ** 2 if t == 1 else ema(v, np.linalg.norm(g) ** 2, r.b2)
        m = r.b1 * m + g / (np.sqrt(v) + r.eps) + r.weight_decay * x
        return -r.learning_rate * m

    return move


@of("LAMB")
def _(r):
    m = v = 0

    def move(x, g, t):
        nonlocal m, v
        m, v = ema(m, g, r.b1), ema(v, square(g), r.b2)
        a = m / (1 - r.b1**t) / (np.sqrt(v / (1 - r.b2**t) + r.eps_root) + r.eps) + r.weight_decay * x
        return -r.learning_rate * a * np.linalg.norm(x) / np.linalg.norm(a)

    return move


@of("DoG")
def _(r):
    start, distance, total = None, 0, 0

    def move(x, g, t):
        nonlocal start, distance, total
        if t == 1:
            start, distance = x.copy(), r.initial * (1 + np.linalg.norm(x))
        distance = max(distance, np.linalg.norm(x - start))
        total += np.linalg.norm(g) ** 2
        return -r.learning_rate * g * distance / np.sqrt(total + r.eps)

    return move


@of("DoWG")
def _(r):
    start, square_distance, total = None, r.eps, 0

    def move(x, g, t):
        nonlocal start, square_distance, total
        start = x.copy() if t == 1 else start
        square_distance = max(square_distance, np.linalg.norm(x - start) ** 2)
        total += square_distance * np.linalg.norm(g) ** 2
        return -r.learning_rate * g * square_distance / (np.sqrt(total) + r.eps)

    return move


@of("Prodigy")
def _(r):
    m = v = s = numerator = 0
    start, d = None, r.d0
    b3 = np.sqrt(r.b2) if r.b3 is None else r.b3

    def move(x, g, t):
        nonlocal m, v, s, numerator, start, d
        start = x.copy() if t == 1 else start
        k = d * r.learning_rate * np.sqrt(1 - r.b2**t) / (1 - r.b1**t)
        numerator = b3 * numerator + d / r.d0 * k * np.vdot(g, start - x).real
        m, v, s = ema(m, d * g, r.b1), ema(v, d**2 * square(g), r.b2), b3 * s + d / r.d0 * k * g
        d = max(d, r.coef * numerator / np.abs(s).sum())
        return -k * (m / (np.sqrt(v) + d * r.eps) + r.weight_decay * x)

    return move


# --- transformations: what they make of the update ------------------------------------------------------------------


@of("Scale")
def _(r):
    return lambda x, u, t: r.factor * u


@of("Clip")
def _(r):
    return lambda x, u, t: u * np.minimum(1, r.limit / np.abs(u))


@of("ClipByGlobalNorm")
def _(r):
    return lambda x, u, t: u * min(1, r.largest / np.linalg.norm(u))


@of("AdaptiveClip")
def _(r):
    return lambda x, u, t: u * min(1, r.ratio * max(np.linalg.norm(x), r.eps) / np.linalg.norm(u))


@of("Normalize")
def _(r):
    return lambda x, u, t: u * r.scale / (np.linalg.norm(u) + r.eps)


@of("Centralize")
def _(r):
    def move(x, u, t):
        rows = u.reshape(1 if r.row is None else -1, -1 if r.row is None else int(r.row))
        return (rows - rows.mean(axis=1, keepdims=True)).ravel()

    return move


@of("AddDecayedWeights")
def _(r):
    return lambda x, u, t: u + r.weight_decay * x


@of("Trace")
def _(r):
    trace = 0

    def move(x, u, t):
        nonlocal trace
        trace = u + r.decay * trace
        return u + r.decay * trace if r.nesterov else trace

    return move


@of("EMA")
def _(r):
    m = 0

    def move(x, u, t):
        nonlocal m
        m = ema(m, u, r.decay)
        return m / (1 - r.decay**t) if r.debias else m

    return move


@of("ZeroNonFinite")
def _(r):
    return lambda x, u, t: np.where(np.isfinite(u), u, 0)


@of("KeepNonNegative")
def _(r):
    return lambda x, u, t: np.maximum(x + u, 0) - x


@of("Chain")
def _(r):
    moves = [twin(rule) for rule in r.rules]

    def move(x, u, t):
        for each in moves:
            u = each(x, u, t)
        return u

    return move
