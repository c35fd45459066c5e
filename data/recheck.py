"""Rows of a file, computed again: a reader vouches for every number that it returns."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from automata.automaton import Deltas
from automata.canonical import canonical_forms
from automata.properties import (
    CLASSES,
    automorphism_orders,
    class_flags,
    defects,
    in_classes,
    ranks,
)
from automata.solver.exact import NOT_SYNCHRONIZING, Thresholds, reset_thresholds
from data.configs import highest_below
from data.counts import Flags, column_name, has_class
from data.damage import DataError
from data.shards import Rows


def properties_of(
    deltas: Deltas, thresholds: Thresholds, flags: Flags
) -> dict[str, npt.NDArray[Any]]:
    """Return the columns of an enumeration that follow from automata, (rows, ...) each."""
    columns: dict[str, npt.NDArray[Any]] = {
        column_name(name): has_class(flags, bit) for bit, name in enumerate(CLASSES)
    }
    columns["rank"] = np.ones(len(deltas), np.uint8)
    apart = thresholds == NOT_SYNCHRONIZING
    columns["rank"][apart] = ranks(deltas[apart])
    columns["automorphisms"] = automorphism_orders(deltas)
    columns["defects"] = defects(deltas)
    return columns


def recheck(path: Path, rows: Rows, config: Mapping[str, Any], workers: int) -> None:
    """Compute all again that follows from the automata of a file, and compare.

    Checksums do not suffice: whoever changes a label can change them too.

    Parameters
    ----------
    path : Path
    rows : Rows
    config : mapping
        Of the dataset, as its manifest has it: no row may lie outside it.
    workers : int
        Threads.

    Raises
    ------
    DataError
        If an automaton is not in canonical form, or anything that is said of one is wrong.
    """
    check_automata(path, rows.deltas, rows.reset_thresholds, workers)
    deltas, thresholds = rows.deltas, rows.reset_thresholds
    if config.get("ceiling") is not None:
        highest = highest_below(config["ceiling"], config["n"])
        _refuse(path, thresholds > highest, thresholds, "threshold {}, above the ceiling")
    if config.get("at_least"):
        low = thresholds < config["at_least"]
        _refuse(path, low, thresholds, "threshold {}, below what is enumerated")
    if config.get("classes"):
        inside = in_classes(deltas, config["classes"], workers=workers)
        _refuse(path, ~inside, thresholds, "outside the classes of the dataset")
    if rows.properties:
        flags = class_flags(deltas, synchronizing=thresholds >= 0)
        for name, true in properties_of(deltas, thresholds, flags).items():
            said = rows.properties[name]
            differs = said != true
            differs = differs.any(axis=1) if differs.ndim == 2 else differs
            _refuse(path, differs, said, name + " {} is wrong")


def check_automata(path: Path, deltas: Deltas, thresholds: Thresholds, workers: int) -> None:
    """Refuse automata that are not canonical, or whose thresholds are not what is said.

    Parameters
    ----------
    path : Path
        Where they stand, for the error.
    deltas : uint8 array, shape (rows, k, n)
    thresholds : int32 array, shape (rows,)
    workers : int
        Threads.

    Raises
    ------
    DataError
        It names the first such row, counted from 1.
    """
    forms = canonical_forms(deltas, workers=workers)
    other = (forms != deltas.transpose(0, 2, 1).reshape(forms.shape)).any(axis=1)
    _refuse(path, other, thresholds, "an automaton that is not in canonical form")
    solved = reset_thresholds(deltas, workers=workers)
    _refuse(path, thresholds != solved, thresholds, "threshold {}, but {} is found", solved)


def _refuse(
    path: Path,
    wrong: npt.NDArray[np.bool_],
    said: npt.NDArray[Any],
    what: str,
    true: npt.NDArray[Any] | None = None,
) -> None:
    """Raise `DataError` of the first row that is wrong, if there is one."""
    if wrong.any():
        row = int(wrong.argmax())
        values = [said[row].tolist(), *([] if true is None else [true[row].tolist()])]
        raise DataError(f"{path}: row {row + 1}: {what.format(*values)}")
