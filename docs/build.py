"""What is made of the code for readers: `make docs` runs this file.

The reference of every module goes into docs/api/, the tables of options into docs/cli.md, the
records into docs/records.md. Where the lecture or the code that it runs has changed,
docs/lecture.ipynb is made anew and run: that takes minutes.
"""

import ast
import hashlib
import importlib
import json
import pkgutil
import re
import typing
import warnings
from collections.abc import Iterator
from pathlib import Path

import click
import nbformat
import pdoc.doc
import pdoc.render
from nbclient import NotebookClient

import pipeline
from search.lecture.cells import as_notebook, read_cells
from search.report.records import records_page

Namespace = pdoc.doc.Namespace
Page = pdoc.doc.Module
Pages = dict[str, Page]

PACKAGES = ("automata", "data", "vae", "search")
EXACT = "automata"
BEGIN, END = "<!-- options: made by `make docs` -->\n", "<!-- end of options -->\n"


def documented_modules() -> list[str]:
    """Name the modules of all packages, without compiled code, whose wrappers are documented."""
    names = []
    for package in PACKAGES:
        path = importlib.import_module(package).__path__
        names += [package, *(found.name for found in pkgutil.walk_packages(path, f"{package}."))]
    return [name for name in names if not name.startswith("automata.kernels")]


def write_reference(folder: Path) -> Pages:
    """Write an HTML page for each module, and one that lists them."""
    modules = {name: importlib.import_module(name) for name in documented_modules()}
    for module in modules.values():
        for name in getattr(module, "__all__", ()):
            getattr(module, name)  # pdoc reads what is there: `automata` loads what is used
        for value in [*vars(module).values()]:
            if isinstance(value, type) and issubclass(value, tuple) and hasattr(value, "_fields"):
                # pdoc reads the types of a named tuple where it is shown, not where it was written
                value.__new__.__annotations__ = typing.get_type_hints(value)
    pages = {name: pdoc.doc.Module(module) for name, module in modules.items()}
    _complete(pages)
    pdoc.render.configure(docformat="numpy", show_source=False)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "(?s).*(WriteableBuffer|tqdm)")  # types of checkers alone
        for name, page in pages.items():
            _write(folder.joinpath(*name.split(".")), pdoc.render.html_module(page, pages))
        _write(folder / "index", pdoc.render.html_index(pages))
    (folder / "search.js").write_text(pdoc.render.search_index(pages), encoding="utf-8")
    return pages


def entries(namespace: Namespace) -> Iterator[pdoc.doc.Doc]:
    """Return all that a page or a class shows, and what its classes show."""
    for member in namespace.members.values():
        yield member
        if isinstance(member, pdoc.doc.Class):
            yield from entries(member)


def _complete(pages: Pages) -> None:
    """Make the docstrings such that pdoc links every name in backticks.

    A name that a module imports gets its path, `automata.solver.exact.UNKNOWN`; a constant that a
    module passes on gets the docstring from where it is set.
    """
    homes: dict[str, list[str]] = {}
    for home, page in pages.items():
        for name, member in page.members.items():
            # of a constant nothing says who set it; but only `__all__` passes constants on
            set_here = isinstance(member, pdoc.doc.Variable) and not hasattr(page.obj, "__all__")
            if set_here or (member.taken_from == (home, name) and member.docstring):
                homes.setdefault(name, []).append(home)

    def place(name: str, value: object) -> str | None:
        same = [home for home in homes.get(name, []) if getattr(pages[home].obj, name) is value]
        same.sort(key=lambda home: not pages[home].members[name].docstring)
        return same[0] if same else None

    for page in pages.values():
        page.docstring = page.obj.__doc__ or ""  # not that of a stub file
        for doc in [page, *entries(page)]:
            home = place(doc.qualname, getattr(page.obj, doc.qualname, None))
            if home and not doc.docstring:
                doc.docstring = pages[home].members[doc.name].docstring
            source = pages.get(home or doc.taken_from[0], page)

            def full(match: re.Match[str], page: Page = page, source: Page = source) -> str:
                name = match[1]
                home = place(name, getattr(source.obj, name, None))
                return match[0] if page.get(name) or home is None else f"`{home}.{name}`"

            doc.docstring = re.sub(r"(?<!`)`([A-Za-z_]\w*)`(?!`)", full, doc.docstring)


def _write(stem: Path, page: str) -> None:
    stem.parent.mkdir(parents=True, exist_ok=True)
    stem.with_name(f"{stem.name}.html").write_text(page, encoding="utf-8")


def option_tables() -> str:
    """Write a table of its options for each command, in Markdown."""
    parts = []
    for name, command in _commands(pipeline.cli, ""):
        context = click.Context(command, info_name=name)
        parts.append(f"### {name}\n\n| option | |\n|---|---|\n")
        for option in command.get_params(context):
            record = option.get_help_record(context)
            if record and isinstance(option, click.Option) and "--help" not in option.opts:
                flags, text = (cell.replace("|", r"\|") for cell in record)
                parts.append(f"| `{flags}` | {text} |\n")
        parts.append("\n")
    return "".join(parts)


def _commands(group: click.Group, prefix: str) -> list[tuple[str, click.Command]]:
    found: list[tuple[str, click.Command]] = []
    for name, command in sorted(group.commands.items()):
        if isinstance(command, click.Group):
            found += _commands(command, f"{prefix}{name} ")
        else:
            found.append((f"{prefix}{name}", command))
    return found


def with_options(page: str) -> str:
    """Return a page of Markdown whose tables of options are those of today."""
    pattern = re.compile(f"{re.escape(BEGIN)}.*{re.escape(END)}", re.DOTALL)
    if not pattern.search(page):
        raise ValueError(f"the page has no place for options: {BEGIN!r} .. {END!r}")
    return pattern.sub(lambda _: f"{BEGIN}\n{option_tables()}{END}", page)


def lecture_sources(root: Path) -> list[Path]:
    """Return the files of our code that the lecture runs, but what is exact.

    The package `automata` is left out: its answers are tested to stay the same.
    """
    code = "\n".join(cell.text for cell in read_cells() if cell.is_code)
    found: dict[str, Path] = {}
    waiting = list(_imported(code))
    while waiting:
        name = waiting.pop()
        stem = root.joinpath(*name.split("."))
        path = next(
            (p for p in (stem.with_suffix(".py"), stem / "__init__.py") if p.exists()), None
        )
        if name in found or path is None or name.startswith(EXACT):
            continue
        found[name] = path
        waiting += _imported(path.read_text(encoding="utf-8"))
    return [path for _, path in sorted(found.items())]


def _imported(code: str) -> Iterator[str]:
    """Yield the modules of ours that code imports names from."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in PACKAGES:
            yield str(node.module)


def lecture_digest(root: Path) -> str:
    """Return a hash of the code that the lecture runs: without comments and docstrings."""
    digest = hashlib.sha256()
    for path in lecture_sources(root):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                node.value.value = None
        digest.update(ast.unparse(tree).encode())
    return digest.hexdigest()


def write_lecture(path: Path) -> None:
    """Make the notebook of the lecture and run it, unless it is there with today's code."""
    made = as_notebook(read_cells())
    digest = lecture_digest(path.parents[1])
    if path.exists():
        found = json.loads(path.read_text(encoding="utf-8"))
        same = [cell["source"] for cell in found["cells"]] == [c["source"] for c in made["cells"]]
        if same and found["metadata"].get("code_sha256") == digest:
            return
    notebook = nbformat.reads(json.dumps(made), as_version=4)
    root = {"metadata": {"path": str(path.parents[1])}}
    NotebookClient(notebook, timeout=1200, record_timing=False, resources=root).execute()
    for cell in notebook.cells:  # progress, on stderr, is no part of it
        if cell.cell_type == "code":
            cell.outputs = [part for part in cell.outputs if part.output_type != "stream"]
    notebook.metadata.language_info = made["metadata"]["language_info"]
    notebook.metadata.code_sha256 = digest
    path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")


if __name__ == "__main__":
    docs = Path(__file__).parent
    commands = docs / "cli.md"
    commands.write_text(with_options(commands.read_text(encoding="utf-8")), encoding="utf-8")
    (docs / "records.md").write_text(records_page(), encoding="utf-8")
    write_lecture(docs / "lecture.ipynb")
    write_reference(docs / "api")
