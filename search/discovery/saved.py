"""Reading steps from their folders, checked: anyone may have written them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from automata.canonical import CANONICAL_MAX_LETTERS, CANONICAL_MAX_STATES, from_canonical
from automata.errors import AutomatonError
from automata.properties import in_classes
from data.checks import DIGEST, list_of, names_of, number, one_of, record, text, whole
from data.commits import check_files, read_checksums
from data.damage import DataError, open_file, read_json, reading
from data.recheck import check_automata
from search.arms.account import Tally
from search.discovery.config import DiscoverConfig
from search.discovery.found import read_columns
from search.discovery.step import ACTIVITIES, EVOLVE, Step, Steps, is_finished

_CALLS = whole(0, 10**9)
_FACTS = record(
    {
        "n": whole(1, CANONICAL_MAX_STATES),
        "k": whole(1, CANONICAL_MAX_LETTERS),
        "calls": _CALLS,
        "first_look": _CALLS,
        "tallies": list_of(
            record(
                {
                    "source": text("[a-z-]{1,40}"),
                    "proposed": whole(0, 10**15),
                    "valid": whole(0, 10**15),
                    "calls": _CALLS,
                }
            )
        ),
        "trace": DIGEST,
    },
    {"partial": one_of(True), "trained_after": whole(1, 10**9)},
)
_SECONDS = names_of(number(0, 1e12))
_solved: set[tuple[int, int, str]] = set()
"""(n, k, SHA-256) of each found.npz whose automata this process has solved."""


def read_step(
    folder: Path, config: DiscoverConfig, n: int, smaller: Steps, *, workers: int = 1
) -> Step | None:
    """Read a step of a run; None if it is not finished.

    Parameters
    ----------
    folder : Path
    config : DiscoverConfig
        Settings of the run.
    n : int
        States of the step's automata.
    smaller : dict of int to Step
        Steps of smaller sizes, whose elites may be parents.
    workers : int
        Threads that solve all automata again.

    Raises
    ------
    DataError
        If the step is damaged, or does not belong to such a run.
    """
    step = load_step(folder, workers=workers)
    if step is None:
        return None
    budget = config.start_budget if n <= config.start_to else config.budget
    if (step.n, step.k) != (n, config.k) or step.calls > budget:
        raise DataError(
            f"{folder}: a step with n={step.n}, k={step.k}, {step.calls} calls, "
            f"not n={n}, k={config.k}, {budget} calls at most"
        )
    if step.partial != config.partial:
        own, other = ("partial", "complete") if step.partial else ("complete", "partial")
        raise DataError(f"{folder}: a step of {own} automata, not of {other} ones")
    inside = step.thresholds >= 0
    if config.classes:
        inside &= in_classes(step.deltas(), config.classes, workers=workers)
    if not inside.all():
        raise DataError(f"{folder / 'found.npz'}: automata that are not of the classes of the run")
    elites = {size: min(len(own.forms), config.learn.elites) for size, own in smaller.items()}
    pairs = step.parents.reshape(-1, 2)
    named = pairs[:, 0] >= 0
    rows = np.array([0, *(elites.get(size, 0) for size in range(1, CANONICAL_MAX_STATES + 1))])
    if (pairs[named, 1] >= rows[pairs[named, 0]]).any():
        raise DataError(f"{folder / 'found.npz'}: parents that no smaller step has")
    return replace(step, classes=config.classes)


def load_step(folder: Path, *, workers: int = 1) -> Step | None:
    """Read the folder of a step; None if it is not finished.

    The automata are solved again, but only once in a process.

    Raises
    ------
    DataError
        If it is damaged.
    """
    if not is_finished(folder):
        return None
    check_files(folder, "found.npz", "step.json")
    facts: dict[str, Any] = read_json(folder / "step.json")
    with reading(folder / "step.json", "the finds of a step"):
        _FACTS("step", facts)
        _check_calls(facts)
    tallies = {tally.pop("source"): Tally(**tally) for tally in facts.pop("tallies")}
    n, k, partial = facts["n"], facts["k"], facts.get("partial", False)
    path = folder / "found.npz"
    with open_file(path) as file, reading(path, "the finds of a step"):
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        columns = read_columns(file, n * k, facts["calls"])
        _check_columns(columns, facts, tallies)
        try:
            deltas = from_canonical(columns["forms"], n, k, partial=partial)
        except AutomatonError as error:
            raise ValueError(f"forms: {error}") from error
    if (n, k, digest) not in _solved:
        check_automata(path, deltas, columns["thresholds"], workers, partial=partial)
        _solved.add((n, k, digest))
    seconds = read_json(folder / "seconds.json")
    with reading(folder / "seconds.json", "the times of a step"):
        _SECONDS("seconds", seconds)
        if not {*seconds} <= {*ACTIVITIES}:
            raise ValueError(f"activities other than {', '.join(ACTIVITIES)}")
    spent = {activity: float(value) for activity, value in seconds.items()}
    facts |= {"tallies": tallies, "seconds": spent, **columns}
    return Step(**facts)


def note_made(folder: Path, step: Step) -> None:
    """Note that this process has made a step, so that its automata are not solved again."""
    _solved.add((step.n, step.k, read_checksums(folder)["found.npz"]))


def _check_calls(facts: Mapping[str, Any]) -> None:
    """Raise ValueError unless the calls of the sources add up to those of the step."""
    tallies = facts["tallies"]
    if len({tally["source"] for tally in tallies}) < len(tallies) or len(tallies) > 256:
        raise ValueError("a source twice, or too many")
    paid = "proposed" if facts.get("partial") else "valid"  # partial ones may have no careful word
    if any(not tally["calls"] <= tally[paid] <= tally["proposed"] for tally in tallies):
        raise ValueError("a source with more calls than valid automata, or more than it proposed")
    if any(tally["valid"] > tally["proposed"] for tally in tallies):
        raise ValueError("a source with more valid automata than it proposed")
    spent = sum(tally["calls"] for tally in tallies)
    if facts.get("trained_after", 0) > facts["calls"]:
        raise ValueError(f"trained after {facts['trained_after']} calls, of {facts['calls']}")
    if spent != facts["calls"] or facts["first_look"] > facts["calls"]:
        raise ValueError(f"{facts['calls']} calls, but {spent} by source")


def _check_columns(
    columns: Mapping[str, npt.NDArray[Any]], facts: Mapping[str, Any], tallies: Mapping[str, Tally]
) -> None:
    """Raise ValueError if a row has an impossible value."""
    found_at, sources, parents = columns["found_at"], columns["sources"], columns["parents"]
    alpha, repaired = columns["alpha"], columns["repaired"]
    names = [*tallies]
    counts = np.bincount(sources, minlength=len(names)) if len(sources) else np.zeros(len(names))
    late = np.isin(sources, [index for index, name in enumerate(names) if name == EVOLVE])
    size, row = parents[..., 0], parents[..., 1]
    none = (size == -1) & (row == -1)
    later = np.diff(found_at, prepend=0) > 0
    wrong = {
        "found_at": ~((1 <= found_at) & (found_at <= facts["calls"]) & later),
        "sources": (sources >= len(names)) | (late & (found_at <= facts["first_look"])),
        "parents": ~(none | ((1 <= size) & (size < facts["n"]) & (row >= 0))).all(axis=1),
        "alpha": ~(np.isnan(alpha) | ((alpha >= 0) & (alpha <= 1))),
        "repaired": (repaired < 0) | (repaired > facts["n"] * facts["k"]),
    }
    for name, rows in wrong.items():
        if rows.any():
            value = columns[name][int(rows.argmax())].tolist()
            raise ValueError(f"row {int(rows.argmax()) + 1}: {name} {value} cannot be")
    if any(counts[index] > tallies[name].calls for index, name in enumerate(names)):
        raise ValueError("more rows of a source than it had calls")
