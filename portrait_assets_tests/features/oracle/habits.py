"""Where and when a customer buys, gives back and speaks up, and at what prices and risks."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from datetime import date

from portrait_assets_tests.features.oracle.holdings import last_of_months
from portrait_assets_tests.features.oracle.rows import Row, Tables, clip, of, shrunk, within

BASE_LINES, BASE_ACCOUNTS = 10, 6
KINDS = {
    **{"App": "digital", "web": "digital", "store": "branch", "POS": "self_service"},
    **{"atm": "self_service", "phone": "phone"},
}


def habits(tables: Tables, customer: str, as_of: date, observed_months: int) -> Row:
    """The features of habits, prices and risk of one customer."""
    sales = within(tables, "transactions", as_of)
    own = of(sales, customer)
    return {
        "lines_12m": len(own),
        **_channels(own),
        **_hours(own),
        **_amounts(own, observed_months),
        **_feedback(of(within(tables, "interactions", as_of), customer)),
        **_quality(tables, sales, customer),
        **_risk(tables, customer, as_of),
    }


def _channels(own: list[Row]) -> Row:
    kinds = Counter(KINDS[s["channel"]] for s in own if s["channel"] in KINDS)
    known = sum(kinds.values())
    row: Row = {
        f"{kind}_share_12m": kinds[kind] / known if known else None for kind in {*KINDS.values()}
    }
    squares = sum(n * n for n in kinds.values())
    return row | {"channel_hhi_12m": squares / known**2 if known else None}


def _hours(own: list[Row]) -> Row:
    """An hour counts by its middle, in whole thousandths of the circle's radius."""
    if not own:
        return dict.fromkeys(("typical_hour_12m", "hour_regularity_12m", "top_weekday_share_12m"))
    angles = [math.pi * (s["occurred_at"].hour + 0.5) / 12 for s in own]
    x, y = (sum(round(1000 * of_angle(a)) for a in angles) for of_angle in (math.cos, math.sin))
    weekdays = Counter(s["occurred_at"].weekday() for s in own)
    return {
        "typical_hour_12m": round(math.atan2(y, x) * 12 / math.pi % 24, 2) if x or y else None,
        "hour_regularity_12m": min(math.hypot(x, y) / 1000 / len(own), 1),
        "top_weekday_share_12m": max(weekdays.values()) / len(own),
    }


def _amounts(own: list[Row], observed_months: int) -> Row:
    spend = sum(s["amount"] for s in own)
    returned = -sum(s["amount"] for s in own if s["amount"] < 0)
    recent = sum(s["amount"] for s in own if s["ago"] < 3)
    both = sum(s["amount"] for s in own if s["ago"] < 6)
    has_trend = observed_months >= 6 and both > 0
    whole = spend + returned
    return {
        "returned_amount_share_12m": clip(returned / whole) if whole > 0 else None,
        "spend_trend_3m": max(min((2 * recent - both) / both, 1), -1) if has_trend else None,
    }


def _feedback(events: list[Row]) -> Row:
    kinds = Counter(event["kind"] for event in events)
    scores = [e["score"] for e in events if e["kind"] == "survey" and e["score"] is not None]
    return {
        "complaints_12m": kinds["complaint"],
        "visits_12m": kinds["visit"],
        "surveys_12m": len(scores),
        "survey_score_12m": sum(scores) / len(scores) if scores else None,
    }


def _quality(tables: Tables, sales: list[Row], customer: str) -> Row:
    """What was paid against the same quantity at the category's average price of the month."""
    category = {p["product_id"]: p["category"] for p in tables["products"]}
    priced = [s for s in sales if s["amount"] > 0 and (s["quantity"] or 0) > 0]
    priced = [s for s in priced if category.get(s["product_id"])]
    totals: dict[tuple[int, str], list[float]] = defaultdict(lambda: [0, 0])
    for s in priced:
        total = totals[s["ago"], category[s["product_id"]]]
        total[0] += s["amount"]
        total[1] += s["quantity"]

    def cost(s: Row) -> float:
        amount, quantity = totals[s["ago"], category[s["product_id"]]]
        # To the cent, half a cent upwards.
        return math.floor(100 * (s["quantity"] * (round(amount, 2) / quantity)) + 0.5) / 100

    own, everyone = (
        (sum(s["amount"] for s in rows), sum(map(cost, rows)))
        for rows in (of(priced, customer), priced)
    )
    n = len(of(priced, customer))
    level = shrunk(own[0] / own[1], n, everyone[0] / everyone[1], BASE_LINES) if n else None
    return {"priced_lines_12m": n, "quality_level_12m": level}


def _risk(tables: Tables, customer: str, as_of: date) -> Row:
    """Of accounts with a balance and without a credit limit, month by month."""
    grades = {
        p["product_id"]: int(p["risk_grade"][1:]) for p in tables["products"] if p["risk_grade"]
    }
    balances = within(tables, "balances", as_of)

    def graded(who: str) -> list[tuple[float, int]]:
        return [
            (a["balance"], grades[a["product_id"]])
            for accounts in last_of_months(of(balances, who)).values()
            for a in accounts
            if a["balance"] > 0 and a["credit_limit"] is None and a["product_id"] in grades
        ]

    own = graded(customer)
    everyone = [each for who in {b["customer_id"] for b in balances} for each in graded(who)]
    mean, base = (
        sum(b * g for b, g in rows) / sum(b for b, _ in rows) if rows else 0
        for rows in (own, everyone)
    )
    return {
        "graded_account_months_12m": len(own),
        "risk_appetite_12m": shrunk(mean, len(own), base, BASE_ACCOUNTS) if own else None,
    }
