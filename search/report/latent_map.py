"""The latent map: encoded automata in two dimensions, and the paths that led to the best."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor

from automata.deltas import Deltas, has_undefined
from automata.drawing.arrows import Floats
from automata.solver.either import thresholds_of
from automata.solver.exact import Thresholds
from automata.text.formats import parse_delta
from search.report.content import DrawnPath, LatentMap, known_automata
from vae.axes import Axes, fit_axes
from vae.interpolate import PATHS, interpolate

Encode = Callable[[Deltas], Tensor]
"""Takes automata of one size, (batch, k, n); returns their posterior means, (batch, latent)."""

_FITTED = 5000
"""Most automata of each size for fitting the axes."""
_SHOWN, _SHOWN_TRANSITIONS = 240, 5000
"""Most training automata on the map, and most transitions of all of them together."""
_DRAWN, _POINTS = 10, 17
"""Most paths that are drawn, and the points of each."""


def draw_map(
    text: str,
    encode: Encode,
    training: Sequence[tuple[Deltas, Thresholds]],
    candidates: pd.DataFrame,
    decoded: pd.DataFrame,
    path: str,
) -> LatentMap:
    """Project a latent space on the two principal axes of its training data.

    Parameters
    ----------
    text : str
        Names the training automata.
    encode : callable
        See `Encode`.
    training : sequence of (deltas, thresholds)
        Synchronizing training automata, one pair for each size.
    candidates : DataFrame
        The columns of candidates, every cell a text.
    decoded : DataFrame
        The candidates that a model decoded, the best first. Paths to the first ten are drawn.
    path : str
        Path of candidates whose mode is no path.

    Returns
    -------
    LatentMap
    """
    fitted = [deltas[_spread(len(deltas), _FITTED)] for deltas, _ in training]
    encoded = [encode(deltas) for deltas in fitted]
    axes = fit_axes(torch.cat(encoded).double().cpu().numpy())
    best = decoded[decoded["parent_a"] != ""].head(_DRAWN).to_dict("index")
    drawn = [_path(axes, encode, number, row, path) for number, row in best.items()]
    parents = {row[side] for row in best.values() for side in ("parent_a", "parent_b")}
    shown, chosen = _training_rows(training, sorted(parents - {""}))
    count, total = sum(map(len, fitted)), sum(len(deltas) for deltas, _ in training)
    of_all = f"all {total:,}" if count == total else f"{count:,} of {total:,}"
    return LatentMap(
        f"{of_all} {text}, each encoded at its mean mu",
        chosen,
        (float(axes.shares[0]), float(axes.shares[1])),
        _places(axes, encode, candidates["delta"]),
        shown,
        _places(axes, encode, shown["delta"]),
        drawn,
    )


def _project(axes: Axes, z: Tensor) -> Floats:
    """Return the places of latent points on the map: float64 (points, 2)."""
    return axes.project(z.double().cpu().numpy())


def _path(axes: Axes, encode: Encode, number: int, row: dict[str, str], default: str) -> DrawnPath:
    """Return the path between the parents of a candidate; of one parent, its place."""
    if row["parent_b"] == "" or row["alpha"] == "":
        line = _project(axes, _encode(encode, [row["parent_a"]]))
        return DrawnPath(number, line, line[0])
    path = row["mode"] if row["mode"] in PATHS else default
    ends = _encode(encode, [row["parent_a"], row["parent_b"]])
    alphas = torch.tensor([*np.linspace(1, 0, _POINTS), float(row["alpha"])]).to(ends)
    first, second = (end.expand(len(alphas), -1) for end in ends)
    points = _project(axes, interpolate(path, first, second, alphas))
    return DrawnPath(number, points[:-1], points[-1])


def _training_rows(
    training: Sequence[tuple[Deltas, Thresholds]], parents: Sequence[str]
) -> tuple[pd.DataFrame, str]:
    """Return the training automata on the map, and how they were chosen.

    They are a sample over all thresholds, and the parents. Non-synchronizing automata are left out:
    they have no reset word.
    """
    cells = sum(deltas[:1].size for deltas, _ in training) / len(training)
    count = min(_SHOWN, int(_SHOWN_TRANSITIONS / cells)) // len(training)
    tables = []
    for deltas, thresholds in training:
        rows = np.argsort(-thresholds, kind="stable")[_spread(len(deltas), count)]
        rows = rows[thresholds[rows] >= 0]
        tables.append(known_automata(deltas[rows], thresholds[rows], novel=False))
    for text in parents:
        delta = parse_delta(text, partial=True)[None]
        threshold = thresholds_of(delta, partial=has_undefined(delta))
        if threshold[0] >= 0:
            tables.append(known_automata(delta, threshold, novel=False))
    every = all(len(deltas) <= count for deltas, _ in training)
    chosen = "all of them" if every else "at even steps through their list, sorted by threshold"
    if parents:
        chosen += ", and the parents of the paths drawn"
    shown = pd.concat(tables).drop_duplicates(["n", "canonical"]).reset_index(drop=True)
    return shown, chosen


def _places(axes: Axes, encode: Encode, texts: pd.Series) -> Floats:
    """Return the places of automata on the map: float64 (automata, 2)."""
    return _project(axes, _encode(encode, texts)) if len(texts) else np.empty((0, 2))


def _encode(encode: Encode, texts: Sequence[str] | pd.Series) -> Tensor:
    """Encode automata of any sizes, in their order."""
    deltas = [parse_delta(text, partial=True) for text in texts]
    sizes = np.array([delta.shape[1] for delta in deltas])
    rows = [np.flatnonzero(sizes == n) for n in np.unique(sizes)]
    parts = [encode(np.stack([deltas[row] for row in own])) for own in rows]
    return torch.cat(parts)[torch.from_numpy(np.argsort(np.concatenate(rows)))]


def _spread(rows: int, count: int) -> npt.NDArray[np.int64]:
    """Return at most `count` evenly spread rows: int64."""
    return np.unique(np.linspace(0, rows - 1, min(rows, count)).round().astype(np.int64))
