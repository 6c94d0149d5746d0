"""How many customers each product suits, and how many each rule refuses."""

from __future__ import annotations

import polars as pl

from portrait_assets.privacy.cells import EVERY_CELL, pooled
from portrait_assets.stages.offers.suitability.contract import PRODUCT_RULE
from portrait_assets.stages.offers.suitability.rules import BY_CODE, RULES, SUITABLE, refusal_sql
from portrait_assets.stages.offers.suitability.subjects import SUBJECT
from portrait_assets.stages.offers.suitability.terms import TERMS
from portrait_assets.storage.steps import Grain, Scope, Step

COUNTED = Step(
    "counted",
    (SUBJECT, TERMS),
    # Each pair is looked at once and none is kept: the groups are products times rules.
    f"""
    SELECT product_id, coalesce(refusal, '{SUITABLE}') AS rule, count(*) AS customers
    FROM (
        SELECT p.product_id, {refusal_sql()} AS refusal
        FROM subject AS c CROSS JOIN (FROM terms WHERE is_financial) AS p
    ) GROUP BY ALL ORDER BY ALL
    """,
    grain=Grain.ALL,
)
"""Customers by product and rule, of products that have to suit; goods suit everybody."""

_REASONS_EN = {SUITABLE: "No rule refuses it.", **{r.code: r.en for r in RULES}}
_REASONS_ZH = {SUITABLE: "未触发任何拒绝规则。", **{r.code: r.zh for r in RULES}}
_SEVERAL_EN, _SEVERAL_ZH = "Rules of few customers each.", "各规则涉及客户均较少，合并列示。"


def rule_rows(counted: pl.DataFrame, scope: Scope, smallest: int = EVERY_CELL) -> pl.DataFrame:
    """The rows of `offers.product_rule`.

    Args:
        counted: `product_id`, `rule` and `customers`.
        scope: the month.
        smallest: fewest customers that a rule is listed by itself with.
    """
    order = [SUITABLE, *BY_CODE]
    rows = pooled(counted, ["rule"], "customers", smallest, within=["product_id"])
    place = pl.col("rule").replace_strict(order, range(len(order)), default=len(order))
    return rows.sort("product_id", place, "rule").select(
        pl.lit(scope.as_of).alias("as_of"),
        "product_id",
        "rule",
        "customers",
        pl.col("rule").replace_strict(_REASONS_EN, default=_SEVERAL_EN).alias("reason_en"),
        pl.col("rule").replace_strict(_REASONS_ZH, default=_SEVERAL_ZH).alias("reason_zh"),
    )


def product_rule(smallest: int) -> Step:
    """The step that writes `offers.product_rule`; `smallest` is as for `rule_rows`."""
    return Step(
        "product_rule",
        (COUNTED,),
        compute=lambda scope, counted: rule_rows(counted, scope, smallest),
        grain=Grain.ALL,
        writes=PRODUCT_RULE,
    )
