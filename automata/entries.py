"""The texts of single automata, read many at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from automata.automaton import MAX_LETTERS, MAX_STATES, AutomatonError, Deltas, state_dtype
from automata.formats import parse_delta, parse_state_major
from automata.kernels.text import read_tables


@dataclass(frozen=True, eq=False)
class Automata:
    """Automata of one size that stand one after the other."""

    lines: list[int]
    """The line where each begins, from 1."""
    deltas: Deltas
    """Of shape (batch, k, n)."""


class Malformed(NamedTuple):
    """A place where no automaton could be read, or one that could not be solved."""

    line: int
    """The line where it begins, from 1."""
    reason: str
    """One line."""


class Entry(NamedTuple):
    """The text of one automaton."""

    line: int
    text: bytes
    size: tuple[int, int] | None = None
    """k and n where the entries stand state by state; None: our form."""


def parse_entries(entries: Iterable[Entry | Malformed]) -> Iterator[Automata | Malformed]:
    """Read the texts of automata, in their order.

    Parameters
    ----------
    entries : iterable of Entry or Malformed

    Yields
    ------
    Automata or Malformed
        As many automata at once as follow each other in one form and one size.

    Examples
    --------
    >>> [item] = parse_entries([Entry(1, b"0 0|1 0"), Entry(2, b"1 1|0 1")])
    >>> item.lines, item.deltas.tolist()
    ([1, 2], [[[0, 0], [1, 0]], [[1, 1], [0, 1]]])
    >>> [*parse_entries([Entry(1, b"0 0|1")])]
    [Malformed(line=1, reason='letter 1 has 1 entries, the first has 2')]
    """
    alike: list[Entry] = []
    for entry in entries:
        if alike and (isinstance(entry, Malformed) or entry.size != alike[0].size):
            yield from _parse_alike(alike)
            alike = []
        if isinstance(entry, Malformed):
            yield entry
        else:
            alike.append(entry)
    if alike:
        yield from _parse_alike(alike)


def _parse_alike(entries: list[Entry]) -> Iterator[Automata | Malformed]:
    """Read texts of one form: at once while the size stays the same, with care where it must be."""
    size = entries[0].size
    lines = [entry.line for entry in entries]
    texts = [entry.text for entry in entries]
    starts = [*accumulate((len(text) + 1 for text in texts), initial=0)]
    joined = np.frombuffer(bytearray(b"\n".join(texts) + b"\n"), np.uint8)
    done = 0
    while done < len(texts):
        deltas = _read_deltas(joined[starts[done] :], texts[done], len(texts) - done, size)
        if len(deltas):
            yield Automata(lines[done : done + len(deltas)], deltas)
            done += len(deltas)
            continue
        text = texts[done].decode("utf-8", "backslashreplace")
        try:
            delta = parse_state_major(text.split(), *size) if size else parse_delta(text)
            yield Automata([lines[done]], delta[None])
        except AutomatonError as error:
            yield Malformed(lines[done], str(error))
        done += 1


def _read_deltas(
    joined: npt.NDArray[np.uint8], first: bytes, count: int, size: tuple[int, int] | None
) -> Deltas:
    """Read as many automata of the first one's size as have the usual form, at most `count`."""
    k, n = size or (first.count(b"|") + 1, len(first.partition(b"|")[0].split()))
    if not (k <= MAX_LETTERS and 1 <= n <= MAX_STATES):
        return np.empty((0, k, n), np.uint8)
    shape = (1, n * k) if size else (k, n)
    room = min(count, len(joined) // (2 * n * k) + 1)  # a number and what follows take two bytes
    tables = np.empty((room, *shape), np.uint16)
    tables = tables[: read_tables(joined, tables, n)]
    if size:
        tables = tables.reshape(-1, n, k).swapaxes(1, 2)
    return np.ascontiguousarray(tables, state_dtype(n))
