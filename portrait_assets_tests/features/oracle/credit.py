"""How much of their credit a customer uses, and how they paid it back over two years."""

from __future__ import annotations

from datetime import date

from portrait_assets_tests.features.oracle.holdings import last_of_months
from portrait_assets_tests.features.oracle.rows import Row, Tables, ago, clip, known, of, shrunk

MONTHS, BASE_MONTHS = 24, 12


def credit(tables: Tables, customer: str, as_of: date) -> Row:
    """The features of credit of one customer."""
    rows = [
        row | {"ago": ago(row["balance_on"], as_of)} for row in known(tables, "balances", as_of)
    ]
    rows = [row for row in rows if row["ago"] < MONTHS]
    people = {row["customer_id"] for row in rows}
    own = last_of_months(of(rows, customer))
    conduct = {who: _conduct(last_of_months(of(rows, who))) for who in people}
    return _use(own) | _of_base(_conduct(own), list(conduct.values()))


def _use(months: dict[int, list[Row]]) -> Row:
    limited = {n: [a for a in rows if a["credit_limit"]] for n, rows in months.items()}
    limited = {n: rows for n, rows in limited.items() if rows}
    recent = [n for n in (0, 1, 2) if n in limited]
    quarters = [
        _utilisation([a for n in span if n in limited for a in limited[n]])
        for span in (range(3), range(3, 6))
    ]
    year = _utilisation([a for n in range(12) if n in limited for a in limited[n]])
    return {
        "highest_utilisation": max(
            0, *(a["balance"] / a["credit_limit"] for a in limited[recent[0]])
        )
        if recent
        else None,
        "average_utilisation_12m": None if year is None else max(year, 0),
        "utilisation_change_3m": None if None in quarters else quarters[0] - quarters[1],  # type: ignore[operator]
    }


def _utilisation(accounts: list[Row]) -> float | None:
    limits = sum(a["credit_limit"] for a in accounts)
    return sum(a["balance"] for a in accounts) / limits if limits else None


def _conduct(months: dict[int, list[Row]]) -> Row:
    """Walks through the months from the oldest on."""
    days = {
        n: max(a["days_past_due"] for a in rows if a["days_past_due"] is not None)
        for n, rows in months.items()
        if any(a["days_past_due"] is not None for a in rows)
    }
    on_time = spells = 0
    for n in sorted(days, reverse=True):
        if days.get(n + 1, 0) == 0:
            on_time += 1
            spells += days[n] > 0
    late = [n for n, each in days.items() if each > 0]
    return {
        "worst_days_past_due_24m": max(days.values(), default=None),
        "past_due_spells_24m": spells if days else None,
        "months_since_past_due": min(late, default=None),
        "credit_months_24m": len(days),
        "on_time": on_time,
    }


def _of_base(own: Row, all_of_them: list[Row]) -> Row:
    months, spells = own.pop("on_time"), own["past_due_spells_24m"]
    base_months = sum(each.get("on_time", 0) for each in all_of_them)
    base = sum(each["past_due_spells_24m"] or 0 for each in all_of_them)
    rate = None
    if months and base_months:
        rate = shrunk(clip(spells / months), months, clip(base / base_months), BASE_MONTHS)
    return own | {"past_due_rate_24m": rate}
