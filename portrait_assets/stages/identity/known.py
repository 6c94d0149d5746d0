"""All identifiers that a source has brought, read from the warehouse for those who may."""

from __future__ import annotations

import duckdb
import polars as pl

from portrait_assets.core.errors import WarehouseError
from portrait_assets.core.invocation import command
from portrait_assets.core.settings import Settings
from portrait_assets.stages.identity.contract import IDENTITY_MAP
from portrait_assets.storage.duckdb.connection import error_message
from portrait_assets.storage.duckdb.exclusive import exclusive_reader

KNOWN_SQL = (
    "SELECT source_customer_id, arg_max(customer_id, month) AS customer_id "
    f"FROM {IDENTITY_MAP.full_name} GROUP BY source_customer_id"
)
"""The SELECT of every identifier, `source_customer_id`, and the customer whose it is today."""


def known_identities(settings: Settings, reader: str) -> pl.DataFrame:
    """Every identifier, and the customer whose it is today.

    The warehouse is held for as long as this is read: a run that starts meanwhile waits.

    Args:
        settings: which warehouse.
        reader: which the message of such a run names.

    Returns:
        `source_customer_id`, each once, and `customer_id`.

    Raises:
        WarehouseBusyError: when a run holds the warehouse.
        WarehouseError: when there is none, or it cannot be read.
    """
    with exclusive_reader(settings, reader) as con:
        try:
            found: pl.DataFrame = con.sql(KNOWN_SQL).pl()
        except duckdb.Error as error:
            raise WarehouseError(
                f"{settings.warehouse_file.name} cannot be read ({error_message(error)}); bring it "
                f"up to this version with `{command('run')}`."
            ) from None
    return found
