"""The latent map of a page as points and lines, in units of its viewBox."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from automata.sizes import cerny_bound
from data.best_known import Scale
from search.report.content import LatentMap

_MAP_SIZE = 1000.0, 640.0
_MAP_MARGIN = 24.0


def map_shapes(
    latent_map: LatentMap, automata: Sequence[dict[str, Any]], rows: pd.DataFrame
) -> dict[str, Any]:
    """Return the points and the lines of the latent map, in units of its viewBox.

    `rows` are the candidates, the first of `automata`.
    """
    lines = [path.line for path in latent_map.paths]
    every = np.concatenate([latent_map.candidates, latent_map.places, *lines])
    low, high = every.min(axis=0), every.max(axis=0)
    size, margin = np.array(_MAP_SIZE), _MAP_MARGIN
    scale = ((size - 2 * margin) / np.maximum(high - low, 1e-9)).min()  # the same along both axes
    offset = (size - scale * (high - low)) / 2

    def put(points: Any) -> list[list[float]]:
        placed = offset + scale * (np.asarray(points) - low)
        placed[..., 1] = size[1] - placed[..., 1]
        return np.round(placed, 1).tolist()  # type: ignore[no-any-return]

    points = [*put(latent_map.candidates), *put(latent_map.places)]
    lengths, compared = _lengths(rows, automata)
    shares = [
        entry["threshold"] / max(1, length) for entry, length in zip(automata, lengths, strict=True)
    ]
    least, most = min(shares), max(shares)
    return {
        "text": latent_map.text,
        "chosen": latent_map.chosen,
        "dots": len(latent_map.places),
        "shares": [f"{share:.1%}" for share in latent_map.shares],
        "ramp": (least, most, compared),
        "size": _MAP_SIZE,
        "points": [
            {"x": x, "y": y, "automaton": number, "hue": (share - least) / max(most - least, 1e-9)}
            for number, ((x, y), share) in enumerate(zip(points, shares, strict=True))
        ],
        "candidates": len(rows),
        "paths": [
            {
                "candidate": path.candidate,
                "line": " ".join(f"{x},{y}" for x, y in put(path.line)),
                "point": put(path.point),
                "end": points[path.candidate],
            }
            for path in latent_map.paths
        ],
    }


def _lengths(rows: pd.DataFrame, automata: Sequence[dict[str, Any]]) -> tuple[list[int], str]:
    """Return the length that the threshold of each automaton is compared with, and its name.

    Of partial automata and of classes it is the longest known one, as recorded in the rows, if all
    sizes have one.
    """
    bounds = [cerny_bound(entry["n"]) for entry in automata]
    if "best_known" not in rows:
        return bounds, "the Černý bound"
    columns = [rows[name].tolist() for name in ("n", "k", "best_known")]
    recorded = {(int(n), int(k)): int(own) for n, k, own in zip(*columns, strict=True) if own}
    partial = rows["delta"].str.contains("-").any()
    sizes = [(entry["n"], entry["k"]) for entry in automata]
    known = [
        Scale(n, k, True, recorded.get((n, k))).best if partial else recorded.get((n, k))
        for n, k in sizes
    ]
    lengths = [length for length in known if length is not None]
    return (lengths, "the longest known") if len(lengths) == len(known) else (bounds, "(n-1)²")
