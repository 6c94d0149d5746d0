"""What a customer holds and owes, from what each account's last balances of a month say."""

from __future__ import annotations

from datetime import date

from portrait_assets_tests.features.oracle.rows import Row, Tables, of, within


def holdings(tables: Tables, customer: str, as_of: date) -> Row:
    """The features of holdings of one customer."""
    months = last_of_months(of(within(tables, "balances", as_of), customer))
    row: Row = dict.fromkeys(
        (
            *("total_balance", "owed_balance", "credit_utilisation", "max_days_past_due"),
            *("past_due_months_12m", "accounts_held", "products_held"),
            *("average_balance_12m", "balance_trend_3m"),
        )
    )
    if not months:
        return row
    row["past_due_months_12m"] = sum(_past_due(accounts) > 0 for accounts in months.values())
    row["average_balance_12m"] = _mean([_assets(accounts) for accounts in months.values()])
    recent = [months[n] for n in (0, 1, 2) if n in months]
    earlier = [months[n] for n in (3, 4, 5) if n in months]
    if recent and earlier:
        now, then = (_mean([_assets(accounts) for accounts in part]) for part in (recent, earlier))
        if now >= 0 and then >= 0 and now + then > 0:
            row["balance_trend_3m"] = (now - then) / (now + then)
    if recent:
        last = recent[0]
        limits = sum(a["credit_limit"] for a in last if a["credit_limit"] is not None)
        reported = [each for each in recent if any(a["days_past_due"] is not None for a in each)]
        row |= {
            "total_balance": _assets(last),
            "owed_balance": _owed(last),
            "credit_utilisation": max(_owed(last), 0) / limits if limits > 0 else None,
            "max_days_past_due": _past_due(reported[0]) if reported else None,
            "accounts_held": len(last),
            "products_held": len({a["product_id"] for a in last} - {None}),
        }
    return row


def last_of_months(balances: list[Row]) -> dict[int, list[Row]]:
    """By how long ago, the last row of each account in the month."""
    last: dict[int, dict[object, Row]] = {}
    for row in sorted(balances, key=lambda row: row["balance_on"]):
        last.setdefault(row["ago"], {})[row["account_id"], row["product_id"]] = row
    return {month: list(rows.values()) for month, rows in last.items()}


def _assets(accounts: list[Row]) -> float:
    return sum(a["balance"] for a in accounts if a["credit_limit"] is None)


def _owed(accounts: list[Row]) -> float:
    return sum(a["balance"] for a in accounts if a["credit_limit"] is not None)


def _past_due(accounts: list[Row]) -> int:
    return max((a["days_past_due"] or 0 for a in accounts), default=0)


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
