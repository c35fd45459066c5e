"""The families against their published tables, their formulas, the oracle and the solver."""

import json
from collections import Counter
from math import gcd
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automata.automaton import Automaton
from automata.canonical import canonical_forms
from automata.deltas import UNDEFINED, Deltas
from automata.errors import AutomatonError, SizeLimitError
from automata.families import FAMILIES, SINGLES, Family, wielandt, wielandt_threshold
from automata.identification import identify, known
from automata.partial_families import p_automaton, p_threshold
from automata.solver.careful import careful_thresholds
from automata.solver.exact import reset_thresholds
from tests import naive, strategies
from tests.counts import COUNTS

TRUTH = Path(__file__).parents[1] / "truth"
PUBLISHED = json.loads((TRUTH / "families.json").read_text())
SIZES = [(n, k) for n in range(1, 13) for k in (1, 2, 3)]


def by_name(family: Family) -> str:
    return family.name


def distinct(n: int, k: int) -> dict[bytes, str]:
    """The known automata without those that an earlier one has named."""
    return {canonical_forms(delta[None]).tobytes(): name for name, delta in reversed(known(n, k))}


def test_the_oracle_finds_the_published_counts() -> None:
    classes = {naive.least_form(delta): delta for delta in naive.all_automata(3, 2)}
    thresholds = Counter(map(naive.reset_threshold, classes.values()))
    published = COUNTS["binary_n3"]
    assert thresholds.pop(None) == published["non_synchronizing"]
    per_threshold = published["per_reset_threshold"]
    assert thresholds == {int(t): row["all"] for t, row in per_threshold.items()}


def test_the_oracle_agrees_with_itself() -> None:
    for delta in naive.all_automata(3, 2):
        word = naive.shortest_reset_word(delta)
        assert (word is not None) == naive.is_synchronizing(delta)
        assert (None if word is None else len(word)) == naive.reset_threshold(delta)
        assert word is None or len(naive.apply(delta, range(3), word)) == 1


@given(strategies.automata(max_n=4), st.data())
def test_the_oracle_knows_renamed_automata(delta: Deltas, data: st.DataObject) -> None:
    k, n = delta.shape
    renamed = strategies.rename(delta, *data.draw(strategies.renamings(n, k)))
    assert naive.isomorphic(delta.tolist(), renamed.tolist())
    assert naive.reset_threshold(delta.tolist()) == naive.reset_threshold(renamed.tolist())


def test_every_published_family_and_example_is_here() -> None:
    assert [family.name for family in FAMILIES] == list(PUBLISHED["families"])
    assert [single.name for single in SINGLES] == [s["name"] for s in PUBLISHED["single"]]


@pytest.mark.parametrize("family", FAMILIES, ids=by_name)
def test_published_tables(family: Family) -> None:
    published = PUBLISHED["families"][family.name]
    formula = published["reset_threshold"].replace("^", "**").replace(")(", ")*(")
    formula = formula.replace("3n", "3*n").replace("4n", "4*n")
    for n in range(4, 10):
        assert family.exists(n) == (str(n) in published["tables"])
        if family.exists(n):
            assert family.delta(n).dtype == np.uint8
            assert family.delta(n).tolist() == published["tables"][str(n)]
            assert family.reset_threshold(n) == eval(formula, {"n": n})


@pytest.mark.parametrize("single", SINGLES, ids=by_name)
def test_published_examples(single: Family) -> None:
    published = next(s for s in PUBLISHED["single"] if s["name"] == single.name)
    letters, threshold = published["letters"], published["reset_threshold"]
    n = len(letters[0])
    assert (single.k, single.reset_threshold(n)) == (len(letters), threshold)
    assert [m for m in range(1, 20) if single.exists(m)] == [n]
    assert single.delta(n).tolist() == letters
    assert naive.reset_threshold(letters) == threshold
    assert reset_thresholds(single.delta(n)[None]).tolist() == [threshold]


@pytest.mark.parametrize("family", FAMILIES, ids=by_name)
def test_formulas(family: Family) -> None:
    for n in filter(family.exists, range(1, 13)):
        delta = family.delta(n)
        assert reset_thresholds(delta[None]).tolist() == [family.reset_threshold(n)]
        if n <= 9:
            assert naive.reset_threshold(delta.tolist()) == family.reset_threshold(n)


def test_members_that_do_not_exist() -> None:
    cerny, even = FAMILIES[0], next(family for family in FAMILIES if family.name == "B")
    assert [n for n in range(6) if cerny.exists(n)] == [2, 3, 4, 5]
    with pytest.raises(AutomatonError, match="the family C has no member with n=1 states"):
        cerny.delta(1)
    with pytest.raises(AutomatonError, match="the family B has no member with n=6 states"):
        even.delta(6)
    assert [cerny.delta(n).max() for n in (256, 257)] == [255, 256]
    with pytest.raises(SizeLimitError, match="n=5001"):
        cerny.delta(5001)


def test_wielandt_type() -> None:
    for q in range(2, 13):
        for p in (p for p in range(1, q) if gcd(p, q) == 1):
            delta = wielandt(q, p)
            assert reset_thresholds(delta[None]).tolist() == [wielandt_threshold(q, p)]
            if q <= 9:
                assert naive.reset_threshold(delta.tolist()) == wielandt_threshold(q, p)


@pytest.mark.parametrize(("q", "p"), [(4, 2), (4, 4), (4, 0), (4, -1), (1, 1), (0, 0)])
def test_wielandt_type_that_does_not_exist(q: int, p: int) -> None:
    with pytest.raises(AutomatonError, match=f"q={q}, p={p}"):
        wielandt(q, p)


def test_which_known_automata_coincide() -> None:
    # W is the Wielandt-type automaton with p = n-1; at n = 2 Černý's is
    for n, k in SIZES:
        unnamed = {name for name, _ in known(n, k)} - set(distinct(n, k).values())
        expected = {f"Wielandt({n},{n - 1})"} if k == 2 and n >= 2 and n != 3 else set()
        assert unnamed == expected


@pytest.mark.parametrize("n", [4, 5, 6, 7])
def test_the_top_of_the_published_counts_is_known(n: int) -> None:
    forms = [np.frombuffer(form, np.uint8).reshape(n, 2).T for form in distinct(n, 2)]
    found = Counter(reset_thresholds(np.stack(forms)).tolist())
    for threshold, row in COUNTS[f"binary_n{n}"]["per_reset_threshold"].items():
        assert found[int(threshold)] <= row["all"]
        if int(threshold) > n * n - 3 * n + 4:
            assert found[int(threshold)] == row["all"]


@pytest.mark.parametrize(("n", "k"), SIZES)
def test_identify_renamed(n: int, k: int) -> None:
    rng = np.random.default_rng(n * k)
    renamed = [
        strategies.rename(delta, rng.permutation(n).tolist(), rng.permutation(k).tolist())
        for _, delta in known(n, k)
        for _ in range(3)
    ]
    renamed.append(np.zeros((k, n), np.uint8))
    deltas = np.stack(renamed)
    names = distinct(n, k)
    expected = [names.get(form.tobytes(), "") for form in canonical_forms(deltas)]
    assert identify(deltas) == expected
    assert "" not in expected[:-1]
    assert expected[-1] == ""


def test_identify_takes_what_the_solver_takes() -> None:
    cerny = FAMILIES[0].delta(5)
    assert identify([Automaton(cerny), Automaton(cerny[::-1])]) == ["C", "C"]
    assert identify(cerny[None].astype(np.int64)) == ["C"]
    assert identify(np.zeros((0, 2, 5), np.uint8)) == []
    assert identify(np.zeros((2, 5, 5), np.uint8)) == ["", ""]
    assert identify(wielandt(9, 2)[None]) == ["Wielandt(9,2)"]


def test_a_repeated_letter_is_another_automaton() -> None:
    cerny = FAMILIES[0].delta(5)
    assert identify(np.stack([[*cerny, cerny[0]]])) == [""]


@pytest.mark.parametrize("shape", [(1, 2, 65), (1, 7, 4)])
def test_identify_beyond_the_limits_of_canonical_forms(shape: tuple[int, int, int]) -> None:
    with pytest.raises(SizeLimitError, match="limit"):
        identify(np.zeros(shape, np.uint8))


P_LENGTHS = {
    0: (5, [15, 26, 39, 55, 73, 93, 116, 141, 168, 197, 228, 262, 298, 336]),
    1: (6, [21, 35, 52, 72, 94, 119, 146, 176, 208, 242, 279, 318, 359]),
    2: (8, [44, 65, 89, 115, 144, 176, 211, 248, 287, 329, 373]),
    3: (9, [53, 78, 106, 136, 169, 206, 246, 288, 332, 379]),
}
"""By c: the least n, and the lengths from it on, found by another program."""
LONGEST = {3: 4, 4: 9, 5: 16, 6: 26, 7: 39, 8: 55, 9: 73, 10: 94}
"""By n: the greatest threshold of binary partial automata (arXiv:1801.10436, arXiv:2108.13927)."""


def with_none(delta: Deltas) -> list[list[int | None]]:
    return [[None if q == UNDEFINED else q for q in row] for row in delta.tolist()]


def test_p_as_defined() -> None:
    none = [None, None]
    assert with_none(p_automaton(10, 1)) == [
        [1, 2, 3, 4, 5, 6, 7, 8, *none],
        [1, 1, 2, 3, 4, 5, 6, 7, 9, 0],
    ]
    assert with_none(p_automaton(14, 2)) == [
        [*range(1, 12), None, *none],
        [1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 0],
    ]
    assert with_none(p_automaton(3, 0)) == [[1, 2, None], [1, 1, 0]]
    for c in (0, 7, 252):
        delta = p_automaton(255, c)
        assert delta.dtype == np.uint8 and (delta == UNDEFINED).sum() == c + 1


def test_p_has_the_lengths_that_were_found() -> None:
    for c, (least, lengths) in P_LENGTHS.items():
        assert [p_threshold(least + i, c) for i in range(len(lengths))] == lengths
    for n in range(3, 11):
        most = max(p_threshold(n, c) for c in range(n - 2))
        assert most <= LONGEST[n] and (most == LONGEST[n]) == (n >= 6)


@pytest.mark.parametrize(
    "n", [*range(3, 17), *(pytest.param(n, marks=pytest.mark.exhaustive) for n in range(17, 25))]
)
def test_p_has_the_thresholds_of_the_formula(n: int) -> None:
    members = [p_automaton(n, c) for c in range(n - 2)]
    assert careful_thresholds(members).tolist() == [p_threshold(n, c) for c in range(n - 2)]
    if n <= 8:
        words = [naive.shortest_careful_word(with_none(delta)) for delta in members]
        assert [len(word or ()) for word in words] == [p_threshold(n, c) for c in range(n - 2)]


@pytest.mark.parametrize("function", [p_automaton, p_threshold])
def test_p_that_does_not_exist(function: object) -> None:
    for n, c in [(4, 2), (4, -1), (2, 0), (0, 0), (-5, 0)]:
        with pytest.raises(AutomatonError, match=f"0 <= c <= n - 3, got n={n}, c={c}"):
            function(n, c)  # type: ignore[operator]
    with pytest.raises(SizeLimitError, match="n=256 is over the limit of 255"):
        function(256, 0)  # type: ignore[operator]


def test_known_partial_automata_stand_apart() -> None:
    for n, k in SIZES:
        names = [name for name, _ in known(n, k, partial=True)]
        assert names == [f"P({n},{c})" for c in range(n - 2) if k == 2]
        assert not any((delta == UNDEFINED).any() for _, delta in known(n, k))
    assert known(256, 2, partial=True) == []


@pytest.mark.parametrize("n", [3, 5, 8, 12])
def test_identify_renamed_partial_automata(n: int) -> None:
    rng = np.random.default_rng(n)
    members = [*known(n, 2, partial=True), *known(n, 2)]
    renamed = [
        strategies.rename(delta, rng.permutation(n).tolist(), rng.permutation(2).tolist())
        for _, delta in members
    ]
    expected = [name for name, _ in members][: n - 2]
    assert identify(renamed)[: n - 2] == identify(renamed[: n - 2]) == expected
    assert identify(renamed)[n - 2 :] == identify(renamed[n - 2 :])  # complete ones, as ever
    changed = p_automaton(n, 0)
    changed[0, 0] = UNDEFINED
    assert identify(changed[None]) == [""] and Automaton(renamed[0]).family() == f"P({n},0)"
