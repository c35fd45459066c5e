"""The training set and the finds of an arm, ranked by threshold."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from automata.canonical import from_canonical
from automata.deltas import Deltas
from automata.sampling import rank_weights
from automata.solver.exact import NOT_SYNCHRONIZING, Thresholds
from search.arms.oracle import Oracle


class Ranked:
    """Labelled automata by falling threshold, of equal ones the newest first.

    Parameters
    ----------
    oracle : Oracle
    numbers : int64 array, shape (count,)
        Distinct numbers of the oracle, which has solved them all. Automata that do not synchronize
        are left out.
    """

    def __init__(self, oracle: Oracle, numbers: npt.NDArray[np.int64]) -> None:
        self.oracle = oracle
        self.numbers = np.empty(0, np.int64)
        self.thresholds: Thresholds = np.empty(0, np.int32)
        self.add(numbers)

    def __len__(self) -> int:
        return len(self.numbers)

    def add(self, numbers: npt.NDArray[np.int64]) -> None:
        """Take in automata that are not ranked yet, given by their numbers."""
        thresholds = self.oracle.thresholds(numbers)
        order = np.argsort(-thresholds[::-1], kind="stable")  # the newest first
        order = order[: int((thresholds > NOT_SYNCHRONIZING).sum())]
        numbers, thresholds = numbers[::-1][order], thresholds[::-1][order]
        places = np.searchsorted(-self.thresholds, -thresholds)
        self.numbers = np.insert(self.numbers, places, numbers)
        self.thresholds = np.insert(self.thresholds, places, thresholds)

    def deltas(self, rows: npt.NDArray[np.int64]) -> Deltas:
        """Return automata in canonical form, by their places in the order: (rows, k, n)."""
        oracle = self.oracle
        forms = oracle.forms(self.numbers[rows])
        return from_canonical(forms, oracle.n, oracle.k, partial=oracle.partial)

    def draw(
        self, rng: np.random.Generator, count: int, best: int, softness: float
    ) -> npt.NDArray[np.int64]:
        """Draw places of parents among the first ones, by rank.

        Parameters
        ----------
        rng : Generator
        count : int
        best : int
            Draw from this many at most.
        softness : float
            Weights are 1 / (softness*best + rank).

        Returns
        -------
        int64 array, shape (count,)
        """
        weights = rank_weights(min(best, len(self)), softness)
        return rng.choice(len(weights), size=count, p=weights)
