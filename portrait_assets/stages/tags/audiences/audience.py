"""Audiences (人群圈选): customers selected by an expression over the portrait matrix.

The expression is a WHERE clause of DuckDB over tags.portrait_matrix, checked against the
allow-list of `methods.expressions`; no other user input reaches the database.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
from sqlglot import exp

from portrait_assets.core.invocation import command
from portrait_assets.methods.expressions.expression import (
    Expression,
    ExpressionError,
    UnknownColumnError,
    parse,
)
from portrait_assets.methods.statistics.multiplicity import false_discovery_rate
from portrait_assets.methods.statistics.significance import two_proportions
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
from portrait_assets.schema.table import Column, Sensitivity, Type
from portrait_assets.stages.features.contract import PROFILING_ALLOWED
from portrait_assets.stages.tags.catalogue.tag import TagError, of_other_pack
from portrait_assets.stages.tags.contract import TAG_CATALOGUE
from portrait_assets.storage.duckdb.connection import literal, quote
from portrait_assets.storage.duckdb.tables import existing_types

MATRIX = "tags.portrait_matrix"
PROFILE_SCHEMA = pl.Schema(
    {
        "tag_code": pl.String(),
        "tag_value": pl.String(),
        "audience": pl.Int64(),
        "base": pl.Int64(),
        "audience_share": pl.Float64(),
        "base_share": pl.Float64(),
        "tgi": pl.Float64(),
        "p_value": pl.Float64(),
        "q_value": pl.Float64(),
    }
)
"""Columns of an audience's profile: one row per tag and value, the strongest difference first."""

OVERLAP_SCHEMA = pl.Schema(
    {
        "audience_code": pl.String(),
        "size": pl.Int64(),
        "both": pl.Int64(),
        "share_of_audience": pl.Float64(),
        "share_of_saved": pl.Float64(),
        "jaccard": pl.Float64(),
    }
)
"""Columns of an audience's overlaps with saved ones; `both` are the customers in the two."""

_HIDDEN = frozenset({"as_of", "customer_id", "customer_no", PROFILING_ALLOWED.name})
_CHANNELS = "allowed_channels"


@dataclass(frozen=True)
class Audience:
    """The customers that an expression selects in a month, against all of that month (the base)."""

    expression: Expression
    as_of: date
    size: int
    base: int
    profile: pl.DataFrame
    overlaps: pl.DataFrame

    @property
    def share(self) -> float:
        """Size divided by base."""
        return self.size / self.base


def matrix_columns(con: duckdb.DuckDBPyConnection) -> dict[str, Column]:
    """The columns of the portrait matrix in the database, which an audience may read.

    Allowed values and sensitivity come from tags.tag_catalogue.

    Raises:
        TagError: when the database has no portrait matrix.
    """
    types = con.execute(
        "SELECT column_name, data_type FROM duckdb_columns() WHERE schema_name = 'tags' "
        "AND table_name = 'portrait_matrix' AND database_name = current_database() "
        "ORDER BY column_index"
    ).fetchall()
    if not types:
        raise TagError(f"There is no portrait matrix yet; run `{command('run')}` first.")
    known = con.execute(
        "SELECT tag_code, list_distinct(flatten(list(tag_values))), max(sensitivity) "
        "FROM tags.tag_catalogue GROUP BY tag_code"
    ).fetchall()
    facts = {code: (tuple(sorted(values)) or None, level) for code, values, level in known}
    columns = {}
    for name, kind in types:
        allowed, level = facts.get(name, (None, "C1"))
        # The published file holds enumerated text as ENUM.
        known_type = str(Type.TEXT) if kind.startswith("ENUM") else kind
        if known_type in set(Type):
            columns[name] = Column(
                name, Type(known_type), name, name, allowed=allowed, sensitivity=Sensitivity(level)
            )
    return columns


def parse_audience(
    text: str,
    columns: Mapping[str, Column],
    clearance: Sensitivity = Sensitivity.C2,
    elsewhere: Mapping[str, str] | None = None,
) -> Expression:
    """The audience's expression, safe to use in a WHERE clause.

    `elsewhere` gives the pack by code of the tags of packs that the source does not have.

    Raises:
        TagError: when it may not be used; the sentence names the part and the remedy.
    """
    try:
        expression = parse(text, columns, ranks=False)
    except UnknownColumnError as error:
        remedy = of_other_pack(error.column, elsewhere or {}) or error
        raise TagError(f"The audience cannot be selected: {remedy}.") from None
    except ExpressionError as error:
        raise TagError(f"The audience cannot be selected: {error}.") from None
    levels = list(Sensitivity)
    for name in expression.columns:
        if levels.index(columns[name].sensitivity) > levels.index(clearance):
            raise TagError(
                f"The audience reads {name}, which is of class {columns[name].sensitivity}, and "
                f"may read up to {clearance}; leave it out or request the clearance."
            )
    return expression


def count_sql(expression: Expression, as_of: date) -> str:
    """The query that counts the audience."""
    return f"SELECT count(*) FROM {MATRIX} WHERE {_month(as_of)} AND ({expression.sql})"


def _month(as_of: date) -> str:
    return f"as_of = DATE {literal(as_of.isoformat())}"


def _profiled(con: duckdb.DuckDBPyConnection, as_of: date) -> str:
    """The condition on the month's rows that are no rows of nulls; old files have none of these."""
    has_column = PROFILING_ALLOWED.name in existing_types(con, MATRIX)
    return _month(as_of) + (f" AND {PROFILING_ALLOWED.name} IS NOT FALSE" if has_column else "")


def latest_month(con: duckdb.DuckDBPyConnection) -> date:
    """The newest month of the portrait matrix; of a published file, the newest complete one.

    Raises:
        TagError: when it has none.
    """
    published = con.execute(
        "SELECT 1 FROM duckdb_views() WHERE view_name = 'newest_month'"
    ).fetchall()
    sql = "SELECT as_of FROM newest_month" if published else f"SELECT max(as_of) FROM {MATRIX}"
    newest: date | None = con.execute(sql).fetchall()[0][0]
    if newest is None:
        raise TagError(f"The portrait matrix has no month yet; run `{command('run')}` first.")
    return newest


def select_audience(
    con: duckdb.DuckDBPyConnection,
    text: str,
    as_of: date | None = None,
    saved: Mapping[str, str] | None = None,
    clearance: Sensitivity = Sensitivity.C2,
    smallest: int = 1,
) -> Audience:
    """Size, share, profile against the base, and overlaps with saved audiences.

    Args:
        con: a connection to the warehouse or the published file, which is only read.
        text: the expression.
        as_of: the month; the newest when None.
        saved: expressions of saved audiences by code.
        clearance: the highest class of columns that may be read.
        smallest: fewest customers that it may select, and that a sentence may count.

    Raises:
        TagError: when the expression may not be used, the month does not exist, or it selects
            fewer; the sentence then gives how many customers each condition selects.
    """
    columns = matrix_columns(con)
    expression = parse_audience(text, columns, clearance)
    month = as_of if as_of is not None else latest_month(con)
    others = {c: parse_audience(t, columns, clearance) for c, t in (saved or {}).items()}
    flags = "".join(
        f", coalesce(({other.sql}), false) AS {quote('in:' + code)}"
        for code, other in others.items()
    )
    for each in (expression, *others.values()):
        check_condition(con, each)
    everyone = everyone_of(con, month, expression, flags)
    base, size = everyone.row("count(*), count(*) FILTER (WHERE in_audience)")
    if not base:
        raise TagError(f"The portrait matrix has no row for {month}; choose a month that it has.")
    if size < smallest:
        few = "nobody" if smallest == 1 else f"fewer than {smallest} customers"
        raise TagError(
            f"The audience selects {few} in {month:%Y-%m}: "
            f"{_parts(everyone, expression, smallest)}."
        )
    return Audience(
        expression,
        month,
        size,
        base,
        _profile(everyone, columns, size, base),
        _overlaps(everyone, list(others), size),
    )


@dataclass(frozen=True)
class Everyone:
    """The month's portrait matrix, each row with its membership, as `everyone` in SQL."""

    con: duckdb.DuckDBPyConnection
    sql: str

    def select(self, sql: str) -> duckdb.DuckDBPyRelation:
        """The result of a SELECT from `everyone`."""
        # Each part reads a column or two, so the matrix is not copied for all of them.
        return self.con.sql(f"WITH everyone AS NOT MATERIALIZED ({self.sql}) {sql}")

    def row(self, counts: str) -> tuple[int, ...]:
        """The counts over all customers of the month."""
        row: tuple[int, ...] = self.select(f"SELECT {counts} FROM everyone").fetchall()[0]
        return row


def everyone_of(
    con: duckdb.DuckDBPyConnection, month: date, expression: Expression, flags: str = ""
) -> Everyone:
    """The matrix of the month that ends on that day, with `in_audience` and further columns."""
    return Everyone(
        con,
        f"SELECT *, coalesce(({expression.sql}), false) AS in_audience{flags} "
        f"FROM {MATRIX} WHERE {_profiled(con, month)}",
    )


def check_condition(con: duckdb.DuckDBPyConnection, expression: Expression) -> None:
    """Have DuckDB bind the expression to the portrait matrix of the connection.

    Raises:
        TagError: when its types clash, or it is not a condition.
    """
    try:
        kind = con.execute(
            f"SELECT typeof({expression.sql}) FROM (SELECT 1) "
            f"LEFT JOIN (SELECT * FROM {MATRIX} LIMIT 0) ON true"
        ).fetchall()[0][0]
    except duckdb.Error as error:
        reason = str(error).splitlines()[0].removeprefix("Binder Error: ")
        raise TagError(f"The audience cannot be selected: types clash ({reason}).") from None
    if kind != "BOOLEAN":
        raise TagError(
            f"The audience cannot be selected: '{expression.text}' gives {kind}; write a condition "
            "that is true or false."
        )


def _parts(everyone: Everyone, expression: Expression, smallest: int) -> str:
    """How many customers each condition selects alone, which shows the strictest one."""
    tree = expression.tree
    parts = list(tree.flatten()) if isinstance(tree, exp.And) else [tree]
    texts = [part.sql(dialect="duckdb") for part in parts]
    if len(texts) == 1:
        return f"loosen it, or list the values with `{command('tags', 'list')}`"
    counts = ", ".join(f"count(*) FILTER (WHERE {text})" for text in texts)
    alone = "; ".join(
        f"{text.replace(chr(34), '')} alone selects {_counted(count, smallest)}"
        for text, count in zip(texts, everyone.row(counts), strict=True)
    )
    return f"{alone}; loosen the strictest, or join with OR"


def _counted(count: int, smallest: int) -> str:
    """The count, of which only a source that shows groups of any size tells more than the bound."""
    if smallest == 1:
        return f"{count:,}"
    return f"fewer than {smallest}" if count < smallest else f"{smallest} or more"


def _profile(
    everyone: Everyone, columns: Mapping[str, Column], size: int, base: int
) -> pl.DataFrame:
    """Shares, TGI (100 x share in the audience / share in the base) and their significance.

    Two-sided test of two proportions, audience against everyone else; q-values after Benjamini
    and Hochberg (1995) over the whole profile.
    """
    counted = count_cells(everyone, columns)
    if counted.is_empty():
        return pl.DataFrame(schema=PROFILE_SCHEMA)
    inside, all_of_them = counted["audience"].to_numpy(), counted["base"].to_numpy()
    p_values = two_proportions(inside, size, all_of_them - inside, base - size)
    shown = counted.with_columns(
        audience_share=(pl.col("audience") / size).round(6),
        base_share=(pl.col("base") / base).round(6),
        tgi=(100 * pl.col("audience") / size / (pl.col("base") / base)).round(1),
        p_value=pl.Series(p_values, nan_to_null=True),
    )
    shown = shown.with_columns(q_value=false_discovery_rate(pl.col("p_value")))
    # Sorted by difference, because the p-values of a large audience underflow to 0.
    order = (pl.col("audience_share") - pl.col("base_share")).abs()
    return (
        shown.sort(order, "tag_code", "tag_value", descending=[True, False, False])
        .select(PROFILE_SCHEMA.names())
        .cast(PROFILE_SCHEMA)
    )


def count_cells(
    everyone: Everyone, columns: Mapping[str, Column], counts: Mapping[str, str] | None = None
) -> pl.DataFrame:
    """Customers by `tag_code` and `tag_value`: `audience`, `base`, and further counts.

    Args:
        everyone: the month's matrix.
        columns: those of the matrix, by name.
        counts: conditions over the columns of `everyone`, by the name of their count.
    """
    counts = {"audience": "in_audience", "base": "true", **(counts or {})}
    counted = ", ".join(
        f"count(*) FILTER (WHERE {condition}) AS {quote(name)}"
        for name, condition in counts.items()
    )
    selects = []
    for column in columns.values():
        if column.name in _HIDDEN or not is_enumerable(column):
            continue
        value, source = quote(column.name), "everyone"
        if column.type is Type.TEXTS:
            name = quote("value of " + column.name)
            source, value = f"(SELECT *, unnest({value}) AS {name} FROM everyone)", name
        selects.append(
            f"SELECT {literal(column.name)} AS tag_code, CAST({value} AS VARCHAR) AS tag_value, "
            f"{counted} FROM {source} WHERE {value} IS NOT NULL GROUP BY ALL"
        )
    if not selects:
        names = ("tag_code", "tag_value")
        return pl.DataFrame(
            schema={n: pl.String() for n in names} | {n: pl.Int64() for n in counts}
        )
    cells: pl.DataFrame = everyone.select(" UNION ALL ".join(selects)).pl()
    return cells


def is_enumerable(column: Column) -> bool:
    """Whether the column's values are few and known, so that a profile counts them."""
    if column.type is Type.BOOLEAN or column.name.startswith("segment_name_en"):
        return True
    return column.type in (Type.TEXT, Type.TEXTS) and column.allowed is not None


def _overlaps(everyone: Everyone, codes: Sequence[str], size: int) -> pl.DataFrame:
    rows = []
    for code in codes:
        flag = quote("in:" + code)
        other, both = everyone.row(
            f"count(*) FILTER (WHERE {flag}), count(*) FILTER (WHERE {flag} AND in_audience)"
        )
        rows.append(
            {
                "audience_code": code,
                "size": other,
                "both": both,
                "share_of_audience": round(both / size, 6),
                "share_of_saved": round(both / other, 6) if other else None,
                "jaccard": round(both / (size + other - both), 6),
            }
        )
    return pl.DataFrame(rows, schema=OVERLAP_SCHEMA).sort("jaccard", descending=True)


def members(con: duckdb.DuckDBPyConnection, audience: Audience) -> pl.Series:
    """The customers of the audience, as the matrix has them."""
    rows: pl.DataFrame = con.sql(f"SELECT customer_id FROM {_rows(con, audience)}").pl()
    return rows["customer_id"]


def _rows(con: duckdb.DuckDBPyConnection, audience: Audience) -> str:
    """The relation of the audience's rows of the matrix."""
    return (
        f"(SELECT * FROM {MATRIX} WHERE {_profiled(con, audience.as_of)} "
        f"AND ({audience.expression.sql}))"
    )


@dataclass(frozen=True)
class Exported:
    """How many customers were written, and how many were left out by purpose and reason."""

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
) -> Exported:
    """Write the audience's rows of the portrait matrix to a .csv or .parquet file.

    Only customers are written who by the newest consents allow the use and profiling, and, where
    the audience is selected by tags that are computed for another purpose, that purpose too; such a
    tag is null for who does not allow it. Without a channel `allowed_channels` says by which they
    may be contacted.

    The file is written beside `path`, for its owner only, and then moved, so that it is never
    half-written. In CSV no text is a formula to a spreadsheet (`schema.csv_text`).

    Args:
        con: a connection to the published file, which is only read.
        audience: what `select_audience` gave.
        path: where the file goes.
        without: columns that are not written.
        identifiers: `identifier` by `pseudonym`, to write in the place of the latter.
        before: called with the whole file, and its number of customers, before it has its name; an
            error leaves none behind.
        use: what the file is for.

    Raises:
        TagError: when the file's ending is neither, or all customers are left out.
        ConsentError: when it is not known what customers allow.
    """
    formats = {".csv": "FORMAT csv, HEADER", ".parquet": "FORMAT parquet"}
    if path.suffix not in formats:
        raise TagError(f"{path.name} ends in neither .csv nor .parquet; choose one of them.")
    of_others = _tags_of_other_purposes(con, audience.as_of, use)
    needed = {of_others[name] for name in audience.expression.columns if name in of_others}
    uses = [use] if use.purpose != PROFILING else []
    uses += [Use(purpose) for purpose in sorted(needed)]
    rows = _rows(con, audience)
    for each in uses:
        require_asked(con, each)
    if existing_types(con, CONSENT_DEFAULT):
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
    temporary = path.with_name(f".{path.name}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        asked = _Asked(tuple(uses), tuple(others), tables)
        selected = _selected(rows, ["customer_no", *without], asked, shown)
        if identifiers is not None:
            con.register("identifiers", identifiers.to_arrow())
            selected = (
                f"SELECT r.* REPLACE (i.identifier AS customer_id) FROM ({selected}) AS r "
                "JOIN identifiers AS i ON i.pseudonym = r.customer_id"
            )
        selected = f"SELECT * FROM ({selected}) ORDER BY customer_id"
        if path.suffix == ".csv":
            selected = _neutralized(con, selected)
        temporary.unlink(missing_ok=True)
        os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        # Into this very file, instead of one that DuckDB would put in its place.
        how = f"{formats[path.suffix]}, USE_TMP_FILE false"
        con.execute(f"COPY ({selected}) TO {literal(temporary)} ({how})")
        before(temporary, written)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return Exported(written, refused)


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
        columns += f", a0.channels AS {_CHANNELS}"
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
        f"WHERE {_month(as_of)} AND in_force AND purpose NOT IN (?, ?)",
        [PROFILING, use.purpose],
    ).fetchall()
    return dict(rows)


def _neutralized(con: duckdb.DuckDBPyConnection, sql: str) -> str:
    """The SELECT with every text in it harmless to spreadsheets."""
    described = con.execute(f"DESCRIBE {sql}").fetchall()
    text = [name for name, kind, *_ in described if kind == "VARCHAR" or kind.startswith("ENUM")]
    replaced = ", ".join(neutralized_sql(quote(name)) for name in text)
    return f"SELECT * REPLACE ({replaced}) FROM ({sql})"
