"""Thresholds of automata that come again and again: each is solved once, up to isomorphism."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, nullcontext
from functools import partial as bound_to
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from automata.canonical import canonical_forms
from automata.deltas import Deltas
from automata.row_index import RowIndex, Rows
from automata.solver.exact import Thresholds
from automata.solver.timed import OUT_OF_TIME, Clock, SolveOne, solve_within
from automata.units import Lost, Pool, here, results_of_chunks

_AT_ONCE, _TIMED = 1024, 64
"""Most automata of a unit of work; with a clock fewer: a unit ends before the next one asks it."""
_FREE = 16
"""States up to which units are as large. With each more an automaton may take twice as long."""


class Known(NamedTuple):
    """What is known of automata of one size."""

    k: int
    n: int
    forms: Rows
    """Their canonical forms, uint8 (batch, n * k)."""
    thresholds: Thresholds
    """int32 (batch,); `OUT_OF_TIME` where a clock ended the search."""
    seconds: npt.NDArray[np.float64]
    """(batch,): how long those that ran out of time were searched."""


_OfSize = tuple[RowIndex, Thresholds, list[float]]
"""Canonical forms, and the thresholds and the seconds in vain of each."""


class SolvedOnce:
    """A solver that keeps the thresholds of all automata that it was given.

    Isomorphic automata have the same threshold. Whether the memory suffices for it is decided by
    the first of them. One thread at a time may ask; nothing is forgotten.

    Parameters
    ----------
    partial : bool
        Whether letters may be undefined on states; then thresholds are careful.
    memory_limit : int, optional
        Bytes for each automaton.
    pool : Pool, optional
        Where the automata are solved; by default in this thread.
    clock : Clock, optional
        When it has expired, nothing more is solved. Each automaton may take ``clock.each`` seconds,
        or twice the time that it was given before.
    one : callable, optional
        Solves each automaton in place of the solver, such as by a certificate. For processes and
        clusters it can be pickled.

    Examples
    --------
    >>> solved = SolvedOnce(partial=False)
    >>> solved.thresholds(np.array([[[1, 2, 0], [0, 1, 0]], [[0, 1, 0], [1, 2, 0]]])).tolist()
    [4, 4]
    """

    lost: list[str]
    """For each automaton that ended its workers, that it is not solved, and why."""

    def __init__(
        self,
        *,
        partial: bool,
        memory_limit: int | None = None,
        pool: Pool | None = None,
        clock: Clock | None = None,
        one: SolveOne | None = None,
    ) -> None:
        self._pool, self._clock, self.lost = pool, clock or Clock(), []
        self._at_once = 1 if one else _TIMED if clock else _AT_ONCE
        self._solve = bound_to(
            solve_within, partial=partial, memory_limit=memory_limit, clock=self._clock, one=one
        )
        self._known: dict[tuple[int, int], _OfSize] = {}
        self._earlier: dict[tuple[int, int], dict[bytes, float]] = {}  # seconds, by form

    def thresholds(self, deltas: Deltas) -> Thresholds:
        """Return the thresholds as `automata.solver.either.thresholds_of` does.

        Parameters
        ----------
        deltas : array of states, shape (batch, k, n)
            n <= 64, k <= 6.

        Returns
        -------
        int32 array, shape (batch,)
            Also `OUT_OF_TIME`, for an automaton that ended its workers too: see `lost`. What was
            solved before an interruption, in the order of the automata, is kept.
        """
        _, k, n = deltas.shape
        index, known, seconds = self._known.get((k, n), _nothing(k, n))
        forms = canonical_forms(deltas)
        new = np.flatnonzero(index.find(forms) < 0)
        new = new[RowIndex(k * n).add_new(forms[new])]  # the first of isomorphic ones
        earlier = self._earlier.get((k, n), {})
        given = [max(self._clock.each, 2 * earlier.get(bytes(forms[row]), 0.0)) for row in new]
        size = max(1, self._at_once >> max(0, n - _FREE))
        items = [*zip(deltas[new], given, strict=True)]
        chunks = (items[start : start + size] for start in range(0, len(items), size))
        found: list[tuple[int, float]] = []
        try:
            with (
                nullcontext(self._pool) if self._pool else here() as pool,
                closing(results_of_chunks(pool, self._solve, chunks)) as results,
            ):
                for chunk, solved in results:
                    if isinstance(solved, Lost):
                        delta = chunk[0][0].tolist()
                        self.lost.append(f"the automaton {delta} is not solved: {solved}")
                        solved = [(OUT_OF_TIME, 0.0)]
                    found += solved
        finally:
            index.add(forms[new[: len(found)]])
            known = np.append(known, np.array([own for own, _ in found], np.int32))
            seconds += [own for _, own in found]
            self._known[k, n] = index, known, seconds
        return known[index.find(forms)]

    def known(self) -> Iterator[Known]:
        """Yield all thresholds that were found, or searched for in vain, size by size.

        Returns
        -------
        iterator of Known
            Without the automata for which no time was left.
        """
        for k, n in sorted({*self._known, *self._earlier}):
            index, thresholds, seconds = self._known.get((k, n), _nothing(k, n))
            tried = (thresholds != OUT_OF_TIME) | (np.array(seconds) > 0)
            forms = index.rows[tried]
            now = {*map(bytes, forms)}
            earlier = self._earlier.get((k, n), {}).items()
            left = {form: own for form, own in earlier if form not in now}
            rest = np.frombuffer(b"".join(left), np.uint8).reshape(-1, k * n)
            yield Known(
                *(k, n, np.concatenate([forms, rest])),
                np.append(thresholds[tried], np.full(len(left), OUT_OF_TIME, np.int32)),
                np.append(np.array(seconds)[tried], [*left.values()]),
            )

    def remember(self, known: Known) -> None:
        """Take over what `known` of another solver with the same limit of memory has yielded.

        Automata that ran out of time are searched again, for longer.

        Parameters
        ----------
        known : Known
            Of a size that nothing was asked of before.
        """
        solved = known.thresholds != OUT_OF_TIME
        index = RowIndex(known.k * known.n)
        index.add(known.forms[solved])
        self._known[known.k, known.n] = index, known.thresholds[solved], [0.0] * len(index)
        self._earlier[known.k, known.n] = {
            bytes(form): seconds
            for form, seconds in zip(known.forms[~solved], known.seconds[~solved], strict=True)
        }


def _nothing(k: int, n: int) -> _OfSize:
    return RowIndex(k * n), np.empty(0, np.int32), []
