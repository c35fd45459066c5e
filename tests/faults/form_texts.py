"""The text forms of `solve`: writers of samples, and small strict readers of our own.

A reader returns the automata by the number of the line where each begins. Where it finds none, an
answer of `solve` is one too many.
"""

from __future__ import annotations

import csv
import io
import json
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator, Sequence

Delta = list[list[int]]
Read = dict[int, Delta]


def automaton(rows: Sequence[Sequence[str]], first: int = 0) -> Delta | None:
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


def kept(text: str) -> list[tuple[int, str]]:
    """Lines that count, with their numbers."""
    lines = enumerate(text.split("\n"), 1)
    return [(i, line) for i, line in lines if line.strip() and not line.lstrip().startswith("#")]


def blocks(text: str) -> Iterator[tuple[int, str]]:
    """Parts between blank lines, with the numbers of their first lines that count."""
    part: list[tuple[int, str]] = []
    for number, line in [*enumerate(text.split("\n"), 1), (0, "")]:
        if line.strip():
            part += [(number, line)] if not line.lstrip().startswith("#") else []
        elif part:
            yield part[0][0], "\n".join(line for _, line in part)
            part = []


def in_blocks(read: Callable[[str], Delta | None]) -> Callable[[str], Sequence[Read]]:
    """A form with an automaton in each part; or with one alone, whatever blank lines it has."""

    def reading(text: str) -> Sequence[Read]:
        found = {line: delta for line, part in blocks(text) if (delta := read(part)) is not None}
        lines, whole = kept(text), read(text)
        return [found] if whole is None else [{lines[0][0]: whole}, found]

    return reading


# --- numbers -----------------------------------------------------------------------------------


def line_of(delta: Delta) -> str:
    """Our one-line form."""
    return "|".join(" ".join(map(str, row)) for row in delta)


def parse_lines(text: str) -> Sequence[Read]:
    """Our form."""
    found = {}
    for number, line in kept(text):
        delta = automaton([part.split() for part in line.split("|")])
        if delta is not None:
            found[number] = delta
    return [found]


def format_synchrowords(deltas: Sequence[Delta], states_first: bool = False) -> str:
    """Sizes, and entries state by state."""
    lines = []
    for delta in deltas:
        sizes = [len(delta), len(delta[0])]
        lines.append(" ".join(map(str, sizes[:: -1 if states_first else 1])))
        lines.append(" ".join(str(row[q]) for q in range(sizes[1]) for row in delta))
    return "\n".join(lines) + "\n"


def parse_synchrowords(text: str, states_first: bool = False) -> Sequence[Read]:
    """Two lines an automaton, or one token after the other until something is wrong."""
    lines = [(number, line.split()) for number, line in kept(text)]
    pairs: Read = {}
    for (number, sizes), (_, entries) in zip(lines, lines[1:], strict=False):
        if len(sizes) == 2 and (delta := _state_major(sizes, entries, states_first)) is not None:
            pairs[number] = delta
    tokens = [(number, token) for number, line in lines for token in line]
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
        stream.setdefault(tokens[at][0], delta)
        at += 2 + length
    return [pairs, stream]


def _state_major(sizes: Sequence[str], entries: Sequence[str], states_first: bool) -> Delta | None:
    if not all(re.fullmatch(r"\+?[0-9]{1,4}", size) for size in sizes):
        return None
    k, n = (int(size) for size in sizes[:: -1 if states_first else 1])
    if len(entries) != n * k or n * k == 0:
        return None
    return automaton([entries[letter::k] for letter in range(k)])


def read_contest_letters(text: str) -> Sequence[Read]:
    """Sizes ``n k`` and a line for each letter, until something is wrong."""
    lines = [(number, line.split()) for number, line in kept(text)]
    found: Read = {}
    at = 0
    while at < len(lines):
        number, sizes = lines[at]
        if len(sizes) != 2 or not all(re.fullmatch(r"\+?[0-9]{1,4}", size) for size in sizes):
            break
        n, k = map(int, sizes)
        rows = [row for _, row in lines[at + 1 : at + 1 + k]]
        delta = automaton(rows)
        if delta is None or (len(rows[0]), len(rows)) != (n, k):
            break
        found[number] = delta
        at += 1 + k
    return [found]


def write_table(deltas: Sequence[Delta], a_line_a_letter: bool) -> str:
    """A line for each state, or for each letter."""
    rows = deltas[0] if a_line_a_letter else [*zip(*deltas[0], strict=True)]
    return "".join(f"{' '.join(map(str, row))}\n" for row in rows)


def read_table(text: str, a_line_a_letter: bool) -> Delta | None:
    """A table."""
    rows = [re.split(r"\s*[,;]\s*|\s+", line.strip()) for _, line in kept(text)]
    if not a_line_a_letter:
        if len({len(row) for row in rows}) != 1:
            return None
        rows = [[*column] for column in zip(*rows, strict=True)]
    return automaton(rows)


# --- CSV ---------------------------------------------------------------------------------------


def write_csv(deltas: Sequence[Delta]) -> str:
    """A table with quotations and line ends."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["name", "delta", "note"])
    for number, delta in enumerate(deltas):
        note = 'a "note"\nof two lines' if number % 3 else ""
        writer.writerow([f"no {number}", line_of(delta), note])
    return out.getvalue()


def read_csv(text: str) -> Sequence[Read]:
    """As any CSV with a column delta, by each delimiter whose header has one."""
    found = [own for mark in ",;\t" if (own := _read_csv_by(text, mark)) is not None]
    return found or [{}]


def read_each_record(text: str) -> Read:
    """Every line that could be a record of CSV: where reading begins anew after an error."""
    lines = text.split("\n")
    header = next((line for line in lines if "delta" in line), "")
    found: Read = {}
    for mark in ",;\t":
        for number, line in enumerate(lines, 1):
            for own in (_read_csv_by(f"{header}\n{line}\n", mark) or {}).values():
                found[number] = own
    return found


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
                delta = automaton([part.split() for part in row[place].split("|")])
                if delta is not None:
                    found[line] = delta
    except csv.Error:
        pass
    return None if place is None else found


# --- arrows ------------------------------------------------------------------------------------


def from_arrows(arrows: Sequence[tuple[str, str, str]]) -> Delta | None:
    """The automaton of (source, letter, target), names numbered in some order."""
    targets = dict[tuple[str, str], str]()
    for source, letter, target in arrows:
        if targets.setdefault((letter, source), target) != target:
            return None
    letters = sorted({letter for _, letter, _ in arrows})
    states = [*dict.fromkeys(name for source, _, target in arrows for name in (source, target))]
    if not letters or len(targets) != len(letters) * len(states):
        return None
    return automaton([[str(states.index(targets[a, q])) for q in states] for a in letters])


EDGE_ORDERS = {"target-last": (0, 1, 2), "letter-last": (0, 2, 1), "letter-first": (1, 0, 2)}
"""Where source, letter and target stand."""


def write_edges(deltas: Sequence[Delta], order: str) -> str:
    """An arrow a line."""
    lines = []
    for a, row in enumerate(deltas[0]):
        for q, target in enumerate(row):
            parts = [""] * 3
            for place, part in zip(EDGE_ORDERS[order], (q, chr(97 + a), target), strict=True):
                parts[place] = str(part)
            lines.append(" ".join(parts))
    return "\n".join(lines) + "\n"


def read_edges(text: str, order: str) -> Delta | None:
    """Arrows."""
    words = [re.split(r"[\s,;]+", line.strip()) for _, line in kept(text)]
    if any(len(parts) != 3 for parts in words):
        return None
    plain = [[re.sub("^0+(?=[0-9]+$)", "", part) for part in parts] for parts in words]
    one, two, three = EDGE_ORDERS[order]
    return from_arrows([(parts[one], parts[two], parts[three]) for parts in plain])


def write_dot(deltas: Sequence[Delta]) -> str:
    """A graph."""
    edges = [
        f'  {q} -> {target} [label="{chr(97 + a)}"];'
        for a, row in enumerate(deltas[0])
        for q, target in enumerate(row)
    ]
    return "\n".join(["digraph automaton {", "node [shape=circle];", *edges, "}"]) + "\n"


def read_dot(text: str) -> Sequence[Read]:
    """Graphs, one after the other."""
    found = {}
    for graph in re.finditer(r"(strict\s+)?digraph[^{]*\{([^}]*)\}", text):
        delta = from_arrows([*_dot_arrows(graph[2])])
        if delta is not None:
            found[1 + text.count("\n", 0, graph.start())] = delta
    return [found]


def _dot_arrows(text: str) -> Iterator[tuple[str, str, str]]:
    name = r'("(?:[^"\\]|\\.)*"|[\w.-]+)'
    for source, target, attributes in re.findall(rf"{name}\s*->\s*{name}\s*\[([^]]*)\]", text):
        label = re.search(r'label\s*=\s*(?:"([^"]*)"|([\w.]+))', attributes)
        words = (label[1] or label[2] or "").strip() if label else ""
        for letter in re.split(r"[,\s]+", words) if words else ():
            yield source.strip('"'), letter, target.strip('"')


def write_jff(deltas: Sequence[Delta]) -> str:
    """A file of JFLAP."""
    states = [f'<state id="{q}" name="q{q}"/>' for q in range(len(deltas[0][0]))]
    moves = [
        f"<transition><from>{q}</from><to>{target}</to><read>{chr(97 + a)}</read></transition>"
        for a, row in enumerate(deltas[0])
        for q, target in enumerate(row)
    ]
    inner = "\n".join([*states, *moves])
    return f"<structure><type>fa</type><automaton>\n{inner}\n</automaton></structure>\n"


def read_jff(text: str) -> Delta | None:
    """A file of JFLAP."""
    try:
        root = ElementTree.fromstring(text.strip())
    except (ElementTree.ParseError, ValueError):
        return None
    ids = {state.get("id", "").strip() for state in root.iter("state")}
    arrows = []
    for move in root.iter("transition"):
        source, letter, target = (
            move.findtext(name, "").strip() for name in ("from", "read", "to")
        )
        arrows.append((source, letter, target))
    return from_arrows(arrows) if ids == {source for source, _, _ in arrows} else None


# --- lists -------------------------------------------------------------------------------------


def read_json(text: str, a_list_a_state: bool = False) -> Sequence[Read]:
    """Nested lists, one after the other, each the images under the letters, or of the states."""
    found, at, decoder = {}, 0, json.JSONDecoder()
    while match := re.compile(r"\s*(?=\S)").match(text, at):
        try:
            tree, end = decoder.raw_decode(text, match.end())
        except (ValueError, RecursionError):
            break
        rows = tree if isinstance(tree, list) else [tree]
        if a_list_a_state and len({len(row) for row in rows if isinstance(row, list)}) == 1:
            rows = [[*column] for column in zip(*rows, strict=True)]
        if all(isinstance(row, list) and all(type(q) is int for q in row) for row in rows):
            delta = automaton([[str(q) for q in row] for row in rows])
            if delta is not None:
                found[1 + text.count("\n", 0, match.end())] = delta
        at = end
    return [found]


def write_gap(deltas: Sequence[Delta]) -> str:
    """Lists that count from 1."""
    rows = ", ".join(f"[ {', '.join(str(q + 1) for q in row)} ]" for row in deltas[0])
    return f"[ {rows} ]\n"


def read_gap(text: str) -> Sequence[Read]:
    """Lists of lists, one after the other."""
    found = {}
    for table in re.finditer(r"\[\s*\[[^][]*\](\s*,\s*\[[^][]*\])*\s*,?\s*\]", text):
        rows = re.findall(r"\[([^][]*)\]", table[0][1:])
        delta = automaton([[token.strip() for token in row.split(",")] for row in rows], first=1)
        if delta is not None:
            found.setdefault(1 + text.count("\n", 0, table.start()), delta)
    return [found]
