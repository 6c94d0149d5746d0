"""Classes of what features are computed from, through the steps in between.

`lineage.json` lists the cleaned columns behind each column of a part. It is derived from the
steps' SQL, which takes seconds, so it is stored; `python -m
portrait_assets.testing.golden.lineage` renews it and a test holds it to the steps.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

from portrait_assets.schema.sensitivity import derived, highest
from portrait_assets.schema.table import Sensitivity
from portrait_assets.stages.cleaned.contract import CLEANED, GOLDEN_RECORD
from portrait_assets.stages.features.declared.feature import Feature
from portrait_assets.stages.features.monthly import aggregates

LINEAGE_FILE = Path(__file__).with_name("lineage.json")
_OF_TABLE = {table.full_name: table for table in (*CLEANED.values(), GOLDEN_RECORD)}
_AGGREGATES = {aggregate.name for aggregate in aggregates.CUSTOMER_MONTH}
_WINDOW = re.compile(r"_[1-9]\d*m$")
SUMS = ("b", "base")
"""The parts whose columns are aggregates of `customer_month` over windows that features name."""


@cache
def lineage() -> Mapping[str, tuple[str, ...]]:
    """The cleaned columns behind each column of a monthly aggregate or a part."""
    stored: dict[str, list[str]] = json.loads(LINEAGE_FILE.read_text())
    return {name: tuple(inputs) for name, inputs in stored.items()}


def class_of(column: str) -> Sensitivity:
    """The class of a monthly aggregate's or a part's column, such as customer_month.amount."""
    return highest(_class_of_cleaned(each) for each in lineage().get(column, ()))


def _class_of_cleaned(column: str) -> Sensitivity:
    table, _, name = column.rpartition(".")
    return _OF_TABLE[table].column(name).sensitivity


def aggregate_of(part: str, column: str) -> str | None:
    """The monthly aggregate that a column of these parts sums over a window, if it is one."""
    name = column if column in _AGGREGATES else _WINDOW.sub("", column)
    return f"customer_month.{name}" if part in SUMS and name in _AGGREGATES else None


def _inputs(feature: Feature) -> Iterator[str]:
    for part, column in re.findall(r"\b([a-z]+)\.([a-z_0-9]+)", feature.sql):
        yield aggregate_of(part, column) or f"{part}.{column}"


def read_by(feature: Feature) -> set[str]:
    """The cleaned columns that the feature's own SQL is computed from."""
    return {name for column in _inputs(feature) for name in lineage().get(column, ())}


def classes(features: Iterable[Feature]) -> dict[str, Sensitivity]:
    """The class of each feature, in an order in which each reads only those before it."""
    found: dict[str, Sensitivity] = {}
    for feature in features:
        named = [found[name] for name in re.findall(r"[a-z_0-9]+", feature.sql) if name in found]
        own = [class_of(column) for column in _inputs(feature)]
        found[feature.name] = derived([*own, *named], feature.operation)
    return found


def computed_from(
    features: Iterable[Feature], columns: Collection[str], named: Collection[str] = ()
) -> frozenset[str]:
    """The names of the features that are computed from any of these columns or features.

    Args:
        features: in an order in which each reads only those before it.
        columns: of cleaned tables, as `cleaned.golden_record.age`.
        named: features, which are among the result.
    """
    found = set(named)
    for feature in features:
        words = re.findall(r"[a-z_0-9]+", feature.sql)
        if not read_by(feature).isdisjoint(columns) or not found.isdisjoint(words):
            found.add(feature.name)
    return frozenset(found)
