"""The jobs behind ``report`` and ``atlas``: read the content of a page, render it, write it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from data.claim import claim
from data.files import write_file
from data.outputs import write_output
from data.records import as_text, landscapes, records
from data.results import Summary
from search.archive.tables import Selection
from search.proofs import write_certificates
from search.report.atlas import record_certificates, render_atlas
from search.report.content import Content
from search.report.fastest import fastest_records
from search.report.page import render
from search.report.runs import read_archive, read_run

REPORT = "report.html"


def report_run(folder: Path, out: Path | None, limit: int) -> Summary | bytes:
    """Write the report of a run, by default into its folder; for "-", return the page.

    Raises
    ------
    DataError
        If the folder is no run folder, or damaged; or if the report is for this folder, and another
        process has claimed it. Nothing is written.
    """
    if out is None and (folder / "run.json").exists():
        with claim(folder, "report"):
            return _deliver(read_run(folder, limit), None, folder / REPORT)
    return _deliver(read_run(folder, limit), out, folder / REPORT)


def report_archive(
    path: Path, selection: Selection, out: Path | None, limit: int
) -> Summary | bytes:
    """Write the report of an archive, by default beside it; for "-", return the page.

    Raises
    ------
    DataError
        If the file is no archive, or damaged. Nothing is written.
    """
    return _deliver(read_archive(path, selection, limit), out, path.parent / REPORT)


def report_atlas(
    out: Path,
    certificates: Path | None = None,
    runs: Sequence[Path] = (),
    file: Path | None = None,
) -> Summary | bytes:
    """Write the records of all landscapes as one page; for "-", return it.

    Parameters
    ----------
    out : Path
    certificates : Path, optional
        A file for a certificate of each automaton on the page, one a line.
    runs : sequence of Path
        Comparisons of ``discover``: the page says which arm met a record with the fewest calls.
    file : Path, optional
        A file for the records with these arms, in the form of ``data/records.json``.

    Raises
    ------
    DataError
        If one of the files is an archive, or belongs to a run; or if a folder compares nothing.
    """
    fastest = fastest_records(runs)
    page = render_atlas(fastest).encode()
    if str(out) != "-":
        write_output(out, lambda path: path.write_bytes(page))
    facts: dict[str, object] = {"bytes": len(page), "atlas": str(out)}
    if runs:
        facts["records that the runs met"] = len(fastest)
    if file is not None:
        rows = [fastest.get(key, own) for key, own in records().items()]
        text = as_text(landscapes().values(), rows)
        write_output(file, lambda path: path.write_text(text, encoding="utf-8"))
        facts["records"] = str(file)
    if certificates is not None:
        write_certificates(record_certificates(), certificates)
        facts["certificates"] = str(certificates)
    return page if str(out) == "-" else Summary(facts)


def write_report(content: Content, file: Path) -> Summary:
    """Write a page to a file that a person named, through symbolic links too."""
    page = _page(content)
    write_output(file, lambda path: path.write_bytes(page))
    return _summary(content, page, file)


def _deliver(content: Content, out: Path | None, usual: Path) -> Summary | bytes:
    """Write a page to `out`, by default to `usual`; for "-", return it."""
    if str(out) == "-":
        return _page(content)
    if out is not None:
        return write_report(content, out)
    page = _page(content)
    write_file(usual, lambda path: path.write_bytes(page))
    return _summary(content, page, usual)


def _page(content: Content) -> bytes:
    return render(content).encode("utf-8", "replace")  # JSON may hold lone surrogates


def _summary(content: Content, page: bytes, file: Path) -> Summary:
    return Summary({"automata": len(content.rows), "bytes": len(page), "report": str(file)})
