"""Pictures without their rendering."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_EMPTY = {
    "svg": b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>',
    "png": b"\x89PNG\r\n\x1a\n",
}


@contextmanager
def unrendered(*kinds: str) -> Iterator[None]:
    """Let commands make figures, but write files of no content: rendering is most of their time.

    Of `kinds`, "png" or "svg", alone if they are named.
    """
    from matplotlib.figure import Figure  # which few tests need

    render = Figure.savefig

    def save(figure: Figure, file: object, **settings: str) -> None:
        if isinstance(file, Path) and settings["format"] in (kinds or _EMPTY):
            file.write_bytes(_EMPTY[settings["format"]])
        else:
            render(figure, file, **settings)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Figure, "savefig", save)
        yield
