"""Reading a folder of ``search`` or ``evolve`` for a page: tables, strip, latent map."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from automata.deltas import MAX_LETTERS
from data.best_known import Scale
from data.checks import build, names_of, number
from data.commits import check_files
from data.damage import DataError, read_json, reading
from data.dataset import Dataset
from data.run_record import input_folder
from data.terminal import printable
from search.arms.baselines import BASELINES
from search.candidates import candidate_columns
from search.evolve import EvolveConfig
from search.pictures.hits import arm_names, ended_early, hit_names, wilson_interval
from search.pictures.latent import picture_space, reconstructions, strip_rows
from search.report.attributes import attribute_tables
from search.report.content import Content, LatentMap, Picture, Table, texts_of, title_of
from search.report.finds import counted, new_first
from search.report.latent_map import draw_map
from search.run import SearchConfig
from search.scoring.comparison import three_digits
from search.summary import HIT_COLUMNS, SUMMARY_COLUMNS, distinct_hits, time_modes
from search.tables import GAPPED, SHARE, TEXT, WHOLE, Kind, read_table
from search.verified import check_candidates, read_candidates
from vae.checkpoint import read_config, weights_sha256
from vae.coding import encode_automata
from vae.model import VAE
from vae.trained import load_trained

CPU = torch.device("cpu")
TRAINING = ("Training", "The curves of the model's training.")
"""Title and text of a picture."""
_SUMMARY = {
    **dict.fromkeys(SUMMARY_COLUMNS, WHOLE),
    **dict.fromkeys(HIT_COLUMNS, Kind("number", 0, 1000, gaps=True)),
    "mode": TEXT,
    "mean_threshold": GAPPED,
    "best_threshold": Kind("whole", -1),
}
_RECALL = {
    "mode": TEXT,
    **dict.fromkeys(("round", "threshold", "classes", "calls", "found"), WHOLE),
    "recall": SHARE,
}
_SOURCES = {
    "mode": TEXT,
    "source": TEXT,
    **dict.fromkeys(("proposed", "valid", "calls"), WHOLE),
    "best_threshold": Kind("whole", -1),
    **dict.fromkeys(HIT_COLUMNS, Kind("number", 0, 1000, gaps=True)),
}


def read_search(folder: Path, record: Mapping[str, Any], limit: int) -> Content:
    """Read the content of a page from a folder of ``search`` or ``evolve``.

    Parameters
    ----------
    folder : Path
    record : mapping
        Its ``run.json``.
    limit : int
        Most automata on the page.

    Raises
    ------
    DataError
        If the folder is damaged, or a row on the page is wrong.
    """
    command, config = record["command"], record["config"]
    with reading(folder / "run.json", f"the record of a run of {command}"):
        own = build(SearchConfig if command == "search" else EvolveConfig, config, "config")
    scored = [name for name in ("recall.csv",) if (folder / name).exists()]
    learned = [name for name in ("sources.csv",) if (folder / name).exists()]
    check_files(folder, "candidates.csv", "summary.csv", *scored, *learned)
    path = folder / "candidates.csv"
    rows = read_candidates(path)
    shown = new_first(rows).head(limit).sort_index()
    listed = rows.head(int(shown.index.max()) + 1) if len(shown) else shown  # ranks have no gap
    check_candidates(path, listed, torch.get_num_threads())
    summary = read_table(folder / "summary.csv", _SUMMARY, _recall_column)
    calls = f"{summary['calls'].sum():,} of the arms"
    if summary["labelling_calls"].max():
        calls += f", {summary['labelling_calls'].max():,} of labelling the training set"
    new = int((rows["novel"] == "True").sum())
    # evolution has no training set, so that nothing is old
    of = counted(new, "new") if new and command == "search" else counted(len(rows))
    scale = _scale(rows, tuple(config.get("classes", ()))) if len(rows) else None
    content = Content(
        title_of(command, folder),
        _lead(rows, len(shown), new if command == "search" else None),
        shown[_columns(shown)].reset_index(drop=True),
        {"solver calls": calls},
        [_arms(summary, scale)],
        of=of,
        found=_slower_baseline(summary, command),
    )
    searched = "the arms" if command == "search" else "evolution"
    content.captions = {
        "hits": f"New automata per 1,000 solver calls. {budget_sentence(summary)}",
        "thresholds": f"The new automata that {searched} found, without those of baselines.",
    }
    if len(rows) == config["keep"]:
        content.captions["thresholds"] += f" The candidates are the best {len(rows):,} of all."
    for name in learned:
        content.tables += _sources(folder, read_table(folder / name, _SOURCES), summary)
    for name in scored:
        recall = read_table(folder / name, _RECALL)
        last = recall[
            recall["calls"] == recall.groupby(["mode", "round"])["calls"].transform("max")
        ]
        text = "Share of all automata with such a threshold, after all calls of the arm."
        content.tables.append(Table("Recall", text, texts_of(last)))
    if isinstance(own, SearchConfig):
        _add_latent(folder, content, own, record)
    return content


def _columns(rows: pd.DataFrame) -> list[str]:
    """Return the columns of candidates that a page shows: files of older versions have fewer."""
    columns = candidate_columns(MAX_LETTERS, by_record="best_known" in rows)
    return [name for name in columns if name in rows]


def _scale(rows: pd.DataFrame, classes: tuple[str, ...]) -> Scale:
    """Return the length that hits were counted by: the recorded one, if it was a record."""
    first = rows.iloc[0]
    size, known = (int(first["n"]), int(first["k"])), first.get("best_known")
    if known is None:
        return Scale(*size)
    return Scale(*size, not classes, float(known or "nan"), classes)


def _lead(rows: pd.DataFrame, shown: int, new: int | None) -> str:
    """Describe the candidates in a sentence or two; `new` is None without a training set."""
    if not len(rows):
        return "Nothing was found."
    count = "1 candidate" if len(rows) == 1 else f"{len(rows):,} candidates"
    lead = f"{count}, n = {rows['n'][0]}, k = {rows['k'][0]}"
    if new is not None:
        lead += f": {new:,} new, {len(rows) - new:,} in the training set"
    if shown < len(rows):
        lead += f". This page has the best {shown:,}" + (", new ones first" if new else "")
    return f"{lead}."


def _slower_baseline(summary: pd.DataFrame, command: str) -> str:
    """Say which baseline found a slower automaton than all arms whose finds are listed, "" if none.

    Of ``evolve`` the arm of that name is no baseline.
    """
    is_baseline = summary["mode"].isin(BASELINES)
    if command == "evolve":
        is_baseline &= summary["mode"] != "evolve"
    baselines = summary[is_baseline]
    longest = summary.loc[~is_baseline, "best_threshold"].max()
    slower = baselines[baselines["best_threshold"] > longest]
    if slower.empty:
        return ""
    named = ", ".join(
        f"{mode} ({best})"
        for mode, best in zip(slower["mode"], slower["best_threshold"], strict=True)
    )
    return f"Baselines found slower ones, which are not listed here: {named}."


def _recall_column(name: str) -> Kind | None:
    """Return the kind of a recall column of a summary, None for another name."""
    return SHARE if re.fullmatch(r"recall_[0-9]{1,6}", name) else None


def _arms(summary: pd.DataFrame, scale: Scale | None) -> Table:
    """Return the table of a search's arms; hits have intervals."""
    table = pd.DataFrame({"arm": arm_names(summary)})
    table["kind"] = np.where(summary["mode"].isin(BASELINES), "baseline", "")
    table.loc[ended_early(summary), "kind"] += " ended early"
    table["kind"] = table["kind"].str.strip()
    for name in ("calls", "decoded", "valid_after_repair", "distinct", "novel"):
        table[name.replace("_", " ")] = [f"{value:,}" for value in summary[name]]
    for name in ("mean_threshold", "best_threshold"):
        table[name.replace("_", " ")] = texts_of(summary[[name]])[name]
    names = hit_names(scale)
    for name in distinct_hits(scale):
        if summary[name].isna().all():  # no length was known when hits were counted
            continue
        ends = wilson_interval(summary[name], summary["calls"])
        table[names[name]] = [
            f"{three_digits(rate)} [{three_digits(low)}, {three_digits(high)}]"
            for rate, low, high in zip(summary[name], *ends, strict=True)
        ]
    text = (
        f"{budget_sentence(summary)} The last columns: new automata at or above a threshold per "
        "1,000 calls, with 95 % Wilson intervals."
    )
    return Table("Arms", text, table)


def budget_sentence(summary: pd.DataFrame) -> str:
    """Say that all arms may call the solver equally often, and which ended early.

    Examples
    --------
    >>> arms = pd.DataFrame({"mode": ["prior", "evolve"], "round": 0, "calls": [4, 1000]})
    >>> budget_sentence(arms)[-61:]
    'new or allowed: prior (4 calls). All others made 1,000 calls.'
    """
    all_may = "All arms may call the solver equally often."
    early = ended_early(summary)
    if not early.any():
        return all_may
    names = np.array(arm_names(summary))[early]
    calls = summary["calls"][early]
    named = ", ".join(f"{name} ({own:,} calls)" for name, own in zip(names, calls, strict=True))
    return (
        f"{all_may} These ended early, since hardly anything they proposed was new or allowed: "
        f"{named}. All others made {summary['calls'].max():,} calls."
    )


def _sources(folder: Path, sources: pd.DataFrame, summary: pd.DataFrame) -> list[Table]:
    """Return the tables of the sources of the arms that learn, and of the wall times."""
    path = folder / "seconds.json"
    seconds = read_json(path)
    with reading(path, "the times of a search"):
        names_of(names_of(number(0, 10**9)))("seconds", seconds)
        if not all("all" in spent for spent in seconds.values()):
            raise ValueError("a mode without its seconds")
    text = (
        "Where the finds of the arms that learn come from. Hits are per 1,000 calls of the source."
    )
    also = "Wall time, training included, and hits per second."
    return [
        Table("Sources", text, texts_of(sources)),
        Table("Seconds", also, texts_of(time_modes(summary, seconds))),
    ]


def _add_latent(
    folder: Path, content: Content, config: SearchConfig, record: Mapping[str, Any]
) -> None:
    """Add the strip, the latent map, the training and the attributes of a search's model.

    The model is outside the run folder. If it cannot be read, a note on the page says why.
    """
    model_folder, data_folder = (input_folder(folder, record, name) for name in ("model", "data"))
    try:
        model, training, _ = load_trained(model_folder, data_folder, CPU, torch.get_num_threads())
        digest = weights_sha256(model_folder)
        if record.get("inputs_sha256", {}).get("model", digest) != digest:  # old records have none
            raise DataError(f"{model_folder}: not the model of this search any more")
        longest = f"The longest threshold in the training set is {training.reset_thresholds.max()}."
        content.found = f"{content.found} {longest}".strip()
        content.strip = strip_rows(picture_space(model, training, config, "strip"), training)
        held_out = read_config(model_folder)["train"]["held_out"]
        content.reconstructions, content.reconstructed = reconstructions(
            model, training, config, held_out
        )
        content.latent_map = dataset_map(model, training, content.rows, config.latent.path)
    except (DataError, OSError) as error:
        content.notes.append(f"No latent map: {printable(str(error))}")
        return
    curves = model_folder / "training.svg"
    if curves.exists():
        content.pictures.append(Picture(*TRAINING, curves))
    try:
        content.tables += attribute_tables(model_folder)
    except (DataError, OSError) as error:
        content.notes.append(f"No attribute arithmetic: {printable(str(error))}")


def dataset_map(model: VAE, training: Dataset, rows: pd.DataFrame, path: str) -> LatentMap:
    """Draw the map of a model and its dataset.

    Parameters
    ----------
    model : VAE
    training : Dataset
    rows : DataFrame
        The candidates on the page.
    path : str
        As in `draw_map`.

    Returns
    -------
    LatentMap
    """
    known = training.select(at_least=0)
    pair = known.deltas, known.reset_thresholds
    decoded = new_first(rows[~rows["mode"].isin(BASELINES)])
    return draw_map(
        "training automata",
        lambda deltas: encode_automata(model, deltas).mu,
        [pair],
        rows,
        decoded,
        path,
    )
