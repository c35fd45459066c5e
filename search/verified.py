"""Candidate files, which anyone may have written: read, checked row by row, proved."""

from __future__ import annotations

import hashlib
import io
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from automata.automaton import AutomatonError, Deltas, cerny_bound
from automata.canonical import canonical_forms
from automata.families import identify
from automata.proof.certify import proved_threshold
from automata.proof.verification import verify
from automata.solver.exact import reset_thresholds
from automata.text.formats import parse_delta, parse_word
from data.damage import DataError, open_file, reading
from data.files import read_checksums, recover
from data.progress import progress
from search.baselines import BASELINES
from search.candidates import CANDIDATE_COLUMNS
from search.configs import LEARNING, MODES
from search.discovery.config import SOURCE_NAMES

_MOST_BYTES = 1 << 32
_LONGEST_HEADER = 10_000
_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_NUMBER = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?(e[-+][0-9]{2})?")


def verify_candidates(path: Path | str) -> int:
    """Replay every word of a candidates file, prove every threshold again, and count the rows.

    Each threshold is proved by a certificate, which a checker without compiled code accepts.

    Raises
    ------
    DataError
        If the file is missing or not a candidates file, if a row is wrong (the error names the
        first), or if its SHA-256 is not the one that its run recorded.
    """
    path = Path(path)
    recorded = {}
    if (path.parent / "checksums.json").exists():
        recover(path.parent)
        recorded = read_checksums(path.parent)
    content = _read(path)
    table = _table(path, content)
    if len(table) == 0 and path.name not in recorded:
        raise DataError(f"{path}: no rows")
    with progress(len(table), "verify", "rows") as bar:
        for position, delta, threshold in _checked_rows(path, table):
            if (proved := proved_threshold(delta)) != threshold:
                raise DataError(
                    f"{path}: row {position}: threshold {threshold}, but {proved} is proved"
                )
            bar.update()
    if not content.endswith(b"\n"):
        raise DataError(f"{path}: row {len(table)}: the file is cut off")
    digest = hashlib.sha256(content).hexdigest()
    if recorded.get(path.name, digest) != digest:
        raise DataError(f"{path}: damaged (its SHA-256 is not the recorded one)")
    return len(table)


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
    rows = [*_checked_rows(path, table)]
    found: dict[int, int] = {}
    for shape in {delta.shape for _, delta, _ in rows}:
        own = [(position, delta) for position, delta, _ in rows if delta.shape == shape]
        solved = reset_thresholds(np.stack([delta for _, delta in own]), workers=workers)
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
    path = Path(path)
    return _table(path, _read(path))


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


def _table(path: Path, content: bytes) -> pd.DataFrame:
    """Parse the content of a candidates file."""
    with reading(path, "a CSV file"), warnings.catch_warnings():
        warnings.simplefilter("error")
        try:  # the empty word and the word "nan" are texts
            table = pd.read_csv(
                io.BytesIO(content),
                dtype=str,
                keep_default_na=False,
                encoding="utf-8",
                index_col=False,
            ).fillna("")
        except Warning as warning:  # a row is longer than the header
            raise ValueError(str(warning)) from warning
    missing = [name for name in CANDIDATE_COLUMNS if name not in table.columns]
    if missing:
        raise DataError(f"{path}: not a candidates file, no column {missing[0]!r}")
    return table


def _checked_rows(path: Path, table: pd.DataFrame) -> Iterator[tuple[int, Deltas, int]]:
    """Yield position, automaton and threshold of each row, after checking all its other cells."""
    last: tuple[int, int, bool, list[int]] | None = None
    for position, row in enumerate(table[CANDIDATE_COLUMNS].itertuples(index=False), 1):
        try:
            delta, threshold = (
                parse_delta(row.delta),
                _whole("reset_threshold", row.reset_threshold),
            )
            problem = _problem(row, position, delta, threshold)
        except (AutomatonError, ValueError) as error:
            raise DataError(f"{path}: row {position}: {error}") from error
        if problem:
            raise DataError(f"{path}: row {position}: {problem}")
        yield position, delta, threshold
        form = [int(q) for q in row.canonical.split()]
        place = (delta.shape[1], int(row.gap), row.novel == "False", form)
        if last is not None and place <= last:
            raise DataError(f"{path}: row {position}: out of order, or the same automaton again")
        last = place


def _whole(name: str, text: str) -> int:
    """Parse a whole number of a table."""
    if not _WHOLE.fullmatch(text):
        raise ValueError(f"{name} {text[:40]!r} is not a whole number")
    return int(text)


def _number(name: str, text: str) -> float:
    """Parse a number of a table."""
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{name} {text[:40]!r} is not a number")
    return float(text)


def _may_be_parent(delta: npt.NDArray[Any], k: int, n: int) -> bool:
    return bool(delta.shape[0] == k and delta.shape[1] <= n)


def _problem(row: Any, position: int, delta: Deltas, threshold: int) -> str:
    """Return the first error in a row, "" if there is none; the threshold is not checked."""
    word = parse_word(row.word)
    k, n = delta.shape
    bound = cerny_bound(n)
    for parent in (row.parent_a, row.parent_b):
        if parent and not _may_be_parent(parse_delta(parent), k, n):
            return f"a parent of more states or other letters: {parent[:100]}"
    if row.novel not in ("True", "False"):
        return f"novel is {row.novel[:40]}, but should be True or False"
    if (
        row.mode not in (*MODES, *LEARNING, *BASELINES, *SOURCE_NAMES)
        or _whole("round", row.round) < 0
        or _whole("repaired", row.repaired) < 0
    ):
        return f"mode {row.mode[:40]}, round {row.round}, repaired {row.repaired}"
    if row.alpha and not 0 <= _number("alpha", row.alpha) <= 1:
        return f"alpha is {row.alpha}, but should be in 0..1"
    claims = {
        "rank": (row.rank, position),
        "n": (row.n, n),
        "k": (row.k, k),
        "cerny_bound": (row.cerny_bound, bound),
        "gap": (row.gap, bound - threshold),
        "canonical": (row.canonical, " ".join(map(str, canonical_forms(delta[None])[0].tolist()))),
        "family": (row.family, identify(delta[None])[0]),
        "ratio": (_number("ratio", row.ratio), round(threshold / max(1, bound), 4)),
    }
    for name, (claimed, true) in claims.items():
        if claimed != (true if isinstance(claimed, float) else str(true)):
            return f"{name} is {str(claimed)[:200]}, but should be {true}"
    if len(word) != threshold:
        return f"a word of {len(word)} letters for the threshold {threshold}"
    if not verify(delta, word):
        return "the word does not send all states to one state"
    return ""
