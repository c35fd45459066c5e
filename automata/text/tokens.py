"""Cut a text into words and signs, without blanks and comments."""

from __future__ import annotations

import re

from automata.errors import AutomatonError


def split_tokens(
    text: str, token: re.Pattern[str], between: re.Pattern[str], form: str
) -> tuple[list[str], list[int]]:
    r"""Cut a text into tokens.

    Parameters
    ----------
    text : str
    token, between : Pattern
        The patterns of a token, and of blanks and comments.
    form : str
        Name of the form, for errors.

    Returns
    -------
    tokens : list of str
    places : list of int
        The position of each token in the text, in characters.

    Raises
    ------
    AutomatonError
        If something in the text fits neither pattern.

    Examples
    --------
    >>> split_tokens("[ 1,2 ]", re.compile(r"[0-9]+|\S"), re.compile(r"\s+"), "GAP")
    (['[', '1', ',', '2', ']'], [0, 2, 3, 4, 6])
    """
    tokens, places = [], []
    at = 0
    while at < len(text):
        if skipped := between.match(text, at):
            at = skipped.end()
            continue
        found = token.match(text, at)
        if found is None:
            line = text.count("\n", 0, at) + 1
            raise AutomatonError(f"{form}, line {line}: {text[at : at + 20]!r} is out of place")
        tokens.append(found[0])
        places.append(at)
        at = found.end()
    return tokens, places
