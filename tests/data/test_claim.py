"""A folder belongs to one process at a time."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest

from data.claim import claim
from data.damage import DataError

ROOT = Path(__file__).parents[2]
SCRIPT = """
import sys
from pathlib import Path
from data.claim import claim
with claim(Path(sys.argv[1]), "generate"):
    (Path(sys.argv[1]) / "work.csv.tmp").touch()
    print("claimed", flush=True)
    sys.stdin.read()
"""


@contextmanager
def working(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Let another process hold a claim on a folder while the block runs."""
    command = [sys.executable, "-c", SCRIPT, folder]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=ROOT, **pipes) as process:
        assert process.stdout is not None and process.stdout.readline() == "claimed\n"
        yield process
        process.communicate()


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_folder_is_made_and_kept(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    with claim(folder, "train"):
        assert json.loads((folder / ".owner.json").read_text())["process"] == os.getpid()
    assert names(folder) == {".lock"}


def test_a_second_process_is_refused_with_the_name_of_the_first(tmp_path: Path) -> None:
    with working(tmp_path) as process:
        for _ in range(2):
            with pytest.raises(DataError) as error, claim(tmp_path, "train"):
                pass
        message = str(error.value)
        assert message.startswith(f"{tmp_path}: generate (process {process.pid} on ")
        assert message.endswith("is at work there")
        assert "work.csv.tmp" in names(tmp_path)  # what is in use is not swept
    with claim(tmp_path, "train"):
        assert "work.csv.tmp" not in names(tmp_path)


@pytest.mark.parametrize("owner", ["", "{}", "[]", "{" * 100_000, None])
def test_an_owner_that_cannot_be_read(tmp_path: Path, owner: str | None) -> None:
    with working(tmp_path):
        (tmp_path / ".owner.json").unlink()
        if owner is not None:
            (tmp_path / ".owner.json").write_text(owner)
        with pytest.raises(DataError, match="another process is at work"), claim(tmp_path, "train"):
            pass


def test_a_killed_process_leaves_the_folder_free(tmp_path: Path) -> None:
    with working(tmp_path) as process:
        process.send_signal(signal.SIGKILL)
    assert ".owner.json" in names(tmp_path)
    with claim(tmp_path, "train"):
        assert names(tmp_path) == {".lock", ".owner.json"}
    assert names(tmp_path) == {".lock"}


def test_a_thread_may_claim_again(tmp_path: Path) -> None:
    with claim(tmp_path, "train"):
        with claim(tmp_path, "train"), claim(tmp_path / ".." / tmp_path.name, "train"):
            pass
        (tmp_path / "mine.1.tmp").touch()
        refused: list[str] = []

        def other() -> None:
            try:
                with claim(tmp_path, "search"):
                    pass
            except DataError as error:
                refused.append(str(error))

        thread = Thread(target=other)
        thread.start()
        thread.join()
        assert len(refused) == 1 and "train (process" in refused[0]
        assert "mine.1.tmp" in names(tmp_path)


def test_a_failure_frees_the_folder(tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(KeyError), claim(tmp_path, "train"):
            raise KeyError
    assert names(tmp_path) == {".lock"}


def test_a_failure_takes_its_empty_folder_with_it(tmp_path: Path) -> None:
    """Also where it was claimed twice; a folder in which something was written stays."""
    folder = tmp_path / "new" / "folder"
    with pytest.raises(KeyError), claim(folder, "train"), claim(folder, "train"):
        raise KeyError
    assert names(tmp_path) == set()
    with pytest.raises(KeyError), claim(folder, "train"):
        (folder / "part").touch()
        raise KeyError
    assert names(folder) == {".lock", "part"}


def test_a_removed_folder_is_an_error(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    with pytest.raises(DataError, match="folder: was removed while train"), claim(folder, "train"):
        shutil.rmtree(folder)
    assert not folder.exists()


def test_a_folder_that_another_process_made_again_is_an_error(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    with pytest.raises(DataError, match="folder: was removed while train"), claim(folder, "train"):
        folder.rename(tmp_path / "old")
        folder.mkdir()
        (folder / ".lock").touch()
        (folder / ".owner.json").write_text("of the other one")
    assert names(folder) == {".lock", ".owner.json"}


def test_a_folder_that_became_read_only_is_free_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    with pytest.raises(KeyboardInterrupt), claim(tmp_path, "train"):
        monkeypatch.setattr(Path, "unlink", denied)
        raise KeyboardInterrupt
    monkeypatch.undo()
    with claim(tmp_path, "search"):
        pass


def test_a_lock_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    (tmp_path / ".lock").mkdir()
    with pytest.raises(OSError, match=r"\.lock"), claim(tmp_path, "train"):
        pass


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="file: not a folder"), claim(tmp_path / "file", "train"):
        pass
    with pytest.raises(OSError, match="below"), claim(tmp_path / "file" / "below", "train"):
        pass


@pytest.mark.parametrize("name", [".lock", ".owner.json"])
def test_planted_links_are_not_followed(tmp_path: Path, name: str) -> None:
    folder, victim = tmp_path / "folder", tmp_path / "victim"
    folder.mkdir()
    victim.write_text("precious")
    (folder / name).symlink_to(victim)
    try:
        with claim(folder, "train"):
            pass
    except OSError as error:
        assert name == ".lock" and str(folder) in str(error)
    assert victim.read_text() == "precious"


def test_what_a_crash_left_is_recovered_before_it_is_swept(tmp_path: Path) -> None:
    (tmp_path / "table.csv.tmp").write_text("abc")
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    (tmp_path / "checksums.json").write_text(json.dumps({"table.csv": known}))
    with claim(tmp_path, "search"):
        assert (tmp_path / "table.csv").read_text() == "abc"
