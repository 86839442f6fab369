"""Arrays on a GPU: how they are told from others, and the one way to the code that works with them.

Nothing imports ``numopt.cuda``, and with it Numba's CUDA target, before somebody passes such an array.
"""

import importlib

import numpy as np


def is_device_array(x) -> bool:
    """Whether ``x`` is an array on a GPU: of Numba, CuPy, PyTorch, JAX, or whatever else gives the CUDA interface."""
    if type(x) is np.ndarray:
        return False
    try:
        return hasattr(x, "__cuda_array_interface__") or hasattr(x, "__cuda_ndarray__")  # that of the simulator
    except RuntimeError:  # a tensor of PyTorch that requires a gradient is one, and says what is wrong later
        return True


def cuda_part(name):
    """The module ``numopt.cuda.<name>``; ImportError, with what to install, where Numba has no CUDA target."""
    return importlib.import_module(f"numopt.cuda.{name}")
