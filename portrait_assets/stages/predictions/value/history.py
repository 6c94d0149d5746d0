"""What customers bought, from their monthly aggregates: far fewer rows than transactions.

Purchases are days with a purchase, as `methods.lifetime` counts them, net of what was cancelled by
the month. First and last day are exact. The amount of a customer's first purchase is taken to be
the mean of its month, which it is where that month has one purchase.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

import polars as pl

from portrait_assets.core.months import last_day, next_month
from portrait_assets.stages.cleaned.contract import CLEANED
from portrait_assets.stages.features.contract import CUSTOMER_MONTH, UNPROFILED
from portrait_assets.stages.features.monthly.purchases import net_months
from portrait_assets.stages.identity.persons import ALIAS, of_persons
from portrait_assets.storage.duckdb.connection import literal
from portrait_assets.storage.duckdb.rows import Query
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import EVER, THE_MONTH, Scope, Step, if_empty, read

_TABLE, _SAMPLE = "value_history", "value_sample"
_SUMS = ("purchase_days", "tickets", "ticket_amount", "amount")
_NET = ("purchase_days", "tickets", "ticket_amount", "first_at", "last_at")
_OWN = of_persons(CUSTOMER_MONTH, EVER, "value_months")
_NAMES = ", ".join((*_SUMS, "first_at", "last_at"))
_ADDED = Step(
    "value_months_added",
    (_OWN, ALIAS),
    f"SELECT month, customer_id, {', '.join(f'sum({name}) AS {name}' for name in _SUMS)}, "
    "min(first_at) AS first_at, max(last_at) AS last_at "
    "FROM value_months WHERE lines > 0 GROUP BY month, customer_id",
    in_table=False,
    simpler=if_empty(
        ALIAS,
        f"SELECT month, customer_id, {_NAMES} FROM value_months WHERE lines > 0",
    ),
)
"""A row per person and month; the days of one person's rows are an upper bound."""
_CHANGED = net_months(of_persons(CLEANED["transactions"], EVER, "value_transactions"))


def _sql(months: str) -> str:
    # The days of two rows that are one person's are no more than lie between first and last.
    return (
        "SELECT customer_id, last_day(CAST(month || '-01' AS DATE)) AS until, "
        "CAST(first_at AS DATE) AS first_on, CAST(last_at AS DATE) AS last_on, "
        "CAST(CASE WHEN first_at IS NULL THEN 0 ELSE least(purchase_days, "
        "CAST(last_at AS DATE) - CAST(first_at AS DATE) + 1) END AS INTEGER) AS days, "
        "CASE WHEN tickets > 0 THEN ticket_amount END AS spent, amount "
        f"FROM ({months}) ANTI JOIN unprofiled USING (customer_id)"
    )


def _as_known() -> str:
    columns = ", ".join(
        f"CASE WHEN n.customer_id IS NULL THEN m.{name} ELSE n.{name} END AS {name}"
        for name in _NET
    )
    return (
        f"SELECT m.month, m.customer_id, m.amount, {columns} "
        f"FROM {_ADDED.name} AS m LEFT JOIN {_CHANGED.name} AS n "
        "ON n.customer_id = m.customer_id AND n.month = m.month"
    )


MONTHS = Step(
    "value_history",
    (_ADDED, _CHANGED, read(UNPROFILED, THE_MONTH)),
    _sql(_as_known()),
    simpler=if_empty(_CHANGED, _sql(f"SELECT * FROM {_ADDED.name}")),
)
"""Each customer's months so far: purchases (`days`) and what was `spent` on them, as known now.

`amount` is net of all that was given back in the month.
"""


@dataclass(frozen=True)
class MonthHistory:
    """A history by months: days are those of month ends, and others stand for the nearest one.

    Args:
        engine: on whose connection the table is.
        table: rows of `MONTHS`.
    """

    engine: Engine
    table: str = _TABLE

    def summary(self, until: date, window_days: int) -> pl.DataFrame:
        """One row per customer as of a day, see `methods.lifetime.transactions.summary`."""
        end = month_end(until)
        since = month_end(date.fromordinal(until.toordinal() - window_days))
        is_recent = f"FILTER (until > DATE {literal(since)})"
        return self._frame(
            f"""
    SELECT customer_id, CAST(days - 1 AS BIGINT) AS x, (last_on - first_on) / 7.0 AS t_x,
        (DATE {literal(end)} - first_on) / 7.0 AS "T",
        CASE WHEN known > is_known THEN (spent - coalesce(first_spent, 0)) / (known - is_known) END
            * share AS mean_spend,
        CAST(recent - is_first_recent AS BIGINT) AS recent,
        (recent_spent - CASE WHEN is_first_recent = 1 THEN coalesce(first_spent, 0) ELSE 0 END)
            * share AS recent_spend
    FROM (
        SELECT *, CASE WHEN spent > 0 THEN least(greatest(net / spent, 0), 1) ELSE 1 END AS share,
            CASE WHEN first_spent IS NULL THEN 0 ELSE 1 END AS is_known,
            CASE WHEN first_on > DATE {literal(since)} THEN 1 ELSE 0 END AS is_first_recent
        FROM (
            SELECT customer_id, sum(days) AS days, min(first_on) AS first_on,
                max(last_on) AS last_on,
                coalesce(sum(days) FILTER (spent IS NOT NULL), 0) AS known,
                CAST(sum(spent) AS DOUBLE) AS spent, CAST(sum(amount) AS DOUBLE) AS net,
                arg_min_null(CAST(spent AS DOUBLE) / days, first_on) AS first_spent,
                coalesce(sum(days) {is_recent}, 0) AS recent,
                coalesce(CAST(sum(spent) {is_recent} AS DOUBLE), 0) AS recent_spent
            FROM {self.table} WHERE until <= DATE {literal(end)}
            GROUP BY customer_id HAVING sum(days) > 0
        )
    ) ORDER BY customer_id
    """
        )

    def outcome(self, customers: pl.DataFrame, after: date, until: date) -> pl.DataFrame:
        """What customers did after a day up to another: `purchases`, and `spend` net of returns."""
        done = self._frame(
            "SELECT customer_id, CAST(sum(days) AS BIGINT) AS purchases, "
            f"CAST(sum(amount) AS DOUBLE) AS spend FROM {self.table} "
            f"WHERE until > DATE {literal(month_end(after))} "
            f"AND until <= DATE {literal(month_end(until))} GROUP BY customer_id"
        )
        return (
            customers.select("customer_id")
            .join(done, on="customer_id", how="left", maintain_order="left")
            .with_columns(pl.col("purchases", "spend").fill_null(0))
        )

    def mean_amount(self, until: date) -> float:
        """Mean amount of all purchases up to a day; NaN where no amount is known."""
        found = self._frame(
            "SELECT CAST(sum(spent) AS DOUBLE) / sum(days) AS mean FROM "
            f"{self.table} WHERE spent IS NOT NULL AND until <= DATE {literal(month_end(until))}"
        ).item()
        return float("nan") if found is None else float(found)

    def first(self) -> date | None:
        """The day of the first of all purchases; None without any."""
        found: date | None = self._frame(f"SELECT min(first_on) FROM {self.table}").item()
        return found

    def comes_back(self) -> bool:
        """Whether any customer has bought on a second day."""
        query = f"FROM {self.table} GROUP BY customer_id HAVING sum(days) > 1 LIMIT 1"
        return bool(self._frame(f"SELECT customer_id {query}").height)

    @contextmanager
    def sample(self, most: int) -> Iterator[MonthHistory]:
        """The history of every k-th customer, so that as many are left as wanted at most."""
        count = self._frame(f"SELECT count(DISTINCT customer_id) FROM {self.table}").item()
        if count <= most:
            yield self
            return
        ranked = (
            "SELECT customer_id, row_number() OVER (ORDER BY customer_id) - 1 AS place "
            f"FROM (SELECT DISTINCT customer_id FROM {self.table})"
        )
        # The customer at whose place the whole part of a k-th of all rises.
        share = f"{most} / {count}.0"
        drawn = (
            f"SELECT customer_id FROM ({ranked}) "
            f"WHERE floor((place + 1) * {share}) > floor(place * {share})"
        )
        self.engine.con.execute(
            f"CREATE OR REPLACE TEMP TABLE {_SAMPLE} AS "
            f"FROM {self.table} SEMI JOIN ({drawn}) USING (customer_id)"
        )
        try:
            yield MonthHistory(self.engine, _SAMPLE)
        finally:
            self.engine.con.execute(f"DROP TABLE {_SAMPLE}")

    def _frame(self, sql: str) -> pl.DataFrame:
        frame: pl.DataFrame = self.engine.con.sql(sql).pl()
        return frame


@contextmanager
def history_of(engine: Engine, month: str, population: str = "true") -> Iterator[MonthHistory]:
    """What customers have bought by a month's end, of whom may be profiled then.

    Args:
        engine: on the warehouse's connection.
        month: nothing later is looked at, cancellations neither.
        population: SQL condition on `customer_id`.
    """
    with engine.rows(MONTHS, Scope(month, population)) as rows:
        assert isinstance(rows, Query)
        engine.con.execute(f"CREATE OR REPLACE TEMP TABLE {_TABLE} AS {rows.sql}")
    try:
        yield MonthHistory(engine)
    finally:
        engine.con.execute(f"DROP TABLE {_TABLE}")


def month_end(day: date) -> date:
    """The end of a month that is nearest to the day."""
    month = f"{day:%Y-%m}"
    ends = (last_day(next_month(month, -1)), last_day(month))
    return min(ends, key=lambda end: abs((end - day).days))
