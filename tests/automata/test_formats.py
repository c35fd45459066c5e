"""The text forms: round trips, the transpose above all, and one clear line for bad input."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automata.automaton import Automaton
from automata.deltas import Deltas
from automata.errors import AutomatonError, SizeLimitError
from automata.text.formats import (
    format_delta,
    format_dot,
    format_gap,
    format_synchrowords,
    format_word,
    parse_delta,
    parse_dot,
    parse_gap,
    parse_synchrowords,
    parse_word,
)
from tests import naive
from tests.strategies import automata

# k = n, where a wrong order of the entries would raise no error
SQUARE = [[0, 0], [1, 0]]

PAIRS = [(format_delta, parse_delta), (format_gap, parse_gap), (format_dot, parse_dot)]


def one(text: str) -> Deltas:
    (delta,) = parse_synchrowords(text)
    return delta


def same(read: Deltas, written: Deltas) -> bool:
    return read.dtype == np.uint8 and np.array_equal(read, written)


@pytest.mark.parametrize(("write", "read"), PAIRS)
@given(delta=automata())
def test_round_trip(write, read, delta) -> None:
    assert same(read(write(delta)), delta)
    assert write(Automaton(delta)) == write(delta)


@pytest.mark.parametrize(("write", "read"), PAIRS)
def test_round_trip_at_the_limits(write, read) -> None:
    delta = np.random.default_rng(0).integers(0, 256, (64, 256), dtype=np.uint8)
    assert same(read(write(delta)), delta)


@given(deltas=st.lists(automata(), max_size=5))
def test_round_trip_of_synchrowords_of_any_sizes(deltas: list[Deltas]) -> None:
    read = parse_synchrowords(format_synchrowords(deltas))
    assert len(read) == len(deltas)
    assert all(map(same, read, deltas))


def test_which_order_each_form_has() -> None:
    assert format_delta(SQUARE) == "0 0|1 0"
    assert format_synchrowords([SQUARE]) == "2 2\n0 1 0 0\n"
    assert format_gap(SQUARE) == "[ [ 1, 1 ], [ 2, 1 ] ]"
    assert '0 -> 1 [label="b"];\n  1 -> 0 [label="a,b"];' in format_dot(SQUARE)


def test_synchrowords_own_example() -> None:
    # data/readme_input.txt of its release 1.1.0, with the answers of its docs/install.md
    text = "4 1\n0 0 0 0\n3 4\n0 0 0 1 1 1 2 2 2 3 3 3\n3 4\n0 0 0 1 1 0 2 0 2 0 3 3\n"
    deltas = parse_synchrowords(text)
    assert [delta.shape for delta in deltas] == [(4, 1), (3, 4), (3, 4)]
    assert [naive.reset_threshold(delta.tolist()) for delta in deltas] == [0, None, 3]
    assert format_synchrowords(deltas) == text


def test_gap_breaks_lines_where_it_likes() -> None:
    assert parse_gap("[[2,3,\n  1],\n [1, 1,3]]\n").tolist() == [[1, 2, 0], [0, 0, 2]]


@given(delta=automata())
def test_our_form_survives_a_spreadsheet(delta: Deltas) -> None:
    text = format_delta(delta)
    assert re.fullmatch(r"[0-9][0-9 |]*", text)
    if delta.size > 1:
        with pytest.raises(ValueError):
            float(text)


@given(delta=automata(max_k=4))
def test_dot_has_one_edge_between_two_states(delta: Deltas) -> None:
    edges = re.findall(r"\d+ -> \d+", format_dot(delta))
    assert edges == [f"{p} -> {q}" for p in range(delta.shape[1]) for q in sorted({*delta[:, p]})]


@pytest.mark.parametrize(
    ("read", "text", "message"),
    [
        (parse_delta, "", "letter 0 has no entries"),
        (parse_delta, "0 1|", "letter 1 has no entries"),
        (parse_delta, "0 1|0", "letter 1 has 1 entries, the first has 2"),
        (parse_delta, "0|0 1", "letter 1 has 2 entries, the first has 1"),
        (parse_delta, "0 1|2 0", "letter 1, state 0: '2' is outside 0..1"),
        (parse_delta, "0 -1|0 0", "letter 0, state 1: '-1' is outside 0..1"),
        (parse_delta, "0 " + "9" * 5000, f"letter 0, state 1: '{'9' * 20}' is outside 0..1"),
        (parse_delta, "0 1.0", "letter 0, state 1: '1.0' is not an integer"),
        (parse_delta, "0 nan", "letter 0, state 1: 'nan' is not an integer"),
        (parse_delta, "0 1_0", "letter 0, state 1: '1_0' is not an integer"),
        (parse_delta, "0 \u0661", "letter 0, state 1: '\u0661' is not an integer"),
        (parse_delta, "0,1;1,0", "letter 0, state 0: '0,1;1,0' is not an integer"),
        (parse_gap, "[ [ 0, 3, 0 ], [ 2, 3, 0 ] ]", "letter 1, state 1: '0' is outside 1..3"),
        (parse_gap, "[ [ 3,, 3 ] ]", "letter 1, state 2: the entry is missing"),
        (parse_gap, "[ [ 1, 2 ], [ 1 ] ]", "letter 2 has 1 entries, the first has 2"),
        (parse_gap, "[ ]", "not a GAP list of lists: '[ ]'"),
        (parse_gap, "[ [ 1, 2 ], [ 1, 1 ]", "not a GAP list of lists: a list has no end"),
        (parse_gap, "[ [ 1, 2 ], 1 ]", "not a GAP list of lists: '[ [ 1, 2 ], 1 ]'"),
        (parse_gap, "[ [ 1 ] ] [ [ 1 ] ]", "2 automata, not one"),
        (parse_gap, "[[[[1]]]]", "GAP: lists are nested deeper than 3"),
        (parse_gap, "(1,2)(3,4)", "not a GAP list of lists: '( 1 , 2 )"),
        (one, "2", "automaton 0, n: the entry is missing"),
        (one, "0 2", "automaton 0, k: '0' is outside 1..64"),
        (one, "1 0", "automaton 0, n: '0' is outside 1..5000"),
        (one, "1 2.0 0 0", "automaton 0, n: '2.0' is not an integer"),
        (one, "1 1 0 2 2 0 1 0", "automaton 1, letter 1, state 1: the entry is missing"),
        (one, "1 1 0 2 2 0 1 0 2", "automaton 1, letter 1, state 1: '2' is outside 0..1"),
        (parse_dot, "", "not a DOT graph: it does not begin with 'digraph {'"),
        (parse_dot, "graph { 0 -- 0 [label=a] }", "its edges have no direction"),
        (parse_dot, "digraph { 0 -- 0 [label=a] }", "is no edge p -> q [label=a]"),
        (parse_dot, format_dot(SQUARE)[:-2], "not one DOT graph without parts"),
        (parse_dot, "digraph { 0 -> 0 [label=a", "not one DOT graph without parts"),
        (parse_dot, "digraph { 0 -> 0 [label=a }", "a list of attributes has no end"),
        (parse_dot, "digraph { 0 -> 0 [label] }", "DOT: 'label' is no attribute"),
        (parse_dot, "digraph { subgraph s { 0 -> 0 [label=a] } }", "without parts"),
        (parse_dot, 'digraph { edge [label="a"]; 0 -> 0 }', "is not read"),
        (parse_dot, "digraph { 0 -> 0 }", "the edge '0' -> '0' has no label"),
        (parse_dot, "digraph { 0 -> 0 [label=<<b>a</b>>] }", "is out of place"),
        (parse_dot, format_dot([[0]]).replace('"a"', '"a+b"'), "'a+b' is not a letter"),
        (parse_dot, format_dot([[0]]).replace("0 -> 0", "0 -> 1"), "leads '1' nowhere"),
        (parse_dot, format_dot([[0], [0]]).replace('"a,b"', '"b,c"'), "'b' would be printed as"),
        (
            parse_dot,
            format_dot([[1, 1], [1, 0]]).replace('"b"', '"a"'),
            "letter 'a' leads '1' to '0' and '1'",
        ),
        (parse_dot, "digraph automaton {\n  node [shape=circle];\n}", "a DOT graph without edges"),
    ],
)
def test_bad_input_is_one_clear_line(read, text: str, message: str) -> None:
    with pytest.raises(AutomatonError) as error:
        read(text)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_too_many_states_or_letters() -> None:
    with pytest.raises(SizeLimitError, match="n=5001"):
        parse_delta(" ".join(["0"] * 5001))
    with pytest.raises(SizeLimitError, match="k=65"):
        parse_gap(f"[ {', '.join(['[ 1 ]'] * 65)} ]")
    with pytest.raises(AutomatonError, match=r"k: '65' is outside 1\.\.64"):
        parse_synchrowords("65 1" + " 0" * 65)


@given(st.lists(st.integers(0, 63)).map(tuple))
def test_words_round_trip(word: tuple[int, ...]) -> None:
    assert parse_word(format_word(word)) == word


def test_words() -> None:
    assert format_word(()) == ""
    assert format_word(np.array([0, 1, 25, 26, 63], np.uint8)) == "abza1l2"
    assert parse_word(" abba\n") == (0, 1, 1, 0)


@pytest.mark.parametrize("text", ["abA", "ab0", "a b", "a10", "1a", "m2", "a\u00e9", "a,b", "a\nb"])
def test_bad_words(text: str) -> None:
    with pytest.raises(AutomatonError, match="is not a letter"):
        parse_word(text)


@pytest.mark.parametrize("letter", [-1, 64])
def test_letters_without_a_name(letter: int) -> None:
    with pytest.raises(AutomatonError, match=rf"letter {letter} is outside 0\.\.63"):
        format_word((0, letter))
