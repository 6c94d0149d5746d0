"""Records become customers month by month, with stable ids and the evidence for each."""

from __future__ import annotations

from datetime import date
from itertools import permutations
from pathlib import Path

import polars as pl
import pytest

from portrait_assets.core.errors import PortraitError
from portrait_assets.methods.linkage.resolving import DIFFERENT, SAME
from portrait_assets.methods.typing.rules import Conventions
from portrait_assets.stages.identity.contract import IDENTITY_MAP, LINKAGE_MODEL
from portrait_assets.stages.identity.lookup import as_known, moved, with_customer_id
from portrait_assets.stages.identity.resolving.identify import Identified, identify
from portrait_assets.stages.identity.resolving.resolve import new_identities
from portrait_assets.stages.identity.resolving.review import COLUMNS, REVIEW_FILE, read_review
from portrait_assets.stages.raw.definition import Identity
from portrait_assets.stages.raw.tables.persons import CUSTOMERS
from portrait_assets_tests.cleaned.rows.test_clean import received

BY_KEYS = Identity(probabilistic=False)
MONTHS = ["2024-01", "2024-02", "2024-03"]
ID = "11010519491231002X"


def seen(*rows: tuple[str, object]) -> pl.LazyFrame:
    return pl.LazyFrame(rows, schema=["month", "customer_id"], orient="row")


def test_each_identifier_is_mapped_once_in_its_first_month():
    tables = [seen(("2024-02", "a"), ("2024-01", "b")), seen(("2024-01", "a"), ("2024-02", " b "))]
    found = new_identities(tables, IDENTITY_MAP.empty())
    assert found.select("source_customer_id", "month").rows() == [
        ("a", "2024-01"),
        ("b", "2024-01"),
    ]


def test_numbers_and_blanks_are_identifiers_and_none():
    found = new_identities([seen(("2024-01", 7), ("2024-01", None))], IDENTITY_MAP.empty())
    assert found["source_customer_id"].to_list() == ["7"]


def test_who_is_known_from_an_earlier_month_is_not_new():
    known = new_identities([seen(("2024-01", "a"))], IDENTITY_MAP.empty())
    assert new_identities([seen(("2024-02", "a"))], known).is_empty()


@pytest.fixture
def who(tmp_path: Path):
    """Gives the identities of records (month, id, further columns), months one after another."""

    def identify_months(
        rows: list[dict[str, str]], months: list[str] = MONTHS, review: str = ""
    ) -> Identified:
        if review:
            (tmp_path / REVIEW_FILE).write_text(",".join(COLUMNS) + "\n" + review)
        customers = received(CUSTOMERS, rows)
        known, aliases, models = IDENTITY_MAP.empty(), [], LINKAGE_MODEL.empty()
        for month in months:
            identified = identify(
                [customers.lazy().filter(pl.col("month") == month)],
                customers.filter(pl.col("month") <= month),
                known,
                models,
                [month],
                BY_KEYS,
                Conventions("Asia/Shanghai", "CN"),
                tmp_path,
            )
            known = pl.concat([known, identified.identity_map])
            aliases.append(identified.aliases)
        return Identified(known, pl.concat(aliases), models)

    return identify_months


@pytest.mark.parametrize("order", list(permutations(("110", "220", "330"))))
def test_of_records_of_one_day_the_same_one_counts_in_any_order(who, order: tuple[str, ...]):
    """K1 has three telephone numbers of one day; the greatest joins it to K3."""
    rows = [
        person("2024-01", "K1", phone=f"1380013{end}0", birth_date="1990-01-02") for end in order
    ]
    others = [
        person("2024-02", f"K{n}", phone=f"1380013{end}0", birth_date="1990-01-02")
        for n, end in ((2, "110"), (3, "330"), (4, "220"))
    ]
    found = who([*rows, *others]).identity_map
    assert dict(found.select("source_customer_id", "customer_id").rows()) == {
        "K1": "K1",
        "K2": "K2",
        "K3": "K1",
        "K4": "K4",
    }


def person(month: str, customer_id: str, **values: str) -> dict[str, str]:
    return {"month": month, "customer_id": customer_id, **values}


def customers_of(identified: Identified) -> dict[str, str]:
    known = as_known(identified.identity_map)
    return dict(known.select("source_customer_id", "customer_id").sort("customer_id").iter_rows())


def test_records_with_the_same_identity_number_are_one_customer(who):
    identified = who(
        [person("2024-01", "A", national_id=ID), person("2024-02", "B", national_id=ID)]
    )
    assert customers_of(identified) == {"A": "A", "B": "A"}
    row = identified.identity_map.filter(source_customer_id="B").row(0, named=True)
    assert row["evidence"] == "same national_id"
    assert row["valid_from"] == date(2024, 2, 1)
    assert identified.aliases.is_empty()


def test_the_old_form_of_an_identity_number_is_the_same_number(who):
    old = "110105491231002"
    identified = who(
        [person("2024-01", "A", national_id=ID), person("2024-01", "B", national_id=old)]
    )
    assert customers_of(identified) == {"A": "A", "B": "A"}


def test_a_phone_alone_is_not_enough_and_with_the_birth_date_it_is(who):
    one = {"phone": "13912345678", "birth_date": "1990-01-01"}
    other = one | {"birth_date": "1990-01-02"}
    rows = [person("2024-01", "A", **one), person("2024-01", "B", **other)]
    assert customers_of(who(rows)) == {"A": "A", "B": "B"}
    assert customers_of(who([*rows, person("2024-02", "C", **one)]))["C"] == "A"


def test_two_customers_who_turn_out_to_be_one_keep_the_older_id(who):
    rows = [
        person("2024-01", "B", phone="13912345678"),
        person("2024-02", "A", national_id=ID),
        person("2024-03", "B", national_id=ID),
    ]
    identified = who(rows)
    assert customers_of(identified) == {"A": "B", "B": "B"}
    assert identified.aliases.select("month", "alias_id", "customer_id", "valid_from").rows() == [
        ("2024-03", "A", "B", date(2024, 3, 1))
    ]
    assert identified.identity_map.filter(month="2024-02")["customer_id"].to_list() == ["A"]


def test_past_months_stay_and_later_ones_have_the_new_id(who):
    rows = [
        person("2024-01", "B", phone="13912345678"),
        person("2024-02", "A", national_id=ID),
        person("2024-03", "B", national_id=ID),
    ]
    frame = pl.DataFrame({"month": ["2024-02", "2024-03", "2024-02"], "customer_id": list("AAX")})
    now = with_customer_id(frame, moved(who(rows).identity_map))
    assert now["customer_id"].to_list() == ["A", "B", "X"]
    assert now.columns == frame.columns


@pytest.mark.parametrize("months", [MONTHS, ["2024-01", "2024-02"]])
def test_later_months_renumber_nobody(who, months: list[str]):
    rows = [
        person("2024-01", "B", national_id=ID),
        person("2024-02", "A", national_id=ID),
        person("2024-03", "0", national_id=ID),
    ]
    identified = who(rows, months)
    first_two = identified.identity_map.filter(pl.col("month") <= "2024-02")
    assert set(first_two["customer_id"]) == {"B"}
    assert set(customers_of(identified).values()) == {"B"}


def test_a_reviewer_is_obeyed_in_both_directions(who):
    rows = [
        person("2024-01", "A", national_id=ID),
        person("2024-01", "B", national_id=ID),
        person("2024-01", "C"),
    ]
    identified = who(rows, review="A,B,different,\nC,A,same,\n")
    assert customers_of(identified) == {"A": "A", "B": "B", "C": "A"}
    assert identified.identity_map.filter(source_customer_id="C")["evidence"].to_list() == [
        "decided by a reviewer"
    ]


def test_of_several_decisions_on_a_pair_the_last_counts(who):
    rows = [person("2024-01", "A", national_id=ID), person("2024-01", "B", national_id=ID)]
    undone = who(rows, review="A,B,different,\nB,A,same,\n")
    assert customers_of(undone) == {"A": "A", "B": "A"}
    again = who(rows, review="B,A,same,\nA,B,different,\n")
    assert customers_of(again) == {"A": "A", "B": "B"}


def test_records_of_a_review_are_texts_in_either_order(tmp_path: Path):
    lines = ["record_1,record_2,verdict,from_month", "010,007,same,", "007,1e3,different,2024-03"]
    (tmp_path / REVIEW_FILE).write_text("\n".join(lines))
    found = read_review(tmp_path).select("record_1", "record_2", "from_month", "weight")
    assert found.rows() == [("007", "010", "", SAME), ("007", "1e3", "2024-03", DIFFERENT)]


def test_a_decision_holds_from_its_month_on_and_takes_records_apart(who):
    rows = [person("2024-01", "A", national_id=ID), person("2024-01", "B", national_id=ID)]
    identified = who(
        [*rows, person("2024-03", "B", national_id=ID)], review="A,B,different,2024-03\n"
    )
    assert set(identified.identity_map.filter(month="2024-01")["customer_id"]) == {"A"}
    assert customers_of(identified) == {"A": "A", "B": "B"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("record_1,record_2\nA,B\n", "has no column verdict"),
        (",".join(COLUMNS) + "\nA,B,maybe,\n", "line 2: name two records"),
        (",".join(COLUMNS) + "\nA,B,same,soon\n", "'soon' is not a month"),
    ],
)
def test_a_review_that_cannot_be_read_is_named(tmp_path: Path, text: str, says: str):
    (tmp_path / REVIEW_FILE).write_text(text)
    with pytest.raises(PortraitError, match=says):
        read_review(tmp_path)
