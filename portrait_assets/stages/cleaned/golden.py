"""The one best record of a customer: per attribute a declared rule decides which value survives."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

import polars as pl

from portrait_assets.stages.cleaned.contract import GOLDEN_RECORD
from portrait_assets.stages.identity.lookup import as_known
from portrait_assets.stages.identity.resolving.corrections import without_overruled
from portrait_assets.stages.identity.resolving.records import oldest_first


class Survives(StrEnum):
    """Which of several values an attribute keeps; ties go to the most recent record.

    Of records of one day `oldest_first` states which counts as more recent.
    """

    MOST_RECENT = "most recent"
    MOST_TRUSTED = "most trusted system"
    MOST_COMPLETE = "most complete"
    MOST_FREQUENT = "most frequent"
    EARLIEST = "earliest"


SURVIVORSHIP: dict[str, Survives] = {
    "recorded_on": Survives.MOST_RECENT,
    "joined_on": Survives.EARLIEST,
    "full_name": Survives.MOST_TRUSTED,
    "national_id": Survives.MOST_TRUSTED,
    "phone": Survives.MOST_RECENT,
    "email": Survives.MOST_RECENT,
    "address": Survives.MOST_COMPLETE,
    "bank_card": Survives.MOST_TRUSTED,
    "postcode": Survives.MOST_RECENT,
    "birth_date": Survives.MOST_FREQUENT,
    "gender": Survives.MOST_FREQUENT,
    "age": Survives.MOST_RECENT,
    "age_band": Survives.MOST_RECENT,
    "occupation": Survives.MOST_RECENT,
    "education": Survives.MOST_RECENT,
    "marital_status": Survives.MOST_RECENT,
    "income": Survives.MOST_RECENT,
    "income_band": Survives.MOST_RECENT,
    "household_size": Survives.MOST_RECENT,
    "household_type": Survives.MOST_RECENT,
    "children": Survives.MOST_RECENT,
    "home_ownership": Survives.MOST_RECENT,
    "region": Survives.MOST_RECENT,
    "risk_tolerance": Survives.MOST_RECENT,
    "risk_assessed_on": Survives.MOST_RECENT,
    "risk_tolerance_expires_on": Survives.MOST_RECENT,
    "is_professional_investor": Survives.MOST_RECENT,
    "extra_care_recorded_on": Survives.MOST_RECENT,
    "insurance_need_assessed_on": Survives.MOST_RECENT,
}
"""The rule of each attribute; the most complete is chosen among a system's latest records."""


def golden_month(
    records: pl.DataFrame,
    identity_map: pl.DataFrame,
    month: str,
    trust: tuple[str, ...] = (),
    most_customers: int | None = None,
) -> Iterator[pl.DataFrame]:
    """The records of cleaned.golden_record for a month: of customers with new data in it.

    They come so many at a time, in the order of customers.

    Args:
        records: cleaned.customers of all months up to this one.
        identity_map: identity.identity_map of all months up to this one.
        month: the month.
        trust: as for `golden_records`.
        most_customers: so many are weighed at a time; all by default.
    """
    mapped = identity_map.filter(pl.col("month") <= month)
    persons = as_known(mapped).select("source_customer_id", pl.col("customer_id").alias("person"))
    known = (
        records.filter(pl.col("month") <= month)
        .join(persons, on="source_customer_id", how="left")
        .with_columns(pl.coalesce("person", "customer_id").alias("customer_id"))
    )
    moved = mapped.filter(pl.col("month") == month)["customer_id"]
    new = pl.concat([known.filter(pl.col("month") == month)["customer_id"], moved]).unique().sort()
    for ids in new.to_frame().iter_slices(most_customers or max(1, len(new))):
        part = known.filter(pl.col("customer_id").is_in(ids["customer_id"].implode()))
        yield golden_records(part, trust).select(pl.lit(month).alias("month"), pl.all())


def golden_records(records: pl.DataFrame, trust: tuple[str, ...] = ()) -> pl.DataFrame:
    """One record per customer, with the origin of each value.

    A correction comes before every rule: what it overrules is no candidate.

    Args:
        records: rows of cleaned.customers of one or more customers, all that is known of them,
            with `source_customer_id`, the identifier in the source.
        trust: beginnings of source identifiers, of the system most trusted first; systems that
            are not named come last.

    Returns:
        The attributes of cleaned.golden_record without its month; `origins` holds
        "attribute: file row" of every value that is not null.
    """
    ranked = (
        oldest_first(without_overruled(records, "customer_id"), "customer_id")
        .reverse()
        .sort("customer_id", maintain_order=True)
        .with_columns(
            _system(trust).alias("system"),
            pl.concat_str("source_file", "source_row", separator=" ").alias("place"),
        )
    )
    golden = ranked.select("customer_id").unique(maintain_order=True)
    for name, rule in SURVIVORSHIP.items():
        golden = golden.join(_survivor(ranked, name, rule), on="customer_id", how="left")
    origins = [
        pl.when(pl.col(f"{name} place").is_not_null()).then(
            pl.format(name + ": {}", pl.col(f"{name} place"))
        )
        for name in SURVIVORSHIP
    ]
    return golden.with_columns(pl.concat_list(origins).list.drop_nulls().alias("origins")).select(
        column.name for column in GOLDEN_RECORD.columns
    )


def _system(trust: tuple[str, ...]) -> pl.Expr:
    """The place of a record's system in the order of trust."""
    place = pl.lit(len(trust), dtype=pl.Int32)
    for number, beginning in reversed(list(enumerate(trust))):
        is_of = pl.col("source_customer_id").str.starts_with(beginning)
        place = pl.when(is_of).then(pl.lit(number, dtype=pl.Int32)).otherwise(place)
    return place


def _survivor(ranked: pl.DataFrame, name: str, rule: Survives) -> pl.DataFrame:
    candidates = ranked.filter(pl.col(name).is_not_null())
    match rule:
        case Survives.MOST_TRUSTED:
            candidates = candidates.sort("system", maintain_order=True)
        case Survives.MOST_COMPLETE:
            # An older address is not more complete, it is another one.
            candidates = candidates.unique(
                ["customer_id", "source_customer_id"], keep="first", maintain_order=True
            )
            candidates = candidates.sort(
                pl.col(name).cast(pl.String).str.len_chars(), descending=True, maintain_order=True
            )
        case Survives.MOST_FREQUENT:
            often = pl.len().over("customer_id", name)
            candidates = candidates.sort(often, descending=True, maintain_order=True)
        case Survives.EARLIEST:
            candidates = candidates.sort(name, maintain_order=True)
        case Survives.MOST_RECENT:
            pass
    first = candidates.unique("customer_id", keep="first", maintain_order=True)
    return first.select("customer_id", name, pl.col("place").alias(f"{name} place"))
