"""The jobs of ``generate``, ``import`` and ``enumerate``: each fills a folder, with a picture.

Each returns its result.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from automata.burnside import count_classes
from automata.settings import SettingError, record_of
from automata.units import threads
from data.best_known import Scale
from data.drawn import word_kind
from data.enumerate import EnumerateConfig, enumerate_dataset
from data.generate import GenerateConfig, Generated, generate
from data.importing import import_collection, read_collection
from data.plots import plot_thresholds
from data.pools import pool_of
from data.record import recorded
from data.results import Summary
from data.terminal import warn

_KINDS = ("classes", "strongly_connected", "irreducible", "basic")
"""Columns of the counts that are printed."""
MOST_ROWS = 10**8
"""Rows of an enumeration that are written without being asked for."""


@dataclass(frozen=True)
class Enumeration:
    """The counts of an enumeration, a row for each threshold, and its cost."""

    values: Mapping[str, Any]

    def text(self) -> str:
        """Return the counts as a table with their sums, then the rest."""
        counts = self.values["counts"]
        rows = [[row["reset_threshold"], *(row[name] for name in _KINDS)] for row in counts]
        total = ["all", *(sum(row[name] for row in counts) for name in _KINDS)]
        table = [
            "  ".join(f"{str(cell).replace('_', ' '):>18}" for cell in line)
            for line in [("threshold", *_KINDS), *rows, total]
        ]
        rest = {name: value for name, value in self.values.items() if name != "counts"}
        return "\n".join([*table, Summary(rest).text()])

    def as_json(self) -> dict[str, Any]:
        """Return the values by their names."""
        return dict(self.values)


def run_generate(
    config: GenerateConfig, out: Path, *, workers: int, scheduler: str | None = None, force: bool
) -> Summary:
    """Make a dataset folder of sampled automata."""
    with (
        pool_of(scheduler, nullcontext()) as pool,
        recorded(out, "generate", record_of(config), force=force) as run,
    ):
        made = generate(config, out, workers=workers, pool=pool)
        seconds = run.seconds
        scale = Scale(config.n, config.k, config.partial)
        table = _draw(made, scale, out, config.highest_threshold)
    rows = sum(table.values())
    if rows < config.count:
        warn(f"{out}: {rows:,} rows, not {config.count:,}: {_why_fewer(config, rows)}")
    speed = {} if run.complete else {"rows a second": round(rows / seconds)}
    return Summary(
        {
            "dataset": str(out),
            "rows (distinct classes)": rows,
            "rows wanted": config.count,
            "solver calls": sum(shard["calls"] for shard in made.manifest["shards"]),
            **speed,
            f"rows by {word_kind(config.partial)} threshold": table,
        }
    )


def _why_fewer(config: GenerateConfig, rows: int) -> str:
    """Return why a dataset has fewer rows than wanted."""
    whole = config.sampler == "uniform" and config.ceiling is None and not config.partial
    if whole and rows == count_classes(config.n, config.k):
        return f"these are all automata with n={config.n}, k={config.k}"
    return "hardly any that is drawn is new and may enter"


def refuse_many_rows(config: EnumerateConfig) -> None:
    """Raise `SettingError` if a dataset of all automata of a size has over `MOST_ROWS` rows.

    With a least threshold or classes the number of rows is not known before.
    """
    if not config.rows or config.at_least or config.classes:
        return
    rows = count_classes(config.n, config.k, partial=config.partial)
    if rows > MOST_ROWS:
        raise SettingError(
            f"n={config.n}, k={config.k}: all {rows:,} automata would be written. --at-least T "
            "keeps those with thresholds from T on, --no-rows counts alone, a smaller -n has "
            "fewer; --at-least 0 writes them all"
        )


def run_import(
    file: Path, form: str | None, out: Path, *, partial: bool = False, workers: int, force: bool
) -> Summary:
    """Make a dataset folder of the automata in a file; "-" is standard input."""
    collection = read_collection(file, form, partial=partial, workers=workers)
    config, n, k = collection.config(), collection.n, collection.k
    inputs = {} if str(file) == "-" else {"file": file}
    with recorded(out, "import", config, inputs, force=force):
        made = import_collection(collection, out, workers=workers)
        table = _draw(made, Scale(n, k, collection.partial), out)
    return Summary(
        {
            "dataset": str(out),
            "states, letters": f"{n}, {k}",
            "automata read": collection.read,
            "rows (distinct classes)": sum(table.values()),
            f"rows by {word_kind(partial)} threshold": table,
        }
    )


def _draw(made: Generated, scale: Scale, out: Path, ceiling: int | None = None) -> dict[int, int]:
    """Draw the histogram of a dataset, and return it: rows by threshold, rising."""
    table = dict(sorted(made.thresholds.items()))
    thresholds = np.array([*table], np.int32)
    counts = np.array([*table.values()], np.int64)
    plot_thresholds(thresholds, scale, out / "thresholds", counts=counts, ceiling=ceiling)
    announce(_above(thresholds, counts, scale), scale, out)
    return table


def run_enumerate(
    config: EnumerateConfig, out: Path, *, workers: int, scheduler: str | None = None, force: bool
) -> Enumeration:
    """Make a dataset folder of all automata of a size."""
    with (
        pool_of(scheduler, threads(workers)) as pool,
        recorded(out, "enumerate", record_of(config), force=force) as run,
    ):
        manifest = enumerate_dataset(config, out, workers=workers, pool=pool)
        seconds = run.seconds
        totals = manifest["totals"]
        thresholds = np.array([row["reset_threshold"] for row in totals["counts"]], np.int16)
        classes = np.array([row["classes"] for row in totals["counts"]], np.int64)
        for name in ("thresholds.png", "thresholds.svg"):
            (out / name).unlink(missing_ok=True)
        scale = Scale(config.n, config.k, config.partial, classes=config.classes)
        if config.rows:
            plot_thresholds(thresholds, scale, out / "thresholds", counts=classes)
    place = out if config.rows else f"{out}, counted alone: enumerate again without --no-rows"
    announce(_above(thresholds, classes, scale), scale, place)
    whole = config.at_least == 0 and not config.classes
    return Enumeration(
        {
            "dataset": str(out),
            "counts": totals["counts"],
            "classes": totals["classes"],
            # the same number: an enumeration whose number differs has failed
            **({"classes by Burnside's lemma": totals["classes"]} if whole else {}),
            "nodes": totals["nodes"],
            "units": totals["units"],
            **({} if run.complete else {"seconds": round(seconds, 3)}),
        }
    )


def _above(
    thresholds: npt.NDArray[np.integer], counts: npt.NDArray[np.int64], scale: Scale
) -> list[int]:
    """Return the thresholds above the best known length, each repeated by its count."""
    above = thresholds > (math.inf if scale.limit is None else scale.limit)
    found: list[int] = np.repeat(thresholds[above], counts[above]).tolist()
    return found


def announce(thresholds: Iterable[int], scale: Scale, place: Path | str) -> None:
    """Print a warning on stderr if a threshold is above the Černý bound, or above the record.

    Parameters
    ----------
    thresholds : iterable of int
    scale : Scale
        Of all the automata. The record is that of partial automata or of classes, where one is
        known.
    place : Path or str
        The file or folder that holds the automata.
    """
    limit = scale.limit
    above = [threshold for threshold in thresholds if limit is not None and threshold > limit]
    if above:
        loud, calm = ("\033[1;31m", "\033[0m") if sys.stderr.isatty() else ("", "")
        what = "ČERNÝ BOUND" if scale.best is None else scale.name.upper()
        print(
            f"{loud}ABOVE THE {what}: {len(above)} automata with n={scale.n} and thresholds up to "
            f"{max(above)} > {limit}, in {place}. Prove them again before you believe it."
            f"{calm}",
            file=sys.stderr,
        )
