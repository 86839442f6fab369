"""Pictures of convergence."""

import numpy as np

from ._jit import python_only

_AXES = {"iteration": ("nit", "iteration"), "evaluation": ("nfev", "evaluation"), "time": ("time", "seconds")}
_QUANTITIES = {"fun": "f", "gradient": "max |g|", "step": "step"}


@python_only("plot_convergence is called from Python, not in @njit code")
def plot_convergence(results, against="iteration", quantity="fun", minimum=None, ax=None):
    """Draw how results converged, on a logarithmic scale.

    Parameters
    ----------
    results : OptimizeResult, or list of them, or dict {label: result}
        Results of :func:`minimize` with ``options={'history': True}``.
    against : 'iteration', 'evaluation' or 'time'
        The horizontal axis.
    quantity : 'fun', 'gradient' or 'step'
        The vertical axis.
    minimum : float, optional
        What is subtracted from f. Default: nothing if all values are positive, else the least f of all results.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default: new axes.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        For a result without a history.
    ImportError
        Without matplotlib.
    """
    if against not in _AXES:
        raise ValueError(f"against must be one of {', '.join(_AXES)}, got {against!r}")
    if quantity not in _QUANTITIES:
        raise ValueError(f"quantity must be one of {', '.join(_QUANTITIES)}, got {quantity!r}")
    named = _named(results)
    for label, result in named.items():
        if "history" not in result:
            raise ValueError(f"result {label!r} has no history: pass options={{'history': True}} to minimize")
    if ax is None:
        ax = _new_axes()
    subtracted = 0.0
    if quantity == "fun":
        least = min((np.min(result.history["fun"], initial=np.inf) for result in named.values()), default=0.0)
        subtracted = (0.0 if least > 0 else least) if minimum is None else minimum
    column, label_x = _AXES[against]
    for label, result in named.items():
        values = np.asarray(result.history[quantity], dtype=float) - subtracted
        ax.semilogy(result.history[column], np.where(values > 0, values, np.nan), label=label)
    ax.set(xlabel=label_x, ylabel=_QUANTITIES[quantity] + (f" - {subtracted:.6g}" if subtracted else ""))
    if len(named) > 1 or isinstance(results, dict):
        ax.legend()
    return ax


def _named(results):
    if isinstance(results, dict) and "history" not in results and "x" not in results:
        return dict(results)
    if isinstance(results, (list, tuple)):
        return {str(k): result for k, result in enumerate(results)}
    return {"result": results}


def _new_axes():
    try:
        import matplotlib.pyplot as plt
    except ImportError:
        raise ImportError(
            "plot_convergence needs matplotlib: pip install 'numopt-jit[plots]', or '.[plots]' in a checkout"
        ) from None
    return plt.subplots(layout="constrained")[1]
