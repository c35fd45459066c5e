"""The jobs behind ``archive``: count, list and export automata, find series and relatives."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from automata.deltas import Deltas, has_undefined
from automata.errors import SizeLimitError
from automata.families import FAMILIES, SINGLES
from automata.identification import known
from automata.nearest import Nearest, nearest_of
from automata.settings import SettingError
from automata.solver.either import thresholds_of
from automata.solver.exact import NOT_SYNCHRONIZING
from automata.solver.timed import Clock
from automata.text.formats import format_delta, parse_delta
from automata.units import Lost
from data.cells import plain_cells
from data.damage import DataError
from data.outputs import write_output
from data.pools import pool_of
from data.printing import printed_table
from data.records import landscapes, records
from data.results import Summary
from search.archive.kept import kept_file
from search.archive.selection import Selection
from search.archive.series import SeriesFound, find_series, summarize
from search.archive.series_config import SeriesConfig
from search.archive.store import Archive
from search.report.series import render_series

_LONG = ["cerny_bound", "best_known", "word", "canonical", "properties", "finds"]
"""Columns too long for a terminal."""
_CONJECTURES = (
    "Each formula was met at its seven sizes, a recurrence at ten; for every other n that it is "
    "said to hold for it is a conjecture."
)
_OF_A_SIZE = re.compile(r"(Wielandt|P)\([0-9]+,[0-9]+\)")
"""Names of automata in families that have several of each size."""
_HEAD = 1 << 12
"""Bytes of a file's first line that are read."""


class Counts(NamedTuple):
    """The number of automata in an archive for each k and n."""

    table: pd.DataFrame

    def text(self) -> str:
        """Return the table, with shorter heads."""
        heads = {"best_threshold": "best", "cerny_bound": "bound"}
        return _text(self.table.rename(columns=heads), "no automata")

    def as_json(self) -> dict[str, Any]:
        """Return the rows of the table."""
        return {"counts": self.table.to_dict("records")}


class Listing(NamedTuple):
    """Single automata of an archive."""

    table: pd.DataFrame
    limit: int
    """Most rows that were asked for."""

    def text(self) -> str:
        """Return the table without its long columns."""
        shown = self.table.drop(columns=_LONG, errors="ignore")
        text = _text(shown.rename(columns={"reset_threshold": "threshold"}), "no automata")
        if len(self.table) < self.limit:
            return text
        more = "--limit N lists more, archive export all with words."
        return f"{text}\nThe first {self.limit}: {more}"

    def as_json(self) -> dict[str, Any]:
        """Return the rows of the table."""
        return {"automata": self.table.to_dict("records")}


class SeriesOutcome(NamedTuple):
    """The series of an archive, and the automata that belong to none."""

    found: SeriesFound
    files: Sequence[Path]
    """The CSV file of the series, and the page, if they were written."""

    def text(self) -> str:
        """Return the formulas, the number of automata in no series by size, and the file."""
        series, sporadic, left_open, left, slow, _ = self.found
        lines = [
            _text(summarize(series), "no series"),
            *([_CONJECTURES] if len(series) else []),
            f"Automata in no series: {_by_size(sporadic) or 'none'}",
        ]
        if left_open:
            lines.append(f"Ways to lengthen that took too much memory: {left_open}")
        if len(left):
            lines.append(
                f"Automata that the time limit left: {_by_size(left)}. "
                "The same command goes on from here."
            )
        if slow:
            lines.append(
                f"Thresholds that need more time than one may take: {slow}. "
                "The next call gives them twice as much."
            )
        return "\n".join([*lines, *map(str, self.files)])

    def as_json(self) -> dict[str, Any]:
        """Return the rows of all tables, and the numbers of what was left open."""
        series, sporadic, left_open, left, slow, _ = self.found
        tables = {"series": series, "sporadic": sporadic, "left": left}
        rows = {name: table.to_dict("records") for name, table in tables.items()}
        return {**rows, "left_open": left_open, "slow": slow}


class Relatives(NamedTuple):
    """The known automata that an automaton is nearest to."""

    delta: Deltas
    threshold: int
    nearest: Nearest
    compared: int
    """How many automata of this size are known."""
    references: list[str]
    """The source of each of the nearest."""

    def text(self) -> str:
        """Return the threshold, and a line for each of the nearest."""
        found = self.threshold if self.threshold != NOT_SYNCHRONIZING else "none"
        changes, names = self.nearest
        distance = "1 transition" if changes == 1 else f"{changes} transitions"
        lines = [f"threshold: {found}"]
        if not names:
            each = f"each of the {self.compared} known automata of this size"
            lines.append(f"at least {distance} from {each}")
        for name, source in zip(names, self.references, strict=True):
            lines.append(f"{distance} from {name} ({source})" if changes else f"{name} ({source})")
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        """Return the same by name; ``changes`` is a lower bound if there is no name."""
        return {
            "automaton": format_delta(self.delta),
            "threshold": None if self.threshold == NOT_SYNCHRONIZING else self.threshold,
            "changes": self.nearest.changes,
            "nearest": dict(zip(self.nearest.names, self.references, strict=True)),
            "compared": self.compared,
        }


def find_relatives(text: str) -> Relatives:
    """Find the known families, examples and records that are fewest changed transitions away.

    Parameters
    ----------
    text : str
        An automaton, complete or partial.

    Raises
    ------
    SettingError
        If the text is no automaton, or none of its size is known.
    """
    try:
        delta = parse_delta(text, partial=True)
        k, n = delta.shape
        members = _known_automata(n, k, partial=has_undefined(delta))
        nearest = nearest_of(delta, [(name, own) for name, (own, _) in members.items()])
    except ValueError as error:
        raise SettingError(str(error)) from error
    (threshold,) = thresholds_of(delta[None], partial=has_undefined(delta)).tolist()
    references = [members[name][1] for name in nearest.names]
    return Relatives(delta, threshold, nearest, len(members), references)


def _known_automata(n: int, k: int, *, partial: bool) -> dict[str, tuple[Deltas, str]]:
    """Return what is known of a size by name, each with its source; families come first."""
    sources = {family.name: family.source for family in FAMILIES + SINGLES}
    careful = "presumably Cambie, de Bondt and Don, arXiv 2108.13927"
    two_cycles = "Gusev and Pribavkina, arXiv 1403.3992"
    found = {name: (own, sources.get(name, two_cycles)) for name, own in known(n, k)}
    if partial:
        found |= {name: (own, careful) for name, own in known(n, k, partial=True)}
    for own in records().values():
        landscape = landscapes()[own.landscape]
        if (own.n, landscape.k) == (n, k) and own.automaton and partial >= landscape.partial:
            name = f"the record of {landscape.name}"
            found[name] = parse_delta(own.automaton, partial=True), f"{own.threshold}, {own.origin}"
    return found


def _check_names(archive: Archive, selection: Selection) -> None:
    """Check the run and the family that are selected, among complete and partial automata.

    Raises
    ------
    DataError
        If the archive has no find of the run.
    SettingError
        If the family is not known, and no automaton of the archive is of it.
    """

    def found(named: Selection) -> bool:
        return any(len(archive.counts(replace(named, partial=own))) for own in (False, True))

    run, family = selection.run, selection.family
    if run is not None and not found(Selection(run=run)):
        raise DataError(f"{archive.path}: has no finds of the run {run!r}")
    names = [own.name for own in FAMILIES + SINGLES]
    if family and not (
        family in names or _OF_A_SIZE.fullmatch(family) or found(Selection(family=family))
    ):
        raise SettingError(
            f"unknown family {family!r}: one of {', '.join(names)}, Wielandt(n,p), P(n,c)"
        )


def list_automata(path: Path, selection: Selection, limit: int | None) -> Listing | Counts:
    """List at most `limit` selected automata by k, n and gap; without a limit, count them.

    Raises DataError or SettingError for a run or a family that there is not.
    """
    with Archive(path, create=False) as archive:
        _check_names(archive, selection)
        if limit is None:
            return Counts(archive.counts(selection))
        return Listing(archive.rows(selection, limit=limit), limit)


def export_automata(
    path: Path, selection: Selection, file: Path, *, force: bool = False
) -> Summary | str:
    """Write the selected automata as CSV; for the file "-", return the CSV.

    Raises
    ------
    DataError
        If the file is there and no export, without `force`; or as `list_automata`.
    SettingError
        As `list_automata`.
    """
    with Archive(path, create=False) as archive:
        _check_names(archive, selection)
        table = archive.rows(selection)
    if str(file) == "-":
        return _csv(table)

    def check(target: Path) -> None:
        with target.open("rb") as there:
            head = there.readline(_HEAD).strip().split(b",")
        if head != [b""] and not {b"canonical", b"reset_threshold"} <= {*head} and not force:
            raise DataError(f"{file}: is there, and no file of archive export; --force replaces it")

    write_output(file, partial(plain_cells(table).to_csv, index=False), check=check)
    return Summary({"automata": len(table), "file": str(file)})


def list_series(
    path: Path,
    selection: Selection,
    config: SeriesConfig,
    *,
    out: Path | None,
    page: Path | None,
    workers: int,
    scheduler: str | None = None,
) -> SeriesOutcome | str:
    """Find the series of the selected automata; for the file "-", return them as CSV.

    A page shows the first members of a series of each formula. The thresholds of a search that is
    ended, or takes long, are kept beside the archive.

    Raises
    ------
    DataError
        If the archive has no find of the selected run; or if a file is an archive, or belongs to a
        run.
    Lost
        At the end, if an automaton ended its workers; the files are written then.
    SettingError
        If the page has no file of its own; if an automaton has too many states to be lengthened, or
        the selected family is unknown.
    """
    same = page is not None and out is not None and page.resolve() == out.resolve()
    if same or str(page) == "-":
        raise SettingError(f"--page {page}: a page needs a file of its own")
    with Archive(path, create=False) as archive:
        _check_names(archive, selection)
        rows = archive.rows(selection)
    # nobody knows how long the members of a class are at larger sizes
    at_least = 0.0 if selection.classes else selection.at_least or 0.0
    clock = None if config.time_limit is None else Clock(config.time_limit)
    try:
        with pool_of(scheduler, nullcontext()) as pool:
            found = find_series(
                rows,
                at_least=at_least,
                prove=config.prove,
                partial=selection.partial,
                memory_limit=config.memory_limit,
                workers=workers,
                pool=pool,
                clock=clock,
                keep=kept_file(path),
            )
    except SizeLimitError as error:
        raise SettingError(f"{error}: -n chooses one size") from error
    if page is not None:
        text = render_series(found.series, proved=config.prove)
        write_output(page, lambda path: path.write_text(text, encoding="utf-8"))
    if out is not None and str(out) != "-":
        write_output(out, partial(plain_cells(found.series).to_csv, index=False))
    if found.lost:
        raise Lost(
            f"{path}: without the series of {len(found.left)} automata: {found.lost[0]}. "
            "The same command tries again"
        )
    if str(out) == "-":
        return _csv(found.series)
    return SeriesOutcome(found, [file for file in (out, page) if file is not None])


def _csv(table: pd.DataFrame) -> str:
    text: str = plain_cells(table).to_csv(index=False)
    return text


def _by_size(table: pd.DataFrame) -> str:
    """Return how many automata of each size a table has."""
    counts = table.groupby(["k", "n"]).size().items()
    return ", ".join(f"{count} with n={n}, k={k}" for (k, n), count in counts)


def _text(table: pd.DataFrame, empty: str) -> str:
    """Return a table as text; `empty` if it has no rows."""
    return printed_table(table, keys=2) if len(table) else empty
