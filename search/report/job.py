"""The job behind `report`: a page is read, rendered and written, whole or not at all."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from data.claim import claim
from data.files import write_file, write_output
from search.archive.tables import Selection
from search.report.page import render
from search.report.runs import read_archive, read_run

REPORT = "report.html"


def report_run(folder: Path, out: Path | None, limit: int) -> dict[str, Any]:
    """Write the report of a run folder; by default into it, "-" to standard output.

    Raises
    ------
    DataError
        If it is no run folder, or damaged, or another process is at work in it and the report is to
        go there; nothing is written.
    """
    if out is None and (folder / "run.json").exists():
        with claim(folder, "report"):
            return _report_run(folder, None, limit)
    return _report_run(folder, out, limit)


def _report_run(folder: Path, out: Path | None, limit: int) -> dict[str, Any]:
    content = read_run(folder, limit)
    return _write(render(content), out, folder / REPORT, len(content.rows))


def report_archive(
    path: Path, selection: Selection, out: Path | None, limit: int
) -> dict[str, Any]:
    """Write the report of an archive; by default beside it, "-" to standard output.

    Raises
    ------
    DataError
        If it is no archive, or damaged; nothing is written.
    """
    content = read_archive(path, selection, limit)
    return _write(render(content), out, path.parent / REPORT, len(content.rows))


def _write(page: str, out: Path | None, usual: Path, automata: int) -> dict[str, Any]:
    """Write a page: through links where a path was named; to standard output without a summary."""
    whole = page.encode("utf-8", "replace")  # JSON may hold half characters
    if str(out) == "-":
        sys.stdout.buffer.write(whole)
        return {}
    if out is None:
        write_file(usual, lambda path: path.write_bytes(whole))
    else:
        write_output(out, lambda path: path.write_bytes(whole))
    return {"automata": automata, "bytes": len(whole), "report": str(out or usual)}
