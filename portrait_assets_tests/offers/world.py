"""A month of a small bank: customers' records, what they hold, and products, as frames."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import duckdb
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
from portrait_assets.storage.duckdb.tables import column_types, create_table_sql
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import Grain, Scope, Source, Step

MONTH, DAY = "2024-06", date(2024, 6, 30)
Row = Mapping[str, Any]
AFFINITY = Step("product_affinity", (), grain=Grain.ALL)
"""Affinities as a frame that the world has under the name `affinities`."""


class Bank:
    """The bank's tables of one month.

    Args:
        customers: records, each with `customer_id`, what is recorded, and `means`, what they hold.
        products: rows of the products.
        affinities: `customer_id`, `item` and `probability`, of the kind `product` unless stated.
        refuses: who of the customers refuses profiling; `children` are those for whom no guardian
            agreed.
        tables: rows of further cleaned tables.
    """

    def __init__(
        self,
        customers: Iterable[Row] = (),
        products: Iterable[Row] = (),
        affinities: Iterable[Row] = (),
        refuses: Iterable[str] = (),
        children: Iterable[str] = (),
        **tables: Iterable[Row],
    ) -> None:
        self.con = duckdb.connect()
        people, refused = list(customers), [*refuses, *children]
        self._put(GOLDEN_RECORD, ({k: v for k, v in each.items() if k != "means"} for each in people))
        known = dict.fromkeys(each["customer_id"] for each in people)
        profiled = [who for who in known if who not in refused]
        self._put(FEATURE_MATRIX, ({"customer_id": who} for who in profiled))
        kept = [{"customer_id": who, "because": "withdrawn", "keeps_row": True} for who in refuses]
        small = {"because": "minor_without_guardian", "keeps_row": False}
        self._put(UNPROFILED, [*kept, *({"customer_id": who} | small for who in children)])
        self._put(
            CUSTOMER_BALANCE_MONTH,
            (
                {"customer_id": each["customer_id"], "balance": each["means"]}
                for each in people
                if each.get("means") is not None
            ),
        )
        self._put(CLEANED["products"], products)
        for name in ("balances", "transactions"):
            self._put(CLEANED[name], tables.get(name, ()))
        self._put(CONSENT_DEFAULT, [{"purpose": "profiling", "allowed": True}])
        answers = {"purpose": "profiling", "allowed": False}
        self._put(CUSTOMER_CONSENT, ({"customer_id": w, "because": "withdrawn"} | answers for w in refused))
        for table in (IDENTITY_MAP, CUSTOMER_ALIAS, CUSTOMER_MONTH):
            self._put(table, ())
        listed = [{"item_kind": "product"} | dict(each) for each in affinities]
        schema = {"customer_id": pl.String, "item_kind": pl.String, "item": pl.String, "probability": pl.Float64}
        self.con.register("affinities", pl.DataFrame(listed, schema=schema, orient="row"))
        self.engine = Engine(self.con)

    def _put(self, table: Table, rows: Iterable[Row]) -> None:
        self.con.execute(f"CREATE SCHEMA IF NOT EXISTS {table.schema}")
        self.con.execute(create_table_sql(table, column_types(table)))
        given = [{"as_of": DAY, "month": MONTH, **each} for each in rows]
        names = [name for name in table.polars_schema if any(name in each for each in given)]
        if not given:
            return
        frame = pl.DataFrame(
            {name: [each.get(name) for each in given] for name in names},
            schema={name: table.polars_schema[name] for name in names},
            strict=False,
        )
        # Contracts are held by checks; what a test leaves out is null here.
        for column in table.all_columns:
            if not column.nullable and column.name not in names:
                self.con.execute(f"ALTER TABLE {table.full_name} ALTER {column.name} DROP NOT NULL")
        self.con.execute(f"INSERT INTO {table.full_name} BY NAME SELECT * FROM frame")

    def rows(self, step: Step, month: str = MONTH, given: Mapping[Source, str] | None = None) -> pl.DataFrame:
        """The rows of a step."""
        self.engine.given = {AFFINITY: "affinities", **(given or {})}
        return self.engine.frame(step, Scope(month))


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
