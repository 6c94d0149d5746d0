"""Whether a source has anything at all that a portrait can be made of."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from portrait_assets.core.errors import SourceError
from portrait_assets.stages.raw.contract import FOUNDING
from portrait_assets.stages.raw.placing.months import Placing
from portrait_assets.stages.raw.tables.persons import CUSTOMERS


def require_rows(placed: Mapping[str, Placing], provided: Collection[str]) -> None:
    """Check that some row that makes a customer lies in a month of the source.

    Where a table by which people are customers cannot be read, that is said of it, and not here:
    its rows of an earlier run stand, and those that it has now are unknown.

    Args:
        placed: the placing of each table that can be read, by name.
        provided: the names of all tables that the source provides.

    Raises:
        SourceError: when none does; it names the files, and why their rows are in no month.
    """
    if any(name in provided and name not in placed for name in (*FOUNDING, CUSTOMERS.name)):
        return
    founding = [placed[name] for name in FOUNDING if name in placed]
    customers = placed.get(CUSTOMERS.name)
    may_join = customers is not None and "joined_on" in customers.types
    if may_join or any(each.has_rows() for each in founding):
        return
    raise SourceError(_sentence(founding[0]))


def _sentence(placing: Placing) -> str:
    source, table = placing.reader.source, placing.canonical.name
    files = placing.reader.files_of(table)
    strays = placing.unplaced()
    if strays.is_empty():
        return (
            f"{source.name}: {table} has no rows, for {files} holds none; put the file with its "
            "rows in its place, or correct the table's SQL."
        )
    reason, rows = strays["reason"].value_counts().sort("count", "reason").row(-1)
    first = strays.sort("source_file", "source_row").row(0, named=True)
    return (
        f"{source.name}: none of the {strays.height:,} rows of {table} lies in a month from "
        f"{placing.first} to {placing.last}, most often by the reason '{reason}' ({rows:,} of "
        f"them), such as {first['source_file']} row {first['source_row']}; correct first_month "
        "and last_month in source.yaml, or the file."
    )
