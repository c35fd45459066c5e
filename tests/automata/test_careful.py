"""Careful synchronization of partial automata, against plain Python and published counts."""

import pickle
import time
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from unittest import mock

import numpy as np
import numpy.typing as npt
import pytest

from automata.automaton import Automaton, validate_delta
from automata.deltas import UNDEFINED, validate_deltas
from automata.errors import AutomatonError, SizeLimitError
from automata.kernels import both_ends
from automata.solver import many_sets, quick, reduction, two_ended
from automata.solver.careful import (
    WordBounds,
    WordLimitReached,
    careful_bounds,
    careful_threshold,
    careful_thresholds,
    is_carefully_synchronizing,
    shortest_careful_word,
)
from automata.solver.dense import DenseSearch
from automata.solver.exact import (
    UNKNOWN,
    reset_threshold,
    reset_thresholds,
    shortest_reset_word,
)
from automata.solver.frontier import Frontier
from automata.text.formats import format_delta, parse_delta
from tests import naive
from tests.automata.examples import (
    CAREFUL_COUNTS,
    every_partial,
    p_family,
    uniform_partial,
    with_none,
)

Tables = npt.NDArray[np.uint8]


def truth(delta: Tables) -> int:
    word = naive.shortest_careful_word(with_none(delta))
    return -1 if word is None else len(word)


@pytest.mark.parametrize(("n", "k"), CAREFUL_COUNTS)
def test_all_tables_of_a_size(n: int, k: int) -> None:
    thresholds = careful_thresholds(every_partial(n, k), workers=2)
    assert Counter(thresholds.tolist()) == CAREFUL_COUNTS[n, k]


@pytest.mark.parametrize("k", [1, 2, 3, 4])
@pytest.mark.parametrize("n", [1, 2, 3, 5, 8, 9])
def test_as_in_plain_python(n: int, k: int) -> None:
    deltas = uniform_partial(320, n, k)
    words = [naive.shortest_careful_word(with_none(delta)) for delta in deltas]
    expected = [-1 if word is None else len(word) for word in words]
    assert careful_thresholds(deltas).tolist() == expected
    for delta, word in zip(deltas[::5], words[::5], strict=True):
        assert shortest_careful_word(delta) == word
        assert careful_threshold(delta) == (None if word is None else len(word))
        assert is_carefully_synchronizing(delta) == (word is not None)
        bounds = None if word is None else WordBounds(len(word), len(word), word)
        assert careful_bounds(delta) == bounds


@pytest.fixture(params=["all sets", "both ends", "both ends, reduced", "both ends, then all"])
def handed_over(request: pytest.FixtureRequest) -> Iterator[None]:
    """The quick kernels give up at once."""
    always = {"_REDUCIBLE": 1, "_PLANTING": 0.0, "_TEST": 0.0, "_MANY": 0.0}
    with ExitStack() as stack:
        stack.enter_context(mock.patch.multiple(quick, _FORWARD_BITS=1, _BOTH_ENDS_BITS=1))
        if request.param == "both ends, then all":
            midway = {"_SHARE": 8, "ALL_SETS_FIRST_MAX_STATES": 0, "LEAST_WORD_MAX_STATES": 0}
            stack.enter_context(mock.patch.multiple(many_sets, **midway))
        elif request.param != "all sets":
            stack.enter_context(mock.patch.object(many_sets, "_EXHAUSTIVE_MAX_STATES", 0))
        if request.param == "both ends, reduced":
            stack.enter_context(mock.patch.multiple(reduction, **always))
            stack.enter_context(mock.patch.object(Frontier, "can_march", lambda side: False))
        yield


@pytest.mark.usefixtures("handed_over")
@pytest.mark.parametrize(("n", "k"), [(2, 2), (5, 2), (6, 3), (9, 2), (10, 3)])
@pytest.mark.parametrize("workers", [1, 2])
def test_every_search_finds_the_same(n: int, k: int, workers: int) -> None:
    deltas = uniform_partial(80, n, k)
    expected = [truth(delta) for delta in deltas]
    assert careful_thresholds(deltas, workers=workers).tolist() == expected
    for delta, threshold in zip(deltas[::8], expected[::8], strict=True):
        word = shortest_careful_word(delta, workers=workers)
        if word is None:
            assert threshold == -1
        else:
            assert len(word) == threshold
            assert is_careful(delta, word)


def is_careful(delta: Tables, word: tuple[int, ...]) -> bool:
    states = set(range(delta.shape[1]))
    for letter in word:
        states = {int(delta[letter, q]) for q in states}
        if UNDEFINED in states:
            return False
    return len(states) == 1


@pytest.mark.parametrize("n", [40, 64, 65, 100, 128])
def test_more_states_that_are_led_where_others_are(n: int) -> None:
    rng = np.random.default_rng(n)
    small = uniform_partial(60, 7, 2)
    twins, names = np.append(np.arange(7), rng.integers(0, 7, n - 7)), rng.permutation(n)
    images = small[:, :, twins]
    large = np.empty((60, 2, n), np.uint8)
    large[:, :, names] = np.where(images == UNDEFINED, UNDEFINED, names[np.minimum(images, 6)])
    expected = [truth(delta) for delta in small]
    assert careful_thresholds(large).tolist() == expected
    for delta, own in zip(small[::3], large[::3], strict=True):
        assert shortest_careful_word(own) == naive.shortest_careful_word(with_none(delta))


@pytest.mark.parametrize(
    ("n", "c", "length"),
    [(9, 1, 72), (10, 1, 94), (11, 1, 119), (14, 2, 211), (16, 3, 288), (18, 0, 336), (18, 3, 379)],
)
def test_the_longest_words_known(n: int, c: int, length: int) -> None:
    delta = p_family(n, c)
    assert careful_threshold(delta) == length
    word = shortest_careful_word(delta)
    assert word is not None and len(word) == length and is_careful(delta, word)


@pytest.mark.parametrize("n", [17, 20, 24, 33, 64, 70, 200])
def test_complete_automata_are_their_own_case(n: int) -> None:
    deltas = np.random.default_rng(n).integers(0, n, (6, 2, n)).astype(np.uint8)
    if n > 32:
        deltas[:, 1, : n // 2] = np.arange(n // 2)[::-1] // 2
    thresholds = reset_thresholds(deltas)
    assert careful_thresholds(deltas).tolist() == thresholds.tolist()
    if n <= 24:
        words = [shortest_reset_word(delta) for delta in deltas]
        assert [shortest_careful_word(delta) for delta in deltas] == words


@pytest.mark.parametrize("n", [20, 40, 70])
def test_larger_ones_replayed_and_proved_again_under_other_names(n: int) -> None:
    rng = np.random.default_rng(n)
    deltas = rng.integers(0, n, (12, 2, n)).astype(np.uint8)
    deltas[:, 1][rng.random((12, n)) < 0.3] = UNDEFINED
    names = rng.permutation(n)
    renamed = np.full_like(deltas, UNDEFINED)
    images = np.where(deltas == UNDEFINED, UNDEFINED, names[np.minimum(deltas, n - 1)])
    renamed[:, :, names] = images
    thresholds = careful_thresholds(deltas)
    assert careful_thresholds(renamed).tolist() == thresholds.tolist()
    for delta, threshold in zip(deltas, thresholds.tolist(), strict=True):
        word = shortest_careful_word(delta)
        assert threshold == (-1 if word is None else len(word))
        assert word is None or is_careful(delta, word)


def proved_by_the_first_search(delta: Tables, bits: int) -> int:
    """How many letters the search of few sets excludes."""
    space = both_ends.working_space(delta.shape[1], len(delta), 1 << bits)
    outcome, depths = both_ends.search(delta, *space)
    assert outcome == both_ends.UNFINISHED
    return sum(depths)


def test_limits_leave_what_was_proved() -> None:
    delta = p_family(36, 3)
    bounds = careful_bounds(delta, time_limit=0.3)
    assert bounds is not None and bounds.upper is None and bounds.word is None
    assert 30 < bounds.lower < 1600
    with pytest.raises(WordLimitReached, match="out of memory: such a word has at least"):
        careful_threshold(delta, memory_limit=1_000_000)
    assert careful_thresholds([delta], memory_limit=1_000_000).tolist() == [UNKNOWN]
    with mock.patch.multiple(quick, _FORWARD_BITS=1, _BOTH_ENDS_BITS=1):
        small = careful_bounds(p_family(16, 2), memory_limit=1)
    assert small == WordBounds(proved_by_the_first_search(p_family(16, 2), 1) + 1, None, None)
    first = proved_by_the_first_search(delta, quick._BOTH_ENDS_BITS)
    for limit in ({"memory_limit": 1}, {"time_limit": 1e-9}):
        assert careful_bounds(delta, **limit) == WordBounds(first + 1, None, None)
    for limits in ({"memory_limit": 0}, {"time_limit": float("nan")}, {"workers": 0}):
        with pytest.raises(ValueError, match="0|nan"):
            careful_thresholds([delta], **limits)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(("n", "c"), [(30, 3), (40, 5), (80, 9), (200, 20)])
def test_limits_are_kept(n: int, c: int, workers: int) -> None:
    """From 6 MB on: the first search from both ends has that much for itself."""
    delta, limit = p_family(n, c), 8_000_000
    careful_bounds(delta, workers=workers, time_limit=0.05)  # compiles what is to be measured
    tracemalloc.start()
    bounds = careful_bounds(delta, workers=workers, memory_limit=limit)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert bounds is not None and bounds.upper is None and bounds.lower > n
    assert peak <= 1.2 * limit
    start = time.process_time()  # one's own: a busy machine must not fail a test
    bounds = careful_bounds(delta, workers=workers, time_limit=0.2)
    assert time.process_time() - start < workers * (0.2 + 1)
    assert bounds is not None and not bounds.exact


@pytest.mark.parametrize("workers", [2, 3])
def test_results_do_not_depend_on_workers(workers: int) -> None:
    with mock.patch.multiple(quick, _FORWARD_BITS=1, _BOTH_ENDS_BITS=1):
        for delta in (p_family(14, 2), *uniform_partial(12, 10, 3)):
            word = shortest_careful_word(delta)
            assert shortest_careful_word(delta, workers=workers) == word
            with mock.patch.object(many_sets, "_EXHAUSTIVE_MAX_STATES", 0):
                assert careful_bounds(delta, workers=workers) == careful_bounds(delta)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("1 - 3|0 1 2", "letter 0, state 2: '3' is outside 0..2"),
        ("1 -|0 1 2", "letter 1 has 3 entries, the first has 2"),
        ("1 x|0 1", "'x' is not an integer"),
        ("", "letter 0 has no entries"),
        ([[1, -1], [0, 0]], "leads to -1, outside 0..1"),
        ([[1, 254], [0, 0]], "leads to 254, outside 0..1"),
        ([[1, 0.5], [0, 0]], "integers"),
        ([1, 0], "shape"),
        ([[[1, 0]]], "shape"),
        ([[]], "an empty table"),
        ([[None, "a"]], "states are integers"),
    ],
)
def test_what_is_no_partial_automaton(table: object, message: str) -> None:
    with pytest.raises(AutomatonError, match=message) as refused:
        careful_threshold(table)  # type: ignore[arg-type]
    assert "\n" not in str(refused.value)


def test_lists_that_are_no_table_of_one_size() -> None:
    nested: list[object] = []
    nested.append(nested)
    with pytest.raises(AutomatonError, match="^not a rectangular table of states$|integers"):
        validate_deltas(nested, partial=True)
    with pytest.raises(AutomatonError, match="automaton 1 has n=3, k=1, but automaton 0 has n=2"):
        validate_deltas(["1 -", "1 - 0"], partial=True)
    assert validate_deltas(["1 -", "0 0"], partial=True).tolist() == [[[1, UNDEFINED]], [[0, 0]]]


def test_memory_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """The search through all sets gives back to the one from both ends, which goes on."""

    def no_memory(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(DenseSearch, "advance", no_memory)
    delta = p_family(12, 1)
    with mock.patch.multiple(quick, _FORWARD_BITS=1, _BOTH_ENDS_BITS=1):
        first = proved_by_the_first_search(delta, 1)
        proved = careful_bounds(delta)
        assert proved is not None and proved.word is not None
        assert proved.lower == proved.upper == careful_threshold(delta) == truth(delta)
        assert is_careful(delta, proved.word)
        with pytest.raises(WordLimitReached, match="out of memory") as reached:
            shortest_careful_word(delta)  # the least one is not known
        assert reached.value.bounds == proved
        monkeypatch.setattr(Frontier, "expand", no_memory)
        monkeypatch.setattr(Frontier, "march", no_memory)
        assert careful_bounds(delta) == WordBounds(first + 1, None, None)


def test_little_memory_is_used_by_the_search_from_both_ends() -> None:
    delta = p_family(16, 2)
    with mock.patch.multiple(quick, _FORWARD_BITS=1, _BOTH_ENDS_BITS=1):
        first = proved_by_the_first_search(delta, 1)
        lowest = first + 1
        for limit in (1, 20_000, 50_000, 200_000):
            bounds = careful_bounds(delta, memory_limit=limit)
            assert bounds is not None and lowest <= bounds.lower <= 221
            lowest = bounds.lower
    assert lowest > 2 * first


def test_levels_are_reduced_where_memory_is_scarce() -> None:
    """For n > 64 no upper bound tells when the search may end, so levels are not reduced before."""
    delta = p_family(80, 9)
    delta[1, 33], delta[0, 22] = 76, 48
    farther = careful_bounds(delta, memory_limit=8_000_000)
    with mock.patch.object(two_ended, "_SCARCE", 2.0):
        never = careful_bounds(delta, memory_limit=8_000_000)
    assert farther is not None and never is not None
    assert farther.lower > never.lower + 20


def test_too_many_states_or_letters() -> None:
    with pytest.raises(SizeLimitError, match="n=256 is over the limit of 255"):
        careful_threshold(np.zeros((1, 256), int))
    with pytest.raises(SizeLimitError, match="n=300 is over the limit of 255"):
        careful_threshold(" ".join(["0"] * 300))
    with pytest.raises(SizeLimitError, match="k=65 is over the limit of 64"):
        careful_threshold(np.zeros((65, 2), int))
    for many in ([[None] + [0] * 255], " ".join(["-"] * 256)):
        with pytest.raises(SizeLimitError, match="n=256 is over the limit of 255"):
            validate_delta(many, partial=True)
    whole = np.full((1, 256), 255)
    assert (validate_delta(whole, partial=True) == whole).all()


def test_texts_and_tables_say_the_same() -> None:
    for n, k in [(1, 1), (4, 2), (12, 3)]:
        for delta in uniform_partial(20, n, k):
            assert (parse_delta(format_delta(delta), partial=True) == delta).all()
            assert (validate_delta(with_none(delta), partial=True) == delta).all()
            assert (validate_delta(delta.astype(np.int64), partial=True) == delta).all()
            own = validate_delta(delta, partial=True)
            assert own.dtype == np.uint8 and not np.shares_memory(own, delta)


def test_an_automaton_knows_that_it_is_partial() -> None:
    partial = Automaton("1 - 0|0 1 2")
    assert partial.is_partial and partial == Automaton([[1, None, 0], [0, 1, 2]])
    assert not Automaton("1 2 0|0 1 0").is_partial
    assert not Automaton(np.full((1, 256), 255)).is_partial
    assert partial.to_text() == "1 - 0|0 1 2"
    assert pickle.loads(pickle.dumps(partial)) == partial
    assert Automaton("1 2 -|1 1 0").careful_word() == (1, 1)


@pytest.mark.parametrize(
    "table",
    [
        "1 -|0 0",
        Automaton("1 -|0 0"),
        [[1, None], [0, 0]],
        np.array([[1, 255], [0, 0]], np.uint8),
        np.array([[1, 255], [0, 0]], np.int64),
    ],
)
def test_functions_of_complete_automata_refuse_others(table: Any) -> None:
    message = "letter 0 is undefined on state 1: not complete|'-' is undefined, not complete"
    with pytest.raises(AutomatonError, match=message) as refused:
        reset_threshold(table)
    assert "\n" not in str(refused.value)
    with pytest.raises(AutomatonError, match=message):
        reset_thresholds([table])


def test_minus_one_in_a_byte_is_not_undefined() -> None:
    with pytest.raises(AutomatonError, match="leads to -1, outside"):
        validate_delta(np.array([[1, -1]], np.int8), partial=True)
