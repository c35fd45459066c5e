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
SERIES_MAX_STATES = CANONICAL_MAX_STATES - 3
_MODULI = (2, 3)
"""Families differ by parity, and by whether short cycles divide n."""
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
    give a formula, quadratic in n, and those at three further ones obey it. Where it begins
    neither, the residues of n modulo 3 are tried in the same way.

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
        Of each series: the formula and for which n it holds; the family, if there is one; the least
        n, the automaton of that size and which of its states are repeated (see
        `automata.series.Stretches`); the sizes at which `rows` has the member. What obeys two
        formulas, for different n, has two rows.

    Raises
    ------
    SizeLimitError
        If n > 61.
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
    table["formula"] = table["formula"].map(str)
    return Found(table, pd.concat([rows[:0], *(sporadic for _, sporadic in parts)]))


def summarize(series: pd.DataFrame) -> pd.DataFrame:
    """Count the series of each formula, in their order.

    Parameters
    ----------
    series : DataFrame
        Of `find_series`.

    Returns
    -------
    DataFrame
        k, formula, holds; how many series, the known families among them, and the sizes at which
        members were found: the least, and the largest.
    """
    rows = []
    for (k, formula, holds), own in series.groupby(["k", "formula", "holds"], sort=False):
        sizes = [int(size) for sizes in own["sizes"] for size in sizes.split()]
        names = ", ".join(name for name in own["family"] if name)
        ends = [min(sizes), max(sizes)] if sizes else ["", ""]
        rows.append([k, formula, holds, len(own), names, *ends])
    return pd.DataFrame(rows, columns=["k", "formula", "holds", "series", "families", "from", "to"])


def _of_letters(
    rows: pd.DataFrame, k: int, at_least: float, *, prove: bool, workers: int
) -> tuple[list[dict[str, Any]], pd.DataFrame]:
    """Find the series of automata of k letters, each once, and the automata that are left."""
    sizes = sorted(map(int, rows["n"].unique()))
    forms = {n: [*map(_read_form, rows["canonical"][rows["n"] == n])] for n in sizes}
    held = {n: {*forms[n]} for n in sizes}
    found: list[dict[str, Any]] = []
    explained: dict[int, set[bytes]] = {n: set() for n in sizes}
    seen: set[tuple[bytes, ...]] = set()
    for n in sizes:
        own = np.frombuffer(b"".join(forms[n]), np.uint8).reshape(-1, n * k)
        ways = find_stretches(from_canonical(own, n, k))
        # a series that a smaller automaton began has the same members further on
        later = [*zip(*(_members(n, ways, sizes[-1] + more) for more in (2, 3)), strict=True)]
        left = np.flatnonzero([member not in seen for member in later])
        for modulo in _MODULI:
            thresholds = np.stack(  # (residue, series, size)
                [
                    series_thresholds(
                        ways.of(left), modulo, residue, at_least=at_least, workers=workers
                    )
                    for residue in range(modulo)
                ]
            )
            begins = (thresholds[:, :, -1] >= 0).any(axis=0)
            chosen, thresholds = left[begins], thresholds[:, begins]
            left = left[~begins]
            seen.update(later[row] for row in chosen)
            if prove and len(chosen):
                _prove(n, ways.of(chosen), thresholds)
            members = {size: _members(n, ways.of(chosen), size) for size in sizes if size >= n}
            for size in members:
                explained[size].update(members[size])
            for row, way in enumerate(chosen):
                stored = [size for size in members if members[size][row] in held[size]]
                found += _describe(n, ways.of(np.array([way])), thresholds[:, row], stored)
    alone = [form not in explained[n] for n in sizes for form in forms[n]]
    return found, rows.sort_values("n", kind="stable")[alone]


def _members(n: int, ways: Stretches, size: int) -> list[bytes]:
    """Return the canonical forms of automata lengthened to a size."""
    return [*map(bytes, canonical_forms(stretch(ways, size - n)))]


def _describe(
    n: int, way: Stretches, thresholds: npt.NDArray[np.int32], stored: Sequence[int]
) -> list[dict[str, Any]]:
    """Make a row for each formula of what one automaton begins: thresholds (residue, size)."""
    modulo = len(thresholds)
    residues: dict[Quadratic, list[int]] = {}
    for residue in np.flatnonzero(thresholds[:, -1] >= 0).tolist():
        sizes = series_sizes(n, modulo, residue)[:3]
        formula = Quadratic.through(sizes, thresholds[residue, :3].tolist())
        residues.setdefault(formula, []).append(residue)
    rows = []
    for formula, own in residues.items():
        first, second = series_sizes(n, modulo, own[0])[:2]
        names = {size: identify(stretch(way, size - n))[0] for size in (first, second)}
        rows.append(
            {
                "k": way.deltas.shape[1],
                "formula": formula,
                "holds": _holds(modulo, own),
                "family": _common_name(names),
                "n": n,
                "sizes": " ".join(str(size) for size in stored if size % modulo in own),
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
    """Prove the thresholds that make the formulas: (residue, series, size)."""
    modulo = len(thresholds)
    series = np.argwhere(thresholds[:, :, -1] >= 0)
    with progress(CHECKED * len(series), f"prove n={n}", "thresholds") as bar:
        for residue, row in series:
            way = ways.of(np.array([row]))
            for column, size in enumerate(series_sizes(n, modulo, residue)):
                (delta,) = stretch(way, size - n)
                proof = certificate(delta)
                check_certificate(proof)
                if proof.threshold != (claimed := thresholds[residue, row, column]):
                    raise RuntimeError(
                        f"solver bug: threshold {claimed}, but {proof.threshold} is proved of "
                        f"{format_delta(delta)}"
                    )
            bar.update(CHECKED)


def _read_form(text: str) -> bytes:
    return bytes(map(int, text.split()))
