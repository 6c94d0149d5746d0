"""Derived names as rows of `clusters.segment_name`, and back."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from portrait_assets.stages.clusters.contract import CLUSTER_PROFILE, CLUSTER_SEGMENT
from portrait_assets.stages.clusters.names.contract import SEGMENT_NAME
from portrait_assets.stages.clusters.names.history.lasting import LINE, Named
from portrait_assets.stages.clusters.names.words import Claim, Label, Word
from portrait_assets.storage.duckdb.store import Warehouse


def name_rows(names: Mapping[int, Named]) -> pl.DataFrame:
    """The names as rows of `clusters.segment_name`, without the month."""
    rows = [
        {
            "segment_id": segment,
            "position": position,
            **word.claim._asdict(),
            "theme": word.theme,
            "en": word.en,
            "zh": word.zh,
            "true_share": word.share,
            "named_on": named.named_on,
            "distance": named.distance,
        }
        for segment, named in sorted(names.items())
        for position, word in enumerate(named.words, 1)
    ]
    columns = [name for name in SEGMENT_NAME.column_names if name != "as_of"]
    schema = {name: SEGMENT_NAME.polars_schema[name] for name in columns}
    return pl.DataFrame(rows, schema=schema)


def names_from(rows: pl.DataFrame, profile: pl.DataFrame) -> dict[int, Named]:
    """The names of a month by segment, from its rows.

    Args:
        rows: of `clusters.segment_name` of the month.
        profile: rows of `clusters.cluster_profile` of the months in which the names were given.
    """
    found: dict[int, Named] = {}
    for (segment,), own in rows.sort("segment_id", "position").group_by(
        "segment_id", maintain_order=True
    ):
        words = tuple(_word(row) for row in own.iter_rows(named=True))
        named_on, distance = own.row(0, named=True)["named_on"], own["distance"][0]
        lines = profile.filter((pl.col("segment_id") == segment) & (pl.col("as_of") == named_on))
        found[int(str(segment))] = Named(
            words, named_on, lines.select(*LINE, "std_difference"), distance
        )
    return found


def names_before(warehouse: Warehouse, month: str) -> dict[int, Named]:
    """The derived names of the newest month materialized before this one; none without one."""
    rows = warehouse.last_before(SEGMENT_NAME, month)
    if rows is None or rows.is_empty():
        return {}
    months = sorted({day.strftime("%Y-%m") for day in rows["named_on"]})
    return names_from(rows, warehouse.read(CLUSTER_PROFILE, months))


def shown_before(warehouse: Warehouse, month: str) -> tuple[dict[int, Label], frozenset[int]]:
    """The names that segments had in the newest month before this one, and whose a person gave."""
    rows = warehouse.last_before(CLUSTER_SEGMENT, month)
    return ({}, frozenset()) if rows is None else shown(rows)


def shown(segments: pl.DataFrame) -> tuple[dict[int, Label], frozenset[int]]:
    """The same of rows of `clusters.cluster_segment` of one month."""
    names = {
        row["segment_id"]: Label(row["name_en"], row["name_zh"])
        for row in segments.sort("segment_id").iter_rows(named=True)
    }
    return names, frozenset(segments.filter(pl.col("name_is_given"))["segment_id"].to_list())


def _word(row: Mapping[str, object]) -> Word:
    claim = Claim(*(row[name] for name in Claim._fields))  # type: ignore[arg-type]
    return Word(
        str(row["theme"]),
        str(row["en"]),
        str(row["zh"]),
        claim,
        float(str(row["true_share"])),
    )
