"""The longest words that merge sets of states: the rows of our page, and the search for them."""

import re
from pathlib import Path

import numpy as np
import pytest

from automata import longest_by_size, parse_delta, subset_thresholds
from benchmarks.subset_cycles import length, two_cycles
from benchmarks.subset_search import climb, distinct, lengths_of
from benchmarks.subsets import enumerated, longest_words
from tests import naive
from tests.automata.examples import with_none

PAGE = (Path(__file__).parents[2] / "docs" / "findings.md").read_text(encoding="utf-8")
ROWS = re.findall(
    r"^\| (\d+), (\d+) \| (\d+)[^|]*\| `([^`]+)` \| ([\d, ]+) \| `([ab]+)` \|$",
    PAGE.replace("\\|", "!"),
    re.MULTILINE,
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]} states, {row[1]}")
def test_each_row_of_the_page_is_true(row: tuple[str, ...]) -> None:
    n, size, length = map(int, row[:3])
    delta = parse_delta(row[3].replace("!", "|"), partial=True)
    states, word = [*map(int, row[4].split(", "))], ["ab".index(letter) for letter in row[5]]
    assert (delta.shape, len({*states}), len(word)) == ((2, n), size, length)
    plain = with_none(delta)
    merged = {*states}
    for letter in word:
        targets = {plain[letter][state] for state in merged}
        assert None not in targets
        merged = targets
    assert len(merged) == 1
    shortest = naive.shortest_word(plain, from_states=states)
    assert shortest is not None and len(shortest) == length


def test_the_page_has_rows() -> None:
    assert len(ROWS) > 4


@pytest.mark.parametrize(("n", "partial"), [(3, False), (4, False), (3, True)])
def test_tables_of_all_automata(n: int, partial: bool) -> None:
    best, count = longest_words(n, enumerated(n, 0, partial=partial))
    assert count == naive.count_classes(n, 2, partial=partial)
    automata = naive.all_partial_automata(n, 2) if partial else naive.all_automata(n, 2)
    expected = dict.fromkeys(best, -1)
    for delta in automata:
        words = {
            mask: naive.shortest_word(delta, from_states=[q for q in range(n) if mask >> q & 1])
            for mask in range(1, 1 << n)
        }
        resets = words[(1 << n) - 1] is not None
        for mask, word in words.items():
            place = mask.bit_count(), resets
            if place in expected and word is not None:
                expected[place] = max(expected[place], len(word))
    assert {place: found.length for place, found in best.items()} == expected


def test_a_search_reaches_the_maximum_of_a_small_size() -> None:
    best, _ = longest_words(5, enumerated(5, 0, partial=False))
    for size in (2, 3, 4):
        found = climb(np.random.default_rng(size), 5, size, 60_000)
        assert found.length == best[size, False].length
        assert lengths_of(found.deltas, size).tolist() == [found.length] * len(found.deltas)
        assert found.calls <= 60_000 and len(found.deltas) == len(distinct(found.deltas)) > 0
        for delta in found.deltas.tolist():
            assert not naive.is_synchronizing(delta)


def test_a_search_from_smaller_ones() -> None:
    smaller = climb(np.random.default_rng(0), 4, 3, 5_000).deltas
    found = climb(np.random.default_rng(1), 5, 3, 20_000, smaller)
    assert found.deltas.shape[1:] == (2, 5) and found.length >= 4


@pytest.mark.parametrize(("first", "second"), [(3, 1), (3, 2), (4, 1), (4, 3), (5, 2), (5, 3)])
def test_two_cycles(first: int, second: int) -> None:
    delta = two_cycles(first, second)
    assert not naive.is_synchronizing(delta.tolist())
    lengths = longest_by_size(subset_thresholds([delta]))[0]
    assert lengths.max() == lengths[first] == length(first, second)
    kept = [q for q in range(first) if q != -second % first]
    found = [
        naive.shortest_word(delta.tolist(), from_states=[*kept, first + 1 + q])
        for q in range(second)
    ]
    assert max(len(word) for word in found if word) <= length(first, second)


def test_two_longer_cycles() -> None:
    for first, second in ((7, 2), (7, 3), (8, 3), (9, 4), (5, 6), (8, 5)):
        longest = longest_by_size(subset_thresholds([two_cycles(first, second)]))[0]
        assert longest.max() == longest[first] == length(first, second)
