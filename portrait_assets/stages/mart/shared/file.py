"""A shared file: portraits of one month that may leave the house, and what was taken off them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from shutil import rmtree

import duckdb

from portrait_assets.core.files import sync, written_beside
from portrait_assets.methods.anonymity.anonymise import ColumnLoss, K
from portrait_assets.privacy.consent import refusing_sql
from portrait_assets.privacy.egress import digest_of_file, purpose_of
from portrait_assets.schema.table import Table
from portrait_assets.stages.mart.shared.contract import (
    AGGREGATES,
    ANONYMITY,
    DIVERSITY,
    SHARED_PUBLICATION,
    shared_matrix,
)
from portrait_assets.stages.tags.audiences.condition import latest_month, matrix_columns
from portrait_assets.stages.tags.catalogue.classes.quasi_identifiers import QuasiIdentifiers
from portrait_assets.stages.tags.catalogue.tag import Catalogue
from portrait_assets.stages.tags.shared_rows import (
    CLASS,
    ROWS,
    SharedRows,
    SharingError,
    quasi_columns,
    shared_rows,
)
from portrait_assets.storage.duckdb.connection import (
    literal,
    open_database,
    open_published,
    qualified,
    quote,
    spill_folder,
)
from portrait_assets.storage.duckdb.tables import (
    column_types,
    comment_sql,
    create_table_sql,
    existing_types,
)
from portrait_assets.storage.publishing.file import remove_database

_MATRIX = "published.tags.portrait_matrix"


@dataclass(frozen=True)
class Request:
    """What is to be shared: the month (its last day; None for the newest), k, and what for."""

    source: str
    as_of: date | None = None
    k: int = K
    purpose: str | None = None
    is_public: bool = False


@dataclass(frozen=True)
class SharedFile:
    """A shared file that was written: its month, customers, contents and SHA-256 in hexadecimal.

    `refusing` customers are not among the others, for they refused what it is for.
    """

    as_of: date
    customers: int
    refusing: int
    rows: SharedRows
    digest: str


def write_shared(
    published: Path,
    target: Path,
    catalogue: Catalogue,
    quasi: QuasiIdentifiers,
    request: Request,
    memory_limit_gib: float = 2.0,
    opens: Callable[[date, SharedRows], None] = lambda as_of, rows: None,
    records: Callable[[SharedFile], None] = lambda file: None,
) -> SharedFile:
    """Write a month of a published file as a DuckDB file that may leave the house.

    It appears whole or not at all, over a shared file that is there. Customers who refused its
    purpose by the newest consents are not in it; whoever said nothing is.

    Args:
        published: the published file; only read.
        target: the file to write.
        catalogue: the source's tags.
        quasi: its quasi-identifiers.
        request: which month, k and purpose.
        memory_limit_gib: what the engine may use.
        opens: called with the month and its rows before they are written; it may refuse them.
        records: called with the whole file before it takes its place; it may refuse it.

    Raises:
        WarehouseError: when nothing is published.
        SharingError: when k is less than two, the month has no customer, or another file stands
            in the target's place.
        TagError: when nothing is materialized.
    """
    _require_no_other_file(target)
    with open_published(published) as con:
        columns = matrix_columns(con)
        as_of = request.as_of or latest_month(con)
        known = quasi_columns(con, as_of, quasi)
        purpose = purpose_of(request.purpose)
        refusing = refusing_sql(con, purpose) if purpose is not None else None
        refused = con.sql(refusing or "SELECT '' AS customer_id LIMIT 0").pl()
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = written_beside(target)
    remove_database(temporary)
    try:
        with open_database(temporary, memory_limit_gib) as con:
            # Beside the published file: what spills has the customers as they are.
            con.execute(f"SET temp_directory = {literal(spill_folder(published))}")
            con.execute(f"ATTACH {literal(published)} AS published (READ_ONLY)")
            con.register("refused", refused)
            of_month = f"USING (customer_id) WHERE as_of = DATE '{as_of}'"
            found = shared_rows(
                con,
                f"SELECT * FROM {_MATRIX} ANTI JOIN refused {of_month}",
                columns,
                known,
                catalogue,
                request.k,
                request.is_public,
            )
            opens(as_of, found)
            customers = con.execute(f"SELECT count(*) FROM {ROWS}").fetchall()[0][0]
            _write_tables(con, found, as_of, customers, request)
            (left_out,) = con.execute(
                f"SELECT count(*) FROM {_MATRIX} SEMI JOIN refused {of_month}"
            ).fetchall()[0]
            con.execute("DETACH published")
        sync(temporary)
        shared = SharedFile(as_of, customers, left_out, found, digest_of_file(temporary))
        records(shared)
        os.replace(temporary, target)
        sync(target.parent)
    finally:
        remove_database(temporary)
        rmtree(spill_folder(published), ignore_errors=True)
    return shared


def _require_no_other_file(target: Path) -> None:
    """Check that nothing is lost where the target is, such as the warehouse itself."""
    if not target.exists():
        return
    try:
        with duckdb.connect(str(target), read_only=True) as con:
            is_shared = bool(existing_types(con, SHARED_PUBLICATION.full_name))
    except duckdb.Error:
        is_shared = False
    if not is_shared:
        raise SharingError(
            f"{target.name} is there already and is no shared file; name another one."
        )


def _write_tables(
    con: duckdb.DuckDBPyConnection,
    found: SharedRows,
    as_of: date,
    customers: int,
    request: Request,
) -> None:
    # A commit waits for the disk: one for the whole file.
    con.begin()
    names = ", ".join(["as_of", *(quote(each.name) for each in found.columns)])
    _insert(con, shared_matrix(found.columns), f"SELECT {names} FROM {ROWS} ORDER BY customer_id")
    k = 1 if request.is_public else request.k
    for each in AGGREGATES:
        standing = existing_types(con, each.table.full_name, "published")
        names = ", ".join(
            f"t.{quote(name)}" for name in each.table.column_names if name in standing
        )
        if standing:
            _insert(
                con,
                each.table,
                f"SELECT {names} FROM published.{each.table.full_name} AS t "
                f"WHERE t.as_of = DATE '{as_of}' AND {each.rows.format(k=k)} ORDER BY ALL",
            )
    _insert(con, ANONYMITY, _values(_anonymity(found)))
    _insert(con, DIVERSITY, _diversity_sql(found))
    _insert(con, SHARED_PUBLICATION, _values([_publication(found, as_of, customers, request)]))
    con.execute("CREATE VIEW portrait AS SELECT * FROM tags.portrait_matrix")
    con.execute("COMMENT ON VIEW portrait IS 'The portrait matrix of the month / 客户画像矩阵'")
    con.commit()


def _insert(con: duckdb.DuckDBPyConnection, table: Table, sql: str) -> None:
    con.execute(f"CREATE SCHEMA IF NOT EXISTS {quote(table.schema)}")
    con.execute(create_table_sql(table, column_types(table)))
    con.execute(f"INSERT INTO {qualified(table.full_name)} BY NAME {sql}")
    con.execute(comment_sql(table))


def _anonymity(found: SharedRows) -> Iterator[dict[str, object]]:
    columns = found.anonymous.columns if found.anonymous else ()
    for is_quasi, losses in ((True, columns), (False, found.texts)):
        for each in losses:
            yield {
                "column_name": each.column,
                "is_quasi_identifier": is_quasi,
                "generalised_to": each.level,
                "unknown": each.unknown,
                "as_recorded": each.as_recorded,
                "generalised": each.generalised,
                "suppressed": each.suppressed,
                "share_generalised": _share(each, each.generalised),
                "share_suppressed": _share(each, each.suppressed),
            }


def _share(loss: ColumnLoss, cells: int) -> float:
    return round(cells / max(loss.as_recorded + loss.generalised + loss.suppressed, 1), 6)


def _publication(
    found: SharedRows, as_of: date, customers: int, request: Request
) -> dict[str, object]:
    anonymous = found.anonymous
    return {
        "source": request.source,
        "as_of": as_of,
        "purpose": request.purpose,
        "k": request.k if anonymous else None,
        "customers": customers,
        "classes": anonymous.classes if anonymous else None,
        "smallest_class": anonymous.smallest_class if anonymous else None,
        "average_class": round(anonymous.average_class, 3) if anonymous else None,
        "information_loss": round(anonymous.loss, 6) if anonymous else None,
    }


def _diversity_sql(found: SharedRows) -> str:
    """By column that is no quasi-identifier, the classes in which all have the same value."""
    if found.anonymous is None:
        return f"FROM ({_values([])}) WHERE false"
    others = [
        each.name
        for each in found.columns
        if each.name != "customer_id" and each.name not in found.quasi_identifiers
    ]
    parts = [
        f"SELECT {literal(name)} AS column_name, count(*) FILTER (valued > 0) AS classes, "
        "count(*) FILTER (is_one) AS classes_of_one_value, "
        "coalesce(sum(n) FILTER (is_one), 0)::BIGINT AS customers FROM ("
        f"SELECT count(*) AS n, count({quote(name)}) AS valued, "
        f"count({quote(name)}) = count(*) AND min({quote(name)}) = max({quote(name)}) AS is_one "
        f"FROM {ROWS} GROUP BY {CLASS})"
        for name in others
    ]
    return " UNION ALL ".join(parts) + " ORDER BY column_name"


def _values(rows: Iterator[dict[str, object]] | list[dict[str, object]]) -> str:
    selects = [
        "SELECT " + ", ".join(f"{_literal(value)} AS {quote(name)}" for name, value in row.items())
        for row in rows
    ]
    return " UNION ALL ".join(selects) or "SELECT NULL AS column_name WHERE false"


def _literal(value: object) -> str:
    return "NULL" if value is None else literal(value)
