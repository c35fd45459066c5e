"""The modes that look for longer thresholds: each moves on from posterior samples of parents.

``gradient`` follows the model's prediction, ``cma-es`` the thresholds of its own proposals, and
``arithmetic`` a direction learned from the training set.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from search.arms.cma_es import POPULATION, SmallSearch, check_latent, run_searches, start_searches
from search.arms.modes import Proposer, of_one_parent
from search.arms.proposals import Batches
from vae.ascent import climb, learn_direction, stride

_SEARCHES = 16
"""CMA-ES at a time, at most: with more, a search has too few generations to learn from."""
_REGRESSED = 20_000
"""Training automata that a direction is learned from, at most."""


def gradient(space: Proposer) -> Batches:
    """Take steps of random number and length up the predicted threshold."""
    while True:
        points = space.draw_samples()
        yield [space.proposals(points._replace(z=climb(space.model, points.z, space.rng)))]


def cma_es(space: Proposer) -> Batches:
    """Run many small CMA-ES at once; they learn from the thresholds of their points.

    A batch has the next generation of each, whole populations even if a batch is to be smaller.

    Raises
    ------
    DataError
        If the latent space has fewer than two dimensions.
    """
    check_latent(space.model.config.latent)

    def begin(count: int) -> list[SmallSearch]:
        posterior, rows = space.draw_parents(count)
        starts = posterior.sample(space.generator)
        return start_searches(space.rng, starts, posterior.log_sigma.exp(), rows)

    count = min(_SEARCHES, max(1, space.config.batch // POPULATION))
    searches = run_searches(begin, count)
    asked = next(searches)
    while True:
        points = of_one_parent(asked.z.to(space.device), asked.parents)
        (thresholds,) = yield [space.proposals(points)]
        asked = searches.send(thresholds)


def arithmetic(space: Proposer) -> Batches:
    """Take a step of random length in the direction in which training thresholds rise."""
    direction = threshold_direction(space)
    while True:
        points = space.draw_samples()
        yield [space.proposals(points._replace(z=stride(points.z, direction, space.rng)))]


def threshold_direction(space: Proposer) -> npt.NDArray[np.float64]:
    """Return the direction of rising thresholds, learned from synchronizing training automata.

    Returns
    -------
    float64 array, shape (latent,)
        Of `vae.ascent.learn_direction`; zeros if no automaton synchronizes.
    """
    training = space.training
    rows = space.rng.permutation(np.flatnonzero(training.reset_thresholds >= 0))[:_REGRESSED]
    if len(rows) == 0:
        return np.zeros(space.model.config.latent)
    return learn_direction(space.model, [(training.deltas[rows], training.reset_thresholds[rows])])


GUIDES: dict[str, Callable[[Proposer], Batches]] = {
    "gradient": gradient,
    "cma-es": cma_es,
    "arithmetic": arithmetic,
}
"""The modes in `search.configs.GUIDED`."""
