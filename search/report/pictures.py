"""A run's own charts as elements of a page: rebuilt from the shapes and texts that charts have."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from markupsafe import Markup

from data.files import DataError

_TAGS = {
    *("svg", "g", "defs", "path", "use", "rect", "circle", "ellipse", "line", "polyline"),
    *("polygon", "text", "tspan", "clipPath", "pattern"),
}
_ATTRIBUTES = {
    *("id", "d", "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "rx", "ry", "width", "height"),
    *("points", "transform", "viewBox", "clip-path", "patternUnits", "style", "href"),
}
_NUMBERS = {"d", "x", "y", "points"}
"""Attributes whose numbers are in units of a picture: a tenth is enough."""
_REFERENCE = re.compile(r"url\(#([\w.-]+)\)|^#([\w.-]+)$")
_PLAIN_STYLE = re.compile(r"[\w\s#%.,:;'()-]*")


def inline_svg(path: Path, prefix: str) -> Markup:
    """Return an SVG that matplotlib wrote as an element of a page.

    Nothing else is taken over: no script, no style sheet, no address, no element or attribute that
    charts do not have. Long numbers are shortened, in shapes alone.

    Parameters
    ----------
    path : Path
    prefix : str
        What the names within begin with, so that those of two pictures differ.

    Raises
    ------
    DataError
        If it is no SVG.
    """
    try:
        text = path.read_text(encoding="utf-8")
        # from the element on: without a document type there are no entities to expand
        root = ElementTree.fromstring(text[text.index("<svg") :])  # noqa: S314
    except (ElementTree.ParseError, ValueError) as error:
        raise DataError(f"{path}: not an SVG ({error})") from error
    used = {one or other for _, value in _references(root) for one, other in value}
    svg = _rebuilt(root, prefix, used)
    if svg is None or svg.tag != "svg":
        raise DataError(f"{path}: not an SVG (its first element is {root.tag[:40]})")
    for name in ("width", "height"):
        svg.attrib.pop(name, None)
    return Markup(ElementTree.tostring(svg, encoding="unicode"))  # noqa: S704 - rebuilt


def _references(root: Element) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return what attributes refer to."""
    values = [(name, value) for element in root.iter() for name, value in element.attrib.items()]
    return [(name, _REFERENCE.findall(value)) for name, value in values]


def _rebuilt(element: Element, prefix: str, used: set[str]) -> Element | None:
    """Return what of an element charts have, None where it is no part of them."""
    tag = _local(element.tag)
    if tag not in _TAGS:
        return None
    own = Element(tag)
    for name, value in ((_local(name), value) for name, value in element.attrib.items()):
        if name not in _ATTRIBUTES or (name == "id" and value not in used):
            continue
        if name == "id":
            own.set(name, prefix + value)
        elif name == "href" or "url" in value:
            if _REFERENCE.search(value) and value.count("url") <= 1:
                own.set(name, _REFERENCE.sub(lambda match: _renamed(match, prefix), value))
        elif name != "style" or _PLAIN_STYLE.fullmatch(value):
            own.set(name, _shortened(value) if name in _NUMBERS else value)
    own.text = element.text if tag in ("text", "tspan") else None
    for child in element:
        if (part := _rebuilt(child, prefix, used)) is not None:
            part.tail = child.tail if tag in ("text", "tspan") else None
            own.append(part)
    return own


def _local(name: object) -> str:
    """Return a name without its namespace; comments and the like have none."""
    return name.rpartition("}")[2] if isinstance(name, str) else ""


def _renamed(match: re.Match[str], prefix: str) -> str:
    return f"url(#{prefix}{match[1]})" if match[1] else f"#{prefix}{match[2]}"


def _shortened(numbers: str) -> str:
    short = re.sub(r"\d+\.\d{2,}", lambda number: f"{float(number[0]):.1f}", numbers)
    return re.sub(r"\s+", " ", short).strip()
