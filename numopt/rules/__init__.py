"""First-order rules, transformations and schedules, composed by ``chain``."""

from . import storage  # noqa: F401 (it registers how optimizers are stored)
from .acprop import ACProp
from .adabelief import AdaBelief
from .adagrad import AdaDelta, AdaGrad
from .adam import Adam, AdamW, AMSGrad, NAdam, NAdamW
from .adamax import AdaMax, AdaMaxW
from .adan import Adan
from .ademamix import AdEMAMix, SimplifiedAdEMAMix
from .adopt import ADOPT
from .centralize import Centralize
from .chain import Chain, chain, is_rule
from .clip import AdaptiveClip, Clip, ClipByGlobalNorm, Normalize
from .cocob import COCOB
from .descent import Descent
from .distance import DoG, DoWG, Prodigy
from .gates import AccumulateGradients, SkipNonFinite
from .layerwise import LAMB, NovoGrad
from .lookahead import Lookahead, SlowWeights
from .madgrad import MADGRAD
from .momentum import EMA, Trace
from .noise import AddNoise, NoisySGD
from .optimistic import OptimisticGD
from .optimizer import Optimizer
from .piecewise import (
    join,
    onecycle_cosine,
    onecycle_linear,
    piecewise_constant,
    piecewise_interpolate,
    sgdr,
)
from .radam import RAdam
from .rmsprop import RMSProp
from .rprop import RProp
from .scale import AddDecayedWeights, KeepNonNegative, Scale, ZeroNonFinite
from .schedule_free import Averaged, ScheduleFree
from .schedules import (
    constant,
    cosine_decay,
    exponential_decay,
    linear,
    polynomial,
    warmup_constant,
    warmup_cosine,
    warmup_exponential,
)
from .sgd import SGD
from .sign import Lion, SignSGD, Signum
from .value import PolyakSGD, ReduceOnPlateau
from .yogi import Yogi

__all__ = [
    "ADOPT",
    "COCOB",
    "EMA",
    "LAMB",
    "MADGRAD",
    "SGD",
    "ACProp",
    "AMSGrad",
    "AccumulateGradients",
    "AdEMAMix",
    "AdaBelief",
    "AdaDelta",
    "AdaGrad",
    "AdaMax",
    "AdaMaxW",
    "Adam",
    "AdamW",
    "Adan",
    "AdaptiveClip",
    "AddDecayedWeights",
    "AddNoise",
    "Averaged",
    "Centralize",
    "Chain",
    "Clip",
    "ClipByGlobalNorm",
    "Descent",
    "DoG",
    "DoWG",
    "KeepNonNegative",
    "Lion",
    "Lookahead",
    "NAdam",
    "NAdamW",
    "NoisySGD",
    "Normalize",
    "NovoGrad",
    "OptimisticGD",
    "Optimizer",
    "PolyakSGD",
    "Prodigy",
    "RAdam",
    "RMSProp",
    "RProp",
    "ReduceOnPlateau",
    "Scale",
    "ScheduleFree",
    "SignSGD",
    "Signum",
    "SimplifiedAdEMAMix",
    "SkipNonFinite",
    "SlowWeights",
    "Trace",
    "Yogi",
    "ZeroNonFinite",
    "chain",
    "constant",
    "cosine_decay",
    "exponential_decay",
    "is_rule",
    "join",
    "linear",
    "onecycle_cosine",
    "onecycle_linear",
    "piecewise_constant",
    "piecewise_interpolate",
    "polynomial",
    "sgdr",
    "warmup_constant",
    "warmup_cosine",
    "warmup_exponential",
]
