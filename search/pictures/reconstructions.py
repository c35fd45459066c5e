"""The picture of reconstructions: originals, and what the model makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from automata.deltas import Deltas
from automata.solver.either import thresholds_of
from data.drawn import Cell, word_kind
from data.plots import save, style
from search.arms.decode import decode_and_repair
from search.pictures.cells import changed_from, draw_cells
from vae.coding import encode_automata
from vae.model import VAE

_COLUMNS = 8
"""Automata in a row."""


def choose_rows(thresholds: npt.NDArray[np.integer]) -> tuple[list[int], list[int]]:
    """Return the rows of the slowest automata, and rows spread evenly over the others.

    Parameters
    ----------
    thresholds : int array, shape (automata,)

    Examples
    --------
    >>> choose_rows(np.array([3, 9, 1, 4, 5, 6, 7, 8, 2, 1, 0]))
    ([1, 7, 6, 5, 4, 3, 0, 8], [2, 9, 10])
    """
    order = np.argsort(-thresholds, kind="stable")
    slowest, others = order[:_COLUMNS], order[_COLUMNS:]
    places = np.linspace(0, max(0, len(others) - 1), min(_COLUMNS, len(others)))
    return slowest.tolist(), others[np.unique(places.round().astype(np.int64))].tolist()


@torch.no_grad()
def reconstruct(
    model: VAE,
    deltas: Deltas,
    thresholds: npt.NDArray[np.integer],
    generator: torch.Generator,
) -> list[tuple[str, list[Cell]]]:
    """Return rows of originals, and of what the model makes of them; nothing is repaired.

    Parameters
    ----------
    model : VAE
    deltas : uint8 array, shape (automata, k, n)
        In the canonical numbering, in which the model reads and writes. Some are chosen, as
        `choose_rows` does.
    thresholds : int array, shape (automata,)
    generator : torch.Generator
        For the posterior samples.

    Returns
    -------
    list of (label, cells)
        Three rows for the slowest, three for others: originals, decoded from mu, and from a
        posterior sample. Marked is what differs from the original.
    """
    rows = []
    for name, chosen in zip(("slowest", "others"), choose_rows(thresholds), strict=True):
        if not chosen:
            continue
        originals = deltas[chosen]
        posterior = encode_automata(model, originals)
        solved = zip(originals, thresholds[chosen], strict=True)
        cells = [Cell(own, f"{threshold}", given=True) for own, threshold in solved]
        rows.append((f"{name}:\noriginal", cells))
        for label, z in (("from mu", posterior.mu), ("from z ~ q", posterior.sample(generator))):
            decoded = decode_and_repair(model, z, repair=0).deltas
            rows.append((label, _compared(decoded, originals, model.config.partial)))
    return rows


def _compared(decoded: Deltas, originals: Deltas, partial: bool) -> list[Cell]:
    """Return cells of decoded automata, (automata, k, n), with their changes marked."""
    cells = []
    thresholds = thresholds_of(decoded, partial=partial)
    for own, original, threshold in zip(decoded, originals, thresholds, strict=True):
        changed = changed_from(own, original)
        count = f"{changed.sum()} changed" if changed.any() else "exact"
        caption = f"{threshold}, {count}" if threshold >= 0 else f"no {word_kind(partial)} word"
        cells.append(Cell(own, caption, changed, wrong=bool(threshold < 0)))
    return cells


def plot_reconstructions(
    rows: Sequence[tuple[str, Sequence[Cell]]], source: str, stem: Path, *, partial: bool = False
) -> list[Path]:
    """Draw automata above what a model makes of them, changed transitions marked.

    Parameters
    ----------
    rows : sequence of (label, cells)
        As `reconstruct` returns them.
    source : str
        Names the automata, such as "held-out automata".
    stem : Path
        The path of the pictures, without an ending.
    partial : bool
        Whether the thresholds are careful.

    Returns
    -------
    list of Path
        The PNG and the SVG.
    """
    below = f"Below: the {word_kind(partial)} threshold"
    title = f"Reconstructions of {source}, none repaired. {below}"
    with style():
        return save(draw_cells(rows, title=title), stem)
