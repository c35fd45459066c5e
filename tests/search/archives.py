"""Archives that tests fill, and look into behind the back of our code."""

import multiprocessing
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd

from automata import canonical_forms, from_canonical, reset_thresholds, shortest_reset_word
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
