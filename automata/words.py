"""Words as text."""

from __future__ import annotations

import re
from collections.abc import Iterable

from automata.automaton import MAX_LETTERS, AutomatonError

_LETTER = re.compile(r"[a-z][1-9]?")


def format_word(word: Iterable[int]) -> str:
    """Write a word: letters 0..25 as a..z, 26..51 as a1..z1, then a2..; nothing between them.

    Parameters
    ----------
    word : iterable of int
        Letters, each in 0..63.

    Returns
    -------
    str

    Raises
    ------
    AutomatonError
        If a letter is not in 0..63.

    Examples
    --------
    >>> format_word((0, 1, 1, 0)), format_word((27, 3, 0))
    ('abba', 'b1da')
    """
    letters = [int(letter) for letter in word]
    wrong = [letter for letter in letters if not 0 <= letter < MAX_LETTERS]
    if wrong:
        raise AutomatonError(f"letter {wrong[0]} is outside 0..{MAX_LETTERS - 1}")
    return "".join(chr(97 + letter % 26) + str(letter // 26 or "") for letter in letters)


def parse_word(text: str) -> tuple[int, ...]:
    """Read what `format_word` writes.

    Parameters
    ----------
    text : str
        Letters without anything between them.

    Returns
    -------
    tuple of int

    Raises
    ------
    AutomatonError
        At the first thing that is not a letter.

    Examples
    --------
    >>> parse_word("abba"), parse_word("b1da"), parse_word("")
    ((0, 1, 1, 0), (27, 3, 0), ())
    """
    word = []
    for token in re.findall(rf"{_LETTER.pattern}|.", text.strip(), re.DOTALL):
        letter = ord(token[0]) - 97 + 26 * int(token[1:] or 0)
        if not (_LETTER.fullmatch(token) and letter < MAX_LETTERS):
            raise AutomatonError(f"{token!r} is not a letter: they are a..z, a1..z1 and a2..l2")
        word.append(letter)
    return tuple(word)
