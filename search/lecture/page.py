"""The lecture as one page of HTML that loads nothing from elsewhere."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Iterable, Mapping
from typing import Any
from xml.sax.saxutils import escape

import pandas as pd
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup

from data.picture import Picture
from search.lecture.cells import Cell
from search.lecture.formulas import formula_svg
from search.lecture.words import Words

_FORMULA = re.compile(r"\$\$(.+?)\$\$|\$(.+?)\$", re.DOTALL)
_PLACE = re.compile("\ue000(\\d+)\ue001")
"""Where a formula goes; no text has these letters."""
_DISPLAYED = 1.15
"""Size of a formula on a line of its own."""


def render(parts: Iterable[tuple[Cell, Any]], facts: Mapping[str, str]) -> str:
    """Return the HTML of the lecture.

    Parameters
    ----------
    parts : iterable of (Cell, value)
        The cells in order, each with the value of its last line: a `Picture`, `Words`, a DataFrame
        or None.
    facts : mapping
        Names and values of the run, shown at the end.

    Returns
    -------
    str
        Style, formulas, pictures and the script that says what scrolls are within.
    """
    environment = Environment(
        loader=ChoiceLoader([PackageLoader("search.lecture"), PackageLoader("search.report")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    blocks = [_block(cell, value) for cell, value in parts]
    script = environment.get_template("lecture.js").render()
    heads = re.findall(r'<h2 id="([^"]+)">(.*?)</h2>', "".join(b.get("html", "") for b in blocks))
    return environment.get_template("lecture.html").render(
        blocks=blocks,
        script=Markup(script),  # noqa: S704 - our own script, without data
        digest=b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        sections=[(anchor, Markup(head)) for anchor, head in heads],  # noqa: S704 - our own
        facts=facts,
    )


def _block(cell: Cell, value: Any) -> dict[str, Any]:
    """Return what the template shows of a cell."""
    if not cell.is_code:
        return {"html": Markup(as_html(cell.text))}  # noqa: S704 - of our own Markdown
    block: dict[str, Any] = {"code": cell.text}
    if isinstance(value, Picture):
        data = b64encode(value.svg.encode("utf-8")).decode()
        block |= {"image": f"data:image/svg+xml;base64,{data}", "text": value.text}
    elif isinstance(value, Words):
        block["words"] = Markup(as_html(value))  # noqa: S704 - of our own Markdown
    elif isinstance(value, pd.DataFrame):
        block |= {"columns": [*value], "rows": value.to_numpy().tolist()}
    return block


def as_html(markdown: str) -> str:
    r"""Return Markdown with formulas in dollars as HTML; second headings get anchors.

    Examples
    --------
    >>> as_html("## 2. A *word*")
    '<h2 id="part-2">2. A <em>word</em></h2>\n'
    """
    formulas: list[str] = []

    def keep(match: re.Match[str]) -> str:
        shown, inline = match.groups()
        if shown:
            formulas.append(_frame(formula_svg(shown, _DISPLAYED), shown))
        else:
            formulas.append(formula_svg(inline))
        return f"\ue000{len(formulas) - 1}\ue001"

    html = MarkdownIt("commonmark", {"html": False}).render(_FORMULA.sub(keep, markdown))
    html = re.sub(r"<h2>(\d+)\.", r'<h2 id="part-\1">\1.', html)
    html = _PLACE.sub(lambda match: formulas[int(match[1])], html)
    return html.replace("<p><div", "<div").replace("</div></p>", "</div>")


def _frame(svg: str, formula: str) -> str:
    """Return a formula on a line of its own, which scrolls where the page is narrow."""
    label = escape(formula, {'"': "&quot;"})
    return f'<div class="formula scroll" tabindex="0" role="group" aria-label="{label}">{svg}</div>'
