"""Damage within binary files: columns, arrays, tensors, tables. Each tells what it did."""

from __future__ import annotations

import io
import json
import os
import pickle
import random
import sqlite3
import zipfile
from collections.abc import Sequence
from contextlib import closing
from typing import Any

import numpy as np

from tests.faults.mutate import damaged_bytes, damaged_json

EXECUTED = "executed"
"""A folder that code in a file would make, were it run."""
_INTEGERS = (-1, 0, 1, 2, -5, 255, 256, 2**31 - 1, -(2**31), 2**62)
_FLOATS = (float("nan"), float("inf"), -float("inf"), -1.0, 0.0, 1e308)


class Bomb:
    """Runs code when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (EXECUTED,)


def damaged_parquet(data: bytes, chance: random.Random) -> tuple[bytes, str]:
    """Another value, row, column, type or name, in a file that is whole."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(io.BytesIO(data))
    name, kind = chance.choice(table.column_names), chance.randrange(10)
    place = table.column_names.index(name)
    told = f"column {name}"
    if kind <= 5 and len(table):
        values, row = table[name].to_pylist(), chance.randrange(len(table))
        values[row] = _other_value(values[row], chance)
        told += f", row {row} is {values[row]!r}"
        column = _as_column(values, table.schema.field(name).type)
        table = table.set_column(place, name, column)
    elif kind == 6 and len(table):
        rows = [*range(len(table))]
        row = rows.pop(chance.randrange(len(rows)))
        rows += [row] * chance.choice((0, 2))
        table, told = table.take(rows), f"row {row} {'lost' if row not in rows else 'twice'}"
    elif kind == 7:
        table, told = table.drop_columns([name]), f"{told} lost"
    elif kind == 8:
        table = table.rename_columns(
            [f"{own}x" if own == name else own for own in table.schema.names]
        )
        told += " renamed"
    else:
        texts = pa.array([str(value) for value in table[name].to_pylist()])
        table, told = table.set_column(place, name, texts), f"{told} as texts"
    if chance.random() < 0.3 and table.schema.metadata:
        table = table.replace_schema_metadata(_damaged_metadata(table.schema.metadata, chance))
        told += ", metadata changed"
    out = io.BytesIO()
    pq.write_table(table, out, compression="zstd", write_page_checksum=True)
    return out.getvalue(), told


def damaged_state(data: bytes, chance: random.Random) -> tuple[bytes, str]:
    """Another state in the metadata of a pending.parquet, its digest put right."""
    import pyarrow.parquet as pq

    table = pq.read_table(io.BytesIO(data))
    metadata = _damaged_metadata(table.schema.metadata, chance)
    out = io.BytesIO()
    pq.write_table(table.replace_schema_metadata(metadata), out, compression="zstd")
    return out.getvalue(), "state changed, its digest put right"


def _damaged_metadata(metadata: dict[bytes, bytes], chance: random.Random) -> dict[bytes, bytes]:
    from hashlib import sha256

    if b"state" not in metadata:
        return {key: damaged_bytes(value, chance)[0] for key, value in metadata.items()}
    state, _ = damaged_json(metadata[b"state"], chance)
    return dict(metadata) | {b"state": state, b"sha256": sha256(state).hexdigest().encode()}


def _as_column(values: list[Any], kind: Any) -> Any:
    import pyarrow as pa

    try:
        return pa.array(values, kind)
    except (pa.ArrowException, OverflowError, TypeError, ValueError):
        return pa.array([None if value is None else str(value) for value in values])


def _other_value(value: Any, chance: random.Random) -> Any:
    if isinstance(value, bytes) and value:
        return damaged_bytes(value, chance)[0][: len(value)].ljust(len(value), b"\0")
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return chance.choice((value - 1, value + 1, *_INTEGERS, None))
    return chance.choice(("", "x", "evolved", "\x1b[31m", None))


def damaged_npz(data: bytes, chance: random.Random) -> tuple[bytes, str]:
    """Another value, shape, type or array, or an array that is pickled."""
    with np.load(io.BytesIO(data), allow_pickle=False) as found:
        arrays = {name: found[name] for name in found.files}
    name, kind = chance.choice([*arrays]), chance.randrange(12)
    array, told = arrays[name].copy(), f"{name}"
    if kind <= 6 and array.size:
        place = chance.randrange(array.size)
        value: Any = chance.choice(_FLOATS if array.dtype.kind == "f" else _INTEGERS)
        if chance.random() < 0.5:
            value = array.flat[place].item() + chance.choice((-1, 1))
        with np.errstate(all="ignore"):
            array.flat[place] = np.array(value).astype(array.dtype)
        arrays[name], told = array, f"{name}[{place}] is {array.flat[place]}"
    elif kind == 7:
        arrays[name] = array[: len(array) // 2]
        told += " is half as long"
    elif kind == 8:
        with np.errstate(all="ignore"):
            arrays[name] = array.astype(chance.choice(("f4", "i1", "i8", "U5", "c8", ">i4")))
        told += f" is {arrays[name].dtype}"
    elif kind == 9:
        arrays[name] = array.reshape(*array.shape, 1)
        told += " has a dimension more"
    elif kind == 10:
        del arrays[name]
        told += " is missing"
    else:
        arrays[name] = np.array([Bomb()] * max(1, len(array)), object)
        told += " is pickled"
    out = io.BytesIO()
    np.savez_compressed(out, **arrays)
    return out.getvalue(), told


def damaged_safetensors(data: bytes, chance: random.Random) -> tuple[bytes, str]:
    """Another header, or weights that are no numbers."""
    length = int.from_bytes(data[:8], "little")
    header, body = data[8 : 8 + length], bytearray(data[8 + length :])
    kind = chance.randrange(4)
    if kind == 0:
        value = chance.choice(_FLOATS)
        place = 4 * chance.randrange(len(body) // 4)
        with np.errstate(over="ignore"):
            body[place : place + 4] = np.float32(value).tobytes()
        return data[: 8 + length] + bytes(body), f"a weight is {value}"
    if kind == 1:
        size = chance.choice((0, 1, length - 1, length + 1, 2**31, 2**63, 2**64 - 1))
        return size.to_bytes(8, "little") + data[8:], f"a header of {size} bytes"
    header, told = damaged_json(header, chance)
    return len(header).to_bytes(8, "little") + header + bytes(body), f"header: {told}"


def damaged_checkpoint(data: bytes, chance: random.Random) -> tuple[bytes, str]:
    """Another value in what torch.save wrote, or code."""
    import torch

    state: Any = torch.load(io.BytesIO(data), weights_only=True)
    kind = chance.randrange(10)
    if kind == 0:
        return _with_code(data), "code in its pickle"
    if kind == 1:
        state = chance.choice((Bomb(), [state], None, {"": state}, {}))
        told = f"a {type(state).__name__}"
    else:
        told = _damage_checkpoint(state, chance)
    out = io.BytesIO()
    torch.save(state, out)
    return out.getvalue(), told


def _damage_checkpoint(state: Any, chance: random.Random) -> str:
    import torch

    path: list[Any] = []
    while isinstance(state, dict | list) and state:
        keys = [*state] if isinstance(state, dict) else range(len(state))
        key = chance.choice([*keys])
        path.append(key)
        if not isinstance(state[key], dict | list) or not state[key] or chance.random() < 0.15:
            break
        state = state[key]
    value = state[key]
    if isinstance(value, torch.Tensor) and value.is_floating_point() and chance.random() < 0.7:
        with torch.no_grad():
            value.view(-1)[chance.randrange(value.numel())] = chance.choice(_FLOATS[:5])
    elif chance.random() < 0.2:
        del state[key]
        return f"{path} is missing"
    else:
        state[key] = chance.choice(
            (None, -1, 10**30, float("nan"), float("inf"), "x", [], {}, torch.zeros(0), True, 1.5)
        )
    return f"{path} is {str(state[key])[:40]}"


def _with_code(data: bytes) -> bytes:
    """The same archive with another pickle."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for item in old.infolist():
            content = old.read(item)
            new.writestr(item, pickle.dumps(Bomb()) if item.filename.endswith(".pkl") else content)
    return out.getvalue()


_STATEMENTS: Sequence[str] = (
    "UPDATE automata SET reset_threshold = reset_threshold + 1, gap = gap - 1, word = word || 'a'"
    " WHERE rowid = {row}",
    "UPDATE automata SET reset_threshold = reset_threshold - 1, gap = gap + 1,"
    " word = substr(word, 2) WHERE rowid = {row}",
    "UPDATE automata SET word = 'b' || substr(word, 2) WHERE rowid = {row}",
    "UPDATE automata SET word = char(27) || substr(word, 2) WHERE rowid = {row}",
    "UPDATE automata SET reset_threshold = {value} WHERE rowid = {row}",
    "UPDATE automata SET gap = {value} WHERE rowid = {row}",
    "UPDATE automata SET n = {value} WHERE rowid = {row}",
    "UPDATE automata SET k = {value} WHERE rowid = {row}",
    "UPDATE automata SET family = 'x' || char(27) || '[31m' WHERE rowid = {row}",
    "UPDATE automata SET family = 'C' WHERE rowid = {row}",
    "UPDATE automata SET properties = 'sink,x' WHERE rowid = {row}",
    "UPDATE automata SET canonical = zeroblob(length(canonical)) WHERE rowid = {row}",
    "UPDATE automata SET canonical = randomblob(length(canonical)) WHERE rowid = {row}",
    "UPDATE automata SET canonical = CAST('x' AS TEXT) WHERE rowid = {row}",
    "UPDATE finds SET run = '' WHERE n = (SELECT n FROM automata WHERE rowid = {row})",
    "UPDATE finds SET found_at = '9999', run = '=1+1'",
    "UPDATE finds SET arm = char(27) || '[31m'",
    "DELETE FROM finds WHERE n = (SELECT n FROM automata WHERE rowid = {row})",
    "DELETE FROM automata WHERE rowid = {row}",
    "DROP TABLE finds",
    "DROP TABLE automata",
    "CREATE TABLE more (x)",
    "CREATE INDEX more ON automata (word)",
    "CREATE TRIGGER bomb AFTER INSERT ON finds BEGIN DELETE FROM automata; END",
    "CREATE TRIGGER lie AFTER INSERT ON automata BEGIN UPDATE automata SET family = 'x'; END",
    "ALTER TABLE automata RENAME TO old; CREATE VIEW automata AS SELECT n, k, canonical,"
    " reset_threshold + 1 AS reset_threshold, gap - 1 AS gap, word || 'a' AS word, family,"
    " properties FROM old",
    "DROP TABLE automata; CREATE VIEW automata AS WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT"
    " n FROM c) SELECT n, 2 AS k, x'00' AS canonical, 1 AS reset_threshold, 0 AS gap, '' AS word,"
    " '' AS family, '' AS properties FROM c",
    "CREATE TABLE t AS SELECT * FROM automata; DROP TABLE automata; ALTER TABLE t RENAME TO"
    " automata; UPDATE automata SET {column} = {value} WHERE rowid = {row}",
    "CREATE TABLE t AS SELECT * FROM finds; DROP TABLE finds; ALTER TABLE t RENAME TO finds",
    "ALTER TABLE automata ADD COLUMN more",
    "PRAGMA user_version = {value}",
    "PRAGMA application_id = {value}",
)


def damaged_archive(data: bytes, chance: random.Random) -> tuple[bytes, str]:
    """Another row, table, trigger or view."""
    columns = ("n", "k", "canonical", "reset_threshold", "gap", "word", "family", "properties")
    values = ("-1", "0", "1", "2", "'x'", "NULL", "1e308", "9223372036854775807", "x'00ff'")
    statement = chance.choice(_STATEMENTS).format(
        row=chance.randint(1, 3), value=chance.choice(values), column=chance.choice(columns)
    )
    with closing(sqlite3.connect(":memory:")) as archive:
        archive.deserialize(_with_journal(data, 1))
        for pragma in ("ignore_check_constraints = ON", "foreign_keys = OFF",
                       "legacy_alter_table = ON"):  # fmt: skip
            archive.execute(f"PRAGMA {pragma}")
        try:
            archive.executescript(statement)
            archive.commit()
        except sqlite3.Error as error:
            return damaged_bytes(data, chance)[0], f"bytes, for {error}"
        return _with_journal(archive.serialize(), 2), statement


def _with_journal(data: bytes, kind: int) -> bytes:
    """The file of a database with a rollback journal (1) or a write-ahead log (2)."""
    return data[:18] + bytes([kind, kind]) + data[20:]


def damaged_json_line(data: bytes, chance: random.Random) -> tuple[bytes, str]:
    """Another tree, on one line."""
    damaged, told = damaged_json(data, chance)
    try:
        return json.dumps(json.loads(damaged)).encode(), told
    except (ValueError, RecursionError):
        return damaged, told
