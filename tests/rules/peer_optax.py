"""What Optax makes of the same gradients; ``python tests/rules/peer_optax.py`` (with Optax) writes the stored table."""

import json
from pathlib import Path

import numpy as np

import numopt as no

TABLE = Path(__file__).parents[1] / "data" / "optax.json"
STEPS, N = 50, 6

# rule, and the same in Optax. Further numbers: the tolerance, if Optax computes less exactly
RULES = {
    "sgd": (no.SGD(0.1), lambda o: o.sgd(0.1)),
    "momentum": (no.SGD(0.1, 0.8), lambda o: o.sgd(0.1, 0.8)),
    "nesterov": (no.SGD(0.1, 0.8, True), lambda o: o.sgd(0.1, 0.8, nesterov=True)),
    "adam": (no.Adam(0.1), lambda o: o.adam(0.1)),
    "adam, all numbers": (no.Adam(0.1, 0.7, 0.8, 1e-3, 1e-2), lambda o: o.adam(0.1, 0.7, 0.8, 1e-3, 1e-2)),
    "nadam": (no.NAdam(0.1), lambda o: o.nadam(0.1)),
    "adamw": (no.AdamW(0.1, weight_decay=0.3), lambda o: o.adamw(0.1, weight_decay=0.3)),
    "nadamw": (no.NAdamW(0.1, weight_decay=0.3), lambda o: o.nadamw(0.1, weight_decay=0.3)),
    "amsgrad": (no.AMSGrad(0.1, b2=0.5), lambda o: o.amsgrad(0.1, b2=0.5)),
    "adabelief": (no.AdaBelief(0.1), lambda o: o.adabelief(0.1)),
    "radam": (no.RAdam(0.1), lambda o: o.radam(0.1)),
    "adamax": (no.AdaMax(0.1), lambda o: o.adamax(0.1)),
    "adamaxw": (no.AdaMaxW(0.1), lambda o: o.adamaxw(0.1)),
    "yogi": (no.Yogi(0.1), lambda o: o.yogi(0.1)),
    "rmsprop": (no.RMSProp(0.1), lambda o: o.rmsprop(0.1)),
    "rmsprop, centered": (no.RMSProp(0.1, centered=True), lambda o: o.rmsprop(0.1, centered=True)),
    "rmsprop, nesterov": (
        no.RMSProp(0.1, momentum=0.8, nesterov=True),
        lambda o: o.rmsprop(0.1, momentum=0.8, nesterov=True),
    ),
    "adagrad": (no.AdaGrad(0.1), lambda o: o.adagrad(0.1)),
    "adadelta": (no.AdaDelta(0.3), lambda o: o.adadelta(0.3)),
    "lion": (no.Lion(0.1), lambda o: o.lion(0.1)),
    "sign": (no.SignSGD(0.1), lambda o: o.sign_sgd(0.1)),
    "optimistic": (no.OptimisticGD(0.1, 1.0, 0.5), lambda o: o.optimistic_gradient_descent(0.1, 1.0, 0.5)),
    "ademamix": (no.AdEMAMix(0.1), lambda o: o.contrib.ademamix(0.1)),
    "adopt": (no.ADOPT(0.1), lambda o: o.contrib.adopt(0.1)),
    "madgrad": (no.MADGRAD(0.1), lambda o: o.contrib.madgrad(0.1), 1e-6),
    "cocob": (no.COCOB(), lambda o: o.contrib.cocob()),
    "novograd": (no.NovoGrad(0.1), lambda o: o.novograd(0.1)),
    "lamb": (no.LAMB(0.1, weight_decay=0.1), lambda o: o.lamb(0.1, weight_decay=0.1)),
    "dog": (no.DoG(), lambda o: o.contrib.dog()),
    "dowg": (no.DoWG(), lambda o: o.contrib.dowg()),
    "prodigy": (no.Prodigy(), lambda o: o.contrib.prodigy()),
    "clip": (no.chain(no.Clip(0.5), no.SGD(0.1)), lambda o: o.chain(o.clip(0.5), o.sgd(0.1))),
    "global norm": (
        no.chain(no.ClipByGlobalNorm(1.0), no.Adam(0.1)),
        lambda o: o.chain(o.clip_by_global_norm(1.0), o.adam(0.1)),
    ),
    "ema, trace": (
        no.chain(no.EMA(0.8), no.Trace(0.5, nesterov=True), no.Scale(-0.1)),
        lambda o: o.chain(o.ema(0.8), o.trace(0.5, nesterov=True), o.scale(-0.1)),
    ),
    "decayed weights": (
        no.chain(no.AddDecayedWeights(0.1), no.SGD(0.1)),
        lambda o: o.chain(o.add_decayed_weights(0.1), o.sgd(0.1)),
    ),
}
# Optax squares, drops a real part, or raises
REAL_ONLY = {"adadelta", "cocob", "madgrad", "clip", "adopt", "prodigy"}

SCHEDULES = {
    "polynomial": (no.polynomial(1.0, 0.1, 2.0, 20, 5), lambda o: o.polynomial_schedule(1.0, 0.1, 2.0, 20, 5)),
    "linear": (no.linear(1.0, 0.1, 20), lambda o: o.linear_schedule(1.0, 0.1, 20)),
    "exponential": (
        no.exponential_decay(1.0, 7, 0.5, 3, True, 0.1),
        lambda o: o.exponential_decay(1.0, 7, 0.5, 3, True, 0.1),
    ),
    "cosine": (no.cosine_decay(1.0, 20, 0.1, 1.5), lambda o: o.cosine_decay_schedule(1.0, 20, 0.1, 1.5)),
    "warm cosine": (
        no.warmup_cosine(0.1, 1.0, 5, 30, 0.01),
        lambda o: o.warmup_cosine_decay_schedule(0.1, 1.0, 5, 30, 0.01),
    ),
    "warm exponential": (
        no.warmup_exponential(0.1, 1.0, 5, 7, 0.5, 3, True, 0.05),
        lambda o: o.warmup_exponential_decay_schedule(0.1, 1.0, 5, 7, 0.5, 3, True, 0.05),
    ),
    "steps": (
        no.piecewise_constant(1.0, {5: 0.5, 20: 0.1}),
        lambda o: o.piecewise_constant_schedule(1.0, {5: 0.5, 20: 0.1}),
    ),
    "interpolated": (
        no.piecewise_interpolate("cosine", 1.0, {5: 0.5, 20: 3.0}),
        lambda o: o.piecewise_interpolate_schedule("cosine", 1.0, {5: 0.5, 20: 3.0}),
    ),
    "one cycle": (no.onecycle_linear(40, 1.0), lambda o: o.linear_onecycle_schedule(40, 1.0)),
    "one cosine": (no.onecycle_cosine(40, 1.0), lambda o: o.cosine_onecycle_schedule(40, 1.0)),
    "join": (
        no.join([no.linear(0.0, 1.0, 10), no.cosine_decay(1.0, 20)], [10]),
        lambda o: o.join_schedules([o.linear_schedule(0.0, 1.0, 10), o.cosine_decay_schedule(1.0, 20)], [10]),
    ),
    "sgdr": (
        no.sgdr([{"init": 0, "peak": 1, "warmup": 5, "steps": 20}, {"init": 0, "peak": 0.5, "warmup": 2, "steps": 15}]),
        lambda o: o.sgdr_schedule(
            [
                {"init_value": 0, "peak_value": 1, "warmup_steps": 5, "decay_steps": 20},
                {"init_value": 0, "peak_value": 0.5, "warmup_steps": 2, "decay_steps": 15},
            ]
        ),
    ),
}
COUNTS = range(50)


def sequences(dtype):
    """The start and the gradients."""
    rng = np.random.default_rng(11)
    values = rng.standard_normal((STEPS + 1, N))
    if dtype is complex:
        values = values + 1j * rng.standard_normal((STEPS + 1, N))
    return values[0], values[1:] * np.geomspace(0.1, 10, STEPS)[:, None]


def runs():
    """Name, dtype and rule of every run."""
    for name, (rule, *_) in RULES.items():
        for dtype in (float,) if name in REAL_ONLY else (float, complex):
            yield name, dtype, rule


def ours(rule, dtype):
    """The last x."""
    x, gradients = sequences(dtype)
    opt = rule.init(x)
    for g in gradients:
        opt.update(x, g)
    return x


def theirs(optax, name, dtype):
    """Optax's last x."""
    x, gradients = sequences(dtype)
    rule = RULES[name][1](optax)
    state = rule.init(x)
    for g in gradients:
        u, state = rule.update(g, state, x)
        x = np.asarray(x + u)
    return x


def table(optax):
    """Everything, as it is stored."""
    found = {f"{name}, {dtype.__name__}": theirs(optax, name, dtype) for name, dtype, _ in runs()}
    schedules = {name: [float(make(optax)(c)) for c in COUNTS] for name, (_, make) in SCHEDULES.items()}
    return {"rules": {key: x.view(float).tolist() for key, x in found.items()}, "schedules": schedules}


if __name__ == "__main__":
    import jax
    import optax
    import optax.contrib

    jax.config.update("jax_enable_x64", True)
    TABLE.parent.mkdir(exist_ok=True)
    TABLE.write_text(json.dumps({"optax": optax.__version__, **table(optax)}, indent=0) + "\n")
