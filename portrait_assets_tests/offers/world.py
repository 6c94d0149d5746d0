"""A month of a small bank: customers' records, what they hold, and products, as frames."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from portrait_assets.schema.table import Table
from portrait_assets.stages.cleaned.contract import CLEANED, GOLDEN_RECORD
from portrait_assets.stages.consent.contract import CONSENT_DEFAULT, CUSTOMER_CONSENT
from portrait_assets.stages.features.contract import (
    CUSTOMER_BALANCE_MONTH,
    CUSTOMER_MONTH,
    FEATURE_MATRIX,
    UNPROFILED,
)
from portrait_assets.stages.identity.contract import CUSTOMER_ALIAS, IDENTITY_MAP
from portrait_assets.storage.dagster.checks import Finding, Subject, TableCheck
from portrait_assets.storage.duckdb.connection import quote
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import Grain, Scope, Step
from portrait_assets.testing.steps import SmallWarehouse, small_database

MONTH, DAY = "2024-06", date(2024, 6, 30)
Row = dict[str, Any]
AFFINITY = Step("product_affinity", (), grain=Grain.ALL)
"""Affinities, which the bank has under the name `affinities`."""
AFFINITIES = {
    "customer_id": pl.String,
    "item_kind": pl.String,
    "item": pl.String,
    "probability": pl.Float64,
}


class Bank:
    """The bank's tables of one month.

    Args:
        customers: records, each with `customer_id`, what is recorded, and `means`, what they hold.
        products: rows of the products.
        affinities: `customer_id`, `item` and `probability`, of the kind `product` unless stated.
        refuses: who of the customers refuses profiling.
        children: those for whom no guardian agreed.
        tables: rows of further cleaned tables.
    """

    def __init__(
        self,
        customers: Iterable[Row] = (),
        products: Iterable[Row] = (),
        affinities: Iterable[Row] = (),
        refuses: Sequence[str] = (),
        children: Sequence[str] = (),
        **tables: Iterable[Row],
    ) -> None:
        people, refused = list(customers), [*refuses, *children]
        holders = [each for each in people if each.get("means") is not None]
        ages = {each["customer_id"]: _age(each) for each in people}
        answers = {"purpose": "profiling", "allowed": False, "because": "withdrawn"}
        rows: dict[Table, Iterable[Row]] = {
            GOLDEN_RECORD: people,
            FEATURE_MATRIX: [
                {"customer_id": who, "age": age} for who, age in ages.items() if who not in refused
            ],
            UNPROFILED: [
                {"customer_id": who, "because": "withdrawn", "keeps_row": who in refuses}
                for who in refused
            ],
            CUSTOMER_BALANCE_MONTH: [each | {"balance": each["means"]} for each in holders],
            CLEANED["products"]: products,
            CONSENT_DEFAULT: [{"purpose": "profiling", "allowed": True}],
            CUSTOMER_CONSENT: [{"customer_id": who} | answers for who in refused],
        }
        rows |= {CLEANED[name]: tables.get(name, ()) for name in ("balances", "transactions")}
        rows |= dict.fromkeys((IDENTITY_MAP, CUSTOMER_ALIAS, CUSTOMER_MONTH), ())
        self.frames = {table: frame_of(table, given) for table, given in rows.items()}
        self.con = small_database()
        for table, frame in self.frames.items():
            self.put(table, frame)
        listed = [{"item_kind": "product", **each} for each in affinities]
        self.con.register("affinities", pl.DataFrame(listed, AFFINITIES, orient="row"))
        self.engine = Engine(self.con, given={AFFINITY: "affinities"})

    def put(self, table: Table, frame: pl.DataFrame) -> None:
        """Store a table; its nulls are held by checks, and may be anywhere here."""
        columns = ", ".join(f"{quote(c.name)} {c.type}" for c in table.all_columns)
        self.con.execute(f"CREATE SCHEMA IF NOT EXISTS {table.schema}")
        self.con.execute(f"CREATE TABLE {table.full_name} ({columns})")
        self.con.register("incoming", frame)
        self.con.execute(f"INSERT INTO {table.full_name} BY NAME FROM incoming")

    def rows(self, step: Step) -> pl.DataFrame:
        """The rows of a step."""
        return self.engine.frame(step, Scope(MONTH))


def frame_of(table: Table, rows: Iterable[Row]) -> pl.DataFrame:
    """Rows of a table in the bank's month; what they leave out is null."""
    given = [{"as_of": DAY, "month": MONTH, **each} for each in rows]
    return pl.DataFrame(
        {name: [each.get(name) for each in given] for name in table.column_names},
        schema=table.polars_schema,
        strict=False,
    )


def _age(customer: Row) -> int | None:
    born = customer.get("birth_date")
    return DAY.year - born.year if born else customer.get("age")


def account(customer_id: str, product_id: str, balance: int = 5) -> dict[str, Any]:
    """An account of a product at the month's end."""
    return {
        "customer_id": customer_id,
        "account_id": f"{customer_id}-{product_id}",
        "product_id": product_id,
        "balance": balance,
        "balance_on": DAY,
    }


def fund(product_id: str, grade: str | None, **more: Any) -> dict[str, Any]:
    """A fund that is sold after an assessment."""
    return {
        "product_id": product_id,
        "category": "fund",
        "risk_grade": grade,
        "needs_assessment": True,
        **more,
    }


def assessed(customer_id: str, tolerance: str, age: int = 40, **more: Any) -> dict[str, Any]:
    """A customer with an assessment of half a year ago, and enough to buy anything."""
    return {
        "customer_id": customer_id,
        "risk_tolerance": tolerance,
        "risk_assessed_on": date(2024, 1, 2),
        "risk_tolerance_expires_on": date(2025, 1, 2),
        "birth_date": date(2024 - age, 1, 1),
        "means": 1_000_000,
        **more,
    }


def stored(bank: Bank, folder: Path) -> Warehouse:
    """A warehouse with the bank's tables, for checks."""
    warehouse = SmallWarehouse(folder / "w.duckdb", "bank", "run")
    for table, frame in bank.frames.items():
        nullable = tuple(replace(column, nullable=True) for column in table.columns)
        months = sorted({MONTH, *frame["month"]}) if "month" in frame.columns else [MONTH]
        warehouse.write(replace(table, columns=nullable), months, frame)
    return warehouse


def found(check: TableCheck, warehouse: Warehouse, table: Table, rows: pl.DataFrame) -> Finding:
    """What a check finds in these rows of a table."""
    return check.find(Subject(warehouse, table, MONTH, lambda: rows))
