"""The line search of More and Thuente: sufficient decrease and curvature, with guaranteed progress.

J. J. More and D. J. Thuente, Line search algorithms with guaranteed sufficient decrease, ACM TOMS 20 (1994) 286-307;
constants and order of tests as in MINPACK-2's dcsrch. The paper's mu is ``ftol``, its eta ``gtol``.
"""

from .._jit import jit, record
from ..generic import advance, begin, decrease_constant, first_step
from .interpolate import cubic_minimizer, cubic_ratio, quadratic_minimizer, secant_minimizer
from .safeguard import ACCEPTED, OWN, PHI0, SEARCHING, SLOPE0, STOPPED, WALL

# The search's own entries of the state. [LOWER, UPPER] is the interval of uncertainty once BRACKETED is 1;
# LOWER is its best end, and UPPER may lie on either side of it.
BRACKETED = OWN
STAGE = OWN + 1  # 1: on psi(alpha) = phi(alpha) - phi(0) - ftol alpha phi'(0); 2: on phi
LOWER, PHI_LOWER, SLOPE_LOWER = OWN + 2, OWN + 3, OWN + 4
UPPER, PHI_UPPER, SLOPE_UPPER = OWN + 5, OWN + 6, OWN + 7
SMALLEST, LARGEST = OWN + 8, OWN + 9  # where the next trial may lie
WIDTH, OLD_WIDTH = OWN + 10, OWN + 11  # lengths of the interval after the last two trials

_EXTRAPOLATE_LEAST, _EXTRAPOLATE_MOST = 1.1, 4.0
_SHRINK = 0.66  # bisect unless two trials shrink the interval at least this much


@record
class MoreThuente:
    """Line search with strong Wolfe conditions, by safeguarded cubic interpolation (the default).

    Accepts alpha if phi(alpha) <= phi(0) + ftol alpha phi'(0) and |phi'(alpha)| <= gtol |phi'(0)|.

    Parameters
    ----------
    ftol : float
        Constant of sufficient decrease, 0 < ftol <= gtol; the paper's mu.
    gtol : float
        Constant of the curvature condition, below 1; the paper's eta.
    xtol : float
        Stop when the interval of uncertainty is relatively shorter than this.
    stpmin, stpmax : float
        Bounds on the step.
    max_evals : float
        Finite trials at most.

    References
    ----------
    J. J. More and D. J. Thuente, ACM TOMS 20 (1994) 286-307.
    """

    ftol: float = 1e-3
    gtol: float = 0.9
    xtol: float = 0.1
    stpmin: float = 0.0
    stpmax: float = 1e10
    max_evals: float = 20

    def check(self):
        """Raise ValueError for constants that make no sense."""
        if not 0 < self.ftol <= self.gtol < 1:
            raise ValueError(f"MoreThuente: 0 < ftol <= gtol < 1 is needed, got ftol={self.ftol}, gtol={self.gtol}")
        if not self.xtol >= 0:
            raise ValueError(f"MoreThuente: xtol must not be negative, got {self.xtol}")
        if not 0 <= self.stpmin < self.stpmax:
            raise ValueError(
                f"MoreThuente: 0 <= stpmin < stpmax is needed, got stpmin={self.stpmin}, stpmax={self.stpmax}"
            )
        if not self.max_evals >= 1:
            raise ValueError(f"MoreThuente: max_evals must be at least 1, got {self.max_evals}")


@decrease_constant.register(MoreThuente)
def _decrease_constant(search):
    return search.ftol


@first_step.register(MoreThuente)
def _first_step(search, natural, previous):
    return min(max(natural, search.stpmin), search.stpmax)


@begin.register(MoreThuente)
def _begin(search, state, alpha):
    state[BRACKETED], state[STAGE] = 0.0, 1.0
    state[LOWER], state[PHI_LOWER], state[SLOPE_LOWER] = 0.0, state[PHI0], state[SLOPE0]
    state[UPPER], state[PHI_UPPER], state[SLOPE_UPPER] = 0.0, state[PHI0], state[SLOPE0]
    state[SMALLEST], state[LARGEST] = 0.0, alpha + _EXTRAPOLATE_MOST * alpha
    state[WIDTH] = search.stpmax - search.stpmin
    state[OLD_WIDTH] = 2.0 * state[WIDTH]


@advance.register(MoreThuente)
def _advance(search, state, alpha, phi, slope):
    demanded = search.ftol * state[SLOPE0]
    limit = state[PHI0] + alpha * demanded
    if state[STAGE] == 1.0 and phi <= limit and slope >= 0.0:
        state[STAGE] = 2.0
    if phi <= limit and abs(slope) <= -search.gtol * state[SLOPE0]:
        return ACCEPTED, alpha
    largest = min(search.stpmax, state[WALL])
    if alpha >= largest and phi <= limit and slope <= demanded:
        return ACCEPTED, alpha  # the largest step is allowed, and phi still falls
    if alpha <= search.stpmin and (phi > limit or slope >= demanded):
        return STOPPED, alpha  # a smaller step would be needed
    if state[STAGE] == 1.0 and phi <= state[PHI_LOWER] and phi > limit:
        proposed = _step_on_modified(state, alpha, phi, slope, demanded)
    else:
        proposed = _step(state, alpha, phi, slope)
    if state[BRACKETED] == 1.0:
        return _within_bracket(search, state, proposed)
    state[SMALLEST] = proposed + _EXTRAPOLATE_LEAST * (proposed - state[LOWER])
    state[LARGEST] = proposed + _EXTRAPOLATE_MOST * (proposed - state[LOWER])
    return SEARCHING, min(max(proposed, search.stpmin), largest)


@jit(borrow=True)
def _within_bracket(search, state, proposed):
    lower, upper = state[LOWER], state[UPPER]
    width = abs(upper - lower)
    if width >= _SHRINK * state[OLD_WIDTH]:
        proposed = lower + 0.5 * (upper - lower)
    state[OLD_WIDTH], state[WIDTH] = state[WIDTH], width
    state[SMALLEST], state[LARGEST] = min(lower, upper), max(lower, upper)
    proposed = min(max(proposed, search.stpmin), search.stpmax)
    if proposed <= state[SMALLEST] or proposed >= state[LARGEST] or width <= search.xtol * state[LARGEST]:
        return STOPPED, lower  # rounding, or the interval is as short as was asked for
    return SEARCHING, proposed


@jit(borrow=True)
def _step_on_modified(state, alpha, phi, slope, demanded):
    """The step chosen on psi, while no step is known at which psi <= 0 and phi' >= 0 (section 3 of the paper)."""
    state[PHI_LOWER] -= state[LOWER] * demanded
    state[PHI_UPPER] -= state[UPPER] * demanded
    state[SLOPE_LOWER] -= demanded
    state[SLOPE_UPPER] -= demanded
    proposed = _step(state, alpha, phi - alpha * demanded, slope - demanded)
    state[PHI_LOWER] += state[LOWER] * demanded
    state[PHI_UPPER] += state[UPPER] * demanded
    state[SLOPE_LOWER] += demanded
    state[SLOPE_UPPER] += demanded
    return proposed


@jit(borrow=True)
def _step(state, alpha, phi, slope):
    """The next trial by interpolation (section 4 of the paper, cases 1 to 4), and the new interval."""
    lower, phi_lower, slope_lower = state[LOWER], state[PHI_LOWER], state[SLOPE_LOWER]
    opposite = slope * (slope_lower / abs(slope_lower)) < 0.0 if slope_lower != 0.0 else False
    if phi > phi_lower:  # 1: higher, so a minimiser is bracketed
        cubic = cubic_minimizer(lower, phi_lower, slope_lower, alpha, phi, slope)
        quadratic = quadratic_minimizer(lower, phi_lower, slope_lower, alpha, phi)
        closer = abs(cubic - lower) < abs(quadratic - lower)
        proposed = cubic if closer else cubic + (quadratic - cubic) / 2.0
        state[BRACKETED] = 1.0
    elif opposite:  # 2: not higher, slopes of opposite sign: bracketed too
        cubic = cubic_minimizer(alpha, phi, slope, lower, phi_lower, slope_lower)
        secant = secant_minimizer(alpha, slope, lower, slope_lower)
        proposed = cubic if abs(cubic - alpha) > abs(secant - alpha) else secant
        state[BRACKETED] = 1.0
    elif abs(slope) < abs(slope_lower):  # 3: not higher, same sign, the slope flattens
        proposed = _flattening_step(state, alpha, phi, slope)
    elif state[BRACKETED] == 1.0:  # 4: not higher, same sign, the slope steepens
        upper, phi_upper, slope_upper = state[UPPER], state[PHI_UPPER], state[SLOPE_UPPER]
        ratio, gamma = cubic_ratio(alpha, phi, slope, upper, phi_upper, slope_upper)
        # psi chose UPPER; phi itself may have no minimiser before it: bisect
        proposed = alpha + (ratio if gamma != 0.0 and 0.0 < ratio < 1.0 else 0.5) * (upper - alpha)
    else:
        proposed = state[LARGEST] if alpha > lower else state[SMALLEST]
    _shrink_interval(state, alpha, phi, slope, opposite)
    return proposed


@jit(borrow=True)
def _flattening_step(state, alpha, phi, slope):
    lower, upper = state[LOWER], state[UPPER]
    ratio, gamma = cubic_ratio(alpha, phi, slope, lower, state[PHI_LOWER], state[SLOPE_LOWER])
    if ratio < 0.0 and gamma != 0.0:
        cubic = alpha + ratio * (lower - alpha)
    else:  # the cubic falls without end in the direction of the step
        cubic = state[LARGEST] if alpha > lower else state[SMALLEST]
    secant = secant_minimizer(alpha, slope, lower, state[SLOPE_LOWER])
    if state[BRACKETED] == 1.0:
        proposed = cubic if abs(cubic - alpha) < abs(secant - alpha) else secant
        guard = alpha + _SHRINK * (upper - alpha)
        return min(guard, proposed) if alpha > lower else max(guard, proposed)
    proposed = cubic if abs(cubic - alpha) > abs(secant - alpha) else secant
    return max(state[SMALLEST], min(state[LARGEST], proposed))


@jit(borrow=True)
def _shrink_interval(state, alpha, phi, slope, opposite):
    if phi > state[PHI_LOWER]:
        state[UPPER], state[PHI_UPPER], state[SLOPE_UPPER] = alpha, phi, slope
        return
    if opposite:
        state[UPPER], state[PHI_UPPER], state[SLOPE_UPPER] = state[LOWER], state[PHI_LOWER], state[SLOPE_LOWER]
    state[LOWER], state[PHI_LOWER], state[SLOPE_LOWER] = alpha, phi, slope
