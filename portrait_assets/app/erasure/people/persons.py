"""Who is to be erased: from ids to all records of the persons."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import polars as pl

from portrait_assets.core.errors import PortraitError
from portrait_assets.methods.personal_data.forms import EMAIL, write_phone
from portrait_assets.privacy.erasure import ErasureError
from portrait_assets.privacy.tombstones import CUSTOMERS, Tombstones
from portrait_assets.schema.csv_text import restored
from portrait_assets.stages.cleaned.contract import CLEANED
from portrait_assets.stages.identity.contract import IDENTITY_MAP
from portrait_assets.stages.identity.known import KNOWN_SQL
from portrait_assets.stages.raw.contract import CANONICAL, CANONICAL_BY_NAME
from portrait_assets.storage.duckdb.connection import quote
from portrait_assets.storage.duckdb.tables import existing_types

PROSPECTS = "prospect_id"
_REACHED_BY = {"phone": write_phone, "email": EMAIL.write}
"""By what a prospect is recognized as a customer, as it is written in one way."""
_SHOWN_LINES = 5
_IDENTITY = ("source_customer_id", "customer_id")


@dataclass(frozen=True)
class Asked:
    """The ids that are to be erased, with the line in which each stands, and who asks for it."""

    by: str
    customers: Mapping[str, int] = field(default_factory=dict)
    prospects: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Persons:
    """Persons with the ids of all their records; ids that nobody has, and of erased people."""

    count: int
    customers: tuple[str, ...]
    prospects: tuple[str, ...]
    unknown: tuple[int, ...] = ()
    erased_before: int = 0


def read_asked(file: Path) -> Asked:
    """The ids of a CSV file with a column customer_id, or prospect_id, or both.

    Raises:
        PortraitError: when there is no such file, it cannot be read, or names nobody.
    """
    if not file.is_file():
        raise PortraitError(f"There is no file '{file}'; name a CSV with a column {CUSTOMERS}.")
    try:
        rows = restored(pl.read_csv(file, infer_schema=False, raise_if_empty=False))
    except (pl.exceptions.PolarsError, UnicodeError):
        raise PortraitError(
            f"'{file.name}' cannot be read as CSV in UTF-8; save it as such, an id in each line."
        ) from None
    if not {CUSTOMERS, PROSPECTS} & set(rows.columns):
        raise PortraitError(f"'{file.name}' has no column {CUSTOMERS}; name the ids' column so.")
    asked = Asked(file.name, _lines(rows, CUSTOMERS), _lines(rows, PROSPECTS))
    if not (asked.customers or asked.prospects):
        raise PortraitError(f"'{file.name}' names nobody; write an id in each line of it.")
    return asked


def _lines(rows: pl.DataFrame, column: str) -> dict[str, int]:
    if column not in rows.columns:
        return {}
    ids = rows[column].str.strip_chars()
    return {value: number for number, value in enumerate(ids, 2) if value}


def requested(con: duckdb.DuckDBPyConnection) -> Asked:
    """The customers who asked to be erased, by `cleaned.requests`; the lines are counted from 1."""
    table = CLEANED["requests"].full_name
    rows = []
    if existing_types(con, table):
        rows = con.execute(
            f"SELECT DISTINCT customer_id FROM {table} WHERE kind = 'erasure' ORDER BY 1"
        ).fetchall()
    return Asked(table, {row[0]: number for number, row in enumerate(rows, 1)})


LooksInNoMonth = Callable[[Mapping[str, Collection[str]]], Mapping[str, Collection[str]]]
"""Of ids by their column, those that the source has in lines of no month."""


def find_persons(
    con: duckdb.DuckDBPyConnection,
    asked: Asked,
    tombstones: Tombstones,
    in_no_month: LooksInNoMonth = lambda ids: {},
) -> Persons:
    """The persons that the ids are of, and all ids of each, given up ones included.

    Args:
        con: a connection to the warehouse.
        asked: the ids.
        tombstones: of people who were erased before.
        in_no_month: asked of ids that are otherwise nobody's.

    Raises:
        ErasureError: when a person shares months with another customer, who stays.
    """
    known = _identities(con)
    of_asked = known.filter(
        pl.any_horizontal(pl.col(name).is_in(list(asked.customers)) for name in _IDENTITY)
    )["customer_id"].unique()
    records = known.filter(pl.col("customer_id").is_in(of_asked.implode()))
    customers = pl.concat([records[name] for name in _IDENTITY]).unique().sort()
    _refuse_shared(con, customers)
    there = _prospects(con)
    named = there.filter(there.is_in(list(asked.prospects)))
    prospects = pl.concat([named, _as_prospects(con, customers)]).unique().sort()
    again = {
        *tombstones.among(pl.Series(list(asked.customers), dtype=pl.String))["value"],
        *tombstones.among(pl.Series(list(asked.prospects), dtype=pl.String), PROSPECTS)["value"],
    }
    found = {*customers, *prospects, *again}
    lines = {CUSTOMERS: asked.customers, PROSPECTS: asked.prospects}
    missing = {of: [*({*given} - found)] for of, given in lines.items()}
    undated = (
        {of: {*ids} for of, ids in in_no_month(missing).items()} if any(missing.values()) else {}
    )
    unknown = (
        line
        for of, given in lines.items()
        for value, line in given.items()
        if value not in found | undated.get(of, set())
    )
    return Persons(
        len(of_asked) + len(named) + sum(map(len, undated.values())),
        tuple(sorted({*customers, *undated.get(CUSTOMERS, ())})),
        tuple(sorted({*prospects, *undated.get(PROSPECTS, ())})),
        tuple(sorted(unknown)),
        len(again - {*customers, *prospects}),
    )


def _identities(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Whose each record is as last known, with the columns of `KNOWN_SQL`."""
    if not existing_types(con, IDENTITY_MAP.full_name):
        return pl.DataFrame(schema=dict.fromkeys(_IDENTITY, pl.String))
    frame: pl.DataFrame = con.sql(KNOWN_SQL).pl()
    return frame


def _as_prospects(con: duckdb.DuckDBPyConnection, customers: pl.Series) -> pl.Series:
    """The prospects who have a telephone or an email of these customers, and of no one else."""
    records, listed = CLEANED["customers"].full_name, CLEANED["prospects"].full_name
    if not (existing_types(con, records) and existing_types(con, listed)):
        return pl.Series(dtype=pl.String)
    found: list[pl.Series] = []
    for column, written in _REACHED_BY.items():
        value = written(pl.col(column)).alias("value")
        known, new = (
            con.sql(f"SELECT DISTINCT {who} AS id, {column} FROM {table} WHERE {column} <> ''")
            .pl()
            .select("id", value)
            .drop_nulls("value")
            for who, table in (("source_customer_id", records), (PROSPECTS, listed))
        )
        theirs = pl.col("id").is_in(customers.implode()).all()
        alone = known.group_by("value").agg(theirs.alias("is_theirs")).filter("is_theirs")
        found.append(new.join(alone, on="value", how="semi")["id"])
    prospects: pl.Series = pl.concat(found)
    return prospects


def _prospects(con: duckdb.DuckDBPyConnection) -> pl.Series:
    table = CANONICAL_BY_NAME["prospects"].raw_table().full_name
    if not existing_types(con, table):
        return pl.Series(dtype=pl.String)
    sql = f"SELECT DISTINCT CAST(prospect_id AS VARCHAR) AS id FROM {table}"
    values: pl.Series = con.sql(sql).pl()["id"]
    return values.drop_nulls().str.strip_chars().unique()


def _refuse_shared(con: duckdb.DuckDBPyConnection, customers: pl.Series) -> None:
    """A record that a reviewer parted from another's has months in which it was that other's."""
    if customers.is_empty():
        return
    history = con.sql(f"SELECT {', '.join(_IDENTITY)} FROM {IDENTITY_MAP.full_name}").pl()
    is_record, is_customer = (history[name].is_in(customers.implode()) for name in _IDENTITY)
    shared = (is_record != is_customer).sum()
    if shared:
        raise ErasureError(
            f"{shared:,} records of these people are, or were, one customer's with people who "
            "stay, from whom a reviewer parted them; let the decision hold from the first month "
            "on (identity_review.csv) and run all months again before erasing."
        )


def sentence_of_unknown(asked: Asked, persons: Persons) -> str:
    """How many of the ids nobody has, and in which lines they stand."""
    lines = [f"{line}" for line in persons.unknown[:_SHOWN_LINES]]
    more = ", ..." if len(persons.unknown) > _SHOWN_LINES else ""
    total = len(asked.customers) + len(asked.prospects)
    return (
        f"{len(persons.unknown):,} of {total:,} ids in {asked.by} are nobody's "
        f"(line {', '.join(lines)}{more})"
    )


def name_ids(con: duckdb.DuckDBPyConnection, customers: list[str], prospects: list[str]) -> None:
    """Put the ids, in every way in which raw tables write them, into two temporary tables.

    They are `temp.erased_customer_id` and `temp.erased_prospect_id`, each with a column `id`.
    """
    wanted = {CUSTOMERS: customers, PROSPECTS: prospects}
    written = {name: {*ids} for name, ids in wanted.items()}
    for canonical in CANONICAL:
        column = canonical.identifier
        table = canonical.raw_table().full_name
        if column not in existing_types(con, table):
            continue
        sql = f"SELECT DISTINCT CAST({quote(column)} AS VARCHAR) AS id FROM {table}"
        values = con.sql(sql).pl()["id"].drop_nulls()
        written[column] |= {*values.filter(values.str.strip_chars().is_in(wanted[column]))}
    for column, ids in written.items():
        con.register("ids", pl.DataFrame({"id": sorted(ids)}, schema={"id": pl.String}))
        con.execute(f"CREATE OR REPLACE TEMP TABLE erased_{column} AS FROM ids")
        con.unregister("ids")


def is_erased(column: str, of: str = CUSTOMERS) -> str:
    """SQL of whether the column names one of those who are erased; see `name_ids`."""
    ids = PROSPECTS if of == PROSPECTS else CUSTOMERS
    return f"coalesce(CAST({quote(column)} AS VARCHAR) IN (FROM temp.erased_{ids}), false)"
