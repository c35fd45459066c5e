"""The candidates of a search: ranked, each solved again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from automata.canonical import Forms, from_canonical
from automata.deltas import UNDEFINED, Deltas
from automata.identification import identify
from automata.letters_needed import letters_needed
from automata.proof.verification import verify_words
from automata.solver.either import shortest_words_of
from automata.solver.exact import Thresholds
from automata.text.formats import format_delta, format_word
from data.best_known import Scale
from search.arms.account import Arm
from search.arms.oracle import Oracle
from search.arms.proposals import Proposals, concatenate
from search.summary import oracle_scale

CANDIDATE_COLUMNS = [
    "rank",
    "n",
    "k",
    "reset_threshold",
    "cerny_bound",
    "gap",
    "ratio",
    "word",
    "delta",
    "canonical",
    "novel",
    "family",
    "mode",
    "parent_a",
    "parent_b",
    "alpha",
    "round",
    "repaired",
]
RECORD_COLUMNS = ["best_known" if name == "cerny_bound" else name for name in CANDIDATE_COLUMNS]
"""The columns of partial automata and of classes: the longest known threshold, the gap to it and
its share are empty at sizes of which none is known."""
LETTERS_NEEDED = "letters_needed"
"""The last column where there are three letters or more."""
_MANY_LETTERS = 3


def rank_candidates(oracle: Oracle, arms: Sequence[Arm], keep: int) -> pd.DataFrame:
    """Return the best distinct automata of the arms, with the columns of `candidate_columns`.

    The order is total: by gap, then novel before known, then by canonical form. An automaton that
    several arms found is listed for the first of them. Every row is solved again and its word
    replayed.

    Parameters
    ----------
    oracle : Oracle
    arms : sequence of Arm
    keep : int
        Rows at most.

    Raises
    ------
    RuntimeError
        If the solver contradicts itself; this is a bug, never a property of the data.
    """
    numbers, proposals, arm_index = _merge(arms)
    thresholds = oracle.thresholds(numbers)
    novel = numbers >= oracle.training_rows
    forms = oracle.forms(numbers)
    order = np.lexsort((*forms.T[::-1], ~novel, -thresholds))[:keep]

    chosen = proposals.take(order)
    return candidate_table(
        oracle_scale(oracle),
        forms[order],
        thresholds[order],
        novel=novel[order],
        mode=[arms[index].mode for index in arm_index[order]],
        parent_a=_name_parents(oracle, chosen.parents[:, 0]),
        parent_b=_name_parents(oracle, chosen.parents[:, 1]),
        alpha=chosen.alpha.round(4),
        round=[arms[index].round for index in arm_index[order]],
        repaired=chosen.repaired,
    )


def candidate_columns(k: int, *, by_record: bool = False) -> list[str]:
    """Return the columns of candidates with k letters; `by_record` as in `data.best_known.Scale`.

    Examples
    --------
    >>> candidate_columns(2) == CANDIDATE_COLUMNS, candidate_columns(3)[-1]
    (True, 'letters_needed')
    """
    columns = RECORD_COLUMNS if by_record else CANDIDATE_COLUMNS
    return columns + [LETTERS_NEEDED] * (k >= _MANY_LETTERS)


def candidate_table(
    scale: Scale, forms: Forms, thresholds: Thresholds, **columns: Any
) -> pd.DataFrame:
    """Return the table of candidates of one size, in the order given.

    Parameters
    ----------
    scale : Scale
        Of the automata.
    forms : uint8 array, shape (rows, n*k)
    thresholds : int32 array, shape (rows,)
        Every row is solved again and its word replayed.
    columns : array-like
        The columns of `CANDIDATE_COLUMNS` that do not follow from the automata.

    Raises
    ------
    RuntimeError
        If the solver contradicts itself; this is a bug, never a property of the data.
    """
    n, k, partial = scale.n, scale.k, scale.partial
    deltas = from_canonical(forms, n, k, partial=partial)
    names = candidate_columns(k, by_record=scale.by_record)
    if LETTERS_NEEDED in names:
        columns[LETTERS_NEEDED] = letters_needed(deltas, thresholds, partial=partial)
    best = np.nan if scale.best is None else scale.best
    return pd.DataFrame(
        {
            "rank": np.arange(1, len(forms) + 1),
            "n": n,
            "k": k,
            "reset_threshold": thresholds,
            "best_known" if scale.by_record else "cerny_bound": best,
            "gap": best - thresholds,
            "ratio": (thresholds / np.maximum(1, best)).round(4),
            "word": _checked_words(deltas, thresholds, partial),
            "delta": [format_delta(delta) for delta in deltas],
            "canonical": [form_text(form) for form in forms.tolist()],
            "family": identify(deltas),
            **columns,
        },
        columns=names,
    )


def form_text(form: Sequence[int]) -> str:
    """Return a canonical form as text, ``-`` for an undefined transition.

    Examples
    --------
    >>> form_text([0, 1, 255, 2])
    '0 1 - 2'
    """
    return " ".join("-" if target == UNDEFINED else str(target) for target in form)


def _merge(
    arms: Sequence[Arm],
) -> tuple[npt.NDArray[np.int64], Proposals, npt.NDArray[np.int64]]:
    """Return the distinct automata of all arms, by number: their first proposals and arms."""
    found = [arm.found() for arm in arms]
    numbers = np.concatenate([numbers for numbers, _ in found])
    arm_index = np.repeat(np.arange(len(arms)), [len(numbers) for numbers, _ in found])
    proposals = concatenate([proposals for _, proposals in found])
    distinct, first = np.unique(numbers, return_index=True)
    return distinct, proposals.take(first), arm_index[first]


def _checked_words(deltas: Deltas, thresholds: Thresholds, partial: bool) -> list[str]:
    words = shortest_words_of(deltas, partial=partial)
    wrong = np.flatnonzero((words.lengths != thresholds) | ~verify_words(deltas, words))
    if len(wrong):
        row = wrong[0]
        word = words.letters[row, : max(0, words.lengths[row])].tolist()
        raise RuntimeError(
            f"solver bug: {format_delta(deltas[row])} has threshold {thresholds[row]}, {word}"
        )
    names = [format_word((letter,)) for letter in range(deltas.shape[1])]
    return [
        "".join([names[letter] for letter in letters[:length].tolist()])
        for letters, length in zip(words.letters, words.lengths.tolist(), strict=True)
    ]


def _name_parents(oracle: Oracle, numbers: npt.NDArray[np.int64]) -> list[str]:
    deltas = from_canonical(oracle.forms(numbers), oracle.n, oracle.k, partial=oracle.partial)
    return [
        "" if number < 0 else format_delta(delta)
        for number, delta in zip(numbers, deltas, strict=True)
    ]
