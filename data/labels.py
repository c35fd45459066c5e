"""The labels of a dataset, read without its automata."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from data.damage import DataError, open_file, reading


def count_thresholds(
    folder: Path, manifest: dict[str, Any]
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """Count the rows of a dataset folder by their reset thresholds, one shard at a time.

    Parameters
    ----------
    folder : Path
    manifest : dict
        Of the folder, whose shards have been checked.

    Returns
    -------
    thresholds : int32 array
        Those that occur, in increasing order; -1 for non-synchronizing automata.
    rows : int64 array
        How many automata have each.

    Raises
    ------
    DataError
        If a shard is missing, or not one of these rows.
    """
    counts: dict[int, int] = {}
    for shard in manifest["shards"]:
        path = folder / shard["file"]
        with open_file(path) as file, reading(path, "a shard of a dataset"):
            table = pq.read_table(file, columns=["reset_threshold"])
        if table.schema.types != [pa.int32()] or len(table) != shard["rows"]:
            raise DataError(f"{path}: not {shard['rows']} labelled automata")
        found, rows = np.unique(table["reset_threshold"].to_numpy(), return_counts=True)
        for threshold, count in zip(found.tolist(), rows.tolist(), strict=True):
            counts[threshold] = counts.get(threshold, 0) + count
    thresholds = sorted(counts)
    return (
        np.array(thresholds, np.int32),
        np.array([counts[threshold] for threshold in thresholds], np.int64),
    )
