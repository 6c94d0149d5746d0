"""The room's tables month by month, in a warehouse of their own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import product
from pathlib import Path

import polars as pl
import pytest

from portrait_assets.core.months import last_day
from portrait_assets.stages.features.contract import CUSTOMER_MONTH, UNPROFILED
from portrait_assets.stages.tags.assets import materialize_months
from portrait_assets.stages.tags.audiences.saved_audiences import load_audiences
from portrait_assets.stages.tags.catalogue.governance import Action, approve
from portrait_assets.stages.tags.catalogue.load import load_catalogue
from portrait_assets.stages.tags.catalogue.tag import Catalogue, TagError
from portrait_assets.stages.tags.changes import changes_view
from portrait_assets.stages.tags.checks import ONLY_FROM_CATALOGUE, every_audience_has_members
from portrait_assets.stages.tags.contract import (
    AUDIENCE_MEMBERSHIP,
    TAG_CATALOGUE,
    portrait_matrix_table,
)
from portrait_assets.stages.tags.evaluation.steps import batches
from portrait_assets.stages.tags.evaluation.tag_table import tag_table
from portrait_assets.storage.dagster.checks import run_checks
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.duckdb.tables import ensure_table
from portrait_assets.testing.steps import SmallWarehouse, small_database
from portrait_assets.testing.worlds.tags import (
    COLUMNS,
    JUNE,
    MAY,
    TIER,
    features,
    without_segments,
    write_catalogue,
    write_tags,
)

DRAFT = """\
tags:
  - code: tier
    version: 2
    status: draft
    values:
      - {value: high, en: High, zh: 高, when: "spend >= 50"}
      - {value: low, en: Low, zh: 低, when: "spend < 50"}
"""
AUDIENCE = """\
audiences:
  - code: best
    name: {en: Best, zh: 优质}
    owner: tests
    where: "tier = 'high'"
"""
SPEND = {MAY: [150, 60, 5], JUNE: [150, 60, 500]}


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    """Features of three customers in May and June, without segments or transactions."""
    opened = SmallWarehouse(tmp_path / "warehouse.duckdb", "shop", "run-1")
    without_segments(opened.con)
    for table in (CUSTOMER_MONTH, UNPROFILED):
        ensure_table(opened.con, table)
    world = pl.concat([features(as_of, spend=spend) for as_of, spend in SPEND.items()])
    opened.con.register("world", world)
    opened.con.execute("CREATE TABLE features.feature_matrix AS FROM world")
    opened.con.unregister("world")
    yield opened
    opened.close()


def catalogue(folder: Path, tag: str = TIER) -> Catalogue:
    """The catalogue of the folder, with its drafts and approvals."""
    (folder / "tags.yaml").write_text(DRAFT, encoding="utf-8")
    return load_catalogue(
        write_catalogue(folder, tag),
        overrides=folder / "tags.yaml",
        columns=COLUMNS,
        approvals=folder / "tag_approvals.yaml",
    )


def decide(folder: Path, action: Action, month: str, latest: str | None) -> None:
    approve(
        catalogue(folder),
        folder / "tag_approvals.yaml",
        "tier",
        "A. Lee",
        "tried on the newest month",
        month,
        date(2017, 6, 1),
        latest,
        action,
    )


def tiers(warehouse: Warehouse, as_of: date) -> dict[str, str | None]:
    rows = warehouse.con.execute(
        "SELECT customer_id, tier FROM tags.portrait_matrix WHERE as_of = ?", [as_of]
    )
    return dict(rows.fetchall())


def test_a_draft_decides_nothing_until_it_is_approved_and_then_no_earlier_month(
    warehouse: Warehouse, tmp_path: Path
):
    materialize_months(warehouse, catalogue(tmp_path), (), ["2017-05"])
    assert tiers(warehouse, MAY) == {"a": "high", "b": "low", "c": "low"}

    decide(tmp_path, Action.ACTIVATE, "2017-06", latest="2017-05")
    materialize_months(warehouse, catalogue(tmp_path), (), ["2017-05", "2017-06"])

    assert tiers(warehouse, MAY) == {"a": "high", "b": "low", "c": "low"}
    assert tiers(warehouse, JUNE) == {"a": "high", "b": "high", "c": "high"}
    listed = warehouse.con.execute(
        "SELECT strftime(as_of, '%m'), tag_version, in_force, approved_by, change "
        "FROM tags.tag_catalogue ORDER BY ALL"
    ).fetchall()
    difference = "~ high: spend >= 100 -> spend >= 50\n~ low: spend < 100 -> spend < 50"
    assert listed == [
        ("05", 1, True, None, "first version"),
        ("05", 2, False, "A. Lee", difference),
        ("06", 1, False, None, "first version"),
        ("06", 2, True, "A. Lee", difference),
    ]


def test_a_retired_tag_stays_readable_for_the_past(warehouse: Warehouse, tmp_path: Path):
    materialize_months(warehouse, catalogue(tmp_path), (), ["2017-05"])
    decide(tmp_path, Action.RETIRE, "2017-06", latest="2017-05")

    materialize_months(warehouse, catalogue(tmp_path), (), ["2017-06"])

    assert tiers(warehouse, MAY)["a"] == "high"
    assert set(tiers(warehouse, JUNE).values()) == {None}
    changes = changes_view(catalogue(tmp_path)).sql
    lost = warehouse.con.execute(
        f"SELECT change, value_before FROM ({changes}) ORDER BY customer_id"
    ).fetchall()
    assert lost == [("lost", "high"), ("lost", "low"), ("lost", "low")]


def test_a_version_that_a_month_uses_cannot_be_redefined(warehouse: Warehouse, tmp_path: Path):
    materialize_months(warehouse, catalogue(tmp_path), (), ["2017-05"])
    changed = catalogue(tmp_path, TIER.replace("100", "90"))

    with pytest.raises(
        TagError, match="tag tier version 1 differs from the definition that 2017-05 uses"
    ):
        materialize_months(warehouse, changed, (), ["2017-06"])
    assert list(warehouse.materialized(tag_table(catalogue(tmp_path)))) == ["2017-05"]


def test_months_made_together_equal_months_made_one_by_one(warehouse: Warehouse, tmp_path: Path):
    tables = ["tag_table", "portrait_matrix", "tag_quality", "audience_membership"]
    (tmp_path / "audiences.yaml").write_text(AUDIENCE, encoding="utf-8")
    chosen = catalogue(tmp_path)
    columns = {column.name: column for column in portrait_matrix_table(chosen).all_columns}
    audiences = load_audiences(tmp_path / "audiences.yaml", columns)

    def contents() -> list[object]:
        return [
            warehouse.con.execute(f"SELECT * FROM tags.{table} ORDER BY ALL").fetchall()
            for table in tables
        ]

    materialize_months(warehouse, chosen, audiences, ["2017-05", "2017-06"])
    together = contents()
    materialize_months(warehouse, chosen, audiences, ["2017-05"])
    materialize_months(warehouse, chosen, audiences, ["2017-06"])

    assert contents() == together
    membership = warehouse.con.execute(
        "SELECT strftime(as_of, '%m'), customer_id, change FROM tags.audience_membership ORDER BY 1"
    ).fetchall()
    assert membership == [("05", "a", "entered"), ("06", "a", "stayed"), ("06", "c", "entered")]


KEPT = """\
  - code: home
    on_missing: keep_last
    valid_months: 2
    expression: region
    type: text
    confidence: "share"
  - code: interests
    many: true
    on_missing: keep_last
    valid_months: 1
    values:
      - {value: often, en: Often, zh: 常来, when: "visits >= 10"}
      - {value: member, en: Member, zh: 会员, when: "member"}
"""
MONTHS = ["2017-04", "2017-05", "2017-06", "2017-07"]


COURSES = [*product(["north", "south", None], repeat=len(MONTHS))]
"""A region for each month, in every way there is."""
VISITS = {"north": 20, "south": None, None: 5}


def test_what_is_kept_does_not_depend_on_which_months_are_made_together(tmp_path: Path):
    """A customer for every course that a region can take, and as many courses of visits."""
    chosen = load_catalogue(write_catalogue(tmp_path, KEPT), columns=COLUMNS)
    people = [*product(COURSES, [0.25, 0.5, None])]
    world = [
        features(
            last_day(month),
            customer_id=[f"c{number:03d}" for number in range(len(people))],
            region=[course[at] for course, _ in people],
            visits=[VISITS[course[-1 - at]] for course, _ in people],
            share=[share for _, share in people],
            member=[False] * len(people),
        )
        for at, month in enumerate(MONTHS)
    ]
    assert list(batches(chosen, MONTHS, {}, 200_000)) == [MONTHS]

    def written(parts: list[list[str]]) -> list[list[tuple[object, ...]]]:
        with small_database() as con:
            for table in (TAG_CATALOGUE, portrait_matrix_table(chosen), tag_table(chosen)):
                ensure_table(con, table)
            con.execute("CREATE SCHEMA features")
            con.register("world", pl.concat(world))
            con.execute("CREATE TABLE features.feature_matrix AS FROM world")
            before = None
            for part in parts:
                write_tags(con, chosen, part, before)
                before = part[-1]
            return [
                con.execute(f"SELECT * FROM tags.{name} ORDER BY ALL").fetchall()
                for name in ("tag_table", "portrait_matrix")
            ]

    together = written([MONTHS])
    assert len(together[1]) == len(people) * len(MONTHS)
    assert together == written([[month] for month in MONTHS])
    assert together == written([MONTHS[:1], MONTHS[1:]])


def test_months_keep_what_they_have_of_former_tags_and_versions(
    warehouse: Warehouse, tmp_path: Path
):
    """In June the catalogue has no tag `vip`, and of `tier`, kept for two months, a version 2."""
    vip = "  - {code: vip, expression: spend > 100, type: boolean}\n"
    kept = TIER.replace("  - code: tier\n", "  - code: tier\n    on_missing: keep_last\n")
    kept = kept.replace("keep_last\n", "keep_last\n    valid_months: 2\n")
    may = load_catalogue(write_catalogue(tmp_path, kept, vip), columns=COLUMNS)
    materialize_months(warehouse, may, (), ["2017-05"])
    warehouse.con.execute(
        "UPDATE features.feature_matrix SET spend = NULL "
        "WHERE as_of = '2017-06-30' AND customer_id = 'a'"
    )
    newer = kept.replace("tier\n", "tier\n    version: 2\n").replace("100", "400")
    june = load_catalogue(write_catalogue(tmp_path, newer), columns=COLUMNS)
    materialize_months(warehouse, june, (), ["2017-06"])

    assert tiers(warehouse, MAY) == {"a": "high", "b": "low", "c": "low"}
    assert tiers(warehouse, JUNE) == {"a": "high", "b": "low", "c": "high"}
    rows = warehouse.con.execute(
        "SELECT strftime(as_of, '%m'), customer_id, tag_version FROM tags.tag_table ORDER BY 1, 2"
    ).fetchall()
    versions = {(month, who): version for month, who, version in rows}
    assert [versions["05", who] for who in "abc"] == [1, 1, 1]
    assert [versions["06", who] for who in "abc"] == [1, 2, 2]
    found = run_checks([ONLY_FROM_CATALOGUE], warehouse, tag_table(june), ["2017-05", "2017-06"])
    assert [result["passed"] for result in found] == [True, True]
    vips = warehouse.con.execute("SELECT vip FROM tags.portrait_matrix ORDER BY as_of, customer_id")
    assert [vip for (vip,) in vips.fetchall()] == [True, False, False, None, None, None]
    assert "vip" not in warehouse.read(portrait_matrix_table(june), ["2017-05"]).columns


def test_a_version_other_than_the_first_bears_the_number_that_its_month_used(
    warehouse: Warehouse, tmp_path: Path
):
    """Where no customer's row needs a version of its own."""
    one = load_catalogue(write_catalogue(tmp_path, TIER), columns=COLUMNS)
    materialize_months(warehouse, one, (), ["2017-05"])
    warehouse.close()
    newer = TIER.replace("tier\n", "tier\n    version: 2\n").replace("100", "400")
    two = load_catalogue(write_catalogue(tmp_path, newer), columns=COLUMNS)
    again = SmallWarehouse(warehouse.path, "shop", "run-2")
    materialize_months(again, two, (), ["2017-06"])

    rows = again.con.execute(
        "SELECT DISTINCT strftime(as_of, '%m'), tag_version FROM tags.tag_table ORDER BY 1"
    ).fetchall()
    again.close()
    assert rows == [("05", 1), ("06", 2)]


def test_a_month_that_fails_leaves_the_room_as_it_was(warehouse: Warehouse, tmp_path: Path):
    materialize_months(warehouse, catalogue(tmp_path), (), ["2017-05"])
    warehouse.con.execute("DROP TABLE features.customer_month")

    with pytest.raises(Exception, match="customer_month"):
        materialize_months(warehouse, catalogue(tmp_path), (), ["2017-06"])

    assert list(warehouse.materialized(tag_table(catalogue(tmp_path)))) == ["2017-05"]
    assert tiers(warehouse, JUNE) == {}
    assert tiers(warehouse, MAY) == {"a": "high", "b": "low", "c": "low"}


@pytest.mark.parametrize(
    ("damage", "stray"),
    [
        ("SELECT 1", 0),
        ("UPDATE tags.portrait_matrix SET tier = 'invented' WHERE customer_id = 'a'", 1),
        ("UPDATE tags.tag_details SET tier__version = 7 WHERE as_of = '2017-06-30'", 2),
        ("DELETE FROM tags.tag_catalogue WHERE as_of = '2017-06-30'", 0),
    ],
    ids=["none", "value", "version", "listed the month before"],
)
def test_a_value_or_version_that_no_catalogue_lists_is_found(
    warehouse: Warehouse, tmp_path: Path, damage: str, stray: int
):
    own = catalogue(tmp_path, TIER + "    on_missing: keep_last\n    valid_months: 2\n")
    materialize_months(warehouse, own, (), ["2017-05", "2017-06"])
    warehouse.con.execute(damage)
    found = run_checks([ONLY_FROM_CATALOGUE], warehouse, tag_table(own), ["2017-06"])
    assert [row["failures"] for row in found] == [stray]


def test_an_audience_that_all_have_left_is_warned_of(warehouse: Warehouse, tmp_path: Path):
    own = catalogue(tmp_path)
    (tmp_path / "audiences.yaml").write_text(AUDIENCE, encoding="utf-8")
    columns = {column.name: column for column in portrait_matrix_table(own).all_columns}
    saved = load_audiences(tmp_path / "audiences.yaml", columns)
    materialize_months(warehouse, own, saved, ["2017-05"])
    warehouse.con.execute("UPDATE features.feature_matrix SET spend = 1 WHERE as_of > '2017-06-01'")
    materialize_months(warehouse, own, saved, ["2017-06"])
    check = every_audience_has_members(saved)
    found = run_checks([check], warehouse, AUDIENCE_MEMBERSHIP, ["2017-05", "2017-06"])
    assert [(row["failures"], row["detail"]) for row in found] == [
        (0, "1 audiences"),
        (1, "nobody is in best"),
    ]


def test_months_with_other_evidence_are_not_evaluated_together(tmp_path: Path):
    own, months = catalogue(tmp_path), [f"2017-0{month}" for month in range(1, 6)]
    rows = dict.fromkeys(months, 10)
    given = {month: {"sales", *(("visits",) if month > "2017-02" else ())} for month in months}
    assert list(batches(own, months, rows, 1_000, given)) == [months[:2], months[2:]]
    assert list(batches(own, months, rows, 1_000)) == [months]
    assert list(batches(own, months, rows, 20)) == [months[:2], months[2:4], months[4:]]
    assert list(batches(own, months, rows, 19)) == [[month] for month in months]
