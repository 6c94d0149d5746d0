"""Products as the rules of suitability see them."""

from __future__ import annotations

from portrait_assets.stages.cleaned.contract import CLEANED
from portrait_assets.storage.steps import EVER, Grain, Scope, Step, read

INSURANCE = "insur|保险"
"""What a department, category or type of insurance is written with."""
GRADE = "^R?([1-5])$"
"""How a risk grade is written; any other word is no known grade."""

STATED = (
    *("product_id", "department", "category", "product_type", "brand", "is_own_label"),
    *("risk_grade", "minimum_amount", "term_days", "sold_to_risk_tolerance", "needs_assessment"),
)
"""What the source states of a product, as it states it."""

PRODUCTS = read(CLEANED["products"], EVER)
FINANCIAL = Step(
    "financial",
    (PRODUCTS, read(CLEANED["balances"], EVER)),
    """
    SELECT EXISTS(FROM balances) OR EXISTS(
        FROM products WHERE risk_grade IS NOT NULL OR sold_to_risk_tolerance IS NOT NULL
            OR needs_assessment IS NOT NULL OR minimum_amount IS NOT NULL OR term_days IS NOT NULL
    ) AS is_financial
    """,
    grain=Grain.ALL,
)
"""Whether the source sells what has to suit; a shop states no terms and keeps no accounts."""


_KINDS = "lower(concat_ws(' ', department, category, product_type))"
ASKED = Step(
    "asked_of_product",
    (PRODUCTS, FINANCIAL),
    f"""
    SELECT *, grade IS NULL AND (written IS NOT NULL
            OR NOT is_insurance AND coalesce(needs_assessment, true)) AS is_ungraded,
        coalesce(level >= 2, false) OR needed IS NOT NULL
            OR coalesce(needs_assessment, false) AND NOT is_insurance AS asks_tolerance,
        is_insurance OR grade IS NOT NULL AS is_bought
    FROM (
        SELECT {", ".join(STATED)}, margin_rate, written, grade, needed, is_financial,
            greatest(grade, needed) AS level,
            is_financial AND coalesce(regexp_matches({_KINDS}, '{INSURANCE}'), false)
                AS is_insurance,
            coalesce(is_personalisable, true) AS is_personalisable, introduced_on, withdrawn_on
        FROM (
            SELECT *, nullif(trim(risk_grade), '') AS written,
                TRY_CAST(nullif(regexp_extract(upper(written), '{GRADE}', 1), '') AS INTEGER)
                    AS grade,
                TRY_CAST(ltrim(sold_to_risk_tolerance, 'C') AS INTEGER) AS needed
            FROM products
            QUALIFY row_number() OVER (PARTITION BY product_id ORDER BY month DESC) = 1
        ), financial
    )
    """,
    grain=Grain.ALL,
)
"""What holds of each product on any day, so that it is computed once for months alike."""


def _terms_sql(scope: Scope) -> str:
    return f"""
    SELECT * EXCLUDE (introduced_on, withdrawn_on),
        coalesce(introduced_on <= {scope.day}, true)
            AND coalesce(withdrawn_on > {scope.day}, true) AS is_on_sale
    FROM asked_of_product
    """


TERMS = Step("terms", (ASKED,), _terms_sql, in_table=False)
"""Each product as its newest row has it: what it asks of a customer.

`level` is the lowest tolerance that it suits: its grade, or the tolerance that it is sold to where
that is higher. A product without a readable grade is `is_ungraded` unless it is insurance, or is
stated to need no assessment. `is_bought` is what is paid for out of what a customer holds, which
loans and cards are not.
"""
