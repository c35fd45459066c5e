"""Every form by itself and recognised: the same automaton or a refusal, never another one."""

import csv
import json
import subprocess
import sys
from io import BytesIO
from itertools import chain, repeat
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import pipeline
from automata.deltas import Deltas
from automata.errors import AutomatonError
from automata.text import recognise
from automata.text.config import SOLVE_FORMS
from automata.text.entries import Malformed
from automata.text.formats import format_gap
from automata.text.number_readings import row_of
from automata.text.reading import FORMS, read_automata
from tests import naive
from tests.automata.writers import (
    WRITERS,
)
from tests.strategies import automata

FILES = Path(__file__).parents[1] / "files"
COMMAND = [sys.executable, str(Path(__file__).parents[2] / "pipeline.py"), "solve"]
CERNY = [[1, 2, 3, 0], [0, 1, 2, 0]]


def read(text: str | bytes, form: str | None = None) -> list[object]:
    content = text.encode() if isinstance(text, str) else text
    found: list[object] = []
    for item in chain.from_iterable(read_automata(BytesIO(content), form)):
        found += [item.reason] if isinstance(item, Malformed) else item.deltas.tolist()
    return found


@pytest.mark.parametrize("form", WRITERS)
@given(delta=automata(max_n=6))
def test_the_same_automaton_or_a_refusal(form: str, delta: Deltas) -> None:
    text = WRITERS[form](delta)
    assert read(text, form.rstrip(";").split()[0]) == [delta.tolist()]
    try:
        found = read(text)
    except AutomatonError as error:
        assert "\n" not in str(error)
    else:
        assert found == [delta.tolist()]


ONE_BASED = [
    ("lines", "2 3 4 1|1 2 3 1"),
    ("csv", "delta\n2 3 4 1|1 2 3 1"),
    ("synchrowords", "2 4\n2 1 3 2 4 3 1 1"),
    ("synchrowords-1.0", "4 2\n2 1\n3 2\n4 3\n1 1"),
    ("table", "2 1\n3 2\n4 3\n1 1"),
    ("table-letters", "2 3 4 1\n1 2 3 1"),
    ("edges", "1 a 2\n2 a 1\n1 b 1\n2 b 1"),
    ("edges", "1 0 2\n2 0 1\n1 1 1\n2 1 1"),
    ("json", "[[2, 3, 4, 1], [1, 2, 3, 1]]"),
]


@pytest.mark.parametrize(("form", "text"), ONE_BASED)
def test_states_that_count_from_1_are_refused(form: str, text: str) -> None:
    for name in {form, None} - ({None} if form == "json" else set()):
        try:
            [reason] = read(text, name)
        except AutomatonError as error:
            reason = str(error)
        assert "1-based" in str(reason) or (name is None and "fit three forms" in str(reason))
        assert not isinstance(reason, list)
    assert form != "json" or read(text) == [CERNY]  # GAP's lists


def test_no_state_leads_to_0() -> None:
    with pytest.raises(AutomatonError, match="1-based"):
        read("1 2\n1 1\n2 1")
    assert read("1 2\n1 1\n2 1", "table") == [[[1, 1, 2], [2, 1, 1]]]


@pytest.mark.parametrize(
    ("name", "delta", "threshold"),
    [
        ("jflap7.jff", CERNY, 9),
        ("laid_out.dot", [[1, 1], [1, 0]], 1),
        ("transformations.gap", CERNY, 9),
        ("automata_lib.json", [[0, 0], [1, 1]], 1),
    ],
)
def test_files_of_other_tools(name: str, delta: list[list[int]], threshold: int) -> None:
    assert read((FILES / name).read_bytes()) == [delta]
    assert naive.reset_threshold(delta) == threshold


def test_a_contest_s_example() -> None:
    text = (FILES / "contest.txt").read_text()
    assert naive.reset_threshold(read(text)[0]) == 2
    assert read(text) == read(text, "contest") == read(text, "synchrowords-1.0")


def test_synchrowords_1_0_by_its_entries() -> None:
    text = "1 4\n0 0 0 0\n4 3\n0 0 0 1 1 1 2 2 2 3 3 3\n4 3\n0 0 0 1 1 0 2 0 2 0 3 3\n"
    found = read(text, "synchrowords-1.0")
    assert [naive.reset_threshold(delta) for delta in found] == [0, None, 3]
    assert read(text) == found


EDGES = "0 0 1\n0 1 2\n0 2 0\n1 0 0\n1 1 1\n1 2 2\n2 0 0\n2 1 1\n2 2 2"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("2 3\n0 1 1 0 0 1", ["synchrowords (n=3, k=2)", "synchrowords-1.0 (n=2, k=3)"]),
        ("2 3 1 0 2 1 0 0", ["lines", "synchrowords"]),
        ("2 3\n1 0\n2 1\n0 0", ["synchrowords", "table"]),
        ("1 0 1\n0 0 1\n0 1 0", ["table", "table-letters"]),
        ("3 3\n1 2 0\n0 1 0\n2 2 1", ["synchrowords (n=3, k=3)", "contest-letters (n=3, k=3)"]),
        ("3 2\n1 1 0\n0 1 0", ["synchrowords (n=2, k=3)", "contest-letters (n=3, k=2)"]),
        ("[[1, 2, 0], [0, 1, 0], [2, 2, 1]]", ["json", "json-states"]),
        (EDGES, ["lines", "table", "edges-target-last", "edges-letter-last"]),
        ("[[1, 1, 2], [2, 1, 1]]", ["json", "gap"]),
    ],
)
def test_what_fits_two_forms_is_refused(text: str, names: list[str]) -> None:
    with pytest.raises(AutomatonError, match="--form NAME decides") as error:
        read(text)
    assert all(name in str(error.value) for name in names)


def test_lists_from_1_may_be_of_letters_or_of_states() -> None:
    text = "[[2, 3, 1], [2, 2, 3], [3, 3, 3]]"
    with pytest.raises(AutomatonError, match="fits gap and, 1-based, json-states: --form gap"):
        read(text)
    assert read(text, "gap") == [[[1, 2, 0], [1, 1, 2], [2, 2, 2]]]


@pytest.mark.parametrize("form", [None, "csv"])
def test_a_header_that_two_separators_fit(form: str | None) -> None:
    text = "delta,b;delta\n0 0|1 1,x;1 2 0|0 1 0\n"
    with pytest.raises(AutomatonError, match="a column 'delta' by ',' and ';'"):
        read(text, form)
    assert read(f"sep=,\n{text}", form) == [[[0, 0], [1, 1]]]
    assert read(f"sep=;\n{text}", form) == [[[1, 2, 0], [0, 1, 0]]]
    assert read("sep=\t\na\tdelta\n;\t1 0|0 0\n", form) == [[[1, 0], [0, 0]]]
    with pytest.raises(AutomatonError, match=r"'\|' separates no fields: it is one of , ; tab"):
        read("sep=|\ndelta\n0 0|1 1\n", form)


@pytest.mark.parametrize(
    "note", ['6" disk', 'a"', '"closed"', '"a ""b"" c"', '"two\nlines, "', '""', 'x""y', ' "a']
)
def test_quotes_hide_no_record(note: str) -> None:
    text = f"delta,note\n0 0|1 0,{note}\n1 1|0 1,{note}\n0 0|1 0,none\n"
    assert read(text) == [[[0, 0], [1, 0]], [[1, 1], [0, 1]], [[0, 0], [1, 0]]]


def test_tabs_and_line_ends_in_a_cell_with_bars() -> None:
    text = 'name,delta\nx,1\t2\t0|0\t1\t0\ny,"1 2 0|\n0 1 0"\n'
    assert read(text) == [[[1, 2, 0], [0, 1, 0]]] * 2


def test_empty_rows_of_a_spreadsheet() -> None:
    assert read('name;delta\na;0 0|1 0\n;\n"";""\n  ; \nb;1 1|0 1\n;\n') == [
        [[0, 0], [1, 0]],
        [[1, 1], [0, 1]],
    ]


def test_too_many_transformations_are_refused_before_they_are_made() -> None:
    with pytest.raises(AutomatonError, match="k=20000 is over the limit of 64 letters"):
        read("Transformation([9999]);" * 20_000)


def test_a_header_without_an_end() -> None:
    for lines, reason in [(300_000, "has no end"), (600_000, "longer than 4194304 bytes")]:
        with pytest.raises(AutomatonError, match=reason):
            read('sep=,\n"a\n' + "xxxxxxxxx\n" * lines)


@given(st.text('a01|",;\n', max_size=40), st.sampled_from(",;"))
def test_records_are_those_of_the_csv_module(text: str, separator: str) -> None:
    header = f"x{separator}delta{separator}y"
    lines = f"{text}\n".splitlines(keepends=True)
    rows = [*csv.reader(lines, delimiter=separator)]
    is_open = len(rows) == len([*csv.reader([*lines, "end"], delimiter=separator)])
    full = ["".join(row).strip() != "" for row in rows]
    wanted = sum(full) + (is_open and not full[-1])  # an open end is malformed
    assert len(read(f"{header}\n0 0|0 1,,\n{text}", "csv")) == 1 + wanted


@pytest.mark.parametrize("form", [None, "table"])
@pytest.mark.parametrize("between", ["\n", "\n# another\n\n", " \n\t\n", "# another\n"])
def test_two_tables_are_not_joined(form: str | None, between: str) -> None:
    table = "1 0\n2 1\n3 2\n0 0\n"
    assert read(f"\n{table}# the end\n\n", form) == [CERNY]
    reason = "a blank line or a comment follows row 4 of one|may be edges without letters"
    with pytest.raises(AutomatonError, match=reason):
        read(table + between + table, form)


def test_names_of_gap_s_letters_tell_their_order() -> None:
    a, b = "[ 2, 3, 4, 1 ];", "Transformation( [ 1, 2, 3, 1 ] );"
    named = f"b := {b}\na := {a}\n"
    assert read(named) == read(f"a := {a} b := {b}") == read(f"s := {a} t := {b}") == [CERNY]
    with pytest.raises(AutomatonError, match="letter 'a' would be printed as 'b'"):
        read(f"s := {b} a := {a}")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('Automaton("det",2,"ab",[[2,1],[2,0]],[1],[1]);', "state 2: '0' is outside 1..2"),
        ('Automaton("nondet",2,"ab",[[[2],[1]],[[2],[1]]],[1],[1]);', 'type "nondet", not "det"'),
        ('Automaton("det",3,"ab",[[2,1],[2,1]],[1],[1]);', "of 3 states, a list of 2"),
        ('Automaton("det",2,"abc",[[2,1],[2,1]],[1],[1]);', "3 letters, but lists for 2"),
        ('Automaton("det",2,"ab",[[2,1],[2,1]],[1]);', "6 arguments, not 5"),
        ('Automaton("det",2,"ab",[[2,1],[2,1]],[1],[1]', "no end, or no comma"),
        ('Automaton("det",2,"ab",[2,1],[1],[1]);', "no list of lists"),
    ],
)
def test_automata_of_gap_s_package(text: str, reason: str) -> None:
    for form in (None, "gap"):
        with pytest.raises(AutomatonError, match=reason):
            read(text, form)


@pytest.mark.parametrize("form", ["json", "json-states", "gap"])
def test_lines_are_those_where_automata_begin(form: str) -> None:
    one = {"json": "[[1,1,0,2]]", "json-states": "[[1],[1],\n[0],[2]]", "gap": "[[2,2,1,3]]"}[form]
    text = f"# three\n\n  {one}\n{one} {one}\n# the end\n"
    found = chain.from_iterable(read_automata(BytesIO(text.encode()), form))
    more = one.count("\n")
    lines = [(item.lines, item.deltas.tolist()) for item in found]
    assert lines == [([line], [[[1, 1, 0, 2]]]) for line in (3, 4 + more, 4 + 2 * more)]


def test_letters_of_gap_s_package() -> None:
    table = "[[1,2,3,1],[2,3,4,1]],[1],[4])"
    assert read(f'Automaton("det",4,"ba",{table}') == [CERNY]
    for alphabet in ('"xy"', "2", '["s1", "s2"]'):
        assert read(f'Automaton("det",4,{alphabet},{table}') == [CERNY[::-1]]


@pytest.mark.parametrize("key", ["states", "input_symbols"])
def test_states_and_letters_without_transitions_are_missed(key: str) -> None:
    whole = {"transitions": {"p": {"0": "p"}}, "states": ["p"], "input_symbols": ["0"]}
    assert read(json.dumps(whole)) == [[[0]]]
    with pytest.raises(AutomatonError, match=f"'more' is in '{key}' or the transitions alone"):
        read(json.dumps(whole | {key: [*whole[key], "more"]}))


# What people write, and `solve` once misread without a message.
MISREAD = {
    "all numbers on lines of their own": "3\n2\n1\n2\n0\n0\n1\n0\n",
    "number of test cases": "1\n3 2\n1 0 2 1 0 0\n",
    "number of test cases, two": "2\n3 2\n1 0\n2 1\n0 0\n3 2\n1 0\n2 1\n0 0\n",
    "n, k and the initial state": "3 2 0\n1 0\n2 1\n0 0\n",
    "n, k and the initial state before edges": "2 2 0\n0 0 1\n0 1 0\n1 0 0\n1 1 0\n",
    "rows of different lengths": "1 2 3 0\n1 1 2\n",
    "lists of different lengths": "[1, 2, 3, 0]\n[1, 1, 2]\n",
    "letter first, states from 1": "0 1 2\n0 2 1\n1 1 1\n1 2 1\n",
    "n m, then edges": "3 6\n0 0 1\n0 1 0\n1 0 2\n1 1 1\n2 0 0\n2 1 0\n",
    "n k m, then edges": "2 2 4\n0 0 1\n0 1 0\n1 0 0\n1 1 0\n",
    "lists of states from 1": "[[1,2],[2,3],[3,1],[1,1]]",
    "65 letters": "65 3\n" + "0 1 2 " * 65 + "\n",
    "a row number in front": "0 1 0\n1 2 1\n2 0 0\n",
    "a row number from 1 in front": "1 2 1\n2 3 2\n3 1 1\n",
    "a wrapped table behind counts": "2 4\n1 0 2\n1 3 2\n0 0\n",
    "form feeds": "1 0\f2 1\f0 0",
    "an open quote": 'delta,n\n1 2 0|0 1 0,"x\n1 0|0 0,4\n',
    "two lists of edges": "0 a 0\n0 b 0\n\n0 a 0\n0 b 0\n1 a 0\n1 b 0\n",
    "two lists of edges by number": "0 0 0\n0 1 0\n# more\n0 0 0\n0 1 0\n1 0 0\n1 1 0\n",
    "a table, then 0 0": "3 2\n1 0\n2 1\n0 0\n0 0\n",
    "two tables behind counts, then 0 0": "3 2\n1 0\n2 1\n0 0\n4 2\n1 0\n2 1\n3 2\n0 0\n0 0\n",
    "initial and final state behind counts": "3 2\n0 2\n1 0\n2 1\n0 0\n",
    "initial and final state at the end": "3 2\n1 0\n2 1\n0 0\n0 2\n",
    "an error in the second table": "3 2\n1 0\n2 1\n0 0\n3 2\n1 0\n2 1\n3 0\n",
    "n is too small by one": "2 2\n1 0\n2 1\n0 0\n",
    "states from 1, 0 for none": "3 2\n2 1\n3 0\n1 1\n",
    "n, k, initial state and three letters": "4 3 0\n1 0 0\n2 1 0\n3 2 1\n0 3 3\n",
    "cases, n, k": "1 4 3\n1 0 0\n2 1 0\n3 2 1\n0 3 3\n",
    "n, k, initial state, numbers of states": "3 2 0\n0 1 0\n1 2 1\n2 0 0\n",
    "edges twice": "2 2 1\n0 0 1\n0 1 0\n1 0 0\n1 1 0\n" * 2,
    "numbers of letters": "0,1\n1,0\n2,1\n3,2\n0,0\n",
    "numbers of letters from 1": "1 2\n1 0\n2 1\n3 2\n0 0\n",
    "numbers of letters, states from 1": "0 1\n2 1\n3 2\n1 1\n",
    "commas in a field": "name,delta\nx,0,0|1,0\n",
    "a decimal comma": "name,ratio,delta\nx,0,0,0 0|1 0\n",
    "letters on lines of a cell": 'name,delta\nx,"1 2 0\n0 1 0"\n',
    "letters apart by a tab in a cell": "name,delta\nx,1 2 0\t0 1 0\n",
    "commas and semicolons": "1,2,0;0,1,0\n",
    "blanks and tabs": "1 2 0\t0 1 0\n",
    "commas and semicolons behind counts": "3 2\n1,2,0;0,1,0\n",
    "all entries on a line": "1 0 2 1 0 0\n",
    "all entries on lines": "3\n2\n1\n0\n2\n1\n0\n0\n0\n",
    "edges in JSON": "[[0,0,1],[0,1,0],[1,0,2],[1,1,1],[2,0,3],[2,1,2],[3,0,0],[3,1,0]]",
    "edges in JSON, letter last": "[[0,1,0],[0,0,1],[1,2,0],[1,1,1],[2,0,0],[2,2,1]]",
    "numbers of states in JSON": "[[0,1,0],[1,2,1],[2,3,2],[3,0,0]]",
    "counts in JSON": "[[3,2],[1,0],[2,1],[0,0]]",
    "letters of states in JSON": '{"0":{"0":1,"1":0},"1":{"0":0,"1":0},"2":{"0":1,"1":1}}',
    "an alphabet in JSON": '{"transitions":{"p":{"a":"p"}},"alphabet":["a","b"]}',
    "a name twice in GAP": "s := Transformation([2,3,1]);\ns := Transformation([2,1]);\n",
    "lists of letters or states from 1": "[2, 3, 1]\n[2, 2, 3]\n[3, 3, 3]\n",
    "a column of final states": "1 0 1\n2 1 0\n3 2 0\n0 0 1\n",
    "edges without letters": "0 1\n0 0\n1 2\n1 1\n2 0\n2 0\n",
    "a state and its images": "p q p\nq p p\n",
    "two automata of JFLAP": "<structure><type>fa</type>"
    + "<automaton><state id='0'/></automaton>" * 2
    + "<transition><from>0</from><to>0</to><read>a</read></transition></structure>",
    "two letters of a transition": "<structure><type>fa</type><state id='0'/><transition><from>0"
    "</from><to>0</to><read>a</read><read>b</read></transition></structure>",
    "the empty word in DOT": 'digraph { 0 -> 0 [label="\u03b5"] }',
    "two labels in DOT": "digraph { 0 -> 0 [label=a label=b] }",
    "letters at other places": "0 b 1\n1 b 0\n0 c 0\n1 c 0\n",
}


@pytest.mark.parametrize("name", MISREAD)
def test_what_was_misread_is_refused(name: str) -> None:
    try:
        found = read(MISREAD[name])
    except AutomatonError as error:
        found = [str(error)]
    assert all(isinstance(reason, str) and "\n" not in reason for reason in found)


@pytest.mark.parametrize("end", ["\r\n", "\r"])
@pytest.mark.parametrize("form", [*WRITERS, "gap with a comment"])
def test_ends_of_lines(form: str, end: str) -> None:
    delta = np.array([[1, 2, 0, 0], [0, 1, 1, 3]])
    comment = "# of another tool\n"
    text = comment + (WRITERS[form](delta) if form in WRITERS else format_gap(delta) + comment)
    name = form.rstrip(";").split()[0]
    if name == "csv":
        text = text.removeprefix(comment)
    assert read(text.replace("\n", end), name) == [delta.tolist()]


@pytest.mark.parametrize("size", [1, 2, 5])
def test_ends_of_lines_in_pieces(size: int) -> None:
    content = b"0 0|1 0\r\n1 1|0 1\r\r\n# x\r0 0|0 1\r\n"
    stream = SimpleNamespace(read1=lambda _: next(pieces, b""))
    pieces = iter([content[at : at + size] for at in range(0, len(content), size)])
    found = [*chain.from_iterable(read_automata(stream))]
    assert [(item.lines[0], item.deltas[0].tolist()) for item in found] == [
        (1, [[0, 0], [1, 0]]),
        (2, [[1, 1], [0, 1]]),
        (5, [[0, 0], [0, 1]]),
    ]


def test_a_line_without_an_end_is_reported_at_once() -> None:
    endless = SimpleNamespace(read1=lambda _: b"0 " * 1000)
    with pytest.raises(AutomatonError, match="line 1: the line is longer than 4194304 bytes"):
        next(read_automata(endless))
    blocks = chain([b"0 0|1 0\n"], repeat(b"0 " * 1000))
    found = chain.from_iterable(read_automata(SimpleNamespace(read1=lambda _: next(blocks))))
    assert [*next(found).lines] == [1]
    assert next(found) == Malformed(2, "the line is longer than 4194304 bytes, the limit")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("3\n2\n1 0\n2 1\n0 0\n", [[1, 2, 0], [0, 1, 0]]),
        ("3\n2\n1 2 0\n0 1 0\n", [[1, 2, 0], [0, 1, 0]]),
        ("1, 0\n2, 1\n3,2\n0,0\n", CERNY),
        ("1;0\n2 ; 1\n3 2\n0;0", CERNY),
        ("0 y 1\n0 x 0\n1 y 0\n1 x 0\n", [[0, 0], [1, 0]]),
        ("a 0 1\na 1 0\nb 0 0\nb 1 0\n", [[1, 0], [0, 0]]),
        ("00 a 01\n1 a 0\n0 b 0\n01 b 00\n", [[1, 0], [0, 0]]),
        ("0 a 1\n0 b 0\n\n# of state 1\n1 a 0\n1 b 0\n", [[1, 0], [0, 0]]),
    ],
)
def test_what_fits_one_reading_is_taken(text: str, wanted: list[list[int]]) -> None:
    assert read(text) == [wanted]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("3 2\n2 1\n3 2\n1 1\n", r"look 1-based, as synchrowords-1.0 \(n=3, k=2\)"),
        ("2\n1 2\n", "line 2: from here on the numbers fit no form"),
        ("2 1\n0 a 1\n1 a 0\n", "line 2: 'a' is no number: --form NAME names the form"),
        ("1 2\n1,0;0,1\n", "line 2: '1,0;0,1' separates numbers in two ways"),
        ("# x\n\n[[1, 0],\n [2 0]]\n", "not JSON: .* line 4 column 5"),
        ("0 a 1\n# x\n1 a\n", "line 3: an edge has three words, not '1 a'"),
        ("0 1 0\n1 2 1\n2 0 0\n", r"lines .* and table .* and table-letters"),
        ("delta\n", "no automaton: the table has no rows"),
    ],
)
def test_the_message_says_what_is_wrong(text: str, reason: str) -> None:
    with pytest.raises(AutomatonError, match=reason):
        read(text)


def test_each_line_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[bytes] = []
    monkeypatch.setattr(recognise, "row_of", lambda line: looked.append(line) or row_of(line))
    assert len(read("1 1\n0\n" * 2_000 + "2 3\n1 0 2 1 0 0\n")) == 2_001
    assert len(looked) == 4_002


def test_a_recognised_layout_is_kept() -> None:
    [first, reason] = read("4 3\n1 0 0\n2 1 0\n3 2 1\n0 3 3\n1\n1 0\n")
    assert first == [[1, 2, 3, 0], [0, 1, 2, 3], [0, 0, 1, 3]]
    assert (
        reason == "automaton 1, 'n k' should stand here, not 3 numbers (nothing after it is read)"
    )
    flow = "2 3 1 0 2 1 0 0\n1 2 1 0\n"
    assert read(flow) == [[[1, 2, 0], [0, 1, 0]], [[1, 0]]]
    assert "the entry is missing" in read(flow + "1 2 1\n0\n")[2]
    assert read(flow + "1 2 1\n0\n", "synchrowords") == [*read(flow), [[1, 0]]]


@pytest.mark.parametrize("form", ["table", "edges-target-last", "dot", "jff", "json"])
def test_the_line_of_an_automaton_is_its_first(form: str) -> None:
    text = "# a comment\n\n" + WRITERS[form](np.array(CERNY))
    [found] = chain.from_iterable(read_automata(BytesIO(text.encode()), form))
    assert found.lines == [3]


@pytest.mark.parametrize("form", ["synchrowords-1.0", "contest"])
def test_commas_are_read_where_the_form_is_named(form: str) -> None:
    assert read("4,2\n1,0\n2,1\n3,2\n0,0\n", form) == [CERNY]


DEEP = "[" * 100_000


@pytest.mark.parametrize(
    "text",
    [
        *(DEEP, DEEP.replace("[", "{"), '{"a":' * 50_000, "[[NaN]]", "[[1e9]]", "[[0.0]]"),
        *("[[true]]", '{"a": null}', "9" * 100_000, "[[" + "9" * 100_000 + "]]", "\0", "0\0 1"),
        *("<!DOCTYPE x><structure/>", "<a>" * 9_000, "digraph {", 'digraph { "', "\r\r|", "|"),
        '<!DOCTYPE x [<!ENTITY a "aa">]><structure><type>fa</type>&a;</structure>',
        *("{}", "[]", "[[]]", "[[[]]]", ":=", "a :=", "Transformation(", "delta\n\x1b[2J", "0 -1"),
    ],
)
def test_what_is_no_automaton_is_one_line(text: str) -> None:
    for form in (None, *FORMS):
        try:
            found = read(text, form)
        except AutomatonError as error:
            found = [str(error)]
        for reason in found:
            assert isinstance(reason, str), (form, reason)
            assert len(reason) < 1000 and "\n" not in reason and "\x1b" not in reason, form


def test_utf_16() -> None:
    for encoding in ("utf-16", "utf-8-sig"):
        assert read("name;delta\r\nČerný;1 2 3 0|0 1 2 0\r\n".encode(encoding)) == [CERNY]


FLOOD = """
import resource, subprocess, sys
resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
child = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE)
child.stdin.write({start!r})
for _ in range({count}):
    child.stdin.write({block!r} * (1 << 20))
child.stdin.write({end!r})
child.stdin.close()
child.wait()
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10)
"""


@pytest.mark.parametrize(
    ("start", "block", "end"),
    [
        (b'delta\n0 0|1 0\n"', b"\n", b'"\n1 1|0 1\n'),
        (b"0 0|1 0\n", b"0 ", b"\n1 1|0 1\n"),
        pytest.param(b"0 0|1 0\n", b"|", b"\n1 1|0 1\n", marks=pytest.mark.exhaustive),
    ],
)
def test_a_record_costs_bounded_memory(start: bytes, block: bytes, end: bytes) -> None:
    script = FLOOD.format(start=start, block=block, end=end, count=10)
    command = [sys.executable, "-c", script, *COMMAND, "-", "--workers", "1"]
    answer = subprocess.run(command, capture_output=True, text=True)
    *lines, most = answer.stdout.split("\n")[:-1]
    assert lines == ["1\ta", "1\ta"]
    assert "is longer than 4194304 bytes" in answer.stderr and answer.stderr.count("\n") == 1
    assert int(most) < 500  # MiB


def test_the_command_offers_all_forms() -> None:
    assert set(SOLVE_FORMS) == {"auto", *FORMS}


@pytest.mark.parametrize("text", ["1 2 3 0|0 1 2 0", str(CERNY), f"{json.dumps(CERNY)}"])
def test_a_text_as_argument(text: str) -> None:
    answer = CliRunner().invoke(pipeline.cli, ["solve", text])
    assert (answer.exit_code, answer.stdout[:2], answer.stderr) == (0, "9\t", "")
