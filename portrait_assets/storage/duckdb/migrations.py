"""What brings an older warehouse up to the format of this version, step by step.

The format is a number in `meta.source`. It goes up when stored tables change in a way that
`ensure_table` cannot follow on its own: it adds nullable columns only. A change to a contract that
renames, retypes, drops or derives something comes with a step here. A step

- works on stored tables by name, and keeps working when the code of their rooms has changed: it
  takes from the contracts only what its result must look like;
- keeps `meta.partitions` true: names of tables, and rows by month as they are stored now;
- leaves views alone but for those over what it drops: they are made again from the contracts.

`meta.source` itself never changes, so that every version can read the format of every other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import duckdb

from portrait_assets.core.errors import WarehouseError
from portrait_assets.core.invocation import command
from portrait_assets.schema.table import Table
from portrait_assets.storage.duckdb.connection import error_message, literal, quote
from portrait_assets.storage.duckdb.tables import (
    column_types,
    comment_sql,
    create_table_sql,
    ensure_table,
    existing_types,
)

Contracts = Mapping[str, Table]
"""The contracts of this version by full name."""
Step = Callable[[duckdb.DuckDBPyConnection, Contracts], None]


@dataclass(frozen=True)
class Migration:
    """One step towards a format: what it is for, and the SQL or function that takes it.

    A format may have several, which are taken in the order in which they are listed.
    """

    to_format: int
    why: str
    step: str | Step


_CHANGED_AT_SQL = """
CREATE TEMP TABLE partitions_2 AS FROM meta.partitions;
DROP TABLE meta.partitions;
CREATE TABLE meta.partitions (
    table_name VARCHAR NOT NULL, month VARCHAR NOT NULL, row_count BIGINT NOT NULL,
    run_id VARCHAR NOT NULL, made_at TIMESTAMPTZ NOT NULL, changed_at TIMESTAMPTZ NOT NULL
);
INSERT INTO meta.partitions SELECT *, made_at FROM temp.partitions_2;
DROP TABLE temp.partitions_2;
"""


def _store_tags_wide(con: duckdb.DuckDBPyConnection, contracts: Contracts) -> None:
    """From a row per customer, tag and value to a column per tag and detail, such as its version.

    Month by month, for the rows of all months are too many to be grouped at once.
    """
    if not existing_types(con, "tags.tag_rows"):
        return
    details = contracts["tags.tag_table"].stored
    con.execute("DROP VIEW IF EXISTS tags.tag_table")
    con.execute(create_table_sql(details, column_types(details)))
    con.execute(comment_sql(details))
    stored_as = {
        "confidence": "confidence",
        "version": "tag_version",
        "decided_as_of": "decided_as_of",
    }
    columns = ""
    for column in details.columns:
        code, _, detail = column.name.rpartition("__")
        if code:
            columns += (
                f", max({stored_as[detail]}) FILTER (WHERE tag_code = {literal(code)}) "
                f"AS {quote(column.name)}"
            )
    for (as_of,) in con.execute(
        "SELECT DISTINCT as_of FROM tags.portrait_matrix ORDER BY 1"
    ).fetchall():
        con.execute(
            "INSERT INTO tags.tag_details BY NAME "
            "WITH codes AS (SELECT DISTINCT tag_no, tag_code FROM tags.tag_catalogue "
            f"WHERE as_of = {literal(as_of)}) "
            f"SELECT any_value(m.as_of) AS as_of, customer_no{columns} "
            "FROM tags.portrait_matrix AS m "
            "LEFT JOIN tags.tag_rows USING (as_of, customer_no) LEFT JOIN codes USING (tag_no) "
            f"WHERE m.as_of = {literal(as_of)} GROUP BY customer_no ORDER BY customer_no"
        )
    con.execute("DROP TABLE tags.tag_rows")
    con.execute(
        "UPDATE meta.partitions SET row_count = customers FROM (SELECT strftime(as_of, '%Y-%m') "
        "AS of_month, count(*) AS customers FROM tags.tag_details GROUP BY 1) "
        "WHERE table_name = 'tags.tag_table' AND month = of_month"
    )


def _drop(con: duckdb.DuckDBPyConnection, table: str) -> None:
    """Drop a stored table that has no contract any more, and what is noted of it."""
    con.execute(f"DROP TABLE IF EXISTS {table}")
    con.execute(f"DELETE FROM meta.partitions WHERE table_name = {literal(table)}")
    if existing_types(con, "validation.check_results"):
        con.execute(f"DELETE FROM validation.check_results WHERE table_name = {literal(table)}")
        con.execute(
            "UPDATE meta.partitions SET row_count = results FROM (SELECT month AS of_month, "
            "count(*) AS results FROM validation.check_results GROUP BY 1) "
            "WHERE table_name = 'validation.check_results' AND month = of_month"
        )


def _move(con: duckdb.DuckDBPyConnection, contracts: Contracts, table: str, to: str) -> None:
    """Move a stored table to another schema, with what is noted of it."""
    if not existing_types(con, table):
        return
    ensure_table(con, contracts[to])
    con.execute(f"INSERT INTO {to} BY NAME FROM {table}")
    con.execute(f"DROP TABLE {table}")
    for noted in ("meta.partitions", "validation.check_results"):
        if existing_types(con, noted):
            con.execute(
                f"UPDATE {noted} SET table_name = {literal(to)} WHERE table_name = {literal(table)}"
            )
    if existing_types(con, "meta.runs"):
        was, now = (literal(f'"{name}"') for name in (table, to))
        con.execute(f"UPDATE meta.runs SET upstream = replace(upstream, {was}, {now})")


def _move_identity(con: duckdb.DuckDBPyConnection, contracts: Contracts) -> None:
    for name in ("identity_map", "customer_alias", "linkage_model"):
        _move(con, contracts, f"cleaned.{name}", f"identity.{name}")


def _count_tickets(con: duckdb.DuckDBPyConnection, contracts: Contracts) -> None:
    """Amounts may be null, and purchases of a known amount are counted and added up.

    Returns were purchases before: the months that have some are right once they are run again.
    """
    for table, column in (("cleaned.transactions", "amount"), ("cleaned.balances", "balance")):
        if existing_types(con, table):
            con.execute(f"ALTER TABLE {table} ALTER COLUMN {column} DROP NOT NULL")
    months = contracts["features.customer_month"]
    if not existing_types(con, months.full_name):
        return
    con.execute(f"CREATE TEMP TABLE month_5 AS FROM {months.full_name}")
    con.execute(f"DROP TABLE {months.full_name}")
    ensure_table(con, months)
    con.execute(
        f"INSERT INTO {months.full_name} BY NAME "
        "SELECT *, purchases AS tickets, amount AS ticket_amount FROM temp.month_5"
    )
    con.execute("DROP TABLE temp.month_5")


def _add_empty(con: duckdb.DuckDBPyConnection, contracts: Contracts, name: str) -> None:
    """Add a canonical table, without rows in the months of transactions: no source provided it."""
    for stage in ("raw", "cleaned"):
        table, other = f"{stage}.{name}", f"{stage}.transactions"
        if existing_types(con, other):
            ensure_table(con, contracts[table])
            con.execute(
                "INSERT INTO meta.partitions SELECT * REPLACE "
                f"({literal(table)} AS table_name, 0 AS row_count) "
                f"FROM meta.partitions WHERE table_name = {literal(other)}"
            )


def _add_canonical_of_7(con: duckdb.DuckDBPyConnection, contracts: Contracts) -> None:
    for name in SINCE_7:
        _add_empty(con, contracts, name)


SINCE_7 = ("assignments", "consents", "requests", "prospects")
"""Canonical tables that are new in format 7."""
MIGRATIONS: Sequence[Migration] = (
    Migration(3, "meta.partitions notes when contents last changed", _CHANGED_AT_SQL),
    Migration(3, "tags are stored as a column each instead of a row each", _store_tags_wide),
    Migration(
        4,
        "changes of tags are derived where they are read",
        lambda con, _: _drop(con, "tags.tag_changes"),
    ),
    Migration(5, "who is who stands in a schema of its own, identity", _move_identity),
    Migration(6, "what gives back is no purchase, and amounts may be null", _count_tickets),
    Migration(
        6,
        "rates of currencies are a canonical table",
        lambda con, contracts: _add_empty(con, contracts, "exchange_rates"),
    ),
    Migration(
        7,
        "assignments, consents, requests and prospects are canonical tables",
        _add_canonical_of_7,
    ),
)


def current_format(migrations: Sequence[Migration] = MIGRATIONS) -> int:
    """The format that this version works with."""
    return migrations[-1].to_format


def oldest_format(migrations: Sequence[Migration] = MIGRATIONS) -> int:
    """The oldest format that can be brought up to it."""
    return migrations[0].to_format - 1


def check_format(
    name: str, found: int, can_migrate: bool, migrations: Sequence[Migration] = MIGRATIONS
) -> None:
    """Check that a warehouse of this format can be opened.

    Args:
        name: the file's name, for the sentence.
        found: its format.
        can_migrate: whether an older format may be brought up now.
        migrations: the steps there are.

    Raises:
        WarehouseError: when it is newer, too old, or older and may not be brought up now.
    """
    current = current_format(migrations)
    if found > current:
        raise WarehouseError(
            f"{name} has format {found}, and this version works with {current}; install the newer "
            "version that wrote it. Nothing was changed."
        )
    if found < oldest_format(migrations):
        raise WarehouseError(
            f"{name} has format {found} and this version works with {current} and migrates from "
            f"{oldest_format(migrations)} on; rebuild it with `{command('run', '--fresh')}`."
        )
    if found < current and not can_migrate:
        raise WarehouseError(
            f"{name} has format {found} and this version works with {current}; migrate it with "
            f"`{command('run')}`."
        )


def migrate(
    con: duckdb.DuckDBPyConnection,
    name: str,
    found: int,
    tables: Sequence[Table],
    migrations: Sequence[Migration] = MIGRATIONS,
) -> list[str]:
    """Bring the stored tables up to this version, within a transaction of the caller's.

    Columns that contracts have gained are added here too, for some tables are read before they
    are written.

    Args:
        con: a connection to the warehouse.
        name: the file's name, for the sentence.
        found: its format, which `check_format` has passed.
        tables: the contracts of this version.
        migrations: the steps there are.

    Returns:
        What each step was for; nothing when the format is this version's.

    Raises:
        WarehouseError: when a step fails; the caller's transaction must then be rolled back.
    """
    pending = [migration for migration in migrations if migration.to_format > found]
    contracts = {table.full_name: table for table in tables}
    try:
        for migration in pending:
            if isinstance(migration.step, str):
                con.execute(migration.step)
            else:
                migration.step(con, contracts)
        _bring_up_to_contracts(con, tables, everything=bool(pending))
        if pending:
            con.execute("UPDATE meta.source SET format = ?", [pending[-1].to_format])
    except duckdb.Error as error:
        how = f"migrated from format {found} to {pending[-1].to_format}" if pending else "opened"
        raise WarehouseError(
            f"{name} could not be {how} ({error_message(error)}). The file is unchanged."
        ) from None
    return [migration.why for migration in pending]


def _bring_up_to_contracts(
    con: duckdb.DuckDBPyConnection, tables: Sequence[Table], everything: bool
) -> None:
    """Add the columns that stored tables lack, and with `everything` make their views again."""
    stored: dict[str, list[str]] = dict(
        con.execute(
            "SELECT concat_ws('.', schema_name, table_name), list(column_name) "
            "FROM duckdb_columns() WHERE database_name = current_database() GROUP BY 1"
        ).fetchall()
    )
    for table in tables:
        columns = stored.get(table.stored.full_name)
        if columns is None:
            continue
        if everything or not set(table.stored.column_names) <= set(columns):
            ensure_table(con, table)
