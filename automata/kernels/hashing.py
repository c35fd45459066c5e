"""Scrambling of 64 bits, shared by the kernels that hash."""

import numpy as np

from automata.kernels.jit import jit


@jit
def mix(x):
    """Scramble 64 bits (the finalizer of splitmix64)."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
