"""Small random worlds with all that the principle features and holdings look at."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from portrait_assets.core.months import last_day, month_range
from portrait_assets.testing.feature_world import day
from portrait_assets_tests.features.oracle.rows import Row

FIRST, AS_OF, LAST = "2023-03", "2024-04", "2024-05"
MONTHS = month_range(FIRST, LAST)
PEOPLE = [*"abcde"]
PRODUCTS: list[dict[str, Any]] = [
    {"product_id": "old", "withdrawn_on": day("2024-01-15"), "introduced_on": day("2020-01-01")},
    {"product_id": "gone", "withdrawn_on": day("2023-06-30"), "introduced_on": None},
    {"product_id": "new", "withdrawn_on": None, "introduced_on": day("2023-10-10")},
    {"product_id": "plain", "withdrawn_on": None, "introduced_on": None},
]


def random_tables(seed: int) -> dict[str, Any]:
    """The rows of one world; the last month is later than `AS_OF`, which must change nothing."""
    rng = random.Random(seed)
    pairs = [(who, f"K{n}") for who in PEOPLE for n in range(4)]
    contacts = [
        {
            "customer_id": who,
            "campaign_id": campaign,
            "contacted_on": day(_day(rng)),
            "is_control": rng.choice([True, False, False, None]),
        }
        for who, campaign in rng.choices(pairs, k=16)
    ]
    return {
        "transactions": [_line(rng) for _ in range(rng.randint(60, 120))],
        "products": PRODUCTS,
        "campaigns": [
            {"campaign_id": f"K{n}", "campaign_type": kind}
            for n, kind in enumerate(["mail", "call", "mail", None])
        ],
        "contacts": contacts,
        "responses": [*_answers(rng, contacts), *_unasked(rng)],
        "balances": _balances(rng),
        "market": [
            {
                "indicator": name,
                "observed_on": last_day(month) - timedelta(days=early),
                "value": round(100 + 20 * rng.random(), 3),
                "product_id": rng.choice([None, None, None, "old"]),
                "store_id": None,
            }
            for name in ("index", "rate")
            for month in MONTHS
            for early in (9, 0)
        ],
        "promotions": [
            {
                "product_id": product,
                "ended_on": day(f"{month}-{on}"),
                "display_share": rng.choice([None, 0.0, 0.25, 0.5]),
                "mailer_share": rng.choice([None, 0.1, 0.333333]),
            }
            for product in ("old", "new")
            for month in MONTHS
            for on in ("07", "21")
            if rng.random() < 0.7
        ],
    }


def _day(rng: random.Random) -> str:
    return f"{rng.choice(MONTHS)}-{rng.randint(1, 28):02d}"


def _line(rng: random.Random) -> Row:
    moment = datetime.fromisoformat(f"{_day(rng)} {rng.randint(0, 23):02d}:30")
    return {
        "customer_id": rng.choice(PEOPLE),
        "occurred_at": moment,
        # Unit prices lie around 10, so that many move by about 5 %.
        "amount": rng.choice(
            [*(rng.randint(900, 1_100) / 100,) * 4, rng.randint(-300, 9_999) / 100]
        ),
        "quantity": rng.choice([1, 1, 1, 1, 2, None]),
        "product_id": rng.choice(["old", "gone", "new", "plain", "unlisted", None]),
        "is_on_display": rng.choice([True, False, None]),
        "is_in_mailer": rng.choice([True, False, None]),
    }


def _answers(rng: random.Random, contacts: list[Row]) -> list[Row]:
    return [
        {
            "customer_id": c["customer_id"],
            "campaign_id": c["campaign_id"],
            "responded_on": c["contacted_on"]
            + timedelta(days=rng.choice([-3, -3, 0, 9, 60]) + later),
        }
        for c in rng.sample(contacts, 8)
        for later in rng.choice([(0,), (0, 3), (0, 40)])
    ]


def _unasked(rng: random.Random) -> list[Row]:
    return [
        {"customer_id": who, "campaign_id": "K9", "responded_on": day(_day(rng))}
        for who in rng.sample(PEOPLE, 2)
    ]


def _balances(rng: random.Random) -> list[Row]:
    return [
        {
            "customer_id": who,
            "account_id": f"{who}{product}",
            "product_id": product,
            "balance_on": last_day(month) - timedelta(days=early),
            "balance": rng.randint(-20_000, 99_999) / 100,
            "credit_limit": rng.choice([None, 500.0]) if product == "old" else None,
            "days_past_due": rng.choice([None, 0, 30, 60]) if product == "old" else None,
        }
        for who in PEOPLE[:4]
        for product in rng.sample(["old", "gone", "new"], 2)
        for month in MONTHS
        if rng.random() < 0.7
        for early in (8, 0)
    ]
