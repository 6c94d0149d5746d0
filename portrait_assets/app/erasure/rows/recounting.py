"""Rows of past months that count few customers, counted again from what an erasure leaves.

Numbers of many customers say nothing of one of them, and stay as everybody knows them. A number of
few may be that of the erased alone: so it is not copied, and what is left is counted instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import duckdb
import polars as pl

from portrait_assets.app.erasure.rows.few import FITS, few_sql
from portrait_assets.schema.resting import COUNT
from portrait_assets.schema.table import PartitionBy, Table
from portrait_assets.stages.clusters import contract as clusters
from portrait_assets.stages.clusters.contract import CLUSTER_ASSIGNMENT, CLUSTER_SEGMENT
from portrait_assets.stages.clusters.wealth import contract as wealth
from portrait_assets.stages.clusters.wealth.contract import WEALTH_DESCRIPTION, WEALTH_SEGMENT
from portrait_assets.stages.consent.deciding import consent_steps
from portrait_assets.stages.features.contract import FITTED
from portrait_assets.stages.features.monthly.steps import PRODUCT_MONTH as SOLD
from portrait_assets.stages.market.assets import market_steps
from portrait_assets.stages.offers.affinity.segments import segment_step
from portrait_assets.stages.offers.suitability.counting import product_rule
from portrait_assets.storage.duckdb.connection import current_database, literal, qualified, quote
from portrait_assets.storage.duckdb.tables import existing_types
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.fits import stored_fits
from portrait_assets.storage.steps import Scope, Source, Step

SIZES: Mapping[Table, tuple[Table, Sequence[str]]] = {
    CLUSTER_SEGMENT: (CLUSTER_ASSIGNMENT, clusters.UNSAID_OF_FEW),
    WEALTH_DESCRIPTION: (WEALTH_SEGMENT, wealth.UNSAID_OF_FEW),
}
"""Of tables of segments, which are as they were found: who is in which, and what few lack."""


@dataclass(frozen=True)
class Recounting:
    """How rows of few customers are counted again.

    `steps` write the tables, in the order in which they read each other. `closed` are months whose
    rows are no longer kept: there rows of few customers only go.
    """

    steps: Sequence[Step]
    closed: frozenset[str] = frozenset()


def recounted_steps(smallest: int, silence: Mapping[str, bool]) -> tuple[Step, ...]:
    """The steps whose tables count customers, of any number.

    Args:
        smallest: fewest customers of what is published by itself.
        silence: by purpose what the source declares that the silence of a customer means.
    """
    default, _ = consent_steps(silence)
    return (
        *(default, SOLD),
        *market_steps(smallest),
        *(segment_step(smallest), product_rule(smallest)),
    )


def name_counted(con: duckdb.DuckDBPyConnection, recounting: Recounting) -> dict[str, str]:
    """By table of which rows are counted again, the name of a temporary one for these rows."""
    steps = [step.writes.full_name for step in recounting.steps if step.writes is not None]
    named = {}
    sized = [table.full_name for table in SIZES]
    for table in (*steps, *sized, FITTED.full_name):
        if existing_types(con, table):
            named[table] = f"temp.{quote(f'counted_again_{table}')}"
            con.execute(f"CREATE OR REPLACE TEMP TABLE {named[table]} AS FROM {table} LIMIT 0")
    return named


def count_again(
    con: duckdb.DuckDBPyConnection, kept: str, recounting: Recounting, named: Mapping[str, str]
) -> dict[str, int]:
    """Count the customers of rows of few again.

    Args:
        con: a connection to the warehouse.
        kept: the name of an attached database that has, by the name of each table, the rows that
            stay, with those that were counted again by now.
        recounting: how they are counted again.
        named: the temporary tables that the rows are put into, as `name_counted` gives them.

    Returns:
        By table, the rows that were counted again.
    """
    counted: dict[str, int] = {}
    for step in recounting.steps:
        contract = step.writes
        if contract is not None and (into := named.get(contract.full_name)):
            key = (str(contract.partition_by), *contract.key)
            gone = _gone(con, contract, list(dict.fromkeys(key)), recounting)
            counted[contract.full_name] = _put(con, into, gone, _rows_of(con, kept, step))
    for sized, (assigned, unsaid) in SIZES.items():
        if into := named.get(sized.full_name):
            gone = _gone(con, sized, sized.key, recounting)
            recount = partial(_sized, con, kept, sized, assigned, unsaid)
            counted[sized.full_name] = _put(con, into, gone, recount)
    if into := named.get(FITTED.full_name):
        gone = _gone(con, FITTED, ("as_of", "step", "row_no"), recounting)
        counted[FITTED.full_name] = _put(con, into, gone, partial(_fits, con, kept))
    return {name: count for name, count in counted.items() if count}


Recount = Callable[[str, pl.DataFrame], pl.DataFrame]
"""Of a month and the keys of the rows that are gone from it, the rows that take their place."""


def _gone(
    con: duckdb.DuckDBPyConnection, table: Table, key: Sequence[str], recounting: Recounting
) -> dict[str, pl.DataFrame]:
    """By month the keys of the rows that are not copied, of months that can be counted again."""
    month = "month" if key[0] == PartitionBy.MONTH else f"strftime({key[0]}, '%Y-%m')"
    few = few_sql(con, table.full_name, table)
    rows = con.sql(
        f"SELECT {month} AS in_month, {', '.join(map(quote, key))} "
        f"FROM {qualified(table.full_name)} WHERE {few or 'false'}"
    ).pl()
    parts = rows.partition_by("in_month", as_dict=True, include_key=False)
    return {
        str(month): part
        for (month,), part in sorted(parts.items())
        if month not in recounting.closed
    }


def _put(
    con: duckdb.DuckDBPyConnection, into: str, gone: Mapping[str, pl.DataFrame], recount: Recount
) -> int:
    count = 0
    for month, keys in gone.items():
        rows = recount(month, keys)
        con.register("counted_again", rows)
        con.execute(f"INSERT INTO {into} BY NAME FROM counted_again")
        con.unregister("counted_again")
        count += rows.height
    return count


def _rows_of(con: duckdb.DuckDBPyConnection, kept: str, step: Step) -> Recount:
    def rows(month: str, keys: pl.DataFrame) -> pl.DataFrame:
        counted = _computed(con, kept, step, month)
        return counted.join(keys, on=keys.columns, how="semi", nulls_equal=True)

    return rows


def _fits(
    con: duckdb.DuckDBPyConnection, kept: str, month: str, keys: pl.DataFrame
) -> pl.DataFrame:
    """Rows of fits, under the numbers that they had."""
    found = [FITTED.empty()]
    for step, (of, _) in FITS.items():
        numbers = keys.filter(pl.col("step") == step.name)["row_no"].unique().sort().to_list()
        if not numbers:
            continue
        given = stored_fits(con, FITTED, month, step)
        del given[step]
        counted = _computed(con, kept, step, month, given)
        written = " ".join(
            f"WHEN {literal(name)} THEN CAST(m.{quote(name)} AS VARCHAR)"
            for name in counted.columns
        )
        con.register("fitted_again", counted)
        rows = (
            f"(FROM {FITTED.full_name} WHERE strftime(as_of, '%Y-%m') = {literal(month)} "
            f"AND step = {literal(step.name)} AND row_no IN ({', '.join(map(str, numbers))}))"
        )
        found.append(
            con.sql(
                "SELECT f.as_of, f.step, f.row_no, f.column_name, f.column_type, "
                f"CASE f.column_name {written} END AS value FROM {rows} AS f "
                f"JOIN {rows} AS k ON k.row_no = f.row_no AND k.column_name = {literal(of)} "
                f"JOIN fitted_again AS m ON CAST(m.{quote(of)} AS VARCHAR) "
                "IS NOT DISTINCT FROM k.value "
                "ORDER BY f.row_no, f.column_name"
            ).pl()
        )
        con.unregister("fitted_again")
    return pl.concat(found, how="vertical_relaxed")


def _sized(
    con: duckdb.DuckDBPyConnection,
    kept: str,
    table: Table,
    assigned: Table,
    unsaid: Sequence[str],
    month: str,
    keys: pl.DataFrame,
) -> pl.DataFrame:
    """Rows of segments with the customers who are left; without what is not said of so few."""
    con.register("gone", keys)
    rows: pl.DataFrame = con.sql(
        f"SELECT s.* REPLACE (coalesce(a.remaining, 0) AS {COUNT}, "
        "coalesce(a.remaining, 0) / greatest(sum(a.remaining) OVER (), 1) AS share, "
        f"{', '.join(f'NULL AS {quote(name)}' for name in unsaid)}) "
        f"FROM {qualified(table.full_name)} AS s "
        "LEFT JOIN (SELECT segment_id, count(*) AS remaining "
        f"FROM {kept}.{qualified(assigned.full_name)} "
        f"WHERE strftime(as_of, '%Y-%m') = {literal(month)} GROUP BY segment_id) AS a "
        f"USING (segment_id) WHERE strftime(s.as_of, '%Y-%m') = {literal(month)} "
        f"QUALIFY s.segment_id IN (SELECT segment_id FROM gone) ORDER BY s.segment_id"
    ).pl()
    con.unregister("gone")
    return rows


def _computed(
    con: duckdb.DuckDBPyConnection,
    kept: str,
    step: Step,
    month: str,
    given: Mapping[Source, str] | None = None,
) -> pl.DataFrame:
    """The step's rows of the month by the rows that stay."""
    here = current_database(con)
    engine = Engine(con, given or {})
    con.execute(f"USE {kept}")
    try:
        return engine.frame(step, Scope(month))
    finally:
        engine.close()
        con.execute(f"USE {here}")
