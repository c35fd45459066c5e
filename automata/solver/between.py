"""Shortest words from some states to one state, to a given state, or to few states.

The searches are those of thresholds, with another beginning and another end. Of a partial automaton
a word is defined on every state that it meets, beginning with the states where it starts.

The tables of images say that a letter leads to all states where it is undefined. So all states
count as met from the start. A search that went on from there would find no other words: one that
does it from all states does it from fewer. But it might meet very many sets.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from automata.arguments import check_integer, check_states, check_workers
from automata.automaton import Automaton, AutomatonLike, validate_delta
from automata.deltas import Deltas, undefined_entries, validate_deltas
from automata.errors import SizeLimitError
from automata.kernels import dense, subset_lengths
from automata.parallel import run_parts
from automata.solver.dense import DENSE_MAX_STATES, NOT_SYNCHRONIZING, DenseSearch
from automata.solver.exact import SOLVER_MAX_STATES, UNKNOWN, Thresholds
from automata.solver.frontier import Frontier
from automata.solver.limits import Budget, OutOfBudget, WordBounds, WordLimitReached
from automata.solver.quick import UNFINISHED, solve_apart
from automata.solver.short_words import greedy_word
from automata.solver.start import Start
from automata.solver.two_ended import Search

_DENSE_MAX_STATES = DENSE_MAX_STATES
"""Up to here all sets are searched; beyond, both ends or a list of sets."""
_QUICK_MAX_STATES = 16
"""Up to here a batch is searched in compiled code, whatever the limits are: 2^16 sets at most."""


class Ends(NamedTuple):
    """Where words begin and end."""

    start: tuple[int, ...]
    """The states at the beginning, in increasing order."""
    state: int | None
    """The state where they end; None for any."""
    rank: int
    """The most states where they end."""

    @property
    def clear(self) -> bool:
        """Whether the empty word does it."""
        return len(self.start) <= self.rank and self.state in (None, self.start[0])

    def goal(self, n: int) -> tuple[int, int]:
        """Return the most states at the end, and the bits of the states that are allowed there."""
        return self.rank, (1 << n) - 1 if self.state is None else 1 << self.state


def shortest_word(
    delta: AutomatonLike,
    *,
    from_states: Iterable[int] | None = None,
    to_state: int | None = None,
    to_rank: int | None = None,
    workers: int = 1,
    memory_limit: int | None = None,
    time_limit: float | None = None,
) -> tuple[int, ...] | None:
    """Return a shortest word that leads some states to one state, or to few; None without one.

    For n <= 28, and where `to_rank` is over 1, it is the lexicographically least of the shortest
    ones. Whether there is one is PSPACE-complete to decide, and it may be exponentially long, of
    complete automata too unless all their states can be led to one (Vorel, IJFCS 27, 2016). From
    all states of a complete automaton to few of them, pairs of states decide whether there is one.

    Parameters
    ----------
    delta : Automaton, array of int, shape (k, n), or text
        Complete, n <= 1,024, or partial, n <= 255. A word of a partial automaton is defined on
        every state that it meets.
    from_states : iterable of int, optional
        The states that the word leads; at least one. Default: all states.
    to_state : int, optional
        The state that it leads them to. Default: any one.
    to_rank : int, optional
        The most states that it leads them to, 1..n. Default: 1. The empty word does it where no
        more are at the beginning.
    workers : int
        Threads.
    memory_limit : int, optional
        Bytes of working space for the sets of states. 5 n^2 / 2 bytes for pairs of states do not
        count.
    time_limit : float, optional
        Seconds; the search may take one second longer.

    Returns
    -------
    tuple of int or None
        Letters, applied left to right.

    Raises
    ------
    AutomatonError, SizeLimitError
        If `delta` is not valid or has too many states.
    ValueError
        If there is no state at the beginning, a state or a rank is out of range, `to_state` is
        given with `to_rank`, a limit is not a positive finite number, or `workers` is not an
        integer of at least 1.
    WordLimitReached
        If a limit ends the search; its ``bounds`` are those proved by then. They have an upper one
        where merging pairs of states has found a word of a complete automaton.

    Examples
    --------
    >>> cerny = "1 2 3 0|1 1 2 3"
    >>> shortest_word(cerny, from_states=[0, 2]), shortest_word(cerny, to_state=0)
    ((1, 0, 0, 0, 1), (1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0))
    >>> shortest_word(cerny, to_rank=2), shortest_word("1 0 2|0 1 2") is None
    ((1, 0, 0, 1), True)
    >>> shortest_word("1 2 -|1 1 0", from_states=[0, 1])
    (1,)
    """
    valid, workers = validate_delta(delta, partial=True), check_workers(workers)
    ends = _check(valid[None], from_states, to_state, to_rank)
    bounds = _prove(valid, ends, Budget(memory_limit, time_limit), workers, words=True)
    return None if bounds is None else bounds.word


def shortest_word_lengths(
    deltas: npt.ArrayLike | Sequence[Automaton],
    *,
    from_states: Iterable[int] | None = None,
    to_state: int | None = None,
    to_rank: int | None = None,
    workers: int = 1,
    memory_limit: int | None = None,
    time_limit: float | None = None,
) -> Thresholds:
    """Return for each automaton the length of the words that `shortest_word` looks for.

    Parameters
    ----------
    deltas : array of int, shape (batch, k, n)
    from_states, to_state, to_rank, workers, memory_limit, time_limit
        As in `shortest_word`, the limits for each automaton with n > 16.

    Returns
    -------
    int32 array, shape (batch,)
        -1 where there is no such word, ``UNKNOWN`` (-2) where a limit ended the search.

    Raises
    ------
    AutomatonError, SizeLimitError, ValueError
        As `shortest_word`.

    Examples
    --------
    >>> two = ["1 2 3 0|1 1 2 3", "1 0 3 2|0 1 2 3"]
    >>> shortest_word_lengths(two, from_states=[0, 1], to_rank=1).tolist()
    [1, -1]
    """
    valid, workers = validate_deltas(deltas, partial=True), check_workers(workers)
    ends = _check(valid, from_states, to_state, to_rank)
    Budget(memory_limit, time_limit)  # checks the limits
    batch, k, n = valid.shape
    found = np.full(batch, 0 if ends.clear else UNFINISHED, np.int32)

    def solve_quickly(part: slice) -> None:
        tables = dense.empty_tables(n, k)
        lengths = np.full(1 << n, subset_lengths.NONE, np.uint32)
        queue = np.empty((1 << n) + 1, np.uint32)
        start = np.uint64(sum(1 << q for q in ends.start))
        goal = tuple(np.uint64(part) for part in ends.goal(n))
        subset_lengths.between(valid[part], start, goal, found[part], lengths, queue, tables)

    def solve(row: int, together: int) -> None:
        try:
            budget = Budget(memory_limit, time_limit)
            bounds = _prove(valid[row], ends, budget, together, words=False)
        except WordLimitReached:
            found[row] = UNKNOWN
        else:
            found[row] = NOT_SYNCHRONIZING if bounds is None else bounds.lower

    if not ends.clear and n <= _QUICK_MAX_STATES:
        run_parts(solve_quickly, batch, workers)
    solve_apart(solve, found, workers)
    return found


def _check(
    deltas: Deltas, from_states: Iterable[int] | None, to_state: int | None, to_rank: int | None
) -> Ends:
    """Check the number of states, and where words begin and end."""
    n = deltas.shape[2]
    if n > SOLVER_MAX_STATES:
        raise SizeLimitError(f"n={n} is over the limit of {SOLVER_MAX_STATES} states")
    if to_state is not None and to_rank is not None:
        raise ValueError("to_state and to_rank: a word ends in one state, or in a few; choose one")
    start = sorted({*check_states(range(n) if from_states is None else from_states, n)})
    if not start:
        raise ValueError("from_states is empty: a word begins with at least one state")
    state = None if to_state is None else check_integer("to_state", to_state, 0, n - 1)
    rank = 1 if to_rank is None else check_integer("to_rank", to_rank, 1, n)
    return Ends(tuple(start), state, rank)


def _prove(
    delta: Deltas, ends: Ends, budget: Budget, workers: int, words: bool
) -> WordBounds | None:
    """Find a shortest word, or without `words` its length; raise `WordLimitReached`."""
    n = delta.shape[1]
    if ends.clear:
        return WordBounds(0, 0, ())
    short = None
    if len(undefined_entries(delta)) == 0:
        short, left = _merge_pairs(delta, ends)
        if left > ends.rank and len(ends.start) == n:
            return None
    if n <= _DENSE_MAX_STATES:
        return _search_all(delta, ends, short, budget, workers, words)
    if ends.rank > 1:
        return _search_forward(delta, ends, short, budget, workers)
    return _search_both_ends(delta, ends, short, budget, workers)


def _reached(limit: str, lower: int, word: tuple[int, ...] | None) -> WordLimitReached:
    """Return the error of a search that a limit has ended."""
    bounds = WordBounds(lower, None if word is None else len(word), word)
    return WordLimitReached(limit, bounds)


def _limit(spent: OutOfBudget | MemoryError) -> str:
    """Return the limit that an error is about."""
    return spent.limit if isinstance(spent, OutOfBudget) else "memory"


def _merge_pairs(delta: Deltas, ends: Ends) -> tuple[tuple[int, ...] | None, int]:
    """Return a word of a complete automaton, if pairs of states lead to one, and states left."""
    letters, left = greedy_word(delta, ends.rank, ends.start)
    word = tuple(letters.tolist())
    if left > ends.rank:
        return None, left
    if ends.state is None:
        return word, left
    reached = ends.start[0]
    for letter in word:
        reached = int(delta[letter, reached])
    ways: dict[int, tuple[int, ...]] = {reached: ()}
    for state in (queue := [reached]):  # grows as we go
        if state == ends.state:
            return (*word, *ways[state]), left
        for letter, target in enumerate(delta[:, state].tolist()):
            if target not in ways:
                ways[target] = (*ways[state], letter)
                queue.append(target)
    return None, left


def _search_all(
    delta: Deltas,
    ends: Ends,
    short: tuple[int, ...] | None,
    budget: Budget,
    workers: int,
    words: bool,
) -> WordBounds | None:
    """Search forward, with a bit for each set of states."""
    start = sum(1 << q for q in ends.start)
    search = DenseSearch(
        delta,
        workers=workers,
        keep_levels=words,
        partial=True,
        start=start,
        goal=ends.goal(delta.shape[1]),
    )
    try:
        search.run(budget)
        if search.status == NOT_SYNCHRONIZING:
            return None
        if not words:
            return WordBounds(search.status, search.status, None)
        word = search.least_word(budget)
    except OutOfBudget as spent:
        raise _reached(spent.limit, search.depth + 1, short) from None
    return WordBounds(len(word), len(word), word)


def _search_forward(
    delta: Deltas, ends: Ends, short: tuple[int, ...] | None, budget: Budget, workers: int
) -> WordBounds | None:
    """Search forward, with a list of the sets met, until a set has few states."""
    met = Frontier(delta, False, budget, workers, plain=True, start=_start(delta, ends))
    while met.size > 0:
        for numbers, sets in met.parts(met.depth):
            few = np.bitwise_count(sets).sum(axis=1, dtype=np.int64) <= ends.rank
            if few.any():
                word = tuple(reversed(met.path(int(numbers[np.argmax(few)]), met.depth)))
                return WordBounds(len(word), len(word), word)
        try:
            met.expand(met.buffers, None)
        except (OutOfBudget, MemoryError) as spent:
            raise _reached(_limit(spent), met.depth + 1, short) from None
    return None


def _search_both_ends(
    delta: Deltas, ends: Ends, short: tuple[int, ...] | None, budget: Budget, workers: int
) -> WordBounds | None:
    """Search from the states at the beginning and from the state, or the states, at the end."""
    last = np.eye(delta.shape[1], dtype=np.bool_)
    if ends.state is not None:
        last = last[[ends.state]]
    end = Start(last, [()] * len(last))
    search = Search(delta, short, budget, workers, ends=(_start(delta, ends), end))
    try:
        search.run()
    except OutOfBudget as spent:
        raise _reached(spent.limit, search.lower, search.word) from None
    word = search.word
    return None if word is None else WordBounds(len(word), len(word), word)


def _start(delta: Deltas, ends: Ends) -> Start:
    """Return the set at the beginning, and the set of all states, which counts as met."""
    sets = np.ones((2 if len(ends.start) < delta.shape[1] else 1, delta.shape[1]), np.bool_)
    sets[0] = False
    sets[0, list(ends.start)] = True
    return Start(sets, [()])
