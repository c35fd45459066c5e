"""Solve automata from text, in order."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from itertools import groupby
from typing import Any

import numpy as np

from automata.arguments import check_workers
from automata.deltas import Deltas
from automata.errors import AutomatonError
from automata.solver.between import shortest_word, shortest_word_lengths
from automata.solver.careful import careful_bounds, careful_threshold
from automata.solver.either import shortest_words_of, thresholds_of
from automata.solver.exact import NOT_SYNCHRONIZING, UNKNOWN, reset_bounds, reset_threshold
from automata.solver.limits import LimitReached, ResetBounds, WordBounds, WordLimitReached
from automata.solver.short_words import short_reset_word
from automata.text.config import SolveConfig as SolveConfig
from automata.text.entries import Automata, Malformed
from automata.text.solved import Solved
from automata.text.words import format_word, format_words
from automata.units import Lost, Pool, results_of_chunks

Row = tuple[int, Deltas] | Malformed
_Answers = tuple[list[int | None], list[str | None]]
"""Thresholds and words; None for none."""

_BULK_STATES = 32  # larger automata are solved alone: one may delay the results before it
_BULK_ROWS = 16_384
_CHUNK = 256  # small automata of a unit of work
_MOMENT = 0.1  # seconds that a result may wait for later ones
_QUICK = 0.001  # seconds; a thread costs a tenth of this


def solve(
    automata: Iterable[Sequence[Automata | Malformed]],
    config: SolveConfig,
    *,
    workers: int = 1,
    pool: Pool | None = None,
) -> Iterator[list[Solved | Malformed]]:
    r"""Solve automata in order; all that have arrived are solved before more are read.

    Parameters
    ----------
    automata : iterable of sequences of Automata or Malformed
        As `automata.text.reading.read_automata` yields them.
    config : SolveConfig
    workers : int
        Threads; the memory limit holds for each of them.
    pool : Pool, optional
        Where the automata are solved instead.

    Yields
    ------
    list of Solved or Malformed
        As soon as they are solved; Malformed also if an automaton is too large for the method, or
        ended its workers.

    Raises
    ------
    Lost
        When all others are solved, if automata ended their workers.

    Examples
    --------
    >>> from io import BytesIO
    >>> from automata.text.reading import read_automata
    >>> automata = read_automata(BytesIO(b"1 2 0|0 1 0"))
    >>> [item.texts() for found in solve(automata, SolveConfig()) for item in found]
    [['4\tbaab']]
    """
    workers = check_workers(workers)
    limited = config.memory_limit is not None or config.time_limit is not None
    alone = limited or (config.words and config.ends)
    in_bulk = config.method == "exact" and not alone

    def is_small(item: Automata | Malformed) -> bool:
        return in_bulk and (isinstance(item, Malformed) or item.deltas.shape[2] <= _BULK_STATES)

    if pool is not None:
        yield from _solve_on(pool, automata, config, is_small)
        return
    for at_hand in automata:
        for small, items in groupby(at_hand, key=is_small):
            if small:
                yield from _solve_in_bulk(items, config, workers)
            else:
                yield from _solve_each(items, config, workers)


def _solve_on(
    pool: Pool,
    automata: Iterable[Sequence[Automata | Malformed]],
    config: SolveConfig,
    is_small: Callable[[Automata | Malformed], bool],
) -> Iterator[list[Solved | Malformed]]:
    """Solve all that have arrived on a pool: many small automata at a time, or one large one."""

    def chunks(at_hand: Sequence[Automata | Malformed]) -> Iterator[list[Row]]:
        for small, items in groupby(at_hand, key=is_small):
            rows = _rows(items)
            size = _CHUNK if small else 1
            yield from (rows[start : start + size] for start in range(0, len(rows), size))

    lost = 0
    for at_hand in automata:
        with closing(results_of_chunks(pool, partial(_solve_rows, config), chunks(at_hand))) as all:
            for chunk, found in all:
                if isinstance(found, Lost):
                    lost += 1
                    yield [Malformed(chunk[0][0], f"not solved: {found}")]
                else:
                    yield found
    if lost:
        raise Lost(f"{lost} automata are not solved")


def _rows(items: Iterable[Automata | Malformed]) -> list[Row]:
    """Return single automata."""
    rows: list[Row] = []
    for item in items:
        rows += [item] if isinstance(item, Malformed) else zip(item.lines, item.deltas, strict=True)
    return rows


def _shape(row: Row) -> tuple[int, ...]:
    """Return the shape of an automaton, that of nothing if it is malformed."""
    return () if isinstance(row, Malformed) else row[1].shape


def _solve_rows(config: SolveConfig, rows: list[Row]) -> list[Solved | Malformed]:
    """Solve automata, those of one size together."""
    items: list[Automata | Malformed] = []
    for size, alike in groupby(rows, key=_shape):
        if size:
            lines, deltas = zip(*alike, strict=True)
            items.append(Automata(lines, np.stack(deltas)))
        else:
            items += [row for row in alike if isinstance(row, Malformed)]
    return [item for found in solve([items], config) for item in found]


def _solve_in_bulk(
    items: Iterable[Automata | Malformed], config: SolveConfig, workers: int
) -> Iterator[list[Solved | Malformed]]:
    """Find thresholds, and words if wanted, in batches that take about a tenth of a second."""
    waiting = deque(items)
    rows = 1
    while waiting:
        part = _take(waiting, rows)
        began = time.monotonic()
        found = _solve_part(part, config, workers)
        seconds = time.monotonic() - began
        yield found
        rows = max(1, rows // 4) if seconds > _MOMENT else min(4 * rows, _BULK_ROWS)


def _take(waiting: deque[Automata | Malformed], rows: int) -> list[Automata | Malformed]:
    """Take the next automata away, at most `rows`."""
    taken: list[Automata | Malformed] = []
    while waiting and rows > 0:
        item = waiting.popleft()
        if isinstance(item, Automata):
            if len(item.lines) > rows:
                waiting.appendleft(Automata(item.lines[rows:], item.deltas[rows:]))
                item = Automata(item.lines[:rows], item.deltas[:rows])
            rows -= len(item.lines)
        taken.append(item)
    return taken


def _solve_part(
    part: list[Automata | Malformed], config: SolveConfig, workers: int
) -> list[Solved | Malformed]:
    """Solve all automata of one size at once, even if others stand between them.

    If memory does not suffice for them, each is solved alone.
    """
    alike: dict[tuple[int, ...], list[Deltas]] = {}
    for item in part:
        if isinstance(item, Automata):
            alike.setdefault(item.deltas.shape[1:], []).append(item.deltas)
    answers: dict[tuple[int, ...], _Answers | None] = {}
    for size, deltas in alike.items():
        try:
            answers[size] = _answers(np.concatenate(deltas), config, workers)
        except (AutomatonError, MemoryError):
            answers[size] = None
    done = dict.fromkeys(alike, 0)
    found: list[Solved | Malformed] = []
    for item in part:
        if isinstance(item, Malformed):
            found.append(item)
            continue
        k, n = item.deltas.shape[1:]
        answer = answers[k, n]
        if answer is None:
            rows = zip(item.lines, item.deltas, strict=True)
            found += [_solve_one(row, config, workers) for row in rows]
        else:
            own = slice(done[k, n], done[k, n] + len(item.lines))
            done[k, n] = own.stop
            ends, words = answer[0][own], answer[1][own]
            found.append(Solved(n, k, "exact", item.lines, ends, ends, words, config.ends))
    return found


def _answers(deltas: Deltas, config: SolveConfig, workers: int) -> _Answers:
    """Return the threshold of each automaton and its word, if wanted; None for none.

    Raises MemoryError if memory ended a search, `AutomatonError` as `_ends`.
    """
    words: list[str | None] = [None] * len(deltas)
    if config.ends:
        asked = _ends(config, deltas.shape[2])
        lengths = shortest_word_lengths(deltas, **asked, workers=workers)
    elif config.words:
        found = shortest_words_of(deltas, partial=config.partial, workers=workers)
        lengths = found.lengths
        words = format_words(found)
    else:
        lengths = thresholds_of(deltas, partial=config.partial, workers=workers)
    if (lengths == UNKNOWN).any():
        raise MemoryError
    return [None if end == NOT_SYNCHRONIZING else end for end in lengths.tolist()], words


def _solve_each(
    items: Iterable[Automata | Malformed], config: SolveConfig, workers: int
) -> Iterator[list[Solved | Malformed]]:
    """Solve one by one, or several in threads if each takes long enough to be worth a thread."""
    rows, done, pace = _rows(items), 0, 0.0
    while done < len(rows):
        began = time.monotonic()
        if workers == 1 or pace < _QUICK:
            solved = _solve_one(rows[done], config, workers)
            pace = time.monotonic() - began
            yield [solved]
            done += 1
        else:
            part = rows[done : done + 16 * workers]
            for solved in _solve_apart(part, config, workers):
                yield [solved]
            pace = (time.monotonic() - began) / len(part)
            done += len(part)


def _solve_apart(
    rows: list[Row], config: SolveConfig, workers: int
) -> Iterator[Solved | Malformed]:
    """Solve each in one thread of its own, several at a time."""
    pool = ThreadPoolExecutor(workers)
    try:
        yield from pool.map(lambda row: _solve_one(row, config, 1), rows)
    finally:
        pool.shutdown(cancel_futures=True)


def _solve_one(row: Row, config: SolveConfig, workers: int) -> Solved | Malformed:
    if isinstance(row, Malformed):
        return row
    line, delta = row
    k, n = delta.shape
    try:
        bounds = _search(delta, config, workers)
    except (AutomatonError, MemoryError) as error:
        return Malformed(line, str(error) or "not enough memory")
    lower = upper = word = None
    if bounds is not None:
        lower, upper = bounds.lower, bounds.upper
        word = format_word(bounds.word) if config.words and bounds.word is not None else None
    return Solved(n, k, config.method, [line], [lower], [upper], [word], config.ends)


def _ends(config: SolveConfig, n: int) -> dict[str, Any]:
    """Return where words begin and end; raise `AutomatonError` if that does not fit n states."""
    begin = {*range(n)} if config.from_states is None else {*config.from_states}
    last = max(begin | {config.to_state or 0})
    if last >= n:
        raise AutomatonError(f"state {last} is not in 0..{n - 1}")
    if config.to_rank is not None and config.to_rank > n:
        raise AutomatonError(f"rank {config.to_rank} is not in 1..{n}")
    return config.ends


def _search(delta: Deltas, config: SolveConfig, workers: int) -> ResetBounds | WordBounds | None:
    """Return proved bounds, without a word if none is wanted; None if there is no such word."""
    if config.method != "exact":
        word = short_reset_word(delta, method=config.method)
        return None if word is None else ResetBounds(min(1, len(word)), len(word), word)
    limits: dict[str, Any] = {
        "workers": workers,
        "memory_limit": config.memory_limit,
        "time_limit": config.time_limit,
    }
    if config.ends:
        try:
            word = shortest_word(delta, **_ends(config, delta.shape[1]), **limits)
        except WordLimitReached as stopped:
            return stopped.bounds
        return None if word is None else WordBounds(len(word), len(word), word)
    if config.words:
        return (careful_bounds if config.partial else reset_bounds)(delta, **limits)
    try:
        length = (careful_threshold if config.partial else reset_threshold)(delta, **limits)
    except (LimitReached, WordLimitReached) as reached:
        return reached.bounds
    return None if length is None else ResetBounds(length, length, ())
