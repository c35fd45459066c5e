"""CSV files of candidates, of a run or of ``archive export``: read, checked row by row, proved.

Anyone may have written them. Files of partial automata have the column best_known in place of
cerny_bound, and careful words and thresholds.
"""

from __future__ import annotations

import hashlib
import io
import re
import warnings
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from pandas.errors import ParserError

from automata.proof.certify import certificate
from automata.proof.checker import Certificate, check_certificate
from automata.solver.either import thresholds_of
from data.commits import read_checksums, recover
from data.damage import DataError, open_file, reading
from data.progress import progress
from search.claims import CANDIDATES, EXPORTED, FileKind, checked_rows
from search.proofs import write_certificates

_MOST_BYTES = 1 << 32
_LONGEST_HEADER = 10_000
_TAKEN = "verify takes the candidates.csv of a run and the files of archive export"


def verify_candidates(path: Path | str, certificates: Path | None = None) -> int:
    """Replay every word of a file, prove every threshold again, and count the rows.

    Each threshold is proved by a certificate, which a checker without compiled code accepts.

    Parameters
    ----------
    path : Path or str
        A candidates file, or a file of ``archive export``.
    certificates : Path, optional
        A file for the certificates, a line for each row. It is written if all rows are right.

    Raises
    ------
    DataError
        If the file is missing or of another kind, if a row is wrong (the error names the first), or
        if its SHA-256 is not the one that its run recorded.
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

    def proofs() -> Iterator[Certificate]:
        yield from _proofs(path, table, kind)
        if not content.endswith(b"\n"):
            raise DataError(f"{path}: row {len(table)}: the file is cut off")
        digest = hashlib.sha256(content).hexdigest()
        if recorded.get(path.name, digest) != digest:
            raise DataError(f"{path}: damaged (its SHA-256 is not the recorded one)")

    if certificates is None:
        deque(proofs(), maxlen=0)
    else:
        write_certificates(proofs(), certificates)
    return len(table)


def _proofs(path: Path, table: pd.DataFrame, kind: FileKind) -> Iterator[Certificate]:
    """Yield a certificate, which the checker has accepted, for each row of a table."""
    with progress(len(table), "verify", "rows") as bar:
        for position, delta, threshold in checked_rows(path, table, kind):
            proof = certificate(delta)
            check_certificate(proof)
            if proof.threshold != threshold:
                raise DataError(
                    f"{path}: row {position}: threshold {threshold}, but {proof.threshold} is "
                    "proved"
                )
            yield proof
            bar.update()


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
        solved = thresholds_of(deltas, partial=kind.partial, workers=workers)
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
