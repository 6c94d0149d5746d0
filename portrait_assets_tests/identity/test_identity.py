"""Records become customers month by month, with stable ids and the evidence for each."""

from __future__ import annotations

from datetime import date
from itertools import permutations
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest

from portrait_assets.core.errors import PortraitError
from portrait_assets.methods.linkage.resolving import DIFFERENT, SAME
from portrait_assets.methods.typing.rules import Conventions
from portrait_assets.stages.identity.contract import IDENTITY_MAP, LINKAGE_MODEL
from portrait_assets.stages.identity.lookup import as_known, moved, with_customer_id
from portrait_assets.stages.identity.resolving import identify as identifying
from portrait_assets.stages.identity.resolving.identify import Identified, identify
from portrait_assets.stages.identity.resolving.resolve import new_identities
from portrait_assets.stages.identity.resolving.review import COLUMNS, REVIEW_FILE, read_review
from portrait_assets.stages.raw.definition import Identity
from portrait_assets.stages.raw.tables.persons import CUSTOMERS
from portrait_assets_tests.cleaned.test_clean import received
from portrait_assets_tests.identity.test_linkage import people

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


@pytest.mark.slow
def test_a_model_learns_the_same_of_records_in_another_order(tmp_path: Path):
    records = people(150).select(
        pl.col("n").alias("customer_id"),
        pl.concat_str("first_name", "last_name", separator=" ").alias("full_name"),
        *("postcode", pl.col("dob").alias("birth_date"), pl.col("city").alias("address")),
    )

    def found(rows: pl.DataFrame) -> Identified:
        customers = received(CUSTOMERS, rows.to_dicts())
        return identify(
            [customers.lazy()],
            customers,
            IDENTITY_MAP.empty(),
            LINKAGE_MODEL.empty(),
            MONTHS[:1],
            Identity(keys=(), max_pairs=1_000),
            Conventions(),
            tmp_path,
        )

    straight = found(records)
    shuffled = found(records.sample(fraction=1, seed=4, shuffle=True))
    assert straight.models.height == 1
    assert shuffled.models.equals(straight.models)
    assert shuffled.identity_map.equals(straight.identity_map)
    merged = pl.col("source_customer_id") != pl.col("customer_id")
    assert straight.identity_map.filter(merged).height > 20


Linked = tuple[pl.DataFrame, pl.DataFrame]
"""The identity map and the models of all months so far."""


def linked(
    folder: Path,
    records: pl.DataFrame,
    months: list[str],
    so_far: Linked | None = None,
    threshold: float = 0.9,
) -> Linked:
    """These months of `people` with a month, identified one after another by linkage alone."""
    customers = received(
        CUSTOMERS,
        records.select(
            "month",
            pl.format("R{}", "n").alias("customer_id"),
            pl.concat_str("first_name", "last_name", separator=" ").alias("full_name"),
            *("postcode", pl.col("dob").alias("birth_date"), pl.col("city").alias("address")),
        ).to_dicts(),
    )
    known, models = so_far or (IDENTITY_MAP.empty(), LINKAGE_MODEL.empty())
    for month in months:
        found = identify(
            [customers.lazy().filter(pl.col("month") == month)],
            customers.filter(pl.col("month") <= month),
            known,
            models,
            [month],
            Identity(keys=(), max_pairs=1_000, threshold=threshold),
            Conventions(),
            folder,
        )
        known, models = pl.concat([known, found.identity_map]), pl.concat([models, found.models])
    return known, models


@pytest.mark.slow
def test_a_month_is_linked_by_the_model_that_an_earlier_one_learnt(tmp_path: Path):
    """Forty persons come twice, half of them in January, half with a second record in February."""
    is_second = pl.col("person").cum_count().over("person") == 2
    in_february = is_second & (pl.int_range(pl.len()) > 80)
    records = people(120).with_columns(
        month=pl.when(in_february).then(pl.lit("2024-02")).otherwise(pl.lit("2024-01"))
    )
    january = linked(tmp_path, records, MONTHS[:1])
    known, models = linked(tmp_path, records, MONTHS[1:2], january)
    in_january = records.filter(month="2024-01").height
    assert models.select("month", "records").rows() == [("2024-01", in_january)]
    who = dict(records.select(pl.format("R{}", "n"), "person").iter_rows())
    probable = (pl.col("month") == "2024-02") & (pl.col("evidence") == "probable match")
    later = known.filter(probable)
    joined = later.select("source_customer_id", "customer_id").rows()
    assert len(joined) >= 0.8 * (records.height - in_january)
    assert all(who[record] == who[customer] != customer for record, customer in joined)

    least = later["match_probability"].min()
    assert isinstance(least, float)
    assert 0.9 <= least < 0.9999
    above = linked(tmp_path, records, MONTHS[1:2], january, threshold=least + 1e-5)[0]
    assert above.filter(probable).height == len(later.filter(pl.col("match_probability") > least))


@pytest.mark.slow
@pytest.mark.parametrize(("added", "trained"), [(100, 2), (99, 1)])
def test_a_model_is_learnt_anew_where_records_have_doubled(
    tmp_path: Path, added: int, trained: int
):
    month = pl.when(pl.int_range(pl.len()) < 100).then(pl.lit("2024-01"))
    records = people(160).head(100 + added).with_columns(month=month.otherwise(pl.lit("2024-02")))
    models = linked(tmp_path, records, MONTHS[:2])[1]
    counted = [("2024-01", 100), ("2024-02", 100 + added)]
    assert models.select("month", "records").rows() == counted[:trained]


@pytest.mark.parametrize(("records", "is_learnt"), [(99, False), (100, True)])
def test_a_model_is_learnt_from_a_hundred_records_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, records: int, is_learnt: bool
):
    asked_for = []
    monkeypatch.setattr(identifying, "train", lambda table, _: asked_for.append(table.height))
    customers = received(CUSTOMERS, [person("2024-01", f"R{n:02}") for n in range(records)])
    empty, identity = (IDENTITY_MAP.empty(), LINKAGE_MODEL.empty()), Identity(keys=())
    months, conventions = ["2024-01"], Conventions()
    tables = [customers.lazy()]
    found = identify(tables, customers, *empty, months, identity, conventions, tmp_path)
    assert found.identity_map.height == records
    assert asked_for == ([100] if is_learnt else [])


@pytest.mark.parametrize(
    ("learnt", "is_due"),
    [
        ([], True),
        ([("2024-01", 10)], True),
        ([("2024-01", 11)], False),
        ([("2024-01", 20)], False),
        ([("2024-01", 5), ("2024-02", 11)], False),
        ([("2024-02", 11), ("2024-01", 5)], False),
        ([("2024-01", 11), ("2024-02", 10)], True),
        ([("2024-01", 11), ("2024-03", 10)], True),
        ([("2024-01", 11), ("2024-04", 10)], False),
    ],
    ids=str,
)
def test_a_model_is_due_where_records_are_twice_those_of_the_newest_so_far(
    monkeypatch: pytest.MonkeyPatch, learnt: list[tuple[str, int]], is_due: bool
):
    """Twenty records, none of them new in March."""
    asked_for = []
    monkeypatch.setattr(identifying, "train", lambda table, _: asked_for.append(table.height))
    rows = [person("2024-01", f"R{n:02}", full_name=f"name {n}") for n in range(20)]
    records = identifying._records(received(CUSTOMERS, rows), Conventions())
    models = pl.DataFrame(
        [(month, count, "{}") for month, count in learnt],
        schema=LINKAGE_MODEL.polars_schema,
        orient="row",
    )
    texts, identity = identifying._Texts(records), Identity(keys=())
    assert identifying._probable("2024-03", records, texts, [models], identity).is_empty()
    assert asked_for == ([20] if is_due else [])


def test_of_what_a_new_model_finds_the_pairs_with_a_record_of_the_month_count(
    monkeypatch: pytest.MonkeyPatch,
):
    """Those among earlier records were decided when they were new."""
    pairs = pl.DataFrame(
        [("A", "B", 0.99), ("A", "M", 0.98), ("N", "Z", 0.97), ("M", "N", 0.96), ("Y", "Z", 0.95)],
        schema=["record_1", "record_2", "match_probability"],
        orient="row",
    )
    model = SimpleNamespace(to_json=lambda: "what it learnt")
    monkeypatch.setattr(identifying, "train", lambda *_: (model, pairs))
    rows = [
        person("2024-02" if name in "MN" else "2024-01", name, full_name=f"name of {name}")
        for name in "ABMNYZ"
    ]
    records = identifying._records(received(CUSTOMERS, rows), Conventions())
    trained = [LINKAGE_MODEL.empty()]
    texts, identity = identifying._Texts(records), Identity(keys=())
    found = identifying._probable("2024-02", records, texts, trained, identity)
    assert found.rows() == pairs.rows()[1:4]
    assert trained[-1].rows() == [("2024-02", 6, "what it learnt")]


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
