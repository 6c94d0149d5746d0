"""Who is meant by an identifier: the customer and all their records, as they are known today."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import duckdb

from portrait_assets.core.errors import PortraitError
from portrait_assets.schema.table import Column, Table
from portrait_assets.stages.identity.contract import IDENTITY_MAP, SOURCE_CUSTOMER_ID
from portrait_assets.stages.identity.known import KNOWN_SQL
from portrait_assets.storage.duckdb.connection import qualified, quote

PROSPECT_ID = "prospect_id"
_BLANKS = " \t\r\n\u3000"


@dataclass(frozen=True)
class Person:
    """A customer, by today's identifier and those of all their records; or a prospect."""

    customer_id: str = field(repr=False)
    ids: tuple[str, ...] = field(repr=False)
    is_prospect: bool = False


class UnknownPersonError(PortraitError):
    """Nobody has the identifier; the sentence does not repeat it."""


def find_person(con: duckdb.DuckDBPyConnection, known_as: str, tables: Sequence[Table]) -> Person:
    """The person whose customer identifier, record or alias this is, by the newest identity map.

    Records that a reviewer has taken apart again belong to the customers that they are today.

    Args:
        con: the warehouse; only read.
        known_as: the identifier.
        tables: the contracts of all tables.

    Raises:
        UnknownPersonError: when nothing is held under it.
    """
    known_as = known_as.strip()
    there = existing(con)
    if IDENTITY_MAP.full_name in there:
        rows = con.execute(
            f"WITH newest AS ({KNOWN_SQL}), meant AS (SELECT customer_id FROM newest "
            "WHERE source_customer_id = $1 OR customer_id = $1 "
            "ORDER BY source_customer_id = $1 DESC LIMIT 1) "
            "SELECT customer_id, source_customer_id FROM newest SEMI JOIN meant USING (customer_id)"
            " ORDER BY ALL",
            [known_as],
        ).fetchall()
        if rows:
            return Person(rows[0][0], tuple(sorted({each for row in rows for each in row})))
    person = Person(known_as, (known_as,), is_prospect=True)
    for table in tables:
        names = identifying(table, person)
        if names and table.full_name in there and _has_rows(con, table, names, person):
            return person
    raise UnknownPersonError(
        "Nothing is held under that identifier; check it: it is the customer's identifier in the "
        "source, or that of one of their records."
    )


def existing(con: duckdb.DuckDBPyConnection) -> frozenset[str]:
    """The full names of the tables and views of the open file."""
    found = con.execute(
        "SELECT table_schema || '.' || table_name FROM information_schema.tables "
        "WHERE table_catalog = current_database()"
    ).fetchall()
    return frozenset(name for (name,) in found)


def identifying(table: Table, person: Person) -> tuple[str, ...]:
    """The names of the table's columns that hold who a row is about, for this kind of person.

    Where the source's own identifier stands beside the customer's, it alone counts: it is of the
    record itself, whoever the record was taken for in its month.
    """
    names = tuple(column.name for column in table.all_columns if _is_meant(column, person))
    own = SOURCE_CUSTOMER_ID.name
    return (own,) if own in names else names


def _is_meant(column: Column, person: Person) -> bool:
    # Identifiers of prospects and of customers are given apart, and may be the same by chance.
    return column.identifies and (column.name == PROSPECT_ID) is person.is_prospect


def condition(names: Sequence[str]) -> str:
    """SQL of whether a row is about the person, whose `ids` are its only parameter."""
    blanks = "".join(f"chr({ord(each)}) || " for each in _BLANKS)[:-4]
    return " OR ".join(
        f"list_contains($1::VARCHAR[], trim(CAST({quote(name)} AS VARCHAR), {blanks}))"
        for name in names
    )


def _has_rows(
    con: duckdb.DuckDBPyConnection, table: Table, names: Sequence[str], person: Person
) -> bool:
    sql = f"SELECT 1 FROM {qualified(table.full_name)} WHERE {condition(names)} LIMIT 1"
    return bool(con.execute(sql, [list(person.ids)]).fetchall())
