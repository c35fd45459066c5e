"""The beginning of a page: what was found, in a sentence, and the best automata."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

_BEST = 5


def are_known(rows: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Return which rows a page's table marks as automata of the training set: bool (rows,).

    Examples
    --------
    >>> are_known(pd.DataFrame({"novel": ["True", "False", ""]})).tolist()
    [False, True, False]
    """
    if "novel" not in rows:
        return np.zeros(len(rows), np.bool_)
    return np.asarray(rows["novel"] == "False")


def new_first(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows with the automata of the training set last, otherwise in their order."""
    return rows.iloc[np.argsort(are_known(rows), kind="stable")]


def best_rows(rows: pd.DataFrame) -> list[int]:
    """Return the numbers of the best rows, at most five; of several sizes, the largest ones' best.

    Automata of the training set come after all new ones.

    Parameters
    ----------
    rows : DataFrame
        The columns n, k, reset_threshold and cerny_bound as texts, the best of each size first; and
        novel, if there is a training set. Partial automata and those of classes have best_known in
        place of cerny_bound.

    Examples
    --------
    >>> rows = pd.DataFrame({"n": ["5", "5", "4"], "k": "2"})
    >>> best_rows(rows), best_rows(rows.head(2))
    ([0, 2], [0, 1])
    >>> best_rows(pd.DataFrame({"n": "5", "k": "2", "novel": ["False", "True", "True"]}))
    [1, 2, 0]
    """
    ordered = new_first(rows.reset_index(drop=True))
    sizes = ordered[["n", "k"]].astype(int)
    if len(sizes.drop_duplicates()) > 1:
        sizes = sizes.drop_duplicates()
        sizes = sizes.sort_values(["n", "k"], ascending=False, kind="stable")
    return [int(row) for row in sizes.index[:_BEST]]


def counted(count: int, kind: str = "") -> str:
    """Return a number of automata in words.

    Examples
    --------
    >>> counted(1), counted(1200, "new")
    ('1 automaton', '1,200 new automata')
    """
    return " ".join([f"{count:,}", *kind.split(), "automaton" if count == 1 else "automata"])


def found_sentence(rows: pd.DataFrame, of: str = "") -> str:
    """Return what was found in a sentence, "" for no rows.

    Parameters
    ----------
    rows : DataFrame
        As for `best_rows`, with the column family.
    of : str
        Names all automata of which the first shown is the slowest. Default: those of the page.

    Examples
    --------
    >>> own = {"n": "4", "k": "2", "reset_threshold": "9", "cerny_bound": "9", "family": "C"}
    >>> found_sentence(pd.DataFrame([own]))[:58]
    'The slowest automaton has a reset threshold of 9, 100 % of'
    >>> found_sentence(pd.DataFrame([own] * 2), "73 new automata")[:56]
    'The slowest of 73 new automata has a reset threshold of '
    >>> partial = {"n": "9", "k": "2", "reset_threshold": "73", "best_known": "73", "family": ""}
    >>> found_sentence(pd.DataFrame([partial | {"delta": "0 -|1 1"}]))[22:72]
    'has a careful threshold of 73, where the longest k'
    """
    if not len(rows):
        return ""
    best = rows.iloc[best_rows(rows)[0]]
    threshold = int(best["reset_threshold"])
    if not best.get("cerny_bound"):
        known = best.get("best_known", "")
        known = known and f", where the longest known is {known}"
        kind = "careful" if rows["delta"].str.contains("-").any() else "reset"
        reached = f"{kind} threshold of {threshold}{known}"
    else:
        bound = int(best["cerny_bound"])
        share = f"{100 * threshold / bound:.0f} %" if bound else "all"
        reached = f"reset threshold of {threshold}, {share} of the Černý bound {bound}"
    sizes = np.unique(rows["n"].astype(int))
    with_states = f"n = {best['n']}"
    if len(sizes) > 1:
        with_states += f", the largest of {len(sizes)} sizes from n = {sizes[0]} on"
    kind = f"family {best['family']}" if best["family"] else "it belongs to no known family"
    of = of or f"{counted(len(rows))} on this page"
    which = "slowest automaton" if len(rows) == 1 else f"slowest of {of}"
    before = "No automaton is new. " if are_known(rows).all() else ""
    return f"{before}The {which} has a {reached} ({with_states}); {kind}."
