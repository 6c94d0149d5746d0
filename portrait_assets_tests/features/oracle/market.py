"""How a customer takes prices, promotions, new and withdrawn products, and the market."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date

from portrait_assets_tests.features.oracle.rows import (
    Row,
    Tables,
    ago,
    clip,
    day_of,
    known,
    months_before,
    of,
    shrunk,
    within,
)

BASE_LINES, NEW_DAYS, MOVED = 20, 182, 0.05
COMPARED, LEAST_MONTHS, UNRELATED_MONTHS = 3, 6, 12


def market(tables: Tables, customer: str, as_of: date) -> Row:
    """The features of prices, promotions, products and the market of one customer."""
    products = {p["product_id"]: p for p in tables["products"]}
    sales = within(tables, "transactions", as_of)
    return {
        **_promotions(tables, sales, products, customer, as_of),
        **_prices(tables, sales, products, customer, as_of),
        **_new_products(sales, products, customer),
        **_indicators(tables, sales, customer, as_of),
        **_withdrawals(tables, sales, products, customer, as_of),
    }


def _count(rows: list[Row], where: Callable[[Row], bool]) -> int:
    return sum(map(where, rows))


def _promotions(
    tables: Tables, sales: list[Row], products: dict[str, Row], customer: str, as_of: date
) -> Row:
    def shown(line: Row, kind: str) -> float | None:
        """The share of stores and weeks of the month with it, to a millionth."""
        flag = "is_on_display" if kind == "display" else "is_in_mailer"
        shares = [
            p[f"{kind}_share"]
            for p in within(tables, "promotions", as_of)
            if (p["product_id"], p["ago"]) == (line["product_id"], line["ago"])
            and p[f"{kind}_share"] is not None
        ]
        if line[flag] is None or line["product_id"] not in products or not shares:
            return None
        return round(sum(shares) / len(shares), 6)

    def promotable(line: Row) -> bool:
        return shown(line, "display") is not None or shown(line, "mailer") is not None

    own = of(sales, customer)
    n, spend = _count(own, promotable), sum(s["amount"] for s in own)
    promoted = sum(s["amount"] for s in own if s["is_on_display"] or s["is_in_mailer"])
    row: Row = {
        "promotable_lines_12m": n,
        "promoted_share_12m": clip(promoted / spend) if n and spend > 0 else None,
    }
    for kind, flag in (("display", "is_on_display"), ("mailer", "is_in_mailer")):
        ratios = []
        for lines in (own, sales):
            odds = [(s, shown(s, kind)) for s in lines]
            expected = sum(share for _, share in odds if share is not None)
            bought = sum(bool(s[flag]) for s, share in odds if share is not None)
            ratios.append(bought / expected if expected > 0 else None)
        own_ratio, base = ratios
        if n == 0 or own_ratio is None or base is None:
            row[f"{kind}_uplift_12m"] = None
        else:
            row[f"{kind}_uplift_12m"] = shrunk(own_ratio, n, base, BASE_LINES)
    return row


def _prices(
    tables: Tables, sales: list[Row], products: dict[str, Row], customer: str, as_of: date
) -> Row:
    def priced(line: Row) -> bool:
        return line["amount"] > 0 and (line["quantity"] or 0) > 0

    ever = [s for s in known(tables, "transactions", as_of) if priced(s)]

    def difference(line: Row) -> float:
        """Relative to the product's price in the twelve months before; 0 where not known."""
        before = [
            s
            for s in ever
            if s["product_id"] == line["product_id"]
            and 1 <= ago(s["occurred_at"], line["occurred_at"]) <= 12
        ]
        if line["product_id"] not in products or not priced(line) or not before:
            return 0
        usual = sum(s["amount"] for s in before) / sum(s["quantity"] for s in before)
        return float(line["amount"] / line["quantity"] / usual - 1)

    moves = {}
    for who, lines in (("own", of(sales, customer)), ("base", sales)):
        apart = [difference(s) for s in lines]
        cheaper, dearer = sum(d <= -MOVED for d in apart), sum(d >= MOVED for d in apart)
        moves[who] = cheaper, cheaper + dearer
    (cheaper, n), (all_cheaper, all_n) = moves["own"], moves["base"]
    return {
        "price_moves_12m": n,
        "price_reaction_12m": (
            shrunk(cheaper / n, n, all_cheaper / all_n, BASE_LINES) if n else None
        ),
    }


def _new_products(sales: list[Row], products: dict[str, Row], customer: str) -> Row:
    def launched(line: Row) -> date | None:
        found: date | None = products.get(line["product_id"], {}).get("introduced_on")
        return found

    def is_new(line: Row) -> bool:
        on = launched(line)
        return on is not None and 0 <= (day_of(line["occurred_at"]) - on).days <= NEW_DAYS

    own = of(sales, customer)
    n, all_n = (_count(lines, lambda s: launched(s) is not None) for lines in (own, sales))
    return {
        "dated_product_lines_12m": n,
        "new_product_share_12m": (
            shrunk(_count(own, is_new) / n, n, _count(sales, is_new) / all_n, BASE_LINES)
            if n
            else None
        ),
    }


def _indicators(tables: Tables, sales: list[Row], customer: str, as_of: date) -> Row:
    spent = [sum(s["amount"] for s in sales if s["ago"] == n) for n in range(12)]
    own = of(sales, customer)
    found = []
    for name in {m["indicator"] for m in tables["market"]} if own else set():
        changes = _changes(tables, name, as_of)
        oldest = max(s["ago"] for s in own)
        pairs = [
            (changes[n], _share(sum(s["amount"] for s in own if s["ago"] == n), spent[n]))
            for n in range(oldest + 1)
            if n in changes
        ]
        correlation = _correlation(pairs)
        if correlation is not None:
            n = len(pairs)
            found.append((round(correlation * n / (n + UNRELATED_MONTHS), 6), name, n))
    if not found:
        return {"market_reaction_12m": None, "market_indicator": None, "market_months_12m": 0}
    value, name, n = max(found, key=lambda each: (abs(each[0]), each[1]))
    return {"market_reaction_12m": value, "market_indicator": name, "market_months_12m": n}


def _share(part: float, whole: float) -> float:
    return part / whole if whole > 0 else 0


def _changes(tables: Tables, name: str, as_of: date) -> dict[int, float]:
    """Relative changes of a market-wide indicator against the month before, by how long ago."""
    values: dict[int, float] = {}
    rows = [m for m in known(tables, "market", as_of) if m["indicator"] == name]
    for m in sorted(rows, key=lambda m: m["observed_on"]):
        if all(
            m.get(of) is None for of in ("product_id", "store_id", "competitor", "product_class")
        ):
            values[ago(m["observed_on"], as_of)] = m["value"]
    return {
        n: values[n] / values[n + 1] - 1
        for n in range(12)
        if n in values and values.get(n + 1, 0) != 0
    }


def _correlation(pairs: list[tuple[float, float]]) -> float | None:
    if len(pairs) < LEAST_MONTHS:
        return None
    xs, ys = zip(*pairs, strict=True)
    mx, my = sum(xs) / len(xs), sum(ys) / len(ys)
    sx, sy = sum((x - mx) ** 2 for x in xs), sum((y - my) ** 2 for y in ys)
    if sx < 1e-12 or sy < 1e-12:
        return None
    return sum((x - mx) * (y - my) for x, y in pairs) / math.sqrt(sx * sy)


def _withdrawals(
    tables: Tables, sales: list[Row], products: dict[str, Row], customer: str, as_of: date
) -> Row:
    own = of(sales, customer)
    reactions = []
    for product in products.values():
        on = product["withdrawn_on"]
        since = ago(on, as_of) if on else 0
        if not 1 <= since < 12 or not own or not _used(tables, product, customer, as_of):
            continue
        k = min(COMPARED, since)
        after, before = range(since - k, since), range(since + 1, min(since + k, 11) + 1)
        (own_after, base_after), (own_before, base_before) = (
            [sum(s["amount"] for s in rows if s["ago"] in part) for rows in (own, sales)]
            for part in (after, before)
        )
        if own_after >= 0 and own_before > 0 and base_after > 0 and base_before > 0:
            expected = own_before * base_after / base_before
            reactions.append(round((own_after - expected) / (own_after + expected), 6))
    return {
        "withdrawn_products_12m": len(reactions),
        "withdrawal_reaction_12m": sum(reactions) / len(reactions) if reactions else None,
    }


def _used(tables: Tables, product: Row, customer: str, as_of: date) -> bool:
    """Whether it was bought or held in the three months before its withdrawal."""
    until = product["withdrawn_on"]
    since = months_before(until, COMPARED)
    return any(
        since <= day_of(row[on]) < until and row[amount] > 0
        for name, on, amount in (
            ("transactions", "occurred_at", "amount"),
            ("balances", "balance_on", "balance"),
        )
        for row in of(known(tables, name, as_of), customer)
        if row["product_id"] == product["product_id"]
    )
