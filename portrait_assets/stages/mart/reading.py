"""What several sections of the report read from the published file: tags, features, buckets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from portrait_assets.privacy.cells import are_pooled, pooled_name_in_chinese, pooled_names
from portrait_assets.stages.mart.words import EXTRA, OUTCOMES
from portrait_assets.storage.duckdb.connection import quote
from portrait_assets.storage.published import Published, Row


@dataclass(frozen=True)
class TagName:
    """The names of a tag and its values; `former` are those that only earlier versions have."""

    code: str
    en: str
    zh: str
    element: str
    values: Mapping[str, tuple[str, str]]
    is_enumerated: bool
    is_by_rank: bool = False
    former: Mapping[str, tuple[str, str]] = field(default_factory=dict)


Tags = Mapping[str, TagName]


def tags(published: Published) -> dict[str, TagName]:
    """The tags active in the newest month, by code."""
    active: dict[str, TagName] = {}
    listed = published.newest("tags.tag_catalogue", "element, tag_code, tag_version DESC")
    named = [(row, _names_of_values(row)) for row in listed]
    former: dict[str, dict[str, tuple[str, str]]] = {}
    for row, values in named:
        if not row["in_force"]:
            former[row["tag_code"]] = values | former.get(row["tag_code"], {})
    for row, values in named:
        if row["in_force"]:
            if row["type"] == "BOOLEAN":
                values = {"true": ("yes", "是"), "false": ("no", "否")}
            active[row["tag_code"]] = TagName(
                row["tag_code"],
                row["name_en"],
                row["name_zh"],
                row["element"],
                values,
                bool(values),
                bool(row.get("is_by_rank")),
                {k: v for k, v in former.get(row["tag_code"], {}).items() if k not in values},
            )
    return active


def _names_of_values(row: Row) -> dict[str, tuple[str, str]]:
    names = zip(row["value_names_en"], row["value_names_zh"], strict=True)
    return dict(zip(row["tag_values"], names, strict=True))


def counts_by_segment(published: Published) -> list[Row]:
    """Customers of the newest month by segment, tag and value; each row has `n`.

    Values of too few customers in all segments together are pooled.
    """
    in_matrix = published.columns("tags.portrait_matrix")
    active = published.of(tags).values()
    codes = [tag.code for tag in active if tag.is_enumerated and tag.code in in_matrix]
    if not codes or published.as_of is None:
        return []
    lists = {
        name
        for (name,) in published.con.execute(
            "SELECT column_name FROM duckdb_columns() WHERE table_name = 'portrait_matrix' "
            "AND database_name = current_database() AND data_type LIKE '%[]'"
        ).fetchall()
    }
    base = f"SELECT * FROM tags.portrait_matrix WHERE as_of = DATE '{published.as_of}'"
    parts = [
        f"SELECT segment_id, '{code}' AS tag, unnest({quote(code)}) AS value FROM ({base})"
        for code in codes
        if code in lists
    ]
    plain = [code for code in codes if code not in lists]
    if plain:
        columns = ", ".join(f"{quote(code)}::VARCHAR AS {quote(code)}" for code in plain)
        parts.append(
            f"SELECT segment_id, tag, value FROM (SELECT segment_id, {columns} FROM ({base})) "
            f"UNPIVOT (value FOR tag IN ({', '.join(map(quote, plain))}))"
        )
    sql = " UNION ALL ".join(
        f"SELECT segment_id, tag, value, count(*) AS n FROM ({part}) GROUP BY ALL" for part in parts
    )
    rows = published.rows("tags.portrait_matrix", sql)
    counts = pl.DataFrame(
        rows,
        schema={"segment_id": pl.Int64, "tag": pl.String, "value": pl.String, "n": pl.Int64},
    )
    return _with_pooled_values(counts, published.smallest).to_dicts()


def _with_pooled_values(counts: pl.DataFrame, smallest: int) -> pl.DataFrame:
    totals = counts.group_by("tag", "value").agg(pl.col("n").sum()).sort("tag", "value")
    few = totals.filter(are_pooled(totals, "n", smallest, ["tag"])).select(
        "tag", "value", pooled_names(pl.len().over("tag")).alias("pooled")
    )
    return (
        counts.join(few, on=["tag", "value"], how="left", maintain_order="left")
        .with_columns(pl.coalesce("pooled", "value").alias("value"))
        .group_by("segment_id", "tag", "value", maintain_order=True)
        .agg(pl.col("n").sum())
    )


def value_line(tag: TagName, value: str) -> dict[str, Any]:
    """A tag's value with its names, as the matrix and the cards of segments list it."""
    en, zh = tag.values.get(value, (value, pooled_name_in_chinese(value)))
    return {
        "code": tag.code,
        "value": value,
        "element": tag.element,
        "en": tag.en if value == "true" else f"{tag.en}: {en}",
        "zh": tag.zh if value == "true" else f"{tag.zh}：{zh}",
        "value_en": tag.en if value == "true" else en,
        "value_zh": tag.zh if value == "true" else zh,
        "is_by_rank": tag.is_by_rank,
    }


def feature_labels(published: Published) -> dict[str, tuple[str, str, str]]:
    """Each feature's English and Chinese name and its unit, from the feature catalogue."""
    named = {name: (name, name, "") for name in published.columns("features.feature_matrix")}
    return named | {
        row["feature"]: (row["name_en"], row["name_zh"], row["unit"] or "")
        for row in published.newest("features.feature_catalogue", "feature")
    }


def buckets(published: Published, test: str) -> list[Row]:
    """The buckets of a test, one month on, with the names of the tag's values."""
    tag = published.of(tags).get(test.partition(" / ")[0])
    named = []
    for row in published.newest("validation.backtest_bucket", "position"):
        if row["test"] == test and row["horizon_months"] == 1 and row["rate"] is not None:
            bucket = row["bucket"]
            unnamed = (bucket, pooled_name_in_chinese(bucket))
            en, zh = (tag.values if tag else {}).get(bucket, unnamed)
            named.append(row | {"name": en, "zh": zh})
    return named


def test_name(row: Row, tags: Tags) -> tuple[str, str]:
    """The name of a backtest: the tag and the outcome that it predicts."""
    tag = tags.get(row["tag_code"])
    en, zh = (tag.en, tag.zh) if tag else EXTRA.get(row["tag_code"], (row["tag_code"],) * 2)
    outcome = OUTCOMES.get(row["outcome"], (row["outcome"], row["outcome"]))
    return f"{en} → {outcome[0]}", f"{zh} → {outcome[1]}"


def short(text: str, most: int = 24) -> str:
    """The text, cut at a word where it is too long for a chart."""
    if len(text) <= most:
        return text
    return text[: most - 1].rsplit(" ", 1)[0] + "…"
