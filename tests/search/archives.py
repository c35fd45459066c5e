"""Archives that tests fill, and look into behind the back of our code."""

import multiprocessing
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd

from automata import (
    UNDEFINED,
    canonical_forms,
    from_canonical,
    reset_thresholds,
    shortest_careful_word,
    shortest_reset_word,
)
from automata.deltas import Deltas
from automata.identification import known
from automata.sampling import sample_uniform
from automata.text.formats import format_word
from search.archive.store import Archive

PROCESSES = multiprocessing.get_context("forkserver")
"""Children are forked from a server that has imported this file: each starts at once."""
PROCESSES.set_forkserver_preload([__name__])


def candidates_of(deltas: np.ndarray, mode: str = "evolve") -> pd.DataFrame:
    """The columns of candidates.csv that the archive uses, of distinct automata."""
    _, k, n = deltas.shape
    forms = np.unique(canonical_forms(deltas), axis=0)
    thresholds = reset_thresholds(from_canonical(forms, n, k))
    forms, thresholds = forms[thresholds >= 0], thresholds[thresholds >= 0]
    words = [format_word(shortest_reset_word(delta)) for delta in from_canonical(forms, n, k)]
    return pd.DataFrame(
        {
            "n": n,
            "k": k,
            "reset_threshold": thresholds,
            "word": words,
            "canonical": [" ".join(map(str, form)) for form in forms.tolist()],
            "mode": mode,
        }
    )


def careful_rows(deltas: Sequence[Deltas]) -> pd.DataFrame:
    """Complete and partial automata with careful words, as `candidates_of`; sizes may differ."""
    forms = [canonical_forms(delta[None])[0] for delta in deltas]
    own = [
        from_canonical(form[None], delta.shape[1], delta.shape[0], partial=True)[0]
        for form, delta in zip(forms, deltas, strict=True)
    ]
    words = [shortest_careful_word(delta) for delta in own]
    return pd.DataFrame(
        {
            "n": [delta.shape[1] for delta in own],
            "k": [delta.shape[0] for delta in own],
            "canonical": [
                " ".join("-" if q == UNDEFINED else str(q) for q in form.tolist()) for form in forms
            ],
            "reset_threshold": [len(word or ()) for word in words],
            "word": [format_word(word or ()) for word in words],
        }
    )


def random_rows(seed: int, count: int, n: int = 5, k: int = 2) -> pd.DataFrame:
    """Random automata that synchronize."""
    return candidates_of(sample_uniform(np.random.default_rng(seed), count, n, k))


def known_rows(n: int, k: int = 2) -> pd.DataFrame:
    """The known automata of a size."""
    return candidates_of(np.stack([delta for _, delta in known(n, k)]))


def query(path: Path, statement: str) -> list[tuple]:
    """What a program reads that has sqlite3 but none of our code."""
    with closing(sqlite3.connect(path)) as db:
        return db.execute(statement).fetchall()


def alter(path: Path, *statements: str) -> None:
    """Change an archive behind its back."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA ignore_check_constraints = 1")
        for statement in statements:
            db.execute(statement)
        db.commit()


def keys(table: pd.DataFrame) -> list[tuple]:
    """What tells automata apart: their sizes and canonical forms."""
    return sorted(zip(table["n"], table["k"], table["canonical"], strict=True))


def write_shared_and_own(path: Path, process: int, barrier) -> None:
    """Add automata that other processes add too, and some of its own, a few at a time."""
    shared, own = random_rows(0, 300), random_rows(100 + process, 300, 6)
    barrier.wait()
    with Archive(path) as archive:
        for start in range(0, 300, 60):
            part = slice(start, start + 60)
            archive.add(pd.concat([shared[part], own[part]]), run=f"run {process}")


def write_bit_by_bit(path: Path, table: pd.DataFrame) -> None:
    """Add one automaton at a time, each in a transaction of its own."""
    for row in range(len(table)):
        with Archive(path) as archive:
            archive.add(table[row : row + 1], run="second")
