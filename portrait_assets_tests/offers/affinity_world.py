"""A small bank whose customers buy and take one thing for long and another of late."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl

from portrait_assets.schema.table import Table
from portrait_assets.stages.cleaned.contract import CLEANED
from portrait_assets.stages.clusters.contract import CLUSTER_ASSIGNMENT
from portrait_assets.stages.features.contract import FEATURE_MATRIX
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets_tests.offers.world import Bank, Row, account, frame_of

BEFORE = date(2024, 3, 31)
CUSTOMERS = [f"c{n:02}" for n in range(60)]
PRODUCTS: list[Row] = [
    {"product_id": "tea", "category": "drinks", "product_type": "hot"},
    {"product_id": "cola", "category": "drinks", "product_type": "cold"},
    {"product_id": "bread", "category": "food", "product_type": "loaf"},
    {"product_id": "rare", "category": "own", "product_type": "own"},
    {"product_id": "deposit", "category": "term", "product_type": "term"},
    {"product_id": "fund", "category": "fund", "product_type": "fund"},
    {"product_id": "gone", "category": "fund", "product_type": "fund", "withdrawn_on": BEFORE},
]


def bought(who: str, month: int, day: int, product: str, **more: Any) -> Row:
    return {
        "customer_id": who,
        "occurred_at": datetime(2024, month, day, 12),
        "month": f"2024-{month:02}",
        "amount": 5,
        "product_id": product,
        **more,
    }


def owned(who: str, month: int, product: str) -> Row:
    return account(who, product) | {
        "month": f"2024-{month:02}",
        "balance_on": date(2024, month, 28),
    }


def purchases() -> Iterator[Row]:
    """Even customers buy tea every month and some bread; odd ones cola; one what is rare."""
    for n, who in enumerate(CUSTOMERS):
        for month in range(1, 7):
            yield bought(who, month, 3, "tea" if n % 2 == 0 else "cola")
            if n % 2 == 0 and (n // 2 + month) % 3 == 0:
                yield bought(who, month, 9, "bread")
    yield bought("c01", 5, 4, "rare")


def balances() -> Iterator[Row]:
    """Everybody has a deposit; a third takes the fund in April or June, or has had it."""
    for n, who in enumerate(CUSTOMERS):
        since = {0: 4, 1: 6, 2: 1}.get(n % 9, 7)
        for month in range(1, 7):
            yield owned(who, month, "deposit")
            if month >= since:
                yield owned(who, month, "fund")
            if n % 9 == 4:
                yield owned(who, month, "gone")


def bank_of(
    transactions: Sequence[Row], refuses: Sequence[str] = ("c58",), accounts: Sequence[Row] = ()
) -> Bank:
    people: list[Row] = [{"customer_id": who} for who in CUSTOMERS]
    bank = Bank(people, PRODUCTS, refuses=refuses, transactions=transactions, balances=accounts)
    segments = [{"customer_id": who, "segment_id": n % 2 + 1} for n, who in enumerate(CUSTOMERS)]
    more: dict[Table, list[Row]] = {CLUSTER_ASSIGNMENT: segments, CLEANED["responses"]: []}
    for table, rows in more.items():
        bank.frames[table] = frame_of(table, rows)
        bank.put(table, bank.frames[table])
    before = frame_of(FEATURE_MATRIX, [each | {"as_of": BEFORE} for each in people])
    bank.con.register("before", before)
    bank.con.execute(f"INSERT INTO {FEATURE_MATRIX.full_name} BY NAME FROM before")
    return bank


@dataclass
class Computed:
    """A bank, its affinities and its segments."""

    bank: Bank
    affinities: pl.DataFrame
    segments: pl.DataFrame
    warehouse: Warehouse

    def of(self, who: str, kind: str) -> pl.DataFrame:
        return self.affinities.filter(customer_id=who, item_kind=kind).sort("rank")
