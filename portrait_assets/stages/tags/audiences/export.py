"""A file of an audience's customers, of whom only those stand in it who allow its purpose."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import polars as pl

from portrait_assets.core.files import written_beside
from portrait_assets.privacy.consent import (
    ANALYSIS,
    CONSENT_DEFAULT,
    MARKETING,
    PROFILING,
    REASONS,
    Use,
    keep_answers,
    left_out,
    require_asked,
)
from portrait_assets.schema.csv_text import neutralized_sql
from portrait_assets.stages.tags.audiences.audience import Audience, rows_of
from portrait_assets.stages.tags.audiences.condition import of_month
from portrait_assets.stages.tags.audiences.generic import CHANNELS, IS_GENERIC, generic_sql
from portrait_assets.stages.tags.catalogue.tag import TagError
from portrait_assets.stages.tags.contract import TAG_CATALOGUE
from portrait_assets.storage.duckdb.connection import literal, quote
from portrait_assets.storage.duckdb.tables import existing_types

FORMATS = {".csv": "FORMAT csv, HEADER", ".parquet": "FORMAT parquet"}


@dataclass(frozen=True)
class Exported:
    """How many customers were written, and how many were left out by purpose and reason.

    `generic` more are written who refuse profiling.
    """

    customers: int
    left_out: Mapping[tuple[str, str], int]
    generic: int = 0


@dataclass(frozen=True)
class Allowed:
    """The SELECT of the members who allow a use, their number, and the others by reason."""

    sql: str
    customers: int
    left_out: Mapping[tuple[str, str], int]


def export_audience(
    con: duckdb.DuckDBPyConnection,
    audience: Audience,
    path: Path,
    without: Sequence[str] = (),
    identifiers: pl.DataFrame | None = None,
    before: Callable[[Path, int], object] = lambda whole, rows: None,
    use: Use = ANALYSIS,
    with_generic: bool = False,
) -> Exported:
    """Write the audience's rows of the portrait matrix to a .csv or .parquet file.

    Only customers are written who allow the use, see `allowed_members`.

    Args:
        con: a connection to the published file, which is only read.
        audience: what `select_audience` gave.
        path: where the file goes.
        without: columns that are not written.
        identifiers: `identifier` by `pseudonym`, to write in the place of the latter.
        before: called with the whole file, and its number of customers, before it has its name; an
            error leaves none behind.
        use: what the file is for.
        with_generic: whether those are written too who refuse profiling and allow the use, with no
            tag and `is_generic`, which is false of the others.

    Raises:
        TagError: when the file's ending is neither, or all customers are left out.
        ConsentError: when it is not known what customers allow.
    """
    check_name(path)
    allowed = allowed_members(con, audience, use, without)
    selected, refused, generic = allowed.sql, dict(allowed.left_out), 0
    if with_generic:
        others = generic_sql(con, audience.as_of, use)
        generic = con.execute(f"SELECT count(*) FROM ({others})").fetchall()[0][0]
        # Who objected since the month is left out of the audience, and among them.
        refused = {key: count for key, count in refused.items() if key[0] != PROFILING}
        selected = f"SELECT *, false AS {IS_GENERIC} FROM ({selected}) UNION ALL BY NAME {others}"
    written = allowed.customers + generic
    if identifiers is not None:
        con.register("identifiers", identifiers.to_arrow())
        selected = (
            f"SELECT r.* REPLACE (i.identifier AS customer_id) FROM ({selected}) AS r "
            "JOIN identifiers AS i ON i.pseudonym = r.customer_id"
        )
    write_rows(con, selected, path, lambda whole: before(whole, written))
    return Exported(allowed.customers, refused, generic)


def check_name(path: Path) -> None:
    """Check that a file of rows can have this name.

    Raises:
        TagError: when its ending is neither .csv nor .parquet.
    """
    if path.suffix not in FORMATS:
        raise TagError(f"{path.name} ends in neither .csv nor .parquet; choose one of them.")


def allowed_members(
    con: duckdb.DuckDBPyConnection, audience: Audience, use: Use, without: Sequence[str] = ()
) -> Allowed:
    """The audience's rows of the portrait matrix of who allows the use by the newest consents.

    They allow profiling too, and, where the audience is selected by tags that are computed for
    another purpose, that purpose; such a tag is null for who does not allow it. Of marketing
    without a channel `allowed_channels` says by which they may be contacted.

    Args:
        con: a connection to the published file, which is only read.
        audience: what `select_audience` gave.
        use: what for.
        without: columns that are left out.

    Raises:
        TagError: when all customers are left out.
        ConsentError: when it is not known what customers allow.
    """
    of_others = _tags_of_other_purposes(con, audience.as_of, use)
    needed = {of_others[name] for name in audience.expression.columns if name in of_others}
    is_known = bool(existing_types(con, CONSENT_DEFAULT))
    uses = [use] if use.purpose != PROFILING and (is_known or not use.unless_refused) else []
    uses += [Use(purpose) for purpose in sorted(needed)]
    rows = rows_of(con, audience)
    for each in uses:
        if not each.unless_refused:
            require_asked(con, each)
    if is_known:
        # Of an earlier month there are rows of customers who have objected since.
        uses.append(ANALYSIS)
    shown = {name: purpose for name, purpose in of_others.items() if name not in without}
    others = [Use(purpose) for purpose in sorted(set(shown.values()) - needed)]
    tables = keep_answers(con, rows, [*uses, *others])
    refused = left_out(con, tables[: len(uses)], uses)
    written = audience.size - sum(refused.values())
    if not written:
        raise TagError(
            f"None of the {audience.size:,} customers may be used for {use.purpose}"
            f"{f' by {use.channel}' if use.channel else ''} ({reasons(refused)}); select others."
        )
    asked = _Asked(tuple(uses), tuple(others), tables)
    selected = _selected(rows, ["customer_no", *without], asked, shown)
    return Allowed(selected, written, refused)


def write_rows(
    con: duckdb.DuckDBPyConnection,
    selected: str,
    path: Path,
    before: Callable[[Path], object] = lambda whole: None,
) -> None:
    """Write rows of customers to a file, by `customer_id`, for its owner only.

    It is written beside `path` and then moved, so that it is never half-written. In CSV no text is
    a formula to a spreadsheet (`schema.csv_text`).

    Args:
        con: a connection to the published file, which is only read.
        selected: SELECT of the rows.
        path: where the file goes; see `check_name`.
        before: called with the whole file before it has its name; an error leaves none behind.
    """
    temporary = written_beside(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    selected = f"SELECT * FROM ({selected}) ORDER BY customer_id"
    try:
        if path.suffix == ".csv":
            selected = _neutralized(con, selected)
        temporary.unlink(missing_ok=True)
        os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        # Into this very file, instead of one that DuckDB would put in its place.
        how = f"{FORMATS[path.suffix]}, USE_TMP_FILE false"
        con.execute(f"COPY ({selected}) TO {literal(temporary)} ({how})")
        before(temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def reasons(left_out: Mapping[tuple[str, str], int]) -> str:
    """The reasons in words with their numbers of customers, such as `marketing: objected 12`."""
    return "; ".join(
        f"{purpose}: {REASONS[because][0]} {count:,}"
        for (purpose, because), count in left_out.items()
    )


@dataclass(frozen=True)
class _Asked:
    """What members must allow, what they may allow besides, and the tables of their answers."""

    uses: tuple[Use, ...]
    others: tuple[Use, ...]
    tables: tuple[str, ...]


def _selected(
    rows: str, without: Sequence[str], asked: _Asked, of_others: Mapping[str, str]
) -> str:
    """The SELECT of the members who allow the uses, with nulls for what they do not allow."""
    joined = "".join(
        f" LEFT JOIN {table} AS a{number} USING (customer_id)"
        for number, table in enumerate(asked.tables)
    )
    nulled = ", ".join(
        f"CASE WHEN a{number}.allowed THEN m.{quote(name)} END AS {quote(name)}"
        for number, each in enumerate(asked.others, len(asked.uses))
        for name, purpose in of_others.items()
        if purpose == each.purpose
    )
    columns = f"m.* EXCLUDE ({', '.join(map(quote, dict.fromkeys(without)))})"
    columns += f" REPLACE ({nulled})" if nulled else ""
    if asked.uses and asked.uses[0].purpose == MARKETING and asked.uses[0].channel is None:
        columns += f", a0.channels AS {CHANNELS}"
    allowed = " AND ".join(f"a{n}.allowed" for n in range(len(asked.uses))) or "true"
    return f"SELECT {columns} FROM {rows} AS m{joined} WHERE {allowed}"


def _tags_of_other_purposes(
    con: duckdb.DuckDBPyConnection, as_of: date, use: Use
) -> dict[str, str]:
    """The purpose by tag that is computed for neither profiling nor the use."""
    if "purpose" not in existing_types(con, TAG_CATALOGUE.full_name):
        return {}
    rows = con.execute(
        f"SELECT DISTINCT tag_code, purpose::VARCHAR FROM {TAG_CATALOGUE.full_name} "
        f"WHERE {of_month(as_of)} AND in_force AND purpose NOT IN (?, ?)",
        [PROFILING, use.purpose],
    ).fetchall()
    return dict(rows)


def _neutralized(con: duckdb.DuckDBPyConnection, sql: str) -> str:
    """The SELECT with every text in it harmless to spreadsheets."""
    described = con.execute(f"DESCRIBE {sql}").fetchall()
    text = [name for name, kind, *_ in described if kind == "VARCHAR" or kind.startswith("ENUM")]
    replaced = ", ".join(neutralized_sql(quote(name)) for name in text)
    return f"SELECT * REPLACE ({replaced}) FROM ({sql})"
