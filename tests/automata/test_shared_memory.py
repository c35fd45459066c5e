"""Arrays that others write to, and arrays of every other kind: a right answer or a refusal."""

import pickle
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from automata import (
    Automaton,
    AutomatonError,
    Certificate,
    CertificateError,
    apply_word,
    are_isomorphic,
    are_synchronizing,
    canonical_forms,
    certificate,
    check_certificate,
    invariants,
    is_synchronizing,
    rank,
    reach_lengths,
    reprove_thresholds,
    reset_bounds,
    reset_threshold,
    reset_thresholds,
    short_reset_word,
    shortest_reset_word,
    shortest_word,
    shortest_word_lengths,
    subset_thresholds,
    transition_monoid,
    validate_deltas,
    verify,
)
from automata import deltas as deltas_module
from automata import properties as classes
from automata.automaton import validate_delta
from automata.deltas import Deltas
from automata.drawing.geometry import circle_drawing
from automata.drawing.notebook import automaton_html
from automata.drawing.svg import automaton_svg
from automata.families import FAMILIES
from automata.identification import identify
from automata.mutation import exchange, insert_states, mutate
from automata.numbering import all_numberings, random_numberings
from automata.proof.verification import verify_words
from automata.runs import find_stretches
from automata.sampling import sample_uniform
from automata.solver.dense import DenseSearch
from automata.solver.exact import Words, shortest_reset_words
from automata.text.formats import (
    format_delta,
    format_dot,
    format_gap,
    format_json,
    format_synchrowords,
)
from automata.text.graph import to_networkx
from vae.encoding import encode_deltas

ROOT = Path(__file__).parents[2]
COUNT = 12
CERNY = [[1, 2, 3, 0], [0, 1, 2, 0]]


def seeded() -> np.random.Generator:
    return np.random.default_rng(0)


OF_MANY: dict[str, Callable[[Any], Any]] = {
    "validate_deltas": validate_deltas,
    "reset_thresholds": reset_thresholds,
    "reset_thresholds, threads": lambda deltas: reset_thresholds(deltas, workers=3),
    "shortest_reset_words": lambda deltas: tuple(shortest_reset_words(deltas)),
    "shortest_word_lengths": lambda deltas: shortest_word_lengths(deltas, from_states=[0, 3]),
    "reach_lengths": reach_lengths,
    "subset_thresholds": subset_thresholds,
    "canonical_forms": canonical_forms,
    "canonical_forms, threads": lambda deltas: canonical_forms(deltas, workers=3),
    "are_synchronizing": are_synchronizing,
    "reprove_thresholds": reprove_thresholds,
    "class_flags": classes.class_flags,
    "in_classes": lambda deltas: classes.in_classes(deltas, ["sink", "not-aperiodic"]),
    "defects": invariants.defects,
    "ranks": invariants.ranks,
    "automorphism_orders": invariants.automorphism_orders,
    **{
        name: getattr(classes, name)
        for name in (
            *("are_strongly_connected", "are_initially_connected", "have_sink", "are_basic"),
            *("have_permutation_letter", "are_one_cluster", "are_eulerian", "are_aperiodic"),
            *("are_completely_reachable", "are_irreducible"),
        )
    },
    "random_numberings": lambda deltas: random_numberings(seeded(), deltas),
    "all_numberings": lambda deltas: tuple(all_numberings(deltas)),
    "find_stretches": lambda deltas: tuple(find_stretches(deltas)),
    "identify": identify,
    "verify_words": lambda deltas: verify_words(
        deltas, Words(np.zeros((COUNT, 2), np.int8), np.full(COUNT, 2))
    ),
    "mutate": lambda deltas: mutate(seeded(), deltas),
    "exchange": lambda deltas: exchange(seeded(), deltas),
    "insert_states": lambda deltas: insert_states(seeded(), deltas),
    "encode_deltas": encode_deltas,
}
OF_ONE: dict[str, Callable[[Any], Any]] = {
    "Automaton": lambda delta: Automaton(delta).delta,
    "validate_delta": validate_delta,
    "reset_threshold": reset_threshold,
    "shortest_reset_word": shortest_reset_word,
    "reset_bounds": reset_bounds,
    "short_reset_word": short_reset_word,
    "short_reset_word, beam": lambda delta: short_reset_word(delta, "beam"),
    "is_synchronizing": is_synchronizing,
    "rank": rank,
    "shortest_word": lambda delta: shortest_word(delta, to_rank=2),
    "are_isomorphic": lambda delta: are_isomorphic(delta, CERNY),
    "certificate": lambda delta: certificate(delta).to_json(),
    "verify": lambda delta: verify(delta, "ba"),
    "DenseSearch": lambda delta: DenseSearch(delta).memory_needed(),
    "circle_drawing": lambda delta: circle_drawing(delta).labels,
    "automaton_svg": automaton_svg,
    "automaton_html": automaton_html,
    "format_delta": format_delta,
    "format_gap": format_gap,
    "format_dot": format_dot,
    "format_json": format_json,
    "apply_word": lambda delta: apply_word(delta, "ab"),
    "transition_monoid": lambda delta: transition_monoid(delta).elements,
    "format_synchrowords": lambda delta: format_synchrowords([delta]),
    "to_networkx": lambda delta: [*to_networkx(delta).edges(data="label")],
}
EVERY = OF_MANY | {
    name: lambda deltas, function=function: [function(delta) for delta in np.asarray(deltas)]
    for name, function in OF_ONE.items()
}


def some(n: int = 6, count: int = COUNT) -> Deltas:
    return sample_uniform(np.random.default_rng(3), count, n, 2)


def plain(answer: Any) -> Any:
    """An answer as something that == compares."""
    if isinstance(answer, np.ndarray):
        return answer.dtype, answer.tolist()
    return [plain(part) for part in answer] if isinstance(answer, tuple | list) else answer


# --- written to by others ---------------------------------------------------------------------


@pytest.mark.parametrize("name", EVERY)
def test_what_is_written_once_it_is_checked_reaches_nothing(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = some()
    expected = plain(EVERY[name](source.copy()))
    validate = deltas_module._validate

    def written_to(array: Any, partial: bool) -> Deltas:
        valid = validate(array, partial)
        if np.shares_memory(array, source):
            array[...] = 0  # another thread's work
        return valid

    monkeypatch.setattr(deltas_module, "_validate", written_to)
    assert plain(EVERY[name](source)) == expected
    assert not source.any()


class Changing:
    """An array that is another one each time it is asked for."""

    def __init__(self, *arrays: Any) -> None:
        self.arrays = [*arrays]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return self.arrays.pop(0) if len(self.arrays) > 1 else self.arrays[0]


@pytest.mark.parametrize("name", OF_MANY)
def test_an_array_that_changes_is_asked_once(name: str) -> None:
    source = some()
    expected = plain(OF_MANY[name](source))
    assert plain(OF_MANY[name](Changing(source, source + np.uint8(200)))) == expected


def test_memory_that_is_shared(tmp_path: Path) -> None:
    path = tmp_path / "deltas"
    some().tofile(path)
    for mode in ("r", "r+", "c"):
        mapped: Any = np.memmap(path, np.uint8, mode).reshape(-1, 2, 6)
        valid = validate_deltas(mapped)
        assert type(valid) is np.ndarray
        assert valid.flags.writeable
        assert not np.shares_memory(valid, mapped)
        assert np.array_equal(canonical_forms(mapped), canonical_forms(some()))
    over_a_buffer = np.frombuffer(bytearray(path.read_bytes()), np.uint8).reshape(-1, 2, 6)
    assert not np.shares_memory(validate_deltas(over_a_buffer), over_a_buffer)


WRITER = """
import sys, threading, time
import numpy as np
from automata import AutomatonError
from tests.automata import test_shared_memory as module

seconds, n, count = float(sys.argv[1]), 6, 1500
right = module.some(n, count)
names = sys.argv[2:]
done = threading.Event()
arrays = [right.copy(), right.astype(np.int64)]

def write():
    while not done.is_set():
        for array in arrays:
            top = np.iinfo(array.dtype).max
            array[:] = top
            array[:] = right
            array[::7] = top - n
            array[::7] = right[::7]

writer = threading.Thread(target=write, daemon=True)
writer.start()
answers = refusals = 0
for name in names:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for array in arrays:
            try:
                module.EVERY[name](array if name in module.OF_MANY else array[:5])
                answers += 1
            except AutomatonError as error:
                assert "outside 0..5" in str(error) or "not complete" in str(error), error
                refusals += 1
done.set()
writer.join()
print(answers, refusals)
"""


def written_to_meanwhile(seconds: float, names: list[str]) -> None:
    """Call functions while a thread writes to their arrays; a crash is seen as the exit code."""
    command = [sys.executable, "-c", WRITER, str(seconds), *names]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert answer.returncode == 0, (answer.returncode, answer.stderr[-2000:])
    answers, refusals = map(int, answer.stdout.split())
    assert answers + refusals >= 2 * len(names)


COMPILED = [name for name in EVERY if name != "verify_words"]  # which is numpy's work


def test_threads_that_write() -> None:
    written_to_meanwhile(0.06, COMPILED)


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", COMPILED)
def test_threads_that_write_for_long(name: str) -> None:
    written_to_meanwhile(10, [name])


# --- automata that stay as they are -----------------------------------------------------------


def arrays_of(automaton: Automaton) -> list[Any]:
    """Whatever array of an automaton one can get hold of."""
    found = [automaton.delta, np.asarray(automaton), np.array(automaton, copy=False)]
    for array in [*found]:
        found += [array.view(), array[:], array.T, array.reshape(-1), array.ravel()]
        while isinstance(array.base, np.ndarray):
            array = array.base
            found.append(array)
    return found


@pytest.mark.parametrize(
    "make",
    [
        Automaton,
        lambda delta: Automaton(np.array(delta, np.uint8)),
        lambda delta: Automaton(Automaton(delta)),
        lambda delta: pickle.loads(pickle.dumps(Automaton(delta))),
        lambda delta: pickle.loads(pickle.dumps(Automaton(delta), protocol=5)),
    ],
)
def test_no_array_of_an_automaton_can_be_made_writable(make: Callable[[Any], Automaton]) -> None:
    automaton = make(CERNY)
    for array in arrays_of(automaton):
        assert not array.flags.writeable
        with pytest.raises(ValueError, match="WRITEABLE"):
            array.flags.writeable = True
        with pytest.raises(ValueError, match="WRITEABLE"):
            array.setflags(write=True)
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 9
    assert automaton.delta.tolist() == CERNY
    assert np.array(automaton).flags.writeable  # a copy of one's own


def test_the_shape_of_an_automaton_stays_as_it_is() -> None:
    automaton = Automaton(CERNY)
    array: Any = automaton.delta
    array.__setstate__((1, (4, 2), np.dtype(np.uint8), False, bytes(range(8))))
    assert array.shape == (4, 2)
    assert (automaton.n, automaton.k, automaton.delta.tolist()) == (4, 2, CERNY)
    assert reset_threshold(automaton) == 9


class Liar(Automaton):
    """A kind of automaton whose table is none."""

    @property
    def delta(self) -> Any:
        return np.full((2, 4), 200, np.uint8)


@pytest.mark.parametrize("name", OF_ONE)
def test_only_automata_are_trusted(name: str) -> None:
    with pytest.raises(AutomatonError, match="leads to 200, outside 0..3"):
        OF_ONE[name](Liar(CERNY))


def test_a_certificate_is_checked_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    module = import_module("automata.proof.checker")

    def proof() -> Certificate:
        found = certificate(FAMILIES[0].delta(5))
        return Certificate(
            found.delta.copy(), found.threshold, found.word, found.forward, found.backward
        )

    right, check = proof(), module._check_word

    def written_to(certificate: Certificate, delta: Deltas) -> None:
        check(certificate, delta)
        right.delta[:] = 99  # another thread's work
        for level in (*right.forward, *right.backward):
            level[:] = 0

    monkeypatch.setattr(module, "_check_word", written_to)
    check_certificate(right)
    with pytest.raises(CertificateError):
        check_certificate(right)


# --- arrays of every kind ---------------------------------------------------------------------


def masked(source: Deltas, mask: bool) -> Any:
    return np.ma.masked_array(source, mask=np.full(source.shape, mask))


def spread(source: Deltas) -> Any:
    wide = np.zeros([3 * size for size in source.shape], source.dtype)
    wide[::3, ::3, ::3] = source
    return wide[::3, ::3, ::3]


def read_only(source: Deltas) -> Any:
    source.flags.writeable = False
    return source


TAKEN: dict[str, Callable[[Deltas], Any]] = {
    "a list": lambda source: source.tolist(),
    "a list of automata": lambda source: [Automaton(delta) for delta in source],
    "a list of arrays": list,
    "int64": lambda source: source.astype(np.int64),
    "uint64": lambda source: source.astype(np.uint64),
    "int8": lambda source: source.astype(np.int8),
    "big-endian": lambda source: source.astype(">i4"),
    "big-endian, two bytes": lambda source: source.astype(">u2"),
    "not contiguous": spread,
    "not contiguous, wide": lambda source: spread(source.astype(np.int32)),
    "negative strides": lambda source: source[::-1, ::-1, ::-1].copy()[::-1, ::-1, ::-1],
    "Fortran order": np.asfortranarray,
    "Fortran order, wide": lambda source: np.asfortranarray(source.astype(np.int16)),
    "read-only": read_only,
    "a subclass": lambda source: source.view(np.recarray),
    "a memoryview": memoryview,
    "masked, but nothing is": lambda source: masked(source, False),
}
REFUSED: dict[str, Callable[[Deltas], Any]] = {
    "float": lambda source: source.astype(float),
    "not a number": lambda source: np.full(source.shape, np.nan),
    "bool": lambda source: source.astype(bool),
    "object": lambda source: source.astype(object),
    "text": lambda source: source.astype(str),
    "bytes": lambda source: source.astype("S1"),
    "complex": lambda source: source.astype(complex),
    "a date": lambda source: source.astype("M8[D]"),
    "a duration": lambda source: source.astype("m8[s]"),
    "structured": lambda source: source.view([("target", np.uint8)]),
    "masked": lambda source: masked(source, True),
    "too few dimensions": lambda source: source[0],
    "too many": lambda source: source[None],
    "no dimensions": lambda source: np.uint8(1),
    "an array of none": lambda source: np.array(1),
    "nothing": lambda source: None,
    "ragged": lambda source: [*source.tolist(), 0],
    "no letters": lambda source: source[..., :0, :],
    "no states": lambda source: source[..., :0],
    "negative": lambda source: source.astype(np.int8) - np.int8(1),
    "too large": lambda source: source + np.uint8(1),
    "much too large": lambda source: source.astype(np.int64) + 256,
    "larger yet": lambda source: source.astype(np.uint64) + np.uint64(2**63),
}


@pytest.mark.parametrize("name", EVERY)
def test_arrays_that_are_taken(name: str) -> None:
    expected = plain(EVERY[name](some()))
    for kind, change in TAKEN.items():
        assert plain(EVERY[name](change(some()))) == expected, kind


@pytest.mark.parametrize("kind", REFUSED)
def test_arrays_that_are_refused(kind: str) -> None:
    for functions, source in ((OF_MANY, some()), (OF_ONE, some()[0])):
        for name, function in functions.items():
            with pytest.raises(AutomatonError) as error:
                function(REFUSED[kind](source.copy()))
            assert "\n" not in str(error.value), name


@pytest.mark.parametrize("name", [name for name in OF_MANY if name != "verify_words"])
def test_no_automata_at_all(name: str) -> None:
    for nothing in (some()[:0], np.zeros((0, 2, 6), np.int64)):
        answer = OF_MANY[name](nothing)
        first = answer[0] if isinstance(answer, tuple) else answer
        assert len(first) == 0
