"""Series: automata of an archive whose thresholds obey a formula at seven or ten further sizes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from automata.canonical import CANONICAL_MAX_STATES
from automata.errors import SizeLimitError
from automata.series import CHECKED
from automata.solver.timed import Clock
from automata.text.formats import format_delta
from automata.units import Pool, threads
from data.progress import progress
from search.archive.kept import keeping
from search.archive.series_config import SERIES_MEMORY
from search.archive.series_search import PATTERNS, Search, search_series
from search.archive.series_solvers import Solvers
from search.archive.series_stock import Begun, Stock

SERIES_COLUMNS = [
    "k",
    "formula",
    "holds",
    "family",
    "n",
    "sizes",
    "solved",
    "thresholds",
    "delta",
    "period",
    "start",
    "cut",
    "stop",
]
SUMMARY_COLUMNS = ["k", "formula", "holds", "series", "families", "found_from", "found_to"]
SERIES_MAX_STATES = CANONICAL_MAX_STATES - CHECKED * 3
"""Most states of an automaton that is lengthened to seven further sizes in steps of 2 and of 3."""


class SeriesFound(NamedTuple):
    """The series of an archive."""

    series: pd.DataFrame
    """The columns `SERIES_COLUMNS`."""
    sporadic: pd.DataFrame
    """The automata that belong to no series."""
    left_open: int
    """Number of ways to lengthen that ended where the memory for a threshold did not suffice."""
    left: pd.DataFrame
    """The automata that are not decided, for want of time or since a longer one is `lost`."""
    slow: int
    """Number of thresholds for which all the time that one may take did not suffice."""
    lost: list[str]
    """For each automaton that ended its workers, that it is not solved, and why."""


def find_series(
    rows: pd.DataFrame,
    *,
    at_least: float = 0.0,
    prove: bool = False,
    partial: bool = False,
    memory_limit: int = SERIES_MEMORY,
    workers: int = 1,
    pool: Pool | None = None,
    clock: Clock | None = None,
    keep: Path | None = None,
) -> SeriesFound:
    """List the series that automata of an archive belong to, the slowest first.

    An automaton is lengthened in every way that `automata.runs.find_stretches` finds with
    runs of period 1. The thresholds at the next three even (or odd) sizes give a formula, quadratic
    in n. If those at four further sizes of that parity obey it, the automaton begins a series for
    even (or odd) n. If it begins neither, the residues of n modulo 3 are tried in the same way. The
    members of a series are its automata that obey the formula, the first automaton too.

    Automata that are in no series then are tried with formulas for residues of n modulo 4 and 6,
    with runs of period 2, 3 and 4, and with two runs of period 1 or 2 that are lengthened together.

    Thresholds of partial automata may grow faster. If no quadratic formula holds, those at the next
    ten sizes may obey a linear recurrence of at most three coefficients, as
    `automata.recurrences.find_recurrence` decides: L(n-1)+L(n-2)+1, where L(n) is that at n.

    Parameters
    ----------
    rows : DataFrame
        Of `search.archive.store.Archive.rows`.
    at_least : float
        Least share of the Černý bound, at each of the seven sizes; for complete automata only.
    prove : bool
        Whether to prove the thresholds at these sizes, each by a certificate.
    partial : bool
        Whether the automata are partial.
    memory_limit : int
        Bytes for each threshold; four times as many where they may obey a recurrence.
    workers : int
        Threads of the solver.
    pool : Pool, optional
        Where automata are solved, and thresholds proved, instead.
    clock : Clock, optional
        When it expires, the search ends with what it has found. A way to lengthen of which some
        threshold is out of time begins no series yet; a longer search may find one.
    keep : Path, optional
        A file for the thresholds that are found, and proved: the next search begins with them. See
        `search.archive.kept.keeping`.

    Returns
    -------
    SeriesFound
        For each series: the formula, and the n for which it holds; the family, if known; an
        automaton that begins it, its n, and the states that are repeated (see
        `automata.stretches.Stretches`); the sizes of members in `rows`; the sizes that were solved
        for the formula, with the thresholds there. An automaton that obeys two formulas, for
        different n, begins two series.

    Raises
    ------
    SizeLimitError
        If n > 43 or k > 6: automata are lengthened up to n + 21 states.
    CertificateError, RuntimeError
        If a proof fails, or proves another threshold: the solver has a bug.
    DataError
        If the file `keep` is damaged.
    """
    if (largest := rows["n"].max()) > SERIES_MAX_STATES:
        raise SizeLimitError(f"n={largest} is over the limit of {SERIES_MAX_STATES} for series")
    with nullcontext(pool) if pool else threads(workers) as place:
        solvers = Solvers(partial=partial, memory_limit=memory_limit, pool=place, clock=clock)
        with (
            keeping(keep, solvers.named, always=clock is not None) as save,
            progress(len(rows) * len(PATTERNS), "series", "automata") as bar,
        ):
            stocks = [Stock(own, int(k), partial) for k, own in rows.groupby("k")]
            for stock in stocks:
                least = 0.0 if partial else at_least  # nobody knows the lengths of larger ones
                search_series(Search(stock, solvers, least, prove, save), bar.update)
    found = [row for stock in stocks for row in _list_series(stock.begun, stock.stored)]
    found.sort(key=_order)
    table = pd.DataFrame(found, columns=SERIES_COLUMNS)
    table["formula"] = table["formula"].map(str)
    sporadic = pd.concat([rows[:0], *(stock.sporadic() for stock in stocks)])
    left = pd.concat([rows[:0], *(stock.left() for stock in stocks)])
    left_open = sum(len(stock.left_open) for stock in stocks)
    return SeriesFound(table, sporadic, left_open, left, solvers.slow, solvers.lost)


def summarize(series: pd.DataFrame) -> pd.DataFrame:
    """Count the series of each formula, in the order of `series`.

    Parameters
    ----------
    series : DataFrame
        Of `find_series`.

    Returns
    -------
    DataFrame
        The columns `SUMMARY_COLUMNS`: the number of series, the known families among them, and the
        smallest and largest sizes of members found.
    """
    rows = []
    for (k, formula, holds), own in series.groupby(["k", "formula", "holds"], sort=False):
        sizes = [int(size) for sizes in own["sizes"] for size in sizes.split()]
        names = ", ".join(name for name in own["family"] if name)
        rows.append([k, formula, holds, len(own), names, min(sizes), max(sizes)])
    return pd.DataFrame(rows, columns=SUMMARY_COLUMNS)


def _list_series(begun: Sequence[Begun], stored: Mapping[bytes, set[int]]) -> list[dict[str, Any]]:
    """Return a row for each series with members; series for more residues first."""
    listed: set[bytes] = set()
    rows = []
    for way, modulo, branches in sorted(begun, key=lambda one: -len(one.branches)):
        new = {r: branch for r, branch in branches.items() if branch.key not in listed}
        for formula in dict.fromkeys(branch.formula for branch in new.values()):
            residues = [r for r in new if new[r].formula == formula]
            listed.update(new[r].key for r in residues)
            sizes = sorted({size for r in residues for size in stored[new[r].key]})
            if sizes:
                solved = dict(sorted(pair for r in residues for pair in new[r].solved.items()))
                rows.append(
                    {
                        "k": way.deltas.shape[1],
                        "formula": formula,
                        "holds": _holds(modulo, residues),
                        "family": new[residues[0]].family,
                        "n": way.deltas.shape[2],
                        "sizes": _text(sizes),
                        "solved": _text(solved.keys()),
                        "thresholds": _text(solved.values()),
                        "delta": format_delta(way.deltas[0]),
                        "period": way.period,
                        "start": _text(way.starts[0].tolist()),
                        "cut": _text(way.cuts[0].tolist()),
                        "stop": _text(way.stops[0].tolist()),
                    }
                )
    return rows


def _text(numbers: Iterable[int]) -> str:
    """Write sizes, thresholds, or the states of one or two runs."""
    return " ".join(map(str, numbers))


def _holds(modulo: int, residues: Sequence[int]) -> str:
    """Return the n for which a formula holds, as a text."""
    if len(residues) == modulo:
        return "all n"
    if modulo == 2:
        return "odd n" if residues[0] else "even n"
    return f"n = {', '.join(map(str, residues))} mod {modulo}"


def _order(series: dict[str, Any]) -> tuple[Any, ...]:
    """Return the sort key of a row: letters, slowest formula first, then residues."""
    slowest = series["formula"].slowness
    return series["k"], *slowest, series["holds"], series["n"], series["delta"], series["cut"]
