"""Predictions are compared with what happened after them, never with what came before."""

from __future__ import annotations

import polars as pl
import pytest

from portrait_assets.schema.table import Table
from portrait_assets.stages.features.contract import CUSTOMER_MONTH
from portrait_assets.stages.targets.declared.outcome import HORIZONS
from portrait_assets.stages.targets.declared.outcomes import outcome
from portrait_assets.stages.validation.backtests.backtest import backtest
from portrait_assets.stages.validation.backtests.claims import Claim
from portrait_assets.stages.validation.backtests.measures import FEWEST
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.testing.worlds.shop import SHOP_MONTHS
from portrait_assets_tests.validation.small_world import renew_targets

pytestmark = pytest.mark.slow  # They need a whole run.

LAST, BEFORE = SHOP_MONTHS[-1], SHOP_MONTHS[-2]
CLAIM = Claim("recency_band", outcome("silence"), ("longer", "quarter", "month", "week"))
HALF = "(hash(customer_id) % 2 = 0)"


def auc_of_last_month(
    warehouse: Warehouse, matrix: Table, after: str, claim: Claim = CLAIM
) -> pl.DataFrame:
    """AUC rows of the last month, where half is predicted silent and `after` decides who buys.

    Each customer is copied 200 times, so that there are enough to judge.
    """
    con = warehouse.con
    for table, key in (("tags.portrait_matrix", "as_of"), ("features.customer_month", "month")):
        con.execute(f"CREATE OR REPLACE TEMP TABLE many AS SELECT * FROM {table}, range(10) r(i)")
        con.execute(f"DELETE FROM {table}")
        con.execute(
            f"INSERT INTO {table} BY NAME SELECT * EXCLUDE (i) "
            f"REPLACE (customer_id || '-' || i AS customer_id) FROM many ORDER BY {key}"
        )
    con.execute(
        "UPDATE tags.portrait_matrix SET recency_band = "
        f"CASE WHEN {HALF} THEN 'longer' ELSE 'week' END"
    )
    con.execute(f"UPDATE features.customer_month SET purchases = 1 WHERE month <> '{LAST}'")
    con.execute(
        f"UPDATE features.customer_month SET purchases = ({after})::INTEGER WHERE month = '{LAST}'"
    )
    renew_targets(warehouse, SHOP_MONTHS)
    return backtest(warehouse, matrix, [LAST], [claim])[0].filter(pl.col("metric") == "auc")


@pytest.mark.parametrize(
    ("after", "verdict"),
    [
        (f"NOT {HALF}", "pass"),
        (HALF, "fail"),
        ("hash(customer_id || 'x') % 2 = 0", "warn"),
    ],
    ids=["as predicted", "the other way round", "by chance"],
)
def test_a_claim_is_judged_by_what_came_true(
    warehouse: Warehouse, matrix: Table, after: str, verdict: str
):
    one_month = auc_of_last_month(warehouse, matrix, after).filter(pl.col("horizon_months") == 1)
    verdicts = one_month["verdict"].to_list()
    # By chance the interval may lie on either side, but the tag never passes surely.
    assert verdicts == [verdict] or (verdict == "warn" and verdicts == ["fail"])


def test_a_handful_of_hits_is_not_judged(warehouse: Warehouse, matrix: Table):
    found = backtest(warehouse, matrix, SHOP_MONTHS)[0]
    few = found.filter((pl.col("hits") < FEWEST) | (pl.col("customers") - pl.col("hits") < FEWEST))
    assert few.height > 0
    assert few["verdict"].unique().to_list() == ["not judged"]


def test_predictions_are_older_than_the_outcomes_that_judge_them(
    warehouse: Warehouse, matrix: Table
):
    found, buckets, _ = backtest(warehouse, matrix, SHOP_MONTHS)
    for frame in (found, buckets):
        predicted = frame["said_as_of"].dt.offset_by("1mo").dt.month_end()
        assert (predicted <= frame["as_of"]).all()
    gap = (found["as_of"].dt.month() - found["said_as_of"].dt.month()).cast(pl.Int64)
    assert gap.equals(found["horizon_months"], check_names=False)
    assert set(found["horizon_months"]) == set(HORIZONS)


def test_later_months_change_no_earlier_backtest(warehouse: Warehouse, matrix: Table):
    before = backtest(warehouse, matrix, [BEFORE])
    later = warehouse.read(CUSTOMER_MONTH, [LAST]).with_columns(purchases=pl.lit(99, pl.Int64))
    warehouse.write(CUSTOMER_MONTH, [LAST], later)
    renew_targets(warehouse, SHOP_MONTHS)
    after = backtest(warehouse, matrix, [BEFORE])
    assert all(one.equals(two) for one, two in zip(before, after, strict=True))


def test_months_together_are_judged_as_months_alone(warehouse: Warehouse, matrix: Table):
    together = backtest(warehouse, matrix, SHOP_MONTHS)
    alone = [backtest(warehouse, matrix, [month]) for month in SHOP_MONTHS]
    for position in (0, 1):
        one_by_one = pl.concat([each[position] for each in alone])
        assert together[position].equals(one_by_one)


def test_the_first_month_and_a_missing_tag_are_not_tested(warehouse: Warehouse, matrix: Table):
    assert backtest(warehouse, matrix, SHOP_MONTHS[:1])[0].is_empty()
    unknown = Claim("no_such_tag", outcome("silence"), ("yes", "no"))
    assert backtest(warehouse, matrix, SHOP_MONTHS, [unknown])[0].is_empty()


def test_buckets_hold_everyone_and_catch_all_hits(warehouse: Warehouse, matrix: Table):
    found, buckets, _ = backtest(warehouse, matrix, [LAST])
    keys = ["test", "horizon_months"]
    sums = buckets.group_by(keys).agg(
        pl.col("customers", "hits").sum(), pl.col("gain").max().alias("gain")
    )
    joined = found.filter(pl.col("metric") == "auc").join(sums, on=keys, suffix="_sum")
    assert joined.height > 5
    assert joined["customers"].equals(joined["customers_sum"], check_names=False)
    assert joined["hits"].equals(joined["hits_sum"], check_names=False)
    assert joined.filter(pl.col("hits") > 0)["gain"].round(5).unique().to_list() == [1.0]
