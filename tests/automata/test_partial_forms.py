"""Partial automata in every text form: read as written, or refused in one line."""

import json
from io import BytesIO
from itertools import chain
from typing import Any
from unittest import mock

import networkx as nx
import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import automata
import pipeline
from automata.automaton import validate_delta
from automata.deltas import UNDEFINED, Deltas
from automata.errors import AutomatonError
from automata.kernels.text import parse_tables
from automata.text import entries
from automata.text.config import SolveConfig
from automata.text.edges import parse_edges
from automata.text.entries import Malformed
from automata.text.formats import parse_delta, parse_json
from automata.text.graph import from_networkx, to_networkx
from automata.text.reading import FORMS, read_automata
from automata.text.recognise import SIZED
from automata.text.solve import solve
from automata.text.solved import Solved
from tests import naive
from tests.automata.examples import p_family, uniform_partial, with_none
from tests.automata.writers import WRITERS
from tests.strategies import partials

COMPLETE_ONLY = {"gap transformations", *(name for name in WRITERS if name.split()[0] in SIZED)}
NAMES_NO_LETTERS = ("jff", "json names")
EDGES = tuple(name for name in WRITERS if name.startswith("edges"))


def read(text: str | bytes, form: str | None = None) -> list[Any]:
    content = text.encode() if isinstance(text, str) else text
    found: list[Any] = []
    for item in chain.from_iterable(read_automata(BytesIO(content), form, partial=True)):
        found += [item.reason] if isinstance(item, Malformed) else item.deltas.tolist()
    return found


def is_told(delta: Deltas, form: str) -> bool:
    """Whether the transitions alone name all states and letters, where a form has no others."""
    k, n = delta.shape
    defined = delta < n
    used = set(np.flatnonzero(defined.any(axis=0)).tolist()) | set(delta[defined].tolist())
    if form in NAMES_NO_LETTERS or form in EDGES:
        return bool(defined.any(axis=1).all()) and (len(used) == n or form not in EDGES)
    return True


@pytest.mark.parametrize("form", [form for form in WRITERS if form not in COMPLETE_ONLY])
@given(delta=partials(max_n=6, max_k=4))
def test_the_same_automaton_or_a_refusal(form: str, delta: Deltas) -> None:
    text = WRITERS[form](delta)
    name = form.rstrip(";").split()[0]
    try:
        named = read(text, "edges-target-last" if form == "edges" else name)
    except AutomatonError as error:
        assert not is_told(delta, form), error
        assert "\n" not in str(error)
        return
    assert not is_told(delta, form) or named == [delta.tolist()]
    try:
        found = read(text)
    except AutomatonError as error:
        assert "\n" not in str(error)
    else:
        assert found == named


@pytest.mark.parametrize("form", ["lines", "csv", "gap package", "dot", "jff", "json names"])
@given(delta=partials(max_n=6, max_k=4))
def test_forms_with_marks_of_their_own_are_recognised(form: str, delta: Deltas) -> None:
    if is_told(delta, form) and (form != "lines" or len(delta) > 1):
        assert read(WRITERS[form](delta)) == [delta.tolist()]


@given(partials(max_k=4))
def test_what_the_library_writes_it_reads(delta: Deltas) -> None:
    own = automata.Automaton(delta)
    assert automata.parse_delta(own.to_text(), partial=True).tolist() == delta.tolist()
    assert automata.parse_json(own.to_json(), partial=True).tolist() == delta.tolist()
    assert automata.parse_gap(own.to_gap(), partial=True).tolist() == delta.tolist()
    assert automata.parse_dot(own.to_dot(), partial=True).tolist() == delta.tolist()
    assert from_networkx(own.to_networkx(), partial=True).tolist() == delta.tolist()
    if own.is_partial:
        for refuse in (
            lambda: automata.format_synchrowords([delta]),
            lambda: automata.parse_delta(own.to_text()),
            lambda: automata.parse_json(own.to_json()),
            lambda: automata.parse_gap(own.to_gap()),
            lambda: automata.parse_dot(own.to_dot()),
            lambda: from_networkx(own.to_networkx()),
        ):
            with pytest.raises(AutomatonError) as error:
                refuse()
            assert "\n" not in str(error.value)


# --- lines, read in bulk ------------------------------------------------------------------------


@given(st.lists(st.text("01-| \t\r", max_size=9), min_size=1, max_size=6))
def test_lines_in_bulk_are_read_as_one_by_one(texts: list[str]) -> None:
    lines = [text for text in texts if text.strip() and "\r" not in text.strip()]
    expected: list[Any] = []
    for text in lines:
        try:
            expected.append(parse_delta(text, partial=True).tolist())
        except AutomatonError as error:
            expected.append(str(error))
    if lines:
        assert read("\n".join(lines), "lines") == expected


@pytest.mark.parametrize("text", ["1-|0 1", "-1|0 1", "--|0 1", "1 - -|0 1", "- 1-|0 1"])
def test_a_dash_is_a_word(text: str) -> None:
    [found] = read(text, "lines")
    assert isinstance(found, str)
    lines = np.frombuffer(f"{text}\n".encode(), np.uint8)
    assert parse_tables(lines, np.empty((1, 2, 2), np.uint16), 2, UNDEFINED)[0] == 0


def test_plain_lines_are_read_in_bulk() -> None:
    deltas = [*uniform_partial(100, 7, 3), *uniform_partial(100, 12, 1)]
    text = "\n".join(automata.format_delta(delta) for delta in deltas)
    with mock.patch.object(entries, "parse_delta", side_effect=AssertionError):
        assert read(text, "lines") == [delta.tolist() for delta in deltas]
        assert read(f"delta\n{text}") == [delta.tolist() for delta in deltas]


def test_255_states_and_more() -> None:
    row = " ".join(["-", *map(str, range(254))])
    assert read(row, "lines") == [[[255, *range(254)]]]
    for n in (256, 300):
        whole = " ".join(map(str, range(n)))
        assert read(whole, "lines") == [[[*range(n)]]]  # 255 is a state
        [reason] = read(f"- {whole}".rsplit(" ", 1)[0], "lines")
        assert reason == f"n={n} is over the limit of 255 states of partial automata"


# --- forms told apart ---------------------------------------------------------------------------


@pytest.mark.parametrize("form", SIZED)
def test_forms_of_complete_automata(form: str) -> None:
    with pytest.raises(AutomatonError, match=f"^{form} holds complete automata only") as error:
        read("2 3\n1 0 2 1 0 0\n", form)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "text", ["2 3\n1 0 2 1 0 0\n", "1 - 0\n", "1, -\n2, 1\n", "-\n", "0 0 1\n1 0 1\n", "0\n"]
)
def test_numbers_need_a_name(text: str) -> None:
    with pytest.raises(
        AutomatonError, match="^numbers of partial automata fit several forms: --fo"
    ):
        read(text)


def test_tables() -> None:
    wanted = [[[1, 2, UNDEFINED], [0, UNDEFINED, 1]]]
    assert read("1 0\n2 -\n- 1\n", "table") == wanted
    assert read("1, 0\n2,-\n-,1\n", "table") == wanted
    assert read("1;2;-\n0;-;1\n", "table-letters") == wanted
    with pytest.raises(AutomatonError, match="letter 0 has 3 entries|'3' is outside 0..1"):
        read("3 0\n- -\n", "table")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("0 a 1\n1 b 0\n", [[1, 255], [255, 0]]),
        ("0 1 a\n1 0 b\n", [[1, 255], [255, 0]]),
        ("a 0 1\nb 1 0\n", [[1, 255], [255, 0]]),
        ("0 a 1\n1 a 0\n1 b 2\n", [[1, 0, 255], [255, 2, 255]]),
    ],
)
def test_edges_in_the_order_that_the_letters_tell(text: str, wanted: list[list[int]]) -> None:
    assert read(text) == [wanted]
    assert parse_edges(text, partial=True).tolist() == wanted
    with pytest.raises(AutomatonError):
        parse_edges(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("p a q\nq a p\n", "the order of the three words is known where letters are a, b"),
        ("0 a 1\n\n1 a 0\n", "a blank line or a comment follows edge 1 of one automaton"),
        ("0 a 1\n# more\n0 b 1\n", "a blank line or a comment follows edge 1 of one automaton"),
        ("1 a 2\n2 a 1\n", "looks 1-based"),
        ("0 a 2\n", "the 2 states are not 0..1"),
        ("0 a 1\n0 a 0\n", "nondeterministic: letter 'a' leads '0' to '1' and '0'"),
    ],
)
def test_edges_that_are_refused(text: str, reason: str) -> None:
    with pytest.raises(AutomatonError) as error:
        read(text)
    assert reason in str(error.value)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("[[1, null, 0], [0, 1, 2]]", [[1, 255, 0], [0, 1, 2]]),
        ("[1, null, 0]\n[0, 1, 2]", [[1, 255, 0], [0, 1, 2]]),
        ('{"p": {"a": "q", "b": null}, "q": {"a": "p"}}', [[1, 0], [255, 255]]),
        ('{"p": {"a": "q"}, "q": {"b": "p"}}', [[1, 255], [255, 0]]),
        ('{"p": {"a": "q"}, "q": {}}', [[1, 255]]),
        (
            '{"transitions": {"p": {"a": "q"}}, "states": ["q", "p"], "alphabet": ["b", "a"]}',
            [[1, 255], [255, 255]],
        ),
        ("[ [ 2, 0, 3 ], [ 1,, 2 ] ]", [[1, 255, 2], [0, 255, 1]]),
        ('Automaton("det",2,"ab",[[2,0],[0,0]],[1],[1]);', [[1, 255], [255, 255]]),
        ("digraph { 0 -> 1 [label=a]; 2 }", [[1, 255, 255]]),
        ('digraph { letters="a,b"; 0 -> 1 [label=b] }', [[255, 255], [1, 255]]),
        ('digraph { letters="a"; 0; 1 }', [[255, 255]]),
    ],
)
def test_what_is_missing_is_undefined(text: str, wanted: list[list[int]]) -> None:
    assert read(text) == [wanted]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[[1, 2, 0], [0, 1, 0]]", "two forms, json and gap: --form NAME decides"),  # 0: a state?
        ("[[1, null], [0, null], [null, 1]]", "two forms, json and json-states"),
        ("[[1, null], [2, 1], [0, 0]]", "json-states alone: --form json-states reads it so"),
        ('{"0": {"0": 1, "1": null}, "1": {"0": 0}}', "both fit"),
        ('{"0": {"0": 1, "1": 2}, "1": {"0": 1}, "2": {}}', "both fit"),
        ('{"p": {"a": "r"}, "q": {"a": "p"}}', "'r' is a target, but no state"),
        ('{"a": {"p": "q"}, "b": {"q": "p"}}', "is a target, but no state"),
        ("[[null]]", ""),
        ("s := Transformation([2, 0, 1]);", "letter 1, state 2: '0' is outside 1..3"),
        ('digraph { letters="a,,bc"; 0 -> 0 [label=a] }', "'bc' is not a letter"),
        ("digraph { 0 -> 1 [label=a]; 0 -> 0 [label=a] }", "nondeterministic"),
        ("digraph { 0; 1 }", "a DOT graph without edges is no automaton"),
        ("delta\n1 -,\n", "2 fields under a header of 1"),
        ("delta\n1 x|0 0\n", "'x' is not an integer"),
    ],
)
def test_what_is_refused(text: str, reason: str) -> None:
    try:
        [found] = read(text)
    except AutomatonError as error:
        found = str(error)
    assert reason in found if reason else found == [[255]]


def test_states_and_letters_that_json_declares() -> None:
    value = {"transitions": {"p": {"a": "p"}}, "states": ["p", "q"], "input_symbols": ["a", "b"]}
    assert parse_json(json.dumps(value), partial=True).tolist() == [[0, 255], [255, 255]]
    for key in ("states", "input_symbols"):
        with pytest.raises(AutomatonError, match=f"is in '{key}' or the transitions alone"):
            parse_json(json.dumps(value | {key: []}), partial=True)
        with pytest.raises(AutomatonError, match="is in '.*' or the transitions alone"):
            parse_json(json.dumps(value))


@pytest.mark.parametrize("letters", ["a,b", 0, 1, -1, 65, 2.0, None, True])
def test_graphs_with_a_wrong_number_of_letters(letters: Any) -> None:
    graph = to_networkx("1 -|- 0")
    graph.graph["letters"] = letters
    with pytest.raises(AutomatonError, match=r"^the graph has letters=.*, not one of 2\.\.64$"):
        from_networkx(graph, partial=True)
    with pytest.raises(AutomatonError, match="^a graph without edges is no automaton$"):
        from_networkx(nx.MultiDiGraph(), partial=True)


HOSTILE = [
    *(
        "-",
        "-|-",
        "|-",
        "-|",
        "- - -|-",
        "--",
        "-1|-1",
        "\u2212 0|0 0",
        "- " * 300 + "|",
        "-\t-\r|",
    ),
    *("null", "[null]", "[[null, [null]]]", "[[[null]]]", '{"a": null}', '{"p": {"a": {}}}'),
    *('{"transitions": {"p": null}}', '{"transitions": {"p": {"a": null}}}', "[[-1, null]]"),
    *("[" * 50_000 + "null", "[[0.0, null]]", "[,]", "[ [ , ] ]", "[[0]]", "[[0,0],[0,0]]"),
    *('Automaton("det",2,"ab",[[2,0],[0]],[1],[1]);', "digraph { letters=; }", "- a 0", "0 - 1"),
    *("delta\n-\n", "delta\n- -\n-1\n", "digraph { letters=a }", "<structure><type>fa</type>"),
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_an_automaton_or_one_line(text: str) -> None:
    for form in (None, *FORMS):
        try:
            found = read(text, form)
        except AutomatonError as error:
            found = [str(error)]
        for item in found:
            if isinstance(item, str):
                assert len(item) < 1000 and "\n" not in item, form
            else:
                assert validate_delta(item, partial=True).tolist() == item, form


# --- solve --------------------------------------------------------------------------------------


def answers(text: str, **settings: Any) -> list[Solved]:
    stream = read_automata(BytesIO(text.encode()), "lines", partial=True)
    found = chain.from_iterable(solve(stream, SolveConfig(partial=True, **settings)))
    return [item for item in found if isinstance(item, Solved)]


@pytest.mark.parametrize("limits", [{}, {"time_limit": 100.0}])
@pytest.mark.parametrize("words", [True, False])
def test_answers_are_those_of_plain_python(limits: dict[str, float], words: bool) -> None:
    deltas = [*uniform_partial(60, 6, 2), *uniform_partial(40, 4, 3)]
    text = "\n".join(map(automata.format_delta, deltas))
    found = answers(text, words=words, **limits)
    truth = [naive.shortest_careful_word(with_none(delta)) for delta in deltas]
    expected = [
        "none"
        if word is None
        else f"{len(word)}\t{automata.format_word(word)}"
        if words
        else str(len(word))
        for word in truth
    ]
    assert [line for item in found for line in item.texts()] == expected
    objects = [json.loads(line) for item in found for line in item.jsons()]
    assert [one["synchronizing"] for one in objects] == [word is not None for word in truth]


@pytest.mark.parametrize("words", [True, False])
def test_a_limit_leaves_a_lower_bound(words: bool) -> None:
    with mock.patch.multiple("automata.solver.quick", _FORWARD_BITS=1, _BOTH_ENDS_BITS=1):
        text = automata.format_delta(p_family(40, 4))
        [one] = answers(text, words=words, memory_limit=1)
    [line] = one.texts()
    assert line == f"{one.lower[0]}.."
    found = json.loads(one.jsons()[0])
    assert found["lower"] >= 1
    assert {found[key] for key in ("synchronizing", "threshold", "upper", "word")} == {None}


def run(*arguments: str, stdin: str = "") -> tuple[int, str, str]:
    answer = CliRunner().invoke(pipeline.cli, ["solve", *arguments], input=stdin)
    return answer.exit_code, answer.stdout, answer.stderr


def test_the_command() -> None:
    p5 = "1 2 3 - -|1 1 2 4 0"
    assert run("--partial", p5) == (0, "10\tbbbabbabbb\n", "")
    assert run("--partial", "--no-words", "1 -|0 -") == (0, "none\n", "")
    assert run("--partial", "[[1, null, 2], [0, 0, 0]]")[:2] == (0, "1\tb\n")
    code, _, message = run("--partial", "--method", "greedy", p5)
    assert code == 2
    assert "greedy takes complete automata only: exact takes partial ones" in message
    code, out, message = run(p5)
    assert (code, out) == (2, "")
    assert message.endswith(
        "line 1: letter 0, state 3: '-' is undefined, not complete (see --partial)\n"
    )
