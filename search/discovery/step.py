"""A step: the finds of one arm, with one seed, at one size; in memory and in its folder.

The folder holds ``found.npz``, ``step.json`` and the model, if the arm has one. These are written
together or not at all, and equal configs give equal bytes. ``seconds.json`` is beside them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from automata.canonical import Forms, from_canonical
from automata.classes import Predicate
from automata.deltas import Deltas
from automata.sizes import cerny_bound
from automata.solver.exact import Thresholds
from data.commits import commit_files
from data.files import write_json
from search.arms.account import Tally

KEEP_SHARE = 0.6
"""A step keeps its elites, and all automata at or above this share of (n-1)^2, the Černý bound; for
partial automata that is a length like any other. In classes it is a share of the longest threshold
of the step, if that is less: no step knows a record, and all that is near one is kept."""
ACTIVITIES = ("train", "sample", "solve", "evolve")
"""The activities whose seconds are recorded; evolve includes solving the children."""
EVOLVE = "evolve"
"""The source of all finds after the first look."""
ARRAYS = ("forms", "thresholds", "found_at", "sources", "parents", "alpha", "repaired")
"""The columns of ``found.npz``, one row for each automaton."""


@dataclass(frozen=True)
class Step:
    """The finds of one arm at one size, in the order in which they were found."""

    n: int
    k: int
    calls: int
    """All solver calls."""
    first_look: int
    """Solver calls before ``evolve`` began."""
    tallies: Mapping[str, Tally]
    """By the name of the source: "posterior", ..., "evolve"."""
    trace: str
    """SHA-256 of all automata found and their thresholds, in order, kept or not."""
    forms: Forms
    """uint8 (rows, n*k): canonical forms of the kept automata"""
    thresholds: Thresholds
    """int32 (rows,)"""
    found_at: npt.NDArray[np.int64]
    """int64 (rows,): calls spent up to the find, that call included"""
    sources: npt.NDArray[np.uint8]
    """uint8 (rows,): the source that proposed it, as a position in `tallies`"""
    parents: npt.NDArray[np.int32]
    """int32 (rows, 2, 2): (size, row among the elites of that size) of each parent, -1 for none"""
    alpha: npt.NDArray[np.float64]
    """float64 (rows,): place on the path between the parents, nan for none"""
    repaired: npt.NDArray[np.int64]
    """int64 (rows,): transitions changed by repair"""
    seconds: Mapping[str, float] = field(default_factory=dict, compare=False)
    """Wall time in seconds by activity, for some of `ACTIVITIES`."""
    partial: bool = False
    """Whether letters may be undefined on states; then thresholds are careful."""
    trained_after: int = 0
    """Solver calls before its models were trained."""
    recorded: float | None = field(default=None, compare=False)
    """The longest known length that tables go by, as in `data.best_known.Scale`."""
    classes: tuple[str | Predicate, ...] = field(default=(), compare=False)
    """The classes that the run was restricted to."""

    def elites(self, count: int) -> Elites:
        """Return at most `count` automata with the longest thresholds, older ones first."""
        order = np.argsort(-self.thresholds, kind="stable")[:count]
        return Elites(self.deltas(order), self.thresholds[order])

    def deltas(self, rows: npt.NDArray[np.int64] | slice = slice(None)) -> Deltas:
        """Return the automata of some rows: uint8 (rows, k, n)."""
        return from_canonical(self.forms[rows], self.n, self.k, partial=self.partial)


Steps = dict[int, Step]
"""By size."""


class Elites(NamedTuple):
    """Distinct canonical automata of one size, sorted by falling threshold."""

    deltas: Deltas
    """uint8 (rows, k, n)"""
    thresholds: Thresholds
    """int32 (rows,)"""


def kept_from(n: int, longest: int, classes: Sequence[object] = ()) -> float:
    """Return the least threshold from which on a step keeps all; `longest` is its longest one.

    Examples
    --------
    >>> kept_from(11, 45), kept_from(11, 45, ["sink"])
    (60.0, 27.0)
    """
    return KEEP_SHARE * (min(longest, cerny_bound(n)) if classes else cerny_bound(n))


def kept_rows(
    n: int, thresholds: Thresholds, elites: int, classes: Sequence[object] = ()
) -> npt.NDArray[np.int64]:
    """Return the rows that a step keeps, int64: from `kept_from` on, and the elites.

    Examples
    --------
    >>> kept_rows(3, np.array([1, 4, 2, 3], np.int32), elites=1).tolist()
    [1, 3]
    """
    keep = thresholds >= kept_from(n, int(thresholds.max(initial=0)), classes)
    keep[np.argsort(-thresholds, kind="stable")[:elites]] = True
    return np.flatnonzero(keep)


def step_folder(folder: Path, n: int) -> Path:
    """Return the folder of the step at one size."""
    return folder / f"n-{n:02}"


def is_finished(folder: Path) -> bool:
    """Return whether the folder holds a finished step."""
    return (folder / "checksums.json").exists()


def save_step(
    folder: Path, step: Step, files: Mapping[str, Callable[[Path], object]] | None = None
) -> None:
    """Write a step into its folder, with further files: for each name a function that writes it."""
    facts = {
        "n": step.n,
        "k": step.k,
        "calls": step.calls,
        "first_look": step.first_look,
        # a list: `sources` refers to its order
        "tallies": [{"source": name, **tally._asdict()} for name, tally in step.tallies.items()],
        "trace": step.trace,
    } | ({"partial": True} if step.partial else {})
    if step.trained_after:
        facts["trained_after"] = step.trained_after
    arrays = {name: getattr(step, name) for name in ARRAYS}

    def write_arrays(path: Path) -> None:
        with path.open("wb") as file:
            np.savez_compressed(file, **arrays)

    folder.mkdir(exist_ok=True)
    write_json(folder / "seconds.json", dict(step.seconds))
    commit_files(
        folder,
        {
            "found.npz": write_arrays,
            "step.json": lambda path: write_json(path, facts),
            **(files or {}),
        },
    )
