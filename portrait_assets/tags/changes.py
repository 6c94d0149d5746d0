"""What happened to customers' tags since the month before: gained, lost and changed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from portrait_assets.tags.expression import NUMERIC
from portrait_assets.tags.rules import day
from portrait_assets.tags.tag import Catalogue, Shape, Tag
from portrait_assets.warehouse.connection import literal, quote
from portrait_assets.warehouse.contract import Type


def changes_sql(
    catalogue: Catalogue, matrix: str, pairs: Mapping[date, date], within: str = "true"
) -> str:
    """The SELECT of one row per customer and tag whose values differ, as TAG_CHANGES has them.

    Numbers and dates move by nature and are left out. A customer who is new has gained every tag.

    Args:
        catalogue: tells which tags there are, and of what type.
        matrix: name of the portrait matrix.
        pairs: the last day of each month looked at, by that of the month before it.
        within: which customers are looked at, as an SQL condition.
    """
    tags = [tag for tag in catalogue.published if not _moves(tag)]
    changes = ", ".join(_change_sql(tag) for tag in tags) or "NULL"
    after = ", ".join(day(as_of) for as_of in pairs.values())
    next_of = "".join(f" WHEN {day(before)} THEN {day(as_of)}" for before, as_of in pairs.items())
    return (
        "SELECT as_of, customer_id, c.tag_code AS tag_code, "
        "CASE WHEN c.before IS NULL THEN "
        "'gained' WHEN c.after IS NULL THEN 'lost' ELSE 'changed' END AS change, "
        "c.before AS value_before, c.after AS value_after FROM ("
        "SELECT as_of, customer_id, "
        f"unnest(list_filter([{changes}], lambda c: c IS NOT NULL)) AS c "
        f"FROM (SELECT * REPLACE (CASE as_of{next_of} END AS as_of) FROM {matrix} "
        f"WHERE as_of IN ({', '.join(day(before) for before in pairs)}) AND {within}) AS b "
        f"FULL JOIN (SELECT * FROM {matrix} WHERE as_of IN ({after}) AND {within}) AS a "
        "USING (as_of, customer_id)) ORDER BY as_of, tag_code, customer_id"
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
