"""What the warehouse holds for a lookalike, as it was known by a month, read for who may."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import duckdb
import polars as pl

from portrait_assets.app.lookalike.asking import ask
from portrait_assets.methods.linkage.model import LinkageModel
from portrait_assets.privacy.consent import ANALYSIS, Use, keep_answers
from portrait_assets.stages.cleaned.contract import CLEANED, GOLDEN_RECORD
from portrait_assets.stages.identity.contract import LINKAGE_MODEL
from portrait_assets.stages.identity.known import KNOWN_SQL
from portrait_assets.stages.raw.tables.persons import KNOWN_OF_PROSPECTS
from portrait_assets.stages.tags.audiences.condition import MATRIX, profiled
from portrait_assets.storage.duckdb.connection import literal

_CUSTOMERS, _PROSPECTS = CLEANED["customers"].full_name, CLEANED["prospects"].full_name
_KNOWN = ", ".join(KNOWN_OF_PROSPECTS)
_ALIKE = ", ".join(name for name in KNOWN_OF_PROSPECTS if name != "recorded_on")


@dataclass(frozen=True)
class Stored:
    """What is known of the customers of a month, and of prospects.

    `base` has `customer_id` as of the month, `today`, the identifier whose customer that is by
    now, and the record that was the best by then, of customers of the portrait matrix who allow
    profiling. `then` and `now` are the prospects known by that month and by the newest, with
    `prospect_id` and the newest record of each by then. `answers` has `prospect_id`, `allowed`,
    `because`, `channels` and `may_be_profiled`. `records` are those of all customers (`id` is
    today's), and `joined` the day on which each joined.
    """

    newest: date
    base: pl.DataFrame
    then: pl.DataFrame
    now: pl.DataFrame
    answers: pl.DataFrame
    records: pl.DataFrame
    joined: pl.DataFrame
    model: LinkageModel | None


def read_stored(con: duckdb.DuckDBPyConnection, as_of: date, newest: date, use: Use) -> Stored:
    """Read all of it.

    Args:
        con: the warehouse.
        as_of: the last day of the seed's month.
        newest: that of the newest month.
        use: what the prospects are asked for.
    """
    then, now = (prospects_by(con, day) for day in (as_of, newest))
    return Stored(
        newest=newest,
        base=_base(con, as_of),
        then=then,
        now=now,
        answers=ask(con, now, newest, use),
        records=con.sql(
            f"SELECT DISTINCT coalesce(k.customer_id, c.customer_id) AS id, {_ALIKE} "
            f"FROM {_CUSTOMERS} AS c LEFT JOIN ({KNOWN_SQL}) AS k USING (source_customer_id) "
            "ORDER BY ALL"
        ).pl(),
        joined=con.sql(
            "SELECT coalesce(k.customer_id, c.customer_id) AS matched, "
            f"min(joined_on) AS joined_on FROM {_CUSTOMERS} AS c "
            f"LEFT JOIN ({KNOWN_SQL}) AS k USING (source_customer_id) GROUP BY ALL"
        ).pl(),
        model=_model(con),
    )


def _base(con: duckdb.DuckDBPyConnection, as_of: date) -> pl.DataFrame:
    """The customers of the month who still allow profiling, by their records of then."""
    con.execute(
        "CREATE OR REPLACE TEMP TABLE base AS SELECT m.customer_id AS own, "
        "coalesce(k.customer_id, m.customer_id) AS today "
        f"FROM {MATRIX} AS m LEFT JOIN ({KNOWN_SQL}) AS k ON k.source_customer_id = m.customer_id "
        f"WHERE {profiled(con, as_of)}"
    )
    (answers,) = keep_answers(con, "(SELECT DISTINCT today AS customer_id FROM base)", [ANALYSIS])
    found: pl.DataFrame = con.sql(
        f"SELECT b.own AS customer_id, b.today, {_KNOWN} FROM base AS b "
        f"JOIN {answers} AS a ON a.customer_id = b.today AND a.allowed "
        f"LEFT JOIN (SELECT customer_id, {_KNOWN} FROM {GOLDEN_RECORD.full_name} "
        f"WHERE month <= {literal(f'{as_of:%Y-%m}')} QUALIFY row_number() OVER "
        "(PARTITION BY customer_id ORDER BY month DESC) = 1) AS g ON g.customer_id = b.own "
        "ORDER BY b.own"
    ).pl()
    return found


def prospects_by(con: duckdb.DuckDBPyConnection, day: date) -> pl.DataFrame:
    """The newest record of each prospect known by the month that ends on the day."""
    found: pl.DataFrame = con.sql(
        f"SELECT prospect_id, {_KNOWN}, marketing_agreed_on FROM {_PROSPECTS} "
        f"WHERE month <= {literal(f'{day:%Y-%m}')} QUALIFY row_number() OVER (PARTITION BY "
        "prospect_id ORDER BY month DESC, recorded_on DESC NULLS LAST, source_file DESC, "
        "source_row DESC) = 1 ORDER BY prospect_id"
    ).pl()
    return found


def _model(con: duckdb.DuckDBPyConnection) -> LinkageModel | None:
    rows = con.execute(
        f"SELECT model FROM {LINKAGE_MODEL.full_name} ORDER BY month DESC LIMIT 1"
    ).fetchall()
    return LinkageModel.from_json(rows[0][0]) if rows else None
