"""The best automata of a run as a short table for the terminal."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from data.printing import printed_table
from search.candidates import LETTERS_NEEDED

_MOST = 5
_WORD = 40
"""Letters of a word that are shown."""


def best_automata(candidates: pd.DataFrame) -> str:
    """Return the best candidates as a table; of several sizes, the best of the largest sizes.

    Automata of the training set come after all new ones of their size, and are marked.

    Parameters
    ----------
    candidates : DataFrame
        The columns of `search.candidates.candidate_columns`.

    Returns
    -------
    str
        A line for each of at most five automata: size, threshold, its share of the Černý bound (or
        of the longest known careful threshold), the number of letters that it needs where that is
        known, the family (or a shortest word, if it is in no family that is known), and the
        automaton. A hint follows if half of all candidates need fewer letters than they have.

    Examples
    --------
    >>> row = {"n": 4, "reset_threshold": 9, "cerny_bound": 9, "family": "C", "word": "baaabaaab"}
    >>> print(best_automata(pd.DataFrame([row | {"delta": "0 0 2 3|1 2 3 0", "novel": True}])))
     n  threshold of bound family or word       automaton
     4          9    100 %       family C 0 0 2 3|1 2 3 0
    """
    if not len(candidates):
        return "nothing found"
    order = ["n", "novel", "reset_threshold"]
    best = candidates.sort_values(order, ascending=False, kind="stable")
    if best["n"].nunique() > 1:
        best = best.drop_duplicates("n")
    best = best.head(_MOST)
    known = "best_known" in best
    lengths = best["best_known" if known else "cerny_bound"]
    table = pd.DataFrame(
        {
            "n": best["n"],
            "threshold": best["reset_threshold"],
            "of best known" if known else "of bound": _shares(best["reset_threshold"], lengths),
            "family or word": _names(best),
            "automaton": best["delta"],
        }
    )
    if LETTERS_NEEDED in best:
        table.insert(3, "letters needed", best[LETTERS_NEEDED])
    if not best["novel"].all():
        table["training set"] = ["" if new else "is in it" for new in best["novel"]]
    return printed_table(table) + _hint(candidates)


def best_of_sizes(candidates: pd.DataFrame, records: Mapping[int, int | None]) -> str:
    """Return the best candidate of each size as a table, beside the longest threshold known.

    Parameters
    ----------
    candidates : DataFrame
        As for `best_automata`.
    records : mapping of int to int or None
        The longest threshold known of each size, None where none is.

    Returns
    -------
    str
        A line for each size, the largest first.

    Examples
    --------
    >>> row = {"n": 9, "reset_threshold": 30, "family": "", "word": "ab", "delta": "0 0|1 0"}
    >>> print(best_of_sizes(pd.DataFrame([row]), {9: 31}))
     n  threshold record of record family or word automaton
     9         30     31      97 %             ab   0 0|1 0
    """
    if not len(candidates):
        return "nothing found"
    order = ["n", "reset_threshold"]
    best = candidates.sort_values(order, ascending=False, kind="stable").drop_duplicates("n")
    lengths = best["n"].map(records).astype("Float64")
    table = pd.DataFrame(
        {
            "n": best["n"],
            "threshold": best["reset_threshold"],
            "record": ["-" if pd.isna(length) else f"{length:.0f}" for length in lengths],
            "of record": _shares(best["reset_threshold"], lengths),
            "family or word": _names(best),
            "automaton": best["delta"],
        }
    )
    if LETTERS_NEEDED in best:
        table.insert(2, "letters needed", best[LETTERS_NEEDED])
    return printed_table(table) + _hint(candidates)


def _shares(thresholds: pd.Series, lengths: pd.Series) -> list[str]:
    """Return thresholds as shares of lengths, "" where there is no length."""
    shares = (100 * thresholds / lengths.clip(lower=1)).astype("Float64")
    return ["" if pd.isna(share) else f"{share:.0f} %" for share in shares]


def _names(rows: pd.DataFrame) -> list[str]:
    """Return the family of each row, or the beginning of its word."""
    return [
        f"family {family}" if family else word if len(word) <= _WORD else f"{word[:_WORD]}..."
        for family, word in zip(rows["family"], rows["word"], strict=True)
    ]


def _hint(candidates: pd.DataFrame) -> str:
    """Name the class whose automata need all letters, where many candidates do not; else ""."""
    if LETTERS_NEEDED not in candidates:
        return ""
    fewer = int((candidates[LETTERS_NEEDED] < candidates["k"]).sum())
    if 2 * fewer < len(candidates):
        return ""
    return (
        f"\n{fewer:,} of {len(candidates):,} have the same threshold with fewer letters. With "
        "--class irreducible all letters are needed."
    )
