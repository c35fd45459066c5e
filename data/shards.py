"""Labelled automata of one size as one parquet file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from io import BufferedWriter, FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from automata.classes import CLASSES
from automata.deltas import Deltas, validate_deltas
from automata.row_index import RowIndex
from automata.solver.exact import Thresholds
from data.counts import column_name
from data.damage import DataError, open_file, reading
from data.files import write_file

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

ROW_GROUP = 1 << 18
"""Rows read at a time: a file that is no shard is refused before much of it is in memory."""


class Rows(NamedTuple):
    """The columns of a file, as in `data.dataset.Dataset`."""

    deltas: Deltas
    """uint8 (rows, k, n)"""
    reset_thresholds: Thresholds
    """int32 (rows,)"""
    sources: npt.NDArray[np.str_]
    """str (rows,)"""
    properties: Mapping[str, npt.NDArray[Any]]
    """The columns of `property_types`, (rows, ...) each; empty in sampled datasets."""


def property_types(k: int, *, partial: bool = False) -> dict[str, pa.DataType]:
    """Return the further columns of enumerated datasets with k letters, and their types.

    Partial automata have no rank: there is one for words and one for careful words.
    """
    return {
        **{column_name(name): pa.bool_() for name in CLASSES},
        **({} if partial else {"rank": pa.uint8()}),
        "automorphisms": pa.int64(),
        "defects": pa.binary(k),  # one byte for each letter
    }


class _Hashing(BufferedWriter):
    """A file for writing that computes the SHA-256 of its content."""

    def __init__(self, path: Path) -> None:
        super().__init__(FileIO(path, "w"))
        self.sha256 = hashlib.sha256()

    def write(self, content: ReadableBuffer, /) -> int:
        """Write bytes at the end."""
        self.sha256.update(content)
        return super().write(content)


def write_rows(path: Path, rows: Rows, metadata: Mapping[str, str] | None = None) -> str:
    """Write rows, with optional metadata, as one parquet file: all or nothing.

    Returns
    -------
    str
        The SHA-256 of the file as hexadecimal digits.
    """
    _, k, n = rows.deltas.shape
    columns = {
        "delta": _binary(rows.deltas, n * k),
        "reset_threshold": pa.array(rows.reset_thresholds, pa.int32()),
        "source": pa.array(rows.sources, pa.string()).dictionary_encode(),
    }
    types = property_types(k)
    for name, values in rows.properties.items():
        binary = values.ndim == 2
        columns[name] = _binary(values, k) if binary else pa.array(values, types[name])
    table = pa.table(columns, metadata=metadata)
    digest = hashlib.sha256()

    def write(temporary: Path) -> None:
        nonlocal digest
        with _Hashing(temporary) as file:
            pq.write_table(
                table,
                file,
                compression="zstd",
                compression_level=1,
                row_group_size=ROW_GROUP,
                write_page_checksum=True,
                use_dictionary=["source"],
            )
            digest = file.sha256

    write_file(path, write)
    return digest.hexdigest()


def _binary(values: npt.NDArray[Any], width: int) -> pa.Array:
    """Return a column of `width` bytes for each row."""
    content = pa.py_buffer(np.ascontiguousarray(values))
    return pa.Array.from_buffers(pa.binary(width), len(values), [None, content])


def read_metadata(path: Path) -> dict[bytes, bytes]:
    """Read the metadata of a file that `write_rows` wrote.

    Raises
    ------
    DataError
        If it is no parquet file.
    """
    with open_file(path) as file, reading(path, "a shard of a dataset"):
        metadata: dict[bytes, bytes] | None = pq.read_schema(file).metadata
        return metadata or {}


def read_rows(
    path: Path,
    rows: int,
    n: int,
    k: int,
    source: str,
    properties: Mapping[str, pa.DataType],
    *,
    partial: bool = False,
) -> Rows:
    """Read a file that `write_rows` wrote, and check that its automata are distinct.

    Thresholds may have any values: `data.recheck.recheck` checks them.

    Parameters
    ----------
    path : Path
    rows, n, k : int
        Expected numbers of automata, states and letters.
    source : str
        Expected source of every row.
    properties : mapping of str to DataType
        Further columns, as `property_types` returns them.
    partial : bool
        Whether letters may be undefined on states.

    Raises
    ------
    DataError
        If the file does not fit these.
    """
    types = {"delta": pa.binary(n * k), "reset_threshold": pa.int32(), **properties}
    distinct, parts = RowIndex(n * k), []
    with open_file(path) as file, reading(path, "a shard of a dataset"):
        # the header may lie: nothing is allocated before its data has been read
        parquet = pq.ParquetFile(file, page_checksum_verification=True)
        shape = f"{rows} labelled automata with n={n}, k={k}"
        if not _is_laid_out(parquet, rows, types):
            raise DataError(f"{path}: not {shape}")
        for group in range(parquet.num_row_groups):
            table = parquet.read_row_group(group, use_threads=False)
            if table.num_rows != parquet.metadata.row_group(group).num_rows:
                raise DataError(f"{path}: not {shape}")
            part = _columns(table, types, n, k, partial)
            if {*_texts(table["source"])} - {source}:
                raise DataError(f"{path}: not every row is from {source}")
            before = len(distinct)
            distinct.add(part["delta"].transpose(0, 2, 1).reshape(table.num_rows, n * k))
            if len(distinct) - before < table.num_rows:
                raise DataError(f"{path}: the same automaton twice")
            parts.append(part)
    empty = _columns(_no_rows(types), types, n, k, partial)
    columns = {name: np.concatenate([part[name] for part in [empty, *parts]]) for name in types}
    return Rows(
        columns.pop("delta"), columns.pop("reset_threshold"), np.full(rows, source), columns
    )


def _is_laid_out(parquet: pq.ParquetFile, rows: int, types: Mapping[str, pa.DataType]) -> bool:
    """Return whether a file has these columns and this many rows, in groups of `ROW_GROUP`."""
    schema, metadata = parquet.schema_arrow, parquet.metadata
    names = ["delta", "reset_threshold", "source", *[*types][2:]]
    groups = [metadata.row_group(index).num_rows for index in range(metadata.num_row_groups)]
    full, rest = divmod(rows, ROW_GROUP)
    return (
        schema.names == names
        and all(schema.field(name).type == own for name, own in types.items())
        and metadata.num_rows == rows
        and [count for count in groups if count] == [ROW_GROUP] * full + [rest] * bool(rest)
    )


def _columns(
    table: pa.Table, types: Mapping[str, pa.DataType], n: int, k: int, partial: bool
) -> dict[str, npt.NDArray[Any]]:
    """Return the columns of a table as arrays, (rows, ...) each."""
    columns = {}
    for name, own in types.items():
        column = table[name].combine_chunks()
        if column.type != own or column.null_count:
            raise ValueError(f"column {name} has gaps, or another type")
        binary = pa.types.is_fixed_size_binary(own)
        columns[name] = _bytes(column) if binary else column.to_numpy(zero_copy_only=False)
    deltas = columns["delta"].reshape(table.num_rows, k, n)
    columns["delta"] = validate_deltas(deltas, partial=partial)
    return columns


def _bytes(column: pa.Array) -> npt.NDArray[np.uint8]:
    """Return the content of a column of bytes, uint8 (rows, width)."""
    rows, width = len(column), column.type.byte_width
    content = column.buffers()[1] or b""
    flat = np.frombuffer(content, np.uint8, count=rows * width, offset=column.offset * width)
    return flat.reshape(rows, width)


def _texts(column: pa.ChunkedArray) -> list[str]:
    """Return the distinct texts of a column."""
    different: list[str] = column.unique().to_pylist()
    return different


def _no_rows(types: Mapping[str, pa.DataType]) -> pa.Table:
    return pa.table({name: pa.array([], own) for name, own in types.items()})
