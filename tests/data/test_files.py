"""Files that are whole or absent, whenever the writing stops."""

import errno
import json
import os
import stat
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from data import commits, files
from data.commits import check_files, commit_files, recover
from data.damage import DataError, read_json
from data.files import check_sha256, sha256, sweep, write_file, write_json, write_text
from data.outputs import write_output

ROOT = Path(__file__).parents[2]
OLD = {"a": "old a", "b": "old b", "c": "old c"}
NEW = {"a": "new a", "b": "old b", "c": "newer c"}
DEAD = 2**22 + 1  # above the highest number of a process on Linux


def commit(folder: Path, texts: dict[str, str]) -> None:
    def writer(text: str):
        return lambda path: path.write_text(text)

    commit_files(folder, {name: writer(text) for name, text in texts.items()})


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def texts_of(folder: Path) -> dict[str, str]:
    """What is committed, after the check that nothing else is there."""
    check_files(folder)
    found = contents(folder)
    assert set(json.loads(found.pop("checksums.json"))) == set(found)
    return found


class Crash(BaseException):
    """The process is gone: nothing may run after it."""


# --- one file ---------------------------------------------------------------------------------


def test_write_file(tmp_path):
    path = tmp_path / "file.json"
    for value in ({"b": [1, None], "a": "Černý"}, [], "text"):
        write_json(path, value)
        assert read_json(path) == value
    write_text(path, "Černý\n")
    assert path.read_bytes() == "Černý\n".encode()
    assert [*contents(path.parent)] == ["file.json"]


@pytest.mark.parametrize("before", [{}, {"file": "old"}])
@pytest.mark.parametrize("failure", [OSError, KeyboardInterrupt, RuntimeError])
@pytest.mark.parametrize("at", ["before", "after", "fsync", "replace"])
def test_a_failed_writing_leaves_what_was_there(tmp_path, monkeypatch, before, failure, at):
    for name, text in before.items():
        (tmp_path / name).write_text(text)

    def fail(*_):
        raise failure

    def write(path):
        if at == "before":
            fail()
        path.write_text("half of it")
        if at == "after":
            fail()

    if at in ("fsync", "replace"):
        monkeypatch.setattr(files.os, at, fail)
    with pytest.raises(failure):
        write_file(tmp_path / "file", write)
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not JSON"),
        (b'{"half": [1, ', "not JSON"),
        (b"\xff\xfe\0", "not JSON"),
        (b"NaN-", "not JSON"),
        (None, "no such file"),
    ],
)
def test_read_json_errors(tmp_path, content, message):
    path = tmp_path / "file.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=rf"file\.json: {message}") as error:
        read_json(path)
    assert "\n" not in str(error.value)


def test_json_below_a_file(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="no such file"):
        read_json(tmp_path / "file" / "config.json")


def test_checksums(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"abc")  # FIPS 180-2, appendix B.1
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256(path) == known
    check_sha256(path, known)
    for damage in (b"abd", b"ab", b"abc\0", b""):
        path.write_bytes(damage)
        with pytest.raises(DataError, match="file: damaged"):
            check_sha256(path, known)
    for missing, message in [(tmp_path / "none", "no such file"), (tmp_path, "a folder")]:
        with pytest.raises(DataError, match=message):
            check_sha256(missing, known)


# --- several files as one ---------------------------------------------------------------------


def test_commit_files(tmp_path):
    folder = tmp_path / "folder"
    for texts in (OLD, NEW):
        commit(folder, texts)
        assert texts_of(folder) == texts
        recover(folder)  # nothing is waiting
        assert texts_of(folder) == texts


@pytest.mark.parametrize("before", [None, OLD])
@pytest.mark.parametrize("failing", ["a", "b", "c"])
@pytest.mark.parametrize("failure", [OSError, KeyboardInterrupt])
def test_a_failed_commit_leaves_what_was_there(tmp_path, before, failing, failure):
    if before is not None:
        commit(tmp_path, before)
    found = contents(tmp_path)

    def writer(name):
        def write(path):
            path.write_text("half of it")
            if name == failing:
                raise failure

        return write

    with pytest.raises(failure):
        commit_files(tmp_path, {name: writer(name) for name in OLD})
    assert contents(tmp_path) == found


@pytest.mark.parametrize("before", [None, OLD])
@pytest.mark.parametrize("at", range(1 + len(NEW)))  # the checksums, then each file
def test_a_crash_between_renames_is_recovered(tmp_path, monkeypatch, before, at):
    if before is not None:
        commit(tmp_path, before)
    replace, left = os.replace, at

    def crash(source, target):
        nonlocal left
        if left == 0:
            raise Crash
        left -= 1
        replace(source, target)

    with monkeypatch.context() as patch, pytest.raises(Crash):
        patch.setattr(files.os, "replace", crash)
        patch.setattr(Path, "unlink", lambda *_, **__: None)  # it has no time to clean up
        commit(tmp_path, NEW)
    waiting = [*tmp_path.glob("*.tmp")]
    assert len(waiting) == (len(NEW) + 1 - at)
    monkeypatch.setattr(files.psutil, "pid_exists", lambda pid: False)
    recover(tmp_path)
    sweep(tmp_path)
    if at == 0 and before is None:
        assert contents(tmp_path) == {}
    else:
        assert texts_of(tmp_path) == (NEW if at else before)
    commit(tmp_path, OLD)  # and it goes on
    assert texts_of(tmp_path) == OLD


def test_recovery_takes_nothing_half_written(tmp_path):
    commit(tmp_path, OLD)
    (tmp_path / f"a.{DEAD}-0123abcd.tmp").write_text("half of it")
    (tmp_path / "stranger.csv.tmp").write_text("half of it")
    recover(tmp_path)
    sweep(tmp_path)
    assert texts_of(tmp_path) == OLD


@pytest.mark.parametrize("name", [*OLD, "checksums.json"])
@pytest.mark.parametrize("damage", ["altered", "truncated", "missing"])
def test_check_files_finds_damage(tmp_path, name, damage):
    commit(tmp_path, OLD)
    path = tmp_path / name
    if damage == "missing":
        path.unlink()
    else:
        content = path.read_bytes()
        middle = len(content) // 2
        path.write_bytes(content[:middle] + (b"~" + content[middle + 1 :]) * (damage == "altered"))
    with pytest.raises(DataError) as error:
        check_files(tmp_path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [b"[]", b"3", b"null", b'{"a": 3}', b'{"a": null}'])
def test_checksums_of_another_kind(tmp_path, content):
    commit(tmp_path, OLD)
    (tmp_path / "checksums.json").write_bytes(content)
    (tmp_path / "a.tmp").touch()
    with pytest.raises(DataError, match=r"checksums\.json|a: damaged"):
        recover(tmp_path)
        check_files(tmp_path)


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(errno.EIO, "Input/output error")])
def test_an_interruption_after_the_checksums_loses_nothing(tmp_path, monkeypatch, error):
    """Then the new files count, and those that wait are kept for whoever comes next."""
    commit(tmp_path, OLD)
    synced = []

    def failing(path):
        if path.is_dir():
            synced.append(path)
            raise error

    monkeypatch.setattr(files, "sync", failing)
    with pytest.raises(type(error) if isinstance(error, OSError) else error):
        commit(tmp_path, NEW)
    monkeypatch.undo()
    assert synced == [tmp_path]
    check_files(tmp_path)
    assert texts_of(tmp_path) == NEW


@pytest.mark.parametrize(("number", "fails"), [(errno.EINVAL, False), (errno.EIO, True)])
def test_file_systems_that_sync_no_folders(tmp_path, monkeypatch, number, fails):
    real = os.fsync

    def fsync(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(number, os.strerror(number))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OSError, match="a") if fails else nullcontext():
        write_text(tmp_path / "a", "text")
    assert (tmp_path / "a").read_text() == "text"


def test_what_cannot_be_swept_stays(tmp_path, monkeypatch):
    (tmp_path / f"a.{DEAD}-0123abcd.tmp").touch()
    monkeypatch.setattr(Path, "unlink", raising(PermissionError(errno.EPERM, "not permitted")))
    write_output(tmp_path / "a", lambda path: path.write_text("text"))
    assert (tmp_path / "a").read_text() == "text"


def test_a_reader_meets_a_writer(tmp_path, monkeypatch):
    """It compares with the new checksums what was replaced between its two looks."""
    commit(tmp_path, OLD)
    real, seen = commits.check_sha256, []

    def check(path, expected):
        if not seen:
            commit(tmp_path, NEW)
        seen.append(path.name)
        real(path, expected)

    monkeypatch.setattr(commits, "check_sha256", check)
    check_files(tmp_path)
    assert len(seen) > len(NEW)


def test_a_reader_that_may_not_rename_waits(tmp_path, monkeypatch):
    commit(tmp_path, OLD)
    real, looks = commits.recover, []

    def denied(folder):
        looks.append(folder)
        if len(looks) < 3:
            raise PermissionError(errno.EACCES, "Permission denied", "a")
        real(folder)

    monkeypatch.setattr(commits, "recover", denied)
    monkeypatch.setattr(commits, "_PAUSE", 0)
    check_files(tmp_path)
    monkeypatch.setattr(commits, "recover", raising(PermissionError(errno.EACCES, "denied", "a")))
    with pytest.raises(PermissionError, match="a"):
        check_files(tmp_path)


def raising(error):
    def function(*_args, **_options):
        raise error

    return function


def test_the_disk_is_full(tmp_path):
    script = """
import resource, sys
from pathlib import Path
from data.commits import commit_files
from data.files import write_file

folder = Path(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
small, large = (lambda path, size=size: path.write_bytes(b"x" * size) for size in (10, 5000))
for write in (
    lambda: write_file(folder / "small", small),
    lambda: write_file(folder / "large", large),
    lambda: commit_files(folder / "both", {"small": small, "large": large}),
    lambda: commit_files(folder / "many", {f"{i:0100}": small for i in range(10)}),
):
    try:
        write()
    except OSError as error:
        print(error)
"""
    commit(tmp_path / "both", OLD)
    command = [sys.executable, "-c", script, tmp_path]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.count("too large") == 3
    assert texts_of(tmp_path / "both") == OLD
    assert contents(tmp_path / "many") == {}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["both", "many", "small"]


# --- folders ----------------------------------------------------------------------------------


def test_sweep_takes_what_dead_processes_left(tmp_path):
    kept = ["kept.json", f"kept.json.{os.getpid()}-0123abcd.tmp", "tmp", "a.tmp.json"]
    kept += ["notes.tmp", ".tmp-list", ".tmp", f"x.{'9' * 20}-0123abcd.tmp"]  # of the user's
    gone = ["gone.json.tmp", f"gone.json.{DEAD}-0123abcd.tmp", ".tmpa1B2c3", "known-a_8.tmp"]
    for name in kept + gone:
        (tmp_path / name).write_text("{}")
    (tmp_path / "folder.tmp").mkdir()
    (tmp_path / "link.csv.tmp").symlink_to(tmp_path / "kept.json")
    sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*kept, "folder.tmp"])


def test_a_removed_folder_does_not_come_back(tmp_path):
    gone = tmp_path / "gone"
    for write in (
        lambda: write_json(gone / "file.json", {}),
        lambda: write_file(gone / "file", lambda path: path.write_text("")),
        lambda: commit(gone / "below", OLD),
    ):
        with pytest.raises(OSError, match="gone"):
            write()
    assert not gone.exists()


@pytest.mark.parametrize("function", [sweep, recover])
def test_a_missing_folder_is_left_missing(tmp_path, function):
    function(tmp_path / "none")
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("name", ["a", "run.json", "part-000001.parquet", "archive", "link"])
def test_outputs_replace_no_archive_and_no_file_of_a_run(tmp_path, name):
    commit(tmp_path, OLD)
    (tmp_path / "run.json").write_text("{}")
    (tmp_path / "part-000001.parquet").write_text("rows")
    (tmp_path / "archive").write_bytes(b"SQLite format 3\0 and more")
    (tmp_path / "link").symlink_to("archive")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(DataError, match=f"{name}: is an? .*; it would be lost"):
        write_output(tmp_path / name, lambda path: path.write_text("new"))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    write_output(tmp_path / "page.html", lambda path: path.write_text("new"))
    write_output(tmp_path / "page.html", lambda path: path.write_text("newer"))
    assert (tmp_path / "page.html").read_text() == "newer"


# --- what strangers left there ----------------------------------------------------------------


@pytest.mark.parametrize("name", ["a", "checksums.json"])
def test_planted_links_are_not_followed(tmp_path, name):
    folder, victim = tmp_path / "folder", tmp_path / "victim"
    folder.mkdir()
    victim.write_text("precious")
    (folder / name).symlink_to(victim)
    commit(folder, OLD)
    assert texts_of(folder) == OLD
    assert not any(path.is_symlink() for path in folder.iterdir())
    write_text(folder / "a", "new")
    assert victim.read_text() == "precious"


@pytest.mark.parametrize("name", ["a", "checksums.json"])
def test_a_link_under_the_temporary_name_is_not_followed(tmp_path, name, monkeypatch):
    folder, victim = tmp_path / "folder", tmp_path / "victim"
    folder.mkdir()
    victim.write_text("precious")
    monkeypatch.setattr(files.secrets, "token_hex", lambda size: "0123abcd")
    (folder / f"{name}.{os.getpid()}-0123abcd.tmp").symlink_to(victim)
    with pytest.raises(FileExistsError, match=name):
        commit(folder, OLD)
    assert victim.read_text() == "precious"


@pytest.mark.parametrize("name", ["a.tmp", "b.tmp"])
def test_recovery_follows_no_link(tmp_path, name):
    folder, victim = tmp_path / "folder", tmp_path / "victim"
    commit(folder, OLD)
    victim.write_text("old a")
    (folder / name).symlink_to(victim)
    (folder / "a").write_text("damaged")
    recover(folder)
    with pytest.raises(DataError, match="a: damaged"):
        check_files(folder)


@pytest.mark.parametrize("read", [read_json, sha256, lambda path: check_sha256(path, "")])
def test_a_pipe_is_not_waited_for(tmp_path, read):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/null")):
        with pytest.raises(DataError, match=f"{path}: not a regular file"):
            read(path)


def test_a_pipe_among_the_files_of_a_commit(tmp_path):
    commit(tmp_path, OLD)
    (tmp_path / "a").unlink()
    os.mkfifo(tmp_path / "a")
    os.mkfifo(tmp_path / "b.tmp")
    with pytest.raises(DataError, match="a: not a regular file"):
        check_files(tmp_path)


# --- outputs that a person names --------------------------------------------------------------


def put(path: Path, text: str = "new") -> None:
    write_output(path, lambda temporary: temporary.write_text(text))


def test_an_output_is_replaced_or_made(tmp_path):
    for path in (tmp_path / "file", tmp_path / "new" / "folder" / "file"):
        for text in ("first", "second"):
            put(path, text)
            assert contents(path.parent)["file"] == text


@pytest.mark.parametrize("there", [True, False])
def test_an_output_goes_through_a_link(tmp_path, there):
    link, target = tmp_path / "link", tmp_path / "target"
    if there:
        target.write_text("old")
    link.symlink_to("target")
    put(link)
    assert link.is_symlink()
    assert target.read_text() == "new"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "target"]


def test_an_output_goes_into_a_pipe(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    link = tmp_path / "link"
    link.symlink_to(pipe)
    for path in (pipe, link):
        reader = subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE)
        put(path, "through")
        assert reader.communicate(timeout=60)[0] == b"through"
        assert pipe.is_fifo()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes device nodes")
def test_an_output_goes_into_a_device(tmp_path):
    node = tmp_path / "null"
    os.mknod(node, stat.S_IFCHR | 0o666, os.makedev(1, 3))  # a scratch copy of /dev/null
    put(node)
    assert node.is_char_device()
    assert [path.name for path in tmp_path.iterdir()] == ["null"]


def test_an_output_to_standard_output(tmp_path):
    script = """
from pathlib import Path
from data.outputs import write_output
print("before", flush=True)
write_output(Path("/dev/stdout"), lambda path: path.write_text("new"))
"""
    with (tmp_path / "log").open("a") as log:
        subprocess.run([sys.executable, "-c", script], cwd=ROOT, stdout=log, check=True)
    assert "new" in (tmp_path / "log").read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["log"]


@pytest.mark.parametrize("target", ["link", ".", "file/below"])
def test_an_impossible_output_is_named(tmp_path, target):
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(target)
    with pytest.raises(OSError, match="link"):
        put(tmp_path / "link")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "link"]


# --- errors -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["file", "b" * 240])
def test_a_failure_names_the_file(tmp_path, name):
    def fail(path):
        path.write_text("half of it")
        raise OSError(28, "No space left on device")

    for write in (write_file, write_output):
        with pytest.raises(OSError, match="No space left") as error:
            write(tmp_path / name, fail)
        assert error.value.filename == str(tmp_path / name)
    assert contents(tmp_path) == {}
    put(tmp_path / name)
    assert contents(tmp_path) == {name: "new"}


def test_a_library_that_raises_no_number(tmp_path):
    def fail(path):
        raise OSError("the disk of a library is full")

    with pytest.raises(OSError, match="file: the disk of a library"):
        write_file(tmp_path / "file", fail)


def test_an_output_sweeps_its_own_leftovers(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    own, living = f"out.csv.{dead.pid}-0123abcd.tmp", f"out.csv.{os.getpid()}-0123abcd.tmp"
    others = [f"other.csv.{dead.pid}-0123abcd.tmp", "out.csv.notes.tmp", living]
    for name in (own, *others):
        (tmp_path / name).write_text("")
    write_output(tmp_path / "out.csv", lambda path: path.write_text("whole"))
    assert {path.name for path in tmp_path.iterdir()} == {"out.csv", *others}
