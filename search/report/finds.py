"""The beginning of a page: what was found, in a sentence, and the best automata."""

from __future__ import annotations

import numpy as np
import pandas as pd

_BEST = 5


def best_rows(rows: pd.DataFrame) -> list[int]:
    """Return the numbers of the best rows, at most five; of several sizes, the largest ones' best.

    Parameters
    ----------
    rows : DataFrame
        The columns n, k, reset_threshold and cerny_bound as texts, the best of each size first.

    Examples
    --------
    >>> rows = pd.DataFrame({"n": ["5", "5", "4"], "k": "2"})
    >>> best_rows(rows), best_rows(rows.head(2))
    ([0, 2], [0, 1])
    """
    sizes = rows[["n", "k"]].astype(int)
    if len(sizes.drop_duplicates()) < 2:
        return [*range(min(_BEST, len(rows)))]
    first = ~sizes.duplicated().to_numpy()
    order = sizes.sort_values(["n", "k"], ascending=False, kind="stable").index
    return [int(row) for row in order if first[row]][:_BEST]


def found_sentence(rows: pd.DataFrame) -> str:
    """Return what was found in a sentence, "" for no rows.

    Parameters
    ----------
    rows : DataFrame
        As for `best_rows`, with the column family.

    Examples
    --------
    >>> own = {"n": "4", "k": "2", "reset_threshold": "9", "cerny_bound": "9", "family": "C"}
    >>> found_sentence(pd.DataFrame([own]))[:58]
    'The slowest automaton has a reset threshold of 9, 100 % of'
    """
    if not len(rows):
        return ""
    best = rows.iloc[best_rows(rows)[0]]
    threshold, bound = int(best["reset_threshold"]), int(best["cerny_bound"])
    share = f"{100 * threshold / bound:.0f} %" if bound else "all"
    sizes = np.unique(rows["n"].astype(int))
    with_states = f"n = {best['n']}"
    if len(sizes) > 1:
        with_states += f", the largest of {len(sizes)} sizes from n = {sizes[0]} on"
    kind = f"family {best['family']}" if best["family"] else "it belongs to no known family"
    which = "slowest automaton" if len(rows) == 1 else f"slowest of {len(rows):,} automata"
    return (
        f"The {which} has a reset threshold of {threshold}, {share} of the Černý bound {bound} "
        f"({with_states}); {kind}."
    )
