"""The solver with a cache, which counts what it solves.

Two questions are free, because they need no solver: does an automaton synchronize at all, and is it
in the classes that are searched? Whether a partial automaton has a careful word takes the solver,
and so a call; only `may_synchronize` is free.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from automata.canonical import Forms, from_canonical
from automata.classes import Predicate
from automata.deltas import Deltas
from automata.properties import in_classes
from automata.row_index import RowIndex
from automata.solver.either import may_synchronize, thresholds_of
from automata.solver.exact import UNKNOWN, Thresholds
from data.dataset import Dataset

Value = TypeVar("Value", bound=np.generic)


class Oracle:
    """The solver with one cache, keyed by canonical form.

    Parameters
    ----------
    n, k : int
        States and letters.
    training : Dataset, optional
        Its labels are in the cache and free.
    classes : sequence of str or callable
        NAME, not-NAME, or a function as `in_classes` takes it: only automata of all these classes
        are solved.
    partial : bool
        Whether letters may be undefined; thresholds are careful then. Default: as in training.
    workers : int
        Threads.
    """

    def __init__(
        self,
        n: int,
        k: int,
        training: Dataset | None = None,
        *,
        classes: Sequence[str | Predicate] = (),
        partial: bool = False,
        workers: int = 1,
    ) -> None:
        self.n, self.k = n, k
        self.partial = partial or (training is not None and training.partial)
        self.classes = tuple(classes)
        self.workers = workers
        self.calls = 0
        self._forms = RowIndex(n * k)
        self._thresholds = np.empty(0, np.int32)
        if training is not None:
            self._forms.add(training.forms)
            self._thresholds = training.reset_thresholds.copy()
        self._training_rows = len(self._forms)

    def number(self, forms: Forms) -> npt.NDArray[np.int64]:
        """Return a number for each form: int64 (batch,); those of training rows come first."""
        return self._forms.add(forms)

    @property
    def training_rows(self) -> int:
        """Rows of the training set, 0 without one."""
        return self._training_rows

    def admits(self, deltas: Deltas) -> npt.NDArray[np.bool_]:
        """Return which automata may synchronize and are in the classes: bool (batch,)."""
        if not self.partial:
            return in_classes(deltas, ("synchronizing", *self.classes), workers=self.workers)
        admitted = may_synchronize(deltas, partial=True, workers=self.workers)
        if self.classes:
            inside = in_classes(deltas[admitted], self.classes, workers=self.workers)
            admitted[admitted] = inside
        return admitted

    def forms(self, numbers: npt.NDArray[np.int64]) -> Forms:
        """Return the forms with these numbers: uint8 (rows, n*k)."""
        return self._forms.rows[numbers]

    def thresholds(self, numbers: npt.NDArray[np.int64]) -> Thresholds:
        """Return the thresholds of the forms with these numbers, int32; solve those not cached."""
        self._thresholds = with_room(self._thresholds, len(self._forms), UNKNOWN)
        unsolved = np.unique(numbers[self._thresholds[numbers] == UNKNOWN])
        if len(unsolved):
            partial, workers = self.partial, self.workers
            deltas = from_canonical(self.forms(unsolved), self.n, self.k, partial=partial)
            self._thresholds[unsolved] = thresholds_of(deltas, partial=partial, workers=workers)
            self.calls += len(unsolved)
        return self._thresholds[numbers]


def with_room(values: npt.NDArray[Value], count: int, fill: int) -> npt.NDArray[Value]:
    """Return the values, padded with `fill` to at least `count` entries."""
    if count <= len(values):
        return values
    grown = np.full(max(count, 2 * len(values)), fill, values.dtype)
    grown[: len(values)] = values
    return grown
