"""Quality cards, members of audiences and changes, against a few lines of Python over the values."""

from __future__ import annotations

from collections import Counter
from datetime import date
from math import log
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest

from portrait_assets.core.months import last_day, month_range
from portrait_assets.stages.tags.audiences.saved_audiences import load_audiences, membership_sql
from portrait_assets.stages.tags.card import customer_card
from portrait_assets.stages.tags.catalogue.tag import Catalogue
from portrait_assets.stages.tags.contract import OUTCOMES
from portrait_assets.stages.tags.quality.cards import tag_quality
from portrait_assets.stages.tags.quality.distributions import tag_distributions
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


def held(con: duckdb.DuckDBPyConnection, as_of: date, code: str) -> dict[str, object]:
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
        found = held(con, as_of, "third")
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
        for who, value in held(con, as_of, "home").items():
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
    distributions = [tag_distributions(con, catalogue, day) for day in (now, before)]
    cards = tag_quality(catalogue, *distributions, now, did(now))
    assert OUTCOMES == ("purchased", "responded")
    for card in cards.iter_rows(named=True):
        code = card["tag_code"]
        then, after = held(con, before, code), held(con, now, code)
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
        for who, value in held(con, now, "home").items()
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
    previous, was = None, {"high": set(), "tops": set()}
    for as_of in DAYS:
        matrix = f"SELECT * FROM tags.portrait_matrix WHERE as_of = DATE '{as_of}'"
        found = con.sql(membership_sql(saved, matrix, previous, as_of)).pl()
        tier, third, home = (held(con, as_of, code) for code in ("tier", "third", "home"))
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
def test_a_card_shows_the_changes_of_the_last_months(
    con: duckdb.DuckDBPyConnection, months: int
):
    """April has a day less than January, whose changes are older than three months."""
    shown = set()
    for who in ("C020", "C033", "C047"):
        values = {code: [held(con, day, code)[who] for day in DAYS] for code in TEXTS}
        found = customer_card(con, who, DAYS[-1], months).changes
        assert [(c.as_of, c.code, c.before, c.after) for c in found if c.code in values] == [
            (DAYS[at], code, own[at - 1], own[at])
            for at in range(len(DAYS) - 1, len(DAYS) - 1 - months, -1)
            for code, own in sorted(values.items())
            if own[at - 1] != own[at]
        ]
        shown |= {c.as_of for c in found}
    assert shown == set(DAYS[-months:])
