"""What the source has given by a month, as far as features need it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import polars as pl

from portrait_assets.schema.columns import flag, text
from portrait_assets.schema.sensitivity import IS_KNOWN
from portrait_assets.schema.table import month_end_table
from portrait_assets.stages.cleaned.contract import CLEANED
from portrait_assets.stages.features.contract import FEATURES
from portrait_assets.stages.features.declared.feature import Feature
from portrait_assets.stages.features.declared.needs import (
    OR,
    Evidence,
    Need,
    alternatives,
    need_name,
)
from portrait_assets.storage.duckdb.connection import literal, quote
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.fits import fit
from portrait_assets.storage.steps import EVER, Grain, Scope, Step, read

_NEEDED = {
    evidence: None
    for feature in FEATURES
    for need in feature.needs
    for each in alternatives(need)
    for evidence in (each.of_table, each)
}
EVIDENCE: tuple[Evidence, ...] = tuple(sorted(_NEEDED, key=lambda evidence: evidence.name))
"""All that features need, each table also by itself."""
_TABLES = tuple(sorted({evidence.table for evidence in EVIDENCE}))
_IN_CHINESE = {evidence.name: evidence.name_zh for evidence in EVIDENCE}


def need_in_chinese(name: str) -> str:
    """What `need_name` gives, in Chinese; what it does not give stays as it is."""
    return "或".join(_IN_CHINESE.get(each, each) for each in name.split(OR))


def _read_as(table: str) -> str:
    return f"given_{table}"


def _part_sql(scope: Scope) -> str:
    """One row: whether a row is evidence; of what varies the least and the greatest value."""
    columns = []
    for each in EVIDENCE:
        has_customers = "customer_id" in CLEANED[each.table].column_names
        where = f"({each.condition}) AND {scope.population if has_customers else 'true'}"
        if each.varies is None:
            # Ends with the first row that is found.
            columns.append(
                f"EXISTS (SELECT 1 FROM {_read_as(each.table)} WHERE {where}) AS {quote(each.name)}"
            )
            continue
        for name, extreme in _EXTREMES:
            columns.append(
                f"(SELECT {extreme}({each.varies}) FROM {_read_as(each.table)} WHERE {where}) "
                f"AS {quote(each.name + name)}"
            )
    return f"SELECT {', '.join(columns)}"


_EXTREMES = (("<", "min"), (">", "max"))


def _whole(each: Evidence) -> str:
    if each.varies is None:
        return f"bool_or({quote(each.name)}) AS {quote(each.name)}"
    least, most = (f"{extreme}({quote(each.name + name)})" for name, extreme in _EXTREMES)
    return f"coalesce({least} < {most}, false) AS {quote(each.name)}"


GIVEN = fit(
    "given",
    tuple(read(CLEANED[table], EVER, _read_as(table)) for table in _TABLES),
    _part_sql,
    f"SELECT {', '.join(map(_whole, EVIDENCE))} FROM part",
)
"""One row with a column for each evidence: whether the source has given it by the month."""


def given_sql(need: Need) -> str:
    """The condition on GIVEN that the need is met."""
    return f"({' OR '.join(f'{GIVEN.name}.{quote(each.name)}' for each in alternatives(need))})"


def known_sql(feature: Feature, sql: str) -> str:
    """The feature's SQL where the source gives what it needs, and null where it does not."""
    if not feature.needs:
        return sql
    return f"CASE WHEN {' AND '.join(map(given_sql, feature.needs))} THEN {sql} END"


def known_value(feature: Feature, sql: str, given: Mapping[str, object]) -> str:
    """The same where it is known by the row of GIVEN what the source gives."""
    met = (any(given[each.name] for each in alternatives(need)) for need in feature.needs)
    return sql if all(met) else f"CAST(NULL AS {feature.type})"


def _unmet(feature: Feature, given: Collection[str]) -> tuple[str, ...]:
    """What the feature needs and the source does not give: a whole table where it has no row."""
    missing = [
        tuple(e if e.of_table.name in given else e.of_table for e in alternatives(need))
        for need in feature.needs
        if not any(each.name in given for each in alternatives(need))
    ]
    alone = {need[0] for need in missing if len(need) == 1}
    # Of two tables that could each give something, one is needed anyway.
    named = (need for need in missing if len(need) == 1 or not alone.intersection(need))
    return tuple(dict.fromkeys(map(need_name, named)))


def lacking_features(given: Collection[str] | None) -> dict[str, tuple[str, ...]]:
    """By feature that nobody has a value of, what it needs and the source does not give.

    Args:
        given: names of the evidence that the source has given; None where that is not known.
    """
    if given is None:
        return {}
    return {feature.name: needs for feature in FEATURES if (needs := _unmet(feature, given))}


SOURCE_EVIDENCE = month_end_table(
    schema="features",
    name="source_evidence",
    en="What the source has given by the month's end, of all that features need",
    zh="数据源已提供的内容",
    operation=IS_KNOWN,
    columns=(
        text("evidence", "Table, column, or what it has to hold", "内容", nullable=False),
        text("table_name", "Cleaned table", "数据表", nullable=False),
        text("column_name", "Its column; null for the table", "字段"),
        flag("is_given", "Whether the source has given it", "是否提供", nullable=False),
    ),
    key=("as_of", "evidence"),
)


def _rows_sql(scope: Scope) -> str:
    # One SELECT of lists: one for each evidence takes ten times as long to plan.
    columns = {
        "evidence": [literal(each.name) for each in EVIDENCE],
        "table_name": [literal(each.table) for each in EVIDENCE],
        "column_name": [literal(each.column) if each.column else "NULL" for each in EVIDENCE],
        "is_given": [quote(each.name) for each in EVIDENCE],
    }
    lists = (f"unnest([{', '.join(values)}]) AS {name}" for name, values in columns.items())
    return f"SELECT {scope.day} AS as_of, {', '.join(lists)} FROM {GIVEN.name}"


LISTED = Step("source_evidence", (GIVEN,), _rows_sql, grain=Grain.ALL, writes=SOURCE_EVIDENCE)
"""A row for each evidence."""


def given_in(warehouse: Warehouse, months: Iterable[str]) -> dict[str, frozenset[str]]:
    """The evidence that the source has given by each month; none where it was not noted.

    Months that a version before SOURCE_EVIDENCE materialized have none.
    """
    noted = warehouse.materialized(SOURCE_EVIDENCE)
    wanted = [month for month in months if month in noted]
    return given_by_month(warehouse.read(SOURCE_EVIDENCE, wanted)) if wanted else {}


def given_by_month(rows: pl.DataFrame) -> dict[str, frozenset[str]]:
    """The evidence that the source has given, by month (YYYY-MM).

    Args:
        rows: of SOURCE_EVIDENCE.
    """
    return {
        f"{as_of:%Y-%m}": frozenset(of_month.filter("is_given")["evidence"])
        for (as_of,), of_month in rows.group_by("as_of")
    }
