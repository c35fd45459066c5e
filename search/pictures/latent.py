"""The latent pictures of a search: norms, interpolations between two parents, reconstructions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from automata.canonical import canonical_forms
from automata.deltas import Deltas
from automata.row_index import RowIndex
from automata.solver.either import thresholds_of
from automata.solver.exact import Thresholds
from data.dataset import Dataset
from data.drawn import Cell
from data.norms import plot_norms
from data.plots import plot_thresholds
from data.streams import stream
from search.arms.decode import decode_and_repair
from search.arms.modes import Proposer, parent_rows
from search.pictures.reconstructions import plot_reconstructions, reconstruct
from search.pictures.strip import StripRow, plot_strip
from search.run import SearchConfig
from vae.coding import draw_prior, encode_automata
from vae.interpolate import PATHS, interpolate
from vae.model import VAE

STRIP_ALPHAS = tuple(1 - place / 6 for place in range(7))
"""Places on the paths of a strip."""
_ROUNDS = 5
"""Most rounds of encode-decode that are drawn."""
_CLOUD = 10_000
"""Points of a cloud, at most."""
_PAIRS, _PLACES = 500, 41
"""Paths whose norms are drawn, at most, and the points of each."""
_STREAMS = ("norms", "strip", "reconstructions")
"""Pictures with a random stream of their own."""


def draw_search(
    folder: Path,
    model: VAE,
    training: Dataset,
    found: Thresholds,
    config: SearchConfig,
    *,
    held_out: float = 0.0,
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
    held_out : float
        The share of the dataset that training held out: these are reconstructed.
    """
    space, strip = (picture_space(model, training, config, name) for name in ("norms", "strip"))
    highest = int(training.reset_thresholds.max())
    rows, source = reconstructions(model, training, config, held_out)
    clouds = norms(space, training)
    prior = None if model.config.options.prior == "normal" else clouds["prior samples"]
    return [
        *plot_thresholds(
            found, training.scale, folder / "thresholds", ceiling=highest, label="training up to"
        ),
        *plot_norms(
            clouds, model.config.latent, folder / "norms", paths=path_norms(space), prior=prior
        ),
        *plot_strip(strip_rows(strip, training), STRIP_ALPHAS, folder / "strip"),
        *plot_reconstructions(rows, source, folder / "reconstructions", partial=training.partial),
    ]


def picture_space(model: VAE, training: Dataset, config: SearchConfig, picture: str) -> Proposer:
    """Return the latent space of a search, with the random stream of a picture in ``_STREAMS``."""
    parents = parent_rows(training, config.latent.parents, config.classes)
    return Proposer(model, training, parents, config.latent, _stream(config, picture))


def _stream(config: SearchConfig, picture: str) -> np.random.Generator:
    return stream(config.seed, "pictures", _STREAMS.index(picture))


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
def path_norms(space: Proposer) -> dict[str, np.ndarray]:
    """Return the norms along paths between pairs of parents: float (pairs, places) by path.

    The places are spread evenly, alpha from 1 to 0; all paths have the same pairs.
    """
    count = len(space.parents)
    first = space.rng.integers(count, size=min(_PAIRS, count * (count - 1)))
    second = (first + space.rng.integers(1, max(2, count), size=len(first))) % count
    ends = (
        space.posterior.mu[torch.from_numpy(rows).to(space.device)].repeat_interleave(_PLACES, 0)
        for rows in (first, second)
    )
    starts, stops = ends
    alphas = torch.linspace(1, 0, _PLACES).to(starts).repeat(len(first))
    return {
        path: interpolate(path, starts, stops, alphas, sphere=space.model.config.spherical)
        .norm(dim=1)
        .reshape(len(first), _PLACES)
        .cpu()
        .numpy()
        for path in PATHS
    }


def reconstructions(
    model: VAE, training: Dataset, config: SearchConfig, held_out: float
) -> tuple[list[tuple[str, list[Cell]]], str]:
    """Return rows of originals and reconstructions, and what the originals are.

    Parameters
    ----------
    model : VAE
    training : Dataset
    config : SearchConfig
        For the seed.
    held_out : float
        The share of the dataset that training held out. Where that is nothing, automata that the
        model was trained on are reconstructed.
    """
    apart = training.split(held_out)[1].select(at_least=0)
    source = "held-out automata"
    if not len(apart):
        apart, source = training.select(at_least=0), "training automata"
    generator = torch.Generator(next(model.parameters()).device)
    generator.manual_seed(int(_stream(config, "reconstructions").integers(2**62)))
    return reconstruct(model, apart.deltas, apart.reset_thresholds, generator), source


@torch.no_grad()
def strip_rows(space: Proposer, training: Dataset) -> list[StripRow]:
    """Return a row for each path between the two best parents, and for each encode-decode round.

    A row has the first parent, one automaton for each of `STRIP_ALPHAS`, and the second parent;
    none is repaired.
    """
    config, sphere = space.config, space.model.config.spherical
    alphas = torch.tensor(STRIP_ALPHAS, device=space.device)
    mu = space.posterior.mu
    best = [0, min(1, len(mu) - 1)]
    first, second = (mu[row].expand(len(alphas), -1) for row in best)
    parents = training.deltas[space.parents[best]]
    known = RowIndex(training.n * training.k)
    known.add(training.forms)

    def row(label: str, decoded: Deltas) -> StripRow:
        deltas = np.concatenate([parents[:1], decoded, parents[1:]])
        inside = known.find(canonical_forms(deltas)) >= 0
        thresholds = thresholds_of(deltas, partial=training.partial)
        return StripRow(label, deltas, thresholds, inside, training.partial)

    rows = []
    for path in PATHS:
        z = interpolate(path, first, second, alphas, sphere=sphere)
        rows.append(row(path, decode_and_repair(space.model, z, repair=0).deltas))
    z = interpolate(config.path, first, second, alphas, sphere=sphere)
    decoded = decode_and_repair(space.model, z, repair=0)
    for round in range(1, min(config.rounds, _ROUNDS) + 1):
        decoded = decode_and_repair(space.model, space.reencode(decoded), repair=0)
        rows.append(row(f"{config.path}, encode-decode {round}", decoded.deltas))
    return rows
