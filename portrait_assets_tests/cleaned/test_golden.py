"""Of several records of a customer each attribute keeps the value that its rule names."""

from __future__ import annotations

from datetime import date
from itertools import permutations

import polars as pl
import pytest

from portrait_assets.methods.typing.rules import Conventions
from portrait_assets.stages.cleaned.clean import clean
from portrait_assets.stages.cleaned.contract import GOLDEN_RECORD
from portrait_assets.stages.cleaned.golden import SURVIVORSHIP, golden_month
from portrait_assets.stages.identity.contract import IDENTITY_MAP
from portrait_assets.stages.raw.contract import CUSTOMERS
from portrait_assets_tests.cleaned.test_clean import received

OLD = {
    "month": "2024-01",
    "customer_id": "C1",
    "recorded_on": "2024-01-01",
    "joined_on": "2020-05-01",
    "full_name": "许雨涛",
    "address": "海南示例市示例路60号1103室",
    "region": "海南",
    "birth_date": "1990-01-02",
}
OTHER = {
    "month": "2024-02",
    "customer_id": "K1",
    "recorded_on": "2024-02-01",
    "joined_on": "2024-02-01",
    "full_name": "许雨滔",
    "address": "海南示例路60号",
    "region": "广东",
    "birth_date": "1990-02-01",
}
LATER = {"month": "2024-03", "customer_id": "C1", "recorded_on": "2024-03-01"}
LATER |= {"birth_date": "1990-01-02", "region": "云南"}
SAME = pl.DataFrame(
    [("2024-01", "C1", "C1"), ("2024-02", "K1", "C1")],
    schema=["month", "source_customer_id", "customer_id"],
    orient="row",
)


def golden(month: str, *rows: dict[str, str], trust: tuple[str, ...] = ("C", "K")) -> pl.DataFrame:
    records = clean(received(CUSTOMERS, list(rows)), CUSTOMERS, Conventions()).kept
    return pl.concat([GOLDEN_RECORD.empty(), *golden_month(records, SAME, month, trust)])


def test_each_attribute_keeps_the_value_that_its_rule_names():
    best = golden("2024-03", OLD, OTHER, LATER).row(0, named=True)
    assert best["customer_id"] == "C1"
    assert best["full_name"] == "许雨涛", "of the most trusted system"
    assert best["address"] == OLD["address"], "the most complete"
    assert best["region"] == "云南", "the most recent"
    assert str(best["birth_date"]) == "1990-01-02", "the most frequent"
    assert str(best["joined_on"]) == "2020-05-01", "the earliest"


def test_a_customer_is_described_again_in_the_month_of_a_new_record_or_of_a_merge():
    other = OTHER | {"month": "2024-01", "recorded_on": "2023-12-01"}
    described = {month: golden(month, OLD, other, LATER) for month in ("2024-02", "2024-03")}
    assert [frame["customer_id"].to_list() for frame in described.values()] == [["C1"], ["C1"]]
    assert [frame["region"].to_list() for frame in described.values()] == [["海南"], ["云南"]]
    assert described["2024-02"]["joined_on"].to_list() == [date(2020, 5, 1)]
    assert golden("2024-02", OLD | {"customer_id": "Z"}).is_empty(), "nothing is new of Z"


SAME_DAY = (
    {"region": "海南", "occupation": "teacher", "income_band": "low"},
    {"region": "云南", "occupation": "teacher"},
    {"region": "广东"},
)


@pytest.mark.parametrize("order", list(permutations(SAME_DAY)))
def test_of_records_of_one_day_the_one_that_states_most_is_the_most_recent(order):
    record = {"month": "2024-01", "customer_id": "C1", "recorded_on": "2024-01-01"}
    best = golden("2024-01", *(record | values for values in order)).row(0, named=True)
    assert (best["region"], best["occupation"], best["income_band"]) == ("海南", "teacher", "low")


@pytest.mark.parametrize("order", list(permutations(("a", "c", "b"))))
def test_of_records_that_state_as_much_the_one_of_greater_values_is(order):
    record = {"month": "2024-01", "customer_id": "C1", "recorded_on": "2024-01-01"}
    rows = [record | {"region": value, "occupation": "z" * (value == "b")} for value in order]
    best = golden("2024-01", *rows, record | {"region": "c", "children": "2"}).row(0, named=True)
    assert (best["region"], best["occupation"], best["children"]) == ("b", "z", "2")


def test_trust_is_the_source_s_to_give():
    best = golden("2024-02", OLD, OTHER, trust=("K", "C")).row(0, named=True)
    assert best["full_name"] == "许雨滔"


def test_every_value_names_its_origin():
    best = golden("2024-02", OLD, OTHER).row(0, named=True)
    assert "full_name: f.csv 1" in best["origins"]
    assert "region: f.csv 2" in best["origins"]
    present = [name for name in SURVIVORSHIP if best[name] is not None]
    assert [origin.split(":")[0] for origin in best["origins"]] == present


def test_a_month_has_the_customers_with_new_records_and_uses_no_later_ones():
    stranger = OLD | {"customer_id": "X"}
    assert golden("2024-02", OLD, OTHER, stranger)["customer_id"].to_list() == ["C1"]
    first = golden("2024-01", OLD, OTHER, LATER)
    assert first["region"].to_list() == ["海南"]


def test_every_attribute_has_a_rule_and_the_contract_holds():
    assert set(SURVIVORSHIP) == {c.name for c in CUSTOMERS.columns} - {"customer_id"}
    records = golden("2024-03", OLD, OTHER, LATER)
    assert records.schema == GOLDEN_RECORD.polars_schema
    assert golden("2024-04").schema == GOLDEN_RECORD.polars_schema
    assert IDENTITY_MAP.column_names[0] == "month"
