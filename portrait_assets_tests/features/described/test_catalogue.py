"""The feature catalogue: a row per feature, with all that is declared of it."""

from __future__ import annotations

import polars as pl

from portrait_assets.stages.features.contract import FEATURE_MATRIX, FEATURES
from portrait_assets.stages.features.described.catalogue import CATALOGUE
from portrait_assets.storage.steps import Scope
from portrait_assets.testing.steps import run_step


def test_every_feature_is_explained():
    rows = run_step(CATALOGUE, Scope("2024-02"), {})
    assert rows["feature"].to_list() == [feature.name for feature in FEATURES]
    assert rows["as_of"].unique().to_list() == [Scope("2024-02").as_of]
    ticket = rows.row(by_predicate=pl.col("feature") == "average_ticket_12m", named=True)
    assert (ticket["name_en"], ticket["name_zh"]) == ("Average ticket", "平均单笔金额")
    assert ticket["formula"] == "amount of purchases / purchases, net of what was cancelled"
    assert (ticket["unit"], ticket["window_months"]) == ("currency of the source", 12)
    assert ticket["null_means"] == "no purchase in the window"
    assert ticket["needs"] == ["transactions.amount"]
    assert ticket["sensitivity"] == FEATURE_MATRIX.column("average_ticket_12m").sensitivity
    category = rows.row(by_predicate=pl.col("feature") == "category_lines_12m", named=True)
    assert category["needs"] == ["transactions", "transactions.category or products.category"]
    assert category["null_means"] == (
        "not known where the source lacks one of: transactions; "
        "transactions.category or products.category"
    )


def test_what_is_never_null_has_no_meaning_of_null():
    rows = run_step(CATALOGUE, Scope("2024-02"), {})
    never = {feature.name for feature in FEATURES if not feature.column.nullable}
    assert set(rows.filter(pl.col("null_means").is_null())["feature"]) == never
