"""An encoding as rows of a model's table, and from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields

import polars as pl

from portrait_assets.methods.prediction.binned.encoding import MARK, WeightEncoding, weights_from
from portrait_assets.methods.prediction.families.encoding import (
    Dropped,
    Encoding,
    FeatureEncoding,
    LevelEncoding,
    NumberEncoding,
)
from portrait_assets.methods.prediction.rows import Row, part

NUMBERS = tuple(field.name for field in fields(NumberEncoding) if field.name != "feature")


def encoding_rows(encoding: Encoding) -> list[Row]:
    """The rows of the parts `encoding` and `dropped`."""
    rows = [
        Row("dropped", at, feature, text=reason)
        for at, (feature, reason) in enumerate(encoding.dropped)
    ]
    written = [row for feature in encoding.features for row in _rows_of(feature)]
    return rows + [row._replace(position=at) for at, row in enumerate(written)]


def _rows_of(encoding: FeatureEncoding) -> Iterator[Row]:
    name = encoding.feature
    if isinstance(encoding, WeightEncoding):
        yield from encoding.rows()
        return
    if isinstance(encoding, NumberEncoding):
        for key in NUMBERS:
            yield Row("encoding", 0, name, key=key, value=float(getattr(encoding, key)))
        return
    yield Row("encoding", 0, name, key="levels", value=float(len(encoding.levels)))
    for level in encoding.levels:
        yield Row("encoding", 0, name, level, "level")
    if encoding.has_other:
        yield Row("encoding", 0, name, key="other")
    if encoding.has_missing:
        yield Row("encoding", 0, name, key="missing")


def encoding_from(rows: pl.DataFrame) -> Encoding:
    """The encoding that `encoding_rows` wrote."""
    by_feature: dict[str, list[Row]] = {}
    for row in part(rows, "encoding"):
        by_feature.setdefault(str(row.feature), []).append(row)
    dropped = [Dropped(str(row.feature), str(row.text)) for row in part(rows, "dropped")]
    return Encoding(tuple(_feature_from(*each) for each in by_feature.items()), tuple(dropped))


def _feature_from(name: str, rows: Sequence[Row]) -> FeatureEncoding:
    values = {str(row.key): row.value for row in rows}
    if MARK in values:
        return weights_from(name, rows)
    if "levels" in values:
        levels = tuple(str(row.level) for row in rows if row.key == "level")
        return LevelEncoding(name, levels, "other" in values, "missing" in values)
    unit, fill, centre, scale, has_missing = (float(values[key] or 0.0) for key in NUMBERS)
    return NumberEncoding(name, unit, fill, centre, scale, bool(has_missing))
