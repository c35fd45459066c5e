"""What may be shown on a terminal."""

from __future__ import annotations


def printable(text: str, *, keep: str = "\n\t") -> str:
    r"""Return a text with what no terminal should obey escaped, but for the characters to keep.

    Names and contents of files may hold sequences that a terminal would obey.

    Examples
    --------
    >>> print(printable("Černý\x1b[2J"))
    Černý\x1b[2J
    """
    return "".join(
        sign
        if sign.isprintable() or sign in keep
        else sign.encode("unicode_escape").decode("ascii")
        for sign in text
    )
