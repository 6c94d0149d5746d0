"""Products that are offered to one group are found, others are not, with rates by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from portrait_assets.core.months import last_day, month_range
from portrait_assets.schema.table import Table
from portrait_assets.stages.cleaned.contract import CLEANED
from portrait_assets.stages.features.contract import FEATURE_MATRIX
from portrait_assets.stages.identity.contract import CUSTOMER_ALIAS, IDENTITY_MAP
from portrait_assets.stages.mart.words import GROUPS, model_name
from portrait_assets.stages.offers.next_product.contract import NEXT_PRODUCT
from portrait_assets.stages.validation.contract import FAIRNESS
from portrait_assets.stages.validation.fairness.offers import ANY, offer_fairness
from portrait_assets.stages.validation.findings.fairness import fairness_findings
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.testing.steps import SmallWarehouse

CUSTOMERS = [f"c{number:03}" for number in range(240)]
BEFORE, LAST = "2024-01", "2024-04"
REFUSES = CUSTOMERS[:12]
"""They refuse profiling, are in no matrix, and all get what most have."""
BUYS = CUSTOMERS[12:]
GENDER = {who: "F" if number % 2 else "M" for number, who in enumerate(CUSTOMERS)}
REGION = {who: "east" if number % 3 else "west" for number, who in enumerate(CUSTOMERS)}


def offers_of(month: str) -> list[dict[str, Any]]:
    """A fund for women, a loan by turns whoever they are; a bond for nine, so for too few."""
    offered = [(who, "fund") for who in BUYS if GENDER[who] == "F"]
    offered += [(who, "loan") for number, who in enumerate(BUYS) if number // 6 % 2]
    offered += [(who, "bond") for who in BUYS[:9]]
    nothing = [(who, "none") for who in BUYS if who not in {each for each, _ in offered}]
    rows = [(who, product, "personal") for who, product in offered]
    rows += [(*each, "none") for each in nothing]
    rows += [(who, "fund", "generic") for who in REFUSES]
    return [
        {"as_of": last_day(month), "customer_id": who, "product_id": product, "basis": basis}
        for who, product, basis in rows
    ]


def account(who: str, product: str, months: list[str]) -> list[dict[str, Any]]:
    return [{"month": month, "customer_id": who, "product_id": product} for month in months]


WINDOW = month_range("2024-02", LAST)
TAKEN = {
    **dict.fromkeys(BUYS[:160], "fund"),
    **dict.fromkeys(BUYS[160:], "loan"),
}
BALANCES = [
    *(row for who, product in TAKEN.items() for row in account(who, product, [LAST])),
    *account(BUYS[-1], "fund", [BEFORE, LAST]),  # Had it before, and took nothing.
    *account(BUYS[-2], "fund", [BEFORE]),
]
PAYMENTS = [
    # A payment out of an account is made with it, and one that is given back bought nothing.
    *account(BUYS[-3], "fund", ["2024-03"]),
    {"month": "2024-03", "customer_id": BUYS[0], "product_id": "bond", "amount": -5},
]


def write(warehouse: Warehouse, table: Table, month: str, rows: list[dict[str, Any]]) -> None:
    table = replace(table, columns=tuple(replace(c, nullable=True) for c in table.columns))
    frame = pl.DataFrame(
        {name: [row.get(name) for row in rows] for name in table.column_names},
        schema=table.polars_schema,
        strict=False,
    )
    warehouse.write(table, [month], frame)


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    warehouse = SmallWarehouse(tmp_path_factory.mktemp("offers") / "w.duckdb", "bank", "run")
    for month in month_range(BEFORE, LAST):
        people = [
            {"as_of": last_day(month), "customer_id": who, "gender": GENDER[who]}
            | {"region": REGION[who]}
            for who in BUYS
        ]
        write(warehouse, FEATURE_MATRIX, month, people)
        for table in (CUSTOMER_ALIAS, IDENTITY_MAP):
            write(warehouse, table, month, [])
        for name, rows in (("balances", BALANCES), ("transactions", PAYMENTS)):
            write(warehouse, CLEANED[name], month, [row for row in rows if row["month"] == month])
    for month in (BEFORE, LAST):
        write(warehouse, NEXT_PRODUCT, month, offers_of(month))
    yield warehouse
    warehouse.close()


def share(people: set[str], of: set[str]) -> tuple[int, int]:
    return len(of), len(people & of)


def test_rates_are_those_counted_by_hand(warehouse: Warehouse) -> None:
    rows = offer_fairness(warehouse, LAST)
    assert rows.schema == FAIRNESS.polars_schema
    offered = {
        product: {who for who in BUYS if (who, product) in wanted}
        for product in ("fund", "loan")
        if (wanted := {(row["customer_id"], row["product_id"]) for row in offers_of(LAST)})
    }
    offered[ANY] = offered["fund"] | offered["loan"] | {*BUYS[:9]}
    of_group = {"gender": GENDER, "region": REGION}
    for row in rows.iter_rows(named=True):
        is_now = row["measure"] == "selection rate"
        took = {who for who in BUYS if row["tag_value"] in (TAKEN[who], ANY)}
        of = {
            who
            for who in (BUYS if is_now else took)
            if of_group[row["attribute"]][who] == row["level"]
        }
        expected = share(offered[row["tag_value"]], of)
        assert (row["customers"], row["selected"]) == expected, row
        assert row["low"] <= row["difference"] <= row["high"]
        assert row["said_as_of"] == last_day(LAST if is_now else BEFORE)
        assert row["outcome"] == (None if is_now else "product taken")
    assert set(rows["tag_code"]) == {"next_product"}
    assert set(rows["tag_value"]) == {ANY, "fund", "loan"}, "the bond is offered to nine"
    assert rows.height == 3 * 2 * 4, "two sexes and two regions; no age is known"


def test_what_is_offered_by_sex_differs_by_sex_alone(warehouse: Warehouse) -> None:
    rows = offer_fairness(warehouse, LAST)
    differs = rows.filter(pl.col("verdict") == "differs")
    found = {*differs.select("tag_value", "attribute").iter_rows()}
    assert found == {("fund", "gender"), (ANY, "gender")}
    (finding,) = fairness_findings(rows, {}).iter_rows(named=True)
    assert (finding["subject"], finding["verdict"]) == ("next_product", "warn")


def test_without_offers_there_are_no_rows_and_before_a_window_is_over_none_of_what_was_taken(
    warehouse: Warehouse,
) -> None:
    assert set(offer_fairness(warehouse, BEFORE)["measure"]) == {"selection rate"}
    assert offer_fairness(warehouse, "2024-02").is_empty()


def test_the_report_has_words_for_them() -> None:
    assert model_name("next_product") == ("next best product", "下一最佳产品")
    assert GROUPS[ANY] == ("any product", "任一产品")
