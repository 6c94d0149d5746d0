"""The rules of tags as SQL: which value a customer has, and when it is unknown."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date

from portrait_assets.stages.tags.catalogue.inputs.segments import SEGMENT_COLUMNS
from portrait_assets.stages.tags.catalogue.tag import Shape, Tag
from portrait_assets.storage.duckdb.connection import literal, quote


def day(as_of: date) -> str:
    """The date as an SQL literal."""
    return f"DATE {literal(as_of.isoformat())}"


def part(tag: Tag, what: str) -> str:
    """The column of the evaluation for a detail of the tag, such as `decided`."""
    return quote(f"{tag.code}:{what}")


def unknown_sql(tag: Tag) -> str:
    """The condition under which the inputs leave the tag's value unknown."""
    known: Mapping[str, str] | str = "false"
    if tag.shape is Shape.ONE:
        known = {each.value: "false" for each in tag.values}
    return f"coalesce({_decided(tag, 'true', known)}, false)"


def _decided(tag: Tag, unknown: str, value: Mapping[str, str] | str) -> str:
    """CASE over the rules: `value` where they decide, `unknown` where missing inputs prevent it.

    `value` is one SQL text for all, or one for each enumerated value.
    """

    def given(name: str) -> str:
        return value if isinstance(value, str) else value[name]

    if tag.expression is not None:
        return f"CASE WHEN ({tag.expression.sql}) IS NULL THEN {unknown} ELSE {given('')} END"
    if tag.shape is Shape.MANY:
        anything = " OR ".join(f"({each.when.sql})" for each in tag.values)
        return f"CASE WHEN ({anything}) IS NULL THEN {unknown} ELSE {given('')} END"
    whens = " ".join(
        f"WHEN {each.when.sql} THEN {given(each.value)} "
        f"WHEN ({each.when.sql}) IS NULL THEN {unknown}"
        for each in tag.values
    )
    return f"CASE {whens} END"


def value_sql(tag: Tag, unknown: str) -> str:
    """The tag's value, and `unknown` where missing inputs leave it undecided."""
    if tag.expression is not None:
        return _decided(tag, unknown, f"CAST({tag.expression.sql} AS {tag.type})")
    if tag.shape is Shape.ONE:
        return _decided(tag, unknown, {each.value: literal(each.value) for each in tag.values})
    matching = ", ".join(
        f"CASE WHEN {each.when.sql} THEN {literal(each.value)} END" for each in tag.values
    )
    return _decided(tag, unknown, f"list_filter([{matching}], lambda each: each IS NOT NULL)")


def confidence_sql(tag: Tag) -> str:
    """The confidence in a value decided now: 0 to 1, in hundredths."""
    if tag.confidence is None:
        return "1.0::DOUBLE"
    inside = f"least(1, greatest(0, CAST({tag.confidence.sql} AS DOUBLE)))"
    return f"round(coalesce({inside}, 0), 2)"


def evaluated_sql(
    base: str, tags: Sequence[Tag], kept: Sequence[Tag], empty: Collection[str] = ()
) -> str:
    """Values layer by layer, each reading those before it, and then the confidences.

    Args:
        base: the SELECT of the inputs.
        tags: the tags, each after those that it reads.
        kept: those whose last value stands beside the inputs.
        empty: codes of those that nobody has a value of.
    """
    sql = base
    for layer in _layers(tags):
        columns = []
        for tag in layer:
            last = part(tag, "last") if tag in kept else "NULL"
            value = value_sql(tag, last)
            if tag.code in empty:
                value = f"CAST(NULL AS {tag.column.type})"
            columns.append(f"{value} AS {quote(tag.code)}")
            if tag in kept:
                decided = _decided(tag, part(tag, "last_decided"), _decided_now(tag))
                columns.append(f"{decided} AS {part(tag, 'decided')}")
        sql = f"SELECT *, {', '.join(columns)} FROM ({sql})"
    columns = ["as_of", "customer_no", "customer_id"]
    columns += [quote(column.name) for column in SEGMENT_COLUMNS]
    for tag in tags:
        columns.append(quote(tag.code))
        confidence = confidence_sql(tag)
        if tag in kept:
            is_new = f"{part(tag, 'decided')} = as_of"
            last, before = part(tag, "last_confidence"), part(tag, "last_version")
            version = f"CASE WHEN {is_new} THEN {tag.version} ELSE {before} END"
            columns += [part(tag, "decided"), f"{version} AS {part(tag, 'version')}"]
            confidence = f"CASE WHEN {is_new} THEN {confidence} ELSE {last} END"
        if tag in kept or tag.confidence is not None:
            columns.append(f"{confidence} AS {part(tag, 'confidence')}")
    return f"SELECT {', '.join(columns)} FROM ({sql})"


def _decided_now(tag: Tag) -> str | dict[str, str]:
    return {each.value: "as_of" for each in tag.values} if tag.shape is Shape.ONE else "as_of"


def _layers(tags: Sequence[Tag]) -> list[list[Tag]]:
    """The tags in layers, such that each reads only tags of layers before its own."""
    depth: dict[str, int] = {}
    for tag in tags:
        depth[tag.code] = 1 + max((depth.get(name, -1) for name in tag.reads), default=-1)
    return [
        [tag for tag in tags if depth[tag.code] == level]
        for level in range(max(depth.values(), default=-1) + 1)
    ]
