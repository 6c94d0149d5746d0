"""The verbs of the cleaned room: link any table, and rewrite history under today's identities."""

from __future__ import annotations

from pathlib import Path

import duckdb
import polars as pl
from rich.console import Console

from portrait_assets.cleaned.contract import CUSTOMER_ALIAS
from portrait_assets.cleaned.linkage import LinkageSettings, link
from portrait_assets.cleaned.review import REVIEW_FILE, append_same
from portrait_assets.errors import PortraitError
from portrait_assets.settings import Settings
from portrait_assets.warehouse.connection import literal

ROW_NUMBER = "row_number"


def link_file(file: Path, to: Path, id_column: str | None, settings: LinkageSettings) -> int:
    """Write the pairs of records in a CSV or Parquet file that are one person's.

    Args:
        file: the table, with any of the usual columns about persons.
        to: where the pairs go, CSV or Parquet by its ending.
        id_column: the column that identifies a record; row numbers from 1 where None.
        settings: threshold and training.

    Returns:
        How many pairs were written.

    Raises:
        PortraitError: when the file cannot be read or has too few known columns.
    """
    records = _read(file)
    if id_column is None:
        records = records.with_row_index(ROW_NUMBER, offset=1)
    elif id_column not in records.columns:
        raise PortraitError(
            f"'{file.name}' has no column {id_column}; it has {', '.join(records.columns)}."
        )
    pairs = link(records, id_column or ROW_NUMBER, settings)
    if to.suffix.lower() == ".parquet":
        pairs.write_parquet(to)
    else:
        pairs.write_csv(to)
    return pairs.height


def _read(file: Path) -> pl.DataFrame:
    if not file.is_file():
        raise PortraitError(f"There is no file '{file}'; name a CSV or Parquet table.")
    try:
        if file.suffix.lower() == ".parquet":
            return pl.read_parquet(file)
        records = pl.read_csv(file, infer_schema=False)
    except pl.exceptions.PolarsError as error:
        told = str(error).strip().splitlines()[0]
        raise PortraitError(f"'{file.name}' cannot be read: {told}") from None
    return records.rename({name: name.strip() for name in records.columns})


def merges_to_backdate(settings: Settings, first_month: str) -> pl.DataFrame:
    """The merges of customers that hold only from after a month, as pairs of records.

    Raises:
        PortraitError: when nothing was made yet.
    """
    if not settings.warehouse_file.is_file():
        raise PortraitError(f"'{settings.source}' was never made; run `portrait run` first.")
    with duckdb.connect(str(settings.warehouse_file), read_only=True) as con:
        found: pl.DataFrame = con.sql(
            "SELECT least(alias_id, customer_id) AS record_1, "
            "greatest(alias_id, customer_id) AS record_2 "
            f"FROM {CUSTOMER_ALIAS.full_name} WHERE month > {literal(first_month)} ORDER BY ALL"
        ).pl()
    return found


def rekey(settings: Settings, first_month: str, out: Console) -> bool:
    """Let the merges found later hold from a month on; whether there are any.

    They are written into the reviewers' file of the source as decided from that month, so that
    every later run gives the same history.
    """
    pairs = merges_to_backdate(settings, first_month)
    if pairs.is_empty():
        out.print(f"No customers were merged after {first_month}; there is nothing to rewrite.")
        return False
    append_same(settings.source_dir, pairs, first_month)
    out.print(
        f"{pairs.height} merges hold from {first_month} on now; they stand in {REVIEW_FILE}.",
        markup=False,
    )
    return True
