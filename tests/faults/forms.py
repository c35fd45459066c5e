"""The answers of `solve` about texts of every form, judged by readers of our own."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from itertools import permutations
from typing import Any, NamedTuple

from tests import naive
from tests.faults import form_texts as texts
from tests.faults.form_texts import Delta, Read, in_blocks

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
"""Of larger automata, the words are judged alone."""


class Form(NamedTuple):
    """A text form."""

    write: Callable[[Sequence[Delta]], str]
    read: Callable[[str], Sequence[Read]]
    """The readings that are right."""
    named: bool = False
    """Whether letters have names, so that the form does not say which comes first."""


def _edges(order: str) -> Form:
    read = partial(texts.read_edges, order=order)
    return Form(partial(texts.write_edges, order=order), in_blocks(read), named=True)


def _table(a_line_a_letter: bool) -> Form:
    read = partial(texts.read_table, a_line_a_letter=a_line_a_letter)
    return Form(partial(texts.write_table, a_line_a_letter=a_line_a_letter), in_blocks(read))


def _write_contest(deltas: Sequence[Delta], a_line_a_letter: bool = False) -> str:
    return f"{len(deltas[0][0])} {len(deltas[0])}\n{texts.write_table(deltas, a_line_a_letter)}"


FORMS: dict[str, Form] = {
    "lines": Form(
        lambda deltas: "".join(f"{texts.line_of(delta)}\n" for delta in deltas), texts.parse_lines
    ),
    "csv": Form(texts.write_csv, texts.read_csv),
    "synchrowords": Form(texts.format_synchrowords, texts.parse_synchrowords),
    "synchrowords-1.0": Form(
        partial(texts.format_synchrowords, states_first=True),
        partial(texts.parse_synchrowords, states_first=True),
    ),
    "contest": Form(
        _write_contest, lambda text: texts.parse_synchrowords(text, states_first=True)[1:]
    ),
    "contest-letters": Form(
        partial(_write_contest, a_line_a_letter=True), texts.read_contest_letters
    ),
    "table": _table(False),
    "table-letters": _table(True),
    **{f"edges-{order}": _edges(order) for order in texts.EDGE_ORDERS},
    "dot": Form(texts.write_dot, texts.read_dot, named=True),
    "jff": Form(texts.write_jff, in_blocks(texts.read_jff), named=True),
    "json": Form(lambda deltas: json.dumps(deltas[0]) + "\n", texts.read_json),
    "json-states": Form(
        lambda deltas: json.dumps([*zip(*deltas[0], strict=True)]) + "\n",
        partial(texts.read_json, a_list_a_state=True),
    ),
    "gap": Form(texts.write_gap, texts.read_gap),
}


def known_forms() -> list[str]:
    """The forms above that this version of `solve` reads."""
    import pipeline

    (form,) = (o for o in pipeline.cli.commands["solve"].params if o.name == "form")
    return [name for name in FORMS if name in form.type.choices]


def wrong_answers(text: str, form: str, guessed: bool, said: str, complaints: int) -> str:
    """What is wrong with the JSON lines of `solve` for a text, "" if nothing is.

    Where the form was guessed, another one may be right; but not without a complaint where ours
    fits the whole text.
    """
    answers = [json.loads(line) for line in said.splitlines()]
    readings = _readings(text, form, complaints)
    found = [_first_wrong(own, answers, complaints, FORMS[form].named) for own in readings]
    if "" in found:
        return ""
    fits = any(own and len(own) == len(texts.kept(text)) for own in readings if form == "lines")
    if guessed and (complaints or not fits):
        for other in FORMS.values():
            for own in _readings(text, other, complaints):
                if not _first_wrong(own, answers, complaints, other.named):
                    return ""
    return found[0]


def _readings(text: str, form: str | Form, complaints: int) -> Sequence[Read]:
    """The readings of a text, whichever characters end its lines."""
    own = FORMS[form] if isinstance(form, str) else form
    found: list[Read] = []
    for version in dict.fromkeys((text, re.sub("\r\n?", "\n", text))):
        readings = own.read(version)
        found += readings
        if complaints and own is FORMS["csv"]:
            found.append(texts.read_each_record(version) | readings[0])
    return found


def _first_wrong(
    reading: Read, answers: Sequence[Mapping[str, Any]], complaints: int, named: bool
) -> str:
    for answer in answers:
        delta = reading.get(answer["line"])
        if delta is None:
            return f"line {answer['line']} holds no automaton, but {answer} was said"
        orders = permutations(delta) if named and len(delta) <= 4 else [delta]
        found = [_wrong([*order], answer) for order in orders]
        if "" not in found:
            return f"line {answer['line']}, {delta}: {found[0]}"
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
