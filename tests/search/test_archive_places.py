"""Archives where one may only read, and on full disks."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from data.damage import DataError
from search.archive import file as archive_file
from search.archive.intake import ArchiveRule
from search.archive.store import Archive, verify_archive
from tests.search.archives import keys, known_rows, random_rows

ROOT = Path(__file__).parents[2]
NAME = Path("runs", "archive.sqlite")
FIRST, SECOND = random_rows(0, 40), known_rows(6)

# Does all that reads in some folders: first in one of its own, which compiles what there is to
# compile, then in the others as a user who may not write there.
READER = """
import json, os, re, sys
from pathlib import Path
from click.testing import CliRunner
import pipeline
from search.archive.store import Archive

own, documentation, *folders = map(Path, sys.argv[1:])
(example,) = re.findall(
    r"```python\\n(import sqlite3.*?)```", documentation.read_text(encoding="utf-8"), re.DOTALL
)

def see(folder):
    os.chdir(folder)
    commands = "list|list --automata|export -|verify --workers 1|series --at-least 0.6"
    lines = ["archive " + command for command in commands.split("|")]
    answers = []
    for line in [*lines, "report --limit 5 --archive --out"]:
        out = [own / f"{folder.name}.html"] * line.endswith("--out")
        answer = CliRunner().invoke(pipeline.cli, [*line.split(), *map(str, out)])
        answers.append((line, answer.exit_code, answer.stdout, repr(answer.exception)))
    try:
        with Archive(Path("runs/archive.sqlite")):
            written = "writable"
    except OSError as error:
        written = str(error)
    names = {}
    if "unshared" not in folder.name:  # for these the documentation says: copy
        exec(example.replace("n = 9", "n = 6"), names)
    return [answers, written, names.get("delta")]

seen = {"own": see(own)}
if os.geteuid() == 0:
    os.setegid(65534)
    os.seteuid(65534)
print(json.dumps(seen | {folder.name: see(folder) for folder in folders}))
"""


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder that everybody may look into."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        yield Path(name)
        for place in [Path(name), *Path(name).rglob("*")]:
            if place.is_dir() and not place.is_symlink():
                place.chmod(0o755)


@pytest.fixture(scope="module")
def live(folder: Path) -> Iterator[Path]:
    """An archive that is open: some rows are in its log alone."""
    place = folder / "live"
    with Archive(place / NAME) as archive:
        archive.add(FIRST, run="first")
    with Archive(place / NAME) as archive:
        archive.add(SECOND, run="second")
        yield place


def copy(live: Path, name: str, *, log: bool = True, shared: bool = True) -> Path:
    """A copy as a killed process leaves it, or at rest."""
    place = live.with_name(name)
    shutil.copytree(live, place)
    if not log:
        with Archive(place / NAME):
            pass
        assert [*(place / "runs").iterdir()] == [place / NAME]
    if not shared:
        Path(f"{place / NAME}-shm").unlink()
    return place


def mount(place: Path, *options: str) -> bool:
    """Mount a file system in memory, if this user may."""
    place.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", *options, "tmpfs", str(place)]
    try:
        return subprocess.run(command, capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


@pytest.fixture(scope="module")
def medium(folder: Path) -> Iterator[Path | None]:
    """A file system of its own, if this user may mount one."""
    place = folder / "mounted"
    mounted = mount(place)
    yield place if mounted else None
    if mounted:
        subprocess.run(["umount", str(place)], check=True)


@pytest.fixture(scope="module")
def seen(live: Path, medium: Path | None) -> dict:
    """What a user who may not write sees in each folder, and what lay there then."""
    own = copy(live, "own", log=False)
    own.chmod(0o777)
    places = [
        *(live, copy(live, "rest", log=False), copy(live, "killed")),
        copy(live, "unshared", shared=False),
    ]
    link = live.with_name("link")
    (link / "runs").mkdir(parents=True)
    (link / NAME).symlink_to(live.with_name("rest") / NAME)
    for name in ("shared", "shared-unshared"):  # everybody may write beside the file
        places.append(copy(live, name, log=name != "shared", shared=name == "shared"))
    if medium:
        medium.chmod(0o755)
        for name in ("rest", "killed", "unshared"):
            shutil.copytree(live.with_name(name), medium / f"mounted-{name}")
            places.append(medium / f"mounted-{name}")
    places.append(link)
    for place in places:
        for file in (place / "runs").iterdir():
            file.chmod(0o444)
        (place / "runs").chmod(0o777 if place.name.startswith("shared") else 0o555)
    if medium:
        subprocess.run(["mount", "-o", "remount,ro", str(medium)], check=True)
    before = [content(place) for place in places]
    command = [sys.executable, "-c", READER, str(own), str(ROOT / "docs" / "formats.md")]
    answer = subprocess.run([*command, *map(str, places)], cwd=ROOT, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    found = json.loads(answer.stdout.splitlines()[-1])
    for place, kept in zip(places, before, strict=True):
        found[place.name].append(content(place) == kept)
    return found


def content(place: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in (place / "runs").iterdir()}


def check_rows(path: Path) -> None:
    with Archive(path, create=False) as archive:
        assert keys(archive.rows()) == keys(pd.concat([FIRST, SECOND]))


PLACES = ["live", "rest", "killed", "unshared", "link", "shared", "shared-unshared"]
MOUNTED = ["mounted-rest", "mounted-killed", "mounted-unshared"]


@pytest.mark.parametrize("name", [*PLACES, *MOUNTED])
def test_who_may_not_write_reads_the_same(seen, name):
    if name not in seen:
        pytest.skip("this user may not mount")
    (own, _, delta), (answers, written, seen_delta, is_kept) = seen["own"], seen[name]
    for (line, code, output, error), wanted in zip(answers, own, strict=True):
        assert (line, code, error) == (wanted[0], 0, "None")
        if not line.startswith("report"):
            assert output == wanted[2]
    assert "this user may not write to it" in written
    assert seen_delta == (None if "unshared" in name else delta)
    assert is_kept


@pytest.mark.parametrize("name", MOUNTED)
def test_who_may_write_elsewhere_reads_what_cannot_be_written_to(seen, live, name):
    if name not in seen:
        pytest.skip("this user may not mount")
    path = live.with_name("mounted") / name / NAME
    check_rows(path)
    with pytest.raises(OSError, match="may not write to it"):
        Archive(path)


def test_who_may_write_reads_what_a_killed_process_left(live):
    """Also into the file itself: then it may be copied alone."""
    place = copy(live, "again", shared=False)
    check_rows(place / NAME)
    assert [*(place / "runs").iterdir()] == [place / NAME]
    check_rows(place / NAME)


# --- full disks ---------------------------------------------------------------------------------


@pytest.fixture
def disk(tmp_path: Path, monkeypatch) -> Iterator[Path]:
    """A small disk, where nothing is waited for."""
    place = tmp_path / "disk"
    if not mount(place, "-o", "size=400k"):
        pytest.skip("this user may not mount")

    def sleep(seconds: float) -> None:
        assert seconds != archive_file._PAUSE

    monkeypatch.setattr(archive_file.time, "sleep", sleep)
    yield place
    subprocess.run(["umount", str(place)], check=True)


def fill(disk: Path) -> None:
    with (disk / "filling").open("ab", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 512)
        except OSError:
            return


def test_a_full_disk_is_not_waited_for(disk):
    path = disk / "archive.sqlite"
    fill(disk)
    for _ in range(2):
        with pytest.raises(OSError, match=f"^{path}: .*SQLITE_"):
            ArchiveRule(path).open()
    (disk / "filling").unlink()
    with Archive(path) as archive:
        assert archive.add(FIRST, run="first") == len(FIRST)
        table = random_rows(5, 3000)
        fill(disk)
        with pytest.raises(OSError, match=f"^{path}: .*full.*SQLITE_FULL"):
            archive.add(table, run="second")
    fill(disk)
    for _ in range(2):
        with pytest.raises(OSError, match=f"^{path}: .*SQLITE_"):
            ArchiveRule(path).add(table.assign(cerny_bound=16), run="second")
    assert verify_archive(path) == len(FIRST)
    (disk / "filling").unlink()
    with Archive(path) as archive:
        assert keys(archive.rows()) == keys(FIRST)


def test_a_full_disk_is_read(disk, live):
    """There is no room for what SQLite wants beside an archive."""
    shutil.copytree(live.with_name("live"), disk / "killed")
    shutil.copytree(live.with_name("live"), disk / "rest")
    Path(f"{disk / 'killed' / NAME}-shm").unlink()
    with Archive(disk / "rest" / NAME):
        pass
    fill(disk)
    check_rows(disk / "rest" / NAME)
    check_rows(disk / "killed" / NAME)


def test_a_name_that_cannot_be_a_file(tmp_path):
    (tmp_path / "file").touch()
    for create in (True, False):
        with pytest.raises((DataError, OSError)):
            Archive(tmp_path / "file" / "archive", create=create)
        with pytest.raises(OSError, match="too long"):
            Archive(tmp_path / ("x" * 300), create=create)
