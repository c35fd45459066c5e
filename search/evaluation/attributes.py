"""Attribute arithmetic, measured: how often a step along its direction gives an attribute.

Directions are learned on the training automata (`vae.directions`). The parents that take the step
are held-out automata without the attribute. One half of them chooses the length of the step, the
other half measures it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor

from automata.classes import CLASSES, ON_SUBSETS
from automata.deltas import Deltas
from automata.mutation import mutate
from automata.properties import in_classes
from automata.sizes import cerny_bound
from automata.solver.either import thresholds_of
from automata.solver.exact import Thresholds
from data.dataset import Dataset
from data.streams import stream
from search.arms.decode import decode_and_repair
from search.evaluation.attribute_table import complete
from search.evaluation.intervals import mean_interval
from vae.coding import encode_automata
from vae.directions import THRESHOLD, attribute_direction, attribute_groups
from vae.model import VAE
from vae.train import check_size

STEPS = (0.5, 1.0, 2.0, 4.0)
"""Lengths of the step, in lengths of the direction, among which the parents choose."""
LEAST_ROWS = 20
"""Training automata with the attribute, those without it, and parents: with fewer it is left
out."""
_MOST_PARENTS = 1000
"""Held-out automata that take a step, half of them to choose its length."""
_MOST_TRAINING = 100_000
"""Training automata that directions are learned on, drawn at random from more."""
_MOST_STATES = 12
"""Beyond, classes that take a search over sets of states are left out: too slow for so many."""
_GROUP = 32
"""Training automata in each of the two random groups whose means make a random direction."""


def measure_arithmetic(
    model: VAE,
    training: Dataset,
    held_out: Dataset,
    *,
    repair: int,
    seed: int,
    classes: Sequence[str] = (),
    workers: int = 1,
) -> pd.DataFrame:
    """Measure how often a step along the direction of an attribute gives the attribute.

    An automaton gains a class if it is valid and in the class, and its parent is not; it gains
    ``threshold`` if its true threshold is longer than its parent's.

    Parameters
    ----------
    model : VAE
    training : Dataset
        Directions are learned on these automata.
    held_out : Dataset
        Other automata, the parents among them.
    repair : int
        Most transitions that may change in a non-synchronizing automaton.
    seed : int
    classes : sequence of str
        NAME or not-NAME. Only automata of all these classes are learned from, are parents, and
        count as gains.
    workers : int
        Threads of the solver.

    Returns
    -------
    DataFrame
        The columns of `search.evaluation.attribute_table.ATTRIBUTE_COLUMNS`. A row for
        ``threshold``, and for each class that at least `LEAST_ROWS` training automata have, as
        many lack, and as many parents may gain. It has no rows if the model has no latent space.

    Raises
    ------
    DataError
        If the (n, k) of model and automata differ.
    NotFiniteError
        If the model computes numbers that are not finite.
    """
    check_size(training, model.config)
    check_size(held_out, model.config)
    drawn = stream(seed, "evaluate").permutation(len(training))[:_MOST_TRAINING]
    learned = training.take(np.sort(drawn)).of_classes(classes, workers=workers)
    apart = held_out.of_classes(classes, workers=workers)
    if model.config.latent == 0 or len(learned) == 0:
        return complete([])
    means = encode_automata(model, learned.deltas).mu
    rows = []
    for number, attribute in enumerate((*CLASSES, THRESHOLD), 1):
        if attribute in ON_SUBSETS and training.n > _MOST_STATES:
            continue
        has, lacks = attribute_groups(learned, attribute, workers=workers)
        parents = apart.take(_may_gain(apart, attribute, workers))
        if min(has.sum(), lacks.sum(), len(parents)) < LEAST_ROWS:
            continue
        rng = stream(seed, "evaluate", number)
        parents = parents.take(rng.permutation(len(parents))[:_MOST_PARENTS])
        along = attribute_direction(means.cpu().numpy(), learned, attribute, workers=workers)
        mu = encode_automata(model, parents.deltas).mu
        trial = _Trial(attribute, model, parents, mu, classes, repair, workers)
        row = _measure(trial, torch.from_numpy(along).to(mu), means, rng)
        rows.append({"training_share": float(has.mean()), **row})
    return complete(rows)


def _may_gain(data: Dataset, attribute: str, workers: int) -> npt.NDArray[np.bool_]:
    """Return which automata may gain an attribute: bool (rows,)."""
    synchronizing = data.reset_thresholds >= 0
    if attribute == "synchronizing":
        return ~synchronizing
    if attribute == THRESHOLD:
        return synchronizing
    return synchronizing & attribute_groups(data, attribute, workers=workers)[1]


@dataclass(frozen=True)
class _Trial:
    """An attribute, parents without it, and how their offspring is made and judged."""

    attribute: str
    model: VAE
    parents: Dataset
    mu: Tensor
    """(parents, latent): posterior means of the parents"""
    classes: Sequence[str]
    repair: int
    workers: int

    def take(self, part: slice) -> _Trial:
        """Return the trial of some of the parents."""
        rows = np.arange(len(self.parents))[part]
        return replace(self, parents=self.parents.take(rows), mu=self.mu[part])

    def decode(self, step: Tensor) -> Deltas:
        """Decode and repair the means after a step, (latent,) or one a parent: (parents, k, n)."""
        n = self.parents.n
        return decode_and_repair(self.model, self.mu + step, repair=self.repair, n=n).deltas

    def changed(self, deltas: Deltas) -> npt.NDArray[np.int64]:
        """Return how many transitions of each parent differ in its offspring: int64 (parents,)."""
        return np.asarray((deltas != self.parents.deltas).sum((1, 2)), np.int64)

    def thresholds(self, deltas: Deltas) -> Thresholds:
        """Return the true thresholds of offspring: int32 (parents,), -1 for none."""
        return thresholds_of(deltas, partial=self.parents.partial, workers=self.workers)

    def share(self, deltas: Deltas) -> float:
        """Return the share of parents whose offspring is valid and has what they lack."""
        wanted = ["synchronizing", *self.classes]
        if self.attribute != THRESHOLD:
            wanted.append(self.attribute)
        gained = in_classes(deltas, wanted, workers=self.workers)
        if self.attribute == THRESHOLD:
            gained &= self.thresholds(deltas) > self.parents.reset_thresholds
        return float(gained.mean())


def _measure(
    trial: _Trial, direction: Tensor, means: Tensor, rng: np.random.Generator
) -> dict[str, Any]:
    """Choose the length of the step on half of the parents, and measure it on the others."""
    half = len(trial.parents) // 2
    choosing, trial = trial.take(slice(half)), trial.take(slice(half, None))
    shares = [choosing.share(choosing.decode(length * direction)) for length in STEPS]
    length = STEPS[int(np.argmax(shares))]  # the shortest of equals
    step, parents, partial = length * direction, trial.parents.deltas, trial.parents.partial
    moved, unmoved = trial.decode(step), trial.decode(torch.zeros_like(step))
    offspring = {
        "gained": moved,
        "gained_at_1": trial.decode(direction),
        "unmoved": unmoved,
        "chance": trial.decode(_random_steps(means, step.norm(), len(parents), rng)),
        "mutation_1": mutate(rng, parents, 1, partial=partial),
        "mutation_2": mutate(rng, parents, min(2, parents[0].size), partial=partial),
        "mutation_alike": _redraw(rng, parents, trial.changed(moved), partial),
    }
    row: dict[str, Any] = {name: trial.share(deltas) for name, deltas in offspring.items()}
    row |= {"attribute": trial.attribute, "parents": len(parents), "step": length}
    row["changed"] = float(trial.changed(moved).mean())
    row["changed_unmoved"] = float(trial.changed(unmoved).mean())
    return row | (_thresholds(trial, step, unmoved, moved) if trial.attribute == THRESHOLD else {})


@torch.no_grad()
def _thresholds(trial: _Trial, step: Tensor, unmoved: Deltas, moved: Deltas) -> dict[str, float]:
    """Return the mean predicted and true thresholds before and after a step, in letters.

    The true ones are those of what is decoded, where it synchronizes before and after.
    """
    bound = cerny_bound(trial.parents.n)
    before, after = trial.thresholds(unmoved), trial.thresholds(moved)
    both = (before >= 0) & (after >= 0)
    change, low, high = mean_interval((after - before)[both])
    return {
        "predicted_before": float(trial.model.predict(trial.mu).mean()) * bound,
        "predicted_after": float(trial.model.predict(trial.mu + step).mean()) * bound,
        "true_parents": float(trial.parents.reset_thresholds.mean()),
        "true_before": mean_interval(before[both])[0],
        "true_after": mean_interval(after[both])[0],
        "true_change": change,
        "true_change_low": low,
        "true_change_high": high,
    }


def _random_steps(means: Tensor, length: Tensor, count: int, rng: np.random.Generator) -> Tensor:
    """Return steps of one length in random directions: (count, latent).

    Each leads from the mean of some random training automata to that of others, as the direction
    of an attribute does. Uniform directions would be too easy to beat: most of such a step lies in
    dimensions that the model does not use.
    """
    groups = torch.from_numpy(rng.integers(len(means), size=(2, count, _GROUP))).to(means.device)
    first, second = means[groups].mean(2)  # (count, latent) each
    return torch.nn.functional.normalize(first - second, dim=1) * length


def _redraw(
    rng: np.random.Generator, deltas: Deltas, transitions: npt.NDArray[np.int64], partial: bool
) -> Deltas:
    """Redraw as many transitions of each automaton as are given, (batch,): (batch, k, n)."""
    redrawn = deltas.copy()
    for count in np.unique(transitions).tolist():
        rows = transitions == count
        redrawn[rows] = mutate(rng, deltas[rows], count, partial=partial)
    return redrawn
