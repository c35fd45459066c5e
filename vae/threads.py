"""How many threads torch uses on a CPU."""

from __future__ import annotations

import os

import torch


def torch_threads() -> int:
    """Return the number of threads that torch is to use: one, or what OMP_NUM_THREADS says.

    Our matrices are small. Two threads wait for each other by spinning: on an idle machine they
    gain little, and where anything else runs they may be many times slower than one
    (docs/results.md). With one thread the last bits of the results do not depend on the machine's
    number of cores.
    """
    return torch.get_num_threads() if "OMP_NUM_THREADS" in os.environ else 1
