"""Where customers stand in their life cycle, and how many bring how much."""

from __future__ import annotations

from typing import Any

import polars as pl

from portrait_assets.privacy.cells import POOLED_NAME, pooled
from portrait_assets.stages.mart.charts import portrait as charts
from portrait_assets.stages.mart.charts.colours import OTHERS, segment_colours, shades_of
from portrait_assets.stages.mart.reading import TagName, tags
from portrait_assets.stages.mart.sections import TEMPLATES
from portrait_assets.stages.mart.segments.profiles import labels_in_chinese, segments
from portrait_assets.storage.published import Published, Row, Section

POOLED = "others"


def _charts(published: Published) -> dict[str, str]:
    drawn = {}
    for column in ("lifecycle_stage", "value_tier"):
        tag = published.of(tags).get(column)
        if tag and (rows := by_month(published, column)):
            drawn[column] = _tag_by_month(rows, tag)
    if points := concentration(published):
        drawn["concentration"] = charts.concentration(points)
    if rows := by_month(published, "segment_id"):
        drawn["segment_mix"] = _segment_mix(rows, published.of(segments))
    return drawn


def _segment_mix(rows: list[Row], segment_rows: list[Row]) -> str:
    colours = segment_colours(segment_rows)
    label = {str(row["segment_id"]): row["label"] for row in segment_rows}
    mix = [row | {"value": label.get(row["value"], POOLED)} for row in rows]
    extra = [POOLED] if any(row["value"] == POOLED for row in mix) else []
    return charts.shares_by_month(
        mix,
        [*(row["label"] for row in segment_rows), *extra],
        labels_in_chinese(segment_rows) | {POOLED: "其他"},
        ("Segments", "客群"),
        [*(colours[row["segment_id"]] for row in segment_rows), *([OTHERS] * len(extra))],
    )


def _tag_by_month(rows: list[Row], tag: TagName) -> str:
    shades = shades_of(tag)
    values = [value for value in shades if any(row["value"] == value for row in rows)]
    names = {value: tag.values[value] for value in values}
    # Months before a version took effect have the values of the one before.
    for value, words in tag.former.items():
        if value not in names and any(row["value"] == value for row in rows):
            names[value] = words
    if any(row["value"] == POOLED for row in rows):
        names |= {POOLED: (POOLED, "其他")}
    named = [row | {"value": names[row["value"]][0]} for row in rows if row["value"] in names]
    return charts.shares_by_month(
        named,
        [en for en, _ in names.values()],
        dict(names.values()),
        (tag.en, tag.zh),
        [shades.get(value, OTHERS) for value in names],
    )


def by_month(published: Published, column: str) -> list[Row]:
    """Customers by month and value of a tag or the segment; nothing where there is no such tag.

    Values of too few customers in a month are pooled as others.
    """
    if column not in published.columns("tags.portrait_matrix"):
        return []
    rows = published.rows(
        "tags.portrait_matrix",
        f"SELECT as_of, {column}::VARCHAR AS value, count(*) AS n FROM {{table}} "
        f"WHERE {column} IS NOT NULL GROUP BY ALL ORDER BY ALL",
    )
    counts = pl.DataFrame(rows, schema={"as_of": pl.Date, "value": pl.String, "n": pl.Int64})
    listed = pooled(counts, ["value"], "n", published.smallest, ["as_of"])
    is_pooled = pl.col("value").str.contains(POOLED_NAME)
    others = listed.with_columns(
        pl.when(is_pooled).then(pl.lit(POOLED)).otherwise("value").alias("value")
    )
    return others.sort("as_of", "value").to_dicts()


def concentration(published: Published) -> list[Row]:
    """Cumulative share of 12-month spend by share of customers, highest spenders first."""
    if published.as_of is None:
        return []
    rows = published.rows(
        "features.feature_matrix",
        "SELECT least(floor(rank * 20), 19) AS part, count(*) AS n, sum(spend_12m) AS spend "
        "FROM (SELECT spend_12m, percent_rank() OVER (ORDER BY spend_12m DESC) AS rank "
        "FROM {table} WHERE as_of = ? AND profiling_allowed IS NOT FALSE) GROUP BY 1 ORDER BY 1",
        [published.as_of],
    )
    everyone = sum(row["n"] for row in rows)
    spend = float(sum(row["spend"] or 0 for row in rows))
    if not everyone or spend <= 0:
        return []
    points, customers, amount = [{"customers": 0.0, "spend": 0.0}], 0, 0.0
    for row in rows:
        customers, amount = customers + row["n"], amount + float(row["spend"] or 0)
        points.append({"customers": customers / everyone, "spend": amount / spend})
    return points


def _show(published: Published) -> dict[str, Any]:
    return {"charts": lambda: _charts(published)}


VALUE = Section("value", "Value", "价值", TEMPLATES / "value.html", _show)
