"""A handful of customers with their events, as inputs of the features stage."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import duckdb
import polars as pl

from portrait_assets.core.months import month_range
from portrait_assets.schema.table import Table, Type
from portrait_assets.stages.cleaned.categories.columns import CATEGORY_COLUMNS
from portrait_assets.stages.cleaned.contract import CLEANED, GOLDEN_RECORD
from portrait_assets.stages.cleaned.golden import golden_month
from portrait_assets.stages.consent.contract import CONSENT_DEFAULT, CUSTOMER_CONSENT
from portrait_assets.stages.consent.deciding import consent_steps
from portrait_assets.stages.features import matrix, persons
from portrait_assets.stages.features.contract import (
    CAMPAIGN_RESPONSE,
    FEATURE_MATRIX,
    FEATURES,
    UNPROFILED,
)
from portrait_assets.stages.features.monthly import steps as monthly
from portrait_assets.stages.identity.contract import CUSTOMER_ALIAS, IDENTITY_MAP
from portrait_assets.storage.duckdb.connection import quote
from portrait_assets.storage.duckdb.rows import Query
from portrait_assets.storage.duckdb.tables import column_types, create_table_sql
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.standing import standing_steps
from portrait_assets.storage.steps import Scope, Source, Step, spans_read
from portrait_assets.testing.steps import small_database

MONTHLY_TABLES = tuple(step.writes for step in monthly.STEPS if step.writes is not None)

DATED = {
    "transactions": "occurred_at",
    "responses": "responded_on",
    "contacts": "contacted_on",
    "balances": "balance_on",
    "interactions": "occurred_at",
    "market": "observed_on",
    "promotions": "ended_on",
    "requests": "requested_on",
    "consents": "recorded_on",
}
_OF_PRODUCTS = (monthly.PRODUCT_MONTH, monthly.CUSTOMER_CATEGORY_MONTH)
"""They have no row of lines that name neither a product nor a category."""
ON_CONSENT = (CONSENT_DEFAULT, CUSTOMER_CONSENT, UNPROFILED)
_STANDING = standing_steps(matrix.FEATURE_MATRIX, {})
_ALL_REST_ON = [step for step in standing_steps(matrix.matrix_of([]), {}) if step in _STANDING]


def _with_those_read() -> dict[Table, set[Table]]:
    """By aggregate, the aggregates that have to be there: itself, and those that its step reads."""
    found: dict[Table, set[Table]] = {}
    for step in monthly.STEPS:
        read = spans_read(step).keys() & found.keys()
        if step.writes is not None:
            found[step.writes] = {step.writes}.union(*(found[table] for table in read))
    return found


_WITH_THOSE_READ = _with_those_read()


def _empty(tables: Sequence[Table]) -> str:
    """The statements that create the tables and their schemas."""
    schemas = dict.fromkeys(f"CREATE SCHEMA {table.schema}" for table in tables)
    return "; ".join([*schemas, *(create_table_sql(t, column_types(t)) for t in tables)])


_EMPTY_TABLES = _empty(
    [
        *(*CLEANED.values(), CATEGORY_COLUMNS, IDENTITY_MAP, CUSTOMER_ALIAS, GOLDEN_RECORD),
        *(*ON_CONSENT, *MONTHLY_TABLES),
    ]
)


def cleaned(table: str, rows: list[dict[str, Any]], first: str = "2024-01") -> pl.DataFrame:
    """Rows of a cleaned table; what a row leaves out is null."""
    schema = CLEANED[table].polars_schema
    dated = DATED.get(table)
    sourced = table == "customers"
    full = [
        dict.fromkeys(schema.names())
        | {"source_file": "f", "source_row": number}
        | {"month": row.get("month") or _month_of(row, dated, first)}
        | ({"source_customer_id": row["customer_id"]} if sourced else {})
        | row
        for number, row in enumerate(rows, 1)
    ]
    return pl.DataFrame(full, schema=schema)


def _month_of(row: dict[str, Any], dated: str | None, first: str) -> str:
    return f"{row.get(dated) or row['granted_on']:%Y-%m}" if dated else first


def sale(customer: str, day: str, amount: float | Decimal, **more: Any) -> dict[str, Any]:
    """A transaction line; `day` may carry a time."""
    moment = datetime.fromisoformat(day)
    return {"customer_id": customer, "occurred_at": moment, "amount": amount, **more}


def day(text: str) -> date:
    """A date from its ISO form."""
    return date.fromisoformat(text)


Merge = tuple[str, str, str]
"""A month, and the identifier that was merged into a customer in it, and the customer."""


def merges(merged: list[Merge]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The identity map and the aliases of these merges."""
    common = {"valid_from": day("2024-01-01"), "match_probability": 1.0, "evidence": "same phone"}
    rows = [
        {"month": month, "source_customer_id": alias, "customer_id": customer, **common}
        for month, alias, customer in merged
    ]
    alias_rows = [{**row, "alias_id": row["source_customer_id"]} for row in rows]
    return (
        pl.DataFrame(rows, schema=IDENTITY_MAP.polars_schema),
        pl.DataFrame(alias_rows, schema=CUSTOMER_ALIAS.polars_schema),
    )


class World:
    """Cleaned tables in a database of their own, with all months up to `last` aggregated.

    An aggregate is added up when something asks for it, with what it reads.

    What customers allow is decided where there is something about it: a table of consents or
    requests, or what the source declares that silence means.
    """

    def __init__(
        self,
        last: str,
        first: str = "2024-01",
        merged: Sequence[Merge] = (),
        consent_default: Mapping[str, bool] | None = None,
        **tables: list[dict[str, Any]],
    ) -> None:
        self._con = small_database()
        self._con.execute(_EMPTY_TABLES)
        self._stored: dict[Table, Counter[str]] = defaultdict(Counter)
        frames = {name: cleaned(name, tables.get(name, []), first) for name in CLEANED}
        for name, frame in frames.items():
            self._insert(CLEANED[name], frame)
        identities, aliases = merges(list(merged))
        self._insert(IDENTITY_MAP, identities)
        self._insert(CUSTOMER_ALIAS, aliases)
        for month in sorted({*frames["customers"]["month"], *identities["month"]}):
            records = golden_month(frames["customers"], identities, month)
            self._insert(GOLDEN_RECORD, pl.concat([GOLDEN_RECORD.empty(), *records]))
        # What does not change from month to month is computed once, as in a run.
        self._engine = Engine(self._con, materialized=self._stored.__getitem__)
        self._missing = set(MONTHLY_TABLES)
        months = {CLEANED[name]: set(frames[name]["month"]) for name in DATED}
        names_products = pl.any_horizontal(pl.col("product_id", "category").is_not_null())
        self._of_products = set(frames["transactions"].filter(names_products)["month"])
        self._happened = {
            month: {table for table, of_table in months.items() if month in of_table}
            for month in sorted(m for m in set().union(*months.values()) if m <= last)
        }
        if consent_default is not None or {"consents", "requests"} & tables.keys():
            steps = (*consent_steps(consent_default or {}), persons.UNPROFILED)
            self._aggregate(spans_read(*steps))
            for month in month_range(first, last):
                for step in steps:
                    self._run(step, month)
        self._of_feature: dict[tuple[str, str], dict[str, Any]] = {}
        self._of_month: dict[str, Engine] = {}

    @property
    def con(self) -> duckdb.DuckDBPyConnection:
        """The database, with all aggregates; what is changed in it is read from then on."""
        self._aggregate(MONTHLY_TABLES)
        self._engine.close()
        return self._con

    @property
    def engine(self) -> Engine:
        """An engine over all tables."""
        return Engine(self.con)

    def _aggregate(self, tables: Iterable[Table]) -> None:
        """Add up those of the tables that are aggregates, and those that they rest on."""
        wanted = self._missing & set().union(*(_WITH_THOSE_READ.get(t, ()) for t in tables))
        self._missing -= wanted
        steps = [step for step in monthly.STEPS if step.writes in wanted]
        for month, happened in self._happened.items():
            for step in steps:
                # Without an event it would add no row, and takes some 15 ms.
                if happened & spans_read(step).keys() and (
                    step not in _OF_PRODUCTS or month in self._of_products
                ):
                    self._run(step, month)

    def _run(self, step: Step, month: str) -> None:
        assert step.writes is not None
        with self._engine.rows(step, Scope(month)) as rows:
            assert isinstance(rows, Query)
            inserted = self._con.execute(
                f"INSERT INTO {step.writes.full_name} BY NAME {rows.sql}"
            ).fetchall()
        self._stored[step.writes][month] += inserted[0][0]

    def _insert(self, table: Table, frame: pl.DataFrame) -> None:
        if frame.is_empty():
            return
        self._con.register("incoming", frame)
        self._con.execute(f"INSERT INTO {table.full_name} BY NAME SELECT * FROM incoming")
        if table.partition_by is not None:
            # A month, or a day of it.
            self._stored[table].update(frame[table.partition_by].cast(pl.String).str.head(7))

    def hold_back(self, table: str, column: str, month: str) -> None:
        """Decide that a column is held back in a month, once all is aggregated."""
        self._aggregate(MONTHLY_TABLES)
        row = {"month": month, "table_name": table, "column_name": column, "is_held": True}
        rest = {
            c.name: False if c.type is Type.BOOLEAN else 0
            for c in CATEGORY_COLUMNS.columns
            if not c.nullable and c.name not in row
        }
        self._insert(CATEGORY_COLUMNS, pl.DataFrame([row | rest]))

    def table(self, table: Table) -> pl.DataFrame:
        """All rows of an aggregate, with its contract's types."""
        self._aggregate([table])
        frame: pl.DataFrame = self._con.sql(f"FROM {table.full_name}").pl()
        return frame

    def matrix(self, month: str, part_customers: int = 100_000) -> pl.DataFrame:
        """The feature matrix of a month, with its contract's types, computed in parts."""
        engine = Engine(self.con, part_customers=part_customers)
        with engine.rows(matrix.FEATURE_MATRIX, Scope(month)) as rows:
            assert isinstance(rows, Query)
            # A frame of the query itself would have it bound twice.
            self.con.execute(f"CREATE OR REPLACE TEMP TABLE of_month AS {rows.sql}")
        frame: pl.DataFrame = self.con.sql("FROM of_month").pl()
        return frame.select(FEATURE_MATRIX.column_names).cast(FEATURE_MATRIX.polars_schema)

    def campaign_responses(self, month: str) -> pl.DataFrame:
        """Responses by kind of campaign as of a month, with their contract's types."""
        frame = self.engine.frame(matrix.CAMPAIGN_RESPONSE, Scope(month))
        return frame.select(CAMPAIGN_RESPONSE.column_names).cast(CAMPAIGN_RESPONSE.polars_schema)

    def customer(self, customer: str, month: str) -> CustomerRow:
        """One customer's row of the matrix."""
        return CustomerRow(self, customer, month)

    def feature(self, name: str, month: str) -> dict[str, Any]:
        """A feature's value of each customer, for which few of the matrix's steps are needed."""
        if (month, name) not in self._of_feature:
            self._compute([name], month)
        return self._of_feature[month, name]

    def known(self, names: Iterable[str], month: str) -> set[str]:
        """Those of the features of which anybody has a value."""
        self._compute(names, month)
        return {
            name
            for name in names
            if any(value is not None for value in self._of_feature[month, name].values())
        }

    def customers(self, month: str) -> list[str]:
        """Who is in the matrix, in its order."""
        return list(self.feature("tenure_days", month))

    def _compute(self, names: Iterable[str], month: str) -> None:
        """Keep the values of features, with their contract's types."""
        if month not in self._of_month:
            self._of_month[month] = self._with_what_all_rest_on(month)
        wanted = [feature for feature in FEATURES if feature.name in names]
        values = ", ".join(
            f"CAST({quote(each.name)} AS {FEATURE_MATRIX.column(each.name).type})"
            for each in wanted
        )
        step = matrix.matrix_of(wanted)
        self._aggregate(spans_read(step))
        with self._of_month[month].rows(step, Scope(month)) as rows:
            assert isinstance(rows, Query)
            # A frame would have the statement bound twice, which takes longer than to run it.
            found = self._con.execute(f"SELECT customer_id, {values} FROM ({rows.sql})").fetchall()
        for place, feature in enumerate(wanted, 1):
            self._of_feature[month, feature.name] = {row[0]: row[place] for row in found}

    def _with_what_all_rest_on(self, month: str) -> Engine:
        """An engine that is given the steps that every feature of the month would compute again."""
        given: dict[Source, str] = {}
        self._aggregate(spans_read(*_ALL_REST_ON))
        for step in _ALL_REST_ON:
            name = f"temp.{step.name}_{month.replace('-', '_')}"
            with Engine(self._con, given).rows(step, Scope(month)) as rows:
                assert isinstance(rows, Query)
                self._con.execute(f"CREATE TEMP TABLE {name} AS {rows.sql}")
            given[step] = name
        return Engine(self._con, given)


@dataclass(frozen=True)
class CustomerRow:
    """A row of a month's matrix whose features are computed when they are asked for."""

    world: World
    customer: str
    month: str

    def __getitem__(self, name: str) -> Any:
        """The feature's value."""
        return self.world.feature(name, self.month)[self.customer]
