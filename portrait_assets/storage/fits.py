"""What is fitted over all customers: a step, and its rows by month.

With the rows, some customers can be computed as in a run of all.
A fit has few rows of its own columns, so those of all fits stand in one table, a row per value, as
text with its DuckDB type.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import duckdb
import polars as pl

from portrait_assets.schema.columns import integer, required, text
from portrait_assets.schema.resting import Resting
from portrait_assets.schema.sensitivity import STATISTIC
from portrait_assets.schema.table import PartitionBy, Table
from portrait_assets.storage.duckdb.connection import literal, literals, quote
from portrait_assets.storage.duckdb.partitions import select_sql
from portrait_assets.storage.steps import Grain, Scope, Source, Sql, Step, upstream

_text = required(text)


def fits_table(schema: str) -> Table:
    """The table of what a stage fits."""
    return Table(
        schema=schema,
        name="fitted",
        en="What was fitted over all customers: base rates, usual shares, names of categories",
        zh="全体客户拟合结果",
        operation=STATISTIC,
        resting=Resting.COUNTED,
        columns=(
            _text("step", "Step that was fitted", "拟合步骤"),
            integer("row_no", "Row of the fit", "行号", nullable=False, minimum=1),
            _text("column_name", "Column of the fit", "列名"),
            _text("column_type", "Its DuckDB type", "类型"),
            text("value", "Its value as text", "取值"),
        ),
        key=("as_of", "step", "row_no", "column_name"),
        partition_by=PartitionBy.AS_OF,
    )


def fit(name: str, reads: tuple[Source, ...], partial: Sql, combine: Sql) -> Step:
    """A step about all customers, from rows of any populations that add up.

    Args:
        name: its name.
        reads: what the partial rows are computed from.
        partial: the SQL of a population's rows.
        combine: the SQL that adds up the rows of all populations, which it reads as `part`.
    """
    part = Step("part", reads, partial, grain=Grain.PARTIAL)
    return Step(name, (part,), combine, grain=Grain.ALL)


def is_fit(step: Step) -> bool:
    """Whether the step adds up rows of populations of customers."""
    return any(isinstance(s, Step) and s.grain is Grain.PARTIAL for s in step.reads)


@dataclass
class Fits:
    """Collects what steps fit; `keep` is what an engine calls with each."""

    con: duckdb.DuckDBPyConnection
    _frames: dict[tuple[str, str], pl.DataFrame] = field(default_factory=dict, init=False)

    def keep(self, step: Step, scope: Scope, relation: str) -> None:
        """Keep the rows that stand in the relation, once a month."""
        if not is_fit(step) or (scope.month, step.name) in self._frames:
            return
        columns = self.con.execute(f"DESCRIBE {relation}").fetchall()
        names, types = [row[0] for row in columns], [row[1] for row in columns]
        order = ", ".join(map(quote, names))
        values = ", ".join(f"CAST({quote(name)} AS VARCHAR)" for name in names)
        self._frames[scope.month, step.name] = self.con.sql(
            f"SELECT {scope.day} AS as_of, {literal(step.name)} AS step, row_no, "
            f"unnest([{literals(names)}]) AS column_name, unnest([{literals(types)}]) AS "
            f"column_type, unnest([{values}]) AS value "
            f"FROM (SELECT row_number() OVER (ORDER BY {order}) AS row_no, * FROM {relation})"
        ).pl()

    @property
    def rows(self) -> list[pl.DataFrame]:
        """The rows that were kept."""
        return list(self._frames.values())


def stored_fits(
    con: duckdb.DuckDBPyConnection, table: Table, month: str, *targets: Step
) -> dict[Source, str]:
    """For an engine: the relation of each fit that the targets need, as it was in the month."""
    fits = {
        step.name: step for step in upstream(*targets) if isinstance(step, Step) and is_fit(step)
    }
    rows = select_sql(table, [month])
    columns: dict[str, list[str]] = {}
    for step, name, type_ in con.execute(
        f"SELECT DISTINCT step, column_name, column_type FROM ({rows}) ORDER BY ALL"
    ).fetchall():
        value = f"max(value) FILTER (column_name = {literal(name)})"
        columns.setdefault(step, []).append(f"CAST({value} AS {type_}) AS {quote(name)}")
    return {
        fits[step]: f"(SELECT {', '.join(values)} FROM ({rows}) WHERE step = {literal(step)} "
        "GROUP BY row_no)"
        for step, values in columns.items()
        if step in fits
    }
