"""Who refuses profiling and may be contacted: in a file for marketing they get what all get.

Whoever refuses personalisation is to be offered what is not based on their traits (Personal
Information Protection Law, article 24; Provisions on algorithmic recommendation, article 17).
"""

from __future__ import annotations

from datetime import date

import duckdb
import polars as pl

from portrait_assets.privacy.consent import ANALYSIS, CONSENT_DEFAULT, Use, answers_sql
from portrait_assets.stages.tags.audiences.condition import MATRIX, of_month
from portrait_assets.storage.duckdb.tables import existing_types

IS_GENERIC, CHANNELS = "is_generic", "allowed_channels"


def generic_sql(con: duckdb.DuckDBPyConnection, as_of: date, use: Use) -> str:
    """The SELECT of a month's customers who by the newest consents refuse profiling and allow use.

    It gives `as_of`, `customer_id`, `is_generic`, which is true, and without a channel of the use
    `allowed_channels`, by which they may be contacted. No tag is read. It has no row of a file
    without consents.

    Args:
        con: a connection to the published file, which is only read.
        as_of: the month, by its last day.
        use: marketing, by a channel or any.
    """
    of_all = f"(SELECT as_of, customer_id FROM {MATRIX} WHERE {of_month(as_of)})"
    channels = f", a.channels AS {CHANNELS}" if use.channel is None else ""
    if not existing_types(con, CONSENT_DEFAULT):
        nothing = f", '' AS {CHANNELS}" if use.channel is None else ""
        return f"SELECT as_of, customer_id, true AS {IS_GENERIC}{nothing} FROM {of_all} LIMIT 0"
    return (
        f"SELECT m.as_of, m.customer_id, true AS {IS_GENERIC}{channels} FROM {of_all} AS m "
        f"JOIN ({answers_sql(of_all, ANALYSIS)}) AS p USING (customer_id) "
        f"JOIN ({answers_sql(of_all, use)}) AS a USING (customer_id) "
        "WHERE NOT p.allowed AND a.allowed"
    )


def generic_customers(con: duckdb.DuckDBPyConnection, as_of: date, use: Use) -> pl.Series:
    """Who they are, as the published file names them."""
    rows: pl.DataFrame = con.sql(f"SELECT customer_id FROM ({generic_sql(con, as_of, use)})").pl()
    return rows["customer_id"]
