"""Small random worlds with all that the principle features and holdings look at."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from typing import Any

from portrait_assets.core.months import last_day, month_range
from portrait_assets.testing.worlds.features import day
from portrait_assets_tests.features.oracle.habits import KINDS
from portrait_assets_tests.features.oracle.rows import Row

FIRST, EARLY, AS_OF, LAST = "2023-03", "2023-08", "2024-04", "2024-05"
MONTHS = month_range(FIRST, LAST)
SECOND = MONTHS[1]
PEOPLE = [*"abcde"]
PRODUCTS: list[dict[str, Any]] = [
    {
        **{"product_id": product, "withdrawn_on": withdrawn and day(withdrawn)},
        **{"introduced_on": introduced and day(introduced), "category": category},
        **{"is_own_label": is_own, "risk_grade": grade},
        "term_days": 365 if product == "old" else None,
    }
    for product, withdrawn, introduced, category, is_own, grade in (
        ("old", "2024-01-15", "2020-01-01", "fund", True, "R4"),
        ("gone", "2023-06-30", None, "card", None, None),
        ("new", None, "2023-10-10", "fund", False, "r2"),
        ("plain", None, None, None, None, "R1"),
    )
]
EDGES: dict[str, list[tuple[str, str]]] = {
    # The first of all purchases, and the last first ones of who may have been there before.
    "a": [("2023-03-01 08:00", "plain")],
    "f": [("2023-08-28 00:00", "plain")],
    "g": [("2023-08-27 23:30", "plain")],
    # The first and the last moment of windows, and those beside them.
    "h": [
        (moment, "new")
        for moment in (
            *("2023-04-30 23:59", "2023-05-01 00:00", "2023-10-31 23:59", "2023-11-01 00:00"),
            *("2024-01-31 23:59", "2024-02-01 00:00", "2024-04-30 23:59", "2024-05-01 00:00"),
        )
    ],
    # Bought the withdrawn product on the first day that counts, the day before, and too late.
    "u": [
        ("2023-10-15 00:00", "old"),
        ("2023-12-01 06:00", "plain"),
        ("2024-02-01 12:00", "plain"),
    ],
    "w": [
        ("2023-10-14 23:30", "old"),
        ("2023-12-01 18:00", "plain"),
        ("2024-02-01 12:00", "plain"),
    ],
    # Six months on record, as many as a correlation needs.
    "v": [
        ("2023-11-05 05:59", "plain"),
        ("2024-01-15 00:00", "old"),
        ("2024-03-03 17:59", "plain"),
    ],
}
"""When some customers bought what, on the edges of what counts."""
ANSWERED = [
    # Reached before the window and answering in it, so that there are more answers than contacts.
    ("K2", "2023-04-30", "2023-05-02"),
    ("K0", "2023-06-01", "2023-06-05"),
    # Reached twice before the answer.
    ("K3", "2023-07-01", None),
    ("K3", "2023-07-20", "2023-07-25"),
]
"""Campaigns that one customer was reached by, when, and when they answered."""


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
    contacts += [
        {"customer_id": "h", "campaign_id": campaign, "contacted_on": day(on), "is_control": None}
        for campaign, on, _ in ANSWERED
    ]
    return {
        "transactions": [
            *(_line(rng) for _ in range(rng.randint(60, 120))),
            *(
                _line(rng)
                | {"customer_id": who, "occurred_at": datetime.fromisoformat(at)}
                | {"product_id": product, "amount": rng.randint(1, 999) / 100}
                for who, bought in EDGES.items()
                for at, product in bought
            ),
            _line(rng) | {"amount": -1.5, "occurred_at": datetime(2023, 6, 9, 10)},
        ],
        "customers": _customers(rng),
        "interactions": [
            {
                "customer_id": rng.choice(PEOPLE),
                "occurred_at": datetime.fromisoformat(f"{_day(rng)} 10:00"),
                "kind": rng.choice(["survey", "survey", "complaint", "visit"]),
                "score": rng.choice([None, 0, 4, 9]),
            }
            for _ in range(30)
        ]
        + [
            {"customer_id": who, "occurred_at": datetime(2023, 3, 5), "kind": kind, "score": 5}
            for who in ("a", "nobody")
            for kind in ("survey", "complaint", "visit")
        ],
        "products": PRODUCTS,
        "campaigns": [
            {"campaign_id": "K0", "campaign_type": "call", "month": "2023-02"},
            *(
                {"campaign_id": f"K{n}", "campaign_type": kind, "month": FIRST}
                for n, kind in enumerate(["mail", "call", "mail", None])
            ),
        ],
        "contacts": contacts,
        "responses": [
            *_answers(rng, contacts[: -len(ANSWERED)]),
            *_unasked(rng),
            *(
                {"customer_id": "h", "campaign_id": campaign, "responded_on": day(on)}
                for campaign, _, on in ANSWERED
                if on
            ),
        ],
        "balances": _balances(rng),
        "market": [
            {
                "indicator": name,
                "observed_on": last_day(month) - timedelta(days=early),
                "value": round(100 + 20 * rng.random(), 3),
                "product_id": rng.choice([None, None, None, "old"]) if name == "rate" else None,
                "store_id": "s" if name == "index" and early == 0 else None,
            }
            for name in ("index", "rate")
            for month in MONTHS
            for early in (9, 3, 0)
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
            [*(rng.randint(900, 1_100) / 100,) * 4, rng.randint(-2_000, 9_999) / 100]
        ),
        "quantity": rng.choice([1, 1, 1, 1, 2, None]),
        "product_id": rng.choice(["old", "gone", "new", "plain", "unlisted", None]),
        "is_on_display": rng.choice([True, False, None]),
        "is_in_mailer": rng.choice([True, False, None]),
        "channel": rng.choice([*KINDS, "pigeon", None]),
    }


def _customers(rng: random.Random) -> list[Row]:
    """A record of some, two of a, and of two who did nothing but join, one of them too late."""
    as_of = last_day(AS_OF)
    joined = {who: rng.choice([None, day("2023-02-28"), day("2023-03-01")]) for who in "abc"}
    joined |= {"z": as_of, "y": as_of + timedelta(days=1)}
    births = [as_of.replace(year=1990), date(1980, 5, 1), date(1999, 4, 29), None]
    rng.shuffle(births)
    return [
        {
            **{"customer_id": who, "month": month, "recorded_on": day(f"{month}-01")},
            "joined_on": joined[who],
            "birth_date": births["abczy".index(who) % 4],
            "age": 40 if who in "bz" else None,
            "age_band": rng.choice(["25-34", "65+", "young"]),
            "gender": gender,
            "region": rng.choice(["east", "west"]),
        }
        for who, month, gender in (
            *(("a", FIRST, "F"), ("a", SECOND, "M"), ("b", FIRST, "F")),
            *(("c", FIRST, None), ("z", SECOND, "F"), ("y", SECOND, "M")),
        )
    ]


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
            "credit_limit": None if product == "new" else rng.choice([None, 500.0]),
            "days_past_due": rng.choice([None, 0, 30, 60]) if product == "old" else None,
        }
        for who in PEOPLE[:4]
        for product in rng.sample(["old", "gone", "new"], 2)
        for month in MONTHS
        if rng.random() < 0.7
        for early in (8, 0)
    ] + [
        # Two accounts of one product.
        {
            **{"customer_id": "e", "account_id": f"e{days}", "product_id": "old"},
            **{"balance_on": last_day(month), "balance": 100.0, "credit_limit": 500.0},
            "days_past_due": days,
        }
        for month in (EARLY, AS_OF)
        for days in (30, 90)
    ]
