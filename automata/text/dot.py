"""Automata as DOT graphs: ours, and those of Graphviz and other tools."""

from __future__ import annotations

import re
from collections.abc import Iterator

from automata.deltas import Deltas
from automata.errors import AutomatonError
from automata.text.names import Transition, table_of_transitions
from automata.text.tokens import split_tokens

_SKIPPED = re.compile(r"(?:\s++|//[^\n]*|/\*.*?\*/|(?:(?<=\n)|\A)#[^\n]*)++", re.DOTALL)
_TOKEN = re.compile(
    r'->|--|"[^"\\]*+(?:\\.[^"\\]*+)*+"|-?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)|[^\W\d]\w*|[][{};,=:+]',
    re.DOTALL,
)
_ASKING = ("->", "--", "=", ":", "+", ",")  # a statement does not end with these,
_JOINING = (*_ASKING, ";", "[", "]")  # and does not begin with these
_NAME = re.compile(r"[a-z][1-9]|[0-9]+|\w")
_BETWEEN = re.compile(r"(?:\s|,|\\[nlr])+")


def parse_dot(text: str, *, partial: bool = False) -> Deltas:
    """Read a directed graph whose edges are labelled ``a`` or ``a,b``.

    Parameters
    ----------
    text : str
        One graph. States may have any names; `automata.text.names` numbers states and letters. An
        edge without a label is the arrow to an initial state if nothing else touches its source.
    partial : bool
        Whether edges may be missing, so that letters are undefined on states. Then the attribute
        ``letters`` of the graph, such as ``letters="a,b"``, may name letters without edges.

    Returns
    -------
    array of states, shape (k, n)
        `automata.deltas.UNDEFINED` where a letter is undefined.

    Raises
    ------
    AutomatonError
        If the text is no such graph, or a letter leads a state nowhere or to two states.

    Examples
    --------
    >>> parse_dot('digraph { even -> odd [label="a,b" pos="e,1,2"]; odd -> even [label=a];'
    ...           'odd -> odd [label=b] }').tolist()
    [[1, 0], [1, 1]]
    """
    tokens, _ = split_tokens(text, _TOKEN, _SKIPPED, "DOT")
    start = tokens.index("{") if "{" in tokens else -1
    head = [sign.lower() for sign in tokens[: max(start, 0)]]
    if head[:1] == ["strict"]:
        del head[0]
    if head[:1] == ["graph"]:
        raise AutomatonError("not a DOT graph of an automaton: its edges have no direction")
    if head[:1] != ["digraph"] or len(head) > 2:
        raise AutomatonError("not a DOT graph: it does not begin with 'digraph {'")
    if tokens[-1] != "}" or tokens.count("{") != 1 or tokens.count("}") != 1:
        raise AutomatonError("not one DOT graph without parts: one pair of braces is wanted")
    nodes: dict[str, None] = {}
    edges: list[tuple[str, str, str | None]] = []
    letters: list[str] = []
    for statement in _statements(tokens[start + 1 : -1]):
        if partial and len(statement) == 3 and statement[:2] == ["letters", "="]:
            letters += split_label(_text(statement[2]))
        else:
            _read_statement(statement, nodes, edges)
    if not edges and not letters:
        raise AutomatonError("a DOT graph without edges is no automaton")
    arrows = _arrows(edges)
    states = [node for node in nodes if node not in arrows]
    return table_of_transitions(_transitions(edges, arrows), states, letters, partial=partial)


def _statements(tokens: list[str]) -> Iterator[list[str]]:
    """Cut tokens into statements: at semicolons, or where the next statement begins."""
    statement: list[str] = []
    in_list = False
    for sign in tokens:
        ended = bool(statement) and sign not in _JOINING and statement[-1] not in _ASKING
        if ended and not in_list:
            yield statement
            statement = []
        if sign == ";" and not in_list:
            if statement:
                yield statement
            statement = []
            continue
        in_list = (in_list or sign == "[") and sign != "]"
        statement.append(sign)
    if in_list:
        raise AutomatonError("DOT: a list of attributes has no end")
    if statement:
        yield statement


def _read_statement(
    statement: list[str], nodes: dict[str, None], edges: list[tuple[str, str, str | None]]
) -> None:
    """Add the nodes and edges of a statement."""
    place = statement.index("[") if "[" in statement else len(statement)
    ids, attributes = statement[:place], _attributes(statement[place:])
    if ids[:1] and ids[0].lower() in ("graph", "node", "edge", "subgraph"):
        if ids[0].lower() == "subgraph" or (ids[0].lower() == "edge" and "label" in attributes):
            raise AutomatonError(f"DOT: {' '.join(statement)[:60]!r} is not read")
        return
    if len(ids) == 3 and ids[1] == "=":
        return
    chain = _without_ports(ids)
    names, arrows = chain[::2], chain[1::2]
    if len(chain) % 2 == 0 or set(arrows) - {"->"} or not all(map(_is_id, names)):
        raise AutomatonError(f"DOT: {' '.join(statement)[:60]!r} is no edge p -> q [label=a]")
    names = [_text(name) for name in names]
    nodes.update(dict.fromkeys(names))
    for source, target in zip(names, names[1:], strict=False):
        edges.append((source, target, attributes.get("label")))


def _without_ports(ids: list[str]) -> list[str]:
    """Drop ``:port`` after nodes."""
    kept: list[str] = []
    skip = False
    for sign in ids:
        if skip or sign == ":":
            skip = sign == ":"
            continue
        kept.append(sign)
    return kept


def _attributes(tokens: list[str]) -> dict[str, str]:
    """Read ``[name=value, ...]``, one list after the other."""
    found: dict[str, str] = {}
    words = [sign for sign in tokens if sign not in ("[", "]", ",", ";")]
    at = 0
    while at < len(words):
        if words[at + 1 : at + 2] != ["="] or at + 2 >= len(words):
            raise AutomatonError(f"DOT: {' '.join(words[at : at + 3])[:60]!r} is no attribute")
        name = _text(words[at])
        if name == "label" and name in found:
            raise AutomatonError("DOT: an edge has two labels")
        found[name] = _text(words[at + 2])
        at += 3
    return found


def _is_id(sign: str) -> bool:
    return sign[0] in '"-.' or sign[0].isalnum() or sign[0] == "_"


def _text(sign: str) -> str:
    """Return an identifier without its quotes."""
    if sign[0] != '"':
        return sign
    return sign[1:-1].replace("\\\n", "").replace('\\"', '"')


def _arrows(edges: list[tuple[str, str, str | None]]) -> set[str]:
    """Return the nodes that are only the tail of an arrow to an initial state."""
    leaving: dict[str, int] = {}
    for source, _, _ in edges:
        leaving[source] = leaving.get(source, 0) + 1
    targets = {target for _, target, _ in edges}
    return {
        source
        for source, _, label in edges
        if not (label or "").strip() and leaving[source] == 1 and source not in targets
    }


def _transitions(
    edges: list[tuple[str, str, str | None]], arrows: set[str]
) -> Iterator[Transition]:
    for source, target, label in edges:
        if source in arrows:
            continue
        letters = split_label(label or "")
        if not letters:
            raise AutomatonError(f"DOT: the edge {source[:20]!r} -> {target[:20]!r} has no label")
        for letter in letters:
            yield source, letter, target


def split_label(label: str) -> list[str]:
    r"""Return the letters of an edge's label, separated by blanks, commas or line breaks.

    Raises
    ------
    AutomatonError
        If one is not a letter.

    Examples
    --------
    >>> split_label("a, b1"), split_label(r"0\n1")
    (['a', 'b1'], ['0', '1'])
    """
    letters = [letter for letter in _BETWEEN.split(label) if letter]
    wrong = [letter for letter in letters if not _NAME.fullmatch(letter)]
    if wrong:
        raise AutomatonError(f"{wrong[0][:20]!r} is not a letter")
    return letters
