"""Numbers, words, forms, masks that are not what is asked for: refused in one line."""

import json
import math
from collections.abc import Callable
from dataclasses import asdict, fields, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from automata import (
    Automaton,
    AutomatonError,
    canonical_forms,
    cerny_bound,
    from_canonical,
    reach_lengths,
    reset_bounds,
    reset_threshold,
    reset_thresholds,
    short_reset_word,
    shortest_reset_word,
    shortest_word,
    shortest_word_lengths,
    subset_thresholds,
    verify,
)
from automata.arguments import check_integer, check_number, check_positive, check_workers
from automata.burnside import count_classes
from automata.enumeration import Enumeration, enumerate_automata
from automata.evolution import Evolution, evolve
from automata.families import FAMILIES, wielandt, wielandt_threshold
from automata.identification import known
from automata.invariants import defects, ranks
from automata.letter_types import automorphisms, by_height
from automata.mutation import insert_states, mutate
from automata.numbering import random_numberings
from automata.parallel import run_parts
from automata.partial_families import p_automaton, p_threshold
from automata.proof.certify import certificate
from automata.proof.verification import verify_words
from automata.properties import class_flags, in_classes
from automata.row_index import RowIndex, hash_rows
from automata.runs import find_stretches
from automata.sampling import rank_weights, sample_synchronizing, sample_uniform
from automata.series import series_sizes, series_thresholds
from automata.solver.dense import DenseSearch
from automata.solver.exact import Words, shortest_reset_words
from automata.solver.limits import Budget
from automata.solver.ranks import are_synchronizing
from automata.stretches import Stretches, stretch
from automata.text.solve import SolveConfig, solve
from automata.text.words import as_letters, format_word, parse_word
from data.enumerate import EnumerateConfig
from data.generate import GenerateConfig
from data.streams import stream, torch_seed
from search.arms.modes import LatentConfig
from search.discovery.engine import DiscoverConfig
from search.discovery.leaps import LeapConfig
from search.discovery.learner import LearnConfig
from search.evolve import EvolveConfig
from search.run import SearchConfig
from vae.encoding import decode_tokens
from vae.model import ModelConfig
from vae.train import TrainConfig

CERNY = [[1, 2, 3, 0], [0, 1, 2, 0]]
MANY = np.array([CERNY], np.uint8)
WAYS = find_stretches([FAMILIES[0].delta(5)])


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


INTEGERS: dict[str, Callable[[Any], Any]] = {
    "n of Enumeration": lambda value: Enumeration(value, 2, at_least=9),
    "k of Enumeration": lambda value: Enumeration(4, value, at_least=9),
    "at_least of Enumeration": lambda value: Enumeration(4, 2, at_least=value),
    "index of Enumeration.run": lambda value: [*Enumeration(4, 2, at_least=9).run(value)],
    "n of enumerate_automata": lambda value: enumerate_automata(value, 2, at_least=9),
    "at_least of enumerate_automata": lambda value: enumerate_automata(4, 2, at_least=value),
    "workers of enumerate_automata": lambda value: enumerate_automata(3, 2, workers=value),
    "to_rank of shortest_word": lambda value: shortest_word(CERNY, to_rank=value),
    "workers of shortest_word": lambda value: shortest_word(CERNY, workers=value),
    "workers of shortest_word_lengths": lambda value: shortest_word_lengths(MANY, workers=value),
    "workers of reach_lengths": lambda value: reach_lengths(MANY, workers=value),
    "workers of subset_thresholds": lambda value: subset_thresholds(MANY, workers=value),
    "width of short_reset_word": lambda value: short_reset_word(CERNY, "beam", width=value),
    "workers of reset_threshold": lambda value: reset_threshold(CERNY, workers=value),
    "workers of reset_thresholds": lambda value: reset_thresholds(MANY, workers=value),
    "workers of shortest_reset_word": lambda value: shortest_reset_word(CERNY, workers=value),
    "workers of shortest_reset_words": lambda value: shortest_reset_words(MANY, workers=value),
    "workers of reset_bounds": lambda value: reset_bounds(CERNY, workers=value),
    "workers of canonical_forms": lambda value: canonical_forms(MANY, workers=value),
    "workers of are_synchronizing": lambda value: are_synchronizing(MANY, workers=value),
    "workers of class_flags": lambda value: class_flags(MANY, workers=value),
    "workers of in_classes": lambda value: in_classes(MANY, ["sink"], workers=value),
    "workers of defects": lambda value: defects(MANY, workers=value),
    "workers of ranks": lambda value: ranks(MANY, workers=value),
    "workers of random_numberings": lambda value: random_numberings(rng(), MANY, workers=value),
    "workers of DenseSearch": lambda value: DenseSearch(CERNY, workers=value),
    "workers of run_parts": lambda value: run_parts(print, 0, value),
    "workers of solve": lambda value: [*solve([], SolveConfig(), workers=value)],
    "workers of evolve": lambda value: evolve(rng(), 3, 2, Evolution(calls=9), workers=value),
    "n of evolve": lambda value: evolve(rng(), value, 2, Evolution(calls=9)),
    "k of evolve": lambda value: evolve(rng(), 3, value, Evolution(calls=9)),
    "calls of Evolution": lambda value: Evolution(calls=value),
    "archive_size of Evolution": lambda value: Evolution(archive_size=value),
    "ceiling of Evolution": lambda value: Evolution(ceiling=value),
    "batch of Evolution": lambda value: Evolution(batch=value),
    "count of sample_uniform": lambda value: sample_uniform(rng(), value, 3, 2),
    "n of sample_uniform": lambda value: sample_uniform(rng(), 3, value, 2),
    "k of sample_uniform": lambda value: sample_uniform(rng(), 3, 3, value),
    "count of sample_synchronizing": lambda value: sample_synchronizing(rng(), value, 3, 2),
    "n of sample_synchronizing": lambda value: sample_synchronizing(rng(), 3, value, 2),
    "transitions of mutate": lambda value: mutate(rng(), MANY, value),
    "states of insert_states": lambda value: insert_states(rng(), MANY, value),
    "count of rank_weights": lambda value: rank_weights(value, 1.0),
    "by of stretch": lambda value: stretch(WAYS, value),
    "modulo of series_sizes": lambda value: series_sizes(10, value, 0),
    "modulo of series_thresholds": lambda value: series_thresholds(WAYS, value, 0),
    "n of series_sizes": lambda value: series_sizes(value, 2, 0),
    "n of from_canonical": lambda value: from_canonical(canonical_forms(MANY), value, 2),
    "k of from_canonical": lambda value: from_canonical(canonical_forms(MANY), 4, value),
    "n of Family.delta": lambda value: FAMILIES[0].delta(value),
    "q of wielandt": lambda value: wielandt(value, 1),
    "p of wielandt": lambda value: wielandt(5, value),
    "n of p_automaton": lambda value: p_automaton(value, 0),
    "c of p_automaton": lambda value: p_automaton(5, value),
    "n of p_threshold": lambda value: p_threshold(value, 0),
    "c of p_threshold": lambda value: p_threshold(5, value),
    "n of known": lambda value: known(value, 2),
    "k of known": lambda value: known(4, value),
    "n of count_classes": lambda value: count_classes(value, 2),
    "k of count_classes": lambda value: count_classes(2, value),
    "width of RowIndex": RowIndex,
    "seed of stream": lambda value: stream(value, "train"),
    "seed of torch_seed": lambda value: torch_seed(value, "train"),
    "index of stream": lambda value: stream(0, "train", value),
    "n of GenerateConfig": lambda value: GenerateConfig(n=value),
    "k of GenerateConfig": lambda value: GenerateConfig(k=value),
    "count of GenerateConfig": lambda value: GenerateConfig(count=value),
    "seed of GenerateConfig": lambda value: GenerateConfig(seed=value),
    "calls of GenerateConfig": lambda value: GenerateConfig(calls=value),
    "shard-rows of GenerateConfig": lambda value: GenerateConfig(shard_rows=value),
}
ANY_SIGN = {  # negative numbers are no error, or have a message of their own
    "q of wielandt_threshold": lambda value: wielandt_threshold(value, 1),
    "residue of series_sizes": lambda value: series_sizes(10, 2, value),
    "n of cerny_bound": cerny_bound,
}
SHARES: dict[str, Callable[[Any], Any]] = {
    "softness of Evolution": lambda value: Evolution(softness=value),
    "exchanges of Evolution": lambda value: Evolution(exchanges=value),
    "least_new of Evolution": lambda value: Evolution(least_new=value),
    "softness of rank_weights": lambda value: rank_weights(3, value),
    "at_least of series_thresholds": lambda value: series_thresholds(WAYS, 1, 0, at_least=value),
    "memory_limit of reset_bounds": lambda value: reset_bounds(CERNY, memory_limit=value),
    "time_limit of reset_bounds": lambda value: reset_bounds(CERNY, time_limit=value),
    "time_limit of certificate": lambda value: certificate(CERNY, time_limit=value),
    "memory_limit of certificate": lambda value: certificate(CERNY, memory_limit=value),
    "memory_limit of Budget": lambda value: Budget(memory_limit=value),
    "time_limit of shortest_word": lambda value: shortest_word(CERNY, time_limit=value),
    "memory_limit of shortest_word_lengths": lambda value: shortest_word_lengths(
        MANY, memory_limit=value
    ),
}


def refusal(function: Callable[[Any], Any], value: Any) -> str:
    with pytest.raises(ValueError) as error:
        function(value)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 200
    return str(error.value)


@pytest.mark.parametrize("name", INTEGERS | ANY_SIGN)
def test_integers_are_integers(name: str) -> None:
    function, parameter = (INTEGERS | ANY_SIGN)[name], name.split()[0]
    for value, shown in [
        (1.5, "1.5"),
        (4.0, "4.0"),
        (np.float32(2), "2.0"),
        ("2", "'2'"),
        (math.nan, "nan"),
        (math.inf, "inf"),
        (1j, "1j"),
        (True, "True"),
        ([2], "[2]"),
        (np.array([[2, 3], [4, 5]]), "array([[2, 3], [4, 5]])"),
        (Fraction(3, 2), "3/2"),
    ]:
        assert refusal(function, value) == f"{parameter}={shown} is not an integer"


@pytest.mark.parametrize("name", INTEGERS)
def test_integers_have_limits(name: str) -> None:
    for value in (-1, -(10**9), -(2**70)):
        message = refusal(INTEGERS[name], value)
        assert name.split()[0] in message.replace("width is", "width=")
        assert str(value) in message


@pytest.mark.parametrize("name", SHARES)
def test_shares_and_limits_are_finite(name: str) -> None:
    for value in (math.nan, math.inf, -math.inf, "1", 1j, True, np.float32(math.nan), 10**400):
        parameter, _, reason = refusal(SHARES[name], value).partition("=")
        assert parameter == name.split()[0]
        assert reason.endswith(" is not a finite number")
    if "at_least" not in name:
        assert refusal(SHARES[name], -1).startswith(f"{name.split()[0]}=-1 is not ")


def test_numbers_of_every_kind_are_accepted() -> None:
    assert check_integer("n", np.int64(3), 1, 3) == check_integer("n", np.array(3)) == 3
    assert type(check_integer("n", np.uint8(3))) is int
    assert (
        check_number("share", Fraction(1, 2), 0, 1) == check_positive("s", np.float32(0.5)) == 0.5
    )
    assert check_workers(10**30) == 1024
    assert cerny_bound(np.uint8(200)) == 199**2
    limits = {"memory_limit": 1e300, "time_limit": 10**18}
    assert reset_threshold(CERNY, workers=10**9, **limits) == 9


def test_no_size_is_too_large_to_be_refused() -> None:
    for function, value in [
        (lambda value: sample_uniform(rng(), 1, value, 2), 5001),
        (lambda value: sample_uniform(rng(), 1, 2, value), 65),
        (lambda value: insert_states(rng(), MANY, value), 5000),
        (lambda value: insert_states(rng(), MANY, value), 2**16),
        (lambda value: stretch(WAYS, value), 2**16),
        (lambda value: stretch(WAYS, value), 2**64),
        (lambda value: from_canonical(canonical_forms(MANY), value, 2), 2**40),
        (lambda value: mutate(rng(), MANY, value), 9),
        (lambda value: DenseSearch(np.zeros((1, value), int)), 29),
        (lambda value: FAMILIES[0].delta(value), 2**40),
        (lambda value: Enumeration(value, 2, at_least=9), 12),
    ]:
        refusal(function, value)


CONFIGS = [
    *(GenerateConfig(), EnumerateConfig(at_least=9), TrainConfig(), ModelConfig(n=8, k=2)),
    *(SearchConfig(), LatentConfig(), EvolveConfig(), DiscoverConfig(), LearnConfig()),
    *(LeapConfig(), Evolution()),
]


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: type(config).__name__)
def test_every_field_of_every_configuration(config: Any) -> None:
    for field in fields(config):
        default = getattr(config, field.name)
        if isinstance(default, int) and not isinstance(default, bool):
            wrong: list[Any] = [1.5, "2", math.nan, [3], -(2**70)]
            if field.default is not None:
                wrong.append(None)
        elif isinstance(default, float):
            wrong = [math.nan, math.inf, -math.inf, "0.5", 1j, 10**400]
        else:
            continue
        for value in wrong:
            refusal(lambda value, name=field.name: replace(config, **{name: value}), value)


def test_configurations_hold_plain_numbers() -> None:
    config = GenerateConfig(n=np.int64(5), seed=np.uint8(3), ceiling=np.float32(0.5))
    assert config == GenerateConfig(n=5, seed=3, ceiling=0.5)
    json.dumps([asdict(config), asdict(EnumerateConfig(n=np.int8(4), at_least=np.int64(3)))])


# --- words ------------------------------------------------------------------------------------


def test_a_word_is_letters_or_text() -> None:
    for word in [
        (1, 0, 0, 0, 1, 0, 0, 0, 1),
        [1, 0, 0, 0, 1, 0, 0, 0, 1],
        "baaabaaab",
        " baaabaaab\n",
        np.str_("baaabaaab"),
        np.array([1, 0, 0, 0, 1, 0, 0, 0, 1], np.int8),
        iter("baaabaaab".translate({97: 0, 98: 1}).encode()),
    ]:
        assert verify(CERNY, word)
    assert verify(Automaton(CERNY), "baaabaaab")
    assert not verify(CERNY, "baaabaaa")
    assert not verify(CERNY, "")
    assert verify([[0]], "")
    assert not verify(CERNY, "baaabaaabc")  # a letter, but none of this automaton
    assert not verify(CERNY, (1, 0, 0, 0, 1, 0, 0, 0, 1, 2**70))
    assert not verify(CERNY, [-1])
    assert as_letters("b1da") == (27, 3, 0)
    assert format_word("b1da") == "b1da"


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("ab?", "'?' is not a letter"),
        ("a b", "' ' is not a letter"),
        ("AB", "'A' is not a letter"),
        (b"ab", "a word is text or a sequence of letters, got bytes"),
        (bytearray(b"ab"), "got bytearray"),
        (memoryview(b"ab"), "got memoryview"),
        ({0, 1}, "got set"),
        ({0: 1}, "got dict"),
        (None, "got NoneType"),
        (7, "got int"),
        (np.array(7), "got ndarray"),
        ([0, 1.0], "letter 1.0 is not an integer"),
        ([0, math.nan], "letter nan is not an integer"),
        ([0, None], "letter None is not an integer"),
        (["a", "b"], "letter 'a' is not an integer"),
        ([[0, 1]], r"letter \[0, 1\] is not an integer"),
        (np.array([0.0, 1.0]), "is not an integer"),
        (np.array([[0, 1], [1, 0]]), r"letter array\(\[0, 1\]\) is not an integer"),
    ],
)
def test_what_is_no_word_is_refused(word: Any, message: str) -> None:
    for function in (lambda word: verify(CERNY, word), format_word, as_letters):
        with pytest.raises(AutomatonError, match=message) as error:
            function(word)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", [None, 5, b"ab", ["a"], (0, 1)])
def test_only_text_is_parsed(text: Any) -> None:
    with pytest.raises(AutomatonError, match="the text of a word is a str, got "):
        parse_word(text)


def test_words_of_many() -> None:
    word = np.array([[1, 0, 0, 0, 1, 0, 0, 0, 1]], np.int8)
    for letters, lengths in [
        (word, [9]),
        (word.astype(np.uint64), np.array([9], np.uint64)),
        (word.tolist(), np.array([9], np.int8)),
    ]:
        assert verify_words(MANY, Words(letters, lengths)).tolist() == [True]
    both = Words(np.repeat(word, 2, axis=0), np.array([0, 9], np.uint8))
    assert verify_words(np.repeat(MANY, 2, axis=0), both).tolist() == [False, True]
    for letters, lengths in [
        (word.astype(float), [9]),
        (word, [9.0]),
        (word.astype(str), [9]),
        (word.astype(object), [9]),
        (word.astype(bool), [9]),
    ]:
        with pytest.raises(AutomatonError, match="^words are integers, got entries of type"):
            verify_words(MANY, Words(letters, lengths))
    with pytest.raises(ValueError, match="a word of 10 letters, over the limit of 9"):
        verify_words(MANY, Words(word, np.array([10])))


# --- forms, letters, tokens, masks ------------------------------------------------------------


def test_forms_of_every_kind() -> None:
    forms = canonical_forms(MANY)
    for taken in (forms.tolist(), forms.astype(">i8"), np.asfortranarray(forms), forms[:, ::1]):
        assert from_canonical(taken, 4, 2).tolist() == from_canonical(forms, 4, 2).tolist()
    assert from_canonical(forms[:0], 4, 2).shape == (0, 2, 4)
    for refused in (
        *(forms.astype(kind) for kind in (float, bool, object, str, complex, "M8[s]")),
        *(forms + np.uint8(4), forms[:, 1:], forms[0], forms[None], np.uint8(0)),
    ):
        with pytest.raises(AutomatonError):
            from_canonical(refused, 4, 2)


@pytest.mark.parametrize(
    "rows",
    [
        np.zeros((3, 5), np.uint8),  # wider than the index: its kernel would read past the end
        np.zeros((3, 3), np.uint8),
        np.zeros((3, 4), np.int64),
        np.zeros((3, 4)),
        np.zeros((3, 4), bool),
        np.zeros(4, np.uint8),
        np.zeros((1, 3, 4), np.uint8),
        np.uint8(0),
        None,
    ],
)
def test_rows_of_another_kind(rows: Any) -> None:
    index = RowIndex(4)
    for function in (index.add, index.find, index.add_new):
        with pytest.raises(ValueError, match=r"^rows are uint8 of shape \(rows, 4\), got "):
            function(rows)
    assert len(index) == 0
    if np.ndim(rows) != 2 or np.asarray(rows).dtype != np.uint8:
        with pytest.raises(ValueError, match=r"^rows are uint8 of shape \(rows, bytes\), got "):
            hash_rows(rows)


def test_letters_that_lead_nowhere() -> None:
    for function in (automorphisms, by_height):
        for letter in ([3, 0, 1], [-1, 0], [0.5, 0]):
            with pytest.raises(AutomatonError):
                function(np.array(letter))


def test_tokens_that_are_no_targets() -> None:
    tokens = np.array([[[1, 0], [2, 0], [0, 2]]])
    assert decode_tokens(tokens).tolist() == [[[1, 2, 0], [0, 0, 2]]]
    for refused in (tokens + 1, tokens - 1, tokens + 256, tokens + 0.5, tokens * np.nan, tokens[0]):
        with pytest.raises(AutomatonError):
            decode_tokens(refused)


def test_a_mask_is_a_mask() -> None:
    """As a bool, -1 (not synchronizing) would be true."""
    thresholds = reset_thresholds(MANY)
    for refused in (thresholds, thresholds.astype(float), np.array(["yes"]), np.array([None])):
        with pytest.raises(ValueError, match="^synchronizing has entries of type .*, not bool$"):
            class_flags(MANY, synchronizing=refused)
    with pytest.raises(ValueError, match=r"^synchronizing has shape \(2,\), not \(1,\)$"):
        class_flags(MANY, synchronizing=np.array([True, False]))
    assert (class_flags(MANY, synchronizing=thresholds >= 0) == class_flags(MANY)).all()


@pytest.mark.parametrize(
    "places",
    [
        [[[0]], [[0]], [[4]]],
        [[[0]], [[4]], [[4]]],
        [[[-1]], [[2]], [[4]]],
        [[[0]], [[2]], [[6]]],
        [[[0]], [[2]], [[5]]],
        [[[0]], [[1]], [[1]]],
        [[0], [2], [4]],
        [[[0], [0]], [[2], [2]], [[4], [4]]],
        [[[0, 1]], [[1, 2]], [[2, 4]]],
        [[[2, 0]], [[3, 1]], [[4, 2]]],
        [[[0.0]], [[2.0]], [[4.0]]],
    ],
)
def test_what_is_no_run_of_an_automaton_is_refused(places: Any) -> None:
    deltas = FAMILIES[0].delta(5)[None]
    source = np.array([0])
    with pytest.raises(AutomatonError):
        stretch(Stretches(deltas, *map(np.array, places), source), 2)
    valid = (np.array([[place]]) for place in (0, 2, 4))
    with pytest.raises(AutomatonError):
        stretch(Stretches(deltas + np.uint8(1), *valid, source), 1)


def test_automata_grow_by_whole_steps() -> None:
    ways = find_stretches(["1 0 3 2 5 4 0|0 2 1 4 3 6 5"], period=2)
    assert len(ways.deltas) > 0
    with pytest.raises(ValueError, match=r"^by=3 is not a multiple of 2$"):
        stretch(ways, 3)
    with pytest.raises(ValueError, match=r"^period=5 is not in 1..4$"):
        find_stretches(MANY, period=5)
    with pytest.raises(ValueError, match=r"^runs=0 is not in 1..2$"):
        find_stretches(MANY, runs=0)


def test_an_evolution_begins_with_as_many_thresholds() -> None:
    with pytest.raises(ValueError, match=r"^1 automata have as many thresholds, got shape \(2,\)$"):
        evolve(rng(), 4, 2, Evolution(calls=9), start=(MANY, np.array([9, 9], np.int32)))
    with pytest.raises(AutomatonError, match="thresholds are integers"):
        evolve(rng(), 4, 2, Evolution(calls=9), start=(MANY, np.array([9.0])))


def test_limits_of_solve(tmp_path: Path) -> None:
    refused = {
        "time-limit=inf is not a finite number": {"time_limit": math.inf},
        "time-limit=nan is not a finite number": {"time_limit": math.nan},
        "time-limit='1' is not a finite number": {"time_limit": "1"},
        "memory-limit=inf is not an integer": {"memory_limit": math.inf},
    }
    for message, limits in refused.items():
        with pytest.raises(ValueError, match=f"^{message}$"):
            SolveConfig(**limits)
