"""Scores of discovery: what is counted in which window, intervals, ratios, and the pictures."""

import math
from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automata.canonical import canonical_forms
from automata.families import FAMILIES
from automata.sizes import cerny_bound
from automata.solver.exact import reset_thresholds
from data.cells import json_rows
from data.damage import DataError
from search.discovery.step import Step, Tally
from search.discovery.tables import summary
from search.jobs.discovery_tables import DiscoveryOutcome
from search.pictures import scores as score_plots
from search.pictures.scores import plot_families, plot_gaps, plot_hits
from search.scoring.comparison import (
    COMPARISON_COLUMNS,
    MEASURES,
    RATIO_COLUMNS,
    assert_distinct,
    compact,
    compare_arms,
    ratios,
)
from search.scoring.records import RECORD_SCORES, WITHIN, compact_records, score_records
from search.scoring.running_times import running_times
from search.scoring.scores import (
    ALL,
    FAMILY_COLUMNS,
    FIRST_LOOK,
    SCORE_COLUMNS,
    Listed,
    family_rows,
    known_families,
    score_steps,
)
from tests.search.figures import check_picture, check_same_bytes, names_of

TALLIES = {"posterior": Tally(2500, 2100, 600), "prior": Tally(500, 400, 400)}


def other_forms(count, n, k=2):
    """Distinct strings that are no canonical form of a family."""
    forms = np.full((count, n * k), n - 1, np.uint8)
    forms[:, -4:] = np.arange(count)[:, None] // n ** np.arange(4) % n
    return forms


def make_step(found, n=9, k=2, calls=10_000, first_look=1_000, families=(), trace="", **facts):
    """A step of (threshold, found_at) and of (name of a family, found_at)."""
    names, members = known_families(n, k)
    thresholds = {f.name: f.reset_threshold(n) for f in FAMILIES}
    own = members[[names.index(name) for name, _ in families]]
    rows = [*found, *((thresholds[name], found_at) for name, found_at in families)]
    forms = np.concatenate([other_forms(len(found), n, k), own])
    found_at = np.array([at for _, at in rows], np.int64)
    order = np.argsort(found_at, kind="stable")
    facts = {"tallies": TALLIES | {"evolve": Tally(20_000, 18_000, calls - first_look)}} | facts
    return Step(
        n=n,
        k=k,
        calls=calls,
        first_look=first_look,
        trace=trace,
        forms=forms[order],
        thresholds=np.array([threshold for threshold, _ in rows], np.int32)[order],
        found_at=found_at[order],
        sources=np.zeros(len(rows), np.uint8),
        parents=np.full((len(rows), 2, 2), -1, np.int32),
        alpha=np.full(len(rows), np.nan),
        repaired=np.zeros(len(rows), np.int64),
        **facts,
    )


# At n = 9: the bound is 64, the top 51; 0.8, 0.7, 0.6 of the bound are 51.2, 44.8, 38.4.
FOUND = [(38, 1), (39, 2), (45, 500), (44, 501), (51, 800), (52, 1_000), (57, 1_001), (64, 9_000)]


def score_one(step, asked=1_000, **options):
    return score_steps({("c", 0): {step.n: step}}, asked, **options).set_index("window")


def test_hits_by_hand():
    table = score_one(make_step(FOUND))
    assert list(table.index) == ["100", "500", "1000", FIRST_LOOK, ALL]
    assert table["calls"].tolist() == [100, 500, 1_000, 1_000, 10_000]
    assert table["distinct_top"].tolist() == [0, 0, 2, 2, 4]
    assert table["distinct_0.8"].tolist() == [0, 0, 1, 1, 3]
    assert table["distinct_0.7"].tolist() == [0, 1, 3, 3, 5]
    assert table["distinct_0.6"].tolist() == [1, 2, 5, 5, 7]
    assert table["hits_top"].tolist() == [0, 0, 2, 2, 0.4]
    assert table["hits_0.6"].tolist() == [10, 4, 5, 5, 0.7]
    assert table["best_threshold"].tolist() == [39, 45, 52, 52, 64]
    assert table["gap"].tolist() == [25, 19, 12, 12, 0]


def test_a_look_shorter_than_its_window_is_taken_as_it_is():
    table = score_one(make_step(FOUND, first_look=800), asked=20_000)
    assert list(table.index) == ["100", "500", "1000", "5000", "20000", FIRST_LOOK, ALL]
    assert table["calls"].tolist() == [100, 500, 800, 800, 800, 800, 10_000]
    assert table["hits_top"].tolist() == [0, 0, 1.25, 1.25, 1.25, 1.25, 0.4]


def test_only_windows_that_were_asked_for():
    assert list(score_one(make_step(FOUND), asked=499).index) == ["100", FIRST_LOOK, ALL]
    assert list(score_one(make_step(FOUND), asked=5_000).index)[:4] == [
        "100",
        "500",
        "1000",
        "5000",
    ]


def test_an_arm_without_a_first_look():
    step = make_step(FOUND, first_look=0, tallies={"evolve": Tally(20_000, 16_000, 10_000)})
    table = score_one(step)
    look, whole = table.loc[FIRST_LOOK], table.loc[ALL]
    assert look["calls"] == look["distinct_0.6"] == look["families_found"] == 0
    assert look[["hits_top", "hits_0.6", "gap", "best_threshold", "duplicates"]].isna().all()
    assert whole["hits_top"] == 0.4
    assert np.isnan(whole["duplicates"])


def test_nothing_found():
    table = score_one(make_step([]))
    assert (table[["distinct_top", "hits_0.6", "families_found"]] == 0).all(axis=None)
    assert table[["gap", "best_threshold", "calls_to_families"]].isna().all(axis=None)


def test_no_hits_where_no_length_is_known():
    one = make_step([(38, 1), (52, 9)], partial=True, recorded=math.nan)
    other = make_step([(38, 1), (52, 9)], n=10, partial=True, recorded=60.0)
    scores = score_steps({("c", seed): {9: one, 10: other} for seed in (0, 1)}, 1_000)
    unknown, known = scores[scores["n"] == 9], scores[scores["n"] == 10]
    hits = [name for name in scores if name.startswith(("hits", "distinct"))]
    assert len(hits) == 8
    assert unknown[[*hits, "gap"]].isna().all(axis=None)
    assert (unknown["best_threshold"] == 52).all()
    assert known["distinct_0.8"].tolist() == [1] * 10  # 48 or more, in every window
    assert known["hits_0.8"].tolist() == [10, 2, 1, 1, 0.1] * 2
    cells = scores.to_csv(index=False).splitlines()
    assert [row.split(",")[5:13] for row in (cells[1], cells[6])] == [
        [""] * 8,
        ["0", "2", "1", "1", "0.0", "20.0", "10.0", "10.0"],
    ]
    compared = compare_arms(scores)
    ends = ("", "_low", "_high")
    rates = [name + end for name in hits if name.startswith("hits") for end in ends]
    assert compared.loc[compared["n"] == 9, rates].isna().all(axis=None)
    assert compared.loc[compared["n"] == 10, rates].notna().all(axis=None)
    columns = compact(compared)[["top per 1,000", "0.8 per 1,000"]]
    assert columns.to_numpy().tolist() == [["-", "-"], ["0 [0, 0]", "1 [1, 1]"]]
    divided = ratios(scores, "c", "c")
    assert divided.loc[divided["n"] == 9, ["arm", "baseline", "ratio"]].isna().all(axis=None)
    assert not divided["apart"].any()


def test_no_top_in_the_sizes_of_a_run_where_no_length_is_known():
    steps = {
        n: make_step([(38, 1), (52, 9)], n=n, partial=True, recorded=recorded)
        for n, recorded in ((8, 52.0), (9, math.nan))
    }
    table = summary(steps)
    columns = ["best_known", "top", "top_first_look"]
    assert table[columns].to_csv(index=False).split() == [",".join(columns), "52,1,1", ",,"]
    printed = DiscoveryOutcome(
        table, [], pd.DataFrame(), {}, pd.DataFrame(), pd.DataFrame(), "Hits."
    ).text()
    assert "NA" not in printed and "nan" not in printed.lower()
    assert printed.splitlines()[2].split()[:7] == ["9", "10000", "1000", "52", "-", "-", "-"]
    assert json_rows(table)[1]["top"] is None
    (alone,) = json_rows(summary({9: steps[9]}))
    assert (alone["best_known"], alone["top"], alone["calls"]) == (None, None, 10_000)


def test_duplicates_of_the_first_look_and_seconds_of_all():
    table = score_one(make_step(FOUND, seconds={"train": 40.0, "solve": 2.5}))
    assert table["duplicates"].fillna(-1).tolist() == [-1, -1, -1, 0.6, -1]
    without_evolution = make_step(FOUND, first_look=500)  # of 1,000 calls of its sources
    assert score_one(without_evolution)["duplicates"].isna().all()
    assert table["seconds"].fillna(-1).tolist() == [-1, -1, -1, -1, 42.5]
    costs = table.loc[ALL, ["seconds_train", "seconds_sample", "seconds_solve", "seconds_evolve"]]
    assert costs.tolist() == [40, 0, 2.5, 0]


@pytest.mark.parametrize("n", range(4, 25))
def test_known_binary_families(n):
    names, forms = known_families(n, 2)
    assert len(names) == len(forms) == len(np.unique(forms, axis=0)) == (10 if n % 2 else 7)
    members = {f.name: canonical_forms(f.delta(n)[None])[0] for f in FAMILIES if f.name in names}
    assert all(np.array_equal(members[name], form) for name, form in zip(names, forms, strict=True))


@pytest.mark.parametrize("n", range(4, 13))
def test_known_ternary_families_are_the_irreducible_ones(n):
    names, forms = known_families(n, 3)
    assert names == ("T3", "T2")
    if n < 9:
        deltas = forms.reshape(-1, n, 3).transpose(0, 2, 1)
        assert reset_thresholds(deltas).tolist() == [n * n - 3 * n + 3, n * n - 3 * n + 2]


def test_known_families_of_a_class():
    assert known_families(9, 2, ("not-permutation-letter",))[0] == ("D''", "E", "H2")
    assert known_families(9, 2, ("eulerian",))[0] == ()
    step = make_step([], n=10, families=[("E", 5), ("H2", 7), ("D''", 40), ("C", 50)])
    (row,) = (
        score_steps({("c", 0): {10: step}}, 0, classes=("not-permutation-letter",))
        .query("window == 'all'")
        .itertuples()
    )
    assert (row.families_known, row.families_found, row.calls_to_families) == (3, 3, 40)
    rows = family_rows({("c", 0): {10: step}}, ("not-permutation-letter",))
    assert {*zip(rows["family"], rows["found_at"], strict=True)} == {
        ("D''", 40),
        ("E", 5),
        ("H2", 7),
    }


def test_no_known_families():
    names, forms = known_families(7, 4)
    assert (names, forms.shape) == ((), (0, 28))
    scores = score_steps({("c", 0): {7: make_step([(36, 3)], n=7, k=4)}}, 500)
    assert (scores["families_known"] == 0).all()
    assert scores["calls_to_families"].isna().all()
    compared = compare_arms(scores)
    assert (compared["families_found"] == 0).all()
    assert compared["all_families"].isna().all()


def test_families_by_hand():
    families = [("C", 500), ("D'", 501), ("W", 1), ("D''", 1_000), ("E", 1_001), ("H", 40)]
    table = score_one(make_step([(70, 7)], n=10, families=families))
    assert (table["families_known"] == 7).all()
    assert table["families_found"].tolist() == [2, 3, 5, 5, 6]
    assert table["calls_to_families"].isna().all()
    table = score_one(make_step([], n=10, families=[*families, ("H2", 900)]))
    assert table["families_found"].tolist() == [2, 3, 6, 6, 7]
    assert table["calls_to_families"].fillna(-1).tolist() == [-1, -1, -1, -1, 1_001]
    table = score_one(make_step([], n=10, families=[*families[:4], ("E", 2), *families[5:],
                                                    ("H2", 900)]))  # fmt: skip
    assert table["calls_to_families"].fillna(-1).tolist() == [-1, -1, 1_000, 1_000, 1_000]


def test_family_rows():
    ternary = make_step([], n=6, k=3, first_look=5, families=[("T2", 5), ("T3", 6)])
    rows = family_rows({("c", 1): {6: ternary}, ("c", 0): {6: make_step([], n=6, k=3)}})
    assert list(rows.columns) == FAMILY_COLUMNS
    assert rows.fillna(-1).to_numpy().tolist() == [
        ["c", 0, 6, "T3", -1, False],
        ["c", 0, 6, "T2", -1, False],
        ["c", 1, 6, "T3", 6, False],
        ["c", 1, 6, "T2", 5, True],
    ]


def test_recall():
    step = make_step(FOUND)
    forms = np.concatenate([step.forms[step.thresholds >= 51], known_families(9, 2)[1][:1]])
    table = score_one(step, truth={9: Listed(forms, 51), 10: Listed(forms, 99)})
    assert (table["listed"] == 5).all()
    assert table["listed_found"].tolist() == [0, 0, 2, 2, 4]
    assert table["recall"].tolist() == [0, 0, 0.4, 0.4, 0.8]
    assert score_one(step)[["listed", "listed_found", "recall"]].isna().all(axis=None)


def test_recall_of_an_empty_list():
    table = score_one(make_step([(39, 1)]), truth={9: Listed(np.empty((0, 18), np.uint8), 51)})
    assert (table["listed"] == 0).all() and table["recall"].isna().all()


def test_a_list_that_contradicts_a_step():
    step = make_step(FOUND)
    top = step.forms[step.thresholds >= 51]
    with pytest.raises(DataError, match=r"n=9 from threshold 51 on lacks .* with threshold 64"):
        score_one(step, truth={9: Listed(top[:-1], 51)})
    with pytest.raises(DataError, match=r"from threshold 52 on holds .* with threshold 51"):
        score_one(step, truth={9: Listed(top, 52)})


def test_a_list_of_more_than_is_kept():
    with pytest.raises(ValueError, match="n=9 from threshold 38 on.*0.6 of 64"):
        score_one(make_step(FOUND), truth={9: Listed(other_forms(1, 9), 38)})
    step = make_step(FOUND[1:])
    assert (score_one(step, truth={9: Listed(step.forms, 39)})["listed"] == 7).all()


def test_order_of_rows():
    steps = {
        ("z", 10): {10: make_step([], n=10), 9: make_step([])},
        ("a", 0): {9: make_step([])},
        ("z", 2): {9: make_step([])},
    }
    scores = score_steps(steps, 0)
    assert list(scores.columns) == SCORE_COLUMNS
    firsts = scores.loc[scores["window"] == ALL, ["arm", "seed", "n"]].to_numpy().tolist()
    assert firsts == [["z", 2, 9], ["z", 10, 9], ["z", 10, 10], ["a", 0, 9]]
    compared = compare_arms(scores)
    assert list(compared.columns) == COMPARISON_COLUMNS
    firsts = compared.loc[compared["window"] == ALL, ["arm", "n", "seeds"]].to_numpy().tolist()
    assert firsts == [["z", 9, 2], ["z", 10, 1], ["a", 9, 1]]


def test_nothing_at_all():
    for steps in ({}, {("c", 0): {}}):
        scores = score_steps(steps, 20_000)
        assert (len(scores), list(scores.columns)) == (0, SCORE_COLUMNS)
        assert list(family_rows(steps).columns) == FAMILY_COLUMNS
        compared = compare_arms(scores)
        assert (len(compared), list(compared.columns)) == (0, COMPARISON_COLUMNS)
        assert len(compact(compared)) == 0
        assert_distinct(steps)
        with pytest.raises(ValueError, match="no arm 'c': the arms are none"):
            ratios(scores, "c", "b")


def rates(arms, n=9, **columns):
    """A table of scores: by arm, the rate of every threshold for each seed; "all" only."""
    rows = [
        {"arm": arm, "seed": seed, "n": n, "window": ALL, "calls": 100, "families_known": 7}
        | {name: rate for name in ("hits_top", "hits_0.6", "hits_0.7", "hits_0.8")}
        | {name: values[arm][seed] for name, values in columns.items()}
        for arm, by_seed in arms.items()
        for seed, rate in by_seed.items()
    ]
    return pd.DataFrame(rows).reindex(columns=SCORE_COLUMNS)


def seeds(values, start=0):
    return dict(enumerate(values, start))


def test_constant_data_has_an_interval_of_no_width():
    row = compare_arms(rates({"c": seeds([0.1] * 10)})).iloc[0]
    assert row["seeds"] == 10
    assert row["hits_top"] == row["hits_top_low"] == row["hits_top_high"] == 0.1


def test_intervals_by_hand():
    # Resamples of two seeds: 0, 2, 4 with chances 1/4, 1/2, 1/4.
    row = compare_arms(rates({"c": {5: 0.0, 7: 4.0}})).iloc[0]
    assert row[["hits_0.8", "hits_0.8_low", "hits_0.8_high"]].tolist() == [2, 0, 4]
    # Of ten seeds with a single hit, it is drawn 0 times with chance 0.35, over 3 with 0.013.
    row = compare_arms(rates({"c": seeds([10] + [0] * 9)})).iloc[0]
    assert row[["hits_0.8", "hits_0.8_low", "hits_0.8_high"]].tolist() == [1, 0, 3]


def test_intervals_agree_with_a_plain_bootstrap():
    values = np.random.default_rng(1).exponential(3, 10)
    rng = np.random.default_rng(2)
    means = [rng.choice(values, 10).mean() for _ in range(20_000)]
    row = compare_arms(rates({"c": seeds(values)})).iloc[0]
    assert row["hits_top"] == pytest.approx(values.mean())
    low, high = np.percentile(means, [2.5, 97.5])
    spread = values.std() / math.sqrt(10)
    assert row["hits_top_low"] == pytest.approx(low, abs=0.1 * spread)
    assert row["hits_top_high"] == pytest.approx(high, abs=0.1 * spread)


@given(st.lists(st.floats(0, 1000), min_size=2, max_size=6))
def test_an_interval_covers_the_mean_and_stays_in_the_range(values):
    row = compare_arms(rates({"c": seeds(values)})).iloc[0]
    ends = [min(values), row["hits_top_low"], row["hits_top"], row["hits_top_high"], max(values)]
    assert ends == sorted(ends)


def test_one_seed_has_no_interval():
    row = compare_arms(rates({"c": {3: 0.5}})).iloc[0]
    assert (row["seeds"], row["hits_top"]) == (1, 0.5)
    assert math.isnan(row["hits_top_low"]) and math.isnan(row["hits_top_high"])


def test_a_measure_that_a_seed_lacks_is_missing():
    row = compare_arms(rates({"c": seeds([1, 2, 3])}, gap={"c": [1, np.nan, 3]})).iloc[0]
    assert row[["gap", "gap_low", "gap_high"]].isna().all()
    assert row["hits_top"] == 2


def test_share_of_seeds_with_all_families():
    row = compare_arms(rates({"c": seeds([1] * 4)}, families_found={"c": [7, 7, 6, 7]})).iloc[0]
    assert (row["families_found"], row["all_families"]) == (6.75, 0.75)


def test_intervals_are_the_same_whichever_arms_there_are():
    values = {"a": seeds([1, 5, 9]), "b": seeds([2, 3, 4, 8]), "c": seeds([0, 1, 7])}
    every = compare_arms(rates(values))
    alone = compare_arms(rates({"c": values["c"]}))
    pd.testing.assert_frame_equal(every[every["arm"] == "c"].reset_index(drop=True), alone)
    ten = rates({"c": seeds([x * x for x in range(10)])})
    first, other = (compare_arms(ten, seed=seed).iloc[0] for seed in (0, 1))
    assert first["hits_top_low"] != other["hits_top_low"]


def only(scores, arm, baseline, threshold="hits_top"):
    table = ratios(scores, arm, baseline)
    assert list(table.columns) == RATIO_COLUMNS
    return table[table["threshold"] == threshold].iloc[0]


def test_ratios_are_paired_by_seed():
    row = only(rates({"c": seeds([2, 20, 6]), "b": seeds([1, 10, 3])}), "c", "b")
    assert row[["ratio", "ratio_low", "ratio_high"]].tolist() == pytest.approx([2, 2, 2])
    assert (row["seeds"], row["baseline_seeds"], row["apart"]) == (3, 3, False)
    # the same numbers from other seeds are another sample
    row = only(rates({"c": seeds([2, 20, 6]), "b": seeds([1, 10, 3], 3)}), "c", "b")
    assert row["ratio"] == pytest.approx(2)
    assert row["ratio_low"] < 1 and row["ratio_high"] > 4


def test_ratios_stand_beside_the_rates_of_the_comparison():
    scores = rates({"c": seeds([20, 21, 22, 40]), "b": seeds([1, 2, 9])})
    row = only(scores, "c", "b")
    compared = compare_arms(scores).set_index("arm")
    for name, arm in (("arm", "c"), ("baseline", "b")):
        for end in ("", "_low", "_high"):
            assert row[name + end] == compared.loc[arm, f"hits_top{end}"]
    assert row["apart"]
    assert only(scores, "b", "c")["apart"]
    assert row["ratio_low"] < row["ratio"] == 25.75 / 4 < row["ratio_high"]


def test_intervals_that_touch_are_not_apart():
    assert not only(rates({"c": seeds([2, 3]), "b": seeds([1, 2])}), "c", "b")["apart"]
    assert only(rates({"c": seeds([2.5, 3]), "b": seeds([1, 2])}), "c", "b")["apart"]


def test_ratio_to_nothing():
    row = only(rates({"c": seeds([1, 2]), "b": seeds([0, 0])}), "c", "b")
    assert row[["ratio", "ratio_low", "ratio_high"]].tolist() == [math.inf] * 3
    assert row["apart"]
    row = only(rates({"c": seeds([0, 0]), "b": seeds([0, 0])}), "c", "b")
    assert math.isnan(row["ratio"]) and not row["apart"]
    assert row[["ratio_low", "ratio_high"]].tolist() == [0, math.inf]
    row = only(rates({"c": seeds([0, 0]), "b": seeds([1, 2])}), "c", "b")
    assert row[["ratio", "ratio_low", "ratio_high"]].tolist() == [0, 0, 0]


def test_a_resample_that_says_nothing_only_widens():
    # Of four resamples one has rates 0 and 0, two 3 and 1/2, one 6 and 1.
    row = only(rates({"c": seeds([0, 6]), "b": seeds([0, 1])}), "c", "b")
    assert row[["ratio", "ratio_low", "ratio_high"]].tolist() == [6, 0, math.inf]


def test_ratio_of_one_seed():
    row = only(rates({"c": {0: 8.0}, "b": {0: 2.0}}), "c", "b")
    assert row["ratio"] == 4 and not row["apart"]
    assert row[["ratio_low", "ratio_high", "arm_low", "baseline_high"]].isna().all()


def test_ratios_of_a_rate_that_is_missing():
    row = only(rates({"c": seeds([8, 9]), "b": seeds([2, np.nan])}), "c", "b")
    assert row[["ratio", "ratio_low", "ratio_high"]].isna().all() and not row["apart"]


def test_ratios_by_size_and_window():
    scores = pd.concat(
        [rates({"c": {0: 6.0}, "b": {0: 2.0}}), rates({"c": {0: 5.0}, "b": {0: 1.0}}, n=10),
         rates({"c": {0: 5.0}}, n=11)]
    )  # fmt: skip
    table = ratios(scores, "c", "b")
    assert [*zip(table["n"], table["threshold"], table["ratio"], strict=True)] == [
        (n, name, ratio)
        for n, ratio in ((9, 3), (10, 5))
        for name in ("hits_top", "hits_0.6", "hits_0.7", "hits_0.8")
    ]


def test_ratios_of_unknown_arms():
    with pytest.raises(ValueError, match="no arm 'd': the arms are c, b"):
        ratios(rates({"c": {0: 1.0}, "b": {0: 1.0}}), "c", "d")


def traces(**arms):
    """By arm, a string for each seed: its letters are the traces from n = 9 on."""
    return {
        (arm, seed): {n: make_step([], n=n, trace=letter) for n, letter in enumerate(letters, 9)}
        for arm, by_seed in arms.items()
        for seed, letters in enumerate(by_seed)
    }


def test_distinct_traces():
    assert_distinct(traces(b=["pq", "rs"], c=["px", "ys"], d=["", "zz"]))
    assert_distinct(traces(b=["pq", "rs"], c=["rs", "pq"]))  # other arms of other seeds may


def test_arms_that_did_the_same():
    with pytest.raises(RuntimeError, match="'b' and 'd' of seed 1 .* n=9 to 10"):
        assert_distinct(traces(b=["pq", "rs"], c=["px", "ys"], d=["ab", "rs"]))
    with pytest.raises(RuntimeError, match="'b' and 'c' of seed 0 .* n=9 to 9"):
        assert_distinct(traces(b=["pq"], c=["p"]))


def test_seeds_that_did_the_same():
    with pytest.raises(RuntimeError, match="seeds 0 and 2 of the arm 'c'"):
        assert_distinct(traces(b=["pq", "rs"], c=["xy", "zz", "xy"]))


def test_the_table_to_print():
    found = make_step(FOUND, families=[("C", 999), ("W", 3_000)], seconds={"evolve": 2})
    none = {"first_look": 0, "tallies": {"evolve": Tally(9, 9, 9)}, "seconds": {"evolve": 2345.6}}
    steps = {
        ("c", 0): {9: found},
        ("c", 1): {9: make_step(FOUND)},
        ("evolve", 0): {9: make_step([(50, 1)], **none)},
    }
    table = compact(compare_arms(score_steps(steps, 1_000)))
    assert table.to_numpy().tolist() == [
        ["c", "9", "2", "10,000", "1,000", "2.5 [2, 3]", "1.5 [1, 2]", "0.5 / 1 / 10", "0", "1"],
        ["evolve", "9", "1", "10,000", "0", "-", "-", "- / 0 / 10", "14", "2,346"],
    ]


@cache
def many_steps(arms=13, own_seeds=2, sizes=range(9, 13)):
    """Arms each better than the one before; the first has no first look, the second no hit."""
    steps = {}
    for arm in range(arms):
        for seed in range(own_seeds):
            rng = np.random.default_rng([arm, seed])
            steps[f"ablation number {arm}", seed] = {
                n: make_step(
                    [
                        (int(share * cerny_bound(n)), int(at))
                        for share, at in zip(
                            np.minimum(1, 0.5 + rng.exponential(0.01 * arm, 50 * arm)),
                            rng.integers(1, 10_000, 50 * arm),
                            strict=True,
                        )
                    ],
                    n=n,
                    first_look=1_000 if arm else 0,
                    families=[("C", 900), ("W", 5_000), ("E", 9_000)][: rng.integers(4)],
                )
                for n in sizes
            }
    return steps


def compared(steps):
    return compare_arms(score_steps(steps, 1_000))


@cache
def many_compared(**changes):
    return compared(many_steps(**changes))


PICTURES = {
    "families": lambda stem: plot_families(many_compared(), stem),
    "families of one size": lambda stem: plot_families(
        many_compared(arms=1, own_seeds=1, sizes=(9,)), stem
    ),
    "no families": lambda stem: plot_families(compared({}), stem),
    "hits": lambda stem: plot_hits(many_compared(), stem),
    "hits of one arm": lambda stem: plot_hits(many_compared(arms=2), stem),
    "no hits": lambda stem: plot_hits(compared({}), stem),
    "gaps": lambda stem: plot_gaps(many_steps(), stem),
    "gaps of few": lambda stem: plot_gaps(many_steps(arms=4), stem, sizes=[9, 99]),
    "gaps of one": lambda stem: plot_gaps(many_steps(arms=1, own_seeds=1, sizes=(9,)), stem),
    "gaps of no call": lambda stem: plot_gaps(
        {("c", 0): {9: make_step([], calls=0, first_look=0)}}, stem
    ),
    "no gaps": lambda stem: plot_gaps({}, stem),
}


RELATIVES = {"families of one size", "hits of one arm", "gaps of few", "gaps of no call"}


@pytest.mark.parametrize("name", names_of(PICTURES, RELATIVES))
def test_both_files_are_whole_and_no_text_is_over_another(name, tmp_path, monkeypatch):
    check_picture(PICTURES[name], tmp_path, monkeypatch, score_plots)


@pytest.mark.parametrize("name", ["families of one size", "hits of one arm", "gaps of one"])
def test_same_input_same_bytes(name, tmp_path):
    first, second = (PICTURES[name](tmp_path / place) for place in ("first", "second"))
    check_same_bytes(first, second)


def drawn(plot, monkeypatch):
    """The figure that a picture saves."""
    figures = []
    monkeypatch.setattr(score_plots, "save", lambda figure, _: figures.append(figure))
    plot()
    return figures[0]


def test_what_is_zero_has_a_row_of_its_own(tmp_path, monkeypatch):
    steps = {("b", 0): {9: make_step([])}, ("c", 0): {9: make_step([(64, 5)])}}
    figure = drawn(lambda: plot_hits(compared(steps), tmp_path), monkeypatch)
    for axes in figure.axes:
        ticks = dict(zip(axes.get_yticks(), axes.get_yticklabels(), strict=True))
        (zero,) = [place for place, label in ticks.items() if label.get_text() == "0"]
        lines = {line.get_label(): line.get_ydata() for line in axes.get_lines()}
        assert lines["b"].tolist() == [zero]
        assert lines["c"].tolist() == [1]
        assert axes.get_ylim()[0] < zero < 1


def test_a_panel_says_where_no_length_is_known(tmp_path, monkeypatch):
    steps = {("c", 0): {9: make_step([(64, 5)], partial=True, recorded=math.nan)}}
    figure = drawn(lambda: plot_hits(compared(steps), tmp_path, by_record=True), monkeypatch)
    for axes in figure.axes:
        assert [text.get_text() for text in axes.texts] == ["no length is known"]


def test_gaps_against_calls(tmp_path, monkeypatch):
    steps = {("c", 0): {9: make_step([(40, 10), (60, 100), (50, 200)], calls=1_000, first_look=9)}}
    figure = drawn(lambda: plot_gaps(steps, tmp_path), monkeypatch)
    _, curve, *dots = figure.axes[0].get_lines()
    calls, gaps = curve.get_data()
    assert calls[0] == 10 and calls[-1] == 1_000
    assert gaps[calls < 100].tolist() == [24] * (calls < 100).sum()
    assert gaps[calls >= 100].tolist() == [4] * (calls >= 100).sum()
    assert not dots  # nothing was found in the first look


def test_gaps_of_too_many_sizes(tmp_path):
    with pytest.raises(ValueError, match="10 sizes are over the limit of 9"):
        plot_gaps({}, tmp_path / "gaps", sizes=range(9, 19))


def test_measures_are_columns_of_the_scores():
    assert {*MEASURES} - {*SCORE_COLUMNS} == {"all_families"}


def test_calls_and_seconds_to_the_record():
    # Eulerian, n = 9: the record is 38; 0.99, 0.98 and 0.95 of it are 37.62, 37.24 and 36.1
    found = [(36, 1), (37, 10), (38, 4_000), (37, 9_000)]
    seconds = {"train": 100.0, "sample": 20.0, "solve": 30.0, "evolve": 9.0}
    step = make_step(found, seconds=seconds)
    (row,) = score_records({("c", 0): {9: step}}, ("eulerian",)).to_dict("records")
    assert [row["record"], row["best_threshold"]] == [38, 38]
    assert [row["calls_to_record"], row["calls_to_95"]] == [4_000, 10]
    assert row["seconds_to_record"] == pytest.approx(150 + 9 * 3_000 / 9_000)
    assert row["seconds_to_95"] == pytest.approx(100 + 50 * 10 / 1_000)
    assert [row[name] for name in WITHIN] == pytest.approx([0.1, 0.1, 0.3])
    assert [*row] == RECORD_SCORES


def test_seconds_of_an_arm_without_evolution_are_those_of_all_its_calls():
    seconds, tallies = {"train": 100.0, "sample": 50.0}, {"evolve": Tally()}
    step = make_step([(38, 4_000)], seconds=seconds, tallies=tallies)  # of 10,000 calls
    (row,) = score_records({("mix", 0): {9: step}}, ("eulerian",)).to_dict("records")
    assert row["seconds_to_record"] == pytest.approx(100 + 50 * 4_000 / 10_000)


@pytest.mark.parametrize(("calls", "training"), [(20, 0), (21, 100)])
def test_a_training_after_the_record_costs_nothing(calls: int, training: int) -> None:
    seconds, tallies = {"train": 100.0, "sample": 50.0}, {"evolve": Tally()}
    step = make_step([(38, calls)], seconds=seconds, tallies=tallies, trained_after=20)
    (row,) = score_records({("mix-late", 0): {9: step}}, ("eulerian",)).to_dict("records")
    assert row["seconds_to_record"] == pytest.approx(training + 50 * calls / 10_000)
    assert row["seconds"] == 150


def test_records_that_are_not_reached_or_not_known():
    step = make_step([(36, 1)])
    (row,) = score_records({("c", 0): {9: step}}, ("eulerian",)).to_dict("records")
    assert np.isnan([row["calls_to_record"], row["seconds_to_record"], row["calls_to_95"]]).all()
    assert row["within_5"] == 0 and row["best_threshold"] == 36
    assert len(score_records({("c", 0): {9: step}}, ("sink", "aperiodic"))) == 0
    # what is longer than the record has reached it
    (row,) = score_records({("c", 0): {9: make_step([(39, 7)])}}, ("eulerian",)).to_dict("records")
    assert row["calls_to_record"] == 7
    nothing = make_step([], calls=0, first_look=0)
    (row,) = score_records({("c", 0): {9: nothing}}).to_dict("records")
    assert row["record"] == 64 and row["best_threshold"] == -1 and np.isnan(row["within_1"])


def test_the_table_of_records_to_print():
    seconds = {"train": 8.0, "evolve": 9.0}
    steps = {
        ("mix", 0): {9: make_step([(64, 500)], seconds=seconds)},
        ("mix", 1): {9: make_step([(64, 1_500), (63, 1)], seconds=seconds)},
        ("mix", 2): {9: make_step([(61, 1)], seconds=seconds)},
        ("evolve", 0): {9: make_step([(64, 8_000)], seconds={"evolve": 9.0})},
    }
    table = compact_records(scores := score_records(steps), running_times(scores))
    assert table.to_numpy().tolist() == [
        ["mix", "9", "64", "64", "2 of 3", "1,000", "1,500", "8.25", "1", "0.133", "0.75", "2.39"],
        ["evolve", "9", "64", "64", "1 of 1", "8,000", "8,000", "7", "8,000", "0.1", "1", "1"],
    ]
    alone = {("mix", 0): steps["mix", 0]}
    table = compact_records(scores := score_records(alone), running_times(scores))
    assert [*table][-1] == "within 5 % per 1,000"  # no arm to divide by
