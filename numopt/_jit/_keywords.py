"""Answers to wrong keywords: the names that there are, and the nearest one, also from the names that peers use."""

import functools
import inspect

# What PyTorch, Optax, SciPy and the literature call a parameter.
_PEERS = {
    "alpha": "slow_step_size, beta",
    "b": "b1, b2, b3, beta1, beta2, beta3, betas",
    "b1": "beta1, beta_1, beta, betas, momentum, decay1",
    "b2": "beta2, beta_2, betas, rho, decay2, decay",
    "b3": "beta3, beta_3, betas",
    "begin": "transition_begin, start",
    "beta": "b1, beta1, momentum, decay",
    "c1": "ftol, mu, armijo",
    "c2": "gtol, eta, curvature",
    "cap": "upper, max",
    "center": "centre, c",
    "count": "k, s, sparsity, nnz",
    "decay": "alpha, rho, beta, beta2, b1, b2, momentum, smoothing",
    "density": "sparsity",
    "disp": "verbose, iprint, verbosity",
    "div": "div_factor",
    "end": "end_value, final, final_value, eta_min",
    "eps": "epsilon, step, h",
    "every": "interval, frequency, delta_t",
    "exponent": "power",
    "factor": "step_size, scale",
    "final_div": "final_div_factor",
    "finite_diff_rel_step": "rel_step, diff_step",
    "ftol": "c1, factr, tolerance_change, ftol_rel, rtol",
    "gtol": "c2, pgtol, tolerance_grad, grad_tol, gtol_abs, tolerance",
    "history": "return_all, trace, log",
    "init": "init_value, initial, initial_value, start_value, base_lr",
    "initial": "initial_accumulator_value, reps_rel, init",
    "k": "every_k_schedule, sync_period, steps, every",
    "labels": "groups, group",
    "largest": "max_norm, maxnorm, norm, limit",
    "layers": "shapes, sizes",
    "learning_rate": "lr, alpha, eta, step_size, stepsize, rate, gamma",
    "limit": "max_delta, clip_value, max_value, largest",
    "linesearch": "line_search, line_search_fn, search",
    "lower": "lb, low, min, xmin, l",
    "max_consecutive": "max_consecutive_errors",
    "max_evals": "maxls, max_iter, maxiter, maxfev, maxfun",
    "max_lr": "max_learning_rate, learning_rate, lr",
    "max_time": "timeout, time_limit, maxtime",
    "maxcor": "memory, m, history_size, memory_size",
    "maxfun": "maxfev, max_nfev, maxeval, max_evals, max_fun",
    "maxiter": "max_iter, max_iterations, iterations, niter, nit, max_steps",
    "maxls": "max_linesearch, max_evals",
    "memory": "m, maxcor, history_size, memory_size, history",
    "momentum": "mu, b1, beta, beta1, decay",
    "normal": "a, vector",
    "offset": "b, bound",
    "onto": "constraint, constraints, set, bounds, projection",
    "patience": "no_improve",
    "peak": "peak_value, max_lr, maxval",
    "penalty": "lam, lambda_, l0, reg",
    "progress": "progress_bar, tqdm, bar",
    "radius": "r, tau, value, scale, z, alpha, c",
    "rate": "decay_rate, gamma",
    "rho": "decay, b2, beta",
    "rule": "optimizer, inner",
    "seed": "random_state, rng, key",
    "shrink": "tau, rho, backtrack, contraction, decrease",
    "state": "init_state, warm_start, resume",
    "steps": "transition_steps, decay_steps, total_steps, t_max, total_iters, num_steps",
    "sum": "scale, value, radius, total, z",
    "target": "f_target, ftarget, stopval, fmin, f_min",
    "upper": "ub, high, max, xmax, u",
    "value": "learning_rate, lr",
    "warmup": "warmup_steps, warmup_epochs",
    "weight": "lam, lambda_, alpha, scale, reg, l1, penalty",
    "weight_decay": "wd, decay, l2, lambda_, weightdecay",
    "x0": "x, start, init, init_params",
    "x_scale": "scale, diag, typical_x",
    "zeta": "fraction, drop_fraction",
}


def nearest(name, known):
    """The names among ``known`` that may be meant by ``name``."""
    import difflib  # only somebody who has erred waits for it

    plain = str(name).lower().strip("_")
    same = [other for other in known if other.replace("_", "") == plain.replace("_", "")]
    peers = [other for other in known if plain in _PEERS.get(other, "").replace("lambda_", "lambda").split(", ")]
    if len(peers) > 1 and "learning_rate" in peers:  # alpha, gamma, eta mean many things; the others fewer
        peers.remove("learning_rate")
    return same or peers or difflib.get_close_matches(plain, known, n=1)


def suggestion(name, known):
    """', did you mean ...?' or an empty string."""
    found = nearest(name, known)
    return f"did you mean {' and '.join(map(repr, found))}? " if found else ""


def wrong_arguments(owner, signature, args, keywords):
    """The message of a TypeError for arguments that a constructor does not take; None if it takes them."""
    try:
        signature.bind(*args, **keywords)
    except TypeError as error:
        complaint = str(error)
    else:
        return None
    names = [name for name in signature.parameters if not name.startswith("_")]  # _cls of named tuples
    names = names[1:] if names[:1] == ["cls"] else names
    takes = f"{owner} takes {', '.join(names) or 'no arguments'}"
    unknown = [name for name in keywords if name not in names]
    if not unknown:
        return f"{owner}: {complaint}; {takes}"
    return f"{owner} has no parameter {unknown[0]!r}: {suggestion(unknown[0], names)}{takes}"


def explained(function, owner=None):
    """Answer wrong arguments of a function, or of the ``__new__`` of the class ``owner``, with the names there are."""

    @functools.wraps(function)
    def call(*args, **kwargs):
        try:
            return function(*args, **kwargs)
        except TypeError:
            message = wrong_arguments(owner or function.__name__, inspect.signature(function), args, kwargs)
            if message is None:  # of something inside
                raise
        raise TypeError(message)

    return call
