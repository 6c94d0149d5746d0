"""Quality cards of tags, against a few lines of Python over the values."""

from __future__ import annotations

from collections import Counter
from datetime import date
from math import log

import duckdb
import numpy as np
import polars as pl
import pytest

from portrait_assets.stages.tags.catalogue.tag import Catalogue
from portrait_assets.stages.tags.contract import OUTCOMES
from portrait_assets.stages.tags.quality.cards import tag_quality
from portrait_assets.stages.tags.quality.distributions import tag_distributions
from portrait_assets.storage.duckdb.connection import scratch_database
from portrait_assets.testing.worlds.tags import COLUMNS, tagged
from portrait_assets_tests.tags.oracle.five_months import DAYS, values_of, world


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
    with scratch_database() as opened:
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
