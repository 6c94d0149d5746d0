"""The tag table: one row per customer, tag and value, as a view over wide tables.

Values are in the portrait matrix; only the details that differ between customers are stored beside
it, as a column per tag.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from portrait_assets.schema.sensitivity import highest
from portrait_assets.schema.table import AS_OF, Column, Table, month_end_table
from portrait_assets.stages.tags.catalogue.tag import Catalogue, OnMissing, Shape, Status, Tag
from portrait_assets.stages.tags.contract import (
    CUSTOMER_NO,
    ROW_COLUMNS,
    TAG_CATALOGUE,
    tag_table_as,
)
from portrait_assets.stages.tags.evaluation.rules import confidence_sql, part
from portrait_assets.storage.duckdb.connection import literal, quote

_SURE = "1.0::DOUBLE"
CONFIDENCE, VERSION, DECIDED = "confidence", "tag_version", "decided_as_of"
_NAMES = {CONFIDENCE: "confidence", VERSION: "version", DECIDED: "decided_as_of"}


def details_of(catalogue: Catalogue) -> dict[str, tuple[str, ...]]:
    """By tag that is or was active, the columns of the tag table that differ between customers."""
    return {tag.code: _details(tag.code, catalogue) for tag in catalogue.published}


def _details(code: str, catalogue: Catalogue) -> tuple[str, ...]:
    versions = [t for t in catalogue.tags if t.code == code and t.status is not Status.DRAFT]
    measured = (CONFIDENCE,) if any(tag.confidence is not None for tag in versions) else ()
    kept = any(tag.on_missing is OnMissing.KEEP_LAST for tag in versions)
    return (*measured, VERSION, DECIDED) if kept else measured


def detail_name(code: str, detail: str) -> str:
    """The column of `tags.tag_details` for a detail of a tag."""
    return f"{code}__{_NAMES[detail]}"


def tag_details_table(catalogue: Catalogue) -> Table:
    """The details of the tag table, besides the value, that differ between customers."""
    titles = {tag.code: (tag.name_en, tag.name_zh) for tag in catalogue.published}
    columns = []
    for code, details in details_of(catalogue).items():
        en, zh = titles[code]
        for detail in details:
            column = ROW_COLUMNS[detail]
            columns.append(
                Column(
                    detail_name(code, detail),
                    column.type,
                    f"{en}: {column.en[0].lower()}{column.en[1:]}",
                    f"{zh}：{column.zh}",
                    unit=column.unit,
                    minimum=column.minimum,
                    maximum=column.maximum,
                    operation=column.operation,
                )
            )
    return month_end_table(
        schema="tags",
        name="tag_details",
        en="Confidence, version and month of decision of tags, where customers differ in them",
        zh="标签明细",
        columns=(CUSTOMER_NO, *columns),
        key=("as_of", "customer_no"),
        keeps_former_columns=True,
    )


def tag_table(catalogue: Catalogue) -> Table:
    """The contract of tags.tag_table for this catalogue."""
    selects = " UNION ALL ".join(stored_rows_sql(code, catalogue) for code in details_of(catalogue))
    level = highest(column.sensitivity for column in catalogue.matrix_columns)
    return tag_table_as(tag_details_table(catalogue), selects or _NOTHING, level)


def stored_rows_sql(code: str, catalogue: Catalogue) -> str:
    """The SELECT of the tag table's rows of one tag from the portrait matrix and its details."""
    details = _details(code, catalogue)
    versions = {tag.version for tag in catalogue.tags if tag.code == code}
    source = f"(SELECT as_of, customer_id, customer_no, {quote(code)} FROM tags.portrait_matrix)"
    others = {CONFIDENCE: _SURE, VERSION: str(min(versions)), DECIDED: "as_of"}
    if details:
        names = ", ".join(quote(detail_name(code, detail)) for detail in details)
        source += (
            f" JOIN (SELECT as_of, customer_no, {names} FROM tags.tag_details) "
            "USING (as_of, customer_no)"
        )
        others |= {detail: quote(detail_name(code, detail)) for detail in details}
        if CONFIDENCE in details:
            # Months before the tag had a confidence hold none: it was 1 then.
            others[CONFIDENCE] = f"coalesce({others[CONFIDENCE]}, {_SURE})"
    # A month may hold a version that the catalogue no longer has.
    if VERSION not in details and max(versions) > 1:
        source += (
            f" JOIN (SELECT as_of, tag_version FROM {TAG_CATALOGUE.full_name} "
            f"WHERE in_force AND tag_code = {literal(code)}) USING (as_of)"
        )
        others[VERSION] = "tag_version"
    is_many = catalogue.tag(code).shape is Shape.MANY
    return rows_sql(code, source, others, is_many)


def rows_sql(code: str, source: str, others: Mapping[str, str], is_many: bool) -> str:
    """The SELECT of the tag table's rows of one tag.

    Args:
        code: the tag.
        source: a relation with a row per customer and the tag's values in a column of its name.
        others: by other column of the tag table its value, as SQL.
        is_many: whether the tag's values are lists.
    """
    value = quote(code)
    if is_many:
        source, value = f"(SELECT *, unnest({value}) AS value FROM {source})", "value"
    return (
        f"SELECT as_of, customer_id, {literal(code)} AS tag_code, "
        f"CAST({value} AS VARCHAR) AS tag_value, {others[CONFIDENCE]} AS confidence, "
        f"CAST({others[VERSION]} AS BIGINT) AS tag_version, {others[DECIDED]} AS decided_as_of "
        f"FROM {source} WHERE {value} IS NOT NULL"
    )


_NOTHING = (
    "SELECT as_of, customer_id, '' AS tag_code, '' AS tag_value, 1.0::DOUBLE AS confidence, "
    "1::BIGINT AS tag_version, as_of AS decided_as_of FROM tags.portrait_matrix WHERE false"
)


def evaluated_rows_sql(tags: Sequence[Tag], kept: Collection[Tag], evaluated: str) -> str:
    """The SELECT of the tag table's rows of tags from their evaluation, a table of this name."""
    selects = [
        rows_sql(tag.code, evaluated, _evaluated(tag, tag in kept), tag.shape is Shape.MANY)
        for tag in sorted(tags, key=lambda tag: tag.code)
    ]
    return " UNION ALL ".join(selects) or _NOTHING.replace("tags.portrait_matrix", evaluated)


def evaluated_details_sql(
    catalogue: Catalogue, tags: Sequence[Tag], kept: Collection[Tag], evaluated: str
) -> str:
    """The SELECT of the rows of `tags.tag_details`, in customers' order, from an evaluation."""
    active = {tag.code: tag for tag in tags}
    table = tag_details_table(catalogue)
    columns = [AS_OF.name, CUSTOMER_NO.name]
    for code, details in details_of(catalogue).items():
        tag = active.get(code)
        for detail in details:
            name = detail_name(code, detail)
            value = "NULL" if tag is None else _evaluated(tag, tag in kept)[detail]
            known = f"CASE WHEN {quote(code)} IS NOT NULL THEN {value} END" if tag else value
            columns.append(f"CAST({known} AS {table.column(name).type}) AS {quote(name)}")
    return f"SELECT {', '.join(columns)} FROM {evaluated}"


def _evaluated(tag: Tag, is_kept: bool) -> dict[str, str]:
    measured = is_kept or tag.confidence is not None
    return {
        CONFIDENCE: part(tag, "confidence") if measured else confidence_sql(tag),
        VERSION: part(tag, "version") if is_kept else str(tag.version),
        DECIDED: part(tag, "decided") if is_kept else "as_of",
    }
