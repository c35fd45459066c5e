"""The same ideas for automata: reconstructions, paths between two parents, and what they give."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor

from automata.canonical import canonical_forms, from_canonical
from automata.deltas import Deltas, validate_deltas
from automata.row_index import RowIndex
from automata.sizes import cerny_bound
from automata.solver.exact import reset_thresholds
from data.dataset import Dataset, read_dataset
from data.drawn import Cell, draw_rows
from data.generate import GenerateConfig, generate
from data.manifest import read_manifest
from data.picture import Picture
from search.arms.decode import decode_and_repair
from search.lecture.config import LectureConfig
from search.lecture.given import check_parents, read_automaton
from search.lecture.paths import STEPS, path_points
from search.lecture.words import Words, describe_origin
from vae.checkpoint import load_model, read_config
from vae.coding import encode_automata
from vae.model import VAE, ModelConfig
from vae.train import TrainConfig, train
from vae.trained import load_trained, training_folder

PATHS = ("linear", "polar")
STATES, LETTERS = 7, 2
"""The size of the automata that the lecture learns from."""
_ROUNDS = 2
"""Rounds of encode-decode."""
_LINE = 8
"""Automata in a line of a drawn path."""
_SHOWN = 6
"""Automata in a line of reconstructions."""


class Learned(NamedTuple):
    """A model, and the automata that it was trained on and not trained on."""

    model: VAE
    data: Dataset
    held_out: Dataset
    share: float
    """Of the dataset that is held out."""
    origin: str
    """Says where the dataset comes from; see `search.lecture.words.describe_origin`."""


def learn_automata(config: LectureConfig, folder: Path, given: Path | None = None) -> Learned:
    """Evolve a training set of automata and train a model on it, or load a given model.

    Parameters
    ----------
    config : LectureConfig
    folder : Path
        For the dataset and the model.
    given : Path, optional
        The folder of a model of automata of one size; its dataset is the one it names.

    Raises
    ------
    DataError
        If the given model or its dataset is missing or damaged, has no latent space, or its
        automata have too many states to be drawn.
    """
    if given is not None:
        place = training_folder(given)
        model, data, _ = load_trained(given, place, torch.device("cpu"), torch.get_num_threads())
        held_out = read_config(given)["train"]["held_out"]
    else:
        place = folder / "data"
        generate(
            GenerateConfig(
                n=STATES, k=LETTERS, count=config.automata, sampler="evolved", ceiling=0.6,
                calls=10 * config.automata, seed=config.seed,
            ),
            place,
        )  # fmt: skip
        data = read_dataset(place)
        shape = ModelConfig(n=STATES, k=LETTERS, latent=24, hidden=128)
        training = TrainConfig(
            epochs=config.epochs, batch=128, beta=0.1, learning_rate=3e-3, seed=config.seed
        )
        train(data, folder / "model", shape, training, device="cpu")
        model, held_out = load_model(folder / "model"), training.held_out
    origin = describe_origin(read_manifest(place))
    return Learned(model, data, data.split(held_out)[1], held_out, origin)


def describe_data(learned: Learned) -> Words:
    """Say what the dataset of a model holds."""
    data = learned.data
    longest = int(data.reset_thresholds.max())
    return Words(
        f"The dataset has {len(data):,} automata with {data.n} states and {data.k} letters"
        f"{learned.origin}. The longest reset threshold in it is {longest}; "
        f"the Černý bound is {cerny_bound(data.n)}."
    )


def choose_parents(learned: Learned, between: tuple[str, str] | None = None) -> Deltas:
    """Return two automata in canonical form: those given, or the two slowest held-out ones.

    Returns
    -------
    array of states, shape (2, k, n)
    """
    if between is None:
        slowest = np.argsort(-learned.held_out.reset_thresholds, kind="stable")[:2]
        return learned.held_out.deltas[slowest]
    check_parents(between, learned.data.n, learned.data.k)
    return _canonical(np.stack([read_automaton(argument) for argument in between]))


def draw_automaton_reconstructions(learned: Learned) -> Picture:
    """Draw held-out automata, and below each its reconstruction, what has changed marked."""
    originals, model = learned.held_out.deltas, learned.model
    rebuilt = _decode(model, encode_automata(model, originals).mu)
    changed = rebuilt != originals  # (rows, k, n)
    wrong = changed.any((1, 2))
    slowest = np.argsort(-learned.held_out.reset_thresholds, kind="stable")
    rows = []
    for shown in (slowest[:_SHOWN], slowest[wrong[slowest]][:_SHOWN]):
        if len(shown):
            above = [cell._replace(given=True) for cell in _cells(originals[shown])]
            rows += [
                ("held out", above),
                ("reconstruction", _cells(rebuilt[shown], changed[shown])),
            ]
    exact, kept = 100 * (1 - wrong.mean()), 100 * (1 - changed.mean())
    rows[1] = f"reconstruction:\n{exact:.0f} % exact", rows[1][1]
    return draw_rows(
        rows,
        f"The slowest held-out automata and their reconstructions; below, the slowest of those "
        f"that are not exact. Of all {len(wrong):,} held-out automata {exact:.1f} % are exact, and "
        f"{kept:.1f} % of their transitions.",
    )


def draw_automaton_paths(learned: Learned, parents: Deltas, generator: torch.Generator) -> Picture:
    """Draw what is decoded along the paths between two automata, these at the ends.

    Below each is its place on the path, alpha, and its threshold. Changed transitions are those
    that differ from the automaton before. The lines of encode-decode begin with the automata of
    the polar path.

    Parameters
    ----------
    learned : Learned
    parents : array of states, shape (2, k, n)
    generator : torch.Generator
        Draws from the posteriors of encode-decode.
    """
    mu = encode_automata(learned.model, parents).mu
    places = ["A", *(f"α {alpha:.2f}" for alpha in np.linspace(1, 0, STEPS)), "B"]
    rows = []
    for name, deltas in _strips(learned.model, mu[:1], mu[1:], STEPS, generator):
        whole = np.concatenate([parents[:1], deltas[0], parents[1:]])
        changed = np.zeros(whole.shape, np.bool_)
        changed[1:] = whole[1:] != whole[:-1]
        cells = [
            cell._replace(caption=f"{place}: {cell.caption}", given=place in "AB")
            for place, cell in zip(places, _cells(whole, changed, _forms(learned)), strict=True)
        ]
        label = name.replace(", ", ",\n")
        rows += [(label, cells[:_LINE]), (f"{label},\ncontinued", cells[_LINE:])]
    text = (
        f"Automata decoded at {STEPS} steps of paths between two given ones, A and B; two lines a "
        "path. Below each: its place α on the path, and its reset threshold."
    )
    if len({form.tobytes() for form in canonical_forms(parents)}) == 1:
        text += " A and B are isomorphic, so that all paths between them are one point."
    return draw_rows(rows, text)


def count_paths(learned: Learned, rng: np.random.Generator, pairs: int = 200) -> pd.DataFrame:
    """Count what paths between random pairs of training automata give.

    Parameters
    ----------
    learned : Learned
    rng : Generator
        Draws the pairs, and seeds the draws of encode-decode.
    pairs : int

    Returns
    -------
    DataFrame
        A row for each kind of path: the automata decoded at 14 points of each, ends included; how
        many of them are valid (they synchronize); how many of these are new (up to isomorphism,
        none a parent or decoded before on the same kind of path); how many of the new ones are
        not in the dataset; and the longest threshold of the new ones.
    """
    ends = rng.integers(len(learned.data), size=(2, pairs))
    first, second = (encode_automata(learned.model, learned.data.deltas[row]).mu for row in ends)
    generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
    table = []
    for name, deltas in _strips(learned.model, first, second, STEPS, generator):
        flat = deltas.reshape(-1, *deltas.shape[2:])
        thresholds = reset_thresholds(flat)
        valid = np.flatnonzero(thresholds >= 0)
        seen = RowIndex(learned.data.n * learned.data.k)
        seen.add(learned.data.forms[ends.ravel()])
        forms = canonical_forms(flat[valid])
        new = seen.add_new(forms)
        known = _forms(learned).find(forms[new]) >= 0
        table.append(
            {
                "path": name,
                "decoded": len(flat),
                "valid": len(valid),
                "new": len(new),
                "not in the dataset": int((~known).sum()),
                "longest threshold": int(thresholds[valid][new].max(initial=-1)),
            }
        )
    return pd.DataFrame(table)


def compare_paths(table: pd.DataFrame, learned: Learned) -> Words:
    """Say whether paths have led to longer thresholds than those of the dataset.

    Parameters
    ----------
    table : DataFrame
        Of `count_paths`.
    learned : Learned
    """
    longest = int(learned.data.reset_thresholds.max())
    found = int(table["longest threshold"].max())
    if found <= longest:
        return Words(
            f"The longest threshold in the dataset is {longest}. No path has led to a longer one."
        )
    return Words(
        f"The longest threshold in the dataset is {longest}; on the paths there are thresholds up "
        f"to {found}. What is longer was found, not remembered."
    )


def _strips(
    model: VAE, first: Tensor, second: Tensor, steps: int, generator: torch.Generator
) -> Iterator[tuple[str, Deltas]]:
    """Yield a name and the automata (pairs, steps, k, n) of each kind of path between points."""
    for path in PATHS:
        z = path_points(path, first, second, steps)
        decoded = _decode(model, z.flatten(0, 1))
        yield path, decoded.reshape(len(first), steps, *decoded.shape[1:])
    for number in range(1, _ROUNDS + 1):
        decoded = _decode(model, encode_automata(model, decoded).sample(generator))
        yield (
            f"encode-decode, round {number}",
            decoded.reshape(len(first), steps, *decoded.shape[1:]),
        )


def _decode(model: VAE, z: Tensor) -> Deltas:
    return decode_and_repair(model, z, repair=0).deltas


def _canonical(deltas: Deltas) -> Deltas:
    valid = validate_deltas(deltas)
    return from_canonical(canonical_forms(valid), valid.shape[2], valid.shape[1])


def _forms(learned: Learned) -> RowIndex:
    """Return the canonical forms of the dataset, training and held-out rows."""
    known = RowIndex(learned.data.n * learned.data.k)
    known.add(learned.data.forms)
    return known


def _cells(
    deltas: Deltas,
    changed: npt.NDArray[np.bool_] | None = None,
    forms: RowIndex | None = None,
) -> list[Cell]:
    """Return a cell for each automaton, captioned with its threshold; shade those of some forms."""
    thresholds = reset_thresholds(deltas)
    known = forms.find(canonical_forms(deltas)) >= 0 if forms else np.zeros(len(deltas), np.bool_)
    return [
        Cell(
            delta,
            f"{threshold}" if threshold >= 0 else "no reset word",
            None if changed is None else changed[row],
            known=bool(known[row]),
            wrong=bool(threshold < 0),
        )
        for row, (delta, threshold) in enumerate(zip(deltas, thresholds.tolist(), strict=True))
    ]
