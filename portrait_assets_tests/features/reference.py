"""The features once more, slowly and obviously: loops over one customer's rows, nothing shared.

Amounts are whole cents, so that every sum is exact.
"""

from __future__ import annotations

import math
from collections import defaultdict
from datetime import date, timedelta
from typing import Any

Row = dict[str, Any]


def share(part: float, whole: float) -> Any:
    return None if whole <= 0 else min(max(part / whole, 0), 1)


def shrunk(part: float, whole: float, n: int, all_part: float, all_whole: float, k: int) -> Any:
    if n == 0 or whole <= 0 or all_whole <= 0:
        return None
    return (n * share(part, whole) + k * share(all_part, all_whole)) / (n + k)


def ago(row: Row, as_of: date) -> int:
    day: date = row["occurred_at"]
    return (as_of.year - day.year) * 12 + as_of.month - day.month


def spread(values: list[float]) -> float | None:
    if len(values) < 2 or sum(values) <= 0:
        return None
    mean = sum(values) / len(values)
    return math.sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - 1)) / mean


def features(sales: list[Row], products: dict[str, Row], as_of: date) -> dict[str, Row]:
    """By customer, a good part of the features as of a day."""
    known = [s for s in sales if s["occurred_at"].date() <= as_of]
    window = [
        {
            **s,
            "ago": ago(s, as_of),
            "category": s["category"] or products.get(s["product_id"], {}).get("category"),
            "brand": products.get(s["product_id"], {}).get("brand"),
            "own": products.get(s["product_id"], {}).get("is_own_label"),
            "discount_amount": s["discount_amount"] or 0,
        }
        for s in known
        if ago(s, as_of) < 12
    ]
    choices = {who: _choices(window, who) for who in {s["customer_id"] for s in window}}
    unknown = _not_given(known)
    rows = {
        who: _one(
            [s for s in known if s["customer_id"] == who],
            [s for s in window if s["customer_id"] == who],
            window,
            choices,
            who,
            as_of,
        )
        for who in {s["customer_id"] for s in known}
    }
    return {
        who: {name: None if name in unknown else value for name, value in row.items()}
        for who, row in rows.items()
    }


def _not_given(known: list[Row]) -> set[str]:
    """Features that nobody has a value of, for want of it in all sales so far."""
    unknown: set[str] = set()
    if len({s["occurred_at"].time() for s in known}) < 2:
        unknown |= {"evening_spend_share_12m", "night_line_share_12m", "morning_line_share_12m"}
    if not any(s["amount"] < 0 for s in known):
        unknown |= {"return_share_12m"}
    if not any(s["discount_amount"] for s in known):
        unknown |= {"discounted_share_12m", "discount_depth_12m"}
    return unknown


def gives_back(s: Row) -> bool:
    """Whether a line returns or cancels something."""
    return bool(s["amount"] < 0 or s["cancels"] or s["kind"] in ("return", "cancellation"))


def bought(known: list[Row], as_of: date) -> list[Row]:
    """One customer's purchases as known then: what is left of each, its month and its times."""

    def key(number: int) -> Any:
        # A basket that goes on after midnight of a month's end is two purchases.
        line = known[number]
        return (line["basket_id"], ago(line, as_of)) if line["basket_id"] else number

    def cancelled_by(line: Row) -> int | None:
        meant = [
            (
                *(ago(other, as_of), rank, -_seconds(other), -other["amount"]),
                *(other["basket_id"] or "~", number),
            )
            for rank, reference in enumerate(("transaction_id", "basket_id"))
            for number, other in enumerate(known)
            if other[reference] == line["cancels"]
            and not gives_back(other)
            and ago(other, as_of) >= ago(line, as_of)
        ]
        return min(meant)[-1] if meant else None

    lines: dict[Any, list[Row]] = defaultdict(list)
    taken: dict[Any, int] = defaultdict(int)
    for number, line in enumerate(known):
        if not line["cancels"]:
            lines[key(number)].append(line)
        elif (target := cancelled_by(line)) is not None:
            taken[key(target)] += line["amount"]
    found = []
    for each, of_it in lines.items():
        kept = [s for s in of_it if not gives_back(s)]
        left = sum(s["amount"] for s in of_it) + taken.get(each, 0)
        if kept and (left > 0 or (kept == of_it and each not in taken)):
            times = [s["occurred_at"] for s in kept]
            found.append({"ticket": left, "ago": ago(kept[0], as_of), "times": times})
    return found


def _choices(window: list[Row], who: str) -> dict[tuple[Any, Any], list[Row]]:
    found = defaultdict(list)
    for s in window:
        if s["customer_id"] == who and (s["category"] or s["brand"]) and not gives_back(s):
            found[s["category"], s["brand"]].append(s)
    return found


def _one(
    ever: list[Row], own_sales: list[Row], everyone: list[Row], choices: Any, who: str, as_of: date
) -> Row:
    purchases = bought(ever, as_of)
    times = [at for each in purchases for at in each["times"]]
    row: Row = {"recency_days": (as_of - max(times).date()).days if times else None}
    for n in (1, 3, 6, 12):
        row[f"purchases_{n}m"] = sum(each["ago"] < n for each in purchases)
        row[f"spend_{n}m"] = sum(s["amount"] for s in own_sales if s["ago"] < n)
    if not own_sales:
        return row
    spend = row["spend_12m"]
    within = [each for each in purchases if each["ago"] < 12]
    tickets = [each["ticket"] for each in within]
    oldest = max(s["ago"] for s in own_sales)
    monthly = [sum(s["amount"] for s in own_sales if s["ago"] == a) for a in range(oldest + 1)]
    days = {at.date() for each in within for at in each["times"]}
    row |= {
        "average_ticket_12m": sum(tickets) / len(tickets) if tickets else None,
        "ticket_spread_12m": spread(tickets),
        "largest_ticket_12m": max(tickets, default=None),
        "active_month_share_12m": len({each["ago"] for each in within}) / (oldest + 1),
        "purchase_days_12m": len(days),
        "days_between_purchases_12m": (
            (max(days) - min(days)) / timedelta(days=1) / (len(days) - 1) if len(days) > 1 else None
        ),
        "spend_spread_12m": spread(monthly),
        "spend_slope_12m": _slope(monthly),
        "return_share_12m": sum(map(gives_back, own_sales)) / len(own_sales),
        "weekend_spend_share_12m": share(_spent(own_sales, lambda s: _weekday(s) >= 6), spend),
        "evening_spend_share_12m": share(_spent(own_sales, lambda s: _hour(s) >= 18), spend),
        "night_line_share_12m": sum(_hour(s) < 6 for s in own_sales) / len(own_sales),
        "morning_line_share_12m": sum(6 <= _hour(s) < 12 for s in own_sales) / len(own_sales),
        "top_weekday_12m": min(
            range(1, 8), key=lambda day: (-sum(_weekday(s) == day for s in own_sales), day)
        ),
    }
    row |= _values(own_sales, everyone, choices, who)
    return row


def _values(own_sales: list[Row], everyone: list[Row], choices: Any, who: str) -> Row:
    spend, lines = _spent(own_sales), len(own_sales)
    branded = [s for s in own_sales if s["own"] is not None]
    all_branded = [s for s in everyone if s["own"] is not None]
    discount = sum(s["discount_amount"] for s in own_sales)
    all_discount = sum(s["discount_amount"] for s in everyone)
    row: Row = {
        "discounted_share_12m": shrunk(
            _spent(own_sales, lambda s: s["discount_amount"] > 0),
            spend,
            lines,
            _spent(everyone, lambda s: s["discount_amount"] > 0),
            _spent(everyone),
            10,
        ),
        "discount_depth_12m": shrunk(
            discount, discount + spend, lines, all_discount, all_discount + _spent(everyone), 10
        ),
        "own_label_share_12m": shrunk(
            _spent(branded, lambda s: s["own"]),
            _spent(branded),
            len(branded),
            _spent(all_branded, lambda s: s["own"]),
            _spent(all_branded),
            10,
        ),
    }
    row |= _brands(everyone, who)
    own = choices[who]
    by_category: dict[str, int] = defaultdict(int)
    for s in own_sales:
        if s["category"]:
            by_category[s["category"]] += s["amount"]
    positive = {name: amount for name, amount in by_category.items() if amount > 0}
    counts = _lines_of(own_sales, "category")
    row |= {"category_lines_12m": sum(counts.values()), "branded_lines_12m": len(branded)}
    row |= {"choices_12m": len(own), "choices_3m": _recent(own)[1]}
    row |= {"brand_choice_lines_12m": _loyal(own)[1], "category_count_12m": None}
    if by_category:
        row["category_count_12m"] = len(positive)
    row |= dict.fromkeys(("top_category", "top_category_share_12m", "top_category_share_low_12m"))
    if positive:
        whole = sum(positive.values())
        row["top_category_share_12m"] = max(positive.values()) / whole
        row["category_diversity_12m"] = whole**2 / sum(a**2 for a in positive.values())
        row["top_category"] = min(positive, key=lambda name: (-positive[name], name))
        n = sum(counts.values())
        row["top_category_share_low_12m"] = _low(counts[row["top_category"]], n) if n else None
        row["category_hhi_12m"] = sum((amount / whole) ** 2 for amount in positive.values())
    if own:
        repeated = {w: sum(_months(c) > 1 for c in choices[w].values()) for w in choices}
        row["repeat_rate_12m"] = shrunk(
            repeated[who],
            len(own),
            len(own),
            sum(repeated.values()),
            sum(map(len, choices.values())),
            5,
        )
        loyal = {w: _loyal(choices[w]) for w in choices}
        row["brand_loyalty_12m"] = shrunk(
            *loyal[who],
            loyal[who][1],
            sum(a for a, _ in loyal.values()),
            sum(b for _, b in loyal.values()),
            10,
        )
        recent = {w: _recent(choices[w]) for w in choices}
        seasoned = [w for w in choices if _first(choices[w]) >= 3]
        row["novelty_share_3m"] = (
            shrunk(
                *recent[who],
                recent[who][1],
                sum(recent[w][0] for w in seasoned),
                sum(recent[w][1] for w in seasoned),
                5,
            )
            if who in seasoned
            else None
        )
    return row


def _lines_of(sales: list[Row], what: str) -> dict[str, int]:
    """Lines by category or brand that give nothing back."""
    counts: dict[str, int] = defaultdict(int)
    for s in sales:
        if s[what]:
            counts[s[what]] += not gives_back(s)
    return counts


def _low(part: int, n: int) -> float:
    """The lower end of Wilson's interval of 95 %."""
    p, z = part / n, 1.959964
    half = z * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return max((p + z**2 / (2 * n) - half) / (1 + z**2 / n), 0)


def _brands(everyone: list[Row], who: str) -> Row:
    spent: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for s in everyone:
        if s["brand"]:
            spent[s["customer_id"]][s["brand"]] += s["amount"]
    positive = {w: [a for a in brands.values() if a > 0] for w, brands in spent.items()}
    own_amounts = positive.get(who)
    own_sales = [s for s in everyone if s["customer_id"] == who]
    lines = sum(_lines_of(own_sales, "brand").values())
    if not own_amounts:
        return {"brand_lines_12m": lines, "top_brand": None}
    all_first = sum(max(amounts) for amounts in positive.values() if amounts)
    all_spent = sum(map(sum, positive.values()))
    return {
        "brand_lines_12m": lines,
        "top_brand": min(spent[who], key=lambda name: (-spent[who][name], name)),
        "top_brand_share_12m": shrunk(
            max(own_amounts), sum(own_amounts), lines, all_first, all_spent, 10
        ),
        "brand_hhi_12m": shrunk(
            sum(a**2 for a in own_amounts),
            sum(own_amounts) ** 2,
            lines,
            sum(a**2 for amounts in positive.values() for a in amounts),
            sum(sum(amounts) ** 2 for amounts in positive.values()),
            10,
        ),
    }


def _spent(rows: list[Row], where: Any = lambda s: True) -> int:
    return sum(s["amount"] for s in rows if where(s))


def _seconds(s: Row) -> float:
    return float(s["occurred_at"].timestamp())


def _weekday(s: Row) -> int:
    return int(s["occurred_at"].isoweekday())


def _hour(s: Row) -> int:
    return int(s["occurred_at"].hour)


def _months(rows: list[Row]) -> int:
    return len({s["ago"] for s in rows})


def _first(choices: Any) -> int:
    return max((s["ago"] for rows in choices.values() for s in rows), default=0)


def _recent(choices: Any) -> tuple[int, int]:
    bought = [rows for rows in choices.values() if min(s["ago"] for s in rows) < 3]
    return sum(max(s["ago"] for s in rows) < 3 for rows in bought), len(bought)


def _loyal(choices: Any) -> tuple[int, int]:
    lines: dict[str, list[int]] = defaultdict(list)
    for (category, brand), rows in choices.items():
        if category and brand:
            lines[category].append(len(rows))
    twice = [counts for counts in lines.values() if sum(counts) > 1]
    return sum(map(max, twice)), sum(map(sum, twice))


def _slope(monthly: list[float]) -> float | None:
    """Change per month, oldest month first, relative to the mean."""
    if len(monthly) < 3 or sum(monthly) <= 0:
        return None
    y = list(reversed(monthly))
    middle, mean = (len(y) - 1) / 2, sum(y) / len(y)
    rise = sum((x - middle) * (v - mean) for x, v in enumerate(y))
    return rise / sum((x - middle) ** 2 for x in range(len(y))) / mean
