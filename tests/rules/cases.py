"""The rules that every test of rules runs over."""

import numopt as no

RULES = [
    no.SGD(0.1),
    no.SGD(0.1, momentum=0.8),
    no.SGD(0.1, 0.8, nesterov=True),
    no.Adam(0.1),
    no.Adam(0.1, 0.7, 0.8, 1e-3, 1e-2),
    no.NAdam(0.1),
    no.AdamW(0.1, weight_decay=0.3),
    no.NAdamW(0.1, weight_decay=0.3),
    no.AMSGrad(0.1, b2=0.5),
    no.AdaBelief(0.1),
    no.AdaBelief(0.1, nesterov=True),
    no.RAdam(0.1),
    no.RAdam(0.1, b2=0.9, threshold=4.5),
    no.AdaMax(0.1),
    no.AdaMaxW(0.1, weight_decay=0.2),
    no.Yogi(0.1),
    no.RMSProp(0.1),
    no.RMSProp(0.1, centered=True),
    no.RMSProp(0.1, momentum=0.8),
    no.RMSProp(0.1, centered=True, momentum=0.8, nesterov=True),
    no.AdaGrad(0.1),
    no.AdaDelta(),
    no.AdaDelta(0.3, rho=0.8),
    no.SignSGD(0.1),
    no.Signum(0.1),
    no.Lion(0.1),
    no.RProp(0.1),
    no.Adan(0.1),
    no.Adan(0.1, weight_decay=0.2),
    no.ACProp(0.1),
    no.ACProp(0.1, 0.7, 0.8, 1e-4, 0.2),
    no.AdEMAMix(0.1, weight_decay=0.1),
    no.SimplifiedAdEMAMix(0.1, alpha=0.5),
    no.ADOPT(0.1),
    no.MADGRAD(0.1),
    no.MADGRAD(0.1, weight_decay=0.1),
    no.COCOB(),
    no.COCOB(alpha=5.0, weight_decay=0.1),
    no.OptimisticGD(0.1, 1.0, 0.5),
    no.Scale(-0.1),
]

# one NaN makes every entry NaN
OF_NORMS = [
    no.NovoGrad(0.1, weight_decay=0.1),
    no.LAMB(0.1, weight_decay=0.1),
    no.DoG(),
    no.DoWG(2.0),
    no.Prodigy(d0=0.1, weight_decay=0.1),
]

CHAINS = [
    no.chain(no.Clip(0.5), no.SGD(0.1)),
    no.chain(no.Clip(1.0), no.Centralize(), no.Adam(0.1)),
    no.chain(no.ClipByGlobalNorm(1.0), no.ACProp(0.1)),
    no.chain(no.Normalize(), no.SGD(0.1, momentum=0.9)),
    no.chain(no.AdaptiveClip(0.1), no.AdamW(0.1)),
    no.chain(no.Centralize(row=7), no.Adam(0.1)),
    no.chain(no.Trace(0.9), no.ClipByGlobalNorm(0.7), no.Scale(-0.1)),
    no.chain(no.EMA(0.8), no.Centralize(), no.Trace(0.5, nesterov=True), no.Normalize(2.0), no.Scale(-0.1)),
    no.chain(no.Centralize(), no.ClipByGlobalNorm(0.3), no.Adam(0.1)),
    no.chain(no.Trace(0.9), no.Centralize(row=7), no.ClipByGlobalNorm(0.7), no.Scale(-0.1)),
    no.chain(no.AddDecayedWeights(0.1), no.EMA(0.9, debias=False), no.Scale(-0.1)),
]


def label(rule):
    """A short name."""
    text = getattr(rule, "__name__", repr(rule))
    return text if len(text) < 60 else text[:57] + "..."
