"""One month of one table: typed and deduplicated, with a record of all that was not taken."""

from __future__ import annotations

from dataclasses import dataclass, replace

import polars as pl

from portrait_assets.methods.personal_data.forms import forms_of
from portrait_assets.methods.typing.rows import TypedRows, type_rows
from portrait_assets.methods.typing.rules import UNREADABLE, Conventions
from portrait_assets.methods.typing.text import Form
from portrait_assets.schema.table import Severity
from portrait_assets.stages.cleaned.categories.held_back import (
    NOTHING_HELD,
    Decided,
    free_text_rules,
)
from portrait_assets.stages.cleaned.contract import CLEANED, REJECTS, original
from portrait_assets.stages.cleaned.rows.background import with_background
from portrait_assets.stages.cleaned.rows.conversion import Conversion, converted
from portrait_assets.stages.cleaned.rows.rules import (
    CONSENT_RULES,
    MONTH_END,
    WITHDRAWN_BEFORE,
    cross_rules,
)
from portrait_assets.stages.identity.contract import SOURCE_CUSTOMER_ID
from portrait_assets.stages.raw.contract import CANONICAL
from portrait_assets.stages.raw.placing.months import AFTER_LAST, NO_DATE
from portrait_assets.stages.raw.tables.canonical import Canonical
from portrait_assets.stages.raw.tables.persons import CONSENTS, CUSTOMERS, OF_PERSONS, PROSPECTS
from portrait_assets.stages.raw.tables.trade import RETURN_KINDS, TRANSACTIONS

BIRTH_DATE = "birth_date"


@dataclass(frozen=True)
class Cleaned:
    """The rows kept, and one row of `cleaned.rejects` for everything that was not taken."""

    kept: pl.DataFrame
    rejects: pl.DataFrame


def clean(
    raw: pl.DataFrame,
    canonical: Canonical,
    conventions: Conventions,
    known: pl.DataFrame | None = None,
    money: Conversion | None = None,
    decisions: Decided = NOTHING_HELD,
) -> Cleaned:
    """Type a month of a raw table and set aside what breaks a rule.

    By the severity of the rule that it breaks a row is set aside, its value becomes null, or
    both are kept and noted. Of rows that are exactly equal the first is kept, and of several with
    one identifier in a month the one of the greatest values.

    Args:
        raw: the month's rows with the columns of raw.<name>.
        canonical: which table it is.
        conventions: the conventions of the source (time zone, country, own rules).
        known: what `background.first_known` gives for the table, for its rules over two tables.
        money: how amounts come into the source's currency; None where all rows are in it.
        decisions: which of its category columns are held back, and in which months.

    Returns:
        `kept` with the columns of cleaned.<name>, `customer_id` still being the source's; every
        row of `raw` is in `kept` or is named in `rejects` with severity row or merged.
    """
    forms = _forms(canonical, conventions)
    rows = type_rows(raw, canonical, conventions, forms)
    if any("%y" in form for form in conventions.date_formats(canonical.name, BIRTH_DATE)):
        rows = replace(rows, frame=_born_before(rows.frame))
    rows = rows.against(free_text_rules(rows.frame, canonical, decisions, conventions.own))
    if known is not None:
        rows = replace(rows, frame=with_background(rows.frame, canonical, known))
    if money is not None:
        rows = replace(rows, frame=money.prepared(rows.frame, canonical))
    if canonical is PROSPECTS:
        # The rules of persons compare with the day of joining where none is recorded.
        rows = replace(rows, frame=rows.frame.with_columns(joined_on=pl.lit(None, pl.Date)))
    checked = rows.against(cross_rules(canonical.name, conventions.country))
    if canonical is CONSENTS:
        checked = _withdrawn_in_doubt(checked).against(CONSENT_RULES)
    # A month has the same rows whether it is typed alone or with others.
    rows = checked.without_duplicates(within=("month",))
    kept, rejects = converted(rows.kept, canonical), rows.findings
    if canonical is CUSTOMERS:
        kept = kept.with_columns(pl.col("customer_id").alias(SOURCE_CUSTOMER_ID.name))
    if canonical is TRANSACTIONS:
        kept = _given_back_is_negative(kept)
    return Cleaned(
        kept.select(CLEANED[canonical.name].column_names),
        rejects.with_columns(pl.lit(canonical.name).alias("table_name")).select(
            REJECTS.column_names
        ),
    )


def _forms(canonical: Canonical, conventions: Conventions) -> dict[str, Form]:
    if canonical not in OF_PERSONS:
        return {}
    columns = {column.name for column in canonical.columns}
    forms = forms_of(conventions.country)
    return {name: form for name, form in forms.items() if name in columns}


def _born_before(frame: pl.DataFrame) -> pl.DataFrame:
    """Two digits of a year of birth name the latest such year up to the record's month."""
    born = pl.col(BIRTH_DATE)
    return frame.with_columns(
        pl.when(born > MONTH_END).then(born.dt.offset_by("-100y")).otherwise(born)
    )


def _withdrawn_in_doubt(rows: TypedRows) -> TypedRows:
    """Withdrawals of a day that cannot be, as of that of the consent or its record: stricter."""
    is_doubted = (pl.col("column_name") == "withdrawn_on") & pl.col("rule").is_in(
        [UNREADABLE, WITHDRAWN_BEFORE]
    )
    doubted = rows.findings.filter(is_doubted).select(*rows.beside, day_is_doubted=True)
    frame = rows.frame.join(
        doubted, on=list(rows.beside), how="left", nulls_equal=True, maintain_order="left"
    )
    known = pl.when("day_is_doubted").then(pl.coalesce("granted_on", "recorded_on"))
    withdrawn_on = pl.coalesce("withdrawn_on", known)
    return replace(rows, frame=frame.with_columns(withdrawn_on=withdrawn_on).drop("day_is_doubted"))


def _given_back_is_negative(kept: pl.DataFrame) -> pl.DataFrame:
    """Amounts of returns and cancellations below zero, whichever sign the source writes."""
    gives_back = pl.col("kind").is_in(RETURN_KINDS) | pl.col("cancels").is_not_null()
    stated = ("amount", original(TRANSACTIONS.column("amount")).name)
    return kept.with_columns(
        pl.when(gives_back).then(-pl.col(name).abs()).otherwise(pl.col(name)).alias(name)
        for name in stated
    )


def unplaced_rejects(unplaced: pl.DataFrame) -> pl.DataFrame:
    """The lines of `raw.unplaced` that are broken or undated, as rows of `cleaned.rejects`.

    A row after the source's last month is whole and waits for its month.
    """
    dated_by = {canonical.name: canonical.dated_by for canonical in CANONICAL}
    no_date = pl.col("reason") == NO_DATE
    return (
        unplaced.filter(pl.col("reason") != AFTER_LAST)
        .with_columns(
            pl.when(no_date)
            .then(pl.col("table_name").replace_strict(dated_by, default=None))
            .alias("column_name"),
            pl.col("reason").alias("rule"),
            pl.lit(str(Severity.UNPLACED)).alias("severity"),
            pl.col("dated").alias("received"),
        )
        .select(REJECTS.column_names)
    )
