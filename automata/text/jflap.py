"""Automata in JFLAP's XML."""

from __future__ import annotations

import re

from automata.deltas import Deltas
from automata.errors import AutomatonError
from automata.text.names import Transition, table_of_transitions

_DECLARED = re.compile(r"<!(?!--|\[CDATA\[)")


def parse_jff(text: str, *, partial: bool = False) -> Deltas:
    """Read a finite automaton of JFLAP; initial and final states are ignored.

    Parameters
    ----------
    text : str
        One document. Declarations such as entities are refused.
    partial : bool
        Whether transitions may be missing, so that letters are undefined on states.

    Returns
    -------
    array of states, shape (k, n)
        `automata.deltas.UNDEFINED` where a letter is undefined.

    Raises
    ------
    AutomatonError
        If the text is no finite automaton, a letter is not a single character, or a letter leads a
        state nowhere or to two states.

    Examples
    --------
    >>> loop = "<transition><from>0</from><to>0</to><read>a</read></transition>"
    >>> parse_jff(f"<structure><type>fa</type><state id='0'/>{loop}</structure>").tolist()
    [[0]]
    """
    if _DECLARED.search(text):
        raise AutomatonError("JFLAP: a declaration (<!DOCTYPE, <!ENTITY) is not read")
    from xml.etree import ElementTree  # noqa: S405  # declarations are refused; loaded when needed

    without_encoding = re.sub(r"\A\s*<\?xml[^>]*\?>", "", text)
    try:
        root = ElementTree.fromstring(without_encoding)  # noqa: S314
    except (ElementTree.ParseError, ValueError, RecursionError) as error:
        raise AutomatonError(f"JFLAP: not XML: {error}") from None
    kind = (root.findtext("type") or "").strip()
    if root.tag != "structure" or kind != "fa":
        raise AutomatonError(
            f"JFLAP: <{root.tag[:20]}> of type {kind[:20]!r}, not a structure 'fa'"
        )
    if len([*root.iter("automaton")]) > 1:
        raise AutomatonError("JFLAP: several automata in one file")
    states = [state.get("id") or "" for state in root.iter("state")]
    if len(set(states)) < len(states) or "" in states:
        raise AutomatonError("JFLAP: a state has no id of its own")
    known = set(states)
    transitions: list[Transition] = []
    for item in root.iter("transition"):
        parts = [item.findall(tag) for tag in ("from", "read", "to")]
        if any(len(part) != 1 for part in parts):
            raise AutomatonError("JFLAP: a transition has not one <from>, one <to> and one <read>")
        source, letter, target = (_inner(part[0].text) for part in parts)
        if source not in known or target not in known:
            raise AutomatonError(f"JFLAP: {source[:20]!r} -> {target[:20]!r}: no such state")
        if len(letter) != 1:
            raise AutomatonError(f"JFLAP: {letter[:20]!r} is read, not one letter")
        transitions.append((source, letter, target))
    return table_of_transitions(transitions, states, partial=partial)


def _inner(text: str | None) -> str:
    return (text or "").strip()
