"""The measures of a trained model: held-out reconstruction and prior samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from automata.canonical import canonical_forms
from automata.properties import in_classes
from automata.row_index import RowIndex
from automata.solver.exact import reset_thresholds
from automata.solver.ranks import are_synchronizing
from data.checks import anything, list_of, names_of, number, whole
from data.damage import DataError, read_json, reading
from data.dataset import Dataset
from data.files import open_seal, write_sealed
from data.record import git_commit
from search.decode import decode_and_repair
from vae.checkpoint import weights_sha256
from vae.coding import draw_prior
from vae.encoding import encode_deltas
from vae.metrics import reconstruction_metrics
from vae.model import VAE, NotFiniteError
from vae.train import check_size

PRIOR_SAMPLES = 10_000
_FILE = "evaluation.json"
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
    tokens = torch.from_numpy(encode_deltas(apart.deltas))
    results: dict[str, float | list[int]] = {"held_out_rows": len(apart)}
    results |= (measured := reconstruction_metrics(model, tokens, generator))
    if not np.isfinite([*measured.values()]).all():
        raise NotFiniteError(f"{measured}")
    results["latent"] = model.config.latent

    z = draw_prior(model, PRIOR_SAMPLES, generator)
    raw = decode_and_repair(model, z, repair=0)
    decoded = decode_and_repair(model, z, repair=repair)
    valid = in_classes(decoded.deltas, ("synchronizing", *classes))
    forms = canonical_forms(decoded.deltas[valid])
    distinct = forms[RowIndex(forms.shape[1]).add_new(forms)]
    known = RowIndex(forms.shape[1])
    known.add(data.forms)
    thresholds = reset_thresholds(decoded.deltas[valid])
    results["prior_samples"] = PRIOR_SAMPLES
    results["valid_as_decoded"] = float((decoded.as_decoded & valid).mean())
    results["synchronizing_before_repair"] = float(are_synchronizing(raw.deltas).mean())
    results["valid_after_repair"] = float(valid.mean())
    results["uniqueness"] = len(distinct) / max(1, len(forms))
    results["novelty"] = float((known.find(distinct) < 0).mean()) if len(distinct) else 0.0
    results["mean_threshold"] = float(thresholds.mean()) if len(thresholds) else -1.0
    results["top_thresholds"] = np.sort(thresholds)[::-1][:TOP].tolist()
    return results


def write_evaluation(
    folder: Path, settings: Mapping[str, Any], results: Mapping[str, Any], model_sha256: str
) -> None:
    """Write ``evaluation.json``: settings, results, commit, SHA-256 of the model, and a seal."""
    record = {**settings, "results": results, "model_sha256": model_sha256, "commit": git_commit()}
    write_sealed(folder / _FILE, record)


def read_evaluation(folder: Path | str) -> dict[str, Any] | None:
    """Read the results in ``evaluation.json``; None if there is no such file.

    Raises
    ------
    DataError
        If it is damaged, or of another model than the one in the folder.
    """
    folder = Path(folder)
    path = folder / _FILE
    if not path.exists():
        return None
    record = read_json(path)
    with reading(path, "the evaluation of a model"):
        open_seal(record)
        if "model_sha256" not in record:
            raise ValueError("of an earlier version: evaluate again")
        names_of(anything)("results", record["results"])
        results = {name: record["results"][name] for name in sorted(record["results"])}
        for name, value in results.items():
            check = list_of(whole(-1, 10**6)) if isinstance(value, list) else number(-1e12, 1e12)
            check(name, value)
        if record["model_sha256"] != weights_sha256(folder):
            raise ValueError("of weights that were trained further since: evaluate again")
    return results
