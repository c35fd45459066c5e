"""Checks of values in JSON files: kinds, ranges, names; and configs built from them."""

from __future__ import annotations

import math
import re
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

Check = Callable[[str, Any], None]
"""Takes the place of a value and the value; raises a ValueError that names both."""
Config = TypeVar("Config")

LONGEST_TEXT = 4096


def whole(low: int, high: int) -> Check:
    """Return the check that a value is a whole number in low..high; ``True`` and 1.0 fail.

    Examples
    --------
    >>> whole(0, 9)("rows", 3)
    >>> whole(0, 9)("rows", True)
    Traceback (most recent call last):
    ValueError: rows=True is not a whole number in 0..9
    """

    def check(place: str, value: Any) -> None:
        if type(value) is not int or not low <= value <= high:
            raise ValueError(f"{place}={_shown(value)} is not a whole number in {low}..{high}")

    return check


def number(low: float, high: float) -> Check:
    """Return the check that a value is a number in low..high, whole or not."""

    def check(place: str, value: Any) -> None:
        if type(value) not in (int, float) or not low <= value <= high:
            raise ValueError(f"{place}={_shown(value)} is not a number in {low}..{high}")

    return check


def text(pattern: str = ".*") -> Check:
    """Return the check that a value is a text which a pattern matches as a whole."""

    def check(place: str, value: Any) -> None:
        if type(value) is not str or len(value) > LONGEST_TEXT:
            raise ValueError(
                f"{place}={_shown(value)} is not a text of at most {LONGEST_TEXT} characters"
            )
        if not re.fullmatch(pattern, value, re.DOTALL):
            raise ValueError(f"{place}={_shown(value)} does not match {pattern}")

    return check


def one_of(*values: Any) -> Check:
    """Return the check that a value equals one of several, and has its type."""

    def check(place: str, value: Any) -> None:
        if not any(type(value) is type(own) and value == own for own in values):
            allowed = ", ".join(map(str, values))
            raise ValueError(f"{place}={_shown(value)} is none of {allowed}")

    return check


DIGEST = text("[0-9a-f]{64}")
FLAG = one_of(True, False)
TEXT = text()


def anything(place: str, value: Any) -> None:
    """Accept any value: other code checks it."""


def or_none(own: Check) -> Check:
    """Return the check that a value is None or passes another check."""
    return lambda place, value: None if value is None else own(place, value)


def list_of(own: Check) -> Check:
    """Return the check that a value is a list whose entries all pass a check."""

    def check(place: str, value: Any) -> None:
        if type(value) is not list:
            raise ValueError(f"{place}={_shown(value)} is not a list")
        for index, entry in enumerate(value):
            own(f"{place}[{index}]", entry)

    return check


def names_of(own: Check) -> Check:
    """Return the check that a value is an object, of any names, whose entries all pass a check."""

    def check(place: str, value: Any) -> None:
        if type(value) is not dict:
            raise ValueError(f"{place}={_shown(value)} is not an object")
        for name, entry in value.items():
            TEXT(f"a name in {place}", name)
            own(f"{place}.{name}", entry)

    return check


def record(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    """Return the check that a value is an object with the required and optional names only.

    Examples
    --------
    >>> record({"n": whole(1, 64)})("config", {"n": 8, "m": 8})
    Traceback (most recent call last):
    ValueError: config has the unknown name 'm'
    """
    known = {**required, **(optional or {})}

    def check(place: str, value: Any) -> None:
        if type(value) is not dict:
            raise ValueError(f"{place}={_shown(value)} is not an object")
        for name in value:
            if name not in known:
                raise ValueError(f"{place} has the unknown name {_shown(name)}")
        for name in required:
            if name not in value:
                raise ValueError(f"{place} has no {name}")
        for name, entry in value.items():
            known[name](f"{place}.{name}", entry)

    return check


def build(kind: type[Config], values: Any, place: str) -> Config:
    """Return a config built from plain values, each of exactly the type of its field.

    Parameters
    ----------
    kind : type
        A dataclass. Missing names get their defaults: older files lack some.
    values : object
        The result of ``dataclasses.asdict`` after a round trip through JSON.
    place : str
        Name of the values in errors.

    Raises
    ------
    ValueError
        If a name is unknown, or a value has another type or is out of range.
    """
    if type(values) is not dict:
        raise ValueError(f"{place}={_shown(values)} is not an object")
    types_of = typing.get_type_hints(kind)
    known = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    for name in values:
        if name not in known:
            raise ValueError(f"{place} has the unknown name {_shown(name)}")
    own = {name: _typed(types_of[name], entry, f"{place}.{name}") for name, entry in values.items()}
    return kind(**own)


def _typed(kind: Any, value: Any, place: str) -> Any:
    """Check a value against the type of a field, and convert it to that type."""
    if is_dataclass(kind):
        return build(typing.cast(type[Any], kind), value, place)
    if typing.get_origin(kind) is types.UnionType:  # ... | None
        return None if value is None else _typed(typing.get_args(kind)[0], value, place)
    if typing.get_origin(kind) is tuple:
        list_of(TEXT)(place, value)
        return tuple(value)
    checks = {
        int: whole(-(2**63), 2**63 - 1),
        float: number(-math.inf, math.inf),
        bool: FLAG,
        str: TEXT,
    }
    checks[kind](place, value)
    return float(value) if kind is float else value


def _shown(value: Any) -> str:
    """Return a short text of any value, for errors."""
    if isinstance(value, dict):
        return "{..}"
    if isinstance(value, list):
        return "[..]"
    if isinstance(value, int) and value.bit_length() > 200:
        return "a huge number"
    short = repr(value[:60]) if isinstance(value, str) else repr(value)
    return short
