"""The formulas of series as the command writes them."""

import re
from fractions import Fraction


def value(formula: str, n: int) -> Fraction:
    """The value of a written formula."""
    above, _, below = formula.strip("(").partition(")/")
    terms = re.findall(r"([+-]?)(\d*)(n\^2|n|)(?=[+-]|$)", above)
    written = sum(
        int(sign + (size or "1")) * {"n^2": n**2, "n": n, "": 1}[power]
        for sign, size, power in terms
        if size or power
    )
    return Fraction(written, int(below or 1))
