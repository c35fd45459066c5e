"""Charts of a run as elements of a page: rebuilt from allowed elements and attributes only."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from markupsafe import Markup

from data.damage import open_file, reading
from data.picture import shortened

_TAGS = {
    *("svg", "g", "defs", "path", "use", "rect", "circle", "ellipse", "line", "polyline"),
    *("polygon", "text", "tspan", "clipPath", "pattern"),
}
_ATTRIBUTES = {
    *("id", "d", "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "rx", "ry", "width", "height"),
    *("points", "transform", "viewBox", "clip-path", "patternUnits", "style", "href"),
}
_NUMBERS = {"d", "x", "y", "points"}
"""Attributes with coordinates; one decimal is enough."""
_LINK = re.compile(r"#([\w.-]+)")
_PAINT = re.compile(r"url\(#([\w.-]+)\)")
_STYLE = re.compile(rf"(?:[\w\s#%.,:;'-]|{_PAINT.pattern})*")
"""Brackets only around names within the picture: other CSS functions can load addresses."""
_PLAIN = re.compile(r"[\w\s.,()%+-]*")
_MOST_BYTES = 1 << 26


def inline_svg(path: Path, prefix: str) -> Markup:
    """Return an SVG file of matplotlib as an element of a page.

    Only elements and attributes that charts have are kept: no script, style sheet or address. The
    numbers of shapes are shortened to one decimal.

    Parameters
    ----------
    path : Path
    prefix : str
        Prefix of all ids in the picture, so that the ids of two pictures differ.

    Raises
    ------
    DataError
        If the file is no SVG.
    """
    with open_file(path) as file, reading(path, "an SVG"):
        content = file.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise ValueError(f"over {_MOST_BYTES} bytes")
        text = content.decode("utf-8")
        # skip the document type: without it, no entities can be expanded
        root = ElementTree.fromstring(text[text.index("<svg") :])  # noqa: S314
        values = [(_local(name), own) for part in root.iter() for name, own in part.attrib.items()]
        used = {name for attribute in values for name in _names_in(*attribute)}
        svg = _rebuilt(root, prefix, used)
        if svg is None or svg.tag != "svg":
            raise ValueError(f"its first element is {root.tag[:40]}")
        for name in ("width", "height"):
            svg.attrib.pop(name, None)
        return Markup(ElementTree.tostring(svg, encoding="unicode"))  # noqa: S704 - rebuilt


def _names_in(attribute: str, value: str) -> list[str]:
    """Return the ids that an attribute refers to."""
    if attribute == "href":
        return _LINK.findall(value)
    return _PAINT.findall(value) if attribute in ("clip-path", "style") else []


def _rebuilt(element: Element, prefix: str, used: set[str]) -> Element | None:
    """Return a copy of an element with allowed parts only, None if it is not allowed itself."""
    tag = _local(element.tag)
    if tag not in _TAGS:
        return None
    own = Element(tag)
    for name, value in ((_local(name), value) for name, value in element.attrib.items()):
        if name in _ATTRIBUTES and (name != "id" or value in used):
            kept = _kept(name, value, prefix)
            if kept is not None:
                own.set(name, kept)
    own.text = element.text if tag in ("text", "tspan") else None
    for child in element:
        if (part := _rebuilt(child, prefix, used)) is not None:
            part.tail = child.tail if tag in ("text", "tspan") else None
            own.append(part)
    return own


def _kept(name: str, value: str, prefix: str) -> str | None:
    """Return the value of an attribute for the page, None if it is not allowed."""
    if name == "href":
        return f"#{prefix}{value[1:]}" if _LINK.fullmatch(value) else None
    if name in ("clip-path", "style"):
        whole = _PAINT if name == "clip-path" else _STYLE
        return _PAINT.sub(rf"url(#{prefix}\1)", value) if whole.fullmatch(value) else None
    if not _PLAIN.fullmatch(value):
        return None
    if name == "id":
        return prefix + value
    return shortened(value) if name in _NUMBERS else value


def _local(name: object) -> str:
    """Return a name without its namespace, "" for comments and the like."""
    return name.rpartition("}")[2] if isinstance(name, str) else ""
