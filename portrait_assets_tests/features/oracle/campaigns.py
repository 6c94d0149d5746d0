"""How a customer answers campaigns: rates, lift, lag, and spend in months with a contact."""

from __future__ import annotations

from datetime import date

from portrait_assets.schema.table import MONEY_SCALE
from portrait_assets_tests.features.oracle.rows import Row, Tables, ago, known, of, shrunk, within

BASE_CONTACTS, BASE_RESPONSES, BASE_MONTHS = 5, 2, 3


def campaigns(tables: Tables, customer: str, as_of: date) -> Row:
    """The features of campaigns of one customer."""
    contacts = [c for c in within(tables, "contacts", as_of) if not c["is_control"]]
    responses = of(within(tables, "responses", as_of), customer)
    answers = _answers(tables, as_of)
    kinds = {c["campaign_id"]: c["campaign_type"] or "unknown" for c in tables["campaigns"]}
    own, own_answers = of(contacts, customer), of(answers, customer)
    row: Row = dict.fromkeys(
        (
            *("response_rate_12m", "response_lift_12m", "best_campaign_type"),
            *("best_response_rate_12m", "response_lag_days_12m", "response_recency_days"),
            "campaign_uplift_12m",
        )
    )
    row |= {
        "contacts_12m": len(own),
        "responses_12m": len(responses),
        "responded_contacts_12m": len(own_answers),
        "best_type_contacts_12m": 0,
        "campaign_months_12m": 0,
    }
    if contacts:
        base = len(answers) / len(contacts)
        rate = min((len(own_answers) + BASE_CONTACTS * base) / (len(own) + BASE_CONTACTS), 1)
        row["response_rate_12m"] = rate
        row["response_lift_12m"] = rate / base if base > 0 else None
    if own:
        row |= _best_kind(contacts, answers, kinds, customer)
    if own_answers:
        lag, base_lag = (sum(a["lag"] for a in each) / len(each) for each in (own_answers, answers))
        row["response_lag_days_12m"] = shrunk(lag, len(own_answers), base_lag, BASE_RESPONSES)
    if responses:
        row["response_recency_days"] = min((as_of - r["responded_on"]).days for r in responses)
    return row | _uplift(tables, contacts, customer, as_of)


def _answers(tables: Tables, as_of: date) -> list[Row]:
    """Contacted campaigns that were first responded to in the window, and the days it took."""
    first: dict[tuple[str, str], date] = {}
    for r in known(tables, "responses", as_of):
        key = r["customer_id"], r["campaign_id"]
        first[key] = min(first.get(key, r["responded_on"]), r["responded_on"])
    found = []
    for (who, campaign), on in first.items():
        reached = [
            c["contacted_on"]
            for c in of(tables["contacts"], who)
            if c["campaign_id"] == campaign
            and not c["is_control"]
            and ago(c["contacted_on"], on) >= 0
        ]
        if reached and ago(on, as_of) < 12:
            lag = max((on - min(reached)).days, 0)
            found.append({"customer_id": who, "campaign_id": campaign, "lag": lag})
    return found


def _best_kind(
    contacts: list[Row], answers: list[Row], kinds: dict[str, str], customer: str
) -> Row:
    def count(rows: list[Row], kind: str) -> int:
        return sum(kinds.get(row["campaign_id"], "unknown") == kind for row in rows)

    rates = {}
    own, own_answers = of(contacts, customer), of(answers, customer)
    for kind in {kinds.get(c["campaign_id"], "unknown") for c in own}:
        base = min(count(answers, kind) / count(contacts, kind), 1)
        n = count(own, kind)
        rates[kind] = round(shrunk(min(count(own_answers, kind), n) / n, n, base, BASE_CONTACTS), 6)
    best = max(rates, key=lambda kind: (rates[kind], kind))
    return {
        "best_campaign_type": best,
        "best_response_rate_12m": rates[best],
        "best_type_contacts_12m": count(own, best),
    }


def _uplift(tables: Tables, contacts: list[Row], customer: str, as_of: date) -> Row:
    sales = within(tables, "transactions", as_of)
    spent = [sum(s["amount"] for s in sales if s["ago"] == n) for n in range(12)]
    found = {}
    for who in {s["customer_id"] for s in sales}:
        own = of(sales, who)
        oldest = max(s["ago"] for s in own)
        reached = {c["ago"] for c in of(contacts, who) if c["ago"] <= oldest}
        others = set(range(oldest + 1)) - reached
        actual = sum(s["amount"] for s in own if s["ago"] in reached)
        elsewhere = sum(s["amount"] for s in own if s["ago"] in others)
        base, base_elsewhere = (sum(spent[n] for n in part) for part in (reached, others))
        if reached and elsewhere > 0 and base_elsewhere > 0 and base > 0:
            found[who] = len(reached), actual, elsewhere / base_elsewhere * base
    if customer not in found:
        return {}
    n, actual, expected = found[customer]
    of_all = sum(a for _, a, _ in found.values()) / sum(
        round(e, MONEY_SCALE) for _, _, e in found.values()
    )
    value = shrunk(actual / expected, n, of_all, BASE_MONTHS) - 1
    return {"campaign_months_12m": n, "campaign_uplift_12m": max(value, -1)}
