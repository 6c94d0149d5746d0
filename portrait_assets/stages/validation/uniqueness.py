"""How many customers others could find in the published file by what they may know of them.

The file has no names, but whoever is the only one with a combination of quasi-identifiers is found
by it: the uniqueness of Sweeney (Simple demographics often identify people uniquely, 2000). Classes
are those of k-anonymity, in which null is a value too.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from portrait_assets.core.months import last_day
from portrait_assets.methods.anonymity.anonymise import K
from portrait_assets.schema.table import Table
from portrait_assets.stages.features.contract import FEATURE_MATRIX
from portrait_assets.stages.tags.catalogue.classes.quasi_identifiers import QuasiIdentifiers
from portrait_assets.stages.validation.contract import UNIQUENESS
from portrait_assets.storage.duckdb.connection import literal, quote
from portrait_assets.storage.duckdb.store import Warehouse


def uniqueness(
    warehouse: Warehouse, matrix: Table, quasi: QuasiIdentifiers, months: Sequence[str]
) -> pl.DataFrame:
    """Customers by how many share their quasi-identifiers, with the columns of UNIQUENESS.

    Args:
        warehouse: with feature matrix and portrait matrix.
        matrix: the contract of the portrait matrix.
        quasi: the source's quasi-identifiers.
        months: the months to count.
    """
    features = [f"f.{quote(n)}" for n in FEATURE_MATRIX.column_names if n in quasi.features]
    tags = [f"m.{quote(n)}" for n in matrix.column_names if n in quasi.named - quasi.features]
    rows = [warehouse.select(_sql(matrix, features, tags, month)) for month in months]
    return pl.concat([UNIQUENESS.empty(), *rows], how="vertical_relaxed").sort("as_of")


def _sql(matrix: Table, features: Sequence[str], tags: Sequence[str], month: str) -> str:
    columns = [*features, *tags]
    joined = f"JOIN {matrix.full_name} AS m USING (as_of, customer_id)" if tags else ""
    source = f"{FEATURE_MATRIX.full_name} AS f {joined} WHERE f.as_of = DATE '{last_day(month)}'"
    named = ", ".join(
        f"CASE WHEN count({each}) > 0 THEN {literal(each.partition('.')[2].strip(chr(34)))} END"
        for each in columns
    )
    return f"""
    WITH classes AS (SELECT count(*) AS n FROM {source} GROUP BY {", ".join(columns)})
    SELECT DATE '{last_day(month)}' AS as_of,
        (SELECT list_filter([{named}], lambda name: name IS NOT NULL) FROM {source})
            AS quasi_identifiers,
        {K}::BIGINT AS k,
        coalesce(sum(n), 0)::BIGINT AS customers,
        count(*)::BIGINT AS combinations,
        (count(*) FILTER (n = 1))::BIGINT AS unique_customers,
        coalesce(sum(n) FILTER (n < {K}), 0)::BIGINT AS customers_below_k
    FROM classes
    """
