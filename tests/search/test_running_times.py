"""Expected running times: seeds that fail cost, and ratios are to the best unlearned arm."""

import numpy as np
import pandas as pd
import pytest

from search.scoring.running_times import RUNNING_TIMES, running_times

NEVER = np.nan


def scores(**calls: list[float]) -> pd.DataFrame:
    """Scores at n = 9 with 1,000 calls and 10 seconds a seed, from calls until the record by arm.

    A second passes in a hundred calls, and an arm that learns has trained for five before.
    """
    rows = [
        {
            **{"arm": arm, "seed": seed, "n": 9, "record": 38, "calls": 1000, "seconds": 10.0},
            "calls_to_record": until,
            "seconds_to_record": until / 100 + 5 * (arm in ("mix", "vae")),
        }
        for arm, seeds in calls.items()
        for seed, until in enumerate(seeds)
    ]
    return pd.DataFrame(rows)


def rows_of(table: pd.DataFrame) -> dict[str, dict[str, object]]:
    return {row["arm"]: row for row in table.to_dict("records")}


def test_all_that_was_spent_is_divided_by_the_seeds_that_reached_it():
    table = running_times(scores(insertion=[100, 300, NEVER]))
    (row,) = table.to_dict("records")
    assert [*table.columns] == RUNNING_TIMES
    assert [row["seeds"], row["reached"], row["record"]] == [3, 2, 38]
    assert row["calls_time"] == (100 + 300 + 1000) / 2
    assert row["seconds_time"] == (1 + 3 + 10) / 2
    assert row["calls_low"] == 100 and row["calls_high"] == np.inf  # one resample in 27 has none


def test_the_best_unlearned_arm_may_be_another_one_by_seconds():
    own = scores(mix=[10, 30], vae=[1, 1], insertion=[40, 60], stretch=[200, 200])
    own.loc[own["arm"] == "stretch", "seconds_to_record"] = 0.01
    rows = rows_of(running_times(own))
    assert {row["calls_baseline"] for row in rows.values()} == {"insertion"}
    assert {row["seconds_baseline"] for row in rows.values()} == {"stretch"}
    assert rows["mix"]["calls_ratio"] == 20 / 50
    assert rows["mix"]["seconds_ratio"] == pytest.approx((5.1 + 5.3) / 0.02)
    assert rows["insertion"]["calls_ratio"] == 1
    assert [rows["insertion"][f"calls_ratio_{end}"] for end in ("low", "high")] == [1, 1]
    # seeds are resampled together: 10/40, 40/100 or 30/60
    assert [rows["mix"][f"calls_ratio_{end}"] for end in ("low", "high")] == [0.25, 0.5]


def test_other_seeds_are_resampled_alone():
    own = scores(mix=[10, 30], insertion=[40, 60])
    own.loc[own["arm"] == "mix", "seed"] += 5
    row = rows_of(running_times(own))["mix"]
    assert row["calls_ratio"] == 20 / 50
    assert [row["calls_ratio_low"], row["calls_ratio_high"]] == [10 / 60, 30 / 40]


def test_where_no_unlearned_arm_reaches_the_record():
    rows = rows_of(running_times(scores(mix=[10, 30], insertion=[NEVER, NEVER])))
    assert rows["mix"]["calls_ratio"] == 0 and np.isnan(rows["mix"]["calls_ratio_low"])
    assert rows["insertion"]["calls_time"] == np.inf and np.isnan(rows["insertion"]["calls_ratio"])
    assert {row["calls_baseline"] for row in rows.values()} == {""}


def test_resamples_without_the_record_widen_the_interval() -> None:
    row = rows_of(running_times(scores(mix=[10, NEVER], insertion=[20, NEVER])))["mix"]
    assert row["calls_ratio"] == 1010 / 1020
    assert [row["calls_ratio_low"], row["calls_ratio_high"]] == [0, np.inf]


def test_one_seed_has_no_interval_and_learned_arms_alone_no_ratio():
    rows = rows_of(running_times(scores(mix=[10], insertion=[20])))
    assert rows["mix"]["calls_ratio"] == 0.5
    ends = [rows["mix"][f"calls{part}_{end}"] for part in ("", "_ratio") for end in ("low", "high")]
    assert np.isnan(ends).all()
    row = rows_of(running_times(scores(mix=[10, 20], vae=[5, 5])))["mix"]
    assert row["calls_baseline"] == "" and np.isnan(row["calls_ratio"])


def test_the_order_of_arms_and_seeds_changes_nothing():
    own = scores(mix=[10, 30, 20], insertion=[40, NEVER, 2], stretch=[7, 9, NEVER])
    tables = [own, own.iloc[::-1], own.iloc[[1, 0, 2, *range(3, len(own))]]]
    one, *others = (rows_of(running_times(table)) for table in tables)
    for other in others:
        for arm in one:
            pd.testing.assert_series_equal(pd.Series(one[arm]), pd.Series(other[arm]))
