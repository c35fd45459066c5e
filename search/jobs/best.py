"""The best automata of a run as a short table for the terminal."""

from __future__ import annotations

import numpy as np
import pandas as pd

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
    words = [
        f"family {family}" if family else word if len(word) <= _WORD else f"{word[:_WORD]}..."
        for family, word in zip(best["family"], best["word"], strict=True)
    ]
    scale = "best_known" if "best_known" in best else "cerny_bound"
    shares = (100 * best["reset_threshold"] / best[scale].clip(lower=1)).astype(float)
    table = pd.DataFrame(
        {
            "n": best["n"],
            "threshold": best["reset_threshold"],
            "of best known" if scale == "best_known" else "of bound": [
                "" if np.isnan(share) else f"{share:.0f} %" for share in shares
            ],
            "family or word": words,
            "automaton": best["delta"],
        }
    )
    if LETTERS_NEEDED in best:
        table.insert(3, "letters needed", best[LETTERS_NEEDED])
    if not best["novel"].all():
        table["training set"] = ["" if new else "is in it" for new in best["novel"]]
    return str(table.to_string(index=False)) + _hint(candidates)


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
