"""docs/references.bib against the citations in code and docs: all that is cited, and no more."""

import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from pybtex.database import Entry, parse_file

from automata.families import FAMILIES, SINGLES

ROOT = Path(__file__).parents[1]
CODE = ("automata", "data", "vae", "search", "tests", "benchmarks")
NAME = r"(?:de )?[A-ZÀ-Ž](?:[^\W\d_]|['-])*[a-zà-ž]"
NAMES = rf"{NAME}(?:(?:, | and ){NAME})*"
BY_YEAR = re.compile(rf"({NAMES})(?: et al\.)? \(?((?:19|20)\d\d)\b(?![-.\d])")
BY_NUMBER = re.compile(r"arXiv[: ](\d{4}\.\d{4,5})")


class Citation(NamedTuple):
    file: str
    text: str
    keys: tuple[str, ...]


def plain(text: str) -> str:
    """Letters as LaTeX writes or Unicode has them, without accents, in lower case."""
    text = text.replace(r"\l", "l").replace("ł", "l")
    text = re.sub(r"\\[^\w\s]|\\v(?![a-z])|[{}]", "", text)
    text = unicodedata.normalize("NFKD", text)
    return "".join(c for c in text if not unicodedata.combining(c)).lower()


def words(text: str) -> set[str]:
    return {*re.findall(r"[^\W\d_]+", plain(text))} - {"and", "de", "van"}


def authors(entry: Entry) -> list[str]:
    return [" ".join(person.last_names) for person in entry.persons["author"]]


ENTRIES: dict[str, Entry] = dict(parse_file(ROOT / "docs" / "references.bib").entries)


def files() -> list[Path]:
    pages = [ROOT / "README.md", ROOT / "pipeline.py", *(ROOT / "docs").glob("*.md")]
    own = {Path(__file__), ROOT / "tests" / "test_cli.py"}
    code = {
        p for folder in CODE for kind in ("py", "md") for p in (ROOT / folder).rglob(f"*.{kind}")
    }
    return sorted({*pages, *code} - own)


def citations(file: str, text: str) -> Iterator[Citation]:
    text = re.sub(r"\s*\n[\s#]*", " ", text)
    for names, year in BY_YEAR.findall(text):
        keys = [
            key
            for key, entry in ENTRIES.items()
            if entry.fields["year"] == year and words(names) <= words(" ".join(authors(entry)))
        ]
        yield Citation(file, f"{names} {year}", (*keys,))
    for number in BY_NUMBER.findall(text):
        keys = [key for key, entry in ENTRIES.items() if entry.fields.get("eprint") == number]
        yield Citation(file, f"arXiv {number}", (*keys,))


CITATIONS = [
    found
    for path in files()
    for found in citations(str(path.relative_to(ROOT)), path.read_text(encoding="utf-8"))
]


def test_the_search_for_citations_sees_them() -> None:
    text = "as Roman and Szykuła do (Eppstein\n    1990, SIAM; Pin 1983; de Bondt 2021, arXiv 9.1)."
    seen = [found.text for found in citations("", text + " Burda et al. 2016; arXiv:2207.05495")]
    assert seen == ["Eppstein 1990", "Pin 1983", "de Bondt 2021", "Burda 2016", "arXiv 2207.05495"]
    assert len(CITATIONS) > 40


@pytest.mark.parametrize("found", CITATIONS, ids=lambda c: f"{c.file}-{c.text}")
def test_every_citation_has_one_entry(found: Citation) -> None:
    assert len(found.keys) == 1, f"{found.file}: {found.text} is {found.keys or 'no entry'}"


def test_families_name_entries() -> None:
    named = {key for family in FAMILIES + SINGLES for key in family.references}
    assert named <= {*ENTRIES}
    for family in FAMILIES:
        assert family.references or family.source.startswith("found;"), family.name


def test_every_entry_is_cited() -> None:
    cited = {key for found in CITATIONS for key in found.keys}
    cited.update(key for family in FAMILIES + SINGLES for key in family.references)
    assert {*ENTRIES} == cited


@pytest.mark.parametrize("key", ENTRIES)
def test_an_entry_is_complete_and_its_key_is_author_and_year(key: str) -> None:
    entry = ENTRIES[key]
    assert entry.fields["title"] and re.fullmatch(r"(19|20)\d\d", entry.fields["year"])
    name = re.sub(r"\W", "", plain(first_author(entry)))
    assert re.fullmatch(f"{name}{entry.fields['year']}[b-z]?", key)
    published = {"journal", "booktitle", "eprint"} & {*entry.fields}
    assert published, "neither a journal, nor a book, nor an arXiv number"


def first_author(entry: Entry) -> str:
    person = entry.persons["author"][0]
    return "".join([*person.prelast_names, *person.last_names])
