"""The latent pictures of a search: norms along paths, and interpolations between two parents."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from automata.automaton import Deltas
from automata.canonical import canonical_forms
from automata.row_index import RowIndex
from automata.solver.exact import Thresholds, reset_thresholds
from data.dataset import Dataset
from data.plots import plot_norms, plot_thresholds
from data.streams import stream
from search.decode import decode_and_repair
from search.modes import Proposer, parent_rows
from search.pictures.strip import StripRow, plot_strip
from search.run import SearchConfig
from vae.coding import draw_prior, encode_automata
from vae.interpolate import PATHS, interpolate
from vae.model import VAE

STRIP_ALPHAS = tuple(1 - place / 8 for place in range(9))
"""Places on the paths of a strip."""
_ROUNDS = 5
"""Most rounds of encode-decode that are drawn."""
_CLOUD = 10_000
"""Points of a cloud, at most."""
_STREAMS = ("norms", "strip")
"""Pictures with a random stream of their own."""


def draw_search(
    folder: Path, model: VAE, training: Dataset, found: Thresholds, config: SearchConfig
) -> list[Path]:
    """Draw the pictures of a search into its folder; return their paths.

    Parameters
    ----------
    folder : Path
    model : VAE
    training : Dataset
    found : int array
        Thresholds of the novel automata that the latent modes found.
    config : SearchConfig
    """
    space, strip = (picture_space(model, training, config, name) for name in ("norms", "strip"))
    highest = int(training.reset_thresholds.max())
    return [
        *plot_thresholds(
            found, training.n, folder / "thresholds", ceiling=highest, label="training up to"
        ),
        *plot_norms(norms(space, training), model.config.latent, folder / "norms"),
        *plot_strip(strip_rows(strip, training), STRIP_ALPHAS, folder / "strip"),
    ]


def picture_space(model: VAE, training: Dataset, config: SearchConfig, picture: str) -> Proposer:
    """Return the latent space of a search, with the random stream of a picture in ``_STREAMS``."""
    parents = parent_rows(training, config.latent.parents, config.classes)
    rng = stream(config.seed, "pictures", _STREAMS.index(picture))
    return Proposer(model, training, parents, config.latent, rng)


def norms(space: Proposer, training: Dataset) -> dict[str, np.ndarray]:
    """Return the norms of prior samples, encoded data and points on paths: float (points,) each."""
    rows = space.rng.choice(len(training), size=min(_CLOUD, len(training)), replace=False)
    posterior = encode_automata(space.model, training.deltas[rows])
    clouds = {
        "prior samples": draw_prior(space.model, _CLOUD, space.generator),
        "encoded data, mu": posterior.mu,
        "encoded data, z ~ q": posterior.sample(space.generator),
    }
    for path in PATHS:
        clouds[f"{path} paths"] = space.draw_path(path).z
    return {name: z.norm(dim=1).cpu().numpy() for name, z in clouds.items()}


@torch.no_grad()
def strip_rows(space: Proposer, training: Dataset) -> list[StripRow]:
    """Return a row for each path between the two best parents, and for each encode-decode round.

    A row has one automaton for each of `STRIP_ALPHAS`; none is repaired.
    """
    config = space.config
    alphas = torch.tensor(STRIP_ALPHAS, device=space.device)
    mu = space.posterior.mu
    first, second = (row.expand(len(alphas), -1) for row in (mu[0], mu[min(1, len(mu) - 1)]))
    known = RowIndex(training.n * training.k)
    known.add(training.forms)

    def row(label: str, deltas: Deltas) -> StripRow:
        thresholds = reset_thresholds(deltas)
        return StripRow(
            label, deltas, thresholds >= 0, thresholds, known.find(canonical_forms(deltas)) >= 0
        )

    rows = []
    for path in PATHS:
        z = interpolate(path, first, second, alphas)
        rows.append(row(path, decode_and_repair(space.model, z, repair=0).deltas))
    z = interpolate(config.path, first, second, alphas)
    decoded = decode_and_repair(space.model, z, repair=0)
    for round in range(1, min(config.rounds, _ROUNDS) + 1):
        decoded = decode_and_repair(space.model, space.reencode(decoded), repair=0)
        rows.append(row(f"{config.path}, encode-decode {round}", decoded.deltas))
    return rows
