"""What reads the files of the project, as texts that can be compared, and what is false in them.

A reader raises one of `refusals`, or says what it has read. `false` judges an answer that differs
from that of the whole file, by plain Python: "" where nothing is wrong with it.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import math
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from tests import naive
from tests.faults import server
from tests.faults.folders import Facts, facts
from tests.faults.forms import wrong_answers


class Refused(Exception):
    """A command ended with one line of error."""


class UnclearMessageError(Exception):
    """A command failed, but not with one line."""


class Reader(NamedTuple):
    """A reader of a folder."""

    name: str
    read: Callable[[Path], str]
    false: Callable[[Path, str], str] = lambda folder, text: ""
    vouched: bool = True
    """Whether it must notice every change, where checksums are as they were."""
    share: float = 1.0
    """Of the mutations that are given to it: some readers are slow."""
    may_refuse: bool = False
    """Whether the whole file may be refused: it may be one of two forms."""


def refusals() -> tuple[type[BaseException], ...]:
    """What a reader may raise: `main` turns each into one line."""
    import click

    from automata import AutomatonError, CertificateError
    from data.damage import DataError

    return (Refused, DataError, OSError, AutomatonError, CertificateError, click.ClickException)


def run(line: str, codes: tuple[int, ...] = (0,), *, many: bool = False) -> tuple[str, list[str]]:
    """Run a command in this process; return what it said, and its complaints: one, or many."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = server.run_main(line.split())
    said = err.getvalue()
    complaints = [text for text in said.splitlines() if text.startswith("Error")]
    if "\x1b" in said or "\x1b" in out.getvalue():
        raise UnclearMessageError("an escape sequence reaches the terminal")
    if code in codes:
        return out.getvalue(), complaints
    if not complaints or (len(complaints) > 1 and not many) or code not in (1, 2, 3):
        raise UnclearMessageError(f"exit {code}: {said[-300:]!r}")
    raise Refused(complaints[0])


def command(
    line: str, *, share: float = 1.0, keep: str = "", but: str = "", **named: Any
) -> Reader:
    """A command; its answer is what it says, or what is then in a folder, and torch's threads."""

    def read(folder: Path) -> str:
        import torch

        torch.set_num_threads(1)
        said, _ = run(line)
        if not keep:
            return said
        found = left(folder, keep, but)
        return repr((sorted(found.items()), torch.get_num_threads()))

    return Reader(" ".join(line.split()[:2]), read, share=share, **named)


def left(folder: Path, keep: str, but: str = "") -> Facts:
    """What is in a folder of the round, but for one file."""
    found = facts(folder)  # from above, so that records name its neighbours alike
    return {
        name: what
        for name, what in found.items()
        if name.startswith(f"{keep}/") and name != f"{keep}/{but}"
    }


@cache
def true_threshold(rows: tuple[tuple[int, ...], ...]) -> int:
    """The threshold by plain Python, -1 for none."""
    found = naive.reset_threshold(rows)
    return -1 if found is None else found


def _rows(delta: Any) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(int(state) for state in row) for row in delta)


# --- datasets ----------------------------------------------------------------------------------


def dataset(name: str) -> Reader:
    """The rows of a dataset folder."""

    def read(folder: Path) -> str:
        from data.dataset import read_dataset

        data = read_dataset(folder / name)
        columns = {key: column.tolist() for key, column in data.properties.items()}
        labels, sources = data.reset_thresholds.tolist(), data.sources.tolist()
        return repr((data.deltas.tolist(), labels, sources, columns))

    return Reader("read_dataset", read, _false_dataset)


_SOURCES = {"uniform", "synchronizing", "evolved", "enumeration"}
_PROPERTIES: dict[str, Callable[[Any], Any]] = {
    "strongly_connected": naive.is_strongly_connected,
    "initially_connected": naive.is_initially_connected,
    "sink": naive.has_sink,
    "one_cluster": naive.is_one_cluster,
    "eulerian": naive.is_eulerian,
    "synchronizing": naive.is_synchronizing,
    "rank": naive.rank,
    "automorphisms": naive.automorphism_order,
    "defects": naive.defects,
}


@cache
def _property(name: str, rows: tuple[tuple[int, ...], ...]) -> Any:
    return _PROPERTIES[name](rows)


def _false_dataset(folder: Path, text: str) -> str:
    deltas, labels, sources, columns = eval(text, {"nan": math.nan, "inf": math.inf})
    for row, (delta, label, source) in enumerate(zip(deltas, labels, sources, strict=True)):
        if label != true_threshold(_rows(delta)):
            return f"row {row} has the label {label}, not {true_threshold(_rows(delta))}"
        if source not in _SOURCES:
            return f"row {row} comes from {source!r}"
        for name in columns.keys() & _PROPERTIES.keys():
            true = _property(name, _rows(delta))
            if columns[name][row] != true:
                return f"row {row}: {name} is {columns[name][row]}, not {true}"
    if len({*map(str, deltas)}) < len(deltas):
        return "a row is there twice"
    return ""


def report(name: str, share: float = 1.0) -> Reader:
    """What a page shows of a run folder, but its record."""

    def read(folder: Path) -> str:
        from search.report.runs import read_run

        content = read_run(folder / name, 3)
        if content.notes:  # the page names what is missing from it
            raise Refused(f"{name}: {'; '.join(content.notes)}")
        tables = [(own.title, own.rows.to_csv()) for own in content.tables]
        calls = content.facts.get("solver calls")
        return repr((content.title, content.lead, content.rows.to_csv(), tables, calls))

    return Reader(f"report {name}", read, _false_report, share=share)


def _false_report(folder: Path, text: str) -> str:
    table = eval(text)[2]
    for row in csv.DictReader(io.StringIO(table)):
        if told := false_row(row):
            return told
    return ""


def false_row(row: dict[str, str]) -> str:
    """What is false in a row that has delta, reset_threshold, word and gap."""
    delta = tuple(tuple(map(int, part.split())) for part in row["delta"].split("|"))
    k, n = len(delta), len(delta[0])
    threshold, bound = true_threshold(delta), (n - 1) ** 2
    claims = {
        "n": n, "k": k, "reset_threshold": threshold, "cerny_bound": bound, "gap": bound - threshold
    }  # fmt: skip
    for name, true in claims.items():
        if name in row and row[name] != str(true):
            return f"{name} of {row['delta']} is {row[name]}, not {true}"
    if "canonical" in row:
        form = [*map(int, row["canonical"].split())]
        if not naive.isomorphic(delta, [form[a::k] for a in range(k)]):
            return f"canonical of {row['delta']} is {row['canonical']}"
    word = [ord(letter) - 97 for letter in row["word"]]
    if len(word) != threshold or len(naive.apply(delta, range(n), word)) != 1:
        return f"the word of {row['delta']} is {row['word']}"
    return ""


# --- candidates --------------------------------------------------------------------------------


def verified(path: str) -> Reader:
    """`verify`: what it accepts must be true."""

    def read(folder: Path) -> str:
        said, _ = run(f"verify {path}")
        return said + (folder / path).read_text(encoding="utf-8")

    def false(folder: Path, text: str) -> str:
        table = text.partition("\n")[2].lstrip()
        rows = [*csv.DictReader(io.StringIO(table, newline=""))]
        if text.partition("\n")[0] != f"rows verified: {len(rows)}":
            return f"{text.partition(chr(10))[0]}, of {len(rows)}"
        return next((told for row in rows if (told := false_row(row))), "")

    return Reader("verify", read, false)


def solved(path: str, form: str, auto: bool = False) -> Reader:
    """`solve`: every answer must be that of the automaton on its line."""

    def read(folder: Path) -> str:
        chosen = "" if auto else f"--form {form} "
        said, complaints = run(f"solve {path} {chosen}--json --workers 1", codes=(0, 2), many=True)
        if complaints and not said:
            raise Refused(complaints[0])
        return json.dumps([said, len(complaints)])

    def false(folder: Path, text: str) -> str:
        said, complaints = json.loads(text)
        content = (folder / path).read_bytes().decode("utf-8", "backslashreplace")
        return wrong_answers(content, form, auto, said, complaints)

    name = f"solve, form {'guessed' if auto else 'named'}"
    return Reader(name, read, false, vouched=False, may_refuse=auto)
