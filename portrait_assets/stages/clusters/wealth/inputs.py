"""What wealth segments are made from: holdings by product, risk, tenure, flow and channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from portrait_assets.schema.table import MONEY_SCALE
from portrait_assets.stages.cleaned.contract import CLEANED, GOLDEN_RECORD
from portrait_assets.stages.features.contract import (
    CUSTOMER_BALANCE_MONTH,
    FEATURE_MATRIX,
    UNPROFILED,
)
from portrait_assets.stages.features.monthly.aggregates import CUSTOMER_BALANCE_MONTH as BALANCES
from portrait_assets.stages.features.monthly.products import PRODUCT
from portrait_assets.stages.features.persons import added_up, of_persons
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import EVER, THE_MONTH, Grain, Scope, Step, read, window

FLOW_MONTHS = 6
CHANNELS = (
    "digital_share_12m",
    "branch_share_12m",
    "self_service_share_12m",
    "phone_share_12m",
)
RISKS = ("risk_tolerance", "risk_appetite_12m")
TENURE, FLOW, ASSETS = "tenure_log_years", "monthly_flow", "assets_held"
TRAITS = (*RISKS, TENURE, FLOW, *CHANNELS)
OF_PERSONS = ("risk_tolerance", "risk_assessed_on", "month")
"""What is read of the persons' records."""
OTHER = "other"
"""A product without a category."""

HELD = Step(
    "held",
    (of_persons(CLEANED["balances"], THE_MONTH), PRODUCT),
    f"""
    SELECT customer_id, coalesce(p.category, '{OTHER}') AS category,
        b.credit_limit IS NOT NULL AS is_owed, sum(greatest(b.balance, 0)) AS amount
    FROM (
        SELECT customer_id, coalesce(account_id, product_id) AS account, product_id, balance,
            credit_limit
        FROM balances
        QUALIFY row_number() OVER (
            PARTITION BY customer_id, account ORDER BY balance_on DESC, balance DESC NULLS LAST,
                credit_limit DESC NULLS LAST, product_id
        ) = 1
    ) AS b LEFT JOIN product AS p USING (product_id)
    WHERE b.balance IS NOT NULL GROUP BY ALL ORDER BY ALL
    """,
    grain=Grain.ALL,
)
"""What each customer holds and owes of each category of product at the month's last balances.

An account with a credit limit is a debt. Of several balances of one account the last counts.
"""
_BY_MONTH = added_up(CUSTOMER_BALANCE_MONTH, BALANCES, window(FLOW_MONTHS + 1), "balance_by_month")
FLOWS = Step(
    "flows",
    (_BY_MONTH,),
    f"""
    SELECT customer_id, (ln(1 + greatest(arg_min(balance, ago), 0)::DOUBLE)
        - ln(1 + greatest(arg_max(balance, ago), 0)::DOUBLE)) / max(ago) AS {FLOW}
    FROM balance_by_month WHERE balance IS NOT NULL
    GROUP BY customer_id HAVING min(ago) = 0 AND max(ago) > 0
    """,
    grain=Grain.ALL,
)
"""Monthly growth of all that a customer holds, in the logarithm, since up to six months before."""
RISK_LEVEL = Step(
    "risk_level",
    (of_persons(GOLDEN_RECORD, EVER),),
    """
    SELECT customer_id, arg_max(level, rank) AS risk_tolerance
    FROM (
        SELECT customer_id, TRY_CAST(ltrim(upper(risk_tolerance), 'C') AS DOUBLE) AS level,
            (month, risk_assessed_on, level) AS rank
        FROM golden_record
    ) WHERE level IS NOT NULL GROUP BY customer_id
    """,
    grain=Grain.ALL,
)
"""The assessed risk tolerance, 1 low to 5 high."""
TRAITS_OF = Step(
    "traits",
    (read(FEATURE_MATRIX, THE_MONTH), FLOWS, RISK_LEVEL),
    f"""
    SELECT m.customer_id, r.risk_tolerance, m.risk_appetite_12m,
        ln(1 + m.tenure_days / 365.0) AS {TENURE}, f.{FLOW},
        {", ".join(f"m.{name}" for name in CHANNELS)}
    FROM feature_matrix AS m LEFT JOIN flows AS f USING (customer_id)
    LEFT JOIN risk_level AS r USING (customer_id) ORDER BY customer_id
    """,
    grain=Grain.ALL,
)
"""What is known of a customer besides what they hold.

Tenure counts in years within the logarithm: in days, those who came lately would differ from each
other more than kinds of customers do, and be a segment of their own whatever they hold.
"""
OBJECTED = Step(
    "objected",
    (read(UNPROFILED, THE_MONTH),),
    "SELECT customer_id FROM unprofiled",
    grain=Grain.ALL,
)
"""Who may not be profiled as of the month, whatever held in the months before."""


class Wealth(NamedTuple):
    """The customers of a month: their inputs, and what they hold.

    `features` has customer_id, the `amounts` and the `traits`; `holdings` has customer_id,
    category, is_owed and amount.
    """

    features: pl.DataFrame
    holdings: pl.DataFrame
    amounts: tuple[str, ...]

    @property
    def is_known(self) -> bool:
        """Whether the source gives balances by product: of one category all would be alike."""
        return len(self.amounts) > 1


def wealth_of(engine: Engine, month: str) -> Wealth:
    """The inputs of the month's customers: those of the feature matrix, in the order of their ids.

    Args:
        engine: on the warehouse's connection.
        month: with a feature matrix.
    """
    traits = engine.frame(TRAITS_OF, Scope(month))
    holdings = engine.frame(HELD, Scope(month)).join(traits, on="customer_id", how="semi")
    holdings = holdings.with_columns(pl.col("amount").cast(pl.Float64))
    amounts = amount_columns(holdings)
    return Wealth(with_amounts(traits, holdings, amounts), holdings, amounts)


def without_objectors(wealth: Wealth, engine: Engine, month: str) -> Wealth:
    """The same without who may not be profiled as of a later month."""
    objected = engine.frame(OBJECTED, Scope(month))
    return wealth._replace(
        features=wealth.features.join(
            objected, on="customer_id", how="anti", maintain_order="left"
        ),
        holdings=wealth.holdings.join(
            objected, on="customer_id", how="anti", maintain_order="left"
        ),
    )


def column_of() -> pl.Expr:
    """The input that has the amount held, or owed, of a category."""
    side = pl.when("is_owed").then(pl.lit("owed_")).otherwise(pl.lit("held_"))
    return pl.concat_str(side, "category")


def amount_columns(holdings: pl.DataFrame) -> tuple[str, ...]:
    """The inputs that what is held and owed gives."""
    return tuple(holdings.select(column_of().alias("column").unique().sort())["column"])


def with_amounts(
    traits: pl.DataFrame, holdings: pl.DataFrame, columns: Sequence[str]
) -> pl.DataFrame:
    """The traits with what is held or owed of each category, 0 for none, and held altogether."""
    wide = (
        holdings.with_columns(column_of().alias("column"))
        .group_by("customer_id")
        .agg(
            *(
                pl.col("amount")
                .filter(pl.col("column") == name)
                .sum()
                .round(MONEY_SCALE)
                .alias(name)
                for name in columns
            ),
            pl.col("amount").filter(~pl.col("is_owed")).sum().round(MONEY_SCALE).alias(ASSETS),
        )
    )
    joined = traits.join(wide, on="customer_id", how="left", maintain_order="left")
    return joined.with_columns(pl.col(*columns, ASSETS).fill_null(0.0))
