"""What prospects allow: by the consents under their identifier, or where they were listed."""

from __future__ import annotations

from datetime import date

import duckdb
import polars as pl

from portrait_assets.app.lookalike.attributes import AGE, attributes
from portrait_assets.privacy.consent import ANALYSIS, Use, answers_sql
from portrait_assets.stages.cleaned.contract import CLEANED
from portrait_assets.stages.consent.deciding import OF_AGE
from portrait_assets.storage.duckdb.connection import literal

_MINOR = "minor_without_guardian"


def ask(
    con: duckdb.DuckDBPyConnection, prospects: pl.DataFrame, newest: date, use: Use
) -> pl.DataFrame:
    """Ask each prospect for the use, and for profiling.

    An identifier may by chance be a customer's too, whose consents are not the prospect's. Of
    those under the age of own consent only a guardian's counts, which stands in the consents.

    Args:
        con: the warehouse.
        prospects: with `prospect_id`, what is known of them, and `marketing_agreed_on`.
        newest: the last day of the newest month.
        use: what for.

    Returns:
        `prospect_id`, `allowed`, `because`, `channels` (as `consent.answers_sql`) and
        `may_be_profiled`, in the order of identifiers.
    """
    con.register("prospect", prospects.select("prospect_id", "marketing_agreed_on").to_arrow())
    day = f"DATE {literal(newest.isoformat())}"
    con.execute(
        "CREATE OR REPLACE TEMP TABLE listed AS SELECT prospect_id, "
        f"coalesce(marketing_agreed_on <= {day}, false) AS agreed, prospect_id IN (SELECT "
        f"source_customer_id FROM {CLEANED['customers'].full_name}) AS is_a_customers FROM prospect"
    )
    parts = [_answers_of(agreed, use) for agreed in (True, False)]
    answers: pl.DataFrame = con.sql(f"{' UNION ALL '.join(parts)} ORDER BY prospect_id").pl()
    young = attributes(prospects, newest)[AGE] < OF_AGE
    minors = prospects["prospect_id"].filter(young.fill_null(False))
    is_alone = pl.col("prospect_id").is_in(minors.implode()) & (pl.col("because") != "guardian")
    return answers.with_columns(
        allowed=pl.col("allowed") & ~is_alone,
        because=pl.when(is_alone).then(pl.lit(_MINOR)).otherwise("because"),
    )


def _answers_of(agreed: bool, use: Use) -> str:
    """The SELECT of what is allowed by those who agreed when they were listed, or by the others."""
    those = f"FROM listed WHERE agreed = {agreed}"
    asked = f"(SELECT prospect_id AS customer_id {those} AND NOT coalesce(is_a_customers, false))"
    nobody = "(SELECT NULL::VARCHAR AS customer_id)"
    of_use, of_profiling, silence, unprofiled = (
        f"({answers_sql(of, each, agreed=agreed and each is use)})"
        for of in (asked, nobody)
        for each in (use, ANALYSIS)
    )
    because = "coalesce(a.because, 'default')"
    if agreed:
        because = f"CASE WHEN {because} = 'default' THEN 'consent' ELSE {because} END"
    return (
        "SELECT l.prospect_id, coalesce(a.allowed, s.allowed) AS allowed, "
        f"{because} AS because, coalesce(a.channels, s.channels) AS channels, "
        "coalesce(p.allowed, u.allowed) AS may_be_profiled "
        f"FROM (SELECT prospect_id {those}) AS l CROSS JOIN {silence} AS s "
        f"CROSS JOIN {unprofiled} AS u LEFT JOIN {of_use} AS a ON a.customer_id = l.prospect_id "
        f"LEFT JOIN {of_profiling} AS p ON p.customer_id = l.prospect_id"
    )
