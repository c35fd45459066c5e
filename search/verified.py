"""CSV files of candidates, of a run or of ``archive export``: read, checked row by row, proved.

Anyone may have written them. Files of partial automata and of classes have the column best_known in
place of cerny_bound; words and thresholds of partial automata are careful.
"""

from __future__ import annotations

import hashlib
import io
import re
import warnings
from collections import deque
from collections.abc import Iterator
from contextlib import closing, nullcontext
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
from pandas.errors import ParserError

from automata.deltas import Deltas, has_undefined
from automata.proof.certify import certificate
from automata.proof.checker import Certificate, check_certificate
from automata.solver.either import thresholds_of
from automata.units import Lost, Pool, here, results_of_chunks
from data.commits import read_checksums, recover
from data.damage import DataError, open_file, reading
from data.progress import progress
from search.claims import CANDIDATES, EXPORTED, FileKind, checked_rows
from search.proofs import write_certificates

_CHUNK = 16
"""Rows that are proved at a time."""
_MOST_BYTES = 1 << 32
_LONGEST_HEADER = 10_000
_ARCHIVE = b"SQLite format 3\0"
"""How the file of an archive begins."""
_Row = tuple[int, Deltas, int]
"""Position, automaton and threshold."""
_TAKEN = "verify takes the candidates.csv of a run and the files of archive export"


def verify_candidates(
    path: Path | str, certificates: Path | None = None, *, pool: Pool | None = None
) -> int:
    """Replay every word of a file, prove every threshold again, and count the rows.

    Each threshold is proved by a certificate, which a checker without compiled code accepts.

    Parameters
    ----------
    path : Path or str
        A candidates file, or a file of ``archive export``.
    certificates : Path, optional
        A file for the certificates, a line for each row. It is written if all rows are right.
    pool : Pool, optional
        Where the thresholds are proved. Default: here.

    Raises
    ------
    DataError
        If the file is missing or of another kind, if a row is wrong (the error names the first), or
        if its SHA-256 is not the one that its run recorded.
    Lost
        If rows ended their workers; all others are proved.
    """
    path = Path(path)
    recorded = {}
    if (path.parent / "checksums.json").exists():
        recover(path.parent)
        recorded = read_checksums(path.parent)
    content = _read(path)
    header = _parse(path, content, nrows=0)
    kind = (EXPORTED if "found_at" in header else CANDIDATES).fitting(header)
    table = _table(path, content, kind, f"; {_TAKEN}")
    if len(table) == 0 and path.name not in recorded:
        raise DataError(f"{path}: no rows")

    def proofs(place: Pool) -> Iterator[Certificate]:
        yield from _proofs(path, table, kind, place, keep=certificates is not None)
        if not content.endswith(b"\n"):
            raise DataError(f"{path}: row {len(table)}: the file is cut off")
        digest = hashlib.sha256(content).hexdigest()
        if recorded.get(path.name, digest) != digest:
            raise DataError(f"{path}: damaged (its SHA-256 is not the recorded one)")

    with nullcontext(pool) if pool else here() as place:
        if certificates is None:
            deque(proofs(place), maxlen=0)
        else:
            write_certificates(proofs(place), certificates)
    return len(table)


def _proofs(
    path: Path, table: pd.DataFrame, kind: FileKind, pool: Pool, *, keep: bool
) -> Iterator[Certificate]:
    """Prove the thresholds of all rows, and yield the certificates if they are to be kept.

    Errors come in the order of the rows.
    """
    rows, wrong = checked_rows(path, table, kind), list[DataError]()

    def chunks() -> Iterator[list[_Row]]:
        for _ in range(0, len(table), _CHUNK):
            chunk: list[_Row] = []
            try:
                chunk.extend(islice(rows, _CHUNK))
            except DataError as error:  # `extend` keeps the rows before
                wrong.append(error)
            yield chunk
            if wrong:
                return

    lost: dict[int, Lost] = {}
    with (
        progress(len(table), "verify", "rows") as bar,
        closing(results_of_chunks(pool, partial(_certify, keep), chunks())) as found,
    ):
        for chunk, result in found:
            if isinstance(result, Lost):
                lost |= {position: result for position, _, _ in chunk}
                continue
            proofs, problem = result
            yield from proofs
            if problem:
                raise DataError(f"{path}: {problem}")
            bar.update(len(chunk))
    if wrong:
        raise wrong[0]
    if lost:
        raise Lost(
            f"{path}: not proved: row {', '.join(map(str, lost))}: {next(iter(lost.values()))}"
        )


def _certify(keep: bool, rows: list[_Row]) -> tuple[list[Certificate], str]:
    """Return the certificates to keep, which the checker has accepted, and the first error."""
    proofs: list[Certificate] = []
    for position, delta, threshold in rows:
        proof = certificate(delta)
        check_certificate(proof)
        if proof.threshold != threshold:
            problem = f"threshold {threshold}, but {proof.threshold} is proved"
            return proofs, f"row {position}: {problem}"
        if keep:
            proofs.append(proof)
    return proofs, ""


def check_candidates(path: Path, table: pd.DataFrame, workers: int) -> None:
    """Check rows of a candidates file as `verify_candidates` does, but without proofs.

    The solver finds the thresholds again instead.

    Parameters
    ----------
    path : Path
        Their file, for errors.
    table : DataFrame
        Of `read_candidates`, or its first rows.
    workers : int
        Threads.

    Raises
    ------
    DataError
        If a row is wrong; the error names the first.
    """
    kind = CANDIDATES.fitting(table)
    rows = [*checked_rows(path, table, kind)]
    found: dict[int, int] = {}
    for shape in {delta.shape for _, delta, _ in rows}:
        own = [(position, delta) for position, delta, _ in rows if delta.shape == shape]
        deltas = np.stack([delta for _, delta in own])
        solved = thresholds_of(deltas, partial=has_undefined(deltas), workers=workers)
        found |= dict(zip([position for position, _ in own], solved.tolist(), strict=True))
    for position, _, threshold in rows:
        if found[position] != threshold:
            raise DataError(
                f"{path}: row {position}: threshold {threshold}, but {found[position]} is found"
            )


def read_candidates(path: Path | str) -> pd.DataFrame:
    """Read a candidates file without checking its cells: every cell is a text.

    Raises
    ------
    DataError
        If the file is missing or not a candidates file.
    """
    path, content = Path(path), _read(Path(path))
    return _table(path, content, CANDIDATES.fitting(_parse(path, content, nrows=0)))


def _read(path: Path) -> bytes:
    with open_file(path) as file, reading(path, "a CSV file"):
        content = file.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise ValueError(f"over {_MOST_BYTES} bytes")
        if content.startswith(_ARCHIVE):
            raise DataError(f"{path}: an archive: archive verify --archive {path} checks it")
        if b"\0" in content:
            raise ValueError("it holds the character NUL")
        if len(content.partition(b"\n")[0]) > _LONGEST_HEADER:
            raise ValueError(f"its first line has over {_LONGEST_HEADER} bytes")
        return content


def _parse(path: Path, content: bytes, nrows: int | None = None) -> pd.DataFrame:
    """Parse the content of a CSV file, or its first rows: every cell is a text."""
    with reading(path, "a CSV file"), warnings.catch_warnings():
        warnings.simplefilter("error")
        try:  # the empty word and the word "nan" are texts
            return pd.read_csv(
                io.BytesIO(content),
                dtype=str,
                keep_default_na=False,
                encoding="utf-8",
                index_col=False,
                nrows=nrows,
            ).fillna("")
        except ParserError as error:
            raise ValueError(_split_badly(str(error))) from error
        except Warning as warning:
            raise ValueError("a row has more cells than the first line") from warning


def _split_badly(error: str) -> str:
    """Return in plain words why pandas cannot split a file into cells."""
    if found := re.search("Expected ([0-9]+) fields in line ([0-9]+), saw ([0-9]+)", error):
        return f"line {found[2]} has {found[3]} cells, not {found[1]}"
    return "a quote is not closed" if "EOF inside string" in error else error


def _table(path: Path, content: bytes, kind: FileKind, taken: str = "") -> pd.DataFrame:
    """Parse the content of a file of a kind; `taken` ends the message if it is of another."""
    header = _parse(path, content, nrows=0)
    missing = [name for name in kind.columns if name not in header]
    if missing:
        raise DataError(f"{path}: not {kind.name}, no column {missing[0]!r}{taken}")
    return _parse(path, content)
