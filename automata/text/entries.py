"""Texts of single automata, many read at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from automata.deltas import MAX_LETTERS, MAX_STATES, UNDEFINED, Deltas, state_dtype
from automata.errors import AutomatonError
from automata.kernels.text import parse_tables
from automata.text.formats import parse_delta
from automata.text.tables import parse_state_major


@dataclass(frozen=True, eq=False)
class Automata:
    """Consecutive automata of one size."""

    lines: Sequence[int]
    """The line where each begins, from 1."""
    deltas: Deltas
    """Array of states, shape (batch, k, n)."""


class Malformed(NamedTuple):
    """An automaton that could not be read or solved."""

    line: int
    """The line where it begins, from 1."""
    reason: str
    """The error, one line."""


Size = tuple[int, int]  # k and n
Entry = tuple[int, bytes, Size | None]
"""The line where an automaton begins, its text, and its size if the text is state-major; None if
the text is in our form, ``1 2 0|0 1 0``."""


def parse_entries(
    entries: Iterable[Entry | Malformed], *, partial: bool = False
) -> Iterator[Automata | Malformed]:
    """Read the texts of automata, in order.

    Parameters
    ----------
    entries : iterable of Entry or Malformed
    partial : bool
        Whether letters may be undefined on states, written ``-`` in our form.

    Yields
    ------
    Automata or Malformed
        Consecutive automata of one form and one size together.

    Examples
    --------
    >>> [item] = parse_entries([(1, b"0 0|1 0", None), (2, b"1 1|0 1", None)])
    >>> item.lines, item.deltas.tolist()
    ((1, 2), [[[0, 0], [1, 0]], [[1, 1], [0, 1]]])
    >>> [*parse_entries([(1, b"0 0|1", None)])]
    [Malformed(line=1, reason='letter 1 has 1 entries, the first has 2')]
    """
    alike: list[Entry] = []
    for entry in entries:
        if alike and (isinstance(entry, Malformed) or entry[2] != alike[0][2]):
            yield from _parse_alike(alike, partial)
            alike = []
        if isinstance(entry, Malformed):
            yield entry
        else:
            alike.append(entry)
    if alike:
        yield from _parse_alike(alike, partial)


def _parse_alike(entries: list[Entry], partial: bool) -> Iterator[Automata | Malformed]:
    lines, texts, sizes = zip(*entries, strict=True)
    return parse_texts(lines, texts, sizes[0], partial=partial)


def parse_texts(
    lines: Sequence[int],
    texts: Sequence[bytes],
    size: Size | None = None,
    *,
    partial: bool = False,
) -> Iterator[Automata | Malformed]:
    """Read automata of one form: in bulk if plainly written, otherwise one by one.

    Parameters
    ----------
    lines : sequence of int
        The line where each begins.
    texts : sequence of bytes
        One line each.
    size : tuple of int, optional
        k and n, if the texts are state-major.
    partial : bool
        As in `parse_entries`.

    Yields
    ------
    Automata or Malformed
        As `parse_entries`.

    Examples
    --------
    >>> [item] = parse_texts([1], [b"0 1 0 0"], (2, 2))
    >>> item.deltas.tolist()
    [[[0, 0], [1, 0]]]
    """
    joined = np.frombuffer(bytearray(b"\n".join(texts) + b"\n"), np.uint8)
    done = at = 0
    while done < len(texts):
        deltas, end = _read_deltas(joined[at:], texts[done], len(texts) - done, size, partial)
        if len(deltas):
            yield Automata(lines[done : done + len(deltas)], deltas)
            done += len(deltas)
            at += end
            continue
        text = texts[done].decode("utf-8", "backslashreplace")
        try:
            if size:
                delta = parse_state_major(text.split(), *size)
            else:
                delta = parse_delta(text, partial=partial)
            yield Automata([lines[done]], delta[None])
        except AutomatonError as error:
            yield Malformed(lines[done], str(error))
        at += len(texts[done]) + 1
        done += 1


def _read_deltas(
    joined: npt.NDArray[np.uint8], first: bytes, count: int, size: Size | None, partial: bool
) -> tuple[Deltas, int]:
    """Read plainly written automata of the first one's size, at most `count`, and their end."""
    k, n = size or (first.count(b"|") + 1, len(first.partition(b"|")[0].split()))
    if not (k <= MAX_LETTERS and 1 <= n <= MAX_STATES):
        return np.empty((0, k, n), np.uint8), 0
    shape = (1, n * k) if size else (k, n)
    room = min(count, len(joined) // (2 * n * k) + 1)  # an entry takes at least two bytes
    tables = np.empty((room, *shape), np.uint16)
    undefined = UNDEFINED if partial and n <= UNDEFINED and not size else 0
    read, end = parse_tables(joined, tables, n, undefined)
    tables = tables[:read].reshape(read, n, k).swapaxes(1, 2) if size else tables[:read]
    return np.ascontiguousarray(tables, state_dtype(n)), end
