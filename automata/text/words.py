"""Words as text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Set
from itertools import count
from operator import index
from typing import SupportsIndex

from automata.deltas import MAX_LETTERS
from automata.errors import AutomatonError
from automata.solver.exact import Words

_LETTER = re.compile(r"[a-z][1-9]?")


def format_word(word: Iterable[int] | str) -> str:
    """Write a word: letters 0..25 as a..z, 26..51 as a1..z1, then a2..; nothing between them.

    Parameters
    ----------
    word : iterable of int, or str
        Letters, each in 0..63; or their text.

    Returns
    -------
    str

    Raises
    ------
    AutomatonError
        If it is neither letters nor their text, or a letter is not in 0..63.

    Examples
    --------
    >>> format_word((0, 1, 1, 0)), format_word((27, 3, 0))
    ('abba', 'b1da')
    """
    letters = as_letters(word)
    wrong = [letter for letter in letters if not 0 <= letter < MAX_LETTERS]
    if wrong:
        raise AutomatonError(f"letter {wrong[0]} is outside 0..{MAX_LETTERS - 1}")
    return "".join(chr(97 + letter % 26) + str(letter // 26 or "") for letter in letters)


def format_words(words: Words) -> list[str | None]:
    """Write many words as `format_word` does; None where there is none.

    Parameters
    ----------
    words : Words
        As `automata.shortest_reset_words` returns them.

    Examples
    --------
    >>> from automata import shortest_reset_words
    >>> format_words(shortest_reset_words([[[1, 2, 0], [0, 1, 0]], [[1, 2, 0], [1, 2, 0]]]))
    ['baab', None]
    """
    if words.letters.size and words.letters.max() > 25:
        return [None if word is None else format_word(word) for word in words.to_list()]
    width = words.letters.shape[1]
    text = (words.letters + 97).astype("u1").tobytes().decode("ascii")
    return [
        text[start : start + length] if length >= 0 else None
        for start, length in zip(count(0, width), words.lengths.tolist(), strict=False)
    ]


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
        If `text` is not a str, or holds anything but letters.

    Examples
    --------
    >>> parse_word("abba"), parse_word("b1da"), parse_word("")
    ((0, 1, 1, 0), (27, 3, 0), ())
    """
    if not isinstance(text, str):
        raise AutomatonError(f"the text of a word is a str, got {type(text).__name__}")
    word = []
    for token in re.findall(rf"{_LETTER.pattern}|.", text.strip(), re.DOTALL):
        letter = ord(token[0]) - 97 + 26 * int(token[1:] or 0)
        if not (_LETTER.fullmatch(token) and letter < MAX_LETTERS):
            raise AutomatonError(f"{token!r} is not a letter: they are a..z, a1..z1 and a2..l2")
        word.append(letter)
    return tuple(word)


def as_letters(word: Iterable[int] | str) -> tuple[int, ...]:
    """Read a word that is given as letters, or as the text that `format_word` writes.

    Parameters
    ----------
    word : iterable of int, or str

    Returns
    -------
    tuple of int
        Any integers: their range is not checked.

    Raises
    ------
    AutomatonError
        If it is neither, or a letter is not an integer.

    Examples
    --------
    >>> as_letters("baab"), as_letters([1, 0, 0, 1])
    ((1, 0, 0, 1), (1, 0, 0, 1))
    >>> as_letters([1.5])
    Traceback (most recent call last):
    automata.errors.AutomatonError: letter 1.5 is not an integer
    """
    if isinstance(word, str):
        return parse_word(word)
    if isinstance(word, bytes | bytearray | memoryview | Set | Mapping):
        raise _no_word(word)
    try:
        letters = list(word)
    except TypeError:
        raise _no_word(word) from None
    return tuple(map(_letter, letters))


def _letter(letter: SupportsIndex) -> int:
    try:
        return index(letter)
    except TypeError:
        shown = " ".join(repr(letter).split())[:60]
        raise AutomatonError(f"letter {shown} is not an integer") from None


def _no_word(word: object) -> AutomatonError:
    kind = type(word).__name__
    return AutomatonError(f"a word is text or a sequence of letters, got {kind}")
