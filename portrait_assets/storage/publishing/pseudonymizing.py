"""Identifiers of customers, replaced by pseudonyms on their way into a published file.

While a file is written, both stand beside each other in a table in memory, once for each
identifier: a customer has rows in many tables and months.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import duckdb
import polars as pl

from portrait_assets.schema.table import Column, Table
from portrait_assets.storage.duckdb.connection import qualified, quote, without_bar
from portrait_assets.storage.duckdb.partitions import select_sql
from portrait_assets.storage.duckdb.tables import table_names
from portrait_assets.storage.publishing.empty_rows import with_empty_rows_sql
from portrait_assets.storage.publishing.ordering import order_of

_MEMORY = "pseudonymized"
"""A database in memory, which all connections to the warehouse see."""
_PAIRS = f"{_MEMORY}.pairs"


@dataclass(frozen=True)
class Pseudonyms:
    """What takes the place of identifiers: `of` gives it for each of a series.

    They are those of the key of this fingerprint, which a published file notes.
    """

    fingerprint: str
    of: Callable[[pl.Series], pl.Series] = field(repr=False)


def as_pseudonymized(table: Table) -> Table:
    """The contract of the table in a file of pseudonyms, without the columns that trace rows.

    The rows of files stand in the order of customers more often than not, so that the number of
    a row would give its customer away.
    """
    columns = tuple(_described(column) for column in table.columns if not column.traces)
    stored_as = as_pseudonymized(table.stored_as) if table.stored_as else None
    return replace(table, columns=columns, stored_as=stored_as)


def _described(column: Column) -> Column:
    if not column.identifies:
        return column
    return replace(column, en=f"{column.en}, as a pseudonym", zh=f"{column.zh}（假名）")


def columns_that_identify(table: Table) -> list[str]:
    """The names of the table's columns that hold identifiers of customers."""
    return [column.name for column in table.all_columns if column.identifies]


def identifiers_sql(columns: Iterable[tuple[str, str]]) -> str | None:
    """The SELECT of all identifiers in these columns of relations, each once, as `identifier`.

    Args:
        columns: pairs of a relation, as SQL, and the name of a column of it. None without any.
    """
    parts = [f"SELECT {quote(name)} AS identifier FROM {relation}" for relation, name in columns]
    if not parts:
        return None
    return (
        f"SELECT DISTINCT identifier FROM ({' UNION ALL '.join(parts)}) "
        "WHERE identifier IS NOT NULL"
    )


def identifiers_of_tables_sql(
    con: duckdb.DuckDBPyConnection, tables: Iterable[Table]
) -> str | None:
    """The same of all that is published of these tables, as far as they are there."""
    standing = table_names(con)
    return identifiers_sql(
        (qualified(table.stored.full_name), name)
        for table in tables
        if table.published and table.stored.full_name in standing
        for name in columns_that_identify(table.stored)
    )


def identifiers(con: duckdb.DuckDBPyConnection, sql: str | None, most: int) -> Iterator[pl.Series]:
    """What such a SELECT gives, at most so many at a time."""
    if sql is None:
        return
    # A connection of its own, for rows that are still being read are lost to the next statement.
    with without_bar(con.cursor()) as reading:
        lazy: pl.LazyFrame = reading.sql(sql).pl(lazy=True)
        for batch in lazy.collect_batches(chunk_size=most):
            if batch.height:
                yield batch["identifier"]


class Replacement:
    """The rows of a warehouse's tables as a file of pseudonyms has them.

    Args:
        con: the connection to the warehouse.
        pseudonyms: what takes the place of identifiers.
        tables: the contracts of what is published, by full name, which numbers refer to.
    """

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        pseudonyms: Pseudonyms,
        tables: Mapping[str, Table],
    ) -> None:
        self._con = con
        self._pseudonyms = pseudonyms
        self._tables = tables
        con.execute(f"ATTACH ':memory:' AS {_MEMORY}")

    def fill(self, sql: str | None, most: int) -> None:
        """Give the identifiers that the SELECT finds their pseudonyms, so many at a time."""
        con, found = self._con, f"{_MEMORY}.found"
        con.execute(f"CREATE TABLE {found} (identifier TEXT, pseudonym TEXT)")
        for series in identifiers(con, sql, most):
            pairs = pl.DataFrame({"identifier": series, "pseudonym": self._pseudonyms.of(series)})
            incoming = pairs.to_arrow(compat_level=pl.CompatLevel.newest())  # noqa: F841
            con.execute(f"INSERT INTO {found} FROM incoming")
        con.execute(
            f"CREATE TABLE {_PAIRS} AS "
            f"SELECT *, row_number() OVER (ORDER BY pseudonym) AS place FROM {found}"
        )
        con.execute(f"DROP TABLE {found}")

    def close(self) -> None:
        """Drop the pairs."""
        self._con.execute(f"DETACH {_MEMORY}")

    def rows_sql(self, table: Table, months: Sequence[str]) -> str:
        """The SELECT of these months of the table, in order, with its identifiers replaced.

        Customers are numbered anew in the order of their pseudonyms, for theirs in the order of
        identifiers would sort the file like a list of all customers.
        """
        sql = with_empty_rows_sql(self._con, table, months)
        for column in table.all_columns:
            if column.numbers:
                sql = self._numbered_sql(sql, column, months)
        return self.in_order_sql(sql, table, months)

    def in_order_sql(self, sql: str, table: Table, months: Sequence[str] = ()) -> str:
        """The SELECT of rows of the table, in order, with the identifiers in them replaced."""
        joins, replaced, places = "", [], {}
        for position, name in enumerate(columns_that_identify(table)):
            pair = f"p{position}"
            joins += f" LEFT JOIN {_PAIRS} AS {pair} ON {pair}.identifier = r.{quote(name)}"
            replaced.append(f"{pair}.pseudonym AS {quote(name)}")
            places[name] = f"{pair}.place"  # A number is compared faster than a pseudonym.
        columns = f"r.* REPLACE ({', '.join(replaced)})" if replaced else "r.*"
        order = ", ".join(order_of(table, months, places))
        return f"SELECT {columns} FROM ({sql}) AS r{joins} ORDER BY {order}"

    def _numbered_sql(self, sql: str, column: Column, months: Sequence[str]) -> str:
        numbered = self._tables[column.numbers]
        of = next(each for each in numbered.all_columns if each.identifies)
        month, number = quote(str(numbered.partition_by)), quote(column.name)
        numbers = (
            f"SELECT o.{month}, o.{number}, row_number() OVER "
            f"(PARTITION BY o.{month} ORDER BY p.place) AS place "
            f"FROM ({select_sql(numbered, months)}) AS o "
            f"JOIN {_PAIRS} AS p ON p.identifier = o.{quote(of.name)}"
        )
        return (
            f"SELECT r.* REPLACE (CAST(n.place AS {column.type}) AS {number}) FROM ({sql}) AS r "
            f"LEFT JOIN ({numbers}) AS n ON n.{month} = r.{month} AND n.{number} = r.{number}"
        )
