"""The table of attribute arithmetic: its columns, its verdicts, and the same in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from data.printing import printed_table
from search.evaluation.intervals import share_interval

_CHANCE = ("chance", "unmoved")
_MUTATIONS = ("mutation_1", "mutation_2", "mutation_alike")
SHARES = ("gained", "gained_at_1", *_CHANCE, *_MUTATIONS)
"""The shares of parents whose offspring gain the attribute, by how the offspring is made."""
_NAMES = ("gain it", "step 1", "random step", "no step", "1 redrawn", "2 redrawn", "as many")
"""Their names in tables for people."""
THRESHOLD_COLUMNS = [
    *("predicted_before", "predicted_after", "true_parents", "true_before", "true_after"),
    *("true_change", "true_change_low", "true_change_high"),
]
"""Mean thresholds in letters; empty but for the attribute ``threshold``."""
_CHANGED = ("changed", "changed_unmoved")
_BEGIN = ("attribute", "training_share", "parents", "step")
MEASURED_COLUMNS = [*_BEGIN, *SHARES, *_CHANGED, *THRESHOLD_COLUMNS]
"""The columns from which the others follow."""
ATTRIBUTE_COLUMNS = [
    *_BEGIN,
    *(f"{name}{end}" for name in SHARES for end in ("", "_low", "_high")),
    *(*_CHANGED, *THRESHOLD_COLUMNS, "verdict"),
]

GAINS = "gains more than chance and mutation"
ONLY_CHANCE = "gains more than chance, no more than mutation"
NO_GAIN = "no better than chance"
MISLED = "the prediction rises, the true threshold falls"
_WORDS = {
    GAINS: "It works for {}: more automata gain it than by chance or by mutation.",
    ONLY_CHANCE: "For {} it is better than chance, but no better than mutation.",
    NO_GAIN: "It fails for {}: no more automata gain it than by chance.",
}


def complete(measured: pd.DataFrame | Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Add the intervals of the shares and the verdicts.

    Shares count as different where their intervals are apart. Chance is a random step as well as
    no step; mutation is each of the three mutations.

    Parameters
    ----------
    measured : DataFrame, or sequence of mappings
        The columns `MEASURED_COLUMNS`; those of the threshold may be missing.

    Returns
    -------
    DataFrame
        The columns `ATTRIBUTE_COLUMNS`.

    Examples
    --------
    >>> shares = dict.fromkeys(SHARES, 0.1) | {"gained": 0.5}
    >>> complete([shares | {"attribute": "sink", "parents": 500}])["verdict"].tolist()
    ['gains more than chance and mutation']
    """
    table = pd.DataFrame(measured, columns=MEASURED_COLUMNS)
    table[THRESHOLD_COLUMNS] = table[THRESHOLD_COLUMNS].astype(float)
    for name in SHARES:
        table[f"{name}_low"], table[f"{name}_high"] = share_interval(table[name], table["parents"])
    rises = table["predicted_after"] > table["predicted_before"]
    table["verdict"] = np.select(
        [
            rises & (table["true_change_high"] < 0),
            table["gained_low"] <= _largest(table, _CHANCE, "_high"),
            table["gained_low"] <= _largest(table, _MUTATIONS, "_high"),
        ],
        [MISLED, NO_GAIN, ONLY_CHANCE],
        GAINS,
    )
    return table[ATTRIBUTE_COLUMNS]


def in_words(table: pd.DataFrame) -> list[str]:
    """Say in sentences where arithmetic works and where it fails; nothing without rows.

    Parameters
    ----------
    table : DataFrame
        Of `complete`.

    Examples
    --------
    >>> shares = dict.fromkeys(SHARES, 0.1) | {"attribute": "sink", "parents": 500}
    >>> in_words(complete([shares | {"changed": 3.0, "changed_unmoved": 1.0}]))[0]
    'It fails for sink: no more automata gain it than by chance.'
    """
    named = {verdict: _list(own["attribute"]) for verdict, own in table.groupby("verdict")}
    words = [text.format(named[verdict]) for verdict, text in _WORDS.items() if verdict in named]
    for _, row in table[table["verdict"] == MISLED].iterrows():
        words.append(
            f"It misleads for the {row['attribute']}: the step raises the predicted mean from "
            f"{row['predicted_before']:.1f} to {row['predicted_after']:.1f}, but the true one "
            f"falls from {row['true_before']:.1f} to {row['true_after']:.1f}; "
            f"{row['gained']:.1%} of the automata have a longer one than their parents, after a "
            f"random step {row['chance']:.1%}."
        )
    if len(table):
        words.append(
            f"A step changes {_range(table['changed'])} transitions of a parent on average; "
            f"decoding without a step changes {_range(table['changed_unmoved'])}."
        )
    return words


def shown(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table for people: shares in % with their intervals, every cell a text."""
    shares = {
        name: _with_interval(table, share) for share, name in zip(SHARES, _NAMES, strict=True)
    }
    return pd.DataFrame(
        {
            "attribute": table["attribute"],
            "verdict": table["verdict"],
            "have it": _percent(table["training_share"]),
            "parents": table["parents"].astype(str),
            "step": [f"{step:g}" for step in table["step"]],
            **shares,
            "changed": [f"{changed:.1f}" for changed in table["changed"]],
        }
    )


def shown_briefly(table: pd.DataFrame) -> str:
    """Return a table for the terminal: who gains it, and the best of chance and of mutation."""
    brief = pd.DataFrame(
        {
            "attribute": table["attribute"],
            "step": [f"{step:g}" for step in table["step"]],
            "gain it, %": _with_interval(table, "gained"),
            "chance": _percent(_largest(table, _CHANCE)),
            "mutation": _percent(_largest(table, _MUTATIONS)),
            "verdict": table["verdict"],
        }
    )
    return printed_table(brief)


def _largest(table: pd.DataFrame, shares: Sequence[str], end: str = "") -> pd.Series[float]:
    """Return the largest of some shares, or of the ends of their intervals, in each row."""
    largest: pd.Series[float] = table[[f"{name}{end}" for name in shares]].max(axis=1)
    return largest


def _with_interval(table: pd.DataFrame, share: str) -> list[str]:
    parts = [_percent(table[f"{share}{end}"]) for end in ("", "_low", "_high")]
    return [f"{own} [{low}, {high}]" for own, low, high in zip(*parts, strict=True)]


def _percent(shares: pd.Series[float]) -> list[str]:
    return [f"{100 * share:.1f}" for share in shares]


def _range(numbers: pd.Series[float]) -> str:
    return f"{numbers.min():.1f} to {numbers.max():.1f}"


def _list(names: pd.Series[str]) -> str:
    *rest, last = names
    return f"{', '.join(rest)} and {last}" if rest else str(last)
