"""The command solve: every form, in the input's order, one line for whatever is malformed."""

import json
import os
import signal
import subprocess
import sys
import time
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pipeline
from automata.proof.verification import verify
from automata.solver import quick
from automata.solver.frontier import Frontier
from automata.solver.limits import LimitReached, ResetBounds
from automata.text import solve as library
from automata.text.entries import Automata, Malformed
from automata.text.formats import format_delta, format_synchrowords, parse_delta, parse_word
from automata.text.reading import read_automata
from automata.text.solve import SolveConfig, solve
from search.jobs.options import size
from tests import naive
from tests.automata.examples import cerny
from tests.strategies import automata

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, str(ROOT / "pipeline.py"), "solve"]
STUCK = "1 0|0 1"


C3, C4, C9 = (format_delta(cerny(n)) for n in (3, 4, 9))
MIXED = [C4, "0", STUCK, C3, C3, "1 1 1|0 1 2|2 0 1", C9]
THRESHOLDS = [9, 0, None, 4, 4, 1, 64]


class Answer(NamedTuple):
    code: int
    out: list[str]
    err: list[str]


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run the command on a file with such a content."""

    def called(content: str | bytes, *options: str, name: str = "file") -> Answer:
        file = tmp_path / "file"
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["pipeline.py", "solve", *options, name])
        with pytest.raises(SystemExit) as end:
            pipeline.main()
        out, err = capsys.readouterr()
        return Answer(end.value.code, out.splitlines(), err.splitlines())

    return called


def csv(deltas: list[str]) -> str:
    """A table with other columns, quotes and line ends in quotes."""
    rows = [f'"a, ""b""\n{i}",{delta},"x\ty"' for i, delta in enumerate(deltas)]
    return "\r\n".join(["name,delta,more", *rows]) + "\r\n"


def synchrowords(deltas: list[str]) -> str:
    return format_synchrowords(map(parse_delta, deltas))


FORMS = {
    "lines": "\n".join,
    "lines-crlf": lambda deltas: "\n".join(f" {delta} \r\n" for delta in deltas),
    "csv": csv,
    "csv-of-one-column": lambda deltas: "\n".join(["delta", *deltas]),
    "pairs": synchrowords,
    "one-line": lambda deltas: " ".join(synchrowords(deltas).split()),
    "number-a-line": lambda deltas: "\n".join(synchrowords(deltas).split()),
}

NAMED = {"pairs", "one-line", "number-a-line"}
"""Forms that the text alone does not decide: --form names them."""


def options_of(form: str) -> list[str]:
    return ["--form", "synchrowords"] if form in NAMED else []


# --- reading ----------------------------------------------------------------------------------


class Drip:
    """A stream that hands over a few bytes at a time."""

    def __init__(self, content: bytes, size: int) -> None:
        self.content, self.size = BytesIO(content), size

    def read1(self, size: int, /) -> bytes:
        return self.content.read(min(size, self.size))


def read(text: str, size: int = 1 << 20, form: str | None = None) -> list[tuple[int, object]]:
    """Where each automaton begins, and itself, or why it is malformed."""
    found: list[tuple[int, object]] = []
    for item in chain.from_iterable(read_automata(Drip(text.encode(), size), form)):
        if isinstance(item, Malformed):
            found.append((item.line, item.reason))
        else:
            assert len(item.lines) == len(item.deltas) > 0
            assert item.deltas.dtype == np.uint8 and item.deltas.flags.c_contiguous
            found += zip(item.lines, item.deltas.tolist(), strict=True)
    return found


@pytest.mark.parametrize("form", FORMS)
@given(deltas=st.lists(automata(max_n=12), min_size=1, max_size=8), size=st.integers(1, 99))
def test_all_forms_of_any_sizes(form, deltas, size):
    # a first automaton with two letters shows that the form is ours
    wanted = [[[1, 0], [0, 0]], *(delta.tolist() for delta in deltas)]
    text = FORMS[form]([*map(format_delta, wanted)])
    named = "synchrowords" if form in NAMED else None
    assert [delta for _, delta in read(text, size, named)] == wanted


def test_lines_are_numbered():
    text = "\n# two\n1 0|0 0\n\n 1 1|0 0\n#\n0\n"
    assert [line for line, _ in read(text)] == [3, 5, 7]
    assert [line for line, _ in read(csv(MIXED))] == [*range(2, 2 + 2 * len(MIXED), 2)]
    assert [line for line, _ in read("# one\n" + synchrowords(MIXED))] == [
        *range(2, 2 + 2 * len(MIXED), 2)
    ]
    flow = "2 2 1 0\n0 0 1 1\n0 1 1 0\n"
    assert [line for line, _ in read(flow, form="synchrowords")] == [1, 2, 3]


def test_a_mark_at_the_beginning_is_no_content():
    assert read("\ufeffdelta\n0\n") == [(2, [[0]])]
    assert read("# ours\n\nn, delta\n1, 0\n") == [(4, [[0]])]


def test_long_lines_and_large_states():
    delta = np.random.default_rng(0).integers(0, 300, (3, 300))
    for text in (f"{format_delta(delta)}\n" * 3, synchrowords([format_delta(delta)] * 3)):
        ((item,),) = read_automata(BytesIO(text.encode()))
        assert item.deltas.dtype == np.uint16
        assert np.array_equal(item.deltas, [delta] * 3)


LINES = [
    ("1 2 x|0 1 0", "letter 0, state 2: 'x' is not an integer"),
    ("1 2 0|0 3 0", "letter 1, state 1: '3' is outside 0..2"),
    ("1 2 0|0 1", "letter 1 has 2 entries, the first has 3"),
    ("1 2 0|0 1 0 0", "letter 1 has 4 entries, the first has 3"),
    ("1 2 0|0 1 0|", "letter 2 has no entries"),
    ("|", "letter 0 has no entries"),
    ("1 2 0,0 1 0", "letter 0, state 2: '0,0' is not an integer"),
    ("1 2 0|0 1 -1", "letter 1, state 2: '-1' is outside 0..2"),
    ("1 2 0|0 1 1000000", "letter 1, state 2: '1000000' is outside 0..2"),
    ("1 2 0|0 1 4294967296", "letter 1, state 2: '4294967296' is outside 0..2"),
    ("1 2 0|0 1 0 # three", "letter 1 has 5 entries, the first has 3"),
    ("1 2 0|0 1 \u0661", "letter 1, state 2: '\u0661' is not an integer"),
    ("0|" * 64 + "0", "k=65 is over the limit of 64 letters"),
    (" ".join(["0"] * 5001), "n=5001 is over the limit of 5000 states"),
]


@pytest.mark.parametrize(("line", "reason"), LINES)
def test_malformed_lines(line, reason):
    good = [[1, 2, 0], [0, 1, 0]]
    text = "\n".join(["1 2 0|0 1 0"] * 3 + [line] + ["1 2 0|0 1 0"] * 2)
    wanted = [(1, good), (2, good), (3, good), (4, reason), (5, good), (6, good)]
    assert read(text) == wanted
    if "," not in line:
        assert read("delta\n" + text) == [(number + 1, item) for number, item in wanted]


def test_unusual_lines_are_read_with_care():
    text = "+1 02 0|0 1 0\n1 2 0\u00a0|0 1 0\n\t1 2  0\t|0\v1 0\n000001 2 0|0 1 0"
    assert read(text) == [(number, [[1, 2, 0], [0, 1, 0]]) for number in range(1, 5)]


def test_malformed_records():
    text = 'a,delta\n1\n2,"0\n1|0 0"\n3,"0"x\n4,\n5,0\n6,"0\n'
    assert read(text) == [
        (2, "the field 'delta' is missing"),
        (3, [[0, 1], [0, 0]]),
        (5, "not a record of CSV: ',' expected after '\"'"),
        (6, "letter 0 has no entries"),
        (7, [[0]]),
        (8, "not a record of CSV: a quoted field has no end"),
    ]


GOOD = "2 3\n1 0 2 1 0 0\n"
CUT = " (nothing after it is read)"


@pytest.mark.parametrize(
    ("middle", "errors", "after"),
    [
        ("2 3\n1 0 2 3 0 0\n", ["letter 1, state 1: '3' is outside 0..2"], 5),
        ("2 3\n1 0 2 1 0\n", ["k=2, n=3: 5 entries, not 6"], 5),
        ("2 3\n1 0 2 1 0 0 2 3\n", ["k=2, n=3: 8 entries, not 6"], 5),
        ("2 3\n", ["k=2, n=3: 2 entries, not 6"], 4),
        ("1 0 2 1 0 0\n", ["'k n' should stand here, not 6 numbers"], 4),
        ("2 3\n1 0 2\n1 0 0\n", ["k=2, n=3: 3 entries, not 6"], 6),
        ("65 3\n1 0 2 1 0 0\n", ["k: '65' is outside 1..64"], 5),
        ("2 x\n1 0 2 1 0 0\n", ["n: 'x' is not an integer"], 5),
        ("2\n", ["'k n' should stand here, not 1 numbers"], 4),
    ],
)
def test_malformed_pairs(middle, errors, after):
    good = [[1, 2, 0], [0, 1, 0]]
    wanted = [(1, good), *((3, f"automaton 1, {error}") for error in errors), (after, good)]
    assert read(GOOD + middle + GOOD) == wanted


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("2", 1, "automaton 0, n: the entry is missing"),
        ("2 3\n", 1, "automaton 0, letter 0, state 0: the entry is missing"),
        ("2 3 1\n0 2 1 0", 1, "automaton 0, letter 1, state 2: the entry is missing"),
        ("1 1 0\n2 2\n0 1 2 0\n1 1 0", 2, "automaton 1, letter 0, state 1: '2' is outside 0..1"),
        ("1 1 0 0 1 0", 1, "automaton 1, k: '0' is outside 1..64"),
        ("1 1 0 1 5001 0", 1, "automaton 1, n: '5001' is outside 1..5000"),
    ],
)
def test_after_malformed_numbers_nothing_is_read(text, line, reason):
    assert read(text, form="synchrowords")[-1] == (line, reason + CUT)


def test_pairs_that_end_too_early():
    assert read(GOOD + "2 3")[1:] == [(3, "automaton 1, k=2, n=3: the entries are missing")]


# --- the command ------------------------------------------------------------------------------


def shown(thresholds: list[int | None]) -> list[str]:
    return ["none" if threshold is None else str(threshold) for threshold in thresholds]


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("form", FORMS)
def test_thresholds_and_words(run, form, workers):
    code, out, err = run(FORMS[form](MIXED), "--workers", workers, *options_of(form))
    assert (code, err) == (0, [])
    fields = [line.split("\t") for line in out]
    assert [field[0] for field in fields] == shown(THRESHOLDS)
    for delta, threshold, (_, *word) in zip(MIXED, THRESHOLDS, fields, strict=True):
        if threshold is None:
            assert word == []
        else:
            letters = parse_word(word[0])
            assert len(letters) == threshold
            assert verify(parse_delta(delta), letters)
    options = ["--workers", workers, "--no-words", *options_of(form)]
    code, out, err = run(FORMS[form](MIXED), *options)
    assert (code, out, err) == (0, shown(THRESHOLDS), [])


@pytest.mark.parametrize("words", [True, False])
@pytest.mark.parametrize("method", ["exact", "greedy", "beam"])
def test_json(run, method, words):
    options = [] if words else ["--no-words"]
    code, out, err = run("\n".join(["# first", *MIXED]), "--json", "--method", method, *options)
    assert (code, err) == (0, [])
    rows = [json.loads(line) for line in out]
    assert [row["line"] for row in rows] == [*range(2, 2 + len(MIXED))]
    for delta, threshold, row in zip(map(parse_delta, MIXED), THRESHOLDS, rows, strict=True):
        assert (row["k"], row["n"]) == delta.shape
        assert row["method"] == method
        assert row["synchronizing"] == (threshold is not None)
        assert (row["word"] is not None) == (words and threshold is not None)
        if threshold is None:
            assert row["threshold"] is row["lower"] is row["upper"] is None
        else:
            assert row["lower"] <= threshold <= row["upper"]
            exact = row["lower"] == row["upper"]
            assert row["threshold"] == (threshold if exact else None)
            assert exact or method != "exact"
        if row["word"] is not None:
            assert len(parse_word(row["word"])) == row["upper"]
            assert verify(delta, parse_word(row["word"]))


@pytest.mark.parametrize("method", ["greedy", "beam"])
def test_short_words_are_bounds(run, method):
    code, out, err = run(f"{format_delta(cerny(40))}\n{STUCK}\n0\n1 1|1 1\n", "--method", method)
    assert (code, err) == (0, [])
    bounds, word = out[0].split("\t")
    assert bounds == f"1..{len(word)}"
    assert len(word) >= 39**2
    assert out[1:] == ["none", "0\t", "1\ta"]


@pytest.mark.parametrize("options", [[], ["--no-words"], ["--json"], ["--workers", "2"]])
def test_malformed_lines_are_named_and_the_rest_is_solved(run, options):
    code, out, err = run("\n".join([*MIXED, "1 2 x|0 1 0", "", "1 2|0 1", *MIXED]), *options)
    assert code == 2
    assert out[: len(MIXED)] == (run("\n".join(MIXED), *options).out)
    assert len(out) == 2 * len(MIXED)
    assert err == [
        "Error: file: line 8: letter 0, state 2: 'x' is not an integer",
        "Error: file: line 10: letter 0, state 1: '2' is outside 0..1",
    ]


def test_a_line_that_is_not_text(run):
    answer = run(b"0 0|0 0\n0 \xff|0 0\n0 0|0 0\n")
    assert (answer.code, answer.out) == (2, ["1\ta", "1\ta"])
    assert answer.err == [r"Error: file: line 2: letter 0, state 1: '\\xff' is not an integer"]
    assert run(b"name,delta\n\xe9,0\n").out == ["0\t"]


@pytest.mark.parametrize("options", [[], ["--no-words"], ["--workers", "2"]])
def test_too_large_for_the_method(run, options):
    large = format_delta(np.zeros((1, 1025), int))
    answer = run(f"0 0|0 0\n{large}\n{large}\n0 0|0 0\n", "--form", "lines", *options)
    assert (answer.code, len(answer.out)) == (2, 2)
    assert len(answer.err) == 2
    for line, error in enumerate(answer.err, 2):
        assert error.startswith(f"Error: file: line {line}: n=1025 is over the limit of")
    assert run(large, "--form", "lines", "--method", "greedy").out == ["1\ta"]


@pytest.mark.parametrize(
    ("content", "code", "message"),
    [
        ("", 3, "file: no automaton: the text is empty"),
        ("\n \n# nothing\n", 3, "file: no automaton: the text is empty"),
        ("hello\n", 3, "file: 'hello' begins no known form: '1 2 0|0 1 0' on each line, 'k n'"),
        ("a,b\n", 3, "file: 'a,b' begins no known form"),
        (b"\xff\xfe0", 3, "file: '\\\\x30' begins no known form"),
        (b"0\x000\x00", 3, "file: not a text: it has a NUL"),
        (b"PAR1\x00\x15", 3, "file: not a text: it has a NUL"),
        (b"PAR1\x15\x04\x15\xf0", 3, "file: not a text in UTF-8"),
    ],
)
def test_files_without_automata(run, content, code, message):
    answer = run(content)
    assert (answer.code, answer.out, len(answer.err)) == (code, [], 1)
    assert answer.err[0].startswith(f"Error: {message}")


def test_forms_that_are_named(run):
    assert run("2 3 1 0 2 1 0 0\n", "--form", "synchrowords").out == ["4\tbaab"]
    assert run("2 3 1 0 2 1 0 0\n", "--form", "lines").out == ["none"]
    answer = run("a,b\n0,1\n", "--form", "csv")
    assert (answer.code, answer.err) == (3, ["Error: file: the header has no column 'delta'"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--method", "best"], "unknown method 'best': one of exact, greedy, beam"),
        (["--time-limit", "0"], "time-limit=0.0 is not positive"),
        (["--time-limit", "nan"], "time-limit=nan is not a finite number"),
        (["--time-limit", "soon"], "'soon' is not a valid float"),
        (["--memory-limit", "0"], "memory-limit=0 is not at least 1"),
        (["--memory-limit", "-1"], "'-1' is not a number of bytes such as 1000000, 500M or 2G"),
        (["--memory-limit", "2X"], "'2X' is not a number of bytes"),
        (["--memory-limit", "1G", "--method", "beam"], "beam has no memory limit: exact has"),
        (["--time-limit", "1", "--method", "greedy"], "greedy has no time limit: exact has"),
        (["--workers", "0"], "--workers"),
        (["--form", "sage"], "'sage' is not one of"),
    ],
)
def test_bad_usage(run, options, message):
    answer = run("0", *options)
    assert (answer.code, answer.out, len(answer.err)) == (2, [], 1)
    assert message in answer.err[0]


@pytest.mark.parametrize(
    ("name", "message"), [("none", "none: no such file"), (".", ".: a folder, not a file")]
)
def test_no_file(run, name, message):
    answer = run("0", name=name)
    assert answer == (3, [], [f"Error: {message}"])


@pytest.mark.parametrize(
    ("text", "count"), [("1", 1), ("500M", 500 << 20), ("2g", 2 << 30), ("1.5K", 1536)]
)
def test_sizes(text, count):
    assert size(text) == count


# --- limits -----------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [True, False])
def test_a_search_that_a_limit_ends(monkeypatch, words):
    def search(delta, *, workers=1, memory_limit, time_limit):
        assert (memory_limit, time_limit) == (10**6, 0.5)
        if delta.shape[1] == 4:
            bounds = ResetBounds(3, 11, (0, 1) * 5 + (0,))
            if words:
                return bounds
            raise LimitReached("time", bounds)
        if not words:
            return naive.reset_threshold(delta)
        word = naive.shortest_reset_word(delta)
        return None if word is None else ResetBounds(len(word), len(word), word)

    monkeypatch.setattr(library, "reset_bounds" if words else "reset_threshold", search)
    config = SolveConfig(words=words, memory_limit=10**6, time_limit=0.5)
    automata = read_automata(BytesIO("\n".join(MIXED).encode()))
    found = [*chain.from_iterable(solve(automata, config))]
    lines = [line for solved in found for line in solved.texts()]
    assert lines[0] == ("3..11\tababababab" + "a" if words else "3..11")
    assert [line.split("\t")[0] for line in lines[1:]] == shown(THRESHOLDS[1:])
    first = json.loads(found[0].jsons()[0])
    assert [first[name] for name in ("synchronizing", "threshold", "lower", "upper")] == [
        *(True, None, 3, 11)
    ]


@pytest.mark.parametrize("options", [["--memory-limit", "10K"], ["--time-limit", "1e-6"]])
def test_what_is_proved_within_limits(run, options):
    delta = np.random.default_rng(3).integers(0, 100, (2, 100))
    code, out, err = run(f"{format_delta(delta)}\n0\n", *options)
    assert (code, err) == (0, [])
    bounds, word = out[0].split("\t")
    lower, upper = map(int, bounds.split(".."))
    assert lower <= 26 <= upper == len(parse_word(word))  # by a search without limits
    assert verify(delta, parse_word(word))
    assert out[1] == "0\t"
    assert run(format_delta(delta), *options, "--no-words").out == [bounds]


# --- as it is solved --------------------------------------------------------------------------


def test_a_line_is_solved_before_the_next_is_read():
    class Stream:
        def __init__(self) -> None:
            self.lines = [f"{delta}\n".encode() for delta in MIXED]
            self.answers = 0

        def read1(self, size: int, /) -> bytes:
            assert self.answers == len(MIXED) - len(self.lines)
            return self.lines.pop(0) if self.lines else b""

    for config in (SolveConfig(), SolveConfig(words=False)):
        stream = Stream()
        for found in solve(read_automata(stream), config):
            stream.answers += sum(len(solved.lines) for solved in found)
        assert stream.answers == len(MIXED)


@pytest.mark.parametrize("words", [True, False])
def test_answers_come_in_the_order_of_the_input(monkeypatch, words):
    rng = np.random.default_rng(0)
    deltas = rng.integers(0, 40, (60, 2, 40), np.uint8)

    def search(delta, **_):
        time.sleep(0.02 if delta[0, 0] % 3 == 0 else 0.002)
        length = int(delta[0, 0])
        return ResetBounds(length, length, (0,) * length) if words else length

    monkeypatch.setattr(library, "reset_bounds" if words else "reset_threshold", search)
    found = solve([[Automata(range(60), deltas)]], SolveConfig(words=words), workers=2)
    assert [length for [solved] in found for length in solved.upper] == deltas[:, 0, 0].tolist()


def test_batches_in_order(monkeypatch):
    rng = np.random.default_rng(1)
    sizes = [(3000, 2, 5), (1, 3, 4), (700, 2, 5), (2, 3, 4), (500, 1, 6)]
    deltas = [rng.integers(0, size[2], size, np.uint8) for size in sizes]
    items = [Automata(range(len(batch)), batch) for batch in deltas]
    no = Malformed(9, "no")
    items = [no, items[0], no, *items[1:], no]
    wanted = [naive.reset_threshold(delta.tolist()) for batch in deltas for delta in batch]
    # no part lasts 60 s, and every part lasts longer than -1 s
    for moment, most in [(60, 20), (-1, 10_000)]:
        monkeypatch.setattr(library, "_MOMENT", moment)
        parts = [*solve([items, items], SolveConfig(words=False), workers=2)]
        assert len(parts) < most
        found = [*chain.from_iterable(parts)]
        assert found.count(no) == 6
        assert found[0] == found[-1] == no
        solved = [item for item in found if item != no]
        assert [length for item in solved for length in item.lower] == wanted * 2
        lines = [line for batch in deltas for line in range(len(batch))]
        assert [line for item in solved for line in item.lines] == lines * 2


@pytest.mark.parametrize("words", [True, False])
def test_an_automaton_that_takes_too_much_memory_is_named(monkeypatch, words):
    """The others of its batch are solved: each alone."""
    alone = "reset_bounds" if words else "reset_threshold"
    whole = getattr(library, alone)

    def search(delta, **rest):
        if delta.any():
            raise MemoryError
        return whole(delta, **rest)

    def together(deltas, **_):
        raise MemoryError

    monkeypatch.setattr(library, alone, search)
    monkeypatch.setattr(library, "shortest_words_of" if words else "thresholds_of", together)
    deltas = np.array([[[0, 0]], [[1, 1]], [[0, 0]]], np.uint8)
    parts = solve([[Automata([7, 8, 9], deltas)]], SolveConfig(words=words))
    first, second, third = [item for part in parts for item in part]
    assert second == Malformed(8, "not enough memory")
    assert first.texts() == third.texts() == ["1\ta" if words else "1"]
    assert [*first.lines, *third.lines] == [7, 9]


@pytest.mark.parametrize("words", [True, False])
def test_a_search_that_memory_ends_leaves_its_bounds(monkeypatch, words):
    """In a batch, where no limit was given."""

    def expand(side, *_):
        raise MemoryError

    monkeypatch.setattr(quick, "_BOTH_ENDS_BITS", 1)
    monkeypatch.setattr(quick, "_FORWARD_BITS", 1)
    monkeypatch.setattr(Frontier, "expand", expand)
    delta = np.random.default_rng(1).integers(0, 30, (1, 2, 30)).astype(np.uint8)
    [[found]] = solve([[Automata([7], delta)]], SolveConfig(words=words))
    lower, upper = found.lower[0], found.upper[0]
    assert 1 <= lower < upper
    assert found.texts()[0].startswith(f"{lower}..{upper}")


def test_a_slow_pipe_and_a_closed_one():
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([*COMMAND, "-", "--workers", "1"], text=True, **pipes) as process:
        for delta, threshold in zip(MIXED, shown(THRESHOLDS), strict=True):
            print(delta, file=process.stdin, flush=True)
            assert process.stdout.readline().rstrip("\n").split("\t")[0] == threshold
        process.stdout.close()
        print(C3, file=process.stdin, flush=True)
        assert process.wait() == 1
        assert process.stderr.read() == ""
        process.stdin.close()


@pytest.mark.parametrize(("busy", "workers"), [(False, "1"), (True, "2")])
def test_interrupted(busy, workers):
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    command = [*COMMAND, "-", "--workers", workers]
    with subprocess.Popen(command, text=True, **pipes) as process:
        print(C3, file=process.stdin, flush=True)
        assert process.stdout.readline() == "4\tbaab\n"
        if busy:  # for hours
            delta = np.random.default_rng(3).integers(0, 900, (2, 900))
            print(f"{format_delta(delta)}\n" * 3, file=process.stdin, flush=True)
            time.sleep(1)
        os.kill(process.pid, signal.SIGINT)
        assert process.wait() == 130
        assert process.stderr.read().split() == ["Error:", "interrupted"]


# --- words between given states ------------------------------------------------------------------


ENDS = [
    {"from_states": (0, 2)},
    {"to_state": 1},
    {"to_rank": 2},
    {"from_states": (2, 1, 2), "to_state": 0},
    {"from_states": (0, 1, 2), "to_rank": 2},
]


@pytest.mark.parametrize("ends", ENDS)
@pytest.mark.parametrize("words", [True, False])
def test_words_between_given_states(run, ends: dict, words: bool) -> None:
    deltas = [C4, "1 0 2|0 1 2", "0 1 2|0 2 1", C3, C9]
    expected = [naive.shortest_word(parse_delta(delta).tolist(), **ends) for delta in deltas]
    options = []
    for name, value in ends.items():
        text = ",".join(map(str, value)) if name == "from_states" else str(value)
        options += ["--target" if name == "to_state" else f"--{name.replace('_', '-')}", text]
    options += [] if words else ["--no-words"]
    for more in ([], ["--time-limit", "100"], ["--workers", "2"]):
        found = run("\n".join(deltas), *options, *more)
        assert found.code == 0
        for line, word in zip(found.out, expected, strict=True):
            length, _, text = line.partition("\t")
            assert length == ("none" if word is None else str(len(word)))
            assert not words or word is None or parse_word(text) == word
    objects = [json.loads(line) for line in run("\n".join(deltas), *options, "--json").out]
    assert [found["threshold"] for found in objects] == [
        None if word is None else len(word) for word in expected
    ]
    assert [found["synchronizing"] for found in objects] == [word is not None for word in expected]
    asked = ("from_states", "to_state", "to_rank")
    stated = {name: list(own) if name == "from_states" else own for name, own in ends.items()}
    for found in objects:
        assert {name: found[name] for name in asked if name in found} == stated


def test_states_that_an_automaton_lacks_are_named_by_its_line(run) -> None:
    for words in ([], ["--no-words"]):
        found = run(f"{C4}\n{C3}\n{C4}", "--target", "3", *words)
        assert found.code == 2 and len(found.out) == 2
        assert found.err == ["Error: file: line 2: state 3 is not in 0..2"]
        found = run(f"{C3}\n{C4}", "--to-rank", "4", *words)
        assert found.code == 2 and len(found.out) == 1
        assert found.err == ["Error: file: line 1: rank 4 is not in 1..3"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--from-states", ""], "'' is not a list of states such as 0,3,5"),
        (["--from-states", "0,-1"], "'0,-1' is not a list of states such as 0,3,5"),
        (["--from-states", "0,,1"], "'0,,1' is not a list of states such as 0,3,5"),
        (["--target", "-1"], "to-state=-1 is not at least 0"),
        (["--to-rank", "0"], "to-rank=0 is not at least 1"),
        (["--target", "0", "--to-rank", "1"], "to-state and to-rank: a word ends in one state"),
        (["--to-rank", "2", "--method", "beam"], "beam has no to-rank: exact has"),
    ],
)
def test_words_that_cannot_be_asked_for(run, options: list[str], message: str) -> None:
    found = run(C4, *options)
    assert found.code == 2 and not found.out
    assert message in found.err[-1]


def test_a_limit_where_no_word_is_known(run) -> None:
    half = format_delta(np.concatenate([cerny(30), cerny(30) + 30], axis=1))
    options = ["--from-states", "1,2,3,5,8,13,21,34", "--time-limit", "0.000001"]
    assert run(half, *options).out == ["1.."]
    (found,) = map(json.loads, run(half, *options, "--json").out)
    assert found["lower"] == 1
    assert found["synchronizing"] is found["threshold"] is found["upper"] is found["word"] is None


def test_settings_of_words_between_states() -> None:
    for wrong in ({"from_states": ()}, {"from_states": (0.5,)}, {"from_states": (-1,)}):
        with pytest.raises(ValueError, match="from-states is empty|state=(0.5|-1) is not"):
            SolveConfig(**wrong)
