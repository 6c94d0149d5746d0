"""Of several records of a customer each attribute keeps the value that its rule names."""

from __future__ import annotations

from datetime import date
from itertools import permutations
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portrait_assets.methods.typing.rules import Conventions
from portrait_assets.stages.cleaned.contract import CLEANED, GOLDEN_RECORD
from portrait_assets.stages.cleaned.golden import (
    SURVIVORSHIP,
    Survives,
    golden_month,
    golden_records,
)
from portrait_assets.stages.cleaned.rows.clean import clean
from portrait_assets.stages.identity.contract import IDENTITY_MAP
from portrait_assets.stages.raw.amendments import CORRECTIONS_FILE
from portrait_assets.stages.raw.tables.persons import CUSTOMERS
from portrait_assets_tests.cleaned.rows.test_clean import received

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
    return golden_of(kept(*rows), month, trust)


def kept(*rows: dict[str, str]) -> pl.DataFrame:
    return clean(received(CUSTOMERS, list(rows)), CUSTOMERS, Conventions()).kept


def golden_of(
    records: pl.DataFrame, month: str, trust: tuple[str, ...] = ("C", "K")
) -> pl.DataFrame:
    return pl.concat([GOLDEN_RECORD.empty(), *golden_month(records, SAME, month, trust)])


def test_each_attribute_keeps_the_value_that_its_rule_names():
    best = golden("2024-03", OLD, OTHER, LATER).row(0, named=True)
    assert best["customer_id"] == "C1"
    assert best["full_name"] == "许雨涛", "of the most trusted system"
    assert best["address"] == OLD["address"], "the most complete"
    assert best["region"] == "云南", "the most recent"
    assert str(best["birth_date"]) == "1990-01-02", "the most frequent"
    assert str(best["joined_on"]) == "2020-05-01", "the earliest"


NOT_BY_RECENCY = {
    "joined_on": Survives.EARLIEST,
    "full_name": Survives.MOST_TRUSTED,
    "national_id": Survives.MOST_TRUSTED,
    "bank_card": Survives.MOST_TRUSTED,
    "address": Survives.MOST_COMPLETE,
    "birth_date": Survives.MOST_FREQUENT,
    "gender": Survives.MOST_FREQUENT,
}


def test_but_for_who_somebody_is_the_most_recent_value_survives():
    attributes = {column.name for column in CUSTOMERS.columns} - {"customer_id"}
    assert set(SURVIVORSHIP) == attributes
    recent = dict.fromkeys(attributes - NOT_BY_RECENCY.keys(), Survives.MOST_RECENT)
    assert NOT_BY_RECENCY | recent == SURVIVORSHIP


def test_a_customer_is_described_again_in_the_month_of_a_new_record_or_of_a_merge():
    other = OTHER | {"month": "2024-01", "recorded_on": "2023-12-01"}
    described = {month: golden(month, OLD, other, LATER) for month in ("2024-02", "2024-03")}
    assert [frame["customer_id"].to_list() for frame in described.values()] == [["C1"], ["C1"]]
    assert [frame["region"].to_list() for frame in described.values()] == [["海南"], ["云南"]]
    assert described["2024-02"]["joined_on"].to_list() == [date(2020, 5, 1)]
    assert golden("2024-02", OLD | {"customer_id": "Z"}).is_empty(), "nothing is new of Z"


SAME_DAY = (
    {"region": "云南", "income_band": "low", "home_ownership": "own"},
    {"region": "广东", "occupation": "teacher"},
    {"region": "海南"},
)


@pytest.mark.parametrize("order", list(permutations(SAME_DAY)))
def test_of_records_of_one_day_the_one_that_states_most_is_the_most_recent(order):
    record = {"month": "2024-01", "customer_id": "C1", "recorded_on": "2024-01-01"}
    best = golden("2024-01", *(record | values for values in order)).row(0, named=True)
    assert (best["region"], best["occupation"], best["income_band"]) == ("云南", "teacher", "low")


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


def test_a_month_describes_who_has_a_record_or_is_mapped_in_it_and_nobody_else():
    records = [OLD | {"customer_id": name} for name in ("X", "Y", "Z")]
    records += [LATER | {"customer_id": "X", "month": "2024-02"}]
    frame = clean(received(CUSTOMERS, records), CUSTOMERS, Conventions()).kept
    mapped = [("2024-01", name, name) for name in ("X", "Y", "Z")] + [("2024-03", "Y", "Z")]
    identity_map = pl.DataFrame(mapped, schema=SAME.schema, orient="row")
    months = ["2023-12", "2024-01", "2024-02", "2024-03", "2024-04"]
    for most in (None, 1):
        parts = [golden_month(frame, identity_map, month, (), most) for month in months]
        described = [[name for part in of for name in part["customer_id"]] for of in parts]
        assert described == [[], ["X", "Y", "Z"], ["X"], ["Z"], []]


_VALUES = st.sampled_from(("p", "pq", "pqr", "s", None))
_DATES = st.sampled_from((date(1990, 1, 2), date(1991, 3, 4), date(1992, 5, 6), None))
_RECORD = st.fixed_dictionaries(
    {
        "customer_id": st.sampled_from("AB"),
        "source_customer_id": st.sampled_from(("C1", "K1", "K2", "other")),
        "joined_on": _DATES,
        "birth_date": _DATES,
        **dict.fromkeys(("full_name", "address", "region", "gender"), _VALUES),
    }
)


def surviving(name: str, of: list[dict[str, Any]], trust: tuple[str, ...]) -> dict[str, Any] | None:
    """The record whose value survives, of the records of one customer, the newest first."""
    having = [record for record in of if record[name] is not None]
    systems = [*trust, ""]

    def system(record: dict[str, Any]) -> int:
        return next(n for n, s in enumerate(systems) if record["source_customer_id"].startswith(s))

    match SURVIVORSHIP[name]:
        case Survives.MOST_TRUSTED:
            return min(having, key=system, default=None)
        case Survives.EARLIEST:
            return min(having, key=lambda record: record[name], default=None)
        case Survives.MOST_FREQUENT:
            values = [record[name] for record in having]
            return max(having, key=lambda record: values.count(record[name]), default=None)
        case Survives.MOST_COMPLETE:
            newest: dict[str, dict[str, Any]] = {}
            for record in having:
                newest.setdefault(record["source_customer_id"], record)
            return max(newest.values(), key=lambda record: len(record[name]), default=None)
        case _:
            return having[0] if having else None


@settings(max_examples=12)
@given(st.lists(_RECORD, min_size=1, max_size=8), st.permutations(("C", "K", "K2")))
def test_every_attribute_survives_as_by_an_oracle(drawn, trust):
    """Records of days one after the other, so that each has a place in the order of time."""
    dated = [
        {**record, "month": "2024-01", "recorded_on": date(2024, 1, n), "source_row": n}
        for n, record in enumerate(drawn, 1)
    ]
    filled = [{"source_file": "f", **record} for record in dated]
    frame = pl.DataFrame(filled, schema=CLEANED["customers"].polars_schema)
    found = golden_records(frame.sample(fraction=1, shuffle=True, seed=1), tuple(trust))
    names = ("joined_on", "birth_date", "full_name", "address", "region", "gender", "recorded_on")
    of = {
        who: [record for record in reversed(dated) if record["customer_id"] == who]
        for who in {record["customer_id"] for record in dated}
    }
    assert found["customer_id"].to_list() == sorted(of)
    for row in found.iter_rows(named=True):
        origins = dict(origin.split(": ") for origin in row["origins"])
        for name in names:
            expected = surviving(name, of[row["customer_id"]], tuple(trust))
            assert row[name] == (expected and expected[name]), (name, trust)
            assert origins.get(name) == (expected and f"f {expected['source_row']}")


def test_every_attribute_has_a_rule_and_the_contract_holds():
    assert set(SURVIVORSHIP) == {c.name for c in CUSTOMERS.columns} - {"customer_id"}
    records = golden("2024-03", OLD, OTHER, LATER)
    assert records.schema == GOLDEN_RECORD.polars_schema
    assert golden("2024-04").schema == GOLDEN_RECORD.polars_schema
    assert IDENTITY_MAP.column_names[0] == "month"


# -- corrections -----------------------------------------------------------------------------


def corrected(month: str, day: str, row: int = 1, **values: Any) -> dict[str, Any]:
    """A line of the file of corrections, which holds one value."""
    return {
        "month": month,
        "customer_id": "C1",
        "recorded_on": day,
        "source_file": CORRECTIONS_FILE,
        "source_row": row,
        **values,
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("birth_date", "1991-05-06"),  # most frequent
        ("full_name", "许雨焘"),  # most trusted
        ("address", "海南路1号"),  # most complete
        ("joined_on", "2021-01-01"),  # earliest
        ("region", "西藏"),  # most recent
    ],
)
def test_a_correction_comes_before_every_rule_from_its_day_on(name: str, value: str):
    right = corrected("2024-03", "2024-03-20") | {name: value}
    again = OLD | {"month": "2024-04", "recorded_on": "2024-04-01"}
    uncorrected, corrected_too = kept(OLD, OTHER, LATER), kept(OLD, OTHER, LATER, right, again)
    before = golden_of(corrected_too, "2024-02")
    assert before[name].to_list() == golden_of(uncorrected, "2024-02")[name].to_list()
    found = {month: golden_of(corrected_too, month) for month in ("2024-03", "2024-04")}
    for record in found.values():
        assert record[name].cast(pl.String).to_list() == [value]
        assert f"{name}: {CORRECTIONS_FILE} 1" in record["origins"][0].to_list()
    others = sorted(set(SURVIVORSHIP) - {name, "recorded_on"})
    plain = golden_of(uncorrected, "2024-03")
    assert found["2024-03"].select(others).equals(plain.select(others))


def test_a_later_value_that_was_not_known_holds_and_a_second_correction_overrules_the_first():
    wrong = corrected("2024-03", "2024-03-20", region="西藏")
    moved = LATER | {"month": "2024-04", "recorded_on": "2024-04-02", "region": "北京"}
    assert golden("2024-04", OLD, OTHER, LATER, wrong, moved)["region"].to_list() == ["北京"]
    again = corrected("2024-05", "2024-05-01", 2, region="上海")
    stale = moved | {"month": "2024-06", "recorded_on": "2024-06-01", "region": "西藏"}
    rows = (OLD, OTHER, LATER, wrong, moved, again, stale)
    assert golden("2024-05", *rows)["region"].to_list() == ["上海"]
    assert golden("2024-06", *rows)["region"].to_list() == ["上海"]


def test_a_correction_of_the_same_day_comes_before_what_the_source_delivers():
    right = corrected("2024-03", "2024-03-01", region="西藏")
    assert golden("2024-03", OLD, LATER, right)["region"].to_list() == ["西藏"]
