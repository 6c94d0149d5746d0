"""Quality cards, audiences and changes, against a few lines of Python over the values."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date
from itertools import pairwise
from math import log
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest
from scipy.stats import chi2_contingency, false_discovery_control, fisher_exact
from scipy.stats.contingency import expected_freq

from portrait_assets.core.months import last_day, month_range
from portrait_assets.stages.clusters.contract import CLUSTER_ASSIGNMENT, CLUSTER_SEGMENT
from portrait_assets.stages.tags.audiences.audience import select_audience
from portrait_assets.stages.tags.audiences.export import export_audience
from portrait_assets.stages.tags.audiences.saved_audiences import load_audiences, membership_sql
from portrait_assets.stages.tags.card import customer_card
from portrait_assets.stages.tags.catalogue.governance import check_unaltered
from portrait_assets.stages.tags.catalogue.listing import catalogue_rows
from portrait_assets.stages.tags.catalogue.tag import Catalogue, Kind, TagError
from portrait_assets.stages.tags.contract import OUTCOMES
from portrait_assets.stages.tags.quality.advice import Lift, Measures, advise
from portrait_assets.stages.tags.quality.cards import tag_quality
from portrait_assets.stages.tags.quality.distributions import tag_distributions
from portrait_assets.stages.tags.services import diff_drafts
from portrait_assets.stages.tags.views import evidence_view
from portrait_assets.storage.duckdb.tables import ensure_table
from portrait_assets.testing.tag_world import (
    COLUMNS,
    HOME,
    INTERESTS,
    TIER,
    catalogue_of,
    tagged,
    write_tags,
)

DAYS = [last_day(month) for month in month_range("2023-12", "2024-04")]
RANKED = """\
  - code: third
    values:
      - {value: top, en: Top, zh: 上, when: "rank_share(share) >= 0.667"}
      - {value: rest, en: Rest, zh: 下, when: "rank_share(share) < 0.667"}
  - code: amount
    expression: spend
    type: money
  - code: answers
    expression: member
    type: boolean
"""


def world(as_of: date) -> pl.DataFrame:
    """Sixty customers a month, of whom five leave and five are new in the next."""
    draw = np.random.default_rng(as_of.month)
    start = 5 * (as_of.month % 12)

    def some(values: np.ndarray, known: float = 0.8) -> list[object]:
        return [v if draw.random() < known else None for v in values.tolist()]

    columns = {
        "spend": some(draw.integers(0, 200, 60)),
        "visits": some(draw.integers(0, 20, 60), 0.9),
        "share": some(draw.random(60).round(1)),
        "region": some(draw.choice(["north", "south", "east"], 60, p=[0.5, 0.3, 0.2]), 0.6),
        "member": some(draw.random(60) < 0.3),
    }
    return pl.DataFrame(
        {
            "as_of": [as_of] * 60,
            "customer_id": [f"C{n:03d}" for n in range(start, start + 60)],
            **columns,
            "salary": [None] * 60,
        },
        schema={"as_of": pl.Date(), "customer_id": pl.String()}
        | {name: column.polars_type for name, column in COLUMNS.items()},
        strict=False,
    )


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    return catalogue_of(tmp_path_factory.mktemp("catalogue"), TIER, HOME, INTERESTS, RANKED)


@pytest.fixture(scope="module")
def con(catalogue: Catalogue) -> duckdb.DuckDBPyConnection:
    """Five months of tags."""
    opened = duckdb.connect()
    tagged(opened, catalogue, {as_of: world(as_of) for as_of in DAYS})
    return opened


def values_of(con: duckdb.DuckDBPyConnection, as_of: date, code: str) -> dict[str, object]:
    """Each customer's value, several in one text; None where there is none."""
    rows = con.execute(
        f"SELECT customer_id, {code} FROM tags.portrait_matrix WHERE as_of = ?", [as_of]
    ).fetchall()
    texts = ((who, " + ".join(v) or None if isinstance(v, list) else v) for who, v in rows)
    return {who: str(v).lower() if isinstance(v, bool) else v for who, v in texts}


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
    with duckdb.connect() as other:
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


def did(as_of: date) -> pl.DataFrame:
    """What customers did in a month; who did nothing has no row."""
    draw = np.random.default_rng(99)
    return pl.DataFrame(
        {
            "customer_id": [f"C{n:03d}" for n in range(10, 80)],
            "purchased": draw.random(70) < 0.5,
            "responded": [bool(x < 0.2) if x < 0.6 else None for x in draw.random(70)],
        }
    )


def test_a_quality_card_measures_the_values_of_the_month_and_the_one_before(
    con: duckdb.DuckDBPyConnection, catalogue: Catalogue
):
    before, now = DAYS[1:3]
    measured = [tag_distributions(con, catalogue, day) for day in (now, before)]
    cards = tag_quality(catalogue, measured[0], measured[1], now, did(now))
    assert OUTCOMES == ("purchased", "responded")
    for card in cards.iter_rows(named=True):
        code = card["tag_code"]
        then, after = values_of(con, before, code), values_of(con, now, code)
        known = [value for value in after.values() if value is not None]
        sizes = Counter(known)
        assert card["customers"] == 60
        assert card["coverage"] == pytest.approx(len(known) / 60, abs=1e-6)
        assert card["distinct_values"] == len(sizes)
        assert card["top_share"] == pytest.approx(max(sizes.values()) / len(known), abs=1e-6)
        if code == "amount":
            earlier = [float(v) for v in then.values() if v is not None]  # type: ignore[arg-type]
            later = [float(v) for v in known]  # type: ignore[arg-type]
            steps = sorted({*earlier, *later})
            distance = max(
                abs(np.mean([v <= x for v in earlier]) - np.mean([v <= x for v in later]))
                for x in steps
            )
            assert card["ks"] == pytest.approx(distance, abs=1e-6)
            assert card["share_changed"] is None
            continue
        assert sizes[card["top_value"]] == max(sizes.values())
        first, *_ = card["distribution"].split("; ")
        assert first == f"{card['top_value']} {max(sizes.values()) / len(known):.1%}"
        both = [(then[w], v) for w, v in after.items() if then.get(w) and v]
        changed = sum(a != b for a, b in both) / len(both)
        assert card["share_changed"] == pytest.approx(changed, abs=1e-6)
        old, new = Counter(then.values()), Counter(after.values())
        bins = {*old, *new, None}
        psi = sum(
            (new[b] - old[b]) / (60 + 0.5 * len(bins)) * log((new[b] + 0.5) / (old[b] + 0.5))
            for b in bins
        )
        assert card["psi"] == pytest.approx(psi, abs=1e-6)
        if card["lift"] is not None:
            bought = dict(did(now).select("customer_id", "purchased").rows())
            hits = {who: bought.get(who, False) for who in then}
            own = [hits[who] for who, value in then.items() if value == card["lift_value"]]
            assert len(own) >= 30
            lift = np.mean(own) / np.mean(list(hits.values()))
            assert card["lift"] == pytest.approx(lift, abs=1e-6)
    aged = {card["tag_code"]: card["age_months"] for card in cards.to_dicts()}
    regions = {as_of: dict(world(as_of).select("customer_id", "region").rows()) for as_of in DAYS}
    ages = [
        next(n for n in range(3) if regions[DAYS[2 - n]].get(who))
        for who, value in values_of(con, now, "home").items()
        if value
    ]
    assert aged.pop("home") == pytest.approx(np.mean(ages), abs=1e-6)
    assert set(aged.values()) == {0.0}
    assert cards["lift"].drop_nulls().len() > 1


def test_a_tag_that_nobody_holds_has_neither_age_nor_distance(catalogue: Catalogue):
    nobody = {day: world(day).with_columns(spend=None, region=None) for day in DAYS[:2]}
    typed = {
        day: frame.cast({"spend": COLUMNS["spend"].polars_type, "region": pl.String})
        for day, frame in nobody.items()
    }
    with duckdb.connect() as opened:
        tagged(opened, catalogue, typed)
        before, now = (tag_distributions(opened, catalogue, day) for day in DAYS[:2])
    cards = tag_quality(catalogue, now, before, DAYS[1]).filter(
        pl.col("tag_code").is_in(["tier", "home", "amount"])
    )
    numbers = ("age_months", "psi", "ks", "share_changed", "top_value", "top_share", "overlap")
    assert cards.select(numbers).null_count().row(0) == (3,) * len(numbers)
    assert cards["coverage"].to_list() == [0.0] * 3


def test_the_top_fifth_of_a_number_begins_with_its_limit(
    con: duckdb.DuckDBPyConnection, catalogue: Catalogue
):
    found = tag_distributions(con, catalogue, DAYS[0])
    known = found.sample.drop_nulls("amount")["amount"].cast(pl.Float64)
    top = found.values["amount"].index("top fifth")
    limit = known.quantile(0.8)
    assert int((found.codes["amount"] == top).sum()) == int((known >= limit).sum())
    assert (known == limit).any()


# -- audiences and changes -------------------------------------------------------------------

TEXTS = ("tier", "home", "third")

SAVED = """\
audiences:
  - {code: high, name: {en: High, zh: 高}, owner: tests, where: "tier = 'high'"}
  - {code: tops, name: {en: Top, zh: 上}, owner: tests, where: "third = 'top' OR home = 'east'"}
"""


def test_members_of_audiences_enter_stay_and_leave_once(
    con: duckdb.DuckDBPyConnection, catalogue: Catalogue, tmp_path: Path
):
    (tmp_path / "a.yaml").write_text(SAVED, encoding="utf-8")
    columns = {column.name: column for column in catalogue.matrix_columns}
    saved = load_audiences(tmp_path / "a.yaml", columns)
    previous: str | None = None
    was: dict[str, set[str]] = {"high": set(), "tops": set()}
    for as_of in DAYS:
        matrix = f"SELECT * FROM tags.portrait_matrix WHERE as_of = DATE '{as_of}'"
        found = con.sql(membership_sql(saved, matrix, previous, as_of)).pl()
        tier, third, home = (values_of(con, as_of, code) for code in ("tier", "third", "home"))
        now = {
            "high": {who for who, value in tier.items() if value == "high"},
            "tops": {w for w, value in third.items() if value == "top" or home[w] == "east"},
        }
        expected = [
            (as_of, code, who, change, change != "left")
            for code in now
            for change, members in (
                ("entered", now[code] - was[code]),
                ("stayed", now[code] & was[code]),
                ("left", was[code] - now[code]),
            )
            for who in members
        ]
        assert found.rows() == sorted(expected)
        con.register("membership", found)
        con.execute("CREATE OR REPLACE TEMP TABLE members AS FROM membership")
        previous, was = "FROM members", now
    without = membership_sql(saved[:1], matrix, previous, as_of)
    assert set(con.sql(without).pl()["audience_code"]) == {"high"}


@pytest.mark.parametrize("months", [1, 2, 3])
def test_a_card_shows_the_changes_of_the_last_months(con: duckdb.DuckDBPyConnection, months: int):
    """April has a day less than January, whose changes are older than three months."""
    shown = set()
    for who in ("C020", "C033", "C047"):
        values = {code: [values_of(con, day, code)[who] for day in DAYS] for code in TEXTS}
        found = customer_card(con, who, DAYS[-1], months).changes
        assert [(c.as_of, c.code, c.before, c.after) for c in found if c.code in values] == [
            (DAYS[at], code, own[at - 1], own[at])
            for at in range(len(DAYS) - 1, len(DAYS) - 1 - months, -1)
            for code, own in sorted(values.items())
            if own[at - 1] != own[at]
        ]
        shown |= {c.as_of for c in found}
    assert shown == set(DAYS[-months:])


def test_every_change_of_a_text_is_listed_and_the_first_month_has_none(
    con: duckdb.DuckDBPyConnection,
):
    found = con.execute(
        "SELECT as_of, tag_code, customer_id, change, value_before, value_after "
        "FROM tags.tag_changes WHERE tag_code IN ('tier', 'home', 'third', 'answers')"
    ).fetchall()
    expected = []
    for code in (*TEXTS, "answers"):
        for before, after in pairwise(DAYS):
            then, now = values_of(con, before, code), values_of(con, after, code)
            for who in {*then, *now}:
                was, becomes = then.get(who), now.get(who)
                change = "gained" if was is None else "lost" if becomes is None else "changed"
                if was != becomes:
                    expected.append((after, code, who, change, was, becomes))
    assert sorted(found, key=str) == sorted(expected, key=str)


def test_the_profile_of_an_audience_compares_it_with_all_customers_of_its_month(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
):
    as_of = DAYS[2]
    saved = {"tops": "third = 'top'", "nobody": "tier = 'high' AND tier = 'low'"}
    audience = select_audience(con, "tier = 'high'", as_of, saved)
    members = {who for who, value in values_of(con, as_of, "tier").items() if value == "high"}
    assert (audience.size, audience.base) == (len(members), 60)
    lines = audience.profile.to_dicts()
    assert {line["tag_code"] for line in lines} >= {"tier", "third", "interests", "answers"}
    for line in lines:
        own = {
            who
            for who, value in values_of(con, as_of, line["tag_code"]).items()
            if value is not None and line["tag_value"] in str(value).split(" + ")
        }
        both = len(own & members)
        assert (line["audience"], line["base"]) == (both, len(own))
        assert line["tgi"] == round(100 * both / len(members) / (len(own) / 60), 1)
        rest = len(own) - both
        table = [[both, len(members) - both], [rest, 60 - len(members) - rest]]
        if (expected_freq(table) < 5).any():
            assert line["p_value"] == pytest.approx(fisher_exact(table).pvalue)
        else:
            chance = chi2_contingency(table, correction=False).pvalue
            assert line["p_value"] == pytest.approx(chance)
    q_values = false_discovery_control([line["p_value"] for line in lines])
    assert [line["q_value"] for line in lines] == pytest.approx(q_values.tolist())
    apart = [abs(line["audience_share"] - line["base_share"]) for line in lines]
    assert apart == sorted(apart, reverse=True)
    tops = {who for who, value in values_of(con, as_of, "third").items() if value == "top"}
    both = len(tops & members)
    assert audience.overlaps.rows() == [
        (
            *("tops", len(tops), both),
            *(round(both / n, 6) for n in (len(members), len(tops), len(tops | members))),
        ),
        ("nobody", 0, 0, 0.0, None, 0.0),
    ]
    assert export_audience(con, audience, tmp_path / "a.parquet").customers == len(members)
    written = pl.read_parquet(tmp_path / "a.parquet")
    assert written["customer_id"].to_list() == sorted(members)
    assert set(written["as_of"]) == {as_of}


def test_a_draft_moves_those_whose_value_differs(tmp_path: Path, catalogue: Catalogue):
    """Also where the value before was kept from the month before."""
    path = tmp_path / "portrait.duckdb"
    with duckdb.connect(str(path)) as opened:
        tagged(opened, catalogue, {day: world(day) for day in DAYS[:3]})
        opened.execute("CREATE SCHEMA clusters")
        for table in (CLUSTER_ASSIGNMENT, CLUSTER_SEGMENT):
            ensure_table(opened, table)
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


def test_a_draft_that_no_month_used_may_be_redefined(tmp_path: Path):
    second = TIER.replace("code: tier", "code: tier\n    version: 2\n    status: draft")
    listed = catalogue_rows(catalogue_of(tmp_path, TIER, second), DAYS[0])
    other = catalogue_of(tmp_path, TIER, second.replace("100", "200"))
    check_unaltered(listed, other)
    with pytest.raises(TagError, match="tier version 1 differs"):
        check_unaltered(listed, catalogue_of(tmp_path, TIER.replace("100", "200"), second))


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
    with duckdb.connect() as opened:
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


FINE = Measures(1_000, 0.5, 3, 0.4, 0.1, 0.05, 0.1, 0.0, ("other", 0.5), None)
LIFT = Lift("purchased", "high", 1.4, 1.1, 1.7)


@pytest.mark.parametrize(
    ("changed", "advised"),
    [
        ({}, "keep"),
        ({"coverage": 0.0099}, "retire"),
        ({"coverage": 0.01}, "review"),
        ({"coverage": 0.2999}, "review"),
        ({"coverage": 0.3}, "keep"),
        ({"top_share": 0.9989}, "keep"),
        ({"top_share": 0.999}, "retire"),
        ({"psi": 0.2499}, "keep"),
        ({"psi": 0.25}, "review"),
        ({"psi": 0.3, "psi_by_chance": 0.31}, "keep"),
        ({"psi": 0.3, "psi_by_chance": None}, "review"),
        ({"share_changed": 0.4999}, "keep"),
        ({"share_changed": 0.5}, "review"),
        ({"age_months": 1.0}, "keep"),
        ({"age_months": 1.01}, "review"),
        ({"overlap": ("other", 0.8999)}, "keep"),
        ({"overlap": ("other", 0.9)}, "review"),
        ({"lift": LIFT}, "keep"),
        ({"lift": replace(LIFT, low=1.0)}, "review"),
        ({"lift": replace(LIFT, low=0.5, high=1.0)}, "review"),
        ({"lift": replace(LIFT, low=0.5, high=0.99)}, "keep"),
    ],
)
def test_the_advice_turns_at_its_limits(tmp_path: Path, changed: dict[str, object], advised: str):
    tag = catalogue_of(tmp_path, TIER).tag("tier")
    predictive = replace(tag, kind=Kind.PREDICTIVE, valid_months=2)
    assert advise(predictive, replace(FINE, **changed))[0] == advised  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("month", "version"),
    [("2024-01", 9), ("2024-02", 10), ("2024-03", 10), ("2024-04", 9), ("2024-05", 11)],
)
def test_the_version_that_took_effect_last_is_active(tmp_path: Path, month: str, version: int):
    """Of those that took effect in the same month the highest."""
    since = {8: "2024-01", 9: "2024-01", 10: "2024-02", 11: "2024-05"}
    tags = (
        TIER.replace("code: tier", f"code: tier\n    version: {n}\n    effective_from: {first}")
        for n, first in since.items()
    )
    tag = catalogue_of(tmp_path, *tags)
    back = replace(tag.tag("tier", 9), effective_from="2024-04")
    again = tuple(each for each in tag.tags if each.version != 9)
    versions = (*again, back) if month >= "2024-04" else tag.tags
    [active] = replace(tag, tags=versions).active(month)
    assert active.version == version
