"""The pairs of records of one person in any table."""

from __future__ import annotations

import polars as pl

from portrait_assets.methods.linkage.model import LinkageSettings, prepare
from portrait_assets.methods.linkage.resolving import persons_of, within
from portrait_assets.methods.linkage.training import train

LINKS = {"record_1": pl.String, "record_2": pl.String, "match_probability": pl.Float64}


def link(
    records: pl.DataFrame, id_column: str, settings: LinkageSettings | None = None
) -> pl.DataFrame:
    """All pairs of records that are one person's, as far as their contents show.

    Args:
        records: one row per record, with an identifier and any of the usual columns about
            persons (`person_columns.NAMES`); other columns are not looked at.
        id_column: the column that identifies a record; no part of it is compared.
        settings: threshold and training; the defaults suit most tables.

    Returns:
        `record_1` and `record_2` (identifiers as text, record_1 < record_2) of every two
        records of one person, and `match_probability`, null where two records belong together
        only through others.

    Raises:
        PortraitError: when the table has too few known columns, or an identifier comes twice.
    """
    settings = settings or LinkageSettings()
    table = prepare(records, id_column)
    trained = train(table, settings)
    if trained is None:
        return pl.DataFrame(schema=LINKS)
    _, scored = trained
    persons = persons_of(scored, settings.threshold)
    probabilities = scored.select("record_1", "record_2", "match_probability")
    return within(persons).join(
        probabilities, on=["record_1", "record_2"], how="left", maintain_order="left"
    )
