"""Series: which automata of an archive go on for ever, as far as seven further sizes tell."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from automata.automaton import SizeLimitError
from automata.canonical import CANONICAL_MAX_STATES, canonical_forms, from_canonical
from automata.families import identify
from automata.proof.certify import proved_threshold
from automata.series import (
    CHECKED,
    Quadratic,
    Stretches,
    find_stretches,
    series_sizes,
    series_thresholds,
    stretch,
)
from automata.text.formats import format_delta
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
SUMMARY_COLUMNS = ["k", "formula", "holds", "series", "families", "found_from", "found_to"]
_MODULI = (2, 3)
"""Families differ by parity, and by whether short cycles divide n."""
SERIES_MAX_STATES = CANONICAL_MAX_STATES - CHECKED * max(_MODULI)
_KEY_SIZES = 2
"""Series with the same members at the next two sizes are one series."""
_WIELANDT = re.compile(r"Wielandt\((\d+),(\d+)\)")


class SeriesFound(NamedTuple):
    """The series of an archive."""

    series: pd.DataFrame
    """The columns `SERIES_COLUMNS`."""
    sporadic: pd.DataFrame
    """The automata that are no member of any."""


class _Begun(NamedTuple):
    """An automaton and a way to lengthen it that obeys formulas."""

    way: Stretches
    modulo: int
    formulas: dict[int, Quadratic]
    """By the residue of n."""
    keys: dict[int, bytes]
    """By the residue: what tells this series from others."""
    families: dict[int, str]
    """By the residue."""


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
        parts = [
            _of_letters(own, int(k), at_least, bar.update, prove=prove, workers=workers)
            for k, own in rows.groupby("k")
        ]
    found = sorted((series for own, _ in parts for series in own), key=_order)
    table = pd.DataFrame(found, columns=SERIES_COLUMNS)
    table["formula"] = table["formula"].map(str)
    return SeriesFound(table, pd.concat([rows[:0], *(sporadic for _, sporadic in parts)]))


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


def _of_letters(
    rows: pd.DataFrame,
    k: int,
    at_least: float,
    report: Callable[[int], object],
    *,
    prove: bool,
    workers: int,
) -> tuple[list[dict[str, Any]], pd.DataFrame]:
    """Find the series of automata of k letters, each once, and the automata that are left."""
    forms = rows["canonical"].map(lambda text: bytes(map(int, text.split())))
    thresholds = dict(zip(forms, rows["reset_threshold"], strict=True))
    sizes = sorted(map(int, rows["n"].unique()))
    begun: list[_Begun] = []
    stored: dict[bytes, set[int]] = {}
    members: set[bytes] = set()
    for n in sizes:
        own = np.frombuffer(b"".join(forms[rows["n"] == n]), np.uint8).reshape(-1, n * k)
        ways = find_stretches(from_canonical(own, n, k))
        for modulo in _MODULI:
            keys = [_keys(ways, sizes[-1], modulo, residue) for residue in range(modulo)]
            known = np.array([[key in stored for key in row] for row in keys], np.bool_)
            left = np.flatnonzero(~known.all(axis=0))
            ways, keys = ways.of(left), [[row[way] for way in left] for row in keys]
            found = np.stack(  # (residue, way, size)
                [
                    series_thresholds(ways, modulo, residue, at_least=at_least, workers=workers)
                    for residue in range(modulo)
                ]
            )
            obeys = found[:, :, -1] >= 0
            if prove:
                _prove(ways, found)
            begins = np.flatnonzero(obeys.any(axis=0))
            lengthened = {size: _forms(ways.of(begins), size) for size in sizes if size >= n}
            families = [_families(ways.of(begins), modulo, residue) for residue in range(modulo)]
            for place, way in enumerate(begins):
                residues = np.flatnonzero(obeys[:, way]).tolist()
                formulas = {r: _formula(n, modulo, r, found[r, way]) for r in residues}
                own_keys = {r: keys[r][way] for r in residues}
                names = {r: families[r][place] for r in residues}
                one = ways.of(np.array([way]))
                begun.append(_Begun(one, modulo, formulas, own_keys, names))
                for r in residues:
                    found_at = stored.setdefault(own_keys[r], set())
                    for size in lengthened:
                        form = lengthened[size][place]
                        if size % modulo == r and thresholds.get(form) == formulas[r](size):
                            found_at.add(size)
                            members.add(form)
            ways = ways.of(np.flatnonzero(~obeys.any(axis=0)))
        report(len(own))
    alone = [form not in members for form in forms]
    return _list_series(begun, stored), rows[alone]


def _keys(ways: Stretches, largest: int, modulo: int, residue: int) -> list[bytes]:
    """Return what tells series apart: the canonical forms of members larger than all others."""
    sizes = series_sizes(largest, modulo, residue)[:_KEY_SIZES]
    return [b"".join(pair) for pair in zip(*(_forms(ways, n) for n in sizes), strict=True)]


def _forms(ways: Stretches, size: int) -> list[bytes]:
    """Return the canonical forms of automata lengthened to a size."""
    return [*map(bytes, canonical_forms(stretch(ways, size - ways.deltas.shape[2])))]


def _formula(n: int, modulo: int, residue: int, thresholds: npt.NDArray[np.int32]) -> Quadratic:
    return Quadratic.through(series_sizes(n, modulo, residue)[:3], thresholds[:3].tolist())


def _list_series(begun: Sequence[_Begun], stored: Mapping[bytes, set[int]]) -> list[dict[str, Any]]:
    """Make a row for each series that has members; those for more residues come first."""
    listed: set[bytes] = set()
    rows = []
    for way, modulo, formulas, keys, families in sorted(begun, key=lambda one: -len(one.formulas)):
        new = {r: formula for r, formula in formulas.items() if keys[r] not in listed}
        for formula in dict.fromkeys(new.values()):
            residues = [r for r in new if new[r] == formula]
            listed.update(keys[r] for r in residues)
            sizes = sorted({size for r in residues for size in stored[keys[r]]})
            if sizes:
                rows.append(
                    {
                        "k": way.deltas.shape[1],
                        "formula": formula,
                        "holds": _holds(modulo, residues),
                        "family": families[residues[0]],
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


def _families(ways: Stretches, modulo: int, residue: int) -> list[str]:
    """Return the family of each series, by its first two members, "" for none."""
    n = ways.deltas.shape[2]
    sizes = series_sizes(n, modulo, residue)[:2]
    pairs = zip(*(identify(stretch(ways, size - n)) for size in sizes), strict=True)
    return [_common_name(*names) for names in pairs]


def _common_name(first: str, second: str) -> str:
    """Return the family of two members; Wielandt-type ones have a name each."""
    if first == second:
        return first
    found = [match for name in (first, second) if (match := _WIELANDT.fullmatch(name))]
    cycles = {int(match[2]) for match in found}
    shorter = {int(match[1]) - int(match[2]) for match in found}
    if len(found) == 2 and len(shorter) == 1:
        return f"Wielandt(n,n-{shorter.pop()})"
    return f"Wielandt(n,{cycles.pop()})" if len(found) == 2 and len(cycles) == 1 else ""


def _prove(ways: Stretches, thresholds: npt.NDArray[np.int32]) -> None:
    """Prove the thresholds that make formulas: (residue, way, size)."""
    n, modulo = ways.deltas.shape[2], len(thresholds)
    series = np.argwhere(thresholds[:, :, -1] >= 0)
    if not len(series):
        return
    with progress(CHECKED * len(series), f"prove n={n}", "thresholds") as bar:
        for residue, row in series:
            way = ways.of(np.array([row]))
            for column, size in enumerate(series_sizes(n, modulo, residue)):
                (delta,) = stretch(way, size - n)
                proved = proved_threshold(delta)
                if proved != (claimed := thresholds[residue, row, column]):
                    raise RuntimeError(
                        f"solver bug: threshold {claimed}, but {proved} is proved of "
                        f"{format_delta(delta)}"
                    )
            bar.update(CHECKED)
