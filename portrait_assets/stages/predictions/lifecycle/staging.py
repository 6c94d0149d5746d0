"""Which stage of the life cycle a customer is in at a month's end.

Stages are those of a product's life (T. Levitt 1965, "Exploit the product life cycle") applied to a
customer's: introduction, growth, maturity, dormancy and churn. A gap is held against the customer's
own usual one (D. Schmittlein, D. Morrison, R. Colombo 1987, "Counting your customers").
"""

from __future__ import annotations

from dataclasses import dataclass

from portrait_assets.stages.features.contract import FEATURE_MATRIX
from portrait_assets.stages.predictions.contract import PREDICTION
from portrait_assets.stages.targets.declared.outcomes import Targets
from portrait_assets.storage.duckdb.connection import literal
from portrait_assets.storage.steps import THE_MONTH, Grain, Scope, Step, read

SILENCE, SPEND = "silence", "spend"
"""The targets whose predictions tell stages apart."""


@dataclass(frozen=True)
class StageRule:
    """The numbers that divide the stages, with the reason for each."""

    new_days: int = 90
    """Days since joining below which a customer is introduced: three months of first offers."""
    churn_probability: float = 0.5
    """Of silence: staying away is likelier than coming back."""
    churn_odds: float = 3.0
    """Odds of silence against those of all customers: where most customers buy seldom, a month
    without a purchase is likelier than one with, also of those who stay."""
    dormant_odds: float = 1.5
    """The same of dormancy, so that it fits those who buy weekly and those who buy twice a year."""
    churn_gaps: float = 3.0
    """Usual gaps that have passed since the last purchase; of an even rhythm 5 % are longer."""
    least_churn_days: int = 60
    """Days below which no gap is long: two months in which nothing was bought."""
    dormant_gaps: float = 2.0
    """The same of dormancy, where no probability is known yet."""
    least_dormant_days: int = 31
    unknown_gap_days: int = 30
    """The usual gap of those who bought on one day only."""
    mature_share: float = 0.5
    """Of those in no other stage, the half who are likeliest to be among those who spend most.
    While nothing is predicted it is the half with most spend of the month."""


RULE = StageRule()


def stages_step(targets: Targets) -> Step:
    """The stage of each customer of a month of whom a probability or a gap is known.

    Nobody has one where the source gives no transactions: who is away is then not known.

    Args:
        targets: of the source, whose predictions of silence and high spend are read.

    Returns:
        A step with `customer_id`, `stage`, `basis` and `joined_on`, which is null unless it is
        known to the day.
    """
    return Step(
        "stages",
        (read(FEATURE_MATRIX, THE_MONTH), read(PREDICTION, THE_MONTH)),
        lambda scope: _sql(targets, RULE, scope),
        grain=Grain.ALL,
    )


def _sql(targets: Targets, rule: StageRule, scope: Scope) -> str:
    gap = f"coalesce(days_between_purchases_12m, {rule.unknown_gap_days})"
    long = f"away_days > greatest({rule.least_churn_days}, {rule.churn_gaps} * {gap})"
    longer = f"away_days > greatest({rule.least_dormant_days}, {rule.dormant_gaps} * {gap})"
    dormant, gone = (_are_likelier(odds) for odds in (rule.dormant_odds, rule.churn_odds))
    others = "PARTITION BY earlier, place IS NULL ORDER BY"
    much = f"spend_1m > 0 AND percent_rank() OVER ({others} spend_1m DESC) <= {rule.mature_share}"
    likeliest = f"percent_rank() OVER ({others} place) <= {rule.mature_share}"
    # Exact, so that the sum does not depend on the order of the rows.
    everyone = "sum(CAST(p AS DECIMAL(18, 9))) OVER () / count(p) OVER ()"
    return f"""
    SELECT customer_id,
        coalesce(earlier, CASE WHEN coalesce(CASE WHEN place IS NULL THEN {much}
            ELSE {likeliest} END, false) THEN 'maturity' ELSE 'growth' END) AS stage,
        CASE WHEN p IS NULL THEN 'gaps' ELSE 'predictions' END AS basis,
        joined_on
    FROM (
        SELECT *,
            CASE WHEN coalesce(p >= {rule.churn_probability} AND {gone}, true) AND {long}
                    THEN 'churn'
                WHEN joined_on IS NOT NULL AND tenure_days < {rule.new_days} THEN 'introduction'
                WHEN coalesce({dormant}, {longer}) THEN 'dormancy' END AS earlier
        FROM (
            SELECT f.customer_id, f.tenure_days, f.days_between_purchases_12m, s.score AS p,
                f.spend_1m, h.rank AS place, {everyone} AS of_all,
                coalesce(f.recency_days, f.tenure_days) AS away_days,
                CASE WHEN NOT f.tenure_is_lower_bound
                    THEN {scope.day} - CAST(f.tenure_days AS INTEGER) END AS joined_on
            FROM feature_matrix AS f
            LEFT JOIN {_of(targets, SILENCE)} AS s USING (customer_id)
            LEFT JOIN {_of(targets, SPEND)} AS h USING (customer_id)
            WHERE f.purchases_12m IS NOT NULL
        )
        WHERE p IS NOT NULL OR days_between_purchases_12m IS NOT NULL OR away_days IS NOT NULL
    )
    ORDER BY customer_id
    """


def _are_likelier(odds: float) -> str:
    """Whether the odds of silence are at least so many times those of all customers."""
    # Where nobody is ever silent, nobody is likelier to be.
    return f"p > 0 AND p * (1 - of_all) >= {odds} * of_all * (1 - p)"


def _of(targets: Targets, code: str) -> str:
    """The predictions of a target, as a relation."""
    horizon = targets.derived[code].prediction_horizon or 0
    return f"(FROM prediction WHERE target = {literal(code)} AND horizon = {horizon})"


RULE_STAGES = """
    CASE WHEN NOT tenure_is_lower_bound AND tenure_days < 90 AND recency_days <= 92 THEN 'new'
        WHEN recency_days > 180 THEN 'lost'
        WHEN recency_days > 92 THEN 'dormant'
        WHEN spend_trend_3m >= 0.2 THEN 'growing'
        WHEN spend_trend_3m <= -0.2 THEN 'declining'
        WHEN spend_trend_3m > -0.2 THEN 'steady'
        ELSE 'unknown' END
"""
"""Stages by rules of one line over a row of the feature matrix: those to be better than."""


RULE_STAGES_STEP = Step(
    "rule_stages",
    (read(FEATURE_MATRIX, THE_MONTH),),
    f"SELECT as_of, customer_id, {RULE_STAGES} AS rule_stage FROM feature_matrix",
    grain=Grain.ALL,
)
"""The stage of each customer by rules alone, with `as_of`, `customer_id` and `rule_stage`."""
