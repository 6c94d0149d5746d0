"""The sentence on an offer, by what the product asks for and what is known of the customer."""

from __future__ import annotations

import pytest

from portrait_assets.stages.offers.next_product.reasons import NONE, none_sql, personal_sql
from portrait_assets.storage.duckdb.connection import literal, scratch_database

EN, ZH = "as probable as for all customers", "购买概率为全体客户的"


def sentence(language: str, product: str, tolerance: int | None, probability: float = 0.3) -> str:
    """`product` has whether it asks for a tolerance, its level and whether it is an insurance."""
    customer = "NULL::INTEGER" if tolerance is None else str(tolerance)
    with scratch_database() as con:
        (found,) = con.sql(
            f"SELECT {personal_sql(language)} FROM (VALUES ({product})) "
            "AS p(asks_tolerance, level, is_insurance), "
            f"(VALUES ({customer}, {probability}, 0.2)) "
            "AS c(tolerance, probability, base_probability)"
        ).fetchall()
    return str(found[0])


@pytest.mark.parametrize(
    ("product", "tolerance", "en", "zh"),
    [
        *(
            ("true, 3, false", level, f"; it needs C3, the customer is assessed as C{level}",
             f"；产品要求C3，客户测评等级为C{level}")
            for level in (3, 4)
        ),
        *(
            ("true, 3, false", level, "; the customer is a professional investor",
             "；客户为专业投资者")
            for level in (2, None)
        ),
        ("true, NULL::INTEGER, true", 1, "; it needs C1, the customer is assessed as C1",
         "；产品要求C1，客户测评等级为C1"),
        ("true, 3, true", 2, "; the customer is a professional investor", "；客户为专业投资者"),
        ("false, 3, true", 5, "; insurance needs are assessed", "；已完成保险需求评估"),
        ("false, 3, false", 5, "", ""),
        ("false, NULL::INTEGER, NULL::BOOLEAN", None, "", ""),
    ],
)  # fmt: skip
def test_why_a_product_fits_is_said_by_what_it_asks_for(
    product: str, tolerance: int | None, en: str, zh: str
):
    assert sentence("en", product, tolerance) == f"1.5 times {EN}{en}."
    assert sentence("zh", product, tolerance) == f"{ZH}1.5倍{zh}。"


def test_how_much_more_probable_is_rounded_to_a_tenth():
    assert sentence("en", "false, 1, false", 1, 0.209).startswith("1.0 times ")
    assert sentence("zh", "false, 1, false", 1, 0.72) == f"{ZH}3.6倍。"


@pytest.mark.parametrize(("place", "language"), [(0, "en"), (1, "zh")])
def test_why_nothing_is_offered_is_said_in_either_language(place: int, language: str):
    codes = ", ".join(f"({literal(code)})" for code in [*NONE, "other"])
    with scratch_database() as con:
        rows = con.sql(f"SELECT {none_sql('code', language)} FROM (VALUES {codes}) AS c(code)")
        found = [text for (text,) in rows.fetchall()]
    assert found == [*(texts[place] for texts in NONE.values()), None]
