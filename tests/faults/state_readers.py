"""What reads models, discoveries, archives, pictures and proofs: as `tests.faults.readers`."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
import re
import sqlite3
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from tests import naive
from tests.faults.readers import Reader, Refused, false_row, left, run, true_threshold
from tests.faults.world import world

# --- models ------------------------------------------------------------------------------------


def model(name: str) -> Reader:
    """The weights of a model, and its config."""

    def read(folder: Path) -> str:
        from vae.checkpoint import load_model

        loaded = load_model(folder / name)
        weights = {key: tensor.tolist() for key, tensor in loaded.state_dict().items()}
        return repr((loaded.config, weights))

    return Reader("load_model", read, not_finite)


def resumable(name: str) -> Reader:
    """What training would go on from: `vae.train` reads the same, in this order."""

    def read(folder: Path) -> str:
        from vae.checkpoint import read_config
        from vae.config import TrainConfig
        from vae.model import ModelConfig
        from vae.resume import read_resume

        found = read_config(folder / name)
        train = found["train"]
        own = _untrained(ModelConfig(**found["model"]), train["weight_decay"])
        return _plain(read_resume(folder / name / "resume.pt", *own, TrainConfig(**train)))

    return Reader("read_resume", read, not_finite)


@cache
def _untrained(config: Any, weight_decay: float) -> tuple[Any, Any]:
    import torch

    from vae.model import VAE

    net = VAE(config)
    return net, torch.optim.AdamW(net.parameters(), weight_decay=weight_decay)


def _plain(found: Any) -> str:
    """A checkpoint as a text, tensors by their values."""
    if isinstance(found, dict):
        return "{" + ", ".join(f"{key!r}: {_plain(value)}" for key, value in found.items()) + "}"
    return repr(found.tolist() if hasattr(found, "tolist") else found)


def trained(line: str, name: str, share: float) -> Reader:
    """Training that goes on: the folder at its end."""

    def read(folder: Path) -> str:
        run(line)
        tables = (folder / name / "metrics.csv").read_text()
        return repr((left(folder, name), tables))

    def false(folder: Path, text: str) -> str:
        rows = [*csv.DictReader(io.StringIO(eval(text)[1]))]
        if [row["epoch"] for row in rows] != [str(i + 1) for i in range(len(rows))]:
            return f"epochs {[row['epoch'] for row in rows]}"
        return not_finite(folder, repr(rows))

    def compared(folder: Path) -> str:
        found, table = eval(read(folder))
        return repr((found, re.sub(r"[^,\n]+$", "", table, flags=re.M)))  # without the speed

    return Reader("train", compared, false, share=share)


def not_finite(folder: Path, text: str) -> str:
    found = re.search(r"(?<![a-z])-?(nan|inf)(?![a-z])", text.lower())
    return f"{found[0]} among the numbers" if found else ""


# --- discoveries -------------------------------------------------------------------------------


def step(place: str) -> Reader:
    """A step of a discovery."""

    def read(folder: Path) -> str:
        from search.discovery.saved import load_step

        found = load_step(folder / place)
        if found is None:
            raise Refused(f"{place}: no step")
        plain = {
            name: value.tolist() if isinstance(value, np.ndarray) else value
            for name, value in vars(found).items()
        }
        return repr(plain | {"tallies": {name: (*own,) for name, own in found.tallies.items()}})

    return Reader("load_step", read, _false_step)


def settings(path: str) -> Reader:
    """The settings of a discovery."""

    def read(folder: Path) -> str:
        from search.discovery.settings import read_settings

        return json.dumps(read_settings(folder / path), sort_keys=True)

    return Reader("read_settings", read, not_finite)


def weights(place: str, settings: str) -> Reader:
    """The model that a step left."""

    def read(folder: Path) -> str:
        import torch

        from data.checks import build
        from search.discovery.config import DiscoverConfig
        from search.discovery.learner import AUTOENCODER, Learner
        from search.discovery.saved import load_step
        from search.discovery.settings import read_settings

        if load_step(folder / place) is None:
            raise Refused(f"{place}: no step")
        found = read_settings(folder / settings)
        own = {name: value for name, value in found.items() if name not in ("device", "threads")}
        config = build(DiscoverConfig, own, "settings")
        device = torch.device("cpu")
        learner = Learner(AUTOENCODER, config.most, config.k, config.learn, 0, device)
        learner.load(folder / place / "model.safetensors")
        return "\n".join(
            f"{name} {hashlib.sha256(tensor.numpy().tobytes()).hexdigest()}"
            + ("" if tensor.isfinite().all() else " nan")
            for name, tensor in learner.model.state_dict().items()
        )

    return Reader("Learner.load", read, not_finite)


def _false_step(folder: Path, text: str) -> str:
    found = eval(text, {"nan": math.nan, "inf": math.inf})
    n, k, calls, rows = found["n"], found["k"], found["calls"], len(found["thresholds"])
    for form, threshold in zip(found["forms"], found["thresholds"], strict=True):
        delta = tuple(tuple(form[letter::k]) for letter in range(k))
        if len(form) != n * k or not all(0 <= state < n for state in form):
            return f"{form} is no form"
        if threshold != true_threshold(delta):
            return f"{form} has the threshold {threshold}, not {true_threshold(delta)}"
    spent = [(int, found["calls"]), (int, found["first_look"])]
    spent += [(int, value) for tally in found["tallies"].values() for value in tally]
    spent += [(float, value) for value in found["seconds"].values()]
    for kind, value in spent:
        if type(value) not in (kind, int) or not 0 <= value < 1e18:
            return f"{value!r} of calls or seconds"
    within = {
        "found_at": (1, calls), "sources": (0, len(found["tallies"]) - 1), "repaired": (0, n * k)
    }  # fmt: skip
    for name, (low, high) in within.items():
        if len(found[name]) != rows or not all(low <= value <= high for value in found[name]):
            return f"{name} outside {low}..{high}"
    if not all(math.isnan(value) or 0 <= value <= 1 for value in found["alpha"]):
        return "alpha outside 0..1"
    return ""


# --- archives, pictures, proofs -----------------------------------------------------------------


def archive_export() -> Reader:
    """All rows of an archive."""

    def read(folder: Path) -> str:
        return run("archive export - --archive archive.sqlite")[0]

    def false(folder: Path, text: str) -> str:
        return next(
            (told for row in csv.DictReader(io.StringIO(text)) if (told := false_row(row))), ""
        )

    return Reader("archive export", read, false, vouched=False)


def archive_list() -> Reader:
    """The counts of an archive; `whole` are those of the undamaged one."""

    def read(folder: Path) -> str:
        return run("archive list --json --archive archive.sqlite")[0]

    def false(folder: Path, text: str) -> str:
        for row in json.loads(text)["counts"]:
            n, best, bound = row["n"], row["best_threshold"], row["cerny_bound"]
            if bound != (n - 1) ** 2 or best + row["gap"] != bound:
                return f"{row}"
            if (row["k"], n, best) not in _best_of_the_world():
                return f"the best threshold with n={n}, k={row['k']} is {best}"
        return ""

    return Reader("archive list", read, false, vouched=False)


@cache
def _best_of_the_world() -> frozenset[tuple[int, int, int]]:
    """(k, n, threshold) of every automaton of the undamaged archive."""
    with closing(sqlite3.connect(f"file:{world() / 'archive.sqlite'}?mode=ro", uri=True)) as own:
        return frozenset(own.execute("SELECT k, n, reset_threshold FROM automata"))


def picture(path: str) -> Reader:
    """A picture as a part of a page."""

    def read(folder: Path) -> str:
        from search.report.pictures import inline_svg

        return str(inline_svg(folder / path, "p1-"))

    return Reader("inline_svg", read, _unsafe, vouched=False)


_UNSAFE = re.compile(
    r"<script|<style|<foreignobject|<image|<iframe|<a[\s>]|\son\w+\s*=|javascript:|data:|@import"
    r"|https?:|//\w|url\(\s*(?!#)|href\s*=\s*[\"'](?!#)|expression\(|\\[0-9a-f]",
    re.IGNORECASE,
)


def _unsafe(folder: Path, text: str) -> str:
    markup = re.sub(r">[^<]*<", "><", text)  # texts may say what they like
    found = _UNSAFE.search(markup)
    return f"{found[0]!r} in the page" if found else ""


def proof(path: str) -> Reader:
    """A certificate."""

    def read(folder: Path) -> str:
        from automata import Certificate, check_certificate

        text = (folder / path).read_bytes().decode("utf-8", "surrogateescape")
        found = Certificate.from_json(text)
        check_certificate(found)
        return repr((np.asarray(found.delta).tolist(), found.threshold))

    def false(folder: Path, text: str) -> str:
        delta, threshold = eval(text)
        true = naive.reset_threshold(delta)
        return "" if threshold == true else f"threshold {threshold} of {delta}, not {true}"

    return Reader("check_certificate", read, false, vouched=False)
