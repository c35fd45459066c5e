"""Text forms of automata: our own, those of synchrowords and GAP, JSON, DOT and JFLAP."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import islice

from automata.automaton import AutomatonLike, validate_delta
from automata.deltas import MAX_LETTERS, Deltas, undefined_entries
from automata.errors import SizeLimitError
from automata.text.dot import parse_dot as parse_dot
from automata.text.gap import parse_gap as parse_gap
from automata.text.jflap import parse_jff as parse_jff
from automata.text.json_values import parse_json as parse_json
from automata.text.tables import parse_size, parse_state_major, parse_table
from automata.text.words import format_word as format_word
from automata.text.words import parse_word as parse_word

_DOT_HEAD = ["digraph automaton {", "node [shape=circle];"]


def format_delta(delta: AutomatonLike) -> str:
    """Write an automaton in our own form: one line, the letters' images separated by ``|``.

    Parameters
    ----------
    delta : Automaton, array of int, shape (k, n), or text
        The automaton, complete or partial.

    Returns
    -------
    str
        ``-`` where a letter is undefined. Without comma, semicolon, tab or quote, so that a
        spreadsheet keeps it in one cell.

    Raises
    ------
    AutomatonError
        If `delta` is not an automaton.

    Examples
    --------
    >>> format_delta([[1, 2, 3, 0], [0, 1, 2, 0]]), format_delta([[1, None, 0]])
    ('1 2 3 0|0 1 2 0', '1 - 0')
    """
    rows = _with_none(validate_delta(delta, partial=True))
    return "|".join(" ".join("-" if q is None else str(q) for q in row) for row in rows)


def _with_none(delta: Deltas) -> list[list[int | None]]:
    """Return nested lists, None where a letter is undefined."""
    rows: list[list[int | None]] = delta.tolist()
    for a, q in undefined_entries(delta).tolist():
        rows[a][q] = None
    return rows


def parse_delta(text: str, *, partial: bool = False) -> Deltas:
    """Read what `format_delta` writes.

    Parameters
    ----------
    text : str
        States separated by blanks, letters by ``|``.
    partial : bool
        Whether letters may be undefined on states, written ``-``.

    Returns
    -------
    array of states, shape (k, n)
        `automata.deltas.UNDEFINED` where a letter is undefined.

    Raises
    ------
    AutomatonError
        If an entry is missing, not an integer, or not a state.
    SizeLimitError
        If n > 5,000 or k > 64, or n > 255 and an entry is undefined.

    Examples
    --------
    >>> parse_delta("1 2 3 0|0 1 2 0").tolist()
    [[1, 2, 3, 0], [0, 1, 2, 0]]
    >>> parse_delta("1 2 3 0|0 1 2.5 0")
    Traceback (most recent call last):
    automata.errors.AutomatonError: letter 1, state 2: '2.5' is not an integer
    >>> parse_delta("1 - 0|0 1 2", partial=True).tolist()
    [[1, 255, 0], [0, 1, 2]]
    """
    if text.count("|") >= MAX_LETTERS:
        k = text.count("|") + 1
        raise SizeLimitError(f"k={k} is over the limit of {MAX_LETTERS} letters")
    return parse_table([row.split() for row in text.split("|")], partial=partial)


def format_synchrowords(deltas: Iterable[AutomatonLike]) -> str:
    """Write automata, of any sizes, as input of the program synchrowords 1.1.

    Parameters
    ----------
    deltas : iterable of Automaton, array of int, shape (k, n), or text
        The automata.

    Returns
    -------
    str
        For each automaton a line ``k n`` and a line of n*k images, state-major.

    Raises
    ------
    AutomatonError
        If one is not a complete automaton.

    Examples
    --------
    >>> print(format_synchrowords([[[1, 2, 0], [0, 1, 0]]]), end="")
    2 3
    1 0 2 1 0 0
    """
    lines = []
    for delta in map(validate_delta, deltas):
        k, n = delta.shape
        lines += [f"{k} {n}\n", " ".join(map(str, delta.T.ravel().tolist())), "\n"]
    return "".join(lines)


def parse_synchrowords(text: str) -> list[Deltas]:
    """Read automata as the program synchrowords 1.1 does (1.0 had ``n k`` where 1.1 has ``k n``).

    Parameters
    ----------
    text : str
        The whole file; blanks and line ends separate numbers.

    Returns
    -------
    list of arrays of states, shape (k, n), each of its own size

    Raises
    ------
    AutomatonError
        If a size or an image is missing, not an integer, or out of range.

    Examples
    --------
    >>> [delta.tolist() for delta in parse_synchrowords("2 3   1 0 2 1 0 0   1 1   0")]
    [[[1, 2, 0], [0, 1, 0]], [[0]]]
    """
    deltas: list[Deltas] = []
    tokens = iter(text.split())
    for token in tokens:
        where = f"automaton {len(deltas)}, "
        k, n = parse_size(token, next(tokens, ""), where)
        deltas.append(parse_state_major(list(islice(tokens, n * k)), k, n, where))
    return deltas


def format_gap(delta: AutomatonLike) -> str:
    """Write the transition table for ``Automaton("det", n, k, table, [1], [1])`` in GAP.

    Parameters
    ----------
    delta : Automaton, array of int, shape (k, n), or text
        The automaton, complete or partial.

    Returns
    -------
    str
        A list for each letter; states count from 1, and 0 is undefined.

    Raises
    ------
    AutomatonError
        If `delta` is not an automaton.

    Examples
    --------
    >>> format_gap([[1, 2, 0], [0, 0, 2]]), format_gap([[1, None, 0]])
    ('[ [ 2, 3, 1 ], [ 1, 1, 3 ] ]', '[ [ 2, 0, 1 ] ]')
    """
    table = _with_none(validate_delta(delta, partial=True))
    rows = [", ".join("0" if q is None else str(q + 1) for q in row) for row in table]
    return f"[ {', '.join(f'[ {row} ]' for row in rows)} ]"


def format_json(delta: AutomatonLike) -> str:
    """Write a list of the images under each letter, in JSON: `parse_json` reads it.

    Parameters
    ----------
    delta : Automaton, array of int, shape (k, n), or text
        The automaton, complete or partial.

    Returns
    -------
    str
        ``null`` where a letter is undefined.

    Raises
    ------
    AutomatonError
        If `delta` is not an automaton.

    Examples
    --------
    >>> format_json([[1, 2, 0], [0, 1, 0]]), format_json("1 - 0")
    ('[[1, 2, 0], [0, 1, 0]]', '[[1, null, 0]]')
    """
    return json.dumps(_with_none(validate_delta(delta, partial=True)))


def format_dot(delta: AutomatonLike) -> str:
    """Write a graph for Graphviz, one edge ``a,b`` for all letters between the same two states.

    Parameters
    ----------
    delta : Automaton, array of int, shape (k, n), or text
        The automaton, complete or partial.

    Returns
    -------
    str
        Where a letter is undefined there is no edge. States without edges are named alone. If some
        letter has no edge, the attribute ``letters`` of the graph names all letters.

    Raises
    ------
    AutomatonError
        If `delta` is not an automaton.

    Examples
    --------
    >>> print(format_dot([[1, 1], [1, 0]]), end="")
    digraph automaton {
      node [shape=circle];
      0 -> 1 [label="a,b"];
      1 -> 0 [label="b"];
      1 -> 1 [label="a"];
    }
    """
    table = _with_none(validate_delta(delta, partial=True))
    letters = [format_word((a,)) for a in range(len(table))]
    labels: dict[tuple[int, int], list[str]] = {}
    for letter, row in zip(letters, table, strict=True):
        for p, q in enumerate(row):
            if q is not None:
                labels.setdefault((p, q), []).append(letter)
    lines = [*_DOT_HEAD]
    if any(set(row) == {None} for row in table):
        lines.append(f'letters="{",".join(letters)}";')
    alone = set(range(len(table[0]))).difference(*labels)
    lines += [f"{q};" for q in sorted(alone)]
    lines += [f'{p} -> {q} [label="{",".join(labels[p, q])}"];' for p, q in sorted(labels)]
    return "\n  ".join(lines) + "\n}\n"
