"""The pages for readers: what they say of the code is so, and what they lead to is there."""

import ast
import inspect
import pkgutil
import re
from collections.abc import Iterator
from functools import cache
from html import unescape
from pathlib import Path

import pdoc.doc
import pytest

import automata
import pipeline
from automata import Automaton
from docs.build import documented_modules, entries, option_tables, with_options, write_reference
from tests.pictures import unrendered

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
MADE = ("runs/", "build/", "docs/api/", ".venv/", "seed-S/", "/")
"""Beginnings of paths that commands make, or that are not in the project."""


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


# --- README -------------------------------------------------------------------------------------


def test_the_readme_is_short() -> None:
    assert len(text_of("README.md").splitlines()) <= 115


@pytest.fixture(scope="module")
def with_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the model that the page of the library loads; a small one."""
    folder = tmp_path_factory.mktemp("library")
    shape = "--latent 4 --embedding 4 --channels 8 --convolutions 1 --hidden 16 --batch 64"
    with pytest.MonkeyPatch.context() as patch, unrendered():
        patch.chdir(folder)
        for line in (
            "generate -n 8 -k 2 --count 200 --sampler evolved --calls 3000 --out runs/data8",
            f"train --data runs/data8 --out runs/model8 --epochs 1 {shape}",
        ):
            pipeline.cli.main([*line.split(), "--workers", "1"], standalone_mode=False)
    return folder


@pytest.mark.parametrize("page", ["README.md", "docs/library.md", "docs/partial.md"])
def test_lines_of_python_have_the_values_they_say(
    page: str, with_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(with_model)
    blocks = re.findall(r"```python\n(.*?)```", text_of(page), re.DOTALL)
    names: dict[str, object] = {}
    compared = 0
    for block in blocks:
        values = [line.rpartition("# == ")[2] for line in block.splitlines()]
        for statement in ast.parse(block).body:
            source = ast.unparse(statement)
            value = values[(statement.end_lineno or 0) - 1]
            if (
                isinstance(statement, ast.Expr)
                and "# == " in block.splitlines()[(statement.end_lineno or 0) - 1]
            ):
                assert eval(source, names) == eval(value, names), source
                compared += 1
            else:
                exec(source, names)
    assert compared >= 5


def test_the_picture_is_the_automaton_that_the_readme_speaks_of() -> None:
    row = next(
        line for line in text_of("docs/findings.md").splitlines() if "| `sink` | 9 |" in line
    )
    delta, word = re.findall(r"`([^`]+)`", row)[1:]
    found = Automaton(delta.replace(r"\|", "|"))
    assert text_of("docs/find.svg") == found.draw()
    assert found.reset_threshold() == len(word) == 31
    assert automata.verify(found, word)
    assert automata.format_word(found.reset_word() or ()) == word
    assert {"sink", "synchronizing"} <= {*found.classes()}
    readme = " ".join(text_of("README.md").split())
    assert f"`{word}`, has 31 letters" in readme


# --- links and options --------------------------------------------------------------------------


@cache
def anchors(page: Path) -> set[str]:
    """The anchors of the headings of a page, as GitHub makes them."""
    heads = re.findall(r"^#+ +(.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_to_files_and_headings(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    links = re.findall(r"\]\(([^)\s]+)\)|src=\"([^\"]+)\"", text)
    for link in (first or second for first, second in links):
        file, _, anchor = link.partition("#")
        target = (page.parent / file) if file else page
        assert target.is_file(), link
        assert not anchor or anchor in anchors(target), link


def test_every_page_of_docs_is_linked_from_the_readme() -> None:
    readme = text_of("README.md")
    for page in [*(ROOT / "docs").glob("*.md"), ROOT / "SECURITY.md", ROOT / "CHANGELOG.md"]:
        assert f"({name_of(page)})" in readme, page


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_modules_that_pages_name_are_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    if page.stem == "CHANGELOG":  # its tables have the former names on the left
        text = re.sub(r"^\|[^|]*\|", "", text, flags=re.MULTILINE)
    for dotted in re.findall(r"`((?:automata|data|vae|search)(?:\.\w+)+)`", text):
        assert exists(dotted), dotted


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_paths_that_pages_name_are_there(page: Path) -> None:
    """Files and folders in backticks, and what commands in code blocks run."""
    text = page.read_text(encoding="utf-8")
    named = {*re.findall(r"`([\w.-]+/[\w./-]*|[\w.-]+\.py)`", text)}
    named |= {*re.findall(r"\bpython3? ([\w./-]+\.py)\b", text)}
    if page.stem == "design":  # its map names files without their folder: the next test
        named = {path for path in named if "/" in path}
    for path in named:
        assert path.startswith(MADE) or (ROOT / path).exists(), path


def exists(dotted: str) -> bool:
    """Whether a dotted name is that of a module, or of something in one."""
    try:
        pkgutil.resolve_name(dotted)
    except (ImportError, AttributeError):
        return False
    return True


def test_the_page_of_commands_has_every_option_as_help_has_it() -> None:
    page = text_of("docs/cli.md")
    assert with_options(page) == page, "run `make docs`: options have changed"
    for name, command in pipeline.cli.commands.items():
        assert f"### {name}" in page
        for option in command.params:
            assert all(f"{flag}" in option_tables() for flag in option.opts if flag[0] == "-")


def test_the_map_of_the_design_names_every_file_of_every_folder_once() -> None:
    design = text_of("docs/design.md")
    folders = dict(re.findall(r"^### `([\w/]+)/`\n(.*?)(?=^##)", design, re.DOTALL | re.MULTILINE))
    rooms = {
        str(path.parent.relative_to(ROOT))
        for package in ("automata", "data", "vae", "search")
        for path in (ROOT / package).rglob("*.py")
    }
    assert {*folders} == rooms
    for folder, text in folders.items():
        modules = {path.name for path in (ROOT / folder).glob("*.py")} - {"__init__.py"}
        rows = "\n".join(line.partition(" | ")[0] for line in text.splitlines() if line[:1] == "|")
        assert sorted(re.findall(r"`(\w+\.py)`", rows)) == sorted(modules), folder


# --- the reference ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, pdoc.doc.Module]]:
    folder = tmp_path_factory.mktemp("api")
    return folder, write_reference(folder)


def test_every_module_has_its_page(reference) -> None:
    folder, pages = reference
    files = {
        str(path.relative_to(ROOT))
        for room in ("automata", "data", "vae", "search")
        for path in (ROOT / room).rglob("*.py")
        if "kernels" not in path.parts
    }
    names = {file.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for file in files}
    assert names == {*pages} == {*documented_modules()}
    index = (folder / "index.html").read_text(encoding="utf-8")
    for name in names:
        path = f"{name.replace('.', '/')}.html"
        assert (folder / path).is_file()
        assert "." in name or f'href="{path}"' in index


def test_every_public_name_has_its_entry(reference) -> None:
    folder, pages = reference
    ids = {*re.findall(r'id="([^"]+)"', (folder / "automata.html").read_text(encoding="utf-8"))}
    assert {*automata.__all__} <= ids
    for name in automata.__all__:
        assert pages["automata"].members[name].docstring, f"automata.{name} has no docstring"
    methods = {name for name in vars(Automaton) if not name.startswith("_")}
    assert {f"Automaton.{name}" for name in methods} <= ids


def test_every_link_of_the_reference_leads_somewhere(reference) -> None:
    folder, _ = reference
    texts = {path: path.read_text(encoding="utf-8") for path in folder.rglob("*.html")}
    ids = {path: {*re.findall(r'\bid="([^"]+)"', text)} for path, text in texts.items()}
    internal = 0
    for path, text in texts.items():
        for link in map(unescape, re.findall(r'href="([^"]+)"', text)):
            if re.match(r"\w+:|\$\{", link):  # elsewhere, or filled in by the script
                continue
            file, _, anchor = link.partition("#")
            target = (path.parent / file).resolve() if file else path
            assert target in texts, f"{path.name}: {link}"
            assert not anchor or anchor in ids[target], f"{path.name}: {link}"
            internal += 1
    assert internal > 1000


def references(docstring: str) -> Iterator[str]:
    """Names in single backticks; what stands in double ones is code, not a reference."""
    text = re.sub(r"``.*?``|^ *>>> .*$", "", docstring, flags=re.DOTALL | re.MULTILINE)
    yield from re.findall(r"`([A-Za-z_][\w.]*)(?:\(\))?`", text)


def own_names(doc: pdoc.doc.Doc, page: pdoc.doc.Module) -> set[str]:
    """The parameters of a function or class, or of the class around, which references may name."""
    names: set[str] = set()
    parts = doc.qualname.split(".")
    for end in range(1, len(parts) + 1):
        around = page.get(".".join(parts[:end]))
        if around is not None and callable(around.obj):
            try:
                names |= {*inspect.signature(around.obj).parameters}
            except (TypeError, ValueError):  # of built-in classes nothing is known
                continue
    return names


def broken(folder: Path, page: pdoc.doc.Module) -> list[str]:
    html = folder.joinpath(*page.modulename.split(".")).with_suffix(".html").read_text("utf-8")
    shown = {doc.qualname: doc for doc in [page, *entries(page)]}
    # what a page shows of each entry: from its id to the next one; of the module, before the first
    parts = re.split(f'\\bid="({"|".join(map(re.escape, filter(None, shown)))})"', html)
    texts = dict(zip(["", *parts[1::2]], parts[::2], strict=True))
    found = []
    for qualname, doc in shown.items():
        if qualname not in texts:  # private, or listed as inherited
            continue
        linked = {*re.findall(r'<a href="[^"]+">([\w.]+)(?:\(\))?</a>', texts[qualname])}
        names = {*references(doc.docstring)} - linked - own_names(doc, page)
        found += [f"{doc.fullname}: `{name}`" for name in sorted(names)]
    return found


def test_every_reference_in_a_docstring_is_a_link(reference) -> None:
    folder, pages = reference
    assert "automata.Automaton.delta: `state_dtype`" not in broken(folder, pages["automata"])
    found = {reference for page in pages.values() for reference in broken(folder, page)}
    assert not found, "\n".join(sorted(found))
