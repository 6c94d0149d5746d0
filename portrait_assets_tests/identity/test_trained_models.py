"""Models of linkage: when one is trained, of which records, and which pairs it may join."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest

from portrait_assets.methods.typing.rules import Conventions
from portrait_assets.stages.identity.contract import IDENTITY_MAP, LINKAGE_MODEL
from portrait_assets.stages.identity.resolving import identify as identifying
from portrait_assets.stages.identity.resolving.identify import identify
from portrait_assets.stages.raw.definition import Identity
from portrait_assets.stages.raw.tables.persons import CUSTOMERS
from portrait_assets_tests.cleaned.rows.test_clean import received
from portrait_assets_tests.identity.test_identity import MONTHS, person
from portrait_assets_tests.methods.linkage.test_linkage import people

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
def test_a_model_learns_the_same_of_records_in_another_order(tmp_path: Path):
    records = people(150).with_columns(month=pl.lit("2024-01"))
    known, models = linked(tmp_path, records, MONTHS[:1])
    shuffled = records.sample(fraction=1, seed=4, shuffle=True)
    known_shuffled, models_shuffled = linked(tmp_path, shuffled, MONTHS[:1])
    assert models.height == 1
    assert models_shuffled.equals(models)
    assert known_shuffled.equals(known)
    merged = pl.col("source_customer_id") != pl.col("customer_id")
    assert known.filter(merged).height > 20


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
