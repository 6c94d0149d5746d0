"""Changes of customers' tags since the month before: gained, lost and changed."""

from __future__ import annotations

from portrait_assets.methods.expressions.expression import NUMERIC
from portrait_assets.schema.table import Type
from portrait_assets.stages.tags.catalogue.tag import Catalogue, Shape, Tag
from portrait_assets.storage.duckdb.connection import literal, quote
from portrait_assets.storage.publishing.file import View

_MATRIX = "tags.portrait_matrix"


def changes_view(catalogue: Catalogue) -> View:
    """tags.tag_changes: a row per month, customer and tag that differs from the month before.

    Numbers and dates change in most months and are left out. A new customer has gained every tag;
    the first month has no changes. Derived from the portrait matrix when it is read, which takes
    about a second per hundred thousand customers of a month: stored, it would have nearly nine
    times the rows of the portrait matrix.
    """
    tags = [tag for tag in catalogue.published if not _moves(tag)]
    changes = ", ".join(_change_sql(tag) for tag in tags) or "NULL"
    found = f"unnest(list_filter([{changes}], lambda c: c IS NOT NULL)) AS c"
    values = "".join(f", {quote(tag.code)}" for tag in tags)
    none = "".join(f", NULL AS {quote(tag.code)}" for tag in tags)
    # Months follow each other without a gap, so a month's rows are those before of the next one.
    before = (
        f"(SELECT last_day(as_of + INTERVAL 1 DAY) AS as_of, customer_id{values} FROM {_MATRIX})"
    )
    # Left joins, for DuckDB takes a condition on month or customer to both of their sides; it would
    # stay outside of a full join, and of the right side of an anti join, which then read all rows.
    present = (
        f"SELECT as_of, customer_id, {found} FROM {_MATRIX} AS a LEFT JOIN {before} AS b "
        f"USING (as_of, customer_id) WHERE as_of > (SELECT min(as_of) FROM {_MATRIX})"
    )
    gone = (
        f"SELECT as_of, customer_id, {found} FROM {before} AS b "
        f"LEFT JOIN (SELECT as_of, customer_id, true AS is_present{none} FROM {_MATRIX}) AS a "
        "USING (as_of, customer_id) "
        f"WHERE is_present IS NULL AND as_of <= (SELECT max(as_of) FROM {_MATRIX})"
    )
    return View(
        "tags.tag_changes",
        "SELECT as_of, customer_id, c.tag_code AS tag_code, CASE WHEN c.before IS NULL THEN "
        "'gained' WHEN c.after IS NULL THEN 'lost' ELSE 'changed' END AS change, "
        f"c.before AS value_before, c.after AS value_after FROM ({present} UNION ALL {gone})",
        "Who gained, lost or changed which tag since the month before",
        "标签变化",
        shows="tags.tag_table",
        columns={
            "change": "What happened: gained, lost or changed / 变化",
            "value_before": "Values that are no longer held / 原值",
            "value_after": "Values that are newly held / 新值",
        },
    )


def _moves(tag: Tag) -> bool:
    return tag.shape is Shape.OPEN and tag.type in (*NUMERIC, Type.DATE)


def _change_sql(tag: Tag) -> str:
    """A struct of what changed, NULL where nothing did."""
    name = quote(tag.code)
    before, after = f"b.{name}", f"a.{name}"
    if tag.shape is Shape.MANY:
        before, after = (
            f"array_to_string(list_sort(list_filter({one}, "
            f"lambda v: NOT coalesce(list_contains({other}, v), false))), ', ')"
            for one, other in ((before, after), (after, before))
        )
        before, after = f"nullif({before}, '')", f"nullif({after}, '')"
    return (
        f"CASE WHEN {before} IS DISTINCT FROM {after} THEN {{'tag_code': {literal(tag.code)}, "
        f"'before': CAST({before} AS VARCHAR), 'after': CAST({after} AS VARCHAR)}} END"
    )
