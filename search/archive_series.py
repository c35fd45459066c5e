"""Series: which automata of an archive go on for ever, as far as six further sizes tell."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from automata.automaton import SizeLimitError
from automata.canonical import CANONICAL_MAX_STATES, canonical_forms, from_canonical
from automata.certificate import check_certificate
from automata.certify import certificate
from automata.families import identify
from automata.formats import format_delta
from automata.series import (
    CHECKED,
    Quadratic,
    Stretches,
    find_stretches,
    series_sizes,
    series_thresholds,
    stretch,
)
from data.progress import progress

SERIES_COLUMNS = [
    "k",
    "even",
    "odd",
    "family",
    "n",
    "sizes",
    "delta",
    "start",
    "cut",
    "stop",
]
SERIES_MAX_STATES = CANONICAL_MAX_STATES - 2
_PARITIES = (0, 1)
_WIELANDT = re.compile(r"Wielandt\((\d+),(\d+)\)")


class Found(NamedTuple):
    """The series of an archive."""

    series: pd.DataFrame
    """The columns `SERIES_COLUMNS`."""
    sporadic: pd.DataFrame
    """The automata that belong to none."""


def find_series(
    rows: pd.DataFrame, *, at_least: float = 0.0, prove: bool = False, workers: int = 1
) -> Found:
    """List the series that automata of an archive belong to, the slowest first.

    An automaton is lengthened in every way that `automata.series.find_stretches` finds. It begins a
    series for even or for odd n where the reset thresholds at the next three sizes of that parity
    give a formula, quadratic in n, and those at three further ones obey it.

    Parameters
    ----------
    rows : DataFrame
        Of `search.archive.Archive.rows`.
    at_least : float
        Least share of the Černý bound, at every size.
    prove : bool
        Whether these thresholds are proved too, each by a certificate.
    workers : int
        Threads of the solver.

    Returns
    -------
    Found
        Of each series: the formulas for even and for odd n, "" where there is none; the family, if
        there is one; the least n, the automaton of that size and which of its states are repeated
        (see `automata.series.Stretches`); the sizes at which `rows` has the member.

    Raises
    ------
    SizeLimitError
        If n > 62.
    CertificateError, RuntimeError
        If a proof fails, or proves another threshold: a bug of the solver.
    """
    if (largest := rows["n"].max()) > SERIES_MAX_STATES:
        raise SizeLimitError(f"n={largest} is over the limit of {SERIES_MAX_STATES} for series")
    parts = [
        _of_letters(own, int(k), at_least, prove=prove, workers=workers)
        for k, own in rows.groupby("k")
    ]
    found = sorted((series for own, _ in parts for series in own), key=_order)
    table = pd.DataFrame(found, columns=SERIES_COLUMNS)
    table = table.assign(**{name: table[name].map(_text) for name in ("even", "odd")})
    return Found(table, pd.concat([rows[:0], *(sporadic for _, sporadic in parts)]))


def summarize(series: pd.DataFrame) -> pd.DataFrame:
    """Count the series of each pair of formulas, in their order.

    Parameters
    ----------
    series : DataFrame
        Of `find_series`.

    Returns
    -------
    DataFrame
        k, even, odd; how many series, the known families among them, and the sizes at which
        members were found: the least, and the largest.
    """
    rows = []
    for (k, even, odd), own in series.groupby(["k", "even", "odd"], sort=False):
        sizes = [int(size) for sizes in own["sizes"] for size in sizes.split()]
        names = ", ".join(name for name in own["family"] if name)
        rows.append([k, even, odd, len(own), names, min(sizes), max(sizes)])
    return pd.DataFrame(rows, columns=["k", "even", "odd", "series", "families", "from", "to"])


def _of_letters(
    rows: pd.DataFrame, k: int, at_least: float, *, prove: bool, workers: int
) -> tuple[list[dict[str, Any]], pd.DataFrame]:
    """Find the series of automata of k letters, each once, and the automata that are left."""
    sizes = sorted(map(int, rows["n"].unique()))
    forms = {n: [*map(_read_form, rows["canonical"][rows["n"] == n])] for n in sizes}
    held = {n: {*forms[n]} for n in sizes}
    found: list[dict[str, Any]] = []
    explained: dict[int, set[bytes]] = {n: set() for n in sizes}
    seen: set[bytes] = set()
    for n in sizes:
        own = np.frombuffer(b"".join(forms[n]), np.uint8).reshape(-1, n * k)
        ways = find_stretches(from_canonical(own, n, k))
        # a series that a smaller automaton began has the same member further on
        later = _members(n, ways, sizes[-1] + 2)
        new = np.flatnonzero([member not in seen for member in later])
        ways = ways.of(new)
        thresholds = np.stack(  # (parity, series, size)
            [series_thresholds(ways, p, at_least=at_least, workers=workers) for p in _PARITIES]
        )
        kept = np.flatnonzero((thresholds[:, :, -1] >= 0).any(axis=0))
        ways, thresholds = ways.of(kept), thresholds[:, kept]
        seen.update(later[row] for row in new[kept])
        if prove:
            _prove(n, ways, thresholds)
        members = {size: _members(n, ways, size) for size in sizes if size >= n}
        stored = [
            [size for size in members if members[size][row] in held[size]]
            for row in range(len(kept))
        ]
        for size in members:
            explained[size].update(members[size])
        found += _describe(n, ways, thresholds, stored)
    left = [form not in explained[n] for n in sizes for form in forms[n]]
    return found, rows.sort_values("n", kind="stable")[left]


def _members(n: int, ways: Stretches, size: int) -> list[bytes]:
    """Return the canonical forms of automata lengthened to a size."""
    return [*map(bytes, canonical_forms(stretch(ways, size - n)))]


def _describe(
    n: int, ways: Stretches, thresholds: npt.NDArray[np.int32], stored: Sequence[Sequence[int]]
) -> list[dict[str, Any]]:
    """Make the rows of series that begin with automata of one size."""
    named = {
        size: identify(stretch(ways, size - n))
        for p in _PARITIES
        for size in series_sizes(n, p)[:2]
    }
    rows = []
    for row in range(len(ways.deltas)):
        formulas = [
            Quadratic.through(series_sizes(n, p)[:3], thresholds[p, row, :3].tolist())
            if thresholds[p, row, -1] >= 0
            else None
            for p in _PARITIES
        ]
        parity = formulas.index(None) ^ 1 if None in formulas else 0
        rows.append(
            {
                "k": ways.deltas.shape[1],
                "even": formulas[0],
                "odd": formulas[1],
                "family": _common_name({s: named[s][row] for s in series_sizes(n, parity)[:2]}),
                "n": n,
                "sizes": " ".join(map(str, stored[row])),
                "delta": format_delta(ways.deltas[row]),
                "start": int(ways.starts[row]),
                "cut": int(ways.cuts[row]),
                "stop": int(ways.stops[row]),
            }
        )
    return rows


def _order(series: dict[str, Any]) -> tuple[Any, ...]:
    """By letters, then the slowest first, then those for all n."""
    formulas = [series[name] for name in ("even", "odd") if series[name]]
    slowest = [-factor for factor in max(formulas)]
    return series["k"], *slowest, -len(formulas), series["n"], series["delta"], series["cut"]


def _text(formula: Quadratic | None) -> str:
    return str(formula) if formula else ""


def _common_name(names: Mapping[int, str]) -> str:
    """Return the family that has one name at two sizes, or at each size a name of its own."""
    first, second = names.values()
    if first == second:
        return first
    found = [_WIELANDT.fullmatch(name) for name in (first, second)]
    shorter = {int(n) - int(p) for n, p in (match.groups() for match in found if match)}
    cycles = {int(match[2]) for match in found if match}
    if not all(found):
        return ""
    if len(shorter) == 1:
        return f"Wielandt(n,n-{shorter.pop()})"
    return f"Wielandt(n,{cycles.pop()})" if len(cycles) == 1 else ""


def _prove(n: int, ways: Stretches, thresholds: npt.NDArray[np.int32]) -> None:
    """Prove the thresholds that make the formulas."""
    series = [(p, row) for p, row in np.argwhere(thresholds[:, :, -1] >= 0)]
    with progress(CHECKED * len(series), f"prove n={n}", "thresholds") as bar:
        for p in _PARITIES:
            rows = np.array([row for parity, row in series if parity == p], np.int64)
            for column, size in enumerate(series_sizes(n, p)):
                for row, delta in zip(rows, stretch(ways.of(rows), size - n), strict=True):
                    proof = certificate(delta)
                    check_certificate(proof)
                    if proof.threshold != thresholds[p, row, column]:
                        raise RuntimeError(
                            f"solver bug: threshold {thresholds[p, row, column]}, but "
                            f"{proof.threshold} is proved of {format_delta(delta)}"
                        )
                bar.update(len(rows))


def _read_form(text: str) -> bytes:
    return bytes(map(int, text.split()))
