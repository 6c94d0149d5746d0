"""Values of tags by rank, kept, of versions and of drafts, against a few lines of Python."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import duckdb
import polars as pl

from portrait_assets.stages.tags.catalogue.tag import Catalogue
from portrait_assets.stages.tags.services import diff_drafts
from portrait_assets.stages.tags.views import evidence_view
from portrait_assets.storage.duckdb.connection import scratch_database
from portrait_assets.testing.worlds.tags import (
    HOME,
    INTERESTS,
    TIER,
    catalogue_of,
    tagged,
    without_segments,
    write_tags,
)
from portrait_assets_tests.tags.oracle.five_months import DAYS, RANKED, values_of, world


def test_the_tag_of_a_rank_is_by_the_customers_of_its_month(con: duckdb.DuckDBPyConnection):
    for as_of in DAYS:
        known = world(as_of).drop_nulls("share")
        shares = known["share"].to_list()
        expected = {
            who: "top" if sum(s < own for s in shares) / (len(shares) - 1) >= 0.667 else "rest"
            for who, own in known.select("customer_id", "share").iter_rows()
        }
        found = values_of(con, as_of, "third")
        assert {who: value for who, value in found.items() if value} == expected


def test_months_that_are_evaluated_together_are_as_one_by_one(
    con: duckdb.DuckDBPyConnection, catalogue: Catalogue
):
    with scratch_database() as other:
        tagged(other, catalogue, {})
        other.register("world", pl.concat([world(as_of) for as_of in DAYS]))
        other.execute("CREATE TABLE features.feature_matrix AS FROM world")
        write_tags(other, catalogue, [f"{as_of:%Y-%m}" for as_of in DAYS])
        for table in ("portrait_matrix", "tag_details"):
            together, alone = (
                each.sql(f"FROM tags.{table} ORDER BY as_of, customer_no").pl()
                for each in (other, con)
            )
            assert together.equals(alone), table


def test_a_value_is_kept_for_as_many_months_as_it_is_valid(con: duckdb.DuckDBPyConnection):
    """`home` is valid for two months after the one that decided it."""
    regions = {as_of: dict(world(as_of).select("customer_id", "region").rows()) for as_of in DAYS}
    ages: Counter[int] = Counter()
    for at, as_of in enumerate(DAYS):
        for who, value in values_of(con, as_of, "home").items():
            ago = next((n for n in range(at + 1) if regions[DAYS[at - n]].get(who)), None)
            kept = regions[DAYS[at - ago]][who] if ago is not None and ago <= 2 else None
            # Who has left loses the value; nobody comes back here.
            assert value == kept
            if kept:
                ages[ago or 0] += 1
    assert set(ages) == {0, 1, 2}


def test_a_draft_moves_those_whose_value_differs(tmp_path: Path, catalogue: Catalogue):
    """Also where the value before was kept from the month before."""
    path = tmp_path / "portrait.duckdb"
    with duckdb.connect(str(path)) as opened:
        tagged(opened, catalogue, {day: world(day) for day in DAYS[:3]})
        without_segments(opened)
        kept = values_of(opened, DAYS[2], "home")
    drafts = TIER.replace("100", "150").replace("code: tier", "code: tier\n    version: 2")
    drafts += HOME.replace("valid_months: 2", "valid_months: 1").replace(
        "code: home", "code: home\n    version: 2"
    )
    drafted = catalogue_of(
        tmp_path,
        *(TIER, HOME, INTERESTS, RANKED),
        drafts.replace("version: 2", "version: 2\n    status: draft"),
    )
    found = diff_drafts(drafted, path)
    assert (found.as_of, found.customers) == (DAYS[2], 60)
    now = world(DAYS[2])
    spend = [float(v) for v in now["spend"].drop_nulls()]
    between = sum(100 <= v < 150 for v in spend)
    high, low = sum(v >= 100 for v in spend), sum(v < 100 for v in spend)
    tier = found.moved.filter(tag_code="tier").drop("tag_code")
    assert tier.rows() == [
        ("high", high, high - between, 0, between),
        ("low", low, low + between, between, 0),
    ]
    regions = [dict(world(day).select("customer_id", "region").rows()) for day in DAYS[:3]]
    lost = Counter(
        value
        for who, value in kept.items()
        if value and not regions[2].get(who) and not regions[1].get(who)
    )
    assert lost
    moved = found.moved.filter(tag_code="home").select("tag_value", "entering", "leaving")
    assert moved.rows() == sorted((value, 0, n) for value, n in lost.items())


COAST = """\
  - code: coast
    on_missing: keep_last
    valid_months: 3
    confidence: "share"
    values:
      - {value: north, en: North, zh: 北, when: "region = 'north'"}
      - {value: east, en: East, zh: 东, when: "region = 'east'"}
      - {value: other, en: Other, zh: 其他, when: "region IS NOT NULL OR NULL"}
  - code: coast
    version: 2
    effective_from: 2024-02
    on_missing: keep_last
    valid_months: 3
    confidence: "share"
    values:
      - {value: north, en: North, zh: 北, when: "region = 'north'"}
      - {value: other, en: Other, zh: 其他, when: "region IS NOT NULL OR NULL"}
"""


def test_versions_keep_only_values_that_they_have_and_show_the_rule_that_decided(tmp_path: Path):
    """From February on there is no `east`, neither decided nor kept."""
    changing = catalogue_of(tmp_path, COAST)
    days = DAYS[1:4]
    regions, shares = (
        [dict(world(day).select("customer_id", name).rows()) for day in days]
        for name in ("region", "share")
    )
    with scratch_database() as opened:
        tagged(opened, changing, {day: world(day) for day in days})
        view = evidence_view(changing)
        opened.execute(f"CREATE VIEW {view.name} AS {view.sql}")
        found = opened.execute(
            "SELECT as_of, customer_id, tag_value, tag_version, decided_as_of, rule, "
            "evidence['region'], confidence FROM tags.tag_evidence"
        ).fetchall()
    values = {1: ("north", "east", "other"), 2: ("north", "other")}
    rules = {"other": "region IS NOT NULL OR NULL"}
    expected = []
    for at, day in enumerate(days):
        for who in regions[at]:
            then = next((n for n in range(at, -1, -1) if regions[n].get(who)), None)
            if then is None:
                continue
            version = 1 if then == 0 else 2
            region = regions[then][who]
            value = region if region in values[version] else "other"
            if value in values[1 if at == 0 else 2]:
                rule = rules.get(value, f"region = '{value}'")
                sure = round(shares[then][who] or 0.0, 2)
                expected.append((day, who, value, version, days[then], rule, region, sure))
    assert sorted(found) == sorted(expected)
    assert {(row[2], row[3], row[0] > row[4]) for row in expected} >= {
        *(("north", version, True) for version in (1, 2)),
        ("east", 1, False),
    }
