"""Text forms of automata: ours, synchrowords', GAP's and DOT."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import chain, islice

import numpy.typing as npt

from automata.automaton import (
    MAX_LETTERS,
    MAX_STATES,
    Automaton,
    AutomatonError,
    Deltas,
    validate_delta,
)
from automata.words import format_word as format_word
from automata.words import parse_word as parse_word

_GAP_TABLE = re.compile(r"\s*\[\s*\[[^][]*\](\s*,\s*\[[^][]*\])*\s*\]\s*")
_DOT_HEAD = ["digraph automaton {", "node [shape=circle];"]
_DOT_EDGE = re.compile(r'([0-9]+) -> ([0-9]+) \[label="([a-z1-9,]+)"\];')


def format_delta(delta: npt.ArrayLike | Automaton) -> str:
    """Write an automaton in our own form: one line, the letters' images separated by ``|``.

    Parameters
    ----------
    delta : Automaton or array of int, shape (k, n)
        The automaton.

    Returns
    -------
    str
        Without comma, semicolon, tab or quote: a spreadsheet keeps it in one cell, as it is.

    Examples
    --------
    >>> format_delta([[1, 2, 3, 0], [0, 1, 2, 0]])
    '1 2 3 0|0 1 2 0'
    """
    return "|".join(" ".join(map(str, row)) for row in validate_delta(delta).tolist())


def parse_delta(text: str) -> Deltas:
    """Read what `format_delta` writes.

    Parameters
    ----------
    text : str
        States separated by blanks, letters by ``|``.

    Returns
    -------
    array of states, shape (k, n)

    Raises
    ------
    AutomatonError
        If an entry is missing, not an integer, or not a state.

    Examples
    --------
    >>> parse_delta("1 2 3 0|0 1 2 0").tolist()
    [[1, 2, 3, 0], [0, 1, 2, 0]]
    >>> parse_delta("1 2 3 0|0 1 2.5 0")
    Traceback (most recent call last):
    automata.automaton.AutomatonError: letter 1, state 2: '2.5' is not an integer
    """
    return _table([row.split() for row in text.split("|")])


def write_synchrowords(deltas: Iterable[npt.ArrayLike | Automaton]) -> str:
    """Write automata, of any sizes, as input of the program synchrowords 1.1.

    Parameters
    ----------
    deltas : iterable of Automaton or array of int, shape (k, n)
        The automata.

    Returns
    -------
    str
        For each a line ``k n`` and a line of n*k images, state by state.

    Examples
    --------
    >>> print(write_synchrowords([[[1, 2, 0], [0, 1, 0]]]), end="")
    2 3
    1 0 2 1 0 0
    """
    lines = []
    for delta in map(validate_delta, deltas):
        k, n = delta.shape
        lines += [f"{k} {n}\n", " ".join(map(str, delta.T.ravel().tolist())), "\n"]
    return "".join(lines)


def read_synchrowords(text: str) -> list[Deltas]:
    """Read automata as the program synchrowords 1.1 does (1.0 had ``n k`` where 1.1 has ``k n``).

    Parameters
    ----------
    text : str
        The whole file; blanks and line ends count alike.

    Returns
    -------
    list of arrays of states, shape (k, n), each of its own size

    Raises
    ------
    AutomatonError
        If a size or an image is missing, not an integer, or out of range.

    Examples
    --------
    >>> [delta.tolist() for delta in read_synchrowords("2 3   1 0 2 1 0 0   1 1   0")]
    [[[1, 2, 0], [0, 1, 0]], [[0]]]
    """
    deltas: list[Deltas] = []
    tokens = iter(text.split())
    for token in tokens:
        where = f"automaton {len(deltas)}, "
        k, n = parse_size(token, next(tokens, ""), where)
        deltas.append(parse_state_major(list(islice(tokens, n * k)), k, n, where))
    return deltas


def parse_size(k: str, n: str, where: str = "") -> tuple[int, int]:
    """Read the line ``k n`` that synchrowords has before an automaton.

    Parameters
    ----------
    k, n : str
        Numbers of letters and states.
    where : str
        The beginning of an error's message.

    Returns
    -------
    tuple of int
        k and n.

    Raises
    ------
    AutomatonError
        If one is missing, not an integer, or out of range.

    Examples
    --------
    >>> parse_size("2", "3")
    (2, 3)
    """
    return _integer(k, 1, MAX_LETTERS, where + "k"), _integer(n, 1, MAX_STATES, where + "n")


def parse_state_major(images: list[str], k: int, n: int, where: str = "") -> Deltas:
    """Read an automaton of synchrowords' input, from its n*k entries.

    Parameters
    ----------
    images : list of str
        State by state.
    k, n : int
        Letters and states.
    where : str
        The beginning of an error's message.

    Returns
    -------
    array of states, shape (k, n)

    Raises
    ------
    AutomatonError
        If an entry is missing, not an integer, or not a state.

    Examples
    --------
    >>> parse_state_major("1 0 2 1 0 0".split(), 2, 3).tolist()
    [[1, 2, 0], [0, 1, 0]]
    """
    whole = images + [""] * (n * k - len(images))
    return _table([whole[a::k] for a in range(k)], where)


def format_gap(delta: npt.ArrayLike | Automaton) -> str:
    """Write the transition table for ``Automaton("det", n, k, table, [1], [1])`` in GAP.

    Parameters
    ----------
    delta : Automaton or array of int, shape (k, n)
        The automaton.

    Returns
    -------
    str
        A list for each letter; states count from 1.

    Examples
    --------
    >>> format_gap([[1, 2, 0], [0, 0, 2]])
    '[ [ 2, 3, 1 ], [ 1, 1, 3 ] ]'
    """
    rows = [", ".join(str(q + 1) for q in row) for row in validate_delta(delta).tolist()]
    return f"[ {', '.join(f'[ {row} ]' for row in rows)} ]"


def parse_gap(text: str) -> Deltas:
    """Read a transition table of the GAP package Automata: a list of lists, states from 1.

    Parameters
    ----------
    text : str
        One table; blanks and line ends do not matter.

    Returns
    -------
    array of states, shape (k, n)

    Raises
    ------
    AutomatonError
        If it is no list of lists, or an entry is missing (GAP: a hole or 0) or not a state.

    Examples
    --------
    >>> parse_gap("[ [ 2, 3, 1 ], [ 1, 1, 3 ] ]").tolist()
    [[1, 2, 0], [0, 0, 2]]
    """
    if not _GAP_TABLE.fullmatch(text):
        raise AutomatonError(f"not a GAP list of lists: {text.strip()[:40]!r}")
    rows = re.findall(r"\[([^][]*)\]", text)
    return _table([[token.strip() for token in row.split(",")] for row in rows], first=1)


def format_dot(delta: npt.ArrayLike | Automaton) -> str:
    """Write a graph for Graphviz, one edge ``a,b`` for all letters between the same two states.

    Parameters
    ----------
    delta : Automaton or array of int, shape (k, n)
        The automaton.

    Returns
    -------
    str

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
    labels: dict[tuple[int, int], list[str]] = {}
    for a, row in enumerate(validate_delta(delta).tolist()):
        for edge in enumerate(row):
            labels.setdefault(edge, []).append(format_word((a,)))
    edges = [f'{p} -> {q} [label="{",".join(labels[p, q])}"];' for p, q in sorted(labels)]
    return "\n  ".join([*_DOT_HEAD, *edges]) + "\n}\n"


def parse_dot(text: str) -> Deltas:
    """Read what `format_dot` writes (not DOT at large).

    Parameters
    ----------
    text : str
        One graph.

    Returns
    -------
    array of states, shape (k, n)

    Raises
    ------
    AutomatonError
        If a line is not one of ours, or a letter leads a state nowhere or to two states.

    Examples
    --------
    >>> parse_dot(format_dot([[1, 1], [1, 0]])).tolist()
    [[1, 1], [1, 0]]
    """
    lines = [line.strip() for line in text.strip().splitlines()]
    if lines[:2] != _DOT_HEAD or lines[-1] != "}":
        raise AutomatonError("not a DOT graph as we write it: it has another first or last line")
    targets: dict[tuple[int, int], str] = {}
    for line in lines[2:-1]:
        edge = _DOT_EDGE.fullmatch(line)
        if edge is None:
            raise AutomatonError(f"not an edge as we write it: {line[:60]!r}")
        p = _integer(edge[1], 0, MAX_STATES - 1, line)
        for letter in chain.from_iterable(map(parse_word, edge[3].split(","))):
            if (letter, p) in targets:
                raise AutomatonError(f"{line}: {format_word((letter,))!r} leads {p} elsewhere too")
            targets[letter, p] = edge[2]
    if not targets:
        raise AutomatonError("a DOT graph without edges is no automaton")
    k, n = (1 + max(keys) for keys in zip(*targets, strict=True))
    return _table([[targets.get((a, q), "") for q in range(n)] for a in range(k)])


def _table(rows: Sequence[Sequence[str]], where: str = "", first: int = 0) -> Deltas:
    """Read one row of tokens a letter; states count from `first`, "" is a missing one."""
    n = len(rows[0])
    for a, row in enumerate(rows, first):
        if not row:
            raise AutomatonError(f"{where}letter {a} has no entries")
        if len(row) != n:
            raise AutomatonError(f"{where}letter {a} has {len(row)} entries, the first has {n}")
    delta = [
        [
            _integer(token, first, first + n - 1, f"{where}letter {a}, state {q}") - first
            for q, token in enumerate(row, first)
        ]
        for a, row in enumerate(rows, first)
    ]
    return validate_delta(delta)


def _integer(token: str, low: int, high: int, where: str) -> int:
    if not token:
        raise AutomatonError(f"{where}: the entry is missing")
    if not re.fullmatch("[+-]?[0-9]+", token):
        raise AutomatonError(f"{where}: {token[:20]!r} is not an integer")
    if len(token) > 9 or not low <= int(token) <= high:
        raise AutomatonError(f"{where}: {token[:20]!r} is outside {low}..{high}")
    return int(token)
