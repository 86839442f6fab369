"""Whether a gradient is right; for complex vectors, whether it is the gradient that this package means."""

from dataclasses import dataclass, field

import numpy as np

from ._input import start_vector
from ._jit import python_only
from .objective import Objective

# Of the step of the fourth-order formula below, a power of the precision of f; its error is then about eps^(4/5).
_STEP_POWER = 1 / 5
_MOST_ENTRIES = 200  # real unknowns that are checked one by one; of a longer vector, as many at random

# What people hand in instead, and what it is of the right gradient g.
_MISTAKES = {
    "conjugated": (np.conj, "it is the conjugate (what JAX's grad returns): pass its conjugate"),
    "halved": (lambda g: g / 2, "it is half of it (the derivative with respect to conj z): multiply it by 2"),
    "conjugated and halved": (
        lambda g: np.conj(g) / 2,
        "it is half of its conjugate (the Wirtinger derivative d/dz): conjugate it and multiply it by 2",
    ),
    "doubled": (lambda g: 2 * g, "it is twice of it: a factor 1/2 is missing"),
    "negated": (np.negative, "it is its negative"),
}


@dataclass(frozen=True, eq=False)
class GradientReport:
    """What :func:`check_gradient` found; true if the gradient is right, readable as text.

    Attributes
    ----------
    verdict : str
        'right', 'conjugated', 'halved', 'conjugated and halved', 'doubled', 'negated', 'wrong entries', 'wrong',
        'not finite', or 'hidden' if no difference of f would show whether it is right.
    error : float
        The largest difference between the given and the numerical gradient, relative to the largest entry of the
        latter.
    entries : ndarray of int
        Where they differ.
    given, numerical : ndarray
        Both gradients at the entries checked.
    checked : ndarray of int
        Which entries these are.
    message : str
        What is wrong and what to do.
    """

    verdict: str
    error: float
    message: str
    entries: np.ndarray = field(default_factory=lambda: np.empty(0, int))
    given: np.ndarray = field(default_factory=lambda: np.empty(0))
    numerical: np.ndarray = field(default_factory=lambda: np.empty(0))
    checked: np.ndarray = field(default_factory=lambda: np.empty(0, int))

    def __bool__(self):
        return self.verdict == "right"

    def __str__(self):
        lines = [f"gradient {self.verdict} (relative error {self.error:.1e}): {self.message}"]
        where = dict(zip(self.checked.tolist(), range(self.checked.size), strict=True))
        for k in self.entries[:10]:
            lines.append(f"  entry {k}: given {self.given[where[k]]:.8g}, numerical {self.numerical[where[k]]:.8g}")
        if self.entries.size > 10:
            lines.append(f"  and {self.entries.size - 10} more")
        return "\n".join(lines)


@python_only(
    "check_gradient is called from Python, also for a compiled function: check it before compiled code uses it"
)
def check_gradient(fun, x, jac=True, args=(), rtol=1e-5, seed=0):
    r"""Compare a gradient with finite differences at a point.

    For complex x the gradient that this package means is g = df/dRe(x) + i df/dIm(x). If what is given is not that, but
    its conjugate, or half of it, the report says so.

    Parameters
    ----------
    fun, jac, args
        As in :func:`minimize`: ``jac`` is True, a callable or 'inplace'.
    x : array_like, shape (n,)
        The point, real or complex. Choose a general one: at a minimum every gradient is small, and with real entries
        only a conjugate cannot be seen.
    rtol : float
        Largest difference allowed, relative to the largest entry of the numerical gradient; at least what the
        differences resolve: 3e-5 where f is float32.
    seed : int
        Which entries are checked, where there are more than 200.

    Returns
    -------
    GradientReport
        True as a bool if the gradient is right; ``print`` it.

    Raises
    ------
    ValueError, TypeError
        For what :func:`minimize` refuses, too; and if ``jac`` gives no gradient to check.

    Notes
    -----
    Fourth-order central differences, four values of f for each real and imaginary part; steps follow the precision
    of f, float64 or float32.

    Examples
    --------
    >>> import numpy as np
    >>> import numopt as no
    >>> def fun(z):
    ...     return np.sum(abs(z) ** 2), 2 * np.conj(z)
    >>> report = no.check_gradient(fun, np.array([1 + 2j, 3 - 1j]))
    >>> bool(report), report.verdict
    (False, 'conjugated')
    """
    if jac is None or jac in ("2-point", "3-point"):
        raise ValueError(f"check_gradient: jac={jac!r} gives no gradient of yours to check")
    x = start_vector(x, "x")
    objective = Objective(fun, jac, args, x)
    f, g, precision = objective.evaluate_with_precision(x)
    g = g.copy()
    if not (np.isfinite(f) and np.isfinite(g).all()):
        return GradientReport("not finite", np.inf, f"f = {f} or its gradient is not finite at x; choose another point")
    checked = _entries_to_check(x, seed)
    rtol = max(rtol, 10 * precision ** (1 - _STEP_POWER))
    longest = precision**_STEP_POWER
    numerical, noise = _differences(objective, x, checked, f, longest, precision)
    if g[checked].any() and not (numerical.any() or _changes(objective, x, checked, f, longest)):
        advice = "f did not change over any step: let f return all its digits, or choose another point"
        found = {"given": g[checked], "numerical": numerical, "checked": checked, "entries": checked}
        return GradientReport("hidden", float(np.max(abs(g[checked]))), advice, **found)
    for step in longest / 10, longest / 100:  # too long a step for a variable that f is sensitive to
        poor = np.flatnonzero(~_agrees(g[checked], numerical, rtol, noise))
        finer, finer_noise = _differences(objective, x, checked[poor], f, step, precision)
        closer = poor[abs(g[checked[poor]] - finer) < abs(g[checked[poor]] - numerical[poor])]
        kept = np.isin(poor, closer)
        numerical[closer], noise[closer] = finer[kept], finer_noise[kept]
    return _judge(g[checked], numerical, checked, rtol, noise)


def _entries_to_check(x, seed):
    most = _MOST_ENTRIES // (2 if np.iscomplexobj(x) else 1)
    if x.size <= most:
        return np.arange(x.size)
    return np.sort(np.random.default_rng(seed).choice(x.size, most, replace=False))


def _differences(objective, x, checked, f, relative, precision):
    """(numerical gradient, its error by rounding), entry by entry."""
    parts = 2 if np.iscomplexobj(x) else 1
    point = x.copy()
    reals = point.view(float)
    slopes, noise = np.empty((checked.size, parts)), np.empty(checked.size)
    for row, k in enumerate(checked):
        for part in range(parts):
            i = parts * k + part
            origin = reals[i]
            step = relative * max(abs(origin), 1.0)
            values = []
            for multiple in (-2, -1, 1, 2):
                reals[i] = origin + multiple * step
                values.append(objective.evaluate(point)[0])
            reals[i] = origin
            slopes[row, part] = (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * step)
        noise[row] = 10 * precision * abs(f) / step
    return (slopes.view(complex)[:, 0] if parts == 2 else slopes[:, 0]), noise


def _changes(objective, x, checked, f, relative):
    """Whether f differs, in any bit, over a step in one of the entries."""
    point = x.copy()
    for k in checked:
        for unit in (1.0, 1j) if np.iscomplexobj(x) else (1.0,):
            point[k] = x[k] + unit * relative * max(abs(x[k]), 1.0)
            if objective.evaluate(point)[0] != f:
                return True
        point[k] = x[k]
    return False


def _agrees(given, expected, rtol, noise):
    # a NaN agrees with nothing
    return abs(given - expected) <= rtol * np.max(abs(expected), initial=0.0) + noise


def _judge(given, numerical, checked, rtol, noise):
    scale = float(np.max(abs(numerical), initial=0.0))
    wrong = ~_agrees(given, numerical, rtol, noise)
    error = (
        float(np.max(abs(given - numerical), initial=0.0) / scale)
        if scale > 0
        else float(np.max(abs(given), initial=0.0))
    )
    found = {"given": given, "numerical": numerical, "checked": checked, "entries": checked[wrong]}
    if 0.0 < np.max(abs(given), initial=0.0) <= np.max(noise, initial=0.0):
        advice = "rounding of f hides slopes as small as these: subtract a constant from f, or choose another point"
        return GradientReport("hidden", error, advice, **found)
    if not wrong.any():
        return GradientReport("right", error, f"{checked.size} entries agree with finite differences", **found)
    for verdict, (mistake, advice) in _MISTAKES.items():
        if _agrees(given, mistake(numerical), rtol, noise).all():
            return GradientReport(verdict, error, advice, **found)
    if wrong.sum() <= max(1, wrong.size // 2):
        where = ", ".join(map(str, checked[wrong][:10]))
        return GradientReport("wrong entries", error, f"the others agree; check the entries {where}", **found)
    return GradientReport(
        "wrong", error, "it does not agree with finite differences, nor with a usual mistake", **found
    )
