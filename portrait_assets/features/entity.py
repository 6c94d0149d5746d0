"""Entity (实体): who the customer is."""

from __future__ import annotations

from datetime import date

import polars as pl

from portrait_assets.features.feature import Element, Feature
from portrait_assets.features.inputs import Inputs
from portrait_assets.warehouse.contract import Sensitivity, Type

_C2 = Sensitivity.C2


def _attribute(
    name: str, en: str, zh: str, sensitivity: Sensitivity = Sensitivity.C1, type_: Type = Type.TEXT
) -> Feature:
    return Feature(
        name,
        Element.ENTITY,
        type_,
        en,
        zh,
        formula="latest value recorded by as_of",
        null_means="not recorded",
        needs=("customers",),
        sensitivity=sensitivity,
    )


ATTRIBUTES: tuple[Feature, ...] = (
    _attribute("gender", "Gender", "性别", _C2),
    _attribute("age_band", "Age band", "年龄段"),
    _attribute("occupation", "Occupation", "职业", _C2),
    _attribute("education", "Education", "学历", _C2),
    _attribute("marital_status", "Marital status", "婚姻状况", _C2),
    _attribute("income_band", "Income band", "收入段", _C2),
    _attribute("household_size", "Persons in the household", "家庭人数"),
    _attribute("household_type", "Composition of the household", "家庭构成"),
    _attribute("children", "Children in the household", "子女数"),
    _attribute("home_ownership", "Owner or renter of the home", "住房状况", _C2),
    _attribute("region", "Region of residence", "地区"),
)
DERIVED: tuple[Feature, ...] = (
    Feature(
        "age",
        Element.ENTITY,
        Type.INTEGER,
        "Age",
        "年龄",
        formula="full years from birth_date to as_of, otherwise the age recorded",
        null_means="neither birth date nor age recorded",
        needs=("customers",),
        unit="years",
        sensitivity=_C2,
    ),
    Feature(
        "tenure_days",
        Element.ENTITY,
        Type.INTEGER,
        "Tenure",
        "客龄",
        formula="days from joined_on, or else from the first transaction, to as_of",
        null_means="neither a joining day nor a transaction is known",
        needs=("customers", "transactions"),
        unit="days",
    ),
)
FEATURES = (*ATTRIBUTES, *DERIVED)


def compute(inputs: Inputs, as_of: date) -> pl.LazyFrame:
    """The entity features, one row per customer who has a record or a transaction."""
    latest = (
        inputs.customers.sort("recorded_on", "month", "source_row", nulls_last=False)
        .group_by("customer_id")
        .agg(
            pl.col(*(f.name for f in ATTRIBUTES), "age", "birth_date", "joined_on")
            .drop_nulls()
            .last()
        )
    )
    first_seen = inputs.customer_month.group_by("customer_id").agg(
        pl.col("first_at").min().dt.date().alias("first_seen_on")
    )
    born = pl.col("birth_date")
    birthday = born.dt.month().cast(pl.Int32) * 100 + born.dt.day()
    had_birthday = birthday <= as_of.month * 100 + as_of.day
    full_years = as_of.year - born.dt.year() - pl.when(had_birthday).then(0).otherwise(1)
    since = pl.coalesce("joined_on", "first_seen_on")
    return latest.join(first_seen, on="customer_id", how="full", coalesce=True).select(
        "customer_id",
        *(f.name for f in ATTRIBUTES),
        pl.coalesce(full_years, "age").cast(pl.Int64).alias("age"),
        (pl.lit(as_of) - since).dt.total_days().alias("tenure_days"),
    )
