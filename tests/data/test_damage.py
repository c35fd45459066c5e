"""What readers say of damaged files: one line, with the name of the file."""

import csv
import pickle
import struct
import zipfile
import zlib
from pathlib import Path

import pytest

from data import damage
from data.damage import DataError, naming, open_file, read_json, reading
from data.terminal import printable


@pytest.mark.parametrize(
    "error",
    [
        KeyError("n"),
        IndexError("list index out of range"),
        TypeError("'int' object is not iterable"),
        AttributeError("no attribute"),
        OverflowError("too large"),
        ZeroDivisionError("division by zero"),
        RecursionError("maximum recursion depth exceeded"),
        EOFError("Ran out of input"),
        MemoryError(),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
        csv.Error("new-line character seen"),
        pickle.UnpicklingError("invalid load key"),
        struct.error("unpack requires 4 bytes"),
        zipfile.BadZipFile("File is not a zip file"),
        zlib.error("Error -3"),
        OSError("a page is damaged"),
        ValueError("two\nlines"),
        ValueError("\x1b[2Jcleared"),
    ],
)
def test_damage_is_one_line(error: Exception) -> None:
    with pytest.raises(DataError) as raised, reading(Path("a/file"), "a table"):
        raise error
    message = str(raised.value)
    assert message.startswith("a/file: not a table (")
    assert message == printable(message) and "\n" not in message
    assert raised.value.__cause__ is error


def test_errors_of_libraries_are_damage(tmp_path: Path) -> None:
    import pyarrow as pa
    from safetensors import SafetensorError

    for kind in (pa.ArrowInvalid, pa.ArrowSerializationError, SafetensorError):
        with pytest.raises(DataError, match="file: not readable"), reading(tmp_path / "file"):
            raise kind("bad")


def test_what_is_no_damage_goes_through() -> None:
    class Bug(Exception):
        pass

    for error in (Bug(), KeyboardInterrupt(), DataError("other: damaged")):
        with pytest.raises(type(error)) as raised, reading(Path("file")):
            raise error
        assert raised.value is error


@pytest.mark.parametrize(
    ("number", "kind"),
    [(2, DataError), (20, DataError), (21, DataError), (22, DataError), (13, OSError)],
)
def test_errors_of_the_system_name_the_file(number: int, kind: type[Exception]) -> None:
    with pytest.raises(kind, match="file"), reading(Path("file")):
        raise OSError(number, "refused")


def test_an_error_of_the_system_gets_the_name_of_the_file() -> None:
    error = naming(OSError(28, "?"), Path("file"))
    assert (error.errno, error.filename, error.strerror) == (28, "file", "No space left on device")
    assert str(naming(OSError("odd thing"), Path("file"))) == "file: odd thing"


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b'{"n": NaN}',
        b'{"n": [Infinity]}',
        b'{"n": -Infinity}',
        b'{"n": 1e400}',
        b"9" * 100_000,
        b'{"n": 8, "n": 9}',
        b'[{"a": {"b": 1, "b": 1}}]',
        b"\xff\xfe{}",
        b'{"half": [1, ',
        b"",
        b"\0" * 100,
        b"{} {}",
    ],
)
def test_json_that_is_damaged_or_ambiguous(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(content)
    with pytest.raises(DataError) as error:
        read_json(path)
    assert str(error.value).startswith(f"{path}: not JSON (")
    assert "\n" not in str(error.value)


def test_json_that_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file.json"
    path.write_text(" " * 1000 + "[]")
    assert read_json(path) == []
    monkeypatch.setattr(damage, "MAX_JSON_BYTES", 1000)
    with pytest.raises(DataError, match="over the limit of 1000 bytes"):
        read_json(path)


def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "link").symlink_to("file")
    for name in ("file", "link"):
        with open_file(tmp_path / name) as file:
            assert file.read() == b"content"
    for path, message in [
        (tmp_path, "a folder, not a file"),
        (tmp_path / "none", "no such file"),
        (tmp_path / "file" / "below", "no such file"),
        (Path("/dev/null"), "not a regular file"),
    ]:
        with pytest.raises(DataError, match=message):
            open_file(path)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Černý (n-1)²\t1\n2", "Černý (n-1)²\\t1\\n2"),
        ("\x1b[2J\x07\x7f", "\\x1b[2J\\x07\\x7f"),
        ("\x9b31m", "\\x9b31m"),
        ("a\rb", "a\\rb"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\udcff", "\\udcff"),
    ],
)
def test_printable(text: str, shown: str) -> None:
    assert printable(text) == shown
    printable(text).encode()
