"""Compiler flags, and the cache of compiled code; no other module reads them.

Compiled code includes the kernels that it calls, and numba's own cache does not notice edits of
other files. So code is stored under a hash of everything that it depends on, and only while the
sources are those that this process has loaded. If anything fails here, the kernel is compiled.
"""

import hashlib
import pickle  # noqa: S403 - numba's own form of compiled code
import re
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import cache, wraps
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any

import llvmlite
import numba
import numpy as np
from llvmlite import binding

from automata.kernels.code_store import CodeStore, warn

_NoCache: Any = object
with suppress(ImportError):  # internal names of numba, which may change
    from numba.core import caching as _caching
    from numba.core.compiler import CompileResult as _CompileResult
    from numba.core.serialize import dumps as _dumps

    _NoCache = getattr(_caching, "NullCache", object)

FLAGS: dict[str, Any] = {"nogil": True}
_SETTINGS: Any = numba.config
_HERE = Path(__file__).absolute().parent
_NOT_CODE = re.compile("^_|CACHE|COLOR|CUDA|PROFILER$|THREAD")
"""Settings of numba that differ from start to start and do not change compiled code."""


def jit(function: Any) -> Any:
    """Compile a kernel when it is first called, or load the code that was stored before."""
    kernel = numba.njit(**FLAGS)(function)
    if hasattr(kernel, "compile"):
        kernel.compile = uninterrupted(kernel.compile)
    inside = function.__module__.rpartition(".")[0] == __package__ and not function.__closure__
    if _STORE is not None and inside:
        if type(getattr(kernel, "_cache", None)) is _NoCache:
            kernel._cache = _KernelCache(function, _STORE)
        else:
            warn(f"numba {numba.__version__} has changed, so code is compiled at each start")
    return kernel


def uninterrupted(work: Callable[..., Any]) -> Callable[..., Any]:
    """Delay interruptions until ``work`` ends: LLVM calls Python, and loses its exceptions."""

    @wraps(work)
    def worked(*args: Any, **named: Any) -> Any:
        handler = signal.getsignal(signal.SIGINT)
        if threading.current_thread() is not threading.main_thread() or not callable(handler):
            return work(*args, **named)
        interruptions: list[Any] = []
        signal.signal(signal.SIGINT, lambda *received: interruptions.append(received))
        try:
            return work(*args, **named)
        finally:
            signal.signal(signal.SIGINT, handler)
            if interruptions:
                handler(*interruptions[0])

    return worked


class _KernelCache(_NoCache):  # type: ignore[misc]
    """The cache of one kernel: numba reads it before it compiles, and writes to it afterwards."""

    def __init__(self, function: Any, store: CodeStore) -> None:
        self._function = function
        self._store = store

    @property
    def cache_path(self) -> str:
        """The folder, for numba's statistics."""
        return str(self._store.folders[0])

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the kernel compiled for a signature, or None."""
        try:
            target_context.refresh()
            content = self._store.read(self._name(sig))
            if content is None:
                return None
            result = _CompileResult._rebuild(target_context, *pickle.loads(content))  # noqa: S301
            return result if tuple(result.signature.args) == _arguments(sig) else None
        except Exception as error:
            warn(f"compiled code cannot be read, so it is compiled again ({error!r})")
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Store a kernel compiled for a signature, if another process may use it."""
        try:
            if not data.lifted and not data.library.has_dynamic_globals and _sources_match():
                self._store.write(self._name(sig), _dumps(data._reduce()))
                _remove_numba_cache()
        except Exception as error:
            warn(f"compiled code is not kept, so it is compiled at each start ({error!r})")

    def _name(self, sig: Any) -> str:
        place = f"{self._function.__module__.rpartition('.')[2]}.{self._function.__qualname__}"
        line = self._function.__code__.co_firstlineno
        digest = hashlib.sha256(repr((place, line, str(sig))).encode()).hexdigest()
        return f"{re.sub('[^A-Za-z0-9_.]', '', place)}-{digest[:32]}.nbc"


@cache
def _remove_numba_cache() -> None:
    """Remove the files of numba's own cache, which earlier versions used."""
    for path in (_HERE / "__pycache__").glob("*.nb[ic]"):
        with suppress(OSError):
            path.unlink()


def _arguments(sig: Any) -> tuple[Any, ...]:
    return tuple(getattr(sig, "args", sig))


def _sources() -> dict[str, str]:
    """Return the SHA-256 of each source of kernels, by the name of its module."""
    paths = sorted(path for path in _HERE.glob("*.py") if path.stem.isidentifier())
    return {path.stem: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def _key(sources: dict[str, str]) -> str:
    """Return a hash of everything that compiled code depends on."""
    features = ""
    with suppress(RuntimeError):  # not known for this processor
        features = binding.get_host_cpu_features().flatten()
    settings = {
        name: repr(value)
        for name, value in sorted(vars(_SETTINGS).items())
        if name.isupper() and not _NOT_CODE.search(name)
    }
    parts = [
        *(sources, FLAGS, settings),
        *(sys.version, sys.flags.optimize, numba.__version__, llvmlite.__version__, np.__version__),
        *(binding.get_process_triple(), binding.get_host_cpu_name(), features),
    ]
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


def _sources_match() -> bool:
    """Return whether the sources are those of the key, and the kernels are loaded from them.

    The sources may have been edited since the start. And if an edit keeps the size and time of a
    file, Python itself loads the old one from ``__pycache__``.
    """
    loaded = [name for name in _SOURCES if f"{__package__}.{name}" in sys.modules]
    return _sources() == _SOURCES and all(_is_loaded(name) for name in loaded)


@cache
def _is_loaded(name: str) -> bool:
    """Return whether Python's code of a module is that of its source file."""
    loader = sys.modules[f"{__package__}.{name}"].__loader__
    if not isinstance(loader, SourceFileLoader):
        return True
    source = Path(loader.path).read_bytes()
    return bool(loader.get_code(loader.name) == loader.source_to_code(source, loader.path))


def _roots() -> list[Path]:
    """Return the folder that NUMBA_CACHE_DIR names, or numba's default folders without it."""
    if _SETTINGS.CACHE_DIR:
        return [Path(_SETTINGS.CACHE_DIR).absolute()]
    roots = [_HERE / "__pycache__"]
    with suppress(Exception):  # an internal name of numba, which may change; or no home folder
        from numba.misc.appdirs import AppDirs

        users = Path(AppDirs("numba", appauthor=False).user_cache_dir)
        roots += [users] if users.is_absolute() else []
    return roots


def _open() -> tuple[dict[str, str], CodeStore | None]:
    """Return the hashes of the sources, and the store of their compiled code, if there is one."""
    if _SETTINGS.DISABLE_JIT:
        return {}, None
    try:
        sources = _sources()
        return sources, CodeStore(_roots(), _key(sources))
    except Exception as error:
        warn(f"compiled code is not kept, so it is compiled at each start ({error!r})")
        return {}, None


_SOURCES, _STORE = _open()
