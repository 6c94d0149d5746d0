"""Feature selection (特征选择): what each feature adds, and why some are left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from portrait_assets.methods.statistics.agreement import rank_correlation_matrix
from portrait_assets.schema.table import Type
from portrait_assets.stages.features.contract import FEATURE_MATRIX, FEATURE_SELECTION, FEATURES
from portrait_assets.stages.features.declared.feature import Feature
from portrait_assets.stages.features.given import SOURCE_EVIDENCE, lacking_features
from portrait_assets.storage.duckdb.connection import quote
from portrait_assets.storage.steps import THE_MONTH, Grain, Scope, Step, read

SAMPLE_ROWS = 50_000
"""Customers looked at, about; a larger matrix is thinned by the hash of `customer_id`."""
NEAR_CONSTANT = 0.99
"""A feature is near-constant when this share of customers has one value, or none."""
COLLINEAR = 0.95
"""Two features are collinear from this rank correlation on, whatever its sign."""
LEAST_PAIRS = 30
"""Customers who must have both values before a correlation is believed."""
EMPTY, CONSTANT, DUPLICATED, IS_COLLINEAR = "empty", "near-constant", "duplicated", "collinear"


KNOWN = Step(
    "known",
    (read(SOURCE_EVIDENCE, THE_MONTH),),
    "SELECT list(evidence) AS evidence FROM source_evidence WHERE is_given",
    grain=Grain.ALL,
)
"""One row: the evidence that the source has given by the month's end."""


def _sample_sql(columns: str) -> str:
    return f"""
    SELECT {columns} FROM feature_matrix AS m CROSS JOIN (
        SELECT greatest(1, ceil(count(*) / {SAMPLE_ROWS})) AS one_in FROM feature_matrix
    ) AS n WHERE one_in = 1 OR md5_number_lower(customer_id) % CAST(one_in AS UBIGINT) = 0
    """


def _sample_of_known(scope: Scope, known: Mapping[str, object] | None) -> str | None:
    """The sample without features that nobody has a value of, most of a small source's."""
    evidence = known["evidence"] if known else None
    if not isinstance(evidence, list):
        return None
    lacking = lacking_features(frozenset(evidence))
    left = (f"m.{quote(name)}" for name in FEATURE_MATRIX.column_names if name not in lacking)
    return _sample_sql(", ".join(left))


SAMPLE = Step(
    "sample",
    (read(FEATURE_MATRIX, THE_MONTH), KNOWN),
    _sample_sql("m.*"),
    simpler=(KNOWN, _sample_of_known),
)
"""The rows of a month's matrix that are looked at, with the features that may have a value."""


def select_features(matrix: pl.DataFrame, features: Sequence[Feature]) -> pl.DataFrame:
    """The verdict on each feature of one month, without the month.

    A feature is left out that has no value, has nearly always the same, equals an earlier one, or
    is collinear with an earlier one that is kept: Spearman's rank correlation over the customers
    who have both values. Features declared first come first, lists are never judged.

    Args:
        matrix: the feature matrix of the month, or a sample of it; a feature that it lacks has
            no value.
        features: the features to judge, in the order of preference.

    Returns:
        One row per feature with the columns of `features.feature_selection` but `as_of`.
    """
    judged = [feature for feature in features if feature.type is not Type.TEXTS]
    sample = matrix.select(feature.name for feature in judged if feature.name in matrix.columns)
    verdicts: dict[str, tuple[str, float, float, str | None]] = {}
    for feature in judged:
        column = sample[feature.name] if feature.name in sample.columns else None
        if column is None or column.null_count() == len(column):
            verdicts[feature.name] = (EMPTY, 1.0, 1.0, None)
        elif (most_common := _most_common_share(column)) >= NEAR_CONSTANT:
            verdicts[feature.name] = (CONSTANT, most_common, NEAR_CONSTANT, None)
    left = [f.name for f in judged if f.name not in verdicts]
    for name, twin in _twins(sample.select(left)).items():
        verdicts[name] = (DUPLICATED, 1.0, 1.0, twin)
    numeric = [n for n in left if n not in verdicts and sample.schema[n].is_numeric()]
    for name, twin, correlation in _collinear(sample.select(numeric)):
        verdicts[name] = (IS_COLLINEAR, correlation, COLLINEAR, twin)
    return pl.DataFrame(
        [
            {
                "feature": feature.name,
                "element": str(feature.element),
                "is_kept": feature.name not in verdicts,
                **dict(
                    zip(
                        ("reason", "value", "threshold", "other_feature"),
                        verdicts.get(feature.name, (None,) * 4),
                        strict=True,
                    )
                ),
            }
            for feature in judged
        ],
        schema={n: t for n, t in FEATURE_SELECTION.polars_schema.items() if n != "as_of"},
    )


def _most_common_share(column: pl.Series) -> float:
    """Share of rows with the most common value; no value counts as one."""
    counts = column.value_counts()["count"]
    return round(float(counts.max() or 0) / len(column), 6)  # type: ignore[arg-type]


def _twins(sample: pl.DataFrame) -> dict[str, str]:
    """By feature, the first one before it that has the same value for every customer."""
    first: dict[int, list[pl.Series]] = {}
    twins = {}
    for column in sample.iter_columns():
        numbers = column.cast(pl.Float64) if column.dtype.is_numeric() else column
        same = first.setdefault(int(numbers.hash().sum() or 0), [])
        equal = [other.name for other in same if _equals(numbers, other)]
        if equal:
            twins[column.name] = equal[0]
        else:
            same.append(numbers)
    return twins


def _equals(one: pl.Series, other: pl.Series) -> bool:
    return one.dtype == other.dtype and one.equals(other, null_equal=True)


def _collinear(sample: pl.DataFrame) -> list[tuple[str, str, float]]:
    """Features left out, the earlier one kept that each follows, and their rank correlation."""
    names = sample.columns
    if not names:
        return []
    # The last digits of a sum depend on the machine, the choice may not.
    strength = np.abs(rank_correlation_matrix(sample, LEAST_PAIRS)).round(6)
    kept: list[int] = []
    found = []
    for at, name in enumerate(names):
        closest = max(kept, key=lambda other: strength[at, other], default=None)
        if closest is not None and strength[at, closest] >= COLLINEAR:
            found.append((name, names[closest], float(strength[at, closest])))
        else:
            kept.append(at)
    return found


def _selected(scope: Scope, sample: pl.DataFrame) -> pl.DataFrame:
    return select_features(sample, FEATURES).with_columns(pl.lit(scope.as_of).alias("as_of"))


SELECTION = Step(
    "feature_selection",
    (SAMPLE,),
    compute=_selected,
    grain=Grain.ALL,
    writes=FEATURE_SELECTION,
)
