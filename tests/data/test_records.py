"""The records: every automaton solved, replayed and proved again, every claim looked up."""

import json
import re
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest

from automata import certificate, check_certificate, in_classes
from automata.solver.either import shortest_words_of
from automata.text.formats import format_delta, parse_delta
from data.records import (
    STATUSES,
    Record,
    as_text,
    best_known_record,
    file_text,
    landscape_of,
    landscapes,
    records,
)
from tests import naive

ROOT = Path(__file__).parents[2]
SHOWN = [own for own in records().values() if own.automaton]
FORMULA_CONFIRMED_TO = 24
"""The solver agrees with the formula of P(n, c) to this size; beyond it only lengths are kept."""
PROVED_QUICKLY = 12
"""Certificates of larger automata are checked among the exhaustive tests."""


def delta_of(own: Record) -> np.ndarray:
    return parse_delta(own.automaton, partial=landscapes()[own.landscape].partial)


def test_the_file_is_in_order() -> None:
    assert file_text() == as_text(landscapes().values(), records().values())
    rows = json.loads(file_text())["records"]
    places = [(list(landscapes()).index(row["landscape"]), row["n"]) for row in rows]
    assert places == sorted({*places})
    for own in landscapes().values():
        assert landscape_of(own.k, own.classes, partial=own.partial) == own
        sizes = [record.n for record in records().values() if record.landscape == own.name]
        assert sizes == [*range(sizes[0], sizes[-1] + 1)], own.name


def test_every_record_says_where_it_comes_from() -> None:
    for own in records().values():
        assert own.status in STATUSES and own.origin
        assert bool(own.source) == (own.published is not None)
        assert own.published is None or own.published <= own.threshold
        assert own.status != "published" or own.published == own.threshold
        assert own.count is None or own.status != "found"
        assert own.arm or own.calls is own.seconds is None
        assert own.automaton or own.n > FORMULA_CONFIRMED_TO


@pytest.mark.parametrize("name", landscapes())
def test_every_automaton_is_of_its_landscape_and_has_its_threshold(name: str) -> None:
    landscape = landscapes()[name]
    own = [record for record in SHOWN if record.landscape == name]
    for record in own:
        delta = delta_of(record)
        assert delta.shape == (landscape.k, record.n)
        assert format_delta(delta) == record.automaton
        assert in_classes(delta[None], landscape.classes).all() or record.n == 1
        (word,) = shortest_words_of(delta[None], partial=landscape.partial).to_list()
        assert word is not None and len(word) == record.threshold


def test_every_word_is_replayed_in_plain_python() -> None:
    for own in SHOWN:
        table = [
            [None if cell == "-" else int(cell) for cell in row.split()]
            for row in own.automaton.split("|")
        ]
        states: set[int | None] = {*range(own.n)}
        for letter in own.word:
            states = {table[ord(letter) - ord("a")][q] for q in states if q is not None}
            assert None not in states, (own.landscape, own.n)
        assert len(states) == 1 and len(own.word) == own.threshold, (own.landscape, own.n)


def test_the_oracle_finds_small_thresholds_itself() -> None:
    for own in SHOWN:
        if own.n <= 8:
            table = [
                [None if cell == "-" else int(cell) for cell in row.split()]
                for row in own.automaton.split("|")
            ]
            word = naive.shortest_word(table)
            assert word is not None and len(word) == own.threshold, (own.landscape, own.n)


def prove(own: Record) -> None:
    proof = certificate(delta_of(own))
    check_certificate(proof)
    assert proof.threshold == own.threshold, (own.landscape, own.n)


def test_certificates_prove_the_thresholds() -> None:
    for own in SHOWN:
        if own.n <= PROVED_QUICKLY:
            prove(own)


@pytest.mark.exhaustive
def test_certificates_prove_the_thresholds_of_large_automata() -> None:
    for own in SHOWN:
        if own.n > PROVED_QUICKLY:
            prove(own)


def test_formulas_give_the_thresholds() -> None:
    for own in records().values():
        if own.formula:
            text = re.sub(r"(\d)n", r"\1*n", own.formula).replace("^", "**")
            assert re.fullmatch(r"[n\d()+*/ -]+", text)
            assert eval(text, {"n": own.n}) == own.threshold, (own.landscape, own.n)


def test_maxima_are_those_of_the_truth() -> None:
    tables = json.loads((ROOT / "tests" / "truth" / "counts.json").read_text())["tables"]
    for landscape, letters, kind in [
        ("binary", "binary", "all"),
        ("ternary-irreducible", "ternary", "irr"),
    ]:
        for n in range(2, 8):
            if own := records().get((landscape, n)):
                table = tables.get(f"{letters}_n{n}", {}).get("per_reset_threshold", {})
                most = max((int(t) for t, row in table.items() if row[kind]), default=None)
                if most is not None:
                    assert (own.status, own.threshold) == ("maximum", most)
                    assert own.count == table[str(most)][kind]


def test_records_of_a_landscape_rise() -> None:
    for _, group in groupby(records().values(), key=lambda own: own.landscape):
        thresholds = [own.threshold for own in group]
        assert thresholds == sorted({*thresholds})


def test_what_is_asked_for() -> None:
    assert best_known_record(12, 2, ("sink",)).threshold == 53  # type: ignore[union-attr]
    assert best_known_record(9, 2, ("strongly-connected", "aperiodic")) is records()["aperiodic", 9]
    assert best_known_record(9, 2, ("strongly-connected",)) is None
    assert best_known_record(41, 2, partial=True) is None
