"""Datasets whose checksums are right but whose contents are not."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from data.dataset import shard_path
from data.files import json_sha256, sha256, write_sealed


def edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change a manifest and the digest of its config."""
    manifest = json.loads((folder / "manifest.json").read_text())
    change(manifest)
    manifest["config_sha256"] = json_sha256(manifest["config"])
    write_sealed(folder / "manifest.json", manifest)


def rewrite(folder: Path, index: int, change: Callable[[pa.Table], pa.Table]) -> None:
    """Change a shard; put its rows and its SHA-256 in the manifest right."""
    path = shard_path(folder, index)
    table = change(pq.read_table(path))
    pq.write_table(table, path)
    entry = {"rows": len(table), "sha256": sha256(path)}
    edit(folder, lambda manifest: manifest["shards"][index].update(entry))


def with_cell(name: str, row: int, value: Any) -> Callable[[pa.Table], pa.Table]:
    """Change one cell of a table."""

    def change(table: pa.Table) -> pa.Table:
        place, column = table.column_names.index(name), table[name]
        cells = column.to_pylist()
        cells[row] = value
        kind = pa.string() if name == "source" else column.type
        own = pa.array(cells, kind)
        return table.set_column(place, name, own.dictionary_encode() if name == "source" else own)

    return change
