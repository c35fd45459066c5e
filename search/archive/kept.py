"""The file where a search for series keeps thresholds, for the next search of the same archive."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from automata.deltas import UNDEFINED
from automata.sizes import CANONICAL_MAX_LETTERS, CANONICAL_MAX_STATES
from automata.solver.exact import Thresholds
from automata.solver.once import Known, SolvedOnce
from automata.solver.timed import OUT_OF_TIME
from data.damage import open_file, reading
from data.outputs import write_output
from data.terminal import warn

_KEPT = "thresholds that archive series has kept"
_PAUSE = 30.0
"""Seconds between two writings. A shorter search writes if it was ended before it was done."""
_COLUMNS = pa.schema(
    [
        pa.field(name, kind, nullable=False)
        for name, kind in {
            "solver": pa.string(),
            "k": pa.uint8(),
            "n": pa.uint8(),
            "canonical": pa.binary(),
            "threshold": pa.int32(),
            "seconds": pa.float64(),
        }.items()
    ]
)


def kept_file(archive: Path) -> Path:
    """Return the file beside an archive."""
    return archive.with_name(f"{archive.stem}-series.parquet")


@contextmanager
def keeping(
    file: Path | None, solvers: Mapping[str, SolvedOnce], *, always: bool
) -> Iterator[Callable[[], None]]:
    """Take over the thresholds in a file, and add to it those that the block computes.

    If the file cannot be written, a warning says so.

    Parameters
    ----------
    file : Path, optional
        None: nothing is kept.
    solvers : mapping of str to SolvedOnce
        New ones by name. What the file has of others stays in it.
    always : bool
        Whether to keep thresholds even if all of them took less than 30 seconds, and no
        interruption ended the block.

    Yields
    ------
    callable
        To be called now and then: it writes the file if the last time is 30 seconds ago.

    Raises
    ------
    DataError
        If the file is damaged.
    """
    if file is None:
        yield lambda: None
        return
    written = _read(file) if file.exists() else _COLUMNS.empty_table()
    mine = pc.is_in(written["solver"], pa.array([*solvers]))
    for name, known in _sizes(file, written.filter(mine)):
        solvers[name].remember(known)
    others, last = written.filter(pc.invert(mine)), time.monotonic()

    def save() -> None:
        nonlocal written, last
        table = pa.concat_tables([others, *map(_table, solvers.items())])
        last = time.monotonic()
        if table.equals(written):
            return
        try:
            write_output(file, lambda path: pq.write_table(table, path, write_page_checksum=True))
            written = table
        except OSError as error:
            warn(f"thresholds are not kept: {error}")

    def save_now_and_then() -> None:
        if time.monotonic() - last >= _PAUSE:
            save()

    try:
        yield save_now_and_then
    except KeyboardInterrupt:
        save()
        raise
    if always or len(written):
        save()


def _table(solver: tuple[str, SolvedOnce]) -> pa.Table:
    """Return all that a solver knows as rows."""
    name, solved = solver
    tables = [
        pa.table(
            [
                pa.array([name] * len(known.forms), pa.string()),
                pa.array([known.k] * len(known.forms), pa.uint8()),
                pa.array([known.n] * len(known.forms), pa.uint8()),
                pa.array([*map(bytes, known.forms)], pa.binary()),
                pa.array(known.thresholds),
                pa.array(known.seconds),
            ],
            schema=_COLUMNS,
        )
        for known in solved.known()
    ]
    return pa.concat_tables([_COLUMNS.empty_table(), *tables])


def _read(file: Path) -> pa.Table:
    """Read a file, and check its columns."""
    with open_file(file) as opened, reading(file, _KEPT):
        parquet = pq.ParquetFile(opened, page_checksum_verification=True)
        if parquet.schema_arrow != _COLUMNS:
            raise ValueError("other columns")
        return parquet.read(use_threads=False)


def _sizes(file: Path, table: pa.Table) -> Iterator[tuple[str, Known]]:
    """Yield the rows of each solver and size, checked."""
    with reading(file, _KEPT):
        for (name, k, n), rows in table.to_pandas().groupby(["solver", "k", "n"]):
            columns = (rows[own].to_numpy() for own in ("canonical", "threshold", "seconds"))
            yield name, _known(k, n, *columns)


def _known(
    k: int,
    n: int,
    forms: npt.NDArray[np.object_],
    thresholds: Thresholds,
    seconds: npt.NDArray[np.float64],
) -> Known:
    """Return the rows of one size; raise ValueError where they are true of no solver."""
    if not (1 <= k <= CANONICAL_MAX_LETTERS and 1 <= n <= CANONICAL_MAX_STATES):
        raise ValueError(f"automata with n={n}, k={k}")
    if {*map(len, forms)} != {k * n}:
        raise ValueError("forms of no automata")
    if len({*forms}) < len(forms):
        raise ValueError("the same automaton twice")
    late = thresholds == OUT_OF_TIME
    if (thresholds < OUT_OF_TIME).any() or not np.array_equal(late, seconds > 0):
        raise ValueError("thresholds that there are not")
    if not ((seconds >= 0) & (seconds < math.inf)).all():
        raise ValueError("times that there are not")
    targets = np.frombuffer(b"".join(forms), np.uint8).reshape(-1, k * n)
    if ((targets >= n) & (targets != UNDEFINED)).any():
        raise ValueError("forms of no automata")
    return Known(k, n, targets, thresholds, seconds)
