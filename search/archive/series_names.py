"""The known families that series are, by the names of their first two members."""

from __future__ import annotations

import re

from automata.identification import identify
from automata.series import series_sizes
from automata.stretches import Stretches, stretch

_WIELANDT = re.compile(r"Wielandt\((\d+),(\d+)\)")
_P = re.compile(r"P\(\d+,(\d+)\)")


def families_of(ways: Stretches, modulo: int, residue: int) -> list[str]:
    """Return the family of each series from its first two members, "" for none."""
    n = ways.deltas.shape[2]
    sizes = series_sizes(n, modulo, residue)[:2]
    pairs = zip(*(identify(stretch(ways, size - n, partial=True)) for size in sizes), strict=True)
    return [_common_name(*names) for names in pairs]


def _common_name(first: str, second: str) -> str:
    """Return the common family of two members; names that contain n are compared."""
    if first == second:
        return first
    partial = {match[1] for name in (first, second) if (match := _P.fullmatch(name))}
    if len(partial) == 1 and _P.fullmatch(first) and _P.fullmatch(second):
        return f"P(n,{partial.pop()})"
    found = [match for name in (first, second) if (match := _WIELANDT.fullmatch(name))]
    cycles = {int(match[2]) for match in found}
    shorter = {int(match[1]) - int(match[2]) for match in found}
    if len(found) == 2 and len(shorter) == 1:
        return f"Wielandt(n,n-{shorter.pop()})"
    return f"Wielandt(n,{cycles.pop()})" if len(found) == 2 and len(cycles) == 1 else ""
