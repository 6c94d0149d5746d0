"""Entity (实体): who the customer is."""

from __future__ import annotations

from portrait_assets.schema.sensitivity import IS_KNOWN, YEARS
from portrait_assets.schema.table import Type
from portrait_assets.stages.features.declared import needs
from portrait_assets.stages.features.declared.feature import (
    MONEY,
    NEVER_NULL,
    SHARE,
    Element,
    Feature,
)
from portrait_assets.storage.duckdb.connection import literal


def _attribute(name: str, en: str, zh: str, type_: Type = Type.TEXT) -> Feature:
    return Feature(
        name,
        Element.ENTITY,
        type_,
        en,
        zh,
        formula="the golden record's value by as_of",
        null_means="not recorded: missing_attributes names it",
        sql=f"r.{name}",
        needs=(needs.recorded(name),),
        unit=MONEY if type_ is Type.MONEY else None,
    )


ATTRIBUTES: tuple[Feature, ...] = (
    _attribute("gender", "Gender", "性别"),
    _attribute("age_band", "Age band", "年龄段"),
    _attribute("occupation", "Occupation", "职业"),
    _attribute("education", "Education", "学历"),
    _attribute("marital_status", "Marital status", "婚姻状况"),
    _attribute("income", "Yearly income", "年收入", Type.MONEY),
    _attribute("income_band", "Income band", "收入段"),
    _attribute("household_size", "Persons in the household", "家庭人数"),
    _attribute("household_type", "Composition of the household", "家庭构成"),
    _attribute("children", "Children in the household", "子女数"),
    _attribute("home_ownership", "Owner or renter of the home", "住房状况"),
    _attribute("region", "Region of residence", "地区"),
)
NEW_AFTER_DAYS = 180
"""From when on after the first of all transactions a first one shows that a customer is new.

Data that begin on a day cut off what was before (left truncation): who bought on the first days
may have done so for years. Whoever bought nothing for half a year counts as lost, so whoever is
first seen later than that after the data began counts as new.
"""
STATED = (*(feature.name for feature in ATTRIBUTES), "age")
"""Attributes whose absence `missing_attributes` names."""


_UNSTATED = {name: f"r.{name} IS NULL" for name in STATED} | {
    "age": "r.age IS NULL AND r.birth_date IS NULL"
}


_BAND = (
    r"^(\d{1,3}) ?岁? ?"
    r"(?:[-–~至到] ?\d{1,3}|\+|及?以上|(?:and|or) (?:over|older|above))"
)

DERIVED: tuple[Feature, ...] = (
    Feature(
        "age",
        Element.ENTITY,
        Type.INTEGER,
        "Age",
        "年龄",
        formula="full years from birth_date to as_of, otherwise the age recorded",
        null_means="neither birth date nor age recorded: missing_attributes names it",
        sql="coalesce(date_diff('year', r.birth_date, {as_of}) - CAST("
        "strftime(r.birth_date, '%m%d') > strftime({as_of}, '%m%d') AS INTEGER), r.age)",
        needs=(needs.AGE,),
        unit="years",
        operation=YEARS,
    ),
    Feature(
        "age_band_from",
        Element.ENTITY,
        Type.INTEGER,
        "Lower end of the age band",
        "年龄段下限",
        formula="the first number of an age band such as 25-34, 65+ or 65岁以上",
        null_means="no age band recorded, or one that is not written in numbers",
        sql=f"TRY_CAST(regexp_extract(r.age_band, {literal(_BAND)}, 1) AS BIGINT)",
        needs=(needs.recorded("age_band"),),
        unit="years",
    ),
    Feature(
        "tenure_days",
        Element.ENTITY,
        Type.INTEGER,
        "Tenure",
        "客龄",
        formula="days from joined_on, or else from the first transaction, to as_of",
        null_means="neither a joining day nor a transaction is known",
        sql="{as_of} - coalesce(r.joined_on, h.first_on)",
        needs=(needs.JOINED_OR_BOUGHT,),
        unit="days",
        ages=True,
    ),
    Feature(
        "tenure_is_lower_bound",
        Element.ENTITY,
        Type.BOOLEAN,
        "Tenure is at least that long",
        "客龄仅为下限",
        formula="no joined_on, and the first transaction is within "
        f"{NEW_AFTER_DAYS} days of the first of all",
        null_means="neither a joining day nor a transaction is known",
        sql="CASE WHEN r.joined_on IS NOT NULL THEN false "
        f"ELSE h.first_on < bs.first_on + {NEW_AFTER_DAYS} END",
        needs=(needs.JOINED_OR_BOUGHT,),
    ),
    Feature(
        "recorded_days",
        Element.ENTITY,
        Type.INTEGER,
        "Days of the tenure on record",
        "客龄中有交易记录的天数",
        formula="tenure_days, or days from the first of all transactions if these are fewer",
        null_means="neither a joining day nor a transaction is known",
        sql="CASE WHEN tenure_days IS NOT NULL THEN least(tenure_days, {as_of} - bs.first_on) END",
        needs=(needs.TRANSACTIONS, needs.JOINED_OR_BOUGHT),
        unit="days",
        ages=True,
    ),
    Feature(
        "observed_months",
        Element.ENTITY,
        Type.INTEGER,
        "Months of the last twelve whose purchases are on record",
        "近12月中购买有记录的月数",
        formula="12 for who joined after the first of all transactions; else months since then",
        null_means=NEVER_NULL,
        sql="CASE WHEN coalesce(r.joined_on, CASE WHEN NOT tenure_is_lower_bound "
        "THEN h.first_on END) >= bs.first_on THEN 12 "
        "ELSE least(date_diff('month', bs.first_on, {as_of}) + 1, 12) END",
        unit="months",
    ),
    Feature(
        "missing_attributes",
        Element.ENTITY,
        Type.TEXTS,
        "Attributes not recorded",
        "缺失属性",
        formula="names of the entity's attributes without a value",
        null_means=NEVER_NULL,
        operation=IS_KNOWN,
        sql="list_filter(["
        + ", ".join(f"CASE WHEN {test} THEN '{name}' END" for name, test in _UNSTATED.items())
        + "], lambda name: name IS NOT NULL)",
        needs=(),
        allowed=STATED,
    ),
    Feature(
        "known_attribute_share",
        Element.ENTITY,
        Type.NUMBER,
        "Share of attributes recorded",
        "属性完整度",
        formula=f"1 - length of missing_attributes / {len(STATED)}",
        null_means=NEVER_NULL,
        sql=f"round(1 - len(missing_attributes) / {len(STATED)}, 6)",
        needs=(),
        unit=SHARE,
    ),
)
FEATURES = (*ATTRIBUTES, *DERIVED)
RECORDED = (*(feature.name for feature in ATTRIBUTES), "age", "birth_date", "joined_on")
"""Columns of the golden record that features read."""
