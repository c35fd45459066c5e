"""The best automata of the sizes before, which an arm of discovery learns from."""

import numpy as np

from automata.canonical import canonical_forms, from_canonical
from automata.sampling import sample_uniform
from automata.solver.exact import reset_thresholds
from search.discovery.step import Elites


def make_elites(n: int, count: int, k: int = 2) -> Elites:
    """Synchronizing automata, the best of a sample."""
    drawn = sample_uniform(np.random.default_rng(n), 20 * count, n, k)
    deltas = from_canonical(np.unique(canonical_forms(drawn), axis=0), n, k)
    thresholds = reset_thresholds(deltas)
    best = np.argsort(-thresholds, kind="stable")[:count]
    return Elites(deltas[best], thresholds[best])


ELITES = {4: make_elites(4, 40), 5: make_elites(5, 40)}
