"""The records as a page of Markdown: docs/records.md, made by ``make docs``."""

from __future__ import annotations

from data.records import STATUSES, Landscape, Record, landscapes, records

COLUMNS = {
    "n": "n",
    "longest": "longest",
    "status": "what it is",
    "count": "how many",
    "formula": "formula",
    "published": "published",
    "origin": "where it comes from",
    "arm": "found by",
}
"""The columns of the tables of records, with their heads."""

_HEAD = """# Records

The longest reset thresholds that we know of, for partial automata the longest careful ones, by
landscape and size. This page is made of `data/records.json`, which also holds a shortest word of
each automaton; `python pipeline.py atlas` draws them all.

{statuses}. "How many" is the number of automata with this threshold, up to isomorphism, where a
complete list says so: ours, or a published one where "published" is added. "Found by" names an arm
of `discover` and its solver calls at this size up to the find, the median where there are several
seeds. Where seconds stand beside them, it is the arm of a comparison that needs the fewest expected
calls, with its expected calls and seconds (training included; seeds that miss the record count):
`python pipeline.py atlas --runs FOLDER --records data/records.json` takes them from `discover`.

The tests solve every automaton, replay its word in plain Python and check a certificate.
`python pipeline.py atlas --certificates FILE` makes these certificates, and
`python pipeline.py verify FILE` checks them.
"""


def records_of(landscape: Landscape) -> list[Record]:
    """Return the records of a landscape, by size."""
    return [own for own in records().values() if own.landscape == landscape.name]


def cells_of(own: Record) -> dict[str, str]:
    """Return a record as the texts of a row of a table, by `COLUMNS`.

    Examples
    --------
    >>> cells = cells_of(records()["sink", 12])
    >>> cells["longest"], cells["status"], cells["published"]
    ('53', 'found', '50 (Martyugin 2008)')
    """
    published = "" if own.published is None else f"{own.published} ({own.source})"
    spent = "" if own.calls is None else f", {own.calls:,} call{'s' * (own.calls != 1)}"
    spent += "" if own.seconds is None else f", {_seconds(own.seconds)} s"
    spent += "" if own.seeds is None else f" ({own.seeds} seed{'s' * (own.seeds != 1)})"
    count = "" if own.count is None else f"{own.count:,}"
    return {
        "n": str(own.n),
        "longest": str(own.threshold),
        "status": own.status,
        "count": f"{count} (published)" if count and own.status == "published" else count,
        "formula": own.formula,
        "published": published,
        "origin": own.origin,
        "arm": own.arm + spent,
    }


def _seconds(seconds: float) -> str:
    return f"{seconds:,.0f}" if seconds >= 10 else f"{seconds:.2g}"


def statuses() -> str:
    """Return what each status means, in one sentence."""
    return "; ".join(f"*{name}*: {meaning}" for name, meaning in STATUSES.items()).capitalize()


def records_page() -> str:
    """Return docs/records.md."""
    parts = [_HEAD.format(statuses=statuses())]
    for landscape in landscapes().values():
        parts.append(f"## {landscape.title}\n\n`{options_of(landscape)}`. {landscape.about}\n\n")
        heads = [*COLUMNS.values(), "automaton"]
        parts[-1] += f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}\n"
        for own in records_of(landscape):
            automaton = own.automaton.replace("|", "\\|")
            cells = [*cells_of(own).values(), f"`{automaton}`" if automaton else ""]
            parts[-1] += f"| {' | '.join(cells)} |\n"
    return "\n".join(parts)


def options_of(landscape: Landscape) -> str:
    """Return the options that restrict a command to a landscape.

    Examples
    --------
    >>> options_of(landscapes()["aperiodic"])
    '-k 2 --class aperiodic --class strongly-connected'
    """
    options = [f"-k {landscape.k}", *(f"--class {name}" for name in landscape.classes)]
    return " ".join([*options, *(["--partial"] if landscape.partial else [])])
