"""The section of the market: what it shows of the tables, and that it stands without them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import pytest

from portrait_assets.core.months import last_day, month_range
from portrait_assets.stages.mart.report import RenderedSection, _rendered
from portrait_assets.stages.mart.sections import market
from portrait_assets.stages.mart.sections.market import MARKET
from portrait_assets.storage.published import Published, Row
from portrait_assets.testing.golden.file import changes
from portrait_assets_tests.mart.conftest import published_of
from portrait_assets_tests.mart.golden_report import (
    COMMAND,
    Drawn,
    golden,
    noted,
    of_section,
)

AS_OF = date(2024, 12, 31)
MONTHS = month_range("2024-07", "2024-12")


def takings(comparison: str, segment: int | None, item: str, change: float) -> dict[str, object]:
    return {"as_of": AS_OF, "comparison": comparison, "segment_id": segment, "item": item} | {
        "change": change,
        "volume": change - 3,
        "price": 2.0,
        "mix": 1.0,
        "range_change": 0.5,
    }


def trend(
    item: str, direction: str, value: float | None, kind: str = "category"
) -> dict[str, object]:
    return {"as_of": AS_OF, "measure": "purchases", "item_kind": kind, "item": item} | {
        "direction": direction,
        "trend": value,
        "trend_low": value and value - 0.01,
        "trend_high": value and value + 0.01,
    }


def gap(month: str, competitor: str, of: str, value: float, is_move: bool) -> dict[str, object]:
    return {
        "as_of": last_day(month),
        "indicator": "rate",
        "product_class": of,
        "product_id": "",
    } | {
        "competitor": competitor,
        "value": 2 + value,
        "own_value": 2.0,
        "gap": value,
        "usual_gap_low": -0.1,
        "usual_gap_high": 0.1,
        "q_value": 0.0001,
        "is_move": is_move,
        "correlation": -0.78,
        "correlation_low": -0.9,
        "correlation_high": -0.54,
        "correlation_months": 23,
    }


def change(
    comparison: str, segment: int, item: str, by: float, direction: str
) -> dict[str, object]:
    return {
        "as_of": AS_OF,
        "comparison": comparison,
        "measure": "holdings",
        "segment_id": segment,
    } | {
        "item": item,
        "customers": 100 if segment == 0 else 40,
        "reach_before": 0.2,
        "reach": 0.2 + by,
        "reach_change": by,
        "reach_change_low": by - 0.05,
        "reach_change_high": by + 0.05,
        "direction": direction,
    }


def need(segment: int, item: str, holds: str, wants: str, lacking: float) -> dict[str, object]:
    return {"as_of": AS_OF, "segment_id": segment, "measure": "purchases", "item": item} | {
        "holds": holds,
        "wants": wants,
        "lacking": lacking,
        "held_share": 0.2,
        "base_share": 0.4,
        "taken_share": 0.1,
        "base_taken_share": 0.05,
        "gap": -0.1,
    }


TABLES: dict[str, list[dict[str, object]]] = {
    "clusters.cluster_segment": [
        {"as_of": day, "segment_id": 1, "name_en": f"buyers of {word}", "name_zh": f"{word}客群"}
        for day, word in ((date(2023, 12, 31), "old"), (AS_OF, "now"))
    ],
    "market.takings_change": [
        takings("month before", 0, "all", 40.0),
        takings("year before", 0, "all", 50.0),
        takings("year before", 1, "all", 9.0),
        takings("year before", 0, "tea", 60.0),
    ],
    "market.trend": [
        trend("tea", "rising", 0.02),
        trend("jam", "falling", -0.05),
        trend("oil", "none is sure", 0.3),
        trend("P1", "rising", 0.9, "product"),
        trend("new", "unknown", None),
    ],
    "market.season": [
        {"as_of": AS_OF, "measure": "purchases", "item_kind": "category", "item": item}
        | {"month_of_year": m, "index": 1 + swing * (m == 12), "is_seasonal": swing > 0.05}
        for item, swing in (("tea", 0.2), ("jam", 0.4), ("oil", 0.01))
        for m in range(1, 13)
    ],
    "market.competitor": [
        gap(
            month,
            who,
            of,
            0.6 if who == "甲银行" and month == "2024-11" else 0.0,
            month == "2024-11",
        )
        for month in MONTHS
        for who in ("甲银行", "乙银行")
        for of in ("deposit",)
    ]
    + [gap(month, "甲银行", "fund", 0.9, is_move=False) for month in MONTHS],
    "market.demand_change": [
        change("month before", 1, "card", 0.5, "more"),
        change("year before", 1, "fund", 0.1, "more"),
        change("year before", 0, "loan", -0.2, "fewer"),
        change("year before", 0, "oil", 0.4, "none is sure"),
    ],
    "market.segment_need": [
        need(1, "tea", "less than others", "none is sure", 40.0),
        need(1, "jam", "more than others", "more than others", -30.0),
        need(1, "oil", "more than others", "none is sure", -90.0),
        need(0, "tea", "less than others", "more than others", 99.0),
    ],
    "market.launch": [
        {"as_of": AS_OF, "product_id": "P9", "category": "fund", "months": 1, "customers": 42}
        | {"take_rate": 0.0163, "other_take_rate": 0.0003, "is_taken_up": True}
        | {"from_product": "P4", "changed_share": 0.298}
    ],
    "market.bundle": [
        {"as_of": AS_OF, "segment_id": 0, "item": "tea", "other_item": "jam", "baskets": 100}
        | {"support": 0.05, "lift": 3.0, "lift_low": 2.5, "lift_high": 3.6}
    ],
}


def published(tables: Mapping[str, Sequence[Row]]) -> Published:
    return published_of(tables, AS_OF, smallest=10)


def section() -> tuple[RenderedSection, Drawn]:
    """The section of these tables, and what its charts are drawn from."""
    with noted() as drawn:
        return _rendered(MARKET, published(TABLES), "CNY"), drawn


@pytest.fixture(scope="module")
def filled() -> Published:
    return published(TABLES)


def test_takings_are_those_of_all_against_the_year_before(filled: Published) -> None:
    split = market.split_of_takings(filled)
    assert split is not None
    assert (split["comparison"], split["change"]) == ("year before", 50.0)
    by_month = published({"market.takings_change": TABLES["market.takings_change"][:1]})
    split = market.split_of_takings(by_month)
    assert split is not None
    assert split["comparison"] == "month before"


def test_trends_and_seasons_are_those_that_are_sure_the_largest_first(filled: Published) -> None:
    assert [row["name"] for row in market.sure_trends(filled)] == ["jam", "tea"]
    assert {row["name"] for row in market.seasons(filled)} == {"jam", "tea"}
    assert len(market.seasons(filled)) == 24


def test_the_class_that_moved_last_is_shown_of_all_competitors(filled: Published) -> None:
    of, rows = market.competitors_gaps(filled)
    assert of == "rate deposit"
    assert len(rows) == 2 * len(MONTHS)


def test_changes_bear_the_names_of_the_segments_of_then(filled: Published) -> None:
    found = [(row["item"], row["segment_en"]) for row in market.changes(filled)]
    assert found == [("loan", "all customers"), ("fund", "buyers of old")]


def test_changes_of_a_segment_of_everyone_are_those_of_all(filled: Published) -> None:
    rows = TABLES["market.demand_change"]
    alone = [row | {"customers": 100} for row in rows]
    found = market.changes(published(TABLES | {"market.demand_change": alone}))
    assert [(row["item"], row["segment_en"]) for row in found] == [("loan", "all customers")]


def test_needs_are_of_segments_that_lack_or_want(filled: Published) -> None:
    found = [(row["item"], row["segment_zh"]) for row in market.needs(filled)]
    assert found == [("tea", "now客群"), ("jam", "now客群")]


def test_the_section_has_four_charts_in_both_languages_and_its_tables() -> None:
    rendered, drawn = section()
    text = str(rendered.html)
    assert rendered.charts == 4
    for name in ("takings", "trends", "seasons", "competitors"):
        assert f'data-chart="{name}"' in text
    for words in (
        "volume: more purchases",
        "月度变动（占中位数）",
        "季节指数",
        "竞争机构指标减本机构指标",
    ):
        assert words in text
    assert "P4 (29.8%)" in text
    assert "tea + jam" in text
    assert "hold it" in text
    assert "持有减少" in text
    changed = changes(golden("market"), of_section(rendered, drawn))
    assert not changed, "\n".join([*changed, f"If all of it is meant, renew with `{COMMAND}`."])


def test_without_tables_the_section_says_what_is_missing() -> None:
    section = _rendered(MARKET, published({}), None)
    assert section.charts == 0
    for sentence in (
        "There is no earlier month with takings to compare with.",
        "The source has no indicators of competitors.",
        "No competitor is surely away from its usual gap.",
        "没有确定的变化。",
    ):
        assert sentence in str(section.html)
