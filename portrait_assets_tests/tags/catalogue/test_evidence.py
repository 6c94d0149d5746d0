"""A tag has a value only where the source gives what its rule reads."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from portrait_assets.methods.expressions.expression import parse
from portrait_assets.schema.table import Column, Table, Type
from portrait_assets.stages.features.contract import FEATURE_MATRIX
from portrait_assets.stages.features.given import EVIDENCE
from portrait_assets.stages.predictions.lifecycle.contract import LIFECYCLE_STAGE
from portrait_assets.stages.tags.catalogue.inputs.evidence import (
    needs_of,
    possible,
    without_evidence,
)
from portrait_assets.stages.tags.catalogue.listing import catalogue_rows
from portrait_assets.stages.tags.catalogue.load import load_catalogue
from portrait_assets.stages.tags.catalogue.tag import Catalogue
from portrait_assets.stages.tags.evaluation.evaluate import evaluate
from portrait_assets.stages.tags.evaluation.steps import batches
from portrait_assets.testing.worlds.tags import touched_by, write_catalogue

JUNE = date(2017, 6, 30)
EVERYTHING = frozenset(each.name for each in EVIDENCE)
T, F, N = True, False, None
COLUMNS = {
    "x": Column("x", Type.INTEGER, "x", "x"),
    "y": Column("y", Type.INTEGER, "y", "y"),
    "flag": Column("flag", Type.BOOLEAN, "flag", "flag"),
}


def without(*tables: str) -> frozenset[str]:
    """What a source gives that lacks these tables, or columns, and has all others."""
    return frozenset(
        name for name in EVERYTHING if not any(name.split(":")[0].startswith(t) for t in tables)
    )


@pytest.mark.parametrize(
    ("rule", "gives"),
    [
        ("x > 1", {N}),
        ("y > 1", {T, F, N}),
        ("x > 1 AND y > 1", {F, N}),
        ("x > 1 OR y > 1", {T, N}),
        ("NOT (x > 1 AND y > 1)", {T, N}),
        ("x IS NULL", {T}),
        ("x IS NOT NULL", {F}),
        ("y IS NULL", {T, F}),
        ("coalesce(x > 1, false)", {F}),
        ("coalesce(x, y) > 1", {T, F, N}),
        ("coalesce(x > 1, false) OR flag", {T, F, N}),
        ("rank_share(x) >= 0.8", {N}),
        ("x IN (1, 2)", {N}),
        ("x BETWEEN 1 AND y", {N}),
        ("nullif(x, 0) / y > 1", {N}),
        ("nullif(true, flag)", {T, N}),
        ("least(x, 10) > 1", {N}),
        ("x IS NOT DISTINCT FROM y", {T, F}),
        ("CASE WHEN x > 1 THEN true ELSE false END", {F}),
        ("CASE WHEN y > 1 THEN x > 1 WHEN y > 0 THEN true END", {T, N}),
        ("CASE WHEN x > 1 THEN true END", {N}),
        ("CASE WHEN x IS NULL THEN false ELSE y > 1 END", {F}),
        ("true", {T}),
    ],
)
def test_what_a_rule_can_still_give_where_x_is_null(rule: str, gives: set[bool | None]):
    assert possible(parse(rule, COLUMNS), {"x"}) == gives


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue()


def lacking(catalogue: Catalogue, given: frozenset[str]) -> dict[str, list[str]]:
    return without_evidence(catalogue.active("2017-06"), given, catalogue.predicted)


DEALS = '      - {value: deals, en: Deals, zh: 优惠, when: "discount_depth_12m > 0"}\n'
VISITS = '      - {value: visits, en: Visits, zh: 到访, when: "purchases_12m > 5"}\n'


@pytest.mark.parametrize("values", [DEALS + VISITS, VISITS + DEALS], ids=["first", "last"])
@pytest.mark.parametrize(("many", "lacks"), [(True, False), (False, True)])
def test_one_value_left_tells_apart_where_a_customer_can_have_several(
    tmp_path: Path, many: bool, lacks: bool, values: str
):
    tag = f"  - code: likes\n    many: {str(many).lower()}\n    values:\n{values}"
    catalogue = load_catalogue(write_catalogue(tmp_path, tag))
    assert lacking(catalogue, EVERYTHING) == {}
    assert ("likes" in lacking(catalogue, without("transactions.discount_amount"))) == lacks


def test_a_source_that_gives_everything_leaves_no_tag_without(catalogue: Catalogue):
    assert lacking(catalogue, EVERYTHING) == {}
    assert without_evidence(catalogue.active("2017-06"), None) == {}


def test_a_bank_without_transactions_has_no_tag_of_purchases(catalogue: Catalogue):
    found = lacking(catalogue, without("transactions"))
    assert {
        *("lapse_risk", "value_tier", "purchase_probability_30d", "expected_spend_30d"),
        *("lifecycle_stage", "rfm_class", "next_action", "save_first", "history_enough"),
        *(
            "spend_decile",
            "top_customer",
            "cross_sell",
            "purchase_times",
            "suitable_offers",
            "digital_migration",
        ),
    } <= found.keys()
    assert found["lapse_risk"] == ["transactions"]
    assert not found.keys() & {"balance_level", "past_due", "tenure_stage", "contact_pressure"}


def test_without_discounts_no_tag_of_discounts_has_a_value(catalogue: Catalogue):
    found = lacking(catalogue, without("transactions.discount_amount"))
    assert found.keys() == {
        *("price_sensitivity", "deal_depth", "deal_hunter", "full_price_buyer"),
        *("premium_leaning", "discount_spared"),
    }
    assert set(map(tuple, found.values())) == {("transactions.discount_amount",)}


def test_a_source_without_campaigns_still_has_a_next_action(catalogue: Catalogue):
    found = lacking(catalogue, without("contacts", "responses", "campaigns"))
    assert {
        "campaign_response",
        "save_first",
        "contact_allowed",
        "response_recency",
    } <= found.keys()
    assert found["save_first"] == ["contacts", "responses"]
    assert "next_action" not in found


def test_dates_only_leave_the_weekend_but_no_hours(catalogue: Catalogue):
    given = EVERYTHING - {"transactions.occurred_at: a time of day"}
    assert lacking(catalogue, given) == {}
    features = world(weekend_spend_share_12m=[0.5, 0.1], evening_spend_share_12m=[None, None])
    found = evaluate(catalogue, features, None, None, JUNE, given).portrait_matrix
    assert [sorted(each) for each in found["purchase_times"]] == [["weekend"], ["weekday"]]


def test_what_is_asked_of_records_is_unknown_where_none_are_kept(catalogue: Catalogue):
    assert "profile_known" in lacking(catalogue, without("customers"))
    only_bands = lacking(
        catalogue, without("customers.age", "customers.birth_date") | {"customers.age_band"}
    )
    assert not only_bands.keys() & {"profile_known", "generation"}


def world(**columns: list[object]) -> pl.DataFrame:
    """Features of customers a, b, ...; what is not given is null."""
    height = len(next(iter(columns.values())))
    rows: dict[str, list[object]] = {n: [None] * height for n in FEATURE_MATRIX.column_names}
    rows |= {"as_of": [JUNE] * height, "customer_id": [*"abcdef"[:height]], **columns}
    return pl.DataFrame(rows, schema=FEATURE_MATRIX.polars_schema, strict=False)


def test_a_tag_without_evidence_is_null_for_everyone_also_where_its_rule_gives_no(
    catalogue: Catalogue,
):
    """Nobody is 'not to be saved first' where it is not known who answers coupons."""
    given = without("contacts", "responses", "campaigns")
    features = world(
        spend_12m=[9, 1, 0],
        purchases_12m=[3, 2, 0],
        recency_days=[300, 40, 90],
        tenure_days=[400, 400, 400],
    )
    blind = evaluate(catalogue, features, None, None, JUNE).portrait_matrix
    assert blind["save_first"].to_list() == [None, False, False]
    found = evaluate(catalogue, features, None, None, JUNE, given)
    assert found.portrait_matrix["save_first"].to_list() == [None, None, None]
    assert found.portrait_matrix["value_tier"].null_count() == 0
    assert "save_first" not in found.tag_table["tag_code"].unique().to_list()


def test_no_value_is_kept_of_a_tag_without_evidence(tmp_path: Path):
    tags = """\
  - code: depth
    on_missing: keep_last
    valid_months: 6
    values:
      - {value: some, en: Some, zh: 有, when: "discount_depth_12m > 0"}
      - {value: none, en: None, zh: 无, when: "discount_depth_12m = 0"}
"""
    catalogue = load_catalogue(write_catalogue(tmp_path, tags))
    may = world(discount_depth_12m=[0.2]).with_columns(as_of=date(2017, 5, 31))
    before = evaluate(catalogue, may, None, None, date(2017, 5, 31)).tag_table
    june = world(discount_depth_12m=[None])
    assert evaluate(catalogue, june, None, before, JUNE).portrait_matrix["depth"][0] == "some"
    given = without("transactions.discount_amount")
    found = evaluate(catalogue, june, None, before, JUNE, given).portrait_matrix
    assert found["depth"].to_list() == [None]


def test_months_of_different_evidence_are_evaluated_apart(catalogue: Catalogue):
    months = ["2017-01", "2017-02", "2017-03"]
    given = {"2017-01": without("contacts"), "2017-02": EVERYTHING, "2017-03": EVERYTHING}
    assert list(batches(catalogue, months, {}, 100, given)) == [months[:1], months[1:]]


def test_the_catalogue_states_what_a_tag_needs_and_what_it_lacks(catalogue: Catalogue):
    given = without("contacts", "responses", "campaigns")
    rows = catalogue_rows(catalogue, JUNE, given)
    found = {row["tag_code"]: row for row in rows.iter_rows(named=True)}
    assert found["price_sensitivity"]["needs"] == [
        *("transactions", "transactions.discount_amount")
    ]
    assert found["price_sensitivity"]["lacks"] is None
    assert found["campaign_response"]["lacks"] == ["contacts", "responses"]
    assert "customers.joined_on or transactions" in needs_of(catalogue.tags)["win_back"]


# -- where the data begin ------------------------------------------------------------------


def staged(stages: Sequence[str]) -> dict[Table, pl.DataFrame]:
    """Customers a, b, ... in these stages of the life cycle."""
    rows = [
        {"as_of": JUNE, "customer_id": customer, "stage": stage, "basis": "gaps"}
        for customer, stage in zip("abcdef", stages, strict=False)
    ]
    return {LIFECYCLE_STAGE: pl.DataFrame(rows, schema=LIFECYCLE_STAGE.polars_schema)}


def tags_of(
    catalogue: Catalogue, stages: Sequence[str] = (), **columns: list[object]
) -> dict[str, list[object]]:
    features = world(**columns)
    read = [*columns, "lifecycle", "lifecycle_since"] if stages else columns
    rows = evaluate(
        touched_by(catalogue, read),
        features,
        None,
        None,
        JUNE,
        EVERYTHING,
        predicted=staged(stages),
    )
    found = rows.portrait_matrix
    return {code: found[code].to_list() for code in found.columns}


def test_a_tenure_of_at_least_so_long_decides_only_what_it_can(catalogue: Catalogue):
    found = tags_of(
        catalogue,
        stages=["growth", "introduction"],
        tenure_days=[30, 30, 200, 400, 345, 345],
        tenure_is_lower_bound=[True, False, True, True, True, False],
        recency_days=[5, 5, 5, 5, 100, 5],
        spend_trend_3m=[None, 1.0, 0.5, 0.0, 0.0, 0.0],
        spend_12m=[6, 5, 4, 3, 2, 1],
        observed_months=[3, 12, 6, 12, 12, 12],
    )
    assert found["tenure_stage"] == [None, "new", None, "long_standing", None, "settled"]
    assert found["anniversary_near"] == [None, False, None, None, None, True]
    assert found["lifecycle_stage"] == ["growth", "introduction", None, None, None, None]
    assert found["next_action"][:2] == ["reward", "welcome"]


def test_it_is_not_known_who_came_back_before_the_data_began(catalogue: Catalogue):
    found = tags_of(
        catalogue,
        purchases_1m=[1, 1, 1, 0, 1, 1],
        purchases_3m=[1, 1, 1, 1, 1, 2],
        purchases_6m=[1, 1, 1, 1, 1, 2],
        tenure_days=[30, 30, 100, 30, 900, 900],
        recorded_days=[30, 30, 100, 30, 30, 30],
        tenure_is_lower_bound=[True, False, True, True, False, False],
        observed_months=[3, 12, 4, 3, 2, 2],
    )
    assert found["reactivated"] == [None, False, True, False, None, False]
    assert found["visit_trend"] == [None, "rising", None, None, None, None]


def test_a_month_is_compared_with_the_months_before_it_and_not_with_itself(catalogue: Catalogue):
    found = tags_of(
        catalogue,
        spend_1m=[90, 90, 90, 0],
        spend_12m=[90, 90, 300, 90],
        recorded_days=[31, 70, 70, 70],
    )
    assert found["month_pace"] == [None, "far_above", "usual", "far_below"]


def test_who_pays_once_in_each_month_of_the_calendar_buys_monthly(catalogue: Catalogue):
    """From 1 March to 31 August, a year and more, the month of joining; and half as often."""
    found = tags_of(catalogue, purchases_12m=[6, 12, 1, 6], recorded_days=[183, 800, 27, 800])
    assert found["purchase_frequency"] == ["monthly", "monthly", "monthly", "occasional"]


def test_rates_are_of_the_days_on_record_and_not_of_a_longer_tenure(catalogue: Catalogue):
    """Both bought ten times in the 61 days of the data; one of them joined long before."""
    found = tags_of(
        catalogue,
        purchases_6m=[10, 10],
        purchases_12m=[10, 10],
        spend_1m=[50, 50],
        spend_3m=[100, 100],
        spend_12m=[100, 100],
        average_ticket_12m=[10.0, 10.0],
        tenure_days=[900, 60],
        recorded_days=[60, 60],
        tenure_is_lower_bound=[False, False],
        observed_months=[2, 12],
    )
    assert found["usual_gap_days"] == [6.1, 6.1]
    assert found["purchase_frequency"] == ["weekly", "weekly"]
    assert found["month_pace"] == ["usual", "usual"]
    assert found["history_enough"] == [False, False]
    # 1 - ((61 + 15) / (61 + 45)) ** 10.5, as 0.0001 + 0.9998 of it; 10 * 30 * 10.5 / (61 + 15)
    assert found["purchase_probability_30d"] == [0.9695, 0.9695]
    assert found["expected_spend_30d"] == [41.45, 41.45]
