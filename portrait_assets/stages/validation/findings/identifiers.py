"""Whether tables that share an identifier write it alike, so that their rows find each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from portrait_assets.stages.cleaned.contract import CLEANED
from portrait_assets.stages.validation.contract import Area, Verdict
from portrait_assets.stages.validation.findings.finding import finding, judged
from portrait_assets.storage.duckdb.connection import literal
from portrait_assets.storage.duckdb.store import Warehouse

LISTED_IN = {"customer_id": "customers", "product_id": "products", "campaign_id": "campaigns"}
"""By identifier, the table that lists all of them; where it has no rows, another stands for it."""
IDENTIFIED = tuple(t for t in CLEANED.values() if set(LISTED_IN) & set(t.column_names))
"""The tables that are compared, of all months so far."""
EXAMPLES = 3
_FORM_SQL = r"regexp_replace(regexp_replace(id, '\pN', '9', 'g'), '\pL', 'A', 'g')"
"""How an id is written, without saying whose it is: 9 for a digit, A for a letter."""
_FOUND = {
    **dict.fromkeys(("table_name", "column_name", "listed_in"), pl.String),
    **dict.fromkeys(("own", "listed", "shared"), pl.Int64),
    **dict.fromkeys(("own_examples", "listed_examples"), pl.String),
}


def shared_identifiers(warehouse: Warehouse, month: str) -> pl.DataFrame:
    """Per table and identifier, how many of the month's are among those listed by the month.

    Returns:
        `table_name`, `column_name` and `listed_in`, the table compared with; the different
        identifiers `own`, `listed` and `shared`, and examples of the first two; of customers'
        only how they are written.
    """
    rows = [
        row
        for column, listing in LISTED_IN.items()
        for row in _compared(warehouse, month, column, listing)
    ]
    return pl.DataFrame(rows, schema=_FOUND, orient="row")


def _compared(
    warehouse: Warehouse, month: str, column: str, listing: str
) -> Iterator[tuple[object, ...]]:
    tables = [name for name, table in CLEANED.items() if column in table.column_names]
    tables.sort(key=lambda name: name != listing)
    rows = {name: warehouse.materialized(CLEANED[name]) for name in tables}
    so_far = [name for name in tables if any(n for m, n in rows[name].items() if m <= month)]
    compared = [name for name in so_far[1:] if rows[name][month]]
    if compared:
        counted = warehouse.select(_shared_sql(month, column, compared, so_far[0]))
        for name, *found in counted.iter_rows():
            yield (name, column, so_far[0], *found)


def _shared_sql(month: str, column: str, compared: Sequence[str], listing: str) -> str:
    """A row for each table, in their order; what is listed is looked up once for all of them."""

    def distinct(table: str, months: str) -> str:
        return (
            f"SELECT DISTINCT {column} AS id FROM {CLEANED[table].full_name} "
            f"WHERE month {months} {literal(month)} AND {column} IS NOT NULL"
        )

    def first(of: str, table: str) -> str:
        shown = _FORM_SQL if CLEANED[table].column(column).identifies else "id"
        some = f"SELECT DISTINCT {shown} AS id FROM {of} ORDER BY id LIMIT {EXAMPLES}"
        return f"(SELECT string_agg(id, ', ' ORDER BY id) FROM ({some}))"

    own = ", ".join(
        f"own_{at} AS MATERIALIZED ({distinct(name, '=')})" for at, name in enumerate(compared)
    )
    counts = " UNION ALL ".join(
        f"SELECT {at} AS place, {literal(name)} AS table_name, "
        f"(SELECT count(*) FROM own_{at}) AS own, "
        f"n AS listed, (SELECT count(*) FROM own_{at} SEMI JOIN listed USING (id)) AS shared, "
        f"{first(f'own_{at}', name)} AS own_examples, listed_examples FROM of_listed"
        for at, name in enumerate(compared)
    )
    return (
        f"WITH listed AS MATERIALIZED ({distinct(listing, '<=')}), "
        "of_listed AS MATERIALIZED (SELECT (SELECT count(*) FROM listed) AS n, "
        f"{first('listed', compared[0])} AS listed_examples), {own} "
        f"SELECT * EXCLUDE (place) FROM ({counts}) ORDER BY place"
    )


def identifier_findings(found: pl.DataFrame) -> pl.DataFrame:
    """Per table and identifier, a warning where none of the month's is in the other table.

    Args:
        found: what `shared_identifiers` gives; too few identifiers to show are not judged.
    """
    enough = found.filter(pl.min_horizontal("own", "listed") >= EXAMPLES)
    share = pl.col("shared") / pl.col("own")
    known = ("shared", "own", "listed_in")
    apart = ("own", "listed", "listed_in", "own_examples", "listed_examples")
    return finding(
        enough,
        Area.SOURCE,
        pl.format("{}.{}", "table_name", "column_name"),
        "identifiers in common",
        share.round(6),
        *judged(
            (
                pl.col("shared") > 0,
                Verdict.PASS,
                pl.format("{} of its {} identifiers of the month are in {}.", *known),
                pl.format("本月{}/{}个编号见于{}。", *known),
            ),
            otherwise=(
                Verdict.WARN,
                pl.format(
                    "None of its {} identifiers of the month is among the {} in {}: here {}, there "
                    "{}. Write them alike in the source's SQL.",
                    *apart,
                ),
                pl.format(
                    "本月{}个编号与{}个已知编号（{}）无一相同：此处如{}；彼处如{}。"
                    "请在数据源SQL中统一写法。",
                    *apart,
                ),
            ),
        ),
        threshold=0.0,
    )
