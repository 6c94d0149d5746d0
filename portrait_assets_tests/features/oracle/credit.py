"""How much of their credit a customer uses, and how they paid it back over two years."""

from __future__ import annotations

from datetime import date

from portrait_assets_tests.features.oracle.holdings import last_of_months
from portrait_assets_tests.features.oracle.rows import Row, Tables, ago, known, of

MONTHS = 24


def credit(tables: Tables, customer: str, as_of: date) -> Row:
    """The features of credit of one customer."""
    rows = [
        row | {"ago": ago(row["balance_on"], as_of)} for row in known(tables, "balances", as_of)
    ]
    rows = [row for row in rows if row["ago"] < MONTHS]
    people = {row["customer_id"] for row in rows}
    terms = {p["product_id"]: p["term_days"] for p in tables["products"]}
    months = {who: last_of_months(of(rows, who)) for who in {*people, customer}}
    conduct = {who: _conduct(own) | _revolving(own, terms) for who, own in months.items()}
    base = [conduct[who] for who in people]
    return _use(months[customer]) | _of_base(conduct[customer], base)


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


def _revolving(months: dict[int, list[Row]], terms: dict[str, int | None]) -> Row:
    """The use of limits without a term, and the tenth of them in use; 10 without any."""
    use = _utilisation(
        [
            a
            for n, rows in months.items()
            for a in rows
            if n < 12 and a["credit_limit"] and terms.get(a["product_id"], 0) is None
        ]
    )
    use = None if use is None else max(use, 0)
    band = 10 if use is None else min(int(10 * round(use, 6)), 9)
    return {"revolving_utilisation_12m": use, "band": band}


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
        "days": days,
    }


def _of_base(own: Row, all_of_them: list[Row]) -> Row:
    days, band, on_time = own["days"], own["band"], own["on_time"]
    rate = _rate(own["past_due_spells_24m"] or 0, on_time, band, all_of_them)
    now = next((days[n] for n in (0, 1, 2) if n in days), None)
    chance = _stays(now, all_of_them) if now else None if now is None else rate
    features = {name: own[name] for name in own if name not in ("days", "band", "on_time")}
    return features | {"past_due_rate_24m": rate, "past_due_probability_1m": chance}


def _rate(spells: int, on_time: int, band: int, all_of_them: list[Row]) -> float | None:
    """One more fall, in as many more months as those alike have for one."""
    if not on_time:
        return None
    falls = sum(each["past_due_spells_24m"] or 0 for each in all_of_them)
    if not falls:
        return 0
    wait = sum(each["on_time"] for each in all_of_them) / falls
    alike = [each for each in all_of_them if each["band"] == band]
    waits = sum(each["on_time"] for each in alike) + wait
    return (spells + 1) / (
        on_time + waits / (1 + sum(a["past_due_spells_24m"] or 0 for a in alike))
    )


def _stage(days: int) -> int:
    return min((days + 29) // 30, 4)


def _stays(now: int, all_of_them: list[Row]) -> float | None:
    """How often who was as late as this was still late a month on, all stages counting for one."""
    next_days = [
        (_stage(late), each["days"][n - 1] > 0)
        for each in all_of_them
        for n, late in each["days"].items()
        if late > 0 and n - 1 in each["days"]
    ]
    if not next_days:
        return None
    of_all = sum(stays for _, stays in next_days) / len(next_days)
    own = [stays for stage, stays in next_days if stage == _stage(now)]
    return (sum(own) + of_all) / (len(own) + 1)
