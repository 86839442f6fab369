"""How optimizers are stored: the names of their parts, and what a stored state may hold (:mod:`numopt._storage`)."""

import numpy as np

from .._input import misfit
from .._jit import Record
from .._storage import between, no_nan, store_as, stored_in, value_of, vector_of
from ..ask_tell import F, check_progress
from ..generic import accepts, numbers, vectors
from .chain import Chain, is_rule
from .descent import BEST, GTOL, Descent, new_core
from .ending import ends
from .optimizer import Optimizer
from .passes import needs_buffer
from .update import COUNT, SCALARS, SIZE

_DTYPES = np.float32, np.float64, np.complex64, np.complex128
_MOST = 2.0**53  # whole numbers up to this have a place among the float64

# --- an optimizer ----------------------------------------------------------------------------------------------------

_OPTIMIZER = {
    "rules": "rules",
    "vectors": "vectors",  # by the names that `Optimizer.state` shows
    "numbers": "numbers",
    "scalars": "scalars",
    "buffer": "buffer",
}


def _like_optimizer(parts):
    rules = value_of(parts["rules"], "rules")
    if not (isinstance(rules, tuple) and rules and all(is_rule(r) or ends(r) for r in rules)):
        raise ValueError(f"rules must be a chain of rules, got {rules!r}")
    Chain(rules).checked()
    buffer, scalars = vector_of(parts, "buffer", _DTYPES), vector_of(parts, "scalars", (np.float64,))
    if scalars.shape != (SCALARS,):
        raise ValueError(f"scalars must be float64 of shape ({SCALARS},), got shape {scalars.shape}")
    between(0.0, _MOST, scalars=scalars[[COUNT, SIZE]])
    if not np.array_equal(scalars[[COUNT, SIZE]], np.floor(scalars[[COUNT, SIZE]])):
        raise ValueError(f"scalars must begin with whole numbers, got {scalars[[COUNT, SIZE]]}")
    n = int(scalars[SIZE])
    reason = _misfit_at_end(rules, n, buffer.dtype)
    if reason:
        raise ValueError(f"rules: {reason}")
    # x itself is not known, and may be long: a short one has states of the same kinds
    short = np.zeros(1, buffer.dtype)
    kept = tuple(vectors(rule, short) for rule in rules)
    room = _of_length(short, n if needs_buffer(rules, kept) else 0)
    return rules, _of_length(kept, n), tuple(numbers(rule, short) for rule in rules), scalars, room


def _misfit_at_end(rules, n, dtype):
    last = rules[-1]
    if not ends(last):
        return None
    if not accepts(last, n):
        return f"{last!r} is not for vectors of {n} entries"
    return misfit(last, dtype.kind == "c")


def _of_length(kept, n):
    """The same state vectors with n entries, which take no memory."""
    if isinstance(kept, np.ndarray):
        return np.broadcast_to(kept.dtype.type(0), n)
    if isinstance(kept, tuple) and not isinstance(kept, Record):
        made = [_of_length(v, n) for v in kept]
        return type(kept)._make(made) if hasattr(kept, "_fields") else tuple(made)
    return kept


def _check_optimizer(values):
    rules, states, held, _, _ = values
    for rule, kept, number in zip(rules, states, held, strict=True):
        rule_check = getattr(rule, "check_state", None)
        if rule_check is not None:
            rule_check(kept, number)


store_as(Optimizer, "Optimizer", _OPTIMIZER, _like_optimizer, _check_optimizer)

# --- rules as a method of minimize -----------------------------------------------------------------------------------

_DESCENT = {
    "core.trial": "trial",
    "core.x": "x",
    "core.best": "best",
    "core.best_grad": "best_gradient",
    "core.room": "room",
    "core.scalars": "scalars",
    "core.counters": "counters",
    "parameters": "optimizer",
    "prototype": "like",
}


def _like_descent(parts):
    prototype = vector_of(parts, "like", (np.float64, np.complex128))[:0].copy()
    opt = stored_in(parts["optimizer"], Optimizer, "optimizer")
    if opt.buffer.dtype != prototype.dtype:
        raise ValueError(f"optimizer must be for {prototype.dtype}, got one for {opt.buffer.dtype}")
    n = int(opt.scalars[SIZE]) * (2 if prototype.dtype.kind == "c" else 1)
    if vector_of(parts, "x", (np.float64,)).size != n:
        raise ValueError(f"x must be float64 of shape ({n},), as the optimizer has it, got shape {parts['x'].shape}")
    return new_core(np.zeros(n), 0.0, 0, 1), opt, prototype


def _check_descent(values):
    core = values[0]
    finite_start = check_progress(core)
    between(0, np.inf, counters=core.counters)
    if finite_start:
        no_nan(x=core.x, best=core.best, best_gradient=core.best_grad, scalars=core.scalars[[F, BEST, GTOL]])


store_as(Descent, "Descent", _DESCENT, _like_descent, _check_descent)
