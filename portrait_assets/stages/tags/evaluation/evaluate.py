"""From features and segments of months to their tags: set-wise, in DuckDB alone.

A rule that is unknown (SQL's NULL) leaves the tag unknown, unless a value before it matched: a
missing input is never read as 'no'. What an unknown tag then does is its own `on_missing`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import duckdb
import polars as pl

from portrait_assets.methods.expressions.expression import RANK_PREFIX
from portrait_assets.schema.table import Type
from portrait_assets.stages.tags.catalogue.segments import SEGMENT_COLUMNS
from portrait_assets.stages.tags.catalogue.tag import (
    Catalogue,
    OnMissing,
    Shape,
    Tag,
)
from portrait_assets.stages.tags.contract import portrait_matrix_table
from portrait_assets.stages.tags.evaluation.rules import (
    confidence_sql,
    day,
    evaluated_sql,
    part,
    unknown_sql,
    value_sql,
)
from portrait_assets.stages.tags.evaluation.tag_table import (
    evaluated_details_sql,
    evaluated_rows_sql,
)
from portrait_assets.storage.duckdb.connection import literal, literals, quote

_EVALUATED = "tags_evaluated"
_KEPT = "tags_kept_"
_BASE = "tags_base"
_RANK = "tags_rank_"
_RANKED = "tags_ranked"
_PREVIOUS = "tags_previous_kept"


@dataclass(frozen=True)
class Evaluation:
    """Tags of one month, with the columns of `tag_table` and of `portrait_matrix_table`."""

    tag_table: pl.DataFrame
    portrait_matrix: pl.DataFrame


@dataclass(frozen=True)
class Prepared:
    """SQL that selects the tags of the months from temporary tables of the connection."""

    tag_table_sql: str
    tag_details_sql: str
    portrait_matrix_sql: str

    def close(self, con: duckdb.DuckDBPyConnection) -> None:
        """Drop the temporary tables."""
        con.execute(f"DROP TABLE IF EXISTS temp.{_EVALUATED}")


def evaluate(
    catalogue: Catalogue,
    features: pl.DataFrame,
    segments: pl.DataFrame | None,
    previous: pl.DataFrame | None,
    as_of: date,
    con: duckdb.DuckDBPyConnection | None = None,
) -> Evaluation:
    """The tags that each customer of the feature matrix holds in the month of `as_of`.

    Args:
        catalogue: every version of every tag; those in force in the month are evaluated.
        features: the feature matrix of the month, one row per customer.
        segments: customer_id with columns of SEGMENT_COLUMNS (`confidence` is taken for
            segment_confidence); None where no cluster model is there.
        previous: the tag table of the month before, from which values are kept; None for none.
        as_of: the last day of the month.
        con: the connection to compute in; one in memory when None.

    Raises:
        TagError: when a tag in force reads one that is not.
    """
    own = con is None
    con = con if con is not None else duckdb.connect()
    frames = {"tags_features": features, "tags_segments": segments, "tags_previous": previous}
    try:
        for name, frame in frames.items():
            if frame is not None:
                con.register(name, frame)
        prepared = prepare(
            catalogue,
            _of_month("tags_features", as_of),
            _of_month("tags_segments", as_of) if segments is not None else None,
            "SELECT * FROM tags_previous" if previous is not None else None,
            [as_of],
            con,
        )
        result = Evaluation(
            con.sql(prepared.tag_table_sql).pl(), con.sql(prepared.portrait_matrix_sql).pl()
        )
        prepared.close(con)
        return result
    finally:
        if own:
            con.close()
        else:
            for name in frames:
                con.unregister(name)


def _of_month(frame: str, as_of: date) -> str:
    return f"SELECT {day(as_of)} AS as_of, COLUMNS(lambda c: c <> 'as_of') FROM {frame}"


def batches(
    catalogue: Catalogue, months: Sequence[str], rows: Mapping[str, int], most: int
) -> Iterator[list[str]]:
    """The months (YYYY-MM) in groups that `prepare` can take at once.

    Args:
        catalogue: every version of every tag.
        months: months without a gap, in order.
        rows: how many customers each of them has.
        most: customers of several months together; a month is never divided.

    Raises:
        TagError: when a tag in force reads one that is not.
    """
    batch: list[str] = []
    for month in months:
        tags = catalogue.in_force(month)
        held = sum(rows.get(each, 0) for each in (*batch, month))
        alone = any(not _is_of_features(tag, catalogue) for tag in tags if _is_kept(tag))
        if batch and (alone or held > most or tags != catalogue.in_force(batch[0])):
            yield batch
            batch = []
        batch.append(month)
    yield batch


def _is_kept(tag: Tag) -> bool:
    return tag.on_missing is OnMissing.KEEP_LAST


def _is_of_features(tag: Tag, catalogue: Catalogue) -> bool:
    """Whether value and confidence are known before any other tag is."""
    return all(name in catalogue.columns for name in tag.inputs)


def prepare(
    catalogue: Catalogue,
    features_sql: str,
    segments_sql: str | None,
    previous_sql: str | None,
    months: Sequence[date],
    con: duckdb.DuckDBPyConnection,
) -> Prepared:
    """Evaluate into temporary tables of the connection, and say how to select the results.

    For months too large for frames: both queries can be inserted into tables of the same
    connection. The three queries give what `evaluate` takes as frames, with an `as_of` each:
    features and segments of all the months, which are the last days of one of `batches`, and the
    tag table of the month before them.

    Raises:
        TagError: when a tag in force reads one that is not.
    """
    tags = catalogue.in_force(f"{months[-1]:%Y-%m}")
    looks_back = previous_sql is not None or len(months) > 1
    kept = [tag for tag in tags if _is_kept(tag)] if looks_back else []
    base = _base_sql(con, catalogue, tags, features_sql, segments_sql)
    con.execute(f"CREATE OR REPLACE TEMP TABLE {_BASE} AS {base}")
    ranked = sorted({name for tag in tags for each in tag.expressions for name in each.ranks})
    for position, name in enumerate(ranked):
        con.execute(f"CREATE OR REPLACE TEMP TABLE {_RANK}{position} AS {_rank_sql(name)}")
    # Every kept tag asks who lacks it: that is looked up in one table, not joined anew each time.
    con.execute(f"CREATE OR REPLACE TEMP TABLE {_RANKED} AS {_ranked_sql(ranked)}")
    if kept and previous_sql is not None:
        codes = literals(tag.code for tag in kept)
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE {_PREVIOUS} AS "
            f"SELECT * FROM ({previous_sql}) WHERE tag_code IN ({codes})"
        )
    for position, tag in enumerate(kept):
        said = [_said_in_batch_sql(tag, months[-1])] if len(months) > 1 else []
        said += [_said_before_sql(tag)] if previous_sql is not None else []
        last = _kept_sql(tag, catalogue, " UNION ALL ".join(said))
        con.execute(f"CREATE OR REPLACE TEMP TABLE {_KEPT}{position} AS {last}")
    world = _with_kept_sql(kept)
    con.execute(f"CREATE OR REPLACE TEMP TABLE {_EVALUATED} AS {evaluated_sql(world, tags, kept)}")
    used = [f"{_RANK}{position}" for position in range(len(ranked))]
    used += [f"{_KEPT}{position}" for position in range(len(kept))]
    for table in (_BASE, _RANKED, _PREVIOUS, *used):
        con.execute(f"DROP TABLE IF EXISTS temp.{table}")
    return Prepared(
        evaluated_rows_sql(tags, kept, _EVALUATED),
        evaluated_details_sql(catalogue, tags, kept, _EVALUATED),
        _matrix_sql(catalogue, tags),
    )


# -- what comes in -------------------------------------------------------------------------


def _segment_expressions(
    con: duckdb.DuckDBPyConnection, segments_sql: str | None
) -> dict[str, str]:
    given = con.sql(segments_sql).columns if segments_sql else []
    found = {}
    for column in SEGMENT_COLUMNS:
        name = column.name
        if name == "segment_confidence" and name not in given and "confidence" in given:
            name = "confidence"
        found[column.name] = f"s.{quote(name)}" if name in given else f"NULL::{column.type}"
    return found


def _base_sql(
    con: duckdb.DuckDBPyConnection,
    catalogue: Catalogue,
    tags: Sequence[Tag],
    features_sql: str,
    segments_sql: str | None,
) -> str:
    """One row per month and customer, in their order: the features read and the segment."""
    segments = _segment_expressions(con, segments_sql)
    read = {name for tag in tags for name in tag.inputs if name in catalogue.columns}
    read -= {"as_of", *segments}
    columns = ["f.as_of", "f.customer_id", *(f"f.{quote(name)}" for name in sorted(read))]
    columns += [f"{sql} AS {quote(name)}" for name, sql in segments.items()]
    joins = f" LEFT JOIN ({segments_sql}) s USING (as_of, customer_id)" if segments_sql else ""
    return (
        "SELECT CAST(row_number() OVER () AS UINTEGER) AS row_no, * FROM "
        f"(SELECT {', '.join(columns)} FROM ({features_sql}) f{joins} "
        "ORDER BY f.as_of, f.customer_id)"
    )


def _rank_sql(name: str) -> str:
    """For each value of the column the share of customers with a lower one (percent_rank)."""
    column = quote(name)
    return (
        f"SELECT as_of, {column} AS value, (sum(customers) OVER (PARTITION BY as_of "
        f"ORDER BY {column} ROWS UNBOUNDED PRECEDING) - customers)::DOUBLE "
        "/ greatest(sum(customers) OVER (PARTITION BY as_of) - 1, 1) AS share "
        f"FROM (SELECT as_of, {column}, count(*) AS customers FROM {_BASE} "
        f"WHERE {column} IS NOT NULL GROUP BY as_of, {column})"
    )


def _ranked_sql(ranked: Sequence[str]) -> str:
    """The base with the customers' numbers, from 1 in each month, and the ranks."""
    columns = "".join(
        f", r{position}.share AS {quote(RANK_PREFIX + name)}"
        for position, name in enumerate(ranked)
    )
    joins = "".join(
        f" LEFT JOIN {_RANK}{position} AS r{position} "
        f"ON r{position}.value = b.{quote(name)} AND r{position}.as_of = b.as_of"
        for position, name in enumerate(ranked)
    )
    return (
        f"SELECT b.*, CAST(b.row_no - m.before AS UINTEGER) AS customer_no{columns} "
        f"FROM {_BASE} AS b{joins} JOIN (SELECT as_of, min(row_no) - 1 AS before FROM {_BASE} "
        "GROUP BY as_of) AS m ON m.as_of = b.as_of"
    )


def _said_before_sql(tag: Tag) -> str:
    """What the month before the batch holds of the tag, as far as it is still a value of it."""
    holds = f"tag_code = {literal(tag.code)}"
    if tag.values:
        holds += f" AND tag_value IN ({literals(v.value for v in tag.values)})"
    value = "any_value(tag_value)"
    if tag.shape is Shape.MANY:
        value = "list(tag_value ORDER BY tag_value)"
    return (
        f"SELECT customer_id, as_of, TRY_CAST({value} AS {tag.column.type}) AS value, "
        "any_value(confidence) AS confidence, any_value(tag_version) AS version, "
        f"any_value(decided_as_of) AS decided FROM {_PREVIOUS} WHERE {holds} "
        "GROUP BY customer_id, as_of"
    )


def _said_in_batch_sql(tag: Tag, last: date) -> str:
    """What the months of the batch but the last decide of the tag, null for no value."""
    value = value_sql(tag, "NULL")
    if tag.shape is Shape.MANY:
        value = f"nullif(list_sort({value}), [])"
    return (
        f"SELECT customer_id, as_of, CAST({value} AS {tag.column.type}) AS value, "
        f"{confidence_sql(tag)} AS confidence, {tag.version} AS version, as_of AS decided "
        f"FROM {_RANKED} WHERE as_of < {day(last)} AND NOT {unknown_sql(tag)}"
    )


def _kept_sql(tag: Tag, catalogue: Catalogue, said: str) -> str:
    """The last that was said of the tag, where it is unknown and that is still valid."""
    asking = f"SELECT row_no, customer_id, as_of FROM {_RANKED}"
    if all(name in catalogue.columns for name in tag.reads):
        # What reads other tags is known only later, so there every customer asks.
        asking += f" WHERE {unknown_sql(tag)}"
    return (
        "SELECT a.row_no, s.value AS last, s.confidence, s.version, s.decided "
        f"FROM ({asking}) AS a ASOF JOIN ({said}) AS s "
        "ON s.customer_id = a.customer_id AND s.as_of < a.as_of WHERE s.value IS NOT NULL "
        f"AND s.decided >= last_day(a.as_of - INTERVAL {tag.valid_months} MONTH)"
    )


def _with_kept_sql(kept: Sequence[Tag]) -> str:
    columns, joins = "", ""
    for position, tag in enumerate(kept):
        name = f"k{position}"
        columns += f", {name}.last AS {part(tag, 'last')}"
        columns += "".join(
            f", {name}.{what} AS {part(tag, 'last_' + what)}"
            for what in ("confidence", "version", "decided")
        )
        joins += f" LEFT JOIN {_KEPT}{position} AS {name} ON {name}.row_no = w.row_no"
    return f"SELECT w.*{columns} FROM {_RANKED} AS w{joins}"


# -- what goes out -------------------------------------------------------------------------


def _matrix_sql(catalogue: Catalogue, tags: Sequence[Tag]) -> str:
    """The matrix has a column for every tag of the catalogue, null where it is not in force."""
    there = {tag.code for tag in tags} | {column.name for column in SEGMENT_COLUMNS}
    there |= {"customer_id", "customer_no"}
    columns = ["as_of"]
    for column in portrait_matrix_table(catalogue).columns:
        name = quote(column.name)
        value = name if column.name in there else f"NULL::{column.type}"
        columns.append(f"CAST({value} AS {column.type or Type.TEXT}) AS {name}")
    return f"SELECT {', '.join(columns)} FROM {_EVALUATED}"
