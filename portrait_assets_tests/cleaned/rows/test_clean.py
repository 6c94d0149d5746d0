"""Nothing is lost in cleaning: a row is kept, or named with the rule it broke."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import permutations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portrait_assets.methods.typing.rules import ColumnRules, Conventions
from portrait_assets.schema.table import Severity
from portrait_assets.stages.cleaned.contract import CLEANED
from portrait_assets.stages.cleaned.rows.clean import Cleaned, clean
from portrait_assets.stages.raw.contract import CANONICAL
from portrait_assets.stages.raw.tables.canonical import Canonical
from portrait_assets.stages.raw.tables.persons import CUSTOMERS
from portrait_assets.stages.raw.tables.trade import PRODUCTS, TRANSACTIONS


def received(canonical: Canonical, rows: Sequence[Mapping[str, str | None]]) -> pl.DataFrame:
    """Rows as text, as a CSV file gives them."""
    table = canonical.raw_table()
    schema = dict.fromkeys(table.column_names, pl.String) | {"source_row": pl.Int64}
    records = [
        {"month": "2024-01", "source_file": "f.csv", "source_row": number, **row}
        for number, row in enumerate(rows, 1)
    ]
    return pl.DataFrame(records, schema=schema)


SALE: dict[str, str | None] = {
    "customer_id": "K1",
    "occurred_at": "2024-01-05 10:00:00",
    "amount": "1.50",
}


def cleaned_sales(*rows: dict[str, str | None]) -> Cleaned:
    return clean(received(TRANSACTIONS, [SALE | row for row in rows]), TRANSACTIONS, Conventions())


def rejects_of(cleaned: Cleaned) -> list[tuple[object, ...]]:
    return cleaned.rejects.select(
        "source_row", "column_name", "rule", "severity", "received"
    ).rows()


def test_a_good_row_is_typed_by_its_contract():
    found = cleaned_sales({"discount_amount": "0.255"})
    assert found.rejects.is_empty()
    assert found.kept.schema == CLEANED["transactions"].polars_schema
    assert found.kept["amount"].to_list() == [Decimal("1.50")]


def test_rows_stand_in_the_order_of_files_and_lines_however_they_come():
    for places in permutations([("a.csv", 1), ("a.csv", 2), ("b.csv", 1), ("b.csv", 3)]):
        rows = [
            SALE | {"source_file": file, "amount": f"{n}"} for n, (file, _) in enumerate(places)
        ]
        lines = pl.Series("source_row", [line for _, line in places], dtype=pl.Int64)
        raw = received(TRANSACTIONS, rows).with_columns(lines)
        kept = clean(raw, TRANSACTIONS, Conventions()).kept
        assert kept.select("source_file", "source_row").rows() == sorted(places)


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("64,80", "64.80"),
        ("-1.234,56", "-1234.56"),
        ("1 234 567,89", "1234567.89"),
        ("1\u00a0234\u202f567,8", "1234567.80"),
        ("１２，５", "12.50"),
        ("1.234", "1234.00"),
        ("12", "12.00"),
        ("€ 12,50", "12.50"),
        ("12.34", None),
        ("12 34", None),
        ("1,234,567", None),
    ],
)
def test_numbers_with_a_decimal_comma_are_read_where_the_source_declares_it(
    text: str, amount: str | None
):
    rules = Conventions(own={"transactions.amount": ColumnRules(decimal_mark="comma")})
    found = clean(received(TRANSACTIONS, [SALE | {"amount": text}]), TRANSACTIONS, rules)
    assert found.kept["amount"].to_list() == ([Decimal(amount)] if amount else [])
    assert rejects_of(found) == ([] if amount else [(1, "amount", "unreadable", "row", text)])


def test_numbers_that_are_typed_have_no_decimal_mark():
    raw = received(TRANSACTIONS, [SALE]).with_columns(amount=pl.lit(Decimal("1234.56")))
    rules = Conventions(own={"transactions.amount": ColumnRules(decimal_mark="comma")})
    assert clean(raw, TRANSACTIONS, rules).kept["amount"].to_list() == [Decimal("1234.56")]


@pytest.mark.parametrize("amount", ["much", "NaN", "inf", "1.2.3"])
def test_a_required_value_that_cannot_be_read_sets_its_row_aside(amount: str):
    found = cleaned_sales({}, {"amount": amount})
    assert found.kept["source_row"].to_list() == [1]
    assert rejects_of(found) == [(2, "amount", "unreadable", "row", amount)]


def test_a_value_that_is_not_required_becomes_null_and_its_row_is_kept():
    found = cleaned_sales({"quantity": "some"})
    assert found.kept["quantity"].to_list() == [None]
    assert rejects_of(found) == [(1, "quantity", "unreadable", "value", "some")]


def test_a_required_value_that_is_missing_sets_its_row_aside():
    assert rejects_of(cleaned_sales({"customer_id": "  "})) == [
        (1, "customer_id", "required and missing", "row", "  ")
    ]


def test_a_row_that_breaks_two_rules_is_set_aside_once():
    found = cleaned_sales({"customer_id": None, "amount": "much"})
    assert found.kept.is_empty()
    assert found.rejects.height == 2
    assert found.rejects["source_row"].n_unique() == 1


def test_rows_with_equal_values_are_merged_into_the_first():
    found = cleaned_sales({}, {}, {"amount": "2"}, {})
    assert found.kept["source_row"].to_list() == [1, 3]
    assert rejects_of(found) == [
        (2, None, "exact duplicate", "merged", None),
        (4, None, "exact duplicate", "merged", None),
    ]


def test_a_bad_row_twice_is_set_aside_and_not_also_merged():
    found = cleaned_sales({"amount": "much"}, {"amount": "much"})
    assert found.rejects["severity"].unique().to_list() == ["row"]
    assert found.rejects["source_row"].n_unique() == 2


def test_a_value_outside_its_domain_is_nulled_and_personal_data_is_masked():
    rows = [{"customer_id": "K1", "age": "-4", "birth_date": "1990-02-31"}]
    found = clean(received(CUSTOMERS, rows), CUSTOMERS, Conventions())
    assert found.kept.select("age", "birth_date").rows() == [(None, None)]
    assert rejects_of(found) == [
        (1, "age", "outside its domain", "value", "-9"),
        (1, "birth_date", "unreadable", "value", "***"),
    ]


def test_the_second_product_of_an_identifier_is_set_aside():
    rows = [{"product_id": "P", "category": "tea"}, {"product_id": "P", "category": "fruit"}]
    found = clean(received(PRODUCTS, rows), PRODUCTS, Conventions())
    assert found.kept["category"].to_list() == ["tea"]
    assert rejects_of(found) == [(2, None, "identifier used before", "row", None)]


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_which_product_of_an_identifier_stays_does_not_depend_on_the_order(order):
    products = [
        {"product_id": "P", "introduced_on": "2024-01-02", "category": "tea"},
        {"product_id": "P", "introduced_on": "2024-01-03", "category": "fruit"},
        {"product_id": "P", "introduced_on": "2024-01-03", "category": "salt", "brand": "ours"},
        {"product_id": "P", "introduced_on": "2024-01-03", "category": "salt"},
    ]
    found = clean(received(PRODUCTS, [products[n] for n in order]), PRODUCTS, Conventions())
    assert found.kept.select("category", "brand").rows() == [("salt", "ours")]
    assert found.rejects["source_row"].to_list() == [n + 1 for n in range(4) if order[n] != 2]


def test_an_identifier_is_used_again_in_another_month():
    months = ("2024-01", "2024-02")
    rows = [{"product_id": "P", "month": m, "introduced_on": f"{m}-01"} for m in months]
    assert clean(received(PRODUCTS, rows), PRODUCTS, Conventions()).kept.height == 2


def test_a_count_with_a_fraction_is_not_rounded():
    found = clean(
        received(CUSTOMERS, [{"customer_id": "K", "age": "3.5"}]), CUSTOMERS, Conventions()
    )
    assert found.kept["age"].to_list() == [None]


@pytest.mark.parametrize(
    "back",
    [{"kind": "return"}, {"kind": "cancellation"}, {"cancels": "T"}],
    ids=["return", "cancellation", "reference"],
)
@pytest.mark.parametrize("amount", ["3.00", "-3.00"])
def test_what_gives_back_is_negative_whichever_sign_it_came_with(
    back: dict[str, str | None], amount: str
):
    found = cleaned_sales(back | {"amount": amount})
    assert found.kept["amount"].to_list() == [Decimal("-3.00")]
    assert found.rejects.is_empty()


def test_a_kind_that_the_contract_does_not_have_is_named_and_the_sign_decides():
    found = cleaned_sales({"kind": "refund", "amount": "-3.00"}, {"kind": "purchase"})
    assert found.kept.select("kind", "amount").rows() == [
        (None, Decimal("-3.00")),
        ("purchase", Decimal("1.50")),
    ]
    assert rejects_of(found) == [(1, "kind", "outside its domain", "value", "refund")]


def test_moments_are_in_the_source_s_time_zone():
    raw = received(TRANSACTIONS, [SALE]).with_columns(
        pl.col("occurred_at").str.to_datetime().dt.replace_time_zone("UTC")
    )
    kept = clean(raw, TRANSACTIONS, Conventions("Asia/Shanghai")).kept
    assert kept["occurred_at"].dt.hour().to_list() == [18]


_anything = st.one_of(
    st.none(),
    st.sampled_from(["", " ", "1.5", "-1", "much", "2024-01-05", "2024-02-30", "K1", "\x00", "是"]),
    st.text(max_size=6),
)
_like_values = st.sampled_from(
    [
        "1e400",
        "inf",
        "NaN",
        "1,200",
        "1.2万",
        "-9",
        "999",
        "?",
        "unknown",
        "11010519491231002X",
        "P",
    ]
)


@st.composite
def _dirty(draw: st.DrawFn) -> tuple[Canonical, list[dict[str, str | None]]]:
    """A table, and rows of it with anything in some of its columns."""
    canonical = draw(st.sampled_from(CANONICAL))
    optional = [c.name for c in canonical.columns if c.name not in canonical.required]
    others = draw(st.lists(st.sampled_from(optional), max_size=4, unique=True)) if optional else []
    values = st.one_of(_anything, _like_values)
    rows = st.fixed_dictionaries(dict.fromkeys((*canonical.required, *others), values))
    return canonical, draw(st.lists(rows, max_size=10))


@given(_dirty(), st.sampled_from(["CN", None]))
@pytest.mark.slow
def test_whatever_comes_received_is_kept_plus_set_aside_plus_merged(dirty, country):
    canonical, rows = dirty
    raw = received(canonical, rows)
    found = clean(raw, canonical, Conventions(country=country))
    aside = set(found.rejects.filter(severity=Severity.ROW)["source_row"])
    merged = set(found.rejects.filter(severity=Severity.MERGED)["source_row"])
    kept = set(found.kept["source_row"])
    assert not kept & (aside | merged)
    assert not aside & merged
    assert kept | aside | merged == set(raw["source_row"])
    assert found.kept.height == len(kept)
    needed = [column for column in CLEANED[canonical.name].columns if not column.nullable]
    names = [column.name for column in needed]
    assert found.kept.select(names).null_count().sum_horizontal().item() == 0


def born(text: str, form: str) -> Cleaned:
    rules = {"customers.birth_date": ColumnRules(date_format=(form,))}
    person = {"customer_id": "K1", "birth_date": text}
    return clean(received(CUSTOMERS, [person]), CUSTOMERS, Conventions(own=rules))


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("400131", date(1940, 1, 31)),
        ("240131", date(2024, 1, 31)),
        ("240201", date(1924, 2, 1)),
        ("700131", date(1970, 1, 31)),
    ],
)
def test_two_digits_of_a_year_of_birth_are_never_of_the_future(text: str, day: date):
    found = born(text, "%y%m%d")
    assert found.kept["birth_date"].to_list() == [day]
    assert found.rejects.is_empty()


def test_who_is_born_after_the_month_of_the_record_has_no_known_birth_date():
    found = born("20240201", "%Y%m%d")
    assert found.kept["birth_date"].to_list() == [None]
    assert rejects_of(found) == [
        (1, "birth_date", "born after the month of the record", "value", "***")
    ]
    assert born("20240131", "%Y%m%d").rejects.is_empty()


def test_a_product_that_ends_on_the_last_of_all_days_is_not_withdrawn():
    ends = ("9999-12-31", "1900-01-01", "2024-05-01")
    rows = [{"product_id": f"P{n}", "withdrawn_on": day} for n, day in enumerate(ends)]
    kept = clean(received(PRODUCTS, rows), PRODUCTS, Conventions()).kept
    assert kept.sort("product_id")["withdrawn_on"].to_list() == [None, None, date(2024, 5, 1)]
