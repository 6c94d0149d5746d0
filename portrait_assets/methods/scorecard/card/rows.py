"""The parts of a card as rows of plain types, and the parts that rows hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import polars as pl

from portrait_assets.methods.scorecard.card.parts import Band, Bin, Characteristic, Kind
from portrait_assets.methods.scorecard.card.scale import Scale
from portrait_assets.methods.scorecard.columns import Form

SCHEMA: dict[str, pl.DataType] = {
    "part": pl.String(),
    "feature": pl.String(),
    "bin": pl.Int64(),
    "kind": pl.String(),
    "level": pl.String(),
    "low": pl.Float64(),
    "high": pl.Float64(),
    "rows": pl.Int64(),
    "bads": pl.Int64(),
    "woe": pl.Float64(),
    "points": pl.Int64(),
    "value": pl.Float64(),
}
"""Columns of the rows.

| part | a row is | it has |
|---|---|---|
| card | the card | its base `points`, the `rows` and `bads` it was fitted to |
| scale | a number of the scale, named in `kind` | `value` |
| feature | a column, its place in `bin`, its form in `kind` | its coefficient as `value` |
| information | the same column | its information value as `value` |
| bin | a bin of a column, numbered from 0 | kind, low, high, rows, bads, woe, points |
| level | a category of a bin | `level` |
| band | a band, named in `kind`, the best first | least `points`, rows, bads, suggested `level` |
"""
Row = dict[str, Any]

_SCALE = ("pdo", "base_points", "base_odds")
_NUMBERS = ("low", "high", "rows", "bads", "woe", "points")


def scale_rows(scale: Scale) -> Iterator[Row]:
    """The numbers of a scale."""
    for name in _SCALE:
        yield {"part": "scale", "kind": name, "value": float(getattr(scale, name))}


def scale_from(rows: pl.DataFrame) -> Scale:
    """The scale that rows hold."""
    return Scale(**{row["kind"]: row["value"] for row in _of(rows, "scale")})


def part_rows(parts: Iterable[Characteristic]) -> Iterator[Row]:
    """Columns with their bins, in order."""
    for place, part in enumerate(parts):
        feature = {"feature": part.feature, "bin": place}
        yield {"part": "feature", **feature, "kind": str(part.form), "value": part.coefficient}
        yield {"part": "information", **feature, "value": part.information}
        for number, each in enumerate(part.bins):
            of = {"feature": part.feature, "bin": number}
            numbers = {name: getattr(each, name) for name in _NUMBERS}
            yield {"part": "bin", **of, "kind": str(each.kind), **numbers}
            for level in each.levels:
                yield {"part": "level", **of, "level": level}


def parts_from(rows: pl.DataFrame) -> tuple[Characteristic, ...]:
    """The columns that rows hold."""
    bins: dict[str, list[Row]] = {}
    for row in _of(rows, "bin"):
        bins.setdefault(row["feature"], []).append(row)
    levels: dict[tuple[str, int], list[str]] = {}
    for row in _of(rows, "level"):
        levels.setdefault((row["feature"], row["bin"]), []).append(row["level"])
    information = {row["feature"]: row["value"] for row in _of(rows, "information")}
    return tuple(
        Characteristic(
            feature=row["feature"],
            form=Form(row["kind"]),
            coefficient=row["value"],
            information=information[row["feature"]],
            bins=tuple(
                _bin(each, levels.get((row["feature"], each["bin"]), ()))
                for each in bins[row["feature"]]
            ),
        )
        for row in _of(rows, "feature")
    )


def band_rows(bands: Iterable[Band]) -> Iterator[Row]:
    """Bands, the best first."""
    for place, band in enumerate(bands):
        numbers = {"points": band.least, "rows": band.rows, "bads": band.bads}
        named = {"kind": band.name, "level": band.suggested}
        yield {"part": "band", "bin": place, **named, **numbers}


def bands_from(rows: pl.DataFrame) -> tuple[Band, ...]:
    """The bands that rows hold."""
    return tuple(
        Band(row["kind"], row["points"], row["rows"], row["bads"], row["level"])
        for row in _of(rows, "band")
    )


def _of(rows: pl.DataFrame, part: str) -> list[Row]:
    return rows.filter(pl.col("part") == part).sort("bin", "level", nulls_last=True).to_dicts()


def _bin(row: Row, levels: Iterable[str]) -> Bin:
    numbers = {name: row[name] for name in _NUMBERS}
    return Bin(kind=Kind(row["kind"]), levels=tuple(levels), **numbers)
