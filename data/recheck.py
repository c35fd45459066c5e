"""Rows of a file, computed again: readers return only numbers that they have checked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from automata.canonical import canonical_forms
from automata.classes import CLASSES
from automata.deltas import Deltas
from automata.invariants import automorphism_orders, defects, ranks
from automata.properties import class_flags, in_classes
from automata.solver.either import thresholds_of
from automata.solver.exact import NOT_SYNCHRONIZING, Thresholds
from data.configs import GenerateConfig
from data.counts import Flags, column_name, has_class
from data.damage import DataError
from data.shards import Rows


def properties_of(
    deltas: Deltas, thresholds: Thresholds, flags: Flags, *, partial: bool = False
) -> dict[str, npt.NDArray[Any]]:
    """Return the columns of an enumeration that follow from the automata, (rows, ...) each.

    Parameters
    ----------
    deltas : uint8 array, shape (rows, k, n)
    thresholds : int32 array, shape (rows,)
    flags : uint16 array, shape (rows,)
        Of `automata.class_flags`.
    partial : bool
        Whether letters may be undefined: such automata have no rank.

    Returns
    -------
    dict of str to array
        The columns of `data.shards.property_types`.
    """
    columns: dict[str, npt.NDArray[Any]] = {
        column_name(name): has_class(flags, bit) for bit, name in enumerate(CLASSES)
    }
    if not partial:
        columns["rank"] = np.ones(len(deltas), np.uint8)
        apart = thresholds == NOT_SYNCHRONIZING
        columns["rank"][apart] = ranks(deltas[apart])
    columns["automorphisms"] = automorphism_orders(deltas)
    columns["defects"] = defects(deltas)
    return columns


def recheck(path: Path, rows: Rows, config: Mapping[str, Any], workers: int) -> None:
    """Compute thresholds and properties from the automata of a file again, and compare.

    A checksum alone proves nothing: whoever changes a label can change the checksum too.

    Parameters
    ----------
    path : Path
        The file, for errors.
    rows : Rows
    config : mapping
        The dataset's config, from its manifest. No row may break its limits.
    workers : int
        Threads.

    Raises
    ------
    DataError
        If an automaton is not in canonical form, or one of its values is wrong.
    """
    deltas, thresholds = rows.deltas, rows.reset_thresholds
    partial = config.get("partial", False)
    check_automata(path, deltas, thresholds, workers, partial=partial)
    highest = GenerateConfig(**config).highest_threshold if "ceiling" in config else None
    if highest is not None:
        _refuse(path, thresholds > highest, thresholds, "threshold {}, above the ceiling")
    if config.get("at_least"):
        low = thresholds < config["at_least"]
        _refuse(path, low, thresholds, "threshold {}, below what is enumerated")
    if config.get("classes"):
        inside = in_classes(deltas, config["classes"], workers=workers)
        _refuse(path, ~inside, thresholds, "outside the classes of the dataset")
    if rows.properties:
        flags = class_flags(deltas, synchronizing=thresholds >= 0)
        for name, true in properties_of(deltas, thresholds, flags, partial=partial).items():
            said = rows.properties[name]
            differs = said != true
            differs = differs.any(axis=1) if differs.ndim == 2 else differs
            _refuse(path, differs, said, name + " {} is wrong")


def check_automata(
    path: Path, deltas: Deltas, thresholds: Thresholds, workers: int, *, partial: bool = False
) -> None:
    """Refuse automata that are not canonical, or whose thresholds are wrong.

    Parameters
    ----------
    path : Path
        Their file, for the error.
    deltas : uint8 array, shape (rows, k, n)
    thresholds : int32 array, shape (rows,)
    workers : int
        Threads.
    partial : bool
        Whether letters may be undefined on states; then thresholds are careful ones.

    Raises
    ------
    DataError
        If there is one; the error names its row, counted from 1.
    """
    forms = canonical_forms(deltas, workers=workers)
    other = (forms != deltas.transpose(0, 2, 1).reshape(forms.shape)).any(axis=1)
    _refuse(path, other, thresholds, "an automaton that is not in canonical form")
    solved = thresholds_of(deltas, partial=partial, workers=workers)
    _refuse(path, thresholds != solved, thresholds, "threshold {}, but {} is found", solved)


def _refuse(
    path: Path,
    wrong: npt.NDArray[np.bool_],
    said: npt.NDArray[Any],
    problem: str,
    true: npt.NDArray[Any] | None = None,
) -> None:
    """Raise `DataError` for the first wrong row, if there is one."""
    if wrong.any():
        row = int(wrong.argmax())
        values = [said[row].tolist(), *([] if true is None else [true[row].tolist()])]
        raise DataError(f"{path}: row {row + 1}: {problem.format(*values)}")
