"""How the last months depart from the customer's own usual, and which campaigns reached them."""

from __future__ import annotations

from collections import Counter
from datetime import date

from portrait_assets_tests.features.oracle.holdings import last_of_months
from portrait_assets_tests.features.oracle.rows import Row, Tables, of, within


def lately(tables: Tables, customer: str, as_of: date) -> Row:
    """The features of the last months of one customer."""
    months = last_of_months(of(within(tables, "balances", as_of), customer))
    grades = {p["product_id"]: _grade(p["risk_grade"]) for p in tables["products"]}
    deposits = {n: sum(_assets(a) for a in accounts) for n, accounts in months.items()}
    at_risk = {
        n: sum(_at_risk(a, grades.get(a["product_id"])) for a in accounts)
        for n, accounts in months.items()
    }
    drawable = {
        p["product_id"]
        for p in tables["products"]
        if p["term_days"] is None and (grades[p["product_id"]] or 1) == 1
    }
    on_demand = {
        n: sum(_assets(a) for a in accounts if a["product_id"] in drawable)
        for n, accounts in months.items()
        if any(a["credit_limit"] is None and a["product_id"] in drawable for a in accounts)
    }
    contacts = of(within(tables, "contacts", as_of), customer)
    return {
        **_purchases(of(within(tables, "transactions", as_of), customer)),
        "balance_against_usual_1m": _against_usual(deposits),
        "balance_change_1m": _change(deposits),
        "risk_balance_against_usual_1m": _against_usual(at_risk),
        "risk_balance_change_1m": _change(at_risk),
        **{
            f"contacts_{n}m": sum(c["ago"] < n and not c["is_control"] for c in contacts)
            for n in (1, 3)
        },
        **{f"demand_balance_against_usual_{n}m": _lately(on_demand, n) for n in (1, 2)},
    }


def _purchases(own: list[Row]) -> Row:
    found: Row = dict.fromkeys(f"purchases_against_usual_{n}m" for n in (1, 2, 3))
    bought = Counter(s["ago"] for s in own if s["amount"] >= 0)
    oldest = max((s["ago"] for s in own), default=0)
    for n in (1, 2, 3):
        if oldest >= n + 2:
            recent = sum(bought[each] for each in range(n)) / n
            usual = sum(bought[each] for each in range(n, 12)) / (oldest - n + 1)
            found[f"purchases_against_usual_{n}m"] = (recent + 1) / (usual + 1)
    return found


def _grade(grade: str | None) -> int | None:
    return None if grade is None else int(grade.upper().lstrip("R"))


def _assets(account: Row) -> float:
    return 0 if account["credit_limit"] is not None else account["balance"]


def _at_risk(account: Row, grade: int | None) -> float:
    if grade is None or account["credit_limit"] is not None:
        return 0
    return max(account["balance"], 0) * (grade - 1)


def _against_usual(months: dict[int, float]) -> float | None:
    last = min(months, default=9)
    if last > 2 or len(months) < 4:
        return None
    now, usual = months[last], sum(v for n, v in months.items() if n != last) / (len(months) - 1)
    is_known = now >= -1e-9 and usual >= -1e-9 and now + usual > 1e-9
    return (now - usual) / (now + usual) if is_known else None


def _lately(months: dict[int, float], last: int) -> float | None:
    recent = [v for n, v in months.items() if n < last]
    before = [v for n, v in months.items() if n >= last]
    if not recent or len(before) < 3:
        return None
    now, usual = sum(recent) / len(recent), sum(before) / len(before)
    is_known = now >= -1e-9 and usual >= -1e-9 and now + usual > 1e-9
    return (now - usual) / (now + usual) if is_known else None


def _change(months: dict[int, float]) -> float | None:
    if 0 not in months or 1 not in months:
        return None
    now, before = months[0], months[1]
    return (now - before) / (now + before) if now >= 0 and before >= 0 and now + before else None
