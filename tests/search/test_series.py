"""Series: automata are lengthened as plain Python does it, and families have their formulas."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations, pairwise, product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automata import canonical_forms, cerny_bound, reset_thresholds
from automata.deltas import Deltas
from automata.enumeration import enumerate_automata
from automata.errors import SizeLimitError
from automata.families import FAMILIES, wielandt
from automata.identification import identify
from automata.runs import find_stretches, least_run
from automata.sampling import sample_uniform
from automata.series import CHECKED, Quadratic, series_sizes, series_thresholds
from automata.stretches import Stretches, stretch
from automata.text.formats import parse_delta
from search.archive import series_search
from search.archive.series import SERIES_COLUMNS, SeriesFound, find_series, summarize
from search.archive.series_search import PATTERNS
from search.archive.store import Archive
from tests import naive
from tests.automata.numberings import numberings
from tests.search.archives import candidates_of
from tests.search.formulas import value
from tests.strategies import automata

Letters = list[list[int]]

EXTREMAL = [
    f for f in FAMILIES if (f.k == 2 and f.reset_threshold(20) >= 326) or f.name in ("T2", "T3")
]


def lengthened(delta: Deltas, runs: list[tuple[int, int, int]], period: int, by: int) -> Letters:
    """The automaton that `stretch` makes, state by state in plain Python; the last run first."""
    letters = delta.tolist()
    for start, cut, stop in reversed(runs):
        grown = len(letters[0]) + by
        result = []
        for letter in letters:
            row = []
            for state in range(grown):
                old = state if state < cut else state - by
                if start <= state < stop + by:
                    old = start + (state - start) % period
                target = letter[old]
                if start <= state < stop + by and letter[old + period] == target + period:
                    row.append(target + state - old)
                else:
                    row.append(target + by if target >= cut else target)
            result.append(row)
        letters = result
    return letters


def naive_stretches(delta: Deltas, period: int, runs: int) -> set[tuple[bytes, ...]]:
    """Canonical forms of all automata lengthened by two steps, and by three."""
    found = set()
    for text in numberings(delta):
        own = np.frombuffer(text, np.uint8).reshape(delta.shape)
        every = naive_runs(own.tolist(), period)
        longest = [
            (start, stop)
            for start, stop in every
            if not any(
                low <= start and stop <= high and (low, high) != (start, stop)
                for low, high in every
            )
        ]
        for chosen in combinations(sorted(longest), runs):
            if any(one[1] > other[0] for one, other in pairwise(chosen)):
                continue
            for cuts in product(*(range(start + 1, stop) for start, stop in chosen)):
                places = [
                    (start, cut, stop) for (start, stop), cut in zip(chosen, cuts, strict=True)
                ]
                found.add(
                    tuple(
                        canonical_forms([lengthened(own, places, period, period * by)]).tobytes()
                        for by in (2, 3)
                    )
                )
    return found


def naive_runs(letters: Letters, period: int) -> list[tuple[int, int]]:
    """All runs, also within longer ones."""
    n = len(letters[0])
    return [
        (start, stop)
        for start in range(n)
        for stop in range(start + least_run(period), n + 1)
        if all(
            {row[q + period] - row[q] for q in range(first, stop - period, period)}
            in ({0}, {period})
            for row in letters
            for first in range(start, min(start + period, stop - period))
        )
    ]


def places_of(ways: Stretches, row: int) -> list[tuple[int, int, int]]:
    """Start, cut and stop of each run of one automaton."""
    columns = (ways.starts[row], ways.cuts[row], ways.stops[row])
    return [*zip(*(column.tolist() for column in columns), strict=True)]


@pytest.mark.parametrize(("period", "runs"), sorted({pattern[:2] for pattern in PATTERNS}))
@given(data=st.data())
def test_stretches_are_all_that_there_are(data, period: int, runs: int) -> None:
    """Half of the automata repeat a pattern, so that they have runs."""
    delta = data.draw(automata(min_n=3, max_n=8))
    if data.draw(st.booleans()):
        n = delta.shape[1]
        at, reached = data.draw(st.integers(0, n - 1)), data.draw(st.integers(0, n - 1))
        for letter in delta:
            for q in range(at, min(reached + 1, n - period)):
                letter[q + period] = min(letter[q] + period * data.draw(st.booleans()), n - 1)
    ways = find_stretches([delta], period=period, runs=runs)
    longer = (canonical_forms(stretch(ways, by * ways.step)) for by in (2, 3))
    found = [*zip(*(map(bytes, forms) for forms in longer), strict=True)]
    assert len({*found}) == len(found)
    assert {*found} == naive_stretches(delta, period, runs)
    assert (canonical_forms(stretch(ways, 0)) == canonical_forms([delta])).all()
    for row in range(len(ways.deltas)):
        places = places_of(ways, row)
        for start, cut, stop in places:
            assert 0 <= start < cut < stop <= delta.shape[1]
            assert stop - start >= least_run(period)
        for steps in (0, 1, 3):
            expected = lengthened(ways.deltas[row], places, period, steps * period)
            longer = stretch(ways.of(np.array([row])), steps * ways.step)[0]
            assert longer.tolist() == expected


def test_many_at_once() -> None:
    deltas = sample_uniform(np.random.default_rng(0), 600, 6, 2)
    deltas[300:] = deltas[:300]
    ways = find_stretches(deltas)
    forms = canonical_forms(stretch(ways, 3))
    assert ways.sources.max() < 300
    assert {form.tobytes() for form in forms} == {
        form.tobytes() for delta in deltas[:300] for form in canonical_forms(
            stretch(find_stretches([delta]), 3))
    }  # fmt: skip
    assert (canonical_forms(stretch(ways, 0)) == canonical_forms(deltas[ways.sources])).all()


def test_nothing_to_lengthen() -> None:
    for delta in ([[0, 1], [1, 0]], [[1, 0, 3, 2], [2, 3, 0, 1]]):  # a short one; no run
        ways = find_stretches([delta])
        assert stretch(ways, 3).shape == (0, 2, len(delta[0]) + 3)
        assert series_thresholds(ways, 2, 0).shape == (0, CHECKED)
    assert len(find_stretches(np.empty((0, 2, 5), np.uint8)).deltas) == 0


@pytest.mark.parametrize(
    ("family", "n"),
    [(family, n) for family in EXTREMAL for n in (9, 10, 13) if family.exists(n)],
    ids=lambda value: getattr(value, "name", None),
)
def test_families_go_on_with_their_formulas(family, n) -> None:
    ways = find_stretches([family.delta(n)])
    every = [p for p in (0, 1) if all(map(family.exists, series_sizes(n, 2, p)))]
    following = [
        row
        for row in range(len(ways.deltas))
        if all(
            identify(stretch(ways.of(np.array([row])), series_sizes(n, 2, p)[0] - n))
            == [family.name]
            for p in every
        )
    ]
    assert len(following) == 1
    for p in every:
        (thresholds,) = series_thresholds(ways.of(np.array(following)), 2, p)
        sizes = series_sizes(n, 2, p)
        assert thresholds.tolist() == [family.reset_threshold(size) for size in sizes]
        formula = Quadratic.through(sizes[:3], thresholds[:3].tolist())
        assert all(formula(m) == family.reset_threshold(m) for m in range(100, 110))


def test_thresholds_are_the_naive_ones() -> None:
    ways = find_stretches(sample_uniform(np.random.default_rng(3), 400, 5, 2))
    broken = 0
    for modulo, residue in [(2, 0), (2, 1), (3, 2)]:
        thresholds = series_thresholds(ways, modulo, residue)
        assert (thresholds.shape, thresholds.dtype) == ((len(ways.deltas), CHECKED), np.int32)
        for column, size in enumerate(series_sizes(5, modulo, residue)[:4]):
            expected = [naive.reset_threshold(delta) for delta in stretch(ways, size - 5)]
            for row, (found, true) in enumerate(zip(thresholds[:, column], expected, strict=True)):
                before = thresholds[row, :column].tolist()
                follows = column < 3 or true == 3 * before[2] - 3 * before[1] + before[0]
                if min(before, default=0) >= 0 and true is not None and follows:
                    assert found == true
                else:
                    assert found < 0
                    broken += 1
    assert broken > 10


def test_thresholds_under_a_share_end_a_series() -> None:
    (family,) = [f for f in EXTREMAL if f.name == "H"]
    ways = find_stretches([family.delta(8)])
    ways = ways.of(np.flatnonzero(series_thresholds(ways, 2, 0)[:, -1] >= 0))
    whole = series_thresholds(ways, 2, 0)
    shares = whole[0] / [cerny_bound(n) for n in series_sizes(8, 2, 0)]
    assert len(whole) == 1 and shares[0] < shares[1]
    assert np.array_equal(series_thresholds(ways, 2, 0, at_least=shares[0]), whole)
    assert (series_thresholds(ways, 2, 0, at_least=shares[0] + 0.001) < 0).all()


@given(
    st.tuples(*[st.fractions(-9, 9, max_denominator=4)] * 3), st.integers(1, 40), st.integers(1, 3)
)
def test_quadratics(factors: tuple[Fraction, ...], first: int, step: int) -> None:
    def at(n: int) -> Fraction:
        return factors[0] * n * n + factors[1] * n + factors[2]

    sizes = [first, first + step, first + 2 * step]
    if any(at(n).denominator > 1 for n in sizes):
        factors = tuple(factor * 12 for factor in factors)
    formula = Quadratic.through(sizes, [int(at(n)) for n in sizes])
    assert formula == factors
    assert value(str(formula), first) == formula(first) == at(first)


def test_larger_formulas_compare_as_larger() -> None:
    through = [
        Quadratic.through([10, 12, 14], [f.reset_threshold(n) for n in (10, 12, 14)])
        for f in EXTREMAL
        if f.name in ("C", "D'", "W", "E", "H")
    ]
    assert through == sorted(through, reverse=True)
    assert str(through[-1]) == "n^2-4n+6"


# --- the series of an archive -------------------------------------------------------------------


@pytest.fixture(scope="module")
def rows(tmp_path_factory) -> pd.DataFrame:
    """Extremal families at some sizes, two Wielandt-type automata, and random ones."""
    chosen = {8: "C D' W H", 9: "C G B", 11: "C F"}
    path = tmp_path_factory.mktemp("archive") / "archive.sqlite"
    with Archive(path) as archive:
        for n, names in chosen.items():
            deltas = [f.delta(n) for f in FAMILIES if f.name in names.split()]
            archive.add(candidates_of(np.stack(deltas)), run="run")
        archive.add(
            candidates_of(np.stack([wielandt(11, 9), wielandt(11, 8), wielandt(11, 4)])), run="run"
        )
        archive.add(candidates_of(sample_uniform(np.random.default_rng(5), 8, 10, 2)), run="run")
        archive.add(candidates_of(FAMILIES_3), run="run")
        return archive.rows()


def residues_of(holds: str) -> list[tuple[int, int]]:
    """The residues of n, each with its modulus, for which a formula holds."""
    if holds in ("all n", "even n", "odd n"):
        return [
            (2, residue) for residue in (0, 1) if holds in ("all n", ("even n", "odd n")[residue])
        ]
    residues, modulo = holds.removeprefix("n = ").split(" mod ")
    return [(int(modulo), int(residue)) for residue in residues.split(", ")]


FAMILIES_3 = np.stack([f.delta(8) for f in EXTREMAL if f.k == 3])


@pytest.fixture(scope="module")
def found(rows) -> SeriesFound:
    return find_series(rows, at_least=0.7, prove=True)


def test_the_series_of_an_archive(found: SeriesFound) -> None:
    series = found.series
    assert [*series.columns] == SERIES_COLUMNS
    named = series[series["family"] != ""]
    formulas = named[["k", "family", "formula", "holds", "n", "sizes"]].to_numpy().tolist()
    assert formulas == [
        [2, "C", "n^2-2n+1", "all n", 8, "8 9 11"],
        [2, "D'", "n^2-3n+4", "all n", 8, "8"],
        [2, "W", "n^2-3n+3", "all n", 8, "8"],
        [2, "F", "n^2-3n+3", "odd n", 11, "11"],
        [2, "B", "n^2-3n+2", "odd n", 9, "9"],
        [2, "G", "n^2-4n+7", "odd n", 9, "9"],
        [2, "H", "n^2-4n+6", "all n", 8, "8"],
        [2, "Wielandt(n,n-2)", "n^2-4n+5", "odd n", 11, "11"],
        [2, "Wielandt(n,n-3)", "n^2-5n+7", "n = 1, 2 mod 3", 11, "11"],
        [3, "T3", "n^2-3n+3", "all n", 8, "8"],
        [3, "T2", "n^2-3n+2", "all n", 8, "8"],
    ]
    for row in series.itertuples():
        way = way_of(row)
        for modulo, residue in residues_of(row.holds):
            thresholds = series_thresholds(way, modulo, residue, at_least=0.7)[0]
            assert thresholds[-1] >= 0
            sizes = series_sizes(row.n, modulo, residue)
            assert row.formula == str(Quadratic.through(sizes[-3:], thresholds[-3:].tolist()))


def way_of(row) -> Stretches:
    """The way to lengthen of a row of the table."""
    places = ([[*map(int, text.split())]] for text in (row.start, row.cut, row.stop))
    return Stretches(
        parse_delta(row.delta)[None], *map(np.array, places), np.array([0]), row.period
    )


def members(series: pd.DataFrame, size: int) -> list[bytes]:
    """The canonical forms of the members of one size, of those series that have one."""
    found = []
    for row in series.itertuples():
        way = way_of(row)
        if size >= row.n and any(size % m == r for m, r in residues_of(row.holds)):
            found.append(canonical_forms(stretch(way, size - row.n))[0].tobytes())
    return found


HARD = "0 1 2 3 0 2|1 2 3 4 5 0"
"""Its lengthened forms, up to n = 27, take the solver half a minute."""


@pytest.fixture(
    scope="module",
    params=["easy", pytest.param("with the hard one", marks=pytest.mark.exhaustive)],
)
def many(request, tmp_path_factory) -> tuple[pd.DataFrame, SeriesFound]:
    """All automata with n = 5 and a threshold of 12 or more, lengthened ones, and random ones."""
    fives = enumerate_automata(5, 2, at_least=12).deltas
    ways = find_stretches(fives)
    rng = np.random.default_rng(1)
    with Archive(tmp_path_factory.mktemp("many") / "archive.sqlite") as archive:
        for deltas in (fives, stretch(ways, 1), stretch(ways, 2)[::3], stretch(ways, 3)[::2]):
            archive.add(candidates_of(deltas), run="run")
        archive.add(candidates_of(sample_uniform(rng, 30, 6, 2)), run="run")
        rows = archive.rows()
    hard = rows["delta"] == HARD
    assert hard.sum() == 1
    if request.param == "easy":
        rows = rows[~hard]
    return rows, find_series(rows)


def test_each_series_is_listed_once(many) -> None:
    _, (series, *_) = many
    assert len({*series["holds"]}) > 3
    for modulo in (2, 3):
        own = series[[residues_of(holds)[0][0] == modulo for holds in series["holds"]]]
        for residue in range(modulo):
            sizes = [size for size in range(9, 16) if size % modulo == residue]
            found = [*zip(*(members(own, size) for size in sizes), strict=True)]
            assert len({*found}) == len(found) > 0


def test_every_automaton_is_a_member_or_in_no_series(many) -> None:
    rows, (series, sporadic, *_) = many
    forms = {
        (row.n, bytes(map(int, row.canonical.split()))): row.reset_threshold
        for row in rows.itertuples()
    }
    left = {(row.n, bytes(map(int, row.canonical.split()))) for row in sporadic.itertuples()}
    assert left < forms.keys()
    listed: dict[int, set[int]] = {}
    explained = set()
    for row in series.itertuples():
        sizes = {*map(int, row.sizes.split())}
        assert sizes
        listed[row.Index] = sizes
        for size in range(row.n, 9):
            for form in members(series.loc[[row.Index]], size):
                obeys = forms.get((size, form)) == value(row.formula, size)
                assert not obeys or size in sizes
                if obeys:
                    explained.add((size, form))
    assert explained and not left & explained
    # the others belong to a series with one more residue of n, which a larger automaton shows
    for size, _ in forms.keys() - left - explained:
        assert any(size in sizes and size < series["n"][row] for row, sizes in listed.items())


def test_a_series_that_a_smaller_one_begins_for_the_other_parity(tmp_path) -> None:
    small = np.array([[[4, 2, 2, 0, 3], [3, 3, 1, 2, 1]]], np.uint8)
    tables = []
    for name, sizes in (("both", (5, 7, 9)), ("large", (7, 9))):
        with Archive(tmp_path / name) as archive:
            for size in sizes:
                archive.add(candidates_of(stretch(find_stretches(small), size - 5)), run="run")
            tables.append(find_series(archive.rows()).series)
    both, large = ({*zip(table["formula"], table["holds"], strict=True)} for table in tables)
    assert ("n", "odd n") in large <= both | {("n", "all n")}


@pytest.mark.parametrize(("n", "fits"), [(43, True), (44, False)])
def test_the_largest(tmp_path, n: int, fits: bool) -> None:
    with Archive(tmp_path / "archive") as archive:
        archive.add(candidates_of(FAMILIES[0].delta(n)[None]), run="run")
        rows = archive.rows()
    if fits:
        (row,) = find_series(rows, at_least=1.0, prove=True).series.itertuples()
        assert (row.formula, row.holds, row.family) == ("n^2-2n+1", "all n", "C")
    else:
        with pytest.raises(SizeLimitError, match="n=44 is over the limit of 43 for series"):
            find_series(rows)


def test_lengthening_by_less_than_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="^by=-1 is not at least 0$"):
        stretch(find_stretches([FAMILIES[0].delta(5)]), -1)


def test_conditions_on_small_divisors_are_seen(tmp_path) -> None:
    """A cycle and a cycle with a chord of length 7: it synchronizes where 7 does not divide n."""
    delta = np.array([[[0, 1, 2, 3, 4, 5, 6, 7, 1], [1, 2, 3, 4, 5, 6, 7, 8, 0]]], np.uint8)
    assert reset_thresholds(delta).tolist() == [57]
    with Archive(tmp_path / "archive") as archive:
        archive.add(candidates_of(delta), run="run")
        series, *_ = find_series(archive.rows())
    assert "8n-15" not in {*series["formula"]}


def test_too_large_to_lengthen() -> None:
    assert len(find_stretches([FAMILIES[0].delta(61)]).deltas) > 0
    with pytest.raises(SizeLimitError, match="n=62 is over the limit of 61 states"):
        find_stretches([FAMILIES[0].delta(62)])
    with pytest.raises(SizeLimitError, match="k=7 is over the limit of 6 letters"):
        find_stretches(np.zeros((1, 7, 4), np.uint8))


def test_what_is_in_no_series(rows, found: SeriesFound) -> None:
    assert [*found.sporadic.columns] == [*rows.columns]
    assert {*found.sporadic["n"]} == {10, 11}  # random ones, and a Wielandt-type one far below
    assert len(found.sporadic) == (rows["n"] == 10).sum() + 1
    alone = find_series(found.sporadic, at_least=0.7)
    assert len(alone.series) == 0
    assert len(alone.sporadic) == len(found.sporadic)


def test_nothing_at_all(rows) -> None:
    empty = find_series(rows[:0])
    assert [*empty.series.columns] == SERIES_COLUMNS
    assert len(empty.series) == len(empty.sporadic) == len(summarize(empty.series)) == 0


def test_summary(found: SeriesFound) -> None:
    table = summarize(found.series)
    assert table["series"].sum() == len(found.series)
    assert table.iloc[0].tolist() == [2, "n^2-2n+1", "all n", 1, "C", 8, 11]


def test_a_threshold_that_is_not_proved(rows, monkeypatch) -> None:
    honest = series_search.series_thresholds

    def wrong(ways, modulo, residue, **options):
        thresholds = honest(ways, modulo, residue, **options)
        thresholds[thresholds[:, -1] >= 0] += 1
        return thresholds

    monkeypatch.setattr(series_search, "series_thresholds", wrong)
    with pytest.raises(RuntimeError, match="solver bug: threshold 82, but 81 is proved of 0 1 2"):
        find_series(rows[:1], prove=True)
