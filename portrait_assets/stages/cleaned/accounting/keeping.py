"""Whether anything is left of the rows by which people are customers."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from portrait_assets.core.errors import SourceError
from portrait_assets.schema.table import Severity
from portrait_assets.stages.raw.contract import FOUNDING


def require_some_kept(kept: Mapping[str, int], has_joined: bool, aside: pl.DataFrame) -> None:
    """Check that not every row by which people are customers was set aside.

    Args:
        kept: rows kept so far, by table; of the founding ones at least.
        has_joined: whether of any customer it is known when they joined, so that they are one.
        aside: rows of `cleaned.rejects`, of the months that were cleaned.

    Raises:
        SourceError: when all were; it names the rule that most of them break, and one of them.
    """
    gone = aside.filter(pl.col("table_name").is_in(FOUNDING), severity=str(Severity.ROW))
    if gone.is_empty() or has_joined or any(kept[name] for name in FOUNDING):
        return
    kinds = ["table_name", "column_name", "rule"]
    rows = pl.struct("source_file", "source_row").n_unique().alias("rows")
    # Of rules that as many rows break, always the same one.
    order = [True, *[False] * len(kinds)]
    most = gone.group_by(kinds).agg(rows).sort("rows", *kinds, descending=order)
    worst = most.row(0, named=True)
    example = gone.filter(
        pl.col("table_name") == worst["table_name"],
        pl.col("column_name").eq_missing(pl.lit(worst["column_name"], pl.String)),
        pl.col("rule") == worst["rule"],
    ).sort("source_file", "source_row")
    file, row = example.select("source_file", "source_row").row(0)
    column = f"{worst['table_name']}.{worst['column_name'] or 'row'}"
    raise SourceError(
        f"all rows of {worst['table_name']} were set aside, most often as {column} breaks the "
        f"rule '{worst['rule']}' ({worst['rows']:,} of them, such as {file} row {row}), so that "
        "nobody is a customer; correct the file, the table's SQL or its rules in source.yaml."
    )
