"""A random bank in the world of features: events of every kind, over eighteen months."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

from portrait_assets.core.months import last_day, month_range
from portrait_assets.testing.worlds.features import World, day, sale

MONTHS = month_range("2023-01", "2024-06")


def bank(seed: int) -> World:
    """Forty customers over eighteen months, with events of every kind."""
    rng = random.Random(seed)
    people = [f"C{number:03d}" for number in range(40)]

    def when() -> str:
        return f"{rng.choice(MONTHS)}-{rng.randint(1, 28):02d}"

    sales = [
        sale(
            rng.choice(people),
            f"{when()} {rng.randint(0, 23):02d}:15",
            rng.randint(-5_000, 90_000) / 100,
            product_id=rng.choice(["P1", "P2", "P3", "P4", None]),
            category=rng.choice(["dining", "cash", "travel", None]),
            channel=rng.choice(["app", "branch", "ATM", "phone", "pigeon", None]),
            discount_amount=rng.choice([0, 0, 2.5]),
        )
        for _ in range(900)
    ]
    products = [
        {"product_id": "P1", "category": "card", "brand": "own", "is_own_label": True},
        {
            "product_id": "P2",
            "category": "fund",
            "brand": "other",
            "is_own_label": False,
            "introduced_on": day("2023-09-01"),
            "risk_grade": "R4",
        },
        {
            "product_id": "P3",
            "category": "fund",
            "brand": "other",
            "is_own_label": False,
            "withdrawn_on": day("2024-02-01"),
            "risk_grade": "R2",
        },
        {"product_id": "P4", "category": "fees", "brand": "own", "is_merchandise": False},
    ]
    balances = [
        {
            "customer_id": who,
            "account_id": f"{who}-{product}",
            "product_id": product,
            "balance_on": last_day(month),
            "balance": rng.randint(1, 10_000),
            "credit_limit": 5_000 if product == "P1" else None,
            "days_past_due": rng.choice([0, 0, 30]) if product == "P1" else None,
        }
        for who in people[:25]
        for product in ("P1", "P2", "P3")[: rng.randint(1, 3)]
        for month in MONTHS[rng.randint(0, 6) :]
    ]
    campaigns = [
        {"campaign_id": f"K{n}", "campaign_type": kind, "started_on": day("2023-01-01")}
        for n, kind in enumerate(["fund", "card", "fund", None])
    ]
    pairs = [(who, f"K{number}") for who in people for number in range(4)]
    contacts: list[dict[str, Any]] = [
        {
            "customer_id": who,
            "campaign_id": campaign,
            "contacted_on": day(when()),
            "is_control": rng.random() < 0.2,
        }
        for who, campaign in rng.sample(pairs, 120)
    ]
    responses = [
        {
            "customer_id": c["customer_id"],
            "campaign_id": c["campaign_id"],
            "responded_on": c["contacted_on"] + timedelta(days=rng.randint(0, 40) + later),
        }
        for c in rng.sample(contacts, 60)
        for later in rng.choice([(0,), (0, 35)])
    ]
    interactions = [
        {
            "customer_id": rng.choice(people),
            "occurred_at": sale("", when(), 0)["occurred_at"],
            "kind": kind,
            "score": rng.randint(0, 10) if kind == "survey" else None,
        }
        for kind in ("survey", "complaint", "visit")
        for _ in range(40)
    ]
    market = [
        {"indicator": name, "observed_on": last_day(month), "value": 100 + rng.random()}
        for name in ("rate", "index")
        for month in MONTHS
    ]
    customers: list[dict[str, Any]] = [
        {
            "customer_id": who,
            "joined_on": day("2023-03-05"),
            "birth_date": day("1980-06-30"),
            "gender": rng.choice(["F", "M", None]),
        }
        for who in [*people, "newcomer"]
    ]
    return World(
        MONTHS[-1],
        first=MONTHS[0],
        transactions=sales,
        products=products,
        balances=balances,
        campaigns=campaigns,
        contacts=contacts,
        responses=responses,
        interactions=interactions,
        market=market,
        customers=customers,
    )
