"""Automata of any origin -> canonical form, dedupe -> solver -> shards."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from io import BufferedReader
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from automata.automaton import Automaton
from automata.canonical import Forms, canonical_forms_of_valid, from_canonical
from automata.deltas import validate_deltas
from automata.errors import AutomatonError
from automata.row_index import RowIndex
from automata.solver.either import thresholds_of
from automata.solver.exact import Thresholds
from automata.text.entries import Malformed
from automata.text.reading import read_automata
from data.claim import claim
from data.damage import DataError
from data.dataset import Dataset, read_shard, shard_path, write_shard
from data.generate import Generated
from data.manifest import IMPORT, finish, open_manifest, write_manifest
from data.progress import progress
from data.record import versions
from data.solving import input_name, open_input, with_hint

SHARD_ROWS = 1_000_000
"""Rows of a shard."""
_AT_ONCE = 1 << 14
"""Automata solved between two moves of the progress bar."""

Batch = npt.ArrayLike | Sequence[Automaton]
"""Automata of one size: an array (batch, k, n), or a list of `Automaton` or of text."""


class Collection(NamedTuple):
    """Automata of one size, one of each isomorphism class."""

    n: int
    k: int
    read: int
    """Automata that were read, copies too."""
    forms: Forms
    """Canonical forms in the order in which each came first: uint8 (rows, n*k)."""
    partial: bool = False
    """Whether letters may be undefined on states."""

    def config(self) -> dict[str, int | str]:
        """Return the settings of the dataset. They depend on the automata, not on their text."""
        config: dict[str, int | str] = {
            "n": self.n,
            "k": self.k,
            "read": self.read,
            "count": len(self.forms),
            "shard_rows": SHARD_ROWS,
            "sha256": hashlib.sha256(self.forms.tobytes()).hexdigest(),
        }
        return config | ({"partial": True} if self.partial else {})


def import_automata(
    batches: Iterable[Batch], folder: Path | str, *, partial: bool = False, workers: int = 1
) -> Generated:
    """Make a dataset folder of automata from anywhere, such as a sampler of your own.

    Parameters
    ----------
    batches : iterable of arrays, shape (batch, k, n)
        All of one size; or lists of `Automaton` or of text. Isomorphic copies are left out.
    folder : Path or str
    partial : bool
        Whether letters may be undefined on states; then thresholds are careful ones.
    workers : int
        Threads; the result does not depend on their number.

    Returns
    -------
    Generated

    Raises
    ------
    DataError
        As `collect` and `import_collection`.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     made = import_automata([["1 2 0|0 1 0", "1 2 0|1 2 0"], ["2 1 2|2 0 1"]], folder)
    >>> sorted(made.thresholds.items())  # the third is the first one, renamed
    [(-1, 1), (4, 1)]
    """
    named = ((f"batch {number}", batch) for number, batch in enumerate(batches, 1))
    collection = collect(named, partial=partial, workers=workers)
    return import_collection(collection, folder, workers=workers)


def read_collection(
    file: Path, form: str | None = None, *, partial: bool = False, workers: int = 1
) -> Collection:
    """Read automata of one size from a text in any form that ``solve`` reads.

    Parameters
    ----------
    file : Path
        "-" is standard input.
    form : str, optional
        One of `automata.text.reading.FORMS`. Default: the form that fits.
    partial : bool
        Whether letters may be undefined on states.
    workers : int
        Threads.

    Raises
    ------
    DataError
        If the file cannot be read, no form fits it, an automaton is malformed or too large, or
        sizes differ. The error names the line.
    """

    def lines(stream: BufferedReader) -> Iterator[tuple[str, Batch]]:
        for items in read_automata(stream, form, partial=partial):
            for item in items:
                if isinstance(item, Malformed):
                    raise AutomatonError(f"line {item.line}: {item.reason}")
                yield f"line {item.lines[0]}", item.deltas

    with open_input(file) as stream:
        try:
            return collect(lines(stream), partial=partial, workers=workers)
        except (AutomatonError, DataError) as error:
            reason = with_hint(str(error), partial)
            raise DataError(f"{input_name(file)}: {reason}") from error


def collect(
    batches: Iterable[tuple[str, Batch]], *, partial: bool = False, workers: int = 1
) -> Collection:
    """Return one automaton of each isomorphism class, in the order in which each came first.

    Parameters
    ----------
    batches : iterable of (place, automata)
        The place names a batch in errors, such as "line 3".
    partial : bool
        Whether letters may be undefined on states.
    workers : int
        Threads.

    Raises
    ------
    DataError
        If there is no automaton, a batch does not hold automata (complete ones where `partial` is
        False) or larger ones than canonical forms allow, or sizes differ. The error names the
        place.
    """
    found: RowIndex | None = None
    size, first, read = (0, 0), "", 0
    for place, batch in batches:
        try:
            deltas = validate_deltas(batch, partial=partial)
            k, n = deltas.shape[1:]
            if found is not None and (k, n) != size:
                raise AutomatonError(
                    f"n={n}, k={k}, but {first} has n={size[1]}, k={size[0]}: "
                    "all automata of a dataset have one size"
                )
            forms = canonical_forms_of_valid(deltas, workers=workers)
        except AutomatonError as error:
            raise DataError(f"{place}: {error}") from error
        if found is None:
            size, first, found = (k, n), place, RowIndex(n * k)
        found.add(forms)
        read += len(deltas)
    if found is None or read == 0:
        raise DataError("no automaton")
    return Collection(size[1], size[0], read, found.rows.copy(), partial)


def import_collection(collection: Collection, folder: Path | str, *, workers: int = 1) -> Generated:
    """Label automata and write them as a dataset, or finish one that was interrupted.

    Parameters
    ----------
    collection : Collection
    folder : Path or str
    workers : int
        Threads; the result does not depend on their number.

    Raises
    ------
    DataError
        If the folder holds another dataset, one of other versions, or damaged shards, or another
        process has claimed it.
    """
    folder = Path(folder)
    fresh = {
        "kind": IMPORT,
        "config": collection.config(),
        "versions": versions("numpy", "numba", "pyarrow"),
        "shards": [],
        "complete": False,
    }
    with claim(folder, "import"):
        manifest = open_manifest(folder, fresh)
        thresholds: Counter[int] = Counter()
        for index, start in enumerate(range(0, len(collection.forms), SHARD_ROWS)):
            recorded = manifest["shards"][index : index + 1]
            if recorded and shard_path(folder, index).exists():
                shard = read_shard(folder, index, manifest, workers=workers)
            else:
                shard = _label(collection, collection.forms[start : start + SHARD_ROWS], workers)
                entry = write_shard(folder, index, shard) | {"calls": len(shard)}
                if recorded and [entry] != recorded:
                    shard_path(folder, index).unlink()
                    path = shard_path(folder, index)
                    raise DataError(f"{path}: made again, but not as recorded")
                if not recorded:
                    manifest["shards"].append(entry)
                    write_manifest(folder, manifest)
            thresholds.update(shard.reset_thresholds.tolist())
        if not manifest["complete"]:
            finish(manifest)
            write_manifest(folder, manifest)
    return Generated(manifest, thresholds)


def _label(collection: Collection, forms: Forms, workers: int) -> Dataset:
    """Find the thresholds of canonical forms."""
    partial = collection.partial
    deltas = from_canonical(forms, collection.n, collection.k, partial=partial)
    labels: list[Thresholds] = []
    with progress(len(deltas), "import", "automata") as bar:
        for start in range(0, len(deltas), _AT_ONCE):
            part = deltas[start : start + _AT_ONCE]
            labels.append(thresholds_of(part, partial=partial, workers=workers))
            bar.update(len(part))
    sources = np.full(len(deltas), IMPORT)
    return Dataset(deltas, np.concatenate(labels), sources, partial=partial)
