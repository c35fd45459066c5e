"""The job behind ``lecture``: run the cells of the lecture, and write its page."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from data.damage import DataError
from data.digits import Digits, load_digits
from data.files import write_file
from data.picture import Picture
from data.record import recorded
from data.results import Summary
from data.terminal import warn
from search.arms.decode import computing
from search.lecture.cells import read_cells, run_cells
from search.lecture.config import LectureConfig
from search.lecture.given import are_isomorphic, check_model, check_parents
from search.lecture.learned import LETTERS, STATES
from search.lecture.page import render
from vae.checkpoint import weights_sha256
from vae.threads import torch_threads

PAGE = "lecture.html"
_LEAST = 40
"""Images that there must be of each digit."""


def run_lecture(
    config: LectureConfig,
    out: Path,
    *,
    digits: Path | None = None,
    model: Path | None = None,
    between: tuple[str, str] | None = None,
    force: bool,
) -> Summary:
    """Run the lecture and write its page.

    Parameters
    ----------
    config : LectureConfig
    out : Path
        The folder of the run.
    digits : Path, optional
        A folder with MNIST's IDX files; by default scikit-learn's digits.
    model : Path, optional
        The folder of a model of automata of one size; by default one is trained.
    between : tuple of str, optional
        Two automata, as texts or files, that paths lead between.
    force : bool
        Discard what the folder holds.

    Raises
    ------
    DataError
        If the digits, the model or the two automata are missing, damaged, or do not fit.
    """
    torch.set_num_threads(torch_threads())
    check_digits(load_digits(digits, most=config.rows))
    check_parents(between, *((STATES, LETTERS) if model is None else check_model(model)))
    if between and are_isomorphic(between):
        warn("--between: the two automata are isomorphic, so that nothing lies between them")
    inputs = {name: path for name, path in (("digits", digits), ("model", model)) if path}
    contents = {} if model is None else {"model": weights_sha256(model)}
    record = asdict(config) | ({"between": between} if between else {})
    with (
        recorded(
            out, "lecture", record, inputs, contents=contents, renews=True, force=force
        ) as run,
        TemporaryDirectory() as scratch,
        computing(model) if model else nullcontext(),
    ):
        names: dict[str, Any] = {
            "config": config,
            "folder": Path(scratch),
            "torch": torch,
            "digits_folder": digits,
            "model_folder": model,
            "between": between,
        }
        parts = [*run_cells(read_cells(), names)]
        facts = {name.replace("_", " "): str(value) for name, value in record.items()}
        facts |= {name: str(path) for name, path in inputs.items()}
        page = render(parts, facts).encode("utf-8")
        write_file(out / PAGE, lambda path: path.write_bytes(page))
        pictures = sum(isinstance(value, Picture) for _, value in parts)
        return Summary(
            {"pictures": pictures, "seconds": round(run.seconds, 1), "page": str(out / PAGE)}
        )


def check_digits(digits: Digits) -> None:
    """Raise `DataError` if there are too few images of a digit to train on and to hold some out.

    Examples
    --------
    >>> check_digits(load_digits(most=300))
    Traceback (most recent call last):
    data.damage.DataError: 31 images of the digit 0, fewer than 40
    """
    counts = np.bincount(digits.labels, minlength=10)
    few = np.flatnonzero(counts < _LEAST)
    if len(few):
        raise DataError(f"{counts[few[0]]} images of the digit {few[0]}, fewer than {_LEAST}")
