"""The text forms of `solve`: samples of each, and readers of our own that judge the answers.

A reader here is strict and small. It returns the automata by the number of the line where each
begins; where it finds none, an answer of `solve` is one too many.
"""

from __future__ import annotations

import csv
import io
import json
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import permutations
from typing import Any, NamedTuple

from tests import naive

Delta = list[list[int]]
Read = dict[int, Delta]

SAMPLES: Sequence[Delta] = (
    [[1, 2, 3, 0], [1, 1, 2, 3]],
    [[1, 2, 0], [0, 1, 0]],
    [[0, 0], [1, 0]],
    [[1, 0, 3, 2], [1, 1, 1, 1], [2, 3, 0, 1]],
    [[1, 0], [0, 1]],
    [[1, 2, 3, 4, 0], [1, 1, 2, 3, 4]],
    [[3, 3, 0, 1], [2, 0, 0, 3]],
    [[0, 0, 1], [1, 2, 2]],
)
_MOST_STATES = 12
"""Larger automata than in the samples are not judged, only their words."""


class Form(NamedTuple):
    """A text form."""

    write: Callable[[Sequence[Delta]], str]
    read: Callable[[str], Sequence[Read]]
    """The readings that are right."""
    named: bool = False
    """Whether letters have names, so that the form does not say which comes first."""


def wrong_answers(text: str, form: str, said: str, complaints: int) -> str:
    """What is wrong with the JSON lines of `solve` for a text, "" if nothing is."""
    readings = FORMS[form].read(text)
    if complaints and form == "csv":  # after what is no CSV, reading begins anew on some line
        readings = [*readings, _read_each_line(text, readings[0])]
    answers = [json.loads(line) for line in said.splitlines()]
    named = FORMS[form].named
    found = [_first_wrong(reading, answers, complaints, named) for reading in readings]
    return "" if "" in found else found[0]


def _first_wrong(
    reading: Read, answers: Sequence[Mapping[str, Any]], complaints: int, named: bool
) -> str:
    for answer in answers:
        delta = reading.get(answer["line"])
        if delta is None:
            return f"line {answer['line']} holds no automaton, but {answer} was said"
        orders = permutations(delta) if named and len(delta) <= 4 else [delta]
        found = [_wrong([*order], answer) for order in orders]
        told = "" if "" in found else found[0]
        if told:
            return f"line {answer['line']}, {delta}: {told}"
    lost = reading.keys() - {answer["line"] for answer in answers}
    if lost and not complaints:
        return f"nothing was said of line {min(lost)}: {reading[min(lost)]}"
    return ""


def _wrong(delta: Delta, answer: Mapping[str, Any]) -> str:
    k, n = len(delta), len(delta[0])
    if (answer["n"], answer["k"]) != (n, k):
        return f"n={answer['n']}, k={answer['k']}"
    threshold, word = answer["threshold"], answer["word"]
    if answer["lower"] != threshold or answer["upper"] != threshold:
        return f"bounds {answer['lower']}..{answer['upper']}"
    if n <= _MOST_STATES and threshold != _threshold(tuple(map(tuple, delta))):
        return f"threshold {threshold}"
    if (word is None) != (threshold is None):
        return f"word {word}"
    letters = [] if word is None else _letters(word)
    if word is not None and len(letters) != threshold:
        return f"a word of {len(letters)} letters"
    if word is not None and len(naive.apply(delta, range(n), letters)) != 1:
        return f"the word {word} does not reset it"
    return ""


@cache
def _threshold(delta: tuple[tuple[int, ...], ...]) -> int | None:
    return naive.reset_threshold(delta)


def _letters(word: str) -> list[int]:
    """Letters a..z, then a1..z1, a2..: as docs/formats.md has them."""
    parts = re.findall("([a-z])([0-9]*)", word)
    return [ord(letter) - 97 + 26 * int(number or 0) for letter, number in parts]


def _automaton(rows: Sequence[Sequence[str]], first: int = 0) -> Delta | None:
    """Letter-major tokens as an automaton, None where they are none."""
    n = len(rows[0]) if rows else 0
    if n == 0 or len(rows) > 64 or any(len(row) != n for row in rows):
        return None
    delta = []
    for row in rows:
        if not all(re.fullmatch("[+-]?[0-9]{1,9}", token) for token in row):
            return None
        delta.append([int(token) - first for token in row])
    return delta if all(0 <= state < n for row in delta for state in row) else None


def _kept(text: str) -> list[tuple[int, str]]:
    """Lines that count, with their numbers."""
    lines = enumerate(text.split("\n"), 1)
    return [(i, line) for i, line in lines if line.strip() and not line.lstrip().startswith("#")]


def _line(delta: Delta) -> str:
    return "|".join(" ".join(map(str, row)) for row in delta)


def _read_lines(text: str) -> Sequence[Read]:
    found = {}
    for number, line in _kept(text):
        delta = _automaton([part.split() for part in line.split("|")])
        if delta is not None:
            found[number] = delta
    return [found]


def _write_csv(deltas: Sequence[Delta]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["name", "delta", "note"])
    for number, delta in enumerate(deltas):
        writer.writerow(
            [f"no {number}", _line(delta), 'a "note"\nof two lines' if number % 3 else ""]
        )
    return out.getvalue()


def _read_csv(text: str) -> Sequence[Read]:
    """As any CSV with a column delta, by each delimiter whose header has one."""
    return [found for mark in ",;\t" if (found := _read_csv_by(text, mark)) is not None] or [{}]


def _read_csv_by(text: str, mark: str) -> Read | None:
    found: Read = {}
    lines = re.findall(r"[^\n]*\n|[^\n]+", text.removeprefix("\ufeff"))
    reader = csv.reader(lines, delimiter=mark)
    place, begin = None, 1
    try:
        for row in reader:
            line, begin = begin, reader.line_num + 1
            if place is None:
                names = [name.strip() for name in row]
                place = names.index("delta") if names.count("delta") else None
                continue
            if len(row) > place:
                delta = _automaton([part.split() for part in row[place].split("|")])
                if delta is not None:
                    found[line] = delta
    except csv.Error:
        pass
    return None if place is None else found


def _read_each_line(text: str, reading: Read) -> Read:
    """A reading, and every line that could be a record."""
    lines = text.split("\n")
    header = next((line for line in lines if "delta" in line), "")
    found: Read = {}
    for mark in ",;\t":
        for number, line in enumerate(lines, 1):
            for own in (_read_csv_by(f"{header}\n{line}\n", mark) or {}).values():
                found[number] = own
    return found | reading


def _write_synchrowords(deltas: Sequence[Delta], states_first: bool = False) -> str:
    lines = []
    for delta in deltas:
        sizes = [len(delta), len(delta[0])]
        lines.append(" ".join(map(str, sizes[:: -1 if states_first else 1])))
        lines.append(" ".join(str(row[q]) for q in range(sizes[1]) for row in delta))
    return "\n".join(lines) + "\n"


def _read_synchrowords(text: str, states_first: bool = False) -> Sequence[Read]:
    """Two lines an automaton, or one token after the other until something is wrong."""
    kept = [(number, line.split()) for number, line in _kept(text)]
    pairs: Read = {}
    for (number, sizes), (_, entries) in zip(kept, kept[1:], strict=False):
        if len(sizes) == 2 and (delta := _state_major(sizes, entries, states_first)) is not None:
            pairs[number] = delta
    tokens = [(number, token) for number, line in kept for token in line]
    stream: Read = {}
    at = 0
    while at + 2 <= len(tokens):
        sizes = [token for _, token in tokens[at : at + 2]]
        if not all(re.fullmatch(r"\+?[0-9]{1,4}", size) for size in sizes):
            break
        length = int(sizes[0]) * int(sizes[1])
        entries = [token for _, token in tokens[at + 2 : at + 2 + length]]
        delta = _state_major(sizes, entries, states_first)
        if delta is None:
            break
        stream[tokens[at][0]] = delta
        at += 2 + length
    return [pairs, stream]


def _state_major(sizes: Sequence[str], entries: Sequence[str], states_first: bool) -> Delta | None:
    if not all(re.fullmatch(r"\+?[0-9]{1,4}", size) for size in sizes):
        return None
    k, n = (int(size) for size in sizes[:: -1 if states_first else 1])
    if len(entries) != n * k or n * k == 0:
        return None
    return _automaton([entries[letter::k] for letter in range(k)])


def _whole(read: Callable[[str], Delta | None]) -> Callable[[str], Sequence[Read]]:
    """A form with one automaton a file, on whatever line it begins."""

    def reading(text: str) -> Sequence[Read]:
        delta = read(text)
        last = text.count("\n") + 1
        return [{}] if delta is None else [{line: delta} for line in range(1, last + 1)]

    return reading


def _write_dot(deltas: Sequence[Delta]) -> str:
    edges = [
        f'  {q} -> {target} [label="{chr(97 + a)}"];'
        for a, row in enumerate(deltas[0])
        for q, target in enumerate(row)
    ]
    return "\n".join(["digraph automaton {", "node [shape=circle];", *edges, "}"]) + "\n"


def _read_dot(text: str) -> Delta | None:
    arrows = []
    name = r'("(?:[^"\\]|\\.)*"|[\w.-]+)'
    for source, target, attributes in re.findall(rf"{name}\s*->\s*{name}\s*\[([^]]*)\]", text):
        label = re.search(r'label\s*=\s*(?:"([^"]*)"|([\w.]+))', attributes)
        for letter in re.split(r"[,\s]+", (label[1] or label[2] or "").strip()) if label else ():
            arrows.append((source.strip('"'), letter, target.strip('"')))
    return _from_arrows(arrows)


def _from_arrows(arrows: Sequence[tuple[str, str, str]]) -> Delta | None:
    """The automaton of (source, letter, target), names numbered in some order."""
    targets = dict[tuple[str, str], str]()
    for source, letter, target in arrows:
        if targets.setdefault((letter, source), target) != target:
            return None
    letters = sorted({letter for _, letter, _ in arrows})
    states = [*dict.fromkeys(name for source, _, target in arrows for name in (source, target))]
    if not letters or len(targets) != len(letters) * len(states):
        return None
    rows = [[str(states.index(targets[a, q])) for q in states] for a in letters]
    return _automaton(rows)


def _write_edges(deltas: Sequence[Delta], letter_last: bool) -> str:
    lines = []
    for a, row in enumerate(deltas[0]):
        for q, target in enumerate(row):
            parts = (q, target, chr(97 + a)) if letter_last else (q, chr(97 + a), target)
            lines.append(" ".join(map(str, parts)))
    return "\n".join(lines) + "\n"


def _read_edges(text: str, letter_last: bool) -> Delta | None:
    words = [line.replace(",", " ").split() for _, line in _kept(text)]
    if any(len(parts) != 3 for parts in words):
        return None
    order = (0, 2, 1) if letter_last else (0, 1, 2)
    return _from_arrows([(parts[order[0]], parts[order[1]], parts[order[2]]) for parts in words])


def _read_table(text: str, a_line_a_letter: bool) -> Delta | None:
    rows = [line.split() for _, line in _kept(text)]
    if not a_line_a_letter:
        if len({len(row) for row in rows}) != 1:
            return None
        rows = [[*column] for column in zip(*rows, strict=True)]
    return _automaton(rows)


def _write_table(deltas: Sequence[Delta], a_line_a_letter: bool) -> str:
    rows = deltas[0] if a_line_a_letter else [*zip(*deltas[0], strict=True)]
    return "".join(f"{' '.join(map(str, row))}\n" for row in rows)


def _write_contest(deltas: Sequence[Delta]) -> str:
    return f"{len(deltas[0][0])} {len(deltas[0])}\n{_write_table(deltas, False)}"


def _write_jff(deltas: Sequence[Delta]) -> str:
    states = [f'<state id="{q}" name="q{q}"/>' for q in range(len(deltas[0][0]))]
    moves = [
        f"<transition><from>{q}</from><to>{target}</to><read>{chr(97 + a)}</read></transition>"
        for a, row in enumerate(deltas[0])
        for q, target in enumerate(row)
    ]
    inner = "\n".join([*states, *moves])
    return f"<structure><type>fa</type><automaton>\n{inner}\n</automaton></structure>\n"


def _read_jff(text: str) -> Delta | None:
    try:
        root = ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError):
        return None
    ids = {state.get("id", "").strip() for state in root.iter("state")}
    arrows = []
    for move in root.iter("transition"):
        source, letter, target = (
            move.findtext(name, "").strip() for name in ("from", "read", "to")
        )
        arrows.append((source, letter, target))
    return _from_arrows(arrows) if ids == {source for source, _, _ in arrows} else None


def _read_json(text: str) -> Delta | None:
    try:
        tree = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(tree, list) or not all(isinstance(row, list) for row in tree):
        return None
    if not all(type(state) is int for row in tree for state in row):
        return None
    return _automaton([[str(state) for state in row] for row in tree])


def _write_gap(deltas: Sequence[Delta]) -> str:
    rows = ", ".join(f"[ {', '.join(str(q + 1) for q in row)} ]" for row in deltas[0])
    return f"[ {rows} ]\n"


def _read_gap(text: str) -> Delta | None:
    body = text.strip().removesuffix(";").strip()
    if not re.fullmatch(r"\[\s*\[[^][]*\](\s*,\s*\[[^][]*\])*\s*,?\s*\]", body):
        return None
    rows = re.findall(r"\[([^][]*)\]", body)
    return _automaton([[token.strip() for token in row.split(",")] for row in rows], first=1)


def _edges(letter_last: bool) -> Form:
    return Form(
        lambda deltas: _write_edges(deltas, letter_last),
        _whole(lambda text: _read_edges(text, letter_last)),
        named=True,
    )


def _table(a_line_a_letter: bool) -> Form:
    return Form(
        lambda deltas: _write_table(deltas, a_line_a_letter),
        _whole(lambda text: _read_table(text, a_line_a_letter)),
    )


FORMS: dict[str, Form] = {
    "lines": Form(lambda deltas: "".join(f"{_line(delta)}\n" for delta in deltas), _read_lines),
    "csv": Form(_write_csv, _read_csv),
    "synchrowords": Form(_write_synchrowords, _read_synchrowords),
    "synchrowords-1.0": Form(
        lambda deltas: _write_synchrowords(deltas, states_first=True),
        lambda text: _read_synchrowords(text, states_first=True),
    ),
    "contest": Form(_write_contest, lambda text: _read_synchrowords(text, states_first=True)[1:]),
    "table": _table(False),
    "table-letters": _table(True),
    "edges-target-last": _edges(False),
    "edges-letter-last": _edges(True),
    "dot": Form(_write_dot, _whole(_read_dot), named=True),
    "jff": Form(_write_jff, _whole(_read_jff), named=True),
    "json": Form(lambda deltas: json.dumps(deltas[0]) + "\n", _whole(_read_json)),
    "gap": Form(_write_gap, _whole(_read_gap)),
}
FORMS["letters"], FORMS["edges-letter-second"] = FORMS["table-letters"], FORMS["edges-target-last"]


def known_forms() -> list[str]:
    """The forms above that this version of `solve` reads."""
    import pipeline

    (form,) = (o for o in pipeline.cli.commands["solve"].params if o.name == "form")
    return [name for name in FORMS if name in form.type.choices]
