"""Damage to the bytes, the text, or the JSON of a file. Each tells what it did."""

from __future__ import annotations

import copy
import json
import random
import re
from collections.abc import Callable, Sequence
from typing import Any

Mutation = Callable[[bytes, random.Random], tuple[bytes, str]]
"""Takes a file and a source of chance; returns the damaged file, and what was done in a few words.
"""

_NUMBER = re.compile(rb"-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_TEXTS: Sequence[bytes] = (
    b"NaN", b"nan", b"inf", b"-inf", b"Infinity", b"1e400", b"-1e400", b"1" + b"0" * 30, b"-1",
    b"-0", b"0", b"1", b"2", b"01", b"+1", b"1_0", b"0x1", b"1.0", b"1.5", b"1e0", b"2147483647",
    b"2147483648", b"4294967296", b"9223372036854775808", b"9" * 5000, b"", b" ", b"x", b"True",
    b"null", "١".encode(), "²".encode(), b"\x00", b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf",
    b"\x1b[31m", b"\x1b]0;title\x07", "\u202e".encode(), b"\r", b"\n", b"\n\n", b"\t", b'"', b"'",
    b",", b";", b"|", b"#", b"=1+1", b"{", b"[", b"[" * 3000, b"<a>" * 3000, b"../..", b"/dev/full",
)  # fmt: skip
_VALUES: Sequence[Any] = (
    None, True, False, 0, 1, -1, 2, -5, 255, 256, 2**31 - 1, 2**31, 2**53 + 1, 2**63, 10**30, 0.5,
    -0.0, 1e308, float("nan"), float("inf"), float("-inf"), "", "x", "0", "NaN", "../../x",
    "/etc/passwd", "\x1b[31mred", "\ud800", "\u0000", "a" * 100_000, [], {}, [[]], [None], {"": 0},
    [0] * 10_000,
)  # fmt: skip
_RAW: Sequence[bytes] = (
    b"1e400", b"-1e400", b"9" * 5000, b"[" * 100_000, b'{"a":' * 50_000,
    b"[" * 500 + b"]" * 500, b"NaN", b"-Infinity", b"1.0e-400",
)  # fmt: skip
_MARK = "raw value here"


def damaged_bytes(data: bytes, chance: random.Random) -> tuple[bytes, str]:
    """Flip, set, insert, cut out, double, exchange, cut off, append."""
    place = chance.randrange(len(data) + 1)
    length = chance.choice((1, 1, 2, 4, 16, 100, 4096))
    part = data[place : place + length]
    kind = chance.randrange(10)
    if kind <= 2 and data:
        place = min(place, len(data) - 1)
        new = data[place] ^ (1 << chance.randrange(8)) if kind else chance.randrange(256)
        return data[:place] + bytes([new]) + data[place + 1 :], f"byte {place} is {new}"
    if kind == 3:
        more = chance.randbytes(length)
        return data[:place] + more + data[place:], f"{length} bytes put in at {place}"
    if kind == 4:
        return data[:place] + data[place + length :], f"{len(part)} bytes cut out at {place}"
    if kind == 5:
        return data[:place] + part + data[place:], f"{len(part)} bytes doubled at {place}"
    if kind == 6:
        return data[:place], f"cut off at {place}"
    if kind == 7:
        zeros = bytes(len(part))
        return data[:place] + zeros + data[place + length :], f"{len(part)} zeros at {place}"
    if kind == 8:
        other = chance.randrange(len(data) + 1)
        low, high = sorted((place, other))
        moved = data[:low] + data[high:] + data[low:high]
        return moved, f"bytes {low}..{high} moved to the end"
    return data + chance.choice((b"\n", b"\0", data, chance.randbytes(length))), "more at the end"


def damaged_text(data: bytes, chance: random.Random) -> tuple[bytes, str]:
    """Other numbers and words, lines that are exchanged, doubled, lost or joined."""
    kind = chance.randrange(8)
    numbers = [*_NUMBER.finditer(data)]
    if kind <= 3 and numbers:
        match, new = chance.choice(numbers), chance.choice(_TEXTS)
        if chance.random() < 0.5 and re.fullmatch(rb"-?[0-9]{1,18}", match[0]):
            new = str(int(match[0]) + chance.choice((-2, -1, 1, 2))).encode()
        told = f"{match[0][:20]!r} at {match.start()} is {new[:20]!r}"
        return data[: match.start()] + new + data[match.end() :], told
    lines = data.split(b"\n")
    place, other = (chance.randrange(len(lines)) for _ in range(2))
    if kind == 4:
        new = chance.choice(_TEXTS)
        at = chance.randrange(len(data) + 1)
        return data[:at] + new + data[at:], f"{new[:20]!r} put in at {at}"
    if kind == 5:
        lines[place], lines[other] = lines[other], lines[place]
        return b"\n".join(lines), f"lines {place} and {other} exchanged"
    if kind == 6:
        lines.insert(other, lines[place])
        return b"\n".join(lines), f"line {place} again at {other}"
    del lines[place]
    end = chance.choice((b"\n", b"\r\n", b"\n\n")) if chance.random() < 0.2 else b"\n"
    return end.join(lines), f"line {place} lost, lines end with {end!r}"


def damaged_json(data: bytes, chance: random.Random) -> tuple[bytes, str]:
    """Other values, types and keys, anywhere in the tree."""
    tree = json.loads(data)
    place, told = _damage_tree(tree, chance)
    raw = chance.choice(_RAW) if chance.random() < 0.1 else None
    if raw is not None and place is not None:
        holder, key = place
        holder[key], told = _MARK, f"{told.partition(' is ')[0]} is {raw[:20]!r}.."
    text = json.dumps(tree, indent=1, sort_keys=True).encode() + b"\n"
    if raw is not None:
        text = text.replace(json.dumps(_MARK).encode(), raw)
    if chance.random() < 0.03 and isinstance(tree, dict) and tree:
        key = chance.choice([*tree])
        pair = f"{json.dumps(key)}: {json.dumps(chance.choice(_VALUES[:20]))}, ".encode()
        return b"{" + pair + text.strip()[1:], f"{key!r} twice"
    return text, told


def _damage_tree(tree: Any, chance: random.Random) -> tuple[tuple[Any, Any] | None, str]:
    """Change one node in place; return its place, None where it has gone, and what was done."""
    places = [*_places(tree)]
    if not places:
        return None, "nothing"
    holder, key = chance.choice(places)
    old, kind = holder[key], chance.randrange(10)
    if kind == 0:
        del holder[key]
        return None, f"{key!r} is missing"
    if kind == 1 and isinstance(holder, dict):
        holder[f"{key}x"] = holder.pop(key)
        return None, f"{key!r} renamed"
    if kind == 2 and isinstance(holder, list):
        holder.insert(key, copy.deepcopy(old))
    elif kind == 3:
        other_holder, other_key = chance.choice(places)
        try:
            holder[key], other_holder[other_key] = copy.deepcopy(other_holder[other_key]), old
        except (KeyError, IndexError):  # one of them was within the other
            pass
    elif kind <= 6 and isinstance(old, int | float) and not isinstance(old, bool):
        holder[key] = old + chance.choice((-2, -1, 1, 2, 0.5))
    elif kind == 7 and isinstance(old, str) and old:
        place = chance.randrange(len(old))
        holder[key] = old[:place] + chance.choice("0123456789abcdefx") + old[place + 1 :]
    elif kind == 8 and not isinstance(old, list | dict):
        holder[key] = chance.choice((str(old), [old], {"": old}))
    else:
        holder[key] = copy.deepcopy(chance.choice(_VALUES))
    now = "another" if key not in _keys(holder) else repr(holder[key])[:40]
    return (holder, key) if key in _keys(holder) else None, f"{key!r} is {now}"


def _places(tree: Any) -> list[tuple[Any, Any]]:
    """Every value in a tree, by what holds it and its key there."""
    found = []
    stack = [tree]
    while stack:
        node = stack.pop()
        for key in _keys(node):
            found.append((node, key))
            stack.append(node[key])
    return found


def _keys(node: Any) -> Sequence[Any]:
    if isinstance(node, dict):
        return [*node]
    return range(len(node)) if isinstance(node, list) else ()
