"""Formulas as SVG elements of a page, set by matplotlib: legible offline in any browser."""

from __future__ import annotations

from xml.sax.saxutils import quoteattr

import matplotlib as mpl
from matplotlib.font_manager import FontProperties
from matplotlib.mathtext import MathTextParser
from matplotlib.path import Path
from matplotlib.textpath import TextPath

_SIZE = 100.0
"""Units of an em."""
_LETTERS = {Path.MOVETO: "M", Path.LINETO: "L", Path.CURVE3: "Q", Path.CURVE4: "C"}


def formula_svg(latex: str, scale: float = 1.0) -> str:
    """Return a formula as an SVG element that stands on the line of the text around it.

    Parameters
    ----------
    latex : str
        What matplotlib's mathtext reads, without dollars.
    scale : float
        Size, in that of the text around it.

    Returns
    -------
    str
        Its colour is that of the text.

    Raises
    ------
    ValueError
        If mathtext does not read it.

    Examples
    --------
    >>> svg = formula_svg("z^2")
    >>> svg.startswith('<svg role="img" aria-label="z^2"'), svg.endswith("</svg>")
    (True, True)
    """
    font = FontProperties(size=_SIZE)
    with mpl.rc_context({"mathtext.fontset": "stix"}):
        width, height, depth, *_ = MathTextParser("path").parse(f"${latex}$", 72, font)
        outline = TextPath((0, 0), f"${latex}$", size=_SIZE, prop=font)
    parts = []
    for points, code in outline.iter_segments(curves=True, simplify=False):
        if code == Path.CLOSEPOLY:
            parts.append("Z")
        else:
            numbers = (f"{-v if i % 2 else v:.1f}" for i, v in enumerate(points.tolist()))
            parts.append(_LETTERS[code] + " ".join(numbers))
    tall = height + depth
    return (
        f'<svg role="img" aria-label={quoteattr(latex)} viewBox="0 {-height:.1f} {width:.1f} '
        f'{tall:.1f}" style="width:{scale * width / _SIZE:.3f}em;'
        f'height:{scale * tall / _SIZE:.3f}em;vertical-align:{-scale * depth / _SIZE:.3f}em">'
        f'<path fill="currentColor" d="{"".join(parts)}"/></svg>'
    )
