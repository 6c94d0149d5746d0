"""Rules are declared; a broken one rejects the row, removes the value or adds a note."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl
import pytest

from portrait_assets.methods.typing.rules import ColumnRules, Conventions
from portrait_assets.stages.cleaned.contract import REJECTS
from portrait_assets.stages.cleaned.rows.background import BACKGROUNDS, first_known
from portrait_assets.stages.cleaned.rows.clean import Cleaned, clean
from portrait_assets.stages.raw.contract import CANONICAL_BY_NAME
from portrait_assets.stages.raw.tables.campaigns import CAMPAIGNS, RESPONSES
from portrait_assets.stages.raw.tables.canonical import Canonical
from portrait_assets.stages.raw.tables.persons import CONSENTS, CUSTOMERS
from portrait_assets.stages.raw.tables.trade import BALANCES, PRODUCTS, TRANSACTIONS
from portrait_assets_tests.cleaned.rows.test_clean import SALE, received, rejects_of

CHINA = Conventions("Asia/Shanghai", "CN")
PERSON: dict[str, str | None] = {"customer_id": "K1", "recorded_on": "2024-01-01"}


def people(*rows: dict[str, str | None], conventions: Conventions = CHINA) -> Cleaned:
    return clean(received(CUSTOMERS, [PERSON | row for row in rows]), CUSTOMERS, conventions)


@pytest.mark.parametrize(
    ("column", "code"),
    [
        ("gender", "?"),
        ("occupation", "Unknown"),
        ("marital_status", "未知"),
        ("age", "999"),
        ("age", "-1"),
        ("income", "-1.00"),
        ("birth_date", "1900-01-01"),
        ("birth_date", "1900/1/1"),
    ],
)
def test_a_code_for_not_known_empties_its_value_and_is_shown(column: str, code: str):
    found = people({column: code})
    assert found.kept[column].to_list() == [None]
    assert rejects_of(found) == [(1, column, "code for not known", "value", code)]


def test_a_source_declares_codes_and_domains_of_its_own():
    own = {
        "customers.income_band": ColumnRules(allowed=("low", "high")),
        "customers.region": ColumnRules(sentinels=("Elsewhere",)),
        "customers.household_size": ColumnRules(allowed=("1", "2"), severity="note"),
    }
    found = people(
        {"income_band": "12.8万", "region": "elsewhere", "household_size": "9"},
        conventions=Conventions(own=own),
    )
    assert found.kept.select("income_band", "region", "household_size").row(0) == (None, None, "9")
    assert [(column, rule, severity) for _, column, rule, severity, _ in rejects_of(found)] == [
        ("household_size", "outside its domain", "note"),
        ("income_band", "outside its domain", "value"),
        ("region", "code for not known", "value"),
    ]


def test_a_source_gives_its_spellings_of_words():
    """What no spelling is named for is outside of the domain, and the word itself is within."""
    own = {
        "customers.home_ownership": ColumnRules(
            values={"owner": ("Homeowner", "自有"), "renter": ("Tenant",)}, sentinels=("none",)
        ),
        "customers.region": ColumnRules(values={"north": ("N",)}, allowed=("north", "south")),
    }
    found = people(
        {"home_ownership": " Homeowner ", "region": "N"},
        {"home_ownership": "自有", "region": "south"},
        {"home_ownership": "renter", "region": "S"},
        {"home_ownership": "squatter"},
        {"home_ownership": "None"},
        conventions=Conventions(own=own),
    )
    assert found.kept.select("home_ownership", "region").rows() == [
        ("owner", "north"),
        ("owner", "south"),
        ("renter", None),
        (None, None),
        (None, None),
    ]
    assert [(row, column, rule) for row, column, rule, _, _ in rejects_of(found)] == [
        (3, "region", "outside its domain"),
        (4, "home_ownership", "outside its domain"),
        (5, "home_ownership", "code for not known"),
    ]


def test_a_code_in_a_required_column_sets_its_row_aside():
    own = {"transactions.amount": ColumnRules(sentinels=("-1",))}
    found = clean(
        received(TRANSACTIONS, [SALE | {"amount": "-1"}]), TRANSACTIONS, Conventions(own=own)
    )
    assert found.kept.is_empty()


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"birth_date": "2024-05-01"}, ("birth_date", "born after the record was made", "value")),
        ({"birth_date": "1880-05-01"}, ("birth_date", "more than 120 years old", "value")),
        (
            {"birth_date": "1990-05-01", "age": "50"},
            ("age", "differs from the date of birth", "note"),
        ),
        ({"joined_on": "2024-02-01"}, ("joined_on", "joined after the record was made", "note")),
        (
            {"national_id": "11010519491231002X", "birth_date": "1949-12-30"},
            ("birth_date", "differs from the identity number", "note"),
        ),
        (
            {"national_id": "11010519491231002X", "gender": "M"},
            ("gender", "differs from the identity number", "note"),
        ),
        ({"national_id": "110105194912310021"}, ("national_id", "not an identity number", "value")),
        ({"phone": "12345"}, ("phone", "not a telephone number", "value")),
        ({"bank_card": "6222021234567890123"}, ("bank_card", "not a bank card number", "value")),
        ({"region": "x" * 10_001}, ("region", "longer than a value can be", "value")),
    ],
)
def test_a_customer_s_values_must_agree(row: dict[str, str | None], expected: tuple[str, str, str]):
    found = people(row)
    assert found.rejects.select("column_name", "rule", "severity").rows() == [expected]
    kept = found.kept[expected[0]].to_list()[0]
    assert (kept is None) == (expected[2] == "value")


@pytest.mark.parametrize(
    ("birth_date", "age", "broken"),
    [
        # Recorded on 2024-01-01: 34 years old on that birthday, 33 on the day before.
        *(("1990-01-01", age, None) for age in (33, 34, 35)),
        *(("1990-01-01", age, "differs from the date of birth") for age in (32, 36)),
        *(("1990-01-02", age, None) for age in (32, 33, 34)),
        *(("1990-01-02", age, "differs from the date of birth") for age in (31, 35)),
        ("2024-01-01", None, None),
        ("2024-01-02", None, "born after the record was made"),
        ("1903-01-02", None, None),
        ("1903-01-01", None, "more than 120 years old"),
    ],
)
def test_where_a_person_s_dates_no_longer_agree(
    birth_date: str, age: int | None, broken: str | None
):
    found = people({"birth_date": birth_date, "age": str(age) if age else None})
    assert found.rejects["rule"].to_list() == ([broken] if broken else [])


@pytest.mark.parametrize(
    ("column", "received_as", "expected"),
    [
        ("birth_date", "33178", "1990-11-01"),
        ("birth_date", "1990/11/1", "1990-11-01"),
        ("birth_date", "19901101", "1990-11-01"),
        ("birth_date", "１９９０年11月1日", "1990-11-01"),
        ("income", "¥1,200", "1200.00"),
        ("income", "1.2万", "12000.00"),
        ("income", "１２００元", "1200.00"),
        ("income", "0.5亿", "50000000.00"),
    ],
)
def test_values_are_read_in_the_forms_of_the_field(column: str, received_as: str, expected: str):
    # The first row has the usual form, so that the other is the exception.
    found = people({"birth_date": "1990-01-01", "income": "5"}, {column: received_as})
    assert found.rejects.is_empty()
    assert str(found.kept[column].to_list()[1]) == expected


@pytest.mark.parametrize("amount", ["1,2", "1,2000", "万", "1.2.3", "--5", "1e400", "¥"])
def test_what_only_looks_like_an_amount_is_not_guessed(amount: str):
    found = people({"income": amount})
    assert rejects_of(found)[0][2] == "unreadable"


def test_a_campaign_that_ends_before_it_starts_loses_its_end():
    row = {"campaign_id": "C", "started_on": "2024-02-01", "ended_on": "2024-01-01"}
    found = clean(received(CAMPAIGNS, [row]), CAMPAIGNS, CHINA)
    assert found.kept["ended_on"].to_list() == [None]
    assert rejects_of(found) == [(1, "ended_on", "ends before it starts", "value", "2024-01-01")]


@pytest.mark.parametrize(("end", "is_kept"), [("01-31", False), ("02-01", True), ("02-02", True)])
@pytest.mark.parametrize(
    ("canonical", "start", "ends"),
    [(CAMPAIGNS, "started_on", "ended_on"), (PRODUCTS, "introduced_on", "withdrawn_on")],
)
def test_what_ends_on_the_day_that_it_starts_ends_then(
    canonical: Canonical, start: str, ends: str, end: str, is_kept: bool
):
    row = dict.fromkeys(canonical.required, "X")
    row |= {start: "2024-02-01", ends: f"2024-{end}"}
    found = clean(received(canonical, [row]), canonical, CHINA)
    assert [day is not None for day in found.kept[ends].to_list()] == [is_kept]
    assert found.rejects.height == (0 if is_kept else 1)


def test_a_day_of_joining_that_stands_for_none_says_nothing_of_the_birth():
    row = {"customer_id": "K", "joined_on": "1900-01-01", "birth_date": "1980-05-01"}
    found = clean(received(CUSTOMERS, [row]), CUSTOMERS, CHINA)
    assert rejects_of(found) == [(1, "joined_on", "code for not known", "value", "1900-01-01")]
    assert found.kept["birth_date"].to_list() == [date(1980, 5, 1)]


def test_days_past_due_below_zero_are_a_code():
    row = {
        "customer_id": "K",
        "balance_on": "2024-01-31",
        "balance": "1",
        "days_past_due": "-1",
    }
    found = clean(received(BALANCES, [row]), BALANCES, CHINA)
    assert rejects_of(found) == [(1, "days_past_due", "code for not known", "value", "-1")]


def test_a_debt_with_a_minus_is_noted_and_kept():
    row = {"customer_id": "K", "balance_on": "2024-01-31", "balance": "-5"}
    debt = row | {"account_id": "A", "credit_limit": "100"}
    none = row | {"account_id": "B", "credit_limit": "100", "balance": "0"}
    found = clean(received(BALANCES, [row, debt, none]), BALANCES, CHINA)
    rule = "below 0 on an account with a credit limit"
    assert rejects_of(found) == [(2, "balance", rule, "note", "-5")]
    assert found.kept["balance"].to_list() == [-5, -5, 0]


def test_a_risk_tolerance_that_expires_before_it_was_assessed_is_none():
    row = {"customer_id": "K", "risk_tolerance": "C4", "risk_assessed_on": "2024-01-05"}
    on_the_day = row | {"risk_tolerance_expires_on": "2024-01-05"}
    assert rejects_of(clean(received(CUSTOMERS, [row, on_the_day]), CUSTOMERS, CHINA)) == []
    before = row | {"risk_tolerance_expires_on": "2024-01-04"}
    found = clean(received(CUSTOMERS, [before]), CUSTOMERS, CHINA)
    assert rejects_of(found) == [
        (1, "risk_tolerance", "expires before it was assessed", "value", "x9")
    ]
    assert found.kept["risk_tolerance"].to_list() == [None]


def test_a_withdrawal_of_a_day_that_cannot_be_counts_from_the_day_of_the_consent():
    """Without it the consent would hold, and without the row what silence means."""
    row = {"customer_id": "K", "purpose": "marketing", "granted_on": "2024-01-05"}
    row |= {"recorded_on": "2024-01-08"}
    withdrawn = ("2024-01-06", "2024-01-05", "2024-01-04", "one day", "9999-12-31", "")
    rows = [row | {"withdrawn_on": day, "channel": f"by {day}"} for day in withdrawn]
    found = clean(received(CONSENTS, rows), CONSENTS, CHINA)
    assert rejects_of(found) == [
        (3, "withdrawn_on", "withdrawn before it was granted", "value", "2024-01-04"),
        (4, "withdrawn_on", "unreadable", "value", "one day"),
        (5, "withdrawn_on", "code for not known", "value", "9999-12-31"),
    ]
    days = [None if day is None else f"{day:%d}" for day in found.kept["withdrawn_on"]]
    assert days == ["06", "05", "05", "05", None, None]


def test_a_withdrawal_needs_no_day_of_the_consent_and_no_purpose():
    """Set aside it would leave what silence allows, which is less strict."""
    withdrawn = {"customer_id": "K", "purpose": "profiling", "withdrawn_on": "2024-01-06"}
    rows = [
        withdrawn,
        withdrawn | {"purpose": "", "channel": "sms"},
        withdrawn | {"purpose": "analysis", "granted_on": "once"},
        withdrawn | {"withdrawn_on": "one day", "recorded_on": "2024-01-07"},
    ]
    found = clean(received(CONSENTS, rows), CONSENTS, CHINA)
    assert rejects_of(found) == [
        (3, "granted_on", "unreadable", "value", "once"),
        (3, "purpose", "outside its domain", "value", "analysis"),
        (4, "withdrawn_on", "unreadable", "value", "one day"),
    ]
    kept = found.kept.select("purpose", "granted_on", pl.col("withdrawn_on").dt.day())
    assert kept.rows() == [
        ("profiling", None, 6),
        (None, None, 6),
        (None, None, 6),
        ("profiling", None, 7),
    ]


@pytest.mark.parametrize("lacking", ["granted_on", "purpose"])
def test_a_consent_that_was_not_withdrawn_needs_both(lacking: str):
    consent = {"customer_id": "K", "purpose": "credit", "granted_on": "2024-01-05"}
    rows = [consent, {name: value for name, value in consent.items() if name != lacking}]
    found = clean(received(CONSENTS, rows), CONSENTS, CHINA)
    assert rejects_of(found) == [(2, lacking, "required and missing", "row", None)]
    assert found.kept["purpose"].to_list() == ["credit"]


def against(
    canonical: Canonical, row: Mapping[str, str | None], other: dict[str, str], since: str
) -> list[tuple[object, ...]]:
    return all_against(canonical, [row], [other | {"month": since}])


def all_against(
    canonical: Canonical,
    rows: Sequence[Mapping[str, str | None]],
    others: Sequence[Mapping[str, str | None]],
) -> list[tuple[object, ...]]:
    background = BACKGROUNDS[canonical.name]
    known = received(CANONICAL_BY_NAME[background.table], others)
    first = first_known(background, known.lazy(), Conventions())
    return rejects_of(clean(received(canonical, rows), canonical, Conventions(), first))


ANSWER = {"customer_id": "K", "campaign_id": "C", "responded_on": "2024-01-05"}
CONTACT = {"customer_id": "K", "campaign_id": "C", "contacted_on": "2024-01-06"}


def test_a_response_before_its_contact_is_noted():
    assert against(RESPONSES, ANSWER, CONTACT, "2024-01") == [
        (1, "responded_on", "response before its contact", "note", "2024-01-05")
    ]
    earlier = CONTACT | {"contacted_on": "2024-01-05"}
    assert against(RESPONSES, ANSWER, earlier, "2024-01") == []


def test_only_the_response_before_its_own_contact_is_noted():
    months = {"month": "2024-01"}
    answers = [ANSWER | {"responded_on": day} for day in ("2024-01-02", "2024-01-06", "2024-01-04")]
    answers[2]["customer_id"] = "L"
    contacts = [CONTACT | months, CONTACT | months | {"customer_id": "L"}]
    contacts[1]["contacted_on"] = "2024-01-01"
    assert [(row, rule) for row, _, rule, *_ in all_against(RESPONSES, answers, contacts)] == [
        (1, "response before its contact")
    ]


def test_what_becomes_known_later_changes_no_earlier_month():
    assert against(RESPONSES, ANSWER, CONTACT, "2024-02") == []


def test_a_transaction_before_the_customer_joined_is_noted():
    joined = {"customer_id": "K1", "joined_on": "2024-01-06"}
    assert against(TRANSACTIONS, SALE, joined, "2024-01") == [
        (1, "occurred_at", "before the customer joined", "note", "2024-01-05 10:00:00")
    ]


def test_every_reject_names_a_severity_that_the_contract_allows():
    allowed = REJECTS.column("severity").allowed or ()
    found = people({"gender": "?"}, {"age": "much"})
    assert set(found.rejects["severity"]) <= set(allowed)
    assert found.rejects.schema == pl.Schema(REJECTS.polars_schema)
