"""Automata from text, solved one after the other."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple

from automata.automaton import AutomatonError, Deltas
from automata.entries import Automata, Malformed
from automata.limits import LimitReached, ResetBounds
from automata.solver import reset_threshold, reset_thresholds, shortest_reset_word
from automata.words import format_word

METHODS = ("exact", "greedy", "beam")

_BULK_STATES = 32  # a larger one may take so long that it must not hold up those before it
_BULK_ROWS = 16_384
_MOMENT = 0.1  # seconds that a result may wait for those after it
_QUICK = 0.001  # seconds; a thread costs a tenth of it


@dataclass(frozen=True)
class SolveConfig:
    """How automata are solved, and what a search for one of them may spend."""

    method: str = "exact"
    """``exact``, or the length of a short word, an upper bound: ``greedy`` or ``beam``."""
    words: bool = True
    """Whether words are wanted too."""
    memory_limit: int | None = None
    """Bytes."""
    time_limit: float | None = None
    """Seconds."""

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ValueError(f"unknown method {self.method!r}: one of {', '.join(METHODS)}")
        for name in ("memory_limit", "time_limit"):
            limit = getattr(self, name)
            if limit is None:
                continue
            if not limit > 0:
                raise ValueError(f"{name.replace('_', ' ')} {limit} is not positive")
            if self.method != "exact":
                raise ValueError(f"{self.method} has no {name.replace('_', ' ')}: exact has")


class Solution(NamedTuple):
    """What is known about one automaton."""

    line: int
    """Where it begins in the input, from 1."""
    n: int
    k: int
    method: str
    lower: int | None
    """No shorter word resets it; None: no word does."""
    upper: int | None
    """The length of a word that does."""
    word: str | None
    """That word, if it is wanted."""

    @property
    def threshold(self) -> int | None:
        """The reset threshold, None if there is none or it is not known."""
        return self.lower if self.lower == self.upper else None

    def text(self) -> str:
        r"""Return the line that people read.

        Examples
        --------
        >>> Solution(1, 3, 2, "exact", 4, 4, "baab").text()
        '4\tbaab'
        >>> Solution(1, 3, 2, "greedy", 1, 5, None).text()
        '1..5'
        >>> Solution(1, 3, 2, "exact", None, None, None).text()
        'none'
        """
        if self.lower is None:
            return "none"
        bounds = str(self.lower) if self.lower == self.upper else f"{self.lower}..{self.upper}"
        return bounds if self.word is None else f"{bounds}\t{self.word}"

    def json(self) -> str:
        """Return the line that programs read.

        Examples
        --------
        >>> Solution(7, 3, 2, "exact", 4, 4, "baab").json()[:42]
        '{"line": 7, "n": 3, "k": 2, "method": "exa'
        """
        return json.dumps(
            {
                "line": self.line,
                "n": self.n,
                "k": self.k,
                "method": self.method,
                "synchronizing": self.lower is not None,
                "threshold": self.threshold,
                "lower": self.lower,
                "upper": self.upper,
                "word": self.word,
            }
        )


def solve(
    automata: Iterable[Automata | Malformed], config: SolveConfig, *, workers: int = 1
) -> Iterator[list[Solution] | Malformed]:
    r"""Solve automata in their order, each before the next one is asked for if it must be.

    Parameters
    ----------
    automata : iterable of Automata or Malformed
        As `automata.reading.read_automata` yields them.
    config : SolveConfig
    workers : int
        Threads; with limits, each may use as much memory.

    Yields
    ------
    list of Solution, or Malformed
        As soon as they are there; Malformed also where an automaton is too large for the method.

    Examples
    --------
    >>> from io import BytesIO
    >>> from automata.reading import read_automata
    >>> automata = read_automata(BytesIO(b"1 2 0|0 1 0"))
    >>> [[solution.text() for solution in found] for found in solve(automata, SolveConfig())]
    [['4\tbaab']]
    """
    limited = config.memory_limit is not None or config.time_limit is not None
    in_bulk = config.method == "exact" and not config.words and not limited
    for item in automata:
        if isinstance(item, Malformed):
            yield item
        elif in_bulk and item.deltas.shape[2] <= _BULK_STATES:
            yield from _solve_in_bulk(item, workers)
        else:
            yield from _solve_each(item, config, workers)


def _solve_in_bulk(automata: Automata, workers: int) -> Iterator[list[Solution] | Malformed]:
    """Find thresholds alone, of as many at once as take a moment."""
    lines, deltas = automata.lines, automata.deltas
    _, k, n = deltas.shape
    done, rows = 0, 1
    while done < len(lines):
        part = slice(done, done + rows)
        began = time.monotonic()
        try:
            thresholds = reset_thresholds(deltas[part], workers=workers).tolist()
        except AutomatonError as error:
            yield from (Malformed(line, str(error)) for line in lines[done:])
            return
        seconds = time.monotonic() - began
        ends = [length if length >= 0 else None for length in thresholds]
        yield [
            Solution(line, n, k, "exact", end, end, None)
            for line, end in zip(lines[part], ends, strict=True)
        ]
        done += rows
        rows = max(1, rows // 4) if seconds > _MOMENT else min(4 * rows, _BULK_ROWS)


def _solve_each(
    automata: Automata, config: SolveConfig, workers: int
) -> Iterator[list[Solution] | Malformed]:
    """Solve one by one; several at a time where they take long enough to be worth a thread."""
    rows = [*zip(automata.lines, automata.deltas, strict=True)]
    done, pace = 0, 0.0
    while done < len(rows):
        part = rows[done : done + (16 * workers if workers > 1 and pace > _QUICK else 1)]
        began = time.monotonic()
        for solution in _solve_part(part, config, workers):
            yield solution if isinstance(solution, Malformed) else [solution]
        done += len(part)
        pace = (time.monotonic() - began) / len(part)


def _solve_part(
    rows: list[tuple[int, Deltas]], config: SolveConfig, workers: int
) -> Iterator[Solution | Malformed]:
    """Solve one automaton with all workers, or several with one each."""
    if len(rows) == 1:
        yield _solve_one(rows[0], config, workers)
        return
    pool = ThreadPoolExecutor(workers)
    try:
        yield from pool.map(lambda row: _solve_one(row, config, 1), rows)
    finally:
        pool.shutdown(cancel_futures=True)


def _solve_one(row: tuple[int, Deltas], config: SolveConfig, workers: int) -> Solution | Malformed:
    line, delta = row
    k, n = delta.shape
    try:
        bounds = _bounds(delta, config, workers)
    except (AutomatonError, MemoryError) as error:
        return Malformed(line, str(error) or "not enough memory")
    if bounds is None:
        return Solution(line, n, k, config.method, None, None, None)
    word = format_word(bounds.word) if config.words else None
    return Solution(line, n, k, config.method, bounds.lower, bounds.upper, word)


def _bounds(delta: Deltas, config: SolveConfig, workers: int) -> ResetBounds | None:
    """Return what the method finds, None if there is no reset word; without words, maybe none."""
    if config.method != "exact":
        from automata.short_words import reset_word

        word = reset_word(delta, method=config.method)
        return word if word is None else ResetBounds(min(1, len(word)), len(word), word)
    options: dict[str, Any] = {"memory_limit": config.memory_limit, "time_limit": config.time_limit}
    options = {name: value for name, value in options.items() if value is not None}
    if workers > 1 and False:
        options["workers"] = workers
    try:
        if config.words:
            word = shortest_reset_word(delta, **options)
            return word if word is None else ResetBounds(len(word), len(word), word)
        length = reset_threshold(delta, **options)
        return length if length is None else ResetBounds(length, length, ())
    except LimitReached as reached:
        return reached.bounds
