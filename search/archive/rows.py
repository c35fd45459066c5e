"""The rows of an archive: made from checked candidates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from automata.canonical import Forms, canonical_forms, from_canonical
from automata.classes import CLASSES, MAX_STATES_SUBSETS, ON_SUBSETS
from automata.deltas import UNDEFINED, Deltas
from automata.flags import flags_of_valid
from automata.identification import identify
from automata.sizes import cerny_bound
from data.terminal import printable
from search.candidates import form_text

UNDECIDED = ON_SUBSETS
"""Classes that are decided only up to `automata.classes.MAX_STATES_SUBSETS` states."""

NAME_MAX_LENGTH = 4096
"""Characters of the name of a run or an arm, escaped by `printable`; more than any folder's."""

_PART_ROWS = 4000
_USED = ("n", "k", "canonical", "reset_threshold", "word")


class Record(NamedTuple):
    """A row of the table ``automata``."""

    n: int
    k: int
    canonical: bytes
    """n*k bytes, state-major; `UNDEFINED` for an undefined transition"""
    reset_threshold: int
    """the careful one of a partial automaton"""
    gap: int
    """(n-1)^2 - reset_threshold, negative for some partial automata"""
    word: str
    family: str
    properties: str
    """of `class_names`"""

    @property
    def name(self) -> str:
        """The name of the automaton in errors."""
        return f"n={self.n}, k={self.k}, canonical form {form_text(self.canonical)}"


class Part(NamedTuple):
    """Candidates of one size, added in one transaction; a list entry for each."""

    n: int
    k: int
    forms: list[bytes]
    thresholds: list[int]
    words: list[str]
    arms: list[str]

    def cut(self, rows: slice) -> Part:
        """Return the rows of a slice."""
        return self._replace(
            forms=self.forms[rows],
            thresholds=self.thresholds[rows],
            words=self.words[rows],
            arms=self.arms[rows],
        )

    def records(self, rows: Sequence[int], *, workers: int = 1) -> list[Record]:
        """Return the records of some rows; compute gap, family and classes."""
        if not rows:
            return []
        forms = np.frombuffer(b"".join(self.forms[row] for row in rows), np.uint8)
        deltas = from_canonical(forms.reshape(len(rows), -1), self.n, self.k, partial=True)
        synchronizing = np.array([self.thresholds[row] for row in rows]) >= 0
        properties = class_names(deltas, workers=workers, synchronizing=synchronizing)
        families = identify(deltas)
        bound = cerny_bound(self.n)
        return [
            Record(
                self.n,
                self.k,
                self.forms[row],
                self.thresholds[row],
                bound - self.thresholds[row],
                self.words[row],
                family,
                names,
            )
            for row, family, names in zip(rows, families, properties, strict=True)
        ]


def contradiction(n: int, k: int, form: bytes, threshold: int, other: str) -> RuntimeError:
    """Return the error for an automaton with two thresholds; `other` names the second one."""
    return RuntimeError(
        f"solver bug: n={n}, k={k}, canonical form {form_text(form)} has threshold {threshold}, "
        f"but {other}"
    )


def class_names(
    deltas: Deltas,
    *,
    workers: int = 1,
    undecided: bool = False,
    synchronizing: npt.NDArray[np.bool_] | None = None,
) -> list[str]:
    """Return the names of the classes of each automaton.

    Parameters
    ----------
    deltas : uint8 array, shape (batch, k, n)
        n <= 64.
    workers : int
        Threads.
    undecided : bool
        Whether to leave out the classes in `UNDECIDED` for every n.
    synchronizing : bool array, shape (batch,), optional
        Whether each automaton synchronizes, if known: of partial ones it is a long search.

    Returns
    -------
    list of str
        Names separated by commas, in the order of `automata.classes.CLASSES`. The classes in
        `UNDECIDED` are left out for n > `automata.classes.MAX_STATES_SUBSETS`.

    Raises
    ------
    AutomatonError, SizeLimitError
        As `automata.properties.in_classes`.

    Examples
    --------
    >>> class_names(np.array([[[1, 2, 0], [1, 2, 0]]], np.uint8))
    ['strongly-connected,initially-connected,permutation-letter,one-cluster,eulerian']
    """
    left_out = UNDECIDED if undecided or deltas.shape[2] > MAX_STATES_SUBSETS else ()
    classes = [name for name in CLASSES if name not in left_out]
    flags = flags_of_valid(deltas, classes, workers, synchronizing=synchronizing)
    distinct, place = np.unique(flags, return_inverse=True)
    texts = [
        ",".join(name for bit, name in enumerate(CLASSES) if flag >> bit & 1)
        for flag in distinct.tolist()
    ]
    return [texts[index] for index in place.tolist()]


def parts_of(candidates: pd.DataFrame, arm: str | None) -> Iterator[Part]:
    """Check candidates, and split them into parts of one size and at most 4,000 rows.

    Parameters
    ----------
    candidates : DataFrame
        As for `search.archive.store.Archive.add`.
    arm : str or None
        The arm that found them; None: the mode of each row.

    Yields
    ------
    Part

    Raises
    ------
    ValueError
        If a column is missing, a form is not canonical, the length of a word is not the threshold,
        or the name of an arm is empty or too long.
    RuntimeError
        If an automaton occurs twice, with two thresholds.
    """
    for name in (*_USED, *(["mode"] if arm is None else [])):
        if name not in candidates.columns:
            raise ValueError(f"not a table of candidates: no column {name!r}")
    sizes = candidates[["n", "k"]].astype(int)
    for size, rows in candidates.groupby([sizes["n"], sizes["k"]]):
        n, k = map(int, size)
        forms = _read_forms(rows, n, k)
        thresholds = rows["reset_threshold"].to_numpy(np.int64)
        words = rows["word"].tolist()
        arms = rows["mode"].tolist() if arm is None else [arm] * len(rows)
        _refuse(rows, [not (isinstance(name, str) and name) for name in arms], "found by no arm")
        named = [*map(printable, arms)]
        _refuse(
            rows,
            [len(name) > NAME_MAX_LENGTH for name in named],
            f"the name of its arm has over {NAME_MAX_LENGTH} letters",
        )
        _refuse(
            rows,
            [len(word) != length for word, length in zip(words, thresholds, strict=True)],
            "the word is not as long as the threshold",
        )
        whole = Part(n, k, [*map(bytes, forms)], thresholds.tolist(), words, named)
        _, first, place = np.unique(forms, axis=0, return_index=True, return_inverse=True)
        firsts = thresholds[first][place.ravel()]
        for row in np.flatnonzero(thresholds != firsts):
            other = f"{firsts[row]} in another row"
            raise contradiction(n, k, whole.forms[row], thresholds[row], other)
        for start in range(0, len(rows), _PART_ROWS):
            yield whole.cut(slice(start, start + _PART_ROWS))


def _read_forms(rows: pd.DataFrame, n: int, k: int) -> Forms:
    """Read the column of canonical forms: uint8 (rows, n*k)."""
    texts = rows["canonical"]
    _refuse(rows, texts.str.count(" ") != n * k - 1, f"not a form of {n * k} entries")
    entries = [UNDEFINED if text == "-" else text for text in " ".join(texts).split(" ")]
    forms = np.array(entries).astype(np.int64).reshape(len(rows), n * k)
    canonical = canonical_forms(from_canonical(forms, n, k, partial=True))
    _refuse(rows, np.any(canonical != forms, axis=1), "the form is not canonical")
    return canonical


def _refuse(rows: pd.DataFrame, wrong: npt.ArrayLike, problem: str) -> None:
    """Raise ValueError for the first wrong row, if there is one."""
    flags = np.asarray(wrong, np.bool_)
    if flags.any():
        raise ValueError(f"candidate {rows.index[flags][0]}: {problem}")
