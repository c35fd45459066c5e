"""Texts made safe for a terminal; warnings."""

from __future__ import annotations

import sys


def printable(text: str) -> str:
    r"""Return a text on one line, with control characters escaped.

    Names and contents of files may hold sequences that a terminal would obey.

    Examples
    --------
    >>> print(printable("Černý\x1b[2J"), printable("two\nlines"))
    Černý\x1b[2J two\nlines
    """
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode("ascii")
        for sign in text
    )


def warn(message: str) -> None:
    """Print a warning on stderr, as one line."""
    print(f"Warning: {printable(message)}", file=sys.stderr)
