"""The measures of a trained model: held-out reconstruction and prior samples."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from automata.canonical import canonical_forms
from automata.classes import CLASSES
from automata.properties import in_classes
from automata.row_index import RowIndex
from automata.solver.either import thresholds_of
from data.checks import anything, list_of, names_of, number, whole
from data.damage import DataError, read_json, reading
from data.dataset import Dataset
from data.files import open_seal, sha256, write_sealed, write_text
from data.record import git_commit
from search.arms.decode import decode_and_repair
from search.evaluation.attribute_table import (
    ATTRIBUTE_COLUMNS,
    MEASURED_COLUMNS,
    THRESHOLD_COLUMNS,
    complete,
)
from search.tables import SHARE, TEXT, Kind, read_table
from vae.checkpoint import weights_sha256
from vae.coding import draw_prior
from vae.directions import THRESHOLD
from vae.encoding import encode_deltas
from vae.metrics import reconstruction_metrics
from vae.model import VAE, NotFiniteError
from vae.train import check_size

PRIOR_SAMPLES = 10_000
_FILE, _TABLE = "evaluation.json", "attributes.csv"
_ATTRIBUTES = {
    **dict.fromkeys(ATTRIBUTE_COLUMNS, SHARE),
    **dict.fromkeys(THRESHOLD_COLUMNS, Kind("number", -1e12, 1e12, gaps=True)),
    **dict.fromkeys(("step", "changed", "changed_unmoved"), Kind("number", 0, 10**6)),
    **dict.fromkeys(("attribute", "verdict"), TEXT),
    "parents": Kind("whole", 1),
}
_ALIKE = 0.1
"""Fewer distinct samples than this share of the valid ones, or of the dataset, are too few."""
TOP = 5
"""Number of longest thresholds that are listed."""


def evaluate(
    model: VAE,
    data: Dataset,
    *,
    held_out: float,
    repair: int,
    seed: int,
    classes: Sequence[str] = (),
) -> dict[str, float | list[int]]:
    """Measure a model on held-out automata and on samples from the prior.

    Parameters
    ----------
    model : VAE
    data : Dataset
        The dataset that the model was trained on.
    held_out : float
        The share that training held out.
    repair : int
        Most transitions that may change in a non-synchronizing sample.
    seed : int
    classes : sequence of str
        NAME or not-NAME. Only held-out automata of all these classes are reconstructed, and only
        samples of all these classes count as valid.

    Returns
    -------
    dict
        Measures by name. Validity is a share of the 10,000 prior samples, uniqueness of the valid
        ones, novelty of the distinct ones; the last two are up to isomorphism.

    Raises
    ------
    DataError
        If the (n, k) of model and data differ, or no held-out automaton is in the classes.
    NotFiniteError
        If the model computes numbers that are not finite.
    """
    check_size(data, model.config)
    device = next(model.parameters()).device
    generator = torch.Generator(device).manual_seed(seed)
    apart = data.split(held_out)[1].of_classes(classes)
    if classes and len(apart) == 0:
        raise DataError(f"no held-out automaton is of class {', '.join(classes)}")
    tokens = torch.from_numpy(encode_deltas(apart.deltas, partial=data.partial))
    results: dict[str, float | list[int]] = {"held_out_rows": len(apart)}
    results |= (measured := reconstruction_metrics(model, tokens, generator))
    if not np.isfinite([*measured.values()]).all():
        raise NotFiniteError(f"{measured}")
    results["latent"] = model.config.latent

    z = draw_prior(model, PRIOR_SAMPLES, generator)
    raw = decode_and_repair(model, z, repair=0)
    decoded = decode_and_repair(model, z, repair=repair)
    thresholds = thresholds_of(decoded.deltas, partial=data.partial)
    valid = thresholds >= 0
    valid[valid] = in_classes(decoded.deltas[valid], classes)
    thresholds = thresholds[valid]
    forms = canonical_forms(decoded.deltas[valid])
    distinct = forms[RowIndex(forms.shape[1]).add_new(forms)]
    known = RowIndex(forms.shape[1])
    known.add(data.forms)
    results["prior_samples"] = PRIOR_SAMPLES
    results["valid_as_decoded"] = float((decoded.as_decoded & valid).mean())
    before = thresholds_of(raw.deltas, partial=True) >= 0 if data.partial else raw.as_decoded
    results["synchronizing_before_repair"] = float(before.mean())
    results["valid_after_repair"] = float(valid.mean())
    results["uniqueness"] = len(distinct) / max(1, len(forms))
    results["novelty"] = float((known.find(distinct) < 0).mean()) if len(distinct) else 0.0
    results["mean_threshold"] = float(thresholds.mean()) if len(thresholds) else -1.0
    results["top_thresholds"] = np.sort(thresholds)[::-1][:TOP].tolist()
    return results


def monotony(results: Mapping[str, Any], rows: int) -> str:
    """Say that the samples of a model are nearly all alike, "" if they are not.

    Of small automata there are few, so that many samples must be alike: no more are asked for than
    a share of the dataset.

    Parameters
    ----------
    results : mapping
        Of `evaluate`.
    rows : int
        Automata of the dataset.

    Examples
    --------
    >>> found = {"uniqueness": 0.004, "valid_after_repair": 1.0, "prior_samples": 10_000}
    >>> monotony(found, 3000)[:45], monotony(found, 100)
    ('its samples are nearly all alike (40 distinct', '')
    """
    valid = round(results["valid_after_repair"] * results["prior_samples"])
    distinct = round(results["uniqueness"] * valid)
    if distinct >= _ALIKE * min(valid, rows):
        return ""
    return (
        f"its samples are nearly all alike ({distinct:,} distinct of {valid:,} valid ones): its "
        "latent space may have collapsed; train longer, with a lower --beta, or with --free-bits"
    )


def write_evaluation(
    folder: Path,
    settings: Mapping[str, Any],
    results: Mapping[str, Any],
    attributes: pd.DataFrame,
    model_sha256: str,
) -> None:
    """Write ``attributes.csv``, then ``evaluation.json``.

    The latter holds settings, results, commit, the SHA-256 of the model and of ``attributes.csv``,
    and a seal.
    """
    content = _csv(attributes)
    write_text(folder / _TABLE, content)
    record = {
        **settings,
        "results": results,
        "model_sha256": model_sha256,
        "attributes_sha256": hashlib.sha256(content.encode()).hexdigest(),
        "commit": git_commit(),
    }
    write_sealed(folder / _FILE, record)


def read_evaluation(folder: Path | str) -> dict[str, Any] | None:
    """Read the results in ``evaluation.json``; None if there is no such file.

    Raises
    ------
    DataError
        If it is damaged, or of another model than the one in the folder.
    """
    record = _read(Path(folder))
    return (
        None if record is None else {name: own for name, own in sorted(record["results"].items())}
    )


def read_attributes(folder: Path | str) -> pd.DataFrame | None:
    """Read ``attributes.csv``; None if there is no evaluation, or one of an earlier version.

    Raises
    ------
    DataError
        If the table or the evaluation is damaged, the table is of another evaluation, the
        evaluation is of another model, or a verdict or an interval does not follow from the shares.
    """
    folder = Path(folder)
    record = _read(folder)
    if record is None or "attributes_sha256" not in record:
        return None
    path = folder / _TABLE
    if sha256(path) != record["attributes_sha256"]:
        raise DataError(f"{path}: damaged, or of another evaluation: evaluate again")
    table = read_table(path, _ATTRIBUTES)
    with reading(path, "a table of attributes"):
        if (
            not {*table["attribute"]} <= {*CLASSES, THRESHOLD}
            or table["attribute"].duplicated().any()
        ):
            raise ValueError(f"attributes {', '.join(table['attribute'])}"[:200])
        if _csv(complete(table[MEASURED_COLUMNS])) != path.read_text(encoding="utf-8"):
            raise ValueError("an interval or a verdict does not follow from the shares")
    return table


def _read(folder: Path) -> dict[str, Any] | None:
    """Read and check ``evaluation.json``."""
    path = folder / _FILE
    if not path.exists():
        return None
    record: dict[str, Any] = read_json(path)
    with reading(path, "the evaluation of a model"):
        open_seal(record)
        if "model_sha256" not in record:
            raise ValueError("of an earlier version: evaluate again")
        names_of(anything)("results", record["results"])
        for name, value in record["results"].items():
            check = list_of(whole(-1, 10**6)) if isinstance(value, list) else number(-1e12, 1e12)
            check(name, value)
        if record["model_sha256"] != weights_sha256(folder):
            raise ValueError("of weights that were trained further since: evaluate again")
    return record


def _csv(table: pd.DataFrame) -> str:
    return str(table.to_csv(index=False, lineterminator="\n"))
