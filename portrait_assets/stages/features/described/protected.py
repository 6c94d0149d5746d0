"""Features that may not decide on credit: by their names, and by the columns they derive from.

A feature that is computed from a day of birth or a gender, such as how many attributes of a
customer are known, says something of it whatever it is called. What is protected, and by which
law: `methods.scorecard.refused`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from portrait_assets.methods.scorecard.refused import Protected, by_name
from portrait_assets.stages.cleaned.contract import CLEANED, GOLDEN_RECORD
from portrait_assets.stages.features.contract import FEATURE_MATRIX, FEATURES
from portrait_assets.stages.features.described.sensitivity import computed_from

_BY_MEANING = {"household_type": Protected.MARRIAGE}
"""Columns whose names do not tell: this one has whether somebody lives as one of a couple."""


@cache
def protected_features() -> Mapping[str, Protected]:
    """By feature of the matrix the protected attribute that it stands for or is computed from."""
    columns: dict[Protected, set[str]] = {}
    for table in (*CLEANED.values(), GOLDEN_RECORD):
        for column in table.columns:
            if (attribute := _BY_MEANING.get(column.name) or by_name(column.name)) is not None:
                columns.setdefault(attribute, set()).add(f"{table.full_name}.{column.name}")
    derived = {each: computed_from(FEATURES, names) for each, names in columns.items()}
    found: dict[str, Protected] = {}
    for column in FEATURE_MATRIX.columns:
        of = (each for each, names in derived.items() if column.name in names)
        if (attribute := by_name(column.name) or next(of, None)) is not None:
            found[column.name] = attribute
    return found
