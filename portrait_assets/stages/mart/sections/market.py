"""What is in demand, what changed, what competitors do, and what products are designed by."""

from __future__ import annotations

from typing import Any

from portrait_assets.core.months import last_day, next_month
from portrait_assets.stages.mart.charts import market as charts
from portrait_assets.stages.mart.charts.portrait import PALETTE
from portrait_assets.stages.mart.sections import TEMPLATES
from portrait_assets.storage.published import Published, Row, Section

PARTS = (
    ("change", "change", "变动"),
    ("volume", "volume: more purchases", "量"),
    ("price", "price", "价"),
    ("mix", "mix: other things", "结构"),
)
SHOWN = 10
SEASONS = 5
EVERYONE = ("all customers", "全体客户")
JOINED = ("who joined since", "新客户")
COMPARED = {
    "month before": ("the month before", "上月"),
    "year before": ("a year before", "去年同月"),
}
DIRECTIONS = {"more": ("more", "增加"), "fewer": ("fewer", "减少")}
MEASURES = {"purchases": ("buy", "购买"), "holdings": ("hold", "持有")}


def split_of_takings(published: Published) -> Row | None:
    """The change of all customers' takings: against the year before, or else the month before."""
    rows = published.newest("market.takings_change", "comparison DESC")
    whole = [row for row in rows if row["segment_id"] == 0 and row["item"] == "all"]
    return next(iter(whole), None)


def sure_trends(published: Published) -> list[Row]:
    """The trends that are sure, the steepest first, of categories."""
    rows = [
        {"name": row["item"], "trend": row["trend"], "low": row["trend_low"]}
        | {"high": row["trend_high"]}
        for row in published.newest("market.trend", "abs(trend) DESC NULLS LAST, item, measure")
        if row["direction"] in ("rising", "falling") and row["item_kind"] == "category"
    ]
    return rows[:SHOWN]


def seasons(published: Published) -> list[Row]:
    """The twelve indices of the categories that surely have a season, the widest first."""
    rows = [
        row
        for row in published.newest("market.season", "measure, item, month_of_year")
        if row["is_seasonal"] and row["item_kind"] == "category"
    ]
    widths: dict[str, float] = {}
    for row in rows:
        widths[row["item"]] = max(widths.get(row["item"], 0.0), abs(row["index"] - 1))
    widest = sorted(widths, key=lambda item: (-widths[item], item))[:SEASONS]
    return [
        {"name": row["item"], "month": f"{row['month_of_year']:02}", "value": row["index"]}
        for row in rows
        if row["item"] in widest
    ]


def competitors_gaps(published: Published) -> tuple[str, list[Row]]:
    """The class that moved last, or else the first, and each competitor's gap by month in it."""
    if published.as_of is None:
        return "", []
    rows = published.rows(
        "market.competitor",
        "SELECT as_of, product_class || CASE WHEN product_id <> '' THEN ' ' || product_id ELSE '' "
        "END AS product_class, competitor AS name, gap AS value, is_move, indicator FROM {table} "
        "WHERE gap IS NOT NULL AND as_of <= ? ORDER BY ALL",
        [published.as_of],
    )
    if not rows:
        return "", []
    last = max(rows, key=lambda row: (bool(row["is_move"]), row["as_of"] if row["is_move"] else 0))
    of = (last["indicator"], last["product_class"])
    own = [row for row in rows if (row["indicator"], row["product_class"]) == of]
    return " ".join(filter(None, of)), [row | {"month": f"{row['as_of']:%Y-%m}"} for row in own]


def _charts(published: Published) -> dict[str, str]:
    drawn = {}
    if split := split_of_takings(published):
        rows = [{"name": en, "amount": float(split[part])} for part, en, _ in PARTS]
        drawn["takings"] = charts.parts(rows, {en: zh for _, en, zh in PARTS})
    if rows := sure_trends(published):
        drawn["trends"] = charts.trends(rows)
    if rows := seasons(published):
        names = list(dict.fromkeys(str(row["name"]) for row in rows))
        label = ("Seasonal indices", "季节指数")
        drawn["seasons"] = charts.by_month(rows, names, ("seasonal index", "季节指数"), label)
    of, rows = competitors_gaps(published)
    if rows:
        names = sorted({str(row["name"]) for row in rows})[: len(PALETTE)]
        label = (f"Gaps of competitors, {of}", f"竞争机构差距：{of}")
        drawn["competitors"] = charts.by_month(
            [row for row in rows if row["name"] in names],
            names,
            ("competitor's value less the own", "竞争机构指标减本机构指标"),
            label,
        )
    return drawn


def _named(rows: list[Row], published: Published, months_ago: int = 0) -> list[Row]:
    """The rows with the name that their segment had so many months ago."""
    if published.as_of is None:
        return []
    month = next_month(f"{published.as_of:%Y-%m}", -months_ago)
    found = published.rows(
        "clusters.cluster_segment",
        "SELECT segment_id, name_en, name_zh FROM {table} WHERE as_of = ?",
        [last_day(month)],
    )
    names = {row["segment_id"]: (row["name_en"], row["name_zh"]) for row in found}
    names |= {0: EVERYONE, None: JOINED}
    return [
        row | dict(zip(("segment_en", "segment_zh"), names[row["segment_id"]], strict=True))
        for row in rows
        if row["segment_id"] in names
    ]


def changes(published: Published) -> list[Row]:
    """What changed most, of what is sure: against the year before where it is known.

    Where all were one segment, nothing is shown of it beside all customers.
    """
    found = published.newest(
        "market.demand_change", "abs(reach_change) DESC, segment_id, measure, item"
    )
    of_all = {row["comparison"]: row["customers"] for row in found if row["segment_id"] == 0}
    rows = [
        row
        for row in found
        if row["direction"] in DIRECTIONS
        and (row["segment_id"] == 0 or row["customers"] != of_all.get(row["comparison"]))
    ]
    by_year = [row for row in rows if row["comparison"] == "year before"]
    return _named((by_year or rows)[:SHOWN], published, 12 if by_year else 1)


def needs(published: Published) -> list[Row]:
    """What segments surely take more than others do, or hold less, the largest numbers first."""
    rows = published.newest(
        "market.segment_need", "abs(lacking) DESC NULLS LAST, segment_id, measure, item"
    )
    sure = [
        row
        for row in rows
        if row["segment_id"] != 0
        and (row["wants"] == "more than others" or row["holds"] == "less than others")
    ]
    return _named(sure[:SHOWN], published)


def _show(published: Published) -> dict[str, Any]:
    bundles = published.newest("market.bundle", "lift_low DESC, item, other_item")
    return {
        "charts": lambda: _charts(published),
        "split": split_of_takings(published),
        "compared": COMPARED,
        "directions": DIRECTIONS,
        "measures": MEASURES,
        "moves": [
            row
            for row in published.newest("market.competitor", "q_value, competitor, product_class")
            if row["is_move"]
        ],
        "launches": published.newest("market.launch", "months, product_id")[:SHOWN],
        "changes": changes(published),
        "needs": needs(published),
        "bundles": _named(bundles[:SHOWN], published),
    }


MARKET = Section("market", "Market", "市场", TEMPLATES / "market.html", _show)
