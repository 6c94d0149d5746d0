"""The commands of the identity room: link any table, and rekey history under new merges."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from portrait_assets.core.errors import PortraitError, listed
from portrait_assets.core.settings import Settings
from portrait_assets.methods.linkage.linking import link
from portrait_assets.methods.linkage.model import LinkageSettings
from portrait_assets.privacy.egress import Departure, Door, Outlet, digest_of
from portrait_assets.stages.identity.contract import CUSTOMER_ALIAS
from portrait_assets.stages.identity.resolving.review import append_same
from portrait_assets.storage.duckdb.connection import literal, open_database
from portrait_assets.storage.files.reading import read_table
from portrait_assets.storage.files.writing import check_targets, write_table

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
    check_targets(file, to)
    records = read_table(file, as_text=True)
    if id_column is None:
        records = records.with_row_index(ROW_NUMBER, offset=1)
    elif id_column not in records.columns:
        raise PortraitError(
            f"'{file.name}' has no column {id_column}; it has {listed(records.columns)}."
        )
    pairs = link(records, id_column or ROW_NUMBER, settings)
    write_table(pairs, to)
    return pairs.height


def merges_to_backdate(settings: Settings, months: Sequence[str]) -> pl.DataFrame:
    """The merges of customers found after the first of these months, up to the last one.

    Returns:
        `found_in`, `alias_id` and `customer_id`, one row per identifier given up, in order.

    Raises:
        PortraitError: when nothing is materialized yet, or a run holds the warehouse.
    """
    with open_database(settings.warehouse_file, read_only=True) as con:
        found: pl.DataFrame = con.sql(
            f"SELECT month AS found_in, alias_id, customer_id FROM {CUSTOMER_ALIAS.full_name} "
            f"WHERE month > {literal(months[0])} AND month <= {literal(months[-1])} ORDER BY ALL"
        ).pl()
    return found


def pass_merges(merges: pl.DataFrame, door: Door) -> pl.DataFrame:
    """The merges, once they may be shown to whoever asked to rewrite history under them.

    Raises:
        EgressError: when they may not leave.
    """
    departure = Departure(Outlet.IDENTITY, None, CUSTOMER_ALIAS.columns, subject_named=True)
    door.open(departure)
    door.record(departure, merges.height, digest_of(str(merges.rows())))
    return merges


def backdate(settings: Settings, months: Sequence[str]) -> pl.DataFrame:
    """Let the merges found within these months hold from the first of them on.

    They are written into the reviewers' file of the source as decided from that month, so that
    every later run gives the same history. Merges found after these months are left alone: so
    that no person is one customer, then two and then one again, they need a range up to their
    month.

    Returns:
        What `merges_to_backdate` gives; where it has rows, the months are to be
        materialized again.
    """
    merges = merges_to_backdate(settings, months)
    if not merges.is_empty():
        append_same(settings.source_dir, merges, months[0])
    return merges
