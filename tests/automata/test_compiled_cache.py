"""The cache of compiled code: never code of other sources, and kernels run without it too.

Most tests start processes on a small tree: two kernels, one of which calls the other.
"""

import ast
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import llvmlite
import numba
import numpy as np
import pytest
from llvmlite import binding

from automata.kernels import code_store, jit
from automata.kernels.code_store import KEPT, CodeStore
from tests.commands import Answer

ROOT = Path(__file__).parents[2]
KERNELS = ROOT / "automata" / "kernels"
FILES = {
    "low": "from automata.kernels.jit import jit\n@jit\ndef low(x):\n    return x + 10\n",
    "high": "from automata.kernels.jit import jit\nfrom automata.kernels.low import low\n"
    "@jit\ndef high(x):\n    return 100 * low(x)\n",
    "indexing": "from automata.kernels.jit import jit\n@jit\ndef item(row, i):\n"
    "    return row[i]\n",
}
CALL = "from automata.kernels.high import high; print(high(1))"
HITS = f"{CALL}; print(sum(high.stats.cache_hits.values()))"
Run = Callable[..., "Answer"]
COMPILED, KEPT_BEFORE = "1100\n0\n", "1100\n1\n"
UNPRIVILEGED = """
import os
if os.getuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
"""
"""As root a file's mode forbids nothing."""


FORKS = """
import fcntl, json, logging, os, shutil, signal, sys, threading, traceback, uuid
import numba, numba.experimental
numba.njit(lambda x: x + 1)(1)
for line in sys.stdin:
    folder, code, environment, *outputs = json.loads(line)
    child = os.fork()
    if child == 0:
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        numba.config.reload_config()
        for number, path in enumerate(outputs, 1):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
        try:
            exec(code, {})
            failed = 0
        except BaseException:
            traceback.print_exc()
            failed = 1
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(failed)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
"""A process that has imported numba, and forks: as good as new ones, and cheaper."""


def environment(tree: Path, variables: dict[str, object]) -> dict[str, str]:
    ours = ("NUMBA_", "PYTHONDONTWRITE", "PYTHONPYCACHE", "XDG_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return (
        kept | {"HOME": str(tree / "home")} | {key: str(value) for key, value in variables.items()}
    )


def start(tree: Path, code: str, **variables: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=tree,
        env=environment(tree, variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run_anew(tree: Path, code: str, **variables: object) -> Answer:
    """Run code in a process that is new from the beginning."""
    process = start(tree, code, **variables)
    out, err = process.communicate()
    return Answer(process.returncode, out, err)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Run code in a process of its own, in the folder of a tree."""
    outputs = tmp_path_factory.mktemp("outputs")
    environ = environment(outputs, {})
    command = [sys.executable, "-c", FORKS]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, cwd=outputs, env=environ, **pipes) as process:

        def forked(tree: Path, code: str = HITS, **variables: object) -> Answer:
            out, err = outputs / "out", outputs / "err"
            for path in (out, err):
                path.unlink(missing_ok=True)
            order = [str(tree), code, environment(tree, variables), str(out), str(err)]
            print(json.dumps(order), file=process.stdin, flush=True)
            assert process.stdout
            return Answer(int(process.stdout.readline()), out.read_text(), err.read_text())

        yield forked
        process.stdin.close()


def plant(folder: Path) -> Path:
    """Write the small tree."""
    kernels = folder / "automata" / "kernels"
    kernels.mkdir(parents=True)
    (kernels.parent / "__init__.py").touch()
    for name in ("__init__", "jit", "code_store"):
        shutil.copy(KERNELS / f"{name}.py", kernels)
    for name, text in FILES.items():
        (kernels / f"{name}.py").write_text(text)
    return folder


def edit(tree: Path, name: str, old: str, new: str) -> None:
    path = tree / "automata" / "kernels" / f"{name}.py"
    text = path.read_text()
    assert text.count(old) == 1
    now = path.stat().st_mtime
    path.write_text(text.replace(old, new))
    os.utime(path, (now + 2, now + 2))  # Python compares whole seconds


def entries(root: Path) -> list[Path]:
    return sorted(root.rglob("automata-*/*.nbc"))


def warned(answer: Answer, out: str = COMPILED) -> None:
    """The right result, and one line of warning that says what to do."""
    assert (answer.code, answer.out) == (0, out), answer.err
    assert answer.err.count("\n") == 1, answer.err
    assert answer.err.startswith("Warning: ") and "NUMBA_CACHE_DIR" in answer.err


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return plant(tmp_path / "tree")


@pytest.fixture(scope="module")
def warm(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree with its compiled code in `cache`, not to be changed."""
    tree = plant(tmp_path_factory.mktemp("warm") / "tree")
    assert run(tree, NUMBA_CACHE_DIR=tree / "cache") == (0, COMPILED, "")
    return tree


@pytest.fixture
def warmed(warm: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(warm, tmp_path / "tree"))


@pytest.fixture
def open_to_all() -> Iterator[Path]:
    """The tree where every user may read it: pytest's own folders are closed to others."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield plant(folder / "tree")
    for path in (folder, *folder.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)
    shutil.rmtree(folder)


def forbid_writing(tree: Path) -> None:
    for path in (tree, *tree.rglob("*")):
        path.chmod(stat.S_IMODE(path.stat().st_mode) & 0o555)


# --- edits and updates ------------------------------------------------------------------------


def test_a_line_broken_and_repaired(run: Run, tmp_path: Path) -> None:
    """A former bug: thresholds stayed wrong after the repair of a file that the solver uses."""
    copy = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "automata", tmp_path / "automata", ignore=copy)
    call = (
        "import numpy as np; from automata import reset_thresholds; "
        "cerny = np.array([[[1, 2, 3, 0], [1, 1, 2, 3]]]); "
        "print({*reset_thresholds(np.repeat(cerny, 1000, axis=0))})"
    )
    edit(tmp_path, "tables", "high = two | three", "high = two")
    broken = run(tmp_path, call)
    assert broken.code == 0 and broken.out != "{np.int32(9)}\n"
    edit(tmp_path, "tables", "high = two\n", "high = two | three\n")
    assert run(tmp_path, call) == (0, "{np.int32(9)}\n", "")


def test_an_edit_of_a_file_that_another_uses(run: Run, warmed: Path) -> None:
    cache = warmed / "cache"
    assert run(warmed, NUMBA_CACHE_DIR=cache) == (0, KEPT_BEFORE, "")
    edit(warmed, "low", "x + 10", "x + 20")
    assert run(warmed, NUMBA_CACHE_DIR=cache) == (0, "2100\n0\n", "")
    edit(warmed, "low", "x + 20", "x + 10")
    assert run(warmed, NUMBA_CACHE_DIR=cache) == (0, KEPT_BEFORE, "")


def test_an_edit_that_python_does_not_see(run: Run, tree: Path) -> None:
    """Python runs the old bytecode while the size and the time of a file are the same."""
    assert run(tree, CALL).out == "1100\n"
    path = tree / "automata" / "kernels" / "low.py"
    status = path.stat()
    path.write_text(path.read_text().replace("x + 10", "x + 20"))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert run(tree, CALL) == (0, "1100\n", "")
    os.utime(path, (status.st_mtime + 2, status.st_mtime + 2))
    assert run(tree, CALL) == (0, "2100\n", "")


def test_an_edit_while_a_process_runs(run: Run, tree: Path) -> None:
    """It loads one file before the edit and another one after it: nothing of that is kept."""
    change = (
        "import automata.kernels.low, pathlib, os; "
        "path = pathlib.Path('automata/kernels/high.py'); text = path.read_text(); "
        "path.write_text(text.replace('100 *', '500 *')); "
        f"{CALL}; path.write_text(text); os.utime(path, (1, 1))"
    )
    assert run(tree, change) == (0, "5500\n", "")
    assert run(tree) == (0, COMPILED, "")


def test_an_edit_while_a_file_is_loaded(run: Run, tree: Path) -> None:
    """Python has read a kernel, and imports what it needs, when its file changes."""
    edit(tree, "high", "from automata.kernels.jit", "import change\nfrom automata.kernels.jit")
    (tree / "change.py").write_text(
        "import os, pathlib; path = pathlib.Path('automata/kernels/high.py'); "
        "path.write_text(path.read_text().replace('100 *', '500 *')); os.utime(path, (9, 9))"
    )
    assert run(tree) == (0, COMPILED, "")
    (tree / "change.py").write_text("")
    assert run(tree) == (0, "5500\n0\n", "")


@pytest.mark.parametrize(
    "update",
    [
        "import numba; numba.__version__ = '0.61.9'",
        "import numba, llvmlite; llvmlite.__version__ = '0.44.9'",
    ],
)
def test_an_update(run: Run, warmed: Path, update: str) -> None:
    answer = run(warmed, f"{update}; {HITS}", NUMBA_CACHE_DIR=warmed / "cache")
    assert answer == (0, COMPILED, "")


@pytest.mark.parametrize(
    ("place", "name", "value"),
    [
        (numba, "__version__", "0.0"),
        (llvmlite, "__version__", "0.0"),
        (np, "__version__", "0.0"),
        (sys, "version", "3.99"),
        (binding, "get_host_cpu_name", lambda: "other"),
        (binding, "get_host_cpu_features", binding.FeatureMap),
        (numba.config, "BOUNDSCHECK", 7),
        (numba.config, "OPT", 7),
        (numba.config, "DEBUGINFO_DEFAULT", 7),
        (numba.config, "CPU_NAME", "generic"),
        (numba.config, "CPU_FEATURES", "+sse2"),
        (jit, "FLAGS", {"nogil": True, "fastmath": True}),
    ],
)
def test_what_changes_compiled_code_changes_the_key(
    place: Any, name: str, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = jit._key({"file": "0"})
    monkeypatch.setattr(place, name, value)
    assert jit._key({"file": "0"}) != before


def test_each_source_changes_the_key() -> None:
    sources = jit._sources()
    assert {path.stem for path in KERNELS.glob("*.py")} == {*sources}
    keys = {jit._key(sources | {name: "changed"}) for name in sources}
    assert len(keys | {jit._key(sources)}) == len(sources) + 1


@pytest.mark.parametrize(
    ("name", "value"),
    [("NUMBA_NUM_THREADS", 99), ("CACHE_DIR", "elsewhere"), ("COLOR_SCHEME", "dark_bg")],
)
def test_what_does_not_change_compiled_code(
    name: str, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = jit._key({})
    monkeypatch.setattr(numba.config, name, value)
    assert jit._key({}) == before


def test_kernels_use_no_code_outside_their_folder() -> None:
    """The key would not notice its edits."""
    allowed = {
        "automata.kernels",
        "numpy",
        "numba",
        "llvmlite",
        "__future__",
        *sys.stdlib_module_names,
    }
    for path in KERNELS.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0
                names = [str(node.module)]
            for name in names:
                roots = {name.split(".")[0], ".".join(name.split(".")[:2])}
                assert roots & allowed, (path.name, name)
    assert {path.parent for path in KERNELS.rglob("*.py")} == {KERNELS}


def test_bounds_checks_are_not_hidden(run: Run, tree: Path) -> None:
    """Code with and without them is kept apart."""
    call = (
        "import numpy as np; from automata.kernels.indexing import item; "
        "item(np.zeros(4), 2); item(np.zeros(8)[:4], 4)"
    )
    assert run(tree, call).code == 0
    answer = run(tree, call, NUMBA_BOUNDSCHECK=1)
    assert answer.code == 1 and "IndexError" in answer.err
    assert run(tree, call) == (0, "", "")


def test_nothing_is_kept_where_nothing_is_compiled(run: Run, tree: Path) -> None:
    assert run(tree, CALL, NUMBA_DISABLE_JIT=1, NUMBA_CACHE_DIR=tree / "cache").out == "1100\n"
    assert not (tree / "cache").exists()


def test_what_numba_kept_before_is_removed(run: Run, tree: Path) -> None:
    """No process reads it any more."""
    beside = tree / "automata" / "kernels" / "__pycache__"
    beside.mkdir()
    for name in ("low.low-2.py311.nbi", "low.low-2.py311.1.nbc", "notes"):
        (beside / name).touch()
    assert run(tree) == (0, COMPILED, "")
    assert {path.suffix for path in beside.iterdir() if path.is_file()} == {"", ".pyc"}


# --- damage -----------------------------------------------------------------------------------


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def become(kind: Callable[[Path], object]) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        path.unlink()
        kind(path)

    return change


DAMAGE: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-100]),
    "cut short": lambda path: path.write_bytes(path.read_bytes()[:20]),
    "garbage": lambda path: path.write_bytes(b"\x80\x05garbage" * 99),
    "one bit": flip,
    "of another kernel": lambda path: path.write_bytes(
        next(other for other in entries(path.parent.parent) if other != path).read_bytes()
    ),
}
STRANGE = {
    "dangling link": become(lambda path: path.symlink_to("nowhere")),
    "looping link": become(lambda path: path.symlink_to(path)),
    "pipe": become(os.mkfifo),
    "gone": lambda path: path.unlink(),
}


@pytest.mark.parametrize("damage", [*DAMAGE, *STRANGE])
def test_damaged_entries_are_made_again(run: Run, warmed: Path, damage: str) -> None:
    cache = warmed / "cache"
    paths = entries(cache)
    (high,) = (path for path in paths if path.name.startswith("high."))
    for path in paths if damage != "of another kernel" else [high]:
        (DAMAGE | STRANGE)[damage](path)
    answer = run(warmed, NUMBA_CACHE_DIR=cache)
    if damage in DAMAGE:
        warned(answer)
    else:
        assert answer == (0, COMPILED, "")
    assert entries(cache) == paths
    (folder,) = cache.iterdir()
    store = CodeStore([cache], folder.name.removeprefix("automata-"))
    assert all(store.read(path.name) for path in paths)


def test_a_folder_instead_of_an_entry(run: Run, warmed: Path) -> None:
    for path in entries(warmed / "cache"):
        path.unlink()
        (path / "inside").mkdir(parents=True)
    warned(run(warmed, NUMBA_CACHE_DIR=warmed / "cache"))


def test_whole_files_that_numba_cannot_read(run: Run, warmed: Path) -> None:
    cache = warmed / "cache"
    for path in entries(cache):
        content = b"not a pickle"
        path.write_bytes(code_store._digest(path.name, content) + content)
    warned(run(warmed, NUMBA_CACHE_DIR=cache))
    assert run(warmed, NUMBA_CACHE_DIR=cache) == (0, KEPT_BEFORE, "")


# --- places that cannot be written ------------------------------------------------------------


def a_file(path: Path) -> Path:
    path.write_text("mine")
    return path


def a_link(path: Path, target: str) -> Path:
    path.symlink_to(target)
    return path


PLACES: dict[str, Callable[[Path], Path]] = {
    "a file": lambda folder: a_file(folder / "file"),
    "below a file": lambda folder: a_file(folder / "file") / "below",
    "a dangling link": lambda folder: a_link(folder / "link", "nowhere"),
    "a looping link": lambda folder: a_link(folder / "loop", "loop"),
    "a name that is too long": lambda folder: folder / ("x" * 300),
    "a name of two lines": lambda folder: a_file(folder / "two\nlines"),
}


@pytest.mark.parametrize("place", PLACES)
def test_places_that_are_no_folder(run: Run, tree: Path, place: str) -> None:
    path = PLACES[place](tree)
    before = {*tree.iterdir()}
    warned(run(tree, NUMBA_CACHE_DIR=path))
    assert {*tree.iterdir()} == before


def test_read_only_without_a_home(run: Run, open_to_all: Path) -> None:
    forbid_writing(open_to_all)
    warned(run(open_to_all, UNPRIVILEGED + HITS, HOME="/nonexistent"))


def test_read_only_with_a_home(run: Run, open_to_all: Path) -> None:
    forbid_writing(open_to_all)
    home = open_to_all.parent / "home"
    home.mkdir()
    home.chmod(0o777)
    for result in (COMPILED, KEPT_BEFORE):
        answer = run(open_to_all, UNPRIVILEGED + HITS, HOME=home)
        assert answer == (0, result, "")
    assert entries(home) and not entries(open_to_all)


def test_read_only_but_compiled_before(run: Run, open_to_all: Path) -> None:
    """Whoever installs a program may compile it for all its users."""
    assert run(open_to_all) == (0, COMPILED, "")
    forbid_writing(open_to_all)
    answer = run(open_to_all, UNPRIVILEGED + HITS, HOME="/nonexistent")
    assert answer == (0, KEPT_BEFORE, "")


@pytest.mark.parametrize("mode", [0o000, 0o444, 0o555])
def test_a_folder_that_forbids(run: Run, open_to_all: Path, mode: int) -> None:
    cache = open_to_all / "cache"
    cache.mkdir()
    cache.chmod(mode)
    warned(run(open_to_all, UNPRIVILEGED + HITS, NUMBA_CACHE_DIR=cache))


def test_entries_that_forbid(run: Run, open_to_all: Path) -> None:
    """Where the folder can be written, what cannot be read is replaced."""
    cache = open_to_all / "cache"
    assert run(open_to_all, NUMBA_CACHE_DIR=cache) == (0, COMPILED, "")
    for path in (*cache.rglob("*"), cache):
        path.chmod(0o777 if path.is_dir() else 0o000)
    for result in (COMPILED, KEPT_BEFORE):
        answer = run(open_to_all, UNPRIVILEGED + HITS, NUMBA_CACHE_DIR=cache)
        assert answer == (0, result, "")


def test_no_file_may_grow(run: Run, tree: Path) -> None:
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64)); "
    variables = {"NUMBA_CACHE_DIR": tree / "cache", "PYTHONDONTWRITEBYTECODE": 1}
    warned(run_anew(tree, limit + HITS, **variables))
    assert [path.name for path in (tree / "cache").glob("*/*")] == ["in-use"]


@pytest.mark.skipif(os.getuid() != 0, reason="only root may mount")
@pytest.mark.parametrize("options", ["size=4k", "size=1m,nr_inodes=2", "ro"])
def test_a_full_disk(run: Run, tree: Path, options: str) -> None:
    disk = tree / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        warned(run(tree, NUMBA_CACHE_DIR=disk))
        assert not [path for path in disk.rglob("*") if path.suffix in (".nbc", ".tmp")]
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize(
    "change",
    [
        "import numba.core.caching as place; del place.NullCache",
        "import numba.core.caching as place; place.NullCache = type('New', (), {})",
        "import numba.core.compiler as place; del place.CompileResult._reduce",
        "import numba.core.codegen as place; del place.CodeLibrary.has_dynamic_globals",
        "import pathlib; pathlib.Path.glob = lambda *_: open('/nowhere')",
    ],
)
def test_a_numba_that_is_not_as_we_know_it(run: Run, tree: Path, change: str) -> None:
    warned(run(tree, f"{change}; {CALL}"), "1100\n")


# --- several processes ------------------------------------------------------------------------


def test_processes_that_start_at_once(run: Run, tree: Path) -> None:
    """Two of them need code for integers, two for floats, which other caches may confuse."""
    calls = [f"{CALL}; print(high({value}))" for value in ("2", "2", "0.5", "0.5")]
    processes = [start(tree, call, NUMBA_CACHE_DIR=tree / "cache") for call in calls]
    answers = [(*process.communicate(), process.returncode) for process in processes]
    assert answers[:2] == [("1100\n1200\n", "", 0)] * 2
    assert answers[2:] == [("1100\n1050.0\n", "", 0)] * 2
    both = f"{CALL}; print(high(0.5), sum(high.stats.cache_hits.values()))"
    assert run(tree, both, NUMBA_CACHE_DIR=tree / "cache") == (0, "1100\n1050.0 2\n", "")
    assert not [*(tree / "cache").rglob("*.tmp")]


@contextmanager
def another(root: Path, key: str, act: str) -> Iterator[None]:
    """A process that opens a store, acts, and lives on until it is killed."""
    code = (
        "import pathlib, runpy, sys, time\n"
        f"names = runpy.run_path({str(KERNELS / 'code_store.py')!r})\n"
        f"store = names['CodeStore']([pathlib.Path({str(root)!r})], {key!r})\n"
        f"{act}\nprint(flush=True)\ntime.sleep(1000)"
    )
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout and process.stdout.readline()
        try:
            yield
        finally:
            process.kill()


READ, WRITE = "store.read('kernel')", "store.write('kernel', b'code')"


def key(number: int) -> str:
    return f"{number:032x}"


def used(root: Path, number: int) -> Path:
    """A folder of a process that has ended, the older the smaller its number."""
    folder = root / f"automata-{key(number)}"
    folder.mkdir(parents=True)
    (folder / "kernel").write_bytes(b"code")
    (folder / "in-use").touch()
    os.utime(folder / "in-use", (number, number))
    return folder


def test_only_the_folders_used_last_are_kept(tmp_path: Path) -> None:
    folders = [used(tmp_path, number) for number in range(1, KEPT + 4)]
    CodeStore([tmp_path], key(0)).write("kernel", b"code")
    assert {*tmp_path.iterdir()} == {*folders[3:], tmp_path / f"automata-{key(0)}"}


def test_use_is_noticed_without_writing(tmp_path: Path) -> None:
    """A checkout that only reads what it has compiled long ago keeps it."""
    folders = [used(tmp_path, number) for number in range(1, KEPT + 3)]
    with another(tmp_path, key(1), READ):
        pass
    CodeStore([tmp_path], key(0)).write("kernel", b"code")
    assert {*folders} - {*tmp_path.iterdir()} == {*folders[1:3]}


def test_what_a_living_process_uses_is_kept(tmp_path: Path) -> None:
    others = [used(tmp_path, number) for number in range(10, 10 + KEPT)]
    with another(tmp_path, key(1), WRITE):
        held = tmp_path / f"automata-{key(1)}"
        os.utime(held / "in-use", (1, 1))
        CodeStore([tmp_path], key(0)).write("kernel", b"code")
        assert (held / "kernel").exists()
    CodeStore([tmp_path], key(2)).write("kernel", b"code")
    assert not held.exists()
    assert all(other.exists() for other in others[1:])


def test_nothing_else_is_removed(tmp_path: Path) -> None:
    """A folder named by NUMBA_CACHE_DIR may hold anything."""
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "notes").write_text("mine")
    (tmp_path / "cache").mkdir()
    link = tmp_path / "cache" / f"automata-{key(1)}"
    link.symlink_to(mine)
    for name in ("automata-", "automata-notes", f"automata-{key(1)}0", "kernels_" + "0" * 40):
        (tmp_path / "cache" / name).mkdir()
    a_file(tmp_path / "cache" / f"automata-{key(2)}")
    before = {*tmp_path.rglob("*")}
    folders = [used(tmp_path / "cache", number) for number in range(100, 100 + KEPT)]
    CodeStore([tmp_path / "cache"], key(0)).write("kernel", b"code")
    assert before <= {*tmp_path.rglob("*")}
    assert all(folder.exists() for folder in folders[1:])


def test_what_a_killed_process_left(tmp_path: Path) -> None:
    """The next writing removes it, unless another process may still be writing it."""
    left = tmp_path / f"automata-{key(1)}" / "kernel.0.tmp"
    with another(tmp_path, key(1), READ), another(tmp_path, key(1), WRITE):
        left.write_bytes(b"co")
        with another(tmp_path, key(1), WRITE):
            assert left.exists()
    store = CodeStore([tmp_path], key(1))
    store.write("other", b"code")
    assert not left.exists()
    assert [store.read(name) for name in ("kernel", "other")] == [b"code"] * 2
