"""Sentences of the lecture whose numbers are those of the data and the model in use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from automata.sizes import cerny_bound
from data.manifest import ENUMERATION


class Words(str):
    """A paragraph in Markdown that a cell gives."""

    __slots__ = ()

    def _repr_markdown_(self) -> str:
        """Return the text, which a notebook shows as a paragraph."""
        return str(self)


def describe_origin(manifest: Mapping[str, Any]) -> str:
    """Say where the automata of a dataset come from, after a comma; "" where nothing is known.

    Parameters
    ----------
    manifest : mapping
        Of the dataset folder.

    Examples
    --------
    >>> config = {"n": 7, "k": 2, "sampler": "evolved", "ceiling": 0.6}
    >>> describe_origin({"config": config})
    ', evolved from random ones, and *blind*: nothing above 0.6 of the Černý bound of 36 is let in'
    """
    config, kind = manifest["config"], manifest.get("kind")
    if kind == ENUMERATION:
        return ", enumerated"
    if kind is not None:
        return ", read from a list"
    evolved = config["sampler"] == "evolved"
    origin = ", evolved from random ones" if evolved else ", drawn at random"
    if config["ceiling"] is None:
        return origin
    bound = cerny_bound(config["n"])
    return (
        f"{origin}, and *blind*: nothing above {config['ceiling']:g} of the Černý bound of {bound} "
        "is let in"
    )
