"""Series: which automata of an archive go on for ever, as far as seven further sizes tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from automata.automaton import SizeLimitError
from automata.canonical import CANONICAL_MAX_STATES
from automata.series import (
    CHECKED,
)
from automata.text.formats import format_delta
from data.progress import progress
from search.archive.series_search import MODULI, Begun, Stock, search_series

SERIES_COLUMNS = [
    "k",
    "formula",
    "holds",
    "family",
    "n",
    "sizes",
    "delta",
    "start",
    "cut",
    "stop",
]
SUMMARY_COLUMNS = ["k", "formula", "holds", "series", "families", "found_from", "found_to"]
SERIES_MAX_STATES = CANONICAL_MAX_STATES - CHECKED * max(MODULI)


class SeriesFound(NamedTuple):
    """The series of an archive."""

    series: pd.DataFrame
    """The columns `SERIES_COLUMNS`."""
    sporadic: pd.DataFrame
    """The automata that are no member of any."""


def find_series(
    rows: pd.DataFrame, *, at_least: float = 0.0, prove: bool = False, workers: int = 1
) -> SeriesFound:
    """List the series that automata of an archive belong to, the slowest first.

    An automaton is lengthened in every way that `automata.series.find_stretches` finds. It begins a
    series for even or for odd n where the reset thresholds at the next three sizes of that parity
    give a formula, quadratic in n, and those at four further ones obey it. Where it begins
    neither, the residues of n modulo 3 are tried in the same way. Its members are the automata of
    these sizes that obey the formula, the first one too.

    Parameters
    ----------
    rows : DataFrame
        Of `search.archive.store.Archive.rows`.
    at_least : float
        Least share of the Černý bound, at each of the seven sizes.
    prove : bool
        Whether the thresholds at these sizes are proved too, each by a certificate.
    workers : int
        Threads of the solver.

    Returns
    -------
    SeriesFound
        Of each series: the formula and for which n it holds; the family, if there is one; the n of
        an automaton that begins it, this automaton, and which of its states are repeated (see
        `automata.series.Stretches`); the sizes at which `rows` has the member. What obeys two
        formulas, for different n, is two series.

    Raises
    ------
    SizeLimitError
        If n > 43 or k > 6: the sizes that are looked at go up to n + 21.
    CertificateError, RuntimeError
        If a proof fails, or proves another threshold: a bug of the solver.
    """
    if (largest := rows["n"].max()) > SERIES_MAX_STATES:
        raise SizeLimitError(f"n={largest} is over the limit of {SERIES_MAX_STATES} for series")
    with progress(len(rows), "series", "automata") as bar:
        stocks = [Stock(own, int(k)) for k, own in rows.groupby("k")]
        for stock in stocks:
            search_series(stock, at_least, bar.update, prove=prove, workers=workers)
    found = [row for stock in stocks for row in _list_series(stock.begun, stock.stored)]
    found.sort(key=_order)
    table = pd.DataFrame(found, columns=SERIES_COLUMNS)
    table["formula"] = table["formula"].map(str)
    return SeriesFound(table, pd.concat([rows[:0], *(stock.sporadic() for stock in stocks)]))


def summarize(series: pd.DataFrame) -> pd.DataFrame:
    """Count the series of each formula, in their order.

    Parameters
    ----------
    series : DataFrame
        Of `find_series`.

    Returns
    -------
    DataFrame
        The columns `SUMMARY_COLUMNS`: how many series, the known families among them, and the
        least and the largest size at which a member was found.
    """
    rows = []
    for (k, formula, holds), own in series.groupby(["k", "formula", "holds"], sort=False):
        sizes = [int(size) for sizes in own["sizes"] for size in sizes.split()]
        names = ", ".join(name for name in own["family"] if name)
        rows.append([k, formula, holds, len(own), names, min(sizes), max(sizes)])
    return pd.DataFrame(rows, columns=SUMMARY_COLUMNS)


def _list_series(begun: Sequence[Begun], stored: Mapping[bytes, set[int]]) -> list[dict[str, Any]]:
    """Make a row for each series that has members; those for more residues come first."""
    listed: set[bytes] = set()
    rows = []
    for way, modulo, branches in sorted(begun, key=lambda one: -len(one.branches)):
        new = {r: branch for r, branch in branches.items() if branch.key not in listed}
        for formula in dict.fromkeys(branch.formula for branch in new.values()):
            residues = [r for r in new if new[r].formula == formula]
            listed.update(new[r].key for r in residues)
            sizes = sorted({size for r in residues for size in stored[new[r].key]})
            if sizes:
                rows.append(
                    {
                        "k": way.deltas.shape[1],
                        "formula": formula,
                        "holds": _holds(modulo, residues),
                        "family": new[residues[0]].family,
                        "n": way.deltas.shape[2],
                        "sizes": " ".join(map(str, sizes)),
                        "delta": format_delta(way.deltas[0]),
                        "start": int(way.starts[0]),
                        "cut": int(way.cuts[0]),
                        "stop": int(way.stops[0]),
                    }
                )
    return rows


def _holds(modulo: int, residues: Sequence[int]) -> str:
    """Write for which n a formula holds."""
    if len(residues) == modulo:
        return "all n"
    if modulo == 2:
        return "odd n" if residues[0] else "even n"
    return f"n = {', '.join(map(str, residues))} mod {modulo}"


def _order(series: dict[str, Any]) -> tuple[Any, ...]:
    """By letters, then the slowest first, then by where the formula holds."""
    slowest = [-factor for factor in series["formula"]]
    return series["k"], *slowest, series["holds"], series["n"], series["delta"], series["cut"]
