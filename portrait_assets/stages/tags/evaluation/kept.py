"""Values kept from earlier months, for tags whose inputs are unknown this month."""

from __future__ import annotations

from collections.abc import Sequence

from portrait_assets.stages.tags.catalogue.tag import Catalogue, OnMissing, Shape, Tag
from portrait_assets.stages.tags.evaluation.rules import (
    confidence_sql,
    part,
    unknown_sql,
    value_sql,
)
from portrait_assets.storage.duckdb.connection import literal, literals, quote
from portrait_assets.storage.steps import Read, Scope, Step


def is_kept(tag: Tag) -> bool:
    """Whether the tag keeps its last value while its inputs are unknown."""
    return tag.on_missing is OnMissing.KEEP_LAST


def kept_steps(
    catalogue: Catalogue,
    kept: Sequence[Tag],
    ranked: Step,
    stored: Read | None,
    is_batch: bool,
) -> list[Step]:
    """For each tag its last value by `row_no` of `ranked`, where it is unknown and still valid.

    Args:
        catalogue: the catalogue of the tags.
        kept: the tags, of which each keeps its last value.
        ranked: the inputs of the months.
        stored: the tag table of the month before them; None for none.
        is_batch: whether the months are several, so that values of one are also kept in later ones.
    """
    previous = _previous(kept, stored) if stored else None
    return [_kept(tag, catalogue, ranked, previous, is_batch) for tag in kept]


def _previous(kept: Sequence[Tag], stored: Read) -> Step:
    """The rows of the tags in the month before."""
    codes = literals(tag.code for tag in kept)
    return Step(
        "previous",
        (stored,),
        f"SELECT * FROM {quote(stored.name)} WHERE tag_code IN ({codes})",
    )


def _kept(
    tag: Tag, catalogue: Catalogue, ranked: Step, previous: Step | None, is_batch: bool
) -> Step:
    unknown = "SELECT row_no, customer_id, as_of FROM ranked"
    if all(name in catalogue.columns for name in tag.reads):
        # Tags that read other tags are evaluated later; their last value is looked up for everyone.
        unknown += f" WHERE {unknown_sql(tag)}"

    def rows(scope: Scope) -> str:
        decided = [_decided_in_batch(tag, scope)] if is_batch else []
        decided += [_decided_before(tag)] if previous else []
        return (
            "SELECT a.row_no, s.value AS last, s.confidence, s.version, s.decided "
            f"FROM ({unknown}) AS a ASOF JOIN ({' UNION ALL '.join(decided)}) AS s "
            "ON s.customer_id = a.customer_id AND s.as_of < a.as_of WHERE s.value IS NOT NULL "
            f"AND s.decided >= last_day(a.as_of - INTERVAL {tag.valid_months} MONTH)"
        )

    # A table for each tag: one statement with all of these joins would need their memory at once.
    reads = (ranked, *([previous] if previous else []))
    return Step(f"kept_{tag.code}", reads, rows, in_table=True)


def _decided_before(tag: Tag) -> str:
    """The tag's values in the month before the batch, without those that it no longer has."""
    rows = f"tag_code = {literal(tag.code)}"
    if tag.values:
        rows += f" AND tag_value IN ({literals(v.value for v in tag.values)})"
    value = "any_value(tag_value)"
    if tag.shape is Shape.MANY:
        value = "list(tag_value ORDER BY tag_value)"
    return (
        f"SELECT customer_id, as_of, TRY_CAST({value} AS {tag.column.type}) AS value, "
        "any_value(confidence) AS confidence, any_value(tag_version) AS version, "
        f"any_value(decided_as_of) AS decided FROM previous WHERE {rows} "
        "GROUP BY customer_id, as_of"
    )


def _decided_in_batch(tag: Tag, scope: Scope) -> str:
    """What the months of the batch but the last decide of the tag, null for no value."""
    value = value_sql(tag, "NULL")
    if tag.shape is Shape.MANY:
        value = f"nullif(list_sort({value}), [])"
    return (
        f"SELECT customer_id, as_of, CAST({value} AS {tag.column.type}) AS value, "
        f"{confidence_sql(tag)} AS confidence, {tag.version} AS version, as_of AS decided "
        f"FROM ranked WHERE as_of < {scope.day} AND NOT {unknown_sql(tag)}"
    )


def with_kept_sql(kept: Sequence[Tag], steps: Sequence[Step]) -> str:
    """The SELECT of `ranked` with the last value of each tag, for `evaluated_sql`."""
    columns, joins = "", ""
    for position, (tag, step) in enumerate(zip(kept, steps, strict=True)):
        name = f"k{position}"
        columns += f", {name}.last AS {part(tag, 'last')}"
        columns += "".join(
            f", {name}.{what} AS {part(tag, 'last_' + what)}"
            for what in ("confidence", "version", "decided")
        )
        joins += f" LEFT JOIN {quote(step.name)} AS {name} ON {name}.row_no = w.row_no"
    return f"SELECT w.*{columns} FROM ranked AS w{joins}"
