"""Streams of random numbers: one for each seed, stage and index, independent of each other."""

from __future__ import annotations

import numpy as np

from automata.arguments import check_integer

STAGES = (
    *("generate", "train", "weights", "search", "pictures", "evolve", "start", "discover"),
    *("lecture", "evaluate"),
)


def stream(seed: int, stage: str, index: int = 0) -> np.random.Generator:
    """Return the generator of one shard, epoch or arm: a Philox keyed by all three numbers.

    Parameters
    ----------
    seed : int
        At least 0.
    stage : str
        One of `STAGES`.
    index : int
        Number of the shard, epoch or arm; at least 0.

    Examples
    --------
    >>> stream(0, "generate", 1).random() == stream(0, "search", 1).random()
    False
    """
    return np.random.Generator(np.random.Philox(sequence(seed, stage, index)))


def torch_seed(seed: int, stage: str, index: int = 0) -> int:
    """Return a seed for a torch generator, in 0..2^63-1."""
    return int(sequence(seed, stage, index).generate_state(1, np.uint64)[0] >> 1)


def sequence(seed: int, stage: str, index: int) -> np.random.SeedSequence:
    """Return the seed sequence that `stream` and `torch_seed` use."""
    seed, index = check_integer("seed", seed, 0), check_integer("index", index, 0)
    return np.random.SeedSequence([seed, STAGES.index(stage), index])
