"""What may be shown on a terminal."""

from __future__ import annotations


def printable(text: str) -> str:
    r"""Return a text with its control characters escaped; line ends and tabs stay.

    Names and contents of files may hold sequences that a terminal would obey.

    Examples
    --------
    >>> print(printable("Černý\x1b[2J"))
    Černý\x1b[2J
    """
    return "".join(
        sign
        if sign.isprintable() or sign in "\n\t"
        else sign.encode("unicode_escape").decode("ascii")
        for sign in text
    )
